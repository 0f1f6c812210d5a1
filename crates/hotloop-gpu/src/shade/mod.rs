//! From nests to shaders: one compute shader per nest, built as naga IR. Pure: no device is needed.
//!
//! Reading order: `types` (how values stand in registers and buffers), `params` (what the host passes), `code` (the
//! function under construction), `ops`, `float` and `convert` (values), `lane` (the code of one point), `entry` (which
//! invocation runs which points), `fold` (reductions), `product` (matrix products).

mod code;
mod convert;
mod entry;
mod float;
mod fold;
mod lane;
mod ops;
pub(crate) mod params;
mod product;
mod types;
mod whole;

pub(crate) use entry::shade;
pub(crate) use fold::{combiner, over_all as fold_all};
pub(crate) use product::{TILE, domain, product};
pub(crate) use types::stored_bytes;

use hotloop_ir::{ArrayId, FoldId, Nest, Program, SlotId, Stmt, Type};
use naga::{AddressSpace, GlobalVariable, Handle, Module, ResourceBinding, Span, StorageAccess};

/// Invocations in a workgroup, where nothing else decides.
pub(crate) const WORKGROUP: u32 = 256;
/// The most workgroups of a dispatch that keeps fault records.
pub(crate) const CHECKED_GROUPS: u32 = 1024;
/// 32-bit words of one fault record: the dispatch's number, point, site, and two numbers and an element
/// of two words each.
pub(crate) const FAULT_WORDS: u32 = 9;

/// What a storage buffer of a shader holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Buffer {
    /// The parameter block.
    Params,
    /// The slots that shaders write: two words each.
    Slots,
    /// The first faulting dispatch, then a record per workgroup.
    Faults,
    /// The partial results of a fold, one per block.
    Partials(FoldId),
    /// The elements of an array.
    Array(ArrayId),
}

/// How the points of a nest are spread over invocations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spread {
    /// A point each, or in strides of the whole grid where faults are recorded.
    Points,
    /// A workgroup per block of a reduction, of so many invocations.
    Blocks(u32),
}

/// A shader and what the host must know to run it.
#[derive(Clone, Debug)]
pub(crate) struct Shader {
    /// The code; its entry is `main`.
    pub(crate) module: Module,
    /// What to bind, in the order of the bindings, and whether it is written.
    pub(crate) buffers: Vec<(Buffer, bool)>,
    /// Where the parameters stand.
    pub(crate) params: params::ParamLayout,
    /// How points are spread.
    pub(crate) spread: Spread,
    /// Whether the shader can fault.
    pub(crate) checked: bool,
    /// The slots it writes.
    pub(crate) sets: Vec<SlotId>,
}

/// The global variables of a module, made as they are needed.
struct Globals<'a> {
    module: &'a mut Module,
    buffers: Vec<(Buffer, bool, Handle<GlobalVariable>)>,
}

impl<'a> Globals<'a> {
    fn new(module: &'a mut Module) -> Globals<'a> {
        Globals { module, buffers: Vec::new() }
    }

    /// The variable of a buffer, with its element type.
    fn buffer(&mut self, buffer: Buffer, element: Handle<naga::Type>, written: bool) -> Handle<GlobalVariable> {
        if let Some((_, _, known)) = self.buffers.iter().find(|(known, ..)| *known == buffer) {
            return *known;
        }
        let access = if written { StorageAccess::LOAD | StorageAccess::STORE } else { StorageAccess::LOAD };
        let binding = self.buffers.len() as u32;
        let variable = GlobalVariable {
            name: Some(name(buffer)),
            space: AddressSpace::Storage { access },
            binding: Some(ResourceBinding { group: 0, binding }),
            ty: types::array_type(self.module, element, None),
            init: None,
            memory_decorations: naga::MemoryDecorations::empty(),
        };
        let handle = self.module.global_variables.append(variable, Span::UNDEFINED);
        self.buffers.push((buffer, written, handle));
        handle
    }

    /// A variable of one invocation or of a workgroup.
    fn variable(&mut self, name: &str, space: AddressSpace, ty: Handle<naga::Type>) -> Handle<GlobalVariable> {
        let variable = GlobalVariable {
            name: Some(name.to_owned()),
            space,
            binding: None,
            ty,
            init: None,
            memory_decorations: naga::MemoryDecorations::empty(),
        };
        self.module.global_variables.append(variable, Span::UNDEFINED)
    }

    /// What is bound, in order.
    fn bound(&self) -> Vec<(Buffer, bool)> {
        self.buffers.iter().map(|(buffer, written, _)| (*buffer, *written)).collect()
    }
}

fn name(buffer: Buffer) -> String {
    match buffer {
        Buffer::Params => "params".to_owned(),
        Buffer::Slots => "slots".to_owned(),
        Buffer::Faults => "faults".to_owned(),
        Buffer::Partials(fold) => format!("partials_{}", fold.0),
        Buffer::Array(array) => format!("array_{}", array.0),
    }
}

/// Whether a nest can fault.
fn can_fault(nest: &Nest) -> bool {
    let mut found = false;
    params::walk(&nest.lane.body, &mut |stmt| found |= matches!(stmt, Stmt::Check { .. }));
    found
}

/// The slots that a nest writes.
fn sets(nest: &Nest) -> Vec<SlotId> {
    let mut found = Vec::new();
    params::walk(&nest.lane.body, &mut |stmt| {
        if let Stmt::SetSlot(slot, _) = stmt {
            found.push(*slot);
        }
    });
    found
}

/// The arrays that a nest stores to or folds into.
fn written(nest: &Nest) -> Vec<ArrayId> {
    let mut found: Vec<ArrayId> = Vec::new();
    params::walk(&nest.lane.body, &mut |stmt| match stmt {
        Stmt::Store(view, _) => found.push(nest.views[view.index()].array),
        Stmt::StoreAt(array, ..) => found.push(*array),
        Stmt::Let(_)
        | Stmt::Set(..)
        | Stmt::SetSlot(..)
        | Stmt::Fold(..)
        | Stmt::Check { .. }
        | Stmt::If { .. }
        | Stmt::For { .. }
        | Stmt::Loop(_)
        | Stmt::Block(_)
        | Stmt::Break(_)
        | Stmt::Continue(_) => {}
    });
    found
}

/// The arrays with elements at computed indices.
pub(crate) fn computed(nest: &Nest) -> Vec<ArrayId> {
    let mut found: Vec<ArrayId> = Vec::new();
    for inst in &nest.lane.values {
        if let hotloop_ir::Inst::LoadAt(array, _) = inst {
            found.push(*array);
        }
    }
    params::walk(&nest.lane.body, &mut |stmt| {
        if let Stmt::StoreAt(array, ..) = stmt {
            found.push(*array);
        }
    });
    found
}

/// The element types a nest touches, for the check against what a device has.
pub(crate) fn types_of(program: &Program, nest: &Nest) -> Vec<Type> {
    let lane = &nest.lane;
    let arrays = nest.views.iter().map(|view| program.array(view.array).ty);
    let mut found: Vec<Type> = lane.types.iter().chain(&lane.locals).copied().chain(arrays).collect();
    found.extend(nest.folds.iter().map(|fold| fold.ty));
    found.sort_unstable();
    found.dedup();
    found
}
