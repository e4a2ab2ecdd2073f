//! Which secret goes to which host, under which protection; and to which hosts an untrusted scenario may send one.
//!
//! Known before the first connection, from the text of the scenario: hosts depend on no secret. The command line says it
//! before it asks for a secret, and refuses what was not allowed.

use crate::net::route::Destination;
use crate::play::Settings;
use crate::play::client::endpoint::{Endpoint, Resolver, file_root};
use crate::scenario::{
    Action, Chance, Diagnostic, Inputs, Scenario, Secret, Span, Step, Templates, TlsSettings, Variables,
};
use std::collections::{BTreeMap, BTreeSet};

/// To which hosts each secret of an untrusted scenario may be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BoundSecrets {
    hosts: BTreeMap<String, BTreeSet<String>>,
    /// Values that were made up: nobody's secrets.
    anywhere: BTreeSet<String>,
}

/// Secrets that go to one address under the same protection.
#[derive(Debug, Clone)]
pub(crate) struct Disclosure {
    /// The address, for people.
    pub(crate) address: String,
    /// The host, by the names that a user may know it by.
    pub(crate) hosts: Vec<String>,
    pub(crate) protection: &'static str,
    pub(crate) secrets: BTreeSet<String>,
    /// The first step that sends them.
    pub(crate) span: Span,
}

impl BoundSecrets {
    /// Lets a secret go to a host.
    pub fn bind(&mut self, secret: &str, host: &str) {
        self.hosts.entry(secret.to_owned()).or_default().insert(plain(host));
    }

    /// Lets a value that is nobody's secret go anywhere.
    pub fn bind_anywhere(&mut self, secret: &str) {
        self.anywhere.insert(secret.to_owned());
    }

    /// Whether a secret may go to a host that is known by any of these names.
    #[must_use]
    pub fn allows(&self, secret: &str, hosts: &[&str]) -> bool {
        let named = self.hosts.get(secret);
        self.anywhere.contains(secret)
            || named.is_some_and(|named| hosts.iter().any(|host| named.contains(&plain(host))))
    }

    /// Whether nobody's secret is meant.
    pub(crate) fn is_made_up(&self, secret: &str) -> bool {
        self.anywhere.contains(secret)
    }
}

/// A host's name as it is compared: without brackets and the final dot, in small letters.
fn plain(host: &str) -> String {
    host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase()
}

/// What is known of a session while the steps are walked through.
struct Reached {
    endpoint: Endpoint,
    tls: TlsSettings,
    encrypted: bool,
    verified: bool,
}

impl Reached {
    fn handshake(&mut self, own: &TlsSettings, resolver: &Resolver<'_>) {
        self.encrypted = true;
        // What cannot be told is not called verified.
        self.verified = resolver.verifies(own, &self.tls).unwrap_or(false);
    }

    fn protection(&self) -> &'static str {
        match (self.encrypted, self.verified) {
            (true, true) => "verified TLS",
            (true, false) => "TLS without verification",
            (false, _) => "no protection (plain text)",
        }
    }

    fn hosts(&self, settings: &Settings) -> Vec<String> {
        let target = self.endpoint.target.host.clone();
        if settings.to.is_some() { vec![target] } else { vec![self.endpoint.host.clone(), target] }
    }
}

/// Which secrets the steps send where, in the order of the file.
pub(crate) fn disclosures(scenario: &Scenario, variables: &Variables, settings: &Settings) -> Vec<Disclosure> {
    let templates = Templates::for_check(Chance::seeded(0));
    let file_root = file_root(scenario, settings);
    let resolver =
        Resolver { settings, sandbox: None, templates: &templates, scope: variables, file_root, own_server: None };
    let mut sessions: BTreeMap<&str, Reached> = BTreeMap::new();
    let mut list: Vec<Disclosure> = Vec::new();
    for step in scenario.all_steps() {
        let session = step.session_name();
        if let Action::Connect(connect) = &step.action
            && let Ok(endpoint) = resolver.endpoint(connect)
        {
            let tls = connect.tls.clone();
            let implicit = endpoint.implicit_tls;
            let mut reached = Reached { endpoint, tls, encrypted: false, verified: false };
            if implicit {
                reached.handshake(&TlsSettings::default(), &resolver);
            }
            sessions.insert(session, reached);
        }
        let Some(reached) = sessions.get_mut(session) else { continue };
        let secrets = variables.flow.secrets_told_by(step);
        if !secrets.is_empty() && !is_own_server(&reached.endpoint) {
            add(&mut list, reached, secrets, step, settings);
        }
        if let Action::StartTls(tls) | Action::Tls(tls) = &step.action {
            reached.handshake(&tls.client, &resolver);
        }
    }
    list
}

