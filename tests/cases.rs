//! Plays every folder of `tests/cases` and compares what the program says, to the letter.
//!
//! A new behaviour test is a new folder and needs no Rust: `tests/cases/README.md` says what it holds.
//! `UPDATE=1 cargo test --test cases` writes what the program says today into the folders, for review.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

mod harness;

use harness::{Played, ScriptedServer, smtp_script};
use libtest_mimic::{Arguments, Failed, Trial};
use regex::Regex;
use snapbox::Data;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::LazyLock;

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut folders: Vec<PathBuf> = fs::read_dir(&root)
        .expect("the folder of the cases")
        .map(|entry| entry.expect("a case").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    let trial = |folder: PathBuf| {
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        Trial::test(name, move || play(&folder))
    };
    libtest_mimic::run(&Arguments::from_args(), folders.into_iter().map(trial).collect()).exit_code()
}

/// One case: the scripted server, the program, and what both say.
fn play(folder: &Path) -> Result<(), Failed> {
    let server = text_of(&folder.join("server.txt")).map(|script| ScriptedServer::start(&script));
    let address = server.as_ref().map(ScriptedServer::address);
    let mut command = smtp_script(folder);
    for argument in arguments(folder, address.is_some())? {
        match argument {
            Argument::Word(word) => _ = command.arg(word.replace("<server>", address.as_deref().unwrap_or_default())),
            Argument::Variable(name, value) => {
                _ = command.env(name, value.replace("<server>", address.as_deref().unwrap_or_default()));
            }
            Argument::Input(file) => _ = command.stdin(File::open(folder.join(file))?),
        }
    }
    let played = Played::by(&mut command);
    let followed = server.map_or(Ok(()), ScriptedServer::finish);
    let code = played.code.ok_or("a signal ended the program")?;
    let exit = if code == 0 { String::new() } else { format!("{code}\n") };
    let mut faults: Vec<String> = followed.err().into_iter().collect();
    for (file, said) in [("stdout.txt", played.stdout), ("stderr.txt", played.stderr), ("exit.txt", exit)] {
        faults.extend(compare(&folder.join(file), file, &stable(&said)).err());
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n").into()) }
}

/// A word of `arguments.txt`.
enum Argument {
    Word(String),
    /// `NAME=VALUE` before the first word: the environment.
    Variable(String, String),
    /// `< FILE`: standard input.
    Input(String),
}

/// What `arguments.txt` asks for, or the usual: to play `scenario.yaml`, against the scripted server where there is one.
fn arguments(folder: &Path, has_server: bool) -> Result<Vec<Argument>, String> {
    let usual = if has_server { "run scenario.yaml --to <server>" } else { "run scenario.yaml" };
    let text = text_of(&folder.join("arguments.txt")).unwrap_or_else(|| usual.to_owned());
    let mut arguments = Vec::new();
    let mut words = words_of(&text)?.into_iter().peekable();
    while let Some((name, value)) = words.peek().and_then(|word| word.split_once('=')) {
        arguments.push(Argument::Variable(name.to_owned(), value.to_owned()));
        words.next();
    }
    while let Some(word) = words.next() {
        arguments.push(match word.as_str() {
            "<" => Argument::Input(words.next().ok_or("`<` names a file")?),
            _ => Argument::Word(word),
        });
    }
    Ok(arguments)
}

/// Words between blanks and line ends; single quotes keep blanks together.
fn words_of(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    for (index, part) in text.split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    if text.matches('\'').count().is_multiple_of(2) { Ok(words) } else { Err("a quote is not closed".to_owned()) }
}

/// What differs from one run to the next: times become zeros, ports that the system chose become `PORT`.
///
/// `    0.031  S: …` and `(0.412 s)` are the only times the program writes beside "it took 41 ms".
fn stable(text: &str) -> String {
    static RULES: LazyLock<[(Regex, &str); 5]> = LazyLock::new(|| {
        let rule = |pattern| Regex::new(pattern).expect("a pattern");
        [
            (rule(r"(?m)^    (\x1b\[2m)?\d+\.\d{3}"), "    ${1}0.000"),
            (rule(r"\(\d+\.\d{3} s\)"), "(0.000 s)"),
            (rule(r"\(\d+\.\d{2} s\)"), "(0.00 s)"),
            (rule(r"it took [\d.]+ m?s\b"), "it took 0 s"),
            (rule(r"127\.0\.0\.1:\d{4,5}\b"), "127.0.0.1:PORT"),
        ]
    });
    let rules = RULES.iter();
    rules.fold(text.to_owned(), |text, (pattern, with)| pattern.replace_all(&text, *with).into_owned())
}

/// Compares with a file, where none stands for nothing; writes it instead when `UPDATE` is set.
fn compare(path: &Path, name: &str, said: &str) -> Result<(), String> {
    let expected = text_of(path).unwrap_or_default();
    if said == expected {
        return Ok(());
    }
    if std::env::var_os("UPDATE").is_some() {
        let written = if said.is_empty() { fs::remove_file(path) } else { fs::write(path, said) };
        return written.map_err(|error| format!("cannot write {name}: {error}"));
    }
    let (said, expected) = (Data::text(said).raw(), Data::text(expected).raw());
    snapbox::Assert::new().try_eq(Some(&name), said, expected).map_err(|difference| difference.to_string())
}

fn text_of(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}
