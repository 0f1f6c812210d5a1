//! A reduction along rows with the elements of a row written out, and the tree over them.

use super::starts::Starts;
use super::{differing, walks};
use crate::fold::replace_operands;
use crate::guard::push;
use hotloop_ir::semantics::neutral;
use hotloop_ir::{
    Extent, Fold, FoldDest, Inst, Local, Nest, Op, Program, Region, Scalar, Stmt, Type, Value, View, ViewDim, ViewId,
};
use rustc_hash::FxHashMap;

/// The form in the making.
pub(super) struct Form {
    /// The nest, of which the body has what the elements of a row have in common.
    nest: Nest,
    /// The axis of the rows, which the nest no longer has.
    rows: u32,
    /// The most elements of a row.
    most: usize,
    /// What is computed for each element.
    own: Vec<Value>,
    /// The views that go along a row.
    walking: Vec<(ViewId, View)>,
    folds: Vec<Fold>,
    /// The value of an element, by fold.
    given: Vec<Value>,
    /// The variables with the partial results, by fold.
    partials: Vec<Vec<Local>>,
}

impl Form {
    pub(super) fn of(mut nest: Nest, most: usize) -> Form {
        let differs = differing(&nest);
        let walking = (0..nest.views.len() as u32).map(ViewId).filter(|&view| walks(&nest, view));
        let walking = walking.map(|view| (view, nest.views[view.index()].clone())).collect();
        let (mut own, mut given) = (Vec::new(), vec![Value(0); nest.folds.len()]);
        nest.lane.body.retain(|stmt| match stmt {
            Stmt::Let(value) if differs[value.index()] => {
                own.push(*value);
                false
            }
            Stmt::Fold(fold, value) => {
                given[fold.index()] = *value;
                false
            }
            _ => true,
        });
        let folds = std::mem::take(&mut nest.folds);
        nest.axes.pop();
        let rows = nest.axes.len() as u32;
        Form { nest, rows, most, own, walking, folds, given, partials: Vec::new() }
    }

    /// The finished nest.
    pub(super) fn written_out(mut self, starts: &mut Starts, program: &mut Program) -> Nest {
        let mut body = std::mem::take(&mut self.nest.lane.body);
        let count = match starts.extent {
            Extent::Const(count) => count as usize,
            Extent::Slot(_) => self.most,
        };
        // A row has at most twice as many elements as there are partial results, so each of those takes one or two.
        let width = (self.most / 2).min(count.next_power_of_two());
        self.begin(width, &mut body);
        let length = match starts.extent {
            Extent::Const(_) => None,
            Extent::Slot(extent) => Some(self.let_(Inst::Slot(extent), Type::I64, &mut body)),
        };
        let mut outer: Vec<(Region, Value)> = Vec::new();
        for element in 0..count {
            if let (Some(length), 1..) = (length, element) {
                let more = self.is_below(element, length, &mut body);
                outer.push((std::mem::take(&mut body), more));
            }
            let views = self.views_of(element, starts, program);
            self.element(element, &views, &mut body);
        }
        // Where there is no element of a number, there is none of the next one either.
        while let Some((mut before, cond)) = outer.pop() {
            before.push(Stmt::If { cond, then: body, otherwise: Vec::new() });
            body = before;
        }
        self.tree(&mut body);
        self.nest.lane.body = body;
        self.nest
    }

    /// Makes the partial results, which nothing has been combined with yet.
    fn begin(&mut self, width: usize, region: &mut Region) {
        for fold in 0..self.folds.len() {
            let Fold { op, ty, .. } = self.folds[fold];
            let nothing = self.let_(Inst::Const(neutral(op, ty)), ty, region);
            let first = self.nest.lane.locals.len() as u32;
            let partials: Vec<Local> = (first..first + width as u32).map(Local).collect();
            self.nest.lane.locals.resize(first as usize + width, ty);
            region.extend(partials.iter().map(|&partial| Stmt::Set(partial, nothing)));
            self.partials.push(partials);
        }
    }

    fn is_below(&mut self, element: usize, count: Value, region: &mut Region) -> Value {
        let number = self.let_(Inst::Const(Scalar::i64(element as i64)), Type::I64, region);
        self.let_(Inst::Op(Op::Lt, [number, count, number]), Type::Bool, region)
    }

    /// The views of one element, by those of the row that they stand for. The first element takes their places.
    fn views_of(&mut self, element: usize, starts: &mut Starts, program: &mut Program) -> FxHashMap<ViewId, ViewId> {
        let mut views = FxHashMap::default();
        for (walking, view) in &self.walking {
            let mut view = view.clone();
            for dim in view.dims.iter_mut().filter(|dim| dim.axis == Some(self.rows)) {
                let start = starts.of(*dim, element, program);
                *dim = ViewDim { start, step: Extent::Const(0), axis: None, full: false };
            }
            if element == 0 {
                self.nest.views[walking.index()] = view;
                views.insert(*walking, *walking);
            } else {
                views.insert(*walking, ViewId(self.nest.views.len() as u32));
                self.nest.views.push(view);
            }
        }
        views
    }

    /// Computes an element and gives it to its partial results.
    fn element(&mut self, element: usize, views: &FxHashMap<ViewId, ViewId>, region: &mut Region) {
        let mut same: Vec<Value> = (0..self.nest.lane.values.len() as u32).map(Value).collect();
        for value in self.own.clone() {
            let mut inst = match self.nest.lane.inst(value) {
                Inst::Load(view) => Inst::Load(views.get(view).copied().unwrap_or(*view)),
                Inst::Axis(axis) if *axis == self.rows => Inst::Const(Scalar::i64(element as i64)),
                inst => inst.clone(),
            };
            replace_operands(&mut inst, &same);
            same[value.index()] = self.let_(inst, self.nest.lane.ty(value), region);
        }
        for fold in 0..self.folds.len() {
            let Fold { op, ty, .. } = self.folds[fold];
            let value = same[self.given[fold].index()];
            let partial = self.partials[fold][element % self.partials[fold].len()];
            let before = self.let_(Inst::Local(partial), ty, region);
            let after = self.let_(Inst::Op(op.op(), [before, value, before]), ty, region);
            region.push(Stmt::Set(partial, after));
        }
    }

    /// Combines the partial results by halves and stores what comes out.
    fn tree(&mut self, region: &mut Region) {
        for fold in 0..self.folds.len() {
            let Fold { op, ty, dest } = self.folds[fold];
            let FoldDest::View(dest) = dest else { continue };
            let partials = std::mem::take(&mut self.partials[fold]);
            let mut parts: Vec<Value> =
                partials.into_iter().map(|partial| self.let_(Inst::Local(partial), ty, region)).collect();
            while parts.len() > 1 {
                let right = parts.split_off(parts.len() / 2);
                for (left, right) in parts.iter_mut().zip(right) {
                    *left = self.let_(Inst::Op(op.op(), [*left, right, *left]), ty, region);
                }
            }
            region.extend(parts.first().map(|&result| Stmt::Store(dest, result)));
        }
    }

    fn let_(&mut self, inst: Inst, ty: Type, region: &mut Region) -> Value {
        let value = push(&mut self.nest.lane, inst, ty);
        region.push(Stmt::Let(value));
        value
    }
}
