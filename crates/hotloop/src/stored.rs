//! A compiled program as the bytes that are kept on disk: its artifact and its plan, without names.
//!
//! Owns their order only. Whoever reads gets all of it or nothing; that the bytes are those that were written is the
//! cache's business.

use crate::cost::{Cost, Rule, Term};
use crate::matmul::{DimPlan, MatMulPlan, ViewPlan};
use crate::plan::{ArrayPlan, ExtentPlan, NestPlan, ParamPlan, Plan, ResultPlan, SitePlan};
use crate::points::Points;
use crate::progress::Part;
use hotloop_ir::{Counts, FaultKind, Site, Span, Type};
use hotloop_target::Artifact;
use hotloop_target::bytes::{Reader, Writer};

/// The bytes of a compiled program.
pub(crate) fn encode(artifact: &Artifact, plan: &Plan) -> Vec<u8> {
    let mut to = Writer::new();
    artifact.write(&mut to);
    write_plan(plan, &mut to);
    to.finish()
}

/// What was written by [`encode`].
pub(crate) fn decode(bytes: &[u8]) -> Option<(Artifact, Plan)> {
    let mut from = Reader::new(bytes);
    let artifact = Artifact::read(&mut from)?;
    let plan = read_plan(&mut from)?;
    from.is_empty().then_some((artifact, plan))
}

fn write_plan(plan: &Plan, to: &mut Writer) {
    to.bytes(plan.kernel.as_bytes());
    to.number(plan.words as u64);
    to.number(plan.writes_params.into());
    write_list(to, &plan.params, write_param);
    write_list(to, &plan.results, write_result);
    write_list(to, &plan.arrays, write_array);
    write_list(to, &plan.nests, write_nest);
    write_list(to, &plan.products, write_product);
    write_list(to, &plan.sites, write_site);
    write_list(to, &plan.way, write_part);
}

fn read_plan(from: &mut Reader<'_>) -> Option<Plan> {
    let plan = Plan {
        kernel: from.text()?.to_owned(),
        words: from.count()?,
        writes_params: read_bool(from)?,
        params: from.list(read_param)?,
        results: from.list(read_result)?,
        arrays: from.list(read_array)?,
        nests: from.list(read_nest)?,
        products: from.list(read_product)?,
        sites: from.list(read_site)?,
        way: from.list(read_part)?,
    };
    Some(plan)
}

fn write_list<T>(to: &mut Writer, list: &[T], write: impl Fn(&T, &mut Writer)) {
    to.number(list.len() as u64);
    list.iter().for_each(|item| write(item, to));
}

fn read_bool(from: &mut Reader<'_>) -> Option<bool> {
    match from.number()? {
        0 => Some(false),
        1 => Some(true),
        2.. => None,
    }
}

fn write_part(part: &Part, to: &mut Writer) {
    match part {
        Part::Nest(nest) => [0, *nest as u64].into_iter().for_each(|number| to.number(number)),
        Part::Counted { index, start, stop, step, nests } => {
            [1, *index as u64, *start as u64, *stop as u64, *step as u64].into_iter().for_each(|word| to.number(word));
            write_list(to, nests, |nest, to| to.number(*nest as u64));
        }
        Part::Open => to.number(2),
    }
}

fn read_part(from: &mut Reader<'_>) -> Option<Part> {
    match from.number()? {
        0 => Some(Part::Nest(from.count()?)),
        1 => {
            let (index, start, stop, step) = (from.count()?, from.count()?, from.count()?, from.count()?);
            Some(Part::Counted { index, start, stop, step, nests: from.list(Reader::count)? })
        }
        2 => Some(Part::Open),
        3.. => None,
    }
}

fn write_type(ty: Type, to: &mut Writer) {
    to.number(ty as u64);
}

fn read_type(from: &mut Reader<'_>) -> Option<Type> {
    Type::ALL.get(from.count()?).copied()
}

fn write_param(param: &ParamPlan, to: &mut Writer) {
    match param {
        ParamPlan::Scalar { name, ty, word } => {
            to.number(0);
            to.bytes(name.as_bytes());
            write_type(*ty, to);
            to.number(*word as u64);
        }
        ParamPlan::Array { name, ty, base, rank, mutable } => {
            to.number(1);
            to.bytes(name.as_bytes());
            write_type(*ty, to);
            to.number(*base as u64);
            to.number(*rank as u64);
            to.number((*mutable).into());
        }
    }
}

fn read_param(from: &mut Reader<'_>) -> Option<ParamPlan> {
    let is_array = read_bool(from)?;
    let name = from.text()?.to_owned();
    let (ty, at) = (read_type(from)?, from.count()?);
    if !is_array {
        return Some(ParamPlan::Scalar { name, ty, word: at });
    }
    Some(ParamPlan::Array { name, ty, base: at, rank: from.count()?, mutable: read_bool(from)? })
}

fn write_result(result: &ResultPlan, to: &mut Writer) {
    let (is_array, ty, at) = match result {
        ResultPlan::Scalar { ty, word } => (false, ty, word),
        ResultPlan::Array { ty, first } => (true, ty, first),
    };
    to.number(is_array.into());
    write_type(*ty, to);
    to.number(*at as u64);
}

fn read_result(from: &mut Reader<'_>) -> Option<ResultPlan> {
    let (is_array, ty, at) = (read_bool(from)?, read_type(from)?, from.count()?);
    Some(if is_array { ResultPlan::Array { ty, first: at } } else { ResultPlan::Scalar { ty, word: at } })
}

