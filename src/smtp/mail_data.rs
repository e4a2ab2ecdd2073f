//! Mail data on its way between a file and the wire: line endings, transparency (RFC 5321 section 4.5.2) and the
//! line `.` that ends it.
//!
//! Responsible for the bytes between the 354 reply and the end of mail data, in both directions and in chunks of any
//! size. Not for reading files, for sending, nor for BDAT (RFC 3030), whose chunks travel as they are. The encoder is
//! called by the steps `data` and `message`, the decoder by servers and by whatever records.

use memchr::{memchr, memchr2, memmem};

const CRLF: &[u8] = b"\r\n";

/// What becomes of the line endings of mail data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineEndings {
    /// A bare LF, a bare CR and CRLF all become CRLF, and a last line without an ending gets one.
    #[default]
    Crlf,
    /// Every byte stays as it is; a line starts at the very beginning and after CRLF, nowhere else.
    Keep,
}

/// Turns text into mail data, chunk by chunk; how the text is cut into chunks never changes the result.
///
/// Memory is bounded by the chunk: nothing of the input is held back between two calls.
#[derive(Clone, Debug)]
pub struct MailDataEncoder {
    line_endings: LineEndings,
    transparency: bool,
    at_line_start: bool,
    after_cr: bool,
}

impl MailDataEncoder {
    /// An encoder at the beginning of mail data; `transparency` doubles the dot that begins a line.
    #[must_use]
    pub const fn new(line_endings: LineEndings, transparency: bool) -> Self {
        Self { line_endings, transparency, at_line_start: true, after_cr: false }
    }

    /// Appends what `input` becomes on the wire to `output`.
    pub fn encode(&mut self, input: &[u8], output: &mut Vec<u8>) {
        if input.is_empty() {
            return;
        }
        // Room for one byte more on each line of sixteen: most input then costs no second allocation.
        output.reserve(input.len() + input.len() / 16 + CRLF.len());
        match self.line_endings {
            LineEndings::Crlf => self.encode_normalised(input, output),
            LineEndings::Keep => self.encode_kept(input, output),
        }
    }

    /// Ends the mail data and makes the encoder ready for another.
    ///
    /// With `terminate` the line `.` is appended, after a CRLF if the data did not end with one: empty data gives
    /// `.CRLF`. Without it only a last line that [`LineEndings::Crlf`] must end is ended.
    pub fn finish(&mut self, terminate: bool, output: &mut Vec<u8>) {
        if !self.at_line_start && (terminate || self.line_endings == LineEndings::Crlf) {
            output.extend_from_slice(CRLF);
        }
        if terminate {
            output.extend_from_slice(b".\r\n");
        }
        *self = Self::new(self.line_endings, self.transparency);
    }

    /// A CR is written as CRLF at once, even at the end of a chunk: an LF that follows in the next one is dropped.
    fn encode_normalised(&mut self, input: &[u8], output: &mut Vec<u8>) {
        let mut position = usize::from(self.after_cr && input[0] == b'\n');
        let mut copied = position;
        self.after_cr = input.last() == Some(&b'\r');
        while position < input.len() {
            if self.must_double(input[position]) {
                output.extend_from_slice(&input[copied..=position]);
                copied = position;
            }
            let Some(length) = line_length(&input[position..]) else {
                self.at_line_start = false;
                break;
            };
            let end = position + length;
            self.at_line_start = true;
            if input[end..].starts_with(CRLF) {
                position = end + CRLF.len();
            } else {
                output.extend_from_slice(&input[copied..end]);
                output.extend_from_slice(CRLF);
                position = end + 1;
                copied = position;
            }
        }
        output.extend_from_slice(&input[copied..]);
    }

    fn encode_kept(&mut self, input: &[u8], output: &mut Vec<u8>) {
        let mut position = usize::from(self.after_cr && input[0] == b'\n');
        let mut copied = 0;
        self.at_line_start |= position > 0;
        self.after_cr = input.last() == Some(&b'\r');
        while position < input.len() {
            if self.must_double(input[position]) {
                output.extend_from_slice(&input[copied..=position]);
                copied = position;
            }
            let line_feed = memchr(b'\n', &input[position..]).map(|offset| position + offset);
            self.at_line_start = line_feed.is_some_and(|at| at > 0 && input[at - 1] == b'\r');
            position = line_feed.map_or(input.len(), |at| at + 1);
        }
        output.extend_from_slice(&input[copied..]);
    }

