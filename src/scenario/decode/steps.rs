//! Reads steps, of either side: one action, what is expected, and how the step is played.
//!
//! Responsible for what stands together in one step; which side may have which key it reads from `sides`.

use super::decoder::{Decoder, Entries, KeyValue};
use super::{actions, connection, content, expect, group, message, reply, tls};
use crate::scenario::keys;
use crate::scenario::sides::{Role, Side, Use};
use crate::scenario::source::Diagnostic;
use crate::scenario::step::{Action, Assertion, Head, Speech, Step, TlsStep};
use crate::scenario::typography::Lookalike;
use crate::scenario::yaml::{Node, Value};
use crate::scenario::{Pattern, similar};
use crate::smtp::closing::Closing;

const BARE_WORDS: [&str; 3] = ["starttls", "tls", "close"];

pub(super) fn steps(decoder: &mut Decoder<'_>, entry: KeyValue<'_>, prefix: &str) -> Vec<Step> {
    let Value::List(items) = &entry.value.value else {
        let text = format!("`{}` takes a list of steps, not {}", entry.key, entry.value.description());
        let help = entry_help(entry.value).unwrap_or_else(|| "each step begins with `- `".to_owned());
        decoder.complain(Diagnostic::error(entry.value_span(), text).help(help));
        return Vec::new();
    };
    if items.is_empty() && entry.key == "steps" {
        decoder.complain(Diagnostic::error(entry.key_span, "`steps` is empty: nothing can diverge"));
    }
    items.iter().enumerate().filter_map(|(index, item)| step(decoder, item, format!("{prefix}{}", index + 1))).collect()
}

fn step(decoder: &mut Decoder<'_>, node: &Node, number: String) -> Option<Step> {
    decoder.part(|lost| lost.part(node), |decoder| step_content(decoder, node, number))
}

fn step_content(decoder: &mut Decoder<'_>, node: &Node, number: String) -> Option<Step> {
    if let Some(scalar) = node.scalar() {
        return bare_step(decoder, node, &scalar.text, number);
    }
    let side = decoder.side;
    if let Value::List(items) = &node.value {
        decoder.complain(pair_of_words(node, items));
        return None;
    }
    let entries = decoder.entries(node, side.step(), &[&side.all_keys()])?;
    if let Some(key) = steps_under_another_key(&entries) {
        decoder.complain(key);
        return None;
    }
    let first = only_action(decoder, &entries);
    let dialogue = side.keys(&[Role::Dialogue]);
    let talks = entries.list.iter().find(|entry| dialogue.contains(&entry.key) && entry.key != "delay");
    let all_known = matches!(&node.value, Value::Map(pairs) if pairs.len() == entries.list.len());
    if first.is_none() && talks.is_none() && all_known {
        decoder.complain(does_nothing(side, &entries));
    }
    let span = first.as_ref().or(talks).map_or(entries.span, KeyValue::span);
    let head = head(decoder, &entries, number, span);
    let action = first.map_or(Some(Action::None), |entry| action(decoder, entry, &entries, &head.number));
    let step = Step {
        expect: expect::of_step(decoder, &entries),
        fails: entries.entry("fails").and_then(|entry| decoder.text_of(entry)).map(Pattern::new),
        pace: entries.value("pace").and_then(|node| content::pace(decoder, node)),
        session: entries.value("session").and_then(|node| decoder.named(node)),
        receive: entries.entry("receive").and_then(|entry| reply::receive(decoder, entry)),
        delay: entries.value("delay").and_then(|node| decoder.length(node)),
        reply: entries.entry("reply").and_then(|entry| reply::reply(decoder, entry)),
        action: action?,
        head,
    };
    refuse_misplaced(decoder, &entries);
    match side {
        Side::Client => refuse_expect(decoder, &step, &entries),
        Side::Server => refuse_dialogue(decoder, &step, &entries),
    }
    Some(step)
}

