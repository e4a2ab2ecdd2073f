//! A server that repeats what it was told, in one reply after the other.

use super::Echo;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Accepts everything, and says the next echo with each reply.
pub(crate) struct Parrot {
    pub(crate) address: SocketAddr,
    next: Arc<AtomicUsize>,
    count: usize,
}

impl Parrot {
    /// `knows`: it says echoes from the greeting on, and not only after a login.
    pub(crate) fn start(echoes: &[Echo], knows: bool) -> Parrot {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let next = Arc::new(AtomicUsize::new(0));
        let (echoes, count): (Arc<[Echo]>, usize) = (echoes.into(), echoes.len());
        let counter = next.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (echoes, next) = (echoes.clone(), counter.clone());
                std::thread::spawn(move || _ = Talk { stream, echoes, next, knows }.talk());
            }
        });
        Parrot { address, next, count }
    }

    /// Whether each echo was said.
    pub(crate) fn said_all(&self) -> bool {
        self.next.load(Ordering::SeqCst) >= self.count
    }
}

struct Talk {
    stream: TcpStream,
    echoes: Arc<[Echo]>,
    next: Arc<AtomicUsize>,
    knows: bool,
}

impl Talk {
    fn say(&mut self, code: &str, first: &[&str]) -> std::io::Result<()> {
        let mut lines: Vec<Vec<u8>> = first.iter().map(|line| line.as_bytes().to_vec()).collect();
        if self.knows {
            let at = self.next.fetch_add(1, Ordering::SeqCst);
            lines.extend(self.echoes[at % self.echoes.len()].iter().cloned());
        } else {
            lines.push(b"2.0.0 ok".to_vec());
        }
        self.stream.write_all(&framed(code, &lines))
    }

    fn talk(mut self) -> std::io::Result<()> {
        let mut input = BufReader::new(self.stream.try_clone()?);
        self.say("220", &[])?;
        let mut line = String::new();
        while input.read_line(&mut line)? > 0 {
            let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => self.say("250", &["mx.example", "AUTH PLAIN LOGIN"])?,
                "AUTH" => {
                    self.knows = true;
                    self.say("235", &[])?;
                }
                "DATA" => {
                    self.say("354", &[])?;
                    while line != ".\r\n" && line != ".\n" {
                        line.clear();
                        if input.read_line(&mut line)? == 0 {
                            return Ok(());
                        }
                    }
                    self.say("250", &[])?;
                }
                "BDAT" => {
                    let octets = line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0);
                    std::io::copy(&mut input.by_ref().take(octets), &mut std::io::sink())?;
                    self.say("250", &[])?;
                }
                "STAR" => self.say("502", &[])?,
                "QUIT" => return self.say("221", &[]),
                _ => self.say("250", &[])?,
            }
            line.clear();
        }
        Ok(())
    }
}

/// A reply of these lines.
pub(crate) fn framed(code: &str, lines: &[Vec<u8>]) -> Vec<u8> {
    let mut reply = Vec::new();
    for (at, text) in lines.iter().enumerate() {
        let mark = if at + 1 < lines.len() { '-' } else { ' ' };
        reply.extend([format!("{code}{mark}").as_bytes(), text, b"\r\n"].concat());
    }
    reply
}
