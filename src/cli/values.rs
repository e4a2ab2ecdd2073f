//! Where the values of variables and secrets come from: options, files, the environment, the person at the terminal.

use super::screen;
use crate::scenario::{Inputs, Scenario, Secret, reason};
use std::path::{Path, PathBuf};

/// The environment variables of a variable and of a secret begin with these.
const VAR_PREFIX: &str = "SMTP_SCRIPT_VAR_";
const SECRET_PREFIX: &str = "SMTP_SCRIPT_SECRET_";

/// Options that give variables and secrets their values.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct ValueArguments {
    /// Give a variable a value (instead of the file's default)
    #[arg(long = "var", value_name = "NAME=VALUE", value_parser = pair)]
    vars: Vec<(String, String)>,
    /// Read variables from a file of NAME=VALUE lines
    #[arg(long, value_name = "FILE")]
    vars_file: Option<PathBuf>,
    /// Give a secret its value (visible in the process list: prefer a file or the environment)
    // Taken as it is: the errors of a value parser repeat what was given.
    #[arg(long = "secret", value_name = "NAME=VALUE", value_parser = unread_secret)]
    secrets: Vec<Secret>,
    /// Read secrets from a file of NAME=VALUE lines
    #[arg(long, value_name = "FILE")]
    secrets_file: Option<PathBuf>,
    /// Make up the secrets that no value is given for
    #[arg(long)]
    pub(super) made_up_secrets: bool,
}

impl ValueArguments {
    /// The values given by options, files and the environment, in this order, for what the scenarios declare.
    pub(super) fn inputs(&self, scenarios: &[&Scenario]) -> Result<Inputs, String> {
        let mut inputs = Inputs::default();
        for scenario in scenarios {
            for var in &scenario.vars {
                inputs.vars.extend(from_environment(VAR_PREFIX, &var.name.name));
            }
            for secret in &scenario.secrets {
                let given = from_environment(SECRET_PREFIX, &secret.name);
                inputs.secrets.extend(given.map(|(name, value)| (name, Secret::new(value))));
            }
        }
        if let Some(file) = &self.vars_file {
            inputs.vars.extend(lines_of(file)?);
        }
        if let Some(file) = &self.secrets_file {
            inputs.secrets.extend(lines_of(file)?.into_iter().map(|(name, value)| (name, Secret::new(value))));
        }
        inputs.vars.extend(self.vars.iter().cloned());
        inputs.secrets.extend(self.secrets()?);
        Ok(inputs)
    }

    /// The files that values are read from.
    pub(super) fn files_read(&self) -> Vec<PathBuf> {
        [&self.vars_file, &self.secrets_file].into_iter().flatten().cloned().collect()
    }

    /// The names and values of `--secret`.
    fn secrets(&self) -> Result<Vec<(String, Secret)>, String> {
        let named = |given: &Secret| {
            let (name, value) = pair(given.expose()).map_err(|message| format!("`--secret`: {message}"))?;
            Ok((name, Secret::new(value)))
        };
        self.secrets.iter().map(named).collect()
    }

    /// The options' names that no scenario declares; a file may hold more than one scenario needs.
    pub(super) fn given(&self) -> Inputs {
        let secrets = self.secrets().unwrap_or_default();
        Inputs { vars: self.vars.iter().cloned().collect(), secrets: secrets.into_iter().collect() }
    }
}

/// Gives the secrets without a value one: made up, or asked from the person at the terminal.
pub(super) fn complete(inputs: &mut Inputs, scenarios: &[&Scenario], make_up: bool) -> Result<(), String> {
    // In the order of the files: a user name is asked for before its password.
    let mut missing: Vec<(&str, &Scenario)> = Vec::new();
    for (secret, scenario) in scenarios.iter().flat_map(|it| it.secrets.iter().map(move |secret| (secret, *it))) {
        let name = secret.name.as_str();
        if !inputs.secrets.contains_key(name) && missing.iter().all(|(known, _)| *known != name) {
            missing.push((name, scenario));
        }
    }
    for (name, scenario) in missing {
        if make_up {
            inputs.secrets.insert(name.to_owned(), Secret::new(format!("made-up-{name}")));
        } else if screen::is_interactive() {
            let prompt = format!("{name} (secret of {}): ", crate::visible(scenario.sources.name().as_bytes()));
            let value = rpassword::prompt_password(prompt)
                .map_err(|error| format!("cannot ask for the secret `{name}`: {}", reason(&error)))?;
            inputs.secrets.insert(name.to_owned(), Secret::new(value));
        }
    }
    Ok(())
}

