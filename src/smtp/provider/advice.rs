//! What is said about a reply: by its provider, and whoever the provider is.
//!
//! Responsible for choosing among the statements. What the reply says in words counts most, then its enhanced status code,
//! then the rest. Not for the statements (the files beside this one) nor for whose reply it is (`evidence`). Called by the
//! diagnosis and by `explanation`.

use super::statement::{Known, Sign};
use super::{Provider, Situation, Statement, evidence, general};
use crate::smtp::idiom::Idiom;

/// So many general statements are made by words: a reply rarely has more than two causes.
const MOST_BY_WORDS: usize = 2;

/// What is said about a reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advice {
    /// Whose reply it is, where something shows it.
    pub provider: Option<&'static Provider>,
    /// What the provider means.
    pub of_provider: Vec<&'static Statement>,
    /// What holds whoever the provider is.
    pub general: Vec<&'static Statement>,
    /// Whether the reply tells its cause in words.
    pub by_words: bool,
    /// Whether its provider is known to mean something of its own by these words, whatever the codes mean elsewhere.
    pub by_words_of_provider: bool,
    /// Whether other providers have something of their own to say about the codes.
    pub others: bool,
}

impl Advice {
    /// What the provider means, with its name and the page that says so.
    pub fn meant(&self) -> impl Iterator<Item = String> {
        let name = self.provider.map_or("", |it| it.name);
        let meant = self.of_provider.iter().filter(|it| !it.means.is_empty());
        meant.map(move |it| format!("{name}: {} ({})", it.means, it.source.url))
    }

    /// What helps, the provider's own first. Where the session itself tells the cause, general statements by codes are left
    /// out.
    #[must_use]
    pub fn help(&self, idiom: Idiom, is_told: bool) -> Vec<&'static str> {
        let mut helps = Vec::new();
        let general = self.general.iter().filter(|_| !is_told || self.by_words);
        for statement in self.of_provider.iter().chain(general).filter(|it| !it.is_plain) {
            let in_scenario = Some(statement.in_scenario).filter(|text| !text.is_empty()).unwrap_or(statement.help);
            let help = idiom.of(in_scenario, statement.help);
            // Two statements may give the same advice by different signs.
            if !help.is_empty() && !helps.contains(&help) {
                helps.push(help);
            }
        }
        helps
    }
}

/// What is said in `situation`, by the provider that it shows or, if one is given, by that one.
#[must_use]
pub fn advise(situation: &Situation<'_>, only: Option<&'static Provider>) -> Advice {
    let known = Known::of(situation);
    let shown = only.or_else(|| evidence::provider_of(situation));
    let (provider, of_provider, sign) = shown.map_or((None, Vec::new(), None), |it| said_by(it, &known));
    let by_words_of_provider = known.has_text() && sign == Some(Sign::Words);
    let is_told = by_words_of_provider && of_provider.iter().any(|it| !it.help.is_empty());
    let (mut general, by_words) = general_about(&known, is_told);
    let is_helped = of_provider.iter().any(|it| !it.help.is_empty());
    general.retain(|it| !(is_helped && it.is_last));
    let by_words = by_words || by_words_of_provider;
    let others = provider.is_none() && super::all().iter().any(|it| fitting_by_codes(it, &known));
    Advice { provider, of_provider, general, by_words, by_words_of_provider, others }
}

/// What a provider, or the one that it is kin to, says, and by what the best of the statements fits.
fn said_by(
    provider: &'static Provider,
    known: &Known<'_>,
) -> (Option<&'static Provider>, Vec<&'static Statement>, Option<Sign>) {
    let kin = [Some(provider), provider.kin].into_iter().flatten();
    for speaker in kin {
        let (statements, sign) = fitting(speaker, known);
        if !statements.is_empty() {
            return (Some(speaker), statements, sign);
        }
    }
    let contact = provider.contact.as_ref().filter(|_| known.has_text() && known.is_refusal());
    (Some(provider), contact.into_iter().collect(), None)
}

/// The statements of a provider that fit, and by what the best of them does. Those by words speak for all others, but for
/// those by a code that is the provider's own.
fn fitting(provider: &'static Provider, known: &Known<'_>) -> (Vec<&'static Statement>, Option<Sign>) {
    let fits = provider.statements.iter().filter_map(|it| Some((it, it.sign(known)?)));
    let fits: Vec<_> = fits.filter(|(_, sign)| *sign != Sign::Listed || known.is_bare()).collect();
    let best = fits.iter().map(|(_, sign)| *sign).max();
    let by_words = best == Some(Sign::Words) && known.has_text();
    let is_chosen = |sign: Sign| !by_words || sign == Sign::Words || sign == Sign::Enhanced && known.has_own_code();
    (fits.into_iter().filter(|(_, sign)| is_chosen(*sign)).map(|it| it.0).collect(), best)
}

fn fitting_by_codes(provider: &Provider, known: &Known<'_>) -> bool {
    provider.statements.iter().any(|it| it.text.is_empty() && it.sign(known).is_some())
}

/// The general statements: those by words, or, where there are none, those by codes and command.
fn general_about(known: &Known<'_>, is_told: bool) -> (Vec<&'static Statement>, bool) {
    let fits = general::statements().filter_map(|it| Some((it, it.sign(known)?)));
    let fits: Vec<_> = fits.filter(|(_, sign)| *sign != Sign::Listed).collect();
    let by_words = || fits.iter().filter(|it| it.1 == Sign::Words).map(|it| it.0);
    let mut first: Vec<_> = by_words().filter(|it| !it.is_last).collect();
    first.dedup_by_key(|it| it.help);
    first.truncate(MOST_BY_WORDS);
    let by_words: Vec<_> = if first.is_empty() { by_words().take(1).collect() } else { first };
    if by_words.is_empty() {
        let all = || fits.iter().map(|it| it.0);
        let has_better = all().any(|it| !it.is_last);
        return (all().filter(|it| !(is_told || has_better && it.is_last)).collect(), false);
    }
    let is_needed = |it: &&Statement| !is_told && !known.says_by_itself(it.needless_with);
    (by_words.into_iter().filter(is_needed).collect(), true)
}
