//! Which clients are audited: the command of the command line, those of a table, or those that come by themselves.

use crate::audit::HOST;
use crate::cli::refusal::Refusal;
use crate::cli::values;
use crate::run::OutsideClient;
use crate::scenario::similar;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

const COLUMNS: [&str; 2] = ["name", "command"];

/// One client.
pub(super) struct AuditedClient {
    /// What it is called in reports: unlike the others.
    pub(super) name: String,
    pub(super) source: ClientSource,
}

/// Where a client comes from.
pub(super) enum ClientSource {
    /// It is a command of the user's, with its arguments.
    Command(Vec<String>),
    /// It comes by itself.
    Outside {
        client: Arc<OutsideClient>,
        /// How it knows the server.
        host: String,
        /// Whether TLS comes first there.
        begins_tls: bool,
    },
}

impl AuditedClient {
    /// Its command, where it has one.
    pub(super) fn words(&self) -> Option<&[String]> {
        match &self.source {
            ClientSource::Command(words) => Some(words),
            ClientSource::Outside { .. } => None,
        }
    }

    /// How it is named on a command line.
    pub(super) fn as_typed(&self) -> String {
        match &self.source {
            ClientSource::Command(words) => format!("-- {}", as_typed(words)),
            ClientSource::Outside { client, begins_tls, host, .. } => {
                let option = if *begins_tls { "--tls-listen" } else { "--listen" };
                let host =
                    if host == HOST { String::new() } else { format!(" --host {}", super::result::quoted(host)) };
                format!("{option} {}{host}", client.address())
            }
        }
    }
}

/// Those from outside; else the command of the command line, and then those of the table.
pub(super) fn read(
    command: &[String],
    table: Option<&Path>,
    outside: Vec<AuditedClient>,
) -> Result<Vec<AuditedClient>, Refusal> {
    let mut clients = outside;
    if let Some(first) = command.first() {
        let path = Path::new(first);
        let name = path.file_name().map_or_else(|| first.clone(), |name| name.to_string_lossy().into_owned());
        clients.push(AuditedClient { name, source: ClientSource::Command(command.to_vec()) });
    }
    if let Some(file) = table {
        clients.extend(of_table(file)?);
    }
    if clients.is_empty() {
        let ways = "`smtp-script audit-client -- COMMAND`, `--listen ADDRESS:PORT` or `--clients FILE.csv`";
        return Err(format!("no client is named: {ways}").into());
    }
    let mut names = BTreeSet::new();
    if let Some(twice) = clients.iter().find(|client| !names.insert(client.name.clone())) {
        let help = "give each a `name` of its own";
        return Err(format!("two clients are called `{}`\n  = help: {help}", twice.name).into());
    }
    Ok(clients)
}

fn of_table(file: &Path) -> Result<Vec<AuditedClient>, Refusal> {
    let (names, rows) = values::table_of(file)?;
    let fault = |text: String| Refusal::from(format!("{}: {text}", file.display()));
    if let Some(name) = names.iter().find(|name| !COLUMNS.contains(&name.as_str())) {
        let near = similar(name, COLUMNS).map(|near| format!("did you mean `{near}`?"));
        let help = near.unwrap_or_else(|| format!("the columns are {}", COLUMNS.join(", ")));
        return Err(fault(format!("`{name}` is no column of a table of clients\n  = help: {help}")));
    }
    let column = |wanted: &str| {
        let found = names.iter().position(|name| name == wanted);
        found.ok_or_else(|| fault(format!("the column `{wanted}` is missing")))
    };
    let (name, command) = (column("name")?, column("command")?);
    let client = |(index, row): (usize, &Vec<String>)| {
        let fault = |text: &str| fault(format!("row {}: {text}", index + 2));
        let words = words(&row[command]).ok_or_else(|| fault("a quotation mark has no end"))?;
        if words.is_empty() || row[name].is_empty() {
            return Err(fault("a client needs a `name` and a `command`"));
        }
        Ok(AuditedClient { name: row[name].clone(), source: ClientSource::Command(words) })
    };
    rows.iter().enumerate().map(client).collect()
}

/// The words of a command, as a shell takes it apart: quotation marks and backslashes, and nothing more.
fn words(command: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let (mut word, mut quote): (Option<String>, Option<char>) = (None, None);
    let mut letters = command.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(mark), letter) if letter == mark => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(letters.next()),
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// A command as it can be typed.
pub(super) fn as_typed(words: &[String]) -> String {
    words.iter().map(|word| super::result::quoted(word)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_taken_apart_as_a_shell_does() {
        let of = |command| words(command).map(|words| words.join("|"));
        for (command, wanted) in [
            ("./send --port {port}", "./send|--port|{port}"),
            ("  a   'b c' \"d \\\" e\" f\\ g ", "a|b c|d \" e|f g"),
            ("a '' b", "a||b"),
            ("--x='y z'w", "--x=y zw"),
            ("'a\\b'", "a\\b"),
            ("", ""),
        ] {
            assert_eq!(of(command).as_deref(), Some(wanted), "{command}");
        }
        assert_eq!(of("a 'b"), None);
    }
}
