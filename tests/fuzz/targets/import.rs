//! Any text may be pasted: what becomes of it can be read, and its notices show no control character.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smtp_script::recording::import::{Notation, import};

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let notations = [Notation::Swaks, Notation::Telnet, Notation::Openssl, Notation::Curl, Notation::Blackbox];
    let text = String::from_utf8_lossy(rest);
    if let Ok(imported) = import("fuzz", &text, notations.get(usize::from(*first)).copied(), None) {
        assert!(smtp_script::load_text("imported", &imported.scenario).is_ok());
        for notice in &imported.notices {
            let shown = notice.render(&imported.sources, false);
            assert!(shown.chars().all(|character| character == '\n' || !character.is_control()));
        }
    }
});
