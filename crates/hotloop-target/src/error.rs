//! Why compiling or loading can fail. A program that has passed the verifier never panics a target.

/// Why a target gave no artifact.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The target cannot run this program; the text says what it lacks and what would work.
    #[error("not supported on target `{target}`: {reason}")]
    Unsupported {
        /// The target's name.
        target: &'static str,
        /// What is lacking, and what would work.
        reason: String,
    },
    /// The program is larger than the target allows.
    #[error("the kernel is too large for target `{target}`: {reason}")]
    Limit {
        /// The target's name.
        target: &'static str,
        /// The limit, and how it was exceeded.
        reason: String,
    },
    /// A mistake of ours.
    #[error("internal error in target `{target}`: {detail}")]
    Bug {
        /// The target's name.
        target: &'static str,
        /// What the code generator said.
        detail: String,
    },
}

/// Why an artifact did not become a kernel.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It was made by another target, version or CPU level.
    #[error("the artifact was made for `{found}`, this target is `{expected}`")]
    Foreign {
        /// The artifact's fingerprint.
        found: String,
        /// This target's.
        expected: String,
    },
    /// Its bytes are not what they should be.
    #[error("the artifact is damaged: {0}")]
    Damaged(&'static str),
    /// The operating system gave no executable memory.
    #[error("no executable memory: {0}")]
    Memory(#[from] std::io::Error),
}
