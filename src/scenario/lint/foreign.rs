//! Templates of other tools, and placeholders of guides: they are sent as they stand.
//!
//! Responsible for one table of syntaxes. What looks like a template in any case warns everywhere but in mail data, which is
//! full of braces; what may be text warns where its name is one of the file's.

use crate::scenario::source::{Diagnostic, DiagnosticKind};
use crate::scenario::template::Text;
use std::collections::BTreeSet;

/// How templates are written elsewhere: what opens one, what closes it, and whether nothing else is written so.
struct Syntax {
    open: &'static str,
    close: &'static str,
    sure: bool,
}

const fn syntax(open: &'static str, close: &'static str, sure: bool) -> Syntax {
    Syntax { open, close, sure }
}

/// Longer openings stand before those that they begin with. An empty `close`: a name ends where it ends.
const SYNTAXES: &[Syntax] = &[
    syntax("${{", "}}", true),
    syntax("{{{", "}}}", true),
    syntax("{{", "}}", true),
    syntax("{%", "%}", true),
    syntax("<%=", "%>", true),
    syntax("<%", "%>", true),
    syntax("<?=", "?>", true),
    syntax("${", "}", true),
    syntax("$(", ")", true),
    syntax("$[", "]", false),
    syntax("#{", "}", true),
    syntax("%{", "}", true),
    syntax("%(", ")s", true),
    syntax("@{", "}", true),
    syntax("[[", "]]", true),
    syntax("{$", "}", true),
    syntax("__", "__", false),
    syntax("%%", "%%", false),
    syntax("%", "%", false),
    syntax("@@", "@@", false),
    syntax("@", "@", false),
    syntax("{", "}", false),
    syntax("[", "]", false),
    syntax("<", ">", false),
    syntax("$", "", false),
    syntax(":", "", false),
    syntax("~", "~", false),
    syntax("#", "#", false),
];

/// Words that a guide writes where the reader's own belong.
const PLACEHOLDERS: &[&str] = &[
    "your_",
    "your-password",
    "your-user",
    "your-domain",
    "your-host",
    "your-server",
    "your-api",
    "your-token",
    "your-email",
    "your-",
    "your.",
    "<your",
    "yourpassword",
    "yourusername",
    "yourdomain",
    "your password",
    "my_password",
    "changeme",
    "change_me",
    "change-me",
    "replace_me",
    "replaceme",
    "replace-me",
    "replace_with",
    "insert_",
    "xxxx",
    "<password>",
    "<username>",
    "<user>",
    "<api-key>",
    "<api_key>",
    "<token>",
    "<host>",
    "<hostname>",
    "<server>",
    "<domain>",
    "<secret>",
    "<port>",
    "<from>",
    "<to>",
    "<sender>",
    "<recipient>",
    "<email>",
    "[password]",
    "[username]",
    "[your",
    "{password}",
    "{username}",
    "enter_",
    "put_your",
    "todo",
    "tbd",
    "fill_in",
    "placeholder",
    "api_key_here",
    "_here",
    "******",
    "<...>",
    "…",
    "foobar.com.invalid",
];

/// Where a text stands: which of these it is looked through for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// A line, a name, a host.
    Text,
    /// Mail data, where braces are common.
    MailData,
    /// A pattern, where `$`, `{` and `[` have meanings of their own.
    Pattern,
}

/// Warns of the first foreign template of a text.
pub(super) fn template(text: &Text, of: Of, declared: &BTreeSet<String>, warnings: &mut Vec<Diagnostic>) {
    let Some(found) = find(&text.source, of, declared).or_else(|| printf(&text.source, of)) else { return };
    let span = text.span_of(&found.range);
    let written = &text.source[found.range.clone()];
    let warning =
        Diagnostic::warning(span, format!("`{written}` is sent as it stands: templates are written `<<name>>` here"));
    // The environment of a shell has capital letters, and means the same.
    let own = |name: &String| declared.get(name).or_else(|| declared.iter().find(|own| own.eq_ignore_ascii_case(name)));
    let help = match (&found.name, found.name.as_ref().and_then(own)) {
        (Some(_), Some(own)) => format!("write `<<{own}>>`"),
        (Some(name), None) => format!("write `<<{name}>>`, and declare `{name}` under `vars` or `secrets`"),
        (None, _) => {
            "write `<<NAME>>`, where NAME stands under `vars` or `secrets`; `<<% if … %>>` is a statement".to_owned()
        }
    };
    warnings.push(warning.help(help).kind(DiagnosticKind::ForeignTemplate));
}

/// Which pairs of bytes a text holds, roughly: most words need not be searched for.
struct Pairs([u64; 16]);

impl Pairs {
    fn of(text: &[u8]) -> Pairs {
        let mut pairs = Pairs([0; 16]);
        for pair in text.windows(2) {
            let (word, bit) = Pairs::place(pair);
            pairs.0[word] |= bit;
        }
        pairs
    }

