//! Says what is wrong with a file that is no YAML: by its cause, as far as its lines show it.
//!
//! Responsible for the words of syntax errors. Called by `yaml::read` once the parser has refused a file.

use super::indentation::{self, IndentCause};
use super::quoting::{self, quoted};
use super::span_of;
use crate::scenario::MAX_YAML_NESTING;
use crate::scenario::sides::Side;
use crate::scenario::source::{Diagnostic, Span};
use crate::scenario::typography::Lookalike;

/// A syntax error with its likely cause.
pub(super) fn syntax_error(text: &str, file: u32, error: &serde_saphyr::Error) -> Diagnostic {
    let span = error.location().map_or(Span { file, ..Span::default() }, |location| span_of(text, file, location));
    let message = message_of(error);
    if let Some(help) = super::foreign::help(text) {
        let message = limit(&message).unwrap_or_else(|| format!("not valid YAML: {message}"));
        return Diagnostic::error(span, message).help(help);
    }
    if let Some(limit) = limit(&message) {
        return Diagnostic::error(span, limit);
    }
    let place = FaultPlace::new(text, span);
    if let Some(found) = place.lookalike() {
        return found;
    }
    if let Some(found) = place.key_without_colon().or_else(|| place.misplaced(&message)) {
        return found;
    }
    let diagnostic = Diagnostic::error(span, format!("not valid YAML: {message}"));
    if text.trim_start().starts_with("# `") && place.line.starts_with('`') {
        let help = "this is a part of a ticket: its scenario, a block that begins with ```yaml smtp-script, is missing";
        return diagnostic.help(help);
    }
    if let Some((line, help)) = place.no_key_above(&message) {
        let length = text.lines().nth(line).map_or(0, str::len);
        return diagnostic.other(place.part(line, 0, length), "this line").help(help);
    }
    match place
        .unquoted_template()
        .or_else(|| quoting::of_pattern(place.line))
        .or_else(|| place.parted_value())
        .or_else(|| hint(&message, place.line))
    {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

/// The line that an error points at.
struct FaultPlace<'t> {
    text: &'t str,
    span: Span,
    /// Its number, from 0.
    number: usize,
    line: &'t str,
}

impl<'t> FaultPlace<'t> {
    fn new(text: &'t str, span: Span) -> FaultPlace<'t> {
        let start = (span.start as usize).min(text.len());
        let before = text.get(..start).unwrap_or(text);
        let number = before.matches('\n').count();
        FaultPlace { text, span, number, line: text.lines().nth(number).unwrap_or("") }
    }

    /// The span of part of a line.
    fn part(&self, line: usize, column: usize, length: usize) -> Span {
        let start: usize = self.text.split_inclusive('\n').take(line).map(str::len).sum();
        self.span.with_range(start + column, start + column + length)
    }

    /// A character that only looks right, in this line or the one above.
    fn lookalike(&self) -> Option<Diagnostic> {
        let lines = [Some(self.number), self.number.checked_sub(1)].into_iter().flatten();
        lines.filter_map(|number| Some((number, self.text.lines().nth(number)?))).find_map(|(number, line)| {
            // In a text they may be meant; before it, and as quotes around it, they are not.
            let value = line.find(": ").map_or(line.len(), |colon| colon + 2);
            let head = &line[..value];
            let bullet = line.trim_start().starts_with(['•', '–', '—', '‐', '‑', '−', '·', '－']);
            let found =
                Lookalike::first_blank(head).or_else(|| Lookalike::first(head).filter(|_| bullet || head == line));
            let quoted = || Lookalike::opening_quote(&line[value..]).map(|one| one.moved(value));
            let found = found.or_else(quoted)?;
            let text = format!("not valid YAML: {}", found.described());
            let span = self.part(number, found.at, found.found.len_utf8());
            Some(Diagnostic::error(span, text).help(found.advice()))
        })
    }

    /// A line above that is no entry, so that YAML takes this one for more of its text.
    fn no_key_above(&self, message: &str) -> Option<(usize, String)> {
        if !message.contains("mapping values") {
            return None;
        }
        let above = self.text.lines().enumerate().take(self.number);
        let (number, line) =
            above.filter(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#')).last()?;
        let line = line.trim();
        if line.contains(": ")
            || line.ends_with(':')
            || line.starts_with(['-', '"', '\'', '[', '{']) && of_start(line).is_none()
        {
            return None;
        }
        let help = of_start(line).map(str::to_owned).or_else(|| {
            let (key, value) = line.split_once('=')?;
            let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let value = value.trim_start_matches('>').trim();
            is_word(key.trim()).then(|| format!("a colon stands after a key: `{}: {value}`", key.trim()))
        });
        Some((
            number,
            help.unwrap_or_else(|| {
                "an entry is a key, a colon, a blank and a value: `connect: mx.example:25`".to_owned()
            }),
        ))
    }

    /// The line above this one that holds something.
    fn line_above(&self, number: usize) -> Option<&'t str> {
        self.text.lines().take(number).filter(|line| !line.trim().is_empty()).last()
    }

    /// A value in a line of its own, as far to the left as the key above that has none.
    fn parted_value(&self) -> Option<String> {
        let above = self.text.lines().take(self.number).filter(|line| !line.trim().is_empty());
        let key = above.last()?.strip_suffix(':')?;
        let value = self.line.trim_end();
        let is_word = key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let is_value = !value.starts_with([' ', '-', '#']) && !value.contains(": ") && !value.ends_with(':');
        (is_word && is_value).then(|| format!("a value stands beside its key: `{key}: {value}`"))
    }

    /// A template without quotes, in this line or in that of the brace above.
    fn unquoted_template(&self) -> Option<String> {
        let above = self.number.checked_sub(1).and_then(|number| self.text.lines().nth(number));
        quoted(self.line).or_else(|| above.filter(|line| line.contains(['{', '['])).and_then(quoted))
    }

    /// `- send EHLO x`, in the line above too: YAML takes it for text, and this one for its end.
    fn key_without_colon(&self) -> Option<Diagnostic> {
        let above = self.number.checked_sub(1).and_then(|number| self.without_colon(number));
        self.without_colon(self.number).or(above)
    }

    fn without_colon(&self, number: usize) -> Option<Diagnostic> {
        let line = self.text.lines().nth(number)?;
        let entry = line.trim_start();
        if let Some(found) = self.without_blank(number, entry) {
            return Some(found);
        }
        let dash = if entry.starts_with("- ") { "- " } else { "" };
        let entry = entry.strip_prefix("- ").unwrap_or(entry);
        let (key, value) = entry.split_once(' ')?;
        if value.trim_start().starts_with('=') {
            return None;
        }
        if !Side::Client.all_keys().contains(&key) && !Side::Server.all_keys().contains(&key) {
            return None;
        }
        let span = self.part(number, line.len() - entry.len(), key.len());
        let error = Diagnostic::error(span, format!("not valid YAML: no colon stands after `{key}`"));
        Some(error.help(format!("write `{dash}{key}: {}`", value.trim())))
    }

    /// `-send: x` and `- send:x`: a blank is missing after the dash or the colon.
    fn without_blank(&self, number: usize, entry: &str) -> Option<Diagnostic> {
        let known = |key: &str| Side::Client.all_keys().contains(&key) || Side::Server.all_keys().contains(&key);
        let bare = entry.strip_prefix('-').unwrap_or(entry);
        let (key, value) = bare.trim_start().split_once(':')?;
        if !known(key) {
            return None;
        }
        let dash_joined = entry.starts_with('-') && !bare.starts_with(' ');
        let colon_joined = !value.is_empty() && !value.starts_with(' ');
        let what = match (dash_joined, colon_joined) {
            (true, _) => "dash",
            (_, true) => "colon",
            _ => return None,
        };
        let dash = if entry.starts_with('-') { "- " } else { "" };
        let line = self.text.lines().nth(number)?;
        let span = self.part(number, line.len() - entry.len(), entry.len());
        let error = Diagnostic::error(span, format!("not valid YAML: no blank stands after the {what}"));
        Some(error.help(format!("write `{dash}{key}: {}`", value.trim())))
    }

    /// A line whose column is that of no line above.
    fn misplaced(&self, message: &str) -> Option<Diagnostic> {
        let found = indentation::misplaced(self.text, self.number + 1)?;
        let span = self.part(found.line, found.column, found.length);
        let word =
            self.text.lines().nth(found.line).and_then(|line| line.get(found.column..found.column + found.length));
        let word = word.unwrap_or("this");
        let error = |text: &str| Diagnostic::error(span, format!("not valid YAML: {text}"));
        if let Some((what, help)) = self.line_above(found.line).and_then(|above| indentation::goes_on(above, word)) {
            return Some(error(&what).help(help));
        }
        Some(match found.cause {
            IndentCause::Tab => error(message).help("YAML indents with blanks, not with tabs"),
            IndentCause::EmptyBlock { line } => error("the lines of this block stand no deeper than its key")
                .other(self.part(line, 0, 1), "the block begins here")
                .help("indent each line of the block deeper than the key before `|`"),
            IndentCause::NoKeyAbove => error("a list stands here, and no key above it that it belongs to")
                .help("write `steps:` in a line of its own above the first `- `"),
            IndentCause::BelowValue { key, line } if key == "connect" && !BESIDE_CONNECT.contains(&word) => {
                error(&format!("`{word}` is indented as if it belonged to `connect`, which has a value already"))
                    .other(self.part(line, 0, key.len()), "this has a value")
                    .help(format!("write `connect: {{host: NAME, port: 587, {word}: …}}`"))
            }
            IndentCause::BelowValue { key, line } => {
                error(&format!("`{word}` is indented as if it belonged to `{key}`, which has a value already"))
                    .other(self.part(line, 0, key.len()), "this has a value")
                    .help(format!("write `{word}` in column 1, if it stands beside `{key}`"))
            }
            IndentCause::Column { column, line, word: other } => {
                let (place, name) = (column + 1, if other == "-" { "`- `".to_owned() } else { format!("`{other}`") });
                error(&format!("`{word}` stands in column {}, where nothing begins", found.column + 1))
                    .other(self.part(line, column, other.len()), format!("in column {place}"))
                    .help(format!("indent it like {name} in line {}: it belongs in column {place}", line + 1))
            }
        })
    }
}

/// What stands beside `connect`, and never in it.
const BESIDE_CONNECT: [&str; 8] = ["name", "description", "tags", "vars", "secrets", "server", "steps", "finally"];

/// The limit that a message of serde-saphyr is about, in our words.
fn limit(message: &str) -> Option<String> {
    if message.contains("documents:") {
        return Some("a scenario is one YAML document: a second one begins here".to_owned());
    }
    if message.contains("recursion limit") || message.contains("depth") {
        return Some(format!("this nests deeper than the {MAX_YAML_NESTING} levels that a scenario may have"));
    }
    let other = message.contains("budget breached");
    other.then(|| "this holds more values, aliases or text than a scenario may".to_owned())
}

/// The bare message: the first line, without the place that serde-saphyr puts before or after it.
fn message_of(error: &serde_saphyr::Error) -> String {
    let rendered = error.without_snippet().to_string();
    let first = rendered.lines().next().unwrap_or("").trim();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    let cut = first.find(" at line ").or_else(|| first.find(" (line ")).unwrap_or(first.len());
    let bare = first[..cut].trim();
    match bare.strip_prefix("line ").and_then(|rest| rest.split_once(": ")) {
        Some((_, message)) => message.to_owned(),
        None => bare.to_owned(),
    }
}

/// What usually causes a syntax error in a scenario, where the columns are right.
fn hint(message: &str, line: &str) -> Option<String> {
    let value = line.split_once(": ").map_or(line, |(_, value)| value).trim();
    let is_quoted = value.starts_with(['"', '\'']);
    let tag = message.split_once("unsupported tag `!").map(|(_, tag)| tag);
    if tag.is_some_and(|tag| tag.starts_with(|first: char| first.is_ascii_alphabetic())) {
        let is_file = message.contains("include") || message.contains("import") || message.contains("file");
        return Some(if is_file { TAG_OF_FILE } else { TAG }.to_owned());
    }
    let says = |words: &str| message.contains(words);
    let help = of_sign(line, value)
        .or_else(|| {
            let is_open = says("unclosed quote") || says("unexpected end of stream") && is_quoted;
            is_open.then_some("the quote that opens here is not closed: write the same quote at the end")
        })
        .or_else(|| of_start(line.trim_start()));
    help.map(str::to_owned).or_else(|| {
        Some(
            match () {
                () if value.starts_with("^334 ") => {
                    "what a server asks for by 334 is base64: `^334 VXNlcm5hbWU6` is `Username:`, and `^334` takes any"
                }
                () if value.ends_with(':') && !is_quoted && line.contains(": ") => {
                    "leave out the colon at the end, or put the text into quotes"
                }
                () if says("flow mapping") || says("flow sequence") || says("mismatched bracket") || says("',' or") => {
                    "separate entries in braces and brackets by one comma, and close each bracket"
                }
                () if says("escape") => "a pattern with a backslash belongs in single quotes: `'^2\\d\\d'`",
                () if is_quoted => {
                    "what is quoted ends at the second quote: put the whole text into the other kind of quotes"
                }
                () if says("mapping values") || says("simple key") => {
                    return Some(quoted_or_joined(line));
                }
                () if value.starts_with('`') => "leave out the backticks, which mark code in a text and nothing here",
                () if value.starts_with(['%', '@', '{', '[', '&']) => {
                    "text that starts with one of `* & ! % @ { [` or a backtick must be quoted"
                }
                () => return None,
            }
            .to_owned(),
        )
    })
}

/// What a word with `!` before it was meant to bring.
const TAG: &str = "no tags are used here: a secret is named under `secrets:` and read as `<<name>>`; a text that begins with `!` is quoted";
const TAG_OF_FILE: &str =
    "no tags are used here: steps of another file are a step `- include: FILE`, mail data is `data: {file: FILE}`";

/// Text that holds a colon and a blank: a path has none after its colon.
fn quoted_or_joined(line: &str) -> String {
    let upper = line.to_ascii_uppercase();
    for command in ["MAIL FROM", "RCPT TO"] {
        let Some(at) = upper.find(&format!("{command}: ")) else { continue };
        let path = line[at + command.len() + 1..].trim().trim_matches(['<', '>', '"', '\'']);
        return format!("no blank stands before the path, and angle brackets around it: `send: {command}:<{path}>`");
    }
    "text that holds a colon and a blank must be quoted: `name: 'Test: my relay'`".to_owned()
}

/// A sign that means something else in YAML than whoever wrote it meant.
fn of_sign(line: &str, value: &str) -> Option<&'static str> {
    if line.contains("!=") || value.starts_with('!') {
        return Some("YAML takes `!` for the start of a tag; what must not come is `not:`, beside `code:`");
    }
    match value.chars().next()? {
        '*' => Some("`*` is not a wildcard here; the beginning of a reply is `^250`, a class of codes `2xx`"),
        '>' | '|' => Some("YAML takes `>` and `|` for the start of a block of lines: put the text into quotes"),
        '%' => Some("text that starts with `%` must be quoted; a template is `<<name>>`"),
        _ => None,
    }
}

/// A line that begins as one of another language.
fn of_start(line: &str) -> Option<&'static str> {
    let begins = |signs: &[&str]| signs.iter().any(|sign| line.starts_with(sign));
    if begins(&["```", "~~~"]) {
        return Some("leave out the fence of Markdown; a whole report in Markdown ends in `.md`");
    }
    let is_comment = begins(&["//", "/*", ";"]) || begins(&["--"]) && !begins(&["---"]);
    is_comment.then_some("a comment begins with `#`")
}
