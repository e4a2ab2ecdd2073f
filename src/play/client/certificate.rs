//! The certificate of a server that was not trusted.
//!
//! TLS 1.3 sends the certificate encrypted, and the TLS library gives none out once it has refused it. What is wrong with
//! it cannot be told without seeing it, so the runner connects once more, says no more than the scenario had said before
//! the handshake, shakes hands without verification, reads the certificate and closes. The transcript says so. With
//! `greeting` it is the only one that opens a connection which the scenario does not; it carries nothing but EHLO and
//! STARTTLS.

use crate::net::certificate::PeerCertificate;
use crate::net::clock;
use crate::net::connect::connect;
use crate::net::stream::Stream;
use crate::net::tls::{Connector, TlsFailureReason, TlsOptions};
use crate::net::tls_port::LOOK_TIME;
use crate::play::client::ground::StepAt;
use crate::session::Trouble;
use crate::smtp::reply::{Parsed, ReplyParser};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

impl StepAt<'_> {
    /// Adds the certificate to a failed verification that could not see it, and keeps it with the session.
    pub(crate) async fn look_at_certificate(&mut self, session: &str, trouble: &mut Trouble) {
        let Trouble::Tls(failure) = trouble else { return };
        if !is_distrust(failure.reason) {
            return;
        }
        let Some(open) = self.sessions.named_mut(session) else { return };
        if failure.certificate.is_some() {
            open.refused.clone_from(&failure.certificate);
            return;
        }
        let look = second_look(open, !open.endpoint.implicit_tls);
        let found = clock::within(LOOK_TIME.min(self.wait), look).await;
        if let Ok(Some(certificate)) = found {
            let name = open.session.name().clone();
            self.stage.log.note(&name, "connected once more, without verification, only to read the certificate");
            self.stage.log.note(&name, &certificate.describe(jiff::Timestamp::now()));
            open.refused = Some(certificate.clone());
            failure.certificate = Some(certificate);
        }
    }
}

/// Whether it was the certificate that was refused.
fn is_distrust(reason: TlsFailureReason) -> bool {
    matches!(
        reason,
        TlsFailureReason::Expired
            | TlsFailureReason::NotYetValid
            | TlsFailureReason::WrongName
            | TlsFailureReason::UnknownIssuer
            | TlsFailureReason::SelfSigned
    )
}

async fn second_look(open: &crate::play::client::sessions::Open, starttls: bool) -> Option<PeerCertificate> {
    let mut stream = connect(&open.endpoint.target).await.ok()?;
    if starttls {
        read_reply(&mut stream).await?;
        if !open.session.hello().is_empty() {
            stream.write_all(open.session.hello()).await.ok()?;
            read_reply(&mut stream).await?;
        }
        stream.write_all(b"STARTTLS\r\n").await.ok()?;
        read_reply(&mut stream).await.filter(|code| *code == 220)?;
    }
    let options = TlsOptions { verify: false, ..TlsOptions::default() };
    let (stream, facts) = stream.upgrade(&Connector::new(&options).ok()?, &open.endpoint.host).await.ok()?;
    stream.close().await;
    facts.certificate
}

/// The code of the next reply.
async fn read_reply(stream: &mut Stream) -> Option<u16> {
    let mut parser = ReplyParser::default();
    let mut buffer = Vec::new();
    loop {
        match parser.advance(&buffer) {
            Parsed::Complete(reply, _) => return Some(reply.code()),
            Parsed::Malformed(..) => return None,
            Parsed::Partial => {}
        }
        if stream.read_buf(&mut buffer).await.ok()? == 0 {
            return None;
        }
    }
}
