//! The filters and functions of templates beside minijinja's own.
//!
//! Responsible for what `<<password | b64encode>>` or `<<message_id('example.com')>>` gives. Randomness and time come
//! from a [`Chance`], so that `--seed` makes a run repeatable.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{Timestamp, tz::TimeZone};
use md5::Md5;
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, State};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

/// The longest text that `random(n)` gives, in characters.
const MAX_RANDOM_LENGTH: usize = 65_536;

/// The filters of smtp-script's own.
pub(crate) const FILTERS: [&str; 6] = ["b64encode", "b64decode", "hex", "md5", "sha256", "xtext"];

/// A run's source of randomness and of the time.
#[derive(Debug, Clone)]
pub(crate) struct Chance {
    generator: Arc<Mutex<fastrand::Rng>>,
    /// With a seed the clock stands still as well.
    fixed_time: Option<Timestamp>,
}

impl Chance {
    /// Different in every run.
    pub(crate) fn fresh() -> Chance {
        let seed = getrandom::u64().unwrap_or_else(|_| fastrand::u64(..));
        Chance { generator: Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))), fixed_time: None }
    }

    /// The same in every run with the same seed; the time is then 2001-01-01 00:00 UTC plus the seed in seconds.
    pub(crate) fn seeded(seed: u64) -> Chance {
        let second = 978_307_200 + i64::try_from(seed % 1_000_000_000).unwrap_or(0);
        Chance {
            generator: Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))),
            fixed_time: Some(Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH)),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.fixed_time.unwrap_or_else(Timestamp::now)
    }

    /// `length` lower-case letters and digits.
    pub(crate) fn word(&self, length: usize) -> String {
        const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        let mut generator = self.generator.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        (0..length).map(|_| char::from(ALPHABET[generator.usize(..ALPHABET.len())])).collect()
    }

    /// A number, such as the seed of another generator.
    pub(crate) fn number(&self) -> u64 {
        self.generator.lock().unwrap_or_else(std::sync::PoisonError::into_inner).u64(..)
    }

    /// A random UUID (RFC 9562, version 4).
    fn uuid(&self) -> String {
        let mut generator = self.generator.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let bits = generator.u128(..) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
        let hex = format!("{bits:032x}");
        [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
    }

    /// A date and time as RFC 5322 section 3.3 writes them.
    pub(crate) fn rfc5322_date(&self) -> String {
        let zone = if self.fixed_time.is_some() { TimeZone::UTC } else { TimeZone::system() };
        self.now().to_zoned_datetime(zone).strftime("%a, %d %b %Y %H:%M:%S %z").to_string()
    }
}

/// Adds everything to an environment.
pub(crate) fn register(environment: &mut Environment<'static>, chance: Chance) {
    environment.add_filter("b64encode", |value: &Value| STANDARD.encode(bytes(value)));
    environment.add_filter("b64decode", |value: &Value| b64decode(value));
    environment.add_filter("hex", |value: &Value| hex(&bytes(value)));
    environment.add_filter("md5", |value: &Value| hex(&Md5::digest(bytes(value))));
    environment.add_filter("sha256", |value: &Value| hex(&Sha256::digest(bytes(value))));
    environment.add_filter("xtext", |value: &Value| xtext(&bytes(value)));
    environment.add_filter("hmac", |value: &Value, key: &Value, hash: &str| hmac_hex(&bytes(key), &bytes(value), hash));
    environment.add_function("auth_plain", |user: &Value, password: &Value, authzid: Option<&str>| {
        auth_plain(authzid.unwrap_or(""), &bytes(user), &bytes(password))
    });
    environment.add_function("auth_cram_md5", |challenge: &Value, user: &Value, password: &Value| {
        auth_cram_md5(challenge, user, password)
    });
    environment.add_function("auth_xoauth2", |user: &str, token: &str| {
        STANDARD.encode(format!("user={user}\x01auth=Bearer {token}\x01\x01"))
    });
    environment.add_function("offers", offers);
    register_chance(environment, chance);
}

fn register_chance(environment: &mut Environment<'static>, chance: Chance) {
    let (now, date, uuid, id) = (chance.clone(), chance.clone(), chance.clone(), chance.clone());
    environment.add_function("now", move || now.now().as_second());
    environment.add_function("rfc5322_date", move || date.rfc5322_date());
    environment.add_function("uuid", move || uuid.uuid());
    environment.add_function("message_id", move |domain: &str| {
        format!("<{}.{}@{domain}>", id.now().as_millisecond(), id.word(12))
    });
    environment.add_function("random", move |length: usize| {
        if length > MAX_RANDOM_LENGTH {
            return Err(invalid(format!("`random` gives {MAX_RANDOM_LENGTH} characters at most")));
        }
        Ok(chance.word(length))
    });
}

