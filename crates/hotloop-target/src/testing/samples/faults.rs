//! Checks that fail in several places: the record of the lowest linear index counts.

use super::{Sample, ints, noisy};
use crate::testing::{Domain, Input, Make, Tensor, dim};
use hotloop_ir::build::LaneBuilder;
use hotloop_ir::program::Value;
use hotloop_ir::{AxisKind, Extent, FaultKind, FoldDest, FoldOp, Layout, Op, Scalar, SiteId, Stmt, Type};

pub(super) fn add(samples: &mut Vec<Sample>) {
    samples.extend([division(Type::I64), division(Type::I32), division(Type::I8), division(Type::U16)]);
    samples.extend([two_sites(), in_branch(), in_loop(), two_axes(), beside_fold(), scalar_check(), later_nest()]);
    samples.extend([after_store(), in_order()]);
}

/// Checks that a value is not 0.
fn check_nonzero(lane: &mut LaneBuilder, site: SiteId, value: Value, dividend: Value) {
    let ty = lane.ty(value);
    let zero = lane.const_(Scalar::int(ty, 0));
    let cond = lane.op(Op::Ne, &[value, zero]);
    lane.push(Stmt::Check { cond, site, shows: [dividend, value], at: None });
}

/// `0..n` with zeros at these places.
fn with_zeros(ty: Type, n: i64, zeros: &[i64]) -> Input {
    ints(ty, (0..n).map(|i| if zeros.contains(&i) { 0 } else { i % 100 + 1 }))
}

/// Lengths and the places of zeros: none, first, last, several, in the tail of a vector group, in later tiles.
const PLACES: [(i64, &[i64]); 10] = [
    (1, &[]),
    (1, &[0]),
    (40, &[]),
    (40, &[39]),
    (40, &[17, 5, 30]),
    (33, &[32]),
    (37, &[36, 35]),
    (9000, &[8999, 4097, 4096]),
    (9000, &[4095, 8999]),
    (20_000, &[19_999]),
];

/// `x // y` with the check that the front end puts before it.
fn division(ty: Type) -> Sample {
    let mut make = Make::new(format!("checked division {ty}"));
    let (x, y) = (make.input(ty, 1, Layout::Dense), make.input(ty, 1, Layout::Dense));
    let site = make.site(FaultKind::DivideByZero);
    let extents = make.extents(x);
    let outs = [make.output(ty, &extents), make.output(ty, &extents)];
    let mut domain = Domain::parallel(&extents);
    let (x_view, y_view) = (domain.whole(x), domain.whole(y));
    let (a, b) = (domain.lane.load(x_view, ty), domain.lane.load(y_view, ty));
    check_nonzero(&mut domain.lane, site, b, a);
    let quotient = domain.lane.op(Op::FloorDiv, &[a, b]);
    let rest = domain.lane.op(Op::FloorRem, &[a, b]);
    for (out, value) in outs.into_iter().zip([quotient, rest]) {
        domain.store(out, value);
    }
    make.run(domain);
    let set = |(n, zeros): (i64, &[i64])| vec![noisy(ty, &[n]), with_zeros(ty, n, zeros)];
    Sample::new(make, PLACES.map(set).to_vec())
}

/// Two checks per point: the earlier point wins, and in one point the earlier check.
fn two_sites() -> Sample {
    let ty = Type::I32;
    let mut make = Make::new("two checks");
    let (x, y) = (make.input(ty, 1, Layout::Dense), make.input(ty, 1, Layout::Dense));
    let (first, second) = (make.site(FaultKind::DivideByZero), make.site(FaultKind::Index));
    let extents = make.extents(x);
    let out = make.output(ty, &extents);
    let mut domain = Domain::parallel(&extents);
    let (x_view, y_view) = (domain.whole(x), domain.whole(y));
    let a = domain.lane.load(x_view, ty);
    check_nonzero(&mut domain.lane, first, a, a);
    let b = domain.lane.load(y_view, ty);
    check_nonzero(&mut domain.lane, second, b, a);
    let quotient = domain.lane.op(Op::FloorDiv, &[a, b]);
    domain.store(out, quotient);
    make.run(domain);
    let set = |(a, b): (&[i64], &[i64])| vec![with_zeros(ty, 70, a), with_zeros(ty, 70, b)];
    let sets: [(&[i64], &[i64]); 5] = [(&[20], &[18]), (&[18], &[20]), (&[33], &[33]), (&[], &[69]), (&[], &[])];
    Sample::new(make, sets.map(set).to_vec())
}

