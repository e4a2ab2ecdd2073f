//! What an outcome says about a check: passed, failed, not applicable, or that the server was not brought to where the check
//! begins.
//!
//! Responsible for telling the last expectation of a check, where a divergence is a failure, from what leads up to it, where
//! it proves nothing. Nobody else infers that.

use crate::run::{Divergence, Entry, Kind, Outcome, RunVerdict, Speaker, StepNumber, StepOutcome, Verdict, what_came};
use crate::scenario::{Action, Footnote, Scenario, Step};
use crate::visible::cut;
use std::fmt::Write;
use std::time::Duration;

/// Why a check that was not played to its end has no verdict.
pub(crate) const ENDED_EARLY: &str = "the audit ended before this check did: by `--max-time`, or by a signal";
/// How long is waited before a check is played again: a server that says 421 has too much to do.
const AFTER_421: Duration = Duration::from_secs(2);
const AFTER_OTHERS: Duration = Duration::from_millis(300);
/// The most lines and octets that are quoted of what was sent or came.
const QUOTED_LINES: usize = 4;
const QUOTED: usize = 400;

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckVerdict {
    Pass,
    Fail,
    NotApplicable,
    /// It was not brought to where it begins, or what came proves nothing.
    Blocked,
}

/// What came of a check, and what there is to show of it.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) verdict: CheckVerdict,
    /// A code, `closed`, `reset`, `silence` or `bytes`.
    pub(crate) got: Option<String>,
    pub(crate) sent: String,
    /// What came, line by line.
    pub(crate) came: String,
    pub(crate) wanted: String,
    /// Why it is not applicable, or what blocked it.
    pub(crate) reason: Option<String>,
}

impl Judged {
    /// Nothing to show but a reason.
    pub(super) fn plain(verdict: CheckVerdict, reason: Option<String>) -> Judged {
        let nothing = String::new;
        Judged { verdict, got: None, sent: nothing(), came: nothing(), wanted: nothing(), reason }
    }
}

/// Judges an outcome of a check.
pub(crate) fn judge(scenario: &Scenario, outcome: &Outcome) -> Judged {
    let plain = Judged::plain;
    match outcome.verdict() {
        RunVerdict::Followed => plain(CheckVerdict::Pass, None),
        RunVerdict::NotApplicable => plain(CheckVerdict::NotApplicable, outcome.not_applicable.clone()),
        RunVerdict::Interrupted => plain(CheckVerdict::Blocked, Some(ENDED_EARLY.to_owned())),
        RunVerdict::Diverged | RunVerdict::Warned | RunVerdict::Refused | RunVerdict::Unreachable | RunVerdict::Bug => {
            match outcome.divergences.first() {
                Some(divergence) => of_divergence(scenario, outcome, divergence),
                None => plain(CheckVerdict::Blocked, None),
            }
        }
    }
}

fn of_divergence(scenario: &Scenario, outcome: &Outcome, divergence: &Divergence) -> Judged {
    let decides = decisive_among(&scenario.steps, outcome, &divergence.step);
    let fails = outcome.verdict() != RunVerdict::Unreachable
        && decides.is_some()
        && divergence.cause == crate::run::Cause::Server
        && proves(outcome, divergence, Speaker::Server);
    let (sent, came) = conversation(outcome, divergence, Speaker::Client);
    let message = &divergence.diagnostic.message;
    let named = outcome.steps.iter().find(|step| is_of(divergence, step)).and_then(|step| step.name.clone());
    let wanted = decides.and_then(|step| step.head.name.as_ref()).map(|name| name.source.clone()).or(named);
    Judged {
        verdict: if fails { CheckVerdict::Fail } else { CheckVerdict::Blocked },
        got: Some(got(outcome, divergence)),
        sent,
        came,
        wanted: wanted.or_else(|| expected(divergence)).unwrap_or_else(|| without_step(message).to_owned()),
        reason: (!fails).then(|| in_words(divergence)),
    }
}

