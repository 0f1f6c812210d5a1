//! Calls that go wrong or take long: faults, cancelling, limits; afterwards everything works as before.

use hotloop::{Call, CancelToken, Engine, Error, FaultKind, Kernel, RunError, TargetChoice, args, named};
use std::thread;
use std::time::{Duration, Instant};

fn kernel(engine: &Engine, text: &str) -> Kernel {
    let module = engine.load(text).expect("the text is right");
    let name = module.kernels().last().expect("there is a kernel").name.clone();
    module.kernel(&name).expect("it is there")
}

#[test]
fn a_fault_says_what_and_where() {
    let engine = Engine::new();
    let text = "kernel pick(a: f64[:], i: i64[:], out: mut f64[:]) {\n    for k in prange(len(i)) {\n        \
                out[k] = 2 * a[i[k]]\n    }\n}";
    let pick = kernel(&engine, text);
    let (a, i, mut out) = ([1.0, 2.0, 3.0, 4.0], [0i64, 3, 100, 200], [0.0; 4]);
    for target in TargetChoice::ALL.iter().filter(|target| target.is_cpu()) {
        let call = Call::new().target(*target);
        let error = pick.call_with(&args![&a, &i, &mut out], &call).expect_err("100 is too large");
        let fault = error.fault().unwrap_or_else(|| panic!("{target}: {error}"));
        assert_eq!(fault.kind, FaultKind::Index);
        assert_eq!(fault.message, "index 100 is out of range for axis 0 of `a`, which has 4 elements");
        assert_eq!((fault.kernel.as_str(), fault.position.line, &fault.point[..]), ("pick", 3, &[2i64][..]));
        let shown = error.render(false);
        assert!(shown.contains("out[k] = 2 * a[i[k]]") && shown.contains('^'), "{shown}");
    }
    pick.call(&args![&a, &[1i64, -1], &mut out]).expect("it runs again");
    assert_eq!(out[..2], [4.0, 8.0]);
}

#[test]
fn the_first_fault_is_reported_whatever_the_threads() {
    let engine = Engine::builder().threads(4).build();
    let n = 300_000usize;
    let mut b = vec![1i64; n];
    b[123_456] = 0;
    b[250_000] = 0;
    let a = vec![7i64; n];
    for target in [TargetChoice::Auto, TargetChoice::Simd, TargetChoice::Parallel, TargetChoice::Scalar] {
        for threads in [1, 2, 4, 8] {
            let call = Call::new().target(target).threads(threads);
            let error = engine.eval_with("a // b", &named! { a, b }, &call).expect_err("there are zeros");
            let fault = error.fault().unwrap_or_else(|| panic!("{target}: {error}"));
            assert_eq!((fault.kind, &fault.point[..]), (FaultKind::DivideByZero, &[123_456i64][..]), "{target}");
        }
    }
}

/// A point of a scan, or of a reduction by a function, is many elements.
#[test]
fn a_fault_in_a_walk_names_its_element() {
    let engine = Engine::builder().threads(2).build();
    let text = "fn share(a: i64, b: i64) = a // (b - 7)
        kernel running(x: i64[:]) = scan(share, x)
        kernel before(x: i64[:]) = scan(share, x, exclusive=true, identity=0)
        kernel all(x: i64[:]) = reduce(share, 0, x)
        kernel strict(x: i64[:]) = share.reduce(x)
        kernel strictly(x: i64[:]) = share.accumulate(x)";
    for name in ["running", "before", "all", "strict", "strictly"] {
        let walk = engine.load(text).expect("the text is right").kernel(name).expect("it is there");
        for places in [&[3][..], &[4321], &[4999], &[2500, 1100, 4000, 1099]] {
            let mut x = vec![1i64; 5000];
            places.iter().for_each(|&place| x[place] = 7);
            let first = places.iter().min().map(|&place| place as i64);
            assert_eq!(first.as_slice(), points(&walk, &args![&x]), "{name}");
        }
    }
}

#[test]
fn a_fault_in_a_walk_over_a_matrix_has_two_indices() {
    let engine = Engine::builder().threads(2).build();
    let text = "fn share(a: i64, b: i64) = a // (b - 7)
        kernel rows(x: i64[:, :]) = reduce(share, 0, x, axis=1)
        kernel columns(x: i64[:, :]) = reduce(share, 0, x, axis=0)
        kernel both(x: i64[:, :]) = reduce(share, 0, x)
        kernel along(x: i64[:, :]) = scan(share, x, axis=1)
        kernel down(x: i64[:, :]) = scan(share, x, axis=0)";
    for name in ["rows", "columns", "both", "along", "down"] {
        let walk = engine.load(text).expect("the text is right").kernel(name).expect("it is there");
        for (shape, place) in [([3, 5000], [2, 4321]), ([5000, 3], [4321, 2]), ([70, 90], [69, 89])] {
            let mut x = vec![1i64; shape[0] * shape[1]];
            x[place[0] * shape[1] + place[1]] = 7;
            let x = hotloop::View::with_shape(&x, &shape).expect("that many");
            assert_eq!(points(&walk, &args![x.clone()]), place.map(|at| at as i64), "{name}");
        }
    }
}

