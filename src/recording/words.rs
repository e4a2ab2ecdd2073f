//! The values of a conversation that get names: credentials become secrets, addresses become variables.
//!
//! Responsible for finding these values in text that is written, and for putting their names there. A secret is replaced
//! wherever it stands, in its encodings too; an address only where it plays its part.

use super::Said;
use super::templates::template_in;
use crate::scenario::Secret;
use crate::scenario::write::literal;
use crate::secret::Masker;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;

/// Shorter names of users stand everywhere by chance.
const MIN_NAME_LENGTH: usize = 4;
/// Shorter secrets are parts of words: replacing them there would give them away.
const MIN_SECRET_LENGTH: usize = 6;
/// No more logins of one session get names of their own: those beyond stand for the first, and are hidden as words.
pub(super) const MOST_NAMED: usize = 100;

/// Secrets by name, in the order in which they were first used.
#[derive(Default)]
pub(crate) struct Secrets {
    list: Vec<NamedSecret>,
    masker: Masker,
}

struct NamedSecret {
    name: String,
    value: String,
    /// Names of users are words; they are secrets only where they stand as a word of their own.
    is_word: bool,
}

/// Passwords, tokens and other messages of logins that several conversations showed. It has no `Debug`.
#[derive(Default)]
pub(crate) struct KnownCredentials {
    /// The kind and the value of each.
    list: Vec<(String, String)>,
}

/// A value with the name it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) value: String,
}

/// A part of a text.
enum WordPart<'t> {
    Text(&'t str),
    Template(String),
}

impl KnownCredentials {
    /// Gives names to those that stand in what was said.
    pub(super) fn add_to(&self, secrets: &mut Secrets, said: &[Said]) {
        let text = octets(said);
        for (kind, value) in &self.list {
            let mut alone = Secrets::default();
            alone.name(kind, value);
            if alone.stand_in(&text) {
                secrets.name(kind, value);
            }
        }
    }

    /// Remembers one that no conversation shows.
    pub(super) fn note(&mut self, kind: &str, value: &str) {
        self.list.push((kind.to_owned(), value.to_owned()));
    }

    /// Gives names to all of them, for text that is shown.
    pub(super) fn add_all_to(&self, secrets: &mut Secrets) {
        for (kind, value) in self.list.iter().filter(|(_, value)| value.len() >= MIN_SECRET_LENGTH) {
            secrets.name(kind, value);
        }
    }

    /// Remembers those of one conversation. Names of users are not among them: they are addresses that many may say.
    pub(super) fn learn(&mut self, secrets: &Secrets) {
        for secret in secrets.list.iter().filter(|secret| !secret.is_word && !secret.value.is_empty()) {
            let kind = secret.name.trim_end_matches(|letter: char| letter.is_ascii_digit()).trim_end_matches('_');
            let credential = (kind.to_owned(), secret.value.clone());
            if !self.list.contains(&credential) {
                self.list.push(credential);
            }
        }
    }
}

/// Everything that was said, line by line.
pub(super) fn octets(said: &[Said]) -> Vec<u8> {
    let mut text = Vec::new();
    for event in said {
        match event {
            Said::Line(bytes) | Said::Bytes(bytes) | Said::Malformed(bytes) => text.extend_from_slice(bytes),
            Said::RecordedMailData(data) | Said::Chunk(data) => text.extend_from_slice(&data.octets),
            Said::Reply(reply) => reply.lines().for_each(|line| text.extend([line, b"\n"].concat())),
            Said::Remark(remark) => text.extend_from_slice(remark.as_bytes()),
            Said::Wanted(..) | Said::Handshake | Said::HandshakeFailed(_) | Said::ServerClosed | Said::ClientClosed => {
            }
        }
        text.extend_from_slice(b"\n\n");
    }
    text
}

impl Secrets {
    /// Whether there is one whose value no conversation shows.
    pub(super) fn has_unknown(&self) -> bool {
        self.list.iter().any(|secret| secret.value.is_empty())
    }

