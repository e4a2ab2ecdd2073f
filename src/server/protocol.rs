//! The sandbox server's protocol: one command line or one message in, one answer and what to read next out.
//!
//! A pure state machine after RFC 5321 with the extensions its EHLO reply lists: it owns no socket, no clock and no
//! buffer. The dialogue feeds it whole lines without their CRLF and mail data without its transparency. The commands of
//! a mail transaction are in `message`.

mod message;
mod ruled;

use std::sync::Arc;

use super::answer::{Answer, BadLine, NextInput};
use super::auth::{Gate, SaslServer, ServerTurn};
use super::mail_sink::MailSink;
use super::parameters::ParameterRefusal;
use super::settings::SandboxSettings;
use super::transaction::{Chunk, Transaction};

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
const GREET_FIRST_LMTP: &str = "503 5.5.1 Send LHLO first";
/// There is no certificate to shake hands with (RFC 3207 4).
pub(crate) const TLS_UNAVAILABLE: &str = "454 4.7.0 TLS is not available: the server has no certificate";
/// The go-ahead for a handshake (RFC 3207 4).
pub(crate) const TLS_READY: &str = "220 2.0.0 Ready to start TLS";
const TLS_FIRST: &str = "530 5.7.0 Must issue a STARTTLS command first";
const TLS_BEFORE_AUTH: &str = "538 5.7.11 Encryption is required: send STARTTLS first";
const AUTH_FIRST: &str = "530 5.7.0 Authentication required";
const NOT_IMPLEMENTED: &str = "502 5.5.1 Command not implemented";
const NOT_RECOGNIZED: &str = "500 5.5.2 Command not recognized";
const NO_ARGUMENT: &str = "501 5.5.4 This command takes no argument";
const HELP: &str = "214-2.0.0 EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT\r\n\
    214-2.0.0 RSET NOOP VRFY HELP QUIT\r\n\
    214 2.0.0 This is a sandbox: it takes any message and delivers none";

/// What the server learns of a client while they shake hands.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ClientTlsFacts {
    /// The version and the cipher suite.
    pub(crate) agreed: Option<(String, String)>,
    /// The names in the certificate that the client has shown, if it is one that EXTERNAL takes.
    pub(crate) client_names: Option<Vec<String>>,
}

/// One session on the server's side.
pub(crate) struct Protocol<S> {
    settings: Arc<SandboxSettings>,
    sink: S,
    tls: Option<ClientTlsFacts>,
    client: Option<Client>,
    authenticated: bool,
    exchange: Option<SaslServer>,
    transaction: Option<Transaction>,
    chunk: Option<Chunk>,
    errors_in_a_row: u32,
    login: SandboxLogin,
}

/// Who tries to log in, or has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SandboxLogin {
    pub(crate) mechanism: String,
    pub(crate) user: String,
}

/// Who greeted.
struct Client {
    name: String,
    /// By EHLO or LHLO.
    extended: bool,
}

impl<S: MailSink> Protocol<S> {
    pub(crate) fn new(settings: Arc<SandboxSettings>, sink: S) -> Self {
        Self {
            settings,
            sink,
            tls: None,
            client: None,
            authenticated: false,
            exchange: None,
            transaction: None,
            chunk: None,
            errors_in_a_row: 0,
            login: SandboxLogin::default(),
        }
    }

    /// The reply that opens the session.
    pub(crate) fn greeting(&self) -> Answer {
        let protocol = if self.settings.lmtp { "LMTP" } else { "ESMTP" };
        format!("220 {} {protocol} smtp-script sandbox", self.settings.host_name).into()
    }

    /// The farewell to a client that has sent nothing for too long.
    pub(crate) fn idle_too_long(&mut self) -> Answer {
        self.farewell("4.4.2", "idle for too long, closing the connection")
    }

    /// The farewell of a server that ends.
    pub(crate) fn shutting_down(&mut self) -> Answer {
        self.farewell("4.3.2", "shutting down, closing the connection")
    }

    /// The farewell to one client too many.
    pub(crate) fn too_busy(&mut self) -> Answer {
        self.farewell("4.3.2", "too many connections, try again later")
    }

    /// Whether an authentication exchange waits for the client, so that the next line is a secret.
    pub(crate) fn in_exchange(&self) -> bool {
        self.exchange.is_some()
    }

