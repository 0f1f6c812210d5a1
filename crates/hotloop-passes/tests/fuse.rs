//! `fuse` on small programs: what becomes one nest, what stays apart and why.

use hotloop_ir::{AxisKind, NoteKind, Program, Step, read, text, verify};

fn after(source: &str) -> Program {
    let mut program = read(source).unwrap_or_else(|error| panic!("{error}\n{source}"));
    verify(&program).unwrap_or_else(|error| panic!("{error}\n{source}"));
    let pass = hotloop_passes::PASSES.iter().find(|row| row.name == "fuse").expect("a pass of that name");
    (pass.run)(&mut program);
    verify(&program).unwrap_or_else(|error| panic!("{error}\n{}", text::print(&program)));
    program
}

const HEAD: &str = "hotloop ir 1\nprogram \"p\"\narray a0 \"a\" f64[1] input dense\narray a1 \"t\" f64[1] temp dense\n\
    array a2 \"b\" f64[1] mut dense\nslot s0 \"n\" i64\nslot s1 \"sum\" f64\nslot s2 \"most\" f64\nslot s3 \"mean\" f64\n\
    site f0 shape \"\" axis 0\nsite f1 empty_reduction \"\" axis 0\nparam a0\nparam a2\nparam s0\nresult s1\nresult s2\n\
    result s3\n";

/// A nest along `s0`.
fn nest(id: u32, kind: &str, head: &str, lane: &str) -> String {
    format!("nest n{id} {{\n  axis {kind} s0\n{head}  lane {{\n{lane}  }}\n}}\n")
}

fn scalar(id: u32, lane: &str) -> String {
    format!("nest n{id} {{\n  lane {{\n{lane}  }}\n}}\n")
}

fn program(nests: &[String], steps: &str) -> String {
    format!("{HEAD}{}steps {{\n{steps}}}\n", nests.concat())
}

/// `t = a * a`, or of another array.
fn square(id: u32, from: u32, to: u32) -> String {
    let views = format!("  view w0 a{from}[x0]\n  view w1 a{to}[x0]\n");
    nest(id, "parallel", &views, "v0: f64 = load w0\nv1: f64 = mul v0, v0\nstore w1, v1\n")
}

fn fold(id: u32, op: &str, from: u32, to: u32) -> String {
    let head = format!("  view w0 a{from}[x0]\n  fold r0 {op} f64 -> s{to}\n");
    nest(id, "reduce", &head, "v0: f64 = load w0\nfold r0, v0\n")
}

fn domains(program: &Program) -> usize {
    program.nests.iter().filter(|nest| !nest.axes.is_empty()).count()
}

fn notes(program: &Program) -> Vec<NoteKind> {
    program.notes.iter().map(|note| note.kind).collect()
}

#[test]
fn reductions_of_one_array_are_one_nest() {
    let program = after(&program(&[fold(0, "sum", 0, 1), fold(1, "max", 0, 2)], "run n0\nrun n1\n"));
    assert_eq!((domains(&program), program.nests[0].folds.len()), (1, 2));
    assert_eq!(notes(&program), [NoteKind::Fused]);
}

#[test]
fn a_temporary_that_is_used_once_never_exists() {
    let source = program(&[square(0, 0, 1), fold(1, "sum", 1, 1)], "alloc a1[s0]\nrun n0\nrun n1\n");
    let program = after(&source);
    assert_eq!(domains(&program), 1);
    assert_eq!(program.nests[0].axes[0].kind, AxisKind::Reduce);
    assert!(!program.steps.iter().any(|step| matches!(step, Step::Alloc(..))), "{}", text::print(&program));
    assert!(program.nests[0].views.iter().all(|view| view.array.0 == 0));
    assert_eq!(notes(&program), [NoteKind::Fused, NoteKind::Forwarded]);
}

#[test]
fn a_temporary_that_is_used_elsewhere_stays() {
    let nests = [square(0, 0, 1), fold(1, "sum", 1, 1), scalar(2, "v0: f64 = slot s1\nset_slot s3, v0\n")];
    let shifted = nest(
        3,
        "reduce",
        "  view w0 a1[0]\n  fold r0 max f64 -> s2\n",
        "v0: f64 = load w0\nv1: f64 = slot s3\nv2: f64 = add v0, v1\nfold r0, v2\n",
    );
    let source = program(&[nests.concat(), shifted], "alloc a1[s0]\nrun n0\nrun n1\nrun n2\nrun n3\n");
    let program = after(&source);
    assert_eq!(domains(&program), 2);
    assert!(program.steps.iter().any(|step| matches!(step, Step::Alloc(..))));
}

