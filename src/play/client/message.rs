//! Builds the message of a `message` step (RFC 5322, MIME). The only module that calls mail-builder.
//!
//! Responsible for what goes in: the fields and parts that the step names, in its order, and beside them only Date,
//! Message-ID and the MIME fields. Time, Message-ID and boundaries come from the run's chance, so that `--seed` fixes
//! every octet. Not responsible for line endings and transparency on the way out (`smtp::mail_data`).

use crate::play::client::endpoint::Resolver;
use crate::scenario::{
    Attachment, Content, HeaderField, HeaderKind, Message, Mode, Rendered, Scope, TemplateError, Templates, Text,
    reason,
};
use mail_builder::MessageBuilder;
use mail_builder::headers::HeaderType;
use mail_builder::headers::address::Address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::{BodyPart, MimePart};
use std::io::Read as _;
use std::path::Path;

/// The most octets of an attachment that is filler: it is held in memory.
const MAX_FILLER: u64 = 256 * 1024 * 1024;
/// The length of the random part of a boundary and of a Message-ID.
const RANDOM_LENGTH: usize = 16;

/// Media types by the ending of a file's name; what else there is goes as `application/octet-stream`.
const MEDIA_TYPES: [(&str, &str); 17] = [
    ("csv", "text/csv"),
    ("eml", "message/rfc822"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("ics", "text/calendar"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("json", "application/json"),
    ("md", "text/markdown"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain"),
    ("xml", "application/xml"),
    ("zip", "application/zip"),
];

/// What a message is built from beside its own texts.
pub(crate) struct MessageParts<'a> {
    pub(crate) templates: &'a Templates,
    pub(crate) scope: &'a dyn Scope,
    pub(crate) resolver: &'a Resolver<'a>,
}

/// The message as it is sent, and as it may be shown.
pub(crate) fn build(message: &Message, source: &MessageParts<'_>) -> Result<Rendered, TemplateError> {
    let parts = Parts::render(message, source)?;
    let bytes = parts.build(|rendered| String::from_utf8_lossy(&rendered.bytes).into_owned(), false)?;
    let secret = parts.secret();
    let shown = if secret { parts.build(|rendered| rendered.shown.clone(), true)? } else { bytes.clone() };
    Ok(Rendered { bytes, shown: String::from_utf8_lossy(&shown).replace("\r\n", "\n"), secret })
}

/// Everything rendered, and what chance adds: the message can be built twice, with secrets and without.
struct Parts {
    headers: Vec<(String, HeaderKind, Vec<Rendered>)>,
    text: Option<Rendered>,
    html: Option<Rendered>,
    attachments: Vec<Attached>,
    date: Option<String>,
    /// The left side of a Message-ID; the right one is the domain of the sender.
    id: Option<String>,
    boundaries: [String; 2],
    /// Where a fault of the whole message is shown.
    span: crate::scenario::Span,
}

struct Attached {
    name: Rendered,
    media_type: Rendered,
    content: Vec<u8>,
    /// What is shown in its place, where a secret stands in it.
    shown: Option<Vec<u8>>,
    secret: bool,
}

/// The octets of an attachment, and what is known about them.
#[derive(Default)]
struct AttachedContent {
    octets: Vec<u8>,
    shown: Option<Vec<u8>>,
    secret: bool,
    file_name: Option<String>,
}

impl Parts {
    fn render(message: &Message, source: &MessageParts<'_>) -> Result<Parts, TemplateError> {
        let mut headers = Vec::new();
        for field in &message.headers {
            let values = field.values.iter().map(|text| source.line(text)).collect::<Result<_, _>>()?;
            headers.push((canonical(&field.name), field.kind, values));
        }
        let given = |name: &str| headers.iter().any(|(field, _, _)| field == name);
        let chance = source.templates.chance();
        Ok(Parts {
            date: (!given("Date")).then(|| chance.rfc5322_date()),
            id: (!given("Message-ID"))
                .then(|| format!("{}.{}", chance.now().as_millisecond(), chance.word(RANDOM_LENGTH))),
            boundaries: [(); 2].map(|()| format!("=_{}", chance.word(RANDOM_LENGTH))),
            text: message.text.as_ref().map(|text| source.text(text)).transpose()?,
            html: message.html.as_ref().map(|text| source.text(text)).transpose()?,
            attachments: message.attachments.iter().map(|it| source.attached(it)).collect::<Result<_, _>>()?,
            span: message.headers.first().and_then(HeaderField::span).unwrap_or_default(),
            headers,
        })
    }

    fn secret(&self) -> bool {
        let fields = self.headers.iter().flat_map(|(_, _, values)| values);
        let labels = self.attachments.iter().flat_map(|attached| [&attached.name, &attached.media_type]);
        fields.chain(labels).chain(&self.text).chain(&self.html).any(|rendered| rendered.secret)
            || self.attachments.iter().any(|attached| attached.secret)
    }

    /// With `to_show` secrets are left out of attachments.
    fn build(&self, text_of: impl Fn(&Rendered) -> String, to_show: bool) -> Result<Vec<u8>, TemplateError> {
        let mut builder = MessageBuilder::new();
        let mut sender = None;
        for (name, kind, values) in &self.headers {
            let values: Vec<String> = values.iter().map(&text_of).collect();
            if name == "From" {
                sender = values.first().cloned();
            }
            match kind {
                HeaderKind::Addresses => {
                    let list = values.iter().flat_map(|value| addresses(value)).collect();
                    builder = builder.header(name.clone(), HeaderType::from(Address::new_list(list)));
                }
                HeaderKind::Unstructured => {
                    let texts =
                        values.into_iter().map(|value| HeaderType::from(mail_builder::headers::text::Text::new(value)));
                    builder = builder.headers(name.clone(), texts);
                }
                HeaderKind::Verbatim => {
                    builder = builder
                        .headers(name.clone(), values.into_iter().map(|value| HeaderType::from(Raw::new(value))));
                }
            }
        }
        if let Some(date) = &self.date {
            builder = builder.header("Date", Raw::new(date.as_str()));
        }
        if let Some(id) = &self.id {
            let domain = sender.as_deref().and_then(domain_of).unwrap_or("localhost");
            builder = builder.header("Message-ID", Raw::new(format!("<{id}@{domain}>")));
        }
        builder.body(self.body(text_of, to_show)).write_to_vec().map_err(|error| TemplateError {
            message: format!("the message cannot be built: {}", reason(&error)),
            span: self.span,
            help: None,
        })
    }

    /// As simple as what there is allows: one part, alternatives, or a mixture with attachments.
    fn body(&self, text_of: impl Fn(&Rendered) -> String, to_show: bool) -> MimePart<'_> {
        let part = |media_type: &'static str, rendered: &Rendered| {
            MimePart::new(media_type, canonical_lines(&text_of(rendered)))
        };
        let [outer, inner] = &self.boundaries;
        let written = match (&self.text, &self.html) {
            (Some(text), Some(html)) => {
                let list = vec![part("text/plain", text), part("text/html", html)];
                let boundary = if self.attachments.is_empty() { outer } else { inner };
                Some(multipart("multipart/alternative", boundary, list))
            }
            (Some(text), None) => Some(part("text/plain", text)),
            (None, Some(html)) => Some(part("text/html", html)),
            (None, None) => None,
        };
        if self.attachments.is_empty() {
            return written.unwrap_or_else(|| MimePart::new("text/plain", ""));
        }
        let attached = self.attachments.iter().map(|attached| {
            let content = attached.shown.as_deref().filter(|_| to_show).unwrap_or(&attached.content);
            let content = BodyPart::from(content);
            MimePart::new(text_of(&attached.media_type), content).attachment(text_of(&attached.name))
        });
        multipart("multipart/mixed", outer, written.into_iter().chain(attached).collect())
    }
}

