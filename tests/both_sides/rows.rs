//! The table: what is played, what the other side does, and what must come of it.

use std::time::Duration;

/// One row; both sides play it.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Keys of the whole scenario.
    pub(crate) head: &'static str,
    pub(crate) steps: &'static str,
    /// What the other side does: `S:` is what it says, `C:` what it must hear.
    pub(crate) peer: &'static str,
    pub(crate) options: &'static [&'static str],
    /// The signal that is sent when the other side has come to its mark.
    pub(crate) signal: Option<&'static str>,
    /// Whether a report is looked into as well: a server is then played by `run`.
    pub(crate) reports: bool,
    /// The exit code of a client and of a server.
    pub(crate) exits: [i32; 2],
    pub(crate) at_most: Duration,
    /// What stands in what is printed, or in the JSON report.
    pub(crate) says: &'static [&'static str],
}

const FOLLOWS: Row = Row {
    name: "",
    head: "timeout: 5s",
    steps: "",
    peer: "",
    options: &[],
    signal: None,
    reports: false,
    exits: [0, 0],
    at_most: Duration::from_secs(9),
    says: &[],
};
const DIVERGES: Row = Row { exits: [1, 1], ..FOLLOWS };
/// One side has no such form, and says so before anything is played.
const OF_A_CLIENT: Row = Row { exits: [0, 2], ..FOLLOWS };
const OF_A_SERVER: Row = Row { exits: [2, 0], ..FOLLOWS };
/// The run is over long before the wait would be.
const CUT_SHORT: Row =
    Row { exits: [1, 1], options: &["--max-time", "700ms"], at_most: Duration::from_secs(4), ..FOLLOWS };
/// The wait is over long before that of the scenario.
const SOON: Row = Row { exits: [1, 1], head: "timeout: 8s", at_most: Duration::from_secs(4), ..FOLLOWS };
const HURRIED: Row = Row { head: "timeout: 300ms", ..FOLLOWS };

