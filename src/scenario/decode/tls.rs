//! Reads TLS options, of a client and of a server.

use super::decoder::{Decoder, Entries, KeyValue};
use crate::scenario::server::{CertificateChoice, CertificateSigner, ClientCertificate, MadeCertificate, ServerTls};
use crate::scenario::source::Diagnostic;
use crate::scenario::step::TlsStep;
use crate::scenario::yaml::Node;
use crate::scenario::{Choosable as _, Chosen, ImplicitTls, Text, TlsSettings};

pub(super) const CLIENT_KEYS: [&str; 8] =
    ["verify", "server_name", "ca_file", "client_certificate", "client_key", "min_version", "max_version", "ciphers"];
pub(super) const SERVER_KEYS: [&str; 6] =
    ["certificate", "client_certificate", "client_ca", "min_version", "max_version", "ciphers"];
const CERTIFICATE_KEYS: [&str; 11] = [
    "file",
    "key",
    "self_signed",
    "unknown_ca",
    "by_leaf",
    "expired",
    "not_yet_valid",
    "for_clients",
    "weak_key",
    "names",
    "common_name",
];
const SIGNERS: [(&str, CertificateSigner); 3] = [
    ("self_signed", CertificateSigner::Itself),
    ("unknown_ca", CertificateSigner::Stranger),
    ("by_leaf", CertificateSigner::Leaf),
];
const IMPLICIT_HELP: &str =
    "for STARTTLS leave this key out and write a step `- starttls`; for port 465 write `tls: implicit`";

/// Whether a server begins with TLS, which is fixed: it is asked for before a client is there.
pub(super) fn implicit_tls(decoder: &mut Decoder<'_>, node: &Node) -> Option<bool> {
    let word = node.scalar().map_or("", |scalar| scalar.text.as_str());
    let chosen = ImplicitTls::chosen(word);
    if chosen.is_none() {
        decoder.wrong_type_with(node, ImplicitTls::EXPECTED, IMPLICIT_HELP);
    }
    chosen.map(|implicit| implicit.0)
}

/// Whether a client begins with TLS.
pub(super) fn begins_with_tls(decoder: &mut Decoder<'_>, node: &Node) -> Option<Chosen<ImplicitTls>> {
    let word = node.scalar().map_or("", |scalar| scalar.text.as_str());
    if word.contains("<<") || ImplicitTls::chosen(word).is_some() {
        return decoder.chosen(node);
    }
    decoder.wrong_type_with(node, ImplicitTls::EXPECTED, IMPLICIT_HELP);
    None
}

