//! Create, read, update and search, for any resource type.

use serde::Serialize;
use serde_json::Value;

use super::{
    ETag, FhirEhr, ReadFault, Search, System, Wanted, WriteOutcome, appointment,
    bundle::Bundle,
    classify::{self, Asked},
    coverage,
    exchange::{Body, Call},
    patient,
    resource::{carries, id_of, version_of},
};
use crate::http::Deadline;

/// What an update makes of the present resource.
pub(super) enum Change {
    /// This is to be written.
    Write(Value),
    /// It is as it should be already.
    Nothing,
}

impl Change {
    /// A write if the resource would change, and nothing otherwise.
    pub(super) fn from(before: &Value, after: Value) -> Self {
        if *before == after { Self::Nothing } else { Self::Write(after) }
    }
}

/// Enough to see that there are several, few enough to be one page everywhere.
const PAGE: &str = "20";

impl FhirEhr {
    pub(super) async fn create(
        &self,
        system: System,
        identifier: &str,
        resource: &impl Serialize,
        deadline: Deadline,
    ) -> WriteOutcome {
        let Ok(json) = serde_json::to_vec(resource) else { return WriteOutcome::NotSent };
        let conditional = self.profile.conditional_create;
        let if_none_exist = conditional.then(|| format!("identifier={}|{identifier}", system.uri()));
        let call = Call { path: &[system.resource()], body: Body::Create { json, if_none_exist } };
        match self.call(&call, deadline).await {
            Ok(answer) => {
                classify::write(Asked::Create { system, identifier, conditional }, &answer, self.clock.now())
            }
            Err(reason) => reason.into(),
        }
    }

    pub(super) async fn read(
        &self,
        resource_type: &str,
        id: &str,
        deadline: Deadline,
    ) -> Result<(Value, Option<ETag>), ReadFault> {
        let call = Call { path: &[resource_type, id], body: Body::Read(&[]) };
        let answer = self.call(&call, deadline).await?;
        let resource = classify::read(&answer, self.clock.now())?;
        if resource.get("resourceType").and_then(Value::as_str) != Some(resource_type)
            || id_of(&resource) != Some(id)
        {
            return Err(ReadFault::Unreadable);
        }
        let version = classify::version(&answer, Some(&resource));
        Ok((resource, version))
    }

    /// Reads, changes, and writes with `If-Match` on what was read.
    pub(super) async fn update(
        &self,
        resource_type: &str,
        id: &str,
        version: Option<&ETag>,
        change: impl FnOnce(&Value) -> Change + Send,
        deadline: Deadline,
    ) -> WriteOutcome {
        let (present, read) = match self.read(resource_type, id, deadline).await {
            Ok(found) => found,
            Err(fault) => return nothing_written(fault),
        };
        if let (Some(expected), Some(read)) = (version, &read)
            && !expected.same(read)
        {
            return WriteOutcome::Stale { version: Some(read.clone()) };
        }
        match change(&present) {
            Change::Nothing => WriteOutcome::Done { id: id.to_owned(), version: read },
            Change::Write(resource) => self.put(resource_type, id, read.as_ref(), &resource, deadline).await,
        }
    }

    pub(super) async fn put(
        &self,
        resource_type: &str,
        id: &str,
        if_match: Option<&ETag>,
        resource: &Value,
        deadline: Deadline,
    ) -> WriteOutcome {
        let Ok(json) = serde_json::to_vec(resource) else { return WriteOutcome::NotSent };
        let call = Call { path: &[resource_type, id], body: Body::Update { json, if_match } };
        match self.call(&call, deadline).await {
            Ok(answer) => classify::write(Asked::Update { resource_type, id }, &answer, self.clock.now()),
            Err(reason) => reason.into(),
        }
    }

    pub(super) async fn search(
        &self,
        resource_type: &str,
        form: &[(&str, &str)],
        deadline: Deadline,
    ) -> Result<Bundle, ReadFault> {
        let call = Call { path: &[resource_type, "_search"], body: Body::Search(form) };
        let answer = self.call(&call, deadline).await?;
        Bundle::read(classify::read(&answer, self.clock.now())?).ok_or(ReadFault::Unreadable)
    }

    pub(super) async fn find_written(&self, wanted: Wanted<'_>, deadline: Deadline) -> Search {
        let (system, identifier) = (wanted.system(), wanted.identifier());
        let token = format!("{}|{identifier}", system.uri());
        let form = [("identifier", token.as_str()), ("_count", PAGE)];
        let bundle = match self.search(system.resource(), &form, deadline).await {
            Ok(bundle) => bundle,
            // A search has no "missing": this server does not have the search.
            Err(ReadFault::Missing) => {
                return Search::Failed(ReadFault::Refused { status: 404, issue: None });
            }
            Err(fault) => return Search::Failed(fault),
        };
        let hits = bundle.hits(system.resource(), |resource| carries(resource, system, identifier));
        match hits.ours.as_slice() {
            [] if hits.conclusive => Search::None,
            [] => Search::Failed(ReadFault::Unreadable),
            [one] => match id_of(one) {
                Some(id) => {
                    let (agrees, current) = compare(wanted, one);
                    Search::One { id: id.to_owned(), version: version_of(one), agrees, current }
                }
                None => Search::Failed(ReadFault::Unreadable),
            },
            _ => Search::Several,
        }
    }
}

/// Whether what was found is about the same, and whether it already holds all that we would write.
fn compare(wanted: Wanted<'_>, found: &Value) -> (bool, bool) {
    let (agrees, change) = match wanted {
        Wanted::Patient(write) => (patient::agrees(found, write), patient::merge(found, write)),
        Wanted::Coverage(write) => (coverage::agrees(found, write), coverage::merge(found, write)),
        Wanted::Appointment(write) => (appointment::agrees(found, write), Change::Nothing),
    };
    (agrees, agrees && matches!(change, Change::Nothing))
}

/// A read before a write failed: nothing was written, whatever came of the read.
fn nothing_written(fault: ReadFault) -> WriteOutcome {
    match fault {
        ReadFault::Missing => WriteOutcome::Rejected { status: 404, issue: None },
        ReadFault::Unavailable | ReadFault::Unreadable => WriteOutcome::NotSent,
        ReadFault::Throttled { after } => WriteOutcome::Throttled { after },
        ReadFault::Unauthorized => WriteOutcome::Unauthorized,
        ReadFault::Refused { status, issue } => WriteOutcome::Rejected { status, issue },
    }
}
