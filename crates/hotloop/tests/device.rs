//! Arrays that stay on the device: what moves and what does not, who may write, what is counted, what is refused.
//!
//! Runs on the first device there is; without one the tests pass unless `HOTLOOP_REQUIRE=gpu` says that it is missing.

use hotloop::{
    Array, Call, CancelToken, Device, DeviceArray, DeviceOptions, Engine, Error, EventClock, Fallback, Kernel,
    TargetChoice, Type, Value, View, args, named,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Tests that count look at one device each, so that they do not see each other's work.
fn engine() -> Option<(Engine, Arc<Device>)> {
    match Device::open(0) {
        Ok(device) => {
            let engine = Engine::builder().target(TargetChoice::Gpu).device(device.clone()).build();
            Some((engine, device))
        }
        Err(error) if std::env::var("HOTLOOP_REQUIRE").as_deref() == Ok("gpu") => panic!("{error}"),
        Err(_) => None,
    }
}

/// Software drivers run all devices on the same few cores; one test at a time is as quick.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn kernel(engine: &Engine, text: &str) -> Kernel {
    let module = engine.load(text).expect("the text is right");
    let name = module.kernels().last().expect("there is a kernel").name.clone();
    module.kernel(&name).expect("it is there")
}

fn floats(array: &DeviceArray) -> Vec<f32> {
    array.to_host().expect("it comes back").to_vec().expect("floats")
}

fn message(error: Error) -> String {
    error.to_string()
}

#[test]
fn every_type_and_layout_goes_there_and_back() {
    let _alone = alone();
    let Some((engine, _)) = engine() else { return };
    fn round<T: hotloop::Element>(engine: &Engine, values: &[T]) {
        for len in [0, 1, 2, 3, values.len()] {
            let there = engine.to_device(View::new(&values[..len])).expect("it goes");
            assert_eq!((there.ty(), there.shape(), there.len()), (T::TYPE, &[len][..], len));
            assert_eq!(there.to_host().expect("it comes").as_slice::<T>(), &values[..len]);
        }
        let mirrored = View::strided(values, values.len() - 1, &[values.len()], &[-1]).expect("inside");
        let there = engine.to_device(mirrored).expect("it goes");
        let backwards: Vec<T> = values.iter().rev().copied().collect();
        assert_eq!(there.to_host().expect("it comes").as_slice::<T>(), backwards);
    }
    round(&engine, &[true, false, true, true, false]);
    round(&engine, &[i8::MIN, -1, 0, 1, i8::MAX]);
    round(&engine, &[u8::MAX, 1, 0, 7, 9]);
    round(&engine, &[i16::MIN, -1, 0, 1, i16::MAX]);
    round(&engine, &[u16::MAX, 0, 1, 2, 3]);
    round(&engine, &[i32::MIN, -1, 0, 1, i32::MAX]);
    round(&engine, &[u32::MAX, 0, 1, 2, 3]);
    round(&engine, &[i64::MIN, -1, 0, 1, i64::MAX]);
    round(&engine, &[u64::MAX, 0, 1, 2, 3]);
    round(&engine, &[f32::MIN, -0.0, 0.5, f32::INFINITY, f32::MIN_POSITIVE]);
    round(&engine, &[f64::MIN, -0.0, 0.5, f64::INFINITY, f64::MIN_POSITIVE]);
    let number = engine.to_device(&Array::full(hotloop::Scalar::f32(1.0), &[]).expect("one")).expect_err("a number");
    assert!(message(number).contains("is a number"));
}

