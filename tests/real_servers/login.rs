//! The sessions of the guide that names `SendGrid`, unchanged, against servers of other makes.

use crate::Test;
use crate::program::{command, smtp_script};
use crate::world::World;
use std::io::{BufRead as _, BufReader};

pub(crate) const TESTS: &[Test] = &[
    ("login::the_guide_against_postfix", |world| the_guide(world, "postfix")),
    ("login::the_guide_against_exim", |world| the_guide(world, "exim")),
    ("login::a_wrong_password_at_postfix", a_wrong_password_at_postfix),
    ("login::a_report_of_postfix_plays_without_it", a_report_of_postfix_plays_without_it),
    ("login::a_wrong_password_at_exim", a_wrong_password_at_exim),
    ("login::a_wrong_password_is_what_passes", a_wrong_password_is_what_passes),
    ("login::a_missing_secret_connects_nowhere", a_missing_secret_connects_nowhere),
    ("login::implicit_tls", implicit_tls),
    ("login::auth_plain", auth_plain),
    ("login::auth_login_with_an_initial_response", auth_login_with_an_initial_response),
    ("login::other_prompts", other_prompts),
    ("login::commands_as_people_type_them", commands_as_people_type_them),
    ("login::before_anybody_logs_in", before_anybody_logs_in),
];

const GUIDE: &str = "scenarios/sendgrid-auth-login.yaml";

fn the_guide(world: &World, server: &str) {
    let address = world.address(server, 0);
    let options =
        ["--var", "to=john@example.com", "--secret", "username=testuser", "--secret", "password=testpass", "-v"];
    world.play(GUIDE, server, 0, &options).exits(0).keeps(&["testpass", "dGVzdHBhc3M="]).says(&[
        &format!("notice: the secrets `password`, `username` will be sent to {address}\n"),
        "*  TLSv1.3, TLS_AES_256_GCM_SHA384, certificate verified\n",
        "C: AUTH LOGIN\n",
        "S: 334 VXNlcm5hbWU6\n",
        "C: <<username | b64encode>>\n",
        "S: 334 UGFzc3dvcmQ6\n",
        "C: <<password | b64encode>>\n",
        "S: 235 ",
        "C: MAIL FROM:<john@doe.com>\n",
        "C: RCPT TO:<john@example.com>\n",
        "C: .\n",
        "C: QUIT\n",
        "S: 221 ",
        "PASS scenarios/sendgrid-auth-login.yaml  SendGrid accepts AUTH LOGIN on 587  (",
        "1 scenario: 1 followed (",
    ]);
}

