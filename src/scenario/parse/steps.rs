//! Reads steps, of either side: one action, what is expected, and how the step is played.
//!
//! Responsible for what stands together in one step; which side may have which key it reads from `sides`.

use super::{Decoder, Entries, Entry, auth, send_lines};
use crate::scenario::sides::{Role, Side, Use};
use crate::scenario::source::Diagnostic;
use crate::scenario::step::{Action, Head, Speech, Step, TlsStep};
use crate::scenario::yaml::{Node, Value};
use crate::scenario::{Closing, Pattern, similar};

const BARE_WORDS: [&str; 3] = ["starttls", "tls", "close"];

impl Decoder<'_> {
    pub(super) fn steps(&mut self, entry: Entry<'_>, prefix: &str) -> Vec<Step> {
        let Value::List(items) = &entry.value.value else {
            let text = format!("`{}` takes a list of steps, not {}", entry.key, entry.value.description());
            self.errors.push(Diagnostic::error(entry.value_span(), text).help("each step begins with `- `"));
            return Vec::new();
        };
        if items.is_empty() && entry.key == "steps" {
            self.errors.push(Diagnostic::error(entry.key_span, "`steps` is empty: nothing can diverge"));
        }
        items.iter().enumerate().filter_map(|(index, item)| self.step(item, format!("{prefix}{}", index + 1))).collect()
    }

    fn step(&mut self, node: &Node, number: String) -> Option<Step> {
        if let Some(scalar) = node.scalar() {
            return self.bare_step(node, &scalar.text, number);
        }
        let side = self.side;
        let entries = self.entries(node, side.step(), &[&side.all_keys()])?;
        let action = self.only_action(&entries);
        let dialogue = side.keys(&[Role::Dialogue]);
        let talks = entries.list.iter().find(|entry| dialogue.contains(&entry.key) && entry.key != "delay");
        let all_known = matches!(&node.value, Value::Map(pairs) if pairs.len() == entries.list.len());
        if action.is_none() && talks.is_none() && all_known {
            self.errors.push(does_nothing(side, &entries));
        }
        let span = action.as_ref().or(talks).map_or(entries.span, Entry::span);
        let head = self.head(&entries, number, span);
        let action = action.map_or(Some(Action::None), |entry| self.action(entry, &entries, &head.number));
        let step = Step {
            expect: entries.entry("expect").and_then(|entry| self.expected(entry)),
            fails: entries.entry("fails").and_then(|entry| self.text_of(entry)).map(Pattern::new),
            pace: entries.value("pace").and_then(|node| self.pace(node)),
            session: entries.value("session").and_then(|node| self.named(node)),
            receive: entries.entry("receive").and_then(|entry| self.receive(entry)),
            delay: entries.value("delay").and_then(|node| self.length(node)),
            reply: entries.entry("reply").and_then(|entry| self.reply(entry)),
            action: action?,
            head,
        };
        self.refuse_misplaced(&entries);
        match side {
            Side::Client => self.refuse_expect(&step, &entries),
            Side::Server => self.refuse_dialogue(&step, &entries),
        }
        Some(step)
    }

    /// The first action of a step; a second one is a mistake.
    fn only_action<'n>(&mut self, entries: &Entries<'n>) -> Option<Entry<'n>> {
        let keys = self.side.keys(&[Role::Action]);
        let mut actions = entries.list.iter().filter(|entry| keys.contains(&entry.key));
        let first = *actions.next()?;
        if let Some(second) = actions.next() {
            let text = format!("a step has one action: `{}` cannot stand beside `{}`", second.key, first.key);
            let error = Diagnostic::error(second.key_span, text).other(first.key_span, "the first action");
            self.errors.push(error.help(format!("begin a new step: `- {}: …`", second.key)));
        }
        Some(first)
    }

    fn head(&mut self, entries: &Entries<'_>, number: String, span: crate::scenario::Span) -> Head {
        Head {
            number,
            name: entries.value("name").and_then(|node| self.text(node)),
            when: entries.value("when").and_then(|node| self.expression(node)),
            timeout: entries.value("timeout").and_then(|node| self.length(node)),
            continues: entries.value("on_divergence").is_some_and(|node| self.on_divergence(node)),
            span,
        }
    }

    fn bare_step(&mut self, node: &Node, word: &str, number: String) -> Option<Step> {
        let action = match word {
            "starttls" => Action::StartTls(Box::default()),
            "tls" => Action::Tls(Box::default()),
            "close" => Action::Close(Closing::Fin),
            _ => {
                self.errors.push(bare_word(self.side, node, word));
                return None;
            }
        };
        Some(Step { head: Head { number, span: node.span, ..Head::default() }, action, ..Step::default() })
    }

    fn on_divergence(&mut self, node: &Node) -> bool {
        match node.scalar().map(|scalar| scalar.text.as_str()) {
            Some("continue") => true,
            Some("stop") => false,
            _ => {
                self.wrong_type(node, "`continue` or `stop`");
                false
            }
        }
    }

    fn action(&mut self, entry: Entry<'_>, entries: &Entries<'_>, number: &str) -> Option<Action> {
        let node = entry.value;
        match entry.key {
            "send" => self.send(entry),
            "raw" => self.raw(entry).map(Action::Raw),
            "data" => self.mail_data(entry).map(Action::Data),
            "message" => self.message_step(entry).map(Action::Data),
            "bdat" => self.bdat(entry).map(Action::Bdat),
            "starttls" | "tls" => Some(self.handshake(entry)),
            "auth" => self.auth(node),
            "assert" => self.expression(node).map(Action::Assert),
            "set" => self.settings(node).map(Action::Set),
            "sleep" => self.length(node).map(Action::Sleep),
            "connect" => {
                self.refuse_every(node);
                self.connect(node).map(|connect| Action::Connect(Box::new(connect)))
            }
            "close" => self.closing(node).map(Action::Close),
            _ => self.group(entry, entries, number),
        }
    }

    fn handshake(&mut self, entry: Entry<'_>) -> Action {
        let tls = Box::new(match self.side {
            Side::Client => TlsStep { client: self.tls_step(entry), ..TlsStep::default() },
            Side::Server => self.server_tls_step(entry),
        });
        if entry.key == "starttls" { Action::StartTls(tls) } else { Action::Tls(tls) }
    }

    // --- what goes with what -----------------------------------------------------------------------------------

    /// Keys that belong to other steps than this.
    fn refuse_misplaced(&mut self, entries: &Entries<'_>) {
        let side = self.side;
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
            self.errors.push(help.into_iter().fold(error, Diagnostic::help));
        }
    }

    /// A client's actions whose replies no `expect` beside them can compare.
    fn refuse_expect(&mut self, step: &Step, entries: &Entries<'_>) {
        let Some(expect) = entries.entry("expect") else { return };
        let (message, help) = match &step.action {
            Action::Send(lines) if send_lines(lines) > 1 => (
                "several lines have several replies: `expect` compares one",
                "send each line in a step of its own, with its `expect`; a group with `pipeline: true` sends them without waiting",
            ),
            Action::Auth(_) if !step.expect.as_ref().is_some_and(auth::compares_a_reply) => {
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
        self.errors.push(Diagnostic::error(expect.key_span, message).help(help));
    }

    /// A server's actions that do not stand beside what it reads and answers.
    fn refuse_dialogue(&mut self, step: &Step, entries: &Entries<'_>) {
        let alone = matches!(step.action.speaks(), Speech::Nothing | Speech::Asks | Speech::Opens);
        for key in self.side.keys(&[Role::Dialogue]) {
            if let Some(entry) = entries.entry(key).filter(|_| alone) {
                let text = format!("`{key}` cannot stand beside `{}`", step.keyword());
                self.errors.push(Diagnostic::error(entry.key_span, text).help("write it as a step of its own"));
            }
        }
        if let Some(reply) = entries.entry("reply").filter(|_| matches!(step.action, Action::Raw(_))) {
            let error = Diagnostic::error(reply.key_span, "`reply` cannot stand beside `raw`");
            self.errors.push(error.help("exact bytes are `reply: {raw: …}` too"));
        }
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

/// A step that is only a word, of those that cannot be.
fn bare_word(side: Side, node: &Node, word: &str) -> Diagnostic {
    let (label, help) = match side {
        Side::Client => ("expected `send:`, `expect:` …", "a line to send is `- send: …`"),
        Side::Server => ("expected `expect:`, `reply:` …", "a reply is `- reply: …`"),
    };
    let error = Diagnostic::error(node.span, format!("a step is a mapping, not {}", node.description())).label(label);
    error.help(match similar(word, BARE_WORDS) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("only `starttls`, `tls` and `close` may stand alone; {help}"),
    })
}
