//! Reports for the tests of the formats.

use super::Report;
use super::collect::not_played;
use super::model::{
    Attempt, Certificate, Diagnostic, Divergence, ErrorFigures, Latency, Line, Load, Place, Reply, ScenarioReport,
    Session, Speaker, Step, StepFigures, StepVerdict, Tls, Verdict,
};
use std::collections::BTreeMap;
use std::io;

/// A report as a format writes it.
pub(crate) fn written(report: &Report, write: fn(&Report, &mut dyn io::Write) -> io::Result<()>) -> String {
    let mut bytes = Vec::new();
    write(report, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Three steps, of which the second diverges.
pub(crate) fn diverged() -> Report {
    let words = |text: &'static str| text.to_owned();
    let scenario = ScenarioReport {
        verdict: Verdict::Diverged,
        exit_code: 1,
        started: words("2026-11-23T21:50:00.123Z"),
        duration: 0.412,
        divergences: vec![divergence()],
        steps: vec![
            step("1", Some("greeting"), StepVerdict::Followed),
            step("2", Some("sender # 1"), StepVerdict::Diverged),
            step("3", None, StepVerdict::Unreached),
        ],
        sessions: vec![session()],
        captures: BTreeMap::from([(words("queue_id"), words("4XyZ"))]),
        transcript: vec![
            said(Speaker::Server, "1", "220 mx.example"),
            said(Speaker::Client, "2", "MAIL FROM:<a@example.com>"),
            said(Speaker::Server, "2", "550 <no> ]]>"),
        ],
        ..not_played(words("a.yaml"), "a.yaml", "a.yaml")
    };
    of(scenario)
}

/// Followed on the second attempt.
pub(super) fn flaky() -> Report {
    let mut scenario = diverged().scenarios.remove(0);
    scenario.verdict = Verdict::Flaky;
    scenario.exit_code = 0;
    scenario.divergences.clear();
    scenario.attempts =
        vec![Attempt { step: "2".to_owned(), message: "step 2 \"sender\" diverged".to_owned(), duration: 0.1 }];
    scenario.steps =
        vec![step("1", Some("greeting"), StepVerdict::Followed), step("2", Some("sender"), StepVerdict::Followed)];
    of(scenario)
}

/// A report of everything, in which each text is `text`.
pub(super) fn of_text(text: &str) -> Report {
    let own = || text.to_owned();
    let mut report = diverged();
    report.errors = vec![own()];
    report.program.version = own();
    report.started = own();
    report.load = Some(load(text));
    let diagnostic = Diagnostic {
        message: own(),
        place: Place { file: own(), line: 4, column: 13 },
        label: own(),
        notes: vec![own()],
        help: vec![own()],
        rendered: own(),
    };
    fill(&mut report.scenarios[0], text, &diagnostic);
    report
}

/// Every text of a scenario's report.
fn fill(one: &mut ScenarioReport, text: &str, diagnostic: &Diagnostic) {
    let own = || text.to_owned();
    for place in [&mut one.id, &mut one.path, &mut one.name, &mut one.started] {
        *place = own();
    }
    one.tags = vec![own()];
    one.case = BTreeMap::from([(own(), text.into())]);
    one.vars = one.case.clone();
    one.notices = vec![own()];
    one.warnings = vec![diagnostic.clone()];
    one.errors = vec![diagnostic.clone()];
    one.attempts = vec![Attempt { step: own(), message: own(), duration: 0.1 }];
    one.captures = BTreeMap::from([(own(), own())]);
    one.transcript = vec![Line { session: own(), ..said(Speaker::Server, text, text) }];
    let divergence = |step: String| Divergence {
        step,
        index: None,
        expected: Some(own()),
        got: Some(own()),
        kind: own(),
        cause: own(),
        reason: Some(own()),
        reply_code: None,
        line: None,
        warning: false,
        diagnostic: diagnostic.clone(),
    };
    one.divergences = vec![divergence("2".to_owned()), divergence("elsewhere".to_owned())];
    for step in &mut one.steps {
        step.name = Some(own());
        step.title = own();
        step.place.file = own();
        step.session = own();
    }
    fill_session(&mut one.sessions[0], text);
}

fn fill_session(session: &mut Session, text: &str) {
    let own = || text.to_owned();
    session.name = own();
    session.host = own();
    session.address = Some(own());
    let tls = &mut session.tls[0];
    tls.version = own();
    tls.cipher = own();
    let certificate = tls.certificate.as_mut().unwrap();
    certificate.subject = own();
    certificate.not_after = own();
    session.refused_certificate = Some(certificate.clone());
}

/// The figures of a run under load.
pub(super) fn load(text: &str) -> Load {
    let latency =
        Latency { count: 3, min: 0.1, mean: 0.2, p50: 0.2, p90: 0.3, p99: 0.3, max: 0.3, counts: vec![(200_000, 3)] };
    Load {
        jobs: 4,
        runs: 4,
        followed: 3,
        diverged: 1,
        sessions: 4,
        messages: 3,
        duration: 2.0,
        runs_per_second: 2.0,
        sessions_per_second: 2.0,
        messages_per_second: 1.5,
        latency: latency.clone(),
        steps: vec![StepFigures {
            scenario: text.to_owned(),
            step: "2".to_owned(),
            name: text.to_owned(),
            diverged: 1,
            latency,
        }],
        replies: BTreeMap::from([("250".to_owned(), 9), (text.to_owned(), 1)]),
        errors: vec![ErrorFigures {
            scenario: text.to_owned(),
            step: "2".to_owned(),
            kind: "reply".to_owned(),
            message: text.to_owned(),
            count: 1,
        }],
        ..Load::default()
    }
}

fn of(scenario: ScenarioReport) -> Report {
    let mut report = Report {
        duration: scenario.duration,
        started: scenario.started.clone(),
        exit_code: scenario.exit_code,
        scenarios: vec![scenario],
        ..Report::begin()
    };
    report.count();
    report
}

fn divergence() -> Divergence {
    let message = "step 2 diverged: expected 250, got 550".to_owned();
    Divergence {
        step: "2".to_owned(),
        kind: "reply".to_owned(),
        cause: "server".to_owned(),
        reason: None,
        reply_code: Some(550),
        index: Some(1),
        expected: Some("reply code 250".to_owned()),
        got: Some("550 <no> ]]>".to_owned()),
        line: Some(2),
        warning: false,
        diagnostic: Diagnostic {
            rendered: format!("error: {message}\n --> a.yaml:4:13"),
            message,
            place: place(4),
            label: "the reply was \"550 <no> ]]>\"".to_owned(),
            notes: Vec::new(),
            help: vec!["ask | the `postmaster`".to_owned()],
        },
    }
}

fn step(number: &str, name: Option<&str>, verdict: StepVerdict) -> Step {
    let diverged = verdict == StepVerdict::Diverged;
    let reply =
        Reply { code: 550, enhanced: None, lines: vec!["550 <no> ]]>".to_owned()], at: 0.3, elapsed: 0.1, octets: 14 };
    Step {
        number: number.to_owned(),
        name: name.map(str::to_owned),
        action: "send".to_owned(),
        title: "send NOOP".to_owned(),
        turn: None,
        path: None,
        received: None,
        closed: None,
        place: place(2 + number.parse::<usize>().unwrap()),
        session: "main".to_owned(),
        verdict,
        started: 0.1,
        duration: 0.1,
        replies: if diverged { vec![reply] } else { Vec::new() },
        observed: None,
        reason: None,
    }
}

fn place(line: usize) -> Place {
    Place { file: "a.yaml".to_owned(), line, column: 13 }
}

fn said(speaker: Speaker, step: &str, text: &str) -> Line {
    let at = if step == "1" { 0.0 } else { 0.3 };
    Line { at, session: "main".to_owned(), speaker, text: text.to_owned(), step: step.to_owned() }
}

fn session() -> Session {
    let certificate = Certificate {
        subject: "CN=mx.example".to_owned(),
        issuer: "CN=mx.example".to_owned(),
        names: vec!["mx.example".to_owned()],
        not_before: "2026-01-01T00:00:00.000Z".to_owned(),
        not_after: "2027-01-01T00:00:00.000Z".to_owned(),
        days_left: 38,
    };
    Session {
        name: "main".to_owned(),
        host: "mx.example".to_owned(),
        port: 25,
        stand_in: None,
        address: Some("127.0.0.1:25".to_owned()),
        opened: 0.0,
        closed: 0.4,
        sent: 100,
        received: 200,
        messages: 0,
        tls: vec![Tls {
            at: 0.2,
            version: "TLSv1.3".to_owned(),
            cipher: "TLS_AES_256_GCM_SHA384".to_owned(),
            verified: true,
            certificate: Some(certificate),
        }],
        refused_certificate: None,
    }
}
