//! The queues are empty, and the dead letters are the poison.

use std::collections::HashSet;

use uuid::Uuid;

use crate::chaos::check::{Check, book::Book};

/// Every queue is empty but those for dead letters.
pub(super) fn empty(book: &Book<'_>) -> Check {
    let mut check = Check::new("every queue is empty but the dead letters'");
    for queue in book.facts.queues.iter().filter(|queue| !queue.is_dead_letters()) {
        check.look();
        if queue.messages > 0 {
            check.wrong(|| format!("{}: {} messages", queue.name, queue.messages));
        }
    }
    check
}

/// The dead letters, wherever they are by now, are the poison that the exchange took, as in the journal. A dead letter may be there twice, like
/// any message: whoever died between its publishing and the acknowledgement made another. It counts as one.
pub(super) fn dead_letters(book: &Book<'_>) -> Check {
    let mut check = Check::new("the dead letters are the poison, and nothing else");
    let poison = &book.facts.tally.poison;
    let (must, may): (HashSet<Uuid>, HashSet<Uuid>) =
        (poison.accepted.iter().copied().collect(), poison.doubtful.iter().copied().collect());
    let mut letters = HashSet::new();
    for dead in &book.facts.dead {
        check.look();
        match dead.message {
            Some(id) if must.contains(&id) || may.contains(&id) => {
                letters.insert(id);
            }
            Some(id) => check.wrong(|| format!("{id} in {}: no poison", dead.queue)),
            None => check.wrong(|| format!("a message without an id in {}", dead.queue)),
        }
    }
    let journal: HashSet<Uuid> = book.facts.ledger.unreadable.iter().copied().collect();
    for id in must.difference(&letters) {
        check.wrong(|| format!("{id}: poison that is no dead letter"));
    }
    for id in must.difference(&journal) {
        check.wrong(|| format!("{id}: poison that the journal does not have"));
    }
    for id in journal.iter().filter(|id| !must.contains(id) && !may.contains(id)) {
        check.wrong(|| format!("{id}: died unread, and was no poison"));
    }
    check
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use crate::chaos::check::{
        facts::Dead,
        samples::{broken, holds},
    };

    #[test]
    fn finds_what_is_left_in_queues() {
        holds("every queue");
        broken("every queue", "1 messages", |facts| facts.queues[0].messages = 1);
    }

    #[test]
    fn finds_dead_letters_that_are_no_poison_and_poison_that_is_gone() {
        holds("are the poison");
        broken("are the poison", "no poison", |facts| {
            facts.dead.push(Dead { queue: "a.dlq".into(), message: Some(Uuid::from_u128(9)) });
        });
        broken("are the poison", "without an id", |facts| facts.dead[0].message = None);
        broken("are the poison", "no dead letter", |facts| facts.dead.clear());
        broken("are the poison", "does not have", |facts| facts.ledger.unreadable.clear());
        broken("are the poison", "died unread", |facts| facts.ledger.unreadable.push(Uuid::from_u128(9)));
    }
}
