//! One broken program per rule, made by changing the text of a correct one.

use super::*;
use crate::{read, text};

/// Uses most of what a program can have, and breaks no rule.
const CORRECT: &str = r#"hotloop ir 1
program "all"
array a0 "x" f64[2] input dense
array a1 "y" f32[1] mut unit_inner
array a2 "out" f64[1] output dense
array a3 "t" i64[1] temp dense
array a4 "product" f64[2] temp dense
slot s0 "n" i64
slot s1 "flag" bool
slot s2 "sum" f64
slot s3 "i" i64
slot s4 "best" f64
site f0 index "x" axis 0
param a0
param a1
param s0
param s1
result a2
result s2
nest n0 {
  axis parallel s0
  axis reduce 5
  view w0 a0[x0, s0 + -1*x1]
  view w1 a2[x0 full]
  view w2 a0[3, 0]
  fold r0 sum f64 -> w1
  schedule fold_rows lanes 8 threads
  local l0 i64
  local l1 f64
  lane {
    v0: f64 = load w0
    v1: i64 = axis 1
    v2: i64 = const 2i64
    v3: bool = lt v1, v2
    v4: i64 = extent a0, 1
    check v3, f0, v1, v4
    if v3 {
      v5: f64 = neg v0
      set l1, v5
    } else {
      set l1, v0
    }
    for l0 in v1, v2, v4 {
      loop {
        v6: i64 = local l0
        v7: f64 = convert v6
        v8: f64 = select v3, v7, v0
        set l1, v8
        block {
          break 1
        }
      }
    }
    v9: f64 = load_at a0[v1, v2]
    v10: i64 = bitcast v9
    v11: f64 = local l1
    v12: f64 = fma v9, v11, v0
    v13: f32 = convert v12
    store_at a1[v10], v13
    fold r0, v12
  }
}
nest n1 {
  axis parallel 3
  view w0 a1[x0]
  schedule map lanes 4
  lane {
    v0: f32 = const 1.0f32
    v1: bool = slot s1
    store w0, v0
  }
}
nest n2 {
  lane {
    v0: f64 = slot s2
    set_slot s2, v0
    v1: i64 = slot s0
    set_slot s0, v1
  }
}
nest n3 {
  axis reduce s0
  fold r0 max f64 -> s4
  fold r1 min f64 -> s2
  lane {
    v0: f64 = const 1.0f64
    fold r0, v0
    fold r1, v0
  }
}
product p0 [s0, 4, s0] a4[x0, x1] a0[x0, x2] a0[x2, x1]
steps {
  alloc a2[s0]
  alloc a4[s0, s0]
  matmul p0
  free a4
  alloc a3[s0]
  run n0
  if s1 {
    run n1
  }
  for s3 in s0, s0, s0 {
    run n2
    block {
      loop {
        if s1 {
          continue 2
        }
        break 1
      }
    }
  }
  run n3
}
"#;

fn program() -> Program {
    read(CORRECT).expect("the text is well formed")
}

#[test]
fn a_correct_program_passes() {
    assert_eq!(verify(&program()), Ok(()));
    assert_eq!(text::print(&program()), CORRECT);
}

/// The error of the program with one piece of its text replaced.
fn broken(from: &str, to: &str) -> VerifyError {
    assert_eq!(CORRECT.matches(from).count(), 1, "`{from}` should be there once");
    let program = read(&CORRECT.replace(from, to)).unwrap_or_else(|error| panic!("{from} -> {to}: {error}"));
    verify(&program).expect_err(&format!("{from} -> {to}"))
}

