//! The parameters of MAIL and RCPT: SIZE, BODY, SMTPUTF8, AUTH and the ones of delivery status notifications.
//!
//! Responsible for which of them the server takes, and for their syntax; a refusal is the whole reply that the client gets.

use crate::smtp::parameter;

/// The reply that refuses a command.
pub(crate) type ParameterRefusal = &'static str;

const BAD_SYNTAX: ParameterRefusal = "501 5.5.4 Parameters are KEYWORD or KEYWORD=VALUE, each one once";
const UNKNOWN: ParameterRefusal = "555 5.5.4 Parameter not recognized";

/// What the parameters of MAIL say that matters to the protocol.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct MailParameters {
    /// The announced size in octets (RFC 1870), 0 when unknown; more than `u64` holds counts as its maximum.
    pub(crate) size: u64,
    /// Addresses of this transaction may hold UTF-8 (RFC 6531).
    pub(crate) smtp_utf8: bool,
    /// The message is no lines of text and comes by BDAT (RFC 3030 3).
    pub(crate) is_binary: bool,
}

impl MailParameters {
    /// Reads the parameters of MAIL.
    ///
    /// # Errors
    /// The refusal of the first parameter that is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, ParameterRefusal> {
        let mut parsed = Self::default();
        for (keyword, value) in parse(text)? {
            parameter::refusal(keyword, value).map_or(Ok(()), Err)?;
            match keyword.to_ascii_uppercase().as_str() {
                "SIZE" => parsed.size = value.map_or(0, |digits| digits.parse().unwrap_or(u64::MAX)),
                "BODY" => parsed.is_binary = value.is_some_and(|value| value.eq_ignore_ascii_case("BINARYMIME")),
                "SMTPUTF8" => parsed.smtp_utf8 = true,
                "RET" | "ENVID" | "AUTH" => {}
                _ => return Err(UNKNOWN),
            }
        }
        Ok(parsed)
    }
}

/// Judges the parameters of RCPT, none of which changes what the server does.
///
/// # Errors
/// The refusal of the first parameter that is wrong.
pub(crate) fn check_recipient(text: &str) -> Result<(), ParameterRefusal> {
    for (keyword, value) in parse(text)? {
        parameter::refusal(keyword, value).map_or(Ok(()), Err)?;
        require(matches!(keyword.to_ascii_uppercase().as_str(), "NOTIFY" | "ORCPT"), UNKNOWN)?;
    }
    Ok(())
}

type Parameter<'a> = (&'a str, Option<&'a str>);

fn parse(text: &str) -> Result<Vec<Parameter<'_>>, ParameterRefusal> {
    let mut parameters: Vec<Parameter<'_>> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let (keyword, value) = word.split_once('=').map_or((word, None), |(keyword, value)| (keyword, Some(value)));
        require(parameter::is_keyword(keyword) && value.is_none_or(is_value), BAD_SYNTAX)?;
        require(!parameters.iter().any(|(earlier, _)| earlier.eq_ignore_ascii_case(keyword)), BAD_SYNTAX)?;
        parameters.push((keyword, value));
    }
    Ok(parameters)
}

fn require(holds: bool, refusal: ParameterRefusal) -> Result<(), ParameterRefusal> {
    if holds { Ok(()) } else { Err(refusal) }
}

fn is_value(value: &str) -> bool {
    !value.is_empty() && value.chars().all(|c| !c.is_control() && c != '=' && c != ' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use parameter::{BAD_AUTH, BAD_BODY, BAD_ENVID, BAD_NOTIFY, BAD_ORCPT, BAD_RET, BAD_SIZE, BAD_SMTPUTF8};

    #[test]
    fn mail_parameters() {
        let all = " SIZE=10 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb AUTH=<>";
        assert_eq!(MailParameters::parse(all), Ok(MailParameters { size: 10, smtp_utf8: true, is_binary: false }));
        assert_eq!(MailParameters::parse(" size=0  body=7bit "), Ok(MailParameters::default()));
        assert!(MailParameters::parse("BODY=binarymime").is_ok_and(|it| it.is_binary));
        assert_eq!(MailParameters::parse("SIZE=99999999999999999999").map(|it| it.size), Ok(u64::MAX));
    }

    #[test]
    fn refused_mail_parameters() {
        for (text, refusal) in [
            ("SIZE", BAD_SIZE),
            ("SIZE=1k", BAD_SIZE),
            ("SIZE=-1", BAD_SIZE),
            ("SIZE=", BAD_SYNTAX),
            ("SIZE=1 size=1", BAD_SYNTAX),
            ("BODY=16BIT", BAD_BODY),
            ("BODY", BAD_BODY),
            ("SMTPUTF8=1", BAD_SMTPUTF8),
            ("RET=SOME", BAD_RET),
            ("ENVID=a+2b", BAD_ENVID),
            ("ENVID=a+", BAD_ENVID),
            ("AUTH", BAD_AUTH),
            ("FOO=1", UNKNOWN),
            ("NOTIFY=NEVER", UNKNOWN),
            ("=1", BAD_SYNTAX),
            ("-A=1", BAD_SYNTAX),
            ("A_B=1", BAD_SYNTAX),
            ("RET=a=b", BAD_SYNTAX),
        ] {
            assert_eq!(MailParameters::parse(text), Err(refusal), "{text}");
        }
        assert_eq!(MailParameters::parse(&format!("ENVID={}", "a".repeat(101))), Err(BAD_ENVID));
    }

    #[test]
    fn recipient_parameters() {
        for text in [
            "",
            "NOTIFY=never",
            "NOTIFY=SUCCESS,FAILURE,delay",
            "ORCPT=rfc822;a+2Bb@c NOTIFY=DELAY",
            "ORCPT=utf-8;\\x{8DF}@c",
        ] {
            assert_eq!(check_recipient(text), Ok(()), "{text}");
        }
        for (text, refusal) in [
            ("NOTIFY", BAD_NOTIFY),
            ("NOTIFY=NEVER,DELAY", BAD_NOTIFY),
            ("NOTIFY=DELAY,", BAD_NOTIFY),
            ("ORCPT=a@b", BAD_ORCPT),
            ("ORCPT=rfc822;", BAD_ORCPT),
            ("ORCPT=rfc822;a+b@c", BAD_ORCPT),
            ("SIZE=1", UNKNOWN),
        ] {
            assert_eq!(check_recipient(text), Err(refusal), "{text}");
        }
    }
}
