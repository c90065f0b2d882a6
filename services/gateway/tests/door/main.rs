//! The gateway at the level of HTTP, with the broker and the database replaced by fakes.

mod accepting;
mod asking;
mod refusing;
mod retrying;
mod serving;
mod support;
