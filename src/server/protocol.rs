//! The sandbox server's protocol: one command line or one message in, one answer and what to read next out.
//!
//! A pure state machine after RFC 5321 with the extensions its EHLO reply lists: it owns no socket, no clock and no
//! buffer. The dialogue feeds it whole lines without their CRLF and mail data without its transparency.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::address::Path;
use super::auth::{Exchange, Gate, Login, Turn};
use super::mail_sink::MailSink;
use super::parameters::{MailParameters, Refusal, check_recipient};

/// Recipients of one message; RFC 5321 4.5.3.1.8 wants 100 at least.
const MAX_RECIPIENTS: u32 = 100_000;
/// So many refused commands in a row, and the server hangs up.
const MAX_ERRORS_IN_A_ROW: u32 = 20;

/// Octets of a command line, its CRLF included (RFC 5321 4.5.3.1.4).
const COMMAND_LINE: usize = 512;
/// MAIL is longer by its parameters: SIZE 26 (RFC 1870), BODY 17 (RFC 6152), SMTPUTF8 10 (RFC 6531), RET and ENVID
/// 120 (RFC 3461), AUTH 500 (RFC 4954).
const MAIL_LINE: usize = COMMAND_LINE + 26 + 17 + 10 + 120 + 500;
/// RCPT is longer by ORCPT and NOTIFY (RFC 3461).
const RCPT_LINE: usize = COMMAND_LINE + 500 + 30;
/// A line of an authentication exchange (RFC 4954 4.2).
pub(crate) const AUTH_LINE: usize = 12_288;

const GREET_FIRST: &str = "503 5.5.1 Send EHLO or HELO first";
const MAIL_FIRST: &str = "503 5.5.1 Send MAIL FROM first";
const RCPT_FIRST: &str = "503 5.5.1 Send RCPT TO first";
const NO_RECIPIENTS: &str = "554 5.5.1 No valid recipients";
const CHUNKS_BEGUN: &str = "503 5.5.1 BDAT has begun: send the rest by BDAT, or RSET";
const NO_ARGUMENT: &str = "501 5.5.4 This command takes no argument";
const TOO_BIG: &str = "552 5.3.4 Message size exceeds the fixed limit";
const WANTS_SMTPUTF8: &str = "553 5.6.7 An address in UTF-8 wants SMTPUTF8 in the MAIL command";
const MAIL_SYNTAX: &str = "501 5.5.4 Syntax: MAIL FROM:<address> [parameters]";
const RCPT_SYNTAX: &str = "501 5.5.4 Syntax: RCPT TO:<address> [parameters]";
const BDAT_SYNTAX: &str = "501 5.5.4 Syntax: BDAT octets [LAST]";
const HELP: &str = "214-2.0.0 EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT\r\n\
    214-2.0.0 RSET NOOP VRFY HELP QUIT\r\n\
    214 2.0.0 This is a sandbox: it takes any message and delivers none";

/// What all connections of one sandbox share.
pub(crate) struct Settings {
    /// The name in the greeting and the EHLO reply.
    pub(crate) host_name: String,
    /// Octets of a message; 0 means no limit (RFC 1870).
    pub(crate) max_message_size: u64,
    /// The logins that AUTH takes.
    pub(crate) accept: Vec<Login>,
    /// The `tls-server-end-point` of the server's certificate (RFC 5929 4), once there is one.
    pub(crate) end_point: OnceLock<Vec<u8>>,
    /// Where the names of messages come from.
    pub(crate) queue_ids: QueueIds,
}

/// Names for messages, none of them twice: ten characters of `[0-9A-Z]`.
pub(crate) struct QueueIds(AtomicU64);

impl QueueIds {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    const BITS: u32 = 50;

    /// Starts the series anywhere.
    pub(crate) fn starting_at(start: u64) -> Self {
        Self(AtomicU64::new(start))
    }

    /// An odd factor makes a permutation of the 50-bit numbers: neighbours look different and none comes twice.
    fn next(&self) -> String {
        let number = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let digit = |place: u32| {
            let [low_octet, ..] = (number >> (5 * place)).to_le_bytes();
            char::from(Self::ALPHABET[usize::from(low_octet & 31)])
        };
        (0..Self::BITS / 5).rev().map(digit).collect()
    }
}

