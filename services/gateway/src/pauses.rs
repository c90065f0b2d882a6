//! Clinics that take no intake now. The last known state holds while the database is away: the front door needs none.

use std::{
    collections::HashSet,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use domain::{
    ClinicId,
    ports::{SwitchBoard, SwitchScope},
};

/// How often the switches are read: a pause is obeyed within two seconds.
const EVERY: Duration = Duration::from_secs(1);

/// What was paused when the switches were last read.
#[derive(Default)]
pub struct Pauses(RwLock<HashSet<ClinicId>>);

impl Pauses {
    /// Whether the clinic takes no intake.
    pub fn paused(&self, clinic: &ClinicId) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(clinic)
    }

    /// Reads the switches once. An unreachable database changes nothing.
    pub async fn refresh(&self, board: &dyn SwitchBoard) {
        let Ok(scopes) = board.paused().await else { return };
        let clinics = scopes.into_iter().filter_map(|scope| match scope {
            SwitchScope::Clinic(clinic) => Some(clinic),
            SwitchScope::Stage(_) | SwitchScope::Lane(_) | SwitchScope::Endpoint(_) => None,
        });
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = clinics.collect();
    }

    /// Reads the switches for as long as it is polled.
    pub async fn follow(self: Arc<Self>, board: Arc<dyn SwitchBoard>) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.refresh(board.as_ref()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use domain::{
        ClinicId,
        ports::{Pending, StoreDown, SwitchBoard, SwitchScope},
    };

    use super::Pauses;

    struct Board(Mutex<Vec<Result<Vec<SwitchScope>, StoreDown>>>);

    impl SwitchBoard for Board {
        fn paused(&self) -> Pending<Result<Vec<SwitchScope>, StoreDown>> {
            let next = self.0.lock().unwrap().pop().unwrap();
            Box::pin(async move { next })
        }
    }

    #[tokio::test]
    async fn the_last_known_state_holds() {
        let clinic = ClinicId::parse("c1").unwrap();
        let board = Board(Mutex::new(vec![
            Ok(vec![]),
            Err(StoreDown),
            Ok(vec![SwitchScope::Clinic(clinic.clone())]),
        ]));
        let pauses = Pauses::default();
        for expected in [true, true, false] {
            pauses.refresh(&board).await;
            assert_eq!(pauses.paused(&clinic), expected);
        }
    }
}
