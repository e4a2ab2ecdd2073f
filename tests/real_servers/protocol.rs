//! What servers do differently while the bytes are plain: greetings, syntax, order, relaying, LMTP.

use crate::Test;
use crate::program::root;
use crate::world::{World, scenarios_of};
use std::fs;

pub(crate) const TESTS: &[Test] = &[
    ("protocol::relay_security_and_conformance", relay_security_and_conformance),
    ("protocol::no_auth_before_tls", no_auth_before_tls),
    ("protocol::a_plain_session_with_opensmtpd", a_plain_session_with_opensmtpd),
    ("protocol::angle_brackets", angle_brackets),
    ("protocol::postscreen", postscreen),
    ("protocol::a_greeting_of_three_lines", a_greeting_of_three_lines),
    ("protocol::too_many_errors", too_many_errors),
    ("protocol::an_idle_session", an_idle_session),
    ("protocol::pipelining_that_is_not_allowed", pipelining_that_is_not_allowed),
    ("protocol::a_vrfy_that_tells", a_vrfy_that_tells),
    ("protocol::bad_input_connects_nowhere", bad_input_connects_nowhere),
    ("protocol::lmtp_owes_a_reply_for_each_recipient", lmtp_owes_a_reply_for_each_recipient),
    ("protocol::an_lmtp_reply_that_nobody_reads", an_lmtp_reply_that_nobody_reads),
];

const LOCAL: [&str; 2] = ["--var", "to=john@example.com"];

/// Scenarios that do not hold for a server, and why.
const EXCEPTIONS: [(&str, usize, &str, &str); 2] = [
    ("postfix", 0, "no-auth-before-tls", "its lenient port offers AUTH in the clear"),
    ("exim", 2, "vrfy", "it is configured to tell"),
];

fn relay_security_and_conformance(world: &World) {
    for (server, port) in [("postfix", 0), ("postfix", 2), ("exim", 2)] {
        for scenario in ["relay", "security", "conformance"].into_iter().flat_map(scenarios_of) {
            let exception = |(name, at, part, _): &(&str, usize, &str, &str)| {
                (*name, *at) == (server, port) && scenario.contains(part)
            };
            // That one is for a port where TLS begins at once.
            if scenario.contains("implicit-tls") || EXCEPTIONS.iter().any(exception) {
                continue;
            }
            world.play(&scenario, server, port, local_recipient(&scenario)).exits(0);
        }
    }
}

/// Options for a scenario that has a recipient.
fn local_recipient(scenario: &str) -> &'static [&'static str] {
    let text = fs::read_to_string(root().join(scenario)).unwrap();
    if text.contains("\n  to: ") { &LOCAL } else { &[] }
}

fn no_auth_before_tls(world: &World) {
    world.play("scenarios/security/no-auth-before-tls.yaml", "postfix", 0, &[]).exits(1).says(&[
        "error: step 2 \"AUTH is not offered in the clear\" diverged: expected no text matching ^AUTH, got 250\n",
        "S: 250-AUTH PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256\n",
    ]);
}

fn a_plain_session_with_opensmtpd(world: &World) {
    world.play("scenarios/relay/delivery.yaml", "opensmtpd", 0, &LOCAL).exits(0);
    for scenario in scenarios_of("conformance") {
        world.play(&scenario, "opensmtpd", 0, local_recipient(&scenario)).exits(0);
    }
}

fn angle_brackets(world: &World) {
    let steps = |line: &str| {
        format!(
            "  - expect: ^220\n  - send: EHLO client.example\n    expect: ^250\n  - send: '{line}'\n    expect: ^250\n"
        )
    };
    world.play_steps(&steps("MAIL FROM: john@doe.com"), "opensmtpd", 0, &[]).exits(1).says(&[
        "error: step 3 diverged: expected a reply matching ^250, got 553 5.1.0\n",
        "^^^^ the reply was \"553 5.1.0 Sender address syntax error\"\n",
        "= 553 5.1.0: ",
        "= help: put the address in angle brackets: `MAIL FROM:<a@b>`\n",
        "C: MAIL FROM: john@doe.com\n",
        "S: 553 5.1.0 Sender address syntax error     <-- step 3\n",
    ]);
    world.play_steps(&steps("MAIL FROM:<john@doe.com>"), "opensmtpd", 0, &[]).exits(0);
    for (server, port) in [("postfix", 0), ("exim", 0), ("aiosmtpd", 0), ("smtp-sink", 0)] {
        world.play_steps(&steps("MAIL FROM: john@doe.com"), server, port, &[]).exits(0);
    }
    // Dovecot does not even take the blank.
    world
        .play_steps(&steps("MAIL FROM: <john@doe.com>").replace("EHLO", "LHLO"), "dovecot", 2, &[])
        .exits(1)
        .says(&["error: step 3 diverged: expected a reply matching ^250, got 501 "]);
}

