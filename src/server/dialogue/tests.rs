//! Plays `dialogues.txt`, and what a text file does not show: long lines, many errors, arbitrary octets.

use std::sync::{Arc, Mutex, OnceLock};

use proptest::prelude::*;

use super::*;
use crate::server::acceptor::Accepted;
use crate::server::audience::SandboxAudience;
use crate::server::auth::Login;
use crate::server::mail_sink::Sender;
use crate::server::protocol::ClientTlsFacts;
use crate::server::settings::{QueueIds, SandboxSettings};
use crate::smtp::auth::Mechanism;

const DIALOGUES: &str = include_str!("../dialogues.txt");

/// Keeps what it is told, one line for each call.
#[derive(Clone, Default)]
struct Witness(Arc<Mutex<Vec<String>>>);

impl Witness {
    fn note(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }

    fn told(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl MailSink for Witness {
    fn begin(&mut self, sender: Sender<'_>) {
        let Sender { id, reverse_path, parameters, client_name, protocol, .. } = sender;
        assert_eq!(id.len(), 10);
        self.note(format!("begin <{reverse_path}> {parameters} from {client_name} by {protocol}"));
    }

    fn recipient(&mut self, forward_path: &str, parameters: &str) {
        self.note(format!("recipient <{forward_path}> {parameters}"));
    }

    fn content(&mut self, octets: &[u8]) {
        self.note(format!("content {}", octets.escape_ascii()));
    }

    fn finish(&mut self) -> std::io::Result<()> {
        self.note("finish".to_owned());
        Ok(())
    }

    fn abandon(&mut self) {
        self.note("abandon".to_owned());
    }
}

struct Broken(std::io::ErrorKind);

impl MailSink for Broken {
    fn finish(&mut self) -> std::io::Result<()> {
        Err(self.0.into())
    }
}

fn dialogue<S: MailSink>(sink: S) -> ServerDialogue<S, SandboxAudience> {
    dialogue_with(settings(), sink)
}

fn dialogue_with<S: MailSink>(settings: SandboxSettings, sink: S) -> ServerDialogue<S, SandboxAudience> {
    ServerDialogue::new(Protocol::new(Arc::new(settings), sink), SandboxAudience::default())
}

fn settings() -> SandboxSettings {
    SandboxSettings {
        host_name: "sandbox.example".into(),
        lmtp: false,
        max_message_size: 100,
        accept: vec![
            Login::User { name: "bob".into(), password: "secret".into() },
            Login::AnyUser { password: "anybody's".into() },
        ],
        mechanisms: None,
        require_auth: false,
        require_tls: false,
        without_starttls: false,
        end_point: OnceLock::new(),
        queue_ids: QueueIds::starting_at(1),
    }
}

/// The settings that stand in brackets after the name of a session.
fn settings_of(session: &str) -> SandboxSettings {
    let mut settings = settings();
    let words = session.lines().next().and_then(|name| name.strip_suffix(']')).and_then(|name| name.rsplit_once('['));
    for word in words.map(|(_, words)| words.split(' ')).into_iter().flatten() {
        match word {
            "lmtp" => settings.lmtp = true,
            "require-auth" => settings.require_auth = true,
            "require-tls" => settings.require_tls = true,
            "no-starttls" => settings.without_starttls = true,
            "no-auth" => settings.mechanisms = Some(Vec::new()),
            "external" => settings.mechanisms = Some(vec![Mechanism::External]),
            other => panic!("what is the setting `{other}`?"),
        }
    }
    settings
}

fn replies<S: MailSink>(dialogue: &mut ServerDialogue<S, SandboxAudience>) -> String {
    let replies = String::from_utf8(dialogue.replies().to_vec()).unwrap();
    dialogue.replies_sent();
    replies
}

/// Sends `input` in pieces of `size`, stops as the connection would, and gives the replies.
fn exchange<S: MailSink>(
    dialogue: &mut ServerDialogue<S, SandboxAudience>,
    input: &[u8],
    size: usize,
) -> (String, After) {
    let end = input.chunks(size).map(|piece| dialogue.take(piece)).find(|after| *after != After::Read);
    if end == Some(After::StartTls) {
        dialogue.tls_ready();
    }
    (replies(dialogue), end.unwrap_or(After::Read))
}

fn unescape(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        octets.extend_from_slice(before.as_bytes());
        let (octet, length) = match &escape[..1] {
            "r" => (b'\r', 1),
            "n" => (b'\n', 1),
            "t" => (b'\t', 1),
            "0" => (0, 1),
            "\\" => (b'\\', 1),
            "x" => (u8::from_str_radix(&escape[1..3], 16).unwrap(), 3),
            other => panic!("unknown escape `\\{other}`"),
        };
        octets.push(octet);
        rest = &escape[length..];
    }
    octets.extend_from_slice(rest.as_bytes());
    octets
}

/// One turn: what the client sends, what the server answers, how the connection goes on.
struct Turn {
    sent: Vec<u8>,
    answered: String,
    after: After,
}

fn turns(session: &str) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    for line in session.lines().skip(1).filter(|line| !line.is_empty()) {
        let (mark, text) = line.split_at(2);
        let text = unescape(text.strip_prefix(' ').unwrap_or(text));
        match mark {
            "C:" | "R:" => {
                if turns.last().is_none_or(|turn| !turn.answered.is_empty()) {
                    turns.push(Turn { sent: Vec::new(), answered: String::new(), after: After::Read });
                }
                let sent = &mut turns.last_mut().unwrap().sent;
                sent.extend(text);
                sent.extend_from_slice(if mark == "C:" { b"\r\n" } else { b"" });
            }
            "S:" => {
                let answered = &mut turns.last_mut().unwrap().answered;
                *answered += str::from_utf8(&text).unwrap();
                *answered += "\r\n";
            }
            "--" => turns.last_mut().unwrap().after = if line == "--tls" { After::StartTls } else { After::Close },
            _ => panic!("what is `{line}`?"),
        }
    }
    turns
}

