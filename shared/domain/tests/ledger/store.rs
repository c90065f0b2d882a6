//! The database: committed rows, and transactions on them.

use std::rc::Rc;

use domain::{
    AdmissionId,
    effect::{After, Begin, Book, Decided, Kind, Mark, Op, Said, Slot, State, Told},
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    ehr::Thing,
    laws::{self, Broken},
    setup::{Setup, Step},
    time::NOW,
};

/// Worlds share the rows in which they do not differ.
#[derive(Debug, Clone, Default)]
pub(crate) struct Store {
    pub(crate) ops: Vec<Rc<Op>>,
    pub(crate) slots: Vec<Rc<Slot>>,
}

impl Store {
    /// Loads what the ledger would load, asks, and commits.
    pub(crate) fn begin(
        &mut self,
        setup: &Setup,
        ehr: &[Thing],
        Step { wish, seq, ids, .. }: &Step,
    ) -> Result<Begin, Broken> {
        let key = wish.slot_key();
        let slots = rows(&self.slots, |slot| Some(&slot.key) == key.as_ref());
        let ops = rows(&self.ops, |op| {
            slots.iter().any(|slot| slot.owner == op.op)
                || (op.admission == wish.admission && op.in_force && wish.looks_at().contains(&op.kind))
        });
        let mut book = Book::new(slots, ops, NOW, setup.protections);
        if !book.knows(wish.admission, wish.target.kind()) {
            book.order([(wish.admission, *seq)]);
        }
        let mut fresh = self.fresh(*ids, wish.admission, wish.target.kind());
        let answer = book.begin(wish, &mut fresh);
        let decided = book.close();
        if let Begin::Go(permit) = &answer {
            laws::intended(&decided, permit)?;
        }
        self.commit(setup, ehr, decided)?;
        Ok(answer)
    }

    /// As [`Store::begin`], with an outcome.
    pub(crate) fn settle(&mut self, setup: &Setup, ehr: &[Thing], told: &Told) -> Result<After, Broken> {
        let slots = rows(&self.slots, |slot| Some(slot.slot) == told.of.slot());
        let ops = rows(&self.ops, |op| op.op == told.of.op());
        let mut book = Book::new(slots, ops, NOW, setup.protections);
        let after = book.settle(told);
        self.commit(setup, ehr, book.close())?;
        Ok(after)
    }

    /// As [`Store::begin`], with what a person says of the submission's effect in doubt, if one is, or of the one that it waits for: they look
    /// into the EHR when nothing of it is on its way any more (`busy`), and say what is there.
    pub(crate) fn hear(
        &mut self,
        setup: &Setup,
        ehr: &[Thing],
        Step { wish, .. }: &Step,
        busy: impl Fn(usize) -> bool,
    ) -> Result<(), Broken> {
        let (admission, kind) = (wish.admission, wish.target.kind());
        let mut ops = rows(&self.ops, |op| op.admission == admission && op.kind == kind && op.in_force);
        let Some(op) = ops.first() else { return Ok(()) };
        let slots = rows(&self.slots, |slot| Some(slot.slot) == op.slot);
        let owner = slots.first().and_then(|slot| self.op(slot.owner)).filter(|owner| owner.op != op.op);
        let waits = owner.filter(|_| op.state == State::Ready).cloned();
        let (about, ids) = setup.step(waits.as_ref().map_or(admission, |owner| owner.admission), kind);
        if busy(about) {
            return Ok(());
        }
        let whose = waits.as_ref().map_or(admission, |owner| owner.admission);
        ops.extend(waits);
        let thing = &ehr[setup.thing(admission, kind)];
        let said = if thing.writes.iter().any(|write| write.submission == about) {
            Said::There { id: thing.id.clone() }
        } else {
            Said::NotThere
        };
        let mut fresh = self.fresh(ids, whose, kind);
        let mut book = Book::new(slots, ops, NOW, setup.protections);
        match book.hear(admission, &said, NOW, &mut fresh) {
            Ok(_) => self.commit(setup, ehr, book.close()),
            Err(_) => Ok(()),
        }
    }

    /// Ids for what a step makes anew: in each of its rounds others.
    fn fresh(&self, ids: u128, admission: AdmissionId, kind: Kind) -> impl FnMut() -> Uuid + use<> {
        let rounds = self.ops.iter().filter(|op| op.admission == admission && op.kind == kind).count();
        let mut next = ids + 2 * rounds as u128;
        move || {
            next += 1;
            Uuid::from_u128(next)
        }
    }

    pub(crate) fn op(&self, id: Uuid) -> Option<&Op> {
        self.ops.iter().map(|op| &**op).find(|op| op.op == id)
    }

    fn commit(&mut self, setup: &Setup, ehr: &[Thing], decided: Decided) -> Result<(), Broken> {
        for mut op in decided.ops {
            laws::row(setup.class, &ehr[setup.thing(op.admission, op.kind)], self.op(op.op), &op)?;
            op.mark = Mark::Stored;
            // Only counted, nothing is decided by it: without it two histories can meet in one state.
            op.searches = 0;
            put(&mut self.ops, op, |op| op.op);
        }
        for mut slot in decided.slots {
            slot.mark = Mark::Stored;
            put(&mut self.slots, slot, |slot| slot.slot);
        }
        Ok(())
    }

    pub(crate) fn moments(&mut self, visit: &mut dyn FnMut(&mut Timestamp)) {
        let timed = |op: &&mut Rc<Op>| matches!(op.state, State::Intent { .. } | State::Unknown { .. });
        for op in self.ops.iter_mut().filter(timed) {
            match &mut Rc::make_mut(op).state {
                State::Intent { until, .. } => visit(until),
                State::Unknown { since, empty, .. } => {
                    visit(since);
                    if let Some(empty) = empty {
                        visit(empty);
                    }
                }
                _ => {}
            }
        }
    }
}

fn rows<T: Clone>(all: &[Rc<T>], wanted: impl Fn(&T) -> bool) -> Vec<T> {
    all.iter().filter(|row| wanted(row)).map(|row| T::clone(row)).collect()
}

/// Replaces or adds a row. They stay in the order of their ids.
fn put<T>(rows: &mut Vec<Rc<T>>, row: T, id: impl Fn(&T) -> Uuid) {
    match rows.binary_search_by_key(&id(&row), |row| id(row)) {
        Ok(at) => rows[at] = Rc::new(row),
        Err(at) => rows.insert(at, Rc::new(row)),
    }
}
