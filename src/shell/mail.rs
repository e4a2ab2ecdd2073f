//! Commands that send a file as mail data.

use super::Shell;
use crate::scenario::reason;
use crate::session::Written;
use crate::smtp::mail_data::{LineEndings, MailDataEncoder};

/// Larger files are a scenario's: it sends them piece by piece.
const MAX_FILE: u64 = 64 * 1024 * 1024;

impl Shell {
    /// DATA, the file after its 354, and the end of mail data.
    pub(super) async fn data(&mut self, file: &str) {
        let Some(content) = self.content(file) else { return };
        self.send(b"DATA").await;
        let ready = self
            .session
            .as_ref()
            .is_some_and(|session| session.dialogue().is_in_mail_data() && session.dialogue().owed() == 0);
        if !ready {
            return self.complain("the server does not take mail data: the file was not sent");
        }
        let mut encoder = MailDataEncoder::new(LineEndings::Crlf, true);
        let mut octets = Vec::new();
        encoder.encode(&content, &mut octets);
        encoder.finish(true, &mut octets);
        let wait = self.settings.timeout;
        let Some(session) = self.session.as_mut() else { return };
        let name = session.name().clone();
        self.log.mail_data(&name, &String::from_utf8_lossy(&octets), octets.len() as u64);
        let outcome = session.write_mail_data(&octets, wait).await;
        session.end_mail_data(&self.log);
        self.tap.client(&octets);
        match outcome {
            Ok(Written::All) => {}
            Ok(Written::Interrupted) => self.complain("the server replied before all was sent: the rest was kept back"),
            Err(trouble) => return self.trouble(&trouble, "sending the file"),
        }
        self.read_owed().await;
    }

    /// The file as the last chunk.
    pub(super) async fn bdat(&mut self, file: &str) {
        let Some(content) = self.content(file) else { return };
        let mut encoder = MailDataEncoder::new(LineEndings::Crlf, false);
        let mut octets = Vec::new();
        encoder.encode(&content, &mut octets);
        encoder.finish(false, &mut octets);
        let command = format!("BDAT {} LAST", octets.len());
        let wait = self.settings.timeout;
        let Some(session) = self.session.as_mut() else { return };
        let name = session.name().clone();
        self.log.client(&name, &command);
        self.log.client(&name, &format!("[{} octets]", octets.len()));
        let outcome = session.write_chunk(&command, &octets, wait, &self.log).await;
        self.tap.client(format!("{command}\r\n").as_bytes());
        self.tap.client(&octets);
        match outcome {
            Ok(Written::All) => {}
            Ok(Written::Interrupted) => self.complain("the server replied before all was sent: the rest was kept back"),
            Err(trouble) => return self.trouble(&trouble, "sending the chunk"),
        }
        self.read_owed().await;
    }

    /// The file, if it can be sent now.
    fn content(&mut self, file: &str) -> Option<Vec<u8>> {
        if file.is_empty() {
            self.complain("which file? `.help data` says more");
            return None;
        }
        if self.session.is_none() {
            self.not_connected();
            return None;
        }
        if self.held.is_some() {
            self.complain("lines are held back, and a file waits for replies: `.wait` first");
            return None;
        }
        let size = std::fs::metadata(file).map(|it| if it.is_file() { it.len() } else { MAX_FILE + 1 });
        match size.and_then(|size| if size > MAX_FILE { Ok(None) } else { std::fs::read(file).map(Some) }) {
            Ok(Some(content)) => return Some(content),
            Ok(None) => self.complain(&format!("`{file}` is no file of at most 64 MiB: a scenario sends larger ones")),
            Err(error) => self.complain(&format!("cannot read `{file}`: {}", reason(&error))),
        }
        None
    }
}
