//! Scenarios from what other tools print or read: pasted transcripts, and the modules of `blackbox_exporter`.
//!
//! Responsible for the way from a text to a scenario, and for saying what could not be carried over, with its line. The text
//! comes from outside: nothing in it is trusted, and no credential in it is ever shown. `cli::import` calls this.
//!
//! One engine reads every transcript. `text` (with `screen`, `closing`, `markup`, `logfmt`) takes off what wraps whole
//! lines, `dump` what is no line of its own. `marks` learns how the text tells its two sides apart (`shape`, `wrap`),
//! `grammar` knows what commands and replies look like, `event` what tools say beside them. `talk` reads line by line,
//! `session` puts a conversation together, `sessions` tells several apart. `family` is the table of the notations that are
//! known by name. `blackbox` reads YAML.

mod blackbox;
mod closing;
mod credentials;
mod dump;
mod event;
mod family;
mod given;
mod grammar;
mod logfmt;
mod marks;
mod markup;
mod nothing;
mod screen;
mod session;
mod sessions;
mod shape;
mod shell;
mod shown;
mod talk;
mod text;
mod wrap;

pub use dump::is_capture;
pub use family::Family;
pub use text::decoded;

use super::words::{KnownCredentials, Secrets};
use super::{Conversation, Said};
use crate::scenario::Likeness;
use crate::scenario::write::Draft;
use crate::scenario::{CheckContext, Diagnostic, MAX_YAML_SIZE, PemChecks, Sources, Span, check, parse};
use marks::Marks;
use nothing::{looks_like, nothing_found, nothing_found_in, too_many_lines};
use session::LogSession;
use shown::masked_sources;
use text::LineRole;

/// The largest text that is read, in bytes.
pub const MAX_IMPORT_SIZE: usize = 64 * 1024 * 1024;
/// How many notices are given of one text: the first ones say what is wrong.
const MAX_NOTICES: usize = 20;
/// How many lines are searched for the signs of a family.
const MAX_SEARCHED: usize = 20_000;
/// How many sessions are listed where one must be chosen.
const MAX_LISTED: usize = 20;

/// How a text is to be read.
#[derive(Debug, Clone, Default)]
pub struct WantedSession<'w> {
    /// Who wrote it; found out where it is not given.
    pub family: Option<&'static Family>,
    /// One of several modules of `blackbox_exporter`.
    pub module: Option<&'w str>,
    /// One of several sessions, from 1.
    pub session: Option<usize>,
    /// Patterns of the lines of both sides; what they match is cut off, or what their group `line` matches is kept.
    pub client: Option<&'w str>,
    /// The same for the server.
    pub server: Option<&'w str>,
}

/// What became of a text.
#[derive(Debug)]
pub struct Imported {
    /// The scenario.
    pub scenario: String,
    /// Who wrote the text.
    pub family: &'static Family,
    /// What could not be carried over.
    pub notices: Vec<Diagnostic>,
    /// The text that the notices are about; credentials in it are masked.
    pub sources: Sources,
}

/// Why nothing became of a text.
#[derive(Debug)]
pub struct ImportError {
    /// What is wrong with it.
    pub mistakes: Vec<Diagnostic>,
    /// The text that they are about; credentials in it are masked.
    pub sources: Sources,
}

/// The families of notations, by name.
#[must_use]
pub fn families() -> Vec<&'static str> {
    family::FAMILIES.iter().map(|family| family.name).collect()
}

/// The family with this name.
#[must_use]
pub fn family(name: &str) -> Option<&'static Family> {
    family::named(name)
}

/// Makes a scenario of `text`; `name` stands for its file in messages.
///
/// # Errors
/// The text is too large, holds no conversation, or holds one that does not fit together.
pub fn import(name: &str, text: &str, wanted: &WantedSession<'_>) -> Result<Imported, ImportError> {
    if text.len() > MAX_IMPORT_SIZE {
        let large = mistake(format!("a transcript has at most {MAX_IMPORT_SIZE} bytes"));
        return Err(ImportError {
            mistakes: vec![large],
            sources: masked_sources(name, "", &Secrets::default(), &[], &mut []),
        });
    }
    let is_scenario =
        |text: &str| Likeness::of(text) == Likeness::Scenario && text.lines().any(|line| line.starts_with("steps:"));
    if wanted.family.is_none() && is_scenario(text) {
        let help = format!("`smtp-script run {name}` plays it");
        let mistakes = vec![mistake("this is a scenario already".to_owned()).help(help)];
        return Err(ImportError { mistakes, sources: masked_sources(name, "", &Secrets::default(), &[], &mut []) });
    }
    let is_blackbox = wanted.family.map_or_else(|| blackbox::is_one(text), |family| family.name == "blackbox");
    if is_blackbox {
        let blackbox = family::named("blackbox").unwrap_or(&family::FAMILIES[0]);
        return blackbox::read(text, wanted.module).finish(name, text, blackbox);
    }
    let (read, family) = transcript(text, wanted);
    read.finish(name, text, family)
}

