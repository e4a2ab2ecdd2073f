//! The server of a run: it is started before the client, and its end is waited for behind the client's.
//!
//! Responsible for what both sides of one file have to do with each other: the address that the client is told, how long
//! connections are waited for, and one list of what diverged. Playing the server is `serving`'s business.

use super::connection::file_root;
use super::outcome::{Divergence, Verdict};
use super::player::{Player, over};
use super::serving::{Phase, Serving, Start, server_value};
use crate::scenario::server::{Plan, Server};
use crate::scenario::{Action, Address, Connect, Mode, Span, TemplateError, Templates, Variables, parse_listen};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

impl Player<'_> {
    /// Starts the server of the file, where it has one, and tells the client's templates where it listens.
    pub(super) async fn start_server(&mut self, variables: &Variables) -> Result<(), TemplateError> {
        let Some(server) = &self.scenario.server else { return Ok(()) };
        let fault = |message| TemplateError { message, span: server.span, help: None };
        let listen = self.listen_address(server)?;
        let start = Start {
            server: server.clone(),
            listen,
            names: self.names.clone(),
            templates: Templates::new(self.templates.chance().clone()).until(over(
                self.due,
                self.settings,
                &Arc::default(),
            )),
            timeout: self.timeout,
            due: self.due,
            file_root: file_root(self.scenario, self.settings),
            show_secrets: self.settings.show_secrets,
            insecure_secrets: self.settings.insecure_secrets,
            stop: self.settings.stop.clone().unwrap_or_default(),
            passwords: variables.secrets.values().map(|secret| secret.expose().to_owned()).collect(),
        };
        let serving = Serving::start(start, &self.log).await.map_err(fault)?;
        self.names.set("server", server_value(serving.address(), None), false);
        self.serving = Some(serving);
        Ok(())
    }

    /// Refuses a run that would never end: rules answer whoever comes, for ever.
    pub(super) fn refuse_endless(&self) -> Result<(), TemplateError> {
        let endless = |server: &Server| matches!(server.plan, Plan::Rules) && !self.has_client() && self.due.is_none();
        match &self.scenario.server {
            Some(server) if endless(server) => Err(TemplateError {
                message: "rules alone never end: there is no client in this file, and no connection is listed"
                    .to_owned(),
                span: server.span,
                help: Some("give `--max-time`, or play it with `serve`".to_owned()),
            }),
            _ => Ok(()),
        }
    }

    /// What the command line says, else the file, else any free port of this machine.
    fn listen_address(&self, server: &Server) -> Result<SocketAddr, TemplateError> {
        let address = match (self.settings.listen, &server.listen) {
            (Some(address), _) => return Ok(address),
            (None, None) => return Ok((Ipv4Addr::LOCALHOST, 0).into()),
            (None, Some(text)) => {
                let fault = |message| TemplateError { message, span: text.span, help: None };
                let rendered = self.templates.render(text, Mode::Line, &self.names)?;
                parse_listen(&String::from_utf8_lossy(&rendered.bytes)).map_err(fault)?
            }
        };
        if self.settings.untrusted && !address.ip().is_loopback() {
            let span = server.listen.as_ref().map_or(Span::default(), |text| text.span);
            let message = format!("an untrusted scenario listens on loopback only, not on {address}");
            return Err(TemplateError { message, span, help: Some("`--listen` says otherwise".to_owned()) });
        }
        Ok(address)
    }

    fn has_client(&self) -> bool {
        self.scenario.opening.is_some() || !self.scenario.steps.is_empty()
    }

    /// Which connections are waited for when the client is at its end.
    pub(super) fn last_phase(&self) -> Phase {
        let Some(server) = &self.scenario.server else { return Phase::Last };
        let wanted = match &server.plan {
            Plan::Rules => None,
            Plan::Each(_) => Some(1),
            Plan::Listed(_) => server.listed(),
        };
        if !self.has_client() && wanted.is_none() {
            return Phase::Open { wanted };
        }
        // A client that speaks to the server itself is the one that connects; behind a relay more may come.
        let is_over = self.has_client() && (wanted.is_none() || self.reaches_own_server());
        if is_over || !self.divergences.is_empty() { Phase::Last } else { Phase::Within { wanted, wait: self.timeout } }
    }

    fn reaches_own_server(&self) -> bool {
        self.scenario.all_steps().iter().any(|step| match &step.action {
            Action::Connect(connect) => names_server(connect),
            _ => false,
        })
    }

    /// Waits for the server's end, and takes over what came of it.
    pub(super) async fn finish_server(&mut self, phase: Phase) {
        let Some(serving) = self.serving.take() else { return };
        for record in serving.finish(phase).await {
            self.served_steps.extend(record.steps);
            self.retired.extend(record.session);
            self.divergences.extend(record.divergences);
            // Each connection captures for itself: `server.2.who`, as its steps are numbered.
            let own = |(name, value)| (format!("server.{}.{name}", record.number), value);
            self.captures.extend(record.captures.into_iter().map(own));
        }
        // In the order it happened, whoever it happened to.
        self.divergences.sort_by_key(|divergence| divergence.line.unwrap_or(usize::MAX));
        let wanted_nothing = self.divergences.is_empty()
            && self.settings.stop.as_ref().is_some_and(super::Stop::is_stopped)
            && self.served_steps.iter().any(|step| step.verdict == Verdict::Unreached);
        if let Some(server) = self.scenario.server.as_ref().filter(|_| wanted_nothing) {
            let place = super::diagnose::Place {
                number: "server",
                name: None,
                span: server.span,
                session: None,
                host: "",
                masker: self.log.masker(),
                run_is_over: false,
            };
            let interrupted: Divergence = place.interrupted();
            self.divergences.push(interrupted);
        }
    }
}

/// Whether a connection goes to `<<server.address>>` or the like.
fn names_server(connect: &Connect) -> bool {
    let texts = match &connect.address {
        Address::Joined(text) | Address::Unix(text) => vec![text],
        Address::Split { host, port } | Address::Mx { domain: host, port, .. } => {
            std::iter::once(host).chain(port).collect()
        }
    };
    texts.iter().any(|text| text.names().contains("server"))
}
