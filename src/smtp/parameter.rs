//! The parameters of MAIL and RCPT (RFC 5321 section 4.1.2), as one table.
//!
//! Responsible for which command takes each, whether it has a value, and the keyword of EHLO by which servers offer it. Called
//! where a refusal is explained, a recording is written and a scenario is checked; what values mean, `server::parameters` knows.

/// A parameter, or one with a value that needs a keyword of its own.
#[derive(Debug)]
pub(crate) struct EsmtpParameter {
    /// In upper case.
    pub(crate) name: &'static str,
    /// The only value that this row is about, in upper case.
    value: Option<&'static str>,
    /// Whether one stands after `=`.
    pub(crate) has_value: bool,
    /// MAIL or RCPT.
    pub(crate) command: &'static str,
    /// The keyword in a reply to EHLO.
    pub(crate) keyword: &'static str,
}

static PARAMETERS: [EsmtpParameter; 14] = [
    of("MAIL", "SIZE", "SIZE"),
    with("BODY", "8BITMIME", "8BITMIME"),
    with("BODY", "BINARYMIME", "BINARYMIME"),
    alone("SMTPUTF8"),
    of("MAIL", "RET", "DSN"),
    of("MAIL", "ENVID", "DSN"),
    of("RCPT", "NOTIFY", "DSN"),
    of("RCPT", "ORCPT", "DSN"),
    of("MAIL", "AUTH", "AUTH"),
    alone("REQUIRETLS"),
    of("MAIL", "BY", "DELIVERBY"),
    of("MAIL", "MT-PRIORITY", "MT-PRIORITY"),
    of("MAIL", "HOLDFOR", "FUTURERELEASE"),
    of("MAIL", "HOLDUNTIL", "FUTURERELEASE"),
];

const fn of(command: &'static str, name: &'static str, keyword: &'static str) -> EsmtpParameter {
    EsmtpParameter { name, value: None, has_value: true, command, keyword }
}

const fn with(name: &'static str, value: &'static str, keyword: &'static str) -> EsmtpParameter {
    EsmtpParameter { value: Some(value), ..of("MAIL", name, keyword) }
}

const fn alone(name: &'static str) -> EsmtpParameter {
    EsmtpParameter { has_value: false, ..of("MAIL", name, name) }
}

/// The parameter of this name, in any letter case, whatever its value.
pub(crate) fn named(name: &str) -> Option<&'static EsmtpParameter> {
    PARAMETERS.iter().find(|known| known.name.eq_ignore_ascii_case(name))
}

/// The parameter that a word after a path is, such as `BODY=8BITMIME`.
pub(crate) fn of_word(word: &str) -> Option<&'static EsmtpParameter> {
    let (name, value) = word.split_once('=').unwrap_or((word, ""));
    let fits = |known: &&EsmtpParameter| known.value.is_none_or(|wanted| wanted.eq_ignore_ascii_case(value));
    PARAMETERS.iter().filter(|known| known.name.eq_ignore_ascii_case(name)).find(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_known_by_name_and_value() {
        let keyword = |word: &str| of_word(word).map(|known| known.keyword);
        assert_eq!(keyword("size=100"), Some("SIZE"));
        assert_eq!(keyword("BODY=8bitmime"), Some("8BITMIME"));
        assert_eq!(keyword("BODY=BINARYMIME"), Some("BINARYMIME"));
        assert_eq!(keyword("BODY=7BIT"), None);
        assert_eq!(keyword("SMTPUTF8"), Some("SMTPUTF8"));
        assert_eq!(keyword("NOTIFY=NEVER"), Some("DSN"));
        assert_eq!(keyword("XFOO=1"), None);
        assert!(named("notify").is_some_and(|known| known.command == "RCPT" && known.has_value));
    }
}
