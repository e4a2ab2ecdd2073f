//! How deep an expression or a text with statements nests, measured before minijinja reads it.
//!
//! minijinja's parser, compiler and the end of its syntax tree recurse once for each operator of a chain, and a stack that
//! overflows cannot be caught: it takes the results of all other scenarios with it. So every production counts here: each
//! operator, each bracket, each word such as `if` and `is`, each block. What is measured is never less than the depth of
//! the tree; a list may be as long as it likes.

use super::expression::ExpressionFault;
use super::scan::Piece;
use std::ops::Range;

/// How many operators and brackets of an expression may lie within one another.
const MAX_DEPTH: usize = 300;
/// How many of them may be brackets, for which minijinja needs the most of the stack.
const MAX_BRACKETS: usize = 60;
/// How many blocks of a text may lie within one another; each `elif` counts as one.
const MAX_BLOCKS: usize = 64;

/// The words that are operators.
const OPERATORS: [&str; 7] = ["and", "or", "not", "in", "is", "if", "else"];
/// The statements that have an end.
const BLOCKS: [&str; 5] = ["for", "if", "with", "autoescape", "filter"];

/// What stands between two commas, or between a bracket and a comma.
#[derive(Debug, Default, Clone, Copy)]
struct Section {
    operators: usize,
    /// The depth of the deepest brackets in it.
    inner: usize,
    /// The depth of the sections before it in the same brackets.
    before: usize,
}

impl Section {
    fn depth(self) -> usize {
        self.before.max(self.operators + self.inner)
    }
}

/// Refuses an expression that nests too deep; `range` is its place in the text.
pub(super) fn refuse_deep(source: &str) -> Result<(), ExpressionFault> {
    let mut open = vec![Section::default()];
    let bytes = source.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let length = token_length(bytes, at);
        let is_inside = open.len() > 1;
        let Some(section) = open.last_mut() else { break };
        match byte {
            b'"' | b'\'' => {}
            b'(' | b'[' | b'{' => {
                section.operators += 1;
                open.push(Section::default());
            }
            b')' | b']' | b'}' if is_inside => {
                let closed = open.pop().unwrap_or_default().depth();
                if let Some(outer) = open.last_mut() {
                    outer.inner = outer.inner.max(closed);
                }
            }
            b',' => *section = Section { before: section.depth(), ..Section::default() },
            b'a'..=b'z' => section.operators += usize::from(OPERATORS.contains(&&source[at..at + length])),
            b'+' | b'-' | b'*' | b'/' | b'%' | b'~' | b'|' | b'.' | b'=' | b'!' | b'<' | b'>' => section.operators += 1,
            _ => {}
        }
        if open.len() > MAX_BRACKETS || open.len() + open.last().map_or(0, |section| section.depth()) > MAX_DEPTH {
            return Err(too_deep(at..at + length));
        }
        at += length;
    }
    Ok(())
}

/// The octets of a quoted text or a word; any other octet is looked at alone.
fn token_length(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    match rest[0] {
        quote @ (b'"' | b'\'') => {
            let mut end = 1;
            while end < rest.len() && rest[end] != quote {
                end += if rest[end] == b'\\' { 2 } else { 1 };
            }
            (end + 1).min(rest.len())
        }
        byte if is_word(byte) => rest.iter().take_while(|byte| is_word(**byte)).count(),
        _ => 1,
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

fn too_deep(range: Range<usize>) -> ExpressionFault {
    ExpressionFault {
        message: format!(
            "this expression is too deep: {MAX_DEPTH} operators or {MAX_BRACKETS} brackets within one another are the most"
        ),
        range,
        help: Some("give its parts names, by `vars` or `set`".to_owned()),
    }
}

/// Refuses a text whose expressions or blocks nest too deep.
pub(super) fn refuse_deep_text(source: &str, pieces: &[Piece]) -> Result<(), ExpressionFault> {
    let mut blocks = Blocks::default();
    for piece in pieces {
        let inner = match piece {
            Piece::Expression { inner, .. } => inner.clone(),
            Piece::Statement(range) => range.start + 3..range.end - 3,
            Piece::Literal(_) | Piece::Comment(_) => continue,
        };
        let at = inner.start;
        let moved =
            |fault: ExpressionFault| ExpressionFault { range: at + fault.range.start..at + fault.range.end, ..fault };
        refuse_deep(&source[inner.clone()]).map_err(moved)?;
        if let Piece::Statement(range) = piece
            && blocks.pass(&source[inner]) > MAX_BLOCKS
        {
            let message = format!("these blocks are too deep: {MAX_BLOCKS} within one another are the most");
            return Err(ExpressionFault { message, range: range.clone(), help: None });
        }
    }
    Ok(())
}

/// The blocks that are open: of each how often it says `elif`.
#[derive(Default)]
struct Blocks {
    open: Vec<usize>,
    raw: bool,
}

impl Blocks {
    /// Takes in a statement and gives the depth that is reached.
    fn pass(&mut self, statement: &str) -> usize {
        let statement = statement.trim_start_matches(['-', '+']).trim_start();
        let word = statement.split(|letter: char| !letter.is_ascii_alphabetic()).next().unwrap_or_default();
        match word {
            "endraw" => self.raw = false,
            _ if self.raw => {}
            "raw" => self.raw = true,
            "elif" => self.open.last_mut().into_iter().for_each(|elifs| *elifs += 1),
            "set" if has_end(statement) => self.open.push(0),
            _ if BLOCKS.contains(&word) => self.open.push(0),
            _ if word.starts_with("end") => _ = self.open.pop(),
            _ => {}
        }
        self.open.iter().sum::<usize>() + self.open.len()
    }
}

/// Whether a `set` gives no value itself: its end does.
fn has_end(statement: &str) -> bool {
    statement.find(['=', '|']).is_none_or(|at| statement.as_bytes()[at] == b'|')
}
