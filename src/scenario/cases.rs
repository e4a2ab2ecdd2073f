//! Cases: the sets of values that a scenario is played with, once each.
//!
//! Responsible for reading a table of them (CSV, RFC 4180) and for crossing tables. Called by `decode::cases` for what
//! the file says, and by the command line for `--cases`.

use super::{Case, Data, Named, Scenario, Span, Text};

/// The most cases that one file may make of its tables.
pub(crate) const MAX_CASES: usize = 100_000;

/// A table: the names of its columns, and its rows.
pub(crate) type Table = (Vec<String>, Vec<Vec<String>>);

/// Reads CSV whose first row names the columns.
pub(crate) fn table(text: &str) -> Result<Table, String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(text.as_bytes());
    let names: Vec<String> = reader.headers().map_err(|error| error.to_string())?.iter().map(str::to_owned).collect();
    if let Some(twice) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
        return Err(format!("two columns are called `{}`", twice.1));
    }
    let mut rows = Vec::new();
    for row in reader.records() {
        rows.push(row.map_err(|error| error.to_string())?.iter().map(str::to_owned).collect());
    }
    if rows.is_empty() {
        return Err("there is no row after the first, which names the columns".to_owned());
    }
    Ok((names, rows))
}

/// A case of each row. The place of its names is where the table is named.
pub(crate) fn cases_of(table: &Table, span: Span) -> Vec<Case> {
    let (names, rows) = table;
    let named = |name: &String| Named { name: name.clone(), span };
    let text = |value: &String| Data::Text(Text::verbatim(value));
    let case = |row: &Vec<String>| Case {
        values: names.iter().zip(row).map(|(name, value)| (named(name), text(value))).collect(),
    };
    rows.iter().map(case).collect()
}

/// Each of these with each of those. A name that both have takes its value from those.
pub(crate) fn crossed(these: Vec<Case>, those: &[Case]) -> Vec<Case> {
    if these.is_empty() {
        return those.to_vec();
    }
    let mut kept: Vec<Case> = Vec::new();
    for case in these {
        let of_both = |name: &str| those.iter().any(|other| other.values.iter().any(|(named, _)| named.name == name));
        let before = case.values.len();
        let own: Vec<(Named, Data)> = case.values.into_iter().filter(|(named, _)| !of_both(&named.name)).collect();
        let case = Case { values: own };
        // What told two cases apart may be what the other table decides.
        if case.values.len() == before || !kept.iter().any(|other| other.says_the_same(&case)) {
            kept.push(case);
        }
    }
    let with = |case: &Case, other: &Case| Case { values: case.values.iter().chain(&other.values).cloned().collect() };
    kept.iter().flat_map(|case| those.iter().map(move |other| with(case, other))).collect()
}

impl Case {
    fn says_the_same(&self, other: &Case) -> bool {
        let said = |case: &Case| {
            format!("{:?}", case.values.iter().map(|(name, data)| (&name.name, data)).collect::<Vec<_>>())
        };
        self.values.len() == other.values.len() && said(self) == said(other)
    }
}

impl Scenario {
    /// Plays it with each row of a table as well: each of its own cases with each row. Names that are no variables of the
    /// scenario are reported by `check`.
    pub(crate) fn cross_cases(&mut self, table: &Table) {
        self.cases = crossed(std::mem::take(&mut self.cases), &cases_of(table, Span::default()));
        self.naming = std::sync::OnceLock::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str], rows: &[&[&str]]) -> Vec<Case> {
        let texts = |row: &[&str]| row.iter().map(|text| (*text).to_owned()).collect();
        cases_of(&(texts(names), rows.iter().map(|row| texts(row)).collect()), Span::default())
    }

    fn shown(cases: &[Case]) -> Vec<String> {
        let pair = |(name, data): &(Named, Data)| match data {
            Data::Text(text) => format!("{}={}", name.name, text.source),
            _ => String::new(),
        };
        cases.iter().map(|case| case.values.iter().map(pair).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn each_row_meets_each_row() {
        let crossed = crossed(of(&["x"], &[&["1"], &["2"]]), &of(&["port"], &[&["25"], &["26"]]));
        assert_eq!(shown(&crossed), ["x=1 port=25", "x=1 port=26", "x=2 port=25", "x=2 port=26"]);
    }

    #[test]
    fn the_other_table_wins_and_nothing_is_played_twice_for_it() {
        let crossed = crossed(of(&["to"], &[&["a"], &["b"]]), &of(&["to"], &[&["c"]]));
        assert_eq!(shown(&crossed), ["to=c"]);
        let partly = super::crossed(of(&["x", "to"], &[&["1", "a"], &["2", "b"]]), &of(&["to"], &[&["c"]]));
        assert_eq!(shown(&partly), ["x=1 to=c", "x=2 to=c"]);
    }
}
