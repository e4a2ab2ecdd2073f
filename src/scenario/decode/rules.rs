//! Reads the rules of a server.

use super::advice::list_some;
use super::decoder::{Decoder, KeyValue};
use super::{actions, content, reply};
use crate::scenario::Pattern;
use crate::scenario::server::{Demand, Per, Rule};
use crate::scenario::source::{Diagnostic, Span};
use crate::scenario::yaml::{Node, Value};

const RULE_KEYS: [&str; 12] =
    ["match", "reply", "times", "after", "per", "when", "delay", "pace", "close", "at_least", "at_most", "name"];

// --- rules -------------------------------------------------------------------------------------------------

pub(super) fn rules(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Vec<Rule> {
    let Value::List(items) = &entry.value.value else {
        let error = Diagnostic::error(entry.value_span(), "`rules` takes a list");
        decoder.complain(error.help("each rule begins with `- match: PATTERN`"));
        return Vec::new();
    };
    items.iter().filter_map(|item| rule(decoder, item)).collect()
}

fn rule(decoder: &mut Decoder<'_>, node: &Node) -> Option<Rule> {
    let entries = decoder.entries(node, "a rule", &[&RULE_KEYS])?;
    let Some(pattern) = entries.entry("match") else {
        let error = Diagnostic::error(entries.span, "a rule needs `match`");
        decoder.complain(error.help(format!("write {} …", list_some(&[&["match", "reply"]]))));
        return None;
    };
    let most = u64::from(u32::MAX);
    let rule = Rule {
        span: entries.span,
        name: entries.value("name").and_then(|node| decoder.text(node)),
        pattern: Pattern::of_command(decoder.text_of(pattern)?),
        when: entries.value("when").and_then(|node| decoder.expression(node)),
        times: entries.value("times").and_then(|node| decoder.count(node, 1, most)),
        after: entries.value("after").and_then(|node| decoder.count(node, 0, most)).unwrap_or(0),
        per: entries.value("per").map(|node| per(decoder, node)).unwrap_or_default(),
        demand: Demand {
            at_least: entries.value("at_least").and_then(|node| decoder.count(node, 1, most)),
            at_most: entries.value("at_most").and_then(|node| decoder.count(node, 0, most)),
        },
        delay: entries.value("delay").and_then(|node| decoder.length(node)),
        reply: entries.entry("reply").and_then(|entry| reply::reply(decoder, entry)),
        pace: entries.value("pace").and_then(|node| content::pace(decoder, node)),
        close: entries.value("close").and_then(|node| actions::closing(decoder, node)),
    };
    complain_of_idle(decoder, &rule, entries.span);
    Some(rule)
}

/// A rule answers, demands, or takes a value out of the line for the rules after it.
fn complain_of_idle(decoder: &mut Decoder<'_>, rule: &Rule, span: Span) {
    if !rule.answers() && !rule.demand.is_any() && !rule.pattern.text.source.contains("(?<") {
        let error = Diagnostic::error(span, "this rule does nothing: it has neither `reply` nor `close`");
        decoder.complain(error.help(
            "what no rule matches is answered as the sandbox answers it; `at_least` demands that the line comes",
        ));
    }
    if let Demand { at_least: Some(least), at_most: Some(most) } = rule.demand
        && least > most
    {
        decoder
            .complain(Diagnostic::error(span, format!("`at_least: {least}` and `at_most: {most}` exclude each other")));
    }
    if let (Some(times), Some(least)) = (rule.times, rule.demand.at_least)
        && times < least
        && !matches!(rule.per, Per::Values(_) | Per::Connection)
    {
        let error = Diagnostic::error(span, format!("`times: {times}` and `at_least: {least}` exclude each other"));
        decoder.complain(error);
    }
}

fn per(decoder: &mut Decoder<'_>, node: &Node) -> Per {
    let expected =
        "`connection`, `server`, or values such as `[<<sender>>, <<recipient>>]`: what `times` and `after` count over";
    match (&node.value, node.scalar().map(|scalar| scalar.text.as_str())) {
        (_, Some("server")) => Per::Server,
        (_, Some("connection")) => Per::Connection,
        (_, Some(text)) if text.contains("<<") => Per::Values(decoder.text(node).into_iter().collect()),
        (Value::List(items), _) if !items.is_empty() => {
            let values = decoder.text_list(node, expected);
            for value in values.iter().filter(|value| value.is_literal()) {
                let word = &value.source;
                let error = Diagnostic::error(value.span, format!("`{word}` is the same for every line"));
                decoder.complain(error.help(format!(
                    "write `<<{word}>>`, a name that a rule captures: `match: ^RCPT TO:<(?<{word}>[^>]*)>`"
                )));
            }
            Per::Values(values)
        }
        _ => {
            decoder.wrong_type(node, expected);
            Per::default()
        }
    }
}
