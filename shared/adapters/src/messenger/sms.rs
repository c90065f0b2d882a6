//! Text messages through an HTTP provider.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{clock::Clock, messages::Channel};
use reqwest::{Client, Request, Url};
use serde::{Deserialize, Serialize};

use super::{Messenger, Notice, SendOutcome};
use crate::{
    http::{Answer, Deadline, Missed, exchange, retry_after},
    setup::Secret,
};

/// An SMS provider that takes a message as JSON, once for each idempotency key.
pub struct Sms {
    client: Client,
    url: Url,
    token: Option<Secret>,
    from: Option<String>,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

#[derive(Serialize)]
struct Body<'a> {
    to: &'a str,
    body: &'a str,
    idempotency_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
}

#[derive(Deserialize)]
struct Taken {
    id: String,
}

impl Sms {
    pub(crate) fn new(
        (client, url): (Client, Url),
        token: Option<Secret>,
        from: Option<String>,
        timeout: Duration,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { client, url, token, from, timeout, clock }
    }

    fn request(&self, notice: &Notice) -> Option<Request> {
        let body = Body {
            to: &notice.to,
            body: &notice.text,
            idempotency_key: &notice.key,
            from: self.from.as_deref(),
        };
        let request = self.client.post(self.url.clone()).header("Idempotency-Key", &notice.key).json(&body);
        match &self.token {
            Some(token) => request.bearer_auth(token.reveal()),
            None => request,
        }
        .build()
        .ok()
    }

    fn classify(&self, answer: &Answer) -> SendOutcome {
        match answer.status {
            200..=299 => answer
                .body
                .as_deref()
                .and_then(|body| serde_json::from_slice::<Taken>(body).ok())
                .map_or(SendOutcome::Unknown, |taken| SendOutcome::Sent { id: taken.id }),
            // The provider does not know us: nothing to do with this message.
            401 | 403 => SendOutcome::NotSent,
            429 => SendOutcome::Throttled { after: retry_after(&answer.headers, self.clock.now()) },
            // 409: a message of this key is on its way.
            408 | 409 | 500..=599 => SendOutcome::Unknown,
            _ => SendOutcome::Refused,
        }
    }
}

#[async_trait]
impl Messenger for Sms {
    fn channel(&self) -> Channel {
        Channel::Sms
    }

    fn deadline(&self) -> Duration {
        self.timeout
    }

    async fn send(&self, notice: &Notice) -> SendOutcome {
        let Some(request) = self.request(notice) else { return SendOutcome::Refused };
        match exchange(&self.client, request, Deadline::after(self.timeout), "message").await {
            Ok(answer) => self.classify(&answer),
            Err(Missed::NotSent) => SendOutcome::NotSent,
            Err(Missed::Unknown) => SendOutcome::Unknown,
        }
    }
}
