//! The public API as a Rust program uses it: expressions, kernels, handles, arguments of every kind.

use hotloop::{
    Arg, ArgType, ArgumentError, Array, Call, CancelToken, Element, Engine, Error, Kernel, Module, Outputs, Prepared,
    ResultType, RunError, Scalar, TargetChoice, Timing, Type, Value, View, ViewMut, args, array_of, named,
};

fn is_shared<T: Send + Sync>() {}

#[test]
fn everything_can_be_shared_between_threads() {
    is_shared::<Engine>();
    is_shared::<Module>();
    is_shared::<Kernel>();
    is_shared::<Prepared>();
    is_shared::<CancelToken>();
    is_shared::<Timing>();
    is_shared::<Array>();
    is_shared::<View<'_>>();
    is_shared::<Value>();
    is_shared::<Outputs>();
    is_shared::<Error>();
    fn is_sent<T: Send>() {}
    is_sent::<ViewMut<'_>>();
    is_sent::<Arg<'_>>();
}

#[test]
fn an_expression_over_named_arguments() {
    let engine = Engine::new();
    let a = vec![1.0, 2.0, 3.0];
    let b = [10.0, 20.0, 30.0];
    let value = engine.eval("2*a + 3*b", &named! { a, b }).expect("it is right");
    assert_eq!(value.into_array().expect("an array").as_slice::<f64>(), [32.0, 64.0, 96.0]);
    let value = engine.eval("let d = b - a; d * d", &[("b", (&b).into()), ("a", (&a).into())]).expect("it is right");
    assert_eq!(value.as_array().expect("an array").as_slice::<f64>(), [81.0, 324.0, 729.0]);
}

#[test]
fn scalars_in_and_out() {
    let engine = Engine::new();
    let value = engine.eval("x * x + 1", &named! { x: 3i32 }).expect("it is right");
    assert_eq!(value.scalar::<i32>(), Ok(10));
    let error = value.scalar::<f64>().expect_err("it is an i32");
    assert_eq!(error.to_string(), "the result is a scalar of type `i32`, not a scalar of type `f64`");
    assert!(value.into_array().is_err());
    let value = engine.eval("x / 2", &named! { x: Arg::weak_int(3) }).expect("it is right");
    assert_eq!(value.scalar::<f64>(), Ok(1.5));
}

#[test]
fn weak_numbers_take_the_type_of_what_they_meet() {
    let engine = Engine::new();
    let a = [1.0f32, 2.0];
    let weak = engine.eval("a * k", &named! { a, k: Arg::weak_float(0.5) }).expect("it is right");
    assert_eq!(weak.into_array().expect("an array").as_slice::<f32>(), [0.5, 1.0]);
    let typed = engine.eval("a * k", &named! { a, k: 0.5f64 }).expect("it is right");
    assert_eq!(typed.into_array().expect("an array").as_slice::<f64>(), [0.5, 1.0]);
}

fn negated<T: Element>(engine: &Engine, values: [T; 3], expect: [T; 3]) {
    let value = engine.eval("-x", &[("x", (&values).into())]).expect("every number can be negated");
    assert_eq!(value.into_array().expect("an array").as_slice::<T>(), expect);
}

#[test]
fn every_element_type_passes_through() {
    let engine = Engine::new();
    negated(&engine, [1i8, -2, 127], [-1, 2, -127]);
    negated(&engine, [1i16, -2, 127], [-1, 2, -127]);
    negated(&engine, [1i32, -2, 127], [-1, 2, -127]);
    negated(&engine, [1i64, -2, 127], [-1, 2, -127]);
    negated(&engine, [1u8, 2, 255], [255, 254, 1]);
    negated(&engine, [1u16, 2, 65535], [65535, 65534, 1]);
    negated(&engine, [1u32, 0, u32::MAX], [u32::MAX, 0, 1]);
    negated(&engine, [1u64, 0, u64::MAX], [u64::MAX, 0, 1]);
    negated(&engine, [1.5f32, -0.5, 0.25], [-1.5, 0.5, -0.25]);
    negated(&engine, [1.5f64, -0.5, 0.25], [-1.5, 0.5, -0.25]);
    let (p, q) = ([true, true, false], [true, false, false]);
    let both = engine.eval("p and not q", &named! { p, q }).expect("it is right");
    assert_eq!(both.into_array().expect("an array").as_slice::<bool>(), [false, true, false]);
}

