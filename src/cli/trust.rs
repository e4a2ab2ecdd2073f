//! Options of trust and of time, which commands that open sessions have in common.

use super::refusal::{Refusal, read};
use crate::net::tls::TlsOptions;
use crate::run::Settings;
use crate::scenario::duration;
use std::path::PathBuf;
use std::time::Duration;

/// Which certificates are trusted.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct CertificateArguments {
    /// Trust the certificates in this PEM file instead of the system's
    #[arg(long, value_name = "FILE")]
    pub(super) ca_file: Option<PathBuf>,
    /// Verify no certificate
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
    /// How long the whole of each run may take
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(super) max_time: Option<Duration>,
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
