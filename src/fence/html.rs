//! Raw HTML in Markdown, which can keep a reader from seeing what is run.
//!
//! Responsible for finding whatever a renderer could take for HTML (`CommonMark` 0.31, sections 4.6 and 6.6), in quotes and
//! lists too, outside of code. It need not be right about what is harmless: what is in doubt counts as HTML. Called by
//! `fence`.

use super::{Fence, FenceLine};

/// The first line outside of code that holds HTML.
pub(super) fn first<'t>(lines: impl Iterator<Item = FenceLine<'t>>) -> Option<FenceLine<'t>> {
    let mut reader = Reader::default();
    for line in lines {
        if let Some(found) = reader.read(line) {
            return Some(found);
        }
    }
    reader.end_of_paragraph()
}

/// What is known of the page so far.
#[derive(Default)]
struct Reader<'t> {
    /// The code block that is open, and what each of its lines begins with.
    code: Option<(Fence<'t>, Container)>,
    /// Lines that belong together, each without its marks.
    paragraph: Vec<(FenceLine<'t>, &'t str)>,
    /// The quote marks of the line before.
    quotes: usize,
    /// How far the text of the last list item is indented, as long as lines may belong to it.
    item: Option<usize>,
}

/// What a line that goes on in a quote or in an item begins with.
#[derive(Clone, Copy)]
enum Container {
    Page,
    Quote(usize),
    Item(usize),
}

/// What stands before the text of a line.
#[derive(Clone, Copy)]
struct Marks {
    quotes: usize,
    /// Octets before the text.
    indent: usize,
    /// Blanks right before the text.
    blanks: usize,
    is_item: bool,
    has_tab: bool,
}

impl<'t> Reader<'t> {
    fn read(&mut self, line: FenceLine<'t>) -> Option<FenceLine<'t>> {
        if let Some((fence, container)) = self.code {
            if let Some(content) = container.content(line.text) {
                if fence.is_closed_by(content) {
                    self.code = None;
                }
                return None;
            }
            self.code = None;
        }
        let (marks, text) = without_marks(line.text);
        if text.is_empty() {
            return self.end_of_paragraph();
        }
        let is_code = self.item.is_none() && self.paragraph.is_empty() && line.text.starts_with("    ");
        if is_code {
            return None;
        }
        let container = self.container(marks);
        // A footnote of GitHub's goes on like an item.
        if marks.is_item || text.starts_with("[^") {
            self.item = Some(marks.indent);
        } else if marks.indent == 0 {
            self.item = None;
        }
        self.quotes = marks.quotes;
        if let Some((fence, container)) = Fence::opened_by(text).zip(container) {
            self.code = Some((fence, container));
            return self.end_of_paragraph();
        }
        if begins_html(text) {
            return Some(line);
        }
        self.paragraph.push((line, text));
        None
    }

    /// Where a fence on such a line would be one for sure.
    fn container(&self, marks: Marks) -> Option<Container> {
        let interrupts = !self.paragraph.is_empty();
        match (marks.quotes, self.item) {
            _ if marks.has_tab => None,
            (0, None) if !marks.is_item => (marks.blanks <= 3).then_some(Container::Page),
            (0, _) if marks.is_item => {
                (!interrupts && marks.blanks <= 4 && marks.indent <= 8).then_some(Container::Item(marks.indent))
            }
            (0, Some(item)) if marks.indent >= item => (marks.indent <= item + 3).then_some(Container::Item(item)),
            (0, _) => (marks.blanks <= 3 && !interrupts).then_some(Container::Page),
            (quotes, None) if !marks.is_item => {
                let goes_on = !interrupts || quotes == self.quotes;
                (goes_on && marks.blanks <= 4).then_some(Container::Quote(quotes))
            }
            _ => None,
        }
    }

    fn end_of_paragraph(&mut self) -> Option<FenceLine<'t>> {
        let lines = std::mem::take(&mut self.paragraph);
        let is_table = lines.iter().any(|(_, text)| {
            text.contains('-')
                && text.contains('|')
                && text.chars().all(|sign| matches!(sign, '-' | '|' | ':' | ' ' | '\t'))
        });
        let holds = |(at, (_, text)): &(usize, &(FenceLine<'t>, &'t str))| {
            let further = lines[at + 1..].iter().any(|(_, text)| text.contains('>'));
            has_tag(text, further, is_table)
        };
        lines.iter().enumerate().find(holds).map(|(_, (line, _))| *line)
    }
}

impl Container {
    /// What a line holds of it, if it goes on in it.
    fn content(self, line: &str) -> Option<&str> {
        match self {
            Container::Page => Some(line),
            Container::Quote(quotes) => (0..quotes).try_fold(line, |rest, _| {
                let quoted = rest.trim_start_matches(' ').strip_prefix('>')?;
                Some(quoted.strip_prefix(' ').unwrap_or(quoted))
            }),
            Container::Item(_) if line.trim().is_empty() => Some(""),
            Container::Item(indent) => line.get(indent..).filter(|_| line[..indent].trim_matches(' ').is_empty()),
        }
    }
}

/// A line without the marks of quotes and lists before its text.
fn without_marks(line: &str) -> (Marks, &str) {
    let mut marks = Marks { quotes: 0, indent: 0, blanks: 0, is_item: false, has_tab: false };
    let mut rest = line;
    loop {
        let text = rest.trim_start_matches([' ', '\t']);
        marks.blanks = rest.len() - text.len();
        marks.has_tab |= rest[..marks.blanks].contains('\t');
        let digits = text.len() - text.trim_start_matches(|sign: char| sign.is_ascii_digit()).len();
        let after_number = text[digits..].strip_prefix(['.', ')']).filter(|_| (1..=9).contains(&digits));
        let item = text.strip_prefix(['-', '*', '+']).or(after_number);
        let item = item.filter(|inner| inner.is_empty() || inner.starts_with([' ', '\t']));
        if let Some(quoted) = text.strip_prefix('>') {
            marks.quotes += 1;
            rest = quoted;
        } else if let Some(inner) = item {
            marks.is_item = true;
            rest = inner;
        } else {
            marks.indent = line.len() - text.len();
            return (marks, text.trim_end());
        }
    }
}

