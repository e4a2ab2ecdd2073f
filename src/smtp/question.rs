//! What somebody asks to have explained: codes as they are typed, or replies as they are pasted from a log or a bounce.
//!
//! Responsible for what a question holds, and for finding codes in text that people give: surely (`lines`), and where that finds
//! nothing, more freely (`lax`). Not for replies on the wire (`reply`) nor for the answer (`explanation`). Called by
//! `explanation`, the shell and the command line.

mod answered;
mod codes;
mod entry;
mod found;
mod http;
mod lax;
mod lines;
mod member;
mod snippet;
/// The log of qmail has underscores for blanks: `Remote_host_said:_550_5.1.1_unknown_user`.
fn with_blanks(text: &str) -> Cow<'_, str> {
    let is_so = |line: &str| line.contains("_said:_") || line.contains("_does_not_like_recipient");
    if !text.lines().any(is_so) {
        return Cow::Borrowed(text);
    }
    text.split_inclusive('\n').map(|line| if is_so(line) { line.replace('_', " ") } else { line.to_owned() }).collect()
}

#[cfg(test)]
mod tests;

use super::status::EnhancedStatusCode;
use codes::{Codes, Digits};
use std::borrow::Cow;

/// A reply, as much of it as was given, or a pattern of codes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// The reply code; `None` stands for any digit.
    pub code: Option<[Option<u8>; 3]>,
    /// Class, subject and detail of the enhanced status code; `None` stands for any.
    pub enhanced: Option<(Option<u8>, Option<u16>, Option<u16>)>,
    /// The text after the codes.
    pub text: String,
    /// The verb of the command that was replied to, where the text tells it: empty for the connection itself, whose reply is
    /// the greeting; DATA is also the end of the mail data.
    pub command: Option<&'static str>,
    /// The line in which it stood, and those that belong to it: a provider may be known by them.
    pub context: String,
    /// What stood right before.
    pub before: String,
    /// The host that was connected to, where that is known.
    pub host: String,
    /// The server's greeting, where it is known.
    pub greeting: String,
    /// The whole text, where it is the only reply in it.
    pub surroundings: String,
}

impl Question {
    /// Reads `535`, `5.7.8`, `535 5.7.8`, `5xx`, `4.7.x`, or a reply line; `None` if it does not begin with a code.
    #[must_use]
    pub fn read(text: &str) -> Option<Question> {
        let text = text.trim();
        let codes = Codes::at_start_of(text)?;
        let kept = kept_text(codes.rest, &codes);
        let mut question = Question {
            code: codes.code,
            enhanced: codes.enhanced,
            text: kept,
            context: snippet::start_of(text, snippet::ENOUGH).to_owned(),
            ..Question::default()
        };
        question.see_what_is_answered(text);
        question.see_enhanced_at_end();
        Some(question)
    }

    /// Every reply in a pasted text, the same one once.
    #[must_use]
    pub fn all_in(text: &str) -> Vec<Question> {
        let text = &*with_blanks(text);
        let sure = lines::read(text);
        if !sure.says_little() {
            return sure.into_questions();
        }
        let questions = lax::read(text).into_questions();
        if questions.is_empty() { sure.into_questions() } else { questions }
    }

    /// The reply at a place of a line that ends before `end`; `paragraph` stood before the line.
    fn at(line: &str, at: usize, codes: &Codes<'_>, end: usize, paragraph: &str) -> Question {
        let text = codes.rest.get(..codes.rest.len().saturating_sub(line.len() - end)).unwrap_or_default();
        let text = snippet::start_of(text, snippet::ENOUGH);
        let mut context = snippet::end_of(&line[..at], snippet::ENOUGH / 2).trim().to_owned();
        let before = snippet::end_of(paragraph, snippet::ENOUGH / 2).to_owned();
        let command = answered::verb_of(&[&before, " ", &context].concat(), text);
        snippet::add(&mut context, snippet::start_of(&line[at..end], snippet::ENOUGH));
        let text = kept_text(unquoted(text, &line[..at]), codes);
        let mut question = Question {
            code: codes.code,
            enhanced: codes.enhanced,
            text,
            command,
            context,
            before,
            ..Question::default()
        };
        if let Some(told) = member::told_before(&line[..at], codes.rest).filter(|_| codes.enhanced.is_none()) {
            question.take(&told, codes);
        }
        question.see_enhanced_at_end();
        question
    }

    /// Takes the text that stood before the code.
    fn take(&mut self, told: &member::Told<'_>, codes: &Codes<'_>) {
        let class = codes.code.and_then(|digits| digits[0]);
        let written = codes::enhanced_prefix(told.text).filter(|(it, _)| it.0 == class && it.2.is_some());
        self.enhanced = written.map(|(it, _)| it).or(told.enhanced);
        self.text = kept_text(written.map_or(told.text, |(_, text)| text), codes);
    }

