//! The values a scenario is played with: its variables and secrets.
//!
//! Responsible for giving each variable its value (what was given from outside, else the file's default, with the
//! type of that default) and for holding secrets so that none is ever printed by accident. Where values come from
//! (options, files, environment, prompt) is the command line's business.

use super::source::Diagnostic;
use super::template::{Scope, TemplateError, Templates, weight_of};
use super::{Data, Flow, Named, Scenario, Var, similar};
use minijinja::value::{Object, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// A value that must not be shown. Neither `Debug` nor an error prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Values given from outside, by name.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// Variables, as text.
    pub vars: BTreeMap<String, String>,
    /// Secrets.
    pub secrets: BTreeMap<String, Secret>,
    /// Whether the scenario is not trusted: it gets a secret only by name and host.
    pub untrusted: bool,
    /// Secrets that were given, and that a scenario which is not trusted does not get: no host was named for them.
    pub withheld: Vec<String>,
}

/// What is said of a variable without a value, and what helps.
pub(crate) const WITHOUT_VALUE: (&str, &str) =
    ("this value is empty", "for an empty text write `\"\"`; a secret belongs under `secrets:`");

/// The variables and secrets of one run, all with values.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    pub(crate) values: Arc<BTreeMap<String, Value>>,
    pub(crate) secrets: Arc<BTreeMap<String, Secret>>,
    /// Secrets of other scenarios of the same run: no value of this one, and shown as little.
    pub(crate) besides: BTreeMap<String, Secret>,
    /// Credentials that the file spells out: no secrets, and shown as little.
    pub(crate) typed: Vec<String>,
    /// Variables whose value depends on a secret.
    pub(crate) tainted: BTreeSet<String>,
    /// What else of the scenario depends on one.
    pub(crate) flow: Arc<Flow>,
}

/// What is missing or does not fit.
#[derive(Debug, Clone)]
pub struct VariablesError {
    /// Each fault with its place.
    pub diagnostics: Vec<Diagnostic>,
    /// The secrets without a value.
    pub missing_secrets: Vec<String>,
}

impl Secret {
    /// Keeps `value` from being shown.
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(value.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("<secret>")
    }
}

impl Variables {
    /// Gives every variable and secret of `scenario` its value.
    ///
    /// # Errors
    /// Secrets without a value, values that do not fit the type of the default, faulty templates.
    pub fn resolve(scenario: &Scenario, inputs: &Inputs) -> Result<Variables, VariablesError> {
        Variables::for_case(scenario, inputs, None)
    }

    /// A variable as text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.values.get(name).map(ToString::to_string)
    }

    /// The same for one of the scenario's [cases](Scenario::case_count), counted from 0: its values come first of all.
    ///
    /// # Errors
    /// As [`Variables::resolve`].
    pub fn for_case(scenario: &Scenario, inputs: &Inputs, case: Option<usize>) -> Result<Variables, VariablesError> {
        let case = case.and_then(|index| scenario.cases.get(index));
        let mut variables =
            Variables { flow: Arc::new(Flow::of(scenario)), typed: scenario.typed.clone(), ..Variables::default() };
        let mut fault = VariablesError { diagnostics: Vec::new(), missing_secrets: Vec::new() };
        for secret in &scenario.secrets {
            match inputs.secrets.get(&secret.name) {
                Some(value) if !value.expose().is_empty() => {
                    Arc::make_mut(&mut variables.secrets).insert(secret.name.clone(), value.clone());
                }
                given => fault.missing_secret(secret, given.is_some(), inputs),
            }
        }
        variables.besides = variables.undeclared_of(inputs);
        let templates = Templates::for_check(super::Chance::fresh());
        for var in &scenario.vars {
            let own = case.and_then(|case| case.values.iter().find(|(name, _)| name.name == var.name.name));
            let outcome = match own {
                // As from outside: every value in a table is a text.
                Some((_, Data::Text(text))) if text.is_literal() && !matches!(var.default, Data::Text(_)) => {
                    given_value(var, &text.source).map(|value| (value, false))
                }
                Some((_, data)) => render_data(data, &templates, &variables).map_err(TemplateError::into_diagnostic),
                None => variables.value_of(var, inputs, &templates),
            };
            match outcome {
                Ok((value, secret)) => {
                    if secret {
                        variables.tainted.insert(var.name.name.clone());
                    }
                    Arc::make_mut(&mut variables.values).insert(var.name.name.clone(), value);
                }
                Err(_) if !fault.missing_secrets.is_empty() => {}
                Err(diagnostic) => fault.diagnostics.push(diagnostic),
            }
        }
        let fine = fault.diagnostics.is_empty();
        if fine { Ok(variables) } else { Err(fault) }
    }

    /// The secrets that were given and are not its own.
    fn undeclared_of(&self, inputs: &Inputs) -> BTreeMap<String, Secret> {
        let is_own = |name: &String, value: &Secret| {
            self.secrets.contains_key(name) || self.secrets.values().any(|own| own == value)
        };
        let others = inputs.secrets.iter().filter(|(name, value)| !value.expose().is_empty() && !is_own(name, value));
        others.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    fn value_of(&self, var: &Var, inputs: &Inputs, templates: &Templates) -> Result<(Value, bool), Diagnostic> {
        if let Some(given) = inputs.vars.get(&var.name.name) {
            return given_value(var, given).map(|value| (value, false));
        }
        render_data(&var.default, templates, self).map_err(TemplateError::into_diagnostic)
    }
}

