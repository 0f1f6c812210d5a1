//! The interpreter against results worked out by other means: by hand, or by plain Rust over the same numbers.

use hotloop_interp::Interp;
use hotloop_ir::semantics::FoldState;
use hotloop_ir::{AxisKind, Extent, FaultKind, FoldDest, FoldOp, Layout, Op, Scalar, Step, Stmt, Type};
use hotloop_target::testing::{
    Call, Domain, Input, Make, Outcome, Output, Sample, Split, Tensor, dim, run, run_call, samples,
};
use hotloop_target::{Status, Target};
use std::sync::OnceLock;
use std::sync::atomic::AtomicU8;

fn interpret(make: Make, inputs: &[Input]) -> Outcome {
    let kernel = Interp.build(&make.program).expect("the interpreter takes every program");
    run(&make.program, &*kernel, inputs, Split::Whole)
}

/// The outcome of a sample on inputs of our own.
fn sample(name: &str, inputs: &[Input]) -> Outcome {
    static SAMPLES: OnceLock<Vec<Sample>> = OnceLock::new();
    let sample = SAMPLES.get_or_init(samples).iter().find(|sample| sample.name == name).expect("the sample exists");
    let kernel = Interp.build(&sample.program).expect("the interpreter takes every program");
    run(&sample.program, &*kernel, inputs, Split::Whole)
}

fn scalar(value: i64) -> Input {
    Input::Scalar(Scalar::i64(value))
}

fn floats(values: &[f64]) -> Input {
    Input::Array(Tensor::vector(Type::F64, &values.iter().map(|x| Scalar::f64(*x)).collect::<Vec<_>>()))
}

fn ints(ty: Type, values: &[i64]) -> Input {
    Input::Array(Tensor::vector(ty, &values.iter().map(|x| Scalar::int(ty, (*x).into())).collect::<Vec<_>>()))
}

/// A result as numbers; a scalar is a list of one.
fn numbers(output: &Output) -> Vec<f64> {
    match output {
        Output::Scalar(scalar) => vec![scalar.as_f64()],
        Output::Array(tensor) => tensor_numbers(tensor),
    }
}

fn tensor_numbers(tensor: &Tensor) -> Vec<f64> {
    tensor.values().iter().map(|scalar| scalar.as_f64()).collect()
}

fn results(outcome: &Outcome) -> Vec<Vec<f64>> {
    assert_eq!(outcome.status, Status::Ok);
    outcome.results.iter().map(numbers).collect()
}

#[test]
fn axpy_in_place() {
    let outcome = sample("axpy f64", &[Input::Scalar(Scalar::f64(2.0)), floats(&[1.0, 2.0]), floats(&[0.5, -8.0])]);
    assert_eq!(outcome.status, Status::Ok);
    assert_eq!(tensor_numbers(&outcome.arrays[1]), [2.5, -4.0]);
    assert_eq!(tensor_numbers(&outcome.arrays[0]), [1.0, 2.0], "an input stays as it is");
}

#[test]
fn views_reach_the_right_elements() {
    let outcome = sample("outer sum f64", &[floats(&[1.0, 2.0]), floats(&[10.0, 20.0, 30.0])]);
    assert_eq!(results(&outcome), [[11.0, 21.0, 31.0, 12.0, 22.0, 32.0]]);
    let outcome = sample("negative and wide steps f64", &[floats(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0])]);
    assert_eq!(results(&outcome), [[5.0 + 1.0, 4.0 + 3.0, 3.0 + 5.0]]);
    let matrix = [1, 2, 3, 4, 5, 6].map(Scalar::i64);
    let turned = Tensor::strided(Type::I64, &[2, 3], &[-4, 1], &matrix);
    assert_eq!(results(&sample("transposed i64", &[Input::Array(turned)])), [[2.0, 8.0, 4.0, 10.0, 6.0, 12.0]]);
}

#[test]
fn any_nonzero_byte_is_true() {
    let bytes = [0, 1, 2, 255].map(|byte| Scalar::new(Type::Bool, byte));
    let flags = Input::Array(Tensor::vector(Type::Bool, &bytes));
    let outcome = sample("raw bool bytes", &[flags, ints(Type::I32, &[7, 8, 9, -1])]);
    let expected = [[0.0, 1.0, 1.0, 1.0], [1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 1.0, 1.0], [0.0, 8.0, 9.0, -1.0]];
    assert_eq!(results(&outcome), expected);
}

