//! Checks what `data`, `message` and `bdat` send.

use super::Checker;
use crate::scenario::content::{Content, MailData, Message};
use crate::scenario::source::Diagnostic;

impl Checker<'_> {
    pub(super) fn mail_data(&mut self, data: &MailData) {
        match &data.content {
            Content::Text(text) if data.template => self.text(text),
            Content::Text(_) | Content::Bytes(_) | Content::Filler(_) => {}
            Content::File(file) => {
                self.file(file);
                if data.template {
                    self.templated_file(file);
                }
            }
            Content::Message(message) => self.message(message),
        }
    }

    fn message(&mut self, message: &Message) {
        message.texts().for_each(|text| self.text(text));
        for text in message.header_texts() {
            if let Some(at) = text.source.find(['\r', '\n']) {
                let error =
                    Diagnostic::error(text.span_of(&(at..at + 1)), "a header is one line: this holds a line end");
                self.diagnostics.push(error.help("long headers are folded for you"));
            }
        }
        message.files().for_each(|file| self.file(file));
    }
}
