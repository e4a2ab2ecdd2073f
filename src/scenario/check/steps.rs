//! Checks steps, of either side, in the order in which they are played.

use super::{Checker, Played, auth, connection, content, expect, group, server};
use crate::scenario::sides::Side;
use crate::scenario::source::Diagnostic;
use crate::scenario::{Action, Bdat, Requirement, Scenario, Speech, Step, similar};

pub(super) fn all_steps(checker: &mut Checker<'_>, scenario: &Scenario) {
    if let Some(opening) = &scenario.opening {
        check_step(checker, opening);
    }
    for step in &scenario.steps {
        check_step(checker, step);
    }
    checker.names.insert("diverged".to_owned());
    for step in &scenario.finally {
        skips_nothing(checker, step);
        check_step(checker, step);
    }
}

/// `finally` is played when what came of the steps is known.
fn skips_nothing(checker: &mut Checker<'_>, step: &Step) {
    for step in Step::walk(std::slice::from_ref(step)) {
        if matches!(step.action, Action::Skip(_)) {
            let error = Diagnostic::error(step.head.span, "`skip` cannot stand in `finally`: it would change nothing");
            checker.diagnostics.push(error.help("write it among `steps`"));
        }
    }
}

pub(super) fn steps_of(checker: &mut Checker<'_>, steps: &[Step]) {
    for step in steps {
        check_step(checker, step);
    }
}

pub(super) fn check_step(checker: &mut Checker<'_>, step: &Step) {
    step.head.name.iter().for_each(|name| checker.text(name));
    step.head.when.iter().for_each(|when| checker.expression(when));
    step.head.timeout.iter().for_each(|timeout| checker.length(timeout));
    step.pace.iter().for_each(|pace| checker.length(&pace.every));
    let outer = checker.played;
    if let (Some(when), false) = (&step.head.when, outer == Played::Never) {
        checker.played = match checker.played_when(when) {
            Played::Surely => outer,
            other => other,
        };
    }
    step_itself(checker, step);
    checker.played = outer;
}

fn step_itself(checker: &mut Checker<'_>, step: &Step) {
    match checker.side {
        // A client acts, and then compares what comes; a server the other way round.
        Side::Client => {
            session(checker, step);
            action(checker, step);
            fails(checker, step);
            step.expect.iter().for_each(|expect| expect::expectation(checker, expect));
            expect::offers_of_hello(checker, step);
        }
        Side::Server => {
            step.expect.iter().for_each(|expect| expect::command(checker, expect));
            step.delay.iter().for_each(|length| checker.length(length));
            step.reply.iter().for_each(|reply| server::check_reply(checker, reply));
            fails(checker, step);
            action(checker, step);
        }
    }
}

impl Checker<'_> {
    /// What must be true for steps to be played.
    pub(super) fn requirements(&mut self, requires: &[Requirement]) {
        for requirement in requires {
            self.expression(&requirement.when);
            requirement.reason.iter().for_each(|reason| self.text(reason));
        }
    }

    /// What the whole scenario claims is shown after it was played: every name of it is known by then.
    pub(super) fn claim(&mut self, scenario: &Scenario) {
        self.requirements(&scenario.requires);
        let claim = &scenario.claim;
        claim.why.iter().chain(claim.mend.iter().map(|(_, text)| text)).for_each(|text| self.text(text));
    }
}

fn fails(checker: &mut Checker<'_>, step: &Step) {
    step.fails.iter().for_each(|fails| _ = expect::check_pattern(checker, fails, false));
}

fn session(checker: &mut Checker<'_>, step: &Step) {
    if let Action::Connect(connect) = &step.action {
        let named = connect.session.as_ref().or(step.session.as_ref());
        checker.sessions.insert(named.map_or("main", |named| named.name.as_str()).to_owned());
        return;
    }
    let local = step.action.speaks() == Speech::Nothing;
    let wanted = step.session.as_ref().map_or("main", |named| named.name.as_str());
    if local && step.session.is_none() || checker.sessions.contains(wanted) {
        return;
    }
    let span = step.session.as_ref().map_or(step.head.span, |named| named.span);
    let diagnostic = if checker.sessions.is_empty() {
        Diagnostic::error(span, "no connection is open here").help("begin the file with `connect: HOST:PORT`")
    } else {
        let open: Vec<&str> = checker.sessions.iter().map(String::as_str).collect();
        let known = format!("the sessions open here are `{}`", open.join("`, `"));
        let help = similar(wanted, open).map_or(known, |near| format!("did you mean `{near}`?"));
        Diagnostic::error(span, format!("no step before this one opens a session `{wanted}`")).help(help)
    };
    // Once is enough: the steps after it want the same.
    checker.sessions.insert(wanted.to_owned());
    checker.diagnostics.push(if checker.lost.opens(wanted) { diagnostic.following() } else { diagnostic });
}

fn action(checker: &mut Checker<'_>, step: &Step) {
    match &step.action {
        Action::None | Action::Close(_) => {}
        Action::Send(lines) => lines.iter().for_each(|line| checker.text(line)),
        Action::Raw(raw) => server::raw_bytes(checker, raw),
        Action::Data(data) | Action::Bdat(Bdat { data, .. }) => content::mail_data(checker, data),
        Action::StartTls(tls) | Action::Tls(tls) => match checker.side {
            Side::Client => connection::tls(checker, &tls.client),
            Side::Server => {
                server::server_tls(checker, &tls.server);
                tls.inject.iter().for_each(|text| checker.text(text));
            }
        },
        Action::Auth(auth) => auth::auth(checker, step, auth),
        Action::Assert(assertion) => assertion.expressions().for_each(|one| checker.expression(one)),
        Action::Set(settings) => {
            for (name, data) in settings {
                checker.data(data);
                checker.assign(&name.name, name.span);
            }
        }
        Action::Sleep(length) => checker.length(length),
        Action::Skip(reason) => checker.text(reason),
        Action::Connect(connect) => connection::connect(checker, connect),
        Action::Group(group) => group::group(checker, group),
    }
}
