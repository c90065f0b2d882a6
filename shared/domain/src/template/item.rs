//! What flows from a path through the steps to a field.

use serde_json::Value;

/// A value on its way.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// Absent, null or blank.
    Nothing,
    /// A text, or a number as text.
    Text(String),
    /// Yes or no.
    Flag(bool),
    /// Several texts.
    List(Vec<String>),
}

/// Why a rule gave nothing usable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bad {
    /// The form's value cannot be used.
    Form,
    /// The template's expression failed.
    Template,
}

impl Item {
    /// Reads a JSON value. Objects and lists of anything but texts and numbers are not usable.
    pub(super) fn of(value: &Value) -> Result<Self, Bad> {
        match value {
            Value::Null => Ok(Self::Nothing),
            Value::Bool(flag) => Ok(Self::Flag(*flag)),
            Value::Object(object) if object.is_empty() => Ok(Self::Nothing),
            Value::Object(_) => Err(Bad::Form),
            Value::Array(elements) => {
                let mut texts = Vec::with_capacity(elements.len());
                for element in elements {
                    match Self::of(element)? {
                        Self::Nothing => {}
                        Self::Text(text) => texts.push(text),
                        Self::Flag(_) | Self::List(_) => return Err(Bad::Form),
                    }
                }
                Ok(Self::list(texts))
            }
            Value::Number(number) => Ok(Self::Text(number.to_string())),
            Value::String(text) => Ok(Self::text(text.clone())),
        }
    }

    /// A text, or nothing if it is blank.
    pub(super) fn text(text: String) -> Self {
        if text.trim().is_empty() { Self::Nothing } else { Self::Text(text) }
    }

    /// A list without blanks, or nothing if none is left.
    pub(super) fn list(mut texts: Vec<String>) -> Self {
        texts.retain(|text| !text.trim().is_empty());
        if texts.is_empty() { Self::Nothing } else { Self::List(texts) }
    }

    /// Whether there is none.
    pub(super) const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}
