//! One call: the steps of the program, with nests as dispatches that are handed to the device in batches.
//!
//! The host walks the steps. Slots live in the frame; those a shader has written live on the device until the host
//! needs them, which is when it waits. Everything else runs ahead. One of the two files of the crate with `unsafe`:
//! it reads and writes the frame.

use crate::device::{Device, DeviceError};
use crate::kernel::{GpuKernel, Stage, Work};
use crate::scalar::{self, Slots, Stop};
use crate::shade::params::{self, ParamLayout};
use crate::shade::{Buffer, CHECKED_GROUPS, FAULT_WORDS, Shader, Spread, WORKGROUP, fold_all, stored_bytes};
use crate::transfer::HostArray;
use hotloop_ir::semantics::FOLD_BLOCK;
use hotloop_ir::{ArrayId, AxisKind, Extent, FoldId, Nest, NestId, Role, Scalar, SlotId, Step};
use hotloop_target::frame::{CANCEL_WORD, HOST_WORD};
use hotloop_target::{FaultRecord, HostTable, Status};
use std::sync::atomic::{AtomicU8, Ordering};

/// Bytes of parameter blocks that are collected before a batch is handed over.
const RING: u64 = 1 << 18;
/// Workgroups along the first axis of a dispatch.
const ROW: u32 = 65_535;

/// How a call ends early.
enum End {
    Status(Status),
    Device(DeviceError),
}

impl From<DeviceError> for End {
    fn from(error: DeviceError) -> End {
        End::Device(error)
    }
}

/// Where execution goes after a step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break(u32),
    Continue(u32),
}

/// A call in progress.
pub(crate) struct Run<'a> {
    kernel: &'a GpuKernel,
    frame: *mut u64,
    arrays: Vec<Option<wgpu::Buffer>>,
    /// Slots whose value is on the device.
    on_device: Vec<bool>,
    slots: wgpu::Buffer,
    faults: Option<wgpu::Buffer>,
    ring: wgpu::Buffer,
    block: Vec<u8>,
    copies: Vec<(u64, u64)>,
    encoder: Option<wgpu::CommandEncoder>,
    /// Buffers that go back to the pool at the end.
    borrowed: Vec<wgpu::Buffer>,
    sequence: u32,
    fault: Option<FaultRecord>,
}

impl<'a> Run<'a> {
    /// A call that has not begun.
    ///
    /// # Safety
    /// As `Kernel::run` asks for, as long as the value lives.
    pub(crate) unsafe fn new(kernel: &'a GpuKernel, frame: *mut u64) -> Start<'a> {
        Start { kernel, frame }
    }
}

/// A call before its buffers are there.
pub(crate) struct Start<'a> {
    kernel: &'a GpuKernel,
    frame: *mut u64,
}

impl Start<'_> {
    /// Runs all steps and brings the results to the host.
    pub(crate) fn all(self, fault: &mut FaultRecord) -> Result<Status, DeviceError> {
        let device = &self.kernel.device;
        device.alive()?;
        let program = &self.kernel.program;
        let slots = device.take_buffer((8 * program.slots.len()).max(16) as u64)?;
        let ring = device.take_buffer(RING)?;
        let mut run = Run {
            kernel: self.kernel,
            frame: self.frame,
            arrays: vec![None; program.arrays.len()],
            on_device: vec![false; program.slots.len()],
            slots,
            faults: None,
            ring,
            block: Vec::new(),
            copies: Vec::new(),
            encoder: None,
            borrowed: Vec::new(),
            sequence: 0,
            fault: None,
        };
        let ended = run.work();
        let fault_met = run.fault.take();
        run.give_back();
        match ended {
            Ok(()) => Ok(Status::Ok),
            Err(End::Status(status)) => {
                if let Some(record) = fault_met {
                    *fault = record;
                }
                Ok(status)
            }
            Err(End::Device(error)) => Err(error),
        }
    }
}

