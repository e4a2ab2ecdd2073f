//! Where text goes: results to standard output, everything else to standard error.

use crate::report::human::Styled;
use clap::ValueEnum;
use std::io::{IsTerminal, Write};

/// When colours are used.
#[derive(Debug, Clone, Copy, ValueEnum, Default, PartialEq, Eq)]
pub(super) enum Color {
    /// For a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    Always,
    Never,
}

impl Color {
    /// Whether standard output is coloured.
    pub(super) fn for_results(self) -> Styled {
        Styled(self.wanted(anstream::AutoStream::choice(&std::io::stdout())))
    }

    /// Whether standard error is coloured.
    pub(super) fn for_notices(self) -> Styled {
        Styled(self.wanted(anstream::AutoStream::choice(&std::io::stderr())))
    }

    fn wanted(self, detected: anstream::ColorChoice) -> bool {
        match self {
            Color::Auto => detected != anstream::ColorChoice::Never,
            Color::Always => true,
            Color::Never => false,
        }
    }
}

/// Writes to standard output; a closed pipe is nothing to complain about.
pub(super) fn result(text: &str) {
    let mut output = std::io::stdout().lock();
    _ = output.write_all(text.as_bytes()).and_then(|()| output.flush());
}

/// The same for bytes.
pub(super) fn result_bytes(bytes: &[u8]) {
    let mut output = std::io::stdout().lock();
    _ = output.write_all(bytes).and_then(|()| output.flush());
}

/// Whether GitHub Actions runs this: it reads annotations from standard output.
pub(super) fn is_github_actions() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// Whether a person watches standard error.
pub(super) fn shows_progress() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
}

/// Writes a line to standard error.
pub(super) fn notice(text: &str) {
    let mut output = std::io::stderr().lock();
    _ = writeln!(output, "{text}");
}

/// Whether a person sits at the terminal and can answer.
pub(super) fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}
