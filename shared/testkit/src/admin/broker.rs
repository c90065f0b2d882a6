//! Virtual hosts, through the management API.

use reqwest::{Method, RequestBuilder, Response, Url};
use serde::Deserialize;
use serde_json::json;

use super::{AdminError, url};

/// A broker that runs already, and an administrator's access to it.
#[derive(Clone)]
pub struct BrokerAdmin {
    amqp: Url,
    management: Url,
}

impl BrokerAdmin {
    /// Access by URLs with user and password, such as `amqp://…` and `http://…:15672`.
    ///
    /// # Errors
    /// [`AdminError::BadUrl`] names the variable that usually holds it.
    pub fn new(amqp: &str, management: &str) -> Result<Self, AdminError> {
        Ok(Self { amqp: url("AMQP_URL", amqp)?, management: url("AMQP_MANAGEMENT_URL", management)? })
    }

    /// The management API's base, with user and password, such as `http://user:pass@127.0.0.1:15672/`.
    pub fn management_url(&self) -> &str {
        self.management.as_str()
    }

    /// The AMQP URL of a virtual host, with user and password. The name is of letters, digits and `_`.
    pub fn amqp_url(&self, vhost: &str) -> String {
        let mut url = self.amqp.clone();
        url.set_path(&format!("/{vhost}"));
        url.into()
    }

    /// Makes a virtual host, unless it is there, on which the users of both URLs may do everything.
    ///
    /// # Errors
    /// [`AdminError::Broker`].
    pub async fn create(&self, vhost: &str) -> Result<(), AdminError> {
        self.put(&format!("vhosts/{vhost}"), &json!({})).await?;
        let (one, other) = (user_of(&self.amqp), user_of(&self.management));
        self.permit(vhost, one, [".*"; 3]).await?;
        if other == one { Ok(()) } else { self.permit(vhost, other, [".*"; 3]).await }
    }

    /// Makes a user who may do nothing yet, or gives one that is there this password. With the tag `management` it may look at the queues
    /// of the virtual hosts that it is permitted on.
    ///
    /// # Errors
    /// [`AdminError::Broker`].
    pub async fn user(&self, name: &str, password: &str, tags: &str) -> Result<(), AdminError> {
        self.put(&format!("users/{name}"), &json!({ "password": password, "tags": tags })).await
    }

    /// Lets a user configure, write and read on a virtual host what the regular expressions match, and no more. Both names
    /// are as they stand in a URL.
    ///
    /// # Errors
    /// [`AdminError::Broker`].
    pub async fn permit(
        &self,
        vhost: &str,
        user: &str,
        [configure, write, read]: [&str; 3],
    ) -> Result<(), AdminError> {
        let body = json!({ "configure": configure, "write": write, "read": read });
        self.put(&format!("permissions/{vhost}/{user}"), &body).await
    }

    /// Removes a virtual host with all that is on it, if it is there, and the users that were made for it: those whose names are its own,
    /// `_` and something.
    ///
    /// # Errors
    /// [`AdminError::Broker`].
    pub async fn remove(&self, vhost: &str) -> Result<(), AdminError> {
        self.delete(&format!("vhosts/{vhost}")).await?;
        let own = format!("{vhost}_");
        for user in self.names("users").await?.iter().filter(|user| user.starts_with(&own)) {
            self.delete(&format!("users/{user}")).await?;
        }
        Ok(())
    }

    async fn delete(&self, path: &str) -> Result<(), AdminError> {
        let answer = send(self.request(Method::DELETE, path)).await?;
        if answer.status() == reqwest::StatusCode::NOT_FOUND { Ok(()) } else { success(answer).map(drop) }
    }

    /// The names of all virtual hosts.
    ///
    /// # Errors
    /// [`AdminError::Broker`].
    pub async fn list(&self) -> Result<Vec<String>, AdminError> {
        self.names("vhosts").await
    }

    async fn names(&self, what: &str) -> Result<Vec<String>, AdminError> {
        #[derive(Deserialize)]
        struct Named {
            name: String,
        }
        let answer = success(send(self.request(Method::GET, what).query(&[("columns", "name")])).await?)?;
        let named: Vec<Named> = answer.json().await.map_err(|error| AdminError::Broker(error.to_string()))?;
        Ok(named.into_iter().map(|one| one.name).collect())
    }

    async fn put(&self, path: &str, body: &serde_json::Value) -> Result<(), AdminError> {
        success(send(self.request(Method::PUT, path).json(body)).await?).map(drop)
    }

    /// User and password go along in the URL, from which the client makes the header.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut url = self.management.clone();
        url.set_path(&format!("/api/{path}"));
        crate::http::client().request(method, url)
    }
}

/// The user in a URL, encoded as it stands there, or the broker's default.
fn user_of(url: &Url) -> &str {
    if url.username().is_empty() { "guest" } else { url.username() }
}

async fn send(request: RequestBuilder) -> Result<Response, AdminError> {
    // The error's own text would quote the URL, with the password in it.
    request.send().await.map_err(|error| AdminError::Broker(error.without_url().to_string()))
}

fn success(answer: Response) -> Result<Response, AdminError> {
    let status = answer.status();
    if status.is_success() { Ok(answer) } else { Err(AdminError::Broker(format!("answered {status}"))) }
}
