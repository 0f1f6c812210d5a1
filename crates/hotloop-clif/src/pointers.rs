//! Addresses of elements in innermost loops of scalar code: what of them does not change is computed before the loop.
//!
//! An index that is the counter times a literal, plus what does not change in the loop, needs no multiplication in it:
//! along a line of neighbours the counter itself is the offset, elsewhere a pointer moves on with each turn. Accesses
//! that differ by a literal along the last axis share an address and differ in their displacement.

use crate::facts::inner_regions;
use crate::func::Func;
use crate::lane::Lane;
use crate::memory::Scale;
use cranelift_codegen::ir::{self as clif, InstBuilder};
use cranelift_frontend::Variable;
use hotloop_ir::{ArrayId, Inst, Local, Op, Region, Stmt, Value};
use rustc_hash::FxHashSet;

/// How deep an index expression is followed.
const MAX_STEPS: u32 = 16;
/// Most addresses that are kept over a loop: more would not stay in registers.
const MOST: usize = 10;
/// Most arrays whose beginnings are.
const MOST_BASES: usize = 6;

/// An index as `factor * counter + Σ by * value + constant`.
#[derive(Clone, Debug, Default, PartialEq)]
struct Linear {
    factor: i64,
    values: Vec<(Value, i64)>,
    constant: i64,
}

/// Where elements are whose address is known before the loop, but for the counter.
#[derive(Clone)]
struct Address {
    array: ArrayId,
    /// The indices, without the constant of the last one where that is a displacement.
    index: Vec<Linear>,
    place: Place,
}

/// How the counter comes in.
#[derive(Clone, Copy)]
enum Place {
    /// An address, and the power of two that the counter is multiplied by.
    Offset(clif::Value, i64),
    /// A pointer that moves by a number of bytes each turn, or each group of turns, and the bytes for one turn.
    Moves(Variable, clif::Value, clif::Value),
    /// The same address in all turns.
    Fixed(clif::Value),
}

/// How the elements of the turns of a group lie.
#[derive(Clone, Copy)]
pub(crate) enum Spacing {
    /// Side by side.
    Unit,
    /// So many bytes apart.
    Bytes(clif::Value),
    /// There is one for all.
    Same,
}

/// The addresses of one loop.
#[derive(Clone, Default)]
pub(crate) struct Pointers {
    counter: Option<Local>,
    /// What the counter is in this turn, or in the first one of the group.
    at: Option<Variable>,
    /// Turns that this one lies ahead of that.
    pub(crate) ahead: i64,
    /// The values that the loop computes.
    inside: FxHashSet<Value>,
    list: Vec<Address>,
    /// Where the arrays begin that loops around this place use.
    bases: Vec<(ArrayId, clif::Value)>,
}

/// Whether a loop has no loop inside.
pub(crate) fn is_innermost(body: &Region) -> bool {
    body.iter().all(|stmt| {
        let is_loop = matches!(stmt, Stmt::For { .. } | Stmt::Loop(_));
        !is_loop && inner_regions(stmt).into_iter().flatten().all(is_innermost)
    })
}

