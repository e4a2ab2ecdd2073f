//! The server of a run: it is started before the client, and its end is waited for after the client's.
//!
//! Responsible for what both sides of one file have to do with each other: the address that the client gets, how long
//! connections are waited for, and one list of what diverged. Playing the server is `serving`'s business.

use crate::host::{Awaited, Serving};
use crate::play::OutsideClient;
use crate::play::client::endpoint::file_root;
use crate::play::client::player::{Player, over};
use crate::play::divergence::Divergence;
use crate::play::outcome::Verdict;
use crate::play::server::scope::server_value;
use crate::play::server::script::ScriptParts;
use crate::scenario::server::{ConnectionPlan, Server};
use crate::scenario::{
    Action, Address, Connect, Misread, Mode, Span, TemplateError, Templates, Variables, parse_listen, reason,
};
use crate::server::ListenFault;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

impl Player<'_> {
    /// Starts the server of the file, where it has one, and tells the client's templates where it listens.
    pub(super) async fn start_server(&mut self, variables: &Variables) -> Result<Option<Serving>, TemplateError> {
        let Some(server) = &self.ground.scenario.server else { return Ok(None) };
        let fault = |message| TemplateError { message, span: server.span, help: None };
        let outside = self.ground.settings.outside_client.as_deref();
        let listen = self.listen_address(server)?;
        let parts = ScriptParts {
            server: server.clone(),
            names: self.stage.names.clone(),
            templates: Arc::new(Templates::new(self.stage.templates.chance().clone()).until(over(
                self.stage.due,
                self.ground.settings,
                &Arc::default(),
            ))),
            timeout: self.stage.timeout,
            due: self.stage.due,
            file_root: file_root(self.ground.scenario, self.ground.settings),
            show_secrets: self.ground.settings.show_secrets,
            insecure_secrets: self.ground.settings.insecure_secrets,
            stop: self.ground.settings.stop.clone().unwrap_or_default(),
            secrets: (*variables.secrets).clone(),
            authority: outside.map(OutsideClient::authority),
            host_names: outside.map(|client| client.names().to_vec()).unwrap_or_default(),
        };
        let serving = match outside {
            None => Serving::start(listen, parts, &self.stage.log).await,
            Some(client) => client
                .listener()
                .and_then(|listener| Serving::at(listener, parts, &self.stage.log))
                .map_err(|error| ListenFault(reason(&error))),
        };
        let serving = serving.map_err(|unheard| fault(unheard.0))?;
        self.stage.names.set("server", server_value(serving.script().address, None), false);
        self.ground.own_server = Some(serving.script().clone());
        Ok(Some(serving))
    }

    /// Refuses a run that would never end: rules answer whoever comes, for ever.
    pub(super) fn refuse_endless(&self) -> Result<(), TemplateError> {
        let endless = |server: &Server| {
            matches!(server.plan, ConnectionPlan::Rules)
                && !server.ends_by_demand()
                && !self.has_client()
                && self.stage.due.is_none()
        };
        match &self.ground.scenario.server {
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
        let address = match (self.ground.settings.listen, &server.listen) {
            (Some(address), _) => return Ok(address),
            (None, None) => return Ok((Ipv4Addr::LOCALHOST, 0).into()),
            (None, Some(text)) => {
                let fault = |misread: Misread| TemplateError { message: misread.into(), span: text.span, help: None };
                let rendered = self.stage.templates.render(text, Mode::Line, &self.stage.names)?;
                parse_listen(&String::from_utf8_lossy(&rendered.bytes)).map_err(fault)?
            }
        };
        if self.ground.settings.untrusted && !address.ip().is_loopback() {
            let span = server.listen.as_ref().map_or(Span::default(), |text| text.span);
            let message = format!("an untrusted scenario listens on loopback only, not on {address}");
            return Err(TemplateError { message, span, help: Some("`--listen` says otherwise".to_owned()) });
        }
        Ok(address)
    }

    fn has_client(&self) -> bool {
        self.ground.scenario.opening.is_some() || !self.ground.scenario.steps.is_empty()
    }

    /// Which connections are waited for when the client is at its end.
    pub(super) fn last_phase(&self) -> Awaited {
        let Some(server) = &self.ground.scenario.server else { return Awaited::Last };
        let wanted = match &server.plan {
            ConnectionPlan::Rules => None,
            ConnectionPlan::Each(_) => Some(1),
            ConnectionPlan::Listed(_) => server.listed(),
        };
        if !self.has_client() && wanted.is_none() {
            return Awaited::Open { wanted };
        }
        // A client that speaks to the server itself is the one that connects; behind a relay more may come.
        let is_over = self.has_client() && (wanted.is_none() || self.reaches_own_server());
        if is_over || self.stage.failures() > 0 || self.stage.not_applicable.is_some() {
            Awaited::Last
        } else {
            Awaited::Within { wanted, wait: self.stage.timeout }
        }
    }

    fn reaches_own_server(&self) -> bool {
        self.ground.scenario.all_steps().iter().any(|step| match &step.action {
            Action::Connect(connect) => names_server(connect),
            _ => false,
        })
    }

    /// Waits for the server's end, and takes over what came of it.
    pub(super) async fn finish_server(&mut self, serving: Option<Serving>, phase: Awaited) {
        let Some(serving) = serving else { return };
        let (records, left_out) = serving.finish(phase).await;
        self.notices.extend(left_out.told());
        for record in records {
            self.served_steps.extend(record.steps);
            self.sessions.add_served(record.session);
            self.stage.divergences.extend(record.divergences);
            self.stage.not_applicable = self.stage.not_applicable.take().or(record.not_applicable);
            // Each connection captures for itself: `server.2.who`, as its steps are numbered.
            let own = |(name, value)| (format!("server.{}.{name}", record.number), value);
            self.stage.captures.extend(record.captures.into_iter().map(own));
        }
        // In the order it happened, whoever it happened to.
        self.stage.divergences.sort_by_key(|divergence| divergence.line.unwrap_or(usize::MAX));
        let wanted_nothing = self.stage.failures() == 0
            && self.ground.settings.stop.as_ref().is_some_and(crate::play::Stop::is_stopped)
            && self.served_steps.iter().any(|step| step.verdict == Verdict::Unreached);
        if let Some(server) = self.ground.scenario.server.as_ref().filter(|_| wanted_nothing) {
            let place = crate::play::diagnose::Site {
                number: "server",
                name: None,
                span: server.span,
                session: None,
                host: "",
                masker: self.stage.log.masker(),
                run_is_over: false,
                idiom: self.ground.settings.idiom,
            };
            let interrupted: Divergence = place.interrupted();
            self.stage.divergences.push(interrupted);
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
