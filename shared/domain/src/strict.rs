//! Strict reading of JSON from outside: UTF-8, bounded depth, no key twice.
//!
//! RFC 8259 leaves duplicate keys open, so that two readers of one body may see two different forms; here they are refused.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Why a body was not read. Never quotes the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StrictError {
    /// Not UTF-8.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// Not one JSON value and nothing else.
    #[error("the body is not JSON")]
    NotJson,
    /// An object has a key twice.
    #[error("an object has the same key twice")]
    DuplicateKey,
    /// Nested deeper than allowed.
    #[error("the body is nested too deep")]
    TooDeep,
}

/// Reads one JSON value whose objects and arrays are nested at most `depth` deep (a bare `{}` is depth 1).
///
/// # Errors
/// [`StrictError`] says what is wrong, without the position or any part of the body.
pub fn parse(body: &[u8], depth: usize) -> Result<Value, StrictError> {
    let text = std::str::from_utf8(body).map_err(|_| StrictError::NotUtf8)?;
    let why = Cell::new(StrictError::NotJson);
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict { depth, why: &why }.deserialize(&mut reader).map_err(|_| why.get())?;
    reader.end().map_err(|_| StrictError::NotJson)?;
    Ok(value)
}

/// Reads a value with the given number of levels left. Serde's errors carry only text: `why` carries the kind.
#[derive(Clone, Copy)]
struct Strict<'w> {
    depth: usize,
    why: &'w Cell<StrictError>,
}

impl Strict<'_> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth, ..self }),
            None => Err(self.refuse(StrictError::TooDeep)),
        }
    }

    fn refuse<E: Error>(self, why: StrictError) -> E {
        self.why.set(why);
        E::custom(why)
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| self.refuse(StrictError::NotJson))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut out = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            out.push(item);
        }
        Ok(Value::Array(out))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut out = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if out.contains_key(&key) {
                return Err(self.refuse(StrictError::DuplicateKey));
            }
            out.insert(key, entries.next_value_seed(inner)?);
        }
        Ok(Value::Object(out))
    }
}

#[cfg(test)]
mod tests {
    use super::{StrictError, parse};

    #[test]
    fn reads_what_serde_json_reads() {
        let text =
            r#" {"a":[1,-2,3.5,18446744073709551615,1e3],"b":{"c":null,"d":true},"e":"\u00e9\ud83d\ude00"} "#;
        let plain: serde_json::Value = serde_json::from_str(text).unwrap();
        assert_eq!(parse(text.as_bytes(), 32), Ok(plain));
    }

    #[test]
    fn each_fault_has_its_name() {
        for (body, why) in [
            (&b"\"\xff\""[..], StrictError::NotUtf8),
            (b"", StrictError::NotJson),
            (b"{}{}", StrictError::NotJson),
            (b"{'a':1}", StrictError::NotJson),
            (b"1e999", StrictError::NotJson),
            (b"\"\\ud800\"", StrictError::NotJson),
            (b"{\"a\":1,\"a\":1}", StrictError::DuplicateKey),
            (b"[{\"a\":{\"b\":1,\"\\u0062\":2}}]", StrictError::DuplicateKey),
        ] {
            assert_eq!(parse(body, 32), Err(why), "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn depth_is_counted_in_objects_and_arrays() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(parse(nested(32).as_bytes(), 32).is_ok());
        assert_eq!(parse(nested(33).as_bytes(), 32), Err(StrictError::TooDeep));
        assert_eq!(parse("[".repeat(100_000).as_bytes(), 32), Err(StrictError::TooDeep));
        assert_eq!(parse("{\"a\":".repeat(100_000).as_bytes(), 32), Err(StrictError::TooDeep));
        assert!(parse(b"1", 0).is_ok());
    }
}
