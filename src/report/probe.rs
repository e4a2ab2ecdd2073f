//! What one probe of the exporter reports: metrics under the names that `blackbox_exporter`'s users know, and a page of text.
//!
//! Responsible for the cause that a failed probe is filed under. What a server said is in no label. Called by the exporter.

use super::exposition::{ExpositionPage, Sample, number, sample, unix};
use super::model::{ScenarioReport, Session, StepVerdict, Tls};
use super::prometheus::steps_in_figures;
use super::words;
use std::fmt::Write as _;

/// Why a probe failed: who has to look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Failure {
    /// The name has no address.
    Dns,
    /// Nobody listens on the port.
    Refused,
    /// There is no way to the address.
    Unreachable,
    /// Something did not come in time: the connection, a reply, the end of the probe.
    Timeout,
    /// The TLS handshake failed, but not over the certificate.
    Tls,
    /// The certificate was refused.
    Certificate,
    /// The conversation went another way than its script.
    Diverged,
    /// The scenario could not be played as it is.
    Scenario,
}

impl Failure {
    /// Every cause, from the network up.
    pub const ALL: [Failure; 8] = [
        Failure::Dns,
        Failure::Refused,
        Failure::Unreachable,
        Failure::Timeout,
        Failure::Tls,
        Failure::Certificate,
        Failure::Diverged,
        Failure::Scenario,
    ];

    /// The cause of a probe that failed, by what diverged first.
    #[must_use]
    pub fn of(probe: &ScenarioReport) -> Option<Failure> {
        if !probe.verdict.is_failure() {
            return None;
        }
        let Some(first) = probe.divergences.first() else { return Some(Failure::Scenario) };
        let reason = first.reason.as_deref().unwrap_or_default();
        Some(match (first.kind.as_str(), reason, first.cause.as_str()) {
            ("timeout" | "max-time", _, _) | (_, "timeout", _) => Failure::Timeout,
            (_, _, "user" | "bug") | ("template", _, _) => Failure::Scenario,
            ("connect", "name", _) => Failure::Dns,
            ("connect", "refused", _) => Failure::Refused,
            ("connect", _, _) | (_, _, "network") => Failure::Unreachable,
            (
                "tls",
                "expired" | "not_yet_valid" | "wrong_name" | "unknown_issuer" | "self_signed" | "unverified",
                _,
            ) => Failure::Certificate,
            ("tls", _, _) => Failure::Tls,
            _ => Failure::Diverged,
        })
    }

    /// The value of the label `cause`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Failure::Dns => "dns",
            Failure::Refused => "refused",
            Failure::Unreachable => "unreachable",
            Failure::Timeout => "timeout",
            Failure::Tls => "tls",
            Failure::Certificate => "certificate",
            Failure::Diverged => "diverged",
            Failure::Scenario => "scenario",
        }
    }
}

/// The metrics that a scrape gets.
#[must_use]
pub fn metrics(probe: &ScenarioReport) -> String {
    let mut page = ExpositionPage::of("probe_");
    let failure = Failure::of(probe);
    let one = |value: f64| vec![sample(&[], value)];
    let flag = |yes: bool| if yes { 1.0 } else { 0.0 };
    page.gauge("success", "Whether the conversation followed its script.", one(flag(failure.is_none())));
    page.gauge("duration_seconds", "How long the probe took.", one(probe.duration));
    let causes = Failure::ALL.iter().map(|one| sample(&[("cause", one.word())], flag(failure == Some(*one))));
    page.gauge("failure", "Why the probe failed: 1 at one of the causes.", causes.collect());
    page.gauge("failure_info", "Where the probe failed, and how.", failure_info(probe, failure));
    page.gauge("phase_duration_seconds", "How long each part of the probe took.", phases(probe));
    of_steps(&mut page, probe);
    of_connection(&mut page, probe);
    page.into_text()
}

