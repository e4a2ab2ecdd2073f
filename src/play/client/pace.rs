//! `pace`: slow sending.

use crate::net::wire::Drip;
use crate::play::client::ground::StepAt;
use crate::play::client::steps::StepDone;

impl StepAt<'_> {
    /// What this step sends goes out at its pace, or at full speed.
    pub(crate) fn set_pace(&mut self) -> StepDone {
        let pace = match &self.step.pace {
            None => None,
            Some(pace) => {
                let every = self.length(&pace.every).map_err(|error| self.template(&error))?;
                Some(Drip { octets: pace.bytes, every })
            }
        };
        // Sessions that this step opens itself are not open yet: what they say first is not paced.
        if let Some(open) = self.sessions.named_mut(self.step.session_name()) {
            open.session.set_pace(pace);
        }
        Ok(())
    }
}
