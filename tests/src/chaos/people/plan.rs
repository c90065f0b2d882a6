//! What is sent, in which order.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::ensure;
use jiff::Timestamp;

use super::{
    calendar::Calendar,
    clinic::Clinic,
    dice::{About, Dice},
    form,
    person::{PERSONS, Person},
    poison::Poison,
};

/// How often in a thousand, or how far off.
mod often {
    pub(super) const POISON: u32 = 10;
    pub(super) const PAIR: u32 = 50;
    pub(super) const EARLIER_PERSON: u32 = 100;
    pub(super) const GATEWAY: u32 = 200;
    /// Of those by AMQP, so that it is one in ten of all.
    pub(super) const TWICE: u32 = 125;
    pub(super) const RETRY: u32 = 50;
    /// Dispatches until a client tries again.
    pub(super) const RETRY_AFTER: u32 = 400;
    /// Half of the persons who come again came lately: their first submission may still be on its way.
    pub(super) const LATELY: u32 = 100;
}

/// Where something is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// To the exchange.
    Amqp,
    /// To the gateway.
    Gateway,
}

/// What one submission asks for, as far as its outcome can be seen from outside. As good as PHI: no `Debug`.
#[derive(Clone)]
pub struct Asked {
    /// The submission's id.
    pub submission: String,
    /// The clinic.
    pub clinic: String,
    /// The person's number.
    pub person: u32,
    /// The person's e-mail, in lower case: nobody else's.
    pub email: String,
    /// The person's phone, E.164: nobody else's.
    pub phone: String,
    /// The person's membership: nobody else's.
    pub member_id: String,
    /// The street line: no other submission's.
    pub street: String,
    /// The provider.
    pub provider: String,
    /// The start: no other submission's with this provider.
    pub start: Timestamp,
    /// Whether texts are agreed to.
    pub sms: bool,
    /// Whether mails are agreed to.
    pub mail: bool,
}

/// A submission on its way through one door.
#[derive(Clone)]
pub struct Parcel {
    /// What it asks for.
    pub asked: Arc<Asked>,
    /// By which door.
    pub door: Door,
    /// What is sent.
    pub body: Arc<[u8]>,
    /// How many times the same message is published; 1 at the gateway.
    pub deliveries: u32,
}

/// One act of a sender.
pub enum Dispatch {
    /// A submission.
    One(Parcel),
    /// Two submissions of one new person, at the same instant.
    Pair(Parcel, Parcel),
    /// The body of an earlier one again, by the same door: a client that tries again.
    Again(Parcel),
    /// No submission.
    Poison(Poison),
}

/// Plans `count` submissions; retries and poison come on top. Everything is submitted at `begin`, and asks for a slot at
/// least six days after it.
///
/// # Errors
/// If there are no clinics, or more submissions than persons.
pub fn plan(
    seed: u64,
    count: u64,
    begin: Timestamp,
    clinics: impl Into<Arc<[Clinic]>>,
) -> anyhow::Result<Plan> {
    let clinics = clinics.into();
    ensure!(!clinics.is_empty(), "there is no clinic to send to");
    ensure!(count <= PERSONS.into(), "a plan has {PERSONS} submissions at most");
    let calendar = Calendar::new(begin, clinics.len());
    let dice = Dice::of(seed, About::Plan, 0);
    Ok(Plan {
        seed,
        clinics,
        begin,
        left: count,
        ordinal: 0,
        persons: 0,
        step: 0,
        calendar,
        dice,
        later: BTreeMap::new(),
    })
}

/// See [`plan`].
pub struct Plan {
    pub(super) seed: u64,
    pub(super) clinics: Arc<[Clinic]>,
    begin: Timestamp,
    left: u64,
    ordinal: u64,
    persons: u32,
    step: u64,
    calendar: Calendar,
    dice: Dice,
    /// By the step at which they are due.
    later: BTreeMap<(u64, u64), Parcel>,
}

impl Plan {
    fn newcomer(&mut self) -> Person {
        let person = Person::of(self.seed, self.persons, self.clinics.len());
        self.persons += 1;
        person
    }

    /// Somebody who was planned before.
    fn earlier(&mut self) -> Option<Person> {
        let lately = if self.dice.chance(500) { often::LATELY } else { u32::MAX };
        let back = self.dice.below(self.persons.min(lately));
        let number = self.persons.checked_sub(back + 1)?;
        Some(Person::of(self.seed, number, self.clinics.len()))
    }

    fn submission(&mut self, person: &Person) -> Parcel {
        let ordinal = self.ordinal;
        self.ordinal += 1;
        self.left -= 1;
        let mut dice = Dice::of(self.seed, About::Submission, ordinal);
        let clinic = &self.clinics[person.clinic];
        let (provider, start) = self.calendar.next(person.clinic);
        let asked = Asked {
            submission: format!("chaos-{:x}-{ordinal:07}", self.seed),
            clinic: clinic.clinic_id.clone(),
            person: person.number,
            email: person.email.clone(),
            phone: person.e164(),
            member_id: person.member_id.clone(),
            street: format!("{} Linden Street", ordinal + 1),
            provider: format!("{}-prov-{provider}", clinic.clinic_id),
            start,
            sms: dice.chance(300),
            mail: dice.chance(600),
        };
        let door = if dice.chance(often::GATEWAY) { Door::Gateway } else { Door::Amqp };
        let twice = door == Door::Amqp && dice.chance(often::TWICE);
        let body = form::body(clinic, person, &asked, self.begin);
        let deliveries = if twice { 2 } else { 1 };
        let parcel = Parcel { asked: Arc::new(asked), door, body: body.into(), deliveries };
        if dice.chance(often::RETRY) {
            let due = self.step + 1 + u64::from(dice.below(often::RETRY_AFTER));
            self.later.insert((due, ordinal), Parcel { deliveries: 1, ..parcel.clone() });
        }
        parcel
    }

    fn poison(&mut self) -> Poison {
        let number = self.dice.below(PERSONS);
        let person = Person::of(self.seed, number, self.clinics.len());
        let clinic = &self.clinics[person.clinic];
        let door = if self.dice.chance(often::GATEWAY) { Door::Gateway } else { Door::Amqp };
        let sound = format!(r#"{{"clinic_id": "{}", "form_version": "1", "form": {{"#, clinic.clinic_id);
        Poison::of(clinic, door, sound.into_bytes(), &mut self.dice)
    }

    fn due(&mut self) -> Option<Parcel> {
        let first = self.later.first_entry()?;
        (first.key().0 <= self.step || self.left == 0).then(|| first.remove())
    }
}

impl Iterator for Plan {
    type Item = Dispatch;

    fn next(&mut self) -> Option<Dispatch> {
        self.step += 1;
        if let Some(parcel) = self.due() {
            return Some(Dispatch::Again(parcel));
        }
        if self.left == 0 {
            return None;
        }
        if self.dice.chance(often::POISON) {
            return Some(Dispatch::Poison(self.poison()));
        }
        let kind = self.dice.below(1000);
        if kind < often::EARLIER_PERSON
            && self.persons > 0
            && let Some(person) = self.earlier()
        {
            return Some(Dispatch::One(self.submission(&person)));
        }
        let person = self.newcomer();
        if kind < often::EARLIER_PERSON + often::PAIR && self.left >= 2 {
            let (one, other) = (self.submission(&person), self.submission(&person));
            return Some(Dispatch::Pair(one, other));
        }
        Some(Dispatch::One(self.submission(&person)))
    }
}