/// A check that only some points reach.
fn in_branch() -> Sample {
    let ty = Type::I64;
    let mut make = Make::new("a check in a branch");
    let (x, y) = (make.input(ty, 1, Layout::Dense), make.input(Type::Bool, 1, Layout::Dense));
    let site = make.site(FaultKind::NegativeExponent);
    let extents = make.extents(x);
    let out = make.output(ty, &extents);
    let mut domain = Domain::parallel(&extents);
    let (x_view, y_view) = (domain.whole(x), domain.whole(y));
    let lane = &mut domain.lane;
    let (value, flag) = (lane.load(x_view, ty), lane.load(y_view, Type::Bool));
    let result = lane.local(ty);
    lane.begin();
    check_nonzero(lane, site, value, value);
    let hundred = lane.const_(Scalar::i64(100));
    let quotient = lane.op(Op::FloorDiv, &[hundred, value]);
    lane.set(result, quotient);
    let then = lane.end();
    lane.push(Stmt::If { cond: flag, then, otherwise: Vec::new() });
    let result = lane.get(result);
    domain.store(out, result);
    make.run(domain);
    let flags = |n: i64, off: &[i64]| {
        let flags: Vec<Scalar> = (0..n).map(|i| Scalar::bool(!off.contains(&i))).collect();
        Input::Array(Tensor::vector(Type::Bool, &flags))
    };
    let set = |n: i64, zeros: &[i64], off: &[i64]| vec![with_zeros(ty, n, zeros), flags(n, off)];
    Sample::new(
        make,
        vec![set(50, &[3, 8], &[3]), set(50, &[3, 8], &[3, 8]), set(50, &[3, 8], &[8]), set(1, &[0], &[0])],
    )
}

/// A check in a loop: a later point can fail in an earlier turn, and still the lower index counts.
fn in_loop() -> Sample {
    let ty = Type::I64;
    let mut make = Make::new("a check in a loop");
    let x = make.input(ty, 1, Layout::Dense);
    let site = make.site(FaultKind::Overflow);
    let extents = make.extents(x);
    let out = make.output(ty, &extents);
    let mut domain = Domain::parallel(&extents);
    let view = domain.whole(x);
    let lane = &mut domain.lane;
    let value = lane.load(view, ty);
    let (index, sum) = (lane.local(ty), lane.local(ty));
    let [zero, one, ten, fifty] = [0, 1, 10, 50].map(|value| lane.const_(Scalar::i64(value)));
    lane.begin();
    let (i, old) = (lane.get(index), lane.get(sum));
    let new = lane.op(Op::Add, &[old, value]);
    lane.set(sum, new);
    let small = lane.op(Op::Lt, &[new, fifty]);
    lane.push(Stmt::Check { cond: small, site, shows: [i, new], at: None });
    let body = lane.end();
    lane.push(Stmt::For { index, start: zero, stop: ten, step: one, body });
    let sum = lane.get(sum);
    domain.store(out, sum);
    make.run(domain);
    let with = |n: i64, big: &[(i64, i64)]| {
        let value = |i| big.iter().find(|(at, _)| *at == i).map_or(i % 5, |(_, value)| *value);
        vec![ints(ty, (0..n).map(value))]
    };
    Sample::new(make, vec![with(60, &[]), with(60, &[(9, 6), (11, 60)]), with(60, &[(59, 49)]), with(3, &[(2, 50)])])
}

