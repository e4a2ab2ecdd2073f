//! What is said about a reply: what it means, whose it is, and what usually helps.

use super::{MAX_QUOTED, Site};
use crate::play::divergence::{Cause, Divergence, Kind};
use crate::play::expect::Mismatch;
use crate::scenario::Footnote;
use crate::session::Answered;
use crate::smtp::command::Verb;
use crate::smtp::dialogue::Awaited;
use crate::smtp::enhanced_status;
use crate::smtp::provider::{self, Situation};
use crate::smtp::reply::Reply;
use crate::smtp::status::{self, EnhancedStatusCode};
use crate::visible::{cut, visible};
use base64::Engine as _;

impl Site<'_> {
    /// The reply came, and is not what was expected.
    pub(crate) fn mismatch(&self, answer: &Answered, mismatches: &[Mismatch]) -> Divergence {
        let reply = &*answer.reply;
        let Some(first) = mismatches.first() else { return self.fault(Kind::Reply, "nothing that fits") };
        if first.unusable {
            return self.unusable(&first.expected, first.span);
        }
        let got = short(reply);
        let expected: Vec<&str> = mismatches.iter().map(|mismatch| mismatch.expected.as_str()).collect();
        let message = format!("expected {}, got {got}", expected.join(" and "));
        let label = self.reply_label(reply, first.found.as_deref());
        let mut diagnostic = self.diagnostic(first.span, &message).label(label);
        for other in &mismatches[1..] {
            let label = other.found.clone().unwrap_or_else(|| "this does not hold either".to_owned());
            diagnostic = diagnostic.other(other.span, label);
        }
        for rendered in mismatches.iter().filter_map(|mismatch| mismatch.rendered.as_ref()) {
            diagnostic.footnotes.push(Footnote::Fact(format!("the pattern with its values: {rendered}")));
        }
        if !answer.asked.step.is_empty() && &*answer.asked.step != self.number {
            let asked = &answer.asked;
            let text = format!("this is the reply to step {}: {}", asked.step, self.masker.mask_text(&asked.command));
            diagnostic.footnotes.push(Footnote::Note(text));
        }
        diagnostic.footnotes.extend(self.keywords(answer, &expected.join(" ")));
        diagnostic.footnotes.extend(self.about_reply(answer));
        diagnostic.footnotes.extend(first.near.clone().map(Footnote::Help));
        let divergence = self.divergence(Cause::Server, Kind::Reply, diagnostic);
        let divergence = divergence.between(&expected.join(" and "), self.shown(&reply.joined()));
        Divergence { reply_code: Some(reply.code()), ..divergence }
    }

    /// What an EHLO reply offers that is not as expected, and what to do where it lacks something.
    fn keywords(&self, answer: &Answered, expected: &str) -> Vec<Footnote> {
        let is_hello = matches!(answer.command, Some(Awaited::Command(Verb::Ehlo | Verb::Lhlo)));
        let Some(offer) = self.offer().filter(|_| is_hello && answer.reply.code() == 250) else { return Vec::new() };
        let keywords = offer.keywords().map(|keywords| self.masker.mask_text(&keywords));
        let fact = keywords.map(|keywords| Footnote::Fact(format!("the server offers {keywords}")));
        let help = offer.lacks(expected).map(|help| Footnote::Help(help.to_owned()));
        fact.into_iter().chain(help).collect()
    }

    fn reply_label(&self, reply: &Reply, found: Option<&str>) -> String {
        let lines: Vec<&[u8]> = reply.lines().collect();
        let masked = self.masker.mask_lines(&lines);
        let quote =
            |line: Option<&Vec<u8>>| format!("\"{}\"", cut(&visible(line.map_or(&b""[..], |line| line)), MAX_QUOTED));
        let whole = match masked.len() {
            1 => format!("the reply was {}", quote(masked.first())),
            2 => format!("the reply was {}, {}", quote(masked.first()), quote(masked.last())),
            count => format!("the reply was {count} lines: {} … {}", quote(masked.first()), quote(masked.last())),
        };
        match found {
            Some(found) => format!("{found}; {whole}"),
            None => whole,
        }
    }

    /// What the code means, and what usually helps.
    fn about_reply(&self, answer: &Answered) -> Vec<Footnote> {
        let reply = &*answer.reply;
        let command = match answer.command {
            Some(Awaited::Greeting) => "",
            Some(Awaited::MailDataEnd) if !answer.asked.command.starts_with("BDAT") => "DATA",
            _ => &*answer.asked.command,
        };
        let mut footnotes: Vec<Footnote> =
            about_code(Code { code: reply.code(), enhanced: enhanced(reply) }, command).into_iter().collect();
        let contradiction = enhanced(reply).and_then(|enhanced| status::contradiction(reply.code(), enhanced));
        footnotes.extend(contradiction.map(Footnote::Fact));
        footnotes.extend(self.decoded_challenge(reply));
        let greeting =
            self.session.and_then(|session| session.greeting()).map(|greeting| greeting.joined().into_owned());
        let texts = reply.texts().collect::<Vec<_>>().join(&b'\n');
        let situation = Situation {
            host: self.host,
            greeting: greeting.as_deref().unwrap_or_default(),
            code: Some(reply.code()),
            enhanced: enhanced(reply),
            text: &texts,
            command: Some(command),
            ..Situation::default()
        };
        let advice = provider::advise(&situation, None);
        footnotes.extend(advice.meant().map(Footnote::Fact));
        let beside = self.offer().filter(|_| reply.code() >= 400).and_then(|it| it.beside(command, reply.code()));
        let help = advice.help(self.idiom, beside.is_some());
        footnotes.extend(beside.filter(|it| !help.contains(&it.as_str())).map(Footnote::Help));
        // What the registry knows has been told above.
        let is_registered = enhanced(reply).is_none_or(|code| enhanced_status::find(code).is_some());
        if help.is_empty() && !is_registered && advice.others {
            let command = format!("`smtp-script explain {}`", short(reply));
            footnotes.push(Footnote::Help(format!("{command} tells what the known providers mean by it")));
        }
        footnotes.extend(help.into_iter().map(|help| Footnote::Help(help.to_owned())));
        footnotes
    }

    /// What a server asks for during AUTH is base64, which nobody reads (RFC 4954 section 4).
    fn decoded_challenge(&self, reply: &Reply) -> Option<Footnote> {
        let text = reply.texts().next().filter(|text| reply.code() == 334 && !text.trim_ascii().is_empty())?;
        let decoded = base64::engine::general_purpose::STANDARD.decode(text.trim_ascii()).ok()?;
        Some(Footnote::Fact(format!("the challenge is base64 of {}", self.quoted(&decoded))))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Code {
    code: u16,
    enhanced: Option<EnhancedStatusCode>,
}

pub(super) fn about_code(code: Code, command: &str) -> Option<Footnote> {
    if code.code == 250 && code.enhanced.is_none() {
        // Whoever reads this knows it, and it is not what went wrong.
        return None;
    }
    let meaning = status::meaning_of_reply(code.code, code.enhanced, command)?;
    let shown = code.enhanced.map(|enhanced| format!(" {enhanced}")).unwrap_or_default();
    Some(Footnote::Fact(format!("{}{shown}: {} ({})", code.code, meaning.text, meaning.reference)))
}

pub(super) fn code_of(bytes: &[u8]) -> Option<Code> {
    Some(Code {
        code: crate::smtp::reply::code_of(bytes)?,
        enhanced: EnhancedStatusCode::at_start_of(bytes.get(4..).unwrap_or_default()),
    })
}

fn enhanced(reply: &Reply) -> Option<EnhancedStatusCode> {
    reply.enhanced()
}

/// `535 5.7.8`
fn short(reply: &Reply) -> String {
    enhanced(reply).map_or_else(|| reply.code().to_string(), |enhanced| format!("{} {enhanced}", reply.code()))
}
