//! Nests as dispatches: their sizes, their parameter blocks, what they bind and of it how much.

use super::pieces::{self, Domain, Reach, Unit};
use super::{End, Run};
use crate::device::DeviceError;
use crate::kernel::Stage;
use crate::pool::Lease;
use crate::scalar::Slots;
use crate::shade::params::{self, ParamLayout};
use crate::shade::{Buffer, CHECKED_GROUPS, FAULT_WORDS, Shader, Spread, fold_all, stored_bytes};
use hotloop_ir::semantics::FOLD_BLOCK;
use hotloop_ir::{ArrayId, AxisKind, FoldId, Nest};
use std::sync::Arc;

/// Bytes of parameter blocks that are collected before a batch is handed over.
pub(super) const RING: u64 = 1 << 18;
/// Points that a nest has at most: numbers of points are of 32 bits, with room for a last stride.
const POINTS: u64 = u32::MAX as u64 - 4 * 65_535;

impl Run {
    pub(super) fn shaders(&mut self, nest: &Nest, main: &Stage, folds: &[Stage]) -> Result<(), End> {
        let size = Size::of(self, nest)?;
        let mut partials = Vec::new();
        for fold in &nest.folds {
            let bytes = (u64::from(size.results) * u64::from(size.blocks)) * stored_bytes(fold.ty) as u64;
            partials.push(self.device().take_buffer(bytes)?);
        }
        let walked = if folds.is_empty() { size.points * size.ordered } else { size.results * size.reduced };
        let reaches = self.reaches(nest)?;
        // All parts of a nest have one number: the lowest of their faults is the nest's.
        self.sequence += 1;
        if walked > 0 {
            let group = u64::from(main.shader.module.entry_points[0].workgroup_size[0]);
            let (unit, groups) = match (folds.is_empty(), fold_all(nest)) {
                (true, _) => (Unit::Points(group), u64::from(size.points).div_ceil(group)),
                (false, true) => (Unit::Blocks(FOLD_BLOCK as u64), u64::from(size.blocks)),
                (false, false) => {
                    let blocks = u64::from(size.blocks);
                    (Unit::Rows(FOLD_BLOCK as u64, blocks), u64::from(size.results) * blocks)
                }
            };
            let work = Work { nest, stage: main, size: &size, unit, reaches: &reaches, partials: &partials };
            let scalars = self.scalars;
            self.in_parts(main, scalars, groups, u64::from(walked), &mut |run, first, end| {
                run.windows(&work, first, end)
            })?;
        }
        for stage in folds.iter().filter(|_| size.results > 0) {
            let work = Work { nest, stage, size: &size, unit: Unit::Results, reaches: &reaches, partials: &partials };
            self.windows(&work, 0, u64::from(size.results))?;
        }
        self.borrowed.extend(partials);
        Ok(())
    }

    /// The views of a nest with their numbers.
    pub(super) fn reaches(&mut self, nest: &Nest) -> Result<Vec<Reach>, End> {
        let mut reaches = Vec::with_capacity(nest.views.len());
        for view in &nest.views {
            let mut reach = Reach { array: view.array, base: 0, steps: vec![0; nest.axes.len()] };
            let strides = dense_strides(&self.extents(view.array));
            for (dim, stride) in view.dims.iter().zip(strides) {
                reach.base = reach.base.wrapping_add(self.whole(dim.start)?.wrapping_mul(stride));
                if let Some(axis) = dim.axis {
                    let step = &mut reach.steps[axis as usize];
                    *step = step.wrapping_add(self.whole(dim.step)?.wrapping_mul(stride));
                }
            }
            reaches.push(reach);
        }
        Ok(reaches)
    }

