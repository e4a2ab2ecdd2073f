//! What surrounds whole lines in HTML and in lists of a programming language.
//!
//! Responsible for taking off tags, and for cutting a list of tuples or objects on one line into its members. `text` calls
//! this.

/// The tags in which lines are shown.
const TAGS: [&str; 23] = [
    "p",
    "b",
    "i",
    "br",
    "li",
    "ul",
    "ol",
    "tr",
    "td",
    "th",
    "em",
    "div",
    "pre",
    "tt",
    "code",
    "span",
    "strong",
    "samp",
    "font",
    "table",
    "tbody",
    "thead",
    "blockquote",
];

/// A line without its tags, where it closes one.
pub(super) fn without_tags(line: &str) -> Option<String> {
    let closes = line.match_indices("</").any(|(at, _)| tag(&line[at..]).is_some());
    if !closes {
        return None;
    }
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('<') {
        plain.push_str(before);
        let tagged = &rest[before.len()..];
        match tag(tagged) {
            Some((name, length)) => {
                // Cells of a table stand apart.
                plain.push_str(if matches!(name, "td" | "th") { " " } else { "" });
                rest = &tagged[length..];
            }
            None => {
                plain.push('<');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    Some(plain.trim().to_owned())
}

/// The name of the tag that a text begins with, and how long the tag is.
fn tag(text: &str) -> Option<(&'static str, usize)> {
    let inside = text.strip_prefix('<')?;
    let end = inside.find('>')?;
    let word = inside[..end].trim_start_matches('/').trim_end_matches('/');
    let word = word.split(' ').next().unwrap_or_default();
    let name = TAGS.iter().find(|name| name.eq_ignore_ascii_case(word))?;
    Some((name, end + 2))
}

/// `[('a', b'…'), ('b', b'…')]` and `[{…}, {…}]`: where each member begins; nothing where the line is no such list.
pub(super) fn members(line: &str) -> Vec<usize> {
    let start = line.len() - line.trim_start().len();
    let between = match line.get(start..start + 2) {
        Some("[(") => "), (",
        Some("[{") => "}, {",
        _ => return Vec::new(),
    };
    let further = line.match_indices(between).map(|(at, _)| at + 3);
    std::iter::once(start + 1).chain(further).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_off_and_addresses_stay() {
        let plain = |line: &str| without_tags(line).unwrap_or_default();
        assert_eq!(plain("<p><strong>Client:</strong> MAIL FROM:&lt;a@b&gt;</p>"), "Client: MAIL FROM:&lt;a@b&gt;");
        assert_eq!(plain("<tr><td>C</td><td class=\"x\">QUIT</td></tr>"), "C  QUIT");
        assert_eq!(without_tags("MAIL FROM:<b@c.example>"), None);
        assert_eq!(without_tags("RCPT TO:<p>"), None);
    }

    #[test]
    fn lists_have_members() {
        assert_eq!(members("[('a', b'1'), ('b', b'2')]"), [1, 14]);
        assert_eq!(members("[{'a': 1}, {'a': 2}]"), [1, 11]);
        assert!(members("[10:11] C: QUIT").is_empty());
    }
}
