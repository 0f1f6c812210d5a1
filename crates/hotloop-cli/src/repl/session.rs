//! A session: variables, definitions, and what happens to each thing that is typed.
//!
//! Owns the meaning of entries and what is kept between them. Where text comes from is in `mod`, the commands that
//! begin with `:` are in `commands`, files and tables in `files` and `loading`.

use super::bound::{Bound, Place};
use super::files::{self, StandIn};
use super::loading::assignable;
use crate::output::{self, Output};
use crate::print::{type_text, value_text};
use crate::report::Failure;
use crate::tables::Table;
use crate::value::Loaded;
use hotloop::text::{self, Entry, EntryKind};
use hotloop::{
    ArgType, Call, CancelToken, Diagnostic, Engine, Error, Kernel, Module, Outputs, Prompt, Source, SourceError, Span,
    TargetChoice, Timing, Type, Value,
};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::rc::Rc;
use std::sync::Arc;

/// What a person has at the prompt.
pub struct Session {
    pub(super) engine: Engine,
    pub(super) cancel: CancelToken,
    /// The target of calls that do not say; the engine's if none.
    pub(super) target: Option<TargetChoice>,
    /// The most threads of a call; the engine's if none.
    pub(super) threads: Option<usize>,
    /// Whether the times of each entry are shown.
    pub(super) shows_time: bool,
    pub(super) vars: BTreeMap<String, Loaded>,
    definitions: Vec<Definition>,
    /// The last value that was asked for, for commands without one.
    pub(super) last: String,
    /// Tables with several columns; no variable has the name of one.
    pub(super) tables: BTreeMap<String, Table>,
    /// What the names in the text at hand stand for; shared with whoever shows messages.
    pub(super) stand_ins: Rc<RefCell<Vec<StandIn>>>,
    /// What was measured of this machine, by number of threads.
    pub(super) limits: BTreeMap<usize, crate::machine::Limits>,
}

/// A function or a kernel.
struct Definition {
    name: Arc<str>,
    is_kernel: bool,
    text: String,
}

impl Session {
    /// A session without variables, on an engine of its own.
    pub fn new(engine: Engine, cancel: CancelToken) -> Session {
        Session {
            engine,
            cancel,
            target: None,
            threads: None,
            shows_time: false,
            vars: BTreeMap::new(),
            definitions: Vec::new(),
            last: String::new(),
            tables: BTreeMap::new(),
            stand_ins: Rc::default(),
            limits: BTreeMap::new(),
        }
    }

    /// Does what a complete text asks for, up to its first failure; gives what is to be shown of each part.
    pub fn enter(&mut self, typed: &str, show: &mut dyn FnMut(&str)) -> Result<(), Failure> {
        self.cancel.reset();
        if let Some(command) = typed.trim_start().strip_prefix(':') {
            return super::commands::run(self, command.trim(), show);
        }
        if let Some((value, path)) = files::save_call(typed) {
            return self.save(&value, &path, show);
        }
        let (parsed, found) = self.replaced(typed);
        let source = Source::new("<input>", parsed.as_str());
        let entries = text::entries(&source).map_err(|error| shown_in(error, typed))?;
        for entry in &entries {
            let inside = |one: &&StandIn| entry.span.range().contains(&one.range.start);
            let mine: Vec<StandIn> = found.iter().filter(inside).cloned().collect();
            if self.table_entry(entry, &parsed, &mine, show)? {
                continue;
            }
            assignable(entry, &mine)?;
            let values = self.values_of(&mine)?;
            self.vars.extend(values);
            let done = self.entry(entry, &parsed, typed, show);
            mine.iter().for_each(|one| drop(self.vars.remove(&one.name)));
            done?;
        }
        Ok(())
    }

