//! The shell in a real terminal: tmux shows what a person would see.

use super::harness::{Played, ScriptedServer, smtp_script};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a text may take to appear.
const PATIENCE: Duration = Duration::from_secs(20);

/// A tmux of its own with one pane, in which the shell runs.
struct Terminal {
    socket: String,
    folder: TempDir,
}

impl Terminal {
    fn start(arguments: &str) -> Terminal {
        Terminal::in_folder(TempDir::new().unwrap(), arguments)
    }

    fn in_folder(folder: TempDir, arguments: &str) -> Terminal {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let socket = format!("smtp-script-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let terminal = Terminal { socket, folder };
        let home = terminal.path().display().to_string();
        let program = env!("CARGO_BIN_EXE_smtp-script");
        let line = format!(
            "cd {home}; env -u SMTP_SCRIPT_SECRET_PASSWORD HOME={home} XDG_STATE_HOME={home}/state TERM=screen {program} shell {arguments} --ehlo me.example; echo \"ended with $?\"; sleep 60"
        );
        terminal.tmux(&["new-session", "-d", "-x", "120", "-y", "50", &line]);
        terminal
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("tmux");
        let output = command.args(["-L", &self.socket, "-f", "/dev/null"]).args(arguments).output();
        let output = output.expect("tmux, which tests/servers/install installs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Presses keys, each as tmux names them.
    fn press(&self, keys: &[&str]) -> &Terminal {
        self.tmux(&[&["send-keys"], keys].concat());
        self
    }

    /// Types a text as it is.
    fn types(&self, text: &str) -> &Terminal {
        self.tmux(&["send-keys", "-l", text]);
        self
    }

    fn enters(&self, text: &str) -> &Terminal {
        self.types(text).press(&["Enter"])
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-J"])
    }

    /// Waits until the screen is as it should be.
    fn shows(&self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let screen = self.screen();
            if fits(&screen) {
                return screen;
            }
            assert!(start.elapsed() < PATIENCE, "not shown: {what}\n{screen}");
            sleep(Duration::from_millis(20));
        }
    }

    /// Waits until this stands in the last line that is not empty.
    fn prompts(&self, text: &str) -> String {
        let last = |screen: &str| screen.trim_end().lines().last().unwrap_or_default().trim_end().to_owned();
        self.shows(text, |screen| last(screen) == text.trim_end())
    }

    /// Waits until this stands on the screen.
    fn says(&self, text: &str) -> String {
        self.shows(text, |screen| screen.contains(text))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // One that has ended needs no end.
        _ = Command::new("tmux").args(["-L", &self.socket, "kill-server"]).output();
    }
}

#[test]
fn a_session_as_a_person_has_it() {
    let terminal = Terminal::start("--sandbox");
    terminal.prompts("sandbox>");
    // Completion of verbs, of this server's keywords, and of what they take.
    terminal.types("eh").press(&["Tab"]).prompts("sandbox> EHLO name.of.this.host");
    terminal.press(&["Tab"]).prompts("sandbox> EHLO me.example");
    terminal.press(&["Enter"]).says("S: 250-AUTH PLAIN LOGIN");
    terminal.prompts("sandbox>");
    terminal.types("AUTH xo").press(&["Tab"]).prompts("sandbox> AUTH XOAUTH2");
    terminal.press(&["C-c"]).prompts("sandbox>");
    terminal.types(".starttl").press(&["Tab", "Enter"]).says("certificate verified");
    terminal.prompts("sandbox tls>");
    terminal.enters(".ehlo").says("C: EHLO me.example");
    // Nobody sees the password.
    terminal.enters(".auth plain mary").prompts("password:");
    terminal.enters("letmein").says("S: 235 2.7.0");
    let screen = terminal.prompts("sandbox tls>");
    assert!(!screen.contains("letmein") && screen.contains("C: AUTH PLAIN <<credentials>>"), "{screen}");
    // History.
    terminal.press(&["Up"]).prompts("sandbox tls> .auth plain mary");
    terminal.press(&["C-u"]).enters("MAIL FROM:<a@example.com>").says("S: 250 2.1.0");
    terminal.types("MAIL FROM:<a@example.com> BOD").press(&["Tab"]).says("BODY=");
    terminal.press(&["C-u"]).enters("RCPT TO:<b@example.com>").says("S: 250 2.1.5");
    terminal.enters("DATA").prompts("sandbox tls data>");
    terminal.enters("Subject: by hand").enters("").enters("a letter").enters(".").says("S: 250 2.0.0");
    terminal.prompts("sandbox tls>");
    terminal.enters("Q").says("S: 500");
    terminal.enters(".explain").says("RFC 5321");
    terminal.enters(".save by-hand.yaml").says("saved to by-hand.yaml");
    terminal.enters(".quit").says("ended with 0");
    let remembered = fs::read_to_string(terminal.path().join("state/smtp-script/history")).unwrap();
    assert!(
        remembered.contains("MAIL FROM:<a@example.com>") && remembered.contains("EHLO me.example\n"),
        "{remembered}"
    );
    assert!(!remembered.contains("letmein") && !remembered.contains("a letter"), "{remembered}");
    let played = Played::by(smtp_script(terminal.path()).args([
        "run",
        "by-hand.yaml",
        "--sandbox",
        "--secret",
        "username=mary",
        "--secret",
        "password=letmein",
    ]));
    assert_eq!(played.code, Some(0), "{}{}", played.stdout, played.stderr);
}

#[test]
fn what_nobody_asked_for_comes_while_one_types() {
    let server = "S: 220 hi\nC: NOOP\nS: 250 ok\npause 1000ms\nS: 421 4.4.2 too slow\nclose\n";
    let server = ScriptedServer::start(server);
    let address = server.address();
    let terminal = Terminal::start(&address);
    terminal.prompts(&format!("{address}>"));
    terminal.enters("NOOP").says("S: 250 ok");
    terminal.types("MAIL FROM:<half").says("S: 421 4.4.2 too slow");
    terminal.says("*  closed by the server");
    // The line is whole, below it.
    terminal.prompts(&format!("{} closed> MAIL FROM:<half", in_place_of(&address)));
    terminal.press(&["Enter"]).says("error: there is no connection: `.connect` opens one");
    terminal.prompts(&format!("{address} closed>"));
    terminal.press(&["C-d"]).says("ended with 1");
    server.finish().unwrap();
}

/// The end of an address, which makes room for ` closed` in a prompt that was measured without it.
fn in_place_of(address: &str) -> String {
    format!("\u{2026}{}", &address[" closed".len() + 1..])
}

#[test]
fn the_prompt_follows_the_reply_that_was_owed() {
    let server = ScriptedServer::start("S: 220 hi\nC: NOOP\npause 1500ms\nS: 250 ok\nwait-close\n");
    let address = server.address();
    let terminal = Terminal::start(&address);
    terminal.prompts(&format!("{address}>"));
    terminal.enters("NOOP").says("> NOOP\n");
    terminal.press(&["C-c"]).says("given up waiting");
    terminal.says("S: 250 ok");
    terminal.prompts(&format!("{address}>"));
    terminal.enters(".wait").says("no reply is owed");
    terminal.press(&["C-d"]).says("ended with 0");
    server.finish().unwrap();
}

#[test]
fn ctrl_c_ends_a_wait_and_ctrl_d_the_session() {
    let server = ScriptedServer::start("S: 220 hi\nC: NOOP\nsilence\n");
    let address = server.address();
    let terminal = Terminal::start(&address);
    terminal.prompts(&format!("{address}>"));
    terminal.enters("NOOP").says("> NOOP\n");
    terminal.press(&["C-c"]).says("given up waiting");
    terminal.prompts(&format!("{address} 1 owed>"));
    terminal.press(&["C-d"]).says("ended without QUIT");
    terminal.says("ended with 0");
    server.finish().unwrap();
}

#[test]
fn a_flood_ends_the_session_and_not_the_shell() {
    let server = ScriptedServer::start("S: 220 hi\nC: NOOP\nflood \"250 more and more\\r\\n\" 10000000\n");
    let address = server.address();
    let terminal = Terminal::start(&address);
    terminal.prompts(&format!("{address}>"));
    terminal.enters("NOOP").says("the server does not stop talking");
    terminal.enters("").prompts(&format!("{address} closed>"));
    terminal.enters(".tls").says("there is no TLS");
    terminal.press(&["C-d"]).says("ended with 1");
    server.finish().unwrap();
}

#[test]
fn lines_that_are_pasted_or_typed_ahead_are_sent_one_by_one() {
    let server =
        "S: 220 hi\nC: NOOP 1\nS: 250 1\nC: NOOP 2\nS: 250 2\nC: NOOP 3\nS: 250 3\nC: NOOP 4\nS: 250 4\nwait-close\n";
    let server = ScriptedServer::start(server);
    let address = server.address();
    let terminal = Terminal::start(&address);
    terminal.prompts(&format!("{address}>"));
    terminal.press(&["-l", "NOOP 1\rNOOP 2\r"]).says("S: 250 2");
    terminal.tmux(&["set-buffer", "NOOP 3\nNOOP 4\n"]);
    terminal.tmux(&["paste-buffer", "-p", "-r"]);
    terminal.says("NOOP 4");
    terminal.press(&["Enter"]).says("S: 250 4");
    terminal.prompts(&format!("{address}>"));
    terminal.press(&["C-d"]).says("ended with 0");
    server.finish().unwrap();
}