    const fn must_double(&self, first: u8) -> bool {
        self.at_line_start && self.transparency && first == b'.'
    }
}

/// The octets before the next CR or LF.
///
/// Very short lines are found in one word: a call of `memchr2` would cost more than it saves there.
fn line_length(text: &[u8]) -> Option<usize> {
    if let Some(word) = text.first_chunk::<8>() {
        let word = u64::from_le_bytes(*word);
        let found = zero_bytes(word ^ repeated(b'\r')) | zero_bytes(word ^ repeated(b'\n'));
        if found != 0 {
            return Some(found.trailing_zeros() as usize / 8);
        }
    }
    memchr2(b'\r', b'\n', text)
}

/// The high bit of each byte of `word` that is zero. Bits above the lowest one may be wrong, and are not looked at.
const fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(repeated(0x01)) & !word & repeated(0x80)
}

const fn repeated(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// How far a chunk took the [`MailDataDecoder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Octets of the chunk that belong to the mail data, its end included; what follows them is the next command.
    pub consumed: usize,
    /// Whether the line `.` was reached.
    pub finished: bool,
}

/// Turns what came over the wire back into the text, and finds its end: exactly CRLF `.` CRLF, or `.` CRLF at the
/// very start. A bare LF or CR neither ends a line nor the data, so that no second message can be smuggled in after
/// `LF.LF`, `CR.CR` and their mixtures.
#[derive(Clone, Debug)]
pub struct MailDataDecoder {
    place: DotState,
    octets: u64,
}

/// How far into a line the mail data read so far reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DotState {
    LineStart,
    InLine,
    AfterCr,
    AfterDot,
    AfterDotCr,
    Finished,
}

impl Default for MailDataDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl MailDataDecoder {
    /// A decoder at the beginning of mail data, right after the 354 reply: a dot there already may end it.
    #[must_use]
    pub const fn new() -> Self {
        Self { place: DotState::LineStart, octets: 0 }
    }

    /// Octets of text decoded so far, without doubled dots and without the line `.`, as SIZE counts (RFC 1870).
    #[must_use]
    pub const fn octets(&self) -> u64 {
        self.octets
    }

    /// Appends the text of `input` to `output`, up to the end of the mail data.
    pub fn decode(&mut self, input: &[u8], output: &mut Vec<u8>) -> Decoded {
        output.reserve(input.len());
        self.read(input, |octets| output.extend_from_slice(octets))
    }

    /// Hands the text of `input` to `content`, up to the end of the mail data. Once finished, nothing is consumed.
    pub fn read(&mut self, input: &[u8], mut content: impl FnMut(&[u8])) -> Decoded {
        let mut octets = 0;
        let mut at = 0;
        let mut text = |part: &[u8]| {
            octets += part.len() as u64;
            content(part);
        };
        while let Some(&octet) = input.get(at).filter(|_| self.place != DotState::Finished) {
            match (self.place, octet) {
                (DotState::AfterDotCr, b'\n') => self.step(DotState::Finished, &mut at),
                (DotState::LineStart, b'.') => self.step(DotState::AfterDot, &mut at),
                // The CR is held back: with an LF after it, it belongs to the end and not to the text.
                (DotState::AfterDot, b'\r') => self.step(DotState::AfterDotCr, &mut at),
                (DotState::AfterCr, b'\n') => {
                    text(b"\n");
                    self.step(DotState::LineStart, &mut at);
                }
                (DotState::AfterDotCr, _) => {
                    text(b"\r");
                    self.place = DotState::InLine;
                }
                (DotState::InLine, _) => {
                    let end = at + self.read_lines(&input[at..]);
                    text(&input[at..end]);
                    at = end;
                }
                _ => self.place = DotState::InLine,
            }
        }
        self.octets += octets;
        Decoded { consumed: at, finished: self.place == DotState::Finished }
    }

    fn step(&mut self, place: DotState, at: &mut usize) {
        self.place = place;
        *at += 1;
    }

