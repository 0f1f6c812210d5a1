//! Arrays larger than what one dispatch sees, more workgroups than a row has, and long work that is cut and cancelled:
//! tried on the first device with its limits lowered, so that small arrays do.

use hotloop::{Arg, Call, CancelToken, Device, DeviceOptions, Engine, TargetChoice, Value, View, args};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

fn engine(options: &DeviceOptions) -> Option<(Engine, Arc<Device>)> {
    match Device::open_with(0, options) {
        Ok(device) => Some((Engine::builder().target(TargetChoice::Gpu).device(device.clone()).build(), device)),
        Err(error) if std::env::var("HOTLOOP_REQUIRE").as_deref() == Ok("gpu") => panic!("{error}"),
        Err(_) => None,
    }
}

const SMALL: DeviceOptions = DeviceOptions { window_bytes: Some(1 << 16), row: Some(3), relaxed: false, narrow: false };

/// Kernels over arrays `x` and `y` of as many elements, whose parts see windows of every kind: moved, mirrored,
/// strided, broadcast, reduced, written in place.
const KERNELS: &[&str] = &[
    "kernel k(x, y) = 2 * x + y",
    "kernel k(x, y) = x[::-1] - y",
    "kernel k(x, y) = x[1:] - x[:-1] + y[1:]",
    "kernel k(x, y) = x[::3]",
    "kernel k(x, y) = sum(x * y)",
    "kernel k(x, y) = (max(x), sum(y), min(x - y))",
    "kernel k(x: f32[:], y: f32[:]) {\n    var out = zeros_like(x)\n    out[1:-1] = x[:-2] + x[2:]\n    out[::7] = y[::7]\n    \
     out\n}",
];

/// The same for arrays of two axes.
const TABLES: &[&str] = &[
    "kernel k(x, y) = x[:, ::-1] * y[::-1, :]",
    "kernel k(x, y) = x + y[0, :]",
    "kernel k(x, y) = (x + y[:, 0][:, newaxis], sum(x))",
    "kernel k(x, y) = (sum(x, axis=1), max(x * y, axis=1))",
];

#[test]
fn arrays_larger_than_a_window_give_the_same() {
    let Some((engine, _)) = engine(&SMALL) else { return };
    let reference = Engine::new();
    for len in [8 * 4999, 8 * 5000] {
        let x: Vec<f32> = (0..len).map(|i| ((i * 37) % 101) as f32 - 40.0).collect();
        let y: Vec<f32> = (0..len).map(|i| ((i * 53) % 97) as f32 * 0.5).collect();
        for text in KERNELS {
            compare(&engine, &reference, text, || args![&x, &y]);
        }
        // Two rows fit into a window, in all of them.
        for (text, rows) in TABLES.iter().flat_map(|text| [(text, 8), (text, len / 2), (text, len / 8)]) {
            let table = |data| View::with_shape(data, &[rows, len / rows]).expect("that many");
            compare(&engine, &reference, text, || args![table(&x), table(&y)]);
        }
    }
}

/// Small whole numbers, so that every order of adding gives the same.
fn whole(count: usize, salt: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + salt) % 17) as f32 - 8.0).collect()
}

#[test]
fn products_of_matrices_larger_than_a_window_give_the_same() {
    let Some((engine, _)) = engine(&SMALL) else { return };
    let reference = Engine::new();
    let product = "kernel k(x, y) = x @ y";
    for [m, k, n] in [[1, 20_000, 1], [300, 70, 200], [65, 200, 250], [250, 190, 3], [3, 70, 250]] {
        let (x, y) = (whole(m * k, 13), whole(k * n, 5));
        let matrix = |data, rows, columns| View::with_shape(data, &[rows, columns]).expect("that many");
        compare(&engine, &reference, product, || args![matrix(&x, m, k), matrix(&y, k, n)]);
        let by_columns = "kernel k(x, y) = transpose(x) @ transpose(y)";
        compare(&engine, &reference, by_columns, || args![matrix(&x, k, m), matrix(&y, n, k)]);
    }
    let (x, y) = (whole(40 * 30 * 50, 3), whole(50 * 20, 1));
    let stack = |data| View::with_shape(data, &[40, 30, 50]).expect("that many");
    compare(&engine, &reference, product, || args![stack(&x), View::with_shape(&y, &[50, 20]).expect("that many")]);
}

#[test]
fn two_rows_that_are_read_backwards_must_fit_a_window() {
    let Some((engine, _)) = engine(&SMALL) else { return };
    let kernel = engine.load(TABLES[0]).and_then(|module| module.kernel("k")).expect("it is right");
    let x = vec![1.5f32; 8 * 20_000];
    let table = || View::with_shape(&x, &[8, 20_000]).expect("that many");
    // A group of points that goes from one row to the next needs both, however small it is.
    let refused = kernel.call(&args![table(), table()]).expect_err("two rows are 160000 bytes").to_string();
    assert_eq!(
        refused,
        "160000 bytes of one array at a time are more than this GPU allows, 65536 bytes; use a CPU target, or smaller parts"
    );
}