/// Whether the last EHLO reply offered a keyword, and beside it a parameter.
fn offers(state: &State<'_, '_>, keyword: &str, parameter: Option<&str>) -> bool {
    let Some(extensions) = state.lookup("extensions") else { return false };
    let Ok(value) = extensions.get_attr(&keyword.to_ascii_uppercase()) else { return false };
    match parameter {
        _ if value.is_undefined() => false,
        None => true,
        Some(parameter) => value.to_string().split_whitespace().any(|word| word.eq_ignore_ascii_case(parameter)),
    }
}

/// RFC 4616: authorization identity, user and password, each behind a NUL, in base64.
fn auth_plain(authzid: &str, user: &[u8], password: &[u8]) -> String {
    STANDARD.encode([authzid.as_bytes(), user, password].join(&0))
}

/// RFC 2195: the user and the keyed digest of the decoded challenge, in base64.
fn auth_cram_md5(challenge: &Value, user: &Value, password: &Value) -> Result<String, Error> {
    let text = bytes(challenge);
    let text = text.strip_prefix(b"334 ").unwrap_or(&text);
    let challenge =
        STANDARD.decode(text.trim_ascii()).map_err(|_| invalid("the challenge is not base64".to_owned()))?;
    let digest = hmac_hex(&bytes(password), &challenge, "md5")?;
    Ok(STANDARD.encode([&bytes(user)[..], b" ", digest.as_bytes()].concat()))
}

fn hmac_hex(key: &[u8], message: &[u8], hash: &str) -> Result<String, Error> {
    let keyed = |_| invalid("the key does not fit".to_owned());
    match hash {
        "md5" => {
            let mut mac = Hmac::<Md5>::new_from_slice(key).map_err(keyed)?;
            mac.update(message);
            Ok(hex(&mac.finalize().into_bytes()))
        }
        "sha256" => {
            let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(keyed)?;
            mac.update(message);
            Ok(hex(&mac.finalize().into_bytes()))
        }
        _ => Err(invalid(format!("`hmac` knows 'md5' and 'sha256', not '{hash}'"))),
    }
}

fn b64decode(value: &Value) -> Result<Value, Error> {
    match STANDARD.decode(bytes(value).trim_ascii()) {
        Ok(decoded) => Ok(super::template::value_from_bytes(decoded)),
        Err(error) => Err(invalid(format!("not base64: {}", error.to_string().to_lowercase()))),
    }
}

/// RFC 3461 section 4: `+`, `=` and everything that is not printable ASCII as `+XX`.
fn xtext(bytes: &[u8]) -> String {
    let one = |byte: &u8| match byte {
        b'+' | b'=' => format!("+{byte:02X}"),
        b'!'..=b'~' => char::from(*byte).to_string(),
        other => format!("+{other:02X}"),
    };
    bytes.iter().map(one).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn bytes(value: &Value) -> Vec<u8> {
    value.as_bytes().map_or_else(|| value.to_string().into_bytes(), <[u8]>::to_vec)
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eval(source: &str) -> String {
        let mut environment = Environment::new();
        register(&mut environment, Chance::seeded(7));
        environment.compile_expression(source).unwrap().eval(()).unwrap().to_string()
    }

    #[test]
    fn encodings() {
        assert_eq!(eval("'Username:' | b64encode"), "VXNlcm5hbWU6");
        assert_eq!(eval("'VXNlcm5hbWU6' | b64decode"), "Username:");
        assert_eq!(eval("'ÿ' | hex"), "c3bf");
        assert_eq!(eval("'a+b=c d@é' | xtext"), "a+2Bb+3Dc+20d@+C3+A9");
        assert_eq!(eval("'' | md5"), "d41d8cd98f00b204e9800998ecf8427e");
        assert!(eval("'abc' | sha256").starts_with("ba7816bf"));
    }

    #[test]
    fn mechanisms_agree_with_their_rfcs() {
        // RFC 4616 section 4 and RFC 2195 section 2.
        assert_eq!(eval("auth_plain('tim', 'tanstaaftanstaaf') | b64decode"), "\0tim\0tanstaaftanstaaf");
        assert_eq!(
            eval(
                "auth_cram_md5('PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+', 'tim', 'tanstaaftanstaaf')"
            ),
            "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw"
        );
        // The example of Google's and Microsoft's documentation of XOAUTH2.
        assert_eq!(
            eval("auth_xoauth2('test@contoso.onmicrosoft.com', 'EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA')"),
            "dXNlcj10ZXN0QGNvbnRvc28ub25taWNyb3NvZnQuY29tAWF1dGg9QmVhcmVyIEV3QkFBbDNCQUFVRkZwVUFvN0ozVmUwYmpMQldaV0NjbFJDM0VvQUEBAQ=="
        );
    }

    #[test]
    fn a_seed_fixes_time_and_randomness() {
        assert_eq!(eval("uuid()"), eval("uuid()"));
        assert_eq!(eval("uuid()").len(), 36);
        assert_eq!(&eval("uuid()")[14..15], "4");
        assert_eq!(eval("rfc5322_date()"), "Mon, 01 Jan 2001 00:00:07 +0000");
        assert_eq!(eval("random(5)").len(), 5);
        assert!(eval("message_id('example.com')").ends_with("@example.com>"));
    }
}
