//! A session that a person drives: what is typed goes over the wire, and lines that begin with a dot are commands of ours.
//!
//! Responsible for what the shell knows between two lines: the connection, the replies owed, lines held back, secrets that
//! were typed, and all that was said. Not for the terminal: `cli::shell` reads lines, prints what it is [`Notice`], and
//! answers when a secret is asked for. `line` says what a typed line is, `commands` lists ours, `opening` connects and
//! shakes hands, `wire` sends and waits, `login` and `mail` are the longer commands, `facts` those that only
//! tell, `completion` what may come next. `live` runs all of it beside the person who types.

mod commands;
mod completion;
mod connection;
mod facts;
mod line;
mod live;
mod login;
mod mail;
mod state;
mod wire;

pub(crate) use completion::{complete, hint, takes_more};
pub(crate) use connection::ShellTarget;
pub(crate) use live::{Farewell, Live};
pub(crate) use state::{Discretion, PromptPhase, PromptState};

use crate::net::socks_proxy::SocksProxy;
use crate::net::tls::TlsOptions;
use crate::recording::{Said, Wiretap};
use crate::scenario::Secret;
use crate::secret::Masker;
use crate::server::Sandbox;
use crate::session::{Entry, Session, Transcript};
use crate::smtp::command::Verb;
use crate::smtp::dialogue::Awaited;
use crate::smtp::question::Question;
use crate::smtp::reply::Reply;
use commands::KnownCommand;
use line::Typed;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The step that lines belong to which went out as they were typed.
const TYPED: &str = "typed";

/// What a shell is started with.
#[derive(Debug, Clone)]
pub(crate) struct ShellSettings {
    pub(crate) place: ShellTarget,
    /// What every connection to a host goes through.
    pub(crate) proxy: Option<SocksProxy>,
    pub(crate) tls: TlsOptions,
    /// The file that `tls` has its roots from, for whoever plays a saved scenario.
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) timeout: Duration,
    /// The name in EHLO.
    pub(crate) hello: String,
    /// Who `.auth` logs in.
    pub(crate) user: Option<String>,
    /// Whether Ctrl-C ends a wait instead of the program.
    pub(crate) interruptible: bool,
}

/// Something to print.
pub(crate) enum Notice {
    /// The prompt has changed while a line is typed.
    Prompt,
    /// A line of the transcript; `typed` says that the person wrote it just now.
    Line { entry: Entry, typed: bool },
    /// An answer to a command of ours, with its line ends.
    Text(String),
    /// What a person may want to know; nothing for a pipe.
    Hint(String),
    /// A command did not do what was asked.
    Complaint(String),
    /// What to do about the complaint before it.
    Help(String),
    /// What is to be explained.
    Questions(Vec<Question>),
    /// The transcript so far, with times.
    Transcript(Vec<Entry>),
    /// A scenario for this file, which may replace another one.
    Scenario { file: PathBuf, text: String, replace: bool },
    /// Times are shown from here on, or no more.
    Times(bool),
}

/// Who prints. `false`: it could not be done.
pub(crate) type Screen = Arc<dyn Fn(Notice) -> bool + Send + Sync>;

/// Who is asked for a value: its name, and whether it is a secret.
pub(crate) type Asker = Arc<dyn Fn(&str, bool) -> Result<String, String> + Send + Sync>;

/// Whether there are more lines to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineOutcome {
    Go,
    End,
}

/// What went wrong in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ShellVerdict {
    /// The first connection could not be opened.
    pub(crate) unreachable: bool,
    /// A command of ours failed, a reply was 4yz or 5yz, or none came.
    pub(crate) refused: bool,
    /// The server closed, or the connection broke, and nobody had said QUIT.
    pub(crate) lost: bool,
}

/// A session under way, or between two.
pub(crate) struct Shell {
    settings: ShellSettings,
    screen: Screen,
    asker: Asker,
    session: Option<Session>,
    sandbox: Option<Sandbox>,
    log: Transcript,
    tap: Wiretap,
    secrets: BTreeMap<String, Secret>,
    /// Lines that wait to be sent at once.
    held: Option<Vec<u8>>,
    phase: PromptPhase,
    /// The server took STARTTLS and waits for the handshake.
    awaits_handshake: bool,
    said_quit: bool,
    last_reply: Option<Arc<Reply>>,
    greeting: Vec<u8>,
    times: bool,
    /// Octets that nobody asked for.
    unasked: usize,
    /// Whether something of them came since the last line.
    heard_unasked: bool,
    verdict: ShellVerdict,
}

impl Shell {
    /// A shell without a connection.
    pub(crate) fn new(settings: ShellSettings, screen: Screen, asker: Asker) -> Shell {
        let printer = screen.clone();
        let observe = move |entry: &Entry| {
            let typed = &*entry.step == TYPED;
            printer(Notice::Line { entry: entry.clone(), typed });
        };
        Shell {
            settings,
            screen,
            asker,
            session: None,
            sandbox: None,
            log: Transcript::new(Arc::new(Masker::default()), Some(Arc::new(observe))),
            tap: Wiretap::new(),
            secrets: BTreeMap::new(),
            held: None,
            phase: PromptPhase::Closed,
            awaits_handshake: false,
            said_quit: false,
            last_reply: None,
            greeting: Vec::new(),
            times: false,
            unasked: 0,
            heard_unasked: false,
            verdict: ShellVerdict::default(),
        }
    }

    /// The first connection. `false`: there is none, and the shell is of no use.
    async fn begin(&mut self) -> bool {
        let open = self.open().await;
        self.verdict.unreachable = !open;
        open
    }

