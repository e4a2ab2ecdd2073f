//! `pace`: slow sending.

use super::player::Player;
use super::steps::{Done, Now};
use crate::session::Pace;
use std::time::{Duration, Instant};

impl Player<'_> {
    /// What this step sends goes out at its pace, or at full speed.
    pub(super) fn set_pace(&mut self, now: Now<'_>) -> Done {
        let pace = match &now.step.pace {
            None => None,
            Some(pace) => {
                let every = self.length(now.step, &pace.every).map_err(|error| self.template(now, &error))?;
                // Without an end of the run the time left is beyond what a clock can tell.
                let due = Instant::now().checked_add(self.bounded(Duration::MAX));
                Some(Pace { octets: pace.bytes, every, due })
            }
        };
        // Sessions that this step opens itself are not open yet: what they say first is not paced.
        if let Some(open) = self.sessions.get_mut(Self::session_name(now.step)) {
            open.session.set_pace(pace);
        }
        Ok(())
    }
}
