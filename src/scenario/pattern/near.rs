//! Replies that a pattern misses by little: how letters are written, what stands before the text, and what after it.
//!
//! Responsible for what to change in the pattern; it compiles its variants by `pattern`. Called once a reply has diverged.

use super::compile_with;

/// What to change in a pattern that misses this reply by little.
pub(crate) fn near_miss(pattern: &str, reply: &[u8]) -> Option<String> {
    let (code, text) = pattern.strip_prefix('^')?.split_at_checked(3)?;
    if !code.bytes().all(|digit| digit.is_ascii_digit()) || !reply.starts_with(code.as_bytes()) {
        return None;
    }
    let rest = text.strip_prefix("[ -]").or_else(|| text.strip_prefix([' ', '-']))?;
    let open = rest.trim_end_matches('$');
    let finds = |pattern: String, ignore_case| compile_with(&pattern, ignore_case).is_ok_and(|it| it.is_match(reply));
    let enhanced = format!("^{code}[ -]\\d\\.\\d+\\.\\d+ ");
    Some(match () {
        () if finds(pattern.to_owned(), true) => {
            format!("only the case of letters differs: `(?i){pattern}` takes either")
        }
        () if open.len() < rest.len() && finds(format!("^{code}[ -]{open}"), false) => {
            format!("more text follows: leave out the `$`, `^{code} {open}`")
        }
        () if finds(format!("{enhanced}{rest}"), true) || finds(format!("{enhanced}{open}"), true) => {
            format!(
                "an enhanced status code stands before the text: `(?i)^{code} .*{open}`, or `^{code}`, which takes any text"
            )
        }
        () if finds(format!("^{code}[ -].*{open}"), true) => {
            format!("the text stands later in the line: `(?i)^{code}[ -].*{open}`")
        }
        () => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::near_miss;

    #[test]
    fn what_is_nearly_right_is_named() {
        let rows = [
            ("^250 OK$", "250 ok", "case"),
            ("^250 OK$", "250 OK queued", "leave out"),
            ("^250 OK$", "250 2.0.0 Ok", "enhanced"),
            ("^220 ESMTP", "220 mx.example ESMTP", "later"),
        ];
        for (pattern, reply, word) in rows {
            assert!(near_miss(pattern, reply.as_bytes()).is_some_and(|help| help.contains(word)), "{pattern} {reply}");
        }
        for (pattern, reply) in [("^250 OK", "550 OK"), ("^250", "250 x"), ("^250 sent", "250 queued"), ("^2", "250")] {
            assert_eq!(near_miss(pattern, reply.as_bytes()), None, "{pattern} {reply}");
        }
    }
}
