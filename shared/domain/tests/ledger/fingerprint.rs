//! Telling states apart without keeping them.

use std::hash::{Hash, Hasher};

use aws_lc_rs::digest::{SHA256, digest};
use domain::effect::{Op, Slot};

use crate::{store::Store, worker::Lease, world::World};

/// Collects what is to be hashed.
struct Bytes(Vec<u8>);

impl Bytes {
    fn of(what: &impl Hash) -> Vec<u8> {
        let mut bytes = Self(Vec::with_capacity(512));
        what.hash(&mut bytes);
        bytes.0
    }
}

impl Hasher for Bytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Nobody asks for it.
    fn finish(&self) -> u64 {
        0
    }
}

/// Stands for a state.
pub(crate) type Fingerprint = [u8; 32];

impl World {
    /// Equal for equal states, and for states that differ only in which worker is which; different for all others.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        let Self { store, queue, held, workers, ehr, flights, faults } = self;
        let all = Bytes::of(&(store, queue, held, ehr, faults, unordered(workers), unordered(flights)));
        let mut out = [0; 32];
        out.copy_from_slice(digest(&SHA256, &all).as_ref());
        out
    }
}

/// What is the same in all rows of one id is left out.
impl Hash for Store {
    fn hash<H: Hasher>(&self, to: &mut H) {
        for row in &self.ops {
            let Op { op, in_force, role, state, attempts, searches, before, .. } = &**row;
            (op, in_force, role, state, attempts, searches, before).hash(to);
        }
        for row in &self.slots {
            let Slot { slot, owner, resource, written, .. } = &**row;
            (slot, owner, resource, written).hash(to);
        }
    }
}

impl Hash for Lease {
    fn hash<H: Hasher>(&self, to: &mut H) {
        let Self { of, token, until, role, resource } = self;
        (of.op(), token, until, role, resource).hash(to);
    }
}

fn unordered<T: Hash>(all: &[T]) -> Vec<Vec<u8>> {
    let mut parts: Vec<_> = all.iter().map(Bytes::of).collect();
    parts.sort_unstable();
    parts
}
