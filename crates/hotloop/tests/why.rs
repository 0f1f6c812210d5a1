//! `why`: what is said of kernels, compared with what they are.

use hotloop::{ArgType, AxisKind, Engine, FoldOp, Layout, NoteKind, Type, Why};

fn array(ty: Type, rank: u32) -> ArgType {
    ArgType::Array { ty, rank, ones: 0, layout: Layout::Dense }
}

fn why(text: &str, types: &[ArgType]) -> Why {
    let module = Engine::new().load(text).expect("it is correct");
    let name = module.kernels().next().expect("a kernel").name.clone();
    let kernel = module.kernel(&name).expect("it is there");
    kernel.prepare(types).expect("it compiles").why().expect("it has an answer")
}

#[test]
fn an_expression_is_one_pass() {
    let why =
        why("kernel k(a, x, y) = a * x + y", &[ArgType::Scalar(Type::F64), array(Type::F64, 1), array(Type::F64, 1)]);
    assert_eq!((why.nests.len(), why.temporaries.len()), (1, 0));
    let nest = &why.nests[0];
    assert_eq!(nest.axes, [(AxisKind::Parallel, "y.0".to_owned())]);
    assert!(nest.lanes >= 2 && nest.threads, "{nest:?}");
    let traffic = nest.traffic;
    assert_eq!((traffic.bytes_read, traffic.bytes_written, traffic.operations), (16, 8, 2));
}

#[test]
fn reductions_and_rows_are_told_apart() {
    let why = why("kernel k(x) = sum(x * 2.0, axis=1)", &[array(Type::F32, 2)]);
    assert_eq!(why.nests[0].folds, [(FoldOp::Sum, Type::F32)]);
    let kinds: Vec<AxisKind> = why.nests[0].axes.iter().map(|axis| axis.0).collect();
    assert_eq!(kinds, [AxisKind::Parallel, AxisKind::Reduce]);
    let about: Vec<_> = why.notes.iter().map(|note| (note.kind, note.nest)).collect();
    assert_eq!((about, why.nests.len()), (vec![(NoteKind::ShortRows, Some(1))], 2));
}

#[test]
fn what_keeps_a_pass_slow_is_said() {
    let why = why("kernel k(a, b) = sum(a // b)", &[array(Type::I64, 1), array(Type::I64, 1)]);
    assert_eq!((why.nests.len(), why.nests[0].lanes), (1, 1));
    let about: Vec<_> = why.notes.iter().map(|note| (note.kind, note.nest)).collect();
    assert_eq!(about, [(NoteKind::FoldWithCheck, Some(0))]);
}

#[test]
fn points_that_follow_lists_are_computed_one_at_a_time() {
    let lanes = |term: &str| {
        let text = format!(
            "kernel k(start, column, value, x) {{
                var y = zeros(len(start) - 1)
                for i in prange(len(y)) {{
                    var s = 0.0
                    for k in range(start[i], start[i + 1]) {{ s += {term} }}
                    y[i] = s
                }}
                y
            }}"
        );
        let [ints, floats] = [Type::I64, Type::F64].map(|ty| array(ty, 1));
        let why = why(&text, &[ints, ints, floats, floats]);
        let lists = why.notes.iter().any(|note| note.kind == NoteKind::Lists);
        (why.nests.last().map(|nest| nest.lanes > 1), lists)
    };
    assert_eq!(lanes("value[k] * x[column[k]]"), (Some(false), true));
    assert_eq!(lanes("exp(value[k] * x[column[k]])"), (Some(true), false), "much is computed with each element");
    assert_eq!(lanes("value[k] * x[k]"), (Some(true), false), "elements lie side by side");
}

#[test]
fn loops_of_scalar_code_say_what_keeps_their_turns_apart() {
    let told = |text: &str| {
        let why = why(text, &[array(Type::F64, 1), array(Type::F64, 1)]);
        why.notes.iter().map(|note| (note.kind, note.subject.clone())).collect::<Vec<_>>()
    };
    let within =
        |body: &str| told(&format!("kernel k(x, out: mut f64[:]) {{\n    var s = 0.0\n    {body}\n    out[0] = s\n}}"));
    let note = |kind, subject: &str| vec![(kind, subject.to_owned())];
    for (body, kind, subject) in [
        ("for i in range(len(x)) { out[i] = 2.0 * x[i] }", NoteKind::TurnsTogether, ""),
        ("for i in range(len(x)) { s = max(s, x[i]) }", NoteKind::TurnsTogether, ""),
        ("for i in range(1, len(x)) { out[i] = out[i - 1] + x[i] }", NoteKind::TurnsElement, "out"),
        ("for i in range(len(x)) { s += x[i] }", NoteKind::TurnsOrder, ""),
        ("for i in range(len(x)) { s = 0.5 * s + x[i] }", NoteKind::TurnsVariable, ""),
        ("for i in range(len(x)) { if x[i] > 0.0 { out[i] = x[i] } }", NoteKind::TurnsBranch, ""),
        ("for i in range(len(x)) { out[i64(x[i])] = 1.0 }", NoteKind::TurnsCheck, "out"),
        ("for i in range(0, len(x), 2) { out[i] = x[i] }", NoteKind::TurnsStep, ""),
        ("while s < x[0] { s += 1.0 }", NoteKind::TurnsEnd, ""),
    ] {
        assert_eq!(within(body), note(kind, subject), "{body}");
    }
}

#[test]
fn cheap_neighbors_are_computed_again_and_dear_ones_stored() {
    let told = |body: &str| {
        let text =
            format!("@stencil(border = edge)\nfn bend(a) = a[@-1] - 2.0 * a[@0] + a[@1]\nkernel k(x) {{\n{body}\n}}");
        let why = why(&text, &[array(Type::F64, 1)]);
        let about: Vec<_> = why.notes.iter().map(|note| (note.kind, note.subject.clone())).collect();
        let about = about.into_iter().filter(|(kind, _)| matches!(kind, NoteKind::Stored | NoteKind::Recomputed));
        (about.collect::<Vec<_>>(), why.temporaries.len())
    };
    let (again, stored) = (NoteKind::Recomputed, NoteKind::Stored);
    let note = |kind, subject: &str| vec![(kind, subject.to_owned())];
    assert_eq!(told("let e = 2.0 * x\ne[1:] - e[:-1]"), (note(again, "e"), 0));
    assert_eq!(told("let e = exp(x)\ne[1:] - e[:-1]"), (note(stored, "e"), 1));
    // A third place tips the scales.
    assert_eq!(told("let e = sqrt(x)\ne[2:] - e[:-2]"), (note(again, "e"), 0));
    assert_eq!(told("let e = sqrt(x)\ne[2:] - 2.0 * e[1:-1] + e[:-2]"), (note(stored, "e"), 1));
    assert_eq!(told("let e = exp(x)\ne + e[::-1]"), (note(stored, "e"), 1));
    assert_eq!(told("let e = exp(x)\ne[1:] * e[1:]"), (vec![], 0), "one place is computed once");
    assert_eq!(told("bend(2.0 * x)"), (note(again, ""), 0));
    assert_eq!(told("bend(exp(x))"), (note(stored, ""), 1));
}
