//! `smtp-script send`: one message to one server, by options instead of a file.
//!
//! Responsible for the options and for the scenario that they stand for: the one that a person would have written. `run`
//! plays it, and `-o` keeps it.

use super::first_message::{FirstLogin, FirstMessage};
use super::refusal::Refusal;
use super::report_files::ReportArguments;
use super::run::{RunArguments, run_text};
use super::screen::Color;
use super::trust::SessionArguments;
use super::values::ValueArguments;
use super::{new_file, screen};
use crate::scenario::UNSEEN;
use crate::scenario::address::split_address_or;
use crate::scenario::write::{Draft, DraftAction, DraftConnect, DraftStep, literal};
use crate::smtp::auth::Mechanism;
use crate::smtp::idiom::Idiom;
use crate::smtp::ports::{SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT, host_port};
use std::path::{Path, PathBuf};

/// What is sent where no text is given.
const TEXT: &str = "This message was sent to see whether it can be sent.";

/// Send one message, and show the conversation. The scenario that does it is written by -o, or printed by --dry-run. TLS
/// begins with STARTTLS, unless the port says otherwise: 465 begins with TLS, 25 has none.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct SendArguments {
    /// The server; port 587 unless another is given (465 with --tls)
    #[arg(value_name = "HOST[:PORT]", required_unless_present = "sandbox")]
    server: Option<String>,
    /// Send to the built-in server on loopback: needs neither network nor account
    #[arg(long, conflicts_with = "server")]
    sandbox: bool,
    #[command(flatten)]
    tls: TlsArguments,
    #[command(flatten)]
    login: LoginArguments,
    #[command(flatten)]
    message: MessageArguments,
    /// Write the scenario to this file
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    written: Option<PathBuf>,
    /// Replace the file of -o if it exists
    #[arg(long, requires = "written")]
    force: bool,
    /// Print the scenario, and connect nowhere
    #[arg(long, conflicts_with = "written")]
    dry_run: bool,
    #[command(flatten)]
    values: ValueArguments,
    #[command(flatten)]
    sessions: SessionArguments,
    #[command(flatten)]
    reports: ReportArguments,
    /// Print the conversation only if it diverges
    #[arg(short, long)]
    quiet: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

const EXAMPLES: &str = "\
Examples:
  smtp-script send --sandbox
  smtp-script send mail.example.com --user joe --from joe@example.com --to mary@example.org
  smtp-script send mx.example.org:25 --from joe@example.com --to mary@example.org --data message.eml
  smtp-script send mail.example.com:465 --user joe --to joe@example.com -o login.yaml";

/// How TLS begins.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "TLS")]
#[group(id = "tls_mode", multiple = false)]
struct TlsArguments {
    /// Begin TLS with the command STARTTLS, whatever the port
    #[arg(long)]
    starttls: bool,
    /// Begin with TLS, whatever the port
    #[arg(long)]
    tls: bool,
    /// Use no TLS, whatever the port
    #[arg(long)]
    plain: bool,
}

/// Who logs in. The password is a secret: see --secret, --secrets-file.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Login")]
struct LoginArguments {
    /// Log in under this name
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Log in by this mechanism instead of the strongest that the server offers
    #[arg(long, value_name = "MECHANISM", requires = "user", value_parser = mechanism)]
    mechanism: Option<Mechanism>,
    /// The client's name in EHLO
    #[arg(long, value_name = "NAME", default_value = "client.example")]
    ehlo: String,
}

/// The envelope and the message.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "The message")]
struct MessageArguments {
    /// The sender's address
    #[arg(long, value_name = "ADDRESS", default_value = "sender@example.com")]
    from: String,
    /// A recipient's address (repeatable, or several with commas between them)
    #[arg(long, value_name = "ADDRESS", default_value = "recipient@example.com")]
    to: Vec<String>,
    /// The subject
    #[arg(long, value_name = "TEXT", default_value = "A test by smtp-script", conflicts_with = "data")]
    subject: String,
    /// The text of the message
    #[arg(long, value_name = "TEXT", default_value = TEXT, conflicts_with = "data")]
    text: String,
    /// Send the message that this file holds, header and body
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
}

/// How TLS begins, once the port is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TlsStart {
    Starttls,
    Implicit,
    Never,
}

/// Sends, and gives the exit code of `run`.
pub(super) fn send(arguments: &SendArguments) -> u8 {
    match arguments.carry_out() {
        Ok(code) => code,
        Err(refusal) => refusal.show(),
    }
}

