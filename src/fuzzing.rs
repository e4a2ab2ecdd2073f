//! Doors for `tests/fuzz` to what is private and reads what strangers send. Exists only where `cargo fuzz` builds the crate.
//!
//! Each function panics where a promise is broken; what it reads it forgets.

use crate::fence;
use crate::scenario::Secret;
pub use crate::scenario::template::fuzzing::template;
use crate::secret::Masker;

/// The plain part of a handshake is read as far as it goes.
pub fn server_hello(bytes: &[u8]) {
    crate::net::fuzzing::server_hello(bytes);
}

/// What a name server answers is records or a fault.
pub fn dns_answer(bytes: &[u8]) {
    crate::net::fuzzing::dns_answer(bytes);
}

/// A block of a ticket lies in it, whole lines of it.
pub fn ticket(text: &str) {
    for name in ["report.md", "report.yaml", "-"] {
        std::hint::black_box(fence::is_ticket(name, text));
    }
    for info in [fence::SCENARIO, fence::RECORDING] {
        match fence::only_block(text, info) {
            Ok(block) => {
                assert!(block.start == 0 || text[..block.start].ends_with('\n'));
                let placed = fence::in_place(text, &block);
                assert_eq!(placed.lines().count(), text[..block.end].lines().count());
            }
            Err(fault) => assert!(text.get(fault.at).is_some()),
        }
    }
}

/// What was searched once holds no secret as it is, and a second search changes nothing that can be read.
pub fn masked(text: &str) {
    let secret = "correct-Horse7";
    let masker = Masker::new(&[("password".to_owned(), Secret::new(secret))].into_iter().collect());
    let masked = masker.mask_text(text);
    assert!(!masked.contains(secret));
    if let Some(blotted) = masker.blotted(text) {
        assert_eq!(blotted.len(), text.len());
    }
    let lines: Vec<&[u8]> = text.as_bytes().split(|byte| *byte == b'\n').collect();
    assert_eq!(masker.mask_lines(&lines).len(), lines.len());
}
