//! What a failing trial prints: the source, the inputs and the program; and the listing of folders.

use crate::case::{Case, Input, Section};
use crate::lower;
use std::path::{Path, PathBuf};

/// How many elements of an input are shown.
const SHOWN: usize = 24;

/// A failure with all that is needed to see it.
pub fn failure(message: &str, path: &str, section: &Section, case: &Case, inputs: &[Input]) -> String {
    let mut text = format!("{message}\n\nat tests/{path}:{}\n", case.line);
    match &case.expr {
        Some(expr) => text += &format!("\nsource\n  {expr}\n"),
        None => text += &format!("\nsource\n{}\n", section.text.trim()),
    }
    text += "\ninputs\n";
    for input in inputs {
        text += &format!("  {}: {} {:?} = {}\n", input.name, input.data.ty, input.data.shape, elements(input));
        if let Some(window) = &input.window {
            text += &format!("    seen through {window:?}\n");
        }
    }
    match lower::of_case(section, case, inputs) {
        Ok(program) => text += &format!("\nprogram\n{}\n", lower::print(&program)),
        Err(reason) => text += &format!("\nno program: {reason}\n"),
    }
    text
}

fn elements(input: &Input) -> String {
    let shown = input.data.bits.len().min(SHOWN);
    let list: Vec<String> = (0..shown).map(|at| input.data.get(at).to_string()).collect();
    let more = if shown < input.data.bits.len() { ", …" } else { "" };
    format!("[{}{more}]", list.join(", "))
}

/// What a folder holds, in the order of names; nothing if there is no folder.
pub fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(read) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = read.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    paths
}
