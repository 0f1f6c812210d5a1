//! A program on a device: its shaders, made once, and the pipelines made of them.
//!
//! One of the files with `unsafe`: it hands SPIR-V to the driver, and reads and writes the caller's frame.

use crate::device::{Device, DeviceError};
use crate::launch::Launched;
use crate::memory::Memory;
use crate::pipelines::Shared;
use crate::run::{Ended, Run};
use crate::scalar::is_scalar;
use crate::shade::{self, Shader};
use crate::strict;
use hotloop_ir::program::ProductId;
use hotloop_ir::{ArrayId, FoldDest, FoldId, Inst, MatMul, Nest, NestId, Op, Program, Stmt, Type};
use hotloop_target::frame::HEADER_WORDS;
use hotloop_target::{FaultRecord, FrameLayout, Kernel, Status};
use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

thread_local! {
    /// Why the last run on this thread gave up.
    static FAILURE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// How often an inner loop is taken to turn.
const TURNS: u64 = 32;

/// A shader with its pipeline.
pub(crate) struct Stage {
    pub(crate) shader: Shader,
    /// Arrays whose elements are found by computed indices, so that all of them must be bound.
    pub(crate) whole: Vec<ArrayId>,
    /// Operations of a point, roughly.
    operations: u64,
    /// Whether points may cost different times.
    uneven: bool,
    /// What a workgroup costs in seconds, with the digest of the scalars for which that was measured.
    cost: Mutex<Option<(u64, f64)>>,
    pipeline: OnceLock<Result<Arc<Shared>, DeviceError>>,
}

impl Stage {
    fn new(shader: Shader, nest: &Nest) -> Stage {
        let uneven = has_loops(&nest.lane.body);
        let operations = nest.lane.values.len() as u64 * if uneven { TURNS } else { 1 };
        Stage::with_costs(shader, nest, operations, uneven)
    }

    fn with_costs(shader: Shader, nest: &Nest, operations: u64, uneven: bool) -> Stage {
        let (whole, cost, pipeline) = (shade::computed(nest), Mutex::new(None), OnceLock::new());
        Stage { shader, whole, operations, uneven, cost, pipeline }
    }

    /// Whether points may cost different times.
    pub(crate) fn is_uneven(&self) -> bool {
        self.uneven
    }

    /// Operations of a point, roughly.
    pub(crate) fn operations(&self) -> u64 {
        self.operations.max(1)
    }

    /// What a workgroup costs in seconds, if it was measured for these scalars.
    pub(crate) fn cost_of_group(&self, scalars: u64) -> Option<f64> {
        let known = *self.cost.lock().unwrap_or_else(PoisonError::into_inner);
        known.filter(|(of, _)| *of == scalars || !self.uneven).map(|(_, cost)| cost)
    }

    /// Notes what a workgroup has cost; of uneven ones the dearest counts.
    pub(crate) fn note_cost(&self, scalars: u64, cost: f64) {
        let mut known = self.cost.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.filter(|(of, _)| *of == scalars && self.uneven).map_or(0.0, |(_, cost)| cost);
        *known = Some((scalars, cost.max(before)));
    }

    /// The pipeline, compiled by the driver when it is first needed.
    pub(crate) fn pipeline(&self, device: &Device) -> Result<&wgpu::ComputePipeline, DeviceError> {
        let made = self.pipeline.get_or_init(|| {
            let spirv = strict::spirv(&self.shader.module).map_err(DeviceError::Refused)?;
            let shared = device.pipelines.of(&self.shader, spirv);
            let made = shared.pipeline.get_or_init(|| {
                let passed = device.is_strict().then(|| shared.spirv.clone());
                device.guarded(|| pipeline(device, &self.shader, passed))
            });
            made.as_ref().map_err(Clone::clone)?;
            Ok(shared)
        });
        let shared = made.as_ref().map_err(Clone::clone)?;
        match shared.pipeline.get() {
            Some(Ok(pipeline)) => Ok(pipeline),
            Some(Err(error)) => Err(error.clone()),
            None => Err(DeviceError::Refused("a pipeline went missing".to_owned())),
        }
    }
}

fn pipeline(device: &Device, shader: &Shader, spirv: Option<Vec<u32>>) -> wgpu::ComputePipeline {
    let module = match spirv {
        Some(words) => {
            let size = shader.module.entry_points[0].workgroup_size;
            let entry = wgpu::PassthroughShaderEntryPoint { name: "main".into(), workgroup_size: size.into() };
            let descriptor = wgpu::ShaderModuleDescriptorPassthrough {
                label: None,
                spirv: Some(words.into()),
                entry_points: Cow::Owned(vec![entry]),
                ..Default::default()
            };
            // SAFETY: naga wrote the code from a module it had found valid, with its checks of every index; what was
            // added are decorations that only forbid the driver to rearrange.
            unsafe { device.device.create_shader_module_passthrough(descriptor) }
        }
        None => device.device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Naga(Cow::Owned(shader.module.clone())),
        }),
    };
    let entries: Vec<wgpu::BindGroupLayoutEntry> = shader
        .buffers
        .iter()
        .enumerate()
        .map(|(binding, (_, written))| wgpu::BindGroupLayoutEntry {
            binding: binding as u32,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Storage { read_only: !written },
                has_dynamic_offset: false,
                min_binding_size: None,
            },
            count: None,
        })
        .collect();
    let group =
        device.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries });
    let layout = device.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: None,
        bind_group_layouts: &[Some(&group)],
        immediate_size: 0,
    });
    device.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: None,
        layout: Some(&layout),
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions {
            // Our shaders write shared memory before they read it.
            zero_initialize_workgroup_memory: false,
            ..Default::default()
        },
        cache: None,
    })
}

