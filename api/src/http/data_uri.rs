//! Files that come as texts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

/// The bytes of a data URI, or of its base64 part alone.
pub fn data_uri(text: &str) -> Option<Bytes> {
    let encoded = match text.strip_prefix("data:") {
        Some(rest) => rest.split_once(";base64,")?.1,
        None => text,
    };
    STANDARD.decode(encoded.trim_ascii()).ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_base64_is_read() {
        let table = [
            ("data:image/png;base64,AQI=", Some(&[1, 2][..])),
            ("AQI=", Some(&[1, 2][..])),
            ("data:image/png,xyz", None),
            ("###", None),
        ];
        for (text, bytes) in table {
            assert_eq!(data_uri(text).as_deref(), bytes, "{text}");
        }
    }
}
