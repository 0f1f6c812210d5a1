//! What a driver keeps of IEEE arithmetic, found out by computing: drivers may fuse, reassociate, approximate and flush
//! without saying so.
//!
//! One small program runs over inputs chosen so that each liberty shows in a result.

use crate::device::{Device, DeviceError};
use crate::kernel::{GpuKernel, unsupported};
use hotloop_ir::semantics::eval;
use hotloop_ir::{ArrayId, Op, Program, Scalar, Type, read};
use hotloop_target::{FaultRecord, FrameLayout, Kernel, Status};
use std::sync::Arc;

/// What holds for floats of one type on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exactness {
    /// `fma` rounds once.
    pub fma: bool,
    /// `a*b + c` rounds twice and `(a - b) + b` is computed as written.
    pub order: bool,
    /// Quotients are rounded correctly.
    pub division: bool,
    /// Square roots are rounded correctly.
    pub sqrt: bool,
    /// Results below the smallest normal number are not flushed to zero.
    pub subnormals: bool,
    /// A NaN differs from itself.
    pub nan: bool,
}

/// The program: a row of results per liberty. `TYPE` stands for the element type.
const PROGRAM: &str = r#"hotloop ir 1
program "selftest"
array a0 "a" TYPE[1] input dense
array a1 "b" TYPE[1] input dense
array a2 "c" TYPE[1] input dense
array a3 "fma" TYPE[1] mut dense
array a4 "contract" TYPE[1] mut dense
array a5 "reorder" TYPE[1] mut dense
array a6 "divide" TYPE[1] mut dense
array a7 "sqrt" TYPE[1] mut dense
array a8 "scale" TYPE[1] mut dense
array a9 "nan" bool[1] mut dense
param a0
param a1
param a2
param a3
param a4
param a5
param a6
param a7
param a8
param a9
nest n0 {
  axis parallel 8
  view w0 a0[x0]
  view w1 a1[x0]
  view w2 a2[x0]
  view w3 a3[x0]
  view w4 a4[x0]
  view w5 a5[x0]
  view w6 a6[x0]
  view w7 a7[x0]
  view w8 a8[x0]
  view w9 a9[x0]
  lane {
    v0: TYPE = load w0
    v1: TYPE = load w1
    v2: TYPE = load w2
    v3: TYPE = fma v0, v1, v2
    store w3, v3
    v4: TYPE = mul v0, v1
    v5: TYPE = add v4, v2
    store w4, v5
    v6: TYPE = sub v0, v1
    v7: TYPE = add v6, v1
    store w5, v7
    v8: TYPE = div v0, v1
    store w6, v8
    v9: TYPE = sqrt v1
    store w7, v9
    v10: TYPE = mul v2, v2
    store w8, v10
    v11: bool = ne v0, v0
    store w9, v11
  }
}
steps {
  run n0
}
"#;

const POINTS: usize = 8;
const ARRAYS: usize = 10;

/// The three inputs: an infinity and NaNs, sums that cancel, quotients and roots that are hard to round, and a `c`
/// whose square is subnormal.
fn inputs(ty: Type) -> [[f64; POINTS]; 3] {
    let (unit, tiny) =
        if ty == Type::F32 { (2f64.powi(-23), 2f64.powi(-64)) } else { (2f64.powi(-52), 2f64.powi(-512)) };
    let near = 1.0 + unit;
    [
        [near, 1.0, f64::NAN, 7.0, 5.0, near, 1.1, 0.7],
        [near, 1e7, 2.0, 3.0, 49.0, 3.0, 1.3, 1e5],
        [-1.0 - 2.0 * unit, tiny, 1.0, -21.0, tiny * 1.5, -3.0, -1.43, 3.3],
    ]
}

fn scalar(ty: Type, value: f64) -> Scalar {
    if ty == Type::F32 { Scalar::f32(value as f32) } else { Scalar::f64(value) }
}

impl Device {
    /// Whether `fma` rounds once; found out when it is first asked.
    pub(crate) fn fuses(self: &Arc<Device>, ty: Type) -> bool {
        let at = usize::from(ty == Type::F64);
        *self.fuses[at].get_or_init(|| matches!(self.exactness(ty), Ok(Some(Exactness { fma: true, .. }))))
    }

