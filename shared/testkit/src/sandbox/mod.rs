//! A stand-in for the outside world: an EHR (FHIR R4 with SMART Backend Services), payers (JSON and X12 270/271), an SMS
//! provider and a mail server, which fail on purpose when told to.
//!
//! **For tests and the demo only.** Everything is in memory and in clear, nothing is guarded, and it listens on
//! loopback alone. It is deterministic where it can be: ids and the chances of faults come from a seed.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use testkit::sandbox::{Class, Commit, Fault, Interaction, Rule, Sandbox, SandboxConfig};
//!
//! let sandbox = Sandbox::start(SandboxConfig::default()).await?;
//! // The first create of a Patient is committed, and its answer is lost.
//! let lost = Rule::new(Class::Ehr, Fault::Cut { commit: Commit::After });
//! sandbox.set_faults(vec![lost.on("Patient").at(Interaction::Create).times(1)])?;
//! println!("{}", sandbox.addresses().fhir_url);
//! sandbox.stop().await;
//! # Ok(())
//! # }
//! ```

mod address;
mod app;
mod client;
mod config;
mod control;
mod error;
mod faults;
mod fhir;
mod http;
mod listener;
mod messages;
mod oauth;
mod payer;
pub(crate) mod pem;
mod rng;
mod server;
mod slots;
mod sms;
mod smtp;
mod store;

pub use address::Addresses;
pub use client::{Control, ControlError};
pub use config::SandboxConfig;
pub use error::SandboxError;
pub use faults::{Class, Commit, Fault, FaultReport, Interaction, LateAnswer, Rule, RuleReport};
pub use messages::{Channel, Message};
pub use oauth::{AuthConfig, ClientConfig, ClientKey, KeyAlgorithm, PublicKeys};
pub use payer::{Member, MemberStatus};
pub use server::Sandbox;
pub use slots::SlotRow;
pub use store::{Counts, Kind, Write};

#[cfg(test)]
mod tests;
