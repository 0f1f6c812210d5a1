//! `hotloop compile` from outside: its files, and programs in C and Rust that are linked with what it makes.
//!
//! Without a C compiler the programs are not built; the test says so and counts what it has left out.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const KERNELS: &str = "\
kernel axpy(k: f64, x: f64[:], y: f64[:]) = k*x + y
kernel spread(x: f32[:, :]) {
    let m = mean(x, axis=1, keepdims=true)
    (sqrt(mean((x - m)**2, axis=1)), max(x))
}
kernel pick(x: f64[:], at: i64[:]) {
    var total = 0.0
    for i in range(len(at)) { total += x[at[i]] }
    total
}
kernel scale(u: mut f64[:], k: f64) {
    u[1:] = u[1:] * k
}
kernel any_above(x: f32[:, :], limit: f32) = any(x > limit)
kernel total(x: f64[:]) = sum(x)
kernel wave(t: f64[:]) = exp(-t / 8) * sin(3*t)
";

const C_PROGRAM: &str = r##"
#include "kernels.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) do { if (!(condition)) { printf("line %d: %s\n", __LINE__, #condition); return 1; } } while (0)

int main(void) {
    hotloop_error error;
    double x[] = {1, 2, 3}, y[] = {10, 20, 30}, r[3];
    hotloop_f64_1 ax = {x, {3}, {8}}, ay = {y, {3}, {8}}, ar = {r, {3}, {0}};
    CHECK(axpy(2.0, &ax, &ay, &ar, &error) == HOTLOOP_OK);
    CHECK(r[0] == 12 && r[1] == 24 && r[2] == 36 && ar.strides[0] == 8);

    /* The memory of a result: asked for, then given. */
    hotloop_f64_1 unknown = {NULL, {0}, {0}};
    CHECK(axpy(2.0, &ax, &ay, &unknown, &error) == HOTLOOP_SHAPE && unknown.shape[0] == 3);
    CHECK(strstr(error.message, "result 0") != NULL && error.point == -1);
    ar.shape[0] = 2;
    CHECK(axpy(2.0, &ax, &ay, &ar, NULL) == HOTLOOP_SHAPE && ar.shape[0] == 3);

    /* Shapes that do not fit are a fault. */
    ay.shape[0] = 2;
    CHECK(axpy(2.0, &ax, &ay, &ar, &error) == HOTLOOP_FAULT);
    CHECK(strstr(error.message, "kernels.hl:1:") != NULL && error.shows[0] + error.shows[1] == 5);
    ay.shape[0] = 3;

    /* Wrong arguments. */
    ax.strides[0] = 16;
    CHECK(axpy(2.0, &ax, &ay, &ar, &error) == HOTLOOP_ARGUMENT && strstr(error.message, "`x`") != NULL);
    ax.strides[0] = 8;
    ax.shape[0] = -1;
    CHECK(axpy(2.0, &ax, &ay, &ar, &error) == HOTLOOP_ARGUMENT && strstr(error.message, "negative") != NULL);
    ax.shape[0] = 3;
    ax.data = NULL;
    CHECK(axpy(2.0, &ax, &ay, &ar, &error) == HOTLOOP_ARGUMENT);
    ax.data = x;
    CHECK(axpy(2.0, NULL, &ay, &ar, &error) == HOTLOOP_ARGUMENT);
    CHECK(axpy(2.0, &ax, &ay, NULL, NULL) == HOTLOOP_ARGUMENT);
    hotloop_f64_1 inplace = {x + 2, {3}, {8}};
    CHECK(axpy(2.0, &ax, &ay, &inplace, &error) == HOTLOOP_OVERLAP && strstr(error.message, "`x`") != NULL);

    /* A function of the library. */
    CHECK(wave(&ay, &ar, &error) == HOTLOOP_OK && fabs(r[0] - exp(-10.0 / 8) * sin(30.0)) < 1e-15);

    /* Nothing at all. */
    hotloop_f64_1 none = {NULL, {0}, {8}}, none_too = {NULL, {0}, {8}}, nothing = {NULL, {0}, {8}};
    CHECK(axpy(2.0, &none, &none_too, &nothing, &error) == HOTLOOP_OK);
    double sum = 5;
    CHECK(total(&none, &sum, &error) == HOTLOOP_OK && sum == 0);

    /* Two results, a temporary array, partial results. */
    enum { ROWS = 3, COLUMNS = 5000 };
    float *m = malloc(sizeof(float) * ROWS * COLUMNS), spreads[ROWS], most = 0;
    for (int i = 0; i < ROWS * COLUMNS; i++) m[i] = (float)(i % 2 * 2 * (i / COLUMNS + 1));
    hotloop_f32_2 am = {m, {ROWS, COLUMNS}, {COLUMNS * 4, 4}};
    hotloop_f32_1 as = {spreads, {ROWS}, {0}};
    CHECK(spread(&am, &as, &most, &error) == HOTLOOP_OK);
    CHECK(spreads[0] == 1 && spreads[1] == 2 && spreads[2] == 3 && most == 6);
    bool above = true;
    CHECK(any_above(&am, 6.0f, &above, &error) == HOTLOOP_OK && !above);
    CHECK(any_above(&am, 5.0f, &above, &error) == HOTLOOP_OK && above);
    free(m);

    /* A long sum has blocks; a fault names its point. */
    enum { LONG = 100000 };
    double *longer = malloc(sizeof(double) * LONG);
    for (int i = 0; i < LONG; i++) longer[i] = i % 7;
    hotloop_f64_1 al = {longer, {LONG}, {8}};
    CHECK(total(&al, &sum, &error) == HOTLOOP_OK && sum == 299995);
    free(longer);
    int64_t at[] = {0, 2, 7};
    hotloop_i64_1 aa = {at, {3}, {8}};
    CHECK(pick(&ax, &aa, &sum, &error) == HOTLOOP_FAULT && error.shows[0] == 7 && error.shows[1] == 3);
    CHECK(strstr(error.message, "out of range") != NULL);
    at[2] = -1;
    CHECK(pick(&ax, &aa, &sum, &error) == HOTLOOP_OK && sum == 7);

    /* Written arguments. */
    CHECK(scale(&ax, 10.0, &error) == HOTLOOP_OK && x[0] == 1 && x[1] == 20 && x[2] == 30);
    printf("ok\n");
    return 0;
}
"##;

