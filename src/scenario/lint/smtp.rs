//! Lines that are sent, by what SMTP says of them.
//!
//! Responsible for commands that cannot mean what they say: paths without brackets, missing arguments, verbs that are none.
//! A step that expects a refusal is a test of just that, and is left alone.

use super::codes::{Outlook, outlook};
use super::{answers, paths};
use crate::scenario::source::Diagnostic;
use crate::scenario::template::{Text, Trial};
use crate::scenario::words::one_slip;
use crate::scenario::{Action, Auth, Step};
use crate::smtp::command::{CommandLine, Verb};

/// Headers that are typed where a command belongs.
const HEADERS: [&str; 7] = ["SUBJECT", "FROM", "TO", "CC", "DATE", "BCC", "SENDER"];

/// Looks at the lines of a `send`.
pub(super) fn step(step: &Step, trial: &Trial, warnings: &mut Vec<Diagnostic>) {
    let Action::Send(lines) = &step.action else { return };
    if step.expect.as_ref().is_some_and(|expect| outlook(expect) != Outlook::Success) {
        return;
    }
    for text in lines {
        let whole = text.with_placeholder("x");
        if let Some(warning) = unlike_a_line(text, &whole) {
            warnings.push(warning);
            continue;
        }
        if whole.trim_end_matches('\n').contains('\n') {
            continue;
        }
        line(text, &whole, step.expect.is_some(), warnings);
        initial_response(text, trial, warnings);
    }
    if let Some(expect) = &step.expect {
        answers::to_step(step, expect, warnings);
    }
}

/// The first of several commands in a line, as a shell joins them.
fn before_another<'t>(text: &'t Text, whole: &str) -> Option<&'t str> {
    let sign = [" && ", " || ", " | ", "; "].into_iter().find(|sign| text.is_literal() && whole.contains(*sign))?;
    text.source.split(sign).next().filter(|_| !whole.contains(['"', '<', '{', '$', '%']))
}

/// What stands around a line elsewhere, and is sent here; and what only a server says.
fn unlike_a_line(text: &Text, whole: &str) -> Option<Diagnostic> {
    const PREFIXES: [&str; 9] = ["C: ", "c: ", "CLIENT: ", "Client: ", ">>> ", "> ", "-> ", "~> ", "$ "];
    let source = text.source.as_str();
    if let Some(line) = PREFIXES.iter().find_map(|prefix| source.strip_prefix(prefix)) {
        let warning = Diagnostic::warning(text.span, "the sign before this command is sent too");
        return Some(warning.help(format!("write `send: {line}`")));
    }
    if whole.len() > 2 && whole.starts_with('"') && whole.ends_with('"') && whole.matches('"').count() == 2 {
        let warning = Diagnostic::warning(text.span, "the quotes around this command are sent too");
        return Some(warning.help(format!("write `send: {}`", source.trim_matches('"'))));
    }
    let escape = ["\\r\\n", "\\n", "\\r"].iter().find(|escape| text.is_literal() && whole.contains(**escape));
    if let Some(first) = escape.and_then(|escape| source.split(escape).next()) {
        let warning =
            Diagnostic::warning(text.span, "a backslash stands for itself here: this sends a `\\` and a letter");
        let help = format!("`send` ends its line itself: `send: {first}`; each further line is a step of its own");
        return Some(warning.help(help));
    }
    if let Some(first) = before_another(text, whole) {
        let warning = Diagnostic::warning(text.span, "a line is one command: what joins several elsewhere is sent too");
        return Some(warning.help(format!("write `send: {first}`; each further command is a step of its own")));
    }
    if let Some(line) = source.strip_suffix(';').filter(|_| !whole.contains('"')) {
        let warning = Diagnostic::warning(text.span, "the semicolon after this command is sent too");
        return Some(warning.help(format!("write `send: {line}`")));
    }
    let code = whole.split([' ', '-']).next().filter(|code| text.is_literal_up_to(code.len()))?;
    let is_code =
        code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit()) && code.starts_with(['2', '3', '4', '5']);
    is_code.then(|| {
        let warning = Diagnostic::warning(text.span, "this is a reply: the server says it");
        warning.help(format!("write `expect: ^{code}`"))
    })
}

