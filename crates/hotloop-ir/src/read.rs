//! Reads the text form of a program back.
//!
//! The text may come from anywhere: nesting is bounded and nothing is reserved that the text does not spell out. What
//! is read is a program in form only; `verify` says whether it is a correct one.

mod line;

use crate::matmul::MatMul;
use crate::notes::{Note, NoteKind};
use crate::ops::{FoldOp, Op};
use crate::program::*;
use crate::text::HEADER;
use crate::types::Type;
use crate::verify::MAX_DEPTH;
use line::{Line, Token, handle};
use std::fmt;

/// Why a text is not a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for ReadError {}

/// The program that a text shows.
pub fn read(text: &str) -> Result<Program, ReadError> {
    let mut lines = text.lines().enumerate();
    if lines.next().is_none_or(|(_, first)| first != HEADER) {
        return Err(ReadError { line: 1, message: format!("the first line is not `{HEADER}`") });
    }
    let mut reader = Reader { lines, last: 1, depth: 0 };
    let program = reader.program()?;
    match reader.next_line() {
        Err(_) => Ok(program),
        Ok(line) => Err(line.error("something follows the program")),
    }
}

struct Reader<'a> {
    lines: std::iter::Enumerate<std::str::Lines<'a>>,
    last: usize,
    depth: u32,
}

/// How a list of steps or statements ends.
#[derive(PartialEq, Eq)]
enum End {
    Closed,
    Else,
}

