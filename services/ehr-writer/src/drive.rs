//! One effect, from the ledger's permission to its end. The only place from which anything is written to an EHR.

use std::time::Duration;

use adapters::ehr::{ETag, ReadFault, Search, WriteOutcome};
use domain::{
    Code,
    drill::{self, Point, Protection},
    effect::{Kind, Resource},
};
use jiff::{SignedDuration, Timestamp};
use ledger::{After, Begin, BeginEffect, EffectResult, Permit, SearchResult, Ticket, effects::Role};

use crate::{stop::Stop, task::Task};

/// How one kind of resource is written and looked for.
pub(crate) trait Effect: Sync {
    /// What to ask the ledger for.
    fn wish(&self) -> BeginEffect;

    /// Writes, once, by [`Task::send`], after whatever has to be looked up. `Err` means that nothing was sent.
    fn write(&self, grant: &Grant) -> impl Future<Output = Result<WriteOutcome, Stop>> + Send;

    /// Whether it knows how to look for a write in doubt of that kind.
    fn looks_for(&self, kind: Kind) -> bool {
        kind == self.wish().target.kind()
    }

    /// Looks for what a write in doubt would have made.
    fn search(&self, ticket: &Ticket) -> impl Future<Output = Search> + Send;
}

/// What the ledger permits, as far as a write has to know it.
pub(crate) struct Grant {
    pub(crate) role: Role,
    /// For a change: what is there.
    pub(crate) resource: Option<Resource>,
    /// When the lease ends.
    until: Timestamp,
}

impl Grant {
    fn of(permit: &Permit) -> Self {
        Self { role: permit.role, resource: permit.resource.clone(), until: permit.until }
    }

    /// What a writer would allow itself that asks nobody.
    const fn unasked() -> Self {
        Self { role: Role::Create, resource: None, until: Timestamp::MAX }
    }
}

/// A resource changed under us, or another lease came between, so often that something is wrong with it.
const ROUNDS: u32 = 6;
/// How long to stay away when it is somebody else's turn.
pub(crate) const TURN: Duration = Duration::from_secs(1);
/// How long another submission's update in doubt, which may have landed, is left to its own worker, which alone knows what it wrote. Much
/// longer than the pause between two of its attempts; then a person looks.
const OWNERS_TIME: SignedDuration = SignedDuration::from_mins(15);
/// The pause before an outcome is told to the ledger again.
const AGAIN: Duration = Duration::from_millis(200);

