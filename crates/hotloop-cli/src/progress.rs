//! A sign of life on a terminal while a run takes long: how far it is, or that nobody knows.

use hotloop::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::mpsc;
use std::time::Duration;

/// Shorter runs show nothing.
const PATIENCE: Duration = Duration::from_millis(700);
const TICK: Duration = Duration::from_millis(120);
/// The length of the bar, in parts of the whole.
const WHOLE: f64 = 1000.0;
const KNOWN: &str = "{spinner} {msg} [{bar:24}] {percent}%, {elapsed}; Ctrl-C stops it";
const UNKNOWN: &str = "{spinner} {msg}, {elapsed}, how much is left is not known; Ctrl-C stops it";

/// Does something; if that takes long, shows on a terminal how far it is, and for how long it has been done. A run that
/// does not count its turns where they can be seen only shows that it goes on.
pub fn while_running<T>(what: &str, progress: &Progress, work: impl FnOnce() -> T) -> T {
    if !std::io::stderr().is_terminal() {
        return work();
    }
    let (done, waiting) = mpsc::channel::<()>();
    let (message, progress) = (shortened(what), progress.clone());
    let watch = std::thread::spawn(move || {
        let timeout = Err(mpsc::RecvTimeoutError::Timeout);
        if waiting.recv_timeout(PATIENCE) != timeout {
            return;
        }
        let bar = ProgressBar::new(WHOLE as u64).with_message(message).with_elapsed(PATIENCE);
        let mut part: Option<f64> = None;
        set_style(&bar, UNKNOWN);
        while waiting.recv_timeout(TICK) == timeout {
            if let Some(now) = progress.fraction() {
                if part.is_none() {
                    set_style(&bar, KNOWN);
                }
                // Going back would only puzzle.
                let now = part.map_or(now, |before| before.max(now));
                part = Some(now);
                bar.set_position((now * WHOLE) as u64);
            }
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

fn set_style(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
}

/// Short enough for a line of 80 columns.
fn shortened(what: &str) -> String {
    const MOST: usize = 22;
    if what.chars().count() <= MOST { what.to_owned() } else { what.chars().take(MOST - 1).chain(['…']).collect() }
}
