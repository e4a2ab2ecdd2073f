//! The plain part of a server's handshake, and its certificate.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| smtp_script::fuzzing::server_hello(bytes));
