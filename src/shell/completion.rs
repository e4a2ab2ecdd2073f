//! What may come next in a line: verbs that fit where the conversation is, what this server offers, commands of ours.
//!
//! Pure: a line up to the cursor and the [`PromptState`] in, candidates out. The names of files are the terminal's business.

use super::commands::{self, Takes};
use super::state::{PromptPhase, PromptState};
use crate::smtp::auth::Mechanism;

/// What may stand at the end of a line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Completion {
    /// Where the word begins that is completed.
    pub(crate) start: usize,
    pub(crate) candidates: Vec<String>,
    /// Whether it is the name of a file.
    pub(crate) files: bool,
}

/// Every verb, with what follows it.
const VERBS: [(&str, &str); 15] = [
    ("EHLO", " name.of.this.host"),
    ("HELO", " name.of.this.host"),
    ("LHLO", " name.of.this.host"),
    ("STARTTLS", ""),
    ("AUTH", " MECHANISM [initial-response]"),
    ("MAIL", " FROM:<address> [parameters]"),
    ("RCPT", " TO:<address> [parameters]"),
    ("DATA", ""),
    ("BDAT", " octets [LAST]"),
    ("RSET", ""),
    ("NOOP", ""),
    ("VRFY", " address"),
    ("EXPN", " list"),
    ("HELP", " [verb]"),
    ("QUIT", ""),
];

/// MAIL's parameters by the keyword that offers them.
const MAIL_PARAMETERS: [(&str, &[&str]); 10] = [
    ("SIZE", &["SIZE="]),
    ("8BITMIME", &["BODY=7BIT", "BODY=8BITMIME"]),
    ("BINARYMIME", &["BODY=BINARYMIME"]),
    ("SMTPUTF8", &["SMTPUTF8"]),
    ("DSN", &["RET=FULL", "RET=HDRS", "ENVID="]),
    ("AUTH", &["AUTH=<>"]),
    ("REQUIRETLS", &["REQUIRETLS"]),
    ("DELIVERBY", &["BY="]),
    ("FUTURERELEASE", &["HOLDFOR=", "HOLDUNTIL="]),
    ("MT-PRIORITY", &["MT-PRIORITY="]),
];

/// RCPT's.
const RCPT_PARAMETERS: [(&str, &[&str]); 2] = [
    (
        "DSN",
        &[
            "NOTIFY=NEVER",
            "NOTIFY=SUCCESS",
            "NOTIFY=FAILURE",
            "NOTIFY=DELAY",
            "NOTIFY=SUCCESS,FAILURE,DELAY",
            "ORCPT=rfc822;",
        ],
    ),
    ("RRVS", &["RRVS="]),
];

/// What may stand at the end of `line`, which is all that is before the cursor.
pub(crate) fn complete(line: &str, state: &PromptState) -> Completion {
    if matches!(state.phase, PromptPhase::MailData | PromptPhase::Challenge) {
        return Completion::default();
    }
    let start = line.rfind(' ').map_or(0, |blank| blank + 1);
    let word = &line[start..];
    let verb = line.split(' ').next().unwrap_or_default();
    let known = match line.strip_prefix('.') {
        Some(_) if start == 0 => dot_commands(),
        Some(_) => match taken_by(verb) {
            Takes::Files => return Completion { start, candidates: Vec::new(), files: true },
            Takes::Commands => commands::ALL.iter().map(|command| command.name.to_owned()).collect(),
            Takes::Mechanisms if line.matches(' ').count() == 1 => mechanisms(state),
            _ => Vec::new(),
        },
        None if start == 0 => verbs(word, state),
        None => arguments(verb, line, start, state),
    };
    let fits = |candidate: &String| starts_with(candidate, word) && candidate != word;
    Completion { start, candidates: known.into_iter().filter(fits).collect(), files: false }
}

