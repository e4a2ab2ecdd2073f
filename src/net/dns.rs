//! Questions to a resolver that the operating system's own functions can't ask: MX records. The only module that calls
//! simple-dns and the only reader of `/etc/resolv.conf`.
//!
//! Responsible for one question at a time, over UDP and, where the answer is cut, over TCP; for which of several
//! resolvers answers; for matching answers with questions. Not for what the answers mean for mail (`mx`).

use super::clock;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, TYPE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use super::connect::in_words;

/// The file that names this machine's resolvers.
const RESOLV_CONF: &str = "/etc/resolv.conf";
/// The port of resolvers.
const PORT: u16 = 53;
/// How long one resolver may take before the next is asked.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often the list of resolvers is gone through.
const ROUNDS: usize = 2;
/// The most octets of an answer over UDP; longer ones are cut, and asked for again over TCP.
const UDP_ANSWER: usize = 4096;

/// A mail exchanger (RFC 5321 section 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MailExchanger {
    /// The lower, the better.
    pub(crate) preference: u16,
    /// The host; empty in a null MX (RFC 7505).
    pub(crate) host: String,
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Records<T> {
    /// Answer, or none: the name exists.
    Records(Vec<T>),
    /// The name does not exist.
    NoSuchName,
}

/// Why a question has no answer.
#[derive(Debug)]
pub(super) enum LookupFault {
    /// What is asked for cannot be asked.
    NotAName(String),
    /// Nothing came in time.
    NoAnswer,
    /// The resolver could not be reached.
    Io(io::Error),
    /// What came is no message of the DNS.
    Unreadable,
    /// It answers another question.
    Other,
    /// The answer is cut, over TCP too.
    Cut,
    /// The resolver says why it does not answer.
    Code(RCODE),
    /// None of these could answer.
    Resolvers(Vec<(SocketAddr, LookupFault)>),
}

impl fmt::Display for LookupFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LookupFault::NotAName(name) => write!(formatter, "`{name}` is not a name of the DNS"),
            LookupFault::NoAnswer => formatter.write_str("no answer"),
            LookupFault::Io(error) => formatter.write_str(&in_words(error)),
            LookupFault::Unreadable => formatter.write_str("its answer cannot be read"),
            LookupFault::Other => formatter.write_str("it answered something else"),
            LookupFault::Cut => formatter.write_str("its answer is cut over TCP too"),
            LookupFault::Code(RCODE::ServerFailure) => formatter.write_str("it failed (SERVFAIL)"),
            LookupFault::Code(RCODE::Refused) => formatter.write_str("it refuses to answer (REFUSED)"),
            LookupFault::Code(other) => write!(formatter, "it answered {other:?}"),
            LookupFault::Resolvers(faults) => {
                let each = |(resolver, fault): &(SocketAddr, LookupFault)| format!("resolver {resolver}: {fault}");
                formatter.write_str(&faults.iter().map(each).collect::<Vec<_>>().join("; "))
            }
        }
    }
}

/// The resolvers of this machine, in order; one on this machine itself where none is named.
pub(crate) fn system_resolvers() -> Vec<SocketAddr> {
    let text = std::fs::read_to_string(RESOLV_CONF).unwrap_or_default();
    let named = resolvers_in(&text);
    if named.is_empty() { vec![(Ipv4Addr::LOCALHOST, PORT).into()] } else { named }
}

/// The MX records of a domain.
pub(super) async fn mail_exchangers(
    domain: &str,
    resolvers: &[SocketAddr],
) -> Result<Records<MailExchanger>, LookupFault> {
    ask(domain, TYPE::MX, resolvers, exchanger).await
}

