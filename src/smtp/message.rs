//! A message as a person reads it: header fields and texts decoded (RFC 2047, RFC 2045), attachments by name.
//!
//! Responsible for what stands in a message that was received; how it is built is `play::client::message`. The only file
//! that calls mail-parser. Called by `play::server::message` for templates, and by `cli::serve` for lines of JSON.

use mail_parser::parsers::MessageStream;
use mail_parser::{HeaderValue, Message, MessageParser, MessagePart, MimeHeaders as _, PartType};

/// What a message says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReadableMessage {
    /// Its parts of plain text, decoded, with a line end between two.
    pub(crate) text: Option<String>,
    /// Its parts of HTML, decoded.
    pub(crate) html: Option<String>,
    pub(crate) attachments: Vec<ReceivedAttachment>,
}

/// A part that is a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReceivedAttachment {
    pub(crate) name: Option<String>,
    /// `application/pdf`
    pub(crate) media_type: String,
    /// Its octets, decoded.
    pub(crate) size: usize,
}

impl ReadableMessage {
    /// Reads a message, whatever it holds.
    pub(crate) fn of(octets: &[u8]) -> ReadableMessage {
        let Some(message) = MessageParser::default().parse(octets) else { return ReadableMessage::default() };
        let is_text = |part: &PartType<'_>| match part {
            PartType::Text(text) => Some(text.to_string()),
            _ => None,
        };
        let is_html = |part: &PartType<'_>| match part {
            PartType::Html(html) => Some(html.to_string()),
            _ => None,
        };
        ReadableMessage {
            text: joined(&message, &message.text_body, is_text),
            html: joined(&message, &message.html_body, is_html),
            attachments: message.attachments().map(attachment).collect(),
        }
    }
}

/// The parts of one kind among those that make the body.
fn joined(message: &Message<'_>, ids: &[u32], of_kind: impl Fn(&PartType<'_>) -> Option<String>) -> Option<String> {
    let parts = ids.iter().filter_map(|id| message.part(*id));
    let texts: Vec<String> = parts.filter_map(|part| of_kind(&part.body)).collect();
    if texts.is_empty() { None } else { Some(texts.join("\n")) }
}

fn attachment(part: &MessagePart<'_>) -> ReceivedAttachment {
    let media_type = part.content_type().map_or_else(
        || "application/octet-stream".to_owned(),
        |kind| [Some(kind.ctype()), kind.subtype()].into_iter().flatten().collect::<Vec<_>>().join("/"),
    );
    ReceivedAttachment {
        name: part.attachment_name().map(str::to_owned),
        media_type: media_type.to_ascii_lowercase(),
        size: part.contents().len(),
    }
}

/// The header fields of a message, unfolded (RFC 5322 section 2.2.3), in their order; what is no field is left out.
pub(crate) fn header_fields(octets: &[u8]) -> Vec<(&[u8], Vec<u8>)> {
    let mut fields: Vec<(&[u8], Vec<u8>)> = Vec::new();
    for line in octets.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            if let Some((_, value)) = fields.last_mut() {
                value.extend_from_slice(line);
            }
        } else if let Some(colon) = memchr::memchr(b':', line) {
            fields.push((line[..colon].trim_ascii_end(), line[colon + 1..].to_vec()));
        }
    }
    for (_, value) in &mut fields {
        *value = value.trim_ascii().to_vec();
    }
    fields
}

/// The value of a header field, its encoded words decoded (RFC 2047); other octets as they are.
pub(crate) fn decoded(value: &[u8]) -> Vec<u8> {
    if memchr::memmem::find(value, b"=?").is_none() {
        return value.to_vec();
    }
    let line = [value, b"\r\n"].concat();
    match MessageStream::new(&line).parse_unstructured() {
        HeaderValue::Text(text) => text.as_bytes().to_vec(),
        HeaderValue::TextList(texts) => texts.join(" ").into_bytes(),
        _ => value.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "Subject: =?utf-8?B?QmVzdMOkdGlndW5n?=\r\nFrom: =?iso-8859-1?Q?J=F6rg?= <joerg@example.com>\r\n\
        X-Long: a\r\n b\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n\
        Content-Type: multipart/alternative; boundary=A\r\n\r\n--A\r\nContent-Type: text/plain; charset=utf-8\r\n\
        Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe\r\n--A\r\nContent-Type: text/html\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nPGI+SGk8L2I+\r\n--A--\r\n--B\r\nContent-Type: application/pdf\r\n\
        Content-Disposition: attachment; filename*=utf-8''%C3%A4.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--B--\r\n";

    #[test]
    fn a_message_says_what_a_person_reads() {
        let read = ReadableMessage::of(MESSAGE.as_bytes());
        assert_eq!(read.text.as_deref().map(str::trim_end), Some("Grüße"));
        assert_eq!(read.html.as_deref(), Some("<b>Hi</b>"));
        let file =
            ReceivedAttachment { name: Some("ä.pdf".to_owned()), media_type: "application/pdf".to_owned(), size: 3 };
        assert_eq!(read.attachments, [file]);
    }

    #[test]
    fn header_fields_are_unfolded_and_decoded() {
        let fields = header_fields(MESSAGE.as_bytes());
        let value = |name: &str| {
            let found = fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name.as_bytes()));
            found.map(|(_, value)| String::from_utf8(decoded(value)).unwrap())
        };
        assert_eq!(value("subject").as_deref(), Some("Bestätigung"));
        assert_eq!(value("from").as_deref(), Some("Jörg <joerg@example.com>"));
        assert_eq!(value("x-long").as_deref(), Some("a b"));
        assert_eq!(decoded(b"a  b \xff"), b"a  b \xff");
    }

    #[test]
    fn what_is_no_message_is_read_all_the_same() {
        for octets in [&b""[..], b"\r\n", b"abc", b"\xff\xfe", b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x"]
        {
            _ = ReadableMessage::of(octets);
            _ = header_fields(octets);
        }
    }
}
