//! Random lanes with all kinds of control flow give the bits of the interpreter, for every number of lanes.
//!
//! What is generated is well typed and ends: loops count, or use up fuel. Half of what steers it is the same for all
//! points, half is not, so that real branches, masks and their mixtures all come up.

use hotloop_clif::Clif;
use hotloop_interp::Interp;
use hotloop_ir::build::LaneBuilder;
use hotloop_ir::program::{Local, Region, Value};
use hotloop_ir::{ArrayId, FaultKind, Layout, Op, Program, Scalar, SiteId, SlotId, Stmt, Type};
use hotloop_target::Target;
use hotloop_target::testing::{Domain, Input, Make, Split, Tensor, dim, run, scheduled};

/// Deterministic choices.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn one_in(&mut self, limit: u64) -> bool {
        self.below(limit) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }
}

const TYPES: [Type; 6] = [Type::I32, Type::F64, Type::I64, Type::F32, Type::U8, Type::Bool];

/// An open loop (which can be continued) or block.
type Open = bool;

struct Generator {
    dice: Dice,
    /// Locals that statements may change.
    locals: Vec<Local>,
    /// Counters of loops: may be read.
    counters: Vec<Local>,
    fuel: Local,
    arrays: Vec<(ArrayId, Type)>,
    scalars: Vec<(SlotId, Type)>,
    output: ArrayId,
    site: Option<SiteId>,
    open: Vec<Open>,
    depth: usize,
    statements: usize,
}

impl Generator {
    fn constant(&mut self, lane: &mut LaneBuilder, ty: Type) -> Value {
        let small = self.dice.below(9) as i64 - 3;
        lane.const_(match ty {
            Type::F32 => Scalar::f32(small as f32 * 0.75),
            Type::F64 => Scalar::f64(small as f64 * 0.75),
            Type::Bool => Scalar::bool(small & 1 == 1),
            ty => Scalar::int(ty, small.into()),
        })
    }

    /// A value of a type, from what is in scope.
    fn value(&mut self, lane: &mut LaneBuilder, ty: Type, depth: usize) -> Value {
        if depth == 0 {
            return self.leaf(lane, ty);
        }
        match ty {
            Type::Bool => self.truth(lane, depth),
            _ if self.dice.one_in(5) => {
                let from = self.dice.pick(&TYPES);
                let value = self.value(lane, from, depth - 1);
                lane.convert(ty, value)
            }
            _ if self.dice.one_in(5) => {
                let cond = self.truth(lane, depth - 1);
                let (a, b) = (self.value(lane, ty, depth - 1), self.value(lane, ty, depth - 1));
                lane.op(Op::Select, &[cond, a, b])
            }
            Type::F32 | Type::F64 => {
                let op = self.dice.pick(&[Op::Add, Op::Sub, Op::Mul, Op::Min, Op::Max, Op::Floor, Op::Abs, Op::Fma]);
                self.apply(lane, op, ty, depth)
            }
            _ => {
                let ops =
                    [Op::Add, Op::Sub, Op::Mul, Op::Min, Op::Max, Op::Xor, Op::Shr, Op::Shl, Op::FloorRem, Op::Not];
                let op = self.dice.pick(&ops);
                self.apply(lane, op, ty, depth)
            }
        }
    }

    fn apply(&mut self, lane: &mut LaneBuilder, op: Op, ty: Type, depth: usize) -> Value {
        let args: Vec<Value> = (0..op.arity()).map(|_| self.value(lane, ty, depth - 1)).collect();
        lane.op(op, &args)
    }

    fn truth(&mut self, lane: &mut LaneBuilder, depth: usize) -> Value {
        if depth == 0 {
            return self.leaf(lane, Type::Bool);
        }
        let op = self.dice.pick(&[Op::Lt, Op::Le, Op::Eq, Op::Ne, Op::And, Op::Or, Op::Not, Op::Lt]);
        let ty = match op {
            Op::And | Op::Or | Op::Not => Type::Bool,
            _ => self.dice.pick(&TYPES[..5]),
        };
        self.apply(lane, op, ty, depth)
    }

    fn leaf(&mut self, lane: &mut LaneBuilder, ty: Type) -> Value {
        match self.dice.below(8) {
            0 => self.constant(lane, ty),
            1 => {
                let (slot, from) = self.dice.pick(&self.scalars.clone());
                let value = lane.slot(slot, from);
                self.as_type(lane, value, ty)
            }
            2 => {
                let value = lane.axis(0);
                self.as_type(lane, value, ty)
            }
            3 if !self.counters.is_empty() => {
                let counter = self.dice.pick(&self.counters.clone());
                let value = lane.get(counter);
                self.as_type(lane, value, ty)
            }
            4 => self.gather(lane, ty),
            _ => {
                let local = self.dice.pick(&self.locals.clone());
                let value = lane.get(local);
                self.as_type(lane, value, ty)
            }
        }
    }

