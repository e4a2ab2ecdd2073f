//! The exporter: what a scrape gets, what is refused, what a reload changes; and a real Prometheus that scrapes it.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "exporter/monitoring.rs"]
mod monitoring;
#[expect(dead_code, reason = "other tests use more of it")]
#[path = "program/mod.rs"]
mod program;
#[expect(dead_code, reason = "other tests use more of it")]
#[path = "servers/mod.rs"]
mod servers;
#[path = "exporter/service.rs"]
mod service;

use program::smtp_script;
use service::{Filtered, Service, dead_port, request, until};
use std::fs;
use std::io::Write as _;
use tempfile::TempDir;

const HELLO: &str = "name: says hello\nconnect: mx.example:25\ntimeout: 2s\nsteps:\n  - name: greeting\n    expect: ^220\n  \
                     - send: EHLO client.example\n    expect: ^250\n  - send: QUIT\n    expect: ^221\n";
const STARTTLS: &str = "connect: mx.example:25\ntimeout: 2s\nsteps:\n  - expect: ^220\n  - send: EHLO client.example\n    \
                        expect: ^250[ -]STARTTLS\n  - starttls\n  - send: QUIT\n    expect: ^221\n";
const IMPLICIT: &str = "connect: {host: mx.example, port: 465, tls: implicit}\ntimeout: 2s\nsteps:\n  - expect: ^220\n  \
                        - send: QUIT\n    expect: ^221\n";
const REFUSED: &str = "connect: mx.example:25\ntimeout: 2s\nsteps:\n  - expect: ^220\n  - name: no VRFY\n    send: NOSUCH\n    \
                       expect: ^250\n";
const BROKEN: &str = "connect: mx.example:25\nvars: {count: many}\nsteps:\n  - expect: ^220\n  - send: NOOP <<1 // (count | int)>>\n    \
                      expect: ^250\n";
const LOGIN: &str = "connect: mx.example:25\nsecrets: [username, password]\ntimeout: 2s\nsteps:\n  - expect: ^220\n  \
                     - send: EHLO client.example\n    expect: ^250\n  - starttls\n  - send: EHLO client.example\n    \
                     expect: ^250\n  - send: AUTH PLAIN <<auth_plain(username, password)>>\n    expect: ^235\n";