#[test]
fn views_with_any_strides() {
    let engine = Engine::new();
    let memory: Vec<i64> = (0..24).collect();
    let column = View::strided(&memory, 1, &[6], &[4]).expect("inside");
    let backwards = View::strided(&memory, 5, &[6], &[-1]).expect("inside");
    let repeated = View::strided(&memory, 7, &[6], &[0]).expect("inside");
    let value = engine.eval("a + 100*b + 10000*c", &named! { a: column, b: backwards, c: repeated });
    let expect: Vec<i64> = (0..6).map(|i| (1 + 4 * i) + 100 * (5 - i) + 70_000).collect();
    assert_eq!(value.expect("it is right").into_array().expect("an array").as_slice::<i64>(), expect);

    let matrix = View::with_shape(&memory, &[4, 6]).expect("24 elements");
    let turned = matrix.clone().transposed();
    let value = engine.eval("m * 2", &named! { m: turned }).expect("it is right").into_array().expect("an array");
    assert_eq!(value.shape(), [6, 4]);
    assert_eq!(value.as_slice::<i64>()[..5], [0, 12, 24, 36, 2]);
}

#[test]
fn broadcasting_follows_the_extents_of_each_call() {
    let engine = Engine::new();
    let (row, column) = ([1.0, 2.0, 3.0], [10.0, 20.0]);
    for (left, right, expect) in [
        (View::with_shape(&row, &[1, 3]), View::with_shape(&column, &[2, 1]), vec![11., 12., 13., 21., 22., 23.]),
        (View::with_shape(&row, &[3, 1]), View::with_shape(&column, &[1, 2]), vec![11., 21., 12., 22., 13., 23.]),
    ] {
        let value = engine.eval("a + b", &named! { a: left.expect("three"), b: right.expect("two") });
        assert_eq!(value.expect("it is right").into_array().expect("an array").as_slice::<f64>(), expect);
    }
    let one = engine.eval("a + b", &named! { a: &row, b: &[5.0] }).expect("it is right");
    assert_eq!(one.into_array().expect("an array").as_slice::<f64>(), [6.0, 7.0, 8.0]);
    let error = engine.eval("a + b", &named! { a: &row, b: &column }).expect_err("three and two");
    assert!(error.fault().is_some_and(|fault| fault.kind == hotloop::FaultKind::Shape), "{error}");
}

#[test]
fn kernels_with_several_results() {
    let engine = Engine::new();
    let module = engine.load("kernel both(a, b) = (a + b, a - b, sum(a))").expect("it is right");
    let kernel = module.kernel("both").expect("it is there");
    let outputs = kernel.call(&args![&[1i64, 2], &[10i64, 20]]).expect("it runs");
    assert_eq!(outputs.len(), 3);
    assert_eq!(outputs[0].as_array().expect("an array").as_slice::<i64>(), [11, 22]);
    assert_eq!(outputs[1].as_array().expect("an array").as_slice::<i64>(), [-9, -18]);
    assert_eq!(outputs[2].scalar::<i64>(), Ok(3));
    assert!(outputs.one().is_err());
}

#[test]
fn kernels_write_their_mutable_parameters() {
    let engine = Engine::new();
    let module = engine.load("kernel bump(a: mut f64[:], by) { a[:] = a + by }").expect("it is right");
    let bump = module.kernel("bump").expect("it is there");
    let mut a = vec![1.0, 2.0];
    bump.call(&args![&mut a, 0.5]).expect("it runs");
    assert_eq!(a, [1.5, 2.5]);
    let error = bump.call(&args![&a, 0.5]).expect_err("read-only");
    assert_eq!(error.to_string(), "`a` is written by `bump`, but the argument is read-only: pass a `&mut` array");
}

#[test]
fn a_handle_serves_what_it_was_prepared_for() {
    let engine = Engine::new();
    let module = engine.load("kernel f(a, k) = a * k").expect("it is right");
    let kernel = module.kernel("f").expect("it is there");
    let prepared = kernel.prepare(&[array_of(Type::F64, 1).expect("one axis"), ArgType::Scalar(Type::F64)]);
    let prepared = prepared.expect("it compiles");
    let builds = engine.stats().cache.builds;
    for len in [2usize, 5, 1000] {
        let a = vec![3.0; len];
        let value = prepared.call(&args![&a, 2.0]).expect("it runs").into_array().expect("an array");
        assert_eq!(value.as_slice::<f64>(), vec![6.0; len]);
    }
    assert_eq!(engine.stats().cache.builds, builds, "no further build");
    // Another layout, and an axis of one element, find another specialization by themselves.
    let memory = [1.0, 9.0, 2.0];
    let every_other = View::strided(&memory, 0, &[2], &[2]).expect("inside");
    let value = prepared.call(&args![every_other, 2.0]).expect("it runs").into_array().expect("an array");
    assert_eq!(value.as_slice::<f64>(), [2.0, 4.0]);
    assert_eq!(prepared.call(&args![&[7.0], 2.0]).expect("it runs").len(), 1);
    let error = prepared.call(&args![&[1.0f32, 2.0], 2.0]).expect_err("another type");
    assert!(matches!(error, Error::Run(RunError::Argument(ArgumentError::Prepared { .. }))), "{error}");
    let error = prepared.call(&args![&memory]).expect_err("one is missing");
    assert_eq!(error.to_string(), "`f` takes 2 arguments, 1 were given");
}

