//! Everything with raw pointers: calling hotloop's kernels on an argument block, offering them to C, calling C's.
//!
//! The only file of this crate with `unsafe`. `peer_resolve` is what the shared object exports: it compiles the kernel
//! of a workload and gives a function that runs it on the argument blocks it gets.

use crate::data::{Data, address};
use crate::dtype::Dtype;
use crate::kargs::{Kargs, KernelFn};
use crate::workload::{Shape, Slot, WORKLOADS, Workload};
use hotloop::{Arg, ArgumentError, Array, Call, Engine, Error, Prepared, TargetChoice, Type};
use smallvec::SmallVec;
use std::ffi::{CStr, CString, c_char, c_void};
use std::hint::black_box;
use std::path::Path;
use std::sync::OnceLock;

type Args<'a> = SmallVec<[Arg<'a>; 8]>;

/// A workload compiled for one type.
#[derive(Clone, Debug)]
pub struct Case {
    prepared: Prepared,
    workload: &'static Workload,
    dtype: Dtype,
}

impl Case {
    /// Compiles a workload for arguments like these.
    pub fn new(engine: &Engine, data: &mut Data, target: TargetChoice) -> Result<Case, Error> {
        let (workload, dtype) = (data.workload(), data.dtype());
        // SAFETY: the block of the data points to its arrays.
        unsafe { Case::of_block(engine, workload, dtype, data.kargs(), target) }
    }

    /// # Safety
    /// The block holds what the workload's table says.
    unsafe fn of_block(
        engine: &Engine,
        workload: &'static Workload,
        dtype: Dtype,
        kargs: &Kargs,
        target: TargetChoice,
    ) -> Result<Case, Error> {
        let module = engine.load(workload.text)?;
        let name = workload.kernel(dtype);
        let mut args = Args::new();
        // SAFETY: the caller's promise.
        unsafe { arguments(workload, dtype, kargs, &mut args)? };
        let types: Vec<_> = args.iter().map(hotloop::arg_type).collect();
        let prepared = module.kernel(&name)?.prepare_with(&types, &Call::new().target(target))?;
        Ok(Case { prepared, workload, dtype })
    }

    /// Runs it on data.
    pub fn run(&self, data: &mut Data) -> Result<(), Error> {
        // SAFETY: the block of the data points to its arrays, which are borrowed for the call.
        unsafe { self.call(data.kargs()) }
    }

    /// The handle.
    pub fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// # Safety
    /// The block holds what the workload's table says, and nobody else uses the outputs.
    unsafe fn call(&self, kargs: &Kargs) -> Result<(), Error> {
        // Filled where they stay: to move them would take longer than to make them.
        let (mut args, mut outs) = (Args::new(), Args::new());
        // SAFETY: the caller's promise.
        unsafe {
            arguments(self.workload, self.dtype, kargs, &mut args)?;
            self.outs(kargs, &mut outs)?;
        }
        let call = Call::new().threads(usize::try_from(kargs.threads).unwrap_or(1));
        if outs.is_empty() {
            return self.prepared.call_with(&args, &call).map(drop);
        }
        self.prepared.call_into_with(&args, &mut outs, &call)
    }

    /// # Safety
    /// As for [`Case::call`].
    unsafe fn outs<'a>(&self, kargs: &Kargs, into: &mut Args<'a>) -> Result<(), ArgumentError> {
        for ((shape, ty), base) in self.workload.outs.iter().zip(kargs.outputs) {
            // SAFETY: the caller's promise.
            into.push(unsafe { written(base, ty.unwrap_or(self.dtype.ty()), *shape, kargs)? });
        }
        Ok(())
    }
}

/// # Safety
/// The block holds what the workload's table says, for as long as the arguments are used.
unsafe fn arguments<'a>(
    workload: &Workload,
    dtype: Dtype,
    kargs: &Kargs,
    into: &mut Args<'a>,
) -> Result<(), ArgumentError> {
    for slot in workload.args {
        into.push(match *slot {
            // SAFETY: the caller's promise.
            Slot::In(index, shape) => unsafe { read(kargs.inputs[index], dtype.ty(), shape, kargs)? },
            // SAFETY: the caller's promise.
            Slot::Mut(index, shape) => unsafe { written(kargs.outputs[index], dtype.ty(), shape, kargs)? },
            Slot::Real(index) => Arg::Scalar(dtype.scalar(kargs.scalars[index])),
            Slot::Int(index) => Arg::from(kargs.scalars[index] as i32),
            Slot::Rows => Arg::from(kargs.n),
            Slot::Columns => Arg::from(kargs.m),
        });
    }
    Ok(())
}

