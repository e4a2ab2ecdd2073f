//! What programs print where no reply came: the connection was not made, was lost, or TLS failed.
//!
//! Responsible for the words, in the languages of the systems, and for what they mean; a table. Not for replies (`question`)
//! nor for what this program saw itself (`play::diagnose`). Called by the command line, where a text holds no reply code.

/// Why no reply came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoReplyCause {
    /// Words that tell it, in lower case.
    signs: &'static [&'static str],
    /// What happened: the end of `no reply code stands in …: `.
    pub(crate) means: &'static str,
    /// What to do.
    pub(crate) help: &'static str,
}

/// Of several that fit, the first counts: what is said of TLS and of names is more exact than that nothing came.
static CAUSES: &[NoReplyCause] = &[
    NoReplyCause {
        signs: &[
            "wrong version number",
            "wrong_version_number",
            "unrecognized ssl message",
            "plaintext connection?",
            "does not look like a tls handshake",
            "packet length too long",
            "unexpected packet format",
            "unknown protocol",
            "unerwartetes paketformat",
            "format de paquet inattendu",
            "unsupported or unrecognized ssl",
        ],
        means: "TLS was begun on a port that speaks plain text first",
        help: "use STARTTLS on 587 and 25, and TLS from the start on 465 alone: nodemailer's `secure: false`, PHPMailer's `tls`, \
               smtplib's `SMTP` with `starttls()`",
    },
    NoReplyCause {
        signs: &[
            "altname",
            "certificate is valid for",
            "certificate is not valid for",
            "hostname mismatch",
            "hostname/ip does not match",
            "remotecertificatenamemismatch",
            "no subject alternative",
            "did not match expected cn",
            "doesn't match host",
            "certificate name mismatch",
            "no alternative certificate subject name",
            "host name did not match",
            "certificate owner does not match",
        ],
        means: "the server's certificate is for other names than the one that was connected to",
        help: "connect to a name that the certificate has, such as the provider's own: the error lists them",
    },
    NoReplyCause {
        signs: &[
            "certificate has expired",
            "cert_has_expired",
            "certificate expired",
            "certificate is expired",
            "ist abgelaufen",
            "a expiré",
            "not yet valid",
            "notafter",
        ],
        means: "the server's certificate has expired, or this machine's clock is wrong",
        help: "whoever runs the server has to renew it; look at the clock of this machine first",
    },
    NoReplyCause {
        signs: &[
            "self signed",
            "self-signed",
            "self_signed",
            "pkix path",
            "valid certification path",
            "unable to get local issuer",
            "unable to get issuer",
            "unable to verify the first certificate",
            "unable_to_verify_leaf",
            "unknown authority",
            "unknown ca",
            "unknownissuer",
            "unknown issuer",
            "untrustedroot",
            "remotecertificatechainerrors",
            "not trusted",
            "partialchain",
            "certificate_unknown",
        ],
        means: "this machine trusts nobody who signed the server's certificate",
        help: "install the certificates of the authorities (`ca-certificates`), or give the program that of the server's own authority; \
               a server may also leave out the intermediate certificate, which its administrator has to add",
    },
    NoReplyCause {
        signs: &[
            "common algorithm",
            "0x80090331",
            "no protocols available",
            "no appropriate protocol",
            "unsupported protocol",
            "unsupported_protocol",
            "protocol_version",
            "alert protocol version",
            "protocol version not supported",
            "handshake_failure",
            "handshake failure",
            "no shared cipher",
            "dh key too small",
            "no cipher",
            "gemeinsamen algorithmus",
            "algorithme commun",
        ],
        means: "the two sides have no TLS version or cipher in common",
        help: "one of them is too old, mostly it knows TLS 1.0 alone: permit TLS 1.2 and 1.3 on both",
    },
    NoReplyCause {
        signs: &[
            "certificate verify failed",
            "remote certificate is invalid",
            "remote certificate was rejected",
            "remotezertifikat",
            "certificat distant",
            "certificate validation",
            "bad certificate",
        ],
        means: "the server's certificate was not accepted",
        help: "`smtp-script run` against the same server says which part of it: the name, the dates or who signed it",
    },
    NoReplyCause {
        signs: &[
            "starttls extension not supported",
            "starttls is required but",
            "server does not support starttls",
            "starttls not supported",
        ],
        means: "the server offered no STARTTLS where the client wants it",
        help: "see the EHLO reply: port 465 speaks TLS from the start, and a proxy or a virus scanner in between may cut STARTTLS out",
    },
    NoReplyCause {
        signs: &[
            "auth extension not supported",
            "server doesn't support auth",
            "server does not support auth",
            "no suitable authentication method",
            "no supported authentication",
            "does not support authentication",
            "no authentication mechanisms",
        ],
        means: "the server offered no AUTH that the client knows",
        help: "many offer it only after STARTTLS, or on 587 and 465, not on 25: see the AUTH line of the EHLO reply",
    },
    NoReplyCause {
        signs: &[
            "enotfound",
            "eai_again",
            "eai_noname",
            "edns",
            "getaddrinfo",
            "no such host",
            "name or service not known",
            "nodename nor servname",
            "name resolution",
            "unknownhostexception",
            "unknown host",
            "could not resolve",
            "couldn't resolve",
            "could not be resolved",
            "cannot resolve",
            "host is unknown",
            "host ist nicht bekannt",
            "unbekannter host",
            "hôte inconnu",
            "host desconocido",
            "11001",
            "11004",
            "php_network_getaddresses",
        ],
        means: "the name of the server was not found in DNS",
        help: "look at its spelling; in a container or behind a VPN, whether DNS works at all",
    },
    NoReplyCause {
        signs: &[
            "econnrefused",
            "connection refused",
            "connectionrefused",
            "actively refused",
            "10061",
            "verbindung verweigert",
            "verweigerte die verbindung",
            "verbindung verweigerte",
            "expressément refusée",
            "connexion refusée",
            "conexión rechazada",
            "denegó expresamente",
        ],
        means: "the connection was refused: nothing listens on that port there, or a firewall says so",
        help: "look at host and port: 587 or 465 to submit mail, 25 between servers; in a container `localhost` is the container itself",
    },
    NoReplyCause {
        signs: &[
            "ehostunreach",
            "enetunreach",
            "no route to host",
            "network is unreachable",
            "host is unreachable",
            "unreachable host",
            "unreachable network",
            "10065",
            "10051",
            "keine route zum",
            "netzwerk ist nicht erreichbar",
        ],
        means: "there is no way to the server's address",
        help: "the address may be one of IPv6 on a machine without it: connect by IPv4, or look at routes and firewall",
    },
    NoReplyCause {
        signs: &[
            "eacces",
            "permission denied",
            "operation not permitted",
            "10013",
            "access permissions",
            "zugriffsrechte",
            "autorisations d'accès",
        ],
        means: "this machine itself forbade the connection",
        help: "a local firewall, a virus scanner or SELinux (`httpd_can_network_connect`) does so",
    },
    NoReplyCause {
        signs: &["greeting never received", "greeting timeout", "no greeting"],
        means: "the connection was made, but no greeting came",
        help: "on port 465 TLS comes first: nodemailer's `secure: true`; else a virus scanner or the server's own checks hold it back",
    },
    NoReplyCause {
        signs: &[
            "etimedout",
            "timed out",
            "timedout",
            "timeout",
            "time-out",
            "10060",
            "deadline exceeded",
            "period of time",
            "zeitüberschreitung",
            "bestimmten zeitspanne",
            "délai",
            "certain laps de temps",
            "n'a pas répondu",
            "tiempo de espera",
        ],
        means: "nothing answered in time",
        help: "a firewall drops it, or the network blocks the port: many hosters and access providers block 25, so submit on 587 or 465",
    },
    NoReplyCause {
        signs: &[
            "econnreset",
            "connection reset",
            "connectionreset",
            "forcibly closed",
            "10054",
            "broken pipe",
            "epipe",
            "unexpectedly closed",
            "closed unexpectedly",
            "server disconnected",
            "smtpserverdisconnected",
            "connection closed",
            "connection lost",
            "unexpected eof",
            "socket close",
            "remotehost geschlossen",
            "hôte distant",
            "lost connection",
            "eof occurred",
            "conexión cerrada",
            ": eof",
        ],
        means: "the server, or something in between, closed the connection without a reply",
        help: "often the client's address is blocked, a virus scanner sits in between, or TLS was expected: `smtp-script run -v` \
               shows how far it goes",
    },
    NoReplyCause {
        signs: &[
            "stream_socket_enable_crypto",
            "ssl handshake",
            "tls handshake",
            "could not convert socket to tls",
            "starttls command failed",
            "ssl_error",
            "tls_process",
            "unable to connect with tls",
            "unable to connect with starttls",
        ],
        means: "the TLS handshake failed, and the text does not say why",
        help: "`smtp-script run` against the same server says why",
    },
    NoReplyCause {
        signs: &[
            "smtp connect() failed",
            "could not connect to smtp",
            "failure sending mail",
            "unable to connect to the remote server",
            "connect() failed",
            "failed to connect",
            "connection could not be established",
            "esocket",
            "econnection",
            "échec de l'envoi",
            "fehler beim senden",
            "keine verbindung",
        ],
        means: "the connection failed, and the text does not say why",
        help: "the inner error says it: PHPMailer's `SMTPDebug = 2`, .NET's `InnerException`; `smtp-script run -v` against the same host shows it too",
    },
];

