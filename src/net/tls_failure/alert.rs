//! The alerts of TLS: what an other side says when it gives up, in words, and what helps.

use super::TlsHelp;

pub(super) fn alert_number(text: &str) -> Option<u8> {
    let (_, tail) = text.split_once("SSL alert number ")?;
    let digits = tail.split(|it: char| !it.is_ascii_digit()).next()?;
    digits.parse().ok()
}

pub(super) fn alert_in_words(number: u8) -> String {
    match ALERTS.iter().find(|(known, _)| *known == number) {
        Some((_, name)) => format!("the alert `{name}` ({number})"),
        None => format!("the alert number {number}"),
    }
}

pub(super) fn alert_help(number: u8) -> Option<TlsHelp> {
    let (in_scenario, by_options) = match number {
        40 => (
            "no cipher or parameter in common, or it demands a client certificate (`client_certificate`, `client_key`)",
            "no cipher or parameter in common, or it demands a client certificate, which a scenario can give",
        ),
        42..=46 | 48 => (
            "it does not accept the client's certificate; check `client_certificate`",
            "it does not accept the client's certificate",
        ),
        70 => (
            "it allows none of the versions offered; check `min_version` and `max_version`",
            "it allows none of the versions offered: a scenario may allow older ones by `min_version`",
        ),
        112 => ("it does not know the name asked for; check `server_name`", "it does not know the name asked for"),
        116 => (
            "it demands a client certificate; give `client_certificate` and `client_key`",
            "it demands a client certificate: a scenario gives one by `client_certificate` and `client_key`",
        ),
        _ => return None,
    };
    Some(TlsHelp { in_scenario, by_options })
}

/// The alerts of RFC 8446 6 and RFC 5246 7.2, in words.
const ALERTS: [(u8, &str); 31] = [
    (0, "close notify"),
    (10, "unexpected message"),
    (20, "bad record mac"),
    (21, "decryption failed"),
    (22, "record overflow"),
    (30, "decompression failure"),
    (40, "handshake failure"),
    (41, "no certificate"),
    (42, "bad certificate"),
    (43, "unsupported certificate"),
    (44, "certificate revoked"),
    (45, "certificate expired"),
    (46, "certificate unknown"),
    (47, "illegal parameter"),
    (48, "unknown ca"),
    (49, "access denied"),
    (50, "decode error"),
    (51, "decrypt error"),
    (60, "export restriction"),
    (70, "protocol version"),
    (71, "insufficient security"),
    (80, "internal error"),
    (86, "inappropriate fallback"),
    (90, "user canceled"),
    (100, "no renegotiation"),
    (109, "missing extension"),
    (110, "unsupported extension"),
    (112, "unrecognized name"),
    (115, "unknown psk identity"),
    (116, "certificate required"),
    (120, "no application protocol"),
];
