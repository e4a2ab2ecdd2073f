//! The transcript: what went over the wire, as a person may see it.
//!
//! Responsible for keeping the lines of all sessions of one run in the order they happened, each with its time. It never
//! holds a secret: what was sent arrives as it was written, and all text is searched before it is kept.

use super::ObservedKind;
use super::entry::{Arrivals, Entry, Observer, ReplyEntry, Speaker};
use crate::secret::Masker;
use crate::smtp::reply::Reply;
use crate::visible::{MAIL_DATA_LINES, visible};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// For how many lines there is room on their way.
const FRESH_LINES: usize = 32;
/// How many octets are kept of what came in one step beside whole replies.
const RECEIVED_TEXT: usize = 2000;
/// How many lines are kept of what a server sent beside whole replies.
const STRAY_LINES: usize = 1000;

/// The note that the client closed a session: no divergence is about it.
pub const OWN_CLOSE: &str = "closed by the client";

/// The lines that are kept. Places are counted from the first line of the run, kept or not.
#[derive(Default)]
struct Lines {
    /// How many lines before these are not kept.
    left_out: usize,
    entries: Vec<Entry>,
}

/// The lines of one run, which several actors write.
pub(crate) struct Transcript {
    start: Instant,
    lines: Arc<Mutex<Lines>>,
    masker: Arc<Masker>,
    observer: Option<Observer>,
    step: Arc<str>,
    /// Lines on their way to the others; empty but for the room.
    fresh: Vec<Entry>,
    /// Replies that were read and not taken yet.
    replies: Vec<ReplyEntry>,
    /// What was observed and not taken yet.
    observed: Option<&'static str>,
    /// What has come since that was last asked for.
    received: Arrivals,
}

impl Transcript {
    pub(crate) fn new(masker: Arc<Masker>, observer: Option<Observer>) -> Transcript {
        Transcript {
            start: Instant::now(),
            lines: Arc::default(),
            masker,
            observer,
            step: Arc::default(),
            fresh: Vec::new(),
            replies: Vec::new(),
            observed: None,
            received: Arrivals::default(),
        }
    }