    /// Takes the functions and kernels of a file.
    pub(super) fn define_all(&mut self, source: &Source, show: &mut dyn FnMut(&str)) -> Result<(), Failure> {
        let entries = text::entries(source)?;
        for entry in &entries {
            let EntryKind::Define { name, is_kernel } = &entry.kind else {
                return Err(Failure::Data(format!("`{}` has more than functions and kernels", source.name())));
            };
            self.define(name, *is_kernel, source.slice(entry.span), show)?;
        }
        Ok(())
    }

    /// The names that can be completed: variables and definitions.
    pub fn names(&self) -> Vec<String> {
        let definitions = self.definitions.iter().map(|definition| definition.name.to_string());
        let of = |(name, table): (&String, &Table)| -> Vec<String> {
            table.columns().map(|(column, _)| Table::written(name, column)).collect()
        };
        let columns = self.tables.iter().flat_map(of);
        self.vars.keys().chain(self.tables.keys()).cloned().chain(definitions).chain(columns).collect()
    }

    /// Whether a name is one of a variable, a table or a column.
    pub(super) fn has(&self, name: &str) -> bool {
        self.definition(name).is_none() && self.names().iter().any(|other| other == name)
    }

    fn entry(&mut self, entry: &Entry, parsed: &str, typed: &str, show: &mut dyn FnMut(&str)) -> Result<(), Failure> {
        let (text, shown) = (&parsed[entry.span.range()], &typed[entry.span.range()]);
        match &entry.kind {
            EntryKind::Define { name, is_kernel } => self.define(name, *is_kernel, text, show),
            EntryKind::Value { names, call, bare } => {
                if names.is_empty() {
                    self.last = shown.to_owned();
                }
                let call = call.as_ref().filter(|(name, _)| self.writes(name));
                let bound = match call {
                    Some((name, args)) => self.bind_call(name, args, parsed, typed)?,
                    None => self.bind(text, Some(shown), &[])?,
                };
                let is_bare = bare.as_ref().is_some_and(|used| used.iter().all(|name| self.is_bare(name)));
                self.value(bound, names, is_bare, show)
            }
            EntryKind::Update(name) if self.array(name).is_none() => {
                let bound = self.bind(text, Some(shown), &[])?;
                let is_bare = self.is_bare(name) && bound.params.iter().all(|place| self.is_bare_place(place));
                self.value(bound, std::slice::from_ref(name), is_bare, show)
            }
            EntryKind::Run { assigned, stored } => {
                let mut written = Vec::with_capacity(stored.len());
                for name in stored {
                    let array = self.array(name).map(|(ty, rank)| (&**name, ty, rank));
                    written.push(array.ok_or_else(|| Failure::Data(self.not_an_array(name)))?);
                }
                let bound = self.bind(text, Some(shown), &written)?;
                self.value(bound, assigned, false, show)
            }
            EntryKind::Update(name) | EntryKind::Store(name) => {
                let written = self.array(name).map(|(ty, rank)| (&**name, ty, rank));
                let written = written.ok_or_else(|| Failure::Data(self.not_an_array(name)))?;
                let bound = self.bind(text, Some(shown), &[written])?;
                self.value(bound, &[], false, show)
            }
        }
    }

    fn not_an_array(&self, name: &str) -> String {
        match self.vars.contains_key(name) {
            true => format!("`{name}` is a scalar; only arrays have elements to assign to"),
            false => format!("`{name}` is not defined; make an array first, such as `{name} = zeros(10)`"),
        }
    }

    /// Whether a name stands for a bare number.
    fn is_bare(&self, name: &str) -> bool {
        match self.vars.get(name) {
            Some(value) => matches!(value, Loaded::Weak(_)),
            None => text::constants().any(|constant| constant == name) && name != "true" && name != "false",
        }
    }

    fn is_bare_place(&self, place: &Place) -> bool {
        matches!(place, Place::Var(name) if self.is_bare(name))
    }

    fn array(&self, name: &str) -> Option<(Type, usize)> {
        let shape = self.vars.get(name)?.shape();
        Some((self.vars.get(name)?.ty(), shape.len())).filter(|(_, rank)| *rank > 0)
    }

