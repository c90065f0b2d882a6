//! A person in the shape of a clinic's form, with something in every field.

use serde_json::Value;

use crate::{
    chaos::people::{Clinic, Entries, filled},
    leak::{person::Person, world::Slot},
};

pub(super) fn of(clinic: &Clinic, person: &Person, slot: &Slot) -> Value {
    let entries = Entries {
        given: &person.given,
        middle: Some(&person.middle),
        family: &person.family,
        guardian: Some(&person.guardian),
        born: person.born,
        female: true,
        phone: &person.phone,
        email: &person.email,
        street: &person.street,
        city: &person.city,
        payer: "Aetna",
        member: &person.member,
        group: Some(&person.group),
        reason: &person.reason,
        referrer: &person.referrer,
        provider: &slot.provider,
        start: slot.start,
        sms: true,
        mail: true,
        part2: true,
    };
    filled(clinic, &entries)
}