/// How a nest runs.
pub(crate) enum Work {
    /// On the host.
    Scalar,
    /// As a shader, with one more per fold.
    Shaders(Box<Stage>, Vec<Stage>),
}

/// A matrix product: its domain, as a nest without code, and the shader.
pub(crate) struct Product {
    pub(crate) domain: Nest,
    pub(crate) stage: Stage,
}

impl Product {
    fn of(program: &Program, product: &MatMul) -> Product {
        let domain = shade::domain(product);
        // A tile costs as much as its sums are long.
        let stage = Stage::with_costs(shade::product(program, &domain), &domain, 1, true);
        Product { domain, stage }
    }
}

/// A program on a device. Clones share everything.
#[derive(Clone)]
pub struct GpuKernel(Arc<Loaded>);

/// What clones of a kernel share.
pub(crate) struct Loaded {
    pub(crate) device: Arc<Device>,
    pub(crate) program: Program,
    pub(crate) layout: FrameLayout,
    work: Vec<Work>,
    products: Vec<Product>,
}

impl Loaded {
    fn of(device: Arc<Device>, program: Program, fused: &dyn Fn(&Nest) -> bool) -> Loaded {
        let work = program.nests.iter().map(|nest| work_of(&program, nest, fused(nest))).collect();
        let products = program.products.iter().map(|product| Product::of(&program, product)).collect();
        Loaded { device, layout: FrameLayout::of(&program), program, work, products }
    }
}

impl GpuKernel {
    /// The shaders of a program as they are for a device whose `fma` is what it should be.
    pub(crate) fn plain(device: Arc<Device>, program: Program) -> GpuKernel {
        GpuKernel(Arc::new(Loaded::of(device, program, &|_| true)))
    }

    /// The shaders of a program that `unsupported` has nothing against.
    pub(crate) fn new(device: Arc<Device>, program: Program) -> GpuKernel {
        GpuKernel(Arc::new(Loaded::of(device.clone(), program, &|nest| fuses(&device, nest))))
    }

    /// The device.
    pub fn device(&self) -> &Arc<Device> {
        &self.0.device
    }

    /// Hands a call to the device without waiting for more than the steps between nests need. Arrays are given by
    /// their number in the program; those that are not there are read from the host before this returns. Results and
    /// written arrays stay on the device. A call that is awaited is cut so that it can be cancelled, which means that
    /// most of it has ended when this returns.
    ///
    /// # Errors
    /// If the device fails.
    ///
    /// # Safety
    /// `frame` is as `Kernel::run` asks for, but that it needs no callbacks, and that arrays on the device need no
    /// address. No array on the host is written.
    pub unsafe fn launch(
        &self,
        frame: &[u64],
        arrays: &[Option<Memory>],
        is_awaited: bool,
    ) -> Result<Launched, DeviceError> {
        let mut leases: Vec<_> =
            arrays.iter().map(|array| array.as_ref().map(|memory| memory.lease().clone())).collect();
        leases.resize(self.0.program.arrays.len(), None);
        // SAFETY: the caller promises what `Run::new` asks for.
        let run = unsafe { Run::new(self.0.clone(), frame.to_vec(), leases, false, is_awaited)? };
        Launched::begin(run)
    }
}

impl Loaded {
    pub(crate) fn work(&self, nest: NestId) -> &Work {
        &self.work[nest.index()]
    }

    pub(crate) fn product(&self, product: ProductId) -> &Product {
        &self.products[product.index()]
    }
}

/// Whether the device's own `fma` serves a nest: it rounds once, or nothing else could be relied on to do so. Asked only
/// where there is one.
fn fuses(device: &Arc<Device>, nest: &Nest) -> bool {
    if !device.keeps_order() {
        return true;
    }
    let lane = &nest.lane;
    let types = lane.values.iter().zip(&lane.types);
    let mut fmas = types.filter(|(inst, _)| matches!(inst, Inst::Op(Op::Fma, _))).map(|(_, ty)| *ty);
    fmas.all(|ty| device.fuses(ty))
}

fn work_of(program: &Program, nest: &Nest, fused: bool) -> Work {
    if is_scalar(nest) {
        return Work::Scalar;
    }
    let main = Stage::new(shade::shade(program, nest, fused), nest);
    let folds = (0..nest.folds.len() as u32).map(|fold| Stage::new(shade::combiner(program, nest, FoldId(fold)), nest));
    Work::Shaders(Box::new(main), folds.collect())
}