fn without_queue_ids(replies: &str) -> String {
    let mask = |line: &str| match line.split_once("queued as ") {
        Some((before, id)) => format!("{before}queued as {}", if id.len() == 12 { "<ID>\r\n" } else { id }),
        None => line.to_owned(),
    };
    replies.split_inclusive('\n').map(mask).collect()
}

#[test]
fn dialogues() {
    let sessions: Vec<&str> = DIALOGUES.split("\n== ").skip(1).collect();
    assert!(sessions.len() > 15);
    for session in sessions {
        for size in [usize::MAX, 1, 3] {
            let name = format!("{}, in pieces of {size}", session.lines().next().unwrap());
            let mut dialogue = dialogue_with(settings_of(session), Witness::default());
            for turn in turns(session) {
                let (answered, after) = exchange(&mut dialogue, &turn.sent, size);
                let context = format!("{name}: {}", turn.sent.escape_ascii());
                assert_eq!(without_queue_ids(&answered), turn.answered, "{context}");
                assert_eq!(after, turn.after, "{context}");
                if after == After::StartTls {
                    let client_names = Some(vec!["bob@example.com".to_owned()]);
                    dialogue.protocol.tls_started(ClientTlsFacts { client_names, ..ClientTlsFacts::default() });
                }
            }
        }
    }
}

#[test]
fn greeting_and_farewell() {
    let mut dialogue = dialogue(Witness::default());
    assert_eq!(dialogue.tell(Input::Connected), After::Read);
    assert_eq!(replies(&mut dialogue), "220 sandbox.example ESMTP smtp-script sandbox\r\n");
    for (event, farewell) in [
        (Input::IdleTooLong, "421 4.4.2 sandbox.example idle for too long, closing the connection\r\n"),
        (Input::ShuttingDown, "421 4.3.2 sandbox.example shutting down, closing the connection\r\n"),
        (Input::TooBusy, "421 4.3.2 sandbox.example too many connections, try again later\r\n"),
    ] {
        assert_eq!(dialogue.tell(event), After::Close);
        assert_eq!(replies(&mut dialogue), farewell);
    }
    let mut lmtp = dialogue_with(SandboxSettings { lmtp: true, ..settings() }, Witness::default());
    lmtp.tell(Input::Connected);
    assert_eq!(replies(&mut lmtp), "220 sandbox.example LMTP smtp-script sandbox\r\n");
}

#[test]
fn without_a_certificate_the_session_goes_on() {
    let mut dialogue = dialogue(Witness::default());
    assert_eq!(dialogue.take(b"HELO x\r\nSTARTTLS\r\nNOOP\r\n"), After::StartTls);
    assert_eq!(dialogue.tell(Input::TlsUnavailable), After::Read);
    let (answered, _) = exchange(&mut dialogue, b"MAIL FROM:<a@b>\r\n", usize::MAX);
    let refused = "454 4.7.0 TLS is not available: the server has no certificate";
    assert_eq!(answered, format!("250 sandbox.example\r\n{refused}\r\n250 2.1.0 Ok\r\n"));
}

