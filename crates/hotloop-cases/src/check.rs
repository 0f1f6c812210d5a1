//! Comparing what a case came to with what it says, and two outcomes with each other.

use crate::case::{Announced, Case, ExpectedFault, Section};
use crate::compare;
use crate::data::Data;
use crate::run::{Outcome, Problem, Stop};

/// Whether a case of a section came to what it says; the error says how not.
pub fn expectations(section: &Section, case: &Case, outcome: &Outcome) -> Result<(), String> {
    let announced: Vec<Announced> = section.announced.iter().chain(&case.announced).cloned().collect();
    match (outcome, &case.fault) {
        (Outcome::Refused(problems), _) => refused(&announced, problems, case.expr.as_ref().map(|_| 1)),
        (Outcome::Other(message), _) => Err(message.clone()),
        (_, _) if !announced.is_empty() => Err(format!("the announced {} did not come", announced[0].code)),
        (Outcome::Fault(stop), Some(fault)) => faulted(fault, stop),
        (Outcome::Fault(stop), None) => Err(format!("it faulted: {} at {:?}", stop.message, stop.at)),
        (Outcome::Done(..), Some(fault)) => Err(format!("it did not fault: {}", fault.message)),
        (Outcome::Done(outs, afters), None) => results(case, outs, afters),
    }
}

fn results(case: &Case, outs: &[Data], afters: &[(String, Data)]) -> Result<(), String> {
    if !case.outs.is_empty() && case.outs.len() != outs.len() {
        return Err(format!("it gave {} results, expected {}", outs.len(), case.outs.len()));
    }
    for (index, (expected, found)) in case.outs.iter().zip(outs).enumerate() {
        let what = if outs.len() == 1 { "the result".to_owned() } else { format!("result {index}") };
        compare::expect(&what, expected, found)?;
    }
    for (name, expected) in &case.afters {
        let Some((_, found)) = afters.iter().find(|(other, _)| other == name) else {
            return Err(format!("there is no written argument `{name}`"));
        };
        compare::expect(&format!("`{name}`"), expected, found)?;
    }
    Ok(())
}

fn faulted(expected: &ExpectedFault, stop: &Stop) -> Result<(), String> {
    let at = expected.at.unwrap_or(stop.at);
    let point = expected.point.as_ref().unwrap_or(&stop.point);
    if stop.message.contains(&expected.message) && at == stop.at && *point == stop.point {
        return Ok(());
    }
    Err(format!("the fault is {stop:?}, expected {expected:?}"))
}

/// Whether exactly the announced diagnostics came; those of an expression are in line `line`.
pub fn refused(announced: &[Announced], problems: &[Problem], line: Option<usize>) -> Result<(), String> {
    let mut left: Vec<&Problem> = problems.iter().collect();
    for expected in announced {
        match left.iter().position(|problem| fits(expected, problem, line)) {
            Some(at) => drop(left.remove(at)),
            None => return Err(format!("{expected:?} did not come; these did: {problems:#?}")),
        }
    }
    if left.is_empty() { Ok(()) } else { Err(format!("not announced: {left:#?}")) }
}

fn fits(expected: &Announced, problem: &Problem, line: Option<usize>) -> bool {
    let hinted = |hint: &String| problem.hints.iter().any(|other| other.contains(hint.as_str()));
    let words = problem.message.contains(&expected.message) && expected.hint.as_ref().is_none_or(hinted);
    let placed = match (expected.line, problem.span) {
        (None, None) => true,
        (Some(at), Some([start, end])) => {
            let (first, last) = expected.columns;
            let past = last.map_or(first, |last| last + 1);
            let at = line.unwrap_or(at);
            start == (at, first) && (expected.open || end == (at, past))
        }
        (None, Some(_)) | (Some(_), None) => false,
    };
    expected.code == problem.code && words && placed
}

/// Whether two outcomes are the same.
pub fn alike(want: &Outcome, have: &Outcome) -> Result<(), String> {
    match (want, have) {
        (Outcome::Done(outs, afters), Outcome::Done(others, other_afters)) => {
            if outs.len() != others.len() {
                return Err(format!("{} results and {}", outs.len(), others.len()));
            }
            for (index, (want, have)) in outs.iter().zip(others).enumerate() {
                compare::same(&format!("result {index}"), want, have)?;
            }
            let pairs = afters.iter().zip(other_afters);
            pairs.into_iter().try_for_each(|((name, want), (_, have))| compare::same(&format!("`{name}`"), want, have))
        }
        (Outcome::Fault(want), Outcome::Fault(have)) if want == have => Ok(()),
        (Outcome::Other(want), Outcome::Other(have)) if want == have => Ok(()),
        (Outcome::Refused(want), Outcome::Refused(have)) if want == have => Ok(()),
        (want, have) => Err(format!("{} and {}", brief(want), brief(have))),
    }
}

fn brief(outcome: &Outcome) -> String {
    let text = format!("{outcome:?}");
    text.chars().take(300).collect()
}
