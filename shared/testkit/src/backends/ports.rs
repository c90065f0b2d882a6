//! Ports of our own: a block that lies below the range from which the system takes ports for outgoing connections, so that
//! a process that is restarted finds its port still free.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// Ports that are never taken: the standard ones of RabbitMQ, its management and distribution, Postgres and epmd.
pub const RESERVED: [u16; 6] = [4369, 5432, 5672, 15672, 15692, 25672];

/// Where the search for a free block begins.
const FIRST: u16 = 26700;
/// Blocks begin this far apart.
const STEP: u16 = 50;
/// How many blocks are tried.
const TRIES: u16 = 100;

/// A run of free ports on loopback. Its first port stays held, as a sign to other runners, as long as this lives.
#[derive(Debug)]
pub struct PortBlock {
    base: u16,
    size: u16,
    /// The first busy port of the block that would have been taken otherwise.
    pub passed_over: Option<u16>,
    _held: TcpListener,
}

/// A port is in use that was asked for, or every block has one that is.
#[derive(Debug, thiserror::Error)]
#[error("port {port} is in use by another program: end that program, or choose other ports, {instead}")]
pub struct PortInUse {
    port: u16,
    instead: String,
}

impl PortInUse {
    fn new(port: u16, free: Option<u16>) -> Self {
        let free = free.map_or_else(String::new, |free| format!(", such as --port-base {free}"));
        Self { port, instead: format!("with --port-base PORT{free}") }
    }
}

impl PortBlock {
    /// A block of `size` ports, of which the first is held: at `base` if one is given, else the first free one.
    ///
    /// # Errors
    /// [`PortInUse`] if the block at `base` is not free, or no block is.
    pub fn take(base: Option<u16>, size: u16) -> Result<Self, PortInUse> {
        if let Some(base) = base {
            let free = || Self::first_free(size).ok().map(|block| block.base);
            return Self::at(base, size).map_err(|port| PortInUse::new(port, free()));
        }
        Self::first_free(size)
    }

    fn first_free(size: u16) -> Result<Self, PortInUse> {
        let mut passed_over = None;
        for base in (0..TRIES).map(|block| FIRST + block * STEP) {
            match Self::at(base, size) {
                Ok(block) => return Ok(Self { passed_over, ..block }),
                Err(port) => passed_over = passed_over.or(Some(port)),
            }
        }
        Err(PortInUse::new(passed_over.unwrap_or(FIRST), None))
    }

    /// The block at `base`, or the port that stands in its way.
    fn at(base: u16, size: u16) -> Result<Self, u16> {
        let end = base.checked_add(size).ok_or(base)?;
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, base)).map_err(|_| base)?;
        match (base + 1..end).find(|port| !is_free(*port)) {
            Some(busy) => Err(busy),
            None => Ok(Self { base, size, passed_over: None, _held: held }),
        }
    }

    /// The address of the port at `offset`, from 1 to below the block's size.
    pub fn address(&self, offset: u16) -> SocketAddr {
        debug_assert!((1..self.size).contains(&offset));
        (Ipv4Addr::LOCALHOST, self.base + offset).into()
    }

    /// The held port.
    pub fn base(&self) -> u16 {
        self.base
    }
}

/// Whether a port of ours may be taken now: nobody listens there, and it is not [`RESERVED`].
pub fn is_free(port: u16) -> bool {
    !RESERVED.contains(&port) && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{PortBlock, RESERVED, is_free};
    use std::net::TcpListener;

    #[test]
    fn a_block_is_given_once_and_given_again_after_its_end() {
        let first = PortBlock::take(None, 4).unwrap();
        let second = PortBlock::take(None, 4).unwrap();
        assert_ne!(first.base(), second.base());
        let base = first.base();
        assert!(PortBlock::take(Some(base), 4).unwrap_err().to_string().contains(&base.to_string()));
        drop(first);
        assert!(PortBlock::take(Some(base), 4).is_ok());
    }

    #[test]
    fn a_busy_port_in_the_middle_is_named() {
        let block = PortBlock::take(None, 5).unwrap();
        let (base, busy) = (block.base(), block.address(3));
        drop(block);
        let _other = TcpListener::bind(busy).unwrap();
        let text = PortBlock::take(Some(base), 5).unwrap_err().to_string();
        assert!(text.starts_with(&format!("port {} is in use", busy.port())), "{text}");
    }

    #[test]
    fn the_standard_ports_are_never_free() {
        assert!(RESERVED.iter().all(|port| !is_free(*port)));
    }
}
