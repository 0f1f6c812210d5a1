//! The array level: loops, branches and blocks of steps, scalar nests, temporaries and arrays allocated again.

use super::{Sample, noisy};
use crate::testing::{Domain, Input, Make, Tensor, dim, fixed};
use hotloop_ir::build::LaneBuilder;
use hotloop_ir::program::Value;
use hotloop_ir::{
    AxisKind, Class, Extent, FoldDest, FoldOp, Layout, MatMul, Op, ProductId, ResultRef, Role, Scalar, SlotId, Span,
    Step, Stmt, Type, View,
};

pub(super) fn add(samples: &mut Vec<Sample>) {
    samples.extend([
        scalars(),
        counted(),
        while_loop(),
        jumps(),
        relaxation(),
        prefix_sums(),
        reallocated(),
        branches(),
    ]);
    samples.extend([slot_types(), set_slots(), through_temporary(), products(Type::F64), products(Type::F32)]);
}

fn slot(lane: &mut LaneBuilder, slot: SlotId) -> Value {
    lane.slot(slot, Type::I64)
}

fn constant(lane: &mut LaneBuilder, value: i64) -> Value {
    lane.const_(Scalar::i64(value))
}

/// A step that puts a computed `i64` or `bool` into a slot.
fn assign(make: &mut Make, to: SlotId, value: impl FnOnce(&mut LaneBuilder) -> Value) -> Step {
    Step::Nest(make.assign_nest(to, value))
}

fn scalar_sets(sets: &[&[i64]]) -> Vec<Vec<Input>> {
    sets.iter().map(|set| set.iter().map(|value| Input::Scalar(Scalar::i64(*value))).collect()).collect()
}

/// Arithmetic on parameters alone, with a lane loop: no array anywhere.
fn scalars() -> Sample {
    let mut make = Make::new("scalars only");
    let (a, b) = (make.param(Type::F64), make.param(Type::I32));
    let (x, y) = (make.slot(Type::F64), make.slot(Type::I32));
    make.result(x);
    make.result(y);
    let mut domain = Domain::new(&[]);
    let lane = &mut domain.lane;
    let (a, b) = (lane.slot(a, Type::F64), lane.slot(b, Type::I32));
    let wide = lane.convert(Type::F64, b);
    let product = lane.op(Op::Mul, &[a, wide]);
    lane.set_slot(x, product);
    let again = lane.slot(x, Type::F64);
    let root = lane.op(Op::Sqrt, &[again]);
    lane.set_slot(x, root);
    let seven = lane.const_(Scalar::int(Type::I32, 7));
    let rest = lane.op(Op::FloorRem, &[b, seven]);
    lane.set_slot(y, rest);
    make.run(domain);
    let set = |a: f64, b: i128| vec![Input::Scalar(Scalar::f64(a)), Input::Scalar(Scalar::int(Type::I32, b))];
    Sample::new(make, vec![set(2.0, 8), set(-1.0, 3), set(0.0, -5), set(1e300, i128::from(i32::MIN))])
}

/// A counted loop of steps, up and down, with the index after it.
fn counted() -> Sample {
    let mut make = Make::new("counted loop of steps");
    let [start, stop, step] = [0; 3].map(|_| make.param(Type::I64));
    let (index, sum) = (make.slot(Type::I64), make.slot(Type::I64));
    make.result(index);
    make.result(sum);
    let body = vec![assign(&mut make, sum, |lane| {
        let (old, three) = (slot(lane, sum), constant(lane, 3));
        let triple = lane.op(Op::Mul, &[old, three]);
        let index = slot(lane, index);
        lane.op(Op::Add, &[triple, index])
    })];
    make.program.steps.push(Step::For { index, start, stop, step, body });
    Sample::new(
        make,
        scalar_sets(&[&[0, 5, 1], &[5, 0, -2], &[0, 0, 1], &[3, -10, 4], &[0, 40, 7], &[i64::MAX - 2, i64::MAX, 2]]),
    )
}

