//! The server's side of a scenario, as written: plain data.
//!
//! Responsible for what `server:` may hold: where it listens, its certificate, what it does on each connection, and the
//! rules that answer what no step asks for. How it is read stands in `parse::server`, how it is played in `play::server`.

use super::chosen::{Chosen, TlsVersionName};
use super::{Action, Expression, Length, Pace, Pattern, RawBytes, Span, Step, Text};
use crate::smtp::closing::Closing;

/// How often one entry of `connections` may stand for a connection.
pub(crate) const MAX_CONNECTIONS: u32 = 100_000;

/// The server's part of a scenario.
#[derive(Debug, Clone, Default)]
pub(crate) struct Server {
    /// The place of the key.
    pub(crate) span: Span,
    /// `IP:PORT`; any free port of 127.0.0.1 where it is not given.
    pub(crate) listen: Option<Text>,
    pub(crate) implicit_tls: bool,
    pub(crate) tls: ServerTls,
    pub(crate) plan: ConnectionPlan,
    /// They answer what no step reads, in any order.
    pub(crate) rules: Vec<Rule>,
}

/// What is played on which connection.
#[derive(Debug, Clone, Default)]
pub(crate) enum ConnectionPlan {
    /// Only the rules answer, on any number of connections.
    #[default]
    Rules,
    /// The same steps on every connection, however many come.
    Each(Vec<Step>),
    /// The first, the second … connection.
    Listed(Vec<Served>),
}

/// One entry of `connections`.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    pub(crate) span: Span,
    pub(crate) name: Option<Text>,
    /// For how many connections in a row it stands.
    pub(crate) times: u32,
    pub(crate) implicit_tls: Option<bool>,
    pub(crate) tls: ServerTls,
    pub(crate) steps: Vec<Step>,
}

/// TLS options of the server as written; what is not set is inherited.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServerTls {
    pub(crate) certificate: Option<CertificateChoice>,
    pub(crate) client_certificate: Option<ClientCertificate>,
    /// Whom a client's certificate must be from, to be called verified.
    pub(crate) client_ca: Option<Text>,
    pub(crate) min_version: Option<Chosen<TlsVersionName>>,
    pub(crate) max_version: Option<Chosen<TlsVersionName>>,
    /// What TLS up to 1.2 offers, in OpenSSL's notation.
    pub(crate) ciphers: Option<Text>,
}

/// The certificate of the server.
#[derive(Debug, Clone)]
pub(crate) enum CertificateChoice {
    /// PEM files, the server's own certificate first.
    Files { file: Text, key: Text },
    /// Made for this run.
    Made(MadeCertificate),
}

/// Who signs a certificate that is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum CertificateSigner {
    /// The run's certification authority.
    #[default]
    Authority,
    /// Its own key.
    Itself,
    /// A certification authority that nobody knows.
    Stranger,
    /// A certificate of the run's authority that is no authority itself.
    Leaf,
}

/// A certificate that is made when the server starts.
#[derive(Debug, Clone, Default)]
pub(crate) struct MadeCertificate {
    pub(crate) signer: CertificateSigner,
    /// Its time is over.
    pub(crate) expired: bool,
    /// Its time begins tomorrow.
    pub(crate) not_yet_valid: bool,
    /// It is for the authentication of clients only.
    pub(crate) for_clients: bool,
    /// Its key is one of RSA with 1024 bits.
    pub(crate) weak_key: bool,
    /// What its subject is called, beside the names it is for.
    pub(crate) common_name: Option<Text>,
    /// The names it is for, instead of those of this machine.
    pub(crate) names: Option<Vec<Text>>,
}

/// Whether the client is asked for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientCertificate {
    /// It may send one.
    Request,
    /// The handshake fails without one.
    Require,
}

/// The mail data that `receive` reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MailPart {
    /// Up to the line with the dot.
    Data,
    /// The octets of one BDAT command (RFC 3030).
    Bdat,
}

/// `receive`, with its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Received {
    pub(crate) part: MailPart,
    pub(crate) span: Span,
}

