//! `curl -v`: `>` before lines of the client, `<` before those of the server, `*` before what curl says of itself, and
//! braces before numbers of bytes. The message is not shown.

use super::talk::Talk;

/// Reads one line.
pub(super) fn line<'t>(line: &'t str, talk: &mut Talk<'t>) {
    let line = without_time(line);
    match (line.get(..1), line.get(1..).unwrap_or("")) {
        (Some(">"), text) => talk.client(text.strip_prefix(' ').unwrap_or(text)),
        (Some("<"), text) => talk.server(text.strip_prefix(' ').unwrap_or(text)),
        (Some("*"), text) => information(text.trim(), talk),
        (Some("{" | "}") | None, _) => {}
        _ if is_progress(line) => {}
        _ => talk.leave_out(),
    }
}

fn information(text: &str, talk: &mut Talk<'_>) {
    if text.starts_with("SSL connection using") {
        return talk.handshake();
    }
    // `Connected to HOST (ADDRESS) port PORT`, and since 8.16 `Established connection to HOST (ADDRESS port PORT)`.
    let connected = text.strip_prefix("Connected to ").or(text.strip_prefix("Established connection to "));
    if let Some(rest) = connected {
        let host = rest.split_whitespace().next().unwrap_or("");
        let port = rest.split_once(" port ").map(|(_, port)| port);
        let digits = port.map(|port| &port[..port.bytes().take_while(u8::is_ascii_digit).count()]);
        talk.server_is(host, digits);
    }
}

/// `--trace-time` puts a clock before each line.
fn without_time(line: &str) -> &str {
    let end = line.find(' ').unwrap_or(0);
    let is_time = end >= 12 && line[..end].bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.'));
    if is_time { &line[end + 1..] } else { line }
}

/// The meter that curl shows where `-s` is not given.
fn is_progress(line: &str) -> bool {
    line.trim().is_empty() || line.contains("--:--:--") || line.contains("% Total") || line.contains("Dload")
}
