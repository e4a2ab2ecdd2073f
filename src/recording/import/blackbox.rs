//! `query_response` of `blackbox_exporter`: what its prober of TCP sends and expects, in a file of YAML.
//!
//! Responsible for finding the module that is meant, and for what its keys mean here. Its patterns are Go's, whose syntax
//! is that of Rust's but for details; those that do not compile are mistakes.

mod captures;
mod found;

use super::{LogRead, mistake};
use crate::recording::{Conversation, RecordedMailData, Said};
use crate::scenario::write::{Draft, DraftExpect, literal};
use crate::scenario::yaml::{self, Node, Value};
use crate::scenario::{Diagnostic, Span, compile_pattern, escaped_pattern, refuse_too_wide};
use crate::smtp::ports::{SMTP_PORT, SUBMISSIONS_PORT};
use captures::{CAPTURE, name_captures, named_groups, with_captures};
pub(super) use found::is_one;
use found::{FoundModule, entry, find, inner, text};

/// Reads the module that `wanted` names, or the only one.
pub(super) fn read(text: &str, wanted: Option<&str>) -> LogRead {
    let inner = inner(text);
    let text = inner.as_deref().unwrap_or(text);
    let failed = |mistake: Diagnostic| LogRead { mistakes: vec![mistake], ..LogRead::default() };
    let root = match yaml::read(text, 0) {
        Ok(root) => root,
        Err(mistake) => return failed(mistake),
    };
    let mut modules = Vec::new();
    find(&root, "", 0, &mut modules);
    let names: Vec<&str> = modules.iter().map(|module| module.name).collect();
    let chosen = match (wanted, modules.as_slice()) {
        (None, [only]) => Some(only),
        (None, _) => None,
        (Some(name), all) => all.iter().find(|module| module.name == name),
    };
    match (chosen, wanted) {
        (Some(module), _) => Module::read(module),
        (None, _) if modules.is_empty() => failed(mistake("no `query_response` is found in this".to_owned())),
        (None, None) => {
            let text = format!("{} modules have a `query_response`: {}", names.len(), names.join(", "));
            failed(mistake(text).help("choose one with `--module`"))
        }
        (None, Some(name)) => failed(
            mistake(format!("no module `{name}` has a `query_response`"))
                .help(format!("there is {}", names.join(", "))),
        ),
    }
}

/// A module as far as it was read.
#[derive(Default)]
struct Module {
    said: Vec<Said>,
    notices: Vec<Diagnostic>,
    mistakes: Vec<Diagnostic>,
    /// Mail data since a 354.
    data: Option<Vec<u8>>,
    /// Whether nothing was sent since the last `expect`.
    expecting: bool,
    /// How many lines have no `expect` yet; `STARTTLS` as the last of them.
    unanswered: Vec<String>,
    implicit_tls: bool,
    options: Vec<(String, String)>,
    timeout: Option<String>,
}

impl Module {
    fn read(found: &FoundModule<'_>) -> LogRead {
        let mut module = Module::default();
        found.module.into_iter().for_each(|node| module.settings_of_module(node));
        found.tcp.into_iter().for_each(|node| module.settings_of_tcp(node));
        let sends: Vec<&str> = found.exchanges.iter().filter_map(|node| entry(node, "send")).map(text).collect();
        let all_sent = sends.join("\n");
        for exchange in found.exchanges {
            module.exchange(exchange, &all_sent);
        }
        module.settle(0);
        module.finish(found.name.to_owned())
    }

    fn exchange(&mut self, node: &Node, all_sent: &str) {
        let Value::Map(entries) = &node.value else {
            return self.mistakes.push(Diagnostic::error(node.span, "a query and its response is a mapping here"));
        };
        for key in ["expect", "expect_bytes", "send", "starttls"] {
            let Some(value) = entry(node, key) else { continue };
            match key {
                "expect" => self.expect(value, &named_groups(text(value), all_sent)),
                "expect_bytes" => self.expect(value, &of_bytes(text(value))),
                "send" => self.send(value),
                _ if text(value) == "true" => self.starttls(),
                _ => {}
            }
        }
        for (key, _) in entries {
            if !matches!(text(key), "expect" | "expect_bytes" | "send" | "starttls") {
                self.not_carried_over(key);
            }
        }
    }

