//! The lines of a pasted text.
//!
//! Responsible for the encoding of a file, and for what wraps whole lines wherever they come from: line ends,
//! quoting in mail and Markdown, fences, backticks, indentation, entities of HTML, lines of JSON. Each line keeps its place in
//! the text. What is done to one line by a terminal is `screen`'s business, what a log puts at the end of all `closing`'s.

use super::{closing, logfmt, markup, screen, wrap};
use std::borrow::Cow;
use std::ops::Range;

/// A line with its place.
pub(super) struct TextLine<'t> {
    /// Where it stands in the text, in bytes.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) text: Cow<'t, str>,
    pub(super) role: LineRole,
}

/// What a line is before anything is known of its side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LineRole {
    /// A line that is to be read.
    Open,
    /// What a tool says of itself.
    Noise,
    /// TLS begins before this line.
    AfterHandshake,
    /// Before this line the tool has greeted and begun TLS by itself.
    AfterToolGreeted,
    /// A line that is longer than any of a conversation: nothing of it is kept.
    TooLong,
}

/// No line of a conversation is longer, in bytes, whatever wraps it.
pub(super) const MAX_LINE: usize = 1024 * 1024;
/// The most lines that are read: each takes memory, a blank one too.
pub(super) const MAX_LINES: usize = 400_000;

/// A text has more than [`MAX_LINES`].
pub(super) struct TooManyLines;

/// Marks that people paste several of into one line.
const GLUED: [&str; 4] = ["SERVER -> CLIENT:", "CLIENT -> SERVER:", "SMTP -> FROM SERVER:", "SMTP ERROR:"];

