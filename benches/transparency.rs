//! How fast mail data is encoded: sixteen mebibytes each of ordinary text, of text with LF line endings, and of text
//! where every line begins with a dot. Fed in chunks into one reused buffer, as a `data` step does.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use smtp_script::smtp::mail_data::{LineEndings, MailDataEncoder};

const TOTAL: usize = 16 << 20;
const CHUNK: usize = 64 << 10;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    transparency(&mut criterion);
    criterion.final_summary();
}

fn transparency(criterion: &mut Criterion) {
    let text = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod";
    let samples = [
        ("crlf text", LineEndings::Crlf, repeated(&format!("{text}\r\n"))),
        ("crlf text, kept", LineEndings::Keep, repeated(&format!("{text}\r\n"))),
        ("lf text", LineEndings::Crlf, repeated(&format!("{text}\n"))),
        ("a dot on every line", LineEndings::Crlf, repeated(&format!(".{text}\r\n"))),
        ("a dot on every line, lf", LineEndings::Crlf, repeated(&format!(".{text}\n"))),
        ("dots on short lines", LineEndings::Crlf, repeated("....................\r\n")),
        ("nothing but dots on lines", LineEndings::Crlf, repeated(".\r\n")),
    ];
    let mut group = criterion.benchmark_group("transparency");
    group.throughput(Throughput::Bytes(TOTAL as u64)).sample_size(20);
    for (name, line_endings, input) in samples {
        let mut output = Vec::with_capacity(4 * CHUNK);
        group.bench_with_input(BenchmarkId::from_parameter(name), &input, |bencher, input| {
            bencher.iter(|| encode(line_endings, input, &mut output));
        });
    }
    group.finish();
}

fn encode(line_endings: LineEndings, input: &[u8], output: &mut Vec<u8>) {
    let mut encoder = MailDataEncoder::new(line_endings, true);
    for chunk in input.chunks(CHUNK) {
        output.clear();
        encoder.encode(black_box(chunk), output);
        black_box(&output);
    }
    encoder.finish(true, output);
}

fn repeated(line: &str) -> Vec<u8> {
    line.bytes().cycle().take(TOTAL).collect()
}
