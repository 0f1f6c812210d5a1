//! One call: arguments into a frame, the kernel over it, results out of it.
//!
//! Owns the order of a call and the checks that keep it sound: kinds, writability, overlap, `out` arrays. A warm call
//! on small arrays allocates nothing but its results. One of the files with `unsafe`: it runs compiled code.

use crate::arg::{Arg, Seen};
use crate::array::Array;
use crate::compile;
use crate::device;
use crate::engine::Inner;
use crate::error::{ArgumentError, Error, RunError};
use crate::fault;
use crate::host::{Failure, Host, Splitting};
use crate::job::Origin;
use crate::options::Call;
use crate::plan::{ParamPlan, Plan, ResultPlan, frame_scalar};
use crate::progress::Progress;
use crate::tiers::Code;
use crate::value::{Outputs, Value};
use crate::view::{Parts, copy_elements, meet};
use hotloop_ir::Layout;
use hotloop_source::Source;
use hotloop_target::frame::{CANCEL_WORD, HOST_WORD};
use hotloop_target::{FaultRecord, Kernel, Status};
use smallvec::SmallVec;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::time::Instant;

/// A kernel with all that a call needs.
pub(crate) struct Compiled {
    pub(crate) code: Code,
    pub(crate) plan: Plan,
    /// The text, for the places of faults.
    pub(crate) source: Source,
    pub(crate) splitting: Splitting,
    /// For named arguments: which argument each parameter takes.
    pub(crate) order: Vec<usize>,
    pub(crate) origin: Origin,
}

/// Arguments by parameter.
#[derive(Clone, Copy)]
pub(crate) enum Args<'x, 'a> {
    Positional(&'x [Arg<'a>]),
    Named(&'x [(&'x str, Arg<'a>)], &'x [usize]),
}

impl<'x, 'a> Args<'x, 'a> {
    pub(crate) fn seen(&self, param: usize) -> Option<Seen<'x>> {
        match self {
            Args::Positional(args) => args.get(param).map(Arg::seen),
            Args::Named(args, order) => args.get(*order.get(param)?).map(|(_, arg)| arg.seen()),
        }
    }

    /// The arguments by parameter.
    #[cfg(feature = "gpu")]
    pub(crate) fn in_order(&self) -> Box<dyn Iterator<Item = &'x Arg<'a>> + 'x> {
        match *self {
            Args::Positional(args) => Box::new(args.iter()),
            Args::Named(args, order) => Box::new(order.iter().filter_map(move |at| args.get(*at)).map(|(_, arg)| arg)),
        }
    }

    /// The arguments in the order they were given.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'x Arg<'a>> {
        let (positional, named): (&'x [Arg<'a>], &'x [(&'x str, Arg<'a>)]) = match *self {
            Args::Positional(args) => (args, &[]),
            Args::Named(args, _) => (&[], args),
        };
        positional.iter().chain(named.iter().map(|(_, arg)| arg))
    }
}

pub(crate) type Frame = SmallVec<[u64; 48]>;
type Direct<'x> = SmallVec<[Option<&'x Parts>; 2]>;

/// What the flag of a call without a token points to.
static NEVER: AtomicU8 = AtomicU8::new(0);