/// Whether a line begins a block of HTML.
fn begins_html(text: &str) -> bool {
    text.starts_with('<') && tag_at(text) && autolink(text).is_none()
}

/// Whether a text has a tag within. `further` says whether a `>` follows in later lines.
fn has_tag(text: &str, further: bool, is_table: bool) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '`', '<']) {
        rest = &rest[at..];
        let length = match rest.as_bytes()[0] {
            b'\\' => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            b'`' => {
                let run = rest.len() - rest.trim_start_matches('`').len();
                match code_span(rest, run) {
                    // The cells of a table come before the code in them.
                    Some(span) if !(is_table && rest[..span].contains('|') && rest[..span].contains('<')) => span,
                    _ => run,
                }
            }
            _ => match autolink(rest) {
                Some(link) => link,
                None if tag_at(rest) && (further || rest.contains('>')) => return true,
                None => 1,
            },
        };
        rest = &rest[length..];
    }
    false
}

/// The length of a code span that a run of backticks opens, when it ends on the same line.
fn code_span(text: &str, run: usize) -> Option<usize> {
    let mut at = run;
    while let Some(next) = text[at..].find('`') {
        let start = at + next;
        let closing = text.len() - start - text[start..].trim_start_matches('`').len();
        at = start + closing;
        if closing == run {
            return Some(at);
        }
    }
    None
}

/// Whether what begins with `<` can be a tag, a comment, a declaration or an instruction.
fn tag_at(text: &str) -> bool {
    let inner = &text[1..];
    let name = inner.strip_prefix('/').unwrap_or(inner);
    let behind = name.trim_start_matches(|sign: char| sign.is_ascii_alphanumeric() || sign == '-');
    let is_tag = name.starts_with(|sign: char| sign.is_ascii_alphabetic())
        && (behind.is_empty() || behind.starts_with([' ', '\t', '/', '>']));
    is_tag || inner.starts_with(['!', '?'])
}

/// The length of an autolink: `<https://…>` or `<name@host>`.
fn autolink(text: &str) -> Option<usize> {
    let end = text.find('>')?;
    let inner = &text[1..end];
    let plain = !inner.contains(|sign: char| sign.is_whitespace() || sign == '<');
    let scheme = inner.split_once(':').is_some_and(|(scheme, _)| {
        (2..=32).contains(&scheme.len())
            && scheme.starts_with(|sign: char| sign.is_ascii_alphabetic())
            && scheme.chars().all(|sign| sign.is_ascii_alphanumeric() || "+.-".contains(sign))
    });
    let address = inner.split_once('@').is_some_and(|(local, host)| {
        let is_local = |sign: char| sign.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(sign);
        !local.is_empty()
            && local.chars().all(is_local)
            && !host.is_empty()
            && host.chars().all(|sign| sign.is_ascii_alphanumeric() || ".-".contains(sign))
    });
    (plain && (scheme || address)).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::super::lines;

    fn found(text: &str) -> bool {
        super::first(lines(text)).is_some()
    }

    #[test]
    fn whatever_can_be_html_is_found() {
        for text in [
            "<div\nhidden>\n",
            "<div\nstyle=x>",
            "x <div hidden>\n",
            "<details>",
            "<dialog>",
            "<!X",
            "<!-- x -->",
            "a <!--\n-->",
            "<?php",
            "<![CDATA[",
            "</p>",
            "x </p>",
            "> <div>",
            "- <div>",
            "1. <div>",
            "> - <div\n",
            "x <b\nclass=a>",
            "<div title=\"",
            "   <div>",
            "\\`<div>`",
            "`a\n<div>`",
            "# `\nx <div> `",
            "| ` | <div> ` |\n|---|---|\n",
            "<a href=\"`\">`",
            "<https://a`b><div>`",
            "- ```\n  <b>\n<div>\n",
            "> ```\n<div>\n",
            "``<div>`",
            "text\n    <div>",
            "<DIV>",
            "<x-y/>",
            "```\n- ```\n```\n<div hidden>\n",
            "text\n12. ```\n    <div hidden>\n",
            "text\n    ```\n    <div hidden>\n",
            "- text\n      ```\n      <div hidden>\n",
            "[^1]: x\n\n    <div>\n",
            "> ```\n> - ```\n> ```\n> <div>\n",
        ] {
            assert!(found(text), "{text}");
        }
    }

    #[test]
    fn code_and_what_is_no_html_is_not() {
        for text in [
            "1 < 2\n",
            "a <b and c\n",
            "`<div>`",
            "``a ` <div>``",
            "```\n<div>\n```\n",
            "~~~ html\n<div>\n~~~\n",
            "    <div>\n",
            "> ```\n> <div>\n> ```\n",
            "- ```\n  <div>\n  ```\n",
            "<https://example.com/?a=b>",
            "<ann@example.com>",
            "\\<div>",
            "| a | b |\n|---|---|\n| `<div>` | 1 < 2 |\n",
            "x <y@z> <1> <>",
            "",
            "MAIL FROM:<>",
        ] {
            assert!(!found(text), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_read(text in "[`~ a\r\n<>!/|\\\\>-]{0,80}") {
            found(&text);
        }
    }
}
