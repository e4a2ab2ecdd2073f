//! The scenarios that come with the program: everything below `scenarios/`, inside the binary.
//!
//! Responsible for their texts and names. Not for reading them as scenarios (`load`). A name is the path below `scenarios/`
//! without `.yaml`; the last part of it is enough, and the name of a folder stands for all in it.

use std::path::{Component, Path};

/// A scenario of the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltIn {
    /// Its path below `scenarios/`, without `.yaml`.
    pub name: &'static str,
    /// The file.
    pub text: &'static str,
}

impl BuiltIn {
    /// The last part of its name.
    #[must_use]
    pub fn short_name(&self) -> &'static str {
        self.name.rsplit('/').next().unwrap_or(self.name)
    }

    /// The folder it is in; empty for one that is in none.
    #[must_use]
    pub fn folder(&self) -> &'static str {
        self.name.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

macro_rules! library {
    ($($name:literal),* $(,)?) => {
        /// Every file, sorted by name.
        static LIBRARY: &[BuiltIn] =
            &[$(BuiltIn { name: $name, text: include_str!(concat!("../scenarios/", $name, ".yaml")) }),*];
    };
}

library![
    "audit-client/_before_tls",
    "audit-client/_bye",
    "audit-client/_data",
    "audit-client/_greet",
    "audit-client/_hello",
    "audit-client/_login",
    "audit-client/_mail",
    "audit-client/_rcpt",
    "audit-client/_secure",
    "audit-client/_session",
    "audit-client/certificates/c-cert-cn-only",
    "audit-client/certificates/c-cert-expired",
    "audit-client/certificates/c-cert-future",
    "audit-client/certificates/c-cert-ip",
    "audit-client/certificates/c-cert-name",
    "audit-client/certificates/c-cert-not-ca",
    "audit-client/certificates/c-cert-nul",
    "audit-client/certificates/c-cert-self-signed",
    "audit-client/certificates/c-cert-unknown-ca",
    "audit-client/certificates/c-cert-usage",
    "audit-client/certificates/c-cert-wildcard",
    "audit-client/closing/c-close-data",
    "audit-client/closing/c-close-ehlo",
    "audit-client/closing/c-close-end",
    "audit-client/closing/c-close-greeting",
    "audit-client/closing/c-close-mail",
    "audit-client/closing/c-close-quit",
    "audit-client/closing/c-close-rcpt",
    "audit-client/closing/c-reset-end",
    "audit-client/login/c-auth-235-early",
    "audit-client/login/c-auth-334-more",
    "audit-client/login/c-auth-454",
    "audit-client/login/c-auth-535",
    "audit-client/login/c-auth-challenge",
    "audit-client/login/c-auth-cram-only",
    "audit-client/login/c-auth-downgrade",
    "audit-client/login/c-auth-not-offered",
    "audit-client/login/c-auth-plain-only",
    "audit-client/login/c-auth-prompts",
    "audit-client/message/c-8bit-missing",
    "audit-client/message/c-bcc",
    "audit-client/message/c-dots",
    "audit-client/message/c-final-crlf",
    "audit-client/message/c-inject-address",
    "audit-client/message/c-line-ends",
    "audit-client/message/c-line-long",
    "audit-client/message/c-size-small",
    "audit-client/replies/c-early-talk",
    "audit-client/replies/c-ehlo-odd",
    "audit-client/replies/c-greeting-late",
    "audit-client/replies/c-greeting-multi",
    "audit-client/replies/c-greeting-never",
    "audit-client/replies/c-reply-extra",
    "audit-client/replies/c-reply-long",
    "audit-client/replies/c-reply-mixed-codes",
    "audit-client/replies/c-reply-split",
    "audit-client/replies/c-slow",
    "audit-client/session/c-chunking-refused",
    "audit-client/session/c-ehlo-name",
    "audit-client/session/c-no-pipelining",
    "audit-client/session/c-quit",
    "audit-client/session/c-quit-waits",
    "audit-client/stages/c-354-unexpected",
    "audit-client/stages/c-421-end",
    "audit-client/stages/c-421-mail",
    "audit-client/stages/c-code-unknown",
    "audit-client/stages/c-data-250",
    "audit-client/stages/c-data-4xx",
    "audit-client/stages/c-data-5xx",
    "audit-client/stages/c-ehlo-550",
    "audit-client/stages/c-ehlo-refused",
    "audit-client/stages/c-end-4xx",
    "audit-client/stages/c-end-5xx",
    "audit-client/stages/c-greeting-421",
    "audit-client/stages/c-greeting-554",
    "audit-client/stages/c-greylist",
    "audit-client/stages/c-mail-4xx",
    "audit-client/stages/c-mail-5xx",
    "audit-client/stages/c-rcpt-251",
    "audit-client/stages/c-rcpt-452",
    "audit-client/stages/c-rcpt-4xx",
    "audit-client/stages/c-rcpt-551",
    "audit-client/stages/c-rcpt-5xx",
    "audit-client/stages/c-rcpt-mixed",
    "audit-client/stages/c-rcpt-none-354",
    "audit-client/starttls/c-forget-auth",
    "audit-client/starttls/c-inject-ehlo",
    "audit-client/starttls/c-inject-reply",
    "audit-client/starttls/c-no-ehlo-after-tls",
    "audit-client/starttls/c-preauth",
    "audit-client/starttls/c-strip-ehlo",
    "audit-client/starttls/c-strip-garbage",
    "audit-client/starttls/c-strip-refused",
    "audit-client/starttls/c-strip-unknown",
    "audit-client/tls/c-implicit-plain",
    "audit-client/tls/c-tls-alert",
    "audit-client/tls/c-tls-hang",
    "audit-client/tls/c-tls-old",
    "audit-client/tls/c-tls-truncate",
    "audit-client/tls/c-tls-weak-anon",
    "audit-client/tls/c-tls-weak-key",
    "audit-client/tls/c-tls-weak-null",
    "audit/8bitmime/6152-bad",
    "audit/8bitmime/6152-body",
    "audit/_connect",
    "audit/_data",
    "audit/_greet",
    "audit/_hello",
    "audit/_late",
    "audit/_mail",
    "audit/_secure",
    "audit/_session",
    "audit/auth/4954-bad",
    "audit/auth/4954-base64",
    "audit/auth/4954-cancel",
    "audit/auth/4954-empty-challenge",
    "audit/auth/4954-good",
    "audit/auth/4954-noarg",
    "audit/auth/4954-transaction",
    "audit/auth/4954-twice",
    "audit/auth/4954-unknown",
    "audit/bdat/bdat-after-last",
    "audit/bdat/bdat-binary",
    "audit/bdat/bdat-huge",
    "audit/bdat/bdat-negative",
    "audit/bdat/bdat-pipelined",
    "audit/bdat/bdat-refused-discards",
    "audit/bdat/bdat-size",
    "audit/chunking/3030-last",
    "audit/chunking/3030-mixed",
    "audit/chunking/3030-order",
    "audit/chunking/3030-rset",
    "audit/chunking/3030-zero",
    "audit/disclosure/disclose-auth-text",
    "audit/disclosure/disclose-banner",
    "audit/disclosure/disclose-echo",
    "audit/disclosure/disclose-expn",
    "audit/disclosure/disclose-host",
    "audit/disclosure/disclose-rcpt",
    "audit/disclosure/disclose-vrfy",
    "audit/dsn/3461-envid",
    "audit/dsn/3461-mail",
    "audit/dsn/3461-never",
    "audit/dsn/3461-not-offered",
    "audit/dsn/3461-rcpt",
    "audit/dsn/3461-ret",
    "audit/limits/limit-64k-message",
    "audit/limits/limit-hops",
    "audit/limits/limit-long-command",
    "audit/limits/limit-one-reply",
    "audit/limits/limit-rcpt-code",
    "audit/limits/limit-reply-line",
    "audit/limits/limit-transactions",
    "audit/lmtp/lmtp-8bitmime",
    "audit/lmtp/lmtp-bdat",
    "audit/lmtp/lmtp-ehlo",
    "audit/lmtp/lmtp-extensions",
    "audit/lmtp/lmtp-lhlo",
    "audit/lmtp/lmtp-mixed",
    "audit/lmtp/lmtp-no-recipient",
    "audit/lmtp/lmtp-per-recipient",
    "audit/login/auth-12288",
    "audit/login/auth-530",
    "audit/login/auth-anonymous",
    "audit/login/auth-before-tls-offered",
    "audit/login/auth-before-tls-taken",
    "audit/login/auth-case",
    "audit/login/auth-empty",
    "audit/login/auth-fail-state",
    "audit/login/auth-initial-empty",
    "audit/login/auth-mechs-work",
    "audit/login/auth-pad",
    "audit/pipelining/2920-after-dot",
    "audit/pipelining/2920-bad",
    "audit/pipelining/2920-batch",
    "audit/pipelining/2920-reset",
    "audit/pipelining/pipe-behind-data",
    "audit/pipelining/pipe-behind-ehlo",
    "audit/pipelining/pipe-behind-quit",
    "audit/pipelining/pipe-flood",
    "audit/pipelining/pipe-http",
    "audit/pipelining/pipe-refused-empty",
    "audit/pipelining/pipe-split",
    "audit/pipelining/pipe-tls-on-plain",
    "audit/relay/5321-relay",
    "audit/relay/relay-after-failed-auth",
    "audit/relay/relay-after-rset",
    "audit/relay/relay-bang",
    "audit/relay/relay-bang-at",
    "audit/relay/relay-case-trailing-dot",
    "audit/relay/relay-double-at",
    "audit/relay/relay-literal",
    "audit/relay/relay-no-brackets",
    "audit/relay/relay-no-domain",
    "audit/relay/relay-null-sender",
    "audit/relay/relay-own-domain",
    "audit/relay/relay-percent",
    "audit/relay/relay-percent-literal",
    "audit/relay/relay-quoted",
    "audit/relay/relay-quoted-at",
    "audit/relay/relay-second-rcpt",
    "audit/relay/relay-source-route",
    "audit/relay/relay-to-literal",
    "audit/size/1870-bad",
    "audit/size/1870-data",
    "audit/size/1870-mail",
    "audit/size/1870-over",
    "audit/size/1870-size",
    "audit/smtp/5321-100-rcpt",
    "audit/smtp/5321-bare-lf",
    "audit/smtp/5321-blank",
    "audit/smtp/5321-case",
    "audit/smtp/5321-data-arg",
    "audit/smtp/5321-data-order",
    "audit/smtp/5321-dots",
    "audit/smtp/5321-ehlo",
    "audit/smtp/5321-ehlo-again",
    "audit/smtp/5321-ehlo-literal",
    "audit/smtp/5321-ehlo-literal6",
    "audit/smtp/5321-ehlo-noarg",
    "audit/smtp/5321-ehlo-resets",
    "audit/smtp/5321-ehlo-unverified",
    "audit/smtp/5321-end-cr-cr",
    "audit/smtp/5321-end-crlf-lf",
    "audit/smtp/5321-end-lf-crlf",
    "audit/smtp/5321-end-lf-lf",
    "audit/smtp/5321-greeting",
    "audit/smtp/5321-helo",
    "audit/smtp/5321-helo-plain",
    "audit/smtp/5321-help",
    "audit/smtp/5321-line-1000",
    "audit/smtp/5321-line-512",
    "audit/smtp/5321-local-64",
    "audit/smtp/5321-mail-first",
    "audit/smtp/5321-mail-twice",
    "audit/smtp/5321-message",
    "audit/smtp/5321-no-brackets",
    "audit/smtp/5321-noop",
    "audit/smtp/5321-noop-arg",
    "audit/smtp/5321-noop-early",
    "audit/smtp/5321-null-sender",
    "audit/smtp/5321-param",
    "audit/smtp/5321-path-256",
    "audit/smtp/5321-postmaster",
    "audit/smtp/5321-postmaster-case",
    "audit/smtp/5321-postmaster-domain",
    "audit/smtp/5321-quit",
    "audit/smtp/5321-quit-closes",
    "audit/smtp/5321-quit-early",
    "audit/smtp/5321-quoted",
    "audit/smtp/5321-rcpt-empty",
    "audit/smtp/5321-rcpt-order",
    "audit/smtp/5321-rcpt-param",
    "audit/smtp/5321-rset",
    "audit/smtp/5321-rset-clears",
    "audit/smtp/5321-rset-early",
    "audit/smtp/5321-rset-keeps",
    "audit/smtp/5321-source-route",
    "audit/smtp/5321-trailing",
    "audit/smtp/5321-two-messages",
    "audit/smtp/5321-unclosed",
    "audit/smtp/5321-unknown",
    "audit/smtp/5321-unknown-survives",
    "audit/smtp/5321-unknown-user",
    "audit/smtp/5321-vrfy",
    "audit/smtp/5321-vrfy-252",
    "audit/smtputf8/6531-8bit",
    "audit/smtputf8/6531-mail",
    "audit/smtputf8/6531-without",
    "audit/smuggling/smuggle-8bit-verb",
    "audit/smuggling/smuggle-bare-cr-command",
    "audit/smuggling/smuggle-bdat",
    "audit/smuggling/smuggle-end-cr-crlf",
    "audit/smuggling/smuggle-end-cr-lf",
    "audit/smuggling/smuggle-end-crlf-cr",
    "audit/smuggling/smuggle-end-dot-crcrlf",
    "audit/smuggling/smuggle-end-dot-nul",
    "audit/smuggling/smuggle-end-lf-cr",
    "audit/smuggling/smuggle-end-lf-nul",
    "audit/smuggling/smuggle-end-nul-dot",
    "audit/smuggling/smuggle-nul-command",
    "audit/smuggling/smuggle-second-cr-cr",
    "audit/smuggling/smuggle-second-cr-crlf",
    "audit/smuggling/smuggle-second-cr-lf",
    "audit/smuggling/smuggle-second-crlf-cr",
    "audit/smuggling/smuggle-second-crlf-lf",
    "audit/smuggling/smuggle-second-dot-crcrlf",
    "audit/smuggling/smuggle-second-dot-nul",
    "audit/smuggling/smuggle-second-lf-cr",
    "audit/smuggling/smuggle-second-lf-crlf",
    "audit/smuggling/smuggle-second-lf-lf",
    "audit/smuggling/smuggle-second-lf-nul",
    "audit/smuggling/smuggle-second-nul-dot",
    "audit/starttls/3207-arg",
    "audit/starttls/3207-forget",
    "audit/starttls/3207-handshake",
    "audit/starttls/3207-hidden",
    "audit/starttls/3207-inject",
    "audit/starttls/3207-twice",
    "audit/starttls/9325-tls12",
    "audit/starttls/9325-tls13",
    "audit/status-codes/2034-bad",
    "audit/status-codes/2034-ehlo",
    "audit/status-codes/2034-ok",
    "audit/tls/cert-chain",
    "audit/tls/cert-expiry",
    "audit/tls/cert-key",
    "audit/tls/cert-name",
    "audit/tls/cert-signature",
    "audit/tls/cert-sni",
    "audit/tls/cert-time",
    "audit/tls/tls-ehlo-first",
    "audit/tls/tls-forget-transaction",
    "audit/tls/tls-forward-secrecy",
    "audit/tls/tls-inject-auth",
    "audit/tls/tls-inject-mail",
    "audit/tls/tls-inject-split",
    "audit/tls/tls-not-required-mx",
    "audit/tls/tls-off-10",
    "audit/tls/tls-off-11",
    "audit/tls/tls-required-submission",
    "audit/tls/tls-weak-anon",
    "audit/tls/tls-weak-null",
    "conformance/null-sender",
    "conformance/rset",
    "conformance/sequence",
    "conformance/unknown-command",
    "providers/amazon-ses-message",
    "providers/brevo-message",
    "providers/fastmail-message",
    "providers/gmail-message",
    "providers/icloud-message",
    "providers/ionos-message",
    "providers/mailgun-message",
    "providers/mailjet-message",
    "providers/microsoft-365-message",
    "providers/ovh-message",
    "providers/postmark-message",
    "providers/sendgrid-as-typed",
    "providers/sendgrid-auth-login-initial",
    "providers/sendgrid-auth-plain",
    "providers/sendgrid-auth-plain-prompted",
    "providers/sendgrid-implicit-tls",
    "providers/sendgrid-message",
    "providers/sendgrid-plain-25",
    "providers/sendgrid-wrong-password",
    "providers/yahoo-message",
    "providers/zoho-message",
    "relay/delivery",
    "relay/open-relay",
    "relay/size-limit",
    "relay/vrfy",
    "security/implicit-tls-certificate",
    "security/no-auth-before-tls",
    "security/starttls-certificate",
    "security/starttls-injection",
    "sendgrid-auth-login",
];

