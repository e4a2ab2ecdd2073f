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
    ($($folder:literal: $($file:literal)+;)+) => {
        /// Every file, sorted by name.
        static LIBRARY: &[BuiltIn] = &[$($(BuiltIn {
            name: concat!($folder, $file),
            text: include_str!(concat!("../scenarios/", $folder, $file, ".yaml")),
        }),+),+];
    };
}

library! {
    "audit-client/": "_before_tls" "_bye" "_data" "_greet" "_hello" "_login" "_mail" "_rcpt" "_secure" "_session";
    "audit-client/certificates/": "c-cert-cn-only" "c-cert-expired" "c-cert-future" "c-cert-ip" "c-cert-name"
        "c-cert-not-ca" "c-cert-nul" "c-cert-self-signed" "c-cert-unknown-ca" "c-cert-usage" "c-cert-wildcard";
    "audit-client/closing/": "c-close-data" "c-close-ehlo" "c-close-end" "c-close-greeting" "c-close-mail"
        "c-close-quit" "c-close-rcpt" "c-reset-end";
    "audit-client/login/": "c-auth-235-early" "c-auth-334-more" "c-auth-454" "c-auth-535" "c-auth-challenge"
        "c-auth-cram-only" "c-auth-downgrade" "c-auth-not-offered" "c-auth-plain-only" "c-auth-prompts";
    "audit-client/message/": "c-8bit-missing" "c-bcc" "c-dots" "c-final-crlf" "c-inject-address" "c-line-ends"
        "c-line-long" "c-size-small";
    "audit-client/replies/": "c-early-talk" "c-ehlo-odd" "c-greeting-late" "c-greeting-multi" "c-greeting-never"
        "c-reply-extra" "c-reply-long" "c-reply-mixed-codes" "c-reply-split" "c-slow";
    "audit-client/session/": "c-chunking-refused" "c-ehlo-name" "c-no-pipelining" "c-quit" "c-quit-waits";
    "audit-client/stages/": "c-354-unexpected" "c-421-end" "c-421-mail" "c-code-unknown" "c-data-250" "c-data-4xx"
        "c-data-5xx" "c-ehlo-550" "c-ehlo-refused" "c-end-4xx" "c-end-5xx" "c-greeting-421" "c-greeting-554"
        "c-greylist" "c-mail-4xx" "c-mail-5xx" "c-rcpt-251" "c-rcpt-452" "c-rcpt-4xx" "c-rcpt-551" "c-rcpt-5xx"
        "c-rcpt-mixed" "c-rcpt-none-354";
    "audit-client/starttls/": "c-forget-auth" "c-inject-ehlo" "c-inject-reply" "c-no-ehlo-after-tls" "c-preauth"
        "c-strip-ehlo" "c-strip-garbage" "c-strip-refused" "c-strip-unknown";
    "audit-client/tls/": "c-implicit-plain" "c-tls-alert" "c-tls-hang" "c-tls-old" "c-tls-truncate" "c-tls-weak-anon"
        "c-tls-weak-key" "c-tls-weak-null";
    "audit/8bitmime/": "6152-bad" "6152-body";
    "audit/": "_connect" "_data" "_greet" "_hello" "_idle" "_late" "_mail" "_secure" "_session" "_taken";
    "audit/auth/": "4954-bad" "4954-base64" "4954-cancel" "4954-empty-challenge" "4954-good" "4954-noarg"
        "4954-transaction" "4954-twice" "4954-unknown";
    "audit/bdat/": "bdat-after-last" "bdat-binary" "bdat-huge" "bdat-negative" "bdat-pipelined" "bdat-refused-discards"
        "bdat-size";
    "audit/chunking/": "3030-last" "3030-mixed" "3030-order" "3030-rset" "3030-zero";
    "audit/disclosure/": "disclose-auth-text" "disclose-banner" "disclose-echo" "disclose-expn" "disclose-host"
        "disclose-rcpt" "disclose-vrfy";
    "audit/dsn/": "3461-envid" "3461-mail" "3461-never" "3461-not-offered" "3461-rcpt" "3461-ret";
    "audit/limits/": "limit-64k-message" "limit-hops" "limit-long-command" "limit-one-reply" "limit-rcpt-code"
        "limit-reply-line" "limit-transactions";
    "audit/lmtp/": "lmtp-8bitmime" "lmtp-bdat" "lmtp-ehlo" "lmtp-extensions" "lmtp-lhlo" "lmtp-mixed"
        "lmtp-no-recipient" "lmtp-per-recipient";
    "audit/login/": "auth-12288" "auth-530" "auth-anonymous" "auth-before-tls-offered" "auth-before-tls-taken"
        "auth-case" "auth-empty" "auth-fail-state" "auth-initial-empty" "auth-mechs-work" "auth-pad";
    "audit/pipelining/": "2920-after-dot" "2920-bad" "2920-batch" "2920-reset" "pipe-behind-data" "pipe-behind-ehlo"
        "pipe-behind-quit" "pipe-flood" "pipe-http" "pipe-refused-empty" "pipe-split" "pipe-tls-on-plain";
    "audit/relay/": "5321-relay" "relay-after-failed-auth" "relay-after-rset" "relay-bang" "relay-bang-at"
        "relay-case-trailing-dot" "relay-double-at" "relay-literal" "relay-no-brackets" "relay-no-domain"
        "relay-null-sender" "relay-own-domain" "relay-percent" "relay-percent-literal" "relay-quoted" "relay-quoted-at"
        "relay-second-rcpt" "relay-source-route" "relay-to-literal";
    "audit/size/": "1870-bad" "1870-data" "1870-mail" "1870-over" "1870-size";
    "audit/smtp/": "5321-100-rcpt" "5321-bare-lf" "5321-blank" "5321-case" "5321-data-arg" "5321-data-order"
        "5321-dots" "5321-ehlo" "5321-ehlo-again" "5321-ehlo-literal" "5321-ehlo-literal6" "5321-ehlo-noarg"
        "5321-ehlo-resets" "5321-ehlo-unverified" "5321-end-cr-cr" "5321-end-crlf-lf" "5321-end-lf-crlf"
        "5321-end-lf-lf" "5321-greeting" "5321-helo" "5321-helo-plain" "5321-help" "5321-line-1000" "5321-line-512"
        "5321-local-64" "5321-mail-first" "5321-mail-twice" "5321-message" "5321-no-brackets" "5321-noop"
        "5321-noop-arg" "5321-noop-early" "5321-null-sender" "5321-param" "5321-path-256" "5321-postmaster"
        "5321-postmaster-case" "5321-postmaster-domain" "5321-quit" "5321-quit-closes" "5321-quit-early" "5321-quoted"
        "5321-rcpt-empty" "5321-rcpt-order" "5321-rcpt-param" "5321-rset" "5321-rset-clears" "5321-rset-early"
        "5321-rset-keeps" "5321-source-route" "5321-trailing" "5321-two-messages" "5321-unclosed" "5321-unknown"
        "5321-unknown-survives" "5321-unknown-user" "5321-vrfy" "5321-vrfy-252";
    "audit/smtputf8/": "6531-8bit" "6531-mail" "6531-without";
    "audit/smuggling/": "smuggle-8bit-verb" "smuggle-bare-cr-command" "smuggle-bdat" "smuggle-end-cr-crlf"
        "smuggle-end-cr-lf" "smuggle-end-crlf-cr" "smuggle-end-dot-crcrlf" "smuggle-end-dot-nul" "smuggle-end-lf-cr"
        "smuggle-end-lf-nul" "smuggle-end-nul-dot" "smuggle-nul-command" "smuggle-second-cr-cr"
        "smuggle-second-cr-crlf" "smuggle-second-cr-lf" "smuggle-second-crlf-cr" "smuggle-second-crlf-lf"
        "smuggle-second-dot-crcrlf" "smuggle-second-dot-nul" "smuggle-second-lf-cr" "smuggle-second-lf-crlf"
        "smuggle-second-lf-lf" "smuggle-second-lf-nul" "smuggle-second-nul-dot";
    "audit/starttls/": "3207-arg" "3207-forget" "3207-handshake" "3207-hidden" "3207-inject" "3207-twice" "9325-tls12"
        "9325-tls13";
    "audit/status-codes/": "2034-bad" "2034-ehlo" "2034-ok";
    "audit/tls/": "cert-chain" "cert-expiry" "cert-key" "cert-name" "cert-signature" "cert-sni" "cert-time"
        "tls-ehlo-first" "tls-forget-transaction" "tls-forward-secrecy" "tls-inject-auth" "tls-inject-mail"
        "tls-inject-split" "tls-not-required-mx" "tls-off-10" "tls-off-11" "tls-required-submission" "tls-weak-anon"
        "tls-weak-null";
    "conformance/": "null-sender" "rset" "sequence" "unknown-command";
    "providers/": "amazon-ses-message" "brevo-message" "fastmail-message" "gmail-message" "icloud-message"
        "ionos-message" "mailgun-message" "mailjet-message" "microsoft-365-message" "ovh-message" "postmark-message"
        "sendgrid-as-typed" "sendgrid-auth-login-initial" "sendgrid-auth-plain" "sendgrid-auth-plain-prompted"
        "sendgrid-implicit-tls" "sendgrid-message" "sendgrid-plain-25" "sendgrid-wrong-password" "yahoo-message"
        "zoho-message";
    "relay/": "delivery" "open-relay" "size-limit" "vrfy";
    "security/": "implicit-tls-certificate" "no-auth-before-tls" "starttls-certificate" "starttls-injection";
    "": "sendgrid-auth-login";
}

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
