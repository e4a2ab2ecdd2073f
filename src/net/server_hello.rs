//! What the plain-text part of a server's handshake shows: protocol version, cipher suite, certificate.
//!
//! native-tls reports neither version nor cipher, so they are read from the recorded bytes of the `ServerHello`
//! (RFC 8446 4.1.3, RFC 5246 7.4.1.3). In TLS 1.2 and before the server's certificate is plain text too. Pure: bytes
//! in, facts out, and no input makes it panic. Not responsible for recording (`socket`) nor for judging (`tls`, its
//! only caller).

use std::fmt;

const RECORD_CHANGE_CIPHER_SPEC: u8 = 20;
const RECORD_ALERT: u8 = 21;
const RECORD_HANDSHAKE: u8 = 22;
const RECORD_APPLICATION_DATA: u8 = 23;
/// The head of a record (RFC 8446 section 5.1): OpenSSL reads it by itself.
pub(super) const RECORD_HEADER: usize = 5;

const MESSAGE_SERVER_HELLO: u8 = 2;
const MESSAGE_CERTIFICATE: u8 = 11;

const EXTENSION_SUPPORTED_VERSIONS: u16 = 43;
const TLS_1_3: u16 = 0x0304;

/// The `random` that makes a `ServerHello` a `HelloRetryRequest` (RFC 8446 4.1.3): the SHA-256 of its name.
const HELLO_RETRY_REQUEST: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// What was found in the plain-text part of the server's handshake.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct ServerFlight {
    /// The negotiated version, once a `ServerHello` was read whole.
    pub(super) version: Option<ProtocolVersion>,
    /// The negotiated cipher suite.
    pub(super) cipher: Option<CipherSuite>,
    /// The server's certificates (DER), its own first, where the version sends them in plain text.
    pub(super) certificates: Vec<Vec<u8>>,
}

impl ServerFlight {
    /// Reads as far as the bytes are whole and plain text.
    pub(super) fn read(recorded: &[u8]) -> ServerFlight {
        let messages = plain_handshake_messages(recorded);
        let mut flight = ServerFlight::default();
        let mut rest = HelloReader(&messages);
        while let Some((kind, body)) = next_message(&mut rest) {
            match kind {
                MESSAGE_SERVER_HELLO => flight.take_server_hello(body),
                MESSAGE_CERTIFICATE if flight.certificates.is_empty() => flight.certificates = certificates(body),
                _ => {}
            }
        }
        flight
    }

    fn take_server_hello(&mut self, body: &[u8]) {
        if let Some((version, cipher)) = server_hello(body) {
            self.version = Some(version);
            self.cipher = Some(cipher);
        }
    }
}

/// Whether these first bytes from a server can be TLS at all: a known record type and major version 3.
pub(super) fn looks_like_tls(received: &[u8]) -> bool {
    let kind_fits =
        received.first().is_none_or(|kind| (RECORD_CHANGE_CIPHER_SPEC..=RECORD_APPLICATION_DATA).contains(kind));
    kind_fits && received.get(1).is_none_or(|major| *major == 3)
}

/// A TLS protocol version as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ProtocolVersion(u16);

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0x0301 => f.write_str("TLSv1.0"),
            0x0302 => f.write_str("TLSv1.1"),
            0x0303 => f.write_str("TLSv1.2"),
            TLS_1_3 => f.write_str("TLSv1.3"),
            other => write!(f, "0x{other:04x}"),
        }
    }
}

/// A cipher suite as it stands on the wire; shown by its IANA name, in hexadecimal where the table lacks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CipherSuite(u16);

impl fmt::Display for CipherSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match CIPHER_SUITES.binary_search_by_key(&self.0, |(number, _)| *number) {
            Ok(index) => f.write_str(CIPHER_SUITES[index].1),
            Err(_) => write!(f, "0x{:04x}", self.0),
        }
    }
}

/// The handshake messages of the records up to the first encrypted one, joined: a message may span records.
fn plain_handshake_messages(recorded: &[u8]) -> Vec<u8> {
    let mut messages = Vec::new();
    let mut rest = recorded;
    while let Some((header, body)) = rest.split_at_checked(RECORD_HEADER) {
        let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
        let (fragment, next) = body.split_at(length.min(body.len()));
        match header[0] {
            RECORD_HANDSHAKE => messages.extend_from_slice(fragment),
            RECORD_ALERT => {}
            // In TLS 1.3 a change_cipher_spec may stand between HelloRetryRequest and ServerHello (RFC 8446 D.4); in
            // TLS 1.2 encrypted handshake records follow, whose ciphertext must not be read as messages.
            RECORD_CHANGE_CIPHER_SPEC if ends_in_hello_retry_request(&messages) => {}
            _ => break,
        }
        rest = next;
    }
    messages
}