impl Run<'_> {
    fn device(&self) -> &Device {
        &self.kernel.device
    }

    fn word(&self, index: usize) -> u64 {
        assert!(index < self.kernel.layout.words());
        // SAFETY: the frame has that many words, and nobody else writes them during the call.
        unsafe { self.frame.add(index).read() }
    }

    fn set_word(&mut self, index: usize, value: u64) {
        assert!(index < self.kernel.layout.words());
        // SAFETY: as for reading.
        unsafe { self.frame.add(index).write(value) }
    }

    fn work(&mut self) -> Result<(), End> {
        let kernel = self.kernel;
        self.steps(&kernel.program.steps)?;
        self.settle()?;
        self.collect()
    }

    fn give_back(self) {
        let device = &self.kernel.device;
        let buffers = self.arrays.into_iter().flatten().chain(self.borrowed).chain(self.faults);
        buffers.chain([self.slots, self.ring]).for_each(|buffer| device.give_buffer(buffer));
    }

    fn poll(&self) -> Result<(), End> {
        if self.cancelled() { Err(End::Status(Status::Cancelled)) } else { Ok(()) }
    }

    fn steps(&mut self, steps: &[Step]) -> Result<Flow, End> {
        for step in steps {
            let flow = self.step(step)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn step(&mut self, step: &Step) -> Result<Flow, End> {
        match step {
            Step::Nest(id) => self.nest(*id)?,
            Step::Alloc(array, extents) => self.alloc(*array, extents)?,
            Step::If { cond, then, otherwise } => {
                let chosen = self.read_slot(*cond)?.is_true();
                return self.steps(if chosen { then } else { otherwise });
            }
            Step::For { index, start, stop, step, body } => {
                let mut bounds = [0; 3];
                for (bound, slot) in bounds.iter_mut().zip([start, stop, step]) {
                    *bound = self.read_slot(*slot)?.as_i64();
                }
                let [start, stop, step] = bounds;
                let mut now = Some(start);
                while let Some(value) = now.filter(|now| if step > 0 { *now < stop } else { *now > stop }) {
                    self.set_slot(*index, Scalar::i64(value));
                    if let Some(flow) = self.turn(body)? {
                        return Ok(flow);
                    }
                    now = value.checked_add(step);
                }
            }
            Step::Loop(body) => loop {
                if let Some(flow) = self.turn(body)? {
                    return Ok(flow);
                }
            },
            Step::Block(body) => return Ok(left(self.steps(body)?).unwrap_or(Flow::Next)),
            Step::Break(depth) => return Ok(Flow::Break(*depth)),
            Step::Continue(depth) => return Ok(Flow::Continue(*depth)),
        }
        Ok(Flow::Next)
    }

    fn turn(&mut self, body: &[Step]) -> Result<Option<Flow>, End> {
        self.poll()?;
        Ok(left(self.steps(body)?))
    }

    // ---- slots and extents ----

    fn read_slot(&mut self, slot: SlotId) -> Result<Scalar, End> {
        if self.on_device[slot.index()] {
            self.settle()?;
        }
        Ok(self.slot(slot))
    }

    fn whole(&mut self, extent: Extent) -> Result<i64, End> {
        match extent {
            Extent::Const(value) => Ok(value),
            Extent::Slot(slot) => Ok(self.read_slot(slot)?.as_i64()),
        }
    }

    fn extents(&self, array: ArrayId) -> Vec<usize> {
        let layout = &self.kernel.layout;
        (0..layout.rank(array)).map(|axis| self.word(layout.extent(array, axis)) as usize).collect()
    }

    // ---- arrays ----

    fn alloc(&mut self, array: ArrayId, extents: &[SlotId]) -> Result<(), End> {
        let before = self.extents(array);
        for (axis, slot) in extents.iter().enumerate() {
            let extent = self.read_slot(*slot)?.bits;
            self.set_word(self.kernel.layout.extent(array, axis), extent);
        }
        let same = self.arrays[array.index()].is_some() && self.extents(array) == before;
        if !same {
            let made = self.new_buffer(array)?;
            let old = self.arrays[array.index()].replace(made);
            self.borrowed.extend(old);
        }
        Ok(())
    }

    fn new_buffer(&self, array: ArrayId) -> Result<wgpu::Buffer, DeviceError> {
        let size = stored_bytes(self.kernel.program.array(array).ty) as u64;
        let count = self.extents(array).iter().try_fold(1u64, |product, extent| product.checked_mul(*extent as u64));
        let bytes = count.and_then(|count| count.checked_mul(size)).unwrap_or(u64::MAX);
        self.device().take_buffer(bytes)
    }

    fn host_array(&self, array: ArrayId) -> HostArray {
        let layout = &self.kernel.layout;
        HostArray {
            base: self.word(layout.base(array)) as *mut u8,
            ty: self.kernel.program.array(array).ty,
            extents: self.extents(array),
            strides: (0..layout.rank(array)).map(|axis| self.word(layout.stride(array, axis)) as isize).collect(),
        }
    }

    /// The buffer of an array; a parameter is brought to the device when it is first used.
    fn buffer(&mut self, array: ArrayId) -> Result<wgpu::Buffer, DeviceError> {
        if let Some(buffer) = &self.arrays[array.index()] {
            return Ok(buffer.clone());
        }
        let buffer = self.new_buffer(array)?;
        let host = self.host_array(array);
        if host.len() > 0 && !host.base.is_null() {
            // SAFETY: the caller's arrays can be read during the call.
            let bytes = unsafe { host.pack() };
            self.device().queue.write_buffer(&buffer, 0, &bytes);
        }
        self.arrays[array.index()] = Some(buffer.clone());
        Ok(buffer)
    }

    /// Brings written parameters and results to the host.
    fn collect(&mut self) -> Result<(), End> {
        for index in 0..self.kernel.program.arrays.len() {
            let array = ArrayId(index as u32);
            match self.kernel.program.array(array).role {
                Role::Input | Role::Temp => continue,
                Role::Mut => {}
                Role::Output => self.host_alloc(array)?,
            }
            let Some(buffer) = self.arrays[index].clone() else { continue };
            let host = self.host_array(array);
            let bytes = (host.len() * stored_bytes(host.ty)) as u64;
            if bytes > 0 && !host.base.is_null() {
                let data = self.download(&buffer, bytes)?;
                // SAFETY: written arrays can be written during the call, and `data` holds all elements.
                unsafe { host.unpack(&data) };
            }
        }
        Ok(())
    }

    /// Has the host make the memory of a result.
    fn host_alloc(&mut self, array: ArrayId) -> Result<(), End> {
        if self.arrays[array.index()].is_none() {
            return Ok(());
        }
        // SAFETY: the frame holds the address of the host's table, which lives as long as the call.
        let host = unsafe { *(self.word(HOST_WORD) as *const HostTable) };
        // SAFETY: the table's function is called with its own data, this frame and an array of this program.
        match Status::from_raw(unsafe { (host.alloc)(host.data, self.frame, array.0) }) {
            Status::Ok => Ok(()),
            other @ (Status::Fault | Status::Cancelled | Status::Host) => Err(End::Status(other)),
        }
    }

    fn download(&self, buffer: &wgpu::Buffer, bytes: u64) -> Result<Vec<u8>, DeviceError> {
        let device = self.device();
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let descriptor = wgpu::BufferDescriptor { label: None, size: bytes, usage, mapped_at_creation: false };
        let staging = device.guarded(|| device.device.create_buffer(&descriptor))?;
        let mut encoder = device.device.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(buffer, 0, &staging, 0, bytes);
        device.queue.submit([encoder.finish()]);
        let (sender, receiver) = std::sync::mpsc::channel();
        staging.map_async(wgpu::MapMode::Read, .., move |result| {
            let _ = sender.send(result);
        });
        device.wait()?;
        match receiver.recv() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(DeviceError::Refused(error.to_string())),
            Err(error) => return Err(DeviceError::Refused(error.to_string())),
        }
        let range = staging.get_mapped_range(..).map_err(|error| DeviceError::Refused(error.to_string()))?;
        let data = range.to_vec();
        drop(range);
        staging.unmap();
        Ok(data)
    }

    // ---- nests ----

    fn nest(&mut self, id: NestId) -> Result<(), End> {
        self.poll()?;
        let kernel = self.kernel;
        let nest = kernel.program.nest(id);
        match kernel.work(id) {
            Work::Scalar => self.scalar(nest),
            Work::Shaders(main, folds) => self.shaders(nest, main, folds),
        }
    }

    fn scalar(&mut self, nest: &Nest) -> Result<(), End> {
        for inst in &nest.lane.values {
            if let hotloop_ir::Inst::Slot(slot) = inst {
                self.read_slot(*slot)?;
            }
        }
        match scalar::run(nest, self) {
            Ok(()) => Ok(()),
            Err(Stop::Cancelled) => Err(End::Status(Status::Cancelled)),
            Err(Stop::Fault(record)) => {
                // A dispatch that came before may have faulted.
                self.settle()?;
                self.fault = Some(record);
                Err(End::Status(Status::Fault))
            }
        }
    }

    fn shaders(&mut self, nest: &Nest, main: &Stage, folds: &[Stage]) -> Result<(), End> {
        let size = Size::of(self, nest)?;
        let mut partials = Vec::new();
        for fold in &nest.folds {
            let bytes = (size.results * size.blocks) as u64 * stored_bytes(fold.ty) as u64;
            partials.push(self.device().take_buffer(bytes)?);
        }
        let pieces = if folds.is_empty() { size.points } else { size.results * size.blocks };
        let walked = if folds.is_empty() { size.points * size.ordered } else { size.results * size.reduced };
        if pieces > 0 && walked > 0 {
            self.dispatch(nest, main, &size, pieces, &partials)?;
        }
        for stage in folds.iter().filter(|_| size.results > 0) {
            self.dispatch(nest, stage, &size, size.results, &partials)?;
        }
        self.borrowed.extend(partials);
        Ok(())
    }

    fn dispatch(
        &mut self,
        nest: &Nest,
        stage: &Stage,
        size: &Size,
        count: u32,
        partials: &[wgpu::Buffer],
    ) -> Result<(), End> {
        let shader = &stage.shader;
        let words = self.parameters(nest, shader, size, count)?;
        let offset = self.place(&words)?;
        self.note_copies(&shader.params, offset);
        let device = self.kernel.device.clone();
        let pipeline = stage.pipeline(&device)?;
        let mut bound = Vec::new();
        for (buffer, _) in &shader.buffers {
            bound.push(match buffer {
                Buffer::Params => self.ring.clone(),
                Buffer::Slots => self.slots.clone(),
                Buffer::Faults => self.fault_buffer()?,
                Buffer::Partials(FoldId(fold)) => partials[*fold as usize].clone(),
                Buffer::Array(array) => self.buffer(*array)?,
            });
        }
        let entries: Vec<wgpu::BindGroupEntry<'_>> = bound
            .iter()
            .zip(&shader.buffers)
            .enumerate()
            .map(|(binding, (buffer, (what, _)))| wgpu::BindGroupEntry {
                binding: binding as u32,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer,
                    offset: if *what == Buffer::Params { offset } else { 0 },
                    size: None,
                }),
            })
            .collect();
        let group = device.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        let copies = std::mem::take(&mut self.copies);
        let encoder = self.encoder.get_or_insert_with(|| device.device.create_command_encoder(&Default::default()));
        for (from, to) in copies {
            encoder.copy_buffer_to_buffer(&self.slots, from, &self.ring, to, 8);
        }
        let groups = groups(shader, count);
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.dispatch_workgroups(groups.min(ROW), groups.div_ceil(ROW), 1);
        drop(pass);
        for slot in &shader.sets {
            self.on_device[slot.index()] = true;
        }
        Ok(())
    }

    fn fault_buffer(&mut self) -> Result<wgpu::Buffer, DeviceError> {
        if let Some(buffer) = &self.faults {
            return Ok(buffer.clone());
        }
        let bytes = 4 * (1 + CHECKED_GROUPS * FAULT_WORDS) as u64;
        let buffer = self.device().take_buffer(bytes)?;
        self.device().queue.write_buffer(&buffer, 0, &vec![0xff; bytes as usize]);
        self.faults = Some(buffer.clone());
        Ok(buffer)
    }

    /// The parameter block of a dispatch.
    fn parameters(&mut self, nest: &Nest, shader: &Shader, size: &Size, count: u32) -> Result<Vec<u32>, End> {
        let layout: &ParamLayout = &shader.params;
        let mut words = vec![0u32; layout.words];
        self.sequence += 1;
        words[params::COUNT] = count;
        words[params::SEQUENCE] = self.sequence;
        words[params::REDUCED] = size.reduced;
        words[params::BLOCKS] = size.blocks;
        words[params::ORDERED] = size.ordered;
        for (axis, extent) in size.extents.iter().enumerate() {
            words[layout.axis(axis)] = *extent;
        }
        for (index, view) in nest.views.iter().enumerate() {
            let word = layout.view(hotloop_ir::ViewId(index as u32));
            let strides = dense_strides(&self.extents(view.array));
            for (dim, stride) in view.dims.iter().zip(strides) {
                let start = self.whole(dim.start)?.wrapping_mul(stride);
                words[word] = words[word].wrapping_add(start as u32);
                if let Some(axis) = dim.axis {
                    let step = self.whole(dim.step)?.wrapping_mul(stride);
                    let at = word + 1 + axis as usize;
                    words[at] = words[at].wrapping_add(step as u32);
                }
            }
        }
        for (array, word) in &layout.arrays {
            let extents = self.extents(*array);
            let strides = dense_strides(&extents);
            for (axis, (extent, stride)) in extents.iter().zip(&strides).enumerate() {
                words[word + axis] = *extent as u32;
                words[word + extents.len() + axis] = *stride as u32;
            }
        }
        for (slot, word) in &layout.slots {
            let bits = self.slot(*slot).bits;
            words[*word] = bits as u32;
            words[word + 1] = (bits >> 32) as u32;
        }
        Ok(words)
    }

    /// Puts a parameter block into the ring; gives its offset.
    fn place(&mut self, words: &[u32]) -> Result<u64, End> {
        let align = u64::from(self.device().limits.min_storage_buffer_offset_alignment);
        let bytes = 4 * words.len() as u64;
        let mut offset = (self.block.len() as u64).next_multiple_of(align);
        if offset + bytes > RING {
            self.submit()?;
            offset = 0;
        }
        self.block.resize(offset as usize, 0);
        self.block.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        Ok(offset)
    }

    /// Notes which words of the last parameter block come from slots on the device.
    fn note_copies(&mut self, layout: &ParamLayout, offset: u64) {
        for (slot, word) in &layout.slots {
            if self.on_device[slot.index()] {
                self.copies.push((8 * u64::from(slot.0), offset + 4 * *word as u64));
            }
        }
    }

    /// Hands the batch to the device.
    fn submit(&mut self) -> Result<(), DeviceError> {
        let Some(encoder) = self.encoder.take() else { return Ok(()) };
        let device = &self.kernel.device;
        device.queue.write_buffer(&self.ring, 0, &self.block);
        self.block.clear();
        device.guarded(|| device.queue.submit([encoder.finish()]))?;
        Ok(())
    }

    /// Waits for the device, brings its slots to the frame, and looks for faults.
    fn settle(&mut self) -> Result<(), End> {
        self.submit()?;
        if let Some(faults) = self.faults.clone() {
            let header = self.download(&faults, 4)?;
            if header != [0xff; 4] {
                self.fault = Some(self.lowest_fault(&faults)?);
                return Err(End::Status(Status::Fault));
            }
        }
        if self.on_device.contains(&true) {
            let data = self.download(&self.slots, 8 * self.kernel.program.slots.len() as u64)?;
            for index in 0..self.on_device.len() {
                if std::mem::take(&mut self.on_device[index]) {
                    let mut word = [0; 8];
                    word.copy_from_slice(&data[8 * index..8 * index + 8]);
                    self.set_word(self.kernel.layout.slot(SlotId(index as u32)), u64::from_le_bytes(word));
                }
            }
        }
        Ok(())
    }

    fn lowest_fault(&self, faults: &wgpu::Buffer) -> Result<FaultRecord, DeviceError> {
        let data = self.download(faults, 4 * (1 + CHECKED_GROUPS * FAULT_WORDS) as u64)?;
        let words: Vec<u32> =
            data.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect();
        let pair = |low: u32, high: u32| (u64::from(high) << 32 | u64::from(low)) as i64;
        let records = words[1..].chunks_exact(FAULT_WORDS as usize).filter(|record| record[0] == words[0]);
        let lowest = records
            .min_by_key(|record| record[1])
            .ok_or_else(|| DeviceError::Refused("a shader reported a fault without a record".to_owned()))?;
        Ok(FaultRecord {
            linear: i64::from(lowest[1]),
            site: lowest[2] - 1,
            shows: [pair(lowest[3], lowest[4]), pair(lowest[5], lowest[6])],
            reserved: 0,
        })
    }
}