/// Adds to a scenario what a conversation does not show.
type Completeness = Box<dyn FnOnce(&mut Draft)>;

/// What a notation was read to.
#[derive(Default)]
struct LogRead {
    conversation: Conversation,
    /// Mistakes that leave no scenario.
    mistakes: Vec<Diagnostic>,
    notices: Vec<Diagnostic>,
    /// What a notation knows and a conversation does not show.
    complete: Option<Completeness>,
    /// Credentials that are in no line of the conversation.
    stray: Vec<String>,
    /// The places of lines that must not be shown.
    unshown: Vec<usize>,
}

impl LogRead {
    fn failed(mistake: Diagnostic) -> LogRead {
        LogRead { mistakes: vec![mistake], ..LogRead::default() }
    }

    fn finish(mut self, name: &str, text: &str, family: &'static Family) -> Result<Imported, ImportError> {
        let mut known = KnownCredentials::default();
        for credential in self.stray.iter().filter(|credential| !is_said(&self.conversation.said, credential)) {
            known.note("auth_message", credential);
            for part in credentials::parts(credential) {
                known.note("password", &part);
            }
        }
        if family.name == "smtp-script" {
            for name in super::templates::templates_in(&self.conversation.said) {
                known.note(&name, "");
            }
        }
        let (mut draft, mut secrets) = super::scenario::draft(&self.conversation, &mut known);
        known.add_all_to(&mut secrets);
        self.notices.truncate(MAX_NOTICES);
        if self.mistakes.is_empty() && draft.steps.is_empty() {
            self.mistakes.push(mistake("no SMTP conversation is found in this".to_owned()));
        }
        if !self.mistakes.is_empty() {
            let sources = masked_sources(name, text, &secrets, &self.unshown, &mut self.mistakes);
            return Err(ImportError { mistakes: self.mistakes, sources });
        }
        if let Some(complete) = self.complete {
            complete(&mut draft);
        }
        let scenario = draft.to_yaml();
        if scenario.len() > MAX_YAML_SIZE {
            let large = mistake(format!("the scenario would have more than the {MAX_YAML_SIZE} bytes it may have"));
            return Err(ImportError::of_all(name, large));
        }
        if let Some(message) = unsound(&scenario) {
            let unsound = mistake(format!("the scenario would not be sound: {message}"));
            return Err(ImportError::of_all(name, unsound));
        }
        let sources = masked_sources(name, text, &secrets, &self.unshown, &mut self.notices);
        Ok(Imported { scenario, family, notices: self.notices, sources })
    }
}

/// What `check` would say first of a scenario that it refuses.
fn unsound(text: &str) -> Option<String> {
    let mut sources = Sources::default();
    sources.add("imported", text);
    let (scenario, mut mistakes, _) = parse(sources, &|_| Err("no file".to_owned()));
    let context = CheckContext {
        file_root: None,
        variables: None,
        untrusted: false,
        pem: PemChecks::default(),
        known: std::sync::Arc::default(),
    };
    mistakes.extend(scenario.iter().flat_map(|scenario| check(scenario, &context)));
    mistakes.into_iter().find(Diagnostic::is_error).map(|mistake| mistake.message)
}

impl ImportError {
    /// A mistake that is about no line.
    fn of_all(name: &str, mistake: Diagnostic) -> ImportError {
        let mut mistakes = vec![mistake];
        let sources = masked_sources(name, "", &Secrets::default(), &[], &mut mistakes);
        ImportError { mistakes, sources }
    }
}

impl std::fmt::Display for ImportError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = self.mistakes.iter().map(|mistake| mistake.render(&self.sources, false));
        formatter.write_str(&shown.collect::<Vec<_>>().join("\n\n"))
    }
}

impl std::error::Error for ImportError {}

/// A mistake of the whole text.
fn mistake(message: String) -> Diagnostic {
    Diagnostic::error(Span::default(), message)
}

