//! What a client plays on, and one step as it stands there.
//!
//! Responsible for what every action of a client asks for: the scope of its templates, where a connection goes, the place
//! of a divergence, how long a wait may take. `steps`, `auth`, `bdat` and `content` are its actions; `player` calls them.

use super::Settings;
use super::connection::{Resolver, file_root};
use super::diagnose::Place;
use super::outcome::Divergence;
use super::rewrite::Rewrite;
use super::scope::StepScope;
use super::serving::Serving;
use super::sessions::{Open, Sessions};
use super::stage::Stage;
use crate::scenario::{Length, Mode, Rendered, Scenario, Scope, Span, Step, TemplateError, Text};
use crate::server::Sandbox;
use crate::session::{Session, Trouble};
use std::sync::Arc;
use std::time::Duration;

/// What does not change from step to step.
pub(super) struct Ground<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) settings: &'a Settings,
    pub(super) sandbox: Option<Arc<Sandbox>>,
    /// The server of the same file.
    pub(super) serving: Option<Serving>,
    /// Inside `finally`: whether the steps before it diverged.
    pub(super) diverged: Option<bool>,
}

/// Under an update: what expectations become.
#[derive(Default)]
pub(super) struct Updates {
    pub(super) rewrites: Vec<Rewrite>,
    /// Expectations that held.
    pub(super) held: Vec<Span>,
}

/// A client's state, looked at.
#[derive(Clone, Copy)]
pub(super) struct View<'v> {
    pub(super) ground: &'v Ground<'v>,
    pub(super) stage: &'v Stage,
    pub(super) sessions: &'v Sessions,
}

impl<'v> View<'v> {
    /// What the templates of a step see.
    pub(super) fn scope(self, step: &Step) -> StepScope<'v> {
        let session = self.sessions.of(step).map(|open| &open.session);
        StepScope { names: &self.stage.names, session, diverged: self.ground.diverged }
    }

    pub(super) fn resolver<'s>(self, scope: &'s dyn Scope) -> Resolver<'s>
    where
        'v: 's,
    {
        Resolver {
            settings: self.ground.settings,
            sandbox: self.ground.sandbox.as_deref(),
            templates: &self.stage.templates,
            scope,
            file_root: file_root(self.ground.scenario, self.ground.settings),
            own_server: self.ground.serving.as_ref().map(Serving::address),
        }
    }

    /// The place of a divergence, pointing at what the step expects.
    pub(super) fn place(self, step: &'v Step, name: Option<&'v str>) -> Place<'v> {
        let open = self.sessions.of(step);
        Place {
            number: &step.head.number,
            name,
            span: step.expect.as_ref().map_or(step.head.span, |expect| expect.span),
            session: open.map(|open| &open.session),
            host: open.map_or("", |open| self.known_host(open)),
            masker: self.stage.log.masker(),
            run_is_over: self.stage.run_is_over(),
        }
    }

    /// The same, pointing at what the step does.
    pub(super) fn place_of_action(self, step: &'v Step, name: Option<&'v str>) -> Place<'v> {
        Place { span: step.head.span, ..self.place(step, name) }
    }

    /// The host that is really spoken to, for advice; the sandbox plays the part of the scenario's.
    pub(super) fn known_host(self, open: &'v Open) -> &'v str {
        if self.ground.settings.to.is_some() { &open.endpoint.target.host } else { &open.endpoint.host }
    }

    /// The step's name as it is shown: rendered, without secrets.
    pub(super) fn step_name(self, step: &Step) -> Option<String> {
        self.stage.shown_name(step.head.name.as_ref(), &self.scope(step))
    }

    /// How long this step may wait.
    pub(super) fn wait(self, step: &Step) -> Result<Duration, TemplateError> {
        self.stage.wait(&step.head, &self.scope(step))
    }
}

/// The step that is being played, with its name as it is shown and the time its waits may take.
pub(super) struct StepAt<'p> {
    pub(super) ground: &'p Ground<'p>,
    pub(super) stage: &'p mut Stage,
    pub(super) sessions: &'p mut Sessions,
    pub(super) updates: &'p mut Updates,
    pub(super) step: &'p Step,
    pub(super) name: Option<&'p str>,
    pub(super) wait: Duration,
}

impl StepAt<'_> {
    pub(super) fn view(&self) -> View<'_> {
        View { ground: self.ground, stage: self.stage, sessions: self.sessions }
    }

    pub(super) fn scope(&self) -> StepScope<'_> {
        self.view().scope(self.step)
    }

    pub(super) fn place(&self) -> Place<'_> {
        self.view().place(self.step, self.name)
    }

    pub(super) fn place_of_action(&self) -> Place<'_> {
        self.view().place_of_action(self.step, self.name)
    }

    pub(super) fn open(&self) -> Option<&Open> {
        self.sessions.of(self.step)
    }

    pub(super) fn session(&mut self) -> Result<&mut Session, Vec<Divergence>> {
        self.sessions.speaking(self.step)
    }

    pub(super) fn length(&self, length: &Length) -> Result<Duration, TemplateError> {
        self.stage.length(length, &self.scope())
    }

    pub(super) fn render(&self, text: &Text, mode: Mode) -> Result<Rendered, Vec<Divergence>> {
        self.stage.templates.render(text, mode, &self.scope()).map_err(|error| self.template(&error))
    }

    pub(super) fn template(&self, error: &TemplateError) -> Vec<Divergence> {
        vec![self.place().template(error)]
    }

    pub(super) fn trouble(&self, trouble: &Trouble, expected: &str) -> Vec<Divergence> {
        vec![self.place().trouble(trouble, expected)]
    }
}