#[test]
fn collatz_counts_steps() {
    let count = |start: i64| {
        let (mut x, mut n) = (start.abs() + 1, 0);
        while x > 1 {
            x = if x % 2 == 1 { 3 * x + 1 } else { x / 2 };
            n += 1;
        }
        f64::from(n)
    };
    let starts = [0, 1, 5, -8, 26, 96];
    assert_eq!(results(&sample("collatz", &[ints(Type::I64, &starts)])), [starts.map(count)]);
}

/// The sample's loops, written as loops.
fn jumps(x: i32, y: i32) -> [f64; 3] {
    let (mut a, mut b, mut trace) = (0i32, 0i32, 0i32);
    'outer: loop {
        a += 1;
        if a >= 6 {
            break;
        }
        b = 0;
        loop {
            b += 1;
            if b >= 5 {
                break;
            }
            let product = b * x;
            if product < y {
                continue;
            }
            trace = trace.wrapping_mul(10).wrapping_add(1);
            let sum = product + a;
            if sum > 12 {
                trace = trace.wrapping_mul(10).wrapping_add(2);
                continue 'outer;
            }
            if sum == y {
                trace = trace.wrapping_mul(10).wrapping_add(3);
                break 'outer;
            }
            trace = trace.wrapping_mul(10).wrapping_add(4);
        }
        trace = trace.wrapping_mul(10).wrapping_add(5);
    }
    [trace, a, b].map(f64::from)
}

#[test]
fn breaks_and_continues_go_where_they_should() {
    let (mut x, mut y) = (Vec::new(), Vec::new());
    (-6..17).for_each(|i| (-6..17).for_each(|j| (x.push(i64::from(i)), y.push(i64::from(j))).0));
    let found = results(&sample("breaks and continues", &[ints(Type::I32, &x), ints(Type::I32, &y)]));
    for i in 0..x.len() {
        let expected = jumps(x[i] as i32, y[i] as i32);
        assert_eq!([found[0][i], found[1][i], found[2][i]], expected, "{} {}", x[i], y[i]);
    }
}

#[test]
fn counted_steps_leave_the_last_index() {
    let run =
        |start, stop, step| results(&sample("counted loop of steps", &[scalar(start), scalar(stop), scalar(step)]));
    assert_eq!(run(0, 3, 1), [[2.0], [((0.0 * 3.0) + 1.0) * 3.0 + 2.0]]);
    assert_eq!(run(5, 0, -2), [[1.0], [(5.0 * 3.0 + 3.0) * 3.0 + 1.0]]);
    assert_eq!(run(4, 4, 1), [[0.0], [0.0]], "without a turn the index keeps its value");
}

#[test]
fn steps_loop_branch_and_allocate() {
    assert_eq!(results(&sample("while loop of steps", &[scalar(12), scalar(18)])), [[6.0]]);
    // Turn t sums i*t over i < t/2 + 3.
    let expected = (0..9).map(|t| (0..t / 2 + 3).map(|i| i * t).sum::<i64>()).sum::<i64>();
    assert_eq!(results(&sample("arrays allocated again", &[scalar(9)])), [[expected as f64]]);
    let flag = |on| Input::Scalar(Scalar::bool(on));
    let single = Input::Array(Tensor::vector(Type::F32, &[Scalar::f32(1.5), Scalar::f32(-2.5)]));
    assert_eq!(results(&sample("branches of steps", &[single.clone(), flag(true)])), [[-1.5, 2.5]]);
    assert_eq!(results(&sample("branches of steps", &[single, flag(false)])), [[1.0, -3.0]]);
}

#[test]
fn an_ordered_axis_sees_what_came_before() {
    let outcome = sample("prefix sums in order", &[ints(Type::I32, &[1, 2, 3, 4])]);
    assert_eq!(tensor_numbers(&outcome.arrays[0]), [1.0, 3.0, 6.0, 10.0]);
    let values = ints(Type::I16, &[10, 20, 30, 40]);
    let outcome = sample("scatter of i16", &[values, ints(Type::I64, &[1, -1, 1, 0]), ints(Type::I16, &[0, 0, 0])]);
    assert_eq!(tensor_numbers(&outcome.arrays[2]), [40.0, 30.0, 20.0], "the last one wins");
}

