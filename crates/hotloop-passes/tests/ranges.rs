//! `thread` and `ranges` on small programs: which checks the conditions around them imply, and which have to stay.

use hotloop_ir::{Program, Stmt, read, text, verify};

fn after(passes: &[&str], source: &str) -> Program {
    let mut program = read(source).unwrap_or_else(|error| panic!("{error}\n{source}"));
    verify(&program).unwrap_or_else(|error| panic!("{error}\n{source}"));
    for name in passes {
        let pass = hotloop_passes::PASSES.iter().find(|row| row.name == *name).expect("a pass of that name");
        (pass.run)(&mut program);
        verify(&program).unwrap_or_else(|error| panic!("{error}\n{}", text::print(&program)));
    }
    program
}

fn checks(region: &[Stmt]) -> usize {
    let own = region.iter().filter(|stmt| matches!(stmt, Stmt::Check { .. })).count();
    own + region.iter().flat_map(Stmt::regions).map(checks).sum::<usize>()
}

/// A walk through `a` from slot 0: each turn asks `cond` of the index v4, reads `a[v20]`, which `index` computes, and
/// goes on at v21, which `next` computes.
fn walk(first: &str, cond: &str, index: &str, next: &str) -> String {
    format!(
        "hotloop ir 1\nprogram \"p\"\narray a0 \"a\" i64[1] mut dense\nslot s0 \"n\" i64\nslot s1 \"sum\" i64\n\
         site f0 index \"a\" axis 0\nparam a0\nparam s0\nresult s1\nnest n0 {{\n  local l0 i64\n  local l1 i64\n  \
         lane {{\n    v0: i64 = const 0i64\n    v1: i64 = const 1i64\n    v2: i64 = extent a0, 0\n    \
         v3: i64 = {first}\n    set l0, v3\n    loop {{\n      v4: i64 = local l0\n      v5: bool = {cond}\n      \
         if v5 {{\n      }} else {{\n        break 0\n      }}\n      v6: i64 = {index}\n      v7: u64 = bitcast v6\n      \
         v8: u64 = bitcast v2\n      v9: bool = lt v7, v8\n      check v9, f0, v6, v2\n      v10: i64 = load_at a0[v6]\n      \
         set l1, v10\n      v11: i64 = {next}\n      set l0, v11\n    }}\n    v12: i64 = local l1\n    \
         set_slot s1, v12\n  }}\n}}\nsteps {{\n  run n0\n}}\n"
    )
}

#[test]
fn conditions_imply_checks() {
    for (first, cond, index, next) in [
        ("const 0i64", "lt v4, v2", "add v4, v0", "add v4, v1"),
        ("sub v2, v1", "le v0, v4", "add v4, v0", "sub v4, v1"),
        ("extent a0, 0", "lt v0, v4", "sub v4, v1", "sub v4, v1"),
        ("const 5i64", "lt v4, v2", "sub v2, v4", "add v4, v1"),
        ("const 1i64", "lt v4, v2", "sub v4, v1", "add v4, v4"),
    ] {
        let program = after(&["ranges"], &walk(first, cond, index, next));
        assert_eq!(checks(&program.nests[0].lane.body), 0, "{first}; {cond}; {index}; {next}");
    }
}

#[test]
fn what_may_be_outside_is_checked() {
    for (first, cond, index, next) in [
        // It starts anywhere, or below.
        ("slot s0", "lt v4, v2", "add v4, v0", "add v4, v1"),
        ("const -1i64", "lt v4, v2", "add v4, v0", "add v4, v1"),
        // It may reach the end, or go below.
        ("const 0i64", "le v4, v2", "add v4, v0", "add v4, v1"),
        ("const 0i64", "lt v4, v2", "add v4, v1", "add v4, v1"),
        ("const 0i64", "lt v4, v2", "sub v4, v1", "add v4, v1"),
        ("const 9i64", "lt v4, v2", "add v4, v0", "sub v4, v1"),
        // Nothing bounds it, so it may wrap.
        ("const 0i64", "le v0, v4", "add v4, v0", "add v4, v1"),
    ] {
        let program = after(&["ranges"], &walk(first, cond, index, next));
        assert_eq!(checks(&program.nests[0].lane.body), 1, "{first}; {cond}; {index}; {next}");
    }
}

/// Looks an element of `type` up in a table whose extent is a number.
fn table(ty: &str, extent: u32) -> String {
    format!(
        "hotloop ir 1\nprogram \"p\"\narray a0 \"a\" {ty}[1] input dense\narray a1 \"t\" i64[1] input dense\n\
         array a2 \"\" i64[1] output dense\nslot s0 \"n\" i64\nsite f0 index \"t\" axis 0\nparam a0\nparam a1\n\
         result a2\nnest n0 {{\n  lane {{\n    v0: i64 = extent a0, 0\n    set_slot s0, v0\n  }}\n}}\n\
         nest n1 {{\n  axis parallel s0\n  view w0 a0[x0 full]\n  view w1 a2[x0 full]\n  lane {{\n    \
         v0: {ty} = load w0\n    v1: i64 = convert v0\n    v2: i64 = const {extent}i64\n    v3: u64 = bitcast v1\n    \
         v4: u64 = const {extent}u64\n    v5: bool = lt v3, v4\n    check v5, f0, v1, v2\n    \
         v6: i64 = load_at a1[v1]\n    store w1, v6\n  }}\n}}\nsteps {{\n  run n0\n  alloc a2[s0]\n  run n1\n}}\n"
    )
}

#[test]
fn small_types_fit_tables() {
    for (ty, extent, left) in [("u8", 256, 0), ("u8", 255, 1), ("i8", 256, 1), ("u16", 65536, 0), ("u16", 256, 1)] {
        let program = after(&["ranges"], &table(ty, extent));
        assert_eq!(checks(&program.nests[1].lane.body), left, "{ty} in {extent}");
    }
}

/// A loop that a condition in two parts ends, as `while` with `and` gives it.
fn two_parts(read_again: &str) -> String {
    format!(
        "hotloop ir 1\nprogram \"p\"\nslot s0 \"n\" i64\nslot s1 \"b\" bool\nparam s0\nresult s1\nnest n0 {{\n  \
         local l0 bool\n  local l1 i64\n  lane {{\n    v0: i64 = slot s0\n    v1: i64 = const 1i64\n    \
         v2: bool = const false\n    loop {{\n      v3: i64 = local l1\n      v4: bool = lt v3, v0\n      if v4 {{\n        \
         v5: i64 = add v3, v3\n        v6: bool = lt v5, v0\n        set l0, v6\n      }} else {{\n        \
         set l0, v2\n      }}\n      v7: bool = local l0\n      if v7 {{\n      }} else {{\n        break 0\n      }}\n      \
         v8: i64 = add v3, v1\n      set l1, v8\n    }}\n{read_again}  }}\n}}\nsteps {{\n  run n0\n}}\n"
    )
}

fn sets(program: &Program) -> usize {
    text::print(program).matches("set l0").count()
}

#[test]
fn a_condition_in_two_parts_is_asked_once() {
    let program = after(&["thread"], &two_parts("    set_slot s1, v2\n"));
    assert_eq!(sets(&program), 0, "{}", text::print(&program));
    assert_eq!(text::print(&program).matches("break 0").count(), 2);
}

#[test]
fn a_variable_that_is_read_again_is_kept() {
    let program = after(&["thread"], &two_parts("    v9: bool = local l0\n    set_slot s1, v9\n"));
    assert_eq!(sets(&program), 2, "{}", text::print(&program));
}
