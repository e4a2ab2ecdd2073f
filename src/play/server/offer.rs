//! What a server offers in a handshake: its TLS options with their files read and their names rendered.

use crate::play::server::connection::Connection;
use crate::play::server::script::Script;
use crate::scenario::server::{CertificateChoice, CertificateSigner, ClientCertificate, MadeCertificate, ServerTls};
use crate::scenario::{Chosen, Mode, Scope, TemplateError, Text, TlsVersionName, reason, resolve_file};
use crate::server::{Acceptor, Choice, Signer, TlsOffer, Wish, with_loopback};

/// There is no certificate to offer: why, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoCertificate(pub(crate) String);

impl Script {
    /// The acceptor of the server as a whole, made when it is first needed.
    pub(crate) fn acceptor(&self) -> Result<Acceptor, NoCertificate> {
        let made = self.acceptor.get_or_init(|| self.acceptor_for(&self.server.tls, &self.names));
        made.clone()
    }

    fn acceptor_for(&self, tls: &ServerTls, scope: &dyn Scope) -> Result<Acceptor, NoCertificate> {
        let offer = self.offer(tls, scope).map_err(|error| NoCertificate(error.message))?;
        Acceptor::new(&offer, self.authority()?).map_err(|fault| NoCertificate(fault.to_string()))
    }

    fn offer(&self, tls: &ServerTls, scope: &dyn Scope) -> Result<TlsOffer, TemplateError> {
        let certificate = match &tls.certificate {
            None => Choice::Made(Wish { names: with_loopback(&self.host_names), ..Wish::default() }, Signer::Authority),
            Some(CertificateChoice::Files { file, key }) => {
                Choice::Given { certificates: self.file(file, scope)?, key: self.file(key, scope)? }
            }
            Some(CertificateChoice::Made(made)) => self.made(made, scope)?,
        };
        let version = |chosen: &Option<Chosen<TlsVersionName>>| -> Result<Option<String>, TemplateError> {
            let chosen = chosen.as_ref().map(|chosen| self.templates.chosen(chosen, scope)).transpose()?;
            Ok(chosen.map(|TlsVersionName(name)| name.to_owned()))
        };
        Ok(TlsOffer {
            certificate,
            min_version: version(&tls.min_version)?,
            max_version: version(&tls.max_version)?,
            ciphers: tls.ciphers.as_ref().map(|list| self.line(list, scope)).transpose()?,
            asks_client: tls.client_certificate.is_some(),
            requires_client: tls.client_certificate == Some(ClientCertificate::Require),
            client_ca: tls.client_ca.as_ref().map(|file| self.file(file, scope)).transpose()?,
        })
    }

    fn made(&self, made: &MadeCertificate, scope: &dyn Scope) -> Result<Choice, TemplateError> {
        let own = made.names.as_ref().map(|names| names.iter().map(|name| self.line(name, scope)).collect());
        let wish = Wish {
            names: own.transpose()?.unwrap_or_else(|| with_loopback(&self.host_names)),
            expired: made.expired,
            not_yet_valid: made.not_yet_valid,
            for_clients: made.for_clients,
            weak_key: made.weak_key,
            common_name: made.common_name.as_ref().map(|name| self.line(name, scope)).transpose()?,
        };
        let signer = match made.signer {
            CertificateSigner::Authority => Signer::Authority,
            CertificateSigner::Itself => Signer::Itself,
            CertificateSigner::Stranger => Signer::Stranger,
            CertificateSigner::Leaf => Signer::Leaf,
        };
        Ok(Choice::Made(wish, signer))
    }

    fn file(&self, file: &Text, scope: &dyn Scope) -> Result<Vec<u8>, TemplateError> {
        let fault = |message: String| TemplateError { message, span: file.span, help: None };
        let name = self.line(file, scope)?;
        let path = resolve_file(self.file_root.as_deref(), &name).map_err(|misread| fault(misread.into()))?;
        std::fs::read(path).map_err(|error| fault(format!("cannot read `{}`: {}", file.source, reason(&error))))
    }

    fn line(&self, text: &Text, scope: &dyn Scope) -> Result<String, TemplateError> {
        let rendered = self.templates.render(text, Mode::Line, scope)?;
        let fault = |_| TemplateError { message: "this must be UTF-8".to_owned(), span: text.span, help: None };
        String::from_utf8(rendered.bytes).map_err(fault)
    }
}

impl Connection {
    /// The acceptor of a handshake: a step's own options above the connection's, those above the server's.
    pub(crate) fn acceptor(&self, own: &ServerTls) -> Result<Acceptor, NoCertificate> {
        let connection = self.script.server.served(self.number).map(|served| &served.tls);
        let says_otherwise = |tls: &ServerTls| {
            tls.certificate.is_some()
                || tls.client_certificate.is_some()
                || tls.client_ca.is_some()
                || tls.min_version.is_some()
                || tls.max_version.is_some()
                || tls.ciphers.is_some()
        };
        if !says_otherwise(own) && !connection.is_some_and(says_otherwise) {
            return self.script.acceptor();
        }
        let outer = connection.map_or_else(|| self.script.server.tls.clone(), |tls| tls.over(&self.script.server.tls));
        self.script.acceptor_for(&own.over(&outer), &self.scope())
    }
}
