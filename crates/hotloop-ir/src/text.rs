//! The text form of a program: what `--emit ir` prints and what `read` reads back.
//!
//! One line per array, slot, site, view, value and statement. Values are numbered in the order in which they are
//! printed, so that programs that differ only in the numbers of their values print alike. Any program can be printed,
//! correct or not; a value that is used but never computed shows as `?` and its own number.

use crate::notes::Note;
use crate::program::{
    Counts, Extent, FoldDest, Inst, Nest, NestId, Param, Program, Region, ResultRef, Schedule, Step, Stmt, Turns,
    Value, View, ViewDim,
};
use hotloop_source::Span;
use std::fmt::{Display, Write};

/// The first line of every text; the number changes with the form.
pub const HEADER: &str = "hotloop ir 1";

/// How much of a program is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Everything; `read` gives the same program back.
    Full,
    /// What decides the code: no names, and no places in the source.
    Code,
}

/// A program as text, in full.
pub fn print(program: &Program) -> String {
    print_with(program, Detail::Full)
}

/// A program as text.
pub fn print_with(program: &Program, detail: Detail) -> String {
    let mut printer = Printer { out: String::new(), indent: 0, detail, numbers: Vec::new(), next: 0 };
    printer.program(program);
    printer.out
}

/// Bytes that are equal for programs for which every target makes the same code.
pub fn canonical_bytes(program: &Program) -> Vec<u8> {
    print_with(program, Detail::Code).into_bytes()
}

struct Printer {
    out: String,
    indent: usize,
    detail: Detail,
    /// The printed number of each value of the present lane.
    numbers: Vec<Option<u32>>,
    next: u32,
}

