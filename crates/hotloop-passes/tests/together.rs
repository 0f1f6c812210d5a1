//! `together` on small programs: which loops of scalar code compute several turns at once.

use hotloop_ir::{NoteKind, Program, read, text, verify};

fn after(source: &str) -> Program {
    let mut program = read(source).unwrap_or_else(|error| panic!("{error}\n{source}"));
    verify(&program).unwrap_or_else(|error| panic!("{error}\n{source}"));
    let pass = hotloop_passes::PASSES.iter().find(|row| row.name == "together").expect("a pass of that name");
    (pass.run)(&mut program);
    verify(&program).unwrap_or_else(|error| panic!("{error}\n{}", text::print(&program)));
    program
}

/// A loop over `a`, whose counter is v3; v0 is 0, v1 is 1, v2 is slot 0, and what stands in `body`.
fn counted(layout: &str, ty: &str, step: &str, body: &str) -> Program {
    after(&format!(
        "hotloop ir 1\nprogram \"p\"\narray a0 \"a\" {ty}[1] mut {layout}\narray a1 \"b\" {ty}[2] mut {layout}\n\
         slot s0 \"n\" i64\nparam s0\nparam a0\nparam a1\nnest n0 {{\n  local l0 i64\n  local l1 {ty}\n  lane {{\n    \
         v0: i64 = const 0i64\n    v1: i64 = const 1i64\n    v2: i64 = slot s0\n    for l0 in v0, v2, {step} {{\n      \
         v3: i64 = local l0\n{body}    }}\n  }}\n}}\nsteps {{\n  run n0\n}}\n"
    ))
}

fn kinds(program: &Program) -> Vec<NoteKind> {
    program.notes.iter().map(|note| note.kind).collect()
}

const COPY: &str = "v4: f64 = load_at a1[v2, v3]\nstore_at a0[v3], v4\n";

#[test]
fn the_widest_type_decides_how_many_turns() {
    for (ty, lanes) in [("f64", 4), ("f32", 8), ("i32", 8), ("u8", 32)] {
        let program = counted("dense", ty, "v1", &COPY.replace("f64", ty));
        let turns = &program.nests[0].schedule.turns;
        assert_eq!(turns.iter().map(|turns| turns.lanes).collect::<Vec<_>>(), [lanes], "{ty}");
    }
}

#[test]
fn what_is_grouped_reads_back() {
    let body = "v4: i64 = load_at a0[v3]\nv5: i64 = local l1\nv6: i64 = max v5, v4\nset l1, v6\n";
    let program = counted("dense", "i64", "v1", body);
    let printed = text::print(&program);
    assert!(printed.contains("turns l2 lanes 8 max l1"), "{printed}");
    assert_eq!(text::print(&read(&printed).expect("a program")), printed);
}

#[test]
fn elements_of_other_turns_keep_them_apart() {
    let shifted = |index: &str, ahead: bool| {
        let (load, store) = ("v5: f64 = load_at a0[v4]\n", "store_at a0[v3], v6\n");
        let add = "v6: f64 = add v5, v5\n";
        match ahead {
            true => format!("{index}{load}{add}{store}"),
            false => format!(
                "{index}v6: f64 = load_at a1[v2, v3]\n{store}v5: f64 = load_at a0[v4]\nstore_at a1[v2, v3], v5\n"
            ),
        }
    };
    for (index, ahead, kind) in [
        ("v4: i64 = add v3, v1\n", true, NoteKind::TurnsTogether),
        ("v4: i64 = sub v3, v1\n", true, NoteKind::TurnsElement),
        ("v4: i64 = add v3, v1\n", false, NoteKind::TurnsElement),
        ("v4: i64 = sub v3, v2\n", true, NoteKind::TurnsElement),
        ("v7: i64 = const 4i64\nv4: i64 = sub v3, v7\n", true, NoteKind::TurnsTogether),
        ("v7: i64 = const 3i64\nv4: i64 = sub v3, v7\n", true, NoteKind::TurnsElement),
        ("v4: i64 = add v3, v3\n", true, NoteKind::TurnsElement),
    ] {
        let numbered = renumber(&shifted(index, ahead));
        let program = counted("dense", "f64", "v1", &numbered);
        assert_eq!(kinds(&program), [kind], "{numbered}");
    }
}

#[test]
fn loops_are_split_at_the_one_turn_that_stores_what_all_read() {
    let split = |read: &str, load: &str| {
        let body = format!(
            "{read}v5: f64 = load_at a1[v2, v3]\nv6: f64 = load_at a1[v2, {load}]\nv7: f64 = sub v5, v6\nstore_at a1[v2, v3], v7\n"
        );
        counted("dense", "f64", "v1", &renumber(&body))
    };
    let program = split("", "v2");
    assert_eq!(kinds(&program), [NoteKind::TurnsTogether]);
    let turns = &program.nests[0].schedule.turns;
    assert_eq!(turns.iter().map(|turns| turns.lanes).collect::<Vec<_>>(), [4, 4]);
    assert_ne!(turns[0].counter, turns[1].counter);
    assert_eq!(text::print(&program).matches("store_at a1").count(), 3);
    // A number that changes in the loop is met in more turns than one.
    let program = split("v4: i64 = add v3, v1\n", "v4");
    assert_eq!(kinds(&program), [NoteKind::TurnsTogether], "the next element is read before it is stored");
    assert_eq!(program.nests[0].schedule.turns.len(), 1);
    let program = split("v4: i64 = mul v3, v3\n", "v4");
    assert_eq!(kinds(&program), [NoteKind::TurnsElement]);
}

/// Numbers the values of a body in the order in which they are computed, from v4 on.
fn renumber(body: &str) -> String {
    let mut names = Vec::new();
    for line in body.lines() {
        if let Some((name, _)) = line.split_once(':') {
            names.push(name.to_owned());
        }
    }
    let mut out = body.to_owned();
    for (at, name) in names.iter().enumerate() {
        out = out.replace(name.as_str(), &format!("%{}", at + 4));
    }
    out.replace('%', "v")
}

#[test]
fn steps_and_strides_count() {
    assert_eq!(kinds(&counted("dense", "f64", "v2", COPY)), [NoteKind::TurnsStep]);
    assert_eq!(kinds(&counted("strided", "f64", "v1", COPY)), [NoteKind::TurnsGain]);
    let divided = "v4: i64 = load_at a0[v3]\nv5: i64 = floordiv v4, v2\nstore_at a0[v3], v5\n";
    assert_eq!(kinds(&counted("dense", "i64", "v1", divided)), [NoteKind::TurnsGain]);
}
