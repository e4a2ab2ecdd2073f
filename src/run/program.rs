//! Starts a client program beside the server that it is to connect to, and sees to it that it ends.
//!
//! Responsible for its arguments, its environment, the files that it may read, its time, and the end of what it printed.
//! Called by `one` for a run that has such a program. What it does on the wire is the server's business.

use crate::host::Listening;
use crate::play::{ClientEnd, ClientExit, ClientProgram, Stop};
use crate::scenario::{Chance, reason};
use crate::secret::Masker;
use crate::visible::visible;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{env, fs, io, process, thread};

/// How often it is looked whether a program has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// How long a program that was asked to end may take for that.
const LAST_MOMENT: Duration = Duration::from_secs(1);
/// How long is waited for the last that a program printed: one that it started may go on.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// How much is kept of what a program prints, in octets.
const KEPT: usize = 8000;

/// Starts the program and waits for its end, without blocking the thread.
pub(super) async fn play(program: Arc<ClientProgram>, listening: Listening, stop: Stop) -> ClientEnd {
    let limit = program.limit;
    let play = move || match RunningProgram::new(&program, &listening) {
        Ok(mut started) => {
            let exit = started.wait(limit, &stop);
            ClientEnd { exit, said: started.said(&program) }
        }
        Err(error) => ClientEnd { exit: ClientExit::NotStarted(reason(&error)), said: String::new() },
    };
    let lost =
        |_| ClientEnd { exit: ClientExit::NotStarted("a thread of ours was lost".to_owned()), said: String::new() };
    tokio::task::spawn_blocking(play).await.unwrap_or_else(lost)
}

/// A program that runs.
struct RunningProgram {
    child: Child,
    printed: Arc<Mutex<Vec<u8>>>,
    readers: Vec<thread::JoinHandle<()>>,
    _files: ProgramFiles,
}

impl RunningProgram {
    fn new(program: &ClientProgram, listening: &Listening) -> io::Result<RunningProgram> {
        let files = ProgramFiles::new(&listening.trust_pem, &program.message)?;
        let values = values(program, listening, &files);
        let mut words = program.words.iter().map(|word| filled(word, &values));
        let name = words.next().unwrap_or_default();
        let mut command = Command::new(name);
        command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, value) in &values {
            command.env(format!("SMTP_{}", name.to_uppercase()), value);
        }
        in_a_group_of_its_own(&mut command);
        let mut child = command.spawn()?;
        let printed = Arc::new(Mutex::new(Vec::new()));
        let out = child.stdout.take().map(|out| reader(out, &printed));
        let err = child.stderr.take().map(|err| reader(err, &printed));
        Ok(RunningProgram { child, printed, readers: out.into_iter().chain(err).collect(), _files: files })
    }

    /// Waits for the end, which comes by itself or is brought about.
    fn wait(&mut self, limit: Duration, stop: &Stop) -> ClientExit {
        let due = Instant::now().checked_add(limit);
        loop {
            if let Some(status) = self.ended() {
                return exit_of(status);
            }
            if stop.is_stopped() || due.is_some_and(|due| Instant::now() >= due) {
                self.end();
                return if stop.is_stopped() { ClientExit::Interrupted } else { ClientExit::TooLong };
            }
            thread::sleep(LOOK_AGAIN);
        }
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Asks the program to end, and then makes it; those that it started as well.
    fn end(&mut self) {
        signal_group(&self.child, "TERM");
        let due = Instant::now() + LAST_MOMENT;
        while Instant::now() < due && self.ended().is_none() {
            thread::sleep(LOOK_AGAIN);
        }
        signal_group(&self.child, "KILL");
        _ = self.child.kill();
        _ = self.child.wait();
    }

    /// The end of what it printed.
    fn said(&mut self, program: &ClientProgram) -> String {
        let due = Instant::now() + LAST_WORDS;
        while Instant::now() < due && self.readers.iter().any(|reader| !reader.is_finished()) {
            thread::sleep(LOOK_AGAIN);
        }
        let printed = self.printed.lock().unwrap_or_else(PoisonError::into_inner);
        let secrets = BTreeMap::from([("password".to_owned(), program.password.clone())]);
        let masked = Masker::new(&secrets).mask(&printed);
        let lines: Vec<String> =
            masked.split(|byte| *byte == b'\n').map(|line| visible(line.trim_ascii_end())).collect();
        lines.join("\n").trim().to_owned()
    }
}

