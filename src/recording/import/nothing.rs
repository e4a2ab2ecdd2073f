//! What is said of a text that becomes no scenario as a whole.
//!
//! Responsible for the words. `import` calls this.

use super::family::Family;
use super::mistake;
use super::text::{LineRole, MAX_LINE, MAX_LINES, TextLine};
use crate::scenario::Diagnostic;

/// No line of the text is one of a conversation.
pub(super) fn nothing_found() -> Diagnostic {
    let help = "it reads what PHPMailer, smtplib, nodemailer, JavaMail, MailKit, Net::SMTP, msmtp, Exim, Postfix, swaks, telnet, `openssl s_client`, `curl -v` \
                and many others print, and lines with `C:` and `S:`; for any other notation give `--client` and `--server`";
    mistake("no SMTP conversation is found in this".to_owned()).help(help)
}

/// The same with what the text looks like, and with a line that was not read.
pub(super) fn nothing_found_in(lines: &[TextLine<'_>], family: &Family) -> Diagnostic {
    let long = lines.iter().filter(|line| line.role == LineRole::TooLong).map(|line| line.end - line.start).max();
    match long {
        Some(length) => mistake(format!(
            "no SMTP conversation is found in this, and of a line of {length} bytes nothing is read: one has at most {MAX_LINE}"
        )),
        None => {
            let nothing = nothing_found();
            Diagnostic { message: format!("{}{}", nothing.message, looks_like(family)), ..nothing }
        }
    }
}

/// What the text looks like, for the end of a message.
pub(super) fn looks_like(family: &Family) -> String {
    if family.what.is_empty() || family.name == "paste" {
        String::new()
    } else {
        format!("; this looks like {}", family.what)
    }
}

/// There are more lines than are read.
pub(super) fn too_many_lines() -> Diagnostic {
    mistake(format!("a transcript has at most {MAX_LINES} lines")).help("cut the part that matters out of the log")
}
