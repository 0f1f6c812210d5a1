//! Functions over core axes: loops over the axes before them, which broadcast, around the body for one place.
//!
//! The body is the same steps that an ordinary call would make, on views of the arguments; its results are stored into
//! the place of theirs.

use super::node::{NodeId, NodeKind, Operand, Sel};
use super::shape::{Dim, Ext};
use super::{Binding, Lower, Scope};
use crate::hir::{Cores, Expr, InstanceId};
use hotloop_ir::{ArrayId, Op, Role, SlotId, Step, Type};
use hotloop_source::Span;

/// What a call over core axes needs at each place.
struct Call<'h> {
    id: InstanceId,
    args: Vec<Operand>,
    cores: &'h Cores,
    /// The axes that are looped over.
    outer: Vec<Dim>,
    /// The extent behind each letter.
    extents: Vec<Dim>,
    results: Vec<ArrayId>,
    span: Span,
}

impl<'h> Lower<'h> {
    /// The results of a function over core axes.
    pub fn over_cores(&mut self, id: InstanceId, args: &'h [Expr], cores: &'h Cores, span: Span) -> Vec<Operand> {
        let operands: Vec<Operand> = args.iter().map(|arg| self.operand(arg)).collect();
        let mut outer = Vec::new();
        for (operand, core) in operands.iter().zip(&cores.inputs) {
            if let Operand::Node(node) = *operand {
                self.materialize(node);
                let dims = self.node(node).dims.clone();
                outer.push(dims[..dims.len() - core.len()].to_vec());
            }
        }
        let outer = self.broadcast(&outer, span);
        let extents = self.letters(args, &operands, cores, span);
        let mut call = Call { id, args: operands, cores, outer, extents, results: Vec::new(), span };
        let results = match call.outer.is_empty() {
            true => self.at_place(&call, &[]),
            false => {
                self.over_places(&mut call);
                let shapes: Vec<Vec<Dim>> = call.cores.outputs.iter().map(|axes| call.result_dims(axes)).collect();
                let sources = call.results.iter().zip(shapes);
                sources.map(|(&array, dims)| Operand::Node(self.source(array, dims))).collect()
            }
        };
        call.args.iter().for_each(|&arg| self.release(arg));
        results
    }

    /// The extent behind each letter: that of the first argument with it, which the others must have too.
    fn letters(&mut self, args: &'h [Expr], operands: &[Operand], cores: &'h Cores, span: Span) -> Vec<Dim> {
        let mut extents: Vec<Option<Dim>> = vec![None; cores.letters.len()];
        for ((operand, core), arg) in operands.iter().zip(&cores.inputs).zip(args) {
            let Operand::Node(node) = *operand else { continue };
            let dims = self.node(node).dims.clone();
            let outer = dims.len() - core.len();
            for (axis, &letter) in (outer..).zip(core) {
                let name = &cores.letters[letter as usize];
                match extents[letter as usize] {
                    None => extents[letter as usize] = Some(Dim::known(dims[axis].extent)),
                    Some(first) => {
                        let subject = format!("{} ({name})", self.name_of(arg));
                        self.same_extent(dims[axis].extent, first.extent, axis as u32, subject.trim(), span);
                    }
                }
            }
        }
        extents.into_iter().map(|dim| dim.unwrap_or(Dim::known(Ext::Const(1)))).collect()
    }

    /// Loops over all places, outermost axis first.
    fn over_places(&mut self, call: &mut Call<'h>) {
        let types: Vec<Type> = self.hir.instance(call.id).results.iter().map(|ty| ty.elem).collect();
        for (axes, ty) in call.cores.outputs.iter().zip(types) {
            let dims = call.result_dims(axes);
            let array = self.alloc("mapped", ty, &dims, Role::Temp);
            call.results.push(array);
        }
        self.flush();
        self.loops(call, &mut Vec::new());
    }

    fn loops(&mut self, call: &Call<'h>, place: &mut Vec<SlotId>) {
        let Some(dim) = call.outer.get(place.len()) else {
            return self.one_place(call, place);
        };
        let [start, stop, step] = [Ext::Const(0), self.canon(dim.extent), Ext::Const(1)].map(|ext| self.ext_slot(ext));
        let index = self.new_slot("place", Type::I64);
        self.nonneg_slots.insert(index);
        self.step_scopes.push(Scope::Loop);
        let body = self.nested(|lower| {
            place.push(index);
            lower.loops(call, place);
            place.pop();
        });
        self.step_scopes.pop();
        self.push_step(Step::For { index, start, stop, step, body });
    }

