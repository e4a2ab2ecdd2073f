//! Runs one command and measures it: time, CPU time, peak memory. Linux tells the latter two in `/proc`; elsewhere they
//! stay unknown.

use crate::Outcome;
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, Command as Process, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long one command may take.
const LONGEST: Duration = Duration::from_secs(120);

/// How often memory is looked at while a command runs.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A command line with what it must end with.
pub(crate) struct Command {
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) input: Option<PathBuf>,
    /// Whether it is to succeed; a command that does something else than it was meant to do is no measure.
    pub(crate) succeeds: bool,
}

/// What one run took.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) wall_ms: f64,
    /// Of all threads, in user space and in the kernel.
    pub(crate) cpu_ms: Option<f64>,
    pub(crate) peak_mb: Option<f64>,
}

/// Runs a command once; memory is looked at only where `memory` asks for it, as looking costs time.
pub(crate) fn run(command: &Command, memory: bool) -> Outcome<Sample> {
    let input = command.input.as_ref().map_or(Ok(Stdio::null()), |file| File::open(file).map(Stdio::from))?;
    let started = Instant::now();
    let mut child = Process::new(&command.program)
        .args(&command.arguments)
        .env("SMTP_SCRIPT_SECRET_USER", "user")
        .env("SMTP_SCRIPT_SECRET_PASSWORD", "password")
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let ended = when_output_ends(&mut child)?;
    let peak_mb = watch(&mut child, &ended, memory)?;
    let wall_ms = started.elapsed().as_secs_f64() * 1e3;
    let cpu_ms = cpu_of_ended(child.id());
    let status = child.wait()?;
    if status.success() != command.succeeds {
        return Err(format!("`{}` {:?} ended with {status}", command.program.display(), command.arguments).into());
    }
    Ok(Sample { wall_ms, cpu_ms, peak_mb })
}

/// Waiting for the process itself would take its numbers away with it.
fn when_output_ends(child: &mut Child) -> Outcome<Receiver<()>> {
    let (sender, receiver) = channel();
    let mut stdout = child.stdout.take().ok_or("no output")?;
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while stdout.read(&mut buffer).is_ok_and(|count| count > 0) {}
        _ = sender.send(());
    });
    Ok(receiver)
}

/// Waits for the end, and tells the highest memory seen.
fn watch(child: &mut Child, ended: &Receiver<()>, memory: bool) -> Outcome<Option<f64>> {
    let due = Instant::now() + LONGEST;
    let mut peak = None;
    loop {
        let left = due.saturating_duration_since(Instant::now());
        match ended.recv_timeout(if memory { LOOK_EVERY.min(left) } else { left }) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ok(peak),
            Err(RecvTimeoutError::Timeout) if left.is_zero() => {
                child.kill()?;
                child.wait()?;
                return Err("a command took too long".into());
            }
            Err(RecvTimeoutError::Timeout) => peak = peak_of(child.id()).or(peak),
        }
    }
}

fn peak_of(process: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes / 1024.0)
}

/// An ended process keeps its numbers until it is waited for: those of its main thread to the nanosecond, those of all
/// threads in ticks of 10 ms (proc(5)). The larger is nearer to the truth: a short job has one thread.
fn cpu_of_ended(process: u32) -> Option<f64> {
    let due = Instant::now() + Duration::from_secs(1);
    let ticks = loop {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        let has_ended = stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'));
        if has_ended {
            break ticks_of(&stat)?;
        }
        if Instant::now() > due {
            return None;
        }
        std::thread::yield_now();
    };
    let numbers = std::fs::read_to_string(format!("/proc/{process}/schedstat")).ok()?;
    let nanoseconds: f64 = numbers.split(' ').next()?.parse().ok()?;
    Some((nanoseconds / 1e6).max(ticks * 10.0))
}

/// The 14th and the 15th field: user space and kernel. The second is a name in brackets that may hold blanks.
fn ticks_of(stat: &str) -> Option<f64> {
    let mut times = stat.rsplit(')').next()?.split_ascii_whitespace().skip(11);
    let (user, kernel): (f64, f64) = (times.next()?.parse().ok()?, times.next()?.parse().ok()?);
    Some(user + kernel)
}
