//! Each mechanism against its client, and clients that do not keep to the rules.

use proptest::prelude::*;

use super::*;
use crate::smtp::auth::{self, Credentials};

const END_POINT: &[u8] = b"the hash of a certificate";

fn logins() -> [Login; 2] {
    [Login::User { name: "bob".into(), password: "secret".into() }, Login::AnyUser { password: "anybody's".into() }]
}

fn gate_of<'a>(logins: &'a [Login], end_point: Option<&'a [u8]>) -> Gate<'a> {
    Gate { logins, mechanisms: None, end_point, certificate: None }
}

/// Plays the whole exchange of a client; the last turn, and what the client thinks of it.
fn played(mechanism: Mechanism, user: &str, secret: &str, gate: Gate<'_>) -> (ServerTurn, bool) {
    let credentials =
        Credentials { username: user.into(), password: secret.into(), token: secret.into(), authzid: String::new() };
    let binding = gate.end_point.map(<[u8]>::to_vec);
    let mut client = auth::SaslClient::new(mechanism, credentials, "nonce", binding, false).unwrap();
    let first = client.initial_response().map(|message| STANDARD.encode(message));
    let mut turn = SaslServer::start(mechanism.name(), first.as_deref(), gate);
    while let ServerTurn::Challenge(exchange, challenge) = turn {
        let challenge = STANDARD.decode(challenge.strip_prefix("334 ").unwrap()).unwrap();
        turn = exchange.take(&STANDARD.encode(client.respond(&challenge).unwrap()), gate);
    }
    (turn, client.finish().is_ok())
}

#[test]
fn every_mechanism_with_its_client() {
    let logins = logins();
    for end_point in [None, Some(END_POINT)] {
        let gate = gate_of(&logins, end_point);
        for name in gate.mechanisms() {
            let mechanism = name.parse().unwrap();
            for (user, secret) in [("bob", "secret"), ("alice", "anybody's"), ("bob", "anybody's")] {
                assert_eq!(
                    played(mechanism, user, secret, gate),
                    (ServerTurn::Verdict(true), true),
                    "{name} {user} {secret}"
                );
            }
            for (user, secret) in [("bob", "Secret"), ("alice", "secret"), ("bob", "")] {
                assert_eq!(
                    played(mechanism, user, secret, gate).0,
                    ServerTurn::Verdict(false),
                    "{name} {user} {secret}"
                );
            }
        }
    }
}

#[test]
fn an_empty_user_name_is_nobodys() {
    let logins = logins();
    let gate = gate_of(&logins, None);
    for name in gate.mechanisms().into_iter().filter(|name| *name != "OAUTHBEARER") {
        assert_eq!(played(name.parse().unwrap(), "", "anybody's", gate).0, ServerTurn::Verdict(false), "{name}");
    }
    // There the token says whose it is.
    assert_eq!(played(Mechanism::OAuthBearer, "", "anybody's", gate).0, ServerTurn::Verdict(true));
}

#[test]
fn without_passwords() {
    let gate = gate_of(&[], None);
    assert_eq!(SaslServer::start("EXTERNAL", Some("="), gate), ServerTurn::Refused(NO_CERTIFICATE));
    assert_eq!(SaslServer::start("anonymous", Some("="), gate), ServerTurn::Verdict(true));
    for name in ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "NTLM", ""] {
        assert_eq!(SaslServer::start(name, None, gate), ServerTurn::Refused(UNKNOWN_MECHANISM), "{name}");
    }
}

#[test]
fn external_goes_by_the_certificate() {
    let names = ["bob".to_owned(), "bob@example.com".to_owned()];
    let gate = Gate { certificate: Some(&names), ..gate_of(&[], None) };
    assert_eq!(gate.mechanisms().last(), Some(&"EXTERNAL"));
    let start = |identity: &[u8]| SaslServer::start("EXTERNAL", Some(&STANDARD.encode(identity)), gate);
    assert_eq!(SaslServer::start("EXTERNAL", Some("="), gate), ServerTurn::Verdict(true));
    assert_eq!(start(b"Bob@Example.com"), ServerTurn::Verdict(true));
    assert_eq!(start(b"alice"), ServerTurn::Verdict(false));
    assert_eq!(start(b"\xff"), ServerTurn::Refused(NOT_UTF8));
}

