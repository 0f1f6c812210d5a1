//! `reuse` and `spread` on small programs: what they take out, and what they must leave.

use hotloop_ir::{Inst, Op, Program, read, text, verify};

/// The program after one pass, which must leave it correct.
fn after(pass: &str, source: &str) -> Program {
    let mut program = read(source).unwrap_or_else(|error| panic!("{error}\n{source}"));
    verify(&program).unwrap_or_else(|error| panic!("{error}\n{source}"));
    let pass = hotloop_passes::PASSES.iter().find(|row| row.name == pass).expect("a pass of that name");
    (pass.run)(&mut program);
    verify(&program).unwrap_or_else(|error| panic!("{error}\n{}", text::print(&program)));
    program
}

/// How often a nest computes an op.
fn count(program: &Program, nest: usize, op: Op) -> usize {
    let is_it = |inst: &&Inst| matches!(inst, Inst::Op(found, _) if *found == op);
    program.nests[nest].lane.values.iter().filter(is_it).count()
}

/// A program of one nest over the elements of `a`, which writes `b`.
fn nest(locals: &str, lane: &str) -> String {
    format!(
        "hotloop ir 1\nprogram \"p\"\narray a0 \"a\" f64[1] input dense\narray a1 \"b\" f64[1] mut dense\nslot s0 \"n\" i64\n\
         param a0\nparam a1\nparam s0\nnest n0 {{\n  axis parallel s0\n  view w0 a0[x0]\n  view w1 a1[x0]\n  view w2 a0[x0]\n  \
         schedule map lanes 1\n{locals}  lane {{\n{lane}  }}\n}}\nsteps {{\n  run n0\n}}\n"
    )
}

#[test]
fn equal_values_are_computed_once() {
    let lane = "v0: f64 = load w0\nv1: f64 = load w2\nv2: f64 = mul v0, v1\nv3: f64 = mul v1, v0\n\
                v4: f64 = add v2, v3\nstore w1, v4\n";
    let program = after("reuse", &nest("", lane));
    assert_eq!(count(&program, 0, Op::Mul), 1);
    assert_eq!(program.nests[0].views.len(), 2, "equal views become one");
}

#[test]
fn operands_that_do_not_commute_keep_their_order() {
    let lane = "v0: f64 = load w0\nv1: f64 = const 2.0f64\nv2: f64 = sub v0, v1\nv3: f64 = sub v1, v0\n\
                v4: f64 = add v2, v3\nstore w1, v4\n";
    assert_eq!(count(&after("reuse", &nest("", lane)), 0, Op::Sub), 2);
}

#[test]
fn a_variable_that_was_just_set_is_not_read() {
    let lane = "v0: f64 = load w0\nset l0, v0\nv1: f64 = local l0\nv2: f64 = mul v0, v1\nv3: f64 = mul v0, v0\n\
                v4: f64 = add v2, v3\nstore w1, v4\n";
    assert_eq!(count(&after("reuse", &nest("  local l0 f64\n", lane)), 0, Op::Mul), 1);
}

#[test]
fn a_variable_a_branch_sets_is_read_again() {
    let lane = "v0: f64 = load w0\nset l0, v0\nv1: bool = lt v0, v0\nif v1 {\nv2: f64 = const 1.0f64\nset l0, v2\n\
                } else {\n}\nv3: f64 = local l0\nv4: f64 = mul v3, v3\nv5: f64 = mul v0, v0\nv6: f64 = add v4, v5\n\
                store w1, v6\n";
    assert_eq!(count(&after("reuse", &nest("  local l0 f64\n", lane)), 0, Op::Mul), 2);
}

#[test]
fn a_variable_a_loop_sets_is_read_in_every_turn() {
    let lane = "v0: f64 = load w0\nset l0, v0\nv1: f64 = mul v0, v0\nloop {\nv2: f64 = local l0\nv3: f64 = mul v2, v2\n\
                set l0, v3\nv4: bool = lt v3, v1\nif v4 {\nbreak 0\n} else {\n}\n}\nv5: f64 = local l0\nstore w1, v5\n";
    let program = after("reuse", &nest("  local l0 f64\n", lane));
    assert_eq!(count(&program, 0, Op::Mul), 2);
    assert!(program.nests[0].lane.values.iter().filter(|inst| matches!(inst, Inst::Local(_))).count() == 2);
}

#[test]
fn values_of_a_branch_stay_in_it() {
    let lane = "v0: f64 = load w0\nv1: bool = lt v0, v0\nif v1 {\nv2: f64 = mul v0, v0\nset l0, v2\n} else {\n\
                v3: f64 = mul v0, v0\nset l0, v3\n}\nv4: f64 = mul v0, v0\nv5: f64 = local l0\nv6: f64 = add v4, v5\n\
                store w1, v6\n";
    assert_eq!(count(&after("reuse", &nest("  local l0 f64\n", lane)), 0, Op::Mul), 3);
}

#[test]
fn elements_of_a_written_array_are_loaded_again() {
    let lane =
        "v0: f64 = load w1\nv1: f64 = load w0\nstore w1, v1\nv2: f64 = load w1\nv3: f64 = add v0, v2\nstore w1, v3\n";
    let program = after("reuse", &nest("", lane));
    assert_eq!(program.nests[0].lane.values.iter().filter(|inst| matches!(inst, Inst::Load(_))).count(), 3);
}

/// A scalar that is set by `first` and read by a nest.
fn scalar(first: &str, last: &str) -> String {
    format!(
        "hotloop ir 1\nprogram \"p\"\narray a0 \"a\" f64[1] mut dense\nslot s0 \"n\" i64\nslot s1 \"c\" f64\nparam a0\nparam s0\n\
         nest n0 {{\n  schedule serial lanes 1\n  lane {{\n{first}  }}\n}}\n\
         nest n1 {{\n  axis parallel s0\n  view w0 a0[x0]\n  schedule map lanes 1\n  lane {{\n\
         v0: f64 = slot s1\nstore w0, v0\n  }}\n}}\n\
         nest n2 {{\n  schedule serial lanes 1\n  lane {{\n{last}  }}\n}}\nsteps {{\n  run n0\n  run n1\n  run n2\n}}\n"
    )
}

fn reads_constant(program: &Program) -> bool {
    matches!(program.nests[1].lane.values[0], Inst::Const(_))
}

#[test]
fn a_constant_scalar_is_spread() {
    let set = "v0: f64 = const 0.5f64\nset_slot s1, v0\n";
    let other = "v0: i64 = slot s0\nset_slot s0, v0\n";
    assert!(reads_constant(&after("spread", &scalar(set, other))));
}

#[test]
fn a_scalar_that_changes_is_not_spread() {
    let set = "v0: f64 = const 0.5f64\nset_slot s1, v0\n";
    assert!(!reads_constant(&after("spread", &scalar(set, set))));
    let other = "v0: i64 = slot s0\nset_slot s0, v0\n";
    assert!(!reads_constant(&after("spread", &scalar(other, set))), "set after it is read");
    let computed = "v0: i64 = slot s0\nv1: f64 = convert v0\nset_slot s1, v1\n";
    assert!(!reads_constant(&after("spread", &scalar(computed, other))));
    let guarded = "v0: f64 = const 0.5f64\nv1: bool = lt v0, v0\nif v1 {\nset_slot s1, v0\n} else {\n}\n";
    assert!(!reads_constant(&after("spread", &scalar(guarded, other))));
}
