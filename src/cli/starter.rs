//! The text of a starting scenario: logs in and sends one message.
//!
//! Responsible for the YAML. Not for choosing server, port and mechanism (`new`).

use crate::smtp::auth::Mechanism;
use crate::smtp::provider::{Provider, Submission, UserName};
use std::fmt::Write as _;

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

/// The port that means implicit TLS by itself.
const IMPLICIT_TLS_PORT: u16 = 465;

/// The whole file.
pub(super) fn scenario(plan: &StarterPlan<'_>) -> String {
    let mut text = head(plan);
    text.push_str(&values(plan));
    text.push_str(&connection(plan));
    text.push_str("timeout: 30s\nsteps:\n  - expect: ^220\n");
    if plan.tls == StarterTls::Starttls {
        text.push_str("  - send: EHLO <<client>>\n    expect: ^250[ -]STARTTLS\n  - starttls\n");
    }
    text.push_str(&match plan.login {
        StarterLogin::None => "  - send: EHLO <<client>>\n    expect: ^250\n".to_owned(),
        StarterLogin::By(mechanism) => login(plan, mechanism),
    });
    text.push_str(MESSAGE);
    text
}

const MESSAGE: &str = "  \
  - send: MAIL FROM:<<<from>>>
    expect: ^250
  - send: RCPT TO:<<<to>>>
    expect: ^250
  - send: DATA
    expect: ^354
  - name: the message is accepted
    data: |
      From: <<<from>>>
      To: <<<to>>>
      Subject: A test by smtp-script
      Date: <<rfc5322_date()>>
      Message-ID: <<message_id(client)>>

      This message was sent to see whether it can be sent.
    expect: ^250
  - send: QUIT
    expect: ^221
";

/// The comment at its head, name, description and tags.
fn head(plan: &StarterPlan<'_>) -> String {
    let who = plan.provider.map_or(plan.host, |(provider, _)| provider.name);
    let how = match plan.tls {
        StarterTls::Starttls => " with STARTTLS",
        StarterTls::Implicit => " with TLS from the start",
        StarterTls::None => " without TLS",
    };
    let mut text = format!("# {who}, port {}{how}: ", plan.port);
    text.push_str(if plan.login == StarterLogin::None {
        "sends one message.\n"
    } else {
        "logs in and sends one message.\n"
    });
    if let Some((_, submission)) = plan.provider {
        _ = writeln!(text, "# Its settings: {}", submission.source.url);
    }
    text.push_str("#\n# Without an account:  smtp-script run THIS-FILE --sandbox\n");
    text.push_str(
        "# With one:            smtp-script run THIS-FILE --var from=you@your.example --var to=you@your.example\n",
    );
    text.push_str(&credentials(plan));
    let tags = [
        plan.provider.map(|(provider, _)| provider.id),
        (plan.login != StarterLogin::None).then_some("auth"),
        match plan.tls {
            StarterTls::Starttls => Some("starttls"),
            StarterTls::Implicit => Some("implicit-tls"),
            StarterTls::None => None,
        },
    ];
    let tags: Vec<&str> = tags.into_iter().flatten().collect();
    _ = writeln!(text, "name: {}", scalar(&format!("{who} takes a message on {}", plan.port)));
    if !tags.is_empty() {
        _ = writeln!(text, "tags: [{}]", tags.join(", "));
    }
    text
}

/// What user name and password are, in the words of the provider.
fn credentials(plan: &StarterPlan<'_>) -> String {
    let (Some((_, submission)), true) = (plan.provider, plan.login != StarterLogin::None) else { return String::new() };
    let credentials = submission.credentials;
    let user = match credentials.user {
        UserName::Literal(_) | UserName::SameAsPassword => String::new(),
        UserName::Told(what) => format!("#   username: {what}\n"),
    };
    format!("{user}#   {}: {}\n", secret_name(plan), credentials.password)
}

/// Variables and secrets.
fn values(plan: &StarterPlan<'_>) -> String {
    let mut text = format!("vars:\n  host: {}\n  client: client.example\n", scalar(plan.host));
    text.push_str("  from: sender@example.com\n  to: recipient@example.com\n");
    if plan.login == StarterLogin::None {
        return text;
    }
    let secret = secret_name(plan);
    match user_name(plan) {
        Some(UserName::Literal(word)) => _ = writeln!(text, "  username: {word}\nsecrets: [{secret}]"),
        Some(UserName::SameAsPassword) => _ = writeln!(text, "secrets: [{secret}]"),
        _ => _ = writeln!(text, "secrets: [username, {secret}]"),
    }
    text
}

fn connection(plan: &StarterPlan<'_>) -> String {
    if plan.tls == StarterTls::Implicit && plan.port != IMPLICIT_TLS_PORT {
        return format!("connect:\n  host: <<host>>\n  port: {}\n  tls: implicit\n", plan.port);
    }
    if plan.tls != StarterTls::Implicit && plan.port == IMPLICIT_TLS_PORT {
        return format!("connect:\n  host: <<host>>\n  port: {}\n  tls: none\n", plan.port);
    }
    format!("connect: <<host>>:{}\n", plan.port)
}

fn login(plan: &StarterPlan<'_>, mechanism: Option<Mechanism>) -> String {
    let offered = mechanism.map_or_else(String::new, |it| format!(" .*{}", it.name()));
    let mut text = format!("  - send: EHLO <<client>>\n    expect: ^250[ -]AUTH{offered}\n");
    text.push_str("  - name: the credentials are accepted\n    auth:\n");
    if let Some(mechanism) = mechanism {
        _ = writeln!(text, "      mechanism: {}", mechanism.name());
    }
    let secret = secret_name(plan);
    let user = match user_name(plan) {
        Some(UserName::SameAsPassword) => secret,
        _ => "username",
    };
    let key = if is_by_token(plan) { "token" } else { "password" };
    _ = writeln!(text, "      username: <<{user}>>\n      {key}: <<{secret}>>");
    text
}

fn user_name(plan: &StarterPlan<'_>) -> Option<UserName> {
    plan.provider.map(|(_, submission)| submission.credentials.user)
}

/// `password`, or what it is where it is something else.
fn secret_name(plan: &StarterPlan<'_>) -> &'static str {
    match user_name(plan) {
        Some(UserName::SameAsPassword) => "token",
        _ if is_by_token(plan) => "token",
        Some(UserName::Literal(_)) => "api_key",
        _ => "password",
    }
}

fn is_by_token(plan: &StarterPlan<'_>) -> bool {
    matches!(plan.login, StarterLogin::By(Some(Mechanism::XOAuth2 | Mechanism::OAuthBearer)))
}

/// A text in YAML: an address of IPv6 would be a list or a mapping without quotes.
fn scalar(text: &str) -> String {
    if text.contains(['[', ':']) { format!("\"{text}\"") } else { text.to_owned() }
}