fn failure_info(probe: &ScenarioReport, failure: Option<Failure>) -> Vec<Sample> {
    let (Some(failure), Some(first)) = (failure, probe.divergences.first()) else { return Vec::new() };
    let code = first.reply_code.map(|code| code.to_string()).unwrap_or_default();
    let step = probe.steps.iter().find(|step| step.number == first.step);
    let name = step.map_or("", |step| step.name.as_deref().unwrap_or(&step.action));
    let labels = [
        ("cause", failure.word()),
        ("step", first.step.as_str()),
        ("name", name),
        ("kind", first.kind.as_str()),
        ("reason", first.reason.as_deref().unwrap_or_default()),
        ("code", &code),
    ];
    vec![sample(&labels, 1.0)]
}

/// What the time of a probe went into, by the action of each step.
fn phases(probe: &ScenarioReport) -> Vec<Sample> {
    let mut sums = [("connect", 0.0), ("tls", 0.0), ("auth", 0.0), ("data", 0.0), ("dialogue", 0.0)];
    let is_group = |number: &str| {
        let inside = format!("{number}.");
        !number.is_empty() && probe.steps.iter().any(|other| other.number.starts_with(&inside))
    };
    for step in &probe.steps {
        let phase = match step.action.as_str() {
            _ if step.number.is_empty() => 0,
            "connect" => 0,
            "starttls" | "tls" => 1,
            "auth" => 2,
            "data" | "message" | "bdat" => 3,
            _ if is_group(&step.number) => continue,
            _ => 4,
        };
        // TLS from the first octet is part of the step that connects.
        let within = |at: f64| at >= step.started && at <= step.started + step.duration;
        let implicit = if phase == 0 { implicit_tls(&probe.sessions, within) } else { 0.0 };
        sums[phase].1 += step.duration - implicit;
        sums[1].1 += implicit;
    }
    sums.iter().map(|(phase, sum)| sample(&[("phase", phase)], sum.max(0.0))).collect()
}

fn implicit_tls(sessions: &[Session], within: impl Fn(f64) -> bool) -> f64 {
    let handshake =
        |session: &Session| session.tls.first().filter(|tls| within(tls.at)).map(|tls| tls.at - session.opened);
    sessions.iter().filter_map(handshake).sum()
}

fn of_steps(page: &mut ExpositionPage, probe: &ScenarioReport) {
    let (mut durations, mut replies) = (Vec::new(), Vec::new());
    for step in steps_in_figures(probe).into_iter().filter(|step| step.played) {
        let labels = [("step", step.number), ("name", &step.name)];
        durations.push(sample(&labels, step.duration));
        replies.extend(step.code.map(|code| sample(&labels, code.into())));
    }
    page.gauge("step_duration_seconds", "How long the step took, all its turns together.", durations);
    page.gauge("step_reply_code", "The code of the last reply that the step read.", replies);
    let verdicts = [
        ("followed", StepVerdict::Followed),
        ("diverged", StepVerdict::Diverged),
        ("skipped", StepVerdict::Skipped),
        ("unreached", StepVerdict::Unreached),
    ];
    let count = |verdict: StepVerdict| number(probe.steps.iter().filter(|step| step.verdict == verdict).count());
    let counts = verdicts.map(|(word, verdict)| sample(&[("verdict", word)], count(verdict)));
    page.gauge("steps", "How many steps had which verdict.", counts.to_vec());
}

fn of_connection(page: &mut ExpositionPage, probe: &ScenarioReport) {
    let address = probe.sessions.iter().find_map(|session| session.address.as_deref());
    let version = address.map(|address| if address.starts_with('[') { 6.0 } else { 4.0 });
    let version = version.map(|version| sample(&[], version)).into_iter().collect();
    page.gauge("ip_protocol", "The IP version of the connection: 4 or 6.", version);
    let handshakes = || probe.sessions.iter().flat_map(|session| &session.tls);
    let each = |told: &dyn Fn(&Tls) -> Sample| handshakes().map(told).collect();
    page.gauge("tls_version_info", "The TLS version.", each(&|tls| sample(&[("version", &tls.version)], 1.0)));
    page.gauge("tls_cipher_info", "The cipher suite.", each(&|tls| sample(&[("cipher", &tls.cipher)], 1.0)));
    let verified = handshakes().next().map(|_| if handshakes().all(|tls| tls.verified) { 1.0 } else { 0.0 });
    let verified = verified.map(|all| sample(&[], all)).into_iter().collect();
    page.gauge("tls_verified", "Whether every certificate was verified.", verified);
    let certificates = probe.sessions.iter().flat_map(Session::certificates);
    let expiries = certificates.filter_map(|certificate| unix(&certificate.not_after));
    let earliest = expiries.reduce(f64::min).map(|moment| sample(&[], moment)).into_iter().collect();
    let help = "The last moment the server's certificate is valid, as unix time, also of one that was refused; of several the earliest.";
    page.gauge("ssl_earliest_cert_expiry", help, earliest);
}

