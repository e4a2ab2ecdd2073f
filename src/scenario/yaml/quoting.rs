//! A template that YAML takes for its own signs: where it lies, and the line with its value in quotes.
//!
//! Called for files that are no YAML, and for texts that end too early because of such a sign.

use std::ops::Range;

/// How long a line may be that is shown as it should be.
const LINE_SHOWN: usize = 120;
/// What YAML reads otherwise in brackets and braces.
const IN_FLOW: [char; 8] = ['[', ']', '{', '}', ',', ':', '"', '\''];

/// The help for a line in which a template must be quoted: with the line as it should be.
pub(crate) fn quoted(line: &str) -> Option<String> {
    let template = template(line)?;
    let value = value(line, &template);
    let text = &line[value.clone()];
    let quoted = in_quotes(unquoted(text));
    let whole = format!("{}{quoted}{}", line[..value.start].trim_start(), &line[value.end..]);
    let shown = if whole.len() > LINE_SHOWN { &quoted } else { whole.trim_end() };
    Some(format!("quote the template: `{shown}`"))
}

/// The help for a line with a pattern in braces or brackets, which YAML reads the brackets of: with the pattern in quotes.
pub(super) fn of_pattern(line: &str) -> Option<String> {
    let start = line.match_indices('^').map(|(at, _)| at).find(|at| {
        let is_value = line[..*at].ends_with([' ', '[', ',']) && open_bracket(&line[..*at]).is_some();
        is_value && line[*at..pattern_end(line, *at)].contains(IN_FLOW)
    })?;
    let end = pattern_end(line, start);
    let whole = format!("{}{}{}", line[..start].trim_start(), in_quotes(line[start..end].trim_end()), &line[end..]);
    Some(format!("quote the pattern: `{}`", whole.trim_end()))
}

/// Where a pattern in flow style was meant to end: before the comma, brace or bracket that none of its own opened.
fn pattern_end(line: &str, start: usize) -> usize {
    let mut depth = 0_u32;
    let closes = |(at, sign): (usize, char)| {
        match sign {
            '[' | '{' | '(' => depth += 1,
            ']' | '}' | ')' if depth > 0 => depth -= 1,
            ']' | '}' => return Some(start + at),
            ',' if depth == 0 => return Some(start + at),
            _ => {}
        }
        None
    };
    line[start..].char_indices().find_map(closes).unwrap_or(line.len())
}

/// The first template that needs quotes.
fn template(line: &str) -> Option<Range<usize>> {
    let (mut from, mut seen, mut open) = (0, 0, Vec::new());
    while let Some(start) = line[from..].find("<<").map(|at| from + at) {
        let end = line[start..].find(">>").map(|length| start + length + 2)?;
        let inside = &line[start..end];
        // What lies before is looked at once, however many templates there are.
        follow_brackets(&line[seen..start], seen, &mut open);
        seen = start;
        let in_flow = !open.is_empty() && inside.contains(IN_FLOW);
        let quoted = line[..start].ends_with(['"', '\'']) && inside.contains(&line[start - 1..start]);
        if in_flow || quoted || inside.contains(": ") || inside.contains(" #") {
            return Some(start..end);
        }
        from = end;
    }
    None
}

/// The value that a template stands in: from after its key, or the bracket or comma before it, to what ends it.
fn value(line: &str, template: &Range<usize>) -> Range<usize> {
    let before = &line[..template.start];
    let flow = open_bracket(before);
    let key = before.rfind(": ").map_or(0, |at| at + 2);
    let item = before.find("- ").filter(|at| before[..*at].trim().is_empty()).map_or(0, |at| at + 2);
    let comma = if flow.is_some() { before.rfind(',').map_or(0, |at| at + 1) } else { 0 };
    let start = key.max(item).max(comma).max(flow.map_or(0, |at| at + 1));
    let start = start + before[start..].len() - before[start..].trim_start().len();
    let behind = &line[template.end..];
    let length = match flow {
        Some(_) => behind.find([',', '}', ']']).unwrap_or(behind.len()),
        None => behind.find(" #").unwrap_or(behind.len()),
    };
    let end = template.end + behind[..length].trim_end().len();
    start..end
}

