//! A real Prometheus scrapes ten targets through the exporter and fires an alert; modules of `blackbox_exporter` are
//! imported and played; what the documentation offers is checked by promtool.

use super::program::{root, smtp_script};
use super::servers::Servers;
use super::service::{Filtered, Service, dead_port, request, until};
use super::{HELLO, IMPLICIT, LOOPBACK, REFUSED, STARTTLS, sandbox, scenarios};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The relabelling is that of the documentation.
const CONFIG: &str = "
global: {scrape_interval: 3s, scrape_timeout: 3s, evaluation_interval: 1s}
rule_files: [RULES]
scrape_configs:
  - job_name: smtp
    metrics_path: /probe
    static_configs:
TARGETS
    relabel_configs:
      - source_labels: [__address__]
        target_label: __param_target
      - source_labels: [__param_target]
        target_label: instance
      - source_labels: [scenario]
        target_label: __param_scenario
      - target_label: __address__
        replacement: EXPORTER
";

const RULES: &str = "
groups:
  - name: smtp
    rules:
      - alert: Fails
        expr: probe_success == 0
      - alert: CertificateRefused
        expr: probe_failure{cause=\"certificate\"} == 1
";

struct Prometheus {
    child: Child,
    address: SocketAddr,
}

impl Prometheus {
    fn start(folder: &Path, exporter: &str, targets: &[(String, &str)]) -> Prometheus {
        fs::write(folder.join("rules.yml"), RULES).unwrap();
        let line = |(target, scenario): &(String, &str)| {
            format!("      - {{targets: ['{target}'], labels: {{scenario: {scenario}}}}}\n")
        };
        let listed: Vec<String> = targets.iter().map(line).collect();
        let rules = folder.join("rules.yml");
        let config = CONFIG.replace("RULES", rules.to_str().unwrap()).replace("TARGETS\n", &listed.concat());
        fs::write(folder.join("prometheus.yml"), config.replace("EXPORTER", exporter)).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], dead_port()));
        let child = Command::new(installed("prometheus"))
            .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("prometheus.log")).unwrap())
            .spawn();
        let child = child.unwrap_or_else(|error| panic!("run tests/servers/install: {error}"));
        let prometheus = Prometheus { child, address };
        until("Prometheus listens", || std::net::TcpStream::connect(address).ok());
        prometheus
    }

    fn ask(&self, path: &str) -> Value {
        let answer = request(self.address, "GET", path, "");
        serde_json::from_str(&answer.body).unwrap_or(Value::Null)
    }

    /// The value of each series of a query, by its instance.
    fn query(&self, query: &str) -> BTreeMap<String, f64> {
        let answer = self.ask(&format!("/api/v1/query?query={query}"));
        let found = answer["data"]["result"].as_array().cloned().unwrap_or_default();
        let value = |series: &Value| {
            let instance = series["metric"]["instance"].as_str()?.to_owned();
            Some((instance, series["value"][1].as_str()?.parse().ok()?))
        };
        found.iter().filter_map(value).collect()
    }

    /// The targets for which an alert fires.
    fn firing(&self, alert: &str) -> Vec<String> {
        let alerts = self.ask("/api/v1/alerts");
        let all = alerts["data"]["alerts"].as_array().cloned().unwrap_or_default();
        let fires = |one: &&Value| one["labels"]["alertname"] == alert && one["state"] == "firing";
        all.iter().filter(fires).filter_map(|one| one["labels"]["instance"].as_str().map(str::to_owned)).collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn installed(program: &str) -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/smtp-script-servers");
    let prefix = std::env::var_os("SMTP_SCRIPT_SERVERS").map_or_else(home, PathBuf::from);
    prefix.join("prometheus/usr/bin").join(program)
}

