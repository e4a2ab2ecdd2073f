//! The built-in server of a run: which logins it takes, which names its certificate is for, and one for many runs.

use super::{Play, RunFault};
use crate::play::client::endpoint::known_hosts;
use crate::play::{Settings, SharedSandbox, Stop};
use crate::scenario::{Scenario, Variables};
use crate::server::{Identity, Login, Sandbox, SandboxOptions};
use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, mpsc};

impl SharedSandbox {
    /// Starts it in a thread of its own, for all of these plays: any user name is let in with any of their secrets.
    ///
    /// # Errors
    /// The system gives no port or thread.
    pub fn start(plays: &[Play]) -> Result<SharedSandbox, RunFault> {
        let options = sandbox_options(plays.iter().map(|play| (&*play.scenario, &play.variables, &play.settings)));
        let (stop, (started, starting)) = (Stop::default(), mpsc::channel());
        let wish = stop.clone();
        let body = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let Ok(runtime) = runtime.map_err(|error| started.send(Err(error))) else { return };
            runtime.block_on(async move {
                let sandbox = Sandbox::start(options).map(Arc::new);
                let runs = sandbox.is_ok();
                if started.send(sandbox).is_ok() && runs {
                    wish.stopped().await;
                }
            });
        };
        let thread = std::thread::Builder::new().name("sandbox".to_owned()).spawn(body);
        thread.map_err(RunFault::Sandbox)?;
        let started = starting.recv().unwrap_or_else(|_| Err(io::Error::other("its thread ended")));
        let server = started.map_err(RunFault::Sandbox)?;
        Ok(SharedSandbox::of(server, stop))
    }
}

/// Any user name with one of the secrets as password is let in; the certificate is for every host of the scenarios.
pub(crate) fn sandbox_options<'a>(
    runs: impl IntoIterator<Item = (&'a Scenario, &'a Variables, &'a Settings)>,
) -> SandboxOptions {
    let (mut passwords, mut names) = (BTreeSet::new(), BTreeSet::new());
    for (scenario, variables, settings) in runs {
        passwords.extend(variables.secrets.values().map(|secret| secret.expose().to_owned()));
        names.extend(known_hosts(scenario, variables, settings));
    }
    SandboxOptions {
        accept: passwords.into_iter().map(|password| Login::AnyUser { password }).collect(),
        identity: Identity::MadeFor(names.into_iter().collect()),
        ..SandboxOptions::default()
    }
}
