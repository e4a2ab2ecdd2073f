//! Where the octets of mail data come from: a text, a file, or a message that is built.
//!
//! Responsible for rendering and for opening files. Sending is the business of `steps` (as DATA) and `bdat`.

use super::message;
use super::player::Player;
use super::steps::Now;
use crate::run::Divergence;
use crate::scenario::{Content, MailData, Mode, Rendered, TemplateError, Text, reason};
use std::fs::File;
use std::path::{Path, PathBuf};

/// What is to be sent, before line endings and transparency.
pub(super) enum MailContent<'c> {
    /// In memory.
    Rendered(Rendered),
    /// A file to stream.
    File(&'c Text),
}

impl Player<'_> {
    pub(super) fn mail_content<'c>(
        &self,
        now: Now<'_>,
        data: &'c MailData,
    ) -> Result<MailContent<'c>, Vec<Divergence>> {
        let rendered = match &data.content {
            Content::Text(text) if data.template => self.render(now, text, Mode::Plain)?,
            Content::Text(text) => {
                Rendered { bytes: text.source.clone().into_bytes(), shown: text.source.clone(), secret: false }
            }
            Content::File(file) if data.template => self.templated_file(now, file)?,
            Content::File(file) => return Ok(MailContent::File(file)),
            Content::Message(parts) => {
                let scope = self.scope(now.step);
                let source = message::Source {
                    templates: &self.templates,
                    scope: &scope,
                    resolver: &self.resolver(Some(&scope)),
                };
                message::build(parts, &source).map_err(|error| self.template(now, &error))?
            }
        };
        Ok(MailContent::Rendered(rendered))
    }

    fn templated_file(&self, now: Now<'_>, file: &Text) -> Result<Rendered, Vec<Divergence>> {
        let path = self.resolver(Some(&self.scope(now.step))).path(file).map_err(|error| self.template(now, &error))?;
        let content = std::fs::read_to_string(&path).map_err(|error| self.unreadable(now, file, &path, &error))?;
        let text = Text::from_file(&content, file.span).map_err(|error| self.template(now, &error))?;
        self.render(now, &text, Mode::Plain)
    }

    pub(super) fn open_file(&self, now: Now<'_>, file: &Text) -> Result<(PathBuf, File), Vec<Divergence>> {
        let path = self.resolver(Some(&self.scope(now.step))).path(file).map_err(|error| self.template(now, &error))?;
        let source = File::open(&path).map_err(|error| self.unreadable(now, file, &path, &error))?;
        Ok((path, source))
    }

    pub(super) fn unreadable(&self, now: Now<'_>, file: &Text, path: &Path, error: &std::io::Error) -> Vec<Divergence> {
        let message = format!("cannot read `{}`: {}", path.display(), reason(error));
        self.template(now, &TemplateError { message, span: file.span, help: None })
    }
}
