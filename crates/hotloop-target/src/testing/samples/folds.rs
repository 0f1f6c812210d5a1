//! Reductions: every fold on every type, in rows, columns and point by point, at lengths around the tree's sizes.

use super::{Sample, noise, noisy};
use crate::testing::{Domain, Input, Make, Tensor, dim};
use hotloop_ir::program::Value;
use hotloop_ir::{AxisKind, Extent, FoldDest, FoldOp, Layout, Op, Scalar, SlotId, Type};

/// Around the number of partial results, and around one and two blocks.
const LENGTHS: [i64; 16] = [0, 1, 2, 5, 15, 16, 31, 32, 33, 63, 65, 257, 4095, 4096, 4097, 10_000];
const FEW_LENGTHS: [i64; 7] = [0, 1, 5, 33, 100, 4096, 4100];

pub(super) fn add(samples: &mut Vec<Sample>) {
    for ty in Type::reals() {
        samples.extend([vector(ty), rows(ty), columns(ty)]);
    }
    for ty in [Type::F64, Type::F32, Type::I32, Type::U8, Type::Bool] {
        samples.extend([all_of_two_axes(ty), points(ty), between(ty), outer(ty)]);
    }
    samples.extend([dot(), wide_counts(), stores_too(), long_tree(), special_values(), one_fold(Type::F64)]);
    samples.extend([one_fold(Type::F32), strided_rows(), uniform_terms(), branch_before(), mixed_widths()]);
}

/// The folds that a type has.
fn folds(ty: Type) -> impl Iterator<Item = FoldOp> {
    FoldOp::ALL.iter().copied().filter(move |op| op.admits(ty))
}

/// Integers of all sizes; floats as they are. Products of the raw numbers would soon be 0 or infinite, so they come
/// from numbers near 1.
fn terms(domain: &mut Domain, op: FoldOp, ty: Type, value: Value) -> Value {
    if op != FoldOp::Prod {
        return value;
    }
    let lane = &mut domain.lane;
    if ty.is_float() {
        let scale = if ty == Type::F32 { Scalar::f32(1e-5) } else { Scalar::f64(1e-5) };
        let one = if ty == Type::F32 { Scalar::f32(1.0) } else { Scalar::f64(1.0) };
        let (scale, one) = (lane.const_(scale), lane.const_(one));
        lane.op(Op::Fma, &[value, scale, one])
    } else {
        let one = lane.const_(Scalar::int(ty, 1));
        lane.op(Op::Or, &[value, one])
    }
}

/// Every fold of a vector, to slots, in one nest.
fn vector(ty: Type) -> Sample {
    let mut make = Make::new(format!("folds of a vector of {ty}"));
    let x = make.input(ty, 1, Layout::UnitInner);
    let length = make.extents(x)[0];
    let mut domain = Domain::new(&[(AxisKind::Reduce, Extent::Slot(length))]);
    let view = domain.whole(x);
    let value = domain.lane.load(view, ty);
    fold_to_slots(&mut make, &mut domain, ty, value);
    make.run(domain);
    Sample::new(make, LENGTHS.map(|n| vec![noisy(ty, &[n])]).to_vec())
}

fn fold_to_slots(make: &mut Make, domain: &mut Domain, ty: Type, value: Value) {
    for op in folds(ty) {
        let slot = make.slot(ty);
        make.result(slot);
        let term = terms(domain, op, ty, value);
        domain.fold(op, FoldDest::Slot(slot), term);
    }
}

/// Every fold of a type to a fresh array that follows these axes of the nest.
fn fold_to_arrays(make: &mut Make, domain: &mut Domain, ty: Type, value: Value, kept: &[(u32, SlotId)]) {
    let extents: Vec<SlotId> = kept.iter().map(|(_, extent)| *extent).collect();
    let dims: Vec<_> = kept.iter().map(|(axis, _)| dim(*axis)).collect();
    for op in folds(ty) {
        let out = make.output(ty, &extents);
        let view = domain.view(out, &dims);
        let term = terms(domain, op, ty, value);
        domain.fold(op, FoldDest::View(view), term);
    }
}

/// Axes of these kinds over an input of one type, each fold kept along the parallel axes.
fn over(name: &str, ty: Type, kinds: &[AxisKind], shapes: &[Vec<i64>]) -> Sample {
    let mut make = Make::new(format!("{name} of {ty}"));
    let x = make.input(ty, kinds.len() as u32, Layout::Dense);
    let extents = make.extents(x);
    let axes: Vec<_> = kinds.iter().zip(&extents).map(|(kind, extent)| (*kind, Extent::Slot(*extent))).collect();
    let mut domain = Domain::new(&axes);
    let view = domain.whole(x);
    let value = domain.lane.load(view, ty);
    let kept: Vec<(u32, SlotId)> = (0..)
        .zip(kinds.iter().zip(extents))
        .filter(|(_, (kind, _))| **kind == AxisKind::Parallel)
        .map(|(axis, (_, extent))| (axis, extent))
        .collect();
    fold_to_arrays(&mut make, &mut domain, ty, value, &kept);
    make.run(domain);
    Sample::new(make, shapes.iter().map(|shape| vec![noisy(ty, shape)]).collect())
}

