//! Slots: found by schedule and start, claimed by `If-Match`, given back.
//!
//! A slot says nothing about a person, so it is searched by `GET`. Servers whose booking transactions are not atomic
//! booked one slot eight times: the claim is what decides, before any appointment is made.

use jiff::{Timestamp, Unit};
use serde_json::Value;

use super::{
    FhirEhr, ReadFault, SlotFound, System, WriteOutcome,
    bundle::{Bundle, Hits},
    classify,
    exchange::{Body, Call},
    resource::{add_identifier, carries, id_of, identifiers, items, items_mut, refers_to, text, version_of},
    store::Change,
};
use crate::{ehr::SlotStatus, http::Deadline};

impl FhirEhr {
    pub(super) async fn slot_at(
        &self,
        provider: &str,
        start: Timestamp,
        ours: &str,
        deadline: Deadline,
    ) -> Result<Option<SlotFound>, ReadFault> {
        let at = start.to_string();
        let query = [("start", at.as_str())];
        let slots = self.slots(provider, &query, |slot| slot.start == start, deadline).await?;
        let rank = |slot: &SlotFound| match slot.status {
            SlotStatus::Busy if slot.claimed_by_us(ours) => 0,
            SlotStatus::Free => 1,
            SlotStatus::Busy => 2,
        };
        Ok(slots.into_iter().min_by_key(rank))
    }

    pub(super) async fn free_from(
        &self,
        provider: &str,
        from: Timestamp,
        limit: usize,
        deadline: Deadline,
    ) -> Result<Vec<SlotFound>, ReadFault> {
        let (at, count) = (format!("ge{from}"), limit.to_string());
        let query = [("start", at.as_str()), ("status", "free"), ("_sort", "start"), ("_count", &count)];
        let free = |slot: &SlotFound| slot.start >= from && slot.status == SlotStatus::Free;
        let mut slots = self.slots(provider, &query, free, deadline).await?;
        slots.sort_by_key(|slot| slot.start);
        slots.truncate(limit);
        Ok(slots)
    }

    pub(super) async fn claim(&self, slot: &SlotFound, value: &str, deadline: Deadline) -> WriteOutcome {
        if slot.claimed_by_us(value) {
            return WriteOutcome::Done { id: slot.id.clone(), version: slot.version.clone() };
        }
        if slot.status == SlotStatus::Busy {
            return WriteOutcome::Stale { version: None };
        }
        // Without a version two claims would both succeed: better that a person books.
        let Some(version) = &slot.version else { return WriteOutcome::Conflict };
        let mut resource = slot.raw.clone();
        add_identifier(&mut resource, System::Slot, value);
        set_status(&mut resource, "busy");
        self.put("Slot", &slot.id, Some(version), &resource, deadline).await
    }

    /// The provider's slots that pass the check: under the schedule of the provider's own id, or else under the one that
    /// carries it as identifier, on servers that choose ids themselves.
    async fn slots(
        &self,
        provider: &str,
        query: &[(&str, &str)],
        check: impl Fn(&SlotFound) -> bool,
        deadline: Deadline,
    ) -> Result<Vec<SlotFound>, ReadFault> {
        let known = self.schedules.lock().ok().and_then(|known| known.get(provider).cloned());
        if let Some(schedule) = known {
            return self.slots_of(&schedule, query, &check, deadline).await;
        }
        let own = self.slots_of(provider, query, &check, deadline).await;
        if !matches!(own, Err(ReadFault::Missing | ReadFault::Refused { .. }))
            && !matches!(&own, Ok(none) if none.is_empty())
        {
            return own;
        }
        match self.schedule_of(provider, deadline).await? {
            Some(schedule) if schedule != provider => {
                let slots = self.slots_of(&schedule, query, &check, deadline).await;
                if let Ok(mut known) = self.schedules.lock() {
                    known.insert(provider.to_owned(), schedule);
                }
                slots
            }
            _ => own,
        }
    }

