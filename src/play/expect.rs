//! Compares a reply with what is expected: pure, no socket.
//!
//! Responsible for what each form of `expect` means for a reply that was read, for the captures of its patterns, and for
//! saying of everything that does not hold what was wanted. How the parts are drawn is `diagnose`'s business.

use crate::play::expected::OtherSide;
pub(crate) use crate::scenario::Capture;
use crate::scenario::{
    ClosedBy, Expectation, Expected, Fields, Length, Matcher, Mode, Pattern, PatternFault, Scope, Span, TemplateError,
    Templates, Text, duration, near_miss,
};
use crate::secret::Masker;
use crate::smtp::extension::Extensions;
use crate::smtp::reply::Reply;
use crate::smtp::status::EnhancedStatusCode;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

/// What was read.
#[derive(Clone, Copy)]
pub(crate) enum Incoming<'a> {
    /// Of a server, and how long it took.
    Reply(&'a Reply, Duration),
    /// Of a client, without its end.
    Command(&'a [u8]),
}

/// One thing that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mismatch {
    /// The place of the expectation.
    pub(crate) span: Span,
    /// What was expected, to follow "expected".
    pub(crate) expected: String,
    /// What was found instead, where "the reply was …" does not say it.
    pub(crate) found: Option<String>,
    /// What the pattern became, where it held templates.
    pub(crate) rendered: Option<String>,
    /// The template or pattern could not be used at all.
    pub(crate) unusable: bool,
    /// What to change where the reply is nearly the one that was expected.
    pub(crate) near: Option<String>,
}

impl Mismatch {
    /// Nothing more than what was expected.
    pub(crate) fn plain(span: Span, expected: String) -> Mismatch {
        Mismatch { span, expected, found: None, rendered: None, unusable: false, near: None }
    }
}

/// Renders what expectations hold.
pub(crate) struct Comparer<'a> {
    pub(crate) templates: &'a Templates,
    pub(crate) scope: &'a dyn Scope,
    pub(crate) masker: &'a Masker,
}

