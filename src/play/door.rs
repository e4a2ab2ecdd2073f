//! The door that an outcome leaves by: what others chose in it is searched for secrets once more.
//!
//! Responsible for all that is no line of the transcript, which is searched as it is kept: names, hosts, certificates,
//! notices, what is said of divergences, and the excerpts of files. Called by `player` at the end of a run.

use super::divergence::Divergence;
use super::outcome::{CertificateOutcome, Outcome};
use crate::scenario::{Diagnostic, Footnote};
use crate::secret::Masker;

/// Hides every secret in an outcome.
pub(super) fn hide(outcome: &mut Outcome, masker: &Masker) {
    if masker.is_idle() {
        return;
    }
    let mask = |text: &mut String| {
        if masker.finds(text.as_bytes()) {
            *text = masker.mask_text(text);
        }
    };
    mask(&mut outcome.name);
    mask(&mut outcome.path);
    outcome.tags.iter_mut().chain(&mut outcome.notices).for_each(mask);
    outcome.captures.iter_mut().for_each(|(_, value)| mask(value));
    for step in &mut outcome.steps {
        step.reason.iter_mut().for_each(mask);
        step.name.iter_mut().for_each(mask);
        for text in [&mut step.title, &mut step.session].into_iter().filter(|text| masker.finds(text.as_bytes())) {
            *text = masker.mask_text(text).into();
        }
    }
    for session in &mut outcome.sessions {
        session.address.iter_mut().chain(&mut session.stand_in).chain([&mut session.host]).for_each(mask);
        let certificates = session.tls.iter_mut().filter_map(|handshake| handshake.certificate.as_mut());
        let certificates = certificates.chain(&mut session.refused_certificate);
        certificates.for_each(|CertificateOutcome { subject, issuer, names, .. }| {
            names.iter_mut().chain([subject, issuer]).for_each(mask);
        });
    }
    for Divergence { diagnostic, expected, got, .. } in &mut outcome.divergences {
        hide_in(diagnostic, &mask);
        for text in expected.iter_mut().chain(got).filter(|text| masker.finds(text.as_bytes())) {
            *text = masker.mask_text(text).into();
        }
    }
    // Offsets into the files of an update must stay true, and what it writes is a file of the user's.
    if outcome.rewrites.is_empty() && outcome.held.is_empty() && !outcome.divergences.is_empty() {
        // Where a secret stands in the file there are stars, as many as octets.
        outcome.sources.hide(|text| masker.blotted(text));
    }
}

fn hide_in(diagnostic: &mut Diagnostic, mask: &impl Fn(&mut String)) {
    mask(&mut diagnostic.message);
    mask(&mut diagnostic.label);
    diagnostic.others.iter_mut().for_each(|(_, label)| mask(label));
    for footnote in &mut diagnostic.footnotes {
        match footnote {
            Footnote::Fact(text) | Footnote::Note(text) | Footnote::Help(text) => mask(text),
        }
    }
}
