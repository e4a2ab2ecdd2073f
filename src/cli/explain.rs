//! `smtp-script explain`: what reply codes mean, by the RFCs and by the known providers.

use super::refusal::Refusal;
use super::screen::{self, Color};
use crate::report::explanation as layout;
use crate::scenario::reason;
use crate::secret::{Masker, typed_in_text};
use crate::smtp::explanation::{Explanation, explain as explained};
use crate::smtp::no_reply::cause_of;
use crate::smtp::provider::{self, Provider};
use crate::smtp::question::Question;
use clap::ValueEnum;
use std::io::Read as _;

/// The most that is read from standard input, in bytes.
const MAX_INPUT: u64 = 16 * 1024 * 1024;

/// How many of its characters are searched for a provider.
const MAX_CONTEXT: usize = 64 * 1024;

/// Explain reply codes and enhanced status codes: what the RFCs and the IANA registry say, what the known providers mean by
/// them, and what usually helps, each with its source.
#[derive(Debug, clap::Args)]
pub(super) struct ExplainArguments {
    /// Codes (535, 5.7.8, 5xx, 4.7.x), reply lines, or `-` for standard input, such as a bounce
    #[arg(required = true, value_name = "CODE", allow_negative_numbers = true)]
    codes: Vec<String>,
    /// Say only what this provider means; `smtp-script new --help` lists them
    #[arg(long, value_name = "NAME", value_parser = provider_named)]
    provider: Option<&'static Provider>,
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: ExplainFormat,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

/// A form of output.
#[derive(Debug, Clone, Copy, ValueEnum, PartialEq, Eq)]
pub(super) enum ExplainFormat {
    /// For people.
    Human,
    /// For machines.
    Json,
}

/// Explains everything that is asked; 0, or 2 when something is no code.
pub(super) fn explain(arguments: &ExplainArguments) -> u8 {
    match questions(&arguments.codes) {
        Ok(questions) => {
            let answers: Vec<Explanation> = questions.iter().map(|it| explained(it, arguments.provider)).collect();
            screen::result(&shown(&answers, arguments));
            0
        }
        Err(refusal) => refusal.show(),
    }
}

fn shown(answers: &[Explanation], arguments: &ExplainArguments) -> String {
    match arguments.format {
        ExplainFormat::Json => layout::json(answers),
        ExplainFormat::Human => {
            let styled = arguments.color.for_results();
            answers.iter().map(|answer| layout::text(answer, styled)).collect::<Vec<_>>().join("\n")
        }
    }
}

/// The name of a provider on the command line.
pub(super) fn provider_named(name: &str) -> Result<&'static Provider, String> {
    provider::find(name).ok_or_else(|| {
        let known: Vec<&str> = provider::all().iter().map(|it| it.id).collect();
        format!("the known providers are {}", known.join(", "))
    })
}

/// What the arguments ask. A code that stands alone takes what follows it: `535 5.7.8` needs no quotes.
fn questions(arguments: &[String]) -> Result<Vec<Question>, Refusal> {
    let mut questions: Vec<Question> = Vec::new();
    for argument in arguments {
        if argument == "-" {
            questions.extend(from_standard_input()?);
            continue;
        }
        let mut found = match Question::read(argument) {
            Some(question) if !argument.contains('\n') => vec![question],
            _ => Question::all_in(argument),
        };
        veil(&mut found, argument);
        match (found.as_slice(), questions.last_mut()) {
            ([only], Some(last)) if completes(last, only) => {
                last.enhanced = only.enhanced;
                last.add(&only.text, &only.context);
            }
            ([], Some(last)) if last.code.is_some() || last.enhanced.is_some() => last.add(argument, argument),
            ([], _) => return Err(no_code(argument).into()),
            _ => questions.extend(found),
        }
    }
    Ok(questions)
}

/// Hides what a login in the text carries where a reply repeats it: explanations go into tickets.
fn veil(questions: &mut [Question], text: &str) {
    if let Some(masker) = Masker::default().with_credentials(&typed_in_text(text)) {
        for question in questions {
            question.text = masker.mask_text(&question.text);
        }
    }
}

/// Whether the second belongs to the first: an enhanced status code after a reply code of its class.
fn completes(first: &Question, second: &Question) -> bool {
    let class = second.enhanced.and_then(|it| it.0);
    let same_class = class.is_none() || first.code.is_some_and(|code| code[0] == class);
    first.code.is_some() && first.is_bare() && first.enhanced.is_none() && second.code.is_none() && same_class
}

fn no_code(text: &str) -> String {
    let shown = crate::visible(text.as_bytes());
    if let Some(cause) = cause_of(text) {
        return format!("`{shown}` holds no code: {}\n  = help: {}", cause.means, cause.help);
    }
    format!(
        "`{shown}` holds no code\n  = help: give a reply code from 200 to 599 (`535`), an enhanced status code (`5.7.8`), both \
         (`535 5.7.8`), a pattern (`5xx`, `4.7.x`), a reply line, or `-` to read a bounce from standard input"
    )
}

fn from_standard_input() -> Result<Vec<Question>, Refusal> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().take(MAX_INPUT).read_to_end(&mut bytes);
    read.map_err(|error| format!("cannot read standard input: {}", reason(&error)))?;
    let text = String::from_utf8_lossy(&bytes);
    let mut found = Question::all_in(&text);
    // `echo 535 | smtp-script explain -`
    if let (true, Some(question)) = (found.is_empty(), Question::read(&text)) {
        found.push(question);
    }
    // A bounce names its server somewhere.
    if let [only] = found.as_mut_slice() {
        only.surroundings = text.chars().take(MAX_CONTEXT).collect();
    }
    veil(&mut found, &text);
    if !found.is_empty() {
        return Ok(found);
    }
    let nothing = "no reply code stands in standard input";
    // What failed stands at the end of a log.
    let end = text.char_indices().rev().nth(MAX_CONTEXT).map_or(0, |(at, _)| at);
    Err(match cause_of(&text[end..]) {
        Some(cause) => format!("{nothing}: {}\n  = help: {}", cause.means, cause.help).into(),
        None => nothing.into(),
    })
}
