//! The options of `run`, and what follows from them: settings of each run, and the plan of all.

use crate::cli::refusal::Refusal;
use crate::cli::report_files::ReportArguments;
use crate::cli::screen::{self, Color};
use crate::cli::targets::{Files, is_strangers};
use crate::cli::trust::SessionArguments;
use crate::cli::values::{Direction, ValueArguments};
use crate::report::human::{self, Styled};
use crate::run::{Observer, Plan, RunRate, Settings, Stop};
use crate::scenario::address::{split_address_or, split_argument};
use crate::scenario::{DEFAULT_RETRY_DELAY, FailOn, Scenario, duration};
use crate::smtp::idiom::Idiom;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How many runs may be under way at once where a rate is asked for and no limit is given.
const JOBS_AT_A_RATE: usize = 1000;
/// The highest rate, in runs each second: more is a mistyped number.
const HIGHEST_RATE: f64 = 1_000_000.0;

/// Play scenarios. The exit code is 0 when every conversation followed its script, 1 when one diverged, 2 when something
/// could not be run as asked, 3 when there was no connection, 130 when it was interrupted.
#[derive(Debug, Default, clap::Args)]
pub(in crate::cli) struct RunArguments {
    /// Scenario files, folders, names of built-in scenarios (see `list`), or `-` for standard input
    #[arg(required = true, value_name = "FILE|DIR|NAME")]
    pub(super) targets: Vec<String>,
    #[command(flatten)]
    pub(super) selection: SelectionArguments,
    #[command(flatten)]
    pub(super) values: ValueArguments,
    #[command(flatten)]
    pub(super) connections: ConnectionArguments,
    #[command(flatten)]
    pub(super) schedule: ScheduleArguments,
    #[command(flatten)]
    pub(in crate::cli) reports: ReportArguments,
    /// Whether reports show the first `lines` of messages, or `none` of them
    #[arg(
        long,
        value_name = "WHAT",
        default_value = "lines",
        hide_default_value = true,
        hide_possible_values = true,
        help_heading = "Reports"
    )]
    pub(super) report_body: Body,
    /// From which level on a divergence fails the run; below it, it is a warning (`must`)
    #[arg(long, value_name = "LEVEL", value_parser = fail_on)]
    fail_on: Option<FailOn>,
    /// Whose conversations reports show: of `all` scenarios, of those that `failed`, or of `none`
    #[arg(
        long,
        value_name = "WHICH",
        default_value = "all",
        hide_default_value = true,
        hide_possible_values = true,
        help_heading = "Reports"
    )]
    pub(super) report_transcripts: TranscriptsOf,
    /// Play each scenario once for each row of this CSV file; its first row names variables
    #[arg(long, value_name = "FILE.csv")]
    pub(super) cases: Option<PathBuf>,
    /// Fix the time and randomness of templates
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Let scenarios read files below this folder (instead of their own)
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) file_root: Option<PathBuf>,
    /// Write what servers say today into the expectations of the files, for review with `git diff`
    #[arg(long, conflicts_with_all = ["untrusted", "repeat", "duration", "rate", "retries", "cases"])]
    pub(super) update: bool,
    /// Show each line of the conversation as it happens
    #[arg(short, long)]
    pub(in crate::cli) verbose: bool,
    /// Print nothing about conversations that follow their script
    #[arg(short, long, conflicts_with = "verbose")]
    pub(in crate::cli) quiet: bool,
    /// Show secrets on the terminal
    #[arg(long)]
    pub(super) show_secrets: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(in crate::cli) color: Color,
    /// Show no progress of a long run
    #[arg(long)]
    pub(super) no_progress: bool,
    /// In whose words helps are written: a command without a file has options only.
    #[arg(skip)]
    pub(in crate::cli) idiom: Idiom,
}

/// What reports show of messages.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum, PartialEq, Eq)]
pub(super) enum Body {
    #[default]
    Lines,
    None,
}

/// Whose conversation a report shows.
#[derive(Debug, Clone, Copy, Default, clap::ValueEnum, PartialEq, Eq)]
pub(in crate::cli) enum TranscriptsOf {
    #[default]
    All,
    Failed,
    None,
}

impl TranscriptsOf {
    /// Whether that of a scenario is shown which followed its script or did not.
    pub(in crate::cli) fn takes(self, followed: bool) -> bool {
        match self {
            TranscriptsOf::All => true,
            TranscriptsOf::Failed => !followed,
            TranscriptsOf::None => false,
        }
    }
}

