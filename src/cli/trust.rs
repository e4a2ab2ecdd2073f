//! Options of trust and of time, which commands that open sessions have in common.

use super::refusal::{Refusal, read};
use crate::net::socks_proxy::{SOCKS_PORT, SocksProxy};
use crate::net::tls::TlsOptions;
use crate::run::Settings;
use crate::scenario::address::split_address_or;
use crate::scenario::{Misread, duration};
use crate::smtp::idiom::Idiom;
use std::path::PathBuf;
use std::time::Duration;

/// Which certificates are trusted.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct CertificateArguments {
    /// Trust the certificates in this PEM file instead of the system's
    #[arg(long, value_name = "FILE")]
    pub(super) ca_file: Option<PathBuf>,
    /// Do not verify certificates
    #[arg(long)]
    insecure: bool,
}

/// Whom a scenario's sessions trust, and how long they wait.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct TrustArguments {
    #[command(flatten)]
    pub(super) certificates: CertificateArguments,
    /// Let secrets go over plain or unverified connections to other hosts than this one
    #[arg(long)]
    insecure_secrets: bool,
    /// How long one wait may take; replaces the file's `timeout` (for example 5s)
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,
}

/// Options of sessions wherever they go: whom they trust, and how long a whole run may take.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Connections")]
pub(super) struct SessionArguments {
    #[command(flatten)]
    pub(super) trust: TrustArguments,
    #[command(flatten)]
    pub(super) proxy: ProxyArguments,
    /// How long the whole of each run may take
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(super) max_time: Option<Duration>,
}

/// The way that sessions take.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct ProxyArguments {
    /// Go through this SOCKS5 proxy, unless the file names one (without it that of `ALL_PROXY`)
    #[arg(long, value_name = "HOST[:PORT]", value_parser = socks_address)]
    proxy: Option<(String, u16)>,
}

impl ProxyArguments {
    /// The proxy that was given, or that of the environment.
    pub(super) fn chosen(&self) -> Option<SocksProxy> {
        let (given, from_environment) = (self.proxy.clone(), proxy_of_environment);
        match given {
            Some((host, port)) => Some(SocksProxy { host, port, spares: None }),
            None => from_environment(),
        }
    }
}

impl SessionArguments {
    /// The settings of a run that has no other options.
    pub(super) fn settings(&self) -> Result<Settings, Refusal> {
        Ok(Settings { max_time: self.max_time, proxy: self.proxy.chosen(), ..self.trust.settings()? })
    }
}

/// `ALL_PROXY` and `NO_PROXY`, in lower case too, as curl reads them. Proxies of other kinds are not for SMTP.
fn proxy_of_environment() -> Option<SocksProxy> {
    let variable = |name: &str| std::env::var(name).or_else(|_| std::env::var(name.to_ascii_lowercase())).ok();
    let all = variable("ALL_PROXY").filter(|url| url.to_ascii_lowercase().starts_with("socks5"))?;
    let (host, port) = socks_address(&all).ok()?;
    let spared = variable("NO_PROXY").unwrap_or_default();
    Some(SocksProxy { host, port, spares: Some(spared.split([',', ' ']).map(str::to_owned).collect()) })
}

/// `HOST[:PORT]`, or a URL of the kind `socks5`.
fn socks_address(text: &str) -> Result<(String, u16), Misread> {
    let (kind, rest) = text.split_once("://").unwrap_or(("socks5", text));
    if !matches!(kind.to_ascii_lowercase().as_str(), "socks5" | "socks5h") {
        return Err(Misread::new(format!(
            "a proxy of the kind `{kind}` carries no SMTP here: give a SOCKS5 proxy, `socks5://HOST:PORT`"
        )));
    }
    if rest.contains('@') {
        return Err(Misread::new(
            "a login at the proxy is not possible: give a SOCKS5 proxy that asks for none, `HOST:PORT`",
        ));
    }
    split_address_or(rest.trim_end_matches('/'), SOCKS_PORT, Idiom::Options)
}

impl CertificateArguments {
    /// What they mean for TLS.
    pub(super) fn options(&self) -> Result<TlsOptions, Refusal> {
        Ok(TlsOptions { verify: !self.insecure, ca_pem: self.ca_pem()?, ..TlsOptions::default() })
    }

    fn ca_pem(&self) -> Result<Option<Vec<u8>>, Refusal> {
        self.ca_file.as_deref().map(read).transpose()
    }
}

impl TrustArguments {
    /// The settings of a run that has no other options.
    pub(super) fn settings(&self) -> Result<Settings, Refusal> {
        Ok(Settings {
            ca_pem: self.certificates.ca_pem()?,
            insecure: self.certificates.insecure,
            insecure_secrets: self.insecure_secrets,
            timeout: self.timeout,
            ..Settings::default()
        })
    }
}
