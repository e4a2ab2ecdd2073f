//! TLS as a client: connectors, the handshake, the open session. The only owner of native-tls and tokio-native-tls.
//!
//! Responsible for turning [`TlsOptions`] into one shared connector, and a plain socket into a [`TlsSession`] with its
//! [`TlsFacts`]. Not responsible for the words of a failure (`tls_failure`), for reading the server's hello
//! (`server_hello`) nor for when to shake hands (`session`). Called through `stream`.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use native_tls::{Identity, Protocol, TlsConnector, TlsConnectorBuilder};
use openssl::ssl::SslConnector;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_openssl::SslStream;

use super::certificate::PeerCertificate;
use super::channel::Channel;
use super::connect::without_brackets;
use super::server_hello::ServerFlight;
use super::socket::{OctetRecorder, Socket};
pub(crate) use super::tls_failure::is_no_record;
use super::tls_failure::{reason_of, session_failure};
use super::tls_old;
use super::tls_options::{check_certificates, pkcs8_key};

pub(crate) use super::tls_failure::{SessionFailure, TlsFailure, TlsFailureReason};
pub(crate) use super::tls_options::{TlsOptions, TlsSetupError, TlsVersion};

/// The most plain text one record holds (RFC 8446 5.1). Writes cut elsewhere cost a third more time.
const RECORD: usize = 16 * 1024;

/// Does handshakes by one set of options; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    native: tokio_native_tls::TlsConnector,
    /// In its place where a version below TLS 1.2 is asked for.
    old: Option<SslConnector>,
    verifies: bool,
    /// Whether trust rests on the roots of this machine.
    by_system: bool,
}

impl Connector {
    /// The connector for these options, built once per process.
    ///
    /// Building one may read the system's certificates, which takes tens of milliseconds: don't ask before TLS is needed.
    ///
    /// # Errors
    /// A certificate, a key or a version bound can't be used.
    pub(crate) fn new(options: &TlsOptions) -> Result<Connector, TlsSetupError> {
        static BUILT: LazyLock<Mutex<HashMap<TlsOptions, Connector>>> = LazyLock::new(Mutex::default);
        // Held while building, so that sessions that start together build one connector and not one each.
        let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connector) = built.get(options) {
            return Ok(connector.clone());
        }
        let connector = build(options)?;
        built.insert(options.clone(), connector.clone());
        Ok(connector)
    }

    /// Shakes hands over a plain socket.
    pub(super) async fn shake_hands(
        &self,
        tcp: Channel,
        server_name: &str,
    ) -> Result<(TlsSession, TlsFacts), TlsFailure> {
        let name = without_brackets(server_name);
        let name = name.strip_suffix('.').unwrap_or(name);
        let recorder = OctetRecorder::default();
        let socket = Socket::recorded(tcp, recorder.clone());
        let shaken = match &self.old {
            Some(old) => tls_old::shake_hands(old, socket, name, self.verifies).await.map(Layer::Old),
            None => self.native.connect(name, socket).await.map(Layer::Native).map_err(|error| error.to_string()),
        };
        match shaken {
            Ok(stream) => {
                let mut session = TlsSession { stream, notified: false };
                session.socket_mut().stop_recording();
                let facts = session.facts(ServerFlight::read(&recorder.take().received), self.verifies);
                Ok((session, facts))
            }
            Err(error) => {
                let failure = TlsFailure::judge(&error, &recorder.take(), name);
                Err(if self.by_system && !has_roots() { failure.without_roots() } else { failure })
            }
        }
    }
}

fn build(options: &TlsOptions) -> Result<Connector, TlsSetupError> {
    options.check_versions()?;
    let mut builder = TlsConnector::builder();
    if let Some(pem) = &options.ca_pem {
        add_roots(&mut builder, pem)?;
    }
    if let Some((certificates, key)) = &options.identity {
        builder.identity(identity(certificates, key)?);
    }
    builder
        .danger_accept_invalid_certs(!options.verify)
        .danger_accept_invalid_hostnames(!options.verify)
        // Without verification too: OpenSSL would look for each unknown issuer in the system's folder, every handshake.
        .disable_built_in_roots(!options.verify || options.ca_pem.is_some())
        .min_protocol_version(Some(protocol(lowest(options))))
        .max_protocol_version(options.max_version.map(protocol));
    let native = builder.build().map_err(|error| not_built(&error.to_string()))?;
    let old = tls_old::is_asked_for(options).then(|| tls_old::connector(options, lowest(options))).transpose();
    let old = old.map_err(|error| not_built(&error.to_string()))?;
    Ok(Connector {
        native: native.into(),
        old,
        verifies: options.verify,
        by_system: options.verify && options.ca_pem.is_none(),
    })
}

