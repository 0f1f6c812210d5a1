//! Complex arrays and scalars as a Rust program passes them: every kind of argument and result, and what is refused.

use hotloop::{
    Arg, Array, Call, Complex, Cpu, Engine, Error, TargetChoice, Type, View, ViewMut, args, array_of, named,
};

type C = Complex<f64>;

fn numbers(count: usize) -> Vec<C> {
    (0..count).map(|at| C::new(at as f64, 1.0 - at as f64)).collect()
}

#[test]
fn arrays_go_in_and_out() {
    let engine = Engine::new();
    let (z, w) = (numbers(1000), vec![C::new(0.5, -2.0); 1000]);
    let product = engine.eval("z * w", &named! { z, w }).expect("it is right").into_array().expect("an array");
    assert_eq!((product.ty(), product.shape()), (Type::C128, &[1000][..]));
    let expect: Vec<C> =
        z.iter().zip(&w).map(|(z, w)| C::new(z.re * w.re - z.im * w.im, z.re * w.im + z.im * w.re)).collect();
    assert_eq!(product.as_slice::<C>(), expect);
}

#[test]
fn scalars_go_in_and_out() {
    let engine = Engine::new();
    let value = engine.eval("conj(z) + 1", &named! { z: Complex::new(1.5f32, 2.0) }).expect("it is right");
    assert_eq!(value.scalar::<Complex<f32>>(), Ok(Complex::new(2.5, -2.0)));
    assert!(value.scalar::<f32>().is_err());
    let one = Array::from_vec(vec![C::new(3.0, -4.0)], &[]).expect("one element");
    assert_eq!(engine.eval("abs(z)", &named! { z: &one }).expect("it is right").scalar::<f64>(), Ok(5.0));
}

#[test]
fn views_with_strides_are_read_and_written() {
    let engine = Engine::new();
    let module = engine.load("kernel doubled(out: mut c128[:, :], z) { out[:] = 2 * z }").expect("it is right");
    let kernel = module.kernel("doubled").expect("it is there");
    let z = numbers(12);
    for target in [TargetChoice::Interp, TargetChoice::Scalar, TargetChoice::Simd, TargetChoice::Parallel] {
        let mut out = vec![C::new(-1.0, -1.0); 12];
        let turned = View::strided(&z, 0, &[3, 4], &[1, 3]).expect("inside");
        let spread = ViewMut::strided(&mut out, 11, &[3, 2], &[-4, -2]).expect("inside");
        let columns = View::strided(&z, 0, &[3, 2], &[1, 3]).expect("inside");
        assert_eq!(turned.shape(), [3, 4]);
        let call = Call { target: Some(target), ..Call::default() };
        kernel.call_with(&[Arg::ViewMut(spread), Arg::View(columns)], &call).expect("it runs");
        for row in 0..3 {
            for column in 0..2 {
                assert_eq!(out[11 - 4 * row - 2 * column], z[row + 3 * column] * 2.0, "{target:?}");
            }
        }
        assert_eq!(out[10], C::new(-1.0, -1.0), "the gaps are left alone");
    }
}

#[test]
fn overlapping_arguments_are_told_apart() {
    let engine = Engine::new();
    let module = engine.load("kernel add(out: mut c64[:], z) { out[:] = out + z }").expect("it is right");
    let mut memory: Vec<Complex<f32>> = (0..6).map(|at| Complex::new(at as f32, 0.5)).collect();
    let base = memory.as_mut_ptr();
    // SAFETY: both lie inside the vector, which nobody else uses during the call.
    let (out, z) = unsafe {
        let out = Arg::from_raw_mut(base.cast(), Type::C64, &[4], &[1]).expect("it is aligned");
        (out, Arg::from_raw(base.add(2).cast(), Type::C64, &[4], &[1]).expect("it is aligned"))
    };
    module.kernel("add").expect("it is there").call(&[out, z]).expect("it runs");
    let expect =
        [2.0, 4.0, 6.0, 8.0, 4.0, 5.0].map(|re| Complex::new(re, if re == 4.0 || re == 5.0 { 0.5 } else { 1.0 }));
    assert_eq!(memory[0], expect[0]);
    assert_eq!(memory[3], Complex::new(8.0, 1.0));
    assert_eq!(memory[4..], [Complex::new(4.0, 0.5), Complex::new(5.0, 0.5)]);
}

#[test]
fn results_are_written_where_the_caller_says() {
    let engine = Engine::new();
    let module = engine.load("kernel two(z) = (z * 1j, sum(z))").expect("it is right");
    let kernel = module.kernel("two").expect("it is there");
    let z = numbers(5);
    let mut turned = Array::zeros(Type::C128, &[5]).expect("little memory");
    let mut sum = Array::zeros(Type::C128, &[]).expect("little memory");
    kernel.call_into(&args![&z], &mut [(&mut turned).into(), (&mut sum).into()]).expect("it runs");
    assert_eq!(turned.as_slice::<C>()[3], C::new(2.0, 3.0));
    assert_eq!(sum.as_slice::<C>(), [C::new(10.0, -5.0)]);
    let mut real = Array::zeros(Type::F64, &[5]).expect("little memory");
    let error = kernel.call_into(&args![&z], &mut [(&mut real).into(), (&mut sum).into()]).expect_err("parts are lost");
    assert!(error.to_string().contains("c128"), "{error}");
}

#[test]
fn what_takes_no_complex_numbers_says_so() {
    let engine = Engine::new();
    let module = engine.load("kernel twice(z: c64[:]) = 2 * z").expect("it is right");
    let types = vec![array_of(Type::C64, 1).expect("one axis")];
    let error = module.export(&[("twice".to_owned(), types)], Cpu::V3, "twice").expect_err("no object has them");
    assert!(matches!(&error, Error::Unsupported(text) if text.contains("complex numbers")), "{error}");
    let deep = Array::zeros(Type::C64, &[1; 32]).expect("little memory");
    assert!(engine.eval("sum(z)", &named! { z: &deep }).is_ok(), "the axis of the parts is one more");
}
