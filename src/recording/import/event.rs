//! What lines of neither side report: where to, that TLS began or failed, that somebody closed or waited in vain.
//!
//! Responsible for the words of all tools, as a table, and for finding them in a line. `{host}` and `{port}` stand for
//! what is taken out of it.

/// Something that happened, as a log reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LogEvent {
    /// Where a connection goes to; `begins`: it is not open yet.
    To {
        host: String,
        port: Option<u16>,
        begins: bool,
        tls: bool,
    },
    /// A name and an address, perhaps with a port, that are the same.
    Alias {
        host: String,
        of: String,
    },
    Handshake,
    /// The reason, in the words of the tool.
    HandshakeFailed(String),
    ServerClosed,
    ClientClosed,
    /// The client waited in vain, for this many seconds where the log says it.
    TimedOut(Option<u32>),
    /// The message was sent and is not shown.
    MessageNotShown,
    /// A login by this mechanism was made and is not shown.
    LoginNotShown(String),
    /// How that login ended.
    LoginEnded(bool),
}

/// What the words of a row mean.
#[derive(Clone, Copy)]
enum EventMeaning {
    Begins,
    BeginsTls,
    Connected,
    ConnectedTls,
    Alias,
    Handshake,
    HandshakeFailed,
    ServerClosed,
    ClientClosed,
    TimedOut,
    MessageNotShown,
    LoginNotShown,
    LoginSucceeded,
    LoginFailed,
}

use EventMeaning as M;

/// What tools write. Of several rows that fit a line the first one counts.
const WORDS: [(&str, EventMeaning); 98] = [
    // smtp-script
    ("{addr} stands in for {host}", M::Alias),
    ("*  TLSv1", M::Handshake),
    ("*  closed by the server", M::ServerClosed),
    ("*  closed by the client", M::ClientClosed),
    ("*  connected to {host}:{port}", M::Connected),
    // PHPMailer, swaks, JavaMail, nodemailer
    ("Connection: opening to ssl://{host}:{port}", M::BeginsTls),
    ("Connection: opening to tls://{host}:{port}", M::BeginsTls),
    ("Connection: opening to {host}:{port}", M::Begins),
    ("trying to connect to host \"{host}\", port {port}, isSSL true", M::BeginsTls),
    ("trying to connect to host \"{host}\", port {port}", M::Begins),
    ("connected to host \"{host}\", port: {port}", M::Connected),
    ("Resolved {host} as {addr}", M::Alias),
    ("Secure connection established to {host}:{port}", M::ConnectedTls),
    ("Connection established to {host}:{port}", M::Connected),
    ("Connection upgraded with STARTTLS", M::Handshake),
    ("=== Trying pipe to ", M::Begins),
    ("=== Trying {host}:{port}...", M::Begins),
    ("=== TLS started", M::Handshake),
    ("TLS startup failed", M::HandshakeFailed),
    ("*** Remote host closed connection", M::ServerClosed),
    ("=== Connection closed with remote host", M::ClientClosed),
    ("Timeout ({secs} secs) waiting for server response", M::TimedOut),
    ("lines sent", M::MessageNotShown),
    ("bytes encoded mime message (source size", M::MessageNotShown),
    // URLs
    ("onnected to smtps://{host}:{port}", M::ConnectedTls),
    ("onnected to smtp://{host}:{port}", M::Connected),
    ("onnected to smtp://{host}", M::Connected),
    ("onnecting to smtps://{host}:{port}", M::BeginsTls),
    ("onnecting to smtp+tls://{host}:{port}", M::Begins),
    ("onnecting to smtp://{host}:{port}", M::Begins),
    // curl
    ("* Established connection to {host} ({addr} port {port})", M::Connected),
    ("Connected to {host} ({addr}) port {port}", M::Connected),
    ("SSL connection using ", M::Handshake),
    ("We are completely uploaded", M::MessageNotShown),
    // msmtp, Exim, sendmail, libraries
    ("host = {host}", M::Connected),
    ("port = {portonly}", M::Connected),
    ("tls_starttls = off", M::Handshake),
    ("TLS session parameters", M::Handshake),
    ("TLS certificate information", M::Handshake),
    ("Connecting to {host} [{addr}]:{port}", M::Begins),
    ("Connecting to {host} [{addr}] via ", M::Begins),
    ("Connecting to {host} at {port}", M::Begins),
    ("Connecting to {host} on port {port}", M::Begins),
    ("Connecting to {host} port {port}", M::Begins),
    ("Connecting to {host}, port {port}", M::Begins),
    ("Connecting to ssl://{host}:{port}", M::BeginsTls),
    ("Connecting to {host}:{port}", M::Begins),
    ("Connecting to {host} via ", M::Begins),
    ("Connecting to {host}. via ", M::Begins),
    ("SMTP(close)>>", M::ClientClosed),
    ("SMTP(closed)<<", M::ServerClosed),
    ("SMTP(timed out)<<", M::TimedOut),
    ("SMTP timeout", M::TimedOut),
    ("writing message and terminating", M::MessageNotShown),
    ("TLS error on connection", M::HandshakeFailed),
    ("TLS session failure", M::HandshakeFailed),
    ("TLS session: ", M::HandshakeFailed),
    ("TLS negotiation succeeded", M::Handshake),
    ("Connection opened: {host}:{port}", M::Begins),
    ("opening connection to {host}:{port}", M::Begins),
    ("::.ctor(host={host}, port={port})", M::Begins),
    ("TLS connection started", M::Handshake),
    ("writing message from ", M::MessageNotShown),
    // smtp-cli
    ("Connection from {addr} to {host}:{port}", M::Begins),
    // Python smtplib
    ("connect: to ('{host}', {port})", M::Begins),
    ("connect: ('{host}', {port})", M::Begins),
    // JavaMail
    ("AUTH {word} command trace suppressed", M::LoginNotShown),
    ("AUTH {word} succeeded", M::LoginSucceeded),
    ("AUTH {word} failed", M::LoginFailed),
    // Thunderbird, which hides all of a login
    ("Current auth method: {word}", M::LoginNotShown),
    // telnet, nc, openssl, tshark
    ("- Handshake was completed", M::Handshake),
    ("Resolving '{host}:{port}'...", M::Begins),
    ("(Open non-SSL connection to {host}:{port}", M::Begins),
    ("(Open SSL connection to {host}:{port}", M::BeginsTls),
    ("Node 1: {host}:{port}", M::Connected),
    ("Connection to {host} {port} port [", M::Connected),
    ("Ncat: Connected to {host}:{port}", M::Connected),
    ("[{addr}] {port} (smtp) open", M::Connected),
    ("Trying {host}:{port}...", M::Begins),
    ("Trying {host}...", M::Begins),
    ("Trying {host} ...", M::Begins),
    ("Connected to {host}:{port}", M::Connected),
    ("Connected to {host}.", M::Connected),
    ("connected to {host}:{port}", M::Connected),
    ("Connection closed by foreign host", M::ServerClosed),
    ("Connection to host lost", M::ServerClosed),
    ("closed by remote host", M::ServerClosed),
    ("connection closed by server", M::ServerClosed),
    ("Connection unexpectedly closed", M::ServerClosed),
    ("Server disconnects", M::ServerClosed),
    ("disconnected in state", M::ServerClosed),
    ("lost connection with", M::ServerClosed),
    ("read:errno=", M::ServerClosed),
    ("certificate verify failed", M::HandshakeFailed),
    ("TLS handshake failed", M::HandshakeFailed),
    ("SSL handshake failed", M::HandshakeFailed),
    ("TLS handshake completed", M::Handshake),
    ("STARTTLS successful", M::Handshake),
];

