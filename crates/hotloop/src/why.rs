//! Why a kernel takes the time it takes, as data: its passes over memory, how each is run, what was fused and what not.
//!
//! Read off the program after the passes; nothing is compiled or run, and nothing is measured. How it is shown belongs
//! to whoever shows it.

use crate::compile;
use crate::error::Error;
use crate::module::{Kernel, Prepared};
use hotloop_ir::program::{Inst, Stmt};
use hotloop_ir::{AxisKind, Extent, FoldOp, Lane, Nest, NestId, NoteKind, Program, Role, Shape, Step, Type, View};
use hotloop_sema::ArgType;
use hotloop_source::Span;

/// What becomes of a kernel for given types.
#[derive(Clone, Debug, PartialEq)]
pub struct Why {
    /// The kernel's name.
    pub kernel: String,
    /// Its passes over elements, in the order in which they stand in the program; scalar code is left out.
    pub nests: Vec<NestWhy>,
    /// Its matrix products, which the library computes.
    pub products: Vec<ProductWhy>,
    /// The arrays that exist only during a call.
    pub temporaries: Vec<TempWhy>,
    /// What was fused and what was not, and what keeps a pass from being fast.
    pub notes: Vec<NoteWhy>,
}

/// One pass over elements.
#[derive(Clone, Debug, PartialEq)]
pub struct NestWhy {
    /// Where it comes from in the source; detached where it is not one place.
    pub span: Span,
    /// The axes, outermost first: in which order their points may run, and their extent as a number or a name such as
    /// `x.0`, axis 0 of `x`.
    pub axes: Vec<(AxisKind, String)>,
    /// How lanes are laid over the points.
    pub shape: Shape,
    /// Points computed together; 1 is scalar code.
    pub lanes: u32,
    /// Whether it may be split over threads. Small ones are not, whatever this says.
    pub threads: bool,
    /// How many loops of the kernel it stands in.
    pub depth: u32,
    /// The reductions it makes.
    pub folds: Vec<(FoldOp, Type)>,
    /// What one point reads, writes and computes.
    pub traffic: Traffic,
}

/// What one point of a pass reads, writes and computes; what is the same for a whole row counts as nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Traffic {
    /// Bytes read from memory.
    pub bytes_read: u32,
    /// Bytes written.
    pub bytes_written: u32,
    /// Arithmetic operations, conversions included; the body of an inner loop counts once.
    pub operations: u32,
    /// Whether there are loops inside, so that a point does more than the numbers say.
    pub has_loops: bool,
}

/// A matrix product.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductWhy {
    /// Where it stands in the source.
    pub span: Span,
    /// The element type.
    pub ty: Type,
    /// The extents, as in [`NestWhy::axes`]: those that count matrices, rows, columns, and the summed one.
    pub axes: Vec<String>,
}

/// An array that exists only during a call.
#[derive(Clone, Debug, PartialEq)]
pub struct TempWhy {
    /// The user's name, or a made-up one.
    pub name: String,
    /// The element type.
    pub ty: Type,
    /// The extents, as in [`NestWhy::axes`].
    pub shape: Vec<String>,
}

/// One thing that passes did or could not do.
#[derive(Clone, Debug, PartialEq)]
pub struct NoteWhy {
    /// What; [`NoteKind::sentence`] says it in words.
    pub kind: NoteKind,
    /// The position in [`Why::nests`] of the pass it is about, if it is about one.
    pub nest: Option<usize>,
    /// The array it is about, or empty.
    pub subject: String,
    /// The place in the source.
    pub span: Span,
}

impl Kernel {
    /// What becomes of this kernel for arguments of these types.
    pub fn why(&self, types: &[ArgType]) -> Result<Why, Error> {
        compile::guarded(|| Ok(Why::of(&hotloop_passes::run(self.program(types)?))))
    }
}

impl Prepared {
    /// What becomes of the kernel for the types it was prepared for.
    pub fn why(&self) -> Result<Why, Error> {
        self.kernel().why(self.types())
    }
}

impl Why {
    fn of(program: &Program) -> Why {
        let mut found = Vec::new();
        nests_in(&program.steps, 0, &mut found);
        found.retain(|(id, _)| !program.nest(*id).axes.is_empty());
        let nest_at = |id: NestId| found.iter().position(|(other, _)| *other == id);
        let note = |note: &hotloop_ir::Note| NoteWhy {
            kind: note.kind,
            nest: note.nest.and_then(nest_at),
            subject: note.subject.clone(),
            span: note.span,
        };
        let mut temporaries = Vec::new();
        temps_in(program, &program.steps, &mut temporaries);
        let product = |product: &hotloop_ir::MatMul| ProductWhy {
            span: product.span,
            ty: program.array(product.c.array).ty,
            axes: product.axes.iter().map(|axis| extent_name(program, *axis)).collect(),
        };
        Why {
            products: program.products.iter().map(product).collect(),
            kernel: program.name.clone(),
            nests: found.iter().map(|(id, depth)| nest_why(program, program.nest(*id), *depth)).collect(),
            temporaries,
            notes: program.notes.iter().map(note).collect(),
        }
    }
}

