//! Peak memory: a call takes its results, the temporaries that live at the same time, and a little more; never all
//! temporaries that `why` lists.
//!
//! An allocator that counts makes this a test of its own; one of the files with `unsafe`.

use hotloop::{Array, Call, Engine, Tiers, arg_type, args, named};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// The system's allocator, with the bytes in use and the most there were.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);
/// Tests run one at a time, since they share the counters.
static ALONE: Mutex<()> = Mutex::new(());

// SAFETY: every request goes to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = IN_USE.fetch_add(layout.size(), SeqCst) + layout.size();
        MOST.fetch_max(now, SeqCst);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), SeqCst);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Elements of each array; 8 bytes each.
const N: usize = 1 << 18;
/// What a call may take besides arrays: frames, partial results, packed blocks.
const SLACK: usize = 1 << 16;

/// The most bytes a call has in use beyond those before it, in arrays of `N` elements; and the temporaries `why` lists.
fn arrays(body: &str, rank: usize) -> (f64, usize) {
    let _alone = ALONE.lock().unwrap_or_else(|error| error.into_inner());
    let engine = Engine::builder().tiers(Tiers::Best).keep_memory(0).build();
    let module = engine.load(&format!("kernel k(x, y) {{\n{body}\n}}")).expect("it is correct");
    let kernel = module.kernel("k").expect("it is there");
    let side = 1 << 9;
    let numbers: Vec<f64> = (0..N).map(|i| (i % 101) as f64).collect();
    let shape: &[usize] = if rank == 2 { &[side, N / side] } else { &[N] };
    let make = || Array::from(numbers.clone()).reshape(shape).expect("as many");
    let (x, y) = (make(), make());
    let call_args = args![&x, &y];
    let types: Vec<_> = call_args.iter().map(arg_type).collect();
    let prepared = kernel.prepare(&types).expect("it compiles");
    let listed = prepared.why().expect("it has an answer").temporaries.len();
    let one = Call::new().threads(1);
    drop(prepared.call_with(&call_args, &one).expect("it runs"));
    let before = IN_USE.load(SeqCst);
    MOST.store(before, SeqCst);
    let results = prepared.call_with(&call_args, &one).expect("it runs");
    let most = MOST.load(SeqCst) - before;
    drop(results);
    (most as f64 / (N * 8) as f64, listed)
}

/// What a call gives back serves the next one, until the engine is told to let it go.
#[test]
fn memory_that_is_kept_is_not_taken_again() {
    let _alone = ALONE.lock().unwrap_or_else(|error| error.into_inner());
    let engine = Engine::builder().tiers(Tiers::Best).build();
    let x = Array::from(vec![1.5f64; N]);
    let run = || engine.eval("2*x / sum(2*x)", &named! { x: &x }).expect("it runs");
    drop(run());
    let before = IN_USE.load(SeqCst);
    MOST.store(before, SeqCst);
    let result = run();
    assert!(MOST.load(SeqCst) - before <= SLACK, "a second call needs no fresh memory");
    assert!(engine.kept_memory().reused > 0);
    drop(result);
    let kept = engine.kept_memory().bytes;
    assert!(kept >= N * 8 && engine.trim() == kept && engine.kept_memory().bytes == 0);
    assert!(IN_USE.load(SeqCst) + N * 8 <= before + SLACK, "the system has it back");
}

/// A kernel of `x` and `y` takes the memory of so many arrays at most.
#[track_caller]
fn takes(body: &str, rank: usize, expect: usize) {
    let (most, listed) = arrays(body, rank);
    assert!(expect <= listed + 1, "{expect} arrays, but {listed} temporaries are listed: {body}");
    let slack = SLACK as f64 / (N * 8) as f64;
    assert!(most <= expect as f64 + slack, "{most} arrays, not {expect}: {body}");
    assert!(most >= expect as f64, "{most} arrays, fewer than {expect}: {body}");
}

#[test]
fn an_expression_needs_its_result_alone() {
    takes("2.0 * x + sqrt(y)", 1, 1);
}

#[test]
fn a_chain_of_names_needs_its_result_alone() {
    takes("let a = x * y\nlet b = a + 1.0\nlet c = b / x\nc - y", 1, 1);
}

#[test]
fn a_reduction_of_an_expression_needs_nothing() {
    takes("sum(abs(x - y) * 2.0)", 1, 0);
}

#[test]
fn several_reductions_need_nothing() {
    takes("let d = x - y\n(sum(d), max(d), mean(d))", 1, 0);
}

#[test]
fn a_temporary_that_is_read_elsewhere_is_one_array() {
    takes("let a = cumsum(x)\na[::-1] + y", 1, 2);
}

#[test]
fn temporaries_one_after_another_take_the_memory_of_one() {
    takes("let a = cumsum(x)[::-1]\nlet b = cumsum(a + y)[::-1]\nlet c = cumsum(b * y)\nc[::-1] * 2.0", 1, 2);
}

#[test]
fn turns_of_a_loop_take_the_memory_of_one_turn() {
    let body = "var a = x + 0.0\nfor t in range(5) {\nlet b = cumsum(a)[::-1]\nlet c = cumsum(b - y)[::-1]\na[:] = c * 0.5\n}\na";
    takes(body, 1, 3);
}

#[test]
fn sides_of_a_branch_take_the_memory_of_one() {
    let body = "var r = x * 1.0\nif x[0] < 1.0 {\nlet a = cumsum(x)\nr = a[::-1]\n} else {\nlet b = cumsum(y)\nr = b[::-1]\n}\nr + y";
    takes(body, 1, 2);
}

#[test]
fn a_product_of_matrices_needs_its_result_alone() {
    takes("x @ y", 2, 1);
}

#[test]
fn a_chain_of_products_takes_turns_in_two_arrays() {
    takes("(((x @ y) @ x) @ y) @ x", 2, 2);
}

#[test]
fn what_is_summed_before_it_is_divided_is_kept() {
    takes("let e = exp(x - max(x, axis=1, keepdims=true))\ne / sum(e, axis=1, keepdims=true)", 2, 2);
}

#[test]
fn a_stencil_needs_its_result_alone() {
    takes("var r = y * 1.0\nr[1:-1, 1:-1] = (x[:-2, 1:-1] + x[2:, 1:-1] + x[1:-1, :-2] + x[1:-1, 2:]) * 0.25\nr", 2, 1);
}

#[test]
fn neighbors_of_something_cheap_need_no_memory() {
    takes("let e = 2.0 * x\nsum(e[1:] - e[:-1])", 1, 0);
}

#[test]
fn neighbors_of_something_dear_need_one_array() {
    takes("let e = exp(x)\nsum(e[1:] * e[:-1])", 1, 1);
}
