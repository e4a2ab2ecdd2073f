//! Where the octets of mail data come from: a text, a file, filler, or a message that is built.
//!
//! Responsible for rendering and for opening files. Sending is the business of `steps` (as DATA) and `bdat`.

use super::message;
use super::player::Player;
use super::steps::Now;
use crate::run::Divergence;
use crate::scenario::{Content, Filler, MailData, Mode, Rendered, Span, TemplateError, Text, reason};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What is to be sent, before line endings and transparency.
pub(super) enum MailContent {
    /// In memory.
    Rendered(Rendered),
    /// Too large for that, perhaps.
    Stream(Stream),
}

/// Octets that are read while they are sent.
pub(super) struct Stream {
    source: Box<dyn Read + Send>,
    /// 0 where it is not known.
    pub(super) size: u64,
    /// What it is, as the scenario has it.
    pub(super) name: String,
    /// Where a fault of it is shown.
    span: Span,
}

impl Player<'_> {
    pub(super) fn mail_content(&self, now: Now<'_>, data: &MailData) -> Result<MailContent, Vec<Divergence>> {
        let rendered = match &data.content {
            Content::Text(text) if data.template => self.render(now, text, Mode::Plain)?,
            Content::Text(text) => {
                Rendered { bytes: text.source.clone().into_bytes(), shown: text.source.clone(), secret: false }
            }
            Content::File(file) if data.template => self.templated_file(now, file)?,
            Content::File(file) => return self.open_file(now, file).map(MailContent::Stream),
            Content::Bytes(bytes) => Rendered {
                shown: String::from_utf8_lossy(bytes).replace("\r\n", "\n"),
                bytes: bytes.clone(),
                secret: false,
            },
            Content::Filler(filler) => return Ok(MailContent::Stream(Stream::of_filler(filler, now.step.head.span))),
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

    fn open_file(&self, now: Now<'_>, file: &Text) -> Result<Stream, Vec<Divergence>> {
        let path = self.resolver(Some(&self.scope(now.step))).path(file).map_err(|error| self.template(now, &error))?;
        let source = File::open(&path).map_err(|error| self.unreadable(now, file, &path, &error))?;
        let size = source.metadata().map_or(0, |metadata| metadata.len());
        Ok(Stream { source: Box::new(source), size, name: file.source.clone(), span: file.span })
    }

    /// The next octets of a stream; 0 at its end.
    pub(super) fn read_stream(
        &self,
        now: Now<'_>,
        stream: &mut Stream,
        buffer: &mut [u8],
    ) -> Result<usize, Vec<Divergence>> {
        stream.source.read(buffer).map_err(|error| {
            let message = format!("cannot read `{}`: {}", stream.name, reason(&error));
            self.template(now, &TemplateError { message, span: stream.span, help: None })
        })
    }

    fn unreadable(&self, now: Now<'_>, file: &Text, path: &Path, error: &std::io::Error) -> Vec<Divergence> {
        let message = format!("cannot read `{}`: {}", path.display(), reason(error));
        self.template(now, &TemplateError { message, span: file.span, help: None })
    }
}

impl Stream {
    fn of_filler(filler: &Filler, span: Span) -> Stream {
        Stream { source: Box::new(filler.read()), size: filler.octets(), name: "filler".to_owned(), span }
    }
}
