//! The parts of a scenario's report: its steps, sessions, divergences and lines, each from what came of it.

use super::{moment, seconds};
use crate::report::model::{
    Certificate, Closed, Diagnostic, Divergence, Level, Line, Place, Received, Reply, Session, Speaker, Step,
    StepVerdict, Tls,
};
use crate::report::words;
use crate::run::{self, Outcome};
use crate::scenario::{self, Footnote, Sources, Span};
use crate::visible::{inert, visible};

pub(crate) fn level(level: scenario::Level) -> Level {
    match level {
        scenario::Level::Must => Level::Must,
        scenario::Level::Should => Level::Should,
        scenario::Level::May => Level::May,
    }
}

pub(super) fn step(step: &run::StepOutcome, outcome: &Outcome) -> Step {
    let reply = |reply: &run::ReplyEntry| Reply {
        code: reply.code,
        enhanced: reply.enhanced.map(|code| code.to_string()),
        lines: outcome
            .transcript
            .get(reply.lines.clone())
            .unwrap_or_default()
            .iter()
            .map(|one| kept(&one.text))
            .collect(),
        at: seconds(reply.at),
        elapsed: seconds(reply.elapsed),
        octets: reply.octets,
    };
    Step {
        number: step.number.to_string(),
        name: step.name.as_ref().map(|name| inert(name)),
        action: step.action.to_owned(),
        title: inert(&step.title),
        turn: step.turns.last().copied(),
        path: (!step.turns.is_empty()).then(|| path(step)),
        place: place(step.span, &outcome.sources),
        session: inert(&step.session),
        verdict: match step.verdict {
            run::Verdict::Followed => StepVerdict::Followed,
            run::Verdict::Diverged => StepVerdict::Diverged,
            run::Verdict::Skipped => StepVerdict::Skipped,
            run::Verdict::Unreached => StepVerdict::Unreached,
        },
        started: seconds(step.started),
        duration: seconds(step.duration),
        replies: step.replies.iter().map(reply).collect(),
        observed: step.observed.map(str::to_owned),
        reason: step.reason.as_deref().map(inert),
        received: listened(step).then(|| Received { octets: step.received.octets, text: step.received.text.clone() }),
        closed: step.received.reset.map(|reset| if reset { Closed::Reset } else { Closed::Fin }),
    }
}

/// `2.1[3]`
fn path(step: &run::StepOutcome) -> String {
    let turns = step.turns.iter().fold(String::new(), |turns, turn| turns + &format!("[{turn}]"));
    format!("{}{turns}", step.number)
}

/// Whether a step was played in which something could come.
fn listened(step: &run::StepOutcome) -> bool {
    let played = matches!(step.verdict, run::Verdict::Followed | run::Verdict::Diverged);
    played && !matches!(step.action, "assert" | "connection" | "set" | "sleep" | "steps")
}

pub(super) fn session(session: &run::SessionOutcome) -> Session {
    let tls = |handshake: &run::Handshake| Tls {
        at: seconds(handshake.at),
        version: handshake.version.clone(),
        cipher: handshake.cipher.clone(),
        verified: handshake.verified,
        certificate: handshake.certificate.as_ref().map(certificate),
    };
    Session {
        name: inert(&session.name),
        host: inert(&session.host),
        port: session.port,
        stand_in: session.stand_in.as_deref().map(inert),
        address: session.address.clone(),
        opened: seconds(session.opened),
        closed: seconds(session.closed),
        sent: session.sent,
        received: session.received,
        messages: session.messages,
        tls: session.tls.iter().map(tls).collect(),
        refused_certificate: session.refused_certificate.as_ref().map(certificate),
    }
}

fn certificate(certificate: &run::CertificateOutcome) -> Certificate {
    Certificate {
        subject: visible(certificate.subject.as_bytes()),
        issuer: visible(certificate.issuer.as_bytes()),
        names: certificate.names.iter().map(|name| visible(name.as_bytes())).collect(),
        not_before: moment(certificate.not_before),
        not_after: moment(certificate.not_after),
        days_left: certificate.days_left,
    }
}

pub(super) fn divergence(divergence: &run::Divergence, outcome: &Outcome) -> Divergence {
    let of_step = |step: &run::StepOutcome| step.number == divergence.step;
    let of_turn = |step: &run::StepOutcome| of_step(step) && *step.turns == *divergence.turns;
    let index = outcome.steps.iter().rposition(of_turn).or_else(|| outcome.steps.iter().rposition(of_step));
    Divergence {
        step: divergence.step.to_string(),
        index,
        kind: divergence.kind.name().to_owned(),
        cause: match divergence.cause {
            run::Cause::Server => "server",
            run::Cause::User => "user",
            run::Cause::Network => "network",
            run::Cause::Interrupted => "interrupted",
            run::Cause::Bug => "bug",
        }
        .to_owned(),
        reason: divergence.reason.map(str::to_owned),
        reply_code: divergence.reply_code,
        expected: divergence.expected.as_deref().map(inert),
        got: divergence.got.as_deref().map(str::to_owned),
        line: divergence.line,
        warning: divergence.is_warning(),
        diagnostic: diagnostic(&divergence.diagnostic, &outcome.sources),
    }
}

/// A diagnostic as every format shows it.
pub(in crate::report) fn diagnostic(diagnostic: &scenario::Diagnostic, sources: &Sources) -> Diagnostic {
    let (mut notes, mut help) = (Vec::new(), Vec::new());
    for footnote in &diagnostic.footnotes {
        match footnote {
            Footnote::Fact(text) | Footnote::Note(text) => notes.push(inert(text)),
            Footnote::Help(text) => help.push(inert(text)),
        }
    }
    Diagnostic {
        message: inert(&diagnostic.message),
        place: place(diagnostic.span, sources),
        label: inert(&diagnostic.label),
        notes,
        help,
        rendered: diagnostic.render(sources, false),
    }
}

pub(super) fn place(span: Span, sources: &Sources) -> Place {
    let position = sources.position(span);
    let file = sources.file(span.file).map_or("", |source| source.name.as_str());
    Place { file: inert(file), line: position.line, column: position.column }
}

/// The lines, and for each entry of the outcome the line that shows it.
pub(super) fn transcript(outcome: &Outcome, without_body: bool) -> (Vec<Line>, Vec<usize>) {
    let mut lines: Vec<Line> = Vec::with_capacity(outcome.transcript.len());
    let mut places = Vec::with_capacity(outcome.transcript.len());
    let mut left_out = false;
    for entry in &outcome.transcript {
        let hidden = without_body && entry.mail_data;
        if !(hidden && left_out) {
            lines.push(Line {
                at: seconds(entry.at),
                session: inert(&entry.session),
                speaker: match entry.speaker {
                    run::Speaker::Client => Speaker::Client,
                    run::Speaker::Server => Speaker::Server,
                    run::Speaker::Note => Speaker::Note,
                },
                text: if hidden { LEFT_OUT.to_owned() } else { kept(&entry.text) },
                step: entry.step.to_string(),
            });
        }
        left_out = hidden;
        places.push(lines.len() - 1);
    }
    (lines, places)
}

/// What a report keeps of a line: messages of megabytes in few lines would make it as large.
fn kept(line: &str) -> String {
    words::cut(line, words::LINE_LENGTH).into_owned()
}

/// What stands in a transcript for a message that is left out.
const LEFT_OUT: &str = "[mail data left out]";
