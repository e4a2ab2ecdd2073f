//! What Exim says while it delivers (`exim -v`), and what tshark saw on the wire, imported and played again.

use crate::plays;
use crate::servers::Servers;
use crate::transcripts::imported;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

#[test]
fn what_exim_says_while_it_delivers_becomes_a_scenario_that_passes() {
    let servers = Servers::start(&["postfix"]);
    let (plain, ca_file) = (servers.port("postfix", 0), servers.ca_file());
    let folder = tempfile::tempdir().unwrap();
    let told = delivered_by_exim(folder.path(), plain, &ca_file);
    let scenario = imported(folder.path(), "exim", &told);
    let text = fs::read_to_string(&scenario).unwrap();
    assert!(text.contains("  - starttls\n") && text.contains("auth_plain(username, password)"), "{told}\n{text}");
    assert!(text.contains("RCPT TO:<<<to>>>") && text.contains("  to: john@example.com\n"), "{text}");
    plays(&scenario, &["--to", &format!("localhost:{plain}"), "--ca-file", &ca_file.to_string_lossy()]);
}

/// What `exim -v` prints of a message that it relays to that port of localhost.
fn delivered_by_exim(folder: &Path, port: u16, ca_file: &Path) -> String {
    let installed = std::env::var_os("SMTP_SCRIPT_SERVERS").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/smtp-script-servers"),
        PathBuf::from,
    );
    let exim = installed.join("exim/usr/sbin/exim4");
    assert!(exim.exists(), "no Exim at {}: run `tests/servers/install`", exim.display());
    let (here, ca_file) = (folder.display(), ca_file.display());
    let settings = format!(
        "primary_hostname = client.example\nqualify_domain = example.com\nspool_directory = {here}/spool\n\
         log_file_path = {here}/exim-%s.log\nkeep_environment =\ndeliver_drop_privilege = true\nhost_lookup =\n\
         begin routers\nrelay:\n  driver = manualroute\n  route_list = * localhost byname\n  self = send\n  transport = submit\n\
         begin transports\nsubmit:\n  driver = smtp\n  port = {port}\n  hosts_require_tls = *\n  hosts_require_auth = *\n  \
         tls_verify_certificates = {ca_file}\n\
         begin authenticators\nplain:\n  driver = plaintext\n  public_name = PLAIN\n  client_send = ^testuser^testpass\n"
    );
    fs::write(folder.join("exim.conf"), settings).unwrap();
    // Exim's user is compiled in, and nobody wants it on the machine: it exists where Exim runs only.
    let as_its_user = "
        cd \"$1\"
        for file in passwd group; do cp /etc/$file .; done
        grep -q ^Debian-exim: passwd || echo Debian-exim:x:9125:9125::/:/usr/sbin/nologin >> passwd
        grep -q ^Debian-exim: group || echo Debian-exim:x:9125: >> group
        for file in passwd group; do mount --bind $file /etc/$file; done
        mkdir spool
        chown Debian-exim:Debian-exim . spool
        exec \"$2\" -C \"$1/exim.conf\" -v -odi -f sender@example.com john@example.com";
    let mut running = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "--", "bash", "-euc", as_its_user, "exim"])
        .args([folder, &exim])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    running.stdin.take().unwrap().write_all(b"Subject: by Exim\n\nHello\n.dot\n").unwrap();
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[test]
fn what_tshark_follows_becomes_a_scenario_that_passes() {
    let servers = Servers::start(&["postfix"]);
    let plain = servers.port("postfix", 0);
    let folder = tempfile::tempdir().unwrap();
    let capture = Capture::start(folder.path(), plain);
    let sent = Command::new("swaks")
        .args(["--server", &format!("localhost:{plain}"), "--helo", "client.example", "--auth", "PLAIN"])
        .args(["--auth-user", "testuser", "--auth-password", "testpass"])
        .args(["--from", "sender@example.com", "--to", "john@example.com", "--body", "Hello\n.dot"])
        .output()
        .unwrap();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stdout));
    let file = capture.until_both_closed();
    for form in ["ascii", "hex", "raw", "yaml"] {
        let followed = Command::new("tshark")
            .args(["-q", "-r", &file.to_string_lossy(), "-z", &format!("follow,tcp,{form},0")])
            .output()
            .unwrap();
        let scenario = imported(folder.path(), form, &String::from_utf8_lossy(&followed.stdout));
        let text = fs::read_to_string(&scenario).unwrap();
        assert!(text.contains("auth_plain(username, password)") && text.contains("      .dot\n"), "{form}:\n{text}");
        assert!(text.contains(&format!(":{plain}\n")), "{form}:\n{text}");
        plays(&scenario, &["--to", &format!("localhost:{plain}")]);
    }
}

/// tshark, which writes down what goes to and from a port.
struct Capture {
    process: Child,
    /// A line for each packet: whether it ends its side.
    packets: BufReader<ChildStdout>,
    file: PathBuf,
}

impl Capture {
    /// Starts it and waits until it listens.
    fn start(folder: &Path, port: u16) -> Capture {
        let file = folder.join("packets.pcapng");
        let mut process = Command::new("tshark")
            .args(["-i", "lo", "-f", &format!("tcp port {port}"), "-P", "-l", "-T", "fields", "-e", "tcp.flags.fin"])
            .arg("-w")
            .arg(&file)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run tshark ({error}): run `tests/servers/install`"));
        let packets = BufReader::new(process.stdout.take().unwrap());
        let mut said = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(said.any(|line| line.contains("Capture started")), "tshark does not listen");
        // What more it says is read, so that it can go on.
        std::thread::spawn(move || said.for_each(drop));
        Capture { process, packets, file }
    }

    /// What was seen, as soon as both sides have closed.
    fn until_both_closed(mut self) -> PathBuf {
        let mut ends = 0;
        while ends < 2 {
            let mut line = String::new();
            assert!(self.packets.read_line(&mut line).unwrap() > 0, "tshark has ended");
            ends += usize::from(["1", "True"].contains(&line.trim()));
        }
        let id = self.process.id().to_string();
        assert!(Command::new("sh").args(["-c", "kill -INT \"$0\"", &id]).status().unwrap().success());
        self.process.wait().unwrap();
        self.file
    }
}
