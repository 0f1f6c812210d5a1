//! One call: the steps of the program, with nests as dispatches that are handed to the device in batches.
//!
//! The host walks the steps. Slots live in the frame; those a shader has written live on the device until the host
//! needs them, which is when it waits. Everything else runs ahead. One of the files with `unsafe`: it reads and writes
//! the caller's arrays and frame.

mod dispatch;
mod pace;
mod pieces;
mod product;

use crate::device::{Device, DeviceError};
use crate::kernel::{Loaded, Work};
use crate::pool::Lease;
use crate::scalar::{self, Slots, Stop};
use crate::shade::{CHECKED_GROUPS, FAULT_WORDS, stored_bytes};
use crate::transfer::HostArray;
use dispatch::RING;
use hotloop_ir::{ArrayId, Extent, Nest, NestId, Param, Role, Scalar, SlotId, Step};
use hotloop_target::frame::{CANCEL_WORD, HOST_WORD};
use hotloop_target::{FaultRecord, HostTable, Status};
use pace::Pace;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

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

/// A call in progress. It owns all it needs but the memory of host arrays, which it touches only in `work` (reading)
/// and in `collect` (writing).
pub(crate) struct Run {
    kernel: Arc<Loaded>,
    /// A frame of its own.
    words: Vec<u64>,
    /// Whether results and written arrays go to the host at the end.
    to_host: bool,
    arrays: Vec<Option<Arc<Lease>>>,
    /// Slots whose value is on the device.
    on_device: Vec<bool>,
    slots: Arc<Lease>,
    faults: Option<Arc<Lease>>,
    ring: Arc<Lease>,
    block: Vec<u8>,
    copies: Vec<(u64, u64)>,
    encoder: Option<wgpu::CommandEncoder>,
    /// Buffers that commands not handed over yet may use.
    borrowed: Vec<Arc<Lease>>,
    sequence: u32,
    /// What was handed over last.
    submitted: Option<wgpu::SubmissionIndex>,
    pace: Pace,
    /// A digest of the scalar arguments: what a point costs may depend on them.
    scalars: u64,
    fault: Option<FaultRecord>,
}

/// How a call ended, where it was not the device that failed.
pub(crate) struct Ended {
    pub(crate) status: Status,
    pub(crate) fault: FaultRecord,
}

impl Run {
    /// A call that has not begun; `arrays` are those that are on the device already.
    ///
    /// # Safety
    /// The words are a frame as `Kernel::run` asks for, but that arrays on the device need no address.
    pub(crate) unsafe fn new(
        kernel: Arc<Loaded>,
        words: Vec<u64>,
        arrays: Vec<Option<Arc<Lease>>>,
        to_host: bool,
        is_paced: bool,
    ) -> Result<Run, DeviceError> {
        let device = &kernel.device;
        device.alive()?;
        let slots = device.take_buffer((8 * kernel.program.slots.len()).max(16) as u64)?;
        let ring = device.take_buffer(RING)?;
        let on_device = vec![false; kernel.program.slots.len()];
        let scalars = digest_of_scalars(&kernel, &words);
        Ok(Run {
            kernel,
            words,
            to_host,
            arrays,
            on_device,
            slots,
            faults: None,
            ring,
            block: Vec::new(),
            copies: Vec::new(),
            encoder: None,
            borrowed: Vec::new(),
            sequence: 0,
            submitted: None,
            pace: Pace::new(is_paced),
            scalars,
            fault: None,
        })
    }

    /// Hands all steps to the device; none if nothing ended the call so far.
    pub(crate) fn begin(&mut self) -> Result<Option<Ended>, DeviceError> {
        let device = self.kernel.device.clone();
        let ended = device.guarded(|| self.steps_and_submit())?;
        self.ended(ended)
    }

    /// Waits for the device; none if all went well.
    pub(crate) fn finish(&mut self) -> Result<Option<Ended>, DeviceError> {
        let ended = self.settle();
        self.ended(ended)
    }

    fn ended(&mut self, result: Result<(), End>) -> Result<Option<Ended>, DeviceError> {
        match result {
            Ok(()) => Ok(None),
            Err(End::Status(status)) => Ok(Some(Ended { status, fault: self.fault.take().unwrap_or_default() })),
            Err(End::Device(error)) => Err(error),
        }
    }

