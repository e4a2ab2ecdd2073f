//! What is audited: a server, how it is reached, and the values that its checks are played with.

use crate::scenario::similar;
use crate::smtp::ports::host_port;
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// What a server is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It takes mail for its domains from anybody.
    Mx,
    /// It takes mail from its users (RFC 6409).
    Submission,
    /// It delivers to mailboxes (RFC 2033).
    Lmtp,
}

/// The columns that a table of targets may have.
pub(crate) const COLUMNS: [&str; 14] = [
    "name",
    "host",
    "port",
    "tls",
    "login",
    "username",
    "password",
    "hello",
    "sender",
    "recipient",
    "unknown",
    "relay",
    "domain",
    "role",
];
/// Of these the ones that become variables of checks.
const VALUES: [&str; 8] = ["login", "username", "hello", "sender", "recipient", "unknown", "relay", "domain"];

/// One server.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// What it is called in reports: unlike the others.
    pub(crate) name: String,
    /// A host, or `unix:PATH`.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// `none`, `starttls` or `implicit`.
    pub(crate) tls: String,
    /// Its role, where it was given or its port tells it.
    pub(crate) role: Option<Role>,
    /// The name of the secret with its password.
    pub(crate) secret: String,
    /// Variables of checks.
    pub(crate) values: BTreeMap<String, String>,
}

/// What is wrong with a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TargetFault(pub(crate) String);

impl fmt::Display for TargetFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Role {
    pub(crate) const ALL: [Role; 3] = [Role::Mx, Role::Submission, Role::Lmtp];

    /// The word that tables, tags and reports have for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Role::Mx => "mx",
            Role::Submission => "submission",
            Role::Lmtp => "lmtp",
        }
    }
}

impl Target {
    /// A target by its columns; what a row leaves out stands in `common`.
    ///
    /// # Errors
    /// What is wrong, in words for the user.
    pub(crate) fn of(row: &BTreeMap<String, String>, common: &BTreeMap<String, String>) -> Result<Target, TargetFault> {
        let own = |key: &str| row.get(key).or_else(|| common.get(key)).filter(|value| !value.is_empty()).cloned();
        let fault = |text: String| Err(TargetFault(text));
        let Some(written) = own("host") else { return fault("a target needs a `host`".to_owned()) };
        let (host, with_host) = host_and_port(&written)?;
        let port = match own("port") {
            Some(text) => text.parse::<u16>().map_err(|_| TargetFault(format!("`{text}` is no port")))?,
            None => with_host.unwrap_or(25),
        };
        if port == 0 {
            return fault("there is no port 0".to_owned());
        }
        let is_socket = host.starts_with("unix:");
        let tls = own("tls").unwrap_or_else(|| if port == 465 { "implicit" } else { "none" }.to_owned());
        one_of("tls", &tls, &["none", "starttls", "implicit"])?;
        let role = match own("role").as_deref() {
            None | Some("auto") => role_of_port(port, is_socket),
            Some(word) => {
                one_of("role", word, &["mx", "submission", "lmtp", "auto"])?;
                Role::ALL.into_iter().find(|role| role.name() == word)
            }
        };
        let values = VALUES.iter().filter_map(|key| Some(((*key).to_owned(), own(key)?))).collect();
        let name = own("name").unwrap_or_else(|| if is_socket { host.clone() } else { host_port(&host, port) });
        let secret = own("password").unwrap_or_else(|| "password".to_owned());
        Ok(Target { name, host, port, tls, role, secret, values })
    }

    /// The variables that its checks are played with.
    pub(crate) fn variables(&self, role: Role) -> BTreeMap<String, String> {
        let mut all = self.values.clone();
        let (host, socket) = match self.host.strip_prefix("unix:") {
            Some(path) => ("localhost", path),
            None => (self.host.as_str(), ""),
        };
        let port = self.port.to_string();
        let own = [
            ("host", host),
            ("socket", socket),
            ("port", port.as_str()),
            ("tls_mode", self.tls.as_str()),
            ("role", role.name()),
        ];
        all.extend(own.map(|(key, value)| (key.to_owned(), value.to_owned())));
        all
    }

    /// `192.0.2.1:25`
    pub(crate) fn address(&self) -> String {
        if self.host.starts_with("unix:") { self.host.clone() } else { host_port(&self.host, self.port) }
    }

    /// Whether it is on this machine, where no stranger is bothered.
    pub(crate) fn is_local(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        self.host.starts_with("unix:")
            || self.host == "localhost"
            || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

fn role_of_port(port: u16, is_socket: bool) -> Option<Role> {
    match port {
        _ if is_socket => Some(Role::Lmtp),
        25 => Some(Role::Mx),
        465 | 587 => Some(Role::Submission),
        24 => Some(Role::Lmtp),
        _ => None,
    }
}

/// `HOST`, `HOST:PORT`, `[ADDRESS]:PORT`, `ADDRESS` or `unix:PATH`.
fn host_and_port(text: &str) -> Result<(String, Option<u16>), TargetFault> {
    if text.starts_with("unix:") || text.parse::<IpAddr>().is_ok() {
        return Ok((text.to_owned(), None));
    }
    let fault = || {
        let right =
            crate::scenario::address::right_form_of(text).map_or(String::new(), |right| format!(": write `{right}`"));
        TargetFault(format!("`{text}` is no HOST or HOST:PORT{right}"))
    };
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port.parse::<u16>().map_err(|_| fault())?)),
        _ => (text, None),
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let odd = |letter: char| letter.is_whitespace() || letter.is_control() || "/@<>\"".contains(letter);
    if bare.is_empty() || bare.contains(odd) { Err(fault()) } else { Ok((bare.to_owned(), port)) }
}

fn one_of(column: &str, word: &str, known: &[&str]) -> Result<(), TargetFault> {
    if known.contains(&word) {
        return Ok(());
    }
    let near = similar(word, known.iter().copied()).map(|near| format!(": did you mean `{near}`?"));
    let near = near.unwrap_or_else(|| format!(": it is one of {}", known.join(", ")));
    Err(TargetFault(format!("`{column}` cannot be `{word}`{near}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn targets_by_their_columns() {
        let of = |pairs| Target::of(&row(pairs), &row(&[("tls", "starttls"), ("sender", "a@b")])).unwrap();
        let one = of(&[("host", "mx.example.com:587"), ("tls", "none")]);
        assert_eq!((one.name.as_str(), one.port, one.tls.as_str()), ("mx.example.com:587", 587, "none"));
        assert_eq!(one.role, Some(Role::Submission));
        assert_eq!(one.values["sender"], "a@b");
        assert_eq!(of(&[("host", "::1"), ("port", "2525")]).name, "[::1]:2525");
        assert!(of(&[("host", "[::1]:25")]).is_local());
        assert_eq!(of(&[("host", "unix:/run/lmtp")]).role, Some(Role::Lmtp));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let fault = |pairs| Target::of(&row(pairs), &BTreeMap::new()).unwrap_err().0;
        assert!(fault(&[("host", "a b")]).contains("no HOST"));
        assert!(fault(&[("host", "a"), ("tls", "startls")]).contains("did you mean `starttls`"));
        assert!(fault(&[("host", "a"), ("port", "x")]).contains("`x` is no port"));
        assert!(fault(&[("name", "a")]).contains("needs a `host`"));
    }
}