/// The linear index over two axes.
fn two_axes() -> Sample {
    let ty = Type::I32;
    let mut make = Make::new("checks over two axes");
    let (x, y) = (make.input(ty, 1, Layout::Dense), make.input(ty, 1, Layout::Dense));
    let site = make.site(FaultKind::DivideByZero);
    let extents = [make.extents(x)[0], make.extents(y)[0]];
    let out = make.output(ty, &extents);
    let mut domain = Domain::parallel(&extents);
    let (x_view, y_view) = (domain.view(x, &[dim(0)]), domain.view(y, &[dim(1)]));
    let (a, b) = (domain.lane.load(x_view, ty), domain.lane.load(y_view, ty));
    let sum = domain.lane.op(Op::Add, &[a, b]);
    check_nonzero(&mut domain.lane, site, sum, a);
    domain.store(out, sum);
    make.run(domain);
    let set = |a: &[i64], b: &[i64]| vec![ints(ty, a.iter().copied()), ints(ty, b.iter().copied())];
    let long: Vec<i64> = (1..5000).map(|i| if i == 4200 { -2 } else { i }).collect();
    Sample::new(
        make,
        vec![set(&[1, 2, 3], &[5, -3, -2, 9]), set(&[1, 2], &[3, 4]), set(&[1, 2, 3], &long), set(&[2; 40], &[-1, -2])],
    )
}

/// A check in a nest with folds, along rows and along columns.
fn beside_fold() -> Sample {
    let ty = Type::I32;
    let mut make = Make::new("checks beside folds");
    let x = make.input(ty, 2, Layout::Dense);
    let (down, across) = (make.site(FaultKind::DivideByZero), make.site(FaultKind::Index));
    let extents = make.extents(x);
    for (site, kinds, kept) in
        [(across, [AxisKind::Parallel, AxisKind::Reduce], 0), (down, [AxisKind::Reduce, AxisKind::Parallel], 1)]
    {
        let out = make.output(ty, &extents[kept..=kept]);
        let mut domain = Domain::new(&[0, 1].map(|axis| (kinds[axis], Extent::Slot(extents[axis]))));
        let (view, dest) = (domain.whole(x), domain.view(out, &[dim(kept as u32)]));
        let value = domain.lane.load(view, ty);
        // The first nest lets a 7 pass that the second refuses.
        let limit = domain.lane.const_(Scalar::int(ty, if kept == 0 { 0 } else { 7 }));
        let cond = domain.lane.op(Op::Ne, &[value, limit]);
        domain.lane.push(Stmt::Check { cond, site, shows: [value, value], at: None });
        domain.fold(FoldOp::Sum, FoldDest::View(dest), value);
        make.run(domain);
    }
    let set = |shape: [i64; 2], odd: &[(i64, i64)]| {
        let value = |i: i64| odd.iter().find(|(at, _)| *at == i).map_or(i % 5 + 1, |(_, value)| *value);
        let values: Vec<Scalar> = (0..shape[0] * shape[1]).map(|i| Scalar::int(ty, value(i).into())).collect();
        vec![Input::Array(Tensor::dense(ty, &shape, &values))]
    };
    let sets = vec![
        set([4, 40], &[]),
        set([4, 40], &[(70, 0), (41, 0)]),
        set([4, 40], &[(81, 7), (45, 7)]),
        set([2, 5000], &[(9000, 0), (4500, 0)]),
        set([50, 3], &[(149, 7)]),
    ];
    Sample::new(make, sets)
}

