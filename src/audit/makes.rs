//! Which make a server seems to be, by what it says of itself: a guess, which no verdict depends on.

/// What a server says, in lower case, and its make as `mend` names it.
const MAKES: [(&str, &str); 23] = [
    ("postfix", "postfix"),
    ("exim", "exim"),
    ("error: command not recognized", "postfix"),
    ("opensmtpd", "opensmtpd"),
    ("dovecot", "dovecot"),
    ("sendmail", "sendmail"),
    ("courier", "courier"),
    ("haraka", "haraka"),
    ("qpsmtpd", "qpsmtpd"),
    ("chasquid", "chasquid"),
    ("python smtp", "aiosmtpd"),
    ("aiosmtpd", "aiosmtpd"),
    ("microsoft esmtp", "exchange"),
    ("gsmtp", "gmail"),
    ("amazonses", "ses"),
    ("mailutils", "mailutils"),
    ("stalwart", "stalwart"),
    ("maddy", "maddy"),
    ("mailenable", "mailenable"),
    ("smtp-sink", "smtp-sink"),
    ("qmail", "qmail"),
    ("kerio", "kerio"),
    ("zimbra", "zimbra"),
];

/// The make of a server that said this in its greeting, to EHLO and to HELP.
pub(crate) fn make_of(said: &str) -> Option<&'static str> {
    let said = said.to_lowercase();
    MAKES.iter().find(|(word, _)| said.contains(word)).map(|(_, make)| *make)
}

#[cfg(test)]
mod tests {
    use super::make_of;

    #[test]
    fn makes_are_found_by_their_names() {
        assert_eq!(make_of("220 mx.example.com ESMTP Postfix (Debian)"), Some("postfix"));
        assert_eq!(make_of("220 mx.example.com ESMTP"), None);
    }
}
