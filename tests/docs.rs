//! The documentation says what is true: every example in README.md and docs/ is checked, played and compared.
//!
//! A fence's info string says what a block is:
//!
//! - `yaml`: a whole scenario. It has no warnings, and playing it against the sandbox ends with exit code 0, or with N
//!   where `exit=N` stands behind it. `file=NAME` names its file, for the `console` blocks of the same page; `check`
//!   has it checked but not played; `refused` says that `check` must find an error.
//! - `yaml part file=NAME`: a file that a scenario of the page includes.
//! - `yaml fragment`: steps, or a few top-level keys; the rest of a scenario is put around it, and it is checked.
//! - `sh`: commands that want a server somewhere else are not run; their options must be those of the program.
//! - any other language with `file=NAME`: a file that lies beside the scenarios of its page.
//! - `console`: lines after `$ ` are run, and what they print must be what stands below. Times, ports and the like are
//!   not compared; a line `...` stands for any number of lines.
//!
//! `UPDATE_DOCS=1 cargo test --test docs` writes into the `console` blocks what the commands print now.

#![expect(clippy::expect_used, reason = "a test that cannot read its own files has failed")]

#[path = "harness/files.rs"]
mod files;

use files::files_below;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A fenced block, with its place.
#[derive(Clone)]
struct Block {
    page: PathBuf,
    /// The line of the opening fence, from 1.
    line: usize,
    language: String,
    words: Vec<String>,
    text: String,
}

/// A folder with what the examples read.
struct Folder(tempfile::TempDir);

// --- the tests -------------------------------------------------------------------------------------------------

