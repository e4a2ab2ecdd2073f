//! Certificates and handshakes that fail, each with its reason.

use crate::Test;
use crate::program::smtp_script;
use crate::world::World;

pub(crate) const TESTS: &[Test] = &[
    ("tls::an_unknown_issuer", an_unknown_issuer),
    ("tls::an_expired_certificate", an_expired_certificate),
    ("tls::a_certificate_for_another_name", a_certificate_for_another_name),
    ("tls::a_failure_can_be_what_is_expected", a_failure_can_be_what_is_expected),
    ("tls::a_client_certificate", a_client_certificate),
    ("tls::no_client_certificate", no_client_certificate),
    ("tls::a_handshake_that_the_server_refuses", a_handshake_that_the_server_refuses),
    ("tls::days_left", days_left),
    ("tls::no_tls_on_a_plain_port", no_tls_on_a_plain_port),
];

const CERTIFICATE: &str = "scenarios/security/starttls-certificate.yaml";

fn an_unknown_issuer(world: &World) {
    let address = world.address("postfix", 0);
    smtp_script(&["run", CERTIFICATE, "--to", &address]).exits(1).says(&[
        "error: step 3 \"the handshake succeeds\" diverged: the TLS handshake failed: the issuer",
        "^^^^^^^^ nobody trusted signed the certificate\n",
        "= help: give the issuer's certificate as `ca_file` (`--ca-file FILE`), or `verify: false` (`--insecure`);",
        "*  TLS handshake failed: the issuer",
        "     <-- step 3\n",
    ]);
    smtp_script(&["run", CERTIFICATE, "--to", &address, "--insecure"]).exits(0);
}

fn an_expired_certificate(world: &World) {
    world.play(CERTIFICATE, "aiosmtpd", 4, &[]).exits(1).says(&[
        "diverged: the TLS handshake failed: the server's certificate has expired",
        "^^^^^^^^ the certificate has expired\n",
        "= certificate CN=localhost",
        "expired on 2021-01-01\n",
        "     <-- step 3\n",
    ]);
    // Without verification the handshake succeeds, and the scenario itself looks at the date.
    world.play(CERTIFICATE, "aiosmtpd", 4, &["--insecure"]).exits(1).says(&[
        "error: step 4 \"the certificate lasts\" diverged: `tls.certificate.days_left > min_days` is not true\n",
        "= `tls.certificate.days_left` is -",
        "= `min_days` is 14\n",
        "certificate NOT verified\n",
        "expired on 2021-01-01",
    ]);
}

fn a_certificate_for_another_name(world: &World) {
    world.play(CERTIFICATE, "aiosmtpd", 5, &[]).exits(1).says(&[
        "diverged: the TLS handshake failed: the server's certificate is not for `127.0.0.1`",
        "^^^^^^^^ the certificate is for other names\n",
        "= help: connect to a name of the certificate's, or give it as `server_name`\n",
    ]);
    world.play_steps(&starttls("{server_name: another.example}", ""), "aiosmtpd", 5, &[]).exits(0);
}

fn a_failure_can_be_what_is_expected(world: &World) {
    let expired = starttls("", "    fails: expired\n");
    world.play_steps(&expired, "aiosmtpd", 4, &[]).exits(0);
    world.play_steps(&expired, "aiosmtpd", 0, &[]).exits(1).says(&["error: step 3 diverged: "]);
    world.play_steps(&expired, "aiosmtpd", 5, &[]).exits(1).says(&["error: step 3 diverged: "]);
}

fn a_client_certificate(world: &World) {
    let steps = starttls("{client_certificate: client.pem, client_key: client.key}", "");
    let steps = format!("{steps}  - send: EHLO client.example\n    expect: ^250\n");
    let folder = world.certificates();
    world.play_steps(&steps, "aiosmtpd", 6, &["--file-root", &folder]).exits(0);
    // Below the scenario's own folder there is no such file.
    world.play_steps(&steps, "aiosmtpd", 6, &[]).exits(2).says(&["`client.pem`", "`--file-root DIR` moves that"]);
}

fn no_client_certificate(world: &World) {
    let old = starttls("{max_version: TLSv1.2}", "");
    world
        .play_steps(&old, "aiosmtpd", 6, &[])
        .exits(1)
        .says(&["diverged: the TLS handshake failed: the server closed the connection during the TLS handshake\n"]);
    // In TLS 1.3 the client's handshake is over before the server looks at the certificate.
    let new = format!("{}  - expect: {{silence: 20s}}\n", starttls("{min_version: TLSv1.3}", ""));
    world
        .play_steps(&new, "aiosmtpd", 6, &[])
        .exits(1)
        .says(&["error: step 4 diverged: expected silence, but the server closed the connection\n"]);
}

/// Debian's `OpenSMTPD` offers STARTTLS and cannot do it.
fn a_handshake_that_the_server_refuses(world: &World) {
    world.play(CERTIFICATE, "opensmtpd", 0, &[]).exits(1).says(&[
        "error: step 3 \"the handshake succeeds\" diverged: the TLS handshake failed: the server refused the TLS handshake with the alert `internal error` (80)\n",
        "C: STARTTLS\n",
        "S: 220 2.0.0 Ready to start TLS\n",
        "*  TLS handshake failed: the server refused the TLS handshake with the alert `internal error` (80)     <-- step 3\n",
    ]);
}

fn days_left(world: &World) {
    for (server, port) in [("postfix", 0), ("postfix", 2), ("exim", 0), ("aiosmtpd", 0), ("dovecot", 0)] {
        world.play(CERTIFICATE, server, port, &[]).exits(0);
    }
    world.play(CERTIFICATE, "exim", 0, &["--var", "min_days=100000"]).exits(1).says(&[
        "error: step 4 \"the certificate lasts\" diverged: `tls.certificate.days_left > min_days` is not true\n",
        "= `min_days` is 100000\n",
    ]);
}

fn no_tls_on_a_plain_port(world: &World) {
    world.play("scenarios/security/implicit-tls-certificate.yaml", "postfix", 0, &[]).exits(1).says(&[
        "error: the connection diverged: the TLS handshake failed: ",
        "^ this is not TLS\n",
        "the server sent \"220 localhost ESMTP Postfix",
        "where TLS was expected\n",
    ]);
}

/// A session up to STARTTLS with these options and modifiers.
fn starttls(options: &str, modifiers: &str) -> String {
    format!(
        "  - expect: ^220\n  - send: EHLO client.example\n    expect: ^250[ -]STARTTLS\n  - starttls: {options}\n{modifiers}"
    )
}