    /// Why the login that was just refused was, as far as the server knows.
    pub(crate) fn refused_login(&self) -> String {
        let SandboxLogin { mechanism, user } = &self.login;
        let logins = &self.settings.accept;
        let why = if user.is_empty() {
            "it names no user"
        } else if logins.iter().any(|login| login.is_for(user)) {
            "the password is wrong"
        } else {
            "there is no such user: `--accept USER=PASSWORD` adds one"
        };
        format!("the login of `{user}` by {mechanism} was refused: {why}")
    }

    /// What the client may do about a refusal by policy.
    pub(crate) fn advice_on(&self, reply: &str) -> &'static str {
        match reply {
            AUTH_FIRST if self.settings.require_tls && self.tls.is_none() => {
                "the client must begin TLS by STARTTLS, and then log in"
            }
            AUTH_FIRST => "the client must log in first (`--require-auth`)",
            TLS_FIRST | TLS_BEFORE_AUTH => "the client must begin TLS by STARTTLS first (`--require-tls`)",
            GREET_FIRST | GREET_FIRST_LMTP => "the client must greet first, and again after STARTTLS",
            NOT_IMPLEMENTED if self.settings.mechanisms.as_ref().is_some_and(Vec::is_empty) => {
                "no login is offered here: `--accept USER=PASSWORD` or `--accept-any` offers it"
            }
            _ => "",
        }
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
                if let Some(user) = exchange.user_in(line) {
                    self.login.user = user;
                }
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
    pub(crate) fn tls_started(&mut self, facts: ClientTlsFacts) {
        self.tls = Some(facts);
        self.client = None;
        self.authenticated = false;
        self.end_transaction();
    }

    fn command(&mut self, line: &str) -> Answer {
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        let argument = argument.trim_start_matches(' ');
        let verb = verb.to_ascii_uppercase();
        if let Some(refusal) = self.policy(&verb) {
            return refusal.into();
        }
        match verb.as_str() {
            "EHLO" | "HELO" if self.settings.lmtp => "500 5.5.1 This is LMTP: greet with LHLO".into(),
            "LHLO" if !self.settings.lmtp => NOT_RECOGNIZED.into(),
            "EHLO" | "LHLO" => self.ehlo(&verb, argument),
            "HELO" => self.helo(argument),
            "STARTTLS" => self.starttls(argument),
            "AUTH" => self.auth(argument),
            "MAIL" => self.mail(argument).unwrap_or_else(Answer::from),
            "RCPT" => self.rcpt(argument),
            "DATA" => self.data(argument).unwrap_or_else(Answer::from),
            "BDAT" => self.bdat(line).unwrap_or_else(Answer::from),
            "RSET" => self.rset(argument),
            "NOOP" => "250 2.0.0 Ok".into(),
            "HELP" if self.settings.lmtp => HELP.replace("EHLO HELO", "LHLO").into(),
            "HELP" => HELP.into(),
            "QUIT" => self.quit(argument),
            "VRFY" if argument.is_empty() => "501 5.5.4 Syntax: VRFY address".into(),
            "VRFY" => "252 2.0.0 Cannot verify the user, but will take mail for it".into(),
            "EXPN" | "TURN" | "SEND" | "SOML" | "SAML" | "ETRN" => NOT_IMPLEMENTED.into(),
            _ => NOT_RECOGNIZED.into(),
        }
    }

    /// What is refused until TLS or a login. BDAT is left to its own refusal, which knows the octets that follow.
    fn policy(&self, verb: &str) -> Option<ParameterRefusal> {
        let wants_tls = self.settings.require_tls && self.tls.is_none();
        match verb {
            "AUTH" if wants_tls => Some(TLS_BEFORE_AUTH),
            "EHLO" | "HELO" | "LHLO" | "STARTTLS" | "NOOP" | "QUIT" | "BDAT" => None,
            _ if wants_tls => Some(TLS_FIRST),
            "MAIL" if self.settings.require_auth && !self.authenticated && self.client.is_some() => Some(AUTH_FIRST),
            _ => None,
        }
    }

