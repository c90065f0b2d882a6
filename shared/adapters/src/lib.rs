//! The outside world behind traits: EHRs, payers, and what reaches the patient.
//!
//! Each trait has its adapters in folders beside it, one folder a vendor or protocol, and a fake and a conformance suite
//! (feature `conformance`) that every adapter and the fake pass. What comes back is named by what the caller can do about
//! it, and never carries a body, a URL or a server's free text: those quote people.
//!
//! Nothing here logs, retries, or reads the environment. Each call outside is a span, named by its method and by the template of its address. Plain HTTP and SMTP are refused except to loopback.

pub mod ehr;
mod http;
pub mod messenger;
pub mod payer;
pub mod setup;
#[cfg(test)]
mod testserver;

pub use setup::SetupError;
