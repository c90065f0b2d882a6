//! Every secret, fetched from the site's store by the External Secrets Operator. The store has passwords; the URLs are made here.
//!
//! Passwords are to be letters and digits: they stand in URLs as they are.

use serde_json::{Map, Value, json};

use super::{Environment, NAMESPACE, SERVICES, VHOST, broker_users, certificates::COLLECTOR};

/// All of an environment's secrets. In the store they lie below `frontdesk/<environment>/`.
pub(super) fn external(env: &Environment) -> Vec<Value> {
    let at = |path: &str| format!("frontdesk/{}/{path}", env.sizes.name);
    let mut all = Vec::new();
    for broker_user in broker_users() {
        let user = &broker_user.name;
        let amqp = format!("amqps://{user}:{{{{ .password }}}}@broker.{NAMESPACE}.svc:5671/{VHOST}");
        let mut data = json!({ "username": user, "password": "{{ .password }}", "amqp_url": amqp });
        if !broker_user.tags.is_empty() {
            data["management_url"] =
                json!(format!("https://{user}:{{{{ .password }}}}@broker.{NAMESPACE}.svc:15671"));
        }
        if user == "scaler" {
            // What KEDA wants to be told by a secret.
            data["tls"] = json!("enable");
        }
        let template = json!({ "engineVersion": "v2", "data": data });
        all.push(password(&format!("broker-{user}"), &at(&format!("broker/{user}")), template));
    }
    let services = SERVICES.iter().filter_map(|service| Some((service.name, service.role()?)));
    for (name, role) in services.chain([("owner", "frontdesk".to_owned())]) {
        let url = format!(
            "postgres://{role}:{{{{ .password }}}}@database-rw.{NAMESPACE}.svc:5432/frontdesk?sslmode=require"
        );
        let template = json!({
            "engineVersion": "v2", "type": "kubernetes.io/basic-auth",
            // The database's operator takes a new password up by itself.
            "metadata": { "labels": { "cnpg.io/reload": "true" } },
            "data": { "username": role, "password": "{{ .password }}", "postgres_url": url },
        });
        all.push(password(&format!("database-{name}"), &at(&format!("database/{name}")), template));
    }
    let files = [
        ("index-key", &["index.key"][..]),
        ("payer", &["payer_token"]),
        ("ehr-client", &["ehr_client.pem"]),
        ("messages", &["sms_token", "smtp_password"]),
        ("ops-tokens", &["tokens.toml"]),
    ];
    // The collector is the site's: so is who vouches for it.
    let collector = env.trusts_collector().then_some((COLLECTOR, &["ca.crt"][..]));
    for (name, keys) in files.into_iter().chain(collector) {
        let data = keys
            .iter()
            .map(|key| json!({ "secretKey": key, "remoteRef": { "key": at(name), "property": key } }));
        all.push(secret(name, &json!({ "data": data.collect::<Vec<_>>() }), None));
    }
    // Every property is a file: `<id>.key`; `sources.toml` and the secrets that it names.
    for name in ["sealing-keys", "sources"] {
        all.push(secret(name, &json!({ "dataFrom": [{ "extract": { "key": at(name) } }] }), None));
    }
    all
}

fn password(name: &str, key: &str, template: Value) -> Value {
    let data =
        json!({ "data": [{ "secretKey": "password", "remoteRef": { "key": key, "property": "password" } }] });
    secret(name, &data, Some(template))
}

fn secret(name: &str, from: &Value, template: Option<Value>) -> Value {
    let mut target = json!({ "name": name, "creationPolicy": "Owner" });
    if let Some(template) = template {
        target["template"] = template;
    }
    let mut spec: Map<String, Value> = from.as_object().cloned().unwrap_or_default();
    spec.insert("refreshInterval".to_owned(), json!("5m"));
    spec.insert("secretStoreRef".to_owned(), json!({ "kind": "ClusterSecretStore", "name": "frontdesk" }));
    spec.insert("target".to_owned(), target);
    json!({ "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": { "name": name }, "spec": spec })
}