/// A check without axes, and a step after it that must not run.
fn scalar_check() -> Sample {
    let mut make = Make::new("a check of scalars");
    let (a, b) = (make.param(Type::I64), make.param(Type::I64));
    let array = make.in_place(Type::I64, 1, Layout::Dense);
    let site = make.site(FaultKind::Shape);
    let mut domain = Domain::new(&[]);
    let (x, y) = (domain.lane.slot(a, Type::I64), domain.lane.slot(b, Type::I64));
    let equal = domain.lane.op(Op::Eq, &[x, y]);
    domain.lane.push(Stmt::Check { cond: equal, site, shows: [x, y], at: None });
    make.run(domain);
    let extents = make.extents(array);
    let mut domain = Domain::parallel(&extents);
    let value = domain.lane.slot(a, Type::I64);
    domain.store(array, value);
    make.run(domain);
    let set = |a, b| vec![Input::Scalar(Scalar::i64(a)), Input::Scalar(Scalar::i64(b)), noisy(Type::I64, &[9])];
    Sample::new(make, vec![set(3, 3), set(3, -4)])
}

/// Two nests that can fault: the first step counts, though its index is higher.
fn later_nest() -> Sample {
    let ty = Type::I32;
    let mut make = Make::new("faults in two nests");
    let inputs = [make.input(ty, 1, Layout::Dense), make.input(ty, 1, Layout::Dense)];
    for input in inputs {
        let site = make.site(FaultKind::DivideByZero);
        let extents = make.extents(input);
        let out = make.output(ty, &extents);
        let mut domain = Domain::parallel(&extents);
        let view = domain.whole(input);
        let value = domain.lane.load(view, ty);
        check_nonzero(&mut domain.lane, site, value, value);
        domain.store(out, value);
        make.run(domain);
    }
    let set = |a: &[i64], b: &[i64]| vec![with_zeros(ty, 50, a), with_zeros(ty, 50, b)];
    Sample::new(make, vec![set(&[40], &[2]), set(&[], &[2, 1]), set(&[], &[])])
}

/// A check after a store: what the points before have stored stays, and nothing else is promised.
fn after_store() -> Sample {
    let ty = Type::I32;
    let mut make = Make::new("a check after a store");
    let x = make.input(ty, 1, Layout::Dense);
    let site = make.site(FaultKind::DivideByZero);
    let extents = make.extents(x);
    let out = make.output(ty, &extents);
    let mut domain = Domain::parallel(&extents);
    let view = domain.whole(x);
    let value = domain.lane.load(view, ty);
    domain.store(out, value);
    check_nonzero(&mut domain.lane, site, value, value);
    make.run(domain);
    Sample::new(make, PLACES.map(|(n, zeros)| vec![with_zeros(ty, n, zeros)]).to_vec())
}

/// A check on an ordered axis, which reads what earlier points wrote.
fn in_order() -> Sample {
    let ty = Type::I64;
    let mut make = Make::new("a check in order");
    let x = make.in_place(ty, 1, Layout::Dense);
    let site = make.site(FaultKind::Overflow);
    let rest = make.slot(ty);
    make.assign(rest, |lane| {
        let (n, one) = (lane.extent(x, 0), lane.const_(Scalar::i64(1)));
        lane.op(Op::Sub, &[n, one])
    });
    let mut domain = Domain::new(&[(AxisKind::Ordered, Extent::Slot(rest))]);
    let before = domain.view(x, &[dim(0)]);
    let here = domain.view(x, &[hotloop_ir::ViewDim { start: Extent::Const(1), ..dim(0) }]);
    let (a, b) = (domain.lane.load(before, ty), domain.lane.load(here, ty));
    let sum = domain.lane.op(Op::Add, &[a, b]);
    let limit = domain.lane.const_(Scalar::i64(1000));
    let cond = domain.lane.op(Op::Lt, &[sum, limit]);
    domain.lane.push(Stmt::Check { cond, site, shows: [a, b], at: None });
    domain.lane.push(Stmt::Store(here, sum));
    make.run(domain);
    Sample::new(make, vec![vec![ints(ty, 0..20)], vec![ints(ty, 0..80)], vec![ints(ty, [5])]])
}
