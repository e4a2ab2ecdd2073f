//! From arguments to plays: reads scenarios, gives them their values, and checks them; `selection` says which are played.
//!
//! Everything is checked before the first connection. A file that cannot be run is an item of its own among the others.

use super::options::RunArguments;
use super::prepared::{Announced, Playable, Prepared, Selected};
use super::selection::{Selection, identity};
use crate::cli::check::all_of;
use crate::cli::refusal::Refusal;
use crate::cli::screen;
use crate::cli::targets::Targets;
use crate::cli::values::{self, Given};
use crate::load::LoadError;
use crate::report::collect;
use crate::report::finding::Finding;
use crate::report::model::ScenarioReport;
use crate::run::{self, Play, Settings};
use crate::scenario::{Diagnostic, Inputs, KnownFindings, Scenario, Sources, Table, Variables, undeclared};
use crate::visible::inert;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// Of more hosts that a secret goes to there is one line with all of them.
const HOSTS_IN_LINES: usize = 3;

/// Reads, checks and selects.
pub(super) fn prepare(arguments: &RunArguments, targets: Targets) -> Result<Prepared, Refusal> {
    let scenarios: Vec<&Scenario> = targets.loaded.iter().filter_map(|loaded| loaded.as_ref().ok()).collect();
    if let Some(remark) = targets.remark_of_checks() {
        screen::notice(&remark);
    }
    let all_read = scenarios.len() == targets.loaded.len();
    if all_read && let Some(first) = undeclared(&scenarios, &arguments.values.given()).first() {
        return Err(first.clone().into());
    }
    let settings = arguments.settings()?;
    let given = arguments.values.read()?;
    let trusted: Vec<&Scenario> =
        scenarios.iter().copied().filter(|scenario| !arguments.connections.is_untrusted(scenario)).collect();
    let mut inputs = given.trusted(&trusted)?;
    let made_up = arguments.values.made_up_secrets || arguments.connections.sandbox;
    values::complete(&mut inputs, &trusted, made_up, &|scenario, name| run::places_of(name, scenario, &settings))?;
    let cases = arguments.cases.as_deref().map(values::table_of).transpose()?;
    if let (Some(file), Some((names, _)), true) = (&arguments.cases, &cases, all_read) {
        refuse_undeclared(file, names, &scenarios)?;
    }
    let mut preparation = Preparation {
        arguments,
        settings,
        given,
        made_up,
        inputs,
        cases,
        selection: Selection::new(&arguments.selection, arguments.plan().pace.is_load())?,
        position: 0,
        said: BTreeSet::new(),
        findings: targets.findings,
        known: Arc::default(),
        destinations: BTreeMap::new(),
        prepared: Prepared {
            left_out: targets.left_out.len() as u64,
            errors: targets.complaints,
            ..Prepared::default()
        },
    };
    for loaded in targets.loaded {
        preparation.take(loaded);
    }
    Ok(preparation.prepared)
}

struct Preparation<'a> {
    arguments: &'a RunArguments,
    settings: Settings,
    given: Given,
    /// Whether secrets without a value get one.
    made_up: bool,
    /// The values for scenarios that are trusted; of one that is not, while it is prepared, its own.
    inputs: Inputs,
    cases: Option<Table>,
    selection: Selection,
    /// The place of the next one among all that were named.
    position: u64,
    /// What was said of the present scenario already: its cases have much in common.
    said: BTreeSet<String>,
    /// What the tickets report, by their names.
    findings: BTreeMap<String, Finding>,
    /// What was found of the present scenario whatever the values of its variables are.
    known: Arc<KnownFindings>,
    /// Secrets of the present scenario, and the hosts that they go to.
    destinations: BTreeMap<String, Vec<String>>,
    prepared: Prepared,
}

