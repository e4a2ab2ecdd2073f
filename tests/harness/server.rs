//! A server that follows a script to the byte, one thread for each connection, on 127.0.0.1.
//!
//! Every thread ends by itself: reads and writes have time limits, and `finish` ends every other wait.

use super::notation::{Act, Ending, parse};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

/// How long the client may keep the server waiting, in either direction.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a wait that nothing can wake looks whether it is over.
const TICK: Duration = Duration::from_millis(2);

/// A running server. Dropping it without [`finish`](ScriptedServer::finish) leaves its threads to their time limits.
#[derive(Debug)]
pub(crate) struct ScriptedServer {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    acceptor: JoinHandle<Vec<String>>,
}

impl ScriptedServer {
    /// Listens at once; the connections of `script` are served in the order they are opened.
    pub(crate) fn start(script: &str) -> ScriptedServer {
        let connections = parse(script);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let address = listener.local_addr().expect("the address of a listener");
        listener.set_nonblocking(true).expect("a listener that does not block");
        let over = Arc::new(AtomicBool::new(false));
        let acceptor = spawn({
            let over = over.clone();
            move || accept(&listener, connections, &over)
        });
        ScriptedServer { address, over, acceptor }
    }

    /// `127.0.0.1:PORT`
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Ends the server once the program has ended, and tells where the client left the script.
    pub(crate) fn finish(self) -> Result<(), String> {
        self.over.store(true, Ordering::SeqCst);
        let faults = self.acceptor.join().map_err(|_| "the scripted server panicked".to_owned())?;
        if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
    }
}

fn accept(listener: &TcpListener, connections: Vec<Vec<(usize, Act)>>, over: &Arc<AtomicBool>) -> Vec<String> {
    let mut dialogues = Vec::new();
    for acts in connections {
        let stream = match acts.first() {
            Some((_, Act::Connect(address))) => Some(connected(address)),
            _ => next_connection(listener, over),
        };
        let Some(stream) = stream else { break };
        let over = over.clone();
        dialogues.push(spawn(move || Dialogue::new(stream, over).follow(acts)));
    }
    dialogues
        .into_iter()
        .filter_map(|dialogue| dialogue.join().expect("a dialogue that does not panic").err())
        .collect()
}

/// A connection to a server that is about to listen.
fn connected(address: &str) -> TcpStream {
    let until = Instant::now() + PATIENCE;
    loop {
        match TcpStream::connect(address) {
            Ok(stream) => return stream,
            Err(error) => assert!(Instant::now() < until, "{address}: {error}"),
        }
        sleep(TICK);
    }
}

fn next_connection(listener: &TcpListener, over: &AtomicBool) -> Option<TcpStream> {
    loop {
        match listener.accept() {
            Ok((stream, _)) => return Some(stream),
            Err(error) if error.kind() == ErrorKind::WouldBlock && !over.load(Ordering::SeqCst) => sleep(TICK),
            Err(_) => return None,
        }
    }
}

/// One connection.
struct Dialogue {
    stream: TcpStream,
    over: Arc<AtomicBool>,
    unread: Vec<u8>,
}

impl Dialogue {
    fn new(stream: TcpStream, over: Arc<AtomicBool>) -> Dialogue {
        stream.set_nonblocking(false).expect("a stream that blocks");
        stream.set_nodelay(true).expect("a stream without delay");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time limit for reading");
        stream.set_write_timeout(Some(PATIENCE)).expect("a time limit for writing");
        Dialogue { stream, over, unread: Vec::new() }
    }

    fn follow(mut self, acts: Vec<(usize, Act)>) -> Result<(), String> {
        for (line, act) in acts {
            if matches!(act, Act::Close | Act::Reset) {
                if act == Act::Reset {
                    let socket = socket2::SockRef::from(&self.stream);
                    socket.set_linger(Some(Duration::ZERO)).expect("a socket that resets");
                }
                return Ok(());
            }
            self.perform(act).map_err(|message| format!("server.txt:{line}: {message}"))?;
        }
        let rest = self.rest()?.1;
        if rest.is_empty() { Ok(()) } else { Err(format!("server.txt: the client went on with {}", shown(&rest))) }
    }

