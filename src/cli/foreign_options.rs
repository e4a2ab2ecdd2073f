//! Options and commands of other tools, and how they are called here.
//!
//! Responsible for the tips of mistakes on the command line: one table, asked before clap's own guess, which knows spellings
//! and no meanings. Called by `cli` when the arguments cannot be read.

use crate::scenario::address::right_form_of;
use clap::Command;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::path::Path;

/// The table. A line: `COMMANDS: OPTIONS => HELP`.
const FOREIGN: &str = include_str!("foreign_options.txt");

/// The same error, with what was probably meant.
pub(super) fn with_tip(mut error: clap::Error, arguments: &[String], program: &Command) -> clap::Error {
    let given = arguments.get(1..).unwrap_or_default();
    let known = |word: &String| program.get_subcommands().any(|one| one.get_name() == word);
    let at = given.iter().position(known);
    let place = CommandPlace {
        name: at.map_or("", |at| given[at].as_str()),
        before: &given[..at.unwrap_or(0)],
        given,
        program,
    };
    let tip = match error.kind() {
        ErrorKind::UnknownArgument => invalid(&error, ContextKind::InvalidArg).and_then(|word| place.of_argument(word)),
        ErrorKind::InvalidSubcommand => {
            invalid(&error, ContextKind::InvalidSubcommand).and_then(|word| place.of_command(word, given))
        }
        ErrorKind::MissingRequiredArgument => missing(place.name).map(str::to_owned),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => of_value(&error),
        _ => None,
    };
    if let Some(tip) = tip {
        // What clap makes of the rest of the arguments contradicts the tip.
        let usage = (error.kind() == ErrorKind::UnknownArgument).then_some(ContextKind::Usage);
        let guesses = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::Suggested];
        for kind in guesses.into_iter().chain(usage) {
            error.remove(kind);
        }
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
    }
    error
}

/// A command, and what was given before it.
struct CommandPlace<'a> {
    name: &'a str,
    before: &'a [String],
    given: &'a [String],
    program: &'a Command,
}

impl CommandPlace<'_> {
    /// What an argument was meant to be that the command does not take.
    fn of_argument(&self, word: &str) -> Option<String> {
        let option = option_of(word);
        if self.before.iter().any(|one| option_of(one) == option) {
            return Some(format!("an option stands after its command: `smtp-script {} {option} …`", self.name));
        }
        let mut rest = self.given.iter().skip_while(|one| option_of(one) != option).skip(1);
        let port = rest.next().filter(|port| port.parse::<u16>().is_ok());
        if let Some(port) = port.filter(|_| matches!(option, "-p" | "-P" | "--port") && self.name != "serve") {
            return Some(format!("the port stands after the server: `mail.example.com:{port}`"));
        }
        let table = || tip(if self.name.is_empty() { "top" } else { self.name }, option).map(str::to_owned);
        table().or_else(|| self.of_another(option)).or_else(|| self.stray(word))
    }

    /// An option of other commands.
    fn of_another(&self, option: &str) -> Option<String> {
        let long = option.strip_prefix("--")?;
        let has = |command: &&Command| command.get_arguments().any(|one| one.get_long() == Some(long));
        let owners: Vec<&str> = self.program.get_subcommands().filter(has).map(Command::get_name).collect();
        let (first, others) = owners.split_first()?;
        let others = others.iter().take(3).fold(String::new(), |list, name| list + &format!(", `{name}`"));
        Some(format!("`{option}` is an option of `{first}`{others}: `smtp-script {first} {option} …`"))
    }

    /// One argument too many: an address, or a file.
    fn stray(&self, word: &str) -> Option<String> {
        let is_option = word.starts_with('-');
        let is_port = word.parse::<u16>().is_ok();
        match self.name {
            _ if word.trim_start_matches('-').parse::<f64>().is_ok() && is_option => {
                Some("this number may not be negative".to_owned())
            }
            _ if is_option => None,
            "send" | "shell" if is_port => Some(format!("a colon stands between host and port: `HOST:{word}`")),
            "send" if word.contains('@') => Some(format!("a recipient is `--to {word}`, the sender `--from ADDRESS`")),
            "send" if Path::new(word).is_file() => Some(format!("a message of your own is `--data {word}`")),
            "record" => Some(format!("the real server is `--to {word}`: `smtp-script record --to {word} -o FILE`")),
            "" => None,
            name => {
                Some(format!("`{name}` takes one argument: leave `{word}` out, or put a text with blanks in quotes"))
            }
        }
    }

    /// What stands in place of a command.
    fn of_command(&self, word: &str, given: &[String]) -> Option<String> {
        let bare = word.trim_matches(['`', '\'', '"', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '$']).trim();
        let first = bare.split(' ').next().unwrap_or("");
        let is_command = |name: &str| self.program.get_subcommands().any(|one| one.get_name() == name);
        if first == "smtp-script" {
            return Some("write the name of the program once: a command such as `run` follows it".to_owned());
        }
        if first != word && bare != word && is_command(first) {
            return Some(format!("without the quotes: `smtp-script {bare}`"));
        }
        if let Some(command) = given.iter().find(|one| is_command(one)) {
            return Some(format!("the command stands first: `smtp-script {command} {word} …`"));
        }
        tip("command", word).map(str::to_owned).or_else(|| by_form(word, given))
    }
}

