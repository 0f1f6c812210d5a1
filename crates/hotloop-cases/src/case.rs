//! Case files: kernels with their inputs and expectations in comment lines. `README.md` describes the format.
//!
//! Owns reading a file into sections and cases. What trials a case makes belongs to `plan`.

use crate::data::{self, Data, Window};
use crate::scan::Scan;
use hotloop::Type;

/// A part of a file with a text of its own: its kernels, and the cases that try them.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// The name behind the file's, empty for the first section.
    pub name: String,
    /// The kernels. Lines of other sections are left empty, so that places are those of the file.
    pub text: String,
    /// Inputs every case of the section can use.
    pub given: Vec<Input>,
    /// The cases.
    pub cases: Vec<Case>,
    /// The diagnostics the text must have.
    pub announced: Vec<Announced>,
}

/// One call, and what it must give.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// Its name, or its number in the section.
    pub name: String,
    /// The line it begins in.
    pub line: usize,
    /// The expression, for cases that are not about a kernel of the section.
    pub expr: Option<String>,
    /// The kernel, if it is not the section's only one.
    pub kernel: Option<String>,
    /// Arguments, by name.
    pub inputs: Vec<Input>,
    /// Results.
    pub outs: Vec<Expected>,
    /// What arguments that are written hold afterwards.
    pub afters: Vec<(String, Expected)>,
    /// The run-time fault.
    pub fault: Option<ExpectedFault>,
    /// Expressions that must give the same bits.
    pub same: Vec<String>,
    /// The diagnostics of the expression.
    pub announced: Vec<Announced>,
    /// Whether the inputs may be repeated to other lengths.
    pub extend: bool,
    /// Whether it is too large for slow targets in the normal run.
    pub large: bool,
    /// Faults and results of integer division by zero are those of the quiet mode.
    pub quiet_zero: bool,
}

/// An argument.
#[derive(Clone, Debug)]
pub struct Input {
    /// The parameter.
    pub name: String,
    /// Whether it is passed to be written.
    pub mutable: bool,
    /// Whether it is a number without a type.
    pub weak: bool,
    /// The elements in memory.
    pub data: Data,
    /// Which of them the kernel sees; all if none.
    pub window: Option<Window>,
}

/// A result, and how near is near enough.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The value.
    pub data: Data,
    /// What difference is allowed.
    pub tolerance: Tolerance,
}

/// How far a result may be from its expectation.
#[derive(Clone, Debug)]
pub enum Tolerance {
    /// The same bits; any NaN equals any NaN.
    Exact,
    /// So many units in the last place.
    Ulp(u64),
    /// So much.
    Within(f64),
}

/// A run-time fault.
#[derive(Clone, Debug)]
pub struct ExpectedFault {
    /// A part of its message.
    pub message: String,
    /// Line and column.
    pub at: Option<(usize, usize)>,
    /// The point it happened at.
    pub point: Option<Vec<i64>>,
}

/// A diagnostic.
#[derive(Clone, Debug)]
pub struct Announced {
    /// Its code.
    pub code: String,
    /// The line it is about; none for diagnostics without a place.
    pub line: Option<usize>,
    /// The columns it underlines, both included; an empty one has no second.
    pub columns: (usize, Option<usize>),
    /// Whether the end is on another line and not looked at.
    pub open: bool,
    /// A part of its message.
    pub message: String,
    /// A part of a hint.
    pub hint: Option<String>,
}

/// Reads a file. An error names the line.
pub fn read(text: &str) -> Result<Vec<Section>, String> {
    let mut reader = Reader { sections: vec![Section::default()], pending: Vec::new(), lines: 0, joined: None };
    for (index, line) in text.lines().enumerate() {
        reader.line(index + 1, line).map_err(|message| format!("line {}: {message}", index + 1))?;
    }
    reader.finish()
}

