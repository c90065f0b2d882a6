//! What came by, and how often which fault struck.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::Direction;

/// The numbers of a proxy since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that came, refused ones too.
    pub connections: u64,
    /// Those that are open now.
    pub open: u64,
    /// Connections that were reset because what is behind the proxy did not take them.
    pub unreachable: u64,
    /// Connections reset by `refuse`.
    pub refused: u64,
    /// Connections reset by `cut`.
    pub cut: u64,
    /// Connections that lost bytes to `blackhole`.
    pub blackholed: u64,
    /// Chunks that waited because of `delay`.
    pub delayed: u64,
    /// Requests that were passed on and whose answer was lost, by `lose` to the server.
    pub lost_to_server: u64,
    /// Answers that were not delivered, by `lose` to the client.
    pub lost_to_client: u64,
    /// Bytes delivered to the server.
    pub bytes_to_server: u64,
    /// Bytes delivered to clients.
    pub bytes_to_client: u64,
}

/// The same while they change.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) connections: AtomicU64,
    pub(super) open: AtomicU64,
    pub(super) unreachable: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) cut: AtomicU64,
    pub(super) blackholed: AtomicU64,
    pub(super) delayed: AtomicU64,
    pub(super) lost_to_server: AtomicU64,
    pub(super) lost_to_client: AtomicU64,
    pub(super) bytes_to_server: AtomicU64,
    pub(super) bytes_to_client: AtomicU64,
}

impl Counters {
    pub(super) fn add(counter: &AtomicU64, more: u64) {
        counter.fetch_add(more, Relaxed);
    }

    /// The bytes delivered in that direction.
    pub(super) fn bytes(&self, direction: Direction) -> &AtomicU64 {
        match direction {
            Direction::ToServer => &self.bytes_to_server,
            Direction::ToClient => &self.bytes_to_client,
        }
    }

    pub(super) fn read(&self) -> Counts {
        let of = |counter: &AtomicU64| counter.load(Relaxed);
        Counts {
            connections: of(&self.connections),
            open: of(&self.open),
            unreachable: of(&self.unreachable),
            refused: of(&self.refused),
            cut: of(&self.cut),
            blackholed: of(&self.blackholed),
            delayed: of(&self.delayed),
            lost_to_server: of(&self.lost_to_server),
            lost_to_client: of(&self.lost_to_client),
            bytes_to_server: of(&self.bytes_to_server),
            bytes_to_client: of(&self.bytes_to_client),
        }
    }
}

/// Counts a connection as open for as long as it lives.
pub(super) struct Open<'a>(&'a AtomicU64);

impl<'a> Open<'a> {
    pub(super) fn begin(counters: &'a Counters) -> Self {
        Counters::add(&counters.open, 1);
        Self(&counters.open)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
