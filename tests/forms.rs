//! Every key of the language in every wrong shape, place and spelling: what `check` says must name the place, the cause, and
//! a right form, which is put in place and checked.
//!
//! The keys are those of `src/scenario/keys.txt`, the words of other tools those of `tests/forms/words.txt`. `LIST=1` prints
//! the cells that fail, with what was said.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "forms/place.rs"]
mod place;

use place::Place;
use smtp_script::run::Settings;
use smtp_script::scenario::{Diagnostic, Footnote, Inputs, Sources, Variables};
use std::collections::BTreeMap;

const KEYS: &str = include_str!("../src/scenario/keys.txt");
const WORDS: &str = include_str!("forms/words.txt");

/// A row of the table of keys.
#[derive(Debug, Clone, Copy)]
struct Key {
    place: &'static str,
    name: &'static str,
    example: &'static str,
}

fn keys() -> Vec<Key> {
    let lines = KEYS.lines().filter(|line| !line.is_empty() && !line.starts_with('#') && !line.starts_with("in "));
    let row = |line: &'static str| {
        let (head, rest) = line.split_once(": ").unwrap();
        let (place, name) = head.split_once(' ').unwrap();
        let (_, example) = rest.split_once(" => ").unwrap();
        Key { place, name, example }
    };
    lines.map(row).collect()
}

/// What is said of a scenario, and where.
struct Said {
    line: usize,
    column: usize,
    text: String,
    help: String,
    is_error: bool,
}

fn said(scenario: &str) -> Vec<Said> {
    let of = |sources: &Sources, diagnostic: &Diagnostic| {
        let position = sources.position(diagnostic.span);
        let helps = diagnostic.footnotes.iter().filter_map(|footnote| match footnote {
            Footnote::Help(text) => Some(text.clone()),
            _ => None,
        });
        Said {
            line: position.line,
            column: position.column,
            text: diagnostic.message.clone(),
            help: helps.collect::<Vec<_>>().join(" "),
            is_error: diagnostic.is_error(),
        }
    };
    match smtp_script::load_text("scenario.yaml", scenario) {
        Ok(scenario) => {
            let variables = Variables::resolve(&scenario, &Inputs::default()).ok();
            let found = smtp_script::check(&scenario, variables.as_ref(), &Settings::default());
            found.iter().map(|one| of(&scenario.sources, one)).collect()
        }
        Err(error) => error.diagnostics.iter().map(|one| of(&error.sources, one)).collect(),
    }
}

/// Whether something is wrong with it beside the files that are not there, and names that nobody declared.
fn is_wrong(scenario: &str) -> bool {
    let other = [
        "opens a session",
        "no connection is open",
        "cannot read",
        "reads no file",
        "certificate in it",
        "no such file",
        "unknown name",
        "cannot be read",
    ];
    said(scenario).iter().any(|one| one.is_error && !other.iter().any(|words| one.text.contains(words)))
}

/// How many of the cells of one kind are right.
#[derive(Default)]
struct Figure {
    cells: usize,
    right: usize,
    failed: Vec<String>,
}

impl Figure {
    fn judge(&mut self, place: &Place, key: &str, value: &str, title: &str) {
        let scenario = place.with(key, value);
        let found = said(&scenario.text());
        // What is taken is no mistake.
        if !found.iter().any(|one| one.is_error) && title.starts_with("shape") {
            return;
        }
        self.cells += 1;
        let (line, columns) = scenario.position();
        let here: Vec<&Said> = found
            .iter()
            .filter(|one| one.line == line && columns.contains(&one.column) || one.text.contains(&format!("`{key}`")))
            .collect();
        let fault = if found.is_empty() {
            Some("nothing is said")
        } else if here.is_empty() {
            Some("another place")
        } else if !here.iter().any(|one| {
            scenario.mended(key, value, &format!("{} {}", one.text, one.help)).iter().any(|text| !is_wrong(text))
        }) {
            Some("no right form")
        } else {
            None
        };
        match fault {
            None => self.right += 1,
            Some(fault) => {
                let first = here
                    .first()
                    .or(found.first().as_ref())
                    .map(|one| format!("{}:{} {} | {}", one.line, one.column, one.text, one.help));
                self.failed.push(format!(
                    "{title} {} `{key}: {value}`: {fault}: {}",
                    place.name,
                    first.unwrap_or_default()
                ));
            }
        }
    }
}

