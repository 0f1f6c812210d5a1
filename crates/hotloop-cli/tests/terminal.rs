//! The prompt at a terminal: a pseudo-terminal with a person's keys.
#![cfg(unix)]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A program at a terminal of 80 columns.
struct Terminal {
    child: Child,
    keys: File,
    screen: Receiver<Vec<u8>>,
    seen: String,
    /// How far `wait` has looked.
    at: usize,
}

impl Terminal {
    fn open(place: &TempDir) -> Terminal {
        Terminal::running(place, &[])
    }

    fn running(place: &TempDir, args: &[&str]) -> Terminal {
        let (ours, theirs) = pair();
        let mut command = Command::new(env!("CARGO_BIN_EXE_hotloop"));
        command
            .args(args)
            .current_dir(place.path())
            .env("TERM", "xterm-256color")
            .env("HOTLOOP_HISTORY", place.path().join("history"))
            .env("HOTLOOP_CACHE_DIR", place.path().join("cache"))
            .env_remove("NO_COLOR")
            .stdin(Stdio::from(theirs.try_clone().expect("a handle")))
            .stdout(Stdio::from(theirs.try_clone().expect("a handle")))
            .stderr(Stdio::from(theirs));
        // SAFETY: between fork and exec only these two calls are made, which are safe there; they make the terminal
        // that is the standard input the one whose keys send signals.
        unsafe {
            command.pre_exec(|| {
                libc::setsid();
                libc::ioctl(0, libc::TIOCSCTTY, 0);
                Ok(())
            });
        }
        let child = command.spawn().expect("it starts");
        let mut reader = File::from(ours.try_clone().expect("a handle"));
        let (send, screen) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count) = reader.read(&mut buffer) {
                if count == 0 || send.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        Terminal { child, keys: File::from(ours), screen, seen: String::new(), at: 0 }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Waits until a text is on the screen, behind what was waited for before; gives how long that took.
    #[track_caller]
    fn wait(&mut self, text: &str) -> Duration {
        let start = Instant::now();
        loop {
            if let Some(found) = self.seen[self.at..].find(text) {
                self.at += found + text.len();
                return start.elapsed();
            }
            let left = PATIENCE.saturating_sub(start.elapsed());
            match self.screen.recv_timeout(left) {
                Ok(bytes) => self.seen.push_str(&plain(&bytes)),
                Err(_) => panic!("no `{text}` on the screen:\n{}", self.seen),
            }
        }
    }

    /// Enters a line and waits for its answer.
    #[track_caller]
    fn enter(&mut self, line: &str, answer: &str) {
        self.press(&format!("{line}\r"));
        self.wait(answer);
        self.wait("\n> ");
    }

    fn end(mut self) -> Option<i32> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.child.kill().expect("it can be killed");
        panic!("it does not end:\n{}", self.seen);
    }
}

/// What is shown, without colors and movements.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => drop(chars.by_ref().skip(1).find(|c| c.is_ascii_alphabetic())),
            '\r' => {}
            c => out.push(c),
        }
    }
    out
}

/// A pseudo-terminal: our side and the program's.
fn pair() -> (OwnedFd, OwnedFd) {
    let (mut ours, mut theirs) = (0, 0);
    let size = libc::winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the places for the two handles and the size are valid; name and settings may be null.
    let status = unsafe {
        libc::openpty(&mut ours, &mut theirs, std::ptr::null_mut(), std::ptr::null_mut(), (&raw const size).cast_mut())
    };
    assert_eq!(status, 0, "there is a pseudo-terminal");
    // SAFETY: `openpty` has just opened both, and nobody else has them.
    unsafe { (OwnedFd::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) }
}

/// Whether the median is within 50 ms, from the key to the screen. Machines are busy at times, so a round that fails is
/// followed by a longer one, whose median counts alone; what is late by itself fails every round.
fn mostly_in_time(mut run: impl FnMut() -> Duration) -> Result<(), Vec<Duration>> {
    let mut times = Vec::new();
    for count in [3, 5, 9] {
        times = (0..count).map(|_| run()).collect();
        times.sort();
        if times[count / 2] < Duration::from_millis(50) {
            return Ok(());
        }
    }
    Err(times)
}

