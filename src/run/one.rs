//! One run: its sandbox and its own server are started, the client is played, and the ends are waited for.

use super::fault::RunFault;
use super::program;
use super::sandbox::sandbox_options;
use crate::host::{Awaited, Listening, Serving};
use crate::play::client::player::Player;
use crate::play::divergence::{Cause, Divergence, Kind};
use crate::play::outcome::{ClaimOutcome, Outcome};
use crate::play::props::Props;
use crate::play::{ClientProgram, OutsideClient, PassedSteps, Settings, StepNumber, Stop};
use crate::scenario::{Diagnostic, Scenario, Span, TemplateError, Variables};
use crate::server::Sandbox;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// Plays a scenario from its connection to its end.
pub(super) async fn play(scenario: &Scenario, variables: &Variables, props: &Props, settings: &Settings) -> Outcome {
    let mut player = Player::new(scenario, props, settings);
    if let Err(error) = start_sandbox(&mut player, variables) {
        return not_started(scenario, &error.to_string());
    }
    if let Err(error) = player.refuse_endless() {
        return not_startable(scenario, &error);
    }
    match player.require_of_server() {
        Ok(true) => {}
        Ok(false) => return player.into_outcome(),
        Err(error) => return not_startable(scenario, &error),
    }
    let serving = match player.start_server(variables).await {
        Ok(serving) => serving,
        Err(error) => return not_startable(scenario, &error),
    };
    let stop = settings.stop.clone().unwrap_or_default();
    if let Some(program) = settings.client_program.clone() {
        return Box::pin(beside_program(player, program, serving, stop)).await;
    }
    if let Some(outside) = settings.outside_client.clone() {
        return Box::pin(with_outside_client(player, &outside, serving)).await;
    }
    tokio::select! {
        biased;
        () = player.play_all() => {}
        () = stop.stopped() => player.interrupt(),
    }
    player.close_all().await;
    let phase = player.last_phase();
    player.finish_server(serving, phase).await;
    player.into_outcome()
}

/// Plays the server of the file to a program that is started for it, until that program has ended.
async fn beside_program(
    mut player: Player<'_>,
    program: Arc<ClientProgram>,
    serving: Option<Serving>,
    stop: Stop,
) -> Outcome {
    let Some(serving) = serving else { return not_started(player.ground.scenario, "this file has no `server:`") };
    let listening = match serving.listening() {
        Ok(listening) => listening,
        Err(fault) => return not_started(player.ground.scenario, &fault.0),
    };
    let end = program::play(program, listening, stop).await;
    player.stage.log.begin_step("");
    player.stage.log.note(&Arc::from("client"), &format!("the command {}", end.exit.describe()));
    player.finish_server(Some(serving), Awaited::Last).await;
    Outcome { client_end: Some(end), ..player.into_outcome() }
}

/// Plays the server of the file to one session of a client that comes by itself.
async fn with_outside_client(mut player: Player<'_>, outside: &OutsideClient, serving: Option<Serving>) -> Outcome {
    player.finish_server(serving, Awaited::Outside { wait: outside.patience() }).await;
    let outcome = player.into_outcome();
    if outcome.divergences.iter().any(|divergence| divergence.kind == Kind::Connections) {
        outside.give_up();
    }
    outcome
}

/// Plays the server's side alone; `ready` learns where it listens.
pub(super) async fn serve(
    scenario: &Scenario,
    variables: &Variables,
    settings: &Settings,
    ready: &mut dyn FnMut(&Listening),
) -> Outcome {
    let mut player = Player::new(scenario, &Props::new(variables, settings), settings);
    match player.require_of_server() {
        Ok(true) => {}
        Ok(false) => return player.into_outcome(),
        Err(error) => return not_startable(scenario, &error),
    }
    let serving = match player.start_server(variables).await {
        Ok(Some(serving)) => serving,
        Ok(None) => return not_started(scenario, "this file has no `server:`"),
        Err(error) => return not_startable(scenario, &error),
    };
    let listening = match serving.listening() {
        Ok(listening) => listening,
        Err(fault) => return not_started(scenario, &fault.0),
    };
    ready(&listening);
    let wanted = scenario.server.as_ref().and_then(|server| server.listed()).or(settings.connections);
    player.finish_server(Some(serving), Awaited::Open { wanted }).await;
    player.into_outcome()
}

/// The outcome of a run whose server could not begin.
fn not_startable(scenario: &Scenario, error: &TemplateError) -> Outcome {
    let mut outcome = not_started(scenario, "");
    for divergence in &mut outcome.divergences {
        divergence.diagnostic = error.clone().into_diagnostic();
    }
    outcome
}

/// The outcome of a run that could not begin.
pub(super) fn not_started(scenario: &Scenario, error: &str) -> Outcome {
    nothing_played(scenario, Cause::User, Kind::Start, &format!("the run could not be started: {error}"))
}

/// The outcome of a run that ended in a bug of this program.
pub(super) fn broken_off(scenario: &Scenario) -> Outcome {
    nothing_played(
        scenario,
        Cause::Bug,
        Kind::Bug,
        "a bug in smtp-script ended this run: please report it, with the scenario",
    )
}

fn nothing_played(scenario: &Scenario, cause: Cause, kind: Kind, message: &str) -> Outcome {
    let diagnostic = Diagnostic::error(Span::default(), message);
    Outcome {
        name: scenario.name.clone().unwrap_or_else(|| scenario.sources.name().to_owned()),
        path: scenario.sources.name().to_owned(),
        sources: scenario.sources.clone(),
        tags: scenario.tags.clone(),
        started: Timestamp::now(),
        duration: Duration::ZERO,
        steps: Vec::new(),
        claim: ClaimOutcome::default(),
        is_warning: false,
        not_applicable: None,
        passed: PassedSteps::default(),
        divergences: vec![Divergence::new(StepNumber::default(), cause, kind, diagnostic)],
        sessions: Vec::new(),
        captures: Vec::new(),
        rewrites: Vec::new(),
        held: Vec::new(),
        transcript: Vec::new(),
        exchanges: Vec::new(),
        notices: Vec::new(),
        client_end: None,
    }
}

/// Starts the built-in server: any user name with one of the secrets as password is let in.
fn start_sandbox(player: &mut Player<'_>, variables: &Variables) -> Result<(), RunFault> {
    if !player.ground.settings.sandbox || player.ground.settings.to.is_some() {
        return Ok(());
    }
    if let Some(shared) = &player.ground.settings.shared_sandbox {
        player.ground.sandbox = Some(shared.server().clone());
        return Ok(());
    }
    let options = sandbox_options([(player.ground.scenario, variables, player.ground.settings)]);
    let sandbox = Sandbox::start(options).map_err(RunFault::Sandbox)?;
    player.ground.sandbox = Some(Arc::new(sandbox));
    Ok(())
}
