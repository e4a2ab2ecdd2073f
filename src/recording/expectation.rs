//! What of a reply will be the same tomorrow.
//!
//! Responsible for the patterns of replies: the code, the enhanced status code, and of EHLO the keywords that the client
//! then used. Queue ids, dates, host names and all other words are left out: they vary from run to run.

use super::exchange::{AnsweredCommand, AskedCommand};
use crate::scenario::write::DraftExpect;
use crate::smtp::auth::Mechanism;
use crate::smtp::extension::Extensions;
use crate::smtp::parameter;
use crate::smtp::reply::Reply;

/// The prompts of AUTH LOGIN, `Username:` and `Password:`, as nearly every server has them.
const LOGIN_PROMPTS: [&[u8]; 2] = [b"VXNlcm5hbWU6", b"UGFzc3dvcmQ6"];

/// What the step for exchange `at` expects.
pub(super) fn expectation(exchanges: &[AnsweredCommand<'_>], at: usize) -> Option<DraftExpect> {
    let exchange = &exchanges[at];
    if let Some((_, wanted)) = exchange.wanted {
        return Some(wanted.clone());
    }
    if let Some(bytes) = exchange.malformed {
        return Some(DraftExpect::Fields(vec![("raw".to_owned(), exactly(bytes))]));
    }
    let Some(reply) = exchange.replies.first() else {
        return exchange.closed.then(|| DraftExpect::Fields(vec![("closed".to_owned(), "true".to_owned())]));
    };
    if exchange.closed && exchange.replies.len() == 1 {
        let code = ("code".to_owned(), reply.code().to_string());
        return Some(DraftExpect::Fields(vec![code, ("closed".to_owned(), "true".to_owned())]));
    }
    let used = if exchange.greets() && reply.is_positive() { keywords(exchanges, at, reply) } else { Vec::new() };
    Some(match used.as_slice() {
        [] => DraftExpect::Reply(pattern(reply, exchange)),
        [one] => DraftExpect::Reply(one.clone()),
        _ => DraftExpect::All(used),
    })
}

/// The pattern of one reply by itself.
pub(super) fn pattern(reply: &Reply, exchange: &AnsweredCommand<'_>) -> String {
    let code = reply.code();
    let text = reply.texts().next().unwrap_or_default();
    if code == 334 {
        let prompt = LOGIN_PROMPTS.into_iter().find(|prompt| *prompt == text);
        return prompt.map_or("^334".to_owned(), |prompt| format!("^334 {}", String::from_utf8_lossy(prompt)));
    }
    let varies = exchange.asked == AskedCommand::Nothing || exchange.greets();
    let Some(enhanced) = enhanced(text).filter(|_| !varies) else { return format!("^{code}") };
    let separator = if reply.lines().len() == 1 { " " } else { "[ -]" };
    format!("^{code}{separator}{}", enhanced.replace('.', "\\."))
}

/// The enhanced status code that a text begins with (RFC 2034 section 4).
fn enhanced(text: &[u8]) -> Option<String> {
    let word = text.split(u8::is_ascii_whitespace).next().and_then(|word| std::str::from_utf8(word).ok())?;
    let numbers: Vec<&str> = word.split('.').collect();
    let is_number = |number: &&str| (1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    let fits = numbers.len() == 3 && matches!(numbers[0], "2" | "4" | "5") && numbers.iter().all(is_number);
    fits.then(|| word.to_owned())
}

/// A pattern for each keyword that the server offered and the client used before it greeted again.
fn keywords(exchanges: &[AnsweredCommand<'_>], at: usize, reply: &Reply) -> Vec<String> {
    let offered = Extensions::parse(reply.texts());
    let mut patterns: Vec<String> = Vec::new();
    for exchange in exchanges[at + 1..].iter().take_while(|exchange| !exchange.greets()) {
        for (keyword, parameter) in used(exchange) {
            if !offered.offers(&keyword, parameter.as_deref()) {
                continue;
            }
            let wanted = parameter.map(|parameter| format!(" .*{parameter}")).unwrap_or_default();
            let pattern = format!("^{}[ -]{keyword}{wanted}", reply.code());
            if !patterns.contains(&pattern) && spelled_so(reply, &keyword) {
                patterns.push(pattern);
            }
        }
    }
    patterns
}

/// Whether the server writes a keyword as patterns do: they tell upper from lower case.
fn spelled_so(reply: &Reply, keyword: &str) -> bool {
    reply.texts().any(|text| text.starts_with(keyword.as_bytes()))
}

/// The keywords, with their parameters, that a command stands on.
fn used(exchange: &AnsweredCommand<'_>) -> Vec<(String, Option<String>)> {
    let pipelining = exchange.pipelined.then(|| "PIPELINING".to_owned());
    let mut words: Vec<(String, Option<String>)> = pipelining.into_iter().map(|word| (word, None)).collect();
    match exchange.verb().as_str() {
        "STARTTLS" => words.push(("STARTTLS".to_owned(), None)),
        "BDAT" => words.push(("CHUNKING".to_owned(), None)),
        "AUTH" => {
            let mechanism = exchange.command().auth().map_or_else(String::new, |auth| auth.name().into_owned());
            // Another mechanism takes the place of one that is not known here.
            let known = mechanism.parse::<Mechanism>().is_ok();
            words.push(("AUTH".to_owned(), Some(mechanism).filter(|_| known)));
        }
        "MAIL" | "RCPT" => {
            let offered = parameters(exchange.argument()).into_iter();
            words.extend(offered.map(|keyword| (keyword.to_owned(), None)));
        }
        _ => {}
    }
    words
}

/// The keywords by which the parameters after an address were offered.
fn parameters(argument: &[u8]) -> Vec<&'static str> {
    let text = String::from_utf8_lossy(argument);
    text.split_whitespace().skip(1).filter_map(parameter::of_word).map(|known| known.keyword).collect()
}

/// A pattern for exactly these bytes; those that are no text may be any.
fn exactly(bytes: &[u8]) -> String {
    let mut pattern = String::from("^");
    for byte in bytes {
        match byte {
            b'\r' => pattern.push_str("\\r"),
            b'\n' => pattern.push_str("\\n"),
            // A backslash before one of these is a boundary of a word.
            b'<' | b'>' => pattern.extend(['[', char::from(*byte), ']']),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b' ' => pattern.push(char::from(*byte)),
            b'!'..=b'~' => pattern.extend(['\\', char::from(*byte)]),
            _ => pattern.push_str("(?s:.)"),
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::Said;
    use crate::recording::exchange::exchanges;

    fn expected(said: &[Said], at: usize) -> String {
        let exchanges = exchanges(said);
        match expectation(&exchanges, at).unwrap() {
            DraftExpect::Reply(pattern) => pattern,
            DraftExpect::All(patterns) => patterns.join(" & "),
            DraftExpect::Fields(fields) => format!("{fields:?}"),
        }
    }

    fn line(text: &str) -> Said {
        Said::Line(text.as_bytes().to_vec())
    }

    #[test]
    fn what_varies_is_left_out() {
        let said = [
            Said::reply(&["220 mx.example ESMTP Postfix, Mon, 23 Nov 2026"]),
            line("MAIL FROM:<a@b>"),
            Said::reply(&["250 2.1.0 Ok"]),
            line("DATA"),
            Said::reply(&["354 End data with <CR><LF>.<CR><LF>"]),
            line("VRFY x"),
            Said::reply(&["250-2.0.0 one", "250 2.0.0 two"]),
            line("NOOP"),
            Said::reply(&["550 5.7.1.1 no"]),
        ];
        let patterns: Vec<String> = (0..5).map(|at| expected(&said, at)).collect();
        assert_eq!(patterns, ["^220", "^250 2\\.1\\.0", "^354", "^250[ -]2\\.0\\.0", "^550"]);
    }

    #[test]
    fn ehlo_is_pinned_to_what_the_client_used() {
        let said = [
            Said::reply(&["220 hi"]),
            line("EHLO me"),
            Said::reply(&["250-mx", "250-SIZE 1000", "250-AUTH LOGIN PLAIN", "250-STARTTLS", "250 DSN"]),
            line("AUTH plain x"),
            Said::reply(&["235 ok"]),
            line("mail from:<a@b> size=12 BODY=8BITMIME"),
            Said::reply(&["250 ok"]),
            line("RCPT TO:<c@d> NOTIFY=NEVER"),
            Said::reply(&["250 ok"]),
        ];
        assert_eq!(expected(&said, 1), "^250[ -]AUTH .*PLAIN & ^250[ -]SIZE & ^250[ -]DSN");
    }

    #[test]
    fn the_end_of_the_connection_is_expected() {
        let said = [Said::reply(&["421 4.3.2 too busy"]), Said::ServerClosed];
        assert_eq!(expected(&said, 0), r#"[("code", "421"), ("closed", "true")]"#);
        let said = [Said::reply(&["220 hi"]), line("NOOP"), Said::ServerClosed];
        assert_eq!(expected(&said, 1), r#"[("closed", "true")]"#);
        let said = [Said::reply(&["220 hi"]), line("QUIT"), Said::reply(&["221 2.0.0 bye"]), Said::ServerClosed];
        assert_eq!(expected(&said, 1), "^221 2\\.0\\.0");
    }

    #[test]
    fn what_is_no_reply_is_expected_as_it_came() {
        let said = [Said::Malformed(b"220-hi <x>\r\n".to_vec())];
        assert_eq!(expected(&said, 0), r#"[("raw", "^220\\-hi [<]x[>]\\r\\n")]"#);
    }
}
