//! Other people's SMTP clients, each made to log in over STARTTLS with a verified certificate and to deliver a message.
//!
//! Used by integration tests, as `mod clients;` with `#[path = "clients/mod.rs"]`. Not responsible for installing them
//! (`tests/servers/install`); one that is missing fails the test and says so.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A client that is no part of smtp-script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    /// Python's standard library.
    Smtplib,
    /// curl, over libcurl.
    Curl,
    /// swaks, in Perl.
    Swaks,
    /// msmtp, over `GnuTLS` and GNU SASL.
    Msmtp,
    /// nodemailer, for Node.js.
    Nodemailer,
    /// `PHPMailer`'s SMTP class.
    Phpmailer,
}

/// Every client.
pub(crate) const ALL: [Client; 6] =
    [Client::Smtplib, Client::Curl, Client::Swaks, Client::Msmtp, Client::Nodemailer, Client::Phpmailer];

/// What is delivered, by whom, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivery<'a> {
    /// The name or address that the server's certificate must be for.
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    pub(crate) user: &'a str,
    pub(crate) password: &'a str,
    /// The authority, in PEM, that must have signed the server's certificate.
    pub(crate) ca_file: &'a Path,
    pub(crate) from: &'a str,
    pub(crate) to: &'a [&'a str],
    /// The message: header and body with CRLF, and a CRLF at the end. swaks replaces words such as `%DATE%` in it.
    pub(crate) message: &'a str,
}

impl Client {
    /// The name that its users know.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Client::Smtplib => "smtplib",
            Client::Curl => "curl",
            Client::Swaks => "swaks",
            Client::Msmtp => "msmtp",
            Client::Nodemailer => "nodemailer",
            Client::Phpmailer => "phpmailer",
        }
    }

    /// Delivers by STARTTLS and AUTH; what the client printed tells what went wrong where it does not exit with 0.
    ///
    /// # Panics
    /// When the client is not installed.
    pub(crate) fn send(self, delivery: &Delivery<'_>) -> Output {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder for {}: {error}", self.name()));
        let message = folder.path().join("message");
        fs::write(&message, delivery.message).unwrap_or_else(|error| panic!("cannot write a message: {error}"));
        let mut command = match self {
            Client::Smtplib => smtplib(delivery, &message),
            Client::Curl => curl(delivery, &message),
            Client::Swaks => swaks(delivery, folder.path()),
            Client::Msmtp => msmtp(delivery, folder.path()),
            Client::Nodemailer => nodemailer(delivery, &message),
            Client::Phpmailer => script("php", "phpmailer-client.php", delivery, &message),
        };
        let input = fs::File::open(&message).unwrap_or_else(|error| panic!("cannot read a message: {error}"));
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()).env("HOME", folder.path());
        command.output().unwrap_or_else(|error| {
            panic!("cannot run {} ({error}): run `tests/servers/install`", self.name());
        })
    }
}

/// What the scripts beside this file take: the password by the environment, all else as arguments.
fn script(program: &str, file: &str, delivery: &Delivery<'_>, message: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(file));
    command.args([delivery.host, &delivery.port.to_string()]).arg(delivery.ca_file).arg(message);
    command.arg(delivery.user).arg(delivery.from).args(delivery.to).env("SMTP_PASSWORD", delivery.password);
    command
}

fn smtplib(delivery: &Delivery<'_>, message: &Path) -> Command {
    script("/usr/bin/python3", "smtplib-client.py", delivery, message)
}

/// Debian puts nodemailer where only its own Node.js looks by itself.
fn nodemailer(delivery: &Delivery<'_>, message: &Path) -> Command {
    let mut command = script("node", "nodemailer-client.js", delivery, message);
    command.env("NODE_PATH", "/usr/share/nodejs");
    command
}

fn curl(delivery: &Delivery<'_>, message: &Path) -> Command {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--verbose", "--ssl-reqd", "--cacert"]).arg(delivery.ca_file);
    command.args(["--url", &format!("smtp://{}:{}/client.example", delivery.host, delivery.port)]);
    command.args(["--user", &format!("{}:{}", delivery.user, delivery.password)]);
    command.args(["--mail-from", delivery.from]);
    command.args(delivery.to.iter().flat_map(|to| ["--mail-rcpt", to]));
    command.arg("--upload-file").arg(message);
    command
}

/// swaks ends each message with a line end of its own.
fn swaks(delivery: &Delivery<'_>, folder: &Path) -> Command {
    let message = folder.join("for-swaks");
    let text = delivery.message.strip_suffix("\r\n").unwrap_or(delivery.message);
    fs::write(&message, text).unwrap_or_else(|error| panic!("cannot write a message: {error}"));
    let mut command = Command::new("swaks");
    command.args(["--server", delivery.host, "--port", &delivery.port.to_string(), "--helo", "client.example"]);
    command.args(["--tls", "--tls-verify", "--tls-ca-path"]).arg(delivery.ca_file);
    command.args(["--auth", "--auth-user", delivery.user, "--auth-password", delivery.password]);
    command.args(["--auth-hide-password", "--from", delivery.from, "--to", &delivery.to.join(",")]);
    command.arg("--data").arg(format!("@{}", message.display()));
    command
}

fn msmtp(delivery: &Delivery<'_>, folder: &Path) -> Command {
    let mut command = Command::new("msmtp");
    command.arg("--file").arg(msmtp_settings(delivery, folder)).arg("--debug");
    command.arg(format!("--from={}", delivery.from)).arg("--").args(delivery.to);
    command
}

/// msmtp takes a password from its settings only, which nobody else may read.
fn msmtp_settings(delivery: &Delivery<'_>, folder: &Path) -> PathBuf {
    let Delivery { host, port, user, password, ca_file, .. } = delivery;
    let ca_file = ca_file.display();
    let settings = format!(
        "defaults\nset_date_header off\nset_msgid_header off\nset_from_header off\nundisclosed_recipients off\n\
         account default\nhost {host}\nport {port}\ndomain client.example\ntls on\ntls_starttls on\n\
         tls_trust_file {ca_file}\nauth on\nuser {user}\npassword {password}\n"
    );
    let file = folder.join("msmtprc");
    let written =
        fs::write(&file, settings).and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(0o600)));
    written.unwrap_or_else(|error| panic!("cannot write the settings of msmtp: {error}"));
    file
}
