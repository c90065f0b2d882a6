//! Slots of a provider's calendar: claimed, given back, and perhaps claimed again.

use uuid::Uuid;

use super::{
    super::{Begin, BeginEffect, Kind, Role, State},
    Book,
};

impl Book {
    /// A claim that was given back is made anew, in a round of its own.
    pub(super) fn claim(&mut self, wish: &BeginEffect, fresh: &mut dyn FnMut() -> Uuid) -> Begin {
        let mut op = self.own(wish, None, fresh);
        if self.state(wish.admission, Kind::SlotRelease).is_some_and(|state| matches!(state, State::Done(_)))
        {
            self.retire(wish.admission, Kind::SlotRelease);
            self.retire(wish.admission, Kind::Slot);
            op = self.add(wish, None, 0, fresh());
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