impl MessageParts<'_> {
    fn text(&self, text: &Text) -> Result<Rendered, TemplateError> {
        let rendered = self.templates.render(text, Mode::Plain, self.scope)?;
        if std::str::from_utf8(&rendered.bytes).is_err() {
            return Err(fault(text, "this must be UTF-8; send other octets as an attachment or by `data:`"));
        }
        Ok(rendered)
    }

    /// A header's value: whoever gives a value of a template must not add headers of his own.
    fn line(&self, text: &Text) -> Result<Rendered, TemplateError> {
        let rendered = self.templates.render(text, Mode::Line, self.scope)?;
        if rendered.bytes.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return Err(fault(text, "a header is one line: this holds a line end or NUL"));
        }
        if std::str::from_utf8(&rendered.bytes).is_err() {
            return Err(fault(text, "this must be UTF-8"));
        }
        Ok(rendered)
    }

    fn attached(&self, attachment: &Attachment) -> Result<Attached, TemplateError> {
        let known = |text: String| Rendered { bytes: text.clone().into_bytes(), shown: text, secret: false };
        let content = self.content(&attachment.content)?;
        let name = attachment.name.as_ref().map(|text| self.line(text)).transpose()?;
        let media_type = attachment.media_type.as_ref().map(|text| self.line(text)).transpose()?;
        // The type follows from the file, whatever name it is given.
        let typed_by =
            content.file_name.clone().or_else(|| name.as_ref().map(|name| name.shown.clone())).unwrap_or_default();
        Ok(Attached {
            media_type: media_type.unwrap_or_else(|| known(media_type_of(&typed_by).to_owned())),
            name: name.unwrap_or_else(|| known(content.file_name.unwrap_or_default())),
            content: content.octets,
            shown: content.shown,
            secret: content.secret,
        })
    }

    fn content(&self, content: &Content) -> Result<AttachedContent, TemplateError> {
        let octets = match content {
            Content::File(file) => {
                let path = self.resolver.path(file)?;
                let octets = std::fs::read(&path)
                    .map_err(|error| fault(file, &format!("cannot read it: {}", reason(&error))))?;
                let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned());
                return Ok(AttachedContent { octets, file_name, ..AttachedContent::default() });
            }
            Content::Text(text) => {
                let rendered = self.text(text)?;
                let shown = rendered.secret.then(|| rendered.shown.into_bytes());
                let octets = rendered.bytes;
                return Ok(AttachedContent { octets, shown, secret: rendered.secret, ..AttachedContent::default() });
            }
            Content::Bytes(bytes) => bytes.clone(),
            Content::Filler(filler) => {
                let mut octets = Vec::new();
                // Nothing but memory can fail here.
                _ = filler.read().take(MAX_FILLER).read_to_end(&mut octets);
                octets
            }
            // No attachment is a message of its own.
            Content::Message(_) => Vec::new(),
        };
        Ok(AttachedContent { octets, ..AttachedContent::default() })
    }
}

