//! Replies in two pieces are read as they are in one, and no octet is lost.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smtp_script::smtp::reply::{Parsed, ReplyParser};

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, bytes) = input;
    let cut = usize::from(cut).min(bytes.len());
    let whole = ReplyParser::default().advance(bytes);
    let mut parser = ReplyParser::default();
    match parser.advance(&bytes[..cut]) {
        Parsed::Partial => assert_eq!(parser.advance(bytes), whole),
        done => assert_eq!(done, whole),
    }
    if let Parsed::Complete(reply, taken) = whole {
        assert_eq!(reply.raw(), &bytes[..taken]);
    }
});