/// The first row and the further rows of a CSV file (RFC 4180).
pub(super) fn rows_of(file: &Path) -> Result<(Vec<String>, Vec<Vec<String>>), String> {
    let fault = |message: String| format!("{}: {message}", file.display());
    let text = std::fs::read_to_string(file).map_err(|error| fault(reason(&error)))?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(text.as_bytes());
    let names = reader.headers().map_err(|error| fault(error.to_string()))?.iter().map(str::to_owned).collect();
    let mut rows = Vec::new();
    for row in reader.records() {
        rows.push(row.map_err(|error| fault(error.to_string()))?.iter().map(str::to_owned).collect());
    }
    if rows.is_empty() {
        return Err(fault("there is no row behind the first, which names the variables".to_owned()));
    }
    Ok((names, rows))
}

/// A secret's value in the environment.
pub(super) fn secret_given(name: &str) -> Option<String> {
    from_environment(SECRET_PREFIX, name).map(|(_, value)| value)
}

/// A secret of the environment, or of the person at the terminal, who does not see it.
pub(super) fn secret_asked(name: &str) -> Result<String, String> {
    if let Some(value) = secret_given(name) {
        return Ok(value);
    }
    if !screen::is_terminal() {
        return Err(format!("no terminal to ask for the {name} at: set {SECRET_PREFIX}{}", name.to_uppercase()));
    }
    rpassword::prompt_password(format!("{name}: ")).map_err(|error| format!("no {name} was given: {}", reason(&error)))
}

/// A value that the person at the terminal types.
pub(super) fn value_asked(name: &str) -> Result<String, String> {
    if !screen::is_terminal() {
        return Err(format!("no terminal to ask for the {name} at: name it"));
    }
    screen::result(&format!("{name}: "));
    let mut line = String::new();
    let count = std::io::stdin().read_line(&mut line).map_err(|error| reason(&error))?;
    if count == 0 { Err(format!("no {name} was given")) } else { Ok(line.trim_end_matches(['\r', '\n']).to_owned()) }
}

fn from_environment(prefix: &str, name: &str) -> Option<(String, String)> {
    let upper = std::env::var(format!("{prefix}{}", name.to_uppercase()));
    upper.or_else(|_| std::env::var(format!("{prefix}{name}"))).ok().map(|value| (name.to_owned(), value))
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        // The text is not repeated: it may be a secret.
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "clap wants a parser that could fail")]
pub(super) fn unread_secret(text: &str) -> Result<Secret, String> {
    Ok(Secret::new(text))
}

/// The lines of a dotenv file: `NAME=VALUE`, `export` allowed, `#` comments, values in single or double quotes.
pub(super) fn lines_of(file: &Path) -> Result<Vec<(String, String)>, String> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("cannot read `{}`: {}", file.display(), reason(&error)))?;
    let mut pairs = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let fault = || format!("{}:{}: expected NAME=VALUE", file.display(), index + 1);
        let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=').ok_or_else(fault)?;
        if name.trim().is_empty() {
            return Err(fault());
        }
        pairs.push((name.trim().to_owned(), unquoted(value.trim())));
    }
    Ok(pairs)
}

fn unquoted(value: &str) -> String {
    if let Some(inner) = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return inner.to_owned();
    }
    if let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return inner.replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\");
    }
    value.split(" #").next().unwrap_or(value).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotenv_files() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = "# a comment\nexport password = p=w\n\nquoted='a #b'\nescaped=\"a\\\"b\"\ncut=x # note\n";
        std::fs::write(file.path(), text).unwrap();
        let pairs = lines_of(file.path()).unwrap();
        let expected = [("password", "p=w"), ("quoted", "a #b"), ("escaped", "a\"b"), ("cut", "x")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        std::fs::write(file.path(), "secret\n").unwrap();
        assert!(!lines_of(file.path()).unwrap_err().contains("secret"));
    }
}
