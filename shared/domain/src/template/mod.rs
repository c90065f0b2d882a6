//! The clinics' templates: how each clinic's forms become the canonical [`Intake`](crate::intake::Intake).
//!
//! A template is data: a TOML file of paths into the form, named steps, tables of words and, where that is not enough,
//! expressions (CEL). Templates inherit: a clinic's file says only what is different from its base. They are compiled
//! once, at load; mapping a form parses no TOML, no pattern and no expression. `docs/templates.md` says how to write one.
//!
//! The way of a form: a `path` picks a value, the `step`s change it, and `canonical` reads it as the type of its
//! [`Field`], so that what every clinic needs (clean text, E.164 phones, plausible birth dates) cannot be left out.

mod canonical;
pub mod check;
mod clinic;
mod compile;
mod correct;
mod corrections;
mod error;
mod expr;
mod field;
mod item;
mod layers;
mod load;
mod notification;
mod path;
mod payers;
mod plan;
mod retry;
pub mod samples;
mod spec;
mod step;
mod zones;

pub use clinic::{Clinic, Clinics, PayerProtocol, Requires, Template};
pub use correct::seen_in;
pub use corrections::{Corrections, MAX_CORRECTION};
pub use error::{MapError, TemplateError, TemplateErrors};
pub use field::Field;
pub use notification::{EmailText, Notification, QuietHours, SmsText, VARIABLES};
pub use retry::Retry;
pub use step::phone::e164;