/// What diverged, for whoever knows no scenario: without the number of a step, and with what helps.
pub(crate) fn in_words(divergence: &Divergence) -> String {
    let told = without_step(&divergence.diagnostic.message);
    let help = divergence.diagnostic.footnotes.iter().find_map(|note| match note {
        Footnote::Help(text) => Some(text),
        Footnote::Fact(_) | Footnote::Note(_) => None,
    });
    help.map_or_else(|| told.to_owned(), |help| format!("{told}; {help}"))
}

fn without_step(message: &str) -> &str {
    let told = message.strip_prefix("step ").and_then(|rest| rest.split_once(" diverged: "));
    told.map_or(message, |(_, told)| told)
}

/// Whether a step is this one, or one of its group.
fn belongs(number: &str, step: &str) -> bool {
    number.strip_prefix(step).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// What a step that decides is called, else what it expected.
pub(super) fn wanted_by(step: &Step, divergence: &Divergence) -> Option<String> {
    step.head.name.as_ref().map(|name| name.source.clone()).or_else(|| expected(divergence))
}

fn expected(divergence: &Divergence) -> Option<String> {
    divergence.expected.as_deref().map(str::to_owned)
}

/// Of the steps of one side, the one with the last expectation that was not skipped, if `asked` is it or in it; of steps that
/// are sent together, or in a loop, all of them.
pub(super) fn decisive_among<'s>(steps: &'s [Step], outcome: &Outcome, asked: &StepNumber) -> Option<&'s Step> {
    let last = last_of(steps, outcome, asked)?;
    (!asked.is_finally() && belongs(asked.path(), &last.head.number)).then_some(last)
}

/// Whether the decisive step of the side of `asked` had passed when a later one diverged.
pub(super) fn had_passed(steps: &[Step], outcome: &Outcome, asked: &StepNumber) -> bool {
    let Some(last) = last_of(steps, outcome, asked) else { return false };
    let passed = |step: &StepOutcome| step.verdict == Verdict::Followed && is_at(&step.number, asked, last);
    outcome.steps.iter().take_while(|step| step.number != *asked).any(passed)
}

fn last_of<'s>(steps: &'s [Step], outcome: &Outcome, asked: &StepNumber) -> Option<&'s Step> {
    let skipped = |step: &Step| {
        let of_it = outcome.steps.iter().find(|one| is_at(&one.number, asked, step));
        of_it.is_some_and(|one| one.verdict == Verdict::Skipped)
    };
    last_expecting(steps, &skipped)
}

/// Whether a number is that of a step on the side of `asked`.
fn is_at(number: &StepNumber, asked: &StepNumber, step: &Step) -> bool {
    number.side() == asked.side() && !number.is_finally() && number.path() == &*step.head.number
}

fn last_expecting<'s>(steps: &'s [Step], skipped: &dyn Fn(&Step) -> bool) -> Option<&'s Step> {
    steps.iter().rev().filter(|step| !skipped(step)).find_map(|step| match &step.action {
        Action::Group(group) if group.included => None,
        Action::Group(group) => {
            let inner = last_expecting(&group.steps, skipped)?;
            Some(if group.pipeline || group.repeat.is_some() || group.for_each.is_some() { step } else { inner })
        }
        Action::Assert(_) | Action::StartTls(_) | Action::Tls(_) | Action::Auth(_) => Some(step),
        _ => {
            let expects = step.expect.is_some() && !step.observes() || step.receive.is_some();
            (expects || step.fails.is_some()).then_some(step)
        }
    })
}

/// Whether what came proves anything: a server that is busy, or that never said a word, is not asked.
pub(super) fn proves(outcome: &Outcome, divergence: &Divergence, other: Speaker) -> bool {
    match divergence.kind {
        Kind::Connect
        | Kind::MaxTime
        | Kind::Interrupted
        | Kind::Template
        | Kind::Refused
        | Kind::Start
        | Kind::Bug => false,
        Kind::Timeout => spoke(outcome, other),
        _ => divergence.reply_code != Some(421),
    }
}

