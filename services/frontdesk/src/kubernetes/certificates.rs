//! The certificates of those that others call, from the authority in `k8s/platform/certificates.yaml`.

use serde_json::{Value, json};

use super::{NAMESPACE, labels};

/// The secret with the authority that vouches for the collector of traces.
pub(super) const COLLECTOR: &str = "collector";

/// The secret with a service's certificate and key.
pub(super) fn secret(service: &str) -> String {
    format!("{service}-tls")
}

/// A service's certificate: for its name in the cluster, and for whoever forwards its port to a desk.
pub(super) fn of(service: &str) -> Value {
    let secret = secret(service);
    json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Certificate",
        "metadata": { "name": secret, "labels": labels(service, None) },
        "spec": {
            "secretName": secret,
            "duration": "2160h", "renewBefore": "720h",
            "dnsNames": [format!("{service}.{NAMESPACE}.svc"), "localhost"],
            "privateKey": { "algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always" },
            "usages": ["server auth"],
            "issuerRef": { "name": "authority", "kind": "Issuer" },
        },
    })
}
