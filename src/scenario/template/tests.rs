//! Tests of templates: brackets, rendering, secrets, errors and bounds.

use super::*;
use crate::scenario::Chance;
use minijinja::value::ValueKind;
use std::collections::BTreeMap;

struct Fixed(BTreeMap<&'static str, Value>, Vec<&'static str>);

impl Scope for Fixed {
    fn context(&self) -> Value {
        Value::from(self.0.clone())
    }
    fn is_secret(&self, name: &str) -> bool {
        self.1.contains(&name)
    }
}

fn scope() -> Fixed {
    let values = [
        ("from", Value::from("john@doe.com")),
        ("user", Value::from("tim")),
        ("password", Value::from("p.w")),
        ("n", Value::from(3)),
        ("evil", Value::from("a\r\nQUIT")),
    ];
    Fixed(values.into_iter().collect(), vec!["password"])
}

fn text(source: &str) -> Text {
    let span = Span { file: 0, start: 0, end: u32::try_from(source.len()).unwrap() };
    Text::parse(source, span, Layout::verbatim(0)).unwrap()
}

fn rendered(source: &str, mode: Mode) -> Result<Rendered, TemplateError> {
    Templates::new(Chance::seeded(1)).render(&text(source), mode, &scope())
}

fn bytes(source: &str) -> String {
    String::from_utf8(rendered(source, Mode::Line).unwrap().bytes).unwrap()
}

#[test]
fn the_last_two_open_and_the_first_two_close() {
    assert_eq!(bytes("MAIL FROM:<<<from>>>"), "MAIL FROM:<john@doe.com>");
    assert_eq!(bytes("<<<<user>>>>"), "<<tim>>");
    assert_eq!(bytes("a<<'<<'>>b"), "a<<b");
    assert_eq!(bytes("<<'>>'>>"), ">>");
    assert_eq!(bytes("a < b <c> {{x}} {% y %} <%subject%>"), "a < b <c> {{x}} {% y %} <%subject%>");
    assert_eq!(bytes("<<n > 2>>"), "True");
}

#[test]
fn statements_and_comments() {
    assert_eq!(bytes("a<<# note #>>b"), "ab");
    assert_eq!(bytes("<<% if n > 2 %>>big <<<user>>><<% endif %>>\n"), "big <tim>\n");
}

#[test]
fn secrets_are_shown_as_written() {
    let plain = rendered("AUTH <<user>> <<password | b64encode>>", Mode::Line).unwrap();
    assert_eq!(plain.shown, "AUTH tim <<password | b64encode>>");
    assert_eq!(plain.bytes, b"AUTH tim cC53");
    assert!(plain.secret);
    let whole = rendered("<<% if n %>><<password>><<% endif %>>", Mode::Line).unwrap();
    assert_eq!(whole.shown, "<<% if n %>><<password>><<% endif %>>");
}

#[test]
fn values_are_escaped_in_patterns_and_cannot_end_a_line() {
    assert_eq!(rendered("^250 <<password>>", Mode::Pattern).unwrap().bytes, b"^250 p\\.w");
    assert_eq!(rendered("^250 <<password | safe>>", Mode::Pattern).unwrap().bytes, b"^250 p.w");
    assert!(rendered("RCPT <<evil>>", Mode::Line).unwrap_err().message.contains("line break"));
    assert!(rendered("<<% if 1 %>><<evil>><<% endif %>>", Mode::Line).is_err());
}

#[test]
fn errors_point_at_the_expression() {
    let error = rendered("EHLO <<nope>>", Mode::Line).unwrap_err();
    assert_eq!((error.span.start, error.span.end), (7, 11));
    assert!(error.message.contains("undefined"), "{}", error.message);
    assert_eq!(Text::parse("a <<b", Span::default(), Layout::verbatim(0)).unwrap_err().span.start, 2);
    assert!(text("<<a b>>").expressions().next().unwrap().names().is_err());
}

#[test]
fn names_of_an_expression() {
    let names = text("<<offers('A') and user.trim() and user | upper is defined>>")
        .expressions()
        .next()
        .unwrap()
        .names()
        .unwrap();
    let list = |names: &[(String, Range<usize>)]| names.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(list(&names.variables), ["user", "user"]);
    assert_eq!(list(&names.functions), ["offers"]);
    assert_eq!(names.methods, [("trim".to_owned(), 21..25)]);
    assert_eq!(list(&names.filters), ["upper"]);
    assert_eq!(list(&names.tests), ["defined"]);
}