/// What the server sends, and what it reads next.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    /// The reply without its last CRLF; empty when none is due yet.
    pub(crate) reply: Cow<'static, str>,
    /// What comes after the reply.
    pub(crate) next: Next,
}

/// What the server reads after an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Next {
    /// Another line.
    Line,
    /// A TLS handshake, after everything that is buffered was thrown away (RFC 3207 5).
    StartTls,
    /// Mail data up to `CRLF.CRLF`, then `Protocol::mail_data_ended`.
    MailData,
    /// So many octets, then `Protocol::chunk_ended`.
    Chunk(u64),
    /// Nothing: the connection is closed.
    Close,
}

impl From<&'static str> for Answer {
    fn from(reply: &'static str) -> Self {
        Self { reply: reply.into(), next: Next::Line }
    }
}

impl From<String> for Answer {
    fn from(reply: String) -> Self {
        Self { reply: reply.into(), next: Next::Line }
    }
}

impl Answer {
    fn then(self, next: Next) -> Self {
        Self { next, ..self }
    }
}

/// One session on the server's side.
pub(crate) struct Protocol<S> {
    settings: Arc<Settings>,
    sink: S,
    over_tls: bool,
    client_named: bool,
    authenticated: bool,
    exchange: Option<Exchange>,
    transaction: Option<Transaction>,
    chunk: Option<Chunk>,
    errors_in_a_row: u32,
}

/// A mail transaction: from an accepted MAIL to the end of its message.
#[derive(Default)]
struct Transaction {
    smtp_utf8: bool,
    recipients: u32,
    recipients_refused: bool,
    size: u64,
    chunks_begun: bool,
}

/// The BDAT command whose octets are being read.
struct Chunk {
    octets: u64,
    last: bool,
    /// A refused chunk's octets are on their way all the same: they are read and dropped (RFC 3030 2).
    refusal: Option<Refusal>,
}

impl<S: MailSink> Protocol<S> {
    pub(crate) fn new(settings: Arc<Settings>, sink: S, over_tls: bool) -> Self {
        Self {
            settings,
            sink,
            over_tls,
            client_named: false,
            authenticated: false,
            exchange: None,
            transaction: None,
            chunk: None,
            errors_in_a_row: 0,
        }
    }

    /// The reply that opens the session.
    pub(crate) fn greeting(&self) -> Answer {
        format!("220 {} ESMTP smtp-script sandbox", self.settings.host_name).into()
    }

    /// The farewell to a client that has sent nothing for too long.
    pub(crate) fn idle_too_long(&self) -> Answer {
        self.farewell("4.4.2", "idle for too long, closing the connection")
    }

    /// How many octets the line that starts so may have, its CRLF included.
    pub(crate) fn line_limit(&self, start: &[u8]) -> usize {
        if self.exchange.is_some() {
            return AUTH_LINE;
        }
        match start.get(..5).map(<[u8]>::to_ascii_uppercase).as_deref() {
            Some(b"AUTH ") => AUTH_LINE,
            Some(b"MAIL ") => MAIL_LINE,
            Some(b"RCPT ") => RCPT_LINE,
            _ => COMMAND_LINE,
        }
    }

    /// Answers a line, a command or the response to a challenge.
    pub(crate) fn line(&mut self, line: &str) -> Answer {
        let answer = match self.exchange.take() {
            Some(exchange) => {
                let turn = exchange.take(line, self.gate());
                self.turn(turn)
            }
            None => self.command(line.trim_end_matches([' ', '\t'])),
        };
        self.counted(answer)
    }

    /// Answers a line that is not worth reading; an authentication exchange ends with it.
    pub(crate) fn bad_line(&mut self, refusal: BadLine) -> Answer {
        let in_exchange = self.exchange.take().is_some();
        let answer = match refusal {
            BadLine::TooLong if in_exchange => "500 5.5.6 Authentication exchange line is too long",
            BadLine::TooLong => "500 5.5.2 Line too long",
            BadLine::BareLf => "500 5.5.2 Bare LF: a line ends with CR LF",
            BadLine::ControlCharacter => "500 5.5.2 NUL or bare CR in a command line",
            BadLine::NotUtf8 => "500 5.5.2 Not UTF-8",
        };
        self.counted(answer.into())
    }

