//! Conditions that say the same in every run, or ask for what a reply does not have.

use crate::scenario::Expression;
use crate::scenario::source::Diagnostic;
use crate::scenario::words::similar;

/// What a reply has.
const REPLY: [&str; 7] = ["code", "enhanced", "lines", "text", "elapsed", "kind", "bytes"];

/// Looks at an `assert` or a `when`.
pub(super) fn condition(expression: &Expression, warnings: &mut Vec<Diagnostic>) {
    let source = expression.source.trim();
    let Ok(names) = expression.names() else { return };
    if names.variables.is_empty() && names.functions.is_empty() && !matches!(source, "false" | "False") {
        let warning = Diagnostic::warning(expression.span, "this condition reads no name: it is the same in every run");
        let help = if source.starts_with(['"', '\'']) {
            "leave out the inner quotes"
        } else {
            "compare something, as in `reply.code == 250`"
        };
        warnings.push(warning.help(help));
    }
    for part in source.split("reply.").skip(1) {
        let word = part.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or("");
        if REPLY.contains(&word) || word.is_empty() {
            continue;
        }
        let warning = Diagnostic::warning(expression.span, format!("a reply has no `{word}`: this is undefined"));
        let near = match word {
            "status" | "status_code" | "number" => Some("code"),
            "message" | "body" | "string" | "content" | "data" => Some("text"),
            "time" | "duration" | "latency" => Some("elapsed"),
            _ => similar(word, REPLY),
        };
        let help = near
            .map_or_else(|| format!("it has `{}`", REPLY.join("`, `")), |near| format!("did you mean `reply.{near}`?"));
        return warnings.push(warning.help(help));
    }
    let quoted = [
        "reply.code == '",
        "reply.code == \"",
        "reply.code != '",
        "reply.code != \"",
        "reply.code=='",
        "reply.code==\"",
    ];
    if quoted.iter().any(|form| source.contains(form)) {
        let warning = Diagnostic::warning(expression.span, "`reply.code` is a number, which no text equals");
        warnings.push(warning.help("leave out the quotes: `reply.code == 250`"));
    }
}
