//! Panics are told by place only: the payload may quote what was being handled, which is PHI.

/// Replaces the default hook, which prints the payload.
pub(super) fn log_location_only() {
    std::panic::set_hook(Box::new(|info| {
        let (file, line) = info.location().map_or(("unknown", 0), |at| (at.file(), at.line()));
        tracing::error!(code.file.path = file, code.line.number = line, "process.panicked");
    }));
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

    /// Collects what events say.
    #[derive(Clone, Default)]
    struct Said(Arc<Mutex<String>>);

    impl<S: tracing::Subscriber> Layer<S> for Said {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            let mut said = self.0.lock().unwrap();
            event.record(&mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
                said.push_str(&format!("{field}={value:?} "));
            });
        }
    }

    #[test]
    fn tells_where_and_not_what() {
        let said = Said::default();
        super::log_location_only();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(said.clone()), || {
            let result = std::panic::catch_unwind(|| panic!("Zebedee"));
            assert!(result.is_err());
        });
        let said = said.0.lock().unwrap();
        assert!(said.contains("panic.rs") && !said.contains("Zebedee"), "{said}");
    }
}
