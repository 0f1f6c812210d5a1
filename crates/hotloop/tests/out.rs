//! Results into the caller's memory, and arguments that share memory.

use hotloop::{Arg, Array, Call, Engine, Kernel, Scalar, Type, View, ViewMut, args, named};

fn kernel(engine: &Engine, text: &str) -> Kernel {
    let module = engine.load(text).expect("the text is right");
    let name = module.kernels().next().expect("there is a kernel").name.clone();
    module.kernel(&name).expect("it is there")
}

#[test]
fn results_go_where_the_caller_wants() {
    let engine = Engine::new();
    let double = kernel(&engine, "kernel double(a) = 2 * a");
    let a = [1.0, 2.0, 3.0];
    let mut out = [0.0; 3];
    double.call_into(&args![&a], &mut args![&mut out]).expect("it fits");
    assert_eq!(out, [2.0, 4.0, 6.0]);
    engine.eval_into("a + 1", &named! { a }, &mut args![&mut out], &Call::new()).expect("it fits");
    assert_eq!(out, [2.0, 3.0, 4.0]);
    let prepared = double.prepare_for(&args![&a]).expect("it compiles");
    prepared.call_into(&args![&a], &mut args![&mut out]).expect("it fits");
    assert_eq!(out, [2.0, 4.0, 6.0]);
}

#[test]
fn memory_with_gaps_is_written_between_them() {
    let engine = Engine::new();
    let double = kernel(&engine, "kernel double(a) = 2 * a");
    let a = View::with_shape(&[1i32, 2, 3, 4], &[2, 2]).expect("four").to_array().expect("fits");
    let mut memory = [-1i32; 9];
    let out = ViewMut::strided(&mut memory, 8, &[2, 2], &[-1, -4]).expect("inside");
    double.call_into(&args![&a], &mut args![out]).expect("it fits");
    assert_eq!(memory, [-1, -1, -1, 8, 4, -1, -1, 6, 2]);
}

#[test]
fn several_results_and_scalars() {
    let engine = Engine::new();
    let both = kernel(&engine, "kernel both(a) = (a + 1, sum(a))");
    let mut first = Array::zeros(Type::F64, &[2]).expect("fits");
    let mut second = Array::full(Scalar::f64(0.0), &[]).expect("fits");
    both.call_into(&args![&[1.0, 2.0]], &mut args![&mut first, &mut second]).expect("it fits");
    assert_eq!((first.as_slice::<f64>(), second.as_slice::<f64>()), (&[2.0, 3.0][..], &[3.0][..]));
}

#[test]
fn what_does_not_fit_is_named() {
    let engine = Engine::new();
    let double = kernel(&engine, "kernel double(a) = 2 * a");
    let a = [1.0, 2.0, 3.0];
    let failure = |outs: &mut [Arg<'_>]| double.call_into(&args![&a], outs).expect_err("no fit").to_string();
    assert_eq!(failure(&mut args![&mut [0.0; 4]]), "result 0 of `double` has the shape [3], the `out` array [4]");
    assert_eq!(
        failure(&mut args![&mut [0f32; 3]]),
        "result 0 of `double` is of type `f64`, the `out` array of type `f32`"
    );
    assert_eq!(failure(&mut args![&[0.0; 3]]), "`out` 0 of `double` is not an array that can be written");
    assert_eq!(failure(&mut []), "`double` has 1 results, 0 `out` arrays were given");
    let mut gaps = [0.0; 10];
    let strided = ViewMut::strided(&mut gaps, 0, &[5], &[2]).expect("inside");
    assert_eq!(failure(&mut args![strided]), "result 0 of `double` has the shape [3], the `out` array [5]");
    assert_eq!(gaps, [0.0; 10], "nothing was written");
}

/// Two arguments over the same memory, as a caller with foreign memory can make them.
fn twice<'a>(memory: &'a mut [f64], first: (usize, usize), second: (usize, usize)) -> (Arg<'a>, Arg<'a>) {
    let base = memory.as_mut_ptr();
    let part = |(at, len): (usize, usize)| {
        // SAFETY: the parts are inside the slice; nothing else uses it, and that both are written at the same time is
        // what the engine has to refuse or to undo.
        unsafe { Arg::from_raw_mut(base.add(at).cast(), Type::F64, &[len], &[1]).expect("aligned") }
    };
    (part(first), part(second))
}

#[test]
fn an_out_array_that_is_also_read() {
    let engine = Engine::new();
    let running = kernel(&engine, "kernel pairs(a: f64[:]) = a[1:] + a[:-1]");
    let mut memory = [1.0, 2.0, 3.0, 4.0, 0.0];
    let (a, out) = twice(&mut memory, (0, 4), (1, 3));
    running.call_into(&[a], &mut [out]).expect("it fits");
    assert_eq!(memory, [1.0, 3.0, 5.0, 7.0, 0.0]);
}

#[test]
fn a_written_parameter_that_is_also_read() {
    let engine = Engine::new();
    let text = "kernel shift(a: mut f64[:], b: f64[:]) { for i in range(len(b)) { a[i] = b[i] + 10 } }";
    let shift = kernel(&engine, text);
    let mut memory = [1.0, 2.0, 3.0, 4.0];
    let (a, b) = twice(&mut memory, (1, 3), (0, 3));
    shift.call(&[a, b]).expect("it runs");
    assert_eq!(memory, [1.0, 11.0, 12.0, 13.0]);
}

#[test]
fn two_written_arrays_must_be_apart() {
    let engine = Engine::new();
    let text = "kernel fill(a: mut f64[:], b: mut f64[:]) { a[:] = 1.0; b[:] = 2.0 }";
    let fill = kernel(&engine, text);
    let mut memory = [0.0; 6];
    let (a, b) = twice(&mut memory, (0, 4), (3, 3));
    let error = fill.call(&[a, b]).expect_err("they share an element");
    assert!(error.to_string().contains("`a`") && error.to_string().contains("`b`"), "{error}");
    let (a, b) = twice(&mut memory, (0, 3), (3, 3));
    fill.call(&[a, b]).expect("side by side is fine");
    assert_eq!(memory, [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);

    let both = kernel(&engine, "kernel both(x) = (x + 1, x + 2)");
    let (one, two) = twice(&mut memory, (0, 3), (2, 3));
    let error = both.call_into(&args![&[1.0, 2.0, 3.0]], &mut [one, two]).expect_err("they share an element");
    assert_eq!(error.to_string(), "`out` 0 and `out` 1 are both written by `both` and share memory");
}
