//! Finds the scenario in a report that is written in Markdown.
//!
//! Responsible for fenced code blocks (`CommonMark` 0.31, section 4.5) as far as it takes to find the one that is run, and
//! to be sure that it is the one a reader sees: a file with two of them, or with one that HTML hides, is refused. Called
//! by `load`. What is in the block is YAML, and nobody's business here.

mod html;

use std::ops::Range;

/// What stands after the fence of the scenario.
pub(crate) const SCENARIO: &str = "yaml smtp-script";
/// What stands after the fence of what the server said.
pub(crate) const RECORDING: &str = "yaml smtp-script-recording";
/// What web mail makes of blanks.
const NO_BREAK_SPACE: char = '\u{a0}';
/// The largest Markdown file, in bytes.
pub(crate) const MAX_MARKDOWN_SIZE: usize = 8 * 1024 * 1024;

/// Why there is no such block to be used, and at which bytes that shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FenceFault {
    pub(crate) message: String,
    pub(crate) help: String,
    pub(crate) at: Range<usize>,
}

/// An opening fence.
#[derive(Clone, Copy)]
struct Fence<'t> {
    letter: char,
    length: usize,
    info: &'t str,
}

/// A line with its place in the text; without its line end.
#[derive(Clone, Copy)]
struct FenceLine<'t> {
    text: &'t str,
    start: usize,
    /// Behind the line end.
    next: usize,
}

/// Whether a file of this name is read as Markdown.
pub(crate) fn is_markdown(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    matches!(ending.as_deref(), Some("md" | "markdown"))
}

/// Whether a text is read as Markdown: by its name, or because it holds the block, whatever its name. What is named as YAML
/// is YAML, unless it begins as a ticket does.
pub(crate) fn is_ticket(name: &str, text: &str) -> bool {
    let may_be = || !is_yaml(name) || begins_as_ticket(text);
    is_markdown(name) || may_be() && (holds(text, SCENARIO) || holds(text, RECORDING))
}

/// Whether the first line is the headline of a ticket: to YAML it is a comment.
pub(crate) fn begins_as_ticket(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim_start().starts_with("# `")
}

/// Whether a file of this name is YAML, whatever stands in it.
pub(crate) fn is_yaml(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    matches!(ending.as_deref(), Some("yaml" | "yml"))
}

/// Whether the block of a scenario stands in a text.
pub(crate) fn holds_scenario(text: &str) -> bool {
    holds(text, SCENARIO)
}

fn holds(text: &str, info: &str) -> bool {
    lines(text).any(|line| Fence::opened_by(line.text).is_some_and(|fence| fence.is(info)))
}

/// The content of the only block with this info string.
pub(crate) fn only_block(text: &str, info: &str) -> Result<Range<usize>, FenceFault> {
    let mut found: Option<(Range<usize>, FenceLine<'_>)> = None;
    if let Some(line) = html::first(lines(text)).filter(|_| holds(text, info)) {
        return Err(unseen(info, line));
    }
    let mut lines = lines(text);
    while let Some(line) = lines.next() {
        let Some(fence) = Fence::opened_by(line.text) else { continue };
        let content = line.next;
        let closing = lines.by_ref().find(|line| fence.is_closed_by(line.text));
        if !fence.is(info) {
            continue;
        }
        let Some(closing) = closing else {
            let help = format!("a line `{}` ends it", fence.letter.to_string().repeat(fence.length));
            return Err(fault(line, format!("the block `{info}` is never closed"), &help));
        };
        if let Some((_, first)) = &found {
            let number = number_of(text, first.start);
            let help = format!("the first one begins in line {number}; which of them is meant cannot be known");
            return Err(fault(line, format!("a second block `{info}`: a report holds one"), &help));
        }
        found = Some((content..closing.start, line));
    }
    found.map(|(content, _)| content).ok_or_else(|| missing(text, info))
}

/// The text of a block, at the lines where it stands in the file: what is around it is left blank.
pub(crate) fn in_place(text: &str, block: &Range<usize>) -> String {
    let before = text[..block.start].bytes().filter(|byte| *byte == b'\n').count();
    let content = text[block.clone()].split_inclusive('\n').map(plainly_indented).collect::<String>();
    format!("{}{content}", "\n".repeat(before))
}

/// Web mail indents by no-break spaces.
fn plainly_indented(line: &str) -> String {
    let content = line.trim_start_matches([' ', NO_BREAK_SPACE]);
    let indentation = &line[..line.len() - content.len()];
    format!("{}{content}", indentation.replace(NO_BREAK_SPACE, " "))
}

fn lines(text: &str) -> impl Iterator<Item = FenceLine<'_>> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |whole| {
        let line =
            FenceLine { text: whole.trim_end_matches('\n').trim_end_matches('\r'), start, next: start + whole.len() };
        start = line.next;
        line
    })
}