#[test]
fn folds_use_the_tree_over_their_own_elements() {
    let tree = |elements: &[Scalar]| {
        let mut state = FoldState::new(FoldOp::Sum, Type::F64);
        elements.iter().for_each(|x| state.push(*x));
        state.finish()
    };
    let (rows, columns) = (3usize, 4099usize);
    let values: Vec<Scalar> = (0..rows * columns).map(|i| Scalar::f64((i as f64).sqrt() * 0.37 - 20.0)).collect();
    let matrix = Input::Array(Tensor::dense(Type::F64, &[rows as i64, columns as i64], &values));
    let by_rows: Vec<f64> = values.chunks(columns).map(|row| tree(row).as_f64()).collect();
    assert_eq!(results(&sample("folds of rows of f64", std::slice::from_ref(&matrix)))[0], by_rows);
    let column = |c: usize| values.iter().skip(c).step_by(columns).copied().collect::<Vec<_>>();
    let by_columns: Vec<f64> = (0..columns).map(|c| tree(&column(c)).as_f64()).collect();
    assert_eq!(results(&sample("folds of columns of f64", std::slice::from_ref(&matrix)))[0], by_columns);
    assert_eq!(results(&sample("folds of a matrix of f64", &[matrix]))[0], [tree(&values).as_f64()]);
}

#[test]
fn folds_of_nothing_have_a_result_for_each_point() {
    let empty = Input::Array(Tensor::dense(Type::I32, &[2, 0], &[]));
    let outcome = results(&sample("folds of rows of i32", &[empty]));
    let (low, high) = (f64::from(i32::MIN), f64::from(i32::MAX));
    assert_eq!(outcome, [[0.0, 0.0], [1.0, 1.0], [high, high], [low, low]]);
    let none = Input::Array(Tensor::dense(Type::I32, &[0, 2], &[]));
    assert_eq!(results(&sample("folds of rows of i32", &[none]))[0], [0.0; 0]);
}

/// Kinds of axes that only the interpreter need run: a fold per ordered point, and one to a slot over parallel axes.
#[test]
fn folds_beside_ordered_and_over_parallel_axes() {
    let ty = Type::I64;
    let mut make = Make::new("mixed");
    let x = make.input(ty, 2, Layout::Dense);
    let extents = make.extents(x);
    let out = make.output(ty, &extents[..1]);
    let total = make.slot(ty);
    make.result(total);
    for kind in [AxisKind::Ordered, AxisKind::Parallel] {
        let mut domain = Domain::new(&[(kind, Extent::Slot(extents[0])), (AxisKind::Reduce, Extent::Slot(extents[1]))]);
        let view = domain.whole(x);
        let value = domain.lane.load(view, ty);
        let dest = domain.view(out, &[dim(0)]);
        let dest = if kind == AxisKind::Ordered { FoldDest::View(dest) } else { FoldDest::Slot(total) };
        domain.fold(FoldOp::Sum, dest, value);
        make.run(domain);
    }
    let matrix = Tensor::dense(ty, &[2, 3], &[1, 2, 3, 10, 20, 30].map(Scalar::i64));
    assert_eq!(results(&interpret(make, &[Input::Array(matrix)])), [vec![6.0, 60.0], vec![66.0]]);
}