impl<'a> Reader<'a> {
    /// The next line that is not empty.
    fn next_line(&mut self) -> Result<Line<'a>, ReadError> {
        for (index, text) in self.lines.by_ref() {
            self.last = index + 1;
            let line = Line::new(index + 1, text)?;
            if !line.is_empty() {
                return Ok(line);
            }
        }
        Err(ReadError { line: self.last, message: "the text ends too early".into() })
    }

    fn program(&mut self) -> Result<Program, ReadError> {
        let mut line = self.next_line()?;
        line.expect("program")?;
        let mut program = Program { name: line.text(), ..Program::default() };
        line.end()?;
        loop {
            let mut line = self.next_line()?;
            match line.word()? {
                "array" => program.arrays.push(array(&mut line, program.arrays.len())?),
                "slot" => {
                    line.next_handle('s', program.slots.len())?;
                    program.slots.push(Slot { name: line.text(), ty: line.ty()? });
                }
                "site" => program.sites.push(site(&mut line, program.sites.len())?),
                "param" => program.params.push(match slot_or_array(&mut line)? {
                    Either::Slot(real) if line.accept_sign(',') => Param::Pair([real, slot(&mut line)?]),
                    Either::Slot(slot) => Param::Scalar(slot),
                    Either::Array(array) => Param::Array(array),
                }),
                "result" => program.results.push(match slot_or_array(&mut line)? {
                    Either::Slot(real) if line.accept_sign(',') => ResultRef::Pair([real, slot(&mut line)?]),
                    Either::Slot(slot) => ResultRef::Scalar(slot),
                    Either::Array(array) => ResultRef::Array(array),
                }),
                "product" => program.products.push(product(&mut line, program.products.len())?),
                "note" => program.notes.push(note(&mut line)?),
                "nest" => program.nests.push(self.nest(&mut line, program.nests.len())?),
                "steps" => {
                    open(&mut line)?;
                    program.steps = self.closed_list(Reader::step)?;
                    return Ok(program);
                }
                other => return Err(line.error(format!("`{other}` is no part of a program"))),
            }
            line.end()?;
        }
    }

    fn nest(&mut self, line: &mut Line<'a>, index: usize) -> Result<Nest, ReadError> {
        line.next_handle('n', index)?;
        let span = line.span()?;
        open(line)?;
        let (axes, views, folds) = Default::default();
        let mut nest = Nest { axes, views, folds, lane: Lane::default(), schedule: Schedule::default(), span };
        loop {
            let mut line = self.next_line()?;
            match line.word()? {
                "axis" => {
                    let kind = line.parse("a kind of axis", AxisKind::from_name)?;
                    nest.axes.push(Axis { kind, extent: extent(&mut line)? });
                }
                "view" => {
                    line.next_handle('w', nest.views.len())?;
                    let array = ArrayId(line.handle('a')?);
                    nest.views.push(View { array, dims: line.bracketed(view_dim)? });
                }
                "fold" => nest.folds.push(fold(&mut line, nest.folds.len())?),
                "schedule" => nest.schedule = schedule(&mut line)?,
                "turns" => nest.schedule.turns.push(turns(&mut line)?),
                "local" => {
                    line.next_handle('l', nest.lane.locals.len())?;
                    nest.lane.locals.push(line.ty()?);
                }
                "lane" => {
                    open(&mut line)?;
                    let mut values = Values::default();
                    nest.lane.body = self.closed_list(|reader, line| reader.stmt(line, &mut values))?;
                    (nest.lane.values, nest.lane.types) = (values.insts, values.types);
                    return self.next_line().and_then(|line| close(&line)).map(|()| nest);
                }
                other => return Err(line.error(format!("`{other}` is no part of a nest"))),
            }
            line.end()?;
        }
    }

    /// Reads lines up to the closing brace.
    fn closed_list<T>(
        &mut self,
        item: impl FnMut(&mut Self, &mut Line<'a>) -> Result<T, ReadError>,
    ) -> Result<Vec<T>, ReadError> {
        let (items, end) = self.list(item)?;
        if end == End::Else {
            return Err(ReadError { line: self.last, message: "an `else` without an `if`".into() });
        }
        Ok(items)
    }

    fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self, &mut Line<'a>) -> Result<T, ReadError>,
    ) -> Result<(Vec<T>, End), ReadError> {
        self.depth += 1;
        let mut items = Vec::new();
        loop {
            let mut line = self.next_line()?;
            if self.depth > MAX_DEPTH {
                return Err(line.error(format!("more than {MAX_DEPTH} levels of nesting")));
            }
            let end = match () {
                () if line.is(&[Token::Sign('}')]) => End::Closed,
                () if line.is(&[Token::Sign('}'), Token::Word("else"), Token::Sign('{')]) => End::Else,
                () => {
                    items.push(item(self, &mut line)?);
                    line.end()?;
                    continue;
                }
            };
            self.depth -= 1;
            return Ok((items, end));
        }
    }

    /// The two lists of an `if`.
    fn branches<T>(
        &mut self,
        mut item: impl FnMut(&mut Self, &mut Line<'a>) -> Result<T, ReadError>,
    ) -> Result<(Vec<T>, Vec<T>), ReadError> {
        let (then, end) = self.list(&mut item)?;
        let otherwise = if end == End::Else { self.closed_list(item)? } else { Vec::new() };
        Ok((then, otherwise))
    }

    fn step(&mut self, line: &mut Line<'a>) -> Result<Step, ReadError> {
        Ok(match line.word()? {
            "run" => Step::Nest(NestId(line.handle('n')?)),
            "alloc" => Step::Alloc(ArrayId(line.handle('a')?), line.bracketed(slot)?),
            "free" => Step::Free(ArrayId(line.handle('a')?)),
            "matmul" => Step::MatMul(ProductId(line.handle('p')?)),
            "if" => {
                let cond = slot(line)?;
                open(line)?;
                let (then, otherwise) = self.branches(Reader::step)?;
                Step::If { cond, then, otherwise }
            }
            "for" => {
                let index = slot(line)?;
                let [start, stop, step] = bounds(line, slot)?;
                Step::For { index, start, stop, step, body: self.closed_list(Reader::step)? }
            }
            "loop" => {
                open(line)?;
                Step::Loop(self.closed_list(Reader::step)?)
            }
            "block" => {
                open(line)?;
                Step::Block(self.closed_list(Reader::step)?)
            }
            "break" => Step::Break(line.number()?),
            "continue" => Step::Continue(line.number()?),
            other => return Err(line.error(format!("`{other}` is no step"))),
        })
    }

    fn stmt(&mut self, line: &mut Line<'a>, values: &mut Values) -> Result<Stmt, ReadError> {
        Ok(match line.word()? {
            "set" => Stmt::Set(Local(first(line, 'l')?), value(line)?),
            "store" => Stmt::Store(ViewId(first(line, 'w')?), value(line)?),
            "store_at" => {
                let (array, index) = (ArrayId(line.handle('a')?), line.bracketed(value)?);
                line.sign(',')?;
                Stmt::StoreAt(array, index, value(line)?)
            }
            "set_slot" => Stmt::SetSlot(SlotId(first(line, 's')?), value(line)?),
            "fold" => Stmt::Fold(FoldId(first(line, 'r')?), value(line)?),
            "check" => {
                let (cond, site) = (Value(first(line, 'v')?), SiteId(first(line, 'f')?));
                let shows = [Value(first(line, 'v')?), value(line)?];
                let at = if line.accept("at") { Some(value(line)?) } else { None };
                Stmt::Check { cond, site, shows, at }
            }
            "if" => {
                let cond = value(line)?;
                open(line)?;
                let (then, otherwise) = self.branches(|reader, line| reader.stmt(line, values))?;
                Stmt::If { cond, then, otherwise }
            }
            "for" => {
                let index = Local(line.handle('l')?);
                let [start, stop, step] = bounds(line, value)?;
                Stmt::For { index, start, stop, step, body: self.region(values)? }
            }
            "loop" => {
                open(line)?;
                Stmt::Loop(self.region(values)?)
            }
            "block" => {
                open(line)?;
                Stmt::Block(self.region(values)?)
            }
            "break" => Stmt::Break(line.number()?),
            "continue" => Stmt::Continue(line.number()?),
            word => Stmt::Let(values.define(line, word)?),
        })
    }

    fn region(&mut self, values: &mut Values) -> Result<Region, ReadError> {
        self.closed_list(|reader, line| reader.stmt(line, values))
    }
}

