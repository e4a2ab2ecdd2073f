//! Where the values of variables and secrets come from: options, files, the environment, the person at the terminal.

use super::refusal::{MOST_OF_A_LIST, Refusal, text_of};
use super::screen;
use super::secret_files::{self, SecretFiles};
use crate::run::BoundSecrets;
use crate::scenario::{Inputs, Scenario, Secret, Table, reason, table};
use std::path::{Path, PathBuf};

/// The environment variables of a variable and of a secret begin with these.
pub(super) const VAR_PREFIX: &str = "SMTP_SCRIPT_VAR_";
pub(super) const SECRET_PREFIX: &str = "SMTP_SCRIPT_SECRET_";

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
    /// Read secrets from a folder with one file for each (Kubernetes, Docker, systemd)
    #[arg(long, value_name = "DIR")]
    secrets_dir: Option<PathBuf>,
    /// Give an untrusted scenario this secret, for this host and no other (repeatable)
    #[arg(long = "allow-secret", value_name = "NAME@HOST", value_parser = secret_of_host)]
    allow_secrets: Vec<(String, String)>,
    /// Make up a value for each secret that has none
    #[arg(long)]
    pub(super) made_up_secrets: bool,
}

/// Where an untrusted scenario goes, by the command line.
#[derive(Debug, Clone, Copy)]
pub(super) enum Direction<'a> {
    /// Where the scenario says.
    Own,
    /// To this host: `--to`.
    To(&'a str),
    /// To the sandbox.
    Sandbox,
}

/// Everything that is given from outside, read once.
#[derive(Debug, Default)]
pub(super) struct Given {
    arguments: ValueArguments,
    vars_file: Vec<(String, String)>,
    /// What files hold, those of a folder first.
    secrets: SecretFiles,
}

impl ValueArguments {
    /// Reads the files that are named.
    pub(super) fn read(&self) -> Result<Given, Refusal> {
        let vars_file = self.vars_file.as_deref().map(lines_of).transpose()?.unwrap_or_default();
        let secrets = SecretFiles::read(self.secrets_dir.as_deref(), self.secrets_file.as_deref())?;
        Ok(Given { arguments: self.clone(), vars_file, secrets })
    }

    /// The values for scenarios that are trusted.
    pub(super) fn inputs(&self, scenarios: &[&Scenario]) -> Result<Inputs, Refusal> {
        self.read()?.trusted(scenarios)
    }

    /// The value of a secret, whether or not a scenario declares it.
    pub(super) fn secret(&self, name: &str) -> Result<Option<Secret>, Refusal> {
        if let Some(given) = self.inputs(&[])?.secrets.remove(name) {
            return Ok(Some(given));
        }
        Ok(secret_files::from_environment(name, &[name])?.map(Secret::new))
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
        let named = self.allow_secrets.iter().map(|(name, _)| (name.clone(), Secret::new("")));
        let secrets = named.chain(self.secrets().unwrap_or_default());
        Inputs { vars: self.vars.iter().cloned().collect(), secrets: secrets.collect(), ..Inputs::default() }
    }
}

impl Given {
    /// The values given by the environment, files and options, each above those before it, for what scenarios declare.
    pub(super) fn trusted(&self, scenarios: &[&Scenario]) -> Result<Inputs, Refusal> {
        let mut inputs = Inputs::default();
        let names: Vec<&str> = scenarios.iter().flat_map(|it| &it.secrets).map(|secret| secret.name.as_str()).collect();
        for var in scenarios.iter().flat_map(|scenario| &scenario.vars) {
            inputs.vars.extend(from_environment(VAR_PREFIX, &var.name.name));
        }
        for name in &names {
            let given = secret_files::from_environment(name, &names)?;
            inputs.secrets.extend(given.map(|value| ((*name).to_owned(), Secret::new(value))));
        }
        inputs.vars.extend(self.vars_file.iter().cloned());
        inputs.secrets.extend(self.secrets.values());
        inputs.vars.extend(self.arguments.vars.iter().cloned());
        inputs.secrets.extend(self.arguments.secrets()?);
        self.secrets.say_what_fits_none(&names, |name| inputs.secrets.contains_key(name));
        say_odd_values(&names, &inputs);
        Ok(inputs)
    }

