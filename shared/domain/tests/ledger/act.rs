//! What can happen next.

use crate::{worker::Worker, world::World};

/// Something that happens. Workers, submissions, things and flights by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// A worker takes a delivery and asks for the right to write.
    Take { worker: usize, submission: usize },
    /// The same, and it dies (or the reply is lost) after the commit.
    TakeAndDie { submission: usize },
    /// A worker asks for the right to write for the next step.
    GoOn { worker: usize },
    /// The same, and it dies after the commit.
    GoOnAndDie { worker: usize },
    /// A worker sends its write, if its lease has not ended.
    Send { worker: usize },
    /// The EHR cannot be reached, or asks to wait.
    NotSent { worker: usize },
    /// The EHR refuses the write for good.
    Refuse { worker: usize },
    /// The EHR does what a worker waits for, and answers.
    Land { worker: usize },
    /// A worker waits no longer. What it sent may still land.
    GiveUp { worker: usize },
    /// What nobody waits for lands.
    Stray { flight: usize },
    /// A worker tells what came of a write or a search.
    Tell { worker: usize },
    /// The same, and the reply to the commit is lost.
    TellUnheard { worker: usize },
    /// A worker dies with what it knows.
    Die { worker: usize },
    /// A delivery comes once more.
    Duplicate { submission: usize },
    /// A person decides about a submission that is held: says what is in the EHR if its own effect is in doubt, or the one that it waits for,
    /// and lets it go on.
    Decide { submission: usize },
    /// Searches show what is there.
    Show { thing: usize },
    /// Time passes.
    Tick,
}

impl World {
    /// Whether it is something that goes wrong.
    pub(crate) fn is_fault(&self, act: Act) -> bool {
        match act {
            Act::TakeAndDie { .. }
            | Act::GoOnAndDie { .. }
            | Act::NotSent { .. }
            | Act::Refuse { .. }
            | Act::GiveUp { .. }
            | Act::TellUnheard { .. }
            | Act::Die { .. }
            | Act::Duplicate { .. } => true,
            Act::Tick => self.someone_oversleeps(),
            _ => false,
        }
    }

    /// All that can happen next: what goes right, and while faults are left what goes wrong.
    pub(crate) fn acts(&self, right: &mut Vec<Act>, wrong: &mut Vec<Act>) {
        right.clear();
        wrong.clear();
        let idle = self.workers.iter().position(|worker| *worker == Worker::Idle);
        for (submission, copies) in self.queue.iter().enumerate() {
            wrong.push(Act::Duplicate { submission });
            if self.can_be_decided(submission) {
                right.push(Act::Decide { submission });
            }
            if *copies > 0 {
                // Workers are alike: it does not matter which idle one takes it.
                right.extend(idle.map(|worker| Act::Take { worker, submission }));
                wrong.push(Act::TakeAndDie { submission });
            }
        }
        for (worker, state) in self.workers.iter().enumerate() {
            match state {
                Worker::Idle => {}
                Worker::Next(_) => {
                    right.push(Act::GoOn { worker });
                    wrong.push(Act::GoOnAndDie { worker });
                }
                // To die here is to die after the commit.
                Worker::Holding(..) => {
                    right.push(Act::Send { worker });
                    wrong.extend([Act::NotSent { worker }, Act::Refuse { worker }]);
                }
                Worker::Waiting(..) => {
                    right.push(Act::Land { worker });
                    wrong.extend([Act::GiveUp { worker }, Act::Die { worker }]);
                }
                Worker::Wrote(..) => {
                    right.push(Act::Tell { worker });
                    wrong.extend([Act::TellUnheard { worker }, Act::Die { worker }]);
                }
                // To die here is not to have searched.
                Worker::Searched(..) => right.push(Act::Tell { worker }),
            }
        }
        right.extend((0..self.flights.len()).map(|flight| Act::Stray { flight }));
        let hidden = self.ehr.iter().enumerate().filter(|(_, thing)| thing.hides());
        right.extend(hidden.map(|(thing, _)| Act::Show { thing }));
        if !self.must_land() {
            if self.someone_oversleeps() { wrong.push(Act::Tick) } else { right.push(Act::Tick) }
        }
        if self.faults == 0 {
            wrong.clear();
        }
    }
}