#[test]
fn a_session_at_a_terminal() {
    let place = tempfile::tempdir().expect("a directory");
    let mut terminal = Terminal::open(&place);
    terminal.wait("Ctrl-D leaves");
    terminal.wait("\n> ");
    terminal.enter("40 + 2", "42  i64");
    // A definition of several lines is complete when its brace is closed.
    terminal.press("kernel thrice(x) {\r");
    terminal.press("3*x\r");
    terminal.enter("}", "kernel thrice");
    terminal.enter("thrice(5)", "15  i64");
    // The tabulator completes what is unique.
    terminal.enter("sigmo\t(0.0)", "0.5  f64");
    terminal.enter("thr\t(7)", "21  i64");
    // A text that was given up leaves nothing.
    terminal.press("1 + nonsense\u{3}");
    terminal.wait("\n> ");
    terminal.enter("2 + 2", "4  i64");
    terminal.enter("nowhere", "`nowhere` is not defined");
    terminal.press("\u{4}");
    assert_eq!(terminal.end(), Some(0));
    // The history of the session before is there.
    let mut terminal = Terminal::open(&place);
    terminal.wait("\n> ");
    terminal.press("\u{1b}[A\u{1b}[A\r");
    terminal.wait("4  i64");
    terminal.wait("\n> ");
    terminal.press("\u{4}");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn ctrl_c_stops_a_kernel_and_keeps_the_session() {
    let place = tempfile::tempdir().expect("a directory");
    let mut terminal = Terminal::open(&place);
    terminal.wait("\n> ");
    terminal.enter("x = 7.5", "x = 7.5");
    let spin = "kernel spin(n: i64) { var i = 0; while i < n { i = i - 1 + (i & 1) }; i }";
    terminal.enter(spin, "kernel spin");
    for target in ["auto", "scalar", "interp"] {
        terminal.enter(&format!(":target {target}"), target);
        let stop = || {
            terminal.press("spin(1)\r");
            // Long enough to be compiled and running, also on a busy machine.
            std::thread::sleep(Duration::from_millis(600));
            terminal.press("\u{3}");
            let time = terminal.wait("interrupted");
            terminal.wait("\n> ");
            time
        };
        if let Err(times) = mostly_in_time(stop) {
            panic!("{target}: the median is over 50 ms: {times:?}");
        }
    }
    terminal.enter("x + 1", "8.5  f64");
    terminal.press("\u{4}");
    assert_eq!(terminal.end(), Some(0));
}

#[test]
fn a_long_run_shows_how_far_it_is() {
    let place = tempfile::tempdir().expect("a directory");
    let text = "kernel steps(turns: i64) {\n var u = zeros(1000)\n for t in range(turns) { u = 0.5*u + 1 }\n sum(u)\n}\n\
                kernel open(turns: i64) {\n var u = zeros(9)\n while u[0] < turns { u = u + 1 }\n sum(u)\n}\n";
    std::fs::write(place.path().join("long.hl"), text).expect("written");
    // Far more turns than anybody waits for: it shows a part of the whole, and goes away when it is stopped.
    for (kernel, shown) in [("steps", "0%, "), ("open", "how much is left is not known")] {
        let mut terminal = Terminal::running(&place, &["run", "long.hl", kernel, "turns=1000000000000"]);
        terminal.wait(shown);
        terminal.press("\u{3}");
        terminal.wait("interrupted");
        assert_eq!(terminal.end(), Some(130));
    }
    let mut terminal = Terminal::running(&place, &["run", "long.hl", "steps", "turns=90"]);
    terminal.wait("2000.0");
    assert!(!terminal.seen.contains('%'), "a short run shows its result alone: {}", terminal.seen);
    assert_eq!(terminal.end(), Some(0));
}
