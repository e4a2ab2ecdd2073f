//! `smtp-script exporter`: serves the scenarios of a folder as probes; Prometheus says which, and against which server.
//!
//! Responsible for the options and for loading the folder, at the start and at each reload; the service itself is
//! `crate::exporter`.

use super::USAGE;
use super::check::all_of;
use super::refusal::{MOST_OF_A_LIST, text_of};
use super::screen::{self, Color};
use super::serve::listen_address;
use super::targets::{Files, Targets};
use super::trust::TrustArguments;
use super::values::ValueArguments;
use crate::exporter::{self, ExporterOptions, Library, LoadFault, ProbeScenario, TargetPattern};
use crate::run::Settings;
use crate::scenario::{Diagnostic, Scenario, Span, Variables, duration, reason, undeclared};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const PROBES: &str = "Probes";

const EXAMPLES: &str = "\
Examples:
  Let Prometheus probe the mail servers of a domain with the scenarios of a folder:
      smtp-script exporter scenarios --listen 127.0.0.1:9587 --allow-target '*.example.com:25,587'
  Ask for a probe by hand, and read the conversation:
      curl 'http://127.0.0.1:9587/probe?scenario=starttls&target=mx1.example.com:25&debug=true'
  Load changed scenarios, and hear what is wrong with them:
      curl -X POST http://127.0.0.1:9587/-/reload";

/// Play scenarios for Prometheus over HTTP, in the manner of `blackbox_exporter`: `/probe?scenario=NAME&target=HOST:PORT`
/// plays NAME.yaml of the folder against that server and answers with metrics; `&debug=true` shows the conversation.
/// SIGHUP and POST /-/reload load the folder again.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct ExporterArguments {
    /// The folder with the scenarios
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Listen here for HTTP; port 0 is a free one
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listen_address)]
    listen: SocketAddr,
    #[command(flatten)]
    targets: TargetArguments,
    #[command(flatten)]
    values: ValueArguments,
    #[command(flatten)]
    probes: ProbeArguments,
    /// Print nothing but where it listens, and errors
    #[arg(short, long)]
    quiet: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

/// Options that say which servers may be probed.
#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = true)]
struct TargetArguments {
    /// Allow probes of these servers: `*` stands for any characters of a name, `192.0.2.0/24:25,587` is a network, port
    /// `*` any port (repeatable)
    #[arg(long = "allow-target", value_name = "PATTERN", help_heading = PROBES)]
    allowed: Vec<TargetPattern>,
    /// Read such patterns from a file, one a line; a reload reads it again
    #[arg(long, value_name = "FILE", help_heading = PROBES)]
    allow_targets_file: Option<PathBuf>,
}

/// Options that say how probes are played.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = PROBES)]
struct ProbeArguments {
    /// How many probes run at once
    #[arg(long, short, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=2000))]
    jobs: u16,
    /// The longest a probe may take; a scrape's own time limit, less half a second, applies where it is shorter
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration::parse)]
    max_time: Duration,
    #[command(flatten)]
    trust: TrustArguments,
    /// Let scenarios read files below this folder (instead of their own)
    #[arg(long, value_name = "DIR")]
    file_root: Option<PathBuf>,
}

/// Serves until it is asked to end.
pub(super) fn exporter(arguments: ExporterArguments) -> u8 {
    let (listen, jobs, max_time) = (arguments.listen, usize::from(arguments.probes.jobs), arguments.probes.max_time);
    let quiet = arguments.quiet;
    let options = ExporterOptions {
        listen,
        jobs,
        max_time,
        load: Box::new(move || load(&arguments)),
        notice: Arc::new(move |text| {
            if text.starts_with("listening") {
                screen::result(&format!("{text}\n"));
            } else if !quiet || !text.starts_with("notice") {
                screen::notice(text);
            }
        }),
    };
    match exporter::serve(options) {
        Ok(()) => 0,
        Err(fault) => {
            screen::notice(&format!("error: {fault}"));
            USAGE
        }
    }
}

