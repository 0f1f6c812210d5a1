//! The C versions of the workloads: which compilers there are, with which flags they are built, where they are opened.

use crate::dtype::Dtype;
use crate::ffi::{Foreign, Library};
use crate::workload::Workload;
use std::path::{Path, PathBuf};
use std::process::Command;

const SOURCES: [(&str, &str); 2] =
    [("kernels.c", include_str!("../c/kernels.c")), ("workloads.inc", include_str!("../c/workloads.inc"))];

/// Flags of every build.
pub const COMMON: &[&str] = &["-O3", "-fPIC", "-w"];
/// Flags of the builds for most workloads: without them C's rules on `errno` and traps forbid vector code.
pub const PLAIN: &[&str] = &["-fno-math-errno", "-fno-trapping-math"];
/// Flags of the builds for workloads with sums or mathematical functions.
pub const FAST: &[&str] = &["-ffast-math"];

/// A width of vectors.
#[derive(Clone, Copy, Debug)]
pub struct Width {
    /// Bits.
    pub bits: u32,
    /// What a compiler is told to have it.
    pub flags: &'static [&'static str],
}

/// The widths that are built. The first is the one hotloop's own code has, for the same instruction set: C that may use
/// AVX-512 has twice as many registers even in code of 128 bits. The other one is all that the processor can do.
pub const WIDTHS: &[Width] = &[
    Width { bits: 128, flags: &[LEVEL, "-mprefer-vector-width=128", "-DVBYTES=16"] },
    Width { bits: 512, flags: &["-march=native", "-mprefer-vector-width=512", "-DVBYTES=64"] },
];

/// The instruction set of hotloop's own code.
const LEVEL: &str = if cfg!(target_arch = "x86_64") { "-march=x86-64-v3" } else { "-march=native" };

/// Flags of the build that does exactly what hotloop's default tier does: it rounds every product before it adds.
pub const UNFUSED: &[&str] = &["-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"];

/// One compiler, one width: the kernels built without `-ffast-math`, and with it but where that is not to be compared.
#[derive(Debug)]
pub struct Peer {
    /// What tables call it.
    pub name: String,
    plain: Library,
    fast: Option<Library>,
}

impl Peer {
    /// The kernel of a workload, with the flags that suit it; none if it is not compared.
    pub fn kernel(&self, workload: &Workload, dtype: Dtype) -> Option<Foreign> {
        let library = if workload.fast_math { self.fast? } else { self.plain };
        library.kernel(workload.name, dtype)
    }

    /// A kernel that is not a workload.
    pub fn plain_kernel(&self, name: &str, dtype: Dtype) -> Option<Foreign> {
        self.plain.kernel(name, dtype)
    }
}

/// The first line a compiler says of itself.
pub fn version(compiler: &str) -> Option<String> {
    let output = Command::new(compiler).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then(|| text.lines().next().unwrap_or_default().to_owned())
}

/// Builds and opens the C kernels with every compiler there is.
pub fn all() -> std::io::Result<Vec<Peer>> {
    let folder = tempfile::tempdir()?;
    for (name, text) in SOURCES {
        std::fs::write(folder.path().join(name), text)?;
    }
    let mut peers = Vec::new();
    for compiler in ["gcc", "clang"] {
        for width in WIDTHS {
            peers.extend(build(folder.path(), compiler, *width));
        }
    }
    let unfused = library(folder.path(), "kernels.c", "gcc", WIDTHS[0], "unfused", UNFUSED);
    let name = format!("gcc {} unfused", WIDTHS[0].bits);
    peers.extend(unfused.map(|(plain, _)| Peer { name, plain, fast: None }));
    Ok(peers)
}

/// Builds and opens the programs of loops.
pub fn loop_library(name: &str, flags: &[&str]) -> Result<Library, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (source, shared) = (folder.path().join("loops.c"), folder.path().join(format!("{name}.so")));
    std::fs::write(&source, include_str!("../c/loops.c")).map_err(|error| error.to_string())?;
    let mut compile = Command::new("gcc");
    compile.arg(LEVEL).args(flags).arg("-shared").arg(&source).arg("-o").arg(&shared).arg("-lm");
    let built = compile.status().is_ok_and(|status| status.success());
    built.then(|| Library::open(&shared)).flatten().ok_or_else(|| "gcc cannot build the programs of loops".to_owned())
}

/// The mathematical functions as one compiler makes them.
#[derive(Debug)]
pub struct MathsPeer {
    /// What tables call it.
    pub name: String,
    /// The functions.
    pub library: Library,
    /// The shared object, for its symbols.
    pub object: Vec<u8>,
}

/// Builds and opens mathematical functions with vectors as wide as hotloop's; none without the compiler.
pub fn maths_peer(compiler: &str, source: &str) -> Option<MathsPeer> {
    let folder = tempfile::tempdir().ok()?;
    std::fs::write(folder.path().join("maths.c"), source).ok()?;
    let (library, shared) = library(folder.path(), "maths.c", compiler, WIDTHS[0], "fast", FAST)?;
    Some(MathsPeer { name: compiler.to_owned(), library, object: std::fs::read(shared).ok()? })
}

fn build(folder: &Path, compiler: &str, width: Width) -> Option<Peer> {
    let (plain, _) = library(folder, "kernels.c", compiler, width, "plain", PLAIN)?;
    let (fast, _) = library(folder, "kernels.c", compiler, width, "fast", FAST)?;
    Some(Peer { name: format!("{compiler} {}", width.bits), plain, fast: Some(fast) })
}

fn library(
    folder: &Path,
    source: &str,
    compiler: &str,
    width: Width,
    name: &str,
    flags: &[&str],
) -> Option<(Library, PathBuf)> {
    let stem = format!("{compiler}-{}-{name}", width.bits);
    let (object, shared) = (folder.join(format!("{stem}.o")), folder.join(format!("{stem}.so")));
    let run = |command: &mut Command| command.status().is_ok_and(|status| status.success());
    let mut compile = Command::new(compiler);
    compile.args(COMMON).args(width.flags).args(flags).arg("-c").arg(folder.join(source)).arg("-o").arg(&object);
    if compiler == "clang" && cfg!(target_os = "linux") {
        compile.arg("-fveclib=libmvec");
    }
    // Linked without the flags: with `-ffast-math` the linker adds code that turns subnormals off in this process.
    let mut link = Command::new(compiler);
    link.arg("-shared").arg(&object).arg("-o").arg(&shared).arg("-lm");
    let built = version(compiler).is_some() && run(&mut compile) && run(&mut link);
    built.then(|| Library::open(&shared)).flatten().map(|library| (library, shared))
}
