//! The inside of a scenario as data for the page's script: small, and nothing in it can end the element it stands in.
//!
//! Lines and steps are lists without keys, in the order that script.js takes them apart. Of a very long transcript the
//! beginning, the end and what is around a divergence are kept: the JSON report has all of it.

use super::timeline::{Lane, lanes};
use crate::report::model::{Divergence, Line, Reply, ScenarioReport, Session, Speaker, Step, StepVerdict};
use crate::report::words;
use crate::run::OWN_CLOSE;
use crate::visible::{commands_a_runner, inert};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;

/// How many lines of a longer transcript are kept at its beginning, at its end, and before and after a divergence.
const FIRST_LINES: usize = 500;
const LAST_LINES: usize = 1500;
const LINES_AROUND: usize = 100;

/// What the script builds a scenario's inside from.
#[derive(Serialize)]
struct Details<'a> {
    took: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    steps: Vec<StepRow<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lanes: Vec<Lane<'a>>,
    #[serde(skip_serializing_if = "<[Session]>::is_empty")]
    sessions: &'a [Session],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    captures: BTreeMap<&'a str, Cow<'a, str>>,
    /// The lines of the scenario as it was played, and which of them diverged.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<(Vec<Cow<'a, str>>, Vec<usize>)>,
    /// The names of the sessions that lines and steps count.
    names: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lines: Vec<LineRow<'a>>,
}

/// Number, name, title, place, session, verdict, begin, duration, replies.
#[derive(Serialize)]
struct StepRow<'a>(&'a str, Option<&'a str>, &'a str, String, usize, StepVerdict, f64, f64, Vec<ReplyRow<'a>>);

/// Code, enhanced status code, when it was there, how long it was waited for, octets.
#[derive(Serialize)]
struct ReplyRow<'a>(u16, Option<&'a str>, f64, f64, usize);

/// A line of the transcript: when, session, who, what, step, and the step that diverged here; or how many are left out.
#[derive(Serialize)]
#[serde(untagged)]
enum LineRow<'a> {
    Said(f64, usize, char, String, &'a str),
    Marked(f64, usize, char, String, &'a str, &'a str),
    LeftOut(usize),
}

fn cut(text: &str) -> Cow<'_, str> {
    words::cut(text, words::LINE_LENGTH)
}

/// The data as JSON that may stand in a `script` element.
pub(super) fn json(scenario: &ScenarioReport) -> io::Result<String> {
    let mut names: Vec<&str> = Vec::new();
    for name in scenario.transcript.iter().map(|line| &line.session).chain(scenario.steps.iter().map(|it| &it.session))
    {
        // Lines of the same session mostly follow each other, and there are few sessions.
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let details = Details {
        took: scenario.duration,
        steps: scenario.steps.iter().map(|step| step_row(step, scenario, &names)).collect(),
        lanes: lanes(scenario),
        sessions: &scenario.sessions,
        captures: scenario.captures.iter().map(|(name, value)| (name.as_str(), cut(value))).collect(),
        source: source(scenario),
        lines: line_rows(scenario, &names),
        names,
    };
    Ok(escaped(&serde_json::to_string(&details)?))
}

/// No `<` is left that could begin a tag or a comment, no character that acts on its neighbours, and nothing that a runner
/// obeys who reads the page on standard output.
fn escaped(json: &str) -> String {
    let json = &if commands_a_runner(json) { json.replace("##", "#\\u0023") } else { json.to_owned() };
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' => safe.push_str("\\u003c"),
            ' '..='~' => safe.push(character),
            other => safe.push_str(&inert(other.encode_utf8(&mut [0; 4])).replace('\\', "\\\\")),
        }
    }
    safe
}

fn step_row<'a>(step: &'a Step, scenario: &ScenarioReport, names: &[&str]) -> StepRow<'a> {
    let place = &step.place;
    let file = if place.file == scenario.path { String::new() } else { format!("{}:", place.file) };
    let place = format!("{file}{}:{}", place.line, place.column);
    let reply =
        |reply: &'a Reply| ReplyRow(reply.code, reply.enhanced.as_deref(), reply.at, reply.elapsed, reply.octets);
    let replies = step.replies.iter().map(reply).collect();
    let session = position(names, &step.session);
    let name = step.name.as_deref();
    let title = if step.title.is_empty() { &step.action } else { &step.title };
    StepRow(&step.number, name, title, place, session, step.verdict, step.started, step.duration, replies)
}