/// Every nest and the number of loops around it.
fn nests_in(steps: &[Step], depth: u32, found: &mut Vec<(NestId, u32)>) {
    for step in steps {
        match step {
            Step::Nest(id) => found.push((*id, depth)),
            Step::If { then, otherwise, .. } => {
                nests_in(then, depth, found);
                nests_in(otherwise, depth, found);
            }
            Step::For { body, .. } | Step::Loop(body) => nests_in(body, depth + 1, found),
            Step::Block(body) => nests_in(body, depth, found),
            Step::Alloc(..) | Step::Free(_) | Step::MatMul(_) | Step::Break(_) | Step::Continue(_) => {}
        }
    }
}

fn temps_in(program: &Program, steps: &[Step], found: &mut Vec<TempWhy>) {
    for step in steps {
        match step {
            Step::Alloc(array, extents) if program.array(*array).role == Role::Temp => {
                let info = program.array(*array);
                let shape = extents.iter().map(|slot| extent_name(program, Extent::Slot(*slot))).collect();
                found.push(TempWhy { name: info.name.clone(), ty: info.ty, shape });
            }
            Step::If { then, otherwise, .. } => {
                temps_in(program, then, found);
                temps_in(program, otherwise, found);
            }
            Step::For { body, .. } | Step::Loop(body) | Step::Block(body) => temps_in(program, body, found),
            Step::Alloc(..) | Step::Free(_) | Step::MatMul(_) | Step::Nest(_) | Step::Break(_) | Step::Continue(_) => {}
        }
    }
}

fn extent_name(program: &Program, extent: Extent) -> String {
    match extent {
        Extent::Const(value) => value.to_string(),
        Extent::Slot(slot) => program.slot(slot).name.clone(),
    }
}

fn nest_why(program: &Program, nest: &Nest, depth: u32) -> NestWhy {
    let mut traffic = Traffic::default();
    count(program, nest, &nest.lane.body, &mut traffic);
    NestWhy {
        span: nest.span,
        axes: nest.axes.iter().map(|axis| (axis.kind, extent_name(program, axis.extent))).collect(),
        shape: nest.schedule.shape,
        lanes: nest.schedule.lanes.max(1),
        threads: nest.schedule.threads,
        depth,
        folds: nest.folds.iter().map(|fold| (fold.op, fold.ty)).collect(),
        traffic,
    }
}

/// Whether each point of a row has an element of its own.
fn moves(nest: &Nest, view: &View) -> bool {
    let last = nest.axes.len().checked_sub(1).map(|last| last as u32);
    view.dims.iter().any(|dim| dim.axis.is_some() && dim.axis == last)
}

fn count(program: &Program, nest: &Nest, region: &[Stmt], traffic: &mut Traffic) {
    let bytes = |array| program.array(array).ty.bytes() as u32;
    for stmt in region {
        match stmt {
            Stmt::Let(value) => count_inst(program, nest, &nest.lane, nest.lane.inst(*value), traffic),
            Stmt::Store(view, _) => {
                let view = &nest.views[view.index()];
                traffic.bytes_written += if moves(nest, view) { bytes(view.array) } else { 0 };
            }
            Stmt::StoreAt(array, ..) => traffic.bytes_written += bytes(*array),
            Stmt::Fold(..) => traffic.operations += 1,
            Stmt::For { .. } | Stmt::Loop(_) => traffic.has_loops = true,
            Stmt::Set(..)
            | Stmt::SetSlot(..)
            | Stmt::Check { .. }
            | Stmt::If { .. }
            | Stmt::Block(_)
            | Stmt::Break(_)
            | Stmt::Continue(_) => {}
        }
        for inner in stmt.regions() {
            count(program, nest, inner, traffic);
        }
    }
}

fn count_inst(program: &Program, nest: &Nest, lane: &Lane, inst: &Inst, traffic: &mut Traffic) {
    let bytes = |array| program.array(array).ty.bytes() as u32;
    match inst {
        Inst::Load(view) => {
            let view = &nest.views[view.index()];
            traffic.bytes_read += if moves(nest, view) { bytes(view.array) } else { 0 };
        }
        Inst::LoadAt(array, _) => traffic.bytes_read += bytes(*array),
        Inst::Op(..) | Inst::Convert(_) => {
            let varies = inst.operands().iter().any(|value| !is_given(lane.inst(*value)));
            traffic.operations += u32::from(varies);
        }
        Inst::Const(_) | Inst::Bitcast(_) | Inst::Axis(_) | Inst::Slot(_) | Inst::Local(_) | Inst::Extent(..) => {}
    }
}

/// Whether a value is the same for all points without being computed.
fn is_given(inst: &Inst) -> bool {
    matches!(inst, Inst::Const(_) | Inst::Slot(_) | Inst::Extent(..))
}
