//! Secrets that stand in a scenario by mistake, in what a report quotes of it.
//!
//! Responsible for what is no transcript: that is searched when it is written. A report leaves the machine.

use crate::report::model::{Diagnostic, ScenarioReport};
use crate::secret::Masker;

/// Hides every secret in names, messages and excerpts of a report.
pub(super) fn hide(report: &mut ScenarioReport, masker: &Masker) {
    let mask = |text: &mut String| {
        if masker.finds(text.as_bytes()) {
            *text = masker.mask_text(text);
        }
    };
    let diagnostic = |diagnostic: &mut Diagnostic| {
        mask(&mut diagnostic.message);
        mask(&mut diagnostic.label);
        mask(&mut diagnostic.rendered);
        diagnostic.notes.iter_mut().chain(&mut diagnostic.help).for_each(mask);
    };
    mask(&mut report.name);
    report.tags.iter_mut().chain(&mut report.notices).for_each(mask);
    report.divergences.iter_mut().for_each(|one| diagnostic(&mut one.diagnostic));
    report.errors.iter_mut().chain(&mut report.warnings).for_each(diagnostic);
    report.attempts.iter_mut().for_each(|attempt| mask(&mut attempt.message));
}