    fn steps_and_submit(&mut self) -> Result<(), End> {
        let kernel = self.kernel.clone();
        self.steps(&kernel.program.steps)?;
        self.submit()?;
        Ok(())
    }

    /// Whether the device has done all that was handed over.
    pub(crate) fn is_done(&self) -> bool {
        let submission_index = self.submitted.clone();
        let poll = wgpu::PollType::Wait { submission_index, timeout: Some(Duration::ZERO) };
        // A device that is lost does no more.
        !matches!(self.device().device.poll(poll), Err(wgpu::PollError::Timeout))
    }

    /// The frame as it is now.
    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    /// The buffers of all arrays.
    pub(crate) fn arrays(&self) -> &[Option<Arc<Lease>>] {
        &self.arrays
    }

    fn device(&self) -> &Arc<Device> {
        &self.kernel.device
    }

    fn word(&self, index: usize) -> u64 {
        self.words[index]
    }

    fn set_word(&mut self, index: usize, value: u64) {
        self.words[index] = value;
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
            // Commands that read it may not have been handed over yet, so it goes back to the pool with them.
            Step::Free(array) => self.borrowed.extend(self.arrays[array.index()].take()),
            Step::MatMul(id) => self.product(*id)?,
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

    fn new_buffer(&self, array: ArrayId) -> Result<Arc<Lease>, DeviceError> {
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
    fn buffer(&mut self, array: ArrayId) -> Result<Arc<Lease>, DeviceError> {
        if let Some(buffer) = &self.arrays[array.index()] {
            return Ok(buffer.clone());
        }
        let buffer = self.new_buffer(array)?;
        let host = self.host_array(array);
        if host.len() > 0 && !host.base.is_null() {
            let start = Instant::now();
            // SAFETY: the caller's arrays can be read during the call.
            unsafe { host.with_packed(|bytes| self.device().put(&buffer, bytes, start)) };
        }
        self.arrays[array.index()] = Some(buffer.clone());
        Ok(buffer)
    }

    /// Brings written parameters and results to the host: all of them or none.
    ///
    /// # Safety
    /// `frame` is the one the words came from, and the call it belongs to goes on.
    pub(crate) unsafe fn collect(&mut self, frame: *mut u64) -> Result<Status, DeviceError> {
        if !self.to_host {
            return Ok(Status::Ok);
        }
        let kernel = self.kernel.clone();
        let mut wanted = Vec::new();
        for index in 0..kernel.program.arrays.len() {
            let array = ArrayId(index as u32);
            match kernel.program.array(array).role {
                Role::Input | Role::Temp => continue,
                Role::Mut => {}
                // SAFETY: the caller's promise is the same.
                Role::Output => match unsafe { self.host_alloc(frame, array) } {
                    Status::Ok => {}
                    other @ (Status::Fault | Status::Cancelled | Status::Host) => return Ok(other),
                },
            }
            let Some(buffer) = self.arrays[index].clone() else { continue };
            let host = self.host_array(array);
            let bytes = (host.len() * stored_bytes(host.ty)) as u64;
            if bytes > 0 && !host.base.is_null() {
                wanted.push((buffer, bytes, host));
            }
        }
        if wanted.is_empty() {
            return Ok(Status::Ok);
        }
        let start = Instant::now();
        let parts: Vec<(&wgpu::Buffer, u64)> = wanted.iter().map(|(buffer, bytes, _)| (&***buffer, *bytes)).collect();
        let mapped = kernel.device.fetch(&parts)?;
        for ((_, _, host), part) in wanted.iter().zip(&mapped) {
            // SAFETY: written arrays can be written during the call, and the bytes hold all elements.
            part.with(|bytes| unsafe { host.unpack(bytes) })?;
        }
        kernel.device.note_downloads(wanted.len() as u64, wanted.iter().map(|(_, bytes, _)| bytes).sum(), start);
        Ok(Status::Ok)
    }

    /// Has the host make the memory of a result.
    ///
    /// # Safety
    /// As for `collect`.
    unsafe fn host_alloc(&mut self, frame: *mut u64, array: ArrayId) -> Status {
        if self.arrays[array.index()].is_none() {
            return Status::Ok;
        }
        let layout = &self.kernel.layout;
        let rank = layout.rank(array);
        for axis in 0..rank {
            let word = layout.extent(array, axis);
            // SAFETY: the frame has the layout's words, and nobody else writes them during the call.
            unsafe { frame.add(word).write(self.words[word]) };
        }
        // SAFETY: the frame holds the address of the host's table, which lives as long as the call.
        let host = unsafe { *(self.word(HOST_WORD) as *const HostTable) };
        // SAFETY: the table's function is called with its own data, its frame and an array of this program.
        let status = Status::from_raw(unsafe { (host.alloc)(host.data, frame, array.0) });
        for word in layout.base(array)..=layout.base(array) + 2 * rank {
            // SAFETY: as above.
            self.words[word] = unsafe { frame.add(word).read() };
        }
        status
    }

    // ---- nests ----

    fn nest(&mut self, id: NestId) -> Result<(), End> {
        self.poll()?;
        let kernel = self.kernel.clone();
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
        let index = device.guarded(|| device.queue.submit([encoder.finish()]))?;
        self.pace.submitted(index.clone());
        self.submitted = Some(index);
        // What these commands use may serve others now: those come later.
        self.borrowed.clear();
        Ok(())
    }

    /// Waits for the device, brings its slots to the frame, and looks for faults.
    fn settle(&mut self) -> Result<(), End> {
        self.submit()?;
        let (faults, slots) = (self.faults.clone(), self.on_device.contains(&true).then(|| self.slots.clone()));
        let slot_bytes = 8 * self.kernel.program.slots.len() as u64;
        let wanted = faults.iter().map(|lease| (&***lease, 4)).chain(slots.iter().map(|lease| (&***lease, slot_bytes)));
        let wanted: Vec<(&wgpu::Buffer, u64)> = wanted.collect();
        let device = self.kernel.device.clone();
        if wanted.is_empty() {
            return Ok(device.wait_for(self.submitted.clone())?);
        }
        let mapped = device.fetch(&wanted)?;
        if let Some(faults) = faults
            && mapped[0].with(|header| header != [0xff; 4])?
        {
            self.fault = Some(self.lowest_fault(&faults)?);
            return Err(End::Status(Status::Fault));
        }
        if slots.is_some()
            && let Some(last) = mapped.last()
        {
            let values: Vec<u64> = last.with(|data| data.chunks_exact(8).map(word_of).collect())?;
            for (index, value) in values.into_iter().enumerate() {
                if std::mem::take(&mut self.on_device[index]) {
                    self.set_word(self.kernel.layout.slot(SlotId(index as u32)), value);
                }
            }
        }
        Ok(())
    }

    fn lowest_fault(&self, faults: &wgpu::Buffer) -> Result<FaultRecord, DeviceError> {
        let mapped = self.device().fetch(&[(faults, 4 * (1 + CHECKED_GROUPS * FAULT_WORDS) as u64)])?;
        let mut words: Vec<u32> = Vec::new();
        for part in &mapped {
            words = part.with(|data| data.chunks_exact(4).map(|word| word_of(word) as u32).collect())?;
        }
        let pair = |low: u32, high: u32| (u64::from(high) << 32 | u64::from(low)) as i64;
        let records = words[1..].chunks_exact(FAULT_WORDS as usize).filter(|record| record[0] == words[0]);
        let lowest = records
            .min_by_key(|record| record[1])
            .ok_or_else(|| DeviceError::Refused("a shader reported a fault without a record".to_owned()))?;
        Ok(FaultRecord {
            linear: i64::from(lowest[1]),
            site: lowest[2] - 1,
            shows: [pair(lowest[3], lowest[4]), pair(lowest[5], lowest[6])],
            element: pair(lowest[7], lowest[8]),
            reserved: 0,
        })
    }
}

fn digest_of_scalars(kernel: &Loaded, words: &[u64]) -> u64 {
    let mut digest = 0xcbf2_9ce4_8422_2325u64;
    for param in &kernel.program.params {
        if let Param::Scalar(slot) = param {
            digest = (digest ^ words[kernel.layout.slot(*slot)]).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(31);
        }
    }
    digest
}

/// The number in at most eight bytes.
fn word_of(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

impl Slots for Run {
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
