//! Texts that YAML cut, and texts whose characters are not what they seem.

use crate::scenario::source::{Diagnostic, Sources};
use crate::scenario::template::Text;
use crate::scenario::typography::Lookalike;

/// YAML takes ` #` for the start of a comment, drops blanks at the end, and takes `&word` for an anchor.
pub(super) fn cut_by_yaml(sources: &Sources, text: &Text, warnings: &mut Vec<Diagnostic>) {
    let Some(file) = sources.file(text.span.file) else { return };
    let end = text.span.end as usize;
    let rest = file.text.get(end..).and_then(|rest| rest.lines().next()).unwrap_or("");
    let written = sources.slice(text.span);
    let quoted = written.starts_with(['"', '\'']);
    let is_block = written.contains('\n');
    // In braces a blank before the bracket is style, unless what it follows is a reply code that wants one.
    let code_alone = text.source.len() == 4 && text.source.starts_with('^');
    let dropped = rest.starts_with(' ') && (rest.trim().is_empty() || rest.starts_with(" }") && code_alone);
    if !quoted && !is_block && dropped {
        let span = text.span.with_range(end, end + 1);
        let warning = Diagnostic::warning(span, "YAML drops this blank: it is not part of the text");
        warnings.push(warning.help("put the text into quotes, or leave the blank out"));
    }
    let start = text.span.start as usize;
    let before = file.text.get(..start).and_then(|before| before.lines().last()).unwrap_or("");
    if let Some(anchor) = before.split_whitespace().last().filter(|word| word.starts_with('&') && word.len() > 1) {
        let at = start - before.len() + before.rfind(anchor).unwrap_or(0);
        let span = text.span.with_range(at, at + anchor.len());
        let warning =
            Diagnostic::warning(span, format!("YAML takes `{anchor}` for an anchor: it is not part of the text"));
        warnings.push(warning.help("put the whole text into quotes"));
    }
    // Two blanks before it, or one after it, are how people write a comment that they mean.
    if !quoted && rest.starts_with(" #") && !rest.starts_with(" # ") {
        let span = text.span.with_range(end + 1, end + rest.len());
        let warning = Diagnostic::warning(span, "YAML takes this for a comment: it is not part of the text");
        warnings.push(warning.help("put the whole text into quotes"));
    }
}

/// `"\xff"` is the character U+00FF, which has two bytes; `\r` is two characters outside of double quotes.
pub(super) fn raw_text(sources: &Sources, text: &Text, warnings: &mut Vec<Diagnostic>) {
    let written = sources.slice(text.span);
    if written.starts_with('"')
        && text.source.chars().any(|c| ('\u{80}'..='\u{ff}').contains(&c))
        && written.contains("\\x")
    {
        let warning = Diagnostic::warning(text.span, "`\\xff` is a character here, and is sent as two bytes");
        warnings.push(warning.help("for exact bytes write `raw: {hex: …}`"));
    }
    if !written.starts_with('"') && ["\\r", "\\n", "\\x"].iter().any(|escape| text.source.contains(escape)) {
        let warning =
            Diagnostic::warning(text.span, "a backslash stands for itself here: this sends a `\\` and a letter");
        warnings.push(warning.help("put the text into double quotes"));
    }
}

/// A message that is the same each time is soon taken for a duplicate.
pub(super) fn fixed_headers(text: &Text, warnings: &mut Vec<Diagnostic>) {
    let mut offset = 0;
    for line in text.source.split('\n').take_while(|line| !line.is_empty()) {
        let lower = line.to_ascii_lowercase();
        let name = ["date:", "message-id:"].into_iter().find(|name| lower.starts_with(name));
        if let Some(name) = name.filter(|_| !line.contains("<<")) {
            let span = text.span_of(&(offset..offset + line.len()));
            let function = if name == "date:" { "<<rfc5322_date()>>" } else { "<<message_id('example.com')>>" };
            let warning = Diagnostic::warning(span, "this header never changes, from run to run");
            warnings.push(warning.help(format!("write `{} {function}`", &line[..name.len()])));
        }
        offset += line.len() + 1;
    }
}