#[test]
fn results_stay_where_the_arguments_are_and_nothing_else_moves() {
    let _alone = alone();
    let Some((engine, device)) = engine() else { return };
    let x = engine.to_device(View::new(&[1.0f32, 2.0, 3.0, 4.0])).expect("it goes");
    let module = engine.load("kernel k(x, a) = (a * x + 1, sum(x), x > 2, x[1:3])").expect("it is right");
    let before = device.transfers();
    assert_eq!((before.uploads, before.uploaded_bytes, before.downloads), (1, 16, 0));
    let outputs = module.kernel("k").expect("there").call(&args![&x, 2.0f32]).expect("it runs");
    assert_eq!(device.transfers(), before, "a call on device arrays moves none");
    let mut outputs = outputs.into_iter();
    let y = outputs.next().expect("four").into_device().expect("an array there");
    assert_eq!(outputs.next().expect("four").scalar::<f32>().expect("a number"), 10.0);
    let large = outputs.next().expect("four").into_device().expect("an array there");
    let part = outputs.next().expect("four").into_device().expect("an array there");
    assert_eq!((y.shape(), part.shape()), (&[4][..], &[2][..]));
    assert_eq!(floats(&y), [3.0, 5.0, 7.0, 9.0]);
    assert_eq!(large.to_host().expect("it comes").as_slice::<bool>(), [false, false, true, true]);
    assert_eq!(floats(&part), [2.0, 3.0]);
    let after = device.transfers();
    assert_eq!((after.downloads, after.downloaded_bytes), (3, 16 + 4 * 4 + 8));
    assert!(after.download_time > Duration::ZERO && after.upload_time > Duration::ZERO);
    let on = y.reshape(&[2, 2]).expect("four");
    let sums = engine.eval("sum(y, axis=0)", &named! { y: &on }).expect("it runs").into_device().expect("there");
    assert_eq!(floats(&sums), [10.0, 14.0]);
    let host = engine.eval("2 * a", &[("a", (&[1.0f32, 2.0]).into())]).expect("it runs");
    assert_eq!(host.into_array().expect("host in, host out").as_slice::<f32>(), [2.0, 4.0]);
    let made = kernel(&engine, "kernel make(n: i64) = f32(arange(n)) * 0 + 3");
    let made = made.call_with(&args![3i64], &Call::new().on_device()).expect("it runs").into_device().expect("there");
    assert_eq!(floats(&made), [3.0; 3]);
}

#[test]
fn empty_and_single_arrays_work() {
    let _alone = alone();
    let Some((engine, _)) = engine() else { return };
    for len in [0usize, 1] {
        let values = vec![5.0f32; len];
        let x = engine.to_device(View::new(&values)).expect("it goes");
        let y = engine.eval("x * 2", &named! { x }).expect("it runs").into_device().expect("there");
        assert_eq!(floats(&y), vec![10.0f32; len]);
        let sum = engine.eval("sum(x)", &named! { x }).expect("it runs").scalar::<f32>().expect("a number");
        assert_eq!(sum, 5.0 * len as f32);
    }
}

#[test]
fn written_arrays_are_the_writers_own() {
    let _alone = alone();
    let Some((engine, _)) = engine() else { return };
    let add = kernel(&engine, "kernel add(x: mut f32[:], y: f32[:]) {\n    x[:] = x + y\n}");
    let mut x = engine.to_device(View::new(&[1.0f32, 2.0])).expect("it goes");
    let y = engine.to_device(View::new(&[10.0f32, 20.0])).expect("it goes");
    add.call(&args![&mut x, &y]).expect("it runs");
    assert_eq!(floats(&x), [11.0, 22.0]);
    let kept = x.clone();
    assert_eq!(kept, x, "a clone is the same memory");
    // The clone is read by the call that writes its twin.
    add.call(&args![&mut x, &kept]).expect("it runs");
    assert_eq!((floats(&x), floats(&kept)), (vec![22.0, 44.0], vec![11.0, 22.0]));
    let read_only = message(add.call(&args![&x, &y]).expect_err("it is written"));
    assert!(read_only.contains("`x` is written by `add`"), "{read_only}");
    let mut out = engine.to_device(View::new(&[0.0f32; 2])).expect("it goes");
    let sum = kernel(&engine, "kernel sum2(x: f32[:], y: f32[:]) = x + y");
    sum.call_into(&args![&x, &y], &mut args![&mut out]).expect("it runs");
    assert_eq!(floats(&out), [32.0, 64.0]);
    let mut short = engine.to_device(View::new(&[0.0f32; 3])).expect("it goes");
    let wrong = message(sum.call_into(&args![&x, &y], &mut args![&mut short]).expect_err("three are not two"));
    assert!(wrong.contains("has the shape [2], the `out` array [3]"), "{wrong}");
    let mut host = [0.0f32; 2];
    assert!(sum.call_into(&args![&x, &y], &mut args![&mut host]).is_err());
}

