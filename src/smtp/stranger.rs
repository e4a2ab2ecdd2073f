//! Servers of other protocols, told by the first octets they send.
//!
//! Responsible for the table of those that people reach by mistake, and for what is said of each. Called where octets came
//! that are no reply: by `play` and `shell`.

/// A server that is no mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stranger {
    /// What to do about it.
    pub(crate) help: &'static str,
}

/// What is said where nobody knows what answers.
pub(crate) const NO_MAIL_SERVER: &str = "this is neither SMTP nor TLS: is the port right (25, 587, 465)?";

const HTTP: &str = "this is an HTTP server: is the port right (25, 587 or 465 for SMTP)?";
const IMAP: &str =
    "this is an IMAP server, for reading mail: mail is sent by SMTP, often on port 587 or 465 of the same host";
const POP3: &str =
    "this is a POP3 server, for reading mail: mail is sent by SMTP, often on port 587 or 465 of the same host";

/// How the first line of each begins.
const OPENINGS: [(&[u8], &str); 12] = [
    (b"HTTP/", HTTP),
    (b"<!DOCTYPE", HTTP),
    (b"<html", HTTP),
    (b"SSH-", "this is an SSH server: is the port right (25, 587 or 465 for SMTP)?"),
    (b"+OK", POP3),
    (b"-ERR", POP3),
    (b"* OK ", IMAP),
    (b"* PREAUTH", IMAP),
    (b"* BYE", IMAP),
    (
        b"\"IMPLEMENTATION\"",
        "this is a ManageSieve server: mail is sent by SMTP, often on port 587 or 465 of the same host",
    ),
    (b"RFB ", "this is a VNC server: is the port right (25, 587 or 465 for SMTP)?"),
    (b"@RSYNCD:", "this is an rsync server: is the port right (25, 587 or 465 for SMTP)?"),
];

/// Whose first octets these are; `None` where nobody knows.
pub(crate) fn stranger(octets: &[u8]) -> Option<Stranger> {
    let begins = |opening: &[u8]| octets.get(..opening.len()).is_some_and(|head| head.eq_ignore_ascii_case(opening));
    OPENINGS.iter().find(|(opening, _)| begins(opening)).map(|(_, help)| Stranger { help })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_of_other_protocols_are_known() {
        for (octets, name) in [
            (&b"HTTP/1.1 400 Bad Request\r\n"[..], "HTTP"),
            (b"<!doctype html>", "HTTP"),
            (b"SSH-2.0-OpenSSH_9.6\r\n", "SSH"),
            (b"+OK ready\r\n", "POP3"),
            (b"* OK [CAPABILITY IMAP4rev1] ready\r\n", "IMAP"),
        ] {
            assert!(stranger(octets).is_some_and(|it| it.help.contains(name)), "{name}");
        }
        for octets in [&b"220 mx.example ESMTP\r\n"[..], b"* ", b"", b"\x16\x03\x01", b"* OKAY"] {
            assert_eq!(stranger(octets), None, "{octets:?}");
        }
    }
}
