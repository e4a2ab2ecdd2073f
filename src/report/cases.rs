//! The report as test cases, for the formats of test runners: a suite a scenario, a case a step.
//!
//! Responsible for which steps are cases, the verdict of each, and which divergence belongs to which. Called by `junit` and
//! `tap`, which write it down.

mod load;

use super::model::{Attempt, Diagnostic, Divergence, Place, Report, ScenarioReport, Step};
use super::model::{StepVerdict, Verdict};
use super::words;
use load::of_load;
use std::collections::HashMap;

/// The cases of one scenario.
pub(super) struct Suite<'r> {
    /// What tells it from the others.
    pub(super) name: String,
    /// When it began (RFC 3339); empty where nothing was played.
    pub(super) started: &'r str,
    /// In seconds.
    pub(super) duration: f64,
    /// What is known about it beside its cases.
    pub(super) facts: Vec<(String, String)>,
    pub(super) cases: Vec<TestCase<'r>>,
    /// The transcript.
    pub(super) output: Vec<String>,
}

/// One step, or what stands for one.
pub(super) struct TestCase<'r> {
    /// Unlike those of the other cases of its suite.
    pub(super) name: String,
    /// What it belongs to: the scenario's name.
    pub(super) class: String,
    pub(super) place: Option<&'r Place>,
    /// In seconds.
    pub(super) duration: f64,
    pub(super) came_to: CameTo<'r>,
    /// The attempts that diverged here before.
    pub(super) attempts: Vec<&'r Attempt>,
    /// What was warned of here.
    pub(super) warnings: Vec<&'r Divergence>,
}

/// What came of a case.
pub(super) enum CameTo<'r> {
    Passed,
    /// Was not played, and why.
    Skipped(String),
    /// What went wrong: at least one.
    Failed(Vec<TestFault<'r>>),
}

/// Something that went wrong.
pub(super) struct TestFault<'r> {
    /// For machines: `reply`, `timeout` …
    pub(super) kind: &'r str,
    /// The server did something else, in contrast to: it could not be asked.
    pub(super) of_server: bool,
    pub(super) message: String,
    pub(super) diagnostic: Option<&'r Diagnostic>,
    pub(super) divergence: Option<&'r Divergence>,
}

/// The suites of a report. A scenario's cases are its steps, or it is one itself.
pub(super) fn suites(report: &Report, by_scenario: bool) -> Vec<Suite<'_>> {
    let mut suites = Vec::new();
    if !report.errors.is_empty() {
        suites.push(of_errors(report));
    }
    if report.audit.is_some() {
        suites.extend(of_audit(report));
    } else {
        suites.extend(report.scenarios.iter().map(|scenario| of_scenario(scenario, by_scenario)));
    }
    suites.extend(report.load.as_ref().map(|load| of_load(load, &report.started)));
    for suite in &mut suites {
        tell_apart(&mut suite.cases);
    }
    suites
}

/// A step of a loop comes once for each turn: from the second on its name has a number after it.
fn tell_apart(cases: &mut [TestCase]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for case in cases {
        let count = seen.entry(case.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            case.name = format!("{} ({count})", case.name);
        }
    }
}

/// What could not be done as asked and belongs to no scenario.
fn of_errors(report: &Report) -> Suite<'_> {
    let case = |error: &String| {
        TestCase::failed("can be run as asked", "smtp-script", vec![TestFault::of_user(words::line(error))])
    };
    Suite {
        name: "smtp-script".to_owned(),
        started: &report.started,
        duration: 0.0,
        facts: Vec::new(),
        cases: report.errors.iter().map(case).collect(),
        output: Vec::new(),
    }
}

/// Of an audit a suite for each target, with a case for each check.
fn of_audit(report: &Report) -> Vec<Suite<'_>> {
    let targets = report.audit.iter().flat_map(|audit| &audit.targets);
    let suite = |target: &'_ super::audit::AuditTarget| {
        let own = || report.scenarios.iter().filter(|scenario| scenario.path == target.name);
        Suite {
            name: words::line(&target.name),
            started: &report.started,
            duration: target.duration,
            facts: target.make.iter().map(|make| ("make".to_owned(), words::line(make))).collect(),
            cases: own().map(whole).collect(),
            output: Vec::new(),
        }
    };
    targets.map(suite).collect()
}

