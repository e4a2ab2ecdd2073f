//! Prometheus's text format, for the textfile collector of the node exporter.
//!
//! Responsible for names, labels and for one sample a series: a step of a loop has one, with all its turns together. What a
//! server said is in no label, so that a series does not change with every run. Called by `format`.

use super::Report;
use super::exposition::{ExpositionPage, Labels, Sample, number, sample, unix};
use super::model::{Latency, Load, ScenarioReport, Session, StepVerdict, Verdict};
use super::words;
use std::collections::BTreeMap;
use std::io;
/// Writes the report.
///
/// # Errors
/// What the output says.
pub fn write(report: &Report, output: &mut dyn io::Write) -> io::Result<()> {
    let mut page = ExpositionPage::of("smtp_script_");
    of_run(&mut page, report);
    of_scenarios(&mut page, &report.scenarios);
    of_steps(&mut page, &report.scenarios);
    of_connections(&mut page, &report.scenarios);
    if let Some(load) = &report.load {
        of_load(&mut page, load);
    }
    output.write_all(page.into_text().as_bytes())?;
    if let Some(audit) = &report.audit {
        let mut page = ExpositionPage::of("smtp_");
        super::audit::of_audit(&mut page, audit);
        output.write_all(page.into_text().as_bytes())?;
    }
    Ok(())
}

fn of_run(page: &mut ExpositionPage, report: &Report) {
    let one = |value: f64| vec![sample(&[], value)];
    let version = sample(&[("version", &report.program.version)], 1.0);
    page.gauge("build_info", "The program that played the scenarios.", vec![version]);
    let started: Vec<Sample> = unix(&report.started).map(|moment| sample(&[], moment)).into_iter().collect();
    page.gauge("last_run_timestamp_seconds", "When the run began, as unix time.", started);
    page.gauge("run_duration_seconds", "How long the run took.", one(report.duration));
    page.gauge(
        "exit_code",
        "The exit code of the run: 0 when all followed their script.",
        one(report.exit_code.into()),
    );
    let counts = words::counts(&report.summary).map(|(verdict, count)| sample(&[("verdict", verdict)], number(count)));
    page.gauge("scenarios", "How many scenarios had which verdict.", counts.to_vec());
    let steps = &report.summary.steps;
    let steps = [
        ("followed", steps.followed),
        ("diverged", steps.diverged),
        ("skipped", steps.skipped),
        ("unreached", steps.unreached),
    ];
    let steps = steps.map(|(verdict, count)| sample(&[("verdict", verdict)], number(count)));
    page.gauge("steps", "How many steps had which verdict.", steps.to_vec());
}

fn of_scenarios(page: &mut ExpositionPage, scenarios: &[ScenarioReport]) {
    let each = |value: &dyn Fn(&ScenarioReport) -> f64| -> Vec<Sample> {
        scenarios.iter().map(|one| sample(&[("scenario", &one.id)], value(one))).collect()
    };
    // What was not tested says nothing, neither that it followed nor that it did not.
    let judged = scenarios.iter().filter(|one| one.verdict != Verdict::NotApplicable);
    let good = |one: &ScenarioReport| matches!(one.verdict, Verdict::Followed | Verdict::Flaky);
    let followed = judged.map(|one| sample(&[("scenario", &one.id)], if good(one) { 1.0 } else { 0.0 })).collect();
    page.gauge("scenario_followed", "Whether the scenario followed its script, on a retry at the latest.", followed);
    let info = |one: &ScenarioReport| {
        let verdict = words::verdict(one.verdict);
        sample(&[("scenario", &one.id), ("name", &one.name), ("file", &one.path), ("verdict", verdict)], 1.0)
    };
    page.gauge("scenario_info", "The verdict of the scenario.", scenarios.iter().map(info).collect());
    page.gauge("scenario_duration_seconds", "How long the scenario took.", each(&|one| one.duration));
    page.gauge("scenario_retries", "Attempts that diverged before this one.", each(&|one| number(one.attempts.len())));
    let mut diverged = Vec::new();
    for scenario in scenarios {
        for one in &scenario.divergences {
            let code = one.reply_code.map(|code| code.to_string()).unwrap_or_default();
            let labels = [("kind", one.kind.as_str()), ("cause", &one.cause), ("code", &code)];
            let step = [("scenario", scenario.id.as_str()), ("step", &one.step)];
            diverged.push(sample(&[step.as_slice(), labels.as_slice()].concat(), 1.0));
        }
    }
    page.gauge("scenario_divergence_info", "What did not follow the script.", diverged);
}

