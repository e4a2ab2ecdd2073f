//! `smtp-script run`: the conversations that were asked for, one after the other or many at once.

mod early_end;
mod last_failed;
mod options;
mod prepare;
mod prepared;
mod results;
mod selection;
mod update;

pub(super) use options::{RunArguments, TranscriptsOf, fail_on};

use super::progress::{RunProgress, Standing};
use super::report_files::{self, Output, ReportFiles};
use super::{BUG, INTERRUPTED, USAGE, screen};
use crate::cli::refusal::Refusal;
use crate::cli::targets::Targets;
use crate::report::format::Format;
use crate::report::load::LoadPlan;
use crate::report::merge::first_that_applies;
use crate::report::model::Verdict;
use crate::report::{Report, github, human, nagios};
use crate::run::{Admission, Course, Plan, Play, RunEvent, RunListener, SharedSandbox, ensure_descriptors, play_all};
use early_end::EarlyEnd;
use prepare::prepare;
use prepared::{Prepared, Selected};
use results::Results;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many files are read within milliseconds.
const FEW_FILES: usize = 4;

/// Plays everything that was named and gives the exit code.
pub(super) fn run(arguments: &RunArguments) -> u8 {
    run_targets(arguments, || Targets::read(&arguments.targets, arguments.files()))
}

/// Plays a scenario that a command has written, as if it were the file of this name.
pub(super) fn run_text(arguments: &RunArguments, name: &str, text: &str) -> u8 {
    run_targets(arguments, || Targets::of_text(name, text))
}

/// Plays targets and gives the exit code. The reports are written whatever happens.
fn run_targets(arguments: &RunArguments, read: impl FnOnce() -> Targets) -> u8 {
    if arguments.show_secrets && arguments.reports.are_wanted() {
        screen::notice("error: `--show-secrets` shows them on the terminal only: leave it out where a report is made");
        return USAGE;
    }
    let files = match ReportFiles::open(&arguments.reports, &arguments.files_read()) {
        Ok(files) => files,
        Err(refusal) => return refusal.show(),
    };
    let began = Instant::now();
    let mut report = Report::begin();
    report.shard = arguments.selection.shard.map(|(index, count)| crate::report::model::Shard { index, count });
    let early = EarlyEnd::of(files);
    if !is_read_at_once(arguments) {
        early.watch();
    }
    let mut files = None;
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let targets = read();
        if targets.look_up_names() {
            early.watch();
        }
        let prepared = prepare(arguments, targets);
        files = early.over();
        play(arguments, &mut report, prepared?)
    }));
    // It was a bug that ended the preparation, or a signal did: then this waits for the end of the program.
    let files = files.or_else(|| early.over()).unwrap_or_else(|| EarlyEnd::wait());
    report.exit_code = match outcome {
        Ok(Ok(code)) => code,
        Ok(Err(refusal)) => {
            report.errors.push(refusal.to_string());
            refusal.show()
        }
        Err(_) => {
            report.errors.push("a bug in smtp-script ended the run".to_owned());
            BUG
        }
    };
    report.duration = began.elapsed().as_secs_f64();
    report.count();
    hand_out(arguments, &report, files)
}

/// Shows the report, writes its files, and gives the exit code.
fn hand_out(arguments: &RunArguments, report: &Report, files: ReportFiles) -> u8 {
    tell(arguments, report);
    if let Err(refusal) = report_files::append_job_summary(report) {
        screen::notice(&format!("notice: {refusal}"));
    }
    if let Err(refusal) = files.write(report) {
        return first_that_applies(report.exit_code, refusal.show());
    }
    if arguments.reports.output == Output::Report(Format::Nagios) {
        return nagios::exit_code(report);
    }
    report.exit_code
}

/// Whether nothing is read but a few files, nobody is asked, and no report waits to be written: a moment that no signal
/// needs to be heard in.
fn is_read_at_once(arguments: &RunArguments) -> bool {
    let files = arguments.files_read();
    let is_file = |path: &PathBuf| path.metadata().is_ok_and(|metadata| metadata.is_file());
    files.len() <= FEW_FILES
        && files.iter().all(is_file)
        && !arguments.reports.are_wanted()
        && !screen::is_interactive()
}

/// Plays what was prepared, and fills the report.
fn play(arguments: &RunArguments, report: &mut Report, mut prepared: Prepared) -> Result<u8, Refusal> {
    report.summary.left_out = prepared.left_out;
    report.summary.not_selected = prepared.not_selected;
    report.errors.clone_from(&prepared.errors);
    for error in &prepared.errors {
        screen::notice(&format!("error: {error}"));
    }
    let code = if prepared.errors.is_empty() { 0 } else { USAGE };
    if prepared.items.is_empty() && prepared.errors.is_empty() {
        // Of a shard, and of what failed before, nothing may be left; a tag that nothing has is a mistake.
        if report.shard.is_none() && prepared.not_selected > 0 {
            return Err("no scenario was selected: `--tag`, `--name` or `--last-failed` pass over all of them"
                .to_owned()
                .into());
        }
    }
    let mut plan = arguments.plan();
    if plan.fail_fast {
        stop_at_the_first_broken(&mut prepared);
    }
    let total = planned(&plan, prepared.plays.len());
    let results = Results::new(arguments, &mut prepared, plan.pace.is_load());
    if arguments.update {
        update::refuse_unwritable(&prepared)?;
    }
    let mut plays = std::mem::take(&mut prepared.plays);
    equip(arguments, &mut plan, &mut plays)?;
    let wants_progress = !(arguments.no_progress || arguments.quiet || arguments.verbose) && total != Some(1);
    let board = Arc::new(Mutex::new(Board { results, progress: RunProgress::new(wants_progress) }));
    let course = play_all(plays, &plan, &listener(&board, total, plan.pace.duration))?;
    let board = Arc::into_inner(board).map(|board| board.into_inner().unwrap_or_else(PoisonError::into_inner));
    let Some(mut board) = board else { return Err("the runs did not end".to_owned().into()) };
    board.progress.end();
    board.results.take_updates().write()?;
    Ok(first_that_applies(code, gather(report, board, &plan, course)))
}

