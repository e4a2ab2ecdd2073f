//! A mail transaction: from an accepted MAIL to the end of its message (RFC 5321 3.3, RFC 3030).
//!
//! Responsible for what is known of one message and which recipients it may have; when a command is in its place at all
//! is the protocol's business.

use super::address::Path;
use super::parameters::{ParameterRefusal, check_recipient};

/// Recipients of one message; RFC 5321 4.5.3.1.8 wants 100 at least.
const MAX_RECIPIENTS: u32 = 100_000;

pub(super) const WANTS_SMTPUTF8: ParameterRefusal = "553 5.6.7 An address in UTF-8 wants SMTPUTF8 in the MAIL command";
pub(super) const CHUNKS_BEGUN: ParameterRefusal = "503 5.5.1 BDAT has begun: send the rest by BDAT, or RSET";
const BAD_RECIPIENT: ParameterRefusal = "501 5.1.3 Bad recipient address syntax";
const RCPT_SYNTAX: ParameterRefusal = "501 5.5.4 Syntax: RCPT TO:<address> [parameters]";

/// What is known of the message that is being announced or sent.
#[derive(Default)]
pub(crate) struct Transaction {
    pub(super) id: String,
    pub(super) smtp_utf8: bool,
    pub(super) is_binary: bool,
    pub(super) recipients: u32,
    pub(super) recipients_refused: bool,
    pub(super) size: u64,
    pub(super) chunks_begun: bool,
}

/// The BDAT command whose octets are being read.
pub(crate) struct Chunk {
    pub(super) octets: u64,
    pub(super) last: bool,
    /// A refused chunk's octets are on their way all the same: they are read and dropped (RFC 3030 2).
    pub(super) refusal: Option<ParameterRefusal>,
}

impl Transaction {
    /// Takes the argument of RCPT and gives the forward-path and its parameters back.
    pub(super) fn recipient<'a>(&mut self, argument: &'a str) -> Result<(&'a str, &'a str), ParameterRefusal> {
        let taken = self.judged(argument);
        match taken {
            Ok(_) => self.recipients += 1,
            Err(_) => self.recipients_refused = true,
        }
        taken
    }

    fn judged<'a>(&self, argument: &'a str) -> Result<(&'a str, &'a str), ParameterRefusal> {
        if self.chunks_begun {
            return Err(CHUNKS_BEGUN);
        }
        let (path, parameters) = Path::cut(after_keyword(argument, "TO:").ok_or(RCPT_SYNTAX)?);
        let Path::Mailbox(forward_path) = path else { return Err(BAD_RECIPIENT) };
        check_recipient(parameters)?;
        if !self.smtp_utf8 && !forward_path.is_ascii() {
            return Err(WANTS_SMTPUTF8);
        }
        if self.recipients == MAX_RECIPIENTS {
            return Err("452 4.5.3 Too many recipients");
        }
        Ok((forward_path, parameters.trim()))
    }
}

/// What follows `FROM:` or `TO:`, in any letter case.
pub(super) fn after_keyword<'a>(argument: &'a str, keyword: &str) -> Option<&'a str> {
    let start = argument.get(..keyword.len())?;
    start.eq_ignore_ascii_case(keyword).then(|| &argument[keyword.len()..])
}