fn line(text: &Text, whole: &str, replied: bool, warnings: &mut Vec<Diagnostic>) {
    let command = CommandLine::parse(whole.as_bytes());
    let argument = String::from_utf8_lossy(command.argument()).into_owned();
    match command.verb() {
        Verb::Mail | Verb::Rcpt if argument.is_empty() => {}
        Verb::Mail => path(text, &argument, "MAIL", "FROM", warnings),
        Verb::Rcpt => path(text, &argument, "RCPT", "TO", warnings),
        Verb::Ehlo | Verb::Helo | Verb::Lhlo if argument.trim().is_empty() => {
            let name = command.name();
            let warning = Diagnostic::warning(
                text.span,
                format!("`{name}` takes the name of the client (RFC 5321 section 4.1.1.1)"),
            );
            warnings.push(warning.help(format!("write `{name} client.example`, or `{name} [192.0.2.1]`")));
        }
        Verb::Ehlo | Verb::Helo | Verb::Lhlo if argument.contains("://") => {
            let host = argument.split("://").nth(1).unwrap_or("").split(['/', ':']).next().unwrap_or("").to_owned();
            let warning = Diagnostic::warning(text.span, "a domain stands here, and no URL");
            warnings.push(warning.help(format!("write `{} {host}`", command.name())));
        }
        Verb::Ehlo | Verb::Helo | Verb::Lhlo => paths::hello(text, &command.name(), &argument, warnings),
        Verb::BdatCommand if replied => {
            let warning = Diagnostic::warning(text.span, "the octets of a chunk follow BDAT at once, and none do");
            warnings.push(warning.help("write the step `bdat: |` with the message below it: it sends the command too"));
        }
        Verb::Data | Verb::StartTls | Verb::Quit | Verb::Reset if !argument.trim().is_empty() => {
            warnings.extend(with_argument(text, &command));
        }
        Verb::Other if whole.to_ascii_uppercase().starts_with("MAIL:") => {
            path(text, &whole[5..], "MAIL", "FROM", warnings);
        }
        Verb::Other if whole.to_ascii_uppercase().starts_with("RCPT:") => {
            path(text, &whole[5..], "RCPT", "TO", warnings);
        }
        Verb::Other if replied => verb(text, whole, warnings),
        _ => {}
    }
}

/// A command that takes no argument, and has one.
fn with_argument(text: &Text, command: &CommandLine<'_>) -> Option<Diagnostic> {
    if command.verb() == Verb::Data {
        let warning = Diagnostic::warning(text.span, "DATA stands alone: the message follows its reply");
        return Some(warning.help("write `- send: DATA` with `expect: ^354`, and then `- data: |` with the message"));
    }
    let name = command.name();
    let warning = Diagnostic::warning(text.span, format!("nothing stands after `{name}`: servers refuse this"));
    text.is_literal().then(|| warning.help(format!("write `{name}` alone")))
}

/// `MAIL FROM:<reverse-path>` and `RCPT TO:<forward-path>` (RFC 5321 section 4.1.2).
fn path(text: &Text, argument: &str, verb: &str, keyword: &str, warnings: &mut Vec<Diagnostic>) {
    let upper = argument.to_ascii_uppercase();
    let rest = upper.strip_prefix(keyword);
    let after = argument.get(keyword.len()..).unwrap_or("").trim_start();
    let has_colon = after.starts_with(':');
    let value = after.trim_start_matches([':', '=']).trim();
    let written = written_path(text, value);
    let right = format!("`{verb} {keyword}:<{written}>`");
    let (message, help) = match rest {
        None => {
            let other = if keyword == "FROM" { "TO" } else { "FROM" };
            let bare = argument.trim();
            let bare =
                if upper.starts_with(other) { bare[other.len()..].trim_start_matches([':', '=', ' ']) } else { bare };
            let path = written_path(text, bare);
            (format!("a line `{verb}` says `{keyword}:` before its path"), format!("write `{verb} {keyword}:<{path}>`"))
        }
        Some(_) if !has_colon => (format!("a colon stands after `{verb} {keyword}`"), format!("write {right}")),
        Some(_) if value.is_empty() => (
            format!("`{verb} {keyword}:` has no path"),
            format!("write `{verb} {keyword}:<name@example.com>`; the empty path is `<>`"),
        ),
        Some(_) if after.starts_with(": ") && value.starts_with('<') => (
            "no blank stands between the colon and the path (RFC 5321 section 4.1.1)".to_owned(),
            format!("write {right}"),
        ),
        Some(_) if !value.starts_with('<') => {
            ("a path stands in angle brackets (RFC 5321 section 4.1.2)".to_owned(), format!("write {right}"))
        }
        Some(_) if !value.contains('>') => {
            let example =
                text.single_name().map_or_else(|| "name@example.com".to_owned(), |name| format!("<<{name}>>"));
            let help = format!("write `{verb} {keyword}:<{example}>`");
            ("the angle bracket of this path is not closed".to_owned(), help)
        }
        Some(_) if value.matches('<').count() > 1 && (value.contains(',') || value.contains("> <")) => {
            ("a line names one path".to_owned(), format!("write a line `{verb} {keyword}:<…>` for each"))
        }
        Some(_) => return paths::look(text, verb, keyword, value, warnings),
    };
    // The value of a template may hold the brackets: where it begins with one, it does.
    let warning = Diagnostic::warning(text.span, format!("{message}: many servers refuse it"));
    warnings.push(warning.help(help));
}

