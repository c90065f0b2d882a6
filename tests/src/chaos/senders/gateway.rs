//! Posting to the gateway, as a Make.com scenario does: signed, and again under the same name when told to or cut off.

use std::{collections::HashMap, time::Duration};

use frontdesk::{door::Door, local::endpoints};
use reqwest::{Client, Response, StatusCode};
use tokio::time::{Instant, sleep};

use super::courier::Tried;

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// The pause where the gateway asks for none.
const PAUSE: Duration = Duration::from_millis(300);

/// The gateway's door of every clinic.
pub(super) struct Gateway(HashMap<String, Door>);

impl Gateway {
    /// # Errors
    /// If a secret cannot be read.
    pub(super) fn open(gateway: &endpoints::Gateway) -> anyhow::Result<Self> {
        let client = Client::builder().no_proxy().timeout(TIMEOUT).build()?;
        let clinics = gateway.sources.iter().flat_map(|source| &source.clinics);
        let doors = clinics.map(|clinic| Ok((clinic.clone(), Door::of(gateway, &client, clinic)?)));
        Ok(Self(doors.collect::<anyhow::Result<_>>()?))
    }

    /// Posts until it is accepted or refused for good, or until the time is up.
    pub(super) async fn post(&self, clinic: &str, body: &[u8], end: Instant) -> Tried {
        // Nobody may post for such a clinic: as if the gateway had said so.
        let Some(door) = self.0.get(clinic) else { return Tried::Refused(403) };
        let id = Door::fresh_id();
        let mut doubtful = false;
        while Instant::now() < end {
            let Ok(request) = door.request(&id, body.to_vec()) else { return Tried::Refused(0) };
            let pause = match request.send().await {
                Ok(answer) if answer.status() == StatusCode::ACCEPTED => return Tried::Accepted,
                Ok(answer) => {
                    let status = answer.status();
                    let asked = asked(&answer);
                    let later = status.is_server_error() || matches!(status.as_u16(), 408 | 429);
                    if !later && asked.is_none() {
                        return Tried::Refused(status.as_u16());
                    }
                    // A gateway that did not see the confirm does not know either.
                    doubtful |= status.is_server_error();
                    asked.unwrap_or(PAUSE)
                }
                Err(_) => {
                    doubtful = true;
                    PAUSE
                }
            };
            sleep(pause.min(end.saturating_duration_since(Instant::now()))).await;
        }
        Tried::GaveUp { doubtful }
    }
}

/// What `Retry-After` asks for.
fn asked(answer: &Response) -> Option<Duration> {
    let text = answer.headers().get("retry-after")?.to_str().ok()?;
    text.parse().ok().map(Duration::from_secs)
}