/// What follows a verb or a command that was typed, for a person who looks at it.
pub(crate) fn hint(line: &str, state: &PromptState) -> Option<String> {
    if matches!(state.phase, PromptPhase::MailData | PromptPhase::Challenge) {
        return None;
    }
    let word = line.strip_suffix(' ').unwrap_or(line);
    let follows = if let Some(name) = word.strip_prefix('.') {
        let command = commands::find(&name.to_ascii_lowercase())?;
        let arguments = if command.arguments.is_empty() { String::new() } else { format!(" {}", command.arguments) };
        format!("{arguments}  {}", command.summary)
    } else {
        let (_, follows) = VERBS.iter().find(|(verb, _)| verb.eq_ignore_ascii_case(word))?;
        (*follows).to_owned()
    };
    let follows = if word == line { follows.as_str() } else { follows.trim_start() };
    (!follows.is_empty()).then(|| follows.to_owned())
}

/// Whether a verb or a command is nothing without what follows it.
pub(crate) fn takes_more(word: &str) -> bool {
    if let Some(name) = word.strip_prefix('.') {
        return commands::find(name).is_some_and(|command| command.takes != Takes::Nothing);
    }
    VERBS.iter().any(|(verb, follows)| *verb == word && !follows.is_empty() && *verb != "HELP")
}