#[test]
fn a_farewell_in_the_middle_of_mail_data_drops_the_message() {
    let witness = Witness::default();
    let mut dialogue = dialogue(witness.clone());
    exchange(&mut dialogue, b"HELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nHi\r\n", usize::MAX);
    assert_eq!(dialogue.tell(Input::ShuttingDown), After::Close);
    assert_eq!(witness.told().last().map(String::as_str), Some("abandon"));
}

#[test]
fn what_is_pipelined_behind_starttls_is_dropped() {
    let mut dialogue = dialogue(Witness::default());
    let input = b"HELO x\r\nSTARTTLS\r\nHELO evil\r\nMAIL FROM:<evil@example.com>\r\nRCPT";
    let (answered, after) = exchange(&mut dialogue, input, usize::MAX);
    assert_eq!(answered, "250 sandbox.example\r\n220 2.0.0 Ready to start TLS\r\n");
    assert_eq!(after, After::StartTls);
    dialogue.tls_started(Arc::new(Accepted::default()));
    let (answered, _) = exchange(&mut dialogue, b"NOOP\r\nRCPT TO:<a@b>\r\n", usize::MAX);
    assert_eq!(answered, "250 2.0.0 Ok\r\n503 5.5.1 Send EHLO or HELO first\r\n");
}

#[test]
fn lines_have_limits() {
    let line = |start: &str, length: usize| format!("{start}{}\r\n", "x".repeat(length - start.len() - 2));
    let too_long = "500 5.5.2 Line too long\r\n";
    for (start, limit, within) in [
        ("NOOP ", 512, "250 2.0.0 Ok\r\n"),
        ("MAIL FROM:<a@b> ENVID=", 1185, "501 5.5.4 ENVID wants xtext of at most 100 characters\r\n"),
        ("rcpt to:<a@", 1042, "503 5.5.1 Send MAIL FROM first\r\n"),
        ("AUTH PLAIN ", 12_288, "501 5.5.2 Cannot decode the response: it is not base64\r\n"),
    ] {
        for size in [1, 100, usize::MAX] {
            let mut dialogue = dialogue(Witness::default());
            exchange(&mut dialogue, b"HELO x\r\n", size);
            let (answered, _) = exchange(&mut dialogue, line(start, limit).as_bytes(), size);
            assert_eq!(answered, within, "{start}, {size}");
            let two = line(start, limit + 1) + "NOOP\r\n";
            let (answered, _) = exchange(&mut dialogue, two.as_bytes(), size);
            assert_eq!(answered, format!("{too_long}250 2.0.0 Ok\r\n"), "{start}, {size}");
        }
    }
}

#[test]
fn an_endless_line_is_not_kept() {
    let mut dialogue = dialogue(Witness::default());
    exchange(&mut dialogue, b"HELO x\r\nAUTH PLAIN\r\n", usize::MAX);
    for _ in 0..100 {
        dialogue.take(&[b'x'; 1000]);
        assert!(dialogue.line.capacity() <= 2 * AUTH_LINE && dialogue.replies().is_empty());
    }
    let (answered, _) = exchange(&mut dialogue, b"\r\nNOOP\r\n", usize::MAX);
    assert_eq!(answered, "500 5.5.6 Authentication exchange line is too long\r\n250 2.0.0 Ok\r\n");
}

#[test]
fn twenty_errors_in_a_row_end_the_session() {
    let mut dialogue = dialogue(Witness::default());
    for _ in 0..3 {
        let (answered, after) = exchange(&mut dialogue, "XYZZY\r\n".repeat(19).as_bytes(), usize::MAX);
        assert_eq!((answered.lines().count(), after), (19, After::Read));
        exchange(&mut dialogue, b"NOOP\r\n", usize::MAX);
    }
    let (answered, after) = exchange(&mut dialogue, "XYZZY\r\n".repeat(25).as_bytes(), usize::MAX);
    let farewell = "421 4.7.0 sandbox.example too many errors, closing the connection";
    assert_eq!((answered.lines().count(), answered.lines().last()), (20, Some(farewell)));
    assert_eq!(after, After::Close);
}

