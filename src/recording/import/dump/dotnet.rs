//! A trace of `System.Net`: what a socket sent and received, as octets.
//!
//! Responsible for whose each block of octets is, and for where TLS begins: what follows is no text. Called by `dump`.

use super::super::grammar::reply_code;
use super::super::text::{LineRole, TextLine};
use super::octets::{Octets, octet};
use super::packets::{Towards, see_tls};
use std::borrow::Cow;

/// Whether a text holds such octets.
pub(super) fn is_trace(lines: &[TextLine<'_>]) -> bool {
    let any = |test: fn(&str) -> bool| lines.iter().any(|line| test(&line.text));
    any(|line| line.contains("Data from ")) && any(|line| dumped(line).is_some())
}

/// Its lines, each with the sign of its side.
pub(super) fn read(lines: Vec<TextLine<'_>>) -> Vec<TextLine<'_>> {
    let mut cut = Vec::with_capacity(lines.len());
    let mut octets = Octets::default();
    let mut towards = None;
    // The line that says whose the block is; nothing within a block.
    let mut head: Option<String> = None;
    let mut mark = '>';
    for mut line in lines {
        if let Some(bytes) = dumped(&line.text) {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some(head) = head.take() {
                mark = side(&head, &text);
                if see_tls(&mut towards, mark == '<', text.lines().next().unwrap_or_default()) {
                    let (start, end) = (line.start, line.end);
                    let begun = Cow::Borrowed("TLS negotiation succeeded");
                    cut.push(TextLine { start, end, text: begun, role: LineRole::Noise });
                }
            }
            if towards != Some(Towards::Encrypted) {
                octets.take(mark, &bytes, &line, &mut cut);
            }
            continue;
        }
        if line.text.contains("Data from ") {
            head = Some(line.text.to_string());
        }
        if line.text.contains("System.Net") {
            line.role = LineRole::Noise;
        }
        cut.push(line);
    }
    octets.end(&mut cut);
    cut
}

/// `Data from Socket#60467532::Receive`; where the call tells nothing, a reply is the server's.
fn side(head: &str, first: &str) -> char {
    let is_servers = head.contains("Receive") || !head.contains("Send") && reply_code(first).is_some();
    if is_servers { '<' } else { '>' }
}

/// `… [7124] 00000010 : 2E 6E 65 74 20 45 53 4D-54 50 0D 0A             : .net ESMTP..`
fn dumped(line: &str) -> Option<Vec<u8>> {
    const DIGITS: usize = 47;
    let is_offset = |at: usize| {
        let start = at.checked_sub(8).filter(|start| *start == 0 || line.as_bytes()[*start - 1] == b' ');
        start.is_some_and(|start| line.as_bytes()[start..at].iter().all(u8::is_ascii_hexdigit))
    };
    let at = line.match_indices(" : ").map(|(at, _)| at).find(|at| is_offset(*at))?;
    let rest = &line[at + 3..];
    let words = rest.get(..DIGITS).unwrap_or(rest).split([' ', '-']).filter(|word| !word.is_empty());
    let octets: Option<Vec<u8>> = words.take_while(|word| *word != ":").map(octet).collect();
    octets.filter(|octets| !octets.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dumped_line_gives_its_octets_and_not_its_text() {
        let line = "System.Net.Sockets Verbose: 0 : [7] 00000010 : 2E 6E 65 74 20 45 53 4D-54 50 0D 0A             : .net ESMTP..";
        assert_eq!(dumped(line), Some(b".net ESMTP\r\n".to_vec()));
        assert_eq!(dumped("00000000 : 51 55 49 54 0D 0A : QUIT.."), Some(b"QUIT\r\n".to_vec()));
        assert_eq!(dumped("System.Net Verbose: 0 : [7124] SmtpClient::.ctor(host=a, port=25)"), None);
        assert_eq!(dumped("12345678 : no octets"), None);
        assert_eq!(dumped(" : "), None);
    }
}
