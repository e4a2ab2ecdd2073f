//! `smtp-script new`: writes a starting scenario for a provider, a server, or after a built-in one.
//!
//! Responsible for the choices and for not destroying a file. The text itself is made by `starter`.

use super::new_file;
use super::screen;
use super::starter::{StarterLogin, StarterPlan, StarterTls, scenario};
use crate::cli::refusal::Refusal;
use crate::library;
use crate::scenario::address::split_address_or;
use crate::scenario::similar;
use crate::smtp::auth::Mechanism;
use crate::smtp::idiom::Idiom;
use crate::smtp::ports::{SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT};
use crate::smtp::provider::{self, Provider, Submission};
use clap::ValueEnum;
use std::path::{Path, PathBuf};

/// Write a starting scenario: for a provider, for a server, or a copy of a built-in one.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("Providers: {}", known_providers()))]
pub(super) struct NewArguments {
    /// A provider, a server, or the name of a built-in scenario
    #[arg(value_name = "PROVIDER|HOST[:PORT]|NAME")]
    what: String,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long, requires = "output")]
    force: bool,
    /// How TLS begins (otherwise the port and the provider decide)
    #[arg(long, value_name = "HOW")]
    tls: Option<TlsChoice>,
    /// How to log in: a mechanism such as LOGIN, `any` for the strongest, or `none`
    #[arg(long, value_name = "MECHANISM", value_parser = login)]
    auth: Option<LoginChoice>,
}

#[derive(Debug, Clone, Copy, ValueEnum, PartialEq, Eq)]
enum TlsChoice {
    /// With the command STARTTLS.
    Starttls,
    /// From the start.
    Implicit,
    /// Not at all.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LoginChoice {
    None,
    Any,
    By(Mechanism),
}

/// Writes the scenario; 0, or 2 when that cannot be done as asked.
pub(super) fn new(arguments: &NewArguments) -> u8 {
    let written = text(arguments).and_then(|text| match &arguments.output {
        Some(file) => {
            new_file::write(file, &for_editors(file, text), arguments.force).map(|()| new_file::say_next(file))
        }
        None => {
            screen::result(&text);
            Ok(())
        }
    });
    written.map_or_else(|refusal| refusal.show(), |()| 0)
}

fn text(arguments: &NewArguments) -> Result<String, Refusal> {
    let what = arguments.what.as_str();
    if let Some(plan) = with_provider(what, arguments) {
        return scenario_of(&plan?);
    }
    if let [built_in] = library::find(what).as_slice() {
        return match (arguments.tls, arguments.auth) {
            (None, None) => Ok(without_modeline(built_in.text).to_owned()),
            _ => {
                Err("`--tls` and `--auth` are for providers and servers: a built-in scenario is copied as it is".into())
            }
        };
    }
    if is_file_name(what) {
        return Err(rather_output(what).into());
    }
    scenario_of(&for_server(what, arguments)?)
}

/// The plan for a provider, by its name or by one of its hosts, with a port or without; `None` where it is neither.
fn with_provider<'a>(what: &'a str, arguments: &NewArguments) -> Option<Result<StarterPlan<'a>, Refusal>> {
    let (name, port) = match what.rsplit_once(':').and_then(|(name, port)| Some((name, port.parse().ok()?))) {
        Some((name, port)) => (name, Some(port)),
        None => (what, None),
    };
    if let Some(provider) = provider::find(name) {
        return Some(for_provider(provider, port, arguments));
    }
    let provider = provider::at_host(name)?;
    let is_known = port.is_none_or(|port| provider.submission.is_some_and(|it| it.takes(port)));
    // On another port it is a server like any other.
    is_known.then(|| for_provider(provider, port, arguments).map(|plan| StarterPlan { host: name, ..plan }))
}

/// With the schema named for editors, where it lies beside the file.
fn for_editors(file: &Path, text: String) -> String {
    const SCHEMA: &str = "scenario.schema.json";
    if file.with_file_name(SCHEMA).is_file() {
        format!("# yaml-language-server: $schema={SCHEMA}\n{text}")
    } else {
        text
    }
}

/// Whether a name is rather one of a file to write.
fn is_file_name(what: &str) -> bool {
    let ending = Path::new(what).extension().and_then(|it| it.to_str()).unwrap_or_default();
    what.contains('/') || ["yml", "yaml", "json", "md"].iter().any(|it| ending.eq_ignore_ascii_case(it))
}

fn rather_output(what: &str) -> String {
    let shown = crate::visible(what.as_bytes());
    format!(
        "`{shown}` is a file, not a provider or a server\n  = help: did you mean `-o {shown}`? `smtp-script new gmail -o {shown}`, or \
         a host such as `mail.example.com` instead of `gmail`"
    )
}

/// A file without its first line, if that names the schema for editors: by a path that is another one where a copy lies.
fn without_modeline(text: &str) -> &str {
    match text.split_once('\n') {
        Some((first, rest)) if first.starts_with("# yaml-language-server:") => rest,
        _ => text,
    }
}

fn scenario_of(plan: &StarterPlan<'_>) -> Result<String, Refusal> {
    match plan.login {
        StarterLogin::By(Some(mechanism)) if mechanism.name().ends_with("-PLUS") && plan.tls == StarterTls::None => {
            Err(format!("{} binds the login to TLS: it cannot go without", mechanism.name()).into())
        }
        _ => Ok(scenario(plan)),
    }
}

