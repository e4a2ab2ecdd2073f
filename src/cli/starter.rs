//! The draft of a starting scenario: logs in and sends one message.
//!
//! Responsible for what is particular to a provider: its words about user name and password, names and tags. Not for
//! choosing server, port and mechanism (`new`), nor for the steps (`first_message`).

use super::first_message::{FirstLogin, FirstMessage};
use crate::scenario::write::{Draft, DraftAction, DraftConnect, literal};
use crate::smtp::auth::Mechanism;
use crate::smtp::provider::{Provider, Submission, UserName};

/// How TLS begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StarterTls {
    Starttls,
    Implicit,
    None,
}

/// How to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StarterLogin {
    None,
    /// By this mechanism; without one by the strongest that both sides have.
    By(Option<Mechanism>),
}

/// What the scenario is to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct StarterPlan<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) tls: StarterTls,
    pub(super) login: StarterLogin,
    pub(super) provider: Option<(&'static Provider, Submission)>,
}

const MESSAGE: &str = "\
From: <<<from>>>
To: <<<to>>>
Subject: A test by smtp-script
Date: <<rfc5322_date()>>
Message-ID: <<message_id(client)>>

This message was sent to see whether it can be sent.
";

/// The whole file.
pub(super) fn scenario(plan: &StarterPlan<'_>) -> String {
    let who = plan.provider.map_or(plan.host, |(provider, _)| provider.name);
    let draft = Draft {
        comments: vec![head(plan, who)],
        name: Some(literal(&format!("{who} takes a message on {}", plan.port))),
        tags: tags(plan),
        vars: vars(plan),
        secrets: secrets(plan),
        connect: Some(DraftConnect {
            host: "<<host>>".to_owned(),
            port: plan.port,
            implicit_tls: Some(plan.tls == StarterTls::Implicit),
            ..DraftConnect::default()
        }),
        timeout: Some("30s".to_owned()),
        steps: steps(plan).steps(),
        ..Draft::default()
    };
    draft.to_yaml()
}

/// The comment at its head: what it does, how it is run, what the credentials are.
fn head(plan: &StarterPlan<'_>, who: &str) -> String {
    let how = match plan.tls {
        StarterTls::Starttls => " with STARTTLS",
        StarterTls::Implicit => " with TLS from the start",
        StarterTls::None => " without TLS",
    };
    let what = if plan.login == StarterLogin::None { "sends one message." } else { "logs in and sends one message." };
    let mut lines = vec![format!("{who}, port {}{how}: {what}", plan.port)];
    lines.extend(plan.provider.map(|(_, submission)| format!("Its settings: {}", submission.source.url)));
    lines.push(String::new());
    lines.push("Without an account:  smtp-script run THIS-FILE --sandbox".to_owned());
    let run = "smtp-script run THIS-FILE --var from=you@your.example --var to=you@your.example";
    lines.push(format!("With one:            {run}"));
    lines.extend(credentials(plan));
    lines.join("\n")
}

/// What user name and password are, in the words of the provider.
fn credentials(plan: &StarterPlan<'_>) -> Vec<String> {
    let (Some((_, submission)), true) = (plan.provider, plan.login != StarterLogin::None) else { return Vec::new() };
    let credentials = submission.credentials;
    let user = match credentials.user {
        UserName::Literal(_) | UserName::SameAsPassword => None,
        UserName::Told(what) => Some(format!("  username: {what}")),
    };
    user.into_iter().chain([format!("  {}: {}", secret_name(plan), credentials.password)]).collect()
}

fn tags(plan: &StarterPlan<'_>) -> Vec<String> {
    let tags = [
        plan.provider.map(|(provider, _)| provider.id),
        (plan.login != StarterLogin::None).then_some("auth"),
        match plan.tls {
            StarterTls::Starttls => Some("starttls"),
            StarterTls::Implicit => Some("implicit-tls"),
            StarterTls::None => None,
        },
    ];
    tags.into_iter().flatten().map(str::to_owned).collect()
}

fn vars(plan: &StarterPlan<'_>) -> Vec<(String, String)> {
    let user = match user_name(plan) {
        Some(UserName::Literal(word)) if plan.login != StarterLogin::None => Some(("username", word)),
        _ => None,
    };
    let always = [
        ("host", plan.host),
        ("client", "client.example"),
        ("from", "sender@example.com"),
        ("to", "recipient@example.com"),
    ];
    always.into_iter().chain(user).map(|(name, value)| (name.to_owned(), literal(value))).collect()
}

fn secrets(plan: &StarterPlan<'_>) -> Vec<String> {
    let secret = secret_name(plan);
    let names: &[&str] = match (plan.login, user_name(plan)) {
        (StarterLogin::None, _) => &[],
        (_, Some(UserName::Literal(_) | UserName::SameAsPassword)) => &[secret],
        _ => &["username", secret],
    };
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn steps(plan: &StarterPlan<'_>) -> FirstMessage {
    let secret = secret_name(plan);
    let login = match plan.login {
        StarterLogin::None => None,
        StarterLogin::By(mechanism) => Some(FirstLogin {
            name: "the credentials are accepted",
            mechanism,
            username: if user_name(plan) == Some(UserName::SameAsPassword) { secret } else { "username" },
            secret,
        }),
    };
    FirstMessage {
        starttls: plan.tls == StarterTls::Starttls,
        login,
        recipients: vec!["<<to>>".to_owned()],
        message: DraftAction::Data(MESSAGE.to_owned()),
    }
}

fn user_name(plan: &StarterPlan<'_>) -> Option<UserName> {
    plan.provider.map(|(_, submission)| submission.credentials.user)
}

/// `password`, or what it is where it is something else.
fn secret_name(plan: &StarterPlan<'_>) -> &'static str {
    match (user_name(plan), plan.login) {
        (Some(UserName::SameAsPassword), _) => "token",
        (_, StarterLogin::By(mechanism)) if mechanism.is_some_and(Mechanism::takes_token) => "token",
        (Some(UserName::Literal(_)), _) => "api_key",
        _ => "password",
    }
}
