//! The commands of a mail transaction: MAIL, RCPT, DATA and BDAT, and the message that they bring.
//!
//! The other half of the protocol, which decides whether a command is allowed at all.

use crate::smtp::command::{BdatCommand, CommandLine};
use std::io::ErrorKind;

use super::super::address::Path;
use super::super::answer::{Answer, NextInput};
use super::super::mail_sink::{MailSink, Sender};
use super::super::parameters::{MailParameters, ParameterRefusal};
use super::super::transaction::{CHUNKS_BEGUN, Chunk, Transaction, WANTS_SMTPUTF8, after_keyword};
use super::{NO_ARGUMENT, Protocol};

const NO_RECIPIENTS: &str = "554 5.5.1 No valid recipients";
const RCPT_FIRST: &str = "503 5.5.1 Send RCPT TO first";
const TOO_BIG: &str = "552 5.3.4 Message size exceeds the fixed limit";
const MAIL_SYNTAX: &str = "501 5.5.4 Syntax: MAIL FROM:<address> [parameters]";
const BDAT_SYNTAX: &str = "501 5.5.4 Syntax: BDAT octets [LAST]";
const WANTS_BDAT: &str = "503 5.5.1 A message with BODY=BINARYMIME comes by BDAT";
const MAIL_FIRST: &str = "503 5.5.1 Send MAIL FROM first";
/// RFC 2033 4.2 wants this code.
const NO_RECIPIENTS_LMTP: &str = "503 5.5.1 No valid recipients";

impl<S: MailSink> Protocol<S> {
    /// Takes octets of the message, after DATA or BDAT.
    pub(crate) fn content(&mut self, octets: &[u8]) {
        if self.chunk.as_ref().is_some_and(|chunk| chunk.refusal.is_some()) {
            return;
        }
        let Some(transaction) = &mut self.transaction else { return };
        transaction.size = transaction.size.saturating_add(octets.len() as u64);
        let size = transaction.size;
        if !self.is_too_big(size) {
            self.sink.content(octets);
        }
    }

    /// Answers the end of the mail data after DATA.
    pub(crate) fn mail_data_ended(&mut self) -> Answer {
        let answer = self.accept_message();
        self.counted(answer)
    }

    /// Answers the last octet of a BDAT command's chunk.
    pub(crate) fn chunk_ended(&mut self) -> Answer {
        let answer = self.accept_chunk();
        self.counted(answer)
    }

    pub(super) fn mail(&mut self, argument: &str) -> Result<Answer, ParameterRefusal> {
        if self.client.is_none() {
            return Err(self.greet_first());
        }
        if self.transaction.is_some() {
            return Err("503 5.5.1 A mail transaction is open already: send RSET to leave it");
        }
        let (path, given) = Path::cut(after_keyword(argument, "FROM:").ok_or(MAIL_SYNTAX)?);
        let parameters = MailParameters::parse(given)?;
        let reverse_path = match path {
            Path::Null => "",
            Path::Mailbox(mailbox) => mailbox,
            Path::Malformed => return Err("501 5.1.7 Bad sender address syntax"),
        };
        if !parameters.smtp_utf8 && !reverse_path.is_ascii() {
            return Err(WANTS_SMTPUTF8);
        }
        if self.is_too_big(parameters.size) {
            return Err(TOO_BIG);
        }
        self.begin(reverse_path, given.trim(), &parameters);
        Ok("250 2.1.0 Ok".into())
    }

    fn begin(&mut self, reverse_path: &str, given: &str, parameters: &MailParameters) {
        let id = self.settings.queue_ids.next();
        let protocol = self.protocol_name(parameters.smtp_utf8);
        self.sink.begin(Sender {
            id: &id,
            reverse_path,
            parameters: given,
            client_name: self.client.as_ref().map_or("", |client| &client.name),
            protocol: &protocol,
            is_binary: parameters.is_binary,
            login: Some(&self.login).filter(|_| self.authenticated),
            tls: self.tls.as_ref().and_then(|facts| facts.agreed.as_ref()),
        });
        let MailParameters { smtp_utf8, is_binary, .. } = *parameters;
        self.transaction = Some(Transaction { id, smtp_utf8, is_binary, ..Transaction::default() });
    }

