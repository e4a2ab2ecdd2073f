//! The secrets of an audit, and the values that a scenario gets for one target.

use super::played::AuditRequest;
use crate::audit::{Role, Target};
use crate::cli::refusal::Refusal;
use crate::scenario::{Inputs, Scenario, Secret, Variables};
use std::collections::BTreeMap;

/// The values of secrets, by name.
pub(super) struct TargetSecrets(BTreeMap<String, Secret>);

impl TargetSecrets {
    /// Reads what was given; a user name without its password is a mistake.
    pub(super) fn read(request: &AuditRequest<'_>) -> Result<TargetSecrets, Refusal> {
        let scenarios: Vec<&Scenario> = request.checks.iter().map(|check| &*check.scenario).collect();
        let inputs = request.values.inputs(&scenarios)?;
        for target in request.targets {
            let has_user = target.values.get("username").is_some_and(|user| !user.is_empty());
            if has_user && !inputs.secrets.contains_key(&target.secret) {
                let name = &target.secret;
                return Err(format!(
                    "`{}` has a user name, and the secret `{name}` has no value\n  = help: give it with `--secret {name}=…`, \
                     `--secrets-file FILE` or the environment variable SMTP_SCRIPT_SECRET_{}",
                    target.name,
                    name.to_uppercase()
                )
                .into());
            }
        }
        Ok(TargetSecrets(inputs.secrets))
    }

    /// The values for a scenario: without a login nothing is sent of a password, whatever it is.
    fn for_target(&self, scenario: &Scenario, target: &Target) -> BTreeMap<String, Secret> {
        let value = |name: &str| {
            let name = if name == "password" { target.secret.as_str() } else { name };
            self.0.get(name).cloned().unwrap_or_else(|| Secret::new("no password was given"))
        };
        let mut secrets: BTreeMap<String, Secret> =
            scenario.secrets.iter().map(|secret| (secret.name.clone(), value(&secret.name))).collect();
        // A server may repeat it where a check has no use for it.
        if let Some(password) = self.0.get(&target.secret) {
            secrets.entry("password".to_owned()).or_insert_with(|| password.clone());
        }
        secrets
    }
}

/// The variables of a scenario for a target; the name of the first that must be given and is not.
pub(super) fn variables(
    scenario: &Scenario,
    target: &Target,
    role: Role,
    secrets: &TargetSecrets,
    given: &Inputs,
) -> Result<Variables, String> {
    let known = target.variables(role);
    let mut vars = BTreeMap::new();
    for var in &scenario.vars {
        let name = &var.name.name;
        match known.get(name).or_else(|| given.vars.get(name)) {
            Some(value) => _ = vars.insert(name.clone(), value.clone()),
            None if var.must_be_given() => return Err(format!("give --{name}")),
            None => {}
        }
    }
    let inputs = Inputs { vars, secrets: secrets.for_target(scenario, target), ..Inputs::default() };
    Variables::resolve(scenario, &inputs)
        .map_err(|error| error.diagnostics.first().map(|first| first.message.clone()).unwrap_or_default())
}
