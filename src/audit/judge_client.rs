//! What an outcome says about a client: judged by what it did on the wire, and by its exit status where the check asks for one.
//!
//! Responsible for the same verdicts as `judge` has for servers. The decisive step is found there.

use super::judge::{CheckVerdict, ENDED_EARLY, Judged, conversation, decisive_among, had_passed, proves, wanted_by};
use crate::run::{ClientEnd, ClientExit, Divergence, Kind, Outcome, RunVerdict, Speaker, StepNumber, StepSide};
use crate::scenario::{Scenario, Step};
use crate::visible::cut;

/// A check with this tag wants the command to say that it failed: by its exit status.
const WANTS_FAILURE: &str = "exit-failure";
/// A check with this tag wants the command to say that the message was sent.
const WANTS_SUCCESS: &str = "exit-success";

/// In a check with this tag one message that was taken is not all that there was to do.
const IN_PART: &str = "in-part";
/// A check with this tag is about something that a client may refuse to send before it connects.
const MAY_NOT_COME: &str = "may-not-come";
/// A check with this tag is passed by a client that ends the session in the handshake, and says that it failed.
const MAY_LEAVE_HANDSHAKE: &str = "may-leave-handshake";
/// Of a client that nobody of ours starts.
pub(super) const NOBODY_CAME: &str = "no session began in the time of `--wait`";
/// How many letters are shown of the last line that a command printed.
const SAID: usize = 200;

/// Judges an outcome of a check of clients.
pub(crate) fn judge_client(scenario: &Scenario, outcome: &Outcome) -> Judged {
    match outcome.verdict() {
        RunVerdict::NotApplicable => Judged::plain(CheckVerdict::NotApplicable, outcome.not_applicable.clone()),
        RunVerdict::Interrupted => Judged::plain(CheckVerdict::Blocked, Some(ENDED_EARLY.to_owned())),
        RunVerdict::Followed => by_exit(outcome),
        RunVerdict::Diverged | RunVerdict::Warned | RunVerdict::Refused | RunVerdict::Unreachable | RunVerdict::Bug => {
            let fails = |divergence: &&Divergence| fails(scenario, outcome, divergence);
            match outcome.divergences.iter().find(fails).or(outcome.divergences.first()) {
                Some(divergence) if left_after_all(scenario, outcome, divergence) => by_exit(outcome),
                Some(divergence) => of_divergence(scenario, outcome, divergence),
                None => Judged::plain(CheckVerdict::Blocked, None),
            }
        }
    }
}

/// Whether a divergence is what the check is about: its last expectation, or a connection that must come, or must not.
fn fails(scenario: &Scenario, outcome: &Outcome, divergence: &Divergence) -> bool {
    if divergence.kind == Kind::Connections {
        return connection_of(&divergence.step) != Some(1);
    }
    if divergence.kind == Kind::Reply && comes_back_otherwise(outcome, divergence) {
        return true;
    }
    decisive(scenario, outcome, &divergence.step).is_some() && proves(outcome, divergence, Speaker::Client)
}

/// Whether the client had done what the check is about, and did not wait for what it would have been told after that.
fn left_after_all(scenario: &Scenario, outcome: &Outcome, divergence: &Divergence) -> bool {
    let steps = connection_of(&divergence.step).and_then(|number| Some(scenario.server.as_ref()?.steps(number)));
    matches!(divergence.kind, Kind::Closed | Kind::Reset)
        && outcome.divergences.len() == 1
        && steps.is_some_and(|steps| had_passed(steps, outcome, &divergence.step))
}

/// Whether the client saw itself that it must not send this, or must not go on, and said so.
fn refused_to_come(outcome: &Outcome, divergence: &Divergence) -> bool {
    let exit = outcome.client_end.as_ref().map(|end| &end.exit);
    // Of a client that nobody of ours started no exit status is known.
    let says_so = exit.is_none_or(|exit| matches!(exit, ClientExit::Status(status) if *status != 0));
    let is_first = connection_of(&divergence.step) == Some(1);
    let stayed_away = divergence.kind == Kind::Connections && exit.is_some() && has_tag(outcome, MAY_NOT_COME);
    let left = divergence.kind == Kind::Tls && has_tag(outcome, MAY_LEAVE_HANDSHAKE);
    is_first && says_so && (stayed_away || left)
}

fn has_tag(outcome: &Outcome, tag: &str) -> bool {
    outcome.tags.iter().any(|one| one == tag)
}

/// Whether the client was right on its first connection, and came back to do what it had not done then: without TLS, say.
fn comes_back_otherwise(outcome: &Outcome, divergence: &Divergence) -> bool {
    let first_followed =
        !outcome.divergences.iter().any(|divergence| connection_of(&divergence.step).is_none_or(|number| number == 1));
    first_followed && connection_of(&divergence.step).is_some_and(|number| number > 1)
}

/// The decisive step of the connection that a divergence is about, where the divergence is in it.
fn decisive<'s>(scenario: &'s Scenario, outcome: &Outcome, number: &StepNumber) -> Option<&'s Step> {
    let connection = connection_of(number)?;
    let steps = scenario.server.as_ref()?.steps(connection);
    decisive_among(steps, outcome, number)
}

