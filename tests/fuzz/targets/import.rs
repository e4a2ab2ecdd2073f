//! Any text may be pasted: what becomes of it can be read, and its notices show no control character.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smtp_script::recording::import::{WantedSession, families, family, import};

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(rest);
    // One octet more than there are families stands for none: then it is found out.
    let named = families().get(usize::from(*first)).and_then(|name| family(name));
    let wanted = WantedSession { family: named, ..WantedSession::default() };
    if let Ok(imported) = import("fuzz", &text, &wanted) {
        assert!(smtp_script::load_text("imported", &imported.scenario).is_ok());
        for notice in &imported.notices {
            let shown = notice.render(&imported.sources, false);
            assert!(shown.chars().all(|character| character == '\n' || !character.is_control()));
        }
    }
});
