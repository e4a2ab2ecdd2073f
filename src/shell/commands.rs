//! The commands that begin with a dot: their names, what they take, and what `.help` says.

use super::{Notice, Shell};
use crate::scenario::similar;
use std::fmt::Write as _;

/// A command of ours.
pub(super) struct DotCommand {
    pub(super) known: KnownCommand,
    /// Without the dot.
    pub(super) name: &'static str,
    pub(super) arguments: &'static str,
    /// In one line.
    pub(super) summary: &'static str,
    /// What one should know beside that.
    details: &'static str,
    pub(super) takes: Takes,
}

/// Which command it is.
#[derive(Clone, Copy)]
pub(super) enum KnownCommand {
    Ehlo,
    StartTls,
    Auth,
    Data,
    Bdat,
    Raw,
    Hex,
    Pipeline,
    Wait,
    Explain,
    Extensions,
    Tls,
    Transcript,
    Times,
    Save,
    Connect,
    Close,
    Quit,
    Help,
}

/// What its arguments are, for completion.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    Commands,
    Mechanisms,
    Files,
}

/// Every command, in the order of `.help`.
pub(super) const ALL: [DotCommand; 19] = [
    DotCommand {
        known: KnownCommand::Ehlo,
        name: "ehlo",
        arguments: "[NAME]",
        summary: "send EHLO",
        details: "The name is that of --ehlo unless you give another.",
        takes: Takes::Nothing,
    },
    DotCommand {
        known: KnownCommand::StartTls,
        name: "starttls",
        arguments: "",
        summary: "send STARTTLS and shake hands",
        details: "Where STARTTLS was sent already and answered with 220 it only shakes hands. The server forgets your EHLO:\nsend it once more.",
        takes: Takes::Nothing,
    },
    DotCommand {
        known: KnownCommand::Auth,
        name: "auth",
        arguments: "[MECHANISM [USER]]",
        summary: "log in; asks for the password without echo",
        details: "Without a mechanism the strongest that the server offers is used. The password is taken from the environment\nvariable SMTP_SCRIPT_SECRET_PASSWORD if it is set (the token of XOAUTH2 and OAUTHBEARER from\nSMTP_SCRIPT_SECRET_TOKEN); on a pipe it must be. From then on it is masked wherever it is shown.\nA mechanism that shows the password is refused without TLS; `.auth!` insists.",
        takes: Takes::Mechanisms,
    },
    DotCommand {
        known: KnownCommand::Data,
        name: "data",
        arguments: "FILE",
        summary: "send DATA, the file after 354, and the end of mail data",
        details: "Line ends become CRLF, and a dot that begins a line is doubled (RFC 5321 section 4.5.2).",
        takes: Takes::Files,
    },
    DotCommand {
        known: KnownCommand::Bdat,
        name: "bdat",
        arguments: "FILE",
        summary: "send the file as one chunk, the last (RFC 3030)",
        details: "Line ends become CRLF.",
        takes: Takes::Files,
    },
    DotCommand {
        known: KnownCommand::Raw,
        name: "raw",
        arguments: "TEXT",
        summary: "send exactly these bytes, without a line end",
        details: "\\r, \\n, \\t, \\0, \\\\ and \\xHH stand for single bytes: `.raw NOOP\\n` ends a line with a bare LF.\nOnly a line with CRLF owes a reply; `.wait` waits for one that comes all the same.",
        takes: Takes::Nothing,
    },
    DotCommand {
        known: KnownCommand::Hex,
        name: "hex",
        arguments: "DIGITS",
        summary: "send bytes that are written in hexadecimal",
        details: "Blanks between the digits do not matter.",
        takes: Takes::Nothing,
    },
    DotCommand {
        known: KnownCommand::Pipeline,
        name: "pipeline",
        arguments: "",
        summary: "hold lines back, until `.wait` sends all of them at once",
        details: "What is sent at once needs PIPELINING (RFC 2920); a server may refuse it.",
        takes: Takes::Nothing,
    },
    DotCommand {
        known: KnownCommand::Wait,
        name: "wait",
        arguments: "",
        summary: "send what is held back, and wait for all replies owed",
        details: "Where nothing is owed it waits for whatever the server says beside that, as long as --timeout allows.",
        takes: Takes::Nothing,
    },
    DotCommand {
        known: KnownCommand::Explain,
        name: "explain",
        arguments: "[CODE]",
        summary: "say what the last reply means, or a code",
        details: "Codes are written as for `smtp-script explain`: 535, 5.7.8, 5xx, a whole reply line.",
        takes: Takes::Nothing,
    },
    DotCommand {
        known: KnownCommand::Extensions,
        name: "extensions",
        arguments: "",
        summary: "list what the last EHLO reply offers, and what for",
        details: "",
        takes: Takes::Nothing,
    },
    DotCommand {
        known: KnownCommand::Tls,
        name: "tls",
        arguments: "",
        summary: "show what the TLS handshake agreed on, and the certificate",
        details: "",
        takes: Takes::Nothing,
    },
    DotCommand {
        known: KnownCommand::Transcript,
        name: "transcript",
        arguments: "",
        summary: "show all that was said, with times",
        details: "",
        takes: Takes::Nothing,
    },
    DotCommand {
        known: KnownCommand::Times,
        name: "times",
        arguments: "",
        summary: "show the time before each line, or no longer",
        details: "",
        takes: Takes::Nothing,
    },
    DotCommand {
        known: KnownCommand::Save,
        name: "save",
        arguments: "FILE",
        summary: "write what was said on this connection as a scenario",
        details: "Credentials become secrets, by name. `.save!` replaces a file that exists.",
        takes: Takes::Files,
    },
    DotCommand {
        known: KnownCommand::Connect,
        name: "connect",
        arguments: "[HOST[:PORT]]",
        summary: "open a new connection, to the same server or another",
        details: "An open one is closed before that. `.save` then begins anew.",
        takes: Takes::Nothing,
    },
    DotCommand {
        known: KnownCommand::Close,
        name: "close",
        arguments: "",
        summary: "close the connection without QUIT",
        details: "",
        takes: Takes::Nothing,
    },
    DotCommand {
        known: KnownCommand::Quit,
        name: "quit",
        arguments: "",
        summary: "send QUIT if there is a connection, and end",
        details: "Ctrl-D ends without QUIT.",
        takes: Takes::Nothing,
    },
    DotCommand {
        known: KnownCommand::Help,
        name: "help",
        arguments: "[COMMAND]",
        summary: "this list, or more about a command",
        details: "",
        takes: Takes::Commands,
    },
];

