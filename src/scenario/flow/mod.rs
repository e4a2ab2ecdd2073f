//! What of a scenario depends on a secret: not only values, but what a value decides.
//!
//! A name depends on a secret where anything in the file gives it a value that does, or gives it one under a condition that
//! does. The order of the steps does not count: what is said holds for every run. Called by `check`, which refuses what no
//! secret may decide; by `run`, for which every step under such a condition counts as one that sends a secret; and by
//! `check --explain`.

mod turns;
mod uses;

use super::source::{Diagnostic, Span};
use super::{Scenario, Speech, Step};
use std::collections::{BTreeMap, BTreeSet};
use turns::Turns;
use uses::{EVERYTHING, Uses};
pub(crate) use uses::{Role, Use};

/// How many times longer than a secret a value may be that an untrusted scenario makes of it.
const MAX_GROWTH: usize = 64;

/// Which secrets a name depends on, and where it gets that from.
#[derive(Debug, Clone, Default)]
struct Taint {
    secrets: BTreeSet<String>,
    /// Where the secret is declared, or where the name is given a value that depends on one.
    span: Span,
    /// How many times longer than a secret its value may be.
    growth: usize,
}

/// What depends on a secret in a scenario.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flow {
    names: BTreeMap<String, Taint>,
    uses: Vec<Use>,
    /// The steps and rules that stand under something, or come after something, that depends on a secret: with those secrets.
    guarded: BTreeMap<(u32, u32), BTreeSet<String>>,
}

impl Flow {
    /// Follows every secret through the file.
    pub(crate) fn of(scenario: &Scenario) -> Flow {
        let mut flow = Flow::default();
        for secret in &scenario.secrets {
            let secrets = BTreeSet::from([secret.name.clone()]);
            flow.names.insert(secret.name.clone(), Taint { secrets, span: secret.span, growth: 1 });
        }
        if flow.names.is_empty() {
            return flow;
        }
        let uses = Uses::of(scenario);
        flow.uses = uses.list;
        flow.spread();
        flow.guarded = flow.guarded_by(&uses.turns);
        flow
    }

    /// The steps and rules about which secrets decide.
    fn guarded_by(&self, turns: &Turns) -> BTreeMap<(u32, u32), BTreeSet<String>> {
        let secrets: Vec<BTreeSet<String>> = self.uses.iter().map(|one| self.secrets_of(one)).collect();
        let mut guarded: BTreeMap<(u32, u32), BTreeSet<String>> = BTreeMap::new();
        for secret in secrets.iter().flatten().collect::<BTreeSet<_>>() {
            for (turn, is_after) in turns.after(|by| secrets[by].contains(secret)) {
                if is_after || turn.under.iter().any(|by| secrets[*by].contains(secret)) {
                    guarded.entry((turn.span.file, turn.span.start)).or_default().insert(secret.clone());
                }
            }
        }
        guarded
    }

