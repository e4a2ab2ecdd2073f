//! The binary: hands over to the library's command line.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    read_roots_lazily();
    smtp_script::cli::main()
}

/// Keeps OpenSSL from parsing the whole bundle of root certificates for every TLS session's connector.
///
/// That costs tens of milliseconds, and the folder of certificates beside the bundle holds the same roots, one a file, of
/// which only the one needed is read. Where there is no such folder, or the user has chosen roots, nothing is changed.
fn read_roots_lazily() {
    let chosen = ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|name| std::env::var_os(name).is_some());
    if cfg!(target_os = "linux") && !chosen && has_hashed_roots(Path::new("/etc/ssl/certs")) {
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
