//! What a log puts after each of its lines: a sign that stands for CR, what the logger knows besides.
//!
//! Responsible for taking off what most lines have in common there. What a logger knows may tell sessions apart: it stands
//! before the line then. `text` calls this.

use super::text::TextLine;
use std::borrow::Cow;

/// What stands for the CR of a line: in what `cat -v` and `cat -A` show, and in the log of recordio.
const SIGNS: [&str; 3] = ["^M$", "^M", "?"];
/// Of fewer lines nothing is known.
const FEWEST: usize = 4;
/// A value that tells a session is no longer, in bytes.
const MAX_VALUE: usize = 80;

/// Takes off what most lines end with.
pub(super) fn take_off(lines: &mut [TextLine<'_>]) {
    if let Some(sign) = SIGNS.iter().find(|sign| have(lines, |text| text.ends_with(**sign))) {
        for line in lines.iter_mut() {
            let end = line.text.strip_suffix(sign).map(str::len);
            cut(&mut line.text, end, "");
        }
    }
    let sample = lines.iter().find_map(|line| context(&line.text)).map(|found| names(found.1));
    let Some(wanted) = sample.filter(|names| !names.is_empty()) else { return };
    let fits = |text: &str| context(text).is_some_and(|found| names(found.1) == wanted);
    if have(lines, fits) {
        for line in lines.iter_mut().filter(|line| fits(&line.text)) {
            let Some((start, inside)) = context(&line.text) else { continue };
            let values: String = pairs(inside).flat_map(|(_, value)| ["[", value, "] "]).collect();
            cut(&mut line.text, Some(start), &values);
        }
    }
}

/// Whether three of four lines that say anything pass.
fn have(lines: &[TextLine<'_>], test: impl Fn(&str) -> bool) -> bool {
    let said = || lines.iter().map(|line| line.text.trim_end()).filter(|text| !text.is_empty());
    let count = said().take(FEWEST).count();
    // Most texts have nothing of the kind: the first lines tell that.
    count == FEWEST
        && said().take(4 * FEWEST).any(&test)
        && said().filter(|text| test(text)).count() * 4 >= said().count() * 3
}

fn cut(text: &mut Cow<'_, str>, end: Option<usize>, before: &str) {
    let Some(end) = end else { return };
    let kept = text[..end].trim_end_matches(' ');
    *text = Cow::Owned(format!("{before}{kept}"));
}

/// `(conn=17)`, `[sid=x1 tid=2]` or `{"cid":"q1"}` at the end of a line: where it begins, and what is in it.
fn context(text: &str) -> Option<(usize, &str)> {
    let text = text.trim_end();
    let open = match text.chars().next_back()? {
        ')' => '(',
        ']' => '[',
        '}' => '{',
        _ => return None,
    };
    let start = text.rfind(open).filter(|start| *start > 0 && text[..*start].ends_with(' '))?;
    let inside = &text[start + 1..text.len() - 1];
    let is_whole =
        !inside.is_empty() && inside.split([' ', ',']).filter(|word| !word.is_empty()).all(|word| pair(word).is_some());
    is_whole.then_some((start, inside))
}

fn pairs(inside: &str) -> impl Iterator<Item = (&str, &str)> {
    inside.split([' ', ',']).filter_map(pair)
}

fn names(inside: &str) -> Vec<String> {
    pairs(inside).map(|(name, _)| name.to_owned()).collect()
}

/// `conn=17`, `"cid":"q1"`
fn pair(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=').or_else(|| word.split_once("\":"))?;
    let (name, value) = (name.trim_matches('"'), value.trim_matches('"'));
    let is_plain = |text: &str| {
        !text.is_empty()
            && text.len() <= MAX_VALUE
            && text.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '.' | '-' | ':' | '#'))
    };
    (is_plain(name) && is_plain(value)).then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::super::text::lines;

    fn texts(text: &str) -> Vec<String> {
        lines(text).unwrap_or_default().into_iter().map(|line| line.text.into_owned()).collect()
    }

    #[test]
    fn what_most_lines_end_with_comes_off() {
        assert_eq!(texts("220 a^M\nEHLO b^M\n250 c^M\nQUIT^M"), ["220 a", "EHLO b", "250 c", "QUIT"]);
        assert_eq!(texts("220 a?\nEHLO b?\n250 c?\nQUIT?"), ["220 a", "EHLO b", "250 c", "QUIT"]);
        assert_eq!(
            texts("220 a (conn=1)\nEHLO b (conn=1)\n220 c (conn=2)\nQUIT (conn=1)\n"),
            ["[1] 220 a", "[1] EHLO b", "[2] 220 c", "[1] QUIT", ""]
        );
        assert_eq!(
            texts("220 a {\"cid\":\"q1\"}\nEHLO b {\"cid\":\"q1\"}\n250 c {\"cid\":\"q1\"}\nQUIT {\"cid\":\"q1\"}"),
            ["[q1] 220 a", "[q1] EHLO b", "[q1] 250 c", "[q1] QUIT"]
        );
        let others = ["220 a", "EHLO b", "250 what? (x=1)", "NOOP", "250 ok?", "QUIT"];
        assert_eq!(texts(&others.join("\n")), others);
    }
}