    fn one_place(&mut self, call: &Call<'h>, place: &[SlotId]) {
        let results = self.at_place(call, place);
        for ((value, &array), axes) in results.into_iter().zip(&call.results).zip(&call.cores.outputs) {
            let mut sels: Vec<Sel> = place.iter().map(|&slot| fixed(Ext::Slot(slot))).collect();
            sels.extend((0..axes.len()).map(along));
            let dims: Vec<Dim> = axes.iter().map(|&letter| call.extents[letter as usize]).collect();
            self.store_selection(array, &sels, &dims, value, call.span);
        }
    }

    /// The body at one place; checks that its results have the promised extents.
    fn at_place(&mut self, call: &Call<'h>, place: &[SlotId]) -> Vec<Operand> {
        let instance = self.hir.instance(call.id);
        let mut bindings = Vec::new();
        for (&arg, core) in call.args.iter().zip(&call.cores.inputs) {
            bindings.push(match arg {
                Operand::Scalar(value) => Binding::Scalar(value),
                Operand::Node(node) => self.argument_at(node, core.len(), place),
            });
        }
        let span = self.place(call.span);
        self.push_frame(call.id, Some(span));
        for (&param, binding) in instance.params.iter().zip(bindings) {
            self.bind(param, binding);
        }
        let results = self.body_at_array_level(instance);
        self.frames.pop();
        for (which, (result, axes)) in results.iter().zip(&call.cores.outputs).enumerate() {
            let Operand::Node(node) = *result else { continue };
            let dims = self.node(node).dims.clone();
            for ((axis, dim), &letter) in dims.iter().enumerate().zip(axes) {
                let subject = format!("result {which} of {} ({})", instance.name, call.cores.letters[letter as usize]);
                let wanted = call.extents[letter as usize].extent;
                self.same_extent(dim.extent, wanted, axis as u32, &subject, call.span);
            }
        }
        results
    }

    /// What an argument is at one place: a view of its core axes, or an element.
    fn argument_at(&mut self, node: NodeId, core: usize, place: &[SlotId]) -> Binding {
        let dims = self.node(node).dims.clone();
        let outer = dims.len() - core;
        let skip = place.len().saturating_sub(outer);
        let mut sels = Vec::new();
        for (dim, &slot) in dims[..outer].iter().zip(&place[skip..]) {
            sels.push(fixed(self.broadcast_index(*dim, slot)));
        }
        sels.extend((0..core).map(along));
        let view = self.view(node, sels, dims[outer..].to_vec());
        if core > 0 {
            return Binding::Array(view);
        }
        let NodeKind::Source(array, sels) = self.node(view).kind.clone() else {
            return Binding::Unbound;
        };
        let elem = self.node(view).elem;
        let index = sels.iter().map(|sel| self.ext_pending(sel.start)).collect();
        let value = self.pending.b.load_at(array, index, elem);
        Binding::Scalar(self.hold("element", value))
    }

    /// The place along one axis of an argument whose extent may be 1.
    fn broadcast_index(&mut self, dim: Dim, slot: SlotId) -> Ext {
        match (dim.is_one(), dim.maybe_one) {
            (true, _) => Ext::Const(0),
            (false, false) => Ext::Slot(slot),
            (false, true) => {
                let factor = self.not_one(dim.extent);
                self.ext_op(Op::Mul, factor, Ext::Slot(slot))
            }
        }
    }
}

impl Call<'_> {
    fn result_dims(&self, axes: &[u32]) -> Vec<Dim> {
        let core = axes.iter().map(|&letter| self.extents[letter as usize]);
        self.outer.iter().copied().chain(core).collect()
    }
}

fn fixed(start: Ext) -> Sel {
    Sel { start, step: Ext::Const(0), dim: None }
}

fn along(dim: usize) -> Sel {
    Sel { start: Ext::Const(0), step: Ext::Const(1), dim: Some(dim) }
}
