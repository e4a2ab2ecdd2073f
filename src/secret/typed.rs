//! Credentials that a scenario spells out: found in its file, before anything is played.
//!
//! Called by `load`, so that no excerpt, report or ticket shows them, whether or not a run came so far. What a template
//! makes is known when it is sent; here only what stands in the file counts: texts that are sent after AUTH, the texts in
//! their expressions, and what a server's patterns wait for. A variable is in clear by its author's choice: a password in
//! one belongs under `secrets`. So is a user name that stands in the file besides.

use super::auth::{AuthWatch, Carried, is_encoded_text, is_somebodys};
use crate::scenario::server::{Reply, ReplyKind, Rule};
use crate::scenario::{
    Action, Auth, Expectation, Expected, OPEN, Pattern, RawBytes, Scenario, Sources, Step, Text, spelled,
};
use std::collections::{BTreeMap, BTreeSet};

/// A part of a credential that is shorter may be any word.
const SHORTEST_PART: usize = 4;

/// More user names are not looked for in the file, and hidden.
const MOST_NAMES: usize = 100;

/// A line of a login is no longer: RFC 4954 section 4 allows 12288 octets.
const LONGEST_LOGIN: usize = 16 * 1024;

/// What was found so far.
#[derive(Default)]
struct Search<'s> {
    watches: BTreeMap<&'s str, AuthWatch>,
    found: Found,
}

#[derive(Default)]
struct Found {
    secrets: BTreeSet<String>,
    names: BTreeSet<String>,
}

/// The credentials in a scenario's steps.
pub(crate) fn typed(scenario: &Scenario) -> Vec<String> {
    if !scenario.sources.texts().any(mentions_login) {
        return Vec::new();
    }
    let mut search = Search::default();
    scenario.all_steps().into_iter().for_each(|step| search.step(step));
    let mut found = search.found;
    if let Some(server) = &scenario.server {
        server.conversations().into_iter().for_each(|steps| Waited::default().steps(steps, &mut found));
        rules(&server.rules, &mut found);
    }
    scenario.sources.texts().for_each(|text| anywhere(text, &mut found));
    found.hidden(|name| is_in_clear(&scenario.sources, name))
}

/// The credentials in a text that may be no scenario, or a log: lines that say AUTH, and base64 on the lines after them.
pub(crate) fn typed_in_text(text: &str) -> Vec<String> {
    let mut found = Found::default();
    if mentions_login(text) {
        let mut watch = AuthWatch::default();
        for line in text.lines() {
            let said = said_in(line, &watch).filter(|said| said.len() <= LONGEST_LOGIN);
            found.note(said.and_then(|said| watch.line(said.as_bytes())));
        }
        anywhere(text, &mut found);
    }
    found.hidden(|name| stands_in(text, name))
}

/// What a client says on a line of any text: a command that is to be sent, a login, or what may answer a challenge.
fn said_in<'l>(line: &'l str, watch: &AuthWatch) -> Option<&'l str> {
    let sent = line.rsplit_once("send:").map_or(line, |(_, sent)| sent);
    let sent = sent.trim_start_matches(['-', ' ', '\'', '"', '[', '{']);
    let sent = sent.split(", ").next().unwrap_or(sent).trim_end_matches([' ', '\'', '"', ',', ']', '}']);
    if let Some(login) = login_in(line).filter(|_| login_in(sent) != Some(sent)) {
        return is_login(login).then_some(login);
    }
    // A log: what stands before it says who said it, and `334` that it was the server.
    let mut words = line.split_whitespace();
    let last = words.next_back()?;
    if words.any(|word| word.contains("334")) {
        return None;
    }
    if watch.is_response(last.as_bytes()) && is_encoded_text(last.as_bytes()) {
        return Some(last);
    }
    // A reply in a log is no command either.
    let answers = watch.is_response(sent.as_bytes()) && sent.contains(' ');
    let is_said = login_in(sent) == Some(sent) || is_login(sent);
    (is_said && !sent.contains(": ") && !sent.ends_with(':') && !sent.is_empty() && !answers).then_some(sent)
}

/// From the word AUTH on; not where a server offers it.
fn login_in(line: &str) -> Option<&str> {
    let begins = |at: usize| {
        let before = line[..at].trim_end_matches(' ');
        let offers = before.ends_with(|letter: char| letter.is_ascii_digit() || letter == '-') && before != "-";
        !offers && !line[..at].ends_with(char::is_alphanumeric)
    };
    let is_verb = |at: usize| line.get(at..at + 5).is_some_and(|word| word.eq_ignore_ascii_case("auth "));
    line.char_indices().map(|(at, _)| at).find(|at| is_verb(*at) && begins(*at)).map(|at| &line[at..])
}