impl Slots for Run<'_> {
    fn slot(&self, slot: SlotId) -> Scalar {
        Scalar::new(self.kernel.program.slot(slot).ty, self.word(self.kernel.layout.slot(slot)))
    }

    fn set_slot(&mut self, slot: SlotId, value: Scalar) {
        self.on_device[slot.index()] = false;
        self.set_word(self.kernel.layout.slot(slot), value.bits);
    }

    fn extent(&self, array: ArrayId, axis: u32) -> i64 {
        self.word(self.kernel.layout.extent(array, axis as usize)) as i64
    }

    fn cancelled(&self) -> bool {
        let flag = self.word(CANCEL_WORD) as *mut u8;
        // SAFETY: the frame holds the address of a flag that lives as long as the call; others change it atomically.
        !flag.is_null() && unsafe { AtomicU8::from_ptr(flag) }.load(Ordering::Relaxed) != 0
    }
}

/// What the end of a loop's or block's body means for it: none, it goes on.
fn left(flow: Flow) -> Option<Flow> {
    match flow {
        Flow::Next | Flow::Continue(0) => None,
        Flow::Break(0) => Some(Flow::Next),
        Flow::Break(n) => Some(Flow::Break(n - 1)),
        Flow::Continue(n) => Some(Flow::Continue(n - 1)),
    }
}

