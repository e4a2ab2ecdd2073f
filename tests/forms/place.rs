//! Scenarios with a hole, into which a key is put, and what comes of putting the help's form in its place.

use regex::Regex;
use std::ops::RangeInclusive;

/// A place of the language: a scenario in which `¤` stands where a key goes.
pub(crate) struct Place {
    pub(crate) name: &'static str,
    doc: String,
}

/// A scenario with a key in its place.
pub(crate) struct Filled<'p> {
    doc: &'p str,
    entry: String,
}

const HEAD: &str = "vars: {domain: example.com}\nsecrets: [username, password, token]\n";
const CONNECT: &str = "connect: mail.example.com:587\n";
const STEPS: &str = "steps:\n  - expect: ^220\n  - {send: EHLO client.example, expect: ^250}\n";

impl Place {
    /// The place that any key is tried in.
    pub(crate) fn any(name: &'static str) -> Place {
        Place::of(name, "")
    }

    /// The place of a key, with what must stand beside it.
    pub(crate) fn of(name: &'static str, key: &str) -> Place {
        let doc = match name {
            "top" => at_the_top(key),
            "step" => step(&in_step(key)),
            "connect" => format!("{HEAD}connect: {{{}}}\n{STEPS}", in_connect(key)),
            "proxy" => {
                let beside = if matches!(key, "source" | "destination") {
                    pair(key, "source", "destination", "192.0.2.9:25")
                } else {
                    String::new()
                };
                let version = if key == "version" { "" } else { "version: 2, " };
                format!("{HEAD}connect: {{host: mail.example.com, proxy_protocol: {{{version}{beside}¤}}}}\n{STEPS}")
            }
            "requirement" => {
                let beside = if key == "when" { "" } else { "when: offers('DSN'), " };
                format!("{HEAD}requires: {{{beside}¤}}\n{CONNECT}{STEPS}")
            }
            "server" => format!(
                "server: {{{}}}\n",
                if matches!(key, "steps" | "connections") {
                    "¤"
                } else {
                    "steps: [{reply: 220 mx.example ready}], ¤"
                }
            ),
            "connection" => format!(
                "server: {{connections: [{{{}}}]}}\n",
                if key == "steps" { "¤" } else { "steps: [{reply: 220 mx.example ready}], ¤" }
            ),
            "rule" => {
                let beside = match key {
                    "match" => "reply: 252 ok, ",
                    "reply" => "match: ^VRFY, ",
                    _ => "match: ^VRFY, reply: 252 ok, ",
                };
                format!("server: {{rules: [{{{beside}¤}}]}}\n")
            }
            "certificate" => {
                let beside = pair(key, "file", "key", "other.pem");
                format!("server: {{steps: [{{reply: 220 mx.example ready}}], certificate: {{{beside}¤}}}}\n")
            }
            "serve" => serve(&in_serve(key)),
            "serve_tls" => serve(if key == "inject" { "{starttls: {¤}}" } else { "{tls: {¤}}" }),
            "reply" => serve(&format!(
                "{{expect: ^NOOP, reply: {{{}¤}}}}",
                match key {
                    "raw" => "",
                    "lines" => "code: 250, ",
                    _ => "lines: [ok], ",
                }
            )),
            _ => step(&within(name, key)),
        };
        Place { name, doc }
    }

    pub(crate) fn with(&self, key: &str, value: &str) -> Filled<'_> {
        Filled { doc: &self.doc, entry: format!("{key}: {value}").trim_end().to_owned() }
    }
}

fn at_the_top(key: &str) -> String {
    let part = |name: &str, text: &str| if key == name { String::new() } else { text.to_owned() };
    let (vars, secrets) = HEAD.split_at(HEAD.find("secrets").unwrap_or(0));
    format!("{}{}{}¤\n{}", part("vars", vars), part("secrets", secrets), part("connect", CONNECT), part("steps", STEPS))
}

