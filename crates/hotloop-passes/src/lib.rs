//! Program to Program: what makes the same meaning cheaper to run.
//!
//! The list in [`PASSES`] is the order of work. Each pass keeps every bit of every result; the verifier checks the
//! Program after each one in debug builds, and once before code generation always.

mod across;
mod affine;
mod bounds;
mod carry;
mod choose;
mod collapse;
mod fold;
mod fuse;
mod guard;
mod index;
mod invariant;
mod join;
mod lists;
mod ranges;
mod release;
mod reuse;
mod schedule;
mod short;
mod split;
mod spread;
mod thread;
mod together;
mod turns;
mod unused;
mod wrap;

use hotloop_ir::Program;

/// A pass: its name in options, what it does, and the work.
pub struct Pass {
    /// The name in `ir-after=NAME`.
    pub name: &'static str,
    /// One line of help.
    pub about: &'static str,
    /// The work.
    pub run: fn(&mut Program),
}

/// The passes, in the order they run.
pub const PASSES: &[Pass] = &[
    Pass { name: "fold", about: "computes constants and drops what changes no bit", run: fold::run },
    Pass { name: "spread", about: "uses the constants that scalars hold", run: spread::run },
    Pass { name: "affine", about: "turns computed indices into views, checked once per loop", run: affine::run },
    Pass { name: "unused", about: "removes values, variables and steps that nothing reads", run: unused::run },
    Pass { name: "join", about: "joins scalar code that stands side by side", run: join::run },
    Pass { name: "fuse", about: "runs passes over the same elements as one", run: fuse::run },
    Pass { name: "thread", about: "takes the way a condition has decided without asking again", run: thread::run },
    Pass { name: "reuse", about: "computes nothing twice", run: reuse::run },
    Pass { name: "choose", about: "computes both ways of short branches of scalar code", run: choose::run },
    Pass { name: "ranges", about: "drops the checks that the conditions around them imply", run: ranges::run },
    Pass {
        name: "guard",
        about: "tests the indices of loops in scalar code before the outermost one",
        run: guard::run,
    },
    Pass {
        name: "invariant",
        about: "computes before a loop of scalar code what does not change in it",
        run: invariant::run,
    },
    Pass { name: "collapse", about: "merges axes that lie together in memory", run: collapse::run },
    Pass {
        name: "short",
        about: "keeps a form of reductions along rows for rows of few elements, with lanes across them",
        run: short::run,
    },
    Pass { name: "schedule", about: "chooses lanes and threads for each nest", run: schedule::run },
    Pass {
        name: "together",
        about: "groups the turns of innermost loops for vectors, where points do not fill them better",
        run: together::run,
    },
    Pass { name: "carry", about: "keeps elements from one turn of a loop to the next", run: carry::run },
    Pass { name: "wrap", about: "asks last whether an index counts from the end", run: wrap::run },
    Pass { name: "release", about: "gives temporaries back behind their last use", run: release::run },
    Pass { name: "turns", about: "lets lanes share a count of the turns of a loop", run: turns::run },
];

/// Runs all passes.
pub fn run(program: Program) -> Program {
    run_with(program, &mut |_, _| {})
}

/// Runs all passes and shows the Program after each.
pub fn run_with(mut program: Program, after: &mut dyn FnMut(&Pass, &Program)) -> Program {
    for pass in PASSES {
        (pass.run)(&mut program);
        if cfg!(debug_assertions)
            && let Err(error) = hotloop_ir::verify::verify(&program)
        {
            panic!("pass `{}` broke the program: {error}\n{}", pass.name, hotloop_ir::text::print(&program));
        }
        after(pass, &program);
    }
    program
}