    /// How many octets, from the middle of a line on, run up to the next line that starts with a dot.
    fn read_lines(&mut self, input: &[u8]) -> usize {
        if let Some(line_end) = memmem::find(input, b"\r\n.") {
            self.place = DotState::LineStart;
            return line_end + 2;
        }
        self.place = match input {
            [.., b'\r', b'\n'] => DotState::LineStart,
            [.., b'\r'] => DotState::AfterCr,
            _ => DotState::InLine,
        };
        input.len()
    }
}

#[cfg(test)]
mod tests {
    use super::LineEndings::{Crlf, Keep};
    use super::*;
    use proptest::prelude::*;

    fn encoded(line_endings: LineEndings, terminate: bool, chunks: &[&[u8]]) -> Vec<u8> {
        encoded_with(MailDataEncoder::new(line_endings, true), terminate, chunks)
    }

    fn encoded_with(mut encoder: MailDataEncoder, terminate: bool, chunks: &[&[u8]]) -> Vec<u8> {
        let mut output = Vec::new();
        for chunk in chunks {
            encoder.encode(chunk, &mut output);
        }
        encoder.finish(terminate, &mut output);
        output
    }

    /// The obvious encoder, one byte after the other.
    fn reference(line_endings: LineEndings, transparency: bool, terminate: bool, text: &[u8]) -> Vec<u8> {
        let text = if line_endings == Crlf { normalised(text) } else { text.to_vec() };
        let mut output = Vec::new();
        for (index, &byte) in text.iter().enumerate() {
            let at_line_start = index == 0 || text[..index].ends_with(b"\r\n");
            if byte == b'.' && at_line_start && transparency {
                output.push(b'.');
            }
            output.push(byte);
        }
        let ended = text.is_empty() || text.ends_with(b"\r\n");
        if !ended && terminate {
            output.extend_from_slice(b"\r\n");
        }
        if terminate {
            output.extend_from_slice(b".\r\n");
        }
        output
    }

    /// Every line ended by CRLF, the last one included.
    fn normalised(text: &[u8]) -> Vec<u8> {
        let mut output = Vec::new();
        let mut bytes = text.iter().copied().peekable();
        let mut line_is_open = false;
        while let Some(byte) = bytes.next() {
            if byte == b'\r' {
                bytes.next_if_eq(&b'\n');
            }
            line_is_open = !matches!(byte, b'\r' | b'\n');
            if line_is_open { output.push(byte) } else { output.extend_from_slice(b"\r\n") }
        }
        if line_is_open {
            output.extend_from_slice(b"\r\n");
        }
        output
    }

    #[test]
    fn empty_data_is_the_dot_alone() {
        for line_endings in [Crlf, Keep] {
            assert_eq!(encoded(line_endings, true, &[]), b".\r\n");
            assert_eq!(encoded(line_endings, true, &[b"", b""]), b".\r\n");
            assert_eq!(encoded(line_endings, false, &[b""]), b"");
        }
    }

    #[test]
    fn every_line_ending_becomes_crlf() {
        let text = b"lf\ncr\rcrlf\r\n\n\r\r\n\n\rend";
        assert_eq!(encoded(Crlf, true, &[text]), b"lf\r\ncr\r\ncrlf\r\n\r\n\r\n\r\n\r\n\r\nend\r\n.\r\n");
        assert_eq!(encoded(Crlf, false, &[b"end"]), b"end\r\n");
        assert_eq!(encoded(Crlf, false, &[b"end\r"]), b"end\r\n");
    }

    #[test]
    fn a_cr_and_its_lf_may_come_in_two_chunks() {
        assert_eq!(encoded(Crlf, true, &[b"a\r", b"\n.b\r", b"", b"\n"]), b"a\r\n..b\r\n.\r\n");
        assert_eq!(encoded(Crlf, true, &[b"a\r", b"b\r", b"\n", b"\n"]), b"a\r\nb\r\n\r\n.\r\n");
        assert_eq!(encoded(Keep, true, &[b"a\r", b"\n", b".b"]), b"a\r\n..b\r\n.\r\n");
        assert_eq!(encoded(Keep, true, &[b"a\r", b"\n.b"]), b"a\r\n..b\r\n.\r\n");
    }

    #[test]
    fn leading_dots_are_doubled_and_no_others() {
        assert_eq!(encoded(Crlf, true, &[b".\n..\n a.b.\n."]), b"..\r\n...\r\n a.b.\r\n..\r\n.\r\n");
        assert_eq!(encoded(Crlf, true, &[b".", b".", b"\n", b"."]), b"...\r\n..\r\n.\r\n");
    }

