//! The replies that were found so far, each once.
//!
//! Responsible for putting together what belongs to one reply: its lines, and the places where a log or a bounce repeats it.
//! Called by the readers beside it.

use super::codes::{Digits, Enhanced};
use super::{Question, snippet};
use std::collections::HashMap;

/// Codes of one reply, by which it is found again.
type FoundKey = (Option<Digits>, Option<Enhanced>);

/// Nobody reads more different replies than this.
const MOST: usize = 1000;

/// Replies in the order in which they were found.
#[derive(Default)]
pub(super) struct Found {
    /// `None` where a later one says the same and more.
    questions: Vec<Option<Question>>,
    places: HashMap<FoundKey, usize>,
    /// Of the replies with both codes by their enhanced one.
    with_code: HashMap<Enhanced, usize>,
    /// Those that stood in entries of a log, by their wording too.
    entries: HashMap<(FoundKey, String), usize>,
    last: Option<usize>,
}

/// Lines with replies that a log repeats: after so many times one tells nothing new.
#[derive(Default)]
pub(super) struct RepeatedLines<'t> {
    /// How often each was read, and which reply it was last.
    lines: HashMap<&'t str, (usize, usize)>,
}

impl<'t> RepeatedLines<'t> {
    const MANY: usize = 200;
    const MOST_LINES: usize = 1000;

    /// The reply of a line that was read often enough.
    pub(super) fn reply_of(&self, line: &str) -> Option<usize> {
        self.lines.get(line).filter(|(count, _)| *count >= Self::MANY).map(|(_, reply)| *reply)
    }

    pub(super) fn note(&mut self, line: &'t str, reply: usize) {
        if self.lines.len() < Self::MOST_LINES || self.lines.contains_key(line) {
            let (count, last) = self.lines.entry(line).or_default();
            (*count, *last) = (*count + 1, reply);
        }
    }
}

impl Found {
    /// A reply that is there already comes again, in the same words.
    pub(super) fn again(&mut self, index: usize) {
        self.last = Some(index);
    }

    pub(super) fn at(&self, index: usize) -> Option<&Question> {
        self.questions.get(index)?.as_ref()
    }

    /// Whether nothing was found that tells more than an enhanced status code by itself.
    pub(super) fn says_little(&self) -> bool {
        self.questions.iter().flatten().all(|it| it.code.is_none() && it.text.is_empty())
    }

    /// Puts a reply to the others: a further line of the last one, one that is there already, or a new one.
    pub(super) fn join(&mut self, question: Question) -> usize {
        let known = self.places.get(&key(&question)).copied().or_else(|| self.told_by(&question));
        let index = match known {
            Some(index) => {
                if let Some(known) = &mut self.questions[index] {
                    known.add(&question.text, &question.context);
                    known.command = known.command.or(question.command);
                }
                index
            }
            None => self.push(question),
        };
        self.last = Some(index);
        index
    }

    /// The same for an entry of a log, which has nothing to do with the ones before: two servers may say the same codes
    /// in other words, and the same words once more tell nothing new.
    pub(super) fn join_entry(&mut self, question: Question) -> usize {
        let entry = (key(&question), wording(&question.text));
        if let Some(known) = self.entries.get(&entry).copied() {
            self.last = Some(known);
            return known;
        }
        let first = self.places.get(&entry.0).and_then(|at| self.at(*at)).map(|it| wording(&it.text));
        let is_another = first.is_some_and(|first| !first.is_empty() && !entry.1.is_empty() && first != entry.1);
        let index = if is_another { self.push(question) } else { self.join(question) };
        self.entries.insert(entry, index);
        self.last = Some(index);
        index
    }

    /// A known one that says the same and more.
    fn told_by(&self, question: &Question) -> Option<usize> {
        let is_same_code = |at: &usize| self.at(*at).is_some_and(|it| it.code == question.code);
        match (question.code, question.enhanced) {
            (Some(_), None) => self.last.filter(is_same_code),
            (None, Some(enhanced)) => self.with_code.get(&enhanced).copied().or_else(|| self.told_by_class(question)),
            _ => None,
        }
    }

    /// `Status: 5.0.0` says nothing beside a reply of its class.
    fn told_by_class(&self, question: &Question) -> Option<usize> {
        let (class, subject, detail) = question.enhanced?;
        let is_of_class = |it: &Question| it.code.is_some_and(|digits| digits[0] == class);
        let says_class_only = (subject, detail) == (Some(0), Some(0)) && question.text.is_empty();
        let mut replies = self.questions.iter().take(MOST);
        if says_class_only { replies.position(|it| it.as_ref().is_some_and(is_of_class)) } else { None }
    }

    fn push(&mut self, question: Question) -> usize {
        if self.questions.len() >= MOST {
            return self.questions.len() - 1;
        }
        let index = self.questions.len();
        if question.code.is_some() {
            self.forget_summary(&question);
            if let Some(enhanced) = question.enhanced {
                self.with_code.entry(enhanced).or_insert(index);
            }
        }
        self.places.insert(key(&question), index);
        self.questions.push(Some(question));
        index
    }

    /// `Status: 5.7.1` comes before the reply that has both codes, and `5.0.0` says nothing beside any reply.
    fn forget_summary(&mut self, reply: &Question) {
        let class = reply.code.and_then(|digits| digits[0]);
        for enhanced in reply.enhanced.into_iter().chain([(class, Some(0), Some(0))]) {
            if let Some(index) = self.places.remove(&(None, Some(enhanced))) {
                self.questions[index] = None;
            }
        }
    }

    /// Adds a line to a reply.
    pub(super) fn add(&mut self, index: Option<usize>, line: &str) {
        if let Some(Some(question)) = index.and_then(|at| self.questions.get_mut(at)) {
            if !is_of_stack(line) {
                question.add(line, line);
            }
            question.see_what_is_answered(line);
        }
    }

    /// Puts `completed`, with the rest of its text, in place of the last one.
    pub(super) fn replace_last(&mut self, completed: Question, text: &str, line: &str) -> Option<usize> {
        let last = self.last?;
        let bare = self.questions[last].take()?;
        self.places.remove(&key(&bare));
        let index = self.join(completed);
        if let Some(question) = &mut self.questions[index] {
            question.add(text, line);
        }
        Some(index)
    }

    pub(super) fn into_questions(self) -> Vec<Question> {
        let mut questions: Vec<Question> = self.questions.into_iter().flatten().collect();
        for question in &mut questions {
            question.text = snippet::start_of(&question.text, snippet::ENOUGH).to_owned();
        }
        questions
    }
}

/// Whether a line tells where in a program something happened.
fn is_of_stack(line: &str) -> bool {
    let line = line.trim_start();
    let is_call = |it: &str| {
        it.contains('(') && it.trim_end().ends_with([')', '{'])
            || it.contains("::")
            || it.contains(" in ")
            || it.trim_end().split('.').count() > 2 && !it.trim_end().contains(' ')
    };
    line.strip_prefix("at ").is_some_and(is_call)
        || ["File \"", "from /", "---> ", "... ", "#0 ", "#1 ", "#2 ", "Traceback "]
            .iter()
            .any(|it| line.starts_with(it))
}

/// The first words of a reply without what differs from one recipient to the next: addresses, numbers, identifiers.
fn wording(text: &str) -> String {
    let is_plain = |word: &&str| !word.contains(|it: char| it.is_ascii_digit() || "@<=/".contains(it));
    text.split_ascii_whitespace().filter(is_plain).take(6).collect::<Vec<_>>().join(" ").to_ascii_lowercase()
}

fn key(question: &Question) -> FoundKey {
    (question.code, question.enhanced)
}