    /// Hands over workgroups `first .. end`, in parts small enough that what each array shows fits into a binding.
    pub(super) fn windows(&mut self, work: &Work<'_>, first: u64, end: u64) -> Result<(), End> {
        let (mut first, mut size) = (first, end - first);
        while first < end {
            let count = size.min(end - first);
            match self.bindings(work, first, first + count - 1) {
                Ok(windows) => {
                    self.dispatch(work, first, first + count, &windows)?;
                    first += count;
                }
                Err(_) if count > 1 => size = count / 2,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// What is bound of each array of a shader: its first element and the one past the last.
    pub(super) fn bindings(&self, work: &Work<'_>, first: u64, last: u64) -> Result<Vec<Window>, DeviceError> {
        let mut windows = Vec::new();
        let mut area = None;
        for (buffer, _) in &work.stage.shader.buffers {
            if let Buffer::Partials(FoldId(fold)) = buffer {
                let (low, high) = self.partials(work, first, last + 1);
                let size = stored_bytes(work.nest.folds[*fold as usize].ty) as u64;
                self.device().check_window((high - low) * size)?;
            }
            let Buffer::Array(array) = buffer else { continue };
            let (len, size) = (self.extents(*array).iter().product::<usize>() as u64, self.element_bytes(*array));
            let limit = self.device().window();
            let mut window = Window { array: *array, low: 0, high: len };
            if len * size > limit && !work.stage.whole.contains(array) {
                let area = area.get_or_insert_with(|| work.domain().reached(work.unit, first, last));
                let (low, high) = pieces::window(*array, len, work.reaches, area);
                // Bindings begin at multiples of so many bytes.
                let grain = u64::from(self.device().limits.min_storage_buffer_offset_alignment) / size;
                window = Window { array: *array, low: low / grain.max(1) * grain.max(1), high };
            }
            self.device().check_window((window.high - window.low) * size)?;
            windows.push(window);
        }
        Ok(windows)
    }

    /// The partial results that workgroups `first .. end` touch: the first that is bound, and the one past the last.
    fn partials(&self, work: &Work<'_>, first: u64, end: u64) -> (u64, u64) {
        let blocks = match work.unit {
            Unit::Results => u64::from(work.size.blocks),
            Unit::Blocks(_) | Unit::Rows(..) | Unit::Points(_) | Unit::Tiles { .. } => 1,
        };
        // The smallest elements have four bytes, so this suits all.
        let grain = (u64::from(self.device().limits.min_storage_buffer_offset_alignment) / 4).max(1);
        (first * blocks / grain * grain, end * blocks)
    }

    pub(super) fn element_bytes(&self, array: ArrayId) -> u64 {
        stored_bytes(self.kernel.program.array(array).ty) as u64
    }

    fn dispatch(&mut self, work: &Work<'_>, first: u64, end: u64, windows: &[Window]) -> Result<(), End> {
        let shader = &work.stage.shader;
        let words = self.parameters(work, first as u32, end as u32, windows)?;
        let offset = self.place(&words)?;
        self.note_copies(&shader.params, offset);
        let device = self.kernel.device.clone();
        let pipeline = work.stage.pipeline(&device)?;
        let mut bound = Vec::new();
        for (buffer, _) in &shader.buffers {
            bound.push(match buffer {
                Buffer::Params => (self.ring.clone(), offset, None),
                Buffer::Slots => (self.slots.clone(), 0, None),
                Buffer::Faults => (self.fault_buffer()?, 0, None),
                Buffer::Partials(FoldId(fold)) => {
                    let size = stored_bytes(work.nest.folds[*fold as usize].ty) as u64;
                    let (low, high) = self.partials(work, first, end);
                    let bytes = std::num::NonZeroU64::new(((high - low) * size).max(4));
                    (work.partials[*fold as usize].clone(), low * size, bytes)
                }
                Buffer::Array(array) => {
                    let (buffer, size) = (self.buffer(*array)?, self.element_bytes(*array));
                    let window = windows.iter().find(|window| window.array == *array);
                    let (low, high) = window.map_or((0, 0), |window| (window.low * size, window.high * size));
                    // Whole quadruples, for shaders that load those; buffers have room for them.
                    let bytes = (high - low).next_multiple_of(32).max(32).min(buffer.size() - low);
                    (buffer, low, std::num::NonZeroU64::new(bytes))
                }
            });
        }
        let entries: Vec<wgpu::BindGroupEntry<'_>> = bound
            .iter()
            .enumerate()
            .map(|(binding, (buffer, offset, size))| wgpu::BindGroupEntry {
                binding: binding as u32,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset: *offset, size: *size }),
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
        let (groups, row) = (groups(shader, (end - first) as u32), device.row());
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.dispatch_workgroups(groups.min(row), groups.div_ceil(row), 1);
        drop(pass);
        for slot in &shader.sets {
            self.on_device[slot.index()] = true;
        }
        self.queued()
    }

    fn fault_buffer(&mut self) -> Result<Arc<Lease>, DeviceError> {
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
    fn parameters(&mut self, work: &Work<'_>, first: u32, end: u32, windows: &[Window]) -> Result<Vec<u32>, End> {
        let (shader, size) = (&work.stage.shader, work.size);
        let layout: &ParamLayout = &shader.params;
        let mut words = vec![0u32; layout.words];
        words[params::COUNT] = match shader.spread {
            Spread::Points => {
                let group = shader.module.entry_points[0].workgroup_size[0];
                u64::from(end).saturating_mul(u64::from(group)).min(u64::from(size.points)) as u32
            }
            Spread::Blocks(_) => end,
        };
        words[params::FIRST_GROUP] = first;
        words[params::FIRST_PARTIAL] = self.partials(work, u64::from(first), u64::from(end)).0 as u32;
        words[params::SEQUENCE] = self.sequence;
        words[params::REDUCED] = size.reduced;
        words[params::BLOCKS] = size.blocks;
        words[params::ORDERED] = size.ordered;
        for (axis, extent) in size.extents.iter().enumerate() {
            words[layout.axis(axis)] = *extent;
        }
        for (index, reach) in work.reaches.iter().enumerate() {
            let word = layout.view(hotloop_ir::ViewId(index as u32));
            let low = windows.iter().find(|window| window.array == reach.array).map_or(0, |window| window.low);
            words[word] = reach.base.wrapping_sub(low as i64) as u32;
            for (axis, step) in reach.steps.iter().enumerate() {
                words[word + 1 + axis] = *step as u32;
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
}

/// Workgroups that are started for so many that have work.
fn groups(shader: &Shader, count: u32) -> u32 {
    if shader.checked { count.min(CHECKED_GROUPS) } else { count }
}

/// What a binding shows of an array: its first element and the one past the last.
pub(super) struct Window {
    pub(super) array: ArrayId,
    pub(super) low: u64,
    pub(super) high: u64,
}

/// A shader over a domain.
pub(super) struct Work<'a> {
    pub(super) nest: &'a Nest,
    pub(super) stage: &'a Stage,
    pub(super) size: &'a Size,
    pub(super) unit: Unit,
    pub(super) reaches: &'a [Reach],
    pub(super) partials: &'a [Arc<Lease>],
}

impl Work<'_> {
    fn domain(&self) -> Domain {
        let is = |kind| self.nest.axes.iter().map(|axis| axis.kind == kind).collect();
        Domain {
            extents: self.size.extents.iter().map(|extent| u64::from(*extent)).collect(),
            reduced: is(AxisKind::Reduce),
            ordered: is(AxisKind::Ordered),
        }
    }
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
#[derive(Default)]
pub(super) struct Size {
    pub(super) extents: Vec<u32>,
    /// Points along the axes that are not ordered.
    pub(super) points: u32,
    /// Points along the ordered axes; of a matrix product the first term of the sums.
    pub(super) ordered: u32,
    /// Results of a fold, points that one combines (of a matrix product the end of the terms), and blocks of those.
    pub(super) results: u32,
    pub(super) reduced: u32,
    pub(super) blocks: u32,
}

impl Size {
    fn of(run: &mut Run, nest: &Nest) -> Result<Size, End> {
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
        if all > POINTS {
            let limit = POINTS;
            return Err(DeviceError::TooMany { points: all, limit }.into());
        }
        let blocks = reduced.div_ceil(FOLD_BLOCK as u64).max(1) as u32;
        let [points, ordered, results, reduced] = [points, ordered, kept, reduced].map(|value| value as u32);
        Ok(Size { extents, points, ordered, results, reduced, blocks })
    }
}