/// All scenarios, sorted by name. Parts that only others include are left out.
pub fn all() -> impl Iterator<Item = &'static BuiltIn> {
    LIBRARY.iter().filter(|it| !it.short_name().starts_with('_'))
}

/// A library of checks: the folder that they are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckLibrary {
    /// The checks of servers.
    Servers,
    /// The checks of clients.
    Clients,
}

impl CheckLibrary {
    /// All of them.
    pub const ALL: [CheckLibrary; 2] = [CheckLibrary::Servers, CheckLibrary::Clients];

    /// Its folder, which is also the command that plays its checks.
    #[must_use]
    pub fn folder(self) -> &'static str {
        match self {
            CheckLibrary::Servers => "audit",
            CheckLibrary::Clients => "audit-client",
        }
    }

    /// What its checks are about.
    #[must_use]
    pub fn subject(self) -> &'static str {
        match self {
            CheckLibrary::Servers => "a server",
            CheckLibrary::Clients => "a client",
        }
    }

    /// The library of the check of this name; none if it is no check.
    #[must_use]
    pub fn of(name: &str) -> Option<CheckLibrary> {
        let (folder, _) = name.split_once('/')?;
        CheckLibrary::ALL.into_iter().find(|library| library.folder() == folder)
    }

    /// Its checks, sorted by name.
    pub fn checks(self) -> impl Iterator<Item = &'static BuiltIn> {
        all().filter(move |it| CheckLibrary::of(it.name) == Some(self))
    }
}