impl Comparer<'_> {
    /// Everything that does not hold, or the captures.
    pub(crate) fn compare(
        &self,
        expectation: &Expectation,
        came: &Incoming<'_>,
    ) -> Result<Vec<Capture>, Vec<Mismatch>> {
        let span = expectation.span;
        match &expectation.kind {
            Expected::Pattern(pattern) => {
                let wanted = came.of().with_a_pattern();
                let compared = self.found(pattern, &came.text(), span, wanted);
                let is_fixed = pattern.text.is_literal() && matches!(came, Incoming::Reply(..));
                let near = || is_fixed.then(|| near_miss(&pattern.text.source, &came.text())).flatten();
                compared.map_err(|list| list.into_iter().map(|one| Mismatch { near: near(), ..one }).collect())
            }
            Expected::Code(codes) if came.code().is_none_or(|code| codes.matches(code)) => Ok(Vec::new()),
            Expected::Code(codes) => Err(vec![mismatch(span, format!("reply code {codes}"))]),
            Expected::Fields(fields) => match *came {
                Incoming::Reply(reply, elapsed) => self.fields(fields, reply, elapsed),
                // Commands have none of them: `scenario::decode` refuses it.
                Incoming::Command(_) => Ok(Vec::new()),
            },
            Expected::All(list) => {
                let outcomes = list.iter().map(|expectation| self.compare(expectation, came));
                join(outcomes.collect())
            }
            Expected::Any(list) => self.any(list, came, span),
            // The others read something else than a reply; the player does not bring them here.
            Expected::Line(_)
            | Expected::Raw(_)
            | Expected::Closed(_)
            | Expected::Silence(_)
            | Expected::Observe(_) => Ok(Vec::new()),
        }
    }

    fn any(&self, list: &[Expectation], came: &Incoming<'_>, span: Span) -> Result<Vec<Capture>, Vec<Mismatch>> {
        let mut wanted = Vec::new();
        for expectation in list {
            if let Expected::Closed(closed) = expectation.kind {
                let other = came.of();
                let closed = if other == OtherSide::Server { ClosedBy::Either } else { closed };
                wanted.push(other.to_close(closed).to_owned());
                continue;
            }
            match self.compare(expectation, came) {
                Ok(captures) => return Ok(captures),
                Err(mismatches) if mismatches.iter().any(|mismatch| mismatch.unusable) => return Err(mismatches),
                Err(mismatches) => {
                    let all: Vec<String> = mismatches.into_iter().map(|mismatch| mismatch.expected).collect();
                    wanted.push(all.join(" and "));
                }
            }
        }
        Err(vec![mismatch(span, wanted.join(", or "))])
    }

    fn fields(&self, fields: &Fields, reply: &Reply, elapsed: Duration) -> Result<Vec<Capture>, Vec<Mismatch>> {
        let mut outcomes = Vec::new();
        if let Some((codes, span)) = &fields.code
            && !codes.matches(reply.code())
        {
            outcomes.push(Err(vec![mismatch(*span, format!("reply code {codes}"))]));
        }
        if let Some((text, span)) = &fields.enhanced {
            outcomes.push(self.enhanced(text, *span, reply));
        }
        let texts = || reply.texts().collect::<Vec<_>>().join(&b'\n');
        if let Some((pattern, span)) = &fields.text {
            outcomes.push(self.found(pattern, &texts(), *span, "text matching"));
        }
        if let Some((pattern, span)) = &fields.not {
            outcomes.push(match self.found(pattern, &texts(), *span, "no text matching") {
                Ok(_) => Err(vec![self.forbidden(pattern, &texts(), *span)]),
                Err(mismatches) if mismatches.iter().any(|mismatch| mismatch.unusable) => Err(mismatches),
                Err(_) => Ok(Vec::new()),
            });
        }
        outcomes.extend(self.offers(fields, reply));
        if let Some((length, span)) = &fields.within {
            outcomes.push(self.within(length, *span, elapsed));
        }
        join(outcomes)
    }

    /// What the reply to EHLO must offer, and must not.
    fn offers(&self, fields: &Fields, reply: &Reply) -> Vec<Result<Vec<Capture>, Vec<Mismatch>>> {
        if fields.offers.is_empty() && fields.lacks.is_empty() {
            return Vec::new();
        }
        let offered = Extensions::parse(reply.texts());
        let wanted = fields.offers.iter().map(|keyword| self.offer(keyword, true, &offered));
        wanted.chain(fields.lacks.iter().map(|keyword| self.offer(keyword, false, &offered))).collect()
    }

    fn offer(&self, keyword: &Text, wanted: bool, offered: &Extensions) -> Result<Vec<Capture>, Vec<Mismatch>> {
        let rendered = self.templates.render(keyword, Mode::Plain, self.scope);
        let rendered = rendered.map_err(|error| unusable(keyword.span, &error))?;
        let bytes = String::from_utf8_lossy(&rendered.bytes);
        let mut words = bytes.split_ascii_whitespace();
        let name = words.next().unwrap_or_default();
        let is_offered = offered.offers(name, None) && words.all(|parameter| offered.offers(name, Some(parameter)));
        if is_offered == wanted {
            return Ok(Vec::new());
        }
        let shown = rendered.shown.trim();
        let (expected, found) = match (wanted, offered.parameters(name)) {
            (false, _) => (format!("no offer of {shown}"), format!("{shown} is offered")),
            (true, None) => (format!("an offer of {shown}"), format!("{shown} is not offered")),
            (true, Some([])) => (format!("an offer of {shown}"), format!("{name} is offered without parameters")),
            (true, Some(parameters)) => {
                let parameters = self.masker.mask_text(&parameters.join(" "));
                (format!("an offer of {shown}"), format!("{name} offers {}", crate::visible(parameters.as_bytes())))
            }
        };
        Err(vec![Mismatch { found: Some(found), ..mismatch(keyword.span, expected) }])
    }

    /// A pattern that must not be found, with the line that holds it.
    fn forbidden(&self, pattern: &Pattern, texts: &[u8], span: Span) -> Mismatch {
        let held = |line: &[u8]| self.compiled(pattern).is_ok_and(|(matcher, _)| matcher.is_match(line));
        let line = texts.split(|byte| *byte == b'\n').find(|line| held(line));
        let found = line.map(|line| format!("it holds \"{}\"", crate::visible(&self.masker.mask(line))));
        Mismatch { found, ..mismatch(span, format!("no text matching {}", pattern.text.source)) }
    }

    fn enhanced(&self, text: &Text, span: Span, reply: &Reply) -> Result<Vec<Capture>, Vec<Mismatch>> {
        let wanted =
            self.templates.render(text, Mode::Plain, self.scope).map_err(|error| unusable(span, &error))?.shown;
        let code = reply.texts().next().and_then(EnhancedStatusCode::at_start_of);
        let matches = code.is_some_and(|code| {
            let code = code.to_string();
            let pairs = code.split('.').zip(wanted.split('.'));
            wanted.split('.').count() == 3 && pairs.into_iter().all(|(part, wanted)| wanted == "x" || part == wanted)
        });
        if matches {
            return Ok(Vec::new());
        }
        let found = code.map_or("the reply has no enhanced status code".to_owned(), |code| format!("it was {code}"));
        Err(vec![Mismatch { found: Some(found), ..mismatch(span, format!("enhanced status code {wanted}")) }])
    }

    fn within(&self, length: &Length, span: Span, elapsed: Duration) -> Result<Vec<Capture>, Vec<Mismatch>> {
        let limit = self.length(length).map_err(|error| unusable(span, &error))?;
        if elapsed <= limit {
            return Ok(Vec::new());
        }
        let found = Some(format!("it took {}", duration::show(elapsed)));
        Err(vec![Mismatch { found, ..mismatch(span, format!("a reply within {}", duration::show(limit))) }])
    }

    /// A duration, rendered where it is a template.
    pub(crate) fn length(&self, length: &Length) -> Result<Duration, TemplateError> {
        match length {
            Length::Known(known) => Ok(*known),
            Length::Template(text) => {
                let rendered = self.templates.render(text, Mode::Plain, self.scope)?;
                let parsed = duration::parse(&String::from_utf8_lossy(&rendered.bytes));
                let fault = |message| TemplateError { message, span: text.span, help: None };
                parsed.map_err(|misread| fault(rendered.without_secret(misread.into())))
            }
        }
    }

    /// The captures of a pattern found in `bytes`.
    pub(crate) fn found(
        &self,
        pattern: &Pattern,
        bytes: &[u8],
        span: Span,
        wanted: &str,
    ) -> Result<Vec<Capture>, Vec<Mismatch>> {
        let (matcher, rendered) = self.compiled(pattern).map_err(|error| unusable(span, &error))?;
        if let Some(captures) = matcher.captures(bytes) {
            Ok(captures)
        } else {
            let expected = format!("{wanted} {}", pattern.text.source);
            Err(vec![Mismatch { rendered, ..mismatch(span, expected) }])
        }
    }

    /// The compiled pattern, and what it was rendered to where that differs from what was written.
    pub(crate) fn compiled(&self, pattern: &Pattern) -> Result<(Arc<Matcher>, Option<String>), TemplateError> {
        if pattern.text.is_literal() {
            let matcher = pattern.compile(&pattern.text.source);
            return matcher.map(|matcher| (matcher, None)).map_err(|fault| unusable_pattern(pattern, fault));
        }
        let rendered = self.templates.render(&pattern.text, Mode::Pattern, self.scope)?;
        let source = String::from_utf8_lossy(&rendered.bytes);
        let matcher = pattern.compile(&source).map_err(|fault| unusable_pattern(pattern, fault))?;
        Ok((matcher, Some(rendered.shown)))
    }
}

