//! What programs print where no reply came: the connection was not made, was lost, or TLS failed.
//!
//! Responsible for finding what a text tells; the words, in the languages of the systems, stand in `causes`. Not for
//! replies (`question`) nor for what this program saw itself (`play::diagnose`). Called by the command line, where a text
//! holds no reply code.

mod causes;

use causes::CAUSES;

/// Why no reply came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoReplyCause {
    /// Words that tell it, in lower case.
    signs: &'static [&'static str],
    /// What happened: the end of `no reply code stands in …: `.
    pub(crate) means: &'static str,
    /// What to do.
    pub(crate) help: &'static str,
}

/// What a text without a reply code tells, if it tells why none came.
#[must_use]
pub(crate) fn cause_of(text: &str) -> Option<&'static NoReplyCause> {
    let text = text.to_lowercase().replace('\u{2019}', "'").split_whitespace().collect::<Vec<_>>().join(" ");
    CAUSES.iter().find(|cause| cause.signs.iter().any(|sign| stands_in(&text, sign)))
}

/// What a text about a connection speaks of: without any of it a number, or a word such as `timeout`, may be anything.
const SUBJECTS: [&str; 20] = [
    "connect",
    "sock",
    "smtp",
    "tcp",
    "host",
    "server",
    "ssl",
    "tls",
    "certificat",
    "zertifikat",
    "verbind",
    "connexion",
    "conexi",
    "network",
    "netzwerk",
    "dns",
    "greeting",
    "exception",
    "errno",
    "the operation has",
];

/// Signs that other texts hold too.
const COMMON: [&str; 9] = [
    "timeout",
    "time-out",
    "timed out",
    "period of time",
    "délai",
    "tiempo de espera",
    "permission denied",
    "operation not permitted",
    "not yet valid",
];

/// Whether a text holds a sign: a number by itself, and what is common beside a subject.
fn stands_in(text: &str, sign: &str) -> bool {
    let is_number = sign.bytes().all(|byte| byte.is_ascii_digit());
    if (is_number || COMMON.contains(&sign)) && !SUBJECTS.iter().any(|subject| text.contains(subject)) {
        return false;
    }
    let ends = |at: usize| {
        let before = text[..at].chars().next_back().is_some_and(|letter| letter.is_ascii_digit());
        before || text[at + sign.len()..].starts_with(|letter: char| letter.is_ascii_digit())
    };
    text.match_indices(sign).any(|(at, _)| !is_number || !ends(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_in_lower_case_and_stand_in_one_row() {
        for (at, cause) in CAUSES.iter().enumerate() {
            for sign in cause.signs {
                assert_eq!(sign.to_lowercase(), **sign);
                let first = CAUSES.iter().position(|it| it.signs.iter().any(|other| sign.contains(other)));
                assert_eq!(first, Some(at), "{sign}");
            }
        }
    }

    #[test]
    fn numbers_of_errors_stand_alone() {
        assert!(cause_of("SocketException (10061)").is_some());
        assert!(cause_of("message 110612 of 210061 on a socket").is_none());
    }

    #[test]
    fn what_is_about_no_connection_tells_nothing() {
        for text in ["Order 11001 has left us", "the timeout of this offer is 30 days", "rm: a.txt: permission denied"]
        {
            assert_eq!(cause_of(text), None, "{text}");
        }
        assert!(cause_of("The operation has timed out.").is_some());
        assert!(cause_of("dial tcp 203.0.113.9:25: i/o timeout").is_some());
    }
}
