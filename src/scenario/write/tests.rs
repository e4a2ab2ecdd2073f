//! What is written reads back as what was meant.

use super::*;
use crate::scenario::{Action, Address, Chance, Content, Expected, Mode, RawBytes, Scenario, Scope, Step, Templates};
use proptest::prelude::*;

struct Nothing;

impl Scope for Nothing {
    fn context(&self) -> minijinja::value::Value {
        minijinja::value::Value::UNDEFINED
    }

    fn is_secret(&self, _name: &str) -> bool {
        false
    }
}

fn read(draft: &Draft) -> Scenario {
    let text = draft.to_yaml();
    crate::load_text("draft", &text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn of_step(step: DraftStep) -> Step {
    let draft = Draft { steps: vec![step], ..Draft::default() };
    read(&draft).steps.remove(0)
}

fn rendered(text: &crate::scenario::Text) -> Vec<u8> {
    Templates::new(Chance::seeded(0)).render(text, Mode::Plain, &Nothing).unwrap().bytes
}

/// A line as it may come from a wire or a terminal, with what YAML and templates find special.
fn line() -> impl Strategy<Value = String> {
    let special = prop::sample::select(vec![
        ": ", " #", "<<", "<", ">", ">>", "'", "\"", "\\", "{", "}", "[", "]", ",", "&a", "*", "!", "|", "%", "@", "`",
        "- ", "? ", "~", "null", " ", "\t", "<<%", "<<#", "-", "\u{1b}", "\u{202e}", "\u{feff}", "\u{85}", "ü", "😀",
        "250", "a", "...", "---", "=", "\u{7f}", "\u{1}",
    ]);
    let letters = proptest::string::string_regex("[ -~]{0,12}").unwrap();
    prop::collection::vec(prop_oneof![special.prop_map(str::to_owned), letters], 0..6).prop_map(|parts| parts.concat())
}

fn text() -> impl Strategy<Value = String> {
    (prop::collection::vec(line(), 0..6), "\n{0,3}").prop_map(|(lines, end)| lines.join("\n") + &end)
}

proptest! {
    #[test]
    fn a_line_comes_back(line in line()) {
        let step = of_step(DraftStep::new(DraftAction::Send(literal(&line))));
        let Action::Send(lines) = step.action else { panic!("another action") };
        prop_assert_eq!(rendered(&lines[0]), line.as_bytes());
    }

    #[test]
    fn mail_data_comes_back(text in text()) {
        let step = of_step(DraftStep::new(DraftAction::Data(literal(&text))));
        let Action::Data(data) = step.action else { panic!("another action") };
        let Content::Text(content) = data.content else { panic!("another content") };
        prop_assert_eq!(rendered(&content), text.as_bytes());
    }

    #[test]
    fn exact_bytes_come_back(text in text(), bytes: Vec<u8>) {
        let step = of_step(DraftStep::new(DraftAction::Raw(literal(&text))));
        let Action::Raw(RawBytes::Text(raw)) = step.action else { panic!("another action") };
        prop_assert_eq!(rendered(&raw), text.as_bytes());
        let step = of_step(DraftStep::new(DraftAction::RawHex(hexadecimal(&bytes))));
        match step.action {
            Action::Raw(RawBytes::Bytes(raw)) => prop_assert_eq!(raw, bytes),
            other => prop_assert!(bytes.is_empty(), "{:?}", other),
        }
    }

    #[test]
    fn every_text_of_a_file_comes_back(name in line(), value in line(), comment in text(), pattern in line()) {
        let step = DraftStep {
            comments: vec![comment.clone()],
            name: Some(literal(&name)),
            expect: Some(DraftExpect::All(vec!["^250".to_owned(), format!("^250 {}", literal(&pattern))])),
            ..DraftStep::new(DraftAction::Send("NOOP".to_owned()))
        };
        let group = DraftStep::new(DraftAction::Group { pipeline: true, steps: vec![step] });
        let draft = Draft {
            comments: vec![comment],
            name: Some(name.clone()),
            vars: vec![("value".to_owned(), literal(&value))],
            secrets: vec!["password".to_owned()],
            connect: Some(DraftConnect { host: "::1".to_owned(), port: 587, ..DraftConnect::default() }),
            steps: vec![group],
            ..Draft::default()
        };
        let scenario = read(&draft);
        prop_assert_eq!(scenario.name, Some(name.clone()));
        let Action::Group(group) = &scenario.steps[0].action else { panic!("another action") };
        prop_assert_eq!(rendered(group.steps[0].head.name.as_ref().unwrap()), name.as_bytes());
        let Some(Expected::All(list)) = group.steps[0].expect.as_ref().map(|expect| &expect.kind) else { panic!() };
        let Expected::Pattern(read) = &list[1].kind else { panic!() };
        prop_assert_eq!(rendered(&read.text), format!("^250 {pattern}").into_bytes());
        prop_assert_eq!(scenario.vars[0].default.written(), literal(&value));
    }
}

#[test]
fn a_draft_reads_like_a_scenario() {
    let expect = |pattern: &str| Some(DraftExpect::Reply(pattern.to_owned()));
    let step = |action, pattern: &str| DraftStep { expect: expect(pattern), ..DraftStep::new(action) };
    let draft = Draft {
        comments: vec!["written by a test".to_owned()],
        name: Some("the server takes a message".to_owned()),
        tags: vec!["smtp".to_owned(), "a b".to_owned()],
        vars: vec![("from".to_owned(), "john@doe.com".to_owned())],
        secrets: vec!["username".to_owned(), "password".to_owned()],
        connect: Some(DraftConnect { host: "mail.example.com".to_owned(), port: 587, ..DraftConnect::default() }),
        steps: vec![
            step(DraftAction::None, "^220"),
            DraftStep::new(DraftAction::StartTls(Vec::new())),
            step(DraftAction::StartTls(Vec::new()), "^454"),
            step(DraftAction::Data("From: <<from>>\n\nHi\n".to_owned()), "^250"),
            DraftStep {
                expect: Some(DraftExpect::Fields(vec![
                    ("code".to_owned(), "421".to_owned()),
                    ("closed".to_owned(), "true".to_owned()),
                ])),
                ..DraftStep::default()
            },
        ],
        ..Draft::default()
    };
    let text = draft.to_yaml();
    let expected = "\
# written by a test
name: the server takes a message
tags: [smtp, a b]
vars:
  from: john@doe.com
secrets: [username, password]
connect: mail.example.com:587
steps:
  - expect: ^220
  - starttls
  - starttls:
    expect: ^454
  - data: |
      From: <<from>>

      Hi
    expect: ^250
  - expect: {code: 421, closed: true}
";
    assert_eq!(text, expected);
    assert_eq!(read(&draft).steps.len(), 5);
}

#[test]
fn where_it_connects_to_is_written_as_short_as_it_can_be() {
    let connect = |host: &str, port, implicit_tls| {
        let connect = DraftConnect { host: host.to_owned(), port, implicit_tls, ..DraftConnect::default() };
        Draft {
            connect: Some(connect),
            steps: vec![DraftStep::new(DraftAction::Close("fin".to_owned()))],
            ..Draft::default()
        }
    };
    let line = |draft: &Draft| draft.to_yaml().split("\nsteps").next().unwrap().to_owned();
    assert_eq!(line(&connect("mx.example", 25, Some(false))), "connect: mx.example");
    assert_eq!(line(&connect("mx.example", 465, Some(true))), "connect: mx.example:465");
    assert_eq!(line(&connect("::1", 25, None)), "connect: '[::1]'");
    assert_eq!(
        line(&connect("mx.example", 4650, Some(true))),
        "connect:\n  host: mx.example\n  port: 4650\n  tls: implicit"
    );
    let scenario = read(&connect("::1", 25, None));
    let Some(Action::Connect(opening)) = scenario.opening.map(|step| step.action) else { panic!() };
    assert!(matches!(opening.address, Address::Joined(text) if text.source == "[::1]"));
}

#[test]
fn brackets_of_text_from_outside_stay_brackets() {
    assert_eq!(literal("a << b"), "a <<'<<'>> b");
    assert_eq!(literal("<<<x>>>"), "<<'<<<'>>x>>>");
    assert_eq!(literal("MAIL FROM:<a@b>"), "MAIL FROM:<a@b>");
}
