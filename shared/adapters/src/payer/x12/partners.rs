//! Who sends to whom: what stands in ISA, GS and TRN.

use super::separators::Separators;

/// The two ends of an interchange, as configured.
pub(crate) struct Partners {
    pub(super) sender: String,
    pub(super) receiver: String,
    /// TRN03: exactly ten characters.
    pub(super) originator: String,
    pub(super) test: bool,
    pub(super) separators: Separators,
}

impl Partners {
    /// Checks what is configured.
    ///
    /// # Errors
    /// The field and what it must be.
    pub(crate) fn new(
        sender: &str,
        receiver: &str,
        originator: &str,
        test: bool,
        separators: Option<&str>,
    ) -> Result<Self, (&'static str, &'static str)> {
        let separators = Separators::configured(separators).ok_or((
            "separators",
            "must be four different punctuation marks: element, component, repetition, segment",
        ))?;
        let plain = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
            lengths.contains(&text.len())
                && text.trim() == text
                && text.chars().all(|c| (c.is_ascii_graphic() || c == ' ') && !separators.all().contains(&c))
        };
        for (field, value) in [("sender", sender), ("receiver", receiver)] {
            // 2 to 15: GS02 and GS03 take no single character.
            if !plain(value, 2..=15) {
                return Err((field, "must be 2 to 15 ASCII characters without separators"));
            }
        }
        if !plain(originator, 10..=10) {
            return Err(("originator", "must be exactly 10 ASCII characters without separators"));
        }
        Ok(Self {
            sender: sender.to_owned(),
            receiver: receiver.to_owned(),
            originator: originator.to_owned(),
            test,
            separators,
        })
    }
}
