//! A trace of `System.Net`: what a socket sent and received, as octets.
//!
//! Responsible for whose each block of octets is, and for where TLS begins: what follows is no text. Called by `dump`.

use super::super::grammar::reply_code;
use super::super::text::{LineRole, TextLine};
use super::octets::{Octets, octet};
use super::packets::{Towards, see_tls};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Whether a text holds such octets.
pub(super) fn is_trace(lines: &[TextLine<'_>]) -> bool {
    let any = |test: fn(&str) -> bool| lines.iter().any(|line| test(&line.text));
    any(|line| line.contains("Data from ")) && any(|line| dumped(line).is_some())
}

/// What is known of a socket.
#[derive(Default)]
struct SocketTrace {
    octets: Octets,
    towards: Option<Towards>,
    /// The side whose block is read.
    mark: char,
}

impl SocketTrace {
    /// Takes a line of octets; `head` stands above the first of a block.
    fn take<'t>(&mut self, head: Option<&str>, bytes: &[u8], line: &TextLine<'t>, cut: &mut Vec<TextLine<'t>>) {
        if let Some(head) = head {
            let text = String::from_utf8_lossy(bytes);
            self.mark = side(head, &text);
            if see_tls(&mut self.towards, self.mark == '<', text.lines().next().unwrap_or_default()) {
                let text = Cow::Borrowed("TLS negotiation succeeded");
                cut.push(TextLine { start: line.start, end: line.end, text, role: LineRole::Open });
            }
        }
        if self.towards != Some(Towards::Encrypted) {
            self.octets.take(self.mark, bytes, line, cut);
        }
    }
}

/// Its lines, each with the number of its socket and the sign of its side.
pub(super) fn read(lines: Vec<TextLine<'_>>) -> Vec<TextLine<'_>> {
    let mut cut = Vec::with_capacity(lines.len());
    let mut sockets: BTreeMap<String, SocketTrace> = BTreeMap::new();
    // The line that says whose the block is; nothing within a block.
    let mut head: Option<String> = None;
    let mut number = String::new();
    for mut line in lines {
        let Some(bytes) = dumped(&line.text) else {
            if line.text.contains("Data from ") {
                number = number_of(&line.text);
                head = Some(line.text.to_string());
            }
            line.role = if line.text.contains("System.Net") { LineRole::Noise } else { line.role };
            cut.push(line);
            continue;
        };
        let before = cut.len();
        let socket = sockets.entry(number.clone()).or_default();
        socket.take(head.take().as_deref(), &bytes, &line, &mut cut);
        name(&mut cut[before..], &number);
    }
    for (number, mut socket) in sockets {
        let before = cut.len();
        socket.octets.end(&mut cut);
        name(&mut cut[before..], &number);
    }
    cut
}

/// Puts the number of their socket before lines: several may be mixed.
fn name(lines: &mut [TextLine<'_>], number: &str) {
    for line in lines {
        line.text = Cow::Owned(format!("[{number}] {}", line.text));
    }
}

/// The number in `Socket#60467532::Receive`.
fn number_of(head: &str) -> String {
    let after = head.split_once('#').map_or("", |(_, after)| after);
    after.chars().take_while(char::is_ascii_digit).collect()
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
