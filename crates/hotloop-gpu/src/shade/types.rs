//! How element types stand in shaders: in registers, in buffers, and what the device must have for them.
//!
//! Integers narrower than 32 bits live in 32-bit registers, extended by their sign or by zeros; a bool in memory is a
//! `u32`. So an element takes 4 or 8 bytes in a buffer.

use hotloop_ir::{Class, Type};
use naga::{Handle, Module, Scalar, ScalarKind, Span, TypeInner};

/// The scalar a register holds a value in.
pub(crate) const fn register(ty: Type) -> Scalar {
    match ty {
        Type::Bool => Scalar::BOOL,
        Type::I8 | Type::I16 | Type::I32 => Scalar::I32,
        Type::U8 | Type::U16 | Type::U32 | Type::F16 | Type::BF16 => Scalar::U32,
        Type::I64 => Scalar::I64,
        Type::U64 => Scalar::U64,
        Type::F32 => Scalar::F32,
        Type::F64 => Scalar::F64,
        Type::C64 | Type::C128 => panic!("programs have no complex types"),
    }
}

/// The scalar a buffer holds a value in.
pub(crate) const fn memory(ty: Type) -> Scalar {
    match ty.class() {
        Class::Bool => Scalar::U32,
        Class::Signed | Class::Unsigned | Class::Float | Class::Half | Class::Complex => register(ty),
    }
}

/// Bytes one element takes in a buffer.
pub(crate) const fn stored_bytes(ty: Type) -> usize {
    memory(ty).width as usize
}

/// The kind of a register.
pub(crate) const fn kind(ty: Type) -> ScalarKind {
    register(ty).kind
}

/// A scalar type of the module.
pub(crate) fn scalar_type(module: &mut Module, scalar: Scalar) -> Handle<naga::Type> {
    module.types.insert(naga::Type { name: None, inner: TypeInner::Scalar(scalar) }, Span::UNDEFINED)
}

/// An array type of the module; without a length it is a buffer.
pub(crate) fn array_type(module: &mut Module, base: Handle<naga::Type>, length: Option<u32>) -> Handle<naga::Type> {
    let stride = match module.types[base].inner {
        TypeInner::Scalar(scalar) | TypeInner::Atomic(scalar) => u32::from(scalar.width),
        _ => 4,
    };
    let size = match length.and_then(std::num::NonZeroU32::new) {
        Some(length) => naga::ArraySize::Constant(length),
        None => naga::ArraySize::Dynamic,
    };
    module.types.insert(naga::Type { name: None, inner: TypeInner::Array { base, size, stride } }, Span::UNDEFINED)
}
