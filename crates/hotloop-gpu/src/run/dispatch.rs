//! Nests as dispatches: their sizes, their parameter blocks, what they bind.

use super::{End, Run};
use crate::device::DeviceError;
use crate::kernel::Stage;
use crate::pool::Lease;
use crate::scalar::Slots;
use crate::shade::params::{self, ParamLayout};
use crate::shade::{Buffer, CHECKED_GROUPS, FAULT_WORDS, Shader, Spread, fold_all, stored_bytes};
use hotloop_ir::semantics::FOLD_BLOCK;
use hotloop_ir::{AxisKind, FoldId, Nest};
use std::sync::Arc;

/// Bytes of parameter blocks that are collected before a batch is handed over.
pub(super) const RING: u64 = 1 << 18;
/// Workgroups along the first axis of a dispatch.
const ROW: u32 = 65_535;

impl Run {
    pub(super) fn shaders(&mut self, nest: &Nest, main: &Stage, folds: &[Stage]) -> Result<(), End> {
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
        partials: &[Arc<Lease>],
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
}

/// Workgroups of a dispatch.
fn groups(shader: &Shader, count: u32) -> u32 {
    let wanted = match shader.spread {
        Spread::Points => count.div_ceil(shader.module.entry_points[0].workgroup_size[0]),
        Spread::Blocks(_) => count,
    };
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
        if all > u64::from(u32::MAX) - 4 * u64::from(ROW) {
            let limit = u64::from(u32::MAX) - 4 * u64::from(ROW);
            return Err(DeviceError::TooLarge { bytes: all, limit }.into());
        }
        let blocks = reduced.div_ceil(FOLD_BLOCK as u64).max(1) as u32;
        let [points, ordered, results, reduced] = [points, ordered, kept, reduced].map(|value| value as u32);
        Ok(Size { extents, points, ordered, results, reduced, blocks })
    }
}
