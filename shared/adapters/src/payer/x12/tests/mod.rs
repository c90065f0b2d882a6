//! The 270 as it is written, byte for byte as an outside validator accepted it, and 271s of many kinds.

mod hostile;
mod read;
mod write;

use domain::clock::Clock;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Partners, request::Stamp};
use crate::payer::request::Asker;

const TRACE: &str = "0196F0000000700080000000000000AB";
const ORIGINATOR: &str = "9123456789";

/// Always the same moment and identifier.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        "2026-11-22T10:15:30Z".parse().unwrap()
    }

    fn fresh_id(&self) -> Uuid {
        Uuid::parse_str(TRACE).unwrap()
    }
}

fn stamp() -> Stamp {
    Stamp::fresh(&Still)
}

fn partners(separators: Option<&str>) -> Partners {
    Partners::new("FRONTDESK", "CLEARINGHOUSE", ORIGINATOR, false, separators).unwrap()
}

fn asker() -> Asker {
    Asker {
        organisation: "Riverside Family Medicine".to_owned(),
        npi: "1234567893".to_owned(),
        ids: [("aetna".to_owned(), "60054".to_owned())].into(),
    }
}
