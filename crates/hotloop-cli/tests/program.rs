//! The program from outside: what it prints, which files it leaves, how it tells errors, and its exit codes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const KERNELS: &str = "\
kernel double(x) = 2 * x
kernel scale(u: mut f64[:], k) {
    u[1:] = u[1:] * k
}
kernel both(x) = (x, x * x)
kernel single(x: f32[:]) = x / 3
kernel spin(n: i64) {
    var i = 0
    while i < n { i = i - 1 + (i & 1) }
    i
}
";

const TABLE: &str = "name,n,x\nfirst,1,0.5\nsecond,2,1.5\nthird,,bad\n";

/// A directory with the kernels and the table, in which the program runs.
struct Place(TempDir);

impl Place {
    fn new() -> Place {
        let place = Place(tempfile::tempdir().expect("a directory"));
        place.write("kernels.hl", KERNELS);
        place.write("table.csv", TABLE);
        place
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).expect("written");
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path()).expect("a directory");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
        names.sort();
        names
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hotloop"));
        command.current_dir(self.path()).args(args).stdin(Stdio::null());
        // Not this user's own cache; one for all tests, so that they share it as programs do.
        command.env("HOTLOOP_CACHE_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/cache"));
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().expect("the program starts"))
    }

    /// What it prints when all goes well.
    #[track_caller]
    fn prints(&self, args: &[&str], expect: &str) {
        let ran = self.run(args);
        assert_eq!((ran.code, &*ran.err, &*ran.out), (0, "", expect), "{args:?}");
    }

    /// What it says when something is wrong; nothing is printed then.
    #[track_caller]
    fn fails(&self, args: &[&str], code: i32, message: &str) {
        let ran = self.run(args);
        assert_eq!((ran.code, &*ran.out), (code, ""), "{args:?}: {}", ran.err);
        assert!(ran.err.contains(message), "{args:?}: {}", ran.err);
    }
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn of(output: Output) -> Ran {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

#[test]
fn expressions_are_evaluated() {
    let place = Place::new();
    place.prints(&["eval", "2*a + 3*b", "a=1", "b=[1, 2, 3]"], "[ 5  8 11]\n");
    place.prints(&["eval", "a / 4", "a=3"], "0.75\n");
    place.prints(&["eval", "-a", "a=3"], "-3\n");
    place.prints(&["eval", "let s = a*a; s + 1", "a=2.5f32"], "7.25\n");
    place.prints(&["eval", "a < 2", "a=[[1,2],[3,0]]"], "[[ true false]\n [false  true]]\n");
    place.prints(&["eval", "1 + 1"], "2\n");
    place.prints(&["eval", "a + 0.5", "a=[1, 2f32]"], "[1.5 2.5]\n");
}

#[test]
fn every_target_prints_the_same() {
    let place = Place::new();
    let args = ["eval", "sum(sin(x)**2 + cos(x)**2) + exp(x)", "x=[0.1, 0.2, 0.3]", "--threads", "2", "--target"];
    let expect = place.run(&[&args[..], &["interp"]].concat());
    assert_eq!((expect.code, &*expect.err), (0, ""));
    for target in ["auto", "scalar", "simd", "parallel"] {
        place.prints(&[&args[..], &[target]].concat(), &expect.out);
    }
}

#[test]
fn kernels_of_files_run() {
    let place = Place::new();
    place.prints(&["run", "kernels.hl", "double", "x=[1,2]"], "[2 4]\n");
    place.prints(&["run", "kernels.hl", "both", "x=3"], "[0] = 3\n[1] = 9\n");
    place.prints(&["run", "kernels.hl", "scale", "u=[1,2,3]", "k=2"], "u = [1. 4. 6.]\n");
    // A bare list or column takes the type of the annotation.
    place.prints(&["run", "kernels.hl", "single", "x=[1,2]"], "[0.33333334 0.6666667 ]\n");
    place.write("one.hl", "kernel only(x, y) = x - y");
    place.prints(&["run", "one.hl", "y=1", "x=3"], "2\n");
}

#[test]
fn files_are_read_and_written() {
    let place = Place::new();
    place.write("good.csv", "a,b\r\n1,0.5\r\n2,nan\r\n");
    place.prints(&["eval", "a + 1", "a=@good.csv:a"], "[2 3]\n");
    place.prints(&["eval", "b", "b=@good.csv:b"], "[0.5 nan]\n");
    place.prints(&["eval", "arange(6) * 1.5", "-o", "a.npy"], "");
    place.prints(&["eval", "x", "x=@a.npy"], "[0.  1.5 3.  4.5 6.  7.5]\n");
    place.prints(&["eval", "x < 4", "x=@a.npy", "-o", "b.csv"], "");
    assert_eq!(
        fs::read_to_string(place.path().join("b.csv")).expect("written"),
        "value\ntrue\ntrue\ntrue\nfalse\nfalse\nfalse\n"
    );
    place.prints(&["eval", "all(x)", "x=@b.csv"], "false\n");
    place.prints(&["eval", "7u8", "--output=s.npy"], "");
    place.prints(&["eval", "s + s", "s=@s.npy"], "14\n");
}

#[test]
fn several_results_go_to_several_files() {
    let place = Place::new();
    place.prints(&["run", "kernels.hl", "both", "x=[1.0, 2]", "-o", "x.npy", "-o", "square.csv"], "");
    place.prints(&["eval", "a + b", "a=@x.npy", "b=@square.csv:value"], "[2. 6.]\n");
    place.prints(&["run", "kernels.hl", "scale", "u=@x.npy", "k=3", "-o", "u.csv"], "");
    place.prints(&["eval", "u", "u=@u.csv:value"], "[1. 6.]\n");
    // A file of numbers has a type, which an annotation does not change.
    place.prints(&["eval", "arange(3)", "-o", "int.npy"], "");
    place.fails(&["run", "kernels.hl", "scale", "u=@int.npy", "k=3"], 1, "the argument is `i64[:]`");
}

#[test]
fn a_wrong_number_of_files_is_refused_before_the_run() {
    let place = Place::new();
    let before = place.files();
    let message = "`both` has 2 results, but `-o` gives 1 file";
    place.fails(&["run", "kernels.hl", "both", "x=1", "-o", "a.npy"], 2, message);
    place.fails(&["run", "kernels.hl", "both", "x=1", "-o", "a.npy", "-o", "a.npy"], 2, "`-o a.npy` is given twice");
    place.fails(&["eval", "1", "-o", "a.txt"], 2, "must end in .npy, .csv or .png");
    place.fails(
        &["eval", "zeros(2, 2, 2)", "-o", "a.csv"],
        1,
        "cannot write `a.csv`: CSV has room for two axes, not 3",
    );
    place.fails(&["eval", "1", "-o", "none/a.npy"], 1, "cannot write `none/a.npy`: No such file or directory");
    assert_eq!(place.files(), before);
}

#[test]
fn stages_are_printed() {
    let place = Place::new();
    let stage = |stage| place.run(&["eval", "a + 1", "a=[1,2]", "--emit", stage]);
    for (name, part) in [("ast", "(+ a 1)"), ("ir", "add"), ("passes", "add"), ("clif", "iadd"), ("asm", "ret")] {
        let ran = stage(name);
        assert_eq!((ran.code, &*ran.err), (0, ""), "{name}");
        assert!(ran.out.contains(part), "{name}: {}", ran.out);
    }
    place.fails(&["eval", "1", "--emit", "llvm"], 2, "there is no stage `llvm`");
}

#[test]
fn times_are_told_beside_the_result() {
    let ran = Place::new().run(&["eval", "a + 1", "a=[1,2]", "--time", "--target", "scalar"]);
    assert_eq!((ran.code, &*ran.out), (0, "[2 3]\n"));
    for part in ["compile  ", "run      ", " elements/s", "target   scalar, 1 thread"] {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
}

#[test]
fn wrong_programs_are_shown_with_carets() {
    let place = Place::new();
    let ran = place.run(&["eval", "a + b *", "a=1"]);
    assert_eq!((ran.code, &*ran.out), (1, ""));
    assert!(ran.err.contains("error[") && ran.err.contains("1 | a + b *\n") && ran.err.contains('^'), "{}", ran.err);
    assert!(!ran.err.contains('\x1b'), "no color where there is no terminal: {}", ran.err);
    place.fails(&["eval", "nope(1)"], 1, "there is no function `nope`");
    let fault =
        "error[R0001]: index 5 is out of range for axis 0 of `a`, which has 2 elements\n --> <expression>:1:3\n";
    place.fails(&["eval", "a[i]", "a=[1,2]", "i=5"], 1, fault);
    place.write("bad.hl", "kernel f(x) =\n    x +* 2\n");
    place.fails(&["run", "bad.hl", "x=1"], 1, " --> bad.hl:2:");
}

#[test]
fn wrong_values_are_named() {
    let place = Place::new();
    place.fails(&["eval", "a + b", "a=1"], 1, "hotloop: no value for `b`: ");
    place.fails(&["eval", "a", "a=1", "b=1"], 1, "hotloop: no parameter is called `b`; there is `a`\n");
    place.fails(&["run", "kernels.hl", "nope"], 1, "hotloop: no kernel is called `nope`");
    place.fails(&["run", "none.hl"], 1, "hotloop: cannot read `none.hl`: No such file or directory\n");
    place.fails(&["eval", "a", "a=@none.npy"], 1, "hotloop: cannot read `none.npy`: No such file or directory\n");
    place.fails(&["eval", "a", "a=@none.csv:x"], 1, "hotloop: cannot read `none.csv`: No such file or directory\n");
    let cell = "hotloop: cannot read `table.csv`: line 4, column `x`: `bad` is not a number\n";
    place.fails(&["eval", "a", "a=@table.csv:x"], 1, cell);
    place.write("whole.hl", "kernel k(n: i64[:]) = n\n");
    place.fails(
        &["run", "whole.hl", "n=@table.csv:n"],
        1,
        "line 4, column `n`: the cell is empty, for which `i64` has",
    );
    assert_eq!(place.run(&["eval", "a", "a=@table.csv:n"]).out, "[ 1.  2. nan]\n");
    place.fails(&["eval", "a", "a=@table.csv:y"], 1, "there is no column `y`; the table has `name`, `n`, `x`");
    place.fails(&["eval", "a", "a=@kernels.npy"], 1, "cannot read `kernels.npy`");
    place.write("fake.npy", "not numbers");
    place.fails(&["eval", "a", "a=@fake.npy"], 1, "hotloop: cannot read `fake.npy`: not an npy file\n");
    place.fails(&["eval", "zeros(n)", "n=900000000000000"], 1, "needs 7200000000000000 bytes");
}

#[test]
fn wrong_command_lines_are_refused() {
    let place = Place::new();
    place.fails(&["evaluate"], 2, "unrecognized subcommand");
    place.fails(&["eval"], 2, "<EXPR>");
    place.fails(&["eval", "a", "a"], 2, "expected NAME=VALUE");
    place.fails(&["eval", "a", "a=[1,"], 2, "the list has no closing `]`");
    place.fails(&["eval", "a", "a=1", "a=2"], 2, "hotloop: `a` is given twice\n");
    place.fails(&["eval", "1", "--target", "cuda"], 2, "there is no target `cuda`");
    place.fails(&["eval", "1", "--threads", "0"], 2, "--threads");
    place.fails(&["run", "kernels.hl"], 2, "which kernel? `kernels.hl` has `double`, `scale`, ");
    place.fails(&["run", "kernels.hl", "x=[1"], 2, "the list has no closing `]`");
}

#[test]
fn help_teaches() {
    let place = Place::new();
    for command in [&["--help"][..], &["eval", "--help"], &["run", "--help"]] {
        let ran = place.run(command);
        assert_eq!(ran.code, 0);
        for part in ["Examples:", "hotloop eval '2*a + 3*b' a=1", "@table.csv:column", "Exit status:"] {
            assert!(ran.out.contains(part), "{command:?}: {part}");
        }
    }
}

#[test]
fn the_examples_of_the_help_run() {
    let place = Place::new();
    place.write("weather.csv", "day,temperature\n1,-2.5\n2,4\n");
    for (name, values) in [("signal", "x=[3, 4.0]"), ("s", "x=[90.0, 110]"), ("a", "x=[1, 2]"), ("b", "x=[3, 4]")] {
        place.prints(&["eval", "x", values, "-o", &format!("{name}.npy")], "");
    }
    place.write("kernels.hl", "kernel black_scholes(s, k, t, r, sigma) = s * exp(-r * t) - k * sigma");
    let help = place.run(&["--help"]).out;
    let lines: Vec<&str> = help.lines().filter_map(|line| line.strip_prefix("  hotloop ")).collect();
    assert!(lines.len() >= 6, "{help}");
    for line in lines {
        let words = shell_words(line);
        let ran = place.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(ran.code, 0, "{line}: {}", ran.err);
    }
    place.prints(&["eval", "p", "p=@positive.npy"], "[0. 4.]\n");
}

/// Words as a shell splits them, where quotes are single and spaces are the only blanks.
fn shell_words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for c in line.chars() {
        match c {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            _ => words.last_mut().expect("never empty").push(c),
        }
    }
    words
}

#[test]
fn the_farthest_airports_are_found() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let table = format!("{root}/examples/data/airports.csv");
    let kernel = format!("{root}/examples/great_circle.hl");
    let (lat, lon) = (format!("lat=@{table}:latitude"), format!("lon=@{table}:longitude"));
    let ran = Place::new().run(&["run", &kernel, &lat, &lon, "--time"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    // Palau and the Virgin Islands; NumPy finds the same pair and distance.
    assert_eq!(ran.out, "[0] = 2795\n[1] = 3331\n[2] = 16512.67073479268\n");
    assert!(ran.err.contains("target   auto"), "{}", ran.err);
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_a_kernel_and_leaves_nothing() {
    let place = Place::new();
    let before = place.files();
    for target in ["interp", "scalar", "simd"] {
        let args = ["run", "kernels.hl", "spin", "n=1", "-o", "n.npy", "--target", target];
        let child = place.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        // Long enough for the kernel to be running, also on a busy machine.
        std::thread::sleep(Duration::from_millis(1500));
        let start = Instant::now();
        let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
        assert!(sent.success());
        let ran = Ran::of(child.wait_with_output().expect("it ends"));
        assert_eq!((ran.code, &*ran.out, &*ran.err), (130, "", "hotloop: interrupted\n"), "{target}");
        assert!(start.elapsed() < Duration::from_secs(2), "{target}: {:?}", start.elapsed());
        assert_eq!(place.files(), before);
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    let mut child = place
        .command(&["eval", "zeros(30, 30)"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let ran = Ran::of(child.wait_with_output().expect("it ends"));
    assert_eq!((ran.code, &*ran.err), (0, ""));
}

#[cfg(feature = "gpu")]
#[test]
fn without_a_driver_target_gpu_says_so_and_falls_back_if_told() {
    let place = Place::new();
    let without = |args: &[&str]| {
        let mut command = place.command(args);
        // The loader of Vulkan looks nowhere else then.
        command.env("VK_DRIVER_FILES", "/nonexistent.json").env("VK_ICD_FILENAMES", "/nonexistent.json");
        Ran::of(command.output().expect("the program starts"))
    };
    let refused = without(&["eval", "2*a", "a=[1, 2]", "--target", "gpu"]);
    assert_eq!((refused.code, &*refused.out), (1, ""));
    assert!(refused.err.starts_with("hotloop: no GPU was found: "), "{}", refused.err);
    let told = without(&["eval", "2*a", "a=[1, 2]", "--target", "gpu", "--fallback", "cpu"]);
    assert_eq!((told.code, &*told.out), (0, "[2 4]\n"), "{}", told.err);
    assert!(told.err.starts_with("note: done on the processor, because no GPU was found: "), "{}", told.err);
    assert!(without(&["devices"]).out.starts_with("no GPU: "));
}
