//! `smtp-script serve --sandbox`: the built-in server by itself.
//!
//! Responsible for its options, for the words on the screen, and for secrets: what is given by `--accept` is never shown.

use super::super::{FAILED, USAGE, screen, values};
use super::messages::{self, MessageLines};
use super::{ServeArguments, scripted};
use crate::cli::refusal::{Refusal, read};
use crate::report::{counted, human};
use crate::scenario::{Secret, reason};
use crate::secret::Masker;
use crate::server::{
    ClientCertificates, DEFAULT_HOST_NAME, DEFAULT_MAX_MESSAGE_SIZE, Form, IDLE, Identity, Limits, Login, MailListener,
    Rulebook, Sandbox, SandboxOptions, SandboxServed, Store,
};
use crate::smtp::auth::Mechanism;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use std::{fs, io};

/// Options of the built-in server.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Who is let in, and what becomes of messages")]
pub(super) struct SandboxArguments {
    /// Answer by the `rules:` of this scenario before the built-in server does
    #[arg(long, value_name = "FILE", requires = "sandbox", group = "played")]
    rules: Option<PathBuf>,
    /// Let this user log in, and no other (repeatable; visible in the process list: prefer --accept-file)
    // Taken as it is: the errors of a value parser repeat what was given.
    #[arg(long, value_name = "USER=PASSWORD", value_parser = values::unread_secret, conflicts_with = "file")]
    accept: Vec<Secret>,
    /// Read users from a file of USER=PASSWORD lines
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    accept_file: Option<PathBuf>,
    /// Let any user log in with any password, as where nobody is named
    #[arg(long, conflicts_with_all = ["file", "accept", "accept_file"])]
    accept_any: bool,
    /// Let clients with a certificate that one of these authorities has signed log in by EXTERNAL (PEM)
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    client_ca: Option<PathBuf>,
    /// Offer these mechanisms only, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', conflicts_with = "file")]
    mechanisms: Vec<Mechanism>,
    /// Take messages only from users who have logged in
    #[arg(long, conflicts_with = "file")]
    require_auth: bool,
    /// Take nothing before STARTTLS
    #[arg(long, conflicts_with = "file")]
    require_tls: bool,
    /// Do not offer STARTTLS
    #[arg(long, aliases = ["no-tls", "plain"], conflicts_with_all = ["file", "require_tls"])]
    no_starttls: bool,
    /// Speak LMTP: one reply for each recipient
    #[arg(long, conflicts_with = "file")]
    lmtp: bool,
    /// The name in the greeting
    #[arg(long, value_name = "NAME", default_value = DEFAULT_HOST_NAME, value_parser = host_name, conflicts_with = "file")]
    hostname: String,
    /// The largest message in octets; 0 is no limit
    #[arg(long, value_name = "OCTETS", default_value_t = DEFAULT_MAX_MESSAGE_SIZE, conflicts_with = "file")]
    size: u64,
    /// Keep each message as an .eml file in this folder
    #[arg(long, value_name = "DIR", conflicts_with = "file")]
    keep: Option<PathBuf>,
    /// Keep messages in this Maildir
    #[arg(long, value_name = "DIR", conflicts_with_all = ["file", "keep"])]
    maildir: Option<PathBuf>,
    /// Print one line of JSON for each message: envelope, decoded headers and texts, attachments, login, TLS
    #[arg(long, value_name = "FORM", conflicts_with = "file")]
    messages: Option<MessageLines>,
    /// Acknowledge a kept message before it is on the disk: faster, and lost in a power failure
    #[arg(long, conflicts_with = "file")]
    no_fsync: bool,
}

