//! Slots of a provider's calendar: claimed, given back, and perhaps claimed again.

use uuid::Uuid;

use super::{
    super::{Begin, BeginEffect, Kind, Role, State},
    Book,
};

impl Book {
    /// A claim that was given back is made anew, in a round of its own. One that may have been given back is cleared up first.
    pub(super) fn claim(&mut self, wish: &BeginEffect, fresh: &mut dyn FnMut() -> Uuid) -> Begin {
        let mut op = self.own(wish, None, fresh);
        match self.state(wish.admission, Kind::SlotRelease) {
            Some(State::Done(_)) => {
                self.retire(wish.admission, Kind::SlotRelease);
                self.retire(wish.admission, Kind::Slot);
                op = self.add(wish, None, 0, fresh());
            }
            // It may be given back, or be so at any moment: nobody books on it before that is known.
            Some(State::Intent { .. } | State::Unknown { .. } | State::Parked | State::Conflict) => {
                return self.drive_kind(wish, Kind::SlotRelease);
            }
            None | Some(State::Ready | State::Rejected { .. }) => {}
        }
        self.drive(op, &wish.policy)
    }

    /// Gives back only what is provably claimed and provably not booked.
    pub(super) fn release(&mut self, wish: &BeginEffect, fresh: &mut dyn FnMut() -> Uuid) -> Begin {
        match self.state(wish.admission, Kind::Appointment) {
            None | Some(State::Ready | State::Rejected { .. }) => {}
            Some(State::Done(_)) => return Begin::Nothing,
            Some(_) => return self.drive_kind(wish, Kind::Appointment),
        }
        match self.state(wish.admission, Kind::Slot).cloned() {
            None | Some(State::Ready | State::Rejected { .. }) => Begin::Nothing,
            Some(State::Done(claimed)) => {
                let op = self.own(wish, None, fresh);
                self.aim(op, Role::Update, Some(claimed));
                self.drive(op, &wish.policy)
            }
            Some(_) => self.drive_kind(wish, Kind::Slot),
        }
    }

    fn drive_kind(&mut self, wish: &BeginEffect, kind: Kind) -> Begin {
        match self.in_force.get(&(wish.admission, kind)) {
            Some(op) => self.drive(*op, &wish.policy),
            None => Begin::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use uuid::Uuid;

    use super::super::{
        super::{
            Begin, BeginEffect, Class, EffectResult, Kind, Policy, Protections, Resource, SearchResult,
            Target, Told,
        },
        Book,
    };
    use crate::{AdmissionId, ClinicId, PersonId, blind::IndexKey};

    fn wish(target: Target) -> BeginEffect {
        let times = SignedDuration::from_secs(10);
        BeginEffect {
            admission: AdmissionId::from_uuid(Uuid::from_u128(5)),
            clinic: ClinicId::parse("c").unwrap(),
            person: PersonId::from_uuid(Uuid::from_u128(6)),
            target,
            idempotency: IndexKey::new(&[7; 32]).index("slot", &[]),
            policy: Policy { class: Class::B, lease: times, lateness: times, index_lag: times },
        }
    }

    fn slot() -> Resource {
        Resource { id: "slot-1".into(), version: Some("1".into()) }
    }

    /// A slot is claimed, and that it was given back nobody knows.
    fn given_back() -> Book {
        let at = Timestamp::from_second(100).unwrap();
        let mut book = Book::new(vec![], vec![], at, Protections::ALL);
        let mut ids = 0;
        let mut fresh = move || {
            ids += 1;
            Uuid::from_u128(ids)
        };
        let Begin::Go(claim) = book.begin(&wish(Target::Slot), &mut fresh) else { panic!("it is free") };
        book.settle(&Told::wrote(&claim, EffectResult::Done(slot())));
        let Begin::Go(back) = book.begin(&wish(Target::SlotRelease), &mut fresh) else {
            panic!("it is ours")
        };
        book.settle(&Told::wrote(&back, EffectResult::Unknown));
        book
    }

    #[test]
    fn nobody_books_on_a_slot_that_may_have_been_given_back() {
        let fresh = &mut || Uuid::from_u128(9);
        let mut book = given_back();
        let Begin::Resolve(ticket) = book.begin(&wish(Target::Slot), fresh) else { panic!("it is in doubt") };
        assert_eq!(ticket.kind(), Kind::SlotRelease);
        book.settle(&Told::searched(&ticket, SearchResult::Found(slot())));
        assert!(matches!(book.begin(&wish(Target::Slot), fresh), Begin::Go(_)), "claimed anew");
    }

    #[test]
    fn what_was_not_given_back_is_still_claimed() {
        let fresh = &mut || Uuid::from_u128(9);
        let mut book = given_back();
        for second in [110, 130] {
            let Begin::Resolve(ticket) = book.begin(&wish(Target::Slot), fresh) else {
                panic!("at {second}")
            };
            let began = Timestamp::from_second(second).unwrap();
            book.settle(&Told::searched(&ticket, SearchResult::Nothing { began }));
        }
        assert!(matches!(book.begin(&wish(Target::Slot), fresh), Begin::Done(there) if there == slot()));
    }
}
