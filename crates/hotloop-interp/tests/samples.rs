//! Every sample program: it runs, its text reads back, and it runs the same from its text.

use hotloop_interp::Interp;
use hotloop_ir::{Inst, Op, Program, Stmt, hash128, read, text, verify};
use hotloop_target::testing::{Sample, Split, run, samples, scheduled};
use hotloop_target::{Artifact, LoadError, Status, Target};
use std::collections::HashSet;

fn kernel(program: &Program) -> std::sync::Arc<dyn hotloop_target::Kernel> {
    Interp.build(program).expect("the interpreter takes every program")
}

#[test]
fn every_sample_runs_and_runs_the_same_from_its_text() {
    for Sample { name, program, inputs } in samples() {
        let direct = kernel(&program);
        let artifact = Interp.compile(&program).expect("every program has a text");
        let loaded = Interp.load(&artifact).expect("its own text");
        for (i, inputs) in inputs.iter().enumerate() {
            let outcome = run(&program, &*direct, inputs, Split::Whole);
            assert!(matches!(outcome.status, Status::Ok | Status::Fault), "{name} {i}: {:?}", outcome.status);
            let again = run(&program, &*loaded, inputs, Split::Whole);
            assert_eq!(outcome.difference(&again), None, "{name} {i}");
        }
    }
}

#[test]
fn texts_read_back_to_the_same_programs() {
    for sample in samples() {
        for program in [sample.program.clone(), scheduled(&sample.program, 8, true)] {
            verify(&program).unwrap_or_else(|error| panic!("{}: {error}", sample.name));
            let text = text::print(&program);
            assert_eq!(read(&text).as_ref(), Ok(&program), "{}\n{text}", sample.name);
        }
    }
}

#[test]
fn samples_have_names_and_code_of_their_own() {
    let (mut names, mut codes) = (HashSet::new(), HashSet::new());
    for sample in samples() {
        let code = text::canonical_bytes(&sample.program);
        assert!(!String::from_utf8_lossy(&code).contains('"'), "no names decide the code");
        assert!(names.insert(sample.name.clone()), "{} is there twice", sample.name);
        assert!(codes.insert(hash128(&code)), "{} is another sample's program", sample.name);
        assert!(!sample.inputs.is_empty(), "{}", sample.name);
    }
}

#[test]
fn names_and_places_do_not_count_as_code() {
    let mut program = samples().remove(0).program;
    let before = text::canonical_bytes(&program);
    program.name = "other".into();
    program.arrays[0].name = "other".into();
    program.nests[0].span = hotloop_ir::Span::new(1, 2);
    assert_eq!(text::canonical_bytes(&program), before);
    program.nests[0].schedule.threads = true;
    assert_ne!(text::canonical_bytes(&program), before);
}

/// Samples are to cover the IR: every op, and every kind of statement.
#[test]
fn samples_cover_every_op_and_statement() {
    fn kinds(region: &[Stmt], seen: &mut HashSet<&'static str>) {
        for stmt in region {
            let kind = match stmt {
                Stmt::Let(_) => "let",
                Stmt::Set(..) => "set",
                Stmt::Store(..) => "store",
                Stmt::StoreAt(..) => "store_at",
                Stmt::SetSlot(..) => "set_slot",
                Stmt::Fold(..) => "fold",
                Stmt::Check { .. } => "check",
                Stmt::If { then, otherwise, .. } => {
                    kinds(then, seen);
                    kinds(otherwise, seen);
                    "if"
                }
                Stmt::For { body, .. } => {
                    kinds(body, seen);
                    "for"
                }
                Stmt::Loop(body) => {
                    kinds(body, seen);
                    "loop"
                }
                Stmt::Block(body) => {
                    kinds(body, seen);
                    "block"
                }
                Stmt::Break(_) => "break",
                Stmt::Continue(_) => "continue",
            };
            seen.insert(kind);
        }
    }
    let (mut seen, mut ops) = (HashSet::new(), HashSet::new());
    for nest in samples().iter().flat_map(|sample| &sample.program.nests) {
        kinds(&nest.lane.body, &mut seen);
        ops.extend(nest.lane.values.iter().enumerate().filter_map(|(i, inst)| match inst {
            Inst::Op(op, _) => Some((*op, nest.lane.types[i])),
            Inst::Const(_) | Inst::Convert(_) | Inst::Bitcast(_) | Inst::Axis(_) | Inst::Slot(_) => None,
            Inst::Local(_) | Inst::Load(_) | Inst::LoadAt(..) | Inst::Extent(..) => None,
        }));
    }
    assert_eq!(seen.len(), 13, "{seen:?}");
    for &op in Op::ALL {
        for &ty in hotloop_ir::Type::ALL.iter().filter(|ty| op.accepts().admits(**ty)) {
            assert!(ops.contains(&(op, op.result(ty))), "{} {ty}", op.name());
        }
    }
}

#[test]
fn artifacts_of_others_and_damaged_ones_are_refused() {
    let program = samples().remove(0).program;
    let artifact = Interp.compile(&program).expect("a text");
    let foreign = Artifact { fingerprint: "interp 0".into(), ..artifact.clone() };
    assert!(matches!(Interp.load(&foreign), Err(LoadError::Foreign { .. })));
    let half = artifact.code[..artifact.code.len() / 2].to_vec();
    let wrong = String::from_utf8(artifact.code.clone()).expect("text").replace("load w0", "load w9").into_bytes();
    for code in [half, vec![0xff, 0xfe], wrong, Vec::new()] {
        let damaged = Artifact { code, ..artifact.clone() };
        assert!(matches!(Interp.load(&damaged), Err(LoadError::Damaged(_))));
    }
}