    /// The same lines for another actor, who is at a step of its own.
    pub(crate) fn for_another(&self) -> Transcript {
        Transcript {
            start: self.start,
            lines: self.lines.clone(),
            masker: self.masker.clone(),
            observer: self.observer.clone(),
            step: Arc::default(),
            fresh: Vec::new(),
            replies: Vec::new(),
            observed: None,
            received: Arrivals::default(),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of all lines but the last `count`, once there are twice as many.
    pub(crate) fn keep_last(&self, count: usize) {
        let mut kept = self.kept();
        if let Some(more) = kept.entries.len().checked_sub(2 * count) {
            kept.entries.drain(..more + count);
            kept.left_out += more + count;
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn masker(&self) -> &Arc<Masker> {
        &self.masker
    }

    /// From here on other secrets are looked for; lines that are kept already stay as they are.
    pub(crate) fn set_masker(&mut self, masker: Arc<Masker>) {
        self.masker = masker;
    }

    /// The lines so far.
    pub(crate) fn lines(&self) -> Vec<Entry> {
        self.kept().entries.clone()
    }

    /// The lines from here on belong to this step.
    pub(crate) fn begin_step(&mut self, number: impl Into<Arc<str>>) {
        self.step = number.into();
    }

    /// The last line that belongs to a step.
    pub(crate) fn last_of(&self, step: &str) -> Option<usize> {
        self.last(|entry| &*entry.step == step)
    }

    /// The last line of a session.
    pub(crate) fn last_in(&self, session: &str) -> Option<usize> {
        self.last(|entry| &*entry.session == session)
    }

    fn last(&self, is_meant: impl Fn(&Entry) -> bool) -> Option<usize> {
        let kept = self.kept();
        kept.entries.iter().rposition(is_meant).map(|place| kept.left_out + place)
    }

    /// When the run began.
    pub(crate) fn start(&self) -> Instant {
        self.start
    }

    /// Notes a whole reply, when it was there, and how long it took; its lines begin with the entry `first`.
    pub(crate) fn reply(
        &mut self,
        session: &Arc<str>,
        reply: &Reply,
        first: usize,
        (arrived, elapsed): (Instant, Duration),
    ) {
        self.received.octets += reply.raw().len();
        // Most steps read one reply: without this there would be room for four.
        self.replies.reserve_exact(usize::from(self.replies.is_empty()));
        self.replies.push(ReplyEntry {
            session: session.clone(),
            code: reply.code(),
            enhanced: reply.enhanced(),
            at: arrived.saturating_duration_since(self.start),
            lines: first..first + reply.lines().len(),
            elapsed,
            octets: reply.raw().len(),
        });
    }

    /// Takes the replies and all else that came since this was last asked for.
    pub(crate) fn take_received(&mut self) -> (Vec<ReplyEntry>, Arrivals) {
        (std::mem::take(&mut self.replies), std::mem::take(&mut self.received))
    }

    /// Notes this many octets of the other side, as they are shown.
    pub(crate) fn receive(&mut self, octets: usize, shown: &str) {
        self.received.octets += octets;
        let room = RECEIVED_TEXT.saturating_sub(self.received.text.len());
        self.received.text.extend(shown.chars().take(room));
    }

    /// Notes that the other side has closed.
    pub(crate) fn ended(&mut self, reset: bool) {
        self.received.reset = Some(reset);
    }

    /// Notes what a step observed.
    pub(crate) fn observed(&mut self, kind: ObservedKind) {
        self.observed = Some(kind.name());
    }

    /// Takes what was observed since this was last asked for.
    pub(crate) fn take_observed(&mut self) -> Option<&'static str> {
        self.observed.take()
    }

    /// The number of the step that lines belong to now.
    pub(crate) fn step(&self) -> &Arc<str> {
        &self.step
    }

    /// The lines that are kept, and the place of the first of them. One of ours says what is missing before it.
    pub(crate) fn into_entries(self) -> (Vec<Entry>, usize) {
        let Lines { left_out, mut entries } = std::mem::take(&mut *self.kept());
        let Some(first) = entries.first().filter(|_| left_out > 0) else { return (entries, left_out) };
        let text = format!("[{left_out} lines before this one are not kept of so long a run]");
        let missing = Entry { speaker: Speaker::Note, text, mail_data: false, ..first.clone() };
        entries.insert(0, missing);
        (entries, left_out - 1)
    }

    /// Lines that the client sent, as they were written.
    pub(crate) fn client(&mut self, session: &Arc<str>, shown: &str) {
        self.push_lines(session, Speaker::Client, shown.split('\n'));
    }

    /// Bytes that the client sent as they are.
    pub(crate) fn client_bytes(&mut self, session: &Arc<str>, bytes: &[u8]) {
        let text = visible(&self.masker.mask(bytes));
        self.push(session, Speaker::Client, text);
    }

    /// Mail data: its first lines, then how much it was.
    pub(crate) fn mail_data(&mut self, session: &Arc<str>, shown: &str, octets: u64) {
        let mut lines = shown.trim_end_matches('\n').split('\n');
        let first = lines.by_ref().take(MAIL_DATA_LINES);
        self.begin_lines(session, Speaker::Client, first);
        let left = lines.count();
        if left > 0 {
            let text = format!("[{left} more lines; {octets} octets of mail data]");
            self.fresh.push(self.entry(self.elapsed(), session, Speaker::Client, text));
        }
        for entry in &mut self.fresh {
            entry.mail_data = true;
        }
        self.keep_fresh();
    }

    /// The lines of a reply; `arrived` knows when each of them was there, by where it ends. Gives the place of the first
    /// among the entries.
    pub(crate) fn server(&mut self, session: &Arc<str>, reply: &Reply, arrived: impl Fn(usize) -> Instant) -> usize {
        let mut fresh = std::mem::take(&mut self.fresh);
        let mut ends = reply.line_ends();
        self.masker.each_line(reply.lines(), |line| {
            let at = ends.next().map_or(self.start, &arrived).saturating_duration_since(self.start);
            fresh.push(self.entry(at, session, Speaker::Server, visible(line)));
        });
        self.fresh = fresh;
        self.keep_fresh()
    }

    /// Lines that a server of this run sent, as they were written.
    pub(crate) fn served(&mut self, session: &Arc<str>, shown: &str) {
        self.push_lines(session, Speaker::Server, shown.split('\n'));
    }

    /// Bytes of the server that are no whole reply.
    pub(crate) fn server_bytes(&mut self, session: &Arc<str>, bytes: &[u8]) {
        // Masked before it is cut: half a secret would not be found.
        let masked = self.masker.mask(bytes);
        self.receive(bytes.len(), &visible(&masked[..masked.len().min(RECEIVED_TEXT)]));
        self.served_bytes(session, bytes);
    }

    /// Bytes that a server of this run sent as they are.
    pub(crate) fn served_bytes(&mut self, session: &Arc<str>, bytes: &[u8]) {
        let masked = self.masker.mask(bytes);
        let mut lines = masked.split_inclusive(|byte| *byte == b'\n');
        for line in lines.by_ref().take(STRAY_LINES) {
            self.push(session, Speaker::Server, visible(line));
        }
        let left: usize = lines.map(<[u8]>::len).sum();
        if left > 0 {
            self.push(session, Speaker::Server, format!("[{left} more octets]"));
        }
    }

    /// Something that happened to the connection, in our words with names from outside.
    pub(crate) fn note(&mut self, session: &Arc<str>, text: &str) {
        let text = visible(self.masker.mask_text(text).as_bytes());
        self.push(session, Speaker::Note, text);
    }

    /// Adds lines as they may be shown: a secret may go on from one to the next.
    fn push_lines<'t>(&mut self, session: &Arc<str>, speaker: Speaker, lines: impl Iterator<Item = &'t str>) {
        self.begin_lines(session, speaker, lines);
        self.keep_fresh();
    }

    /// Puts such lines on their way.
    fn begin_lines<'t>(&mut self, session: &Arc<str>, speaker: Speaker, lines: impl Iterator<Item = &'t str>) {
        let (mut fresh, at) = (std::mem::take(&mut self.fresh), self.elapsed());
        let lines = lines.map(|line| line.trim_end_matches('\r').as_bytes());
        self.masker.each_line(lines, |line| fresh.push(self.entry(at, session, speaker, visible(line))));
        self.fresh = fresh;
    }

    fn push(&mut self, session: &Arc<str>, speaker: Speaker, text: String) {
        self.fresh.push(self.entry(self.elapsed(), session, speaker, text));
        self.keep_fresh();
    }

    fn entry(&self, at: Duration, session: &Arc<str>, speaker: Speaker, text: String) -> Entry {
        Entry { at, session: session.clone(), speaker, text, step: self.step.clone(), mail_data: false }
    }

    /// Adds the lines that are on their way: they stay together, whoever else writes. Gives the place of the first.
    fn keep_fresh(&mut self) -> usize {
        let mut fresh = std::mem::take(&mut self.fresh);
        if let Some(observer) = &self.observer {
            for entry in &fresh {
                observer(entry);
            }
        }
        let first = {
            let mut kept = self.kept();
            let first = kept.left_out + kept.entries.len();
            kept.entries.append(&mut fresh);
            first
        };
        // A long reply leaves no room behind.
        fresh.shrink_to(FRESH_LINES);
        self.fresh = fresh;
        first
    }
}

impl fmt::Debug for Transcript {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Transcript").field("entries", &self.kept().entries).finish_non_exhaustive()
    }
}