/// Whether a file is one of the checks, by its name and the folders that it lies in.
#[must_use]
pub fn is_check(file: &Path) -> bool {
    let checks = || CheckLibrary::ALL.into_iter().flat_map(CheckLibrary::checks);
    file.extension().is_some_and(|ending| ending == "yaml")
        && checks().any(|check| file.with_extension("").ends_with(check.name))
}

/// The scenarios that a name stands for: one, or those of a folder and of the folders in it; none if there is no such name.
///
/// A path as it is in the repository, `scenarios/relay/vrfy.yaml`, is a name as well.
#[must_use]
pub fn find(name: &str) -> Vec<&'static BuiltIn> {
    let name = name.strip_prefix("scenarios/").unwrap_or(name);
    let name = name.strip_suffix(".yaml").unwrap_or(name).trim_end_matches('/');
    // A check is called `audit/ID` as well, whatever its group.
    let (library, id) = (CheckLibrary::of(name), name.split_once('/').map(|(_, id)| id));
    let of_audit =
        |it: &&BuiltIn| library.is_some() && CheckLibrary::of(it.name) == library && id == Some(it.short_name());
    let named = |it: &&BuiltIn| it.name == name || it.short_name() == name || of_audit(it);
    match all().find(named) {
        Some(one) => vec![one],
        None => all().filter(|it| is_below(it.folder(), name)).collect(),
    }
}