/// # Safety
/// `base` points to an array of that shape, good for reading.
#[inline(always)]
unsafe fn read<'a>(base: *const u8, ty: Type, shape: Shape, kargs: &Kargs) -> Result<Arg<'a>, ArgumentError> {
    let (extents, strides, rank) = layout(shape, kargs);
    // SAFETY: the caller's promise.
    unsafe { Arg::from_raw(base, ty, &extents[..rank], &strides[..rank]) }
}

/// # Safety
/// `base` points to an array of that shape, good for reading and writing.
#[inline(always)]
unsafe fn written<'a>(base: *mut u8, ty: Type, shape: Shape, kargs: &Kargs) -> Result<Arg<'a>, ArgumentError> {
    let (extents, strides, rank) = layout(shape, kargs);
    // SAFETY: the caller's promise.
    unsafe { Arg::from_raw_mut(base, ty, &extents[..rank], &strides[..rank]) }
}

#[inline(always)]
fn layout(shape: Shape, kargs: &Kargs) -> ([usize; 2], [isize; 2], usize) {
    let (n, m) = (kargs.n as usize, kargs.m as usize);
    match shape {
        Shape::One => ([0, 0], [0, 0], 0),
        Shape::Rows => ([n, 0], [1, 0], 1),
        Shape::Columns => ([m, 0], [1, 0], 1),
        Shape::Grid => ([n, m], [m as isize, 1], 2),
    }
}

const TYPES: usize = Dtype::ALL.len();

/// What has been compiled for C, by workload and type. A function pointer has no place for it.
static CASES: [[OnceLock<Case>; TYPES]; WORKLOADS.len()] =
    [const { [const { OnceLock::new() }; TYPES] }; WORKLOADS.len()];
static ENGINE: OnceLock<Engine> = OnceLock::new();

macro_rules! entries {
    ($($workload:literal)*) => { [$([entry::<$workload, 0>, entry::<$workload, 1>, entry::<$workload, 2>, entry::<$workload, 3>]),*] };
}

static ENTRIES: [[KernelFn; TYPES]; WORKLOADS.len()] = entries!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);

unsafe extern "C" fn entry<const WORKLOAD: usize, const DTYPE: usize>(kargs: *mut Kargs) -> i32 {
    let Some(case) = CASES[WORKLOAD][DTYPE].get() else { return 1 };
    // SAFETY: whoever calls a kernel passes a block for its workload.
    let result = unsafe { case.call(&*kargs) };
    i32::from(result.is_err())
}

/// Compiles the kernel of a workload for a type and gives the function that runs it; null if there is none.
///
/// # Safety
/// The names are C strings, and `kargs` is a block for the workload.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn peer_resolve(
    workload: *const c_char,
    dtype: *const c_char,
    kargs: *const Kargs,
) -> Option<KernelFn> {
    // SAFETY: the caller's promise.
    let (workload, dtype) = unsafe { (CStr::from_ptr(workload), CStr::from_ptr(dtype)) };
    let (workload, dtype) = (workload.to_str().ok()?, dtype.to_str().ok()?);
    let index = WORKLOADS.iter().position(|row| row.name == workload)?;
    let (row, dtype) = (&WORKLOADS[index], Dtype::of_name(dtype)?);
    if !row.dtypes.contains(&dtype) {
        return None;
    }
    let cell = &CASES[index][dtype as usize];
    if cell.get().is_none() {
        let engine = ENGINE.get_or_init(Engine::new);
        // SAFETY: the caller's promise.
        let case = unsafe { Case::of_block(engine, row, dtype, &*kargs, TargetChoice::Auto) }.ok()?;
        cell.get_or_init(|| case);
    }
    Some(ENTRIES[index][dtype as usize])
}

/// A shared object of C kernels, never unloaded.
#[derive(Clone, Copy, Debug)]
pub struct Library(*mut c_void);

/// A kernel of a shared object.
#[derive(Clone, Copy, Debug)]
pub struct Foreign(KernelFn);

impl Library {
    /// Opens a shared object made from this crate's C sources.
    pub fn open(path: &Path) -> Option<Library> {
        let path = CString::new(path.to_str()?).ok()?;
        // SAFETY: the path is a C string; the object is one of ours, without initializers.
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        (!handle.is_null()).then_some(Library(handle))
    }