#[test]
fn scalar_code_between_is_parted() {
    // The mean waits for the sum; the check of the second array does not, and must come before that array is read.
    let between = "v0: f64 = slot s1\nset_slot s3, v0\nv1: i64 = extent a2, 0\nv2: i64 = slot s0\nv3: bool = eq v1, v2\n\
                   check v3, f0, v1, v2\n";
    let both = nest(
        2,
        "reduce",
        "  view w0 a0[x0]\n  view w1 a2[x0]\n  fold r0 sum f64 -> s2\n",
        "v0: f64 = load w0\nv1: f64 = load w1\nv2: f64 = mul v0, v1\nfold r0, v2\n",
    );
    let source = program(&[fold(0, "sum", 0, 1), scalar(1, between), both], "run n0\nrun n1\nrun n2\n");
    let program = after(&source);
    assert_eq!(domains(&program), 1, "{}", text::print(&program));
    assert_eq!(program.nests.iter().map(|nest| nest.axes.len()).collect::<Vec<_>>(), [0, 1, 0]);
    assert!(text::print(&program).contains("check"));
    assert!(text::print(&program).find("check") < text::print(&program).find("fold r0"));
}

#[test]
fn a_check_that_needs_the_first_result_keeps_them_apart() {
    let between = "v0: f64 = slot s1\nv1: bool = lt v0, v0\nv2: i64 = slot s0\ncheck v1, f0, v2, v2\n";
    let nests = [fold(0, "sum", 0, 1), scalar(1, between), fold(2, "max", 0, 2)];
    let program = after(&program(&nests, "run n0\nrun n1\nrun n2\n"));
    assert_eq!((domains(&program), notes(&program)), (2, vec![NoteKind::StepBetween]));
}

#[test]
fn a_check_of_no_elements_may_come_later() {
    let between = "v0: f64 = slot s1\nset_slot s3, v0\nv1: i64 = slot s0\nv2: i64 = const 0i64\nv3: bool = ne v1, v2\n\
                   check v3, f1, v2, v2\n";
    let nests = [fold(0, "sum", 0, 1), scalar(1, between), fold(2, "max", 0, 2)];
    assert_eq!(domains(&after(&program(&nests, "run n0\nrun n1\nrun n2\n"))), 1);
}

#[test]
fn other_elements_keep_nests_apart() {
    let shifted =
        nest(1, "reduce", "  view w0 a1[2 + -1*x0]\n  fold r0 sum f64 -> s1\n", "v0: f64 = load w0\nfold r0, v0\n");
    let source = program(&[square(0, 0, 1), shifted], "alloc a1[s0]\nrun n0\nrun n1\n");
    let program = after(&source);
    assert_eq!((domains(&program), notes(&program)), (2, vec![NoteKind::OtherElement]));
}

#[test]
fn what_is_written_where_it_was_read_may_be_one_nest() {
    let apart = after(&program(&[fold(0, "sum", 2, 1), square(1, 0, 2)], "run n0\nrun n1\n"));
    assert_eq!(domains(&apart), 1);
    let back = nest(1, "parallel", "  view w0 a0[x0]\n  view w1 a2[2 + -1*x0]\n", "v0: f64 = load w0\nstore w1, v0\n");
    let program = after(&program(&[fold(0, "sum", 2, 1), back], "run n0\nrun n1\n"));
    assert_eq!((domains(&program), notes(&program)), (2, vec![NoteKind::OtherElement]));
}

#[test]
fn a_result_that_is_needed_keeps_nests_apart() {
    let second = nest(
        1,
        "reduce",
        "  view w0 a0[x0]\n  fold r0 sum f64 -> s2\n",
        "v0: f64 = load w0\nv1: f64 = slot s1\nv2: f64 = sub v0, v1\nfold r0, v2\n",
    );
    let program = after(&program(&[fold(0, "sum", 0, 1), second], "run n0\nrun n1\n"));
    assert_eq!((domains(&program), notes(&program)), (2, vec![NoteKind::NeedsResult]));
}

#[test]
fn two_that_may_fail_stay_apart() {
    let failing = |id, to| {
        let lane = "v0: f64 = load w0\nv1: bool = lt v0, v0\nv2: i64 = axis 0\ncheck v1, f0, v2, v2\nfold r0, v0\n";
        nest(id, "reduce", &format!("  view w0 a0[x0]\n  fold r0 sum f64 -> s{to}\n"), lane)
    };
    let both = after(&program(&[failing(0, 1), failing(1, 2)], "run n0\nrun n1\n"));
    assert_eq!((domains(&both), notes(&both)), (2, vec![NoteKind::MayFail]));
    assert_eq!(domains(&after(&program(&[failing(0, 1), fold(1, "max", 0, 2)], "run n0\nrun n1\n"))), 1);
}

#[test]
fn in_a_branch_the_same_holds_but_not_across_its_ends() {
    let nests = [fold(0, "sum", 0, 1), fold(1, "max", 0, 2)];
    let inside = after(&program(&nests, "loop {\nrun n0\nrun n1\nbreak 0\n}\n"));
    assert_eq!(domains(&inside), 1);
    let across = after(&program(&nests, "run n0\nloop {\nrun n1\nbreak 0\n}\n"));
    assert_eq!(domains(&across), 2);
}
