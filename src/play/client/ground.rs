//! What a client plays on, and one step as it stands there.
//!
//! Responsible for what every action of a client asks for: the scope of its templates, where a connection goes, the place
//! of a divergence, how long a wait may take. `steps`, `auth`, `bdat` and `content` are its actions; `player` calls them.

use crate::play::Settings;
use crate::play::client::endpoint::{Resolver, file_root};
use crate::play::client::sessions::{Open, Sessions};
use crate::play::diagnose::Site;
use crate::play::divergence::Divergence;
use crate::play::rewrite::Rewrite;
use crate::play::scope::StepScope;
use crate::play::server::script::Script;
use crate::play::stage::Stage;
use crate::scenario::{Length, Mode, Rendered, Scenario, Scope, Span, Step, TemplateError, Text};
use crate::server::Sandbox;
use crate::session::{Session, Trouble};
use std::sync::Arc;
use std::time::Duration;

/// What does not change from step to step.
pub(crate) struct Ground<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) settings: &'a Settings,
    pub(crate) sandbox: Option<Arc<Sandbox>>,
    /// The server of the same file.
    pub(crate) own_server: Option<Arc<Script>>,
    /// Inside `finally`: whether the steps before it diverged.
    pub(crate) diverged: Option<bool>,
}

/// Under an update: what expectations become.
#[derive(Default)]
pub(crate) struct Updates {
    pub(crate) rewrites: Vec<Rewrite>,
    /// Expectations that held.
    pub(crate) held: Vec<Span>,
}

/// A client's state, looked at.
#[derive(Clone, Copy)]
pub(crate) struct View<'v> {
    pub(crate) ground: &'v Ground<'v>,
    pub(crate) stage: &'v Stage,
    pub(crate) sessions: &'v Sessions,
}

impl<'v> View<'v> {
    /// What the templates of a step see.
    pub(crate) fn scope(self, step: &Step) -> StepScope<'v> {
        let session = self.sessions.of(step).map(|open| &open.session);
        StepScope { names: &self.stage.names, session, diverged: self.ground.diverged }
    }

    pub(crate) fn resolver<'s>(self, scope: &'s dyn Scope) -> Resolver<'s>
    where
        'v: 's,
    {
        Resolver {
            settings: self.ground.settings,
            sandbox: self.ground.sandbox.as_deref(),
            templates: &self.stage.templates,
            scope,
            file_root: file_root(self.ground.scenario, self.ground.settings),
            own_server: self.ground.own_server.as_ref().map(|server| server.address),
        }
    }

    /// Which step was to give a name its value, and why it has none.
    fn why_undefined(self, message: &str) -> Option<String> {
        let name = message.strip_prefix('`')?.strip_suffix("` is undefined")?;
        let gives = |step: &&Step| step.expect.as_ref().is_some_and(|expect| expect.captures(name));
        let step = self.ground.scenario.all_steps().into_iter().find(gives)?;
        let number = &step.head.number;
        Some(match &step.head.when {
            Some(when) => format!(
                "step {number} captures `{name}` where `{}` holds, and was not played: put the same `when` here",
                when.source
            ),
            None => format!(
                "step {number} captures `{name}`: it was not played, or its pattern matched without that group; `{name} | default('…')` has a value in any case"
            ),
        })
    }

    /// The place of a divergence, pointing at what the step expects.
    pub(crate) fn place(self, step: &'v Step, name: Option<&'v str>) -> Site<'v> {
        let open = self.sessions.of(step);
        Site {
            number: &step.head.number,
            name,
            span: step.expect.as_ref().map_or(step.head.span, |expect| expect.span),
            session: open.map(|open| &open.session),
            host: open.map_or("", |open| self.known_host(open)),
            masker: self.stage.log.masker(),
            run_is_over: self.stage.run_is_over(),
            idiom: self.ground.settings.idiom,
        }
    }

    /// The same, pointing at what the step does.
    pub(crate) fn place_of_action(self, step: &'v Step, name: Option<&'v str>) -> Site<'v> {
        Site { span: step.head.span, ..self.place(step, name) }
    }

    /// The host that is really spoken to, for advice; the sandbox plays the part of the scenario's.
    pub(crate) fn known_host(self, open: &'v Open) -> &'v str {
        if self.ground.settings.to.is_some() { &open.endpoint.target.host } else { &open.endpoint.host }
    }

    /// The step's name as it is shown: rendered, without secrets.
    pub(crate) fn step_name(self, step: &Step) -> Option<String> {
        self.stage.shown_name(step.head.name.as_ref(), &self.scope(step))
    }

    /// How long this step may wait.
    pub(crate) fn wait(self, step: &Step) -> Result<Duration, TemplateError> {
        self.stage.wait(&step.head, &self.scope(step))
    }
}

/// The step that is being played, with its name as it is shown and the time its waits may take.
pub(crate) struct StepAt<'p> {
    pub(crate) ground: &'p Ground<'p>,
    pub(crate) stage: &'p mut Stage,
    pub(crate) sessions: &'p mut Sessions,
    pub(crate) updates: &'p mut Updates,
    pub(crate) step: &'p Step,
    pub(crate) name: Option<&'p str>,
    pub(crate) wait: Duration,
}

impl StepAt<'_> {
    pub(crate) fn view(&self) -> View<'_> {
        View { ground: self.ground, stage: self.stage, sessions: self.sessions }
    }

    pub(crate) fn scope(&self) -> StepScope<'_> {
        self.view().scope(self.step)
    }

    pub(crate) fn place(&self) -> Site<'_> {
        self.view().place(self.step, self.name)
    }

    pub(crate) fn place_of_action(&self) -> Site<'_> {
        self.view().place_of_action(self.step, self.name)
    }

    pub(crate) fn open(&self) -> Option<&Open> {
        self.sessions.of(self.step)
    }

    pub(crate) fn session(&mut self) -> Result<&mut Session, Vec<Divergence>> {
        self.sessions.speaking(self.step)
    }

    pub(crate) fn length(&self, length: &Length) -> Result<Duration, TemplateError> {
        self.stage.length(length, &self.scope())
    }

    pub(crate) fn render(&self, text: &Text, mode: Mode) -> Result<Rendered, Vec<Divergence>> {
        let rendered = self.stage.templates.render(text, mode, &self.scope());
        let mut rendered = rendered.map_err(|error| self.template(&error))?;
        if self.stage.names.flow().secrets_deciding(self.step).is_some() {
            rendered.secret = true;
            rendered.shown.clone_from(&text.source);
        }
        Ok(rendered)
    }

    pub(crate) fn template(&self, error: &TemplateError) -> Vec<Divergence> {
        let help = error.help.clone().or_else(|| self.view().why_undefined(&error.message));
        vec![self.place().template(&TemplateError { help, ..error.clone() })]
    }

    pub(crate) fn trouble(&self, trouble: &Trouble, expected: &str) -> Vec<Divergence> {
        vec![self.place().trouble(trouble, expected)]
    }
}
