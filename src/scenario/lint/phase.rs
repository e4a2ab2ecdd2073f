//! The state of a session at each step: greeting, EHLO, TLS, transaction, mail data, QUIT.
//!
//! Responsible for steps that cannot work where they stand. What depends on the run (`when`, `retry`, exact bytes, a step that
//! expects a refusal or any of several replies) ends what is known of a session, and nothing more is said of it.

mod facts;

use super::answers::implausible;
use super::codes::{Outlook, outlook, wants_mail_data};
use crate::scenario::source::Diagnostic;
use crate::scenario::template::Trial;
use crate::scenario::{Action, Expected, Group, Scenario, Step};
use crate::smtp::closing::Closing;
use crate::smtp::command::Verb;
use facts::{
    BY_HELO, HELLO, NO_EHLO, NO_TLS, SECOND_MAIL, TLS_IN_TRANSACTION, asks_success, begins_with_tls, is_end, is_login,
    is_near, is_submission, judge_responses, reads_tls, responses, verb, wants_response, without_message,
};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Follows the steps of a client.
pub(super) struct Phases<'s> {
    sessions: BTreeMap<String, LintPhase<'s>>,
    trial: &'s Trial,
}

/// What is known of a session.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and any of them may hold")]
struct LintPhase<'s> {
    unknown: bool,
    greeting_owed: bool,
    /// EHLO or HELO was accepted, since TLS began.
    greeted: bool,
    /// The last of them was HELO.
    by_helo: bool,
    /// EHLO was accepted before TLS began.
    restarted: bool,
    /// Not known where the port is not.
    tls: Option<bool>,
    mail: bool,
    recipient: bool,
    mail_data: bool,
    quit: bool,
    /// The server waits for a response of a login.
    login: bool,
    /// How many responses the login still takes, where its mechanism says so.
    responses: Option<u8>,
    /// A login was accepted.
    logged_in: bool,
    /// The commands of the whole session, those to come among them.
    verbs: Rc<[Verb]>,
    /// It goes to a port for submission (RFC 6409), on another host.
    submission: bool,
    /// It goes to this machine, where a test's own server may do without EHLO.
    near: bool,
    /// A line STARTTLS, which no handshake followed yet.
    asked_for_tls: Option<&'s Step>,
    /// The DATA that was accepted, before its message.
    asked_for_message: Option<&'s Step>,
}

impl<'s> Phases<'s> {
    pub(super) fn of(scenario: &'s Scenario, trial: &'s Trial) -> Vec<Diagnostic> {
        let mut phases = Phases { sessions: BTreeMap::new(), trial };
        let mut warnings = Vec::new();
        for step in Step::walk(&scenario.steps) {
            let verbs = &mut phases.sessions.entry(step.session_name().to_owned()).or_default().verbs;
            *verbs = verbs.iter().copied().chain(verb(step)).collect();
        }
        for step in scenario.opening.iter().chain(&scenario.steps) {
            phases.step(step, &mut warnings);
        }
        for phase in phases
            .sessions
            .into_values()
            .filter(|phase| !phase.unknown && phase.mail_data && scenario.finally.is_empty())
        {
            warnings.extend(phase.asked_for_message.map(without_message));
        }
        warnings
    }

    fn step(&mut self, step: &'s Step, warnings: &mut Vec<Diagnostic>) {
        if let Action::Group(group) = &step.action {
            return self.group(step, group, warnings);
        }
        let phase = self.sessions.entry(step.session_name().to_owned()).or_default();
        if let Action::Connect(connect) = &step.action {
            let (tls, near) = (begins_with_tls(connect), is_near(connect));
            let (submission, verbs) = (is_submission(connect), phase.verbs.clone());
            *phase = LintPhase { greeting_owed: true, tls, submission, near, verbs, ..LintPhase::default() };
            phase.unknown = step.head.when.is_some() || step.fails.is_some();
        }
        if step.head.when.is_some() || step.head.continues || step.fails.is_some() {
            phase.unknown = true;
        }
        if !phase.unknown {
            phase.judge(step, self.trial, warnings);
        }
        phase.follow(step);
    }

