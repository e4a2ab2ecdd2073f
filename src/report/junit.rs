//! JUnit's XML, as Jenkins, GitLab and others read it.
//!
//! Responsible for elements, attributes and for characters that XML has no way to write; what is a case, `cases` knows.
//! tests/reports/junit.xsd has the rules. Called by `format`.

use super::Report;
use super::cases::{CameTo, Suite, TestCase, TestFault, suites};
use super::words;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use std::fmt::Write as _;
use std::io;

/// Attributes of an element, in order.
type Attributes = Vec<(&'static str, String)>;

/// Writes the report; with one case for each step, or for each scenario.
///
/// # Errors
/// What the output says.
pub fn write(report: &Report, by_scenario: bool, output: &mut dyn io::Write) -> io::Result<()> {
    let suites = suites(report, by_scenario);
    let mut xml = Writer::new_with_indent(&mut *output, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let mut attributes = vec![("name", "smtp-script".to_owned())];
    attributes.extend(CaseCounts::of(suites.iter().flat_map(|suite| &suite.cases)).attributes());
    attributes.retain(|(name, _)| *name != "skipped");
    attributes.push(("time", seconds(report.duration)));
    element(&mut xml, "testsuites", &attributes, |xml| suites.iter().try_for_each(|one| suite(xml, one)))?;
    xml.into_inner().write_all(b"\n")
}

/// How many cases had which verdict.
#[derive(Default)]
struct CaseCounts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl CaseCounts {
    fn of<'c, 'r: 'c>(cases: impl Iterator<Item = &'c TestCase<'r>>) -> CaseCounts {
        let mut counts = CaseCounts::default();
        for case in cases {
            counts.tests += 1;
            match &case.came_to {
                CameTo::Passed => {}
                CameTo::Skipped(_) => counts.skipped += 1,
                CameTo::Failed(faults) if is_failure(faults) => counts.failures += 1,
                CameTo::Failed(_) => counts.errors += 1,
            }
        }
        counts
    }

    fn attributes(&self) -> Attributes {
        let CaseCounts { tests, failures, errors, skipped } = self;
        [("tests", tests), ("failures", failures), ("errors", errors), ("skipped", skipped)]
            .map(|(name, count)| (name, count.to_string()))
            .to_vec()
    }
}

/// A failure is the server's doing; an error is that it could not be asked.
fn is_failure(faults: &[TestFault]) -> bool {
    faults.first().is_some_and(|fault| fault.of_server)
}

type Xml<'w> = Writer<&'w mut dyn io::Write>;

fn suite(xml: &mut Xml, suite: &Suite) -> io::Result<()> {
    let mut attributes = vec![("name", suite.name.clone())];
    attributes.extend(CaseCounts::of(suite.cases.iter()).attributes());
    attributes.push(("time", seconds(suite.duration)));
    if let Some(timestamp) = timestamp(suite.started) {
        attributes.push(("timestamp", timestamp));
    }
    element(xml, "testsuite", &attributes, |xml| {
        if !suite.facts.is_empty() {
            element(xml, "properties", &Vec::new(), |xml| {
                suite.facts.iter().try_for_each(|(name, value)| {
                    empty(xml, "property", &vec![("name", name.clone()), ("value", value.clone())])
                })
            })?;
        }
        suite.cases.iter().try_for_each(|one| case(xml, one))?;
        if suite.output.is_empty() { Ok(()) } else { text(xml, "system-out", &Vec::new(), &suite.output.join("\n")) }
    })
}

fn case(xml: &mut Xml, case: &TestCase) -> io::Result<()> {
    let mut attributes = vec![("name", case.name.clone()), ("classname", case.class.clone())];
    attributes.push(("time", seconds(case.duration)));
    if let Some(place) = case.place {
        attributes.push(("file", words::line(&place.file)));
        attributes.push(("line", place.line.to_string()));
    }
    let silent = case.attempts.is_empty() && case.warnings.is_empty();
    if silent && matches!(case.came_to, CameTo::Passed) {
        return empty(xml, "testcase", &attributes);
    }
    element(xml, "testcase", &attributes, |xml| {
        match &case.came_to {
            CameTo::Passed => {}
            CameTo::Skipped(why) => empty(xml, "skipped", &vec![("message", why.clone())])?,
            CameTo::Failed(faults) => failure(xml, faults)?,
        }
        // Surefire's names: an attempt before one that passed, or before one that failed as well.
        let passed = matches!(case.came_to, CameTo::Passed);
        let again = if passed { "flakyFailure" } else { "rerunFailure" };
        case.attempts.iter().try_for_each(|attempt| {
            let message = words::line(&attempt.message);
            let attributes = vec![("message", message.clone()), ("type", "attempt".to_owned())];
            element(xml, again, &attributes, |xml| text(xml, "stackTrace", &Vec::new(), &message))
        })?;
        if case.warnings.is_empty() {
            return Ok(());
        }
        let told = case.warnings.iter().map(|one| words::lines(&one.diagnostic.rendered).join("\n"));
        text(xml, "system-out", &Vec::new(), &told.collect::<Vec<_>>().join("\n\n"))
    })
}

fn failure(xml: &mut Xml, faults: &[TestFault]) -> io::Result<()> {
    let Some(first) = faults.first() else { return Ok(()) };
    let name = if first.of_server { "failure" } else { "error" };
    let attributes = vec![("message", first.message.clone()), ("type", words::line(first.kind))];
    let told: Vec<String> = faults
        .iter()
        .map(|fault| fault.diagnostic.map_or(fault.message.clone(), |one| words::lines(&one.rendered).join("\n")))
        .collect();
    text(xml, name, &attributes, &told.join("\n\n"))
}

// --- XML -------------------------------------------------------------------------------------------------------

fn element(
    xml: &mut Xml,
    name: &'static str,
    attributes: &Attributes,
    inner: impl FnOnce(&mut Xml) -> io::Result<()>,
) -> io::Result<()> {
    let attributes = legal_ones(attributes);
    let attributes = attributes.iter().map(|(name, value)| (*name, value.as_str()));
    xml.create_element(name).with_attributes(attributes).write_inner_content(inner).map(drop)
}

fn empty(xml: &mut Xml, name: &'static str, attributes: &Attributes) -> io::Result<()> {
    let attributes = legal_ones(attributes);
    let attributes = attributes.iter().map(|(name, value)| (*name, value.as_str()));
    xml.create_element(name).with_attributes(attributes).write_empty().map(drop)
}

fn text(xml: &mut Xml, name: &'static str, attributes: &Attributes, text: &str) -> io::Result<()> {
    let attributes = legal_ones(attributes);
    let attributes = attributes.iter().map(|(name, value)| (*name, value.as_str()));
    let text = legal(text);
    xml.create_element(name).with_attributes(attributes).write_text_content(BytesText::new(&text)).map(drop)
}

fn legal_ones(attributes: &Attributes) -> Attributes {
    attributes.iter().map(|(name, value)| (*name, legal(value))).collect()
}

/// Makes visible what XML 1.0 cannot hold in any form (section 2.2), the rest of what is not shown being so already.
fn legal(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => shown.push(character),
            '\u{fffe}' | '\u{ffff}' => _ = write!(shown, "\\u{{{:x}}}", character as u32),
            control if control.is_control() => _ = write!(shown, "\\x{:02x}", control as u32),
            other => shown.push(other),
        }
    }
    shown
}

