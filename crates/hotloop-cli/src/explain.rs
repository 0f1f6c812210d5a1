//! `why` in words and as JSON: what became of a kernel, and what limits its speed.
//!
//! The facts are the engine's; the limits are measured in `machine`. Owns the arithmetic that puts them together.

use crate::check::plural;
use crate::machine::Limits;
use crate::print::{filled, rate_text};
use hotloop::{ArgType, AxisKind, Kernel, NestWhy, Source, Type, Why};
use serde_json::{Value as Json, json};

/// All that is said about one kernel for one list of types.
pub struct Explained<'a> {
    /// The kernel.
    pub kernel: &'a Kernel,
    /// Its name as people know it; none for what was typed at a prompt.
    pub name: Option<&'a str>,
    /// What became of it.
    pub why: Why,
    /// The types of its arguments.
    pub types: Vec<ArgType>,
    /// Where its code came from.
    pub cache: String,
    /// What this machine can do with the threads it has.
    pub limits: Limits,
    /// Those threads.
    pub threads: usize,
    /// The target, in a word.
    pub target: String,
    /// Bytes of its machine code.
    pub code_bytes: usize,
}

/// What a pass can do at most on this machine.
struct Bound {
    /// Points per second.
    points: f64,
    by: &'static str,
}

impl Explained<'_> {
    fn bound(&self, nest: &NestWhy) -> Option<Bound> {
        let traffic = nest.traffic;
        if traffic.has_loops {
            return None;
        }
        let bytes = f64::from(traffic.bytes_read + traffic.bytes_written);
        let memory = self.limits.bytes / bytes;
        let arithmetic = self.operations() / f64::from(traffic.operations);
        let (points, by) = if memory <= arithmetic { (memory, "memory") } else { (arithmetic, "arithmetic") };
        points.is_finite().then_some(Bound { points, by })
    }

    /// Operations per second on the elements the kernel has.
    fn operations(&self) -> f64 {
        let wide = |ty: &ArgType| match ty {
            ArgType::Scalar(_) | ArgType::Weak(_) => false,
            ArgType::Array { ty, .. } => ty.bytes() > 4 || *ty == Type::F64,
        };
        let any_array = self.types.iter().any(|ty| matches!(ty, ArgType::Array { .. }));
        let is_narrow = any_array && !self.types.iter().any(wide);
        self.limits.operations * if is_narrow { 2.0 } else { 1.0 }
    }

    fn source(&self) -> &Source {
        self.kernel.source()
    }

    /// The text a pass comes from, in one line.
    fn place(&self, span: hotloop::Span) -> String {
        if span.is_detached() {
            return String::new();
        }
        let position = self.source().position(span.start);
        let text: String = self.source().slice(span).split_whitespace().collect::<Vec<_>>().join(" ");
        let text: String =
            if text.chars().count() > 40 { text.chars().take(39).chain(['…']).collect() } else { text };
        format!("{}:{} `{text}`", position.line, position.column)
    }

    /// As text of at most 80 columns.
    pub fn text(&self) -> String {
        let name = self.name.map_or(String::new(), |name| format!("kernel {name}, "));
        let mut lines = vec![format!("{name}target {}, {}", self.target, threads_text(self.threads))];
        for (at, nest) in self.why.nests.iter().enumerate() {
            self.nest_text(at, nest, &mut lines);
        }
        if self.why.nests.is_empty() {
            lines.push("no pass over elements: scalar code".to_owned());
        }
        for note in self.why.notes.iter().filter(|note| note.nest.is_none()) {
            lines.push(self.note_text(note));
        }
        let temporaries: Vec<String> = self.why.temporaries.iter().map(temporary_text).collect();
        let none = if temporaries.is_empty() { "none".to_owned() } else { temporaries.join(", ") };
        lines.push(format!("temporary arrays: {none}"));
        let code = format!("machine code: {} bytes, {}", self.code_bytes, self.cache);
        lines.push(filled(&code.split(' ').collect::<Vec<_>>(), 78).replace('\n', "\n  "));
        lines.push(format!(
            "this machine, {}: {}, {}",
            threads_text(self.threads),
            rate_text(self.limits.bytes, "B/s"),
            rate_text(self.operations(), "operations/s")
        ));
        lines.join("\n")
    }

    fn nest_text(&self, at: usize, nest: &NestWhy, lines: &mut Vec<String>) {
        let place = self.place(nest.span);
        lines.push(format!("pass {}{}{place}", at + 1, if place.is_empty() { "" } else { "  " }));
        let axes: Vec<String> =
            nest.axes.iter().map(|(kind, extent)| format!("{extent} {}", kind_text(*kind))).collect();
        let folds: Vec<String> = nest.folds.iter().map(|(op, ty)| format!("{op:?} of {ty}").to_lowercase()).collect();
        let folds = if folds.is_empty() { String::new() } else { format!("; reduces to {}", folds.join(", ")) };
        lines.push(format!("  axes: {}{folds}", axes.join(" × ")));
        let lanes = match nest.lanes {
            1 => "one point at a time".to_owned(),
            lanes => format!("SIMD, {lanes} points at a time"),
        };
        let threads = if nest.threads { "on threads where the size pays" } else { "on one thread" };
        let depth = if nest.depth > 0 { format!(", inside {} loops", nest.depth) } else { String::new() };
        lines.push(format!("  {lanes}, {threads}{depth}"));
        for note in self.why.notes.iter().filter(|note| note.nest == Some(at)) {
            lines.push(format!("  {}", self.note_text(note)));
        }
        let traffic = nest.traffic;
        lines.push(format!(
            "  per point: {} bytes read, {} written, {} {}",
            traffic.bytes_read,
            traffic.bytes_written,
            traffic.operations,
            plural(traffic.operations as usize, "operation")
        ));
        lines.push(match self.bound(nest) {
            Some(bound) => format!("  at most {}: bound by {}", rate_text(bound.points, "points/s"), bound.by),
            None if traffic.has_loops => "  no limit is predicted: there are loops inside".to_owned(),
            None => "  no limit is predicted: there is nothing to read, write or compute".to_owned(),
        });
    }

    fn note_text(&self, note: &hotloop::NoteWhy) -> String {
        let subject = if note.subject.is_empty() { String::new() } else { format!("`{}`: ", note.subject) };
        let place = self.place(note.span);
        let place = if place.is_empty() { String::new() } else { format!(" ({place})") };
        format!("{subject}{}{place}", note.kind.sentence())
    }

    /// As JSON.
    pub fn json(&self) -> Json {
        let nests: Vec<Json> = self.why.nests.iter().map(|nest| self.nest_json(nest)).collect();
        let notes = self.why.notes.iter().map(|note| {
            json!({
                "kind": note.kind.name(),
                "sentence": note.kind.sentence(),
                "pass": note.nest,
                "subject": note.subject,
                "place": self.place(note.span),
            })
        });
        let notes: Vec<Json> = notes.collect();
        json!({
            "kernel": self.name.unwrap_or("expression"),
            "target": self.target,
            "threads": self.threads,
            "passes": nests,
            "notes": notes,
            "temporaries": self.why.temporaries.iter().map(temporary_text).collect::<Vec<_>>(),
            "code_bytes": self.code_bytes,
            "cache": self.cache,
            "limits": { "bytes_per_second": self.limits.bytes, "operations_per_second": self.operations() },
        })
    }

    fn nest_json(&self, nest: &NestWhy) -> Json {
        let bound = self.bound(nest);
        let axes = nest.axes.iter().map(|(kind, extent)| json!({ "kind": kind_text(*kind), "extent": extent }));
        json!({
            "place": self.place(nest.span),
            "axes": axes.collect::<Vec<_>>(),
            "lanes": nest.lanes,
            "threads": nest.threads,
            "loops_around": nest.depth,
            "reductions": nest.folds.iter().map(|(op, ty)| format!("{op:?} {ty}").to_lowercase()).collect::<Vec<_>>(),
            "bytes_read": nest.traffic.bytes_read,
            "bytes_written": nest.traffic.bytes_written,
            "operations": nest.traffic.operations,
            "has_loops": nest.traffic.has_loops,
            "points_per_second": bound.as_ref().map(|bound| bound.points),
            "bound_by": bound.as_ref().map(|bound| bound.by),
        })
    }
}

