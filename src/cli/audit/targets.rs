//! Which servers are audited, and with which values: from the arguments and a table.

use crate::audit::{COLUMNS, Target};
use crate::cli::refusal::Refusal;
use crate::cli::values;
use crate::scenario::similar;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What holds for every server that says nothing else.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Servers")]
pub(super) struct CommonArguments {
    /// How sessions begin: `none`, `starttls` or `implicit` (`none`; `implicit` at port 465)
    #[arg(long, value_name = "MODE")]
    tls: Option<String>,
    /// Log in by this mechanism where sessions begin: `none`, `plain`, `login` and so on
    #[arg(long, value_name = "MECHANISM")]
    login: Option<String>,
    /// The user name, for --login and for the checks of AUTH; its password is the secret `password`
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// What the client calls itself
    #[arg(long, value_name = "DOMAIN")]
    hello: Option<String>,
    /// A sender that the server accepts
    #[arg(long, value_name = "ADDRESS")]
    sender: Option<String>,
    /// A mailbox that exists
    #[arg(long, value_name = "ADDRESS")]
    recipient: Option<String>,
    /// A mailbox of the server's domain that does not exist
    #[arg(long, value_name = "ADDRESS")]
    unknown: Option<String>,
    /// An address in a domain that the server does not serve
    #[arg(long, value_name = "ADDRESS")]
    relay: Option<String>,
    /// A domain that the server accepts mail for
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,
    /// The role of the servers: `mx`, `submission`, `lmtp` or `auto` (by port, then by what EHLO offers)
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// The servers speak LMTP: the same as `--role lmtp`
    #[arg(long, conflicts_with = "role")]
    lmtp: bool,
}

impl CommonArguments {
    fn columns(&self) -> BTreeMap<String, String> {
        let role = if self.lmtp { Some("lmtp".to_owned()) } else { self.role.clone() };
        let all = [
            ("tls", &self.tls),
            ("login", &self.login),
            ("username", &self.username),
            ("hello", &self.hello),
            ("sender", &self.sender),
            ("recipient", &self.recipient),
            ("unknown", &self.unknown),
            ("relay", &self.relay),
            ("domain", &self.domain),
            ("role", &role),
        ];
        all.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?))).collect()
    }
}

/// Reads every target: those named, then those of the table.
pub(super) fn read(hosts: &[String], table: Option<&Path>, common: &CommonArguments) -> Result<Vec<Target>, Refusal> {
    let common = common.columns();
    let mut targets = Vec::new();
    for host in hosts {
        let row = BTreeMap::from([("host".to_owned(), host.clone())]);
        targets.push(Target::of(&row, &common).map_err(|fault| Refusal::from(fault.to_string()))?);
    }
    if let Some(file) = table {
        targets.extend(of_table(file, &common)?);
    }
    if targets.is_empty() {
        return Err("no server is named: `smtp-script audit HOST`, or `--targets FILE.csv`".into());
    }
    let mut names = BTreeSet::new();
    if let Some(twice) = targets.iter().find(|target| !names.insert(target.name.clone())) {
        let help = "give each a `name` of its own";
        return Err(format!("two servers are called `{}`\n  = help: {help}", twice.name).into());
    }
    Ok(targets)
}

fn of_table(file: &Path, common: &BTreeMap<String, String>) -> Result<Vec<Target>, Refusal> {
    let (names, rows) = values::table_of(file)?;
    let fault = |text: String| Refusal::from(format!("{}: {text}", file.display()));
    for name in &names {
        if !COLUMNS.contains(&name.as_str()) {
            let near = similar(name, COLUMNS).map(|near| format!("did you mean `{near}`?"));
            let help = near.unwrap_or_else(|| format!("the columns are {}", COLUMNS.join(", ")));
            return Err(fault(format!("`{name}` is no column of a table of servers\n  = help: {help}")));
        }
    }
    if !names.iter().any(|name| name == "host") {
        return Err(fault("the column `host` is missing".to_owned()));
    }
    let target = |(index, row): (usize, &Vec<String>)| {
        let row = names.iter().cloned().zip(row.iter().cloned()).collect();
        Target::of(&row, common).map_err(|error| fault(format!("row {}: {error}", index + 2)))
    };
    rows.iter().enumerate().map(target).collect()
}