#[test]
fn what_lies_on_two_sides_is_refused_with_what_to_write() {
    let _alone = alone();
    let Some((engine, _)) = engine() else { return };
    let x = engine.to_device(View::new(&[1.0f32, 2.0])).expect("it goes");
    let host = [1.0f32, 2.0];
    let mixed = message(engine.eval("x + h", &[("x", (&x).into()), ("h", (&host).into())]).expect_err("two sides"));
    assert_eq!(mixed, "`x` is on the device, `h` on the host: bring one to the other, with `to_device` or `to_host()`");
    for target in TargetChoice::ALL.iter().filter(|target| target.is_cpu() && **target != TargetChoice::Auto) {
        let call = Call::new().target(*target);
        let refused = message(engine.eval_with("x + 1", &named! { x }, &call).expect_err("it is on the device"));
        assert_eq!(refused, "`x` is on the device: choose target `gpu`, or bring it to the host with `to_host()`");
    }
    let auto = engine.eval_with("x + 1", &named! { x }, &Call::new().target(TargetChoice::Auto)).expect("it follows");
    assert_eq!(floats(&auto.into_device().expect("there")), [2.0, 3.0]);
    let cpu = Engine::new();
    let other =
        message(cpu.eval_with("x + 1", &named! { x }, &Call::new().target(TargetChoice::Gpu)).expect_err("other"));
    assert!(other.contains("is on another device"), "{other}");
    let mut host = [1.0f32, 2.0];
    let write =
        kernel(&engine, "kernel write(x: mut f32[:]) = {\n    x[0] = 1\n    x + 1\n}".replace("= {", "{").as_str());
    let refused = message(write.call_with(&args![&mut host], &Call::new().on_device()).expect_err("on the host"));
    assert!(refused.contains("bring it to the device with `to_device`"), "{refused}");
}

#[test]
fn launches_run_on_and_are_waited_for() {
    let _alone = alone();
    let Some((engine, device)) = engine() else { return };
    let double = kernel(&engine, "kernel double(x: f32[:]) = (x * 2, sum(x))");
    let x = engine.to_device(View::new(&[1.0f32, 2.0, 3.0])).expect("it goes");
    let first = double.launch(&args![&x], &Call::new()).expect("it goes");
    let y = first.array(0).expect("known before it is computed");
    assert_eq!(y.shape(), [3]);
    assert!(first.array(1).is_none(), "a number is no array");
    let second =
        double.prepare_for(&args![&y]).expect("it compiles").launch(&args![&y], &Call::new()).expect("it goes");
    drop(x);
    let outputs = second.wait().expect("it runs");
    assert_eq!(outputs[1].scalar::<f32>().expect("a number"), 12.0);
    assert_eq!(floats(&outputs.into_iter().next().expect("two").into_device().expect("there")), [4.0, 8.0, 12.0]);
    device.synchronize().expect("it is there");
    assert!(first.is_done());
    assert_eq!(first.wait().expect("it runs")[1].scalar::<f32>().expect("a number"), 6.0);
    let cpu = double.launch(&args![&[1.0f32]], &Call::new().target(TargetChoice::Simd)).expect_err("no device");
    assert!(message(cpu).contains("choose target `gpu`"));
}

#[test]
fn faults_come_out_of_waiting_and_the_device_stays() {
    let _alone = alone();
    let Some((engine, _)) = engine() else { return };
    let pick = kernel(&engine, "kernel pick(a: f32[:], i: i32[:]) = a[i]");
    let a = engine.to_device(View::new(&[1.0f32, 2.0])).expect("it goes");
    let wrong = engine.to_device(View::new(&[0i32, 1, 7, 9])).expect("it goes");
    let launch = pick.launch(&args![&a, &wrong], &Call::new()).expect("it goes");
    let error = launch.wait().expect_err("7 is too large");
    let fault = error.fault().expect("a fault");
    assert_eq!(fault.message, "index 7 is out of range for axis 0 of `a`, which has 2 elements");
    let right = engine.to_device(View::new(&[1i32, -2])).expect("it goes");
    let y = pick.call(&args![&a, &right]).expect("it runs again").into_device().expect("there");
    assert_eq!(floats(&y), [2.0, 1.0]);
    let token = CancelToken::new();
    token.cancel();
    let cancelled = pick.launch(&args![&a, &right], &Call::new().cancel(&token)).expect_err("it is cancelled");
    assert!(cancelled.is_cancelled());
}

