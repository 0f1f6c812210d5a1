//! Arrays whose element type is known at run time only: made from scalars or from bytes.
//!
//! The one place in the program that goes from an element type to its Rust type.

use hotloop::{Array, Element, Scalar, Type};

/// Calls a generic function for the Rust type of an element type.
macro_rules! for_type {
    ($ty:expr, $function:ident($($arg:expr),*)) => {
        match $ty {
            hotloop::Type::Bool => $function::<bool>($($arg),*),
            hotloop::Type::I8 => $function::<i8>($($arg),*),
            hotloop::Type::I16 => $function::<i16>($($arg),*),
            hotloop::Type::I32 => $function::<i32>($($arg),*),
            hotloop::Type::I64 => $function::<i64>($($arg),*),
            hotloop::Type::U8 => $function::<u8>($($arg),*),
            hotloop::Type::U16 => $function::<u16>($($arg),*),
            hotloop::Type::U32 => $function::<u32>($($arg),*),
            hotloop::Type::U64 => $function::<u64>($($arg),*),
            hotloop::Type::F32 => $function::<f32>($($arg),*),
            hotloop::Type::F64 => $function::<f64>($($arg),*),
            hotloop::Type::F16 => $function::<hotloop::f16>($($arg),*),
            hotloop::Type::BF16 => $function::<hotloop::bf16>($($arg),*),
            hotloop::Type::C64 => $function::<hotloop::Complex<f32>>($($arg),*),
            hotloop::Type::C128 => $function::<hotloop::Complex<f64>>($($arg),*),
        }
    };
}
pub(crate) use for_type;

/// An array of these scalars, which are all of type `ty`.
pub fn array(ty: Type, scalars: &[Scalar], shape: &[usize]) -> Result<Array, String> {
    for_type!(ty, typed(scalars, shape))
}

fn typed<T: Element>(scalars: &[Scalar], shape: &[usize]) -> Result<Array, String> {
    let elements: Option<Vec<T>> = scalars.iter().map(|scalar| T::from_scalar(*scalar)).collect();
    let elements = elements.ok_or_else(|| format!("not all elements are of type `{}`", T::TYPE))?;
    Array::from_vec(elements, shape).map_err(|error| error.to_string())
}

/// Adds elements that are stored one after the other; `is_big` says that their first byte is the highest.
pub fn push_bytes<T: Element>(bytes: &[u8], is_big: bool, out: &mut Vec<T>) {
    out.extend(bytes.chunks_exact(T::TYPE.bytes()).filter_map(|chunk| {
        let mut bytes = [0; 16];
        bytes[..chunk.len()].copy_from_slice(chunk);
        if is_big {
            bytes[..chunk.len()].chunks_exact_mut(T::TYPE.part().bytes()).for_each(<[u8]>::reverse);
        }
        T::from_scalar(Scalar::from_bytes(T::TYPE, &bytes))
    }));
}