    /// Whether there is one that is too short to be searched for.
    pub(super) fn has_short(&self) -> bool {
        self.list.iter().any(|secret| !secret.is_word && !secret.value.is_empty() && !secret.is_searched_for())
    }

    /// The name of a secret with this value; `kind` is what it is called the first time.
    pub(crate) fn name(&mut self, kind: &str, value: &str) -> String {
        let of_kind = |secret: &&NamedSecret| {
            secret.name.strip_prefix(kind).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        };
        if let Some(known) = self.list.iter().filter(of_kind).find(|secret| secret.value == value) {
            return known.name.clone();
        }
        let count = self.list.iter().filter(of_kind).count();
        if self.list.len() >= MOST_NAMED && count > 0 {
            self.masker.add_word(value);
            return kind.to_owned();
        }
        let name = if count == 0 { kind.to_owned() } else { format!("{kind}_{}", count + 1) };
        let is_word = kind == "username";
        self.list.push(NamedSecret { name: name.clone(), value: value.to_owned(), is_word });
        self.prepare();
        name
    }

    /// A secret whose value the conversation does not show.
    pub(crate) fn unknown(&mut self, kind: &str) -> String {
        self.name(kind, "")
    }

    /// The first secret of a kind, for a place where the value is not shown.
    pub(crate) fn first(&mut self, kind: &str) -> String {
        if self.list.iter().any(|secret| secret.name == kind) { kind.to_owned() } else { self.unknown(kind) }
    }

    /// The names, in the order in which they were first used.
    pub(crate) fn names(&self) -> Vec<String> {
        self.list.iter().map(|secret| secret.name.clone()).collect()
    }

    /// Whether `text` holds one of them.
    pub(crate) fn stand_in(&self, text: &[u8]) -> bool {
        self.masker.finds(text)
            || !matches!(self.parts(&String::from_utf8_lossy(text)).as_slice(), [] | [WordPart::Text(_)])
    }

    /// Text that may be shown: each secret replaced by its name in brackets.
    pub(crate) fn mask(&self, text: &str) -> String {
        let shown = self.parts(text).into_iter().map(|part| match part {
            WordPart::Text(text) => text.to_owned(),
            WordPart::Template(template) => template,
        });
        self.masker.mask_text(&shown.collect::<String>())
    }

    fn prepare(&mut self) {
        let hidden = self.list.iter().filter(|secret| !secret.is_word && secret.is_searched_for());
        let values: BTreeMap<String, Secret> =
            hidden.map(|secret| (secret.name.clone(), Secret::new(secret.value.clone()))).collect();
        self.masker = Masker::new(&values).with_words_of(&self.masker);
    }

    /// Secrets and their base64 as templates, the text between them as it is.
    fn parts<'t>(&self, text: &'t str) -> Vec<WordPart<'t>> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((start, length, template)) = self.first_in(rest) {
            parts.push(WordPart::Text(&rest[..start]));
            parts.push(WordPart::Template(template));
            rest = &rest[start + length..];
        }
        parts.push(WordPart::Text(rest));
        parts.retain(|part| !matches!(part, WordPart::Text("")));
        parts
    }

    /// The first secret of a text; of two at one place the longer.
    fn first_in(&self, text: &str) -> Option<(usize, usize, String)> {
        let mut found: Vec<(usize, usize, String)> = Vec::new();
        for secret in self.list.iter().filter(|secret| secret.value.is_empty()) {
            found.extend(
                template_in(text, |name| name == secret.name)
                    .map(|(at, template)| (at, template.len(), template.to_owned())),
            );
        }
        for secret in self.list.iter().filter(|secret| secret.is_searched_for()) {
            let encoded = STANDARD.encode(&secret.value);
            let plain = word_in(text, &secret.value);
            let in_base64 = if secret.is_word { word_in(text, &encoded) } else { text.find(&encoded) };
            let forms = [
                (plain, &secret.value, format!("<<{}>>", secret.name)),
                (in_base64, &encoded, format!("<<{} | b64encode>>", secret.name)),
            ];
            for (at, form, template) in forms {
                found.extend(at.map(|at| (at, form.len(), template)));
            }
        }
        found.into_iter().min_by_key(|(start, length, _)| (*start, usize::MAX - length))
    }
}