#[test]
fn the_pool_counts_keeps_limits_and_trims() {
    let _alone = alone();
    let Some((engine, device)) = engine() else { return };
    let start = device.memory();
    let values = vec![1.0f32; 1 << 16];
    let x = engine.to_device(View::new(&values)).expect("it goes");
    let held = device.memory();
    assert_eq!(held.in_use - start.in_use, 1 << 18);
    assert_eq!(x.device_bytes(), 1 << 18);
    drop(x);
    let dropped = device.memory();
    assert_eq!((dropped.in_use, dropped.reserved), (start.in_use, held.reserved), "it is kept for later");
    let again = engine.to_device(View::new(&values)).expect("it goes");
    assert_eq!(device.memory().reserved, held.reserved, "and used again");
    device.set_memory_limit(Some(held.reserved + 1000));
    let refused = message(engine.to_device(View::new(&values)).expect_err("it is over the limit"));
    assert!(refused.contains("out of memory") && refused.contains("its limit is"), "{refused}");
    device.set_memory_limit(None);
    let more = engine.to_device(View::new(&values)).expect("now it goes");
    assert!(device.memory().peak >= (1 << 19));
    drop((again, more));
    device.trim();
    let end = device.memory();
    assert_eq!((end.in_use, end.reserved), (start.in_use, start.in_use));
    device.reset_peak();
    assert_eq!(device.memory().peak, start.in_use);
}

#[test]
fn events_time_the_device() {
    let _alone = alone();
    let Some((engine, device)) = engine() else { return };
    let x = engine.to_device(View::new(&vec![0.5f32; 1 << 18])).expect("it goes");
    let work = kernel(&engine, "kernel work(x: f32[:]) = sin(x) + exp(x)");
    work.call(&args![&x]).expect("it runs");
    let before = device.event().expect("a mark");
    work.launch(&args![&x], &Call::new()).expect("it goes");
    let after = device.event().expect("a mark");
    let time = after.since(&before).expect("both are past");
    assert!(time > Duration::ZERO && time < Duration::from_secs(60), "{time:?}");
    assert!(matches!(after.clock(), EventClock::Device | EventClock::Host));
}

#[test]
fn kernels_with_the_same_shader_share_what_the_driver_made() {
    let _alone = alone();
    let Some((engine, device)) = engine() else { return };
    let x = [1.0f32, 2.0];
    let first = kernel(&engine, "kernel first(a: f32[:], b: f32[:]) = 2 * a + b");
    first.call(&args![&x, &x]).expect("it runs");
    let one = device.pipelines();
    let second = kernel(&engine, "kernel second(x: f32[:], y: f32[:]) = 2 * x + y");
    let value = second.call(&args![&x, &x]).expect("it runs").into_array().expect("an array");
    assert_eq!((value.as_slice::<f32>(), device.pipelines()), (&[3.0f32, 6.0][..], one));
    let other = kernel(&engine, "kernel other(x: f32[:], y: f32[:]) = 2 * x - y");
    other.call(&args![&x, &x]).expect("it runs");
    assert!(device.pipelines() > one);
}

#[test]
fn several_threads_share_a_device() {
    let _alone = alone();
    let Some((engine, device)) = engine() else { return };
    let step = kernel(
        &engine,
        "kernel step(x: mut f32[:], n: i32) {\n    for t in range(n) {\n        x[:] = x + 1\n    }\n}",
    );
    thread::scope(|scope| {
        for turn in 0..4 {
            let (engine, step) = (&engine, &step);
            scope.spawn(move || {
                let mut x = engine.to_device(View::new(&vec![turn as f32; 1000])).expect("it goes");
                for _ in 0..10 {
                    step.call(&args![&mut x, 5i32]).expect("it runs");
                }
                assert_eq!(floats(&x), vec![turn as f32 + 50.0; 1000]);
                let own = engine.eval("sum(a)", &[("a", (&[1.0f32, turn as f32]).into())]).expect("it runs");
                assert_eq!(own.scalar::<f32>().expect("a number"), 1.0 + turn as f32);
            });
        }
    });
    device.synchronize().expect("it is there");
}

