//! Which side each line of a log is of.
//!
//! Responsible for learning the marks of both sides: the shape before lines that begin with codes is the server's, the
//! shape before commands is the client's, whatever the marks themselves say. Where both are the same, the lines tell
//! by themselves. Then every line is read with what was learned.

mod ends;

use super::grammar::{self, command, reply_code, usual_code};
use super::shape::{self, MAX_PREFIX, Shaper, base, direction, is_directed, shape};
use super::wrap;
use ends::MarkEnds;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// Who said a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum LogSide {
    Client,
    Server,
}

/// What a line was read to.
pub(super) struct Seen<'l> {
    /// The side that its mark tells; nothing where marks tell no side, or where there is none.
    pub(super) side: Option<LogSide>,
    /// What stands before the line of SMTP.
    pub(super) prefix: &'l str,
    /// The line of SMTP; some notations put several into one.
    pub(super) lines: Vec<Cow<'l, str>>,
}

/// How a shape is used.
#[derive(Clone, Copy, Default)]
struct MarkUse {
    client: usize,
    server: usize,
    /// The fewest blanks after it.
    blanks: usize,
    quoted: bool,
    /// The fewest words in it that vary: where the last one ends the mark, what is said may vary, too.
    columns: usize,
    /// Whether a reply of several lines was seen after it: a number in a sentence is none.
    goes_on: bool,
    /// Which verbs and codes stand after it, a bit each: what a line of SMTP says differs, a number in a text may not.
    verbs: u64,
    codes: u64,
}

/// How many lines of one kind count as evidence.
const SAME_KIND: usize = 3;

/// The marks of one text.
#[derive(Default)]
pub(super) struct Marks {
    shapes: HashMap<String, MarkUse>,
    client: String,
    server: String,
    longest: usize,
    /// What stands before the marks: a line with nothing else belongs to the log of this session.
    bases: HashSet<String>,
    /// What tells the sides where the marks are the same.
    ends: Option<MarkEnds>,
}

/// A place where SMTP may begin.
struct MarkStart {
    at: usize,
    side: LogSide,
    /// The bit of its verb.
    verb: u64,
}

/// How often each mark stands before lines of either side.
fn shapes_of<'l>(lines: impl Iterator<Item = &'l str>) -> HashMap<String, MarkUse> {
    let mut shapes: HashMap<String, MarkUse> = HashMap::new();
    // The code of a reply that goes on: its further lines may have lost their mark, and so tell nothing.
    let mut open = None;
    for line in lines {
        if let Some(start) = start_of(line) {
            let code = reply_code(&line[start.at..]);
            let goes_on = grammar::goes_on(&line[start.at..]);
            let is_rest = code.is_some() && code == std::mem::replace(&mut open, code.filter(|_| goes_on));
            let (before, opener) = wrap::split_opener(&line[..start.at]);
            let blanks = line[..start.at - opener.len()].len() - before.len();
            let columns = shape::columns(before).len();
            let used = shapes.entry(shape(before)).or_insert(MarkUse { blanks, columns, ..MarkUse::default() });
            used.blanks = used.blanks.min(blanks);
            used.columns = used.columns.min(columns);
            used.quoted |= !opener.is_empty();
            used.goes_on |= code.is_some() && goes_on;
            used.codes |= code.map_or(0, |code| 1 << (code % 61));
            used.verbs |= start.verb;
            *(if start.side == LogSide::Client { &mut used.client } else { &mut used.server }) += usize::from(!is_rest);
        }
    }
    shapes
}

