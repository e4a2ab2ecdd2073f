//! Checks the server's side: its templates, patterns, files, and the names that each of its steps knows.

use super::{Checker, Side, Text, resolve_file};
use crate::scenario::server::{CertificateChoice, Plan, Reply, ReplyKind, Rule, Server, ServerTls};
use crate::scenario::source::{Diagnostic, Span};
use crate::scenario::{Expectation, Expected, RawBytes, Scenario};
use std::net::SocketAddr;

impl Checker<'_> {
    /// Checks the server's part. What its steps capture is known in their connection only, and not to the client.
    pub(super) fn server(&mut self, scenario: &Scenario) {
        let Some(server) = &scenario.server else { return };
        if let Some(listen) = &server.listen {
            self.text_of_vars(listen);
            self.known_to_parse(listen, |known| parse_listen(known).map(|_| ()));
        }
        self.side = Side::Server;
        self.server_tls(&server.tls);
        self.plan(server, scenario);
        self.side = Side::Client;
        // The client reaches it: where it listens is as good as a variable of the file.
        self.names.insert("server".to_owned());
        self.vars.insert("server".to_owned());
    }

    fn plan(&mut self, server: &Server, scenario: &Scenario) {
        let before = self.names.clone();
        match &server.plan {
            Plan::Rules => self.server_rules(server, scenario),
            Plan::Each(steps) => {
                self.steps_of(steps, scenario);
                self.server_rules(server, scenario);
            }
            Plan::Listed(list) => {
                // A rule may use what the steps of only some connections capture: `is defined` tells.
                let mut all = before.clone();
                for served in list {
                    served.name.iter().for_each(|name| self.text(name));
                    self.server_tls(&served.tls);
                    self.steps_of(&served.steps, scenario);
                    all.extend(std::mem::replace(&mut self.names, before.clone()));
                    if served.steps.is_empty() && server.rules.is_empty() {
                        self.error(
                            served.span,
                            "this connection does nothing: it has no `steps`, and there are no `rules`",
                        );
                    }
                }
                self.names = all;
                self.server_rules(server, scenario);
            }
        }
        self.names = before;
    }

    fn server_rules(&mut self, server: &Server, scenario: &Scenario) {
        for rule in &server.rules {
            let before = self.names.clone();
            self.rule(rule, scenario);
            self.names = before;
        }
    }

    fn rule(&mut self, rule: &Rule, scenario: &Scenario) {
        self.capturing(&rule.pattern, false, scenario);
        rule.name.iter().for_each(|name| self.text(name));
        rule.when.iter().for_each(|when| self.expression(when));
        rule.delay.iter().for_each(|length| self.length(length));
        rule.pace.iter().for_each(|pace| self.length(&pace.every));
        rule.reply.iter().for_each(|reply| self.reply(reply));
    }

    pub(super) fn command(&mut self, expect: &Expectation, scenario: &Scenario) {
        match &expect.kind {
            Expected::Any(list) | Expected::All(list) => list.iter().for_each(|one| self.command(one, scenario)),
            _ => self.expectation_of_bytes(expect, scenario),
        }
    }

    /// A form of `expect` that compares no whole reply: a command need not begin with a code.
    fn expectation_of_bytes(&mut self, expect: &Expectation, scenario: &Scenario) {
        match &expect.kind {
            Expected::Pattern(pattern) => self.capturing(pattern, false, scenario),
            _ => self.expectation(expect, scenario),
        }
    }

    pub(super) fn reply(&mut self, reply: &Reply) {
        match &reply.kind {
            ReplyKind::Text(text) => {
                self.text(text);
                let fault = if text.is_literal() { faulty_reply(&text.source) } else { None };
                if let Some((message, help)) = fault {
                    self.diagnostics.push(Diagnostic::error(reply.span, message).help(help));
                }
            }
            ReplyKind::Lines { lines, .. } => {
                for line in lines {
                    self.text(line);
                    if let Some(at) = line.source.find(['\r', '\n']) {
                        let span: Span = line.span_of(&(at..at + 1));
                        let error = Diagnostic::error(span, "a line of a reply holds a line end");
                        self.diagnostics.push(error.help("make it two entries of the list, or write `{raw: …}`"));
                    }
                }
            }
            ReplyKind::Raw(raw) => self.raw_bytes(raw),
        }
    }

    pub(super) fn raw_bytes(&mut self, raw: &RawBytes) {
        match raw {
            RawBytes::Text(text) | RawBytes::Hex(text) | RawBytes::Base64(text) => self.text(text),
            RawBytes::Bytes(_) => {}
        }
    }

    pub(super) fn server_tls(&mut self, tls: &ServerTls) {
        tls.files().into_iter().for_each(|file| self.file(file));
        self.certificates(tls);
        if let Some(CertificateChoice::Made(made)) = &tls.certificate {
            made.names.iter().flatten().for_each(|name| self.text_of_vars(name));
        }
        self.versions(tls);
    }

    /// What stands in the files of certificates and keys; those that cannot be read are said elsewhere.
    fn certificates(&mut self, tls: &ServerTls) {
        let pem = self.context.pem;
        if let Some(CertificateChoice::Files { file, key }) = &tls.certificate
            && let Some(certificates) = self.content_of(file)
        {
            if let Some(fault) = (pem.certificate)(&certificates) {
                self.error(file.span, fault);
            } else if let Some(fault) = self.content_of(key).and_then(|key| (pem.key)(&certificates, &key)) {
                self.error(key.span, fault);
            }
        }
        if let Some(file) = &tls.client_ca
            && let Some(fault) = self.content_of(file).and_then(|certificates| (pem.certificate)(&certificates))
        {
            self.error(file.span, fault);
        }
    }

    /// The content of a file whose name is known, where it may and can be read.
    fn content_of(&self, file: &Text) -> Option<Vec<u8>> {
        let name = self.known_text(file)?;
        let path = resolve_file(self.context.file_root.as_deref(), &name).ok()?;
        std::fs::read(path).ok()
    }

    fn versions(&mut self, tls: &ServerTls) {
        if let (Some(min), Some(max)) = (&tls.min_version, &tls.max_version)
            && min.name > max.name
        {
            self.error(min.span, format!("`min_version` {} is above `max_version` {}", min.name, max.name));
        }
    }
}

/// Where a server listens: an IP address and a port, of which 0 means any free one.
pub(crate) fn parse_listen(written: &str) -> Result<SocketAddr, String> {
    written
        .trim()
        .parse::<SocketAddr>()
        .map_err(|_| format!("`{written}` is not an IP address with a port, such as `127.0.0.1:2525` or `[::1]:0`"))
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
