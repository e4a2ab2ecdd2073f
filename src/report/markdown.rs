//! The ticket: a report in Markdown that a person reads without any tool, and that the program plays again.
//!
//! Responsible for its words and layout. One report holds one scenario: of several the first that did not follow its
//! script, or the first of all where each did. Of the others it holds everything that diverged. Nothing that came from a
//! server or a scenario stands outside of code, so that no Markdown and no HTML in it has an effect.

mod again;
mod others;

use super::audit;
use super::finding::Finding;
use super::model::{Certificate, Divergence, Line, Report, ScenarioReport, Session, Speaker, StepVerdict, Verdict};
use super::words;
use crate::fence::{RECORDING, SCENARIO};
use crate::scenario::declared_secrets;
use crate::visible::without_commands;
use std::fmt::Write as _;
use std::io;

/// The heading that facts about the run stand below.
pub(super) const CIRCUMSTANCES: &str = "## Circumstances";
/// Of a longer transcript the first and the last lines are shown.
const FIRST_LINES: usize = 200;
const LAST_LINES: usize = 400;
/// Of a longer line the beginning is shown, in characters.
const LINE_LENGTH: usize = 1000;

/// Writes the ticket; of an audit, everything that failed.
///
/// # Errors
/// What the output says.
pub fn write(report: &Report, printed: bool, output: &mut dyn io::Write) -> io::Result<()> {
    output.write_all(ticket(report, printed).as_bytes())
}

fn ticket(report: &Report, printed: bool) -> String {
    let mut page = String::new();
    if let Some(audit) = &report.audit {
        return audit::markdown(audit);
    }
    match subject(report) {
        Some(scenario) => {
            headline(scenario, &mut page);
            what_happened(scenario, &mut page);
            script(scenario, printed, &mut page);
            transcript(scenario, &mut page);
            circumstances(report, scenario, &mut page);
            others::others(report, scenario, &mut page);
            recording(scenario, printed, &mut page);
        }
        None if report.load.is_some() => page.push_str("# smtp-script: every run followed its script\n"),
        None => page.push_str("# smtp-script: nothing was played\n"),
    }
    if !report.errors.is_empty() {
        page.push_str("\n## Errors of the run\n\n");
        report.errors.iter().for_each(|error| bullet(error, &mut page));
    }
    page
}

/// The scenario that the report is about.
fn subject(report: &Report) -> Option<&ScenarioReport> {
    report.scenarios.iter().find(|one| went_wrong(one)).or(report.scenarios.first())
}

fn went_wrong(scenario: &ScenarioReport) -> bool {
    !matches!(scenario.verdict, Verdict::Followed | Verdict::Flaky | Verdict::NotPlayed | Verdict::NotApplicable)
}

fn headline(scenario: &ScenarioReport, page: &mut String) {
    _ = writeln!(page, "# {}: {}\n", code(&scenario.name), verdict(scenario.verdict));
    let sessions: Vec<String> =
        scenario.sessions.iter().filter(|it| !it.name.starts_with("server ")).map(server).collect();
    let to = match sessions.first() {
        Some(first) if sessions.iter().all(|other| other == first) => format!(" against {first}"),
        Some(_) => format!(" against {}", sessions.join(", ")),
        None => String::new(),
    };
    _ = writeln!(page, "{} was played{to} on {}.", code(&scenario.path), code(&scenario.started));
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Followed => "followed its script",
        Verdict::Flaky => "followed its script on a retry",
        Verdict::Diverged => "diverged",
        Verdict::Unreachable => "unreachable",
        Verdict::Broken => "broken",
        Verdict::Interrupted => "interrupted",
        Verdict::NotPlayed => "was not played",
        Verdict::Warned => "diverged, which is a warning",
        Verdict::NotApplicable => "not applicable",
    }
}

/// What was expected, what came, and what is known about it.
fn what_happened(scenario: &ScenarioReport, page: &mut String) {
    for (index, divergence) in scenario.divergences.iter().enumerate() {
        let title = if index == 0 { "What happened" } else { "And then" };
        _ = writeln!(page, "\n## {title}");
        diverged(divergence, page);
    }
    for error in &scenario.errors {
        _ = writeln!(page, "\n{}", fenced("text", &error.rendered));
    }
    if !scenario.attempts.is_empty() {
        page.push_str("\nAttempts before this one:\n\n");
        scenario.attempts.iter().for_each(|attempt| bullet(&attempt.message, page));
    }
    if !scenario.notices.is_empty() {
        page.push_str("\nTo know:\n\n");
        scenario.notices.iter().for_each(|notice| bullet(notice, page));
    }
}

