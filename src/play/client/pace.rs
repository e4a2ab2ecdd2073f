//! `pace`: slow sending.

use crate::play::client::ground::StepAt;
use crate::play::client::sessions::Sessions;
use crate::play::client::steps::StepDone;
use crate::session::WirePace;
use std::time::{Duration, Instant};

impl StepAt<'_> {
    /// What this step sends goes out at its pace, or at full speed.
    pub(crate) fn set_pace(&mut self) -> StepDone {
        let pace = match &self.step.pace {
            None => None,
            Some(pace) => {
                let every = self.length(&pace.every).map_err(|error| self.template(&error))?;
                // Without an end of the run the time left is beyond what a clock can tell.
                let due = Instant::now().checked_add(self.stage.bounded(Duration::MAX));
                Some(WirePace { octets: pace.bytes, every, due })
            }
        };
        // Sessions that this step opens itself are not open yet: what they say first is not paced.
        if let Some(open) = self.sessions.named_mut(Sessions::name_of(self.step)) {
            open.session.set_pace(pace);
        }
        Ok(())
    }
}