/// What a text without a reply code tells, if it tells why none came.
#[must_use]
pub(crate) fn cause_of(text: &str) -> Option<&'static NoReplyCause> {
    let text = text.to_lowercase().replace('\u{2019}', "'").split_whitespace().collect::<Vec<_>>().join(" ");
    CAUSES.iter().find(|cause| cause.signs.iter().any(|sign| stands_in(&text, sign)))
}

/// Numbers stand only by themselves.
fn stands_in(text: &str, sign: &str) -> bool {
    let is_number = sign.bytes().all(|byte| byte.is_ascii_digit());
    let ends = |at: usize| {
        let before = text[..at].chars().next_back().is_some_and(|letter| letter.is_ascii_digit());
        before || text[at + sign.len()..].starts_with(|letter: char| letter.is_ascii_digit())
    };
    text.match_indices(sign).any(|(at, _)| !is_number || !ends(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_in_lower_case_and_stand_in_one_row() {
        for (at, cause) in CAUSES.iter().enumerate() {
            for sign in cause.signs {
                assert_eq!(sign.to_lowercase(), **sign);
                let first = CAUSES.iter().position(|it| it.signs.iter().any(|other| sign.contains(other)));
                assert_eq!(first, Some(at), "{sign}");
            }
        }
    }

    #[test]
    fn numbers_of_errors_stand_alone() {
        assert!(cause_of("SocketException (10061)").is_some());
        assert!(cause_of("message 110612 of 210061").is_none());
    }
}
