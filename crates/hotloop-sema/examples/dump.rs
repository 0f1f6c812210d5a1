//! Prints the program of a kernel file: `dump FILE KERNEL TYPE…`, types as `f64`, `f64[:]`.
#![allow(clippy::print_stdout, reason = "a tool for the terminal")]
use hotloop_ir::{Layout, Type};
use hotloop_sema::{ArgType, Module, Options, lower};
use hotloop_source::{Source, render};

fn main() {
    let mut args = std::env::args().skip(1);
    let text = std::fs::read_to_string(args.next().expect("a file")).expect("readable");
    let source = Source::new("file", text);
    let kernel = args.next().expect("a kernel");
    let types: Vec<ArgType> = args
        .map(|arg| match arg.split_once('[') {
            None => ArgType::Scalar(Type::from_name(&arg).expect("type")),
            Some((ty, axes)) => ArgType::Array {
                ty: Type::from_name(ty).expect("type"),
                rank: axes.matches(':').count() as u32,
                ones: 0,
                layout: Layout::Dense,
            },
        })
        .collect();
    let (file, mut diags) = hotloop_syntax::parse_file(&source, &hotloop_syntax::Limits::default());
    let (module, more) = Module::of_file(file);
    diags.extend(more);
    let result = lower(&module, &kernel, &types, &Options::default());
    match result {
        Ok(program) if diags.is_empty() => {
            println!("{}", hotloop_ir::text::print(&program));
            println!("{:?}", hotloop_ir::verify::verify(&program));
        }
        Ok(_) => {}
        Err(more) => diags.extend(more),
    }
    for diag in &diags {
        println!("{}", render(diag, &source, false));
    }
}
