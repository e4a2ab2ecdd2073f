//! What a scenario may ask of TLS, and whether the PEM it brings is of the kind that can be used.
//!
//! Responsible for plain data and for saying, before any connection, what is wrong with a file and which command mends
//! it. Not responsible for the TLS library: `tls`, its only caller, owns that.

use std::fmt;
use std::str::FromStr;

/// The options that decide how a handshake is done. Two equal sets share one connector.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct TlsOptions {
    /// Whether the certificate must be trusted and name the server.
    pub(crate) verify: bool,
    /// Own roots in PEM; they replace the system's.
    pub(crate) ca_pem: Option<Vec<u8>>,
    /// The client's certificate chain and its key, both in PEM, the key in PKCS#8.
    pub(crate) identity: Option<(Vec<u8>, Vec<u8>)>,
    /// The lowest version to accept; TLS 1.2 unless given, or TLS 1.0 where `max_version` is below 1.2.
    pub(crate) min_version: Option<TlsVersion>,
    /// The highest version to offer.
    pub(crate) max_version: Option<TlsVersion>,
    /// What TLS up to 1.2 offers, in OpenSSL's notation.
    pub(crate) ciphers: Option<String>,
}

impl Default for TlsOptions {
    fn default() -> TlsOptions {
        TlsOptions { verify: true, ca_pem: None, identity: None, min_version: None, max_version: None, ciphers: None }
    }
}

impl fmt::Debug for TlsOptions {
    /// Leaves the PEM out: a private key is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsOptions")
            .field("verify", &self.verify)
            .field("ca_pem", &self.ca_pem.is_some())
            .field("identity", &self.identity.is_some())
            .field("min_version", &self.min_version)
            .field("max_version", &self.max_version)
            .field("ciphers", &self.ciphers)
            .finish()
    }
}

/// A version to bound the handshake by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum TlsVersion {
    /// TLS 1.0 (RFC 2246).
    Tls10,
    /// TLS 1.1 (RFC 4346).
    Tls11,
    /// TLS 1.2 (RFC 5246).
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TlsVersion::Tls10 => "TLSv1.0",
            TlsVersion::Tls11 => "TLSv1.1",
            TlsVersion::Tls12 => "TLSv1.2",
            TlsVersion::Tls13 => "TLSv1.3",
        })
    }
}

impl FromStr for TlsVersion {
    type Err = String;

    /// Reads `TLSv1.2`, `tls1.2`, `1.2` and the like.
    fn from_str(text: &str) -> Result<TlsVersion, String> {
        let lower = text.trim().to_ascii_lowercase();
        let number = lower.strip_prefix("tls").unwrap_or(&lower).trim_start();
        match number.strip_prefix('v').unwrap_or(number) {
            "1" | "1.0" => Ok(TlsVersion::Tls10),
            "1.1" => Ok(TlsVersion::Tls11),
            "1.2" => Ok(TlsVersion::Tls12),
            "1.3" => Ok(TlsVersion::Tls13),
            _ => Err(format!("`{text}` is no TLS version: write `TLSv1.0`, `TLSv1.1`, `TLSv1.2` or `TLSv1.3`")),
        }
    }
}

/// Why the options can't be used, found before any handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsSetupError {
    /// What is wrong.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: Option<String>,
}

impl TlsSetupError {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> TlsSetupError {
        TlsSetupError { message: message.into(), help: Some(help.into()) }
    }
}

impl TlsOptions {
    /// Checks that the versions allowed are not none.
    pub(super) fn check_versions(&self) -> Result<(), TlsSetupError> {
        match (self.min_version, self.max_version) {
            (Some(min), Some(max)) if min > max => Err(TlsSetupError::new(
                format!("`min_version` {min} is above `max_version` {max}"),
                "swap the two, or leave one out",
            )),
            _ => Ok(()),
        }
    }
}

/// Checks that there is a certificate in PEM; `option` names where it came from.
pub(super) fn check_certificates(pem: &[u8], option: &str) -> Result<(), TlsSetupError> {
    let labels =
        ["-----BEGIN CERTIFICATE-----", "-----BEGIN TRUSTED CERTIFICATE-----", "-----BEGIN X509 CERTIFICATE-----"];
    if labels.iter().any(|label| position(pem, label).is_some()) {
        return Ok(());
    }
    let is_der = pem.starts_with(&[0x30, 0x82]);
    let help = if is_der {
        "it looks like DER: `openssl x509 -inform der -in FILE -out cert.pem` converts it"
    } else {
        "give a PEM file with a `-----BEGIN CERTIFICATE-----` line"
    };
    Err(TlsSetupError::new(format!("there is no certificate in the file of `{option}`"), help))
}

