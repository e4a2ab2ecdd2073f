//! What the client of a scripted server says, shown without its credentials.
//!
//! Responsible for telling the watch of logins of both directions, and for keeping what it finds out of everything that is
//! shown from then on: the transcript, quotes in divergences, captures. A script still sees the lines as they are.

use crate::play::server::connection::Connection;
use crate::secret::Carried;
use crate::visible::visible;
use std::sync::Arc;

/// How much is shown of what had arrived when something went wrong, in octets.
const SHOWN_OF_ARRIVED: usize = 1000;

impl Connection {
    /// Shows a line that came, its end included. `true`: there are credentials in it.
    pub(crate) fn hear_line(&mut self, line: &[u8]) -> bool {
        let carried = self.watch.bytes(line);
        let shown = self.learn(&carried, line);
        let is_whole =
            line.strip_suffix(b"\r\n").is_some_and(|content| memchr::memchr2(b'\0', b'\r', content).is_none());
        let shown = shown.strip_suffix(b"\r\n").filter(|_| is_whole).unwrap_or(shown);
        self.heard_octets(line.len(), shown);
        self.stage.log.client_bytes(&self.session, shown);
        carried.shown != line
    }

    /// Shows octets that came and are no line. `true`: there are credentials in them.
    pub(crate) fn hear_bytes(&mut self, bytes: &[u8]) -> bool {
        let carried = self.watch.bytes(bytes);
        let shown = self.learn(&carried, bytes);
        self.heard_octets(bytes.len(), shown);
        self.stage.log.client_bytes(&self.session, shown);
        carried.shown != bytes
    }

    /// Shows the beginning of what had arrived when something went wrong.
    pub(crate) fn hear_arrived(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let carried = self.watch.bytes(bytes);
        let shown = self.learn(&carried, bytes);
        self.heard_octets(bytes.len(), shown);
        self.stage.log.client_bytes(&self.session, &shown[..shown.len().min(SHOWN_OF_ARRIVED)]);
    }

    fn heard_octets(&mut self, octets: usize, shown: &[u8]) {
        let shown = visible(&self.stage.log.masker().mask(shown));
        self.stage.log.receive(octets, &shown);
    }

    /// What may be shown of what came. Its credentials are masked from here on, wherever they stand.
    fn learn<'c>(&mut self, carried: &'c Carried, bytes: &'c [u8]) -> &'c [u8] {
        if self.script.show_secrets {
            return bytes;
        }
        if let Some(masker) = self.stage.log.masker().with_credentials(&carried.secrets) {
            self.stage.log.set_masker(Arc::new(masker));
        }
        &carried.shown
    }
}