    /// The values for a scenario that is not trusted: what the user named for it, and to which hosts each may go.
    ///
    /// Neither the environment nor a file that others share gives it anything, but for a secret whose host was named.
    pub(super) fn for_stranger(
        &self,
        scenario: &Scenario,
        direction: Direction<'_>,
    ) -> Result<(Inputs, BoundSecrets), Refusal> {
        let mut inputs = Inputs { untrusted: true, ..Inputs::default() };
        let mut bound = BoundSecrets::default();
        inputs.vars.extend(self.arguments.vars.iter().cloned());
        let names: Vec<&str> = scenario.secrets.iter().map(|secret| secret.name.as_str()).collect();
        let allowed = &self.arguments.allow_secrets;
        for name in &names {
            let hosts = allowed.iter().filter(|(secret, _)| secret == name).map(|(_, host)| host);
            hosts.clone().for_each(|host| bound.bind(name, host));
            if hosts.count() > 0 {
                let given = secret_files::from_environment(name, &names)?;
                let given = given.map(Secret::new).into_iter().chain(self.secrets.value(name));
                inputs.secrets.extend(given.map(|value| ((*name).to_owned(), value)));
            }
        }
        for (name, value) in self.arguments.secrets()? {
            match direction {
                Direction::To(host) => bound.bind(&name, host),
                Direction::Sandbox => bound.bind_anywhere(&name),
                Direction::Own if allowed.iter().any(|(secret, _)| *secret == name) => {}
                Direction::Own => {
                    inputs.withheld.push(name);
                    continue;
                }
            }
            inputs.secrets.insert(name, value);
        }
        say_odd_values(&names, &inputs);
        Ok((inputs, bound))
    }
}

/// Says what can hardly be meant: a line end that is a part of the value, and the name of a file in its place.
fn say_odd_values(names: &[&str], inputs: &Inputs) {
    for (name, value) in names.iter().filter_map(|name| Some((name, inputs.secrets.get(*name)?))) {
        if value.expose().ends_with(['\n', '\r']) {
            let help = "printf, unlike echo, writes none";
            screen::notice(&format!("warning: the secret `{name}` ends in a line end, which is a part of it: {help}"));
        }
        if value.expose().starts_with('@') {
            let help = "for the content of a file give --secrets-dir";
            screen::notice(&format!("warning: the secret `{name}` begins with `@`, which is a part of it: {help}"));
        }
    }
}

/// Gives the secrets without a value one: made up, or asked from the person at the terminal, who is told where it goes.
pub(super) fn complete(
    inputs: &mut Inputs,
    scenarios: &[&Scenario],
    make_up: bool,
    places: &dyn Fn(&Scenario, &str) -> Vec<String>,
) -> Result<Vec<String>, Refusal> {
    // In the order of the files: a user name is asked for before its password.
    let mut missing: Vec<(&str, &Scenario)> = Vec::new();
    for (secret, scenario) in scenarios.iter().flat_map(|it| it.secrets.iter().map(move |secret| (secret, *it))) {
        let name = secret.name.as_str();
        if !inputs.secrets.contains_key(name) && missing.iter().all(|(known, _)| *known != name) {
            missing.push((name, scenario));
        }
    }
    let mut completed = Vec::new();
    for (name, scenario) in missing {
        if make_up {
            inputs.secrets.insert(name.to_owned(), Secret::new(format!("made-up-{name}")));
        } else if screen::is_interactive() {
            let places = places(scenario, name);
            let place = if places.is_empty() { String::new() } else { format!("for {}: ", places.join(" and ")) };
            let prompt = format!("{place}{name} (secret of {}): ", scenario.sources.name());
            let value = rpassword::prompt_password(crate::visible(prompt.as_bytes()))
                .map_err(|error| format!("cannot ask for the secret `{name}`: {}", reason(&error)))?;
            inputs.secrets.insert(name.to_owned(), Secret::new(value));
        } else {
            continue;
        }
        completed.push(name.to_owned());
    }
    Ok(completed)
}

