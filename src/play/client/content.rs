//! Where the octets of mail data come from: a text, a file, filler, or a message that is built.
//!
//! Responsible for rendering and for opening files. Sending is the business of `steps` (as DATA) and `bdat`.

use crate::play::Divergence;
use crate::play::client::ground::StepAt;
use crate::play::client::message;
use crate::scenario::{Content, Filler, MailData, Mode, Rendered, Span, TemplateError, Text, reason};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What is to be sent, before line endings and transparency.
pub(crate) enum MailContent {
    /// In memory.
    Rendered(Rendered),
    /// Too large for that, perhaps.
    ContentStream(ContentStream),
}

/// Octets that are read while they are sent.
pub(crate) struct ContentStream {
    source: Box<dyn Read + Send>,
    /// 0 where it is not known.
    pub(crate) size: u64,
    /// What it is, as the scenario has it.
    pub(crate) name: String,
    /// Where a fault of it is shown.
    span: Span,
}

impl StepAt<'_> {
    pub(crate) fn mail_content(&self, data: &MailData) -> Result<MailContent, Vec<Divergence>> {
        let rendered = match &data.content {
            Content::Text(text) if data.template => self.render(text, Mode::Plain)?,
            Content::Text(text) => {
                Rendered { bytes: text.source.clone().into_bytes(), shown: text.source.clone(), secret: false }
            }
            Content::File(file) if data.template => self.templated_file(file)?,
            Content::File(file) => return self.open_file(file).map(MailContent::ContentStream),
            Content::Bytes(bytes) => Rendered {
                shown: String::from_utf8_lossy(bytes).replace("\r\n", "\n"),
                bytes: bytes.clone(),
                secret: false,
            },
            Content::Filler(filler) => {
                return Ok(MailContent::ContentStream(ContentStream::of_filler(filler, self.step.head.span)));
            }
            Content::Message(parts) => {
                let scope = self.scope();
                let source = message::MessageParts {
                    templates: &self.stage.templates,
                    scope: &scope,
                    resolver: &self.view().resolver(&scope),
                };
                message::build(parts, &source).map_err(|error| self.template(&error))?
            }
        };
        Ok(MailContent::Rendered(rendered))
    }

    fn templated_file(&self, file: &Text) -> Result<Rendered, Vec<Divergence>> {
        let path = self.view().resolver(&self.scope()).path(file).map_err(|error| self.template(&error))?;
        let content =
            std::fs::read_to_string(&path).map_err(|error| self.template(&unreadable(file, &path, &error)))?;
        let text = Text::from_file(&content, file.span).map_err(|error| self.template(&error))?;
        self.render(&text, Mode::Plain)
    }

    fn open_file(&self, file: &Text) -> Result<ContentStream, Vec<Divergence>> {
        let path = self.view().resolver(&self.scope()).path(file).map_err(|error| self.template(&error))?;
        let source = File::open(&path).map_err(|error| self.template(&unreadable(file, &path, &error)))?;
        let size = source.metadata().map_or(0, |metadata| metadata.len());
        Ok(ContentStream { source: Box::new(source), size, name: file.source.clone(), span: file.span })
    }

    /// The next octets of a stream; 0 at its end.
    pub(crate) fn read_stream(&self, stream: &mut ContentStream, buffer: &mut [u8]) -> Result<usize, Vec<Divergence>> {
        stream.source.read(buffer).map_err(|error| {
            let message = format!("cannot read `{}`: {}", stream.name, reason(&error));
            self.template(&TemplateError { message, span: stream.span, help: None })
        })
    }
}

fn unreadable(file: &Text, path: &Path, error: &std::io::Error) -> TemplateError {
    let message = format!("cannot read `{}`: {}", path.display(), reason(error));
    TemplateError { message, span: file.span, help: None }
}

impl ContentStream {
    fn of_filler(filler: &Filler, span: Span) -> ContentStream {
        ContentStream { source: Box::new(filler.read()), size: filler.octets(), name: "filler".to_owned(), span }
    }
}