/// The addresses of a host, IPv6 and IPv4.
pub(super) async fn addresses(host: &str, resolvers: &[SocketAddr]) -> Result<Records<IpAddr>, LookupFault> {
    let address = |data: &RData<'_>| match data {
        RData::A(a) => Some(IpAddr::V4(Ipv4Addr::from(a.address))),
        RData::AAAA(aaaa) => Some(IpAddr::V6(Ipv6Addr::from(aaaa.address))),
        _ => None,
    };
    let four = ask(host, TYPE::A, resolvers, address).await;
    let six = ask(host, TYPE::AAAA, resolvers, address).await;
    match (six, four) {
        (Ok(Records::NoSuchName), Ok(Records::NoSuchName)) => Ok(Records::NoSuchName),
        (Ok(six), Ok(four)) => Ok(Records::Records([six, four].into_iter().flat_map(Records::records).collect())),
        // Some servers fail on questions for IPv6: what they know of IPv4 still counts.
        (Ok(only), Err(fault)) | (Err(fault), Ok(only)) => match only.records() {
            none if none.is_empty() => Err(fault),
            some => Ok(Records::Records(some)),
        },
        (Err(fault), Err(_)) => Err(fault),
    }
}

impl<T> Records<T> {
    pub(super) fn records(self) -> Vec<T> {
        match self {
            Records::Records(records) => records,
            Records::NoSuchName => Vec::new(),
        }
    }
}

/// Asks one resolver after the other, until one knows.
async fn ask<T>(
    name: &str,
    of_type: TYPE,
    resolvers: &[SocketAddr],
    pick: impl Fn(&RData<'_>) -> Option<T>,
) -> Result<Records<T>, LookupFault> {
    let mut faults = Vec::new();
    for round in 0..ROUNDS {
        for resolver in resolvers {
            let asked = clock::within(PATIENCE, ask_one(name, of_type, *resolver, &pick)).await;
            let fault = match asked {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(fault)) => fault,
                Err(_) => LookupFault::NoAnswer,
            };
            if round == 0 {
                faults.push((*resolver, fault));
            }
        }
    }
    Err(LookupFault::Resolvers(faults))
}

async fn ask_one<T>(
    name: &str,
    of_type: TYPE,
    resolver: SocketAddr,
    pick: &impl Fn(&RData<'_>) -> Option<T>,
) -> Result<Records<T>, LookupFault> {
    // Whoever guesses it can answer in the resolver's place.
    let id = getrandom::u32().unwrap_or_else(|_| fastrand::u32(..)).to_be_bytes();
    let id = u16::from_be_bytes([id[0], id[1]]);
    let question = question(id, name, of_type)?;
    let answer = over_udp(&question, resolver).await.map_err(LookupFault::Io)?;
    match read(&answer, name, of_type, pick)? {
        RecordsRead::Whole(answer) => Ok(answer),
        RecordsRead::Cut => {
            let answer = over_tcp(&question, resolver).await.map_err(LookupFault::Io)?;
            match read(&answer, name, of_type, pick)? {
                RecordsRead::Whole(answer) => Ok(answer),
                RecordsRead::Cut => Err(LookupFault::Cut),
            }
        }
    }
}

fn question(id: u16, name: &str, of_type: TYPE) -> Result<Vec<u8>, LookupFault> {
    let absolute = name.strip_suffix('.').unwrap_or(name);
    let unusable = |_| LookupFault::NotAName(name.to_owned());
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let asked = Name::new(absolute).map_err(unusable)?;
    packet.questions.push(Question::new(asked, QTYPE::TYPE(of_type), QCLASS::CLASS(CLASS::IN), false));
    packet.build_bytes_vec().map_err(unusable)
}

/// Datagrams that answer another question, or come from someone else, are passed over.
async fn over_udp(question: &[u8], resolver: SocketAddr) -> io::Result<Vec<u8>> {
    let local: IpAddr = if resolver.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((local, 0)).await?;
    socket.connect(resolver).await?;
    socket.send(question).await?;
    let mut answer = vec![0; UDP_ANSWER];
    loop {
        let count = socket.recv(&mut answer).await?;
        if answer[..count].starts_with(&question[..2]) {
            answer.truncate(count);
            return Ok(answer);
        }
    }
}

/// Each message follows its length (RFC 1035 section 4.2.2).
async fn over_tcp(question: &[u8], resolver: SocketAddr) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(resolver).await?;
    let length = u16::try_from(question.len()).unwrap_or(u16::MAX);
    stream.write_all(&[&length.to_be_bytes(), question].concat()).await?;
    let length = stream.read_u16().await?;
    let mut answer = vec![0; usize::from(length)];
    stream.read_exact(&mut answer).await?;
    if answer.starts_with(&question[..2]) { Ok(answer) } else { Err(io::Error::other("it answered something else")) }
}

