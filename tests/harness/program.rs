//! The program itself, run in a clean environment and ended when it takes too long.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

/// No run of a test may take longer.
const LIMIT: Duration = Duration::from_secs(15);
/// Nor hold more memory, in KiB: whatever a server sends, only so much of it is kept.
const MEMORY: u64 = 64 * 1024;

/// What the program said.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Nothing when a signal ended it.
    pub(crate) code: Option<i32>,
}

/// The program, ready to be given arguments: in `folder`, without the environment of the test.
pub(crate) fn smtp_script(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-script"));
    command.current_dir(folder).env_clear().stdin(Stdio::null());
    command
}

impl Played {
    /// Runs it to its end.
    ///
    /// # Panics
    /// When it takes longer or holds more memory than any test may, or writes something that is not UTF-8.
    pub(crate) fn by(command: &mut Command) -> Played {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let stdout = child.stdout.take().expect("a pipe");
        let stderr = child.stderr.take().expect("a pipe");
        let (stdout, stderr) = (spawn(move || all_of(stdout)), spawn(move || all_of(stderr)));
        let started = Instant::now();
        let mut peak = 0;
        let status = loop {
            peak = peak.max(peak_memory(child.id()));
            if let Some(status) = child.try_wait().expect("the state of the program") {
                break status;
            }
            if started.elapsed() > LIMIT {
                child.kill().expect("the program can be ended");
                child.wait().expect("the program has ended");
                panic!("the program ran for more than {LIMIT:?}");
            }
            sleep(Duration::from_millis(2));
        };
        assert!(peak < MEMORY, "the program held {peak} KiB");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output in UTF-8");
        let joined = |thread: std::thread::JoinHandle<Vec<u8>>| text(thread.join().expect("the reader ends"));
        Played { stdout: joined(stdout), stderr: joined(stderr), code: status.code() }
    }
}

fn all_of(mut pipe: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    pipe.read_to_end(&mut bytes).expect("output that can be read");
    bytes
}

/// The high-water mark of a process's memory, in KiB; 0 when it has ended.
fn peak_memory(process: u32) -> u64 {
    let mut status = String::new();
    let file = File::open(format!("/proc/{process}/status"));
    _ = file.and_then(|mut file| file.read_to_string(&mut status));
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    // Without the pages of the program's own file, of which a debug build has many.
    u64::saturating_sub(field("VmHWM:"), field("RssFile:"))
}
