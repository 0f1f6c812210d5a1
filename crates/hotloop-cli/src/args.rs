//! The command line: commands, options and the help that teaches them.
//!
//! Owns the words only; what they do is in `run`.

use crate::output::Output;
use crate::value::Pair;
use clap::{Args, Parser, Subcommand};
use hotloop::{Fastmath, Stage, TargetChoice};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  hotloop eval '2*a + 3*b' a=1 b='[1, 2, 3]'
  hotloop eval 'sqrt(mean(x*x))' x=@signal.npy
  hotloop eval 'where(t > 0, t, 0)' t=@weather.csv:temperature -o positive.npy
  hotloop run kernels.hl black_scholes s=@s.npy k=100 t=0.5 r=0.02 sigma=0.3
  hotloop eval 'sum(a*b)' a=@a.npy b=@b.npy --time --threads 4
  hotloop eval 'a + 1' a='[1, 2]' --emit ir

Values, written NAME=VALUE:
  3  -1  0xff           an integer that takes the type of what it meets
  2.5  1e-3  inf  nan   a float that does
  2.5f32  200u8  true   a typed value
  [1, 2, 3]             an array of i64; of f64 if any number has a point or an exponent
  [[1, 2], [3, 4]]      an array of two axes
  [1f32, 2, 3]          an array of f32: one suffix types all
  @a.npy                an array from a NumPy file
  @photo.png            an image: rows, columns, and 3 or 4 colors if it has them
  @table.csv:column     a column of numbers from a CSV file with a header line; an empty cell is nan

Types:
  bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64

Exit status:
  0 success, 1 the program or the data is wrong, 2 the command line is wrong, 3 internal error, 130 interrupted";

/// Compiles array expressions and small kernels for the values they are given, and runs them.
#[derive(Debug, Parser)]
#[command(name = "hotloop", version, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do; without a command, a prompt.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Evaluates an expression; its free names are the parameters.
    #[command(after_help = EXAMPLES)]
    Eval(Eval),
    /// Runs a kernel of a file.
    #[command(after_help = EXAMPLES)]
    Run(Run),
    /// A prompt: expressions, variables, definitions, and commands that begin with `:`. What runs without a command.
    Repl(Repl),
    /// Looks for mistakes in a file and runs nothing; or compares all targets.
    #[command(after_help = crate::check::HELP)]
    Check(Check),
    /// Runs the expectations written in a file.
    #[command(after_help = crate::expectations::HELP)]
    Test(Test),
    /// Measures the kernels of a file.
    #[command(after_help = crate::bench::HELP)]
    Bench(Bench),
    /// Says what was fused, what is SIMD, what runs on threads, and what limits the speed.
    Why(Why),
    /// Puts files into the one layout; comments and line breaks stay.
    Fmt(Fmt),
    /// Compiles kernels of a file into an object file with a C header, or shows every stage on the way.
    #[command(after_help = crate::compile::HELP)]
    Compile(crate::compile::Compile),
    /// Looks after the compiled kernels kept on disk.
    #[command(after_help = crate::cache::HELP)]
    Cache {
        /// What to do.
        #[command(subcommand)]
        action: crate::cache::Action,
    },
    /// Lists the GPUs of this machine, and how exactly they compute.
    #[cfg(feature = "gpu")]
    #[command(after_help = crate::devices::HELP)]
    Devices,
}

/// `hotloop eval`.
#[derive(Debug, Args)]
pub struct Eval {
    /// The expression; `let`s may stand before it.
    #[arg(value_name = "EXPR", allow_hyphen_values = true)]
    pub expression: String,
    /// The values of the names in the expression.
    #[arg(value_name = "NAME=VALUE", value_parser = Pair::parse)]
    pub values: Vec<Pair>,
    /// How to run it.
    #[command(flatten)]
    pub options: Options,
}

/// `hotloop run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The file with the kernel.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The kernel; may be left out if the file has only one.
    #[arg(value_name = "KERNEL")]
    pub kernel: Option<String>,
    /// The values of the kernel's parameters.
    #[arg(value_name = "NAME=VALUE", value_parser = Pair::parse)]
    pub values: Vec<Pair>,
    /// How to run it.
    #[command(flatten)]
    pub options: Options,
}

/// `hotloop repl`.
#[derive(Debug, Default, Args)]
pub struct Repl {
    /// Where to run: auto, interp, scalar, simd or parallel; `:target` changes it.
    #[arg(long, value_name = "TARGET")]
    pub target: Option<TargetChoice>,
    /// At most so many threads; all processors by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Neither looks for compiled kernels on disk nor keeps any there.
    #[arg(long)]
    pub no_cache: bool,
    /// How exactly floats are computed: strict, or relaxed, which is faster and within 4 units in the last place.
    #[arg(long, value_name = "TIER", default_value_t)]
    pub fastmath: Fastmath,
}

