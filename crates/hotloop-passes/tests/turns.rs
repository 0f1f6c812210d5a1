//! `turns` on small programs: when a count is shared, and when it must not be.

use hotloop_ir::{Program, read, text, verify};

/// A loop that counts `l0` up to a limit or until an element is met, after the pass, with the lanes asked for.
fn after(lanes: u32, first: &str, body: &str) -> Program {
    let source = format!(
        "hotloop ir 1\nprogram \"p\"\narray a0 \"a\" i64[1] input dense\narray a1 \"b\" i64[1] mut dense\nslot s0 \"n\" i64\n\
         param a0\nparam a1\nparam s0\nnest n0 {{\n  axis parallel s0\n  view w0 a0[x0]\n  view w1 a1[x0]\n  \
         schedule map lanes {lanes} threads\n  local l0 i64\n  lane {{\n    v0: i64 = load w0\n    {first}\n    \
         set l0, v1\n    loop {{\n      v2: i64 = local l0\n      v3: bool = le v0, v2\n      if v3 {{\n        \
         break 0\n      }}\n{body}    }}\n    v6: i64 = local l0\n    store w1, v6\n  }}\n}}\nsteps {{\n  run n0\n}}\n"
    );
    let mut program = read(&source).unwrap_or_else(|error| panic!("{error}\n{source}"));
    verify(&program).unwrap_or_else(|error| panic!("{error}\n{source}"));
    let pass = hotloop_passes::PASSES.iter().find(|row| row.name == "turns").expect("the pass");
    (pass.run)(&mut program);
    verify(&program).unwrap_or_else(|error| panic!("{error}\n{}", text::print(&program)));
    program
}

const COUNT: &str = "      v4: i64 = const 1i64\n      v5: i64 = add v2, v4\n      set l0, v5\n";
const ZERO: &str = "v1: i64 = const 0i64";

fn locals(program: &Program) -> usize {
    program.nests[0].lane.locals.len()
}

#[test]
fn a_count_read_after_the_loop_is_shared_inside_it() {
    let program = after(4, ZERO, COUNT);
    assert_eq!(locals(&program), 2, "{}", text::print(&program));
    let printed = text::print(&program);
    assert!(printed.contains("v2: i64 = local l1"), "the test reads the shared count:\n{printed}");
    assert!(printed.contains("v6: i64 = local l0"), "the result is still that of each point:\n{printed}");
}

#[test]
fn one_point_at_a_time_needs_no_second_count() {
    assert_eq!(locals(&after(1, ZERO, COUNT)), 1);
}

#[test]
fn counts_that_start_apart_stay_apart() {
    assert_eq!(locals(&after(4, "v1: i64 = add v0, v0", COUNT)), 1);
}

#[test]
fn a_turn_that_may_skip_the_count_shares_nothing() {
    let skips = format!("      if v3 {{\n        continue 0\n      }}\n{COUNT}");
    assert_eq!(locals(&after(4, ZERO, &skips)), 1);
}

#[test]
fn a_count_that_only_some_lanes_take_is_not_shared() {
    let some =
        "      if v3 {\n        v4: i64 = const 1i64\n        v5: i64 = add v2, v4\n        set l0, v5\n      }\n";
    assert_eq!(locals(&after(4, ZERO, some)), 1);
}

#[test]
fn a_step_that_differs_between_lanes_is_not_shared() {
    let varying = "      v5: i64 = add v2, v0\n      set l0, v5\n";
    let body = varying.replace("v5:", "v4:").replace(", v5", ", v4");
    let program = after(4, ZERO, &format!("{body}      v5: i64 = const 1i64\n"));
    assert_eq!(locals(&program), 1);
}