/// A file's name, or a body that nothing keeps from the header; `is_whole`: the message is sent as messages are.
pub(super) fn mail_data(text: &Text, is_whole: bool, warnings: &mut Vec<Diagnostic>) {
    let source = text.source.trim_end_matches('\n');
    let mut warn =
        |message: &str, help: String| warnings.push(Diagnostic::warning(text.span, message.to_owned()).help(help));
    let file = source.strip_prefix(['@', '<']).map(str::trim).filter(|rest| !rest.contains(['\n', '<', ':']));
    if let Some(file) = file.filter(|file| file.contains('.') && !file.contains(' ')) {
        return warn("this text itself is sent, not a file of this name", format!("write `data: {{file: {file}}}`"));
    }
    let is_name = !source.contains(['\n', ' ', ':', '<'])
        && [".eml", ".txt", ".msg", ".mbox", ".mime"]
            .iter()
            .any(|ending| source.to_ascii_lowercase().ends_with(ending));
    if is_name {
        return warn("this text itself is sent, not a file of this name", format!("write `data: {{file: {source}}}`"));
    }
    if let Some((message, help)) = dots(text).filter(|_| is_whole) {
        return warn(message, help);
    }
    // A block, or a text with its own line end, may be half of a message.
    if is_whole && !source.is_empty() && !text.source.contains(['\n', ':', '<']) {
        return warn(
            "this message has no header: its only line is taken for one",
            format!("write `data: |`, below it `Subject: …`, an empty line, and `{}`", cut(source)),
        );
    }
    let is_field = |line: &&str| {
        let name = line.split_once(':').map_or("", |(name, _)| name);
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let mut after = source.lines().skip_while(|line| is_field(line) || line.starts_with([' ', '\t']));
    let stray = after.next().filter(|line| !line.is_empty() && !line.contains("<<"));
    if let (Some(stray), true) = (stray, source.lines().next().is_some_and(|first| is_field(&first))) {
        let help = format!("an empty line stands between the header and the text: put one before `{}`", cut(stray));
        warn("this line of the header is no header field (RFC 5322 section 2.1)", help);
    }
}

/// Dots that `data` sends or doubles itself, and what to write.
fn dots(text: &Text) -> Option<(&'static str, String)> {
    let source = text.source.trim_end_matches('\n');
    // What was recorded, with templates in its header, may end so.
    if text.is_literal() && source.lines().next_back() == Some(".") {
        let message = "`data` sends the line with the dot itself: this one is doubled, and part of the message";
        return Some((message, "leave the last line out".to_owned()));
    }
    // Whoever writes lines with one dot too is after just that.
    let of_both = source.lines().any(|line| line.starts_with('.') && !line.starts_with(".."));
    let is_doubled = |line: &&str| line.starts_with("..") && line[2..].starts_with(char::is_alphanumeric);
    let line = source.lines().find(is_doubled).filter(|_| !of_both)?;
    let message = "`data` doubles the dot at the start of a line itself: of two, two arrive";
    Some((message, format!("write `{}`", cut(&line[1..]))))
}

fn cut(line: &str) -> String {
    line.chars().take(40).collect()
}

/// Quotes that only look like quotes are sent, or looked for.
pub(super) fn typographic(text: &Text, warnings: &mut Vec<Diagnostic>) {
    let blank =
        || Lookalike::first_blank(&text.source).filter(|_| text.source.len() < 400 && !text.source.contains('\n'));
    let Some(found) = Lookalike::opening_quote(text.source.trim_start()).or_else(blank) else { return };
    let span = text.span_of(&(found.at..found.at + found.found.len_utf8()));
    let warning = Diagnostic::warning(span, format!("{} is part of this text", found.named()));
    warnings.push(warning.help(found.advice()));
}

/// A block that begins with `>`: YAML makes one line of its lines.
pub(super) fn joined_block(sources: &Sources, text: &Text, warnings: &mut Vec<Diagnostic>) -> bool {
    let Some(file) = sources.file(text.span.file) else { return false };
    let (start, end) = (text.span.start as usize, text.span.end as usize);
    let before = file.text.get(..start).and_then(|before| before.trim_end().lines().last()).unwrap_or("");
    let is_joined = [": >", ": >-", ": >+"].iter().any(|sign| before.ends_with(sign));
    let lines = file.text.get(start..end).map_or(0, |written| written.trim_end().lines().count());
    let is_cut = is_joined && lines > 1;
    if is_cut {
        let key = before.trim().trim_start_matches("- ").split(':').next().unwrap_or("data");
        let warning = Diagnostic::warning(text.span, "YAML joins the lines of a block that begins with `>`");
        warnings.push(warning.help(format!("write `{key}: |`: each line stays a line")));
    }
    is_cut
}

/// A text without quotes that goes on in the next line is joined by a blank.
pub(super) fn folded(sources: &Sources, text: &Text, warnings: &mut Vec<Diagnostic>) {
    let written = sources.slice(text.span);
    let plain = !written.starts_with(['"', '\'', '|', '>']) && !text.source.contains('\n');
    if plain && written.trim_end().contains('\n') {
        let warning =
            Diagnostic::warning(text.span, "this text goes on in the next line: YAML joins the lines by a blank");
        warnings.push(warning.help("write each line as a step of its own; several lines of one text are a block, `|`"));
    }
}