    /// A refused EHLO changes nothing, an accepted one works as RSET too (RFC 5321 4.1.4). Its replies are the only
    /// ones without enhanced status codes (RFC 2034 3).
    fn ehlo(&mut self, verb: &str, argument: &str) -> Answer {
        if !is_client_name(argument) {
            return format!("501 Syntax: {verb} domain-or-address-literal").into();
        }
        self.greeted(argument, true);
        let starttls = if self.tls.is_some() || self.settings.without_starttls { "" } else { "250-STARTTLS\r\n" };
        let auth = if self.settings.require_tls && self.tls.is_none() { Vec::new() } else { self.gate().mechanisms() };
        let auth = if auth.is_empty() { String::new() } else { format!("250-AUTH {}\r\n", auth.join(" ")) };
        format!(
            "250-{}\r\n250-PIPELINING\r\n250-SIZE {}\r\n{starttls}{auth}250-8BITMIME\r\n250-BINARYMIME\r\n\
             250-SMTPUTF8\r\n250-CHUNKING\r\n250-DSN\r\n250-ENHANCEDSTATUSCODES\r\n250 HELP",
            self.settings.host_name, self.settings.max_message_size,
        )
        .into()
    }

    fn helo(&mut self, argument: &str) -> Answer {
        if !is_client_name(argument) {
            return "501 Syntax: HELO domain".into();
        }
        self.greeted(argument, false);
        format!("250 {}", self.settings.host_name).into()
    }

    fn greeted(&mut self, name: &str, extended: bool) {
        self.client = Some(Client { name: name.to_owned(), extended });
        self.end_transaction();
    }

    fn starttls(&mut self, argument: &str) -> Answer {
        if self.settings.without_starttls {
            return NOT_IMPLEMENTED.into();
        }
        if !argument.is_empty() {
            return NO_ARGUMENT.into();
        }
        if self.tls.is_some() {
            return "503 5.5.1 TLS is active already".into();
        }
        Answer::from("").then(NextInput::StartTls)
    }

    fn auth(&mut self, argument: &str) -> Answer {
        if self.settings.mechanisms.as_ref().is_some_and(Vec::is_empty) {
            return NOT_IMPLEMENTED.into();
        }
        if self.client.is_none() {
            return self.greet_first().into();
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
                let user = response.first().and_then(|response| SaslServer::user_at_start(mechanism, response));
                self.login = SandboxLogin { mechanism: mechanism.to_ascii_uppercase(), user: user.unwrap_or_default() };
                let turn = SaslServer::start(mechanism, response.first().copied(), self.gate());
                self.turn(turn)
            }
            _ => "501 5.5.4 Syntax: AUTH mechanism [initial-response]".into(),
        }
    }

    fn greet_first(&self) -> ParameterRefusal {
        if self.settings.lmtp { GREET_FIRST_LMTP } else { GREET_FIRST }
    }

    fn gate(&self) -> Gate<'_> {
        let end_point = self.settings.end_point.get().filter(|_| self.tls.is_some());
        Gate {
            logins: &self.settings.accept,
            mechanisms: self.settings.mechanisms.as_deref(),
            end_point: end_point.map(Vec::as_slice),
            certificate: self.tls.as_ref().and_then(|facts| facts.client_names.as_deref()),
        }
    }

    fn turn(&mut self, turn: ServerTurn) -> Answer {
        match turn {
            ServerTurn::Challenge(exchange, challenge) => {
                self.exchange = Some(exchange);
                Answer { reply: challenge, next: NextInput::Line }
            }
            ServerTurn::Verdict(accepted) => {
                self.authenticated = accepted;
                if self.authenticated {
                    "235 2.7.0 Authentication succeeded"
                } else {
                    "535 5.7.8 Authentication failed"
                }
                .into()
            }
            ServerTurn::Refused(reply) => reply.into(),
        }
    }

    fn rset(&mut self, argument: &str) -> Answer {
        if !argument.is_empty() {
            return NO_ARGUMENT.into();
        }
        self.end_transaction();
        "250 2.0.0 Ok".into()
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
        self.farewell("4.7.0", "too many errors, closing the connection")
    }

    fn quit(&mut self, argument: &str) -> Answer {
        if !argument.is_empty() {
            return NO_ARGUMENT.into();
        }
        self.end_transaction();
        Answer::from("221 2.0.0 Bye").then(NextInput::Close)
    }

    fn farewell(&mut self, enhanced: &str, reason: &str) -> Answer {
        self.end_transaction();
        Answer::from(format!("421 {enhanced} {} {reason}", self.settings.host_name)).then(NextInput::Close)
    }
}

/// One word of ASCII: names that the domain name system could not hold are common and harmless here.
fn is_client_name(argument: &str) -> bool {
    !argument.is_empty() && argument.bytes().all(|octet| octet.is_ascii_graphic())
}