/// `any: [..., {closed: true}]`: whether this end of the connection, instead of an answer, is one of the answers.
pub(crate) fn allows_end(expectation: &Expectation, arrived: &[u8], reset: bool) -> bool {
    let Expected::Any(list) = &expectation.kind else { return false };
    let own = if reset { ClosedBy::Reset } else { ClosedBy::Fin };
    let allows = |one: &Expectation| matches!(one.kind, Expected::Closed(by) if by == ClosedBy::Either || by == own);
    arrived.is_empty() && list.iter().any(allows)
}

impl Incoming<'_> {
    fn of(&self) -> OtherSide {
        match self {
            Incoming::Reply(..) => OtherSide::Server,
            Incoming::Command(_) => OtherSide::Client,
        }
    }

    /// What patterns are searched in.
    fn text(&self) -> Cow<'_, [u8]> {
        match self {
            Incoming::Reply(reply, _) => reply.joined(),
            Incoming::Command(line) => Cow::Borrowed(line),
        }
    }

    fn code(&self) -> Option<u16> {
        match self {
            Incoming::Reply(reply, _) => Some(reply.code()),
            Incoming::Command(_) => None,
        }
    }
}

fn join(outcomes: Vec<Result<Vec<Capture>, Vec<Mismatch>>>) -> Result<Vec<Capture>, Vec<Mismatch>> {
    let mut captures = Vec::new();
    let mut mismatches = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(found) => captures.extend(found),
            Err(missed) => mismatches.extend(missed),
        }
    }
    if mismatches.is_empty() { Ok(captures) } else { Err(mismatches) }
}

fn mismatch(span: Span, expected: String) -> Mismatch {
    Mismatch::plain(span, expected)
}

fn unusable(span: Span, error: &TemplateError) -> Vec<Mismatch> {
    let place = if error.span == Span::default() { span } else { error.span };
    vec![Mismatch { unusable: true, ..Mismatch::plain(place, error.message.clone()) }]
}