// --- a scenario ------------------------------------------------------------------------------------------------

fn of_scenario(scenario: &ScenarioReport, by_scenario: bool) -> Suite<'_> {
    let mut cases = if by_scenario { vec![whole(scenario)] } else { each_step(scenario) };
    if cases.is_empty() {
        cases.push(whole(scenario));
    }
    for attempt in &scenario.attempts {
        let named = |case: &TestCase| case.name.split_whitespace().next() == Some(attempt.step.as_str());
        let at = cases.iter().position(named).unwrap_or(0);
        cases[at].attempts.push(attempt);
    }
    Suite {
        name: words::line(&scenario.id),
        started: &scenario.started,
        duration: scenario.duration,
        facts: facts(scenario),
        cases,
        output: words::transcript(scenario),
    }
}

/// The scenario as one case.
fn whole(scenario: &ScenarioReport) -> TestCase<'_> {
    let class = class(scenario);
    let faults: Vec<TestFault> =
        failures(scenario).map(TestFault::of).chain(scenario.errors.iter().map(TestFault::of_file)).collect();
    let came_to = match scenario.verdict {
        Verdict::NotApplicable => CameTo::Skipped(format!("not applicable: {}", words::reason(scenario))),
        // A warning: it stands among the facts.
        Verdict::Warned => CameTo::Passed,
        Verdict::Followed | Verdict::Flaky => CameTo::Passed,
        Verdict::NotPlayed => CameTo::Skipped("not played: the run ended before".to_owned()),
        other if faults.is_empty() => CameTo::Failed(vec![TestFault::of_user(words::verdict(other).to_owned())]),
        _ => CameTo::Failed(faults),
    };
    let place = words::headline(scenario).map(|diagnostic| &diagnostic.place);
    TestCase {
        name: words::line(&scenario.name),
        class,
        place: place.or_else(|| own_place(scenario)),
        duration: scenario.duration,
        came_to,
        attempts: Vec::new(),
        warnings: warnings(scenario).collect(),
    }
}

/// Where its first step stands; one that its folder's defaults gave it stands elsewhere.
fn own_place(scenario: &ScenarioReport) -> Option<&Place> {
    let mut places = scenario.steps.iter().map(|step| &step.place);
    let first = places.clone().next();
    places.find(|place| place.file == scenario.path).or(first)
}

/// What diverged and is no warning.
fn failures(scenario: &ScenarioReport) -> impl Iterator<Item = &Divergence> {
    scenario.divergences.iter().filter(|one| !is_warning(scenario, one))
}

fn warnings(scenario: &ScenarioReport) -> impl Iterator<Item = &Divergence> {
    scenario.divergences.iter().filter(|one| is_warning(scenario, one))
}

/// The verdict says it of all, in reports that do not say it of each.
fn is_warning(scenario: &ScenarioReport, divergence: &Divergence) -> bool {
    divergence.warning || scenario.verdict == Verdict::Warned
}

fn each_step(scenario: &ScenarioReport) -> Vec<TestCase<'_>> {
    let class = class(scenario);
    let mut left: Vec<&Divergence> = failures(scenario).collect();
    let mut cases = Vec::new();
    for step in &scenario.steps {
        let diverged = step.verdict == StepVerdict::Diverged;
        let (own, others) = left.iter().partition::<Vec<&Divergence>, _>(|one| diverged && one.step == step.number);
        left = others;
        if own.is_empty() && is_group(step, scenario) {
            continue;
        }
        let came_to = match step.verdict {
            _ if scenario.verdict == Verdict::NotApplicable => {
                CameTo::Skipped(format!("not applicable: {}", words::reason(scenario)))
            }
            _ if !own.is_empty() => CameTo::Failed(own.into_iter().map(TestFault::of).collect()),
            StepVerdict::Skipped | StepVerdict::Unreached => CameTo::Skipped(words::not_played(scenario, step)),
            StepVerdict::Followed | StepVerdict::Diverged => CameTo::Passed,
        };
        cases.push(TestCase {
            name: words::step(step),
            class: class.clone(),
            place: Some(&step.place),
            duration: step.duration,
            came_to,
            attempts: Vec::new(),
            warnings: warnings(scenario).filter(|one| one.step == step.number).collect(),
        });
    }
    let elsewhere = |one: &Divergence| words::step_number(&one.step);
    cases.extend(left.into_iter().map(|one| TestCase::failed(&elsewhere(one), &class, vec![TestFault::of(one)])));
    if !scenario.errors.is_empty() {
        let faults = scenario.errors.iter().map(TestFault::of_file).collect();
        cases.push(TestCase::failed("can be run", &class, faults));
    }
    cases
}

