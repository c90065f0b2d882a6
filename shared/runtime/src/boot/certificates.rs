//! Certificates are looked at again for as long as the process lives, and how they stand is told.

use std::{convert::Infallible, sync::Arc, time::Duration};

use crate::telemetry::{Metrics, Sample, catalogue};

/// Looks every so often.
pub(super) async fn follow(metrics: Arc<Metrics>, every: Duration) -> Infallible {
    let mut looks = tokio::time::interval(every);
    loop {
        looks.tick().await;
        let standings = tls::look();
        let not_after = standings.iter().flat_map(|one| {
            one.not_after.iter().map(|(key, at)| {
                let file = format!("{}.{key}", one.section);
                #[allow(clippy::cast_precision_loss, reason = "exact until long after the sun")]
                Sample { labels: vec![("file", file)], value: *at as f64 }
            })
        });
        metrics.families.set(&catalogue::TLS_NOT_AFTER, not_after.collect());
        let refused = standings.iter().map(|one| {
            let value = if one.refused.is_some() { 1.0 } else { 0.0 };
            Sample { labels: vec![("section", one.section.clone())], value }
        });
        metrics.families.set(&catalogue::TLS_REFUSED, refused.collect());
    }
}
