//! Logs whose rows are no lines of SMTP: of IIS, with a row a command; of `MailEnable`, with a command and its reply in one;
//! what smtp-cli prints, with the codes in brackets.
//!
//! Responsible for the lines that each row stands for. Called by `dump`.

use super::super::grammar::command;
use super::super::text::{LineRole, TextLine};
use std::borrow::Cow;

/// A log of rows.
#[derive(Clone, Copy)]
pub(super) enum RowLog {
    Iis,
    MailEnable,
    SmtpCli,
}

/// Which log a text is, if it is one.
pub(super) fn log_of(lines: &[TextLine<'_>]) -> Option<RowLog> {
    let any = |test: fn(&str) -> bool| lines.iter().any(|line| test(&line.text));
    if any(|line| line.starts_with("#Fields: ") && line.contains("cs-method")) && any(|line| line.contains(" SMTPSVC"))
    {
        return Some(RowLog::Iis);
    }
    if any(|line| mail_enable(line).is_some()) {
        return Some(RowLog::MailEnable);
    }
    any(|line| bracketed(line).is_some_and(|(code, _)| code == "220")).then_some(RowLog::SmtpCli)
}

/// The lines that the rows stand for.
pub(super) fn read(lines: Vec<TextLine<'_>>, log: RowLog) -> Vec<TextLine<'_>> {
    let mut cut = Vec::with_capacity(lines.len());
    let mut names: Vec<String> = Vec::new();
    let mut lines = lines.into_iter().peekable();
    while let Some(mut line) = lines.next() {
        if let Some(fields) = line.text.strip_prefix("#Fields: ").filter(|_| matches!(log, RowLog::Iis)) {
            names = fields.split(' ').map(str::to_owned).collect();
        }
        let said = match log {
            RowLog::Iis => iis(&line.text, &names),
            RowLog::MailEnable => mail_enable(&line.text),
            RowLog::SmtpCli => {
                let next = lines.peek().and_then(|next| bracketed(&next.text)).map(|(code, _)| code.to_owned());
                bracketed(&line.text).map(|(code, text)| {
                    let sign = if next.as_deref() == Some(code) { '-' } else { ' ' };
                    vec![format!("< {code}{sign}{text}")]
                })
            }
        };
        let Some(said) = said else {
            let is_noise = line.text.starts_with('#') || matches!(log, RowLog::MailEnable);
            line.role = if is_noise { LineRole::Noise } else { line.role };
            cut.push(line);
            continue;
        };
        let (start, end) = (line.start, line.end);
        cut.extend(said.into_iter().map(|text| TextLine { start, end, text: Cow::Owned(text), role: LineRole::Open }));
    }
    cut
}

/// A row of the SMTP service of IIS. A session that it opened shows replies; of one that it served each command has a code.
fn iis(line: &str, names: &[String]) -> Option<Vec<String>> {
    let values: Vec<&str> = line.split(' ').collect();
    let value = |name: &str| names.iter().position(|it| it == name).and_then(|at| values.get(at)).copied();
    let (peer, user, query) = (value("c-ip")?, value("cs-username")?, with_blanks(value("cs-uri-query")?));
    let (method, code) = (value("cs-method")?, value("sc-status")?);
    if line.starts_with('#') || !line.contains(" SMTPSVC") {
        return None;
    }
    let argument = if query == "-" { "" } else { query.trim_start() };
    let typed = format!("{method} {argument}").trim_end().to_owned();
    match user {
        "OutboundConnectionResponse" => {
            let port = value("s-port").unwrap_or_default();
            let connected = query.starts_with("220").then(|| format!("[{peer}] connected to {peer}:{port}"));
            Some(connected.into_iter().chain([format!("[{peer}] < {query}")]).collect())
        }
        "OutboundConnectionCommand" => Some(vec![format!("[{peer}] > {typed}")]),
        // What follows the verb is the name of the client, or of the message.
        _ if method == "QUIT" => Some(vec![format!("[{peer}] > QUIT")]),
        _ if method == "DATA" => {
            Some(vec![format!("[{peer}] > DATA"), format!("[{peer}] < 354 "), format!("[{peer}] < {code} ")])
        }
        _ => command(&typed).map(|_| vec![format!("[{peer}] > {typed}"), format!("[{peer}] < {code} ")]),
    }
}

/// A plus stands for a blank, but not in a path.
fn with_blanks(query: &str) -> String {
    let mut in_path = false;
    let sign = |letter: char| {
        in_path = letter == '<' || in_path && letter != '>';
        if letter == '+' && !in_path { ' ' } else { letter }
    };
    query.chars().map(sign).collect()
}

/// Between tabs: `SMTP-IN`, a message, a socket, an address, a verb, the command, its reply.
fn mail_enable(line: &str) -> Option<Vec<String>> {
    let fields: Vec<&str> = line.split('\t').collect();
    let at = fields.iter().take(4).position(|field| matches!(*field, "SMTP-IN" | "SMTP-OU"))?;
    let [_, socket, _, _, command, reply, ..] = fields.get(at + 1..)? else { return None };
    let said = [('>', command), ('<', reply)].into_iter().filter(|(_, text)| !text.is_empty());
    Some(said.map(|(side, text)| format!("[{socket}] {side} {text}")).collect())
}

/// `[250] 'mx.example'`: the code and the text.
fn bracketed(line: &str) -> Option<(&str, &str)> {
    let (code, text) = line.strip_prefix('[')?.split_once("] '")?;
    let is_code = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit());
    is_code.then_some((code, text.trim_end().strip_suffix('\'')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &str =
        "date time c-ip cs-username s-sitename s-computername s-port cs-method cs-uri-stem cs-uri-query sc-status";

    fn row(line: &str) -> Option<Vec<String>> {
        iis(line, &FIELDS.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn rows_of_iis_are_lines_of_both_sides() {
        let response =
            "2024-03-05 09:00:01 192.0.2.3 OutboundConnectionResponse SMTPSVC1 WEB01 25 - - 220+mx.example+ESMTP 0";
        let lines = ["[192.0.2.3] connected to 192.0.2.3:25", "[192.0.2.3] < 220 mx.example ESMTP"];
        assert_eq!(row(response).as_deref(), Some(&lines.map(str::to_owned)[..]));
        let command = "2024-03-05 09:00:01 192.0.2.3 OutboundConnectionCommand SMTPSVC1 WEB01 25 MAIL - FROM:<a+b@c.example>+SIZE=8 0";
        assert_eq!(row(command), Some(vec!["[192.0.2.3] > MAIL FROM:<a+b@c.example> SIZE=8".to_owned()]));
        let served = "2024-03-05 09:00:01 192.0.2.3 pc SMTPSVC1 WEB01 25 RCPT - +TO:<a@b.example> 550";
        let lines = ["[192.0.2.3] > RCPT TO:<a@b.example>", "[192.0.2.3] < 550 "];
        assert_eq!(row(served).as_deref(), Some(&lines.map(str::to_owned)[..]));
        assert_eq!(row("2024-03-05 09:00:01 192.0.2.3 - W3SVC1 WEB01 80 GET - - 200"), None);
    }

    #[test]
    fn codes_in_brackets_are_codes() {
        assert_eq!(bracketed("[250] 'mx.example'"), Some(("250", "mx.example")));
        for none in ["[25] 'x'", "[250] x", "[abc] 'x'", "[250] '", ""] {
            assert_eq!(bracketed(none), None, "{none}");
        }
    }
}
