//! What came of each play: printed in the order it was named, counted, and gathered into the report.
//!
//! Responsible for what is kept and what is printed when. Runs end on any thread and in any order; what is printed and
//! written does not depend on it.

use super::options::{Body, RunArguments, TranscriptsOf};
use super::prepared::{Prepared, Selected};
use super::update::Updates;
use crate::cli::report_files::Output;
use crate::cli::screen;
use crate::portable;
use crate::report::Report;
use crate::report::collect::{self, Circumstances};
use crate::report::finding::Finding;
use crate::report::human::{self, Styled};
use crate::report::load::LoadFigures;
use crate::report::merge::first_that_applies;
use crate::report::model::{Attempt, ScenarioReport};
use crate::run::{Finished, RunVerdict};
use crate::smtp::idiom::Idiom;
use std::collections::BTreeSet;

/// How many diverged runs are kept in full under load.
const EXAMPLES: usize = 100;
/// How many of them are shown on the screen.
const EXAMPLES_SHOWN: usize = 3;

/// What of the results is wanted.
#[derive(Debug, Clone, Copy)]
struct Shown {
    quiet: bool,
    /// Whether the screen shows them as they come.
    on_screen: bool,
    styled: Styled,
    /// Whether it was shown line by line while it happened, to somebody who asked for nothing else.
    is_seen: bool,
    /// Whether a report is made of them.
    in_report: bool,
    without_body: bool,
    transcripts: TranscriptsOf,
}

/// What came of everything so far.
pub(super) struct Results {
    wanted: Shown,
    items: Vec<Selected>,
    item_of_play: Vec<usize>,
    /// What is known of each item.
    done: Vec<Option<PlayDone>>,
    /// The first item that was not printed yet.
    next: usize,
    /// Under load: the figures, and the first runs that diverged.
    load: Option<LoadFigures>,
    examples: Vec<(u64, PlayDone)>,
    exit_code: u8,
    updates: Updates,
    /// What was noticed of one of them: it is said once.
    noticed: BTreeSet<String>,
}

/// One item that is over.
struct PlayDone {
    report: ScenarioReport,
    /// What the screen shows of it.
    shown: String,
    notices: Vec<String>,
}

impl Results {
    /// Takes over what was prepared; gives back nothing of it.
    pub(super) fn new(arguments: &RunArguments, prepared: &mut Prepared, is_load: bool) -> Results {
        let items = std::mem::take(&mut prepared.items);
        let wanted = Shown {
            quiet: arguments.quiet,
            on_screen: arguments.reports.output == Output::Human,
            styled: arguments.color.for_results(),
            is_seen: arguments.verbose && arguments.idiom == Idiom::Options,
            in_report: arguments.reports.are_wanted() || screen::is_github_actions(),
            without_body: arguments.report_body == Body::None,
            transcripts: arguments.report_transcripts,
        };
        let mut results = Results {
            wanted,
            item_of_play: std::mem::take(&mut prepared.item_of_play),
            done: items.iter().map(|_| None).collect(),
            items,
            next: 0,
            load: is_load.then(LoadFigures::default),
            examples: Vec::new(),
            exit_code: 0,
            updates: Updates::default(),
            noticed: BTreeSet::new(),
        };
        for (place, item) in results.items.iter_mut().enumerate() {
            if let Selected::Broken(report) = item {
                results.exit_code = first_that_applies(results.exit_code, report.exit_code);
                // Its mistakes are on the screen already.
                let report = std::mem::replace(&mut **report, collect::not_played(String::new(), "", ""));
                results.done[place] = Some(PlayDone { report, shown: String::new(), notices: Vec::new() });
            }
        }
        results
    }

    /// Takes a run that is over.
    pub(super) fn take(&mut self, finished: &Finished, show: &mut dyn FnMut(&str)) {
        let place = self.item_of_play[finished.play];
        self.exit_code = first_that_applies(self.exit_code, finished.outcome.verdict().exit_code());
        self.updates.take(&finished.outcome);
        if let Some(load) = &mut self.load {
            let Selected::Play(told) = &self.items[place] else { return };
            load.add(&told.id, finished);
            let is_example = !matches!(finished.outcome.verdict(), RunVerdict::Followed | RunVerdict::Interrupted);
            if is_example && self.wants_example(finished.number) {
                let done = self.done_with(place, finished);
                self.examples.push((finished.number, done));
                self.examples.sort_by_key(|(number, _)| *number);
                self.examples.truncate(EXAMPLES);
            }
            return;
        }
        self.done[place] = Some(self.done_with(place, finished));
        self.show_next(show);
    }

    fn wants_example(&self, number: u64) -> bool {
        self.examples.len() < EXAMPLES || self.examples.last().is_some_and(|(last, _)| number < *last)
    }

