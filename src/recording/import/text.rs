//! The lines of a pasted text.
//!
//! Responsible for what wraps whole lines wherever they come from: line ends, colours of a terminal, quoting in mail and
//! Markdown, fences, backticks, indentation, entities of HTML, lines of JSON. Each line keeps its place in the text.

use super::{logfmt, markup, wrap};
use std::borrow::Cow;

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
}

/// Marks that people paste several of into one line.
const GLUED: [&str; 4] = ["SERVER -> CLIENT:", "CLIENT -> SERVER:", "SMTP -> FROM SERVER:", "SMTP ERROR:"];

/// The lines of a text.
pub(super) fn lines(text: &str) -> Vec<TextLine<'_>> {
    if let Some(objects) = wrap::json_objects(text) {
        let line = |(start, end, text)| TextLine { start, end, text: Cow::Owned(text), role: LineRole::Open };
        return unwrapped(objects.into_iter().map(line).collect());
    }
    let count = memchr::memchr_iter(b'\n', text.as_bytes()).count();
    let mut lines: Vec<TextLine<'_>> = Vec::with_capacity(count + 1);
    let mut start = 0;
    for line in text.split('\n') {
        let shown = without_colours(line.trim_end_matches('\r'));
        if !shown.trim_start().starts_with("```") {
            lines.push(TextLine { start, end: start + line.len(), text: shown, role: LineRole::Open });
        }
        start += line.len() + 1;
    }
    unquote(&mut lines);
    unindent(&mut lines);
    under_headings(&mut lines);
    unwrapped(lines)
}

/// The lines without what wraps each alone; what was joined in one is several again.
fn unwrapped(mut lines: Vec<TextLine<'_>>) -> Vec<TextLine<'_>> {
    lines.iter_mut().for_each(plain);
    if lines.iter().any(|line| parts(&line.text).len() > 1) {
        lines.into_iter().flat_map(unglue).collect()
    } else {
        lines
    }
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

/// Escape sequences of a terminal, `\x1b[…m` and the like.
fn without_colours(line: &str) -> Cow<'_, str> {
    if !line.contains('\x1b') {
        return Cow::Borrowed(line);
    }
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\x1b') {
        plain.push_str(before);
        rest = match after.strip_prefix('[') {
            Some(sequence) => {
                let end =
                    sequence.find(|letter: char| ('@'..='~').contains(&letter)).map_or(sequence.len(), |at| at + 1);
                &sequence[end..]
            }
            None => after,
        };
    }
    Cow::Owned(plain + rest)
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
        lines(text).into_iter().map(|line| line.text.into_owned()).collect()
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
