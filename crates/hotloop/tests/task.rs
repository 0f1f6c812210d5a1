//! Calls that are started and waited for later: results, errors, cancelling, dropping.

use hotloop::{Call, Engine, Error, Kernel, RunError, Task, args};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

const TEXT: &str = "kernel energy(x) = sum(x * x)
kernel scale(x: mut f64[:], by: f64) { x[:] = x * by }
kernel share(a: i64[:], b: i64[:]) = a // b
kernel forever(x: f64) {
    var y = x
    while y == x { y = y * 1.0 }
    y
}";

fn kernel(name: &str) -> Kernel {
    Engine::new().load(TEXT).and_then(|module| module.kernel(name)).expect("it is there")
}

#[test]
fn several_tasks_run_side_by_side_and_share_an_array() {
    let energy = Arc::new(kernel("energy"));
    let x = Arc::new((0..100_000).map(|i| f64::from(i % 7)).collect::<Vec<f64>>());
    let alone = energy.call(&args![&*x]).and_then(|result| Ok(result.scalar::<f64>()?)).expect("it runs");
    let start = || {
        let (energy, x) = (energy.clone(), x.clone());
        Task::spawn(move |call| Ok(energy.call_with(&args![&*x], call)?.scalar::<f64>()?)).expect("a thread")
    };
    let tasks: Vec<Task<f64>> = (0..6).map(|_| start()).collect();
    for task in tasks {
        assert_eq!(task.join().expect("it runs").to_bits(), alone.to_bits());
    }
}

#[test]
fn what_a_task_owns_comes_back_changed() {
    let scale = kernel("scale");
    let mut x = vec![1.5; 1000];
    let task = Task::spawn(move |call| {
        scale.call_with(&args![&mut x[..], 2.0], call)?;
        Ok(x)
    });
    assert_eq!(task.and_then(Task::join).expect("it runs"), vec![3.0; 1000]);
}

#[test]
fn faults_come_out_of_join() {
    let share = kernel("share");
    let task = Task::spawn(move |call| share.call_with(&args![&[1i64, 2][..], &[1i64, 0][..]], call));
    let error = task.and_then(Task::join).expect_err("a zero");
    assert_eq!(error.fault().map(|fault| fault.point.as_slice()), Some(&[1i64][..]), "{error}");
}

#[test]
fn a_cancelled_task_ends() {
    let forever = kernel("forever");
    let task = Task::spawn(move |call| forever.call_with(&args![2.0], call)).expect("a thread");
    std::thread::sleep(Duration::from_millis(30));
    assert!(!task.is_finished());
    let start = Instant::now();
    task.cancel();
    assert!(matches!(task.join(), Err(Error::Run(RunError::Cancelled))));
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_dropped_task_is_cancelled_and_not_waited_for() {
    let forever = kernel("forever");
    let (tell, told) = mpsc::channel();
    let task = Task::spawn(move |call| {
        let result = forever.call_with(&args![2.0], call);
        tell.send(matches!(result, Err(Error::Run(RunError::Cancelled)))).expect("the test waits");
        result
    });
    drop(task);
    assert_eq!(told.recv_timeout(Duration::from_secs(20)), Ok(true));
}

#[test]
fn the_panic_of_the_work_is_that_of_join() {
    let task = Task::spawn(|_: &Call<'_>| -> Result<(), Error> { panic!("of the caller's own") }).expect("a thread");
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| task.join())).expect_err("it panics");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"of the caller's own"));
}
