//! Whatever bytes come back, the reader comes to an end and does not panic.

use proptest::prelude::*;

use super::{ORIGINATOR, TRACE, read::ACTIVE};
use crate::payer::{
    PayerFault,
    answer::judge,
    x12::response::{Asked, read},
};

fn try_read(bytes: &[u8]) -> Result<(), PayerFault> {
    read(bytes, Asked { trace: TRACE, originator: ORIGINATOR }).and_then(|answer| judge(&answer)).map(drop)
}

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = try_read(&bytes);
    }

    /// Behind a good ISA more of the reader is reached.
    #[test]
    fn any_segments(tail in "[A-Z0-9*~:^\\n é]{0,300}") {
        let mut bytes = ACTIVE.as_bytes()[..106].to_vec();
        bytes.extend_from_slice(tail.as_bytes());
        let _ = try_read(&bytes);
    }

    #[test]
    fn a_good_answer_with_bytes_changed(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = ACTIVE.as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = try_read(&bytes);
    }

    /// An answer that was cut off is never taken for a whole one.
    #[test]
    fn a_good_answer_cut_off(at in any::<prop::sample::Index>()) {
        let end = ACTIVE.find("SE*").unwrap();
        let bytes = &ACTIVE.as_bytes()[..at.index(end)];
        prop_assert_eq!(try_read(bytes), Err(PayerFault::Unreadable));
    }
}
