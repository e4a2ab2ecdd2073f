//! The limit: a client that does nothing but the conversation, over blocking sockets, with a message that already has
//! its transparency dots. The bench runs its own program as this client.

use crate::Outcome;
use openssl::ssl::{Ssl, SslContext, SslMethod, SslVerifyMode};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};

/// Bytes of the message sent at once: a multiple of a TLS record.
const CHUNK: usize = 64 * 1024;

/// `PORT plain|insecure|roots|CA-FILE MESSAGE-FILE|ehlo|none`
pub(crate) fn run(arguments: &[String]) -> Outcome<()> {
    let [port, tls, message] = arguments else { return Err("expected PORT TLS MESSAGE".into()) };
    if message == "none" {
        return Ok(());
    }
    let mut tcp = TcpStream::connect((Ipv4Addr::LOCALHOST, port.parse()?))?;
    tcp.set_nodelay(true)?;
    reply(&mut tcp)?;
    say(&mut tcp, b"EHLO c.test\r\n")?;
    if message == "ehlo" {
        return say(&mut tcp, b"QUIT\r\n");
    }
    if tls == "plain" {
        return converse(&mut tcp, message);
    }
    say(&mut tcp, b"STARTTLS\r\n")?;
    let context = context(tls)?;
    let mut ssl = Ssl::new(&context)?;
    ssl.set_hostname("localhost")?;
    ssl.param_mut().set_host("localhost")?;
    let mut stream = ssl.connect(tcp)?;
    say(&mut stream, b"EHLO c.test\r\n")?;
    converse(&mut stream, message)?;
    stream.shutdown()?;
    Ok(())
}

fn context(tls: &str) -> Outcome<SslContext> {
    let mut builder = SslContext::builder(SslMethod::tls_client())?;
    builder.set_verify(if tls == "insecure" { SslVerifyMode::NONE } else { SslVerifyMode::PEER });
    match tls {
        "insecure" => {}
        "roots" => builder.set_default_verify_paths()?,
        file => builder.set_ca_file(file)?,
    }
    Ok(builder.build())
}

fn converse(stream: &mut (impl Read + Write), message: &str) -> Outcome<()> {
    for command in [
        &b"AUTH PLAIN AHVzZXIAcGFzc3dvcmQ=\r\n"[..],
        b"MAIL FROM:<a@example.com>\r\n",
        b"RCPT TO:<b@example.com>\r\n",
        b"DATA\r\n",
    ] {
        say(stream, command)?;
    }
    let mut file = File::open(message)?;
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = file.read(&mut chunk)?;
        if count == 0 {
            break;
        }
        stream.write_all(&chunk[..count])?;
    }
    reply(stream)?;
    say(stream, b"QUIT\r\n")
}

fn say(stream: &mut (impl Read + Write), command: &[u8]) -> Outcome<()> {
    stream.write_all(command)?;
    reply(stream)
}

/// Reads until the last line of a reply; only that line is looked at.
fn reply(stream: &mut impl Read) -> Outcome<()> {
    let mut buffer = [0; 16 * 1024];
    let mut filled = 0;
    loop {
        let count = stream.read(&mut buffer[filled..])?;
        if count == 0 {
            return Err("the sink closed".into());
        }
        filled += count;
        let start = memchr::memrchr(b'\n', &buffer[..filled - 1]).map_or(0, |newline| newline + 1);
        let line = &buffer[start..filled];
        if line.ends_with(b"\n") && line.get(3) == Some(&b' ') {
            return if matches!(line[0], b'2' | b'3') { Ok(()) } else { Err("the sink refused".into()) };
        }
        buffer.copy_within(start..filled, 0);
        filled -= start;
    }
}
