//! The shell in a thread of its own, so that the server is heard while a person types.
//!
//! Responsible for the thread and its runtime, and for taking turns: a line is done before the next is taken, and between
//! two lines the server is listened to. Called by `cli::shell`, which blocks while it reads lines.

use super::{Asker, LineOutcome, Notice, PromptState, Screen, Shell, ShellSettings, ShellVerdict};
use crate::net::signals::Signals;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A shell that runs.
pub(crate) struct Live {
    lines: UnboundedSender<Vec<u8>>,
    turns: mpsc::Receiver<LineOutcome>,
    state: Arc<Mutex<PromptState>>,
    thread: JoinHandle<io::Result<Ended>>,
}

/// What became of it.
pub(crate) struct Ended {
    pub(crate) verdict: ShellVerdict,
    /// What was said, as a scenario.
    pub(crate) scenario: Option<String>,
}

/// What is done with the end where a signal asks for one: whoever reads lines waits for them and hears nothing else.
pub(crate) type Farewell = Box<dyn FnOnce(Ended) + Send>;

/// What the thread needs.
struct Seat {
    settings: ShellSettings,
    /// What is done first, as if it had been typed.
    first: Vec<String>,
    screen: Screen,
    asker: Asker,
    farewell: Farewell,
    lines: UnboundedReceiver<Vec<u8>>,
    turns: mpsc::Sender<LineOutcome>,
    state: Arc<Mutex<PromptState>>,
}

/// What takes turns.
struct Table {
    first: Vec<String>,
    screen: Screen,
    lines: UnboundedReceiver<Vec<u8>>,
    turns: mpsc::Sender<LineOutcome>,
    state: Arc<Mutex<PromptState>>,
}

impl Live {
    /// Connects, and does `first` as if it had been typed.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(
        settings: ShellSettings,
        first: Vec<String>,
        screen: Screen,
        asker: Asker,
        farewell: Farewell,
    ) -> io::Result<Live> {
        let (sender, lines) = unbounded_channel();
        let (turn, turns) = mpsc::channel();
        let state = Arc::new(Mutex::new(PromptState::default()));
        let seat = Seat { settings, first, screen, asker, farewell, lines, turns: turn, state: state.clone() };
        let thread = std::thread::Builder::new().name("shell".to_owned()).spawn(move || seat.run())?;
        Ok(Live { lines: sender, turns, state, thread })
    }

    /// Waits until the next line may be read.
    pub(crate) fn next(&self) -> LineOutcome {
        self.turns.recv().unwrap_or(LineOutcome::End)
    }

    /// Gives it a line.
    pub(crate) fn send(&self, line: Vec<u8>) {
        // A shell that has ended says so when it is asked for the next turn.
        _ = self.lines.send(line);
    }

    /// What the session is like, as it changes.
    pub(crate) fn state(&self) -> Arc<Mutex<PromptState>> {
        self.state.clone()
    }

    /// Ends it; there are no more lines.
    ///
    /// # Errors
    /// It could not run at all.
    pub(crate) fn end(self) -> io::Result<Ended> {
        drop(self.lines);
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the shell broke")))
    }
}

impl Seat {
    fn run(self) -> io::Result<Ended> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let Seat { settings, first, screen, asker, farewell, lines, turns, state } = self;
        let interruptible = settings.interruptible;
        let mut shell = Shell::new(settings, screen.clone(), asker);
        let (ended, signalled) = runtime.block_on(async {
            let mut signals = if interruptible { Signals::but_interrupt() } else { Signals::listen() };
            let table = Table { first, screen, lines, turns, state };
            let signalled = tokio::select! {
                biased;
                () = signals.next() => true,
                () = table.talk(&mut shell) => false,
            };
            let verdict = shell.end().await;
            (Ended { verdict, scenario: shell.scenario() }, signalled)
        });
        // A name lookup that was given up must not hold up the end.
        runtime.shutdown_background();
        if signalled {
            farewell(ended);
            return Err(io::Error::from(io::ErrorKind::Interrupted));
        }
        Ok(ended)
    }
}

impl Table {
    /// Takes line after line, until one of them ends it.
    async fn talk(mut self, shell: &mut Shell) {
        let open = shell.begin().await;
        let mut next = if open { LineOutcome::Go } else { LineOutcome::End };
        for line in std::mem::take(&mut self.first) {
            if next == LineOutcome::Go {
                next = shell.take(line.as_bytes()).await;
            }
        }
        loop {
            set(&self.state, shell);
            // Nobody waits for a turn any more who has ended.
            _ = self.turns.send(next);
            if next == LineOutcome::End {
                break;
            }
            let Some(line) = self.next_line(shell).await else { break };
            next = shell.take(&line).await;
        }
    }

    /// The next line; what the server says before it comes is heard, and changes the prompt.
    async fn next_line(&mut self, shell: &mut Shell) -> Option<Vec<u8>> {
        loop {
            tokio::select! {
                biased;
                line = self.lines.recv() => return line,
                () = shell.listen() => {
                    set(&self.state, shell);
                    (self.screen)(Notice::Prompt);
                }
            }
        }
    }
}

fn set(state: &Mutex<PromptState>, shell: &Shell) {
    *state.lock().unwrap_or_else(PoisonError::into_inner) = shell.state();
}