/// The code of a reply that names none, a text or a list of lines: what such lists are written for is EHLO.
pub(crate) const IMPLIED_CODE: u16 = 250;

/// A reply, as written.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) kind: ReplyKind,
    pub(crate) span: Span,
}

/// The forms of `reply`.
#[derive(Debug, Clone)]
pub(crate) enum ReplyKind {
    /// A line with its code, or a block of such lines.
    Text(Text),
    /// Lines that are joined to one reply with this code.
    Lines { code: u16, lines: Vec<Text> },
    /// Exactly these bytes.
    Raw(RawBytes),
}

/// `- match: …`: answers each command that matches.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) span: Span,
    pub(crate) name: Option<Text>,
    pub(crate) pattern: Pattern,
    pub(crate) when: Option<Expression>,
    /// How often it answers.
    pub(crate) times: Option<u64>,
    /// How many commands that match it lets pass first.
    pub(crate) after: u64,
    /// What `times` and `after` count over.
    pub(crate) per: Per,
    /// How often it must have answered when the server ends.
    pub(crate) demand: Demand,
    pub(crate) delay: Option<Length>,
    pub(crate) reply: Option<Reply>,
    pub(crate) pace: Option<Pace>,
    pub(crate) close: Option<Closing>,
}

/// What the answers of a rule are counted over.
#[derive(Debug, Clone, Default)]
pub(crate) enum Per {
    /// Each connection, anew.
    #[default]
    Connection,
    /// All connections.
    Server,
    /// All connections, for each set of these values anew: grey-listing goes by client, sender and recipient.
    Values(Vec<Text>),
}

/// How often a rule must have answered when the server ends, and how often it may.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Demand {
    pub(crate) at_least: Option<u64>,
    pub(crate) at_most: Option<u64>,
}

impl Demand {
    pub(crate) fn is_any(self) -> bool {
        self != Demand::default()
    }

    /// Whether so many answers are what is demanded.
    pub(crate) fn is_met_by(self, answers: u64) -> bool {
        self.at_least.is_none_or(|least| answers >= least) && self.at_most.is_none_or(|most| answers <= most)
    }
}

impl Rule {
    /// Whether it answers: one that only takes note leaves the line to the rules after it.
    pub(crate) fn answers(&self) -> bool {
        self.reply.is_some() || self.close.is_some()
    }

    /// The values that its answers are counted over.
    pub(crate) fn counted_values(&self) -> &[Text] {
        if let Per::Values(values) = &self.per { values } else { &[] }
    }
}

impl Server {
    /// Whether a rule demands to have answered: then rules alone end when all of these have.
    pub(crate) fn ends_by_demand(&self) -> bool {
        self.rules.iter().any(|rule| rule.demand.at_least.is_some())
    }

    /// What stands beside the rules, in words, and where; that there are none, where there are none.
    pub(crate) fn beside_rules(&self) -> Option<(Span, &'static str)> {
        let tls = &self.tls;
        let has_tls = self.implicit_tls
            || tls.certificate.is_some()
            || tls.client_certificate.is_some()
            || tls.client_ca.is_some()
            || tls.min_version.is_some()
            || tls.max_version.is_some()
            || tls.ciphers.is_some();
        match &self.plan {
            ConnectionPlan::Each(steps) => Some((steps.first().map_or(self.span, |step| step.head.span), "`steps`")),
            ConnectionPlan::Listed(list) => {
                Some((list.first().map_or(self.span, |served| served.span), "`connections`"))
            }
            ConnectionPlan::Rules if self.rules.is_empty() => Some((self.span, "no `rules`")),
            ConnectionPlan::Rules if has_tls => Some((self.span, "what the server's TLS is to be")),
            ConnectionPlan::Rules => self.listen.as_ref().map(|listen| (listen.span, "`listen`")),
        }
    }

    /// Whether nothing is played on a connection: rules have no end, so that stopping them is no divergence.
    pub(crate) fn has_only_rules(&self) -> bool {
        matches!(self.plan, ConnectionPlan::Rules)
    }

