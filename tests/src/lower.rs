//! Programs for looking at: a text through the front end without the engine, and printing.
//!
//! Failing trials and portraits show these; nothing here runs a kernel.

use crate::case::{Case, Input, Section};
use hotloop::{ArgType, Source};
use hotloop_ir::{Layout, Program};
use hotloop_sema::{self as sema, Module};
use hotloop_syntax::{Limits, parse_body, parse_file};

/// The program of a case, before any pass.
pub fn of_case(section: &Section, case: &Case, inputs: &[Input]) -> Result<Program, String> {
    let (module, name) = match &case.expr {
        Some(text) => (of_expression(text)?, sema::EXPRESSION.to_owned()),
        None => {
            let module = of_file(&section.text)?;
            let first = module.kernels().next().map(|info| info.name.clone());
            (module, case.kernel.clone().or(first).ok_or("there is no kernel")?)
        }
    };
    let info = module.kernels().find(|info| info.name == name).ok_or("there is no such kernel")?;
    let mut types = Vec::new();
    for param in &info.params {
        let input = inputs.iter().rev().find(|input| input.name == param.name);
        types.push(arg_type(input.ok_or_else(|| format!("no input `{}`", param.name))?));
    }
    of_types(&module, &name, &types)
}

/// The program of a kernel for argument types.
pub fn of_types(module: &Module, name: &str, types: &[ArgType]) -> Result<Program, String> {
    sema::lower(module, name, types, &sema::Options::default()).map_err(|diags| format!("{diags:?}"))
}

/// The module of a text with kernels.
pub fn of_file(text: &str) -> Result<Module, String> {
    let (file, diags) = parse_file(&Source::new("<suite>", text), &Limits::DEFAULT);
    if !diags.is_empty() {
        return Err(format!("{diags:?}"));
    }
    Ok(Module::of_file(file).0)
}

fn of_expression(text: &str) -> Result<Module, String> {
    let (body, diags) = parse_body(&Source::new("<suite>", text), &Limits::DEFAULT);
    if !diags.is_empty() {
        return Err(format!("{diags:?}"));
    }
    Ok(Module::of_expression(body).0)
}

fn arg_type(input: &Input) -> ArgType {
    let ty = input.data.ty;
    let shape = input.window.as_ref().map_or(&input.data.shape, |window| &window.shape);
    if shape.is_empty() {
        return if input.weak { ArgType::Weak(ty) } else { ArgType::Scalar(ty) };
    }
    let ones = shape.iter().enumerate().filter(|(_, extent)| **extent == 1).map(|(axis, _)| 1 << axis).sum();
    let layout = if input.window.is_some() { Layout::Strided } else { Layout::Dense };
    ArgType::Array { ty, rank: shape.len() as u32, ones, layout }
}

/// The printed program.
pub fn print(program: &Program) -> String {
    hotloop_ir::text::print(program)
}
