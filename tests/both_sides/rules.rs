//! The second table: the same rules on a server that has nothing else, and before the sandbox.

use crate::harness::{ScriptedServer, smtp_script};
use crate::{Program, Side};

/// Where the rules stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Host {
    /// `serve FILE`
    File,
    /// `serve --sandbox --rules FILE`
    Sandbox,
}

pub(crate) const HOSTS: [Host; 2] = [Host::File, Host::Sandbox];

/// Rows that one server does not follow yet, by the fault that they show.
pub(crate) const RED: [(&str, &str, Host); 0] = [];

/// Rules, and what a client says and must hear. Each ends when the server is asked to, by SIGTERM.
pub(crate) struct RuleRow {
    pub(crate) name: &'static str,
    pub(crate) rules: &'static str,
    pub(crate) client: &'static str,
}

pub(crate) const RULES: &[RuleRow] = &[
    RuleRow {
        name: "a rule answers",
        rules: "- {match: ^NOOP, reply: 250 ruled, name: noop}",
        client: "S: NOOP\nC: 250 ruled",
    },
    RuleRow { name: "what no rule matches", rules: "- {match: ^NOOP, reply: 250 ruled}", client: "S: RSET\nC: 250 *" },
    RuleRow {
        name: "a line that is too long",
        rules: "- {match: ^NOOP, reply: 250 ruled}",
        client: "send \"NOOP \"\nflood \"x\" 2000\nsend \"\\r\\n\"\nC: 500 5.5.2 *",
    },
    RuleRow {
        name: "a response after a rule's challenge",
        rules: "- {match: ^AUTH LOGIN, reply: 334 VXNlcm5hbWU6}",
        client: "S: AUTH LOGIN\nC: 334 VXNlcm5hbWU6\nS: YWxpY2U=\nC: 500 *",
    },
    RuleRow {
        name: "a response may be longer than a command",
        rules: "- {match: ^AUTH LOGIN, reply: 334 VXNlcm5hbWU6}",
        client: "S: AUTH LOGIN\nC: 334 VXNlcm5hbWU6\nflood \"x\" 2000\nsend \"\\r\\n\"\nC: 500 5.5.2 Command *",
    },
    RuleRow {
        name: "a line that is much too long",
        rules: "- {match: ^NOOP, reply: 250 ruled}",
        client: "flood \"x\" 200000\nsend \"\\r\\n\"\nC: 500 5.5.2 Line too long\nS: NOOP\nC: 250 ruled",
    },
    RuleRow {
        name: "times",
        rules: "- {match: ^NOOP, reply: 250 ruled, times: 1}",
        client: "S: NOOP\nC: 250 ruled\nS: NOOP\nC: 250 2.0.0 *",
    },
    RuleRow {
        name: "after",
        rules: "- {match: ^NOOP, reply: 250 ruled, after: 1}",
        client: "S: NOOP\nC: 250 2.0.0 *\nS: NOOP\nC: 250 ruled",
    },
    RuleRow {
        name: "per server",
        rules: "- {match: ^NOOP, reply: 250 ruled, times: 1, per: server}",
        client: "S: NOOP\nC: 250 ruled\nS: NOOP\nC: 250 2.0.0 *",
    },
    RuleRow {
        name: "per values that rules captured",
        rules: "- {match: '^MAIL FROM:<(?<sender>[^>]*)>'}\n- {match: ^RCPT, reply: 451 4.7.1 later, times: 1, per: [<<sender>>]}",
        client: "S: HELO a\nC: 250 *\nS: MAIL FROM:<a@b.c>\nC: 250 *\nS: RCPT TO:<d@e.f>\nC: 451 *\nS: RCPT TO:<d@e.f>\nC: 250 *\nS: RSET\nC: 250 *\nS: MAIL FROM:<z@b.c>\nC: 250 *\nS: RCPT TO:<d@e.f>\nC: 451 *",
    },
    RuleRow {
        name: "demands that are met",
        rules: "- {match: ^NOOP, reply: 250 ruled, at_least: 1, at_most: 2}\n- {match: ^VRFY, reply: 252 no, at_most: 0}",
        client: "S: NOOP\nC: 250 ruled\nS: NOOP\nC: 250 ruled",
    },
    RuleRow {
        name: "when",
        rules: "- {match: '^NOOP (?<who>.*)', reply: 250 <<who>>, when: who == 'you'}",
        client: "S: NOOP you\nC: 250 you\nS: NOOP me\nC: 250 2.0.0 *",
    },
    RuleRow {
        name: "delay and pace",
        rules: "- {match: ^NOOP, reply: 250 ruled, delay: 20ms, pace: {bytes: 3, every: 10ms}}",
        client: "S: NOOP\nC: 250 ruled",
    },
    RuleRow { name: "close by RST", rules: "- {match: ^NOOP, close: reset}", client: "S: NOOP\nwait-close reset" },
    RuleRow {
        name: "close by FIN",
        rules: "- {match: ^NOOP, reply: 421 bye, close: fin}",
        client: "S: NOOP\nC: 421 bye\nwait-close fin",
    },
    RuleRow {
        name: "close by truncation",
        rules: "- {match: ^NOOP, close: truncate}",
        client: "S: NOOP\nwait-close fin",
    },
    RuleRow {
        name: "a message in chunks",
        rules: "- {match: '^BDAT \\d+ LAST', reply: '250 <<message.size>>'}",
        client: "S: HELO a\nC: 250 *\nS: MAIL FROM:<a@b.c>\nC: 250 *\nS: RCPT TO:<d@e.f>\nC: 250 *\nsend \"BDAT 3\\r\\nabc\"\nC: 250 2.0.0 3 *\nsend \"BDAT 4 LAST\\r\\ndefg\"\nC: 250 7",
    },
    RuleRow {
        name: "a chunk that the protocol refuses",
        rules: "- {match: ^BDAT, reply: 250 ruled}",
        client: "S: HELO a\nC: 250 *\nsend \"BDAT 3 LAST\\r\\nabc\"\nC: 250 ruled\nS: BDAT x\nC: 250 ruled\nS: NOOP\nC: 250 2.0.0 *",
    },
    RuleRow {
        name: "a message is refused",
        rules: "- {match: '^\\.$', reply: 554 no}",
        client: "S: HELO a\nC: 250 *\nS: MAIL FROM:<a@b.c>\nC: 250 *\nS: RCPT TO:<d@e.f>\nC: 250 *\nS: DATA\nC: 354 *\nS: hi\nS: .\nC: 554 no\nS: RCPT TO:<d@e.f>\nC: 503 *",
    },
    RuleRow {
        name: "a rule takes a command for the protocol",
        rules: "- {match: ^MAIL, reply: 250 ruled}",
        client: "S: HELO a\nC: 250 *\nS: MAIL FROM:<a@b.c>\nC: 250 ruled\nS: RCPT TO:<d@e.f>\nC: 250 *",
    },
];