/// Euclid's algorithm: a `while` as a loop with a break.
fn while_loop() -> Sample {
    let mut make = Make::new("while loop of steps");
    let (a, b) = (make.param(Type::I64), make.param(Type::I64));
    let (done, rest) = (make.slot(Type::Bool), make.slot(Type::I64));
    make.result(a);
    let body = vec![
        assign(&mut make, done, |lane| {
            let (b, zero) = (slot(lane, b), constant(lane, 0));
            lane.op(Op::Eq, &[b, zero])
        }),
        Step::If { cond: done, then: vec![Step::Break(0)], otherwise: Vec::new() },
        assign(&mut make, rest, |lane| {
            let args = [slot(lane, a), slot(lane, b)];
            lane.op(Op::FloorRem, &args)
        }),
        assign(&mut make, a, |lane| slot(lane, b)),
        assign(&mut make, b, |lane| slot(lane, rest)),
    ];
    make.program.steps.push(Step::Loop(body));
    Sample::new(make, scalar_sets(&[&[12, 18], &[1, 0], &[0, 7], &[123_456_789_012, 987_654_321]]))
}

/// Breaks and continues through a counted loop, a loop and a block.
fn jumps() -> Sample {
    let mut make = Make::new("breaks and continues of steps");
    let limit = make.param(Type::I64);
    let [start, stop, step, i, j, trace] = [0; 6].map(|_| make.slot(Type::I64));
    let flag = make.slot(Type::Bool);
    [trace, i, j].into_iter().for_each(|slot| make.result(slot));
    for (to, value) in [(start, 0), (stop, 6), (step, 1), (trace, 0)] {
        make.assign(to, |lane| constant(lane, value));
    }
    let note = |make: &mut Make, digit: i64| {
        assign(make, trace, |lane| {
            let (old, ten, digit) = (slot(lane, trace), constant(lane, 10), constant(lane, digit));
            let shifted = lane.op(Op::Mul, &[old, ten]);
            lane.op(Op::Add, &[shifted, digit])
        })
    };
    let compare = |make: &mut Make, op: Op, a: SlotId, b: i64| {
        assign(make, flag, |lane| {
            let args = [slot(lane, a), constant(lane, b)];
            lane.op(op, &args)
        })
    };
    let when = |then: Vec<Step>| Step::If { cond: flag, then, otherwise: Vec::new() };
    let mut inner = vec![
        assign(&mut make, j, |lane| {
            let (j, one) = (slot(lane, j), constant(lane, 1));
            lane.op(Op::Add, &[j, one])
        }),
        compare(&mut make, Op::Eq, j, 2),
        when(vec![note(&mut make, 1), Step::Continue(0)]),
        compare(&mut make, Op::Eq, j, 4),
        when(vec![note(&mut make, 2), Step::Continue(2)]),
        compare(&mut make, Op::Eq, j, 7),
        when(vec![note(&mut make, 3), Step::Break(1)]),
    ];
    inner.push(assign(&mut make, flag, |lane| {
        let args = [slot(lane, limit), slot(lane, j)];
        lane.op(Op::Lt, &args)
    }));
    inner.push(when(vec![note(&mut make, 4), Step::Break(2)]));
    let block = vec![Step::Loop(inner), note(&mut make, 8)];
    let body = vec![Step::Block(block), note(&mut make, 5)];
    make.program.steps.push(Step::For { index: i, start, stop, step, body });
    let end = note(&mut make, 6);
    make.program.steps.push(end);
    Sample::new(make, scalar_sets(&[&[0], &[2], &[3], &[5], &[9], &[100]]))
}