    /// Whether a name is a kernel that writes into an argument: those are called, and not made part of an expression.
    fn writes(&self, name: &str) -> bool {
        let is_kernel = self.definitions.iter().any(|other| *other.name == *name && other.is_kernel);
        is_kernel
            && self.module().is_ok_and(|module| {
                module.kernels().any(|info| info.name == name && info.params.iter().any(|param| param.mutable))
            })
    }

    fn define(
        &mut self,
        name: &Arc<str>,
        is_kernel: bool,
        text: &str,
        show: &mut dyn FnMut(&str),
    ) -> Result<(), Failure> {
        let others: Vec<&str> =
            self.definitions.iter().filter(|other| other.name != *name).map(|other| other.text.as_str()).collect();
        // What is new stands first, so that its lines have the numbers they were typed with.
        let whole = format!("{text}\n{}", others.join("\n"));
        let module = self.engine.load_source(Source::new("<input>", whole))?;
        crate::report::warn(SourceError { source: module.source().clone(), diagnostics: module.warnings().to_vec() });
        let is_new = self.definitions.iter().all(|other| other.name != *name);
        self.definitions.retain(|other| other.name != *name);
        self.definitions.push(Definition { name: name.clone(), is_kernel, text: text.to_owned() });
        let kind = if is_kernel { "kernel" } else { "fn" };
        show(&format!("{kind} {name}{}", if is_new { "" } else { " (redefined)" }));
        Ok(())
    }

