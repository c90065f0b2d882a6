//! What every messenger must do, against a relay or provider that works. The suite asserts.

use jiff::Timestamp;

use super::{Invite, Messenger, Notice, SendOutcome};

/// A notice of an invented visit.
pub fn notice(key: &str, to: &str) -> Notice {
    Notice {
        key: key.to_owned(),
        to: to.to_owned(),
        subject: "Your visit".to_owned(),
        text: "Conformance Clinic – see you soon.".to_owned(),
        invite: Some(Invite {
            uid: key.to_owned(),
            clinic: "Conformance Clinic".to_owned(),
            start: Timestamp::UNIX_EPOCH,
            minutes: 20,
        }),
    }
}

/// Runs the whole suite; `seed` makes its keys unlike those of all other runs, `to` is somebody of the channel.
pub async fn run(messenger: &dyn Messenger, seed: &str, to: &str) {
    let notice = notice(&format!("{seed}-notice"), to);
    let first = messenger.send(&notice).await;
    let SendOutcome::Sent { id } = &first else {
        assert!(matches!(first, SendOutcome::Sent { .. }), "send a notice: {first:?}");
        return;
    };
    assert!(!id.is_empty(), "sent without an id");
    assert!(messenger.send(&notice).await == first, "the same notice twice must have one id");
}
