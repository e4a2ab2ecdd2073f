//! Which side each line of a log is of.
//!
//! Responsible for learning the marks of both sides: the shape before lines that begin with codes is the server's, the
//! shape before commands is the client's, whatever the marks themselves say. Where both are the same, the lines tell
//! by themselves. Then every line is read with what was learned.

use super::grammar::{self, command, reply_code, usual_code};
use super::shape::{MAX_PREFIX, Shaper, base, direction, is_directed, shape};
use super::wrap;
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
    /// Whether a reply of several lines was seen after it: a number in a sentence is none.
    goes_on: bool,
}

/// The marks of one text.
#[derive(Default)]
pub(super) struct Marks {
    shapes: HashMap<String, MarkUse>,
    client: String,
    server: String,
    longest: usize,
    /// What stands before the marks: a line with nothing else belongs to the log of this session.
    bases: HashSet<String>,
}

/// A place where SMTP may begin.
struct MarkStart {
    at: usize,
    side: LogSide,
}

impl Marks {
    /// Learns the marks of a text; `known` are shapes that need no evidence.
    pub(super) fn learn<'l>(lines: impl Iterator<Item = &'l str>, known: &[(&str, LogSide)]) -> Marks {
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
                let used = shapes.entry(shape(before)).or_insert(MarkUse { blanks, ..MarkUse::default() });
                used.blanks = used.blanks.min(blanks);
                used.quoted |= !opener.is_empty();
                used.goes_on |= code.is_some() && goes_on;
                *(if start.side == LogSide::Client { &mut used.client } else { &mut used.server }) +=
                    usize::from(!is_rest);
            }
        }
        let (client, server) = sides(&shapes);
        let mut marks = Marks { shapes, client, server, ..Marks::default() };
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
        if !marks.are_alike() {
            // Marks tell the sides: a number at the start of a line of the message is no reply.
            for (shape, used) in &mut kept {
                let side = if direction(shape) == marks.server { &mut used.client } else { &mut used.server };
                *side = 0;
            }
        }
        for (mark, side) in known {
            let (client, server) = if *side == LogSide::Client { (1, 0) } else { (0, 1) };
            kept.insert(shape(mark), MarkUse { client, server, blanks: 1, quoted: false, goes_on: false });
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
        self.client == self.server
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
                return Seen { side: Some(start.side), prefix: before, lines };
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
            if end > MAX_PREFIX || shaper.shape().len() > self.longest {
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
            (0, _) => Some(LogSide::Server),
            (_, 0) => Some(LogSide::Client),
            (client, server) => Some(if client > server { LogSide::Client } else { LogSide::Server }),
        };
        Seen { side, prefix: &line[..end], lines }
    }
}

/// The directions of the two sides: the two, or the one, that most lines agree with.
fn sides(shapes: &HashMap<String, MarkUse>) -> (String, String) {
    let mut directions: HashMap<String, (usize, usize)> = HashMap::new();
    for (shape, used) in shapes {
        let counts = directions.entry(direction(shape)).or_default();
        counts.0 += used.client;
        counts.1 += used.server;
    }
    let mut best = (0, false, String::new(), String::new());
    for (client, (commands, _)) in directions.iter().filter(|(_, (commands, _))| *commands > 0) {
        for (server, (_, replies)) in directions.iter().filter(|(_, (_, replies))| *replies > 0) {
            // Of two equal readings the one that tells the sides apart, unless lines without any mark tell as much; then the shorter, so that the order is always the same.
            let is_told = (client != server)
                == (!server.is_empty() || directions.get("").is_none_or(|(commands, _)| *commands == 0));
            let reading = (commands + replies, is_told, server.clone(), client.clone());
            let better = (reading.0, reading.1)
                .cmp(&(best.0, best.1))
                .then_with(|| (best.2.len(), &best.2, &best.3).cmp(&(reading.2.len(), &reading.2, &reading.3)));
            if better.is_gt() {
                best = reading;
            }
        }
    }
    if best.0 == 0 {
        let most = directions.into_iter().max_by_key(|(_, (commands, replies))| commands + replies);
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
                return Some(MarkStart { at, side: LogSide::Server });
            }
            if byte.is_ascii_alphabetic()
                && grammar::may_be_verb(rest)
                && command(wrap::first_line(rest)).is_some()
                && !wrap::is_member_name(rest)
            {
                return Some(MarkStart { at, side: LogSide::Client });
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