/// The values of a lane so far.
#[derive(Default)]
struct Values {
    insts: Vec<Inst>,
    types: Vec<Type>,
}

impl Values {
    /// Reads `v3: f64 = add v1, v2`, of which the first word has been taken.
    fn define(&mut self, line: &mut Line<'_>, word: &str) -> Result<Value, ReadError> {
        let expected = self.insts.len() as u32;
        if word.strip_suffix(':').and_then(|name| handle(name, 'v')) != Some(expected) {
            return Err(line.error(format!("`{word}` is no statement, nor `v{expected}:`, the next value")));
        }
        self.types.push(line.ty()?);
        line.sign('=')?;
        self.insts.push(inst(line)?);
        Ok(Value(expected))
    }
}

fn inst(line: &mut Line<'_>) -> Result<Inst, ReadError> {
    Ok(match line.word()? {
        "const" => Inst::Const(line.scalar()?),
        "convert" => Inst::Convert(value(line)?),
        "bitcast" => Inst::Bitcast(value(line)?),
        "axis" => Inst::Axis(line.number()?),
        "slot" => Inst::Slot(slot(line)?),
        "local" => Inst::Local(Local(line.handle('l')?)),
        "load" => Inst::Load(ViewId(line.handle('w')?)),
        "load_at" => Inst::LoadAt(ArrayId(line.handle('a')?), line.bracketed(value)?),
        "extent" => Inst::Extent(ArrayId(first(line, 'a')?), line.number()?),
        name => {
            let op = Op::from_name(name).ok_or_else(|| line.error(format!("`{name}` is no instruction")))?;
            let mut args = [value(line)?; 3];
            for arg in &mut args[1..op.arity()] {
                line.sign(',')?;
                *arg = value(line)?;
            }
            Inst::Op(op, args)
        }
    })
}

fn array(line: &mut Line<'_>, index: usize) -> Result<Array, ReadError> {
    line.next_handle('a', index)?;
    let (name, ty) = (line.text(), line.ty()?);
    line.sign('[')?;
    let rank = line.number()?;
    line.sign(']')?;
    let role = line.parse("a role", Role::from_name)?;
    let layout = line.parse("a layout", Layout::from_name)?;
    Ok(Array { name, ty, rank, role, layout, pairs: line.accept("pairs") })
}

fn site(line: &mut Line<'_>, index: usize) -> Result<Site, ReadError> {
    line.next_handle('f', index)?;
    let (kind, subject) = (line.parse("a kind of fault", FaultKind::from_name)?, line.text());
    line.expect("axis")?;
    let axis = line.number()?;
    let counts = match () {
        () if line.accept("row") => Counts::Row,
        () if line.accept("param") => Counts::Param(line.number()?),
        () if line.accept("unnamed") => Counts::Unnamed,
        () => Counts::Points,
    };
    Ok(Site { kind, span: line.span()?, subject, axis, counts })
}

fn product(line: &mut Line<'_>, index: usize) -> Result<MatMul, ReadError> {
    line.next_handle('p', index)?;
    let axes = line.bracketed(extent)?;
    let mut view = || Ok(View { array: ArrayId(line.handle('a')?), dims: line.bracketed(view_dim)? });
    let (c, a, b) = (view()?, view()?, view()?);
    Ok(MatMul { axes, c, a, b, span: line.span()? })
}

fn note(line: &mut Line<'_>) -> Result<Note, ReadError> {
    let kind = line.parse("a kind of note", NoteKind::from_name)?;
    let nest = if line.accept("none") { None } else { Some(NestId(line.handle('n')?)) };
    Ok(Note { kind, nest, subject: line.text(), span: line.span()? })
}