    fn as_type(&mut self, lane: &mut LaneBuilder, value: Value, ty: Type) -> Value {
        let from = lane.ty(value);
        if ty == Type::Bool && from != Type::Bool {
            let other = self.constant(lane, from);
            return lane.op(Op::Lt, &[other, value]);
        }
        lane.convert(ty, value)
    }

    fn gather(&mut self, lane: &mut LaneBuilder, ty: Type) -> Value {
        let (array, element) = self.dice.pick(&self.arrays.clone());
        let at = match self.dice.below(3) {
            0 => self.constant(lane, Type::I64),
            1 if !self.counters.is_empty() => {
                let counter = self.dice.pick(&self.counters.clone());
                lane.get(counter)
            }
            _ => {
                let local = self.dice.pick(&self.locals.clone());
                let value = lane.get(local);
                lane.convert(Type::I64, value)
            }
        };
        let extent = lane.extent(array, 0);
        let index = lane.op(Op::FloorRem, &[at, extent]);
        let value = lane.load_at(array, vec![index], element);
        self.as_type(lane, value, ty)
    }

    fn region(&mut self, lane: &mut LaneBuilder, prologue: impl FnOnce(&mut Self, &mut LaneBuilder)) -> Region {
        lane.begin();
        self.depth += 1;
        prologue(self, lane);
        for _ in 0..1 + self.dice.below(3) {
            if self.statement(lane) {
                break;
            }
        }
        self.depth -= 1;
        lane.end()
    }

    /// One statement; whether it ends its region.
    fn statement(&mut self, lane: &mut LaneBuilder) -> bool {
        self.statements += 1;
        let choices = if self.depth < 4 && self.statements < 60 { 12 } else { 4 };
        match self.dice.below(choices) {
            0 if !self.open.is_empty() && self.depth > 1 => {
                let depth = self.dice.below(self.open.len() as u64) as usize;
                let continues = self.open[self.open.len() - 1 - depth] && self.dice.one_in(2);
                lane.push(if continues { Stmt::Continue(depth as u32) } else { Stmt::Break(depth as u32) });
                return true;
            }
            1 => self.effect(lane),
            0 | 2 | 3 => self.assign(lane),
            4..=6 => {
                let cond = self.truth(lane, 2);
                let then = self.region(lane, |_, _| {});
                let otherwise = if self.dice.one_in(2) { self.region(lane, |_, _| {}) } else { Vec::new() };
                lane.push(Stmt::If { cond, then, otherwise });
            }
            7 | 8 => self.for_loop(lane),
            9 | 10 => self.endless(lane),
            _ => {
                self.open.push(false);
                let body = self.region(lane, |_, _| {});
                self.open.pop();
                lane.push(Stmt::Block(body));
            }
        }
        false
    }

    fn assign(&mut self, lane: &mut LaneBuilder) {
        let local = self.dice.pick(&self.locals.clone());
        let now = lane.get(local);
        let ty = lane.ty(now);
        let value = self.value(lane, ty, 2);
        lane.set(local, value);
    }

    fn effect(&mut self, lane: &mut LaneBuilder) {
        match self.site {
            Some(site) if self.dice.one_in(2) => {
                let seven = lane.const_(Scalar::i64(7));
                let limit = lane.const_(Scalar::i64(93));
                let value = self.value(lane, Type::I64, 1);
                let hundred = lane.const_(Scalar::i64(97));
                let rest = lane.op(Op::FloorRem, &[value, hundred]);
                let cond = lane.op(Op::Lt, &[rest, limit]);
                lane.push(Stmt::Check { cond, site, shows: [rest, seven], at: None });
            }
            Some(_) | None => {
                let value = self.value(lane, Type::I32, 1);
                let here = lane.axis(0);
                lane.push(Stmt::StoreAt(self.output, vec![here], value));
            }
        }
    }

    fn for_loop(&mut self, lane: &mut LaneBuilder) {
        let index = lane.local(Type::I64);
        let uniform = self.dice.one_in(2);
        let [start, stop, step] = if uniform {
            let bounds = [self.dice.below(5) as i64, self.dice.below(6) as i64, self.dice.pick(&[1, 2, -1])];
            bounds.map(|bound| lane.const_(Scalar::i64(bound)))
        } else {
            let mask = lane.const_(Scalar::i64(3));
            let [start, stop, step] = [0; 3].map(|_| {
                let value = self.value(lane, Type::I64, 1);
                lane.op(Op::And, &[value, mask])
            });
            let two = lane.const_(Scalar::i64(-3));
            let step = lane.op(Op::Add, &[step, two]);
            let minus = lane.const_(Scalar::i64(-1));
            // -3, -2, -1 or -1: never zero.
            let step = lane.op(Op::Min, &[step, minus]);
            [stop, start, step]
        };
        self.open.push(true);
        let body = self.region(lane, |generator, _| generator.counters.push(index));
        self.open.pop();
        if self.dice.one_in(2) {
            self.counters.pop();
        }
        lane.push(Stmt::For { index, start, stop, step, body });
    }

