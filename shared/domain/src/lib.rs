//! Pure types and rules of Frontdesk: no IO, no async runtime, no clock of its own.
//!
//! Everything that carries meaning between crates is here: identifiers, the sealed [`envelope`],
//! the canonical [`intake`], [`code`]s, [`outcome`]s and [`fault`]s, the [`effect`] state machine of
//! the EHR-writer's ledger, [`matching`] of persons, and the clinics' [`template`]s.

pub mod arrival;
pub mod blind;
pub mod breaker;
pub mod clock;
pub mod code;
pub mod content;
mod digest;
pub mod drill;
pub mod effect;
pub mod endpoint;
pub mod envelope;
pub mod fault;
pub mod field;
pub mod hold;
pub mod hop;
pub mod ids;
pub mod intake;
pub mod judge;
pub mod letter;
pub mod matching;
pub mod messages;
pub mod meta;
pub mod outcome;
pub mod phi;
pub mod ports;
pub mod problem;
pub mod reconcile;
pub mod rules;
#[cfg(feature = "schema")]
mod schema;
pub mod seal;
pub mod silence;
pub mod stage;
pub mod strict;
pub mod submission;
pub mod suspect;
pub mod template;
pub mod token;

pub use code::Code;
pub use endpoint::{Endpoint, EndpointKind};
pub use fault::Fault;
pub use field::FieldPath;
pub use ids::{AdmissionId, ClinicId, CorrelationId, LaneName, MessageId, PersonId, SubmissionId};
pub use meta::Meta;
pub use outcome::{Hold, Outcome, Settled};
pub use phi::Phi;
pub use stage::{Exchange, Stage};