/// Options that say which of the scenarios are played.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Which scenarios")]
pub(super) struct SelectionArguments {
    /// Play scenarios with this tag (repeatable: any of them); with `!` before it, those without it
    #[arg(long = "tag", value_name = "TAG")]
    pub(super) tags: Vec<String>,
    /// Play scenarios whose name or file matches this regular expression
    #[arg(long, value_name = "PATTERN")]
    pub(super) name: Option<String>,
    /// Play what did not follow its script when it was last played from this folder
    #[arg(long)]
    pub(super) last_failed: bool,
    /// Play one of N parts, so that N machines share the work (then join their JSON reports with `report merge`)
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub(super) shard: Option<(u32, u32)>,
}

/// Options that say where sessions go.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Connections")]
pub(super) struct ConnectionArguments {
    /// Play against the built-in server on loopback: needs neither network nor account
    #[arg(long, conflicts_with = "to")]
    pub(super) sandbox: bool,
    /// Send every session to this server; TLS mode and, without a port here, the port stay as the file has them
    #[arg(long, value_name = "HOST[:PORT]", value_parser = to_address)]
    to: Option<(String, Option<u16>)>,
    /// Ask this DNS server about `mx:`, for MX records and their hosts' addresses, instead of this machine's
    #[arg(long, value_name = "IP:PORT")]
    resolver: Option<SocketAddr>,
    #[command(flatten)]
    sessions: SessionArguments,
    /// Play a stranger's scenario: it reads no file without --file-root, gets no secret without --allow-secret, and reaches
    /// public addresses only
    #[arg(long)]
    pub(super) untrusted: bool,
    /// Let an untrusted scenario reach this host wherever it is (repeatable)
    #[arg(long = "allow-host", value_name = "HOST")]
    allow_hosts: Vec<String>,
}

/// Options that say how often and how many at once.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "How often, and how many at once")]
pub(super) struct ScheduleArguments {
    /// How many scenarios run at once (1; with --rate 1000)
    #[arg(long, short, value_name = "N", value_parser = jobs)]
    jobs: Option<u32>,
    /// Spread the runs over N threads (one a processor)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Play everything N times, and report totals
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    repeat: Option<u64>,
    /// Start new runs for this long, and report totals
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    duration: Option<Duration>,
    /// Start runs at this rate (`50/s`, `300/m`), even while earlier ones run: latencies count from when each was due
    #[arg(long, value_name = "N/s", value_parser = rate)]
    rate: Option<f64>,
    /// Reach the full rate, or all jobs, after this time
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    ramp: Option<Duration>,
    /// Start nothing more after the first scenario that does not follow its script
    #[arg(long)]
    pub(super) fail_fast: bool,
    /// Retry a diverged scenario up to N times; if one passes, it is flaky
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    retries: u32,
    /// How long it waits before each retry (1s)
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    retry_delay: Option<Duration>,
}

impl ConnectionArguments {
    /// Whether a scenario is somebody else's.
    pub(super) fn is_untrusted(&self, scenario: &Scenario) -> bool {
        self.untrusted || is_strangers(scenario)
    }

    /// Where an untrusted scenario is sent.
    pub(super) fn direction(&self) -> Direction<'_> {
        match &self.to {
            Some((host, _)) => Direction::To(host),
            None if self.sandbox => Direction::Sandbox,
            None => Direction::Own,
        }
    }
}

impl RunArguments {
    /// The arguments for one scenario that another command has written: all others are as if they were not given.
    pub(in crate::cli) fn of_one(values: ValueArguments, sessions: SessionArguments, sandbox: bool) -> RunArguments {
        let connections = ConnectionArguments { sandbox, sessions, ..ConnectionArguments::default() };
        RunArguments { values, connections, ..RunArguments::default() }
    }