/// `AUTH PLAIN` and its like send base64 (RFC 4954 section 4).
fn initial_response(text: &Text, trial: &Trial, warnings: &mut Vec<Diagnostic>) {
    let Some(sample) = trial.sample(text) else { return };
    let command = CommandLine::parse(sample.as_bytes());
    if command.verb() != Verb::AuthCommand {
        return;
    }
    let argument = String::from_utf8_lossy(command.argument()).into_owned();
    let Some((mechanism, response)) = argument.split_once(' ').map(|(name, rest)| (name, rest.trim())) else { return };
    if response == "=" {
        return;
    }
    let message = match crate::scenario::decode_base64(response) {
        _ if response.contains(' ') => "the response in a line AUTH is base64, and this is none",
        Ok(octets) if mechanism.eq_ignore_ascii_case("PLAIN") && octets.iter().filter(|it| **it == 0).count() != 2 => {
            "the response of PLAIN is base64 of an identity, the user and the password with a NUL before each of the last two \
             (RFC 4616 section 2), and this is base64 of something else"
        }
        Ok(octets) if mechanism.eq_ignore_ascii_case("LOGIN") && octets.contains(&0) => {
            "the response of LOGIN is base64 of the user name alone, and this is that of PLAIN"
        }
        _ => match no_response(response) {
            Some(of_text) => &*format!("the response in a line AUTH is base64, {of_text}"),
            None => return,
        },
    };
    let literal = "write the step `- auth: {mechanism: PLAIN, username: …, password: <<password>>}`, which encodes it; or `<<… | b64encode>>`";
    let help = match mechanism.to_ascii_uppercase().as_str() {
        "PLAIN" if !text.is_literal() => {
            "write `AUTH PLAIN <<auth_plain(username, password)>>`, or the step `- auth: {…}`"
        }
        _ => literal,
    };
    warnings.push(Diagnostic::warning(text.span, message.to_owned()).help(help));
}

/// What is wrong with a response that should be base64.
pub(super) fn no_response(response: &str) -> Option<String> {
    let message = match crate::scenario::decode_base64(response) {
        Err(_) if response.contains(['-', '_']) && is_base64(&response.replace('-', "+").replace('_', "/")) => {
            "and this is that of URLs: `+` stands for `-` here, and `/` for `_`"
        }
        Err(_) => "and this is none",
        Ok(octets) if octets.ends_with(b"\n") => {
            "and this is that of a text with its line end: `printf '%s' …` prints none, and `echo` does"
        }
        Ok(_) => return None,
    };
    Some(message.to_owned())
}

/// Whether a text is base64 of something.
fn is_base64(text: &str) -> bool {
    crate::scenario::decode_base64(text).is_ok()
}

/// A password that stands in the file itself.
pub(super) fn credentials(auth: &Auth, warnings: &mut Vec<Diagnostic>) {
    for (key, text) in [("password", &auth.password), ("token", &auth.token)] {
        let Some(text) = text.as_ref().filter(|text| text.is_literal() && !text.source.is_empty()) else { continue };
        let warning = Diagnostic::warning(text.span, format!("this {key} stands in the file, for everybody to read"));
        let help =
            format!("write `{key}: <<{key}>>`, and `secrets: [{key}]` at the top: its value then comes from outside");
        warnings.push(warning.help(help));
    }
}