#[test]
fn the_sink_is_told_the_transaction() {
    let witness = Witness::default();
    let mut dialogue = dialogue(witness.clone());
    let input = "HELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<@x:c@d>\r\nRCPT TO:<bad>\r\nRSET\r\n\
        EHLO y\r\nAUTH PLAIN AGJvYgBzZWNyZXQ=\r\n\
        MAIL FROM:<> RET=HDRS ENVID=QQ\r\nRCPT TO:<c@d> NOTIFY=NEVER\r\nDATA\r\n..a\r\nb\r\n.\r\n\
        MAIL FROM:<a@b> SMTPUTF8\r\nRCPT TO:<c@d>\r\nBDAT 2\r\n..BDAT 1 LAST\r\n.\
        MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 101 LAST\r\n";
    exchange(&mut dialogue, input.as_bytes(), usize::MAX);
    exchange(&mut dialogue, &[b'x'; 101], usize::MAX);
    let expected = [
        "begin <a@b>  from x by SMTP",
        "recipient <c@d> ",
        "abandon",
        "begin <> RET=HDRS ENVID=QQ from y by ESMTPA",
        "recipient <c@d> NOTIFY=NEVER",
        "content .a\\r\\nb\\r\\n",
        "finish",
        "begin <a@b> SMTPUTF8 from y by UTF8SMTPA",
        "recipient <c@d> ",
        "content ..",
        "content .",
        "finish",
        "begin <a@b>  from y by ESMTPA",
        "recipient <c@d> ",
        "abandon",
    ];
    assert_eq!(witness.told(), expected);
}

#[test]
fn a_message_that_cannot_be_stored_may_come_again() {
    for (kind, reply) in [
        (std::io::ErrorKind::StorageFull, "452 4.3.1 There is no room for the message"),
        (std::io::ErrorKind::PermissionDenied, "451 4.3.0 The message could not be stored"),
    ] {
        let mut dialogue = dialogue(Broken(kind));
        let input = b"HELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n.\r\n";
        let (answered, _) = exchange(&mut dialogue, input, usize::MAX);
        assert_eq!(answered.lines().last(), Some(reply));
    }
}

#[test]
fn a_hundred_thousand_recipients_are_enough() {
    let mut dialogue = dialogue(crate::server::mail_sink::Discard);
    exchange(&mut dialogue, b"HELO x\r\nMAIL FROM:<a@b>\r\n", usize::MAX);
    for _ in 0..100 {
        let (answered, _) = exchange(&mut dialogue, "RCPT TO:<c@d>\r\n".repeat(1000).as_bytes(), usize::MAX);
        assert_eq!(answered, "250 2.1.5 Ok\r\n".repeat(1000));
    }
    let (answered, _) = exchange(&mut dialogue, "RCPT TO:<c@d>\r\n".repeat(100).as_bytes(), usize::MAX);
    assert_eq!(answered, "452 4.5.3 Too many recipients\r\n".repeat(100));
}

/// Octets as clients, bad ones included, might send them.
fn input() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"EHLO x\r\n".to_vec()),
        Just(b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n".to_vec()),
        Just(b"DATA\r\n".to_vec()),
        Just(b"\r\n.\r\n".to_vec()),
        Just(b"AUTH LOGIN\r\n".to_vec()),
        Just(b"STARTTLS\r\n".to_vec()),
        (0_u8..20).prop_map(|octets| format!("BDAT {octets}\r\n").into_bytes()),
        Just(b"BDAT 99999999999999999999 LAST\r\n".to_vec()),
        "(MAIL FROM:|RCPT TO:)[ <>@,:\"\\\\\\[\\]a.é=+;]{0,12}\r\n".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..40),
        (0_usize..20_000).prop_map(|length| vec![b'A'; length]),
    ];
    proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn arbitrary_octets_are_answered_alike_in_any_pieces(input in input(), size in 1_usize..2000) {
        let mut whole = dialogue(Witness::default());
        let mut pieces = dialogue(Witness::default());
        let expected = exchange(&mut whole, &input, usize::MAX);
        let mut end = After::Read;
        for piece in input.chunks(size) {
            end = pieces.take(piece);
            prop_assert!(pieces.line.len() <= AUTH_LINE);
            if end != After::Read {
                break;
            }
        }
        if end == After::StartTls {
            pieces.tls_ready();
        }
        prop_assert_eq!((replies(&mut pieces), end), expected.clone());
        for line in expected.0.split_terminator("\r\n") {
            prop_assert!(line.len() <= 510 && line.is_ascii() && line.as_bytes()[..3].iter().all(u8::is_ascii_digit));
        }
    }
}