    /// The handshake is done: all that the client said before is forgotten (RFC 3207 4.2).
    pub(crate) fn tls_started(&mut self) {
        self.over_tls = true;
        self.client_named = false;
        self.authenticated = false;
        self.end_transaction();
    }

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

    fn command(&mut self, line: &str) -> Answer {
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        let argument = argument.trim_start_matches(' ');
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => self.ehlo(argument),
            "HELO" => self.helo(argument),
            "STARTTLS" => self.starttls(argument),
            "AUTH" => self.auth(argument),
            "MAIL" => self.mail(argument).unwrap_or_else(Answer::from),
            "RCPT" => self.rcpt(argument),
            "DATA" => self.data(argument).unwrap_or_else(Answer::from),
            "BDAT" => self.bdat(argument).unwrap_or_else(Answer::from),
            "RSET" => self.rset(argument),
            "NOOP" => "250 2.0.0 Ok".into(),
            "HELP" => HELP.into(),
            "QUIT" => quit(argument),
            "VRFY" if argument.is_empty() => "501 5.5.4 Syntax: VRFY address".into(),
            "VRFY" => "252 2.0.0 Cannot verify the user, but will take mail for it".into(),
            "EXPN" | "TURN" | "SEND" | "SOML" | "SAML" | "ETRN" => "502 5.5.1 Command not implemented".into(),
            _ => "500 5.5.2 Command not recognized".into(),
        }
    }

    /// A refused EHLO changes nothing, an accepted one works as RSET too (RFC 5321 4.1.4). Its replies are the only
    /// ones without enhanced status codes (RFC 2034 3).
    fn ehlo(&mut self, argument: &str) -> Answer {
        if !is_client_name(argument) {
            return "501 Syntax: EHLO domain-or-address-literal".into();
        }
        self.client_named = true;
        self.end_transaction();
        let starttls = if self.over_tls { "" } else { "250-STARTTLS\r\n" };
        format!(
            "250-{}\r\n250-PIPELINING\r\n250-SIZE {}\r\n{starttls}250-AUTH {}\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n\
             250-CHUNKING\r\n250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n250 HELP",
            self.settings.host_name,
            self.settings.max_message_size,
            self.gate().mechanisms()
        )
        .into()
    }

    fn helo(&mut self, argument: &str) -> Answer {
        if !is_client_name(argument) {
            return "501 Syntax: HELO domain".into();
        }
        self.client_named = true;
        self.end_transaction();
        format!("250 {}", self.settings.host_name).into()
    }

    fn starttls(&mut self, argument: &str) -> Answer {
        if !argument.is_empty() {
            return NO_ARGUMENT.into();
        }
        if self.over_tls {
            return "503 5.5.1 TLS is active already".into();
        }
        Answer::from("220 2.0.0 Ready to start TLS").then(Next::StartTls)
    }

    fn auth(&mut self, argument: &str) -> Answer {
        if !self.client_named {
            return GREET_FIRST.into();
        }
        if self.authenticated {
            return "503 5.5.1 Already authenticated".into();
        }
        if self.transaction.is_some() {
            return "503 5.5.1 AUTH is not permitted during a mail transaction".into();
        }
        let words: Vec<&str> = argument.split(' ').filter(|word| !word.is_empty()).collect();
        match words[..] {
            [mechanism, ref response @ ..] if response.len() <= 1 => {
                let turn = Exchange::start(mechanism, response.first().copied(), self.gate());
                self.turn(turn)
            }
            _ => "501 5.5.4 Syntax: AUTH mechanism [initial-response]".into(),
        }
    }

    fn gate(&self) -> Gate<'_> {
        let end_point = self.settings.end_point.get().filter(|_| self.over_tls);
        Gate { logins: &self.settings.accept, end_point: end_point.map(Vec::as_slice) }
    }

    fn turn(&mut self, turn: Turn) -> Answer {
        match turn {
            Turn::Challenge(exchange, challenge) => {
                self.exchange = Some(exchange);
                Answer { reply: challenge, next: Next::Line }
            }
            Turn::Verdict(accepted) => {
                self.authenticated = accepted;
                if self.authenticated {
                    "235 2.7.0 Authentication succeeded"
                } else {
                    "535 5.7.8 Authentication failed"
                }
                .into()
            }
            Turn::Refused(reply) => reply.into(),
        }
    }

    fn mail(&mut self, argument: &str) -> Result<Answer, Refusal> {
        if !self.client_named {
            return Err(GREET_FIRST);
        }
        if self.transaction.is_some() {
            return Err("503 5.5.1 A mail transaction is open already: send RSET to leave it");
        }
        let (path, parameters) = Path::cut(after_keyword(argument, "FROM:").ok_or(MAIL_SYNTAX)?);
        let parameters = MailParameters::parse(parameters)?;
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
        self.transaction = Some(Transaction { smtp_utf8: parameters.smtp_utf8, ..Transaction::default() });
        self.sink.begin(reverse_path);
        Ok("250 2.1.0 Ok".into())
    }

    fn rcpt(&mut self, argument: &str) -> Answer {
        let Some(transaction) = &mut self.transaction else {
            return if self.client_named { MAIL_FIRST } else { GREET_FIRST }.into();
        };
        match transaction.recipient(argument) {
            Ok(forward_path) => {
                self.sink.recipient(forward_path);
                "250 2.1.5 Ok".into()
            }
            Err(refusal) => {
                transaction.recipients_refused = true;
                refusal.into()
            }
        }
    }

    fn data(&mut self, argument: &str) -> Result<Answer, Refusal> {
        if !argument.is_empty() {
            return Err(NO_ARGUMENT);
        }
        let transaction = self.ready_transaction()?;
        if transaction.chunks_begun {
            return Err(CHUNKS_BEGUN);
        }
        Ok(Answer::from("354 End data with <CR><LF>.<CR><LF>").then(Next::MailData))
    }

    /// A command whose number can be read is followed by that many octets, whatever else is wrong with it.
    fn bdat(&mut self, argument: &str) -> Result<Answer, Refusal> {
        let words: Vec<&str> = argument.split(' ').filter(|word| !word.is_empty()).collect();
        let octets = words.first().and_then(|number| chunk_size(number)).ok_or(BDAT_SYNTAX)?;
        let last = words.get(1).is_some_and(|word| word.eq_ignore_ascii_case("LAST"));
        let refusal = if words.len() == 1 + usize::from(last) {
            self.ready_transaction().map(|transaction| transaction.chunks_begun = true).err()
        } else {
            Some(BDAT_SYNTAX)
        };
        self.chunk = Some(Chunk { octets, last, refusal });
        Ok(Answer::from("").then(Next::Chunk(octets)))
    }

    /// The transaction, if a message may follow now.
    fn ready_transaction(&mut self) -> Result<&mut Transaction, Refusal> {
        let transaction = self.transaction.as_mut().ok_or(if self.client_named { MAIL_FIRST } else { GREET_FIRST })?;
        match (transaction.recipients, transaction.recipients_refused) {
            (0, false) => Err(RCPT_FIRST),
            (0, true) => Err(NO_RECIPIENTS),
            _ => Ok(transaction),
        }
    }

    fn rset(&mut self, argument: &str) -> Answer {
        if !argument.is_empty() {
            return NO_ARGUMENT.into();
        }
        self.end_transaction();
        "250 2.0.0 Ok".into()
    }

    fn accept_message(&mut self) -> Answer {
        let size = self.transaction.as_ref().map_or(0, |transaction| transaction.size);
        if self.is_too_big(size) {
            self.end_transaction();
            return TOO_BIG.into();
        }
        self.transaction = None;
        let id = self.settings.queue_ids.next();
        match self.sink.finish(&id) {
            Ok(()) => format!("250 2.0.0 Ok: queued as {id}").into(),
            Err(error) => format!("451 4.3.0 The message could not be stored: {}", error.kind()).into(),
        }
    }

    /// A failed chunk ends the transaction: the client can only start anew (RFC 3030 2).
    fn accept_chunk(&mut self) -> Answer {
        let Some(chunk) = self.chunk.take() else { return BDAT_SYNTAX.into() };
        if let Some(refusal) = chunk.refusal {
            self.end_transaction();
            return refusal.into();
        }
        let size = self.transaction.as_ref().map_or(0, |transaction| transaction.size);
        if chunk.last || self.is_too_big(size) {
            return self.accept_message();
        }
        format!("250 2.0.0 {} octets received", chunk.octets).into()
    }

    fn is_too_big(&self, size: u64) -> bool {
        self.settings.max_message_size != 0 && size > self.settings.max_message_size
    }

    fn end_transaction(&mut self) {
        if self.transaction.take().is_some() {
            self.sink.abandon();
        }
    }

    /// Replaces one refusal too many in a row by the farewell. A 3yz reply settles nothing yet.
    fn counted(&mut self, answer: Answer) -> Answer {
        match answer.reply.as_bytes().first() {
            Some(b'5') => self.errors_in_a_row += 1,
            Some(b'2') => self.errors_in_a_row = 0,
            _ => {}
        }
        if self.errors_in_a_row < MAX_ERRORS_IN_A_ROW {
            return answer;
        }
        self.end_transaction();
        self.farewell("4.7.0", "too many errors, closing the connection")
    }

    fn farewell(&self, enhanced: &str, reason: &str) -> Answer {
        Answer::from(format!("421 {enhanced} {} {reason}", self.settings.host_name)).then(Next::Close)
    }
}