#[test]
fn a_string_is_not_ordered_against_a_number() {
    let expression = |source: &str| Expression::new(source, Span::default(), Layout::verbatim(0));
    let templates = Templates::new(Chance::seeded(1));
    assert!(templates.evaluate(&expression("n > 2"), &scope()).unwrap().is_true());
    assert!(templates.evaluate(&expression("user > 2"), &scope()).unwrap_err().message.contains("cannot order"));
    assert_eq!(templates.explain(&expression("n > 5 and user == 'x'"), &scope()), ["`n` is 3", "`user` is \"tim\""]);
    let parts = |source: &str| expression(source).parts();
    assert_eq!(parts("tls.certificate.days_left > n"), ["tls.certificate.days_left", "n"]);
    assert_eq!(parts("reply.lines | length == 2 and n > 1"), ["reply.lines | length", "n"]);
    assert_eq!(parts("(user | split('@'))[1] == n"), ["(user | split('@'))[1]", "n"]);
}

#[test]
fn a_single_expression_keeps_its_type() {
    let templates = Templates::new(Chance::seeded(1));
    assert_eq!(templates.value_of(&text("<<n>>"), &scope()).unwrap().0.kind(), ValueKind::Number);
    assert_eq!(templates.value_of(&text("<<n>> "), &scope()).unwrap().0.kind(), ValueKind::String);
}

proptest::proptest! {
    #[test]
    fn any_text_is_split_without_loss(source in "[<>%#'\"a \\\\é\n]{0,60}") {
        if let Ok(pieces) = scan(&source) {
            let mut end = 0;
            for piece in &pieces {
                if let Piece::Literal(range) | Piece::Statement(range) | Piece::Expression { outer: range, .. } = piece {
                    proptest::prop_assert!(range.start >= end && source.is_char_boundary(range.end));
                    end = range.end;
                }
            }
        }
    }

    #[test]
    fn text_without_brackets_is_literal(source in "[^<]{0,60}") {
        proptest::prop_assert_eq!(rendered(&source, Mode::Line).unwrap().bytes, source.as_bytes());
    }
}

/// A text of so many repetitions.
type Source = fn(usize) -> String;