/// `hotloop check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The files.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Runs every kernel whose parameters have types on all targets, with random and special inputs, and compares.
    #[arg(long)]
    pub differential: bool,
    /// How many random inputs of each length `--differential` tries.
    #[arg(long, value_name = "N", default_value_t = 8, requires = "differential")]
    pub rounds: u32,
    /// Where the random inputs begin; the same number gives the same inputs.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "differential")]
    pub seed: u64,
    /// How exactly floats are computed: strict, or relaxed, which is faster and within 4 units in the last place.
    #[arg(long, value_name = "TIER", default_value_t)]
    pub fastmath: Fastmath,
}

/// `hotloop test`.
#[derive(Debug, Args)]
pub struct Test {
    /// The files.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Only cases whose name contains this.
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Only on this target; on all of them by default.
    #[arg(long, value_name = "TARGET")]
    pub target: Option<TargetChoice>,
    /// How exactly floats are computed: strict, or relaxed, which is faster and within 4 units in the last place.
    #[arg(long, value_name = "TIER", default_value_t)]
    pub fastmath: Fastmath,
}

/// `hotloop bench`.
#[derive(Debug, Args)]
pub struct Bench {
    /// The file with the kernels.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The kernel; all of them if it is left out.
    #[arg(value_name = "KERNEL")]
    pub kernel: Option<String>,
    /// Values of parameters; the others are made up.
    #[arg(value_name = "NAME=VALUE", value_parser = Pair::parse)]
    pub values: Vec<Pair>,
    /// Elements of the arrays that are made up, such as 1000,1e6.
    #[arg(long, value_name = "N,…", default_value = "1e3,1e6", value_delimiter = ',', value_parser = crate::bench::size)]
    pub sizes: Vec<usize>,
    /// Where to run: auto, interp, scalar, simd or parallel.
    #[arg(long, value_name = "TARGET")]
    pub target: Option<TargetChoice>,
    /// At most so many threads; all processors by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Prints JSON.
    #[arg(long)]
    pub json: bool,
    /// How exactly floats are computed: strict, or relaxed, which is faster and within 4 units in the last place.
    #[arg(long, value_name = "TIER", default_value_t)]
    pub fastmath: Fastmath,
}

/// `hotloop why`.
#[derive(Debug, Args)]
pub struct Why {
    /// The file with the kernels.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The kernel; all whose parameters have types, or can be taken for arrays of `f64`, if it is left out.
    #[arg(value_name = "KERNEL")]
    pub kernel: Option<String>,
    /// Values of parameters, for their types; parameters without one have the type they are declared with, or `f64[:]`.
    #[arg(value_name = "NAME=VALUE", value_parser = Pair::parse)]
    pub values: Vec<Pair>,
    /// Where it is to run: auto, scalar, simd or parallel.
    #[arg(long, value_name = "TARGET")]
    pub target: Option<TargetChoice>,
    /// At most so many threads; all processors by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Prints JSON.
    #[arg(long)]
    pub json: bool,
    /// How exactly floats are computed: strict, or relaxed, which is faster and within 4 units in the last place.
    #[arg(long, value_name = "TIER", default_value_t)]
    pub fastmath: Fastmath,
}

/// `hotloop fmt`.
#[derive(Debug, Args)]
pub struct Fmt {
    /// The files; `-` reads the standard input and writes the standard output.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Changes nothing and says which files would change; fails if there is one.
    #[arg(long)]
    pub check: bool,
}

/// Options of `eval` and `run`.
#[derive(Debug, Args)]
pub struct Options {
    /// Writes the result to a file that ends in .npy, .csv or .png; once per result, in order.
    #[arg(short, long = "output", value_name = "FILE", value_parser = Output::parse)]
    pub output: Vec<Output>,
    /// Where to run: auto, interp, scalar, simd or parallel. All give the same bits.
    #[arg(long, value_name = "TARGET")]
    pub target: Option<TargetChoice>,
    /// At most so many threads; all processors by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// How exactly floats are computed: strict, or relaxed, which is faster and within 4 units in the last place.
    #[arg(long, value_name = "TIER", default_value_t)]
    pub fastmath: Fastmath,
    /// Neither looks for compiled kernels on disk nor keeps any there.
    #[arg(long)]
    pub no_cache: bool,
    /// What to do where target gpu cannot: none (it fails, the default) or cpu, which is said on the standard error.
    #[cfg(feature = "gpu")]
    #[arg(long, value_name = "FALLBACK", default_value_t)]
    pub fallback: hotloop::Fallback,
    /// Says how long compiling and running took.
    #[arg(long)]
    pub time: bool,
    /// Prints a stage of the compilation instead of running: ast, ir, passes, clif, asm, wgsl or spirv.
    #[arg(long, value_name = "STAGE", conflicts_with_all = ["output", "time"])]
    pub emit: Option<Stage>,
}