impl SendArguments {
    fn carry_out(&self) -> Result<u8, Refusal> {
        let text = self.draft()?.to_yaml();
        if self.dry_run {
            screen::result(&text);
            return Ok(0);
        }
        if let Some(file) = &self.written {
            new_file::write(file, &text, self.force)?;
        }
        let name = self.written.as_ref().map_or(UNSEEN.to_owned(), |file| file.display().to_string());
        Ok(run_text(&self.as_run()?, &name, &text))
    }

    /// What `run` would be called with for this scenario.
    fn as_run(&self) -> Result<RunArguments, Refusal> {
        let mut arguments = RunArguments::of_one(self.values.clone(), self.sessions.clone(), self.sandbox);
        arguments.reports = self.reports.clone();
        arguments.file_root = self.message.data.as_deref().map(folder_of).transpose()?;
        (arguments.verbose, arguments.quiet) = (!self.quiet, self.quiet);
        arguments.idiom = Idiom::Options;
        arguments.color = self.color;
        Ok(arguments)
    }

    fn draft(&self) -> Result<Draft, Refusal> {
        self.message.refuse_no_addresses()?;
        let (host, port, tls) = self.server()?;
        let user = self.login.user.as_deref();
        let mut vars = vec![("client".to_owned(), literal(&self.login.ehlo))];
        vars.push(("from".to_owned(), literal(address(&self.message.from))));
        if let [to] = self.message.recipients().as_slice() {
            vars.push(("to".to_owned(), literal(address(to))));
        }
        vars.extend(user.map(|user| ("username".to_owned(), literal(user))));
        Ok(Draft {
            comments: self.comments(),
            name: Some(format!("{} takes a message", literal(&host_port(&host, port)))),
            vars,
            secrets: user.map(|_| self.login.secret().to_owned()).into_iter().collect(),
            connect: Some(DraftConnect {
                host,
                port,
                implicit_tls: Some(tls == TlsStart::Implicit),
                ..DraftConnect::default()
            }),
            steps: self.steps(tls)?,
            ..Draft::default()
        })
    }

    /// Where the message goes, and how TLS begins there.
    fn server(&self) -> Result<(String, u16, TlsStart), Refusal> {
        let usual = if self.tls.tls { SUBMISSIONS_PORT } else { SUBMISSION_PORT };
        let (host, port) = split_address_or(self.server.as_deref().unwrap_or("localhost"), usual, Idiom::Options)?;
        let tls = match port {
            _ if self.tls.starttls => TlsStart::Starttls,
            _ if self.tls.tls => TlsStart::Implicit,
            _ if self.tls.plain => TlsStart::Never,
            SUBMISSIONS_PORT => TlsStart::Implicit,
            SMTP_PORT => TlsStart::Never,
            _ => TlsStart::Starttls,
        };
        Ok((host.trim_matches(['[', ']']).to_owned(), port, tls))
    }

    /// How the file is played again, where that needs an option.
    fn comments(&self) -> Vec<String> {
        let reads = self.message.data.as_deref().filter(|_| !self.is_beside_data());
        reads
            .map(|data| format!("It reads {}: give `--file-root` with its folder.", data.display()))
            .into_iter()
            .collect()
    }

    /// Whether the file of -o can name the message without a folder.
    fn is_beside_data(&self) -> bool {
        let folder = |path: &Path| folder_of(path).ok();
        match (&self.written, &self.message.data) {
            (Some(file), Some(data)) => folder(file) == folder(data),
            _ => false,
        }
    }

    fn steps(&self, tls: TlsStart) -> Result<Vec<DraftStep>, Refusal> {
        let recipients = match self.message.recipients().as_slice() {
            [_] => vec!["<<to>>".to_owned()],
            several => several.iter().map(|to| literal(address(to))).collect(),
        };
        let first = FirstMessage {
            starttls: tls == TlsStart::Starttls,
            login: self.login.user.as_ref().map(|_| self.login.first()),
            recipients,
            message: self.message.action()?,
        };
        Ok(first.steps())
    }
}

impl LoginArguments {
    /// What the secret is called.
    fn secret(&self) -> &'static str {
        if self.mechanism.is_some_and(Mechanism::takes_token) { "token" } else { "password" }
    }

    fn first(&self) -> FirstLogin {
        let (mechanism, secret) = (self.mechanism, self.secret());
        FirstLogin { name: "the login is accepted", mechanism, username: "username", secret }
    }
}

