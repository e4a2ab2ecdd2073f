//! Packets as text: `socat -v`, `ngrep -W byline`, `tcpdump -A`.
//!
//! Responsible for the head of a packet, which says who speaks, and for the lines below it. Knows a capture, which is no
//! text, when it sees one.

use super::super::grammar::{command, reply_code};
use super::super::text::{LineRole, TextLine};
use crate::smtp::command::Verb;
use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

/// Whether these are packets as Wireshark keeps them (pcapng, or pcap of either byte order), and no text.
#[must_use]
pub fn is_capture(bytes: &[u8]) -> bool {
    const BEGINNINGS: [[u8; 4]; 5] = [
        [0x0a, 0x0d, 0x0d, 0x0a],
        [0xd4, 0xc3, 0xb2, 0xa1],
        [0xa1, 0xb2, 0xc3, 0xd4],
        [0x4d, 0x3c, 0xb2, 0xa1],
        [0xa1, 0xb2, 0x3c, 0x4d],
    ];
    BEGINNINGS.iter().any(|beginning| bytes.starts_with(beginning))
}

/// What the head of a packet says.
struct PacketHead<'l> {
    form: PacketForm,
    /// Who speaks: an address and a port, or socat's sign.
    from: &'l str,
    to: &'l str,
}

#[derive(Clone, Copy)]
enum PacketForm {
    Socat,
    Ngrep,
    /// The octets below it are those of the packet with all its headers: how many of them, at the end, are said.
    Tcpdump(usize),
}

pub(super) fn is_packets(lines: &[TextLine<'_>]) -> bool {
    lines.iter().any(|line| head(&line.text).is_some())
}

fn head(line: &str) -> Option<PacketHead<'_>> {
    socat(line).or_else(|| ngrep(line)).or_else(|| tcpdump(line))
}

/// `> 2026/03/04 10:11:12.000001  length=21 from=0 to=20`
fn socat(line: &str) -> Option<PacketHead<'_>> {
    let (from, rest) = line.split_once(' ').filter(|(sign, _)| matches!(*sign, "<" | ">"))?;
    let (time, place) = rest.split_once("  length=")?;
    let is_time = time.len() > 20 && time.as_bytes()[4] == b'/' && time.as_bytes()[0].is_ascii_digit();
    (is_time && place.contains(" from=") && place.contains(" to=")).then_some(PacketHead {
        form: PacketForm::Socat,
        from,
        to: "",
    })
}

/// `T 192.0.2.9:25 -> 192.0.2.7:44444 [AP] #4`, with a time after the letter where that was wanted.
fn ngrep(line: &str) -> Option<PacketHead<'_>> {
    let (ends, flags) = line.strip_prefix("T ")?.rsplit_once(" [")?;
    let (from, to) = ends.split_once(" -> ")?;
    let from = from.rsplit(' ').next()?;
    let is_end = |end: &str| end.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    (flags.contains(']') && is_end(from) && is_end(to)).then_some(PacketHead { form: PacketForm::Ngrep, from, to })
}

/// `10:11:12.000001 IP 192.0.2.7.44444 > 192.0.2.9.25: Flags [P.], seq 1:22, ack 60, win 64, length 21: SMTP: EHLO a`
fn tcpdump(line: &str) -> Option<PacketHead<'_>> {
    let (before, flags) = line.split_once(": Flags [")?;
    let (from, to) = before.split_once(" > ")?;
    // With `-v` what stands before the ends has a line of its own.
    let (time, from) = from.strip_prefix("    ").map(|from| ("IP", from)).or_else(|| from.rsplit_once(' '))?;
    let length = flags.rsplit_once(" length ")?.1.split(':').next()?.trim().parse().ok()?;
    (time.ends_with("IP") || time.ends_with("IP6")).then_some(PacketHead {
        form: PacketForm::Tcpdump(length),
        from,
        to,
    })
}

/// The first line of the two that `tcpdump -v` writes above a packet.
fn is_preamble(line: &str) -> bool {
    line.contains(" IP (tos ") || line.contains(" IP6 (")
}

