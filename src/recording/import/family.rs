//! The families of notations, as a table: by what each is known, and what of it is noise.
//!
//! Responsible for their names, which `--from` takes. A family needs no code: how its sides are distinguished is learned from
//! the text.

use super::event::LogEvent;
use super::marks::LogSide;

/// A tool or library with its notation.
#[derive(Debug, PartialEq, Eq)]
pub struct Family {
    /// The name that `--from` takes.
    pub name: &'static str,
    /// What it is, in a sentence: `this looks like …`.
    pub what: &'static str,
    /// Parts of lines by which a text is known to be of this family; with `^` they begin a line.
    pub(super) signs: &'static [&'static str],
    /// Parts of lines of neither side that nobody misses.
    pub(super) noise: &'static [&'static str],
    /// Marks that can't be learned, because no line of SMTP shows them.
    pub(super) marks: &'static [(&'static str, LogSide)],
}

const NONE: Family = Family { name: "", what: "", signs: &[], noise: &[], marks: &[] };

/// All families; of several whose signs stand in a text the first is it.
pub(super) const FAMILIES: [Family; 35] = [
    Family { name: "blackbox", what: "a configuration of blackbox_exporter", ..NONE },
    Family {
        name: "smtp-script",
        what: "a transcript of smtp-script",
        signs: &["  *  connected ", " *  connected ", "stands in for "],
        noise: &["  *  ", " *  "],
        ..NONE
    },
    Family {
        name: "swaks",
        what: "what swaks prints",
        signs: &["=== Trying", "=== Connected to", "<-  ", "<~  ", "<** ", "<~* "],
        noise: &["===", "***", "  > ", "<   ", ">   ", "  < "],
        ..NONE
    },
    Family {
        name: "smtp-cli",
        what: "what smtp-cli prints",
        signs: &["smtp-cli ", "Using cipher: "],
        noise: &["Starting TLS", "Using cipher", "Subject Name", "Authentication of "],
        ..NONE
    },
    Family {
        name: "curl",
        what: "what `curl -v` prints",
        signs: &["* Connected to ", "*   Trying", "* Established", "== Info:", "^< 220"],
        noise: &["* ", "{ [", "} [", "--:--:--", "% Total", "Dload", "bytes data]", "curl: ("],
        ..NONE
    },
    Family {
        name: "openssl",
        what: "what `openssl s_client` prints",
        signs: &["CONNECTED(", "CONNECTION ESTABLISHED", "depth=", "-----BEGIN CERT", "SSL handshake has read"],
        ..NONE
    },
    Family {
        name: "gnutls",
        what: "what `gnutls-cli` prints",
        signs: &["- Simple Client Mode:", "- Handshake was completed"],
        noise: &["- ", "Processed ", "Resolving ", "Connecting to "],
        ..NONE
    },
    Family {
        name: "phpmailer",
        what: "PHPMailer's debug output",
        signs: &["SERVER -> CLIENT", "CLIENT -> SERVER", "SMTP -> FROM SERVER", "CLIENT -> SMTP"],
        noise: &[
            "SMTP INBOUND",
            "SERVER -> CLIENT: ",
            "Requested auth method",
            "get_lines()",
            "Connection: ",
            "SMTP ERROR",
            "SMTP Error",
            "SMTP NOTICE",
            "SMTP connect()",
            "Auth method",
            "Mailer Error",
            "PHPMailer",
        ],
        ..NONE
    },
    Family {
        name: "javamail",
        what: "the debug output of JavaMail or Jakarta Mail",
        signs: &["DEBUG SMTP", "DEBUG: JavaMail", "DEBUG: Jakarta Mail", "DEBUG: setDebug"],
        noise: &["DEBUG"],
        ..NONE
    },
    Family {
        name: "nodemailer",
        what: "nodemailer's debug log",
        signs: &["SMTP handshake finished", "Creating transport: nodemailer", "\"component\":\"smtp-connection\""],
        noise: &[
            "Creating transport",
            "Sending mail using",
            "Resolved ",
            "onnection ",
            "SMTP handshake finished",
            "authenticat",
            "Sending message",
            "encoded mime message",
            "Closing connection",
        ],
        ..NONE
    },
    Family {
        name: "smtplib",
        what: "the debug output of Python's smtplib",
        signs: &["reply: b'", "reply: retcode", "send: 'ehlo", "reply: '"],
        noise: &["reply: retcode", "data: (", "connect: "],
        ..NONE
    },
    Family {
        name: "aiosmtpd",
        what: "the log of aiosmtpd",
        signs: &["mail.log", "aiosmtpd"],
        noise: &["mail.log"],
        ..NONE
    },
    Family {
        name: "thunderbird",
        what: "the log of Thunderbird",
        signs: &["mailnews.smtp: "],
        noise: &["mailnews.smtp: Conn", "Possible auth methods", "Sending message", "Command failed"],
        ..NONE
    },
    Family {
        name: "mailkit",
        what: "a protocol log of MailKit",
        signs: &["Connected to smtp://", "Connected to smtps://"],
        ..NONE
    },
    Family { name: "dotnet", what: "a trace of System.Net", signs: &["System.Net"], noise: &["System.Net"], ..NONE },
    Family {
        name: "ruby",
        what: "the debug output of Ruby's net/smtp",
        signs: &["Connection opened: ", "-> \"220", "<- \"EHLO"],
        noise: &["wrote ", "writing message", "TLS connection started"],
        ..NONE
    },
    Family {
        name: "net-smtp",
        what: "the debug output of Perl's Net::SMTP",
        signs: &["Net::SMTP"],
        noise: &["Net::SMTP>>>", "Net::SMTP: ", "Net::Cmd"],
        ..NONE
    },
    Family { name: "go", what: "the debug log of a mail library for Go", signs: &["C --> S:", "C <-- S:"], ..NONE },
    Family {
        name: "symfony",
        what: "the log of Swift Mailer or Symfony Mailer",
        signs: &["Swift_", "Symfony\\", "EsmtpTransport"],
        noise: &["++ ", "!! ", "Swift_", "Symfony", "Email transport"],
        ..NONE
    },
    Family {
        name: "msmtp",
        what: "what `msmtp -d` prints",
        signs: &["<-- 220", "--> EHLO", "msmtp"],
        noise: &[
            " = ",
            "msmtp: ",
            "TLS ",
            "    ",
            "using account",
            "loaded ",
            "reading recipients",
            "ignoring ",
            "falling back",
        ],
        ..NONE
    },
    Family {
        name: "exim",
        what: "what `exim -v` or `exim -d` prints",
        signs: &["SMTP<<", "SMTP>>"],
        noise: &[
            "LOG: ",
            "SMTP",
            "cmdlog",
            "delivering ",
            "Transport port",
            "will write message",
            "Connecting to",
            "  <= ",
            "  => ",
            "  -> ",
            "  Completed",
            "  == ",
            "  ** ",
            "TLS ",
        ],
        ..NONE
    },
    Family {
        name: "postfix",
        what: "a transcript of Postfix",
        signs: &["Transcript of session follows", "postfix/smtp"],
        noise: &["Transcript of session", "For other details", "postfix/", "Session aborted", "---"],
        ..NONE
    },
    Family {
        name: "sendmail",
        what: "what `sendmail -v` prints",
        signs: &["... Connecting to ", ">>> MAIL F", ">>> EHLO", ">>> HELO"],
        noise: &["... Connecting", "... Sent", "Closing connection", "... Deferred", "... User unknown", "... "],
        ..NONE
    },
    Family {
        name: "opensmtpd",
        what: "the log of OpenSMTPD",
        signs: &["mta: 0x", "smtp: 0x", "smtpd -", "smtp-out:"],
        noise: &["mta: ", "smtp-out", "smtp-in", "smtp: ", "debug: "],
        ..NONE
    },
    Family {
        name: "haraka",
        what: "Haraka's log",
        signs: &["[PROTOCOL]", "[core] C:", "[core] S:", "level=PROTOCOL"],
        noise: &["[DEBUG]", "[INFO]", "[NOTICE]", "[WARN]", "[LOG", "[CRIT]", "[ERROR]", "level="],
        ..NONE
    },
    Family {
        name: "postal",
        what: "the log of Postal",
        signs: &["[smtp.", "DEBUG -- : ["],
        noise: &["-- : ["],
        ..NONE
    },
    Family {
        name: "stalwart",
        what: "the log of Stalwart",
        signs: &["smtp.raw-input", "smtp.raw-output"],
        noise: &["(smtp.", "(delivery.", "(queue.", "(auth.", "(tls.", "(network.", "(session."],
        ..NONE
    },
    Family {
        name: "exchange",
        what: "a protocol log of Exchange",
        signs: &["#Software: Microsoft Exchange", "#Log-type: SMTP", "connector-id"],
        noise: &["#"],
        ..NONE
    },
    Family {
        name: "iis",
        what: "a W3C log of IIS",
        signs: &["#Software: Microsoft Internet Information Services"],
        noise: &["#"],
        ..NONE
    },
    Family {
        name: "mailenable",
        what: "the activity log of MailEnable",
        signs: &["\tSMTP-IN\t", "\tSMTP-OU\t"],
        noise: &["ME-I", "ME-E"],
        ..NONE
    },
    Family {
        name: "check_smtp",
        what: "what `check_smtp -v` prints",
        signs: &["HELOCMD:", "check_smtp"],
        noise: &["HELOCMD", "SMTP OK", "SMTP CRITICAL", "SMTP WARNING", "WARNING - ", "CRITICAL - "],
        marks: &[("HELOCMD:", LogSide::Client), ("sent", LogSide::Client), ("received", LogSide::Server)],
    },
    Family {
        name: "tshark",
        what: "a followed stream of tshark",
        signs: &["Follow: tcp", "Follow: tls"],
        noise: &["Follow: ", "Filter: ", "Node ", "====="],
        ..NONE
    },
    Family {
        name: "telnet",
        what: "a terminal with telnet or nc",
        signs: &["Escape character is", "Connected to ", "Trying "],
        noise: &["Trying ", "Connected to ", "Escape character", "telnet>", "Ncat: ", "Connection ", "^]"],
        ..NONE
    },
    Family { name: "log", what: "a log with marks of its own", ..NONE },
    Family { name: "paste", what: "lines of SMTP", ..NONE },
];