pub(crate) const ROWS: &[Row] = &[
    // --- a pattern ----------------------------------------------------------------------------------------------
    Row { name: "a pattern is found", steps: "- expect: ^250 hi$", peer: "S: 250 hi", ..FOLLOWS },
    Row { name: "a pattern is not found", steps: "- expect: ^350", peer: "S: 250 hi", ..DIVERGES },
    Row {
        name: "a pattern with a variable",
        head: "vars: {who: a.b}",
        steps: "- expect: ^250 <<who>>",
        peer: "S: 250 a.b",
        ..FOLLOWS
    },
    Row {
        name: "a value in a pattern is no pattern",
        head: "vars: {who: a.b}",
        steps: "- expect: ^250 <<who>>",
        peer: "S: 250 axb",
        ..DIVERGES
    },
    Row { name: "a line with a bare LF", steps: "- expect: ^250", peer: r#"send "250 hi\n""#, ..DIVERGES },
    Row { name: "a line with CR in it", steps: "- expect: ^250", peer: r#"send "250 h\ri\r\n""#, ..DIVERGES },
    Row { name: "nothing comes", steps: "- {expect: ^250, timeout: 300ms}", peer: "silence", ..SOON },
    Row {
        name: "only a part comes",
        steps: "- {expect: ^250, timeout: 300ms}",
        peer: "send \"250 part\"\nsilence",
        says: &["250 part"],
        ..SOON
    },
    Row { name: "the other side closes", steps: "- expect: ^250", peer: "close", ..DIVERGES },
    Row {
        name: "the other side closes within a line",
        steps: "- expect: ^250",
        peer: "send \"250 h\"\nclose",
        ..DIVERGES
    },
    Row { name: "the other side resets", steps: "- say: 250 a\n- expect: ^250", peer: "C: 250 a\nreset", ..DIVERGES },
    Row { name: "the run ends while a line is waited for", steps: "- expect: ^250", peer: "silence", ..CUT_SHORT },
    // --- any and all --------------------------------------------------------------------------------------------
    Row { name: "any: the second holds", steps: "- expect: {any: [^350, ^250]}", peer: "S: 250 hi", ..FOLLOWS },
    Row { name: "any: none holds", steps: "- expect: {any: [^350, ^450]}", peer: "S: 250 hi", ..DIVERGES },
    Row { name: "any: closed by FIN", steps: "- expect: {any: [^350, {closed: fin}]}", peer: "close", ..FOLLOWS },
    Row {
        name: "any: closed by RST",
        steps: "- say: 250 a\n- expect: {any: [^350, {closed: reset}]}",
        peer: "C: 250 a\nreset",
        ..FOLLOWS
    },
    Row { name: "any: closed, by FIN", steps: "- expect: {any: [^350, {closed: true}]}", peer: "close", ..FOLLOWS },
    Row {
        name: "any: closed, by RST",
        steps: "- say: 250 a\n- expect: {any: [^350, {closed: true}]}",
        peer: "C: 250 a\nreset",
        ..FOLLOWS
    },
    Row {
        name: "any: FIN wanted, RST comes",
        steps: "- say: 250 a\n- expect: {any: [^350, {closed: fin}]}",
        peer: "C: 250 a\nreset",
        ..DIVERGES
    },
    Row {
        name: "any: RST wanted, FIN comes",
        steps: "- expect: {any: [^350, {closed: reset}]}",
        peer: "close",
        ..DIVERGES
    },
    Row {
        name: "any: closed within a line",
        steps: "- expect: {any: [^250, {closed: true}]}",
        peer: "send \"250 h\"\nclose",
        ..DIVERGES
    },
    Row { name: "all: each holds", steps: "- expect: {all: [^250, ^250 h]}", peer: "S: 250 hi", ..FOLLOWS },
    Row { name: "all: one does not hold", steps: "- expect: {all: [^250, ^250 ho]}", peer: "S: 250 hi", ..DIVERGES },
    Row {
        name: "any within all",
        steps: "- expect: {all: [^250, {any: [^250 ho, ^250 hi]}]}",
        peer: "S: 250 hi",
        ..FOLLOWS
    },
    Row {
        name: "all within any",
        steps: "- expect: {any: [^350, {all: [^250, ^250 h]}]}",
        peer: "S: 250 hi",
        ..FOLLOWS
    },
    Row {
        name: "all: captures of each",
        steps: "- expect: {all: ['^250 (?<first>\\w+)', '^250 .*?(?<last>\\w+)$']}\n- say: 250 <<last>> <<first>>",
        peer: "S: 250 one two\nC: 250 two one",
        ..FOLLOWS
    },
    // --- line and raw -------------------------------------------------------------------------------------------
    Row { name: "line: with a bare LF", steps: "- expect: {line: ^hello$}", peer: r#"send "hello\n""#, ..FOLLOWS },
    Row { name: "line: another", steps: "- expect: {line: ^hello$}", peer: "S: good bye", ..DIVERGES },
    Row { name: "line: nothing comes", steps: "- {expect: {line: .}, timeout: 300ms}", peer: "silence", ..SOON },
    Row { name: "line: the other side closes", steps: "- expect: {line: .}", peer: "close", ..DIVERGES },
    Row { name: "line: the run ends", steps: "- expect: {line: .}", peer: "silence", ..CUT_SHORT },
    Row {
        name: "line: it captures",
        steps: "- expect: {line: '^hello (?<who>.*)$'}\n- say: 250 <<who>>",
        peer: "S: hello you\nC: 250 you",
        ..FOLLOWS
    },
    Row { name: "raw: it comes", steps: r"- expect: {raw: '^ab\n?'}", peer: r#"send "ab""#, ..FOLLOWS },
    Row {
        name: "raw: what follows stays",
        steps: "- expect: {raw: '^ab'}\n- expect: {line: ^cd$}",
        peer: r#"send "abcd\r\n""#,
        ..FOLLOWS
    },
    Row { name: "raw: another", steps: "- {expect: {raw: ^xy}, timeout: 300ms}", peer: "send \"ab\"\nsilence", ..SOON },
    Row { name: "raw: the other side closes", steps: "- expect: {raw: ^xy}", peer: "send \"ab\"\nclose", ..DIVERGES },
    Row { name: "raw: the run ends", steps: "- expect: {raw: ^xy}", peer: "silence", ..CUT_SHORT },
    Row {
        name: "raw: it captures",
        steps: "- expect: {raw: '^<(?<who>\\w+)>'}\n- say: 250 <<who>>",
        peer: "send \"<you>\"\nC: 250 you",
        ..FOLLOWS
    },
    Row {
        name: "raw: after 100,000 octets",
        steps: r"- expect: {raw: '(?s)z{3}\r\n'}",
        peer: "flood \"y\" 100000\nsend \"zzz\\r\\n\"",
        ..FOLLOWS
    },
    // --- the end ------------------------------------------------------------------------------------------------
    Row { name: "closed: by FIN", steps: "- expect: {closed: true}", peer: "close", ..FOLLOWS },
    Row { name: "closed: by RST", steps: "- say: 250 a\n- expect: {closed: true}", peer: "C: 250 a\nreset", ..FOLLOWS },
    Row { name: "closed: FIN wanted", steps: "- expect: {closed: fin}", peer: "close", ..FOLLOWS },
    Row {
        name: "closed: FIN wanted, RST comes",
        steps: "- say: 250 a\n- expect: {closed: fin}",
        peer: "C: 250 a\nreset",
        ..DIVERGES
    },
    Row {
        name: "closed: RST wanted",
        steps: "- say: 250 a\n- expect: {closed: reset}",
        peer: "C: 250 a\nreset",
        ..FOLLOWS
    },
    Row { name: "closed: RST wanted, FIN comes", steps: "- expect: {closed: reset}", peer: "close", ..DIVERGES },
    Row {
        name: "closed: it speaks",
        steps: "- expect: {closed: true}",
        peer: "S: 250 hi",
        says: &["250 hi"],
        ..DIVERGES
    },
    Row { name: "closed: it stays", steps: "- {expect: {closed: true}, timeout: 300ms}", peer: "silence", ..SOON },
    Row { name: "closed: the run ends", steps: "- expect: {closed: true}", peer: "silence", ..CUT_SHORT },
    Row { name: "silence: it is kept", steps: "- expect: {silence: 200ms}", peer: "silence", ..FOLLOWS },
    Row {
        name: "silence: it is kept beyond a time-out",
        steps: "- expect: {silence: 600ms}",
        peer: "silence",
        ..HURRIED
    },
    Row {
        name: "silence: it is broken",
        steps: "- expect: {silence: 5s}",
        peer: "S: 250 hi",
        says: &["250 hi"],
        ..DIVERGES
    },
    Row { name: "silence: the other side closes", steps: "- expect: {silence: 5s}", peer: "close", ..DIVERGES },
    Row { name: "silence: the run ends", steps: "- expect: {silence: 30s}", peer: "silence", ..CUT_SHORT },
    // --- replies only -------------------------------------------------------------------------------------------
    Row { name: "a reply code", steps: "- expect: 250", peer: "S: 250 hi", ..OF_A_CLIENT },
    Row {
        name: "fields of a reply",
        steps: "- expect: {code: 250, enhanced: 2.1.0, text: hi, not: ho, within: 5s}",
        peer: "S: 250 2.1.0 hi",
        ..OF_A_CLIENT
    },
    Row {
        name: "what is offered, and what is not",
        steps: "- expect: {code: 250, offers: [STARTTLS, AUTH LOGIN, size], lacks: [VRFY]}",
        peer: "S: 250-mx\nS: 250-STARTTLS\nS: 250-AUTH PLAIN LOGIN\nS: 250 SIZE 10",
        ..OF_A_CLIENT
    },
    Row {
        name: "a reply code and the end",
        steps: "- expect: {code: 421, closed: true}",
        peer: "S: 421 bye\nclose",
        ..OF_A_CLIENT
    },
    // --- modifiers ----------------------------------------------------------------------------------------------
    Row {
        name: "when: it is false",
        steps: "- {when: 1 > 2, expect: ^350}\n- {when: 1 > 2, say: 250 no}\n- say: 250 yes",
        peer: "C: 250 yes",
        ..FOLLOWS
    },
    Row { name: "when: it is true", steps: "- {when: 2 > 1, say: 250 yes}", peer: "C: 250 yes", ..FOLLOWS },
    Row {
        name: "when: of a group",
        steps: "- {when: 1 > 2, steps: [{say: 250 no}]}\n- say: 250 yes",
        peer: "C: 250 yes",
        ..FOLLOWS
    },
    Row {
        name: "timeout: longer than the scenario's",
        steps: "- {expect: ^250, timeout: 5s}",
        peer: "pause 700ms\nS: 250 hi",
        ..HURRIED
    },
    Row { name: "timeout: the scenario's", steps: "- expect: ^250", peer: "silence", exits: [1, 1], ..HURRIED },
    Row {
        name: "timeout: the command line's",
        steps: "- expect: ^250",
        peer: "silence",
        options: &["--timeout", "300ms"],
        ..SOON
    },
    Row {
        name: "timeout: a template",
        head: "vars: {wait: 300ms}",
        steps: "- {expect: ^250, timeout: <<wait>>}",
        peer: "silence",
        ..SOON
    },
    Row {
        name: "on_divergence: it goes on",
        steps: "- {expect: ^350, on_divergence: continue}\n- say: 250 on",
        peer: "S: 250 hi\nC: 250 on",
        ..DIVERGES
    },
    Row {
        name: "on_divergence: it stops",
        steps: "- {expect: ^350, on_divergence: stop}\n- say: 250 on",
        peer: "S: 250 hi",
        ..DIVERGES
    },
    Row {
        name: "on_divergence: of a group",
        steps: "- on_divergence: continue\n  steps:\n    - expect: ^350\n    - say: 250 not reached\n- say: 250 on",
        peer: "S: 250 hi\nC: 250 on",
        ..DIVERGES
    },
    Row {
        name: "pace: all of it arrives",
        steps: "- {say: 250 0123456789, pace: {bytes: 4, every: 20ms}}",
        peer: "C: 250 0123456789",
        ..FOLLOWS
    },
    Row {
        name: "pace: of raw",
        steps: "- {raw: \"250 0123456789\\r\\n\", pace: {bytes: 4, every: 20ms}}",
        peer: "C: 250 0123456789",
        ..FOLLOWS
    },
    Row {
        name: "pace: a rest is no time-out",
        steps: "- {say: 250 0123, pace: {bytes: 6, every: 700ms}}",
        peer: "C: 250 0123",
        ..HURRIED
    },
    Row {
        name: "pace: the run ends",
        steps: "- {say: 250 0123456789, pace: {bytes: 3, every: 30s}}",
        peer: "wait-close",
        ..CUT_SHORT
    },
    Row {
        name: "pace: the run ends between many rests",
        steps: "- {say: 250 0123456789012345678901234567890123456789, pace: {bytes: 1, every: 200ms}}",
        peer: "wait-close",
        ..CUT_SHORT
    },
    Row {
        name: "name: it stands in the divergence",
        steps: "- {name: the greeting, expect: ^350}",
        peer: "S: 250 hi",
        says: &["the greeting"],
        ..DIVERGES
    },
    Row {
        name: "name: it is a template",
        head: "vars: {what: greeting}",
        steps: "- {name: the <<what>>, expect: ^350}",
        peer: "S: 250 hi",
        says: &["the greeting"],
        ..DIVERGES
    },
    // --- TLS ----------------------------------------------------------------------------------------------------
    Row {
        name: "fails: no handshake comes",
        steps: "- {starttls: {}, timeout: 500ms, fails: .}",
        peer: "<c> C: STARTTLS\n<c> S: 220 go\n<s> S: STARTTLS\n<s> C: 220 *\nsilence",
        ..FOLLOWS
    },
    Row {
        name: "fails: no handshake comes, by its reason",
        steps: "- {starttls: {}, timeout: 500ms, fails: ^timed out}",
        peer: "<c> C: STARTTLS\n<c> S: 220 go\n<s> S: STARTTLS\n<s> C: 220 *\nsilence",
        ..FOLLOWS
    },
    Row {
        name: "fails: the run ends while a handshake is waited for",
        steps: "- {starttls: {}, fails: .}",
        peer: "<c> C: STARTTLS\n<c> S: 220 go\n<s> S: STARTTLS\n<s> C: 220 *\nsilence",
        ..CUT_SHORT
    },
    Row {
        name: "fails: the other side closes",
        steps: "- {starttls: {}, fails: .}",
        peer: "<c> C: STARTTLS\n<c> S: 220 go\n<s> S: STARTTLS\n<s> C: 220 *\nclose",
        ..FOLLOWS
    },
    Row {
        name: "fails: for another reason",
        steps: "- {starttls: {}, fails: there is no such reason}",
        peer: "<c> C: STARTTLS\n<c> S: 220 go\n<s> S: STARTTLS\n<s> C: 220 *\nclose",
        ..DIVERGES
    },
    Row { name: "fails: of tls", steps: "- {tls: {}, fails: .}", peer: "close", ..FOLLOWS },
    Row {
        name: "starttls: a word alone",
        steps: "- starttls",
        peer: "<c> C: STARTTLS\n<c> S: 220 go\n<s> S: STARTTLS\n<s> C: 220 *\nclose",
        ..DIVERGES
    },
    Row {
        name: "starttls: plain text before the handshake",
        steps: "- starttls: {}",
        peer: "<c> C: STARTTLS\n<c> send \"220 go\\r\\n250 injected\\r\\n\"\n<s> send \"STARTTLS\\r\\nNOOP\\r\\n\"\n<s> C: 220 *",
        ..DIVERGES
    },
    Row {
        name: "starttls: the run ends",
        steps: "- starttls: {}",
        peer: "<c> C: STARTTLS\n<c> S: 220 go\n<s> S: STARTTLS\n<s> C: 220 *\nsilence",
        ..CUT_SHORT
    },
    // --- groups -------------------------------------------------------------------------------------------------
    Row {
        name: "a group without a loop",
        steps: "- steps: [{say: 250 a}, {say: 250 b}]",
        peer: "C: 250 a\nC: 250 b",
        ..FOLLOWS
    },
    Row {
        name: "repeat: each iteration has its number",
        steps: "- repeat: 3\n  steps: [{say: 250 <<iteration>>}]",
        peer: "C: 250 1\nC: 250 2\nC: 250 3",
        ..FOLLOWS
    },
    Row {
        name: "repeat: of a variable",
        head: "vars: {count: '2'}",
        steps: "- repeat: <<count>>\n  steps: [{say: 250 <<iteration>>}]",
        peer: "C: 250 1\nC: 250 2",
        ..FOLLOWS
    },
    Row {
        name: "repeat: no number",
        steps: "- set: {count: many}\n- repeat: <<count>>\n  steps: [{say: 250 no}]",
        peer: "",
        exits: [2, 2],
        ..FOLLOWS
    },
    Row {
        name: "repeat: not at all",
        steps: "- repeat: 0\n  steps: [{say: 250 no}]\n- say: 250 yes",
        peer: "C: 250 yes",
        ..FOLLOWS
    },
    Row {
        name: "repeat: a divergence ends it",
        steps: "- repeat: 3\n  steps: [{say: 250 <<iteration>>}, {expect: ^350}]",
        peer: "C: 250 1\nS: 250 hi",
        ..DIVERGES
    },
    Row {
        name: "repeat: beyond the bound of all loops",
        steps: "- repeat: 1000000\n  steps:\n    - repeat: 2\n      steps: [{when: false, sleep: 1s}]\n- say: 250 after",
        exits: [2, 2],
        at_most: Duration::from_secs(300),
        says: &["go round more than 1000000 times"],
        ..FOLLOWS
    },
    Row {
        name: "for_each: each value",
        steps: "- for_each: {who: [a, b]}\n  steps: [{say: 250 <<iteration>> <<who>>}]",
        peer: "C: 250 1 a\nC: 250 2 b",
        ..FOLLOWS
    },
    Row {
        name: "requires: a group that does not apply",
        steps: "- requires: {when: 1 == 2, else: not here}\n  steps: [{say: 250 no}]\n- say: 250 yes",
        peer: "C: 250 yes",
        ..FOLLOWS
    },
    Row {
        name: "requires: a group that applies",
        steps: "- requires: [1 == 1, 2 > 1]\n  steps: [{say: 250 yes}]",
        peer: "C: 250 yes",
        ..FOLLOWS
    },
    Row {
        name: "requires: a name that has no value",
        steps: "- requires: reply_of_nobody == 1\n  steps: [{say: 250 no}]",
        exits: [2, 2],
        says: &["unknown name `reply_of_nobody`"],
        ..FOLLOWS
    },
    Row {
        name: "skip: nothing behind it is played",
        steps: "- say: 250 a\n- steps: [{skip: it is <<1 + 1>>}]\n  on_divergence: continue\n- say: 250 no",
        peer: "C: 250 a",
        ..FOLLOWS
    },
    Row { name: "observe: nothing comes", steps: "- observe: 200ms", peer: "silence", ..FOLLOWS },
    Row {
        name: "observe: what came is there",
        steps: "- observe: 5s\n<c> - assert: reply.kind == 'reply'\n<s> - assert: observed.verb == 'NOOP'",
        peer: "<c> S: 250 hi\n<s> S: NOOP a",
        ..FOLLOWS
    },
    Row { name: "observe: the run ends", steps: "- observe: 5s", peer: "silence", ..CUT_SHORT },
    Row {
        name: "for_each: no list",
        steps: "- set: {list: word}\n- for_each: {who: <<list>>}\n  steps: [{say: 250 no}]",
        peer: "",
        exits: [2, 2],
        ..FOLLOWS
    },
    Row {
        name: "for_each: a second one of that name",
        steps: "- for_each: {who: [a]}\n  steps: [{say: 250 <<who>>}]\n- for_each: {who: [b]}\n  steps: [{say: 250 <<who>>}]",
        peer: "C: 250 a\nC: 250 b",
        ..FOLLOWS
    },
    Row { name: "timeout: of a group", steps: "- {timeout: 300ms, steps: [{expect: ^250}]}", peer: "silence", ..SOON },
    Row {
        name: "timeout: of a group that grants more",
        steps: "- {timeout: 5s, steps: [{expect: ^250}]}",
        peer: "pause 700ms\nS: 250 hi",
        ..HURRIED
    },
    Row {
        name: "timeout: of a group ends with it",
        steps: "- {timeout: 300ms, steps: [{say: 250 in}]}\n- expect: ^250",
        peer: "C: 250 in\npause 800ms\nS: 250 hi",
        ..FOLLOWS
    },
    Row {
        name: "timeout: of a group, in a loop within",
        steps: "- timeout: 300ms\n  steps:\n    - repeat: 2\n      steps: [{expect: ^250}]",
        peer: "S: 250 hi\nsilence",
        ..SOON
    },
    Row {
        name: "timeout: a step's own, in a group with one",
        steps: "- {timeout: 300ms, steps: [{expect: ^250, timeout: 5s}]}",
        peer: "pause 700ms\nS: 250 hi",
        ..FOLLOWS
    },
    Row {
        name: "timeout: of a group, with closed",
        steps: "- {timeout: 300ms, steps: [{expect: {closed: true}}]}",
        peer: "silence",
        ..SOON
    },
    Row {
        name: "timeout: of a group, with raw",
        steps: "- {timeout: 300ms, steps: [{expect: {raw: ^x}}]}",
        peer: "silence",
        ..SOON
    },
    Row {
        name: "timeout: of a group, with starttls",
        steps: "- {timeout: 300ms, steps: [starttls]}",
        peer: "<c> C: STARTTLS\n<c> S: 220 go\n<s> S: STARTTLS\n<s> C: 220 *\nsilence",
        ..SOON
    },
    Row {
        name: "a step within a group has its number",
        steps: "- steps: [{set: {a: b}}, {expect: ^350}]",
        peer: "S: 250 hi",
        says: &["1.2 diverged"],
        ..DIVERGES
    },
    // --- the other actions --------------------------------------------------------------------------------------
    Row { name: "set: a value", steps: "- set: {who: you}\n- say: 250 <<who>>", peer: "C: 250 you", ..FOLLOWS },
    Row { name: "assert: true", steps: "- assert: 2 > 1", ..FOLLOWS },
    Row {
        name: "assert: a warning",
        steps: "- assert: 2 > 1\n  warn: 1 > 2\n- say: 250 on",
        peer: "C: 250 on",
        says: &["warns: `1 > 2` is not true", "WARN"],
        ..FOLLOWS
    },
    Row { name: "warn: without assert", steps: "- expect: ^250\n  warn: 1 > 2", exits: [2, 2], ..FOLLOWS },
    Row { name: "assert: false", steps: "- assert: 1 > 2", says: &["is not true"], ..DIVERGES },
    Row { name: "sleep: it rests", steps: "- sleep: 100ms\n- say: 250 on", peer: "C: 250 on", ..FOLLOWS },
    Row { name: "sleep: beyond a time-out", steps: "- sleep: 600ms\n- say: 250 on", peer: "C: 250 on", ..HURRIED },
    Row { name: "sleep: the run ends", steps: "- sleep: 30s", peer: "silence", ..CUT_SHORT },
    Row { name: "close: by FIN", steps: "- say: 250 bye\n- close", peer: "C: 250 bye\nwait-close fin", ..FOLLOWS },
    Row {
        name: "close: by RST",
        steps: "- say: 250 bye\n- close: reset",
        peer: "C: 250 bye\nwait-close reset",
        ..FOLLOWS
    },
    Row {
        name: "close: the half that writes",
        steps: "- say: 250 bye\n- close: write\n- expect: ^250 still",
        peer: "C: 250 bye\nS: 250 still here\nwait-close fin",
        ..FOLLOWS
    },
    Row { name: "raw: exact bytes go out", steps: "- raw: \"250 a\\n\"", peer: r#"receive "250 a\n""#, ..FOLLOWS },
    Row { name: "raw: hexadecimal", steps: "- raw: {hex: '32 35 30 0d 0a'}", peer: "C: 250", ..FOLLOWS },
    // --- captures -----------------------------------------------------------------------------------------------
    Row {
        name: "captures: a later step has them",
        steps: "- expect: ^250 (?<who>\\S+)\n- say: 250 <<who>>",
        peer: "S: 250 you there\nC: 250 you",
        ..FOLLOWS
    },
    Row {
        name: "captures: they stand in the report",
        steps: "- expect: ^250 (?<who>\\S+)",
        peer: "S: 250 you there",
        reports: true,
        says: &["who\": \"you\""],
        ..FOLLOWS
    },
    Row {
        name: "captures: octets above 127",
        steps: "- expect: ^250 (?<who>.*)$\n- say: 250 <<who>>",
        peer: "send \"250 caf\\xe9\\r\\n\"\nreceive \"250 caf\\xe9\\r\\n\"",
        ..FOLLOWS
    },
    Row {
        name: "captures: octets above 127 are no secret",
        steps: "- expect: ^250 (?<who>.*)$\n- say: 250 <<who>>\n- expect: ^250 (?<answer>.*)$",
        peer: "send \"250 caf\\xe9\\r\\n\"\nreceive \"250 caf\\xe9\\r\\n\"\nS: 250 caf\nsilence",
        reports: true,
        says: &["answer\": \"caf\""],
        ..FOLLOWS
    },
    // --- the program is asked to end ----------------------------------------------------------------------------
    Row {
        name: "SIGINT",
        steps: "- say: 250 hi\n- expect: ^250",
        peer: "C: 250 hi\nmark <mark>\nwait-close",
        signal: Some("INT"),
        exits: [130, 130],
        ..FOLLOWS
    },
    Row {
        name: "SIGTERM",
        steps: "- say: 250 hi\n- expect: ^250",
        peer: "C: 250 hi\nmark <mark>\nwait-close",
        signal: Some("TERM"),
        exits: [130, 130],
        ..FOLLOWS
    },
    Row {
        name: "SIGHUP",
        steps: "- say: 250 hi\n- expect: ^250",
        peer: "C: 250 hi\nmark <mark>\nwait-close",
        signal: Some("HUP"),
        exits: [130, 130],
        ..FOLLOWS
    },
    // --- of one side --------------------------------------------------------------------------------------------
    Row {
        name: "send and data",
        steps: "- {send: DATA, expect: ^354}\n- data: hi",
        peer: "C: DATA\nS: 354 go\nC: hi\nC: .\nS: 250 ok",
        ..OF_A_CLIENT
    },
    Row {
        name: "message",
        steps: "- {send: DATA, expect: ^354}\n- message: {from: a@b.c, to: d@e.f, subject: hi, text: hi}",
        peer: "C: DATA\nS: 354 go\nmail-data\nS: 250 ok",
        ..OF_A_CLIENT
    },
    Row { name: "bdat", steps: "- bdat: hi", peer: "C: BDAT *\nwait-close", ..OF_A_CLIENT },
    Row {
        name: "auth",
        steps: "- {send: EHLO a, expect: ^250}\n- auth: {mechanism: PLAIN, username: a, password: b}",
        peer: "S: 250 hi\nC: EHLO a\nC: AUTH PLAIN *\nS: 235 ok",
        ..OF_A_CLIENT
    },
    Row {
        name: "connect and session",
        steps: "- connect: {host: 127.0.0.1, port: <port>, as: other}\n- {session: other, expect: ^250 b}",
        peer: "S: 250 a\nconnection\nS: 250 b",
        ..OF_A_CLIENT
    },
    Row { name: "include", steps: "- include: included.yaml", peer: "", ..FOLLOWS },
    Row { name: "retry", steps: "- retry: {attempts: 2, delay: 10ms}\n  steps: [{assert: true}]", ..OF_A_CLIENT },
    Row {
        name: "pipeline",
        steps: "- pipeline: true\n  steps: [{say: NOOP}, {say: NOOP}]",
        peer: "C: NOOP\nC: NOOP",
        ..OF_A_CLIENT
    },
    Row {
        name: "vars of a group",
        steps: "- vars: {who: you}\n  steps: [{say: 250 <<who>>}]",
        peer: "C: 250 you",
        ..FOLLOWS
    },
    Row { name: "receive", steps: "- receive: data", peer: "send \"hi\\r\\n.\\r\\n\"", ..OF_A_SERVER },
    Row { name: "delay", steps: "- {delay: 10ms, reply: 250 hi}", peer: "C: 250 hi", ..OF_A_SERVER },
];
