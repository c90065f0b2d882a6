//! The API at the level of HTTP, with fakes where the database and the broker are.

mod allowing;
mod answering;
mod support;
