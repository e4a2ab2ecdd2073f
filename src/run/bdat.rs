//! `bdat`: mail data in chunks with their commands (RFC 3030).
//!
//! Responsible for cutting what is sent into chunks and for the replies they owe. With `expect` each chunk waits for its
//! replies, and one that is refused ends the sending; without it all chunks go out and their replies stay owed.

use super::content::{MailContent, Stream};
use super::player::Player;
use super::steps::{CHUNK, Done, Now, encoder_of};
use crate::run::{Divergence, Kind};
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

impl Player<'_> {
    pub(super) async fn bdat(&mut self, now: Now<'_>, bdat: &Bdat) -> Done {
        self.may_write(now).await?;
        let mut chunks = Chunks { bdat, ready: Vec::new(), sent: 0, stopped: false };
        match self.mail_content(now, &bdat.data)? {
            MailContent::Rendered(rendered) => {
                self.guard_secret(now, rendered.secret)?;
                let mut encoder = encoder_of(&bdat.data);
                encoder.encode(&rendered.bytes, &mut chunks.ready);
                encoder.finish(false, &mut chunks.ready);
            }
            MailContent::Stream(stream) => self.bdat_stream(now, stream, &mut chunks).await?,
        }
        self.full_chunks(now, &mut chunks).await?;
        let rest = std::mem::take(&mut chunks.ready);
        self.chunk(now, &mut chunks, &rest, bdat.last).await?;
        match &now.step.expect {
            Some(expectation) if !is_about_a_reply(expectation) => self.expect(now, expectation).await,
            _ => Ok(()),
        }
    }

    /// Streams a file, all but what the last chunk takes.
    async fn bdat_stream(&mut self, now: Now<'_>, mut stream: Stream, chunks: &mut Chunks<'_>) -> Done {
        let mut encoder = encoder_of(&chunks.bdat.data);
        let mut input = vec![0; CHUNK];
        loop {
            let count = self.read_stream(now, &mut stream, &mut input)?;
            if count == 0 {
                encoder.finish(false, &mut chunks.ready);
                return Ok(());
            }
            encoder.encode(&input[..count], &mut chunks.ready);
            self.full_chunks(now, chunks).await?;
        }
    }

    /// Sends what is more than one chunk: the last one must know that it is the last.
    async fn full_chunks(&mut self, now: Now<'_>, chunks: &mut Chunks<'_>) -> Done {
        let ready = std::mem::take(&mut chunks.ready);
        let mut rest = ready.as_slice();
        while rest.len() > chunks.bdat.chunk {
            let (chunk, others) = rest.split_at(chunks.bdat.chunk);
            self.chunk(now, chunks, chunk, false).await?;
            rest = others;
        }
        chunks.ready = rest.to_vec();
        Ok(())
    }

    /// Sends one chunk and, where the step expects something, reads its replies.
    async fn chunk(&mut self, now: Now<'_>, chunks: &mut Chunks<'_>, octets: &[u8], last: bool) -> Done {
        if chunks.stopped {
            return Ok(());
        }
        let command = format!("BDAT {}{}", octets.len(), if last { " LAST" } else { "" });
        let session = self.session(now)?.name().clone();
        self.log.client(&session, &command);
        if !octets.is_empty() {
            self.log.client(&session, &format!("[{} octets]", octets.len()));
        }
        chunks.sent += 1;
        let session = Self::reading(&mut self.sessions, now)?;
        let owed_before = session.owed();
        let outcome = session.write_chunk(&command, octets, now.wait, &self.log).await;
        let owed = session.owed().saturating_sub(owed_before);
        let written = outcome.map_err(|trouble| self.trouble(now, &trouble, "the server to take the chunk"))?;
        chunks.stopped = written == Written::Interrupted;
        let Some(expectation) = now.step.expect.as_ref().filter(|it| is_about_a_reply(it)) else {
            return if written == Written::All { Ok(()) } else { Err(vec![self.spoke_early(now, chunks.sent)]) };
        };
        for _ in 0..owed {
            let outcome = self.expect(now, expectation).await;
            outcome.map_err(|divergences| about_chunk(divergences, chunks.sent, &command, written))?;
        }
        Ok(())
    }

    fn spoke_early(&self, now: Now<'_>, number: usize) -> Divergence {
        let text = format!("the server replied before all of chunk {number} was sent");
        self.place_of_action(now.step, now.name).fault(Kind::Early, &text)
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
    match &expectation.kind {
        Expected::Pattern(_) | Expected::Code(_) | Expected::Any(_) | Expected::All(_) => true,
        Expected::Fields(fields) => fields.closed.is_none(),
        Expected::Line(_) | Expected::Raw(_) | Expected::Closed(_) | Expected::Silence(_) => false,
    }
}
