//! The line measured against its physical limit, in one run on one machine.
//!
//! - [`ideal`] is the limit: forwarders that do nothing but what RabbitMQ asks of a line of so many hops. [`forward`] is one of them.
//! - [`line`] is the real line with everything that it promises, against an outside world that answers at once.
//! - [`wire`] publishes to both, as fast as it goes or at a pace; [`figures`] makes rates and quantiles; [`usage`] tells what each process took.
//! - [`run`] is one measurement, round by round; [`report`] tells it. Only broken promises make it fail, never time.

pub mod args;
pub mod figures;
pub mod forward;
pub mod ideal;
pub mod line;
pub mod report;
pub mod run;
pub mod usage;
pub mod wire;
