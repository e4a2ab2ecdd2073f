//! Evaluates expressions before the run, with values such as a run may give them.
//!
//! Responsible for what fails whatever the values are: arguments that are missing or too many, and sums of texts and numbers.
//! An expression that works with any of the values is left alone.

use super::{Expression, Mode, Scope, TemplateError, Templates, Text};
use crate::scenario::{Chance, Data, Scenario};
use minijinja::value::Value;
use std::collections::BTreeMap;

/// Texts that a server, or whoever gives a value, may choose.
const TEXTS: [&str; 2] = ["7", "a 7 b"];

/// Filters that take nothing but the value before them: there is nothing to try out.
const PLAIN_FILTERS: [&str; 10] =
    ["b64encode", "b64decode", "hex", "md5", "sha256", "xtext", "length", "trim", "upper", "lower"];

/// Tries out the expressions of a scenario.
pub(crate) struct Trial {
    templates: Templates,
    /// The values of the file's own names that do not change, and `None` for those of unknown type.
    known: BTreeMap<String, Option<Value>>,
    /// A value for each of the file's own names that is a text or comes from outside.
    samples: BTreeMap<String, String>,
}

/// No name and no password, and no base64 either.
const SAMPLE: &str = "a value";

/// What minijinja, and the ordering of values here, say of a text beside a number.
fn mixes_types(message: &str) -> bool {
    message.contains("unsupported types") && !message.contains("undefined") || message.contains("cannot order")
}

struct TrialScope(Value);

impl Scope for TrialScope {
    fn context(&self) -> Value {
        self.0.clone()
    }

    fn is_secret(&self, _: &str) -> bool {
        false
    }
}

impl Trial {
    /// With the values that the file gives its names; those that steps give have any type.
    pub(crate) fn of(scenario: &Scenario, of_steps: impl Iterator<Item = String>) -> Trial {
        let value = |data: &Data| match data {
            Data::Bool(value) => Some(Value::from(*value)),
            Data::Int(value) => Some(Value::from(*value)),
            Data::Float(value) => Some(Value::from(*value)),
            _ => None,
        };
        let is_text = |data: &Data| matches!(data, Data::Text(text) if text.is_literal());
        let vars = scenario.vars.iter().filter(|var| !is_text(&var.default));
        let mut known: BTreeMap<String, Option<Value>> =
            vars.map(|var| (var.name.name.clone(), value(&var.default))).collect();
        known.extend(of_steps.map(|name| (name, None)));
        // What is called so may hold base64 already.
        let encoded = |name: &str| ["64", "encoded", "response", "message"].iter().any(|word| name.contains(word));
        let secrets = scenario.secrets.iter().map(|secret| (secret.name.clone(), SAMPLE.to_owned()));
        let texts = scenario.vars.iter().filter_map(|var| match &var.default {
            Data::Text(text) if text.is_literal() => Some((var.name.name.clone(), text.source.clone())),
            _ => None,
        });
        let samples = secrets.chain(texts).filter(|(name, _)| !encoded(&name.to_ascii_lowercase())).collect();
        Trial { templates: Templates::for_check(Chance::seeded(0)), known, samples }
    }

    /// What a text becomes with the values of the file and of its own names; nothing where others are in it.
    pub(crate) fn sample(&self, text: &Text) -> Option<String> {
        if text.is_literal() {
            return Some(text.source.clone());
        }
        let of_name = |name: String| self.samples.get(&name).map(|value| (name, Value::from(value.as_str())));
        let values: BTreeMap<String, Value> = text.names().into_iter().map(of_name).collect::<Option<_>>()?;
        let rendered = self.templates.render(text, Mode::Line, &TrialScope(Value::from(values))).ok()?;
        String::from_utf8(rendered.bytes).ok()
    }

    /// Why an expression fails with every value.
    pub(crate) fn fault(&self, expression: &Expression) -> Option<TemplateError> {
        let is_plain = |part: &str| PLAIN_FILTERS.contains(&part.trim());
        let mut parts = expression.source.split('|');
        let first = parts.next().unwrap_or_default();
        if !first.contains(['(', '+', '-', '*', '/', '<', '>']) && parts.all(is_plain) {
            return None;
        }
        let mut names = expression.names().ok()?;
        let called = std::mem::take(&mut names.functions);
        names.variables.retain(|(name, _)| called.iter().all(|(function, _)| function != name));
        let names = names.variables;
        let faults = TEXTS.iter().map(|text| {
            let values = names.iter().filter_map(|(name, _)| Some((name.clone(), self.value(name, text)?)));
            let scope = TrialScope(Value::from(values.collect::<BTreeMap<_, _>>()));
            self.templates.evaluate(expression, &scope).err()
        });
        let faults: Vec<TemplateError> = faults.collect::<Option<_>>()?;
        let (first, others) = faults.split_first()?;
        let certain = names.iter().all(|(name, _)| self.value(name, "").is_some());
        let of_arguments = ["missing argument", "too many arguments"].iter().any(|words| first.message.contains(words));
        let of_types = certain && mixes_types(&first.message);
        let same = others.iter().all(|other| other.message == first.message || of_types && mixes_types(&other.message));
        let (message, help) = if of_types {
            let help = "captures and values from outside are texts: `| int` makes a number of one";
            ("a text and a number are neither added nor put in order".to_owned(), Some(help.to_owned()))
        } else {
            (first.message.clone(), first.help.clone())
        };
        (same && (of_arguments || of_types)).then_some(TemplateError { message, help, span: first.span })
    }

    /// A value of this name; nothing where its type is not known.
    fn value(&self, name: &str, text: &str) -> Option<Value> {
        match name {
            "reply" => {
                let fields = [
                    ("code", Value::from(250)),
                    ("enhanced", Value::from("2.0.0")),
                    ("text", Value::from(text)),
                    ("lines", Value::from(vec![format!("250 {text}")])),
                    ("bytes", Value::from(format!("250 {text}\r\n"))),
                    ("kind", Value::from("reply")),
                    ("elapsed", Value::from(0.5)),
                ];
                Some(Value::from(BTreeMap::from(fields)))
            }
            "iteration" => Some(Value::from(1)),
            "extensions" | "tls" | "message" | "observed" | "server" | "diverged" => None,
            other => self.known.get(other).cloned().unwrap_or_else(|| Some(Value::from(text))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_in_any_case_is_found() {
        let trial = Trial {
            templates: Templates::for_check(Chance::seeded(0)),
            known: BTreeMap::new(),
            samples: BTreeMap::new(),
        };
        let fault = |source: &str| {
            let expression =
                Expression::new(source, crate::scenario::Span::default(), crate::scenario::yaml::Layout::unknown());
            trial.fault(&expression).map(|fault| fault.message)
        };
        for (source, words) in [
            ("auth_plain(password)", "missing argument"),
            ("password | replace('a')", "missing argument"),
            ("password | trim(1, 2, 3)", "too many arguments"),
            ("size > 100", "put in order"),
            ("reply.text + 1 == 2", "neither added"),
            ("size - 1", "neither added"),
        ] {
            assert!(fault(source).is_some_and(|message| message.contains(words)), "{source}: {:?}", fault(source));
        }
        for fine in [
            "size | int > 100",
            "reply.code >= 250 and reply.elapsed < 1",
            "reply.text.split(' ')[1] | int",
            "(reply.lines | length) > 3",
            "auth_plain(user, password)",
            "extensions.SIZE > 1000",
            "random(8)",
            "'x' ~ size",
            "iteration % 2 == 0",
        ] {
            assert_eq!(fault(fine), None, "{fine}");
        }
    }
}