    fn expect(&mut self, node: &Node, pattern: &str) {
        if let Err(fault) = compile_pattern(pattern) {
            return self.mistakes.push(Diagnostic::error(node.span, fault.message));
        }
        let (code, expect) = wanted(pattern);
        if matches!(expect, DraftExpect::Fields(_)) {
            let notice = Diagnostic::warning(node.span, "this says nothing about the reply code: any code will do");
            self.notices.push(notice.help("name the code that is wanted: a refusal may hold these words as well"));
        }
        if self.expecting
            && let Some(Said::Wanted(before, all)) = self.said.last_mut()
            && *before == code
            && join(all, &expect)
        {
            return;
        }
        self.settle(1);
        self.unanswered.clear();
        self.expecting = true;
        self.said.push(Said::Wanted(code, expect));
        if code == 354 {
            self.data = Some(Vec::new());
        }
    }

    fn send(&mut self, node: &Node) {
        self.expecting = false;
        let sent: String = text(node).chars().filter(|letter| !CAPTURE.contains(letter)).collect();
        if !sent.ends_with('\r') {
            let notice = Diagnostic::warning(node.span, "this is sent with a bare LF there, and with CRLF here");
            self.notices.push(notice.help("to send a bare LF, write `raw:`"));
        }
        for line in sent.split('\n') {
            let line = with_captures(line.trim_end_matches('\r'));
            self.line(&line);
        }
    }

    fn line(&mut self, line: &str) {
        match &mut self.data {
            Some(data) if line == "." => {
                let octets = std::mem::take(data);
                self.data = None;
                self.said.push(Said::RecordedMailData(RecordedMailData { octets, left_out: 0 }));
                self.unanswered.push(".".to_owned());
            }
            Some(data) => {
                data.extend_from_slice(line.strip_prefix('.').unwrap_or(line).as_bytes());
                data.extend_from_slice(b"\r\n");
            }
            None => {
                self.settle(0);
                self.said.push(Said::Line(line.as_bytes().to_vec()));
                self.unanswered.push(line.to_owned());
            }
        }
    }

    /// Lines whose reply the module does not look at, but for the last `left`: here each reply is read.
    fn settle(&mut self, left: usize) {
        while self.unanswered.len() > left {
            let line = self.unanswered.remove(0);
            let quits = line.eq_ignore_ascii_case("QUIT");
            let expect = if quits { DraftExpect::Reply("^221".to_owned()) } else { any_reply(None) };
            self.said.push(Said::Wanted(if quits { 221 } else { 0 }, expect));
        }
    }

    fn starttls(&mut self) {
        self.settle(0);
        self.expecting = false;
        self.said.push(Said::Handshake);
    }

    fn settings_of_module(&mut self, node: &Node) {
        self.timeout = entry(node, "timeout")
            .map(text)
            .filter(|it| crate::scenario::duration::parse(it).is_ok())
            .map(str::to_owned);
        let Value::Map(entries) = &node.value else { return };
        for (key, _) in entries.iter().filter(|(key, _)| !matches!(text(key), "prober" | "timeout" | "tcp")) {
            self.not_carried_over(key);
        }
    }

    fn settings_of_tcp(&mut self, node: &Node) {
        let Value::Map(entries) = &node.value else { return };
        for (key, value) in entries {
            match (text(key), text(value)) {
                ("query_response" | "ip_protocol_fallback", _) => {}
                ("tls", flag) => self.implicit_tls = flag == "true",
                ("preferred_ip_protocol", "ip4") => self.options.push(("ip".to_owned(), "4".to_owned())),
                ("preferred_ip_protocol", "ip6") => self.options.push(("ip".to_owned(), "6".to_owned())),
                ("source_ip_address", address) => self.options.push(("local_address".to_owned(), literal(address))),
                ("tls_config", _) => self.tls_settings(value),
                _ => self.not_carried_over(key),
            }
        }
    }

