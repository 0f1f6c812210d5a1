//! `carry` on small programs: which elements go from turn to turn in variables.

use hotloop_ir::{Inst, Program, Stmt, read, text, verify};

/// A loop over `a`, whose counter is v4; v0 is 0, v1 is 1, v2 is 2, v3 is slot 0.
fn counted(body: &str) -> Program {
    let source = format!(
        "hotloop ir 1\nprogram \"p\"\narray a0 \"a\" f64[1] mut dense\narray a1 \"b\" f64[2] mut dense\n\
         slot s0 \"n\" i64\nsite f0 index \"a\" axis 0\nparam s0\nparam a0\nparam a1\nnest n0 {{\n  local l0 i64\n  lane {{\n    \
         v0: i64 = const 0i64\n    v1: i64 = const 1i64\n    v2: i64 = const 2i64\n    v3: i64 = slot s0\n    \
         for l0 in v2, v3, v1 {{\n      v4: i64 = local l0\n{body}    }}\n  }}\n}}\nsteps {{\n  run n0\n}}\n"
    );
    let mut program = read(&source).unwrap_or_else(|error| panic!("{error}\n{source}"));
    verify(&program).unwrap_or_else(|error| panic!("{error}\n{source}"));
    let pass = hotloop_passes::PASSES.iter().find(|row| row.name == "carry").expect("a pass of that name");
    (pass.run)(&mut program);
    verify(&program).unwrap_or_else(|error| panic!("{error}\n{}", text::print(&program)));
    program
}

/// How many elements the loop reads in each turn.
fn reads(program: &Program) -> usize {
    fn within(region: &[Stmt], looped: bool, program: &Program) -> usize {
        let one = |stmt: &Stmt| {
            let read = |value| matches!(program.nests[0].lane.inst(value), Inst::LoadAt(..));
            let own = matches!(stmt, Stmt::Let(value) if looped && read(*value));
            let looped = looped || matches!(stmt, Stmt::For { .. });
            usize::from(own) + stmt.regions().into_iter().map(|inner| within(inner, looped, program)).sum::<usize>()
        };
        region.iter().map(one).sum()
    }
    within(&program.nests[0].lane.body, false, program)
}

#[test]
fn what_the_turn_before_had_is_not_read() {
    for (body, expected) in [
        // a[i] = a[i - 1] + a[i - 1]
        ("v5: i64 = sub v4, v1\nv6: f64 = load_at a0[v5]\nv7: f64 = add v6, v6\nstore_at a0[v4], v7\n", 0),
        // a[i] = a[i - 1] + a[i], where the turn before has not read a[i]
        (
            "v5: i64 = sub v4, v1\nv6: f64 = load_at a0[v5]\nv7: f64 = load_at a0[v4]\nv8: f64 = add v6, v7\n\
             store_at a0[v4], v8\n",
            1,
        ),
        // a[i - 2] = a[i - 1] + a[i], where a[i - 1] was read
        (
            "v5: i64 = sub v4, v1\nv6: f64 = load_at a0[v5]\nv7: f64 = load_at a0[v4]\nv8: f64 = add v6, v7\n\
             v9: i64 = sub v4, v2\nstore_at a0[v9], v8\n",
            1,
        ),
        // b[n, i] = b[n, i - 1] + 0 beside another row
        (
            "v5: i64 = sub v4, v1\nv6: f64 = load_at a1[v3, v5]\nv7: i64 = sub v3, v1\nv8: f64 = load_at a1[v7, v4]\n\
             v9: f64 = add v6, v8\nstore_at a1[v3, v4], v9\n",
            1,
        ),
    ] {
        let program = counted(body);
        assert_eq!(reads(&program), expected, "{}", text::print(&program));
    }
}

#[test]
fn what_may_have_changed_is_read_again() {
    for body in [
        // Somebody else's element.
        "v5: f64 = load_at a0[v3]\nv6: f64 = add v5, v5\nstore_at a0[v4], v6\n",
        // Two turns before.
        "v5: i64 = sub v4, v2\nv6: f64 = load_at a0[v5]\nstore_at a0[v4], v6\n",
        // The element that was read is stored before it is read again.
        "v5: i64 = add v4, v1\nv6: f64 = load_at a0[v5]\nv7: f64 = add v6, v6\nstore_at a0[v4], v7\n\
         v8: f64 = load_at a0[v4]\nstore_at a1[v0, v4], v8\n",
        // A check may end the loop.
        "v5: bool = lt v4, v3\ncheck v5, f0, v4, v3\nv6: i64 = sub v4, v1\nv7: f64 = load_at a0[v6]\n\
         store_at a0[v4], v7\n",
    ] {
        let program = counted(body);
        let before = body.matches("load_at").count();
        assert_eq!(reads(&program), before, "{}", text::print(&program));
    }
}