/// Why packets cannot be read as they are printed.
pub(super) fn unreadable(lines: &[TextLine<'_>]) -> Option<&'static str> {
    let is_wrapped = |pair: &[TextLine<'_>]| ngrep(&pair[0].text).is_some() && pair[1].text.starts_with("  ");
    lines.windows(2).any(is_wrapped).then_some("ngrep does not show here where lines end: print it with `-W byline`")
}

/// How far a connection has come towards TLS.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Towards {
    Asked,
    Granted,
    Encrypted,
}

/// Takes down what a packet has to do with STARTTLS; true where TLS begins with it.
pub(super) fn see_tls(towards: &mut Option<Towards>, is_servers: bool, first: &str) -> bool {
    *towards = match (*towards, is_servers) {
        (Some(Towards::Encrypted), _) => Some(Towards::Encrypted),
        (_, false) if Verb::named(first.trim_end_matches('.').as_bytes()) == Verb::StartTls => Some(Towards::Asked),
        (Some(Towards::Asked), true) if reply_code(first) == Some(220) => Some(Towards::Granted),
        (Some(Towards::Granted), false) if command(first).is_none() => {
            *towards = Some(Towards::Encrypted);
            return true;
        }
        (still @ Some(Towards::Asked), false) | (still @ Some(Towards::Granted), true) => still,
        _ => None,
    };
    false
}

/// The lines of the packets, each with the client's end, where there are such, and the sign of its side.
pub(super) fn packets(lines: Vec<TextLine<'_>>) -> Vec<TextLine<'_>> {
    let mut reader = PacketReader { server: server(&lines), ..PacketReader::default() };
    let mut lines = VecDeque::from(lines);
    while let Some(mut line) = lines.pop_front() {
        let text = std::mem::replace(&mut line.text, Cow::Borrowed("")).into_owned();
        let Some(head) = head(&text) else {
            // What the tool says of itself, and its signs of progress.
            let of_ngrep = text.starts_with("interface: ") || text.starts_with("filter: ");
            let is_noise = of_ngrep || text.trim_start_matches('#').is_empty() || is_preamble(&text);
            line.role = if is_noise { LineRole::Noise } else { line.role };
            reader.cut.push(TextLine { text: Cow::Owned(text), ..line });
            continue;
        };
        let ends = |line: &TextLine<'_>| self::head(&line.text).is_some() || is_preamble(&line.text);
        let end = lines.iter().position(ends).unwrap_or(lines.len());
        let block = lines.drain(..end).collect();
        reader.packet(&head, line, block, lines.is_empty());
    }
    reader.cut
}

#[derive(Default)]
struct PacketReader<'t> {
    /// The server's end.
    server: Option<String>,
    /// Whether a line says which server it is.
    is_named: bool,
    /// Connections by the client's end.
    towards: HashMap<String, Option<Towards>>,
    cut: Vec<TextLine<'t>>,
}

impl<'t> PacketReader<'t> {
    /// A packet: `line` was its head, `block` stands below it.
    fn packet(&mut self, head: &PacketHead<'_>, mut line: TextLine<'t>, block: Vec<TextLine<'t>>, is_last: bool) {
        let is_servers = self.server.as_deref() == Some(head.from);
        let (client, mark) = match head.form {
            // One connection, and signs instead of ends.
            PacketForm::Socat => ("", head.from.to_owned()),
            _ if is_servers => (head.to, format!("[{}] <", head.to)),
            _ => (head.from, format!("[{}] >", head.from)),
        };
        line.role = LineRole::Noise;
        let named = self.server.as_deref().filter(|_| !self.is_named).and_then(|server| address(head.form, server));
        if let Some(address) = named {
            (line.role, line.text) = (LineRole::Open, Cow::Owned(format!("connected to {address}")));
            self.is_named = true;
        }
        let (start, end) = (line.start, line.end);
        self.cut.push(line);
        let mut block = said(head.form, block, &mark, is_last);
        let is_said = |line: &&TextLine<'_>| line.role != LineRole::Noise;
        if let Some(first) = block.iter().find(is_said).and_then(|line| line.text.strip_prefix(&*mark)) {
            let first = first.trim_start();
            let is_servers = is_servers || matches!(head.form, PacketForm::Socat) && reply_code(first).is_some();
            let towards = self.towards.entry(client.to_owned()).or_default();
            if see_tls(towards, is_servers, first) {
                let begun = format!("{} TLS negotiation succeeded", mark.trim_end_matches(['<', '>', ' ']));
                self.cut.push(TextLine { start, end, text: Cow::Owned(begun), role: LineRole::Open });
            }
            if *towards == Some(Towards::Encrypted) {
                for line in &mut block {
                    line.role = LineRole::Noise;
                }
            }
        }
        self.cut.extend(block);
    }
}

/// The end that answers with reply codes; of tcpdump the first who says something: that is the greeting.
fn server(lines: &[TextLine<'_>]) -> Option<String> {
    lines.iter().enumerate().find_map(|(at, line)| {
        let head = head(&line.text)?;
        let is_server = match head.form {
            PacketForm::Socat => false,
            PacketForm::Ngrep => lines.get(at + 1).is_some_and(|next| reply_code(&next.text).is_some()),
            PacketForm::Tcpdump(length) => length > 0,
        };
        is_server.then(|| head.from.to_owned())
    })
}

/// `192.0.2.9:25`; tcpdump writes a full stop before the port, which may be a name.
fn address(form: PacketForm, end: &str) -> Option<String> {
    match form {
        PacketForm::Socat => None,
        PacketForm::Ngrep => Some(end.to_owned()),
        PacketForm::Tcpdump(_) => {
            let (host, port) = end.rsplit_once('.')?;
            let port = match port {
                "smtp" => "25",
                "submission" => "587",
                "submissions" | "urd" => "465",
                number => number,
            };
            Some(if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") })
        }
    }
}

/// The lines of a packet as they were sent.
fn said<'t>(form: PacketForm, block: Vec<TextLine<'t>>, mark: &str, is_last: bool) -> Vec<TextLine<'t>> {
    let kept = match form {
        PacketForm::Tcpdump(length) => payload(&block, length, is_last),
        _ => block.iter().map(|line| Some(line.text.to_string())).collect(),
    };
    let with_mark = |(mut line, text): (TextLine<'t>, Option<String>)| {
        // What stands for the CR before each line feed.
        let sent = match form {
            PacketForm::Socat => text.map(|text| text.strip_suffix("\\r").unwrap_or(&text).to_owned()),
            PacketForm::Ngrep => text.filter(|text| !text.trim_matches('#').is_empty()),
            PacketForm::Tcpdump(_) => text,
        };
        match sent {
            Some(text) if matches!(form, PacketForm::Ngrep) => {
                line.text = Cow::Owned(format!("{mark} {}", text.strip_suffix('.').unwrap_or(&text)));
            }
            Some(text) => line.text = Cow::Owned(format!("{mark} {text}")),
            None => line.role = LineRole::Noise,
        }
        line
    };
    block.into_iter().zip(kept).map(with_mark).collect()
}

/// The last `length` octets of a packet, by lines; a line feed stands for the two octets of a line end.
fn payload(block: &[TextLine<'_>], length: usize, is_last: bool) -> Vec<Option<String>> {
    let mut left = length;
    let mut kept = vec![None; block.len()];
    // After each packet the tool ends the line: after a whole line nothing stands in it. At the end it may be cut off.
    let is_ended = block.last().is_some_and(|line| line.text.is_empty());
    let mut line_end = if is_ended || is_last { 2 } else { 0 };
    for at in (0..block.len() - usize::from(is_ended)).rev() {
        if left < line_end || left == 0 {
            break;
        }
        left -= line_end;
        line_end = 2;
        let text = block[at].text.as_ref();
        let start = text.char_indices().rev().take(left).last().map_or(text.len(), |(start, _)| start);
        left -= text[start..].chars().count();
        kept[at] = Some(text[start..].to_owned());
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_say_who_speaks() {
        let ends = |line: &'static str| head(line).map(|head| (head.from, head.to));
        assert_eq!(ends("> 2026/03/04 10:11:12.000001  length=21 from=0 to=20"), Some((">", "")));
        assert_eq!(ends("T 192.0.2.9:25 -> 192.0.2.7:44444 [AP] #4"), Some(("192.0.2.9:25", "192.0.2.7:44444")));
        assert_eq!(
            ends("T 2026/03/04 10:11:12.000001 [::1]:25 -> [::1]:44444 [AP]"),
            Some(("[::1]:25", "[::1]:44444"))
        );
        let line = "10:11:12.759929 IP6 mx.2588 > box.33962: Flags [P.], seq 1:60, ack 1, options [nop], length 59";
        assert_eq!(ends(line), Some(("mx.2588", "box.33962")));
        for none in ["> EHLO a", "T minus 3 [s]", "> 2026/03/04 10:11:12 length=x", "", "< 250 length=1 from=a to=b"] {
            assert_eq!(ends(none), None, "{none}");
        }
    }
}
