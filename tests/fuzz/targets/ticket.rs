//! The block of a report in Markdown is found, or why there is none.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| smtp_script::fuzzing::ticket(text));
