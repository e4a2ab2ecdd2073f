//! Names, addresses and refusals.

use std::net::{IpAddr, Ipv4Addr, TcpListener};

use super::{Server, read_out, target};
use crate::net::connect::{ConnectFailureKind, IpFamily, Target, connect};

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn a_refusal_names_the_address() {
    let address = format!("127.0.0.1:{}", free_port());
    let failure = connect(&target(address.parse().unwrap())).await.unwrap_err();
    assert_eq!(failure.kind, ConnectFailureKind::Refused);
    assert_eq!(failure.message, format!("{address}: connection refused"));
}

#[tokio::test]
async fn a_name_is_resolved_and_each_address_tried() {
    let server = Server::start(|mut tcp| read_out(&mut tcp));
    let host = "localhost".to_owned();
    let target = Target { host, ..target(server.address) };
    let stream = connect(&target).await.unwrap();
    assert_eq!(stream.peer(), Some(server.address));
    stream.close().await;
    server.end();
}

#[tokio::test]
async fn an_unknown_name_says_so() {
    let target =
        Target { host: "no-such-host.invalid".to_owned(), port: 25, ip: None, local_address: None, public_only: false };
    let failure = connect(&target).await.unwrap_err();
    assert_eq!(failure.kind, ConnectFailureKind::Name);
    assert!(failure.message.starts_with("the name `no-such-host.invalid` could not be resolved: "), "{failure:?}");
}

#[tokio::test]
async fn ipv6_with_and_without_brackets() {
    for host in ["::1", "[::1]"] {
        let server = Server::start_on("[::1]:0", |mut tcp| read_out(&mut tcp));
        let target = Target { host: host.to_owned(), ip: Some(IpFamily::V6), ..target(server.address) };
        let stream = connect(&target).await.unwrap();
        assert_eq!((stream.peer(), stream.is_tls()), (Some(server.address), false));
        drop(stream);
        server.end();
    }
}

#[tokio::test]
async fn an_address_of_the_other_ip_version_does_not_fit() {
    let target = Target { ip: Some(IpFamily::V6), ..target("127.0.0.1:25".parse().unwrap()) };
    let failure = connect(&target).await.unwrap_err();
    assert_eq!(failure.kind, ConnectFailureKind::Name);
    assert!(failure.message.contains("no address that is IPv6: it has 127.0.0.1"), "{failure:?}");
}

#[tokio::test]
async fn the_local_address_is_used() {
    let server = Server::start(|mut tcp| {
        read_out(&mut tcp);
        tcp.peer_addr().unwrap()
    });
    let local = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
    let target = Target { local_address: Some((local, 0)), ..target(server.address) };
    let stream = connect(&target).await.unwrap();
    let ours = stream.local();
    assert_eq!(ours.ip(), local);
    stream.close().await;
    assert_eq!(server.end(), ours);
}

#[tokio::test]
async fn a_foreign_local_address_is_refused_in_words() {
    let foreign = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let target = Target { local_address: Some((foreign, 0)), ..target("127.0.0.1:25".parse().unwrap()) };
    let failure = connect(&target).await.unwrap_err();
    assert_eq!(failure.kind, ConnectFailureKind::Other);
    assert!(failure.message.contains("the local address `192.0.2.1:0` can't be used"), "{failure:?}");
}
