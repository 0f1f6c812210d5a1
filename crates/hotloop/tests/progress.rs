//! How far a running call is, as another thread sees it; and that being watched changes no result.

use hotloop::{Call, CancelToken, Engine, Kernel, Progress, TargetChoice, args};
use std::time::{Duration, Instant};

const TEXT: &str = "\
kernel steps(n: i64, turns: i64) {
    var u = zeros(n)
    u[0] = 1.0
    for t in range(turns) { u[1:-1] = u[1:-1] + 0.25 * (u[2:] - 2*u[1:-1] + u[:-2]) }
    sum(u)
}
kernel one(n: i64, _turns: i64) = sum(sin(arange(n) * 0.001) + exp(-1e-9 * arange(n)))
kernel unknown(n: i64, turns: i64) {
    var u = zeros(n)
    while u[0] < turns { u = u + 1.0 }
    u[0]
}
kernel faulty(n: i64, turns: i64) = sum(10 // (arange(n) - turns))
";

fn kernel(threads: usize, name: &str) -> Kernel {
    Engine::builder().threads(threads).build().load(TEXT).expect("it is right").kernel(name).expect("it is there")
}

/// What another thread sees of a call until it has seen enough.
fn seen(kernel: &Kernel, args: [i64; 2], target: TargetChoice) -> Vec<Option<f64>> {
    let (progress, token) = (Progress::new(), CancelToken::new());
    let call = Call::new().target(target).progress(&progress).cancel(&token);
    let mut seen = Vec::new();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| kernel.call_with(&args![args[0], args[1]], &call).map(drop));
        let start = Instant::now();
        while !running.is_finished() && start.elapsed() < Duration::from_secs(20) {
            seen.push(progress.fraction());
            let known: Vec<f64> = seen.iter().flatten().copied().collect();
            let is_enough = known.len() > 3 && known[known.len() - 1] > known[0] + 0.01;
            if is_enough || start.elapsed() > Duration::from_millis(500) && known.is_empty() && seen.len() > 20 {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        token.cancel();
        // A short call may have come to its end before.
        let _ = running.join().expect("no panic");
    });
    assert_eq!(progress.fraction(), None, "nothing runs any more");
    seen
}

#[test]
fn it_grows_where_turns_and_tiles_are_counted() {
    let cases = [
        ("steps", [10_000, 1_000_000], 1, TargetChoice::Scalar),
        ("steps", [300_000, 100_000], 2, TargetChoice::Parallel),
        ("steps", [10, 10_000_000], 1, TargetChoice::Interp),
        ("one", [300_000_000, 0], 1, TargetChoice::Simd),
        ("one", [600_000_000, 0], 2, TargetChoice::Parallel),
    ];
    for (name, args, threads, target) in cases {
        let found = seen(&kernel(threads, name), args, target);
        let known: Vec<f64> = found.into_iter().flatten().collect();
        let outside = known.iter().find(|part| !(0.0..=1.0).contains(*part));
        assert_eq!(outside, None, "{name} on {target}");
        let (first, last) = (known.first(), known.last());
        assert!(first < last, "{name} on {target}: {first:?} to {last:?}");
    }
}

#[test]
fn it_is_not_known_where_nothing_counts() {
    let found = seen(&kernel(1, "unknown"), [1000, i64::MAX], TargetChoice::Auto);
    assert!(found.len() > 3 && found.iter().all(Option::is_none), "{found:?}");
}

#[test]
fn being_watched_changes_nothing() {
    let progress = Progress::new();
    for target in TargetChoice::ALL.iter().filter(|target| target.is_cpu()) {
        for threads in [1, 3] {
            for (name, args) in
                [("steps", [2000, 7]), ("one", [100_000, 0]), ("unknown", [5, 9]), ("faulty", [5000, -1])]
            {
                let kernel = kernel(threads, name);
                let call = Call::new().target(*target);
                let [alone, watched] = [call, call.progress(&progress)].map(|call| {
                    let result = kernel.call_with(&args![args[0], args[1]], &call);
                    result.map(|outputs| outputs.one().map(|value| format!("{value:?}"))).map_err(|e| e.to_string())
                });
                assert_eq!(alone, watched, "{name} on {target}");
            }
            let fault = |call: &Call<'_>| {
                let error =
                    kernel(threads, "faulty").call_with(&args![60_000i64, 50_123i64], call).expect_err("it divides");
                format!("{error:?}")
            };
            let call = Call::new().target(*target);
            assert_eq!(fault(&call), fault(&call.progress(&progress)), "{target}");
        }
    }
    assert_eq!(progress.fraction(), None);
}