/// What stands for the words in braces, and in the environment.
fn values(program: &ClientProgram, listening: &Listening, files: &ProgramFiles) -> Vec<(&'static str, String)> {
    let own = [
        ("port", listening.address.port().to_string()),
        ("password", program.password.expose().to_owned()),
        ("ca", files.authority.display().to_string()),
        ("message", files.message.display().to_string()),
    ];
    program.values.iter().cloned().chain(own).collect()
}

/// A word of the command with its values. Braces that name none of them stay.
fn filled(word: &str, values: &[(&'static str, String)]) -> String {
    let mut text = String::new();
    let mut rest = word;
    while let Some(at) = rest.find('{') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let found = values.iter().find_map(|(name, value)| {
            let after = rest.strip_prefix('{')?.strip_prefix(name)?.strip_prefix('}')?;
            Some((value, after))
        });
        match found {
            Some((value, after)) => {
                text.push_str(value);
                rest = after;
            }
            None => {
                text.push('{');
                rest = &rest[1..];
            }
        }
    }
    text + rest
}

fn exit_of(status: ExitStatus) -> ClientExit {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return ClientExit::Signal(signal);
    }
    status.code().map_or(ClientExit::Signal(0), ClientExit::Status)
}

/// A terminal's Ctrl-C ends us, and we end the program: whatever it started belongs to it.
#[cfg(unix)]
fn in_a_group_of_its_own(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(not(unix))]
fn in_a_group_of_its_own(_: &mut Command) {}

/// The shell has `kill` wherever there is one; some do not know `-TERM` before `--`. What has ended already is none of its
/// business.
#[cfg(unix)]
fn signal_group(child: &Child, signal: &str) {
    let line = format!("kill -s {signal} -- -{}", child.id());
    let quiet = || Stdio::null();
    _ = Command::new("/bin/sh").args(["-c", &line]).stdin(quiet()).stdout(quiet()).stderr(quiet()).status();
}

#[cfg(not(unix))]
fn signal_group(_: &Child, _: &str) {}

/// Keeps the end of what comes, however much that is.
fn reader(mut from: impl Read + Send + 'static, to: &Arc<Mutex<Vec<u8>>>) -> thread::JoinHandle<()> {
    let to = to.clone();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count) = from.read(&mut buffer) {
            if count == 0 {
                return;
            }
            let mut kept = to.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend_from_slice(&buffer[..count]);
            let excess = kept.len().saturating_sub(KEPT);
            kept.drain(..excess);
        }
    })
}

/// The files that a program may read, in a folder that only its user can enter; they are gone when this is dropped.
struct ProgramFiles {
    folder: PathBuf,
    authority: PathBuf,
    message: PathBuf,
}

impl ProgramFiles {
    fn new(authority: &[u8], message: &[u8]) -> io::Result<ProgramFiles> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let random = Chance::fresh().number();
        let folder = env::temp_dir().join(format!("smtp-script-{}-{number}-{random:016x}", process::id()));
        make_private(&folder)?;
        let files =
            ProgramFiles { authority: folder.join("authority.pem"), message: folder.join("message.eml"), folder };
        fs::write(&files.authority, authority)?;
        fs::write(&files.message, message)?;
        Ok(files)
    }
}

#[cfg(unix)]
fn make_private(folder: &Path) -> io::Result<()> {
    std::os::unix::fs::DirBuilderExt::mode(&mut fs::DirBuilder::new(), 0o700).create(folder)
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> io::Result<()> {
    fs::create_dir(folder)
}

impl Drop for ProgramFiles {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_braces_become_values() {
        let values = vec![("host", "localhost".to_owned()), ("port", "{host}".to_owned())];
        for (word, wanted) in [
            ("{host}:{port}", "localhost:{host}"),
            ("--json={\"a\":1}", "--json={\"a\":1}"),
            ("{{host}}", "{localhost}"),
            ("{hosts}{", "{hosts}{"),
            ("", ""),
        ] {
            assert_eq!(filled(word, &values), wanted, "{word}");
        }
    }
}