/// What a line reports; only lines of neither side are asked.
pub(super) fn of(line: &str) -> Option<LogEvent> {
    if line.len() > 2000 {
        return None;
    }
    if matches!(line.trim(), "closed" | "EOF") {
        return Some(LogEvent::ServerClosed);
    }
    WORDS.iter().find_map(|(words, meaning)| event(&captures(words, line)?, *meaning, line))
}

/// What was taken out of a line.
#[derive(Default)]
struct Captures<'l> {
    host: &'l str,
    addr: &'l str,
    port: &'l str,
    word: &'l str,
    secs: &'l str,
}

/// The parts that a pattern names, if it stands in the line.
fn captures<'l>(pattern: &str, line: &'l str) -> Option<Captures<'l>> {
    let mut found = Captures::default();
    let mut rest = line;
    let mut pattern = pattern;
    let mut is_first = true;
    while !pattern.is_empty() {
        let (literal, after) = pattern.split_once('{').unwrap_or((pattern, ""));
        if !literal.is_empty() {
            let at = rest.find(literal).filter(|at| is_first || *at == 0)?;
            rest = &rest[at + literal.len()..];
        }
        is_first = false;
        let Some((name, after)) = after.split_once('}') else { break };
        if literal.is_empty() {
            rest = rest
                .trim_start()
                .trim_start_matches('*')
                .trim_start()
                .split_once("  *  ")
                .map_or(rest.trim_start(), |(_, rest)| rest);
        }
        let value = value_of(name, rest, after)?;
        rest = &rest[value.len()..];
        *(match name {
            "host" => &mut found.host,
            "addr" => &mut found.addr,
            "word" => &mut found.word,
            "secs" => &mut found.secs,
            _ => &mut found.port,
        }) = value;
        pattern = after;
    }
    Some(found)
}

