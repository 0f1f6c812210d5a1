//! What a point of a nest costs: a formula over the words of the frame, made with the plan and evaluated by each call.
//!
//! How often an inner loop turns is often known as soon as the arguments are: its bounds are numbers, sizes, scalars, or
//! counted from the point's own place, which is taken to be the middle of its axis. Only what a loop's bounds are
//! computed from is kept, each value once, so that a formula is never longer than its nest.

use hotloop_ir::program::{Inst, Local, Stmt, Value};
use hotloop_ir::{Extent, Nest, Op, Type};
use hotloop_target::FrameLayout;
use smallvec::SmallVec;
use std::collections::HashMap;

/// One unit of the tables below, in nanoseconds.
const NANOSECONDS: f64 = 0.35;
/// How often a loop is taken to turn where what it really does is known only when it runs.
const TURNS: f64 = 32.0;

/// The formula: terms, each of which may use those before it; the last is the nanoseconds that a point takes one thread.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cost(pub(crate) Vec<Term>);

/// One number of a formula.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Term {
    Number(f64),
    /// An integer of the frame.
    Word(usize),
    /// Of two terms before this one.
    Pair(Rule, u32, u32),
}

/// What is computed of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Add,
    Sub,
    Mul,
    /// The quotient; 0 where there is none.
    Div,
    Min,
    Max,
}

impl Rule {
    /// All of them, each at the place of its number.
    pub(crate) const ALL: [Rule; 6] = [Rule::Add, Rule::Sub, Rule::Mul, Rule::Div, Rule::Min, Rule::Max];

    fn of(self, a: f64, b: f64) -> f64 {
        match self {
            Rule::Add => a + b,
            Rule::Sub => a - b,
            Rule::Mul => a * b,
            Rule::Div => {
                if b == 0.0 {
                    0.0
                } else {
                    a / b
                }
            }
            Rule::Min => a.min(b),
            Rule::Max => a.max(b),
        }
    }
}

impl Cost {
    /// The nanoseconds that a point takes.
    pub(crate) fn nanoseconds(&self, word: impl Fn(usize) -> u64) -> f64 {
        let mut known: SmallVec<[f64; 16]> = SmallVec::new();
        for term in &self.0 {
            let get = |at: u32| known.get(at as usize).copied().unwrap_or(0.0);
            known.push(match *term {
                Term::Number(number) => number,
                Term::Word(at) => word(at) as i64 as f64,
                Term::Pair(rule, a, b) => rule.of(get(a), get(b)),
            });
        }
        known.last().copied().unwrap_or(0.0)
    }

    /// The same before anything is known of the arguments.
    pub(crate) fn typical(&self) -> f64 {
        self.nanoseconds(|_| TURNS as u64)
    }

    /// Bytes it takes beside itself.
    pub(crate) fn bytes(&self) -> usize {
        self.0.len() * size_of::<Term>()
    }

    /// The formula of a nest.
    pub(crate) fn of(nest: &Nest, layout: &FrameLayout) -> Cost {
        let lane = &nest.lane;
        let values = has_loop(&lane.body).then(HashMap::new);
        let mut maker = Maker { nest, layout, terms: Vec::new(), values, indices: HashMap::new() };
        let body = maker.region(&lane.body);
        // A point computed together with others takes its share of the group's time.
        let share = maker.number(NANOSECONDS / f64::from(nest.schedule.lanes.max(1)));
        let body = maker.pair(Rule::Mul, body, share);
        let beside = maker.number(NANOSECONDS * 0.5);
        let whole = maker.pair(Rule::Add, body, beside);
        Cost(needed(&maker.terms, whole))
    }
}

/// The terms that one of them is made of, and it as the last.
fn needed(terms: &[Term], whole: u32) -> Vec<Term> {
    let mut is_needed = vec![false; whole as usize + 1];
    is_needed[whole as usize] = true;
    for at in (0..=whole as usize).rev() {
        if let (true, Term::Pair(_, a, b)) = (is_needed[at], terms[at]) {
            (is_needed[a as usize], is_needed[b as usize]) = (true, true);
        }
    }
    let mut places = vec![0; is_needed.len()];
    let mut kept = Vec::new();
    for (at, term) in terms.iter().enumerate().take(is_needed.len()).filter(|(at, _)| is_needed[*at]) {
        places[at] = kept.len() as u32;
        kept.push(match *term {
            Term::Number(_) | Term::Word(_) => *term,
            Term::Pair(rule, a, b) => Term::Pair(rule, places[a as usize], places[b as usize]),
        });
    }
    kept
}

fn has_loop(region: &[Stmt]) -> bool {
    let is_loop = |stmt: &Stmt| matches!(stmt, Stmt::For { .. } | Stmt::Loop(_));
    region.iter().any(|stmt| is_loop(stmt) || stmt.regions().into_iter().any(has_loop))
}

