//! The disk cache as an engine uses it: what is found again, what is not, and that the bits are the same.
#![cfg(unix)]

use hotloop::{ArgType, DiskCache, DiskLimits, Engine, Error, Fastmath, Miss, Options, Origin, TargetChoice, Tiers};
use hotloop::{Type, ZeroDivision, args, array_of};
use std::path::Path;

fn engine(path: &Path) -> Engine {
    builder(path).build()
}

fn builder(path: &Path) -> hotloop::EngineBuilder {
    Engine::builder().disk_cache(DiskCache::new(path)).target(TargetChoice::Simd).tiers(Tiers::Best)
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn types(ty: Type, count: usize) -> Vec<ArgType> {
    vec![array_of(ty, 1).expect("one axis"); count]
}

/// Where the only kernel of a text comes from, in a new engine.
fn origin(engine: &Engine, text: &str, types: &[ArgType]) -> Origin {
    let module = engine.load(text).expect("a kernel");
    let name = module.kernels().next().expect("a kernel").name.clone();
    module.kernel(&name).and_then(|kernel| kernel.prepare(types)).expect("it compiles").origin()
}

const ABSENT: Origin = Origin::Compiled(Some(Miss::Absent));
const AXPY: &str = "kernel axpy(k: f64, x, y) = k*x + y";

fn axpy_types(ty: Type) -> Vec<ArgType> {
    let mut all = vec![ArgType::Scalar(Type::F64)];
    all.extend(types(ty, 2));
    all
}

#[test]
fn a_second_engine_finds_what_the_first_has_compiled() {
    let folder = folder();
    let (x, y) = (vec![1.5; 1003], vec![0.25; 1003]);
    let call = |engine: &Engine| {
        let kernel = engine.load(AXPY).and_then(|module| module.kernel("axpy")).expect("a kernel");
        let sum = kernel.call(&args![3.0, &x, &y]).expect("it runs").into_array().expect("an array");
        (sum.as_slice::<f64>().to_vec(), engine.stats().disk)
    };
    let (cold, first) = call(&engine(folder.path()));
    assert_eq!((first.hits, first.misses(), first.stores), (0, 1, 1));
    let (warm, second) = call(&engine(folder.path()));
    assert_eq!((second.hits, second.misses(), second.stores), (1, 0, 0));
    assert_eq!(cold, warm);
    assert_eq!(warm[0], 4.75);
}

#[test]
fn names_comments_and_spaces_do_not_miss() {
    let folder = folder();
    let types = types(Type::F64, 2);
    let first = "fn twice(v) = 2.0*v\nkernel k(a, b) { let s = twice(a); s + b*b }";
    assert_eq!(origin(&engine(folder.path()), first, &types), ABSENT);
    let others = [
        "# a comment\n\nfn twice(v) = 2.0*v\nkernel k(a, b) {\n    let s = twice(a)  # another\n    s + b*b\n}",
        "fn double(w) = 2.0*w\nkernel other(first, second) { let t = double(first); t + second*second }",
        "kernel unused(a) = a - 1.0\nkernel k(a, b) { let s = 2.0*a; s + b*b }".split_once('\n').expect("two lines").1,
    ];
    for text in others {
        assert_eq!(origin(&engine(folder.path()), text, &types), Origin::Disk, "{text}");
    }
}

/// The only result of the only kernel of a text for `x`, and whether its code was found.
fn on_array(engine: &Engine, text: &str, x: &[f64]) -> (Vec<f64>, Origin) {
    let module = engine.load(text).expect("a kernel");
    let kernel = module.kernel("k").expect("a kernel");
    let result = kernel.call(&args![x]).expect("it runs").into_array().expect("an array");
    let origin = kernel.prepare(&types(Type::F64, 1)).expect("it compiles").origin();
    (result.as_slice::<f64>().to_vec(), origin)
}

#[test]
fn literals_that_are_plain_operands_do_not_miss() {
    let x: Vec<f64> = (0..37).map(|i| f64::from(i) * 0.37 - 3.0).collect();
    let pairs = [
        ("kernel k(x) = 2.5*x + 0.5", "kernel k(x) = -3.25*x + 1e9"),
        ("kernel k(x) = where(x > 1.5, x / 3, 7)", "kernel k(x) = where(x > -0.5, x / 2.5, inf)"),
        ("kernel k(x) = exp(0.3 * x) - 2.5", "kernel k(x) = exp(-1.7 * x) - 0.1"),
        ("kernel k(x) = min(x, 2.5) * (x - 1.5)", "kernel k(x) = min(x, 0.3) * (x - 1e-300)"),
        (
            "fn f(v, w) = v * w + 5.5\nkernel k(x) = f(x, 2.5) + sum(x * 3.5)",
            "fn f(v, w) = v * w + 6.5\nkernel k(x) = f(x, 4.5) + sum(x * 1.5)",
        ),
        (
            "kernel k(x) {\n    var y = zeros_like(x)\n    for i in range(len(x)) { y[i] = 2.5 * x[i] }\n    y\n}",
            "kernel k(x) {\n    var y = zeros_like(x)\n    for i in range(len(x)) { y[i] = nan * x[i] }\n    y\n}",
        ),
    ];
    for (first, second) in pairs {
        let folder = folder();
        let reference = Engine::builder().target(TargetChoice::Interp).build();
        for tiers in [Tiers::Best, Tiers::Quick, Tiers::Both] {
            let engine =
                || builder(folder.path()).disk_cache(DiskCache::new(folder.path()).checked()).tiers(tiers).build();
            let (cold, origin) = on_array(&engine(), first, &x);
            assert_eq!(origin == ABSENT, tiers != Tiers::Both, "{first}");
            let (warm, origin) = on_array(&engine(), second, &x);
            assert_eq!(origin, Origin::Disk, "{second}");
            for (text, found) in [(first, cold), (second, warm)] {
                let expected = on_array(&reference, text, &x).0;
                assert!(found.iter().zip(&expected).all(|(a, b)| a == b || a.is_nan() && b.is_nan()), "{text}");
            }
        }
    }
}

#[test]
fn whole_literals_that_only_reach_elements_do_not_miss() {
    let x: Vec<i64> = (0..37).map(|i| i * 7 - 50).collect();
    let pairs = [
        ("kernel k(x: i64[:]) = 3*x + 5", "kernel k(x: i64[:]) = 1000003*x + 77"),
        (
            "kernel k(x: i64[:]) = where(x > 10, x & 31, x ^ 7)",
            "kernel k(x: i64[:]) = where(x > -20, x & 12345, x ^ 9)",
        ),
        ("kernel k(x: i64[:]) = min(x, 5) + sum(x * 3)", "kernel k(x: i64[:]) = min(x, -7) + sum(x * 9)"),
    ];
    for (first, second) in pairs {
        let folder = folder();
        let run = |engine: &Engine, text: &str| {
            let kernel = engine.load(text).and_then(|module| module.kernel("k")).expect("a kernel");
            let result = kernel.call(&args![&x]).expect("it runs").into_array().expect("an array");
            let origin = kernel.prepare(&types(Type::I64, 1)).expect("it compiles").origin();
            (result.as_slice::<i64>().to_vec(), origin)
        };
        let reference = Engine::builder().target(TargetChoice::Interp).build();
        let checked = || builder(folder.path()).disk_cache(DiskCache::new(folder.path()).checked()).build();
        for (text, expected) in [(first, ABSENT), (second, Origin::Disk)] {
            let (found, origin) = run(&checked(), text);
            assert_eq!(origin, expected, "{text}");
            assert_eq!(found, run(&reference, text).0, "{text}");
        }
    }
}

#[test]
fn literals_that_decide_the_code_miss() {
    let folder = folder();
    let one = types(Type::F64, 1);
    assert_eq!(origin(&engine(folder.path()), "kernel k(x) = x**2 + 2.5", &one), ABSENT);
    assert_eq!(origin(&engine(folder.path()), "kernel k(x) = x**3 + 2.5", &one), ABSENT, "another power");
    assert_eq!(origin(&engine(folder.path()), "kernel k(x) = x[1:] + 2.5", &one), ABSENT);
    assert_eq!(origin(&engine(folder.path()), "kernel k(x) = x[2:] + 2.5", &one), ABSENT, "another slice");
    let whole = types(Type::I64, 1);
    for (number, what) in [(1, "the first"), (2, "another shift"), (3, "one more")] {
        assert_eq!(origin(&engine(folder.path()), &format!("kernel k(x) = x << {number}"), &whole), ABSENT, "{what}");
        assert_eq!(origin(&engine(folder.path()), &format!("kernel k(x) = x[x % {number}]"), &whole), ABSENT, "{what}");
    }
    assert_eq!(origin(&engine(folder.path()), "kernel k(x) = x * 3.5", &one), ABSENT);
    assert_eq!(origin(&engine(folder.path()), "kernel k(x) = x * 0.0", &one), ABSENT, "a zero");
    // A power of this range takes one multiplication, of the other three.
    let power = |least: f64| format!("kernel k(x) = ldexp(x, floor(clip(x, {least}, 300.0)))");
    assert_eq!(origin(&engine(folder.path()), &power(-300.0), &one), ABSENT);
    assert_eq!(origin(&engine(folder.path()), &power(-3000.0), &one), ABSENT, "another range");
}

#[test]
fn whatever_can_change_the_code_misses() {
    let folder = folder();
    let first = "fn twice(v) = 2.0*v\nkernel k(a, b) = twice(a) + b";
    assert_eq!(origin(&engine(folder.path()), first, &types(Type::F64, 2)), ABSENT);
    assert_eq!(origin(&engine(folder.path()), first, &types(Type::F64, 2)), Origin::Disk);
    assert_eq!(origin(&engine(folder.path()), first, &types(Type::F32, 2)), ABSENT, "other types");
    let mut strided = types(Type::F64, 2);
    let ArgType::Array { layout, .. } = &mut strided[0] else { panic!("an array") };
    *layout = hotloop::Layout::Strided;
    assert_eq!(origin(&engine(folder.path()), first, &strided), ABSENT, "another layout");
    let callee = "fn twice(v) = v + v + v\nkernel k(a, b) = twice(a) + b";
    assert_eq!(origin(&engine(folder.path()), callee, &types(Type::F64, 2)), ABSENT, "another function called");
    let op = "fn twice(v) = 2.0*v\nkernel k(a, b) = twice(a) - b";
    assert_eq!(origin(&engine(folder.path()), op, &types(Type::F64, 2)), ABSENT, "another operator");
    let scalar = builder(folder.path()).target(TargetChoice::Scalar).build();
    assert_eq!(origin(&scalar, first, &types(Type::F64, 2)), ABSENT, "another target");
    let quick = builder(folder.path()).tiers(Tiers::Quick).build();
    assert_eq!(origin(&quick, first, &types(Type::F64, 2)), ABSENT, "another tier");
    let division = "kernel k(a, b) = a // b";
    assert_eq!(origin(&engine(folder.path()), division, &types(Type::I64, 2)), ABSENT);
    let options = Options { zero_division: ZeroDivision::Zero, ..Options::default() };
    let quiet = builder(folder.path()).options(options).build();
    assert_eq!(origin(&quiet, division, &types(Type::I64, 2)), ABSENT, "another option");
}

#[test]
fn code_of_one_numeric_tier_is_not_run_in_the_other() {
    let folder = folder();
    let text = "kernel k(a, b, c) = a*b + c";
    let relaxed = Options { fastmath: Fastmath::Relaxed, ..Options::default() };
    let of = |options: Options| builder(folder.path()).options(options).build();
    // In f64 the product rounds to 1, the fused one does not.
    let e = f64::EPSILON;
    let (a, b, c) = (vec![1.0 + e; 8], vec![1.0 - e; 8], vec![-1.0; 8]);
    let run = |options: Options| {
        let engine = of(options);
        let kernel = engine.load(text).and_then(|module| module.kernel("k")).expect("a kernel");
        let result = kernel.call(&args![&a, &b, &c]).expect("it runs").into_array().expect("an array");
        (engine.stats().disk.hits, result.as_slice::<f64>()[0])
    };
    assert_eq!(run(Options::default()), (0, 0.0));
    assert_eq!(run(relaxed), (0, -e * e), "no hit, and fused");
    assert_eq!(run(Options::default()), (1, 0.0));
    assert_eq!(run(relaxed), (1, -e * e));
}

#[test]
fn faults_of_found_kernels_name_things_as_this_text_does() {
    let folder = folder();
    let fault = |text: &str, kernel: &str| {
        let engine = engine(folder.path());
        let kernel = engine.load(text).and_then(|module| module.kernel(kernel)).expect("a kernel");
        let error = kernel.call(&args![&[1i64, 2, 3][..], &[1i64, 0, 3][..]]).expect_err("a fault");
        let hits = engine.stats().disk.hits;
        (hits, error.fault().expect("a fault").clone())
    };
    let (hits, first) = fault("kernel ratio(num, den) = num // den", "ratio");
    assert_eq!((hits, first.kernel.as_str(), first.position.line, first.position.column), (0, "ratio", 1, 26));
    let (hits, second) = fault("# moved\n  kernel quotient(above, below) = above // below", "quotient");
    assert_eq!((hits, second.kernel.as_str(), second.position.line, second.position.column), (1, "quotient", 2, 35));
    assert_eq!(first.point, second.point);
    assert_eq!(first.message.replace("num", "above").replace("den", "below"), second.message);
    let shape = |text: &str| {
        let error = engine(folder.path()).load(text).and_then(|module| module.kernel("k")).expect("a kernel");
        let error = error.call(&args![&[1.0, 2.0][..], &[1.0, 2.0, 3.0][..]]).expect_err("two shapes");
        let Error::Run(error) = error else { panic!("{error}") };
        error.to_string()
    };
    let (first, second) = (shape("kernel k(a, b) = a * b"), shape("kernel k(left, right) = left * right"));
    assert!(first.contains(":1:18)"), "{first}");
    let expected = first.replace(":1:18)", ":1:25)").replace("`a`", "`left`");
    assert_eq!(expected, second, "the place and the names are those of this text");
}

#[test]
fn a_damaged_entry_is_compiled_again() {
    let folder = folder();
    assert_eq!(origin(&engine(folder.path()), AXPY, &axpy_types(Type::F64)), ABSENT);
    let files: Vec<_> = std::fs::read_dir(folder.path()).expect("a directory").collect();
    let path = files[0].as_ref().expect("a file").path();
    let mut bytes = std::fs::read(&path).expect("an entry");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).expect("written");
    let damaged = Origin::Compiled(Some(Miss::Damaged));
    assert_eq!(origin(&engine(folder.path()), AXPY, &axpy_types(Type::F64)), damaged);
    assert_eq!(origin(&engine(folder.path()), AXPY, &axpy_types(Type::F64)), Origin::Disk);
}