/// What is repeated or nested: `n` times the second around or after the first.
#[expect(clippy::too_many_lines, reason = "a table")]
fn productions() -> Vec<(&'static str, Source)> {
    fn chain(first: &str, more: &str, n: usize) -> String {
        format!("<<{first}{}>>", more.repeat(n))
    }
    fn nested(open: &str, inner: &str, close: &str, n: usize) -> String {
        format!("<<{}{inner}{}>>", open.repeat(n), close.repeat(n))
    }
    fn blocks(open: &str, close: &str, n: usize) -> String {
        format!("{}x{}", open.repeat(n), close.repeat(n))
    }
    vec![
        ("+", |n| chain("1", "+1", n)),
        ("-", |n| chain("1", "-1", n)),
        ("*", |n| chain("1", "*1", n)),
        ("/", |n| chain("1", "/1", n)),
        ("//", |n| chain("1", "//1", n)),
        ("%", |n| chain("1", "%2", n)),
        ("**", |n| chain("1", "**1", n)),
        ("~", |n| chain("1", "~1", n)),
        ("and", |n| chain("1", " and 1", n)),
        ("or", |n| chain("0", " or 0", n)),
        ("==", |n| chain("1", "==1", n)),
        ("<", |n| chain("1", "<2", n)),
        ("in", |n| chain("1", " in [1]", n)),
        ("not in", |n| chain("1", " not in [2]", n)),
        ("not", |n| nested("not ", "1", "", n)),
        ("minus", |n| nested("-", "1", "", n)),
        ("minus apart", |n| nested("- ", "1", "", n)),
        ("ternary", |n| chain("1", " if 1 else 1", n)),
        ("ternary without else", |n| chain("1", " if 1", n)),
        ("filter", |n| chain("1", "|upper", n)),
        ("filter with brackets", |n| chain("1", "|default(1)", n)),
        ("test", |n| chain("1", " is defined", n)),
        ("test not", |n| chain("1", " is not defined", n)),
        ("test with argument", |n| chain("1", " is eq 1", n)),
        ("attribute", |n| chain("n", ".x", n)),
        ("number behind a dot", |n| chain("n", ".0", n)),
        ("index", |n| chain("n", "[0]", n)),
        ("slice", |n| chain("user", "[0:1]", n)),
        ("call", |n| chain("n", "()", n)),
        ("index in an index", |n| nested("n[", "0", "]", n)),
        ("call in a call", |n| nested("random(", "1", ")", n)),
        ("filter in a filter", |n| nested("1|default(", "1", ")", n)),
        ("test in a test", |n| nested("1 is eq(", "1", ")", n)),
        ("parentheses", |n| nested("(", "1", ")", n)),
        ("lists", |n| nested("[", "1", "]", n)),
        ("maps", |n| nested("{'a': ", "1", "}", n)),
        ("tuples", |n| nested("(", "1", ",)", n)),
        ("maps as keys", |n| nested("{", "1", ": 1}", n)),
        ("behind a comma", |n| format!("<<[1,{}1]>>", "1+".repeat(n))),
        ("before a comma", |n| format!("<<[{}1,1]>>", "1+".repeat(n))),
        ("a keyword argument", |n| nested("dict(a=", "1", ")", n)),
        ("if", |n| blocks("<<% if 1 %>>", "<<% endif %>>", n)),
        ("for", |n| blocks("<<% for i in [1] %>>", "<<% endfor %>>", n)),
        ("with", |n| blocks("<<% with a = 1 %>>", "<<% endwith %>>", n)),
        ("filter block", |n| blocks("<<% filter upper %>>", "<<% endfilter %>>", n)),
        ("autoescape", |n| blocks("<<% autoescape false %>>", "<<% endautoescape %>>", n)),
        ("set block", |n| blocks("<<% set a %>>", "<<% endset %>>", n)),
        ("set block with a filter", |n| blocks("<<% set a | indent(width=1) %>>", "<<% endset %>>", n)),
        ("elif", |n| format!("<<% if 0 %>>{}<<% endif %>>", "<<% elif 0 %>>".repeat(n))),
        ("else", |n| blocks("<<% if 1 %>>x<<% else %>>", "<<% endif %>>", n)),
        ("unpacking", |n| format!("<<% for {}a{} in [] %>><<% endfor %>>", "(".repeat(n), ")".repeat(n))),
        ("dotted set", |n| format!("<<% set a{} = 1 %>>", ".b".repeat(n))),
        ("filter chain of a block", |n| format!("<<% filter upper{} %>>x<<% endfilter %>>", "|upper".repeat(n))),
        ("quoted ends", |n| blocks("<<% if \"%>> <<% endif %>>\" %>>", "<<% endif %>>", n)),
        ("raw", |n| blocks("<<% if 1 %>><<% raw %>><<% endif %>><<% endraw %>>", "<<% endif %>>", n)),
    ]
}

/// Checks and renders a text, and says what came of it.
fn played(source: &str) -> Result<String, TemplateError> {
    let span = Span { file: 0, start: 0, end: u32::try_from(source.len()).unwrap() };
    let text = Text::parse(source, span, Layout::verbatim(0))?;
    statement_names(&text)?;
    let templates = Templates::for_check(Chance::seeded(1));
    text.expressions().try_for_each(|expression| {
        let bare = templates.evaluate(&expression, &scope());
        _ = (expression.parts(), bare);
        expression.names().map(|_| ())
    })?;
    templates.value_of(&text, &scope()).map(|(value, _)| value.to_string())
}

/// On a stack that is smaller than any thread's of the program: what overflows it ends the test.
fn on_a_small_stack<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(2048 * 1024).spawn(body).unwrap().join().unwrap()
}

#[test]
fn no_production_overflows_the_stack_however_often_it_is_repeated() {
    for (name, source) in productions() {
        for n in [1, 10, 45, 60, 70, 149, 200, 299, 300, 400, 5_000, 60_000] {
            let source = source(n);
            let outcome = on_a_small_stack(move || played(&source));
            if n >= 400 {
                let message = outcome.unwrap_err().message;
                assert!(message.contains("too deep"), "{name}: {message}");
            } else if n == 1
                && !matches!(
                    name,
                    "attribute"
                        | "number behind a dot"
                        | "index"
                        | "call"
                        | "dotted set"
                        | "index in an index"
                        | "call in a call"
                        | "maps as keys"
                )
            {
                assert!(outcome.is_ok(), "{name}: {outcome:?}");
            }
        }
    }
}

