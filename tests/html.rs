//! The HTML report in a browser: what it says, what it does, what it does not let happen.
//!
//! A headless Chromium without network opens pages from disk. Accessibility is judged by checks of our own: names, roles,
//! headings, contrast, keyboard.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, in its helpers too")]

#[path = "html/browser.rs"]
mod browser;
#[expect(dead_code, unused_imports, reason = "the harness runs the program as well")]
mod harness;
#[path = "html/samples.rs"]
mod samples;

use browser::Browser;
use serde_json::{Value, json};
use smtp_script::report::model::Report;
use std::path::PathBuf;

/// Writes the page of a report into the folder of this test's files and tells where.
fn page(name: &str, report: &Report) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("html");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{name}.html"));
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    smtp_script::report::html::write(report, &mut file).unwrap();
    std::io::Write::flush(&mut file).unwrap();
    path
}

/// The names of the scenarios that are shown, in their order.
const SHOWN: &str = "[...document.querySelectorAll('#list .scenario')].filter((row) => row.checkVisibility()) \
                     .map((row) => row.querySelector('.name').textContent)";

/// Types into the filter and waits until it has acted.
fn filter(browser: &mut Browser, text: &str) -> Value {
    let text = json!(text);
    let typed = format!(
        "new Promise((done) => {{ const field = document.getElementById('filter'); field.value = {text}; \
         field.dispatchEvent(new Event('input')); setTimeout(() => done(document.getElementById('count').textContent), 150) }})"
    );
    browser.value(&typed)
}

#[test]
fn it_says_what_diverged_without_its_script() {
    let report = samples::mixed();
    let mut browser = Browser::start();
    browser.call("Emulation.setScriptExecutionDisabled", &json!({"value": true}));
    browser.open(&page("without-script", &report), "");
    let text = browser.value("document.body.innerText");
    let text = text.as_str().unwrap();
    assert!(text.contains("4 of 6 scenarios did not follow their script"), "{text}");
    for scenario in &report.scenarios {
        assert!(text.contains(&scenario.name), "{} is missing in {text}", scenario.name);
        for divergence in &scenario.divergences {
            let one = &divergence.diagnostic;
            let parts = [&one.message, &one.label].into_iter().chain(&one.help).chain(&one.notes);
            parts.for_each(|part| assert!(text.contains(part.as_str()), "{part} is missing in {text}"));
        }
    }
    assert!(!text.contains("Open all"), "what needs the script is not shown: {text}");
}

#[test]
fn it_asks_for_nothing_and_nothing_is_refused() {
    let mut browser = Browser::start();
    browser.open(&page("asks-for-nothing", &samples::mixed()), "");
    browser.value("document.getElementById('expand').click()");
    browser.value("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))");
    for event in &browser.events {
        if event["method"] == "Network.requestWillBeSent" {
            let url = event["params"]["request"]["url"].as_str().unwrap();
            assert!(
                url.starts_with("file://") && url.ends_with("asks-for-nothing.html") || url.starts_with("data:"),
                "{url}"
            );
        }
        let complaints = ["Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"];
        assert!(!complaints.iter().any(|complaint| event["method"] == *complaint), "{event}");
    }
}

#[test]
fn hostile_text_stays_text() {
    let mut browser = Browser::start();
    browser.open(&page("hostile", &samples::hostile()), "");
    browser.value("document.getElementById('expand').click()");
    browser.value("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))");
    assert_eq!(browser.value("typeof window.hacked"), "undefined");
    let elements = "[document.images.length, [...document.scripts].filter((one) => !one.type).length, \
                    document.querySelectorAll('iframe, object, embed, base').length]";
    assert_eq!(browser.value(elements), json!([0, 1, 0]));
    let text = browser.value("document.querySelector('.said').textContent");
    let text = text.as_str().unwrap();
    assert!(text.contains("</script><script>window.hacked") && text.contains("{{ 7 * 7 }} \\u{202e}&lt;"), "{text}");
    let source = std::fs::read_to_string(page("hostile", &samples::hostile())).unwrap();
    assert!(!source.contains('\u{202e}') && !source.contains('\0') && !source.contains('\u{1b}'));
    // Not even markup that got in could act.
    browser.value("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hacked = 3\">')");
    browser.value("new Promise((done) => setTimeout(done, 100))");
    assert_eq!(browser.value("typeof window.hacked"), "undefined");
}

#[test]
fn the_diverging_line_is_marked_and_in_sight() {
    let report = samples::report(vec![samples::refused()]);
    let step = samples::diverged_at(&report.scenarios[0]).to_owned();
    let mut browser = Browser::start();
    browser.open(&page("diverged", &report), "");
    let marked = browser
        .value("[...document.querySelectorAll('.lines .marked')].map((line) => line.innerText.replace(/\\s+/g, ' '))");
    let line = marked[0].as_str().unwrap();
    assert!(line.contains("S: 550 5.7.1") && line.ends_with(&format!("◀ step {step} diverged")), "{marked}");
    let row = browser.value("document.querySelector('.steps tr.diverged').innerText.replace(/\\s+/g, ' ')");
    assert!(row.as_str().unwrap().contains("✗ diverged 550 5.7.1"), "{row}");
}

