//! The paths of MAIL and RCPT: cut off the command line and judged by RFC 5321 4.1.2 (RFC 6531 3.3 for UTF-8).
//!
//! Responsible for syntax only; whether a path is welcome is the protocol's business.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A path as it stood on the command line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Path<'a> {
    /// `<>`, the reverse-path of notifications.
    Null,
    /// A mailbox without angle brackets and source route; `postmaster` may lack its domain.
    Mailbox(&'a str),
    /// Not an address.
    Malformed,
}

impl<'a> Path<'a> {
    /// Cuts the path from what follows `FROM:` or `TO:`; the second part holds the parameters.
    ///
    /// People type a blank after the colon and leave out the angle brackets: both are taken, as Postfix does.
    pub(crate) fn cut(argument: &'a str) -> (Self, &'a str) {
        let argument = argument.trim_start_matches(' ');
        let bracketed = argument.starts_with('<');
        let end = path_end(argument, bracketed);
        let (path, parameters) = argument.split_at(end);
        if !(parameters.is_empty() || parameters.starts_with(' ')) {
            return (Self::Malformed, "");
        }
        let path = if bracketed { path.strip_prefix('<').and_then(|path| path.strip_suffix('>')) } else { Some(path) };
        let path = match path {
            Some("") if bracketed => Self::Null,
            Some(path) => Self::of(path),
            None => Self::Malformed,
        };
        (path, parameters)
    }

    fn of(path: &'a str) -> Self {
        match without_source_route(path) {
            Some(mailbox) if mailbox.eq_ignore_ascii_case("postmaster") || is_mailbox(mailbox) => {
                Self::Mailbox(mailbox)
            }
            _ => Self::Malformed,
        }
    }
}

/// Where the path ends: after its `>`, or at the first blank, both outside quoted strings.
fn path_end(argument: &str, bracketed: bool) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (at, octet) in argument.bytes().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if bracketed && !quoted => return at + 1,
            b' ' if !bracketed && !quoted => return at,
            _ => {}
        }
    }
    argument.len()
}

/// `@one,@two:user@three` means `user@three`: source routes are to be taken and ignored (RFC 5321 4.1.1.3, C).
fn without_source_route(path: &str) -> Option<&str> {
    if !path.starts_with('@') {
        return Some(path);
    }
    let (route, mailbox) = path.split_once(':')?;
    let is_route = route.split(',').all(|hop| hop.strip_prefix('@').is_some_and(is_domain));
    is_route.then_some(mailbox)
}

fn is_mailbox(mailbox: &str) -> bool {
    let domain = if mailbox.starts_with('"') { after_quoted_string(mailbox) } else { after_dot_string(mailbox) };
    domain.and_then(|rest| rest.strip_prefix('@')).is_some_and(|domain| is_domain(domain) || is_address_literal(domain))
}

fn after_dot_string(mailbox: &str) -> Option<&str> {
    let end = mailbox.find('@')?;
    let (local_part, rest) = mailbox.split_at(end);
    let is_dot_string = local_part.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom_character));
    is_dot_string.then_some(rest)
}

fn after_quoted_string(mailbox: &str) -> Option<&str> {
    let mut characters = mailbox.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return mailbox.get(at + 1..),
            '\\' => {
                characters.next().filter(|(_, quoted)| matches!(quoted, ' '..='~'))?;
            }
            ' '..='~' => {}
            _ if is_beyond_ascii(character) => {}
            _ => return None,
        }
    }
    None
}

fn is_atom_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(character) || is_beyond_ascii(character)
}

fn is_beyond_ascii(character: char) -> bool {
    !character.is_ascii() && !character.is_control() && !character.is_whitespace()
}

/// An underscore is taken although no host name may have one: container networks name their hosts so.
fn is_domain(domain: &str) -> bool {
    domain.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_' || is_beyond_ascii(c))
    })
}

/// `[192.0.2.1]`, `[IPv6:2001:db8::1]` or `[tag:content]` (RFC 5321 4.1.3).
fn is_address_literal(domain: &str) -> bool {
    let Some(literal) = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else { return false };
    match literal.split_once(':') {
        None => literal.parse::<Ipv4Addr>().is_ok(),
        Some((tag, address)) if tag.eq_ignore_ascii_case("IPv6") => address.parse::<Ipv6Addr>().is_ok(),
        Some((tag, content)) => {
            tag.ends_with(|c: char| c.is_ascii_alphanumeric())
                && tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
                && !content.is_empty()
                && content.chars().all(|c| matches!(c, '!'..='Z' | '^'..='~'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_are_taken() {
        for (argument, mailbox, parameters) in [
            ("<a@b>", "a@b", ""),
            (" <a@b>", "a@b", ""),
            ("john@doe.com", "john@doe.com", ""),
            (" john@doe.com SIZE=3", "john@doe.com", " SIZE=3"),
            ("<a@b> BODY=7BIT", "a@b", " BODY=7BIT"),
            ("<@x,@y.z:a@b>", "a@b", ""),
            ("<PostMaster>", "PostMaster", ""),
            ("<\"a b>@\\\"\"@c>", "\"a b>@\\\"\"@c", ""),
            ("\"a b\"@c X=1", "\"a b\"@c", " X=1"),
            ("<a@[192.0.2.1]>", "a@[192.0.2.1]", ""),
            ("<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]", ""),
            ("<a@[x-tag:content]>", "a@[x-tag:content]", ""),
            ("<a+b=c@my_service>", "a+b=c@my_service", ""),
            ("<用户@例子.example>", "用户@例子.example", ""),
        ] {
            assert_eq!(Path::cut(argument), (Path::Mailbox(mailbox), parameters), "{argument}");
        }
        assert_eq!(Path::cut("<> RET=HDRS"), (Path::Null, " RET=HDRS"));
    }

    #[test]
    fn malformed_paths() {
        for argument in [
            "",
            " ",
            "<a@b",
            "a@b>",
            "<a>",
            "<@b>",
            "<a@>",
            "<a@b>SIZE=1",
            "<a..b@c>",
            "<.a@b>",
            "<a.@b>",
            "<a b@c>",
            "<a@b..c>",
            "<a@b.>",
            "<a@-b>",
            "<a@b->",
            "<\"a@b>",
            "<\"a\"b@c>",
            "<a@[300.1.1.1]>",
            "<a@[IPv6:1]>",
            "<a@[:x]>",
            "<a@[x:]>",
            "<@x:>",
            "<@x,y:a@b>",
            "<<a@b>>",
            "<a@b@c>",
            "<\"\u{1}\"@b>",
            "<a\u{a0}b@c>",
        ] {
            assert_eq!(Path::cut(argument).0, Path::Malformed, "{argument}");
        }
    }
}
