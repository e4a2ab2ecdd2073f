//! EHLO keywords, enhanced status codes and what makes bytes visible take anything.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smtp_script::smtp::extension::Extensions;
use smtp_script::smtp::status::{EnhancedStatusCode, meaning};

fuzz_target!(|bytes: &[u8]| {
    let extensions = Extensions::parse(bytes.split(|byte| *byte == b'\n'));
    for (keyword, parameters) in extensions.iter() {
        assert!(extensions.offers(keyword, None));
        assert!(parameters.iter().all(|parameter| extensions.offers(keyword, Some(parameter))));
    }
    if let Some(code) = EnhancedStatusCode::at_start_of(bytes) {
        assert!(meaning(550, Some(code)).is_some());
    }
    assert!(smtp_script::visible(bytes).chars().all(|character| !character.is_control()));
});
