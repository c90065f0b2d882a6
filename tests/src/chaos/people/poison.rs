//! Messages that are no submissions.

use super::{clinic::Clinic, dice::Dice, plan::Door};

/// A message that nobody can read as a submission: it ends in the dead letters, or the gateway refuses it.
pub struct Poison {
    /// The clinic in the routing key or the address.
    pub clinic: String,
    /// By which door.
    pub door: Door,
    /// What is sent.
    pub body: Vec<u8>,
}

impl Poison {
    /// `sound` is the body of a submission, to be spoilt: it names nobody else's submission.
    pub(super) fn of(clinic: &Clinic, door: Door, mut sound: Vec<u8>, dice: &mut Dice) -> Self {
        let body = match dice.below(4) {
            0 => b"<intake><name>not JSON</name></intake>".to_vec(),
            1 => {
                sound.truncate(sound.len() / 2);
                sound
            }
            2 => b"[1, 2, 3]".to_vec(),
            // A name that is no text: it cannot even be rejected by name.
            _ => format!(
                r#"{{"submission_id": 7, "clinic_id": {{}}, "source": "{}", "form": []}}"#,
                clinic.source
            )
            .into_bytes(),
        };
        Self { clinic: clinic.clinic_id.clone(), door, body }
    }
}
