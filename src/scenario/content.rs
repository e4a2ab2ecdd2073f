//! What a message is made of and how it is sent: the data of `data`, `message`, `bdat` and of the modifier `pace`.
//!
//! Responsible for these types alone. `parse` reads them, `check` looks through them, `run` renders and sends them.

use super::{Filler, Length, Misread, Span, Text};

/// The size of a BDAT chunk where none is given, in octets.
pub(crate) const DEFAULT_CHUNK: usize = 64 * 1024;
/// The largest BDAT chunk, in octets: one is held in memory at a time.
pub(crate) const MAX_CHUNK: usize = 64 * 1024 * 1024;

/// Mail data and how it is sent (RFC 5321 section 4.1.1.4).
#[derive(Debug, Clone)]
pub(crate) struct MailData {
    pub(crate) content: Content,
    pub(crate) template: bool,
    pub(crate) transparency: bool,
    pub(crate) keep_line_endings: bool,
    pub(crate) terminate: bool,
}

/// Where mail data comes from.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    Text(Text),
    File(Text),
    /// Known octets, from `base64:`.
    Bytes(Vec<u8>),
    /// Lines of the lengths of something that is not at hand.
    Filler(Filler),
    /// A message that is built from its parts.
    Message(Box<Message>),
}

/// Chunks with their commands (RFC 3030 section 2).
#[derive(Debug, Clone)]
pub(crate) struct Bdat {
    /// Without transparency and without the final dot.
    pub(crate) data: MailData,
    /// The most octets of one chunk.
    pub(crate) chunk: usize,
    /// Whether the last chunk says `LAST`.
    pub(crate) last: bool,
}

/// A message to build (RFC 5322, RFC 2045): what the step says, in its order.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) headers: Vec<HeaderField>,
    pub(crate) text: Option<Text>,
    pub(crate) html: Option<Text>,
    pub(crate) attachments: Vec<Attachment>,
}

/// One header field, or several of the same name.
#[derive(Debug, Clone)]
pub(crate) struct HeaderField {
    pub(crate) name: String,
    pub(crate) kind: HeaderKind,
    pub(crate) values: Vec<Text>,
}

/// How a field's value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderKind {
    /// All values are addresses of one field.
    Addresses,
    /// Each value is a field of its own; what is not ASCII becomes encoded words (RFC 2047).
    Unstructured,
    /// Each value is a field of its own, as it is.
    Verbatim,
}

/// A file that goes with a message, or what stands for one.
#[derive(Debug, Clone)]
pub(crate) struct Attachment {
    /// Anything but a message.
    pub(crate) content: Content,
    /// The name the recipient sees; a file's own by default.
    pub(crate) name: Option<Text>,
    /// The media type; by the ending of the file's name by default.
    pub(crate) media_type: Option<Text>,
}

/// Slow sending.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    /// How many octets go out at once; at least 1.
    pub(crate) bytes: usize,
    /// How long it waits before the next ones.
    pub(crate) every: Length,
}

impl HeaderField {
    /// Where its first value stands.
    pub(crate) fn span(&self) -> Option<Span> {
        self.values.first().map(|text| text.span)
    }
}

impl Message {
    /// Every text that is a template.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &Text> {
        let values = self.headers.iter().flat_map(|field| &field.values);
        let labels = self.attachments.iter().flat_map(|attachment| [&attachment.name, &attachment.media_type]);
        let attached = self.attachments.iter().filter_map(|attachment| match &attachment.content {
            Content::Text(text) => Some(text),
            _ => None,
        });
        values.chain([&self.text, &self.html].into_iter().flatten()).chain(labels.flatten()).chain(attached)
    }

    /// The files that go with it.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Text> {
        self.attachments.iter().filter_map(|attachment| match &attachment.content {
            Content::File(file) => Some(file),
            _ => None,
        })
    }

    /// The texts that must stay on one line of a header.
    pub(crate) fn header_texts(&self) -> impl Iterator<Item = &Text> {
        let labels = self.attachments.iter().flat_map(|attachment| [&attachment.name, &attachment.media_type]);
        self.headers.iter().flat_map(|field| &field.values).chain(labels.flatten())
    }
}

impl MailData {
    /// The files that it is made of.
    pub(crate) fn files(&self) -> Vec<&Text> {
        match &self.content {
            Content::File(file) => vec![file],
            Content::Message(message) => message.files().collect(),
            Content::Text(_) | Content::Bytes(_) | Content::Filler(_) => Vec::new(),
        }
    }

    /// The texts whose values go over the wire.
    pub(crate) fn texts(&self) -> Vec<&Text> {
        match &self.content {
            Content::Text(text) if self.template => vec![text],
            Content::Message(message) => message.texts().collect(),
            Content::Text(_) | Content::File(_) | Content::Bytes(_) | Content::Filler(_) => Vec::new(),
        }
    }
}

/// `64KiB`, `1 MiB`, `10kB` or a number of octets.
pub(crate) fn parse_size(text: &str) -> Result<usize, Misread> {
    let text = text.trim();
    let unit_at = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kib" => 1024,
        "mib" => 1024 * 1024,
        "kb" => 1000,
        "mb" => 1_000_000,
        _ => {
            return Err(Misread::new(format!(
                "`{text}` is not a size: write for example `64KiB`, `1MiB` or a number of octets"
            )));
        }
    };
    let size = number.parse::<usize>().ok().and_then(|number| number.checked_mul(factor));
    match size {
        Some(size @ 1..=MAX_CHUNK) => Ok(size),
        Some(0) => Err(Misread::new("a chunk holds 1 octet at least")),
        Some(_) => Err(Misread::new(format!("a chunk holds {} MiB at most", MAX_CHUNK / 1024 / 1024))),
        None => Err(Misread::new(format!("`{text}` is not a size: write for example `64KiB`"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, size) in [("1", 1), ("64KiB", 65_536), ("1 MiB", 1_048_576), ("10kB", 10_000), ("64MiB", MAX_CHUNK)]
        {
            assert_eq!(parse_size(text), Ok(size), "{text}");
        }
        for bad in ["", "0", "65MiB", "KiB", "1 GiB", "-1", "99999999999999999999"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }
}