    /// qmail writes its enhanced status code last: `553 sorry, no mailbox here by that name (#5.7.1)`.
    fn see_enhanced_at_end(&mut self) {
        let class = self.code.and_then(|digits| digits[0]);
        let written = self.text.rsplit_once("(#").filter(|_| self.enhanced.is_none() && class.is_some());
        let found = written.and_then(|(_, after)| codes::enhanced_prefix(after)).map(|(it, _)| it);
        self.enhanced = found.filter(|it| it.0 == class && it.2.is_some()).or(self.enhanced);
    }

    /// Adds what belongs to the text of the same reply, which a log may hold many times: what is long already stays.
    pub fn add(&mut self, text: &str, context: &str) {
        snippet::add(&mut self.text, text);
        snippet::add(&mut self.context, context);
    }

    /// Takes the command that a further line of the reply names: `(in reply to MAIL FROM command)`.
    fn see_what_is_answered(&mut self, line: &str) {
        if self.command.is_none() {
            // Where enough is kept, only the line is new.
            let end = if self.context.len() > snippet::ENOUGH { "" } else { snippet::end_of(&self.context, 160) };
            self.command = answered::by_later(end).or_else(|| answered::by_later(line));
        }
    }

    /// The reply code, unless it is a pattern.
    #[must_use]
    pub fn exact_code(&self) -> Option<u16> {
        self.code?.into_iter().try_fold(0, |code, digit| Some(code * 10 + u16::from(digit?)))
    }

    /// The enhanced status code, unless it is a pattern.
    #[must_use]
    pub fn exact_enhanced(&self) -> Option<EnhancedStatusCode> {
        let (class, subject, detail) = self.enhanced?;
        Some(EnhancedStatusCode { class: class?, subject: subject?, detail: detail? })
    }

    /// Whether it is one code alone, which what follows may complete.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.text.is_empty() && (self.code.is_none() || self.enhanced.is_none())
    }

    /// The codes, as they are written: `535 5.7.8`, `5xx`, `4.7.x`.
    #[must_use]
    pub fn codes(&self) -> String {
        let code = self.code.map(|digits| {
            digits.iter().map(|digit| digit.map_or('x', |digit| char::from(b'0' + digit))).collect::<String>()
        });
        let part = |number: Option<u16>| number.map_or_else(|| "x".to_owned(), |number| number.to_string());
        let enhanced = self.enhanced.map(|(class, subject, detail)| {
            format!("{}.{}.{}", part(class.map(u16::from)), part(subject), part(detail))
        });
        code.into_iter().chain(enhanced).collect::<Vec<_>>().join(" ")
    }
}

/// The text of a reply on one line: where its lines were glued, or their ends are written as `\n`, the codes are left out
/// that stand at the start of each.
fn kept_text(text: &str, codes: &Codes<'_>) -> String {
    let text = snippet::start_of(text, snippet::ENOUGH);
    // Python prints a long text as several.
    let text = text.replace("\\r\\n", " ").replace("\\n", " ").replace("' b'", "").replace("\" b\"", "");
    let (code, enhanced) = (shown_code(codes.code), codes.enhanced);
    let is_repeated = |word: &str| {
        Some(word) == code.as_deref()
            || enhanced.is_some() && codes::enhanced_prefix(word).is_some_and(|(it, _)| Some(it) == enhanced)
    };
    let glued = code.as_ref().map(|code| format!("{code}-"));
    let words = text.split_ascii_whitespace().filter_map(|word| {
        let word = glued.as_deref().and_then(|glued| word.strip_prefix(glued)).unwrap_or(word);
        (!is_repeated(word)).then_some(word)
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The digits of a code, unless it is a pattern.
fn shown_code(code: Option<Digits>) -> Option<String> {
    code?.into_iter().map(|digit| digit.map(|digit| char::from(b'0' + digit))).collect()
}

/// The text up to the quotation mark that ends it, where one began it.
fn unquoted<'a>(text: &'a str, before: &str) -> &'a str {
    let mark = before.chars().last().filter(|it| matches!(it, '"' | '\''));
    let is_end =
        |rest: &str| rest.trim_start().is_empty() || rest.trim_start().starts_with([',', ')', ']', '}', ';', '.', ':']);
    let ends = |mark: char| text.char_indices().find(|(at, c)| *c == mark && is_end(&text[at + 1..])).map(|it| it.0);
    if mark.is_some_and(|mark| text.starts_with(mark)) {
        return "";
    }
    let end = mark.and_then(ends).or_else(|| ["')", "\")", "'}", "\"}"].iter().filter_map(|end| text.find(end)).min());
    end.map_or(text, |end| &text[..end])
}