/// Whether the other side said anything in this check.
fn spoke(outcome: &Outcome, other: Speaker) -> bool {
    outcome.transcript.iter().any(|entry| entry.speaker == other)
}

/// What came, as a table has it.
fn got(outcome: &Outcome, divergence: &Divergence) -> String {
    let came = || what_came(divergence.reply_code, divergence.kind.name());
    match divergence.kind {
        Kind::Assert if divergence.reply_code.is_none() => last_seen(outcome, divergence),
        Kind::Unasked => unasked_code(divergence).unwrap_or_else(came),
        _ => came(),
    }
}

/// What the step saw that an assertion is about: the last reply, or what was observed.
fn last_seen(outcome: &Outcome, divergence: &Divergence) -> String {
    let before = outcome.steps.iter().take_while(|step| !is_of(divergence, step));
    let seen = before.filter_map(|step| match step.observed {
        Some("reply") | None => step.replies.last().map(|reply| reply.code.to_string()),
        Some("alert") => Some("bytes".to_owned()),
        Some(kind) => Some(kind.to_owned()),
    });
    seen.last().unwrap_or_else(|| "bytes".to_owned())
}

/// Whether a step is the one that diverged, in the same turns of its loops.
fn is_of(divergence: &Divergence, step: &StepOutcome) -> bool {
    step.number == divergence.step && step.turns == divergence.turns
}

/// The code of a reply that nothing had asked for.
fn unasked_code(divergence: &Divergence) -> Option<String> {
    let code = divergence.got.as_deref()?.get(..3)?;
    code.bytes().all(|byte| byte.is_ascii_digit()).then(|| code.to_owned())
}

/// What our side, `own`, sent last before the divergence, and what came to that.
pub(super) fn conversation(outcome: &Outcome, divergence: &Divergence, own: Speaker) -> (String, String) {
    let other = if own == Speaker::Client { Speaker::Server } else { Speaker::Client };
    let entries = &outcome.transcript;
    let end = divergence.line.map_or(entries.len(), |line| line + 1).min(entries.len());
    let talk = &entries[..end];
    let Some(last_sent) = talk.iter().rposition(|entry| entry.speaker == own) else {
        return (String::new(), quoted(talk.iter().filter(|entry| entry.speaker == other)));
    };
    let step = &talk[last_sent].step;
    let is_sent = |entry: &&Entry| entry.speaker == own && entry.step == *step;
    // An earlier turn of a loop has the same step, and an answer of its own.
    let first_sent = talk[..last_sent].iter().rposition(|entry| entry.speaker == other).map_or(0, |at| at + 1);
    let came = talk[last_sent..].iter().filter(|entry| entry.speaker == other);
    (quoted(talk[first_sent..].iter().filter(is_sent)), quoted(came))
}

fn quoted<'e>(entries: impl Iterator<Item = &'e Entry>) -> String {
    let lines: Vec<&str> = entries.map(|entry| entry.text.as_str()).collect();
    let mut shown = lines[..lines.len().min(QUOTED_LINES)].join("\n");
    if lines.len() > QUOTED_LINES {
        _ = write!(shown, "\n… {} more lines", lines.len() - QUOTED_LINES);
    }
    cut(&shown, QUOTED).into_owned()
}

/// How long to wait before a check that could not tell is played once more; nothing where it is not.
pub(crate) fn played_again_after(scenario: &Scenario, outcome: &Outcome) -> Option<Duration> {
    let divergence = outcome.divergences.first()?;
    let busy = divergence.reply_code == Some(421);
    let transient = divergence.reply_code.is_some_and(|code| (400..500).contains(&code));
    let cut = matches!(divergence.kind, Kind::Timeout | Kind::Closed | Kind::Reset | Kind::Connect);
    let fails = judge(scenario, outcome).verdict == CheckVerdict::Fail;
    match outcome.verdict() {
        RunVerdict::Interrupted | RunVerdict::Bug | RunVerdict::Refused => None,
        _ if busy => Some(AFTER_421),
        _ if cut || (transient && !fails) => Some(AFTER_OTHERS),
        _ => None,
    }
}