    /// RFC 3848, RFC 6531 4.3.
    fn protocol_name(&self, smtp_utf8: bool) -> String {
        let extended = self.client.as_ref().is_some_and(|client| client.extended);
        let name = match (self.settings.lmtp, smtp_utf8, extended) {
            (true, false, _) => "LMTP",
            (true, true, _) => "UTF8LMTP",
            (false, true, _) => "UTF8SMTP",
            (false, false, true) => "ESMTP",
            (false, false, false) => return "SMTP".to_owned(),
        };
        let tls = if self.tls.is_some() { "S" } else { "" };
        let auth = if self.authenticated { "A" } else { "" };
        format!("{name}{tls}{auth}")
    }

    pub(super) fn rcpt(&mut self, argument: &str) -> Answer {
        let Some(transaction) = &mut self.transaction else {
            return if self.client.is_some() { MAIL_FIRST } else { self.greet_first() }.into();
        };
        match transaction.recipient(argument) {
            Ok((forward_path, parameters)) => {
                self.sink.recipient(forward_path, parameters);
                "250 2.1.5 Ok".into()
            }
            Err(refusal) => refusal.into(),
        }
    }

    pub(super) fn data(&mut self, argument: &str) -> Result<Answer, ParameterRefusal> {
        if !argument.is_empty() {
            return Err(NO_ARGUMENT);
        }
        let transaction = self.ready_transaction()?;
        if transaction.chunks_begun {
            return Err(CHUNKS_BEGUN);
        }
        if transaction.is_binary {
            return Err(WANTS_BDAT);
        }
        Ok(Answer::from("354 End data with <CR><LF>.<CR><LF>").then(NextInput::MailData))
    }

    /// A command whose number can be read is followed by that many octets, whatever else is wrong with it.
    pub(super) fn bdat(&mut self, line: &str) -> Result<Answer, ParameterRefusal> {
        let bdat = CommandLine::parse(line.as_bytes()).bdat().ok_or(BDAT_SYNTAX)?;
        let BdatCommand { octets, last, is_well_formed } = bdat;
        let refusal = if is_well_formed {
            self.ready_transaction().map(|transaction| transaction.chunks_begun = true).err()
        } else {
            Some(BDAT_SYNTAX)
        };
        self.chunk = Some(Chunk { octets, last, refusal });
        Ok(Answer::from("").then(NextInput::Chunk(octets)))
    }

    /// The transaction, if a message may follow now.
    fn ready_transaction(&mut self) -> Result<&mut Transaction, ParameterRefusal> {
        let no_recipients = if self.settings.lmtp { NO_RECIPIENTS_LMTP } else { NO_RECIPIENTS };
        let absent = if self.client.is_some() { MAIL_FIRST } else { self.greet_first() };
        let transaction = self.transaction.as_mut().ok_or(absent)?;
        match (transaction.recipients, transaction.recipients_refused) {
            (0, false) => Err(RCPT_FIRST),
            (0, true) => Err(no_recipients),
            _ => Ok(transaction),
        }
    }

    fn accept_message(&mut self) -> Answer {
        let Some(transaction) = &self.transaction else { return MAIL_FIRST.into() };
        let replies = if self.settings.lmtp { transaction.recipients } else { 1 };
        if self.is_too_big(transaction.size) {
            self.end_transaction();
            return Answer::from(TOO_BIG).times(replies);
        }
        let id = self.transaction.take().map(|transaction| transaction.id).unwrap_or_default();
        let answer = match self.sink.finish() {
            Ok(()) => format!("250 2.0.0 Ok: queued as {id}").into(),
            Err(error) => not_stored(&error).into(),
        };
        Answer::times(answer, replies)
    }

    /// A failed chunk ends the transaction: the client can only start anew (RFC 3030 2).
    fn accept_chunk(&mut self) -> Answer {
        let Some(chunk) = self.chunk.take() else { return BDAT_SYNTAX.into() };
        if let Some(refusal) = chunk.refusal {
            self.end_transaction();
            return refusal.into();
        }
        let size = self.transaction.as_ref().map_or(0, |transaction| transaction.size);
        if chunk.last {
            return self.accept_message();
        }
        if self.is_too_big(size) {
            self.end_transaction();
            return TOO_BIG.into();
        }
        format!("250 2.0.0 {} octets received", chunk.octets).into()
    }

    fn is_too_big(&self, size: u64) -> bool {
        self.settings.max_message_size != 0 && size > self.settings.max_message_size
    }
}

/// Whether more room would help decides between the two codes (RFC 5321 4.2.3).
fn not_stored(error: &std::io::Error) -> ParameterRefusal {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            "452 4.3.1 There is no room for the message"
        }
        _ => "451 4.3.0 The message could not be stored",
    }
}