/// TLS options of `starttls:` and `tls:`, which may be empty.
pub(super) fn tls_step(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> TlsSettings {
    if entry.value.is_null() {
        return TlsSettings::default();
    }
    match decoder.entries(entry.value, &format!("`{}`", entry.key), &[&CLIENT_KEYS]) {
        Some(entries) => tls_settings(decoder, &entries),
        None => TlsSettings::default(),
    }
}

pub(super) fn tls_settings(decoder: &mut Decoder<'_>, entries: &Entries<'_>) -> TlsSettings {
    let pair = (entries.entry("client_certificate"), entries.entry("client_key"));
    if let (Some(alone), None) | (None, Some(alone)) = pair {
        decoder.complain(
            Diagnostic::error(alone.key_span, "`client_certificate` and `client_key` go together")
                .help("give both, in PEM"),
        );
    }
    TlsSettings {
        verify: entries.value("verify").and_then(|node| decoder.chosen(node)),
        server_name: entries.value("server_name").and_then(|node| decoder.text(node)),
        ca_file: entries.value("ca_file").and_then(|node| decoder.text(node)),
        client_certificate: entries.value("client_certificate").and_then(|node| decoder.text(node)),
        client_key: entries.value("client_key").and_then(|node| decoder.text(node)),
        min_version: entries.value("min_version").and_then(|node| decoder.chosen(node)),
        max_version: entries.value("max_version").and_then(|node| decoder.chosen(node)),
        ciphers: entries.value("ciphers").and_then(|node| decoder.text(node)),
    }
}

// --- TLS ---------------------------------------------------------------------------------------------------

pub(super) fn server_tls_step(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> TlsStep {
    if entry.value.is_null() {
        return TlsStep::default();
    }
    let own: &[&str] = if entry.key == "starttls" { &["inject"] } else { &[] };
    let Some(entries) = decoder.entries(entry.value, &format!("`{}`", entry.key), &[own, &SERVER_KEYS]) else {
        return TlsStep::default();
    };
    TlsStep {
        server: server_tls(decoder, &entries),
        inject: entries.entry("inject").and_then(|entry| decoder.text_of(entry)),
        ..TlsStep::default()
    }
}

pub(super) fn server_tls(decoder: &mut Decoder<'_>, entries: &Entries<'_>) -> ServerTls {
    ServerTls {
        certificate: entries.value("certificate").and_then(|node| certificate(decoder, node)),
        client_certificate: entries.value("client_certificate").and_then(|node| client_certificate(decoder, node)),
        client_ca: entries.value("client_ca").and_then(|node| decoder.text(node)),
        min_version: entries.value("min_version").and_then(|node| decoder.chosen(node)),
        max_version: entries.value("max_version").and_then(|node| decoder.chosen(node)),
        ciphers: entries.value("ciphers").and_then(|node| decoder.text(node)),
    }
}

fn client_certificate(decoder: &mut Decoder<'_>, node: &Node) -> Option<ClientCertificate> {
    match node.scalar().map(|scalar| scalar.text.as_str()) {
        Some("request") => Some(ClientCertificate::Request),
        Some("require") => Some(ClientCertificate::Require),
        _ => {
            decoder.wrong_type(node, "`request` or `require`");
            None
        }
    }
}

/// `own-ca`, `self-signed`, `unknown-ca`, `expired`, `not-yet-valid`, `wrong-name`, or a mapping.
fn certificate(decoder: &mut Decoder<'_>, node: &Node) -> Option<CertificateChoice> {
    let made = MadeCertificate::default();
    let made = match node.scalar().map(|scalar| scalar.text.as_str()) {
        None => return certificate_mapping(decoder, node),
        Some("own-ca") => made,
        Some("self-signed") => MadeCertificate { signer: CertificateSigner::Itself, ..made },
        Some("unknown-ca") => MadeCertificate { signer: CertificateSigner::Stranger, ..made },
        Some("expired") => MadeCertificate { expired: true, ..made },
        Some("not-yet-valid") => MadeCertificate { not_yet_valid: true, ..made },
        Some("wrong-name") => MadeCertificate { names: Some(vec![Text::verbatim("wrong-name.invalid")]), ..made },
        Some(_) => {
            let expected = "`own-ca`, `self-signed`, `unknown-ca`, `expired`, `not-yet-valid`, `wrong-name`, or \
                            `{file: …, key: …}`";
            decoder.wrong_type(node, expected);
            return None;
        }
    };
    Some(CertificateChoice::Made(made))
}

fn certificate_mapping(decoder: &mut Decoder<'_>, node: &Node) -> Option<CertificateChoice> {
    let entries = decoder.entries(node, "`certificate`", &[&CERTIFICATE_KEYS])?;
    match (entries.entry("file"), entries.entry("key")) {
        (Some(file), Some(key)) => {
            if let Some(other) = entries.list.iter().find(|entry| !matches!(entry.key, "file" | "key")) {
                let text = format!("`{}` cannot stand beside `file`", other.key);
                let help = "a certificate that is given is taken as it is";
                decoder.complain(Diagnostic::error(other.key_span, text).help(help));
            }
            Some(CertificateChoice::Files { file: decoder.text_of(file)?, key: decoder.text_of(key)? })
        }
        (Some(alone), None) | (None, Some(alone)) => {
            let error = Diagnostic::error(alone.key_span, "`file` and `key` go together");
            decoder.complain(error.help("give both, in PEM"));
            None
        }
        (None, None) => Some(CertificateChoice::Made(made_certificate(decoder, &entries))),
    }
}

fn made_certificate(decoder: &mut Decoder<'_>, entries: &Entries<'_>) -> MadeCertificate {
    let mut given = SIGNERS.iter().filter_map(|(key, _)| entries.entry(key));
    if let (Some(first), Some(other)) = (given.next(), given.next()) {
        let text = format!("`{}` cannot stand beside `{}`", other.key, first.key);
        let error = Diagnostic::error(other.key_span, text);
        decoder.complain(error.help("a certificate has one signer"));
    }
    let chosen = SIGNERS.iter().filter(|(key, _)| decoder.flag(entries, key, false)).map(|(_, signer)| *signer);
    let signer = chosen.last().unwrap_or_default();
    MadeCertificate {
        signer,
        for_clients: decoder.flag(entries, "for_clients", false),
        weak_key: decoder.flag(entries, "weak_key", false),
        expired: decoder.flag(entries, "expired", false),
        not_yet_valid: decoder.flag(entries, "not_yet_valid", false),
        names: entries.value("names").map(|node| decoder.text_list(node, "a list of host names")),
        common_name: entries.value("common_name").and_then(|node| decoder.text(node)),
    }
}