    /// Passes what the secrets taint on, from name to name.
    fn spread(&mut self) {
        let mut readers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, one) in self.uses.iter().enumerate() {
            if !matches!(one.role, Role::Given(_)) {
                continue;
            }
            let deciding = one.under.iter().flat_map(|index| &self.uses[*index].reads);
            for (name, _) in one.reads.iter().chain(deciding) {
                readers.entry(name).or_default().push(index);
            }
        }
        let mut open: Vec<String> = self.names.keys().cloned().collect();
        let mut names = std::mem::take(&mut self.names);
        while let Some(name) = open.pop() {
            for index in readers.get(name.as_str()).into_iter().flatten() {
                let one = &self.uses[*index];
                let Role::Given(given) = &one.role else { continue };
                let from = names.get(&name).cloned().unwrap_or_default();
                let growth = from.growth.saturating_mul(one.form.growth.max(1));
                let taint = names.entry(given.clone()).or_insert_with(|| Taint { span: one.span, ..Taint::default() });
                let before = (taint.secrets.len(), taint.growth);
                taint.secrets.extend(from.secrets);
                // A value that is made of itself grows without end: beyond the limit it does not matter how far.
                taint.growth = taint.growth.max(growth).min(MAX_GROWTH + 1);
                if before != (taint.secrets.len(), taint.growth) {
                    open.push(given.clone());
                }
            }
        }
        self.names = names;
    }

    /// The names that something reads, directly or by the value of another one that is read.
    pub(crate) fn names_read(scenario: &Scenario) -> BTreeSet<String> {
        let uses = Uses::of(scenario).list;
        let mut read = BTreeSet::new();
        loop {
            let before = read.len();
            for one in &uses {
                let counts = if let Role::Given(name) = &one.role { read.contains(name) } else { true };
                read.extend(one.reads.iter().filter(|_| counts).map(|(name, _)| name.clone()));
            }
            if read.len() == before {
                return read;
            }
        }
    }

    /// The secrets that the value of a name depends on.
    pub(crate) fn secrets_behind<'n>(&self, names: impl IntoIterator<Item = &'n String>) -> BTreeSet<String> {
        let tainted = names.into_iter().filter_map(|name| self.names.get(name));
        tainted.flat_map(|taint| taint.secrets.iter().cloned()).collect()
    }

    fn secrets_of(&self, one: &Use) -> BTreeSet<String> {
        if one.reads.iter().any(|(name, _)| name == EVERYTHING) {
            return self.secrets_behind(self.names.keys());
        }
        self.secrets_behind(one.reads.iter().map(|(name, _)| name))
    }

    /// Whether a name depends on a secret, whatever it is given in one run.
    pub(crate) fn taints(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// The secrets that a step sends, or that decide whether it is played.
    pub(crate) fn secrets_told_by(&self, step: &Step) -> BTreeSet<String> {
        let mut secrets = self.secrets_behind(&step.sent_names());
        if step.action.speaks() != Speech::Nothing {
            secrets.extend(self.secrets_deciding(step).into_iter().flatten().cloned());
        }
        secrets
    }

    /// The secrets that decide whether, when, or how often a step is played.
    pub(crate) fn secrets_deciding(&self, step: &Step) -> Option<&BTreeSet<String>> {
        self.secrets_deciding_at(step.head.span)
    }

    /// The same for the place of a step or a rule.
    pub(crate) fn secrets_deciding_at(&self, span: Span) -> Option<&BTreeSet<String>> {
        self.guarded.get(&(span.file, span.start))
    }

    /// What `check` says: no secret chooses a host or a file; in an untrusted scenario it decides nothing at all.
    pub(crate) fn faults(&self, untrusted: bool) -> Vec<Diagnostic> {
        let mut faults = Vec::new();
        for one in &self.uses {
            let Some((name, span)) =
                one.reads.iter().find(|(name, _)| name == EVERYTHING || self.names.contains_key(name))
            else {
                continue;
            };
            if let Role::Chooses(what) = &one.role {
                let fault = self.fault(*span, name, &format!("a secret may not choose a {what}"));
                faults.push(
                    fault.help("write it into the file, or give it with `--var`: names of hosts travel in clear"),
                );
            } else if let Some(message) = self.strangers_fault(one).filter(|_| untrusted) {
                let examined = one
                    .reads
                    .iter()
                    .find(|(name, _)| one.form.examined.contains(name) && self.names.contains_key(name));
                let (name, span) = examined.unwrap_or(&(name.clone(), *span)).clone();
                let help = "an untrusted scenario may send a secret, as it is, encoded, or in a message of a login, and do \
                            nothing else with it";
                faults.push(self.fault(span, &name, &message).help(help));
            }
        }
        faults
    }

    /// What an untrusted scenario does with a secret beside sending it.
    fn strangers_fault(&self, one: &Use) -> Option<String> {
        if one.serves {
            return Some("the server of an untrusted scenario is given no secret".to_owned());
        }
        let examines =
            one.reads.iter().any(|(name, _)| one.form.examined.contains(name) && self.names.contains_key(name));
        let largest = one.reads.iter().filter_map(|(name, _)| self.names.get(name)).map(|taint| taint.growth).max();
        let grows = largest.unwrap_or(0).saturating_mul(one.form.growth.max(1)) > MAX_GROWTH;
        match &one.role {
            Role::Decides(what) | Role::Shaped(what) | Role::Shown(what) => {
                Some(format!("this {what} depends on a secret"))
            }
            Role::Given(name) if self.is_under_secret(one) => {
                Some(format!("whether `{name}` gets this value depends on a secret"))
            }
            _ if examines => Some("this does more with a secret than send it".to_owned()),
            _ if grows => Some(format!("this is more than {MAX_GROWTH} times as long as the secret in it")),
            _ => None,
        }
    }

    fn is_under_secret(&self, one: &Use) -> bool {
        one.under.iter().any(|index| !self.secrets_of(&self.uses[*index]).is_empty())
    }

    /// A fault at a place that reads `name`, with the place where that got it from.
    fn fault(&self, span: Span, name: &str, message: &str) -> Diagnostic {
        let fault = Diagnostic::error(span, message);
        match self.names.get(name) {
            Some(taint) if taint.secrets.contains(name) && taint.secrets.len() == 1 => {
                fault.label(format!("`{name}` is a secret")).other(taint.span, "it is declared here")
            }
            Some(taint) => {
                let secrets: Vec<String> = taint.secrets.iter().map(|secret| format!("`{secret}`")).collect();
                let label = format!("`{name}` depends on {}", secrets.join(" and "));
                fault.label(label).other(taint.span, "here it does")
            }
            None => fault,
        }
    }

    /// What in the scenario a secret decides, for people: the place, in words, with the secrets.
    pub(crate) fn decisions(&self) -> Vec<(Span, String, Vec<String>)> {
        let decides = self.uses.iter().filter_map(|one| {
            let what = match &one.role {
                Role::Decides(what) | Role::Shaped(what) | Role::Shown(what) | Role::Chooses(what) => {
                    (*what).to_owned()
                }
                Role::Given(name) if !self.names.get(name).is_some_and(|taint| taint.secrets.contains(name)) => {
                    format!("value of `{name}`")
                }
                Role::Given(_) | Role::Sent => return None,
            };
            let secrets: Vec<String> = self.secrets_of(one).into_iter().collect();
            (!secrets.is_empty()).then_some((one.span, what, secrets))
        });
        decides.collect()
    }
}
