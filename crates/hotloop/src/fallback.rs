//! What happens when target `gpu` cannot do something: nothing, or the processor does it, if the caller has said so.
//!
//! Nothing falls back by itself, since the bits of floats may differ and the time certainly does.

use crate::engine::Inner;
use crate::error::{Error, RunError};
use crate::targets::{Available, TargetChoice};
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

/// What an engine does about calls that target `gpu` cannot serve: no device, a kernel it does not support, no memory,
/// a device that was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Fallback {
    /// They fail, and say why.
    #[default]
    None,
    /// The processor serves them; `Engine::fallbacks` tells.
    Cpu,
}

impl Fallback {
    /// Every choice.
    pub const ALL: &'static [Fallback] = &[Fallback::None, Fallback::Cpu];

    /// The name in options.
    pub const fn name(self) -> &'static str {
        match self {
            Fallback::None => "none",
            Fallback::Cpu => "cpu",
        }
    }
}

impl fmt::Display for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Fallback {
    type Err = String;

    fn from_str(name: &str) -> Result<Fallback, String> {
        let found = Fallback::ALL.iter().find(|choice| choice.name() == name);
        found.copied().ok_or_else(|| format!("there is no fallback `{name}`; write `none` or `cpu`"))
    }
}

/// What an engine has done on the processor although target `gpu` was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fallbacks {
    /// Kernels built for the processor, and calls done again there.
    pub count: u64,
    /// Why the last of them was.
    pub last: Option<String>,
}

/// An engine's choice, and what came of it.
#[derive(Debug, Default)]
pub(crate) struct State {
    choice: Fallback,
    told: Mutex<Fallbacks>,
}

impl State {
    pub(crate) fn new(choice: Fallback) -> State {
        State { choice, told: Mutex::default() }
    }

    pub(crate) fn told(&self) -> Fallbacks {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the processor is to do what failed like this; notes that it does.
    pub(crate) fn takes(&self, choice: TargetChoice, error: &Error) -> bool {
        let fails = match error {
            Error::Unsupported(_) | Error::Run(RunError::Device(_)) => true,
            Error::Source(_) | Error::Io { .. } | Error::Run(_) | Error::Bug(_) => false,
        };
        let takes = fails && choice == TargetChoice::Gpu && self.choice == Fallback::Cpu;
        if takes {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.count += 1;
            told.last = Some(error.to_string());
        }
        takes
    }
}

impl Inner {
    /// What `build` gives for the target of a choice, or for the processor's.
    pub(crate) fn build_for<T>(
        &self,
        choice: TargetChoice,
        build: impl Fn(&Available) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match self.targets.get(choice).and_then(&build) {
            Err(error) if self.fallback.takes(choice, &error) => build(self.targets.get(TargetChoice::Auto)?),
            result => result,
        }
    }

    /// What `call` gives for a choice, or for the processor where the device failed in the call. Such a call has
    /// written nothing yet: a device hands over all it has computed, or nothing.
    pub(crate) fn call_for<T>(
        &self,
        choice: TargetChoice,
        mut call: impl FnMut(TargetChoice) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match call(choice) {
            Err(error @ Error::Run(_)) if self.fallback.takes(choice, &error) => call(TargetChoice::Auto),
            result => result,
        }
    }
}
