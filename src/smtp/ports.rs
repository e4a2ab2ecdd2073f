//! The ports of SMTP: what each is for, and what it is called.

/// Mail from server to server (RFC 5321 section 4.5.4.2), and of a connection that names no port.
pub const SMTP_PORT: u16 = 25;
/// Mail that users submit, with STARTTLS (RFC 6409 section 3.1).
pub const SUBMISSION_PORT: u16 = 587;
/// Mail that users submit, with TLS from the first octet (RFC 8314 section 3.3).
pub const SUBMISSIONS_PORT: u16 = 465;

/// What ports are called by name (/etc/services, RFC 6409, RFC 8314).
const NAMES: [(&str, u16); 7] = [
    ("smtp", SMTP_PORT),
    ("mail", SMTP_PORT),
    ("submission", SUBMISSION_PORT),
    ("submissions", SUBMISSIONS_PORT),
    ("smtps", SUBMISSIONS_PORT),
    ("ssmtp", SUBMISSIONS_PORT),
    ("lmtp", 24),
];

/// `HOST:PORT`, an IPv6 address in brackets.
pub(crate) fn host_port(host: &str, port: u16) -> String {
    let bare = host.trim_matches(['[', ']']);
    if bare.contains(':') { format!("[{bare}]:{port}") } else { format!("{bare}:{port}") }
}

/// The port of this name.
#[must_use]
pub fn port_named(name: &str) -> Option<u16> {
    NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, port)| *port)
}