/// Whether words about AUTH are a command: nothing, or base64, follows the mechanism.
fn is_login(line: &str) -> bool {
    line.split_whitespace().nth(2).is_none_or(|word| is_encoded_text(word.as_bytes()))
}

/// Whether a scenario's files hold a user name as a word of its own: then nothing is gained by hiding it.
pub(crate) fn is_in_clear(sources: &Sources, name: &str) -> bool {
    sources.texts().any(|text| stands_in(text, name))
}

fn stands_in(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + name.len()..].chars().next());
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

fn mentions_login(text: &str) -> bool {
    text.as_bytes().windows(4).any(|word| word.eq_ignore_ascii_case(b"auth"))
}

/// `AUTH`, a mechanism and base64 in a row, wherever they stand.
fn anywhere(text: &str, found: &mut Found) {
    for (mechanism, message) in logins_in(text) {
        // What is no base64 of a text is a word about logins.
        if message.len() <= LONGEST_LOGIN && is_encoded_text(message.as_bytes()) {
            found.note(AuthWatch::default().line(format!("AUTH {mechanism} {message}").as_bytes()));
        }
    }
}

/// The two words after each `AUTH` in any text, without the signs around them: in a condition, a comment, a message, a log.
/// Whether they are a login is the caller's to judge.
pub(crate) fn logins_in(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let ends = |letter: char| letter.is_whitespace() || matches!(letter, '\'' | '"');
    let after_verb = move |(at, _)| {
        let is_verb = text.get(at..at + 4)?.eq_ignore_ascii_case("auth");
        text.get(at + 4..).filter(|rest| is_verb && rest.starts_with(ends))
    };
    text.match_indices(['a', 'A']).filter_map(after_verb).filter_map(move |rest| {
        let mut words = rest.split(ends).filter(|word| !word.is_empty());
        let (mechanism, message) = (words.next()?, words.next()?);
        // A log may show a line end as `\r\n`.
        let message = message.split("\\r").next().unwrap_or_default();
        Some((mechanism, message.trim_matches(['$', ')', ']', '}', '>', ',', ';', '.', '`'])))
    })
}

impl Found {
    fn note(&mut self, carried: Option<Carried>) {
        if let Some(carried) = carried {
            self.secrets.extend(carried.secrets);
            self.names.extend(carried.names);
        }
    }

    /// What is hidden of it: user names only where they are not in clear.
    fn hidden(self, is_in_clear: impl Fn(&str) -> bool) -> Vec<String> {
        let many = self.names.len() > MOST_NAMES;
        let names = self.names.into_iter().filter(|name| many || !is_in_clear(name));
        let all: BTreeSet<String> = self.secrets.into_iter().chain(names).collect();
        all.into_iter().filter(|text| is_somebodys(text)).collect()
    }
}

impl<'s> Search<'s> {
    fn step(&mut self, step: &'s Step) {
        let watch = self.watches.entry(step.session.as_ref().map_or("", |session| session.name.as_str())).or_default();
        match &step.action {
            Action::Send(lines) => {
                for text in lines {
                    self.lines(step, text);
                }
            }
            Action::Raw(RawBytes::Bytes(bytes)) => self.found.note(Some(watch.bytes(bytes))),
            Action::Raw(RawBytes::Text(text)) if text.is_literal() => {
                self.found.note(Some(watch.bytes(text.source.as_bytes())));
            }
            Action::Auth(auth) => self.auth(auth),
            Action::StartTls(_) | Action::Tls(_) | Action::Connect(_) => watch.restart(),
            _ => {}
        }
    }

    fn lines(&mut self, step: &'s Step, text: &Text) {
        let name = step.session.as_ref().map_or("", |session| session.name.as_str());
        let Some(watch) = self.watches.get_mut(name) else { return };
        if text.is_literal() {
            for line in text.source.lines() {
                self.found.note(watch.line(line.as_bytes()));
                watch.replied(if line.eq_ignore_ascii_case("DATA") { 354 } else { 250 });
            }
            return;
        }
        let carried = watch.line(text.source.trim_end().as_bytes());
        watch.replied(250);
        if carried.is_some() {
            self.expressions(text);
        }
    }

    fn auth(&mut self, auth: &Auth) {
        for text in [&auth.password, &auth.token].into_iter().flatten() {
            if text.is_literal() {
                self.found.secrets.insert(text.source.clone());
            } else {
                self.expressions(text);
            }
        }
    }

