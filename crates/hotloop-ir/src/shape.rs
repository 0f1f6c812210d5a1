//! Which shape of code fits the axes of a nest. Which lanes and threads to use is decided by the passes.

use crate::program::{Axis, AxisKind, Shape};

impl Shape {
    /// The one shape besides `Serial` that a nest with these axes can have, or `Serial` if it can have no other.
    pub fn of(axes: &[Axis]) -> Shape {
        let count = |kind| axes.iter().filter(|axis| axis.kind == kind).count();
        let reduced = count(AxisKind::Reduce);
        let Some(last) = axes.last() else { return Shape::Serial };
        if count(AxisKind::Ordered) > 0 {
            return Shape::Serial;
        }
        match last.kind {
            AxisKind::Parallel if reduced == 0 => Shape::Map,
            AxisKind::Parallel => Shape::FoldColumns,
            AxisKind::Reduce if reduced == 1 => Shape::FoldRows,
            AxisKind::Reduce | AxisKind::Ordered => Shape::FoldPoints,
        }
    }
}
