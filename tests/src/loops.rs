//! Random programs of loops on every target, compared with an evaluator that shares nothing with the engine.
//!
//! `fuzz.rs` compares targets with the interpreter, so a mistake of lowering is in all of them and is not seen; here
//! it is. `HOTLOOP_SEED` is the first program, `HOTLOOP_LOOPS` how many there are. A failing one is made smaller.

mod eval;
mod make;
mod model;

use crate::case::{Case, Input, Section};
use crate::check::alike;
use crate::data::Data;
use crate::plan::{CONFIGS, Config, is_slow};
use crate::run::{self, Outcome};
use hotloop::{Call, Engine, Type};
use libtest_mimic::Trial;
use model::{End, Kind, Stmt, Store, Tree};

/// Programs of the normal run, and of the slow one.
const PROGRAMS: [u64; 2] = [80, 1200];
/// Programs within which each planted mistake must be found.
const PLANTED_WITHIN: u64 = 300;

/// The trials.
pub fn trials() -> Vec<Trial> {
    let mut trials = vec![Trial::test("random loops/agreement", || Ok(agreement()?))];
    for planted in PLANTED {
        trials.push(Trial::test(format!("random loops/planted/{}", planted.name), || Ok(is_found(planted)?)));
    }
    trials
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// All CPU targets give what the evaluator gives, and few programs are refused.
fn agreement() -> Result<(), String> {
    let engine = Engine::builder().threads(5).build();
    let first = number("HOTLOOP_SEED").unwrap_or(0);
    let count = number("HOTLOOP_LOOPS").unwrap_or(PROGRAMS[usize::from(is_slow())]);
    let mut refused = Vec::new();
    for seed in first..first + count {
        let tree = make::tree(seed);
        match agrees(&engine, &tree, &tree) {
            Ok(true) => {}
            Ok(false) => refused.push(seed),
            Err(message) => return Err(shown(&engine, seed, tree, &message)),
        }
    }
    // Not every turn is proved apart from the others, but a generator whose programs are refused tests nothing.
    if 10 * refused.len() as u64 > count { Err(format!("{refused:?} of {count} were refused")) } else { Ok(()) }
}

/// Whether all targets make of `text` what `tree` means; false if it is refused.
fn agrees(engine: &Engine, tree: &Tree, text: &Tree) -> Result<bool, String> {
    let want = expected(tree);
    for config in CONFIGS.iter().filter(|config| config.target.is_cpu()) {
        let have = outcome(engine, text, config);
        if let Outcome::Refused(_) = have {
            return Ok(false);
        }
        alike(&want, &have).map_err(|message| format!("expected and {}: {message}", config.name))?;
    }
    Ok(true)
}

fn data(ty: Type, shape: &[usize], values: &[i64]) -> Data {
    let unused = 64 - 8 * ty.bytes();
    let bits = values.iter().map(|value| u128::from((*value as u64) << unused >> unused)).collect();
    Data { ty, shape: shape.to_vec(), bits }
}

fn expected(tree: &Tree) -> Outcome {
    let results = eval::run(tree);
    let outs = results.scalars.iter().map(|value| data(tree.ty, &[], &[*value])).collect();
    let out = |array: Vec<i64>| ("out".into(), data(tree.ty, &[array.len()], &array));
    Outcome::Done(outs, results.out.map(out).into_iter().collect())
}

fn outcome(engine: &Engine, tree: &Tree, config: &Config) -> Outcome {
    let input = |name: &str, mutable, values: &[i64]| {
        let data = data(tree.ty, &[values.len()], values);
        Input { name: name.into(), mutable, weak: false, data, window: None }
    };
    let mut inputs = vec![input("x", false, &tree.x)];
    if tree.kind != Kind::Whole {
        inputs.push(input("out", true, &vec![0; tree.x.len()]));
    }
    let section = Section { text: tree.text(), ..Section::default() };
    let call = Call::default().target(config.target).threads(config.threads);
    run::run(engine, "loops", &section, &Case::default(), &inputs, &call)
}

/// The smallest program with a mistake that taking statements away leads to.
fn shown(engine: &Engine, seed: u64, mut tree: Tree, message: &str) -> String {
    let mut message = message.to_owned();
    while let Some((small, why)) =
        tree.smaller().into_iter().find_map(|small| agrees(engine, &small, &small).err().map(|why| (small, why)))
    {
        (tree, message) = (small, why);
    }
    let first = &tree.x[..tree.x.len().min(12)];
    format!("program {seed}: {message}\n\n{}\n{} numbers, {first:?}", tree.text(), tree.x.len())
}

/// A mistake of lowering: what the engine is given to run is what it would have made of the text.
struct Planted {
    name: &'static str,
    /// Whether the statement had something to spoil.
    spoil: fn(&mut Stmt) -> bool,
}

const PLANTED: &[Planted] = &[
    Planted { name: "continue ignored", spoil: |stmt| drop_exit(stmt, |stmt| matches!(stmt, Stmt::Continue)) },
    Planted { name: "break ignored", spoil: |stmt| drop_exit(stmt, |stmt| matches!(stmt, Stmt::Break)) },
    Planted { name: "return ignored", spoil: |stmt| drop_exit(stmt, |stmt| matches!(stmt, Stmt::Return)) },
    Planted { name: "break for continue", spoil: |stmt| replace_exit(stmt, &Stmt::Break) },
    Planted { name: "else left out", spoil: drop_else },
    Planted { name: "one turn too many", spoil: |stmt| change_end(stmt, 1) },
    Planted { name: "one turn too few", spoil: |stmt| change_end(stmt, -1) },
    Planted { name: "step ignored", spoil: ignore_step },
    Planted { name: "while as if", spoil: turn_once },
    Planted { name: "compound store as a store", spoil: forget_operator },
    Planted { name: "reduction of the wrong sign", spoil: negate_sum },
];

fn is_found(planted: &Planted) -> Result<(), String> {
    let engine = Engine::new();
    let mut spoiled = 0;
    for seed in 0..PLANTED_WITHIN {
        let tree = make::tree(seed);
        let mut wrong = tree.clone();
        if !wrong.change(planted.spoil) {
            continue;
        }
        spoiled += 1;
        let have = outcome(&engine, &wrong, &CONFIGS[0]);
        if matches!(have, Outcome::Done(..)) && alike(&expected(&tree), &have).is_err() {
            return Ok(());
        }
    }
    Err(format!("not found within {PLANTED_WITHIN} programs, {spoiled} of which had the mistake"))
}

/// Makes an exit under a condition a store that changes nothing, since a block must not be empty.
fn drop_exit(stmt: &mut Stmt, is_it: fn(&Stmt) -> bool) -> bool {
    let Stmt::If(_, yes, _) = stmt else { return false };
    let Some(exit) = yes.iter_mut().find(|stmt| is_it(stmt)) else { return false };
    *exit = Stmt::Var(0, Store::Set, model::Expr::Var(0));
    true
}

fn replace_exit(stmt: &mut Stmt, by: &Stmt) -> bool {
    let is_it = matches!(stmt, Stmt::Continue);
    if is_it {
        *stmt = by.clone();
    }
    is_it
}

fn change_end(stmt: &mut Stmt, by: i64) -> bool {
    let Stmt::For(_, End::At(end), step, _) = stmt else { return false };
    *end += by * *step;
    true
}

fn drop_else(stmt: &mut Stmt) -> bool {
    let Stmt::If(.., no) = stmt else { return false };
    !std::mem::take(no).is_empty()
}

fn turn_once(stmt: &mut Stmt) -> bool {
    let Stmt::While(most, ..) = stmt else { return false };
    std::mem::replace(most, 1) > 1
}

fn ignore_step(stmt: &mut Stmt) -> bool {
    let Stmt::For(_, _, step, _) = stmt else { return false };
    let one = step.signum();
    std::mem::replace(step, one) != one
}

fn forget_operator(stmt: &mut Stmt) -> bool {
    let (Stmt::Var(_, store, _) | Stmt::Item(store, ..)) = stmt else { return false };
    std::mem::replace(store, Store::Set) != Store::Set
}

fn negate_sum(stmt: &mut Stmt) -> bool {
    let Stmt::Sum(value) = stmt else { return false };
    *value = model::Expr::With(model::Arith::Mul, Box::new(value.clone()), -1);
    true
}