/// Two arrays written in turn by a loop of nests, as a time loop does it.
fn relaxation() -> Sample {
    let ty = Type::F64;
    let mut make = Make::new("relaxation");
    let x = make.in_place(ty, 1, Layout::Dense);
    let turns = make.param(Type::I64);
    let extents = make.extents(x);
    let [start, step, index, inner] = [0; 4].map(|_| make.slot(Type::I64));
    make.assign(start, |lane| constant(lane, 0));
    make.assign(step, |lane| constant(lane, 1));
    make.assign(inner, |lane| {
        let (n, two, zero) = (slot(lane, extents[0]), constant(lane, 2), constant(lane, 0));
        let less = lane.op(Op::Sub, &[n, two]);
        lane.op(Op::Max, &[less, zero])
    });
    let next = make.temp(ty, &[inner]);
    let shifted = |start| hotloop_ir::ViewDim { start: Extent::Const(start), ..dim(0) };
    let mut average = Domain::parallel(&[inner]);
    let views = [0, 1, 2].map(|start| average.view(x, &[shifted(start)]));
    let values = views.map(|view| average.lane.load(view, ty));
    let sum = average.lane.op(Op::Add, &[values[0], values[2]]);
    let quarter = average.lane.const_(Scalar::f64(0.25));
    let half = average.lane.const_(Scalar::f64(0.5));
    let middle = average.lane.op(Op::Mul, &[values[1], half]);
    let value = average.lane.op(Op::Fma, &[sum, quarter, middle]);
    average.store(next, value);
    let average = make.nest(average);
    let mut back = Domain::parallel(&[inner]);
    let from = back.whole(next);
    let value = back.lane.load(from, ty);
    let to = back.view(x, &[shifted(1)]);
    back.lane.push(Stmt::Store(to, value));
    let back = make.nest(back);
    let body = vec![Step::Nest(average), Step::Nest(back)];
    make.program.steps.push(Step::For { index, start, stop: turns, step, body });
    let set = |n: i64, turns: i64| vec![noisy(ty, &[n]), Input::Scalar(Scalar::i64(turns))];
    Sample::new(make, vec![set(2, 3), set(3, 1), set(40, 5), set(4200, 2), set(7, 0)])
}

/// An ordered axis: each point reads what the one before has written.
fn prefix_sums() -> Sample {
    let ty = Type::I32;
    let mut make = Make::new("prefix sums in order");
    let x = make.in_place(ty, 1, Layout::UnitInner);
    let length = make.extents(x)[0];
    let rest = make.slot(Type::I64);
    make.assign(rest, |lane| {
        let (n, one, zero) = (slot(lane, length), constant(lane, 1), constant(lane, 0));
        let less = lane.op(Op::Sub, &[n, one]);
        lane.op(Op::Max, &[less, zero])
    });
    let mut domain = Domain::new(&[(AxisKind::Ordered, Extent::Slot(rest))]);
    let before = domain.view(x, &[dim(0)]);
    let here = domain.view(x, &[hotloop_ir::ViewDim { start: Extent::Const(1), ..dim(0) }]);
    let (a, b) = (domain.lane.load(before, ty), domain.lane.load(here, ty));
    let sum = domain.lane.op(Op::Add, &[a, b]);
    domain.lane.push(Stmt::Store(here, sum));
    make.run(domain);
    Sample::new(make, [0, 1, 2, 50, 5000].map(|n| vec![noisy(ty, &[n])]).to_vec())
}

/// A temporary that is made anew in each turn, with the same extents and with others.
fn reallocated() -> Sample {
    let ty = Type::I64;
    let mut make = Make::new("arrays allocated again");
    let turns = make.param(Type::I64);
    let [start, step, index, total, size] = [0; 5].map(|_| make.slot(Type::I64));
    make.result(total);
    make.assign(start, |lane| constant(lane, 0));
    make.assign(step, |lane| constant(lane, 1));
    let temp = make.unallocated(ty, 1, Role::Temp);
    let resize = assign(&mut make, size, |lane| {
        let (index, two) = (slot(lane, index), constant(lane, 2));
        let half = lane.op(Op::FloorDiv, &[index, two]);
        let three = constant(lane, 3);
        lane.op(Op::Add, &[half, three])
    });
    let mut fill = Domain::parallel(&[size]);
    let (i, turn) = (fill.lane.axis(0), slot(&mut fill.lane, index));
    let value = fill.lane.op(Op::Mul, &[i, turn]);
    fill.store(temp, value);
    let fill = make.nest(fill);
    let part = make.slot(ty);
    let mut sum = Domain::new(&[(AxisKind::Reduce, Extent::Slot(size))]);
    let view = sum.whole(temp);
    let value = sum.lane.load(view, ty);
    sum.fold(FoldOp::Sum, FoldDest::Slot(part), value);
    let sum = make.nest(sum);
    let add = assign(&mut make, total, |lane| {
        let args = [slot(lane, total), slot(lane, part)];
        lane.op(Op::Add, &args)
    });
    let body = vec![resize, Step::Alloc(temp, vec![size]), Step::Nest(fill), Step::Nest(sum), add];
    make.program.steps.push(Step::For { index, start, stop: turns, step, body });
    Sample::new(make, scalar_sets(&[&[0], &[1], &[9]]))
}