    fn may_hold(&self, word: &[u8]) -> bool {
        word.windows(2).all(|pair| {
            let (word, bit) = Pairs::place(pair);
            self.0[word] & bit != 0
        })
    }

    fn place(pair: &[u8]) -> (usize, u64) {
        let hash = usize::from(pair[0]).wrapping_mul(31).wrapping_add(usize::from(pair[1])) % 1024;
        (hash / 64, 1 << (hash % 64))
    }
}

/// Warns of a placeholder that was not replaced.
pub(super) fn placeholder(text: &Text, warnings: &mut Vec<Diagnostic>) {
    // One warning about a text is enough.
    if warnings.last().is_some_and(|last| {
        last.span.start >= text.span.start
            && last.span.end <= text.span.end
            && last.kind == DiagnosticKind::ForeignTemplate
    }) {
        return;
    }
    let lower = text.source.to_ascii_lowercase();
    let pairs = Pairs::of(lower.as_bytes());
    let mut words = PLACEHOLDERS.iter().filter(|word| pairs.may_hold(word.as_bytes()));
    let Some((at, word)) = words.find_map(|word| Some((lower.find(word)?, *word))) else { return };
    let inside_of_template = text.source[..at].rfind("<<").is_some_and(|open| !text.source[open..at].contains(">>"));
    let template =
        word.starts_with('<') && (text.source[..at].ends_with('<') || text.source[at + word.len()..].starts_with('>'));
    // `xxxx` may be filler, `todo@example.com` a mailbox: alone or in capitals they are neither.
    let weak = matches!(
        word,
        "todo" | "tbd" | "xxxx" | "…" | "enter_" | "insert_" | "placeholder" | "_here" | "your." | "your-" | "******"
    );
    let alone = lower.trim().len() == word.len() || text.source[at..at + word.len()].chars().any(char::is_uppercase);
    if inside_of_template || template || weak && !alone {
        return;
    }
    let span = text.span_of(&(at..at + word.len()));
    let warning = Diagnostic::warning(span, "this looks like a placeholder of a guide, and is taken as it stands");
    warnings.push(warning.help("write your own value, or `<<name>>` with the name under `vars` or `secrets`"));
}

/// `%s` and `{}`, where a program would put a value.
fn printf(source: &str, of: Of) -> Option<ForeignForm> {
    let forms = ["%s", "%d", "%v", "{}", "{0}", "$1"];
    let word = |form: &&str| {
        let at = source.find(*form)?;
        let after = source[at + form.len()..].chars().next();
        (of == Of::Text && after.is_none_or(|next| !next.is_ascii_alphanumeric()))
            .then(|| ForeignForm { range: at..at + form.len(), name: None })
    };
    forms.iter().find_map(word)
}

/// The name in a text that is a template of another tool for sure.
pub(crate) fn foreign_name(text: &str) -> Option<String> {
    find(text, Of::Pattern, &BTreeSet::new()).and_then(|found| found.name)
}

struct ForeignForm {
    range: std::ops::Range<usize>,
    name: Option<String>,
}

/// No template is longer, in bytes.
const LONGEST: usize = 1000;

/// The first bytes of all openings, which are ASCII.
const OPENINGS: &[u8] = b"${<#%@[_:~";

fn find(source: &str, of: Of, declared: &BTreeSet<String>) -> Option<ForeignForm> {
    let ours = ours(source);
    let mut own = ours.iter().peekable();
    let mut closings = [0; SYNTAXES.len()];
    let openings = source.bytes().enumerate().filter(|(_, byte)| OPENINGS.contains(byte));
    openings.map(|(at, _)| at).find_map(|at| {
        while own.next_if(|range| range.end <= at).is_some() {}
        if own.peek().is_some_and(|range| range.contains(&at)) {
            return None;
        }
        let found = SYNTAXES.iter().zip(&mut closings).find_map(|(syntax, next)| template_at(source, at, syntax, next));
        found.filter(|found| {
            let named = found.name.as_ref().is_some_and(|name| declared.contains(name));
            let syntax = SYNTAXES.iter().find(|syntax| source[at..].starts_with(syntax.open));
            let sure = syntax.is_some_and(|syntax| syntax.sure);
            match of {
                Of::Text => named || sure || environment(&source[found.range.clone()]),
                Of::MailData => named,
                Of::Pattern => {
                    named && !matches!(syntax.map_or("", |syntax| syntax.open), "$" | "[" | "{" | ":" | "#" | "~")
                        || sure && found.name.is_some() && !source[at..].starts_with("[[")
                }
            }
        })
    })
}

/// `$HOST` and `%HOST%`: the environment of a shell.
fn environment(written: &str) -> bool {
    let name = written.trim_matches(['$', '%', '@', '_', '{', '}']);
    let capital = name.len() > 1
        && name.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_' || letter.is_ascii_digit());
    capital
        && name.starts_with(|letter: char| letter.is_ascii_uppercase())
        && written.starts_with(['$', '%', '{', '@'])
        && (!written.starts_with('@') || written.ends_with('@'))
}

