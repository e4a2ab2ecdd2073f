//! Echoes of a secret, one by one; `tests/echoes.rs` plays them through every output.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use spellings::{SECRETS, spellings};

#[path = "../../../tests/harness/spellings.rs"]
mod spellings;

const PASSWORD: &str = "pä ss\"wörd+1";

fn masker() -> Masker {
    Masker::new(&BTreeMap::from([("password".to_owned(), Secret::new(PASSWORD))]))
}

fn mask(text: &str) -> String {
    String::from_utf8(masker().mask(text.as_bytes())).unwrap()
}

#[test]
fn what_helps_to_guess_is_never_shown() {
    // `v=rmF9pqV8S7suAoZWja4dJRkFsKQ=` and `c=biws,r=a,p=AAAA`
    for masker in [Masker::default(), Masker::new(&BTreeMap::from([("a".into(), Secret::new("abcdef"))]))] {
        assert_eq!(
            masker.mask(b"334 dj1ybUY5cHFWOFM3c3VBb1pXamE0ZEpSa0ZzS1E9\r\n250 ok"),
            b"334 <<scram_server_signature>>\r\n250 ok"
        );
        assert_eq!(masker.mask(b"Yz1iaXdzLHI9YSxwPUFBQUE=\r\n"), b"<<scram_final>>\r\n");
        for harmless in ["334 VXNlcm5hbWU6", "334 dj", "334 djx", "Yz1iaXdzLHI9YQ==", "Yz1 no base64", "Yz0"] {
            assert_eq!(masker.mask(harmless.as_bytes()), harmless.as_bytes());
        }
    }
}

#[test]
fn every_form_is_hidden() {
    let hex = PASSWORD.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02X}"));
    for form in
        [PASSWORD.to_owned(), hex, "p%C3%A4%20ss%22w%C3%B6rd%2B1".to_owned(), "p\\u00e4 ss\\\"w\\u00f6rd+1".to_owned()]
    {
        assert_eq!(mask(&format!("535 no {form}!")), "535 no <<password>>!");
    }
}

#[test]
fn base64_is_hidden_wherever_it_begins() {
    for before in ["", "a", "ab", "abc", "\0tim\0"] {
        let masked = mask(&STANDARD.encode(format!("{before}{PASSWORD}xyz")));
        assert!(masked.contains("<<password>>"), "{masked}");
        // What is left beside the mask is the part that the neighbours decide.
        assert!(masked.len() < "<<password>>".len() + 16, "{masked}");
    }
}

#[test]
fn a_secret_cut_by_line_ends_is_hidden() {
    assert_eq!(
        mask("550-you said pä ss\r\n550 \"wörd+1, no\r\n"),
        "550-you said <<password>>\r\n550 <<password>>, no\r\n"
    );
    let long = STANDARD.encode(PASSWORD);
    let (first, second) = long.split_at(6);
    let masked = mask(&format!("{first}\r\n{second}"));
    assert!(masked.starts_with("<<password>>\r\n<<password>>"), "{masked}");
}

#[test]
fn short_secrets_are_named_and_not_searched_for() {
    let masker = Masker::new(&BTreeMap::from([("pin".to_owned(), Secret::new("123"))]));
    assert_eq!(masker.too_short().len(), 1);
    assert_eq!(masker.mask(b"250 123"), b"250 123");
}

proptest::proptest! {
    #[test]
    fn no_secret_is_left(before: String, after: String) {
        let masked = mask(&format!("{before}{PASSWORD}{after}"));
        proptest::prop_assert!(!masked.contains(PASSWORD));
    }

    #[test]
    fn lines_stay_lines(bytes: Vec<u8>) {
        let count = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
        proptest::prop_assert_eq!(count(&bytes), count(&masker().mask(&bytes)));
    }
}

fn masker_of(secret: &str) -> Masker {
    Masker::new(&BTreeMap::from([("password".to_owned(), Secret::new(secret))]))
}

/// What is left of a spelling in a text: a part as long as eight octets of the secret make it.
fn readable(spelling: &str, secret: &str, shown: &str) -> Option<String> {
    let least = (spelling.len() * 8).div_ceil(secret.len()) + 2;
    // What introduces an encoded word is no part of the secret.
    let from = if spelling.starts_with("=?") { spelling.find("?=").map_or(0, |_| 15) } else { 0 };
    let starts = spelling.char_indices().map(|(at, _)| at).filter(|at| *at >= from);
    let part = |at: usize| spelling.get(at..).and_then(|rest| rest.get(..least));
    starts.filter_map(part).find(|part| shown.contains(part)).map(str::to_owned)
}

