//! The EHLO keywords that a server offers (RFC 5321 section 4.1.1.1).
//!
//! Responsible for reading them, tolerantly, out of the lines of an EHLO or LHLO reply, and for what the usual ones mean. Not for deciding what to use,
//! nor for forgetting them after STARTTLS: the session does that by starting with none. Called by the session, by
//! templates (`offers(…)`, `extensions`) and by the reports.

/// How many keywords, and parameters of one keyword, are searched for repetitions: more than any server needs, and few
/// enough that a reply of a million lines costs no more than its length.
const SEARCHED: usize = 32;

/// A keyword that is registered, or usual.
#[derive(Debug)]
pub(crate) struct Keyword {
    /// In upper case.
    pub(crate) name: &'static str,
    /// What it offers.
    pub(crate) meaning: &'static str,
    /// Where it is defined.
    pub(crate) source: &'static str,
}

/// The usual keywords (IANA, SMTP Service Extensions).
static KEYWORDS: [Keyword; 24] = [
    keyword("8BITMIME", "bodies of 8-bit text", "RFC 6152"),
    keyword("ATRN", "on-demand mail relay", "RFC 2645"),
    keyword("AUTH", "logins, by these mechanisms", "RFC 4954"),
    keyword("BINARYMIME", "bodies of any octets, by BDAT", "RFC 3030"),
    keyword("BURL", "a body by reference to an IMAP server", "RFC 4468"),
    keyword("CHECKPOINT", "restarting a transaction", "RFC 1845"),
    keyword("CHUNKING", "mail data in chunks, by BDAT", "RFC 3030"),
    keyword("DELIVERBY", "a time by which to deliver", "RFC 2852"),
    keyword("DSN", "notifications of delivery: NOTIFY, RET, ENVID, ORCPT", "RFC 3461"),
    keyword("ENHANCEDSTATUSCODES", "codes such as 5.7.8 in replies", "RFC 2034"),
    keyword("ETRN", "asks to send queued mail", "RFC 1985"),
    keyword("FUTURERELEASE", "mail that waits: HOLDFOR, HOLDUNTIL", "RFC 4865"),
    keyword("HELP", "the command HELP", "RFC 5321"),
    keyword("LIMITS", "how many recipients and messages", "RFC 9422"),
    keyword("MT-PRIORITY", "priorities of messages", "RFC 6710"),
    keyword("NO-SOLICITING", "refuses advertisements", "RFC 3865"),
    keyword("PIPELINING", "several commands at once", "RFC 2920"),
    keyword("REQUIRETLS", "TLS on the whole way", "RFC 8689"),
    keyword("RRVS", "recipients only if they are still the same", "RFC 7293"),
    keyword("SIZE", "the largest message in octets", "RFC 1870"),
    keyword("SMTPUTF8", "addresses and headers in UTF-8", "RFC 6531"),
    keyword("STARTTLS", "TLS", "RFC 3207"),
    keyword("VRFY", "the command VRFY", "RFC 5321"),
    keyword("XCLIENT", "a proxy says who its client is", "Postfix"),
];

const fn keyword(name: &'static str, meaning: &'static str, source: &'static str) -> Keyword {
    Keyword { name, meaning, source }
}

/// The usual keyword of this name, in any letter case.
pub(crate) fn keyword_named(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|known| known.name.eq_ignore_ascii_case(name))
}

/// The EHLO keywords of one reply with their parameters, in the order sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions(Vec<Extension>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Extension {
    keyword: String,
    parameters: Vec<String>,
}

impl Extensions {
    /// Reads the text of each line of the reply, without its code; the first is the greeting and offers nothing.
    ///
    /// Odd servers are understood: lower case, needless blanks, empty lines, bytes that are not UTF-8 (replaced by
    /// U+FFFD), a keyword on several lines (its parameters are joined), and the form `AUTH=LOGIN` of old.
    #[must_use]
    pub fn parse<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut extensions = Self::default();
        for line in lines.into_iter().skip(1) {
            extensions.add(&String::from_utf8_lossy(line));
        }
        extensions
    }

    /// Whether `keyword` is offered and, if `parameter` is given, has that parameter; letter case does not matter.
    #[must_use]
    pub fn offers(&self, keyword: &str, parameter: Option<&str>) -> bool {
        let mut offered = self.0.iter().filter(|it| it.keyword.eq_ignore_ascii_case(keyword));
        match parameter {
            None => offered.next().is_some(),
            Some(wanted) => offered.flat_map(|it| &it.parameters).any(|it| it.eq_ignore_ascii_case(wanted)),
        }
    }

    /// The parameters of `keyword` as sent; `None` if it is not offered.
    #[must_use]
    pub fn parameters(&self, keyword: &str) -> Option<&[String]> {
        let found = self.0.iter().find(|it| it.keyword.eq_ignore_ascii_case(keyword));
        found.map(|it| it.parameters.as_slice())
    }

    /// Keywords in upper case with their parameters as sent, in the order sent. One that is repeated far down a very long
    /// reply comes again.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|it| (it.keyword.as_str(), it.parameters.as_slice()))
    }

    /// Whether nothing is offered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The largest message in octets (RFC 1870); zero means that there is no fixed limit, `None` that none was told.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.parameters("SIZE")?.first()?.parse().ok()
    }

    fn add(&mut self, line: &str) {
        // No keyword holds a `=`: it can only be the old separator between AUTH and its mechanisms.
        let is_blank = |c: char| c.is_ascii_whitespace() || c.is_ascii_control();
        let line = line.trim_matches(is_blank);
        let (keyword, rest) = line.split_at(line.find(|c| is_blank(c) || c == '=').unwrap_or(line.len()));
        if keyword.is_empty() {
            return;
        }
        let rest = rest.strip_prefix('=').unwrap_or(rest);
        let parameters = rest.split(is_blank).filter(|parameter| !parameter.is_empty());
        self.entry(keyword).join(parameters);
    }

    fn entry(&mut self, keyword: &str) -> &mut Extension {
        let known = self.0.iter().take(SEARCHED).position(|it| it.keyword.eq_ignore_ascii_case(keyword));
        let index = known.unwrap_or(self.0.len());
        if known.is_none() {
            self.0.push(Extension { keyword: keyword.to_ascii_uppercase(), parameters: Vec::new() });
        }
        &mut self.0[index]
    }
}

