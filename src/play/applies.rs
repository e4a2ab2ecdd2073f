//! Whether a scenario is about the other side at all: what it requires, and whether anything of it was tested.
//!
//! Responsible for the moment at which a requirement is looked at, and for telling steps that test something from those
//! that only open a session. A scenario that tested nothing is not applicable, and never passed.

use crate::play::client::player::{Flow, Player};
use crate::play::outcome::{ClaimOutcome, Verdict};
use crate::play::stage::Stage;
use crate::scenario::{Action, Claim, Expression, Requirement, Scenario, Scope, Step, TemplateError};
use crate::smtp::command::{CommandLine, Verb};
use std::collections::BTreeSet;

/// What of templates tells about a session: known once the server has answered a greeting by name.
const OF_SESSION: [&str; 4] = ["reply", "extensions", "tls", "offers"];

impl Player<'_> {
    /// The opening and the steps. What the scenario requires is looked at after its opening, as soon as the names are known.
    pub(crate) async fn play_script(&mut self) -> Flow {
        let scenario = self.ground.scenario;
        let mut required: Vec<&Requirement> = scenario.requires.iter().collect();
        let mut flow = self.require(&mut required, scenario.opening.as_ref().or(scenario.steps.first()), false);
        if let Some(opening) = scenario.opening.as_ref().filter(|_| flow == Flow::On) {
            flow = self.play_steps(std::slice::from_ref(opening)).await;
        }
        let opens = scenario.steps.iter().take_while(|step| step.opens()).count();
        for (index, step) in scenario.steps.iter().enumerate() {
            if flow == Flow::On && index >= opens {
                flow = self.require(&mut required, Some(step), false);
            }
            if flow == Flow::Stop {
                self.pass_over(&scenario.steps[index..], Verdict::Unreached);
                return flow;
            }
            flow = self.play_steps(std::slice::from_ref(step)).await;
        }
        if flow == Flow::On { self.require(&mut required, scenario.steps.last(), true) } else { flow }
    }

    /// Whether a server that has no client of its own is about anything: what it requires, it requires of variables.
    pub(crate) fn require_of_server(&mut self) -> Result<bool, TemplateError> {
        let scenario = self.ground.scenario;
        if scenario.opening.is_some() || !scenario.steps.is_empty() || scenario.requires.is_empty() {
            return Ok(true);
        }
        let unmet = self.stage.unmet(&scenario.requires, &self.stage.names)?;
        self.stage.not_applicable = unmet;
        Ok(self.stage.not_applicable.is_none())
    }

    /// Looks at what is required and known by now; at the end at everything that is left.
    fn require(&mut self, required: &mut Vec<&Requirement>, at: Option<&Step>, is_end: bool) -> Flow {
        let Some(step) = at.filter(|_| !required.is_empty()) else { return Flow::On };
        let looked_at = {
            let scope = self.view().scope(step);
            let hello = self.sessions.of(step).is_some_and(|open| !open.session.hello().is_empty());
            let known = |requirement: &&Requirement| is_end || is_known(&requirement.when, &scope, hello);
            let (now, later): (Vec<_>, Vec<_>) = required.iter().copied().partition(known);
            *required = later;
            self.stage.unmet(now, &scope)
        };
        match looked_at {
            Ok(None) => Flow::On,
            Ok(Some(reason)) => {
                self.stage.not_applicable = Some(reason);
                Flow::Stop
            }
            Err(error) => {
                let divergence = self.view().place_of_action(step, None).template(&error);
                self.stop_with(divergence)
            }
        }
    }
}

/// Whether everything that an expression reads has a value.
fn is_known(expression: &Expression, scope: &dyn Scope, hello: bool) -> bool {
    let Ok(names) = expression.names() else { return true };
    let context = scope.context();
    let read = names.variables.iter().chain(&names.functions).map(|(name, _)| name.as_str());
    let functions: BTreeSet<&str> = names.functions.iter().map(|(name, _)| name.as_str()).collect();
    read.into_iter().all(|name| {
        if OF_SESSION.contains(&name) {
            return hello;
        }
        functions.contains(name) || context.get_attr(name).is_ok_and(|value| !value.is_undefined())
    })
}

