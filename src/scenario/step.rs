//! One step of either side: what it does, what is expected after it, and groups of steps.
//!
//! Responsible for these types alone. Which side may have which key stands in `sides`; `parse` reads steps, `check` looks
//! through them, `run` plays them.

use super::chosen::{Attempts, Chosen};
use super::content::{Bdat, MailData, Pace};
use super::server::{Received, Reply, ServerTls};
use super::{
    CodePattern, Connect, Data, Expectation, Expected, Expression, Length, Named, Pattern, Requirement, Span, Text,
    TlsSettings,
};
use crate::smtp::closing::Closing;
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

/// What every step may say about itself, whatever it does and whoever plays it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    /// `7`, nested `2.3`; the top-level `connect` has none. Of a server it counts within the connection.
    pub(crate) number: Arc<str>,
    pub(crate) name: Option<Text>,
    pub(crate) when: Option<Expression>,
    pub(crate) timeout: Option<Length>,
    /// Whether the next step is played even if this one diverges.
    pub(crate) continues: bool,
    /// The place of the action's key and value; of what else the step does where there is no action.
    pub(crate) span: Span,
    /// What the step is called, once somebody has asked.
    called: OnceLock<Arc<str>>,
}

impl Head {
    /// The head of a step that says nothing of itself.
    pub(crate) fn bare(number: impl Into<Arc<str>>, span: Span) -> Head {
        let mut head = Head::default();
        (head.number, head.span) = (number.into(), span);
        head
    }

    /// What the step is called: found once, and the same in every run.
    pub(super) fn called(&self, find: impl FnOnce() -> Arc<str>) -> Arc<str> {
        self.called.get_or_init(find).clone()
    }
}

/// One step: at most one action, and what is expected.
///
/// A client acts and then expects. A server does it in this order: `expect`, `receive`, `delay`, `reply`, the action.
#[derive(Debug, Clone, Default)]
pub(crate) struct Step {
    pub(crate) head: Head,
    pub(crate) action: Action,
    pub(crate) expect: Option<Expectation>,
    /// A handshake must fail, with a reason that this is found in.
    pub(crate) fails: Option<Pattern>,
    pub(crate) pace: Option<Pace>,
    /// Whose connection a client speaks in.
    pub(crate) session: Option<Named>,
    /// The mail data that a server reads.
    pub(crate) receive: Option<Received>,
    /// How long a server waits before it sends.
    pub(crate) delay: Option<Length>,
    /// What a server answers.
    pub(crate) reply: Option<Reply>,
}

/// What a step does.
#[derive(Debug, Clone, Default)]
pub(crate) enum Action {
    /// Only `expect`, or what a server reads and answers.
    #[default]
    None,
    /// Lines, each ended by CRLF, sent in one write.
    Send(Vec<Text>),
    Raw(RawBytes),
    Data(MailData),
    Bdat(Bdat),
    StartTls(Box<TlsStep>),
    Tls(Box<TlsStep>),
    Auth(Box<Auth>),
    Assert(Assertion),
    Set(Vec<(Named, Data)>),
    Sleep(Length),
    /// Ends the scenario: it is not about this other side, for this reason.
    Skip(Text),
    Connect(Box<Connect>),
    Close(Closing),
    Group(Box<Group>),
}

/// What an action does with the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    /// It needs no connection.
    Nothing,
    /// It only reads.
    Listens,
    Opens,
    /// A command or mail data, which a reply follows.
    Asks,
    /// Bytes, of which nobody knows what follows.
    Sends,
    /// A TLS handshake, which no reply follows.
    Handshakes,
    Closes,
}

/// `starttls` or `tls`: what a client asks for, or what a server offers; the other half is empty.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsStep {
    pub(crate) client: TlsSettings,
    pub(crate) server: ServerTls,
    /// Plain text that follows a server's reply to STARTTLS in the same write.
    pub(crate) inject: Option<Text>,
}

/// Exact bytes.
#[derive(Debug, Clone)]
pub(crate) enum RawBytes {
    Text(Text),
    /// Known bytes, from `hex:` or `base64:` without a template.
    Bytes(Vec<u8>),
    Hex(Text),
    Base64(Text),
}

/// What must be true, and what had better be.
#[derive(Debug, Clone)]
pub(crate) struct Assertion {
    pub(crate) condition: Expression,
    /// Where this is false, and the condition is true, the scenario warns.
    pub(crate) warn: Option<Expression>,
}

/// A whole SASL exchange (RFC 4954).
#[derive(Debug, Clone)]
pub(crate) struct Auth {
    /// The strongest offered, where it is not given.
    pub(crate) mechanism: Option<Text>,
    pub(crate) username: Option<Text>,
    pub(crate) password: Option<Text>,
    pub(crate) token: Option<Text>,
    pub(crate) authzid: Option<Text>,
    /// Whether the first message stands in the AUTH command.
    pub(crate) initial_response: bool,
}

/// Steps that belong together, and how often and in which way they are played.
#[derive(Debug, Clone, Default)]
pub(crate) struct Group {
    pub(crate) steps: Vec<Step>,
    pub(crate) repeat: Option<Text>,
    /// The name that takes each value of the list in turn.
    pub(crate) for_each: Option<(Named, Data)>,
    pub(crate) retry: Option<Retry>,
    pub(crate) pipeline: bool,
    /// Whether its steps stand in another file.
    pub(crate) included: bool,
    /// What must be true for its steps to be played.
    pub(crate) requires: Vec<Requirement>,
    /// Names that hold inside of the group only: its `vars`, and the variables of an included file.
    pub(crate) bindings: Vec<(Named, Data)>,
}