/// Whether a folder is this one, or lies in it.
fn is_below(folder: &str, name: &str) -> bool {
    let rest = folder.strip_prefix(name).filter(|_| !name.is_empty());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The text of the file `file` that a scenario in `folder` includes, and its name. What is not there is looked for in the
/// folders around it: checks share what they begin with.
#[must_use]
pub fn included(folder: &str, file: &str) -> Option<(&'static str, &'static str)> {
    let above = folder.rsplit_once('/').map(|(above, _)| above);
    below(folder, file).or_else(|| included(above?, file))
}

fn below(folder: &str, file: &str) -> Option<(&'static str, &'static str)> {
    let mut path: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for component in Path::new(file).components() {
        match component {
            Component::Normal(part) => path.push(part.to_str()?),
            Component::CurDir => {}
            Component::ParentDir => drop(path.pop()?),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    let path = path.join("/");
    let wanted = path.strip_suffix(".yaml")?;
    LIBRARY.iter().find(|it| it.name == wanted).map(|it| (it.name, it.text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;

    fn files(folder: &Path, below: &str, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{below}{}", path.file_stem().unwrap().to_str().unwrap());
            if path.is_dir() {
                files(&path, &format!("{name}/"), found);
            } else if path.extension().is_some_and(|it| it == "yaml") {
                found.insert(name);
            }
        }
    }

    /// A new file below `scenarios/` needs a line in the table.
    #[test]
    fn every_file_is_in_the_table() {
        let mut found = BTreeSet::new();
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios"), "", &mut found);
        let known: BTreeSet<String> = LIBRARY.iter().map(|it| it.name.to_owned()).collect();
        assert_eq!(known, found);
        assert!(LIBRARY.is_sorted_by(|a, b| a.name < b.name));
    }

    #[test]
    fn a_name_stands_for_one_scenario_or_a_folder() {
        let mut names: Vec<&str> = all().map(BuiltIn::short_name).collect();
        names.extend(LIBRARY.iter().map(BuiltIn::folder).filter(|it| !it.is_empty()).collect::<BTreeSet<_>>());
        let distinct: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(names.len(), distinct.len(), "{names:?}");
        for name in ["relay/open-relay", "open-relay", "scenarios/relay/open-relay.yaml"] {
            assert_eq!(find(name).iter().map(|it| it.name).collect::<Vec<_>>(), ["relay/open-relay"]);
        }
        assert!(find("security").len() > 2 && find("security/").iter().all(|it| it.folder() == "security"));
        for library in CheckLibrary::ALL {
            assert_eq!(find(library.folder()).len(), library.checks().count());
        }
        assert_eq!(find("audit-client/c-dots").len(), 1);
        assert!(find("audit/c-dots").is_empty());
        assert!(find("aud").is_empty() && find("nobody").is_empty() && find("").is_empty());
    }

    #[test]
    fn includes_stay_in_the_library() {
        assert_eq!(included("", "relay/vrfy.yaml").map(|it| it.0), Some("relay/vrfy"));
        assert_eq!(included("security", "../relay/./vrfy.yaml").map(|it| it.0), Some("relay/vrfy"));
        assert_eq!(included("audit/smtp", "_hello.yaml").map(|it| it.0), Some("audit/_hello"));
        for outside in ["/etc/passwd", "../../relay/vrfy.yaml", "vrfy.yaml", "relay/vrfy"] {
            assert_eq!(included("", outside), None);
        }
    }
}
