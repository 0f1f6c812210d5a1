//! Compile times and throughput of a few kernels: `speed [NAME-PART]`.

#![allow(clippy::print_stdout, reason = "a program whose purpose is to print")]

use hotloop_clif::Clif;
use hotloop_ir::build::LaneBuilder;
use hotloop_ir::program::Value;
use hotloop_ir::{AxisKind, Extent, FoldDest, FoldOp, Layout, Op, Program, Scalar, SlotId, Stmt, Type};
use hotloop_target::frame::{CANCEL_WORD, HOST_WORD};
use hotloop_target::testing::{Domain, Make, dim, scheduled};
use hotloop_target::{FaultRecord, FrameLayout, HostTable, Kernel, Status, Target};
use std::time::{Duration, Instant};

/// A kernel over vectors of `n` elements, all of one type.
struct Bench {
    name: &'static str,
    ty: Type,
    arrays: usize,
    /// Columns of the arrays of two axes; the last axis of the result.
    columns: usize,
    flops: f64,
    lanes: &'static [u32],
    program: Program,
}

fn number(lane: &mut LaneBuilder, ty: Type, value: f64) -> Value {
    lane.const_(if ty == Type::F32 { Scalar::f32(value as f32) } else { Scalar::f64(value) })
}

/// `arrays` inputs and, for maps, one array written in place.
fn vectors(
    name: &'static str,
    ty: Type,
    inputs: usize,
    kind: AxisKind,
    body: impl FnOnce(&mut Make, &mut Domain, &[Value]) -> Option<Value>,
) -> Program {
    let mut make = Make::new(name);
    let arrays: Vec<_> = (0..inputs).map(|_| make.input(ty, 1, Layout::Dense)).collect();
    let out = make.in_place(ty, 1, Layout::Dense);
    let n = make.extents(out);
    let mut domain = Domain::new(&[(kind, Extent::Slot(n[0]))]);
    let views: Vec<_> = arrays.iter().map(|array| domain.view(*array, &[dim(0)])).collect();
    let loaded: Vec<_> = views.iter().map(|view| domain.lane.load(*view, ty)).collect();
    if let Some(value) = body(&mut make, &mut domain, &loaded) {
        let view = domain.view(out, &[dim(0)]);
        domain.lane.push(Stmt::Store(view, value));
    }
    make.run(domain);
    make.program
}

fn axpy(name: &'static str, ty: Type) -> Program {
    let mut make = Make::new(name);
    let a = make.param(ty);
    let x = make.input(ty, 1, Layout::Dense);
    let y = make.in_place(ty, 1, Layout::Dense);
    let n = make.extents(y);
    let mut domain = Domain::parallel(&n);
    let (x, y) = (domain.view(x, &[dim(0)]), domain.view(y, &[dim(0)]));
    let scale = domain.lane.slot(a, ty);
    let (x, old) = (domain.lane.load(x, ty), domain.lane.load(y, ty));
    let sum = domain.lane.op(Op::Fma, &[scale, x, old]);
    domain.lane.push(Stmt::Store(y, sum));
    make.run(domain);
    make.program
}

fn horner(name: &'static str, ty: Type) -> Program {
    vectors(name, ty, 1, AxisKind::Parallel, |_, domain, loaded| {
        let lane = &mut domain.lane;
        let mut acc = number(lane, ty, 1.0);
        for k in 1..=20 {
            let c = number(lane, ty, 1.0 / f64::from(k + 1));
            acc = lane.op(Op::Fma, &[acc, loaded[0], c]);
        }
        Some(acc)
    })
}

fn fold(name: &'static str, ty: Type, op: FoldOp, inputs: usize) -> Program {
    vectors(name, ty, inputs, AxisKind::Reduce, |make, domain, loaded| {
        let value = if inputs == 2 { domain.lane.op(Op::Mul, &[loaded[0], loaded[1]]) } else { loaded[0] };
        let slot: SlotId = make.slot(ty);
        make.result(slot);
        domain.fold(op, FoldDest::Slot(slot), value);
        None
    })
}

/// About what Black-Scholes costs: logarithms and exponentials as polynomials with `getexp`, `getmant` and `ldexp`.
fn options(name: &'static str, ty: Type) -> Program {
    vectors(name, ty, 3, AxisKind::Parallel, |_, domain, loaded| {
        let lane = &mut domain.lane;
        let [s, k, t] = [loaded[0], loaded[1], loaded[2]];
        let ratio = lane.op(Op::Div, &[s, k]);
        let log = logarithm(lane, ty, ratio);
        let root = lane.op(Op::Sqrt, &[t]);
        let (rate, spread) = (number(lane, ty, 0.07), number(lane, ty, 0.3));
        let drift = lane.op(Op::Fma, &[rate, t, log]);
        let width = lane.op(Op::Mul, &[spread, root]);
        let d1 = lane.op(Op::Div, &[drift, width]);
        let d2 = lane.op(Op::Sub, &[d1, width]);
        let (n1, n2) = (normal(lane, ty, d1), normal(lane, ty, d2));
        let rt = lane.op(Op::Mul, &[rate, t]);
        let rt = lane.op(Op::Neg, &[rt]);
        let discount = exponential(lane, ty, rt);
        let discounted = lane.op(Op::Mul, &[k, discount]);
        let (left, right) = (lane.op(Op::Mul, &[s, n1]), lane.op(Op::Mul, &[discounted, n2]));
        Some(lane.op(Op::Sub, &[left, right]))
    })
}

