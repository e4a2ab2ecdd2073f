//! What a scenario says of a login, shown without its credentials: also where no secret was declared.
//!
//! Whatever follows AUTH is a credential, whether the file spells it out or a secret holds it. What `secret::auth` finds is
//! left out of the line, and masked from here on wherever else it stands. Asked by `steps` and `pipeline` before they show
//! what goes out.

use crate::play::client::ground::StepAt;
use crate::play::client::steps::StepDone;
use crate::scenario::{Rendered, Sources};
use crate::secret::{Carried, is_in_clear};
use crate::session::{Transcript, is_plain_command};
use crate::visible::visible;
use std::sync::Arc;

impl StepAt<'_> {
    /// Shows lines that go out.
    pub(crate) fn log_lines(&mut self, rendered: &mut Rendered) -> StepDone {
        if !self.ground.settings.show_secrets && !is_plain_command(self.session()?, &rendered.bytes) {
            self.veil_lines(rendered)?;
        }
        let session = self.session()?.name().clone();
        self.stage.log.client(&session, &rendered.shown);
        Ok(())
    }

    /// Shows octets that go out. What is shown of them is text from here on.
    pub(crate) fn log_raw(&mut self, rendered: &mut Rendered) -> StepDone {
        let session = self.session()?.name().clone();
        if self.ground.settings.hides(rendered) {
            self.session()?.overhear(&rendered.bytes);
            self.stage.log.client(&session, &rendered.shown);
        } else if self.ground.settings.show_secrets {
            rendered.shown = String::from_utf8_lossy(&rendered.bytes).into_owned();
            self.stage.log.client_bytes(&session, &rendered.bytes);
        } else {
            let carried = self.session()?.overhear(&rendered.bytes);
            learn(&mut self.stage.log, &carried, &self.ground.scenario.sources);
            rendered.shown = String::from_utf8_lossy(&carried.shown).into_owned();
            self.stage.log.client_bytes(&session, &carried.shown);
        }
        Ok(())
    }

    /// Line by line: one that reads a secret is shown as it is written already.
    fn veil_lines(&mut self, rendered: &mut Rendered) -> StepDone {
        let lines: Vec<&[u8]> = rendered.bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let written: Vec<&str> = rendered.shown.split('\n').collect();
        if lines.len() != written.len() {
            self.session()?.overhear(&rendered.bytes);
            return Ok(());
        }
        let mut shown: Vec<String> = Vec::with_capacity(written.len());
        let mut veils = false;
        for (line, written) in lines.into_iter().zip(written) {
            let reads_secret = rendered.secret && line.strip_suffix(b"\r\n") != Some(written.as_bytes());
            let as_written = reads_secret.then(|| [written, "\r\n"].concat());
            let carried = self.session()?.overhear(as_written.as_ref().map_or(line, String::as_bytes));
            let hides = !reads_secret && carried.shown != line;
            if hides {
                learn(&mut self.stage.log, &carried, &self.ground.scenario.sources);
            }
            veils |= hides;
            shown.push(if hides { visible(carried.shown.trim_ascii_end()) } else { written.to_owned() });
        }
        if veils {
            rendered.shown = shown.join("\n");
        }
        Ok(())
    }
}

/// Credentials are masked from here on, and user names that are not in clear in the file.
fn learn(log: &mut Transcript, carried: &Carried, sources: &Sources) {
    let names = carried.names.iter().filter(|name| !is_in_clear(sources, name));
    let found: Vec<String> = carried.secrets.iter().chain(names).cloned().collect();
    if let Some(masker) = log.masker().with_credentials(&found) {
        log.set_masker(Arc::new(masker));
    }
}
