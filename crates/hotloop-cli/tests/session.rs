//! The prompt, fed from a file: transcripts of sessions, what they leave, and their exit codes.
//!
//! A transcript under `tests/sessions` has what is typed behind `> ` and `. ` (further lines of one entry), and
//! everything else is what must come back. `HOTLOOP_BLESS=1` rewrites them, for a person to read.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Runs a session in an empty directory; gives what it wrote on both streams, in order, and its exit code.
fn session(place: &TempDir, typed: &str) -> (String, i32) {
    let file = |name: &str| place.path().join(name);
    fs::write(file("typed"), typed).expect("written");
    let out = File::create(file("out")).expect("a file");
    let status = Command::new(env!("CARGO_BIN_EXE_hotloop"))
        .args(["repl", "--threads", "2"])
        .current_dir(place.path())
        .env("HOTLOOP_CACHE_DIR", file("cache"))
        .stdin(File::open(file("typed")).expect("it is there"))
        .stdout(Stdio::from(out.try_clone().expect("a second handle")))
        .stderr(Stdio::from(out))
        .status()
        .expect("the program starts");
    (fs::read_to_string(file("out")).expect("text"), status.code().unwrap_or(-1))
}

/// What is typed in a transcript.
fn typed(transcript: &str) -> String {
    let line = |line: &str| line.strip_prefix("> ").or(line.strip_prefix(". ")).map(|text| format!("{text}\n"));
    transcript.lines().filter_map(line).collect()
}

/// The entries of a transcript one by one, each with what it is answered.
fn transcript(place: &TempDir, text: &str) -> String {
    let typed = typed(text);
    let (whole, _) = session(place, &typed);
    let mut answers = whole.as_str();
    let mut out = String::new();
    let mut before = 0;
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("> ") || line.starts_with(". ")).collect();
    for (at, line) in lines.iter().enumerate() {
        out += &format!("{line}\n");
        if lines.get(at + 1).is_some_and(|next| next.starts_with(". ")) {
            continue;
        }
        // What the entries up to here give together ends where the answer to this one does.
        let fresh = tempfile::tempdir().expect("a directory");
        setup(fresh.path());
        let so_far: String = lines[..=at].iter().map(|line| format!("{}\n", &line[2..])).collect();
        let (given, _) = session(&fresh, &so_far);
        let answer = &given[before..];
        before = given.len();
        assert!(answers.starts_with(answer), "the same input, another answer: {answer}");
        answers = &answers[answer.len()..];
        out += answer;
    }
    out
}

fn setup(folder: &Path) {
    fs::write(folder.join("temps.csv"), "day,temp\n1,-2.5\n2,4\n3,11.25\n").expect("written");
    fs::write(folder.join("towns.csv"), "town,day,wind speed\nUlm,1,3.5\nBonn,2,\nKöln,3,7\n").expect("written");
    fs::write(folder.join("tools.hl"), "# A file.\nfn twice(x) = 2*x\n\nkernel fill(u: mut f64[:], v) { u[:] = v }\n")
        .expect("written");
}

#[test]
fn sessions_go_as_written_down() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sessions"));
    let mut names: Vec<PathBuf> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    names.sort();
    assert!(names.len() >= 4);
    for path in names {
        let text = fs::read_to_string(&path).expect("text");
        let place = tempfile::tempdir().expect("a directory");
        setup(place.path());
        if std::env::var_os("HOTLOOP_BLESS").is_some() {
            fs::write(&path, transcript(&place, &text)).expect("written");
            continue;
        }
        let answers: String = text
            .lines()
            .filter(|line| !line.starts_with("> ") && !line.starts_with(". "))
            .map(|line| format!("{line}\n"))
            .collect();
        let (found, _) = session(&place, &typed(&text));
        assert_eq!(found, answers, "{}", path.display());
    }
}

#[test]
fn failures_are_remembered_in_the_exit_code() {
    let place = tempfile::tempdir().expect("a directory");
    assert_eq!(session(&place, "1 + 1\n"), ("2  i64\n".to_owned(), 0));
    assert_eq!(session(&place, "").1, 0);
    let (out, code) = session(&place, "x = 1\ny +\n\n x + 1\n");
    assert!(out.contains("error[E") && out.ends_with("2  i64\n"), "{out}");
    assert_eq!(code, 1);
}