const RUST_PROGRAM: &str = r##"
#[repr(C)]
struct Array {
    data: *mut f64,
    shape: [i64; 1],
    strides: [i64; 1],
}

#[repr(C)]
struct Failure {
    message: *const std::ffi::c_char,
    point: i64,
    shows: [i64; 2],
}

unsafe extern "C" {
    fn axpy(k: f64, x: *const Array, y: *const Array, result: *mut Array, error: *mut Failure) -> i32;
}

fn main() {
    let array = |data: &mut Vec<f64>| Array { data: data.as_mut_ptr(), shape: [data.len() as i64], strides: [8] };
    let (mut x, mut y, mut sum) = (vec![1.0; 1001], vec![0.5; 1001], vec![0.0; 1001]);
    let (ax, ay, mut result) = (array(&mut x), array(&mut y), array(&mut sum));
    let mut failure = Failure { message: std::ptr::null(), point: 0, shows: [0; 2] };
    assert_eq!(unsafe { axpy(2.0, &ax, &ay, &mut result, &mut failure) }, 0);
    assert_eq!(sum, vec![2.5; 1001]);
    result.shape = [7];
    assert_eq!(unsafe { axpy(2.0, &ax, &ay, &mut result, &mut failure) }, 4);
    let message = unsafe { std::ffi::CStr::from_ptr(failure.message) }.to_str().unwrap();
    assert!(message.starts_with("result 0 needs"), "{message}");
    println!("ok");
}
"##;

fn place() -> TempDir {
    let place = tempfile::tempdir().expect("a directory");
    fs::write(place.path().join("kernels.hl"), KERNELS).expect("written");
    place
}

fn hotloop(place: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotloop"));
    command.current_dir(place).arg("compile").args(args).output().expect("the program starts")
}