#[test]
fn devices_say_what_they_are() {
    let Some((_, device)) = engine() else { return };
    let listed = Engine::devices();
    let info = listed.first().expect("one is open");
    assert_eq!(info.name, device.info().name);
    assert!(info.max_array_bytes >= 1 << 27 && info.max_workgroup >= 256);
    let x = Type::F64;
    assert_eq!(device.exactness(x).expect("it answers").is_some(), info.f64);
}

#[test]
fn what_the_device_cannot_do_falls_back_only_if_told() {
    let _alone = alone();
    let narrow = DeviceOptions { narrow: true, ..DeviceOptions::default() };
    let Ok(device) = Device::open_with(0, &narrow) else { return };
    let engine = Engine::builder().target(TargetChoice::Gpu).device(device.clone()).build();
    let narrow = "kernel poly(x: f32[:], i: i32[:]) = (sqrt(x) + 1, sum(x), x[::2] - x[1::2], i * 2 // 3)";
    let (x, i) = ([1.0f32, 2.0, 3.0, 4.0], [3i32, -1, 0]);
    let found = kernel(&engine, narrow).call(&args![&x, &i]).expect("it needs nothing wide");
    assert_eq!(found, kernel(&Engine::new(), narrow).call(&args![&x, &i]).expect("it runs"));
    let told = Engine::builder().target(TargetChoice::Gpu).device(device.clone()).fallback(Fallback::Cpu).build();
    let text = "kernel wide(x: f32[:]) = (f64(x) / 3, sum(f64(x)))";
    let refused = message(kernel(&engine, text).call(&args![&x]).expect_err("it is not supported"));
    let says = "not supported on target `gpu`: this GPU does not compute with f64; cast to f32 or use a CPU target";
    assert!(refused.contains(says), "{refused}");
    let first = kernel(&told, text);
    let value = first.call(&args![&x]).expect("the processor does it");
    let expected = kernel(&Engine::new(), text).call(&args![&x]).expect("it runs");
    assert_eq!(value, expected);
    let there = told.to_device(View::new(&x)).expect("it goes");
    let outputs = first.call(&args![&there]).expect("it comes, runs and goes back");
    for (value, expected) in outputs.into_iter().zip(expected) {
        match (value, expected) {
            (Value::Device(value), Value::Array(expected)) => assert_eq!(value.to_host().expect("it comes"), expected),
            (value, expected) => assert_eq!(value, expected),
        }
    }
    let fallbacks = told.fallbacks();
    assert_eq!(fallbacks.count, 1, "it is built once: {fallbacks:?}");
    assert!(fallbacks.last.expect("a reason").contains("not supported on target `gpu`"));
    assert_eq!(engine.fallbacks().count, 0);
}