    async fn slots_of(
        &self,
        schedule: &str,
        query: &[(&str, &str)],
        check: &impl Fn(&SlotFound) -> bool,
        deadline: Deadline,
    ) -> Result<Vec<SlotFound>, ReadFault> {
        let reference = format!("Schedule/{schedule}");
        let mut parameters = vec![("schedule", reference.as_str())];
        parameters.extend_from_slice(query);
        let hits = self.get("Slot", &parameters, deadline).await?.hits("Slot", |resource| {
            under(resource, schedule) && found(resource).is_some_and(|slot| check(&slot))
        });
        conclusive(&hits)?;
        Ok(hits.ours.iter().filter_map(found).collect())
    }

    async fn schedule_of(&self, provider: &str, deadline: Deadline) -> Result<Option<String>, ReadFault> {
        let query = [("identifier", provider)];
        let hits = match self.get("Schedule", &query, deadline).await {
            Ok(bundle) => bundle.hits("Schedule", |resource| {
                items(resource, "identifier").any(|identifier| text(identifier, "value") == Some(provider))
            }),
            // A server without schedules of its own has none under another id.
            Err(ReadFault::Missing | ReadFault::Refused { .. } | ReadFault::Unauthorized) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        conclusive(&hits)?;
        Ok(hits.ours.first().and_then(id_of).map(str::to_owned))
    }

    async fn get(
        &self,
        resource_type: &str,
        query: &[(&str, &str)],
        deadline: Deadline,
    ) -> Result<Bundle, ReadFault> {
        let answer = self.call(&Call { path: &[resource_type], body: Body::Read(query) }, deadline).await?;
        Bundle::read(classify::read(&answer, self.clock.now())?).ok_or(ReadFault::Unreadable)
    }
}

fn conclusive(hits: &Hits) -> Result<(), ReadFault> {
    if hits.ours.is_empty() && !hits.conclusive { Err(ReadFault::Unreadable) } else { Ok(()) }
}

fn under(resource: &Value, schedule: &str) -> bool {
    resource
        .pointer("/schedule/reference")
        .and_then(Value::as_str)
        .is_some_and(|reference| refers_to(reference, "Schedule", schedule))
}

/// A slot as found. `None` if it lacks an id or a readable time.
fn found(resource: &Value) -> Option<SlotFound> {
    let start: Timestamp = text(resource, "start")?.parse().ok()?;
    let end: Timestamp = text(resource, "end")?.parse().ok()?;
    let minutes = end.since((Unit::Minute, start)).ok()?.get_minutes();
    Some(SlotFound {
        id: id_of(resource)?.to_owned(),
        version: version_of(resource),
        status: if text(resource, "status") == Some("free") { SlotStatus::Free } else { SlotStatus::Busy },
        start,
        minutes: u16::try_from(minutes).ok()?,
        claims: identifiers(resource, System::Slot),
        raw: resource.clone(),
    })
}

/// Frees a slot that `value` claimed; leaves any other alone.
pub(super) fn release(resource: &Value, value: &str) -> Change {
    if !carries(resource, System::Slot, value) {
        return Change::Nothing;
    }
    let mut freed = resource.clone();
    if let Some(list) = items_mut(&mut freed, "identifier") {
        let ours = |identifier: &Value| {
            text(identifier, "system") == Some(System::Slot.uri()) && text(identifier, "value") == Some(value)
        };
        list.retain(|identifier| !ours(identifier));
        // FHIR allows no empty lists.
        if list.is_empty()
            && let Some(object) = freed.as_object_mut()
        {
            object.remove("identifier");
        }
    }
    set_status(&mut freed, "free");
    Change::Write(freed)
}

fn set_status(resource: &mut Value, status: &str) {
    if let Some(object) = resource.as_object_mut() {
        object.insert("status".to_owned(), status.into());
    }
}