/// What stands for a name at the beginning of a text; `after` is what must follow.
fn value_of<'l>(name: &str, text: &'l str, after: &str) -> Option<&'l str> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let length = match name {
        "port" | "secs" | "portonly" => digits,
        "word" => text.find(char::is_whitespace).unwrap_or(text.len()),
        _ if text.starts_with('[') => text.find(']').map_or(0, |end| end + 1),
        _ => {
            let in_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_' | ':' | '%');
            let end = text.find(|letter: char| !in_name(letter)).unwrap_or(text.len());
            // What follows must still be found: a port, dots.
            let next = after.split('{').next().unwrap_or_default();
            if next.is_empty() { end } else { text.get(..end + next.len()).unwrap_or(&text[..end]).rfind(next)? }
        }
    };
    (length > 0).then(|| &text[..length])
}

fn event(found: &Captures<'_>, meaning: EventMeaning, line: &str) -> Option<LogEvent> {
    let host = found.host.trim_matches(['[', ']']).trim_end_matches(['.', ':']).to_owned();
    let port = found.port.parse().ok();
    let to = |begins: bool, tls: bool| LogEvent::To { host: host.clone(), port, begins, tls };
    Some(match meaning {
        M::Begins => to(true, false),
        M::BeginsTls => to(true, true),
        M::Connected => to(false, false),
        M::ConnectedTls => to(false, true),
        M::Alias => LogEvent::Alias { host: host.clone(), of: found.addr.to_owned() },
        M::Handshake if line.contains("tls_starttls = off") => return None,
        M::Handshake => LogEvent::Handshake,
        M::HandshakeFailed => LogEvent::HandshakeFailed(line.trim().to_owned()),
        M::ServerClosed => LogEvent::ServerClosed,
        M::ClientClosed => LogEvent::ClientClosed,
        M::TimedOut => LogEvent::TimedOut(found.secs.parse().ok()),
        M::MessageNotShown => LogEvent::MessageNotShown,
        M::LoginNotShown => LogEvent::LoginNotShown(found.word.to_owned()),
        M::LoginSucceeded => LogEvent::LoginEnded(true),
        M::LoginFailed => LogEvent::LoginEnded(false),
    })
}

/// The reasons of `fails` that the words of another tool may stand for.
pub(super) fn reason(words: &str) -> &'static str {
    let words = words.to_ascii_lowercase();
    let table = [
        ("expired", "expired"),
        ("not yet valid", "not yet valid"),
        ("self signed", "self signed|unknown issuer"),
        ("self-signed", "self signed|unknown issuer"),
        ("hostname", "wrong name"),
        ("name mismatch", "wrong name"),
        ("unable to get local issuer", "unknown issuer|self signed"),
        ("certificate", "expired|not yet valid|wrong name|unknown issuer|self signed"),
        ("wrong version number", "not tls|protocol version"),
        ("unsupported protocol", "protocol version|alert"),
        ("handshake failure", "alert"),
    ];
    table.iter().find(|(sign, _)| words.contains(sign)).map_or(".", |(_, reason)| reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(line: &str) -> (String, Option<u16>) {
        match of(line) {
            Some(LogEvent::To { host, port, .. }) => (host, port),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn hosts_and_ports_are_found() {
        let told = [
            (
                "Connection: opening to smtp.office365.com:587, timeout=300, options=array()",
                "smtp.office365.com",
                Some(587),
            ),
            ("DEBUG SMTP: trying to connect to host \"localhost\", port 28410, isSSL false", "localhost", Some(28410)),
            ("Connecting to 172.18.0.6 [172.18.0.6]:25 ... connected", "172.18.0.6", Some(25)),
            ("Connected to smtp://smtp.example.com:587/?starttls=when-available", "smtp.example.com", Some(587)),
            ("* Connected to mx.example (127.0.0.1) port 465 (#0)", "mx.example", Some(465)),
            ("Connected to mx.example.", "mx.example", None),
            ("Trying 192.0.2.1...", "192.0.2.1", None),
            ("Trying mail.example.com:25...", "mail.example.com", Some(25)),
            ("*   Trying 127.0.0.1:465...", "127.0.0.1", Some(465)),
            ("mary@example.com... Connecting to mx.example.com. via esmtp...", "mx.example.com", None),
            ("port = 28410", "", Some(28410)),
            ("Node 1: 127.0.0.1:28400", "127.0.0.1", Some(28400)),
            ("(Open non-SSL connection to smtp.example.com:587)", "smtp.example.com", Some(587)),
        ];
        for (line, host, port) in told {
            assert_eq!(to(line), (host.to_owned(), port), "{line}");
        }
        let alias = LogEvent::Alias { host: "smtp.sendgrid.net:587".to_owned(), of: "127.0.0.1:36693".to_owned() };
        assert_eq!(of("    0.000  *  127.0.0.1:36693 stands in for smtp.sendgrid.net:587"), Some(alias));
        let alias = LogEvent::Alias { host: "smtp.example.com".to_owned(), of: "192.0.2.5".to_owned() };
        assert_eq!(of("[2023] DEBUG [x] Resolved smtp.example.com as 192.0.2.5 [cache miss]"), Some(alias));
    }
}