/// The first action of a step; a second one is a mistake.
fn only_action<'n>(decoder: &mut Decoder<'_>, entries: &Entries<'n>) -> Option<KeyValue<'n>> {
    let keys = decoder.side.keys(&[Role::Action]);
    let mut actions = entries.list.iter().filter(|entry| keys.contains(&entry.key));
    let first = *actions.next()?;
    if let Some(second) = actions.next() {
        let text = format!("a step has one action: `{}` cannot stand beside `{}`", second.key, first.key);
        let error = Diagnostic::error(second.key_span, text).other(first.key_span, "the first action");
        let code = second.value.scalar().map(|scalar| scalar.text.as_str()).filter(|text| looks_like_reply(text));
        decoder.complain(error.help(match code.filter(|_| second.key == "assert") {
            Some(code) => format!("what must be answered is `expect: {code}`"),
            None => format!("begin a new step: `- {}: …`", second.key),
        }));
    }
    Some(first)
}

/// `250`, `^250`, `250 OK`: no expression, but what a reply must be.
fn looks_like_reply(text: &str) -> bool {
    let digits = text.trim().trim_start_matches('^');
    let code = digits.split([' ', '-']).next().unwrap_or("");
    code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit()) && !text.contains(['=', '<', '>'])
}

fn head(decoder: &mut Decoder<'_>, entries: &Entries<'_>, number: String, span: crate::scenario::Span) -> Head {
    let mut head = Head::bare(number, span);
    head.name = entries.value("name").and_then(|node| decoder.text(node));
    head.when = entries.value("when").and_then(|node| decoder.expression(node));
    head.timeout = entries.value("timeout").and_then(|node| decoder.length(node));
    head.continues = entries.value("on_divergence").is_some_and(|node| on_divergence(decoder, node));
    head
}

fn bare_step(decoder: &mut Decoder<'_>, node: &Node, word: &str, number: String) -> Option<Step> {
    let action = match word {
        "starttls" => Action::StartTls(Box::default()),
        "tls" => Action::Tls(Box::default()),
        "close" => Action::Close(Closing::Fin),
        _ => {
            decoder.complain(bare_word(decoder.side, node, word));
            return None;
        }
    };
    Some(Step { head: Head::bare(number, node.span), action, ..Step::default() })
}

fn on_divergence(decoder: &mut Decoder<'_>, node: &Node) -> bool {
    match node.scalar().map(|scalar| scalar.text.as_str()) {
        Some("continue") => true,
        Some("stop") => false,
        _ => {
            decoder.wrong_type(node, "`continue` or `stop`");
            false
        }
    }
}

fn action(decoder: &mut Decoder<'_>, entry: KeyValue<'_>, entries: &Entries<'_>, number: &str) -> Option<Action> {
    let node = entry.value;
    match entry.key {
        "send" => actions::send(decoder, entry),
        "raw" => actions::raw(decoder, entry).map(Action::Raw),
        "data" => content::mail_data(decoder, entry).map(Action::Data),
        "message" => message::message_step(decoder, entry).map(Action::Data),
        "bdat" => content::bdat(decoder, entry).map(Action::Bdat),
        "starttls" | "tls" => Some(handshake(decoder, entry)),
        "auth" => actions::auth(decoder, node),
        "assert" => assertion(decoder, node, entries).map(Action::Assert),
        "set" => actions::settings(decoder, node).map(Action::Set),
        "sleep" => decoder.length(node).map(Action::Sleep),
        "skip" => decoder.text_of(entry).map(Action::Skip),
        "connect" => {
            connection::refuse_every(decoder, node);
            connection::connect(decoder, node).map(|connect| Action::Connect(Box::new(connect)))
        }
        "close" => actions::closing(decoder, node).map(Action::Close),
        _ => group::group(decoder, entry, entries, number),
    }
}

fn assertion(decoder: &mut Decoder<'_>, node: &Node, entries: &Entries<'_>) -> Option<Assertion> {
    let warn = entries.value("warn").and_then(|node| decoder.expression(node));
    Some(Assertion { condition: decoder.expression(node)?, warn })
}

fn handshake(decoder: &mut Decoder<'_>, entry: KeyValue<'_>) -> Action {
    let tls = Box::new(match decoder.side {
        Side::Client => TlsStep { client: tls::tls_step(decoder, entry), ..TlsStep::default() },
        Side::Server => tls::server_tls_step(decoder, entry),
    });
    if entry.key == "starttls" { Action::StartTls(tls) } else { Action::Tls(tls) }
}

// --- what goes with what -----------------------------------------------------------------------------------