/// Texts that double, repeat or walk; each must be stopped soon, and take little memory.
fn costly() -> Vec<(&'static str, String)> {
    let doubled = "<<% set b=[1] %>>".to_owned() + &"<<% set b=[b,b] %>>".repeat(60);
    let joined = "<<% set b=['x'] %>>".to_owned() + &"<<% set b=b+b %>>".repeat(60);
    let text = "<<% set b='x' %>>".to_owned() + &"<<% set b=b~b %>>".repeat(60);
    let mapped = "<<% set b={'a': 1} %>>".to_owned() + &"<<% set b={'a': b, 'b': b} %>>".repeat(60);
    let merged = "<<% set b=dict(a=1) %>>".to_owned() + &"<<% set b=dict(a=b, b=b) %>>".repeat(60);
    let zipped = "<<% set b=[1] %>>".to_owned() + &"<<% set b=b|zip(b)|list %>>".repeat(60);
    let chained = "<<% set b=[1] %>>".to_owned() + &"<<% set b=b|chain(b) %>>".repeat(60);
    let loops = |body: &str| {
        format!("<<% set ns = namespace(x=[1], s='x') %>><<% for i in range(99999) %>>{body}<<% endfor %>>")
    };
    vec![
        ("shown", doubled.clone() + "<<b>>"),
        ("compared", format!("{doubled}{}<<b == c>>", doubled.replace('b', "c").replace("su", "s"))),
        ("ordered", doubled.clone() + "<<[b] < [[b]]>>"),
        ("found", doubled.clone() + "<<1 in [b, b]>>"),
        ("made a text", doubled.clone() + "<<b ~ ''>>"),
        ("made a text by a filter", doubled.clone() + "<<b | string>>"),
        ("hashed", doubled.clone() + "<<b | md5>>"),
        ("encoded", doubled.clone() + "<<b | b64encode>>"),
        ("a key", doubled.clone() + "<<{b: 1}>>"),
        ("sorted", doubled.clone() + "<<[b, b] | sort>>"),
        ("unique", doubled.clone() + "<<[b, b] | unique>>"),
        ("joined", doubled.clone() + "<<[b, b] | join(',')>>"),
        ("an argument", doubled.clone() + "<<auth_plain(b, b)>>"),
        ("a test", doubled.clone() + "<<b is eq [b]>>"),
        ("a sum of lists", joined + "<<b>>"),
        ("a text twice", text + "<<b>>"),
        ("maps", mapped + "<<b>>"),
        ("dict", merged + "<<b>>"),
        ("zip", zipped + "<<b>>"),
        ("chain", chained + "<<b>>"),
        ("a namespace that nests", loops("<<% set ns.x = [ns.x] %>>") + "<<ns.x>>"),
        ("a namespace that doubles", loops("<<% set ns.x = [ns.x, ns.x] %>>") + "<<ns.x == 1>>"),
        ("a namespace of text", loops("<<% set ns.s = ns.s ~ ns.s %>>")),
        ("a namespace of chains", loops("<<% set ns.x = ns.x | chain([1]) %>>") + "<<ns.x | list>>"),
        ("repeated text", "<<'x' * 99999999>>".to_owned()),
        ("repeated list", "<<[1] * 99999999>>".to_owned()),
        ("repeated list, measured", "<<([1] * 99999999) | length>><<([1] * 99999999) == 1>>".to_owned()),
        ("replaced", "<<('x' * 60000) | replace('x', 'y' * 60000)>>".to_owned()),
        ("indented", "<<'a' | indent(999999999, true)>>".to_owned()),
        ("in batches", "<<[1] | batch(999999999, 'x')>>".to_owned()),
        ("in slices", "<<[1] | slice(999999999)>>".to_owned()),
        ("formatted", "<<'%999999999d' | format(1)>>".to_owned()),
        ("power", "<<9 ** 9 ** 9 ** 9>>".to_owned()),
        (
            "many loops",
            "<<% for i in range(99999) %>><<% for j in range(99999) %>>x<<% endfor %>><<% endfor %>>".to_owned(),
        ),
        ("a loop in itself", "<<% for i in [[[1]]] recursive %>><<loop([i])>><<% endfor %>>".to_owned()),
        ("rounds", "<<scram_final(scram_first('a',nonce='b'), 'pw', ('r=bc,s=QQ==,i=9999999'|b64encode))>>".to_owned()),
        ("many rounds", loops("<<scram_final(scram_first('a',nonce='b'), 'pw', ('r=bc,s=QQ==,i=4000'|b64encode))>>")),
        ("many expressions", "<<'x' * 90000>>".repeat(30_000)),
        ("many words", "<<random(60000)>>".repeat(30_000)),
        ("a long list", format!("<<[{}]>>", "'x' * 100000,".repeat(50_000))),
        ("digests", loops("<<(ns.s * 5000) | sha256>>")),
    ]
}