impl Preparation<'_> {
    fn take(&mut self, loaded: Result<Scenario, LoadError>) {
        let scenario = match loaded {
            Ok(scenario) => scenario,
            Err(error) => {
                // Nobody knows the tags of a file that cannot be read at all: it is reported.
                let unreadable = error.partial.is_none();
                let name = error.partial.as_ref().and_then(|partial| partial.name.clone());
                let tags = error.partial.as_ref().map(|partial| partial.tags.clone()).unwrap_or_default();
                let (sources, diagnostics) = all_of(error, &self.settings);
                let id = identity(&sources, "");
                let taken = unreadable || self.selection.takes(name.as_deref(), &tags, &sources);
                if taken && self.selects(&id) {
                    self.broken(id, name.as_deref(), &sources, &diagnostics);
                }
                return;
            }
        };
        let trusted = (self.settings.clone(), self.inputs.clone());
        self.settings.untrusted = self.arguments.connections.is_untrusted(&scenario);
        if !self.settings.untrusted {
            self.take_scenario(scenario);
        } else if !self.refuse_unseen(&scenario) {
            match self.take_strangers_values(&scenario) {
                Ok(()) => self.take_scenario(scenario),
                Err(refusal) => self.prepared.errors.push(refusal.to_string()),
            }
        }
        (self.settings, self.inputs) = trusted;
    }

    /// Refuses an untrusted scenario for what can be known without its values: what is said then depends on no secret, and
    /// nobody is asked for one in vain.
    fn refuse_unseen(&mut self, scenario: &Scenario) -> bool {
        let diagnostics = crate::check(scenario, None, &self.settings);
        let selected = self.selection.takes(scenario.name.as_deref(), &scenario.tags, &scenario.sources);
        if !selected || !diagnostics.iter().any(Diagnostic::is_error) {
            return false;
        }
        let id = identity(&scenario.sources, "");
        if self.selects(&id) {
            self.broken(id, scenario.name.as_deref(), &scenario.sources, &diagnostics);
        }
        true
    }

    /// An untrusted scenario gets what was given to it by name, and no secret whose host the user does not know.
    fn take_strangers_values(&mut self, scenario: &Scenario) -> Result<(), Refusal> {
        let (mut inputs, mut bound) = self.given.for_stranger(scenario, self.arguments.connections.direction())?;
        let settings = &self.settings;
        let places = |scenario: &Scenario, name: &str| run::places_of(name, scenario, settings);
        for name in values::complete(&mut inputs, &[scenario], self.made_up, &places)? {
            // Who was told where it goes, and typed it, allowed that; what was made up is nobody's secret.
            match run::hosts_of(&name, scenario, settings) {
                _ if self.made_up => bound.bind_anywhere(&name),
                hosts => hosts.iter().for_each(|host| bound.bind(&name, host)),
            }
        }
        (self.inputs, self.settings.bound) = (inputs, Arc::new(bound));
        Ok(())
    }

    fn take_scenario(&mut self, mut scenario: Scenario) {
        self.said.clear();
        self.known = Arc::default();
        if let Some(table) = &self.cases {
            scenario.cross_cases(table);
        }
        let scenario = Arc::new(scenario);
        if !self.selection.takes(scenario.name.as_deref(), &scenario.tags, &scenario.sources) {
            self.prepared.not_selected += scenario.case_count().max(1) as u64;
            return;
        }
        match scenario.case_count() {
            0 => self.take_case(&scenario, None),
            count => (0..count).for_each(|case| self.take_case(&scenario, Some(case))),
        }
        self.say_where_secrets_go();
    }

    /// A scenario with one set of variables.
    fn take_case(&mut self, scenario: &Arc<Scenario>, case: Option<usize>) {
        let label = case.map(|case| format!("[case {}]", scenario.case_name(case))).unwrap_or_default();
        let name = scenario.name.as_deref();
        let variables = match Variables::for_case(scenario, &self.inputs, case) {
            Ok(variables) => variables,
            Err(error) => return self.without_values(scenario, &label, error.diagnostics),
        };
        let label = run::masked(&label, &variables);
        let mut diagnostics = run::check_again(scenario, Some(&variables), &self.settings, &self.known);
        if !diagnostics.iter().any(Diagnostic::is_error) {
            diagnostics.extend(run::unbound(scenario, &variables, &self.settings));
        }
        if diagnostics.iter().any(Diagnostic::is_error) {
            let id = identity(&scenario.sources, &label);
            if self.selects(&id) {
                self.broken(id, name, &scenario.sources, &diagnostics);
            }
            return;
        }
        let exchangers = run::exchangers(scenario, &variables, &self.settings);
        let each: Vec<Option<String>> =
            if exchangers.is_empty() { vec![None] } else { exchangers.into_iter().map(Some).collect() };
        for exchanger in each {
            let of_exchanger = exchanger.as_ref().map(|host| format!("[MX {host}]")).unwrap_or_default();
            let label = [label.as_str(), &of_exchanger].join(" ").trim().to_owned();
            let id = identity(&scenario.sources, &label);
            let position = self.position;
            if self.selects(&id) {
                self.warn(&scenario.sources, &diagnostics);
                self.note_where_secrets_go(scenario, &variables);
                let settings = Settings { exchanger, ..self.settings.clone() };
                let played = (scenario.clone(), variables.clone());
                let play = Play { scenario: played.0, variables: played.1, settings, label, room: None };
                let source = self.arguments.reports.are_wanted().then(|| Box::new(Playable::of(&play, case)));
                let told = Announced {
                    id,
                    position,
                    source,
                    finding: self.findings.get(scenario.sources.name()).cloned(),
                    ..Announced::of(scenario, &play.label, diagnostics.clone())
                };
                self.play(told, play);
            }
        }
    }

    /// A case whose values can't be had: what else is wrong with the scenario is said with it.
    fn without_values(&mut self, scenario: &Arc<Scenario>, label: &str, faults: Vec<Diagnostic>) {
        let id = identity(&scenario.sources, label);
        let mut diagnostics = crate::check(scenario, None, &self.settings);
        diagnostics.retain(Diagnostic::is_error);
        let said = |one: &Diagnostic| diagnostics.iter().any(|other| other.is_same_as(one));
        let more: Vec<Diagnostic> = faults.into_iter().filter(|one| !said(one)).collect();
        diagnostics.extend(more);
        if self.selects(&id) {
            self.broken(id, scenario.name.as_deref(), &scenario.sources, &diagnostics);
        }
    }

    fn play(&mut self, told: Announced, play: Play) {
        self.prepared.item_of_play.push(self.prepared.items.len());
        self.prepared.items.push(Selected::Play(told));
        self.prepared.plays.push(play);
    }

    /// Whether what has this id is played in this run; each has its place among all.
    fn selects(&mut self, id: &str) -> bool {
        self.position += 1;
        let selected = self.selection.selects(id);
        self.prepared.not_selected += u64::from(!selected);
        selected
    }

    /// A file that cannot be run is an error of its own; the others are played.
    fn broken(&mut self, id: String, name: Option<&str>, sources: &Sources, diagnostics: &[Diagnostic]) {
        let styled = self.arguments.color.for_notices();
        for diagnostic in diagnostics {
            // Cases have the mistakes of their file in common.
            let text = format!("{}\n", diagnostic.render(sources, styled.0));
            if self.said.insert(text.clone()) {
                screen::drawn(&text);
            }
        }
        let report = collect::broken(id, name, sources, diagnostics);
        self.prepared.items.push(Selected::Broken(Box::new(ScenarioReport { position: self.position - 1, ..report })));
    }

    fn warn(&mut self, sources: &Sources, diagnostics: &[Diagnostic]) {
        for diagnostic in diagnostics {
            self.say_once(format!("{}\n", diagnostic.render(sources, self.arguments.color.for_notices().0)));
        }
    }

    fn say_once(&mut self, text: String) {
        if !self.arguments.quiet && !self.said.contains(&text) {
            screen::drawn(&text);
            self.said.insert(text);
        }
    }

    /// Notes which secret goes to which host in this case.
    fn note_where_secrets_go(&mut self, scenario: &Scenario, variables: &Variables) {
        if self.arguments.connections.sandbox {
            return;
        }
        for (host, secrets) in run::secrets_by_host(scenario, variables, &self.settings) {
            let list: Vec<String> = secrets.iter().map(|name| format!("`{name}`")).collect();
            let noun = if list.len() == 1 { "the secret" } else { "the secrets" };
            let hosts = self.destinations.entry(format!("{noun} {}", list.join(", "))).or_default();
            let host = crate::visible(host.as_bytes());
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
    }

    /// Says which secret goes to which host, before the first connection: of many hosts once.
    fn say_where_secrets_go(&mut self) {
        for (secrets, hosts) in std::mem::take(&mut self.destinations) {
            let lines = if hosts.len() > HOSTS_IN_LINES { vec![hosts.join(", ")] } else { hosts };
            for line in lines {
                self.say_once(inert(&format!("notice: {secrets} will be sent to {line}")));
            }
        }
    }
}

/// Refuses a column of a table of cases that names no variable.
fn refuse_undeclared(file: &Path, names: &[String], scenarios: &[&Scenario]) -> Result<(), Refusal> {
    let vars = names.iter().map(|name| (name.clone(), String::new())).collect();
    let complaints = undeclared(scenarios, &Inputs { vars, ..Inputs::default() });
    complaints.first().map_or(Ok(()), |first| Err(format!("{}: {first}", file.display()).into()))
}
