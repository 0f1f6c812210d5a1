//! The commands of the prompt: one row each, and what the small ones do. Looking at code and time is in `inspect`.

use super::inspect;
use super::session::Session;
use crate::print::type_text;
use crate::report::Failure;
use crate::value::Loaded;
use hotloop::{Stage, TargetChoice, text};
use std::path::Path;

type Show<'s> = &'s mut dyn FnMut(&str);

/// What runs a command.
type Run = fn(&mut Session, &str, Show<'_>) -> Result<(), Failure>;

/// Name, arguments, help, and what runs it.
const COMMANDS: &[(&str, &str, &str, Run)] = &[
    ("asm", "[VALUE]", "the machine code of a value", |session, rest, show| {
        inspect::stage(session, rest, Stage::Asm, show)
    }),
    ("ast", "[VALUE]", "the tree of what was typed, before it is checked", |session, rest, show| {
        inspect::stage(session, rest, Stage::Ast, show)
    }),
    ("bench", "[VALUE]", "times of many runs, beside what this machine can do", inspect::bench),
    ("clif", "[VALUE]", "the code generator's form of a value", |session, rest, show| {
        inspect::stage(session, rest, Stage::Clif, show)
    }),
    ("doc", "NAME", "what a function does, how exact it is, and an example", doc),
    ("help", "[NAME]", "this list, or what there is to say about a command or a function", help),
    ("ir", "[VALUE]", "the program of a value, before the passes", |session, rest, show| {
        inspect::stage(session, rest, Stage::Ir, show)
    }),
    ("load", "FILE.hl, NAME FILE", "reads definitions, or a variable from a .npy, .csv or .png file", load),
    ("passes", "[VALUE]", "the program of a value, after the passes", |session, rest, show| {
        inspect::stage(session, rest, Stage::Passes, show)
    }),
    ("plot", "Y, X Y, … FILE.png", "draws an array: a line, or an image for two axes", inspect::plot),
    ("save", "FILE.hl, VALUE FILE", "writes the definitions, or a value to a .npy, .csv or .png file", save),
    ("target", "[NAME]", "where values are computed: auto, interp, scalar, simd or parallel", target),
    ("threads", "[N]", "the most threads a computation uses", threads),
    ("time", "[on, off, VALUE]", "says how long compiling and running take", time),
    ("type", "[VALUE]", "the type of a value, which is not computed", inspect::ty),
    ("vars", "", "variables and definitions", vars),
    ("why", "[VALUE]", "what was fused, what is SIMD, what runs on threads, and what limits the speed", inspect::why),
];

/// The names of all commands.
pub fn names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|row| row.0)
}

/// Runs a command, without the colon before it.
pub fn run(session: &mut Session, line: &str, show: Show<'_>) -> Result<(), Failure> {
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let mut found = COMMANDS.iter().filter(|row| row.0 == name);
    let Some((_, _, _, run)) = found.next() else {
        let hint = match text::similar(name, names()) {
            Some(similar) => format!("did you mean `:{similar}`?"),
            None => "`:help` lists the commands".to_owned(),
        };
        return Err(Failure::Data(format!("there is no command `:{}`; {hint}", crate::literal::shown(name))));
    };
    run(session, rest.trim(), show)
}

fn help(session: &mut Session, rest: &str, show: Show<'_>) -> Result<(), Failure> {
    let name = rest.trim_start_matches(':');
    if let Some((name, args, help, _)) = COMMANDS.iter().find(|row| row.0 == name) {
        show(&format!(":{name} {args}\n  {help}"));
        return Ok(());
    }
    if !name.is_empty() {
        return doc(session, name, show);
    }
    show("Type an expression to see its value, `x = …` to keep it, `fn` or `kernel` to");
    show("define one. Files: x = load(\"a.npy\"), t = load(\"table.csv\").column,");
    show("save(x, \"out.npy\"); .png too.");
    show("A VALUE is an expression; without one, commands take the last that was entered.\n");
    for (name, args, help, _) in COMMANDS {
        let head = format!(":{name} {args}");
        let lines = crate::print::filled(&help.split(' ').collect::<Vec<_>>(), 49);
        let indent = format!("\n{:29}", "");
        show(&format!("  {head:<25}  {}", lines.replace('\n', &indent)));
    }
    Ok(())
}

fn doc(session: &mut Session, rest: &str, show: Show<'_>) -> Result<(), Failure> {
    if let Some(definition) = session.definition(rest) {
        show(definition);
        return Ok(());
    }
    if rest.is_empty() {
        let names: Vec<&str> = text::functions().collect();
        show(&crate::print::filled(&names, 76));
        return Ok(());
    }
    if let Some((name, args, help, _)) = COMMANDS.iter().find(|row| rest.strip_prefix(':') == Some(row.0)) {
        show(&format!(":{name} {args}\n  {help}"));
        return Ok(());
    }
    if session.has(rest) {
        return session.enter(rest, show);
    }
    let Some(doc) = text::doc(rest) else {
        let known = text::functions().chain(text::constants()).chain(text::keywords()).chain(["load", "save"]);
        let hint = match text::similar(rest, known) {
            Some(similar) => format!("did you mean `{similar}`?"),
            None => "`:doc` lists the functions".to_owned(),
        };
        return Err(Failure::Data(format!("there is no function `{}`; {hint}", crate::literal::shown(rest))));
    };
    show(&doc.signature);
    show(&format!("  {}", crate::print::filled(&doc.meaning.split(' ').collect::<Vec<_>>(), 76).replace('\n', "\n  ")));
    if !doc.accuracy.is_empty() {
        show(&format!("  accuracy: {}", doc.accuracy));
    }
    if !doc.example.is_empty() {
        show(&format!("  > {}", doc.example));
        let example = hotloop::Engine::new().eval(&doc.example, &[])?;
        show(&format!("  {}", crate::print::value_text(&example, "").replace('\n', "\n  ")));
    }
    Ok(())
}