/// Whether this machine has certificates of authorities, as far as that can be seen. A slim container may have none.
fn has_roots() -> bool {
    let places = ["/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/ssl/cert.pem", "/etc/pki/ca-trust/extracted"];
    let chosen = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().filter_map(std::env::var_os);
    let is_there = |place: std::path::PathBuf| {
        place.is_file() || place.read_dir().is_ok_and(|mut entries| entries.next().is_some())
    };
    !cfg!(target_os = "linux") || places.into_iter().map(Into::into).chain(chosen.map(Into::into)).any(is_there)
}

fn add_roots(builder: &mut TlsConnectorBuilder, pem: &[u8]) -> Result<(), TlsSetupError> {
    check_certificates(pem, "ca_file")?;
    let roots = native_tls::Certificate::stack_from_pem(pem);
    for root in roots.map_err(|error| damaged_certificate("ca_file", &error.to_string()))? {
        builder.add_root_certificate(root);
    }
    Ok(())
}

fn identity(certificates: &[u8], key: &[u8]) -> Result<Identity, TlsSetupError> {
    check_certificates(certificates, "client_certificate")?;
    let key = pkcs8_key(key)?;
    Identity::from_pkcs8(certificates, key).map_err(|error| {
        // The library doesn't say which of the two it stumbled over.
        match native_tls::Certificate::stack_from_pem(certificates) {
            Err(error) => damaged_certificate("client_certificate", &error.to_string()),
            Ok(_) => damaged_key(&error.to_string()),
        }
    })
}

fn damaged_key(text: &str) -> TlsSetupError {
    TlsSetupError::new(
        format!("the key of `client_key` can't be read: {}", reason_of(text)),
        "`openssl pkey -in FILE -noout` shows whether the file is whole",
    )
}

fn damaged_certificate(option: &str, text: &str) -> TlsSetupError {
    TlsSetupError::new(
        format!("a certificate in the file of `{option}` can't be read: {}", reason_of(text)),
        "`openssl x509 -in FILE -noout -text` shows whether the file is whole",
    )
}

fn not_built(text: &str) -> TlsSetupError {
    if text.contains("key values mismatch") || text.contains("key type mismatch") {
        return TlsSetupError::new(
            "the key of `client_key` does not belong to the certificate of `client_certificate`",
            "the first certificate of the file must be the client's own, its chain after it",
        );
    }
    TlsSetupError { message: format!("TLS can't be set up: {}", reason_of(text)), help: None }
}

/// TLS 1.2, the library's own floor, unless something lower was asked for: who allows no more than TLS 1.1 means the old
/// versions, and a server that knows only TLS 1.0 is not to pass for one that refuses them.
fn lowest(options: &TlsOptions) -> TlsVersion {
    let is_old = options.max_version.is_some_and(|max| max < TlsVersion::Tls12);
    options.min_version.unwrap_or(if is_old { TlsVersion::Tls10 } else { TlsVersion::Tls12 })
}

fn protocol(version: TlsVersion) -> Protocol {
    match version {
        TlsVersion::Tls10 => Protocol::Tlsv10,
        TlsVersion::Tls11 => Protocol::Tlsv11,
        TlsVersion::Tls12 => Protocol::Tlsv12,
        TlsVersion::Tls13 => Protocol::Tlsv13,
    }
}

/// What a handshake agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsFacts {
    /// `TLSv1.3` and the like; `unknown` where it could not be read.
    pub(crate) version: String,
    /// The cipher suite by its IANA name, or as `0x1301`; `unknown` where it could not be read.
    pub(crate) cipher: String,
    /// Whether the certificate was verified; false when verification was switched off.
    pub(crate) verified: bool,
    /// The server's certificate.
    pub(crate) certificate: Option<PeerCertificate>,
    /// The certificates it sent (DER), its own first. None of TLS 1.3, which sends them encrypted.
    pub(crate) chain: Vec<Vec<u8>>,
    /// The channel binding `tls-server-end-point` (RFC 5929 4).
    pub(crate) end_point: Option<Vec<u8>>,
}

