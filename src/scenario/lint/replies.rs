//! The replies that each session owes, before the run: which step reads the reply to which.
//!
//! Responsible for replies that nobody reads, or that another step's `expect` is compared with.

use super::answers;
use super::codes::{Outlook, may_be, outlook};
use crate::scenario::source::Diagnostic;
use crate::scenario::template::Text;
use crate::scenario::{Action, CodeSet, Expectation, Expected, Group, Speech, Step};
use crate::smtp::closing::Closing;
use crate::smtp::command::{CommandLine, Verb};
use crate::smtp::dialogue::{Awaited, Dialogue};
use std::collections::{BTreeMap, VecDeque};

/// The replies that each session owes, as far as the file shows; unknown once a step makes them depend on the run.
#[derive(Default)]
pub(super) struct Replies<'s> {
    sessions: BTreeMap<String, Owing<'s>>,
}

#[derive(Default)]
struct Owing<'s> {
    /// For each reply the step that asks for it; nobody asks for the greeting.
    queue: VecDeque<Option<&'s Step>>,
    /// How many there are, if the replies are those that are expected.
    dialogue: Dialogue,
    unknown: bool,
    mail_data: bool,
    closed: bool,
    /// A line was sent, and nothing but lines.
    asked: bool,
}

impl<'s> Replies<'s> {
    pub(super) fn step(&mut self, step: &'s Step, warnings: &mut Vec<Diagnostic>) {
        if let Action::Group(group) = &step.action {
            return self.group(step, group, warnings);
        }
        let owing = self.session(step);
        if step.head.when.is_some() || step.head.continues {
            owing.unknown = true;
        }
        if owing.closed && says_something(step) && !owing.unknown {
            let warning = Diagnostic::warning(step.head.span, "the session was closed by a step before this one");
            warnings.push(warning.help("open it again with `- connect: …`"));
            owing.unknown = true;
        }
        let before = owing.queue.front().copied();
        owing.asks(step);
        if let Some(expect) = &step.expect {
            if let Some(Some(asked)) = before.filter(|_| step.action.speaks() == Speech::Asks && !owing.unknown) {
                let text = "the reply to this is read by a later step, whose `expect` is meant for another command";
                let warning = Diagnostic::warning(asked.head.span, text)
                    .other(expect.span, "compared with the reply to the earlier step");
                warnings.push(warning.help("give it an `expect` of its own"));
                owing.unknown = true;
            }
            if owing.is_idle(step, before.is_some()) && success(expect) {
                let text = "all lines of a reply are one reply, and each is read: nothing is owed here";
                let help =
                    "one `expect` compares the whole reply to a command: `expect: {all: […]}`, or `{offers: […]}`";
                warnings.push(Diagnostic::warning(expect.span, text).help(help));
                owing.unknown = true;
            }
            if let (Action::None, Some(Some(asked)), false) = (&step.action, before, owing.unknown) {
                answers::to_step(asked, expect, warnings);
            }
            owing.reads(expect);
        }
        if matches!(step.action, Action::StartTls(_) | Action::Tls(_)) {
            owing.restart();
        }
    }

    /// Loops and attempts end as they began; in a pipelined group the replies come after all that is sent.
    fn group(&mut self, step: &'s Step, group: &'s Group, warnings: &mut Vec<Diagnostic>) {
        if step.head.when.is_some() || step.head.continues || group.retry.is_some() {
            self.session(step).unknown = true;
        }
        if !group.pipeline {
            return group.steps.iter().for_each(|inner| self.step(inner, warnings));
        }
        for inner in &group.steps {
            let owing = self.session(inner);
            if matches!(inner.action, Action::Group(_)) || inner.head.when.is_some() {
                owing.unknown = true;
            }
            owing.asks(inner);
        }
        for inner in &group.steps {
            if let Some(expect) = &inner.expect {
                self.session(inner).reads(expect);
            }
        }
    }

    fn session(&mut self, step: &Step) -> &mut Owing<'s> {
        self.sessions.entry(step.session_name().to_owned()).or_default()
    }

    pub(super) fn end(self, warnings: &mut Vec<Diagnostic>) {
        for owing in self.sessions.into_values().filter(|owing| !owing.unknown) {
            if let Some(step) = owing.queue.into_iter().flatten().next() {
                let warning = Diagnostic::warning(step.head.span, "no step reads the reply to this");
                warnings.push(warning.help("put `expect:` beside it"));
            }
        }
    }
}

