//! Random programs on every target: they must agree with the interpreter, and planted mistakes must be found.
//!
//! One second in the normal run, a minute with `HOTLOOP_SLOW=1`, from `HOTLOOP_SEED` on. A program that fails is made
//! smaller and printed.

use crate::case::{Case, Section};
use crate::check::alike;
use crate::data::{Data, Random};
use crate::generate::{Generated, generate};
use crate::lower;
use crate::plan::{CONFIGS, Config, is_slow};
use crate::run::{self, Outcome};
use hotloop::{Call, Engine};
use hotloop_clif::Clif;
use hotloop_interp::Interp;
use hotloop_ir::{FoldOp, Inst, Lane, Op, Program, Region, Scalar, Stmt, Type, Value};
use hotloop_target::Target;
use hotloop_target::testing::{self, Split, Tensor};
use libtest_mimic::Trial;
use std::time::{Duration, Instant};

/// Bytes of one program.
const BYTES: usize = 160;
/// Programs within which each planted mistake must be found.
const PLANTED_WITHIN: u64 = 400;
/// Attempts at making a failing program smaller.
const SHRINKS: usize = 400;

/// The trials.
pub fn trials() -> Vec<Trial> {
    let mut trials = vec![
        Trial::test("random/agreement", || Ok(agreement()?)),
        Trial::test("random/well typed", || Ok(well_typed()?)),
    ];
    for planted in PLANTED {
        trials.push(Trial::test(format!("random/planted/{}", planted.name), || Ok(is_found(planted)?)));
    }
    trials
}

fn bytes_of(seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    (0..BYTES).map(|_| random.bits() as u8).collect()
}

