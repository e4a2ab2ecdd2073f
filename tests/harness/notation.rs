//! The notation of `server.txt`, which `tests/cases/README.md` describes: one line an act.

use std::time::Duration;

/// One act of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// Writes these bytes at once.
    Send(Vec<u8>),
    /// Writes them one by one, with this much time between.
    Drip(Duration, Vec<u8>),
    /// Writes them so many times, or until the client has gone.
    Flood(Vec<u8>, usize),
    /// Reads a line that must be this; `*` at its end stands for anything.
    Line(String),
    /// Reads exactly these bytes.
    Receive(Vec<u8>),
    /// Reads up to the line with the dot that ends mail data.
    MailData,
    Pause(Duration),
    /// Neither reads nor writes until the program has ended.
    Silence,
    /// Reads until the client closes: in order, with RST, or either.
    WaitClose(Option<Ending>),
    Close,
    Reset,
    /// Goes to this address, instead of waiting to be connected to: the first act of its connection.
    Connect(String),
    /// Makes this file: the test hears that the dialogue has got so far.
    Mark(String),
}

/// How the client ended the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Fin,
    Reset,
}

/// The acts of each connection, each with its line number.
pub(super) fn parse(script: &str) -> Vec<Vec<(usize, Act)>> {
    let mut connections = vec![Vec::new()];
    for (index, line) in script.lines().enumerate() {
        let number = index + 1;
        match line {
            "connection" => connections.push(Vec::new()),
            line if line.trim().is_empty() || line.starts_with('#') => {}
            line => {
                let act = act(line).unwrap_or_else(|message| panic!("server.txt:{number}: {message}: {line}"));
                connections.last_mut().expect("there is always one").push((number, act));
            }
        }
    }
    connections
}

fn act(line: &str) -> Result<Act, String> {
    if let Some(text) = line.strip_prefix("S:") {
        return Ok(Act::Send(format!("{}\r\n", text.strip_prefix(' ').unwrap_or(text)).into_bytes()));
    }
    if let Some(text) = line.strip_prefix("C:") {
        return Ok(Act::Line(text.strip_prefix(' ').unwrap_or(text).to_owned()));
    }
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match (word, rest) {
        ("send", bytes) => Ok(Act::Send(quoted(bytes)?.0)),
        ("receive", bytes) => Ok(Act::Receive(quoted(bytes)?.0)),
        ("drip", rest) => {
            let (every, bytes) = rest.split_once(' ').ok_or("write `drip 20ms \"…\"`")?;
            Ok(Act::Drip(milliseconds(every)?, quoted(bytes)?.0))
        }
        ("flood", rest) => {
            let (bytes, count) = quoted(rest)?;
            Ok(Act::Flood(bytes, count.trim().parse().map_err(|_| "how many times?".to_owned())?))
        }
        ("pause", length) => Ok(Act::Pause(milliseconds(length)?)),
        ("wait-close", "") => Ok(Act::WaitClose(None)),
        ("wait-close", "fin") => Ok(Act::WaitClose(Some(Ending::Fin))),
        ("wait-close", "reset") => Ok(Act::WaitClose(Some(Ending::Reset))),
        ("mail-data", "") => Ok(Act::MailData),
        ("silence", "") => Ok(Act::Silence),
        ("close", "") => Ok(Act::Close),
        ("reset", "") => Ok(Act::Reset),
        ("connect", address) => Ok(Act::Connect(address.to_owned())),
        ("mark", file) => Ok(Act::Mark(file.to_owned())),
        _ => Err("no act of a scripted server".to_owned()),
    }
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    let digits = text.strip_suffix("ms").ok_or("write a time as `20ms`")?;
    digits.parse().map(Duration::from_millis).map_err(|_| format!("`{digits}` is not a number"))
}

/// The bytes of a quoted text and what stands behind it. Escapes: `\r \n \t \0 \\ \" \xff`.
fn quoted(text: &str) -> Result<(Vec<u8>, &str), String> {
    let mut rest = text.strip_prefix('"').ok_or("bytes stand in double quotes")?;
    let mut bytes = Vec::new();
    loop {
        let mut characters = rest.chars();
        match characters.next().ok_or("the closing quote is missing")? {
            '"' => return Ok((bytes, characters.as_str())),
            '\\' => {
                let escape = characters.next().ok_or("an escape is cut short")?;
                rest = characters.as_str();
                let byte = match escape {
                    'r' => b'\r',
                    'n' => b'\n',
                    't' => b'\t',
                    '0' => 0,
                    '\\' | '"' => escape as u8,
                    'x' => {
                        let digits = rest.get(..2).ok_or("two digits follow \\x")?;
                        rest = &rest[2..];
                        u8::from_str_radix(digits, 16).map_err(|_| "two hexadecimal digits follow \\x".to_owned())?
                    }
                    other => return Err(format!("there is no escape \\{other}")),
                };
                bytes.push(byte);
            }
            plain => {
                bytes.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes());
                rest = characters.as_str();
            }
        }
    }
}
