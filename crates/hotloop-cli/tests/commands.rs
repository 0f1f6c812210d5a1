//! The commands that look after files of kernels: `check`, `test`, `bench`, `why`, `fmt`; their help and exit codes.

use serde_json::Value;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use tempfile::TempDir;

const KERNELS: &str = "\
kernel scaled(x: f64[:], k: f64) = x * k
kernel total(x: f32[:]) = sum(x * x)
kernel mixed(m: i32[:, :], n: i64, on: bool) = (m // n, sum(m, axis=0), on)
kernel free(x) = exp(x) + 1

#> case halves
#> kernel scaled
#> in x: f64 = [1, 2, -4]
#> in k: f64 = 0.5
#> out: f64 = [0.5, 1, -2]

#> expr a // b
#> in a: i64 = 7
#> in b: i64 = 0
#> fault \"division of 7 by zero\"
";

struct Place(TempDir);

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Place {
    fn new() -> Place {
        let place = Place(tempfile::tempdir().expect("a directory"));
        place.write("kernels.hl", KERNELS);
        place
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).expect("written");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).expect("text")
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, "")
    }

    fn run_with(&self, args: &[&str], input: &str) -> Ran {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hotloop"))
            .current_dir(self.0.path())
            .env("HOTLOOP_CACHE_DIR", self.0.path().join("cache"))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

#[test]
fn every_command_has_help() {
    let place = Place::new();
    for command in ["repl", "check", "test", "bench", "why", "fmt", "eval", "run", "cache"] {
        let ran = place.run(&[command, "--help"]);
        assert_eq!((ran.code, &*ran.err), (0, ""), "{command}");
        assert!(ran.out.contains("Usage:") && ran.out.lines().count() > 5, "{command}: {}", ran.out);
        assert!(place.run(&["--help"]).out.contains(&format!("  {command} ")), "{command}");
        if command != "repl" {
            assert_eq!(place.run(&[command]).code, 2, "{command} needs arguments");
        }
        // Whatever follows `eval` may be an expression that begins with a minus.
        if command != "eval" {
            let ran = place.run(&[command, "--no-such-option"]);
            assert_eq!((ran.code, &*ran.out), (2, ""), "{command}");
        }
    }
}

#[test]
fn check_finds_all_mistakes_and_runs_nothing() {
    let place = Place::new();
    let ran = place.run(&["check", "kernels.hl"]);
    assert_eq!((ran.code, &*ran.out, &*ran.err), (0, "kernels.hl: 4 kernels, 3 checked to the end\n", ""));
    place.write("wrong.hl", "kernel a(x: f64[:]) = lwo + x\nkernel b(x: u64, y: i64) = x + y\n");
    let ran = place.run(&["check", "wrong.hl", "kernels.hl"]);
    assert_eq!(ran.code, 1);
    for part in ["error[E0100]", "wrong.hl:1:23", "error[E0112]", "wrong.hl:2:30"] {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
    assert!(ran.out.contains("kernels.hl: 4 kernels"), "the other file is checked: {}", ran.out);
    place.write("broken.hl", "kernel a(x = 1\n");
    assert_eq!(place.run(&["check", "broken.hl"]).code, 1);
    assert!(place.run(&["check", "nowhere.hl"]).err.contains("nowhere.hl"));
}

#[test]
fn check_compares_all_targets() {
    let place = Place::new();
    let ran = place.run(&["check", "kernels.hl", "--differential", "--rounds", "2", "--seed", "5"]);
    assert_eq!((ran.code, &*ran.err), (0, ""), "{}", ran.out);
    for name in ["scaled", "total", "mixed"] {
        let line = ran.out.lines().find(|line| line.starts_with(&format!("{name}: 20 inputs on ")));
        assert!(line.is_some_and(|line| line.contains("worst difference 0 ulps")), "{name}: {}", ran.out);
    }
    assert!(ran.out.contains("free: left out"), "{}", ran.out);
    assert_eq!(place.run(&["check", "kernels.hl", "--rounds", "2"]).code, 2, "it belongs to --differential");
}

#[test]
fn expectations_in_files_are_run() {
    let place = Place::new();
    let ran = place.run(&["test", "kernels.hl"]);
    assert_eq!((ran.code, &*ran.err), (0, ""), "{}", ran.out);
    assert!(ran.out.starts_with("2 cases passed, 0 failed, on interp, scalar, simd, parallel"), "{}", ran.out);
    let filtered = place.run(&["test", "kernels.hl", "--filter", "halves", "--target", "simd"]);
    assert_eq!(filtered.out, "1 case passed, 0 failed, on simd\n");
    place.write("off.hl", &KERNELS.replace("[0.5, 1, -2]", "[0.5, 1, -2.5]"));
    let ran = place.run(&["test", "off.hl", "kernels.hl"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("FAILED off.hl:6 halves on interp: the result[2] is -2"), "{}", ran.err);
    assert!(ran.out.starts_with("3 cases passed, 1 failed"), "{}", ran.out);
    for (text, message) in [
        ("#> nonsense 1", "line 1: `nonsense` is no annotation"),
        ("kernel k(x) = x\n#> in x: f64 = [[1], 2]", "line 2: the rows of this list differ"),
        ("kernel k(x) = x\n#> in x: f64 = ramp(99999999x99999999)", "line 2: 99999999x99999999 are more"),
        (&format!("kernel k(x) = x\n#> in x: f64 = {}1{}", "[".repeat(5000), "]".repeat(5000)), "at most 32 axes"),
    ] {
        place.write("bad.hl", text);
        let ran = place.run(&["test", "bad.hl"]);
        assert!(ran.code == 1 && ran.err.contains(message), "{message}: {}", ran.err);
    }
}

#[test]
fn bench_measures() {
    let place = Place::new();
    let ran = place.run(&["bench", "kernels.hl", "total", "--sizes", "100", "--threads", "1"]);
    assert_eq!((ran.code, &*ran.err), (0, ""));
    for part in ["total, 100 elements\n", "runs: median", "points/s", "GB/s from memory", "FLOP/s", "1 thread\n"] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    let ran = place.run(&["bench", "kernels.hl", "scaled", "k=2.0", "--sizes", "10,1e3", "--json"]);
    let json: Value = serde_json::from_str(&ran.out).expect("it is JSON");
    let results = json["results"].as_array().expect("a list");
    assert_eq!(results.len(), 2);
    for (result, size) in results.iter().zip([10, 1000]) {
        assert_eq!((result["kernel"].as_str(), result["size"].as_u64()), (Some("scaled"), Some(size)));
        let seconds = |name: &str| result["seconds"][name].as_f64().expect("a number");
        assert!(0.0 < seconds("min") && seconds("min") <= seconds("median") && seconds("median") <= seconds("p95"));
        let rate = result["points_per_second"].as_f64().expect("a number");
        assert!((rate * seconds("median") / size as f64 - 1.0).abs() < 1e-9);
        assert!(result["limits"]["bytes_per_second"].as_f64().expect("a number") > 1e8);
    }
    assert_eq!(place.run(&["bench", "kernels.hl", "--sizes", "ten"]).code, 2);
    assert_eq!(place.run(&["bench", "kernels.hl", "nothing"]).code, 1);
    assert_eq!(place.run(&["bench", "kernels.hl", "total", "q=1"]).code, 1);
}

#[test]
fn why_explains() {
    let place = Place::new();
    let ran = place.run(&["why", "kernels.hl", "scaled", "--threads", "1"]);
    assert_eq!((ran.code, &*ran.err), (0, ""));
    for part in ["kernel scaled, target auto, 1 thread", "per point: 8 bytes read, 8 written", "bound by memory"] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    assert!(ran.out.lines().all(|line| line.chars().count() <= 100), "{}", ran.out);
    let again = place.run(&["why", "kernels.hl", "scaled", "--threads", "1"]);
    assert!(ran.out.contains("compiled; not in the cache") && again.out.contains("found in the cache on disk"));
    let ran = place.run(&["why", "kernels.hl", "--json"]);
    let json: Value = serde_json::from_str(&ran.out).expect("it is JSON");
    let kernels: Vec<&str> = json.as_array().expect("a list").iter().filter_map(|k| k["kernel"].as_str()).collect();
    assert_eq!(kernels, ["scaled", "total", "mixed", "free"]);
    let total = &json[1]["passes"][0];
    assert_eq!((total["bytes_read"].as_u64(), total["bytes_written"].as_u64()), (Some(4), Some(0)));
    assert_eq!(total["axes"][0]["kind"].as_str(), Some("reduced"));
    assert!(total["points_per_second"].as_f64().is_some_and(|rate| rate > 1e6));
}

#[test]
fn every_command_takes_the_relaxed_tier() {
    let place = Place::new();
    place.write("fused.hl", "kernel fused(x: f64[:], y: f64[:]) = x*y + 1.0\n");
    let commands: [&[&str]; 5] = [
        &["check", "fused.hl", "--differential", "--rounds", "1"],
        &["test", "kernels.hl"],
        &["bench", "fused.hl", "--sizes", "10"],
        &["why", "fused.hl"],
        &["compile", "fused.hl", "--emit", "ir"],
    ];
    for command in commands {
        let ran = place.run(&[command, &["--fastmath", "relaxed"]].concat());
        assert_eq!((ran.code, &*ran.err), (0, ""), "{command:?}");
        let ran = place.run(&[command, &["--fastmath", "wild"]].concat());
        assert!(ran.code == 2 && ran.err.contains("strict"), "{command:?}: {}", ran.err);
    }
    // Only the relaxed tier fuses.
    assert!(place.read("fused.ir").contains("fma"));
    let operations = |tier: &str| place.run(&["why", "fused.hl", "--json", "--fastmath", tier]).out;
    assert!(operations("strict").contains("\"operations\": 2") && operations("relaxed").contains("\"operations\": 1"));
    let typed = "x = 2.0\n:ir x*x + x\n";
    assert!(place.run_with(&["repl", "--fastmath", "relaxed"], typed).out.contains("fma"));
    assert!(!place.run_with(&["repl"], typed).out.contains("fma"));
}

#[test]
fn fmt_rewrites_and_checks() {
    let place = Place::new();
    place.write("a.hl", "fn f(a,b)=a+ b # sum\n");
    place.write("b.hl", "fn g(a) = a\n");
    let ran = place.run(&["fmt", "--check", "a.hl", "b.hl"]);
    assert_eq!((ran.code, &*ran.out, &*ran.err), (1, "", "a.hl would change\n"));
    assert_eq!(place.read("a.hl"), "fn f(a,b)=a+ b # sum\n");
    let ran = place.run(&["fmt", "a.hl", "b.hl"]);
    assert_eq!((ran.code, &*ran.out, &*ran.err), (0, "", ""));
    assert_eq!(place.read("a.hl"), "fn f(a, b) = a + b  # sum\n");
    assert_eq!(place.run(&["fmt", "--check", "a.hl", "b.hl"]).code, 0);
    let ran = place.run_with(&["fmt", "-"], "kernel  k( x ){x }");
    assert_eq!((ran.code, &*ran.out), (0, "kernel k(x) { x }\n"));
    place.write("wrong.hl", "fn f( = 1\n");
    place.write("a.hl", "fn f(a)=a");
    let ran = place.run(&["fmt", "wrong.hl", "a.hl", "nowhere.hl"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("wrong.hl:1:7") && ran.err.contains("cannot read `nowhere.hl`"), "{}", ran.err);
    assert_eq!((place.read("wrong.hl"), place.read("a.hl")), ("fn f( = 1\n".to_owned(), "fn f(a) = a\n".to_owned()));
}

#[test]
fn the_library_and_the_examples_are_in_the_one_layout() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let mut files = Vec::new();
    for folder in ["examples", "crates/hotloop-sema/src/std"] {
        for item in fs::read_dir(format!("{root}/{folder}")).expect("a folder") {
            let path = item.expect("an item").path();
            if path.extension().is_some_and(|ending| ending == "hl") {
                files.push(path.into_os_string().into_string().expect("text"));
            }
        }
    }
    assert!(files.len() > 30);
    let args: Vec<&str> = ["fmt", "--check"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let ran = Place::new().run(&args);
    assert_eq!((ran.code, &*ran.err), (0, ""), "`hotloop fmt` puts them right");
}

#[test]
fn mapped_files_are_not_written() {
    let place = Place::new();
    place.write("grow.hl", "kernel grow(u: mut f64[:]) { u[:] = u + 1 }\n");
    assert_eq!(place.run(&["eval", "zeros(50000)", "-o", "z.npy"]).code, 0);
    let ran = place.run(&["run", "grow.hl", "u=@z.npy"]);
    assert_eq!((ran.code, &*ran.out), (0, "u = [1. 1. 1. ... 1. 1. 1.]\n"), "{}", ran.err);
    assert_eq!(place.run(&["eval", "sum(z)", "z=@z.npy"]).out, "0.0\n");
    assert_eq!(place.run(&["eval", "z + 1", "z=@z.npy", "-o", "z.npy"]).code, 0);
    assert_eq!(place.run(&["eval", "sum(z)", "z=@z.npy"]).out, "50000.0\n");
}
