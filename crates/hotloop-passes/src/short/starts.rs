//! What is computed before a nest whose rows are written out: where each element of a row begins, and whether the rows
//! are short.

use hotloop_ir::build::LaneBuilder;
use hotloop_ir::{Extent, Lane, Op, Program, Scalar, Slot, SlotId, Type, Value, ViewDim};
use rustc_hash::FxHashMap;

/// Scalar code in the making, and what it has computed.
pub(super) struct Starts {
    /// The number of elements of a row.
    pub(super) extent: Extent,
    lane: LaneBuilder,
    known: FxHashMap<(Extent, Extent, i64), Extent>,
}

impl Starts {
    pub(super) fn new(extent: Extent) -> Starts {
        Starts { extent, lane: LaneBuilder::new(), known: FxHashMap::default() }
    }

    pub(super) fn finish(self) -> Lane {
        self.lane.finish()
    }

    /// A slot that says whether rows have no elements or more than `most`.
    pub(super) fn is_long(&mut self, extent: SlotId, most: usize, program: &mut Program) -> SlotId {
        let count = self.lane.slot(extent, Type::I64);
        let [one, most] = [1, most as i64].map(|bound| self.lane.const_(Scalar::i64(bound)));
        let none = self.lane.op(Op::Lt, &[count, one]);
        let many = self.lane.op(Op::Lt, &[most, count]);
        let cond = self.lane.op(Op::Or, &[none, many]);
        self.slot("long", cond, program)
    }

    /// The index of an element of a row.
    pub(super) fn of(&mut self, dim: ViewDim, element: usize, program: &mut Program) -> Extent {
        let element = element as i64;
        match (dim.start, dim.step) {
            (start, _) if element == 0 => return start,
            (Extent::Const(start), Extent::Const(step)) => return Extent::Const(start + step * element),
            (Extent::Const(_) | Extent::Slot(_), _) => {}
        }
        let key = (dim.start, dim.step, element);
        if let Some(&known) = self.known.get(&key) {
            return known;
        }
        let [start, step] = [dim.start, dim.step].map(|extent| self.read(extent));
        let element = self.lane.const_(Scalar::i64(element));
        let away = self.lane.op(Op::Mul, &[element, step]);
        let index = self.lane.op(Op::Add, &[start, away]);
        let made = Extent::Slot(self.slot("element", index, program));
        self.known.insert(key, made);
        made
    }

    fn read(&mut self, extent: Extent) -> Value {
        match extent {
            Extent::Const(value) => self.lane.const_(Scalar::i64(value)),
            Extent::Slot(slot) => self.lane.slot(slot, Type::I64),
        }
    }

    fn slot(&mut self, name: &str, value: Value, program: &mut Program) -> SlotId {
        let slot = SlotId(program.slots.len() as u32);
        program.slots.push(Slot { name: name.to_string(), ty: self.lane.ty(value) });
        self.lane.set_slot(slot, value);
        slot
    }
}
