//! Extents: arithmetic on them, what is known to be equal, broadcasting and slices.
//!
//! An extent is known now or held by a slot. The same computation asked for twice gives the same slot, and extents that
//! a check has found equal count as one, so that most shapes are compared while lowering and few at run time.

use super::{Lower, Ref};
use crate::hir;
use hotloop_ir::{FaultKind, Op, Scalar, SlotId, Stmt, Type, Value};
use hotloop_source::Span;
use rustc_hash::FxHashMap as HashMap;

/// A whole number of the array level.
pub(crate) type Ext = hotloop_ir::Extent;

/// One axis of an array value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Dim {
    /// The number of elements.
    pub extent: Ext,
    /// Whether it may turn out to be 1 at run time and then broadcasts. Never set for extents known to be or not be 1.
    pub maybe_one: bool,
}

impl Dim {
    /// An extent that is either the constant 1 or known not to be 1.
    pub fn known(extent: Ext) -> Dim {
        Dim { extent, maybe_one: false }
    }

    /// An extent that comes from a computation.
    pub fn computed(extent: Ext) -> Dim {
        Dim { extent, maybe_one: matches!(extent, Ext::Slot(_)) }
    }

    /// Whether it is known to be 1.
    pub fn is_one(self) -> bool {
        self.extent == Ext::Const(1)
    }
}

/// A computation on extents, for finding the same one again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// A core op.
    Op(Op, Ext, Ext),
    /// `max(n - k, 0)`
    Shorter(Ext, i64),
    /// A slice bound clamped to `low ..= high` after negative ones count from the end.
    Bound(Ext, Ext),
    /// The number of steps from one bound to another.
    Steps(Ext, Ext, i64),
    /// 1 if the extent is not 1, else 0.
    NotOne(Ext),
    /// The second where the first is 1, else the first.
    Wider(Ext, Ext),
}

/// What is known of extents at this point. Cloned where control flow branches.
#[derive(Clone, Debug, Default)]
pub(crate) struct ShapeFacts {
    computed: HashMap<Key, Ext>,
    equal: HashMap<Ext, Ext>,
}

impl<'h> Lower<'h> {
    /// The representative of all extents known to be equal to this one.
    pub fn canon(&self, mut extent: Ext) -> Ext {
        while let Some(next) = self.facts.equal.get(&extent) {
            extent = *next;
        }
        extent
    }

    pub fn unite(&mut self, a: Ext, b: Ext) {
        let (a, b) = (self.canon(a), self.canon(b));
        match (a, b) {
            _ if a == b => {}
            (Ext::Const(_), _) => drop(self.facts.equal.insert(b, a)),
            (Ext::Slot(_), _) => drop(self.facts.equal.insert(a, b)),
        }
    }

    /// The extent as a value of the pending lane.
    pub fn ext_pending(&mut self, extent: Ext) -> Value {
        self.pending_used = true;
        match extent {
            Ext::Const(value) => self.pending.b.const_(Scalar::i64(value)),
            Ext::Slot(slot) => self.pending.b.slot(slot, Type::I64),
        }
    }

    /// The extent as a value of the lane at hand.
    pub fn ext_value(&mut self, extent: Ext) -> Value {
        match extent {
            Ext::Const(value) => self.b().const_(Scalar::i64(value)),
            Ext::Slot(slot) => self.b().slot(slot, Type::I64),
        }
    }

    /// The extent as a scalar.
    pub fn ext_ref(extent: Ext) -> Ref {
        match extent {
            Ext::Const(value) => Ref::Const(Scalar::i64(value)),
            Ext::Slot(slot) => Ref::Slot(slot),
        }
    }

    /// A scalar `i64` as an extent.
    pub fn ref_ext(value: Ref) -> Ext {
        match value {
            Ref::Const(scalar) => Ext::Const(scalar.as_i64()),
            Ref::Slot(slot) => Ext::Slot(slot),
        }
    }

