//! One question over HTTP.

use std::{sync::Arc, time::Duration};

use domain::clock::Clock;
use reqwest::{
    Client, Url,
    header::{ACCEPT, CONTENT_TYPE, HeaderValue},
};

use super::PayerFault;
use crate::{
    http::{Deadline, exchange, retry_after},
    setup::Secret,
};

/// Where and how a payer is asked.
pub(crate) struct Post {
    client: Client,
    url: Url,
    token: Option<Secret>,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

impl Post {
    pub(crate) const fn new(
        client: Client,
        url: Url,
        token: Option<Secret>,
        timeout: Duration,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { client, url, token, timeout, clock }
    }

    /// Sends a body and gives the answer's, of a 2xx or a 400: a rejection may come as either. The status tells which.
    pub(crate) async fn ask(
        &self,
        content_type: &'static str,
        body: Vec<u8>,
    ) -> Result<(u16, Vec<u8>), PayerFault> {
        let mut request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static(content_type))
            .header(ACCEPT, HeaderValue::from_static(content_type));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.reveal());
        }
        let request = request.body(body).build().map_err(|_| PayerFault::Refused)?;
        let answer = exchange(&self.client, request, Deadline::after(self.timeout), "eligibility")
            .await
            .map_err(|_| PayerFault::Unavailable)?;
        match answer.status {
            status @ (200..=299 | 400) => Ok((status, answer.body.ok_or(PayerFault::Unavailable)?)),
            408 | 500..=599 => Err(PayerFault::Unavailable),
            429 => Err(PayerFault::Throttled { after: retry_after(&answer.headers, self.clock.now()) }),
            _ => Err(PayerFault::Refused),
        }
    }
}