/// One after the other: postscreen remembers a client while it watches it.
fn postscreen(world: &World) {
    an_early_talker(world);
    a_greeting_of_two_parts_is_one_reply(world);
}

/// Who talks before the greeting is over never gets the rest of it.
fn an_early_talker(world: &World) {
    let early = "  - send: EHLO client.example\n";
    world.play_steps(&format!("{early}  - expect: ^220\n"), "postfix", 3, &[]).exits(1).says(&[
        "error: step 2 diverged: expected a reply matching ^220, got a malformed reply: the code changes from 220 to 250 within the reply\n",
        "what came: \"220-localhost please wait\\r\\n250-localhost\\r\\n\"\n",
    ]);
    let steps = "  - expect: {line: '^220-localhost please wait$'}\n  - expect: ^250\n  \
                 - send: MAIL FROM:<a@example.net>\n    expect: ^250\n  \
                 - send: RCPT TO:<john@example.com>\n    expect: {code: 550, enhanced: 5.5.1, text: Protocol error}\n";
    world.play_steps(&format!("{early}{steps}"), "postfix", 3, &[]).exits(0);
    let steps = "  - expect: {code: 554, text: synchronization, closed: true}\n";
    world.play_steps(&format!("{early}{steps}"), "exim", 2, &[]).exits(0);
}

/// postscreen sends the second line two seconds after the first.
fn a_greeting_of_two_parts_is_one_reply(world: &World) {
    let steps = "  - expect: {all: ['^220-localhost please wait$', '^220 localhost ESMTP Postfix$']}\n  \
                 - assert: reply.lines | length == 2 and reply.elapsed > 1.5\n  \
                 - send: EHLO client.example\n    expect: ^250\n  - send: QUIT\n    expect: ^221\n";
    world.play_steps(steps, "postfix", 3, &[]).exits(0);
    // The time for a reply is the time for all of it.
    world.play_steps(steps, "postfix", 3, &["--timeout", "1s"]).exits(1).says(&[
        "got only a part of it within 1 s\n",
        "\"220-localhost please wait\\r\\n\" had arrived\n",
        "S: 220-localhost please wait",
    ]);
}

fn a_greeting_of_three_lines(world: &World) {
    let steps = "  - expect: {all: ['^220-localhost ESMTP picky$', '^220-second line$', '^220 last line$']}\n  \
                 - send: QUIT\n    expect: ^221\n";
    world.play_steps(steps, "exim", 2, &[]).exits(0);
}

/// Behind the fifth 500 a 421 comes that nobody asked for. It can be expected; a script that does not is told so.
fn too_many_errors(world: &World) {
    let greeting = "  - expect: ^220\n  - send: EHLO client.example\n    expect: ^250\n";
    let error = "  - send: XYZZY\n    expect: 500\n";
    let last = "  - expect: {code: 421, enhanced: 4.7.0, closed: true}\n";
    world.play_steps(&format!("{greeting}{}{last}", error.repeat(5)), "postfix", 2, &[]).exits(0);
    world.play_steps(&format!("{greeting}{}", error.repeat(7)), "postfix", 2, &[]).exits(1).says(&[
        "error: step 8 diverged: ",
        "421 4.7.0",
        "S: 421 4.7.0 localhost Error: too many errors",
    ]);
}

