//! The parts that touch no network: reading replies, reading and checking a scenario, rendering templates, and hiding
//! secrets. Templates and secrets have no public way in of their own: a run against the built-in server, or a check,
//! stands for them, beside the same without them.

use criterion::{Criterion, Throughput};
use smtp_script::scenario::{Inputs, Scenario, Secret, Variables};
use smtp_script::smtp::reply::ReplyParser;
use smtp_script::{check, load_text, run};
use std::hint::black_box;

const SENDGRID: &str = include_str!("../scenarios/sendgrid-auth-login.yaml");

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    replies(&mut criterion);
    scenarios(&mut criterion);
    templates(&mut criterion);
    secrets(&mut criterion);
    criterion.final_summary();
}

fn replies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reply");
    for lines in [10, 10_000] {
        let mut reply: Vec<u8> = b"250-X-EXTENSION with some parameters\r\n".repeat(lines - 1);
        reply.extend_from_slice(b"250 HELP\r\n");
        group.throughput(Throughput::Bytes(reply.len() as u64));
        group.bench_function(format!("EHLO of {lines} lines"), |bencher| {
            bencher.iter(|| ReplyParser::default().advance(black_box(&reply)));
        });
    }
    group.finish();
}

fn scenarios(criterion: &mut Criterion) {
    let settings = run::Settings::default();
    criterion.bench_function("scenario: read", |bencher| bencher.iter(|| loaded(black_box(SENDGRID))));
    criterion.bench_function("scenario: read and check", |bencher| {
        bencher.iter(|| check(&loaded(black_box(SENDGRID)), None, &settings));
    });
    let scenario = loaded(SENDGRID);
    criterion.bench_function("scenario: check again", |bencher| bencher.iter(|| check(&scenario, None, &settings)));
}

/// Variables whose defaults are templates are rendered when they are resolved, a thousand at once here.
fn templates(criterion: &mut Criterion) {
    for (name, default) in
        [("a literal line", "RCPT TO:<mary@jane.com>"), ("an expression", "RCPT TO:<<<to | upper>>>")]
    {
        let vars = (0..1000).map(|number| format!("  v{number}: \"{default}\"")).collect::<Vec<_>>().join("\n");
        let scenario =
            loaded(&format!("vars:\n  to: mary@jane.com\n{vars}\nconnect: mx.example:25\nsteps:\n  - expect: ^220\n"));
        criterion.bench_function(&format!("templates: {name}, 1000 times"), |bencher| {
            bencher.iter(|| Variables::resolve(black_box(&scenario), &Inputs::default()).is_ok());
        });
    }
}

/// A whole session with the built-in server, without secrets and with three of them: what hiding them costs.
fn secrets(criterion: &mut Criterion) {
    let settings = run::Settings { sandbox: true, ..run::Settings::default() };
    for (name, secrets) in [("none", ""), ("three", "secrets: [first, second, third]\n")] {
        let noops = format!("  - send: NOOP {}\n    expect: ^250\n", "x".repeat(400)).repeat(20);
        let text = format!(
            "{secrets}connect: mx.example:25\nsteps:\n  - expect: ^220\n  - send: EHLO a.example\n    expect: ^250\n{noops}"
        );
        let scenario = loaded(&text);
        let mut inputs = Inputs::default();
        for declared in ["first", "second", "third"].into_iter().filter(|name| secrets.contains(name)) {
            inputs.secrets.insert(declared.to_owned(), Secret::new(format!("the {declared} password")));
        }
        let Ok(variables) = Variables::resolve(&scenario, &inputs) else { continue };
        criterion.bench_function(&format!("a session with secrets: {name}"), |bencher| {
            bencher.iter(|| assert!(run::run(&scenario, &variables, &settings).followed()));
        });
    }
}

fn loaded(text: &str) -> Scenario {
    load_text("bench.yaml", text).unwrap_or_else(|error| panic!("{error}"))
}
