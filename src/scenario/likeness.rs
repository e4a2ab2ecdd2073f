//! Whether a YAML file of a folder is a scenario, before it is read.
//!
//! Folders hold YAML of other programs too. Responsible for telling a scenario with mistakes, which must be reported, from a
//! file that is none. It looks at the keys at the left margin only: a file that is no YAML must not be passed over either.
//! Called by `cli`, for the files of a folder.

use super::decode::TOP_KEYS;
use super::words::one_slip;

/// Keys that only a scenario has at its top.
const OWN: [&str; 5] = ["steps", "server", "connect", "finally", "cases_from"];

/// Keys that say nothing: most programs' files have them.
const COMMON: [&str; 4] = ["name", "description", "tags", "secrets"];

/// Lines that only steps have.
const STEP_KEYS: [&str; 4] = ["expect:", "send:", "starttls", "mail_data:"];

/// What a YAML file looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Likeness {
    Scenario,
    /// Nothing is in it, or comments only.
    Empty,
    /// A list at the top: steps to include, or another program's file.
    List,
    /// Another program's file.
    Foreign,
}

impl Likeness {
    /// What a file with this text looks like.
    pub(crate) fn of(text: &str) -> Likeness {
        let mut lines = text.trim_start_matches('\u{feff}').lines().filter(|line| !is_bare(line));
        let Some(first) = lines.clone().next() else { return Likeness::Empty };
        if first.trim_start().starts_with("- ") {
            return Likeness::List;
        }
        let margin = first.len() - first.trim_start().len();
        let keys: Vec<&str> = lines.clone().filter_map(|line| key_at(margin, line)).collect();
        let has_steps = lines.any(|line| STEP_KEYS.iter().any(|key| bare(line).starts_with(key)));
        if is_scenario(&keys, has_steps) { Likeness::Scenario } else { Likeness::Foreign }
    }

    /// Why a file of this kind is left out.
    pub(crate) fn why_left_out(self) -> &'static str {
        match self {
            Likeness::Scenario => "it is a scenario",
            Likeness::Empty => "nothing is in it",
            Likeness::List => "it holds a list: steps to include, or another program's file",
            Likeness::Foreign => "it has no `steps` and no `server`: another program's file",
        }
    }
}

fn is_scenario(keys: &[&str], has_steps: bool) -> bool {
    let is_near = |key: &&&str| one_slip(&key.to_lowercase(), OWN).is_some() || OWN.contains(&&*key.to_lowercase());
    let is_known = |key: &&str| TOP_KEYS.contains(key) || is_near(&key);
    let all_known = keys.iter().all(is_known);
    let telling = keys.iter().filter(|key| !COMMON.contains(key)).count();
    keys.iter().any(|key| OWN.contains(key))
        || (keys.iter().any(|key| is_near(&key)) && (all_known || has_steps))
        || (all_known && telling > 0 && keys.len() > 1)
}

/// A line without a key: blank, a comment, a directive or the mark of a document.
fn is_bare(line: &str) -> bool {
    let text = line.trim();
    text.is_empty() || text.starts_with(['#', '%']) || text == "---" || text == "..."
}

/// What stands in a line after its indentation and the dash of a list.
fn bare(line: &str) -> &str {
    line.trim_start().trim_start_matches("- ").trim_start_matches('{').trim_start()
}

/// The key that a line has at the margin; of a mapping in braces the first one.
fn key_at(margin: usize, line: &str) -> Option<&str> {
    let text = line.get(margin..).filter(|text| !text.starts_with([' ', '\t']))?;
    let (key, rest) = text.trim_start_matches(['{', ' ']).split_once(':')?;
    let is_key = rest.is_empty() || rest.starts_with([' ', '\t', '[', '{']);
    let key = key.trim().trim_matches(['"', '\'']);
    (is_key && !key.contains(' ')).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_scenario_is_one() {
        for text in [
            "steps:\n  - expect: ^220\n",
            "step:\n  - expect: ^220\n",
            "stesp:\n  - expect: ^220\n",
            "Steps:\n  - expect: ^220\n",
            "\u{feff}# mine\n---\n\"steps\" : []\n",
            "{steps: [{expect: ^220}]}\n",
            "  steps:\n    - expect: ^220\n",
            "connect: mx.example.com\n",
            "conect: mx.example.com\nname: it\n",
            "connect: [mx.example.com\n",
            "name: it\nhost: mx\nstesp:\n  - send: NOOP\n",
            "name: it\nrequires: {when: false}\n",
            "servr: {steps: []}\n",
        ] {
            assert_eq!(Likeness::of(text), Likeness::Scenario, "{text}");
        }
    }

    #[test]
    fn files_of_other_programs_are_none() {
        for text in [
            "services:\n  web:\n    image: x\nsecrets:\n  a: {file: b}\n",
            "name: it\nservices: {}\n",
            "name: CI\non: push\njobs:\n  a:\n    steps:\n      - run: make\n",
            "runs:\n  using: composite\n  steps: []\nname: it\ndescription: it\n",
            "openapi: 3.1.0\nservers: []\n",
            "apiVersion: v1\nkind: Pod\n",
            "name: chart\ndescription: it\nversion: 1\n",
            "name: it\ndescription: it\n",
            "tags: [a]\n",
            "vars: {a: b}\n",
            "step: 30s\nrange: 1h\n",
        ] {
            assert_eq!(Likeness::of(text), Likeness::Foreign, "{text}");
        }
        assert_eq!(Likeness::of("- hosts: all\n  tasks: []\n"), Likeness::List);
        assert_eq!(Likeness::of("# nothing\n---\n"), Likeness::Empty);
        assert_eq!(Likeness::of(""), Likeness::Empty);
    }
}
