//! Whatever a server does, the program ends in time, keeps its memory small, and never panics.
//!
//! The limits are those of the harness: 15 seconds and 64 MiB for each run, in a debug build.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "hostile/bounds.rs"]
mod bounds;
mod harness;

use harness::{Played, ScriptedServer, smtp_script};
use proptest::prelude::*;
use smtp_script::run::{Outcome, Settings, run};
use smtp_script::scenario::{Inputs, Variables};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

/// Plays steps against a scripted server; both must end, and the client must follow the server's script.
fn play(steps: &str, server: &str) -> Played {
    play_in(tempfile::tempdir().unwrap().path(), steps, server)
}

fn play_in(folder: &Path, steps: &str, server: &str) -> Played {
    std::fs::write(folder.join("scenario.yaml"), format!("connect: mx.example\ntimeout: 2s\nsteps:\n{steps}")).unwrap();
    let server = ScriptedServer::start(server);
    let mut command = smtp_script(folder);
    let played = Played::by(command.args(["run", "scenario.yaml", "--to", &server.address()]));
    server.finish().unwrap();
    played
}

fn assert_diverged(played: &Played, with: &str) {
    assert_eq!(played.code, Some(1), "{}{}", played.stdout, played.stderr);
    assert!(played.stdout.contains(with), "{}", played.stdout);
    assert!(played.stdout.len() < 64 * 1024, "{} octets of output", played.stdout.len());
}

#[test]
fn a_reply_without_end() {
    let played = play("  - expect: ^220\n", "flood \"220-x\\r\\n\" 10000000\n");
    assert_diverged(&played, "the reply is larger than 1048576 octets");
}

#[test]
fn a_line_without_end() {
    let played = play("  - expect: ^220\n", "flood \"2\" 100000000\n");
    assert_diverged(&played, "a line is longer than 65536 octets");
}

#[test]
fn nothing_but_line_feeds() {
    let played = play("  - expect: ^220\n", "flood \"\\n\" 10000000\n");
    assert_diverged(&played, "malformed");
}

#[test]
fn a_line_without_end_where_a_pattern_is_looked_for() {
    for form in ["raw", "line"] {
        let played = play(&format!("  - expect: {{{form}: never}}\n"), "flood \"x\" 100000000\n");
        assert_diverged(&played, "malformed");
    }
}

#[test]
fn replies_that_nothing_asked_for() {
    let played = play(
        "  - expect: ^220\n  - sleep: 300ms\n  - send: QUIT\n    expect: ^221\n",
        "S: 220 mx.example\nflood \"250 ok\\r\\n\" 10000000\n",
    );
    assert_diverged(&played, "nothing had asked for");
}

#[test]
fn replies_while_silence_is_expected_and_at_the_end() {
    for expect in ["{silence: 5s}", "{closed: true}"] {
        let played = play(&format!("  - expect: {expect}\n"), "flood \"250 ok\\r\\n\" 10000000\n");
        assert_diverged(&played, "but the server sent");
    }
}

#[test]
fn a_hello_of_a_million_lines() {
    let played = play(
        "  - expect: ^220\n  - send: EHLO client.example\n    expect: ^250\n",
        "S: 220 mx.example\nC: EHLO client.example\nflood \"250-X1\\r\\n\" 1000000\nwait-close\n",
    );
    assert_diverged(&played, "the reply is larger than 1048576 octets");
}

#[test]
fn a_hello_of_as_many_lines_as_are_allowed() {
    let played = play(
        "  - expect: ^220\n  - send: EHLO client.example\n    expect: ^250\n  - assert: offers('X1') and reply.lines | length == 130001\n",
        "S: 220 mx.example\nC: EHLO client.example\nflood \"250-X1\\r\\n\" 130000\nS: 250 ok\n",
    );
    assert_eq!(played.code, Some(0), "{}", played.stdout);
}

/// A mail of 20 MB, which no socket buffer takes.
fn with_large_mail() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("large.eml"), "0123456789 0123456789 0123456789 0123456789\n".repeat(460_000))
        .unwrap();
    folder
}

#[test]
fn a_server_that_never_reads() {
    let folder = with_large_mail();
    let started = Instant::now();
    let played = play_in(
        folder.path(),
        "  - expect: ^354\n  - data: {file: large.eml}\n    timeout: 300ms\n    expect: ^250\n",
        "S: 354 go ahead\nsilence\n",
    );
    assert_diverged(&played, "the server to take the mail data");
    assert!(started.elapsed() < Duration::from_secs(10));
}

/// Each write makes progress, so that no single wait is too long.
#[test]
fn a_server_that_reads_slowly_for_ever() {
    let folder = with_large_mail();
    std::fs::write(
        folder.path().join("scenario.yaml"),
        "connect: mx.example\nsteps:\n  - expect: ^354\n  - data: {file: large.eml}\n    expect: ^250\n",
    )
    .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let reader = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"354 go ahead\r\n").unwrap();
        let mut buffer = [0; 4096];
        while stream.read(&mut buffer).is_ok_and(|count| count > 0) {
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    let started = Instant::now();
    let mut command = smtp_script(folder.path());
    let played = Played::by(command.args(["run", "scenario.yaml", "--to", &address, "--max-time", "500ms"]));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_diverged(&played, "the time of the whole run is over");
    // What the system still holds of the mail is read at leisure: nobody waits for it.
    drop(reader);
}

