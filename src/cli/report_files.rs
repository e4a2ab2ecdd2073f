//! The files that reports are written to: opened before anything is played, complete or not there at all.

use super::{new_file, screen};
use crate::cli::refusal::Refusal;
use crate::report::audit::MatrixForm;
use crate::report::format::{self, Format, Options};
use crate::report::{Report, human};
use crate::scenario::reason;
use clap::ValueEnum;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Options that say which reports are written, and what is in them.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Reports")]
pub(super) struct ReportArguments {
    /// Write a report to a file (repeatable)
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = report_file)]
    report_files: Vec<(Format, PathBuf)>,
    /// What standard output gets: `human`, or a report in one of the formats of --report
    #[arg(long = "format", value_name = "FORMAT", default_value = "human", hide_default_value = true)]
    pub(super) output: Output,
    /// Whether JUnit reports have a test case for each `step` or for each `scenario`
    #[arg(long, value_name = "WHAT", default_value = "step", hide_default_value = true, hide_possible_values = true)]
    junit_granularity: Granularity,
}

/// What standard output gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Output {
    /// Results as they come, for a person.
    #[default]
    Human,
    /// One report at the end.
    Report(Format),
}

#[derive(Debug, Clone, Copy, Default, ValueEnum, PartialEq, Eq)]
enum Granularity {
    #[default]
    Step,
    Scenario,
}

impl FromStr for Output {
    type Err = String;

    fn from_str(name: &str) -> Result<Output, String> {
        if name == "human" { Ok(Output::Human) } else { name.parse().map(Output::Report) }
    }
}

impl ReportArguments {
    /// Whether anything but the terminal is written.
    pub(super) fn are_wanted(&self) -> bool {
        !self.report_files.is_empty() || self.output != Output::Human
    }

    /// Refuses formats that what changed between two audits cannot be written in.
    pub(super) fn take_changes(&self) -> Result<(), Refusal> {
        let named = self.report_files.iter().map(|(format, _)| *format);
        let printed = match self.output {
            Output::Report(format) => Some(format),
            Output::Human => None,
        };
        match named.chain(printed).find(|format| !format.writes_changes()) {
            None => Ok(()),
            Some(format) => Err(format!(
                "what changed between two audits cannot be written as {}\n  = help: it is written as `markdown`, `json` \
                 and `matrix=FILE.csv`",
                match format {
                    Format::Matrix(_) => "a matrix, except as CSV".to_owned(),
                    other => format!("`{other}`"),
                }
            )
            .into()),
        }
    }

    pub(super) fn options(&self) -> Options {
        Options { junit_by_scenario: self.junit_granularity == Granularity::Scenario, printed: false }
    }
}

/// Report files that are still to be written. Dropping them leaves the folders as they were.
#[derive(Debug)]
pub(super) struct ReportFiles {
    pending: Vec<Pending>,
    options: Options,
}

/// A file under a name of its own until it is complete.
#[derive(Debug)]
struct Pending {
    format: Format,
    path: PathBuf,
    unfinished: PathBuf,
    file: Option<File>,
}

impl ReportFiles {
    /// Opens all files: one that cannot be written is reported before anything is played.
    ///
    /// None of them may be one that is read, or that another report goes to.
    pub(super) fn open(arguments: &ReportArguments, read: &[PathBuf]) -> Result<ReportFiles, Refusal> {
        let taken: Vec<PathBuf> = read.iter().filter_map(|path| path.canonicalize().ok()).collect();
        let mut pending = Vec::new();
        for (format, path) in &arguments.report_files {
            let real = path.canonicalize().ok().filter(|path| path.is_file());
            if real.as_ref().is_some_and(|real| taken.contains(real) || is_scenario(real)) {
                let path = path.display();
                return Err(
                    format!("the report `{path}` would replace a file that is read: give it another name").into()
                );
            }
            let target = real.as_deref().unwrap_or(path);
            if pending.iter().any(|other: &Pending| other.path == target) {
                return Err(format!("two reports would go to `{}`: give each a name of its own", path.display()).into());
            }
            pending.push(Pending::open(*format, target)?);
        }
        Ok(ReportFiles { pending, options: arguments.options() })
    }

    /// Writes the report to each of them. What cannot be written keeps no other from being written.
    pub(super) fn write(mut self, report: &Report) -> Result<(), Refusal> {
        let mut errors = Vec::new();
        for pending in &mut self.pending {
            if let Err(error) = pending.write(report, self.options) {
                errors.push(format!("cannot write the report `{}`: {}", pending.path.display(), reason(&error)));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors.join("\nerror: ").into()) }
    }
}

