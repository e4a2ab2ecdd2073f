//! In whose words a help is written.
//!
//! Responsible for one choice: who plays a file reads what to write there, who gives options reads which of them to give.
//! Called by whoever says what helps: the diagnosis, `offer`, `provider::advice`.

/// In whose words a help is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Idiom {
    /// The keys and steps of a scenario.
    #[default]
    Scenario,
    /// The options of a command that plays no file of the user's.
    Options,
}

impl Idiom {
    /// The one of two wordings that fits.
    pub(crate) fn of<T>(self, in_scenario: T, by_options: T) -> T {
        match self {
            Idiom::Scenario => in_scenario,
            Idiom::Options => by_options,
        }
    }
}