#[test]
fn prometheus_scrapes_ten_targets_and_fires() {
    let servers = Servers::start(&["postfix", "exim", "opensmtpd"]);
    let certificates = servers.certificates();
    let certificate = |name: &str| certificates.join(name).to_str().unwrap().to_owned();
    let shows = |name: &str| {
        let (pem, key) = (certificate(&format!("{name}.pem")), certificate(&format!("{name}.key")));
        sandbox(&["--certificate", &pem, "--key", &key])
    };
    let (expired, wrong_name, filtered) = (shows("expired"), shows("wrong-name"), Filtered::start());
    let at = |name: &str, port: usize| format!("127.0.0.1:{}", servers.port(name, port));
    // Debian's OpenSMTPD offers STARTTLS and cannot do it.
    let targets: [(String, &str, Option<&str>); 10] = [
        (at("postfix", 0), "starttls", None),
        (at("postfix", 1), "implicit", None),
        (at("exim", 0), "starttls", None),
        (at("opensmtpd", 0), "starttls", Some("tls")),
        (at("exim", 1), "refused", Some("timeout")),
        (format!("127.0.0.1:{}", dead_port()), "hello", Some("refused")),
        (format!("127.0.0.1:{}", filtered.port), "hello", Some("timeout")),
        (expired.address(), "starttls", Some("certificate")),
        (wrong_name.address(), "starttls", Some("certificate")),
        ("nowhere.invalid:25".to_owned(), "hello", Some("dns")),
    ];
    let folder = scenarios(&[
        ("hello.yaml", HELLO),
        ("starttls.yaml", STARTTLS),
        ("implicit.yaml", IMPLICIT),
        ("refused.yaml", REFUSED),
    ]);
    let authority = servers.ca_file();
    let more = ["--allow-target", "*.invalid:25", "--ca-file", authority.to_str().unwrap()];
    let exporter = Service::exporter(folder.path(), &[LOOPBACK.as_slice(), &more].concat());
    let listed: Vec<_> = targets.iter().map(|(target, scenario, _)| (target.clone(), *scenario)).collect();
    let work = tempfile::tempdir().unwrap();
    let prometheus = Prometheus::start(work.path(), &exporter.address(), &listed);
    let values = until("all targets are scraped", || {
        let values = prometheus.query("probe_success");
        (values.len() == targets.len()).then_some(values)
    });
    assert!(prometheus.query("up").values().all(|up| *up > 0.5), "each scrape got its answer in time");
    for (target, scenario, cause) in &targets {
        let told = || exporter.probe(scenario, target, "&debug=true").body;
        assert_eq!(values[target] < 0.5, cause.is_some(), "{target}: {}", told());
        if let Some(cause) = cause {
            let query = format!("probe_failure%7Bcause%3D%22{cause}%22%7D");
            assert!(prometheus.query(&query)[target] > 0.5, "{target} fails by {cause}");
        }
    }
    let expiries = prometheus.query("probe_ssl_earliest_cert_expiry");
    assert_eq!(expiries.len(), 5, "each that was seen, refused or not: {expiries:?}");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    assert!(expiries[&expired.address()] < now && expiries[&wrong_name.address()] > now, "{expiries:?}");
    let failing = targets.iter().filter(|(_, _, cause)| cause.is_some()).count();
    until("the alert fires", || (prometheus.firing("Fails").len() == failing).then_some(()));
    let mut refused = until("the alert of certificates fires", || {
        Some(prometheus.firing("CertificateRefused")).filter(|all| all.len() == 2)
    });
    refused.sort();
    let mut wanted = vec![expired.address(), wrong_name.address()];
    wanted.sort();
    assert_eq!(refused, wanted);
}