/// Whether a region has a loop that may turn more than once.
fn has_loops(region: &[Stmt]) -> bool {
    region
        .iter()
        .any(|stmt| matches!(stmt, Stmt::For { .. } | Stmt::Loop(_)) || stmt.regions().into_iter().any(has_loops))
}

/// What a program needs that the device lacks, if anything.
pub(crate) fn unsupported(program: &Program, has_f64: bool, has_i64: bool) -> Option<String> {
    let lacking = |ty: Type| match ty {
        Type::F64 => (!has_f64).then_some("f64; cast to f32 or use a CPU target"),
        Type::I64 | Type::U64 => (!has_i64).then_some("64-bit integers; cast to i32 or use a CPU target"),
        Type::Bool | Type::I8 | Type::I16 | Type::I32 | Type::U8 | Type::U16 | Type::U32 | Type::F32 => None,
        Type::F16 | Type::BF16 => None,
        Type::C64 | Type::C128 => Some("complex numbers; use a CPU target"),
    };
    let refused = |lacking: &str| format!("this GPU does not compute with {lacking}");
    let pairs = program.params.iter().any(|param| matches!(param, hotloop_ir::Param::Pair(_)));
    if pairs || program.arrays.iter().any(|array| array.pairs) {
        return lacking(Type::C64).map(refused);
    }
    for product in &program.products {
        if let Some(lacking) = lacking(program.array(product.c.array).ty) {
            return Some(refused(lacking));
        }
    }
    for nest in program.nests.iter().filter(|nest| !is_scalar(nest)) {
        if let Some(lacking) = shade::types_of(program, nest).into_iter().find_map(lacking) {
            return Some(refused(lacking));
        }
        let slots = nest.folds.iter().filter(|fold| matches!(fold.dest, FoldDest::Slot(_))).count();
        if slots != 0 && slots != nest.folds.len() {
            return Some("reductions over all and over some axes in one loop; write them as two".to_owned());
        }
    }
    None
}

impl Kernel for GpuKernel {
    unsafe fn run(&self, frame: *mut u64, fault: &mut FaultRecord) -> Status {
        // SAFETY: the caller promises a frame of that many words.
        let words = unsafe { std::slice::from_raw_parts(frame, self.0.layout.words()) }.to_vec();
        let none = vec![None; self.0.program.arrays.len()];
        // SAFETY: the caller promises what `Run::new` asks for.
        let ended = unsafe { Run::new(self.0.clone(), words, none, true, true) }.and_then(|mut run| {
            // SAFETY: the words came from this frame.
            let ended = unsafe { to_the_end(&mut run, frame) };
            for word in HEADER_WORDS..self.0.layout.words() {
                // SAFETY: the frame has that many words, and nobody else writes them during the call; others may look.
                unsafe { AtomicU64::from_ptr(frame.add(word)).store(run.words()[word], Relaxed) };
            }
            ended
        });
        match ended {
            Ok(ended) => {
                *fault = ended.fault;
                ended.status
            }
            Err(error) => {
                FAILURE.with(|failure| *failure.borrow_mut() = Some(error.to_string()));
                Status::Host
            }
        }
    }

    fn code_bytes(&self) -> usize {
        0
    }

    fn failure(&self) -> Option<String> {
        FAILURE.with(|failure| failure.borrow_mut().take())
    }
}

/// Runs all steps, waits, and brings the results to the host.
///
/// # Safety
/// As for `Run::collect`.
unsafe fn to_the_end(run: &mut Run, frame: *mut u64) -> Result<Ended, DeviceError> {
    if let Some(ended) = run.begin()? {
        return Ok(ended);
    }
    if let Some(ended) = run.finish()? {
        return Ok(ended);
    }
    // SAFETY: the caller's promise is the same.
    Ok(Ended { status: unsafe { run.collect(frame)? }, fault: FaultRecord::default() })
}

#[cfg(test)]
mod tests {
    use super::{Stage, Work, work_of};
    use crate::device::{Device, DeviceError};
    use hotloop_target::testing::samples;

    #[test]
    fn a_refused_shader_is_an_error_and_the_device_stays() {
        let Ok(device) = Device::open(0) else {
            return assert_ne!(std::env::var("HOTLOOP_REQUIRE").as_deref(), Ok("gpu"));
        };
        let shaders = samples().into_iter().find_map(|sample| {
            let nest = sample.program.nests.first()?.clone();
            match work_of(&sample.program, &nest, true) {
                Work::Shaders(stage, _) => Some((stage.shader, nest)),
                Work::Scalar => None,
            }
        });
        let (good, nest) = shaders.expect("some sample has a shader");
        let mut bad = good.clone();
        bad.module.entry_points[0].workgroup_size = [1 << 20, 1, 1];
        let stage = Stage::new(bad, &nest);
        for _ in 0..2 {
            let refused = stage.pipeline(&device).map(|_| ()).expect_err("no device has such a workgroup");
            assert!(matches!(refused, DeviceError::Refused(_)), "{refused}");
        }
        device.alive().expect("it is there");
        Stage::new(good, &nest).pipeline(&device).map(|_| ()).expect("it takes another");
    }
}
