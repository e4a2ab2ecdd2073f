//! The answer to a [`Question`]: what the RFCs, the registry and the providers say, with their sources.
//!
//! Responsible for choosing what belongs to the answer. Not for the data (`reply_code`, `enhanced_status`, `provider`), nor
//! for how it is shown (`report::explanation`). Called by the command line.

use super::enhanced_status;
use super::provider::{self, Known, Provider, Statement};
use super::question::Question;
use super::reply_code;
use super::status::{EnhancedStatusCode, Meaning};

/// Everything that is known about what was asked.
#[derive(Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The codes and the text that were asked about.
    pub question: Question,
    /// What the codes mean: each with the code, or the part of it, that it is about.
    pub meanings: Vec<(String, Meaning)>,
    /// The reply codes that the registry names beside the enhanced status code.
    pub usual_reply_codes: &'static [u16],
    /// Codes that nothing is registered for.
    pub unregistered: Vec<String>,
    /// The codes that a pattern stands for.
    pub members: Vec<(String, Meaning)>,
    /// The provider that the answer is limited to.
    pub provider: Option<&'static Provider>,
    /// What holds whoever the provider is.
    pub general: Vec<&'static Statement>,
    /// What providers mean by it.
    pub providers: Vec<ProviderSays>,
}

/// What one provider means by it.
#[derive(Debug, PartialEq, Eq)]
pub struct ProviderSays {
    /// Who.
    pub provider: &'static Provider,
    /// The statements about what was asked.
    pub statements: Vec<&'static Statement>,
    /// How many more it has about the same reply code with an enhanced status code, when the question has none.
    pub further: usize,
}

/// Explains what is asked, with the statements of one provider when it is given or the reply names it.
#[must_use]
pub fn explain(question: &Question, only: Option<&'static Provider>) -> Explanation {
    let provider = only.or_else(|| provider::named_in(question.context.as_bytes()));
    let mut explanation = Explanation {
        question: question.clone(),
        meanings: Vec::new(),
        usual_reply_codes: &[],
        unregistered: Vec::new(),
        members: Vec::new(),
        provider,
        general: Vec::new(),
        providers: Vec::new(),
    };
    explanation.explain_reply_code();
    explanation.explain_enhanced();
    let known =
        Known { code: question.exact_code(), enhanced: question.exact_enhanced(), text: question.text.as_bytes() };
    let is_exact =
        question.code.is_some() == known.code.is_some() && question.enhanced.is_some() == known.enhanced.is_some();
    if is_exact {
        explanation.add_statements(&known);
    } else if let Some(provider) = provider {
        explanation.add_pattern(provider);
    }
    explanation
}

impl Explanation {
    fn explain_reply_code(&mut self) {
        let Some([Some(first), second, _]) = self.question.code else { return };
        let lowest = u16::from(first) * 100 + u16::from(second.unwrap_or(0)) * 10;
        match self.question.exact_code() {
            Some(code) => match reply_code::find(code) {
                Some(entry) => self.meanings.extend(entry.meanings.iter().map(|it| (code.to_string(), *it))),
                None => self.unregistered.push(code.to_string()),
            },
            None => {
                let members = reply_code::all().iter().filter(|entry| match second {
                    Some(_) => entry.code / 10 == lowest / 10,
                    None => entry.code / 100 == lowest / 100,
                });
                self.members
                    .extend(members.filter_map(|entry| Some((entry.code.to_string(), *entry.meanings.first()?))));
            }
        }
        self.meanings.extend(reply_code::class(lowest).map(|it| (format!("{first}yz"), it)));
        if let (Some(second), Some(category)) = (second, reply_code::category(lowest)) {
            self.meanings.push((format!("x{second}z"), category));
        }
    }