#[test]
fn the_first_fault_is_recorded() {
    let divide = |divisors: &[i64]| {
        let dividends: Vec<i64> = (0..divisors.len() as i64).map(|i| 100 + i).collect();
        sample("checked division i64", &[ints(Type::I64, &dividends), ints(Type::I64, divisors)])
    };
    let fault = divide(&[1, 2, 3, 0, 5, 0]).fault.expect("a fault");
    assert_eq!((fault.linear, fault.shows, fault.site), (3, [103, 0], 0));
    assert_eq!(results(&divide(&[7, -7])), [[14.0, -15.0], [2.0, -4.0]]);
    // Point 9 fails in its last turns only, point 11 in its first.
    let late: Vec<i64> =
        (0..20).map(|i| [(9, 6), (11, 60)].iter().find(|(at, _)| *at == i).map_or(0, |x| x.1)).collect();
    let fault = sample("a check in a loop", &[ints(Type::I64, &late)]).fault.expect("a fault");
    assert_eq!((fault.linear, fault.shows), (9, [8, 54]));
    let sum = sample("checks over two axes", &[ints(Type::I32, &[1, 2, 3]), ints(Type::I32, &[5, -3, -2, 9])]);
    assert_eq!(sum.fault.expect("a fault").linear, 6, "row 1, column 2");
    let later = sample("faults in two nests", &[ints(Type::I32, &[1, 1, 0]), ints(Type::I32, &[0, 1, 1])]);
    assert_eq!(later.fault.map(|fault| (fault.site, fault.linear)), Some((0, 2)), "the first step counts");
}

#[test]
fn a_negative_index_shows_as_written() {
    let outcome = sample("gather of f64", &[floats(&[1.5, 2.5]), ints(Type::I64, &[0, -1, -2, 1])]);
    assert_eq!(results(&outcome), [[1.5, 2.5, 1.5, 2.5]]);
    let fault = sample("gather of f64", &[floats(&[1.5, 2.5]), ints(Type::I64, &[0, -3])]).fault.expect("a fault");
    assert_eq!((fault.linear, fault.shows), (1, [-3, 2]));
}

#[test]
fn faults_end_the_call() {
    let outcome = sample("a check of scalars", &[scalar(3), scalar(4), ints(Type::I64, &[9, 9])]);
    assert_eq!(outcome.fault.map(|fault| fault.shows), Some([3, 4]));
    assert_eq!(tensor_numbers(&outcome.arrays[0]), [9.0, 9.0], "later steps do not run");
}

/// Endless programs, at each level.
fn endless() -> [Make; 2] {
    let mut steps = Make::new("endless steps");
    steps.program.steps.push(Step::Loop(Vec::new()));
    let mut lane = Make::new("endless lane");
    let mut domain = Domain::new(&[]);
    domain.lane.push(Stmt::Loop(Vec::new()));
    lane.run(domain);
    [steps, lane]
}

#[test]
fn the_cancel_flag_ends_endless_programs() {
    for make in endless() {
        let kernel = Interp.build(&make.program).expect("the interpreter takes every program");
        let flag = AtomicU8::new(0);
        let call = Call { split: Split::Whole, cancel: &flag };
        let outcome = std::thread::scope(|scope| {
            let handle = scope.spawn(|| run_call(&make.program, &*kernel, &[], call));
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!handle.is_finished(), "nothing has cancelled it yet");
            flag.store(1, std::sync::atomic::Ordering::Relaxed);
            handle.join().expect("no panic")
        });
        assert_eq!(outcome.status, Status::Cancelled);
    }
}

#[test]
fn a_host_without_memory_ends_the_call() {
    let mut make = Make::new("huge");
    let length = make.param(Type::I64);
    make.output(Type::F64, &[length]);
    assert_eq!(interpret(make, &[scalar(1 << 60)]).status, Status::Host);
}

/// A program that reads past the end of its input, which the verifier cannot see.
fn out_of_bounds() -> Make {
    let mut make = Make::new("out of bounds");
    let x = make.input(Type::F64, 1, Layout::Dense);
    make.site(FaultKind::Index);
    let sum = make.slot(Type::F64);
    make.result(sum);
    let mut domain = Domain::new(&[]);
    let index = domain.lane.extent(x, 0);
    let value = domain.lane.load_at(x, vec![index], Type::F64);
    let twice = domain.lane.op(Op::Add, &[value, value]);
    domain.lane.set_slot(sum, twice);
    make.run(domain);
    make
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "every index is inside the array")]
fn broken_promises_are_heard() {
    interpret(out_of_bounds(), &[floats(&[1.0])]);
}

#[test]
#[cfg(not(debug_assertions))]
fn broken_promises_touch_no_memory() {
    assert_eq!(interpret(out_of_bounds(), &[floats(&[1.0])]).status, Status::Host);
}