fn done(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn error(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[allow(clippy::print_stderr, reason = "what is left out is told")]
fn can_link() -> bool {
    let can = Command::new("cc").arg("--version").output().is_ok_and(|output| output.status.success());
    if !can {
        eprintln!("1 program left out: there is no C compiler");
    }
    can
}

#[test]
fn a_program_in_c_calls_the_kernels() {
    let place = place();
    done(&hotloop(place.path(), &["kernels.hl"]));
    if !can_link() {
        return;
    }
    fs::write(place.path().join("main.c"), C_PROGRAM).expect("written");
    for pie in ["-pie", "-no-pie"] {
        let mut cc = Command::new("cc");
        let flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", pie, if pie == "-pie" { "-fPIE" } else { "-fno-pie" }];
        let args = ["main.c", "kernels.o", "-o", "main", "-lm", "-Wl,--fatal-warnings", "-Wl,-z,noexecstack"];
        done(&cc.current_dir(place.path()).args(flags).args(args).output().expect("a compiler"));
        let mut program = Command::new(place.path().join("main"));
        assert_eq!(done(&program.output().expect("it starts")), "ok\n");
    }
    // Position independent: it goes into a shared library, without relocations in the code.
    let args = ["-shared", "kernels.o", "-o", "libkernels.so", "-Wl,-z,text", "-Wl,-z,defs", "-Wl,-z,noexecstack"];
    done(&Command::new("cc").current_dir(place.path()).args(args).output().expect("a compiler"));
}

#[test]
fn a_program_in_rust_calls_the_kernels() {
    let place = place();
    done(&hotloop(place.path(), &["kernels.hl", "--emit", "obj"]));
    if !can_link() {
        return;
    }
    fs::write(place.path().join("main.rs"), RUST_PROGRAM).expect("written");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let args = ["--edition", "2024", "main.rs", "-C", "link-arg=kernels.o", "-o", "main"];
    done(&Command::new(rustc).current_dir(place.path()).args(args).output().expect("a compiler"));
    assert_eq!(done(&Command::new(place.path().join("main")).output().expect("it starts")), "ok\n");
}

#[test]
fn every_stage_gets_its_file() {
    let place = place();
    let emit = "ast,ir,ir-after=fold,passes,clif,asm,obj,header,json";
    let signatures = ["--signature", "axpy(f32, f32[:], strided f32[:])", "--signature", "axpy(f64,f64[:],f64[:])"];
    fs::write(place.path().join("any.hl"), "kernel axpy(k, x, y) = k*x + y\n").expect("written");
    done(&hotloop(place.path(), &[&["any.hl", "--emit", emit, "-o", "out/here"], &signatures[..]].concat()));
    let mut names: Vec<String> = fs::read_dir(place.path().join("out/here"))
        .expect("a directory")
        .map(|item| item.expect("a file").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    let (one, two) = ("axpy_f32_f32x1_f32x1strided", "axpy_f64_f64x1_f64x1");
    let mut expected: Vec<String> = ["any.ast", "any.h", "any.json", "any.o"].map(str::to_owned).to_vec();
    for ending in ["asm", "clif", "fold.ir", "ir", "passes"] {
        expected.extend([one, two].map(|name| format!("{name}.{ending}")));
    }
    expected.sort();
    assert_eq!(names, expected);
    let read = |name: &str| fs::read_to_string(place.path().join("out/here").join(name)).expect("text");
    assert!(read("any.h").contains(&format!("int32_t {one}(float k, const hotloop_f32_1 *x, const hotloop_f32_1 *y,")));
    assert!(read("any.json").contains(r#""signature": "axpy(f32, f32[:], strided f32[:])""#));
    assert!(fs::read(place.path().join("out/here/any.o")).expect("an object").starts_with(b"\x7fELF"));
}

#[test]
fn each_level_has_code_of_its_own() {
    let place = place();
    for cpu in ["v3", "v4", "native"] {
        done(&hotloop(place.path(), &["kernels.hl", "--emit", "obj", "--cpu", cpu, "-o", cpu]));
        assert!(place.path().join(cpu).join("kernels.o").exists());
    }
    // Functions of the library have fused operations, for which every level has an instruction.
    fs::write(place.path().join("waves.hl"), "kernel wave(t: f64[:]) = exp(-t) * sin(t)\n").expect("written");
    for cpu in ["v3", "v4", "native"] {
        done(&hotloop(place.path(), &["waves.hl", "--emit", "obj,asm", "--cpu", cpu, "-o", cpu]));
        let asm = fs::read_to_string(place.path().join(cpu).join("wave.asm")).expect("text");
        assert!(asm.contains("vfmadd"), "{cpu}");
    }
    // What is listed is the code of the level: products of 64-bit integers are one instruction of AVX-512.
    let product = ["kernels.hl", "--emit", "clif,asm", "--signature", "product(i64[:], i64[:])"];
    fs::write(place.path().join("kernels.hl"), "kernel product(x, y) = x * y\n").expect("written");
    let asm = |cpu: &str| {
        done(&hotloop(place.path(), &[&product[..], &["--cpu", cpu, "-o", cpu]].concat()));
        fs::read_to_string(place.path().join(cpu).join("product.asm")).expect("text")
    };
    assert_eq!((asm("v3").contains("vpmullq"), asm("v4").contains("vpmullq")), (false, true));
    let wrong = error(&hotloop(place.path(), &["kernels.hl", "--cpu", "v2"]));
    assert!(wrong.contains("the levels are v3, v4, native"), "{wrong}");
}

#[test]
fn what_cannot_be_is_said() {
    let place = place();
    let write = |text: &str| fs::write(place.path().join("other.hl"), text).expect("written");
    write("kernel free(x: f64[:]) = x");
    done(&hotloop(place.path(), &["other.hl", "--emit", "ir"]));
    assert!(error(&hotloop(place.path(), &["other.hl"])).contains("`free` cannot be the name"));
    write("kernel int(x: f64[:]) = x + 1.0");
    assert!(error(&hotloop(place.path(), &["other.hl"])).contains("give the kernel another name"));
    write("kernel open(x) = x + 1.0");
    let wrong = error(&hotloop(place.path(), &["other.hl"]));
    assert!(wrong.contains("--signature 'open(f64[:])'"), "{wrong}");
    assert!(error(&hotloop(place.path(), &["other.hl", "--signature", "open(f65)"])).contains("`f65` is no type"));
    assert!(error(&hotloop(place.path(), &["other.hl", "--signature", "shut(f64)"])).contains("shut"));
    assert!(error(&hotloop(place.path(), &["other.hl", "--signature", "open(f64, f64)"])).contains("open"));
    let wrong = error(&hotloop(place.path(), &["kernels.hl", "--emit", "ir-after=magic"]));
    assert!(wrong.contains("the passes are"), "{wrong}");
    let wrong = error(&hotloop(place.path(), &["kernels.hl", "--emit", "magic"]));
    assert!(wrong.contains("obj, header, json"), "{wrong}");
}
