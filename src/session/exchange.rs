//! What both sides of a connection did, in order, for whoever wants to play the server's part again.
//!
//! Responsible for keeping it in bounds, and for hiding secrets before it is handed out: of what the client sent only the
//! text that the transcript shows is kept, and what the server sent is searched. It is kept only where it is asked for.

use crate::secret::Masker;
use std::time::Duration;

/// The most octets of one session that are kept.
const MAX_KEPT: usize = 1024 * 1024;
/// The most events of one session that are kept.
const MAX_EVENTS: usize = 20_000;

/// Something that happened on a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The client sent a line; without its CRLF.
    Line {
        /// As the transcript shows it.
        text: String,
        /// Whether a secret stood in it.
        secret: bool,
    },
    /// The client sent bytes that are no lines; nothing where a secret stood in them.
    Bytes(Vec<u8>),
    /// The client sent mail data, up to its end or not.
    MailData {
        /// Whether the line with the dot was sent.
        complete: bool,
    },
    /// The client sent the octets of the BDAT command before.
    Chunk,
    /// The server sent this.
    Received(Vec<u8>),
    /// A TLS handshake; whether it was done.
    Handshake(bool),
    /// The server ended its side; whether by a reset.
    ServerEnded {
        /// Whether by RST.
        reset: bool,
    },
}

/// One connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// When it was open, from the start of the run.
    pub opened: Duration,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// Whether more happened than is kept.
    pub cut: bool,
}

/// Keeps what happens.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorder {
    events: Vec<Event>,
    kept: usize,
    cut: bool,
}

impl Recorder {
    pub(super) fn note(&mut self, event: Event) {
        let size = match &event {
            Event::Line { text, .. } => text.len(),
            Event::Bytes(bytes) | Event::Received(bytes) => bytes.len(),
            _ => 0,
        };
        self.kept += size;
        self.cut |= self.kept > MAX_KEPT || self.events.len() >= MAX_EVENTS;
        if self.cut {
            return;
        }
        match (self.events.last_mut(), event) {
            (Some(Event::Received(last)), Event::Received(bytes)) => last.extend_from_slice(&bytes),
            (Some(Event::MailData { complete: last @ false }), Event::MailData { complete }) => *last = complete,
            (_, event) => self.events.push(event),
        }
    }

    /// What the client wrote, as it is shown.
    pub(super) fn wrote(&mut self, bytes: &[u8], shown: &str, secret: bool) {
        let text = bytes.strip_suffix(b"\r\n").and_then(|lines| std::str::from_utf8(lines).ok());
        let odd = |line: &str| line.contains(|letter: char| letter.is_control());
        let lines = text.filter(|text| !text.split("\r\n").any(odd));
        if lines.is_none() {
            return self.note(Event::Bytes(if secret { Vec::new() } else { bytes.to_vec() }));
        }
        for line in shown.trim_end_matches('\n').split('\n') {
            let text = line.trim_end_matches('\r').to_owned();
            self.note(Event::Line { text, secret });
        }
    }

    /// What is kept, without secrets.
    pub(crate) fn finish(&self, opened: Duration, masker: &Masker) -> Exchange {
        let hidden = |event: &Event| match event {
            Event::Received(bytes) => Event::Received(masker.mask(bytes)),
            Event::Line { text, secret } => Event::Line { text: masker.mask_text(text), secret: *secret },
            Event::Bytes(bytes) if masker.finds(bytes) => Event::Bytes(Vec::new()),
            other => other.clone(),
        };
        Exchange { opened, events: self.events.iter().map(hidden).collect(), cut: self.cut }
    }
}

/// Keeps what happened, where that is wanted.
pub(super) fn note(recorder: &mut Option<Recorder>, event: Event) {
    if let Some(recorder) = recorder {
        recorder.note(event);
    }
}