/// Runs a kernel; results that have an `out` are written there and not given back.
pub(crate) fn invoke(
    engine: &Inner,
    compiled: &Arc<Compiled>,
    args: Args<'_, '_>,
    outs: Option<&[Arg<'_>]>,
    call: &Call<'_>,
) -> Result<Outputs, Error> {
    if compiled.code.is_worth_waiting(|| work(&compiled.plan, &args)) {
        compile::timed(engine, call, || {
            compiled.code.settle();
            Ok(())
        })?;
    }
    let start = call.timing.map(|_| Instant::now());
    let result = match concerns(&args, outs, call) {
        false => run(engine, compiled, args, outs, call),
        true => compile::guarded(|| device::invoke(engine, compiled, args, outs, call)),
    };
    if let (Some(timing), Some(start)) = (call.timing, start) {
        timing.add_run(start.elapsed());
    }
    result
}

fn run(
    engine: &Inner,
    compiled: &Arc<Compiled>,
    args: Args<'_, '_>,
    outs: Option<&[Arg<'_>]>,
    call: &Call<'_>,
) -> Result<Outputs, Error> {
    let plan = &compiled.plan;
    let mut frame: Frame = SmallVec::from_elem(0, plan.words);
    fill(plan, &args, &mut frame)?;
    // Kept alive until the kernel has run: the frame points to them.
    let _copies = if plan.writes_params { separate(plan, &args, &mut frame)? } else { SmallVec::new() };
    let direct = match outs {
        Some(outs) => direct_outs(plan, &args, outs)?,
        None => Direct::new(),
    };
    let threads = call.threads.unwrap_or(engine.threads.count());
    let mut host = Host::new(plan, &engine.threads, &engine.kept, &direct)
        .with_splitting(compiled.splitting, threads)
        .with_memory_limit(engine.memory_limit)
        .with_progress(call.progress.map(Progress::shared));
    let turn = compiled.begin(&engine.background);
    // SAFETY: `fill` has filled the frame, which stays where it is until the guard is gone; targets write slots by
    // machine code or atomically.
    let watch = call.progress.map(|progress| unsafe { progress.shared().watch(frame.as_ptr(), compiled.clone()) });
    let done = enter(compiled, turn.kernel, &mut frame, &mut host, call);
    drop(watch);
    done?;
    compiled.end(&turn, &engine.background);
    match outs {
        Some(outs) => store(plan, &frame, &mut host, &direct, outs).map(|()| Outputs::default()),
        None => collect(plan, &frame, &mut host),
    }
}

/// Whether a call is about the device: it has an array there, or asks for results there.
pub(crate) fn concerns(args: &Args<'_, '_>, outs: Option<&[Arg<'_>]>, call: &Call<'_>) -> bool {
    let is_there = |arg: &Arg<'_>| matches!(arg, Arg::Device(_) | Arg::DeviceMut(_));
    call.on_device || args.iter().any(is_there) || outs.is_some_and(|outs| outs.iter().any(is_there))
}

/// What a call has to do, in estimated nanoseconds, as far as the arguments tell.
fn work(plan: &Plan, args: &Args<'_, '_>) -> f64 {
    let sizes = (0..plan.params.len()).filter_map(|param| parts_of(args, param)).map(Parts::len);
    let cost: f64 = plan.nests.iter().map(|nest| nest.cost.typical()).sum();
    sizes.max().unwrap_or(0) as f64 * cost
}

/// Puts the arguments into the frame; of arrays on the device, all but the address.
pub(crate) fn fill(plan: &Plan, args: &Args<'_, '_>, frame: &mut Frame) -> Result<(), Error> {
    for (index, param) in plan.params.iter().enumerate() {
        match (param, args.seen(index)) {
            (ParamPlan::Scalar { word, ty, .. }, Some(Seen::Scalar(scalar) | Seen::Weak(scalar)))
                if scalar.ty == *ty =>
            {
                frame[*word] = scalar.bits;
                if ty.is_complex() {
                    frame[*word + 1] = scalar.imag;
                }
            }
            (ParamPlan::Array { name, mutable: true, .. }, Some(Seen::Array(_) | Seen::Device(_, false))) => {
                return Err(ArgumentError::ReadOnly { kernel: plan.kernel.clone(), name: name.clone() }.into());
            }
            (ParamPlan::Array { base, ty, rank, .. }, Some(Seen::Array(parts) | Seen::ArrayMut(parts)))
                if parts.ty == *ty && parts.shape.len() == *rank =>
            {
                put(frame, *base, parts);
            }
            (ParamPlan::Array { base, ty, rank, .. }, Some(Seen::Device(array, _)))
                if array.ty() == *ty && array.shape().len() == *rank =>
            {
                put(frame, *base, &Parts::nowhere(array.ty(), array.shape()));
            }
            // The signature holds the types, so this is no mistake of the caller's.
            (ParamPlan::Scalar { name, .. } | ParamPlan::Array { name, .. }, _) => {
                return Err(Error::Bug(format!("`{}` was compiled for another type of `{name}`", plan.kernel)));
            }
        }
    }
    Ok(())
}

/// Puts one array into the frame. Axes of one point have no stride of their own: they get the one the layout promises,
/// as do all axes of an array without gaps.
fn put(frame: &mut Frame, base: usize, parts: &Parts) {
    let size = parts.ty.bytes() as i64;
    let rank = parts.shape.len();
    let dense = parts.layout() == Layout::Dense;
    let axes = rank + usize::from(parts.ty.is_complex());
    let (extents, strides) = frame[base + 1..base + 1 + 2 * axes].split_at_mut(axes);
    if axes > rank {
        (extents[rank], strides[rank]) = (2, parts.ty.part().bytes() as u64);
    }
    // Extents of an empty array may be huge; its strides are never used.
    let mut canonical = size;
    for (axis, (&extent, &stride)) in parts.shape.iter().zip(&parts.strides).enumerate().rev() {
        extents[axis] = extent as u64;
        let own = if dense || extent <= 1 { canonical } else { (stride as i64).wrapping_mul(size) };
        strides[axis] = own as u64;
        canonical = canonical.wrapping_mul(extent as i64);
    }
    frame[base] = parts.base.expose_provenance() as u64;
}

/// Copies every array that is only read but shares memory with a written one; refuses two written ones that do.
fn separate(plan: &Plan, args: &Args<'_, '_>, frame: &mut Frame) -> Result<SmallVec<[Array; 1]>, Error> {
    let mut copies = SmallVec::new();
    for (index, param) in plan.params.iter().enumerate() {
        let ParamPlan::Array { base, mutable, name, .. } = param else { continue };
        let Some(parts) = parts_of(args, index) else { continue };
        for other in 0..plan.params.len() {
            let ParamPlan::Array { mutable: true, name: written, .. } = &plan.params[other] else { continue };
            let shares = other != index && parts_of(args, other).is_some_and(|other| other.overlaps(parts));
            if shares && *mutable {
                return Err(shared(plan, format!("`{written}`"), format!("`{name}`")));
            }
            if shares {
                let copy = copy_of(parts)?;
                put(frame, *base, &Parts::of_array(&copy));
                copies.push(copy);
                break;
            }
        }
    }
    Ok(copies)
}

fn parts_of<'x>(args: &Args<'x, '_>, param: usize) -> Option<&'x Parts> {
    match args.seen(param)? {
        Seen::Array(parts) | Seen::ArrayMut(parts) => Some(parts),
        Seen::Scalar(_) | Seen::Weak(_) | Seen::Device(..) => None,
    }
}

fn copy_of(parts: &Parts) -> Result<Array, Error> {
    let copy = Array::uninit(parts.ty, &parts.shape)?;
    // SAFETY: the argument's elements are readable, and the copy has as many of the same type in memory of its own.
    unsafe { copy_elements(parts, &Parts::of_array(&copy)) };
    Ok(copy)
}

fn shared(plan: &Plan, first: String, second: String) -> Error {
    ArgumentError::Shared { kernel: plan.kernel.clone(), first, second }.into()
}

/// Checks the `out` arrays and says which of them the kernel can write directly: those without gaps that share no
/// memory with an argument.
fn direct_outs<'x>(plan: &Plan, args: &Args<'x, '_>, outs: &'x [Arg<'_>]) -> Result<Direct<'x>, Error> {
    if outs.len() != plan.results.len() {
        let (expected, found) = (plan.results.len(), outs.len());
        return Err(ArgumentError::OutCount { kernel: plan.kernel.clone(), expected, found }.into());
    }
    let mut direct = Direct::new();
    for (index, (result, out)) in plan.results.iter().zip(outs).enumerate() {
        let parts = check_out(plan, index, result, out)?;
        let span = parts.span();
        let mut apart = true;
        for param in 0..plan.params.len() {
            if parts_of(args, param).is_some_and(|other| meet(other.span(), span)) {
                let param = &plan.params[param];
                if matches!(param, ParamPlan::Array { mutable: true, .. }) {
                    return Err(shared(plan, format!("`{}`", param.name()), format!("`out` {index}")));
                }
                apart = false;
            }
        }
        for (earlier, other) in outs[..index].iter().enumerate() {
            if out_parts(other).is_some_and(|other| meet(other.span(), span)) {
                return Err(shared(plan, format!("`out` {earlier}"), format!("`out` {index}")));
            }
        }
        let own = matches!(result, ResultPlan::Array { first, .. } if *first == index);
        direct.push((own && apart && parts.layout() == Layout::Dense).then_some(parts));
    }
    Ok(direct)
}

fn check_out<'x>(plan: &Plan, index: usize, result: &ResultPlan, out: &'x Arg<'_>) -> Result<&'x Parts, Error> {
    let kernel = || plan.kernel.clone();
    let parts = out_parts(out).ok_or_else(|| ArgumentError::OutKind { kernel: kernel(), index })?;
    let (expected, is_scalar) = match result {
        ResultPlan::Scalar { ty, .. } => (*ty, true),
        ResultPlan::Array { ty, .. } => (*ty, false),
    };
    if parts.ty != expected {
        return Err(ArgumentError::OutType { kernel: kernel(), index, expected, found: parts.ty }.into());
    }
    if is_scalar && !parts.shape.is_empty() {
        return Err(out_shape(plan, index, &[], parts));
    }
    Ok(parts)
}

fn out_parts<'x>(out: &'x Arg<'_>) -> Option<&'x Parts> {
    match out {
        Arg::ViewMut(view) => Some(view.parts()),
        Arg::View(_) | Arg::Scalar(_) | Arg::Weak(_) | Arg::Device(_) | Arg::DeviceMut(_) => None,
    }
}

fn out_shape(plan: &Plan, index: usize, expected: &[usize], found: &Parts) -> Error {
    let (expected, found) = (expected.to_vec(), found.shape.to_vec());
    ArgumentError::OutShape { kernel: plan.kernel.clone(), index, expected, found }.into()
}

/// Runs the code over a filled frame.
fn enter(
    compiled: &Compiled,
    kernel: &dyn Kernel,
    frame: &mut Frame,
    host: &mut Host<'_>,
    call: &Call<'_>,
) -> Result<(), Error> {
    if call.cancel.is_some_and(|token| token.is_cancelled()) {
        return Err(RunError::Cancelled.into());
    }
    let flag = call.cancel.map_or(&NEVER, |token| token.flag());
    let table = host.table();
    frame[HOST_WORD] = (&raw const table).expose_provenance() as u64;
    frame[CANCEL_WORD] = flag.as_ptr().expose_provenance() as u64;
    let mut record = FaultRecord::default();
    let status = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the frame has the plan's number of words, and `fill` has put in every parameter; the arguments are
        // borrowed for the whole call, written ones from exclusive borrows, and `separate` has seen to overlap; the
        // host, its table and the flag outlive the call.
        unsafe { kernel.run(frame.as_mut_ptr(), &mut record) }
    }));
    match status {
        Ok(Status::Ok) => Ok(()),
        Ok(Status::Cancelled) => Err(RunError::Cancelled.into()),
        Ok(Status::Fault) => Err(fault_error(compiled, &record, frame)),
        Ok(Status::Host) => Err(match host.take_failure() {
            Some(Failure::Run(error)) => error.into(),
            Some(Failure::Bug(detail)) => Error::Bug(detail),
            None => match kernel.failure() {
                Some(reason) => RunError::Device(reason).into(),
                None => Error::Bug("compiled code gave up without saying why".to_owned()),
            },
        }),
        Err(_) => Err(Error::Bug(format!("the target panicked while running `{}`", compiled.plan.kernel))),
    }
}

/// What a record tells, as an error.
pub(crate) fn fault_error(compiled: &Compiled, record: &FaultRecord, frame: &[u64]) -> Error {
    match fault::fault(&compiled.plan, &compiled.source, record, frame) {
        Some(fault) => RunError::Fault(Box::new(fault)).into(),
        None => Error::Bug(format!("fault at a place that is not known: {record:?}")),
    }
}

/// The results, in order.
fn collect(plan: &Plan, frame: &Frame, host: &mut Host<'_>) -> Result<Outputs, Error> {
    let mut outputs = Outputs::default();
    for (index, result) in plan.results.iter().enumerate() {
        let value = match result {
            ResultPlan::Scalar { ty, word } => Some(Value::Scalar(frame_scalar(*ty, frame, *word))),
            ResultPlan::Array { first, .. } if *first < index => outputs.get(*first).cloned(),
            ResultPlan::Array { .. } => host.take_result(index).map(Value::Array),
        };
        outputs.push(value.ok_or_else(|| not_made(plan, index))?);
    }
    Ok(outputs)
}

/// Puts the results that were not written directly into their `out`.
fn store(plan: &Plan, frame: &Frame, host: &mut Host<'_>, direct: &Direct<'_>, outs: &[Arg<'_>]) -> Result<(), Error> {
    for (index, result) in plan.results.iter().enumerate() {
        let Some(out) = out_parts(&outs[index]) else { continue };
        match result {
            ResultPlan::Scalar { ty, word } => {
                let (bytes, size) = frame_scalar(*ty, frame, *word).to_bytes();
                // SAFETY: `check_out` has found one element of this type, which the caller lends for writing.
                unsafe { out.base.copy_from_nonoverlapping(bytes.as_ptr(), size) };
            }
            ResultPlan::Array { first, .. } if *first < index => {
                let source = out_parts(&outs[*first]).ok_or_else(|| not_made(plan, index))?;
                copy_out(plan, index, source, out)?;
            }
            ResultPlan::Array { .. } if direct[index].is_some() => {}
            ResultPlan::Array { .. } => {
                let made = host.take_result(index).ok_or_else(|| not_made(plan, index))?;
                copy_out(plan, index, &Parts::of_array(&made), out)?;
            }
        }
    }
    Ok(())
}

fn copy_out(plan: &Plan, index: usize, from: &Parts, out: &Parts) -> Result<(), Error> {
    if from.shape != out.shape {
        return Err(out_shape(plan, index, &from.shape, out));
    }
    // SAFETY: the types have been found equal, and so have the shapes; the source is a result in memory of its own or
    // another `out`, which shares no memory with this one; the caller lends `out` for writing.
    unsafe { copy_elements(from, out) };
    Ok(())
}

fn not_made(plan: &Plan, index: usize) -> Error {
    Error::Bug(format!("result {index} of `{}` was not made", plan.kernel))
}