/// All targets give what the interpreter gives.
fn agreement() -> Result<(), String> {
    let time = Duration::from_secs(if is_slow() { 60 } else { 1 });
    let start = Instant::now();
    let engine = Engine::builder().threads(3).build();
    let first = std::env::var("HOTLOOP_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut seed = first;
    while seed < first + 20 || start.elapsed() < time {
        let bytes = bytes_of(seed);
        if let Err(message) = agrees(&engine, &generate(&bytes)) {
            let small = shrink(bytes, &|bytes| agrees(&engine, &generate(bytes)).is_err());
            let generated = generate(&small);
            let message = agrees(&engine, &generated).err().unwrap_or(message);
            return Err(format!("program {seed}: {message}\n\n{}", shown(&generated)));
        }
        seed += 1;
    }
    Ok(())
}

fn agrees(engine: &Engine, generated: &Generated) -> Result<(), String> {
    let want = outcome(engine, generated, &CONFIGS[0]);
    // A refused program is the business of another trial.
    if let Outcome::Refused(_) = want {
        return Ok(());
    }
    if let Outcome::Other(message) = &want {
        return Err(message.clone());
    }
    for config in &CONFIGS[1..] {
        let have = outcome(engine, generated, config);
        alike(&want, &have).map_err(|message| format!("interp and {}: {message}", config.name))?;
    }
    Ok(())
}

fn outcome(engine: &Engine, generated: &Generated, config: &Config) -> Outcome {
    let section = Section { text: generated.text.clone(), ..Section::default() };
    let call = Call::default().target(config.target).threads(config.threads);
    run::run(engine, "random", &section, &Case::default(), &generated.inputs, &call)
}

/// The generator makes programs that are accepted, and of which most come to an end without a fault.
fn well_typed() -> Result<(), String> {
    let engine = Engine::new();
    let (mut done, tried) = (0, 200);
    for seed in 0..tried {
        let generated = generate(&bytes_of(seed));
        match outcome(&engine, &generated, &CONFIGS[0]) {
            Outcome::Done(..) => done += 1,
            Outcome::Fault(_) => {}
            Outcome::Refused(problems) => {
                let messages: Vec<String> = problems.iter().map(|problem| format!("{problem:?}")).collect();
                return Err(format!("program {seed} was refused: {}\n\n{}", messages.join("\n"), generated.text));
            }
            Outcome::Other(message) => return Err(format!("program {seed}: {message}\n\n{}", generated.text)),
        }
    }
    if 2 * done > tried { Ok(()) } else { Err(format!("only {done} of {tried} programs did not fault")) }
}

/// Fewer and smaller bytes that still fail.
fn shrink(mut bytes: Vec<u8>, fails: &dyn Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut left = SHRINKS;
    let mut chunk = bytes.len() / 2;
    while chunk > 0 && left > 0 {
        let mut at = 0;
        while at < bytes.len() && left > 0 {
            let end = (at + chunk).min(bytes.len());
            let mut shorter = bytes.clone();
            shorter.drain(at..end);
            let mut zeroed = bytes.clone();
            zeroed[at..end].fill(0);
            left = left.saturating_sub(2);
            if fails(&shorter) {
                bytes = shorter;
            } else if zeroed != bytes && fails(&zeroed) {
                bytes = zeroed;
                at = end;
            } else {
                at = end;
            }
        }
        chunk /= 2;
    }
    bytes
}

fn shown(generated: &Generated) -> String {
    let mut text = generated.text.clone();
    for input in &generated.inputs {
        let list: Vec<String> = (0..input.data.bits.len().min(12)).map(|at| input.data.get(at).to_string()).collect();
        text += &format!("{} {:?} {:?} [{}]\n", input.name, input.data.shape, input.window, list.join(", "));
    }
    text
}

/// A mistake put into what one target compiles, as a bug of that target would.
struct Planted {
    name: &'static str,
    /// Whether the program had something to spoil.
    spoil: fn(&mut Program) -> bool,
}

const PLANTED: &[Planted] = &[
    Planted { name: "sum for difference", spoil: |program| replace_op(program, Op::Sub, Op::Add) },
    Planted { name: "less or equal for less", spoil: |program| replace_op(program, Op::Lt, Op::Le) },
    Planted { name: "max for min", spoil: |program| replace_op(program, Op::Min, Op::Max) },
    Planted { name: "or for exclusive or", spoil: |program| replace_op(program, Op::Xor, Op::Or) },
    Planted { name: "remainder for quotient", spoil: |program| replace_op(program, Op::FloorDiv, Op::FloorRem) },
    Planted { name: "negation for magnitude", spoil: |program| replace_op(program, Op::Abs, Op::Neg) },
    Planted { name: "swapped shift", spoil: |program| replace_op(program, Op::Shr, Op::Shl) },
    Planted { name: "alternatives swapped", spoil: swap_alternatives },
    Planted { name: "checks left out", spoil: drop_checks },
    Planted { name: "product for sum in folds", spoil: spoil_folds },
    Planted { name: "backwards read forwards", spoil: straighten_views },
    Planted { name: "blocks of scans forgotten", spoil: forget_blocks },
    Planted { name: "gathering the first element", spoil: gather_first },
    Planted { name: "views one element early", spoil: begin_early },
    Planted { name: "loops without their first turn", spoil: skip_first_turn },
];

fn is_found(planted: &Planted) -> Result<(), String> {
    let simd = Clif::simd().map_err(|error| error.to_string())?;
    let mut spoiled = 0;
    for seed in 0..PLANTED_WITHIN {
        let generated = generate(&bytes_of(seed));
        let Some((program, inputs)) = program_of(&generated) else { continue };
        let mut wrong = hotloop_passes::run(program.clone());
        if !(planted.spoil)(&mut wrong) || hotloop_ir::verify(&wrong).is_err() {
            continue;
        }
        spoiled += 1;
        if differ(&program, &wrong, &simd, &inputs)? {
            return Ok(());
        }
    }
    Err(format!("not found within {PLANTED_WITHIN} programs, {spoiled} of which had the mistake"))
}

fn differ(right: &Program, wrong: &Program, simd: &Clif, inputs: &[testing::Input]) -> Result<bool, String> {
    let oracle = Interp.build(right).map_err(|error| error.to_string())?;
    let kernel = simd.build(wrong).map_err(|error| error.to_string())?;
    let want = testing::run(right, &*oracle, inputs, Split::Whole);
    let have = testing::run(wrong, &*kernel, inputs, Split::Whole);
    Ok(want.difference(&have).is_some())
}

/// The program of a text before the passes, and its inputs as the small host of the tests wants them.
fn program_of(generated: &Generated) -> Option<(Program, Vec<testing::Input>)> {
    let section = Section { text: generated.text.clone(), ..Section::default() };
    // Windows are left out here; that views work is shown by the trials of agreement.
    let mut plain = generated.inputs.clone();
    for input in &mut plain {
        if let Some(window) = input.window.take() {
            let count = window.shape.iter().product();
            let bits = (0..count).map(|at: usize| input.data.bits[at % input.data.bits.len()]).collect();
            input.data = Data { ty: input.data.ty, shape: window.shape, bits };
        }
    }
    let program = lower::of_case(&section, &Case::default(), &plain).ok()?;
    let inputs = plain.iter().map(|input| tensor(&input.data)).collect();
    Some((program, inputs))
}

fn tensor(data: &Data) -> testing::Input {
    if data.shape.is_empty() {
        return testing::Input::Scalar(data.get(0));
    }
    let shape: Vec<i64> = data.shape.iter().map(|extent| *extent as i64).collect();
    let values: Vec<_> = (0..data.bits.len()).map(|at| data.get(at)).collect();
    testing::Input::Array(Tensor::dense(data.ty, &shape, &values))
}

/// Changes the ops of all lanes but those on numbers of 64 bits: indices and counts are such, and with a mistake in one of
/// those a program would leave its arrays.
fn each_inst(program: &mut Program, mut change: impl FnMut(&mut Inst) -> bool) -> bool {
    let mut any = false;
    for lane in program.nests.iter_mut().map(|nest| &mut nest.lane) {
        for inst in &mut lane.values {
            let Inst::Op(op, args) = inst else { continue };
            let ty = lane.types[args[op.arity() - 1].index()];
            if !matches!(ty, Type::I64 | Type::U64) {
                any |= change(inst);
            }
        }
    }
    any
}

fn replace_op(program: &mut Program, from: Op, to: Op) -> bool {
    each_inst(program, |inst| match inst {
        Inst::Op(op, _) if *op == from => {
            *op = to;
            true
        }
        _ => false,
    })
}

fn swap_alternatives(program: &mut Program) -> bool {
    each_inst(program, |inst| match inst {
        Inst::Op(Op::Select, [_, a, b]) if a != b => {
            std::mem::swap::<Value>(a, b);
            true
        }
        _ => false,
    })
}

fn drop_checks(program: &mut Program) -> bool {
    program.nests.iter_mut().filter(|nest| !nest.axes.is_empty()).any(|nest| drop_from(&mut nest.lane.body))
}

fn drop_from(region: &mut Region) -> bool {
    let before = region.len();
    region.retain(|stmt| !matches!(stmt, Stmt::Check { .. }));
    before != region.len()
}

fn spoil_folds(program: &mut Program) -> bool {
    let folds = program.nests.iter_mut().flat_map(|nest| &mut nest.folds);
    let mut any = false;
    // What masks leave is counted by sums of whole numbers.
    for fold in folds.filter(|fold| fold.op == FoldOp::Sum && fold.ty.is_float()) {
        fold.op = FoldOp::Prod;
        any = true;
    }
    any
}

/// Turns the negative steps of views around, without moving their start.
fn straighten_views(program: &mut Program) -> bool {
    let dims = program.nests.iter_mut().flat_map(|nest| &mut nest.views).flat_map(|view| &mut view.dims);
    let mut any = false;
    for dim in dims.filter(|dim| dim.step == hotloop_ir::Extent::Const(-1)) {
        dim.step = hotloop_ir::Extent::Const(0);
        any = true;
    }
    any
}

/// Scans whose blocks do not know what comes before them.
fn forget_blocks(program: &mut Program) -> bool {
    let arrays = &program.arrays;
    let mut any = false;
    for lane in program.nests.iter_mut().map(|nest| &mut nest.lane) {
        for (inst, ty) in lane.values.iter_mut().zip(&lane.types) {
            if matches!(inst, Inst::LoadAt(array, _) if arrays[array.index()].name == "offsets") {
                *inst = Inst::Const(Scalar::new(*ty, 0));
                any = true;
            }
        }
    }
    any
}

/// Whether elements are stored at computed indices. Where a mistake would move those, they could leave their array.
fn scatters(program: &Program) -> bool {
    fn any(region: &[Stmt]) -> bool {
        region.iter().any(|stmt| matches!(stmt, Stmt::StoreAt(..)) || stmt.regions().into_iter().any(any))
    }
    program.nests.iter().any(|nest| any(&nest.lane.body))
}

/// Computed indices replaced by 0, which is inside wherever an index is.
fn gather_first(program: &mut Program) -> bool {
    if scatters(program) {
        return false;
    }
    let mut any = false;
    for lane in program.nests.iter_mut().map(|nest| &mut nest.lane) {
        let is_zero = |inst: &Inst| *inst == Inst::Const(Scalar::i64(0));
        let Some(zero) = lane.values.iter().position(is_zero) else { continue };
        for inst in &mut lane.values {
            if let Inst::LoadAt(_, index) = inst {
                any |= index.iter().any(|value| value.index() != zero);
                index.fill(Value(zero as u32));
            }
        }
    }
    any
}

/// Slices and stencils that begin one element before they should.
fn begin_early(program: &mut Program) -> bool {
    if scatters(program) {
        return false;
    }
    let dims = program.nests.iter_mut().flat_map(|nest| &mut nest.views).flat_map(|view| &mut view.dims);
    let mut any = false;
    for dim in dims {
        if let hotloop_ir::Extent::Const(start @ 1..) = &mut dim.start {
            *start -= 1;
            any = true;
        }
    }
    any
}

/// Loops inside of nests that leave their first turn out: they begin where they did plus their step.
fn skip_first_turn(program: &mut Program) -> bool {
    if scatters(program) {
        return false;
    }
    let mut any = false;
    for nest in &mut program.nests {
        let mut body = std::mem::take(&mut nest.lane.body);
        any |= skip_in(&mut body, &mut nest.lane);
        nest.lane.body = body;
    }
    any
}

fn skip_in(region: &mut Region, lane: &mut Lane) -> bool {
    let mut any = false;
    for at in (0..region.len()).rev() {
        for inner in region[at].regions_mut() {
            any |= skip_in(inner, lane);
        }
        if let Stmt::For { start, step, .. } = &mut region[at] {
            lane.values.push(Inst::Op(Op::Add, [*start, *step, *start]));
            lane.types.push(Type::I64);
            *start = Value(lane.values.len() as u32 - 1);
            let first = *start;
            region.insert(at, Stmt::Let(first));
            any = true;
        }
    }
    any
}