/// Everything that can be probed, checked; or everything that is wrong with it.
fn load(arguments: &ExporterArguments) -> Result<Library, LoadFault> {
    let files = Files { root: arguments.probes.file_root.as_deref(), untrusted: false };
    let folder = &arguments.folder;
    if !folder.is_dir() {
        return Err(LoadFault(format!("`{}` is no folder", folder.display())));
    }
    let read = Targets::read(&[folder.to_string_lossy().into_owned()], files);
    let settings = settings(&arguments.probes)?;
    let mut faults = read.complaints;
    let mut scenarios = Vec::new();
    for loaded in read.loaded {
        match loaded {
            Ok(scenario) => scenarios.push(scenario),
            Err(error) => {
                let (sources, diagnostics) = all_of(error, &settings);
                faults.extend(diagnostics.iter().map(|one| one.render(&sources, false)));
            }
        }
    }
    let all: Vec<&Scenario> = scenarios.iter().collect();
    if faults.is_empty() {
        faults.extend(undeclared(&all, &arguments.values.given()));
    }
    let inputs = arguments.values.inputs(&all).map_err(|refusal| LoadFault(refusal.to_string()))?;
    let mut library = Library { scenarios: BTreeMap::new(), targets: allowed(&arguments.targets)? };
    for scenario in scenarios {
        let name = name_of(folder, &scenario);
        let found = Variables::resolve(&scenario, &inputs).map_err(|error| error.diagnostics);
        match found.and_then(|variables| checked(scenario.clone(), variables, &settings)) {
            Err(diagnostics) => faults.extend(diagnostics.iter().map(|one| one.render(&scenario.sources, false))),
            Ok(one) => {
                tell(arguments, &name, &one);
                if library.scenarios.insert(name.clone(), Arc::new(one)).is_some() {
                    faults.push(format!("two files are the scenario `{name}`: `{name}.yaml` and `{name}.yml`"));
                }
            }
        }
    }
    if faults.is_empty() { Ok(library) } else { Err(LoadFault(faults.join("\n\n"))) }
}

/// A scenario that a probe can play, or what is wrong with it.
fn checked(scenario: Scenario, variables: Variables, settings: &Settings) -> Result<ProbeScenario, Vec<Diagnostic>> {
    let refused = |message: &str, help: &str| vec![Diagnostic::error(Span::default(), message).help(help)];
    if scenario.has_server() {
        return Err(refused("a probe plays the client's side, and this has `server:`", "serve it with `serve`"));
    }
    if scenario.case_count() > 0 {
        return Err(refused("a probe plays one conversation, and this has `cases:`", "make a file of each case"));
    }
    let (errors, warnings): (Vec<_>, Vec<_>) =
        crate::check(&scenario, Some(&variables), settings).into_iter().partition(Diagnostic::is_error);
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(ProbeScenario { scenario, variables, settings: settings.clone(), warnings })
}

/// Warns, and says which secrets a probe sends: whoever can ask for a probe decides where to.
fn tell(arguments: &ExporterArguments, name: &str, one: &ProbeScenario) {
    if arguments.quiet {
        return;
    }
    for warning in &one.warnings {
        let styled = arguments.color.for_notices();
        screen::drawn(&format!("{}\n", warning.render(&one.scenario.sources, styled.0)));
    }
    let secrets: Vec<String> = one.scenario.secrets.iter().map(|secret| format!("`{}`", secret.name)).collect();
    if !secrets.is_empty() {
        let noun = if secrets.len() == 1 { "the secret" } else { "the secrets" };
        let list = secrets.join(", ");
        screen::notice(&format!("notice: probes of `{name}` send {noun} {list} to the target, if it is allowed"));
    }
}

/// `relay/open` of `DIR/relay/open.yaml`.
fn name_of(folder: &Path, scenario: &Scenario) -> String {
    let path = Path::new(scenario.sources.name());
    let inner = path.strip_prefix(folder).unwrap_or(path).with_extension("");
    inner.to_string_lossy().replace('\\', "/")
}

fn settings(probes: &ProbeArguments) -> Result<Settings, LoadFault> {
    let settings = probes.trust.settings().map_err(|refusal| LoadFault(refusal.to_string()))?;
    Ok(Settings { file_root: probes.file_root.clone(), ..settings })
}

/// The patterns of the options and those of the file, which may hold empty lines and comments.
fn allowed(targets: &TargetArguments) -> Result<Vec<TargetPattern>, LoadFault> {
    let mut patterns = targets.allowed.clone();
    let Some(file) = &targets.allow_targets_file else { return Ok(patterns) };
    let fault = |error| LoadFault(format!("cannot read `{}`: {}", file.display(), reason(&error)));
    let text = text_of(file, MOST_OF_A_LIST).map_err(fault)?;
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if !line.is_empty() {
            let place = || format!("{}:{}", file.display(), index + 1);
            patterns.push(line.parse().map_err(|fault| LoadFault(format!("{}: {fault}", place())))?);
        }
    }
    Ok(patterns)
}