fn shapes(key: &Key) -> Vec<(&'static str, String)> {
    let too_deep = format!("{{{}: {}}}", key.name, key.example);
    let mut shapes = vec![
        ("shape text", "something".to_owned()),
        ("shape list", "[a, b]".to_owned()),
        ("shape map", "{a: b}".to_owned()),
        ("shape number", "7".to_owned()),
        ("shape boolean", "true".to_owned()),
        ("shape null", "null".to_owned()),
        ("shape empty", "''".to_owned()),
        ("shape nothing", String::new()),
        ("shape too deep", too_deep),
        ("shape in a list", format!("[{}]", key.example)),
    ];
    if let Some(inner) = key.example.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        let first =
            inner.split(", ").next().and_then(|entry| entry.split_once(": ")).map(|(_, value)| value.to_owned());
        shapes.extend(first.map(|first| ("shape too shallow", first)));
        let items: Vec<String> = inner.split(", ").map(|entry| format!("{{{entry}}}")).collect();
        shapes.push(("shape list of mappings", format!("[{}]", items.join(", "))));
    }
    shapes
}

fn spellings(key: &str) -> Vec<(&'static str, String)> {
    let camel = key.split('_').enumerate().map(|(at, part)| {
        let first = part[..1].to_uppercase();
        if at == 0 { part.to_owned() } else { format!("{first}{}", &part[1..]) }
    });
    let letters: Vec<char> = key.chars().collect();
    let mut swapped = letters.clone();
    let middle = letters.len() / 2;
    if middle > 0 {
        swapped.swap(middle - 1, middle);
    }
    let mut list = vec![
        ("spelling plural", format!("{key}s")),
        ("spelling hyphen", key.replace('_', "-")),
        ("spelling camel", camel.collect::<String>()),
        ("spelling capital", key.to_uppercase()),
        ("spelling first capital", format!("{}{}", key[..1].to_uppercase(), &key[1..])),
    ];
    if key.len() > 3 {
        list.push(("spelling swapped", swapped.into_iter().collect()));
        list.push(("spelling dropped", key[..key.len() - 1].to_owned()));
        list.push(("spelling doubled", format!("{key}{}", letters[letters.len() - 1])));
    }
    if let Some(singular) = key.strip_suffix('s').filter(|one| one.len() > 2) {
        list.push(("spelling singular", singular.to_owned()));
    }
    list.retain(|(_, word)| word != key);
    list
}

#[test]
#[expect(clippy::print_stdout, reason = "the figure is shown beside the verdict")]
fn every_key_in_every_wrong_form_is_mended() {
    let keys = keys();
    let places: Vec<&'static str> =
        ["top", "step", "expect", "connect", "tls", "auth", "message", "data", "retry", "server", "serve", "rule"]
            .to_vec();
    let mut wrong = Vec::new();
    let mut figures: BTreeMap<&str, Figure> = BTreeMap::new();
    for key in &keys {
        let place = Place::of(key.place, key.name);
        let example = place.with(key.name, key.example).text();
        if is_wrong(&example) {
            let said: Vec<String> = said(&example).into_iter().map(|one| one.text).collect();
            wrong.push(format!("{} {}: {example}\n{said:?}", key.place, key.name));
            continue;
        }
        for (title, value) in shapes(key) {
            figures.entry("shapes").or_default().judge(&place, key.name, &value, title);
        }
        for (title, word) in spellings(key.name) {
            if keys.iter().all(|other| other.place != key.place || other.name != word) {
                figures.entry("spellings").or_default().judge(&place, &word, key.example, title);
            }
        }
        for other in &places {
            if keys.iter().all(|row| row.place != *other || row.name != key.name) {
                figures.entry("places").or_default().judge(&Place::any(other), key.name, key.example, "place");
            }
        }
    }
    for line in WORDS.lines().filter(|line| !line.starts_with('#')) {
        let (place, rest) = line.split_once(": ").unwrap();
        let (word, value) = rest.split_once(' ').unwrap();
        let place = match (place, value.starts_with("[{")) {
            ("top", true) => Place::of("top", "steps"),
            ("step", true) => Place::of("step", "steps"),
            _ => Place::any(place),
        };
        figures.entry("words").or_default().judge(&place, word, value, "word");
    }
    assert!(wrong.is_empty(), "the table of keys has wrong examples:\n{}", wrong.join("\n"));
    let (mut cells, mut right) = (0, 0);
    for (name, figure) in &figures {
        println!("{name}: {} of {} cells name place, cause and a right form", figure.right, figure.cells);
        cells += figure.cells;
        right += figure.right;
        if std::env::var_os("LIST").is_some() {
            figure.failed.iter().for_each(|line| println!("  {line}"));
        }
    }
    println!("together: {right} of {cells} ({} %)", right * 100 / cells);
    assert!(right * 100 >= cells * 80, "{right} of {cells}");
}