/// Whether its steps are listed beside it, and show its verdict.
fn is_group(group: &Step, scenario: &ScenarioReport) -> bool {
    let within = |step: &Step| step.number.strip_prefix(&group.number).is_some_and(|rest| rest.starts_with('.'));
    !group.number.is_empty() && scenario.steps.iter().any(within)
}

/// The scenario's name, without what Jenkins would take for the end of a package.
fn class(scenario: &ScenarioReport) -> String {
    let name = words::line(&scenario.name);
    let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"));
    stem.map_or(name.clone(), str::to_owned)
}

fn facts(scenario: &ScenarioReport) -> Vec<(String, String)> {
    let mut facts = vec![
        ("file".to_owned(), words::line(&scenario.path)),
        ("verdict".to_owned(), words::verdict(scenario.verdict).to_owned()),
    ];
    let mut add = |name: &str, value: String| facts.push((name.to_owned(), value));
    if !scenario.tags.is_empty() {
        add("tags", words::line(&scenario.tags.join(" ")));
    }
    for session in &scenario.sessions {
        let address = session.address.as_ref().map(|address| format!(" ({address})")).unwrap_or_default();
        add("server", format!("{}{}", words::server(session), words::line(&address)));
        for tls in &session.tls {
            let verified = if tls.verified { "verified" } else { "not verified" };
            add("tls", words::line(&format!("{} {}, {verified}", tls.version, tls.cipher)));
        }
        for certificate in session.certificates() {
            let (subject, until, days) = (&certificate.subject, &certificate.not_after, certificate.days_left);
            add("certificate", words::line(&format!("{subject}, until {until}, {days} days left")));
        }
    }
    for (name, value) in &scenario.captures {
        add(&format!("capture.{}", words::line(name)), words::line(&words::cut(value, words::LINE_LENGTH)));
    }
    if let Some(level) = scenario.level {
        add("level", words::level(level).to_owned());
    }
    if !scenario.rfc.is_empty() {
        add("rfc", words::line(&scenario.rfc.join(", ")));
    }
    warnings(scenario).for_each(|one| add("warning", words::line(&one.diagnostic.message)));
    for warning in &scenario.warnings {
        add("warning", words::line(&warning.message));
    }
    for notice in &scenario.notices {
        add("notice", words::line(notice));
    }
    facts
}

impl<'r> TestCase<'r> {
    /// What went wrong.
    pub(super) fn faults(&self) -> Option<&[TestFault<'r>]> {
        if let CameTo::Failed(faults) = &self.came_to { Some(faults) } else { None }
    }

    fn failed(name: &str, class: &str, faults: Vec<TestFault<'r>>) -> TestCase<'r> {
        let place = faults.iter().find_map(|fault| fault.diagnostic).map(|diagnostic| &diagnostic.place);
        let (name, class) = (name.to_owned(), class.to_owned());
        let came_to = CameTo::Failed(faults);
        TestCase { name, class, place, duration: 0.0, came_to, attempts: Vec::new(), warnings: Vec::new() }
    }
}

impl<'r> TestFault<'r> {
    fn of(divergence: &'r Divergence) -> TestFault<'r> {
        TestFault {
            kind: &divergence.kind,
            of_server: divergence.cause == "server",
            message: words::line(&divergence.diagnostic.message),
            diagnostic: Some(&divergence.diagnostic),
            divergence: Some(divergence),
        }
    }

    fn of_file(error: &'r Diagnostic) -> TestFault<'r> {
        TestFault { diagnostic: Some(error), ..TestFault::of_user(words::line(&error.message)) }
    }

    fn of_user(message: String) -> TestFault<'r> {
        TestFault { kind: "broken", of_server: false, message, diagnostic: None, divergence: None }
    }
}