/// The path as it is written in the file, its template included.
fn written_path(text: &Text, value: &str) -> String {
    let source = text.source.as_str();
    match source.find("<<") {
        Some(open) if value.contains('x') => {
            let start = source[..open].rfind([':', ' ', '=']).map_or(open, |at| at + 1);
            let end = source.rfind(">>").map_or(source.len(), |close| close + 2);
            let rest = source[end..].find(' ').map_or(source.len(), |at| end + at);
            source[start..rest].to_owned()
        }
        _ if value.contains('<') => value.split(['<', '>']).nth(1).unwrap_or(value).to_owned(),
        _ => value.split(' ').next().unwrap_or(value).trim_matches(['<', '>', '"', '\'']).to_owned(),
    }
}

/// A verb that is none, and looks like one.
fn verb(text: &Text, whole: &str, warnings: &mut Vec<Diagnostic>) {
    let word = whole.split([' ', ':', '<']).next().unwrap_or(whole);
    let in_template = !text.is_literal_up_to(word.len());
    if let Some(joined) = in_one_word(word).filter(|_| !in_template) {
        let warning = Diagnostic::warning(text.span, format!("`{word}` is no command of SMTP, and looks like one"));
        return warnings.push(warning.help(format!("did you mean `{joined}`?")));
    }
    if in_template || word.len() < 2 || !word.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return;
    }
    let upper = word.to_ascii_uppercase();
    let rest = &whole[word.len()..];
    if rest.starts_with(':') && HEADERS.contains(&upper.as_str()) {
        let warning = Diagnostic::warning(text.span, "this is a header of a message, and no command");
        warnings.push(warning.help("write the message as `- data: |`, after `- send: DATA` with `expect: ^354`"));
        return;
    }
    if rest.starts_with(':') && CommandLine::parse(upper.as_bytes()).verb() != Verb::Other {
        let warning = Diagnostic::warning(text.span, "no colon stands after this verb");
        warnings.push(warning.help(format!("write `{upper} {}`", rest[1..].trim())));
        return;
    }
    if word.len() < 3 && upper != "TO" && upper != "HI" {
        return;
    }
    let joined = [
        ("MAILFROM", "MAIL FROM:<…>"),
        ("RCPTTO", "RCPT TO:<…>"),
        ("HELLO", "EHLO client.example"),
        ("HI", "EHLO client.example"),
        ("EXIT", "QUIT"),
        ("BYE", "QUIT"),
        ("LOGIN", "AUTH LOGIN"),
        ("TLS", "STARTTLS"),
        ("START", "STARTTLS"),
        ("RESET", "RSET"),
        ("FROM", "MAIL FROM:<…>"),
        ("TO", "RCPT TO:<…>"),
        ("VERIFY", "VRFY name"),
        ("EXPAND", "EXPN name"),
    ];
    let meant = joined.iter().find(|(wrong, _)| *wrong == upper).map(|(_, right)| (*right).to_owned());
    let in_use = Verb::names().filter(|(_, verb)| is_in_use(*verb)).map(|(name, _)| name);
    let near = || one_slip(&upper, in_use).map(str::to_owned);
    if let Some(meant) = meant.or_else(near) {
        let warning = Diagnostic::warning(text.span, format!("`{word}` is no command of SMTP, and looks like one"));
        warnings.push(warning.help(format!("did you mean `{meant}`?")));
    }
}

/// `START-TLS`: a verb without what parts it.
fn in_one_word(word: &str) -> Option<String> {
    let joined = word.replace(['-', '_'], "").to_ascii_uppercase();
    let is_verb = CommandLine::parse(joined.as_bytes()).verb() != Verb::Other;
    (is_verb && joined.len() < word.len()).then_some(joined)
}

/// Whether a misspelt word may mean this verb.
fn is_in_use(verb: Verb) -> bool {
    use Verb::{Atrn, Burl, Etrn, Help, Send, Turn, XClient, XForward};
    !matches!(verb, Atrn | Burl | Etrn | Help | Send | Turn | XClient | XForward)
}
