//! Messages with leading dots arrive as they were written: real servers take the doubled dots off again.

use crate::Test;
use crate::world::World;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(crate) const TESTS: &[Test] = &[
    ("messages::a_text_arrives_at_aiosmtpd", |world| arrives(world, "aiosmtpd", &Sent::text("aiosmtpd-text"))),
    ("messages::a_text_arrives_at_postfix", |world| arrives(world, "postfix", &Sent::text("postfix-text"))),
    ("messages::a_file_arrives_at_aiosmtpd", |world| arrives(world, "aiosmtpd", &Sent::file("aiosmtpd-file"))),
    ("messages::a_file_arrives_at_postfix", |world| arrives(world, "postfix", &Sent::file("postfix-file"))),
    ("messages::a_delivery_to_a_local_mailbox", a_delivery_to_a_local_mailbox),
];

/// How long a server may take from accepting a message to storing it.
const DELIVERY_LIMIT: Duration = Duration::from_secs(30);

/// Lines that transparency is about: one dot, two, three, dots with text, and dots that are not at the start.
const BODY: &str = ".\n..\n...\n.hidden\n..text\n. \n.\t.\nno dot\n a dot . inside.\n\n.\n";

/// A message, and the step that sends it.
struct Sent {
    message: String,
    step: String,
    is_file: bool,
}

impl Sent {
    fn text(mark: &str) -> Sent {
        let message = message(mark);
        let lines: Vec<String> = message.lines().map(|line| format!("      {line}\n")).collect();
        Sent { step: format!("  - data: |\n{}    expect: ^250\n", lines.concat()), message, is_file: false }
    }

    fn file(mark: &str) -> Sent {
        Sent {
            message: message(mark),
            step: "  - data: {file: message.eml}\n    expect: ^250\n".to_owned(),
            is_file: true,
        }
    }
}

fn message(mark: &str) -> String {
    format!(
        "From: john@example.com\nTo: john@example.com\nMessage-ID: <{mark}@dots.example>\nSubject: {mark}\nDate: Mon, 23 Nov 2026 10:00:00 +0000\n\n{BODY}"
    )
}

fn arrives(world: &World, server: &str, sent: &Sent) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_string_lossy();
    if sent.is_file {
        fs::write(folder.path().join("message.eml"), &sent.message).unwrap();
    }
    let steps = format!("{}{}  - send: QUIT\n    expect: ^221\n", envelope(), sent.step);
    world.play_steps(&steps, server, 0, &["--file-root", &root]).exits(0);
    let subject = sent.message.lines().find(|line| line.starts_with("Message-ID")).unwrap();
    let stored = stored_message(&world.mail(server), subject);
    // Postfix stores lines as Unix does, behind trace headers of its own.
    let wire = sent.message.replace('\n', "\r\n");
    let is_whole = match server {
        "postfix" => stored.ends_with(sent.message.as_bytes()),
        _ => stored == wire.as_bytes(),
    };
    assert!(is_whole, "sent:\n{}\nstored:\n{}", sent.message, String::from_utf8_lossy(&stored));
}

fn a_delivery_to_a_local_mailbox(world: &World) {
    for server in ["postfix", "exim", "opensmtpd", "aiosmtpd"] {
        let from = format!("from-{server}@example.net");
        let options = ["--var", "to=john@example.com", "--var", &format!("from={from}")];
        world.play("scenarios/relay/delivery.yaml", server, 0, &options).exits(0);
        let stored = stored_message(&world.mail(server), &format!("From: {from}"));
        let stored = String::from_utf8_lossy(&stored).replace("\r\n", "\n");
        assert!(
            stored.contains("\n.This line begins with one dot, and must still do so when it is read.\n"),
            "{server}:\n{stored}"
        );
    }
}

fn envelope() -> &'static str {
    "  - expect: ^220
  - send: EHLO client.example
    expect: ^250
  - send: MAIL FROM:<john@example.com>
    expect: ^250
  - send: RCPT TO:<john@example.com>
    expect: ^250
  - send: DATA
    expect: ^354
"
}

/// The one stored message that holds `mark`, once it is there.
fn stored_message(folder: &Path, mark: &str) -> Vec<u8> {
    let deadline = Instant::now() + DELIVERY_LIMIT;
    while Instant::now() < deadline {
        let mut files = Vec::new();
        delivered_below(folder, &mut files);
        // A file that vanishes meanwhile was moved from one folder of the Maildir to another.
        let mut contents = files.iter().filter_map(|file| fs::read(file).ok());
        if let Some(found) =
            contents.find(|content| content.windows(mark.len()).any(|window| window == mark.as_bytes()))
        {
            return found;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("no message with `{mark}` was stored below `{}`", folder.display());
}

/// The files in `new`: a Maildir's message is whole once it is there.
fn delivered_below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            delivered_below(&path, files);
        } else if folder.ends_with("new") {
            files.push(path);
        }
    }
}