/// The text of a file: UTF-16, as Windows writes it, or UTF-8; bytes that are neither are replaced.
#[must_use]
pub fn decoded(bytes: Vec<u8>) -> String {
    let wide = |from: fn([u8; 2]) -> u16, bytes: &[u8]| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| from([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes.get(..2) {
        Some([0xff, 0xfe]) => wide(u16::from_le_bytes, &bytes[2..]),
        Some([0xfe, 0xff]) => wide(u16::from_be_bytes, &bytes[2..]),
        // Digits and letters have a zero in one of their two octets.
        Some([first, 0]) if *first != 0 && has_zeros(&bytes, 1) => wide(u16::from_le_bytes, &bytes),
        Some([0, second]) if *second != 0 && has_zeros(&bytes, 0) => wide(u16::from_be_bytes, &bytes),
        _ => {
            let mut text =
                String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
            let mark = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
            text.drain(..mark);
            text
        }
    }
}

/// Whether nearly each second octet of the beginning is zero, from the one at this place on.
fn has_zeros(bytes: &[u8], from: usize) -> bool {
    let halves = || bytes.iter().take(512).skip(from).step_by(2);
    halves().filter(|byte| **byte == 0).count() * 10 >= halves().count() * 9
}

/// The lines of a text.
///
/// # Errors
/// There are more than are read.
pub(super) fn lines(text: &str) -> Result<Vec<TextLine<'_>>, TooManyLines> {
    if let Some(objects) = wrap::json_objects(text, MAX_LINES) {
        let line = |(place, text): (Range<usize>, Option<String>)| of_text(place, text.map(Cow::Owned));
        return unwrapped(objects.into_iter().map(line).collect());
    }
    let count = memchr::memchr_iter(b'\n', text.as_bytes()).count();
    if count >= MAX_LINES {
        return Err(TooManyLines);
    }
    let mut lines: Vec<TextLine<'_>> = Vec::with_capacity(count + 1);
    let mut start = 0;
    for line in text.split('\n') {
        let shown = (line.len() <= MAX_LINE).then(|| screen::shown(line.trim_end_matches('\r')));
        if shown.as_ref().is_none_or(|shown| !shown.trim_start().starts_with("```")) {
            lines.push(of_text(start..start + line.len(), shown));
        }
        start += line.len() + 1;
    }
    unquote(&mut lines);
    unindent(&mut lines);
    closing::take_off(&mut lines);
    under_headings(&mut lines);
    unwrapped(lines)
}

/// A line that nothing is known of; without its text it is too long.
fn of_text(place: Range<usize>, text: Option<Cow<'_, str>>) -> TextLine<'_> {
    let role = if text.is_some() { LineRole::Open } else { LineRole::TooLong };
    TextLine { start: place.start, end: place.end, text: text.unwrap_or_default(), role }
}

/// The lines without what wraps each alone; what was joined in one is several again.
fn unwrapped(mut lines: Vec<TextLine<'_>>) -> Result<Vec<TextLine<'_>>, TooManyLines> {
    lines.iter_mut().for_each(plain);
    if lines.iter().any(|line| parts(&line.text).len() > 1) {
        let apart: Vec<_> = lines.into_iter().flat_map(unglue).take(MAX_LINES + 1).collect();
        return if apart.len() > MAX_LINES { Err(TooManyLines) } else { Ok(apart) };
    }
    Ok(lines)
}

/// Puts a heading, `Client:` on a line of its own, before each line below it.
fn under_headings(lines: &mut [TextLine<'_>]) {
    let heading = |line: &TextLine<'_>| heading(&line.text).map(str::to_owned);
    let mut kinds: Vec<String> = lines.iter().filter_map(heading).collect();
    let count = kinds.len();
    kinds.sort();
    kinds.dedup();
    if kinds.len() != 2 || count < 4 {
        return;
    }
    let mut current = String::new();
    for at in 0..lines.len() {
        let (now, next) = (heading(&lines[at]), lines.get(at + 1).and_then(heading));
        let is_gap = lines[at].text.trim().is_empty() && (next.is_some() || at + 1 == lines.len());
        if let Some(now) = now {
            current = now;
            lines[at].role = LineRole::Noise;
        } else if !current.is_empty() && !is_gap {
            let text = lines[at].text.strip_prefix("  ").unwrap_or(&lines[at].text);
            lines[at].text = Cow::Owned(format!("{current}: {text}"));
        }
    }
}

/// The word of a line that tells only whose the lines below are.
fn heading(line: &str) -> Option<&str> {
    const HEADINGS: [&str; 12] = [
        "client", "server", "sent", "received", "request", "response", "send", "receive", "command", "reply", "out",
        "in",
    ];
    let word = line.trim_matches(|letter: char| !letter.is_alphanumeric());
    HEADINGS.iter().any(|it| it.eq_ignore_ascii_case(word)).then_some(word)
}

/// Takes off what wraps a line alone.
fn plain(line: &mut TextLine<'_>) {
    let trimmed = line.text.trim();
    if trimmed.len() > 2
        && trimmed.starts_with('`')
        && trimmed.ends_with('`')
        && !trimmed[1..trimmed.len() - 1].contains('`')
    {
        map(&mut line.text, |text| text.trim().trim_matches('`'));
    }
    if let Some(text) = markup::without_tags(&line.text) {
        line.text = Cow::Owned(text);
    }
    if line.text.contains("&gt;") || line.text.contains("&lt;") {
        let decoded = line.text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
        line.text = Cow::Owned(decoded.replace("&amp;", "&"));
    }
    if line.text.trim_end().ends_with('}')
        && let Some(at) = line.text.find("{\"")
        && let Some(text) = wrap::json(line.text[at..].trim_end())
    {
        line.text = Cow::Owned(format!("{}{text}", &line.text[..at]));
    } else if let Some(text) = logfmt::line(&line.text) {
        line.text = Cow::Owned(text);
    }
}

/// Where what was joined in one line begins.
fn parts(line: &str) -> Vec<usize> {
    let mut starts: Vec<usize> = GLUED.iter().flat_map(|mark| line.match_indices(mark).map(|(at, _)| at)).collect();
    starts.sort_unstable();
    if starts.len() > 1 { starts } else { markup::members(line) }
}

/// `SERVER -> CLIENT: 220 hi CLIENT -> SERVER: EHLO me`, as a browser shows lines whose ends were lost.
fn unglue(line: TextLine<'_>) -> Vec<TextLine<'_>> {
    let mut starts = parts(&line.text);
    if starts.len() < 2 {
        return vec![line];
    }
    let text = line.text.into_owned();
    starts[0] = 0;
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let part = |(from, to): (&usize, usize)| TextLine {
        start: line.start,
        end: line.end,
        text: Cow::Owned(text[*from..to].trim_end().trim_end_matches("<br>").trim_end().to_owned()),
        role: line.role,
    };
    starts.iter().zip(ends).map(part).collect()
}

/// Takes a part of a text, borrowed where the text is.
fn map(text: &mut Cow<'_, str>, part: impl Fn(&str) -> &str) {
    match text {
        Cow::Borrowed(borrowed) => *borrowed = part(borrowed),
        Cow::Owned(owned) => *owned = part(owned).to_owned(),
    }
}

/// Takes quoting by `>` off: where all lines have it, and line by line where a line of the server has it.
fn unquote(lines: &mut [TextLine<'_>]) {
    let filled = |lines: &[TextLine<'_>]| lines.iter().any(|line| !line.text.trim().is_empty());
    while filled(lines) && lines.iter().all(|line| line.text.trim().is_empty() || line.text.starts_with('>')) {
        for line in lines.iter_mut() {
            strip_quote(&mut line.text);
        }
    }
    let is_reply = |text: &str, sign: char| {
        let bare = text.trim_start_matches([sign, ' ']);
        text.starts_with(sign) && super::grammar::usual_code(bare.trim_start_matches('`')).is_some()
    };
    let quotes = lines.iter().any(|line| is_reply(&line.text, '>'));
    let arrows = lines.iter().any(|line| is_reply(&line.text, '<') || line.text.starts_with("< "));
    if quotes && !arrows {
        for line in lines {
            while line.text.starts_with('>') {
                strip_quote(&mut line.text);
            }
        }
    }
}

fn strip_quote(text: &mut Cow<'_, str>) {
    map(text, |text| text.strip_prefix("> ").or(text.strip_prefix('>')).unwrap_or(text));
}

/// Takes off the indentation that all lines have.
fn unindent(lines: &mut [TextLine<'_>]) {
    let indentation = |line: &&TextLine<'_>| line.text.len() - line.text.trim_start_matches(' ').len();
    let common = lines.iter().filter(|line| !line.text.trim().is_empty()).map(|line| indentation(&line)).min();
    for line in lines.iter_mut().filter(|_| common.unwrap_or(0) > 0) {
        map(&mut line.text, |text| text.get(common.unwrap_or(0)..).unwrap_or(""));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        lines(text).unwrap_or_default().into_iter().map(|line| line.text.into_owned()).collect()
    }

    #[test]
    fn what_wraps_a_line_comes_off() {
        assert_eq!(texts("\x1b[32m220 hi\x1b[0m\r"), ["220 hi"]);
        assert_eq!(texts("`220 hi`\n`QUIT`"), ["220 hi", "QUIT"]);
        assert_eq!(texts("> > 220 hi\n> > QUIT"), ["220 hi", "QUIT"]);
        assert_eq!(texts("> 220 hi\nQUIT"), ["220 hi", "QUIT"]);
        assert_eq!(texts("< 220 hi\n> QUIT"), ["< 220 hi", "> QUIT"]);
        assert_eq!(texts("220 hi\n>>> QUIT"), ["220 hi", ">>> QUIT"]);
        assert_eq!(
            texts(
                "[\n {\"dir\": \"in\",\n  \"data\": \"220 hi\\r\\n\"},\n {\"dir\": \"out\", \"data\": \"QUIT\"}\n]\n"
            ),
            ["in: 220 hi", "out: QUIT"]
        );
        assert_eq!(texts("CLIENT -&gt; SERVER: QUIT"), ["CLIENT -> SERVER: QUIT"]);
        assert_eq!(
            texts("SERVER -> CLIENT: 220 hi CLIENT -> SERVER: QUIT"),
            ["SERVER -> CLIENT: 220 hi", "CLIENT -> SERVER: QUIT"]
        );
    }
}
