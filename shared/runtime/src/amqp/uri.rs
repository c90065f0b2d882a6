//! The broker's address.

use lapin::uri::{AMQPScheme, AMQPUri};

use crate::{ConfigError, config::Secret};

/// Seconds between heartbeats unless the URL or the broker asks for fewer: the lower value counts. A peer that vanished is given up
/// after two of them in silence, at the next look, which is half of one away: within 20 seconds.
const HEARTBEAT_S: u16 = 8;

/// A parsed broker URL. Not printable: it holds a password.
pub(crate) struct Address(AMQPUri);

impl Address {
    /// Reads a URL.
    ///
    /// # Errors
    /// [`ConfigError`] for `amqp.url`, without the URL.
    pub(crate) fn parse(url: &Secret) -> Result<Self, ConfigError> {
        let bad = || {
            ConfigError::key("amqp.url", "not of the form amqp://user:password@host:port/vhost (or amqps)")
        };
        let mut uri: AMQPUri = url.expose().parse().map_err(|_| bad())?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_S);
        Ok(Self(uri))
    }

    /// With the heartbeat.
    pub(crate) fn to_url(&self) -> String {
        self.0.to_string()
    }

    /// The same, parsed.
    pub(super) const fn uri(&self) -> &AMQPUri {
        &self.0
    }

    /// Whether it is `amqps`.
    pub(super) const fn is_tls(&self) -> bool {
        matches!(self.0.scheme, AMQPScheme::AMQPS)
    }

    /// The vhost.
    pub(crate) fn vhost(&self) -> &str {
        &self.0.vhost
    }

    /// `host:port`, for logs.
    pub(crate) fn peer(&self) -> String {
        format!("{}:{}", self.0.authority.host, self.0.authority.port)
    }
}

#[cfg(test)]
mod tests {
    use super::Address;
    use crate::config::Secret;

    fn parse(url: &str) -> Result<Address, String> {
        Address::parse(&Secret::new(url.to_owned())).map_err(|error| error.to_string())
    }

    #[test]
    fn keeps_credentials_and_vhost_and_adds_a_heartbeat() {
        let address = parse("amqp://u:p%40ss@broker:5673/a%2fb").unwrap();
        assert_eq!((address.vhost(), address.peer().as_str()), ("a/b", "broker:5673"));
        let again = parse(&address.to_url()).unwrap();
        assert_eq!(again.0.authority.userinfo.password, "p@ss");
        assert_eq!((again.vhost(), again.0.query.heartbeat), ("a/b", Some(8)));
        assert_eq!(parse("amqp://h/%2f?heartbeat=3").unwrap().0.query.heartbeat, Some(3));
    }

    #[test]
    fn errors_do_not_quote_the_url() {
        let Err(error) = parse("http://u:hunter2@host") else { panic!("parsed") };
        assert!(error.contains("amqp.url") && !error.contains("hunter2"), "{error}");
    }
}