impl RuleRow {
    /// Plays the row on one server, and says what came otherwise.
    pub(crate) fn play(&self, host: Host) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let (file, mark) = (folder.path().join("rules.yaml"), folder.path().join("mark"));
        let list = crate::indented(self.rules, 4);
        std::fs::write(&file, format!("server:\n  rules:\n{list}\n")).unwrap();
        let mut command = smtp_script(folder.path());
        match host {
            Host::File => command.arg("serve").arg(&file).arg("-v"),
            Host::Sandbox => command.args(["serve", "--sandbox", "-v", "--rules"]).arg(&file),
        };
        let mut program = Program::start(&mut command, folder.path());
        let Some(address) = program.address() else { return Err(program.end(folder.path()).1) };
        // Whoever is still there when the server ends is told so (RFC 5321 section 3.8).
        let goes_on = !self.client.contains("wait-close");
        let end = format!("mark {}\n{}", mark.display(), if goes_on { "C: 421 *" } else { "" });
        let script = format!("connect {address}\nC: 220 *\n{}\n{end}", self.client);
        let client = ScriptedServer::start(&crate::of_side(&script, Side::Client));
        program.signal_after(&mark, "TERM");
        let (code, printed) = program.end(folder.path());
        let mut faults: Vec<String> = client.finish().err().into_iter().collect();
        faults.extend((code != 0).then(|| format!("exit code {code}, not 0")));
        if faults.is_empty() { Ok(()) } else { Err(format!("{}\n{printed}", faults.join("; "))) }
    }
}
