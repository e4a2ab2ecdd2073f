//! Command lines that people paste above what the command printed: they name the server.

use super::event::LogEvent;

const TOOLS: [&str; 12] = [
    "openssl",
    "telnet",
    "swaks",
    "curl",
    "nc",
    "ncat",
    "netcat",
    "check_smtp",
    "msmtp",
    "sendmail",
    "smtp-cli",
    "smtp-script",
];

/// Whether a line is one of a shell: a prompt and a tool that speaks SMTP, or such a tool with its arguments.
pub(super) fn is_command(line: &str) -> bool {
    words(line).is_some()
}

fn words(line: &str) -> Option<(&str, Vec<&str>)> {
    // `C:\Users\ann>`, `PS C:\Users\ann>`
    let drive = line.strip_prefix("PS ").unwrap_or(line);
    let windows = line.find('>').filter(|_| drive.get(1..3) == Some(":\\"));
    let command = match windows
        .map(|at| at - 1)
        .or_else(|| line.find("$ "))
        .or_else(|| line.find("# "))
        .or_else(|| line.find("% ").filter(|at| *at < 60))
    {
        Some(at) if at < 100 => &line[at + 2..],
        _ => line,
    };
    let with_prompt = command.len() < line.len();
    if !with_prompt && !TOOLS.iter().any(|tool| command.contains(tool)) {
        return None;
    }
    let words: Vec<&str> = command.split_whitespace().take(60).collect();
    let is_tool = |word: &&str| TOOLS.contains(&word.rsplit('/').next().unwrap_or_default());
    let at = if with_prompt {
        words.iter().take(4).position(is_tool)?
    } else {
        words.first().filter(|word| is_tool(word)).map(|_| 0)?
    };
    let arguments = words[at + 1..].to_vec();
    let looks_so =
        with_prompt || arguments.iter().any(|word| word.starts_with('-')) || words[at] == "telnet" || words[at] == "nc";
    (looks_so && !arguments.is_empty() && !words[at].ends_with(':'))
        .then(|| (words[at].rsplit('/').next().unwrap_or_default(), arguments))
}

/// Where a command line connects to.
pub(super) fn target(line: &str) -> Option<LogEvent> {
    let (tool, arguments) = words(line)?;
    let after = |options: &[&str]| {
        let at = arguments.iter().position(|word| options.contains(word))?;
        arguments.get(at + 1).copied()
    };
    let joined = |option: &str| arguments.iter().find_map(|word| word.strip_prefix(option));
    let (address, port) = match tool {
        "openssl" => (after(&["-connect"])?, None),
        "swaks" => (after(&["-s", "--server"]).or(joined("--server="))?, after(&["-p", "--port"])),
        "curl" => (url(&arguments)?, None),
        "check_smtp" => (after(&["-H", "--hostname"]).or(joined("--hostname="))?, after(&["-p", "--port"])),
        "msmtp" => (joined("--host=")?, joined("--port=")),
        "smtp-cli" => {
            let server = joined("--host=").or(joined("--server=")).or(after(&["--host", "--server"]))?;
            (server, joined("--port=").or(after(&["--port"])))
        }
        "sendmail" | "smtp-script" => return None,
        _ => {
            let plain: Vec<&str> = arguments.iter().filter(|word| !word.starts_with('-')).copied().collect();
            (*plain.first()?, plain.get(1).copied())
        }
    };
    let (host, joined) = split(address);
    let known = |host: &str| !host.is_empty() && !host.contains(['$', '<', '{']);
    let tls = tool == "curl" && line.contains("smtps://");
    let port = port.or(joined).and_then(|port| port.parse().ok());
    Some(LogEvent::To { host: if known(host) { host.to_owned() } else { String::new() }, port, begins: true, tls })
}

fn url<'w>(arguments: &[&'w str]) -> Option<&'w str> {
    let url = arguments.iter().find_map(|word| {
        let word = word.trim_matches(['\'', '"']);
        word.strip_prefix("smtp://").or(word.strip_prefix("smtps://"))
    })?;
    url.split('/').next()
}

/// `HOST:PORT`, `[ADDRESS]:PORT` or `HOST`.
fn split(address: &str) -> (&str, Option<&str>) {
    let address = address.trim_matches(['\'', '"']);
    match address.rsplit_once(':') {
        Some((host, port))
            if port.bytes().all(|byte| byte.is_ascii_digit()) && (!host.contains(':') || host.ends_with(']')) =>
        {
            (host.trim_matches(['[', ']']), Some(port))
        }
        _ => (address.trim_matches(['[', ']']), None),
    }
}