    fn perform(&mut self, act: Act) -> Result<(), String> {
        match act {
            Act::Send(bytes) => self.stream.write_all(&bytes).map_err(|error| error.to_string()),
            Act::Drip(every, bytes) => {
                self.drip(every, &bytes);
                Ok(())
            }
            Act::Flood(bytes, count) => {
                self.flood(&bytes, count);
                Ok(())
            }
            Act::Line(wanted) => self.line(&wanted),
            Act::Receive(wanted) => self.receive(&wanted),
            Act::MailData => self.until(b"\r\n.\r\n").map(drop),
            Act::Pause(length) => {
                sleep(length);
                Ok(())
            }
            Act::Silence => {
                while !self.over.load(Ordering::SeqCst) {
                    sleep(TICK);
                }
                self.rest().map(drop)
            }
            Act::WaitClose(wanted) => {
                let ending = self.rest()?.0;
                let fits = wanted.is_none_or(|wanted| wanted == ending);
                if fits { Ok(()) } else { Err(format!("the client closed by {ending:?}")) }
            }
            Act::Mark(file) => std::fs::write(file, "").map_err(|error| error.to_string()),
            Act::Close | Act::Reset | Act::Connect(_) => Ok(()),
        }
    }

    /// The client may go away at any time.
    fn drip(&mut self, every: Duration, bytes: &[u8]) {
        for byte in bytes {
            if self.stream.write_all(&[*byte]).is_err() || self.over.load(Ordering::SeqCst) {
                break;
            }
            sleep(every);
        }
    }

    fn flood(&mut self, bytes: &[u8], count: usize) {
        let at_once = (64 * 1024 / bytes.len().max(1)).max(1);
        let chunk = bytes.repeat(at_once.min(count));
        let mut left = count;
        while left > 0 {
            let now = left.min(at_once);
            if self.stream.write_all(&chunk[..now * bytes.len()]).is_err() {
                return;
            }
            left -= now;
        }
    }

    fn line(&mut self, wanted: &str) -> Result<(), String> {
        let line = self.until(b"\r\n")?;
        let text = String::from_utf8_lossy(&line[..line.len() - 2]).into_owned();
        let fits = match wanted.strip_suffix('*') {
            Some(start) => text.starts_with(start),
            None => text == wanted,
        };
        if fits { Ok(()) } else { Err(format!("expected `{wanted}`, the client sent `{text}`")) }
    }

    fn receive(&mut self, wanted: &[u8]) -> Result<(), String> {
        while self.unread.len() < wanted.len() && wanted.starts_with(&self.unread) {
            self.read_more()?;
        }
        if !self.unread.starts_with(wanted) {
            return Err(format!("expected {}, the client sent {}", shown(wanted), shown(&self.unread)));
        }
        self.unread.drain(..wanted.len());
        Ok(())
    }

    fn until(&mut self, end: &[u8]) -> Result<Vec<u8>, String> {
        let mut searched: usize = 0;
        loop {
            let from = searched.saturating_sub(end.len());
            if let Some(at) = self.unread[from..].windows(end.len()).position(|window| window == end) {
                return Ok(self.unread.drain(..from + at + end.len()).collect());
            }
            searched = self.unread.len();
            self.read_more()?;
        }
    }

    fn read_more(&mut self) -> Result<(), String> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => Err(format!("the client closed after {}", shown(&self.unread))),
            Ok(count) => {
                self.unread.extend_from_slice(&buffer[..count]);
                Ok(())
            }
            Err(error) => Err(format!("{error} after {}", shown(&self.unread))),
        }
    }

    /// Everything until the client closes, and how it closed.
    fn rest(&mut self) -> Result<(Ending, Vec<u8>), String> {
        let mut rest = std::mem::take(&mut self.unread);
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => Ok((Ending::Fin, rest)),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok((Ending::Reset, rest)),
            Err(error) => Err(format!("the client did not close: {error}")),
        }
    }
}

/// The beginning is enough to know what it is.
fn shown(bytes: &[u8]) -> String {
    let more = if bytes.len() > 200 { " and more" } else { "" };
    format!("\"{}\"{more}", bytes[..bytes.len().min(200)].escape_ascii())
}
