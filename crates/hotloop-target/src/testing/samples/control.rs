//! Structured control flow that goes different ways at neighboring points.

use super::elementwise::{map, sample};
use super::{Sample, noise};
use crate::testing::Make;
use hotloop_ir::build::LaneBuilder;
use hotloop_ir::program::{Local, Value};
use hotloop_ir::{Op, Scalar, Stmt, Type};

pub(super) fn add(samples: &mut Vec<Sample>) {
    samples.extend([branches(), escape(Type::F64), escape(Type::F32), collatz(), depths(), blocks()]);
    samples.extend([ranges(), nested_ranges(), uniform_branches(), mixed_locals(), early_stores()]);
}

/// Vectors of small integers and of floats, several lengths.
fn small(make: Make, types: &[Type]) -> Sample {
    let value = |ty: Type, i: usize| {
        let raw = noise(Type::I64, i).bits % 23;
        if ty.is_int() { Scalar::int(ty, i128::from(raw) - 6) } else { noise(ty, i) }
    };
    let column = |n: usize, seed: usize, ty: Type| (0..n).map(|i| value(ty, i + 1000 * seed)).collect();
    let set = |n: usize| types.iter().enumerate().map(|(seed, ty)| column(n, seed, *ty)).collect();
    sample(make, [1, 2, 7, 16, 33, 100].map(set).to_vec())
}

fn constant(lane: &mut LaneBuilder, ty: Type, value: i64) -> Value {
    let scalar = match ty {
        Type::F32 => Scalar::f32(value as f32),
        Type::F64 | Type::C64 | Type::C128 => Scalar::f64(value as f64),
        Type::F16 | Type::BF16 => Scalar::half(ty, value as f64),
        Type::Bool | Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::U8 | Type::U16 | Type::U32 | Type::U64 => {
            Scalar::int(ty, value.into())
        }
    };
    lane.const_(scalar)
}

/// Sets a local to `op` of its present value and another one.
fn update(lane: &mut LaneBuilder, local: Local, op: Op, other: Value) {
    let old = lane.get(local);
    let new = lane.op(op, &[old, other]);
    lane.set(local, new);
}

/// An `If` whose regions the closures write.
fn branch(
    lane: &mut LaneBuilder,
    cond: Value,
    then: impl FnOnce(&mut LaneBuilder),
    otherwise: impl FnOnce(&mut LaneBuilder),
) {
    lane.begin();
    then(lane);
    let then = lane.end();
    lane.begin();
    otherwise(lane);
    let otherwise = lane.end();
    lane.push(Stmt::If { cond, then, otherwise });
}

/// Leaves `depth` loops where the condition holds.
fn leave_if(lane: &mut LaneBuilder, cond: Value, stmt: Stmt) {
    branch(lane, cond, |lane| lane.push(stmt), |_| {});
}

fn looped(lane: &mut LaneBuilder, body: impl FnOnce(&mut LaneBuilder)) {
    lane.begin();
    body(lane);
    let body = lane.end();
    lane.push(Stmt::Loop(body));
}

/// Two levels of `if`, a local set on some paths only.
fn branches() -> Sample {
    let types = [Type::F64, Type::I32];
    let make = map("branches".into(), &types, |lane, loaded| {
        let result = lane.local(Type::F64);
        let zero = constant(lane, Type::F64, 0);
        let positive = lane.op(Op::Lt, &[zero, loaded[0]]);
        let seven = constant(lane, Type::I32, 7);
        let few = lane.op(Op::Lt, &[loaded[1], seven]);
        branch(
            lane,
            positive,
            |lane| {
                let root = lane.op(Op::Sqrt, &[loaded[0]]);
                lane.set(result, root);
                branch(lane, few, |lane| update(lane, result, Op::Mul, root), |_| {});
            },
            |lane| {
                branch(
                    lane,
                    few,
                    |lane| {
                        let flipped = lane.op(Op::Neg, &[loaded[0]]);
                        lane.set(result, flipped);
                    },
                    |_| {},
                );
            },
        );
        vec![lane.get(result)]
    });
    small(make, &types)
}

