//! `data` and `message`: mail data of a text, or streamed from a file.

use crate::play::client::content::{ContentStream, MailContent};
use crate::play::client::ground::StepAt;
use crate::play::client::steps::as_lines;
use crate::play::client::steps::{StepDone, shown_bytes};
use crate::play::divergence::{Divergence, Kind};
use crate::scenario::{MailData, Rendered};
use crate::session::Written;
use crate::smtp::mail_data::{LineEndings, MailDataEncoder};

/// How much of a file is read, and of mail data written, at once, in bytes: what stays in a processor's nearest cache.
pub(crate) const CHUNK: usize = 64 * 1024;
/// The most that one TLS record holds, in bytes.
const TLS_RECORD: usize = 16 * 1024;

impl StepAt<'_> {
    pub(crate) async fn mail_data(&mut self, data: &MailData) -> StepDone {
        self.may_write().await?;
        let written = self.write_mail(data).await?;
        let Some(expectation) = &self.step.expect else {
            if written == Written::All {
                return Ok(());
            }
            let text = "the server replied before all of the mail data was sent";
            return Err(vec![self.place_of_action().fault(Kind::Early, text)]);
        };
        let outcome = self.expect(expectation).await;
        if written == Written::Interrupted {
            return outcome.map_err(|mut divergences| {
                for divergence in &mut divergences {
                    let note = "the server replied before all of the mail data was sent: the rest was kept back";
                    divergence.diagnostic = divergence.diagnostic.clone().note(note);
                }
                divergences
            });
        }
        outcome
    }

    /// Sends the mail data and counts the replies that it owes.
    pub(crate) async fn write_mail(&mut self, data: &MailData) -> Result<Written, Vec<Divergence>> {
        let written = match self.mail_content(data)? {
            MailContent::Rendered(rendered) => self.send_mail_text(data, rendered).await?,
            MailContent::ContentStream(stream) => self.mail_stream(data, stream).await?,
        };
        let session = self.sessions.speaking(self.step)?;
        if written == Written::All && data.terminate {
            session.end_mail_data(&self.stage.log);
        } else {
            session.leave_mail_data_open();
        }
        Ok(written)
    }

    async fn send_mail_text(&mut self, data: &MailData, rendered: Rendered) -> Result<Written, Vec<Divergence>> {
        self.guard_secret(rendered.secret)?;
        let mut encoded = Vec::new();
        let mut encoder = encoder_of(data);
        encoder.encode(&rendered.bytes, &mut encoded);
        encoder.finish(data.terminate, &mut encoded);
        let session = self.session()?.name().clone();
        let mut shown = if self.ground.settings.show_secrets { shown_bytes(&rendered.bytes) } else { rendered.shown };
        if data.transparency {
            shown = with_transparency(shown);
        }
        if data.terminate {
            shown.push_str(if shown.ends_with('\n') { "." } else { "\n." });
        }
        let mut size = encoded.len();
        if rendered.secret && self.ground.settings.untrusted {
            self.count_as_shown(size, &shown);
            size = as_lines(&shown);
        }
        self.stage.log.mail_data(&session, &shown, size as u64);
        let outcome = self.sessions.speaking(self.step)?.write_mail_data(&encoded, self.wait).await;
        outcome.map_err(|trouble| self.trouble(&trouble, "the server to take the mail data"))
    }

    /// Streams a file: it is never held in memory.
    async fn mail_stream(&mut self, data: &MailData, mut stream: ContentStream) -> Result<Written, Vec<Divergence>> {
        let size = stream.size;
        let session = self.session()?.name().clone();
        self.stage.log.client(&session, &format!("[mail data: {size} octets of {}]", stream.name));
        let mut encoder = encoder_of(data);
        // Memory that a small file doesn't need is not touched. A pipe's size is 0.
        let room = usize::try_from(size).map_or(CHUNK, |size| if size == 0 { CHUNK } else { size.clamp(1024, CHUNK) });
        let mut input = vec![0; room];
        let mut output = Vec::with_capacity(2 * room);
        loop {
            let count = self.read_stream(&mut stream, &mut input)?;
            if count == 0 {
                encoder.finish(data.terminate, &mut output);
                return self.write_chunk(&output).await;
            }
            encoder.encode(&input[..count], &mut output);
            // Whole TLS records, or each write ends in a short one.
            let whole = output.len() - output.len() % TLS_RECORD;
            if self.write_chunk(&output[..whole]).await? == Written::Interrupted {
                return Ok(Written::Interrupted);
            }
            output.drain(..whole);
        }
    }

    async fn write_chunk(&mut self, bytes: &[u8]) -> Result<Written, Vec<Divergence>> {
        let outcome = self.sessions.speaking(self.step)?.write_mail_data(bytes, self.wait).await;
        outcome.map_err(|trouble| self.trouble(&trouble, "the server to take the mail data"))
    }
}

pub(crate) fn encoder_of(data: &MailData) -> MailDataEncoder {
    let line_endings = if data.keep_line_endings { LineEndings::Keep } else { LineEndings::Crlf };
    MailDataEncoder::new(line_endings, data.transparency)
}

/// Mail data as it goes over the wire: a leading dot is doubled (RFC 5321 section 4.5.2).
fn with_transparency(shown: String) -> String {
    if !shown.starts_with('.') && !shown.contains("\n.") {
        return shown;
    }
    let line = |line: &str| if line.starts_with('.') { format!(".{line}") } else { line.to_owned() };
    shown.split('\n').map(line).collect::<Vec<_>>().join("\n")
}
