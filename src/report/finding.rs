//! What came of a scenario in one line: of a ticket what it reports, of a play of it whether the same happened again.
//!
//! Responsible for that line, how it is read, and what two of them have in common: step, kind, reply code and enhanced status
//! code. Texts of replies hold ids and dates and are not compared. `markdown` writes the line, the command line reads it.

use super::model::{Divergence, ScenarioReport, Verdict};
use std::fmt;

/// What the line begins with, and what it began with in earlier tickets.
const HEAD: &str = "- outcome: ";
const OLD_HEAD: &str = "- came to: ";
/// The words for a scenario that followed its script.
const FOLLOWED: &str = "it followed its script";
/// The words for one that was not played, or not to its end.
const UNPLAYED: &str = "it was not played";
/// What stands in place of a step where the connection itself failed.
const CONNECTION: &str = "the connection failed";

/// What came of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding(Found);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    Followed,
    Unplayed,
    Diverged(FirstDivergence),
}

/// The divergence that stands first.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FirstDivergence {
    step: String,
    kind: String,
    code: Option<u16>,
    enhanced: Option<String>,
}

impl Finding {
    /// What came of this one.
    #[must_use]
    pub fn of(scenario: &ScenarioReport) -> Finding {
        let is_unplayed = matches!(scenario.verdict, Verdict::Broken | Verdict::Interrupted | Verdict::NotPlayed);
        Finding(match scenario.divergences.first() {
            Some(first) => Found::Diverged(FirstDivergence::of(first, scenario)),
            None if is_unplayed => Found::Unplayed,
            None => Found::Followed,
        })
    }

    /// The line of a ticket.
    #[must_use]
    pub(super) fn line(&self) -> String {
        let first = match &self.0 {
            Found::Followed => return format!("{HEAD}{FOLLOWED}"),
            Found::Unplayed => return format!("{HEAD}{UNPLAYED}"),
            Found::Diverged(first) => first,
        };
        let subject = match first.step.as_str() {
            "" => CONNECTION.to_owned(),
            step => format!("step `{step}` diverged"),
        };
        let enhanced = first.enhanced.as_ref().map(|enhanced| format!(" `{enhanced}`")).unwrap_or_default();
        let reply = first.code.map(|code| format!(": the server replied `{code}`{enhanced}")).unwrap_or_default();
        format!("{HEAD}{subject} (`{}`){reply}", first.kind)
    }

    /// What a ticket reports; `None` where it does not say so.
    #[must_use]
    pub fn read(ticket: &str) -> Option<Finding> {
        // What stands before that heading is the scenario's text, and what was said.
        let mut lines = ticket.lines().map(str::trim_end).skip_while(|line| *line != super::markdown::CIRCUMSTANCES);
        let said = lines.find_map(|line| line.strip_prefix(HEAD).or_else(|| line.strip_prefix(OLD_HEAD)))?;
        if said == FOLLOWED {
            return Some(Finding(Found::Followed));
        }
        if said == UNPLAYED {
            return Some(Finding(Found::Unplayed));
        }
        let mut words: Vec<&str> = said.split('`').skip(1).step_by(2).collect();
        if said.starts_with(CONNECTION) {
            words.insert(0, "");
        }
        let [step, kind, rest @ ..] = words.as_slice() else { return None };
        let code = rest.first().and_then(|code| code.parse().ok());
        let enhanced = rest.get(1).map(|enhanced| (*enhanced).to_owned());
        let first = FirstDivergence { step: (*step).to_owned(), kind: (*kind).to_owned(), code, enhanced };
        Some(Finding(Found::Diverged(first)))
    }

    /// Whether the ticket's finding came again, in words.
    #[must_use]
    pub fn compared(&self, ticket: &Finding) -> String {
        if self == ticket {
            return format!("as in the ticket: {self}");
        }
        format!("differs from the ticket: now {self}; in the ticket {ticket}")
    }
}

impl FirstDivergence {
    fn of(first: &Divergence, scenario: &ScenarioReport) -> FirstDivergence {
        let step = first.index.and_then(|index| scenario.steps.get(index));
        let reply = step.and_then(|step| step.replies.last()).filter(|reply| Some(reply.code) == first.reply_code);
        FirstDivergence {
            step: first.step.clone(),
            kind: first.kind.clone(),
            code: first.reply_code,
            enhanced: reply.and_then(|reply| reply.enhanced.clone()),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = match &self.0 {
            Found::Followed => return formatter.write_str(FOLLOWED),
            Found::Unplayed => return formatter.write_str(UNPLAYED),
            Found::Diverged(first) => first,
        };
        let place = super::words::step_number(&first.step);
        let reply: Vec<String> =
            first.code.map(|code| code.to_string()).into_iter().chain(first.enhanced.clone()).collect();
        let came = if reply.is_empty() { first.kind.clone() } else { reply.join(" ") };
        write!(formatter, "{place}, {came}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn finding(step: &str, code: u16, enhanced: Option<&str>) -> Finding {
        let enhanced = enhanced.map(str::to_owned);
        Finding(Found::Diverged(FirstDivergence {
            step: step.to_owned(),
            kind: "reply".to_owned(),
            code: Some(code),
            enhanced,
        }))
    }

    #[test]
    fn a_line_is_read_as_it_was_written() {
        for one in [
            Finding(Found::Followed),
            finding("5", 535, Some("5.7.8")),
            finding("2.1", 550, None),
            finding("finally 1", 421, None),
            finding("", 554, None),
            Finding(Found::Unplayed),
        ] {
            assert_eq!(
                Finding::read(&format!("# t\r\n- came to: `1` `x`\r\n## Circumstances\r\n\r\n{}\r\n", one.line())),
                Some(one)
            );
        }
        assert_eq!(Finding::read("## Circumstances\n- outcome: nothing\n"), None);
        let earlier = "## Circumstances\n- came to: `5` `reply` `535` `5.7.8`\n";
        assert_eq!(Finding::read(earlier), Some(finding("5", 535, Some("5.7.8"))));
        let line = finding("5", 535, Some("5.7.8")).line();
        assert_eq!(line, "- outcome: step `5` diverged (`reply`): the server replied `535` `5.7.8`");
        assert_eq!(Finding::of(&samples::diverged().scenarios[0]), finding("2", 550, None));
    }

    #[test]
    fn what_differs_is_said() {
        let ticket = finding("5", 535, Some("5.7.8"));
        assert_eq!(ticket.compared(&ticket), "as in the ticket: step 5, 535 5.7.8");
        let now = finding("5", 250, None);
        assert_eq!(now.compared(&ticket), "differs from the ticket: now step 5, 250; in the ticket step 5, 535 5.7.8");
        assert_eq!(
            Finding(Found::Followed).compared(&ticket),
            "differs from the ticket: now it followed its script; in the ticket step 5, 535 5.7.8"
        );
    }
}