enum RecordsRead<T> {
    Whole(Records<T>),
    Cut,
}

fn read<T>(
    answer: &[u8],
    name: &str,
    of_type: TYPE,
    pick: &impl Fn(&RData<'_>) -> Option<T>,
) -> Result<RecordsRead<T>, LookupFault> {
    let packet = Packet::parse(answer).map_err(|_| LookupFault::Unreadable)?;
    let asked = name.strip_suffix('.').unwrap_or(name);
    let fits = packet.questions.first().is_none_or(|question| {
        question.qtype == QTYPE::TYPE(of_type) && question.qname.to_string().eq_ignore_ascii_case(asked)
    });
    if !packet.has_flags(PacketFlag::RESPONSE) || !fits {
        return Err(LookupFault::Other);
    }
    if packet.has_flags(PacketFlag::TRUNCATION) {
        return Ok(RecordsRead::Cut);
    }
    match packet.rcode() {
        // Aliases are followed by the resolver: what they lead to stands in the same answer.
        RCODE::NoError => {
            let records = packet.answers.iter().filter_map(|record| pick(&record.rdata)).collect();
            Ok(RecordsRead::Whole(Records::Records(records)))
        }
        RCODE::NameError => Ok(RecordsRead::Whole(Records::NoSuchName)),
        code => Err(LookupFault::Code(code)),
    }
}

fn exchanger(data: &RData<'_>) -> Option<MailExchanger> {
    match data {
        RData::MX(mx) => Some(MailExchanger { preference: mx.preference, host: mx.exchange.to_string() }),
        _ => None,
    }
}

/// Reads an answer that came from nowhere, for `fuzzing`.
#[cfg(fuzzing)]
pub(super) fn fuzzed(bytes: &[u8]) {
    let read = read(bytes, "example.org", TYPE::MX, &exchanger);
    if let Ok(RecordsRead::Whole(records)) = read {
        std::hint::black_box(records.records());
    }
}

fn resolvers_in(text: &str) -> Vec<SocketAddr> {
    let address = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let named = (words.next() == Some("nameserver")).then(|| words.next()).flatten()?;
        named.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, PORT))
    };
    text.lines().filter_map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolvers_of_a_file() {
        let text =
            "# nameserver 192.0.2.9\nsearch example\nnameserver 192.0.2.1\n nameserver\t2001:db8::1 \nnameserver x\n";
        let expected: Vec<SocketAddr> = vec!["192.0.2.1:53".parse().unwrap(), "[2001:db8::1]:53".parse().unwrap()];
        assert_eq!(resolvers_in(text), expected);
    }

    #[test]
    fn an_answer_to_another_question_is_refused() {
        let question = question(7, "example.com", TYPE::MX).unwrap();
        let mut packet = Packet::parse(&question).unwrap().into_reply();
        packet.set_flags(PacketFlag::RESPONSE);
        let octets = packet.build_bytes_vec().unwrap();
        let none = |_: &RData<'_>| None::<()>;
        assert!(matches!(read(&octets, "Example.com.", TYPE::MX, &none), Ok(RecordsRead::Whole(_))));
        assert!(read(&octets, "example.org", TYPE::MX, &none).is_err());
        assert!(read(&octets, "example.com", TYPE::A, &none).is_err());
        assert!(read(b"junk", "example.com", TYPE::A, &none).is_err());
    }
}
