//! The Make.com blueprint signs as the gateway verifies, counts an error as one, and tries again.

use serde_json::Value;

use crate::read;

fn header<'a>(module: &'a Value, name: &str) -> &'a str {
    let headers = module["mapper"]["headers"].as_array().unwrap();
    headers.iter().find(|header| header["name"] == name).unwrap()["value"].as_str().unwrap()
}

fn formula(text: &str) -> &str {
    text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).unwrap()
}

#[test]
fn the_blueprint_signs_what_it_sends() {
    let blueprint = read("make-blueprint.json");
    assert_eq!(blueprint["flow"][0]["module"], "gateway:CustomWebHook");
    let http = &blueprint["flow"][1];
    assert_eq!((&http["module"], &http["version"]), (&"http:ActionSendData".into(), &3.into()));
    let (id, timestamp) = (formula(header(http, "webhook-id")), formula(header(http, "webhook-timestamp")));
    let body = formula(http["mapper"]["data"].as_str().unwrap());
    let signature = format!(
        "v1,{{{{sha256({id} + \".\" + {timestamp} + \".\" + {body}; \"base64\"; var.team.frontdesk_secret; \"base64\")}}}}"
    );
    assert_eq!(header(http, "webhook-signature"), signature);
    assert_eq!(http["mapper"]["contentType"], "application/json");
    let url = http["mapper"]["url"].as_str().unwrap();
    assert!(url.starts_with("{{var.team.frontdesk_url}}/v1/intake/{{var.team.frontdesk_clinic}}/"), "{url}");
}

#[test]
fn an_error_is_an_error_and_is_tried_again() {
    let blueprint = read("make-blueprint.json");
    let http = &blueprint["flow"][1];
    assert_eq!(http["parameters"]["handleErrors"], true);
    let handler = &http["onerror"][0];
    assert_eq!(handler["module"], "builtin:Break");
    assert_eq!(handler["mapper"]["retry"], true);
    let scenario = &blueprint["metadata"]["scenario"];
    assert_eq!(scenario["dlq"], true, "incomplete executions are stored: Break needs it");
    assert_eq!(scenario["confidential"], true, "bodies stay out of Make's logs");
}
