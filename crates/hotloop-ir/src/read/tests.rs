//! What `read` refuses, and odd things that come back from text as they were. Whole programs are in the tests of the interpreter.

use super::*;
use crate::text::print;
use crate::types::Scalar;
use hotloop_source::Span;

fn site() -> Site {
    Site { kind: FaultKind::Shape, span: Span::new(3, 9), subject: "x[0]".into(), axis: 1, counts: Counts::Param(0) }
}

fn program() -> Program {
    Program {
        name: "a \"quoted\"\nname \u{1f980} \\ \u{7f}".into(),
        params: vec![Param::Array(ArrayId(0)), Param::Pair([SlotId(0), SlotId(1)])],
        results: vec![ResultRef::Scalar(SlotId(1))],
        arrays: vec![Array {
            name: "x y".into(),
            ty: Type::F32,
            rank: 2,
            role: Role::Input,
            layout: Layout::UnitInner,
            pairs: true,
        }],
        slots: vec![Slot { name: String::new(), ty: Type::I64 }, Slot { name: "out".into(), ty: Type::F32 }],
        nests: vec![nest()],
        sites: vec![site()],
        steps: vec![Step::Block(vec![Step::Nest(NestId(0)), Step::Break(0)])],
        products: vec![product()],
        notes: vec![
            Note { kind: NoteKind::Fused, nest: Some(NestId(0)), subject: String::new(), span: Span::new(1, 2) },
            Note { kind: NoteKind::Forwarded, nest: None, subject: "t".into(), span: Span::DETACHED },
        ],
    }
}

fn product() -> MatMul {
    let dim = |axis| ViewDim { start: Extent::Const(0), step: Extent::Const(1), axis: Some(axis), full: axis == 1 };
    let view = |first, second| View { array: ArrayId(0), dims: vec![dim(first), dim(second)] };
    let axes = vec![Extent::Slot(SlotId(0)), Extent::Const(3), Extent::Slot(SlotId(0))];
    MatMul { axes, c: view(0, 1), a: view(0, 2), b: view(2, 1), span: Span::new(7, 9) }
}

fn nest() -> Nest {
    let dim = |start, step, axis, full| ViewDim { start, step, axis, full };
    let (slot, number) = (Extent::Slot(SlotId(0)), Extent::Const);
    let starts = [(number(0), number(0)), (number(-3), number(1)), (slot, number(-2)), (slot, slot), (number(0), slot)];
    let mut dims: Vec<ViewDim> = Vec::new();
    for (start, step) in starts {
        dims.extend([dim(start, step, None, false), dim(start, step, Some(1), false), dim(start, step, Some(0), true)]);
    }
    let constants = [
        Scalar::bool(true),
        Scalar::int(Type::I8, -128),
        Scalar::int(Type::U64, u64::MAX.into()),
        Scalar::f32(0.1),
        Scalar::f64(-0.0),
        Scalar::f64(5e-324),
        Scalar::f64(1e300),
        Scalar::f32(f32::NEG_INFINITY),
        Scalar::new(Type::F32, 0xffa0_0001),
        Scalar::new(Type::F64, 0x7ff0_0000_0000_0001),
    ];
    let lane = Lane {
        types: constants.iter().map(|scalar| scalar.ty).collect(),
        values: constants.into_iter().map(Inst::Const).collect(),
        locals: vec![Type::Bool, Type::I64],
        body: (0..10).map(|value| Stmt::Let(Value(value))).collect(),
    };
    Nest {
        axes: vec![
            Axis { kind: AxisKind::Parallel, extent: Extent::Const(7) },
            Axis { kind: AxisKind::Reduce, extent: Extent::Slot(SlotId(0)) },
        ],
        views: vec![View { array: ArrayId(0), dims }],
        folds: vec![Fold { op: FoldOp::Max, ty: Type::F32, dest: FoldDest::Slot(SlotId(1)) }],
        lane,
        schedule: Schedule {
            shape: Shape::FoldRows,
            lanes: 12,
            threads: true,
            turns: vec![Turns { counter: Local(1), lanes: 4, folds: vec![(Local(0), FoldOp::Max)] }],
        },
        span: Span::new(0, 40),
    }
}

#[test]
fn odd_names_constants_and_views_come_back() {
    let program = program();
    assert_eq!(read(&print(&program)), Ok(program));
}

#[test]
fn blank_lines_and_spaces_do_not_matter() {
    let text = print(&program()).replace("\n", "\n\n   ").replacen("\n\n   ", "\n", 1);
    assert_eq!(read(&text), Ok(program()));
}

/// The text with one line replaced, and the line number of the error it gives.
fn refused(from: &str, to: &str) -> (usize, String) {
    let text = print(&program());
    assert!(text.contains(from), "`{from}` is not in\n{text}");
    let error = read(&text.replacen(from, to, 1)).expect_err(to);
    (error.line, error.message)
}

#[test]
fn errors_name_the_line() {
    for (from, to, line, message) in [
        ("hotloop ir 1", "hotloop ir 2", 1, "the first line"),
        ("array a0", "array a1", 3, "`a0` should come next"),
        ("f32[2]", "f33[2]", 3, "`f33` is not a type"),
        ("f32[2]", "f32[-2]", 3, "not a number"),
        ("f32[2]", "f32[99999999999]", 3, "not a number"),
        ("input", "inputs", 3, "not a role"),
        ("slot s0", "slot t0", 4, "not a handle"),
        ("f0 shape", "f0 shap", 6, "kind of fault"),
        ("@3..9", "@3..", 6, "not a span"),
        ("result s1", "result v1", 9, "a slot or an array"),
        ("axis reduce s0", "axis reduce s0 s0", 12, "something follows"),
        ("-> s1", "-> q1", 14, "a slot or a view"),
        ("fold_rows", "fold_row", 15, "not a shape"),
        ("v0: bool", "v1: bool", 20, "`v0:`"),
        ("const true", "const maybe", 20, "not a constant"),
        ("-128i8", "-129i8", 21, "not a constant"),
        ("nan:0xffa00001f32", "nan:0x1f32", 28, "not a constant"),
        ("const true", "sinh v0", 20, "no instruction"),
        ("break 0", "brake 0", 38, "no step"),
        ("\"x y\"", "\"x y", 3, "does not end"),
    ] {
        let (found, text) = refused(from, to);
        assert!(found == line && text.contains(message), "{from} -> {to}: line {found}: {text}");
    }
    assert!(refused("steps {", "steps {\n}").1.contains("something follows the program"));
}

#[test]
fn every_cut_of_a_text_is_refused_calmly() {
    let text = print(&program());
    for end in (0..text.trim_end().len()).filter(|end| text.is_char_boundary(*end)) {
        assert!(read(&text[..end]).is_err(), "{end}");
    }
}

#[test]
fn endless_nesting_is_refused() {
    let deep = |levels: usize| {
        format!("{HEADER}\nprogram\nsteps {{\n{}{}}}\n", "loop {\n".repeat(levels), "}\n".repeat(levels))
    };
    assert!(read(&deep(200)).is_ok());
    for levels in [256, 1_000_000] {
        assert!(read(&deep(levels)).expect_err("deep").message.contains("levels of nesting"));
    }
}
