//! Whatever a server sends, no secret stays in it.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| smtp_script::fuzzing::masked(text));
