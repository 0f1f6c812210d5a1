//! What the figures were measured on and with.

use super::{Context, Result};
use crate::peers::{COMMON, FAST, PLAIN, UNFUSED, WIDTHS, version};
use std::io::Write;

pub(super) fn write(context: &Context<'_>, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "# Performance\n")?;
    writeln!(
        out,
        "Written by `cargo run --release -p hotloop-bench -- table`, which measures everything on this page anew.\n"
    )?;
    writeln!(out, "- Processor: {}, {} usable", processor(), context.engine.threads())?;
    for compiler in ["gcc", "clang"] {
        let found = version(compiler).unwrap_or_else(|| "not installed, so not compared".to_owned());
        writeln!(out, "- {compiler}: {found}")?;
    }
    writeln!(
        out,
        "- C is built with `{}` and `{}`, for 128 bits with `{}`, for 512 with `{}`; workloads marked \\* with `{}` instead,\n  \
         without which C compilers vectorise neither sums nor calls of mathematical functions (those come from glibc's\n  \
         libmvec and may be wrong by 4 ULP; hotloop's by about 1).",
        COMMON.join(" "),
        PLAIN.join(" "),
        WIDTHS[0].flags.join(" "),
        WIDTHS[1].flags.join(" "),
        FAST.join(" ")
    )?;
    writeln!(
        out,
        "- C may fuse multiplications and additions; hotloop's default tier does not, and sums in a fixed order. `gcc 128 unfused`\n\
         \x20 is C that does not either (`{}`), and so the same work to the bit.\n\
         \x20 Column `relaxed` is the tier `@fastmath(relaxed)`, which may fuse them too; ratios are of the default tier.\n\
         - One thread is pinned. The candidates work on the same memory and take turns, and the best of many rounds\n  \
         counts, as the machine has other work too. hotloop's time is that of a whole call through a prepared handle.\n",
        UNFUSED.join(" ")
    )?;
    Ok(())
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split_once(':')).map(|(_, name)| name.trim().to_owned());
    name.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}
