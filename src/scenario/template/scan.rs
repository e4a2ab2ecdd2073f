//! Finds the brackets of a text: `<<…>>`, `<<% … %>>` and `<<# … #>>`.
//!
//! Responsible for the rule of the angle brackets (in a run of `<` the last two open, in a run of `>` the first two
//! close), and for marking them so that minijinja reads a text with statements at the same places.

use std::ops::Range;

/// A part of a text; ranges are offsets into its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Literal(Range<usize>),
    /// The whole `<<…>>` and what stands between the brackets.
    Expression {
        outer: Range<usize>,
        inner: Range<usize>,
    },
    /// `<<% … %>>`: the text is rendered as one template.
    Statement(Range<usize>),
    /// `<<# … #>>`
    Comment(Range<usize>),
}

/// Overwrites each opening `<<` by control bytes of the same length, so that every offset stays true.
pub(super) fn mark(source: &str, pieces: &[Piece]) -> String {
    let mut marked = source.as_bytes().to_vec();
    for piece in pieces {
        let (range, second) = match piece {
            Piece::Literal(_) => continue,
            Piece::Expression { outer, .. } => (outer, 2),
            Piece::Statement(range) => (range, 3),
            Piece::Comment(range) => (range, 4),
        };
        if let Some(bytes) = marked.get_mut(range.start..range.start + 2) {
            bytes.copy_from_slice(&[1, second]);
        }
    }
    String::from_utf8(marked).unwrap_or_default()
}

/// What keeps a text from being split.
pub(super) struct ScanFault {
    kind: ScanFaultKind,
    pub(super) range: Range<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ScanFaultKind {
    OpenExpression,
    OpenStatement,
    /// A quote in a statement is never closed.
    OpenQuote,
    OpenComment,
    /// Literal octets that look like marks.
    Marks,
}

impl ScanFault {
    pub(super) fn is_open(&self) -> bool {
        self.kind != ScanFaultKind::Marks
    }

    pub(super) fn message(&self) -> &'static str {
        match self.kind {
            ScanFaultKind::OpenExpression => "this `<<` is never closed by `>>`",
            ScanFaultKind::OpenStatement => "this `<<%` is never closed by `%>>`",
            ScanFaultKind::OpenQuote => "a quote in this `<<%` is never closed",
            ScanFaultKind::OpenComment => "this `<<#` is never closed by `#>>`",
            ScanFaultKind::Marks => "the octets 01 and 02, 03 or 04 cannot stand side by side in a text with `<<%`",
        }
    }

    pub(super) fn help(&self) -> &'static str {
        match self.kind {
            ScanFaultKind::Marks => {
                "give one of them to a variable under `vars`, and write `<<its name>>` in its place"
            }
            ScanFaultKind::OpenComment => {
                "outside of quotes YAML takes ` #` for the beginning of a comment: quote the text"
            }
            ScanFaultKind::OpenExpression | ScanFaultKind::OpenStatement | ScanFaultKind::OpenQuote => {
                "a literal `<<` is written `<<'<<'>>`"
            }
        }
    }
}

/// Splits a text at its brackets.
pub(super) fn scan(source: &str) -> Result<Vec<Piece>, ScanFault> {
    let mut pieces = Vec::new();
    let mut literal = 0;
    let mut search = 0;
    while let Some(found) = source[search..].find("<<") {
        let run_start = search + found;
        let run = source[run_start..].bytes().take_while(|byte| *byte == b'<').count();
        let open = run_start + run - 2;
        if literal < open {
            pieces.push(Piece::Literal(literal..open));
        }
        let (piece, end) = scan_bracket(source, open)?;
        pieces.push(piece);
        literal = end;
        search = end;
    }
    if literal < source.len() || pieces.is_empty() {
        pieces.push(Piece::Literal(literal..source.len()));
    }
    refuse_marks(source, &pieces)?;
    Ok(pieces)
}

/// Refuses literal octets that minijinja would take for the marks of brackets.
fn refuse_marks(source: &str, pieces: &[Piece]) -> Result<(), ScanFault> {
    let has_statements = pieces.iter().any(|piece| matches!(piece, Piece::Statement(_)));
    let found = source.as_bytes().windows(2).position(|pair| pair[0] == 1 && matches!(pair[1], 2..=4));
    match found.filter(|_| has_statements) {
        Some(at) => Err(ScanFault { kind: ScanFaultKind::Marks, range: at..at + 2 }),
        None => Ok(()),
    }
}

/// Reads one bracket that opens at `open`; returns the piece and the offset after it.
fn scan_bracket(source: &str, open: usize) -> Result<(Piece, usize), ScanFault> {
    let inside = open + 2;
    let unclosed = |kind| ScanFault { kind, range: open..open + 2 };
    match source.as_bytes().get(inside) {
        Some(b'%') => {
            let end = inside + 1 + closing_statement(&source[inside + 1..]).map_err(unclosed)? + 3;
            Ok((Piece::Statement(open..end), end))
        }
        Some(b'#') => {
            let length = source[inside + 1..].find("#>>").ok_or(unclosed(ScanFaultKind::OpenComment))?;
            let end = inside + 1 + length + 3;
            Ok((Piece::Comment(open..end), end))
        }
        _ => {
            let length = closing(&source[inside..]).ok_or(unclosed(ScanFaultKind::OpenExpression))?;
            let close = inside + length;
            Ok((Piece::Expression { outer: open..close + 2, inner: inside..close }, close + 2))
        }
    }
}

/// The offset of the `%>>` that closes a statement.
fn closing_statement(statement: &str) -> Result<usize, ScanFaultKind> {
    let closes = |rest: &[u8]| rest.starts_with(b"%>>");
    let quoted = statement.contains("%>>");
    let fault = if quoted { ScanFaultKind::OpenQuote } else { ScanFaultKind::OpenStatement };
    outside_of_quotes(statement, closes).ok_or(fault)
}

/// The offset of the `>>` that closes an expression: the first two of a run of `>`.
fn closing(expression: &str) -> Option<usize> {
    outside_of_quotes(expression, |rest| rest.starts_with(b">>"))
}

/// The first offset outside of quotes at which `closes` finds what it looks for, as minijinja reads quotes.
fn outside_of_quotes(code: &str, closes: impl Fn(&[u8]) -> bool) -> Option<usize> {
    let bytes = code.as_bytes();
    let mut quote = None;
    let mut index = 0;
    while let Some(byte) = bytes.get(index) {
        match (quote, byte) {
            (Some(_), b'\\') => index += 1,
            (Some(open), byte) if open == *byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(*byte),
            (None, _) if closes(&bytes[index..]) => return Some(index),
            (None, _) => {}
        }
        index += 1;
    }
    None
}
