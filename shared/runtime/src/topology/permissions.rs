//! What each service may do on the broker: nobody may create, change or delete anything.

use std::fmt;

use domain::{Exchange, Stage};
use serde::Serialize;

/// The broker permissions of one service, as RabbitMQ's regular expressions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Permission {
    /// The service; its broker user has the same name.
    pub service: String,
    /// Always nothing.
    pub configure: String,
    /// Exchanges that it publishes to.
    pub write: String,
    /// Queues that it consumes.
    pub read: String,
}

/// The permissions of all services, and of `source`: a scenario that publishes straight to the ingest exchange.
pub fn permissions() -> Vec<Permission> {
    let ingest = escaped(Exchange::Ingest.as_str());
    let mut all = vec![
        Permission::new("source", &format!("^{ingest}$"), "^$"),
        Permission::new("gateway", &format!("^{ingest}$"), "^$"),
    ];
    for stage in Stage::ALL {
        let (name, onward) = (escaped(stage.as_str()), escaped(stage.writes().as_str()));
        let write = format!("^({onward}|wait\\..*|{name}\\..*\\.dlx)$");
        // Not its dead letters: those are for people.
        let read = format!("^{name}\\.[^.]*$");
        all.push(Permission::new(stage.as_str(), &write, &read));
    }
    // Replays go straight to the queue that the message died in, by the default exchange.
    all.push(Permission::new("ops", "^(intake\\..*|amq\\.default)$", "^.*\\.dlq$"));
    all
}

impl Permission {
    fn new(service: &str, write: &str, read: &str) -> Self {
        Self {
            service: service.to_owned(),
            configure: "^$".to_owned(),
            write: write.to_owned(),
            read: read.to_owned(),
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: configure {} write {} read {}", self.service, self.configure, self.write, self.read)
    }
}

fn escaped(name: &str) -> String {
    name.replace('.', "\\.")
}