/// The inner axis is folded.
fn rows(ty: Type) -> Sample {
    let mut shapes: Vec<Vec<i64>> = FEW_LENGTHS.iter().map(|n| vec![3, *n]).collect();
    shapes.extend([vec![0, 7], vec![40, 3], vec![1, 8200]]);
    over("folds of rows", ty, &[AxisKind::Parallel, AxisKind::Reduce], &shapes)
}

/// The outer axis is folded.
fn columns(ty: Type) -> Sample {
    let mut shapes: Vec<Vec<i64>> = FEW_LENGTHS.iter().map(|n| vec![*n, 3]).collect();
    shapes.extend([vec![7, 0], vec![5, 70], vec![40, 33], vec![2, 1030], vec![300, 1]]);
    over("folds of columns", ty, &[AxisKind::Reduce, AxisKind::Parallel], &shapes)
}

/// Two axes folded around one that is kept, and three rows of that.
fn points(ty: Type) -> Sample {
    use AxisKind::{Parallel, Reduce};
    let shapes = [[2, 3, 5], [1, 1, 1], [0, 2, 3], [3, 2, 0], [9, 4, 11], [70, 2, 65]].map(|shape| shape.to_vec());
    over("folds around an axis", ty, &[Reduce, Parallel, Reduce], &shapes)
}

/// The middle axis is folded.
fn between(ty: Type) -> Sample {
    use AxisKind::{Parallel, Reduce};
    let shapes = [[2, 3, 5], [1, 0, 4], [3, 33, 18], [2, 4100, 3]].map(|shape| shape.to_vec());
    over("folds of a middle axis", ty, &[Parallel, Reduce, Parallel], &shapes)
}

/// The outer two axes are folded.
fn outer(ty: Type) -> Sample {
    use AxisKind::{Parallel, Reduce};
    let shapes = [[2, 3, 5], [0, 5, 4], [3, 33, 18], [65, 64, 3]].map(|shape| shape.to_vec());
    over("folds of two outer axes", ty, &[Reduce, Reduce, Parallel], &shapes)
}

/// A fold to a slot over two axes: elements are numbered across rows.
fn all_of_two_axes(ty: Type) -> Sample {
    let mut make = Make::new(format!("folds of a matrix of {ty}"));
    let x = make.input(ty, 2, Layout::UnitInner);
    let extents = make.extents(x);
    let mut domain =
        Domain::new(&[(AxisKind::Reduce, Extent::Slot(extents[0])), (AxisKind::Reduce, Extent::Slot(extents[1]))]);
    let view = domain.whole(x);
    let value = domain.lane.load(view, ty);
    fold_to_slots(&mut make, &mut domain, ty, value);
    make.run(domain);
    let shapes = [[1, 1], [3, 7], [0, 3], [3, 0], [5, 33], [65, 64], [2, 4097]];
    Sample::new(make, shapes.map(|shape| vec![noisy(ty, &shape)]).to_vec())
}

/// Two inputs, and partial results that differ from the elements' type.
fn dot() -> Sample {
    let mut make = Make::new("dot product in f64 of f32 vectors");
    let (x, y) = (make.input(Type::F32, 1, Layout::Dense), make.input(Type::F32, 1, Layout::Dense));
    let length = make.extents(x)[0];
    let slot = make.slot(Type::F64);
    make.result(slot);
    let mut domain = Domain::new(&[(AxisKind::Reduce, Extent::Slot(length))]);
    let (x_view, y_view) = (domain.whole(x), domain.whole(y));
    let [a, b] = [x_view, y_view].map(|view| {
        let single = domain.lane.load(view, Type::F32);
        domain.lane.convert(Type::F64, single)
    });
    let product = domain.lane.op(Op::Mul, &[a, b]);
    domain.fold(FoldOp::Sum, FoldDest::Slot(slot), product);
    make.run(domain);
    let set = |n: i64| {
        let backwards: Vec<Scalar> = (0..n as usize).rev().map(|i| noise(Type::F32, i)).collect();
        vec![noisy(Type::F32, &[n]), Input::Array(Tensor::vector(Type::F32, &backwards))]
    };
    Sample::new(make, LENGTHS.map(set).to_vec())
}