/// Makes the formula of a nest.
struct Maker<'p> {
    nest: &'p Nest,
    layout: &'p FrameLayout,
    terms: Vec<Term>,
    /// The terms of the integers that are known; none where nothing turns.
    values: Option<HashMap<Value, u32>>,
    /// Of the loops around, the middle of what each counts.
    indices: HashMap<Local, u32>,
}

impl Maker<'_> {
    fn number(&mut self, number: f64) -> u32 {
        self.push(Term::Number(number))
    }

    fn push(&mut self, term: Term) -> u32 {
        self.terms.push(term);
        self.terms.len() as u32 - 1
    }

    fn pair(&mut self, rule: Rule, a: u32, b: u32) -> u32 {
        match (self.terms[a as usize], self.terms[b as usize]) {
            (Term::Number(a), Term::Number(b)) => self.number(rule.of(a, b)),
            (_, _) => self.push(Term::Pair(rule, a, b)),
        }
    }

    /// What a region costs, in units.
    fn region(&mut self, region: &[Stmt]) -> u32 {
        let mut whole = self.number(0.0);
        for stmt in region {
            let part = self.stmt(stmt);
            whole = self.pair(Rule::Add, whole, part);
        }
        whole
    }

    fn stmt(&mut self, stmt: &Stmt) -> u32 {
        let lane = &self.nest.lane;
        match stmt {
            Stmt::Let(value) => {
                self.learn(*value);
                self.number(inst_cost(lane.inst(*value)))
            }
            Stmt::If { then, otherwise, .. } => {
                let (then, otherwise) = (self.region(then), self.region(otherwise));
                let both = self.pair(Rule::Add, then, otherwise);
                let asked = self.number(1.0);
                self.pair(Rule::Add, both, asked)
            }
            Stmt::For { index, start, stop, step, body } => {
                let bounds = [start, stop, step].map(|bound| self.known(*bound));
                let turns = if let [Some(start), Some(stop), Some(step)] = bounds {
                    self.counted(*index, start, stop, step)
                } else {
                    self.indices.remove(index);
                    self.number(TURNS)
                };
                self.turned(turns, body)
            }
            Stmt::Loop(body) => {
                let turns = self.number(TURNS);
                self.turned(turns, body)
            }
            Stmt::Block(body) => self.region(body),
            Stmt::Set(..) | Stmt::SetSlot(..) | Stmt::Break(_) | Stmt::Continue(_) => self.number(0.0),
            Stmt::Store(..) | Stmt::Fold(..) | Stmt::Check { .. } => self.number(1.0),
            Stmt::StoreAt(..) => self.number(2.0),
        }
    }

    /// The turns of a loop whose bounds are known; notes what its index is in the middle of them.
    fn counted(&mut self, index: Local, start: u32, stop: u32, step: u32) -> u32 {
        let (both, half) = (self.pair(Rule::Add, start, stop), self.number(0.5));
        let middle = self.pair(Rule::Mul, both, half);
        self.indices.insert(index, middle);
        let way = self.pair(Rule::Sub, stop, start);
        let (turns, none) = (self.pair(Rule::Div, way, step), self.number(0.0));
        self.pair(Rule::Max, turns, none)
    }

    fn turned(&mut self, turns: u32, body: &[Stmt]) -> u32 {
        let (body, asked) = (self.region(body), self.number(1.0));
        let turn = self.pair(Rule::Add, body, asked);
        self.pair(Rule::Mul, turns, turn)
    }

    /// Notes an integer that bounds may be made of.
    fn learn(&mut self, value: Value) {
        if self.values.is_some()
            && self.nest.lane.ty(value) == Type::I64
            && let Some(term) = self.integer(self.nest.lane.inst(value))
            && let Some(values) = &mut self.values
        {
            values.insert(value, term);
        }
    }

    fn known(&self, value: Value) -> Option<u32> {
        self.values.as_ref()?.get(&value).copied()
    }

    fn integer(&mut self, inst: &Inst) -> Option<u32> {
        match inst {
            Inst::Const(scalar) => Some(self.number(scalar.bits as i64 as f64)),
            Inst::Slot(slot) => Some(self.push(Term::Word(self.layout.slot(*slot)))),
            Inst::Extent(array, axis) => Some(self.push(Term::Word(self.layout.extent(*array, *axis as usize)))),
            Inst::Local(local) => self.indices.get(local).copied(),
            Inst::Axis(axis) => {
                let extent = match self.nest.axes[*axis as usize].extent {
                    Extent::Const(extent) => self.number(extent as f64),
                    Extent::Slot(slot) => self.push(Term::Word(self.layout.slot(slot))),
                };
                let half = self.number(0.5);
                Some(self.pair(Rule::Mul, extent, half))
            }
            Inst::Op(op, [a, b, _]) => {
                let (a, b) = (self.known(*a)?, self.known(*b)?);
                self.result(*op, a, b)
            }
            Inst::Convert(_) | Inst::Bitcast(_) | Inst::Load(_) | Inst::LoadAt(..) => None,
        }
    }

    fn result(&mut self, op: Op, a: u32, b: u32) -> Option<u32> {
        let rule = match op {
            Op::Add => Rule::Add,
            Op::Sub => Rule::Sub,
            Op::Mul => Rule::Mul,
            Op::FloorDiv => Rule::Div,
            Op::Min => Rule::Min,
            Op::Max => Rule::Max,
            Op::Neg => {
                let zero = self.number(0.0);
                return Some(self.pair(Rule::Sub, zero, a));
            }
            // Somewhere between nothing and the divisor.
            Op::FloorRem => {
                let half = self.number(0.5);
                return Some(self.pair(Rule::Mul, b, half));
            }
            // A number of turns without the last few.
            Op::And => Rule::Max,
            Op::Div
            | Op::Sqrt
            | Op::Ldexp
            | Op::Getexp
            | Op::Getmant
            | Op::Abs
            | Op::Fma
            | Op::Floor
            | Op::Ceil
            | Op::Trunc
            | Op::Round
            | Op::Copysign
            | Op::Or
            | Op::Xor
            | Op::Not
            | Op::Shl
            | Op::Shr
            | Op::Eq
            | Op::Ne
            | Op::Lt
            | Op::Le
            | Op::Select
            | Op::Unlikely => return None,
        };
        Some(self.pair(rule, a, b))
    }
}