/// Why nothing was tested, where every step that tests something was skipped.
pub(crate) fn untested(scenario: &Scenario, stage: &Stage) -> Option<String> {
    let tested_before = stage.passed.steps().next().is_some();
    if tested_before || !stage.steps.iter().any(|step| step.verdict == Verdict::Skipped) {
        return None;
    }
    let behind: Vec<&Step> = Step::behind_opening(&scenario.steps);
    let tests: Vec<&Step> = behind.iter().copied().filter(|step| tests(step)).collect();
    let (tested, skipped) = if tests.is_empty() {
        came_to(stage, behind.into_iter().filter(|step| secures(step)))
    } else {
        came_to(stage, tests.into_iter())
    };
    (skipped && !tested).then(|| why_skipped(scenario, stage))
}

/// Whether one of these steps was played, and whether one was skipped.
fn came_to<'s>(stage: &Stage, steps: impl Iterator<Item = &'s Step>) -> (bool, bool) {
    let numbers: BTreeSet<&str> = steps.map(|step| &*step.head.number).collect();
    let of_them = || stage.steps.iter().filter(|outcome| numbers.contains(outcome.number.as_str()));
    let any = |verdict: Verdict| of_them().any(|outcome| outcome.verdict == verdict);
    (any(Verdict::Followed) || any(Verdict::Diverged), any(Verdict::Skipped))
}

/// What kept the first skipped step from being played.
fn why_skipped(scenario: &Scenario, stage: &Stage) -> String {
    let skipped = || stage.steps.iter().filter(|outcome| outcome.verdict == Verdict::Skipped);
    if let Some(reason) = skipped().find_map(|outcome| outcome.reason.clone()) {
        return reason;
    }
    let all = scenario.all_steps();
    let when = |number: &str| all.iter().find(|step| *step.head.number == *number)?.head.when.as_ref();
    match skipped().find_map(|outcome| when(outcome.number.as_str())) {
        Some(when) => format!("nothing was tested: `when: {}` was false", when.source),
        None => "nothing was tested".to_owned(),
    }
}

/// Whether a step compares something, beside what every session begins and ends with.
fn tests(step: &Step) -> bool {
    let compares = step.expect.is_some() && !step.observes() || step.fails.is_some();
    match &step.action {
        Action::Assert(_) => true,
        Action::None => compares && !reads_greeting(step),
        Action::Send(lines) => compares && !lines.first().is_some_and(|line| is_ceremony(&line.with_placeholder("x"))),
        Action::StartTls(_) | Action::Tls(_) | Action::Connect(_) => step.fails.is_some(),
        Action::Auth(_) => step.expect.is_some(),
        Action::Bdat(_) | Action::Data(_) | Action::Raw(_) => compares,
        Action::Set(_) | Action::Sleep(_) | Action::Skip(_) | Action::Close(_) | Action::Group(_) => false,
    }
}

/// A step that makes a session secure, or logs in: the test itself, where a scenario has no other.
fn secures(step: &Step) -> bool {
    matches!(step.action, Action::StartTls(_) | Action::Tls(_) | Action::Auth(_))
}

/// The first step of a session that only reads.
fn reads_greeting(step: &Step) -> bool {
    &*step.head.number == "1"
}

fn is_ceremony(line: &str) -> bool {
    let verb = CommandLine::parse(line.trim_end().as_bytes()).verb();
    matches!(verb, Verb::Ehlo | Verb::Lhlo | Verb::Helo | Verb::Quit)
}

impl Claim {
    /// With its values, as far as they are known at the end.
    pub(crate) fn told(&self, stage: &Stage) -> ClaimOutcome {
        let shown = |text| stage.shown(text, &stage.names);
        ClaimOutcome {
            level: self.level,
            rfc: self.rfc.clone(),
            why: self.why.as_ref().map(shown),
            mend: self.mend.iter().map(|(make, text)| (make.clone(), shown(text))).collect(),
        }
    }
}
