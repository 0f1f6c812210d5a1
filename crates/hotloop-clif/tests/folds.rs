//! Reductions large enough for several strips of columns and several blocks at once, with folds of several types.

use hotloop_clif::Clif;
use hotloop_interp::Interp;
use hotloop_ir::{AxisKind, Extent, FoldDest, FoldOp, Layout, Op, Program, Scalar, Type};
use hotloop_target::Target;
use hotloop_target::testing::{Domain, Input, Make, Split, Tensor, dim, run, scheduled};

/// Sums, a product, extremes and truths over one axis of a matrix.
fn program(folded: u32, ty: Type) -> Program {
    let mut make = Make::new(format!("folds over axis {folded} of {ty}"));
    let matrix = make.input(ty, 2, Layout::Dense);
    let types = [Type::F64, Type::F32, ty, ty, Type::Bool, Type::I64];
    let results: Vec<_> = types.iter().map(|&ty| make.in_place(ty, 1, Layout::Dense)).collect();
    let extents = make.extents(matrix);
    let kind = |axis| if axis == folded { AxisKind::Reduce } else { AxisKind::Parallel };
    let axes = [0, 1].map(|axis| (kind(axis), Extent::Slot(extents[axis as usize])));
    let mut domain = Domain::new(&axes);
    let view = domain.view(matrix, &[dim(0), dim(1)]);
    let dests: Vec<_> = results.iter().map(|result| domain.view(*result, &[dim(1 - folded)])).collect();
    let lane = &mut domain.lane;
    let element = lane.load(view, ty);
    let (wide, narrow) = (lane.convert(Type::F64, element), lane.convert(Type::F32, element));
    let counted = lane.convert(Type::I64, element);
    let zero = lane.const_(Scalar::int(ty, 0));
    let nonzero = lane.op(Op::Ne, &[element, zero]);
    let values = [wide, narrow, element, element, nonzero, counted];
    let ops = [FoldOp::Sum, FoldOp::Sum, FoldOp::Max, FoldOp::Min, FoldOp::All, FoldOp::Sum];
    for ((op, value), dest) in ops.into_iter().zip(values).zip(dests) {
        domain.fold(op, FoldDest::View(dest), value);
    }
    make.run(domain);
    make.program
}

fn inputs(shape: [i64; 2], folded: usize, ty: Type) -> Vec<Input> {
    let count = (shape[0] * shape[1]) as usize;
    let value = |i: usize| {
        let mixed = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
        if ty.is_float() { Scalar::f64(mixed as f64 * 1.1e-5 - 9000.0) } else { Scalar::new(ty, mixed) }
    };
    let matrix = Tensor::dense(ty, &shape, &(0..count).map(value).collect::<Vec<_>>());
    let kept = shape[1 - folded] as usize;
    let types = [Type::F64, Type::F32, ty, ty, Type::Bool, Type::I64];
    let result = |&ty: &Type| Input::Array(Tensor::vector(ty, &vec![Scalar::new(ty, 0); kept]));
    std::iter::once(Input::Array(matrix)).chain(types.iter().map(result)).collect()
}

#[test]
fn many_strips_and_blocks_give_the_same_bits() {
    let cases = [([4100, 530], 0), ([3, 9001], 1), ([64, 1], 0), ([1, 64], 1), ([37, 1030], 0), ([40, 129], 1)];
    let simd = Clif::simd().unwrap();
    for ty in [Type::F64, Type::I16] {
        for (shape, folded) in cases {
            let program = program(folded, ty);
            let inputs = inputs(shape, folded as usize, ty);
            let oracle = run(&program, &*Interp.build(&program).unwrap(), &inputs, Split::Whole);
            for lanes in [1, 4, 8] {
                let program = scheduled(&program, lanes, true);
                let kernel = simd.build(&program).unwrap();
                let outcome = run(&program, &*kernel, &inputs, Split::Threads(2));
                assert_eq!(outcome.difference(&oracle), None, "{} {shape:?} x{lanes}", program.name);
            }
        }
    }
}

/// The sum of products, whose lane is so small that one strip takes a whole block.
fn dot(ty: Type) -> Program {
    let mut make = Make::new(format!("a sum of products of {ty}"));
    let factors = [0, 1].map(|_| make.input(ty, 1, Layout::Dense));
    let result = make.in_place(ty, 1, Layout::Dense);
    let [one, folded] = [result, factors[0]].map(|array| make.extents(array)[0]);
    let axes = [(AxisKind::Parallel, Extent::Slot(one)), (AxisKind::Reduce, Extent::Slot(folded))];
    let mut domain = Domain::new(&axes);
    let views = factors.map(|factor| domain.view(factor, &[dim(1)]));
    let dest = domain.view(result, &[dim(0)]);
    let [a, b] = views.map(|view| domain.lane.load(view, ty));
    let product = domain.lane.op(Op::Mul, &[a, b]);
    domain.fold(FoldOp::Sum, FoldDest::View(dest), product);
    make.run(domain);
    make.program
}

#[test]
fn folds_of_every_length_give_the_same_bits() {
    let simd = Clif::simd().unwrap();
    for ty in [Type::F64, Type::F32] {
        let program = dot(ty);
        let oracle = Interp.build(&program).unwrap();
        for lanes in [4, 8, 16] {
            let kernel = simd.build(&scheduled(&program, lanes, true)).unwrap();
            for n in (0..200).chain([4095, 4096, 4097, 8191, 8192 + 33]) {
                let value = |i: i64| {
                    let number = ((i * 37 + 11) % 101) as f64 * 0.37 - 17.0;
                    if ty == Type::F32 { Scalar::f32(number as f32) } else { Scalar::f64(number) }
                };
                let factor = |step: i64| Tensor::vector(ty, &(0..n).map(|i| value(i * step)).collect::<Vec<_>>());
                let result = Tensor::vector(ty, &[Scalar::new(ty, 0)]);
                let inputs = [factor(1), factor(3), result].map(Input::Array);
                let outcome = run(&program, &*kernel, &inputs, Split::Whole);
                let expected = run(&program, &*oracle, &inputs, Split::Whole);
                assert_eq!(outcome.difference(&expected), None, "{} of {n} x{lanes}", program.name);
            }
        }
    }
}
