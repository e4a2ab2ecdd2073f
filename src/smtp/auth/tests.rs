//! The vectors of the RFCs, and servers that do not keep to them.

use super::scram::{ClientFirst, Hash, MAX_ITERATIONS, client_final, prepared};
use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

fn user(username: &str, password: &str) -> Credentials {
    Credentials { username: username.into(), password: password.into(), ..Credentials::default() }
}

fn exchange(mechanism: Mechanism, credentials: Credentials, nonce: &str) -> SaslClient {
    SaslClient::new(mechanism, credentials, nonce, None, false).unwrap()
}

/// The initial response as text.
fn begun(exchange: &mut SaslClient) -> String {
    String::from_utf8(exchange.initial_response().unwrap()).unwrap()
}

fn answer(exchange: &mut SaslClient, challenge: &str) -> String {
    String::from_utf8(exchange.respond(challenge.as_bytes()).unwrap()).unwrap()
}

const SHA1_NONCE: &str = "fyko+d2lbbFgONRv9qkxdawL";
const SHA1_CHALLENGE: &str = "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096";
const SHA1_SIGNATURE: &str = "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=";
const SHA256_CHALLENGE: &str = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

/// After the client's proof of RFC 5802's example.
fn proved() -> SaslClient {
    let mut exchange = exchange(Mechanism::ScramSha1, user("user", "pencil"), SHA1_NONCE);
    begun(&mut exchange);
    answer(&mut exchange, SHA1_CHALLENGE);
    exchange
}

