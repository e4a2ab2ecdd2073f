//! smtp-sink misbehaves in one way on each port: each is told at the step where it shows.

use crate::Test;
use crate::program::smtp_script;
use crate::world::{FAULTS, World};
use socket2::{Domain, Socket, Type};
use std::net::SocketAddr;

pub(crate) const TESTS: &[Test] = &[
    ("faults::none", |world| _ = world.play(DELIVERY, "smtp-sink", 0, &[]).exits(0)),
    ("faults::a_refused_recipient", |world| told(world, "-f RCPT", REFUSED_RECIPIENT)),
    ("faults::a_sender_to_try_later", |world| told(world, "-r MAIL", SENDER_LATER)),
    ("faults::closed_at_data", |world| told(world, "-q DATA", CLOSED_AT_DATA)),
    ("faults::a_farewell_at_rcpt", |world| told(world, "-Q RCPT", FAREWELL_AT_RCPT)),
    ("faults::closed_at_the_dot", |world| told(world, "-q .", CLOSED_AT_DOT)),
    ("faults::a_farewell_at_the_dot", |world| told(world, "-Q .", FAREWELL_AT_DOT)),
    ("faults::a_refused_message", |world| told(world, "-f . -B '554 5.6.0 no'", REFUSED_MESSAGE)),
    ("faults::no_esmtp", no_esmtp),
    ("faults::a_close_can_be_what_is_expected", a_close_can_be_what_is_expected),
    ("faults::nothing_listens", nothing_listens),
];

const DELIVERY: &str = "scenarios/relay/delivery.yaml";

const REFUSED_RECIPIENT: &[&str] = &[
    "error: step 4 \"the recipient is accepted\" diverged: expected a reply matching ^250, got 500 5.3.0\n",
    "the reply was \"500 5.3.0 Error: command failed\"\n",
    "S: 500 5.3.0 Error: command failed     <-- step 4\n",
];
const SENDER_LATER: &[&str] = &[
    "error: step 3 diverged: expected a reply matching ^250, got 450 4.3.0\n",
    "S: 450 4.3.0 Error: command failed     <-- step 3\n",
];
const CLOSED_AT_DATA: &[&str] = &[
    "error: step 5 diverged: expected a reply matching ^354, but the server closed the connection\n",
    "C: DATA\n",
    "*  closed by the server     <-- step 5\n",
];
const FAREWELL_AT_RCPT: &[&str] = &[
    "error: step 4 \"the recipient is accepted\" diverged: expected a reply matching ^250, got 421 4.0.0\n",
    "= 421 4.0.0: service not available; the server is closing the connection (RFC 5321 section 4.2.3)\n",
    "S: 421 4.0.0 Server closing connection     <-- step 4\n",
];
const CLOSED_AT_DOT: &[&str] = &[
    "error: step 6 \"the message is accepted\" diverged: expected a reply matching ^250, but the server closed the connection\n",
    "C: .\n",
    "*  closed by the server     <-- step 6\n",
];
const FAREWELL_AT_DOT: &[&str] = &[
    "error: step 6 \"the message is accepted\" diverged: expected a reply matching ^250, got 421 4.0.0\n",
    "S: 421 4.0.0 Server closing connection     <-- step 6\n",
];
const REFUSED_MESSAGE: &[&str] = &[
    "error: step 6 \"the message is accepted\" diverged: expected a reply matching ^250, got 554 5.6.0\n",
    "S: 554 5.6.0 no     <-- step 6\n",
];

fn told(world: &World, fault: &str, parts: &[&str]) {
    let port = 3 + FAULTS.iter().position(|known| *known == fault).unwrap();
    world.play(DELIVERY, "smtp-sink", port, &[]).exits(1).says(parts).says(&["1 scenario: 1 diverged ("]);
}

fn no_esmtp(world: &World) {
    world.play(DELIVERY, "smtp-sink", 1, &[]).exits(1).says(&[
        "error: step 2 diverged: expected a reply matching ^250, got 500 5.5.1\n",
        "= help: the server does not know EHLO: send HELO instead\n",
    ]);
}

fn a_close_can_be_what_is_expected(world: &World) {
    let session = |last: &str| {
        format!(
            "  - expect: ^220\n  - send: EHLO client.example\n    expect: ^250\n  \
             - send: MAIL FROM:<a@example.net>\n    expect: ^250\n  - send: RCPT TO:<b@example.com>\n    expect: {last}\n"
        )
    };
    let port = |fault: &str| 3 + FAULTS.iter().position(|known| *known == fault).unwrap();
    world.play_steps(&session("{code: 421, closed: true}"), "smtp-sink", port("-Q RCPT"), &[]).exits(0);
    let closed = format!("{}  - send: DATA\n    expect: {{closed: true}}\n", session("^250"));
    world.play_steps(&closed, "smtp-sink", port("-q DATA"), &[]).exits(0);
    // A server that answers and stays does not follow that script.
    world
        .play_steps(&session("{code: 250, closed: true}"), "smtp-sink", 0, &["--timeout", "1s"])
        .exits(1)
        .says(&["error: step 4 diverged: expected the server to close, got nothing for 1 s\n"]);
}

/// The port is taken and nobody listens at it, nor can anybody else.
fn nothing_listens(_: &World) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap().to_string();
    smtp_script(&["run", DELIVERY, "--to", &address]).exits(3).says(&[
        "error: could not connect: ",
        "= help: nothing listens there: is the server running, and is this its port (25, 587, 465)?\n",
    ]);
}