#[test]
fn modules_of_blackbox_exporter_play_after_import() {
    // The modules are those of blackbox_exporter's own example.yml (v0.25.0).
    let modules = root().join("tests/exporter/blackbox.yml");
    let folder = scenarios(&[]);
    for module in ["smtp_starttls", "tcp_connect"] {
        let imported = smtp_script(&["import", "--from", "blackbox", "--module", module, modules.to_str().unwrap()]);
        if module == "tcp_connect" {
            imported.exits(2).says(&["tcp_connect"]);
            continue;
        }
        imported.exits(0);
        fs::write(folder.path().join(format!("{module}.yaml")), &imported.out).unwrap();
    }
    let servers = Servers::start(&["postfix", "exim"]);
    let authority = servers.ca_file();
    let exporter =
        Service::exporter(folder.path(), &[LOOPBACK.as_slice(), &["--ca-file", authority.to_str().unwrap()]].concat());
    for server in ["postfix", "exim"] {
        let target = format!("127.0.0.1:{}", servers.port(server, 0));
        let scrape = exporter.probe("smtp_starttls", &target, "");
        assert_eq!(scrape.cause(), None, "{server}: {}", exporter.probe("smtp_starttls", &target, "&debug=true").body);
    }
    let dead = exporter.probe("smtp_starttls", &format!("127.0.0.1:{}", dead_port()), "");
    assert_eq!(dead.cause(), Some("refused"));
}

#[test]
fn promtool_takes_the_rules_and_what_is_scraped() {
    let folder = root().join("packaging/prometheus");
    let promtool = |arguments: &[&str]| {
        let output = Command::new(installed("promtool")).args(arguments).current_dir(&folder).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
    };
    promtool(&["check", "rules", "smtp-script.rules.yml"]);
    promtool(&["test", "rules", "smtp-script.rules.test.yml"]);
    promtool(&["check", "config", "--syntax-only", "prometheus.yml"]);
    let scenarios = scenarios(&[("hello.yaml", HELLO), ("starttls.yaml", STARTTLS)]);
    let (server, exporter) = (sandbox(&[]), Service::exporter(scenarios.path(), &LOOPBACK));
    let scrapes = [
        exporter.probe("hello", &server.address(), ""),
        exporter.probe("starttls", &server.address(), ""),
        exporter.get("/metrics"),
    ];
    for scrape in scrapes {
        let page = scenarios.path().join("page");
        fs::write(&page, &scrape.body).unwrap();
        let mut lint = Command::new(installed("promtool"));
        let output = lint.args(["check", "metrics"]).stdin(fs::File::open(page).unwrap()).output().unwrap();
        assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stderr), scrape.body);
    }
}

#[test]
fn a_browser_shows_the_start_page_and_the_conversation() {
    let scenarios = scenarios(&[("hello.yaml", HELLO), ("starttls.yaml", STARTTLS)]);
    let (server, exporter) = (sandbox(&[]), Service::exporter(scenarios.path(), &LOOPBACK));
    exporter.probe("hello", &server.address(), "");
    exporter.probe("starttls", &server.address(), "");
    let shown = |path: &str| {
        let mut browser = Command::new("chromium-headless-shell");
        let profile = scenarios.path().join("browser");
        browser.args(["--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"]);
        browser.arg(format!("--user-data-dir={}", profile.display()));
        let output = browser.arg(format!("http://{}{path}", exporter.address())).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("Content Security Policy"), "{said}");
        String::from_utf8(output.stdout).unwrap()
    };
    let start = shown("/");
    for part in ["<h1>Exporter</h1>", "says hello", "</span> certificate", "</span> success", "<a href=\"/probes/2\">"]
    {
        assert!(start.contains(part), "{part} is missing in {start}");
    }
    // The page's own script has built the transcript.
    let conversation = shown("/probes/2");
    assert!(conversation.contains("<li class=\"c\"") || conversation.contains("said-text"), "{conversation}");
    assert!(conversation.contains("nobody trusted signed the certificate"), "{conversation}");
}

#[test]
fn memory_does_not_grow_with_probes() {
    let scenarios = scenarios(&[("hello.yaml", HELLO)]);
    let (server, exporter) = (sandbox(&[]), Service::exporter(scenarios.path(), &LOOPBACK));
    let play = |count: usize| {
        for _ in 0..count {
            assert_eq!(exporter.probe("hello", &server.address(), "").status, 200);
        }
        exporter.memory()
    };
    let (warm, later) = (play(300), play(600));
    assert!(later < warm + 4096, "{warm} KiB after 300 probes, {later} KiB after 900");
}