#[test]
fn anybody_may_come_in_where_the_mechanism_shows_who() {
    let gate = gate_of(&[Login::Anybody], Some(END_POINT));
    assert_eq!(gate.mechanisms(), ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER"]);
    for name in gate.mechanisms() {
        assert_eq!(
            played(name.parse().unwrap(), "whoever", "whatever", gate),
            (ServerTurn::Verdict(true), true),
            "{name}"
        );
    }
    assert_eq!(played(Mechanism::Plain, "", "whatever", gate).0, ServerTurn::Verdict(false));
    assert_eq!(SaslServer::start("SCRAM-SHA-256", None, gate), ServerTurn::Refused(UNKNOWN_MECHANISM));
}

#[test]
fn chosen_mechanisms_only() {
    let logins = logins();
    let chosen = [Mechanism::Anonymous, Mechanism::Login, Mechanism::ScramSha1Plus];
    let gate = Gate { mechanisms: Some(&chosen), ..gate_of(&logins, None) };
    assert_eq!(gate.mechanisms(), ["LOGIN", "ANONYMOUS"]);
    assert_eq!(SaslServer::start("PLAIN", None, gate), ServerTurn::Refused(UNKNOWN_MECHANISM));
}

#[test]
fn scram_insists_on_channel_binding() {
    let logins = logins();
    let bound = gate_of(&logins, Some(END_POINT));
    let start = |mechanism: &str, message: &str| SaslServer::start(mechanism, Some(&STANDARD.encode(message)), bound);
    for (mechanism, message, refusal) in [
        ("SCRAM-SHA-1", "y,,n=bob,r=x", DOWNGRADED_START),
        ("SCRAM-SHA-1-PLUS", "n,,n=bob,r=x", NOT_BOUND_START),
        ("SCRAM-SHA-256-PLUS", "p=tls-unique,,n=bob,r=x", NOT_BOUND_START),
        ("SCRAM-SHA-256", "p=tls-server-end-point,,n=bob,r=x", NOT_BOUND_START),
        ("SCRAM-SHA-256", "n,,n=bob,r=", "501"),
        ("SCRAM-SHA-256", "n,,n=b=b,r=x", "501"),
        ("SCRAM-SHA-256", "x,,n=bob,r=x", "501"),
        ("SCRAM-SHA-256", "n=bob", "501"),
    ] {
        let ServerTurn::Refused(reply) = start(mechanism, message) else { panic!("{mechanism} {message}") };
        assert!(reply.starts_with(refusal), "{mechanism} {message}: {reply}");
    }
    // A proof for another certificate.
    let credentials = Credentials { username: "bob".into(), password: "secret".into(), ..Credentials::default() };
    let mechanism = Mechanism::ScramSha256Plus;
    let mut client = auth::SaslClient::new(mechanism, credentials, "x", Some(b"other".to_vec()), false).unwrap();
    let first = STANDARD.encode(client.initial_response().unwrap());
    let ServerTurn::Challenge(exchange, challenge) = SaslServer::start(mechanism.name(), Some(&first), bound) else {
        panic!()
    };
    let challenge = STANDARD.decode(challenge.strip_prefix("334 ").unwrap()).unwrap();
    let proof = STANDARD.encode(client.respond(&challenge).unwrap());
    let ServerTurn::Refused(reply) = exchange.take(&proof, bound) else { panic!() };
    assert!(reply.starts_with(NOT_BOUND_START));
}

const DOWNGRADED_START: &str = "535 5.7.8 The client did not see";
const NOT_BOUND_START: &str = "535 5.7.8 The exchange is not bound";

#[test]
fn plain_wants_two_nuls() {
    let logins = logins();
    let gate = gate_of(&logins, None);
    assert_eq!(SaslServer::Plain.take(&STANDARD.encode("admin\0bob\0secret"), gate), ServerTurn::Verdict(true));
    for message in ["", "bob\0secret", "a\0b\0c\0d"] {
        assert_eq!(
            SaslServer::Plain.take(&STANDARD.encode(message), gate),
            ServerTurn::Refused(NOT_PLAIN),
            "{message:?}"
        );
    }
    assert_eq!(SaslServer::start("plain", Some("="), gate), ServerTurn::Refused(NOT_PLAIN));
}

proptest! {
    #[test]
    fn no_response_panics(
        which in 0..Mechanism::ALL.len(),
        responses in proptest::collection::vec(prop_oneof![any::<Vec<u8>>(), "[ny],,n=[a-z=]*,r=[a-z]*".prop_map(String::into_bytes)], 1..4),
    ) {
        let logins = logins();
        let gate = gate_of(&logins, Some(END_POINT));
        let mut turn = SaslServer::start(Mechanism::ALL[which].name(), None, gate);
        for response in &responses {
            let ServerTurn::Challenge(exchange, reply) = turn else { break };
            prop_assert!(reply.starts_with("334 "));
            turn = exchange.take(&STANDARD.encode(response), gate);
        }
        prop_assert!(Mechanism::ALL[which] == Mechanism::Anonymous || turn != ServerTurn::Verdict(true));
    }
}
