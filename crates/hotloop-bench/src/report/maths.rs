//! Mathematical functions against C's, one by one: both tiers, gcc and clang with libmvec, geometric means.

use super::{Result, cells, head, row, size};
use crate::data::{Data, distance};
use crate::dtype::Dtype;
use crate::ffi::{Case, pin, unpin};
use crate::maths::{Function, c_source};
use crate::measure::{Candidate, Effort, alternate, time};
use crate::peers::{COMMON, FAST, MathsPeer, WIDTHS, maths_peer};
use hotloop::{Engine, Fastmath, Options, TargetChoice};
use std::io::Write;

const COMPILERS: [&str; 2] = ["gcc", "clang"];

/// One line: nanoseconds of the two tiers, and of each peer that has the function.
struct Line {
    own: [f64; 2],
    peers: Vec<Option<Theirs>>,
}

/// What one peer takes.
struct Theirs {
    nanoseconds: f64,
    scalar: bool,
}

/// Measures the functions and writes the section.
pub fn write(effort: Effort, elements: usize, functions: &[&'static Function], out: &mut dyn Write) -> Result<()> {
    let source = c_source();
    let peers: Vec<MathsPeer> = COMPILERS.iter().filter_map(|compiler| maths_peer(compiler, &source)).collect();
    let engines =
        Fastmath::ALL.map(|tier| Engine::builder().options(Options { fastmath: tier, ..Options::default() }).build());
    introduction(elements, out)?;
    let mut titles = cells(&["function", "type", "hotloop", "relaxed"]);
    for peer in &peers {
        titles.extend([peer.name.clone(), format!("hotloop / {}", peer.name), format!("relaxed / {}", peer.name)]);
    }
    head(out, &titles)?;
    pin(engines[0].threads().saturating_sub(1));
    let mut lines = Vec::new();
    for function in functions {
        for dtype in function.workload.dtypes {
            let line = measure(&engines, &peers, effort, function, *dtype, elements)?;
            row(out, &shown(function, *dtype, &line))?;
            out.flush()?;
            lines.push((*dtype, line));
        }
    }
    unpin();
    writeln!(out)?;
    for (index, peer) in peers.iter().enumerate() {
        means(peer, index, &lines, out)?;
    }
    writeln!(out)?;
    Ok(())
}

fn introduction(elements: usize, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "## Mathematical functions\n")?;
    writeln!(
        out,
        "Written by `hotloop-bench maths`: each function over {} elements on one thread, vectors of 128 bits. C is built with\n\
         `{} {} {}`, clang's also with `-fveclib=libmvec`.\n\
         libmvec's functions may be wrong by 4 ULP; hotloop's strict ones by 1, its relaxed ones by 4 (docs/accuracy.md has\n\
         the measured errors). Where C has no vector version and calls libm for each element, the time has a \\*.\n",
        size(elements),
        COMMON.join(" "),
        FAST.join(" "),
        WIDTHS[0].flags.join(" ")
    )?;
    Ok(())
}

fn measure(
    engines: &[Engine; 2],
    peers: &[MathsPeer],
    effort: Effort,
    function: &'static Function,
    dtype: Dtype,
    elements: usize,
) -> Result<Line> {
    let mut data = Data::new(&function.workload, dtype, elements);
    let strict = Case::new(&engines[0], &mut data, TargetChoice::Simd)?;
    let relaxed = Case::new(&engines[1], &mut data, TargetChoice::Simd)?;
    strict.prepared().wait_best();
    relaxed.prepared().wait_best();
    strict.run(&mut data)?;
    let own = data.results();
    let foreign: Vec<_> = peers.iter().map(|peer| peer.library.kernel(function.workload.name, dtype)).collect();
    for (peer, kernel) in peers.iter().zip(&foreign) {
        let Some(kernel) = kernel else { continue };
        data.clear();
        kernel.run(&mut data);
        if distance(true, &own, &data.results()) > function.workload.tolerance(dtype) {
            return Err(format!("{} of {} differs from hotloop's", function.workload.title, peer.name).into());
        }
    }
    // The cases have run once, so they run again.
    let first = |data: &mut Data| drop(strict.run(data));
    let second = |data: &mut Data| drop(relaxed.run(data));
    let theirs: Vec<_> = foreign.iter().flatten().map(|kernel| |data: &mut Data| kernel.run(data)).collect();
    let mut candidates: Vec<Candidate<'_, Data>> = vec![&first, &second];
    candidates.extend(theirs.iter().map(|kernel| kernel as Candidate<'_, Data>));
    let times = alternate(&mut data, effort, &candidates);
    let mut rest = times[2..].iter();
    let peers = peers.iter().zip(&foreign).map(|(peer, kernel)| {
        let nanoseconds = kernel.and(rest.next())?;
        Some(Theirs { nanoseconds: *nanoseconds, scalar: function.is_scalar(dtype, &peer.object) })
    });
    Ok(Line { own: [times[0], times[1]], peers: peers.collect() })
}

fn shown(function: &Function, dtype: Dtype, line: &Line) -> Vec<String> {
    let mut shown = vec![function.workload.title.to_owned(), dtype.name().to_owned()];
    shown.extend(line.own.map(time));
    for theirs in &line.peers {
        match theirs {
            Some(theirs) => {
                shown.push(time(theirs.nanoseconds) + if theirs.scalar { " \\*" } else { "" });
                shown.extend(line.own.map(|own| format!("{:.2}", own / theirs.nanoseconds)));
            }
            None => shown.extend(cells(&["", "", ""])),
        }
    }
    shown
}

/// The geometric means against one peer: of all functions, and of those that it has for vectors.
fn means(peer: &MathsPeer, index: usize, lines: &[(Dtype, Line)], out: &mut dyn Write) -> Result<()> {
    let mean = |wanted: &[Dtype], scalar: bool, tier: usize| {
        let ratios = lines.iter().filter(|(dtype, _)| wanted.contains(dtype)).filter_map(|(_, line)| {
            let theirs = line.peers.get(index)?.as_ref()?;
            (scalar || !theirs.scalar).then(|| (line.own[tier] / theirs.nanoseconds).ln())
        });
        let ratios: Vec<f64> = ratios.collect();
        (ratios.len(), (ratios.iter().sum::<f64>() / ratios.len().max(1) as f64).exp())
    };
    for (scalar, which) in [(true, "all"), (false, "with vectors in C")] {
        let both = [Dtype::F32, Dtype::F64];
        let (count, strict) = mean(&both, scalar, 0);
        if count == 0 {
            continue;
        }
        let parts: Vec<String> =
            both.iter().map(|dtype| format!("{} {:.2}", dtype.name(), mean(&[*dtype], scalar, 0).1)).collect();
        writeln!(
            out,
            "- Geometric mean of hotloop / {}, {which} ({count} rows): **{strict:.2}** ({}); relaxed {:.2}.",
            peer.name,
            parts.join(", "),
            mean(&both, scalar, 1).1
        )?;
    }
    Ok(())
}