#[test]
fn names_are_checked() {
    let engine = Engine::new();
    let missing = engine.eval("a + b", &named! { a: 1.0 }).expect_err("`b` is missing");
    assert_eq!(missing.to_string(), "no value was given for `b`");
    let surplus = engine.eval("a", &named! { a: 1.0, b: 2.0 }).expect_err("`b` is not used");
    assert!(surplus.to_string().contains("`b`"), "{surplus}");
    let unknown = engine.load("kernel f(x) = x").expect("it is right").kernel("g").expect_err("there is no g");
    assert_eq!(unknown.to_string(), "no kernel is called `g`; there is `f`");
    assert_eq!(engine.free_names("let t = b * 2; t + a + b").expect("it is right"), ["b", "a"]);
}

#[test]
fn wrong_texts_say_where() {
    let engine = Engine::new();
    let error = engine.eval("2 * (a +", &named! { a: 1.0 }).expect_err("it ends too soon");
    assert!(matches!(error, Error::Source(_)), "{error}");
    assert!(error.diagnostics().iter().any(|diag| diag.is_error()));
    assert!(error.render(false).contains("<expression>:1:"), "{}", error.render(false));
    let error = engine.eval("nothing_like_it(a)", &named! { a: 1.0 }).expect_err("there is no such function");
    assert!(error.to_string().contains("nothing_like_it"), "{error}");
    assert!(matches!(engine.load_file("/does/not/exist.hl"), Err(Error::Io { .. })));
    assert_eq!(engine.stats().cache.entries, 0, "failures are not kept");
}

#[test]
fn types_can_be_asked_for() {
    let engine = Engine::new();
    let types = [("a", array_of(Type::F32, 2).expect("two axes")), ("b", ArgType::Scalar(Type::I16))];
    let results = engine.validate("(a * 2, b, sum(a))", &types).expect("it is right");
    let expect = |ty, rank| ResultType { ty, rank };
    assert_eq!(results, [expect(Type::F32, 2), expect(Type::I16, 0), expect(Type::F32, 0)]);
    assert_eq!(engine.stats().cache.builds, 0);
}

#[test]
fn every_target_gives_the_same() {
    let engine = Engine::new();
    let a: Vec<f64> = (0..10_000).map(|i| f64::from(i) * 0.37 - 1000.0).collect();
    let text = "sqrt(abs(a)) * 0.1 + a / 3";
    let of = |target| {
        let call = Call::new().target(target);
        engine.eval_with(text, &named! { a }, &call).expect("it runs").into_array().expect("an array")
    };
    let expect = of(TargetChoice::Interp);
    for target in TargetChoice::ALL.iter().filter(|target| target.is_cpu()) {
        assert_eq!(of(*target), expect, "{target}");
        assert_eq!(target.name().parse(), Ok(*target));
    }
    assert!("abacus".parse::<TargetChoice>().is_err());
}

#[test]
fn times_are_taken_down() {
    let engine = Engine::new();
    let (first, second) = (Timing::new(), Timing::new());
    for timing in [&first, &second] {
        let call = Call::new().timing(timing);
        engine.eval_with("a + 1", &named! { a: 1.0 }, &call).expect("it runs");
    }
    assert!(!first.compile().is_zero() && !first.run().is_zero());
    assert!(second.compile().is_zero() && !second.run().is_zero());
    assert_eq!(engine.stats().last_compile, first.compile());
    let cache = engine.stats().cache;
    assert_eq!((cache.hits, cache.misses, cache.builds, cache.entries), (1, 1, 1, 1));
}

#[test]
fn arrays_without_axes_are_scalars() {
    let engine = Engine::new();
    let one = Array::full(Scalar::f32(1.5), &[]).expect("one element");
    let value = engine.eval("x + x", &named! { x: &one }).expect("it is right");
    assert_eq!(value.scalar::<f32>(), Ok(3.0));
}

#[test]
fn empty_arrays() {
    let engine = Engine::new();
    let value = engine.eval("a * 2 + 1", &[("a", (&[0.0f64; 0]).into())]).expect("it is right");
    assert!(value.into_array().expect("an array").is_empty());
    let sum = engine.eval("sum(a)", &[("a", (&[0i32; 0]).into())]).expect("it is right");
    assert_eq!(sum, Value::Scalar(Scalar::i64(0)));
}
