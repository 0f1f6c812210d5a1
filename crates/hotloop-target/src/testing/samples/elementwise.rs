//! Elementwise nests: every op on every type it takes, every conversion and bit cast, and mixed types in one lane.

use super::Sample;
use crate::testing::{Domain, Input, Make, Tensor, edges, few_edges};
use hotloop_ir::build::LaneBuilder;
use hotloop_ir::program::Value;
use hotloop_ir::{Layout, Op, Scalar, Type};

pub(super) fn add(samples: &mut Vec<Sample>) {
    samples.extend([axpy(Type::F32), axpy(Type::F64), mixed()]);
    for &op in Op::ALL {
        samples.extend(Type::reals().filter(|ty| op.accepts().admits(*ty)).map(|ty| op_sample(op, ty)));
    }
    for from in Type::reals() {
        samples.extend(Type::reals().filter(|to| converts(from, *to)).map(|to| conversion(from, to)));
        samples.extend(Type::reals().filter(|to| casts(from, *to)).map(|to| bit_cast(from, to)));
    }
}

fn converts(from: Type, to: Type) -> bool {
    from != to && to != Type::Bool
}

fn casts(from: Type, to: Type) -> bool {
    from != to && from.bytes() == to.bytes() && from != Type::Bool && to != Type::Bool
}

/// A rank 1 map over inputs of these types; `lane` gets the loaded elements and returns what to store.
pub(super) fn map(name: String, types: &[Type], lane: impl FnOnce(&mut LaneBuilder, &[Value]) -> Vec<Value>) -> Make {
    let mut make = Make::new(name);
    let inputs: Vec<_> = types.iter().map(|ty| make.input(*ty, 1, Layout::UnitInner)).collect();
    let extents = make.extents(inputs[0]);
    let mut domain = Domain::parallel(&extents);
    let mut loaded = Vec::new();
    for (input, ty) in inputs.iter().zip(types) {
        let view = domain.whole(*input);
        loaded.push(domain.lane.load(view, *ty));
    }
    for value in lane(&mut domain.lane, &loaded) {
        let out = make.output(domain.lane.ty(value), &extents);
        domain.store(out, value);
    }
    make.run(domain);
    make
}

/// A sample of a program that takes vectors only.
pub(super) fn sample(make: Make, inputs: Vec<Vec<Vec<Scalar>>>) -> Sample {
    let vector = |values: Vec<Scalar>| Input::Array(Tensor::vector(values_type(&values), &values));
    let inputs = inputs.into_iter().map(|set| set.into_iter().map(vector).collect()).collect();
    Sample { name: make.program.name.clone(), program: make.program, inputs }
}

/// Vectors without elements take no part in these samples, so the first element has the type.
fn values_type(values: &[Scalar]) -> Type {
    values[0].ty
}

fn axpy(ty: Type) -> Sample {
    let mut make = Make::new(format!("axpy {ty}"));
    let a = make.param(ty);
    let x = make.input(ty, 1, Layout::Dense);
    let y = make.in_place(ty, 1, Layout::Dense);
    let extents = make.extents(x);
    let mut domain = Domain::parallel(&extents);
    let (x_view, y_view) = (domain.whole(x), domain.whole(y));
    let a = domain.lane.slot(a, ty);
    let (x, old) = (domain.lane.load(x_view, ty), domain.lane.load(y_view, ty));
    let product = domain.lane.op(Op::Mul, &[a, x]);
    let sum = domain.lane.op(Op::Add, &[product, old]);
    domain.store(y, sum);
    make.run(domain);
    let number = |value: f64| if ty == Type::F32 { Scalar::f32(value as f32) } else { Scalar::f64(value) };
    let vector = |n: i64, scale: f64| {
        Tensor::dense(ty, &[n], &(0..n).map(|i| number(i as f64 * scale + 0.1)).collect::<Vec<_>>())
    };
    let set = |n| vec![Input::Scalar(number(2.5)), Input::Array(vector(n, 0.3)), Input::Array(vector(n, -0.7))];
    let inputs = [0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 33, 100, 4095, 4096, 4097, 10_000].map(set).to_vec();
    Sample { name: make.program.name.clone(), program: make.program, inputs }
}

/// Five types in one lane, comparisons and selections between them, and constants.
fn mixed() -> Sample {
    let types = [Type::F64, Type::F32, Type::I8, Type::I64, Type::Bool];
    let make = map("mixed types".into(), &types, |lane, loaded| {
        let [d, f, b, l, flag] = loaded[..] else { unreachable!("five inputs") };
        let wide = lane.convert(Type::F64, f);
        let sum = lane.op(Op::Add, &[d, wide]);
        let half = lane.const_(Scalar::f64(0.5));
        let scaled = lane.op(Op::Fma, &[sum, half, d]);
        let small = lane.convert(Type::I64, b);
        let product = lane.op(Op::Mul, &[small, l]);
        let less = lane.op(Op::Lt, &[small, l]);
        let both = lane.op(Op::And, &[less, flag]);
        let picked = lane.op(Op::Select, &[both, scaled, d]);
        let narrow = lane.convert(Type::I8, product);
        let chosen = lane.op(Op::Select, &[flag, narrow, b]);
        let single = lane.convert(Type::F32, product);
        let single = lane.op(Op::Select, &[less, single, f]);
        vec![picked, chosen, product, both, single]
    });
    let column = |ty: Type, n: usize| (0..n).map(|i| edges(ty)[i * 7 % edges(ty).len()]).collect::<Vec<_>>();
    let set = |n: usize| types.map(|ty| column(ty, n)).to_vec();
    sample(make, [1, 3, 8, 15, 16, 31, 32, 33, 100, 5000].map(set).to_vec())
}

/// The op on all combinations of awkward values, as varying operands and with a constant in each place.
fn op_sample(op: Op, ty: Type) -> Sample {
    let types = if op == Op::Select { vec![Type::Bool, ty, ty] } else { vec![ty; op.arity()] };
    let make = map(format!("{} {ty}", op.name()), &types, |lane, loaded| {
        let mut results = vec![lane.op(op, loaded)];
        for place in 0..loaded.len() {
            let pick = edges(types[place]);
            let mut args = loaded.to_vec();
            args[place] = lane.const_(pick[pick.len() / 2]);
            results.push(lane.op(op, &args));
        }
        results
    });
    sample(make, vec![combinations(&types)])
}

/// One vector per operand, which together run through all combinations.
fn combinations(types: &[Type]) -> Vec<Vec<Scalar>> {
    let values: Vec<Vec<Scalar>> =
        types.iter().map(|ty| if types.len() == 3 { few_edges(*ty) } else { edges(*ty) }).collect();
    let total: usize = values.iter().map(Vec::len).product();
    let mut columns = Vec::new();
    let mut repeat = total;
    for column in &values {
        repeat /= column.len();
        columns.push((0..total).map(|i| column[i / repeat % column.len()]).collect());
    }
    columns
}

fn conversion(from: Type, to: Type) -> Sample {
    let make = map(format!("{from} to {to}"), &[from], |lane, loaded| vec![lane.convert(to, loaded[0])]);
    sample(make, vec![vec![edges(from)]])
}

fn bit_cast(from: Type, to: Type) -> Sample {
    let make = map(format!("{from} bits as {to}"), &[from], |lane, loaded| vec![lane.bitcast(to, loaded[0])]);
    sample(make, vec![vec![edges(from)]])
}