/// Over several axes the last is walked first; then a row stands where its first element is.
#[test]
fn a_fault_among_rows_names_the_first_element_of_one() {
    let engine = Engine::builder().build();
    let all = kernel(&engine, "fn share(a: i64, b: i64) = a // b\nkernel all(x: i64[:, :]) = reduce(share, 1, x)");
    let x = [1i64, 1, 1, 2, 1, 1];
    let x = hotloop::View::with_shape(&x, &[3, 2]).expect("that many");
    assert_eq!(points(&all, &args![x]), [1, 0]);
}

/// The index of the fault, which must be the same on all targets.
fn points(kernel: &Kernel, args: &[hotloop::Arg<'_>]) -> Vec<i64> {
    let each = TargetChoice::ALL.iter().filter(|target| target.is_cpu()).map(|target| {
        let error = kernel.call_with(args, &Call::new().target(*target)).expect_err("a zero");
        let fault = error.fault().unwrap_or_else(|| panic!("{target}: {error}"));
        assert_eq!(fault.kind, FaultKind::DivideByZero, "{target}");
        fault.point.clone()
    });
    let each: Vec<Vec<i64>> = each.collect();
    assert!(each.iter().all(|point| *point == each[0]), "{each:?}");
    each.into_iter().next().unwrap_or_default()
}

#[test]
fn a_fault_in_a_matrix_has_two_indices() {
    let engine = Engine::builder().threads(2).build();
    let (mut b, a) = (vec![1i32; 60_000], 7i32);
    b[3 * 300 + 5] = 0;
    for target in TargetChoice::ALL.iter().filter(|target| target.is_cpu()) {
        let b = hotloop::View::with_shape(&b, &[200, 300]).expect("that many");
        let error = engine.eval_with("a % b", &named! { a, b: b }, &Call::new().target(*target));
        let error = error.expect_err("there is a zero");
        assert_eq!(error.fault().map(|fault| fault.point.as_slice()), Some(&[3i64, 5][..]), "{target}: {error}");
        assert!(error.render(false).contains("at the index [3, 5]"), "{}", error.render(false));
    }
}

const SPIN: &str = "kernel spin(n: i64) { var i = n\n while i >= 0 { i = (i + 1) % 1000 }\n i }";

#[test]
fn an_endless_loop_can_be_cancelled() {
    let engine = Engine::new();
    let spin = kernel(&engine, SPIN);
    for target in TargetChoice::ALL.iter().filter(|target| target.is_cpu()) {
        let token = CancelToken::new();
        let call = Call::new().target(*target).cancel(&token);
        spin.prepare_with(&[hotloop::ArgType::Scalar(hotloop::Type::I64)], &call).expect("it compiles");
        let waited = thread::scope(|scope| {
            let running = scope.spawn(|| {
                let error = spin.call_with(&args![1i64], &call).expect_err("it never ends by itself");
                assert!(error.is_cancelled(), "{error}");
                Instant::now()
            });
            thread::sleep(Duration::from_millis(20));
            let asked = Instant::now();
            token.cancel();
            running.join().expect("no panic").saturating_duration_since(asked)
        });
        assert!(waited < Duration::from_millis(50), "{target}: {waited:?}");
        let still = spin.call_with(&args![1i64], &call).expect_err("the token stays cancelled");
        assert!(still.is_cancelled());
        token.reset();
        let value = spin.call_with(&args![-1i64], &call).expect("it ends at once");
        assert_eq!(value.scalar::<i64>(), Ok(-1));
    }
}

#[test]
fn too_much_memory_is_an_error() {
    let engine = Engine::builder().memory_limit(1 << 20).build();
    let small = vec![1.0; 1000];
    engine.eval("a + 1", &named! { a: &small }).expect("it fits");
    let large = vec![1.0; 200_000];
    let error = engine.eval("a + 1", &named! { a: &large }).expect_err("1.6 MB");
    assert!(matches!(&error, Error::Run(RunError::Memory { bytes: 1_600_000, .. })), "{error}");
    assert!(error.to_string().contains("1048576"), "{error}");

    let engine = Engine::new();
    let huge = kernel(&engine, "kernel huge(n: i64) = zeros(n, n)");
    let error = huge.call(&args![1i64 << 40]).expect_err("no machine has that");
    assert!(matches!(&error, Error::Run(RunError::Memory { .. })), "{error}");
    let error = huge.call(&args![-5i64]).expect_err("no array has that");
    assert!(error.fault().is_some_and(|fault| fault.kind == FaultKind::NegativeExtent), "{error}");
    assert_eq!(huge.call(&args![2i64]).expect("four are fine").into_array().expect("an array").len(), 4);
}

#[test]
fn texts_of_strangers_are_refused_politely() {
    let engine = Engine::new();
    let deep = format!("{}a{}", "(".repeat(100_000), ")".repeat(100_000));
    let long = format!("a{}", "+a".repeat(100_000));
    let minus = format!("{}a", "-".repeat(100_000));
    for text in [deep.as_str(), &long, &minus, "", "\0", "}{", "a[", "1e999999999999999999", "a.b.c", "π + a"] {
        let error = engine.eval(text, &named! { a: 1.0 }).expect_err("none of these is an expression");
        assert!(!matches!(error, Error::Bug(_)), "{error}");
    }
}
