//! `bdat`: mail data in chunks with their commands (RFC 3030).
//!
//! Responsible for cutting what is sent into chunks and for the replies they owe. With `expect` each chunk waits for its
//! replies, and one that is refused ends the sending; without it all chunks go out and their replies stay owed.

use crate::play::client::content::{ContentStream, MailContent};
use crate::play::client::ground::StepAt;
use crate::play::client::mail::{CHUNK, encoder_of};
use crate::play::client::steps::StepDone;
use crate::play::{Divergence, Kind};
use crate::scenario::{Bdat, Expectation, Expected};
use crate::session::Written;

/// Chunks on their way.
struct Chunks<'b> {
    bdat: &'b Bdat,
    /// Octets ready to be sent; more than one chunk of them never for long.
    ready: Vec<u8>,
    /// How many chunks have been sent.
    sent: usize,
    /// Whether the server spoke in the middle of one: then nothing more is sent.
    stopped: bool,
}

impl StepAt<'_> {
    pub(crate) async fn bdat(&mut self, bdat: &Bdat) -> StepDone {
        self.may_write().await?;
        let mut chunks = Chunks { bdat, ready: Vec::new(), sent: 0, stopped: false };
        match self.mail_content(&bdat.data)? {
            MailContent::Rendered(rendered) => {
                self.guard_secret(rendered.secret)?;
                let mut encoder = encoder_of(&bdat.data);
                encoder.encode(&rendered.bytes, &mut chunks.ready);
                encoder.finish(false, &mut chunks.ready);
            }
            MailContent::ContentStream(stream) => chunks.stream(self, stream).await?,
        }
        chunks.send_full(self).await?;
        let rest = std::mem::take(&mut chunks.ready);
        chunks.send(self, &rest, bdat.last).await?;
        match &self.step.expect {
            Some(expectation) if !is_about_a_reply(expectation) => self.expect(expectation).await,
            _ => Ok(()),
        }
    }
}

impl Chunks<'_> {
    /// Streams a file, all but what the last chunk takes.
    async fn stream(&mut self, at: &mut StepAt<'_>, mut stream: ContentStream) -> StepDone {
        let mut encoder = encoder_of(&self.bdat.data);
        let mut input = vec![0; CHUNK];
        loop {
            let count = at.read_stream(&mut stream, &mut input)?;
            if count == 0 {
                encoder.finish(false, &mut self.ready);
                return Ok(());
            }
            encoder.encode(&input[..count], &mut self.ready);
            self.send_full(at).await?;
        }
    }

    /// Sends what is more than one chunk: the last one must know that it is the last.
    async fn send_full(&mut self, at: &mut StepAt<'_>) -> StepDone {
        let ready = std::mem::take(&mut self.ready);
        let mut rest = ready.as_slice();
        while rest.len() > self.bdat.chunk {
            let (chunk, others) = rest.split_at(self.bdat.chunk);
            self.send(at, chunk, false).await?;
            rest = others;
        }
        self.ready = rest.to_vec();
        Ok(())
    }

    /// Sends one chunk and, where the step expects something, reads its replies.
    async fn send(&mut self, at: &mut StepAt<'_>, octets: &[u8], last: bool) -> StepDone {
        if self.stopped {
            return Ok(());
        }
        let command = format!("BDAT {}{}", octets.len(), if last { " LAST" } else { "" });
        let session = at.session()?.name().clone();
        at.stage.log.client(&session, &command);
        if !octets.is_empty() {
            at.stage.log.client(&session, &format!("[{} octets]", octets.len()));
        }
        self.sent += 1;
        let session = at.sessions.speaking(at.step)?;
        let owed_before = session.dialogue().owed();
        let outcome = session.write_chunk(&command, octets, at.wait, &at.stage.log).await;
        let owed = session.dialogue().owed().saturating_sub(owed_before);
        let written = outcome.map_err(|trouble| at.trouble(&trouble, "the server to take the chunk"))?;
        self.stopped = written == Written::Interrupted;
        let Some(expectation) = at.step.expect.as_ref().filter(|it| is_about_a_reply(it)) else {
            return if written == Written::All { Ok(()) } else { Err(vec![Self::spoke_early(at, self.sent)]) };
        };
        for _ in 0..owed {
            let outcome = at.expect(expectation).await;
            outcome.map_err(|divergences| about_chunk(divergences, self.sent, &command, written))?;
        }
        Ok(())
    }

    fn spoke_early(at: &StepAt<'_>, number: usize) -> Divergence {
        let text = format!("the server replied before all of chunk {number} was sent");
        at.place_of_action().fault(Kind::Early, &text)
    }
}

/// Says which chunk it was, and that there are no more.
fn about_chunk(mut divergences: Vec<Divergence>, number: usize, command: &str, written: Written) -> Vec<Divergence> {
    let kept_back = match written {
        Written::All => "",
        Written::Interrupted => "; the server replied before all of it was sent: the rest was kept back",
    };
    for divergence in &mut divergences {
        let note = format!("this is about chunk {number}, `{command}`{kept_back}");
        divergence.diagnostic = divergence.diagnostic.clone().note(note);
    }
    divergences
}

/// Whether each chunk's reply is to be compared; a line, bytes, silence or the end comes once, after the last chunk.
fn is_about_a_reply(expectation: &Expectation) -> bool {
    let ends = matches!(&expectation.kind, Expected::Fields(fields) if fields.closed.is_some());
    expectation.compares() && !ends
}