/// One divergence: what it is, where, and what helps.
fn diverged(divergence: &Divergence, page: &mut String) {
    let diagnostic = &divergence.diagnostic;
    _ = writeln!(page, "\n{}", code(&diagnostic.message));
    _ = writeln!(page, "\n{}", fenced("text", &words::excerpt(diagnostic)));
    diagnostic.notes.iter().for_each(|note| bullet(note, page));
    diagnostic.help.iter().for_each(|help| _ = writeln!(page, "- What to do: {}", code(help)));
}

fn script(scenario: &ScenarioReport, printed: bool, page: &mut String) {
    let Some(script) = &scenario.script else { return };
    _ = write!(
        page,
        "\n## The scenario\n\n`smtp-script run FILE` plays this report again, when FILE is its name:\n\n{}\n\
         It says whether the same happened again. {}`--to HOST:PORT` plays against another server.\n\n{}",
        fenced("console", &format!("$ {}", again::command_line(scenario, script))),
        if declared_secrets(script).is_empty() {
            ""
        } else {
            "It asks for the secrets; `--made-up-secrets` makes some up. "
        },
        block(SCENARIO, script, printed)
    );
}

/// A text that the program plays. What is printed may be read by a CI runner: where it would obey something in it, the copy
/// is one for people.
fn block(info: &str, text: &str, printed: bool) -> String {
    let harmless = without_commands(text);
    if !printed || harmless == text {
        return fenced(info, text);
    }
    format!(
        "A CI runner would take something in this for a command: it is changed here, and this copy can't be played. `--report \
         markdown=FILE` writes one that can.\n\n{}",
        fenced("text", &harmless)
    )
}

// --- the conversation ------------------------------------------------------------------------------------------

fn transcript(scenario: &ScenarioReport, page: &mut String) {
    let lines = &scenario.transcript;
    if lines.is_empty() {
        return;
    }
    let several = lines.iter().any(|line| line.session != lines[0].session);
    let marked: Vec<(usize, String)> = scenario.divergences.iter().filter_map(|one| mark(scenario, one)).collect();
    let elided = lines.len().saturating_sub(FIRST_LINES + LAST_LINES);
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        if elided > 0 && (FIRST_LINES..FIRST_LINES + elided).contains(&index) {
            if index == FIRST_LINES {
                _ = writeln!(text, "... {elided} lines left out ...");
            }
            continue;
        }
        text.push_str(&shown(line, several));
        if let Some((_, label)) = marked.iter().find(|(at, _)| *at == index) {
            _ = write!(text, "     <-- {label}");
        }
        text.push('\n');
    }
    let legend = "C: is the client, S: the server; times are seconds from the start.";
    _ = write!(page, "\n## What was said\n\n{legend}\n\n{}", fenced("text", &text));
}

/// The line that a divergence is about, or the last of its step.
fn mark(scenario: &ScenarioReport, divergence: &Divergence) -> Option<(usize, String)> {
    let of_step =
        |line: &Line| line.step == divergence.step && !(line.step.is_empty() && line.text.starts_with("closed by"));
    let line = divergence.line.or_else(|| scenario.transcript.iter().rposition(of_step))?;
    Some((line, words::step_number(&divergence.step)))
}

fn shown(line: &Line, several: bool) -> String {
    let mark = match line.speaker {
        Speaker::Client => "C:",
        Speaker::Server => "S:",
        Speaker::Note => "* ",
    };
    let session = if several { format!("{} ", line.session) } else { String::new() };
    let text = words::cut(&line.text, LINE_LENGTH);
    format!("{:9.3}  {session}{mark} {text}", line.at).trim_end().to_owned()
}

fn recording(scenario: &ScenarioReport, printed: bool, page: &mut String) {
    let Some(recording) = &scenario.recording else { return };
    _ = write!(
        page,
        "\n## The server's side\n\n`smtp-script serve FILE` plays what the server did here. It takes any secret.\n\n{}",
        block(RECORDING, recording, printed)
    );
}

