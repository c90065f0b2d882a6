//! Text messages and e-mail against scripted servers.

mod email;
mod sms;
