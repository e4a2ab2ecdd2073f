//! How a login goes on after the line AUTH, where the server accepts each message of it.
//!
//! Responsible for what is known of a mechanism by its name alone, also of those that nobody logs in by here. Called by the
//! lints, which read what a scenario expects.

/// What follows the line AUTH.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginCourse {
    /// 235 at once.
    Accepted,
    /// The server asks for this many responses by 334.
    Responses(u8),
    /// The server asks by 334, and nobody knows how many times.
    Asks,
    /// Nothing is known.
    Unknown,
}

impl LoginCourse {
    /// The course of a mechanism by its name in upper case.
    pub(crate) fn of(mechanism: &str, has_initial_response: bool) -> LoginCourse {
        match (mechanism, has_initial_response) {
            ("PLAIN", true) => LoginCourse::Accepted,
            ("PLAIN", false) | ("LOGIN", true) | ("CRAM-MD5", _) => LoginCourse::Responses(1),
            ("LOGIN", false) => LoginCourse::Responses(2),
            // The server speaks before the client's last word (RFC 5802, RFC 2831, RFC 4752).
            ("DIGEST-MD5" | "NTLM" | "GSSAPI", _) => LoginCourse::Asks,
            (name, _) if name.starts_with("SCRAM-") => LoginCourse::Asks,
            _ => LoginCourse::Unknown,
        }
    }
}
