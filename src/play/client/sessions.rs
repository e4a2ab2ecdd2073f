//! The sessions of a client: which are open, how each was opened, and what is left of those that were closed.

use crate::net::certificate::PeerCertificate;
use crate::play::client::endpoint::Endpoint;
use crate::play::divergence::{Cause, Divergence, Kind};
use crate::play::outcome::SessionOutcome;
use crate::scenario::{Diagnostic, Speech, Step, TlsSettings};
use crate::session::{Exchange, Session, Transcript, Trouble};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A session and how it was opened.
pub(crate) struct Open {
    /// The session's number in this run, counted from 1.
    serial: u64,
    pub(crate) session: Session,
    pub(crate) endpoint: Endpoint,
    pub(crate) tls: TlsSettings,
    /// What is added to the octets that were sent, before anybody is told: of an untrusted scenario the figures go by what
    /// was written, since the length of a secret tells something of it.
    pub(crate) correction: i64,
    /// The certificate that this side refused, if it could be seen.
    pub(crate) refused: Option<PeerCertificate>,
}

/// All of them, by name.
#[derive(Default)]
pub(crate) struct Sessions {
    /// Each in a place of its own: a map keeps room for eleven entries, and a session is large.
    open: BTreeMap<String, Box<Open>>,
    /// How many were opened.
    opened: u64,
    /// Those that a group left owing replies, each with the group's number.
    late: BTreeMap<String, String>,
    /// How long the present step waited for its turn to connect.
    pub(crate) held_back: Duration,
    /// Those that were closed and given up, in figures.
    retired: Vec<SessionOutcome>,
    /// What happened on them, where that is kept.
    exchanges: Vec<Exchange>,
}

impl Sessions {
    /// The session of a step, where there is one.
    pub(crate) fn of(&self, step: &Step) -> Option<&Open> {
        self.named(step.session_name())
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Open> {
        self.open.get(name).map(Box::as_ref)
    }

    pub(crate) fn named_mut(&mut self, name: &str) -> Option<&mut Open> {
        self.open.get_mut(name).map(Box::as_mut)
    }

    /// The session of a step, which must be there.
    pub(crate) fn speaking(&mut self, step: &Step) -> Result<&mut Session, Vec<Divergence>> {
        let name = step.session_name();
        self.open.get_mut(name).map(|open| &mut open.session).ok_or_else(|| {
            let message = format!("step {} diverged: the session `{name}` is not open", step.head.number);
            let diagnostic = Diagnostic::error(step.head.span, message);
            let divergence = Divergence::new(step.head.number.clone().into(), Cause::Server, Kind::Closed, diagnostic);
            vec![divergence.between("", "the session is not open".to_owned())]
        })
    }

    /// Keeps a session under this name; the one before it is given up.
    pub(crate) fn add(&mut self, name: &str, opened: (Session, Endpoint, TlsSettings), log: &Transcript) {
        let (session, endpoint, tls) = opened;
        self.opened += 1;
        let open = Box::new(Open { serial: self.opened, session, endpoint, tls, correction: 0, refused: None });
        if let Some(before) = self.open.insert(name.to_owned(), open) {
            self.retire(&before, log);
        }
    }

    /// A session that is given up leaves its figures.
    fn retire(&mut self, open: &Open, log: &Transcript) {
        let outcome = SessionOutcome::of(open, log.start());
        self.exchanges.extend(open.session.exchange(outcome.opened, log.masker()));
        self.retired.push(outcome);
    }

    /// How many were opened so far.
    pub(crate) fn opened(&self) -> u64 {
        self.opened
    }

    /// Closes and gives up those that were opened after the first `count`.
    pub(crate) async fn close_opened_after(&mut self, serial: u64, log: &mut Transcript) {
        for open in self.open.values_mut().filter(|open| open.serial > serial) {
            open.session.close(log).await;
        }
        let (later, kept): (BTreeMap<_, _>, _) =
            std::mem::take(&mut self.open).into_iter().partition(|(_, open)| open.serial > serial);
        self.open = kept;
        for open in later.values() {
            self.retire(open, log);
        }
    }

    /// A group that goes on after its divergence leaves sessions behind that owe replies.
    pub(crate) fn note_late_replies(&mut self, group: &str) {
        let owing = self.open.iter().filter(|(_, open)| open.session.dialogue().owed() > 0 && open.session.is_alive());
        self.late.extend(owing.map(|(name, _)| (name.clone(), group.to_owned())));
    }

    /// The group that left replies behind on the session of this step, which speaks or is given up now.
    pub(crate) fn late_replies(&mut self, step: &Step) -> Option<String> {
        if self.late.is_empty() || step.action.speaks() == Speech::Nothing {
            return None;
        }
        self.late.remove(step.session_name())
    }

    /// Replies still owed, of one session or of all, are read before what follows a divergence, shown and not judged: no
    /// later step may take one of them for its own.
    pub(crate) async fn read_last_replies(&mut self, of: Option<&str>, until: Instant, log: &mut Transcript) {
        for (_, open) in self.open.iter_mut().filter(|(name, _)| of.is_none_or(|wanted| name.as_str() == wanted)) {
            while open.session.dialogue().owed() > 0 && open.session.is_alive() {
                let left = until.saturating_duration_since(Instant::now());
                if open.session.read_reply(left, log).await.is_err() {
                    break;
                }
            }
        }
    }

    /// What servers have said that nothing had asked for.
    pub(crate) async fn unasked(&mut self, log: &mut Transcript) -> Vec<(String, Trouble)> {
        let mut troubles = Vec::new();
        for (name, open) in &mut self.open {
            if let Err(trouble) = open.session.refuse_unasked(log).await {
                troubles.push((name.clone(), trouble));
            }
        }
        troubles
    }

    /// Puts into the transcript what came and was not read.
    pub(crate) fn show_unread(&mut self, log: &mut Transcript) {
        for open in self.open.values_mut() {
            open.session.show_unread(log);
        }
    }

    pub(crate) async fn close_all(&mut self, log: &mut Transcript) {
        for open in self.open.values_mut() {
            if open.session.is_open() {
                open.session.close(log).await;
            }
        }
    }

    /// All of them in figures, and what happened on them.
    pub(crate) fn into_outcomes(mut self, log: &Transcript) -> (Vec<SessionOutcome>, Vec<Exchange>) {
        for open in std::mem::take(&mut self.open).into_values() {
            self.retire(&open, log);
        }
        (self.retired, self.exchanges)
    }

    /// Adds what a server of the same file has served.
    pub(crate) fn add_served(&mut self, served: Option<SessionOutcome>) {
        self.retired.extend(served);
    }
}