fn write_array(array: &ArrayPlan, to: &mut Writer) {
    to.bytes(array.name.as_bytes());
    write_type(array.ty, to);
    to.number(array.base as u64);
    to.number(array.rank as u64);
    to.number(array.result.map_or(0, |result| result as u64 + 1));
}

fn read_array(from: &mut Reader<'_>) -> Option<ArrayPlan> {
    let name = from.text()?.to_owned();
    let (ty, base, rank) = (read_type(from)?, from.count()?, from.count()?);
    Some(ArrayPlan { name, ty, base, rank, result: from.count()?.checked_sub(1) })
}

fn write_nest(nest: &NestPlan, to: &mut Writer) {
    write_list(to, &nest.cost.0, write_term);
    write_list(to, &nest.extents, write_extent);
}

fn write_extent(extent: &ExtentPlan, to: &mut Writer) {
    match extent {
        ExtentPlan::Const(extent) => {
            to.number(0);
            to.number(extent.cast_unsigned());
        }
        ExtentPlan::Word(word) => {
            to.number(1);
            to.number(*word as u64);
        }
    }
}

fn read_extent(from: &mut Reader<'_>) -> Option<ExtentPlan> {
    match read_bool(from)? {
        false => Some(ExtentPlan::Const(from.number()?.cast_signed())),
        true => Some(ExtentPlan::Word(from.count()?)),
    }
}

fn write_product(product: &MatMulPlan, to: &mut Writer) {
    write_type(product.ty, to);
    write_list(to, &product.axes, write_extent);
    write_list(to, &product.views, |view, to| {
        to.number(view.base as u64);
        write_list(to, &view.dims, |dim, to| {
            to.number(dim.stride as u64);
            write_extent(&dim.start, to);
            write_extent(&dim.step, to);
            to.number(dim.axis.map_or(0, |axis| u64::from(axis) + 1));
        });
    });
}

fn read_product(from: &mut Reader<'_>) -> Option<MatMulPlan> {
    let (ty, axes) = (read_type(from)?, from.list(read_extent)?);
    let views = from.list(|from| Some(ViewPlan { base: from.count()?, dims: from.list(read_dim)? }))?;
    Some(MatMulPlan { ty, axes, views })
}

fn read_dim(from: &mut Reader<'_>) -> Option<DimPlan> {
    let (stride, start, step) = (from.count()?, read_extent(from)?, read_extent(from)?);
    let axis = u32::try_from(from.number()?).ok()?.checked_sub(1);
    Some(DimPlan { stride, start, step, axis })
}

fn read_nest(from: &mut Reader<'_>) -> Option<NestPlan> {
    let cost = Cost(from.list(read_term)?);
    let extents = from.list(read_extent)?;
    Some(NestPlan { extents, cost })
}

fn write_term(term: &Term, to: &mut Writer) {
    match *term {
        Term::Number(number) => [0, number.to_bits()].into_iter().for_each(|part| to.number(part)),
        Term::Word(word) => [1, word as u64].into_iter().for_each(|part| to.number(part)),
        Term::Pair(rule, a, b) => [2, rule as u64, a.into(), b.into()].into_iter().for_each(|part| to.number(part)),
    }
}

fn read_term(from: &mut Reader<'_>) -> Option<Term> {
    match from.number()? {
        0 => Some(Term::Number(f64::from_bits(from.number()?))),
        1 => Some(Term::Word(from.count()?)),
        2 => {
            let rule = Rule::ALL.get(from.count()?).copied()?;
            Some(Term::Pair(rule, u32::try_from(from.number()?).ok()?, u32::try_from(from.number()?).ok()?))
        }
        3.. => None,
    }
}

fn write_site(plan: &SitePlan, to: &mut Writer) {
    let Site { kind, span, subject, axis, counts } = &plan.site;
    to.number(*kind as u64);
    to.number(span.start.into());
    to.number(span.end.into());
    to.bytes(subject.as_bytes());
    to.number((*axis).into());
    let (counts, of) = match *counts {
        Counts::Points => (0, 0),
        Counts::Row => (1, 0),
        Counts::Param(of) => (2, of),
        Counts::Unnamed => (3, 0),
    };
    to.number(counts);
    to.number(of.into());
    let (points, at) = match plan.points {
        Points::One => (0, 0),
        Points::Row => (1, 0),
        Points::Param(at) => (2, at),
        Points::Result(at) => (3, at),
        Points::Unknown => (4, 0),
    };
    to.number(points);
    to.number(at as u64);
}

fn read_site(from: &mut Reader<'_>) -> Option<SitePlan> {
    let kind = FaultKind::ALL.get(from.count()?).copied()?;
    let mut number = || u32::try_from(from.number()?).ok();
    let span = Span::new(number()?, number()?);
    let subject = from.text()?.to_owned();
    let axis = u32::try_from(from.number()?).ok()?;
    let counts = match (from.number()?, u32::try_from(from.number()?).ok()?) {
        (0, _) => Counts::Points,
        (1, _) => Counts::Row,
        (2, of) => Counts::Param(of),
        (3, _) => Counts::Unnamed,
        (4.., _) => return None,
    };
    let points = match (from.number()?, from.count()?) {
        (0, _) => Points::One,
        (1, _) => Points::Row,
        (2, at) => Points::Param(at),
        (3, at) => Points::Result(at),
        (4, _) => Points::Unknown,
        (5.., _) => return None,
    };
    Some(SitePlan { site: Site { kind, span, subject, axis, counts }, points })
}