    /// How many connections are listed; none where any number is served.
    pub(crate) fn listed(&self) -> Option<usize> {
        match &self.plan {
            ConnectionPlan::Listed(list) => Some(list.iter().map(|served| served.times as usize).sum()),
            ConnectionPlan::Rules | ConnectionPlan::Each(_) => None,
        }
    }

    /// The entry of `connections` that the connection with this number plays, counted from 1.
    pub(crate) fn served(&self, connection: usize) -> Option<&Served> {
        let ConnectionPlan::Listed(list) = &self.plan else { return None };
        let mut last = 0;
        list.iter().find(|served| {
            last += served.times as usize;
            connection <= last
        })
    }

    /// What is played on a connection, counted from 1.
    pub(crate) fn steps(&self, connection: usize) -> &[Step] {
        match &self.plan {
            ConnectionPlan::Rules => &[],
            ConnectionPlan::Each(steps) => steps,
            ConnectionPlan::Listed(_) => self.served(connection).map_or(&[], |served| served.steps.as_slice()),
        }
    }

    /// Whether it shows a certificate that the run's authority signs, by its own options.
    pub(crate) fn makes_certificate(&self) -> bool {
        let is_ours = match &self.tls.certificate {
            None => true,
            Some(CertificateChoice::Files { .. }) => false,
            Some(CertificateChoice::Made(made)) => made.signer == CertificateSigner::Authority,
        };
        let begins_tls = |step: &&Step| matches!(step.action, Action::StartTls(_) | Action::Tls(_));
        is_ours && (self.implicit_tls || self.all_steps().iter().any(begins_tls))
    }

    /// Every step in the order of the file, groups before their steps.
    pub(crate) fn all_steps(&self) -> Vec<&Step> {
        self.conversations().concat()
    }

    /// The same, by the connections that they are played on.
    pub(crate) fn conversations(&self) -> Vec<Vec<&Step>> {
        match &self.plan {
            ConnectionPlan::Rules => Vec::new(),
            ConnectionPlan::Each(steps) => vec![Step::walk(steps)],
            ConnectionPlan::Listed(list) => list.iter().map(|served| Step::walk(&served.steps)).collect(),
        }
    }

    /// The files that it names.
    pub(super) fn files(&self) -> Vec<&Text> {
        let mut files = self.tls.files();
        if let ConnectionPlan::Listed(list) = &self.plan {
            files.extend(list.iter().flat_map(|served| served.tls.files()));
        }
        files.extend(self.all_steps().into_iter().flat_map(Step::files));
        files
    }
}

impl MadeCertificate {
    /// The names that stand in it.
    pub(super) fn texts(&self) -> impl Iterator<Item = &Text> {
        self.names.iter().flatten().chain(&self.common_name)
    }
}

impl ServerTls {
    /// The templates of its versions.
    pub(super) fn chosen(&self) -> impl Iterator<Item = &Text> {
        let versions = [&self.min_version, &self.max_version].into_iter().flatten().filter_map(Chosen::template);
        versions.chain(&self.ciphers)
    }

    pub(super) fn files(&self) -> Vec<&Text> {
        let own = match &self.certificate {
            Some(CertificateChoice::Files { file, key }) => vec![file, key],
            _ => Vec::new(),
        };
        own.into_iter().chain(&self.client_ca).collect()
    }

    /// These options, and of `outer` those that are not set here.
    pub(crate) fn over(&self, outer: &ServerTls) -> ServerTls {
        ServerTls {
            certificate: self.certificate.clone().or_else(|| outer.certificate.clone()),
            client_certificate: self.client_certificate.or(outer.client_certificate),
            client_ca: self.client_ca.clone().or_else(|| outer.client_ca.clone()),
            min_version: self.min_version.clone().or_else(|| outer.min_version.clone()),
            max_version: self.max_version.clone().or_else(|| outer.max_version.clone()),
            ciphers: self.ciphers.clone().or_else(|| outer.ciphers.clone()),
        }
    }
}
