//! Affine accesses: broadcasting, strides and steps of either sign, offsets, transposition, layouts, raw `bool` bytes.

use super::{Sample, noise, noisy};
use crate::testing::{Domain, Input, Make, Tensor, dim, fixed};
use hotloop_ir::build::LaneBuilder;
use hotloop_ir::program::Value;
use hotloop_ir::{AxisKind, Extent, Layout, Op, Scalar, SlotId, Type, ViewDim};

pub(super) fn add(samples: &mut Vec<Sample>) {
    for ty in [Type::F64, Type::F32, Type::I8, Type::I64] {
        samples.extend([outer(ty), broadcast_at_run_time(ty), reversed(ty), five_point(ty), transposed(ty)]);
    }
    samples.extend([strided_inputs(), raw_bools(), three_axes(), constant_domain(), uniform_store()]);
}

/// Adds integers with wrapping, floats plainly.
fn plus(lane: &mut LaneBuilder, a: Value, b: Value) -> Value {
    lane.op(Op::Add, &[a, b])
}

/// `x[:, newaxis] + y[newaxis, :]`: dimensions that do not follow an axis.
fn outer(ty: Type) -> Sample {
    let mut make = Make::new(format!("outer sum {ty}"));
    let (x, y) = (make.input(ty, 1, Layout::Dense), make.input(ty, 1, Layout::Dense));
    let extents = [make.extents(x)[0], make.extents(y)[0]];
    let out = make.output(ty, &extents);
    let mut domain = Domain::parallel(&extents);
    let (x_view, y_view) = (domain.view(x, &[dim(0)]), domain.view(y, &[dim(1)]));
    let (a, b) = (domain.lane.load(x_view, ty), domain.lane.load(y_view, ty));
    let sum = plus(&mut domain.lane, a, b);
    domain.store(out, sum);
    make.run(domain);
    let sets = [(1, 1), (3, 5), (0, 4), (4, 0), (2, 37), (5, 64), (1, 4100)];
    let inputs = sets.map(|(n, m)| vec![noisy(ty, &[n]), noisy(ty, &[m])]).to_vec();
    Sample::new(make, inputs)
}

/// A slot that holds 0 where the extent is 1, else 1.
fn broadcast_step(make: &mut Make, extent: SlotId) -> SlotId {
    let step = make.slot(Type::I64);
    make.assign(step, |lane| {
        let (extent, one) = (lane.slot(extent, Type::I64), lane.const_(Scalar::i64(1)));
        let stretched = lane.op(Op::Eq, &[extent, one]);
        let zero = lane.const_(Scalar::i64(0));
        lane.op(Op::Select, &[stretched, zero, one])
    });
    step
}

/// NumPy broadcasting where only the run knows which extents are 1.
fn broadcast_at_run_time(ty: Type) -> Sample {
    let mut make = Make::new(format!("run-time broadcast {ty}"));
    let (x, y) = (make.input(ty, 2, Layout::Strided), make.input(ty, 2, Layout::UnitInner));
    let (x_extents, y_extents) = (make.extents(x), make.extents(y));
    let extents: Vec<SlotId> = (0..2).map(|_| make.slot(Type::I64)).collect();
    for axis in 0..2 {
        make.assign(extents[axis], |lane| {
            let args = [x_extents[axis], y_extents[axis]].map(|slot| lane.slot(slot, Type::I64));
            lane.op(Op::Max, &args)
        });
    }
    let out = make.output(ty, &extents);
    let mut steps = |extents: &[SlotId]| -> Vec<ViewDim> {
        let walk = |(axis, extent): (u32, &SlotId)| ViewDim {
            start: Extent::Const(0),
            step: Extent::Slot(broadcast_step(&mut make, *extent)),
            axis: Some(axis),
            full: false,
        };
        (0..).zip(extents).map(walk).collect()
    };
    let (x_dims, y_dims) = (steps(&x_extents), steps(&y_extents));
    let mut domain = Domain::parallel(&extents);
    let (x_view, y_view) = (domain.view(x, &x_dims), domain.view(y, &y_dims));
    let (a, b) = (domain.lane.load(x_view, ty), domain.lane.load(y_view, ty));
    let sum = plus(&mut domain.lane, a, b);
    domain.store(out, sum);
    make.run(domain);
    let sets = [([3, 40], [3, 40]), ([1, 40], [3, 1]), ([3, 1], [1, 40]), ([1, 1], [2, 19]), ([2, 33], [1, 33])];
    Sample::new(make, sets.map(|(a, b)| vec![noisy(ty, &a), noisy(ty, &b)]).to_vec())
}

