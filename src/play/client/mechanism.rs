//! Which mechanism `auth` logs in by: the one it names, else the strongest that is offered and can be used.

use super::login::key;
use crate::play::client::ground::StepAt;
use crate::play::divergence::{Divergence, Kind};
use crate::scenario::{Auth, TemplateError};
use crate::smtp::auth::{Mechanism, strongest};

pub(super) fn mechanism(at: &StepAt<'_>, auth: &Auth) -> Result<Mechanism, Vec<Divergence>> {
    let mechanism = match &auth.mechanism {
        Some(text) => {
            let name = key(at, text)?;
            at.guard_secret(name.secret)?;
            name.value
                .trim()
                .parse::<Mechanism>()
                .map_err(|fault| at.template(&TemplateError { message: fault.message, span: text.span, help: None }))?
        }
        None => fitting(at, auth)?,
    };
    let missing: Vec<String> = auth.missing(mechanism).map(|key| format!("`{key}`")).collect();
    if missing.is_empty() {
        return Ok(mechanism);
    }
    let message = format!("`auth` with {mechanism} needs {}, which is not given", missing.join(" and "));
    Err(vec![at.place_of_action().refused(&message, "add it to the step")])
}

fn fitting(at: &StepAt<'_>, auth: &Auth) -> Result<Mechanism, Vec<Divergence>> {
    let session = at.open().map(|open| &open.session);
    let tls = session.and_then(|session| session.tls());
    let binding = tls.is_some_and(|tls| tls.end_point.is_some());
    let chosen =
        session.and_then(|session| strongest(session.extensions(), tls.is_some(), auth.token.is_some(), binding));
    let place = at.place_of_action();
    chosen.ok_or_else(|| {
        let (message, help) = match offered(at) {
            None => (
                "the last EHLO reply offers no AUTH".to_owned(),
                place.idiom.of(
                    "send EHLO before `auth`, after STARTTLS once more; many servers offer AUTH only over TLS",
                    "many servers offer AUTH only over TLS (`--starttls`, `--tls`), or only on port 587 or 465",
                ),
            ),
            Some(list) if tls.is_none() => (
                format!("the server offers {list}: nothing that can be used without TLS with what is given"),
                place.idiom.of(
                    "begin TLS first (`- starttls`, then EHLO again); without TLS, a mechanism that sends the password in clear is used only if `mechanism:` names it",
                    "give `--starttls` or `--tls`; without TLS, a mechanism that sends the password in clear is used only if `--mechanism` names it",
                ),
            ),
            Some(list) => (
                format!("the server offers {list}: nothing that can be used with what is given"),
                place.idiom.of(
                    "`username` and `password` serve SCRAM, CRAM-MD5, PLAIN and LOGIN; `token` serves OAUTHBEARER and XOAUTH2; name any other with `mechanism:`",
                    "a password serves SCRAM, CRAM-MD5, PLAIN and LOGIN; `--mechanism XOAUTH2` or `OAUTHBEARER` takes a token",
                ),
            ),
        };
        let mut divergence = place.fault(Kind::Auth, &message);
        divergence.diagnostic = divergence.diagnostic.clone().help(help);
        vec![divergence]
    })
}

/// The mechanisms of the last EHLO reply, as it lists them.
pub(super) fn offered(at: &StepAt<'_>) -> Option<String> {
    let extensions = at.open()?.session.extensions();
    let list = extensions.parameters("AUTH")?.join(" ");
    Some(crate::visible(at.stage.log.masker().mask_text(&list).as_bytes()))
}