impl Marks {
    /// Learns the marks of a text; `known` are shapes that need no evidence.
    pub(super) fn learn<'l>(lines: impl Iterator<Item = &'l str> + Clone, known: &[(&str, LogSide)]) -> Marks {
        let shapes = shapes_of(lines.clone());
        let (client, server) = sides(&shapes);
        let mut marks = Marks { shapes, client, server, ..Marks::default() };
        if marks.client == marks.server {
            marks.ends = MarkEnds::learn(lines);
        }
        let wanted = |shape: &String| {
            let direction = direction(shape);
            direction == marks.client || direction == marks.server
        };
        let mut kept: HashMap<String, MarkUse> = HashMap::new();
        for (shape, used) in marks.shapes.iter().filter(|(shape, _)| wanted(shape)) {
            // Only lines that go on a reply have this mark: it is the server's where it is one.
            let is_rest =
                used.client == 0 && used.server == 0 && !marks.server.is_empty() && direction(shape) == marks.server;
            if is_rest || used.client + used.server > 0 {
                kept.insert(shape.clone(), MarkUse { server: used.server.max(usize::from(is_rest)), ..*used });
            }
        }
        if marks.client != marks.server {
            // Marks tell the sides: a number at the start of a line of the message is no reply.
            for (shape, used) in &mut kept {
                let side = if direction(shape) == marks.server { &mut used.client } else { &mut used.server };
                *side = 0;
            }
            kept.retain(|_, used| used.client + used.server > 0);
        }
        for (mark, side) in known {
            let (client, server) = if *side == LogSide::Client { (1, 0) } else { (0, 1) };
            kept.insert(shape(mark), MarkUse { client, server, blanks: 1, ..MarkUse::default() });
        }
        marks.longest = kept.keys().map(String::len).max().unwrap_or(0);
        marks.bases = kept.keys().filter_map(|shape| base(shape)).map(str::to_owned).collect();
        marks.shapes = kept;
        marks
    }

    /// Whether a conversation was found: a command, or a reply where numbers do not stand by chance.
    pub(super) fn are_found(&self) -> bool {
        let replies =
            |shape: &str, used: &MarkUse| used.server > 0 && (shape.is_empty() || used.goes_on && is_directed(shape));
        self.shapes.iter().any(|(shape, used)| used.client > 0 || replies(shape, used))
    }

    /// Whether both sides have the same mark, or none.
    pub(super) fn are_alike(&self) -> bool {
        self.client == self.server && self.ends.is_none()
    }

    /// Reads a line.
    pub(super) fn read<'l>(&self, line: &'l str) -> Seen<'l> {
        if let Some(start) = start_of(line) {
            let (before, opener) = wrap::split_opener(&line[..start.at]);
            let shape = shape(before);
            if let Some(used) = self.shapes.get(&shape)
                && (if start.side == LogSide::Client { used.client } else { used.server }) > 0
            {
                let lines = wrap::unwrapped(&line[start.at..], opener, before);
                let side = self.ends.as_ref().and_then(|ends| ends.side(before)).unwrap_or(start.side);
                return Seen { side: Some(side), prefix: before, lines };
            }
            // A line that begins with a code or a verb has no prefix, even where the code looks like one.
            if self.bases.contains(&shape) || shape.is_empty() {
                return Seen { side: None, prefix: before, lines: vec![Cow::Borrowed(&line[start.at..])] };
            }
        }
        self.read_by_shape(line)
    }

    /// A line that is no command and no reply by its form: whose it is, its prefix tells.
    fn read_by_shape<'l>(&self, line: &'l str) -> Seen<'l> {
        let mut shaper = Shaper::new(line);
        let mut found: Option<(usize, MarkUse)> = None;
        let mut before = 0;
        while let Some(end) = shaper.advance() {
            // Signs within a time or an address are a part of it once it goes on.
            if end > MAX_PREFIX || shaper.shape().len() > self.longest + 2 {
                break;
            }
            let is_blank = line[..end].ends_with(char::is_whitespace);
            if !is_blank && self.bases.contains(shaper.shape()) {
                before = end;
            }
            if let Some(used) = self.shapes.get(shaper.shape()).filter(|_| !is_blank && !shaper.shape().is_empty())
                && (used.blanks == 0
                    || matches!(&line[end..], "" | ".")
                    || line[end..].starts_with(char::is_whitespace))
                && (!shape::ends_varying(shaper.shape()) || shape::columns(&line[..end]).len() <= used.columns)
            {
                found = Some((end, *used));
            }
        }
        let Some((end, used)) = found else {
            let rest = &line[before..];
            let rest = if before > 0 { rest.strip_prefix(' ').unwrap_or(rest) } else { rest };
            return Seen { side: None, prefix: &line[..before], lines: vec![Cow::Borrowed(rest)] };
        };
        let rest = &line[end..];
        let blanks = (rest.len() - rest.trim_start().len()).min(used.blanks);
        let rest = rest.get(blanks..).unwrap_or(rest);
        let opener = if used.quoted { wrap::opener(rest) } else { "" };
        let lines = wrap::unwrapped(&rest[opener.len()..], opener, &line[..end]);
        let side = match (used.client, used.server) {
            _ if self.are_alike() => None,
            _ if let Some(ends) = &self.ends => ends.side(&line[..end]),
            (0, _) => Some(LogSide::Server),
            (_, 0) => Some(LogSide::Client),
            (client, server) => Some(if client > server { LogSide::Client } else { LogSide::Server }),
        };
        Seen { side, prefix: &line[..end], lines }
    }
}

