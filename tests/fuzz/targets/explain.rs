//! Any text is explained, and no word about it acts on a terminal.
#![no_main]

use smtp_script::smtp::explanation::explain;
use smtp_script::smtp::question::Question;

libfuzzer_sys::fuzz_target!(|text: &str| {
    for question in Question::read(text).into_iter().chain(Question::all_in(text)) {
        std::hint::black_box(explain(&question, None));
    }
});
