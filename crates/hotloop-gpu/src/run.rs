//! One call: the steps of the program, with nests as dispatches that are handed to the device in batches.
//!
//! The host walks the steps. Slots live in the frame; those a shader has written live on the device until the host
//! needs them, which is when it waits. Everything else runs ahead. One of the two files of the crate with `unsafe`:
//! it reads and writes the frame.

mod dispatch;

use crate::device::{Device, DeviceError};
use crate::kernel::{GpuKernel, Work};
use crate::scalar::{self, Slots, Stop};
use crate::shade::{CHECKED_GROUPS, FAULT_WORDS, stored_bytes};
use crate::transfer::HostArray;
use dispatch::RING;
use hotloop_ir::{ArrayId, Extent, Nest, NestId, Role, Scalar, SlotId, Step};
use hotloop_target::frame::{CANCEL_WORD, HOST_WORD};
use hotloop_target::{FaultRecord, HostTable, Status};
use std::sync::atomic::{AtomicU8, Ordering};

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

/// A call before its buffers are there.
pub(crate) struct Start<'a> {
    kernel: &'a GpuKernel,
    frame: *mut u64,
}

impl<'a> Start<'a> {
    /// A call that has not begun.
    ///
    /// # Safety
    /// As `Kernel::run` asks for, as long as the value lives.
    pub(crate) unsafe fn new(kernel: &'a GpuKernel, frame: *mut u64) -> Start<'a> {
        Start { kernel, frame }
    }

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
            // Commands that read it may not have run yet, so it goes back to the pool with the others at the end.
            Step::Free(array) => self.borrowed.extend(self.arrays[array.index()].take()),
            // `unsupported` lets no such program through.
            Step::MatMul(_) => {}
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
