//! Mail data that was encoded is decoded to what it was, in whatever pieces it comes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smtp_script::smtp::mail_data::{LineEndings, MailDataDecoder, MailDataEncoder};

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, bytes) = input;
    let cut = usize::from(cut).min(bytes.len());
    let mut encoded = Vec::new();
    let mut encoder = MailDataEncoder::new(LineEndings::Crlf, true);
    encoder.encode(&bytes[..cut], &mut encoded);
    encoder.encode(&bytes[cut..], &mut encoded);
    encoder.finish(true, &mut encoded);
    let mut decoded = Vec::new();
    let end = MailDataDecoder::new().decode(&encoded, &mut decoded);
    assert!(end.finished && end.consumed == encoded.len());
    let mut again = Vec::new();
    let mut encoder = MailDataEncoder::new(LineEndings::Crlf, true);
    encoder.encode(&decoded, &mut again);
    encoder.finish(true, &mut again);
    assert_eq!(encoded, again);
});