impl<'t> Fence<'t> {
    fn opened_by(line: &'t str) -> Option<Fence<'t>> {
        let content = line.trim_start_matches(' ');
        let letter = content.chars().next().filter(|first| matches!(first, '`' | '~'))?;
        let info = content.trim_start_matches(letter);
        let length = content.len() - info.len();
        let fits = line.len() - content.len() <= 3 && length >= 3 && !(letter == '`' && info.contains('`'));
        fits.then_some(Fence { letter, length, info: info.trim() })
    }

    fn is_closed_by(self, line: &str) -> bool {
        let content = line.trim_start_matches(' ');
        let rest = content.trim_start_matches(self.letter);
        line.len() - content.len() <= 3 && content.len() - rest.len() >= self.length && rest.trim().is_empty()
    }

    fn is(self, info: &str) -> bool {
        self.info.split_whitespace().eq(info.split_whitespace())
    }
}

fn unseen(info: &str, line: FenceLine<'_>) -> FenceFault {
    let message = format!("HTML can keep a reader from seeing the block `{info}`");
    fault(line, message, "what is run must be what is read: take the HTML away, or put it between backticks")
}

fn missing(text: &str, info: &str) -> FenceFault {
    let near = lines(text).find(|line| {
        let content = line.text.trim_start_matches([' ', '\t', '>', '-', '*']);
        Fence::opened_by(content).is_some_and(|fence| fence.is(info))
    });
    match near {
        Some(line) => {
            let message = format!("the block `{info}` is indented or quoted");
            fault(line, message, "begin the line of its fence at the left margin")
        }
        None => FenceFault {
            message: format!("this Markdown file holds no block `{info}`"),
            help: format!("it stands between a line ```` ```{info} ```` and a line ```` ``` ````"),
            at: 0..text.find('\n').unwrap_or(text.len()),
        },
    }
}

fn fault(line: FenceLine<'_>, message: String, help: &str) -> FenceFault {
    FenceFault { message, help: help.to_owned(), at: line.start..line.start + line.text.len() }
}

fn number_of(text: &str, offset: usize) -> usize {
    text[..offset].bytes().filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn block(text: &str) -> Result<&str, String> {
        only_block(text, SCENARIO).map(|range| &text[range]).map_err(|fault| fault.message)
    }

    #[test]
    fn the_block_is_found() {
        assert_eq!(block("# t\n\n```yaml smtp-script\na: 1\n```\n"), Ok("a: 1\n"));
        assert_eq!(block("~~~~ yaml   smtp-script\r\na: 1\r\n~~~\r\n~~~~\r\n"), Ok("a: 1\r\n~~~\r\n"));
        assert_eq!(block("  ```yaml smtp-script\n  a: 1\n  ```"), Ok("  a: 1\n"));
        let other = "````text\n```yaml smtp-script\nx: 1\n```\n````\n```yaml smtp-script\na: 1\n```\n";
        assert_eq!(block(other), Ok("a: 1\n"));
        let both = "```yaml smtp-script-recording\nb: 1\n```\n```yaml smtp-script\na: 1\n```\n";
        assert_eq!(block(both), Ok("a: 1\n"));
    }

    #[test]
    fn lines_stay_where_they_are() {
        let text = "# t\r\n\n```yaml smtp-script\na: 1\n```\n";
        let range = only_block(text, SCENARIO).unwrap();
        assert_eq!(in_place(text, &range), "\n\n\na: 1\n");
        let mailed = "```yaml\u{a0}smtp-script\na:\n\u{a0} - b\u{a0}c\n```\n";
        let range = only_block(mailed, SCENARIO).unwrap();
        assert_eq!(in_place(mailed, &range), "\na:\n  - b\u{a0}c\n");
    }

    #[test]
    fn what_is_not_sure_is_refused() {
        let fence = "```yaml smtp-script\na: 1\n```\n";
        for (text, message) in [
            (String::new(), "holds no block"),
            ("```yaml\na: 1\n```\n".to_owned(), "holds no block"),
            (format!("{fence}{fence}"), "a second block"),
            ("```yaml smtp-script\na: 1\n".to_owned(), "never closed"),
            ("    ```yaml smtp-script\n    a: 1\n    ```\n".to_owned(), "indented or quoted"),
            ("> ```yaml smtp-script\n> a: 1\n> ```\n".to_owned(), "indented or quoted"),
            (format!("<!--\n{fence}-->\n"), "HTML"),
            (format!("<!--\n{fence}-->\n{fence}"), "HTML"),
            (format!("<div style=\"display:none\">\n\n{fence}\n</div>\n"), "HTML"),
            (format!("<details hidden>\n\n{fence}"), "HTML"),
            (format!("<textarea>\n{fence}"), "HTML"),
            (format!("<!-- a remark -->\n{fence}"), "HTML"),
            (format!("{fence}\n<style>pre {{ display: none }}</style>\n"), "HTML"),
        ] {
            let error = block(&text).unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
        assert!(block(&format!("1 < 2, `<div>`\n\n{fence}\n<https://example.com>\n")).is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[`~ a\r\n<>!\\-]{0,60}(```yaml smtp-script\n)?[`a\n]{0,20}") {
            match only_block(&text, SCENARIO) {
                Ok(range) => prop_assert!(text.get(range).is_some()),
                Err(fault) => prop_assert!(text.get(fault.at).is_some()),
            }
        }

        #[test]
        fn a_block_comes_back_from_among_others(
            around in prop::collection::vec("(````\n[a`]{0,3}\n````\n|[a-z ]{0,20}\n){0,3}", 2),
            content in "([a-z:`<!-]{0,12}\n){0,5}",
        ) {
            let longest = content.lines().map(|line| line.chars().filter(|letter| *letter == '`').count()).max().unwrap_or(0);
            let fence = "`".repeat(longest.max(2) + 1);
            let text = format!("{}{fence}{SCENARIO}\n{content}{fence}\n{}", around[0], around[1]);
            let range = only_block(&text, SCENARIO).map_err(|fault| TestCaseError::fail(fault.message))?;
            prop_assert_eq!(&text[range], content);
        }
    }
}
