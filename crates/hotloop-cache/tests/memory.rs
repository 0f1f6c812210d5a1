//! What the memory cache promises: bounds, order of eviction, one build for many threads, no trace of failures.

use hotloop_cache::{Limits, Memory};
use hotloop_target::Lookup;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

fn put(cache: &Memory<Arc<usize>>, text: &str, value: usize, bytes: usize) -> Arc<usize> {
    cache
        .get_or_build(&Lookup::new(text, b""), || Ok::<_, Infallible>((Arc::new(value), bytes)))
        .unwrap_or_else(|never| match never {})
}

fn has(cache: &Memory<Arc<usize>>, text: &str) -> bool {
    cache.get(&Lookup::new(text, b"")).is_some()
}

#[test]
fn a_value_is_found_again() {
    let cache = Memory::default();
    let first = put(&cache, "a", 1, 10);
    let second = put(&cache, "a", 2, 10);
    assert!(Arc::ptr_eq(&first, &second));
    assert!(cache.get(&Lookup::new("a", b"f64")).is_none());
    let counters = cache.counters();
    assert_eq!((counters.hits, counters.misses, counters.builds, counters.entries), (1, 1, 1, 1));
    assert!(counters.bytes >= 10);
}

#[test]
fn the_least_recently_used_goes_first() {
    let cache = Memory::new(Limits { entries: 3, bytes: usize::MAX });
    for (index, text) in ["a", "b", "c"].into_iter().enumerate() {
        put(&cache, text, index, 1);
    }
    assert!(has(&cache, "a"));
    put(&cache, "d", 3, 1);
    assert!(!has(&cache, "b"));
    assert!(has(&cache, "a") && has(&cache, "c") && has(&cache, "d"));
    let counters = cache.counters();
    assert_eq!((counters.entries, counters.evictions), (3, 1));
}

#[test]
fn bytes_are_bounded() {
    let cache = Memory::new(Limits { entries: 1000, bytes: 10_000 });
    for index in 0..100 {
        put(&cache, &format!("kernel {index}"), index, 1000);
        assert!(cache.counters().bytes <= 10_000);
    }
    assert!(has(&cache, "kernel 99"));
    put(&cache, "huge", 0, 10_001);
    assert!(!has(&cache, "huge"), "what is larger than the cache is not kept");
    assert!(has(&cache, "kernel 99"), "and pushes nothing out");
    cache.clear();
    assert_eq!((cache.counters().bytes, cache.counters().entries), (0, 0));
}

#[test]
fn evicted_values_in_use_stay_alive() {
    let cache = Memory::new(Limits { entries: 1, bytes: usize::MAX });
    let held = put(&cache, "a", 7, 1);
    let weak = Arc::downgrade(&put(&cache, "b", 8, 1));
    assert_eq!(*held, 7);
    put(&cache, "c", 9, 1);
    assert!(weak.upgrade().is_none(), "what nobody uses is freed at once");
}

#[test]
fn many_threads_build_once() {
    let cache = Memory::default();
    let builds = AtomicUsize::new(0);
    let start = Barrier::new(8);
    let values: Vec<Arc<usize>> = thread::scope(|scope| {
        let ask = || {
            start.wait();
            let build = || {
                builds.fetch_add(1, SeqCst);
                thread::sleep(Duration::from_millis(30));
                Ok::<_, Infallible>((Arc::new(1), 1))
            };
            cache.get_or_build(&Lookup::new("a", b""), build).unwrap_or_else(|never| match never {})
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert_eq!(builds.load(SeqCst), 1);
    assert!(values.iter().all(|value| Arc::ptr_eq(value, &values[0])));
    assert_eq!((cache.counters().hits, cache.counters().misses), (7, 1));
}

#[test]
fn waiters_of_a_failed_build_try_again() {
    let cache = Memory::default();
    let builds = AtomicUsize::new(0);
    let start = Barrier::new(4);
    let failures: usize = thread::scope(|scope| {
        let ask = || {
            start.wait();
            let build = || {
                let turn = builds.fetch_add(1, SeqCst);
                thread::sleep(Duration::from_millis(10));
                if turn < 2 { Err("no") } else { Ok((Arc::new(turn), 1)) }
            };
            usize::from(cache.get_or_build(&Lookup::new("a", b""), build).is_err())
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    assert_eq!((failures, builds.load(SeqCst)), (2, 3));
    assert_eq!(cache.counters().builds, 1);
}

#[test]
fn a_panic_while_building_frees_the_turn() {
    let cache = Memory::<Arc<usize>>::default();
    let lookup = Lookup::new("a", b"");
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = cache.get_or_build(&lookup, || -> Result<_, Infallible> { panic!("on purpose") });
    }));
    assert!(result.is_err());
    assert_eq!(*put(&cache, "a", 5, 1), 5);
}

#[test]
fn threads_that_churn_keep_the_bounds() {
    let cache = Memory::new(Limits { entries: 16, bytes: usize::MAX });
    thread::scope(|scope| {
        for seed in 0..4usize {
            let cache = &cache;
            scope.spawn(move || {
                for turn in 0..2000 {
                    let name = (turn * 7 + seed * 13) % 40;
                    assert_eq!(*put(cache, &name.to_string(), name, 1), name);
                }
            });
        }
    });
    let counters = cache.counters();
    assert!(counters.entries <= 16);
    assert_eq!(counters.hits + counters.misses, 8000);
    assert_eq!(counters.builds - counters.evictions, counters.entries as u64);
}