    /// A slot with the extent, as allocation steps need it.
    pub fn ext_slot(&mut self, extent: Ext) -> SlotId {
        match extent {
            Ext::Slot(slot) => slot,
            Ext::Const(_) => {
                let value = self.ext_pending(extent);
                let slot = self.new_slot("extent", Type::I64);
                self.set_pending(slot, value);
                slot
            }
        }
    }

    fn compute(&mut self, key: Key, make: impl FnOnce(&mut Self) -> Value) -> Ext {
        if let Some(known) = self.facts.computed.get(&key) {
            return *known;
        }
        let value = make(self);
        let slot = self.new_slot("extent", Type::I64);
        self.set_pending(slot, value);
        self.nonneg_slots.insert(slot);
        self.facts.computed.insert(key, Ext::Slot(slot));
        Ext::Slot(slot)
    }

    pub fn pending_op(&mut self, op: Op, args: &[Value]) -> Value {
        self.pending_used = true;
        self.pending.b.op(op, args)
    }

    /// An op on two whole numbers, folded if both are known. The result need not be an extent.
    pub fn ext_op(&mut self, op: Op, a: Ext, b: Ext) -> Ext {
        match (op, a, b) {
            (_, Ext::Const(x), Ext::Const(y)) => {
                let result = hotloop_ir::semantics::eval(op, &[Scalar::i64(x), Scalar::i64(y)]);
                return Ext::Const(result.as_i64());
            }
            (Op::Add, Ext::Const(0), other) | (Op::Add | Op::Sub, other, Ext::Const(0)) => {
                return other;
            }
            (Op::Mul, Ext::Const(1), other) | (Op::Mul, other, Ext::Const(1)) => return other,
            (Op::Mul, Ext::Const(0), _) | (Op::Mul, _, Ext::Const(0)) => return Ext::Const(0),
            _ => {}
        }
        let key = Key::Op(op, a, b);
        if let Some(known) = self.facts.computed.get(&key) {
            return *known;
        }
        let (x, y) = (self.ext_pending(a), self.ext_pending(b));
        let value = self.pending_op(op, &[x, y]);
        let slot = self.new_slot("number", Type::I64);
        self.set_pending(slot, value);
        self.facts.computed.insert(key, Ext::Slot(slot));
        Ext::Slot(slot)
    }

    /// The number of elements of a shape.
    pub fn product(&mut self, dims: &[Dim]) -> Ext {
        dims.iter().fold(Ext::Const(1), |count, dim| self.ext_op(Op::Mul, count, dim.extent))
    }

    /// Faults unless the bool value of the pending lane is true.
    pub fn pending_check(&mut self, kind: FaultKind, cond: Value, shows: [Value; 2], span: Span, subject: &str) {
        let site = self.site(kind, span, subject, 0);
        self.pending_used = true;
        self.pending.b.push(Stmt::Check { cond, site, shows, at: None });
    }

    /// The shape of an element-wise result; checks at run time what is not known.
    pub fn broadcast(&mut self, shapes: &[Vec<Dim>], span: Span) -> Vec<Dim> {
        let rank = shapes.iter().map(Vec::len).max().unwrap_or(0);
        let mut result = vec![Dim::known(Ext::Const(1)); rank];
        for shape in shapes {
            let skip = rank - shape.len();
            for (i, &dim) in shape.iter().enumerate() {
                result[skip + i] = self.meet(result[skip + i], dim, (skip + i) as u32, span);
            }
        }
        result
    }