    /// Does what a line asks for.
    pub(crate) async fn take(&mut self, line: &[u8]) -> LineOutcome {
        match Typed::read(line, self.phase) {
            Typed::Nothing => {}
            Typed::Wire(bytes) => self.send_typed(bytes).await,
            Typed::Command { name, force, arguments } => return self.command(&name, force, &arguments).await,
        }
        LineOutcome::Go
    }

    async fn command(&mut self, name: &str, force: bool, arguments: &str) -> LineOutcome {
        let Some(command) = commands::find(name) else {
            self.complain(&commands::unknown(name));
            return LineOutcome::Go;
        };
        self.log.begin_step(command.name);
        match command.known {
            KnownCommand::Help => self.help(arguments),
            KnownCommand::Ehlo => self.ehlo(arguments).await,
            KnownCommand::StartTls => self.starttls().await,
            KnownCommand::Auth => self.auth(arguments, force).await,
            KnownCommand::Data => self.data(arguments).await,
            KnownCommand::Bdat => self.bdat(arguments).await,
            KnownCommand::Raw => self.raw(arguments).await,
            KnownCommand::Hex => self.hex(arguments).await,
            KnownCommand::Pipeline => self.pipeline(),
            KnownCommand::Wait => self.wait().await,
            KnownCommand::Tls => match self.session.as_ref().and_then(Session::tls) {
                Some(facts) => {
                    let text = facts::of_tls(facts);
                    self.tell(Notice::Text(text));
                }
                None => self.complain("there is no TLS: `.starttls` begins it"),
            },
            KnownCommand::Extensions => self.extensions(),
            KnownCommand::Explain => self.explain(arguments),
            KnownCommand::Transcript => self.tell(Notice::Transcript(self.log.lines())),
            KnownCommand::Times => {
                self.times = !self.times;
                self.tell(Notice::Times(self.times));
            }
            KnownCommand::Save => self.save(arguments, force),
            KnownCommand::Connect => self.connect(arguments).await,
            KnownCommand::Close => self.close().await,
            KnownCommand::Quit => return self.quit().await,
        }
        LineOutcome::Go
    }

    /// Waits until the server says something that nobody asked for; only then it returns. May be given up at any time.
    pub(crate) async fn listen(&mut self) {
        let Some(session) = self.session.as_mut() else { return std::future::pending().await };
        self.log.begin_step("");
        let forever = Duration::from_secs(365 * 24 * 60 * 60);
        let outcome = session.read_reply(forever, &mut self.log).await;
        self.heard(outcome, "something");
    }

    /// The end: what is open is closed, and it is said so where QUIT was not.
    pub(crate) async fn end(&mut self) -> ShellVerdict {
        self.log.begin_step("");
        let alive = self.session.as_ref().is_some_and(Session::is_alive);
        if let Some(mut session) = self.session.take() {
            session.close(&mut self.log).await;
            self.tap.end(Said::ClientClosed);
        }
        if alive && !self.said_quit {
            self.tell(Notice::Text("ended without QUIT\n".to_owned()));
        }
        self.verdict
    }

    /// The scenario that plays what was said; `None` where nothing was.
    pub(crate) fn scenario(&self) -> Option<String> {
        connection::scenario(self)
    }

    fn save(&mut self, arguments: &str, force: bool) {
        if arguments.is_empty() {
            return self.complain("`.save` needs the name of a file");
        }
        match self.scenario() {
            None => self.complain("nothing was said yet: there is nothing to save"),
            Some(text) => self.tell(Notice::Scenario { file: PathBuf::from(arguments), text, replace: force }),
        }
    }

    fn tell(&mut self, told: Notice) {
        if !(self.screen)(told) {
            self.verdict.refused = true;
        }
    }

    fn hint(&mut self, text: &str) {
        self.tell(Notice::Hint(text.to_owned()));
    }

    fn complain(&mut self, text: &str) {
        self.verdict.refused = true;
        let text = crate::visible(self.log.masker().mask_text(text).as_bytes());
        self.tell(Notice::Complaint(text));
    }

    /// From now on this is a secret: masked in all that is shown.
    fn learn_secret(&mut self, name: &str, value: &str) {
        if value.is_empty() || self.secrets.values().any(|known| known.expose() == value) {
            return;
        }
        let count = self.secrets.keys().filter(|known| known.starts_with(name)).count();
        let name = if count == 0 { name.to_owned() } else { format!("{name}_{}", count + 1) };
        self.secrets.insert(name, Secret::new(value));
        self.log.set_masker(Arc::new(Masker::new(&self.secrets)));
    }

    /// Follows the mail transaction, for the prompt and for what may come next.
    fn follow(&mut self, command: Option<Awaited>, code: u16) {
        let in_mail_data = self.session.as_ref().is_some_and(|session| session.dialogue().is_in_mail_data());
        self.phase = match (command, code) {
            _ if in_mail_data && self.session.as_ref().is_some_and(|session| session.dialogue().owed() == 0) => {
                PromptPhase::MailData
            }
            (_, 334) => PromptPhase::Challenge,
            (Some(Awaited::Greeting), _) => PromptPhase::Greeted,
            (Some(Awaited::Command(Verb::Ehlo | Verb::Lhlo | Verb::Helo | Verb::Reset)), 200..=299) => {
                PromptPhase::Ready
            }
            (Some(Awaited::Command(Verb::Mail)), 200..=299) => PromptPhase::Sender,
            (Some(Awaited::Command(Verb::Rcpt)), 200..=299) => PromptPhase::Recipients,
            (Some(Awaited::MailDataEnd), _) => PromptPhase::Ready,
            _ if matches!(self.phase, PromptPhase::Challenge | PromptPhase::MailData) => PromptPhase::Ready,
            _ => self.phase,
        };
    }
}
