//! Lints: a scenario that can be run, but probably does not mean what it says.
//!
//! Responsible for warnings only. Called by `check` once a file has no errors left that would make them noise.

mod server;

use super::source::Diagnostic;
use super::template::Text;
use super::{
    Action, Closing, CodeSet, Content, Data, Expectation, Expected, Group, MailData, Pattern, RawBytes, Scenario,
    Speech, Step,
};
use crate::smtp::command::{CommandLine, Verb};
use crate::smtp::dialogue::{Awaited, Dialogue};
use std::collections::{BTreeMap, VecDeque};

/// Finds what looks wrong.
pub(super) fn lint(scenario: &Scenario) -> Vec<Diagnostic> {
    let mut linter = Linter { scenario, warnings: Vec::new() };
    let mut replies = Replies::default();
    if let Some(opening) = &scenario.opening {
        replies.step(opening, &mut linter.warnings);
    }
    for step in &scenario.steps {
        replies.step(step, &mut linter.warnings);
    }
    replies.end(&mut linter.warnings);
    for step in scenario.all_steps() {
        linter.step(step);
    }
    linter.vars();
    linter.warnings.extend(scenario.server.iter().flat_map(|server| server::lint(server)));
    linter.warnings
}

struct Linter<'a> {
    scenario: &'a Scenario,
    warnings: Vec<Diagnostic>,
}

impl Linter<'_> {
    fn step(&mut self, step: &Step) {
        match &step.action {
            Action::Send(lines) => lines.iter().for_each(|line| self.cut_by_yaml(line)),
            Action::Raw(RawBytes::Text(text)) => self.raw_text(text),
            Action::Data(MailData { content: Content::Text(text), .. }) => self.fixed_headers(text),
            _ => {}
        }
        if let Some(expect) = &step.expect {
            self.expectation(expect);
        }
    }

    fn expectation(&mut self, expect: &Expectation) {
        match &expect.kind {
            Expected::Pattern(pattern) => self.pattern(pattern),
            Expected::Line(pattern) | Expected::Raw(pattern) => self.cut_by_yaml(&pattern.text),
            Expected::Any(list) | Expected::All(list) => list.iter().for_each(|one| self.expectation(one)),
            _ => {}
        }
    }

    /// A pattern for a whole reply that can hardly match what it means.
    fn pattern(&mut self, pattern: &Pattern) {
        let source = &pattern.text.source;
        self.cut_by_yaml(&pattern.text);
        let digits = source
            .strip_prefix('^')
            .filter(|rest| rest.len() >= 4 && rest.as_bytes()[..3].iter().all(u8::is_ascii_digit));
        let Some(rest) = digits.map(|rest| &rest[3..]) else { return };
        if rest == "$" {
            let warning = Diagnostic::warning(pattern.text.span, "this matches a reply without any text only");
            self.warnings
                .push(warning.help(format!("leave out the `$`, or write the code alone: `{}`", &source[1..4])));
        }
        if rest.starts_with('-') && rest.len() > 1 {
            let warning = Diagnostic::warning(
                pattern.text.span,
                "this misses what it looks for where it stands in the last line",
            );
            self.warnings.push(warning.help(format!("write `^{}[ -]{}`", &source[1..4], &rest[1..])));
        }
    }

    /// YAML takes ` #` for the start of a comment, drops blanks at the end, and takes `&word` for an anchor.
    fn cut_by_yaml(&mut self, text: &Text) {
        let Some(file) = self.scenario.sources.file(text.span.file) else { return };
        let end = text.span.end as usize;
        let rest = file.text.get(end..).and_then(|rest| rest.lines().next()).unwrap_or("");
        let written = self.scenario.sources.slice(text.span);
        let quoted = written.starts_with(['"', '\'']);
        let is_block = written.contains('\n');
        // In braces a blank before the bracket is style, unless what it follows is a reply code that wants one.
        let code_alone = text.source.len() == 4 && text.source.starts_with('^');
        let dropped = rest.starts_with(' ') && (rest.trim().is_empty() || rest.starts_with(" }") && code_alone);
        if !quoted && !is_block && dropped {
            let span = text.span.with_range(end, end + 1);
            let warning = Diagnostic::warning(span, "YAML drops this blank: it is not part of the text");
            self.warnings.push(warning.help("put the text into quotes, or leave the blank out"));
        }
        let start = text.span.start as usize;
        let before = file.text.get(..start).and_then(|before| before.lines().last()).unwrap_or("");
        if let Some(anchor) = before.split_whitespace().last().filter(|word| word.starts_with('&') && word.len() > 1) {
            let at = start - before.len() + before.rfind(anchor).unwrap_or(0);
            let span = text.span.with_range(at, at + anchor.len());
            let warning =
                Diagnostic::warning(span, format!("YAML takes `{anchor}` for an anchor: it is not part of the text"));
            self.warnings.push(warning.help("put the whole text into quotes"));
        }
        // Two blanks before it, or one behind it, are how people write a comment that they mean.
        if !quoted && rest.starts_with(" #") && !rest.starts_with(" # ") {
            let span = text.span.with_range(end + 1, end + rest.len());
            let warning = Diagnostic::warning(span, "YAML takes this for a comment: it is not part of the text");
            self.warnings.push(warning.help("put the whole text into quotes"));
        }
    }

    /// `"\xff"` is the character U+00FF, which has two bytes; `\r` is two characters outside of double quotes.
    fn raw_text(&mut self, text: &Text) {
        let written = self.scenario.sources.slice(text.span);
        if written.starts_with('"')
            && text.source.chars().any(|c| ('\u{80}'..='\u{ff}').contains(&c))
            && written.contains("\\x")
        {
            let warning = Diagnostic::warning(text.span, "`\\xff` is a character here, and is sent as two bytes");
            self.warnings.push(warning.help("for exact bytes write `raw: {hex: …}`"));
        }
        if !written.starts_with('"') && ["\\r", "\\n", "\\x"].iter().any(|escape| text.source.contains(escape)) {
            let warning =
                Diagnostic::warning(text.span, "a backslash stands for itself here: this sends a `\\` and a letter");
            self.warnings.push(warning.help("put the text into double quotes"));
        }
    }

    /// A message that is the same each time is soon taken for a duplicate.
    fn fixed_headers(&mut self, text: &Text) {
        let mut offset = 0;
        for line in text.source.split('\n').take_while(|line| !line.is_empty()) {
            let lower = line.to_ascii_lowercase();
            let name = ["date:", "message-id:"].into_iter().find(|name| lower.starts_with(name));
            if let Some(name) = name.filter(|_| !line.contains("<<")) {
                let span = text.span_of(&(offset..offset + line.len()));
                let function = if name == "date:" { "<<rfc5322_date()>>" } else { "<<message_id('example.com')>>" };
                let warning = Diagnostic::warning(span, "this header never changes, from run to run");
                self.warnings.push(warning.help(format!("write `{} {function}`", &line[..name.len()])));
            }
            offset += line.len() + 1;
        }
    }

    fn vars(&mut self) {
        for var in &self.scenario.vars {
            let name = var.name.name.to_ascii_lowercase();
            let secret =
                ["password", "passwd", "secret", "token", "api_key", "apikey"].iter().any(|word| name.contains(word));
            let has_value = matches!(&var.default, Data::Text(text) if text.is_literal() && !text.source.is_empty());
            if secret && has_value {
                let warning = Diagnostic::warning(
                    var.name.span,
                    format!("`{}` looks like a secret, and stands in the file", var.name.name),
                );
                self.warnings.push(
                    warning.help("name it under `secrets:`: its value then comes from outside and is shown nowhere"),
                );
            }
        }
    }
}

