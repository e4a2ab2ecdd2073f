//! Words that were probably meant to be others: misspelt ones, and those of other tools.
//!
//! Responsible for one table, which is asked wherever an unknown word gets "did you mean". `decode` asks it for keys and
//! bare words, `check` for filters, functions and tests.

use Where::{Auth, Connect, Data, Expect, Filter, Function, Message, Retry, Rule, Serve, Server, Step, Tls, Top};

/// Where a word stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Where {
    Top,
    /// A client's step.
    Step,
    /// A server's step.
    Serve,
    Expect,
    Connect,
    Tls,
    Auth,
    Message,
    Data,
    Retry,
    Server,
    Rule,
    Filter,
    Function,
    /// Any other place.
    Elsewhere,
}

/// Words of other tools, in small letters: where they stand, and what is written here.
struct Foreign {
    places: &'static [Where],
    words: &'static [&'static str],
    help: &'static str,
}

const fn row(places: &'static [Where], words: &'static [&'static str], help: &'static str) -> Foreign {
    Foreign { places, words, help }
}

const SLEEP: &str = "to wait, write a step `- sleep: 5s`";
const WHEN: &str = "to play a step only sometimes, write `when: EXPRESSION` in it";
const WHEN_NOT: &str = "to leave a step out sometimes, write `when: not (EXPRESSION)` in it";
const LOOP: &str = "loops are `repeat: 3`, or `for_each: {name: [a, b]}`, beside the `steps:` of a group";
const SEND: &str = "a line is sent by `send: TEXT`";
const EXPECT: &str = "what must be answered is `expect: PATTERN`, such as `expect: ^250`";
const ASSERT: &str =
    "a condition is `assert: EXPRESSION`, such as `assert: reply.code == 250`; a reply is compared by `expect`";
const STEPS: &str = "what is played is a list under `steps:`";
const AUTH: &str = "to log in, write `- auth: {mechanism: PLAIN, username: …, password: <<password>>}`";
const COMMAND: &str = "a command is a line to send, such as `- send: EHLO client.example`";
const CONNECT: &str = "where it connects to is `connect: HOST:PORT`, at the top of the file";
const IMPLICIT: &str =
    "TLS from the first octet is `tls: implicit` under `connect:`; for STARTTLS write a step `- starttls`";
const VERIFY: &str = "whether the certificate is verified is `verify: false`, under `connect:` or `starttls:`";
const NO_SCENARIO: &str = "this looks like a file of another tool: a scenario has `steps:`, or `server:`";
const CAPTURE: &str = "a value is kept by a capture, `expect: ^250 (?<name>.*)`, or by `set: {name: VALUE}`";
const RETRY: &str = "to try again, write `retry: {attempts: 3, delay: 5s}` beside the `steps:` of a group";
const GO_ON: &str = "to go on after a divergence, write `on_divergence: continue`";
const FINALLY: &str = "what is played at the end in any case is a list of steps under `finally:`";
const MESSAGE: &str = "a message is `data: |` with its lines, or `message: {from: …, to: …, subject: …, text: …}`";

const FOREIGN: &[Foreign] = &[
    row(
        &[Step, Serve],
        &["wait", "pause", "sleep_for", "wait_for", "wait_time", "usleep", "timer", "pause_for", "delay_ms", "rest"],
        SLEEP,
    ),
    row(&[Step], &["delay"], SLEEP),
    row(&[Step], &["if", "only_if", "run_if", "condition", "cond", "only", "enabled", "case", "assume"], WHEN),
    row(&[Step], &["unless", "skip_if", "if_not", "skip", "except", "not_if", "disabled", "ignore_if"], WHEN_NOT),
    row(
        &[Step, Top],
        &[
            "loop",
            "foreach",
            "for",
            "each",
            "with_items",
            "with_list",
            "with_dict",
            "with_sequence",
            "times",
            "count",
            "iterate",
            "iterations",
            "while",
            "until",
            "range",
            "repeats",
            "repeat_times",
            "loops",
            "do_while",
        ],
        LOOP,
    ),
    row(
        &[Step],
        &[
            "write",
            "print",
            "puts",
            "say",
            "cmd",
            "command",
            "sendline",
            "send_line",
            "line",
            "tx",
            "input",
            "client",
            "request",
            "req",
            "put",
            "type",
            "transmit",
            "out",
            "query",
            "emit",
            "telnet",
            "raw_send",
        ],
        SEND,
    ),
    row(
        &[Step],
        &[
            "read",
            "recv",
            "response",
            "resp",
            "answer",
            "rx",
            "match",
            "output",
            "status",
            "code",
            "want",
            "wants",
            "expected",
            "expect_reply",
            "expect_code",
            "reads",
            "should_be",
            "matches",
            "regex",
            "regexp",
            "returns",
            "result",
            "status_code",
            "wait_reply",
            "reply_code",
            "contains",
            "check_reply",
            "get",
            "in",
            "pattern",
            "gets",
            "reply",
            "receive",
            "any",
            "all",
            "closed",
            "silence",
            "enhanced",
            "text",
        ],
        EXPECT,
    ),
    row(
        &[Step, Top, Expect],
        &[
            "assert_that",
            "assertion",
            "assertions",
            "asserts",
            "assert_equal",
            "assert_equals",
            "assert_true",
            "must",
            "should",
            "require",
            "ensure",
            "validate",
            "verify_that",
            "check",
            "checks",
            "test_that",
            "fail_if",
            "verify_reply",
            "check_that",
            "that",
        ],
        ASSERT,
    ),
    row(
        &[Step, Top],
        &[
            "ehlo",
            "helo",
            "lhlo",
            "mail",
            "mail_from",
            "rcpt",
            "rcpt_to",
            "quit",
            "noop",
            "rset",
            "vrfy",
            "expn",
            "etrn",
            "help",
            "hello",
            "mailfrom",
            "rcptto",
            "from",
            "to",
            "recipient",
            "sender",
        ],
        COMMAND,
    ),
    row(
        &[Step, Top, Connect, Tls],
        &[
            "login",
            "authenticate",
            "authentication",
            "user",
            "username",
            "password",
            "pass",
            "credentials",
            "creds",
            "sasl",
        ],
        AUTH,
    ),
    row(&[Top], &["auth"], AUTH),
    row(
        &[Step],
        &["ssl", "start_tls", "secure", "upgrade", "enable_tls", "starttls_required", "use_tls", "encrypt", "stls"],
        "to start TLS by STARTTLS, write `- starttls`; `- tls` begins a handshake at once",
    ),
    row(
        &[Step],
        &[
            "open",
            "dial",
            "host",
            "hostname",
            "server",
            "url",
            "address",
            "target",
            "port",
            "connection",
            "endpoint",
            "addr",
        ],
        "a connection is opened by `- connect: HOST:PORT`",
    ),
    row(
        &[Step],
        &["disconnect", "hangup", "bye", "exit", "stop", "end", "close_connection", "logout", "shutdown", "abort"],
        "to end the connection, write `- close`; to say farewell first, `- send: QUIT`",
    ),
    row(
        &[Step, Top],
        &["body", "content", "payload", "mail_data", "email", "eml", "mime", "letter", "msg", "attachment", "subject"],
        MESSAGE,
    ),
    row(
        &[Step, Top],
        &[
            "try",
            "block",
            "tasks",
            "task",
            "script",
            "commands",
            "then",
            "stages",
            "stage",
            "actions",
            "action",
            "sequence",
            "scenario",
            "scenarios",
            "tests",
            "test",
            "jobs",
            "conversation",
            "dialog",
            "dialogue",
            "interactions",
            "session_steps",
            "flow",
            "run",
            "play",
            "requests",
            "setup",
            "before",
            "given",
            "background",
        ],
        STEPS,
    ),
    row(
        &[Step],
        &["step"],
        "leave this key out: the keys of a step, such as `send` and `expect`, stand directly after `- `",
    ),
    row(&[Top], &["step"], STEPS),
    row(
        &[Step, Top],
        &[
            "retries",
            "attempts",
            "retry_count",
            "max_attempts",
            "max_retries",
            "tries",
            "backoff",
            "retry_delay",
            "retry",
        ],
        RETRY,
    ),
    row(
        &[Step, Expect, Top],
        &[
            "register", "capture", "captures", "save", "store", "export", "assign", "let", "extract", "save_as",
            "store_as", "variable",
        ],
        CAPTURE,
    ),
    row(&[Step], &["var", "env", "variables", "params", "parameters", "define"], CAPTURE),
    row(
        &[Step, Top],
        &[
            "ignore_errors",
            "ignore_error",
            "continue_on_error",
            "allow_failure",
            "soft_fail",
            "fail_fast",
            "on_error",
            "optional",
            "on_failure",
            "continue",
            "continue_on_failure",
            "catch",
            "rescue",
            "xfail",
            "strict",
        ],
        GO_ON,
    ),
    row(
        &[Step, Top],
        &[
            "import",
            "include_tasks",
            "include_steps",
            "extends",
            "use",
            "call",
            "source",
            "template",
            "import_tasks",
            "snippet",
        ],
        "steps of another file are `- include: FILE`",
    ),
    row(&[Top], &["include", "includes"], "steps of another file are a step `- include: FILE`, under `steps:`"),
    row(
        &[Top, Step],
        &["always", "after", "after_each", "teardown", "cleanup", "on_exit", "post", "defer", "final"],
        FINALLY,
    ),
    row(
        &[Step],
        &["log", "echo", "debug", "comment", "note", "title", "label", "id", "description", "desc", "summary", "info"],
        "a step is described by `name: TEXT`",
    ),
    row(
        &[Step],
        &["max_time", "time_limit", "deadline", "wait_timeout", "timeout_ms", "timeout_s"],
        "a step's limit is `timeout: 10s`",
    ),
    row(
        &[Step],
        &["parallel", "concurrent", "async", "threads", "workers"],
        "steps are played one after the other; `pipeline: true` on a group sends without waiting, and `run --jobs N` plays scenarios at once",
    ),
    row(
        &[Step],
        &["session_name", "connection_name", "as", "on", "with", "using"],
        "the session that a step speaks in is `session: NAME`",
    ),
    row(&[Step], &["finally"], "`finally:` stands at the top of the file, beside `steps:`"),
    row(&[Step], &["secrets", "cases", "tags"], "this key stands at the top of the file"),
    row(&[Step], &["not", "within"], "this key stands in `expect: {code: 250, …}`"),
    row(&[Step], &["username_password", "token", "mechanism"], AUTH),
    // --- expect ------------------------------------------------------------------------------------------------
    row(
        &[Expect],
        &[
            "regex",
            "regexp",
            "re",
            "match",
            "matches",
            "pattern",
            "contains",
            "contain",
            "includes",
            "message",
            "starts_with",
            "startswith",
            "begins_with",
            "body",
            "content",
            "string",
            "value",
            "has",
            "like",
            "ends_with",
            "reply",
            "response",
            "equal",
            "equals",
            "eq",
            "is",
            "exact",
            "data",
        ],
        "what the text of the reply must match is `text:`, beside `code:`; or write the pattern alone, `expect: ^250 …`",
    ),
    row(
        &[Expect],
        &[
            "reply_code",
            "status",
            "status_code",
            "codes",
            "smtp_code",
            "return_code",
            "class",
            "code_class",
            "number",
            "in",
            "between",
        ],
        "the reply code is `code: 250`, a class `code: 2xx`, several `code: [250, 251]`",
    ),
    row(
        &[Expect],
        &["enhanced_code", "enhanced_status", "esc", "dsn", "enhanced_status_code", "extended", "subcode"],
        "the enhanced status code is `enhanced: 5.7.1`",
    ),
    row(
        &[Expect],
        &["one_of", "oneof", "any_of", "anyof", "or", "either", "alternatives"],
        "alternatives are `any: [250, ^251]`",
    ),
    row(
        &[Expect],
        &["and", "all_of", "allof", "every", "each", "both"],
        "what must all hold is `all: [^250[ -]SIZE, ^250[ -]STARTTLS]`",
    ),
    row(
        &[Expect],
        &[
            "not_match",
            "not_matches",
            "not_contains",
            "except",
            "without",
            "absent",
            "never",
            "no",
            "none_of",
            "unless",
            "excludes",
            "lacks",
        ],
        "what must not be found is `not: PATTERN`, beside `code:`",
    ),
    row(
        &[Expect],
        &[
            "timeout",
            "max_time",
            "duration",
            "within_ms",
            "time",
            "before",
            "max_duration",
            "elapsed",
            "latency",
            "faster_than",
            "deadline",
        ],
        "how soon the reply must come is `within: 2s`, beside `code:`; how long to wait at all is the step's `timeout:`",
    ),
    row(
        &[Expect],
        &[
            "close",
            "eof",
            "disconnect",
            "disconnected",
            "disconnects",
            "end",
            "reset",
            "hangup",
            "connection_closed",
            "fin",
            "rst",
        ],
        "that the server closes is `closed: true`, `closed: fin` or `closed: reset`",
    ),
    row(
        &[Expect],
        &["nothing", "no_reply", "none", "quiet", "no_response", "idle", "no_answer", "empty"],
        "that nothing comes is `silence: 2s`",
    ),
    row(&[Expect], &["bytes", "binary", "hex", "octets"], "octets as they come are `raw: PATTERN`"),
    row(
        &[Expect],
        &["lines", "first_line", "last_line", "multiline"],
        "the next single line is `line: PATTERN`; a pattern is looked for in every line of a reply",
    ),
    row(
        &[Expect],
        &["failure", "error", "fail", "refused", "reject", "rejected"],
        "a refusal is `expect: 5xx`, or `4xx` for one that passes",
    ),
    row(&[Expect], &["ok", "success", "accepted", "pass"], "success is `expect: 2xx`"),
    row(
        &[Expect],
        &["extensions", "extension", "capabilities", "capability", "ehlo", "features", "supports", "offers"],
        "what EHLO must offer is `all: [^250[ -]STARTTLS, ^250[ -]SIZE]`, or `assert: offers('STARTTLS')` after it",
    ),
    // --- connect and TLS ---------------------------------------------------------------------------------------
    row(
        &[Connect],
        &[
            "hostname",
            "server",
            "address",
            "addr",
            "ip_address",
            "url",
            "uri",
            "target",
            "remote",
            "smtp_host",
            "relay",
            "endpoint",
            "to",
            "dest",
        ],
        "the server is `host: NAME`, its port `port: 587`",
    ),
    row(&[Connect], &["smtp_port", "remote_port"], "the port is `port: 587`"),
    row(
        &[Connect],
        &[
            "ssl",
            "secure",
            "implicit_tls",
            "use_ssl",
            "use_tls",
            "starttls",
            "smtps",
            "encryption",
            "security",
            "implicit",
            "start_tls",
            "tls_mode",
        ],
        IMPLICIT,
    ),
    row(&[Connect], &["socket", "path", "unix_socket", "sock"], "a unix socket is `unix: PATH`"),
    row(
        &[Connect],
        &["proxy", "socks", "socks_proxy", "socks5_proxy", "via", "tunnel"],
        "a SOCKS5 proxy is `socks5: HOST:PORT`",
    ),
    row(&[Connect], &["haproxy", "proxy_header", "send_proxy"], "the PROXY protocol is `proxy_protocol: {version: 2}`"),
    row(
        &[Connect],
        &["source", "source_ip", "source_address", "bind", "local", "interface", "from", "local_ip"],
        "the address that it connects from is `local_address: IP`",
    ),
    row(&[Connect], &["name", "session", "id", "alias", "label"], "the session's name is `as: NAME`"),
    row(
        &[Connect],
        &["connect_timeout", "wait", "deadline", "max_time"],
        "how long connecting may take is `timeout: 10s`",
    ),
    row(
        &[Connect],
        &["family", "inet", "ipv4", "ipv6", "ip_version", "address_family"],
        "the version of IP is `ip: 4` or `ip: 6`",
    ),
    row(&[Connect], &["domain", "mx_of", "mailserver"], "the mail exchangers of a domain are `mx: DOMAIN`"),
    row(
        &[Connect, Tls],
        &[
            "insecure",
            "skip_verify",
            "insecure_skip_verify",
            "no_verify",
            "ssl_verify",
            "verify_ssl",
            "verify_peer",
            "tls_verify",
            "reject_unauthorized",
            "check_hostname",
            "verify_mode",
            "verification",
            "tls_insecure",
            "no_check_certificate",
            "validate_certs",
        ],
        VERIFY,
    ),
    row(
        &[Connect, Tls],
        &["ca", "cafile", "cacert", "ca_cert", "ca_certs", "ca_bundle", "trust", "truststore", "root_ca", "capath"],
        "the certificates to trust are `ca_file: FILE`",
    ),
    row(
        &[Connect, Tls],
        &["sni", "servername", "tls_server_name", "host_name", "sni_host"],
        "the name for SNI and the certificate is `server_name: NAME`",
    ),
    row(
        &[Connect, Tls],
        &["cert", "certificate", "cert_file", "certfile", "client_cert", "crt"],
        "a client's certificate is `client_certificate: FILE`, with `client_key: FILE`",
    ),
    row(
        &[Connect, Tls],
        &["key", "key_file", "keyfile", "private_key"],
        "a client's key is `client_key: FILE`, with `client_certificate: FILE`",
    ),
    row(
        &[Connect, Tls],
        &["version", "tls_version", "protocol", "protocols", "minimum", "min", "min_tls", "ssl_version"],
        "TLS versions are `min_version: TLSv1.2` and `max_version: TLSv1.3`",
    ),
    row(&[Top], &["ssl", "tls", "secure", "starttls", "use_ssl", "encryption"], IMPLICIT),
    row(
        &[Top],
        &[
            "verify",
            "ca_file",
            "server_name",
            "insecure",
            "client_certificate",
            "client_key",
            "socks5",
            "proxy_protocol",
            "local_address",
            "mx",
            "unix",
            "ip",
        ],
        "this key belongs under `connect:`, beside `host:` and `port:`",
    ),
    // --- the top -----------------------------------------------------------------------------------------------
    row(
        &[Top],
        &[
            "host",
            "hostname",
            "port",
            "url",
            "target",
            "address",
            "endpoint",
            "smtp",
            "relay",
            "smtp_server",
            "connection",
            "to_server",
        ],
        CONNECT,
    ),
    row(&[Top], &["title", "id", "label"], "what the file is called is `name: TEXT`"),
    row(
        &[Top],
        &["desc", "summary", "about", "doc", "comment", "notes", "info", "documentation"],
        "what the file shows is `description: TEXT`",
    ),
    row(
        &[Top],
        &[
            "variables",
            "env",
            "environment",
            "parameters",
            "params",
            "defaults",
            "inputs",
            "globals",
            "set",
            "config",
            "settings",
            "options",
            "values",
            "constants",
        ],
        "variables are `vars: {name: value}`; they are used as `<<name>>`",
    ),
    row(
        &[Top],
        &["passwords", "secret_vars", "sensitive", "private", "keys", "vault"],
        "the names of secrets are `secrets: [password]`; their values come from outside",
    ),
    row(
        &[Top],
        &["matrix", "examples", "data", "datasets", "dataset", "parametrize", "parameterize", "test_cases", "strategy"],
        "sets of variables are `cases: [{name: value}, {name: other}]`",
    ),
    row(
        &[Top],
        &["labels", "groups", "categories", "keywords", "markers", "category"],
        "words to select files by are `tags: [smoke]`",
    ),
    row(
        &[Top],
        &["version", "schema", "format", "language", "$schema"],
        "a scenario has no version: leave this key out",
    ),
    row(
        &[Top],
        &[
            "expect",
            "send",
            "when",
            "sleep",
            "assert",
            "raw",
            "message",
            "repeat",
            "for_each",
            "close",
            "bdat",
            "session",
            "on_divergence",
        ],
        "this key belongs to a step: put it under `steps:`, after `- `",
    ),
    row(
        &[Top],
        &[
            "services",
            "image",
            "on",
            "apiversion",
            "kind",
            "hosts",
            "plays",
            "metadata",
            "spec",
            "pipeline",
            "stages_list",
            "dependencies",
            "volumes",
            "networks",
            "become",
            "gather_facts",
            "permissions",
            "resources",
            "provider",
            "repos",
            "receivers",
            "route",
            "modules",
            "scrape_configs",
        ],
        NO_SCENARIO,
    ),
    // --- messages, data, logins --------------------------------------------------------------------------------
    row(
        &[Message],
        &["body", "content", "plain", "plain_text", "text_body", "body_text", "txt", "payload"],
        "the text of the message is `text:` (or `html:`)",
    ),
    row(&[Message], &["html_body", "body_html", "htmlbody", "text_html"], "the HTML of the message is `html:`"),
    row(
        &[Message],
        &["attachments", "attachment", "files", "file", "attached"],
        "files go with it by `attach: [FILE]`",
    ),
    row(
        &[Message],
        &[
            "header",
            "extra_headers",
            "custom_headers",
            "reply_to",
            "sender",
            "return_path",
            "x_mailer",
            "references",
            "in_reply_to",
            "list_unsubscribe",
            "priority",
        ],
        "other header fields are `headers: {Name: value}`",
    ),
    row(&[Message], &["bcc"], "a hidden recipient stands in no header: name it in a line `RCPT TO:<…>` only"),
    row(
        &[Message],
        &["recipients", "rcpt", "recipient", "rcpt_to"],
        "the header field is `to:`; the recipients themselves are lines `RCPT TO:<…>`",
    ),
    row(
        &[Message],
        &["mail_from", "envelope_from"],
        "the header field is `from:`; the sender itself is a line `MAIL FROM:<…>`",
    ),
    row(&[Message], &["title", "topic"], "the header field is `subject:`"),
    row(&[Data], &["path", "filename", "from_file", "eml", "src"], "a file is `file: PATH`"),
    row(&[Data], &["body", "content", "message", "value", "string", "lines"], "the data itself is `text:`"),
    row(
        &[Data],
        &["dot_stuffing", "dotstuffing", "stuffing", "dot_stuff", "escape_dots", "raw"],
        "whether dots are doubled is `transparency: false`",
    ),
    row(
        &[Data],
        &["end", "dot", "terminator", "final_dot", "finish", "eom"],
        "whether the line with the dot is sent is `terminate: false`",
    ),
    row(&[Data], &["size", "length", "fill", "random", "bytes", "generate"], "data of a length is `filler: 1MiB`"),
    row(&[Data], &["newline", "eol", "crlf", "newlines"], "line ends are `line_endings: keep` or `crlf`"),
    row(
        &[Auth],
        &["user", "login", "name", "email", "authcid", "account", "user_name", "identity"],
        "the user is `username:`",
    ),
    row(
        &[Auth],
        &["pass", "passwd", "secret", "pw", "pwd", "api_key", "apikey", "key"],
        "the password is `password: <<password>>`, with `secrets: [password]` at the top",
    ),
    row(
        &[Auth],
        &["method", "type", "mech", "sasl", "auth_type", "mechanisms", "scheme"],
        "the mechanism is `mechanism: PLAIN`",
    ),
    row(
        &[Auth],
        &["access_token", "bearer", "oauth", "oauth2", "oauth_token", "jwt"],
        "a token is `token: <<token>>`, with `mechanism: XOAUTH2` or `OAUTHBEARER`",
    ),
    row(
        &[Auth],
        &["ir", "initial", "sasl_ir"],
        "whether the first message stands in the AUTH command is `initial_response: false`",
    ),
    row(
        &[Auth],
        &["zid", "authorization", "authorize_as", "on_behalf_of", "impersonate"],
        "the identity to act as is `authzid:`",
    ),
    row(
        &[Retry],
        &["times", "count", "max", "tries", "retries", "max_attempts", "limit"],
        "how many attempts there are is `attempts: 3`",
    ),
    row(
        &[Retry],
        &["wait", "pause", "interval", "sleep", "backoff", "every", "after"],
        "how long it waits between them is `delay: 5s`",
    ),
    row(
        &[Retry],
        &["when", "if", "codes", "for", "until", "on_error", "on_code"],
        "which divergences are tried again is `on: [4xx, closed, timeout, refused]`",
    ),
    row(
        &[Serve],
        &["send", "write", "answer", "response", "respond", "say", "data", "output", "return", "print"],
        "a server answers by `reply: 250 ok`",
    ),
    row(
        &[Serve],
        &[
            "match",
            "on",
            "command",
            "recv",
            "read",
            "request",
            "when_line",
            "pattern",
            "regex",
            "verb",
            "wait_for_command",
        ],
        "the command that must come is `expect: ^EHLO`",
    ),
    row(&[Serve], &["if", "only_if", "unless", "condition"], WHEN),
    row(&[Serve], &["loop", "foreach", "for", "times", "count", "while", "retry"], LOOP),
    row(
        &[Serve],
        &["connect", "auth", "message", "bdat", "session", "include", "pipeline", "vars"],
        "this is of a client's step: the client's steps stand under `steps:` at the top of the file",
    ),
    // --- the server --------------------------------------------------------------------------------------------
    row(
        &[Server],
        &["port", "bind", "address", "host", "hostname", "interface", "addr", "on", "listen_on"],
        "where it listens is `listen: 127.0.0.1:2525`",
    ),
    row(
        &[Server],
        &["cert", "certs", "tls_cert", "ssl"],
        "its certificate is `certificate: {file: FILE, key: FILE}`, or `self-signed`",
    ),
    row(
        &[Server],
        &["responses", "replies", "handlers", "routes", "commands", "stubs", "mappings"],
        "answers to commands are `rules: [{match: ^VRFY, reply: 252 ok}]`",
    ),
    row(&[Server], &["sessions", "clients"], "what each connection plays is `connections: [{steps: […]}]`"),
    row(
        &[Rule],
        &["on", "command", "pattern", "regex", "if", "expect", "request", "receive", "verb", "for", "cmd"],
        "which commands it answers is `match: ^VRFY`",
    ),
    row(
        &[Rule],
        &["response", "answer", "send", "return", "action", "respond", "then", "with"],
        "what it answers is `reply: 252 ok`",
    ),
    row(&[Rule], &["count", "limit", "max", "repeat", "only"], "how many times it answers is `times: 1`"),
    row(&[Rule], &["skip", "ignore", "offset"], "how many commands it lets pass first is `after: 1`"),
    row(&[Rule], &["sleep", "wait", "pause"], "how long it waits first is `delay: 2s`"),
    // --- templates ---------------------------------------------------------------------------------------------
    row(
        &[Filter, Function],
        &[
            "base64",
            "b64",
            "to_base64",
            "base64encode",
            "base64_encode",
            "btoa",
            "encode_base64",
            "b64enc",
            "tobase64",
            "b64_encode",
        ],
        "base64 is `VALUE | b64encode`",
    ),
    row(
        &[Filter, Function],
        &[
            "base64decode",
            "base64_decode",
            "b64_decode",
            "atob",
            "from_base64",
            "decode_base64",
            "b64dec",
            "frombase64",
        ],
        "base64 is undone by `VALUE | b64decode`",
    ),
    row(
        &[Filter, Function],
        &["hexlify", "tohex", "to_hex", "encode_hex", "hexencode", "hexdigest"],
        "hexadecimal digits are `VALUE | hex`",
    ),
    row(
        &[Filter, Function],
        &["hash", "sha", "sha2", "digest", "sha_256", "checksum"],
        "digests are `VALUE | sha256` and `VALUE | md5`",
    ),
    row(
        &[Filter, Function],
        &["upcase", "uppercase", "toupper", "to_upper", "ucase", "upper_case"],
        "capital letters are `VALUE | upper`",
    ),
    row(
        &[Filter, Function],
        &["downcase", "lowercase", "tolower", "to_lower", "lcase", "casefold", "lower_case"],
        "small letters are `VALUE | lower`",
    ),
    row(
        &[Filter, Function],
        &["strip", "trim_whitespace", "chomp", "rstrip", "lstrip"],
        "blanks around it are removed by `VALUE | trim`",
    ),
    row(
        &[Filter, Function],
        &["to_int", "integer", "number", "tonumber", "parseint", "to_number", "to_i", "atoi"],
        "a number is `VALUE | int`",
    ),
    row(&[Filter, Function], &["size", "len", "strlen", "count", "length_of"], "how long it is is `VALUE | length`"),
    row(
        &[Filter, Function],
        &["gsub", "sub", "regex_replace", "substitute", "tr"],
        "text is replaced by `VALUE | replace('a', 'b')`",
    ),
    row(
        &[Filter, Function],
        &["default_value", "or_else", "coalesce", "ifnull", "d"],
        "a value for want of another is `VALUE | default('x')`",
    ),
    row(&[Filter, Function], &["str", "to_string", "tostring", "text"], "text is `VALUE | string`"),
    row(
        &[Filter, Function],
        &["urlencode", "quote", "escape", "quoted_printable"],
        "the encodings are `b64encode`, `hex` and `xtext`",
    ),
    row(
        &[Function, Filter],
        &["rand", "randint", "random_string", "randstr", "random_int", "nonce", "random_hex", "rand_string", "shuffle"],
        "random letters and digits are `random(8)`",
    ),
    row(&[Function], &["uuid4", "guid", "uuidv4", "generate_uuid", "newguid"], "a UUID is `uuid()`"),
    row(
        &[Function, Filter],
        &[
            "date",
            "strftime",
            "today",
            "datetime",
            "format_date",
            "rfc2822_date",
            "rfc822_date",
            "date_header",
            "time_format",
            "formatdate",
        ],
        "the date of a header is `rfc5322_date()`",
    ),
    row(
        &[Function],
        &["time", "timestamp", "epoch", "unix_timestamp", "current_time", "utcnow", "unixtime"],
        "the time in seconds is `now()`",
    ),
    row(
        &[Function],
        &["env", "getenv", "environ", "lookup", "secret", "get_secret", "vault", "os_getenv"],
        "values from outside are `vars:` and `secrets:` of the file, given by `--var`, `--secret` or the environment",
    ),
    row(
        &[Function],
        &["make_msgid", "messageid", "msgid", "generate_message_id", "make_message_id"],
        "an identifier for a message is `message_id('example.com')`",
    ),
    row(
        &[Function],
        &["file", "read", "read_file", "include", "open", "cat", "load"],
        "a file is sent by `data: {file: PATH}`",
    ),
    row(
        &[Function],
        &["hmac", "cram_md5", "hmac_md5"],
        "the response of CRAM-MD5 is `auth_cram_md5(user, password, challenge)`; `auth:` does all of a login",
    ),
    row(
        &[Function],
        &["supports", "has_extension", "extension", "capability", "has_extn", "has_capability"],
        "whether EHLO offered a keyword is `offers('STARTTLS')`",
    ),
    row(
        &[Function],
        &["concat", "join", "format", "sprintf", "printf"],
        "texts are joined by writing them one after the other, `<<a>>@<<b>>`, or by `a ~ b`",
    ),
    row(
        &[Function],
        &["contains", "startswith", "starts_with", "matches", "regex_match", "search", "match", "test"],
        "whether a text holds another is `'x' in VALUE`; patterns belong to `expect`",
    ),
];

/// What `word` is called here, where other tools call it so.
pub(crate) fn foreign(word: &str, place: Where) -> Option<&'static str> {
    let plain = plain(word);
    let here = |row: &&Foreign| row.places.contains(&place) && row.words.contains(&plain.as_str());
    FOREIGN.iter().find(here).map(|row| row.help)
}

