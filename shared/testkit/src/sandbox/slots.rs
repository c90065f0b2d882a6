//! `slots.csv`: what the EHR offers.

use std::io::Read;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::SandboxError;
use super::rng;

/// One offered time of one provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotRow {
    /// The clinic.
    pub clinic_id: String,
    /// The provider; also the id of its Schedule.
    pub provider: String,
    /// Start.
    pub start: Timestamp,
    /// Length in minutes.
    pub minutes: u32,
}

impl SlotRow {
    /// Reads `clinic_id,provider,start,minutes` with a header row.
    ///
    /// # Errors
    /// [`SandboxError::Row`] at the first row that is not of this form.
    pub fn read_csv(source: impl Read) -> Result<Vec<Self>, SandboxError> {
        read(source, "slots", "clinic_id,provider,start,minutes")
    }

    /// The Slot's id: the same for the same row, in every run.
    pub fn id(&self) -> String {
        format!("slot-{:016x}", rng::hash(&[&self.clinic_id, &self.provider, &self.start.to_string()]))
    }

    /// The free Slot resource, without `id` and `meta`.
    pub(super) fn resource(&self) -> Value {
        let minutes = SignedDuration::from_mins(i64::from(self.minutes));
        let end = self.start.checked_add(minutes).unwrap_or(Timestamp::MAX);
        json!({
            "resourceType": "Slot",
            "identifier": [{"system": "urn:sandbox:slot", "value": format!("{}@{}", self.provider, self.start)}],
            "schedule": {"reference": format!("Schedule/{}", self.provider)},
            "status": "free",
            "start": self.start.to_string(),
            "end": end.to_string(),
        })
    }
}

/// Reads a CSV file with a header; errors name the row, never its content.
pub(super) fn read<T: for<'de> Deserialize<'de>>(
    source: impl Read,
    what: &'static str,
    columns: &'static str,
) -> Result<Vec<T>, SandboxError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(source);
    let rows = reader.deserialize().zip(2_u64..);
    rows.map(|(row, number)| row.map_err(|_| SandboxError::Row { what, row: number, columns })).collect()
}

#[cfg(test)]
mod tests {
    use super::SlotRow;

    #[test]
    fn reads_rows_and_keeps_ids_stable() -> Result<(), Box<dyn std::error::Error>> {
        let rows =
            SlotRow::read_csv("clinic_id,provider,start,minutes\nc,p,2027-02-19T14:20:00Z,20\n".as_bytes())?;
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].id(), rows[0].clone().id());
        assert_eq!(rows[0].resource()["end"], "2027-02-19T14:40:00Z");
        Ok(())
    }

    #[test]
    fn names_the_bad_row() {
        let error = SlotRow::read_csv("clinic_id,provider,start,minutes\nc,p,tomorrow,20\n".as_bytes()).err();
        let text = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(text.contains("row 2") && !text.contains("tomorrow"), "{text}");
    }
}
