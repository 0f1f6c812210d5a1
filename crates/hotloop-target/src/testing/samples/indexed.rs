//! Accesses at computed indices: gathers, scatters in order, and gathers under a condition.

use super::{Sample, ints, noise, noisy};
use crate::testing::{Domain, Input, Make, Tensor};
use hotloop_ir::build::LaneBuilder;
use hotloop_ir::program::Value;
use hotloop_ir::{ArrayId, AxisKind, Extent, FaultKind, FoldDest, FoldOp, Layout, Op, Scalar, SiteId, Stmt, Type};

pub(super) fn add(samples: &mut Vec<Sample>) {
    for ty in Type::reals() {
        samples.extend([gather(ty), scatter(ty)]);
    }
    samples.extend([gather_two(), masked_gather(), histogram(), clamped(), gathered_sum(), scatter_parallel()]);
}

/// The index counted from the front, checked against the extent.
fn checked(lane: &mut LaneBuilder, array: ArrayId, axis: u32, index: Value, site: SiteId) -> Value {
    let (extent, zero) = (lane.extent(array, axis), lane.const_(Scalar::i64(0)));
    let negative = lane.op(Op::Lt, &[index, zero]);
    let wrapped = lane.op(Op::Add, &[index, extent]);
    let at = lane.op(Op::Select, &[negative, wrapped, index]);
    let low = lane.op(Op::Le, &[zero, at]);
    let high = lane.op(Op::Lt, &[at, extent]);
    let cond = lane.op(Op::And, &[low, high]);
    lane.push(Stmt::Check { cond, site, shows: [index, extent], at: None });
    at
}

/// Indices into `extent` elements, some counted from the end; `bad` ones are out of range.
fn indices(n: i64, extent: i64, bad: &[i64]) -> Input {
    let place = |i: i64| noise(Type::I64, i as usize).as_i64().rem_euclid(extent.max(1));
    let index = |i: i64| if i % 7 == 3 { place(i) - extent } else { place(i) };
    ints(Type::I64, (0..n).map(|i| if bad.contains(&i) { extent + i } else { index(i) }))
}

/// `x[index]`.
fn gather(ty: Type) -> Sample {
    let mut make = Make::new(format!("gather of {ty}"));
    let (x, index) = (make.input(ty, 1, Layout::Strided), make.input(Type::I64, 1, Layout::Dense));
    let site = make.site(FaultKind::Index);
    let extents = make.extents(index);
    let out = make.output(ty, &extents);
    let mut domain = Domain::parallel(&extents);
    let view = domain.whole(index);
    let raw = domain.lane.load(view, Type::I64);
    let at = checked(&mut domain.lane, x, 0, raw, site);
    let value = domain.lane.load_at(x, vec![at], ty);
    domain.store(out, value);
    make.run(domain);
    let values: Vec<Scalar> = (0..20).map(|i| noise(ty, i)).collect();
    let gaps = Input::Array(Tensor::strided(ty, &[20], &[-3], &values));
    let sets = vec![
        vec![noisy(ty, &[5]), indices(40, 5, &[])],
        vec![gaps, indices(33, 20, &[])],
        vec![noisy(ty, &[5]), indices(40, 5, &[38, 21])],
        vec![noisy(ty, &[0]), indices(0, 0, &[])],
        vec![noisy(ty, &[0]), indices(3, 0, &[])],
    ];
    Sample::new(make, sets)
}