    /// The texts in its expressions, but for the first of several values: that is whose login it is.
    fn expressions(&mut self, text: &Text) {
        for names in text.expressions().filter_map(|expression| expression.names().ok()) {
            let read = names.variables.iter().map(|(_, range)| range.start);
            let first = read.chain(names.texts.iter().map(|(at, _)| *at)).min();
            let alone = names.variables.len() + names.texts.len() == 1;
            let typed = names.texts.into_iter().filter(|(at, _)| alone || Some(*at) != first);
            self.found.secrets.extend(typed.map(|(_, text)| text));
        }
    }
}

/// What a server waits for on one connection.
#[derive(Default)]
struct Waited {
    watch: AuthWatch,
}

impl Waited {
    fn steps(&mut self, steps: Vec<&Step>, found: &mut Found) {
        for step in steps {
            if let Some(expect) = &step.expect {
                patterns(expect, &mut |pattern| self.pattern(pattern, found));
            }
            if step.receive.is_some() {
                self.watch.mail_data_ended();
            }
            if matches!(step.action, Action::StartTls(_) | Action::Tls(_)) {
                self.watch.restart();
            }
            if let Some(code) = step.reply.as_ref().and_then(code_of) {
                self.watch.replied(code);
            }
        }
    }

    fn pattern(&mut self, pattern: &Pattern, found: &mut Found) {
        let before = self.watch.clone();
        for line in spelled(&pattern.text.with_placeholder(&OPEN.to_string())) {
            self.watch = before.clone();
            if let Some(mut carried) = self.watch.line(line.trim_end().as_bytes()) {
                let parts = carried.secrets.iter().flat_map(|secret| secret.split(OPEN));
                carried.secrets = parts.filter(|part| part.len() >= SHORTEST_PART).map(str::to_owned).collect();
                found.note(Some(carried));
            }
        }
    }
}

/// The patterns of an expectation that a client's line is compared with.
fn patterns(expect: &Expectation, each: &mut dyn FnMut(&Pattern)) {
    match &expect.kind {
        Expected::Pattern(pattern) | Expected::Line(pattern) | Expected::Raw(pattern) => each(pattern),
        Expected::Fields(fields) => fields.text.iter().chain(&fields.not).for_each(|(pattern, _)| each(pattern)),
        Expected::Any(list) | Expected::All(list) => list.iter().for_each(|one| patterns(one, each)),
        Expected::Code(_) | Expected::Closed(_) | Expected::Silence(_) | Expected::Observe(_) => {}
    }
}

fn code_of(reply: &Reply) -> Option<u16> {
    let first = |octets: &[u8]| std::str::from_utf8(octets.get(..3)?).ok()?.parse().ok();
    match &reply.kind {
        ReplyKind::Lines { code, .. } => Some(*code),
        ReplyKind::Text(text) | ReplyKind::Raw(RawBytes::Text(text)) => first(text.source.as_bytes()),
        ReplyKind::Raw(RawBytes::Bytes(octets)) => first(&octets[..]),
        ReplyKind::Raw(_) => None,
    }
}