/// The escape-time loop of the Mandelbrot set: a counter beside floats, different trip counts.
fn escape(ty: Type) -> Sample {
    let types = [ty, ty];
    let make = map(format!("escape time {ty}"), &types, |lane, loaded| {
        let hundred = constant(lane, ty, 100);
        let [cr, ci] = [0, 1].map(|i| lane.op(Op::Div, &[loaded[i], hundred]));
        let (zr, zi, n) = (lane.local(ty), lane.local(ty), lane.local(Type::I32));
        looped(lane, |lane| {
            let (a, b, count) = (lane.get(zr), lane.get(zi), lane.get(n));
            let (aa, bb) = (lane.op(Op::Mul, &[a, a]), lane.op(Op::Mul, &[b, b]));
            let size = lane.op(Op::Add, &[aa, bb]);
            let (four, limit) = (constant(lane, ty, 4), constant(lane, Type::I32, 50));
            let inside = lane.op(Op::Le, &[size, four]);
            let early = lane.op(Op::Lt, &[count, limit]);
            let on = lane.op(Op::And, &[inside, early]);
            let off = lane.op(Op::Not, &[on]);
            leave_if(lane, off, Stmt::Break(0));
            let difference = lane.op(Op::Sub, &[aa, bb]);
            let real = lane.op(Op::Add, &[difference, cr]);
            let twice = lane.op(Op::Add, &[a, a]);
            let imaginary = lane.op(Op::Fma, &[twice, b, ci]);
            lane.set(zr, real);
            lane.set(zi, imaginary);
            let one = constant(lane, Type::I32, 1);
            update(lane, n, Op::Add, one);
        });
        vec![lane.get(n), lane.get(zr)]
    });
    small(make, &types)
}

/// Trip counts that differ widely, integer branches inside the loop.
fn collatz() -> Sample {
    let types = [Type::I64];
    let make = map("collatz".into(), &types, |lane, loaded| {
        let (x, n) = (lane.local(Type::I64), lane.local(Type::I64));
        let one = constant(lane, Type::I64, 1);
        let size = lane.op(Op::Abs, &[loaded[0]]);
        let start = lane.op(Op::Add, &[size, one]);
        lane.set(x, start);
        looped(lane, |lane| {
            let now = lane.get(x);
            let done = lane.op(Op::Le, &[now, one]);
            leave_if(lane, done, Stmt::Break(0));
            let odd = lane.op(Op::And, &[now, one]);
            let is_odd = lane.op(Op::Eq, &[odd, one]);
            branch(
                lane,
                is_odd,
                |lane| {
                    let three = constant(lane, Type::I64, 3);
                    let triple = lane.op(Op::Mul, &[now, three]);
                    let next = lane.op(Op::Add, &[triple, one]);
                    lane.set(x, next);
                },
                |lane| {
                    let half = lane.op(Op::Shr, &[now, one]);
                    lane.set(x, half);
                },
            );
            update(lane, n, Op::Add, one);
        });
        vec![lane.get(n)]
    });
    small(make, &types)
}

/// `break` and `continue` out of one, two and three levels, taken by some points only.
fn depths() -> Sample {
    let types = [Type::I32, Type::I32];
    let make = map("breaks and continues".into(), &types, |lane, loaded| {
        let (a, b, trace) = (lane.local(Type::I32), lane.local(Type::I32), lane.local(Type::I32));
        let note = |lane: &mut LaneBuilder, digit: i64| {
            let (ten, digit) = (constant(lane, Type::I32, 10), constant(lane, Type::I32, digit));
            update(lane, trace, Op::Mul, ten);
            update(lane, trace, Op::Add, digit);
        };
        let reached = |lane: &mut LaneBuilder, local: Local, limit: i64| {
            let (now, limit) = (lane.get(local), constant(lane, Type::I32, limit));
            lane.op(Op::Le, &[limit, now])
        };
        let one = constant(lane, Type::I32, 1);
        looped(lane, |lane| {
            update(lane, a, Op::Add, one);
            let end = reached(lane, a, 6);
            leave_if(lane, end, Stmt::Break(0));
            let zero = constant(lane, Type::I32, 0);
            lane.set(b, zero);
            looped(lane, |lane| {
                update(lane, b, Op::Add, one);
                let end = reached(lane, b, 5);
                leave_if(lane, end, Stmt::Break(0));
                let (now, other) = (lane.get(b), lane.get(a));
                let product = lane.op(Op::Mul, &[now, loaded[0]]);
                let skip = lane.op(Op::Lt, &[product, loaded[1]]);
                leave_if(lane, skip, Stmt::Continue(0));
                note(lane, 1);
                let sum = lane.op(Op::Add, &[product, other]);
                let twelve = constant(lane, Type::I32, 12);
                let far = lane.op(Op::Lt, &[twelve, sum]);
                branch(
                    lane,
                    far,
                    |lane| {
                        note(lane, 2);
                        lane.push(Stmt::Continue(1));
                    },
                    |_| {},
                );
                let out = lane.op(Op::Eq, &[sum, loaded[1]]);
                branch(
                    lane,
                    out,
                    |lane| {
                        note(lane, 3);
                        lane.push(Stmt::Break(1));
                    },
                    |lane| note(lane, 4),
                );
            });
            note(lane, 5);
        });
        [trace, a, b].map(|local| lane.get(local)).to_vec()
    });
    small(make, &types)
}

