//! What stands in a portable scenario in place of a file.
//!
//! Responsible for choosing between text, base64 and filler, and for how each is written. Small files are kept whole;
//! of larger ones size, hash and the lengths of their lines stay.

use crate::scenario::Filler;
use crate::scenario::write::literal;
use crate::scenario::write::yaml_text::{block, double_quoted, fits_block};
use crate::secret::Masker;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::path::Path;

/// The largest file that is kept whole, in octets.
pub(super) const MAX_EMBEDDED: u64 = 64 * 1024;
/// How many letters of base64 stand in a line.
const BASE64_LINE: usize = 76;

/// How a file was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EmbedUse {
    /// Lines whose ends are made CRLF.
    Lines,
    /// A template of such lines.
    Template,
    /// Octet by octet, as mail data.
    Octets,
    /// Octet by octet, where a text is always a template.
    Attachment,
}

/// What takes the place of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Embedded {
    /// `text`, which is a template or is not.
    Text {
        text: String,
        template: bool,
    },
    Base64(String),
    /// With what is said about it.
    Filler {
        notation: String,
        note: String,
    },
}

/// Reads a file.
pub(super) fn embedded(path: &Path, name: &str, how: EmbedUse, masker: &Masker) -> io::Result<Embedded> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    if size > MAX_EMBEDDED {
        return filler(&mut file, size, &format!("`{name}` is too large to stand here"));
    }
    let mut octets = Vec::new();
    (&mut file).take(MAX_EMBEDDED + 1).read_to_end(&mut octets)?;
    let shown = String::from_utf8(octets);
    match shown {
        Ok(text) if how == EmbedUse::Template => Ok(Embedded::Text { text: masker.mask_text(&text), template: true }),
        Ok(text) if masker.finds(text.as_bytes()) => secret_inside(&mut file, size, name),
        Ok(text) => Ok(as_text(&text, how).unwrap_or_else(|| base64(text.as_bytes()))),
        Err(error) if masker.finds(error.as_bytes()) => secret_inside(&mut file, size, name),
        Err(error) => Ok(base64(error.as_bytes())),
    }
}

fn secret_inside(file: &mut File, size: u64, name: &str) -> io::Result<Embedded> {
    filler(file, size, &format!("a secret stands in `{name}`"))
}

/// The text itself, where YAML keeps every octet of it that matters.
fn as_text(text: &str, how: EmbedUse) -> Option<Embedded> {
    let lines = if how == EmbedUse::Lines { text.replace("\r\n", "\n") } else { text.to_owned() };
    let kept = fits_block(&lines) || (!lines.is_empty() && !lines.contains(|letter: char| letter.is_control()));
    kept.then(|| match how {
        EmbedUse::Attachment => Embedded::Text { text: literal(&lines), template: true },
        _ => Embedded::Text { text: lines, template: false },
    })
}

fn base64(octets: &[u8]) -> Embedded {
    Embedded::Base64(STANDARD.encode(octets))
}

fn filler(file: &mut File, size: u64, why: &str) -> io::Result<Embedded> {
    file.rewind()?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            count => hash.update(&buffer[..count]),
        }
    }
    file.rewind()?;
    let digest = hash.finalize().iter().fold(String::new(), |mut digits, byte| {
        _ = write!(digits, "{byte:02x}");
        digits
    });
    let note = format!("{why}: filler of its size and lines is sent ({size} octets, SHA-256 {digest})");
    Ok(Embedded::Filler { notation: Filler::of(file)?.to_string(), note })
}

impl Embedded {
    /// Its entries in a block mapping that stands `column` in; the first of them without its indentation.
    pub(super) fn in_block(&self, column: usize) -> String {
        let mut out = String::new();
        match self {
            Embedded::Text { text, template } => {
                out.push_str("text: ");
                scalar(text, column + 2, &mut out);
                if !template {
                    _ = write!(out, "\n{:column$}template: false", "");
                }
            }
            Embedded::Base64(digits) => {
                out.push_str("base64: ");
                scalar(&wrapped(digits), column + 2, &mut out);
            }
            Embedded::Filler { notation, note } => {
                _ = write!(out, "# {note}\n{:column$}filler: ", "");
                scalar(&wrapped_words(notation), column + 2, &mut out);
            }
        }
        out
    }

    /// Its entries in a mapping in braces.
    pub(super) fn in_braces(&self) -> String {
        match self {
            Embedded::Text { text, template: true } => format!("text: {}", double_quoted(text)),
            Embedded::Text { text, template: false } => format!("text: {}, template: false", double_quoted(text)),
            Embedded::Base64(digits) => format!("base64: {}", double_quoted(digits)),
            Embedded::Filler { notation, .. } => format!("filler: {}", double_quoted(notation)),
        }
    }
}

/// A text as a block, or in quotes where a block would not keep it: blank lines at its end could become more.
fn scalar(text: &str, indentation: usize, out: &mut String) {
    if fits_block(text) && !text.ends_with("\n\n") {
        block(text, indentation, out);
        // The line feed that ends the entry follows it already.
        out.truncate(out.trim_end_matches('\n').len());
    } else {
        out.push_str(&double_quoted(text));
    }
}

fn wrapped(digits: &str) -> String {
    let lines: Vec<String> =
        digits.as_bytes().chunks(BASE64_LINE).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    if lines.len() < 2 { digits.to_owned() } else { lines.join("\n") }
}

/// Words in lines of some length.
fn wrapped_words(words: &str) -> String {
    let mut lines = vec![String::new()];
    for word in words.split(' ') {
        if let Some(line) = lines.last_mut().filter(|line| line.len() + word.len() < BASE64_LINE) {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join("\n")
}