    fn group(&mut self, step: &'s Step, group: &'s Group, warnings: &mut Vec<Diagnostic>) {
        let certain = step.head.when.is_none() && !step.head.continues && group.retry.is_none() && !group.pipeline;
        if certain && !group.goes_round() {
            return group.steps.iter().for_each(|inner| self.step(inner, warnings));
        }
        // What its steps leave depends on the run.
        for inner in Step::walk(&group.steps) {
            self.sessions.entry(inner.session_name().to_owned()).or_default().unknown = true;
        }
    }
}

impl<'s> LintPhase<'s> {
    fn judge(&mut self, step: &'s Step, trial: &Trial, warnings: &mut Vec<Diagnostic>) {
        let refused = step.expect.as_ref().is_some_and(|expect| outlook(expect) != Outlook::Success);
        self.judge_reply(step, warnings);
        if refused {
            return;
        }
        let login = || self.login_out_of_turn(step);
        if let Some((text, help)) = self.out_of_turn(step).or_else(login).or_else(|| self.without_its_transaction(step))
        {
            warnings.push(Diagnostic::warning(step.head.span, text).help(help));
        } else if self.login {
            judge_responses(step, trial, warnings);
        }
        self.judge_ends(step, warnings);
    }

    /// Whether the session has all of these commands, now or later.
    fn has(&self, verbs: &[Verb]) -> bool {
        verbs.iter().all(|verb| self.verbs.contains(verb))
    }

    /// Whether it is more than the part of a session that a test is about.
    fn is_whole(&self) -> bool {
        self.has(&[Verb::Ehlo]) || self.has(&[Verb::Helo]) || self.has(&[Verb::Mail, Verb::Rcpt, Verb::Data])
    }

    /// A login for which it is too early or too late, and what to write.
    fn login_out_of_turn(&self, step: &Step) -> Option<(&'static str, &'static str)> {
        let by_line = verb(step) == Some(Verb::AuthCommand);
        if !by_line && !matches!(step.action, Action::Auth(_)) {
            return None;
        }
        if self.logged_in && self.greeted {
            return Some((
                "a session has one login: servers refuse a second one (RFC 4954 section 4)",
                "leave it out, or connect again with `- connect: …`",
            ));
        }
        (self.submission && self.greeted && self.tls == Some(false)).then_some((
            "TLS has not begun: at port 587 most servers offer no login before it",
            "write `- starttls` before it, and after that `- send: EHLO client.example` once more",
        ))
    }

    /// An action for which it is too early or too late, and what to write.
    fn out_of_turn(&self, step: &Step) -> Option<(&'static str, &'static str)> {
        Some(match &step.action {
            Action::Assert(assertion) if self.tls == Some(false) && assertion.expressions().any(reads_tls) => NO_TLS,
            Action::StartTls(_) if self.tls == Some(true) => {
                ("TLS has begun already", "leave out `starttls`, or connect to a port without implicit TLS")
            }
            Action::Send(_) if verb(step) == Some(Verb::StartTls) && self.tls == Some(true) => {
                ("TLS has begun already", "leave out `STARTTLS`, or connect to a port without implicit TLS")
            }
            Action::Tls(_) if self.tls == Some(false) && self.greeted && self.asked_for_tls.is_none() => (
                "a plain session goes on here: the server expects a handshake after STARTTLS alone",
                "write `- starttls`, which sends the line and shakes hands",
            ),
            Action::None
                if self.mail_data
                    && self.asked_for_message.is_some()
                    && step.expect.as_ref().is_some_and(asks_success) =>
            {
                (
                    "the server waits for the message: nothing is answered before its end",
                    "write `- data: |` with the message, and this `expect` beside it",
                )
            }
            Action::Send(_) if !self.mail_data && is_end(step) && self.greeted => (
                "no mail data is open here: a step `data` has sent the line with the dot, or no DATA was accepted",
                "leave this step out, or write `- send: DATA` with `expect: ^354`, and then `- data: |` with the message",
            ),
            Action::Auth(_) if self.mail => {
                ("a login is not allowed within a mail transaction (RFC 4954 section 4)", "put `auth` before MAIL")
            }
            Action::Auth(_) if !self.greeted => NO_EHLO,
            Action::StartTls(_) if self.mail => TLS_IN_TRANSACTION,
            Action::Data(_) if !self.mail_data => {
                ("no DATA was accepted before this mail data", "write `- send: DATA` with `expect: ^354` before it")
            }
            Action::Send(_) if self.mail_data && !is_end(step) => (
                "the server takes this line for part of the message: DATA was accepted before",
                "send the message with `- data: |`, which ends it with the line with the dot",
            ),
            _ => return None,
        })
    }