fn compare<'a, const N: usize>(one: &Engine, other: &Engine, text: &str, args: impl Fn() -> [Arg<'a>; N]) {
    let kernel = |engine: &Engine| engine.load(text).and_then(|module| module.kernel("k")).expect("it is right");
    let expected = kernel(other).call(&args()).expect("it runs");
    let found = kernel(one).call(&args()).unwrap_or_else(|error| panic!("{text}: {error}"));
    for (found, expected) in found.into_iter().zip(expected) {
        assert!(found == expected, "{text}");
    }
}

#[test]
fn what_needs_a_whole_array_is_refused_above_the_window() {
    let Some((engine, _)) = engine(&SMALL) else { return };
    let pick = engine.load("kernel pick(a, i) = a[i]").and_then(|module| module.kernel("pick")).expect("it is right");
    let (small, large, index) = (vec![1.5f32; 16_000], vec![1.5f32; 17_000], vec![7i32; 50_000]);
    let found = pick.call(&args![&small, &index]).expect("it runs").into_array().expect("an array");
    assert_eq!(found.as_slice::<f32>(), vec![1.5f32; 50_000]);
    let refused = pick.call(&args![&large, &index]).expect_err("it is too large").to_string();
    assert_eq!(
        refused,
        "68000 bytes of one array at a time are more than this GPU allows, 65536 bytes; use a CPU target, or smaller parts"
    );
}

#[test]
fn the_lowest_fault_counts_in_any_part() {
    let Some((engine, _)) = engine(&SMALL) else { return };
    let text = "kernel k(a: i32[:], b: i32[:]) = a // b";
    let kernel = engine.load(text).and_then(|module| module.kernel("k")).expect("it is right");
    let a = vec![1i32; 200_000];
    for places in [vec![199_999], vec![50_000, 123_450, 190_000], vec![0, 199_999], vec![16_383, 16_384]] {
        let mut b = vec![1i32; 200_000];
        places.iter().for_each(|at| b[*at] = 0);
        let error = kernel.call(&args![&a, &b]).expect_err("a zero");
        assert_eq!(error.fault().expect("a fault").point, [places[0] as i64]);
    }
    let rows = engine.load("kernel r(a: i32[:, :], b: i32[:, :]) = sum(a // b, axis=1)").expect("it is right");
    let mut b = vec![1i32; 200_000];
    (b[190_100], b[150_003]) = (0, 0);
    let view = |data| View::with_shape(data, &[100, 2000]).expect("that many");
    let error = rows.kernel("r").expect("there").call(&args![view(&a), view(&b)]).expect_err("two zeros");
    let fault = error.fault().unwrap_or_else(|| panic!("{error}"));
    assert!(fault.message.contains("by zero"), "{}", fault.message);
}

/// Every point of it turns `n` times.
const SPIN: &str = "\
@vectorize
fn spin(x, n: i32) {
    var z = x
    var i = 0i32
    while i < n {
        z = z * 0.75 + 0.125
        i += 1
    }
    z
}
kernel k(x: f32[:], n: i32) = spin(x, n)
";

#[test]
fn long_work_is_cut_and_cancelled() {
    let Some((engine, device)) = engine(&DeviceOptions::default()) else { return };
    let kernel = engine.load(SPIN).and_then(|module| module.kernel("k")).expect("it is right");
    let x = vec![0.5f32; 1 << 18];
    // The first call compiles; it is short.
    let short = kernel.call(&args![&x, 3i32]).expect("it runs").into_array().expect("an array");
    assert!(short.as_slice::<f32>().iter().all(|z| *z == 0.5));
    let token = CancelToken::new();
    let stopped = thread::scope(|scope| {
        let (token, kernel, x) = (&token, &kernel, &x);
        let running = scope.spawn(move || {
            let result = kernel.call_with(&args![x, 2_000_000i32], &Call::new().cancel(token));
            (result, Instant::now())
        });
        thread::sleep(Duration::from_millis(300));
        let asked = Instant::now();
        token.cancel();
        let (result, ended) = running.join().expect("no panic");
        assert!(result.expect_err("it was cancelled").is_cancelled());
        ended - asked
    });
    // 20 ms are promised; the rest is for machines that are busy.
    assert!(stopped < Duration::from_secs(5), "{stopped:?}");
    let again = kernel.call(&args![&x, 3i32]).expect("it runs again");
    assert_eq!(again.one().expect("one"), Value::Array(short));
    device.synchronize().expect("it is there");
}

#[test]
fn many_small_steps_are_cancelled_too() {
    let Some((engine, _)) = engine(&DeviceOptions::default()) else { return };
    let text = "kernel k(x: mut f32[:], n: i64) {\n    for t in range(n) {\n        x[:] = x + 1\n    }\n}";
    let kernel = engine.load(text).and_then(|module| module.kernel("k")).expect("it is right");
    let mut x = vec![0.0f32; 100];
    kernel.call(&args![&mut x, 3000i64]).expect("it runs");
    assert_eq!(x, vec![3000.0f32; 100]);
    let token = CancelToken::new();
    thread::scope(|scope| {
        let (token, kernel) = (&token, &kernel);
        scope.spawn(move || {
            thread::sleep(Duration::from_millis(200));
            token.cancel();
        });
        let error = kernel.call_with(&args![&mut x, i64::MAX], &Call::new().cancel(token));
        assert!(error.expect_err("it was cancelled").is_cancelled());
    });
    assert_eq!(x, vec![3000.0f32; 100], "nothing comes back from a call that was cancelled");
}