/// Early exits as a function with several `return`s gives them: breaks out of blocks through loops.
fn blocks() -> Sample {
    let types = [Type::F32, Type::I16];
    let make = map("early returns".into(), &types, |lane, loaded| {
        let (result, i) = (lane.local(Type::F32), lane.local(Type::I16));
        lane.begin();
        let zero = constant(lane, Type::F32, 0);
        let negative = lane.op(Op::Lt, &[loaded[0], zero]);
        branch(
            lane,
            negative,
            |lane| {
                let flipped = lane.op(Op::Neg, &[loaded[0]]);
                lane.set(result, flipped);
                lane.push(Stmt::Break(0));
            },
            |_| {},
        );
        looped(lane, |lane| {
            let now = lane.get(i);
            let done = lane.op(Op::Le, &[loaded[1], now]);
            leave_if(lane, done, Stmt::Break(0));
            let one = constant(lane, Type::I16, 1);
            update(lane, i, Op::Add, one);
            update(lane, result, Op::Add, loaded[0]);
            let (sum, limit) = (lane.get(result), constant(lane, Type::F32, 300));
            let over = lane.op(Op::Lt, &[limit, sum]);
            leave_if(lane, over, Stmt::Break(1));
        });
        let half = lane.const_(Scalar::f32(0.5));
        update(lane, result, Op::Mul, half);
        let block = lane.end();
        lane.push(Stmt::Block(block));
        [result].map(|local| lane.get(local)).into_iter().chain([lane.get(i)]).collect()
    });
    small(make, &types)
}

/// Writes a counted loop.
fn counted(lane: &mut LaneBuilder, bounds: [Value; 3], body: impl FnOnce(&mut LaneBuilder, Value)) -> Local {
    let index = lane.local(Type::I64);
    lane.begin();
    let value = lane.get(index);
    body(lane, value);
    let body = lane.end();
    let [start, stop, step] = bounds;
    lane.push(Stmt::For { index, start, stop, step, body });
    index
}

/// Counted loops up and down, by constants and by steps that vary from point to point, and the index afterwards.
fn ranges() -> Sample {
    let types = [Type::I64, Type::I64];
    let make = map("counted loops".into(), &types, |lane, loaded| {
        let sum = lane.local(Type::I64);
        let [zero, one, three, back] = [0, 1, 3, -2].map(|value| constant(lane, Type::I64, value));
        let up = counted(lane, [zero, loaded[0], one], |lane, i| update(lane, sum, Op::Add, i));
        let wide = counted(lane, [loaded[1], loaded[0], three], |lane, i| update(lane, sum, Op::Xor, i));
        let down = counted(lane, [loaded[0], loaded[1], back], |lane, i| {
            update(lane, sum, Op::Mul, three);
            update(lane, sum, Op::Sub, i);
        });
        let odd = lane.op(Op::Or, &[loaded[1], one]);
        let ten = constant(lane, Type::I64, 10);
        let free = counted(lane, [zero, ten, odd], |lane, i| {
            update(lane, sum, Op::Add, i);
            let seven = constant(lane, Type::I64, 7);
            let past = lane.op(Op::Lt, &[seven, i]);
            leave_if(lane, past, Stmt::Break(0));
            // A step away from the bound ends at once, one towards it soon.
            let four = constant(lane, Type::I64, 4);
            let skip = lane.op(Op::Eq, &[i, four]);
            leave_if(lane, skip, Stmt::Continue(0));
            update(lane, sum, Op::Add, seven);
        });
        [sum, up, wide, down, free].map(|local| lane.get(local)).to_vec()
    });
    small(make, &types)
}

/// A triangle of loops with the same trip counts everywhere, and one inside it with different ones.
fn nested_ranges() -> Sample {
    let types = [Type::F64, Type::I64];
    let make = map("nested counted loops".into(), &types, |lane, loaded| {
        let sum = lane.local(Type::F64);
        let [zero, one, five] = [0, 1, 5].map(|value| constant(lane, Type::I64, value));
        counted(lane, [zero, five, one], |lane, i| {
            counted(lane, [i, five, one], |lane, j| {
                let as_float = lane.convert(Type::F64, j);
                let term = lane.op(Op::Mul, &[as_float, loaded[0]]);
                update(lane, sum, Op::Add, term);
                counted(lane, [j, loaded[1], one], |lane, k| {
                    let as_float = lane.convert(Type::F64, k);
                    update(lane, sum, Op::Sub, as_float);
                });
            });
        });
        vec![lane.get(sum)]
    });
    small(make, &types)
}