#[cfg(unix)]
#[test]
fn a_device_among_scenarios() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.yaml"), "steps: []\n").unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("endless.yaml")).unwrap();
    let mut command = smtp_script(folder.path());
    let played = Played::by(command.args(["check", "."]));
    assert_eq!(played.code, Some(2), "{}{}", played.stdout, played.stderr);
    assert!(played.stderr.contains("`steps` is empty") || played.stdout.contains("`steps` is empty"));
}

#[test]
fn a_reply_before_all_was_sent() {
    let folder = with_large_mail();
    let played = play_in(
        folder.path(),
        "  - expect: ^354\n  - data: {file: large.eml}\n    expect: ^250\n",
        "S: 354 go ahead\nreceive \"0123\"\nS: 552 5.3.4 message too big\nsilence\nwait-close\n",
    );
    assert_diverged(&played, "expected a reply matching ^250, got 552 5.3.4");
    assert_diverged(&played, "the rest was kept back");
}

#[test]
fn a_reply_and_a_reset_before_all_was_sent() {
    let folder = with_large_mail();
    let played = play_in(
        folder.path(),
        "  - expect: ^354\n  - data: {file: large.eml}\n    expect: ^250\n",
        "S: 354 go ahead\nreceive \"0123\"\nS: 552 5.3.4 message too big\npause 100ms\nreset\n",
    );
    assert_diverged(&played, "552 5.3.4");
}

#[test]
fn a_large_mail_is_streamed() {
    let folder = with_large_mail();
    let played = play_in(
        folder.path(),
        "  - expect: ^354\n  - data: {file: large.eml}\n    expect: ^250\n",
        "S: 354 go ahead\nmail-data\nS: 250 ok\n",
    );
    assert_eq!(played.code, Some(0), "{}", played.stdout);
}

#[test]
fn a_byte_now_and_then() {
    let started = Instant::now();
    let played =
        play("  - timeout: 500ms\n    expect: ^220\n", "drip 100ms \"220-a server that takes its time\\r\\n\"\n");
    assert_diverged(&played, "got only a part of it within 500 ms");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_server_that_floods_while_it_is_written_to() {
    let folder = with_large_mail();
    let played = play_in(
        folder.path(),
        "  - expect: ^354\n  - data: {file: large.eml}\n    expect: ^250\n",
        "S: 354 go ahead\nreceive \"0123\"\nflood \"250-x\\r\\n\" 10000000\nwait-close\n",
    );
    assert_diverged(&played, "malformed");
}

/// Plays a scenario in this process against a server that sends `bytes` in two parts and then closes or stays.
fn outcome_of(bytes: &[u8], in_between: usize, closes: bool) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let text = "connect: mx.example\nsecrets: [password]\nsteps:\n  - expect: {any: [2xx, {closed: true}]}\n    on_divergence: continue\n  - send: EHLO <<password>>\n    expect: ^250[ -](?<word>\\S+)\n    on_divergence: continue\n  - name: it was <<reply.code>>\n    send: NOOP <<reply.text>>\n    expect: {code: 250, enhanced: 2.0.0, text: o.*k, not: no, within: 1s}\n    on_divergence: continue\n  - expect: {line: x}\n    on_divergence: continue\n  - starttls\n";
    let scenario = smtp_script::load_text("hostile.yaml", text).unwrap();
    let mut inputs = Inputs::default();
    inputs.secrets.insert("password".to_owned(), smtp_script::scenario::Secret::new("open-sesame"));
    let variables = Variables::resolve(&scenario, &inputs).unwrap();
    let settings = Settings {
        to: Some(("127.0.0.1".to_owned(), Some(port))),
        timeout: Some(Duration::from_millis(if closes { 2000 } else { 10 })),
        ..Settings::default()
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let (first, second) = bytes.split_at(in_between.min(bytes.len()));
            _ = stream.write_all(first);
            _ = stream.write_all(second);
            if closes {
                _ = stream.shutdown(std::net::Shutdown::Write);
            }
            _ = stream.read_to_end(&mut Vec::new());
        });
        run(&scenario, &variables, &settings)
    })
}

/// Bytes that look like replies often enough to be taken for some.
fn hostile_bytes() -> impl Strategy<Value = Vec<u8>> {
    let reply = prop_oneof![
        Just(b"220 mx\r\n".to_vec()),
        Just(b"250-AUTH PLAIN\r\n250 ok\r\n".to_vec()),
        Just(b"250 2.0.0 open-sesame\r\n".to_vec()),
        Just(b"250-\r\n".to_vec()),
        Just(b"250".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"220 go\r\n\x16\x03\x01\x02\x00\x01\x00".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..40),
    ];
    proptest::collection::vec(reply, 0..8).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic_or_tell(bytes in hostile_bytes(), in_between in 0_usize..60, closes: bool) {
        let outcome = outcome_of(&bytes, in_between, closes);
        let screen = smtp_script::report::human::outcome(&outcome, 0, smtp_script::report::human::Styled(false));
        prop_assert!(!screen.contains("open-sesame"), "{screen}");
        prop_assert!(screen.chars().all(|character| character == '\n' || !character.is_control()), "{screen:?}");
        prop_assert!(outcome.verdict().exit_code() <= 2);
    }
}
