//! No core dumps: a process's memory holds keys and what patients wrote, and a dump of it would lie on a disk in clear.

use nix::sys::resource::{Resource, setrlimit};

/// Forbids them to this process and to all that it starts, for good.
///
/// # Errors
/// If the system does not do it.
pub fn no_core_dumps() -> std::io::Result<()> {
    Ok(setrlimit(Resource::RLIMIT_CORE, 0, 0)?)
}
