//! A server's replies: from what is written to the bytes that are sent.

use crate::play::server::connection::Connection;
use crate::scenario::server::{IMPLIED_CODE, Reply, ReplyKind};
use crate::scenario::{
    Misread, Mode, RawBytes, Rendered, Scope, TemplateError, Templates, Text, decode_base64, decode_hex,
};
use std::net::SocketAddr;

/// Renders replies.
#[derive(Clone, Copy)]
pub(crate) struct ReplySpeech<'a> {
    pub(crate) templates: &'a Templates,
    pub(crate) scope: &'a dyn Scope,
}

impl ReplySpeech<'_> {
    /// The bytes of a reply, and what is shown of them.
    pub(crate) fn reply(self, reply: &Reply) -> Result<Rendered, TemplateError> {
        match &reply.kind {
            ReplyKind::Text(text) => Ok(with_line_ends(&self.render(text)?)),
            ReplyKind::Lines { code, lines } => {
                let mut whole = Rendered::default();
                for (index, line) in lines.iter().enumerate() {
                    let mark = if index + 1 == lines.len() { ' ' } else { '-' };
                    let rendered = self.render(line)?;
                    push_line(&mut whole, &format!("{code}{mark}"), &rendered);
                }
                Ok(whole)
            }
            ReplyKind::Raw(raw) => self.raw(raw),
        }
    }

    /// Exact bytes.
    pub(crate) fn raw(self, raw: &RawBytes) -> Result<Rendered, TemplateError> {
        let (text, decode): (&Text, Option<DecodeReply>) = match raw {
            RawBytes::Bytes(bytes) => return Ok(Rendered { bytes: bytes.clone(), ..Rendered::default() }),
            RawBytes::Text(text) => (text, None),
            RawBytes::Hex(text) => (text, Some(decode_hex)),
            RawBytes::Base64(text) => (text, Some(decode_base64)),
        };
        let mut rendered = self.templates.render(text, Mode::Plain, self.scope)?;
        if let Some(decode) = decode {
            let digits = String::from_utf8_lossy(&rendered.bytes);
            let fault = |misread: Misread| TemplateError { message: misread.into(), span: text.span, help: None };
            rendered.bytes = decode(&digits).map_err(fault)?;
        }
        Ok(rendered)
    }

    fn render(self, text: &Text) -> Result<Rendered, TemplateError> {
        self.templates.render(text, Mode::Line, self.scope)
    }
}

impl Connection {
    pub(crate) fn rendered_reply(&self, reply: &Reply) -> Result<Rendered, TemplateError> {
        ReplySpeech { templates: &self.stage.templates, scope: &self.scope() }.reply(reply)
    }

    /// Exact bytes.
    pub(crate) fn rendered_raw(&self, raw: &RawBytes) -> Result<Rendered, TemplateError> {
        ReplySpeech { templates: &self.stage.templates, scope: &self.scope() }.raw(raw)
    }
}

type DecodeReply = fn(&str) -> Result<Vec<u8>, Misread>;

/// The lines of a text as they are; one that has no code gets 250.
fn with_line_ends(rendered: &Rendered) -> Rendered {
    let bytes = rendered.bytes.strip_suffix(b"\n").unwrap_or(&rendered.bytes);
    let shown = rendered.shown.strip_suffix('\n').unwrap_or(&rendered.shown);
    let mut whole = Rendered { secret: rendered.secret, ..Rendered::default() };
    if !bytes.contains(&b'\n') && !has_code(bytes) {
        let alone = Rendered { bytes: bytes.to_vec(), shown: shown.to_owned(), secret: rendered.secret };
        push_line(&mut whole, &format!("{IMPLIED_CODE} "), &alone);
        return whole;
    }
    for line in bytes.split(|byte| *byte == b'\n') {
        whole.bytes.extend_from_slice(line);
        whole.bytes.extend_from_slice(b"\r\n");
    }
    shown.clone_into(&mut whole.shown);
    whole
}

fn push_line(whole: &mut Rendered, start: &str, line: &Rendered) {
    if !whole.shown.is_empty() {
        whole.shown.push('\n');
    }
    whole.shown.push_str(start);
    whole.shown.push_str(&line.shown);
    whole.bytes.extend_from_slice(start.as_bytes());
    whole.bytes.extend_from_slice(&line.bytes);
    whole.bytes.extend_from_slice(b"\r\n");
    whole.secret |= line.secret;
}

fn has_code(line: &[u8]) -> bool {
    line.len() >= 3 && line[..3].iter().all(u8::is_ascii_digit) && matches!(line.get(3), None | Some(b' ' | b'-'))
}

/// Whether a secret may be sent to this client: over TLS or to this machine, unless the user says otherwise.
pub(crate) fn may_tell(client: SocketAddr, over_tls: bool, insecure_secrets: bool) -> bool {
    client.ip().to_canonical().is_loopback() || over_tls || insecure_secrets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(text: &str) -> String {
        let rendered = Rendered { bytes: text.into(), shown: text.to_owned(), secret: false };
        String::from_utf8(with_line_ends(&rendered).bytes).unwrap()
    }

    #[test]
    fn a_text_is_sent_as_it_is_and_gets_a_code_where_it_has_none() {
        assert_eq!(sent("220 mx"), "220 mx\r\n");
        assert_eq!(sent("250-a\n250 b\n"), "250-a\r\n250 b\r\n");
        assert_eq!(sent("250"), "250\r\n");
        assert_eq!(sent("Ok"), "250 Ok\r\n");
        assert_eq!(sent("2500 miles"), "250 2500 miles\r\n");
    }
}
