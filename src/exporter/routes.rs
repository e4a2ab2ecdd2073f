//! From a request to its answer.
//!
//! Responsible for addresses, status codes and what is shown where. Nothing in an answer but pages of `report` repeats
//! what a request said without making it inert.

use super::figures::{ExporterFigures, ProbeRefusal};
use super::history::{History, PastProbe};
use super::library::Library;
use super::probe::{self, NotProbed, Probe};
use super::query::Query;
use super::{ExporterOptions, LoadFault};
use crate::report::html::start::{ProbeRow, ScenarioRow, StartPage};
use crate::report::probe as told;
use crate::report::{Report, html};
use crate::scenario::address::split_argument;
use crate::visible;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use hyper::{Method, Request, Response, StatusCode};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::Semaphore;

const TEXT: &str = "text/plain; charset=utf-8";
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

/// The header by which Prometheus tells how long the scrape may take.
const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";

/// The service, shared by all connections.
pub(super) struct Exporter {
    options: ExporterOptions,
    library: Mutex<Arc<Library>>,
    figures: Mutex<ExporterFigures>,
    history: Mutex<History>,
    slots: Arc<Semaphore>,
    /// One reload at a time.
    reloading: tokio::sync::Mutex<()>,
}

impl Exporter {
    pub(super) fn new(options: ExporterOptions, library: Library) -> Exporter {
        let slots = Arc::new(Semaphore::new(options.jobs));
        let mut figures = ExporterFigures::default();
        figures.loaded();
        Exporter {
            options,
            library: Mutex::new(Arc::new(library)),
            figures: Mutex::new(figures),
            history: Mutex::default(),
            slots,
            reloading: tokio::sync::Mutex::default(),
        }
    }

    /// What is probed now; a reload does not change it for whoever holds it.
    fn library(&self) -> Arc<Library> {
        held(&self.library).clone()
    }

