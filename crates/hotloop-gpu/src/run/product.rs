//! Matrix products as dispatches: a workgroup per tile of the result, cut along the sums where these are long or where
//! an operand is larger than what one dispatch sees.

use super::dispatch::{Size, Work};
use super::pieces::Unit;
use super::{End, Run};
use crate::device::DeviceError;
use crate::shade::TILE;
use hotloop_ir::program::ProductId;

/// The most terms of a sum that one dispatch adds: a workgroup cannot be interrupted.
const TERMS: u64 = 1 << 13;
/// The fewest terms that are worth a dispatch.
const FEW: u64 = 16;

impl Run {
    /// Runs a matrix product.
    pub(super) fn product(&mut self, id: ProductId) -> Result<(), End> {
        self.poll()?;
        let kernel = self.kernel.clone();
        let product = kernel.product(id);
        let mut extents = Vec::with_capacity(product.domain.axes.len());
        for axis in &product.domain.axes {
            extents.push(self.whole(axis.extent)?.max(0) as u64);
        }
        let [matrices @ .., rows, columns, summed] = extents.as_slice() else { return Ok(()) };
        let tiles = [rows, columns].map(|extent| extent.div_ceil(u64::from(TILE)));
        let groups = matrices.iter().chain(&tiles).fold(1u64, |count, extent| count.saturating_mul(*extent));
        let limit = u64::from(u32::MAX);
        let most = groups.max(*summed).max(*rows).max(*columns);
        if most > limit {
            return Err(DeviceError::TooMany { points: most, limit }.into());
        }
        if groups == 0 {
            return Ok(());
        }
        let reaches = self.reaches(&product.domain)?;
        let extents: Vec<u32> = extents.iter().map(|extent| *extent as u32).collect();
        let summed = *summed;
        self.sequence += 1;
        let (mut from, mut count) = (0, summed.min(TERMS));
        loop {
            let to = summed.min(from + count);
            let size = Size { extents: extents.clone(), ordered: from as u32, reduced: to as u32, ..Size::default() };
            let unit = Unit::Tiles { side: u64::from(TILE), tiles, terms: [from, to] };
            let (nest, stage) = (&product.domain, &product.stage);
            let work = Work { nest, stage, size: &size, unit, reaches: &reaches, partials: &[] };
            if count > FEW && !self.fits(&work, groups) {
                count = (count / 2).next_multiple_of(FEW);
                continue;
            }
            let points = (groups * u64::from(TILE * TILE)).saturating_mul(to - from);
            self.in_parts(stage, to - from, groups, points, &mut |run, first, end| run.windows(&work, first, end))?;
            from = to;
            if from >= summed {
                return Ok(());
            }
        }
    }

    /// Whether what a single tile touches can be bound, be it the first or the last.
    fn fits(&self, work: &Work<'_>, groups: u64) -> bool {
        [0, groups - 1].into_iter().all(|group| self.bindings(work, group, group).is_ok())
    }
}