/// A matrix product into a temporary that a nest reads and that is then given back, in every turn of a loop.
fn products(ty: Type) -> Sample {
    let mut make = Make::new(format!("matrix products {ty}"));
    let (a, b) = (make.input(ty, 2, Layout::Strided), make.input(ty, 2, Layout::Dense));
    let ([m, k], [_, n]) = (pair(make.extents(a)), pair(make.extents(b)));
    let turns = make.param(Type::I64);
    let out = make.output(ty, &[m, n]);
    let (index, start, step) = (make.slot(Type::I64), make.slot(Type::I64), make.slot(Type::I64));
    make.assign(start, |lane| constant(lane, 0));
    make.assign(step, |lane| constant(lane, 1));
    let mut zero = Domain::parallel(&[m, n]);
    let nothing = zero.lane.const_(Scalar::new(ty, 0));
    zero.store(out, nothing);
    make.run(zero);
    let temp = make.unallocated(ty, 2, Role::Temp);
    let view = |array, first, second| View { array, dims: vec![dim(first), dim(second)] };
    let axes = [m, n, k].map(Extent::Slot).to_vec();
    let (c, a, b) = (view(temp, 0, 1), view(a, 0, 2), view(b, 2, 1));
    make.program.products.push(MatMul { axes, c, a, b, span: Span::DETACHED });
    let mut add = Domain::parallel(&[m, n]);
    let (from, to) = (add.whole(temp), add.whole(out));
    let (value, before) = (add.lane.load(from, ty), add.lane.load(to, ty));
    let sum = add.lane.op(Op::Add, &[before, value]);
    add.lane.push(Stmt::Store(to, sum));
    let add = Step::Nest(make.nest(add));
    let body = vec![Step::Alloc(temp, vec![m, n]), Step::MatMul(ProductId(0)), add, Step::Free(temp)];
    make.program.steps.push(Step::For { index, start, stop: turns, step, body });
    // Whole numbers, whose sums are the same in every order.
    let whole = |rows: i64, columns: i64| {
        let count = (rows * columns) as usize;
        let values: Vec<Scalar> = (0..count).map(|i| Scalar::int(Type::I64, (i as i128 * 37) % 11 - 5)).collect();
        let float = |value: &Scalar| match ty {
            Type::F32 => Scalar::f32(value.as_i64() as f32),
            _ => Scalar::f64(value.as_i64() as f64),
        };
        Input::Array(Tensor::dense(ty, &[rows, columns], &values.iter().map(float).collect::<Vec<_>>()))
    };
    let set = |m, n, k, turns: i64| vec![whole(m, k), whole(k, n), Input::Scalar(Scalar::i64(turns))];
    Sample::new(make, vec![set(2, 3, 4, 1), set(1, 1, 1, 3), set(9, 17, 13, 2), set(3, 3, 0, 1), set(0, 2, 2, 1)])
}

fn pair(slots: Vec<SlotId>) -> [SlotId; 2] {
    [slots[0], slots[1]]
}

/// One of two nests runs, and an output is allocated on either path.
fn branches() -> Sample {
    let ty = Type::F32;
    let mut make = Make::new("branches of steps");
    let x = make.input(ty, 1, Layout::Dense);
    let flag = make.param(Type::Bool);
    let extents = make.extents(x);
    let out = make.unallocated(ty, 1, Role::Output);
    make.program.results.push(ResultRef::Array(out));
    let mut side = |op: Op| {
        let mut domain = Domain::parallel(&extents);
        let view = domain.whole(x);
        let value = domain.lane.load(view, ty);
        let value = domain.lane.op(op, &[value]);
        domain.store(out, value);
        vec![Step::Alloc(out, extents.clone()), Step::Nest(make.nest(domain))]
    };
    let (then, otherwise) = (side(Op::Neg), side(Op::Floor));
    make.program.steps.push(Step::If { cond: flag, then, otherwise });
    let set = |n: i64, flag: bool| vec![noisy(ty, &[n]), Input::Scalar(Scalar::bool(flag))];
    Sample::new(make, vec![set(20, true), set(20, false), set(0, true)])
}

