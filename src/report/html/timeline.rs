//! The waterfall: what each session did when, read from the steps and the sessions of a scenario.
//!
//! Responsible for the spans of time only; how they are drawn is the script's business. Times are those of the report, from
//! the start of the scenario.

use crate::report::model::{ScenarioReport, Session, Step, StepVerdict};
use serde::Serialize;

/// The sessions of one name, one after the other.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Lane<'a> {
    name: &'a str,
    /// Where it was connected to, `host:port`.
    #[serde(skip_serializing_if = "String::is_empty")]
    to: String,
    spans: Vec<BarSpan<'a>>,
}

/// What, from when, till when, and for which step.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct BarSpan<'a>(BarKind, f64, f64, &'a str);

/// What a session did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum BarKind {
    /// It was open.
    Open,
    /// It was being connected.
    Connect,
    /// It shook hands.
    Tls,
    /// It waited for a reply that came.
    Wait,
    /// It waited, and what came was not what the script expects, or no connection.
    Diverged,
}

/// A lane for each name, in the order they were first used.
pub(super) fn lanes(scenario: &ScenarioReport) -> Vec<Lane<'_>> {
    let mut lanes: Vec<Lane<'_>> = Vec::new();
    let connects = |step: &&Step| step.action == "connect" && step.verdict != StepVerdict::Unreached;
    let used = scenario.steps.iter().filter(connects).map(|step| &step.session);
    for name in used.chain(scenario.sessions.iter().map(|session| &session.name)) {
        if !lanes.iter().any(|lane| lane.name == name) {
            lanes.push(lane(scenario, name));
        }
    }
    lanes
}

fn lane<'a>(scenario: &'a ScenarioReport, name: &'a str) -> Lane<'a> {
    let sessions: Vec<&Session> = scenario.sessions.iter().filter(|session| session.name == name).collect();
    let steps: Vec<&Step> = scenario.steps.iter().filter(|step| step.session == name).collect();
    let mut spans: Vec<BarSpan<'_>> =
        sessions.iter().map(|session| BarSpan(BarKind::Open, session.opened, session.closed, "")).collect();
    spans.extend(steps.iter().filter(|step| is_played(step)).filter_map(|step| connect(step, &sessions)));
    spans.extend(sessions.iter().flat_map(|session| handshakes(session, &steps)));
    spans.extend(steps.iter().filter(|step| is_played(step)).flat_map(|step| waits(step)));
    let to = sessions.first().map(|session| format!("{}:{}", session.host, session.port)).unwrap_or_default();
    Lane { name, to, spans }
}

fn is_played(step: &Step) -> bool {
    matches!(step.verdict, StepVerdict::Followed | StepVerdict::Diverged)
}

/// Until the session was open; where it never was, until the step was over.
fn connect<'a>(step: &'a Step, sessions: &[&Session]) -> Option<BarSpan<'a>> {
    let end = step.started + step.duration;
    let opened = sessions.iter().map(|session| session.opened).find(|opened| (step.started..=end).contains(opened));
    let kind =
        if opened.is_none() && step.verdict == StepVerdict::Diverged { BarKind::Diverged } else { BarKind::Connect };
    (step.action == "connect").then(|| BarSpan(kind, step.started, opened.unwrap_or(end), &step.number))
}

/// From the reply that let it begin, or the open connection, to its end.
fn handshakes<'a>(session: &Session, steps: &[&'a Step]) -> Vec<BarSpan<'a>> {
    let handshake = |end: f64| {
        let replies = steps.iter().flat_map(|step| &step.replies).map(|reply| reply.at).filter(|at| *at <= end);
        let begin = replies.fold(session.opened.min(end), f64::max);
        let step = steps.iter().rfind(|step| step.started < end && end <= step.started + step.duration);
        BarSpan(BarKind::Tls, begin, end, step.map_or("", |step| step.number.as_str()))
    };
    session.tls.iter().map(|tls| handshake(tls.at)).collect()
}

/// Each reply that was waited for; a step that diverged without one waited to its end.
fn waits(step: &Step) -> Vec<BarSpan<'_>> {
    let diverged = step.verdict == StepVerdict::Diverged;
    let last = step.replies.len().saturating_sub(1);
    let kind = |index: usize| if diverged && index == last { BarKind::Diverged } else { BarKind::Wait };
    let replies = step.replies.iter().enumerate();
    let mut spans: Vec<BarSpan<'_>> = replies
        .map(|(index, reply)| BarSpan(kind(index), (reply.at - reply.elapsed).max(0.0), reply.at, &step.number))
        .collect();
    if spans.is_empty() && diverged && step.action != "connect" {
        spans.push(BarSpan(BarKind::Diverged, step.started, step.started + step.duration, &step.number));
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::collect;
    use crate::report::model::{Place, Reply, Tls};

    fn step(number: &str, action: &str, started: f64, duration: f64) -> Step {
        Step {
            number: number.to_owned(),
            name: None,
            action: action.to_owned(),
            title: String::new(),
            turn: None,
            path: None,
            received: None,
            closed: None,
            place: Place { file: String::new(), line: 1, column: 1 },
            session: "main".to_owned(),
            verdict: StepVerdict::Followed,
            started,
            duration,
            replies: Vec::new(),
            observed: None,
            reason: None,
        }
    }

    fn reply(at: f64, elapsed: f64) -> Reply {
        Reply { code: 220, enhanced: None, lines: Vec::new(), at, elapsed, octets: 10 }
    }

    fn session(opened: f64, closed: f64) -> Session {
        let tls = Tls { at: 6.0, version: String::new(), cipher: String::new(), verified: true, certificate: None };
        Session {
            name: "main".to_owned(),
            host: "mx.example".to_owned(),
            port: 25,
            stand_in: None,
            address: None,
            opened,
            closed,
            sent: 0,
            received: 0,
            messages: 0,
            tls: vec![tls],
            refused_certificate: None,
        }
    }

    #[test]
    fn a_session_connects_waits_and_shakes_hands() {
        let mut starttls = step("2", "starttls", 4.0, 2.0);
        starttls.replies.push(reply(5.0, 1.0));
        let mut quit = step("3", "send", 6.0, 3.0);
        quit.verdict = StepVerdict::Diverged;
        let steps = vec![step("", "connect", 0.0, 1.0), starttls, quit];
        let blank = collect::not_played(String::new(), "", "");
        let scenario = ScenarioReport { steps, sessions: vec![session(1.0, 9.0)], ..blank };
        let told = [
            BarSpan(BarKind::Open, 1.0, 9.0, ""),
            BarSpan(BarKind::Connect, 0.0, 1.0, ""),
            BarSpan(BarKind::Tls, 5.0, 6.0, "2"),
            BarSpan(BarKind::Wait, 4.0, 5.0, "2"),
            BarSpan(BarKind::Diverged, 6.0, 9.0, "3"),
        ];
        assert_eq!(lanes(&scenario), [Lane { name: "main", to: "mx.example:25".to_owned(), spans: told.into() }]);
    }

    #[test]
    fn a_connection_that_failed_has_a_lane() {
        let mut connect = step("", "connect", 0.0, 2.0);
        connect.verdict = StepVerdict::Diverged;
        let scenario = ScenarioReport { steps: vec![connect], ..collect::not_played(String::new(), "", "") };
        let spans = vec![BarSpan(BarKind::Diverged, 0.0, 2.0, "")];
        assert_eq!(lanes(&scenario), [Lane { name: "main", to: String::new(), spans }]);
    }
}
