//! Whole commands side by side: smtp-script, other SMTP clients, and a bare client as the limit, in turn against one
//! fast sink. Responsible for options, order and the table; what is run stands in `jobs`, how in `measure`.
//!
//! `cargo bench --bench side_by_side -- [--rounds N] [--only WORD] [--against PROGRAM] [--write]`: `--only` takes the jobs
//! whose name holds the word, `--against` measures another build of smtp-script beside this one, `--write` puts the table
//! into docs/performance.md. Every round runs every command once, beginning with another one each time; only the ratios
//! within a round are worth comparing. Behind each stand the quartiles of its rounds.

mod jobs;
mod limit;
mod measure;
mod page;
mod sink;

use jobs::{Bench, Job};
use measure::Sample;
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Rounds that are measured, behind one that is not.
const ROUNDS: usize = 15;
/// Rounds at most of jobs that take seconds.
const LONG_ROUNDS: usize = 7;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some("limit") = arguments.first().map(String::as_str) {
        return limit::run(&arguments[1..]);
    }
    // `cargo test --all-targets` runs benches as well, without this word.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let options = Options::read(&arguments)?;
    let folder = tempfile::tempdir()?;
    let bench = Bench::prepare(folder.path(), options.against.clone())?;
    let mut output = std::io::stdout().lock();
    writeln!(output, "{} rounds; not installed: {}", options.rounds, bench.missing())?;
    let mut rows = Vec::new();
    for job in bench.jobs().iter().filter(|job| job.name.contains(&options.only)) {
        let rounds = if job.memory { options.rounds.min(LONG_ROUNDS) } else { options.rounds };
        let samples = play(job, rounds)?;
        writeln!(output, "\n{}\n{}", job.name, table(job, &samples))?;
        output.flush()?;
        rows.extend(rows_of(job, &samples));
    }
    if options.write { page::write(&rows, options.rounds) } else { Ok(()) }
}

struct Options {
    rounds: usize,
    only: String,
    against: Option<PathBuf>,
    /// Whether the table goes into docs/performance.md.
    write: bool,
}

impl Options {
    fn read(arguments: &[String]) -> Outcome<Options> {
        let mut options = Options { rounds: ROUNDS, only: String::new(), against: None, write: false };
        let mut rest = arguments.iter().filter(|argument| *argument != "--bench");
        while let Some(name) = rest.next() {
            if name == "--write" {
                options.write = true;
                continue;
            }
            let value = rest.next().ok_or_else(|| format!("`{name}` needs a value"))?;
            match name.as_str() {
                "--rounds" => options.rounds = value.parse::<usize>()?.max(1),
                "--only" => options.only.clone_from(value),
                "--against" => options.against = Some(value.into()),
                _ => {
                    return Err(
                        format!("unknown option `{name}`: expected --rounds, --only, --against or --write").into()
                    );
                }
            }
        }
        Ok(options)
    }
}

/// The samples of each command, by round.
fn play(job: &Job, rounds: usize) -> Outcome<Vec<Vec<Sample>>> {
    let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); job.commands.len()];
    for round in 0..=rounds {
        for offset in 0..job.commands.len() {
            let index = (round + offset) % job.commands.len();
            let sample = measure::run(&job.commands[index], job.memory)?;
            if round > 0 {
                samples[index].push(sample);
            }
        }
    }
    Ok(samples)
}

fn table(job: &Job, samples: &[Vec<Sample>]) -> String {
    let mut table = format!("{:<24} {:>9} {:>9} {:>9}", "", "wall ms", "cpu ms", "peak MB");
    for command in &job.commands {
        _ = write!(table, " {:>15}", format!("x {}", command.name));
    }
    for (command, own) in job.commands.iter().zip(samples) {
        let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1}"));
        let wall = median(own.iter().map(|sample| Some(sample.wall_ms)));
        let cpu = median(own.iter().map(|sample| sample.cpu_ms));
        let peak = median(own.iter().map(|sample| sample.peak_mb));
        _ = write!(table, "\n{:<24} {:>9} {:>9} {:>9}", command.name, number(wall), number(cpu), number(peak));
        for base in samples {
            let ratio = ratios(own, base).map(|(median, low, high)| format!("{median:.2} {low:.2}-{high:.2}"));
            _ = write!(table, " {:>15}", ratio.unwrap_or("-".to_owned()));
        }
    }
    table
}

/// The commands of a job, each beside smtp-script.
fn rows_of(job: &Job, samples: &[Vec<Sample>]) -> Vec<page::Row> {
    let own = job.commands.iter().position(|command| command.name == "smtp-script");
    let row = |(command, taken): (&measure::Command, &Vec<Sample>)| page::Row {
        job: job.name,
        command: command.name,
        wall_ms: median(taken.iter().map(|sample| Some(sample.wall_ms))).unwrap_or_default(),
        cpu_ms: median(taken.iter().map(|sample| sample.cpu_ms)),
        peak_mb: median(taken.iter().map(|sample| sample.peak_mb)),
        times: own.and_then(|own| ratios(taken, &samples[own])),
    };
    job.commands.iter().zip(samples).map(row).collect()
}

/// How many times as long one took as the other: the median of the rounds, and their quartiles.
fn ratios(one: &[Sample], other: &[Sample]) -> Option<(f64, f64, f64)> {
    let mut ratios: Vec<f64> = one.iter().zip(other).map(|(one, other)| one.wall_ms / other.wall_ms).collect();
    ratios.sort_by(f64::total_cmp);
    let at = |part: usize| ratios.get((ratios.len() * part / 4).min(ratios.len().saturating_sub(1))).copied();
    Some((at(2)?, at(1)?, at(3)?))
}

/// The median of what is known; nothing where something is not.
fn median(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect::<Option<_>>()?;
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