/// The command of this name.
pub(super) fn find(name: &str) -> Option<&'static DotCommand> {
    ALL.iter().find(|command| command.name == name)
}

/// What to say of a name that is none.
pub(super) fn unknown(name: &str) -> String {
    if name.is_empty() {
        return "a dot begins a command: `.help` lists them, and `..` sends a line that begins with a dot".to_owned();
    }
    let meant = similar(name, ALL.iter().map(|command| command.name));
    let help = meant.map_or("see `.help`".to_owned(), |meant| format!("did you mean `.{meant}`?"));
    format!("there is no command `.{name}`, {help} (`..{name}` sends it as a line)")
}

impl Shell {
    pub(super) fn help(&mut self, arguments: &str) {
        let name = arguments.trim_start_matches('.').to_ascii_lowercase();
        if name.is_empty() {
            return self.tell(Notice::Text(overview()));
        }
        match find(&name) {
            Some(command) => self.tell(Notice::Text(command.page())),
            None => self.complain(&unknown(&name)),
        }
    }
}

impl DotCommand {
    fn usage(&self) -> String {
        format!(".{} {}", self.name, self.arguments).trim_end().to_owned()
    }

    fn page(&self) -> String {
        let mut page = format!("{}\n  {}\n", self.usage(), self.summary);
        for line in self.details.lines() {
            _ = writeln!(page, "  {line}");
        }
        page
    }
}

fn overview() -> String {
    let mut text = "What you type goes over the wire as it is. These are commands of the shell:\n\n".to_owned();
    for command in &ALL {
        _ = writeln!(text, "  {:<26} {}", command.usage(), command.summary);
    }
    text.push_str("\nA line that begins with a dot is sent by doubling it: `..x` sends `.x`.\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_guessed() {
        assert!(ALL.iter().all(|command| find(command.name).is_some_and(|found| found.usage() == command.usage())));
        assert!(unknown("startls").contains("did you mean `.starttls`?"));
        assert!(unknown("zzzzzzzz").contains("see `.help`"));
        assert!(overview().contains("  .auth [MECHANISM [USER]]"));
    }
}