    /// All definitions as one text.
    pub(super) fn definitions(&self) -> String {
        self.definitions.iter().map(|definition| definition.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    fn module(&self) -> Result<Module, Failure> {
        Ok(self.engine.load_source(Source::new("<session>", self.definitions()))?)
    }

    /// A text as a kernel with the places of its arguments.
    pub(super) fn bind(
        &self,
        text: &str,
        shown: Option<&str>,
        written: &[(&str, Type, usize)],
    ) -> Result<Bound, Failure> {
        let definitions = self.definitions();
        let prompt = Prompt { text, shown, definitions: &definitions, written };
        let module = self.engine.load_prompt(&prompt)?;
        let name = module.kernels().last().map(|info| info.name.clone()).unwrap_or_default();
        let kernel = module.kernel(&name)?;
        let place = |param: &hotloop::ParamInfo| match self.vars.contains_key(&param.name) {
            true => Ok(Place::Var(param.name.clone())),
            false => Err(self.undefined(&module, text, &param.name)),
        };
        let params = kernel.info().params.iter().map(place).collect::<Result<Vec<Place>, Failure>>()?;
        Ok(Bound { kernel, params })
    }

    /// A call of a kernel that writes: arguments that are variables are passed themselves.
    fn bind_call(&mut self, name: &str, args: &[Span], parsed: &str, typed: &str) -> Result<Bound, Failure> {
        let kernel = self.module()?.kernel(name)?;
        let mut params = Vec::with_capacity(args.len());
        for (index, span) in args.iter().enumerate() {
            let (text, shown) = (&parsed[span.range()], &typed[span.range()]);
            let mutable = kernel.info().params.get(index).is_some_and(|param| param.mutable);
            if self.vars.contains_key(text) {
                params.push(Place::Var(text.to_owned()));
            } else if mutable {
                let message = format!("argument {} of `{name}` is written: pass a variable, not `{shown}`", index + 1);
                return Err(Failure::Data(message));
            } else {
                let bound = self.bind(text, Some(shown), &[])?;
                let value = self.call(&bound, &Timing::new())?.one().map_err(Error::from)?;
                params.push(Place::Temp(Loaded::Value(value)));
            }
        }
        Ok(Bound { kernel, params })
    }

    /// A value that commands are about: an expression, a call of a kernel, or the last one if there is no text.
    pub(super) fn subject(&mut self, text: &str) -> Result<Bound, Failure> {
        let text = if text.is_empty() { self.last.clone() } else { text.to_owned() };
        if text.is_empty() {
            return Err(Failure::Data("write an expression behind it, or enter one before".to_owned()));
        }
        let (parsed, found) = self.replaced(&text);
        let source = Source::new("<input>", parsed.as_str());
        let entries = text::entries(&source).map_err(|error| shown_in(error, &text))?;
        let [Entry { kind: EntryKind::Value { call, .. }, .. }] = &entries[..] else {
            return Err(Failure::Data(format!("`{text}` is not one expression")));
        };
        let hidden: Vec<String> = found.iter().map(|one| one.name.clone()).collect();
        let values = self.values_of(&found)?;
        self.vars.extend(values);
        let bound = match call.as_ref().filter(|(name, _)| self.writes(name)) {
            Some((name, args)) => self.bind_call(name, args, &parsed, &text),
            None => self.bind(&parsed, Some(&text), &[]),
        };
        let mut bound = bound.inspect_err(|_| hidden.iter().for_each(|name| drop(self.vars.remove(name))))?;
        bound.adopt(&hidden, &mut self.vars);
        self.last = text;
        Ok(bound)
    }

    /// The types of a bound kernel's arguments.
    pub(super) fn types(&self, bound: &Bound) -> Vec<ArgType> {
        bound.types(&self.vars)
    }

    /// The choices of a call of this session.
    pub(super) fn choices<'a>(&'a self, timing: &'a Timing) -> Call<'a> {
        let call = Call { threads: self.threads, target: self.target, ..Call::new() };
        call.cancel(&self.cancel).timing(timing)
    }

    /// Calls a bound kernel that writes nothing.
    pub(super) fn call(&self, bound: &Bound, timing: &Timing) -> Result<Outputs, Failure> {
        let args = bound.args(&self.vars)?;
        Ok(bound.kernel.call_with(&args, &self.choices(timing))?)
    }

    /// Calls a bound kernel, which may write into variables.
    fn call_writing(&mut self, bound: &mut Bound, timing: &Timing) -> Result<Outputs, Failure> {
        let mut taken = bound.take_written(&mut self.vars)?;
        let result = {
            let args = bound.args_writing(&self.vars, &mut taken);
            args.and_then(|args| Ok(bound.kernel.call_with(&args, &self.choices(timing))?))
        };
        self.vars.extend(taken);
        result
    }

    fn value(
        &mut self,
        mut bound: Bound,
        names: &[Arc<str>],
        is_bare: bool,
        show: &mut dyn FnMut(&str),
    ) -> Result<(), Failure> {
        let timing = Timing::new();
        let outputs = self.call_writing(&mut bound, &timing)?;
        let count = outputs.len();
        if !names.is_empty() && names.len() != count {
            let values = if count == 1 { "1 value".to_owned() } else { format!("{count} values") };
            return Err(Failure::Data(format!("this gives {values} for {} names", names.len())));
        }
        for (at, value) in outputs.into_iter().enumerate() {
            match names.get(at) {
                Some(name) => self.assign(name, value, is_bare, show),
                None if count == 1 => show(&shown_value(&value, "")),
                None => show(&shown_value(&value, &format!("[{at}] = "))),
            }
        }
        for name in bound.written() {
            if let Some(value) = self.vars.get(name) {
                show(&format!("{name}: {}", type_text(value.ty(), value.shape())));
            }
        }
        if self.shows_time {
            let (compile, run) = (crate::run::duration(timing.compile()), crate::run::duration(timing.run()));
            show(&format!("compile {compile}, run {run}"));
        }
        Ok(())
    }

    fn assign(&mut self, name: &str, value: Value, is_bare: bool, show: &mut dyn FnMut(&str)) {
        let mut line = format!("{name}: {}", type_text(value.ty(), value.shape()));
        let value = match value {
            Value::Scalar(scalar) if is_bare && matches!(scalar.ty, Type::I64 | Type::F64) => {
                line = format!("{name} = {}", crate::print::scalar_text(scalar));
                Loaded::Weak(scalar)
            }
            Value::Scalar(scalar) => {
                let _ = write!(line, " = {}", crate::print::scalar_text(scalar));
                Loaded::Value(value)
            }
            Value::Array(_) | Value::Device(_) => Loaded::Value(value),
        };
        self.keep(name, value);
        show(&line);
    }

    /// Writes the value of an expression to a file.
    pub(super) fn save(&mut self, text: &str, path: &str, show: &mut dyn FnMut(&str)) -> Result<(), Failure> {
        let output = Output::parse(path).map_err(|error| Failure::Data(format!("`{path}`: {error}")))?;
        let bound = self.subject(text)?;
        let value = self.call(&bound, &Timing::new())?.one().map_err(Error::from)?;
        output::write_all(&[output], &[&value], &self.cancel)?;
        show(&format!("{path}: {}", type_text(value.ty(), value.shape())));
        Ok(())
    }

    /// A name without a value, with its place.
    fn undefined(&self, module: &Module, text: &str, name: &str) -> Failure {
        let is_name = |(range, piece): &(std::ops::Range<usize>, text::Piece)| {
            matches!(piece, text::Piece::Name | text::Piece::Function) && text[range.clone()] == *name
        };
        let place = text::pieces(text).into_iter().find(is_name);
        let span = place.map_or(Span::at(0), |(range, _)| Span::from_range(range));
        let mut diag = Diagnostic::error("E0100", span, format!("`{name}` is not defined"));
        if let Some(table) = self.tables.get(name) {
            let columns: Vec<String> =
                table.columns().take(3).map(|(column, _)| format!("`{}`", Table::written(name, column))).collect();
            let diag = Diagnostic::error("E0100", span, format!("`{name}` is a table"));
            let diag = diag.hint(format!("write one of its columns, such as {}", columns.join(", ")));
            let source = module.source().clone();
            return Failure::Engine(Error::Source(Box::new(SourceError { source, diagnostics: vec![diag] })));
        }
        let names = self.names();
        // Every other letter is like a single one.
        let similar = (name.chars().count() > 1).then(|| text::similar(name, names.iter().map(String::as_str)));
        diag = match similar.flatten() {
            Some(similar) => diag.hint(format!("did you mean `{similar}`?")),
            None => diag.hint(format!("give it a value first: `{name} = …`, or `{name} = load(\"file.npy\")`")),
        };
        let source = module.source().clone();
        Failure::Engine(Error::Source(Box::new(SourceError { source, diagnostics: vec![diag] })))
    }

    /// The kernel a name stands for, if it is one.
    pub(super) fn kernel(&self, name: &str) -> Option<Kernel> {
        self.definitions.iter().find(|other| *other.name == *name && other.is_kernel)?;
        self.module().ok()?.kernel(name).ok()
    }

    /// The text of a definition.
    pub(super) fn definition(&self, name: &str) -> Option<&str> {
        self.definitions.iter().find(|other| *other.name == *name).map(|other| other.text.as_str())
    }
}

/// Diagnostics of a parsed text over what was typed, which has the same places.
fn shown_in(error: Error, typed: &str) -> Error {
    match error {
        Error::Source(mut error) => {
            error.source = Source::new("<input>", typed);
            Error::Source(error)
        }
        other @ (Error::Io { .. } | Error::Unsupported(_) | Error::Run(_) | Error::Bug(_)) => other,
    }
}

/// A value with its type: on the same line for scalars, below for arrays.
fn shown_value(value: &Value, label: &str) -> String {
    let ty = type_text(value.ty(), value.shape());
    match value {
        Value::Scalar(_) => format!("{}  {ty}", value_text(value, label)),
        Value::Array(_) | Value::Device(_) => format!("{}\n{ty}", value_text(value, label)),
    }
}
