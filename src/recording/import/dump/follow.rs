//! What Wireshark and tshark print of a stream that they follow: as text, as octets, as YAML.
//!
//! Responsible for whose each block is. The second node's stands after a tab, or after blanks where a window was saved.

use super::super::text::{LineRole, TextLine};
use super::octets::{Octets, octet};
use crate::scenario::{decode_base64, decode_hex};
use std::borrow::Cow;

/// Whether a text is a followed stream.
pub(super) fn is_followed(lines: &[TextLine<'_>]) -> bool {
    let begins = |start: &str| lines.iter().any(|line| line.text.starts_with(start));
    begins("Follow: t") || is_yaml(lines) || lines.iter().filter(|line| dumped(&line.text).is_some()).count() > 1
}

fn is_yaml(lines: &[TextLine<'_>]) -> bool {
    let first = lines.iter().find(|line| !line.text.trim().is_empty() && !line.text.starts_with('#'));
    first.is_some_and(|line| line.text.trim_end() == "peers:")
}

/// Its lines, each with the sign of its side.
pub(super) fn follow(lines: Vec<TextLine<'_>>) -> Vec<TextLine<'_>> {
    if is_yaml(&lines) {
        return yaml(lines);
    }
    let is_raw = lines.iter().any(|line| line.text.starts_with("Follow: t") && line.text.trim_end().ends_with(",raw"));
    let block = |line: &str| if is_raw { raw(line) } else { dumped(line) };
    if lines.iter().any(|line| block(&line.text).is_some()) { octets(lines, block) } else { text(lines) }
}

/// `follow,tcp,ascii`: before each block its length, after a tab where the second node speaks.
fn text(lines: Vec<TextLine<'_>>) -> Vec<TextLine<'_>> {
    let mut left = 0_usize;
    let mut mark = '>';
    let mut cut = Vec::with_capacity(lines.len());
    for mut line in lines {
        if left == 0 {
            if let Ok(length) = line.text.trim().parse::<usize>() {
                (left, mark) = (length, side(&line.text));
                line.role = LineRole::Noise;
            }
            see_head(&mut line);
        } else {
            // The dump shows the two octets of a line end as one.
            left = left.saturating_sub(line.text.len() + 2);
            line.text = Cow::Owned(format!("{mark} {}", line.text));
        }
        cut.push(line);
    }
    cut
}

/// The second node's lines are indented.
fn side(line: &str) -> char {
    if line.starts_with(['\t', ' ']) { '<' } else { '>' }
}

fn see_head(line: &mut TextLine<'_>) {
    if ["=====", "Follow: ", "Filter: ", "Node 0: "].iter().any(|start| line.text.starts_with(start)) {
        line.role = LineRole::Noise;
    }
}

/// `follow,tcp,hex` and `follow,tcp,raw`.
fn octets(lines: Vec<TextLine<'_>>, block: impl Fn(&str) -> Option<Vec<u8>>) -> Vec<TextLine<'_>> {
    let mut octets = Octets::default();
    let mut cut = Vec::with_capacity(lines.len());
    for mut line in lines {
        match block(&line.text) {
            Some(bytes) => octets.take(side(&line.text), &bytes, &line, &mut cut),
            None => {
                see_head(&mut line);
                octets.end(&mut cut);
                cut.push(line);
            }
        }
    }
    octets.end(&mut cut);
    cut
}

/// `00000015  41 55 54 48 20 50 4c 41  49 4e 20 41 48 52 6c 63  AUTH PLA IN AHRlc`
fn dumped(line: &str) -> Option<Vec<u8>> {
    const DIGITS: usize = 48;
    let (offset, rest) = line.trim_start_matches(['\t', ' ']).split_once("  ")?;
    let is_offset = offset.len() == 8 && offset.bytes().all(|byte| byte.is_ascii_hexdigit());
    let digits =
        rest.get(..DIGITS).filter(|_| is_offset && rest.get(DIGITS..).is_some_and(|it| it.starts_with("  ")))?;
    let octets: Option<Vec<u8>> = digits.split_ascii_whitespace().map(octet).collect();
    octets.filter(|octets| !octets.is_empty())
}

/// A whole block as digits.
fn raw(line: &str) -> Option<Vec<u8>> {
    decode_hex(line.trim()).ok().filter(|octets| !octets.is_empty())
}

/// Saved as YAML: the peers, and packets, each with the number of its peer and its octets in base64.
fn yaml(lines: Vec<TextLine<'_>>) -> Vec<TextLine<'_>> {
    let mut octets = Octets::default();
    let mut cut = Vec::with_capacity(lines.len());
    let (mut peer, mut host, mut is_data) = (String::new(), String::new(), false);
    for mut line in lines {
        let text = line.text.trim().trim_start_matches("- ").to_owned();
        if let Some(bytes) = is_data.then(|| decode_base64(&text).ok()).flatten() {
            octets.take(if peer == "0" { '>' } else { '<' }, &bytes, &line, &mut cut);
            continue;
        }
        is_data = text == "data: !!binary |";
        line.role = LineRole::Noise;
        match text.split_once(": ") {
            Some(("peer", number)) => number.clone_into(&mut peer),
            Some(("host", name)) if name.contains(':') => host = format!("[{name}]"),
            Some(("host", name)) => name.clone_into(&mut host),
            // As the other forms say who is who.
            Some(("port", port)) if peer != "0" => {
                line.role = LineRole::Open;
                line.text = Cow::Owned(format!("Node {peer}: {host}:{port}"));
            }
            _ => (),
        }
        cut.push(line);
    }
    octets.end(&mut cut);
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dumped_line_gives_its_octets_and_not_its_text() {
        let line = "\t00000010  32 35 30 20 4f 6b 0d 0a                           250 Ok..";
        assert_eq!(dumped(line), Some(b"250 Ok\r\n".to_vec()));
        let whole = "00000015  41 55 54 48 20 50 4c 41  49 4e 20 41 48 52 6c 63  AUTH PLA IN AHRlc";
        assert_eq!(dumped(whole), Some(b"AUTH PLAIN AHRlc".to_vec()));
        // What looks like digits in the text on the right is none.
        let text = "00000000  31 32 20 33 34                                    12 34";
        assert_eq!(dumped(text), Some(b"12 34".to_vec()));
        assert_eq!(dumped("20261129  10 of them, and more that stands in the same line of a log"), None);
        assert_eq!(dumped("250-mx.example at your service"), None);
    }

    #[test]
    fn a_digit_dump_is_whole() {
        assert_eq!(raw("\t32323020"), Some(b"220 ".to_vec()));
        assert_eq!((raw("3"), raw("zz"), raw("")), (None, None, None));
    }
}
