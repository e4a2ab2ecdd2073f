//! What is kept of a server's connections: all of some, of many the first and the last, and counts of the others.
//!
//! A server that runs for days must not hold what came of each connection. Called by the host as connections end.

use crate::play::server::record::Record;

/// The most connections of which everything is kept.
const MOST: usize = 1000;
/// The first of them, which are never let go.
const FIRST: usize = 100;

/// What came of the connections.
#[derive(Default)]
pub(super) struct Kept {
    records: Vec<Record>,
    left_out: LeftOut,
}

/// Connections of which only the verdict is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LeftOut {
    followed: usize,
    diverged: usize,
}

impl Kept {
    /// Keeps what came of one. `bounded`: more may come without end; then one that followed goes first, from the middle.
    pub(super) fn keep(&mut self, record: Record, bounded: bool) {
        self.records.push(record);
        if !bounded || self.records.len() <= MOST {
            return;
        }
        let followed = self.records[FIRST..].iter().position(|record| record.divergences.is_empty());
        let gone = self.records.remove(FIRST + followed.unwrap_or(0));
        *(if gone.divergences.is_empty() { &mut self.left_out.followed } else { &mut self.left_out.diverged }) += 1;
    }

    /// The last one that is kept.
    pub(super) fn last_mut(&mut self) -> Option<&mut Record> {
        self.records.last_mut()
    }

    /// What is kept, by the numbers of the connections, and what is not.
    pub(super) fn into_parts(self) -> (Vec<Record>, LeftOut) {
        let mut records = self.records;
        records.sort_by_key(|record| record.number);
        (records, self.left_out)
    }
}

impl LeftOut {
    /// For people; nothing where all is kept.
    pub(crate) fn told(self) -> Option<String> {
        let LeftOut { followed, diverged } = self;
        let connections = followed + diverged;
        (connections > 0).then(|| {
            format!(
                "{connections} more connections are not listed: {followed} followed, {diverged} diverged. The list keeps the \
                 first {FIRST}; after them it prefers those that diverged, and the last ones"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::play::diagnose::Site;
    use crate::play::divergence::Kind;
    use crate::play::outcome::Verdict;
    use crate::play::server::record::connection_outcome;
    use crate::scenario::Span;
    use crate::secret::Masker;
    use crate::smtp::idiom::Idiom;
    use std::time::Duration;

    fn record(number: usize, diverges: bool) -> Record {
        let masker = Masker::default();
        let site = Site {
            number: "server",
            name: None,
            span: Span::default(),
            session: None,
            host: "",
            masker: &masker,
            run_is_over: false,
            idiom: Idiom::Scenario,
        };
        let whole = connection_outcome(number, Span::default(), Verdict::Followed, Duration::ZERO);
        Record::of_none(number, whole, diverges.then(|| site.fault(Kind::Rule, "x")).into_iter().collect())
    }

    #[test]
    fn of_many_the_first_the_last_and_the_failures_are_kept() {
        let mut kept = Kept::default();
        (1..=30_000).for_each(|number| kept.keep(record(number, number % 100 == 7), true));
        let (records, left_out) = kept.into_parts();
        assert_eq!(records.len(), MOST);
        assert_eq!(left_out, LeftOut { followed: 29_000, diverged: 0 });
        assert_eq!(records.iter().filter(|record| !record.divergences.is_empty()).count(), 300);
        assert!(records[..FIRST].iter().map(|record| record.number).eq(1..=FIRST));
        assert_eq!(records.last().map(|record| record.number), Some(30_000));
        assert!(left_out.told().is_some_and(|text| text.starts_with("29000 more connections")));
    }

    #[test]
    fn where_an_end_is_set_all_is_kept() {
        let mut kept = Kept::default();
        (1..=1500).for_each(|number| kept.keep(record(number, true), false));
        let (records, left_out) = kept.into_parts();
        assert_eq!((records.len(), left_out.told()), (1500, None));
    }
}
