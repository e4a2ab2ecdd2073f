//! Opening and closing a connection of the shell, the TLS handshake, and the scenario that does the same.

use super::{Notice, PromptPhase, Shell};
use crate::net::connect::{NOTHING_ANSWERED, Target};
use crate::net::route::Route;
use crate::net::tls::{Connector, TlsOptions};
use crate::net::tls_port::{LOOK_TIME, TlsLook, look_for_tls};
use crate::recording::{Conversation, RecordedServer, Said, Wiretap};
use crate::scenario::address::split_argument;
use crate::scenario::duration;
use crate::server::{Identity, Login, Sandbox, SandboxOptions};
use crate::session::{Session, Trouble};
use crate::smtp::ports::{SMTP_PORT, SUBMISSIONS_PORT};
use crate::smtp::stranger::stranger;

/// The name that the sandbox's certificate is for.
const SANDBOX_NAME: &str = "localhost";

/// What is said where no greeting comes, and nobody knows why.
const SLOW: &str = "is the server slow? Some wait before they greet, to keep spammers off";

/// Where the shell connects to.
#[derive(Debug, Clone)]
pub(crate) enum ShellTarget {
    /// A server.
    Host { host: String, port: u16, implicit_tls: bool },
    /// The built-in server; any user name with this password is let in.
    Sandbox { implicit_tls: bool, password: String },
}

/// A sandbox of its own, and the options by which it is trusted.
fn start_sandbox(password: String) -> std::io::Result<(Sandbox, TlsOptions)> {
    let sandbox = Sandbox::start(SandboxOptions {
        accept: vec![Login::AnyUser { password }],
        identity: Identity::MadeFor(vec![SANDBOX_NAME.to_owned()]),
        ..SandboxOptions::default()
    })?;
    let ca_pem = Some(sandbox.ca_pem()?);
    Ok((sandbox, TlsOptions { ca_pem, ..TlsOptions::default() }))
}

impl ShellTarget {
    /// A server; port 465 has TLS first.
    pub(crate) fn host(host: String, port: u16, implicit_tls: bool) -> ShellTarget {
        ShellTarget::Host { host, port, implicit_tls: implicit_tls || port == SUBMISSIONS_PORT }
    }

    /// As it stands in the prompt.
    pub(super) fn shown(&self) -> String {
        match self {
            ShellTarget::Host { host, port, .. } => format!("{host}:{port}"),
            ShellTarget::Sandbox { .. } => "sandbox".to_owned(),
        }
    }

    fn implicit_tls(&self) -> bool {
        match self {
            ShellTarget::Host { implicit_tls, .. } | ShellTarget::Sandbox { implicit_tls, .. } => *implicit_tls,
        }
    }

    /// The name that the certificate must be for.
    fn name(&self) -> String {
        match self {
            ShellTarget::Host { host, .. } => host.trim_matches(['[', ']']).to_owned(),
            ShellTarget::Sandbox { .. } => SANDBOX_NAME.to_owned(),
        }
    }
}

impl Shell {
    /// Opens the connection and reads the greeting. `false`: there is none.
    pub(crate) async fn open(&mut self) -> bool {
        self.tap = Wiretap::new();
        (self.said_quit, self.awaits_handshake, self.phase) = (false, false, PromptPhase::Closed);
        (self.last_reply, self.greeting, self.held) = (None, Vec::new(), None);
        self.unasked = 0;
        let target = match self.target() {
            Ok(target) => target,
            Err(message) => {
                self.complain(&message);
                return false;
            }
        };
        let wait = self.settings.timeout;
        let proxy = self.settings.proxy.as_ref().filter(|proxy| self.sandbox.is_none() && proxy.is_for(&target.host));
        let socks5 = proxy.map(|proxy| (proxy.host.clone(), proxy.port));
        let route = Route { socks5, ..Route::from(target) };
        let opening = Session::open("main", &route, wait, &mut self.log);
        let opened = tokio::select! {
            opened = opening => opened,
            () = super::wire::interruption(self.settings.interruptible) => {
                self.complain("given up: not connected");
                return false;
            }
        };
        match opened {
            Ok(session) => (self.session, self.phase) = (Some(session), PromptPhase::Greeted),
            Err(Trouble::NotConnected(failure)) => {
                self.complain(&failure.message);
                self.tell(Notice::Help(failure.kind.help().to_owned()));
                return false;
            }
            Err(_) => {
                self.complain(&format!(
                    "{}: no connection within {}",
                    self.settings.place.shown(),
                    duration::show(wait)
                ));
                self.tell(Notice::Help(NOTHING_ANSWERED.to_owned()));
                return false;
            }
        }
        if !self.settings.place.implicit_tls() || self.shake_hands().await {
            self.read_owed().await;
            self.look_for_tls(&route).await;
        }
        true
    }