impl MessageArguments {
    /// What the envelope cannot hold is said before anything is connected to.
    fn refuse_no_addresses(&self) -> Result<(), Refusal> {
        let is_address = |text: &str| text.contains('@') || text.eq_ignore_ascii_case("postmaster");
        let senders = [("--from", self.from.as_str())].into_iter().filter(|(_, from)| !address(from).is_empty());
        let recipients = self.recipients().into_iter().map(|to| ("--to", to));
        match senders.chain(recipients).find(|(_, text)| !is_address(address(text))) {
            None => Ok(()),
            Some((option, text)) => {
                let help = "an address is NAME@HOST, as in mary@example.com; of a mailbox on the server itself, NAME@localhost";
                Err(format!("`{option} {text}` is no mail address\n  = help: {help}").into())
            }
        }
    }

    /// One text for each recipient.
    fn recipients(&self) -> Vec<&str> {
        self.to.iter().flat_map(|list| addresses(list)).collect()
    }

    fn action(&self) -> Result<DraftAction, Refusal> {
        let Some(data) = &self.data else {
            let recipients = match self.recipients().as_slice() {
                [to] => vec![header(to, "to")],
                several => several.iter().map(|to| literal(to)).collect(),
            };
            let fields = [
                ("from", vec![header(&self.from, "from")]),
                ("to", recipients),
                ("subject", vec![literal(&self.subject)]),
                ("text", vec![format!("{}\n", literal(&self.text))]),
            ];
            let fields = fields.map(|(key, texts)| (key.to_owned(), texts)).to_vec();
            return Ok(DraftAction::Message(fields));
        };
        if let Err(error) = std::fs::File::open(data) {
            return Err(Refusal::unreadable(data, &error));
        }
        let name = data.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.ok_or_else(|| format!("`{}` names no file", data.display()))?;
        Ok(DraftAction::DataFile(literal(&name)))
    }
}

/// The addresses of a list: commas stand between them, but not within quotes (RFC 5322 section 3.4).
fn addresses(list: &str) -> Vec<&str> {
    let mut is_quoted = false;
    let is_between = |c: char| {
        is_quoted ^= c == '"';
        c == ',' && !is_quoted
    };
    list.split(is_between).map(str::trim).filter(|one| !one.is_empty() || list.trim().is_empty()).collect()
}

/// The address in `Mary <mary@example.org>`, or in itself.
fn address(text: &str) -> &str {
    let text = text.trim();
    text.strip_suffix('>').and_then(|text| text.split_once('<')).map_or(text, |(_, address)| address)
}

/// What the header says of an address: the variable, or the whole text where it has a name.
fn header(text: &str, variable: &str) -> String {
    if address(text) == text { format!("<<{variable}>>") } else { literal(text) }
}

/// The folder that a file lies in.
fn folder_of(path: &Path) -> Result<PathBuf, Refusal> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    folder.canonicalize().map_err(|error| Refusal::unreadable(folder, &error))
}

fn mechanism(name: &str) -> Result<Mechanism, String> {
    let found = Mechanism::ALL.into_iter().find(|it| it.name().eq_ignore_ascii_case(name));
    let names = || Mechanism::ALL.iter().map(|it| it.name()).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| format!("expected one of {}", names()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_recipients_in_one_list() {
        assert_eq!(addresses("a@b,c@d"), ["a@b", "c@d"]);
        assert_eq!(
            addresses(r#""Doe, Mary" <m@x.example>, joe@x.example"#),
            [r#""Doe, Mary" <m@x.example>"#, "joe@x.example"]
        );
        assert_eq!(addresses("a@b,"), ["a@b"]);
        assert_eq!(addresses(""), [""]);
    }

    #[test]
    fn the_envelope_has_the_address_alone() {
        for (text, wanted) in [
            ("mary@example.org", "mary@example.org"),
            ("Mary <mary@example.org>", "mary@example.org"),
            ("<mary@example.org>", "mary@example.org"),
            ("", ""),
        ] {
            assert_eq!(address(text), wanted, "{text}");
        }
        assert_eq!(header("Mary <mary@example.org>", "to"), "Mary <mary@example.org>");
        assert_eq!(header("mary@example.org", "to"), "<<to>>");
    }
}