/// The replies that each session owes, as far as the file tells; unknown once a step makes them depend on the run.
#[derive(Default)]
struct Replies<'s> {
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
}

impl<'s> Replies<'s> {
    fn step(&mut self, step: &'s Step, warnings: &mut Vec<Diagnostic>) {
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
        let opened = match &step.action {
            Action::Connect(connect) => connect.session.as_ref(),
            _ => None,
        };
        let name = opened.or(step.session.as_ref()).map_or("main", |named| named.name.as_str());
        self.sessions.entry(name.to_owned()).or_default()
    }

    fn end(self, warnings: &mut Vec<Diagnostic>) {
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
        match &step.action {
            Action::Connect(_) => {
                *self = Owing { queue: VecDeque::from([None]), dialogue: Dialogue::greeting(), ..Owing::default() };
            }
            Action::Close(Closing::Fin | Closing::Reset) => *self = Owing { closed: true, ..Owing::default() },
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
            let accepted = step.expect.as_ref().is_none_or(begins_with_three);
            let verb = CommandLine::parse(line.as_bytes()).verb();
            self.mail_data = verb == Verb::Data && accepted;
            self.unknown |= verb == Verb::Bdat;
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
            Expected::Line(_) | Expected::Raw(_) => self.unknown = true,
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

/// Whether an expectation is for a 3yz reply, as DATA's.
fn begins_with_three(expect: &Expectation) -> bool {
    match &expect.kind {
        Expected::Pattern(pattern) => pattern.text.source.starts_with("^3"),
        Expected::Code(CodeSet::OneOf(codes)) => codes.iter().any(|code| code.digits[0] == Some(3)),
        Expected::Fields(fields) => {
            matches!(&fields.code, Some((CodeSet::OneOf(codes), _)) if codes.iter().any(|code| code.digits[0] == Some(3)))
        }
        Expected::Any(list) => list.iter().any(begins_with_three),
        _ => false,
    }
}

/// Whether the other side gets something to read.
fn says_something(step: &Step) -> bool {
    matches!(step.action.speaks(), Speech::Asks | Speech::Sends | Speech::Handshakes)
}
