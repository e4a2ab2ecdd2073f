//! The filters and functions of templates beside minijinja's own.
//!
//! Responsible for what `<<password | b64encode>>` or `<<message_id('example.com')>>` gives. Randomness and time come
//! from a [`Chance`], so that `--seed` makes a run repeatable.

use crate::smtp::auth::{messages, scram};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use jiff::{Timestamp, tz::TimeZone};
use md5::Md5;
use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, Error, ErrorKind, State};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

/// The longest text that `random(n)` gives, in characters.
const MAX_RANDOM_LENGTH: usize = 65_536;

/// How many rounds of hashing one fuel pays for.
const ROUNDS_OF_FUEL: u32 = 1;

/// How much randomness a nonce holds, in bytes.
const NONCE_BYTES: usize = 18;

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

    /// A nonce for SCRAM: of the operating system's randomness, or of the seed's.
    pub(crate) fn nonce(&self) -> String {
        let mut bytes = [0; NONCE_BYTES];
        if self.fixed_time.is_some() || getrandom::fill(&mut bytes).is_err() {
            return self.word(STANDARD.encode(bytes).len());
        }
        STANDARD.encode(bytes)
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
    environment.add_function("offers", offers);
    register_mechanisms(environment, chance.clone());
    register_chance(environment, chance);
}

