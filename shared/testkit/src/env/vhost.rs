//! A virtual host of one test's own.

use super::{EnvError, blocking, fresh_name, is_stale, seconds_now, variable};
use crate::admin::BrokerAdmin;

/// A fresh virtual host on the broker of `AMQP_URL`, made through `AMQP_MANAGEMENT_URL`, on which the users of both may do
/// everything. It is deleted, with all queues and connections on it, when this is dropped.
pub struct TestVhost {
    name: String,
    amqp: String,
    admin: BrokerAdmin,
}

impl TestVhost {
    /// Makes one.
    ///
    /// # Errors
    /// [`EnvError`] if the variables are absent or the broker does not do it.
    pub async fn create() -> Result<Self, EnvError> {
        let admin = BrokerAdmin::new(&variable("AMQP_URL")?, &variable("AMQP_MANAGEMENT_URL")?)?;
        let now = seconds_now();
        for stale in admin.list().await?.iter().filter(|name| is_stale(name, now)) {
            // Another test may be removing the same one.
            admin.remove(stale).await.ok();
        }
        let name = fresh_name();
        // From here on a failure removes it again.
        let vhost = Self { amqp: admin.amqp_url(&name), name, admin };
        vhost.admin.create(&vhost.name).await?;
        Ok(vhost)
    }

    /// The virtual host's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The AMQP URL of the virtual host, with user and password.
    pub fn amqp_url(&self) -> &str {
        &self.amqp
    }

    /// The management API's base, with user and password, such as `http://user:pass@127.0.0.1:15672/`.
    pub fn management_url(&self) -> &str {
        self.admin.management_url()
    }
}

impl Drop for TestVhost {
    fn drop(&mut self) {
        let (admin, name) = (self.admin.clone(), std::mem::take(&mut self.name));
        blocking(move || async move {
            admin.remove(&name).await.ok();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::TestVhost;
    use crate::wait;
    use std::time::Duration;

    async fn connects(url: &str) -> bool {
        lapin::Connection::connect(url, lapin::ConnectionProperties::default()).await.is_ok()
    }

    #[tokio::test]
    async fn a_vhost_lives_as_long_as_its_value_even_through_a_panic() {
        let vhost = TestVhost::create().await.unwrap();
        let url = vhost.amqp_url().to_owned();
        assert!(connects(&url).await);
        let panics = tokio::spawn(async move {
            let _held = vhost;
            panic!("a failing test");
        });
        assert!(panics.await.is_err());
        wait::until(Duration::from_secs(20), || async { !connects(&url).await }).await.unwrap();
    }
}