    fn explain_enhanced(&mut self) {
        let Some((class, subject, detail)) = self.question.enhanced else { return };
        match (subject, detail) {
            (Some(subject), Some(detail)) => {
                let shown = format!("{}.{subject}.{detail}", class.map_or_else(|| "x".to_owned(), |it| it.to_string()));
                match enhanced_status::find(EnhancedStatusCode { class: class.unwrap_or(5), subject, detail }) {
                    Some(entry) => {
                        self.meanings.push((shown, entry.meaning));
                        self.usual_reply_codes = entry.reply_codes;
                    }
                    None => self.unregistered.push(shown),
                }
            }
            _ => {
                let class = class.map_or_else(|| "x".to_owned(), |it| it.to_string());
                let members =
                    enhanced_status::all().iter().filter(|it| subject.is_none_or(|wanted| it.subject == wanted));
                let shown = members.map(|it| (format!("{class}.{}.{}", it.subject, it.detail), it.meaning));
                self.members.extend(shown);
            }
        }
        // The reply code has said as much about the class.
        if self.question.code.is_none() {
            self.meanings
                .extend(class.and_then(enhanced_status::class).map(|it| (format!("{}.y.z", class.unwrap_or(5)), it)));
        }
        self.meanings
            .extend(subject.and_then(|it| enhanced_status::subject(it).map(|meaning| (format!("x.{it}.z"), meaning))));
    }

    fn add_statements(&mut self, known: &Known<'_>) {
        // What is told by a command or by text that are not known is no answer to a bare code.
        let tells = |it: &&'static Statement| it.may_apply(known) && (it.text.is_empty() || !known.text.is_empty());
        self.general = provider::general().iter().filter(tells).collect();
        for provider in self.asked_providers() {
            let fitting: Vec<&'static Statement> =
                provider.statements.iter().filter(|it| it.may_apply(known)).collect();
            // Of a bare reply code a provider may have thirty, told apart by what follows it.
            let folds = known.enhanced.is_none() && self.provider.is_none();
            let (further, statements): (Vec<_>, Vec<_>) =
                fitting.into_iter().partition(|it| folds && it.names_enhanced());
            if !statements.is_empty() || !further.is_empty() {
                self.providers.push(ProviderSays { provider, statements, further: further.len() });
            }
        }
    }

    /// All that a provider says about the codes of a pattern.
    fn add_pattern(&mut self, provider: &'static Provider) {
        let question = &self.question;
        let fits_code = |statement: &Statement| {
            let Some([Some(first), second, _]) = question.code else { return true };
            let lowest = u16::from(first) * 100 + u16::from(second.unwrap_or(0)) * 10;
            let highest = lowest + if second.is_some() { 9 } else { 99 };
            (lowest..=highest).any(|code| statement.codes.contains(code))
        };
        let fits_enhanced = |statement: &Statement| {
            let Some((class, subject, detail)) = question.enhanced else { return true };
            let about = |it: u16| subject.is_none_or(|wanted| wanted == it);
            let named = statement.enhanced.iter().any(|it| about(it.0) && detail.is_none_or(|wanted| wanted == it.1));
            let ranged = statement.range.is_some_and(|(subject, first, last)| {
                about(subject) && detail.is_none_or(|wanted| (first..=last).contains(&wanted))
            });
            let digits = class.map_or(2..=5, |class| class..=class);
            let in_class = digits
                .into_iter()
                .any(|digit| (0..100).any(|rest| statement.codes.contains(u16::from(digit) * 100 + rest)));
            in_class && (named || ranged)
        };
        let statements: Vec<_> =
            provider.statements.iter().filter(|statement| fits_code(statement) && fits_enhanced(statement)).collect();
        if !statements.is_empty() {
            self.providers.push(ProviderSays { provider, statements, further: 0 });
        }
    }

    fn asked_providers(&self) -> Vec<&'static Provider> {
        self.provider.map_or_else(|| provider::all().to_vec(), |only| vec![only])
    }
}

