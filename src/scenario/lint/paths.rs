//! Paths and domains of commands, by their form (RFC 5321 section 4.1.2).
//!
//! Responsible for what stands in angle brackets and after them, and for what a client calls itself. What is put in by a
//! template is not looked at.

use crate::scenario::source::Diagnostic;
use crate::scenario::template::Text;
use crate::smtp::parameter::{self, EsmtpParameter};
use std::net::{Ipv4Addr, Ipv6Addr};

/// What is wrong with the path of a line, which stands in angle brackets, and with what follows it.
pub(super) fn look(text: &Text, verb: &str, keyword: &str, value: &str, warnings: &mut Vec<Diagnostic>) {
    let Some((path, rest)) = value.strip_prefix('<').and_then(|rest| rest.split_once('>')) else { return };
    if !text.is_literal()
        || path.contains(['"', '{', '}', '$', '%', '['])
        || path.starts_with('@') && path.contains(':')
    {
        return;
    }
    let found = of_path(path, verb).map(|(message, right)| (message, format!("{verb} {keyword}:<{right}>{rest}")));
    let found = found.or_else(|| {
        of_parameters(rest, verb).map(|(message, right)| (message, format!("{verb} {keyword}:<{path}>{right}")))
    });
    let found = found.or_else(|| {
        let announced = rest.to_ascii_uppercase().contains("SMTPUTF8");
        (verb == "MAIL" && !path.is_ascii() && !announced).then(|| {
            let text = "an address beyond ASCII is announced (RFC 6531 section 3.4): servers refuse it otherwise";
            (text.to_owned(), format!("{verb} {keyword}:<{path}>{rest} SMTPUTF8"))
        })
    });
    if let Some((message, right)) = found {
        warnings.push(Diagnostic::warning(text.span, message.clone()).help(format!("write `{right}`")));
    }
}

/// A mailbox is `local-part@domain`.
fn of_path(path: &str, verb: &str) -> Option<(String, String)> {
    // A server may know its own recipients without a domain.
    if path.is_empty() || verb == "RCPT" && !path.contains(['@', ' ']) {
        return None;
    }
    if let Some(bare) = path.strip_prefix("mailto:").or_else(|| path.strip_prefix("smtp:")) {
        return Some(("a path is a mailbox, and no URL: servers refuse this one".to_owned(), bare.to_owned()));
    }
    if path.contains(char::is_whitespace) {
        return Some(("a path holds no blanks: many servers refuse it".to_owned(), path.split_whitespace().collect()));
    }
    let no_mailbox = || "a mailbox is `local-part@domain`: servers refuse this one".to_owned();
    let Some((local, domain)) = path.rsplit_once('@') else {
        return Some((no_mailbox(), format!("{path}@example.com")));
    };
    if local.is_empty() || domain.is_empty() || local.contains('@') {
        let (local, domain) = (local.replace('@', ""), if domain.is_empty() { "example.com" } else { domain });
        let local = if local.is_empty() { "name".to_owned() } else { local };
        return Some((no_mailbox(), format!("{local}@{domain}")));
    }
    bracketed(domain).map(|right| {
        (
            "an address of a host stands in square brackets: many servers refuse it".to_owned(),
            format!("{local}@{right}"),
        )
    })
}

fn of_parameters(rest: &str, verb: &str) -> Option<(String, String)> {
    if rest.starts_with(|next: char| next.is_ascii_alphabetic()) {
        return Some(("a blank stands between the path and what follows it".to_owned(), format!(" {rest}")));
    }
    let words: Vec<&str> = rest.split_whitespace().collect();
    for (at, word) in words.iter().enumerate() {
        let (name, value) = word.split_once(['=', ':']).unwrap_or((word, ""));
        let Some(EsmtpParameter { name: known, has_value, command, .. }) = parameter::named(name) else { continue };
        if *command != verb {
            return Some((format!("`{known}` is a parameter of {command}: servers refuse it here"), String::new()));
        }
        if *has_value && (!word.contains('=') || value.is_empty()) {
            let value = if value.is_empty() {
                words.get(at + 1).copied().unwrap_or("…").trim_start_matches('=')
            } else {
                value
            };
            return Some((format!("the parameter `{known}` has its value after `=`"), format!(" {known}={value}")));
        }
        if let Some(wanted) = parameter::wanted(known, word.split_once('=').map(|(_, value)| value)) {
            let right = parameter::example(known).map_or_else(String::new, |right| format!(" {right}"));
            return Some((format!("{wanted}: servers refuse this"), right));
        }
    }
    None
}