fn load(session: &mut Session, rest: &str, show: Show<'_>) -> Result<(), Failure> {
    let rest = rest.trim_matches('"');
    if Path::new(rest).extension().is_some_and(|ending| ending == "hl") {
        let text = std::fs::read_to_string(rest)
            .map_err(|error| Failure::Data(format!("cannot read `{rest}`: {}", crate::report::io_text(error))))?;
        return session.define_all(&hotloop::Source::new(rest, text), show);
    }
    let usage = || Failure::Data("write `:load FILE.hl` or `:load NAME FILE`".to_owned());
    let (name, file) = rest.split_once(char::is_whitespace).ok_or_else(usage)?;
    if !crate::value::is_name(name) {
        return Err(Failure::Data(format!("`{}` is not a name", crate::literal::shown(name))));
    }
    session.load_as(name, file.trim().trim_matches('"'), show)
}

fn save(session: &mut Session, rest: &str, show: Show<'_>) -> Result<(), Failure> {
    let usage = || Failure::Data("write `:save FILE.hl` or `:save VALUE FILE`".to_owned());
    if Path::new(rest).extension().is_some_and(|ending| ending == "hl") && !rest.contains(char::is_whitespace) {
        let definitions = session.definitions();
        let wrong = |error| Failure::Data(format!("cannot write `{rest}`: {}", crate::report::io_text(error)));
        std::fs::write(rest, definitions + "\n").map_err(wrong)?;
        show(&format!("{rest}: the definitions"));
        return Ok(());
    }
    let (value, file) = rest.rsplit_once(char::is_whitespace).ok_or_else(usage)?;
    session.save(value.trim(), file.trim_matches('"'), show)
}

fn target(session: &mut Session, rest: &str, show: Show<'_>) -> Result<(), Failure> {
    if !rest.is_empty() {
        session.target = Some(rest.parse::<TargetChoice>().map_err(Failure::Data)?);
    }
    show(session.target.unwrap_or(session.engine.target()).name());
    Ok(())
}

fn threads(session: &mut Session, rest: &str, show: Show<'_>) -> Result<(), Failure> {
    if !rest.is_empty() {
        let count = rest.parse::<u16>().ok().filter(|count| *count > 0);
        let wrong = || Failure::Data(format!("`{}` is not a number of threads", crate::literal::shown(rest)));
        let (count, most) = (usize::from(count.ok_or_else(wrong)?), session.engine.threads());
        if count > most {
            return Err(Failure::Data(format!("this session has {most} threads; start it with `--threads {count}`")));
        }
        session.threads = Some(count);
    }
    show(&session.threads.unwrap_or(session.engine.threads()).to_string());
    Ok(())
}

fn time(session: &mut Session, rest: &str, show: Show<'_>) -> Result<(), Failure> {
    match rest {
        "" => session.shows_time = !session.shows_time,
        "on" => session.shows_time = true,
        "off" => session.shows_time = false,
        value => return inspect::time(session, value, show),
    }
    show(if session.shows_time { "times are shown" } else { "times are not shown" });
    Ok(())
}

fn vars(session: &mut Session, _: &str, show: Show<'_>) -> Result<(), Failure> {
    let width = session.names().iter().map(|name| name.chars().count()).max().unwrap_or(0);
    for (name, value) in &session.vars {
        let ty = match value {
            Loaded::Weak(scalar) => format!("{} (a bare number)", crate::print::scalar_text(*scalar)),
            Loaded::Value(hotloop::Value::Scalar(scalar)) => {
                format!("{} = {}", type_text(scalar.ty, &[]), crate::print::scalar_text(*scalar))
            }
            Loaded::Value(hotloop::Value::Array(_) | hotloop::Value::Device(_)) | Loaded::Mapped(_) => {
                memory_text(value)
            }
        };
        show(&format!("{name:<width$}  {ty}"));
    }
    for (name, table) in &session.tables {
        show(&format!("{name:<width$}  table of {} columns, {} rows", table.width(), table.rows()));
        for (column, value) in table.columns() {
            show(&format!("{:<width$}  {}", crate::tables::Table::written(name, column), memory_text(value)));
        }
    }
    for name in &session.names() {
        let Some(text) = session.definition(name) else { continue };
        let first = text.lines().find(|line| !line.starts_with('@'));
        show(&format!("{name:<width$}  {}", first.unwrap_or_default().trim_end_matches(['{', ' '])));
    }
    Ok(())
}

/// The type of an array and the memory it takes.
fn memory_text(value: &Loaded) -> String {
    let bytes = value.shape().iter().product::<usize>() * value.ty().bytes();
    format!("{}, {}", type_text(value.ty(), value.shape()), crate::print::bytes_text(bytes as f64))
}
