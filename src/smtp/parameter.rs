//! The parameters of MAIL and RCPT (RFC 5321 section 4.1.2), as one table.
//!
//! Responsible for which command takes each, what its value may be, and the keyword of EHLO by which servers offer it. Called
//! where a refusal is explained, a recording is written, a scenario is checked and the own server takes a command.

/// The replies that refuse a value.
pub(crate) const BAD_SIZE: &str = "501 5.5.4 SIZE wants a number of octets";
pub(crate) const BAD_BODY: &str = "501 5.5.4 BODY wants 7BIT, 8BITMIME or BINARYMIME";
pub(crate) const BAD_SMTPUTF8: &str = "501 5.5.4 SMTPUTF8 takes no value";
pub(crate) const BAD_RET: &str = "501 5.5.4 RET wants FULL or HDRS";
pub(crate) const BAD_ENVID: &str = "501 5.5.4 ENVID wants xtext of at most 100 characters";
pub(crate) const BAD_AUTH: &str = "501 5.5.4 AUTH wants a mailbox in xtext, or <>";
pub(crate) const BAD_NOTIFY: &str = "501 5.5.4 NOTIFY wants NEVER, or a list of SUCCESS, FAILURE and DELAY";
pub(crate) const BAD_ORCPT: &str = "501 5.5.4 ORCPT wants an address type, a semicolon, and the address in xtext";

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

/// The reply to a value that this parameter cannot have; nothing where the parameter is not known.
pub(crate) fn refusal(name: &str, value: Option<&str>) -> Option<&'static str> {
    let with = |fits: &dyn Fn(&str) -> bool| value.is_some_and(fits);
    let (fits, refusal) = match name.to_ascii_uppercase().as_str() {
        "SIZE" => (with(&is_size), BAD_SIZE),
        "BODY" => (with(&is_body), BAD_BODY),
        "SMTPUTF8" => (value.is_none(), BAD_SMTPUTF8),
        "RET" => (with(&|value| is_one_of(value, &["FULL", "HDRS"])), BAD_RET),
        "ENVID" => (with(&|value| value.len() <= 100 && is_xtext(value)), BAD_ENVID),
        "AUTH" => (with(&|value| value == "<>" || is_xtext(value)), BAD_AUTH),
        "NOTIFY" => (with(&is_notify), BAD_NOTIFY),
        "ORCPT" => (with(&is_original_recipient), BAD_ORCPT),
        _ => return None,
    };
    (!fits).then_some(refusal)
}

/// What the value of this parameter must be, in words, where it is not.
pub(crate) fn wanted(name: &str, value: Option<&str>) -> Option<&'static str> {
    refusal(name, value).map(|reply| reply.trim_start_matches(|letter: char| !letter.is_ascii_alphabetic()))
}

/// A parameter of this name that servers take.
pub(crate) fn example(name: &str) -> Option<&'static str> {
    let examples = [
        "SIZE=1000",
        "BODY=8BITMIME",
        "SMTPUTF8",
        "RET=HDRS",
        "ENVID=QQ314159",
        "AUTH=<>",
        "NOTIFY=SUCCESS,FAILURE",
        "ORCPT=rfc822;john@doe.com",
    ];
    examples.into_iter().find(|example| example.split('=').next().is_some_and(|known| known.eq_ignore_ascii_case(name)))
}

/// The name of a parameter (RFC 5321 section 4.1.2).
pub(crate) fn is_keyword(keyword: &str) -> bool {
    keyword.starts_with(|c: char| c.is_ascii_alphanumeric())
        && keyword.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn is_size(value: &str) -> bool {
    (1..=20).contains(&value.len()) && value.bytes().all(|octet| octet.is_ascii_digit())
}

fn is_body(value: &str) -> bool {
    is_one_of(value, &["7BIT", "8BITMIME", "BINARYMIME"])
}

fn is_notify(value: &str) -> bool {
    let is_condition = |word| is_one_of(word, &["SUCCESS", "FAILURE", "DELAY"]);
    value.eq_ignore_ascii_case("NEVER") || value.split(',').all(is_condition)
}

/// `rfc822;xtext`; a `utf-8` address has an encoding of its own (RFC 6533 3), which is taken as it comes.
fn is_original_recipient(value: &str) -> bool {
    value.split_once(';').is_some_and(|(kind, address)| {
        let is_kind = is_keyword(kind) && value.len() <= 500;
        is_kind && !address.is_empty() && (kind.eq_ignore_ascii_case("utf-8") || is_xtext(address))
    })
}

fn is_one_of(value: &str, words: &[&str]) -> bool {
    words.iter().any(|word| word.eq_ignore_ascii_case(value))
}

/// Printable ASCII but `+` and `=`, and `+` with two upper-case hexadecimal digits (RFC 3461 4).
fn is_xtext(value: &str) -> bool {
    let mut pieces = value.split('+');
    let is_plain = |piece: &str| piece.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'=');
    pieces.next().is_some_and(is_plain)
        && pieces.all(|piece| piece.get(..2).is_some_and(is_upper_case_hexadecimal) && is_plain(piece))
}

fn is_upper_case_hexadecimal(digits: &str) -> bool {
    digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'A'..=b'F'))
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
