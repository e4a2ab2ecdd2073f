//! The scenarios that come with the program: everything below `scenarios/`, inside the binary.
//!
//! Responsible for their texts and names. Not for reading them as scenarios (`load`). A name is the path below `scenarios/`
//! without `.yaml`; the last part of it is enough, and the name of a folder stands for all in it.

use std::path::{Component, Path};

/// A scenario of the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltIn {
    /// Its path below `scenarios/`, without `.yaml`.
    pub name: &'static str,
    /// The file.
    pub text: &'static str,
}

impl BuiltIn {
    /// The last part of its name.
    #[must_use]
    pub fn short_name(&self) -> &'static str {
        self.name.rsplit('/').next().unwrap_or(self.name)
    }

    /// The folder it is in; empty for one that is in none.
    #[must_use]
    pub fn folder(&self) -> &'static str {
        self.name.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
}

macro_rules! library {
    ($($name:literal),* $(,)?) => {
        /// Every file, sorted by name.
        const LIBRARY: &[BuiltIn] =
            &[$(BuiltIn { name: $name, text: include_str!(concat!("../scenarios/", $name, ".yaml")) }),*];
    };
}

library![
    "conformance/null-sender",
    "conformance/rset",
    "conformance/sequence",
    "conformance/unknown-command",
    "providers/amazon-ses-message",
    "providers/brevo-message",
    "providers/fastmail-message",
    "providers/gmail-message",
    "providers/icloud-message",
    "providers/ionos-message",
    "providers/mailgun-message",
    "providers/mailjet-message",
    "providers/microsoft-365-message",
    "providers/ovh-message",
    "providers/postmark-message",
    "providers/sendgrid-as-typed",
    "providers/sendgrid-auth-login-initial",
    "providers/sendgrid-auth-plain",
    "providers/sendgrid-auth-plain-prompted",
    "providers/sendgrid-implicit-tls",
    "providers/sendgrid-message",
    "providers/sendgrid-plain-25",
    "providers/sendgrid-wrong-password",
    "providers/yahoo-message",
    "providers/zoho-message",
    "relay/delivery",
    "relay/open-relay",
    "relay/size-limit",
    "relay/vrfy",
    "security/implicit-tls-certificate",
    "security/no-auth-before-tls",
    "security/starttls-certificate",
    "security/starttls-injection",
    "sendgrid-auth-login",
];

/// All scenarios, sorted by name. Parts that only others include are left out.
pub fn all() -> impl Iterator<Item = &'static BuiltIn> {
    LIBRARY.iter().filter(|it| !it.short_name().starts_with('_'))
}

/// The scenarios that a name stands for: one, or those of a folder; none if there is no such name.
///
/// A path as it is in the repository, `scenarios/relay/vrfy.yaml`, is a name as well.
#[must_use]
pub fn find(name: &str) -> Vec<&'static BuiltIn> {
    let name = name.strip_prefix("scenarios/").unwrap_or(name);
    let name = name.strip_suffix(".yaml").unwrap_or(name).trim_end_matches('/');
    let named = |it: &&BuiltIn| it.name == name || it.short_name() == name;
    match all().find(named) {
        Some(one) => vec![one],
        None => all().filter(|it| it.folder() == name && !name.is_empty()).collect(),
    }
}

/// The text of the file `file` that a scenario in `folder` includes, and its name.
#[must_use]
pub fn included(folder: &str, file: &str) -> Option<(&'static str, &'static str)> {
    let mut path: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for component in Path::new(file).components() {
        match component {
            Component::Normal(part) => path.push(part.to_str()?),
            Component::CurDir => {}
            Component::ParentDir => drop(path.pop()?),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    let path = path.join("/");
    let wanted = path.strip_suffix(".yaml")?;
    LIBRARY.iter().find(|it| it.name == wanted).map(|it| (it.name, it.text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;

    fn files(folder: &Path, below: &str, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{below}{}", path.file_stem().unwrap().to_str().unwrap());
            if path.is_dir() {
                files(&path, &format!("{name}/"), found);
            } else if path.extension().is_some_and(|it| it == "yaml") {
                found.insert(name);
            }
        }
    }

    /// A new file below `scenarios/` needs a line in the table.
    #[test]
    fn every_file_is_in_the_table() {
        let mut found = BTreeSet::new();
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios"), "", &mut found);
        let known: BTreeSet<String> = LIBRARY.iter().map(|it| it.name.to_owned()).collect();
        assert_eq!(known, found);
        assert!(LIBRARY.is_sorted_by(|a, b| a.name < b.name));
    }

    #[test]
    fn a_name_stands_for_one_scenario_or_a_folder() {
        let mut names: Vec<&str> = LIBRARY.iter().map(BuiltIn::short_name).collect();
        names.extend(LIBRARY.iter().map(BuiltIn::folder).filter(|it| !it.is_empty()).collect::<BTreeSet<_>>());
        let distinct: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(names.len(), distinct.len(), "{names:?}");
        for name in ["relay/open-relay", "open-relay", "scenarios/relay/open-relay.yaml"] {
            assert_eq!(find(name).iter().map(|it| it.name).collect::<Vec<_>>(), ["relay/open-relay"]);
        }
        assert!(find("security").len() > 2 && find("security/").iter().all(|it| it.folder() == "security"));
        assert!(find("nobody").is_empty() && find("").is_empty());
    }

    #[test]
    fn includes_stay_in_the_library() {
        assert_eq!(included("", "relay/vrfy.yaml").map(|it| it.0), Some("relay/vrfy"));
        assert_eq!(included("security", "../relay/./vrfy.yaml").map(|it| it.0), Some("relay/vrfy"));
        for outside in ["/etc/passwd", "../../relay/vrfy.yaml", "vrfy.yaml", "relay/vrfy"] {
            assert_eq!(included("", outside), None);
        }
    }
}
