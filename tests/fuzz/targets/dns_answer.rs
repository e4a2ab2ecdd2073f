//! Answers of name servers.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| smtp_script::fuzzing::dns_answer(bytes));