    /// Where no greeting came in plain text: does the port begin with TLS?
    async fn look_for_tls(&mut self, route: &Route) {
        let is_silent = |session: &Session| session.greeting().is_none() && session.tls().is_none();
        if self.said_quit || !self.session.as_ref().is_some_and(is_silent) {
            return;
        }
        let name = self.settings.place.name();
        let looked = look_for_tls(route, &name, LOOK_TIME.min(self.settings.timeout));
        let look = tokio::select! {
            look = looked => look,
            () = super::wire::interruption(self.settings.interruptible) => TlsLook::Ended,
        };
        let text = match &look {
            TlsLook::Tls => {
                "a second connection that began with TLS was answered: this port begins with TLS; give `--tls`"
            }
            TlsLook::Other(octets) => stranger(octets).map_or(SLOW, |stranger| stranger.help),
            TlsLook::Silence | TlsLook::Ended | TlsLook::Begun => SLOW,
        };
        self.tell(Notice::Help(text.to_owned()));
    }

    /// Where to connect to; the sandbox is started when it is first needed.
    fn target(&mut self) -> Result<Target, String> {
        let (host, port) = match self.settings.place.clone() {
            ShellTarget::Host { host, port, .. } => (host, port),
            ShellTarget::Sandbox { implicit_tls, password } => {
                let sandbox = match self.sandbox.take() {
                    Some(sandbox) => sandbox,
                    None => {
                        let started = start_sandbox(password);
                        let (sandbox, tls) = started.map_err(|error| format!("the sandbox: {error}"))?;
                        self.settings.tls = tls;
                        sandbox
                    }
                };
                let address = if implicit_tls { sandbox.tls_address() } else { sandbox.address() };
                self.sandbox = Some(sandbox);
                (address.ip().to_string(), address.port())
            }
        };
        Ok(Target { host, port, ip: None, local_address: None, public_only: false })
    }

    /// The TLS handshake. `false`: it failed, and the connection is lost.
    pub(super) async fn shake_hands(&mut self) -> bool {
        self.awaits_handshake = false;
        let connector = match Connector::new(&self.settings.tls) {
            Ok(connector) => connector,
            Err(error) => {
                self.complain(&error.message);
                return false;
            }
        };
        let (name, wait) = (self.settings.place.name(), self.settings.timeout);
        let Some(session) = self.session.as_mut() else { return false };
        let outcome = session.upgrade(&connector, &name, wait, &mut self.log).await;
        match outcome {
            Ok(()) => {
                if !self.settings.place.implicit_tls() {
                    self.tap.handshake();
                }
                self.phase = PromptPhase::Greeted;
                return true;
            }
            Err(Trouble::Tls(failure)) => {
                self.complain(&format!("the TLS handshake failed: {}", failure.message));
                if let Some(help) = failure.help {
                    self.tell(Notice::Help(help.by_options.to_owned()));
                }
            }
            Err(Trouble::PlainBeforeTls { .. }) => {
                self.complain("the server sent plain text between its 220 and the handshake: no TLS was begun");
            }
            Err(_) => self.complain("the TLS handshake was not answered in time"),
        }
        self.lost();
        false
    }