struct Reader {
    sections: Vec<Section>,
    /// Announcements waiting for the line they are about.
    pending: Vec<Announced>,
    lines: usize,
    /// An annotation whose brackets are still open.
    joined: Option<String>,
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) -> Result<(), String> {
        self.lines = number;
        let trimmed = line.trim_start();
        if let Some(rest) = trimmed.strip_prefix("#>") {
            self.section().text.push('\n');
            return self.joined(number, rest);
        }
        if self.joined.is_some() {
            return Err("a list is not closed".to_owned());
        }
        if let Some(rest) = trimmed.strip_prefix("#!") {
            self.section().text.push('\n');
            return self.announce(rest);
        }
        if let Some(name) = trimmed.strip_prefix("#=") {
            self.next_section(number, name.trim());
            return Ok(());
        }
        for mut announced in std::mem::take(&mut self.pending) {
            announced.line = announced.line.map(|_| number);
            self.section().announced.push(announced);
        }
        let section = self.section();
        section.text.push_str(line);
        section.text.push('\n');
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Section>, String> {
        if self.joined.is_some() || self.pending.iter().any(|announced| announced.line.is_some()) {
            return Err("the file ends before an annotation does".to_owned());
        }
        let pending = std::mem::take(&mut self.pending);
        self.section().announced.extend(pending);
        self.sections.retain(|section| {
            !section.cases.is_empty() || !section.announced.is_empty() || section.text.lines().any(is_code)
        });
        Ok(self.sections)
    }

    fn section(&mut self) -> &mut Section {
        // There is one from the beginning on.
        self.sections.last_mut().unwrap_or_else(|| unreachable!("a file has a section"))
    }

    fn next_section(&mut self, number: usize, name: &str) {
        let text = "\n".repeat(number);
        self.sections.push(Section { name: name.to_owned(), text, ..Section::default() });
    }

    /// Collects annotations over several lines while a bracket is open.
    fn joined(&mut self, number: usize, rest: &str) -> Result<(), String> {
        let whole = match self.joined.take() {
            Some(before) => format!("{before} {}", rest.trim()),
            None => rest.to_owned(),
        };
        let listed = !whole.trim_start().starts_with("expr") && !whole.trim_start().starts_with("same");
        if listed && whole.matches('[').count() > whole.matches(']').count() {
            self.joined = Some(whole);
            return Ok(());
        }
        self.annotation(number, &whole)
    }

    fn annotation(&mut self, number: usize, text: &str) -> Result<(), String> {
        let mut scan = Scan::new(text);
        let word = scan.word();
        match word.as_str() {
            "given" => {
                let input = input(&mut scan)?;
                self.section().given.push(input);
            }
            "case" => self.begin(number, scan.line()),
            "expr" => self.expression(number, scan.line()),
            "in" => {
                let input = input(&mut scan)?;
                self.case(number).inputs.push(input);
            }
            "out" => {
                let expected = expected(&mut scan)?;
                self.case(number).outs.push(expected);
            }
            "after" => {
                let name = scan.word();
                let expected = expected(&mut scan)?;
                self.case(number).afters.push((name, expected));
            }
            "fault" => {
                let fault = fault(&mut scan)?;
                self.case(number).fault = Some(fault);
            }
            "kernel" => self.case(number).kernel = Some(scan.line()),
            "same" => self.case(number).same.push(scan.line()),
            "extend" => self.case(number).extend = true,
            "large" => self.case(number).large = true,
            "zero" => self.case(number).quiet_zero = true,
            _ => return Err(format!("`{word}` is no annotation")),
        }
        if scan.is_empty() { Ok(()) } else { Err(format!("`{}` is too much", scan.rest())) }
    }

    fn begin(&mut self, number: usize, name: String) {
        let section = self.section();
        let name = if name.is_empty() { (section.cases.len() + 1).to_string() } else { name.replace(' ', "_") };
        section.cases.push(Case { name, line: number, ..Case::default() });
    }

    /// The case at hand; the first annotation of a section begins one.
    fn case(&mut self, number: usize) -> &mut Case {
        if self.section().cases.is_empty() {
            self.begin(number, String::new());
        }
        let section = self.section();
        let last = section.cases.len() - 1;
        &mut section.cases[last]
    }

    /// An expression begins a case, unless `case` has just done so.
    fn expression(&mut self, number: usize, text: String) {
        let fresh = |case: &Case| case.expr.is_none() && case.outs.is_empty() && case.inputs.is_empty();
        if !self.section().cases.last().is_some_and(fresh) {
            self.begin(number, String::new());
        }
        self.case(number).expr = Some(text);
    }

    /// `#! error CODE 3-5 "message" hint "hint"`; the columns are `none` for a diagnostic without a place, `7-` for an
    /// empty one, `7-*` for one that ends on another line.
    fn announce(&mut self, text: &str) -> Result<(), String> {
        let mut scan = Scan::new(text);
        if !scan.take_word("error") {
            return Err("an announcement begins with `error`".to_owned());
        }
        let code = scan.word();
        let columns = scan.word();
        let message = scan.quoted()?;
        let hint = if scan.take_word("hint") { Some(scan.quoted()?) } else { None };
        let line = (columns != "none").then_some(1);
        let (first, last) = columns.split_once('-').unwrap_or((&columns, &columns));
        let column = |text: &str| text.parse::<usize>().map_err(|_| format!("`{columns}` are no columns"));
        let first = if line.is_some() { column(first)? } else { 0 };
        let open = last == "*";
        let last = if last.is_empty() || open || line.is_none() { None } else { Some(column(last)?) };
        let announced = Announced { code, line, columns: (first, last), open, message, hint };
        match self.section().cases.last_mut() {
            Some(case) if case.expr.is_some() => case.announced.push(announced),
            Some(_) | None => self.pending.push(announced),
        }
        Ok(())
    }
}

