//! The counts that were held against each other.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ClinicId;

/// One clinic's day, as each side counts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// The clinic.
    pub clinic_id: ClinicId,
    /// When its day began.
    pub from: Timestamp,
    /// When it ended, or will.
    pub until: Timestamp,
    /// Submissions that its senders say they sent; `None`: nobody said.
    pub sent: Option<u64>,
    /// Submissions that the gateways say they accepted; `None`: none of them counts. What came over AMQP is not among them.
    #[serde(default)]
    pub accepted: Option<u64>,
    /// Submissions that the journal knows, refused copies included.
    pub journalled: u64,
    /// Submissions admitted, refused copies included.
    pub admitted: u64,
    /// Those that are on their way.
    pub in_flight: u64,
    /// Those that completed.
    pub completed: u64,
    /// Those that repeat an earlier request.
    pub duplicate: u64,
    /// Those that the sender must change.
    pub rejected: u64,
    /// Those that wait for a person.
    pub held: u64,
    /// Those that are dead.
    pub dead: u64,
    /// Patients, coverages and appointments that the ledger says are in the EHR.
    pub written: u64,
    /// Those among them that the EHR was asked for and has; `None`: it could not be asked.
    pub in_ehr: Option<u64>,
    /// Messages to patients that were sent.
    pub notified: u64,
}