    /// Loads the scenarios again. What cannot be loaded changes nothing.
    pub(super) async fn reload(self: &Arc<Exporter>) -> Result<usize, LoadFault> {
        let _turn = self.reloading.lock().await;
        let exporter = self.clone();
        let loaded = tokio::task::spawn_blocking(move || (exporter.options.load)()).await;
        let loaded = loaded.unwrap_or_else(|_| Err(LoadFault("a bug in smtp-script ended the reload".to_owned())));
        held(&self.figures).reloaded(loaded.is_ok());
        match loaded {
            Ok(library) => {
                let count = library.scenarios.len();
                *held(&self.library) = Arc::new(library);
                (self.options.notice)(&format!("notice: loaded again: {count} scenarios"));
                Ok(count)
            }
            Err(message) => {
                (self.options.notice)(&format!("error: not loaded again, the scenarios from before stay:\n{message}"));
                Err(message)
            }
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept there is whole whenever the lock is free.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

type HttpAnswer = Response<Full<Bytes>>;

/// Answers one request.
pub(super) async fn answer(exporter: &Arc<Exporter>, request: &Request<Incoming>) -> HttpAnswer {
    let path = request.uri().path();
    let allowed: &[Method] = match path {
        "/-/reload" => &[Method::POST, Method::PUT],
        _ => &[Method::GET, Method::HEAD],
    };
    if !allowed.contains(request.method()) {
        return wrong_method(allowed);
    }
    match path {
        "/" => start_page(exporter),
        "/probe" => probe_answer(exporter, request).await,
        "/metrics" => text(StatusCode::OK, METRICS, own_metrics(exporter)),
        "/-/healthy" => text(StatusCode::OK, TEXT, "healthy\n"),
        "/-/ready" => text(StatusCode::OK, TEXT, "ready\n"),
        "/-/reload" => match exporter.reload().await {
            Ok(count) => text(StatusCode::OK, TEXT, format!("loaded: {count} scenarios\n")),
            Err(message) => {
                let told = format!("not loaded: the scenarios from before stay\n\n{message}\n");
                text(StatusCode::INTERNAL_SERVER_ERROR, TEXT, told)
            }
        },
        _ => match path.strip_prefix("/probes/").and_then(|number| number.parse().ok()) {
            Some(number) => kept_probe(exporter, number),
            None => text(StatusCode::NOT_FOUND, TEXT, "there is nothing here: see / for what there is\n"),
        },
    }
}

fn own_metrics(exporter: &Exporter) -> String {
    let under_way = exporter.options.jobs.saturating_sub(exporter.slots.available_permits());
    held(&exporter.figures).page(exporter.library().scenarios.len(), under_way)
}

// --- probes ----------------------------------------------------------------------------------------------------

async fn probe_answer(exporter: &Arc<Exporter>, request: &Request<Incoming>) -> HttpAnswer {
    let wanted = match wanted(exporter, request) {
        Ok(wanted) => wanted,
        Err((refusal, status, message)) => {
            held(&exporter.figures).refused(refusal);
            return text(status, TEXT, message + "\n");
        }
    };
    let (name, began) = (wanted.probe.name.clone(), Instant::now());
    let report = match probe::play(wanted.probe, &exporter.slots).await {
        Ok(report) => report,
        Err(NotProbed::Busy) => {
            held(&exporter.figures).refused(ProbeRefusal::Busy);
            let jobs = exporter.options.jobs;
            let message = format!("{jobs} probes are under way, and none ended in time: `--jobs` allows more\n");
            return text(StatusCode::SERVICE_UNAVAILABLE, TEXT, message);
        }
        Err(NotProbed::Bug) => {
            return text(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "a bug in smtp-script ended the probe\n");
        }
    };
    held(&exporter.figures).probed(&name, told::Failure::of(&report), began.elapsed());
    let body = if wanted.debug { told::debug(&report, &wanted.target) } else { told::metrics(&report) };
    held(&exporter.history).add(&name, &wanted.target, report);
    text(StatusCode::OK, if wanted.debug { TEXT } else { METRICS }, body)
}

struct ProbeRoute {
    probe: Probe,
    target: String,
    debug: bool,
}

/// What a request asks for, or why it gets nothing.
fn wanted(exporter: &Exporter, request: &Request<Incoming>) -> Result<ProbeRoute, (ProbeRefusal, StatusCode, String)> {
    let bad = |message: String| (ProbeRefusal::Request, StatusCode::BAD_REQUEST, message);
    let query = Query::read(request.uri().query().unwrap_or_default());
    let query = query.map_err(|fault| bad(fault.to_string()))?;
    let parameter = |name: &str| {
        let missing = || bad(format!("`{name}` is missing: /probe?scenario=NAME&target=HOST:PORT"));
        query.value(name).ok_or_else(missing)
    };
    let (name, target) = (parameter("scenario")?, parameter("target")?);
    let (host, port) = split_argument(target)
        .map_err(|misread| bad(format!("target: {}", visible(misread.to_string().as_bytes()))))?;
    let library = exporter.library();
    let Some(scenario) = library.scenarios.get(name) else {
        let message = format!("no scenario is called `{}`: / lists those there are", visible(name.as_bytes()));
        return Err((ProbeRefusal::Scenario, StatusCode::NOT_FOUND, message));
    };
    if !library.allows(&host, port) {
        let target = visible(target.as_bytes());
        let message = format!("no `--allow-target` allows `{target}`");
        return Err((ProbeRefusal::Target, StatusCode::FORBIDDEN, message));
    }
    let scrape = request.headers().get(SCRAPE_TIMEOUT).and_then(|value| value.to_str().ok()?.parse().ok());
    let probe = Probe {
        name: name.to_owned(),
        scenario: scenario.clone(),
        target: (host, port),
        limit: probe::limit(scrape, exporter.options.max_time),
    };
    Ok(ProbeRoute { probe, target: target.to_owned(), debug: query.value("debug") == Some("true") })
}

// --- pages -----------------------------------------------------------------------------------------------------

fn start_page(exporter: &Exporter) -> HttpAnswer {
    let library = exporter.library();
    let scenarios = library.scenarios.iter().map(|(name, one)| ScenarioRow {
        name: name.clone(),
        title: one.scenario.name.clone().unwrap_or_default(),
        file: one.scenario.sources.name().to_owned(),
    });
    let probes = held(&exporter.history).newest_first();
    let rows = probes.iter().map(|done| row(done)).collect();
    let page = StartPage { scenarios: scenarios.collect(), probes: rows };
    page_of(|output| html::start::write(&page, output))
}

fn row(done: &PastProbe) -> ProbeRow<'_> {
    ProbeRow { number: done.number, scenario: &done.scenario, target: &done.target, report: &done.report }
}

/// A probe that is still kept, as the HTML report shows it.
fn kept_probe(exporter: &Exporter, number: u64) -> HttpAnswer {
    let Some(done) = held(&exporter.history).find(number) else {
        return text(StatusCode::NOT_FOUND, TEXT, "this probe is not kept any more: / lists the last ones\n");
    };
    let mut report = Report::begin();
    report.started.clone_from(&done.report.started);
    report.duration = done.report.duration;
    report.exit_code = done.report.exit_code;
    let mut scenario = done.report.clone();
    scenario.name = format!("{} against {}", scenario.name, visible(done.target.as_bytes()));
    report.scenarios.push(scenario);
    report.count();
    page_of(|output| html::write(&report, output))
}

fn page_of(write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> HttpAnswer {
    let mut page = Vec::new();
    match write(&mut page) {
        Ok(()) => text(StatusCode::OK, HTML, page),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, TEXT, format!("the page could not be made: {error}\n")),
    }
}

// --- answers ---------------------------------------------------------------------------------------------------

fn wrong_method(allowed: &[Method]) -> HttpAnswer {
    let list = allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, TEXT, format!("only {list} here\n"));
    if let Ok(list) = HeaderValue::from_str(&list) {
        answer.headers_mut().insert(ALLOW, list);
    }
    answer
}

fn text(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> HttpAnswer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}
