//! A headless Chromium that this test drives, without any network.
//!
//! It is spoken to over two pipes in the `DevTools` protocol: JSON, each message ended by a NUL.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// The browser may take no longer for any answer.
const LIMIT: Duration = Duration::from_secs(60);
/// The protocol is read at descriptor 3 and written at 4.
const START: &str = r#"exec chromium-headless-shell "$@" about:blank 3<&0 4>&1 </dev/null >/dev/null 2>&1"#;
const FLAGS: [&str; 6] = [
    "--remote-debugging-pipe",
    // The tests run as root in a container, where Chromium's own sandbox cannot start.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=127.0.0.1:9",
];

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    page: String,
    serial: u64,
    /// What it told unasked.
    pub(crate) events: Vec<Value>,
    _folder: TempDir,
}

impl Browser {
    /// # Panics
    /// When there is no `chromium-headless-shell`: `tests/servers/install` installs it.
    pub(crate) fn start() -> Browser {
        let found = Command::new("chromium-headless-shell").arg("--version").output();
        assert!(found.is_ok(), "`chromium-headless-shell` is not installed: run tests/servers/install");
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new("sh");
        command.args(["-c", START, "sh"]).args(FLAGS);
        command.arg(format!("--user-data-dir={}", folder.path().display()));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell");
        let input = child.stdin.take().expect("a pipe");
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, messages) = channel();
        thread::spawn(move || {
            let mut message = Vec::new();
            while output.read_until(0, &mut message).is_ok_and(|length| length > 0) {
                message.pop();
                let read = serde_json::from_slice(&message).expect("a message in JSON");
                if sender.send(read).is_err() {
                    return;
                }
                message.clear();
            }
        });
        let page = String::new();
        let mut browser = Browser { child, input, messages, page, serial: 0, events: Vec::new(), _folder: folder };
        browser.open_page();
        browser
    }

    fn open_page(&mut self) {
        let target = self.call("Target.createTarget", &json!({"url": "about:blank"}))["targetId"].clone();
        let attached = self.call("Target.attachToTarget", &json!({"targetId": target, "flatten": true}));
        attached["sessionId"].as_str().expect("a session").clone_into(&mut self.page);
        for domain in ["Page", "Runtime", "Log", "Network", "Accessibility"] {
            self.call(&format!("{domain}.enable"), &json!({}));
        }
    }

    /// Asks for something and waits for the answer.
    ///
    /// # Panics
    /// When it is refused.
    pub(crate) fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.serial += 1;
        let mut message = json!({"id": self.serial, "method": method, "params": parameters});
        if !self.page.is_empty() {
            message["sessionId"] = self.page.clone().into();
        }
        self.input.write_all(format!("{message}\0").as_bytes()).expect("the browser listens");
        loop {
            let message = self.next();
            if message["id"] == self.serial {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    fn next(&mut self) -> Value {
        self.messages.recv_timeout(LIMIT).expect("a message of the browser in time")
    }

    /// Opens a file of the disk, perhaps at a place of it, and waits until it is loaded.
    pub(crate) fn open(&mut self, file: &Path, place: &str) {
        // The same file at another place would not be loaded anew.
        self.go("about:blank");
        self.events.clear();
        self.go(&format!("file://{}{place}", file.display()));
    }

    fn go(&mut self, url: &str) {
        let already = self.events.len();
        self.call("Page.navigate", &json!({"url": url}));
        let is_loaded = |event: &Value| event["method"] == "Page.loadEventFired";
        while !self.events[already..].iter().any(is_loaded) {
            let event = self.next();
            self.events.push(event);
        }
    }

    /// The value of an expression in the page; a promise is waited for.
    ///
    /// # Panics
    /// When it throws.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let result = self.call("Runtime.evaluate", &parameters);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {}", result["exceptionDetails"]);
        result["result"]["value"].clone()
    }

    /// Presses a key as a person does.
    pub(crate) fn press(&mut self, key: &str) {
        let text = match key {
            "Enter" => "\r",
            _ if key.chars().count() == 1 => key,
            _ => "",
        };
        let code = if key == "Enter" { 13 } else { 0 };
        let down = json!({"type": "keyDown", "key": key, "text": text, "windowsVirtualKeyCode": code});
        self.call("Input.dispatchKeyEvent", &down);
        self.call("Input.dispatchKeyEvent", &json!({"type": "keyUp", "key": key, "windowsVirtualKeyCode": code}));
    }

    /// Makes the window so wide, in CSS pixels.
    pub(crate) fn width(&mut self, width: u32) {
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", &size);
    }

    /// `light` or `dark`, as the system asks for.
    pub(crate) fn scheme(&mut self, scheme: &str) {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", &features);
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It ends its own processes when it is asked to; a browser that does not listen any more is ended.
        let asked = self.input.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        while asked.is_ok() && self.messages.recv_timeout(Duration::from_secs(10)).is_ok() {}
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