#[test]
fn whole_scenarios_are_checked_and_played() {
    let mut faults = Vec::new();
    for block in blocks().iter().filter(|block| block.is_scenario()) {
        let folder = Folder::of_page(block);
        let name = folder.write(block);
        let (code, screen) = folder.run(&["check", &name]);
        if block.has("refused") {
            note(&mut faults, code == 2, block, "`check` finds nothing to refuse", &screen);
            continue;
        }
        let as_meant = if block.has("warns") { "1 file: 1 warning" } else { "nothing to complain about" };
        note(&mut faults, screen.contains(as_meant), block, "`check` complains, or does not", &screen);
        if !block.has("check") {
            let (code, screen) = folder.run(&["run", "--sandbox", &name]);
            let wanted = block.value("exit").map_or(0, |code| code.parse().expect("exit=NUMBER"));
            note(&mut faults, code == wanted, block, &format!("exit code {code} instead of {wanted}"), &screen);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn fragments_are_sound() {
    let mut faults = Vec::new();
    for block in blocks().iter().filter(|block| block.language == "yaml" && block.has("fragment")) {
        let folder = Folder::new();
        fs::write(folder.path().join("fragment.yaml"), completed(&block.text)).expect("a writable folder");
        let (code, screen) = folder.run(&["check", "fragment.yaml"]);
        note(&mut faults, code == 0, block, "`check` complains", &screen);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn commands_print_what_is_shown() {
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    let mut faults = Vec::new();
    for page in pages() {
        let of_page: Vec<Block> = blocks().into_iter().filter(|block| block.page == page).collect();
        let mut updated = fs::read_to_string(&page).expect("a readable page");
        for block in of_page.iter().filter(|block| block.language == "console") {
            let folder = Folder::of_page(block);
            let printed = folder.play_console(&block.text);
            if agree(&block.text, &printed) {
                continue;
            }
            if update {
                updated = updated.replace(&block.text, &printed);
            } else {
                note(&mut faults, false, block, "the commands print something else", &printed);
            }
        }
        if update {
            fs::write(&page, updated).expect("a writable page");
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// `--help` after a command is only answered where everything before it is understood; what follows `--` is another's.
#[test]
fn commands_that_are_not_run_are_understood() {
    let mut faults = Vec::new();
    let mut count = 0;
    for block in blocks().iter().filter(|block| block.language == "sh") {
        let text = block.text.replace("\\\n", " ");
        for line in text.lines().filter_map(|line| line.trim_start().strip_prefix("smtp-script ")) {
            let typed = line.split([';', '|', '>', '<', '&', '#']).next().unwrap_or_default();
            let folder = Folder::of_page(block);
            let (own, _) = typed.split_once(" -- ").unwrap_or((typed, ""));
            let (code, screen) = folder.typed(&format!("server=mx.example:25; smtp-script {own} --help"));
            note(&mut faults, code == 0, block, line, &screen);
            count += 1;
        }
    }
    assert!(count > 10 && faults.is_empty(), "{count}: {}", faults.join("\n"));
}

#[test]
fn every_option_is_documented_and_no_other() {
    let folder = Folder::new();
    let page = fs::read_to_string(root().join("docs/command-line.md")).expect("docs/command-line.md");
    let long = Regex::new(r"--[a-z][a-z-]+").expect("a pattern");
    let mut known = BTreeSet::new();
    for command in [
        "run",
        "audit",
        "audit-client",
        "send",
        "check",
        "serve",
        "record",
        "shell",
        "import",
        "explain",
        "new",
        "list",
        "completions",
        "man",
        "exporter",
    ] {
        let (_, help) = folder.run(&[command, "--help"]);
        let options = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
        known.extend(options.flat_map(|line| long.find_iter(line).map(|found| found.as_str().to_owned())));
    }
    assert!(known.len() > 10, "the help was not understood");
    known.insert("--version".to_owned());
    let documented: BTreeSet<String> =
        code_spans(&page).iter().flat_map(|span| long.find_iter(span).map(|found| found.as_str().to_owned())).collect();
    assert_eq!(known.difference(&documented).collect::<Vec<_>>(), Vec::<&String>::new(), "not documented");
    assert_eq!(documented.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new(), "no such option");
}

/// A warning is known by the longest part of its text that never changes.
#[test]
fn every_warning_is_documented() {
    let page = fs::read_to_string(root().join("docs/command-line.md")).expect("docs/command-line.md").replace('`', "");
    let warning = Regex::new(r#"(?s)Diagnostic::warning\(\s*[^,]+,\s*(?:format!\(\s*)?(?:"([^"]*)"|(\w+)\))"#);
    let warning = warning.expect("a pattern");
    let mut count = 0;
    // What `import` could not carry over is told with its line, and is no lint.
    for (file, code) in sources().into_iter().filter(|(file, _)| !file.starts_with("recording/import")) {
        for found in warning.captures_iter(&code) {
            let text = match found.get(2) {
                Some(name) => {
                    code.split(&format!("let {} = \"", name.as_str())).nth(1).and_then(|it| it.split('"').next())
                }
                None => found.get(1).map(|text| text.as_str()),
            };
            let text = text.expect("the text of a warning").replace('`', "").replace("\\\\", "\\");
            let known = text.split(['{', '}']).max_by_key(|part| part.len()).unwrap_or_default().trim();
            assert!(page.contains(known), "src/{file} warns of something that docs/command-line.md does not: {text}");
            count += 1;
        }
    }
    assert!(count > 8, "the warnings were not found");
}

#[test]
fn the_readme_tests_as_the_gate_does() {
    let page = fs::read_to_string(root().join("README.md")).expect("README.md");
    let command = page.lines().find(|line| line.ends_with("cargo test")).expect("the command that runs the tests");
    // A packaged crate comes without it.
    let Ok(gate) = fs::read_to_string(root().join(".ci/run")) else { return };
    for part in command.split(" && ") {
        let runs = |line: &str| line.trim_start().starts_with("section ") && line.ends_with(&format!("' {part}"));
        assert!(gate.lines().any(runs), ".ci/run does not run `{part}`");
    }
}

#[test]
fn every_key_is_documented() {
    let folder = Folder::new();
    let page = fs::read_to_string(root().join("docs/scenario-format.md")).expect("docs/scenario-format.md");
    let spans: BTreeSet<String> = code_spans(&page).into_iter().collect();
    let known = |key: &String| spans.contains(key) || spans.iter().any(|span| span.starts_with(&format!("{key}:")));
    for text in [
        "qqqqqqqqqq: 1\nsteps: []\n",
        "steps: [{qqqqqqqqqq: 1}]\n",
        "steps: [{data: {qqqqqqqqqq: 1}}]\n",
        "steps: [{raw: {qqqqqqqqqq: 1}}]\n",
        "steps: [{message: {qqqqqqqqqq: 1}}]\n",
        "steps: [{message: {attach: [{qqqqqqqqqq: 1}]}}]\n",
        "steps: [{bdat: {qqqqqqqqqq: 1}}]\n",
        "steps: [{send: NOOP, pace: {qqqqqqqqqq: 1}}]\n",
        "steps: [{auth: {qqqqqqqqqq: 1}}]\n",
        "steps: [{starttls: {qqqqqqqqqq: 1}}]\n",
        "steps: [{connect: {qqqqqqqqqq: 1}}]\n",
        "steps: [{connect: {host: x, proxy_protocol: {qqqqqqqqqq: 1}}}]\n",
        "steps: [{expect: {qqqqqqqqqq: 1}}]\n",
        "steps: [{steps: [], retry: {qqqqqqqqqq: 1}}]\n",
        "server: {rules: [], qqqqqqqqqq: 1}\n",
        "server: {connections: [{qqqqqqqqqq: 1}]}\n",
        "server: {steps: [{reply: 220, qqqqqqqqqq: 1}]}\n",
        "server: {steps: [{starttls: {qqqqqqqqqq: 1}}]}\n",
        "server: {certificate: {qqqqqqqqqq: 1}, rules: []}\n",
        "server: {steps: [{reply: {qqqqqqqqqq: 1}}]}\n",
        "server: {rules: [{match: a, reply: b, qqqqqqqqqq: 1}]}\n",
        "steps: [{include: _part.yaml}]\n",
    ] {
        fs::write(folder.path().join("_part.yaml"), "qqqqqqqqqq: 1\nsteps: []\n").expect("a writable folder");
        fs::write(folder.path().join("keys.yaml"), text).expect("a writable folder");
        let (_, screen) = folder.run(&["check", "keys.yaml"]);
        let list = screen.split("the keys are ").nth(1).and_then(|rest| rest.lines().next()).expect("a list of keys");
        let missing: Vec<String> = list.split(", ").map(str::to_owned).filter(|key| !known(key)).collect();
        assert!(missing.is_empty(), "not in docs/scenario-format.md: {missing:?}");
    }
}

#[test]
fn every_filter_and_function_is_documented() {
    let page = fs::read_to_string(root().join("docs/scenario-format.md")).expect("docs/scenario-format.md");
    let spans = code_spans(&page);
    let added = Regex::new(r#"add_(filter|function)\(\s*"(\w+)""#).expect("a pattern");
    let mut count = 0;
    for (_, code) in sources() {
        for found in added.captures_iter(&code) {
            let name = &found[2];
            let known = spans.iter().any(|span| span == name || span.starts_with(&format!("{name}(")));
            assert!(known, "docs/scenario-format.md says nothing about the {} {name}", &found[1]);
            count += 1;
        }
    }
    assert!(count > 15, "the filters and functions were not found");
}

#[test]
fn every_mechanism_is_documented() {
    let page = fs::read_to_string(root().join("docs/scenario-format.md")).expect("docs/scenario-format.md");
    let spans = code_spans(&page);
    for mechanism in smtp_script::smtp::auth::Mechanism::ALL.map(smtp_script::smtp::auth::Mechanism::name) {
        assert!(spans.iter().any(|span| span == mechanism), "docs/scenario-format.md says nothing about {mechanism}");
    }
}

#[test]
fn every_dependency_is_explained() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let page = fs::read_to_string(root().join("docs/decisions/dependencies.md")).expect("the page");
    let mut section = "";
    let mut direct = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]") && line.contains('=') {
            direct.extend(line.split([' ', '=', '.']).next());
        }
    }
    let rows: BTreeSet<&str> = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert!(direct.len() > 5, "Cargo.toml was not understood");
    assert_eq!(
        direct, rows,
        "each direct dependency has one row in docs/decisions/dependencies.md, and no other crate"
    );
}

#[test]
fn crates_are_called_by_their_owners_only() {
    let page = fs::read_to_string(root().join("docs/decisions/dependencies.md")).expect("the page");
    let mut faults = Vec::new();
    for row in page.lines().filter(|line| line.starts_with("| `") && line.matches(" | ").count() == 2) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let name = code_spans(cells[0])[0].replace('-', "_");
        let name = if name == "md_5" { "md5".to_owned() } else { name };
        let owners: Vec<String> = code_spans(cells[2]).iter().map(|owner| owner.replace("::", "/")).collect();
        let call = Regex::new(&format!(r"(^|[^:\w]){name}::")).expect("a pattern");
        for (file, code) in sources() {
            let owned =
                owners.iter().any(|owner| file == format!("{owner}.rs") || file.starts_with(&format!("{owner}/")));
            if !owned && call.is_match(&code) {
                faults.push(format!("src/{file} calls {name}, which belongs to {}", owners.join(", ")));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn imports_go_the_way_the_map_says() {
    let page = fs::read_to_string(root().join("docs/architecture.md")).expect("docs/architecture.md");
    let import = Regex::new(r"\bcrate::([a-z_]+)").expect("a pattern");
    let group = Regex::new(r"\bcrate::\{([^}]*)\}").expect("a pattern");
    let mut layers = 0;
    for row in page.lines().filter(|line| line.starts_with("| `") && line.matches(" | ").count() == 2) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let (layer, mut allowed) = (code_spans(cells[0])[0].clone(), code_spans(cells[1]));
        allowed.push(layer.clone());
        layers += 1;
        let mut used: Vec<String> = Vec::new();
        for (file, code) in sources() {
            if file != format!("{layer}.rs") && !file.starts_with(&format!("{layer}/")) {
                continue;
            }
            let alone = import.captures_iter(&code).map(|found| found[1].to_owned());
            let first = |item: &str| item.trim().split("::").next().unwrap_or_default().to_owned();
            let grouped =
                group.captures_iter(&code).flat_map(|found| found[1].split(',').map(first).collect::<Vec<_>>());
            for name in alone.chain(grouped).filter(|name| !name.is_empty()) {
                let module = if name.starts_with("load") { "load".to_owned() } else { name };
                assert!(allowed.contains(&module), "src/{file} imports crate::{module}");
                used.push(module);
            }
        }
        // An import that is allowed and that nobody needs is a way that somebody may take by mistake.
        let unused: Vec<&String> = allowed.iter().filter(|it| **it != layer && !used.contains(it)).collect();
        assert!(unused.is_empty(), "{layer} may import {unused:?}, which nobody there does");
    }
    assert!(layers > 5, "the table of layers was not found");
}

#[test]
fn links_and_anchors_resolve() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").expect("a pattern");
    let mut faults = Vec::new();
    let changelog = root().join("CHANGELOG.md");
    for page in pages().into_iter().chain([changelog]) {
        let text = without_code(&fs::read_to_string(&page).expect("a readable page"));
        for target in link.captures_iter(&text).map(|found| found[1].to_owned()) {
            if target.contains("://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').map_or((target.as_str(), None), |(file, it)| (file, Some(it)));
            let path = if file.is_empty() { page.clone() } else { page.parent().expect("a folder").join(file) };
            let found = match anchor {
                None => path.exists(),
                Some(anchor) => fs::read_to_string(&path).is_ok_and(|text| anchors(&text).contains(anchor)),
            };
            if !found {
                faults.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(faults.is_empty(), "these links lead nowhere:\n{}", faults.join("\n"));
}

// --- pages and their blocks ------------------------------------------------------------------------------------

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README.md and every page below docs/.
fn pages() -> Vec<PathBuf> {
    fn walk(folder: &Path, pages: &mut Vec<PathBuf>) {
        let mut paths: Vec<PathBuf> =
            fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                walk(&path, pages);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    let mut pages = vec![root().join("README.md")];
    walk(&root().join("docs"), &mut pages);
    pages
}

fn blocks() -> Vec<Block> {
    pages().iter().flat_map(|page| blocks_of(page)).collect()
}

fn blocks_of(page: &Path) -> Vec<Block> {
    let text = fs::read_to_string(page).expect("a readable page");
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if open => open = false,
            Some(info) => {
                let mut words = info.split_whitespace().map(str::to_owned);
                let language = words.next().unwrap_or_default();
                let page = page.to_path_buf();
                blocks.push(Block { page, line: index + 1, language, words: words.collect(), text: String::new() });
                open = true;
            }
            None if open => {
                let block = blocks.last_mut().expect("an open block");
                block.text.push_str(line);
                block.text.push('\n');
            }
            None => {}
        }
    }
    assert!(!open, "{}: a fence is not closed", page.display());
    blocks
}

impl Block {
    fn has(&self, word: &str) -> bool {
        self.words.iter().any(|it| it == word)
    }

    fn value(&self, key: &str) -> Option<&str> {
        self.words.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    }

    fn is_scenario(&self) -> bool {
        self.language == "yaml" && !self.has("fragment") && !self.has("part")
    }
}

/// A fragment with the rest of a scenario around it.
fn completed(fragment: &str) -> String {
    let is_steps = fragment.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let is_steps = is_steps.is_some_and(|line| line.starts_with("- "));
    let mut scenario = if is_steps { String::new() } else { fragment.to_owned() };
    let has = |key: &str| !is_steps && fragment.lines().any(|line| line.starts_with(key));
    for (key, value) in [
        (
            "vars:",
            "{host: mail.example.com, domain: client.example, from: john@doe.com, to: mary@jane.com, wanted: 250}",
        ),
        ("secrets:", "[username, password, token]"),
        ("connect:", "mail.example.com:587"),
        ("steps:", "\n  - expect: ^220"),
    ] {
        if !has(key) {
            _ = writeln!(scenario, "{key} {value}");
        }
    }
    if is_steps {
        for line in fragment.lines() {
            _ = writeln!(scenario, "  {line}");
        }
    }
    scenario
}

/// The page without its fenced blocks and code spans.
fn without_code(text: &str) -> String {
    let mut open = false;
    let mut rest = String::new();
    for line in text.lines() {
        if line.starts_with("```") {
            open = !open;
        } else if !open {
            let outside: Vec<&str> = line.split('`').step_by(2).collect();
            rest.push_str(&outside.join("x"));
            rest.push('\n');
        }
    }
    rest
}

/// What stands between single backticks outside of fenced blocks.
fn code_spans(text: &str) -> Vec<String> {
    let mut open = false;
    let mut spans = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            open = !open;
        } else if !open {
            spans.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    spans
}

/// The anchors that GitHub gives to the headings of a page.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut open = false;
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut anchors = BTreeSet::new();
    for line in text.lines() {
        if line.starts_with("```") {
            open = !open;
        }
        let Some(title) = line.strip_prefix('#').filter(|_| !open) else { continue };
        let kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
        let title = title.trim_start_matches('#').trim().to_lowercase();
        let slug: String = title.chars().filter(kept).map(|letter| if letter == ' ' { '-' } else { letter }).collect();
        let count = seen.entry(slug.clone()).or_insert(0);
        anchors.insert(if *count == 0 { slug } else { format!("{slug}-{count}") });
        *count += 1;
    }
    anchors
}

/// The files below src/ by name, without comments and without the tests at their foot. Files of tests are left out.
fn sources() -> Vec<(String, String)> {
    let source = root().join("src");
    let name = |path: &Path| path.strip_prefix(&source).expect("below src").to_string_lossy().into_owned();
    let code = |path: &Path| {
        let text = fs::read_to_string(path).expect("a readable file");
        let program = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        program.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
    };
    let files = files_below(&source, "rs").into_iter().filter(|path| !name(path).contains("tests"));
    files.map(|path| (name(&path), code(&path))).collect()
}

fn note(faults: &mut Vec<String>, fine: bool, block: &Block, fault: &str, screen: &str) {
    if !fine {
        let page = block.page.strip_prefix(root()).unwrap_or(&block.page).display();
        faults.push(format!("{page}:{}: {fault}\n{screen}", block.line));
    }
}

// --- running ---------------------------------------------------------------------------------------------------

impl Folder {
    fn new() -> Folder {
        let folder = Folder(tempfile::tempdir().expect("a temporary folder"));
        fs::create_dir(folder.path().join("scenarios")).expect("a writable folder");
        let name = "scenarios/sendgrid-auth-login.yaml";
        fs::copy(root().join(name), folder.path().join(name)).expect("the scenario of the README");
        fs::write(folder.path().join("message.eml"), "Subject: a file\n\n.a line that begins with a dot\n")
            .expect("a file");
        fs::write(folder.path().join("report.pdf"), b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n").expect("a file");
        for pem in ["ca.pem", "client.pem", "client-key.pem"] {
            fs::write(folder.path().join(pem), "").expect("a file");
        }
        folder
    }

    /// A folder with the files that have a name on the page of `block`.
    fn of_page(block: &Block) -> Folder {
        let folder = Folder::new();
        for named in blocks_of(&block.page).iter().filter(|block| block.value("file").is_some()) {
            folder.write(named);
        }
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a scenario under its name, and gives the name.
    fn write(&self, block: &Block) -> String {
        let name = block.value("file").unwrap_or("example.yaml").to_owned();
        let path = self.path().join(&name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
        fs::write(path, &block.text).expect("a writable folder");
        name
    }

    /// The exit code, and both streams one after the other.
    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-script"));
        command.args(arguments);
        self.outcome(command)
    }

    fn outcome(&self, mut command: Command) -> (i32, String) {
        let output = command
            .current_dir(self.path())
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .output()
            .expect("the command to start");
        let screen = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&screen).into_owned())
    }

    /// What a shell makes of it, with the program on its path.
    fn typed(&self, text: &str) -> (i32, String) {
        let binary = Path::new(env!("CARGO_BIN_EXE_smtp-script")).parent().expect("a folder");
        let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap_or_default());
        let mut shell = Command::new("sh");
        shell.env("PATH", path).args(["-c", text]);
        self.outcome(shell)
    }

    /// Runs the commands of a `console` block, and gives the block as it is now.
    fn play_console(&self, text: &str) -> String {
        let mut screen = String::new();
        let mut code = 0;
        for typed in text.lines().filter_map(|line| line.strip_prefix("$ ")) {
            let (ended, printed) = self.typed(&format!("exec 2>&1; (exit {code}); {typed}"));
            code = ended;
            _ = write!(screen, "$ {typed}\n{printed}");
        }
        screen.replace("\n\n$ ", "\n$ ").trim_end().to_owned() + "\n"
    }
}

/// Whether two screens differ in nothing but times, ports and the like.
fn agree(shown: &str, printed: &str) -> bool {
    fn lines_agree(shown: &[String], printed: &[String]) -> bool {
        match shown.split_first() {
            None => printed.is_empty(),
            Some((first, rest)) if first.trim() == "..." => {
                (0..=printed.len()).any(|skipped| lines_agree(rest, &printed[skipped..]))
            }
            Some((first, rest)) => {
                printed.split_first().is_some_and(|(line, others)| first == line && lines_agree(rest, others))
            }
        }
    }
    lines_agree(&steady(shown), &steady(printed))
}

/// The lines of a screen without what differs from run to run.
fn steady(screen: &str) -> Vec<String> {
    let mut text = screen.to_owned();
    for (pattern, replacement) in [
        (r"(?m)^    \d+\.\d{3}  ", "    0.000  "),
        (r"\(\d+\.\d+ s\)", "(0.00 s)"),
        (r"127\.0\.0\.1:\d+", "127.0.0.1:0"),
        (r"\d+ days left", "0 days left"),
        (r"queued as \w+", "queued as ID"),
        (r"smtp-script \d+\.\d+\.\d+", "smtp-script 0.0.0"),
    ] {
        text = Regex::new(pattern).expect("a pattern").replace_all(&text, replacement).into_owned();
    }
    text.lines().map(|line| line.trim_end().to_owned()).collect()
}
