//! `wrap` and `invariant` on small programs: where indices are checked, and how often.

use hotloop_ir::{Inst, Op, Program, Stmt, read, text, verify};

/// A loop over `a`, whose counter is v4, from 0 to slot 0; `body` uses v0 to v3 for 0, 1, slot 0 and the extent of `b`.
fn looped(pass: &str, body: &str) -> Program {
    let source = format!(
        "hotloop ir 1\nprogram \"p\"\narray a0 \"a\" i64[1] mut dense\narray a1 \"b\" i64[1] mut dense\n\
         slot s0 \"n\" i64\nsite f0 index \"b\" axis 0\nparam s0\nparam a0\nparam a1\nnest n0 {{\n  local l0 i64\n  lane {{\n    \
         v0: i64 = const 0i64\n    v1: i64 = const 1i64\n    v2: i64 = slot s0\n    v3: i64 = extent a1, 0\n    \
         for l0 in v0, v2, v1 {{\n      v4: i64 = local l0\n{body}    }}\n  }}\n}}\nsteps {{\n  run n0\n}}\n"
    );
    let mut program = read(&source).unwrap_or_else(|error| panic!("{error}\n{source}"));
    verify(&program).unwrap_or_else(|error| panic!("{error}\n{source}"));
    let pass = hotloop_passes::PASSES.iter().find(|row| row.name == pass).expect("a pass of that name");
    (pass.run)(&mut program);
    verify(&program).unwrap_or_else(|error| panic!("{error}\n{}", text::print(&program)));
    program
}

/// How deep in branches and loops the checks of the program stand, in order.
fn depths(region: &[Stmt], depth: usize, found: &mut Vec<usize>) {
    for stmt in region {
        if matches!(stmt, Stmt::Check { .. }) {
            found.push(depth);
        }
        stmt.regions().into_iter().for_each(|inner| depths(inner, depth + 1, found));
    }
}

fn checks(program: &Program) -> Vec<usize> {
    let mut found = Vec::new();
    depths(&program.nests[0].lane.body, 0, &mut found);
    found
}

/// `b[a[i]]` with an index that counts from the end where it is negative.
const FROM_THE_END: &str = "v5: i64 = load_at a0[v4]\nv6: bool = lt v5, v0\nv7: i64 = add v5, v3\n\
                            v8: i64 = select v6, v7, v5\nv9: u64 = bitcast v8\nv10: u64 = bitcast v3\nv11: bool = lt v9, v10\n";

#[test]
fn whether_an_index_is_negative_is_asked_where_it_is_beyond() {
    let body = format!("{FROM_THE_END}check v11, f0, v5, v3\nv12: i64 = load_at a1[v8]\nstore_at a0[v4], v12\n");
    let program = looped("wrap", &body);
    assert_eq!(checks(&program), [2], "{}", text::print(&program));
    let selects = |inst: &&Inst| matches!(inst, Inst::Op(Op::Select, _));
    assert_eq!(program.nests[0].lane.values.iter().filter(selects).count(), 0, "{}", text::print(&program));
}

#[test]
fn an_index_that_is_needed_before_its_check_stays() {
    let body = format!("{FROM_THE_END}store_at a0[v4], v8\ncheck v11, f0, v5, v3\n");
    assert_eq!(checks(&looped("wrap", &body)), [1]);
}

#[test]
fn a_check_that_is_the_same_in_all_turns_is_made_once() {
    let same = "v5: bool = lt v2, v3\n";
    let first = format!("{same}check v5, f0, v2, v3\nv6: i64 = load_at a1[v2]\nstore_at a0[v4], v6\n");
    let program = looped("invariant", &first);
    let body = &program.nests[0].lane.body;
    let at = body.iter().position(|stmt| matches!(stmt, Stmt::If { .. })).expect("a branch");
    assert!(
        matches!(&body[at..], [Stmt::If { then, .. }, Stmt::For { .. }] if matches!(then[..], [Stmt::Check { .. }]))
    );
    // Behind a store it would come too early.
    let second = format!("{same}store_at a0[v4], v4\ncheck v5, f0, v2, v3\n");
    let program = looped("invariant", &second);
    assert!(
        !program.nests[0].lane.body.iter().any(|stmt| matches!(stmt, Stmt::If { .. })),
        "{}",
        text::print(&program)
    );
    // So it would behind a check that differs from turn to turn.
    let third = format!("{same}v6: bool = lt v4, v3\ncheck v6, f0, v4, v3\ncheck v5, f0, v2, v3\n");
    let program = looped("invariant", &third);
    assert_eq!(checks(&program), [1, 1], "{}", text::print(&program));
}