/// Reads a transcript.
fn transcript(text: &str, wanted: &WantedSession<'_>) -> (LogRead, &'static Family) {
    let Ok(lines) = text::lines(text) else {
        return (LogRead::failed(too_many_lines()), wanted.family.unwrap_or(&family::FAMILIES[0]));
    };
    if let Some(why) = dump::unreadable(&lines) {
        return (LogRead::failed(mistake(why.to_owned())), wanted.family.unwrap_or(&family::FAMILIES[0]));
    }
    let mut lines = dump::flat(lines);
    if dump::is_s_client(&lines) {
        dump::s_client(&mut lines);
    }
    if let Err(mistake) = given::mark(&mut lines, wanted) {
        return (LogRead::failed(mistake), wanted.family.unwrap_or(&family::FAMILIES[0]));
    }
    let open = || lines.iter().filter(|line| line.role != LineRole::Noise).map(|line| line.text.as_ref());
    let found =
        wanted.family.unwrap_or_else(|| family::of(lines.iter().take(MAX_SEARCHED).map(|line| line.text.as_ref())));
    let marks = Marks::learn(open(), found.marks);
    if !marks.are_found() {
        return (LogRead::failed(nothing_found_in(&lines, found)), found);
    }
    let logins = match credentials::after_auth(&lines) {
        Ok(logins) => logins,
        Err(too_many) => return (LogRead::failed(mistake(too_many.to_string())), found),
    };
    let (mut sessions, unshown) = sessions::read(&lines, &marks, found, wanted.session);
    let stray: Vec<String> =
        sessions.iter_mut().flat_map(|session| std::mem::take(&mut session.stray_credentials)).collect();
    let stray = [stray, logins].concat();
    let session = match chosen(sessions, wanted.session, text) {
        Ok(session) => session,
        Err(mistake) => return (LogRead { stray, unshown, ..LogRead::failed(mistake) }, found),
    };
    (LogRead { stray, unshown, ..of_session(session, found) }, found)
}

/// Whether a login of the conversation holds a credential: then the login says what it is.
fn is_said(said: &[Said], credential: &str) -> bool {
    said.iter().any(|said| matches!(said, Said::Line(line) if line.ends_with(credential.as_bytes())))
}

/// The session that is meant.
fn chosen(mut sessions: Vec<LogSession>, number: Option<usize>, text: &str) -> Result<LogSession, Diagnostic> {
    let count = sessions.len();
    match number {
        Some(number) if (1..=count).contains(&number) => Ok(sessions.swap_remove(number - 1)),
        Some(number) => Err(mistake(format!("there is no session {number}: the transcript holds {count}"))),
        None if count == 1 => Ok(sessions.swap_remove(0)),
        None if count == 0 => Err(nothing_found()),
        None => Err(several(&sessions, text)),
    }
}

/// The list of sessions, none of which is chosen.
fn several(sessions: &[LogSession], text: &str) -> Diagnostic {
    let line = |session: &LogSession| {
        let start = session.begins.map_or(0, |begins| begins.start as usize);
        memchr::memchr_iter(b'\n', &text.as_bytes()[..start]).count() + 1
    };
    let listed =
        |(at, session): (usize, &LogSession)| format!("{}: line {}, {}", at + 1, line(session), session.summary());
    let mut list: Vec<String> = sessions.iter().enumerate().take(MAX_LISTED).map(listed).collect();
    if sessions.len() > MAX_LISTED {
        list.push(format!("and {} more", sessions.len() - MAX_LISTED));
    }
    let help = format!("choose one with `--session N`:\n{}", list.join("\n"));
    mistake(format!("{} sessions stand in this", sessions.len())).help(help)
}

fn of_session(mut session: LogSession, family: &'static Family) -> LogRead {
    let mut mistakes = Vec::new();
    let replies = session.said.iter().any(|said| matches!(said, Said::Reply(_)));
    if session.is_too_long() {
        let help = "cut the part that matters out of the log";
        mistakes.push(
            mistake(format!(
                "this session has {} lines of the client: a scenario cannot hold that many",
                session.commands
            ))
            .help(help),
        );
    } else if !replies && session.misfit.is_none() {
        let help = "replies within the entries of a log, or a bounce, are read by `smtp-script explain - < FILE`";
        mistakes.push(mistake("no reply of a server is found in this".to_owned()).help(help));
    } else if !session.client_spoke() && !session.said.iter().any(|said| matches!(said, Said::ServerClosed)) {
        let text = "only what the server said stands in this: no line of the client".to_owned();
        let help =
            "copy the conversation from the terminal: a redirected telnet or openssl does not print what it sends";
        mistakes.push(mistake(text).help(help));
    } else if let Some(misfit) = session.misfit.take() {
        let message = format!("{}{}", misfit.message, looks_like(family));
        mistakes.push(Diagnostic { message, ..misfit });
    }
    if !session.server_known && mistakes.is_empty() {
        let no_server = "the transcript does not say which server this was: `mail.example.com` stands in its place";
        session.warn(Span::default(), no_server, "");
    }
    let conversation = Conversation { server: session.server, said: session.said };
    LogRead { conversation, mistakes, notices: session.notices, ..LogRead::default() }
}

#[cfg(test)]
mod tests;
