//! The action `auth`: its mechanism, and what that needs.

use super::super::{Auth, Diagnostic, Step, similar};
use super::Checker;
use crate::smtp::auth::Mechanism;

impl Checker<'_> {
    pub(super) fn auth(&mut self, step: &Step, auth: &Auth) {
        auth.texts().for_each(|text| self.text(text));
        let Some(written) = &auth.mechanism else { return self.auth_without_mechanism(step, auth) };
        let Some(name) = self.known_text(written) else { return };
        match name.trim().parse::<Mechanism>() {
            Ok(mechanism) => self.missing_credentials(step, auth, mechanism),
            Err(fault) => {
                let known = Mechanism::ALL.map(Mechanism::name);
                let error = Diagnostic::error(written.span, self.without_secret(written, fault.message));
                self.diagnostics.push(match similar(&name, known) {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error.help("other mechanisms can be scripted with `send` and `expect`"),
                });
            }
        }
    }

    fn auth_without_mechanism(&mut self, step: &Step, auth: &Auth) {
        if auth.token.is_none() && (auth.username.is_none() || auth.password.is_none()) {
            let error = Diagnostic::error(step.head.span, "`auth` needs `username` and `password`, or `token`");
            self.diagnostics.push(error.help("write `password: <<password>>`, and `password` under `secrets:`"));
        }
    }

    fn missing_credentials(&mut self, step: &Step, auth: &Auth, mechanism: Mechanism) {
        let missing: Vec<String> = auth.missing(mechanism).map(|key| format!("`{key}`")).collect();
        let [first, ..] = missing.as_slice() else { return };
        let key = first.trim_matches('`').to_owned();
        let error = Diagnostic::error(
            step.head.span,
            format!("`auth` with {mechanism} needs {}, which is not given", missing.join(" and ")),
        );
        self.diagnostics.push(error.help(format!("write `{key}: <<{key}>>`, and `{key}` under `secrets:` or `vars:`")));
    }
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
