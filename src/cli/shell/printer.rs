//! Prints while a person types: above the line that is edited, which stays as it is.
//!
//! The editor takes text only as fast as it looks for it, so a thread stands between: whoever prints never waits,
//! neither for the editor nor for the person.

use crate::cli::screen;
use crate::report::human::Styled;
use crate::report::live as layout;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

/// How long printing may take before the next line is asked for; what is late comes above that line.
const PATIENCE: Duration = Duration::from_millis(500);

/// Where the shell prints to.
pub(super) struct Printer {
    queue: Option<Sender<Printed>>,
}

enum Printed {
    Text(String),
    /// All before it has been printed.
    Mark(Sender<()>),
}

impl Printer {
    /// To standard output and standard error.
    pub(super) fn direct() -> Printer {
        Printer { queue: None }
    }

    /// Through an editor.
    pub(super) fn through(mut print: impl FnMut(String) + Send + 'static) -> Printer {
        let (queue, items) = channel();
        std::thread::spawn(move || {
            for item in items {
                match item {
                    Printed::Text(text) => print(text),
                    // Who does not wait any more does not mind.
                    Printed::Mark(printed) => _ = printed.send(()),
                }
            }
        });
        Printer { queue: Some(queue) }
    }

    /// Whether a person sees what they type.
    pub(super) fn shows_typing(&self) -> bool {
        self.queue.is_some()
    }

    pub(super) fn print(&self, text: String) {
        match &self.queue {
            None => screen::result(&text),
            Some(queue) => _ = queue.send(Printed::Text(text)),
        }
    }

    /// Has the line that is edited drawn again: up and down, and nothing between.
    pub(super) fn redraw(&self) {
        if self.shows_typing() {
            self.print("\x1b[A\n".to_owned());
        }
    }

    pub(super) fn complain(&self, text: &str, styled: Styled) {
        match &self.queue {
            None => screen::notice(&format!("error: {text}")),
            Some(_) => self.print(layout::complaint(text, styled)),
        }
    }

    pub(super) fn help(&self, text: &str, styled: Styled) {
        match &self.queue {
            None => screen::notice(&format!("  = help: {text}")),
            Some(_) => self.print(layout::hint(&format!("help: {text}"), styled)),
        }
    }

    /// Waits until all is printed, if that can be done at once.
    pub(super) fn flush(&self) {
        if let Some(queue) = &self.queue {
            let (mark, printed) = channel();
            _ = queue.send(Printed::Mark(mark));
            _ = printed.recv_timeout(PATIENCE);
        }
    }
}
