//! Processes that fork before and after the first parallel call, and while a better code is made: kernels run in parent
//! and child with the same bits, and nobody waits for threads that are not there.
//!
//! One of the files with `unsafe`: it forks. Not under the harness, whose threads would be in the way.

#[cfg(target_os = "linux")]
fn main() {
    linux::before_and_after_the_first_parallel_call();
    linux::with_threads_of_the_callers();
    linux::while_code_is_made();
}

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
mod linux {
    use hotloop::{Array, Engine, TargetChoice, Tiers, args};
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    const TEXT: &str = "kernel k(x) { return sum(sin(x) * x + cos(x)) }";

    fn data() -> Array {
        Array::from((0..1_000_000).map(|i| f64::from(i) * 1e-3).collect::<Vec<f64>>())
    }

    fn engine() -> hotloop::EngineBuilder {
        Engine::builder().target(TargetChoice::Parallel).threads(3)
    }

    fn bits(engine: &Engine, text: &str, x: &Array) -> u64 {
        let module = engine.load(text).expect("it is correct");
        let result = module.kernel("k").expect("it is there").call(&args![x]).expect("it runs");
        result.scalar::<f64>().expect("one number").to_bits()
    }

    /// The threads of this process.
    fn threads() -> usize {
        std::fs::read_dir("/proc/self/task").expect("Linux lists them").count()
    }

    /// Runs something in a forked process; it must be true there within half a minute.
    fn in_child(what: &str, body: impl FnOnce() -> bool) {
        // SAFETY: the child goes on with memory as it was; it calls what the tests are about, and ends without running
        // what the parent has to run at its end.
        let child = unsafe { libc::fork() };
        assert!(child >= 0, "the process cannot fork");
        if child == 0 {
            let fine = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).unwrap_or(false);
            // SAFETY: ends the child here and now.
            unsafe { libc::_exit(if fine { 0 } else { 1 }) };
        }
        let start = Instant::now();
        let mut status = 0;
        // SAFETY: waits for a child of this process, and writes its status.
        while unsafe { libc::waitpid(child, &mut status, libc::WNOHANG) } == 0 {
            if start.elapsed() > Duration::from_secs(30) {
                // SAFETY: ends a child of this process.
                unsafe { libc::kill(child, libc::SIGKILL) };
                panic!("{what}: the child does not come to an end");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        assert_eq!(status, 0, "{what}: the child has another result or failed");
    }

    pub(crate) fn before_and_after_the_first_parallel_call() {
        let (x, engine) = (data(), engine().tiers(Tiers::Best).build());
        let expected = bits(&Engine::builder().target(TargetChoice::Scalar).build(), TEXT, &x);
        in_child("before the first parallel call", || bits(&engine, TEXT, &x) == expected);
        assert_eq!(bits(&engine, TEXT, &x), expected);
        in_child("after it", || {
            let twice = threads() == 1 && (0..20).all(|_| bits(&engine, TEXT, &x) == expected) && threads() > 1;
            in_child("a child of the child", || bits(&engine, TEXT, &x) == expected);
            twice
        });
        assert_eq!(bits(&engine, TEXT, &x), expected, "the parent's threads are still its own");
    }

    pub(crate) fn with_threads_of_the_callers() {
        let pool = Arc::new(rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("threads"));
        let (x, engine) = (data(), engine().tiers(Tiers::Best).pool(pool).build());
        let expected = bits(&engine, TEXT, &x);
        in_child("with a pool of the caller's", || {
            (0..20).all(|_| bits(&engine, TEXT, &x) == expected) && threads() == 1
        });
        assert_eq!(bits(&engine, TEXT, &x), expected);
    }

    /// A thread makes its first call, which compiles twice, and the process forks at one moment or another of that.
    pub(crate) fn while_code_is_made() {
        let x = data();
        for turn in 0..24 {
            let engine = engine().tiers(Tiers::Both).build();
            let text = format!("kernel k(x) {{ return sum(exp(-x) * sin(x) + {turn} * erf(x) + tanh(x)) }}");
            let expected = bits(&Engine::builder().target(TargetChoice::Scalar).build(), &text, &x);
            std::thread::scope(|scope| {
                let caller = scope.spawn(|| bits(&engine, &text, &x));
                std::thread::sleep(Duration::from_millis(turn));
                in_child("while code is made", || bits(&engine, &text, &x) == expected);
                assert_eq!(caller.join().expect("it runs"), expected);
            });
        }
    }
}