/// The field names that the library looks for, in its spelling: else it would add them once more.
fn canonical(name: &str) -> String {
    let own = ["Date", "Message-ID", "MIME-Version"].into_iter().find(|own| own.eq_ignore_ascii_case(name));
    own.unwrap_or(name).to_owned()
}

/// Lines of text end in CRLF before they are encoded (RFC 2045 section 6.8).
fn canonical_lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}

fn multipart<'p>(media_type: &'static str, boundary: &'p str, parts: Vec<MimePart<'p>>) -> MimePart<'p> {
    MimePart::new(ContentType::new(media_type).attribute("boundary", boundary), parts)
}

pub(crate) fn media_type_of(file_name: &str) -> &'static str {
    let ending =
        Path::new(file_name).extension().map(|it| it.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let known = MEDIA_TYPES.iter().find(|(known, _)| *known == ending);
    known.map_or("application/octet-stream", |(_, media_type)| media_type)
}

/// The addresses of a list such as `Mary <mary@example.com>, john@example.com`.
fn addresses(list: &str) -> impl Iterator<Item = Address<'static>> {
    split_list(list).into_iter().filter(|it| !it.is_empty()).map(|one| address(&one))
}

fn address(text: &str) -> Address<'static> {
    let named = text.strip_suffix('>').and_then(|rest| rest.rsplit_once('<'));
    let (name, addr_spec) = named.unwrap_or(("", text));
    let name = name.trim();
    let unquoted = name.strip_prefix('"').and_then(|it| it.strip_suffix('"')).map(|it| it.replace('\\', ""));
    let name = unquoted.unwrap_or_else(|| name.to_owned());
    Address::new_address((!name.is_empty()).then_some(name), addr_spec.trim().to_owned())
}

/// The entries between commas that stand neither in quotes nor in angle brackets.
fn split_list(list: &str) -> Vec<String> {
    let (mut entries, mut quoted, mut escaped, mut depth) = (vec![String::new()], false, false, 0_u32);
    for letter in list.chars() {
        match letter {
            ',' if !quoted && depth == 0 => {
                entries.push(String::new());
                continue;
            }
            '"' if !escaped => quoted = !quoted,
            '<' if !quoted => depth += 1,
            '>' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        escaped = letter == '\\' && !escaped;
        if let Some(entry) = entries.last_mut() {
            entry.push(letter);
        }
    }
    entries.into_iter().map(|entry| entry.trim().to_owned()).collect()
}

/// The domain of the first address.
fn domain_of(sender: &str) -> Option<&str> {
    let (_, rest) = sender.rsplit_once('@')?;
    let domain = rest.split(['>', ',', ' ']).next().unwrap_or_default();
    (!domain.is_empty()).then_some(domain)
}

fn fault(text: &Text, message: &str) -> TemplateError {
    TemplateError { message: message.to_owned(), span: text.span, help: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_addresses() {
        assert_eq!(split_list(r#""Doe, John" <j@x>, m@y,"#), [r#""Doe, John" <j@x>"#, "m@y", ""]);
        assert_eq!(split_list(r#""a\",b" <c@d>"#), [r#""a\",b" <c@d>"#]);
        let Address::Address(one) = address(r#""Doe, John" <j@x>"#) else { panic!("not one address") };
        assert_eq!((one.name.as_deref(), &*one.email), (Some("Doe, John"), "j@x"));
        let Address::Address(bare) = address("m@y") else { panic!("not one address") };
        assert_eq!((bare.name.as_deref(), &*bare.email), (None, "m@y"));
    }

    #[test]
    fn the_domain_of_a_sender() {
        for (sender, domain) in [("a@b.c", Some("b.c")), ("Mary <m@x>", Some("x")), ("nobody", None), ("a@", None)] {
            assert_eq!(domain_of(sender), domain, "{sender}");
        }
    }

    #[test]
    fn media_types() {
        assert_eq!(media_type_of("a.PDF"), "application/pdf");
        assert_eq!(media_type_of("archive"), "application/octet-stream");
    }
}
