//! Reads the forms of `expect`.

use super::decoder::{Decoder, Entries, KeyValue};
use crate::scenario::check::meant;
use crate::scenario::sides::Side;
use crate::scenario::source::{Diagnostic, Span};
use crate::scenario::yaml::{Node, ScalarKind, Value};
use crate::scenario::{ClosedBy, CodePattern, CodeSet, Expectation, Expected, Fields, Pattern, Text};

const FIELD_KEYS: [&str; 8] = ["code", "enhanced", "text", "not", "offers", "lacks", "within", "closed"];
const FORM_KEYS: [&str; 5] = ["any", "all", "line", "raw", "silence"];

/// One expectation; `key_span` is where the key stands, for a value that is missing.
fn expectation(decoder: &mut Decoder<'_>, node: &Node, key_span: Span) -> Option<Expectation> {
    let kind = match &node.value {
        Value::List(_) => {
            decoder.complain(
                Diagnostic::error(node.span, "a list does not say whether one or all of it must hold")
                    .help("write `any: […]` or `all: […]`"),
            );
            return None;
        }
        Value::Map(_) => mapping(decoder, node)?,
        Value::Scalar(_) if node.is_null() => {
            decoder.complain(
                Diagnostic::error(key_span, "`expect` is empty")
                    .help("write a reply code (`250`, `2xx`) or a pattern (`^250`)"),
            );
            return None;
        }
        Value::Scalar(scalar) => match CodePattern::parse(&scalar.text) {
            Some(code) => Expected::Code(CodeSet::OneOf(vec![code])),
            None if matches!(scalar.kind, ScalarKind::Int(_) | ScalarKind::Float(_)) => {
                decoder.complain(not_a_code(node, &scalar.text));
                return None;
            }
            None => Expected::Pattern(decoder.pattern(node)?),
        },
    };
    Some(Expectation { span: node.span, kind })
}

fn mapping(decoder: &mut Decoder<'_>, node: &Node) -> Option<Expected> {
    let entries = decoder.entries(node, "`expect`", &[&FIELD_KEYS, &FORM_KEYS])?;
    let special = entries.list.iter().find(|entry| FORM_KEYS.contains(&entry.key)).copied();
    if let Some(special) = special {
        if let Some(beside) = entries.list.iter().find(|entry| entry.key != special.key) {
            decoder.complain(
                Diagnostic::error(beside.key_span, format!("`{}` cannot stand beside `{}`", beside.key, special.key))
                    .help("join them with `all: [{…}, {…}]`"),
            );
        }
        return form(decoder, special);
    }
    let mut fields = Fields::default();
    for entry in &entries.list {
        field(decoder, &mut fields, *entry)?;
    }
    let only_closed = entries.list.len() == 1;
    if let Some((closed, _)) = fields.closed.filter(|_| only_closed) {
        return Some(Expected::Closed(closed));
    }
    // Only a reply 250 to EHLO offers anything (RFC 5321 section 4.1.1.1).
    if fields.code.is_none() && !(fields.offers.is_empty() && fields.lacks.is_empty()) {
        let ok = CodePattern { digits: [Some(2), Some(5), Some(0)] };
        fields.code = Some((CodeSet::OneOf(vec![ok]), node.span));
    }
    let all_known = matches!(&node.value, Value::Map(pairs) if pairs.len() == entries.list.len());
    if fields.code.is_none() && fields.enhanced.is_none() && all_known {
        decoder.complain(
            Diagnostic::error(node.span, "this would also match a refusal: it says nothing about the reply code")
                .help("add `code: 250`, or `code: any` if that is meant"),
        );
    }
    Some(Expected::Fields(Box::new(fields)))
}

