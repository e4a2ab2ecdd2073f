//! What a session's own logins carry, in what goes out next.
//!
//! A pipelined group shows its lines before it writes them: the watch runs ahead of the dialogue until they are written.

use super::Session;
use crate::secret::{AuthWatch, Carried};
use crate::smtp::command::{CommandLine, Verb};

/// Listens to what is about to be written.
#[derive(Debug, Default)]
pub(super) struct Overheard {
    watch: AuthWatch,
    is_ahead: bool,
    /// Whether there are credentials in what was not written yet.
    carries: bool,
}

/// Whether this is one command that no login is part of: then there is nothing to overhear. Most lines are such.
pub(crate) fn is_plain_command(session: &Session, bytes: &[u8]) -> bool {
    let Some(line) = bytes.strip_suffix(b"\r\n") else { return false };
    let dialogue = &session.dialogue;
    if session.overheard.is_ahead || dialogue.is_in_mail_data() || dialogue.is_response(line) || line.contains(&b'\n') {
        return false;
    }
    let command = CommandLine::parse(line);
    command.verb() != Verb::Other && command.login().is_none()
}

impl Session {
    /// What a login carries in octets that go out next.
    pub(crate) fn overhear(&mut self, bytes: &[u8]) -> Carried {
        if !self.overheard.is_ahead {
            self.overheard.watch.follow(&self.dialogue);
            self.overheard.is_ahead = true;
        }
        let carried = self.overheard.watch.bytes(bytes);
        self.overheard.carries |= carried.shown != bytes;
        carried
    }
}

impl Overheard {
    /// What was heard was written. `true`: there were credentials in it.
    pub(super) fn written(&mut self) -> bool {
        self.is_ahead = false;
        std::mem::take(&mut self.carries)
    }
}