fn of_steps(page: &mut ExpositionPage, scenarios: &[ScenarioReport]) {
    let (mut durations, mut replies) = (Vec::new(), Vec::new());
    for scenario in scenarios {
        for step in steps_in_figures(scenario) {
            let labels = [("scenario", scenario.id.as_str()), ("step", step.number), ("name", &step.name)];
            durations.push(sample(&labels, step.duration));
            replies.extend(step.code.map(|code| sample(&labels, code.into())));
        }
    }
    page.gauge("step_duration_seconds", "How long the step took, all its turns together.", durations);
    page.gauge("step_reply_code", "The code of the last reply that the step read.", replies);
}

/// A step with all its turns.
pub(super) struct StepSeries<'r> {
    pub(super) number: &'r str,
    pub(super) name: String,
    pub(super) duration: f64,
    /// Of the last reply that it read.
    pub(super) code: Option<u16>,
    /// Whether it was begun at all.
    pub(super) played: bool,
}

/// Each step once, in the order of the file.
pub(super) fn steps_in_figures(scenario: &ScenarioReport) -> Vec<StepSeries<'_>> {
    let mut all: Vec<StepSeries<'_>> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for step in &scenario.steps {
        let at = *places.entry(&step.number).or_insert_with(|| {
            let name = words::called(step).to_owned();
            all.push(StepSeries { number: &step.number, name, duration: 0.0, code: None, played: false });
            all.len() - 1
        });
        all[at].duration += step.duration;
        all[at].played |= matches!(step.verdict, StepVerdict::Followed | StepVerdict::Diverged);
        all[at].code = step.replies.last().map(|reply| reply.code).or(all[at].code);
    }
    all
}

fn of_connections(page: &mut ExpositionPage, scenarios: &[ScenarioReport]) {
    let sessions = || scenarios.iter().flat_map(|one| one.sessions.iter().map(move |session| (one, session)));
    let sum = |value: &dyn Fn(&Session) -> u64| -> Vec<Sample> {
        let of = |one: &ScenarioReport| one.sessions.iter().map(value).sum::<u64>();
        scenarios.iter().map(|one| sample(&[("scenario", &one.id)], number(of(one)))).collect()
    };
    page.gauge("scenario_sessions", "Connections that the scenario opened.", sum(&|_| 1));
    page.gauge("scenario_messages", "Messages that servers took from the scenario.", sum(&|session| session.messages));
    page.gauge("scenario_sent_bytes", "Octets sent, without those of TLS.", sum(&|session| session.sent));
    page.gauge("scenario_received_bytes", "Octets received, without those of TLS.", sum(&|session| session.received));
    let (mut tls, mut certificates) = (Vec::new(), Vec::new());
    for (scenario, session) in sessions() {
        let port = session.port.to_string();
        let server = [
            ("scenario", scenario.id.as_str()),
            ("session", session.name.as_str()),
            ("host", session.host.as_str()),
            ("port", port.as_str()),
        ];
        for handshake in &session.tls {
            let verified = if handshake.verified { "true" } else { "false" };
            let labels =
                [("version", handshake.version.as_str()), ("cipher", &handshake.cipher), ("verified", verified)];
            tls.push(sample(&[server.as_slice(), labels.as_slice()].concat(), 1.0));
        }
        for certificate in session.certificates() {
            if let Some(moment) = unix(&certificate.not_after) {
                let subject = [("subject", certificate.subject.as_str())];
                certificates.push(sample(&[server.as_slice(), subject.as_slice()].concat(), moment));
            }
        }
    }
    page.gauge("tls_info", "What a TLS handshake agreed on.", tls);
    let help = "The last moment the server's certificate is valid, as unix time, also of one that was refused.";
    page.gauge("certificate_not_after_timestamp_seconds", help, certificates);
}

