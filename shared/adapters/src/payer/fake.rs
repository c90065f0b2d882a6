//! A payer in memory, with faults to order.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use domain::messages::{Eligibility, EligibilityStatus};

use super::{Inquiry, Payer, PayerFault};

/// A payer that knows the members that it was told about.
#[derive(Default)]
pub struct FakePayer {
    members: Mutex<HashMap<String, Eligibility>>,
    faults: Mutex<VecDeque<PayerFault>>,
    asked: Mutex<usize>,
}

impl FakePayer {
    /// Makes a member known.
    pub fn member(&self, member_id: &str, eligibility: Eligibility) {
        lock(&self.members).insert(member_id.to_owned(), eligibility);
    }

    /// Orders a fault for a coming question.
    pub fn fault(&self, fault: PayerFault) {
        lock(&self.faults).push_back(fault);
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        *lock(&self.asked)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Payer for FakePayer {
    async fn eligibility(&self, inquiry: &Inquiry) -> Result<Eligibility, PayerFault> {
        *lock(&self.asked) += 1;
        if let Some(fault) = lock(&self.faults).pop_front() {
            return Err(fault);
        }
        let known = lock(&self.members).get(&inquiry.member_id).cloned();
        Ok(known.unwrap_or_else(|| Eligibility::bare(EligibilityStatus::NotFound)))
    }
}

#[cfg(test)]
mod tests {
    use domain::messages::{Eligibility, EligibilityStatus};

    use super::{FakePayer, PayerFault};
    use crate::payer::{
        Payer,
        conformance::{World, inquiry, run},
    };

    #[tokio::test]
    async fn conforms() {
        let payer = FakePayer::default();
        payer.member("A1", Eligibility::bare(EligibilityStatus::Active));
        payer.member("I1", Eligibility::bare(EligibilityStatus::Inactive));
        let world = World {
            active: inquiry("Aetna", "A1"),
            inactive: inquiry("Aetna", "I1"),
            unknown: inquiry("Aetna", "N1"),
            down: None,
        };
        run(&payer, &world).await;
        payer.fault(PayerFault::Unavailable);
        assert_eq!(payer.eligibility(&world.active).await.err(), Some(PayerFault::Unavailable));
        assert_eq!(payer.asked(), 4);
    }
}
