//! The argument block that kernels of every origin take, hotloop's and C's alike.

/// The arguments of one call. The layout is that of a C structure; which member holds what depends on the workload.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Kargs {
    /// Elements, or rows.
    pub n: i64,
    /// Columns; 1 where there are none.
    pub m: i64,
    /// How many threads the kernel may use.
    pub threads: i32,
    /// Not used.
    pub flags: i32,
    /// The arrays that are read.
    pub inputs: [*const u8; 6],
    /// The arrays that are written.
    pub outputs: [*mut u8; 4],
    /// Scalar parameters.
    pub scalars: [f64; 8],
}

/// A kernel: 0 when it did the work.
pub type KernelFn = unsafe extern "C" fn(*mut Kargs) -> i32;

impl Default for Kargs {
    fn default() -> Kargs {
        Kargs {
            n: 0,
            m: 1,
            threads: 1,
            flags: 0,
            inputs: [std::ptr::null(); 6],
            outputs: [std::ptr::null_mut(); 4],
            scalars: [0.0; 8],
        }
    }
}