impl Extension {
    fn join<'a>(&mut self, parameters: impl Iterator<Item = &'a str>) {
        for parameter in parameters {
            let mut searched = self.parameters.iter().take(SEARCHED);
            if !searched.any(|known| known.eq_ignore_ascii_case(parameter)) {
                self.parameters.push(parameter.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(lines: &[&str]) -> Extensions {
        Extensions::parse(lines.iter().map(|line| line.as_bytes()))
    }

    fn shown(extensions: &Extensions) -> Vec<String> {
        extensions.iter().map(|(keyword, parameters)| format!("{keyword} [{}]", parameters.join(","))).collect()
    }

    #[test]
    fn keywords_come_in_the_order_sent() {
        let extensions =
            parsed(&["mx.example greets you", "PIPELINING", "SIZE 10485760", "AUTH PLAIN LOGIN", "8BITMIME"]);
        assert_eq!(shown(&extensions), ["PIPELINING []", "SIZE [10485760]", "AUTH [PLAIN,LOGIN]", "8BITMIME []"]);
        assert_eq!(extensions.size(), Some(10_485_760));
    }

    #[test]
    fn the_greeting_offers_nothing() {
        assert!(parsed(&["STARTTLS AUTH PLAIN"]).is_empty());
        assert!(parsed(&[]).is_empty());
    }

    #[test]
    fn letter_case_does_not_matter() {
        let extensions = parsed(&["mx", "starttls", "Auth plain"]);
        assert_eq!(shown(&extensions), ["STARTTLS []", "AUTH [plain]"]);
        assert!(extensions.offers("StartTLS", None));
        assert!(extensions.offers("AUTH", Some("PLAIN")));
        assert!(!extensions.offers("AUTH", Some("LOGIN")));
        assert!(!extensions.offers("AUT", None));
        assert!(!extensions.offers("STARTTLS", Some("PLAIN")));
    }

    #[test]
    fn the_old_form_of_auth_counts() {
        let extensions = parsed(&["mx", "AUTH=LOGIN PLAIN"]);
        assert!(extensions.offers("auth", Some("login")));
        assert!(extensions.offers("AUTH", Some("PLAIN")));
        let both = parsed(&["mx", "AUTH PLAIN LOGIN", "HELP", "AUTH=LOGIN CRAM-MD5", "AUTH= X"]);
        assert_eq!(shown(&both), ["AUTH [PLAIN,LOGIN,CRAM-MD5,X]", "HELP []"]);
    }

    #[test]
    fn odd_servers_are_understood() {
        let lines: [&[u8]; 8] =
            [b"mx", b"", b"   ", b"=", b"  SIZE   42  \r", b"X-\xff\xfe \xff", b"AUTH\tPLAIN", b"AUTH PLAIN=x"];
        let extensions = Extensions::parse(lines);
        assert_eq!(shown(&extensions), ["SIZE [42]", "X-\u{fffd}\u{fffd} [\u{fffd}]", "AUTH [PLAIN,PLAIN=x]"]);
    }

    #[test]
    fn very_many_keywords_are_all_offered() {
        let lines: Vec<String> = (0..100_000).map(|number| format!("X-{number} {number}")).collect();
        let lines = ["mx", "AUTH PLAIN"].into_iter().chain(lines.iter().map(String::as_str)).chain(["AUTH=LOGIN"]);
        let extensions = Extensions::parse(lines.map(str::as_bytes));
        assert!(extensions.offers("x-99999", Some("99999")));
        assert!(extensions.offers("AUTH", Some("PLAIN")) && extensions.offers("AUTH", Some("LOGIN")));
        let parameters: Vec<String> = (0..100_000).map(|number| format!("M{number}")).collect();
        assert!(parsed(&["mx", &format!("AUTH {}", parameters.join(" "))]).offers("AUTH", Some("m99999")));
    }

    #[test]
    fn size_may_be_untold_or_unreadable() {
        for (line, size) in [
            ("SIZE", None),
            ("SIZE 0", Some(0)),
            ("size 18446744073709551615", Some(u64::MAX)),
            ("SIZE 18446744073709551616", None),
            ("SIZE ten", None),
            ("8BITMIME", None),
        ] {
            assert_eq!(parsed(&["mx", line]).size(), size, "{line}");
        }
    }
}
