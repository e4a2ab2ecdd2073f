//! The ways to a server: unix sockets, mail exchangers, proxies, a local address.

use crate::play::{Folder, Peer, Server, run};
use simple_dns::rdata::{A, MX, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixListener;
use std::thread;

const SESSION: &str = "
steps:
  - expect: ^220
  - send: QUIT
    expect: ^221
";

/// Greets, and says goodbye to QUIT.
fn greets<S: Read + Write>(mut peer: Peer<S>) -> Vec<u8> {
    peer.greet_and_answer("none");
    peer.received
}

// --- unix sockets ----------------------------------------------------------------------------------------------

#[test]
fn a_unix_socket() {
    let folder = Folder::new();
    let path = folder.path().join("lmtp.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let server = thread::spawn(move || greets(Peer::new(listener.accept().unwrap().0)));
    let scenario = format!("vars: {{where: {}}}\nconnect: {{unix: <<where>>}}{SESSION}", path.display());
    folder.run(&scenario, &[]).followed().says(&format!("connected to the unix socket {}", path.display()));
    assert_eq!(server.join().unwrap(), b"QUIT\r\n");
}

#[test]
fn a_unix_socket_that_is_not_there() {
    let ran = run(&format!("connect: {{unix: /nonexistent/socket}}{SESSION}"), &[]);
    ran.ended(3).says("the unix socket /nonexistent/socket: no such file or directory");
}

#[test]
fn a_capture_does_not_choose_a_socket() {
    let steps =
        "connect: 127.0.0.1:1\nsteps:\n  - expect: ^220 (?<path>\\S+)\n  - connect: {unix: <<path>>, as: other}\n";
    run(steps, &[]).ended(2).says("only `vars` may choose hosts");
}

// --- mail exchangers -------------------------------------------------------------------------------------------

/// What the DNS server of a test knows.
#[derive(Clone, Default)]
struct Zone {
    mx: Vec<(&'static str, u16, &'static str)>,
    a: Vec<(&'static str, Ipv4Addr)>,
    /// Answers over UDP are cut.
    cuts: bool,
    fails: bool,
}

impl Zone {
    /// Answers over UDP and TCP on one port, until the test ends.
    fn serve(self) -> SocketAddr {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = tcp.local_addr().unwrap();
        let udp = UdpSocket::bind(address).unwrap();
        let zone = self.clone();
        thread::spawn(move || {
            let mut question = [0; 1024];
            while let Ok((count, from)) = udp.recv_from(&mut question) {
                udp.send_to(&self.answer(&question[..count], self.cuts), from).unwrap();
            }
        });
        thread::spawn(move || {
            for stream in tcp.incoming() {
                zone.answer_over_tcp(stream.unwrap());
            }
        });
        address
    }

    fn answer_over_tcp(&self, mut stream: TcpStream) {
        let mut length = [0; 2];
        stream.read_exact(&mut length).unwrap();
        let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut question).unwrap();
        let answer = self.answer(&question, false);
        let length = u16::try_from(answer.len()).unwrap().to_be_bytes();
        stream.write_all(&[&length[..], &answer].concat()).unwrap();
    }

    fn answer(&self, question: &[u8], cut: bool) -> Vec<u8> {
        let mut packet = Packet::parse(question).unwrap().into_reply();
        packet.set_flags(PacketFlag::RESPONSE);
        let asked = packet.questions[0].clone();
        let name = asked.qname.to_string();
        let known = self.mx.iter().any(|(owner, ..)| *owner == name) || self.a.iter().any(|(owner, _)| *owner == name);
        match (self.fails, known) {
            (true, _) => *packet.rcode_mut() = RCODE::ServerFailure,
            (false, false) => *packet.rcode_mut() = RCODE::NameError,
            (false, true) if cut => packet.set_flags(PacketFlag::TRUNCATION),
            (false, true) => {}
        }
        let mut add = |data| packet.answers.push(ResourceRecord::new(asked.qname.clone(), CLASS::IN, 60, data));
        if asked.qtype == QTYPE::TYPE(TYPE::MX) && !cut {
            for (_, preference, host) in self.mx.iter().filter(|(owner, ..)| *owner == name) {
                add(RData::MX(MX { preference: *preference, exchange: Name::new(host).unwrap() }));
            }
        }
        if asked.qtype == QTYPE::TYPE(TYPE::A) && !cut {
            for (_, ip) in self.a.iter().filter(|(owner, _)| *owner == name) {
                add(RData::A(A { address: (*ip).into() }));
            }
        }
        packet.build_bytes_vec().unwrap()
    }
}

fn mx_scenario(port: u16) -> String {
    format!("connect: {{mx: example.test, port: {port}}}{SESSION}")
}

const FIRST: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const SECOND: Ipv4Addr = Ipv4Addr::LOCALHOST;

#[test]
fn the_preferred_exchanger_first_and_the_next_when_it_does_not_accept() {
    for cuts in [false, true] {
        let zone = Zone {
            mx: vec![("example.test", 20, "backup.test"), ("example.test", 10, "main.test")],
            a: vec![("main.test", FIRST), ("backup.test", SECOND)],
            cuts,
            ..Zone::default()
        };
        let resolver = zone.serve().to_string();
        // Only the second listens on this port.
        let server = Server::start(greets);
        let ran = run(&mx_scenario(server.address.port()), &["--resolver", &resolver]);
        ran.followed()
            .says("MX of example.test: 10 main.test, 20 backup.test")
            .says("MX host main.test did not accept: 127.0.0.2:")
            .says(&format!("connected to backup.test:{} (127.0.0.1)", server.address.port()));
        assert_eq!(server.end(), b"QUIT\r\n");
    }
}

/// A verdict for each: one that follows the script, one that nobody answers for.
#[test]
fn every_exchanger_in_turn() {
    let zone = Zone {
        mx: vec![("example.test", 20, "backup.test"), ("example.test", 10, "main.test")],
        a: vec![("main.test", FIRST), ("backup.test", SECOND)],
        ..Zone::default()
    };
    let resolver = zone.serve().to_string();
    let server = Server::start(greets);
    let scenario = mx_scenario(server.address.port()).replace("mx: example.test", "mx: example.test, every: true");
    let ran = run(&scenario, &["--resolver", &resolver]);
    ran.ended(3);
    ran.says("[MX main.test]").says("[MX backup.test]").says("2 scenarios: 1 followed, 1 unreachable");
    assert_eq!(server.end(), b"QUIT\r\n");
}

#[test]
fn a_seed_decides_among_equal_exchangers() {
    let hosts = ["a.test", "b.test", "c.test", "d.test"];
    let mx = hosts.iter().map(|host| ("example.test", 10, *host)).collect();
    let resolver = Zone { mx, ..Zone::default() }.serve().to_string();
    let order = |seed: &str| {
        let ran = run(&mx_scenario(1), &["--resolver", &resolver, "--seed", seed]);
        ran.ended(3);
        ran.stderr
            .lines()
            .find(|line| line.contains("MX of example.test"))
            .unwrap()
            .split("MX of")
            .nth(1)
            .unwrap()
            .to_owned()
    };
    assert_eq!(order("1"), order("1"));
    let orders: std::collections::BTreeSet<String> = ["1", "2", "3", "4", "5", "6"].map(order).into();
    assert!(orders.len() > 1, "{orders:?}");
}

#[test]
fn without_mx_the_domain_itself_is_the_exchanger() {
    let server = Server::start(greets);
    let resolver = Zone { a: vec![("example.test", SECOND)], ..Zone::default() }.serve().to_string();
    run(&mx_scenario(server.address.port()), &["--resolver", &resolver]).followed().says("connected to example.test:");
    server.end();
}

#[test]
fn domains_that_take_no_mail() {
    let null = Zone { mx: vec![("example.test", 0, "")], ..Zone::default() }.serve().to_string();
    run(&mx_scenario(1), &["--resolver", &null]).ended(3).says("takes no mail: its MX record is null (RFC 7505)");
    let nothing = Zone::default().serve().to_string();
    run(&mx_scenario(1), &["--resolver", &nothing]).ended(3).says("the domain `example.test` does not exist");
    let broken = Zone { fails: true, ..Zone::default() }.serve().to_string();
    run(&mx_scenario(1), &["--resolver", &broken]).ended(3).says("it failed (SERVFAIL)");
    let lost = Zone { mx: vec![("example.test", 5, "gone.test")], ..Zone::default() }.serve().to_string();
    let ran = run(&mx_scenario(1), &["--resolver", &lost]);
    ran.ended(3).says("no mail exchanger of `example.test` accepted: `gone.test`").says("it does not exist");
}

#[test]
fn to_takes_the_place_of_every_way() {
    for way in ["{mx: example.test}", "{unix: /nonexistent}"] {
        let server = Server::start(greets);
        run(&format!("connect: {way}{SESSION}"), &["--to", &server.address.to_string()]).followed();
        server.end();
        run(&format!("connect: {way}{SESSION}"), &["--sandbox"]).followed();
    }
    let proxied = "connect: {host: mx.test, socks5: proxy.test, proxy_protocol: {version: 1}}";
    run(&format!("{proxied}{SESSION}"), &["--sandbox"]).followed();
}

// --- proxies ---------------------------------------------------------------------------------------------------

/// Speaks the proxy's half of SOCKS5 and answers with this code; gives what was asked for.
fn socks(peer: &mut Peer<TcpStream>, code: u8) -> Vec<u8> {
    assert_eq!(peer.octets(3), [5, 1, 0]);
    peer.say_bytes(&[5, 0]);
    let mut request = peer.octets(4);
    let length = match request[3] {
        1 => 4,
        4 => 16,
        _ => {
            request.extend(peer.octets(1));
            usize::from(request[4])
        }
    };
    request.extend(peer.octets(length + 2));
    peer.say_bytes(&[5, code, 0, 3, 4]);
    peer.say_bytes(b"here\x00\x19");
    peer.received.clear();
    request
}

fn through(proxy: SocketAddr, host: &str) -> String {
    format!("connect: {{host: '{host}', port: 2525, socks5: {proxy}}}{SESSION}")
}

#[test]
fn a_socks_proxy_resolves_the_name() {
    let server = Server::start(|mut peer| {
        let request = socks(&mut peer, 0);
        (request, greets(peer))
    });
    let ran = run(&through(server.address, "mx.unknown.test"), &[]);
    ran.followed().says(&format!("connected to mx.unknown.test:2525 through the SOCKS5 proxy {}", server.address));
    let (request, session) = server.end();
    assert_eq!(request, b"\x05\x01\x00\x03\x0fmx.unknown.test\x09\xdd");
    assert_eq!(session, b"QUIT\r\n");
}

#[test]
fn addresses_go_to_a_socks_proxy_as_addresses() {
    for (host, expected) in [
        ("192.0.2.1", &b"\x05\x01\x00\x01\xc0\x00\x02\x01\x09\xdd"[..]),
        ("[::1]", b"\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x09\xdd"),
    ] {
        let server = Server::start(|mut peer| {
            let request = socks(&mut peer, 0);
            greets(peer);
            request
        });
        run(&through(server.address, host), &[]).followed();
        assert_eq!(server.end(), expected);
    }
}

#[test]
fn a_socks_proxy_that_refuses_says_why() {
    for (code, told) in
        [(2, "its rules do not allow it"), (4, "its name is not known"), (5, "the connection was refused")]
    {
        let server = Server::start(move |mut peer| socks(&mut peer, code));
        run(&through(server.address, "mx.test"), &[]).ended(3).says(told);
        server.end();
    }
    let insists = Server::start(|mut peer| {
        peer.octets(3);
        peer.say_bytes(&[5, 0xff]);
    });
    run(&through(insists.address, "mx.test"), &[]).ended(3).says("it insists on authentication");
    let other = Server::start(|mut peer| peer.say("220 this is SMTP"));
    run(&through(other.address, "mx.test"), &[]).ended(3).says("it does not speak SOCKS5: it answered 0x32");
}

#[test]
fn a_secret_does_not_go_through_a_proxy_on_this_machine_unprotected() {
    let server = Server::start(|mut peer| {
        socks(&mut peer, 0);
        peer.say("220 test");
        let _ = peer.read_rest();
        peer.received
    });
    let scenario = format!(
        "secrets: [password]\nconnect: {{host: mx.test, socks5: {}}}\nsteps:\n  - expect: 220\n  - send: <<password>>\n    expect: 250\n",
        server.address
    );
    run(&scenario, &["--secret", "password=correct-horse"]).ended(2).says("in plain text");
    assert_eq!(server.end(), b"");
}

#[test]
fn the_proxy_protocol_comes_before_all_else() {
    let line = "{version: 1, source: '192.0.2.1:1000', destination: '198.51.100.2:25'}";
    let server = Server::start(|mut peer| {
        let line = peer.line();
        peer.say("220 test");
        (line, peer.line(), peer.say("221 bye"))
    });
    let scenario =
        format!("connect: {{host: 127.0.0.1, port: {}, proxy_protocol: {line}}}{SESSION}", server.address.port());
    run(&scenario, &[]).followed().says("C: PROXY TCP4 192.0.2.1 198.51.100.2 1000 25");
    let (line, quit, ()) = server.end();
    assert_eq!((&*line, &*quit), ("PROXY TCP4 192.0.2.1 198.51.100.2 1000 25", "QUIT"));
}

#[test]
fn version_2_of_the_proxy_protocol_is_binary() {
    let server = Server::start(|mut peer| {
        let header = peer.octets(28);
        greets(peer);
        header
    });
    let header = "{version: 2, source: '192.0.2.1:258', destination: '198.51.100.2:25'}";
    let scenario =
        format!("connect: {{host: 127.0.0.1, port: {}, proxy_protocol: {header}}}{SESSION}", server.address.port());
    run(&scenario, &[]).followed().says("C: [PROXY protocol version 2: 192.0.2.1:258 to 198.51.100.2:25]");
    assert_eq!(server.end(), b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\x01\x02\0\x19");
}

#[test]
fn the_proxy_header_goes_to_the_server_behind_the_proxy() {
    let server = Server::start(|mut peer| {
        socks(&mut peer, 0);
        let line = peer.line();
        greets(peer);
        line
    });
    let scenario =
        format!("connect: {{host: mx.test, socks5: {}, proxy_protocol: {{version: 1}}}}{SESSION}", server.address);
    run(&scenario, &[]).followed();
    assert_eq!(server.end(), "PROXY UNKNOWN");
}

// --- the local address -----------------------------------------------------------------------------------------

#[test]
fn a_local_address_with_its_port() {
    // A port that is free: it was just given away and is closed again.
    let port = TcpListener::bind("127.0.0.3:0").unwrap().local_addr().unwrap().port();
    let server = Server::start(|peer| {
        let from = peer.address();
        greets(peer);
        from
    });
    let scenario = format!(
        "connect: {{host: 127.0.0.1, port: {}, local_address: '127.0.0.3:{port}'}}{SESSION}",
        server.address.port()
    );
    run(&scenario, &[]).followed();
    assert_eq!(server.end().to_string(), format!("127.0.0.3:{port}"));
}

#[test]
fn mistakes_are_told_before_the_run() {
    for (connect, told) in [
        ("{port: 25}", "`connect` needs a `host`"),
        ("{host: a.test, mx: b.test}", "`mx` cannot stand beside `host`"),
        ("{unix: /run/x, port: 25}", "`port` cannot stand beside `unix`"),
        ("{host: a.test, proxy_protocol: {version: 3}}", "is `1` or `2`"),
        ("{host: a.test, proxy_protocol: {version: 1, source: '192.0.2.1:1'}}", "go together"),
        ("{host: a.test, proxy_protocol: {version: 1, source: a, destination: b}}", "not an IP address with a port"),
        (
            "{host: a.test, proxy_protocol: {version: 1, source: '192.0.2.1:1', destination: '[::1]:1'}}",
            "not of the same IP version",
        ),
    ] {
        run(&format!("connect: {connect}{SESSION}"), &[]).ended(2).says(told);
    }
}