fn secret_of_host(text: &str) -> Result<(String, String), String> {
    match text.split_once('@') {
        Some((name, host)) if !name.is_empty() && !host.is_empty() => Ok((name.to_owned(), host.to_owned())),
        _ => Err("expected a secret and a host, such as password@mail.example.com".to_owned()),
    }
}

/// A table of cases from a CSV file.
pub(super) fn table_of(file: &Path) -> Result<Table, String> {
    let fault = |message: String| format!("{}: {message}", file.display());
    let text = text_of(file, MOST_OF_A_LIST).map_err(|error| fault(reason(&error)))?;
    table(&text).map_err(fault)
}

/// A secret's value in the environment.
pub(super) fn secret_given(name: &str) -> Option<String> {
    secret_files::from_environment(name, &[name]).ok().flatten()
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
        _ if text.contains(':') => Err("expected NAME=VALUE, with `=` in place of the colon".to_owned()),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "clap wants a parser that could fail")]
pub(super) fn unread_secret(text: &str) -> Result<Secret, String> {
    Ok(Secret::new(text))
}

/// The lines of a dotenv file: `NAME=VALUE`, `export` allowed, `#` comments, values in single or double quotes.
pub(super) fn lines_of(file: &Path) -> Result<Vec<(String, String)>, String> {
    let text = text_of(file, MOST_OF_A_LIST)
        .map_err(|error| format!("cannot read `{}`: {}", file.display(), reason(&error)))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut pairs = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let fault = || format!("{}:{}: expected NAME=VALUE{}", file.display(), index + 1, as_lines(line));
        let (name, value) = line.split_once('=').ok_or_else(fault)?;
        // `password: a=b` names no secret.
        if name.trim().is_empty() || name.trim().contains([':', '{', '"', ' ']) {
            return Err(fault());
        }
        pairs.push((name.trim().to_owned(), unquoted(value.trim())));
    }
    Ok(pairs)
}

/// What to write in place of a line of YAML, of JSON or of an INI file. Nothing of it is repeated, since it may be a secret.
fn as_lines(line: &str) -> &'static str {
    let name = line.trim_start_matches("- ").split(':').next().unwrap_or_default();
    let is_name = !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || "_-.".contains(letter));
    let is_yaml = is_name && (line.contains(": ") || line.ends_with(':'));
    match line.as_bytes() {
        [b'[', .., b']'] => "\n  = help: a file of values has no sections",
        [b'{' | b'}' | b'[' | b'"', ..] => "\n  = help: this is JSON: write `NAME=VALUE`, a line for each",
        _ if is_yaml => "\n  = help: this is YAML: write `=` in place of the colon",
        _ => "",
    }
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
        assert!(lines_of(Path::new("/dev/zero")).is_err());
        std::fs::write(file.path(), "secret\n").unwrap();
        assert!(!lines_of(file.path()).unwrap_err().contains("secret"));
        for (text, told) in [
            ("password: hunter2\n", "`=` in place of the colon"),
            ("- password: hunter2\n", "`=` in place of the colon"),
            ("password: hunt=er2\n", "`=` in place of the colon"),
            ("secrets:\n  password: hunter2\n", "`=` in place of the colon"),
            ("{\"password\": \"hunter2\"}\n", "`NAME=VALUE`, a line for each"),
            ("[default]\npassword = hunter2\n", "no sections"),
            ("hunter2\n", "expected NAME=VALUE"),
            // Values alone, of which nothing may be repeated.
            ("hun:ter2\n", "expected NAME=VALUE"),
            ("{hunter2}\n", "`NAME=VALUE`, a line for each"),
        ] {
            std::fs::write(file.path(), text).unwrap();
            let fault = lines_of(file.path()).unwrap_err();
            assert!(fault.ends_with(told) && !fault.contains("hunter2"), "{text}: {fault}");
        }
    }
}