/// The lines of the script, and those that a divergence is about.
fn source(scenario: &ScenarioReport) -> Option<(Vec<Cow<'_, str>>, Vec<usize>)> {
    let script = scenario.script.as_deref()?;
    let marked = scenario.divergences.iter().filter_map(|one| line_of(one, script)).collect();
    Some((script.lines().map(cut).collect(), marked))
}

/// Where the line of a divergence stands in the script, which may have more lines than the file: the nearest of the same text.
fn line_of(divergence: &Divergence, script: &str) -> Option<usize> {
    let place = &divergence.diagnostic.place;
    let number = format!("{} |", place.line);
    let shown = divergence.diagnostic.rendered.lines().find_map(|line| line.trim_start().strip_prefix(&number))?;
    let shown = shown.strip_prefix(' ').unwrap_or(shown).trim_end();
    let same = script.lines().enumerate().filter(|(_, line)| line.trim_end() == shown);
    same.map(|(index, _)| index).min_by_key(|index| index.abs_diff(place.line.saturating_sub(1)))
}

fn position(names: &[&str], name: &str) -> usize {
    names.iter().position(|one| *one == name).unwrap_or_default()
}

fn line_rows<'a>(scenario: &'a ScenarioReport, names: &[&str]) -> Vec<LineRow<'a>> {
    let lines = &scenario.transcript;
    let marks: Vec<(usize, &str)> = scenario.divergences.iter().filter_map(|one| marked(one, lines)).collect();
    let long = lines.len() > FIRST_LINES + LAST_LINES;
    let kept = |index: usize| {
        let near = |mark: usize| (mark.saturating_sub(LINES_AROUND)..=mark + LINES_AROUND).contains(&index);
        !long || index < FIRST_LINES || index + LAST_LINES >= lines.len() || marks.iter().any(|(mark, _)| near(*mark))
    };
    let mut rows = Vec::with_capacity(lines.len().min(FIRST_LINES + LAST_LINES));
    for (index, line) in lines.iter().enumerate() {
        let mark = marks.iter().find(|(at, _)| *at == index).map(|(_, step)| *step);
        if kept(index) {
            rows.push(line_row(line, mark, position(names, &line.session)));
        } else if let Some(LineRow::LeftOut(count)) = rows.last_mut() {
            *count += 1;
        } else {
            rows.push(LineRow::LeftOut(1));
        }
    }
    rows
}

/// The line that shows a divergence, and its step: without a line of its own the last one of the step.
fn marked<'a>(divergence: &'a Divergence, lines: &[Line]) -> Option<(usize, &'a str)> {
    let last = || lines.iter().rposition(|line| line.step == divergence.step && line.text != OWN_CLOSE);
    let line = divergence.line.filter(|line| *line < lines.len()).or_else(last)?;
    Some((line, &divergence.step))
}

fn line_row<'a>(line: &'a Line, mark: Option<&'a str>, session: usize) -> LineRow<'a> {
    let who = match line.speaker {
        Speaker::Client => 'C',
        Speaker::Server => 'S',
        Speaker::Note => '*',
    };
    let text = cut(&line.text).into_owned();
    match mark {
        Some(mark) => LineRow::Marked(line.at, session, who, text, &line.step, mark),
        None => LineRow::Said(line.at, session, who, text, &line.step),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::collect;

    fn lines(count: usize) -> Vec<Line> {
        let line = |at: usize| Line {
            at: 0.5,
            session: "main".to_owned(),
            speaker: Speaker::Server,
            text: at.to_string(),
            step: "1".to_owned(),
        };
        (0..count).map(line).collect()
    }

    #[test]
    fn hostile_text_stays_text() {
        let mut transcript = lines(1);
        transcript[0].text = "</script><!--\u{202e}\u{2028}\0é".to_owned();
        let scenario = ScenarioReport { transcript, ..collect::not_played(String::new(), "", "") };
        let json = json(&scenario).unwrap();
        assert!(json.contains(r#""\u003c/script>\u003c!--"#), "{json}");
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read["lines"][0][3], "</script><!--\\u{202e}\\u{2028}\0é");
    }

    #[test]
    fn of_a_long_transcript_the_middle_is_counted() {
        let transcript = lines(10_000);
        let scenario = ScenarioReport { transcript, ..collect::not_played(String::new(), "", "") };
        let read: serde_json::Value = serde_json::from_str(&json(&scenario).unwrap()).unwrap();
        let rows = read["lines"].as_array().unwrap();
        assert_eq!((rows.len(), &rows[500], &rows[501][3]), (2001, &8000.into(), &"8500".into()));
    }
}