fn ends_in_hello_retry_request(messages: &[u8]) -> bool {
    let mut rest = HelloReader(messages);
    let mut last_is_retry = false;
    while let Some((kind, body)) = next_message(&mut rest) {
        last_is_retry = kind == MESSAGE_SERVER_HELLO && is_hello_retry_request(body);
    }
    last_is_retry
}

fn is_hello_retry_request(server_hello: &[u8]) -> bool {
    server_hello.get(2..34) == Some(HELLO_RETRY_REQUEST.as_slice())
}

fn next_message<'a>(rest: &mut HelloReader<'a>) -> Option<(u8, &'a [u8])> {
    let kind = rest.u8()?;
    let length = rest.u24()?;
    Some((kind, rest.take(length)?))
}

fn server_hello(body: &[u8]) -> Option<(ProtocolVersion, CipherSuite)> {
    if is_hello_retry_request(body) {
        return None;
    }
    let mut rest = HelloReader(body);
    let legacy_version = rest.u16()?;
    let _random = rest.take(32)?;
    let session_id = rest.u8()?;
    let _session_id = rest.take(usize::from(session_id))?;
    let cipher = rest.u16()?;
    let _compression = rest.u8()?;
    let version = selected_version(&mut rest).unwrap_or(legacy_version);
    Some((ProtocolVersion(version), CipherSuite(cipher)))
}

/// The version in the `supported_versions` extension: there since TLS 1.3, whose legacy field says TLS 1.2.
fn selected_version(rest: &mut HelloReader<'_>) -> Option<u16> {
    let length = rest.u16()?;
    let mut extensions = HelloReader(rest.take(usize::from(length))?);
    loop {
        let kind = extensions.u16()?;
        let length = extensions.u16()?;
        let data = extensions.take(usize::from(length))?;
        if kind == EXTENSION_SUPPORTED_VERSIONS {
            return HelloReader(data).u16();
        }
    }
}

/// The whole entries of a `Certificate` message as TLS 1.2 and before write it (RFC 5246 7.4.2).
fn certificates(body: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = HelloReader(body);
    let Some(list) = rest.u24().and_then(|length| rest.take(length)) else { return Vec::new() };
    let mut list = HelloReader(list);
    std::iter::from_fn(|| list.u24().and_then(|length| list.take(length)).map(<[u8]>::to_vec)).collect()
}

/// Takes big-endian numbers and slices off the front; `None` where too little is left.
struct HelloReader<'a>(&'a [u8]);

impl<'a> HelloReader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, bytes: usize) -> Option<usize> {
        let taken = self.take(bytes)?;
        Some(taken.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
    }

    fn u8(&mut self) -> Option<u8> {
        u8::try_from(self.number(1)?).ok()
    }

    fn u16(&mut self) -> Option<u16> {
        u16::try_from(self.number(2)?).ok()
    }

    fn u24(&mut self) -> Option<usize> {
        self.number(3)
    }
}

