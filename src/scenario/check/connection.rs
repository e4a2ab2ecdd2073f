//! Checks where `connect` goes to, and TLS options of a client.

use super::{Checker, files};
use crate::scenario::address::{check_host, parse_port, split_address};
use crate::scenario::source::Diagnostic;
use crate::scenario::{
    Address, Choosable, Chosen, Connect, ProxyProtocol, Text, TlsSettings, TlsVersionName, choose, proxied,
};

/// Only `vars` may choose what is reached.
fn address(checker: &mut Checker<'_>, address: &Address) {
    match address {
        Address::Joined(text) => {
            checker.text_of_vars(text);
            checker.known_to_parse(text, |known| split_address(known.trim()).map(|_| ()));
        }
        Address::Unix(text) => checker.text_of_vars(text),
        Address::Split { host: name, port } | Address::Mx { domain: name, port, .. } => {
            checker.text_of_vars(name);
            checker.known_to_parse(name, check_host);
            if let Some(port) = port {
                checker.text_of_vars(port);
                checker.known_to_parse(port, |known| parse_port(known).map(|_| ()));
            }
        }
    }
}

fn proxy_protocol(checker: &mut Checker<'_>, header: &ProxyProtocol) {
    let Some(addresses) = &header.addresses else { return };
    let (source, destination) = addresses;
    for text in [source, destination] {
        checker.text_of_vars(text);
    }
    let known = |text: &Text| checker.known_text(text);
    if let (Some(source), Some(destination)) = (known(source), known(destination))
        && let Err(misread) = proxied(&source, &destination)
    {
        let (source, destination) = addresses;
        let message = checker.without_secret(source, checker.without_secret(destination, misread.into()));
        let misfit = Diagnostic { span: header.span, ..checker.misfit(source, message) };
        checker.diagnostics.push(misfit);
    }
}

pub(super) fn connect(checker: &mut Checker<'_>, connect: &Connect) {
    address(checker, &connect.address);
    connect.socks5.iter().for_each(|text| checker.text_of_vars(text));
    connect.proxy_protocol.iter().for_each(|header| proxy_protocol(checker, header));
    connect.local_address.iter().for_each(|text| checker.text_of_vars(text));
    connect.chosen().for_each(|text| checker.text_of_vars(text));
    connect.ip.iter().for_each(|ip| _ = known(checker, ip));
    connect.implicit_tls.iter().for_each(|tls| _ = known(checker, tls));
    connect.timeout.iter().for_each(|length| checker.length(length));
    tls(checker, &connect.tls);
}

pub(super) fn tls(checker: &mut Checker<'_>, settings: &TlsSettings) {
    settings.server_name.iter().for_each(|text| checker.text_of_vars(text));
    for file in [&settings.ca_file, &settings.client_certificate, &settings.client_key].into_iter().flatten() {
        files::file(checker, file);
    }
    settings.chosen().for_each(|text| checker.text_of_vars(text));
    settings.verify.iter().for_each(|verify| _ = known(checker, verify));
    versions(checker, settings.min_version.as_ref(), settings.max_version.as_ref());
}

/// What is chosen, where that is known already.
pub(super) fn known<T: Choosable>(checker: &mut Checker<'_>, chosen: &Chosen<T>) -> Option<T> {
    let Some(text) = chosen.template() else { return chosen.known() };
    checker.known_to_parse(text, |word| choose::<T>(word).map(|_| ()));
    checker.known_text(text).and_then(|word| choose(&word).ok())
}

/// Two versions of TLS, of either side.
pub(super) fn versions(
    checker: &mut Checker<'_>,
    min: Option<&Chosen<TlsVersionName>>,
    max: Option<&Chosen<TlsVersionName>>,
) {
    let values = (min.and_then(|min| known(checker, min)), max.and_then(|max| known(checker, max)));
    if let (Some(min), Some(TlsVersionName(lowest)), Some(TlsVersionName(highest))) = (min, values.0, values.1)
        && lowest > highest
    {
        checker.error(min.span(), format!("`min_version` {lowest} is above `max_version` {highest}"));
    }
}