/// What a person reads who asks for `debug=true`: the verdict, what diverged, the conversation, the metrics.
#[must_use]
pub fn debug(probe: &ScenarioReport, target: &str) -> String {
    let mut text = String::new();
    let verdict = match Failure::of(probe) {
        None => "followed its script".to_owned(),
        Some(failure) => format!("failed, cause: {}", failure.word()),
    };
    let scenario = words::scenario(probe);
    _ = writeln!(text, "{scenario} against {}: {verdict} ({:.3} s)", words::line(target), probe.duration);
    let diverged = probe.divergences.iter().map(|one| &one.diagnostic);
    for diagnostic in diverged.chain(&probe.errors).chain(&probe.warnings) {
        _ = writeln!(text, "\n{}", words::lines(diagnostic.rendered.trim_end()).join("\n"));
    }
    for notice in &probe.notices {
        _ = writeln!(text, "\nnotice: {}", words::line(notice));
    }
    _ = writeln!(text, "\nThe conversation (times in seconds):\n");
    for line in words::transcript(probe) {
        _ = writeln!(text, "    {line}");
    }
    _ = write!(text, "\nWhat a scrape gets:\n\n{}", metrics(probe));
    text
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use crate::report::model::Divergence;
    use crate::report::model::Verdict;

    fn failed(kind: &str, reason: Option<&str>, cause: &str) -> ScenarioReport {
        let mut probe = samples::diverged().scenarios.remove(0);
        let first = probe.divergences[0].clone();
        let (kind, cause) = (kind.to_owned(), cause.to_owned());
        probe.divergences = vec![Divergence { kind, cause, reason: reason.map(str::to_owned), ..first }];
        probe
    }

    #[test]
    fn each_failure_has_its_cause() {
        for (kind, reason, cause, wanted) in [
            ("connect", Some("name"), "network", Failure::Dns),
            ("connect", Some("refused"), "network", Failure::Refused),
            ("connect", Some("unreachable"), "network", Failure::Unreachable),
            ("connect", Some("timeout"), "network", Failure::Timeout),
            ("timeout", None, "server", Failure::Timeout),
            ("max-time", None, "server", Failure::Timeout),
            ("tls", Some("not_tls"), "server", Failure::Tls),
            ("tls", Some("expired"), "server", Failure::Certificate),
            ("reply", None, "server", Failure::Diverged),
            ("closed", None, "server", Failure::Diverged),
            ("assert", None, "server", Failure::Diverged),
            ("template", None, "user", Failure::Scenario),
            ("refused", None, "user", Failure::Scenario),
        ] {
            let probe = failed(kind, reason, cause);
            assert_eq!(Failure::of(&probe), Some(wanted), "{kind} {reason:?}");
            let page = metrics(&probe);
            let word = wanted.word();
            assert!(page.contains("probe_success 0\n"), "{page}");
            assert!(page.contains(&format!("probe_failure{{cause=\"{word}\"}} 1\n")), "{page}");
            assert_eq!(page.matches("probe_failure{").count(), Failure::ALL.len());
            assert!(debug(&probe, "mx.example:25").contains(&format!("cause: {word}")));
        }
    }

    #[test]
    fn what_followed_has_no_cause() {
        let mut probe = samples::diverged().scenarios.remove(0);
        probe.verdict = Verdict::Followed;
        probe.divergences.clear();
        let page = metrics(&probe);
        assert!(page.contains("probe_success 1\n") && !page.contains("} 1\nprobe_failure{"), "{page}");
        assert!(!page.contains("probe_failure_info"), "{page}");
    }
}