    /// The extent of two axes that meet in an element-wise operation.
    fn meet(&mut self, a: Dim, b: Dim, axis: u32, span: Span) -> Dim {
        if b.is_one() || self.canon(a.extent) == self.canon(b.extent) {
            return if a.maybe_one && !b.maybe_one && !b.is_one() { b } else { a };
        }
        if a.is_one() {
            return b;
        }
        let (x, y) = (self.ext_pending(a.extent), self.ext_pending(b.extent));
        let one = self.ext_pending(Ext::Const(1));
        let mut fits = self.pending_op(Op::Eq, &[x, y]);
        for (dim, value) in [(a, x), (b, y)] {
            if dim.maybe_one {
                let is_one = self.pending_op(Op::Eq, &[value, one]);
                fits = self.pending_op(Op::Or, &[fits, is_one]);
            }
        }
        self.shape_check([a.extent, b.extent], fits, axis, span);
        match (a.maybe_one, b.maybe_one) {
            (false, false) => {
                self.unite(a.extent, b.extent);
                a
            }
            (false, true) => a,
            (true, false) => b,
            (true, true) => {
                let extent = self.compute(Key::Wider(a.extent, b.extent), |lower| {
                    let is_one = lower.pending_op(Op::Eq, &[x, one]);
                    lower.pending_op(Op::Select, &[is_one, y, x])
                });
                Dim { extent, maybe_one: true }
            }
        }
    }

    /// Faults unless two extents fit. Where one is that of an array the caller passed, the message is about its axis.
    pub fn shape_check(&mut self, [found, wanted]: [Ext; 2], fits: Value, axis: u32, span: Span) {
        let (x, y) = (self.ext_pending(found), self.ext_pending(wanted));
        let (shows, (subject, axis)) = match (self.owner(found), self.owner(wanted)) {
            (Some(owner), _) => ([x, y], owner),
            (None, Some(owner)) => ([y, x], owner),
            (None, None) => ([x, y], (String::new(), axis)),
        };
        let site = self.site(FaultKind::Shape, span, &subject, axis);
        self.pending.b.push(Stmt::Check { cond: fits, site, shows, at: None });
    }

    /// The parameter, and the axis of it, whose extent this is.
    fn owner(&self, extent: Ext) -> Option<(String, u32)> {
        let Ext::Slot(_) = extent else { return None };
        let params = self.program.params.iter().filter_map(|param| match param {
            hotloop_ir::Param::Array(array) => Some(*array),
            hotloop_ir::Param::Scalar(_) | hotloop_ir::Param::Pair(_) => None,
        });
        params.into_iter().find_map(|array| {
            let axis = self.array_dims[array.index()].iter().position(|&own| own == extent)?;
            Some((self.program.array(array).name.clone(), axis as u32))
        })
    }

    /// Checks that a value's shape fits a place's, which it may broadcast to.
    pub fn fits_into(&mut self, value: &[Dim], place: &[Dim], span: Span) {
        let skip = place.len().saturating_sub(value.len());
        for (i, &dim) in value.iter().enumerate() {
            let wanted = place[skip + i];
            if dim.is_one() || self.canon(dim.extent) == self.canon(wanted.extent) {
                continue;
            }
            let (x, y) = (self.ext_pending(dim.extent), self.ext_pending(wanted.extent));
            let mut fits = self.pending_op(Op::Eq, &[x, y]);
            if dim.maybe_one {
                let one = self.ext_pending(Ext::Const(1));
                let is_one = self.pending_op(Op::Eq, &[x, one]);
                fits = self.pending_op(Op::Or, &[fits, is_one]);
            }
            self.shape_check([dim.extent, wanted.extent], fits, (skip + i) as u32, span);
            if !dim.maybe_one {
                self.unite(dim.extent, wanted.extent);
            }
        }
    }

    /// `ext_op` for a result that is known not to be negative.
    pub fn extent_op(&mut self, op: Op, a: Ext, b: Ext) -> Ext {
        let result = self.ext_op(op, a, b);
        if let Ext::Slot(slot) = result {
            self.nonneg_slots.insert(slot);
        }
        result
    }

    /// The factor that turns a coordinate into 0 where the extent is 1 at run time.
    pub fn not_one(&mut self, extent: Ext) -> Ext {
        let value = self.ext_pending(extent);
        self.compute(Key::NotOne(extent), |lower| {
            let one = lower.ext_pending(Ext::Const(1));
            let differs = lower.pending_op(Op::Ne, &[value, one]);
            lower.pending.b.convert(Type::I64, differs)
        })
    }