/// Rules have no order: each is asked after AUTH, where one of them names it.
fn rules(rules: &[Rule], found: &mut Found) {
    let names_login = |rule: &Rule| mentions_login(&rule.pattern.text.source);
    for rule in rules {
        let mut waited = Waited::default();
        if rules.iter().any(names_login) {
            waited.watch.line(b"AUTH LOGIN");
            waited.watch.replied(334);
        }
        if names_login(rule) {
            waited.watch.restart();
        }
        waited.pattern(&rule.pattern, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(steps: &str) -> Vec<String> {
        let scenario = crate::load_text("x.yaml", &format!("connect: h.example:25\n{steps}")).unwrap();
        typed(&scenario)
    }

    #[test]
    fn what_is_spelled_out_is_found() {
        let plain = "AGFubgBzM2NyZXQtcHc=";
        assert_eq!(found(&format!("steps:\n  - send: AUTH PLAIN {plain}\n")), [plain, "ann", "s3cret-pw"]);
        assert_eq!(
            found("steps:\n  - send: [AUTH LOGIN, YW5u, czNjcmV0LXB3]\n"),
            ["YW5u", "ann", "czNjcmV0LXB3", "s3cret-pw"]
        );
        // A name that stands in the file besides is no secret, and that of `ann` is not one of `annabeth`.
        let sent = "steps:\n  - send: [AUTH LOGIN, YW5u, czNjcmV0LXB3]\n  - send: MAIL FROM:";
        assert_eq!(found(&format!("{sent}<ann@example.com>\n")), ["YW5u", "czNjcmV0LXB3", "s3cret-pw"]);
        assert_eq!(found(&format!("{sent}<annabeth@example.com>\n")).len(), 4);
        assert_eq!(found("steps:\n  - auth: {username: ann, password: s3cret}\n"), ["s3cret"]);
        let of_vars = "vars: {user: ann, pw: s3cret}\nsteps:\n  - send: AUTH PLAIN <<auth_plain(user, pw)>>\n";
        assert_eq!(found(of_vars), [""; 0]);
        assert_eq!(found("steps:\n  - send: \"AUTH PLAIN <<auth_plain('ann', 's3cret')>>\"\n"), ["s3cret"]);
        assert_eq!(found("steps:\n  - send: AUTH PLAIN\n  - send: '*'\n  - send: AUTH EXTERNAL =\n"), [""; 0]);
    }

    fn waited_for(server: &str) -> Vec<String> {
        typed(&crate::load_text("x.yaml", &format!("server:\n{server}")).unwrap())
    }

    /// Whichever way a server says what it waits for.
    #[test]
    fn patterns_of_a_server_are_logins_too() {
        let plain = "AGFubmEAczNjcmV0LXB3";
        for pattern in [
            format!("^AUTH PLAIN {plain}$"),
            format!("(?i)^auth\\s+plain {plain}"),
            format!("^AUTH (?:PLAIN|XPLAIN) (?<login>{plain})"),
            format!("^AUTH PLAIN ({plain}|{plain}=)$"),
        ] {
            for step in [
                format!("  steps:\n    - expect: '{pattern}'\n"),
                format!("  steps:\n    - expect: {{line: '{pattern}'}}\n"),
                format!("  steps:\n    - expect: {{any: [^QUIT, '{pattern}']}}\n"),
                format!("  connections:\n    - steps:\n        - expect: '{pattern}'\n"),
                format!("  rules:\n    - match: '{pattern}'\n      reply: 235 in\n"),
            ] {
                let all = waited_for(&step);
                assert!(all.contains(&plain.to_owned()) && all.contains(&"s3cret-pw".to_owned()), "{step} {all:?}");
            }
        }
        let login = "  steps:\n    - expect: ^AUTH LOGIN\n      reply: 334 VXNlcm5hbWU6\n    - expect: ^YW5uYQ==$\n      reply: 334 x\n    - expect: ^czNjcmV0\n      reply: 235 in\n";
        assert_eq!(waited_for(login), ["YW5uYQ==", "anna", "czNjcmV0", "s3cret"]);
        let ruled = "  rules:\n    - {match: ^AUTH LOGIN, reply: 334 x}\n    - {match: ^czNj$, reply: 235 in}\n    - {match: ^NOOP, reply: 250 x}\n";
        assert!(waited_for(ruled).contains(&"czNj".to_owned()));
        let condition = format!(
            "  rules:\n    - {{match: ^AUTH, when: \"command.line == 'AUTH PLAIN {plain}'\", reply: 235 in}}\n"
        );
        assert!(waited_for(&condition).contains(&plain.to_owned()));
        for nothing in ["^AUTH PLAIN (?<it>.*)$", "^AUTH", "^AUTH [A-Z]+ (\\S+)$", "^AUTH PLAIN$", "^\\*$"] {
            assert_eq!(waited_for(&format!("  steps:\n    - expect: '{nothing}'\n")), [""; 0], "{nothing}");
        }
    }

    #[test]
    fn a_text_that_is_no_scenario_is_searched_by_lines() {
        let text = "steps:\n  - send: AUTH LOGIN\n    expect: ^334\n  - send: \"czNjcmV0LXB3\n";
        assert!(typed_in_text(text).contains(&"czNjcmV0LXB3".to_owned()));
        assert!(
            typed_in_text("- {send: AUTH PLAIN AGFubgBzM2NyZXQtcHc=, expect: ^2}")
                .iter()
                .any(|it| it.contains("AGFub"))
        );
        for log in [
            "C: AUTH PLAIN AGFubmEAczNjcmV0LXB3\nS: 535 no",
            "10:00:00 >>> AUTH LOGIN\n10:00:00 <<< 334 VXNlcm5hbWU6\n10:00:00 >>> YW5uYS1sZW5h\n<<< 334 UGFzc3dvcmQ6\n>>> czNjcmV0LXB3\n<<< 535 no",
        ] {
            assert!(typed_in_text(log).contains(&"s3cret-pw".to_owned()), "{log}: {:?}", typed_in_text(log));
        }
        assert_eq!(
            typed_in_text("S: 250-AUTH PLAIN LOGIN\nC: MAIL FROM:<a@b.example>\nS: 535 authentication failed"),
            [""; 0]
        );
    }
}