/// What the threads that report runs share.
struct Board {
    results: Results,
    progress: RunProgress,
}

/// Nothing is played after a scenario that cannot be run.
fn stop_at_the_first_broken(prepared: &mut Prepared) {
    let broken = prepared.items.iter().position(|item| matches!(item, Selected::Broken(_)));
    if let Some(first) = broken {
        let kept = prepared.item_of_play.iter().take_while(|item| **item < first).count();
        prepared.plays.truncate(kept);
        prepared.item_of_play.truncate(kept);
    }
}

/// How many runs there will be, where that is known.
fn planned(plan: &Plan, plays: usize) -> Option<u64> {
    let times = match (plan.pace.repeat, plan.pace.duration) {
        (Some(times), _) => times,
        (None, None) => 1,
        (None, Some(_)) => return None,
    };
    let (part, parts) = plan.pace.part.unwrap_or((0, 1));
    let all = times.saturating_mul(plays as u64);
    Some(all.saturating_sub(part).div_ceil(parts))
}

/// Gives many runs what they share: the sandbox, the pace of connects, and enough file descriptors.
fn equip(arguments: &RunArguments, plan: &mut Plan, plays: &mut [Play]) -> Result<(), Refusal> {
    if let Some(runs) = planned(plan, plays.len()) {
        // More threads and descriptors than runs are of no use.
        plan.jobs = plan.jobs.min(usize::try_from(runs).unwrap_or(usize::MAX)).max(1);
    }
    let sessions = plays.iter().map(|play| play.scenario.connection_count()).max().unwrap_or(1);
    let in_this_process = if arguments.connections.sandbox { 2 } else { 1 };
    plan.jobs = ensure_descriptors(plan.jobs, sessions * in_this_process, arguments.jobs_were_given())?;
    if arguments.connections.sandbox && plays.len() + plan.jobs > 2 || plan.pace.is_load() {
        let sandbox = if arguments.connections.sandbox { Some(SharedSandbox::start(plays)?) } else { None };
        for play in plays.iter_mut() {
            play.settings.shared_sandbox.clone_from(&sandbox);
        }
    }
    for play in plays.iter_mut() {
        play.settings.recent_only = plan.pace.is_load();
    }
    if plan.jobs > 1 {
        let admission = Admission::default();
        for play in plays.iter_mut() {
            play.settings.admission = Some(admission.clone());
        }
    }
    Ok(())
}

fn listener(board: &Arc<Mutex<Board>>, of: Option<u64>, duration: Option<Duration>) -> RunListener {
    let (board, began) = (board.clone(), Instant::now());
    Arc::new(move |event| {
        // A panicking thread reports its own panic; the results are whole.
        let mut board = board.lock().unwrap_or_else(PoisonError::into_inner);
        let Board { results, progress } = &mut *board;
        match event {
            RunEvent::Finished(finished) => results.take(&finished, &mut |text| progress.show(text)),
            RunEvent::Tick(under_way) => progress.tick(Standing {
                done: results.runs(),
                of,
                failed: results.failed(),
                under_way,
                time: duration.map(|duration| (began.elapsed(), duration)),
            }),
        }
    })
}

/// What came of all, in the report.
fn gather(report: &mut Report, board: Board, plan: &Plan, course: Course) -> u8 {
    let Board { results, mut progress } = board;
    progress.end();
    report.interrupted = course.stopped;
    report.load = results.figures().map(|figures| {
        let plan = LoadPlan {
            jobs: plan.jobs as u64,
            rate: plan.pace.rate_of_part(),
            peak: course.peak,
            never_begun: course.never_begun,
            duration: course.duration,
            busy: course.busy,
        };
        figures.told(plan)
    });
    let is_load = report.load.is_some();
    let code = results.finish(report, &mut screen::result);
    if !is_load {
        let results = report.scenarios.iter().filter(|scenario| scenario.verdict != Verdict::NotPlayed);
        last_failed::remember(results.map(|scenario| (scenario.id.as_str(), scenario.exit_code != 0)));
    }
    if course.stopped { first_that_applies(code, INTERRUPTED) } else { code }
}

/// The summary on standard output, or the report that it was to get instead.
fn tell(arguments: &RunArguments, report: &Report) {
    match arguments.reports.output {
        Output::Human => {
            let failed = report.exit_code != 0;
            if (failed || !arguments.quiet) && (report.summary.scenarios > 0 || report.load.is_some()) {
                screen::result(&human::summary(report));
            }
            if screen::is_github_actions() {
                screen::result(&github::annotations(report));
            }
        }
        Output::Report(Format::Github) => screen::result(&github::annotations(report)),
        Output::Report(format) => report_files::print(format, report, arguments.reports.options()),
    }
}
