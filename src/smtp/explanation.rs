//! The answer to a [`Question`]: what the RFCs, the registry and the providers say, with their sources.
//!
//! Responsible for choosing what belongs to the answer. Not for the data (`reply_code`, `enhanced_status`, `provider`), nor
//! for how it is shown (`report::explanation`). Called by the command line.

use super::enhanced_status;
use super::provider::{self, Advice, Provider, Situation, Statement};
use super::question::Question;
use super::reply_code;
use super::status::{EnhancedStatusCode, Meaning, contradiction, is_doubtful};

/// Everything that is known about what was asked.
#[derive(Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The codes and the text that were asked about.
    pub question: Question,
    /// What the codes mean: each with the code, or the part of it, that it is about.
    pub meanings: Vec<(String, Meaning)>,
    /// The reply codes that the registry names beside the enhanced status code.
    pub usual_reply_codes: &'static [u16],
    /// That reply code and enhanced status code are of two classes, and what counts.
    pub contradiction: Option<String>,
    /// Codes that nothing is registered for.
    pub unregistered: Vec<String>,
    /// The codes that a pattern stands for.
    pub members: Vec<(String, Meaning)>,
    /// The provider that the answer is limited to.
    pub provider: Option<&'static Provider>,
    /// What holds whoever the provider is.
    pub general: Vec<&'static Statement>,
    /// What the provider means by it.
    pub providers: Vec<ProviderSays>,
    /// Whether other providers, which nothing shows here, have something of their own to say about the codes.
    pub others: bool,
}

/// What one provider means by it.
#[derive(Debug, PartialEq, Eq)]
pub struct ProviderSays {
    /// Who.
    pub provider: &'static Provider,
    /// The statements about what was asked.
    pub statements: Vec<&'static Statement>,
}

/// Explains what is asked, with the statements of one provider when it is given or the reply shows it.
#[must_use]
pub fn explain(question: &Question, only: Option<&'static Provider>) -> Explanation {
    let situation = Situation {
        host: &question.host,
        greeting: question.greeting.as_bytes(),
        code: question.exact_code(),
        enhanced: question.exact_enhanced(),
        text: question.text.as_bytes(),
        command: question.command,
        context: &question.context,
        before: &question.before,
        surroundings: &question.surroundings,
    };
    let is_exact = question.code.is_some() == situation.code.is_some()
        && question.enhanced.is_some() == situation.enhanced.is_some();
    let advice =
        if is_exact { provider::advise(&situation, only) } else { Advice { provider: only, ..Advice::default() } };
    let mut explanation = Explanation {
        question: question.clone(),
        meanings: Vec::new(),
        usual_reply_codes: &[],
        contradiction: situation.code.zip(situation.enhanced).and_then(|(code, it)| contradiction(code, it)),
        unregistered: Vec::new(),
        members: Vec::new(),
        provider: advice.provider,
        general: advice.general,
        providers: Vec::new(),
        others: advice.others,
    };
    explanation.explain_reply_code(advice.by_words);
    explanation.explain_enhanced(advice.by_words_of_provider);
    match advice.provider {
        Some(provider) if !advice.of_provider.is_empty() => {
            explanation.providers.push(ProviderSays { provider, statements: advice.of_provider });
        }
        Some(provider) if !is_exact => explanation.add_pattern(provider),
        _ => {}
    }
    explanation
}

impl Explanation {
    /// Where the reply tells its cause, or says more than its code, only what is sure of the code is said.
    fn explain_reply_code(&mut self, tells_cause: bool) {
        let Some([Some(first), second, _]) = self.question.code else { return };
        let lowest = u16::from(first) * 100 + u16::from(second.unwrap_or(0)) * 10;
        let is_bare = self.question.text.is_empty() && self.question.command.is_none();
        let command = self.question.command.filter(|_| !tells_cause);
        match self.question.exact_code() {
            Some(code) => match reply_code::find(code) {
                Some(entry) => {
                    let fitting = entry.meanings.iter().filter(|it| is_bare || it.fits(command));
                    self.meanings.extend(fitting.map(|it| (code.to_string(), *it)));
                }
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

    /// Of a reply whose provider means something of its own by its words, the registry has nothing to say.
    fn explain_enhanced(&mut self, is_told: bool) {
        let is_doubtful =
            self.question.exact_code().zip(self.question.exact_enhanced()).is_some_and(|(code, enhanced)| {
                !self.question.text.is_empty() && is_doubtful(code, enhanced, self.question.command.unwrap_or_default())
            });
        let Some((class, subject, detail)) = self.question.enhanced.filter(|_| !is_told && !is_doubtful) else {
            return;
        };
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
            self.providers.push(ProviderSays { provider, statements });
        }
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

    fn by(provider: &str, text: &str) -> Explanation {
        explain(&Question::read(text).unwrap(), provider::find(provider))
    }

    #[test]
    fn both_codes_are_explained() {
        let found = about("535 5.7.8");
        let codes: Vec<&str> = found.meanings.iter().map(|(code, _)| code.as_str()).collect();
        assert_eq!(codes, ["535", "5yz", "5.7.8", "x.7.z"]);
        assert_eq!(found.usual_reply_codes, [535, 554]);
        // Nobody is named by a code alone.
        assert!(found.providers.is_empty() && found.others);
        assert!(says(&by("sendgrid", "535 5.7.8"), "sendgrid")[0].contains("`apikey`"));
        assert!(says(&by("gmail", "535 5.7.8"), "gmail")[0].contains("app password"));
    }

    #[test]
    fn an_enhanced_code_alone_finds_statements_about_its_reply_code() {
        assert!(says(&by("sendgrid", "5.7.8"), "sendgrid")[0].contains("`apikey`"));
        assert!(says(&by("sendgrid", "5.7.0"), "sendgrid").is_empty());
        assert!(says(&by("microsoft-365", "5.7.57"), "microsoft-365")[0].contains("authentication"));
        // Advice about a reply code and a command is none about an enhanced status code.
        assert!(about("5.7.1").general.is_empty());
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
        let found = by("amazon-ses", "554 Message rejected: Email address is not verified.");
        assert!(says(&found, "amazon-ses").iter().all(|it| it.contains("verified") || it.contains("verify")));
        assert!(says(&by("amazon-ses", "554 something else"), "amazon-ses").is_empty());
    }

    #[test]
    fn what_was_replied_to_limits_what_is_said() {
        let meanings = |text: &str| about(text).meanings.iter().map(|it| it.1.text).collect::<Vec<_>>().join("; ");
        assert!(meanings("550").contains("null MX"));
        assert!(!meanings("550 no such user here").contains("null MX"));
        assert!(meanings("550 refused (in reply to MAIL FROM command)").contains("null MX"));
        assert!(!meanings("550 refused (in reply to RCPT TO command)").contains("null MX"));
    }

    #[test]
    fn a_bare_reply_code_lists_what_its_provider_says() {
        assert!(by("gmail", "550").providers[0].statements.len() > 5);
        assert!(about("550").providers.is_empty());
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
        assert!(says(&by("microsoft-365", "550 5.7.515"), "microsoft-365")[0].contains("DMARC"));
    }

    #[test]
    fn references_lead_somewhere() {
        assert_eq!(url_of("RFC 4954 section 6"), "https://www.rfc-editor.org/rfc/rfc4954.html#section-6");
        assert_eq!(url_of("RFC 4954 and RFC 3207"), "https://www.rfc-editor.org/rfc/rfc4954.html");
        assert_eq!(url_of("IANA SMTP Enhanced Status Codes registry"), enhanced_status::REGISTRY_URL);
    }
}