fn scenarios(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn sandbox(more: &[&str]) -> Service {
    Service::start(&[&["serve", "--sandbox", "--quiet", "--listen", "127.0.0.1:0"], more].concat())
}

const LOOPBACK: [&str; 2] = ["--allow-target", "127.0.0.0/8:*"];

#[test]
fn a_probe_tells_what_was_measured() {
    let folder = scenarios(&[("hello.yaml", HELLO), ("mail/starttls.yml", STARTTLS), ("implicit.yaml", IMPLICIT)]);
    let authority = folder.path().join("ca.pem");
    let authority = authority.to_str().unwrap();
    let server = sandbox(&["--ca-out", authority]);
    let exporter = Service::exporter(folder.path(), &[LOOPBACK.as_slice(), &["--ca-file", authority]].concat());
    let hello = exporter.probe("hello", &server.address(), "");
    assert_eq!(hello.status, 200);
    assert!(hello.head.contains("content-type: text/plain; version=0.0.4"), "{}", hello.head);
    assert!(hello.metric("probe_success") > 0.5 && hello.cause().is_none());
    assert!(hello.metric("probe_duration_seconds") > 0.0);
    assert!(hello.metric("probe_step_reply_code{step=\"1\",name=\"greeting\"}") > 219.0);
    assert!(!hello.body.contains("probe_ssl_earliest_cert_expiry"));
    let starttls = exporter.probe("mail/starttls", &server.address(), "");
    assert!(starttls.metric("probe_success") > 0.5, "{}", starttls.body);
    assert!(starttls.metric("probe_ssl_earliest_cert_expiry") > 1.7e9);
    assert!(starttls.metric("probe_tls_version_info{version=\"TLSv1.3\"}") > 0.5);
    assert!(starttls.metric("probe_tls_verified") > 0.5);
    assert!(starttls.metric("probe_phase_duration_seconds{phase=\"tls\"}") > 0.0);
    let own = exporter.get("/metrics");
    assert!(own.metric("smtp_script_exporter_probes_total{scenario=\"hello\",result=\"success\"}") > 0.5);
    assert!(own.metric("smtp_script_exporter_scenarios") > 2.5);
}

#[test]
fn the_causes_are_told_apart() {
    let folder = scenarios(&[
        ("hello.yaml", HELLO),
        ("starttls.yaml", STARTTLS),
        ("implicit.yaml", IMPLICIT),
        ("refused.yaml", REFUSED),
        ("broken.yaml", BROKEN),
    ]);
    let (server, filtered) = (sandbox(&[]), Filtered::start());
    let exporter =
        Service::exporter(folder.path(), &[LOOPBACK.as_slice(), &["--allow-target", "*.invalid:25"]].concat());
    let server = server.address();
    for (cause, scenario, target) in [
        ("dns", "hello", "nowhere.invalid:25".to_owned()),
        ("refused", "hello", format!("127.0.0.1:{}", dead_port())),
        ("timeout", "hello", format!("127.0.0.1:{}", filtered.port)),
        ("tls", "implicit", server.clone()),
        ("certificate", "starttls", server.clone()),
        ("diverged", "refused", server.clone()),
        ("scenario", "broken", server.clone()),
    ] {
        let scrape = exporter.probe(scenario, &target, "");
        assert_eq!((scrape.status, scrape.cause()), (200, Some(cause)), "{}", scrape.body);
        assert!(scrape.metric("probe_success") < 0.5);
        assert_eq!(
            scrape.body.contains("\nprobe_ssl_earliest_cert_expiry "),
            cause == "certificate",
            "{}",
            scrape.body
        );
        let debug = exporter.probe(scenario, &target, "&debug=true");
        assert!(debug.body.contains(&format!("failed, cause: {cause}")), "{}", debug.body);
        assert!(debug.body.contains("\nerror: ") && debug.body.contains("What a scrape gets:"), "{}", debug.body);
        let own = exporter.get("/metrics");
        let total = format!("smtp_script_exporter_probes_total{{scenario=\"{scenario}\",result=\"{cause}\"}}");
        assert!(own.metric(&total) > 1.5);
    }
    let start = exporter.get("/").body;
    for cause in ["dns", "refused", "timeout", "tls", "certificate", "diverged", "scenario"] {
        assert!(start.contains(&format!("</span> {cause}</span>")), "{cause} is missing in {start}");
    }
}

#[test]
fn what_is_not_allowed_is_refused() {
    let folder = scenarios(&[("hello.yaml", HELLO)]);
    let exporter = Service::exporter(folder.path(), &["--allow-target", "*.example.com:587"]);
    for (path, status, says) in [
        ("/probe?scenario=hello&target=127.0.0.1:25", 403, "no `--allow-target` allows `127.0.0.1:25`"),
        ("/probe?scenario=hello&target=mx.example.com:25", 403, "allows `mx.example.com:25`"),
        ("/probe?scenario=other&target=mx.example.com:587", 404, "no scenario is called `other`"),
        ("/probe?scenario=..%2Fhello&target=mx.example.com:587", 404, "no scenario is called `../hello`"),
        ("/probe?scenario=%1b%5b31m&target=a:1", 404, "`\\x1b[31m`"),
        ("/probe?scenario=hello", 400, "`target` is missing"),
        ("/probe?target=mx.example.com:587", 400, "`scenario` is missing"),
        ("/probe?scenario=hello&target=a:b", 400, "`b` is not a port"),
        ("/probe?scenario=hello&scenario=hello", 400, "`scenario` is given twice"),
        ("/probe?scenario=%f", 400, "not encoded"),
        ("/nothing", 404, "there is nothing here"),
        ("/probes/77", 404, "not kept"),
        ("/-/reload", 405, "only POST, PUT"),
    ] {
        let answer = exporter.get(path);
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        assert!(answer.body.contains(says), "{path}: {}", answer.body);
    }
    assert_eq!(exporter.post("/probe?scenario=hello&target=a:1").status, 405);
    assert_eq!(exporter.get("/-/healthy").status, 200);
    assert_eq!(exporter.get("/-/ready").status, 200);
    let own = exporter.get("/metrics");
    assert!(own.metric("smtp_script_exporter_refused_requests_total{reason=\"target\"}") > 1.5);
}

#[test]
fn secrets_are_in_nothing_that_is_shown() {
    let folder = scenarios(&[("login.yaml", LOGIN)]);
    let authority = folder.path().join("ca.pem");
    let authority = authority.to_str().unwrap();
    let server = sandbox(&["--ca-out", authority]);
    let secrets = folder.path().join("secrets");
    fs::write(&secrets, "username=marvin\npassword=p4ssw0rd-of-marvin\n").unwrap();
    let more = ["--ca-file", authority, "--secrets-file", secrets.to_str().unwrap()];
    let exporter = Service::exporter(folder.path(), &[LOOPBACK.as_slice(), &more].concat());
    let debug = exporter.probe("login", &server.address(), "&debug=true");
    assert!(debug.body.contains("AUTH PLAIN <<auth_plain(username, password)>>"), "{}", debug.body);
    for page in [debug, exporter.get("/"), exporter.get("/probes/1"), exporter.get("/metrics")] {
        assert_eq!(page.status, 200);
        assert!(!page.body.contains("p4ssw0rd-of-marvin"), "{}", page.body);
    }
}

#[test]
fn a_probe_ends_before_the_scrape_does() {
    let folder = scenarios(&[("hello.yaml", &HELLO.replace("timeout: 2s", "timeout: 60s"))]);
    let filtered = Filtered::start();
    let exporter = Service::exporter(folder.path(), &LOOPBACK);
    let scrape = exporter.probe("hello", &format!("127.0.0.1:{}", filtered.port), "");
    assert_eq!(scrape.cause(), Some("timeout"));
    let took = scrape.metric("probe_duration_seconds");
    assert!(took < 3.0, "the scrape would have been over after 3 s: {took}");
}

#[test]
fn so_many_probes_at_once_and_no_more() {
    let folder = scenarios(&[("hello.yaml", HELLO)]);
    let filtered = Filtered::start();
    let exporter = Service::exporter(folder.path(), &[LOOPBACK.as_slice(), &["--jobs", "1"]].concat());
    let target = format!("127.0.0.1:{}", filtered.port);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let probe = || {
            let path = format!("/probe?scenario=hello&target={target}");
            request(exporter.address().parse().unwrap(), "GET", &path, "X-Prometheus-Scrape-Timeout-Seconds: 1.2\r\n")
                .status
        };
        let probes: Vec<_> = (0..4).map(|_| scope.spawn(probe)).collect();
        probes.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(statuses.contains(&200) && statuses.contains(&503), "{statuses:?}");
}

#[test]
fn a_probe_that_nobody_waits_for_ends() {
    let folder = scenarios(&[("hello.yaml", &HELLO.replace("timeout: 2s", "timeout: 60s"))]);
    let filtered = Filtered::start();
    let exporter = Service::exporter(folder.path(), &LOOPBACK);
    let mut client = std::net::TcpStream::connect(exporter.address()).unwrap();
    let target = format!("127.0.0.1:{}", filtered.port);
    write!(client, "GET /probe?scenario=hello&target={target} HTTP/1.1\r\nHost: exporter\r\n\r\n").unwrap();
    let under_way = || exporter.get("/metrics").metric("smtp_script_exporter_probes_under_way");
    until("the probe begins", || (under_way() > 0.5).then_some(()));
    drop(client);
    let gone = std::time::Instant::now();
    until("the probe ends", || (under_way() < 0.5).then_some(()));
    assert!(gone.elapsed().as_secs() < 15, "it was broken off, long before its own 30 s");
}

#[test]
fn a_reload_brings_what_is_new_or_nothing() {
    let folder = scenarios(&[("hello.yaml", HELLO)]);
    let allowed = folder.path().join("allowed");
    fs::write(&allowed, "# who may be probed\n127.0.0.1:*\n").unwrap();
    let server = sandbox(&[]);
    let mut exporter = Service::exporter(folder.path(), &["--allow-targets-file", allowed.to_str().unwrap()]);
    fs::write(folder.path().join("other.yaml"), HELLO).unwrap();
    assert_eq!(exporter.probe("other", &server.address(), "").status, 404);
    assert_eq!(exporter.post("/-/reload").body, "loaded: 2 scenarios\n");
    assert_eq!(exporter.probe("other", &server.address(), "").status, 200);
    // What is broken changes nothing, and says what is wrong.
    fs::write(folder.path().join("other.yaml"), "connect: mx.example\nsteps:\n  - sned: EHLO\n").unwrap();
    let failed = exporter.post("/-/reload");
    assert_eq!(failed.status, 500);
    assert!(failed.body.contains("sned") && failed.body.contains("other.yaml:3"), "{}", failed.body);
    assert_eq!(exporter.probe("other", &server.address(), "").status, 200);
    assert!(exporter.get("/metrics").metric("smtp_script_exporter_last_reload_successful") < 0.5);
    // The signal does the same, also with who is allowed.
    fs::remove_file(folder.path().join("other.yaml")).unwrap();
    fs::write(&allowed, "192.0.2.1:25\n").unwrap();
    exporter.signal("HUP");
    until("the signal reloads", || (exporter.probe("hello", &server.address(), "").status == 403).then_some(()));
    assert_eq!(exporter.end(), Some(0));
}

#[test]
fn a_folder_that_cannot_be_played_is_refused_at_the_start() {
    for (file, text, says) in [
        ("a.yaml", "connect: mx.example\nsteps:\n  - sned: EHLO\n", "sned"),
        ("a.yaml", "connect: mx.example\nsecrets: [password]\nsteps:\n  - send: <<password>>\n", "password"),
        ("a.yaml", "server:\n  connections:\n    - steps:\n        - reply: 220 a\n", "`server:`"),
        (
            "a.yaml",
            "connect: mx.example\nvars: {a: 1}\ncases:\n  - {a: 1}\n  - {a: 2}\nsteps:\n  - send: NOOP <<a>>\n    expect: ^2\n",
            "`cases:`",
        ),
        ("other.txt", "", "no scenarios found in"),
    ] {
        let folder = scenarios(&[(file, text)]);
        let path = folder.path().to_str().unwrap();
        let played = smtp_script(&["exporter", path, "--listen", "127.0.0.1:0", "--allow-target", "*:25"]);
        played.exits(2).says(&["error:", says]);
    }
    let folder = scenarios(&[("hello.yaml", HELLO)]);
    let path = folder.path().to_str().unwrap();
    smtp_script(&["exporter", path, "--listen", "127.0.0.1:0"]).exits(2).says(&["--allow-target"]);
    smtp_script(&["exporter", path, "--listen", "127.0.0.1:0", "--allow-target", "mx"]).exits(2).says(&["HOST:PORT"]);
}
