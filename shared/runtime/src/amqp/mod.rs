//! AMQP 0-9-1: one supervised connection, a confirming publisher, and what messages carry.

mod headers;
mod link;
mod pace;
mod patience;
mod pool;
mod properties;
mod publisher;
mod uri;

pub(crate) use headers::Headers;
pub use link::{Link, LinkDown, Session};
pub(crate) use pace::Pace;
pub use properties::Properties;
pub use publisher::{PublishError, Publisher};
pub(crate) use uri::Address;

pub use properties::header;
