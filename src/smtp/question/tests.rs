//! What is found in text, and what is not.

use super::*;

fn codes_of(text: &str) -> Vec<String> {
    Question::all_in(text).iter().map(Question::codes).collect()
}

#[test]
fn codes_are_read_as_people_type_them() {
    for (typed, codes, text) in [
        ("535", "535", ""),
        ("5.7.8", "5.7.8", ""),
        (" 535 5.7.8 ", "535 5.7.8", ""),
        ("535-5.7.8", "535 5.7.8", ""),
        ("5xx", "5xx", ""),
        ("5XX", "5xx", ""),
        ("5yz", "5xx", ""),
        ("55x", "55x", ""),
        ("4.7.x", "4.7.x", ""),
        ("5.7", "5.7.x", ""),
        ("x.7.26", "x.7.26", ""),
        ("X.7.YYY".split("YYY").next().unwrap_or_default().trim_end_matches('.'), "x.7.x", ""),
        ("5.*.*", "5.x.x", ""),
        ("#5.7.1", "5.7.1", ""),
        ("550 5.7.26 This mail has been blocked", "550 5.7.26", "This mail has been blocked"),
        ("421-4.7.0 Try again", "421 4.7.0", "Try again"),
        ("550 no such user", "550", "no such user"),
        ("599 8.7.1 odd", "599", "8.7.1 odd"),
        // Exchange does so; of success and refusal one is none of this reply.
        ("550 4.4.7 QUEUE.Expired", "550 4.4.7", "QUEUE.Expired"),
        ("250 4.7.1 odd", "250", "4.7.1 odd"),
    ] {
        let question = Question::read(typed).unwrap_or_else(|| panic!("{typed}"));
        assert_eq!((question.codes().as_str(), question.text.as_str()), (codes, text), "{typed}");
    }
}

#[test]
fn other_text_is_no_question() {
    for text in [
        "", "nonsense", "99", "1xx", "199", "600", "xxx", "5x5", "3.7.8", "5.07.8", "x.x.x", "5.x.8", "5.7.8.1", "5",
        "é5",
    ] {
        assert_eq!(Question::read(text), None, "{text}");
    }
}

#[test]
fn replies_are_found_in_bounces_and_logs() {
    for (text, codes) in [
        ("Status: 5.7.26\nDiagnostic-Code: smtp; 550 5.7.26 This mail\n    is unauthenticated", &["550 5.7.26"][..]),
        (
            "host mx.example[192.0.2.1] said: 550-5.1.1 no such\n 550 5.1.1 user (in reply to RCPT TO command)",
            &["550 5.1.1"],
        ),
        ("<<< 554 5.7.1 <a@b>: Relay access denied", &["554 5.7.1"]),
        ("<** 535 Incorrect authentication data", &["535"]),
        ("S: 250-mx.example\nS: 250 HELP\nS: 451 try later", &["250", "451"]),
        ("postfix/smtp[123]: to=<a@b>, dsn=4.4.2, status=deferred", &["4.4.2"]),
        ("#<mail.example #5.7.1 smtp;530 5.7.1 Client was not authenticated> #SMTP#", &["530 5.7.1"]),
        ("SMTP error from remote mail server after RCPT TO:<a@b>:\n550 unknown user", &["550"]),
        ("421-4.7.0 one\n421-4.7.0 two\n421 4.7.0 three", &["421 4.7.0"]),
    ] {
        assert_eq!(codes_of(text), codes, "{text}");
    }
}

#[test]
fn other_numbers_are_left_alone() {
    for text in ["connect to 192.0.2.1 port 587", "Mon, 23 Nov 2026 21:45:00 +0000", "version 5.7.1 of it", "250", ""] {
        let found = codes_of(text);
        assert!(found.is_empty() || text == "250", "{text}: {found:?}");
    }
}

#[test]
fn lines_of_one_reply_are_one_text() {
    let found = Question::all_in("550-5.7.26 This mail\n550 5.7.26 was blocked - gsmtp");
    assert_eq!(found[0].text, "This mail was blocked - gsmtp");
}

proptest::proptest! {
    #[test]
    fn members_in_any_order_are_taken(text in "(code|status|msg|détail|reason|SMTP |\"|'|:|=|, |\\{|\\}|\\(|\\)|550|5[.]7[.]1|b'|é|\n| ){0,14}") {
        _ = Question::all_in(&text);
    }

    #[test]
    fn any_text_is_taken(text in "([245x.]{0,7}[ -]?.?\n?){0,6}") {
        _ = Question::read(&text);
        _ = Question::all_in(&text);
    }
}

#[test]
fn entries_of_a_log_with_equal_codes_and_other_words_are_two_replies() {
    let entry = |minute: u8, user: &str, text: &str| {
        format!(
            "2026-11-29 10:{minute:02}:00 1a-{minute}-AB ** {user} R=dnslookup T=remote_smtp H=mx.example [192.0.2.1]: \
             SMTP error from remote mail server after RCPT TO:<{user}>: 550 5.1.1 {text}\n"
        )
    };
    let unknown =
        |minute, user: &str| entry(minute, user, &format!("<{user}>: Recipient address rejected: User unknown"));
    let log = [
        entry(1, "a@mail.example", "The email account that you tried to reach does not exist"),
        unknown(2, "b@mx.example"),
        unknown(3, "c@mx.example"),
    ];
    let texts: Vec<String> = Question::all_in(&log.concat()).into_iter().map(|it| it.text).collect();
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert_eq!(texts[1], "<b@mx.example>: Recipient address rejected: User unknown");
}
