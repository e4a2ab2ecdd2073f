//! What the protocol makes of a rule that answered in its place, on whichever server.

use super::Protocol;
use crate::server::answer::NextInput;
use crate::server::mail_sink::MailSink;

/// The reply code of the go-ahead for mail data.
const GO_AHEAD: u16 = 354;

impl<S: MailSink> Protocol<S> {
    /// A rule has refused what the client sent, or let it pass in silence: the protocol does not hear of it, but an
    /// authentication exchange is over, and so is a message that was refused at its end.
    pub(crate) fn overruled(&mut self, ends_message: bool) {
        self.exchange = None;
        if ends_message {
            self.chunk = None;
            self.end_transaction();
        }
    }

    /// A rule has granted what comes: refusals in a row have ended, whatever the protocol would say.
    pub(crate) fn forgive(&mut self) {
        self.errors_in_a_row = 0;
    }

    /// The code by which a rule grants what was asked; any other answer the protocol never hears of.
    pub(crate) fn granted(code: Option<u16>) -> Option<u16> {
        code.filter(|code| *code < 400)
    }

    /// What is read after a rule has granted a command by `code`, where the protocol would read `next`: mail data follow a
    /// 354 and nothing else.
    pub(crate) fn after_rule(&mut self, code: u16, next: NextInput) -> NextInput {
        match next {
            NextInput::MailData if code != GO_AHEAD => NextInput::Line,
            NextInput::MailData => NextInput::MailData,
            _ if code == GO_AHEAD => {
                // Nobody is there to take the message: its octets are read and forgotten.
                self.overruled(true);
                NextInput::MailData
            }
            next => next,
        }
    }
}
