//! `guard` and `invariant` on small programs: which checks of indices are made once before a loop, and which stay.

use hotloop_ir::{Inst, Program, Stmt, read, text, verify};

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

const HEAD: &str = "hotloop ir 1\nprogram \"p\"\narray a0 \"a\" f64[1] mut dense\nslot s0 \"n\" i64\nslot s1 \"sum\" f64\n\
    site f0 index \"a\" axis 0\nparam a0\nparam s0\nresult s1\n";

/// A loop that reads `a[%index]`, where `%at` is its counter: `before` stands before it, `index` says what the index is.
/// Words behind `%` are values, numbered as they come.
fn reading(before: &str, range: &str, index: &str) -> String {
    numbered(&format!(
        "{HEAD}nest n0 {{\n  local l0 i64\n  local l1 f64\n  lane {{\n    %zero: i64 = const 0i64\n    \
         %one: i64 = const 1i64\n    %less: i64 = const -1i64\n    %n: i64 = slot s0\n    %m: i64 = extent a0, 0\n    \
         %end: u64 = bitcast %m\n{before}    for l0 in {range} {{\n      %at: i64 = local l0\n{index}      \
         %place: u64 = bitcast %index\n      %inside: bool = lt %place, %end\n      check %inside, f0, %index, %m\n      \
         %x: f64 = load_at a0[%index]\n      %old: f64 = local l1\n      %sum: f64 = add %old, %x\n      \
         set l1, %sum\n    }}\n    %result: f64 = local l1\n    set_slot s1, %result\n  }}\n}}\nsteps {{\n  run n0\n}}\n"
    ))
}

fn numbered(template: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut parts = template.split('%');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(part.len());
        let (name, rest) = part.split_at(end);
        let number = names.iter().position(|known| *known == name).unwrap_or(names.len());
        if number == names.len() {
            names.push(name);
        }
        text += &format!("v{number}{rest}");
    }
    text
}

/// How many checks there are in the first and in the second form of the loop; none if it has one form.
fn forms(program: &Program) -> Option<[usize; 2]> {
    let both = program.nests[0].lane.body.iter().find_map(|stmt| match stmt {
        Stmt::If { then, otherwise, .. } => Some([then, otherwise]),
        _ => None,
    });
    both.map(|regions| regions.map(|region| checks(region)))
}

fn checks(region: &[Stmt]) -> usize {
    let own = region.iter().filter(|stmt| matches!(stmt, Stmt::Check { .. })).count();
    own + region.iter().flat_map(Stmt::regions).map(checks).sum::<usize>()
}

#[test]
fn indices_with_bounds_are_tested_before_the_loop() {
    for (range, index) in [
        ("%zero, %n, %one", "%index: i64 = add %at, %zero\n"),
        ("%zero, %n, %one", "%index: i64 = sub %n, %at\n"),
        ("%n, %less, %less", "%index: i64 = add %at, %one\n"),
        ("%one, %m, %one", "%index: i64 = sub %at, %one\n"),
    ] {
        let program = after(&["guard"], &reading("", range, index));
        assert_eq!(forms(&program), Some([0, 1]), "{range} {index}");
    }
}

#[test]
fn others_are_not() {
    let far = "%large: i64 = const 4096i64\n%far: i64 = mul %n, %large\n%start: i64 = mul %far, %large\n";
    for (before, range, index) in [
        // The step is not known.
        ("", "%zero, %n, %n", "%index: i64 = add %at, %zero\n"),
        // The index is no sum.
        ("", "%zero, %n, %one", "%index: i64 = mul %at, %at\n"),
        // It is below 0 in the first turn, whatever the numbers.
        ("", "%zero, %n, %one", "%index: i64 = add %at, %less\n"),
        // The factor is too large for all sums to be without wrapping.
        ("", "%zero, %n, %one", "%factor: i64 = const 8192i64\n%index: i64 = mul %at, %factor\n"),
        // So is that of the start.
        (far, "%start, %n, %one", "%index: i64 = sub %at, %start\n"),
    ] {
        let program = after(&["guard"], &reading(before, range, index));
        assert_eq!(forms(&program), None, "{range} {index}");
    }
}

#[test]
fn what_does_not_change_is_computed_before_the_loop() {
    let index = "%product: i64 = mul %n, %m\n%index: i64 = add %product, %at\n";
    let source = reading("", "%zero, %n, %one", index);
    let program = after(&["invariant"], &source);
    let lane = &program.nests[0].lane;
    let is_product =
        |stmt: &Stmt| matches!(stmt, Stmt::Let(value) if matches!(lane.inst(*value), Inst::Op(hotloop_ir::Op::Mul, _)));
    assert!(lane.body.iter().any(is_product), "{}", text::print(&program));
}
