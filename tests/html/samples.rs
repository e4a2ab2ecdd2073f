//! Reports to make pages of: scenarios that were really played, and what can be made from those.

use crate::harness::ScriptedServer;
use smtp_script::report::collect::{self, Circumstances};
use smtp_script::report::latency::Latencies;
use smtp_script::report::model::{
    Attempt, ErrorFigures, Load, Report, ScenarioReport, Speaker, StepFigures, StepVerdict, Verdict,
};
use smtp_script::run::{self, Settings};
use smtp_script::scenario::{Inputs, Variables};
use smtp_script::{check, load_text};
use std::time::Duration;

const DELIVERY: &str = "
name: A message over STARTTLS
tags: [smoke, tls]
connect: mx.example:587
steps:
  - expect: 220
  - send: EHLO client.example
    expect: 250
  - starttls: {verify: false}
  - send: EHLO client.example
    expect: 250
  - name: the sender
    send: MAIL FROM:<john@doe.example>
    expect: 250
  - send: RCPT TO:<mary@jane.example>
    expect: 250
  - send: DATA
    expect: 354
  - data: |
      Subject: Fancy a cake?

      Tonight at eight.
    expect: 250
  - send: QUIT
    expect: 221
";

const TWO_SESSIONS: &str = "
name: Two sessions at once
tags: [sessions]
connect: mx.example
steps:
  - expect: 220
  - connect: {host: mx.example, as: second}
  - session: second
    expect: 220
  - session: second
    send: EHLO second.example
    expect: 250
  - send: EHLO first.example
    expect: 250
  - session: second
    send: QUIT
    expect: 221
  - send: QUIT
    expect: 221
";

const REFUSED: &str = "
name: The recipient is refused
tags: [policy]
connect: mx.example
steps:
  - expect: 220
  - send: EHLO client.example
    expect: 250
  - send: MAIL FROM:<john@doe.example>
    expect: 250
  - name: the recipient
    send: RCPT TO:<mary@jane.example>
    expect: 250
  - send: DATA
    expect: 354
";

const REFUSING_SERVER: &str = r"S: 220 mx.example ESMTP
C: EHLO client.example
S: 250-mx.example
S: 250-PIPELINING
S: 250 SIZE 1000000
C: MAIL FROM:<john@doe.example>
S: 250 2.1.0 Ok
C: RCPT TO:<mary@jane.example>
pause 30ms
S: 550 5.7.1 <mary@jane.example>: Recipient address rejected: Access denied
";

/// What a page could trip over.
pub(crate) const HOSTILE: &str =
    "</script><script>window.hacked = 1</script><img src=x onerror=\"window.hacked = 2\"><!-- {{ 7 * 7 }} \u{202e}&lt;";

/// Plays a scenario against the sandbox, or the server at an address.
fn play(id: &str, text: &str, to: Option<&str>) -> ScenarioReport {
    let scenario = load_text(id, text).unwrap_or_else(|error| panic!("{id}: {}", error.diagnostics[0].message));
    let variables = Variables::resolve(&scenario, &Inputs::default()).expect("no values are needed");
    let to = to.map(|to| {
        let (host, port) = to.rsplit_once(':').expect("an address");
        (host.to_owned(), Some(port.parse().expect("a port")))
    });
    let settings = Settings { sandbox: to.is_none(), to, insecure: true, ..Settings::default() };
    let outcome = run::run(&scenario, &variables, &settings);
    let warnings = check(&scenario, Some(&variables), &settings);
    collect::played(&outcome, Circumstances { id: id.to_owned(), ..Circumstances::default() }, &warnings)
}

pub(crate) fn delivery() -> ScenarioReport {
    play("mail/delivery.yaml", DELIVERY, None)
}

/// The fourth step diverged.
pub(crate) fn refused() -> ScenarioReport {
    let server = ScriptedServer::start(REFUSING_SERVER);
    let report = play("mail/refused.yaml", REFUSED, Some(&server.address()));
    server.finish().expect("the client followed the server's script");
    report
}

fn flaky() -> ScenarioReport {
    let message = "step 2 diverged: expected reply code 250, got 451 4.7.1".to_owned();
    let base = play("mail/two.yaml", TWO_SESSIONS, None);
    ScenarioReport {
        verdict: Verdict::Flaky,
        attempts: vec![Attempt { step: "2".to_owned(), message, duration: 0.2 }],
        ..base
    }
}

fn unreachable() -> ScenarioReport {
    play("mail/unreachable.yaml", "connect: 127.0.0.1:1\nsteps:\n  - expect: 220\n", Some("127.0.0.1:1"))
}

fn broken() -> ScenarioReport {
    let text = "name: Broken\nconnect: mx.example\nsteps:\n  - expect: 220\n  - sned: QUIT\n";
    let error = load_text("mail/broken.yaml", text).expect_err("a mistake");
    collect::broken("mail/broken.yaml".to_owned(), Some("Broken"), &error.sources, &error.diagnostics)
}

/// One of each kind.
pub(crate) fn mixed() -> Report {
    let not_played = collect::not_played("mail/later.yaml".to_owned(), "Its turn never came", "mail/later.yaml");
    report(vec![delivery(), flaky(), refused(), unreachable(), broken(), not_played])
}