/// The command that a file or a server was meant for.
fn by_form(word: &str, given: &[String]) -> Option<String> {
    let path = Path::new(word);
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    if path.is_dir() || matches!(ending, "yaml" | "yml" | "json" | "md") {
        return Some(format!("`smtp-script run {word}` plays a scenario"));
    }
    if matches!(ending, "log" | "txt") {
        return Some(format!("`smtp-script import {word}` turns a transcript into a scenario"));
    }
    if matches!(ending, "eml") {
        return Some(format!("`smtp-script send HOST:PORT --data {word}` sends a message"));
    }
    if word.len() == 3 && word.parse::<u16>().is_ok() {
        return Some(format!("`smtp-script explain {word}` says what a reply means"));
    }
    let host = right_form_of(word).unwrap_or_else(|| word.to_owned());
    let port = given.get(1).filter(|port| port.parse::<u16>().is_ok()).map_or(String::new(), |port| format!(":{port}"));
    host.contains('.').then(|| {
        format!(
            "to talk to a server, `smtp-script shell {host}{port}`; to send a message, `smtp-script send {host}{port}`"
        )
    })
}

/// What stands where a value of an option is wanted.
fn of_value(error: &clap::Error) -> Option<String> {
    let option = option_of(invalid(error, ContextKind::InvalidArg)?);
    let value = invalid(error, ContextKind::InvalidValue)?;
    (value.starts_with("--") || value.is_empty()).then(|| format!("a value stands after `{option}`"))
}

fn invalid(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text),
        _ => None,
    }
}

/// `--host` of `--host=mail.example.com`.
fn option_of(text: &str) -> &str {
    text.split(['=', ' ']).next().unwrap_or(text)
}

fn rows() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    FOREIGN.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (left, help) = line.split_once(" => ")?;
        let (commands, words) = left.split_once(':')?;
        Some((commands, words.trim(), help))
    })
}

fn tip(command: &str, word: &str) -> Option<&'static str> {
    let holds = |list: &str, word: &str| list.split(' ').any(|one| one == word);
    let mut found = rows().filter(|(commands, words, _)| holds(commands, command) && holds(words, word));
    found.next().map(|(_, _, help)| help)
}

fn missing(command: &str) -> Option<&'static str> {
    let found = rows().find(|(commands, _, _)| commands.strip_prefix("missing ") == Some(command));
    found.map(|(_, _, help)| help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_tools_call_it() {
        assert!(tip("send", "--password").is_some_and(|tip| tip.contains("SMTP_SCRIPT_SECRET_PASSWORD")));
        assert!(tip("run", "--host").is_some_and(|tip| tip.contains("--to HOST:PORT")));
        assert!(tip("command", "test").is_some_and(|tip| tip.contains("send")));
        assert_eq!(tip("send", "--zzz"), None);
        assert!(missing("serve").is_some_and(|tip| tip.contains("--sandbox")));
        assert_eq!(missing("schema"), None);
        assert_eq!(option_of("--host=mx.example"), "--host");
    }

    #[test]
    fn each_row_is_read() {
        let lines = FOREIGN.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(rows().count(), lines);
        for (commands, words, _) in rows().filter(|row| !row.0.starts_with("missing")) {
            assert!(
                commands == "command"
                    || words.split(' ').all(|word| word.starts_with('-') || word.parse::<u16>().is_ok()),
                "{commands}: {words}"
            );
        }
    }
}
