//! The main figures under `cargo bench`: calls of prepared handles, and compiling.

use divan::Bencher;
use hotloop::{Call, DiskCache, Engine, Origin, TargetChoice, Tiers};
use hotloop_bench::ffi::Case;
use hotloop_bench::{Data, Dtype, Workload};

const NAMES: [&str; 10] = ["axpy", "lin23", "quad", "sincos", "bs", "horner", "where", "dot", "softmax", "mandel"];

fn main() {
    divan::main();
}

#[divan::bench(args = NAMES, consts = [1_000, 100_000])]
fn run_f32<const N: usize>(bencher: Bencher<'_, '_>, name: &str) {
    run(bencher, name, Dtype::F32, N);
}

#[divan::bench(args = NAMES, consts = [1_000, 100_000])]
fn run_f64<const N: usize>(bencher: Bencher<'_, '_>, name: &str) {
    run(bencher, name, Dtype::F64, N);
}

fn run(bencher: Bencher<'_, '_>, name: &str, dtype: Dtype, elements: usize) {
    let mut data = Data::new(Workload::of_name(name).expect("a workload"), dtype, elements);
    let case = Case::new(&Engine::new(), &mut data, TargetChoice::Simd).expect("a kernel");
    bencher.bench_local(|| case.run(&mut data));
}

#[divan::bench(args = ["axpy", "bs"])]
fn compile(bencher: Bencher<'_, '_>, name: &str) {
    let workload = Workload::of_name(name).expect("a workload");
    let mut data = Data::new(workload, Dtype::F64, 1000);
    let case = Case::new(&Engine::new(), &mut data, TargetChoice::Simd).expect("a kernel");
    let call = Call::new().target(TargetChoice::Simd);
    bencher.with_inputs(Engine::new).bench_local_values(|engine| {
        let module = engine.load(workload.text).expect("it has been loaded before");
        let kernel = module.kernel(name).expect("it is there");
        kernel.prepare_with(case.prepared().types(), &call)
    });
}

/// A kernel that is on disk: from the checked text to code that can be called.
#[divan::bench(args = ["axpy", "bs"])]
fn reload(bencher: Bencher<'_, '_>, name: &str) {
    let folder = tempfile::tempdir().expect("a directory");
    let disk = DiskCache::new(folder.path());
    let engine = || Engine::builder().disk_cache(disk.clone()).tiers(Tiers::Best).build();
    let workload = Workload::of_name(name).expect("a workload");
    let mut data = Data::new(workload, Dtype::F64, 1000);
    let case = Case::new(&engine(), &mut data, TargetChoice::Simd).expect("a kernel");
    let call = Call::new().target(TargetChoice::Simd);
    let loaded = || engine().load(workload.text).and_then(|module| module.kernel(name)).expect("it is there");
    bencher.with_inputs(loaded).bench_local_values(|kernel| {
        let prepared = kernel.prepare_with(case.prepared().types(), &call).expect("it is there");
        assert_eq!(prepared.origin(), Origin::Disk);
        prepared
    });
}

/// The first result of a new engine, from the text.
#[divan::bench]
fn first_result(bencher: Bencher<'_, '_>) {
    let a = vec![1.5; 1000];
    let args = [("a", hotloop::Arg::from(&a))];
    bencher.with_inputs(Engine::new).bench_local_values(|engine| engine.eval("2*a + 1", &args));
}
