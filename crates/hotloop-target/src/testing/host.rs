//! The host: builds a frame from tensors, answers the callbacks, runs a kernel and collects what it left.
//!
//! The `unsafe` blocks are those of the callbacks, which get the host back from the pointer it gave to the kernel.

use super::tensor::Tensor;
use crate::frame::{CANCEL_WORD, HOST_WORD, NestFn};
use crate::matmul::Resolved;
use crate::{FaultRecord, FrameLayout, HostTable, Kernel, Status};
use hotloop_ir::{ArrayId, MatMul, NestId, Param, Program, ResultRef, Role, Scalar, SlotId, Type};
use std::sync::atomic::AtomicU8;

/// An argument.
#[derive(Clone, Debug)]
pub enum Input {
    /// For a scalar parameter.
    Scalar(Scalar),
    /// For an array parameter.
    Array(Tensor),
}

/// A result.
#[derive(Clone, Debug)]
pub enum Output {
    /// A scalar.
    Scalar(Scalar),
    /// An array.
    Array(Tensor),
}

/// How the host runs the tiles of a threaded nest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// In one piece, in order.
    Whole,
    /// In uneven pieces, last first, on the calling thread.
    Backwards,
    /// In uneven pieces on this many threads.
    Threads(usize),
}

/// How to make one call.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// How threaded nests are split.
    pub split: Split,
    /// The flag that stops the kernel when it is not 0.
    pub cancel: &'a AtomicU8,
}

/// What a call left.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it ended.
    pub status: Status,
    /// The fault, if that is how it ended.
    pub fault: Option<FaultRecord>,
    /// The results, if all went well.
    pub results: Vec<Output>,
    /// The array arguments after the call, in order.
    pub arrays: Vec<Tensor>,
}

/// Runs a kernel that nothing cancels.
pub fn run(program: &Program, kernel: &dyn Kernel, inputs: &[Input], split: Split) -> Outcome {
    run_call(program, kernel, inputs, Call { split, cancel: &AtomicU8::new(0) })
}

/// Runs a kernel.
///
/// # Panics
/// If the program breaks a rule, the inputs do not fit the parameters, the kernel wrote outside its arrays, or a callback was misused.
pub fn run_call(program: &Program, kernel: &dyn Kernel, inputs: &[Input], call: Call<'_>) -> Outcome {
    hotloop_ir::verify(program).unwrap_or_else(|error| panic!("`{}`: {error}", program.name));
    let layout = FrameLayout::of(program);
    let mut host = Host::new(program, layout.clone(), call.split);
    let mut frame = vec![0u64; layout.words()];
    host.bind(program, inputs, &mut frame);
    let table = HostTable { data: (&raw mut host).cast(), alloc, free, matmul, partials, par_for };
    frame[HOST_WORD] = (&raw const table) as u64;
    frame[CANCEL_WORD] = call.cancel.as_ptr() as u64;
    let mut fault = FaultRecord::default();
    // SAFETY: the frame has the layout of this program, its words are filled as documented, the tensors it points to
    // stay alive and unmoved inside `host`, and each tensor has memory of its own.
    let status = unsafe { kernel.run(frame.as_mut_ptr(), &mut fault) };
    host.check_guards(program);
    Outcome {
        status,
        fault: (status == Status::Fault).then_some(fault),
        results: if status == Status::Ok { host.results(program, &frame) } else { Vec::new() },
        arrays: program.params.iter().filter_map(|param| host.argument(param)).collect(),
    }
}

impl Outcome {
    /// What differs between two outcomes, if anything: any NaN equals any NaN, and after a fault only the records
    /// count.
    pub fn difference(&self, other: &Outcome) -> Option<String> {
        if self.status != other.status || self.fault != other.fault {
            let show = |outcome: &Outcome| format!("{:?} {:?}", outcome.status, outcome.fault);
            return Some(format!("{} against {}", show(self), show(other)));
        }
        if self.status != Status::Ok {
            return None;
        }
        let mut results = self.results.iter().zip(&other.results).enumerate();
        let differing =
            results.find_map(|(i, (a, b))| output_difference(a, b).map(|what| format!("result {i}: {what}")));
        let arrays = || {
            let mut pairs = self.arrays.iter().zip(&other.arrays).enumerate();
            pairs.find_map(|(i, (a, b))| tensor_difference(a, b).map(|what| format!("array argument {i}: {what}")))
        };
        differing.or_else(arrays)
    }
}