fn add(list: &mut Vec<Disclosure>, reached: &Reached, secrets: BTreeSet<String>, step: &Step, settings: &Settings) {
    let (address, protection) = (reached.endpoint.shown(), reached.protection());
    match list.iter_mut().find(|one| one.address == address && one.protection == protection) {
        Some(one) => one.secrets.extend(secrets),
        None => {
            let (hosts, span) = (reached.hosts(settings), step.head.span);
            list.push(Disclosure { address, hosts, protection, secrets, span });
        }
    }
}

fn is_own_server(endpoint: &Endpoint) -> bool {
    endpoint.is_own_server && matches!(endpoint.route.to, Destination::Host(_))
}

/// Which secrets go to which address, as a notice says it.
pub(crate) fn secrets_by_host(
    scenario: &Scenario,
    variables: &Variables,
    settings: &Settings,
) -> Vec<(String, Vec<String>)> {
    let mut secrets: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for one in disclosures(scenario, variables, settings) {
        secrets.entry(one.address).or_default().extend(one.secrets);
    }
    secrets.into_iter().map(|(address, names)| (address, names.into_iter().collect())).collect()
}

/// The addresses that a secret goes to, each with its protection: for whoever is asked for its value.
pub(crate) fn places_of(secret: &str, scenario: &Scenario, settings: &Settings) -> Vec<String> {
    let known = with_placeholders(scenario);
    let list = known.map(|variables| disclosures(scenario, &variables, settings)).unwrap_or_default();
    let told = list.iter().filter(|one| one.secrets.contains(secret));
    told.map(|one| format!("{}, {}", one.address, one.protection)).collect()
}

/// The hosts that a secret goes to.
pub(crate) fn hosts_of(secret: &str, scenario: &Scenario, settings: &Settings) -> Vec<String> {
    let known = with_placeholders(scenario);
    let list = known.map(|variables| disclosures(scenario, &variables, settings)).unwrap_or_default();
    list.into_iter().filter(|one| one.secrets.contains(secret)).flat_map(|one| one.hosts).collect()
}

/// The variables as the file gives them: no host depends on a secret, so any value does.
pub(crate) fn with_placeholders(scenario: &Scenario) -> Option<Variables> {
    let mut inputs = Inputs::default();
    for secret in &scenario.secrets {
        inputs.secrets.insert(secret.name.clone(), Secret::new("x"));
    }
    Variables::resolve(scenario, &inputs).ok()
}

/// What an untrusted scenario would send to a host that it was not given for, before anything is connected.
pub(crate) fn unbound(scenario: &Scenario, variables: &Variables, settings: &Settings) -> Vec<Diagnostic> {
    if !settings.untrusted || settings.sandbox {
        return Vec::new();
    }
    let mut faults = Vec::new();
    for one in disclosures(scenario, variables, settings) {
        let hosts: Vec<&str> = one.hosts.iter().map(String::as_str).collect();
        for secret in one.secrets.iter().filter(|secret| !settings.bound.allows(secret, &hosts)) {
            let message = format!("the secret `{secret}` would go to {}: it was not given for that host", one.address);
            let help = format!("`--allow-secret {secret}@{}` allows it", hosts.first().unwrap_or(&""));
            faults.push(Diagnostic::error(one.span, message).help(help));
        }
    }
    faults
}

/// Whether the scenario has a session's certificate verified for another name, or by an authority of its own choice.
pub(crate) fn chooses_whom_to_trust(scenario: &Scenario, session: &str) -> bool {
    scenario.all_steps().into_iter().filter(|step| step.session_name() == session).any(|step| {
        let tls = match &step.action {
            Action::Connect(connect) => &connect.tls,
            Action::StartTls(tls) | Action::Tls(tls) => &tls.client,
            _ => return false,
        };
        tls.server_name.is_some() || tls.ca_file.is_some()
    })
}