/// Small letters, with `_` for other joints: `waitFor`, `wait-for` and `wait for` are `wait_for`.
fn plain(word: &str) -> String {
    let mut plain = String::new();
    let mut after_small = false;
    for letter in word.trim().chars() {
        if letter.is_uppercase() && after_small {
            plain.push('_');
        }
        after_small = letter.is_lowercase() || letter.is_ascii_digit();
        plain.extend(if matches!(letter, '-' | ' ' | '.') { '_' } else { letter }.to_lowercase());
    }
    plain
}

/// The word of `known` that `word` was probably meant to be.
pub(crate) fn similar<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |candidate: &&str| strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase());
    let nearest = known.into_iter().min_by_key(distance)?;
    (distance(&nearest) <= 1 + word.len() / 4).then_some(nearest)
}

/// The word of `known` that differs by one letter.
pub(crate) fn one_slip<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known.into_iter().find(|one| strsim::damerau_levenshtein(word, one) == 1)
}

/// Help for an unknown word: what other tools mean by it, or the known one that looks like it.
pub(crate) fn help<'a>(word: &str, place: Where, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    // A word that differs in its letters' case or joints alone is no foreign one.
    let near = known.iter().find(|one| plain(one) == plain(word)).copied();
    let foreign = if near.is_some() { None } else { foreign(word, place) };
    let meant = |near: &str| format!("did you mean `{near}`?");
    foreign.map(str::to_owned).or_else(|| near.or_else(|| similar(word, known)).map(meant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_one_meaning_in_a_place() {
        for (index, row) in FOREIGN.iter().enumerate() {
            for word in row.words {
                assert_eq!(plain(word), *word, "the table holds plain words");
                for later in &FOREIGN[index + 1..] {
                    let both =
                        later.words.contains(word) && later.places.iter().any(|place| row.places.contains(place));
                    assert!(!both, "{word} stands twice");
                }
            }
        }
    }

    #[test]
    fn words_in_any_spelling() {
        assert_eq!(foreign("waitFor", Where::Step), Some(SLEEP));
        assert_eq!(foreign("Wait-For", Where::Step), Some(SLEEP));
        assert_eq!(help("Send", Where::Step, ["send", "sleep"]).as_deref(), Some("did you mean `send`?"));
        assert_eq!(help("qqqqqqqq", Where::Step, ["send"]), None);
    }
}