    /// A command of a mail transaction that misses the one before it, and what to write.
    fn without_its_transaction(&self, step: &Step) -> Option<(&'static str, &'static str)> {
        match verb(step) {
            Some(Verb::Mail | Verb::AuthCommand | Verb::Rcpt) if self.restarted && !self.greeted => {
                Some(("after STARTTLS the session begins anew: no EHLO was sent since (RFC 3207 section 4.2)", HELLO))
            }
            Some(Verb::Mail) if !self.greeted && self.is_whole() => Some(NO_EHLO),
            Some(Verb::AuthCommand | Verb::StartTls) if self.by_helo && !self.near => Some(BY_HELO),
            Some(Verb::AuthCommand | Verb::StartTls) if !self.greeted && (!self.near || self.is_whole()) => {
                Some(NO_EHLO)
            }
            Some(Verb::Mail) if self.mail => Some(SECOND_MAIL),
            Some(Verb::Rcpt) if !self.mail && (self.greeted || self.has(&[Verb::Mail])) => Some((
                "no MAIL was accepted before this recipient",
                "write `- send: MAIL FROM:<name@example.com>` with `expect: ^250` before it",
            )),
            Some(Verb::Data) if !self.recipient && (self.greeted || self.has(&[Verb::Mail])) => Some((
                "no RCPT was accepted before this DATA",
                "write `- send: RCPT TO:<name@example.com>` with `expect: ^250` before it",
            )),
            _ => None,
        }
    }

    /// What a reply must be, by what was asked.
    fn judge_reply(&self, step: &Step, warnings: &mut Vec<Diagnostic>) {
        let Some(expect) = &step.expect else { return };
        match &step.action {
            Action::Connect(_) => implausible(expect, &[220], "the connection", warnings),
            Action::None if self.greeting_owed => implausible(expect, &[220], "the connection", warnings),
            Action::StartTls(_) => implausible(expect, &[220], "STARTTLS", warnings),
            Action::Auth(_) => implausible(expect, &[235], "a login", warnings),
            Action::Data(data) if data.terminate => implausible(expect, &[250], "a message", warnings),
            Action::Send(_) if self.login && self.greeted && verb(step) != Some(Verb::AuthCommand) => {
                match self.responses {
                    Some(1) => implausible(expect, &[235], "a login", warnings),
                    Some(_) => implausible(expect, &[334], "the user's name", warnings),
                    None => {}
                }
            }
            Action::Send(_) if self.greeting_owed && outlook(expect) == Outlook::Success => {
                let text = "the greeting is compared here: no step before this one reads it";
                let warning = Diagnostic::warning(expect.span, text);
                warnings.push(warning.help("write a step `- expect: ^220` before the first command"));
            }
            _ => {}
        }
    }

    /// After QUIT, and after a line STARTTLS.
    fn judge_ends(&mut self, step: &'s Step, warnings: &mut Vec<Diagnostic>) {
        let speaks = matches!(step.action, Action::Send(_) | Action::Data(_) | Action::StartTls(_) | Action::Auth(_));
        if !speaks {
            return;
        }
        if self.quit {
            let warning = Diagnostic::warning(step.head.span, "the server closes the connection after QUIT");
            warnings.push(warning.help("put this before QUIT, or connect again with `- connect: …`"));
            self.quit = false;
        }
        if let Some(asked) = self.asked_for_tls.take() {
            let text = "this line asks for TLS, and no handshake follows: what comes next is still plain";
            let warning = Diagnostic::warning(asked.head.span, text);
            warnings.push(warning.help("write the step `- starttls`, which sends the line and shakes hands"));
        }
    }

