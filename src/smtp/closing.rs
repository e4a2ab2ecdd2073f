//! How a side ends its connection, in a step and by a rule of a server alike.

/// How a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closing {
    /// In order: under TLS with `close_notify`, then by FIN.
    Fin,
    /// By RST.
    Reset,
    /// The half that writes; what the other side still sends is read.
    Write,
    /// By FIN alone: a session under TLS gets no `close_notify`.
    Truncate,
}