/// Counts of truth values and sums of small integers, in 64 bits.
fn wide_counts() -> Sample {
    let mut make = Make::new("counts in i64");
    let (x, y) = (make.input(Type::Bool, 1, Layout::Dense), make.input(Type::I8, 1, Layout::Dense));
    let length = make.extents(x)[0];
    let mut domain = Domain::new(&[(AxisKind::Reduce, Extent::Slot(length))]);
    for (array, ty) in [(x, Type::Bool), (y, Type::I8)] {
        let slot = make.slot(Type::I64);
        make.result(slot);
        let view = domain.whole(array);
        let value = domain.lane.load(view, ty);
        let wide = domain.lane.convert(Type::I64, value);
        domain.fold(FoldOp::Sum, FoldDest::Slot(slot), wide);
    }
    make.run(domain);
    Sample::new(make, LENGTHS.map(|n| vec![noisy(Type::Bool, &[n]), noisy(Type::I8, &[n])]).to_vec())
}

/// Each point also stores what it contributes.
fn stores_too() -> Sample {
    let ty = Type::F64;
    let mut make = Make::new("stores beside folds");
    let x = make.input(ty, 2, Layout::Dense);
    let extents = make.extents(x);
    let (squares, sums) = (make.output(ty, &extents), make.output(ty, &extents[..1]));
    let mut domain =
        Domain::new(&[(AxisKind::Parallel, Extent::Slot(extents[0])), (AxisKind::Reduce, Extent::Slot(extents[1]))]);
    let view = domain.whole(x);
    let value = domain.lane.load(view, ty);
    let square = domain.lane.op(Op::Mul, &[value, value]);
    domain.store(squares, square);
    let dest = domain.view(sums, &[dim(0)]);
    domain.fold(FoldOp::Sum, FoldDest::View(dest), square);
    make.run(domain);
    let shapes = [[1, 1], [3, 5], [2, 33], [2, 0], [1, 4097], [7, 64]];
    Sample::new(make, shapes.map(|shape| vec![noisy(ty, &shape)]).to_vec())
}

/// Enough blocks for several levels of the tree, and an odd number of them.
fn long_tree() -> Sample {
    let mut make = Make::new("a tree of eleven blocks");
    let length = make.param(Type::I64);
    let slot = make.slot(Type::F32);
    make.result(slot);
    let mut domain = Domain::new(&[(AxisKind::Reduce, Extent::Slot(length))]);
    let index = domain.lane.axis(0);
    let number = domain.lane.convert(Type::F32, index);
    let third = domain.lane.const_(Scalar::f32(0.333_333_34));
    let term = domain.lane.op(Op::Mul, &[number, third]);
    domain.fold(FoldOp::Sum, FoldDest::Slot(slot), term);
    make.run(domain);
    let lengths = [3 * 4096, 5 * 4096 + 1, 6 * 4096, 7 * 4096 - 1, 11 * 4096 - 7];
    Sample::new(make, lengths.map(|n| vec![Input::Scalar(Scalar::i64(n))]).to_vec())
}

/// NaN, infinities and zeros of both signs in every place.
fn special_values() -> Sample {
    let ty = Type::F64;
    let mut make = Make::new("folds of special values");
    let x = make.input(ty, 1, Layout::Dense);
    let length = make.extents(x)[0];
    let mut domain = Domain::new(&[(AxisKind::Reduce, Extent::Slot(length))]);
    let view = domain.whole(x);
    let value = domain.lane.load(view, ty);
    for op in folds(ty) {
        let slot = make.slot(ty);
        make.result(slot);
        domain.fold(op, FoldDest::Slot(slot), value);
    }
    make.run(domain);
    let all = |x: f64, n: usize| vec![Scalar::f64(x); n];
    let with = |at: usize, x: f64| {
        let mut values = all(-0.0, 75);
        values[at] = Scalar::f64(x);
        values
    };
    let mut sets = vec![all(-0.0, 1), all(-0.0, 40), all(0.0, 3), all(f64::INFINITY, 33), all(f64::NAN, 2)];
    for at in [0, 31, 32, 64, 74] {
        sets.extend([with(at, f64::NAN), with(at, 0.0), with(at, f64::NEG_INFINITY), with(at, 1e-320)]);
    }
    Sample::new(make, sets.iter().map(|values| vec![Input::Array(Tensor::vector(ty, values))]).collect())
}

/// The plain sum that everybody measures.
fn one_fold(ty: Type) -> Sample {
    let mut make = Make::new(format!("sum of {ty}"));
    let x = make.input(ty, 1, Layout::Dense);
    let length = make.extents(x)[0];
    let slot = make.slot(ty);
    make.result(slot);
    let mut domain = Domain::new(&[(AxisKind::Reduce, Extent::Slot(length))]);
    let view = domain.whole(x);
    let value = domain.lane.load(view, ty);
    domain.fold(FoldOp::Sum, FoldDest::Slot(slot), value);
    make.run(domain);
    Sample::new(make, LENGTHS.map(|n| vec![noisy(ty, &[n])]).to_vec())
}