pub(crate) fn report(scenarios: Vec<ScenarioReport>) -> Report {
    let exit_code = scenarios.iter().map(|scenario| scenario.exit_code).max().unwrap_or_default();
    let duration = scenarios.iter().map(|scenario| scenario.duration).sum();
    let mut report = Report { scenarios, exit_code, duration, ..Report::begin() };
    report.count();
    report
}

/// As many as asked for; every 40th diverged. Each has the name `Scenario NUMBER`, and one reply says `ticket NUMBER.`.
pub(crate) fn many(count: usize) -> Report {
    let (good, bad) = (delivery(), refused());
    let one = |number: usize| {
        let base = if number % 40 == 7 { &bad } else { &good };
        let mut scenario = ScenarioReport { id: format!("many/{number}.yaml"), ..base.clone() };
        scenario.path.clone_from(&scenario.id);
        scenario.name = format!("Scenario {number}");
        scenario.duration += f64::from(u32::try_from(number % 97).expect("a small number")) / 1000.0;
        let last = scenario.transcript.iter_mut().rfind(|line| line.speaker == Speaker::Server);
        let reply = last.expect("a reply");
        reply.text = format!("{} ticket {number}.", reply.text);
        scenario
    };
    report((1..=count).map(one).collect())
}

/// Every text of a report that diverged is hostile.
pub(crate) fn hostile() -> Report {
    let mut one = refused();
    let hostile = || HOSTILE.to_owned();
    (one.id, one.path, one.name, one.tags) = (hostile(), hostile(), hostile(), vec![hostile()]);
    one.notices = vec![hostile()];
    one.captures.insert(hostile(), hostile());
    one.attempts = vec![Attempt { step: hostile(), message: hostile(), duration: 0.0 }];
    for divergence in &mut one.divergences {
        divergence.diagnostic.message = hostile();
        divergence.diagnostic.rendered = hostile();
    }
    for line in &mut one.transcript {
        line.text = format!("{HOSTILE}\0\u{1b}[31m");
        line.session = hostile();
    }
    for step in &mut one.steps {
        (step.name, step.session, step.place.file) = (Some(hostile()), hostile(), hostile());
    }
    for session in &mut one.sessions {
        (session.name, session.host) = (hostile(), hostile());
    }
    let errors = vec![hostile()];
    let mut made = Report { errors, load: Some(load()), ..report(vec![one]) };
    if let Some(load) = &mut made.load {
        load.errors[0].message = hostile();
        load.steps[0].name = hostile();
        load.replies.insert(hostile(), 3);
    }
    made
}

/// Figures as a run under load has them.
pub(crate) fn load() -> Load {
    let latencies = |base: u64| {
        let mut latencies = Latencies::default();
        for turn in 0..4000u64 {
            // Most take about the same, a few much longer.
            let spread = turn * 7919 % 1000;
            let tail = if turn % 97 == 0 { 20 } else { 1 };
            latencies.record(Duration::from_micros(base * tail + base * spread * spread / 900_000));
        }
        latencies.figures()
    };
    let steps = [
        ("1", "the greeting", 900),
        ("2", "EHLO client.example", 400),
        ("4", "the recipient", 2600),
        ("6", "the end", 5200),
    ];
    let step = |(number, name, base): (&str, &str, u64)| StepFigures {
        scenario: "mail/delivery.yaml".to_owned(),
        step: number.to_owned(),
        name: name.to_owned(),
        diverged: if number == "4" { 37 } else { 0 },
        latency: latencies(base),
    };
    let error = |step: &str, kind: &str, message: &str, count| ErrorFigures {
        scenario: "mail/delivery.yaml".to_owned(),
        step: step.to_owned(),
        kind: kind.to_owned(),
        message: message.to_owned(),
        count,
    };
    Load {
        jobs: 50,
        rate: Some(200.0),
        runs: 4037,
        followed: 4000,
        diverged: 37,
        peak: 48,
        late: 12,
        sessions: 4037,
        messages: 4000,
        sent: 3_900_000,
        received: 2_100_000,
        duration: 20.2,
        runs_per_second: 199.8,
        sessions_per_second: 199.8,
        messages_per_second: 198.0,
        latency: latencies(11_000),
        steps: steps.map(step).into(),
        replies: [("220", 8074), ("250", 20_148), ("354", 4000), ("450", 31), ("550", 6)]
            .map(|(code, count)| (code.to_owned(), count))
            .into(),
        errors: vec![
            error("4", "reply", "expected reply code 250, got 450 4.7.1: greylisted, try again later", 31),
            error("4", "reply", "expected reply code 250, got 550 5.1.1", 6),
        ],
        ..Load::default()
    }
}

/// A run under load, with an example of what diverged.
pub(crate) fn under_load() -> Report {
    Report { load: Some(load()), duration: 20.2, ..report(vec![refused()]) }
}

/// A scenario whose server took so long that the waits can be measured in the picture.
pub(crate) fn diverged_at(scenario: &ScenarioReport) -> &str {
    let step = scenario.steps.iter().find(|step| step.verdict == StepVerdict::Diverged);
    step.map_or("", |step| step.number.as_str())
}