/// The template of this syntax that begins here. `next` is the last place at which its closing was found: of many openings
/// before it none searches again.
fn template_at(source: &str, at: usize, syntax: &Syntax, next: &mut usize) -> Option<ForeignForm> {
    let inside = source[at..].strip_prefix(syntax.open)?;
    let start = at + syntax.open.len();
    if syntax.close.is_empty() {
        let end =
            inside.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_')).unwrap_or(inside.len());
        let name = &inside[..end];
        let before = source[..at].chars().next_back();
        let joined = before.is_some_and(|before| {
            before.is_ascii_alphanumeric() || before == syntax.open.chars().next().unwrap_or(' ')
        });
        let colon_of_a_line = syntax.open == ":" && before.is_none_or(|before| before.is_ascii_alphanumeric());
        let is_name = is_name(name) && !joined && !colon_of_a_line;
        return is_name.then(|| ForeignForm { range: at..start + end, name: Some(name.to_owned()) });
    }
    if *next < start {
        *next = inside.find(syntax.close).map_or(usize::MAX, |length| start + length);
    }
    let length = next.checked_sub(start).filter(|length| *length <= LONGEST)?;
    let inner = inside[..length].trim();
    let end = start + length + syntax.close.len();
    let name = name_of(inner);
    // A bracket around anything else is text, unless nothing but a template is written so.
    let plain = name.is_some() || syntax.sure && !inner.is_empty() && inner.len() < 80 && !inner.contains('\n');
    plain.then_some(ForeignForm { range: at..end, name })
}

/// The name that a template of another tool reads: `domain`, `.Values.domain`, `secrets.DOMAIN`, `domain | default`.
fn name_of(inner: &str) -> Option<String> {
    let first = inner.split(['|', '?', ',', '(']).next().unwrap_or(inner);
    let first =
        first.split(":-").next().unwrap_or(first).trim().trim_start_matches(['-', '&', '=', '^', '#', '/', '.']);
    let last = first.rsplit(['.', ':']).next().unwrap_or(first).trim();
    is_name(last).then(|| last.to_owned())
}

fn is_name(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && text.len() <= 40
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The ranges of this language's own templates.
fn ours(source: &str) -> Vec<std::ops::Range<usize>> {
    let mut ranges = Vec::new();
    let mut from = 0;
    while let Some(open) = source[from..].find("<<") {
        let start = from + open;
        let end = source[start..].find(">>").map_or(source.len(), |length| start + length + 2);
        ranges.push(start..end);
        from = end;
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str, of: Of) -> Option<String> {
        let declared = BTreeSet::from(["domain".to_owned()]);
        find(source, of, &declared).map(|found| source[found.range].to_owned())
    }

    #[test]
    fn templates_of_others() {
        for foreign in [
            "{{domain}}",
            "{{ domain }}",
            "${domain}",
            "$domain",
            "%domain%",
            "{domain}",
            "#{domain}",
            "@domain@",
            "%(domain)s",
            "%{domain}",
            "<%= domain %>",
            "[[domain]]",
            "${{ vars.domain }}",
            "$(domain)",
            "[domain]",
            "<domain>",
            "__domain__",
            "{{ other | upper }}",
            "${OTHER:-x}",
            "$HOST",
            "%HOST%",
            "{% if x %}",
        ] {
            let source = format!("EHLO {foreign}");
            assert_eq!(found(&source, Of::Text).as_deref(), Some(foreign), "{source}");
        }
        for text in [
            "EHLO client.example",
            "MAIL FROM:<a@b.example>",
            "RCPT TO:<user%host@relay.example>",
            "EHLO [192.0.2.1]",
            "MAIL FROM:<<<domain>>>",
            "EHLO [<<domain>>]",
            "MAIL FROM:<> SIZE=100",
            "price: $5 {x y}",
            "RCPT TO:<@a:b@c>",
        ] {
            assert_eq!(found(text, Of::Text), None, "{text}");
        }
        assert_eq!(found("body { color: red } {{other}}", Of::MailData), None);
        assert_eq!(found("Hello {{domain}}", Of::MailData).as_deref(), Some("{{domain}}"));
        assert_eq!(found("^250[ -]SIZE (?<size>[0-9]{1,3})$", Of::Pattern), None);
        assert_eq!(found("^250 {{other}}", Of::Pattern).as_deref(), Some("{{other}}"));
    }

    #[test]
    fn placeholders_of_guides() {
        let warned = |source: &str| {
            let text = Text::parse(source, crate::scenario::Span::default(), crate::scenario::yaml::Layout::unknown());
            let mut warnings = Vec::new();
            placeholder(&text.unwrap(), &mut warnings);
            !warnings.is_empty()
        };
        for placeholder in
            ["YOUR_PASSWORD", "your-password", "smtp.your_domain.com", "<your password>", "changeme", "REPLACE_ME"]
        {
            assert!(warned(placeholder), "{placeholder}");
        }
        for value in ["todo@example.com", "<<password>>", "<<<from>>>", "hunter2"] {
            assert!(!warned(value), "{value}");
        }
    }
}