/// Where a reference of a [`Meaning`] can be read: the first of its RFCs, or the registry.
#[must_use]
pub fn url_of(reference: &str) -> String {
    let mut words = reference.split_whitespace();
    let number = words.by_ref().skip_while(|word| *word != "RFC").nth(1);
    let Some(number) = number else { return enhanced_status::REGISTRY_URL.to_owned() };
    let section = match (words.next(), words.next()) {
        (Some("section"), Some(section)) => format!("#section-{section}"),
        _ => String::new(),
    };
    format!("https://www.rfc-editor.org/rfc/rfc{number}.html{section}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(text: &str) -> Explanation {
        explain(&Question::read(text).unwrap(), None)
    }

    fn says(explanation: &Explanation, provider: &str) -> Vec<String> {
        let of_provider = explanation.providers.iter().filter(|it| it.provider.id == provider);
        of_provider.flat_map(|it| &it.statements).map(|it| format!("{}{}", it.means, it.help)).collect()
    }

    #[test]
    fn both_codes_are_explained() {
        let found = about("535 5.7.8");
        let codes: Vec<&str> = found.meanings.iter().map(|(code, _)| code.as_str()).collect();
        assert_eq!(codes, ["535", "5yz", "5.7.8", "x.7.z"]);
        assert_eq!(found.usual_reply_codes, [535, 554]);
        assert!(says(&found, "sendgrid")[0].contains("`apikey`"));
        assert!(says(&found, "gmail")[0].contains("app password"));
        assert!(found.providers.len() > 10);
    }

    #[test]
    fn an_enhanced_code_alone_finds_statements_about_its_reply_code() {
        assert!(says(&about("5.7.8"), "sendgrid")[0].contains("`apikey`"));
        assert!(says(&about("5.7.0"), "sendgrid").is_empty());
        assert!(says(&about("5.7.57"), "microsoft-365")[0].contains("authentication"));
    }

    #[test]
    fn a_reply_that_names_its_provider_is_explained_by_it_alone() {
        let found = about("550 5.7.26 This mail has been blocked - gsmtp");
        assert_eq!(found.provider.map(|it| it.id), Some("gmail"));
        assert_eq!(found.providers.len(), 1);
        assert!(says(&found, "gmail")[0].contains("DMARC"));
    }

    #[test]
    fn text_tells_statements_apart() {
        let found = about("554 Message rejected: Email address is not verified.");
        assert!(says(&found, "amazon-ses").iter().all(|it| it.contains("verified") || it.contains("verify")));
        assert!(says(&about("554 something else"), "amazon-ses").is_empty());
    }

    #[test]
    fn a_bare_reply_code_does_not_list_everything() {
        let found = about("550");
        let gmail = found.providers.iter().find(|it| it.provider.id == "gmail").unwrap();
        assert!(gmail.statements.is_empty() && gmail.further > 5);
        let only = explain(&Question::read("550").unwrap(), provider::find("gmail"));
        assert!(only.providers[0].statements.len() > 5);
    }

    #[test]
    fn patterns_list_their_codes() {
        let found = about("5xx");
        assert!(found.members.len() > 15 && found.members.iter().all(|(code, _)| code.starts_with('5')));
        assert_eq!(about("23x").members.len(), 1);
        assert_eq!(about("4.7.x").members.len(), 31);
        assert!(about("4.7.x").providers.is_empty());
        let of_gmail = explain(&Question::read("4.7.x").unwrap(), provider::find("gmail"));
        assert!(of_gmail.providers[0].statements.len() > 5);
        assert!(of_gmail.providers[0].statements.iter().all(|it| it.enhanced.iter().any(|code| code.0 == 7)));
    }

    #[test]
    fn unknown_codes_are_said_to_be_so() {
        let found = about("559 5.9.99");
        assert_eq!(found.unregistered, ["559", "5.9.99"]);
        assert!(found.meanings.iter().any(|(code, _)| code == "5yz"));
        assert_eq!(about("550 5.7.515").unregistered, ["5.7.515"]);
        assert!(says(&about("550 5.7.515"), "microsoft-365")[0].contains("DMARC"));
    }

    #[test]
    fn references_lead_somewhere() {
        assert_eq!(url_of("RFC 4954 section 6"), "https://www.rfc-editor.org/rfc/rfc4954.html#section-6");
        assert_eq!(url_of("RFC 4954 and RFC 3207"), "https://www.rfc-editor.org/rfc/rfc4954.html");
        assert_eq!(url_of("IANA SMTP Enhanced Status Codes registry"), enhanced_status::REGISTRY_URL);
    }
}