fn unusable_pattern(pattern: &Pattern, fault: PatternFault) -> TemplateError {
    TemplateError { message: fault.message, span: pattern.text.span, help: fault.help }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Chance, Inputs, Sources, Variables, parse};
    use crate::smtp::reply::{Parsed, ReplyParser};

    /// Whether a reply is what `expect: …` says; `Err` lists what was expected of it.
    fn holds(expect: &str, reply: &str) -> Result<Vec<Capture>, Vec<String>> {
        let mut sources = Sources::default();
        sources.add("a.yaml", format!("vars: {{who: a.b}}\nsteps:\n  - expect: {expect}\n"));
        let (scenario, errors, _) = parse(sources, &|_| Err(String::new()));
        assert!(errors.is_empty(), "{errors:?}");
        let scenario = scenario.unwrap();
        let variables = Variables::resolve(&scenario, &Inputs::default()).unwrap();
        let bytes = format!("{}\r\n", reply.replace('\n', "\r\n"));
        let Parsed::Complete(reply, _) = ReplyParser::default().advance(bytes.as_bytes()) else { panic!("{reply}") };
        let comparer =
            Comparer { templates: &Templates::new(Chance::seeded(1)), scope: &variables, masker: &Masker::default() };
        let came = Incoming::Reply(&reply, Duration::from_millis(1500));
        let expectation = scenario.steps[0].expect.as_ref().unwrap();
        comparer
            .compare(expectation, &came)
            .map_err(|list| list.into_iter().map(|mismatch| mismatch.expected).collect())
    }

    #[test]
    fn each_form_for_a_reply() {
        for (expect, fits, other) in [
            ("^250", "250 ok", "550 no"),
            ("^250[ -]STARTTLS", "250-mx\n250-STARTTLS\n250 HELP", "250-mx\n250 HELP"),
            ("250", "250 ok", "251 ok"),
            ("'250'", "250 ok", "251 ok"),
            ("2xx", "221 bye", "354 go"),
            ("{code: [250, 251]}", "251 ok", "252 ok"),
            ("{code: 5xx, enhanced: 5.7.x}", "535 5.7.8 no", "535 5.1.1 no"),
            ("{code: any, text: queued}", "250 2.0.0 queued", "250 2.0.0 ok"),
            ("{code: 250, not: TLS}", "250 ok", "250-a\n250 STARTTLS"),
            ("{code: 250, within: 2s}", "250 ok", "251 ok"),
            (
                "{offers: [STARTTLS, AUTH LOGIN, size]}",
                "250-mx\n250-STARTTLS\n250-AUTH PLAIN LOGIN\n250 SIZE 10",
                "250-mx\n250-STARTTLS\n250-AUTH PLAIN\n250 SIZE 10",
            ),
            ("{offers: STARTTLS}", "250-mx\n250 STARTTLS", "250 STARTTLS"),
            ("{lacks: [VRFY]}", "250-mx\n250 HELP", "250-mx\n250 VRFY"),
            ("{lacks: VRFY}", "250 mx", "550 mx"),
            ("{offers: AUTH <<who>>}", "250-mx\n250 AUTH A.B", "250-mx\n250 AUTH X"),
            ("{any: ['^250', 5xx]}", "550 no", "450 later"),
            ("{all: ['^250', {code: any, text: ok}]}", "250 ok", "250 no"),
            ("^250 <<who>>", "250 a.b", "250 axb"),
            ("^250 <<who | safe>>", "250 axb", "250 ab"),
            ("^250$", "250", "250 x"),
        ] {
            assert!(holds(expect, fits).is_ok(), "{expect}: {fits}");
            assert!(holds(expect, other).is_err(), "{expect}: {other}");
        }
    }

    #[test]
    fn all_that_fails_is_told() {
        let missed = holds("{code: 250, enhanced: 2.1.0, text: ok, within: 1s}", "550 5.1.1 no").unwrap_err();
        assert_eq!(missed, ["reply code 250", "enhanced status code 2.1.0", "text matching ok", "a reply within 1 s"]);
        assert_eq!(holds("{any: ['^250', 251]}", "550 no").unwrap_err(), ["a reply matching ^250, or reply code 251"]);
    }

    #[test]
    fn named_groups_are_captured() {
        let captures = holds("'^250 .*queued as (?<queue_id>\\S+)'", "250 2.0.0 Ok: queued as 4XyZ").unwrap();
        assert_eq!(captures, [("queue_id".to_owned(), b"4XyZ".to_vec())]);
    }
}
