//! Checks what `data`, `message` and `bdat` send.

use super::{Checker, files};
use crate::scenario::content::{Content, MailData, Message};
use crate::scenario::source::Diagnostic;

pub(super) fn mail_data(checker: &mut Checker<'_>, data: &MailData) {
    match &data.content {
        Content::Text(text) if data.template => checker.text(text),
        Content::Text(_) | Content::Bytes(_) | Content::Filler(_) => {}
        Content::File(file) => {
            files::file(checker, file);
            if data.template {
                files::templated_file(checker, file);
            }
        }
        Content::Message(message) => built(checker, message),
    }
}

fn built(checker: &mut Checker<'_>, message: &Message) {
    message.texts().for_each(|text| checker.text(text));
    for text in message.header_texts() {
        if let Some(at) = text.source.find(['\r', '\n']) {
            let error = Diagnostic::error(text.span_of(&(at..at + 1)), "a header is one line: this holds a line end");
            checker.diagnostics.push(error.help("long headers are folded for you"));
        }
    }
    message.files().for_each(|file| files::file(checker, file));
}
