//! Addresses as people write them: `HOST`, `HOST:PORT`, `[IPV6]:PORT`; and as other tools do, with the right form for each.

use super::Misread;
use super::typography::Lookalike;
use crate::smtp::idiom::Idiom;
use crate::smtp::ports::{SMTP_PORT, port_named};
use std::net::Ipv6Addr;
use std::ops::Range;

/// `HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT`.
pub(crate) fn split_address(text: &str) -> Result<(String, u16), Misread> {
    split_address_or(text, SMTP_PORT, Idiom::Scenario)
}

/// The same on the command line.
pub(crate) fn split_argument(text: &str) -> Result<(String, u16), Misread> {
    split_address_or(text, SMTP_PORT, Idiom::Options)
}

/// The same with another port where none is named.
pub(crate) fn split_address_or(text: &str, default_port: u16, idiom: Idiom) -> Result<(String, u16), Misread> {
    if text.is_empty() {
        return Err(Misread::new("the host is empty"));
    }
    if let Some(right) = right_form(text, default_port, idiom) {
        return Err(Misread::new(format!("`{}` is not HOST:PORT: write {right}", without_login(text))));
    }
    let split = text.rfind(':').filter(|colon| text.rfind(']').is_none_or(|bracket| bracket < *colon));
    let Some(colon) = split else { return Ok((text.to_owned(), default_port)) };
    let host = &text[..colon];
    if host.is_empty() {
        return Err(Misread::new(format!("`{text}` has no host")));
    }
    Ok((host.to_owned(), parse_port(&text[colon + 1..])?))
}

/// The address in what another tool writes for one, such as a URL.
pub(crate) fn right_form_of(text: &str) -> Option<String> {
    let form = right_form(text, SMTP_PORT, Idiom::Scenario)?;
    form.split('`').nth(1).map(str::to_owned)
}

/// A URL without the user and the password in it; `user:password@host` without them, too.
pub(crate) fn without_login(text: &str) -> String {
    match before_host(text) {
        Some(place) if place.start > 0 || text[place.clone()].contains(':') => {
            format!("{}…{}", &text[..place.start], &text[place.end..])
        }
        _ => text.to_owned(),
    }
}

/// The `user:password` of a URL, or of an address without a scheme.
pub(crate) fn login_in(text: &str) -> Option<&str> {
    let login = &text[before_host(text)?];
    (login.contains(':') && !login.contains(char::is_whitespace)).then_some(login)
}

/// Where the user stands in an address, by the `@` after it.
fn before_host(text: &str) -> Option<Range<usize>> {
    let start = text.find("://").map_or(0, |at| at + 3);
    let end = text[start..].find(['/', '?', '#']).map_or(text.len(), |length| start + length);
    text[start..end].rfind('@').map(|length| start..start + length)
}

/// Programs whose command lines are pasted.
const PROGRAMS: [&str; 10] =
    ["telnet", "nc", "ncat", "netcat", "openssl", "connect", "swaks", "curl", "msmtp", "sendmail"];

/// How an address of another notation is written here; nothing where it is one of this language, or empty.
fn right_form(text: &str, default_port: u16, idiom: Idiom) -> Option<String> {
    let word = text.trim();
    if word.contains("<<") {
        return None;
    }
    if let Some(name) = super::lint::foreign_name(word) {
        return Some(format!("`<<{name}>>`: templates are written so here, and `{name}` under `vars`"));
    }
    if let Some(lookalike) = Lookalike::first(word).filter(|found| !found.found.is_alphabetic()) {
        return Some(format!("it without {}", lookalike.described()));
    }
    let unquoted = word.trim_matches(['"', '\'', '<', '>', '(', ')', '`']);
    if unquoted != word {
        return Some(format!("it without `{}`: `{unquoted}`", word.replace(unquoted, " ").trim()));
    }
    by_file(word)
        .or_else(|| by_ipv6(word, default_port))
        .or_else(|| by_url(word, idiom))
        .or_else(|| by_brackets(word))
        .or_else(|| by_words(word))
        .or_else(|| by_port(word))
}

/// The name of a file, where a server is wanted.
fn by_file(word: &str) -> Option<String> {
    let ending = word.rsplit_once('.')?.1.to_ascii_lowercase();
    let is_file = matches!(ending.as_str(), "yaml" | "yml" | "json" | "eml" | "txt" | "log" | "md" | "csv");
    is_file.then(|| {
        format!("the name of a server, `mail.example.com:587`: a scenario is played by `smtp-script run {word}`")
    })
}