fn connection_of(number: &StepNumber) -> Option<usize> {
    match number.side() {
        StepSide::Connection(number) => Some(number),
        _ => None,
    }
}

fn of_divergence(scenario: &Scenario, outcome: &Outcome, divergence: &Divergence) -> Judged {
    if refused_to_come(outcome, divergence) {
        return Judged::plain(CheckVerdict::Pass, None);
    }
    let fails = fails(scenario, outcome, divergence);
    let (sent, came) = conversation(outcome, divergence, Speaker::Server);
    let wanted = decisive(scenario, outcome, &divergence.step).and_then(|step| wanted_by(step, divergence));
    let message = divergence.diagnostic.message.clone();
    Judged {
        verdict: if fails { CheckVerdict::Fail } else { CheckVerdict::Blocked },
        got: Some(got(outcome, divergence)),
        sent,
        came,
        wanted: wanted.unwrap_or_else(|| message.clone()),
        reason: (!fails).then(|| blocked_by(outcome, divergence)),
    }
}

/// What kept the check from its end; of a program that never came also how it ended.
fn blocked_by(outcome: &Outcome, divergence: &Divergence) -> String {
    let message = divergence.diagnostic.message.trim_start_matches("step ").to_owned();
    match &outcome.client_end {
        Some(end) if divergence.kind == Kind::Connections => format!("it never connected: {}", told(end)),
        None if divergence.kind == Kind::Connections => NOBODY_CAME.to_owned(),
        _ => message,
    }
}

/// How a program ended, with the last line that it printed.
pub(crate) fn told(end: &ClientEnd) -> String {
    let last = end.said.lines().last().map(|line| format!(": {}", cut(line, SAID))).unwrap_or_default();
    format!("the command {}{last}", end.exit.describe())
}

/// What the client did, in a word: the verb that it sent, `closed`, `reset`, `silence`, `bytes` or `connection`.
fn got(outcome: &Outcome, divergence: &Divergence) -> String {
    match divergence.kind {
        Kind::Timeout => "silence".to_owned(),
        Kind::Closed => "closed".to_owned(),
        Kind::Reset => "reset".to_owned(),
        Kind::Connections => "connection".to_owned(),
        Kind::Assert => observed(outcome, divergence),
        _ => last_verb(outcome, divergence).unwrap_or_else(|| "bytes".to_owned()),
    }
}

/// What the step before an assertion took down.
fn observed(outcome: &Outcome, divergence: &Divergence) -> String {
    let before = outcome.steps.iter().take_while(|step| step.number != divergence.step);
    match before.filter_map(|step| step.observed).last() {
        Some("line") | None => last_verb(outcome, divergence).unwrap_or_else(|| "bytes".to_owned()),
        Some("alert" | "tls") => "bytes".to_owned(),
        Some(kind) => kind.to_owned(),
    }
}

/// The verb of the last line of the client before the divergence.
fn last_verb(outcome: &Outcome, divergence: &Divergence) -> Option<String> {
    let end = divergence.line.map_or(outcome.transcript.len(), |line| line + 1).min(outcome.transcript.len());
    let last = outcome.transcript[..end].iter().rfind(|entry| entry.speaker == Speaker::Client)?;
    let word: String = last.text.chars().take_while(char::is_ascii_alphabetic).collect();
    (3..=8).contains(&word.len()).then(|| word.to_uppercase())
}

/// What the client was answered last.
fn last_reply(outcome: &Outcome) -> String {
    let last = outcome.transcript.iter().rfind(|entry| entry.speaker == Speaker::Server);
    last.map_or_else(String::new, |entry| entry.text.clone())
}

/// The exit status of a program that did right on the wire.
fn by_exit(outcome: &Outcome) -> Judged {
    let has = |tag| has_tag(outcome, tag);
    let passed = Judged::plain(CheckVerdict::Pass, None);
    let Some(end) = &outcome.client_end else { return passed };
    // What a later try brought to its end need not be said to have failed.
    let taken: u64 = outcome.sessions.iter().map(|session| session.messages).sum();
    let was_taken = taken > u64::from(has(IN_PART));
    let wanted = match (&end.exit, has(WANTS_FAILURE) && !was_taken, has(WANTS_SUCCESS)) {
        (ClientExit::Status(0), true, _) => "an exit status that says that it failed",
        (ClientExit::TooLong, true, _) | (ClientExit::TooLong, _, true) => "an end by itself",
        (ClientExit::Status(0), _, true) | (_, _, false) => return passed,
        (_, _, true) => "exit status 0: the message was taken",
    };
    let exit = match &end.exit {
        ClientExit::Status(status) => format!("exit {status}"),
        _ => "no end".to_owned(),
    };
    Judged {
        verdict: CheckVerdict::Fail,
        got: Some(exit),
        sent: last_reply(outcome),
        came: end.exit.describe(),
        wanted: wanted.to_owned(),
        ..Judged::plain(CheckVerdict::Fail, None)
    }
}