    /// Finds out what the driver keeps; none where the device has no such type.
    ///
    /// # Errors
    /// If the device fails.
    pub fn exactness(self: &Arc<Device>, ty: Type) -> Result<Option<Exactness>, DeviceError> {
        let program = read(&PROGRAM.replace("TYPE", ty.name()));
        let program = program.map_err(|error| DeviceError::Refused(format!("{error:?}")))?;
        if !ty.is_float() || unsupported(&program, self.info.f64, self.info.i64).is_some() {
            return Ok(None);
        }
        let results = run(self, &program, ty)?;
        let input = inputs(ty).map(|row| row.map(|value| scalar(ty, value)));
        let holds = |row: usize, expected: &dyn Fn(Scalar, Scalar, Scalar) -> Scalar| {
            (0..POINTS).all(|at| {
                let wanted = expected(input[0][at], input[1][at], input[2][at]);
                let found = Scalar::new(wanted.ty, results[row][at]);
                found == wanted || (found.is_nan() && wanted.is_nan())
            })
        };
        Ok(Some(Exactness {
            fma: holds(0, &|a, b, c| eval(Op::Fma, &[a, b, c])),
            order: holds(1, &|a, b, c| eval(Op::Add, &[eval(Op::Mul, &[a, b]), c]))
                && holds(2, &|a, b, _| eval(Op::Add, &[eval(Op::Sub, &[a, b]), b])),
            division: holds(3, &|a, b, _| eval(Op::Div, &[a, b])),
            sqrt: holds(4, &|_, b, _| eval(Op::Sqrt, &[b])),
            subnormals: holds(5, &|_, _, c| eval(Op::Mul, &[c, c])),
            nan: holds(6, &|a, _, _| eval(Op::Ne, &[a, a])),
        }))
    }
}

/// Runs the program over memory of its own; gives the rows of results.
fn run(device: &Arc<Device>, program: &Program, ty: Type) -> Result<Vec<[u64; POINTS]>, DeviceError> {
    let layout = FrameLayout::of(program);
    let mut memory = vec![[0u64; POINTS]; ARRAYS];
    for (row, values) in memory.iter_mut().zip(inputs(ty)) {
        // Elements stand side by side, so four-byte ones fill half of the row.
        let bytes: Vec<u8> =
            values.iter().flat_map(|value| scalar(ty, *value).bits.to_le_bytes()[..ty.bytes()].to_vec()).collect();
        for (word, chunk) in row.iter_mut().zip(bytes.chunks(8)) {
            *word = chunk.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
    }
    let mut frame = vec![0u64; layout.words()];
    for (index, row) in memory.iter_mut().enumerate() {
        let array = ArrayId(index as u32);
        frame[layout.base(array)] = row.as_mut_ptr().expose_provenance() as u64;
        frame[layout.extent(array, 0)] = POINTS as u64;
        frame[layout.stride(array, 0)] = program.array(array).ty.bytes() as u64;
    }
    let kernel = GpuKernel::plain(device.clone(), program.clone());
    let mut fault = FaultRecord::default();
    // SAFETY: the frame has the layout's words; each array has eight elements in a row of its own, none is allocated
    // during the call, and a cancel flag of null is none.
    let status = unsafe { kernel.run(frame.as_mut_ptr(), &mut fault) };
    if status != Status::Ok {
        return Err(DeviceError::Refused(kernel.failure().unwrap_or_else(|| "the self-test did not run".to_owned())));
    }
    let size = |row: usize| program.array(ArrayId(row as u32)).ty.bytes();
    let element = |row: usize, at: usize| {
        let byte = at * size(row);
        let mask = if size(row) == 8 { u64::MAX } else { (1 << (8 * size(row))) - 1 };
        memory[row][byte / 8] >> (8 * (byte % 8)) & mask
    };
    Ok((3..ARRAYS).map(|row| std::array::from_fn(|at| element(row, at))).collect())
}