/// The key's PEM from its `BEGIN` line on: the TLS library wants it to stand first.
pub(super) fn pkcs8_key(pem: &[u8]) -> Result<&[u8], TlsSetupError> {
    if let Some(start) = position(pem, "-----BEGIN PRIVATE KEY-----") {
        return Ok(&pem[start..]);
    }
    let holds = |label: &str| position(pem, label).is_some();
    let convert = "`openssl pkcs8 -topk8 -nodes -in FILE -out key.pem` converts it to PKCS#8";
    let (message, help) = if holds("-----BEGIN ENCRYPTED PRIVATE KEY-----") || holds("Proc-Type: 4,ENCRYPTED") {
        (
            "the key of `client_key` is encrypted",
            "`openssl pkcs8 -topk8 -nodes -in FILE -out key.pem` writes it without a passphrase",
        )
    } else if holds("-----BEGIN EC PRIVATE KEY-----") {
        ("the key of `client_key` is in SEC1 form (`EC PRIVATE KEY`); PKCS#8 (`PRIVATE KEY`) is expected", convert)
    } else if holds("-----BEGIN RSA PRIVATE KEY-----") {
        ("the key of `client_key` is in PKCS#1 form (`RSA PRIVATE KEY`); PKCS#8 (`PRIVATE KEY`) is expected", convert)
    } else if holds("-----BEGIN OPENSSH PRIVATE KEY-----") {
        (
            "the key of `client_key` is an OpenSSH key; PKCS#8 (`PRIVATE KEY`) is expected",
            "give the key that belongs to the certificate of `client_certificate`",
        )
    } else if holds("PRIVATE KEY-----") {
        ("the key of `client_key` is not in PKCS#8 form (`PRIVATE KEY`)", convert)
    } else {
        (
            "there is no private key in the file of `client_key`",
            "give a PEM file with a `-----BEGIN PRIVATE KEY-----` line",
        )
    };
    Err(TlsSetupError::new(message, help))
}

fn position(haystack: &[u8], needle: &str) -> Option<usize> {
    memchr::memmem::find(haystack, needle.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_in_several_spellings() {
        for (text, version) in [
            ("TLSv1.2", TlsVersion::Tls12),
            ("1.3", TlsVersion::Tls13),
            ("tls1.1", TlsVersion::Tls11),
            ("TLS 1.0", TlsVersion::Tls10),
        ] {
            assert_eq!(text.parse(), Ok(version));
            assert_eq!(version.to_string().parse(), Ok(version));
        }
        assert!("ssl3".parse::<TlsVersion>().unwrap_err().contains("`ssl3` is no TLS version"));
    }

    #[test]
    fn debug_shows_no_key() {
        let options = TlsOptions { identity: Some((b"cert".to_vec(), b"SECRET".to_vec())), ..TlsOptions::default() };
        assert!(!format!("{options:?}").contains("83"), "{options:?}");
    }

    #[test]
    fn keys_in_other_forms_come_with_the_command_that_converts_them() {
        for (label, word) in [
            ("EC PRIVATE KEY", "SEC1"),
            ("RSA PRIVATE KEY", "PKCS#1"),
            ("ENCRYPTED PRIVATE KEY", "encrypted"),
            ("DSA PRIVATE KEY", "not in PKCS#8"),
        ] {
            let error = pkcs8_key(format!("-----BEGIN {label}-----\n").as_bytes()).unwrap_err();
            assert!(error.message.contains(word), "{error:?}");
            assert!(error.help.unwrap().contains("openssl pkcs8 -topk8 -nodes"));
        }
        let error = pkcs8_key(b"nothing").unwrap_err();
        assert!(error.message.contains("no private key"));
    }

    #[test]
    fn text_before_the_key_is_skipped() {
        let key = pkcs8_key(b"Bag Attributes\n-----BEGIN PRIVATE KEY-----\n").unwrap();
        assert!(key.starts_with(b"-----BEGIN PRIVATE KEY-----"));
    }

    #[test]
    fn a_certificate_file_without_one_says_so() {
        let error = check_certificates(&[0x30, 0x82, 1, 0], "ca_file").unwrap_err();
        assert!(error.message.contains("`ca_file`"));
        assert!(error.help.unwrap().contains("-inform der"));
        assert!(check_certificates(b"hello", "ca_file").is_err());
    }
}
