//! Which indices a fault has: the shape whose elements the points of a faulting nest are.
//!
//! Looked up before the passes, which may merge axes, so that a fault reads the same on every target. The shape is named
//! by a parameter or result, because these stay what they are through all passes.

use hotloop_ir::{Counts, Extent, Nest, Param, Program, Region, ResultRef, Site, Stmt, View};

/// What the number of a point is the number of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Points {
    /// The only point there is: scalar code.
    One,
    /// A place in a row.
    Row,
    /// An element of the array passed for this parameter.
    Param(usize),
    /// An element of this result.
    Result(usize),
    /// A point of a shape that has no name.
    Unknown,
}

/// The points of each site of a program.
#[derive(Debug)]
pub(crate) struct SitePoints(Vec<(Site, Points)>);

impl SitePoints {
    /// Looks them up.
    pub(crate) fn of(program: &Program) -> SitePoints {
        let mut points: Vec<Option<Points>> = vec![None; program.sites.len()];
        for nest in &program.nests {
            let found = nest_points(program, nest);
            // Where several nests share a site, the number alone does not tell which one it counts the points of.
            visit_sites(&nest.lane.body, &mut |site| {
                let found = match program.sites[site].counts {
                    Counts::Points => found,
                    Counts::Row => Points::Row,
                    Counts::Param(at) => Points::Param(at as usize),
                    Counts::Unnamed => Points::Unknown,
                };
                let same = points[site].is_none_or(|known| known == found);
                points[site] = Some(if same { found } else { Points::Unknown });
            });
        }
        let points = points.into_iter().map(|found| found.unwrap_or(Points::One));
        SitePoints(program.sites.iter().cloned().zip(points).collect())
    }

    /// The points of a site that may have got another number by now.
    pub(crate) fn get(&self, site: &Site) -> Points {
        self.0.iter().find(|(other, _)| other == site).map_or(Points::Unknown, |(_, points)| *points)
    }
}

fn nest_points(program: &Program, nest: &Nest) -> Points {
    match nest.axes.len() {
        0 => return Points::One,
        1 if stores_elsewhere(nest) => return Points::Unknown,
        1 => return Points::Row,
        _ => {}
    }
    let walked = |view: &View| walks_all(nest, view, program.array(view.array).axes() as usize);
    for view in nest.views.iter().filter(|view| walked(view)) {
        if let Some(at) = program.params.iter().position(|param| *param == Param::Array(view.array)) {
            return Points::Param(at);
        }
        if let Some(at) = program.results.iter().position(|result| *result == ResultRef::Array(view.array)) {
            return Points::Result(at);
        }
    }
    Points::Unknown
}

/// Whether what the points compute is stored beside their numbers, as by the parts of a stencil.
fn stores_elsewhere(nest: &Nest) -> bool {
    let beside = |view: &View| view.dims.iter().any(|dim| dim.axis.is_some() && dim.start != Extent::Const(0));
    nest.lane.body.iter().any(|stmt| matches!(stmt, Stmt::Store(view, _) if beside(&nest.views[view.index()])))
}

/// Whether a view takes every element of its array in the order of the points.
fn walks_all(nest: &Nest, view: &View, axes: usize) -> bool {
    let in_order = |(at, dim): (usize, &hotloop_ir::ViewDim)| dim.axis == Some(at as u32) && dim.full;
    axes == nest.axes.len() && view.dims.iter().take(axes).enumerate().all(in_order)
}

fn visit_sites(region: &Region, visit: &mut impl FnMut(usize)) {
    for stmt in region {
        match stmt {
            Stmt::Check { site, .. } => visit(site.index()),
            Stmt::If { then, otherwise, .. } => {
                visit_sites(then, visit);
                visit_sites(otherwise, visit);
            }
            Stmt::For { body, .. } | Stmt::Loop(body) | Stmt::Block(body) => visit_sites(body, visit),
            Stmt::Let(_)
            | Stmt::Set(..)
            | Stmt::Store(..)
            | Stmt::StoreAt(..)
            | Stmt::SetSlot(..)
            | Stmt::Fold(..)
            | Stmt::Break(_)
            | Stmt::Continue(_) => {}
        }
    }
}