    /// A slice of an axis: its first index, its step and its extent.
    pub fn slice(&mut self, axis: Dim, start: Option<Ext>, stop: Option<Ext>, step: i64) -> (Ext, Ext, Dim) {
        let n = self.canon(axis.extent);
        if step == 1
            && let Some((start, dim)) = self.shorter(axis, n, start, stop)
        {
            return (start, Ext::Const(1), dim);
        }
        // Bounds are clamped to 0 ..= n for rising slices and to -1 ..= n-1 for falling ones, as in Python.
        let (low, high) = if step > 0 { (0, 0) } else { (-1, -1) };
        let high = self.ext_op(Op::Add, n, Ext::Const(high));
        let (first, last) = if step > 0 { (Ext::Const(0), n) } else { (high, Ext::Const(-1)) };
        let first = start.map_or(first, |start| self.bound(start, n, low, high));
        let last = stop.map_or(last, |stop| self.bound(stop, n, low, high));
        let extent = self.steps(first, last, step);
        (first, Ext::Const(step), Dim::computed(extent))
    }

    /// `a[i:-k]` for literal `i >= 0` and `k >= 0`: the extent is `max(n - i - k, 0)`, one slot for all ways to write it.
    /// Such slices keep the axis but for its ends, so they do not broadcast where one element happens to be left.
    fn shorter(&mut self, axis: Dim, n: Ext, start: Option<Ext>, stop: Option<Ext>) -> Option<(Ext, Dim)> {
        let first = match start {
            None => 0,
            Some(Ext::Const(start)) if start >= 0 => start,
            Some(_) => return None,
        };
        let cut = match stop {
            None => 0,
            Some(Ext::Const(stop)) if stop < 0 => -stop,
            Some(_) => return None,
        };
        if first == 0 && cut == 0 {
            return Some((Ext::Const(0), axis));
        }
        let less = first.checked_add(cut)?;
        if let Ext::Const(n) = n {
            return Some((Ext::Const(first), Dim::computed(Ext::Const(n.saturating_sub(less).max(0)))));
        }
        let value = self.ext_pending(n);
        let extent = self.compute(Key::Shorter(n, less), |lower| {
            let (less, zero) = (lower.ext_pending(Ext::Const(less)), lower.ext_pending(Ext::Const(0)));
            let rest = lower.pending_op(Op::Sub, &[value, less]);
            lower.pending_op(Op::Max, &[rest, zero])
        });
        Some((Ext::Const(first), Dim { extent, maybe_one: axis.maybe_one }))
    }

    /// A slice bound: negative ones count from the end, then it is clamped.
    fn bound(&mut self, bound: Ext, n: Ext, low: i64, high: Ext) -> Ext {
        if let (Ext::Const(bound), Ext::Const(n), Ext::Const(high)) = (bound, n, high) {
            let bound = if bound < 0 { bound.saturating_add(n) } else { bound };
            return Ext::Const(bound.min(high).max(low));
        }
        let key = Key::Bound(bound, high);
        if let Some(known) = self.facts.computed.get(&key) {
            return *known;
        }
        let (value, n) = (self.ext_pending(bound), self.ext_pending(n));
        let (zero, low_value, high_value) =
            (self.ext_pending(Ext::Const(0)), self.ext_pending(Ext::Const(low)), self.ext_pending(high));
        let negative = self.pending_op(Op::Lt, &[value, zero]);
        let from_end = self.pending_op(Op::Add, &[value, n]);
        let value = self.pending_op(Op::Select, &[negative, from_end, value]);
        let value = self.pending_op(Op::Min, &[value, high_value]);
        let value = self.pending_op(Op::Max, &[value, low_value]);
        let slot = self.new_slot("bound", Type::I64);
        self.set_pending(slot, value);
        if low == 0 {
            self.nonneg_slots.insert(slot);
        }
        self.facts.computed.insert(key, Ext::Slot(slot));
        Ext::Slot(slot)
    }

