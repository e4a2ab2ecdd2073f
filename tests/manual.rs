//! Completions and manual pages, read by the shells and by groff, which `tests/servers/install` installs.

#[path = "program/mod.rs"]
mod program;

use program::smtp_script;
use std::fs;
use std::process::Command;

/// Runs a tool and gives both its streams.
#[track_caller]
fn tool(name: &str, arguments: &[&str]) -> String {
    let output = Command::new(name).args(arguments).env("LC_ALL", "C.UTF-8").output();
    let output = output.unwrap_or_else(|error| panic!("{name}: {error}: run `tests/servers/install`"));
    let screen = [output.stdout, output.stderr].concat();
    let screen = String::from_utf8_lossy(&screen).into_owned();
    assert!(output.status.success(), "{name} {arguments:?}:\n{screen}");
    screen
}

#[test]
fn shells_read_their_completions() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let file = folder.path().join(shell);
        let script = smtp_script(&["completions", shell]);
        script.exits(0);
        for part in ["explain", "sandbox"] {
            assert!(script.out.contains(part), "{shell} does not know {part}");
        }
        fs::write(&file, &script.out).unwrap();
        if matches!(shell, "bash" | "zsh" | "fish") {
            assert_eq!(tool(shell, &["-n", file.to_str().unwrap()]), "");
        }
    }
    smtp_script(&["completions", "tcsh"]).exits(2).says(&["bash", "zsh"]);
}

#[test]
fn bash_completes_commands_options_and_names() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bash");
    fs::write(&file, smtp_script(&["completions", "bash"]).out).unwrap();
    let completed = |words: &[&str]| {
        let (last, before) = words.split_last().unwrap();
        let script = format!(
            "source {}; COMP_WORDS=({}); COMP_CWORD={}; $(complete -p smtp-script | sed 's/.*-F \\([^ ]*\\).*/\\1/') \
             smtp-script {last:?} {}; echo \"${{COMPREPLY[@]}}\"",
            file.display(),
            words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" "),
            before.len(),
            before.last().unwrap(),
        );
        tool("bash", &["-c", &script])
    };
    assert_eq!(completed(&["smtp-script", "expl"]), "explain\n");
    assert_eq!(completed(&["smtp-script", "run", "--sand"]), "--sandbox\n");
    assert_eq!(completed(&["smtp-script", "new", "micr"]), "microsoft-365\n");
    assert_eq!(completed(&["smtp-script", "list", "relay/v"]), "relay/vrfy\n");
    assert_eq!(completed(&["smtp-script", "explain", "--provider", "amaz"]), "amazon-ses\n");
}

#[test]
fn groff_formats_every_page_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    smtp_script(&["man", "--dir", folder.path().join("man1").to_str().unwrap()]).exits(0);
    let mut pages = 0;
    for entry in fs::read_dir(folder.path().join("man1")).unwrap() {
        let path = entry.unwrap().path();
        let formatted = tool("groff", &["-man", "-ww", "-rLL=100n", "-Tutf8", "-Z", path.to_str().unwrap()]);
        assert!(!formatted.contains("warning:") && !formatted.contains("error:"), "{}:\n{formatted}", path.display());
        pages += 1;
    }
    assert!(pages > 7, "{pages}");
}

#[test]
fn a_page_is_printed_for_each_command() {
    smtp_script(&["man"]).exits(0).says(&[".TH smtp-script 1", ".SH NAME", "smtp\\-script\\-run(1)"]);
    smtp_script(&["man", "explain"])
        .exits(0)
        .says(&[".TH smtp-script-explain 1", "\\-\\-provider"])
        .keeps(&["sandbox"]);
    smtp_script(&["man", "explan"]).exits(2).says(&["there is no command `explan`", "did you mean `explain`?"]);
    smtp_script(&["man", "--dir", "/proc/nowhere"]).exits(2).says(&["cannot write"]);
}