/// `out[index] = x`, in order: the last one wins.
fn scatter(ty: Type) -> Sample {
    let mut make = Make::new(format!("scatter of {ty}"));
    let (x, index) = (make.input(ty, 1, Layout::Dense), make.input(Type::I64, 1, Layout::Dense));
    let out = make.in_place(ty, 1, Layout::Strided);
    let site = make.site(FaultKind::Index);
    let length = make.extents(index)[0];
    let mut domain = Domain::new(&[(AxisKind::Ordered, Extent::Slot(length))]);
    let (x_view, view) = (domain.whole(x), domain.whole(index));
    let raw = domain.lane.load(view, Type::I64);
    let at = checked(&mut domain.lane, out, 0, raw, site);
    let value = domain.lane.load(x_view, ty);
    domain.lane.push(Stmt::StoreAt(out, vec![at], value));
    make.run(domain);
    let set = |n: i64, extent: i64, bad: &[i64]| vec![noisy(ty, &[n]), indices(n, extent, bad), noisy(ty, &[extent])];
    Sample::new(make, vec![set(40, 7, &[]), set(40, 7, &[30]), set(0, 3, &[]), set(5, 90, &[])])
}

/// Two computed indices into a matrix.
fn gather_two() -> Sample {
    let mut make = Make::new("gather at two indices");
    let x = make.input(Type::F32, 2, Layout::UnitInner);
    let (rows, columns) = (make.input(Type::I64, 1, Layout::Dense), make.input(Type::I64, 1, Layout::Dense));
    let sites = [make.site(FaultKind::Index), make.site(FaultKind::Index)];
    let extents = make.extents(rows);
    let out = make.output(Type::F32, &extents);
    let mut domain = Domain::parallel(&extents);
    let views = [domain.whole(rows), domain.whole(columns)];
    let mut at = Vec::new();
    for (axis, (view, site)) in (0..).zip(views.into_iter().zip(sites)) {
        let raw = domain.lane.load(view, Type::I64);
        at.push(checked(&mut domain.lane, x, axis, raw, site));
    }
    let value = domain.lane.load_at(x, at, Type::F32);
    domain.store(out, value);
    make.run(domain);
    let set = |n, bad: &[i64]| vec![noisy(Type::F32, &[4, 9]), indices(n, 4, &[]), indices(n, 9, bad)];
    Sample::new(make, vec![set(50, &[]), set(50, &[31]), set(1, &[])])
}

/// Points whose index is out of range take another branch and must not read.
fn masked_gather() -> Sample {
    let ty = Type::F64;
    let mut make = Make::new("gather under a condition");
    let (x, index) = (make.input(ty, 1, Layout::Dense), make.input(Type::I64, 1, Layout::Dense));
    let extents = make.extents(index);
    let out = make.output(ty, &extents);
    let mut domain = Domain::parallel(&extents);
    let view = domain.whole(index);
    let lane = &mut domain.lane;
    let at = lane.load(view, Type::I64);
    let (extent, zero) = (lane.extent(x, 0), lane.const_(Scalar::i64(0)));
    let (low, high) = (lane.op(Op::Le, &[zero, at]), lane.op(Op::Lt, &[at, extent]));
    let inside = lane.op(Op::And, &[low, high]);
    let result = lane.local(ty);
    lane.begin();
    let value = lane.load_at(x, vec![at], ty);
    lane.set(result, value);
    let then = lane.end();
    lane.push(Stmt::If { cond: inside, then, otherwise: Vec::new() });
    let result = lane.get(result);
    domain.store(out, result);
    make.run(domain);
    let wild = |n: i64| ints(Type::I64, (0..n).map(|i| [i, -1, i64::MAX, i64::MIN, 2, 1 << 40][i as usize % 6]));
    Sample::new(make, vec![vec![noisy(ty, &[6]), wild(40)], vec![noisy(ty, &[0]), wild(9)]])
}