    fn endless(&mut self, lane: &mut LaneBuilder) {
        let uses_fuel = self.dice.one_in(2);
        let counter = if uses_fuel { self.fuel } else { lane.local(Type::I64) };
        if !uses_fuel {
            let turns = lane.const_(Scalar::i64(1 + self.dice.below(4) as i64));
            lane.set(counter, turns);
        }
        self.open.push(true);
        let body = self.region(lane, |_, lane| {
            let (zero, one) = (lane.const_(Scalar::i64(0)), lane.const_(Scalar::i64(1)));
            let left = lane.get(counter);
            let on = lane.op(Op::Lt, &[zero, left]);
            lane.begin();
            lane.push(Stmt::Break(0));
            let otherwise = lane.end();
            lane.push(Stmt::If { cond: on, then: Vec::new(), otherwise });
            let less = lane.op(Op::Sub, &[left, one]);
            lane.set(counter, less);
        });
        self.open.pop();
        lane.push(Stmt::Loop(body));
    }
}

/// A program, and inputs for it.
fn generate(seed: u64) -> (Program, Vec<Input>) {
    let mut make = Make::new(format!("random {seed}"));
    let types = [Type::I32, Type::F64, Type::F32, Type::U8, Type::Bool];
    let arrays: Vec<(ArrayId, Type)> = types.iter().map(|&ty| (make.input(ty, 1, Layout::Dense), ty)).collect();
    let output = make.in_place(Type::I32, 1, Layout::Dense);
    let results: Vec<ArrayId> = TYPES.iter().map(|&ty| make.in_place(ty, 1, Layout::Dense)).collect();
    let scalars = vec![(make.param(Type::I64), Type::I64), (make.param(Type::F64), Type::F64)];
    let site = make.site(FaultKind::Index);
    let n = make.extents(output);
    let mut domain = Domain::parallel(&n);
    let views: Vec<_> = arrays.iter().map(|(array, _)| domain.view(*array, &[dim(0)])).collect();
    let result_views: Vec<_> = results.iter().map(|array| domain.view(*array, &[dim(0)])).collect();
    let lane = &mut domain.lane;
    let locals: Vec<Local> = TYPES.iter().map(|&ty| lane.local(ty)).collect();
    let fuel = lane.local(Type::I64);
    let full = lane.const_(Scalar::i64(6));
    lane.set(fuel, full);
    for (view, (_, ty)) in views.iter().zip(&arrays) {
        let value = lane.load(*view, *ty);
        let local = locals[TYPES.iter().position(|other| other == ty).unwrap()];
        lane.set(local, value);
    }
    let mut generator = Generator {
        dice: Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        locals: locals.clone(),
        counters: Vec::new(),
        fuel,
        arrays,
        scalars,
        output,
        site: seed.is_multiple_of(3).then_some(site),
        open: Vec::new(),
        depth: 0,
        statements: 0,
    };
    for _ in 0..4 {
        generator.statement(lane);
    }
    for (view, local) in result_views.iter().zip(locals) {
        let value = lane.get(local);
        lane.push(Stmt::Store(*view, value));
    }
    make.run(domain);
    (make.program, inputs(seed, &types))
}

fn inputs(seed: u64, types: &[Type]) -> Vec<Input> {
    let mut dice = Dice(seed ^ 0xabcd);
    let n = 37;
    let mut tensor = |ty: Type| {
        let values: Vec<Scalar> = (0..n)
            .map(|_| match ty {
                Type::F32 => Scalar::f32(dice.below(400) as f32 / 16.0 - 10.0),
                Type::F64 => Scalar::f64(dice.below(400) as f64 / 16.0 - 10.0),
                Type::Bool => Scalar::bool(dice.one_in(2)),
                ty => Scalar::int(ty, i128::from(dice.below(40)) - 10),
            })
            .collect();
        Input::Array(Tensor::vector(ty, &values))
    };
    let mut inputs: Vec<Input> = types.iter().map(|&ty| tensor(ty)).collect();
    inputs.push(tensor(Type::I32));
    inputs.extend(TYPES.iter().map(|&ty| tensor(ty)));
    inputs.push(Input::Scalar(Scalar::i64(dice.below(12) as i64)));
    inputs.push(Input::Scalar(Scalar::f64(dice.below(12) as f64)));
    inputs
}

#[test]
fn random_lanes_give_the_same_bits() {
    let count: u64 = std::env::var("HOTLOOP_RANDOM").ok().and_then(|text| text.parse().ok()).unwrap_or(150);
    let simd = Clif::simd().unwrap().quick().unwrap();
    for seed in 0..count {
        let (program, inputs) = generate(seed);
        hotloop_ir::verify(&program).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let oracle = run(&program, &*Interp.build(&program).unwrap(), &inputs, Split::Whole);
        for lanes in [1, 2, 4, 8, 16] {
            let program = scheduled(&program, lanes, false);
            let kernel = simd.build(&program).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            let outcome = run(&program, &*kernel, &inputs, Split::Whole);
            if let Some(difference) = outcome.difference(&oracle) {
                panic!("seed {seed}, {lanes} lanes: {difference}\n{}", hotloop_ir::text::print(&program));
            }
        }
    }
}