fn by_ipv6(word: &str, default_port: u16) -> Option<String> {
    let bare = word.split('%').next().unwrap_or(word);
    let is_ipv6 = !word.starts_with('[') && bare.parse::<Ipv6Addr>().is_ok();
    if !is_ipv6 {
        return None;
    }
    // A last group that is a port of mail is rather meant as one.
    let ported = bare.rsplit_once(':').filter(|(host, port)| is_mail_port(port) && host.parse::<Ipv6Addr>().is_ok());
    Some(match ported {
        Some((host, port)) => format!("an IPv6 address in brackets: `[{host}]:{port}`"),
        None => format!("an IPv6 address in brackets: `[{word}]:{default_port}`"),
    })
}

fn is_mail_port(word: &str) -> bool {
    matches!(word, "24" | "25" | "465" | "587" | "1025" | "2525")
}

/// `smtp://host:25`, `smtps://user@host/`.
fn by_url(word: &str, idiom: Idiom) -> Option<String> {
    let (scheme, rest) = match word.split_once("://") {
        Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
        None => (String::new(), word),
    };
    if scheme == "unix" || word.starts_with(['/', '.', '~']) {
        return Some("`connect: {unix: PATH}` for a unix socket".to_owned());
    }
    let (authority, path) = rest.split_once(['/', '?', '#']).map_or((rest, None), |(host, path)| (host, Some(path)));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.trim_end_matches(':');
    if host.is_empty() || host.contains(char::is_whitespace) || scheme.is_empty() && path.is_none() && host == authority
    {
        return None;
    }
    // `host/25` names a port.
    if let Some(port) =
        path.and_then(|path| path.trim_end_matches('/').parse::<u16>().ok()).filter(|_| scheme.is_empty())
    {
        return Some(format!("`{host}:{port}`"));
    }
    let port = if host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
        String::new()
    } else {
        match scheme.as_str() {
            "smtps" | "ssl" | "tls" | "submissions" => ":465".to_owned(),
            "submission" => ":587".to_owned(),
            _ => String::new(),
        }
    };
    let login = if authority.contains('@') {
        idiom.of(
            "; the user belongs to a step `- auth: {…}`",
            ", without the user; who gets mail is `--var to=…`, in `send` `--to …`",
        )
    } else {
        ""
    };
    let tls = if idiom == Idiom::Options {
        ""
    } else {
        match scheme.as_str() {
            "smtps" | "ssl" | "tls" | "submissions" => "; port 465 begins with TLS, others by `tls: implicit`",
            "starttls" | "smtp+starttls" => "; STARTTLS is a step `- starttls`",
            _ => "",
        }
    };
    Some(format!("`{host}{port}`{login}{tls}"))
}

/// `[host.example]:587` stands for a host itself in Postfix; here brackets are for IPv6.
fn by_brackets(word: &str) -> Option<String> {
    let (inner, rest) = word.strip_prefix('[')?.split_once(']')?;
    let named = !inner.contains(':') && inner.chars().any(|letter| letter.is_ascii_alphanumeric());
    named.then(|| format!("`{inner}{rest}`: brackets are for IPv6 addresses"))
}

/// The words of an address, without those that name a program, an option or a port.
fn parts_of(word: &str) -> Vec<&str> {
    word.split(|letter: char| letter.is_whitespace() || matches!(letter, ',' | ';' | '|'))
        .filter(|part| {
            !part.is_empty() && !part.starts_with('-') && !PROGRAMS.contains(&part.to_ascii_lowercase().as_str())
        })
        .map(|part| {
            ["port=", "host=", "port:", "host:", "server="]
                .iter()
                .find_map(|key| part.strip_prefix(key))
                .unwrap_or(part)
        })
        .filter(|part| !matches!(part.to_ascii_lowercase().as_str(), "port" | "s_client" | "to" | "on" | "tcp"))
        .collect()
}