fn inst_cost(inst: &Inst) -> f64 {
    match inst {
        Inst::Const(_) | Inst::Axis(_) | Inst::Slot(_) | Inst::Local(_) | Inst::Extent(..) | Inst::Bitcast(_) => 0.0,
        Inst::Convert(_) | Inst::Load(_) => 1.0,
        Inst::LoadAt(..) => 2.0,
        Inst::Op(op, _) => op_cost(*op),
    }
}

fn op_cost(op: Op) -> f64 {
    match op {
        Op::Div | Op::Sqrt => 6.0,
        Op::FloorDiv | Op::FloorRem => 12.0,
        Op::Ldexp | Op::Getexp | Op::Getmant => 4.0,
        Op::Min | Op::Max => 3.0,
        Op::Add
        | Op::Sub
        | Op::Mul
        | Op::Neg
        | Op::Abs
        | Op::Fma
        | Op::Floor
        | Op::Ceil
        | Op::Trunc
        | Op::Round
        | Op::Copysign
        | Op::And
        | Op::Or
        | Op::Xor
        | Op::Not
        | Op::Shl
        | Op::Shr
        | Op::Eq
        | Op::Ne
        | Op::Lt
        | Op::Le
        | Op::Select => 1.0,
        Op::Unlikely => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::Cost;
    use hotloop_ir::{Layout, Type};
    use hotloop_sema::{ArgType, Module, Options, lower};
    use hotloop_source::Source;
    use hotloop_target::FrameLayout;

    /// What a point of the first nest with points costs where every word of the frame holds this number.
    fn cost(text: &str, words: u64) -> f64 {
        let (file, _) = hotloop_syntax::parse_file(&Source::new("test", text), &hotloop_syntax::Limits::default());
        let (module, _) = Module::of_file(file);
        let kernel = module.kernels().next().expect("a kernel").name.clone();
        let array = ArgType::Array { ty: Type::F64, rank: 1, ones: 0, layout: Layout::Dense };
        let types = [array, array, ArgType::Scalar(Type::I64)];
        let program = lower(&module, &kernel, &types, &Options::default()).expect("a program");
        let layout = FrameLayout::of(&program);
        let nest = program.nests.iter().find(|nest| !nest.axes.is_empty()).expect("a nest");
        Cost::of(nest, &layout).nanoseconds(|_| words)
    }

    fn rows(bounds: &str) -> String {
        format!(
            "kernel k(x: f64[:], r: mut f64[:], n: i64) {{
                for i in prange(len(r)) {{
                    var s = 0.0
                    for j in {bounds} {{ s += x[j] * x[j] }}
                    r[i] = s
                }}
            }}"
        )
    }

    #[test]
    fn turns_are_counted_where_the_bounds_are_known() {
        let (ten, thousand) = (cost(&rows("range(10)"), 1), cost(&rows("range(1000)"), 1));
        assert!((50.0..100.0).contains(&(thousand / ten)), "{thousand} for {ten}");
        assert_eq!(cost(&rows("range(n)"), 1000), thousand);
        assert_eq!(cost(&rows("range(len(x))"), 1000), thousand);
        assert!(cost(&rows("range(0, n, 4)"), 1000) < thousand / 3.0);
        assert!(cost(&rows("range(n, 0)"), 1000) < ten);
    }

    #[test]
    fn a_bound_that_grows_along_the_axis_counts_half() {
        let (whole, half) = (cost(&rows("range(n)"), 1000), cost(&rows("range(i)"), 1000));
        assert!((1.9..2.1).contains(&(whole / half)), "{whole} for {half}");
        assert_eq!(cost(&rows("range(i, n)"), 1000), half);
    }

    #[test]
    fn a_bound_that_is_read_is_guessed() {
        assert_eq!(cost(&rows("range(i64(x[i]))"), 5), cost(&rows("range(i64(x[i]))"), 50_000));
    }
}
