//! Logs whose rows are no lines of SMTP: of IIS, with a row a command; of `MailEnable`, with a command and its reply in one;
//! what smtp-cli prints, with the codes in brackets.
//!
//! Responsible for the lines that each row stands for. Called by `dump`.

use super::super::grammar::command;
use super::super::text::{LineRole, TextLine};
use crate::smtp::ports::SMTP_PORT;
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
    let mut table = IisTable::default();
    let mut lines = lines.into_iter().peekable();
    while let Some(mut line) = lines.next() {
        if let Some(fields) = line.text.strip_prefix("#Fields: ").filter(|_| matches!(log, RowLog::Iis)) {
            table.names = fields.split(' ').map(str::to_owned).collect();
        }
        let said = match log {
            RowLog::Iis => table.row(&line.text),
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

/// The log of the SMTP service of IIS.
#[derive(Default)]
struct IisTable {
    /// The names of the columns.
    names: Vec<String>,
    /// The clients that may say EHLO once more within their session: after STARTTLS, or because it was refused.
    may_greet: Vec<String>,
}

impl IisTable {
    /// Of a session that the service opened a row is a line; of one that it served it is a command with the code that answered.
    fn row(&mut self, line: &str) -> Option<Vec<String>> {
        let values: Vec<&str> = line.split(' ').collect();
        let value = |name: &str| self.names.iter().position(|it| it == name).and_then(|at| values.get(at)).copied();
        let (peer, user, query) = (value("c-ip")?, value("cs-username")?, with_blanks(value("cs-uri-query")?));
        let (method, code, own) = (value("cs-method")?, value("sc-status")?, value("s-ip").unwrap_or("-"));
        if line.starts_with('#') || !line.contains(" SMTPSVC") {
            return None;
        }
        let argument = if query == "-" { "" } else { query.trim_start() };
        let typed = format!("{method} {argument}").trim_end().to_owned();
        let said = |lines: &[String]| Some(lines.iter().map(|line| format!("[{peer}] {line}")).collect::<Vec<_>>());
        match user {
            "OutboundConnectionResponse" if query.starts_with("220") => {
                let port = value("s-port").unwrap_or_default();
                said(&[format!("connected to {peer}:{port}"), format!("< {query}")])
            }
            "OutboundConnectionResponse" => said(&[format!("< {query}")]),
            "OutboundConnectionCommand" => said(&[format!("> {typed}")]),
            // What follows the verb is the name of the client, or of the message; the code of QUIT is one of the service's own.
            _ if method == "QUIT" => said(&["> QUIT".to_owned(), "< 221 ".to_owned()]),
            _ if method == "DATA" => said(&["> DATA".to_owned(), "< 354 ".to_owned(), format!("< {code} ")]),
            _ if command(&typed).is_none() => None,
            _ => {
                let begins = self.begins(peer, method, code).then(|| connecting(own));
                let lines = [format!("> {typed}"), format!("< {code} ")];
                said(&begins.into_iter().chain(lines).collect::<Vec<_>>())
            }
        }
    }

    /// Whether a session begins with this command.
    fn begins(&mut self, peer: &str, method: &str, code: &str) -> bool {
        let greets = matches!(method, "EHLO" | "HELO");
        let goes_on = self.may_greet.iter().any(|it| it == peer);
        self.may_greet.retain(|it| it != peer);
        if method == "STARTTLS" || greets && code.starts_with('5') {
            self.may_greet.push(peer.to_owned());
        }
        greets && !goes_on
    }
}

/// The line that begins a session with the service at this address, which may be missing.
fn connecting(own: &str) -> String {
    if own == "-" { "=== Trying pipe to ".to_owned() } else { format!("Connecting to {own}:{SMTP_PORT}") }
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
        let names = FIELDS.split(' ').map(str::to_owned).collect();
        IisTable { names, ..IisTable::default() }.row(line)
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