/// Seconds to the millisecond.
fn seconds(seconds: f64) -> String {
    format!("{:.3}", if seconds.is_finite() { seconds.max(0.0) } else { 0.0 })
}

/// `2026-11-23T21:50:00`, in UTC: what every reader of the format takes.
fn timestamp(started: &str) -> Option<String> {
    let moment: jiff::Timestamp = started.parse().ok()?;
    Some(format!("{moment:.0}").trim_end_matches('Z').to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;
    use proptest::prelude::*;

    fn written(report: &Report, by_scenario: bool) -> String {
        let mut bytes = Vec::new();
        write(report, by_scenario, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_case_for_each_step() {
        let xml = written(&samples::diverged(), false);
        for part in [
            r#"<testsuite name="a.yaml" tests="3" failures="1" errors="0" skipped="1" time="0.412" timestamp="2026-11-23T21:50:00">"#,
            r#"<testcase name="1 greeting" classname="a" time="0.100" file="a.yaml" line="3"/>"#,
            r#"<failure message="step 2 diverged: expected 250, got 550" type="reply">"#,
            r#"<skipped message="not reached: step 2 diverged"/>"#,
            "0.300  S: 550 &lt;no&gt; ]]&gt;     &lt;-- step 2",
        ] {
            assert!(xml.contains(part), "{part}\n{xml}");
        }
    }

    #[test]
    fn a_case_for_a_scenario() {
        let xml = written(&samples::diverged(), true);
        assert!(
            xml.contains(r#"<testsuites name="smtp-script" tests="1" failures="1" errors="0" time="0.412">"#),
            "{xml}"
        );
    }

    #[test]
    fn an_attempt_before_is_flaky() {
        let xml = written(&samples::flaky(), false);
        let part = r#"<flakyFailure message="step 2 &quot;sender&quot; diverged" type="attempt">"#;
        let case = xml.split("<testcase ").find(|case| case.contains(part)).unwrap_or_else(|| panic!("{xml}"));
        assert!(case.starts_with("name=\"2 sender\""), "{case}");
    }

    proptest! {
        #[test]
        fn any_text_is_legal_xml(text in any::<String>()) {
            let xml = written(&samples::of_text(&text), false);
            let legal = |c| matches!(c, '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
            prop_assert!(xml.chars().all(legal));
            let mut reader = quick_xml::Reader::from_str(&xml);
            loop {
                match reader.read_event() {
                    Ok(Event::Eof) => break,
                    Ok(_) => {}
                    Err(error) => return Err(TestCaseError::fail(format!("{error}\n{xml}"))),
                }
            }
        }
    }
}