fn starts_with(candidate: &str, word: &str) -> bool {
    candidate.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

fn dot_commands() -> Vec<String> {
    commands::ALL.iter().map(|command| format!(".{}", command.name)).collect()
}

fn taken_by(verb: &str) -> Takes {
    let name = verb.trim_start_matches('.').trim_end_matches('!').to_ascii_lowercase();
    commands::find(&name).map_or(Takes::Nothing, |command| command.takes)
}

/// The verbs that make sense now; every verb where none of them begins so.
fn verbs(word: &str, state: &PromptState) -> Vec<String> {
    let mut fitting: Vec<&str> = match state.phase {
        PromptPhase::Greeted => vec!["EHLO", "HELO", "LHLO", "NOOP", "RSET", "HELP", "QUIT"],
        PromptPhase::Ready => vec!["MAIL", "EHLO", "VRFY", "EXPN", "NOOP", "RSET", "HELP", "QUIT"],
        PromptPhase::Sender => vec!["RCPT", "RSET", "NOOP", "QUIT"],
        PromptPhase::Recipients => vec!["RCPT", "DATA", "RSET", "NOOP", "QUIT"],
        _ => VERBS.iter().map(|(verb, _)| *verb).collect(),
    };
    let more = [
        ("STARTTLS", PromptPhase::Ready, state.tls.is_none() && state.offers("STARTTLS")),
        ("AUTH", PromptPhase::Ready, state.offers("AUTH")),
        ("BDAT", PromptPhase::Recipients, state.offers("CHUNKING")),
    ];
    fitting.extend(more.iter().filter(|(_, phase, fits)| *phase == state.phase && *fits).map(|(verb, ..)| *verb));
    if !fitting.iter().any(|verb| starts_with(verb, word)) {
        fitting = VERBS.iter().map(|(verb, _)| *verb).collect();
    }
    fitting.into_iter().map(str::to_owned).collect()
}

/// What may follow a verb.
fn arguments(verb: &str, line: &str, start: usize, state: &PromptState) -> Vec<String> {
    let first = line[..start].matches(' ').count() == 1;
    match (verb.to_ascii_uppercase().as_str(), first) {
        ("EHLO" | "HELO" | "LHLO", true) => vec![state.hello.clone()],
        ("AUTH", true) => mechanisms(state),
        ("MAIL", true) => vec!["FROM:<".to_owned(), "FROM:<>".to_owned()],
        ("RCPT", true) => vec!["TO:<".to_owned()],
        ("MAIL", false) => parameters(&MAIL_PARAMETERS, state),
        ("RCPT", false) => parameters(&RCPT_PARAMETERS, state),
        ("BDAT", false) => vec!["LAST".to_owned()],
        ("HELP", true) => VERBS.iter().map(|(verb, _)| (*verb).to_owned()).collect(),
        _ => Vec::new(),
    }
}

fn parameters(table: &[(&str, &[&str])], state: &PromptState) -> Vec<String> {
    let offered = table.iter().filter(|(keyword, _)| state.offers(keyword));
    offered.flat_map(|(_, parameters)| parameters.iter().map(|parameter| (*parameter).to_owned())).collect()
}

/// Those that the server offers; every one before it said so.
fn mechanisms(state: &PromptState) -> Vec<String> {
    match state.offers.iter().find(|(keyword, _)| keyword == "AUTH") {
        Some((_, offered)) => offered.clone(),
        None => Mechanism::ALL.iter().map(|mechanism| mechanism.name().to_owned()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(phase: PromptPhase, offers: &[(&str, &str)]) -> PromptState {
        let offers = offers.iter().map(|(keyword, words)| {
            ((*keyword).to_owned(), words.split_ascii_whitespace().map(str::to_owned).collect())
        });
        PromptState { phase, offers: offers.collect(), hello: "me.example".to_owned(), ..PromptState::default() }
    }

    fn candidates(line: &str, state: &PromptState) -> String {
        complete(line, state).candidates.join(" ")
    }

    #[test]
    fn verbs_fit_where_the_conversation_is() {
        assert_eq!(candidates("e", &state(PromptPhase::Greeted, &[])), "EHLO");
        assert_eq!(candidates("M", &state(PromptPhase::Ready, &[])), "MAIL");
        assert_eq!(candidates("st", &state(PromptPhase::Ready, &[("STARTTLS", "")])), "STARTTLS");
        assert_eq!(candidates("d", &state(PromptPhase::Recipients, &[])), "DATA");
        // Whoever means another one may have it.
        assert_eq!(candidates("da", &state(PromptPhase::Greeted, &[])), "DATA");
        assert_eq!(candidates("x", &state(PromptPhase::Ready, &[])), "");
    }

    #[test]
    fn what_the_server_offers_is_completed() {
        let offers = [("AUTH", "PLAIN LOGIN X-ODD"), ("SIZE", "100"), ("DSN", "")];
        let state = state(PromptPhase::Ready, &offers);
        assert_eq!(candidates("AUTH ", &state), "PLAIN LOGIN X-ODD");
        assert_eq!(candidates(".auth p", &state), "PLAIN");
        assert_eq!(candidates(".auth PLAIN m", &state), "");
        assert_eq!(candidates("MAIL F", &state), "FROM:< FROM:<>");
        assert_eq!(candidates("MAIL FROM:<a@b> S", &state), "SIZE=");
        assert_eq!(candidates("MAIL FROM:<a@b> BODY", &state), "");
        assert_eq!(candidates("RCPT TO:<a@b> ORC", &state), "ORCPT=rfc822;");
        assert_eq!(candidates("EHLO ", &state), "me.example");
        assert!(
            candidates("AUTH SCRAM-SHA-1", &super::tests::state(PromptPhase::Ready, &[])).contains("SCRAM-SHA-1-PLUS")
        );
    }

    #[test]
    fn commands_of_ours_are_completed() {
        let state = state(PromptPhase::Ready, &[]);
        assert_eq!(candidates(".st", &state), ".starttls");
        assert_eq!(candidates(".help pi", &state), "pipeline");
        assert_eq!(complete(".save /tm", &state), Completion { start: 6, candidates: Vec::new(), files: true });
        assert!(complete(".data x", &state).files);
        assert!(hint(".data", &state).is_some_and(|hint| hint.starts_with(" FILE")));
        assert_eq!(hint("mail ", &state).as_deref(), Some("FROM:<address> [parameters]"));
        assert!(takes_more("MAIL") && takes_more(".save") && !takes_more("DATA") && !takes_more(".starttls"));
        assert_eq!(hint("mail", &state).as_deref(), Some(" FROM:<address> [parameters]"));
    }

    #[test]
    fn mail_data_is_not_completed() {
        for phase in [PromptPhase::MailData, PromptPhase::Challenge] {
            assert_eq!(complete("M", &state(phase, &[])), Completion::default());
            assert_eq!(hint(".save", &state(phase, &[])), None);
        }
    }

    #[test]
    fn any_text_is_taken() {
        for line in ["é", "MAIL é", ".é é", "AUTH \u{1f600}", " "] {
            _ = complete(line, &state(PromptPhase::Ready, &[("AUTH", "é")]));
        }
    }
}
