//! Lines that a person edits at a terminal: history, completion, hints, and a prompt that says where one is.

use super::history;
use super::printer::Printer;
use crate::report::human::Styled;
use crate::report::live as layout;
use crate::shell::{Discretion, LineOutcome, Live, PromptState, complete, hint, takes_more};
use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{ColorMode, CompletionType, Config, Context, Editor, ExternalPrinter as _, Helper};
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// How many lines are remembered.
const HISTORY: usize = 2000;

/// The editor on a terminal.
pub(super) struct Terminal {
    editor: RefCell<Editor<Aid, FileHistory>>,
    history: Option<PathBuf>,
}

/// What the editor asks while a line is typed.
struct Aid {
    state: Arc<Mutex<PromptState>>,
    files: FilenameCompleter,
    styled: Styled,
}

impl Terminal {
    /// `None` where the terminal cannot edit lines.
    pub(super) fn open(styled: Styled) -> Option<Terminal> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .max_history_size(HISTORY)
            .ok()?
            .history_ignore_dups(true)
            .ok()?
            .auto_add_history(false)
            .color_mode(if styled.0 { ColorMode::Enabled } else { ColorMode::Disabled })
            .build();
        let mut editor = Editor::with_config(config).ok()?;
        let state = Arc::new(Mutex::new(PromptState::default()));
        editor.set_helper(Some(Aid { state, files: FilenameCompleter::new(), styled }));
        // Fails where the terminal is too simple.
        drop(editor.create_external_printer().ok()?);
        let history = history::file();
        if let Some(file) = &history {
            // The first time there is none.
            _ = editor.load_history(file);
        }
        Some(Terminal { editor: RefCell::new(editor), history })
    }

    /// Prints above the line that is edited.
    pub(super) fn printer(&self) -> Printer {
        match self.editor.borrow_mut().create_external_printer() {
            Ok(mut printer) => Printer::through(move |text| {
                // A terminal that is gone reads nothing, and ends the shell by itself.
                _ = printer.print(text);
            }),
            Err(_) => Printer::direct(),
        }
    }

    /// Gives lines to the shell until one of them, or the person, ends it.
    pub(super) fn talk(self, live: &Live, printer: &Printer) {
        let mut editor = self.editor.into_inner();
        if let Some(aid) = editor.helper_mut() {
            aid.state = live.state();
        }
        let mut pasted = VecDeque::new();
        let mut discretion = Discretion::default();
        while live.next() == LineOutcome::Go {
            printer.flush();
            let state = lock(&live.state());
            let line = match pasted.pop_front() {
                Some(line) => {
                    printer.print(format!("{}{line}\n", state.prompt()));
                    line
                }
                None => {
                    let Some(text) = read_line(&mut editor, &live.state()) else { return };
                    pasted = lines_of(&text);
                    pasted.pop_front().unwrap_or_default()
                }
            };
            let state = lock(&live.state());
            if !line.trim().is_empty() && discretion.allows(&line, &state) {
                // A line that cannot be remembered is sent all the same.
                _ = editor.add_history_entry(&line);
                if let Some(file) = &self.history {
                    _ = editor.append_history(file);
                }
            }
            live.send(line.into_bytes());
        }
    }
}

/// What was pasted may be several lines: each waits for the reply to the one before.
fn lines_of(text: &str) -> VecDeque<String> {
    text.strip_suffix('\n').unwrap_or(text).split('\n').map(|line| line.trim_end_matches('\r').to_owned()).collect()
}

/// The next line; `None` at the end of input. Ctrl-C gives up the line.
fn read_line(editor: &mut Editor<Aid, FileHistory>, state: &Mutex<PromptState>) -> Option<String> {
    loop {
        let prompt = lock(state).prompt();
        match editor.readline(&prompt) {
            Ok(line) => return Some(line),
            Err(ReadlineError::Interrupted) => {}
            Err(_) => return None,
        }
    }
}

/// A prompt as wide as another, which the editor has measured: filled with blanks, or without its beginning.
fn in_place_of(before: &str, now: &str) -> String {
    let (room, width) = (before.chars().count(), now.chars().count());
    if width <= room {
        return format!("{now:room$}");
    }
    let end: String = now.chars().skip(width + 1 - room).collect();
    format!("\u{2026}{end}")
}

fn lock(state: &Mutex<PromptState>) -> PromptState {
    state.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

impl Helper for Aid {}
impl Validator for Aid {}

impl Completer for Aid {
    type Candidate = Pair;

    fn complete(&self, line: &str, position: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let before = &line[..position];
        let completion = complete(before, &lock(&self.state));
        if completion.files {
            return self.files.complete_path(before, position);
        }
        let alone = completion.candidates.len() == 1;
        let pair = |candidate: String| {
            // A blank where more must follow, and nowhere else: it would go over the wire.
            let blank = if alone && completion.start == 0 && takes_more(&candidate) { " " } else { "" };
            let replacement = format!("{candidate}{blank}");
            Pair { display: candidate, replacement }
        };
        Ok((completion.start, completion.candidates.into_iter().map(pair).collect()))
    }
}

impl Hinter for Aid {
    type Hint = String;

    fn hint(&self, line: &str, position: usize, _: &Context<'_>) -> Option<String> {
        if position < line.len() { None } else { hint(line, &lock(&self.state)) }
    }
}

/// A hint is only looked at: the key that would take it must not send it.
impl Highlighter for Aid {
    /// The prompt as it is now: the server may have spoken since the line was begun.
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        Cow::Owned(layout::prompt(&in_place_of(prompt, &lock(&self.state).prompt()), self.styled))
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(layout::suggestion(hint, self.styled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_takes_the_room_of_the_one_before() {
        assert_eq!(in_place_of("mx:25 1 owed> ", "mx:25> "), "mx:25>        ");
        assert_eq!(in_place_of("mx:25> ", "mx:25 closed> "), "\u{2026}osed> ");
        assert_eq!(in_place_of("mx:25> ", "mx:25> "), "mx:25> ");
    }
}
