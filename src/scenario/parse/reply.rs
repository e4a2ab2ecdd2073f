//! Reads the forms of a server's `reply`.

use super::{Decoder, Entry};
use crate::scenario::server::{Reply, ReplyKind};
use crate::scenario::source::Diagnostic;
use crate::scenario::yaml::{Node, ScalarKind, Value};

const REPLY_KEYS: [&str; 3] = ["code", "lines", "raw"];
/// The code of a list of lines that names none: what such lists are written for is EHLO.
const IMPLIED_CODE: u16 = 250;

impl Decoder<'_> {
    /// A line with its code, a list of lines (250 is implied), or `{code:, lines:}`, or `{raw:}`.
    pub(super) fn reply(&mut self, entry: Entry<'_>) -> Option<Reply> {
        let kind = match &entry.value.value {
            Value::Scalar(_) => self.text_of(entry).map(ReplyKind::Text),
            Value::List(_) => self.reply_lines(entry.value, IMPLIED_CODE),
            Value::Map(_) => self.reply_mapping(entry),
        };
        Some(Reply { kind: kind?, span: entry.value_span() })
    }

    fn reply_mapping(&mut self, entry: Entry<'_>) -> Option<ReplyKind> {
        let entries = self.entries(entry.value, "`reply`", &[&REPLY_KEYS])?;
        if let Some(raw) = entries.entry("raw") {
            if let Some(other) = entries.list.iter().find(|entry| entry.key != "raw") {
                let text = format!("`{}` cannot stand beside `raw`", other.key);
                self.errors.push(Diagnostic::error(other.key_span, text).help("`raw` holds all that is sent"));
            }
            return self.raw(raw).map(ReplyKind::Raw);
        }
        let code = entries.value("code").map_or(Some(IMPLIED_CODE), |node| self.reply_code(node));
        let Some(lines) = entries.value("lines") else {
            let error = Diagnostic::error(entry.key_span, "`reply` needs `lines` or `raw`");
            self.errors.push(error.help("write `reply: 451 4.7.1 later`, or `{code: 451, lines: [4.7.1 later]}`"));
            return None;
        };
        self.reply_lines(lines, code?)
    }

    fn reply_lines(&mut self, node: &Node, code: u16) -> Option<ReplyKind> {
        let lines = self.text_list(node, "a list of lines");
        if lines.is_empty() {
            self.errors.push(Diagnostic::error(node.span, "this reply has no line"));
            return None;
        }
        Some(ReplyKind::Lines { code, lines })
    }

    /// Any three digits that begin with 1 to 9: a wrong code may be what is wanted.
    fn reply_code(&mut self, node: &Node) -> Option<u16> {
        let code = match node.scalar().map(|scalar| scalar.kind) {
            Some(ScalarKind::Int(code)) => u16::try_from(code).ok().filter(|code| (100..=999).contains(code)),
            _ => None,
        };
        if code.is_none() {
            self.wrong_type(node, "a reply code: three digits");
        }
        code
    }
}
