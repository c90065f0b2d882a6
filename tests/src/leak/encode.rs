//! The ways in which a program may write a text.

use std::fmt::Write as _;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// Bytes that give a text away.
pub struct Pattern {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// What kind of writing it is.
    pub how: &'static str,
    /// Whether capitals and small letters are the same in it.
    pub folded: bool,
}

/// Every pattern of a text.
pub fn patterns(text: &str) -> Vec<Pattern> {
    let bytes = text.as_bytes();
    let mut all = Vec::new();
    let mut add = |how, folded, bytes: Vec<u8>| all.push(Pattern { bytes, how, folded });
    add("as it is", true, bytes.to_vec());
    add("JSON-escaped", true, escaped(text, |_| true, |unit| format!("\\u{unit:04x}")));
    add("URL-escaped", true, percent(bytes, |_| true));
    add("hex", true, hex::encode(bytes).into_bytes());
    add("UTF-16", true, text.encode_utf16().flat_map(u16::to_be_bytes).collect());
    add("UTF-16", true, text.encode_utf16().flat_map(u16::to_le_bytes).collect());
    // A list of numbers is what `Debug` of bytes prints, and Erlang of a binary that is no text.
    for between in [",", ", "] {
        let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
        add("decimal", true, numbers.join(between).into_bytes());
    }
    if bytes.iter().any(|byte| !byte.is_ascii_alphanumeric()) {
        let strange = |one: char| !one.is_ascii();
        add("JSON-escaped", true, escaped(text, strange, |unit| format!("\\u{unit:04x}")));
        add("escaped", true, escaped(text, strange, |unit| format!("\\u{{{unit:x}}}")));
        add("escaped", true, escaped_bytes(bytes, |byte| format!("\\x{byte:02x}")));
        add("escaped", true, escaped_bytes(bytes, |byte| format!("\\{byte:03o}")));
        let reserved = |byte: u8| !byte.is_ascii_alphanumeric() && !b"-._~".contains(&byte);
        let url = percent(bytes, reserved);
        let form = String::from_utf8_lossy(&url).replace("%20", "+");
        add("URL-escaped", true, form.into_bytes());
        add("URL-escaped", true, url);
    }
    for offset in 0..3 {
        for encoded in base64(bytes, offset) {
            add("base64", false, encoded.into_bytes());
        }
    }
    all.retain(|pattern| !pattern.bytes.is_empty());
    all
}

/// What is left of a text's base64 wherever it stands: its place in a longer text, counted in threes, decides how its bits are cut. Characters that carry
/// bits of what stands before or behind it are left off.
fn base64(bytes: &[u8], offset: usize) -> [String; 2] {
    let padded = [&[0_u8; 2][..offset], bytes].concat();
    let first = [0, 2, 3][offset];
    let whole = padded.len() * 8 / 6;
    [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)]
        .map(|text| text.get(first..whole).unwrap_or_default().to_owned())
}

fn escaped(text: &str, which: impl Fn(char) -> bool, how: impl Fn(u16) -> String) -> Vec<u8> {
    let mut out = String::new();
    for one in text.chars() {
        if which(one) {
            one.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out += &how(*unit));
        } else {
            out.push(one);
        }
    }
    out.into_bytes()
}

fn escaped_bytes(bytes: &[u8], how: impl Fn(u8) -> String) -> Vec<u8> {
    let one = |byte: &u8| if byte.is_ascii() { vec![*byte] } else { how(*byte).into_bytes() };
    bytes.iter().flat_map(one).collect()
}

fn percent(bytes: &[u8], which: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut out = String::new();
    for byte in bytes {
        if which(*byte) {
            let _ = write!(out, "%{byte:02x}");
        } else {
            out.push(char::from(*byte));
        }
    }
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::patterns;

    fn written(how: &str, text: &str) -> Vec<String> {
        let of = patterns(text).into_iter().filter(|pattern| pattern.how == how);
        of.map(|pattern| String::from_utf8_lossy(&pattern.bytes).into_owned()).collect()
    }

    #[test]
    fn texts_are_written_as_others_write_them() {
        assert!(written("hex", "Zuv").contains(&"5a7576".to_owned()));
        assert!(written("URL-escaped", "a b@é").contains(&"a+b%40%c3%a9".to_owned()));
        assert!(written("URL-escaped", "a b").contains(&"a%20b".to_owned()));
        assert!(written("JSON-escaped", "Zé").contains(&"Z\\u00e9".to_owned()));
        assert!(written("JSON-escaped", "Z").contains(&"\\u005a".to_owned()));
        assert!(written("decimal", "Zu").contains(&"90, 117".to_owned()));
        assert!(written("escaped", "Zé").contains(&"Z\\303\\251".to_owned()));
    }

    #[test]
    fn nothing_is_too_short_to_mean_anything() {
        for text in ["Zuvirobade", "7955550142", "1903-04-07"] {
            assert!(patterns(text).iter().all(|pattern| pattern.bytes.len() >= 10), "{text}");
        }
    }
}