/// Workgroups of a dispatch.
fn groups(shader: &Shader, count: u32) -> u32 {
    let wanted = match shader.spread {
        Spread::Points => count.div_ceil(shader.module.entry_points[0].workgroup_size[0]),
        Spread::Blocks(_) => count,
    };
    debug_assert!(WORKGROUP > 0);
    if shader.checked { wanted.min(CHECKED_GROUPS) } else { wanted }
}

/// Strides of a dense array, in elements.
fn dense_strides(extents: &[usize]) -> Vec<i64> {
    let mut strides = vec![1i64; extents.len()];
    for axis in (0..extents.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1].wrapping_mul(extents[axis + 1] as i64);
    }
    strides
}

/// The numbers of a nest that depend on its extents.
struct Size {
    extents: Vec<u32>,
    /// Points along the axes that are not ordered.
    points: u32,
    /// Points along the ordered axes.
    ordered: u32,
    /// Results of a fold, points that one combines, and blocks of those.
    results: u32,
    reduced: u32,
    blocks: u32,
}

impl Size {
    fn of(run: &mut Run<'_>, nest: &Nest) -> Result<Size, End> {
        let mut extents = Vec::new();
        let [mut points, mut ordered, mut kept, mut reduced] = [1u64; 4];
        for axis in &nest.axes {
            let extent = run.whole(axis.extent)?.max(0) as u64;
            extents.push(extent as u32);
            let (walk, fold) = match axis.kind {
                AxisKind::Parallel => (&mut points, &mut kept),
                AxisKind::Reduce => (&mut points, &mut reduced),
                AxisKind::Ordered => (&mut ordered, &mut kept),
            };
            *walk = walk.saturating_mul(extent);
            *fold = fold.saturating_mul(extent);
        }
        if fold_all(nest) {
            reduced = reduced.saturating_mul(kept);
            kept = 1;
        }
        let all = points.saturating_mul(ordered).max(reduced.saturating_mul(kept));
        if all > u64::from(u32::MAX) - 4 * u64::from(ROW) {
            let limit = u64::from(u32::MAX) - 4 * u64::from(ROW);
            return Err(DeviceError::TooLarge { bytes: all, limit }.into());
        }
        let blocks = reduced.div_ceil(FOLD_BLOCK as u64).max(1) as u32;
        let [points, ordered, results, reduced] = [points, ordered, kept, reduced].map(|value| value as u32);
        Ok(Size { extents, points, ordered, results, reduced, blocks })
    }
}
