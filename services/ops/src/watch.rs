//! What ops does by itself, minute by minute: the daily reconciliation, its metrics, and who is silent.

use std::{sync::Arc, time::Duration};

use domain::clock::Clock;
use runtime::telemetry::Metrics;
use tokio_util::sync::CancellationToken;

use crate::{reconcile::Reconciler, silence::Listener};

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(60);

/// Looks until it is to stop. A database that does not answer is asked again at the next look.
pub(crate) async fn watch(
    reconciler: Arc<Reconciler>,
    mut listener: Listener,
    (clock, metrics): (Arc<dyn Clock>, Arc<Metrics>),
    stop: CancellationToken,
) {
    loop {
        let look = async {
            let heard = listener.look(clock.now(), &metrics.families).await;
            let told = reconciler.tell(&metrics.families).await;
            if heard.and(told).is_err() {
                tracing::warn!("ops.not_watched");
            }
        };
        tokio::select! {
            () = look => {}
            () = stop.cancelled() => return,
        }
        // After the first look, so that a process that is started over and over does not do it over and over.
        let next = async {
            tokio::time::sleep(EVERY).await;
            if reconciler.daily().await.is_err() {
                tracing::warn!("ops.not_reconciled");
            }
        };
        tokio::select! {
            () = next => {}
            () = stop.cancelled() => return,
        }
    }
}
