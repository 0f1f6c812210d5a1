//! `short` on small programs: which reductions along rows get a form for rows of few elements.

use hotloop_ir::{AxisKind, NoteKind, Program, Step, read, text, verify};

/// A sum along the rows of `a`, which have so many elements, of a power of each.
fn summed(extent: &str, power: usize) -> Program {
    summed_along("x1", extent, power)
}

/// The same where the rows are walked in another way.
fn summed_along(way: &str, extent: &str, power: usize) -> Program {
    let times = |value| format!("    v{value}: f64 = mul v{}, v0\n", value - 1);
    let (lane, last): (String, _) = ((1..power).map(times).collect(), power - 1);
    let source = format!(
        "hotloop ir 1\nprogram \"p\"\narray a0 \"a\" f64[2] input dense\narray a1 \"r\" f64[1] output dense\n\
         slot s0 \"n\" i64\nslot s1 \"m\" i64\nparam a0\nparam s0\nparam s1\nresult a1\nnest n0 {{\n  axis parallel s0\n  \
         axis reduce {extent}\n  view w0 a0[x0, {way}]\n  view w1 a1[x0]\n  fold r0 sum f64 -> w1\n  lane {{\n    \
         v0: f64 = load w0\n{lane}    fold r0, v{last}\n  }}\n}}\nsteps {{\n  alloc a1[s0]\n  run n0\n}}\n"
    );
    let mut program = read(&source).unwrap_or_else(|error| panic!("{error}\n{source}"));
    verify(&program).unwrap_or_else(|error| panic!("{error}\n{source}"));
    let pass = hotloop_passes::PASSES.iter().find(|row| row.name == "short").expect("a pass of that name");
    (pass.run)(&mut program);
    verify(&program).unwrap_or_else(|error| panic!("{error}\n{}", text::print(&program)));
    program
}

/// Of each nest of a program that has axes, how many it reduces over.
fn reduced(program: &Program) -> Vec<usize> {
    let count = |kind| move |axis: &&hotloop_ir::Axis| axis.kind == kind;
    let nests = program.nests.iter().filter(|nest| !nest.axes.is_empty());
    nests.map(|nest| nest.axes.iter().filter(count(AxisKind::Reduce)).count()).collect()
}

#[test]
fn rows_of_unknown_length_have_two_forms() {
    let program = summed("s1", 2);
    assert_eq!(reduced(&program), [1, 0], "{}", text::print(&program));
    assert!(matches!(program.steps[..], [Step::Alloc(..), Step::Nest(_), Step::If { .. }]));
    assert!(program.notes.iter().any(|note| note.kind == NoteKind::ShortRows));
}

#[test]
fn rows_of_known_length_have_one() {
    for (extent, forms) in [("1", vec![0]), ("3", vec![0]), ("8", vec![0]), ("9", vec![1]), ("0", vec![1])] {
        let program = summed(extent, 2);
        assert_eq!(reduced(&program), forms, "{extent} elements\n{}", text::print(&program));
    }
}

#[test]
fn elements_that_take_much_work_are_not_written_out() {
    for (extent, power, forms) in [("s1", 40, vec![1]), ("s1", 12, vec![1, 0]), ("4", 12, vec![0]), ("5", 12, vec![1])]
    {
        let program = summed(extent, power);
        assert_eq!(reduced(&program), forms, "{extent} elements to the {power}\n{}", text::print(&program));
    }
}

#[test]
fn steps_along_a_row_may_be_known_only_at_run_time() {
    let program = summed_along("s1*x1", "3", 2);
    assert_eq!(reduced(&program), [0], "{}", text::print(&program));
    // Where the elements begin is computed before.
    let before = program.nests.iter().filter(|nest| nest.axes.is_empty()).count();
    assert!(before == 1 && matches!(program.steps[..], [Step::Alloc(..), Step::Nest(_), Step::Nest(_)]));
}