/// Plays a group again when it diverged in one of these ways (grey-listing).
#[derive(Debug, Clone)]
pub(crate) struct Retry {
    pub(crate) attempts: Chosen<Attempts>,
    pub(crate) delay: Length,
    pub(crate) on: Vec<RetryOn>,
}

/// A divergence that another attempt may mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryOn {
    Code(CodePattern),
    Closed,
    Timeout,
    Refused,
}

impl Action {
    /// What it does with the connection.
    pub(crate) fn speaks(&self) -> Speech {
        match self {
            Action::None => Speech::Listens,
            Action::Send(_) | Action::Data(_) | Action::Bdat(_) | Action::StartTls(_) | Action::Auth(_) => Speech::Asks,
            Action::Raw(_) => Speech::Sends,
            Action::Tls(_) => Speech::Handshakes,
            Action::Connect(_) => Speech::Opens,
            Action::Close(_) => Speech::Closes,
            Action::Assert(_) | Action::Set(_) | Action::Sleep(_) | Action::Skip(_) | Action::Group(_) => {
                Speech::Nothing
            }
        }
    }

    /// The key that it is written with; none where a step has no action.
    pub(super) fn key(&self) -> Option<&'static str> {
        Some(match self {
            Action::None => return None,
            Action::Send(_) => "send",
            Action::Raw(_) => "raw",
            Action::Data(_) => "data",
            Action::Bdat(_) => "bdat",
            Action::StartTls(_) => "starttls",
            Action::Tls(_) => "tls",
            Action::Auth(_) => "auth",
            Action::Assert(_) => "assert",
            Action::Set(_) => "set",
            Action::Sleep(_) => "sleep",
            Action::Skip(_) => "skip",
            Action::Connect(_) => "connect",
            Action::Close(_) => "close",
            Action::Group(_) => "steps",
        })
    }
}

impl Assertion {
    /// Both conditions.
    pub(crate) fn expressions(&self) -> impl Iterator<Item = &Expression> {
        std::iter::once(&self.condition).chain(&self.warn)
    }
}

impl Auth {
    /// Every template in it.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &Text> {
        [&self.mechanism, &self.username, &self.password, &self.token, &self.authzid].into_iter().flatten()
    }
}

impl Step {
    /// The name of the session that it speaks in; of `connect` the one it opens.
    pub(crate) fn session_name(&self) -> &str {
        let opened = match &self.action {
            Action::Connect(connect) => connect.session.as_ref(),
            _ => None,
        };
        opened.or(self.session.as_ref()).map_or("main", |named| named.name.as_str())
    }

    /// The key of what it does, for reports.
    pub(crate) fn keyword(&self) -> &'static str {
        let without_action = if self.reply.is_some() {
            "reply"
        } else if self.receive.is_some() {
            "receive"
        } else if self.observes() {
            "observe"
        } else {
            "expect"
        };
        self.action.key().unwrap_or(without_action)
    }

    /// Whether it takes down what comes, and judges nothing.
    pub(crate) fn observes(&self) -> bool {
        self.expect.as_ref().is_some_and(|expect| matches!(expect.kind, Expected::Observe(_)))
    }

    /// The files that it names.
    pub(super) fn files(&self) -> Vec<&Text> {
        match &self.action {
            Action::Connect(connect) => connect.tls.files(),
            Action::StartTls(tls) | Action::Tls(tls) => {
                tls.client.files().into_iter().chain(tls.server.files()).collect()
            }
            Action::Data(data) | Action::Bdat(Bdat { data, .. }) => data.files(),
            _ => Vec::new(),
        }
    }

    /// Whether it does something that another side, or a clock, sees.
    pub(crate) fn is_seen(&self) -> bool {
        self.reply.is_some() || !matches!(self.action.speaks(), Speech::Nothing | Speech::Listens)
    }

    /// The names that the texts it sends (or sets) read.
    pub(crate) fn sent_names(&self) -> BTreeSet<String> {
        let texts: Vec<&Text> = match &self.action {
            Action::Send(lines) => lines.iter().collect(),
            Action::Raw(RawBytes::Text(text) | RawBytes::Hex(text) | RawBytes::Base64(text)) => vec![text],
            Action::Data(data) | Action::Bdat(Bdat { data, .. }) => data.texts(),
            Action::Auth(auth) => auth.texts().collect(),
            Action::Set(settings) => settings
                .iter()
                .filter_map(|(_, data)| match data {
                    Data::Text(text) => Some(text),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        texts.into_iter().flat_map(Text::names).collect()
    }

    /// Whether it is an included file, as that of an opening is.
    pub(crate) fn opens(&self) -> bool {
        matches!(&self.action, Action::Group(group) if group.included)
    }

    /// The steps, and those of their groups, after the files that are included at the beginning.
    pub(crate) fn behind_opening(steps: &[Step]) -> Vec<&Step> {
        let opens = steps.iter().take_while(|step| step.opens()).count();
        Step::walk(&steps[opens..])
    }

    /// These steps and those of their groups, in the order of the file, groups before their steps.
    pub(super) fn walk(steps: &[Step]) -> Vec<&Step> {
        fn collect<'a>(steps: &'a [Step], list: &mut Vec<&'a Step>) {
            for step in steps {
                list.push(step);
                if let Action::Group(group) = &step.action {
                    collect(&group.steps, list);
                }
            }
        }
        let mut list = Vec::new();
        collect(steps, &mut list);
        list
    }
}

impl Group {
    /// Whether its steps may be played more than once.
    pub(super) fn goes_round(&self) -> bool {
        self.repeat.is_some() || self.for_each.is_some() || self.retry.is_some()
    }
}