#[test]
fn code_and_times_are_shown() {
    let place = tempfile::tempdir().expect("a directory");
    let text = "x = linspace(0, 1, 1000)\nsum(x*x)\n:ir\n:passes\n:clif\n:asm\n:why\n:bench\n:time sum(x)\n:help\n\
                kernel fill(u: mut f64[:], v) { u[:] = v }\n:why fill(x, 2.0)\n:bench fill(x, 2.0)\nx[0]\n";
    let (out, code) = session(&place, text);
    assert_eq!(code, 0, "{out}");
    let parts = [
        "program \"",
        "load",
        "function u",
        "bytes read",
        "operations",
        "bound by",
        "temporary arrays: none",
        "this machine, 2 threads:",
        "runs: median",
        "GB/s from memory",
        "compile ",
        ":bench [VALUE]",
        "kernel fill",
    ];
    for part in parts {
        assert!(out.contains(part), "no `{part}`:\n{out}");
    }
    assert!(out.ends_with("0.0  f64\n"), "looking changes nothing: {out}");
}

#[test]
fn files_go_out_and_come_back() {
    let place = tempfile::tempdir().expect("a directory");
    let text = "x = arange(100000) * 0.5\nsave(x, \"x.npy\")\ny = load(\"x.npy\")\nsum(abs(x - y))\ny[0] = 7\ny[0]\n\
                sum(load(\"x.npy\"))\nimage = u8(arange(6)[newaxis, :] + arange(4)[:, newaxis])\n\
                save(image, \"i.png\")\nall(load(\"i.png\") == image)\n:save x[:3] x.csv\nload(\"x.csv\").value\n\
                :plot image i2.png\nload(\"nothing.npy\")\nsave(x, \"x.txt\")\n";
    let (out, code) = session(&place, text);
    assert_eq!(code, 1);
    let expect = "x: f64[100000]\nx.npy: f64[100000]\ny: f64[100000]\n0.0  f64\ny: f64[100000]\n7.0  f64\n\
                  2499975000.0  f64\nimage: u8[4, 6]\ni.png: u8[4, 6]\ntrue  bool\nx.csv: f64[3]\n[0.  0.5 1. ]\n\
                  f64[3]\ni2.png: 960 × 600 pixels\n\
                  error: cannot read `nothing.npy`: No such file or directory\n\
                  error: `x.txt`: the name must end in .npy, .csv or .png\n";
    assert_eq!(out, expect);
}

#[test]
fn text_of_strangers_is_harmless() {
    let place = tempfile::tempdir().expect("a directory");
    let deep = format!("{}1{}\n", "(".repeat(100_000), ")".repeat(100_000));
    let texts = [
        deep.as_str(),
        ":\n: \n:plot\n:type\n:load\n:save\n:threads 0\n:threads 99999\n:target nowhere\n:doc $\n",
        "load(\nload(\"\n)\n\"\n'\n",
        "x = (1, 2)\n(a, b) = 1\n(a, a) = (1, 2)\na[0] = 1\nq[0] = 1\nq += 1\n",
        "fn f(x) = f(x)\nf(1)\nfn f(x, x) = 1\nkernel k(u: mut f64[:]) { u[0] = 1 }\nk(1)\nk()\nk(zeros(3))\n",
        "kernel k(a: mut f64[:], b: mut f64[:]) { a[:] = b }\nx = zeros(3)\nk(x, x)\n",
        "\u{0}\u{1}\u{7f}\n\u{FEFF}\n{{{\n}}}\n",
        "zeros(90000000000000)\n:plot zeros(0)\n:plot 1\n:bench\n:why\n:ir\n:load :\n",
    ];
    for text in texts {
        let (out, code) = session(&place, text);
        assert_eq!(code, 1, "{out}");
        assert!(!out.contains("internal error") && !out.contains("panicked"), "{out}");
    }
}