/// An open TLS session over its socket.
#[derive(Debug)]
pub(super) struct TlsSession {
    stream: Layer,
    notified: bool,
}

/// Which library holds the session.
#[derive(Debug)]
enum Layer {
    Native(tokio_native_tls::TlsStream<Socket>),
    Old(SslStream<Socket>),
}

impl Layer {
    fn socket(&self) -> &Socket {
        match self {
            Layer::Native(stream) => stream.get_ref().get_ref().get_ref(),
            Layer::Old(stream) => stream.get_ref(),
        }
    }

    /// The server's certificate in DER, and the channel binding `tls-server-end-point`.
    fn certificate(&self) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
        match self {
            Layer::Native(stream) => {
                let native = stream.get_ref();
                let der = native.peer_certificate().ok().flatten().and_then(|it| it.to_der().ok());
                (der, native.tls_server_end_point().ok().flatten())
            }
            Layer::Old(stream) => {
                let der = stream.ssl().peer_certificate().and_then(|it| it.to_der().ok());
                (der, tls_old::end_point(stream))
            }
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Layer::Native(stream) => Pin::new(stream).poll_read(cx, buf),
            Layer::Old(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Layer::Native(stream) => Pin::new(stream).poll_write(cx, buf),
            Layer::Old(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Layer::Native(stream) => Pin::new(stream).poll_shutdown(cx),
            Layer::Old(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl TlsSession {
    /// The socket below.
    pub(super) fn tcp(&self) -> &Channel {
        self.stream.socket().tcp()
    }

    fn socket_mut(&mut self) -> &mut Socket {
        match &mut self.stream {
            Layer::Native(stream) => stream.get_mut().get_mut().get_mut(),
            Layer::Old(stream) => stream.get_mut(),
        }
    }

    fn facts(&self, flight: ServerFlight, verified: bool) -> TlsFacts {
        let (der, end_point) = self.stream.certificate();
        let unknown = || "unknown".to_owned();
        TlsFacts {
            version: flight.version.map_or_else(unknown, |it| it.to_string()),
            cipher: flight.cipher.map_or_else(unknown, |it| it.to_string()),
            verified,
            certificate: der.as_deref().and_then(PeerCertificate::from_der),
            chain: flight.certificates,
            end_point,
        }
    }

    /// Reads; the end of the stream is the end, with or without `close_notify`.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let result = ready!(self.stream.poll_read(cx, buf));
        Poll::Ready(result.or_else(|error| {
            if is_no_record(&error) {
                return Err(SessionFailure::NotTls(self.socket_mut().head().to_vec()).into());
            }
            session_failure(error).map_or(Ok(()), Err)
        }))
    }

    /// As [`TlsSession::poll_read`], but asks the kernel directly; `Pending` means that no data has arrived, and wakes
    /// nobody.
    pub(super) fn poll_read_now(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.socket_mut().set_at_once(true);
        let result = self.poll_read(cx, buf);
        self.socket_mut().set_at_once(false);
        result
    }

    /// Encrypts and sends full records until the socket takes no more; returns the plain bytes taken.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_drain(cx))?;
        let mut taken = 0;
        for record in buf.chunks(RECORD) {
            match self.stream.poll_write(cx, record) {
                Poll::Ready(Ok(count)) => taken += count,
                // The same failure will be there at the next write.
                _ if taken > 0 => break,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(write_failure(error))),
                Poll::Pending => return Poll::Pending,
            }
            if self.socket_mut().has_unsent() {
                break;
            }
        }
        Poll::Ready(Ok(taken))
    }

    /// Sends the records that were taken and have not left.
    pub(super) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket_mut().poll_drain(cx)
    }

    /// Sends `close_notify`, once, and then FIN.
    pub(super) fn poll_close_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.notified {
            // A second call would wait for the peer's `close_notify`. A session that failed can't send one; FIN it is.
            self.notified = true;
            let _ = self.stream.poll_shutdown(cx);
        }
        Pin::new(self.socket_mut()).poll_shutdown(cx)
    }
}

fn write_failure(error: io::Error) -> io::Error {
    session_failure(error).unwrap_or_else(|| io::ErrorKind::BrokenPipe.into())
}