impl Pending {
    fn open(format: Format, path: &Path) -> Result<Pending, Refusal> {
        let fault = |error: &std::io::Error| format!("cannot write the report `{}`: {}", path.display(), reason(error));
        if path.is_dir() {
            return Err(format!("cannot write the report `{}`: it is a folder", path.display()).into());
        }
        if path.file_name().is_none() {
            return Err(format!("`{}` names no file", path.display()).into());
        }
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| fault(&error))?;
        }
        let unfinished = new_file::unfinished(path);
        let is_device = path.exists() && !path.is_file();
        let file = if is_device { File::options().write(true).open(path) } else { File::create_new(&unfinished) };
        let file = Some(file.map_err(|error| fault(&error))?);
        let unfinished = if is_device { PathBuf::new() } else { unfinished };
        Ok(Pending { format, path: path.to_path_buf(), unfinished, file })
    }

    fn write(&mut self, report: &Report, options: Options) -> std::io::Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let mut output = BufWriter::new(file);
        format::write(self.format, report, &options, &mut output)?;
        let file = output.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        if let Ok(before) = self.path.metadata() {
            // Whoever could not read the last report cannot read this one.
            _ = file.set_permissions(before.permissions());
        }
        file.sync_all().or_else(unsupported)?;
        if self.unfinished.as_os_str().is_empty() { Ok(()) } else { std::fs::rename(&self.unfinished, &self.path) }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.unfinished.as_os_str().is_empty() {
            // It has its name already, or nobody wants it.
            _ = std::fs::remove_file(&self.unfinished);
        }
    }
}

/// Whether a file is a scenario, which no report may replace.
fn is_scenario(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// A pipe or a terminal has nothing to keep.
fn unsupported(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::InvalidInput { Ok(()) } else { Err(error) }
}

/// Appends the summary of the job, where GitHub Actions takes one.
pub(super) fn append_job_summary(report: &Report) -> Result<(), Refusal> {
    let Some(path) = screen::job_summary_file() else { return Ok(()) };
    let mut summary = Vec::new();
    let rendered = format::write(Format::Github, report, &Options::default(), &mut summary);
    let open = || File::options().append(true).create(true).open(&path);
    let written = rendered.and_then(|()| open()).and_then(|mut file| file.write_all(&summary));
    written.map_err(|error| format!("cannot write the job summary `{}`: {}", path.display(), reason(&error)).into())
}

/// Writes a report to standard output: a few lines, or all of it in the format that was asked for.
pub(super) fn tell(report: &Report, arguments: &ReportArguments) {
    match arguments.output {
        Output::Human => screen::result(&human::summary(report)),
        Output::Report(format) => print(format, report, arguments.options()),
    }
}

/// Writes a report to standard output; a closed pipe is nothing to complain about.
pub(super) fn print(format: Format, report: &Report, options: Options) {
    let mut output = Vec::new();
    let options = Options { printed: true, ..options };
    if format::write(format, report, &options, &mut output).is_ok() {
        screen::result_bytes(&output);
    }
}

fn report_file(text: &str) -> Result<(Format, PathBuf), String> {
    let Some((format, file)) = text.split_once('=') else {
        let ending = Path::new(text).extension().and_then(|ending| ending.to_str());
        let by_ending = ending.map(|ending| if ending == "xml" { "junit" } else { ending });
        return Err(match (text.parse::<Format>(), by_ending.map(str::parse::<Format>)) {
            (Ok(_), _) => format!("a file is missing: write `{text}=FILE`"),
            (_, Some(Ok(_))) => format!("a format is missing: write `{}={text}`", by_ending.unwrap_or_default()),
            _ => "expected a format and a file, such as junit=report.xml".to_owned(),
        });
    };
    if file.is_empty() {
        return Err(format!("`{format}=` names no file"));
    }
    if file == "-" {
        return Err(format!("`--format {format}` writes to standard output; `--report` wants a file"));
    }
    let (format, file) = (format.parse()?, PathBuf::from(file));
    match format {
        Format::Matrix(_) => match MatrixForm::of(&file) {
            Some(form) => Ok((Format::Matrix(form), file)),
            None => Err(format!("a matrix is `.md`, `.csv` or `.html`, not `{}`", file.display())),
        },
        format => Ok((format, file)),
    }
}