/// `host 25`, `telnet host 25`, `host,25`, `host port 25`, `-connect host:465`.
fn by_words(word: &str) -> Option<String> {
    let parts = parts_of(word);
    if parts.len() < 2 && parts.first() == Some(&word) || parts.is_empty() {
        return None;
    }
    // Of an option's values the server is the one with a port, or with a dot.
    let joined = parts
        .iter()
        .find(|part| part.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port_of(port).is_some()));
    let dotted = || parts.iter().find(|part| part.contains('.'));
    let host = joined.or_else(dotted).unwrap_or(&parts[0]).trim_end_matches([':', '.']);
    let says_tls =
        parts.iter().any(|part| matches!(part.to_ascii_lowercase().as_str(), "tls" | "ssl" | "starttls" | "smtps"));
    let is_server = |part: &&&str| part.contains('.') && part.contains(|it: char| it.is_ascii_alphabetic());
    if let Some(second) = parts.iter().filter(is_server).nth(1).filter(|_| word.contains([',', ';'])) {
        return Some(format!(
            "`{host}`: one server is a session, and `- connect: {{host: {}, as: second}}` opens another",
            second.split(':').next().unwrap_or(second)
        ));
    }
    if joined.is_some() && !says_tls {
        return Some(format!("`{host}`"));
    }
    Some(match parts.iter().filter(|part| *part != &host).find_map(|port| port_of(port)) {
        Some(port) => format!("`{host}:{port}`"),
        None if parts.len() == 1 => format!("`{host}`"),
        None if says_tls => format!(
            "`{host}`; STARTTLS is a step `- starttls`, TLS from the first octet `connect: {{host: …, port: …, tls: implicit}}`"
        ),
        None if dotted().is_some() => format!("`{host}`, and nothing else"),
        None => format!("`{}`, without blanks", parts.join(".")),
    })
}

/// `host:smtp`, `host::25`, `host:`, `host:25:tls`, `587`, `host.:25`.
fn by_port(word: &str) -> Option<String> {
    if let Ok(port) = word.parse::<u16>() {
        return Some(format!("`HOST:{port}`, with the name of the server"));
    }
    if word.starts_with('[') {
        return None;
    }
    let parts: Vec<&str> = word.split(':').collect();
    let [host, rest @ ..] = parts.as_slice() else { return None };
    let port = rest.iter().find_map(|part| port_of(part));
    by_prefix(&parts)
        .or_else(|| {
            let known =
                || port.map_or("`HOST:PORT`".to_owned(), |port| format!("`HOST:{port}`, with the name of the server"));
            host.is_empty().then(known)
        })
        .or_else(|| without_wrong_letter(host, port))
        .or_else(|| by_what_follows(host, rest, port))
}

/// `mx:host` and `smtp:host`.
fn by_prefix(parts: &[&str]) -> Option<String> {
    let [prefix, host] = parts else { return None };
    let schemes = ["smtp", "smtps", "http", "https", "tcp", "tls", "ssl", "host"];
    if prefix.eq_ignore_ascii_case("mx") {
        return Some(format!("`connect: {{mx: {host}}}` for the mail exchangers of a domain"));
    }
    let is_scheme = schemes.contains(&prefix.to_ascii_lowercase().as_str()) && host.contains('.');
    is_scheme.then(|| format!("`{host}`"))
}

fn without_wrong_letter(host: &str, port: Option<u16>) -> Option<String> {
    let is_wrong = |letter: &char| letter.is_ascii() && !(letter.is_ascii_alphanumeric() || "-._".contains(*letter));
    let wrong = host.chars().find(is_wrong)?;
    let clean: String = host.chars().filter(|letter| *letter != wrong).collect();
    let port = port.map_or(String::new(), |port| format!(":{port}"));
    let percents = host.strip_prefix('%').and_then(|rest| rest.strip_suffix('%'));
    if let Some(name) = host.strip_prefix('$').or(percents).map(str::to_ascii_lowercase) {
        return Some(format!("`<<{name}>>{port}`: templates are written so here, and `{name}` under `vars`"));
    }
    Some(format!("it without `{wrong}`, which no host name holds: `{clean}{port}`"))
}

/// What stands after the colon is no port.
fn by_what_follows(host: &str, rest: &[&str], port: Option<u16>) -> Option<String> {
    match rest {
        [] => return None,
        [port] if port.parse::<u16>().is_ok() => return None,
        [port] if port_of(port).is_none() && !port.is_empty() => return None,
        _ => {}
    }
    let asks_for_tls = rest
        .iter()
        .any(|part| ["tls", "ssl", "smtps", "ssmtp", "submissions"].contains(&part.to_ascii_lowercase().as_str()));
    let tls = if asks_for_tls {
        "; TLS from the first octet is `connect: {host: …, port: …, tls: implicit}`"
    } else {
        ""
    };
    Some(match port {
        Some(port) => format!("`{host}:{port}`{tls}"),
        None if rest == [""] => format!("`{host}`, or a port after the colon"),
        None => format!("a number from 1 to 65535 as the port: `{host}:587`{tls}"),
    })
}