    /// The kernel of a workload.
    pub fn kernel(self, name: &str, dtype: Dtype) -> Option<Foreign> {
        let symbol = CString::new(format!("{name}_{}", dtype.name())).ok()?;
        // SAFETY: the handle is open and the symbol a C string.
        let address = unsafe { libc::dlsym(self.0, symbol.as_ptr()) };
        if address.is_null() {
            return None;
        }
        // SAFETY: every symbol of that form in our sources is a kernel.
        Some(Foreign(unsafe { std::mem::transmute::<*mut c_void, KernelFn>(address) }))
    }
}

/// A program of loops: its arrays, their extents, its numbers.
type LoopSymbol = unsafe extern "C" fn(*const *mut u8, *const i64, *const i64);

/// A program of loops in C.
#[derive(Clone, Copy, Debug)]
pub struct LoopFn(LoopSymbol);

impl Library {
    /// A program of loops.
    pub fn loop_function(self, name: &str) -> Option<LoopFn> {
        let symbol = CString::new(name).ok()?;
        // SAFETY: the handle is open and the symbol a C string.
        let address = unsafe { libc::dlsym(self.0, symbol.as_ptr()) };
        if address.is_null() {
            return None;
        }
        // SAFETY: every function of that file has this form.
        Some(LoopFn(unsafe { std::mem::transmute::<*mut c_void, LoopSymbol>(address) }))
    }
}

impl LoopFn {
    /// Runs it on the arrays that its row of the table names.
    pub fn run(self, arrays: &mut [Array], scalars: &[i64]) {
        let extents: Vec<i64> = arrays.iter().flat_map(|array| array.shape()).map(|&extent| extent as i64).collect();
        let pointers: Vec<*mut u8> = arrays.iter_mut().map(address).collect();
        // SAFETY: the arrays are borrowed for the call and have the shapes that the C function is written for.
        unsafe { (self.0)(pointers.as_ptr(), extents.as_ptr(), scalars.as_ptr()) };
    }
}

impl Foreign {
    /// Runs it on data.
    pub fn run(self, data: &mut Data) {
        // SAFETY: the block of the data points to its arrays, which are borrowed for the call.
        unsafe { (self.0)(data.kargs()) };
    }

    /// Runs it on equal parts of the elements at once. For kernels over one axis whose arrays have the data's type.
    pub fn run_on(self, data: &mut Data, threads: usize) {
        let (whole, bytes) = (*data.kargs(), data.dtype().bytes());
        let is_one = data.workload().outs.iter().all(|(shape, _)| matches!(shape, Shape::One));
        let part = |index: usize| {
            let bound = |index: usize| whole.n as usize * index / threads;
            let (start, mut part, mut value) = (bound(index) * bytes, whole, 0u64);
            part.n = (bound(index + 1) - bound(index)) as i64;
            part.inputs = whole.inputs.map(|base| if base.is_null() { base } else { base.wrapping_add(start) });
            part.outputs = whole.outputs.map(|base| if base.is_null() { base } else { base.wrapping_add(start) });
            if is_one {
                // Each part has a value of its own: together they would not be one sum, but they move the same bytes.
                part.outputs[0] = (&raw mut value).cast();
            }
            // SAFETY: the parts lie inside the arrays, which are borrowed for the call, and do not overlap.
            unsafe { (self.0)(&mut part) };
            black_box(value);
        };
        rayon::in_place_scope(|scope| {
            let part = Parallel(&part);
            (1..threads).for_each(|index| scope.spawn(move |_| part.run(index)));
            part.run(0);
        });
    }
}

/// Something to run on several threads that holds addresses.
#[derive(Clone, Copy)]
struct Parallel<'a>(&'a dyn Fn(usize));

impl Parallel<'_> {
    fn run(self, index: usize) {
        (self.0)(index);
    }
}

// SAFETY: what is run holds addresses of arrays that are borrowed until all parts are done, and numbers.
unsafe impl Send for Parallel<'_> {}

/// Keeps the calling thread on one processor, so that it is not moved while it is timed; false if that is not possible.
#[cfg(target_os = "linux")]
pub fn pin(processor: usize) -> bool {
    // SAFETY: the set is a plain bit mask that the calls read and write within its size.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(processor % libc::CPU_SETSIZE as usize, &mut set);
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set) == 0
    }
}

/// Lets the calling thread run on every processor.
#[cfg(target_os = "linux")]
pub fn unpin() -> bool {
    // SAFETY: as in `pin`.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        for processor in 0..libc::CPU_SETSIZE as usize {
            libc::CPU_SET(processor, &mut set);
        }
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set) == 0
    }
}

/// Not possible on this system.
#[cfg(not(target_os = "linux"))]
pub fn pin(_processor: usize) -> bool {
    false
}

/// Not possible on this system.
#[cfg(not(target_os = "linux"))]
pub fn unpin() -> bool {
    false
}