#[test]
fn scram_sha_1_is_rfc_5802s() {
    let mut exchange = exchange(Mechanism::ScramSha1, user("user", "pencil"), SHA1_NONCE);
    assert_eq!(begun(&mut exchange), "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
    assert_eq!(
        answer(&mut exchange, SHA1_CHALLENGE),
        "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
    );
    assert_eq!(exchange.finish().unwrap_err().kind, FaultKind::Signature);
    assert_eq!(answer(&mut exchange, SHA1_SIGNATURE), "");
    assert_eq!(exchange.finish(), Ok(()));
}

#[test]
fn scram_sha_256_is_rfc_7677s() {
    let mut exchange = exchange(Mechanism::ScramSha256, user("user", "pencil"), "rOprNGfwEbeRWgbNEkqO");
    assert_eq!(begun(&mut exchange), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    assert_eq!(
        answer(&mut exchange, SHA256_CHALLENGE),
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    );
    assert_eq!(answer(&mut exchange, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), "");
    assert_eq!(exchange.finish(), Ok(()));
}

#[test]
fn scram_plus_binds_the_channel() {
    let bound = |binding| {
        let credentials = user("user", "pencil");
        SaslClient::new(Mechanism::ScramSha256Plus, credentials, "abc", binding, false)
    };
    let mut exchange = bound(Some(vec![1, 2, 3])).unwrap();
    assert_eq!(begun(&mut exchange), "p=tls-server-end-point,,n=user,r=abc");
    let last = answer(&mut exchange, "r=abcd,s=AAAA,i=1");
    let header = STANDARD.encode(b"p=tls-server-end-point,,\x01\x02\x03");
    assert!(last.starts_with(&format!("c={header},r=abcd,p=")), "{last}");
    assert!(bound(None).unwrap_err().message.contains("no TLS session"));
    // The client could, the server did not offer it.
    let mut unoffered = SaslClient::new(Mechanism::ScramSha256, user("u", "p"), "abc", Some(vec![1]), true).unwrap();
    assert_eq!(begun(&mut unoffered), "y,,n=u,r=abc");
    assert!(answer(&mut unoffered, "r=abcd,s=AAAA,i=1").starts_with("c=eSws,"));
}

#[test]
fn scram_names_are_escaped_and_prepared() {
    let credentials = Credentials { authzid: "a,b=c".into(), ..user("x=y,z", "p") };
    let mut escaped = exchange(Mechanism::ScramSha1, credentials, "n");
    assert_eq!(begun(&mut escaped), "n,a=a=2Cb=3Dc,n=x=3Dy=2Cz,r=n");
    // RFC 4013 section 3.
    assert_eq!([prepared("I\u{ad}X"), prepared("\u{aa}"), prepared("\u{2168}")], ["IX", "a", "IX"]);
    // What it refuses is used as it is: a character younger than Unicode 3.2, a control character.
    assert_eq!([prepared("\u{1f600}"), prepared("\u{7}")], ["\u{1f600}", "\u{7}"]);
    let first = ClientFirst::new(scram::ChannelBinding::None, "", "u", "n");
    let proof = |password| client_final(Hash::Sha1, &first, password, "r=nm,s=AAAA,i=1", b"").unwrap();
    assert_eq!(proof("\u{2168}"), proof("IX"));
    assert_eq!(
        ClientFirst::parse(&begun(&mut exchange(Mechanism::ScramSha1, user("a=,", ""), "n"))).unwrap().user(),
        Some("a=,".into())
    );
}

#[test]
fn wrong_signatures_are_refused() {
    for (challenge, kind) in [
        ("v=rmF9pqV8S7suAoZWja4dJRkFsKR=", FaultKind::Challenge),
        ("v=AAAApqV8S7suAoZWja4dJRkFsKQ=", FaultKind::Signature),
        ("v=", FaultKind::Signature),
        ("v=rmF9", FaultKind::Signature),
        ("v=!", FaultKind::Challenge),
        ("", FaultKind::Challenge),
        ("x=1", FaultKind::Challenge),
    ] {
        let mut exchange = proved();
        assert_eq!(exchange.respond(challenge.as_bytes()).unwrap_err().kind, kind, "{challenge}");
        assert_eq!(exchange.finish().unwrap_err().kind, FaultKind::Signature);
    }
    assert_eq!(proved().respond(b"\xff").unwrap_err().kind, FaultKind::Challenge);
    assert_eq!(answer(&mut proved(), &format!("{SHA1_SIGNATURE},x=later")), "");
}

#[test]
fn a_refusal_in_a_challenge_is_answered() {
    let mut exchange = proved();
    assert_eq!(answer(&mut exchange, "e=invalid-proof"), "");
    assert_eq!(exchange.server_error(), Some("invalid-proof"));
    assert!(exchange.finish().unwrap_err().message.contains("refused"));
    assert!(exchange.respond(b"").is_err());
}

#[test]
fn wrong_first_challenges_are_refused() {
    for (challenge, kind, part) in [
        ("r=abXd,s=AAAA,i=1", FaultKind::Nonce, "nonce"),
        ("r=abc,s=AAAA,i=1", FaultKind::Nonce, "nonce"),
        ("r=,s=AAAA,i=1", FaultKind::Nonce, "nonce"),
        ("m=x,r=abcd,s=AAAA,i=1", FaultKind::Challenge, "m="),
        ("s=AAAA,r=abcd,i=1", FaultKind::Challenge, "nonce"),
        ("r=abcd,i=1", FaultKind::Challenge, "salt"),
        ("r=abcd,s=AAAA", FaultKind::Challenge, "iteration"),
        ("r=abcd,s=A*A,i=1", FaultKind::Challenge, "base64"),
        ("r=abcd,s=,i=1", FaultKind::Challenge, "empty"),
        ("r=abcd,s=AAAA,i=0", FaultKind::Challenge, "positive"),
        ("r=abcd,s=AAAA,i=+1", FaultKind::Challenge, "positive"),
        ("r=abcd,s=AAAA,i=1000001", FaultKind::Iterations, "1000000"),
        ("r=abcd,s=AAAA,i=99999999999999", FaultKind::Iterations, "1000000"),
        ("", FaultKind::Challenge, "nonce"),
    ] {
        let mut exchange = exchange(Mechanism::ScramSha256, user("u", "p"), "abc");
        begun(&mut exchange);
        let fault = exchange.respond(challenge.as_bytes()).unwrap_err();
        assert_eq!(fault.kind, kind, "{challenge}");
        assert!(fault.message.contains(part), "{challenge}: {fault}");
    }
    assert_eq!(MAX_ITERATIONS, 1_000_000);
}

#[test]
fn cram_md5_is_rfc_2195s() {
    let mut exchange = exchange(Mechanism::CramMd5, user("tim", "tanstaaftanstaaf"), "");
    assert_eq!(exchange.initial_response(), None);
    assert!(exchange.respond(b"").is_err());
    assert_eq!(
        answer(&mut exchange, "<1896.697170952@postoffice.reston.mci.net>"),
        "tim b913a602c7eda7a495b4e6e7334d3890"
    );
    assert_eq!(exchange.finish(), Ok(()));
}

#[test]
fn plain_is_rfc_4616s() {
    let mut first = exchange(Mechanism::Plain, user("tim", "tanstaaftanstaaf"), "");
    assert_eq!(begun(&mut first), "\0tim\0tanstaaftanstaaf");
    let credentials = Credentials { authzid: "Ursel".into(), ..user("Kurt", "xipj3plmq") };
    let mut second = exchange(Mechanism::Plain, credentials, "");
    // `initial_response: false` waits for the empty challenge.
    assert!(second.finish().unwrap_err().message.contains("before"));
    assert_eq!(answer(&mut second, ""), "Ursel\0Kurt\0xipj3plmq");
    assert_eq!(second.finish(), Ok(()));
    assert!(second.respond(b"").unwrap_err().message.contains("none"));
    assert!(exchange(Mechanism::Plain, user("a", "b"), "").respond(b"go on").is_err());
    let nul = SaslClient::new(Mechanism::Plain, user("a", "b\0c"), "", None, false).unwrap_err();
    assert_eq!(nul.message, "the password holds a NUL, which the mechanism forbids");
}

#[test]
fn login_takes_any_prompt() {
    let mut exchange = exchange(Mechanism::Login, user("bob", "secret"), "");
    assert_eq!(exchange.initial_response(), None);
    assert_eq!(answer(&mut exchange, "User Name\0"), "bob");
    assert!(exchange.finish().is_err());
    assert_eq!(answer(&mut exchange, ""), "secret");
    assert_eq!(exchange.finish(), Ok(()));
}

#[test]
fn tokens_and_their_refusal() {
    let credentials = Credentials {
        username: "user@example.com".into(),
        token: "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==".into(),
        ..Credentials::default()
    };
    // RFC 7628 section 4.1, with and without what is optional.
    assert_eq!(
        messages::oauthbearer(&credentials.username, &credentials.token, "server.example.com", 143),
        "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01"
    );
    assert_eq!(messages::oauthbearer("", "t", "", 0), "n,,\x01auth=Bearer t\x01\x01");
    let error = "{\"status\":\"invalid_token\",\"scope\":\"example_scope\"}";
    for (mechanism, dummy) in [(Mechanism::OAuthBearer, "\x01"), (Mechanism::XOAuth2, "")] {
        let mut exchange = exchange(mechanism, credentials.clone(), "");
        assert!(begun(&mut exchange).ends_with("\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01"));
        assert_eq!(exchange.finish(), Ok(()));
        assert_eq!(answer(&mut exchange, error), dummy);
        assert_eq!(exchange.server_error(), Some(error));
        assert!(exchange.finish().is_err() && exchange.respond(b"").is_err());
    }
    let broken = Credentials { token: "a\x01b".into(), ..Credentials::default() };
    assert!(SaslClient::new(Mechanism::OAuthBearer, broken, "", None, false).is_err());
}

#[test]
fn external_and_anonymous_may_be_empty() {
    for mechanism in [Mechanism::External, Mechanism::Anonymous] {
        assert_eq!(exchange(mechanism, Credentials::default(), "").initial_response(), Some(Vec::new()));
    }
    assert_eq!(begun(&mut exchange(Mechanism::Anonymous, user("sirhc", ""), "")), "sirhc");
}

#[test]
fn names_of_mechanisms() {
    for mechanism in Mechanism::ALL {
        assert_eq!(mechanism.to_string().to_lowercase().parse(), Ok(mechanism));
    }
    let fault = "NTLM".parse::<Mechanism>().unwrap_err();
    assert!(fault.message.starts_with("`NTLM` is not a mechanism: known are SCRAM-SHA-256-PLUS, "), "{fault}");
}

#[test]
fn the_strongest_is_chosen() {
    let offered = |line: &str| Extensions::parse([b"mx".as_slice(), line.as_bytes()]);
    let all =
        offered("AUTH PLAIN login CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-1-PLUS XOAUTH2 EXTERNAL ANONYMOUS");
    assert_eq!(strongest(&all, true, false, true), Some(Mechanism::ScramSha1Plus));
    assert_eq!(strongest(&all, true, false, false), Some(Mechanism::ScramSha256));
    assert_eq!(strongest(&all, true, true, true), Some(Mechanism::XOAuth2));
    assert_eq!(strongest(&all, false, true, false), None);
    let plain = offered("AUTH login PLAIN EXTERNAL");
    assert_eq!(strongest(&plain, true, false, true), Some(Mechanism::Plain));
    assert_eq!(strongest(&plain, false, false, false), None);
    assert_eq!(strongest(&offered("SIZE"), true, false, true), None);
}

#[test]
fn nothing_secret_is_shown() {
    let credentials = Credentials { token: "tokentoken".into(), ..user("username", "passwordpassword") };
    let shown = format!("{credentials:?} {:?}", exchange(Mechanism::Plain, credentials.clone(), ""));
    assert!(!["username", "tokentoken", "passwordpassword"].iter().any(|secret| shown.contains(secret)), "{shown}");
}

fn any_challenge() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<Vec<u8>>(),
        "[rsivem=,+/0-9A-Za-z]{0,40}".prop_map(String::into_bytes),
        "r=abc[a-z,]{0,9},s=[A-Za-z=]{0,8},i=[0-9]{0,2}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn no_challenge_panics(challenges in proptest::collection::vec(any_challenge(), 0..5), begins: bool) {
        for mechanism in Mechanism::ALL {
            let credentials = Credentials { token: "t".into(), ..user("ü,=", "p\u{2168}") };
            let mut exchange = SaslClient::new(mechanism, credentials, "abc", Some(vec![0]), false).unwrap();
            if begins {
                exchange.initial_response();
            }
            for challenge in &challenges {
                let _ = exchange.respond(challenge);
            }
            // No random server knows the password.
            prop_assert!(mechanism.scram_hash().is_none() || exchange.finish().is_err());
        }
    }

    #[test]
    fn parsing_a_client_never_panics(message: String) {
        if let Some(first) = ClientFirst::parse(&message) {
            prop_assert_eq!(first.message(), message);
            first.user();
        }
    }
}