/// What a client calls itself: a domain, or an address in square brackets.
pub(super) fn hello(text: &Text, verb: &str, argument: &str, warnings: &mut Vec<Diagnostic>) {
    if !text.is_literal() {
        return;
    }
    let argument = argument.trim();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-:@<> `".contains(letter);
    // Templates of other tools, and names to be replaced, are said elsewhere.
    let placeholder = argument.starts_with('<') && !argument.contains('.');
    if !argument.chars().all(plain) || argument.starts_with(['@', '_']) || placeholder {
        return;
    }
    let (message, right) = if let Some(right) = bracketed(argument) {
        ("an address of a host stands in square brackets: many servers refuse it", right)
    } else if let Some((_, domain)) = argument.split_once('@') {
        ("a domain stands here, and no mailbox", domain.trim_matches(['<', '>']).to_owned())
    } else if argument.contains(char::is_whitespace) || argument.contains(['<', '>', '"', '\'', '`', ',', '(', '/']) {
        let inner = argument.trim_matches(['<', '>', '"', '\'', '`']);
        let inner = if inner.chars().all(|letter| letter.is_ascii_alphanumeric() || ".-".contains(letter)) {
            inner
        } else {
            ""
        };
        ("a domain is one word, without brackets or quotes", inner.to_owned())
    } else if let Some(port) =
        argument.rsplit_once(':').filter(|(host, port)| !host.contains([':', '[']) && port.parse::<u16>().is_ok())
    {
        ("a domain stands here, without a port", port.0.to_owned())
    } else {
        return;
    };
    let right = if right.is_empty() { "client.example".to_owned() } else { right };
    warnings.push(Diagnostic::warning(text.span, message.to_owned()).help(format!("write `{verb} {right}`")));
}

/// An address of a host that stands without its brackets, in them.
fn bracketed(domain: &str) -> Option<String> {
    if domain.parse::<Ipv4Addr>().is_ok() {
        return Some(format!("[{domain}]"));
    }
    domain.parse::<Ipv6Addr>().is_ok().then(|| format!("[IPv6:{domain}]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes() {
        let right = |path: &str| of_path(path, "MAIL").map(|(_, right)| right);
        assert_eq!(right("john").as_deref(), Some("john@example.com"));
        assert_eq!(right("john@").as_deref(), Some("john@example.com"));
        assert_eq!(right("a@192.0.2.1").as_deref(), Some("a@[192.0.2.1]"));
        assert_eq!(right("a @b.example").as_deref(), Some("a@b.example"));
        for fine in ["", "a@b", "a@[192.0.2.1]", "größe@b.example"] {
            assert_eq!(right(fine), None, "{fine}");
        }
        assert_eq!(of_path("Postmaster", "RCPT"), None);
    }

    #[test]
    fn parameters() {
        let right = |rest: &str, verb: &str| of_parameters(rest, verb).map(|(_, right)| right);
        assert_eq!(right(" SIZE 100", "MAIL").as_deref(), Some(" SIZE=100"));
        assert_eq!(right(" NOTIFY=NEVER", "MAIL").as_deref(), Some(""));
        assert_eq!(right("SIZE=1", "MAIL").as_deref(), Some(" SIZE=1"));
        assert_eq!(right(" BODY=8BIT", "MAIL").as_deref(), Some(" BODY=8BITMIME"));
        assert_eq!(right(" SIZE=10MB", "MAIL").as_deref(), Some(" SIZE=1000"));
        assert_eq!(right(" SMTPUTF8=yes", "MAIL").as_deref(), Some(" SMTPUTF8"));
        assert_eq!(right(" NOTIFY=ALWAYS", "RCPT").as_deref(), Some(" NOTIFY=SUCCESS,FAILURE"));
        for fine in ["", " SIZE=100 BODY=8BITMIME", " SMTPUTF8", " XFOO"] {
            assert_eq!(right(fine, "MAIL"), None, "{fine}");
        }
    }
}
