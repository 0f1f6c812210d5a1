//! The plan of a program: what a call needs to know of it, looked up once when the kernel is made.
//!
//! Says where parameters, results and nests stand in the frame and what a nest's point costs. Knows nothing of
//! arguments or threads.

use crate::cost::Cost;
use crate::matmul::MatMulPlan;
use crate::points::{Points, SitePoints};
use crate::progress::Part;
use hotloop_ir::{Extent, FaultKind, Param, Program, ResultRef, Role, Scalar, Site, Type};
use hotloop_target::FrameLayout;

/// What a call needs to know of a program.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) kernel: String,
    pub(crate) words: usize,
    pub(crate) params: Vec<ParamPlan>,
    pub(crate) results: Vec<ResultPlan>,
    pub(crate) arrays: Vec<ArrayPlan>,
    pub(crate) nests: Vec<NestPlan>,
    pub(crate) products: Vec<MatMulPlan>,
    pub(crate) sites: Vec<SitePlan>,
    /// What tells how far a call is.
    pub(crate) way: Vec<Part>,
    /// Whether some parameter is written.
    pub(crate) writes_params: bool,
}

/// A parameter.
#[derive(Clone, Debug)]
pub(crate) enum ParamPlan {
    /// A complex number has its imaginary part in the next word.
    Scalar { name: String, ty: Type, word: usize },
    /// Complex numbers have one axis more in the frame, along which their parts lie.
    Array { name: String, ty: Type, base: usize, rank: usize, mutable: bool },
}

impl ParamPlan {
    pub(crate) fn name(&self) -> &str {
        match self {
            ParamPlan::Scalar { name, .. } | ParamPlan::Array { name, .. } => name,
        }
    }
}

/// A result.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ResultPlan {
    Scalar {
        ty: Type,
        word: usize,
    },
    /// `first` is the first result that is this array: one array can be given back several times.
    Array {
        ty: Type,
        first: usize,
    },
}

/// An array of the program.
#[derive(Clone, Debug)]
pub(crate) struct ArrayPlan {
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) base: usize,
    pub(crate) rank: usize,
    /// Which result it is; none for temporaries and parameters.
    pub(crate) result: Option<usize>,
}

/// A nest.
#[derive(Clone, Debug)]
pub(crate) struct NestPlan {
    pub(crate) extents: Vec<ExtentPlan>,
    /// What one point costs one thread, roughly.
    pub(crate) cost: Cost,
}

/// The number of points along an axis.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ExtentPlan {
    Const(i64),
    Word(usize),
}

/// A place that can fault.
#[derive(Clone, Debug)]
pub(crate) struct SitePlan {
    pub(crate) site: Site,
    pub(crate) points: Points,
}

impl Plan {
    /// The plan of a program; the points of its sites were looked up before the passes.
    pub(crate) fn of(program: &Program, points: &SitePoints) -> Plan {
        let layout = FrameLayout::of(program);
        let params: Vec<ParamPlan> = program.params.iter().map(|param| param_plan(program, &layout, *param)).collect();
        let writes_params = params.iter().any(|param| matches!(param, ParamPlan::Array { mutable: true, .. }));
        Plan {
            kernel: program.name.clone(),
            words: layout.words(),
            params,
            results: program.results.iter().map(|result| result_plan(program, &layout, *result)).collect(),
            arrays: array_plans(program, &layout),
            nests: program.nests.iter().map(|nest| nest_plan(nest, &layout)).collect(),
            products: program.products.iter().map(|product| MatMulPlan::of(program, product, &layout)).collect(),
            sites: program.sites.iter().map(|site| SitePlan { points: points.get(site), site: site.clone() }).collect(),
            way: Part::all(program, &layout),
            writes_params,
        }
    }

    /// Bytes this plan takes in memory, roughly.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Plan>()
            + self.params.len() * size_of::<ParamPlan>()
            + self.arrays.len() * size_of::<ArrayPlan>()
            + self.nests.iter().map(|nest| size_of::<NestPlan>() + nest.cost.bytes()).sum::<usize>()
            + self.sites.len() * size_of::<SitePlan>()
    }

    /// What a nest takes one thread, in estimated nanoseconds, from a frame of this plan.
    pub(crate) fn work(&self, nest: usize, word: impl Fn(usize) -> u64) -> f64 {
        let NestPlan { extents, cost } = &self.nests[nest];
        let extent = |extent: &ExtentPlan| match extent {
            ExtentPlan::Const(extent) => *extent,
            ExtentPlan::Word(at) => word(*at) as i64,
        };
        extents.iter().map(|axis| extent(axis).max(0) as f64).product::<f64>() * cost.nanoseconds(word)
    }

    /// The indices of a point from its number, if its shape has a name.
    pub(crate) fn point(&self, points: Points, linear: i64, frame: &[u64]) -> Vec<i64> {
        let (base, rank) = match points {
            Points::One | Points::Unknown => return Vec::new(),
            Points::Row => return vec![linear],
            Points::Param(at) => match &self.params[at] {
                ParamPlan::Array { base, rank, .. } => (*base, *rank),
                ParamPlan::Scalar { .. } => return Vec::new(),
            },
            Points::Result(at) => match self.arrays.iter().find(|array| array.result == Some(at)) {
                Some(array) => (array.base, array.rank),
                None => return Vec::new(),
            },
        };
        let extents: Vec<i64> = frame[base + 1..][..rank].iter().map(|extent| *extent as i64).collect();
        unravel(linear, &extents)
    }
}