fn fold(line: &mut Line<'_>, index: usize) -> Result<Fold, ReadError> {
    line.next_handle('r', index)?;
    let (op, ty) = (line.parse("a fold", FoldOp::from_name)?, line.ty()?);
    line.expect("->")?;
    let dest = line.parse("a slot or a view", |word| {
        let slot = handle(word, 's').map(|number| FoldDest::Slot(SlotId(number)));
        slot.or_else(|| handle(word, 'w').map(|number| FoldDest::View(ViewId(number))))
    })?;
    Ok(Fold { op, ty, dest })
}

fn schedule(line: &mut Line<'_>) -> Result<Schedule, ReadError> {
    let shape = line.parse("a shape", Shape::from_name)?;
    line.expect("lanes")?;
    Ok(Schedule { shape, lanes: line.number()?, threads: line.accept("threads"), turns: Vec::new() })
}

fn turns(line: &mut Line<'_>) -> Result<Turns, ReadError> {
    let counter = Local(line.handle('l')?);
    line.expect("lanes")?;
    let mut turns = Turns { counter, lanes: line.number()?, folds: Vec::new() };
    while line.peek().is_some() {
        let op = line.parse("a reduction", FoldOp::from_name)?;
        turns.folds.push((Local(line.handle('l')?), op));
    }
    Ok(turns)
}

/// `start + step*x0 full`, of which each part but one may be missing.
fn view_dim(line: &mut Line<'_>) -> Result<ViewDim, ReadError> {
    let none = ViewDim { start: Extent::Const(0), step: Extent::Const(0), axis: None, full: false };
    let dim = if line.peek().is_some_and(is_axis) {
        ViewDim { step: Extent::Const(1), axis: axis(line)?, ..none }
    } else {
        let first = extent(line)?;
        if line.accept_sign('*') {
            ViewDim { step: first, axis: axis(line)?, ..none }
        } else if !line.accept_sign('+') {
            ViewDim { start: first, ..none }
        } else if line.peek().is_some_and(is_axis) {
            ViewDim { start: first, step: Extent::Const(1), axis: axis(line)?, ..none }
        } else {
            let step = extent(line)?;
            line.sign('*')?;
            ViewDim { start: first, step, axis: axis(line)?, ..none }
        }
    };
    Ok(ViewDim { full: line.accept("full"), ..dim })
}

fn is_axis(word: &str) -> bool {
    word == "none" || handle(word, 'x').is_some()
}

fn axis(line: &mut Line<'_>) -> Result<Option<u32>, ReadError> {
    if line.accept("none") { Ok(None) } else { line.handle('x').map(Some) }
}

fn extent(line: &mut Line<'_>) -> Result<Extent, ReadError> {
    line.parse("an extent", |word| {
        let slot = handle(word, 's').map(|number| Extent::Slot(SlotId(number)));
        slot.or_else(|| word.parse().ok().map(Extent::Const))
    })
}

enum Either {
    Slot(SlotId),
    Array(ArrayId),
}

fn slot_or_array(line: &mut Line<'_>) -> Result<Either, ReadError> {
    line.parse("a slot or an array", |word| {
        let slot = handle(word, 's').map(|number| Either::Slot(SlotId(number)));
        slot.or_else(|| handle(word, 'a').map(|number| Either::Array(ArrayId(number))))
    })
}

fn slot(line: &mut Line<'_>) -> Result<SlotId, ReadError> {
    line.handle('s').map(SlotId)
}

fn value(line: &mut Line<'_>) -> Result<Value, ReadError> {
    line.handle('v').map(Value)
}

/// A handle and the comma after it.
fn first(line: &mut Line<'_>, prefix: char) -> Result<u32, ReadError> {
    let handle = line.handle(prefix)?;
    line.sign(',')?;
    Ok(handle)
}

/// `in start, stop, step {`
fn bounds<T>(line: &mut Line<'_>, item: fn(&mut Line<'_>) -> Result<T, ReadError>) -> Result<[T; 3], ReadError> {
    line.expect("in")?;
    let start = item(line)?;
    line.sign(',')?;
    let stop = item(line)?;
    line.sign(',')?;
    let step = item(line)?;
    open(line)?;
    Ok([start, stop, step])
}

fn open(line: &mut Line<'_>) -> Result<(), ReadError> {
    line.sign('{')?;
    line.end()
}

fn close(line: &Line<'_>) -> Result<(), ReadError> {
    if line.is(&[Token::Sign('}')]) { Ok(()) } else { Err(line.error("`}` is missing")) }
}

#[cfg(test)]
mod tests;
