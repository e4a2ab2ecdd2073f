//! Reads what a server answers and receives: the forms of `reply`, and `receive`.

use super::actions;
use super::decoder::{Decoder, KeyValue};
use crate::scenario::server::{IMPLIED_CODE, MailPart, Received, Reply, ReplyKind};
use crate::scenario::source::Diagnostic;
use crate::scenario::yaml::{Node, ScalarKind, Value};

const REPLY_KEYS: [&str; 3] = ["code", "lines", "raw"];

/// A line with its code, a list of lines (250 is implied), or `{code:, lines:}`, or `{raw:}`.
pub(super) fn reply(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Option<Reply> {
    let kind = match &entry.value.value {
        Value::Scalar(_) => decoder.text_of(entry).map(ReplyKind::Text),
        Value::List(_) => reply_lines(decoder, entry.value, IMPLIED_CODE),
        Value::Map(_) => reply_mapping(decoder, entry),
    };
    Some(Reply { kind: kind?, span: entry.value_span() })
}

fn reply_mapping(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Option<ReplyKind> {
    let entries = decoder.entries(entry.value, "`reply`", &[&REPLY_KEYS])?;
    if let Some(raw) = entries.entry("raw") {
        if let Some(other) = entries.list.iter().find(|entry| entry.key != "raw") {
            let text = format!("`{}` cannot stand beside `raw`", other.key);
            decoder.complain(Diagnostic::error(other.key_span, text).help("`raw` holds all that is sent"));
        }
        return actions::raw(decoder, raw).map(ReplyKind::Raw);
    }
    let code = entries.value("code").map_or(Some(IMPLIED_CODE), |node| reply_code(decoder, node));
    let Some(lines) = entries.value("lines") else {
        let error = Diagnostic::error(entry.key_span, "`reply` needs `lines` or `raw`");
        decoder.complain(error.help("write `reply: 451 4.7.1 later`, or `{code: 451, lines: [4.7.1 later]}`"));
        return None;
    };
    reply_lines(decoder, lines, code?)
}

fn reply_lines(decoder: &mut Decoder<'_>, node: &Node, code: u16) -> Option<ReplyKind> {
    let lines = decoder.text_list(node, "a list of lines");
    if lines.is_empty() {
        decoder.complain(Diagnostic::error(node.span, "this reply has no line"));
        return None;
    }
    Some(ReplyKind::Lines { code, lines })
}

/// Any three digits that begin with 1 to 9: a wrong code may be what is wanted.
fn reply_code(decoder: &mut Decoder<'_>, node: &Node) -> Option<u16> {
    let code = match node.scalar().map(|scalar| scalar.kind) {
        Some(ScalarKind::Int(code)) => u16::try_from(code).ok().filter(|code| (100..=999).contains(code)),
        _ => None,
    };
    if code.is_none() {
        decoder.wrong_type(node, "a reply code: three digits");
    }
    code
}

// --- steps ---------------------------------------------------------------------------------------------------

pub(super) fn receive(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Option<Received> {
    let part = match entry.value.scalar().map(|scalar| scalar.text.as_str()) {
        Some("data") => MailPart::Data,
        Some("bdat") => MailPart::Bdat,
        _ => {
            decoder.wrong_type(entry.value, "`data` (up to the line with the dot) or `bdat` (one chunk)");
            return None;
        }
    };
    Some(Received { part, span: entry.span() })
}