#[test]
fn the_waterfall_is_true_to_time() {
    let report = samples::report(vec![samples::refused()]);
    let scenario = &report.scenarios[0];
    let step = scenario.steps.iter().find(|step| step.number == samples::diverged_at(scenario)).unwrap();
    let reply = &step.replies[0];
    let mut browser = Browser::start();
    browser.open(&page("waterfall", &report), "");
    let shares = browser.value(
        "(() => { const bar = document.querySelector('.track .span-diverged').getBoundingClientRect(); \
         const track = document.querySelector('.track').getBoundingClientRect(); \
         return [(bar.left - track.left) / track.width, bar.width / track.width] })()",
    );
    let wanted = [(reply.at - reply.elapsed) / scenario.duration, reply.elapsed / scenario.duration];
    for (share, wanted) in [0, 1].map(|index| (shares[index].as_f64().unwrap(), wanted[index])) {
        assert!((share - wanted).abs() < 0.01, "{shares}, not {wanted:?}");
    }
    let told = browser.value("document.querySelector('.track').getAttribute('aria-label')");
    assert!(told.as_str().unwrap().contains("did not come as expected"), "{told}");
}

#[test]
fn a_page_of_a_thousand_opens_and_filters() {
    let report = samples::many(1000);
    let path = page("thousand", &report);
    let mut browser = Browser::start();
    browser.open(&path, "");
    assert_eq!(browser.value("document.querySelectorAll('#list .scenario').length"), 1000);
    print_times(&mut browser);
    assert_eq!(filter(&mut browser, "\"ticket 77.\""), "1 of 1,000 shown");
    assert_eq!(browser.value(SHOWN), json!(["Scenario 77"]));
    assert_eq!(filter(&mut browser, "verdict:diverged"), "25 of 1,000 shown");
    assert_eq!(filter(&mut browser, "verdict:diverged -\"scenario 7\""), "22 of 1,000 shown");
    assert_eq!(filter(&mut browser, "code:550"), "25 of 1,000 shown");
    assert_eq!(filter(&mut browser, "tag:tls Scenario"), "975 of 1,000 shown");
    assert_eq!(filter(&mut browser, "nothing like it"), "0 of 1,000 shown");
    assert_eq!(filter(&mut browser, ""), "1,000 in all");
}

/// The figures of docs/performance.md, shown with `--nocapture`.
#[expect(clippy::print_stdout, reason = "figures are for people, and asserted by nobody")]
fn print_times(browser: &mut Browser) {
    let opened = "(() => { const [page] = performance.getEntriesByType('navigation'); \
         const paint = performance.getEntriesByName('first-contentful-paint')[0]; \
         return { read: page.domContentLoadedEventEnd, painted: paint?.startTime, size: page.decodedBodySize } })()";
    println!("opened, in ms: {}", browser.value(opened));
    for text in ["ticket", "ticket 77.", "verdict:diverged", ""] {
        let timed = format!(
            "new Promise((done) => {{ const field = document.getElementById('filter'); const begin = performance.now(); \
             field.value = '{text}'; field.dispatchEvent(new Event('input')); \
             setTimeout(() => requestAnimationFrame(() => setTimeout(() => done(performance.now() - begin)))) }})"
        );
        println!("filtered by `{text}`, in ms: {}", browser.value(&timed));
    }
}

#[test]
fn it_is_ordered_filtered_and_walked_by_keys() {
    let mut browser = Browser::start();
    let path = page("keys", &samples::many(80));
    browser.open(&path, "");
    let first = |browser: &mut Browser| browser.value(SHOWN)[0].clone();
    assert_eq!(first(&mut browser), "Scenario 7");
    for (order, wanted) in [("run", "Scenario 1"), ("slowest", "Scenario 80"), ("failed", "Scenario 7")] {
        let choose = format!(
            "(() => {{ const sort = document.getElementById('sort'); sort.value = '{order}'; \
             sort.dispatchEvent(new Event('change')) }})()"
        );
        browser.value(&choose);
        assert_eq!(first(&mut browser), wanted, "{order}");
    }
    let focused =
        "document.activeElement.closest('.scenario')?.querySelector('.name').textContent ?? document.activeElement.id";
    for (key, wanted) in
        [("j", "Scenario 7"), ("j", "Scenario 47"), ("j", "Scenario 1"), ("p", "Scenario 47"), ("k", "Scenario 7")]
    {
        browser.press(key);
        assert_eq!(browser.value(focused), wanted, "after {key}");
    }
    let open = "document.activeElement.closest('.scenario').firstElementChild.open";
    let before = browser.value(open);
    browser.press("Enter");
    assert_ne!(browser.value(open), before);
    browser.press("/");
    assert_eq!(browser.value(focused), "filter");
    browser.press("j");
    assert_eq!(browser.value("document.getElementById('filter').value"), "j");
    browser.press("Escape");
    assert_eq!(browser.value("document.getElementById('filter').value"), "");
    browser.value("document.querySelector('.chip.followed').click()");
    assert_eq!(browser.value("document.getElementById('count').textContent"), "78 of 80 shown");
}

