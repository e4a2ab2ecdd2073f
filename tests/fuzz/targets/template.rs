//! Templates are read, and rendered within their bounds.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| smtp_script::fuzzing::template(text));
