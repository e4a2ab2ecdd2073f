//! `connect`, `starttls` and `tls`: what opens a session and what secures it, or must fail to.

use crate::net::clock;
use crate::net::tls::{Connector, TlsFailure, TlsFailureReason};
use crate::play::client::endpoint::Endpoint;
use crate::play::client::ground::StepAt;
use crate::play::client::steps::StepDone;
use crate::play::diagnose::Site;
use crate::play::divergence::{Divergence, Kind};
use crate::play::expect::Mismatch;
use crate::scenario::Rendered;
use crate::scenario::{Connect, Pattern, TlsSettings};
use crate::secret::Masker;
use crate::session::{Admitted, Answered, Session, Trouble};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

impl StepAt<'_> {
    pub(crate) fn connect<'s>(&'s mut self, connect: &'s Connect) -> Pin<Box<dyn Future<Output = StepDone> + 's>> {
        Box::pin(async move {
            let name = self.step.session_name();
            let endpoint = {
                let scope = self.scope();
                self.view().resolver(&scope).endpoint(connect).map_err(|error| self.template(&error))?
            };
            let wait = match &connect.timeout {
                Some(length) => self.stage.bounded(self.length(length).map_err(|error| self.template(&error))?),
                None => self.wait,
            };
            // Only of what the connection itself needs, and not of its greeting.
            let own = std::mem::replace(&mut self.wait, wait);
            let done = self.opened(name, connect, endpoint).await;
            self.wait = own;
            done
        })
    }

    /// A connection that is opened or not tells what decided that.
    fn refuse_decided(&self, endpoint: &Endpoint) -> StepDone {
        let free = self.ground.settings.insecure_secrets || self.ground.sandbox.is_some() || endpoint.is_own_server;
        if free || self.stage.names.flow().secrets_deciding(self.step).is_none() {
            return Ok(());
        }
        let message = "whether this connection is opened depends on a secret";
        let help = "open it in any case, or allow it with `--insecure-secrets`";
        Err(vec![self.place_of_action().refused(message, help)])
    }

    /// Opens the session, over TLS where that comes first.
    async fn opened(&mut self, name: &str, connect: &Connect, mut endpoint: Endpoint) -> StepDone {
        self.refuse_unasked_before_end().await?;
        if let Some(before) = self.sessions.named_mut(name)
            && before.session.is_open()
        {
            before.session.close(&mut self.stage.log).await;
        }
        self.refuse_decided(&endpoint)?;
        endpoint.note_stand_in(name, &mut self.stage.log);
        let before = Instant::now();
        let admitted = match &self.ground.settings.admission {
            Some(admission) => Some(admission.enter().await),
            None => None,
        };
        self.sessions.held_back = before.elapsed();
        // Several mail exchangers may take as many waits, but none goes beyond the end of the run.
        let left = self.stage.bounded(Duration::MAX);
        let opening = clock::within(left, Session::open(name, &endpoint.route, self.wait, &mut self.stage.log)).await;
        let opened = opening.unwrap_or(Err(Trouble::Timeout { waited: left, arrived: Vec::new() }));
        let mut session = match (opened, &self.step.fails) {
            (Ok(session), _) => session,
            (Err(trouble), Some(pattern)) => return self.fails_as_expected(pattern, &trouble_text(&trouble)),
            (Err(Trouble::Timeout { waited, .. }), None) => {
                return Err(vec![self.place_of_action().no_answer(waited)]);
            }
            (Err(trouble), None) => {
                return Err(vec![self.place_of_action().trouble(&trouble, "a connection")]);
            }
        };
        session.admit(admitted.map(Admitted::connected));
        if self.ground.settings.record && !self.ground.settings.show_secrets {
            session.record();
        }
        if let Some(exchanger) = session.exchanger() {
            exchanger.clone_into(&mut endpoint.target.host);
        }
        if self.ground.settings.untrusted && !self.ground.settings.show_secrets {
            session.echoes().count_those_of(Arc::new(masker_of_bound(self, &endpoint)));
        }
        let implicit = endpoint.implicit_tls;
        self.sessions.add(name, (session, endpoint, connect.tls.clone()), &self.stage.log);
        if implicit {
            return self.handshake(name, &TlsSettings::default()).await;
        }
        match &self.step.fails {
            Some(pattern) => Err(vec![did_not_fail(&self.place(), pattern, "the connection was opened")]),
            None => Ok(()),
        }
    }

    pub(crate) async fn starttls(&mut self, settings: &TlsSettings) -> StepDone {
        self.may_write().await?;
        self.write(Rendered::fixed("STARTTLS")).await?;
        let answer = match &self.step.expect {
            Some(expectation) => {
                self.expect(expectation).await?;
                self.open().and_then(|open| open.session.last_answer().cloned())
            }
            None => Some(self.read_code(220).await?),
        };
        match answer {
            Some(answer) if answer.reply.code() == 220 => self.handshake(self.step.session_name(), settings).await,
            _ => Ok(()),
        }
    }

    /// Reads a reply that must have this code: what a shorthand step expects when nothing else is said.
    async fn read_code(&mut self, code: u16) -> Result<Answered, Vec<Divergence>> {
        let expected = format!("reply code {code}");
        let answer = self.read_reply(&expected).await?;
        if answer.reply.code() == code { Ok(answer) } else { Err(self.other_code(code, &answer)) }
    }

    /// A reply without the code that a shorthand step expects.
    pub(crate) fn other_code(&self, code: u16, answer: &Answered) -> Vec<Divergence> {
        let mismatch = Mismatch::plain(self.step.head.span, format!("reply code {code}"));
        vec![self.place_of_action().mismatch(answer, &[mismatch])]
    }

    pub(super) async fn handshake(&mut self, session: &str, settings: &TlsSettings) -> StepDone {
        let Some(open) = self.sessions.named(session) else {
            let text = format!("the session `{session}` is not open");
            return Err(vec![self.place_of_action().fault(Kind::Closed, &text)]);
        };
        let (options, server_name) = {
            let scope = self.scope();
            let resolver = self.view().resolver(&scope);
            let mut options = resolver.tls_options(settings, &open.tls).map_err(|error| self.template(&error))?;
            if open.endpoint.is_own_server && settings.ca_file.is_none() && open.tls.ca_file.is_none() {
                // The authority that this run made is trusted by this run.
                options.ca_pem = self.ground.own_server.as_ref().and_then(|server| server.authority_pem());
            }
            let name =
                resolver.server_name(&open.endpoint, settings, &open.tls).map_err(|error| self.template(&error))?;
            (options, name)
        };
        let connector = Connector::new(&options).map_err(|error| {
            let help = error.help.unwrap_or_default();
            vec![self.place_of_action().refused(&error.message, &help)]
        })?;
        let Some(open) = self.sessions.named_mut(session) else { return Ok(()) };
        let outcome = open.session.upgrade(&connector, &server_name, self.wait, &mut self.stage.log).await;
        match (outcome, &self.step.fails) {
            (Ok(()), None) => Ok(()),
            (Ok(()), Some(pattern)) => Err(vec![did_not_fail(&self.place(), pattern, "the TLS handshake succeeded")]),
            // What this machine refuses by itself says nothing about the server.
            (Err(Trouble::Tls(failure)), Some(pattern)) if failure.reason != TlsFailureReason::Local => {
                self.fails_as_expected(pattern, &tls_text(&failure))
            }
            (Err(trouble @ Trouble::Timeout { .. }), Some(pattern)) if !self.stage.run_is_over() => {
                self.fails_as_expected(pattern, &trouble_text(&trouble))
            }
            (Err(mut trouble), _) => {
                self.look_at_certificate(session, &mut trouble).await;
                Err(vec![self.place_of_action().trouble(&trouble, "the TLS handshake to succeed")])
            }
        }
    }

    /// `fails: PATTERN`: it failed, and the reason must be the one that was meant.
    fn fails_as_expected(&self, pattern: &Pattern, text: &str) -> StepDone {
        let scope = self.scope();
        let outcome =
            self.stage.comparer(&scope).found(pattern, text.as_bytes(), pattern.text.span, "a failure matching");
        match outcome {
            Ok(_) => Ok(()),
            Err(mismatches) => Err(vec![self.place().other_bytes(text.as_bytes(), &mismatches)]),
        }
    }
}