fn for_provider<'a>(
    provider: &'static Provider,
    port: Option<u16>,
    arguments: &NewArguments,
) -> Result<StarterPlan<'a>, Refusal> {
    let submission = provider.submission.ok_or_else(|| format!("{} takes no mail from users", provider.name))?;
    let lists = match arguments.tls {
        None => [submission.starttls, submission.implicit],
        Some(TlsChoice::Starttls) => [submission.starttls, &[]],
        Some(TlsChoice::Implicit) => [submission.implicit, &[]],
        Some(TlsChoice::None) => {
            return Err(format!("{} wants TLS: give `--tls starttls` or `--tls implicit`", provider.name).into());
        }
    };
    let mut ports = lists.iter().flat_map(|ports| ports.iter()).copied();
    let found = ports.find(|it| port.is_none_or(|port| port == *it));
    let port = found.ok_or_else(|| no_port(provider, submission, port))?;
    let tls = if submission.implicit.contains(&port) { StarterTls::Implicit } else { StarterTls::Starttls };
    let login = match arguments.auth.unwrap_or(LoginChoice::Any) {
        LoginChoice::None => StarterLogin::None,
        LoginChoice::Any => StarterLogin::By(submission.credentials.mechanism),
        LoginChoice::By(mechanism) => StarterLogin::By(Some(mechanism)),
    };
    Ok(StarterPlan { host: submission.host, port, tls, login, provider: Some((provider, submission)) })
}

fn no_port(provider: &Provider, submission: Submission, asked: Option<u16>) -> String {
    let Some(asked) = asked else { return format!("{} names no port with this kind of TLS", provider.name) };
    let list = |ports: &[u16], how: &str| ports.iter().map(|port| format!("{port} ({how})")).collect::<Vec<_>>();
    let known = [list(submission.starttls, "STARTTLS"), list(submission.implicit, "TLS from the start")].concat();
    format!("{} takes no mail from users on port {asked}\n  = help: its ports are {}", provider.name, known.join(", "))
}

fn for_server<'a>(what: &'a str, arguments: &NewArguments) -> Result<StarterPlan<'a>, Refusal> {
    let usual = match arguments.tls {
        Some(TlsChoice::Implicit) => SUBMISSIONS_PORT,
        _ => SUBMISSION_PORT,
    };
    let (host, port) = split_address_or(what, usual, Idiom::Options).map_err(|_| unknown(what))?;
    if !is_host(&host) {
        return Err(unknown(what).into());
    }
    let tls = match arguments.tls {
        Some(TlsChoice::Starttls) => StarterTls::Starttls,
        Some(TlsChoice::Implicit) => StarterTls::Implicit,
        Some(TlsChoice::None) => StarterTls::None,
        None if port == SUBMISSIONS_PORT => StarterTls::Implicit,
        None => StarterTls::Starttls,
    };
    let login = match arguments.auth {
        Some(LoginChoice::Any) => StarterLogin::By(None),
        Some(LoginChoice::By(mechanism)) => StarterLogin::By(Some(mechanism)),
        Some(LoginChoice::None) => StarterLogin::None,
        // Strangers deliver there.
        None if port == SMTP_PORT => StarterLogin::None,
        None => StarterLogin::By(None),
    };
    let host = &what[..host.len()];
    Ok(StarterPlan { host, port, tls, login, provider: None })
}

/// A name with a dot, an address, or `localhost`; a single word is rather a provider that is not known.
fn is_host(host: &str) -> bool {
    let letters = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_[]:".contains(&byte));
    letters && !host.starts_with(['-', '.']) && (host == "localhost" || host.contains(['.', ':']))
}

fn unknown(what: &str) -> String {
    let shown = crate::visible(what.as_bytes());
    let names = provider::all().iter().map(|it| it.id).chain(library::all().flat_map(|it| [it.name, it.short_name()]));
    let help = match similar(what, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!(
            "the known providers are {}; a server is a name with a dot, an address, or `localhost`",
            known_providers()
        ),
    };
    format!("`{shown}` is no provider, no server and no built-in scenario\n  = help: {help}")
}

/// The providers that take mail from users.
fn known_providers() -> String {
    let ids = provider::all().iter().filter(|it| it.submission.is_some()).map(|it| it.id);
    ids.collect::<Vec<_>>().join(", ")
}

fn login(text: &str) -> Result<LoginChoice, String> {
    match text.to_ascii_lowercase().as_str() {
        "none" => Ok(LoginChoice::None),
        "any" => Ok(LoginChoice::Any),
        _ => {
            let by_name = |it: &&Mechanism| it.name().eq_ignore_ascii_case(text);
            let found = with_credentials().into_iter().find(|it| by_name(&it)).map(LoginChoice::By);
            let names: Vec<&str> = with_credentials().iter().map(|it| it.name()).collect();
            found.ok_or_else(|| format!("expected `any`, `none`, or one of {}", names.join(", ")))
        }
    }
}

/// The mechanisms that log in with a user name and a password or token.
fn with_credentials() -> Vec<Mechanism> {
    let others = [Mechanism::External, Mechanism::Anonymous];
    Mechanism::ALL.into_iter().filter(|it| !others.contains(it)).collect()
}
