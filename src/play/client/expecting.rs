//! `expect` of a client: reads what a server says, and has it compared.

use crate::play::client::ground::StepAt;
use crate::play::client::steps::StepDone;
use crate::play::diagnose::Site;
use crate::play::divergence::{Divergence, Kind};
use crate::play::expect::{Capture, Incoming, allows_end};
use crate::play::expected::{OtherSide, describe};
use crate::play::rewrite::rewrites;
use crate::scenario::{ClosedBy, Expectation, Expected, Footnote, Length, Pattern, Span};
use crate::session::{Answered, BrokenBy, End, Trouble};
use crate::smtp::command::{Verb, without_end};
use crate::smtp::dialogue::Awaited;

/// What the patterns captured, and whether a secret stood in what they were compared with.
pub(crate) type Captured = (Vec<Capture>, bool);

impl StepAt<'_> {
    pub(crate) async fn expect(&mut self, expectation: &Expectation) -> StepDone {
        let (captures, echo) = match &expectation.kind {
            Expected::Line(pattern) => self.expect_line(expectation, pattern).await?,
            Expected::Raw(pattern) => self.expect_raw(expectation, pattern).await?,
            Expected::Closed(closed) => return self.expect_end(*closed, expectation.span).await,
            Expected::Silence(length) => {
                let length = self.length(length).map_err(|error| self.template(&error))?;
                let length = self.stage.bounded(length);
                let outcome = self.sessions.speaking(self.step)?.read_silence(length, &mut self.stage.log).await;
                outcome.map_err(|trouble| self.trouble(&trouble, "silence"))?;
                return self.refuse_cut_short();
            }
            Expected::Observe(length) => return self.observe(length).await,
            _ => self.expect_reply(expectation).await?,
        };
        self.stage.capture(captures, echo);
        let closes = match &expectation.kind {
            Expected::Fields(fields) => fields.closed,
            _ => None,
        };
        match closes {
            Some((closed, span)) => self.expect_end(closed, span).await,
            None => Ok(()),
        }
    }

    /// Takes down what comes. Nothing of it is a divergence but the end of the run.
    async fn observe(&mut self, length: &Length) -> StepDone {
        let length = self.length(length).map_err(|error| self.template(&error))?;
        let length = self.stage.bounded(length);
        let outcome = self.sessions.speaking(self.step)?.observe(length, &mut self.stage.log).await;
        outcome.map_err(|trouble| self.trouble(&trouble, "anything"))?;
        self.refuse_cut_short()
    }

    pub(crate) async fn expect_reply(&mut self, expectation: &Expectation) -> Result<Captured, Vec<Divergence>> {
        let outcome = self.sessions.speaking(self.step)?.read_reply(self.wait, &mut self.stage.log).await;
        let answer = match outcome {
            Ok(answer) => answer,
            Err(trouble) if ends_as_expected(expectation, &trouble) => return Ok((Vec::new(), false)),
            Err(trouble) => {
                self.look_for_tls(&trouble).await;
                return Err(self.trouble(&trouble, &describe(expectation, OtherSide::Server)));
            }
        };
        if self.ground.settings.update {
            return self.compare_or_rewrite(expectation, &answer);
        }
        self.compare(expectation, &answer)
    }

    /// Compares, and where that fails notes what would hold, if that can be said.
    fn compare_or_rewrite(
        &mut self,
        expectation: &Expectation,
        answer: &Answered,
    ) -> Result<Captured, Vec<Divergence>> {
        let compared = {
            let scope = self.scope();
            let came = Incoming::Reply(&answer.reply, answer.elapsed);
            self.stage.comparer(&scope).compare(expectation, &came)
        };
        let missed = match compared {
            Ok(captures) => {
                self.updates.held.push(expectation.span);
                return Ok((captures, answer.holds_secret));
            }
            Err(missed) => missed,
        };
        match rewrites(expectation, &missed, &answer.reply, &self.ground.scenario.sources) {
            Some(rewrites) => {
                self.updates.rewrites.extend(rewrites);
                Ok((Vec::new(), false))
            }
            None => Err(vec![self.place().mismatch(answer, &missed)]),
        }
    }

    /// Compares a reply that was read with what is expected of it.
    pub(crate) fn compare(&self, expectation: &Expectation, answer: &Answered) -> Result<Captured, Vec<Divergence>> {
        let scope = self.scope();
        let came = Incoming::Reply(&answer.reply, answer.elapsed);
        let captures = self.stage.comparer(&scope).compare(expectation, &came).map_err(|mismatches| {
            let mut divergence = self.place().mismatch(answer, &mismatches);
            divergence.diagnostic.footnotes.extend(example_address(self, answer));
            vec![divergence]
        })?;
        Ok((captures, answer.holds_secret))
    }

    async fn expect_line(&mut self, expectation: &Expectation, pattern: &Pattern) -> Result<Captured, Vec<Divergence>> {
        let outcome = self.sessions.speaking(self.step)?.read_line(self.wait, &mut self.stage.log).await;
        let line = outcome.map_err(|trouble| self.trouble(&trouble, &describe(expectation, OtherSide::Server)))?;
        let content = without_end(&line);
        let scope = self.scope();
        let found = self.stage.comparer(&scope).found(pattern, content, expectation.span, "a line matching");
        let captures = found.map_err(|mismatches| vec![self.place().other_bytes(&line, &mismatches)])?;
        Ok((captures, is_echo(self, &line)))
    }

    async fn expect_raw(&mut self, expectation: &Expectation, pattern: &Pattern) -> Result<Captured, Vec<Divergence>> {
        let (matcher, rendered) = {
            let scope = self.scope();
            self.stage.comparer(&scope).compiled(pattern).map_err(|error| self.template(&error))?
        };
        let found = |bytes: &[u8]| matcher.end_in(bytes);
        let outcome = self.sessions.speaking(self.step)?.read_until(self.wait, &found, &mut self.stage.log).await;
        let bytes = outcome.map_err(|trouble| {
            let mut divergences = self.trouble(&trouble, &describe(expectation, OtherSide::Server));
            if let (Some(first), Some(rendered)) = (divergences.first_mut(), &rendered) {
                first.diagnostic = first.diagnostic.clone().note(format!("the pattern with its values: {rendered}"));
            }
            divergences
        })?;
        let captures = matcher.captures(&bytes).unwrap_or_default();
        Ok((captures, is_echo(self, &bytes)))
    }

    pub(crate) async fn expect_end(&mut self, closed: ClosedBy, span: Span) -> StepDone {
        let expected = OtherSide::Server.to_close(closed);
        let outcome = self.sessions.speaking(self.step)?.read_end(self.wait, &mut self.stage.log).await;
        let place = Site { span, ..self.place() };
        let end = outcome.map_err(|trouble| vec![place.trouble(&trouble, expected)])?;
        match (closed, &end) {
            (ClosedBy::Either, End::Closed | End::Broken { .. })
            | (ClosedBy::Fin, End::Closed)
            | (ClosedBy::Reset, End::Broken { by: BrokenBy::Reset, .. }) => Ok(()),
            (_, End::Closed) => {
                Err(vec![place.fault(Kind::Closed, &format!("expected {expected}, but it closed in order (FIN)"))])
            }
            (_, End::Broken { reason, .. }) => {
                Err(vec![place.fault(Kind::Reset, &format!("expected {expected}, but {reason}"))])
            }
            (_, End::NotTls { bytes }) => Err(vec![place.trouble(&Trouble::NotTls { bytes: bytes.clone() }, expected)]),
        }
    }

    pub(crate) async fn read_reply(&mut self, expected: &str) -> Result<Answered, Vec<Divergence>> {
        let outcome = self.sessions.speaking(self.step)?.read_reply(self.wait, &mut self.stage.log).await;
        if let Err(trouble) = &outcome {
            self.look_for_tls(trouble).await;
        }
        outcome.map_err(|trouble| self.trouble(&trouble, expected))
    }
}

/// Of a built-in scenario an address that is an example only, where the server does not take it.
fn example_address(at: &StepAt<'_>, answer: &Answered) -> Option<Footnote> {
    let scenario = at.ground.scenario;
    let is_path = matches!(answer.command, Some(Awaited::Command(Verb::Mail | Verb::Rcpt)));
    if answer.reply.code() < 400 || !is_path || !scenario.is_built_in {
        return None;
    }
    let read = at.step.sent_names();
    let name = scenario.vars.iter().map(|var| &var.name.name).find(|name| read.contains(*name))?;
    Some(Footnote::Help(format!("the address is an example: give one of yours by `--var {name}=ADDRESS`")))
}

/// `any: [..., {closed: true}]`: the end of the session is one of the answers.
fn ends_as_expected(expectation: &Expectation, trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Closed { arrived } => allows_end(expectation, arrived, false),
        Trouble::Broken { arrived, .. } => allows_end(expectation, arrived, true),
        _ => false,
    }
}

fn is_echo(at: &StepAt<'_>, bytes: &[u8]) -> bool {
    let log = &at.stage.log;
    at.open().map_or_else(|| log.masker().finds(bytes), |open| open.session.echoes().are_in(bytes, log.masker()))
}