fn polynomial(lane: &mut LaneBuilder, ty: Type, x: Value, terms: i32) -> Value {
    let mut acc = number(lane, ty, 0.1);
    for k in 0..terms {
        let c = number(lane, ty, 1.0 / f64::from(terms - k + 1));
        acc = lane.op(Op::Fma, &[acc, x, c]);
    }
    acc
}

fn exponential(lane: &mut LaneBuilder, ty: Type, x: Value) -> Value {
    let (low, high) = (number(lane, ty, -80.0), number(lane, ty, 80.0));
    let x = lane.op(Op::Max, &[x, low]);
    let x = lane.op(Op::Min, &[x, high]);
    let log2e = number(lane, ty, std::f64::consts::LOG2_E);
    let scaled = lane.op(Op::Mul, &[x, log2e]);
    let n = lane.op(Op::Round, &[scaled]);
    let (low, high) = (number(lane, ty, -120.0), number(lane, ty, 120.0));
    let n = lane.op(Op::Max, &[n, low]);
    let n = lane.op(Op::Min, &[n, high]);
    let step = number(lane, ty, -std::f64::consts::LN_2);
    let rest = lane.op(Op::Fma, &[n, step, x]);
    let p = polynomial(lane, ty, rest, 12);
    lane.op(Op::Ldexp, &[p, n])
}

fn logarithm(lane: &mut LaneBuilder, ty: Type, x: Value) -> Value {
    let (e, m) = (lane.op(Op::Getexp, &[x]), lane.op(Op::Getmant, &[x]));
    let one = number(lane, ty, 1.0);
    let two = number(lane, ty, 2.0);
    let (f, d) = (lane.op(Op::Sub, &[m, one]), lane.op(Op::Add, &[m, two]));
    let s = lane.op(Op::Div, &[f, d]);
    let z = lane.op(Op::Mul, &[s, s]);
    let p = polynomial(lane, ty, z, 10);
    let p = lane.op(Op::Mul, &[p, s]);
    let ln2 = number(lane, ty, std::f64::consts::LN_2);
    lane.op(Op::Fma, &[e, ln2, p])
}

fn normal(lane: &mut LaneBuilder, ty: Type, x: Value) -> Value {
    let size = lane.op(Op::Abs, &[x]);
    let square = lane.op(Op::Mul, &[x, x]);
    let minus_half = number(lane, ty, -0.5);
    let power = lane.op(Op::Mul, &[square, minus_half]);
    let e = exponential(lane, ty, power);
    let one = number(lane, ty, 1.0);
    let d = lane.op(Op::Add, &[size, one]);
    let t = lane.op(Op::Div, &[one, d]);
    let tail = polynomial(lane, ty, t, 10);
    let tail = lane.op(Op::Mul, &[tail, e]);
    let upper = lane.op(Op::Sub, &[one, tail]);
    let zero = number(lane, ty, 0.0);
    let below = lane.op(Op::Lt, &[x, zero]);
    lane.op(Op::Select, &[below, tail, upper])
}

fn escape(name: &'static str, ty: Type) -> Program {
    vectors(name, ty, 2, AxisKind::Parallel, |_, domain, loaded| {
        let lane = &mut domain.lane;
        let (zr, zi, n) = (lane.local(ty), lane.local(ty), lane.local(ty));
        lane.begin();
        let (a, b, count) = (lane.get(zr), lane.get(zi), lane.get(n));
        let (aa, bb) = (lane.op(Op::Mul, &[a, a]), lane.op(Op::Mul, &[b, b]));
        let size = lane.op(Op::Add, &[aa, bb]);
        let (four, limit) = (number(lane, ty, 4.0), number(lane, ty, 200.0));
        let inside = lane.op(Op::Le, &[size, four]);
        let early = lane.op(Op::Lt, &[count, limit]);
        let on = lane.op(Op::And, &[inside, early]);
        let off = lane.op(Op::Not, &[on]);
        lane.begin();
        lane.push(Stmt::Break(0));
        let then = lane.end();
        lane.push(Stmt::If { cond: off, then, otherwise: Vec::new() });
        let difference = lane.op(Op::Sub, &[aa, bb]);
        let real = lane.op(Op::Add, &[difference, loaded[0]]);
        let twice = lane.op(Op::Add, &[a, a]);
        let imaginary = lane.op(Op::Fma, &[twice, b, loaded[1]]);
        lane.set(zr, real);
        lane.set(zi, imaginary);
        let one = number(lane, ty, 1.0);
        let next = lane.op(Op::Add, &[count, one]);
        lane.set(n, next);
        let body = lane.end();
        lane.push(Stmt::Loop(body));
        Some(lane.get(n))
    })
}