impl Printer {
    fn line(&mut self, text: impl Display) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.out, "{:width$}{text}", "", width = self.indent * 2);
    }

    fn open(&mut self, text: impl Display) {
        self.line(format_args!("{text} {{"));
        self.indent += 1;
    }

    fn close(&mut self) {
        self.indent -= 1;
        self.line("}");
    }

    fn name(&self, name: &str) -> String {
        match self.detail {
            Detail::Full => format!(" {name:?}"),
            Detail::Code => String::new(),
        }
    }

    fn span(&self, span: Span) -> String {
        if self.detail == Detail::Code || span.is_detached() {
            return String::new();
        }
        format!(" @{}..{}", span.start, span.end)
    }

    fn program(&mut self, program: &Program) {
        self.line(HEADER);
        self.line(format_args!("program{}", self.name(&program.name)));
        for (i, array) in program.arrays.iter().enumerate() {
            let (ty, rank, role, layout) = (array.ty, array.rank, array.role.name(), array.layout.name());
            let pairs = if array.pairs { " pairs" } else { "" };
            self.line(format_args!("array a{i}{} {ty}[{rank}] {role} {layout}{pairs}", self.name(&array.name)));
        }
        for (i, slot) in program.slots.iter().enumerate() {
            self.line(format_args!("slot s{i}{} {}", self.name(&slot.name), slot.ty));
        }
        for (i, site) in program.sites.iter().enumerate() {
            let (name, span) = (self.name(&site.subject), self.span(site.span));
            let counts = match site.counts {
                Counts::Points => String::new(),
                Counts::Row => " row".to_owned(),
                Counts::Param(param) => format!(" param {param}"),
                Counts::Unnamed => " unnamed".to_owned(),
            };
            self.line(format_args!("site f{i} {}{name} axis {}{counts}{span}", site.kind.name(), site.axis));
        }
        for param in &program.params {
            match param {
                Param::Scalar(slot) => self.line(format_args!("param {slot}")),
                Param::Pair([real, imag]) => self.line(format_args!("param {real}, {imag}")),
                Param::Array(array) => self.line(format_args!("param {array}")),
            }
        }
        for result in &program.results {
            match result {
                ResultRef::Scalar(slot) => self.line(format_args!("result {slot}")),
                ResultRef::Pair([real, imag]) => self.line(format_args!("result {real}, {imag}")),
                ResultRef::Array(array) => self.line(format_args!("result {array}")),
            }
        }
        for (i, nest) in program.nests.iter().enumerate() {
            self.nest(NestId(i as u32), nest);
        }
        for (i, product) in program.products.iter().enumerate() {
            let axes: Vec<String> = product.axes.iter().map(|axis| extent(*axis)).collect();
            let [c, a, b] = product.views().map(view_text);
            let span = self.span(product.span);
            self.line(format_args!("product p{i} [{}] {c} {a} {b}{span}", axes.join(", ")));
        }
        if self.detail == Detail::Full {
            program.notes.iter().for_each(|note| self.note(note));
        }
        self.open("steps");
        self.steps(&program.steps);
        self.close();
    }

    fn note(&mut self, note: &Note) {
        let nest = note.nest.map_or("none".to_string(), |nest| nest.to_string());
        let (subject, span) = (self.name(&note.subject), self.span(note.span));
        self.line(format_args!("note {} {nest}{subject}{span}", note.kind.name()));
    }

    fn steps(&mut self, steps: &[Step]) {
        steps.iter().for_each(|step| self.step(step));
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Nest(nest) => self.line(format_args!("run {nest}")),
            Step::Alloc(array, extents) => self.line(format_args!("alloc {array}[{}]", list(extents))),
            Step::Free(array) => self.line(format_args!("free {array}")),
            Step::MatMul(product) => self.line(format_args!("matmul {product}")),
            Step::If { cond, then, otherwise } => {
                self.open(format_args!("if {cond}"));
                self.steps(then);
                if !otherwise.is_empty() {
                    self.otherwise();
                    self.steps(otherwise);
                }
                self.close();
            }
            Step::For { index, start, stop, step, body } => {
                self.open(format_args!("for {index} in {start}, {stop}, {step}"));
                self.steps(body);
                self.close();
            }
            Step::Loop(body) => {
                self.open("loop");
                self.steps(body);
                self.close();
            }
            Step::Block(body) => {
                self.open("block");
                self.steps(body);
                self.close();
            }
            Step::Break(depth) => self.line(format_args!("break {depth}")),
            Step::Continue(depth) => self.line(format_args!("continue {depth}")),
        }
    }

    fn otherwise(&mut self) {
        self.indent -= 1;
        self.line("} else {");
        self.indent += 1;
    }

    fn nest(&mut self, id: NestId, nest: &Nest) {
        self.open(format_args!("nest {id}{}", self.span(nest.span)));
        for axis in &nest.axes {
            self.line(format_args!("axis {} {}", axis.kind.name(), extent(axis.extent)));
        }
        for (i, view) in nest.views.iter().enumerate() {
            self.line(format_args!("view w{i} {}", view_text(view)));
        }
        for (i, fold) in nest.folds.iter().enumerate() {
            let dest = match fold.dest {
                FoldDest::Slot(slot) => slot.to_string(),
                FoldDest::View(view) => view.to_string(),
            };
            self.line(format_args!("fold r{i} {} {} -> {dest}", fold.op.name(), fold.ty));
        }
        if nest.schedule != Schedule::default() {
            let Schedule { shape, lanes, threads, turns } = &nest.schedule;
            let threads = if *threads { " threads" } else { "" };
            self.line(format_args!("schedule {} lanes {lanes}{threads}", shape.name()));
            for Turns { counter, lanes, folds } in turns {
                let folds: String = folds.iter().map(|(local, op)| format!(" {} {local}", op.name())).collect();
                self.line(format_args!("turns {counter} lanes {lanes}{folds}"));
            }
        }
        for (i, ty) in nest.lane.locals.iter().enumerate() {
            self.line(format_args!("local l{i} {ty}"));
        }
        self.numbers = vec![None; nest.lane.values.len()];
        self.next = 0;
        self.open("lane");
        self.region(nest, &nest.lane.body);
        self.close();
        self.close();
    }

    fn region(&mut self, nest: &Nest, region: &Region) {
        region.iter().for_each(|stmt| self.stmt(nest, stmt));
    }

    fn stmt(&mut self, nest: &Nest, stmt: &Stmt) {
        match stmt {
            Stmt::Let(value) => self.let_(nest, *value),
            Stmt::Set(local, value) => self.line(format_args!("set {local}, {}", self.value(*value))),
            Stmt::Store(view, value) => self.line(format_args!("store {view}, {}", self.value(*value))),
            Stmt::StoreAt(array, index, value) => {
                self.line(format_args!("store_at {array}[{}], {}", self.values(index), self.value(*value)));
            }
            Stmt::SetSlot(slot, value) => self.line(format_args!("set_slot {slot}, {}", self.value(*value))),
            Stmt::Fold(fold, value) => self.line(format_args!("fold {fold}, {}", self.value(*value))),
            Stmt::Check { cond, site, shows, at } => {
                let at = at.map_or_else(String::new, |at| format!(" at {}", self.value(at)));
                self.line(format_args!("check {}, {site}, {}{at}", self.value(*cond), self.values(shows)));
            }
            Stmt::If { cond, then, otherwise } => {
                self.open(format_args!("if {}", self.value(*cond)));
                self.region(nest, then);
                if !otherwise.is_empty() {
                    self.otherwise();
                    self.region(nest, otherwise);
                }
                self.close();
            }
            Stmt::For { index, start, stop, step, body } => {
                self.open(format_args!("for {index} in {}", self.values(&[*start, *stop, *step])));
                self.region(nest, body);
                self.close();
            }
            Stmt::Loop(body) => {
                self.open("loop");
                self.region(nest, body);
                self.close();
            }
            Stmt::Block(body) => {
                self.open("block");
                self.region(nest, body);
                self.close();
            }
            Stmt::Break(depth) => self.line(format_args!("break {depth}")),
            Stmt::Continue(depth) => self.line(format_args!("continue {depth}")),
        }
    }

    fn let_(&mut self, nest: &Nest, value: Value) {
        let (Some(inst), Some(ty)) = (nest.lane.values.get(value.index()), nest.lane.types.get(value.index())) else {
            self.line(format_args!("{} does not exist", self.value(value)));
            return;
        };
        let text = self.inst(inst);
        let number = self.next;
        self.next += 1;
        self.numbers[value.index()] = Some(number);
        self.line(format_args!("v{number}: {ty} = {text}"));
    }

    fn inst(&self, inst: &Inst) -> String {
        match inst {
            Inst::Const(scalar) => format!("const {scalar}"),
            Inst::Op(op, args) => format!("{} {}", op.name(), self.values(&args[..op.arity()])),
            Inst::Convert(value) => format!("convert {}", self.value(*value)),
            Inst::Bitcast(value) => format!("bitcast {}", self.value(*value)),
            Inst::Axis(axis) => format!("axis {axis}"),
            Inst::Slot(slot) => format!("slot {slot}"),
            Inst::Local(local) => format!("local {local}"),
            Inst::Load(view) => format!("load {view}"),
            Inst::LoadAt(array, index) => format!("load_at {array}[{}]", self.values(index)),
            Inst::Extent(array, axis) => format!("extent {array}, {axis}"),
        }
    }

    fn value(&self, value: Value) -> String {
        match self.numbers.get(value.index()).copied().flatten() {
            Some(number) => format!("v{number}"),
            None => format!("?{}", value.0),
        }
    }

    fn values(&self, values: &[Value]) -> String {
        let texts: Vec<String> = values.iter().map(|value| self.value(*value)).collect();
        texts.join(", ")
    }
}

fn list(items: &[impl Display]) -> String {
    let texts: Vec<String> = items.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

fn extent(extent: Extent) -> String {
    match extent {
        Extent::Const(value) => value.to_string(),
        Extent::Slot(slot) => slot.to_string(),
    }
}

fn view_text(view: &View) -> String {
    let dims: Vec<String> = view.dims.iter().map(view_dim).collect();
    format!("{}[{}]", view.array, dims.join(", "))
}

/// `start + step*x0`, without what says nothing.
fn view_dim(dim: &ViewDim) -> String {
    let start = match dim.start {
        Extent::Const(0) => None,
        other => Some(extent(other)),
    };
    let walk = match (dim.step, dim.axis) {
        (Extent::Const(0), None) => None,
        (step, None) => Some(format!("{}*none", extent(step))),
        (Extent::Const(1), Some(axis)) => Some(format!("x{axis}")),
        (step, Some(axis)) => Some(format!("{}*x{axis}", extent(step))),
    };
    let full = if dim.full { " full" } else { "" };
    let text = match (start, walk) {
        (None, None) => "0".into(),
        (Some(start), None) => start,
        (None, Some(walk)) => walk,
        (Some(start), Some(walk)) => format!("{start} + {walk}"),
    };
    text + full
}