#[test]
fn an_address_leads_to_a_scenario() {
    let mut browser = Browser::start();
    browser.open(&page("address", &samples::many(80)), "#scenario:many/33.yaml");
    let opened = "[...document.querySelectorAll('details[open]')].map((one) => one.parentElement.id)";
    let opened = browser.value(opened);
    assert!(opened.as_array().unwrap().contains(&"scenario:many/33.yaml".into()), "{opened}");
    let place = browser.value("document.getElementById('scenario:many/33.yaml').getBoundingClientRect().top");
    assert!((0.0..500.0).contains(&place.as_f64().unwrap()), "{place}");
    assert!(
        browser.value("!!document.getElementById('scenario:many/33.yaml').querySelector('.lines')").as_bool().unwrap()
    );
}

/// The scenario as it was played stands beside its timeline, advice before it; on a phone nothing is cut.
#[test]
fn advice_comes_first_and_the_source_is_marked() {
    let mut scenario = samples::refused();
    let place = scenario.divergences[0].diagnostic.place.line;
    let shown = scenario.divergences[0].diagnostic.rendered.lines().find_map(|line| {
        let (number, text) = line.split_once(" | ")?;
        (number.trim() == place.to_string()).then(|| text.to_owned())
    });
    scenario.script = Some(format!("# played\n{}\n# end", shown.unwrap()));
    let page_of_provider =
        "https://www.twilio.com/docs/sendgrid/for-developers/sending-email/integrating-with-the-smtp-api";
    scenario.divergences[0].diagnostic.help =
        vec![format!("{} https://evil.example/ {page_of_provider}", "word ".repeat(60))];
    let mut browser = Browser::start();
    browser.open(&page("advice", &samples::report(vec![scenario])), "");
    let order = "[...document.querySelector('.diagnostic').children].map((one) => one.className.split(' ')[0])";
    let order = browser.value(order);
    assert_eq!((&order[0], &order[1]), (&"message".into(), &"help".into()), "{order}");
    let marked = browser.value("[...document.querySelectorAll('.source .marked')].map((one) => one.textContent)");
    assert_eq!(marked.as_array().unwrap().len(), 1, "{marked}");
    let links = browser.value("[...document.querySelectorAll('.diagnostic a')].map((one) => one.href)");
    assert!(!links.to_string().contains("evil"), "{links}");
    let address = browser.value("document.querySelector('.address a').getAttribute('href')");
    assert!(address.as_str().unwrap().starts_with("#scenario:"), "{address}");
    browser.width(390);
    browser.value("new Promise((done) => setTimeout(done, 300))");
    let cut = "[document.documentElement, ...document.querySelectorAll('.excerpt, .steps, .scroll, .lines, .source, .message, .help')] \
               .filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.className || one.tagName)";
    assert_eq!(browser.value(cut), json!([]));
}

/// Faults of the open page that a person would stumble over.
const FAULTS: &str = include_str!("html/faults.js");

#[test]
fn it_is_readable_and_reachable_for_everyone() {
    let mut browser = Browser::start();
    for (name, report) in [("for-everyone", samples::mixed()), ("load-for-everyone", samples::under_load())] {
        browser.open(&page(name, &report), "");
        browser.value("document.getElementById('expand').click()");
        for (width, scheme) in [(1280, "light"), (1280, "dark"), (320, "light"), (3840, "dark")] {
            browser.width(width);
            browser.scheme(scheme);
            browser.value("new Promise((done) => setTimeout(done, 300))");
            let faults = browser.value(FAULTS);
            assert_eq!(faults, json!([]), "{name}, {width} px, {scheme}");
        }
        assert_names(&mut browser);
    }
}

/// Whatever can be used has a name for those who do not see it.
fn assert_names(browser: &mut Browser) {
    let tree = browser.call("Accessibility.getFullAXTree", &json!({}));
    let usable = [
        "button",
        "link",
        "searchbox",
        "textbox",
        "combobox",
        "checkbox",
        "DisclosureTriangle",
        "region",
        "img",
        "figure",
        "dialog",
    ];
    let mut seen = 0;
    for node in tree["nodes"].as_array().unwrap().iter().filter(|node| node["ignored"] == false) {
        let role = node["role"]["value"].as_str().unwrap_or_default();
        if usable.contains(&role) && role != "figure" {
            seen += 1;
            assert!(!node["name"]["value"].as_str().unwrap_or_default().trim().is_empty(), "without a name: {node}");
        }
    }
    assert!(seen > 10, "only {seen} elements were found");
}
