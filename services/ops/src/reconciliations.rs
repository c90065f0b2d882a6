//! `/v1/reconciliations`: comparing a day, looking at what was found, publishing again what is safe to publish again.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{
        Path, State,
        rejection::{JsonRejection, PathRejection},
    },
    http::StatusCode,
};
use domain::{
    ClinicId,
    ids::SourceName,
    reconcile::{Day, Sent},
};
use jiff::civil::Date;
use ledger::reconcile::Row;
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    App,
    access::Role,
    problem::Refusal,
    reconcile::{NotRedriven, Reconciler, Redriven, Wish},
    said::{self, Grounds},
    tokens::Principal,
    views::{Run, RunSummary},
};

/// Runs that are listed.
const LISTED: u32 = 50;
/// No day is earlier.
const FIRST_YEAR: i16 = 2000;
/// Counts of senders in one request.
const MAX_SENT: usize = 1000;

/// Which day, of whom, and what the senders say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Comparison {
    date: Date,
    clinic: Option<String>,
    #[serde(default)]
    sent: Vec<SentCount>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentCount {
    clinic: String,
    source: String,
    count: u64,
}

/// `POST /v1/reconciliations`: compares, and answers with what is different.
pub(crate) async fn compare(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Arc<Principal>>,
    comparison: Result<Json<Comparison>, JsonRejection>,
) -> Result<(StatusCode, Json<Run>), Refusal> {
    let Ok(Json(comparison)) = comparison else { return Err(Refusal::InvalidRequest("body")) };
    let reconciler = reconciler(&app)?;
    let wish = wish(reconciler, comparison, who.name.clone())?;
    // A run that is not the daily one is always kept.
    let (run, differences) = reconciler.run(&wish).await?.ok_or(Refusal::StoreUnavailable)?;
    let rows = differences.into_iter().map(|difference| Row { difference, redriven_at: None }).collect();
    Ok((StatusCode::CREATED, Json(Run::new(run, rows))))
}

/// `GET /v1/reconciliations`: the last runs, newest first.
pub(crate) async fn list(State(app): State<Arc<App>>) -> Result<Json<Vec<RunSummary>>, Refusal> {
    let runs = reconciler(&app)?.store.runs(LISTED).await?;
    Ok(Json(runs.into_iter().map(RunSummary::from).collect()))
}

/// `GET /v1/reconciliations/{id}`: one run with its differences.
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Run>, Refusal> {
    let (run, rows) = find(reconciler(&app)?, id).await?;
    Ok(Json(Run::new(run, rows)))
}

/// `POST /v1/reconciliations/{id}/redrive`: publishes again what the run found overdue, as far as that is safe.
pub(crate) async fn redrive(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Arc<Principal>>,
    Extension(role): Extension<Role>,
    id: Result<Path<String>, PathRejection>,
    grounds: Result<Json<Grounds>, JsonRejection>,
) -> Result<Json<Redriven>, Refusal> {
    let reason = said::grounds(grounds)?;
    let reconciler = Arc::clone(app.reconciler.as_ref().ok_or(Refusal::NotConfigured)?);
    let (run, rows) = find(&reconciler, id).await?;
    let actor = said::actor(&who, role);
    // A task of its own: what was begun is done to its end, also when whoever asked hangs up.
    let task = tokio::spawn(async move { reconciler.redrive((&run, &rows), &actor, &reason).await });
    match task.await {
        Ok(Ok(redriven)) => Ok(Json(redriven)),
        Ok(Err(NotRedriven::NoBroker)) => Err(Refusal::NotConfigured),
        Ok(Err(NotRedriven::Down(down))) => Err(down.into()),
        Err(_) => Err(Refusal::StoreUnavailable),
    }
}

fn reconciler(app: &App) -> Result<&Reconciler, Refusal> {
    app.reconciler.as_deref().ok_or(Refusal::NotConfigured)
}

async fn find(
    reconciler: &Reconciler,
    id: Result<Path<String>, PathRejection>,
) -> Result<(ledger::reconcile::Run, Vec<Row>), Refusal> {
    let Ok(Path(id)) = id else { return Err(Refusal::UnknownReconciliation) };
    let id = id.parse::<Uuid>().map_err(|_| Refusal::UnknownReconciliation)?;
    reconciler.store.run(id).await?.ok_or(Refusal::UnknownReconciliation)
}

fn wish(reconciler: &Reconciler, comparison: Comparison, actor: String) -> Result<Wish, Refusal> {
    let Comparison { date, clinic, sent } = comparison;
    let known = |text: &str, field| {
        let clinic = ClinicId::parse(text).ok().filter(|clinic| reconciler.clinics.get(clinic).is_some());
        clinic.ok_or(Refusal::InvalidRequest(field))
    };
    let clinic = clinic.map(|text| known(&text, "clinic")).transpose()?;
    let now = reconciler.clock.now();
    // A day that has begun nowhere, or was over before there was a line, has nothing to be compared.
    let mut zones = reconciler.clinics.iter().map(|clinic| &clinic.time_zone);
    if date.year() < FIRST_YEAR || !zones.any(|zone| Day::of(date, zone).is_some_and(|day| day.from <= now)) {
        return Err(Refusal::InvalidRequest("date"));
    }
    if sent.len() > MAX_SENT {
        return Err(Refusal::InvalidRequest("sent"));
    }
    let sent = sent.into_iter().map(|one| {
        Ok(Sent {
            clinic: known(&one.clinic, "sent")?,
            source: SourceName::parse(&one.source).map_err(|_| Refusal::InvalidRequest("sent"))?,
            count: one.count,
        })
    });
    let mut sent = sent.collect::<Result<Vec<_>, Refusal>>()?;
    // What is said of others than the clinic that is compared is not looked at.
    sent.retain(|one| clinic.as_ref().is_none_or(|clinic| *clinic == one.clinic));
    Ok(Wish { day: date, clinic, sent, actor, daily: false })
}
