//! What every payer adapter must do, against a payer that works. The suite asserts.

use domain::{intake::Sex, messages::EligibilityStatus};
use jiff::civil::date;

use super::{Inquiry, Payer, PayerFault};

/// Members that the payer behind the adapter knows, or does not.
pub struct World {
    /// One who is covered.
    pub active: Inquiry,
    /// One who is known and not covered.
    pub inactive: Inquiry,
    /// One who is not known.
    pub unknown: Inquiry,
    /// One whose payer does not answer, if there is one.
    pub down: Option<Inquiry>,
}

/// An inquiry about an invented person.
pub fn inquiry(payer: &str, member_id: &str) -> Inquiry {
    Inquiry {
        payer: payer.to_owned(),
        member_id: member_id.to_owned(),
        given: "Zelda".to_owned(),
        middle: None,
        family: "Nuñez".to_owned(),
        birth_date: date(1980, 2, 28),
        sex: Sex::Female,
        holder: None,
        service_date: date(2027, 2, 1),
        organisation: None,
        npi: None,
    }
}

/// Runs the whole suite.
pub async fn run(payer: &dyn Payer, world: &World) {
    for (inquiry, expected) in [
        (&world.active, EligibilityStatus::Active),
        (&world.inactive, EligibilityStatus::Inactive),
        (&world.unknown, EligibilityStatus::NotFound),
    ] {
        let status = payer.eligibility(inquiry).await.map(|eligibility| eligibility.status);
        assert!(status == Ok(expected), "expected {expected:?}, got {status:?}");
    }
    if let Some(down) = &world.down {
        let status = payer.eligibility(down).await.map(|eligibility| eligibility.status);
        assert!(status == Err(PayerFault::NotNow), "a payer that is down: {status:?}");
    }
}
