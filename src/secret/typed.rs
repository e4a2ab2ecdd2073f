//! Credentials that a scenario spells out: found in its file, before anything is played.
//!
//! Called by `load`, so that no excerpt, report or ticket shows them, whether or not a run came so far. What a template
//! makes is known when it is sent; here only what stands in the file counts: texts that are sent after AUTH, the texts in
//! their expressions. A variable is in clear by its author's choice: a password in one belongs under `secrets`.

use super::auth::{AuthWatch, Carried, is_somebodys};
use crate::scenario::{Action, Auth, RawBytes, Scenario, Step, Text};
use std::collections::{BTreeMap, BTreeSet};

/// What was found so far.
struct Search<'s> {
    watches: BTreeMap<&'s str, AuthWatch>,
    found: BTreeSet<String>,
}

/// The credentials in a scenario's steps.
pub(crate) fn typed(scenario: &Scenario) -> Vec<String> {
    if !scenario.sources.texts().any(mentions_login) {
        return Vec::new();
    }
    let mut search = Search { watches: BTreeMap::new(), found: BTreeSet::new() };
    scenario.all_steps().into_iter().for_each(|step| search.step(step));
    search.found.into_iter().collect()
}

/// The credentials in a text that may be no scenario: lines that begin with AUTH, and base64 on the lines after them.
pub(crate) fn typed_in_text(text: &str) -> Vec<String> {
    let mut found = BTreeSet::new();
    if mentions_login(text) {
        let mut watch = AuthWatch::default();
        for line in text.lines() {
            let sent = line.rsplit_once("send:").map_or(line, |(_, sent)| sent);
            let sent = sent.trim_start_matches(['-', ' ', '\'', '"', '[', '{']);
            let sent = sent.split(", ").next().unwrap_or(sent).trim_end_matches([' ', '\'', '"', ',', ']', '}']);
            if sent.contains(": ") || sent.ends_with(':') || sent.is_empty() {
                continue;
            }
            note(watch.line(sent.as_bytes()), &mut found);
        }
    }
    found.into_iter().collect()
}

fn mentions_login(text: &str) -> bool {
    text.as_bytes().windows(4).any(|word| word.eq_ignore_ascii_case(b"auth"))
}

fn note(carried: Option<Carried>, found: &mut BTreeSet<String>) {
    if let Some(carried) = carried {
        found.extend(carried.secrets.into_iter().chain(carried.names).filter(|text| is_somebodys(text)));
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
            Action::Raw(RawBytes::Bytes(bytes)) => note(Some(watch.bytes(bytes)), &mut self.found),
            Action::Raw(RawBytes::Text(text)) if text.is_literal() => {
                note(Some(watch.bytes(text.source.as_bytes())), &mut self.found);
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
                note(watch.line(line.as_bytes()), &mut self.found);
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
                self.found.extend(Some(text.source.clone()).filter(|text| is_somebodys(text)));
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
            self.found.extend(typed.map(|(_, text)| text).filter(|text| is_somebodys(text)));
        }
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
        assert_eq!(found("steps:\n  - auth: {username: ann, password: s3cret}\n"), ["s3cret"]);
        let of_vars = "vars: {user: ann, pw: s3cret}\nsteps:\n  - send: AUTH PLAIN <<auth_plain(user, pw)>>\n";
        assert_eq!(found(of_vars), [""; 0]);
        assert_eq!(found("steps:\n  - send: \"AUTH PLAIN <<auth_plain('ann', 's3cret')>>\"\n"), ["s3cret"]);
        assert_eq!(found("steps:\n  - send: AUTH PLAIN\n  - send: '*'\n  - send: AUTH EXTERNAL =\n"), [""; 0]);
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
    }
}