    fn tls_settings(&mut self, node: &Node) {
        let Value::Map(entries) = &node.value else { return };
        for (key, value) in entries {
            match (text(key), text(value)) {
                ("server_name", name) => self.options.push(("server_name".to_owned(), literal(name))),
                ("insecure_skip_verify", "true") => self.options.push(("verify".to_owned(), "false".to_owned())),
                ("insecure_skip_verify", _) => {}
                _ => self.not_carried_over(key),
            }
        }
    }

    fn not_carried_over(&mut self, key: &Node) {
        let name: String = text(key).chars().take(40).collect();
        self.notices.push(Diagnostic::warning(key.span, format!("`{name}` has no counterpart here: it was left out")));
    }

    fn finish(self, name: String) -> LogRead {
        let target = Diagnostic::warning(
            Span::default(),
            "a module does not say which server it probes: `mail.example.com` stands in its place",
        );
        let mut notices = self.notices;
        notices.push(target.help("give it with `--var host=…` or `--to`"));
        let mut conversation = Conversation { said: self.said, ..Conversation::default() };
        conversation.server.implicit_tls = self.implicit_tls;
        conversation.server.port = if self.implicit_tls { SUBMISSIONS_PORT } else { SMTP_PORT };
        let (options, timeout) = (self.options, self.timeout);
        let complete = Box::new(move |draft: &mut Draft| {
            draft.vars.insert(0, ("host".to_owned(), "mail.example.com".to_owned()));
            draft.name = Some(name).filter(|name| !name.is_empty());
            draft.timeout = timeout;
            if let Some(connect) = &mut draft.connect {
                "<<host>>".clone_into(&mut connect.host);
                connect.options = options;
            }
            draft.steps.iter_mut().for_each(name_captures);
        });
        LogRead { conversation, mistakes: self.mistakes, notices, complete: Some(complete), ..LogRead::default() }
    }
}

/// The pattern of bytes that are compared as they are: of their first line, which is one of a reply.
fn of_bytes(bytes: &str) -> String {
    format!("^{}", escaped_pattern(bytes.lines().next().unwrap_or_default()))
}

/// What a pattern of a line is here, with the code that it stands for; 0 where it names none.
fn wanted(pattern: &str) -> (u16, DraftExpect) {
    let bare = pattern.strip_prefix('^').unwrap_or(pattern);
    let digits = bare.get(..3).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let Some(code) = digits.and_then(|digits| digits.parse().ok()) else { return (0, any_reply(Some(pattern))) };
    // A keyword may stand in the last line as well.
    let rest = match bare[3..].strip_prefix('-') {
        Some(rest) if !rest.is_empty() => format!("[ -]{rest}"),
        _ => bare[3..].to_owned(),
    };
    let whole = format!("^{}{rest}", &bare[..3]);
    let fits =
        (200..600).contains(&code) && rest != "$" && refuse_too_wide(&whole).is_ok() && compile_pattern(&whole).is_ok();
    if fits { (code, DraftExpect::Reply(literal(&whole))) } else { (code, any_reply(Some(pattern))) }
}

/// A reply with any code, in which the pattern is found.
fn any_reply(pattern: Option<&str>) -> DraftExpect {
    let text = pattern.map(|pattern| ("text".to_owned(), literal(pattern)));
    DraftExpect::Fields(std::iter::once(("code".to_owned(), "any".to_owned())).chain(text).collect())
}

/// Puts what is expected of a further line of the same reply beside what is expected already.
fn join(all: &mut DraftExpect, further: &DraftExpect) -> bool {
    let DraftExpect::Reply(further) = further else { return false };
    match all {
        DraftExpect::All(patterns) => patterns.push(further.clone()),
        DraftExpect::Reply(first) => *all = DraftExpect::All(vec![first.clone(), further.clone()]),
        DraftExpect::Fields(_) => return false,
    }
    true
}
