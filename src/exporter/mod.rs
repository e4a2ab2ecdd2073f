//! An HTTP service that plays scenarios for Prometheus, in the manner of `blackbox_exporter`.
//!
//! Responsible for the listener, the signals and how many connections there are; what is answered is `routes`' business,
//! how a probe is played `probe`'s. It reads no file: whoever calls it gives a function that loads the scenarios, at the
//! start and at each reload. Called by `cli`.

mod figures;
mod history;
mod library;
mod probe;
mod query;
mod routes;
mod target;

pub(crate) use library::{Library, ProbeScenario};
pub(crate) use target::TargetPattern;

use crate::net::clock;
use crate::report::counted;
use crate::run::Hangups;
use crate::scenario::reason;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use routes::Exporter;
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Connections at once; further ones wait until one ends.
const CONNECTIONS: usize = 512;
/// How long a client may take to send the head of a request, and how long a connection may be idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a probe under way may take to end when the program is asked to.
const FAREWELL: Duration = Duration::from_secs(10);

/// Loads the scenarios and the patterns of targets.
pub(crate) type ExporterLoad = Box<dyn Fn() -> Result<Library, LoadFault> + Send + Sync>;

/// Why the scenarios cannot be loaded, for a person.
#[derive(Debug)]
pub(crate) struct LoadFault(pub(crate) String);

/// Why there is no service.
#[derive(Debug)]
pub(crate) enum ExporterFault {
    /// The scenarios cannot be loaded.
    Scenarios(LoadFault),
    /// The address cannot be listened on.
    Address(SocketAddr, io::Error),
    /// The system gives no threads or descriptors.
    System(io::Error),
}

impl fmt::Display for LoadFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for ExporterFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExporterFault::Scenarios(fault) => fault.fmt(formatter),
            ExporterFault::Address(address, error) => {
                write!(formatter, "cannot listen on {address}: {}", reason(error))
            }
            ExporterFault::System(error) => {
                write!(formatter, "the exporter could not be started: {}", reason(error))
            }
        }
    }
}

/// What the service is asked to do.
pub(crate) struct ExporterOptions {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// The most probes under way at once.
    pub(crate) jobs: usize,
    /// The longest a probe may take, whatever the scrape allows.
    pub(crate) max_time: Duration,
    /// Loads what is played.
    pub(crate) load: ExporterLoad,
    /// Hears what a person should know: where it listens, what came of a reload.
    pub(crate) notice: Arc<dyn Fn(&str) + Send + Sync>,
}

/// Serves until a signal asks for the end; blocks the thread.
///
/// # Errors
/// The scenarios cannot be loaded, the address cannot be listened on.
pub(crate) fn serve(options: ExporterOptions) -> Result<(), ExporterFault> {
    let library = (options.load)().map_err(ExporterFault::Scenarios)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(options.jobs + 4)
        .build()
        .map_err(ExporterFault::System)?;
    let outcome = runtime.block_on(listen(options, library));
    runtime.shutdown_background();
    outcome
}

async fn listen(options: ExporterOptions, library: Library) -> Result<(), ExporterFault> {
    let address = options.listen;
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|error| ExporterFault::Address(address, error))?;
    let bound = listener.local_addr().unwrap_or(address);
    let count = counted(library.scenarios.len() as u64, "scenario");
    let notice = options.notice.clone();
    notice(&format!("listening on http://{bound}/ with {count}"));
    let exporter = Arc::new(Exporter::new(options, library));
    let (goodbye, leaving) = watch::channel(());
    tokio::spawn(reload_at_hangup(exporter.clone()));
    tokio::select! {
        () = accept(&listener, &exporter, &leaving) => {}
        () = crate::run::asked_to_end() => {}
    }
    drop(listener);
    drop(leaving);
    // Each connection sees this channel end, answers what it was asked, and lets go of its side.
    goodbye.send_replace(());
    let all_ended = tokio::select! {
        ended = clock::within(FAREWELL, goodbye.closed()) => ended.is_ok(),
        () = crate::run::asked_to_end() => false,
    };
    if !all_ended {
        notice("notice: probes that were still under way were broken off");
    }
    Ok(())
}

async fn reload_at_hangup(exporter: Arc<Exporter>) {
    let mut hangups = Hangups::listen();
    loop {
        hangups.next().await;
        _ = exporter.reload().await;
    }
}

async fn accept(listener: &TcpListener, exporter: &Arc<Exporter>, leaving: &watch::Receiver<()>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(slot) = slots.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(converse(stream, exporter.clone(), leaving.clone(), slot));
            }
            Err(_) => clock::before_accepting_again().await,
        }
    }
}

/// One connection from its first request to its last.
async fn converse(
    stream: TcpStream,
    exporter: Arc<Exporter>,
    mut leaving: watch::Receiver<()>,
    _slot: OwnedSemaphorePermit,
) {
    _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let exporter = exporter.clone();
        async move { Ok::<_, Infallible>(routes::answer(&exporter, &request).await) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    let mut connection = std::pin::pin!(server.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // What a client does wrong is its own affair.
        _ = connection.as_mut() => return,
        _ = leaving.changed() => connection.as_mut().graceful_shutdown(),
    }
    _ = connection.await;
}
