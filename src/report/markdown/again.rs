//! The command line that plays a ticket again.
//!
//! Responsible for the options that a stranger's scenario needs: those of the run, the hosts that are not public, and the
//! secrets with the hosts that may have them. Called by `markdown`.

use super::super::model::{ScenarioReport, Session};
use crate::public::is_public;
use crate::scenario::declared_secrets;

/// What is typed, with `FILE` for the ticket's name.
pub(super) fn command_line(scenario: &ScenarioReport, script: &str) -> String {
    let mut words: Vec<String> = vec!["smtp-script run FILE".to_owned()];
    words.extend(scenario.options.iter().cloned());
    words.extend(local_hosts(scenario).into_iter().map(|host| format!("--allow-host {host}")));
    words.extend(secrets_with_hosts(scenario, script));
    words.join(" ")
}

/// A stranger's scenario gets a secret of the environment or of a file only for a host that is named with it.
fn secrets_with_hosts(scenario: &ScenarioReport, script: &str) -> Vec<String> {
    if scenario.options.iter().any(|option| option == "--sandbox") {
        return Vec::new();
    }
    let sessions = scenario.sessions.iter().filter(|session| !session.name.starts_with("server "));
    let mut hosts: Vec<String> = sessions.map(|session| to_host(scenario, session)).collect();
    hosts.dedup();
    let of_host = |host: &String| {
        declared_secrets(script).into_iter().map(|name| format!("--allow-secret {name}@{host}")).collect::<Vec<_>>()
    };
    hosts.iter().filter(|host| !host.is_empty() && !host.contains(char::is_whitespace)).flat_map(of_host).collect()
}

/// Hosts that a stranger's scenario reaches only when it is told to.
fn local_hosts(scenario: &ScenarioReport) -> Vec<String> {
    let mut hosts = Vec::new();
    if scenario.options.iter().any(|option| option == "--sandbox") {
        return hosts;
    }
    for session in &scenario.sessions {
        let address = session.address.as_deref().and_then(|address| address.parse::<std::net::SocketAddr>().ok());
        let host = to_host(scenario, session);
        if address.is_some_and(|address| !is_public(address.ip())) && !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

/// The host as the script names it: where another server stood in, that one.
fn to_host(scenario: &ScenarioReport, session: &Session) -> String {
    let named = scenario.script.as_deref().is_some_and(|script| script.contains(&session.host));
    let address = session.address.as_deref().and_then(|address| address.parse::<std::net::SocketAddr>().ok());
    match address {
        Some(address) if !named || session.host.is_empty() => address.ip().to_string(),
        _ => session.host.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::diverged;

    /// The same hosts as `run` refuses: those are to be named.
    #[test]
    fn hosts_that_are_not_public_are_allowed() {
        let mut report = diverged();
        let mut line = |address: &str| {
            report.scenarios[0].sessions[0].address = Some(address.to_owned());
            report.scenarios[0].sessions[0].host.clear();
            command_line(&report.scenarios[0], "")
        };
        assert_eq!(line("127.0.0.1:25"), "smtp-script run FILE --allow-host 127.0.0.1");
        assert_eq!(line("100.64.0.7:25"), "smtp-script run FILE --allow-host 100.64.0.7");
        assert_eq!(line("[fd00::1]:25"), "smtp-script run FILE --allow-host fd00::1");
        assert_eq!(line("9.9.9.9:25"), "smtp-script run FILE");
    }
}