#[test]
fn every_spelling_is_found_whole() {
    let mut failures = Vec::new();
    for secret in SECRETS {
        let masker = masker_of(secret);
        for (name, spelling) in spellings(secret) {
            let shown = masker.mask_text(&format!("500 5.5.1 Command unrecognized: \"AUTH {spelling}\" 1"));
            if readable(&spelling, secret, &shown).is_some() {
                failures.push(format!("{secret} as {name}: {shown}"));
                continue;
            }
            assert!(shown.starts_with("500 5.5.1 Command unrecognized: \"") && shown.ends_with(" 1"), "{shown}");
        }
    }
    assert!(failures.is_empty(), "{} {}", failures.len(), failures.join("\n"));
}

#[test]
fn every_spelling_is_found_cut_short() {
    let mut failures = Vec::new();
    for secret in SECRETS {
        let masker = masker_of(secret);
        for (name, spelling) in spellings(secret) {
            let least = (spelling.len() * 8).div_ceil(secret.len()) + 4;
            for from in [0, 3, 7, least, spelling.len().saturating_sub(least)] {
                for length in [least, least + 5, 2 * least] {
                    let Some(part) = spelling.get(from..).and_then(|rest| rest.get(..length)) else { continue };
                    for (before, after) in
                        [("\"", "...\""), ("", ""), ("\"", "\""), ("", " [truncated]"), ("AUTH ", "\u{2026}")]
                    {
                        if from > 0 && after.is_empty() {
                            continue;
                        }
                        let shown = masker.mask_text(&format!("500 5.5.1 what is {before}{part}{after}"));
                        if readable(part, &secret[..secret.floor_char_boundary(8)], &shown).is_some()
                            && shown.contains(&part[..part.floor_char_boundary(least)])
                        {
                            failures.push(format!("{name}: {shown}"));
                        }
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} {:#?}", failures.len(), &failures[..failures.len().min(40)]);
}

#[test]
fn every_spelling_is_found_over_lines() {
    let frames: [(&str, &str, &str); 8] = [
        ("", "", ""),
        ("5.5.1 ", "5.5.1 ", ""),
        ("5.5.1 ", "5.7.8 ", ""),
        ("", "", " "),
        ("\"", "\"", "\""),
        ("", "", "-"),
        ("", "   ", ""),
        ("2.0.0 '", "2.0.0 +", "' "),
    ];
    let mut failures = Vec::new();
    for secret in SECRETS {
        let masker = masker_of(secret);
        for (name, spelling) in spellings(secret).into_iter().filter(|(name, _)| *name != "U+") {
            for lines in 2..=4 {
                for (first, next, end) in frames {
                    // Where xtext goes on with `+`, nobody knows which one.
                    if name.starts_with("xtext") && next.ends_with('+') {
                        continue;
                    }
                    for shift in [0, 1, 5] {
                        let size = (spelling.len() / lines + shift).max(1);
                        let mut parts: Vec<&str> = Vec::new();
                        let mut rest = spelling.as_str();
                        while parts.len() + 1 < lines && rest.len() > size {
                            let (part, more) = rest.split_at(rest.floor_char_boundary(size));
                            parts.push(part);
                            rest = more;
                        }
                        parts.push(rest);
                        let line = |(at, part): (usize, &&str)| {
                            format!("500-{}{part}{end}", if at == 0 { first } else { next })
                        };
                        let text = parts.iter().enumerate().map(line).collect::<Vec<_>>().join("\r\n");
                        let shown = masker.mask_text(&text);
                        let least = (spelling.len() * 6).div_ceil(secret.len()).max(6);
                        let left =
                            |part: &&str| part.len() >= least && !part.starts_with("=?") && shown.contains(part.trim());
                        if parts.iter().any(left) {
                            failures.push(format!("{name}:\n{text}\n->\n{shown}\n"));
                        }
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} {}", failures.len(), failures[..failures.len().min(30)].join("\n"));
}

#[test]
fn digests_help_to_guess() {
    use sha2::Digest as _;
    let masker = masker_of("correct-Horse7battery");
    let digest = sha2::Sha256::digest("correct-Horse7battery");
    let hex = digest.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02X}"));
    assert_eq!(masker.mask_text(&format!("535 {hex}")), "535 <<password>>");
    assert_eq!(masker.mask_text(&format!("535 {}", STANDARD.encode(digest))), "535 <<password>>=");
}

#[test]
fn what_others_write_anyway_is_no_echo() {
    for (secret, text) in [
        ("ann@example.com", "220 mail.example.com ESMTP"),
        ("ann@example.com", "250 example.com"),
        ("ann@mail2.example.com", "250-mail2.example.com says hello"),
        ("password123", "535 5.7.8 wrong password"),
        ("password123", "535 5.7.8 wrong password, or user"),
        ("correct horse battery staple", "535 5.7.8 incorrect user or password"),
        ("authentication-key-77", "535 5.7.8 Error: authentication failed: authentication failure"),
        ("test.user", "250 latest user of contestuser"),
        ("made-up-username", "334 VXNlcm5hbWU6"),
        ("password123", "334 UGFzc3dvcmQ6"),
        ("my-password-1", "334 UGFzc3dvcmQA"),
        ("relay", "554 5.7.1 relaying denied: relays"),
        ("apple", "250 Apples are appled"),
    ] {
        assert_eq!(masker_of(secret).mask_text(text), text, "{secret}");
    }
    assert_eq!(
        masker_of("relay").mask_text("554 5.7.1 <relay>: no relay"),
        "554 5.7.1 <<<relay>>>: no <<relay>>".replace("<<relay>>", "<<password>>")
    );
}

const WORDS: [&str; 39] = [
    "authentication",
    "password",
    "incorrect",
    "credentials",
    "relaying",
    "denied",
    "example.com",
    "mail.example.com",
    "ann@example.com",
    "<bob@example.org>",
    "5.7.8",
    "(in reply to end of DATA command)",
    "STARTTLS",
    "AUTH=PLAIN",
    "queued as",
    "try again later",
    "https://support.example.com/?p=BadCredentials",
    "SIZE 52428800",
    "correct",
    "battery",
    "server",
    "user",
    "unknown",
    "mailbox",
    "full",
    "8BITMIME",
    "id=",
    "from",
    "[192.0.2.1]",
    "blocked",
    "using zen.example.net",
    "\"quoted\"",
    "it''s",
    "a+b",
    "100%25",
    "message",
    "policy",
    "größer",
    "日本",
];

/// A reply as servers write it, with queue ids and digests of all kinds.
fn random_reply(random: &mut fastrand::Rng, words: &[&str]) -> String {
    let mut lines = Vec::new();
    for _ in 0..random.usize(1..4) {
        let mut line = format!("{}-", random.u16(200..600));
        for _ in 0..random.usize(1..9) {
            match random.u8(..5) {
                0 => line.push_str(&random_token(random)),
                _ => line.push_str(words[random.usize(..words.len())]),
            }
            line.push(' ');
        }
        lines.push(line);
    }
    lines.join("\r\n")
}

fn random_token(random: &mut fastrand::Rng) -> String {
    let signs: &[u8] = match random.u8(..4) {
        0 => b"0123456789abcdef",
        1 => b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        2 => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        _ => b"0123456789",
    };
    (0..random.usize(6..70)).map(|_| char::from(signs[random.usize(..signs.len())])).collect()
}

#[test]
fn replies_without_a_secret_stay_as_they_are() {
    let secrets = [
        "correct-Horse7battery",
        "correct horse battery staple",
        "ann@example.com",
        "password123",
        "authentication-77",
        "12345678",
        "relay-user",
        "Tr0ub4dor&3",
        "größer als 8",
        "MailServer2024",
        SECRETS[4],
    ];
    let mut random = fastrand::Rng::with_seed(10);
    let named = secrets.iter().enumerate().map(|(at, secret)| (format!("s{at}"), Secret::new(*secret)));
    let masker = Masker::new(&named.collect());
    let mut masked = Vec::new();
    for _ in 0..10_000 {
        let reply = random_reply(&mut random, &WORDS);
        let holds = secrets.iter().any(|secret| reply.to_lowercase().contains(&secret.to_lowercase()));
        if !holds && masker.finds(reply.as_bytes()) {
            masked.push(format!("{reply}\n{}", masker.mask_text(&reply)));
        }
    }
    assert!(masked.is_empty(), "{} {:#?}", masked.len(), &masked[..masked.len().min(20)]);
}

#[test]
fn the_search_is_linear() {
    // Octets that repeat, secrets that repeat, one line and many: ten times the text is about ten times the work.
    for (secret, unit) in
        [("aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaab"), ("abababababab", "abababab\r\n"), (SECRETS[0], "%63%6f=20\\x41")]
    {
        let masker = masker_of(secret);
        let text = unit.repeat((1 << 20) / unit.len());
        assert!(masker.mask(text.as_bytes()).len() <= text.len() * 2);
    }
}

#[test]
fn quotes_with_backslashes_are_found_cut() {
    let text = "250 5.5.1 what? \"\"it's \\\"so\\\" <...\"";
    assert_eq!(masker_of(SECRETS[2]).mask_text(text), "250 5.5.1 what? \"\"<<password>>...\"");
}

/// A client that tries thousands of passwords, or a file that holds them: none is shown, and the time of each line stays.
#[test]
fn of_many_credentials_all_are_hidden() {
    let many: Vec<String> = (0..5_000).map(|number| format!("pass-{number:05}")).collect();
    let masker = Masker::default().with_credentials(&many).unwrap();
    assert!(masker.secrets.len() <= MOST_CREDENTIALS);
    for credential in [&many[0], &many[MOST_CREDENTIALS - 1], &many[MOST_CREDENTIALS], &many[4_999]] {
        for text in [format!("535 \"{credential}\" no"), format!("send: {credential}"), format!("no {credential}.")] {
            assert!(masker.finds(text.as_bytes()) && !masker.mask_text(&text).contains(credential.as_str()), "{text}");
            assert!(!masker.blotted(&text).unwrap().contains(credential.as_str()), "{text}");
        }
    }
    // Those that come later, too, one by one.
    assert!(masker.with_credentials(&["late-12345".to_owned()]).is_none());
    assert_eq!(masker.mask_text("late-12345 is in"), "<<response>> is in");
    assert_eq!(masker.mask_text("nobody is in"), "nobody is in");
}

/// Secrets without digits and signs, in words that nobody says, and in letters beyond ASCII.
const SENTENCES: [&str; 8] = [
    "correct horse battery staple",
    "correcthorsebatterystaple",
    "swordfish/in the garden",
    "mellon, friend: enter",
    "füchse-im-Garten-schlafen",
    "größerer Vogel über Straßen",
    "日本語のパスワードです",
    "пароль для почты",
];

/// Where a server goes on in the same line, nothing says that it cut what it repeats.
#[test]
fn a_stretch_is_hidden_whatever_follows_it() {
    let mut failures = Vec::new();
    for secret in SENTENCES.into_iter().chain(SECRETS) {
        let masker = masker_of(secret);
        for (start, _) in secret.char_indices() {
            for length in [8, 9, 11, 16] {
                let Some(stretch) = secret.get(start..start + length) else { continue };
                // Eight letters; signs at both ends are none.
                let trimmed = stretch.trim_matches(|letter: char| !letter.is_alphanumeric());
                let weight: usize = trimmed.chars().map(|c| if c < '\u{250}' { 1 } else { c.len_utf8() }).sum();
                // `com` and `auth` are words that servers say, and a letter that is a word stands beside others by chance.
                if weight < 8 || ["com\u{1}auth", "\u{1}a"].iter().any(|end| stretch.ends_with(end)) {
                    continue;
                }
                for after in [",", "/", " ", " is wrong", ": no", ". Sorry", "; x", "!", "-", "="] {
                    for before in ["", "no ", "<", "\"", "/"] {
                        let shown = masker.mask_text(&format!("535 5.7.8 {before}{stretch}{after}"));
                        if shown.contains(stretch) {
                            failures.push(format!("{secret}: {shown}"));
                        }
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} {:#?}", failures.len(), &failures[..failures.len().min(40)]);
}

/// Letters with marks, however they are written, in capitals, and with their octets escaped and cut.
#[test]
fn letters_beyond_ascii_are_found_cut() {
    use unicode_normalization::UnicodeNormalization as _;
    let percent = |text: &str| {
        text.bytes().fold(String::new(), |text, byte| {
            if byte.is_ascii_alphanumeric() {
                text + &char::from(byte).to_string()
            } else {
                text + &format!("%{byte:02X}")
            }
        })
    };
    let mut failures = Vec::new();
    for secret in SENTENCES.into_iter().filter(|secret| !secret.is_ascii()) {
        let masker = masker_of(secret);
        let (composed, apart) = (secret.nfc().collect::<String>(), secret.nfd().collect::<String>());
        let spellings = [
            ("as it is", secret.to_owned()),
            ("apart", apart.clone()),
            ("capitals", secret.to_uppercase()),
            ("capitals, apart", apart.to_uppercase()),
            ("small, apart", apart.to_lowercase()),
            ("full forms", composed.nfkd().collect()),
            ("percent", percent(secret)),
            ("percent, apart", percent(&apart)),
            ("percent, capitals", percent(&secret.to_uppercase())),
            ("base64, apart", STANDARD.encode(&apart)),
            ("base64 of capitals", STANDARD.encode(&composed)),
        ];
        for (name, spelling) in spellings {
            let least = (spelling.len() * 12).div_ceil(secret.len()) + 6;
            for cut in (least..=spelling.len()).filter(|cut| spelling.is_char_boundary(*cut)) {
                for after in ["...", "", "\"", ", no", " / x", " and"] {
                    let shown = masker.mask_text(&format!("500 5.5.1 \"{}{after}", &spelling[..cut]));
                    let first = spelling.floor_char_boundary(least.min(cut));
                    if shown.contains(&spelling[..first]) {
                        failures.push(format!("{secret}, {name}: {shown}"));
                    }
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} {:#?}", failures.len(), &failures[..failures.len().min(40)]);
}
