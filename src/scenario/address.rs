//! Addresses as people write them: `HOST`, `HOST:PORT`, `[IPV6]:PORT`.

/// The port of a connection that names none.
pub(crate) const SMTP_PORT: u16 = 25;

/// `HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT`.
pub(crate) fn split_address(text: &str) -> Result<(String, u16), String> {
    split_address_or(text, SMTP_PORT)
}

/// The same with another port where none is named.
pub(crate) fn split_address_or(text: &str, default_port: u16) -> Result<(String, u16), String> {
    if text.is_empty() {
        return Err("the host is empty".to_owned());
    }
    let bare_ipv6 = !text.starts_with('[') && text.matches(':').count() > 1;
    if bare_ipv6 {
        return Err(format!("`{text}`: an IPv6 address stands in brackets: `[{text}]:{default_port}`"));
    }
    let split = text.rfind(':').filter(|colon| text.rfind(']').is_none_or(|bracket| bracket < *colon));
    let Some(colon) = split else { return Ok((text.to_owned(), default_port)) };
    let host = &text[..colon];
    if host.is_empty() {
        return Err(format!("`{text}` has no host"));
    }
    Ok((host.to_owned(), parse_port(&text[colon + 1..])?))
}

/// A port number.
pub(crate) fn parse_port(text: &str) -> Result<u16, String> {
    match text.trim().parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(format!("`{text}` is not a port: a number from 1 to 65535")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, host, port) in [
            ("mx.example", "mx.example", 25),
            ("mx.example:587", "mx.example", 587),
            ("127.0.0.1:2525", "127.0.0.1", 2525),
            ("[::1]", "[::1]", 25),
            ("[::1]:465", "[::1]", 465),
        ] {
            assert_eq!(split_address(text), Ok((host.to_owned(), port)));
        }
        for bad in ["", "::1", "a:b", "a:0", "a:99999", ":25"] {
            assert!(split_address(bad).is_err(), "{bad}");
        }
    }
}