/// A fold of a matrix over one axis.
fn matrix_fold(name: &'static str, op: FoldOp, folded: u32) -> Program {
    let mut make = Make::new(name);
    let matrix = make.input(Type::F64, 2, Layout::Dense);
    let result = make.in_place(Type::F64, 1, Layout::Dense);
    let n = make.extents(matrix);
    let kind = |axis| if axis == folded { AxisKind::Reduce } else { AxisKind::Parallel };
    let mut domain = Domain::new(&[0, 1].map(|axis| (kind(axis), Extent::Slot(n[axis as usize]))));
    let view = domain.view(matrix, &[dim(0), dim(1)]);
    let dest = domain.view(result, &[dim(1 - folded)]);
    let element = domain.lane.load(view, Type::F64);
    domain.fold(op, FoldDest::View(dest), element);
    make.run(domain);
    make.program
}

fn benches() -> Vec<Bench> {
    let bench = |name, ty, arrays, flops, lanes, program| Bench { name, ty, arrays, columns: 0, flops, lanes, program };
    let matrix = |name, columns, op, folded| {
        let program = matrix_fold(name, op, folded);
        Bench { name, ty: Type::F64, arrays: 1, columns, flops: 1.0, lanes: &[1, 4, 8], program }
    };
    let (f32, f64) = (Type::F32, Type::F64);
    let wide: &[u32] = &[1, 4, 8, 16];
    vec![
        bench("axpy f32", f32, 1, 2.0, wide, axpy("axpy f32", f32)),
        bench("axpy f64", f64, 1, 2.0, &[1, 2, 4, 8], axpy("axpy f64", f64)),
        bench("horner f64", f64, 1, 40.0, &[1, 4, 8, 16], horner("horner f64", f64)),
        bench("sum f64", f64, 1, 1.0, &[1, 4, 8, 16], fold("sum f64", f64, FoldOp::Sum, 1)),
        bench("sum f32", f32, 1, 1.0, wide, fold("sum f32", f32, FoldOp::Sum, 1)),
        bench("dot f64", f64, 2, 2.0, &[1, 4, 8, 16], fold("dot f64", f64, FoldOp::Sum, 2)),
        bench("max f64", f64, 1, 1.0, &[1, 4, 8, 16], fold("max f64", f64, FoldOp::Max, 1)),
        bench("options f64", f64, 3, 120.0, &[1, 2, 4, 8], options("options f64", f64)),
        bench("options f32", f32, 3, 120.0, &[1, 4, 8, 16], options("options f32", f32)),
        bench("escape f64", f64, 2, 1.0, &[1, 2, 4, 8], escape("escape f64", f64)),
        bench("escape f32", f32, 2, 1.0, &[1, 4, 8, 16], escape("escape f32", f32)),
        matrix("sum of columns, 2000 wide", 2000, FoldOp::Sum, 0),
        matrix("sum of columns, 100 wide", 100, FoldOp::Sum, 0),
        matrix("sum of columns, 3 wide", 3, FoldOp::Sum, 0),
        matrix("max of columns, 2000 wide", 2000, FoldOp::Max, 0),
        matrix("sum of rows, 500 wide", 500, FoldOp::Sum, 1),
        matrix("sum of rows, 10 wide", 10, FoldOp::Sum, 1),
        matrix("sum of rows, 3 wide", 3, FoldOp::Sum, 1),
        matrix("max of rows, 10 wide", 10, FoldOp::Max, 1),
    ]
}

unsafe extern "C" fn no_alloc(_: *mut u8, _: *mut u64, _: u32) -> i32 {
    Status::Host as i32
}

/// Partial results, from memory that is large enough for these kernels.
unsafe extern "C" fn partials(data: *mut u8, frame: *mut u64, _: u32, _: i64) -> i32 {
    // SAFETY: `data` points to the address of the scratch memory and the frame's word for nest 1.
    unsafe {
        let [address, word] = *data.cast::<[u64; 2]>();
        *frame.add(word as usize) = address;
    }
    Status::Ok as i32
}

unsafe extern "C" fn no_threads(
    _: *mut u8,
    _: *mut u64,
    _: *mut FaultRecord,
    _: hotloop_target::frame::NestFn,
    _: u32,
    _: i64,
) -> i32 {
    Status::Host as i32
}

