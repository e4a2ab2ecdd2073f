//! Checks where `connect` goes to.

use super::Checker;
use crate::scenario::address::{parse_port, split_address};
use crate::scenario::{Address, ProxyProtocol, Text, proxied};

impl Checker<'_> {
    /// Only `vars` may choose what is reached.
    pub(super) fn address(&mut self, address: &Address) {
        match address {
            Address::Joined(text) => {
                self.text_of_vars(text);
                self.known_to_parse(text, |known| split_address(known.trim()).map(|_| ()));
            }
            Address::Unix(text) => self.text_of_vars(text),
            Address::Split { host: name, port } | Address::Mx { domain: name, port, .. } => {
                self.text_of_vars(name);
                if let Some(port) = port {
                    self.text_of_vars(port);
                    self.known_to_parse(port, |known| parse_port(known).map(|_| ()));
                }
            }
        }
    }

    pub(super) fn proxy_protocol(&mut self, header: &ProxyProtocol) {
        let Some(addresses) = &header.addresses else { return };
        let (source, destination) = addresses;
        for text in [source, destination] {
            self.text_of_vars(text);
        }
        let known = |text: &Text| self.known_text(text);
        if let (Some(source), Some(destination)) = (known(source), known(destination))
            && let Err(message) = proxied(&source, &destination)
        {
            let (source, destination) = addresses;
            let message = self.without_secret(source, self.without_secret(destination, message));
            self.error(header.span, message);
        }
    }
}
