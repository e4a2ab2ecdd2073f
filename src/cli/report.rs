//! `smtp-script report`: JSON reports joined, or written in other formats.

use super::report_files::{self, ReportArguments, ReportFiles};
use super::{USAGE, screen};
use crate::cli::refusal::{Refusal, text_of};
use crate::report::{Report, json, merge};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Join JSON reports, or write one in other formats.
#[derive(Debug, clap::Subcommand)]
pub(super) enum ReportCommand {
    /// Join the JSON reports of shards or of several runs; the exit code is that of all of them together
    Merge(MergeArguments),
    /// Write a JSON report in other formats
    Convert(ConvertArguments),
}

/// Join the JSON reports of shards or of several runs. The exit code is that of all of them together.
#[derive(Debug, clap::Args)]
pub(super) struct MergeArguments {
    /// JSON reports, or folders: every `*.json` in them
    #[arg(required = true, value_name = "FILE.json|DIR")]
    inputs: Vec<PathBuf>,
    #[command(flatten)]
    reports: ReportArguments,
}

/// Write a JSON report in other formats.
#[derive(Debug, clap::Args)]
pub(super) struct ConvertArguments {
    /// A JSON report, or `-` for standard input
    #[arg(value_name = "FILE.json")]
    file: PathBuf,
    #[command(flatten)]
    reports: ReportArguments,
}

/// Does it and gives the exit code.
pub(super) fn report(command: &ReportCommand) -> u8 {
    let outcome = match command {
        ReportCommand::Merge(arguments) => merged(arguments),
        ReportCommand::Convert(arguments) => converted(arguments),
    };
    outcome.unwrap_or_else(|message| {
        screen::notice(&format!("error: {message}"));
        USAGE
    })
}

fn merged(arguments: &MergeArguments) -> Result<u8, Refusal> {
    let mut paths = Vec::new();
    for file in &arguments.inputs {
        if file.is_dir() { paths.extend(json_files(file)?) } else { paths.push(file.clone()) }
    }
    let reports = paths.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let merged = merge::merge(reports)?;
    write(&merged, &arguments.reports, &paths)?;
    Ok(merged.exit_code)
}

fn converted(arguments: &ConvertArguments) -> Result<u8, Refusal> {
    let report = read(&arguments.file)?;
    write(&report, &arguments.reports, std::slice::from_ref(&arguments.file))?;
    Ok(0)
}

fn write(report: &Report, arguments: &ReportArguments, inputs: &[PathBuf]) -> Result<(), Refusal> {
    if report.changes.is_some() {
        arguments.take_changes()?;
    }
    ReportFiles::open(arguments, inputs)?.write(report)?;
    report_files::tell(report, arguments);
    Ok(())
}

fn json_files(folder: &Path) -> Result<Vec<PathBuf>, Refusal> {
    let fault = |error: std::io::Error| Refusal::unreadable(folder, &error);
    let entries = std::fs::read_dir(folder).map_err(fault)?.collect::<Result<Vec<_>, _>>().map_err(fault)?;
    let is_json = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let mut files: Vec<PathBuf> = entries.iter().map(std::fs::DirEntry::path).filter(is_json).collect();
    if files.is_empty() {
        return Err(format!("no JSON report lies in `{}`", folder.display()).into());
    }
    files.sort();
    Ok(files)
}

/// The most octets of a report: those of audits of many servers have some millions.
const MOST_OF_A_REPORT: u64 = 512 * 1024 * 1024;

fn read(path: &Path) -> Result<Report, Refusal> {
    let text = if path.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        text_of(path, MOST_OF_A_REPORT)
    };
    let text = text.map_err(|error| Refusal::unreadable(path, &error))?;
    json::read(&text).map_err(|message| format!("`{}`: {message}", path.display()).into())
}
