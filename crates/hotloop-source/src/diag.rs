//! `Diagnostic`: what is wrong, where, and what to write instead, as plain data.
//!
//! Rendering is in `render`. The codes and the wording belong to the crates that report.

use std::fmt;

use crate::span::Span;

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The text cannot be compiled.
    Error,
    /// The text can be compiled but likely does not do what was meant.
    Warning,
}

impl Severity {
    /// The word shown to people.
    pub const fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// A second place in the text that a diagnostic points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is to be seen there.
    pub message: String,
}

/// One thing to tell the author of a text. All its spans refer to one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it stops compilation.
    pub severity: Severity,
    /// The stable code, such as `E0102`.
    pub code: &'static str,
    /// What is wrong, with the author's own names in backticks and no full stop.
    pub message: String,
    /// The place it is about; detached where there is none.
    pub span: Span,
    /// Further places, in the order to show them.
    pub labels: Vec<Label>,
    /// What to write instead.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// An error about one place.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Error, code, span, message.into())
    }

    /// A warning about one place.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Warning, code, span, message.into())
    }

    /// Points at a further place.
    #[must_use]
    pub fn label(mut self, span: Span, message: impl Into<String>) -> Diagnostic {
        self.labels.push(Label { span, message: message.into() });
        self
    }

    /// Says what to write instead.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hints.push(hint.into());
        self
    }

    /// Whether it stops compilation.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    fn new(severity: Severity, code: &'static str, span: Span, message: String) -> Diagnostic {
        Diagnostic { severity, code, message, span, labels: Vec::new(), hints: Vec::new() }
    }
}

impl fmt::Display for Diagnostic {
    /// One line without the text it is about; `render` gives the full form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: {}", self.severity.word(), self.code, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::{Diagnostic, Severity};
    use crate::span::Span;

    #[test]
    fn builder_keeps_the_order() {
        let diag = Diagnostic::warning("W0001", Span::new(1, 2), "`x` is odd")
            .label(Span::new(3, 4), "one")
            .label(Span::new(0, 1), "two")
            .hint("write `y`");
        assert_eq!(diag.severity, Severity::Warning);
        assert!(!diag.is_error());
        let labels: Vec<_> = diag.labels.iter().map(|label| label.message.as_str()).collect();
        assert_eq!(labels, ["one", "two"]);
        assert_eq!(diag.hints, ["write `y`"]);
        assert_eq!(diag.to_string(), "warning[W0001]: `x` is odd");
    }
}
