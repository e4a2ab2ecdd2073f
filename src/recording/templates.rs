//! Templates that stand in a transcript already: our own show the secrets so.
//!
//! Responsible for finding them, and their names, by their form. Called by `words` and `import`.

use super::Said;
use super::words::{MOST_NAMED, octets};

/// The first template of a text with a name alone, through filters or not, that passes: where, and what it is. Our own
/// transcripts show secrets so.
pub(super) fn template_in(text: &str, is_wanted: impl Fn(&str) -> bool) -> Option<(usize, &str)> {
    let mut from = 0;
    while let Some(open) = text[from..].find("<<").map(|at| from + at) {
        let rest = text[open..].trim_start_matches('<');
        let start = text.len() - rest.len();
        let inside = rest.split_once(">>").map_or("", |(inside, _)| inside);
        let (name, filters) = inside.split_once('|').unwrap_or((inside, ""));
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let is_filter = |letter: char| is_name(letter) || matches!(letter, ' ' | '|');
        let name = name.trim_end();
        if name.starts_with(|letter: char| letter.is_ascii_lowercase())
            && name.chars().all(is_name)
            && filters.chars().all(is_filter)
            && is_wanted(name)
        {
            return Some((start - 2, &text[start - 2..start + inside.len() + 2]));
        }
        from = start;
    }
    None
}

/// The names of the secrets that one of our own transcripts shows as templates.
pub(super) fn templates_in(said: &[Said]) -> Vec<String> {
    let text = String::from_utf8_lossy(&octets(said)).into_owned();
    let mut names: Vec<String> = Vec::new();
    let mut rest = text.as_str();
    while let Some((at, template)) = template_in(rest, |_| true).filter(|_| names.len() < MOST_NAMED) {
        let name: String =
            template[2..].chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect();
        if !names.contains(&name) {
            names.push(name);
        }
        rest = &rest[at + template.len()..];
    }
    names
}

#[cfg(test)]
mod tests {
    use super::super::words::{Secrets, template};
    use super::*;

    #[test]
    fn what_stands_as_a_template_stays_one_where_its_value_is_not_known() {
        let mut unknown = Secrets::default();
        unknown.unknown("token");
        let written = |text: &str| template(text, &unknown, &[]);
        assert_eq!(written("Subject: <<token>> <<other>>"), "Subject: <<token>> <<'<<'>>other>>");
        assert_eq!(written("RCPT TO:<<<token>>>"), "RCPT TO:<<<token>>>");
        assert_eq!(written("<<token | b64encode>> <<token(1)>>"), "<<token | b64encode>> <<'<<'>>token(1)>>");
        let lines =
            ["X <<a>> <<b | c>>", "<<a>> <<'d'>> <<", "<<<e>>>"].map(|line| Said::Line(line.as_bytes().to_vec()));
        assert_eq!(templates_in(&lines), ["a", "b", "e"]);
    }
}