impl Task<'_> {
    /// Carries an effect to its end. `None`: there was nothing to do.
    pub(crate) async fn drive(&self, effect: &impl Effect) -> Result<Option<Resource>, Stop> {
        // Without the protection: the write first, and the intent after it. Never in a release.
        let mut early = if drill::lacks(Protection::IntentBeforeWrite) {
            effect.write(&Grant::unasked()).await.ok()
        } else {
            None
        };
        self.may_begin().await?;
        for _ in 0..ROUNDS {
            let after = match self.store.begin(effect.wish()).await.map_err(|_| Stop::store())? {
                Begin::Go(permit) => self.write(effect, permit, early.take()).await?,
                // The write in doubt is of another kind, whose own effect knows how to look for it.
                Begin::Resolve(ticket) if !effect.looks_for(ticket.kind()) => {
                    return Err(Stop::Snooze(TURN));
                }
                Begin::Resolve(ticket) => match self.resolve(effect, &ticket).await? {
                    // What became of another submission's write, or of another kind of ours, is not what becomes of this one.
                    After::Done(_) | After::Conflict | After::Rejected { .. } | After::Parked
                        if ticket.admission() != self.admission
                            || ticket.kind() != effect.wish().target.kind() =>
                    {
                        continue;
                    }
                    // Still in doubt: the next search must lie further apart. Costs no attempt.
                    After::Resolve(ticket) => return Err(Stop::until(ticket.not_before, self.now())),
                    after => after,
                },
                Begin::Done(resource) => return Ok(Some(resource)),
                Begin::Nothing => return Ok(None),
                // The other worker's lease ends then, but its work usually sooner.
                Begin::Wait { .. } => return Err(Stop::Snooze(TURN)),
                Begin::Parked => After::Parked,
                Begin::Conflict => After::Conflict,
                Begin::Rejected { code } => After::Rejected { code },
            };
            match after {
                After::Done(resource) => return Ok(Some(resource)),
                After::Again | After::Fenced => {}
                // Our own write is in doubt. That costs an attempt: an EHR that answers so for ever ends with a person.
                After::Resolve(_) => return Err(Stop::unavailable(&self.endpoint)),
                After::Rejected { code } => return Err(Stop::Refused(code)),
                After::Conflict => return Err(Stop::Hold(Code::EhrConflict)),
                After::Parked => return Err(Stop::Hold(Code::EhrParked)),
            }
        }
        Err(Stop::unavailable(&self.endpoint))
    }

    /// Whether a person has ended it, and whether what they have not found in the EHR may still land there: it is not written again before
    /// it no longer can.
    async fn may_begin(&self) -> Result<(), Stop> {
        let Some(given_up) = self.decisions().await?.given_up else { return Ok(()) };
        let (now, lateness) = (self.now(), self.policy().lateness);
        let then = given_up.saturating_add(lateness).unwrap_or(Timestamp::MAX);
        if now < then { Err(Stop::until(then, now)) } else { Ok(()) }
    }

    /// Sends one write. The lease may have run down while we waited, for the commit, for what was looked up, or because the process was
    /// stopped; then somebody else may be writing soon. So it is looked at last of all, and must reach beyond the request's deadline, which
    /// counts from here and covers everything that the adapter does: token, reading, writing.
    pub(crate) async fn send(
        &self,
        grant: &Grant,
        request: impl Future<Output = WriteOutcome> + Send,
    ) -> Result<WriteOutcome, Stop> {
        if !self.now().saturating_add(self.deadline()).is_ok_and(|end| end < grant.until) {
            return Err(Stop::Snooze(TURN));
        }
        drill::at(Point::EhrBeforeWrite);
        let outcome = request.await;
        drill::at(Point::EhrAfterWrite);
        Ok(outcome)
    }

    /// Writes under a permit, unless that was done `early`, and tells the ledger. An `Err` is told too: nothing was sent.
    async fn write(
        &self,
        effect: &impl Effect,
        permit: Permit,
        early: Option<WriteOutcome>,
    ) -> Result<After, Stop> {
        let wrote = match early {
            Some(outcome) => Ok(outcome),
            None => effect.write(&Grant::of(&permit)).await,
        };
        let (result, stop) = match wrote {
            Ok(outcome) => {
                if answered(&outcome) {
                    self.cx.succeeded(&self.endpoint);
                }
                self.told(outcome)
            }
            Err(stop) => (EffectResult::NotSent, Some(stop)),
        };
        // Until the ledger has heard it nobody knows; what it then calls UNKNOWN nobody does either.
        self.cx.doubts(Some(Code::EhrParked));
        let after = self.tell(&permit, result).await?;
        if !matches!(after, After::Resolve(_)) {
            self.cx.doubts(None);
        }
        match stop {
            Some(stop) => Err(stop),
            None => Ok(after),
        }
    }

    /// Tells the ledger an outcome, and again while the database does not answer: nobody else knows it, and what is told
    /// after the lease has to be searched for. Telling twice changes nothing.
    async fn tell(&self, permit: &Permit, result: EffectResult) -> Result<After, Stop> {
        loop {
            match self.store.settle(permit, result.clone()).await {
                Ok(after) => return Ok(after),
                Err(_) if self.now() < permit.until => tokio::time::sleep(AGAIN).await,
                Err(_) => return Err(Stop::store()),
            }
        }
    }

    /// An outcome as the ledger knows it, and what the handler has to do about it beyond that.
    fn told(&self, outcome: WriteOutcome) -> (EffectResult, Option<Stop>) {
        match outcome {
            WriteOutcome::Done { id, version } => (EffectResult::Done(resource(id, version)), None),
            WriteOutcome::Stale { version } => {
                let version = version.map(|tag| tag.as_str().to_owned());
                (EffectResult::Stale { version }, None)
            }
            // Several carry the identifier already, or another than ours: a search will say so for the record.
            WriteOutcome::Conflict | WriteOutcome::Unknown => (EffectResult::Unknown, None),
            WriteOutcome::Throttled { after } => {
                (EffectResult::NotSent, Some(Stop::throttled(after, &self.endpoint)))
            }
            WriteOutcome::NotSent => (EffectResult::NotSent, Some(Stop::unavailable(&self.endpoint))),
            WriteOutcome::Unauthorized => (EffectResult::NotSent, Some(Stop::unauthorized(&self.endpoint))),
            WriteOutcome::Rejected { status, issue } => {
                tracing::warn!(
                    frontdesk.endpoint = self.endpoint.as_str(),
                    http.response.status_code = status,
                    fhir.issue = issue.map(|code| code.as_str()),
                    "ehr.rejected"
                );
                (EffectResult::Rejected { code: Code::EhrRejected }, None)
            }
        }
    }

    /// Answers an unknown outcome by a search, never by another write.
    async fn resolve(&self, effect: &impl Effect, ticket: &Ticket) -> Result<After, Stop> {
        let began = self.now();
        let own = ticket.admission() == self.admission;
        // Should this have been the last attempt, a person answers for our write.
        self.cx.doubts(own.then_some(Code::EhrParked));
        if began < ticket.not_before {
            return Err(Stop::until(ticket.not_before, began));
        }
        let search = effect.search(ticket).await;
        if !matches!(search, Search::Failed(_)) {
            self.cx.succeeded(&self.endpoint);
        }
        let found = match search {
            Search::None => SearchResult::Nothing { began },
            Search::Several => SearchResult::Conflict,
            Search::One { id, version, agrees, current } => match (ticket.role, &ticket.resource) {
                (Role::Update, Some(known)) if known.id != id => SearchResult::Conflict,
                (Role::Update, known) => {
                    let until = ticket.not_before.saturating_add(OWNERS_TIME).unwrap_or(Timestamp::MAX);
                    match updated(known.as_ref(), resource(id, version), (own, current), began) {
                        Some(found) => found,
                        // Its own worker is given the time to say whether it was its content.
                        None if began < until => return Err(Stop::Snooze(TURN)),
                        None => SearchResult::Conflict,
                    }
                }
                // Whether somebody else's spelling of the same person agrees with ours says nothing.
                (Role::Create, _) if own && !agrees => SearchResult::Conflict,
                _ => SearchResult::Found(resource(id, version)),
            },
            // It cannot be searched for here: a person has to look.
            Search::Failed(ReadFault::Missing | ReadFault::Refused { .. }) => {
                return Err(Stop::Hold(Code::EhrParked));
            }
            Search::Failed(fault) => return Err(Stop::read(&fault, &self.endpoint)),
        };
        let after = self.store.searched(ticket, found).await.map_err(|_| Stop::store())?;
        if !matches!(after, After::Resolve(_)) {
            self.cx.doubts(None);
        }
        Ok(after)
    }
}

