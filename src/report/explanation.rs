//! An explanation of codes, as a person reads it and as a machine does.
//!
//! Responsible for layout only. What is said, and by whom, comes from `smtp::explanation`.

use super::human::Styled;
use crate::smtp::explanation::{Explanation, ProviderSays, url_of};
use crate::smtp::provider::{CodeSigns, Provider, Statement};
use crate::smtp::question::Question;
use crate::smtp::status::Meaning;
use crate::visible::{cut, visible};
use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The version of the JSON form. It rises when a member changes its meaning or goes.
const JSON_VERSION: u32 = 1;
/// Of a longer text the beginning is shown, in characters.
const MAX_TEXT: usize = 160;

const HEADING: Style = Style::new().bold();
const CODE: Style = AnsiColor::Cyan.on_default();
const SOURCE: Style = Style::new().dimmed();

/// The explanation for a person. Ends with a line feed.
#[must_use]
pub fn text(explanation: &Explanation, styled: Styled) -> String {
    let mut screen = String::new();
    _ = writeln!(screen, "{}", styled.paint(HEADING, &asked(explanation)));
    if let Some(command) = explanation.question.command {
        _ = writeln!(screen, "  {}", answered(command));
    }
    for (code, meaning) in &explanation.meanings {
        _ = writeln!(screen, "  {}", of_code(code, *meaning, styled));
    }
    if !explanation.usual_reply_codes.is_empty() {
        let list = listed(explanation.usual_reply_codes.iter().map(u16::to_string), " or ");
        _ = writeln!(screen, "  comes with {list} (IANA SMTP Enhanced Status Codes registry)");
    }
    if let Some(contradiction) = &explanation.contradiction {
        _ = writeln!(screen, "  {contradiction}");
    }
    for code in &explanation.unregistered {
        let where_to = if code.contains('.') { "the IANA registry" } else { "the RFCs" };
        _ = writeln!(
            screen,
            "  {}: not in {where_to}; each server may mean something of its own",
            styled.paint(CODE, code)
        );
    }
    if !explanation.members.is_empty() {
        _ = writeln!(screen);
    }
    for (code, meaning) in &explanation.members {
        _ = writeln!(screen, "  {}", of_code(code, *meaning, styled));
    }
    if !explanation.general.is_empty() {
        section(&mut screen, "In general", &explanation.general, &explanation.question, styled);
    }
    for says in &explanation.providers {
        section(&mut screen, says.provider.name, &says.statements, &explanation.question, styled);
    }
    if explanation.others {
        _ = writeln!(screen, "\n  {}", others(explanation, styled));
    }
    screen
}

/// The explanations for a machine. Ends with a line feed.
#[must_use]
pub fn json(explanations: &[Explanation]) -> String {
    let all: Vec<Value> = explanations.iter().map(one).collect();
    let whole = json!({"version": JSON_VERSION, "explanations": all});
    format!("{whole:#}\n")
}

// --- for a person ----------------------------------------------------------------------------------------------

/// The codes, and the text where there is some.
fn asked(explanation: &Explanation) -> String {
    let question = &explanation.question;
    let text = visible(question.text.as_bytes());
    let cut = cut(&text, MAX_TEXT);
    if cut.is_empty() { question.codes() } else { format!("{} {cut}", question.codes()) }
}

/// What was replied to.
fn answered(command: &str) -> String {
    match command {
        "" => "in reply to the connection: it is the greeting".to_owned(),
        "DATA" => "in reply to DATA, or to the message".to_owned(),
        verb => format!("in reply to {verb}"),
    }
}

fn of_code(code: &str, meaning: Meaning, styled: Styled) -> String {
    let reference = styled.paint(SOURCE, &format!("({})", meaning.reference));
    format!("{}: {} {reference}", styled.paint(CODE, code), meaning.text)
}

fn section(screen: &mut String, title: &str, statements: &[&Statement], question: &Question, styled: Styled) {
    _ = writeln!(screen, "\n  {}", styled.paint(HEADING, title));
    for (index, statement) in statements.iter().enumerate() {
        let (first, second) = match (statement.means, statement.help) {
            ("", help) => (help, ""),
            (means, help) => (means, help),
        };
        _ = writeln!(screen, "    {}: {first}", styled.paint(CODE, &signs(statement, question)));
        if !second.is_empty() {
            _ = writeln!(screen, "      help: {second}");
        }
        // Statements from one page stand above its address.
        if statements.get(index + 1).is_none_or(|next| next.source != statement.source) {
            let source = format!("{}, {}", statement.source.title, statement.source.url);
            _ = writeln!(screen, "      {}", styled.paint(SOURCE, &source));
        }
    }
}

