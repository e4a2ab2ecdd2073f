//! Any text is a scenario or has mistakes with places that can be drawn: YAML, templates, patterns, lints.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smtp_script::run::Settings;

fuzz_target!(|text: &str| {
    match smtp_script::load_text("fuzz.yaml", text) {
        Ok(scenario) => {
            for diagnostic in smtp_script::check(&scenario, None, &Settings::default()) {
                assert!(!diagnostic.render(&scenario.sources, false).contains('\x1b'));
            }
        }
        Err(error) => assert!(!error.to_string().contains('\x1b')),
    }
});