/// Rows read with a stride: every second element, backwards.
fn strided_rows() -> Sample {
    let ty = Type::F32;
    let mut make = Make::new("folds of strided rows");
    let x = make.input(ty, 2, Layout::Strided);
    let extents = make.extents(x);
    let mut domain =
        Domain::new(&[(AxisKind::Parallel, Extent::Slot(extents[0])), (AxisKind::Reduce, Extent::Slot(extents[1]))]);
    let view = domain.whole(x);
    let value = domain.lane.load(view, ty);
    fold_to_arrays(&mut make, &mut domain, ty, value, &[(0, extents[0])]);
    make.run(domain);
    let tensor = |n: i64, strides: [i64; 2]| {
        let values: Vec<Scalar> = (0..3 * n as usize).map(|i| noise(ty, i)).collect();
        vec![Input::Array(Tensor::strided(ty, &[3, n], &strides, &values))]
    };
    Sample::new(make, vec![tensor(65, [-200, 2]), tensor(100, [1, 3]), tensor(4097, [5000, -1])])
}

/// A constant, a parameter and a coordinate of the outer axis as terms.
fn uniform_terms() -> Sample {
    let mut make = Make::new("folds of uniform terms");
    let (rows, columns, scale) = (make.param(Type::I64), make.param(Type::I64), make.param(Type::F64));
    let mut domain =
        Domain::new(&[(AxisKind::Parallel, Extent::Slot(rows)), (AxisKind::Reduce, Extent::Slot(columns))]);
    let row = domain.lane.axis(0);
    let tenth = domain.lane.const_(Scalar::f64(0.1));
    let scale = domain.lane.slot(scale, Type::F64);
    for (ty, value) in [(Type::I64, row), (Type::F64, tenth), (Type::F64, scale)] {
        let out = make.output(ty, &[rows]);
        let dest = domain.view(out, &[dim(0)]);
        domain.fold(FoldOp::Sum, FoldDest::View(dest), value);
    }
    make.run(domain);
    let set = |n, m| [Scalar::i64(n), Scalar::i64(m), Scalar::f64(1.0 / 3.0)].map(Input::Scalar).to_vec();
    Sample::new(make, vec![set(1, 1), set(3, 0), set(2, 33), set(2, 4099), set(5, 100)])
}

/// A term that a branch computes: the sum of the positive elements, and how many there are.
fn branch_before() -> Sample {
    let ty = Type::F32;
    let mut make = Make::new("folds of terms from a branch");
    let x = make.input(ty, 1, Layout::Dense);
    let length = make.extents(x)[0];
    let (sum, count) = (make.slot(ty), make.slot(Type::I64));
    make.result(sum);
    make.result(count);
    let mut domain = Domain::new(&[(AxisKind::Reduce, Extent::Slot(length))]);
    let view = domain.whole(x);
    let lane = &mut domain.lane;
    let value = lane.load(view, ty);
    let zero = lane.const_(Scalar::f32(0.0));
    let positive = lane.op(Op::Lt, &[zero, value]);
    let (term, one) = (lane.local(ty), lane.local(Type::I64));
    lane.begin();
    lane.set(term, value);
    let number = lane.const_(Scalar::i64(1));
    lane.set(one, number);
    let then = lane.end();
    lane.push(hotloop_ir::Stmt::If { cond: positive, then, otherwise: Vec::new() });
    let (term, one) = (lane.get(term), lane.get(one));
    domain.fold(FoldOp::Sum, FoldDest::Slot(sum), term);
    domain.fold(FoldOp::Sum, FoldDest::Slot(count), one);
    make.run(domain);
    Sample::new(make, LENGTHS.map(|n| vec![noisy(ty, &[n])]).to_vec())
}

/// Folds of 1, 2, 4 and 8 bytes side by side: their numbers of partial results differ.
fn mixed_widths() -> Sample {
    let types = [Type::I8, Type::U16, Type::F32, Type::F64];
    let mut make = Make::new("folds of several widths in one nest");
    let inputs = types.map(|ty| make.input(ty, 1, Layout::Dense));
    let length = make.extents(inputs[0])[0];
    let mut domain = Domain::new(&[(AxisKind::Reduce, Extent::Slot(length))]);
    for (input, ty) in inputs.into_iter().zip(types) {
        let view = domain.whole(input);
        let value = domain.lane.load(view, ty);
        for op in [FoldOp::Sum, FoldOp::Max] {
            let slot = make.slot(ty);
            make.result(slot);
            domain.fold(op, FoldDest::Slot(slot), value);
        }
    }
    make.run(domain);
    Sample::new(make, LENGTHS.map(|n| types.map(|ty| noisy(ty, &[n])).to_vec()).to_vec())
}
