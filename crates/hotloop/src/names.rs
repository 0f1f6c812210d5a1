//! The names and places of a program, taken out before it is compiled and put back into its plan.
//!
//! Without them programs that differ only in names, comments and spaces are the same, to the passes, to the code
//! generators and to the disk cache. What stands in their place says which name to put back: passes may drop and move
//! arrays, slots and sites, and copy sites, but look into none of this.

use crate::plan::{ParamPlan, Plan};
use hotloop_ir::{Program, Site, Span};

/// What was taken out of a program.
#[derive(Debug)]
pub(crate) struct Names {
    kernel: String,
    arrays: Vec<String>,
    slots: Vec<String>,
    sites: Vec<(Span, String)>,
}

/// What a name is replaced by: no name begins so.
fn mark(index: usize) -> String {
    format!("#{index}")
}

/// The name behind a mark; others are of arrays that passes have made.
fn unmark(names: &[String], name: &mut String) {
    let index = name.strip_prefix('#').and_then(|index| index.parse::<usize>().ok());
    if let Some(found) = index.and_then(|index| names.get(index)) {
        found.clone_into(name);
    }
}

impl Names {
    /// Takes them out.
    pub(crate) fn take(program: &mut Program) -> Names {
        let take = |index, name: &mut String| std::mem::replace(name, mark(index));
        let arrays = program.arrays.iter_mut().enumerate().map(|(at, array)| take(at, &mut array.name)).collect();
        let slots = program.slots.iter_mut().enumerate().map(|(at, slot)| take(at, &mut slot.name)).collect();
        let sites = take_sites(&mut program.sites);
        for nest in &mut program.nests {
            nest.span = Span::DETACHED;
        }
        program.notes.clear();
        Names { kernel: std::mem::take(&mut program.name), arrays, slots, sites }
    }

    /// Puts them back.
    pub(crate) fn dress(&self, plan: &mut Plan) {
        plan.kernel.clone_from(&self.kernel);
        for param in &mut plan.params {
            match param {
                ParamPlan::Scalar { name, .. } => unmark(&self.slots, name),
                ParamPlan::Array { name, .. } => unmark(&self.arrays, name),
            }
        }
        plan.arrays.iter_mut().for_each(|array| unmark(&self.arrays, &mut array.name));
        for site in &mut plan.sites {
            if let Some((span, subject)) = self.sites.get(site.site.span.start as usize) {
                site.site.span = *span;
                site.site.subject.clone_from(subject);
            }
        }
    }
}

/// Sites that are the same stay the same, so that passes join what they joined before.
fn take_sites(sites: &mut [Site]) -> Vec<(Span, String)> {
    let names = sites.iter().map(|site| (site.span, site.subject.clone())).collect();
    let same = |at: usize| sites[..at].iter().position(|other| *other == sites[at]).unwrap_or(at);
    let first: Vec<usize> = (0..sites.len()).map(same).collect();
    for (site, first) in sites.iter_mut().zip(first) {
        site.span = Span::at(first as u32);
        site.subject.clear();
    }
    names
}