/// Serves until it is asked to end.
pub(super) fn serve(arguments: &ServeArguments) -> Result<u8, Refusal> {
    let start = Instant::now();
    if arguments.server.rules.is_none() && arguments.scripted.has_values() {
        return Err("`--var` and `--secret` are for a scenario: name one by `--rules`".to_owned().into());
    }
    let rules = match &arguments.server.rules {
        None => None,
        Some(file) => match scripted::rules(file, arguments)? {
            None => return Ok(USAGE),
            Some(rules) => Some(Arc::new(rules)),
        },
    };
    let mut options = options(arguments)?;
    options.rules = rules.clone().map(|rules| rules as Arc<dyn Rulebook>);
    warn_of_strangers(arguments, &options);
    // A client holds one descriptor, its message another; a system that gives no more serves as many as it can.
    _ = rlimit::increase_nofile_limit(u64::MAX);
    let messages = arguments.listening.wait.or(arguments.listening.max_messages).unwrap_or(0);
    let limits = Limits { messages, time: arguments.listening.max_time };
    let started = |sandbox: &Sandbox| announce(arguments, sandbox);
    let served = crate::server::serve(options, limits, started).map_err(|error| error.to_string())?;
    let summary = format!("{} ({} s)", summary(served), human::seconds(start.elapsed()));
    match (arguments.quiet, arguments.server.messages) {
        (true, _) => {}
        (false, None) => screen::result(&format!("{summary}\n")),
        (false, Some(MessageLines::Json)) => screen::notice(&summary),
    }
    let missing = arguments.listening.wait.filter(|wanted| served.messages < *wanted);
    if let Some(wanted) = missing {
        screen::notice(&format!("error: {} of {wanted} messages arrived", served.messages));
    }
    let unmet = rules.as_ref().map(|rules| rules.unmet()).unwrap_or_default();
    for demand in &unmet {
        screen::notice(&format!("error: {demand}"));
    }
    let is_faulty = rules.is_some_and(|rules| rules.is_faulty());
    Ok(if is_faulty || missing.is_some() || !unmet.is_empty() { FAILED } else { 0 })
}

fn options(arguments: &ServeArguments) -> Result<SandboxOptions, Refusal> {
    let (listening, server) = (&arguments.listening, &arguments.server);
    let (listen, tls_listen) = (listening.listen.clone(), listening.tls_listen.clone());
    let nowhere = listen.is_empty() && tls_listen.is_empty();
    let client_certificates = match &server.client_ca {
        Some(file) => ClientCertificates::SignedBy(read(file)?),
        None => ClientCertificates::None,
    };
    let accept = server.logins()?;
    let masker = masker(&accept);
    Ok(SandboxOptions {
        listen: if nowhere { vec![(Ipv4Addr::LOCALHOST, 0).into()] } else { listen },
        tls_listen,
        lmtp: server.lmtp,
        mechanisms: server.mechanisms(&accept)?,
        accept,
        require_auth: server.require_auth,
        require_tls: server.require_tls,
        without_starttls: server.no_starttls,
        identity: identity(arguments)?,
        client_certificates,
        host_name: server.hostname.clone(),
        max_message_size: server.size,
        max_sessions: listening.max_sessions.unwrap_or(0),
        idle: listening.timeout.unwrap_or(IDLE),
        store: server.store()?,
        log: arguments.log(masker),
        rules: None,
        listener: server.messages.map(|MessageLines::Json| {
            let listener: MailListener = Arc::new(|mail| screen::result(&format!("{}\n", messages::line(mail))));
            listener
        }),
    })
}

impl SandboxArguments {
    /// Any user with any password: what is wanted of a test server unless somebody is named.
    fn lets_anybody_in(&self) -> bool {
        self.accept_any || self.accept.is_empty() && self.accept_file.is_none() && self.client_ca.is_none()
    }

    fn logins(&self) -> Result<Vec<Login>, Refusal> {
        if self.lets_anybody_in() {
            return Ok(vec![Login::Anybody]);
        }
        let mut users = Vec::new();
        for given in &self.accept {
            // The text is not repeated: it holds a password.
            let pair = values::pair(given.expose());
            users.push(pair.map_err(|_| "`--accept`: expected USER=PASSWORD".to_owned())?);
        }
        if let Some(file) = &self.accept_file {
            users.extend(values::lines_of(file)?);
        }
        Ok(users.into_iter().map(|(name, password)| Login::User { name, password }).collect())
    }

    /// Nobody is offered a login that nobody could pass.
    fn mechanisms(&self, logins: &[Login]) -> Result<Option<Vec<Mechanism>>, Refusal> {
        if !self.mechanisms.is_empty() {
            return match self.mechanisms.iter().find(|mechanism| !self.can_use(**mechanism, logins)) {
                Some(unusable) => {
                    Err(format!("`--mechanisms`: {unusable} lets nobody in: {}", lacks(*unusable)).into())
                }
                None => Ok(Some(self.mechanisms.clone())),
            };
        }
        let by_certificate = self.client_ca.is_some().then_some(Mechanism::External);
        let usable = if logins.is_empty() { Some(by_certificate.into_iter().collect()) } else { None };
        if self.require_auth && usable.as_ref().is_some_and(Vec::is_empty) {
            return Err("`--require-auth` lets nobody in: say whom, by `--accept`, `--accept-any` or `--client-ca`"
                .to_owned()
                .into());
        }
        Ok(usable)
    }