/// The messages of SASL mechanisms. All give base64, as it goes over the wire.
fn register_mechanisms(environment: &mut Environment<'static>, chance: Chance) {
    environment.add_function(
        "auth_plain",
        |user: &Value, password: &Value, authzid: Option<Value>, options: Kwargs| {
            auth_plain(user, password, authzid, &options)
        },
    );
    environment.add_function("auth_cram_md5", auth_cram_md5);
    environment.add_function("auth_xoauth2", |user: &Value, token: &Value| {
        STANDARD.encode(messages::xoauth2(&user.to_string(), &token.to_string()))
    });
    environment.add_function(
        "auth_oauthbearer",
        |user: &Value, token: &Value, host: Option<Value>, port: Option<Value>, options: Kwargs| {
            auth_oauthbearer(user, token, host, port, &options)
        },
    );
    environment.add_function("scram_first", move |user: &Value, nonce: Option<Value>, options: Kwargs| {
        scram_first(&chance, user, nonce, &options)
    });
    environment.add_function(
        "scram_final",
        |state: &State<'_, '_>, first: &Value, password: &Value, challenge: &Value, options: Kwargs| {
            Scram::new(state, first, password, challenge, &options).map(|scram| STANDARD.encode(scram.client_final))
        },
    );
    environment.add_function(
        "scram_server_signature",
        |state: &State<'_, '_>, first: &Value, password: &Value, challenge: &Value, options: Kwargs| {
            Scram::new(state, first, password, challenge, &options).map(|scram| STANDARD.encode(scram.server_final))
        },
    );
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

/// `auth_plain(user, password, authzid='')`, RFC 4616.
fn auth_plain(user: &Value, password: &Value, authzid: Option<Value>, options: &Kwargs) -> Result<String, Error> {
    let authzid = option(authzid, options, "authzid")?;
    options.assert_all_used()?;
    let authzid = authzid.map(|value| bytes(&value)).unwrap_or_default();
    Ok(STANDARD.encode(messages::plain(&authzid, &bytes(user), &bytes(password))))
}

/// `auth_cram_md5(challenge, user, password)`, RFC 2195; the challenge as it came, in base64, with its 334 or without.
fn auth_cram_md5(challenge: &Value, user: &Value, password: &Value) -> Result<String, Error> {
    Ok(STANDARD.encode(messages::cram_md5(&bytes(user), &bytes(password), &decoded(challenge, "the challenge")?)))
}

/// `auth_oauthbearer(user, token, host='', port=0)`, RFC 7628; an empty user or host and a port of 0 are left out.
fn auth_oauthbearer(
    user: &Value,
    token: &Value,
    host: Option<Value>,
    port: Option<Value>,
    options: &Kwargs,
) -> Result<String, Error> {
    let host = option(host, options, "host")?.map(|value| value.to_string()).unwrap_or_default();
    let port = option(port, options, "port")?.map_or(Ok(0), u16::try_from)?;
    options.assert_all_used()?;
    Ok(STANDARD.encode(messages::oauthbearer(&user.to_string(), &token.to_string(), &host, port)))
}

/// `scram_first(user, nonce='', authzid='', binding='n')`: the client's first message (RFC 5802 section 5).
///
/// Without `nonce` a random one. `binding` is `n` (the client cannot bind the channel), `y` (it could, and the server does
/// not offer it) or `p` (`tls-server-end-point`, for the `-PLUS` mechanisms).
fn scram_first(chance: &Chance, user: &Value, nonce: Option<Value>, options: &Kwargs) -> Result<String, Error> {
    let nonce = option(nonce, options, "nonce")?.map(|value| value.to_string()).filter(|nonce| !nonce.is_empty());
    let authzid: Option<String> = options.get("authzid")?;
    let binding: Option<String> = options.get("binding")?;
    options.assert_all_used()?;
    let binding = match binding.as_deref().unwrap_or("n") {
        "n" => scram::ChannelBinding::None,
        "y" => scram::ChannelBinding::NotOffered,
        "p" => scram::ChannelBinding::EndPoint,
        other => return Err(invalid(format!("`binding` is 'n', 'y' or 'p', not '{other}'"))),
    };
    let nonce = nonce.unwrap_or_else(|| chance.nonce());
    let first = scram::ClientFirst::new(binding, &authzid.unwrap_or_default(), &user.to_string(), &nonce);
    Ok(STANDARD.encode(first.message()))
}

/// `scram_final(first, password, challenge, mechanism='SHA-256', channel_binding=…)` and `scram_server_signature(…)` with
/// the same arguments: the client's final message, and the `v=…` with which the server must answer it.
///
/// `first` is what `scram_first` gave, `challenge` what the server answered, in base64, with its 334 or without, and
/// `channel_binding` is `tls.channel_binding` where `first` has `binding='p'`. Nothing of the challenge is checked but
/// its form, so that servers can be tested with what no client would send.
struct Scram {
    client_final: String,
    server_final: String,
}

impl Scram {
    fn new(
        state: &State<'_, '_>,
        first: &Value,
        password: &Value,
        challenge: &Value,
        options: &Kwargs,
    ) -> Result<Scram, Error> {
        let mechanism: Option<String> = options.get("mechanism")?;
        let binding: Option<Value> = options.get("channel_binding")?;
        options.assert_all_used()?;
        let hash = scram_hash(mechanism.as_deref().unwrap_or("SHA-256"))?;
        let binding = binding.map(|value| bytes(&value)).unwrap_or_default();
        let text = |value: &Value, name: &str| {
            String::from_utf8(decoded(value, name)?).map_err(|_| invalid(format!("{name} is not UTF-8")))
        };
        let first = scram::ClientFirst::parse(&text(first, "the first message")?)
            .ok_or_else(|| invalid("the first message is not what `scram_first` gives".to_owned()))?;
        let challenge = text(challenge, "the challenge")?;
        let rounds = scram::ServerFirst::parse(&challenge).map_or(0, |parsed| parsed.iterations);
        state.consume_fuel(u64::from(rounds / ROUNDS_OF_FUEL))?;
        let (client_final, signature) = scram::client_final(hash, &first, &password.to_string(), &challenge, &binding)
            .map_err(|fault| invalid(fault.message))?;
        Ok(Scram { client_final, server_final: format!("v={}", STANDARD.encode(signature)) })
    }
}

/// `SHA-256`, `SCRAM-SHA-256` and `SCRAM-SHA-256-PLUS` all mean the same here.
fn scram_hash(mechanism: &str) -> Result<scram::Hash, Error> {
    let name = mechanism.to_ascii_uppercase();
    let hash = name.strip_prefix("SCRAM-").unwrap_or(&name);
    match hash.strip_suffix("-PLUS").unwrap_or(hash) {
        "SHA-1" => Ok(scram::Hash::Sha1),
        "SHA-256" => Ok(scram::Hash::Sha256),
        _ => Err(invalid(format!("`mechanism` is 'SHA-1' or 'SHA-256', not '{mechanism}'"))),
    }
}

/// An argument that may be given by place or by name.
fn option(by_place: Option<Value>, options: &Kwargs, name: &str) -> Result<Option<Value>, Error> {
    match by_place {
        Some(value) => Ok(Some(value)),
        None => options.get(name),
    }
}

/// What a base64 text holds, after `334 ` or not.
fn decoded(value: &Value, name: &str) -> Result<Vec<u8>, Error> {
    let text = bytes(value);
    let text = text.strip_prefix(b"334 ").unwrap_or(&text);
    STANDARD.decode(text.trim_ascii()).map_err(|_| invalid(format!("{name} is not base64")))
}

fn hmac_hex(key: &[u8], message: &[u8], hash: &str) -> Result<String, Error> {
    match hash {
        "md5" => Ok(hex(&messages::hmac::<Hmac<Md5>>(key, message))),
        "sha256" => Ok(hex(&messages::hmac::<Hmac<Sha256>>(key, message))),
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

    fn fails(source: &str) -> String {
        let mut environment = Environment::new();
        register(&mut environment, Chance::seeded(7));
        environment.compile_expression(source).unwrap().eval(()).unwrap_err().to_string()
    }

    #[test]
    fn optional_arguments_come_by_place_or_by_name() {
        assert_eq!(eval("auth_plain('Kurt', 'x', 'Ursel') | b64decode"), "Ursel\0Kurt\0x");
        assert_eq!(eval("auth_plain('Kurt', 'x', authzid='Ursel') | b64decode"), "Ursel\0Kurt\0x");
        // RFC 7628 section 4.1.
        let token = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";
        let message = "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB";
        for arguments in ["'server.example.com', 143", "host='server.example.com', port=143"] {
            assert_eq!(eval(&format!("auth_oauthbearer('user@example.com', '{token}', {arguments})")), message);
        }
        assert_eq!(eval("auth_oauthbearer('', 't') | b64decode"), "n,,\x01auth=Bearer t\x01\x01");
        assert!(fails("auth_oauthbearer('', 't', port=99999)").contains("u16"));
        assert!(fails("auth_plain('a', 'b', autzid='c')").contains("autzid"));
    }

    #[test]
    fn scram_is_rfc_5802s_and_rfc_7677s() {
        let sha1 = "scram_first('user', nonce='fyko+d2lbbFgONRv9qkxdawL')";
        let challenge = STANDARD.encode("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096");
        assert_eq!(eval(&format!("{sha1} | b64decode")), "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
        let arguments = format!("({sha1}, 'pencil', '334 {challenge}', mechanism='SHA-1')");
        assert_eq!(
            eval(&format!("scram_final{arguments} | b64decode")),
            "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
        );
        let signature = eval(&format!("scram_server_signature{arguments}"));
        assert_eq!(signature, STANDARD.encode("v=rmF9pqV8S7suAoZWja4dJRkFsKQ="));

        let challenge =
            STANDARD.encode("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
        let arguments = format!("(scram_first('user', 'rOprNGfwEbeRWgbNEkqO'), 'pencil', '{challenge}')");
        assert!(
            eval(&format!("scram_final{arguments} | b64decode"))
                .ends_with(",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
        );
        assert_eq!(
            eval(&format!("scram_server_signature{arguments} | b64decode")),
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        );
    }

    #[test]
    fn scram_can_be_sent_wrong_on_purpose() {
        assert_eq!(eval("scram_first('u', nonce='a', binding='y', authzid='x') | b64decode"), "y,a=x,n=u,r=a");
        assert_eq!(eval("scram_first('u', nonce='a', binding='p') | b64decode"), "p=tls-server-end-point,,n=u,r=a");
        assert_eq!(eval("scram_first('u')"), eval("scram_first('u')"));
        assert_eq!(eval("scram_first('u') | b64decode | length"), (24 + "n,,n=u,r=".len()).to_string());
        let challenge = STANDARD.encode("r=other,s=AAAA,i=1");
        let last = format!("scram_final(scram_first('u', binding='p'), 'p', '{challenge}', channel_binding='x')");
        let header = STANDARD.encode("p=tls-server-end-point,,x");
        assert!(eval(&format!("{last} | b64decode")).starts_with(&format!("c={header},r=other,p=")));
        assert!(fails("scram_first('u', binding='z')").contains("'n', 'y' or 'p'"));
        assert!(fails("scram_final('!', 'p', '')").contains("the first message is not base64"));
        assert!(fails("scram_final(scram_first('u'), 'p', 'AAAA', mechanism='MD5')").contains("'SHA-1' or 'SHA-256'"));
        assert!(fails("scram_final(scram_first('u'), 'p', 'AAAA')").contains("r="));
    }

    #[test]
    fn a_fresh_nonce_is_new() {
        let chance = Chance::fresh();
        assert_ne!(chance.nonce(), chance.nonce());
        assert_eq!(chance.nonce().len(), 24);
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