impl<'s> Owing<'s> {
    /// The replies that a step's action asks for.
    fn asks(&mut self, step: &'s Step) {
        self.asked &= matches!(step.action.speaks(), Speech::Nothing | Speech::Listens);
        match &step.action {
            Action::Connect(_) => {
                *self = Owing { queue: VecDeque::from([None]), dialogue: Dialogue::greeting(), ..Owing::default() };
            }
            Action::Close(closing) if *closing != Closing::Write => *self = Owing { closed: true, ..Owing::default() },
            Action::Send(lines) => self.lines(lines, step),
            Action::Raw(_) | Action::Bdat(_) => self.unknown = true,
            Action::Data(data) if data.terminate => {
                self.mail_data = false;
                self.dialogue.mail_data_ended();
            }
            Action::StartTls(_) if step.expect.is_some() => _ = self.dialogue.wrote_command(b"STARTTLS"),
            // Its last reply is the one that is compared, whatever came before.
            Action::Auth(_) if step.expect.is_some() => self.dialogue.wrote_other(),
            _ => {}
        }
        self.queue.resize(self.dialogue.owed(), Some(step));
    }

    /// Whether a step only reads, after lines that were all answered.
    fn is_idle(&self, step: &Step, owed: bool) -> bool {
        matches!(step.action, Action::None) && !owed && self.asked && !self.unknown
    }

    /// A handshake: of what was asked before nothing is owed, but for the greeting.
    fn restart(&mut self) {
        let greeting_owed = self.dialogue.oldest() == Some(Awaited::Greeting);
        self.dialogue = if greeting_owed { Dialogue::greeting() } else { Dialogue::default() };
        self.queue.truncate(self.dialogue.owed());
    }

    fn lines(&mut self, lines: &[Text], step: &'s Step) {
        let whole: Vec<String> = lines.iter().map(|line| line.with_placeholder("x")).collect();
        for line in whole.iter().flat_map(|text| text.trim_end_matches('\n').split('\n')) {
            match (self.mail_data, line) {
                (true, ".") => {
                    self.mail_data = false;
                    self.dialogue.mail_data_ended();
                    continue;
                }
                (true, _) => continue,
                (false, _) => _ = self.dialogue.wrote_command(line.as_bytes()),
            }
            let accepted = step
                .expect
                .as_ref()
                .is_none_or(|expect| outlook(expect) != Outlook::Refusal && (may_be(expect, &[354]) != Some(false)));
            let verb = CommandLine::parse(line.as_bytes()).verb();
            self.mail_data = verb == Verb::Data && accepted;
            // After STARTTLS a test may look for what comes in plain text.
            self.asked = verb != Verb::StartTls;
            self.unknown |= verb == Verb::BdatCommand;
        }
    }

    fn reads(&mut self, expect: &Expectation) {
        match &expect.kind {
            Expected::Pattern(_) | Expected::Code(_) | Expected::Fields(_) | Expected::Any(_) | Expected::All(_) => {
                let settled = self.dialogue.replied(first_digit(expect).unwrap_or(2) * 100);
                self.queue.pop_front();
                if let Some(place) = settled.and_then(|settled| settled.one_more) {
                    let same = place.checked_sub(1).and_then(|before| self.queue.get(before)).copied().flatten();
                    self.queue.insert(place, same);
                }
            }
            Expected::Line(_) | Expected::Raw(_) | Expected::Observe(_) => self.unknown = true,
            Expected::Closed(_) => {
                self.queue.clear();
                self.dialogue.restart();
            }
            Expected::Silence(_) => {}
        }
    }
}

/// The first digit of the reply that is expected, where the expectation begins with it.
fn first_digit(expect: &Expectation) -> Option<u16> {
    let of = |codes: &CodeSet| match codes {
        CodeSet::OneOf(codes) => codes.first().and_then(|code| code.digits[0]).map(u16::from),
        CodeSet::Any => None,
    };
    match &expect.kind {
        Expected::Pattern(pattern) => {
            let digit = pattern.text.source.strip_prefix('^').and_then(|rest| rest.chars().next());
            digit.and_then(|digit| digit.to_digit(10)).and_then(|digit| u16::try_from(digit).ok())
        }
        Expected::Code(codes) => of(codes),
        Expected::Fields(fields) => fields.code.as_ref().and_then(|(codes, _)| of(codes)),
        Expected::Any(list) | Expected::All(list) => list.iter().find_map(first_digit),
        _ => None,
    }
}

/// Whether a reply of success is expected, and nothing that a server says by itself.
fn success(expect: &Expectation) -> bool {
    outlook(expect) == Outlook::Success && may_be(expect, &[421]) == Some(false)
}

/// Whether the other side gets something to read.
fn says_something(step: &Step) -> bool {
    matches!(step.action.speaks(), Speech::Asks | Speech::Sends | Speech::Handshakes)
}
