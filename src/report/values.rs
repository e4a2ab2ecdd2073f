//! The values that a scenario was played with, as data: the columns of its case, and all variables.
//!
//! Responsible for keeping secrets out of them: what depends on one is not shown, what holds one is masked. Called by the
//! command that made the plays.

use crate::run;
use crate::scenario::{Scenario, Scope as _, Variables};
use crate::visible::inert;
use serde_json::Value;
use std::collections::BTreeMap;

/// What stands for a value that depends on a secret.
const HIDDEN: &str = "<<a secret>>";

/// Values by name.
#[derive(Debug, Clone, Default)]
pub struct Values {
    /// Those of the case.
    pub case: BTreeMap<String, Value>,
    /// All variables, those of the case among them.
    pub vars: BTreeMap<String, Value>,
}

impl Values {
    /// What a scenario is played with; `case` is its place among the scenario's cases.
    #[must_use]
    pub fn of(scenario: &Scenario, variables: &Variables, case: Option<usize>) -> Values {
        let vars: BTreeMap<String, Value> =
            variables.values.iter().map(|(name, value)| (inert(name), shown(name, value, variables))).collect();
        let columns = case.and_then(|case| scenario.cases.get(case)).map(|case| case.values.as_slice());
        let column = |name: &str| Some((inert(name), vars.get(&inert(name))?.clone()));
        let case = columns.unwrap_or_default().iter().filter_map(|(named, _)| column(&named.name)).collect();
        Values { case, vars }
    }
}

fn shown(name: &str, value: &impl serde::Serialize, variables: &Variables) -> Value {
    if variables.is_secret(name) {
        return Value::from(HIDDEN);
    }
    masked(serde_json::to_value(value).unwrap_or(Value::Null), variables)
}

fn masked(value: Value, variables: &Variables) -> Value {
    match value {
        Value::String(text) => Value::from(inert(&run::masked(&text, variables))),
        Value::Array(items) => items.into_iter().map(|item| masked(item, variables)).collect(),
        Value::Object(entries) => {
            let entries = entries.into_iter();
            entries.map(|(key, value)| (run::masked(&key, variables), masked(value, variables))).collect()
        }
        // A secret of digits may stand in a number.
        number @ Value::Number(_) => {
            let text = number.to_string();
            let shown = run::masked(&text, variables);
            if shown == text { number } else { Value::from(shown) }
        }
        other => other,
    }
}