/// The hardened port gives up after 5 s. That reply was not asked for, and can be expected all the same.
fn an_idle_session(world: &World) {
    let steps = "  - expect: ^220\n  - expect: {code: 421, text: timeout exceeded, closed: true}\n";
    world.play_steps(steps, "postfix", 2, &[]).exits(0);
    let steps = "  - expect: ^220\n  - expect: {silence: 8s}\n";
    world.play_steps(steps, "postfix", 2, &[]).exits(1).says(&[
        "error: step 2 diverged: expected silence, but the server sent \"421 4.4.2 localhost Error: timeout exceeded\\r\\n\"\n",
    ]);
}

fn pipelining_that_is_not_allowed(world: &World) {
    let steps = "  - expect: ^220\n  - send: [EHLO client.example, 'MAIL FROM:<a@example.net>']\n  - expect: ^250\n  - expect: ^250\n";
    world.play_steps(steps, "postfix", 0, &[]).exits(0);
    world.play_steps(steps, "postfix", 2, &[]).exits(1).says(&["got 554 5.5.0\n"]);
    world
        .play_steps(steps, "opensmtpd", 0, &[])
        .exits(1)
        .says(&["got 500 5.5.1\n", "the reply was \"500 5.5.1 Invalid command: Pipelining not supported\"\n"]);
}

fn a_vrfy_that_tells(world: &World) {
    world.play("scenarios/relay/vrfy.yaml", "exim", 0, &LOCAL).exits(1).says(&[
        "error: step 3 \"VRFY does not confirm the address\" diverged: expected reply code 252 or 5xx, got 250\n",
        "the reply was \"250 <john@example.com> is deliverable\"\n",
    ]);
}

/// All mistakes at once, and none of them reaches a server.
fn bad_input_connects_nowhere(world: &World) {
    let steps = "  - expect: 220 ready\n  - sned: EHLO client.example\n  - send: EHLO <<hots>>\n    expect: ^250(\n  \
                 - send: <<host.split('.')>>\n    expect: OK\n";
    let played = world.play_steps(steps, "postfix", 0, &["-v"]);
    played.exits(2).says(&[
        "error: this pattern is found anywhere: `220 ready` also matches a refusal that holds it\n",
        "scenario.yaml:6:13\n",
        "error: `sned` is not a key of a step\n",
        "= help: did you mean `send`?\n",
        "error: unknown name `hots`\n",
        "= help: did you mean `host`?\n",
        "error: not a valid pattern: unclosed group\n",
        "error: values have no method `split`\n",
        "error: this pattern is found anywhere: `OK` also matches a refusal that holds it\n",
        "1 scenario: 1 broken (",
    ]);
    assert!(!played.err.contains("connected to"), "{}", played.err);
}

const LMTP: &str = "  - expect: ^220
  - send: LHLO client.example
    expect: ^250[ -]PIPELINING
  - send: MAIL FROM:<probe@example.net>
    expect: ^250
  - send: RCPT TO:<testuser@example.com>
    expect: ^250
  - send: RCPT TO:<nobody-of-this-name@example.com>
    expect: ^550
  - send: RCPT TO:<john@example.com>
    expect: ^250
  - send: DATA
    expect: ^354
  - data: |
      Subject: to two of three

      Hi
    expect: ^250 .*<testuser@example\\.com>
";
const LAST_OF_LMTP: &str = "  - send: QUIT\n    expect: ^221\n";

fn lmtp_owes_a_reply_for_each_recipient(world: &World) {
    let second = "  - expect: ^250 .*<john@example\\.com>\n";
    world.play_steps(&format!("{LMTP}{second}{LAST_OF_LMTP}"), "dovecot", 2, &[]).exits(0);
    // There is no third.
    let third = format!("{LMTP}{second}{second}");
    world
        .play_steps(&third, "dovecot", 2, &["--timeout", "1s"])
        .exits(1)
        .says(&["error: step 10 diverged: ", "got nothing for 1 s\n"]);
}

/// Replies are counted: what answers the second recipient is never taken for the answer to QUIT.
fn an_lmtp_reply_that_nobody_reads(world: &World) {
    world.play_steps(&format!("{LMTP}{LAST_OF_LMTP}"), "dovecot", 2, &[]).exits(1).says(&[
        "error: step 9 diverged: expected a reply matching ^221, got 250 2.0.0\n",
        "the reply was \"250 2.0.0 <john@example.com> ",
    ]);
}
