//! Status codes of HTTP, which have three digits as well and stand in the same logs.
//!
//! Responsible for telling them from reply codes. Called by `lines` and `lax`.

use super::snippet;

/// What follows a code of HTTP (RFC 9110 section 15).
const PHRASES: [&str; 18] = [
    "bad request",
    "unauthorized",
    "payment required",
    "forbidden",
    "not found",
    "method not allowed",
    "not acceptable",
    "request timeout",
    "conflict",
    "gone",
    "payload too large",
    "unprocessable",
    "too many requests",
    "internal server error",
    "not implemented",
    "bad gateway",
    "service unavailable",
    "gateway timeout",
];
/// What clients of HTTP write right before a code.
const CLIENTS: [&str; 3] = ["request failed with status code", "responded with a status of", "unexpected status code"];
/// How much before a code may say that it is one of HTTP, in bytes.
const NEAR: usize = 40;

/// Whether a code between these two is one of HTTP.
pub(super) fn is_near(before: &str, after: &str) -> bool {
    let before = snippet::end_of(before, NEAR).to_ascii_lowercase();
    let names_http = before.rfind("http").is_some_and(|at| !before[at..].contains("://"));
    let after = snippet::start_of(after, NEAR).trim_start().to_ascii_lowercase();
    let is_request = ["get /", "post /", "put /", "delete /", "head /", "patch /"].iter().any(|it| before.contains(it));
    let by_client = CLIENTS.iter().any(|words| before.trim_end_matches([':', ' ']).ends_with(words));
    names_http || is_request || by_client || PHRASES.iter().any(|phrase| ends_after(&after, phrase))
}

/// Whether the text is the phrase alone, without the words that a mail server adds.
fn ends_after(text: &str, phrase: &str) -> bool {
    text.strip_prefix(phrase)
        .is_some_and(|rest| rest.trim_start().is_empty() || rest.starts_with(['"', '\'', ')', ',', '<']))
}
