//! What of a transcript may be shown in messages.
//!
//! Responsible for leaving only the lines that a message is about, without the credentials in them.

use super::credentials;
use super::text::MAX_LINE;
use crate::recording::words::Secrets;
use crate::scenario::{Diagnostic, Sources, Span};

/// Of a longer line no more is shown, in characters.
const MAX_SHOWN: usize = 2000;

/// The text as it may be shown: only the lines that a notice is about, without the credentials in them.
///
/// Notices that are about the same lines follow them there. All other lines are empty, so that numbers stay true. Nothing is
/// left of lines at the places `unshown`.
pub(super) fn masked_sources(
    name: &str,
    text: &str,
    secrets: &Secrets,
    unshown: &[usize],
    notices: &mut [Diagnostic],
) -> Sources {
    let mut shown = String::new();
    let mut start = 0;
    let last = notices.iter().map(|notice| notice.span.start as usize).max().unwrap_or(0);
    for line in text.split('\n') {
        let end = start + line.len();
        let mut here: Vec<&mut Diagnostic> =
            notices.iter_mut().filter(|notice| (start..=end).contains(&(notice.span.start as usize))).collect();
        let begin = shown.len();
        let is_short = line.len() <= MAX_LINE;
        if !here.is_empty() && is_short && !unshown.contains(&start) && !credentials::may_stand_in(line) {
            shown.extend(secrets.mask(line.trim_end()).chars().take(MAX_SHOWN));
        }
        for notice in &mut here {
            // Behind the masks columns are others: the whole line is underlined.
            let indentation = shown[begin..].len() - shown[begin..].trim_start().len();
            notice.span = Span { file: u32::MAX, ..Span::default() }.with_range(begin + indentation, shown.len());
        }
        shown.push('\n');
        start = end + 1;
        if start > last {
            break;
        }
    }
    for notice in notices {
        notice.span.file = 0;
    }
    let mut sources = Sources::default();
    sources.add(name, shown);
    sources
}