    #[test]
    fn kept_line_endings_start_a_line_after_crlf_only() {
        assert_eq!(encoded(Keep, true, &[b".a\n.b\r.c\r\n.d"]), b"..a\n.b\r.c\r\n..d\r\n.\r\n");
        assert_eq!(encoded(Keep, true, &[b"\n.\n\r\n."]), b"\n.\n\r\n..\r\n.\r\n");
        assert_eq!(encoded(Keep, true, &[b"a\n"]), b"a\n\r\n.\r\n");
        assert_eq!(encoded(Keep, true, &[b"a\r"]), b"a\r\r\n.\r\n");
        assert_eq!(encoded(Keep, false, &[b"a\r"]), b"a\r");
    }

    #[test]
    fn without_transparency_dots_stay() {
        let text: &[u8] = b".\r\n..a\r\n.\n";
        for (line_endings, expected) in
            [(Crlf, &b".\r\n..a\r\n.\r\n.\r\n"[..]), (Keep, &b".\r\n..a\r\n.\n\r\n.\r\n"[..])]
        {
            assert_eq!(encoded_with(MailDataEncoder::new(line_endings, false), true, &[text]), expected);
        }
    }

    #[test]
    fn a_finished_encoder_starts_afresh() {
        let mut encoder = MailDataEncoder::new(Crlf, true);
        let mut output = Vec::new();
        encoder.encode(b"a\r", &mut output);
        encoder.finish(true, &mut output);
        encoder.encode(b"\n.", &mut output);
        encoder.finish(true, &mut output);
        assert_eq!(output, b"a\r\n.\r\n\r\n..\r\n.\r\n");
    }

    #[test]
    fn bytes_are_not_text() {
        let text: Vec<u8> = (0..=255).collect();
        let mut expected = text.clone();
        expected.splice(13..14, *b"\r\n");
        expected.splice(10..11, *b"\r\n");
        expected.extend_from_slice(b"\r\n.\r\n");
        assert_eq!(encoded(Crlf, true, &[&text]), expected);
    }

    fn decoded(chunks: &[&[u8]]) -> (Vec<u8>, Vec<usize>, bool) {
        let mut decoder = MailDataDecoder::new();
        let mut output = Vec::new();
        let steps: Vec<Decoded> = chunks.iter().map(|chunk| decoder.decode(chunk, &mut output)).collect();
        assert_eq!(decoder.octets(), output.len() as u64);
        let finished = steps.last().is_some_and(|step| step.finished);
        (output, steps.iter().map(|step| step.consumed).collect(), finished)
    }

    #[test]
    fn the_decoder_stops_after_the_dot() {
        assert_eq!(decoded(&[b".\r\nQUIT\r\n"]), (vec![], vec![3], true));
        assert_eq!(decoded(&[b"a\r\n.\r\nQUIT\r\n"]), (b"a\r\n".to_vec(), vec![6], true));
        assert_eq!(decoded(&[b"a\r\n.", b"\r", b"\nRSET"]), (b"a\r\n".to_vec(), vec![4, 1, 1], true));
        assert_eq!(decoded(&[b".\r\n", b"late"]), (vec![], vec![3, 0], true));
    }

    #[test]
    fn only_crlf_dot_crlf_ends_the_data() {
        for text in [&b"a\n.\nb"[..], b"a\n.\r\nb", b"a\r.\rb", b"a\r\n\n.\r\nb", b"\n.\r\n", b"a\r\r\n .\r\n"] {
            assert_eq!(decoded(&[text]), (text.to_vec(), vec![text.len()], false), "{text:?}");
        }
        assert_eq!(decoded(&[b"a\r\n.\nb"]).0, b"a\r\n\nb");
        assert_eq!(decoded(&[b"a\r\n.\rb"]).0, b"a\r\n\rb");
        assert_eq!(decoded(&[b".\r\r\n.\r\n"]), (b"\r\r\n".to_vec(), vec![7], true));
    }

