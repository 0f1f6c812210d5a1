//! A sign of life on a terminal while a run takes long.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::mpsc;
use std::time::Duration;

/// Shorter runs show nothing.
const PATIENCE: Duration = Duration::from_millis(700);
const TICK: Duration = Duration::from_millis(120);

/// Does something; if that takes long, shows on a terminal that it is still being done, and for how long.
pub fn while_running<T>(what: &str, work: impl FnOnce() -> T) -> T {
    if !std::io::stderr().is_terminal() {
        return work();
    }
    let (done, waiting) = mpsc::channel::<()>();
    let message = what.to_owned();
    let watch = std::thread::spawn(move || {
        if waiting.recv_timeout(PATIENCE) != Err(mpsc::RecvTimeoutError::Timeout) {
            return;
        }
        let bar = ProgressBar::new_spinner().with_message(message).with_elapsed(PATIENCE);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}, {elapsed}; Ctrl-C stops it") {
            bar.set_style(style);
        }
        while waiting.recv_timeout(TICK) == Err(mpsc::RecvTimeoutError::Timeout) {
            bar.tick();
        }
        bar.finish_and_clear();
    });
    let result = work();
    drop(done);
    // The watch only draws; nothing depends on how it ended.
    let _ = watch.join();
    result
}