fn of_load(page: &mut ExpositionPage, load: &Load) {
    let runs = [
        ("followed", load.followed),
        ("diverged", load.diverged),
        ("unreachable", load.unreachable),
        ("broken", load.broken),
        ("interrupted", load.interrupted),
    ];
    let runs = runs.map(|(verdict, count)| sample(&[("verdict", verdict)], number(count)));
    page.gauge("load_runs", "How many runs under load had which verdict.", runs.to_vec());
    let figures = [
        ("load_late_runs", "Runs that began later than they were due.", number(load.late)),
        ("load_peak_runs", "The most runs that were under way at once.", number(load.peak)),
        ("load_sessions", "Connections that were opened under load.", number(load.sessions)),
        ("load_messages", "Messages that servers took under load.", number(load.messages)),
        ("load_sent_bytes", "Octets sent under load.", number(load.sent)),
        ("load_received_bytes", "Octets received under load.", number(load.received)),
        ("load_duration_seconds", "How long the load lasted.", load.duration),
        ("load_runs_per_second", "Runs each second.", load.runs_per_second),
        ("load_sessions_per_second", "Connections each second.", load.sessions_per_second),
        ("load_messages_per_second", "Messages each second.", load.messages_per_second),
    ];
    for (name, help, value) in figures {
        page.gauge(name, help, vec![sample(&[], value)]);
    }
    page.summary(
        "load_run_duration_seconds",
        "How long runs took that followed their script.",
        &[(Vec::new(), &load.latency)],
    );
    let max = vec![sample(&[], load.latency.max)];
    page.gauge("load_run_duration_max_seconds", "The longest of the runs that followed their script.", max);
    of_load_steps(page, load);
    let replies = load.replies.iter().map(|(code, count)| sample(&[("code", code)], number(*count))).collect();
    page.gauge("load_replies", "How many replies came with which code.", replies);
    of_load_errors(page, load);
}

fn of_load_steps(page: &mut ExpositionPage, load: &Load) {
    let label = |name: &'static str, value: &str| (name, value.to_owned());
    let steps: Vec<(Labels, &Latency)> = load
        .steps
        .iter()
        .map(|one| {
            (vec![label("scenario", &one.scenario), label("step", &one.step), label("name", &one.name)], &one.latency)
        })
        .collect();
    page.summary("load_step_duration_seconds", "How long a step took where it followed the script.", &steps);
    let longest = steps.iter().map(|(labels, latency)| Sample { labels: labels.clone(), value: latency.max }).collect();
    page.gauge("load_step_duration_max_seconds", "The longest a step took where it followed the script.", longest);
}

fn of_load_errors(page: &mut ExpositionPage, load: &Load) {
    let mut errors: BTreeMap<(&str, &str, &str), u64> = BTreeMap::new();
    for one in &load.errors {
        *errors.entry((&one.scenario, &one.step, &one.kind)).or_default() += one.count;
    }
    let error = |((scenario, step, kind), count): (&(&str, &str, &str), &u64)| {
        sample(&[("scenario", scenario), ("step", step), ("kind", kind)], number(*count))
    };
    page.gauge("load_errors", "How often a step diverged, and how.", errors.iter().map(error).collect());
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use proptest::prelude::*;
    use regex::Regex;

    fn written(report: &Report) -> String {
        samples::written(report, write)
    }

    #[test]
    fn what_came_of_a_scenario_and_its_steps() {
        let page = written(&samples::diverged());
        for line in [
            "# TYPE smtp_script_scenario_followed gauge\nsmtp_script_scenario_followed{scenario=\"a.yaml\"} 0\n",
            "smtp_script_scenario_divergence_info{scenario=\"a.yaml\",step=\"2\",kind=\"reply\",cause=\"server\",code=\"550\"} 1\n",
            "smtp_script_step_duration_seconds{scenario=\"a.yaml\",step=\"1\",name=\"greeting\"} 0.1\n",
            "smtp_script_step_reply_code{scenario=\"a.yaml\",step=\"2\",name=\"sender # 1\"} 550\n",
            "subject=\"CN=mx.example\"} 1798761600\n",
            "smtp_script_last_run_timestamp_seconds 1795470600.123\n",
        ] {
            assert!(page.contains(line), "{line}\n{page}");
        }
    }

    #[test]
    fn a_series_has_one_sample() {
        let mut report = samples::diverged();
        report.scenarios.push(report.scenarios[0].clone());
        let (once, twice) = (written(&samples::diverged()), written(&report));
        assert_eq!(once, twice);
    }

    proptest! {
        #[test]
        fn any_text_keeps_the_grammar(text in any::<String>()) {
            let grammar = Regex::new(r#"^(# (HELP|TYPE) smtp_script_[a-z_]+ .+|smtp_script_[a-z_]+(\{[a-z]+="([^"\\]|\\\\|\\")*"(,[a-z]+="([^"\\]|\\\\|\\")*")*\})? (-?[0-9.]+|NaN))$"#).unwrap();
            let page = written(&samples::of_text(&text));
            for line in page.strip_suffix('\n').unwrap().split('\n') {
                prop_assert!(grammar.is_match(line), "{}", line);
            }
        }
    }
}