/// Conditions that are the same at all points, beside ones that differ.
fn uniform_branches() -> Sample {
    let types = [Type::F32];
    let make = map("uniform branches".into(), &types, |lane, loaded| {
        let (result, count) = (lane.local(Type::F32), lane.local(Type::I64));
        let (yes, no) = (lane.const_(Scalar::bool(true)), lane.const_(Scalar::bool(false)));
        branch(lane, yes, |lane| lane.set(result, loaded[0]), |_| {});
        branch(lane, no, |lane| update(lane, result, Op::Mul, loaded[0]), |_| {});
        let one = constant(lane, Type::I64, 1);
        looped(lane, |lane| {
            update(lane, count, Op::Add, one);
            let (now, four) = (lane.get(count), constant(lane, Type::I64, 4));
            let done = lane.op(Op::Le, &[four, now]);
            leave_if(lane, done, Stmt::Break(0));
            update(lane, result, Op::Add, loaded[0]);
            let zero = constant(lane, Type::F32, 0);
            let negative = lane.op(Op::Lt, &[loaded[0], zero]);
            // The loop is the same for all points until here.
            leave_if(lane, negative, Stmt::Continue(0));
            let half = lane.const_(Scalar::f32(0.5));
            update(lane, result, Op::Mul, half);
        });
        [result].map(|local| lane.get(local)).into_iter().chain([lane.get(count)]).collect()
    });
    small(make, &types)
}

/// Locals of five widths that change under the same varying condition, one of them dead after the loop.
fn mixed_locals() -> Sample {
    let types = [Type::F64, Type::I8, Type::I16];
    let make = map("locals of several widths".into(), &types, |lane, loaded| {
        let (d, b, h) = (lane.local(Type::F64), lane.local(Type::I8), lane.local(Type::I16));
        let (flag, f, dead) = (lane.local(Type::Bool), lane.local(Type::F32), lane.local(Type::F64));
        let [one8, one16] = [Type::I8, Type::I16].map(|ty| constant(lane, ty, 1));
        looped(lane, |lane| {
            let (count, limit) = (lane.get(h), loaded[2]);
            let done = lane.op(Op::Le, &[limit, count]);
            leave_if(lane, done, Stmt::Break(0));
            update(lane, h, Op::Add, one16);
            update(lane, b, Op::Sub, loaded[1]);
            update(lane, b, Op::Xor, one8);
            update(lane, dead, Op::Add, loaded[0]);
            let term = lane.get(dead);
            update(lane, d, Op::Sub, term);
            let single = lane.convert(Type::F32, loaded[0]);
            update(lane, f, Op::Max, single);
            let (now, zero) = (lane.get(b), constant(lane, Type::I8, 0));
            let less = lane.op(Op::Lt, &[now, zero]);
            lane.set(flag, less);
        });
        let (d, b, h, flag, f) = (lane.get(d), lane.get(b), lane.get(h), lane.get(flag), lane.get(f));
        vec![d, b, h, flag, f]
    });
    small(make, &types)
}

/// Stores inside branches and loops: points that are not there must not write.
fn early_stores() -> Sample {
    use crate::testing::Domain;
    use hotloop_ir::Layout;
    let mut make = Make::new("stores under conditions");
    let x = make.input(Type::I32, 1, Layout::UnitInner);
    let (y, z) = (make.in_place(Type::I32, 1, Layout::UnitInner), make.in_place(Type::Bool, 1, Layout::UnitInner));
    let extents = make.extents(x);
    let mut domain = Domain::parallel(&extents);
    let (x_view, y_view, z_view) = (domain.whole(x), domain.whole(y), domain.whole(z));
    let lane = &mut domain.lane;
    let value = lane.load(x_view, Type::I32);
    let zero = constant(lane, Type::I32, 0);
    let positive = lane.op(Op::Lt, &[zero, value]);
    branch(
        lane,
        positive,
        |lane| lane.push(Stmt::Store(y_view, value)),
        |lane| lane.push(Stmt::Store(z_view, positive)),
    );
    let i = lane.local(Type::I32);
    looped(lane, |lane| {
        let now = lane.get(i);
        let done = lane.op(Op::Le, &[value, now]);
        leave_if(lane, done, Stmt::Break(0));
        let one = constant(lane, Type::I32, 1);
        update(lane, i, Op::Add, one);
        let old = lane.load(y_view, Type::I32);
        let new = lane.op(Op::Add, &[old, now]);
        lane.push(Stmt::Store(y_view, new));
        let odd = lane.op(Op::And, &[now, one]);
        let odd = lane.op(Op::Ne, &[odd, zero]);
        lane.push(Stmt::Store(z_view, odd));
    });
    make.run(domain);
    let mut sample = small(make, &[Type::I32, Type::I32]);
    for set in &mut sample.inputs {
        let length = match &set[0] {
            crate::testing::Input::Array(tensor) => tensor.shape[0],
            crate::testing::Input::Scalar(_) => unreachable!("vectors only"),
        };
        set.push(super::noisy(Type::Bool, &[length]));
    }
    sample
}
