//! Octets that are written as hexadecimal digits or base64.

use super::Misread;
use base64::Engine as _;

/// Bytes from hexadecimal digits; blanks between them are free.
pub(crate) fn decode_hex(text: &str) -> Result<Vec<u8>, Misread> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|character| !character.is_whitespace())
        .map(|character| {
            character.to_digit(16).ok_or_else(|| Misread::new(format!("`{character}` is not a hexadecimal digit")))
        })
        .collect::<Result<_, _>>()?;
    if !digits.len().is_multiple_of(2) {
        return Err(Misread::new("an odd number of hexadecimal digits: two make a byte"));
    }
    Ok(digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0_u8, |byte, digit| byte << 4 | u8::try_from(*digit).unwrap_or(0)))
        .collect())
}

/// Bytes from base64; blanks and line breaks in it are free.
pub(crate) fn decode_base64(text: &str) -> Result<Vec<u8>, Misread> {
    let dense: String = text.chars().filter(|character| !character.is_whitespace()).collect();
    base64::engine::general_purpose::STANDARD
        .decode(dense)
        .map_err(|error| Misread::new(format!("not base64: {}", error.to_string().to_lowercase())))
}
