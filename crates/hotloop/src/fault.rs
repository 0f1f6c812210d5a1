//! From the record a kernel leaves to the message a person reads.
//!
//! Owns the wording and the codes of run-time faults; how they are shown belongs to the rendering of diagnostics.

use crate::error::Fault;
use crate::plan::{ParamPlan, Plan, SitePlan, shows_point};
use hotloop_ir::{FaultKind, Site};
use hotloop_source::{Diagnostic, Source};
use hotloop_target::FaultRecord;

/// The fault a record tells of; none if it names no site, which is a mistake of the target.
pub(crate) fn fault(plan: &Plan, source: &Source, record: &FaultRecord, frame: &[u64]) -> Option<Fault> {
    let SitePlan { site, points } = plan.sites.get(record.site as usize)?;
    let message = message(site, record.shows);
    let point = plan.point(*points, record.element, frame);
    let mut diagnostic = Diagnostic::error(code(site.kind), site.span, message.clone());
    if shows_point(site.kind) && !point.is_empty() {
        diagnostic = diagnostic.hint(format!("this is at the index {point:?}"));
    }
    for (name, shape) in operands(plan, site, frame) {
        diagnostic = diagnostic.hint(format!("`{name}` has the shape {shape:?}"));
    }
    Some(Fault {
        kind: site.kind,
        kernel: plan.kernel.clone(),
        message,
        position: source.position(site.span.start),
        point,
        source: source.clone(),
        diagnostic,
    })
}

/// The parameters among the operands of a matrix product, with their shapes.
fn operands(plan: &Plan, site: &Site, frame: &[u64]) -> Vec<(String, Vec<i64>)> {
    if site.kind != FaultKind::Inner {
        return Vec::new();
    }
    let shape = |name: &str| {
        let found = plan.params.iter().find(|param| param.name() == name)?;
        match found {
            ParamPlan::Array { base, rank, .. } => {
                let extents = frame.get(base + 1..)?.get(..*rank)?;
                Some((name.to_owned(), extents.iter().map(|extent| *extent as i64).collect()))
            }
            ParamPlan::Scalar { .. } => None,
        }
    };
    site.subject.split(" @ ").filter_map(shape).collect()
}

fn code(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Index => "R0001",
        FaultKind::DivideByZero => "R0002",
        FaultKind::Shape => "R0003",
        FaultKind::NegativeExtent => "R0004",
        FaultKind::EmptyReduction => "R0005",
        FaultKind::NegativeExponent => "R0006",
        FaultKind::ZeroStep => "R0007",
        FaultKind::Overflow => "R0008",
        FaultKind::Reshape => "R0009",
        FaultKind::Inner => "R0010",
    }
}

fn message(site: &Site, [first, second]: [i64; 2]) -> String {
    let Site { kind, subject, axis, .. } = site;
    let of = if subject.is_empty() { String::new() } else { format!(" of `{subject}`") };
    let in_ = if subject.is_empty() { String::new() } else { format!(" in `{subject}`") };
    match kind {
        FaultKind::Index => {
            format!("index {first} is out of range for axis {axis}{of}, which has {}", elements(second))
        }
        FaultKind::DivideByZero => format!("division of {first} by zero{in_}"),
        FaultKind::Shape => {
            let were = if second == 1 { "was" } else { "were" };
            format!("axis {axis}{of} has {}, but {second} {were} expected", elements(first))
        }
        FaultKind::Inner => {
            let of = if subject.is_empty() { "`@`".to_owned() } else { format!("`{subject}`") };
            format!(
                "the last axis of the left side of {of} has {}, the axis of the right side that it meets {second}",
                elements(first)
            )
        }
        FaultKind::NegativeExtent => format!("axis {axis}{of} cannot have {}", elements(first)),
        FaultKind::EmptyReduction => format!("no elements to reduce{in_}"),
        FaultKind::NegativeExponent => format!("an integer raised to the negative power {first}{in_}"),
        FaultKind::ZeroStep => format!("the step is zero{in_}"),
        FaultKind::Overflow => overflow(subject, [first, second]),
        FaultKind::Reshape => format!("{} do not fit a shape for {second}{in_}", elements(first)),
    }
}

/// What is said of a site where the numbers are given beside the words; `{0}` and `{1}` stand for them.
pub(crate) fn static_message(site: &Site, source: &Source) -> String {
    let Site { kind, subject, axis, span, counts: _ } = site;
    let at = source.position(span.start);
    let place = format!("{}:{}:{}", source.name(), at.line, at.column);
    let of = if subject.is_empty() { String::new() } else { format!(" of `{subject}`") };
    let words = match kind {
        FaultKind::Index => format!("index {{0}} is out of range for axis {axis}{of}, whose extent is {{1}}"),
        FaultKind::DivideByZero => "division of {0} by zero".to_owned(),
        FaultKind::Shape => format!("the extent of axis {axis}{of} is {{0}}, but {{1}} was expected"),
        FaultKind::NegativeExtent => format!("the extent of axis {axis}{of} cannot be {{0}}"),
        FaultKind::EmptyReduction => "no elements to reduce".to_owned(),
        FaultKind::NegativeExponent => "an integer raised to the negative power {0}".to_owned(),
        FaultKind::ZeroStep => "the step is zero".to_owned(),
        FaultKind::Overflow => "integer overflow, with the operands {0} and {1}".to_owned(),
        FaultKind::Inner => {
            "the last axis of the left side of `@` has {0} elements, the axis of the right side that it meets {1}"
                .to_owned()
        }
        FaultKind::Reshape => "{0} elements do not fit a shape for {1}".to_owned(),
    };
    format!("{place}: {words}")
}

/// What is said of an overflow whose site names a type and an op, such as `i32 *` or `i8 -x`; others name nothing.
fn overflow(subject: &str, operands: [i64; 2]) -> String {
    let Some((ty, op)) = subject.split_once(' ') else {
        return format!("integer overflow, with the operands {} and {}", operands[0], operands[1]);
    };
    // The record holds the bits of the widest unsigned type too.
    let [first, second] = operands.map(|value| match ty {
        "u64" => value.cast_unsigned().to_string(),
        _ => value.to_string(),
    });
    if op == "sum" {
        return format!("the sum does not fit {ty}");
    }
    match op.contains('x') {
        true => format!("`{op}` overflows {ty}, where x is {first}"),
        false => format!("`{op}` overflows {ty}, with the operands {first} and {second}"),
    }
}

fn elements(count: i64) -> String {
    if count == 1 { "1 element".to_owned() } else { format!("{count} elements") }
}

#[cfg(test)]
mod tests {
    use super::message;
    use hotloop_ir::{Counts, FaultKind, Site};
    use hotloop_source::Span;

    #[test]
    fn messages_name_the_array_and_the_numbers() {
        let site = |kind, subject: &str| Site {
            kind,
            span: Span::new(0, 1),
            subject: subject.to_owned(),
            axis: 1,
            counts: Counts::Points,
        };
        let text = message(&site(FaultKind::Index, "a"), [100, 4]);
        assert_eq!(text, "index 100 is out of range for axis 1 of `a`, which has 4 elements");
        let text = message(&site(FaultKind::Shape, "b"), [1, 3]);
        assert_eq!(text, "axis 1 of `b` has 1 element, but 3 were expected");
        assert_eq!(message(&site(FaultKind::DivideByZero, ""), [7, 0]), "division of 7 by zero");
    }
}