impl VariablesError {
    fn missing_secret(&mut self, secret: &Named, empty: bool, inputs: &Inputs) {
        let name = &secret.name;
        let is_withheld = inputs.withheld.contains(name);
        let what = if is_withheld {
            "was given, and is withheld: this scenario is somebody else's"
        } else if empty {
            "is empty"
        } else {
            "has no value"
        };
        let help = if is_withheld {
            format!("name the host that may have it: `--allow-secret {name}@HOST`")
        } else if inputs.untrusted {
            format!(
                "an untrusted scenario gets it if you name its host: `--allow-secret {name}@HOST`, or `--secret {name}=…` \
                 with `--to HOST:PORT`"
            )
        } else {
            format!(
                "give it with `--secret {name}=…`, `--secrets-file FILE` or the environment variable SMTP_SCRIPT_SECRET_{}",
                name.to_uppercase()
            )
        };
        self.diagnostics.push(Diagnostic::error(secret.span, format!("the secret `{name}` {what}")).help(help));
        self.missing_secrets.push(secret.name.clone());
    }
}

impl TemplateError {
    /// As a diagnostic at its place.
    pub(crate) fn into_diagnostic(self) -> Diagnostic {
        let diagnostic = Diagnostic::error(self.span, self.message);
        match self.help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }
}

/// A value from outside takes the type of the file's default.
fn given_value(var: &Var, given: &str) -> Result<Value, Diagnostic> {
    let wanted = |what: &str| {
        let message = format!("the variable `{}` takes {what}, like its default: got `{given}`", var.name.name);
        Diagnostic::error(var.name.span, message)
    };
    match &var.default {
        Data::Text(_) | Data::Missing(_) => Ok(Value::from(given)),
        Data::Int(_) => given.parse::<i64>().map(Value::from).map_err(|_| wanted("a whole number")),
        Data::Float(_) => given.parse::<f64>().map(Value::from).map_err(|_| wanted("a number")),
        Data::Bool(_) => given.parse::<bool>().map(Value::from).map_err(|_| wanted("true or false")),
        Data::List(_) | Data::Map(_) => Err(wanted("a list or mapping, which can only stand in the file")),
    }
}

/// The value of data with its templates rendered, and whether it depends on a secret.
pub(crate) fn render_data(
    data: &Data,
    templates: &Templates,
    scope: &dyn Scope,
) -> Result<(Value, bool), TemplateError> {
    match data {
        Data::Bool(value) => Ok((Value::from(*value), false)),
        Data::Int(value) => Ok((Value::from(*value), false)),
        Data::Float(value) => Ok((Value::from(*value), false)),
        Data::Text(text) => templates.value_of(text, scope),
        Data::List(items) => {
            let rendered: Vec<(Value, bool)> =
                items.iter().map(|item| render_data(item, templates, scope)).collect::<Result<_, _>>()?;
            let secret = rendered.iter().any(|(_, secret)| *secret);
            Ok((Value::from(rendered.into_iter().map(|(value, _)| value).collect::<Vec<_>>()), secret))
        }
        Data::Map(entries) => {
            let mut secret = false;
            let mut map = BTreeMap::new();
            for (key, entry) in entries {
                let (value, depends) = render_data(entry, templates, scope)?;
                secret |= depends;
                map.insert(key.clone(), value);
            }
            Ok((Value::from(map), secret))
        }
        Data::Missing(span) => {
            let (message, help) = (WITHOUT_VALUE.0.to_owned(), Some(WITHOUT_VALUE.1.to_owned()));
            Err(TemplateError { message, span: *span, help })
        }
    }
}

impl Scope for Variables {
    fn context(&self) -> Value {
        Value::from_object(Context { values: self.values.clone(), secrets: self.secrets.clone() })
    }

    fn is_secret(&self, name: &str) -> bool {
        self.secrets.contains_key(name) || self.tainted.contains(name) || self.flow.taints(name)
    }

    fn held(&self) -> usize {
        self.values.values().map(|value| weight_of(value).unwrap_or(0)).sum()
    }
}

/// Variables and secrets as minijinja sees them.
#[derive(Debug)]
struct Context {
    values: Arc<BTreeMap<String, Value>>,
    secrets: Arc<BTreeMap<String, Secret>>,
}

impl Object for Context {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        self.values.get(name).cloned().or_else(|| self.secrets.get(name).map(|secret| Value::from(secret.expose())))
    }
}

/// Refuses names given from outside that no scenario declares.
///
/// # Errors
/// One line for each name, with a suggestion where one is near.
pub fn undeclared(scenarios: &[&Scenario], inputs: &Inputs) -> Vec<String> {
    let vars: Vec<&str> =
        scenarios.iter().flat_map(|scenario| scenario.vars.iter().map(|var| var.name.name.as_str())).collect();
    let secrets: Vec<&str> =
        scenarios.iter().flat_map(|scenario| scenario.secrets.iter().map(|secret| secret.name.as_str())).collect();
    let complaint = |kind: &str, name: &str, known: &[&str]| {
        let (other, others) = if kind == "secret" { ("variable", &vars) } else { ("secret", &secrets) };
        if others.contains(&name) {
            let option = if kind == "secret" { "--var NAME=VALUE" } else { "a secrets file or `--secret NAME=VALUE`" };
            return format!("`{name}` is a {other} here, and no {kind}: give it by {option}");
        }
        let near = similar(name, known.iter().copied()).map(|near| format!(": did you mean `{near}`?"));
        format!("no scenario has a {kind} `{name}`{}", near.unwrap_or_default())
    };
    let unknown_vars = inputs.vars.keys().filter(|name| !vars.contains(&name.as_str()));
    let unknown_secrets = inputs.secrets.keys().filter(|name| !secrets.contains(&name.as_str()));
    unknown_vars
        .map(|name| complaint("variable", name, &vars))
        .chain(unknown_secrets.map(|name| complaint("secret", name, &secrets)))
        .collect()
}