/// Slots of every type, read by a lane with axes and written by folds and scalar nests.
fn slot_types() -> Sample {
    let mut make = Make::new("slots of every type");
    let length = make.param(Type::I64);
    let params: Vec<SlotId> = Type::reals().map(|ty| make.param(ty)).collect();
    for (ty, &param) in Type::reals().zip(&params) {
        let (out, copy) = (make.output(ty, &[length]), make.slot(ty));
        make.result(copy);
        let mut domain = Domain::parallel(&[length]);
        let value = domain.lane.slot(param, ty);
        domain.store(out, value);
        make.run(domain);
        make.assign(copy, |lane| {
            let value = lane.slot(param, ty);
            match ty.class() {
                Class::Bool => lane.op(Op::Not, &[value]),
                Class::Half | Class::Complex => value,
                Class::Signed | Class::Unsigned | Class::Float => lane.op(Op::Neg, &[value]),
            }
        });
    }
    let set = |n: i64, bits: u64| {
        let scalars = Type::reals().map(|ty| Scalar::new(ty, if ty == Type::Bool { bits & 1 } else { bits }));
        std::iter::once(Scalar::i64(n)).chain(scalars).map(Input::Scalar).collect()
    };
    Sample::new(make, vec![set(3, 0xc034_5678_c0de_8081), set(17, 0x4049_0fdb_4049_0f7f), set(0, 1)])
}

/// A scalar nest with control flow that sets slots in branches and in a loop.
fn set_slots() -> Sample {
    let mut make = Make::new("slots set under control flow");
    let n = make.param(Type::I64);
    let (small, big) = (make.slot(Type::I32), make.slot(Type::F64));
    make.result(small);
    make.result(big);
    let mut domain = Domain::new(&[]);
    let lane = &mut domain.lane;
    let (count, zero, one) = (slot(lane, n), constant(lane, 0), constant(lane, 1));
    let i = lane.local(Type::I64);
    lane.begin();
    let index = lane.get(i);
    let odd = lane.op(Op::And, &[index, one]);
    let odd = lane.op(Op::Eq, &[odd, one]);
    lane.begin();
    let old = lane.slot(small, Type::I32);
    let narrow = lane.convert(Type::I32, index);
    let sum = lane.op(Op::Add, &[old, narrow]);
    lane.set_slot(small, sum);
    let then = lane.end();
    lane.begin();
    let old = lane.slot(big, Type::F64);
    let wide = lane.convert(Type::F64, index);
    let sum = lane.op(Op::Add, &[old, wide]);
    lane.set_slot(big, sum);
    let otherwise = lane.end();
    lane.push(Stmt::If { cond: odd, then, otherwise });
    let body = lane.end();
    lane.push(Stmt::For { index: i, start: zero, stop: count, step: one, body });
    make.run(domain);
    Sample::new(make, scalar_sets(&[&[0], &[1], &[2], &[11], &[3000]]))
}

/// A matrix product's inner step as an expression over a temporary and a fixed row.
fn through_temporary() -> Sample {
    let ty = Type::F64;
    let mut make = Make::new("rows through a temporary");
    let x = make.input(ty, 2, Layout::Dense);
    let row = make.param(Type::I64);
    let extents = make.extents(x);
    let temp = make.temp(ty, &extents[1..]);
    let out = make.output(ty, &extents);
    let mut pick = Domain::parallel(&extents[1..]);
    let view = pick.view(x, &[fixed(Extent::Slot(row)), dim(0)]);
    let value = pick.lane.load(view, ty);
    let twice = pick.lane.op(Op::Add, &[value, value]);
    pick.store(temp, twice);
    make.run(pick);
    let mut spread = Domain::parallel(&extents);
    let (x_view, temp_view) = (spread.whole(x), spread.view(temp, &[dim(1)]));
    let (a, b) = (spread.lane.load(x_view, ty), spread.lane.load(temp_view, ty));
    let product = spread.lane.op(Op::Mul, &[a, b]);
    spread.store(out, product);
    make.run(spread);
    let set = |shape: &[i64], row: i64| vec![noisy(ty, shape), Input::Scalar(Scalar::i64(row))];
    Sample::new(make, vec![set(&[3, 7], 2), set(&[1, 50], 0), set(&[4, 33], 1)])
}