/// The last bracket or brace that is open at the end of this text.
fn open_bracket(text: &str) -> Option<usize> {
    let mut open = Vec::new();
    follow_brackets(text, 0, &mut open);
    open.pop()
}

/// Goes on with a text that begins at this place of a line.
fn follow_brackets(text: &str, from: usize, open: &mut Vec<usize>) {
    for (at, sign) in text.char_indices() {
        match sign {
            '[' | '{' => open.push(from + at),
            ']' | '}' => _ = open.pop(),
            _ => {}
        }
    }
}

/// A text without the quotes around it, which a quote inside of it ended too early.
fn unquoted(text: &str) -> &str {
    ['"', '\'']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote).map(|inner| inner.strip_suffix(*quote).unwrap_or(inner)))
        .unwrap_or(text)
}

/// A text in the quotes that need the fewest changes to it.
fn in_quotes(text: &str) -> String {
    match (text.contains('\''), text.contains(['"', '\\'])) {
        (true, false) => format!("\"{text}\""),
        _ => format!("'{}'", text.replace('\'', "''")),
    }
}

#[cfg(test)]
mod tests {
    use super::{of_pattern, quoted};

    #[test]
    fn a_pattern_in_braces_is_shown_in_quotes() {
        let rows = [
            ("    expect: {not: ^250[ -]AUTH}", "expect: {not: '^250[ -]AUTH'}"),
            ("    expect: {all: [^250[ -]SIZE, ^250]}", "expect: {all: ['^250[ -]SIZE', ^250]}"),
            ("  - {send: NOOP, expect: ^250 [a-z]{2}}", "- {send: NOOP, expect: '^250 [a-z]{2}'}"),
        ];
        for (line, wanted) in rows {
            assert_eq!(of_pattern(line), Some(format!("quote the pattern: `{wanted}`")), "{line}");
        }
        for line in ["    expect: ^250[ -]AUTH", "  - {send: NOOP, expect: ^250}", "  - send: {a: b"] {
            assert_eq!(of_pattern(line), None, "{line}");
        }
    }

    #[test]
    fn the_line_is_shown_with_the_value_in_quotes() {
        let rows = [
            ("  - {send: <<p[0]>>, expect: 5xx}", "- {send: '<<p[0]>>', expect: 5xx}"),
            ("  - {send: NOOP <<p[0]>>, expect: 5xx}", "- {send: 'NOOP <<p[0]>>', expect: 5xx}"),
            ("  - for_each: {l: <<p[1]>>}", "- for_each: {l: '<<p[1]>>'}"),
            ("  - {send: <<f('a', 'b')>>, expect: 250}", "- {send: \"<<f('a', 'b')>>\", expect: 250}"),
            ("  - {send: [<<p[0]>>, NOOP]}", "- {send: ['<<p[0]>>', NOOP]}"),
            ("  - {send: [NOOP, <<p[0]>>]}", "- {send: [NOOP, '<<p[0]>>']}"),
            ("  - send: <<'a: b'>>", "- send: \"<<'a: b'>>\""),
            ("  - send: <<{'a': 1}['a']>> # why", "- send: \"<<{'a': 1}['a']>>\" # why"),
            ("  - send: <<p | default('a #b')>>", "- send: \"<<p | default('a #b')>>\""),
            ("  - {send: \"<<p[\"a\"]>>\"}", "- {send: '<<p[\"a\"]>>'}"),
            ("  - send: '<<q['k']>>'", "- send: \"<<q['k']>>\""),
            ("  - {expect: ^250, send: <<q[\"it's\"]>>}", "- {expect: ^250, send: '<<q[\"it''s\"]>>'}"),
            ("    - <<p['a: b']>>", "- \"<<p['a: b']>>\""),
        ];
        for (line, wanted) in rows {
            assert_eq!(quoted(line), Some(format!("quote the template: `{wanted}`")), "{line}");
        }
        for line in ["  - send: <<name>>", "  - {send: <<name>>, expect: 250}", "  - send: {a: b", "  - send: <<p[0]>>"]
        {
            assert_eq!(quoted(line), None, "{line}");
        }
    }
}