/// Keys that belong to other steps than this.
fn refuse_misplaced(decoder: &mut Decoder<'_>, entries: &Entries<'_>) {
    let side = decoder.side;
    let misplaced = side.step_keys().filter_map(|key| match key.of(side) {
        Use::Beside(others, help) if others.iter().all(|other| entries.entry(other).is_none()) => {
            entries.entry(key.key).map(|entry| (entry, key.role, others, help))
        }
        _ => None,
    });
    let mut of_group = false;
    for (entry, role, others, help) in misplaced {
        // One key of a group is enough: the others want the same.
        if role == Role::Group && std::mem::replace(&mut of_group, true) {
            continue;
        }
        let owner = if role == Role::Group { "a group".to_owned() } else { listed(others) };
        let error = Diagnostic::error(entry.key_span, format!("`{}` belongs to {owner}", entry.key));
        let form = keys::row("step", entry.key).filter(|_| role == Role::Group);
        let form = form.map(|row| format!("write `- {}`, and below it `steps:` with this step", row.form(entry.value)));
        decoder.complain(form.or_else(|| help.map(str::to_owned)).into_iter().fold(error, Diagnostic::help));
    }
}

/// A client's actions whose replies no `expect` beside them can compare.
fn refuse_expect(decoder: &mut Decoder<'_>, step: &Step, entries: &Entries<'_>) {
    let Some(expect) = entries.entry("expect").or(entries.entry("observe")) else { return };
    let (message, help) = match &step.action {
        Action::Send(lines) if actions::is_message(lines) => (
            "this is a message: the lines of mail data have no replies of their own",
            "send it with `- data: |`, after `- send: DATA` with `expect: ^354`; `data` ends it with the line with the dot",
        ),
        Action::Send(lines) if actions::send_lines(lines) > 1 => (
            "several lines have several replies: `expect` compares one",
            "send each line in a step of its own, with its `expect`; a group with `pipeline: true` sends them without waiting",
        ),
        Action::Auth(_) if !step.expect.as_ref().is_some_and(expect::compares_a_reply) => {
            ("`auth` reads whole replies itself", "expect a code, a pattern, or `any` of them, of its last reply")
        }
        Action::Group(_) => ("a group has no reply of its own", "put `expect` into its steps"),
        action => match action.speaks() {
            Speech::Nothing | Speech::Handshakes | Speech::Closes => {
                ("this action asks for no reply", "write `expect` as a step of its own")
            }
            Speech::Listens | Speech::Opens | Speech::Asks | Speech::Sends => return,
        },
    };
    decoder.complain(Diagnostic::error(expect.key_span, message).help(help));
}

/// A server's actions that do not stand beside what it reads and answers.
fn refuse_dialogue(decoder: &mut Decoder<'_>, step: &Step, entries: &Entries<'_>) {
    let alone = matches!(step.action.speaks(), Speech::Nothing | Speech::Asks | Speech::Opens);
    for key in decoder.side.keys(&[Role::Dialogue]) {
        if let Some(entry) = entries.entry(key).filter(|_| alone) {
            let text = format!("`{key}` cannot stand beside `{}`", step.keyword());
            decoder.complain(Diagnostic::error(entry.key_span, text).help("write it as a step of its own"));
        }
    }
    if let Some(reply) = entries.entry("reply").filter(|_| matches!(step.action, Action::Raw(_))) {
        let error = Diagnostic::error(reply.key_span, "`reply` cannot stand beside `raw`");
        decoder.complain(error.help("exact bytes are `reply: {raw: …}` too"));
    }
}

/// `a`, `b` and `c`.
fn listed(keys: &[&str]) -> String {
    let quoted: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    match quoted.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => quoted.concat(),
    }
}

fn does_nothing(side: Side, entries: &Entries<'_>) -> Diagnostic {
    let actions = side.keys(&[Role::Action]).join(", ");
    let help = match side {
        Side::Client => format!("give it an action ({actions}) or `expect`"),
        Side::Server => format!("give it `expect`, `receive`, `reply` or an action ({actions})"),
    };
    Diagnostic::error(entries.span, "this step does nothing").help(help)
}