/// The suites a mail server can be expected to choose, by number (IANA "TLS Cipher Suites").
const CIPHER_SUITES: [(u16, &str); 51] = [
    (0x0004, "TLS_RSA_WITH_RC4_128_MD5"),
    (0x0005, "TLS_RSA_WITH_RC4_128_SHA"),
    (0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0x0016, "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA"),
    (0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"),
    (0x0034, "TLS_DH_anon_WITH_AES_128_CBC_SHA"),
    (0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA"),
    (0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA"),
    (0x003a, "TLS_DH_anon_WITH_AES_256_CBC_SHA"),
    (0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256"),
    (0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256"),
    (0x0041, "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA"),
    (0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256"),
    (0x006b, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256"),
    (0x0084, "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA"),
    (0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256"),
    (0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384"),
    (0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"),
    (0x00a6, "TLS_DH_anon_WITH_AES_128_GCM_SHA256"),
    (0x00a7, "TLS_DH_anon_WITH_AES_256_GCM_SHA384"),
    (0x1301, "TLS_AES_128_GCM_SHA256"),
    (0x1302, "TLS_AES_256_GCM_SHA384"),
    (0x1303, "TLS_CHACHA20_POLY1305_SHA256"),
    (0x1304, "TLS_AES_128_CCM_SHA256"),
    (0x1305, "TLS_AES_128_CCM_8_SHA256"),
    (0xc008, "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA"),
    (0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"),
    (0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"),
    (0xc011, "TLS_ECDHE_RSA_WITH_RC4_128_SHA"),
    (0xc012, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
    (0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"),
    (0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"),
    (0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"),
    (0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"),
    (0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
    (0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    (0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    (0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    (0xc05c, "TLS_ECDHE_ECDSA_WITH_ARIA_128_GCM_SHA256"),
    (0xc05d, "TLS_ECDHE_ECDSA_WITH_ARIA_256_GCM_SHA384"),
    (0xc060, "TLS_ECDHE_RSA_WITH_ARIA_128_GCM_SHA256"),
    (0xc061, "TLS_ECDHE_RSA_WITH_ARIA_256_GCM_SHA384"),
    (0xc0ac, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM"),
    (0xc0ad, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM"),
    (0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    (0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
    (0xccaa, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&[kind][..], &length[1..], body].concat()
    }

    fn record(kind: u8, fragment: &[u8]) -> Vec<u8> {
        let length = u16::try_from(fragment.len()).unwrap().to_be_bytes();
        [&[kind, 3, 3][..], &length, fragment].concat()
    }

    fn hello(random: [u8; 32], cipher: u16, extensions: &[u8]) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend(random);
        body.extend([2, 0xaa, 0xbb]);
        body.extend(cipher.to_be_bytes());
        body.push(0);
        if !extensions.is_empty() {
            body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
            body.extend(extensions);
        }
        message(MESSAGE_SERVER_HELLO, &body)
    }

    fn certificate_message(ders: &[&[u8]]) -> Vec<u8> {
        let entries: Vec<u8> = ders.iter().flat_map(|der| message(0, der).split_off(1)).collect();
        message(MESSAGE_CERTIFICATE, &message(0, &entries)[1..])
    }

    const VERSIONS: [u8; 10] = [0, 23, 0, 0, 0, 43, 0, 2, 3, 4];

    fn shown(flight: &ServerFlight) -> (Option<String>, Option<String>) {
        (flight.version.map(|it| it.to_string()), flight.cipher.map(|it| it.to_string()))
    }

    fn facts(version: &str, cipher: &str) -> (Option<String>, Option<String>) {
        (Some(version.to_owned()), Some(cipher.to_owned()))
    }

    #[test]
    fn the_suites_are_sorted_for_the_binary_search() {
        assert!(CIPHER_SUITES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn tls_1_2_with_certificates_across_records() {
        let messages = [hello([7; 32], 0xc02f, &[]), certificate_message(&[b"leaf", b"root"])].concat();
        let (first, second) = messages.split_at(50);
        let mut recorded = [record(22, first), record(22, second)].concat();
        recorded.extend(record(20, &[1]));
        recorded.extend(record(22, &hello([9; 32], 0x1301, &[])));
        let flight = ServerFlight::read(&recorded);
        assert_eq!(shown(&flight), facts("TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"));
        assert_eq!(flight.certificates, [b"leaf", b"root"]);
    }

    #[test]
    fn tls_1_3_says_so_in_an_extension() {
        let recorded = record(22, &hello([7; 32], 0x1302, &VERSIONS));
        let flight = ServerFlight::read(&recorded);
        assert_eq!(shown(&flight), facts("TLSv1.3", "TLS_AES_256_GCM_SHA384"));
    }

    #[test]
    fn a_hello_retry_request_is_not_the_server_hello() {
        let retry = record(22, &hello(HELLO_RETRY_REQUEST, 0x1301, &VERSIONS));
        assert_eq!(ServerFlight::read(&retry), ServerFlight::default());
        let hello = record(22, &hello([7; 32], 0x1303, &VERSIONS));
        let flight = ServerFlight::read(&[retry, record(20, &[1]), hello].concat());
        assert_eq!(shown(&flight), facts("TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256"));
    }

    #[test]
    fn unknown_numbers_are_shown_in_hexadecimal() {
        let recorded = record(22, &hello([7; 32], 0x5a5a, &[0, 43, 0, 2, 0x7f, 0x1c]));
        assert_eq!(shown(&ServerFlight::read(&recorded)), facts("0x7f1c", "0x5a5a"));
    }

    #[test]
    fn a_banner_does_not_look_like_tls() {
        assert!(!looks_like_tls(b"220 mx.example ESMTP\r\n"));
        assert!(!looks_like_tls(b"\x16\x04\x01"));
        assert!(looks_like_tls(b"\x15\x03\x01\x00\x02"));
        assert!(looks_like_tls(b""));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = ServerFlight::read(&bytes);
        }

        #[test]
        fn no_damaged_handshake_panics(cut in 0_usize..160, at in 0_usize..160, byte: u8) {
            let messages = [hello([7; 32], 0x1302, &VERSIONS), certificate_message(&[b"leaf", b"root"])].concat();
            let mut recorded = record(22, &messages);
            if let Some(damaged) = recorded.get_mut(at) {
                *damaged = byte;
            }
            recorded.truncate(cut);
            let _ = ServerFlight::read(&recorded);
        }
    }
}