fn form(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Option<Expected> {
    match entry.key {
        "any" => alternatives(decoder, entry).map(Expected::Any),
        "all" => alternatives(decoder, entry).map(Expected::All),
        "silence" => decoder.length(entry.value).map(Expected::Silence),
        "line" => decoder.text_of(entry).map(|text| Expected::Line(Pattern::new(text))),
        _ => decoder.text_of(entry).map(|text| Expected::Raw(Pattern::new(text))),
    }
}

fn alternatives(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Option<Vec<Expectation>> {
    let Value::List(items) = &entry.value.value else {
        let form = format!("write `{}: [220, ^250]`, an entry for each", entry.key);
        decoder.wrong_type_with(entry.value, "a list of expectations", form);
        return None;
    };
    if items.is_empty() {
        decoder.complain(Diagnostic::error(entry.value.span, format!("`{}` is empty: nothing can hold", entry.key)));
        return None;
    }
    let mut alternatives = Vec::new();
    for item in items {
        let alternative = expectation(decoder, item, entry.key_span)?;
        let closed_here = matches!(alternative.kind, Expected::Closed(_)) && entry.key == "any";
        if !alternative.compares() && !closed_here {
            decoder.complain(
                Diagnostic::error(
                    item.span,
                    format!("this reads something else than a reply and cannot stand in `{}`", entry.key),
                )
                .help("write it as an `expect` of its own"),
            );
        }
        alternatives.push(alternative);
    }
    Some(alternatives)
}

fn field(decoder: &mut Decoder<'_>, fields: &mut Fields, entry: KeyValue<'_>) -> Option<()> {
    let span = entry.value.span;
    match entry.key {
        "code" => fields.code = Some((codes(decoder, entry.value)?, span)),
        "enhanced" => fields.enhanced = Some((enhanced(decoder, entry)?, span)),
        "text" => fields.text = Some((Pattern::new(decoder.text_of(entry)?), span)),
        "not" if matches!(entry.value.value, Value::List(_)) => {
            decoder.wrong_type_with(entry.value, "one pattern", "join them by `|`, as in `not: VRFY|EXPN`");
        }
        "not" => fields.not = Some((Pattern::new(decoder.text_of(entry)?), span)),
        "offers" => fields.offers = keywords(decoder, entry)?,
        "lacks" => fields.lacks = keywords(decoder, entry)?,
        "within" => fields.within = Some((decoder.length(entry.value)?, span)),
        _ => fields.closed = Some((closed_by(decoder, entry.value)?, span)),
    }
    Some(())
}

/// `[STARTTLS, AUTH LOGIN]`, or one of them.
fn keywords(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Option<Vec<Text>> {
    let keywords = decoder.texts_of(entry);
    if keywords.is_empty() {
        decoder.wrong_type(entry.value, "a list of EHLO keywords, such as `[STARTTLS, AUTH LOGIN]`");
        return None;
    }
    let is_keyword = |text: &Text| {
        let mut words = text.source.split_ascii_whitespace();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let coded = |word: &str| {
            word.len() > 3 && word.as_bytes()[..3].iter().all(u8::is_ascii_digit) && word.as_bytes()[3] == b'-'
        };
        !text.is_literal() || words.next().is_some_and(|keyword| keyword.chars().all(plain) && !coded(keyword))
    };
    for wrong in keywords.iter().filter(|text| !is_keyword(text)) {
        let text = format!("`{}` is not an EHLO keyword", wrong.source.trim());
        let help = "write the keyword as the server sends it, without code and pattern: `STARTTLS`, `AUTH LOGIN`";
        let error = Diagnostic::error(wrong.span, text);
        let list: Vec<&str> = wrong.source.split([',', ';']).map(str::trim).filter(|word| !word.is_empty()).collect();
        decoder.complain(if list.len() > 1 {
            error.help(format!("write a list: `[{}]`", list.join(", ")))
        } else {
            error.help(help)
        });
    }
    Some(keywords)
}

fn codes(decoder: &mut Decoder<'_>, node: &Node) -> Option<CodeSet> {
    let code = |decoder: &mut Decoder<'_>, node: &Node| {
        let text = node.scalar().map_or("", |scalar| scalar.text.as_str());
        let code = CodePattern::parse(text);
        if code.is_none() {
            decoder.complain(not_a_code(node, text));
        }
        code
    };
    match &node.value {
        Value::List(items) if !items.is_empty() => {
            items.iter().map(|item| code(decoder, item)).collect::<Option<_>>().map(CodeSet::OneOf)
        }
        Value::Scalar(scalar) if scalar.text == "any" => Some(CodeSet::Any),
        _ => code(decoder, node).map(|code| CodeSet::OneOf(vec![code])),
    }
}

/// `5.7.8` or `5.7.x`; templates are looked at when they are rendered.
fn enhanced(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Option<Text> {
    let text = decoder.text_of(entry)?;
    let parts: Vec<&str> = text.source.split('.').collect();
    let part =
        |part: &&str| *part == "x" || (!part.is_empty() && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit()));
    if text.is_literal() && !(parts.len() == 3 && parts.iter().all(part)) {
        decoder.complain(
            Diagnostic::error(entry.value.span, format!("`{}` is not an enhanced status code", text.source))
                .help("write it as `5.7.8`, or with `x` for any number: `5.7.x`"),
        );
        return None;
    }
    Some(text)
}

fn closed_by(decoder: &mut Decoder<'_>, node: &Node) -> Option<ClosedBy> {
    match node.scalar().map(|scalar| (scalar.kind, scalar.text.as_str())) {
        Some((ScalarKind::Bool(true), _)) => Some(ClosedBy::Either),
        Some((_, "fin")) => Some(ClosedBy::Fin),
        Some((_, "reset")) => Some(ClosedBy::Reset),
        _ => {
            decoder.wrong_type(node, "`true`, `fin` or `reset`");
            None
        }
    }
}

/// What a step expects, or observes.
pub(super) fn of_step(decoder: &mut Decoder<'_>, entries: &Entries<'_>) -> Option<Expectation> {
    let (expect, observe) = (entries.entry("expect"), entries.entry("observe"));
    if let (Some(expect), Some(observe)) = (expect, observe) {
        let error = Diagnostic::error(observe.key_span, "`observe` cannot stand beside `expect`: it judges nothing");
        let error = error.other(expect.key_span, "this judges what comes");
        decoder.complain(error.help("write one of them, or two steps"));
        return None;
    }
    match observe {
        Some(observe) => {
            let length = decoder.length(observe.value)?;
            Some(Expectation { span: observe.value.span, kind: Expected::Observe(length) })
        }
        None => expect.and_then(|expect| expected(decoder, expect)),
    }
}

/// `expect` of a step; of a server it is a command line, or what else a client may do.
fn expected(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Option<Expectation> {
    let expectation = expectation(decoder, entry.value, entry.key_span)?;
    match decoder.side {
        Side::Client => Some(expectation),
        Side::Server => as_command(decoder, expectation),
    }
}

fn as_command(decoder: &mut Decoder<'_>, expectation: Expectation) -> Option<Expectation> {
    let span = expectation.span;
    let list = |decoder: &mut Decoder<'_>, list: Vec<Expectation>| {
        list.into_iter().map(|one| as_command(decoder, one)).collect::<Option<Vec<_>>>()
    };
    let kind = match expectation.kind {
        Expected::Pattern(pattern) => Expected::Pattern(Pattern::of_command(pattern.text)),
        Expected::Line(pattern) => Expected::Line(Pattern::of_command(pattern.text)),
        Expected::Raw(pattern) => Expected::Raw(Pattern::of_command(pattern.text)),
        Expected::Any(alternatives) => Expected::Any(list(decoder, alternatives)?),
        Expected::All(parts) => Expected::All(list(decoder, parts)?),
        kind @ (Expected::Closed(_) | Expected::Silence(_) | Expected::Observe(_)) => kind,
        Expected::Code(_) | Expected::Fields(_) => {
            let error = Diagnostic::error(span, "a server expects commands, which have no reply code");
            decoder.complain(error.help("write a pattern such as `^EHLO (?<client>\\S+)`"));
            return None;
        }
    };
    Some(Expectation { span, kind })
}

fn not_a_code(node: &Node, text: &str) -> Diagnostic {
    if let Some((code, enhanced)) = text.trim().split_once(' ')
        && CodePattern::parse(code).is_some()
        && enhanced.split('.').count() == 3
    {
        let error = Diagnostic::error(node.span, format!("`{text}` is not a reply code"));
        return error
            .help(format!("the enhanced status code stands beside it: `{{code: {code}, enhanced: {enhanced}}}`"));
    }
    Diagnostic::error(node.span, format!("`{text}` is not a reply code")).help(meant(text).unwrap_or_else(|| {
        "a reply code is three digits, the first from 1 to 5 (`250`), or a class (`2xx`, `25x`)".to_owned()
    }))
}

/// Whether it compares the last reply of an exchange, and does not read by itself.
pub(super) fn compares_a_reply(expectation: &Expectation) -> bool {
    match &expectation.kind {
        Expected::Any(list) | Expected::All(list) => list.iter().all(compares_a_reply),
        _ => expectation.compares(),
    }
}