/// What a search tells of an update. The resource is there in any case: its content tells whether the write happened, and its version
/// whether any did. `None`: somebody wrote, and only who knows the content can tell whether it was this update.
fn updated(
    before: Option<&Resource>,
    now: Resource,
    (own, current): (bool, bool),
    began: Timestamp,
) -> Option<SearchResult> {
    let tag = |resource: &Resource| resource.version.as_deref().map(ETag::new);
    let versions = before.and_then(tag).zip(tag(&now));
    Some(match versions.map(|(before, now)| before.same(&now)) {
        // Our own content is there.
        _ if own && current => SearchResult::Found(now),
        Some(true) => SearchResult::Nothing { began },
        // Somebody at the clinic wrote, before it or after it: whatever our content is now the older one. Never again over theirs.
        Some(false) if own => SearchResult::Conflict,
        // Another submission's, whose content we do not know: it landed, or somebody at the clinic wrote.
        Some(false) => return None,
        None if current => SearchResult::Found(now),
        None => SearchResult::Nothing { began },
    })
}

/// Whether the EHR gave an answer to the write, whatever it says: its breaker need not know of it.
const fn answered(outcome: &WriteOutcome) -> bool {
    matches!(
        outcome,
        WriteOutcome::Done { .. }
            | WriteOutcome::Stale { .. }
            | WriteOutcome::Conflict
            | WriteOutcome::Rejected { .. }
    )
}

pub(crate) fn resource(id: String, version: Option<ETag>) -> Resource {
    Resource { id, version: version.map(|tag| tag.as_str().to_owned()) }
}

#[cfg(test)]
mod tests {
    use domain::effect::Resource;
    use jiff::Timestamp;
    use ledger::SearchResult;

    use super::updated;

    fn at(version: &str) -> Resource {
        Resource { id: "p-1".to_owned(), version: Some(version.to_owned()) }
    }

    fn found(before: &Resource, now: &str, own: bool, current: bool) -> &'static str {
        match updated(Some(before), at(now), (own, current), Timestamp::UNIX_EPOCH) {
            Some(SearchResult::Found(_)) => "found",
            Some(SearchResult::Nothing { .. }) => "nothing",
            Some(SearchResult::Conflict) => "conflict",
            None => "its own worker knows",
        }
    }

    #[test]
    fn an_update_in_doubt_is_never_written_again_over_a_version_that_it_did_not_know() {
        let before = at("W/\"1\"");
        assert_eq!(found(&before, "\"1\"", true, false), "nothing", "the same version, written otherwise");
        assert_eq!(found(&before, "W/\"2\"", true, true), "found");
        assert_eq!(found(&before, "W/\"2\"", true, false), "conflict", "somebody at the clinic wrote since");
        assert_eq!(
            found(&before, "W/\"1\"", false, true),
            "nothing",
            "another submission's, alike by chance"
        );
        for current in [false, true] {
            assert_eq!(found(&before, "W/\"2\"", false, current), "its own worker knows");
        }
    }

    #[test]
    fn where_the_server_says_no_version_the_content_decides() {
        let before = Resource { version: None, ..at("") };
        assert_eq!(found(&before, "W/\"2\"", true, false), "nothing");
        assert_eq!(found(&before, "W/\"2\"", false, true), "found");
    }
}
