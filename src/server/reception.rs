//! What becomes of the messages of one connection: counted, logged, and kept where there is a store.
//!
//! Responsible for the fields that are put in front of a message, which keep its envelope. A message goes to its file as
//! it comes, however long it is.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use jiff::{Timestamp, tz::TimeZone};

use super::counts::Counts;
use super::log::SessionLog;
use super::mail_sink::{MailSink, Sender};
use super::store::{Store, StoredMessage};
use crate::visible::visible;

/// Takes the messages of one connection in.
pub(crate) struct Reception {
    peer: SocketAddr,
    host_name: String,
    store: Option<Arc<Store>>,
    counts: Arc<Counts>,
    log: SessionLog,
    incoming: Option<IncomingMessage>,
}

/// A message on its way in.
struct IncomingMessage {
    id: String,
    reverse_path: String,
    first_recipient: String,
    recipients: usize,
    octets: u64,
    is_binary: bool,
    /// The fields in front of the message but for `received`.
    fields: String,
    received: String,
    file: Option<io::Result<StoredMessage>>,
}

impl Reception {
    pub(crate) fn new(
        peer: SocketAddr,
        host_name: String,
        store: Option<Arc<Store>>,
        counts: Arc<Counts>,
        log: SessionLog,
    ) -> Self {
        Self { peer, host_name, store, counts, log, incoming: None }
    }

    /// The file, whose first octets are the envelope.
    fn open(&mut self) {
        let (Some(store), Some(incoming)) = (&self.store, &mut self.incoming) else { return };
        if incoming.file.is_none() {
            let opened = store.begin(&incoming.id, incoming.is_binary).and_then(|mut file| {
                file.write(incoming.fields.as_bytes())?;
                file.write(incoming.received.as_bytes())?;
                Ok(file)
            });
            incoming.fields = String::new();
            incoming.file = Some(opened);
        }
    }
}

impl MailSink for Reception {
    fn begin(&mut self, sender: Sender<'_>) {
        let Sender { id, reverse_path, parameters, client_name, protocol, is_binary } = sender;
        let (peer, host_name) = (self.peer.ip(), &self.host_name);
        let now = Timestamp::now().to_zoned_datetime(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S %z");
        let mut fields = String::new();
        if self.store.is_some() {
            fields =
                format!("Return-Path: <{reverse_path}>\r\nX-Envelope-From: {}\r\n", path(reverse_path, parameters));
        }
        self.incoming = Some(IncomingMessage {
            id: id.to_owned(),
            reverse_path: reverse_path.to_owned(),
            first_recipient: String::new(),
            recipients: 0,
            octets: 0,
            is_binary,
            fields,
            received: format!(
                "Received: from {client_name} ([{peer}])\r\n\tby {host_name} with {protocol} id {id};\r\n\t{now}\r\n"
            ),
            file: None,
        });
    }

    fn recipient(&mut self, forward_path: &str, parameters: &str) {
        let Some(incoming) = &mut self.incoming else { return };
        if incoming.recipients == 0 {
            forward_path.clone_into(&mut incoming.first_recipient);
        }
        incoming.recipients += 1;
        if self.store.is_some() {
            _ = write!(incoming.fields, "X-Envelope-To: {}\r\n", path(forward_path, parameters));
        }
    }

    fn content(&mut self, octets: &[u8]) {
        self.open();
        let Some(incoming) = &mut self.incoming else { return };
        incoming.octets += octets.len() as u64;
        if let Some(Ok(file)) = &mut incoming.file
            && let Err(error) = file.write(octets)
        {
            incoming.file = Some(Err(error));
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.open();
        let Some(incoming) = self.incoming.take() else { return Ok(()) };
        let shown = incoming.shown();
        let kept = incoming.file.map(|file| file.and_then(StoredMessage::finish)).transpose();
        match kept {
            Ok(kept) => {
                self.counts.count_message();
                let place = kept.map(|path| format!(", in {}", path.display())).unwrap_or_default();
                self.log.note(|| format!("{shown}{}", visible(place.as_bytes())));
                Ok(())
            }
            Err(error) => {
                self.counts.count_lost_message();
                self.log.note(|| format!("{shown}, could not be stored: {error}"));
                Err(error)
            }
        }
    }

    fn abandon(&mut self) {
        self.incoming = None;
    }
}

impl IncomingMessage {
    fn shown(&self) -> String {
        let more = match self.recipients {
            0 | 1 => String::new(),
            more => format!(" and {} more", more - 1),
        };
        let text = format!(
            "message {} from <{}> to <{}>{more}, {} octets",
            self.id, self.reverse_path, self.first_recipient, self.octets
        );
        visible(text.as_bytes())
    }
}

fn path(path: &str, parameters: &str) -> String {
    if parameters.is_empty() { format!("<{path}>") } else { format!("<{path}> {parameters}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::store::Form;
    use std::fs;
    use std::net::Ipv4Addr;

    const SENDER: Sender<'static> = Sender {
        id: "ID",
        reverse_path: "a@b",
        parameters: "SIZE=4 RET=HDRS",
        client_name: "client.example",
        protocol: "ESMTPSA",
        is_binary: false,
    };

    fn reception(store: Store, counts: &Arc<Counts>) -> Reception {
        let host_name = "sandbox.example".into();
        let client = (Ipv4Addr::LOCALHOST, 4242).into();
        Reception::new(client, host_name, Some(Arc::new(store)), counts.clone(), SessionLog::default())
    }

    /// The client keeps the responsibility: it is answered 451 or 452, and never 250.
    #[test]
    fn what_is_not_on_the_disk_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path(), Form::Eml, "sandbox.example", true).unwrap();
        store.fail();
        let counts = Arc::new(Counts::default());
        let mut reception = reception(store, &counts);
        reception.begin(SENDER);
        reception.content(b"Hi\r\n");
        assert_eq!(reception.finish().unwrap_err().to_string(), "the disk failed");
        assert_eq!(counts.messages(), 0);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_envelope_stands_in_front() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Form::Eml, "sandbox.example", true).unwrap();
        let counts = Arc::new(Counts::default());
        let mut reception = reception(store, &counts);
        reception.begin(SENDER);
        reception.abandon();
        reception.begin(SENDER);
        reception.recipient("c@d", "");
        reception.recipient("e@f", "NOTIFY=NEVER");
        reception.content(b"Hi");
        reception.content(b"!\r\n");
        reception.finish().unwrap();
        let file = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        let text = fs::read_to_string(file).unwrap();
        let (fields, rest) = text.split_once(";\r\n\t").unwrap();
        let expected = "Return-Path: <a@b>\r\nX-Envelope-From: <a@b> SIZE=4 RET=HDRS\r\nX-Envelope-To: <c@d>\r\n\
            X-Envelope-To: <e@f> NOTIFY=NEVER\r\nReceived: from client.example ([127.0.0.1])\r\n\
            \tby sandbox.example with ESMTPSA id ID";
        assert_eq!(fields, expected);
        assert!(rest.ends_with(" +0000\r\nHi!\r\n"), "{rest}");
        assert_eq!(counts.messages(), 1);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