impl Lane<'_, '_, '_> {
    /// Computes the addresses for the body of an innermost loop; gives those of the loop around it.
    /// A turn may be a group of turns that are computed together.
    pub(crate) fn open_pointers(
        &mut self,
        counter: Local,
        at: Variable,
        [start, step]: [clif::Value; 2],
        body: &Region,
    ) -> Pointers {
        let around = self.open_bases(body);
        self.pointers.list.clear();
        self.pointers.ahead = 0;
        if self.lanes == 1 {
            self.pointers.counter = Some(counter);
            self.pointers.at = Some(at);
            self.pointers.inside.clear();
            note_values(body, &mut self.pointers.inside);
            let mut accesses = Vec::new();
            self.accesses(body, &mut accesses);
            for (array, index) in accesses {
                self.prepare_address(array, &index, [start, step]);
            }
        }
        around
    }

    /// Reads before a loop of scalar code where the arrays begin that its body uses; gives what was known before.
    pub(crate) fn open_bases(&mut self, body: &Region) -> Pointers {
        let around = self.pointers.clone();
        if self.lanes == 1 {
            let mut accesses = Vec::new();
            self.accesses(body, &mut accesses);
            for (array, _) in accesses {
                let known = self.pointers.bases.iter().any(|(known, _)| *known == array);
                if !known && self.pointers.bases.len() < MOST_BASES {
                    let base = self.f.word(self.f.layout.base(array));
                    self.pointers.bases.push((array, base));
                }
            }
        }
        around
    }

    /// Where an array begins.
    pub(crate) fn base(&mut self, array: ArrayId) -> clif::Value {
        let known = self.pointers.bases.iter().find(|(known, _)| *known == array).map(|(_, base)| *base);
        known.unwrap_or_else(|| self.f.word(self.f.layout.base(array)))
    }

    /// Moves the pointers on by a turn.
    pub(crate) fn advance_pointers(&mut self) {
        for address in &self.pointers.list {
            if let Place::Moves(pointer, by, _) = address.place {
                let at = self.f.b.use_var(pointer);
                let next = self.f.b.ins().iadd(at, by);
                self.f.b.def_var(pointer, next);
            }
        }
    }

    /// The address and the displacement of an element, if the loop has it ready, and how those of the other turns of a
    /// group lie.
    pub(crate) fn pointed(&mut self, array: ArrayId, index: &[Value]) -> Option<(clif::Value, i32, Spacing)> {
        let counter = self.pointers.counter?;
        let (index, disp) = self.linear_index(array, index, counter)?;
        let known = self.pointers.list.iter().find(|address| address.array == array && address.index == index)?;
        let mut disp = disp;
        let (address, spacing) = match known.place {
            Place::Offset(base, shift) => {
                disp += (self.pointers.ahead << shift) as i32;
                let at = self.f.b.use_var(self.pointers.at?);
                let offset = if shift == 0 { at } else { self.f.b.ins().ishl_imm_u(at, shift) };
                (self.f.b.ins().iadd(base, offset), Spacing::Unit)
            }
            Place::Moves(pointer, _, bytes) => (self.f.b.use_var(pointer), Spacing::Bytes(bytes)),
            Place::Fixed(address) => (address, Spacing::Same),
        };
        Some((address, disp, spacing))
    }

    /// The accesses of a region by computed indices.
    fn accesses(&self, region: &Region, found: &mut Vec<(ArrayId, Vec<Value>)>) {
        for stmt in region {
            match stmt {
                Stmt::Let(value) => {
                    if let Inst::LoadAt(array, index) = self.code.nest.lane.inst(*value) {
                        found.push((*array, index.clone()));
                    }
                }
                Stmt::StoreAt(array, index, _) => found.push((*array, index.clone())),
                Stmt::Set(..) | Stmt::Store(..) | Stmt::SetSlot(..) | Stmt::Fold(..) | Stmt::Check { .. } => {}
                Stmt::If { .. } | Stmt::For { .. } | Stmt::Loop(_) | Stmt::Block(_) => {}
                Stmt::Break(_) | Stmt::Continue(_) => {}
            }
            inner_regions(stmt).into_iter().flatten().for_each(|inner| self.accesses(inner, found));
        }
    }

    /// The indices of an access as sums, and the displacement that the constant of the last one is.
    fn linear_index(&self, array: ArrayId, index: &[Value], counter: Local) -> Option<(Vec<Linear>, i32)> {
        let mut forms =
            index.iter().map(|&value| self.index_form(value, counter, MAX_STEPS)).collect::<Option<Vec<_>>>()?;
        let mut disp = 0;
        if let (Some(last), Some(shift)) = (forms.last_mut(), self.f.element_shift(array))
            && last.constant.abs() < 1 << 24
        {
            disp = (last.constant << shift) as i32;
            last.constant = 0;
        }
        Some((forms, disp))
    }

    fn index_form(&self, value: Value, counter: Local, steps: u32) -> Option<Linear> {
        let lane = &self.code.nest.lane;
        let known = self.values[value.index()].is_some() && !self.pointers.inside.contains(&value);
        let of = |value: Value| self.index_form(value, counter, steps.checked_sub(1)?);
        match *lane.inst(value) {
            Inst::Const(scalar) => Some(Linear { constant: scalar.as_i64(), ..Linear::default() }),
            _ if known => Some(Linear { values: vec![(value, 1)], ..Linear::default() }),
            Inst::Local(local) => (local == counter).then(|| Linear { factor: 1, ..Linear::default() }),
            Inst::Op(Op::Add, [a, b, _]) => of(a)?.plus(&of(b)?, 1),
            Inst::Op(Op::Sub, [a, b, _]) => of(a)?.plus(&of(b)?, -1),
            Inst::Op(..) | Inst::Convert(_) | Inst::Bitcast(_) | Inst::Axis(_) | Inst::Slot(_) => None,
            Inst::Load(_) | Inst::LoadAt(..) | Inst::Extent(..) => None,
        }
    }

    /// Computes what does not change of the address of an access.
    fn prepare_address(&mut self, array: ArrayId, index: &[Value], [start, step]: [clif::Value; 2]) {
        let Some(counter) = self.pointers.counter else { return };
        let Some((forms, _)) = self.linear_index(array, index, counter) else { return };
        let list = &self.pointers.list;
        if list.len() >= MOST || list.iter().any(|known| known.array == array && known.index == forms) {
            return;
        }
        let mut base = self.base(array);
        let mut moves: Option<clif::Value> = None;
        let mut shift = None;
        let moving = forms.iter().filter(|form| form.factor != 0).count();
        for (axis, form) in forms.iter().enumerate() {
            let scale = self.scale(array, axis);
            if let Some(at) = self.sum_of(form) {
                base = self.add_index(base, at, scale);
            }
            match scale {
                _ if form.factor == 0 => {}
                Scale::Shift(by) if moving == 1 && form.factor == 1 => shift = Some(by),
                Scale::Shift(_) | Scale::Bytes(_) => {
                    let factor = self.f.int(form.factor);
                    let zero = self.f.int(0);
                    let by = self.add_index(zero, factor, scale);
                    moves = Some(moves.map_or(by, |sum| self.f.b.ins().iadd(sum, by)));
                }
            }
        }
        let place = match (shift, moves) {
            (Some(shift), _) => Place::Offset(base, shift),
            (None, Some(bytes)) => {
                let first = self.f.add_scaled(base, start, bytes);
                Place::Moves(self.f.variable(first), self.f.b.ins().imul(bytes, step), bytes)
            }
            (None, None) => Place::Fixed(base),
        };
        self.pointers.list.push(Address { array, index: forms, place });
    }

    /// The part of an index that does not change; none if it is 0.
    fn sum_of(&mut self, form: &Linear) -> Option<clif::Value> {
        let mut sum = (form.constant != 0).then(|| self.f.int(form.constant));
        for &(value, by) in &form.values {
            let value = self.uniform(value);
            let term = if by == 1 { value } else { self.f.b.ins().imul_imm_s(value, by) };
            sum = Some(sum.map_or(term, |sum| self.f.b.ins().iadd(sum, term)));
        }
        sum
    }
}

