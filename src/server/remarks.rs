//! What is remarked on a session without the conversation: what was refused and why, and how it ended without a message.
//!
//! Responsible for which of it is worth a line, and for the words. Called by `dialogue` for each answer of the protocol.

use super::answer::Answer;
use super::mail_sink::MailSink;
use super::protocol::Protocol;
use crate::visible::visible;

/// So many refusals of one session are remarked.
const MOST: u32 = 5;
/// How many characters of a command are quoted.
const QUOTED: usize = 120;

/// What was seen of a session.
#[derive(Debug, Default)]
pub(super) struct Remarks {
    refused: u32,
    has_message: bool,
    /// The last command but QUIT; empty before the first one.
    last: String,
}

impl Remarks {
    /// Whether the client has sent nothing yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.last.is_empty() && self.refused == 0
    }

    /// What is said of the answer to a line; `secret` if the line answered a challenge.
    pub(super) fn of_line<S: MailSink>(
        &mut self,
        line: &str,
        secret: bool,
        answer: &Answer,
        protocol: &Protocol<S>,
    ) -> Option<String> {
        let shown = if secret { "the response of a login".to_owned() } else { quoted(line) };
        if !secret && !line.eq_ignore_ascii_case("QUIT") {
            self.last.clone_from(&shown);
        }
        let reply = answer.reply.lines().next().unwrap_or_default();
        if !reply.starts_with(['4', '5']) {
            return None;
        }
        self.refused += 1;
        match self.refused {
            more if more > MOST + 1 => None,
            more if more > MOST => Some("more was refused: `-v` shows each line".to_owned()),
            _ if reply.starts_with("535 5.7.8 Authentication failed") => Some(protocol.refused_login()),
            _ => {
                let advice = protocol.advice_on(&answer.reply);
                let advice = if advice.is_empty() { String::new() } else { format!("; {advice}") };
                Some(format!("{shown} was refused: {reply}{advice}"))
            }
        }
    }

    /// The end of a message, or of a chunk.
    pub(super) fn of_message(&mut self, answer: &Answer) {
        self.has_message |= answer.reply.starts_with('2');
    }

    /// What is said of a session that is over.
    pub(super) fn of_end(&self) -> Option<String> {
        if self.has_message || self.refused > 0 || self.last.is_empty() {
            return None;
        }
        let is_greeting =
            ["EHLO", "HELO", "LHLO"].iter().any(|verb| self.last.to_ascii_uppercase().starts_with(&format!("`{verb}")));
        let why = if is_greeting {
            ": a client that misses something in the reply (a login, STARTTLS) often leaves without saying why"
        } else {
            ""
        };
        Some(format!("ended without a message, after {}{why}", self.last))
    }
}

/// A command, without what AUTH carries.
fn quoted(line: &str) -> String {
    let words: Vec<&str> = line.splitn(3, ' ').collect();
    let shown = match words.as_slice() {
        [verb, mechanism, _] if verb.eq_ignore_ascii_case("AUTH") => format!("{verb} {mechanism} …"),
        _ => line.to_owned(),
    };
    let shown: String = shown.chars().take(QUOTED).collect();
    format!("`{}`", visible(shown.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_quoted_without_its_secret() {
        assert_eq!(quoted("AUTH PLAIN AGFwcABwdw=="), "`AUTH PLAIN …`");
        assert_eq!(quoted("MAIL FROM:<a@b>"), "`MAIL FROM:<a@b>`");
        assert_eq!(quoted("AUTH LOGIN"), "`AUTH LOGIN`");
    }

    #[test]
    fn a_session_without_a_message_is_remarked() {
        let greeted = Remarks { last: "`EHLO x`".to_owned(), ..Remarks::default() };
        assert!(greeted.of_end().is_some_and(|text| text.contains("after `EHLO x`: a client")));
        assert_eq!(Remarks::default().of_end(), None);
        assert_eq!(Remarks { has_message: true, ..greeted }.of_end(), None);
    }
}