/// The report alone goes elsewhere; there it diverges at the same step, against what was recorded.
fn a_report_of_postfix_plays_without_it(world: &World) {
    let (here, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let report = here.path().join("report.md");
    let option = format!("markdown={}", report.display());
    let secrets = ["--secret", "username=testuser", "--secret", "password=not-this-one", "--report", &option];
    let same = "error: step 7 \"credentials are accepted\" diverged: expected a reply matching ^235, got 535 5.7.8\n";
    let lines = ["= 535 5.7.8: authentication credentials invalid", "S: 535 5.7.8 Error: authentication failed"];
    _ = world.play(GUIDE, "postfix", 0, &secrets).exits(1).says(&[same]).says(&lines);
    let copy = elsewhere.path().join("copy.md");
    std::fs::copy(&report, &copy).unwrap();
    let page = std::fs::read_to_string(&copy).unwrap();
    let encoded = "bm90LXRoaXMtb25l";
    assert!(!page.contains("not-this-one") && !page.contains(encoded), "{page}");
    let copy = copy.display().to_string();
    let mut server = command(&["serve", &copy]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    _ = BufReader::new(server.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let address = first.trim().strip_prefix("listening on ").unwrap();
    let words = ["run", &copy, "--to", address, "--insecure", "--made-up-secrets"];
    _ = smtp_script(&words).exits(1).says(&[same]).says(&lines);
    assert!(server.wait().unwrap().success());
}

fn a_wrong_password_at_postfix(world: &World) {
    world
        .play(GUIDE, "postfix", 0, &["--secret", "username=testuser", "--secret", "password=not-this-one"])
        .exits(1)
        .keeps(&["not-this-one"])
        .says(&[
            "FAIL scenarios/sendgrid-auth-login.yaml  SendGrid accepts AUTH LOGIN on 587  (",
            "error: step 7 \"credentials are accepted\" diverged: expected a reply matching ^235, got 535 5.7.8\n",
            "  --> scenarios/sendgrid-auth-login.yaml:35:13\n",
            "34 |     send: <<password | b64encode>>\n",
            "35 |     expect: ^235\n",
            "^^^^ the reply was \"535 5.7.8 Error: authentication failed",
            "= 535 5.7.8: authentication credentials invalid (RFC 4954)\n",
            "C: <<password | b64encode>>\n",
            "S: 535 5.7.8 Error: authentication failed",
            "     <-- step 7\n",
            "*  closed by the client\n",
            "1 scenario: 1 diverged (",
        ]);
}

/// Exim has no enhanced status codes.
fn a_wrong_password_at_exim(world: &World) {
    world
        .play(GUIDE, "exim", 0, &["--secret", "username=testuser", "--secret", "password=not-this-one"])
        .exits(1)
        .keeps(&["not-this-one"])
        .says(&[
            "error: step 7 \"credentials are accepted\" diverged: expected a reply matching ^235, got 535\n",
            "^^^^ the reply was \"535 Incorrect authentication data\"\n",
            "= 535: authentication credentials invalid (RFC 4954 section 6)\n",
            "S: 535 Incorrect authentication data     <-- step 7\n",
        ]);
}

fn a_wrong_password_is_what_passes(world: &World) {
    for server in ["postfix", "exim", "dovecot"] {
        world.play("scenarios/providers/sendgrid-wrong-password.yaml", server, 0, &[]).exits(0);
    }
}

fn a_missing_secret_connects_nowhere(world: &World) {
    let played = world.play(GUIDE, "postfix", 0, &["--secret", "username=testuser", "-v"]);
    played.exits(2).says(&["password"]);
    assert!(!played.err.contains("connected to"), "{}", played.err);
}

fn implicit_tls(world: &World) {
    for server in ["postfix", "exim", "dovecot", "aiosmtpd"] {
        world.play_with_login("scenarios/providers/sendgrid-implicit-tls.yaml", server, 1).exits(0);
        world.play("scenarios/security/implicit-tls-certificate.yaml", server, 1, &[]).exits(0);
    }
}

fn auth_plain(world: &World) {
    for server in ["postfix", "exim", "dovecot", "aiosmtpd"] {
        world.play_with_login("scenarios/providers/sendgrid-auth-plain.yaml", server, 0).exits(0).keeps(&["testpass"]);
        world.play_with_login("scenarios/providers/sendgrid-auth-plain-prompted.yaml", server, 0).exits(0);
    }
}

fn auth_login_with_an_initial_response(world: &World) {
    for server in ["postfix", "exim", "dovecot"] {
        world.play_with_login("scenarios/providers/sendgrid-auth-login-initial.yaml", server, 0).exits(0);
    }
}

/// aiosmtpd asks for `User Name` and a NUL.
fn other_prompts(world: &World) {
    world.play_with_login(GUIDE, "aiosmtpd", 0).exits(1).says(&[
        "error: step 5 diverged: expected a reply matching ^334 VXNlcm5hbWU6, got 334\n",
        "the reply was \"334 VXNlciBOYW1lAA==\"\n",
    ]);
}

fn commands_as_people_type_them(world: &World) {
    let scenario = "scenarios/providers/sendgrid-as-typed.yaml";
    for server in ["postfix", "exim"] {
        world.play_with_login(scenario, server, 0).exits(0);
    }
    // The hardened port of Postfix wants angle brackets.
    world.play_with_login(scenario, "postfix", 2).exits(1).says(&[
        "error: step 8 \"a sender without angle brackets\" diverged: expected a reply matching ^250, got 501 5.1.7\n",
        "the reply was \"501 5.1.7 Bad sender address syntax\"\n",
        "= help: put the address in angle brackets: `MAIL FROM:<a@b>`\n",
        "C: MAIL FROM: john@doe.com\\r\\n",
    ]);
}

fn before_anybody_logs_in(world: &World) {
    for server in ["postfix", "exim"] {
        world.play("scenarios/providers/sendgrid-plain-25.yaml", server, 0, &[]).exits(0);
    }
    // OpenSMTPD offers no AUTH without TLS: what is missing is said, and what to do.
    world.play("scenarios/providers/sendgrid-plain-25.yaml", "opensmtpd", 0, &[]).exits(1).says(&[
        "error: step 2 \"what is offered\" diverged: expected an offer of AUTH PLAIN LOGIN, got 250\n",
        "many servers offer AUTH only over TLS",
    ]);
}