fn step(step: &str) -> String {
    format!("{HEAD}{CONNECT}{STEPS}  - {step}\n")
}

fn serve(step: &str) -> String {
    format!("server: {{steps: [{{reply: 220 mx.example ready}}, {step}]}}\n")
}

/// The other one of two keys that go together.
fn pair(key: &str, first: &str, second: &str, value: &str) -> String {
    match key {
        key if key == first => format!("{second}: {value}, "),
        key if key == second => format!("{first}: {value}, "),
        _ => String::new(),
    }
}

fn in_step(key: &str) -> String {
    let beside = match key {
        "send" | "raw" | "data" | "message" | "bdat" | "starttls" | "tls" | "auth" | "assert" | "set" | "sleep"
        | "skip" | "connect" | "close" | "steps" | "include" => "",
        "repeat" | "for_each" | "retry" | "pipeline" | "vars" | "requires" => "steps: [{send: NOOP, expect: ^250}], ",
        "fails" => "connect: second.example.com:25, ",
        "warn" => "assert: reply.code == 250, ",
        "expect" | "observe" => "send: NOOP, ",
        _ => "send: NOOP, expect: ^250, ",
    };
    format!("{{{beside}¤}}")
}

fn in_serve(key: &str) -> String {
    let beside = match key {
        "raw" | "starttls" | "tls" | "assert" | "set" | "sleep" | "skip" | "close" | "steps" | "include"
        | "receive" => "",
        "repeat" | "for_each" | "vars" | "requires" => "steps: [{expect: ^NOOP, reply: 250 ok}], ",
        "fails" => "tls: , ",
        "warn" => "assert: observed.kind == 'line', ",
        "expect" => "reply: 250 ok, ",
        "reply" | "observe" => "expect: ^NOOP, ",
        _ => "expect: ^NOOP, reply: 250 ok, ",
    };
    let beside = if key == "observe" { "" } else { beside };
    format!("{{{beside}¤}}")
}

fn in_connect(key: &str) -> String {
    let pair = pair(key, "client_certificate", "client_key", "other.pem");
    match key {
        "host" => "port: 587, ¤".to_owned(),
        "unix" | "mx" => "¤".to_owned(),
        "every" => "mx: example.com, ¤".to_owned(),
        _ => format!("host: mail.example.com, port: 587, {pair}¤")
            .replace("port: 587, ¤", if key == "port" { "¤" } else { "port: 587, ¤" }),
    }
}

fn within(place: &str, key: &str) -> String {
    let content = matches!(key, "text" | "file" | "base64" | "filler" | "message");
    match place {
        "expect" => {
            let alone = matches!(key, "code" | "any" | "all" | "line" | "raw" | "silence" | "closed");
            format!("{{send: EHLO client.example, expect: {{{}¤}}}}", if alone { "" } else { "code: 250, " })
        }
        "tls" => format!("{{starttls: {{{}¤}}}}", pair(key, "client_certificate", "client_key", "other.pem")),
        "auth" => {
            let rows = [("mechanism", "PLAIN"), ("username", "<<username>>"), ("password", "<<password>>")];
            let rows =
                if key == "token" { [("mechanism", "XOAUTH2"), ("username", "<<username>>"), ("", "")] } else { rows };
            format!("{{auth: {{{}¤}}}}", beside(&rows, key))
        }
        "message" => {
            let rows = [("from", "a@example.com"), ("to", "b@example.com"), ("subject", "Test"), ("text", "Hello")];
            format!("{{message: {{{}¤}}}}", beside(&rows, key))
        }
        "attachment" => {
            let beside = if matches!(key, "text" | "base64" | "filler") {
                "name: a.txt, "
            } else if content {
                ""
            } else {
                "file: a.pdf, "
            };
            format!("{{message: {{from: a@example.com, attach: [{{{beside}¤}}]}}}}")
        }
        "data" | "bdat" => {
            format!("{{{place}: {{{}¤}}}}", if content { "" } else { "text: \"Subject: a\\n\\nb\\n\", " })
        }
        "pace" => {
            format!("{{send: NOOP, expect: ^250, pace: {{{}¤}}}}", beside(&[("bytes", "1"), ("every", "50ms")], key))
        }
        "raw" => "{raw: {¤}}".to_owned(),
        "retry" => {
            format!("{{steps: [{{send: NOOP, expect: ^250}}], retry: {{{}¤}}}}", beside(&[("attempts", "3")], key))
        }
        _ => panic!("no such place: {place}"),
    }
}