/// `out[i] = x[n-1-i] + x[(n-1)/2 + ..]` read backwards and every second element, from a start known at run time.
fn reversed(ty: Type) -> Sample {
    let mut make = Make::new(format!("negative and wide steps {ty}"));
    let x = make.input(ty, 1, Layout::Dense);
    let length = make.extents(x)[0];
    let (last, half) = (make.slot(Type::I64), make.slot(Type::I64));
    make.assign(last, |lane| {
        let (n, one) = (lane.slot(length, Type::I64), lane.const_(Scalar::i64(1)));
        lane.op(Op::Sub, &[n, one])
    });
    make.assign(half, |lane| {
        let (n, two) = (lane.slot(length, Type::I64), lane.const_(Scalar::i64(2)));
        lane.op(Op::FloorDiv, &[n, two])
    });
    let out = make.output(ty, &[half]);
    let mut domain = Domain::parallel(&[half]);
    let back = ViewDim { start: Extent::Slot(last), step: Extent::Const(-1), axis: Some(0), full: false };
    let wide = ViewDim { start: Extent::Const(1), step: Extent::Const(2), axis: Some(0), full: false };
    let (back, wide) = (domain.view(x, &[back]), domain.view(x, &[wide]));
    let (a, b) = (domain.lane.load(back, ty), domain.lane.load(wide, ty));
    let sum = plus(&mut domain.lane, a, b);
    domain.store(out, sum);
    make.run(domain);
    Sample::new(make, [0, 1, 2, 3, 30, 33, 64, 1000].map(|n| vec![noisy(ty, &[n])]).to_vec())
}

/// A stencil: five offsets into one array, stored into the interior of another.
fn five_point(ty: Type) -> Sample {
    let mut make = Make::new(format!("five-point stencil {ty}"));
    let (x, y) = (make.input(ty, 2, Layout::Dense), make.in_place(ty, 2, Layout::Dense));
    let extents = make.extents(x);
    let inner: Vec<SlotId> = extents.iter().map(|_| make.slot(Type::I64)).collect();
    for (from, to) in extents.iter().zip(&inner) {
        make.assign(*to, |lane| {
            let (n, two) = (lane.slot(*from, Type::I64), lane.const_(Scalar::i64(2)));
            let (less, zero) = (lane.op(Op::Sub, &[n, two]), lane.const_(Scalar::i64(0)));
            lane.op(Op::Max, &[less, zero])
        });
    }
    let mut domain = Domain::parallel(&inner);
    let at = |start: i64, axis| ViewDim { start: Extent::Const(start), ..dim(axis) };
    let mut sum = None;
    for (row, column) in [(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)] {
        let view = domain.view(x, &[at(row, 0), at(column, 1)]);
        let value = domain.lane.load(view, ty);
        sum = Some(sum.map_or(value, |sum| plus(&mut domain.lane, sum, value)));
    }
    let view = domain.view(y, &[at(1, 0), at(1, 1)]);
    domain.lane.push(hotloop_ir::Stmt::Store(view, sum.expect("five values")));
    make.run(domain);
    let sets = [[3, 3], [2, 9], [4, 21], [7, 66], [3, 1]];
    Sample::new(make, sets.map(|shape| vec![noisy(ty, &shape), noisy(ty, &shape)]).to_vec())
}