impl Transaction {
    /// Takes the argument of RCPT and gives the forward-path back.
    fn recipient<'a>(&mut self, argument: &'a str) -> Result<&'a str, Refusal> {
        if self.chunks_begun {
            return Err(CHUNKS_BEGUN);
        }
        let (path, parameters) = Path::cut(after_keyword(argument, "TO:").ok_or(RCPT_SYNTAX)?);
        let Path::Mailbox(forward_path) = path else {
            return Err("501 5.1.3 Bad recipient address syntax");
        };
        check_recipient(parameters)?;
        if !self.smtp_utf8 && !forward_path.is_ascii() {
            return Err(WANTS_SMTPUTF8);
        }
        if self.recipients == MAX_RECIPIENTS {
            return Err("452 4.5.3 Too many recipients");
        }
        self.recipients += 1;
        Ok(forward_path)
    }
}

/// Why a line is refused before anyone looks for a command in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum BadLine {
    /// Longer than `Protocol::line_limit`.
    TooLong,
    /// It ended with LF alone (RFC 5321 2.3.8).
    BareLf,
    /// It holds NUL, or CR before its end.
    ControlCharacter,
    /// It holds octets beyond ASCII that are not UTF-8 (RFC 6531 3.3).
    NotUtf8,
}

fn quit(argument: &str) -> Answer {
    if argument.is_empty() { Answer::from("221 2.0.0 Bye").then(Next::Close) } else { NO_ARGUMENT.into() }
}

/// One word of ASCII: names that the domain name system could not hold are common and harmless here.
fn is_client_name(argument: &str) -> bool {
    !argument.is_empty() && argument.bytes().all(|octet| octet.is_ascii_graphic())
}

fn after_keyword<'a>(argument: &'a str, keyword: &str) -> Option<&'a str> {
    let start = argument.get(..keyword.len())?;
    start.eq_ignore_ascii_case(keyword).then(|| &argument[keyword.len()..])
}

fn chunk_size(number: &str) -> Option<u64> {
    if number.bytes().all(|octet| octet.is_ascii_digit()) { number.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn queue_ids_are_ten_characters_and_unique() {
        let ids = QueueIds::starting_at(u64::MAX - 5_000);
        let mut seen = HashSet::new();
        for _ in 0..10_000 {
            let id = ids.next();
            assert!(id.len() == 10 && id.bytes().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase()), "{id}");
            assert!(seen.insert(id));
        }
    }
}
