//! The order of things on one connection of a scripted server: TLS from the first octet, its steps, then its rules.
//!
//! Called by the host for each connection that came; what the steps do is `play::server`'s business.

use super::rules::RulesAt;
use crate::play::server::actor::{Actor, ConnectionFlow};
use crate::play::server::connection::Connection;
use crate::play::server::record::{Record, connection_number};
use crate::play::server::script::Script;

/// Plays a connection from its beginning to its end.
pub(super) async fn play(on: Connection) -> Record {
    let mut actor = Actor::new(on);
    let script = actor.on.script.clone();
    let own = connection_number(actor.on.number);
    actor.on.stage.log.begin_step(own.as_str());
    actor.on.stage.log.note(&actor.on.session, &format!("connection from {}", actor.on.peer.address()));
    let stopped = tokio::select! {
        biased;
        () = play_all(&mut actor) => false,
        () = script.stop.stopped() => true,
    };
    if stopped {
        actor.interrupt();
        if actor.on.peer.is_open() && script.server.has_only_rules() {
            RulesAt::new(&mut actor.on).farewell().await;
        }
    }
    actor.on.stage.log.begin_step(own.as_str());
    if actor.on.peer.is_open() {
        actor.on.peer.close().await;
        actor.on.stage.log.note(&actor.on.session, "closed by the server");
    }
    actor.into_record()
}

async fn play_all(actor: &mut Actor) {
    let script = actor.on.script.clone();
    let steps = script.server.steps(actor.on.number);
    if implicit_tls(&script, actor.on.number) && actor.begin_tls().await == ConnectionFlow::Stop {
        return;
    }
    if actor.play_steps(steps).await == ConnectionFlow::Stop || !actor.on.peer.is_open() {
        return;
    }
    if script.server.rules.is_empty() {
        actor.refuse_more(steps).await;
    } else {
        actor.on.stage.log.begin_step(connection_number(actor.on.number));
        RulesAt::new(&mut actor.on).follow(steps.is_empty()).await;
    }
}

fn implicit_tls(script: &Script, connection: usize) -> bool {
    let own = script.server.served(connection).and_then(|served| served.implicit_tls);
    own.unwrap_or(script.server.implicit_tls)
}