/// Reads across the rows of memory: the innermost axis of the nest is the outer one of the array.
fn transposed(ty: Type) -> Sample {
    let mut make = Make::new(format!("transposed {ty}"));
    let x = make.input(ty, 2, Layout::Dense);
    let extents = make.extents(x);
    let turned = [extents[1], extents[0]];
    let out = make.output(ty, &turned);
    let mut domain = Domain::parallel(&turned);
    let view = domain.view(x, &[dim(1), dim(0)]);
    let value = domain.lane.load(view, ty);
    let twice = plus(&mut domain.lane, value, value);
    domain.store(out, twice);
    make.run(domain);
    Sample::new(make, [[1, 1], [5, 3], [33, 2], [20, 41]].map(|shape| vec![noisy(ty, &shape)]).to_vec())
}

/// Memory with gaps, negative strides and zero strides, on both sides of an operation.
fn strided_inputs() -> Sample {
    let ty = Type::F32;
    let mut make = Make::new("strides of memory");
    let (x, y) = (make.input(ty, 2, Layout::Strided), make.in_place(ty, 2, Layout::Strided));
    let extents = make.extents(x);
    let mut domain = Domain::parallel(&extents);
    let (x_view, y_view) = (domain.whole(x), domain.whole(y));
    let (a, b) = (domain.lane.load(x_view, ty), domain.lane.load(y_view, ty));
    let sum = plus(&mut domain.lane, a, b);
    domain.store(y, sum);
    make.run(domain);
    let tensor = |strides: [i64; 2]| {
        let values: Vec<Scalar> = (0..3 * 21).map(|i| noise(ty, if strides[1] == 0 { i / 21 } else { i })).collect();
        Input::Array(Tensor::strided(ty, &[3, 21], &strides, &values))
    };
    let sets = [
        ([21, 1], [21, 1]),
        ([1, 3], [21, 1]),
        ([-21, 1], [30, 1]),
        ([60, 2], [-60, -2]),
        ([1, 0], [1, 3]),
        ([-63, -3], [-1, -3]),
    ];
    Sample::new(make, sets.map(|(a, b)| vec![tensor(a), tensor(b)]).to_vec())
}

/// Bytes other than 0 and 1 are true when loaded, and what is stored is 0 or 1.
fn raw_bools() -> Sample {
    let mut make = Make::new("raw bool bytes");
    let (x, y) = (make.input(Type::Bool, 1, Layout::Dense), make.input(Type::I32, 1, Layout::Dense));
    let extents = make.extents(x);
    let outs = [Type::Bool, Type::Bool, Type::U8, Type::I32].map(|ty| make.output(ty, &extents));
    let mut domain = Domain::parallel(&extents);
    let (x_view, y_view) = (domain.whole(x), domain.whole(y));
    let (flag, number) = (domain.lane.load(x_view, Type::Bool), domain.lane.load(y_view, Type::I32));
    let not = domain.lane.op(Op::Not, &[flag]);
    let count = domain.lane.convert(Type::U8, flag);
    let zero = domain.lane.const_(Scalar::int(Type::I32, 0));
    let masked = domain.lane.op(Op::Select, &[flag, number, zero]);
    for (out, value) in outs.into_iter().zip([flag, not, count, masked]) {
        domain.store(out, value);
    }
    make.run(domain);
    let set = |n: usize| {
        let bytes: Vec<Scalar> = (0..n).map(|i| Scalar::new(Type::Bool, [0, 1, 2, 255, 128, 0][i % 6])).collect();
        let numbers: Vec<Scalar> = (0..n).map(|i| noise(Type::I32, i)).collect();
        vec![Input::Array(Tensor::vector(Type::Bool, &bytes)), Input::Array(Tensor::vector(Type::I32, &numbers))]
    };
    Sample::new(make, [1, 5, 16, 40, 100].map(set).to_vec())
}

