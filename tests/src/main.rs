//! The suite: one binary with every case, portrait, generated program and check of the sources, as trials with names.
//!
//! `README.md` says what there is and how a case is written. `HOTLOOP_SLOW=1` runs everything, `HOTLOOP_BLESS=1`
//! rewrites the portraits.

mod fuzz;
mod generate;
mod hostile;
mod layers;
mod loops;
mod lower;
mod overlap;
mod plan;
mod portrait;
mod report;
mod tidy;

use hotloop_cases::{case, check, data, run};
use libtest_mimic::Arguments;

fn main() {
    let args = Arguments::from_args();
    let mut trials = plan::trials();
    trials.extend(fuzz::trials());
    trials.extend(loops::trials());
    trials.extend(overlap::trials());
    trials.extend(hostile::trials());
    trials.extend(portrait::trials());
    trials.extend(layers::trials());
    trials.extend(tidy::trials());
    libtest_mimic::run(&args, trials).exit();
}