/// A scalar in the frame.
pub(crate) fn frame_scalar(ty: Type, frame: &[u64], word: usize) -> Scalar {
    match ty.is_complex() {
        true => Scalar::complex(ty, frame[word], frame[word + 1]),
        false => Scalar::new(ty, frame[word]),
    }
}

/// The indices of the element with this number in C order.
fn unravel(linear: i64, extents: &[i64]) -> Vec<i64> {
    let mut rest = linear;
    let mut point = vec![0; extents.len()];
    for (at, extent) in point.iter_mut().zip(extents).rev() {
        let extent = (*extent).max(1);
        *at = rest.rem_euclid(extent);
        rest = rest.div_euclid(extent);
    }
    point
}

fn param_plan(program: &Program, layout: &FrameLayout, param: Param) -> ParamPlan {
    match param {
        Param::Scalar(slot) => {
            let info = program.slot(slot);
            ParamPlan::Scalar { name: info.name.clone(), ty: info.ty, word: layout.slot(slot) }
        }
        Param::Pair([real, _]) => {
            let info = program.slot(real);
            let name = info.name.strip_suffix(".real").unwrap_or(&info.name).to_owned();
            ParamPlan::Scalar { name, ty: info.ty.complex().unwrap_or(info.ty), word: layout.slot(real) }
        }
        Param::Array(array) => {
            let info = program.array(array);
            ParamPlan::Array {
                name: info.name.clone(),
                ty: info.element(),
                base: layout.base(array),
                rank: info.axes() as usize,
                mutable: info.role == Role::Mut,
            }
        }
    }
}

fn result_plan(program: &Program, layout: &FrameLayout, result: ResultRef) -> ResultPlan {
    match result {
        ResultRef::Scalar(slot) => ResultPlan::Scalar { ty: program.slot(slot).ty, word: layout.slot(slot) },
        ResultRef::Pair([real, _]) => {
            let ty = program.slot(real).ty;
            ResultPlan::Scalar { ty: ty.complex().unwrap_or(ty), word: layout.slot(real) }
        }
        ResultRef::Array(array) => {
            let first = program.results.iter().position(|other| *other == result).unwrap_or(0);
            ResultPlan::Array { ty: program.array(array).element(), first }
        }
    }
}

fn array_plans(program: &Program, layout: &FrameLayout) -> Vec<ArrayPlan> {
    let ids = (0..program.arrays.len() as u32).map(hotloop_ir::ArrayId);
    let plan = |id| {
        let info = program.array(id);
        ArrayPlan {
            name: info.name.clone(),
            ty: info.element(),
            base: layout.base(id),
            rank: info.axes() as usize,
            result: program.results.iter().position(|result| *result == ResultRef::Array(id)),
        }
    };
    ids.map(plan).collect()
}

fn nest_plan(nest: &hotloop_ir::Nest, layout: &FrameLayout) -> NestPlan {
    let extent = |axis: &hotloop_ir::Axis| match axis.extent {
        Extent::Const(extent) => ExtentPlan::Const(extent),
        Extent::Slot(slot) => ExtentPlan::Word(layout.slot(slot)),
    };
    NestPlan { extents: nest.axes.iter().map(extent).collect(), cost: Cost::of(nest, layout) }
}

/// Whether a kind of fault is about one point among others, so that its indices help.
pub(crate) fn shows_point(kind: FaultKind) -> bool {
    match kind {
        FaultKind::Index | FaultKind::DivideByZero | FaultKind::NegativeExponent | FaultKind::Overflow => true,
        FaultKind::Shape
        | FaultKind::Inner
        | FaultKind::NegativeExtent
        | FaultKind::EmptyReduction
        | FaultKind::ZeroStep
        | FaultKind::Reshape => false,
    }
}

#[cfg(test)]
mod tests {
    use super::unravel;

    #[test]
    fn points_come_back_from_their_numbers() {
        assert_eq!(unravel(0, &[]), Vec::<i64>::new());
        assert_eq!(unravel(7, &[10]), [7]);
        assert_eq!(unravel(23, &[2, 3, 4]), [1, 2, 3]);
        assert_eq!(unravel(5, &[3, 0]), [2, 0]);
    }
}