/// Three axes, coordinates as values, and one array that follows only the middle axis.
fn three_axes() -> Sample {
    let mut make = Make::new("three axes and coordinates");
    let (x, y) = (make.input(Type::I64, 3, Layout::Dense), make.input(Type::I64, 1, Layout::Dense));
    let extents = make.extents(x);
    let out = make.output(Type::I64, &extents);
    let mut domain = Domain::parallel(&extents);
    let (x_view, y_view) = (domain.whole(x), domain.view(y, &[dim(1)]));
    let lane = &mut domain.lane;
    let mut sum = lane.load(x_view, Type::I64);
    let column = lane.load(y_view, Type::I64);
    for value in [column, lane.axis(0), lane.axis(1), lane.axis(2)] {
        let ten = lane.const_(Scalar::i64(10));
        let shifted = lane.op(Op::Mul, &[sum, ten]);
        sum = lane.op(Op::Add, &[shifted, value]);
    }
    domain.store(out, sum);
    make.run(domain);
    let sets = [[2, 3, 4], [1, 1, 1], [3, 2, 35], [2, 0, 5], [4, 5, 17]];
    Sample::new(make, sets.map(|shape| vec![noisy(Type::I64, &shape), noisy(Type::I64, &shape[1..2])]).to_vec())
}

/// Extents known when the program is made, fixed indices, and a row picked by a slot.
fn constant_domain() -> Sample {
    let ty = Type::F64;
    let mut make = Make::new("constant extents and fixed indices");
    let x = make.input(ty, 2, Layout::Dense);
    let row = make.param(Type::I64);
    let (rows, columns) = (make.slot(Type::I64), make.slot(Type::I64));
    make.assign(rows, |lane| lane.const_(Scalar::i64(3)));
    make.assign(columns, |lane| lane.const_(Scalar::i64(13)));
    let out = make.output(ty, &[rows, columns]);
    let mut domain = Domain::new(&[(AxisKind::Parallel, Extent::Const(3)), (AxisKind::Parallel, Extent::Const(13))]);
    let picked = domain.view(x, &[fixed(Extent::Slot(row)), dim(1)]);
    let corner = domain.view(x, &[fixed(Extent::Const(1)), fixed(Extent::Const(2))]);
    let (a, b) = (domain.lane.load(picked, ty), domain.lane.load(corner, ty));
    let sum = plus(&mut domain.lane, a, b);
    domain.store(out, sum);
    make.run(domain);
    let set = |row| vec![noisy(ty, &[4, 13]), Input::Scalar(Scalar::i64(row))];
    Sample::new(make, [0, 3].map(set).to_vec())
}

/// Values that do not vary along the vector axis: a parameter, a constant and the outer coordinate, stored as such.
fn uniform_store() -> Sample {
    let mut make = Make::new("uniform values stored");
    let x = make.input(Type::F32, 2, Layout::Dense);
    let scale = make.param(Type::F32);
    let extents = make.extents(x);
    let outs = [Type::F32, Type::F32, Type::I64, Type::Bool].map(|ty| make.output(ty, &extents));
    let mut domain = Domain::parallel(&extents);
    let lane = &mut domain.lane;
    let scale = lane.slot(scale, Type::F32);
    let constant = lane.const_(Scalar::f32(0.1));
    let product = lane.op(Op::Mul, &[scale, constant]);
    let outer = lane.axis(0);
    let one = lane.const_(Scalar::i64(1));
    let first = lane.op(Op::Lt, &[outer, one]);
    for (out, value) in outs.into_iter().zip([scale, product, outer, first]) {
        domain.store(out, value);
    }
    make.run(domain);
    let set = |shape: &[i64]| vec![noisy(Type::F32, shape), Input::Scalar(Scalar::f32(-7.25))];
    Sample::new(make, vec![set(&[1, 1]), set(&[3, 19]), set(&[2, 64])])
}