impl NamedSecret {
    /// Whether it is looked for wherever it may stand, beside its login.
    fn is_searched_for(&self) -> bool {
        self.value.len() >= if self.is_word { MIN_NAME_LENGTH } else { MIN_SECRET_LENGTH }
    }
}

/// Where `word` stands in `text` with no letter or digit on either side.
fn word_in(text: &str, word: &str) -> Option<usize> {
    let free = |neighbour: Option<char>| !neighbour.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    let stands_alone =
        |at: &usize| free(text[..*at].chars().next_back()) && free(text[at + word.len()..].chars().next());
    text.match_indices(word).map(|(at, _)| at).find(stands_alone)
}

/// Text from outside as a template: secrets and the variables given by their names, all else exactly as it is.
pub(super) fn template(text: &str, secrets: &Secrets, variables: &[Variable]) -> String {
    let written = |part: WordPart<'_>| match part {
        WordPart::Template(template) => template,
        WordPart::Text(text) => with_variables(&secrets.masker.mask_text(&literal(text)), variables),
    };
    secrets.parts(text).into_iter().map(written).collect()
}

fn with_variables(text: &str, variables: &[Variable]) -> String {
    let mut template = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let found = variables.iter().filter_map(|variable| Some((word_in(rest, &variable.value)?, variable)));
        let Some((at, variable)) = found.min_by_key(|(at, variable)| (*at, usize::MAX - variable.value.len())) else {
            template.push_str(rest);
            return template;
        };
        template.push_str(&rest[..at]);
        template.extend(["<<", variable.name.as_str(), ">>"]);
        rest = &rest[at + variable.value.len()..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        let mut secrets = Secrets::default();
        secrets.name("username", "mary");
        secrets.name("password", "correct horse");
        secrets
    }

    #[test]
    fn a_value_has_one_name() {
        let mut secrets = secrets();
        assert_eq!(secrets.name("password", "correct horse"), "password");
        assert_eq!(secrets.name("password", "another"), "password_2");
        assert_eq!(secrets.names(), ["username", "password", "password_2"]);
    }

    #[test]
    fn secrets_are_found_in_their_encodings() {
        let template = |text: &str| template(text, &secrets(), &[]);
        assert_eq!(template("the correct horse << 1"), "the <<password>> <<'<<'>> 1");
        assert_eq!(template("y Y29ycmVjdCBob3JzZQ== z"), "y <<password | b64encode>> z");
        assert_eq!(template("hex 636f727265637420686f727365"), "hex <<password>>");
        assert_eq!(template("From: mary, maryland"), "From: <<username>>, maryland");
    }

    #[test]
    fn a_short_password_is_replaced_nowhere() {
        let mut secrets = Secrets::default();
        secrets.name("password", "test");
        assert!(secrets.has_short());
        let text = "the latest tested test at test@example.org";
        assert_eq!(template(text, &secrets, &[]), text);
        assert_eq!(secrets.mask(text), text);
    }

    #[test]
    fn variables_are_whole_words() {
        let variables = [Variable { name: "from".to_owned(), value: "a@b.c".to_owned() }];
        let template = |text: &str| template(text, &Secrets::default(), &variables);
        assert_eq!(template("MAIL FROM:<a@b.c> X=aa@b.c"), "MAIL FROM:<<<from>>> X=aa@b.c");
        assert_eq!(template("<<a@b.c>>"), "<<'<<'>><<from>>>>");
    }
}
