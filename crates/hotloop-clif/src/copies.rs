//! Short loops of scalar code whose turns are emitted several times, one after another: a turn then takes a fraction of a
//! jump back, of a look at the cancel flag and of the counting. The turns stay in their order, so that no bit and no fault
//! differs. Quick code has each turn once.

use crate::control::Open;
use crate::facts::inner_regions;
use crate::forms::Form;
use crate::lane::Lane;
use crate::pointers::is_innermost;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self as clif, InstBuilder};
use cranelift_frontend::Variable;
use hotloop_ir::{Local, Region, Stmt, Type, Value};

/// Loops of up to so many statements are emitted so many times. Beyond, a turn takes longer than what is saved.
const COPIES: [(usize, i64); 2] = [(16, 4), (32, 2)];

/// How many statements a check counts as.
const CHECK: usize = 8;

/// A loop by 1 or -1 with real jumps.
pub(crate) struct Counted<'r> {
    pub(crate) id: usize,
    pub(crate) index: Local,
    pub(crate) start: clif::Value,
    pub(crate) stop: clif::Value,
    /// Whether it counts up.
    pub(crate) up: bool,
    pub(crate) copies: i64,
    pub(crate) body: &'r Region,
}

impl Lane<'_, '_, '_> {
    /// How often the body of a loop is emitted.
    fn copies_of(&self, body: &Region) -> i64 {
        if !self.code.copies || self.lanes > 1 || !is_innermost(body) {
            return 1;
        }
        let size = statements(body);
        COPIES.iter().find(|(most, _)| size <= *most).map_or(1, |(_, copies)| *copies)
    }

    /// The same for a counted loop: one whose turns are computed in groups, or between literals, is emitted once. The
    /// latter have few turns, and often such that each waits for the one before.
    pub(crate) fn copies_of_turns(&self, index: Local, range: [Value; 3], body: &Region) -> i64 {
        let [start, stop, step] = range.map(|value| self.whole_literal(value));
        let between_literals = start.is_some() && stop.is_some();
        let grouped = self.code.nest.schedule.turns.iter().any(|turns| turns.counter == index);
        let unit = step.is_some_and(|step| step == 1 || step == -1);
        if unit && !between_literals && !grouped { self.copies_of(body) } else { 1 }
    }

    /// A counted loop: whole rounds of copies, then the turns left over.
    pub(crate) fn counted_in_copies(&mut self, counted: &Counted<'_>) {
        let &Counted { index, start, stop, up, copies, body, .. } = counted;
        let counter = self.f.variable(start);
        let (entered, after) = (self.f.b.create_block(), self.f.b.create_block());
        let some = self.is_ahead(up, start, stop);
        self.f.b.ins().brif(some, entered, &[], after, &[]);
        self.f.enter_sealed(entered);
        let step = self.f.int(if up { 1 } else { -1 });
        let around = self.open_pointers(index, counter, [start, step], body);
        let (whole, rest) = (self.f.b.create_block(), self.f.b.create_block());
        let left = if up { self.f.b.ins().isub(stop, start) } else { self.f.b.ins().isub(start, stop) };
        let enough = self.f.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, left, copies);
        self.f.b.ins().brif(enough, whole, &[], rest, &[]);
        self.f.enter_sealed(whole);
        let turns = self.f.b.ins().band_imm_s(left, -copies);
        let end = if up { self.f.b.ins().iadd(start, turns) } else { self.f.b.ins().isub(start, turns) };
        self.rounds(counted, counter, end, after);
        let next = self.f.b.use_var(counter);
        let more = self.is_ahead(up, next, stop);
        self.f.b.ins().brif(more, rest, &[], after, &[]);
        self.f.b.switch_to_block(rest);
        self.one_turn(counted, counter, after);
        let next = self.count(counted, counter, 1);
        let more = self.is_ahead(up, next, stop);
        self.f.b.ins().brif(more, rest, &[], after, &[]);
        self.f.b.seal_block(rest);
        self.f.enter_sealed(after);
        self.pointers = around;
    }

    /// The rounds up to `end`; there is at least one. Each is tested before it begins: what the last turn has computed is
    /// then used in one place, the next round, and Cranelift reads memory where an operand is needed in such sums only.
    fn rounds(&mut self, counted: &Counted<'_>, counter: Variable, end: clif::Value, after: clif::Block) {
        let (poll, header) = (self.f.b.create_block(), self.f.b.create_block());
        let (round, left, done) = (self.f.b.create_block(), self.f.b.create_block(), self.f.b.create_block());
        self.f.b.ins().jump(poll, &[]);
        let stop = self.open_group(poll, header, counter, Some(counted.up), end);
        self.f.b.switch_to_block(header);
        let at = self.f.b.use_var(counter);
        let over = self.f.is(IntCC::Equal, at, stop);
        self.f.b.ins().brif(over, left, &[], round, &[]);
        self.f.enter_sealed(round);
        for copy in 0..counted.copies {
            self.pointers.ahead = if counted.up { copy } else { -copy };
            self.one_turn(counted, counter, after);
        }
        self.pointers.ahead = 0;
        self.count(counted, counter, counted.copies);
        self.f.b.ins().jump(header, &[]);
        self.f.b.seal_block(header);
        self.f.enter_sealed(left);
        let at = self.f.b.use_var(counter);
        let over = self.f.is(IntCC::Equal, at, end);
        self.f.b.ins().brif(over, done, &[], poll, &[]);
        self.f.b.seal_block(poll);
        self.f.enter_sealed(done);
    }

    /// One turn, `pointers.ahead` turns ahead of the counter; goes on where the next one begins.
    fn one_turn(&mut self, counted: &Counted<'_>, counter: Variable, after: clif::Block) {
        let at = self.f.b.use_var(counter);
        let at = if self.pointers.ahead == 0 { at } else { self.f.b.ins().iadd_imm_s(at, self.pointers.ahead) };
        self.set_counter(counted.index, at);
        let latch = self.f.b.create_block();
        self.open.push(Open::Jumps { id: counted.id, leave: after, again: Some(latch) });
        if self.region(counted.body) {
            self.f.b.ins().jump(latch, &[]);
        }
        self.open.pop();
        self.f.enter_sealed(latch);
        self.advance_pointers();
    }

    /// Moves the counter on by some turns.
    fn count(&mut self, counted: &Counted<'_>, counter: Variable, turns: i64) -> clif::Value {
        let at = self.f.b.use_var(counter);
        let next = self.f.b.ins().iadd_imm_s(at, if counted.up { turns } else { -turns });
        self.f.b.def_var(counter, next);
        next
    }

    /// Whether a turn is left.
    fn is_ahead(&mut self, up: bool, at: clif::Value, stop: clif::Value) -> clif::Value {
        self.in_range(Form::scalar(Type::I64), Some(up), [at, stop, at])
    }

    /// A loop that only jumps end. The cancel flag is looked at once a round.
    pub(crate) fn uniform_loop(&mut self, stmt: &Stmt, body: &Region) {
        let id = self.code.facts.number(stmt);
        let around = is_innermost(body).then(|| self.open_bases(body));
        let copies = self.copies_of(body);
        let header = self.f.enter_loop();
        let after = self.f.b.create_block();
        self.f.poll_cancel();
        self.open.push(Open::Jumps { id, leave: after, again: Some(header) });
        let goes_on = (0..copies).all(|_| self.region(body));
        if goes_on {
            self.f.b.ins().jump(header, &[]);
        }
        self.open.pop();
        self.f.b.seal_block(header);
        self.f.enter_sealed(after);
        if let Some(around) = around {
            self.pointers = around;
        }
    }
}

/// How many statements a region has, with all inside. A check counts as several, since its fault is code of its own.
fn statements(region: &Region) -> usize {
    let size = |stmt: &Stmt| {
        let own = if matches!(stmt, Stmt::Check { .. }) { CHECK } else { 1 };
        own + inner_regions(stmt).into_iter().flatten().map(statements).sum::<usize>()
    };
    region.iter().map(size).sum()
}