/// The family with this name.
pub(super) fn named(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.name == name)
}

/// The family whose signs stand in a text.
pub(super) fn of<'l>(lines: impl Iterator<Item = &'l str> + Clone) -> &'static Family {
    let mut found = FAMILIES.len() - 1;
    for line in lines {
        let is_sign = |sign: &&'static str| match sign.strip_prefix('^') {
            Some(start) => line.starts_with(start),
            None => line.contains(*sign),
        };
        let sign = |family: &Family| family.signs.iter().any(is_sign);
        if let Some(at) = FAMILIES[..found].iter().position(sign) {
            found = at;
        }
    }
    &FAMILIES[found]
}

impl Family {
    /// Whether a line of neither side is what this tool says of itself.
    pub(super) fn says(&self, line: &str) -> bool {
        self.noise.iter().any(|part| line.contains(part))
    }

    /// Whether this tool says so of its logins, where the event is of one.
    pub(super) fn tells_logins(&self, event: &LogEvent) -> bool {
        match event {
            // Of a login in several lines Thunderbird shows the first.
            LogEvent::LoginNotShown(mechanism) if self.name == "thunderbird" => {
                mechanism == "PLAIN" || mechanism == "XOAUTH2"
            }
            LogEvent::LoginNotShown(_) | LogEvent::LoginEnded(_) => self.name == "javamail",
            _ => true,
        }
    }
}