/// `- [send, NOOP]`
fn pair_of_words(node: &Node, items: &[Node]) -> Diagnostic {
    let words: Vec<&str> = items.iter().filter_map(Node::scalar).map(|scalar| scalar.text.as_str()).collect();
    let error = Diagnostic::error(node.span, format!("a step is a mapping, not {}", node.description()));
    error.help(match words.as_slice() {
        [key, value] if keys::row("step", key).is_some() => format!("write `- {key}: {value}`"),
        [line, reply] => format!("write `- send: {line}` and, below it, `expect: {reply}`"),
        _ => "write `- send: LINE` and, below it, `expect: ^250`; each step begins with one `- `".to_owned(),
    })
}

/// `pipeline:` or a loop that holds the steps themselves.
fn steps_under_another_key(entries: &Entries<'_>) -> Option<Diagnostic> {
    let holds_steps = |entry: &&KeyValue<'_>| {
        let is_way = matches!(entry.key, "pipeline" | "retry" | "repeat" | "for_each");
        is_way
            && matches!(&entry.value.value, Value::List(items) if items.iter().any(|item| matches!(item.value, Value::Map(_))))
    };
    let found = entries.list.iter().find(holds_steps).filter(|_| entries.entry("steps").is_none())?;
    let value = match found.key {
        "pipeline" => "true",
        "retry" => "{attempts: 3, delay: 5s}",
        "repeat" => "3",
        _ => "{name: [a, b]}",
    };
    let error = Diagnostic::error(found.key_span, format!("`{}` does not hold the steps itself", found.key));
    Some(error.help(format!("write `- {}: {value}`, and below it `steps:` with this list", found.key)))
}

/// A step that is only a word, of those that cannot be.
fn bare_word(side: Side, node: &Node, word: &str) -> Diagnostic {
    let (label, help) = match side {
        Side::Client => ("expected `send:`, `expect:` …", "a line to send is `- send: …`"),
        Side::Server => ("expected `expect:`, `reply:` …", "a reply is `- reply: …`"),
    };
    let error = Diagnostic::error(node.span, format!("a step is a mapping, not {}", node.description())).label(label);
    let alone = (side == Side::Client && word == "auth")
        .then(|| "write `- auth: {username: <<username>>, password: <<password>>}`".to_owned());
    error.help(alone.or_else(|| bare_help(side, word)).unwrap_or_else(|| match similar(word, BARE_WORDS) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("only `starttls`, `tls` and `close` may stand alone; {help}"),
    }))
}

/// Why a list of steps is none: its first entry begins with something that only looks like `- `.
fn entry_help(steps: &Node) -> Option<String> {
    let Value::Map(pairs) = &steps.value else { return None };
    let word = pairs.first()?.0.scalar()?.text.as_str();
    if let Some(lookalike) = Lookalike::first(word) {
        return Some(format!("{}: {}", lookalike.described(), lookalike.advice()));
    }
    let key = word.strip_prefix('-')?.trim();
    Some(format!("a blank stands after the dash: `- {key}: …`"))
}

/// What a word that is no step was meant to be: a key without its colon, or without the blank after it.
fn bare_help(side: Side, word: &str) -> Option<String> {
    let keys = side.all_keys();
    let end = word.find(|letter: char| !(letter.is_ascii_alphabetic() || letter == '_')).unwrap_or(word.len());
    let (first, rest) = word.split_at(end);
    let key = keys.iter().find(|key| key.eq_ignore_ascii_case(first))?;
    let glued = rest.strip_prefix(':').filter(|value| !value.is_empty());
    if let Some(lookalike) = Lookalike::first_blank(rest) {
        return Some(format!("{}: {}", lookalike.described(), lookalike.advice()));
    }
    if let Some(value) = glued {
        let value = value.trim();
        let quoted = word.contains(": ");
        let cause = if quoted { "the quotes make one text of it: write" } else { "a blank stands after the colon:" };
        return Some(format!("{cause} `- {key}: {value}`"));
    }
    let value = rest.trim_start_matches([' ', '=', '-', '>', '\u{ff1a}']).trim();
    if let Some(lookalike) = Lookalike::first(rest).filter(|_| !rest.is_empty()) {
        return Some(format!("{}: {}", lookalike.described(), lookalike.advice()));
    }
    if *key == "connect" && value.is_empty() {
        let help =
            "name the server at the head of the file: `connect: HOST:PORT`; a step does it for a further session";
        return Some(help.to_owned());
    }
    let told = !value.is_empty() && !BARE_WORDS.contains(key);
    told.then(|| format!("a colon stands after the key: `- {key}: {value}`"))
}
