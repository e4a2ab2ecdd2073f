//! Checks the server's side: its templates, patterns, files, and the names that each of its steps knows.

use super::{Checker, connection, expect, files, steps};
use crate::scenario::server::{CertificateChoice, ConnectionPlan, Reply, ReplyKind, Rule, Server, ServerTls};
use crate::scenario::sides::Side;
use crate::scenario::source::{Diagnostic, Span};
use crate::scenario::{Misread, RawBytes, Scenario};
use std::net::SocketAddr;

/// Checks the server's part. What its steps capture is known in their connection only, and not to the client.
pub(super) fn server(checker: &mut Checker<'_>, scenario: &Scenario) {
    let Some(server) = &scenario.server else { return };
    if let Some(listen) = &server.listen {
        checker.text_of_vars(listen);
        checker.known_to_parse(listen, |known| parse_listen(known).map(|_| ()));
    }
    checker.side = Side::Server;
    server_tls(checker, &server.tls);
    plan(checker, server);
    checker.side = Side::Client;
    // The client reaches it: where it listens is as good as a variable of the file.
    checker.names.insert("server".to_owned());
    checker.vars.insert("server".to_owned());
}

fn plan(checker: &mut Checker<'_>, server: &Server) {
    let before = checker.names.clone();
    match &server.plan {
        ConnectionPlan::Rules => server_rules(checker, server),
        ConnectionPlan::Each(steps) => {
            steps::steps_of(checker, steps);
            server_rules(checker, server);
        }
        ConnectionPlan::Listed(list) => {
            // A rule may use what the steps of only some connections capture: `is defined` tells.
            let mut all = before.clone();
            for served in list {
                served.name.iter().for_each(|name| checker.text(name));
                server_tls(checker, &served.tls);
                steps::steps_of(checker, &served.steps);
                all.extend(std::mem::replace(&mut checker.names, before.clone()));
                if served.steps.is_empty() && server.rules.is_empty() {
                    checker.error(
                        served.span,
                        "this connection does nothing: it has no `steps`, and there are no `rules`",
                    );
                }
            }
            checker.names = all;
            server_rules(checker, server);
        }
    }
    checker.names = before;
}

fn server_rules(checker: &mut Checker<'_>, server: &Server) {
    // What a rule captures is known to those after it, on the same connection.
    let before = checker.names.clone();
    server.rules.iter().for_each(|rule| check_rule(checker, rule));
    checker.names = before;
}

fn check_rule(checker: &mut Checker<'_>, rule: &Rule) {
    expect::capturing(checker, &rule.pattern, false);
    rule.name.iter().for_each(|name| checker.text(name));
    rule.when.iter().for_each(|when| checker.expression(when));
    rule.counted_values().iter().for_each(|value| checker.text(value));
    rule.delay.iter().for_each(|length| checker.length(length));
    rule.pace.iter().for_each(|pace| checker.length(&pace.every));
    rule.reply.iter().for_each(|reply| check_reply(checker, reply));
}

pub(super) fn check_reply(checker: &mut Checker<'_>, reply: &Reply) {
    match &reply.kind {
        ReplyKind::Text(text) => {
            checker.text(text);
            let fault = if text.is_literal() { faulty_reply(&text.source) } else { None };
            if let Some((message, help)) = fault {
                checker.diagnostics.push(Diagnostic::error(reply.span, message).help(help));
            }
        }
        ReplyKind::Lines { lines, .. } => {
            for line in lines {
                checker.text(line);
                if let Some(at) = line.source.find(['\r', '\n']) {
                    let span: Span = line.span_of(&(at..at + 1));
                    let error = Diagnostic::error(span, "a line of a reply holds a line end");
                    checker.diagnostics.push(error.help("make it two entries of the list, or write `{raw: …}`"));
                }
            }
        }
        ReplyKind::Raw(raw) => raw_bytes(checker, raw),
    }
}

pub(super) fn raw_bytes(checker: &mut Checker<'_>, raw: &RawBytes) {
    match raw {
        RawBytes::Text(text) | RawBytes::Hex(text) | RawBytes::Base64(text) => checker.text(text),
        RawBytes::Bytes(_) => {}
    }
}

pub(super) fn server_tls(checker: &mut Checker<'_>, tls: &ServerTls) {
    tls.files().into_iter().for_each(|file| files::file(checker, file));
    certificates(checker, tls);
    if let Some(CertificateChoice::Made(made)) = &tls.certificate {
        made.texts().for_each(|name| checker.text_of_vars(name));
    }
    tls.chosen().for_each(|text| checker.text(text));
    connection::versions(checker, tls.min_version.as_ref(), tls.max_version.as_ref());
}

/// What stands in the files of certificates and keys; those that cannot be read are said elsewhere.
fn certificates(checker: &mut Checker<'_>, tls: &ServerTls) {
    let pem = checker.context.pem;
    if let Some(CertificateChoice::Files { file, key }) = &tls.certificate
        && let Some(certificates) = files::content_of(checker, file)
    {
        if let Some(fault) = (pem.certificate)(&certificates) {
            checker.error(file.span, fault);
        } else if let Some(fault) = files::content_of(checker, key).and_then(|key| (pem.key)(&certificates, &key)) {
            checker.error(key.span, fault);
        }
    }
    if let Some(file) = &tls.client_ca
        && let Some(fault) = files::content_of(checker, file).and_then(|certificates| (pem.certificate)(&certificates))
    {
        checker.error(file.span, fault);
    }
}

/// Where a server listens: an IP address and a port, of which 0 means any free one.
pub(crate) fn parse_listen(written: &str) -> Result<SocketAddr, Misread> {
    written.trim().parse::<SocketAddr>().map_err(|_| {
        Misread::new(format!("`{written}` is not an IP address with a port, such as `127.0.0.1:2525` or `[::1]:0`"))
    })
}

/// What is wrong with a text of several lines: it is sent as it stands, and must be one reply.
fn faulty_reply(source: &str) -> Option<(&'static str, &'static str)> {
    let help = "write a list of its lines without codes, `{code: 250, lines: [...]}`, or `{raw: …}` for exact bytes";
    if source.contains('\r') {
        return Some(("`reply` ends each line with CRLF itself", help));
    }
    let lines: Vec<&str> = source.trim_end_matches('\n').split('\n').collect();
    if lines.len() == 1 {
        return None;
    }
    let (last, others) = lines.split_last()?;
    let code = last.get(..3).filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()))?;
    let whole = others.iter().all(|line| line.starts_with(code) && line.get(3..4) == Some("-"));
    let ends = last.len() == 3 || last.get(3..4) == Some(" ");
    if whole && ends { None } else { Some(("these lines are not one reply", help)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_lines_are_one_reply() {
        for fine in ["250 ok", "mx greets you", "250-a\n250 b\n", "250-a\n250-b\n250"] {
            assert_eq!(faulty_reply(fine), None, "{fine}");
        }
        for bad in ["250 a\n250 b", "250-a\n251 b", "250-a\n250-b", "250 ok\r\n"] {
            assert!(faulty_reply(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn places_to_listen_at() {
        assert!(parse_listen("127.0.0.1:0").is_ok() && parse_listen("[::1]:2525").is_ok());
        for bad in ["localhost:25", "127.0.0.1", ":25", ""] {
            assert!(parse_listen(bad).is_err(), "{bad}");
        }
    }
}