    #[test]
    fn ends_and_transparency_in_pieces_of_any_size() {
        let table: &[(&str, &str, Option<&str>)] = &[
            (".\r\n", "", Some("")),
            ("a\r\n.\r\nQUIT\r\n", "a\r\n", Some("QUIT\r\n")),
            ("..\r\n.\r\n", ".\r\n", Some("")),
            ("...a\r\n..b\r\n.\r\n", "..a\r\n.b\r\n", Some("")),
            (".a\r\n.\r\n", "a\r\n", Some("")),
            ("a.\r\n.\r\n", "a.\r\n", Some("")),
            ("\r\n\r\n.\r\n", "\r\n\r\n", Some("")),
            ("a\r\r\n.\r\n", "a\r\r\n", Some("")),
            ("a\n.\nb\r\n.\r\n", "a\n.\nb\r\n", Some("")),
            ("a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n", Some("")),
            ("a\r.\rb\r\n.\r\n", "a\r.\rb\r\n", Some("")),
            ("a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n", Some("")),
            ("a\r\n.\r\r\nb\r\n.\r\n", "a\r\n\r\r\nb\r\n", Some("")),
            ("a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", Some("")),
            ("a\r\n.", "a\r\n", None),
            ("a\n.\n", "a\n.\n", None),
        ];
        for (input, text, rest) in table {
            for size in 1..=input.len() {
                let (output, consumed, finished) = decoded(&cut(input.as_bytes(), &[size]));
                let left = &input[consumed.iter().sum()..];
                assert_eq!((output.as_slice(), finished), (text.as_bytes(), rest.is_some()), "{input:?}, {size}");
                assert_eq!(left, rest.unwrap_or(""), "{input:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn one_leading_dot_is_removed() {
        assert_eq!(decoded(&[b"..\r\n...a\r\n.b\r\n.\r\n"]).0, b".\r\n..a\r\nb\r\n");
    }

    /// Text in which line endings and dots are frequent.
    fn dense_text() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'.'), Just(b'a'), any::<u8>()];
        let short = prop::collection::vec(byte, 0..60);
        let lines = prop::collection::vec(("[.a]{0,40}", prop_oneof![Just("\r\n"), Just("\n"), Just("\r")]), 0..8);
        let lines =
            lines.prop_map(|lines| lines.iter().flat_map(|(line, end)| [line.as_str(), end]).collect::<String>());
        prop_oneof![short, lines.prop_map(String::into_bytes)]
    }

    /// Cuts `text` into chunks of the lengths given, over and over.
    fn cut<'a>(mut text: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
        let mut chunks = Vec::new();
        for length in lengths.iter().cycle() {
            if text.is_empty() {
                break;
            }
            let (chunk, rest) = text.split_at((*length).min(text.len()));
            chunks.push(chunk);
            text = rest;
        }
        chunks
    }

    proptest! {
        #[test]
        fn chunking_never_matters_and_the_reference_agrees(
            text in dense_text(),
            lengths in prop::collection::vec(1..12_usize, 1..6),
            keep: bool, transparency: bool, terminate: bool,
        ) {
            let line_endings = if keep { Keep } else { Crlf };
            let expected = reference(line_endings, transparency, terminate, &text);
            let encoder = MailDataEncoder::new(line_endings, transparency);
            prop_assert_eq!(&encoded_with(encoder.clone(), terminate, &[&text]), &expected);
            prop_assert_eq!(&encoded_with(encoder, terminate, &cut(&text, &lengths)), &expected);
        }

        #[test]
        fn decoding_undoes_encoding(text in dense_text(), lengths in prop::collection::vec(1..12_usize, 1..6)) {
            let text = normalised(&text);
            let wire = encoded(Crlf, true, &[&text]);
            let (output, consumed, finished) = decoded(&cut(&wire, &lengths));
            prop_assert!(finished);
            prop_assert_eq!(output, text);
            prop_assert_eq!(consumed.iter().sum::<usize>(), wire.len());
        }

        #[test]
        fn chunking_never_matters_to_the_decoder(
            wire in dense_text(), lengths in prop::collection::vec(1..12_usize, 1..6),
        ) {
            let (whole, whole_consumed, whole_finished) = decoded(&[&wire]);
            let (parts, consumed, finished) = decoded(&cut(&wire, &lengths));
            prop_assert_eq!(parts, whole);
            prop_assert_eq!(consumed.iter().sum::<usize>(), whole_consumed[0]);
            prop_assert_eq!(finished, whole_finished);
        }
    }
}