    fn done_with(&self, place: usize, finished: &Finished) -> PlayDone {
        let Selected::Play(told) = &self.items[place] else {
            return PlayDone {
                report: collect::not_played(String::new(), "", ""),
                shown: String::new(),
                notices: Vec::new(),
            };
        };
        let outcome = &finished.outcome;
        let circumstances = Circumstances {
            id: told.id.clone(),
            position: told.position,
            offset: finished.offset,
            attempts: finished.before.iter().map(attempt_of).collect(),
            without_body: self.wanted.without_body,
            without_transcript: !self.wanted.transcripts.takes(outcome.followed()),
            values: told.source.as_ref().map(|source| source.values()).unwrap_or_default(),
        };
        let Shown { quiet, on_screen, styled, in_report, is_seen, .. } = self.wanted;
        let mut compared = None;
        let done = PlayDone {
            // What nobody reads is not made: a report of thousands of steps takes its time.
            report: if in_report || told.finding.is_some() {
                let mut report = collect::played(outcome, circumstances, &told.warnings);
                compared = compared_with(told.finding.as_ref(), &report);
                report.notices.extend(compared.clone());
                // A report is about what failed; where nothing did, the first stands for all.
                if let Some(source) = told.source.as_ref().filter(|_| place == 0 || !outcome.followed()) {
                    portable::attach(&mut report, outcome, &source.scenario, &source.variables, &source.settings);
                    if !self.wanted.transcripts.takes(outcome.followed()) {
                        report.recording = None;
                    }
                }
                report
            } else {
                collect::headline(outcome, circumstances)
            },
            shown: if !on_screen || quiet && outcome.followed() {
                String::new()
            } else if is_seen {
                human::without_transcript(outcome, finished.before.len(), styled)
            } else {
                human::outcome(outcome, finished.before.len(), styled)
            },
            notices: if quiet { Vec::new() } else { outcome.notices.clone() },
        };
        let compared = compared.filter(|_| on_screen).map(|compared| format!("{compared}\n")).unwrap_or_default();
        PlayDone { shown: done.shown + &compared, ..done }
    }

    /// Shows everything up to the first item that is not over yet.
    fn show_next(&mut self, show: &mut dyn FnMut(&str)) {
        while let Some(Some(done)) = self.done.get(self.next) {
            for notice in &done.notices {
                if self.noticed.insert(notice.clone()) {
                    screen::notice(&format!("notice: {notice}"));
                }
            }
            if !done.shown.is_empty() {
                show(&done.shown);
            }
            self.next += 1;
        }
    }

    /// What `--update` is to write.
    pub(super) fn take_updates(&mut self) -> Updates {
        std::mem::take(&mut self.updates)
    }

    /// How many runs are over.
    pub(super) fn runs(&self) -> u64 {
        match &self.load {
            Some(load) => load.runs(),
            None => self.done.iter().flatten().count() as u64,
        }
    }

    /// How many of them did not follow their script.
    pub(super) fn failed(&self) -> u64 {
        match &self.load {
            Some(load) => load.failed(),
            None => self.done.iter().flatten().filter(|done| done.report.exit_code != 0).count() as u64,
        }
    }

    /// Under load: the figures so far.
    pub(super) fn figures(&self) -> Option<&LoadFigures> {
        self.load.as_ref()
    }

    /// Shows what waited for an item that never was played, and gathers the report.
    pub(super) fn finish(mut self, report: &mut Report, show: &mut dyn FnMut(&str)) -> u8 {
        if self.load.is_some() {
            for (_, done) in self.examples.iter().take(EXAMPLES_SHOWN) {
                show(&done.shown);
            }
            report.scenarios = self.done.into_iter().flatten().map(|done| done.report).collect();
            report.scenarios.extend(self.examples.into_iter().map(|(_, done)| done.report));
            return self.exit_code;
        }
        for place in 0..self.items.len() {
            if let (None, Selected::Play(told)) = (&self.done[place], &self.items[place]) {
                let report = collect::not_played(told.id.clone(), &told.name, &told.path);
                let report = ScenarioReport { position: told.position, ..report };
                self.done[place] = Some(PlayDone { report, shown: String::new(), notices: Vec::new() });
            }
            self.show_next(show);
        }
        report.scenarios = self.done.into_iter().flatten().map(|done| done.report).collect();
        keep_one_script_a_file(&mut report.scenarios);
        self.exit_code
    }
}

/// What the ticket of a scenario says of its play. What was refused here was not played, and differs in nothing.
fn compared_with(ticket: Option<&Finding>, report: &ScenarioReport) -> Option<String> {
    let ticket = ticket.filter(|_| report.exit_code != RunVerdict::Refused.exit_code())?;
    Some(Finding::of(report).compared(ticket))
}

/// The cases of a file have one script, with the values of the first that did not follow it; each has its own values beside.
fn keep_one_script_a_file(scenarios: &mut [ScenarioReport]) {
    let mut written: BTreeSet<String> = BTreeSet::new();
    let (failed, followed): (Vec<_>, Vec<_>) = scenarios.iter_mut().partition(|scenario| scenario.exit_code != 0);
    for scenario in failed.into_iter().chain(followed) {
        let is_first = scenario.script.is_none() || written.insert(scenario.path.clone());
        if !is_first && !scenario.case.is_empty() {
            scenario.script = None;
            scenario.options = Vec::new();
            scenario.recording = None;
        }
    }
}

/// A run that was not the last.
fn attempt_of(outcome: &crate::run::Outcome) -> Attempt {
    let first = outcome.divergences.first();
    Attempt {
        step: first.map(|first| first.step.to_string()).unwrap_or_default(),
        message: first.map(|first| first.diagnostic.message.clone()).unwrap_or_default(),
        duration: outcome.duration.as_secs_f64(),
    }
}