    /// The connection is of no use any more.
    pub(super) fn lost(&mut self) {
        self.verdict.lost |= !self.said_quit;
        self.forget(Said::ServerClosed);
    }

    /// There is no connection from here on.
    fn forget(&mut self, how: Said) {
        if self.session.take().is_some() {
            self.tap.end(how);
        }
        (self.phase, self.held, self.awaits_handshake) = (PromptPhase::Closed, None, false);
    }

    pub(super) async fn starttls(&mut self) {
        if self.session.is_none() {
            return self.not_connected();
        }
        if self.session.as_ref().is_some_and(|session| session.tls().is_some()) {
            return self.complain("the connection has TLS already: `.tls` shows it");
        }
        if !self.awaits_handshake {
            self.send(b"STARTTLS").await;
        }
        if self.awaits_handshake && self.shake_hands().await {
            self.hint("the server forgets what you said before TLS: `.ehlo` says it again");
        }
    }

    pub(super) async fn connect(&mut self, arguments: &str) {
        if !arguments.is_empty() {
            match split_argument(arguments) {
                Ok((host, port)) => self.settings.place = ShellTarget::host(host, port, false),
                Err(misread) => return self.complain(&misread.to_string()),
            }
        }
        self.close_session().await;
        self.open().await;
    }

    pub(super) async fn close(&mut self) {
        if self.session.is_none() {
            return self.not_connected();
        }
        self.close_session().await;
    }

    async fn close_session(&mut self) {
        if let Some(session) = self.session.as_mut() {
            session.close(&mut self.log).await;
        }
        self.forget(Said::ClientClosed);
    }

    pub(super) fn not_connected(&mut self) {
        self.complain("there is no connection: `.connect` opens one");
    }
}

/// The scenario of what was said on this connection; `None` where nobody spoke.
pub(super) fn scenario(shell: &Shell) -> Option<String> {
    let mut said = shell.tap.said.clone();
    if !said.iter().any(|said| matches!(said, Said::Reply(_) | Said::Line(_) | Said::Bytes(_))) {
        return None;
    }
    if shell.session.is_some() {
        said.push(Said::ClientClosed);
    }
    let (host, port) = match &shell.settings.place {
        ShellTarget::Host { host, port, .. } => (host.trim_matches(['[', ']']).to_owned(), *port),
        ShellTarget::Sandbox { implicit_tls, .. } => {
            (SANDBOX_NAME.to_owned(), if *implicit_tls { SUBMISSIONS_PORT } else { SMTP_PORT })
        }
    };
    let sandbox = matches!(shell.settings.place, ShellTarget::Sandbox { .. });
    let server = RecordedServer { host, port, implicit_tls: shell.settings.place.implicit_tls() };
    let mut draft = Conversation { server, said }.draft();
    if sandbox {
        draft.comments.push("typed at the sandbox: play it with `smtp-script run --sandbox`".to_owned());
    }
    if let Some(connect) = draft.connect.as_mut().filter(|_| !shell.settings.tls.verify) {
        connect.options.push(("verify".to_owned(), "false".to_owned()));
    }
    if let Some(file) = &shell.settings.ca_file {
        // A scenario reads nothing outside of its folder.
        let shown = crate::visible(file.display().to_string().as_bytes());
        draft.comments.push(format!("the shell trusted another authority: play it with `--ca-file {shown}`"));
    }
    Some(draft.to_yaml())
}

impl std::fmt::Debug for Shell {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Shell").field("phase", &self.phase).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_submissions_means_tls() {
        assert!(ShellTarget::host("mx".to_owned(), 465, false).implicit_tls());
        assert!(!ShellTarget::host("mx".to_owned(), 25, false).implicit_tls());
        assert_eq!(ShellTarget::host("[::1]".to_owned(), 25, true).name(), "::1");
    }
}
