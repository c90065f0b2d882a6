//! Header tables: written from text, and read whatever a foreign publisher put there.

use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};

/// The headers of a message, as far as we care: names and texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Headers(Vec<(String, String)>);

impl Headers {
    /// Adds a header if there is a value. A name that does not fit AMQP is ours and short, so there is none.
    pub(crate) fn push(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.0.push((name.to_owned(), value.to_string()));
        }
    }

    /// A header's text.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// A header as its type; absent if it is not one.
    pub(crate) fn parse<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.parse().ok()
    }

    /// Reads a table: texts and whole numbers; everything else is passed over.
    pub(crate) fn read(table: Option<&FieldTable>) -> Self {
        let pairs =
            table.into_iter().flatten().filter_map(|(name, value)| Some((name.to_string(), text(value)?)));
        Self(pairs.collect())
    }

    /// Writes a table. Names longer than AMQP allows are left out.
    pub(crate) fn write(&self) -> FieldTable {
        let mut table = FieldTable::default();
        for (name, value) in &self.0 {
            if let Ok(name) = ShortString::try_new(name.as_str()) {
                table.insert(name, AMQPValue::LongString(LongString::from(value.as_str())));
            }
        }
        table
    }
}

fn text(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok().map(str::to_owned),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        AMQPValue::ShortShortInt(n) => Some(n.to_string()),
        AMQPValue::ShortShortUInt(n) => Some(n.to_string()),
        AMQPValue::ShortInt(n) => Some(n.to_string()),
        AMQPValue::ShortUInt(n) => Some(n.to_string()),
        AMQPValue::LongInt(n) => Some(n.to_string()),
        AMQPValue::LongUInt(n) => Some(n.to_string()),
        AMQPValue::LongLongInt(n) => Some(n.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use lapin::types::{AMQPValue, FieldTable, ShortString};
    use proptest::prelude::*;

    use super::Headers;

    proptest! {
        #[test]
        fn what_is_written_is_read(pairs in prop::collection::btree_map("[a-z-]{1,40}", ".{0,80}", 0..8)) {
            let mut headers = Headers::default();
            for (name, value) in &pairs {
                headers.push(name, Some(value));
            }
            prop_assert_eq!(Headers::read(Some(&headers.write())), headers);
        }

        #[test]
        fn foreign_tables_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..40), number in any::<i64>(), flag in any::<bool>()) {
            let mut table = FieldTable::default();
            for (name, value) in [
                ("bytes", AMQPValue::LongString(bytes.clone().into())),
                ("frontdesk-attempt", AMQPValue::LongLongInt(number)),
                ("flag", AMQPValue::Boolean(flag)),
                ("nested", AMQPValue::FieldTable(FieldTable::default())),
            ] {
                table.insert(ShortString::from(name), value);
            }
            let headers = Headers::read(Some(&table));
            prop_assert_eq!(headers.get("bytes").is_some(), std::str::from_utf8(&bytes).is_ok());
            prop_assert_eq!(headers.parse::<u32>("frontdesk-attempt"), u32::try_from(number).ok());
            prop_assert_eq!(headers.get("nested"), None);
        }
    }
}