/// Providers are not named: nothing shows that it is one of them.
fn others(explanation: &Explanation, styled: Styled) -> String {
    let codes = explanation.question.codes();
    let command = format!("smtp-script explain {codes} --provider NAME");
    format!("Some providers mean something of their own by {}: {command}", styled.paint(CODE, &codes))
}

/// By what a reply is known: codes, command, text.
fn signs(statement: &Statement, question: &Question) -> String {
    let asked = question.exact_code().filter(|_| !statement.text.is_empty() && !question.text.is_empty());
    let codes = match (statement.codes, asked) {
        // It stands there by its words: the other codes are of no interest.
        (_, Some(code)) => code.to_string(),
        (CodeSigns::Are(codes), None) => listed(codes.iter().map(u16::to_string), ", "),
        (CodeSigns::Begin(digits), None) => listed(digits.iter().map(|digit| format!("{digit}yz")), ", "),
    };
    let mut shown = codes;
    let enhanced = enhanced_of(statement);
    if !enhanced.is_empty() {
        _ = write!(shown, " {}", enhanced.join(", "));
    }
    if !statement.verbs.is_empty() {
        let commands = statement.verbs.iter().filter(|verb| !verb.is_empty()).map(|verb| (*verb).to_owned());
        let list = listed(commands, ", ");
        if list.is_empty() {
            shown.push_str(" in the greeting");
        } else {
            _ = write!(shown, " in reply to {list}");
        }
    }
    if !statement.text.is_empty() {
        let parts = statement.phrases(question.text.as_bytes()).into_iter().map(|part| format!("\"{part}\""));
        _ = write!(shown, " with {}", listed(parts, " or "));
    }
    shown
}

/// The enhanced status codes, of the one class where there is one: `5.7.8`, `x.7.321-325`.
fn enhanced_of(statement: &Statement) -> Vec<String> {
    let class = match statement.codes {
        CodeSigns::Are(codes) if codes.iter().all(|code| code / 100 == codes[0] / 100) => (codes[0] / 100).to_string(),
        CodeSigns::Begin([digit]) => digit.to_string(),
        _ => "x".to_owned(),
    };
    let named = statement.enhanced.iter().map(|(subject, detail)| format!("{class}.{subject}.{detail}"));
    let ranged = statement.range.map(|(subject, first, last)| format!("{class}.{subject}.{first}-{last}"));
    named.chain(ranged).collect()
}

fn listed(items: impl Iterator<Item = String>, between: &str) -> String {
    items.collect::<Vec<_>>().join(between)
}

// --- for a machine ---------------------------------------------------------------------------------------------

fn one(explanation: &Explanation) -> Value {
    let question = &explanation.question;
    let meanings = |list: &[(String, Meaning)]| list.iter().map(|(code, it)| of_meaning(code, *it)).collect::<Vec<_>>();
    json!({
        "asked": asked(explanation),
        "codes": question.codes(),
        "text": visible(question.text.as_bytes()),
        "in_reply_to": question.command,
        "meanings": meanings(&explanation.meanings),
        "usual_reply_codes": explanation.usual_reply_codes,
        "contradiction": explanation.contradiction,
        "unregistered": explanation.unregistered,
        "members": meanings(&explanation.members),
        "provider": explanation.provider.map(|it| it.id),
        "general": explanation.general.iter().map(|it| of_statement(it)).collect::<Vec<_>>(),
        "providers": explanation.providers.iter().map(of_provider).collect::<Vec<_>>(),
        "others_mean_something": explanation.others,
    })
}

fn of_meaning(code: &str, meaning: Meaning) -> Value {
    json!({
        "code": code,
        "means": meaning.text,
        "source": {"title": meaning.reference, "url": url_of(meaning.reference)},
    })
}

fn of_provider(says: &ProviderSays) -> Value {
    let Provider { id, name, .. } = says.provider;
    let statements: Vec<Value> = says.statements.iter().map(|it| of_statement(it)).collect();
    // `further` stays for those who read it: what is not said is no longer counted.
    json!({"id": id, "name": name, "statements": statements, "further": 0})
}

fn of_statement(statement: &Statement) -> Value {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let codes: Vec<String> = match statement.codes {
        CodeSigns::Are(codes) => codes.iter().map(u16::to_string).collect(),
        CodeSigns::Begin(digits) => digits.iter().map(|digit| format!("{digit}yz")).collect(),
    };
    json!({
        "reply_codes": codes,
        "enhanced_status_codes": enhanced_of(statement),
        "in_reply_to": statement.verbs,
        "text_has_one_of": statement.text.iter().map(|phrase| phrase.replace('|', "")).collect::<Vec<_>>(),
        "means": some(statement.means),
        "help": some(statement.help),
        "source": {"title": statement.source.title, "url": statement.source.url},
    })
}