    /// The number of steps from one bound to another: `max(ceil((last - first) / step), 0)`.
    fn steps(&mut self, first: Ext, last: Ext, step: i64) -> Ext {
        if let (Ext::Const(first), Ext::Const(last)) = (first, last) {
            return Ext::Const(range_len(first, last, step));
        }
        if (first, step) == (Ext::Const(0), 1) && self.is_nonneg_slot(last) {
            return last;
        }
        let (x, y) = (self.ext_pending(first), self.ext_pending(last));
        self.compute(Key::Steps(first, last, step), |lower| {
            let zero = lower.ext_pending(Ext::Const(0));
            let back = lower.pending_op(Op::Sub, &[x, y]);
            let divisor = lower.ext_pending(Ext::Const(step));
            let steps = lower.pending_op(Op::FloorDiv, &[back, divisor]);
            let steps = lower.pending_op(Op::Neg, &[steps]);
            lower.pending_op(Op::Max, &[steps, zero])
        })
    }

    fn is_nonneg_slot(&self, extent: Ext) -> bool {
        match extent {
            Ext::Const(value) => value >= 0,
            Ext::Slot(slot) => self.nonneg_slots.contains(&slot),
        }
    }

    /// The number of turns of a range whose bounds are extents; checks that the step is not 0.
    pub fn range_count(&mut self, start: Ext, stop: Ext, step: Ext, span: Span) -> Ext {
        match step {
            Ext::Const(0) | Ext::Slot(_) => {
                let (value, zero) = (self.ext_pending(step), self.ext_pending(Ext::Const(0)));
                let cond = self.pending_op(Op::Ne, &[value, zero]);
                self.pending_check(FaultKind::ZeroStep, cond, [zero, zero], span, "");
            }
            Ext::Const(_) => {}
        }
        if let (Ext::Const(start), Ext::Const(stop), Ext::Const(step)) = (start, stop, step) {
            return Ext::Const(range_len(start, stop, step));
        }
        if step == Ext::Const(1) {
            return match (start, self.is_nonneg_slot(stop)) {
                (Ext::Const(0), true) => stop,
                (_, _) => self.steps_up(start, stop),
            };
        }
        let back = self.ext_op(Op::Sub, start, stop);
        let steps = self.ext_op(Op::FloorDiv, back, step);
        let count = self.ext_op(Op::Sub, Ext::Const(0), steps);
        let count = self.ext_op(Op::Max, count, Ext::Const(0));
        if let Ext::Slot(slot) = count {
            self.nonneg_slots.insert(slot);
        }
        count
    }

    /// `max(stop - start, 0)`
    fn steps_up(&mut self, start: Ext, stop: Ext) -> Ext {
        let distance = self.ext_op(Op::Sub, stop, start);
        let count = self.ext_op(Op::Max, distance, Ext::Const(0));
        if let Ext::Slot(slot) = count {
            self.nonneg_slots.insert(slot);
        }
        count
    }

    /// A scalar `i64` expression as an extent.
    pub fn expr_ext(&mut self, expr: &'h hir::Expr) -> Ext {
        let value = self.scalar_ref(expr);
        Self::ref_ext(value)
    }
}

/// The number of values in `range(first, last, step)`.
fn range_len(first: i64, last: i64, step: i64) -> i64 {
    let (first, last, step) = (i128::from(first), i128::from(last), i128::from(step));
    let distance = if step > 0 { last - first } else { first - last };
    if step == 0 || distance <= 0 {
        return 0;
    }
    let size = step.abs();
    i64::try_from((distance + size - 1) / size).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::range_len;

    #[test]
    fn ranges_have_pythons_length() {
        let table = [
            ((0, 5, 1), 5),
            ((0, 5, 2), 3),
            ((5, 0, -1), 5),
            ((5, 0, -2), 3),
            ((4, 0, -2), 2),
            ((0, 0, 1), 0),
            ((3, 0, 1), 0),
            ((0, 3, -1), 0),
            ((-3, 4, 3), 3),
        ];
        for ((first, last, step), expect) in table {
            assert_eq!(range_len(first, last, step), expect, "range({first}, {last}, {step})");
        }
    }
}
