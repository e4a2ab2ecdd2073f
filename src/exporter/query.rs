//! The parameters of a request: what follows the `?` of its address.

use crate::visible;
use std::collections::BTreeMap;
use std::fmt;

/// Why parameters cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum QueryFault {
    /// One is given twice.
    Twice(String),
    /// One is not encoded as it must be.
    Encoding,
}

impl fmt::Display for QueryFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QueryFault::Twice(name) => write!(formatter, "the parameter `{}` is given twice", visible(name.as_bytes())),
            QueryFault::Encoding => {
                formatter.write_str("a parameter is not encoded as it must be (`%` and two hexadecimal digits, UTF-8)")
            }
        }
    }
}

/// Parameters by name, decoded.
#[derive(Debug, Default)]
pub(super) struct Query(BTreeMap<String, String>);

impl Query {
    pub(super) fn read(text: &str) -> Result<Query, QueryFault> {
        let mut all = BTreeMap::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            if all.contains_key(&name) {
                return Err(QueryFault::Twice(name));
            }
            all.insert(name, value);
        }
        Ok(Query(all))
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// Undoes the encoding of a form (`+`, `%2B`).
fn decoded(text: &str) -> Result<String, QueryFault> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        rest = others;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (digits, others) = rest.split_at_checked(2).ok_or(QueryFault::Encoding)?;
                let digit = |at: usize| char::from(digits[at]).to_digit(16);
                let value = digit(0).zip(digit(1)).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
                bytes.push(value.ok_or(QueryFault::Encoding)?);
                rest = others;
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).map_err(|_| QueryFault::Encoding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parameters() {
        let query = Query::read("scenario=relay%2Fopen&target=%5B%3A%3A1%5D:25&debug=true&empty=&a+b").unwrap();
        assert_eq!(query.value("scenario"), Some("relay/open"));
        assert_eq!(query.value("target"), Some("[::1]:25"));
        assert_eq!(query.value("empty"), None);
        assert_eq!(query.value("none"), None);
        for bad in ["a=%4", "a=%zz", "a=%ff", "a=1&a=2"] {
            assert!(Query::read(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            _ = Query::read(&text);
        }

        #[test]
        fn what_is_encoded_comes_back(text in any::<String>()) {
            let encoded: Vec<String> = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let query = Query::read(&format!("a={}", encoded.concat())).unwrap();
            prop_assert_eq!(query.value("a").unwrap_or_default(), text);
        }
    }
}