    pub(super) fn files(&self) -> Files<'_> {
        Files { root: self.file_root.as_deref(), untrusted: self.connections.untrusted }
    }

    /// The files that are named to be read: no report may replace one of them.
    pub(super) fn files_read(&self) -> Vec<PathBuf> {
        let named = [&self.cases, &self.connections.sessions.trust.certificates.ca_file].into_iter().flatten().cloned();
        let targets = self.targets.iter().map(PathBuf::from);
        targets.chain(named).chain(self.values.files_read()).collect()
    }

    /// How each run is played.
    pub(in crate::cli) fn settings(&self) -> Result<Settings, Refusal> {
        let connections = &self.connections;
        Ok(Settings {
            sandbox: connections.sandbox,
            to: connections.to.clone(),
            resolver: connections.resolver,
            show_secrets: self.show_secrets,
            fail_on: self.fail_on.unwrap_or_default(),
            seed: self.seed,
            update: self.update,
            file_root: self.file_root.clone(),
            untrusted: connections.untrusted,
            allow_hosts: connections.allow_hosts.clone(),
            record: self.reports.are_wanted(),
            idiom: self.idiom,
            observer: self.verbose.then(|| live(self.color.for_notices())),
            ..connections.sessions.settings()?
        })
    }

    /// Which run begins when. A shard of a run under load is a part of its runs; of any other a part of its scenarios.
    pub(super) fn plan(&self) -> Plan {
        let schedule = &self.schedule;
        let jobs = match (schedule.jobs, schedule.rate) {
            (Some(jobs), _) => jobs as usize,
            (None, Some(_)) => JOBS_AT_A_RATE,
            (None, None) => 1,
        };
        let mut pace = RunRate {
            repeat: schedule.repeat,
            duration: schedule.duration,
            rate: schedule.rate,
            ramp: schedule.ramp.unwrap_or_default(),
            part: None,
        };
        if pace.is_load() {
            pace.part = self.selection.shard.map(|(index, count)| (u64::from(index - 1), u64::from(count)));
        }
        Plan {
            jobs,
            threads: schedule.threads.map(usize::from),
            pace,
            retries: schedule.retries,
            retry_delay: schedule.retry_delay.unwrap_or(DEFAULT_RETRY_DELAY),
            again: None,
            fail_fast: schedule.fail_fast,
            deadline: None,
            stop: Stop::default(),
        }
    }

    /// Whether the number of jobs was the user's wish.
    pub(super) fn jobs_were_given(&self) -> bool {
        self.schedule.jobs.is_some()
    }
}

/// Prints each line of the transcript as it happens.
fn live(styled: Styled) -> Observer {
    Arc::new(move |entry| screen::drawn(&human::entry(entry, &*entry.session != "main", styled)))
}

/// A server with its port, or without one.
fn to_address(text: &str) -> Result<(String, Option<u16>), String> {
    split_argument(text)?;
    // No address names port 0.
    let (host, port) = split_address_or(text, 0, Idiom::Options)?;
    Ok((host, (port != 0).then_some(port)))
}

/// `must`, `should`, `may` or `never`.
pub(in crate::cli) fn fail_on(text: &str) -> Result<FailOn, String> {
    match text {
        "must" => Ok(FailOn::Must),
        "should" => Ok(FailOn::Should),
        "may" => Ok(FailOn::May),
        "never" => Ok(FailOn::Never),
        _ => Err("expected `must`, `should`, `may` or `never`".to_owned()),
    }
}

/// A number, or as many as there are processors.
fn jobs(text: &str) -> Result<u32, String> {
    let processors = || std::thread::available_parallelism().ok().and_then(|count| u32::try_from(count.get()).ok());
    let number = if text == "auto" { processors() } else { text.parse().ok() };
    number
        .filter(|number| (1..=1_000_000).contains(number))
        .ok_or_else(|| "expected a number from 1 to 1000000, or `auto` for one a processor".to_owned())
}

fn shard(text: &str) -> Result<(u32, u32), String> {
    let parts = text.split_once('/').and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
    match parts {
        Some((index, count)) if (1..=count).contains(&index) => Ok((index, count)),
        _ => Err("expected a part and how many there are, such as 1/4: from 1/N to N/N".to_owned()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let (number, seconds) = match text.split_once('/') {
        None | Some((_, "s")) => (text.strip_suffix("/s").unwrap_or(text), 1.0),
        Some((number, "m")) => (number, 60.0),
        Some((number, "h")) => (number, 3600.0),
        Some(_) => ("", 1.0),
    };
    match number.parse::<f64>().map(|number| number / seconds) {
        Ok(rate) if rate > 0.0 && rate <= HIGHEST_RATE => Ok(rate),
        _ => Err("expected runs each second, minute or hour, such as 50/s, 300/m or 10/h".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_another_server_may_be_left_out() {
        assert_eq!(to_address("127.0.0.1"), Ok(("127.0.0.1".to_owned(), None)));
        assert_eq!(to_address("[::1]:2525"), Ok(("[::1]".to_owned(), Some(2525))));
        assert!(to_address("a:0").is_err() && to_address("").is_err());
    }

    #[test]
    fn rates() {
        for (text, wanted) in [("50", 50.0), ("50/s", 50.0), ("300/m", 5.0), ("36/h", 0.01), ("0.5/s", 0.5)] {
            assert!((rate(text).unwrap() - wanted).abs() < 1e-9, "{text}");
        }
        for text in ["", "0", "-1/s", "50/x", "s", "1e9/s", "nan", "/s"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shards() {
        assert_eq!(shard("1/1"), Ok((1, 1)));
        assert_eq!(shard("3/4"), Ok((3, 4)));
        for text in ["0/4", "5/4", "1", "1/0", "a/b", "1/2/3", "-1/2"] {
            assert!(shard(text).is_err(), "{text}");
        }
    }
}
