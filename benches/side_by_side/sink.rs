//! A fast SMTP sink on loopback: one thread a session, any AUTH, mail data counted by its last bytes only.

use crate::Outcome;
use openssl::ssl::{Ssl, SslContext, SslStream};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;

/// Bytes read at once.
const READ_SIZE: usize = 256 * 1024;

/// Chunks up to this size are searched for the end of the mail data: a client may send the next command behind it.
const SEARCHED_UP_TO: usize = 4096;

const END_OF_MAIL_DATA: &[u8] = b"\r\n.\r\n";

/// Starts a sink whose EHLO reply has at least `ehlo_lines` lines; returns its port.
pub(crate) fn start(ehlo_lines: usize, tls: &Arc<SslContext>) -> Outcome<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let (tls, ehlo) = (tls.clone(), Arc::new(ehlo_reply(ehlo_lines)));
    std::thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            let (tls, ehlo) = (tls.clone(), ehlo.clone());
            // A client that breaks off, as those do that refuse the certificate, is none of the sink's business.
            std::thread::spawn(move || _ = serve(tcp, &tls, &ehlo));
        }
    });
    Ok(port)
}

fn ehlo_reply(lines: usize) -> Vec<u8> {
    let mut reply = b"250-sink.test\r\n250-STARTTLS\r\n250-AUTH PLAIN\r\n250-8BITMIME\r\n".to_vec();
    for number in 5..lines {
        reply.extend_from_slice(format!("250-X-EXT-{number} some parameter words here\r\n").as_bytes());
    }
    reply.extend_from_slice(b"250 SIZE 0\r\n");
    reply
}

fn serve(mut tcp: TcpStream, tls: &SslContext, ehlo: &[u8]) -> Outcome<()> {
    tcp.set_nodelay(true)?;
    tcp.write_all(b"220 sink.test ESMTP\r\n")?;
    if talk(&mut tcp, ehlo)? == Next::StartTls {
        let mut stream = SslStream::new(Ssl::new(tls)?, tcp)?;
        stream.accept()?;
        talk(&mut stream, ehlo)?;
        stream.shutdown()?;
    }
    Ok(())
}

const ACCEPTED: (&[u8], Next) = (b"235 2.7.0 ok\r\n", Next::Go);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Go,
    /// The next line is an answer to a challenge.
    Response,
    MailData,
    StartTls,
    Close,
}

/// Answers commands until the session ends or turns to TLS.
fn talk(stream: &mut (impl Read + Write), ehlo: &[u8]) -> io::Result<Next> {
    let mut buffer = vec![0; READ_SIZE];
    let mut filled = 0;
    let mut responds = false;
    loop {
        let count = stream.read(&mut buffer[filled..])?;
        if count == 0 {
            return Ok(Next::Close);
        }
        filled += count;
        let mut taken = 0;
        while let Some(length) = memchr::memchr(b'\n', &buffer[taken..filled]) {
            let line = buffer[taken..taken + length].to_ascii_uppercase();
            taken += length + 1;
            let (reply, next) = if responds { ACCEPTED } else { answer(line.trim_ascii_end(), ehlo) };
            responds = next == Next::Response;
            stream.write_all(reply)?;
            match next {
                Next::Go | Next::Response => {}
                Next::MailData => {
                    buffer.copy_within(taken..filled, 0);
                    (taken, filled) = read_mail_data(stream, &mut buffer, filled - taken)?;
                    stream.write_all(b"250 2.0.0 Ok queued\r\n")?;
                }
                Next::StartTls | Next::Close => return Ok(next),
            }
        }
        buffer.copy_within(taken..filled, 0);
        filled -= taken;
    }
}

fn answer<'a>(line: &[u8], ehlo: &'a [u8]) -> (&'a [u8], Next) {
    match line.get(..4) {
        Some(b"EHLO") => (ehlo, Next::Go),
        Some(b"AUTH") if line == b"AUTH PLAIN" => (b"334 \r\n", Next::Response),
        Some(b"AUTH") => ACCEPTED,
        Some(b"MAIL" | b"RCPT" | b"RSET" | b"NOOP" | b"HELO") => (b"250 2.0.0 Ok\r\n", Next::Go),
        Some(b"DATA") => (b"354 go ahead\r\n", Next::MailData),
        Some(b"STAR") => (b"220 2.0.0 go\r\n", Next::StartTls),
        Some(b"QUIT") => (b"221 2.0.0 bye\r\n", Next::Close),
        _ => (b"500 5.5.1 what\r\n", Next::Go),
    }
}

/// Reads to the end of the mail data; what stands behind it is `buffer[taken..filled]`.
fn read_mail_data(stream: &mut impl Read, buffer: &mut [u8], mut filled: usize) -> io::Result<(usize, usize)> {
    loop {
        let chunk = &buffer[..filled];
        if chunk.ends_with(END_OF_MAIL_DATA) {
            return Ok((filled, filled));
        }
        if filled <= SEARCHED_UP_TO
            && let Some(at) = memchr::memmem::find(chunk, END_OF_MAIL_DATA)
        {
            return Ok((at + END_OF_MAIL_DATA.len(), filled));
        }
        // Only the last bytes matter for finding the end.
        let kept = filled.min(END_OF_MAIL_DATA.len() - 1);
        buffer.copy_within(filled - kept..filled, 0);
        let count = stream.read(&mut buffer[kept..])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        filled = kept + count;
    }
}
