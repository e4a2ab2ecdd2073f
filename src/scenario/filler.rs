//! Filler: what is sent in place of a file that is not at hand, line by line as long as that was.
//!
//! Responsible for its notation, for making it from what it stands for, and for its octets. A report replaces large
//! files by it: most servers judge a message by its size and by the length of its lines.

use super::Misread;
use std::fmt;
use std::io::{self, Read};

/// The most octets that a filler stands for.
const MAX_OCTETS: u64 = 16 * 1024 * 1024 * 1024;
/// The most runs of lines of the same length that are distinguished; beyond it all lines are equally long.
const MAX_RUNS: usize = 2_000;

/// Lines of the letter `x`, each ended by LF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filler {
    runs: Vec<Run>,
}

/// Lines of the same length that follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    /// Without the line end.
    length: u64,
    count: u64,
}

/// The octets of a filler, made when they are read.
#[derive(Debug)]
pub(crate) struct FillerOctets {
    runs: std::vec::IntoIter<Run>,
    present: Run,
    /// How much of the present line is left, its LF included.
    left: u64,
}

impl Filler {
    /// Reads `72*1000 15`: a thousand lines of 72 letters, then one of 15.
    pub(crate) fn parse(text: &str) -> Result<Filler, Misread> {
        let fault =
            |word: &str| Misread::new(format!("`{word}` is no line of a filler: write its length, or LENGTH*COUNT"));
        let run = |word: &str| {
            let (length, count) = word.split_once('*').unwrap_or((word, "1"));
            let (length, count) = (length.parse::<u64>().ok()?, count.parse::<u64>().ok()?);
            Some(Run { length, count }).filter(|run| run.count > 0)
        };
        let runs: Vec<Run> =
            text.split_whitespace().map(|word| run(word).ok_or_else(|| fault(word))).collect::<Result<_, _>>()?;
        let filler = Filler { runs };
        match filler.checked_octets() {
            Some(1..=MAX_OCTETS) => Ok(filler),
            Some(0) => Err(Misread::new("this filler has no lines")),
            _ => Err(Misread::new(format!("a filler holds {} GiB at most", MAX_OCTETS >> 30))),
        }
    }

    /// The filler with the lines of `source`, whose ends are LF or CRLF. Where too many lengths differ, as many lines of the
    /// same length stand for them.
    pub(crate) fn of(source: &mut dyn Read) -> io::Result<Filler> {
        let mut gauge = Gauge::default();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match source.read(&mut buffer)? {
                0 => return Ok(gauge.finish()),
                count => gauge.take_in(&buffer[..count]),
            }
        }
    }

    /// How many octets it has, with one for each line end.
    pub(crate) fn octets(&self) -> u64 {
        self.checked_octets().unwrap_or(u64::MAX)
    }

    fn checked_octets(&self) -> Option<u64> {
        self.runs.iter().try_fold(0_u64, |sum, run| sum.checked_add(run.length.checked_add(1)?.checked_mul(run.count)?))
    }

    /// Its octets.
    pub(crate) fn read(&self) -> FillerOctets {
        FillerOctets { runs: self.runs.clone().into_iter(), present: Run { length: 0, count: 0 }, left: 0 }
    }
}

impl fmt::Display for Filler {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, run) in self.runs.iter().enumerate() {
            let blank = if index == 0 { "" } else { " " };
            match run.count {
                1 => write!(formatter, "{blank}{}", run.length)?,
                count => write!(formatter, "{blank}{}*{count}", run.length)?,
            }
        }
        Ok(())
    }
}

impl Read for FillerOctets {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        while written < buffer.len() {
            if self.left == 0 {
                while self.present.count == 0 {
                    let Some(next) = self.runs.next() else { return Ok(written) };
                    self.present = next;
                }
                self.present.count -= 1;
                self.left = self.present.length + 1;
            }
            let room = buffer.len() - written;
            let part = usize::try_from(self.left).map_or(room, |left| left.min(room));
            buffer[written..written + part].fill(b'x');
            self.left -= part as u64;
            written += part;
            if self.left == 0 {
                buffer[written - 1] = b'\n';
            }
        }
        Ok(written)
    }
}

/// Measures lines.
#[derive(Default)]
struct Gauge {
    runs: Vec<Run>,
    length: u64,
    after_cr: bool,
    lines: u64,
    octets: u64,
}

impl Gauge {
    fn take_in(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if *byte == b'\n' {
                let length = self.length - u64::from(self.after_cr);
                self.line(length);
            } else {
                self.length += 1;
            }
            self.after_cr = *byte == b'\r';
        }
    }

    fn line(&mut self, length: u64) {
        self.length = 0;
        self.lines += 1;
        self.octets += length;
        // Beyond the most runs only the sums are kept.
        let has_room = self.runs.len() <= MAX_RUNS;
        match self.runs.last_mut() {
            Some(last) if last.length == length => last.count += 1,
            _ if has_room => self.runs.push(Run { length, count: 1 }),
            _ => {}
        }
    }

    fn finish(mut self) -> Filler {
        if self.length > 0 || self.lines == 0 {
            self.line(self.length);
        }
        if self.runs.len() <= MAX_RUNS {
            return Filler { runs: self.runs };
        }
        let (mean, longer) = (self.octets / self.lines, self.octets % self.lines);
        let runs = [Run { length: mean + 1, count: longer }, Run { length: mean, count: self.lines - longer }];
        Filler { runs: runs.into_iter().filter(|run| run.count > 0).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(filler: &Filler) -> Vec<u8> {
        let mut octets = Vec::new();
        filler.read().read_to_end(&mut octets).unwrap();
        octets
    }

    #[test]
    fn lines_are_as_long_as_those_they_stand_for() {
        let filler = Filler::of(&mut &b"Subject: x\r\n\r\nab\ncd\nend"[..]).unwrap();
        assert_eq!(filler.to_string(), "10 0 2*2 3");
        assert_eq!(octets(&filler), b"xxxxxxxxxx\n\nxx\nxx\nxxx\n");
        assert_eq!(filler.octets(), 22);
        assert_eq!(Filler::parse("10 0 2*2 3").unwrap(), filler);
    }

    #[test]
    fn many_lengths_become_one() {
        let text: String = (0..10_000).map(|line| "y".repeat(line % 7) + "\n").collect();
        let filler = Filler::of(&mut text.as_bytes()).unwrap();
        assert_eq!(filler.octets(), text.len() as u64);
        assert_eq!(filler.to_string().split(' ').count(), 2);
    }

    #[test]
    fn what_is_no_filler_is_refused() {
        for bad in ["", "x", "3*", "*3", "-1", "3*0", "18446744073709551615", "99999999999*99999999999"] {
            assert!(Filler::parse(bad).is_err(), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn the_notation_reads_back(text in "[a\r\n]{0,60}") {
            let filler = Filler::of(&mut text.as_bytes()).unwrap();
            proptest::prop_assert_eq!(octets(&filler).len() as u64, filler.octets());
            proptest::prop_assert_eq!(Filler::parse(&filler.to_string()).unwrap(), filler);
        }
    }
}
