//! Durations as people write them: `30s`, `1m 30s`, `500ms`.

use super::Misread;
use std::time::Duration;

/// The longest duration a scenario may name: one day.
const MAX_DURATION: Duration = Duration::from_secs(24 * 60 * 60);

/// Parses a duration with a unit, of at most one day.
///
/// # Errors
/// A text that says what a duration looks like.
pub fn parse(text: &str) -> Result<Duration, Misread> {
    let span: jiff::SignedDuration =
        text.trim().parse().map_err(|_| Misread::new(format!("`{text}` is not a duration: write {}", forms(text))))?;
    let duration =
        Duration::try_from(span).map_err(|_| Misread::new(format!("`{text}` is negative: a duration is not")))?;
    if duration > MAX_DURATION {
        return Err(Misread::new(format!("`{text}` is too long: one day is the most")));
    }
    Ok(duration)
}

/// How it is written; a bare number has seconds most often.
fn forms(text: &str) -> String {
    match text.trim().parse::<u32>() {
        Ok(number) => format!("`{number}s` for seconds, `{number}ms` for thousandths of one"),
        Err(_) => "`30s`, `500ms` or `1m 30s`".to_owned(),
    }
}

/// Writes a duration the way [`parse`] reads it.
#[must_use]
pub fn show(duration: Duration) -> String {
    match duration {
        whole if whole.subsec_nanos() == 0 => format!("{} s", whole.as_secs()),
        short if short < Duration::from_secs(1) => format!("{} ms", short.as_millis()),
        mixed => format!("{:.1} s", mixed.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(parse("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("1m 30s"), Ok(Duration::from_secs(90)));
        assert!(parse("5").is_err_and(|fault| fault.to_string().contains("`5s`")));
        assert!(parse("-1s").is_err());
        assert!(parse("48h").is_err());
    }

    #[test]
    fn durations_are_shown_shortly() {
        assert_eq!(show(Duration::from_secs(30)), "30 s");
        assert_eq!(show(Duration::from_millis(500)), "500 ms");
        assert_eq!(show(Duration::from_millis(1500)), "1.5 s");
    }
}
