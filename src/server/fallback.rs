//! The sandbox's answers for a scripted server: what no rule answers.
//!
//! Responsible for keeping the protocol's state beside a script, so that it knows which commands took effect. Not
//! responsible for reading or writing: `play::server` does, and reports what came.

use super::acceptor::Accepted;
use super::answer::{Answer, BadLine, NextInput};
use super::auth::Login;
use super::mail_sink::Discard;
use super::protocol::{AUTH_LINE, Protocol, TLS_READY, TLS_UNAVAILABLE};
use super::settings::{QueueIds, SandboxSettings};
use std::sync::{Arc, OnceLock};

/// The SIZE limit that it announces, in octets.
const MAX_MESSAGE_SIZE: u64 = 256 * 1024 * 1024;

/// What all connections of one scripted server share.
#[derive(Clone)]
pub(crate) struct FallbackSettings(Arc<SandboxSettings>);

impl FallbackSettings {
    /// Takes any user name with one of these passwords. Nobody is offered a login that nobody could pass.
    pub(crate) fn new(passwords: impl Iterator<Item = String>) -> FallbackSettings {
        let accept: Vec<Login> = passwords.map(|password| Login::AnyUser { password }).collect();
        FallbackSettings(Arc::new(SandboxSettings {
            host_name: "server.smtp-script.example".to_owned(),
            lmtp: false,
            max_message_size: MAX_MESSAGE_SIZE,
            mechanisms: accept.is_empty().then(Vec::new),
            require_auth: false,
            require_tls: false,
            without_starttls: false,
            accept,
            end_point: OnceLock::new(),
            queue_ids: QueueIds::starting_at(fastrand::u64(..)),
        }))
    }
}

/// The sandbox's side of one connection.
pub(crate) struct Fallback {
    protocol: Protocol<Discard>,
}

/// By what the octets of a message end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum MessageEnd {
    Dot,
    Chunk,
}

/// What it would say, and what it would read then.
#[derive(Debug)]
pub(crate) struct FallbackSaid {
    /// Lines joined by CRLF, without the last; empty where nothing is said yet.
    pub(crate) reply: String,
    pub(crate) next: NextInput,
}

impl From<Answer> for FallbackSaid {
    fn from(answer: Answer) -> FallbackSaid {
        FallbackSaid { reply: answer.reply.into_owned(), next: answer.next }
    }
}

impl Fallback {
    pub(crate) fn new(settings: &FallbackSettings) -> Fallback {
        Fallback { protocol: Protocol::new(settings.0.clone(), Discard) }
    }

    pub(crate) fn greeting(&self) -> FallbackSaid {
        self.protocol.greeting().into()
    }

    /// The farewell to a client that has been silent for too long.
    pub(crate) fn idle_too_long(&mut self) -> FallbackSaid {
        self.protocol.idle_too_long().into()
    }

    /// The farewell of a server that ends.
    pub(crate) fn shutting_down(&mut self) -> FallbackSaid {
        self.protocol.shutting_down().into()
    }

    /// What is said of a line that is too long; none where it is not. The response to a challenge may be longer.
    pub(crate) fn too_long(&mut self, line: &[u8], challenged: bool) -> Option<FallbackSaid> {
        let limit = if challenged { AUTH_LINE } else { self.protocol.line_limit(line) };
        (line.len() > limit).then(|| self.protocol.bad_line(BadLine::TooLong).into())
    }

    /// Answers a line as it came, with its end.
    pub(crate) fn line(&mut self, line: &[u8]) -> FallbackSaid {
        let Some(content) = line.strip_suffix(b"\r\n") else { return self.protocol.bad_line(BadLine::BareLf).into() };
        if memchr::memchr2(b'\0', b'\r', content).is_some() {
            return self.protocol.bad_line(BadLine::ControlCharacter).into();
        }
        match std::str::from_utf8(content) {
            Ok(text) => self.protocol.line(text).into(),
            Err(_) => self.protocol.bad_line(BadLine::NotUtf8).into(),
        }
    }

    pub(crate) fn content(&mut self, octets: &[u8]) {
        self.protocol.content(octets);
    }

    pub(crate) fn mail_data_ended(&mut self) -> FallbackSaid {
        self.protocol.mail_data_ended().into()
    }

    pub(crate) fn chunk_ended(&mut self) -> FallbackSaid {
        self.protocol.chunk_ended().into()
    }

    /// The answer to STARTTLS, by whether there is a certificate.
    pub(crate) fn asked_for_tls(has_certificate: bool) -> FallbackSaid {
        let answer =
            if has_certificate { Answer::from(TLS_READY).then(NextInput::StartTls) } else { TLS_UNAVAILABLE.into() };
        answer.into()
    }

    pub(crate) fn tls_started(&mut self, accepted: &Accepted) {
        self.protocol.tls_started(accepted.facts());
    }

    /// A rule has answered a line by this code; what is read next.
    pub(crate) fn ruled(&mut self, line: &[u8], code: Option<u16>) -> NextInput {
        let Some(code) = Protocol::<Discard>::granted(code) else {
            self.protocol.overruled(false);
            return NextInput::Line;
        };
        self.protocol.forgive();
        let next = self.line(line).next;
        self.protocol.after_rule(code, next)
    }

    /// A rule has answered a whole message by this code; whether it took it.
    pub(crate) fn message_ruled(&mut self, code: Option<u16>, end: MessageEnd) -> bool {
        if Protocol::<Discard>::granted(code).is_none() {
            self.protocol.overruled(true);
            return false;
        }
        self.protocol.forgive();
        _ = match end {
            MessageEnd::Dot => self.mail_data_ended(),
            MessageEnd::Chunk => self.chunk_ended(),
        };
        true
    }

    /// A message was refused by someone else: the transaction is over.
    pub(crate) fn forget_message(&mut self) {
        self.protocol.overruled(true);
    }
}
