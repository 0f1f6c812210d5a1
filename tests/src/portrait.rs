//! Portraits: what becomes of a kernel, stage by stage, as one committed page each.
//!
//! A mismatch fails, `HOTLOOP_BLESS=1` rewrites the pages. The kernels stand in `portraits/*.hl`, each with a line
//! `#> types` that says what it is called with.

use crate::lower;
use crate::report::entries;
use hotloop::{ArgType, Source, Type};
use hotloop_clif::Clif;
use hotloop_ir::{Layout, Program, text};
use hotloop_syntax::{Limits, dump, parse_file};
use libtest_mimic::Trial;
use std::path::{Path, PathBuf};

/// The trials.
pub fn trials() -> Vec<Trial> {
    let mut trials = vec![Trial::test("portraits/unused pages", || Ok(unused()?))];
    for path in kernels() {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        trials.push(Trial::test(format!("portraits/{name}"), move || Ok(check(&path)?)));
    }
    trials
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("portraits")
}

fn kernels() -> Vec<PathBuf> {
    entries(&folder()).into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "hl")).collect()
}

fn unused() -> Result<(), String> {
    let lonely = |path: &PathBuf| {
        let page = path.extension().is_some_and(|ending| ending == "md");
        let other = !page && path.extension().is_none_or(|ending| ending != "hl");
        other || (page && !path.with_extension("hl").exists())
    };
    let left: Vec<String> =
        entries(&folder()).iter().filter(|path| lonely(path)).map(|path| path.display().to_string()).collect();
    if left.is_empty() { Ok(()) } else { Err(format!("these belong to no kernel: {}", left.join(", "))) }
}

fn check(path: &Path) -> Result<(), String> {
    let source = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let page = draw(&source)?;
    let place = path.with_extension("md");
    if std::env::var_os("HOTLOOP_BLESS").is_some() {
        return std::fs::write(&place, page).map_err(|error| error.to_string());
    }
    let committed = std::fs::read_to_string(&place).unwrap_or_default();
    if committed == page {
        return Ok(());
    }
    let line = committed.lines().zip(page.lines()).position(|(old, new)| old != new);
    let at = line.unwrap_or(committed.lines().count().min(page.lines().count()));
    let show = |text: &str| text.lines().nth(at).unwrap_or("the end").to_owned();
    Err(format!(
        "{} differs in line {}:\n  committed: {}\n  now:       {}\nlook at the change, then HOTLOOP_BLESS=1 cargo test -p \
         hotloop-suite",
        place.display(),
        at + 1,
        show(&committed),
        show(&page)
    ))
}

fn draw(source: &str) -> Result<String, String> {
    let types = types_of(source)?;
    let text: String = source.lines().filter(|line| !line.starts_with("#>")).map(|line| format!("{line}\n")).collect();
    let (file, problems) = parse_file(&Source::new("portrait", text.as_str()), &Limits::DEFAULT);
    if !problems.is_empty() {
        return Err(format!("{problems:?}"));
    }
    let module = lower::of_file(&text)?;
    let name = module.kernels().next().map(|info| info.name.clone()).ok_or("there is no kernel")?;
    let program = lower::of_types(&module, &name, &types)?;
    let mut page = format!("# {name}\n\n");
    block(&mut page, "SOURCE", "text", &text);
    block(&mut page, "AST", "text", &dump(&file));
    block(&mut page, "IR", "text", &printed(&program));
    let after = hotloop_passes::run(program);
    block(&mut page, "IR AFTER PASSES", "text", &printed(&after));
    block(&mut page, "CLIF SCALAR", "text", &clif(Clif::scalar().map_err(|error| error.to_string())?, &after)?);
    block(&mut page, "CLIF SIMD", "text", &clif(Clif::simd().map_err(|error| error.to_string())?, &after)?);
    Ok(page)
}

fn printed(program: &Program) -> String {
    text::print(program)
}

fn clif(target: Clif, program: &Program) -> Result<String, String> {
    target.emit_clif(program).map_err(|error| error.to_string())
}

fn block(page: &mut String, title: &str, language: &str, text: &str) {
    *page += &format!("## {title}\n```{language}\n{}\n```\n\n", text.trim_end());
}

/// `#> types f64, f32[:], i64[:, :]`, in the order of the parameters.
fn types_of(source: &str) -> Result<Vec<ArgType>, String> {
    let line = source.lines().find_map(|line| line.strip_prefix("#> types")).ok_or("there is no line `#> types`")?;
    // Commas inside brackets separate axes, not types.
    let mut types = Vec::new();
    for part in line.replace(", :", ",:").split(", ").filter(|part| !part.trim().is_empty()) {
        let (name, axes) = part.trim().split_once('[').unwrap_or((part.trim(), ""));
        let ty = Type::from_name(name).ok_or_else(|| format!("`{name}` is no type"))?;
        let rank = axes.matches(':').count() as u32;
        types.push(match rank {
            0 => ArgType::Scalar(ty),
            _ => ArgType::Array { ty, rank, ones: 0, layout: Layout::Dense },
        });
    }
    Ok(types)
}