#[test]
fn what_doubles_is_stopped_soon() {
    for (name, source) in costly() {
        let message = on_a_small_stack(move || played(&source)).unwrap_err().message;
        let stopped =
            ["asks for more", "too much work", "too large", "are the most", "unable to calculate", "recursion limit"];
        assert!(stopped.iter().any(|words| message.contains(words)), "{name}: {message}");
    }
}

#[test]
fn every_name_in_a_statement_is_seen() {
    for (source, names) in [
        ("<<% if a[:3] %>>x<<% endif %>>", "a"),
        ("<<% for i in a[b:c:d] if i %>><<i>><<% else %>><<e>><<% endfor %>>", "a b c d e"),
        ("<<% set a = a[1:] %>><<a>>", "a"),
        ("<<% with x = a[0:1] %>><<x>><<% endwith %>><<x>>", "a x"),
        ("<<% if t %>><<% set p = 1 %>><<% endif %>><<p[2:]>>", "p t"),
        ("<<% if 1 %>><<(a ~ b)[:2] ~ c[1:]>><<% endif %>>", "a b c"),
        ("<<% set x %>><<a[:1]>><<% endset %>><<x>>", "a"),
    ] {
        let text = text(source);
        let read = statement_names(&text).unwrap().into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(read, names, "{source}");
    }
}

#[test]
fn a_slice_of_a_secret_in_a_statement_is_secret() {
    let sliced = rendered("<<% if 1 %>><<password[:2]>><<% endif %>>", Mode::Line).unwrap();
    assert!(sliced.secret && sliced.shown.contains("password[:2]"), "{sliced:?}");
}

#[test]
fn brackets_without_anything_between_are_closed_by_another() {
    for source in ["<<%>>", "<<#>>", "a<<%>>b", "<<%%>", "<<##>"] {
        let span = Span { file: 0, start: 0, end: u32::try_from(source.len()).unwrap() };
        assert!(Text::parse(source, span, Layout::verbatim(0)).is_err(), "{source}");
    }
    assert_eq!(bytes("a<<##>>b"), "ab");
    assert_eq!(bytes("a<<#>>#>>b"), "ab");
    for source in
        ["<<%%>>", "<<%>>%>>", "<<%-%>>", "<<%--%>>", "<<% %>>", "<<% if secure %>>a e >>%b('order=#f ' ~c<<%2 d %>>"]
    {
        let error = rendered(source, Mode::Line).unwrap_err();
        let length = u32::try_from(source.len()).unwrap();
        assert!(error.span.start <= error.span.end && error.span.end <= length + 1, "{source}: {error:?}");
    }
}

#[test]
fn only_brackets_are_brackets() {
    assert_eq!(bytes("<<% raw %>>a<<user>><<% x %>><<# c #>><<% endraw %>>"), "a<<user>><<% x %>><<# c #>>");
    for mark in ["\u{1}\u{2}password>>", "\u{1}\u{3}% if n %>>", "\u{1}\u{4}#"] {
        assert_eq!(bytes(mark), mark);
        assert!(scan(&format!("<<% if n %>>{mark}<<% endif %>>")).is_err());
    }
    assert_eq!(bytes("<<% if n %>>\u{1}auth\u{1}\u{1}<<user>><<% endif %>>"), "\u{1}auth\u{1}\u{1}tim");
}