fn beside(rows: &[(&str, &str)], key: &str) -> String {
    let others = rows.iter().filter(|(other, _)| *other != key && !other.is_empty());
    others.fold(String::new(), |text, (other, value)| text + &format!("{other}: {value}, "))
}

impl Filled<'_> {
    pub(crate) fn text(&self) -> String {
        self.put(&self.entry)
    }

    /// The line of the key, and the columns of key and value.
    pub(crate) fn position(&self) -> (usize, RangeInclusive<usize>) {
        let at = self.doc.find('¤').unwrap_or(0);
        let column = self.doc[..at].chars().rev().take_while(|letter| *letter != '\n').count() + 1;
        (self.doc[..at].matches('\n').count() + 1, column..=column + self.entry.chars().count())
    }

    fn put(&self, entry: &str) -> String {
        if entry.is_empty() {
            let without = self.doc.replace(", ¤", "").replace("¤\n", "").replace('¤', "");
            // A step of which nothing is left.
            return without.replace("  - {}\n", "").replace(", {}]", "]");
        }
        self.doc.replace('¤', entry)
    }

    /// The scenarios that come of doing what a help says.
    pub(crate) fn mended(&self, key: &str, value: &str, help: &str) -> Vec<String> {
        let code = Regex::new("`([^`]+)`").expect("a pattern");
        let forms: Vec<String> = code.captures_iter(help).map(|found| found[1].to_owned()).collect();
        let mut texts = Vec::new();
        if help.contains("did you mean `") {
            texts.extend(forms.last().map(|right| self.put(&format!("{right}: {value}"))));
        }
        if help.contains("leave this key out") || help.contains("leave it out") {
            texts.push(self.put(""));
        }
        if help.contains("in place of this key") {
            texts.extend(forms.last().map(|right| self.put(&format!("{right} {value}"))));
        }
        if help.contains("with this step") {
            texts.extend(forms.iter().find_map(|form| self.wrapped(form)));
        }
        let vague =
            Regex::new(r"…|\b(?:HOST|PORT|FILE|TEXT|NAME|PATTERN|EXPRESSION|VALUE|CONDITION|DOMAIN|PATH|LINE)\b")
                .expect("a pattern");
        for form in forms.iter().filter(|form| !vague.is_match(form)) {
            texts.extend(self.by_form(key, form));
        }
        texts
    }

    fn by_form(&self, key: &str, form: &str) -> Vec<String> {
        if let Some(step) = form.strip_prefix("- ") {
            let flow = flow_step(step);
            let beside = Some(self.beside_server(step));
            return [
                beside,
                self.in_step_of(&format!("{{{step}}}")),
                self.in_step_of(step),
                self.after(step),
                self.after(&flow),
                self.before(step),
            ]
            .into_iter()
            .flatten()
            .collect();
        }
        if Regex::new(r"^[a-z_]+:( |$)").expect("a pattern").is_match(form) {
            let without = self.put("");
            return vec![
                self.in_place_of_its_own(form),
                self.alone(form),
                self.put(form),
                at_top(&without, form),
                self.with_step_key(form),
                self.after(form).unwrap_or_default(),
                self.in_step_of(&format!("{{{form}}}")).unwrap_or_default(),
            ];
        }
        vec![self.put(&format!("{key}: {form}")), self.put(&format!("{form}: "))]
    }

    /// In place of all that stands beside it.
    fn alone(&self, form: &str) -> String {
        let at = self.doc.find('¤').unwrap_or(0);
        let open = self.doc[..at].rfind('{').map_or(0, |open| open + 1);
        format!("{}{form}{}", &self.doc[..open], &self.doc[at + '¤'.len_utf8()..])
    }

    /// Among the client's steps, where the scenario has a server alone.
    fn beside_server(&self, step: &str) -> String {
        if self.doc.starts_with("server:") {
            format!("{}{CONNECT}{STEPS}  - {step}\n", self.put(""))
        } else {
            String::new()
        }
    }

    /// In place of an entry of the same key beside it.
    fn in_place_of_its_own(&self, form: &str) -> String {
        let name = form.split(':').next().unwrap_or("");
        let at = self.doc.find('¤').unwrap_or(0);
        let open = self.doc[..at].rfind('{').unwrap_or(0);
        let own = Regex::new(&format!(r"\b{name}: (<<.*?>>|[^,{{}}]*), ")).expect("a pattern");
        let before = own.replace(&self.doc[open..at], "").into_owned();
        format!("{}{before}{form}{}", &self.doc[..open], &self.doc[at + '¤'.len_utf8()..])
    }

    /// The line of the step that holds the key.
    fn step_line(&self) -> Option<&str> {
        self.doc.lines().find(|line| line.contains('¤') && line.starts_with("  - "))
    }

    fn in_step_of(&self, step: &str) -> Option<String> {
        if let Some(line) = self.step_line() {
            return Some(self.doc.replace(line, &format!("  - {step}")));
        }
        let server = Regex::new(r"\{[^{}]*(\{¤\}|¤)[^{}]*\}").expect("a pattern");
        self.doc.contains("server: {steps").then(|| server.replace(self.doc, step.replace('$', "$$")).into_owned())
    }

    fn after(&self, step: &str) -> Option<String> {
        let without = self.put("");
        without.contains("steps:\n").then(|| format!("{without}  - {step}\n"))
    }

    fn before(&self, step: &str) -> Option<String> {
        self.put("")
            .split_once("steps:\n")
            .map(|(head, rest)| format!("{head}steps:\n  - expect: ^220\n  - {step}\n{rest}"))
    }

    /// The key beside the others of its step.
    fn with_step_key(&self, form: &str) -> String {
        let without = self.put("");
        let Some(line) = self.step_line() else { return String::new() };
        let bare = line.replace(", ¤", "").replace('¤', "");
        let name = form.split(':').next().unwrap_or("");
        let others = Regex::new(&format!(r",? ?\b{name}: (\{{[^{{}}]*\}}|[^,{{}}]*)")).expect("a pattern");
        let stripped = others.replace(&bare, "").into_owned();
        let end = stripped.rfind('}').unwrap_or(stripped.len());
        without.replace(&bare, &format!("{}, {form}{}", &stripped[..end], &stripped[end..]).replace("{, ", "{"))
    }

    /// The step within a group that has the key.
    fn wrapped(&self, form: &str) -> Option<String> {
        let line = self.step_line()?;
        let bare = line.replace(", ¤", "").replace("¤", "");
        let step = bare.trim_start().strip_prefix("- ")?;
        let form = form.strip_prefix("- ").unwrap_or(form);
        Some(self.doc.replace(line, &format!("  - {form}\n    steps:\n      - {step}")))
    }
}

fn flow_step(step: &str) -> String {
    format!("{{{step}}}")
}

/// The scenario with this line at its top, in place of one with the same key.
fn at_top(text: &str, form: &str) -> String {
    let name = form.split(':').next().unwrap_or("");
    let others = text.lines().filter(|line| !line.starts_with(&format!("{name}:")));
    let rest: Vec<&str> = others.collect();
    let is_list = name == "steps";
    let rest = if is_list { rest.into_iter().filter(|line| !line.starts_with("  ")).collect() } else { rest };
    format!("{form}\n{}\n", rest.join("\n"))
}