fn time(bench: &Bench, kernel: &dyn Kernel, n: usize) -> f64 {
    let layout = FrameLayout::of(&bench.program);
    let size = bench.ty.bytes();
    let mut memory: Vec<Vec<u64>> = (0..=bench.arrays).map(|_| vec![0; n * size / 8 + 8]).collect();
    for (which, array) in memory.iter_mut().enumerate() {
        for i in 0..n {
            let value = 0.1 + ((i / 64 * 7 + which * 13) % 64) as f64 / 400.0 + (i % 8) as f64 / 1e4;
            let bits = if size == 4 { u64::from((value as f32).to_bits()) } else { value.to_bits() };
            let word = i * size / 8;
            array[word] |= bits << (i * size % 8 * 8);
        }
    }
    let mut scratch = vec![0u64; n + 4096];
    let mut data = [scratch.as_mut_ptr() as u64, layout.partials(hotloop_ir::NestId(1)) as u64];
    let table = HostTable {
        data: (&raw mut data).cast(),
        alloc: no_alloc,
        free: no_alloc,
        matmul: no_alloc,
        partials,
        par_for: no_threads,
    };
    let cancel = 0u8;
    let mut frame = vec![0u64; layout.words()];
    frame[HOST_WORD] = &raw const table as u64;
    frame[CANCEL_WORD] = &raw const cancel as u64;
    for (index, array) in memory.iter_mut().enumerate() {
        let id = hotloop_ir::ArrayId(index as u32);
        frame[layout.base(id)] = array.as_mut_ptr() as u64;
        if layout.rank(id) == 2 {
            frame[layout.extent(id, 0)] = (n / bench.columns) as u64;
            frame[layout.stride(id, 0)] = (bench.columns * size) as u64;
            frame[layout.extent(id, 1)] = bench.columns as u64;
            frame[layout.stride(id, 1)] = size as u64;
        } else {
            frame[layout.extent(id, 0)] = n as u64;
            frame[layout.stride(id, 0)] = size as u64;
        }
    }
    frame[layout.slot(SlotId(0))] = if size == 4 { u64::from(0.001f32.to_bits()) } else { 0.001f64.to_bits() };
    let mut best = Duration::MAX;
    let repeats = (20_000_000 / n).clamp(1, 2000);
    for _ in 0..12 {
        let start = Instant::now();
        for _ in 0..repeats {
            let mut fault = FaultRecord::default();
            // SAFETY: the frame holds all that the program needs, and the memory outlives the call.
            let status = unsafe { kernel.run(frame.as_mut_ptr(), &mut fault) };
            assert_eq!(status, Status::Ok);
        }
        best = best.min(start.elapsed() / repeats as u32);
        if start.elapsed() > Duration::from_millis(300) {
            break;
        }
    }
    best.as_secs_f64() * 1e9 / n as f64
}

fn compile_time(target: &Clif, program: &Program) -> (f64, f64, usize) {
    let mut compiles = Vec::new();
    let mut loads = Vec::new();
    let mut bytes = 0;
    for _ in 0..60 {
        let start = Instant::now();
        let artifact = target.compile(program).expect("a program that compiles");
        let middle = Instant::now();
        let kernel = target.load(&artifact).expect("an artifact that loads");
        loads.push(middle.elapsed().as_secs_f64() * 1e6);
        compiles.push((middle - start).as_secs_f64() * 1e6);
        bytes = artifact.code.len();
        drop(kernel);
    }
    compiles.sort_by(f64::total_cmp);
    loads.sort_by(f64::total_cmp);
    (compiles[30], loads[30], bytes)
}

fn main() {
    let part = std::env::args().nth(1).unwrap_or_default();
    let target = Clif::simd().expect("machine code for this machine");
    let quick = target.quick().expect("machine code for this machine");
    println!(
        "{:26} {:>5} {:>9} {:>7} {:>7} {:>7}   ns per element at n = 1000, 100000, 4000000",
        "", "lanes", "compile", "quick", "load", "bytes"
    );
    for bench in benches().into_iter().filter(|bench| bench.name.contains(&part)) {
        for &lanes in bench.lanes {
            let program = scheduled(&bench.program, lanes, false);
            let (compile, load, bytes) = compile_time(&target, &program);
            let (fast, ..) = compile_time(&quick, &program);
            let kernel = target.build(&program).expect("a program that compiles");
            let times: Vec<f64> = [1000, 100_000, 4_000_000].into_iter().map(|n| time(&bench, &*kernel, n)).collect();
            println!(
                "{:26} {lanes:5} {compile:7.0}us {fast:5.0}us {load:5.1}us {bytes:7}   {:8.3} {:8.3} {:8.3}   {:6.2} Gop/s",
                bench.name,
                times[0],
                times[1],
                times[2],
                bench.flops / times[0]
            );
        }
    }
}