/// What speaks for a direction.
#[derive(Clone, Copy, Default)]
struct Evidence {
    commands: usize,
    replies: usize,
    verbs: u64,
    codes: u64,
}

impl Evidence {
    fn add(&mut self, used: &MarkUse) {
        self.commands += used.client;
        self.replies += used.server;
        self.verbs |= used.verbs;
        self.codes |= used.codes;
    }

    /// How much speaks for the client's direction; many lines of one kind are one line.
    fn of_client(&self) -> usize {
        self.commands.min(SAME_KIND * self.verbs.count_ones() as usize)
    }

    fn of_server(&self) -> usize {
        self.replies.min(SAME_KIND * self.codes.count_ones() as usize)
    }
}

/// The directions of the two sides: the two, or the one, that most lines agree with.
fn sides(shapes: &HashMap<String, MarkUse>) -> (String, String) {
    let mut directions: HashMap<String, Evidence> = HashMap::new();
    for (shape, used) in shapes {
        directions.entry(direction(shape)).or_default().add(used);
    }
    let mut best = ((0, 0), false, String::new(), String::new());
    for (client, commands) in directions.iter().filter(|(_, evidence)| evidence.commands > 0) {
        for (server, replies) in directions.iter().filter(|(_, evidence)| evidence.replies > 0) {
            // Of two equal readings the one that tells the sides apart, unless lines without any mark tell as much; then the shorter, so that the order is always the same.
            let is_told = (client != server)
                == (!server.is_empty() || directions.get("").is_none_or(|evidence| evidence.commands == 0));
            let weight = (commands.of_client() + replies.of_server(), commands.commands + replies.replies);
            let reading = (weight, is_told, server.clone(), client.clone());
            let better = (reading.0, reading.1)
                .cmp(&(best.0, best.1))
                .then_with(|| (best.2.len(), &best.2, &best.3).cmp(&(reading.2.len(), &reading.2, &reading.3)));
            if better.is_gt() {
                best = reading;
            }
        }
    }
    if best.0 == (0, 0) {
        let most = directions.into_iter().max_by_key(|(_, evidence)| evidence.commands + evidence.replies);
        let only = most.map(|(direction, _)| direction).unwrap_or_default();
        return (only.clone(), only);
    }
    (best.3, best.2)
}

/// The first place of a line at which a reply or a command may begin.
fn start_of(line: &str) -> Option<MarkStart> {
    let bytes = line.as_bytes();
    let limit = bytes.len().min(MAX_PREFIX);
    let mut before: Option<u8> = None;
    for at in 0..limit {
        let byte = bytes[at];
        if (byte.is_ascii_digit() || byte.is_ascii_alphabetic()) && may_begin(bytes, at, before) {
            let rest = &line[at..];
            let replies = if at == 0 { reply_code(rest) } else { usual_code(rest) };
            if byte.is_ascii_digit() && replies.is_some() && !is_time(bytes, at) && !is_frame(rest) {
                return Some(MarkStart { at, side: LogSide::Server, verb: 0 });
            }
            if byte.is_ascii_alphabetic()
                && grammar::may_be_verb(rest)
                && let Some(kind) = command(wrap::first_line(rest))
                && !wrap::is_member_name(rest)
            {
                return Some(MarkStart { at, side: LogSide::Client, verb: 1 << kind as u32 });
            }
        }
        before = Some(byte);
    }
    None
}

/// A line of SMTP begins after a blank or a sign, not within a word or a number.
fn may_begin(bytes: &[u8], at: usize, before: Option<u8>) -> bool {
    match before {
        None => true,
        Some(b'\'') => at < 2 || bytes[at - 2] != b'\\',
        Some(byte) => {
            byte.is_ascii_whitespace()
                || matches!(byte, b'"' | b'`' | b'<' | b'>' | b':' | b')' | b']' | b'|' | b';' | b'=')
        }
    }
}

/// The number of a packet and its time: `421 0.000221`.
fn is_frame(text: &str) -> bool {
    let time = text[3..].trim_start().split(' ').next().and_then(|word| word.split_once('.'));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    time.is_some_and(|(seconds, rest)| digits(seconds) && digits(rest) && rest.len() > 3)
}

/// The minutes of `19:250`, the year of a date.
fn is_time(bytes: &[u8], at: usize) -> bool {
    at >= 2 && bytes[at - 1] == b':' && bytes[at - 2].is_ascii_digit() && bytes.get(at + 3) != Some(&b'-')
}