    /// After the session.
    fn of_nothing() -> LintPhase<'s> {
        LintPhase { unknown: true, ..LintPhase::default() }
    }

    fn follow(&mut self, step: &'s Step) {
        let outlook = step.expect.as_ref().map(outlook);
        let refused = outlook == Some(Outlook::Refusal);
        let responds = self.login;
        self.logged_in |= responds && !refused && step.expect.as_ref().is_some_and(is_login);
        self.login &= !refused && step.expect.as_ref().is_some_and(wants_response);
        self.responses = self.responses.filter(|_| self.login).map(|left| left.saturating_sub(1).max(1));
        self.follow_action(step, refused);
        if refused {
            return;
        }
        let uncertain = outlook == Some(Outlook::Open) && !matches!(step.action, Action::None);
        self.greeting_owed &= step.expect.is_none();
        self.unknown |= uncertain || step.observes();
        self.follow_line(step, responds);
        // Without an `expect` beside it nobody says whether DATA was accepted.
        self.unknown |= verb(step) == Some(Verb::Data) && step.expect.is_none();
    }

    fn follow_action(&mut self, step: &'s Step, refused: bool) {
        match &step.action {
            Action::Connect(_) => self.greeting_owed = step.expect.is_none(),
            Action::Raw(_) | Action::Bdat(_) => self.unknown = true,
            Action::Close(closing) if *closing != Closing::Write => *self = LintPhase::of_nothing(),
            Action::StartTls(_) | Action::Tls(_) => {
                *self = LintPhase {
                    tls: Some(true),
                    restarted: self.greeted,
                    unknown: self.unknown,
                    verbs: self.verbs.clone(),
                    ..LintPhase::default()
                }
            }
            Action::Data(data) if data.terminate => (self.mail, self.recipient, self.mail_data) = (false, false, false),
            Action::Data(_) => self.asked_for_message = None,
            Action::Auth(_) => self.logged_in |= !refused,
            Action::None => {
                let reads = step.expect.as_ref().is_some_and(|expect| !matches!(expect.kind, Expected::Silence(_)));
                self.greeting_owed &= !reads;
            }
            _ => {}
        }
    }

    /// A line that was not refused. What a template puts in may be any command, where the server waits for no response.
    fn follow_line(&mut self, step: &'s Step, responds: bool) {
        match verb(step) {
            Some(hello @ (Verb::Ehlo | Verb::Helo | Verb::Lhlo)) => {
                (self.greeted, self.by_helo) = (true, hello == Verb::Helo);
            }
            Some(Verb::Mail) => (self.mail, self.recipient) = (true, false),
            Some(Verb::Rcpt) => self.recipient = true,
            Some(Verb::Reset) => (self.mail, self.recipient) = (false, false),
            Some(Verb::Data) => {
                self.mail_data = step.expect.as_ref().is_some_and(wants_mail_data);
                self.asked_for_message = Some(step);
            }
            Some(Verb::Quit) => self.quit = true,
            Some(Verb::AuthCommand) => {
                self.login = step.expect.as_ref().is_some_and(wants_response);
                self.responses = responses(step).filter(|_| self.login);
                self.logged_in |= step.expect.as_ref().is_some_and(is_login);
            }
            Some(Verb::StartTls) => self.asked_for_tls = Some(step),
            Some(Verb::Other) if self.mail_data && is_end(step) => {
                (self.mail, self.recipient, self.mail_data) = (false, false, false);
            }
            None if matches!(step.action, Action::Send(_)) && !responds => self.unknown = true,
            _ => {}
        }
    }
}
