//! The action `auth`: its mechanism, and what that needs.

use super::Checker;
use crate::scenario::{Auth, Diagnostic, Step, similar};
use crate::smtp::auth::Mechanism;

pub(super) fn auth(checker: &mut Checker<'_>, step: &Step, auth: &Auth) {
    auth.texts().for_each(|text| checker.text(text));
    let Some(written) = &auth.mechanism else { return auth_without_mechanism(checker, step, auth) };
    let Some(name) = checker.known_text(written) else { return };
    match name.trim().parse::<Mechanism>() {
        Ok(mechanism) => missing_credentials(checker, step, auth, mechanism),
        Err(fault) => {
            let known = Mechanism::ALL.map(Mechanism::name);
            let error = Diagnostic::error(written.span, checker.without_secret(written, fault.message));
            checker.diagnostics.push(match similar(&name, known) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help("other mechanisms can be scripted with `send` and `expect`"),
            });
        }
    }
}

fn auth_without_mechanism(checker: &mut Checker<'_>, step: &Step, auth: &Auth) {
    if auth.token.is_none() && (auth.username.is_none() || auth.password.is_none()) {
        let error = Diagnostic::error(step.head.span, "`auth` needs `username` and `password`, or `token`");
        checker.diagnostics.push(error.help("write `password: <<password>>`, and `password` under `secrets:`"));
    }
}

fn missing_credentials(checker: &mut Checker<'_>, step: &Step, auth: &Auth, mechanism: Mechanism) {
    let missing: Vec<String> = auth.missing(mechanism).map(|key| format!("`{key}`")).collect();
    let [first, ..] = missing.as_slice() else { return };
    let key = first.trim_matches('`').to_owned();
    let error = Diagnostic::error(
        step.head.span,
        format!("`auth` with {mechanism} needs {}, which is not given", missing.join(" and ")),
    );
    checker.diagnostics.push(error.help(format!("write `{key}: <<{key}>>`, and `{key}` under `secrets:` or `vars:`")));
}

impl Auth {
    /// The keys that a mechanism needs and that are not given.
    pub(crate) fn missing(&self, mechanism: Mechanism) -> impl Iterator<Item = &'static str> {
        mechanism.needs().iter().copied().filter(|key| match *key {
            "username" => self.username.is_none(),
            "password" => self.password.is_none(),
            _ => self.token.is_none(),
        })
    }
}
