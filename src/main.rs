//! The binary: hands over to the library's command line.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    read_roots_lazily();
    smtp_script::cli::main()
}

/// Debian's and Ubuntu's roots: one bundle, and the same certificates one a file.
const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
const FOLDER: &str = "/etc/ssl/certs";

/// Keeps OpenSSL from parsing the whole bundle of root certificates for every TLS session's connector.
///
/// That costs tens of milliseconds, and the folder of certificates beside the bundle holds the same roots, one a file, of
/// which only the one needed is read. Where there is no such folder, or the user has chosen other roots, nothing is changed.
fn read_roots_lazily() {
    let usual = |name: &str, value: &str| std::env::var_os(name).is_none_or(|chosen| chosen == value);
    let unchanged = usual("SSL_CERT_FILE", BUNDLE) && usual("SSL_CERT_DIR", FOLDER);
    let runs = std::env::args_os()
        .nth(1)
        .is_some_and(|command| command == "run" || command == "exporter" || command == "audit");
    if cfg!(target_os = "linux") && runs && unchanged && has_hashed_roots(Path::new(FOLDER)) {
        #[expect(unsafe_code, reason = "the environment is set before any other thread exists")]
        // SAFETY: this is the first thing the program does; there is one thread.
        unsafe {
            std::env::set_var("SSL_CERT_FILE", "/dev/null");
        }
    }
}

/// Whether a folder holds certificates under the hash of their subject (`1a2b3c4d.0`), as `openssl rehash` names them.
fn has_hashed_roots(folder: &Path) -> bool {
    let is_hash =
        |name: &str| name.len() == 10 && name.ends_with(".0") && name[..8].bytes().all(|byte| byte.is_ascii_hexdigit());
    let Ok(entries) = folder.read_dir() else { return false };
    entries.flatten().take(100).any(|entry| entry.file_name().to_str().is_some_and(is_hash))
}
