//! Words that were probably meant to be others.

/// The word of `known` that `word` was probably meant to be.
pub(crate) fn similar<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |candidate: &&str| strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase());
    let nearest = known.into_iter().min_by_key(distance)?;
    (distance(&nearest) <= 1 + word.len() / 4).then_some(nearest)
}