/// Whether a line has more than a comment.
pub fn is_code(line: &str) -> bool {
    let line = line.trim_start();
    !line.is_empty() && !line.starts_with('#')
}

/// `x: f32 = [1, 2] view 1 2 -1`, `x: mut f32 = …`, `x = 2.5`, `x = 2f32`.
pub fn input(scan: &mut Scan<'_>) -> Result<Input, String> {
    let name = scan.word();
    if !scan.take(':') {
        scan.expect('=')?;
        let (scalar, weak) = data::suffixed(&scan.word())?;
        return Ok(Input { name, mutable: false, weak, data: Data::scalar(scalar), window: None });
    }
    let mutable = scan.take_word("mut");
    let ty = element_type(scan)?;
    scan.expect('=')?;
    let data = data::read(scan, ty)?;
    let window = if scan.take_word("view") { Some(window(scan)?) } else { None };
    Ok(Input { name, mutable, weak: false, data, window })
}

fn element_type(scan: &mut Scan<'_>) -> Result<Type, String> {
    let name = scan.word();
    Type::from_name(&name).ok_or_else(|| format!("`{name}` is no type"))
}

/// Offset, extents and strides: `3 2x2 -1x1`.
fn window(scan: &mut Scan<'_>) -> Result<Window, String> {
    let offset = scan.word();
    let offset = offset.parse().map_err(|_| format!("`{offset}` is no offset"))?;
    let shape = data::extents_of(&scan.word())?;
    let strides = scan.word();
    let stride = |text: &str| text.parse().map_err(|_| format!("`{strides}` are no strides"));
    let strides = strides.split('x').map(stride).collect::<Result<Vec<isize>, String>>()?;
    Ok(Window { offset, shape, strides })
}

/// `: f64 = [1, 2] ulp 1 because …`.
fn expected(scan: &mut Scan<'_>) -> Result<Expected, String> {
    scan.expect(':')?;
    let ty = element_type(scan)?;
    scan.expect('=')?;
    let data = data::read(scan, ty)?;
    let tolerance = if scan.take_word("ulp") {
        let units = scan.word();
        Tolerance::Ulp(units.parse().map_err(|_| format!("`{units}` is no number of ulps"))?)
    } else if scan.take_word("within") {
        let limit = scan.word();
        Tolerance::Within(limit.parse().map_err(|_| format!("`{limit}` is no difference"))?)
    } else {
        return Ok(Expected { data, tolerance: Tolerance::Exact });
    };
    if scan.line().len() < 10 {
        return Err("a difference that is allowed needs its reason on the line".to_owned());
    }
    Ok(Expected { data, tolerance })
}

/// `"message" at 3:12 point 4, 5`.
fn fault(scan: &mut Scan<'_>) -> Result<ExpectedFault, String> {
    let message = scan.quoted()?;
    let mut fault = ExpectedFault { message, at: None, point: None };
    let whole = |text: String| text.parse().map_err(|_| format!("`{text}` is no number"));
    if scan.take_word("at") {
        let line = whole(scan.word())?;
        scan.expect(':')?;
        fault.at = Some((line, whole(scan.word())?));
    }
    if scan.take_word("point") {
        let mut point = Vec::new();
        while point.is_empty() || scan.take(',') {
            let text = scan.word();
            point.push(text.parse().map_err(|_| format!("`{text}` is no index"))?);
        }
        fault.point = Some(point);
    }
    Ok(fault)
}