fn port_of(text: &str) -> Option<u16> {
    let text = text.trim_start_matches(':');
    text.parse::<u16>().ok().filter(|port| *port > 0).or_else(|| port_named(text))
}

/// The value of `host:`, which names no port.
pub(crate) fn check_host(text: &str) -> Result<(), Misread> {
    let word = text.trim();
    let bare = word.trim_matches(['[', ']']).split('%').next().unwrap_or("");
    if bare.parse::<Ipv6Addr>().is_ok() {
        return Ok(());
    }
    if let Some((host, port)) = word.rsplit_once(':').and_then(|(host, port)| Some((host, port_of(port)?)))
        && right_form(host, SMTP_PORT, Idiom::Scenario).is_none()
    {
        return Err(Misread::new(format!("`{text}` is a host and a port: write `host: {host}` and `port: {port}`")));
    }
    match right_form(word, SMTP_PORT, Idiom::Scenario) {
        Some(right) => Err(Misread::new(format!("`{text}` is no host: write {right}"))),
        None => Ok(()),
    }
}

/// A port number.
pub(crate) fn parse_port(text: &str) -> Result<u16, Misread> {
    match text.trim().parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        _ if port_of(text.trim()).is_some() => {
            let port = port_of(text.trim()).unwrap_or(SMTP_PORT);
            Err(Misread::new(format!("`{text}` is not a port: write its number, `{port}`")))
        }
        _ => Err(Misread::new(format!("`{text}` is not a port: a number from 1 to 65535"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, host, port) in [
            ("mx.example", "mx.example", 25),
            ("mx.example:587", "mx.example", 587),
            ("127.0.0.1:2525", "127.0.0.1", 2525),
            ("[::1]", "[::1]", 25),
            ("[::1]:465", "[::1]", 465),
        ] {
            assert_eq!(split_address(text), Ok((host.to_owned(), port)));
        }
        for bad in ["", "::1", "a:b", "a:0", "a:99999", ":25"] {
            assert!(split_address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn forms_of_other_tools() {
        for (written, right) in [
            ("mail.example.com 25", "`mail.example.com:25`"),
            ("telnet mail.example.com 25", "`mail.example.com:25`"),
            ("mail.example.com, 587", "`mail.example.com:587`"),
            ("openssl s_client -connect mail.example.com:465", "`mail.example.com:465`"),
            ("smtp://mail.example.com:25", "`mail.example.com:25`"),
            ("smtps://mail.example.com", "`mail.example.com:465`"),
            ("smtp://bob@mail.example.com:587/", "`mail.example.com:587`; the user"),
            ("bob@mail.example.com", "`mail.example.com`; the user"),
            ("mail.example.com:25/", "`mail.example.com:25`"),
            ("mail.example.com/25", "`mail.example.com:25`"),
            ("mail.example.com:smtp", "`mail.example.com:25`"),
            ("mail.example.com::25", "`mail.example.com:25`"),
            ("mail.example.com:465:ssl", "`mail.example.com:465`; TLS"),
            ("[mail.example.com]:587", "`mail.example.com:587`"),
            ("::1", "`[::1]:25`"),
            ("2001:db8::25", "`[2001:db8::25]:25`"),
            ("25", "`HOST:25`"),
            (":25", "`HOST:25`"),
            ("mail.example.com:", "`mail.example.com`"),
            ("mx:example.com", "{mx: example.com}"),
            ("unix:///run/lmtp", "{unix: PATH}"),
            ("\"mail.example.com:25\"", "`mail.example.com:25`"),
            ("mail!example.com:25", "`mailexample.com:25`"),
            ("swaks --server mail.example.com --port 587", "`mail.example.com:587`"),
            ("openssl s_client -starttls smtp -connect mail.example.com:587", "`mail.example.com:587`"),
            ("mail.example.com :25", "`mail.example.com:25`"),
            ("%HOST%:25", "`<<host>>:25`"),
            ("$SMTP_HOST:25", "`<<smtp_host>>:25`"),
        ] {
            let message = split_address(written).unwrap_err().to_string();
            assert!(message.contains(right), "{written}: {message}");
        }
        assert!(split_address("bücher.example:25").is_ok());
    }
}
