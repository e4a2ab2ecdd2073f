//! Where text goes: results to standard output, everything else to standard error.

use crate::report::human::Styled;
use crate::scenario::address::login_in;
use crate::visible::{acts_or_hides, inert};
use clap::ValueEnum;
use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

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
    result_bytes(text.as_bytes());
}

/// The same for bytes.
pub(super) fn result_bytes(bytes: &[u8]) {
    let mut output = std::io::stdout().lock();
    if let Err(error) = output.write_all(bytes).and_then(|()| output.flush())
        && error.kind() != std::io::ErrorKind::BrokenPipe
        && !LOST.swap(true, Ordering::Relaxed)
    {
        notice(&format!("error: cannot write to standard output: {}", crate::scenario::reason(&error)));
    }
}

/// Whether a result could not be written.
static LOST: AtomicBool = AtomicBool::new(false);

/// Whether anything of the results was lost, other than to a reader who had enough.
pub(super) fn lost_results() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// Whether GitHub Actions runs this: it reads annotations from standard output.
pub(super) fn is_github_actions() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// The file that GitHub Actions makes the summary of a job from.
pub(super) fn job_summary_file() -> Option<PathBuf> {
    let file = || std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty());
    is_github_actions().then(file).flatten().map(PathBuf::from)
}

/// Whether a person watches standard error.
pub(super) fn shows_progress() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
}

/// Lets the terminal show what is typed again: whoever asked for a secret may not get the chance any more.
pub(super) fn restore_echo() {
    if cfg!(unix) && std::io::stdin().is_terminal() {
        _ = std::process::Command::new("stty").arg("echo").status();
        notice("");
    }
}

/// The logins of addresses that were given as arguments, such as `smtp://user:password@host`.
static LOGINS: LazyLock<Vec<String>> =
    LazyLock::new(|| std::env::args().filter_map(|argument| login_in(&argument).map(str::to_owned)).collect());

/// Whether something stands in the arguments that a message must not repeat as it is.
pub(super) fn is_to_be_altered() -> bool {
    !LOGINS.is_empty() || std::env::args().any(|argument| argument.contains(acts_or_hides))
}

/// Writes a line to standard error. Names of files and options stand in it as they were given: nothing in it acts.
pub(super) fn notice(text: &str) {
    drawn(&inert(text));
}

/// Writes lines to standard error that may be coloured, and are harmless but for logins in arguments.
pub(super) fn drawn(text: &str) {
    let text = LOGINS.iter().fold(Cow::Borrowed(text), |text, login| text.replace(login.as_str(), "…").into());
    let mut output = std::io::stderr().lock();
    _ = writeln!(output, "{text}");
}

/// Whether a person sits at the terminal and can answer.
pub(super) fn is_interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Whether a person types, and sees what is printed.
pub(super) fn is_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// What this machine is called; `localhost` where it does not say.
pub(super) fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() || name.contains(char::is_whitespace) { "localhost".to_owned() } else { name.to_owned() }
}
