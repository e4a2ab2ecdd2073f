//! Scenarios from what other tools print or read: pasted transcripts, and the modules of `blackbox_exporter`.
//!
//! Responsible for telling the notations apart, and for saying what could not be carried over, with its line. One file
//! reads each notation; `talk` puts together what they find. The text comes from outside: nothing in it is trusted, and
//! no credential in it is ever shown. `cli::import` calls this.

mod blackbox;
mod curl;
mod s_client;
mod swaks;
mod talk;
mod telnet;

use super::Conversation;
use super::words::{Credentials, Secrets};
use crate::scenario::write::Draft;
use crate::scenario::{CheckContext, Diagnostic, MAX_YAML_SIZE, PemChecks, Sources, Span, check, parse};
use talk::Talk;

/// The largest text that is read, in bytes.
pub const MAX_IMPORT_SIZE: usize = 4 * 1024 * 1024;

/// Who wrote the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// swaks, with its arrows.
    Swaks,
    /// telnet, nc, or lines with `C:` and `S:`.
    Telnet,
    /// `openssl s_client`.
    Openssl,
    /// `curl -v`.
    Curl,
    /// A configuration of `blackbox_exporter`.
    Blackbox,
}

/// What became of a text.
#[derive(Debug)]
pub struct Imported {
    /// The scenario.
    pub scenario: String,
    /// Who wrote the text.
    pub notation: Notation,
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

/// Makes a scenario of `text`; `name` stands for its file in messages.
///
/// `notation` is found out where it is not given. `module` chooses one of several modules of `blackbox_exporter`.
///
/// # Errors
/// The text is too large, is in no notation that is known, or holds no conversation.
pub fn import(
    name: &str,
    text: &str,
    notation: Option<Notation>,
    module: Option<&str>,
) -> Result<Imported, ImportError> {
    let plain = |message: String| ImportError::new(name, text, vec![mistake(message)], &Secrets::default());
    if text.len() > MAX_IMPORT_SIZE {
        return Err(plain(format!("a transcript has at most {MAX_IMPORT_SIZE} bytes")));
    }
    let Some(notation) = notation.or_else(|| detect(text)) else {
        let help = "the notations are those of swaks, telnet, openssl s_client, curl -v and blackbox_exporter: name one with `--from`";
        let unknown = mistake("no SMTP conversation is found in this".to_owned()).help(help);
        return Err(ImportError::new(name, text, vec![unknown], &Secrets::default()));
    };
    let read = match notation {
        Notation::Blackbox => blackbox::read(text, module),
        _ => transcript(text, notation),
    };
    read.finish(name, text, notation)
}

/// Adds to a scenario what a conversation cannot tell.
type Completion = Box<dyn FnOnce(&mut Draft)>;

/// What a notation was read to.
#[derive(Default)]
struct Read {
    conversation: Conversation,
    /// Mistakes that leave no scenario.
    mistakes: Vec<Diagnostic>,
    notices: Vec<Diagnostic>,
    /// What a notation knows and a conversation does not tell.
    complete: Option<Completion>,
}

impl Read {
    fn finish(mut self, name: &str, text: &str, notation: Notation) -> Result<Imported, ImportError> {
        let (mut draft, secrets) = super::scenario::draft(&self.conversation, &mut Credentials::default());
        if self.mistakes.is_empty() && draft.steps.is_empty() {
            self.mistakes.push(mistake("no SMTP conversation is found in this".to_owned()));
        }
        if !self.mistakes.is_empty() {
            return Err(ImportError::new(name, text, self.mistakes, &secrets));
        }
        if let Some(complete) = self.complete {
            complete(&mut draft);
        }
        let scenario = draft.to_yaml();
        if scenario.len() > MAX_YAML_SIZE {
            let large = mistake(format!("the scenario would have more than the {MAX_YAML_SIZE} bytes it may have"));
            return Err(ImportError::new(name, text, vec![large], &secrets));
        }
        if let Some(message) = unsound(&scenario) {
            let unsound = mistake(format!("the scenario would not be sound: {message}"));
            return Err(ImportError::new(name, text, vec![unsound], &secrets));
        }
        let sources = masked_sources(name, text, &secrets, &mut self.notices);
        Ok(Imported { scenario, notation, notices: self.notices, sources })
    }
}

/// What `check` would say first of a scenario that it refuses.
fn unsound(text: &str) -> Option<String> {
    let mut sources = Sources::default();
    sources.add("imported", text);
    let (scenario, mut mistakes, _) = parse(sources, &|_| Err("no file".to_owned()));
    let context = CheckContext { file_root: None, variables: None, untrusted: false, pem: PemChecks::default() };
    mistakes.extend(scenario.iter().flat_map(|scenario| check(scenario, &context)));
    mistakes.into_iter().find(Diagnostic::is_error).map(|mistake| mistake.message)
}

impl ImportError {
    fn new(name: &str, text: &str, mut mistakes: Vec<Diagnostic>, secrets: &Secrets) -> ImportError {
        let sources = masked_sources(name, text, secrets, &mut mistakes);
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

/// The text as it may be shown: only the lines that a notice is about, without the credentials in them.
///
/// Notices that are about the same lines follow them there. All other lines are empty, so that numbers stay true.
fn masked_sources(name: &str, text: &str, secrets: &Secrets, notices: &mut [Diagnostic]) -> Sources {
    let mut shown = String::new();
    let mut start = 0;
    for line in text.split('\n') {
        let range = start..=start + line.len();
        let starts_here = |notice: &&mut Diagnostic| range.contains(&(notice.span.start as usize));
        let mut here: Vec<&mut Diagnostic> = notices.iter_mut().filter(starts_here).collect();
        let begin = shown.len();
        if !here.is_empty() && !may_hold_password(line) {
            shown.push_str(&secrets.mask(line.trim_end()));
        }
        for notice in &mut here {
            // Behind the masks columns are others: the whole line is underlined.
            let indentation = shown[begin..].len() - shown[begin..].trim_start().len();
            notice.span = Span { file: u32::MAX, ..Span::default() }.with_range(begin + indentation, shown.len());
        }
        shown.push('\n');
        start += line.len() + 1;
    }
    for notice in notices {
        notice.span.file = 0;
    }
    let mut sources = Sources::default();
    sources.add(name, shown);
    sources
}

/// A command line, or a setting: what stands there need not have gone over the wire, and so is not known as a secret.
fn may_hold_password(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    ["password", "passwd", "--user", " -u ", " -ap", "--auth", "token", "secret", "bearer"]
        .iter()
        .any(|word| lower.contains(word))
}

/// The notation of a text, by what only it has.
fn detect(text: &str) -> Option<Notation> {
    let lines: Vec<&str> = unquoted(text).into_iter().map(|(_, line)| line).collect();
    let any = |test: &dyn Fn(&str) -> bool| lines.iter().any(|line| test(line));
    let starts = |words: &'static [&'static str]| move |line: &str| words.iter().any(|word| line.starts_with(word));
    if any(&|line| line.trim_start().starts_with("query_response:") || line.trim_start().starts_with("- expect:")) {
        return Some(Notation::Blackbox);
    }
    if any(&starts(&["=== Trying", " -> ", " ~> ", "<-  ", "<~  ", "<** ", "<~* "])) {
        return Some(Notation::Swaks);
    }
    if any(&starts(&["* Connected to", "*   Trying", "* Established", "< 220"])) {
        return Some(Notation::Curl);
    }
    if any(&starts(&["CONNECTED(", "CONNECTION ESTABLISHED", "depth=", "-----BEGIN CERT", "SSL handshake has read"])) {
        return Some(Notation::Openssl);
    }
    any(&|line| telnet::looks_like_reply(telnet::said_by(line).1)).then_some(Notation::Telnet)
}

fn transcript(text: &str, notation: Notation) -> Read {
    let mut talk = Talk::default();
    for (start, line) in unquoted(text) {
        talk.begin_line(start, line);
        if command_line(line, &mut talk) {
            continue;
        }
        match notation {
            Notation::Swaks => swaks::line(line, &mut talk),
            Notation::Curl => curl::line(line, &mut talk),
            Notation::Openssl => s_client::line(line, &mut talk),
            Notation::Telnet | Notation::Blackbox => telnet::line(line, &mut talk),
        }
    }
    talk.finish()
}

/// The lines of a text with their places, without what quoting in mail or Markdown has added.
fn unquoted(text: &str) -> Vec<(usize, &str)> {
    let mut start = 0;
    let mut lines: Vec<(usize, &str)> = Vec::new();
    for line in text.split('\n') {
        let content = line.strip_suffix('\r').unwrap_or(line);
        lines.push((start, content.strip_suffix('\r').unwrap_or(content)));
        start += line.len() + 1;
    }
    lines.retain(|(_, line)| !line.trim_start().starts_with("```"));
    let filled = |lines: &[(usize, &str)]| lines.iter().any(|(_, line)| !line.trim().is_empty());
    while filled(&lines) && lines.iter().all(|(_, line)| line.trim().is_empty() || line.starts_with('>')) {
        for (_, line) in &mut lines {
            *line = line.strip_prefix("> ").or(line.strip_prefix('>')).unwrap_or(line);
        }
    }
    let indentation = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let common = lines.iter().filter(|(_, line)| !line.trim().is_empty()).map(|(_, line)| indentation(line)).min();
    for (_, line) in &mut lines {
        *line = line.get(common.unwrap_or(0)..).unwrap_or("");
    }
    lines
}

/// `$ openssl s_client -connect host:587 -starttls smtp`: where to, of the commands that people paste with it.
fn command_line(line: &str, talk: &mut Talk<'_>) -> bool {
    let prompt =
        line.find("$ ").or_else(|| line.starts_with("# ").then_some(0)).or_else(|| line.starts_with("% ").then_some(0));
    let Some(command) = prompt.map(|at| &line[at + 2..]).filter(|_| !talk.in_mail_data()) else { return false };
    let words: Vec<&str> = command.split_whitespace().collect();
    let tools = ["openssl", "telnet", "swaks", "curl", "nc", "ncat"];
    let Some(at) = words.iter().position(|word| tools.contains(word)) else { return false };
    let arguments = &words[at + 1..];
    let behind = |option: &str| arguments.iter().position(|word| *word == option).and_then(|at| arguments.get(at + 1));
    match words[at] {
        "openssl" => talk.server_is(behind("-connect").copied().unwrap_or(""), None),
        "swaks" | "curl" => {}
        _ => {
            let plain: Vec<&&str> = arguments.iter().filter(|word| !word.starts_with('-')).collect();
            talk.server_is(plain.first().copied().unwrap_or(&""), plain.get(1).map(|port| **port));
        }
    }
    true
}

#[cfg(test)]
mod tests;