#[test]
fn check_mode_compares_with_what_compiling_gives() {
    let folder = folder();
    let checked = || builder(folder.path()).disk_cache(DiskCache::new(folder.path()).checked()).build();
    for text in [AXPY, "kernel k(x, y) = sum(exp(x) / y)", "kernel k(x, y) = x[1:] // y[:-1]"] {
        let types = if text == AXPY { axpy_types(Type::F64) } else { types(Type::F64, 2) };
        assert_eq!(origin(&engine(folder.path()), text, &types), ABSENT);
        assert_eq!(origin(&checked(), text, &types), Origin::Disk, "{text}");
    }
}

#[test]
fn without_a_place_kernels_are_compiled() {
    let folder = folder();
    let path = folder.path().join("file");
    std::fs::write(&path, "").expect("written");
    let engine = engine(&path);
    assert_eq!(origin(&engine, AXPY, &axpy_types(Type::F64)), Origin::Compiled(Some(Miss::Off)));
    assert!(engine.disk_cache().and_then(DiskCache::off).is_some());
    assert_eq!(engine.stats().disk.last_miss, Some(Miss::Off));
}

#[test]
fn both_tiers_are_kept_and_the_best_is_found_first() {
    let folder = folder();
    let both = || builder(folder.path()).tiers(Tiers::Both).build();
    let prepare = |engine: &Engine| {
        let kernel = engine.load(AXPY).and_then(|module| module.kernel("axpy")).expect("a kernel");
        kernel.prepare(&axpy_types(Type::F64)).expect("it compiles")
    };
    let first = both();
    assert_eq!(prepare(&first).origin(), ABSENT);
    assert_eq!(first.stats().disk.stores, 1);
    let second = both();
    let prepared = prepare(&second);
    assert_eq!((prepared.origin(), second.stats().disk.hits), (Origin::Disk, 1));
    prepared.wait_best();
    assert_eq!(second.stats().disk.stores, 1, "now the best is there too");
    let third = builder(folder.path()).build();
    assert_eq!(prepare(&third).origin(), Origin::Disk);
    assert_eq!(third.stats().disk.misses(), 0);
}

#[test]
fn the_list_tells_what_is_there() {
    let folder = folder();
    let limits = DiskLimits { bytes: 1 << 20, entries: 10 };
    let cache = DiskCache::with_limits(folder.path(), limits);
    let engine = Engine::builder().disk_cache(cache.clone()).target(TargetChoice::Simd).tiers(Tiers::Best).build();
    origin(&engine, AXPY, &axpy_types(Type::F32));
    let list = cache.list().expect("a list");
    assert_eq!(list.len(), 1);
    let label = list[0].label.as_ref().expect("an entry");
    assert!(label.starts_with("axpy (") && label.contains("f32") && label.ends_with("simd"), "{label}");
    assert_eq!(cache.verify().expect("verified").good, 1);
    assert_eq!(cache.clear().expect("cleared").0, 1);
}
