//! What the terminal may know of a session between two lines: for the prompt, for completion, and for the history.

use super::Shell;
use crate::secret::{Masker, is_rememberable};
use crate::session::Session;
use crate::smtp::dialogue::Dialogue;
use std::fmt::Write as _;
use std::sync::Arc;

/// Where the conversation is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum PromptPhase {
    /// No connection.
    #[default]
    Closed,
    /// Before EHLO, and after a TLS handshake.
    Greeted,
    /// After EHLO or HELO, between two messages.
    Ready,
    /// After MAIL.
    Sender,
    /// After RCPT.
    Recipients,
    /// After 354, or within a chunk.
    MailData,
    /// After 334: an answer in base64 is due.
    Challenge,
}

/// A picture of the session.
#[derive(Debug, Clone, Default)]
pub(crate) struct PromptState {
    pub(crate) phase: PromptPhase,
    /// The server as the person named it.
    pub(crate) server: String,
    /// Whether there is TLS, and whether the certificate was verified.
    pub(crate) tls: Option<bool>,
    pub(crate) owed: usize,
    /// How many lines are held back, where they are.
    pub(crate) held: Option<usize>,
    /// The EHLO keywords with their parameters.
    pub(crate) offers: Vec<(String, Vec<String>)>,
    /// The name in EHLO.
    pub(crate) hello: String,
    pub(crate) masker: Arc<Masker>,
    /// What was said, and what is held back.
    pub(crate) dialogue: Dialogue,
}

/// Knows which of the lines that a person types may be remembered for another day: also of those that were never sent.
#[derive(Debug, Default)]
pub(crate) struct Discretion {
    typed: Dialogue,
}

impl Discretion {
    /// Whether a line may be remembered. Credentials and messages may not.
    pub(crate) fn allows(&mut self, line: &str, state: &PromptState) -> bool {
        let line = line.as_bytes();
        let is_response = self.typed.is_response(line) || state.dialogue.is_response(line);
        if !line.starts_with(b".") {
            self.typed.wrote_command(line);
            self.typed.replied(0);
        }
        let is_busy =
            matches!(state.phase, PromptPhase::Challenge | PromptPhase::MailData) || state.dialogue.is_in_mail_data();
        // A command of ours holds what goes over the wire in its argument, if at all.
        let sent = match line.strip_prefix(b".raw") {
            Some(argument) => argument.trim_ascii(),
            None if line.starts_with(b".") => b"",
            None => line,
        };
        let is_response = is_response && !line.starts_with(b".");
        !is_busy && is_rememberable(sent, is_response) && !state.masker.finds(line)
    }
}

impl PromptState {
    /// `mail.example.com:587 tls data> `: without a reply owed and without a message under way only where it leads to.
    pub(crate) fn prompt(&self) -> String {
        let mut prompt = self.server.clone();
        match self.tls {
            Some(true) => prompt.push_str(" tls"),
            Some(false) => prompt.push_str(" tls unverified"),
            None => {}
        }
        match self.phase {
            PromptPhase::Closed => prompt.push_str(" closed"),
            PromptPhase::MailData => prompt.push_str(" data"),
            PromptPhase::Challenge => prompt.push_str(" auth"),
            _ => {}
        }
        if self.owed > 0 {
            _ = write!(prompt, " {} owed", self.owed);
        }
        if let Some(held) = self.held {
            _ = write!(prompt, " {held} held");
        }
        prompt.push_str("> ");
        prompt
    }

    /// Whether a keyword is offered.
    pub(crate) fn offers(&self, keyword: &str) -> bool {
        self.offers.iter().any(|(known, _)| known == keyword)
    }
}

impl Shell {
    /// What the session is like now.
    pub(crate) fn state(&self) -> PromptState {
        let session = self.session.as_ref();
        let mut dialogue = session.map_or_else(Dialogue::default, |_| self.tap.dialogue().clone());
        dialogue.wrote(self.held.as_deref().unwrap_or_default());
        let offers = session.map(|session| {
            let keywords = session.extensions().iter();
            keywords.map(|(keyword, parameters)| (keyword.to_owned(), parameters.to_vec())).collect()
        });
        PromptState {
            phase: self.phase,
            server: self.settings.place.shown(),
            tls: session.and_then(Session::tls).map(|facts| facts.verified),
            owed: session.map_or(0, |session| session.dialogue().owed()),
            held: self.held.as_ref().map(|held| held.split(|byte| *byte == b'\n').count() - 1),
            offers: offers.unwrap_or_default(),
            hello: self.settings.hello.clone(),
            masker: self.log.masker().clone(),
            dialogue,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_and_messages_are_not_remembered() {
        // Lines that the shell itself refused, as where there is no connection.
        let mut discretion = Discretion::default();
        let closed = PromptState::default();
        let typed = [
            "EHLO me",
            "AUTH LOGIN",
            "YW5u",
            "cHc=",
            "x",
            ".help",
            ".auth plain mary",
            ".raw AUTH PLAIN AGFubgBz",
            "NOOP",
            "x",
            "AUHT PLAIN AGFubgBz",
            "AGFubgBz",
        ];
        let kept: Vec<_> = typed.into_iter().filter(|line| discretion.allows(line, &closed)).collect();
        assert_eq!(kept, ["EHLO me", ".help", ".auth plain mary", "NOOP", "x"]);
        // Lines that are held back.
        let mut dialogue = Dialogue::default();
        dialogue.wrote(b"DATA\r\n");
        assert!(!Discretion::default().allows("Subject: x", &PromptState { dialogue, ..PromptState::default() }));
        let mut dialogue = Dialogue::default();
        dialogue.wrote(b"AUTH LOGIN\r\n");
        assert!(!Discretion::default().allows("cHc=", &PromptState { dialogue, ..PromptState::default() }));
    }

    #[test]
    fn the_prompt_says_what_is_special() {
        let plain = PromptState { phase: PromptPhase::Ready, server: "mx:25".to_owned(), ..PromptState::default() };
        assert_eq!(plain.prompt(), "mx:25> ");
        let busy =
            PromptState { tls: Some(true), phase: PromptPhase::MailData, owed: 2, held: Some(1), ..plain.clone() };
        assert_eq!(busy.prompt(), "mx:25 tls data 2 owed 1 held> ");
        let closed = PromptState { phase: PromptPhase::Closed, tls: Some(false), ..plain };
        assert_eq!(closed.prompt(), "mx:25 tls unverified closed> ");
    }
}