fn output_difference(a: &Output, b: &Output) -> Option<String> {
    match (a, b) {
        (Output::Scalar(a), Output::Scalar(b)) => (!same(*a, *b)).then(|| format!("{a} against {b}")),
        (Output::Array(a), Output::Array(b)) => tensor_difference(a, b),
        (Output::Scalar(_), Output::Array(_)) | (Output::Array(_), Output::Scalar(_)) => Some("another kind".into()),
    }
}

fn tensor_difference(a: &Tensor, b: &Tensor) -> Option<String> {
    if (a.ty, &a.shape) != (b.ty, &b.shape) {
        return Some(format!("{}{:?} against {}{:?}", a.ty, a.shape, b.ty, b.shape));
    }
    let (values, others) = (a.values(), b.values());
    let at = values.iter().zip(&others).position(|(a, b)| !same(*a, *b))?;
    Some(format!("element {at} of {:?}: {} against {}", a.shape, values[at], others[at]))
}

/// Equal bits, or both NaN.
fn same(a: Scalar, b: Scalar) -> bool {
    a == b || (a.ty == b.ty && a.is_nan() && b.is_nan())
}

/// 64 bytes aligned to 64.
#[derive(Clone)]
#[repr(align(64))]
struct Line(#[expect(dead_code, reason = "only compiled code reads it")] [u8; 64]);

/// What the callbacks need.
struct Host {
    layout: FrameLayout,
    arrays: Vec<(Type, Role)>,
    tensors: Vec<Option<Tensor>>,
    partials: Vec<Vec<Line>>,
    split: Split,
    products: Vec<MatMul>,
}

impl Host {
    fn new(program: &Program, layout: FrameLayout, split: Split) -> Host {
        Host {
            layout,
            arrays: program.arrays.iter().map(|array| (array.ty, array.role)).collect(),
            tensors: vec![None; program.arrays.len()],
            partials: vec![Vec::new(); program.nests.len()],
            split,
            products: program.products.clone(),
        }
    }

    fn bind(&mut self, program: &Program, inputs: &[Input], frame: &mut [u64]) {
        assert_eq!(inputs.len(), program.params.len(), "`{}` takes another number of inputs", program.name);
        for (param, input) in program.params.iter().zip(inputs) {
            match (param, input) {
                (Param::Scalar(slot), Input::Scalar(scalar)) => {
                    assert_eq!(scalar.ty, program.slot(*slot).ty, "a scalar of another type");
                    frame[self.layout.slot(*slot)] = scalar.bits;
                }
                (Param::Array(array), Input::Array(tensor)) => {
                    let wanted = program.array(*array);
                    assert_eq!((tensor.ty, tensor.shape.len()), (wanted.ty, wanted.rank as usize), "another array");
                    self.put(*array, tensor.clone(), frame);
                }
                (Param::Pair(pair), Input::Scalar(scalar)) => {
                    for (slot, part) in pair.iter().zip(scalar.parts()) {
                        frame[self.layout.slot(*slot)] = part.bits;
                    }
                }
                (Param::Scalar(_) | Param::Pair(_), Input::Array(_)) | (Param::Array(_), Input::Scalar(_)) => {
                    panic!("`{}` takes another kind of input", program.name)
                }
            }
        }
    }

    /// Keeps a tensor and writes where it is into the frame.
    fn put(&mut self, array: ArrayId, tensor: Tensor, frame: &mut [u64]) {
        let tensor = self.tensors[array.index()].insert(tensor);
        frame[self.layout.base(array)] = tensor.base() as u64;
        for (axis, (extent, stride)) in tensor.shape.iter().zip(&tensor.strides).enumerate() {
            frame[self.layout.extent(array, axis)] = *extent as u64;
            frame[self.layout.stride(array, axis)] = *stride as u64;
        }
    }

    fn make(&mut self, array: ArrayId, frame: &mut [u64]) -> Status {
        let (ty, role) = self.arrays[array.index()];
        assert!(matches!(role, Role::Output | Role::Temp), "memory asked for a parameter");
        let rank = self.layout.rank(array);
        let shape: Vec<i64> = (0..rank).map(|axis| frame[self.layout.extent(array, axis)] as i64).collect();
        let elements = shape.iter().try_fold(1i64, |product, extent| product.checked_mul(*extent));
        if shape.iter().any(|extent| *extent < 0) || elements.is_none_or(|elements| elements > 1 << 24) {
            return Status::Host;
        }
        let kept = self.tensors[array.index()].take().filter(|old| old.shape == shape);
        self.put(array, kept.unwrap_or_else(|| Tensor::fresh(ty, &shape)), frame);
        Status::Ok
    }

    /// Forgets a temporary: whoever uses it again finds nothing.
    fn free(&mut self, array: ArrayId, frame: &mut [u64]) -> Status {
        assert_eq!(self.arrays[array.index()].1, Role::Temp, "only temporaries are freed");
        let tensor = self.tensors[array.index()].take().expect("what is freed has been allocated");
        assert!(tensor.guards_intact(), "the kernel wrote outside the elements of a temporary");
        frame[self.layout.base(array)] = 0;
        Status::Ok
    }

    /// A matrix product, element by element.
    fn matmul(&self, product: usize, frame: &[u64]) -> Status {
        let product = &self.products[product];
        let Resolved { extents, c, a, b } = Resolved::of(product, &self.layout, |word| frame[word]);
        let ty = self.arrays[product.c.array.index()].0;
        let (summed, points) = (extents[extents.len() - 1], extents[..extents.len() - 1].iter().product::<i64>());
        let mut coords = vec![0; extents.len()];
        for linear in 0..points {
            let mut rest = linear;
            for (coord, extent) in coords.iter_mut().zip(&extents).rev().skip(1) {
                (*coord, rest) = (rest % extent, rest / extent);
            }
            let mut sum = 0.0;
            for k in 0..summed {
                coords[extents.len() - 1] = k;
                sum += read(ty, a.at(&coords)) * read(ty, b.at(&coords));
            }
            write(ty, c.at(&coords), sum);
        }
        Status::Ok
    }

    fn check_guards(&self, program: &Program) {
        for (tensor, array) in self.tensors.iter().zip(&program.arrays) {
            let intact = tensor.as_ref().is_none_or(Tensor::guards_intact);
            assert!(intact, "`{}` wrote outside the elements of `{}`", program.name, array.name);
        }
    }

    fn results(&self, program: &Program, frame: &[u64]) -> Vec<Output> {
        let result = |result: &ResultRef| match result {
            ResultRef::Scalar(slot) => Output::Scalar(self.slot(program, *slot, frame)),
            ResultRef::Pair([real, imag]) => {
                let [real, imag] = [real, imag].map(|slot| self.slot(program, *slot, frame));
                let ty = real.ty.complex().unwrap_or(real.ty);
                Output::Scalar(Scalar::complex(ty, real.bits, imag.bits))
            }
            ResultRef::Array(array) => {
                Output::Array(self.tensors[array.index()].clone().expect("a result has been allocated"))
            }
        };
        program.results.iter().map(result).collect()
    }

    fn slot(&self, program: &Program, slot: SlotId, frame: &[u64]) -> Scalar {
        let (ty, bits) = (program.slot(slot).ty, frame[self.layout.slot(slot)]);
        assert_eq!(bits & !ty.mask(), 0, "`{}` left a slot that is not zero-extended", program.name);
        Scalar::new(ty, bits)
    }

    fn argument(&self, param: &Param) -> Option<Tensor> {
        match param {
            Param::Scalar(_) | Param::Pair(_) => None,
            Param::Array(array) => self.tensors[array.index()].clone(),
        }
    }
}

unsafe extern "C" fn alloc(data: *mut u8, frame: *mut u64, array: u32) -> i32 {
    // SAFETY: `data` is the host of this call, which only the driver's thread uses while no nest runs.
    let host = unsafe { &mut *data.cast::<Host>() };
    // SAFETY: `frame` is the frame of this call, with as many words as its layout.
    let frame = unsafe { std::slice::from_raw_parts_mut(frame, host.layout.words()) };
    host.make(ArrayId(array), frame) as i32
}

/// The float at an address of a tensor.
fn read(ty: Type, address: u64) -> f64 {
    // SAFETY: the program promises that its views stay inside their arrays, which are tensors of this host.
    unsafe {
        match ty {
            Type::F32 => f64::from((address as *const f32).read_unaligned()),
            _ => (address as *const f64).read_unaligned(),
        }
    }
}

fn write(ty: Type, address: u64, value: f64) {
    // SAFETY: as for reading; the verifier lets products write only what may be written.
    unsafe {
        match ty {
            Type::F32 => (address as *mut f32).write_unaligned(value as f32),
            _ => (address as *mut f64).write_unaligned(value),
        }
    }
}

unsafe extern "C" fn free(data: *mut u8, frame: *mut u64, array: u32) -> i32 {
    // SAFETY: `data` is the host of this call, which only the driver's thread uses while no nest runs.
    let host = unsafe { &mut *data.cast::<Host>() };
    // SAFETY: `frame` is the frame of this call, with as many words as its layout.
    let frame = unsafe { std::slice::from_raw_parts_mut(frame, host.layout.words()) };
    host.free(ArrayId(array), frame) as i32
}

unsafe extern "C" fn matmul(data: *mut u8, frame: *mut u64, product: u32) -> i32 {
    // SAFETY: `data` is the host of this call, which only the driver's thread uses while no nest runs.
    let host = unsafe { &*data.cast::<Host>() };
    // SAFETY: `frame` is the frame of this call, with as many words as its layout.
    let frame = unsafe { std::slice::from_raw_parts(frame, host.layout.words()) };
    host.matmul(product as usize, frame) as i32
}

unsafe extern "C" fn partials(data: *mut u8, frame: *mut u64, nest: u32, bytes: i64) -> i32 {
    // SAFETY: `data` is the host of this call, which only the driver's thread uses while no nest runs.
    let host = unsafe { &mut *data.cast::<Host>() };
    let Ok(bytes) = usize::try_from(bytes) else { return Status::Host as i32 };
    // Whoever reads what no tile has written finds a pattern, not zeros.
    host.partials[nest as usize] = vec![Line([0xc3; 64]); bytes.div_ceil(64)];
    let address = host.partials[nest as usize].as_mut_ptr() as u64;
    // SAFETY: the word of this nest lies in the frame.
    unsafe { *frame.add(host.layout.partials(NestId(nest))) = address };
    Status::Ok as i32
}

unsafe extern "C" fn par_for(
    data: *mut u8,
    frame: *mut u64,
    fault: *mut FaultRecord,
    run: NestFn,
    _nest: u32,
    tiles: i64,
) -> i32 {
    // SAFETY: `data` is the host of this call, and only read here.
    let split = unsafe { (*data.cast::<Host>()).split };
    let worker = Worker { frame, run };
    let outcomes = match split {
        Split::Whole => vec![worker.run(0, tiles)],
        Split::Backwards => pieces(tiles).into_iter().rev().map(|(lo, hi)| worker.run(lo, hi)).collect(),
        Split::Threads(threads) => worker.run_on(threads, &pieces(tiles)),
    };
    let worst = outcomes.iter().map(|(status, _)| *status).find(|status| !matches!(status, Status::Ok | Status::Fault));
    let first = outcomes.iter().filter(|(status, _)| *status == Status::Fault).min_by_key(|(_, record)| record.linear);
    match (worst, first) {
        (Some(status), _) => status as i32,
        (None, None) => Status::Ok as i32,
        (None, Some((status, record))) => {
            // SAFETY: the driver passes the record of this call.
            unsafe { *fault = *record };
            *status as i32
        }
    }
}

/// Tiles `0 .. tiles` in pieces of 1, 2, 3, 1, 2, 3 … tiles.
fn pieces(tiles: i64) -> Vec<(i64, i64)> {
    let mut pieces = Vec::new();
    let mut lo = 0;
    while lo < tiles {
        let hi = (lo + 1 + pieces.len() as i64 % 3).min(tiles);
        pieces.push((lo, hi));
        lo = hi;
    }
    pieces
}

/// What a thread needs to run tiles.
#[derive(Clone, Copy)]
struct Worker {
    frame: *mut u64,
    run: NestFn,
}

// SAFETY: workers share the frame by contract, and each has a fault record of its own.
unsafe impl Send for Worker {}
// SAFETY: as above.
unsafe impl Sync for Worker {}

impl Worker {
    fn run(&self, lo: i64, hi: i64) -> (Status, FaultRecord) {
        let mut record = FaultRecord::default();
        // SAFETY: the kernel asked for these tiles to be run over this frame.
        let raw = unsafe { (self.run)(self.frame, &mut record, lo, hi) };
        (Status::from_raw(raw), record)
    }

    fn run_on(&self, threads: usize, pieces: &[(i64, i64)]) -> Vec<(Status, FaultRecord)> {
        let share = |first: usize| move || self.run_some(pieces.iter().skip(first).step_by(threads));
        std::thread::scope(|scope| {
            let handles: Vec<_> = (0..threads).map(|first| scope.spawn(share(first))).collect();
            handles.into_iter().flat_map(|handle| handle.join().expect("a worker does not panic")).collect()
        })
    }

    fn run_some<'a>(&self, pieces: impl Iterator<Item = &'a (i64, i64)>) -> Vec<(Status, FaultRecord)> {
        pieces.map(|(lo, hi)| self.run(*lo, *hi)).collect()
    }
}