/// Counts in order: each point reads and writes what others wrote.
fn histogram() -> Sample {
    let mut make = Make::new("histogram");
    let x = make.input(Type::U8, 1, Layout::Dense);
    let counts = make.in_place(Type::I32, 1, Layout::Dense);
    let length = make.extents(x)[0];
    let mut domain = Domain::new(&[(AxisKind::Ordered, Extent::Slot(length))]);
    let view = domain.whole(x);
    let lane = &mut domain.lane;
    let byte = lane.load(view, Type::U8);
    let sixteen = lane.const_(Scalar::int(Type::U8, 16));
    let bin = lane.op(Op::FloorRem, &[byte, sixteen]);
    let at = lane.convert(Type::I64, bin);
    let old = lane.load_at(counts, vec![at], Type::I32);
    let one = lane.const_(Scalar::int(Type::I32, 1));
    let new = lane.op(Op::Add, &[old, one]);
    lane.push(Stmt::StoreAt(counts, vec![at], new));
    make.run(domain);
    Sample::new(make, [0, 1, 100, 3000].map(|n| vec![noisy(Type::U8, &[n]), noisy(Type::I32, &[16])]).to_vec())
}

/// A lookup table behind an index that min and max keep inside.
fn clamped() -> Sample {
    let mut make = Make::new("lookup with a clamped index");
    let (table, x) = (make.input(Type::I16, 1, Layout::Dense), make.input(Type::F32, 2, Layout::Dense));
    let extents = make.extents(x);
    let out = make.output(Type::I16, &extents);
    let mut domain = Domain::parallel(&extents);
    let view = domain.whole(x);
    let lane = &mut domain.lane;
    let value = lane.load(view, Type::F32);
    let raw = lane.convert(Type::I64, value);
    let (extent, zero, one) = (lane.extent(table, 0), lane.const_(Scalar::i64(0)), lane.const_(Scalar::i64(1)));
    let last = lane.op(Op::Sub, &[extent, one]);
    let low = lane.op(Op::Max, &[raw, zero]);
    let at = lane.op(Op::Min, &[low, last]);
    let value = lane.load_at(table, vec![at], Type::I16);
    domain.store(out, value);
    make.run(domain);
    let shapes = [[1, 1], [3, 17], [2, 64]];
    Sample::new(make, shapes.map(|shape| vec![noisy(Type::I16, &[50]), noisy(Type::F32, &shape)]).to_vec())
}

/// A fold over gathered elements.
fn gathered_sum() -> Sample {
    let ty = Type::F64;
    let mut make = Make::new("sum of gathered elements");
    let (x, index) = (make.input(ty, 1, Layout::Dense), make.input(Type::U8, 1, Layout::Dense));
    let length = make.extents(index)[0];
    let slot = make.slot(ty);
    make.result(slot);
    let mut domain = Domain::new(&[(AxisKind::Reduce, Extent::Slot(length))]);
    let view = domain.whole(index);
    let byte = domain.lane.load(view, Type::U8);
    let at = domain.lane.convert(Type::I64, byte);
    let value = domain.lane.load_at(x, vec![at], ty);
    domain.fold(FoldOp::Sum, FoldDest::Slot(slot), value);
    make.run(domain);
    Sample::new(make, [0, 1, 33, 4097].map(|n| vec![noisy(ty, &[256]), noisy(Type::U8, &[n])]).to_vec())
}

/// A permutation written on a parallel axis: every point has a place of its own.
fn scatter_parallel() -> Sample {
    let ty = Type::F32;
    let mut make = Make::new("scatter of a permutation");
    let (x, out) = (make.input(ty, 1, Layout::Dense), make.in_place(ty, 1, Layout::Dense));
    let extents = make.extents(x);
    let mut domain = Domain::parallel(&extents);
    let view = domain.whole(x);
    let lane = &mut domain.lane;
    let value = lane.load(view, ty);
    let (i, n, seven) = (lane.axis(0), lane.extent(out, 0), lane.const_(Scalar::i64(7)));
    let product = lane.op(Op::Mul, &[i, seven]);
    let at = lane.op(Op::FloorRem, &[product, n]);
    lane.push(Stmt::StoreAt(out, vec![at], value));
    make.run(domain);
    Sample::new(make, [1, 5, 40, 4100].map(|n| vec![noisy(ty, &[n]), noisy(ty, &[n])]).to_vec())
}