    fn can_use(&self, mechanism: Mechanism, logins: &[Login]) -> bool {
        match mechanism {
            Mechanism::Anonymous => true,
            Mechanism::External => self.client_ca.is_some(),
            scram if self.lets_anybody_in() => !scram.name().starts_with("SCRAM"),
            _ => !logins.is_empty(),
        }
    }

    fn store(&self) -> Result<Option<Store>, Refusal> {
        let (folder, form) = match (&self.keep, &self.maildir) {
            (Some(folder), _) => (folder, Form::Eml),
            (None, Some(folder)) => (folder, Form::Maildir),
            (None, None) => return Ok(None),
        };
        let opened = Store::open(folder, form, &self.hostname, !self.no_fsync);
        opened
            .map(Some)
            .map_err(|error| format!("cannot keep messages in `{}`: {}", folder.display(), reason(&error)).into())
    }
}

/// Finds the passwords that were given: a client may say them anywhere.
fn masker(logins: &[Login]) -> Masker {
    let passwords = logins.iter().filter_map(|login| match login {
        Login::User { password, .. } | Login::AnyUser { password } => Some(Secret::new(password.clone())),
        Login::Anybody => None,
    });
    let named = |(index, password)| match index {
        0 => ("password".to_owned(), password),
        more => (format!("password_{}", more + 1), password),
    };
    Masker::new(&passwords.enumerate().map(named).collect())
}

fn lacks(mechanism: Mechanism) -> &'static str {
    match mechanism {
        Mechanism::External => "give the authority of client certificates by `--client-ca`",
        _ => "give a user by `--accept`",
    }
}

/// The certificate is made for the names that clients may call this server by.
fn identity(arguments: &ServeArguments) -> Result<Identity, Refusal> {
    let listening = &arguments.listening;
    if let (Some(certificate), Some(key)) = (&listening.certificate, &listening.key) {
        return Ok(Identity::Given { certificate_pem: read(certificate)?, key_pem: read(key)? });
    }
    let addresses = listening.listen.iter().chain(&listening.tls_listen).map(SocketAddr::ip);
    let addresses = addresses.filter(|address| !address.is_unspecified()).map(|address| address.to_string());
    Ok(Identity::MadeFor(std::iter::once(arguments.server.hostname.clone()).chain(addresses).collect()))
}

/// Says where clients can connect, and writes what they have to trust before that.
fn announce(arguments: &ServeArguments, sandbox: &Sandbox) -> io::Result<()> {
    if let Some(file) = &arguments.listening.ca_out {
        let cannot = |error: &io::Error| format!("cannot write `{}`: {}", file.display(), reason(error));
        fs::write(file, sandbox.ca_pem()?).map_err(|error| io::Error::new(error.kind(), cannot(&error)))?;
    }
    for (address, tls) in sandbox.addresses() {
        screen::result(&format!("listening on {address}{}\n", if *tls { " with TLS" } else { "" }));
    }
    Ok(())
}

fn warn_of_strangers(arguments: &ServeArguments, options: &SandboxOptions) {
    let reachable = |address: &&SocketAddr| !is_loopback(address.ip());
    let open = options.listen.iter().chain(&options.tls_listen).find(reachable);
    if let (Some(address), false) = (open, options.require_auth) {
        screen::notice(&format!(
            "warning: whoever reaches {address} can leave messages here\n  = help: `--accept USER=PASSWORD \
             --require-auth` takes them from known users only"
        ));
    }
    if arguments.server.lets_anybody_in() && options.require_auth && open.is_some() {
        screen::notice("warning: anybody may log in, so `--require-auth` keeps nobody out");
    }
    let is_offered = options.mechanisms.as_ref().is_none_or(|list| !list.is_empty());
    if arguments.server.lets_anybody_in() && !arguments.server.accept_any && is_offered && !arguments.quiet {
        screen::notice("notice: any user may log in with any password; `--accept USER=PASSWORD` names who may");
    }
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn summary(served: SandboxServed) -> String {
    let lost = match served.lost_messages {
        0 => String::new(),
        lost => format!(", {} that could not be stored", counted(lost, "message")),
    };
    format!("{}: {}{lost}", counted(served.sessions, "session"), counted(served.messages, "message"))
}

/// It stands in replies, where it must be one word.
fn host_name(name: &str) -> Result<String, String> {
    let is_word = !name.is_empty() && name.len() <= 255 && name.bytes().all(|octet| octet.is_ascii_graphic());
    if is_word { Ok(name.to_owned()) } else { Err("a host name is one word of ASCII".to_owned()) }
}