fn note_values(region: &Region, values: &mut FxHashSet<Value>) {
    for stmt in region {
        if let Stmt::Let(value) = stmt {
            values.insert(*value);
        }
        inner_regions(stmt).into_iter().flatten().for_each(|inner| note_values(inner, values));
    }
}

impl Func<'_> {
    /// The power of two that an index along the last axis is multiplied by, where neighbours are neighbours in memory.
    fn element_shift(&self, array: ArrayId) -> Option<u32> {
        let info = self.program.array(array);
        match info.layout {
            hotloop_ir::Layout::Dense | hotloop_ir::Layout::UnitInner => Some(info.ty.bytes().trailing_zeros()),
            hotloop_ir::Layout::Strided => None,
        }
    }
}

impl Linear {
    /// `self + by * other`; none on overflow.
    fn plus(&self, other: &Linear, by: i64) -> Option<Linear> {
        let mut sum = self.clone();
        sum.factor = sum.factor.checked_add(other.factor.checked_mul(by)?)?;
        sum.constant = sum.constant.checked_add(other.constant.checked_mul(by)?)?;
        for &(value, times) in &other.values {
            let times = times.checked_mul(by)?;
            match sum.values.iter_mut().find(|(known, _)| *known == value) {
                Some((_, whole)) => *whole = whole.checked_add(times)?,
                None => sum.values.push((value, times)),
            }
        }
        sum.values.retain(|(_, times)| *times != 0);
        sum.values.sort_unstable();
        Some(sum)
    }
}
