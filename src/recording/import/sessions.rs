//! Which lines of a transcript are of which session.
//!
//! Responsible for finding the part of a prefix that tells sessions apart, where several are mixed, and for choosing one of
//! several. Two sessions are never read as one.

use super::family::Family;
use super::marks::{LogSide, Marks};
use super::session::LogSession;
use super::shape;
use super::talk::Talk;
use super::text::TextLine;
use std::collections::{HashMap, HashSet};

/// How many parts of a prefix are tried.
const MAX_COLUMNS: usize = 12;
/// How many sessions a part of a prefix may tell apart; more of them are times.
const MAX_SESSIONS: usize = 10_000;

/// What was read: the sessions, and the places of lines that must not be shown.
pub(super) type FoundSession = (Vec<LogSession>, Vec<usize>);

/// So many sessions are kept whole where none is chosen by its number; of two or more none is.
const MOST_WHOLE: usize = 1000;

/// The sessions of a transcript; `chosen` is the number of the one that is wanted.
pub(super) fn read(
    lines: &[TextLine<'_>],
    marks: &Marks,
    family: &'static Family,
    chosen: Option<usize>,
) -> FoundSession {
    let all: Vec<usize> = (0..lines.len()).collect();
    let kept = if chosen.is_some() { usize::MAX } else { MOST_WHOLE };
    let found = Talk::new(lines, marks, family).keeping(kept).read(&all);
    if found.0.len() <= 1 && found.0.iter().all(|session| session.misfit.is_none()) {
        return found;
    }
    if let Some(found) = newest_first(lines, marks, family, &found.0) {
        return found;
    }
    if let Some(owners) = owners(lines, marks, family) {
        let count = owners.iter().flatten().max().map_or(0, |last| last + 1);
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); count];
        for (at, owner) in owners.iter().enumerate().filter_map(|(at, owner)| Some((at, owner.as_ref()?))) {
            members[*owner].push(at);
        }
        let mut found = FoundSession::default();
        for own in members {
            let (sessions, unshown) = Talk::new(lines, marks, family).read(&own);
            found.0.extend(sessions);
            found.1.extend(unshown);
        }
        found.0.sort_by_key(|session| session.begins.map(|begins| begins.start));
        return found;
    }
    found
}

/// The sessions of a log that stands newest first, as some viewers export it: read from its end, and only where that fits
/// and the other way does not.
fn newest_first(
    lines: &[TextLine<'_>],
    marks: &Marks,
    family: &'static Family,
    forward: &[LogSession],
) -> Option<FoundSession> {
    if marks.are_alike() || forward.iter().all(|session| session.misfit.is_none()) {
        return None;
    }
    let from_end: Vec<usize> = (0..lines.len()).rev().collect();
    let mut found = Talk::new(lines, marks, family).read(&from_end);
    if found.0.is_empty() || !found.0.iter().all(LogSession::is_whole) {
        return None;
    }
    for session in &mut found.0 {
        let here = session.begins.unwrap_or_default();
        session.warn(here, "this log stands newest first: it is read from its end", "");
    }
    Some(found)
}

/// A line with a mark, and how long its prefix is.
type Marked = (usize, usize);

/// For each line its session, where a part of the prefix tells them apart.
fn owners(lines: &[TextLine<'_>], marks: &Marks, family: &'static Family) -> Option<Vec<Option<usize>>> {
    let length = |(at, line): (usize, &TextLine<'_>)| {
        let seen = marks.read(&line.text);
        let is_marked = !seen.prefix.is_empty() && (seen.side.is_some() || marks.are_alike());
        is_marked.then_some((at, seen.prefix.len()))
    };
    let marked: Vec<Marked> = lines.iter().enumerate().filter_map(length).collect();
    (0..2 * MAX_COLUMNS).find_map(|number| {
        let ids = ids(lines, &marked, number)?;
        if ids.len() < 2 || !begin_as_sessions(lines, marks, &marked, number, ids.len()) {
            return None;
        }
        let owners = assigned(lines, marks, number, &ids);
        are_sessions(lines, marks, family, &owners, ids.len()).then_some(owners)
    })
}

/// The different values of a part of the prefix, numbered as they come; nothing where they are too many to be sessions.
fn ids(lines: &[TextLine<'_>], marked: &[Marked], number: usize) -> Option<HashMap<String, usize>> {
    let mut ids: HashMap<String, usize> = HashMap::new();
    for (index, (at, length)) in marked.iter().enumerate() {
        let id = column(&lines[*at].text[..*length], number)?;
        if !ids.contains_key(id) {
            ids.insert(id.to_owned(), ids.len());
        }
        let is_time = index > 30 && ids.len() > index / 3;
        if is_time || ids.len() > MAX_SESSIONS || index + 1 == marked.len() && ids.len() > marked.len() / 3 {
            return None;
        }
    }
    Some(ids)
}

/// One part of a prefix; after the first ones each comes again, without a last part after a dot: the transaction of a
/// session.
fn column(prefix: &str, number: usize) -> Option<&str> {
    let part = *shape::columns(prefix).get(number % MAX_COLUMNS)?;
    let whole = part.rsplit_once('.').filter(|(_, number)| number.len() < 3).map_or(part, |(id, _)| id);
    Some(if number < MAX_COLUMNS { part } else { whole })
}

/// Whether the first line with each id begins a session: a greeting, or that of the client.
fn begin_as_sessions(lines: &[TextLine<'_>], marks: &Marks, marked: &[Marked], number: usize, count: usize) -> bool {
    let mut seen: HashSet<&str> = HashSet::new();
    let mut begun = 0;
    for (at, length) in marked {
        let Some(id) = column(&lines[*at].text[..*length], number) else { return false };
        if seen.insert(id) {
            let seen = marks.read(&lines[*at].text);
            let text = seen.lines.first().map_or("", |text| text.as_ref());
            let greets = match seen.side {
                Some(LogSide::Server) => matches!(super::grammar::reply_code(text), Some(220 | 421 | 554)),
                _ => super::grammar::command(text) == Some(super::grammar::LineForm::Hello),
            };
            if !greets {
                return false;
            }
            begun += 1;
        }
    }
    begun == count
}

/// Lines without an id belong to the line above them.
fn assigned(lines: &[TextLine<'_>], marks: &Marks, number: usize, ids: &HashMap<String, usize>) -> Vec<Option<usize>> {
    let mut last = None;
    let mut owners = Vec::with_capacity(lines.len());
    for line in lines {
        let seen = marks.read(&line.text);
        let before = if seen.prefix.is_empty() {
            line.text.get(..line.text.len().min(200)).unwrap_or(&line.text)
        } else {
            seen.prefix
        };
        let own = column(before, number).and_then(|id| ids.get(id)).copied();
        if own.is_some() {
            last = own;
        }
        owners.push(own.or(last));
    }
    owners
}

/// Whether each part is a conversation by itself.
fn are_sessions(
    lines: &[TextLine<'_>],
    marks: &Marks,
    family: &'static Family,
    owners: &[Option<usize>],
    count: usize,
) -> bool {
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (at, owner) in owners.iter().enumerate().filter_map(|(at, owner)| Some((at, owner.as_ref()?))) {
        members[*owner].push(at);
    }
    // The first ones tell what the part of the prefix is.
    members.iter().take(20).all(|own| {
        let (sessions, _) = Talk::new(lines, marks, family).read(own);
        sessions.iter().all(|session| session.misfit.is_none() && (session.client_spoke() || session.has_begun()))
    })
}
