//! Options and commands of other tools, and how they are called here.
//!
//! Responsible for the tips of mistakes on the command line: one table, asked before clap's own guess, which knows spellings
//! and no meanings. Called by `cli` when the arguments cannot be read.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// The table. A line: `COMMANDS: OPTIONS => HELP`.
const FOREIGN: &str = include_str!("foreign_options.txt");

/// The same error, with what was probably meant.
pub(super) fn with_tip(mut error: clap::Error, arguments: &[String], commands: &[String]) -> clap::Error {
    let given = arguments.get(1..).unwrap_or_default();
    let at = given.iter().position(|argument| commands.contains(argument));
    let command = at.map_or("", |at| given[at].as_str());
    let stands_before = |option: &str| given.iter().take(at.unwrap_or(0)).any(|one| option_of(one) == option);
    let tip = match error.kind() {
        ErrorKind::UnknownArgument => invalid(&error, ContextKind::InvalidArg).map(option_of).and_then(|option| {
            if stands_before(option) {
                return Some(format!("an option stands after its command: `smtp-script {command} {option} …`"));
            }
            tip(if command.is_empty() { "top" } else { command }, option).map(str::to_owned)
        }),
        ErrorKind::InvalidSubcommand => invalid(&error, ContextKind::InvalidSubcommand).and_then(|word| {
            let bare = word.trim_matches(['`', '\'', '"', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '$']).trim();
            match bare.split(' ').next().unwrap_or("") {
                "smtp-script" => {
                    Some("the name of the program stands once: a command such as `run` follows it".to_owned())
                }
                first if bare != word && commands.iter().any(|command| command == first) => {
                    Some(format!("without the quotes: `smtp-script {bare}`"))
                }
                _ => tip("command", word).map(str::to_owned),
            }
        }),
        ErrorKind::MissingRequiredArgument => missing(command).map(str::to_owned),
        _ => None,
    };
    if let Some(tip) = tip {
        for kind in [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::Suggested] {
            error.remove(kind);
        }
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
    }
    error
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