// --- around it -------------------------------------------------------------------------------------------------

fn circumstances(report: &Report, scenario: &ScenarioReport, page: &mut String) {
    _ = write!(page, "\n{CIRCUMSTANCES}\n\n");
    let program = format!("{} {}", report.program.name, report.program.version);
    let platform = match report.program.platform.as_str() {
        "" => String::new(),
        platform => format!(" on {}", code(platform)),
    };
    _ = writeln!(page, "- {}{platform}", code(&program));
    _ = writeln!(
        page,
        "- begun {}, {:.3} s long, exit code {}",
        code(&scenario.started),
        scenario.duration,
        scenario.exit_code
    );
    _ = writeln!(page, "{}", Finding::of(scenario).line());
    let count = |verdict| scenario.steps.iter().filter(|step| step.verdict == verdict).count();
    _ = writeln!(
        page,
        "- steps: {} followed, {} diverged, {} skipped, {} not reached",
        count(StepVerdict::Followed),
        count(StepVerdict::Diverged),
        count(StepVerdict::Skipped),
        count(StepVerdict::Unreached)
    );
    scenario.sessions.iter().for_each(|session| about_session(session, page));
    for (name, value) in &scenario.captures {
        _ = writeln!(page, "- captured {}: {}", code(name), code(&words::cut(value, LINE_LENGTH)));
    }
}

fn about_session(session: &Session, page: &mut String) {
    let address = session.address.as_ref().map(|address| format!(" at {}", code(address))).unwrap_or_default();
    let octets = format!("{} octets sent, {} received", session.sent, session.received);
    _ = writeln!(page, "- session {}: {}{address}, {octets}", code(&session.name), server(session));
    for tls in &session.tls {
        let verified = if tls.verified { "verified" } else { "NOT verified" };
        _ = writeln!(page, "  - {}, {}, certificate {verified}", code(&tls.version), code(&tls.cipher));
        tls.certificate.iter().for_each(|certificate| about_certificate(certificate, page));
    }
    if let Some(certificate) = &session.refused_certificate {
        _ = writeln!(page, "  - certificate refused");
        about_certificate(certificate, page);
    }
}

fn about_certificate(certificate: &Certificate, page: &mut String) {
    _ = writeln!(page, "  - subject {}, issuer {}", code(&certificate.subject), code(&certificate.issuer));
    _ = writeln!(
        page,
        "  - for {}, valid from {} to {}",
        code(&certificate.names.join(", ")),
        code(&certificate.not_before),
        code(&certificate.not_after)
    );
}

/// Whom the session spoke to, and in whose place.
fn server(session: &Session) -> String {
    let named = code(&format!("{}:{}", session.host, session.port));
    match session.stand_in.as_deref() {
        Some("the sandbox") => format!("the sandbox, standing in for {named}"),
        Some(stand_in) => format!("{}, standing in for {named}", code(stand_in)),
        None => named,
    }
}

// --- Markdown --------------------------------------------------------------------------------------------------

fn bullet(text: &str, page: &mut String) {
    _ = writeln!(page, "- {}", code(text));
}

/// Text in which nothing has a meaning to Markdown: code on one line.
pub(super) fn code(text: &str) -> String {
    let line: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let fence = "`".repeat(longest_run(&line) + 1);
    let blank = if line.starts_with(['`', ' ']) || line.ends_with(['`', ' ']) || line.is_empty() { " " } else { "" };
    format!("{fence}{blank}{line}{blank}{fence}")
}

/// Text in a fence that nothing in it can close.
pub(super) fn fenced(info: &str, text: &str) -> String {
    let fence = "`".repeat((longest_run(text) + 1).max(3));
    let end = if text.ends_with('\n') { "" } else { "\n" };
    format!("{fence}{info}\n{text}{end}{fence}\n")
}

fn longest_run(text: &str) -> usize {
    text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_ends_where_it_should() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`a"), "`` `a ``");
        assert_eq!(code("<b>\n# x"), "`<b> # x`");
        assert_eq!(fenced("text", "a\n````\nb"), "`````text\na\n````\nb\n`````\n");
    }
}
