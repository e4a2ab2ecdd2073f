//! Lines from a pipe or a file: each is sent after the reply to the one before.

use crate::cli::screen;
use crate::shell::{LineOutcome, Live, PromptPhase};
use std::io::BufRead as _;
use std::sync::PoisonError;

/// The longest line that is read, in bytes.
const MAX_LINE: u64 = 1024 * 1024;

/// Gives every line of standard input to the shell.
pub(super) fn talk(live: &Live) {
    let mut input = std::io::stdin().lock();
    while live.next() == LineOutcome::Go {
        let mut line = Vec::new();
        let read = std::io::Read::take(&mut input, MAX_LINE).read_until(b'\n', &mut line);
        if !read.is_ok_and(|count| count > 0) {
            return;
        }
        let ended = line.strip_suffix(b"\r\n").or_else(|| line.strip_suffix(b"\n")).unwrap_or(&line);
        let state = live.state();
        let closed = state.lock().unwrap_or_else(PoisonError::into_inner).phase == PromptPhase::Closed;
        if closed && !ended.is_empty() && !ended.starts_with(b".") {
            screen::notice("error: there is no connection: this line and those after it were not sent");
            return;
        }
        live.send(ended.to_vec());
    }
}