fn temporary_text(temp: &hotloop::TempWhy) -> String {
    format!("{}: {}[{}]", temp.name, temp.ty, temp.shape.join(", "))
}

fn kind_text(kind: AxisKind) -> &'static str {
    match kind {
        AxisKind::Parallel => "parallel",
        AxisKind::Reduce => "reduced",
        AxisKind::Ordered => "in order",
    }
}

/// A number of threads in words.
pub fn threads_text(threads: usize) -> String {
    if threads == 1 { "1 thread".to_owned() } else { format!("{threads} threads") }
}

/// Where code came from, in words.
pub fn origin_text(origin: hotloop::Origin) -> String {
    match origin {
        hotloop::Origin::Disk => "found in the cache on disk".to_owned(),
        hotloop::Origin::Compiled(Some(miss)) => format!("compiled; not in the cache on disk: {miss}"),
        hotloop::Origin::Compiled(None) => "compiled".to_owned(),
    }
}

/// Where code came from, also by what the engine counted before and after it was asked for.
pub fn cache_text(before: hotloop::Counters, after: hotloop::Counters, origin: hotloop::Origin) -> String {
    match after.misses > before.misses {
        true => format!("{} (first use of these types)", origin_text(origin)),
        false => "found in the cache in memory".to_owned(),
    }
}