/// Numbers between -1 and 1.
fn scattered(count: usize, mut state: u64) -> Vec<f64> {
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / 2f64.powi(52) - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// The exact product of matrices of whole numbers below 2^24 in size, and the sum of the absolute terms.
fn exact(a: &[i64], b: &[i64], [m, k, n]: [usize; 3], each: &mut dyn FnMut(usize, i128, i128)) {
    for (row, column) in (0..m).flat_map(|row| (0..n).map(move |column| (row, column))) {
        let terms = (0..k).map(|i| i128::from(a[row * k + i]) * i128::from(b[i * n + column]));
        let (sum, size) = terms.fold((0, 0), |(sum, size), term| (sum + term, size + term.abs()));
        each(row * n + column, sum, size);
    }
}

#[test]
fn matrix_products_stay_within_their_bound() {
    let _alone = alone();
    let Some((engine, _)) = engine() else { return };
    let product = kernel(&engine, "kernel k(a, b) = a @ b");
    for shape @ [m, k, n] in [[1, 1, 1], [65, 33, 64], [5, 700, 3], [130, 17, 70]] {
        // Multiples of 2^-24, which f32 holds, so that the sums are exact as whole numbers.
        let unit = 2f64.powi(24);
        let numbers = |count, seed| scattered(count, seed).iter().map(|x| (x * unit) as i64).collect::<Vec<i64>>();
        let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
        let narrow = |values: &[i64]| values.iter().map(|value| *value as f32 / unit as f32).collect::<Vec<f32>>();
        let wide = |values: &[i64]| values.iter().map(|value| *value as f64 / unit).collect::<Vec<f64>>();
        let view = |rows, columns| [rows, columns];
        let (a32, b32, a64, b64) = (narrow(&a), narrow(&b), wide(&a), wide(&b));
        let single = args![
            View::with_shape(&a32, &view(m, k)).expect("that many"),
            View::with_shape(&b32, &view(k, n)).expect("that many")
        ];
        let found = product.call(&single).expect("it runs").into_array().expect("an array");
        let found: Vec<f64> = found.as_slice::<f32>().iter().map(|value| f64::from(*value)).collect();
        let double = args![
            View::with_shape(&a64, &view(m, k)).expect("that many"),
            View::with_shape(&b64, &view(k, n)).expect("that many")
        ];
        let wide = product.call(&double).expect("it runs").into_array().expect("an array");
        let wide: Vec<f64> = wide.as_slice::<f64>().to_vec();
        for (found, rounding) in [(found, 2f64.powi(-24)), (wide, 2f64.powi(-53))] {
            exact(&a, &b, shape, &mut |at, sum, size| {
                let error = (found[at] - sum as f64 / (unit * unit)).abs();
                let bound = (k as f64 + 1.0) * rounding * size as f64 / (unit * unit);
                assert!(error <= bound, "{shape:?} at {at}: {error:e} is over {bound:e}");
            });
        }
    }
}

#[test]
fn no_memory_and_a_lost_device_are_errors_and_the_engine_lives() {
    let _alone = alone();
    let Some((engine, device)) = engine() else { return };
    let told = Engine::builder().target(TargetChoice::Gpu).device(device.clone()).fallback(Fallback::Cpu).build();
    let x = vec![1.0f32; 100_000];
    device.set_memory_limit(Some(device.memory().reserved + (1 << 12)));
    let full = message(engine.eval("x + 1", &named! { x }).expect_err("there is no memory"));
    assert!(full.contains("the GPU is out of memory"), "{full}");
    let mut y = x.clone();
    let add = kernel(&told, "kernel add(y: mut f32[:]) {\n    y[:] = y + 1\n}");
    add.call(&args![&mut y]).expect("the processor does it");
    assert!(y.iter().all(|y| *y == 2.0), "and does it once");
    let prepared = add.prepare_for(&args![&mut y]).expect("it compiles");
    prepared.call(&args![&mut y]).expect("the processor does it");
    assert!(y.iter().all(|y| *y == 3.0));
    assert_eq!(told.fallbacks().count, 2);
    device.set_memory_limit(None);
    engine.eval("x + 1", &named! { x }).expect("there is memory again");
    let there = engine.to_device(View::new(&x)).expect("it goes");
    let launch = add.launch(&args![&mut engine.to_device(View::new(&x)).expect("it goes")], &Call::new());
    device.close();
    drop(launch);
    for error in [
        engine.eval("x + 1", &named! { x }).expect_err("it is lost"),
        engine.eval("x + 1", &named! { x: &there }).expect_err("it is lost"),
        engine.to_device(View::new(&x)).expect_err("it is lost"),
        there.to_host().expect_err("it is lost"),
        Error::from(device.synchronize().expect_err("it is lost")),
        Error::from(device.event().expect_err("it is lost")),
    ] {
        let text = message(error);
        assert!(text.contains("was lost"), "{text}");
    }
    let again = told.eval("x + 1", &named! { x }).expect("the processor does it");
    assert_eq!(again.into_array().expect("on the host").as_slice::<f32>()[0], 2.0);
    let cpu = engine.eval_with("x + 1", &named! { x }, &Call::new().target(TargetChoice::Simd));
    cpu.expect("other targets work");
    let (fresh, _) = self::engine().expect("a device can be opened again");
    fresh.eval("x + 1", &named! { x }).expect("and works");
}