/// What `fails` of a connection is compared with.
fn trouble_text(trouble: &Trouble) -> String {
    match trouble {
        Trouble::NotConnected(failure) => failure.message.clone(),
        Trouble::Timeout { .. } => "timed out".to_owned(),
        _ => "failed".to_owned(),
    }
}

/// What `fails` of a handshake is compared with: the reason, as words, and the message.
fn tls_text(failure: &TlsFailure) -> String {
    let reason = match failure.reason {
        TlsFailureReason::Alert(code) => format!("alert({code})"),
        reason => reason.word().replace('_', " "),
    };
    format!("{reason}: {}", failure.message)
}

/// `fails: PATTERN`, and nothing failed.
fn did_not_fail(site: &Site<'_>, pattern: &Pattern, what: &str) -> Divergence {
    let site = Site { span: pattern.text.span, ..*site };
    site.fault(Kind::Fails, &format!("expected a failure matching {}, but {what}", pattern.text.source))
}

/// Finds the secrets that may go where this session goes.
fn masker_of_bound(at: &StepAt<'_>, endpoint: &Endpoint) -> Masker {
    let hosts = [endpoint.host.as_str(), endpoint.target.host.as_str()];
    let bound = &at.ground.settings.bound;
    let secrets = at.stage.names.secrets().iter().filter(|(name, _)| bound.allows(name, &hosts));
    Masker::new(&secrets.map(|(name, secret)| (name.clone(), secret.clone())).collect())
}