#[test]
fn each_rule_is_checked() {
    let mut wrong = Vec::new();
    for (from, to, message) in [
        // Arrays, parameters, results.
        ("f64[2] input", "f64[0] input", "has 0 axes"),
        ("f64[2] input", "f64[65] input", "has 65 axes"),
        ("param a1\n", "", "array a1 should be a parameter"),
        ("param a1\n", "param a0\n", "two parameters"),
        ("param a1\n", "param a2\n", "cannot be a parameter"),
        ("param a1\n", "param a9\n", "array a9 does not exist"),
        ("param s1\n", "param s0\n", "two parameters"),
        ("param s1\n", "param s9\n", "slot s9 does not exist"),
        ("result a2\n", "result a1\n", "no output"),
        ("result a2\n", "result a2\nresult a2\n", "two results"),
        ("result a2\n", "result a9\n", "does not exist"),
        ("result s2\n", "result s9\n", "does not exist"),
        // Steps.
        ("  run n3\n", "", "no step runs nest n3"),
        ("  run n3\n", "  run n1\n", "two steps run nest n1"),
        ("  run n3\n", "  run n7\n", "nest n7 does not exist"),
        ("  matmul p0\n", "", "no step runs product p0"),
        ("  free a4\n", "  matmul p0\n", "two steps run product p0"),
        ("  free a4\n", "  matmul p1\n", "product p1 does not exist"),
        ("  free a4\n", "  free a2\n", "no temporary"),
        ("  free a4\n", "  free a9\n", "array a9 does not exist"),
        ("alloc a2[s0]", "alloc a0[s0, s0]", "memory already"),
        // Matrix products.
        ("p0 [s0, 4, s0] a4[x0, x1]", "p0 [s0, s0] a4[x0, x1]", "less than three axes"),
        ("p0 [s0, 4, s0]", "p0 [s0, -4, s0]", "negative"),
        ("p0 [s0, 4, s0]", "p0 [s0, 4, s1]", "`bool`, not `i64`"),
        ("a4[x0, x1] a0[x0, x2]", "a4[x0, x2] a0[x0, x2]", "uses axis 2"),
        ("a4[x0, x1] a0[x0, x2]", "a4[x0, x1] a0[x1, x2]", "uses axis 1"),
        ("a0[x2, x1]\nsteps", "a0[x2, x0]\nsteps", "uses axis 0"),
        ("a0[x2, x1]\nsteps", "a0[x2, x3]\nsteps", "axis 3 of the nest"),
        ("a0[x2, x1]\nsteps", "a0[x2]\nsteps", "another rank"),
        ("a0[x2, x1]\nsteps", "a1[x2]\nsteps", "one float type"),
        ("a4[x0, x1] a0[x0, x2]", "a0[x0, x1] a0[x0, x2]", "is an input"),
        ("a4[x0, x1] a0[x0, x2]", "a4[x0, x1] a4[x0, x2]", "that it writes"),
        ("alloc a2[s0]", "alloc a2[s0, s0]", "another rank"),
        ("alloc a2[s0]", "alloc a2[s1]", "`bool`, not `i64`"),
        ("alloc a2[s0]", "alloc a9[s0]", "does not exist"),
        ("  if s1 {\n    run n1", "  if s0 {\n    run n1", "`i64`, not `bool`"),
        ("for s3 in s0, s0, s0", "for s3 in s0, s2, s0", "`f64`, not `i64`"),
        ("for s3 in s0, s0, s0", "for s1 in s0, s0, s0", "`bool`, not `i64`"),
        ("for s3 in s0, s0, s0", "for s0 in s3, s3, s3", "slot s0 is written inside the loop"),
        ("          continue 2", "          continue 1", "`continue 1` reaches no loop"),
        ("          continue 2", "          continue 3", "`continue 3` reaches no loop"),
        ("          continue 2", "          break 3", "`break 3` leaves no loop"),
        ("          continue 2", "          break 2\n          break 2", "follows `break 2`"),
        ("          continue 2", "          continue 2\n          break 2", "follows `continue 2`"),
        // Axes, views, folds, schedules.
        ("axis reduce 5", "axis reduce -5", "negative"),
        ("axis parallel s0", "axis parallel s1", "`bool`, not `i64`"),
        ("axis parallel s0", "axis parallel s9", "does not exist"),
        ("w0 a0[x0, s0 + -1*x1]", "w0 a0[x0]", "another rank"),
        ("w0 a0[x0, s0 + -1*x1]", "w0 a0[x0, x2]", "axis 2 of the nest does not exist"),
        ("w0 a0[x0, s0 + -1*x1]", "w0 a0[x0, s2 + x1]", "`f64`, not `i64`"),
        ("w0 a0[x0, s0 + -1*x1]", "w0 a0[x0, s1*x1]", "`bool`, not `i64`"),
        ("w0 a0[x0, s0 + -1*x1]", "w0 a9[x0]", "does not exist"),
        ("a2[x0 full]", "a2[1 + x0 full]", "cannot be full"),
        ("a2[x0 full]", "a2[2*x0 full]", "cannot be full"),
        ("a2[x0 full]", "a2[0 full]", "cannot be full"),
        ("a2[x0 full]", "a2[x1]", "follows a `Reduce` axis"),
        ("r0 sum f64 -> w1", "r0 sum f32 -> w1", "`f64`, not `f32`"),
        ("r0 sum f64 -> w1", "r0 any f64 -> w1", "`any` does not fold `f64`"),
        ("r0 sum f64 -> w1", "r0 sum f64 -> w2", "is an input"),
        ("r0 sum f64 -> w1", "r0 sum f64 -> w9", "does not exist"),
        ("r0 sum f64 -> w1", "r0 sum f64 -> s0", "`i64`, not `f64`"),
        ("r0 sum f64 -> w1", "r0 sum f64 -> s9", "does not exist"),
        ("r0 sum f64 -> w1", "r0 sum f64 -> s2", "is not `Serial`"),
        ("r1 min f64 -> s2", "r1 min f64 -> s4", "two folds go to slot s4"),
        ("  axis reduce s0\n", "  axis parallel s0\n", "without a `Reduce` axis"),
        ("schedule fold_rows lanes 8", "schedule fold_columns lanes 8", "does not fit"),
        ("schedule fold_rows lanes 8", "schedule map lanes 8", "does not fit"),
        ("schedule fold_rows lanes 8", "schedule fold_points lanes 8", "does not fit"),
        ("schedule fold_rows lanes 8", "schedule serial lanes 8", "does not fit"),
        ("schedule fold_rows lanes 8", "schedule fold_rows lanes 257", "257 lanes"),
        ("schedule map lanes 4", "schedule fold_points lanes 1", "does not fit"),
        // Values.
        ("v12: f64 = fma v9, v11, v0", "v12: f64 = fma v9, v11, v12", "v12 is used before"),
        ("v12: f64 = fma v9, v11, v0", "v12: f64 = fma v9, v11, v99", "v99 does not exist"),
        ("v12: f64 = fma v9, v11, v0", "v12: f64 = fma v9, v11, v5", "v5 is used outside its region"),
        ("v12: f64 = fma v9, v11, v0", "v12: f64 = fma v9, v1, v0", "operand 1 of `fma`"),
        ("v12: f64 = fma v9, v11, v0", "v12: f32 = fma v9, v11, v0", "`f64`, not `f32`"),
        ("v12: f64 = fma v9, v11, v0", "v12: f64 = fma v1, v1, v1", "`fma` does not take `i64`"),
        ("select v3, v7, v0", "select v7, v7, v0", "operand 0 of `select`"),
        ("v3: bool = lt v1, v2", "v3: i64 = lt v1, v2", "`bool`, not `i64`"),
        ("v7: f64 = convert v6", "v7: i64 = convert v6", "`i64` does not convert to `i64`"),
        ("v7: f64 = convert v6", "v7: bool = convert v6", "`i64` does not convert to `bool`"),
        ("v10: i64 = bitcast v9", "v10: i32 = bitcast v9", "no bit cast"),
        ("v10: i64 = bitcast v9", "v10: f64 = bitcast v9", "no bit cast"),
        ("v1: i64 = axis 1", "v1: i64 = axis 2", "axis 2 does not exist"),
        ("v1: i64 = axis 1", "v1: f64 = axis 1", "`i64`, not `f64`"),
        ("v0: f64 = load w0", "v0: f32 = load w0", "`f64`, not `f32`"),
        ("v0: f64 = load w0", "v0: f64 = load w9", "does not exist"),
        ("extent a0, 1", "extent a0, 2", "axis 2 of a0 does not exist"),
        ("extent a0, 1", "extent a9, 1", "does not exist"),
        ("load_at a0[v1, v2]", "load_at a0[v1]", "another rank"),
        ("load_at a0[v1, v2]", "load_at a0[v1, v0]", "`f64`, not `i64`"),
        ("load_at a0[v1, v2]", "load_at a9[v1]", "does not exist"),
        ("v6: i64 = local l0", "v6: i64 = local l9", "does not exist"),
        ("v6: i64 = local l0", "v6: i64 = local l1", "`f64`, not `i64`"),
        ("v1: bool = slot s1", "v1: bool = slot s0", "`i64`, not `bool`"),
        ("v1: bool = slot s1", "v1: bool = slot s9", "does not exist"),
        // Statements.
        ("set l1, v5", "set l0, v5", "`f64`, not `i64`"),
        ("set l1, v8", "set l0, v6", "set inside the loop that counts it"),
        ("set l1, v5", "set l9, v5", "does not exist"),
        ("store w0, v0", "store w0, v1", "`bool`, not `f32`"),
        ("store w0, v0", "store w9, v0", "does not exist"),
        ("store w0, v0", "set_slot s1, v1", "set in a nest with axes"),
        ("store_at a1[v10], v13", "store_at a1[v10], v12", "`f64`, not `f32`"),
        ("store_at a1[v10], v13", "store_at a0[v1, v2], v0", "is an input"),
        ("store_at a1[v10], v13", "store_at a1[v1, v2], v13", "another rank"),
        ("store_at a1[v10], v13", "store w0, v0", "is an input"),
        ("set_slot s2, v0", "set_slot s0, v0", "`f64`, not `i64`"),
        ("set_slot s2, v0", "set_slot s9, v0", "does not exist"),
        ("    fold r0, v12\n", "", "fold r0 is given no value"),
        ("    fold r0, v12\n", "    fold r0, v12\n    fold r0, v12\n", "two values"),
        ("    fold r0, v12\n", "    if v3 {\n      fold r0, v12\n    }\n", "in an inner region"),
        ("    fold r0, v12\n", "    fold r0, v1\n", "`i64`, not `f64`"),
        ("    fold r0, v12\n", "    fold r9, v12\n", "does not exist"),
        ("check v3, f0, v1, v4", "check v1, f0, v1, v4", "`i64`, not `bool`"),
        ("check v3, f0, v1, v4", "check v3, f9, v1, v4", "does not exist"),
        ("check v3, f0, v1, v4", "check v3, f0, v1, v0", "shows v0, which is `f64`"),
        ("    if v3 {", "    if v1 {", "`i64`, not `bool`"),
        ("for l0 in v1, v2, v4", "for l0 in v1, v0, v4", "`f64`, not `i64`"),
        ("for l0 in v1, v2, v4", "for l1 in v1, v2, v4", "`f64`, not `i64`"),
        (
            "          break 1\n        }\n      }\n    }\n    v9",
            "          break 3\n        }\n      }\n    }\n    v9",
            "leaves no loop",
        ),
        (
            "          break 1\n        }\n      }\n    }\n    v9",
            "          continue 0\n        }\n      }\n    }\n    v9",
            "reaches no loop",
        ),
        (
            "          break 1\n        }\n      }\n    }\n    v9",
            "          break 1\n          set l1, v0\n        }\n      }\n    }\n    v9",
            "follows `break 1`",
        ),
    ] {
        let error = broken(from, to).to_string();
        if !error.contains(message) {
            wrong.push(format!("{from} -> {to}: {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the text form cannot say.
#[test]
fn rules_that_no_text_breaks() {
    use crate::{Inst, Op, Scalar, Stmt};
    let breaks = |change: fn(&mut Program), message: &str| {
        let mut program = program();
        change(&mut program);
        let error = verify(&program).expect_err(message);
        assert!(error.to_string().contains(message), "{error}");
    };
    breaks(|program| program.nests[1].lane.types.truncate(1), "not equally many");
    breaks(|program| program.nests[1].lane.body.push(Stmt::Let(Value(0))), "computed twice");
    breaks(|program| program.nests[1].lane.body.push(Stmt::Let(Value(7))), "v7 does not exist");
    breaks(
        |program| program.nests[0].lane.values[5] = Inst::Op(Op::Neg, [Value(0), Value(1), Value(0)]),
        "beyond its arity",
    );
    breaks(
        |program| program.nests[1].lane.values[0] = Inst::Const(Scalar { ty: Type::F32, bits: 1 << 40, imag: 0 }),
        "beyond its type",
    );
    breaks(|program| program.nests[1].lane.values[1] = Inst::Const(Scalar::new(Type::Bool, 2)), "neither 0 nor 1");
    breaks(
        |program| {
            for _ in 0..MAX_DEPTH {
                let body = std::mem::take(&mut program.nests[1].lane.body);
                program.nests[1].lane.body = vec![Stmt::Block(body)];
            }
        },
        "levels of nesting",
    );
    breaks(
        |program| {
            for _ in 0..MAX_DEPTH {
                let steps = std::mem::take(&mut program.steps);
                program.steps = vec![crate::Step::Block(steps)];
            }
        },
        "levels of nesting",
    );
}

#[test]
fn errors_say_where() {
    let error = broken("select v3, v7, v0", "select v7, v7, v0");
    assert_eq!((error.nest, error.value), (Some(NestId(0)), Some(Value(8))));
    assert_eq!(error.to_string(), "operand 0 of `select` is `f64`, not `bool`, in nest n0, at value v8");
    assert_eq!(broken("param a1\n", "").nest, None);
}
