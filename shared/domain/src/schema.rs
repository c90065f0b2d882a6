//! JSON Schemas (2020-12) of the types that derive cannot describe: texts with a rule, and bytes as base64.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{
    ids::{AdmissionId, ClinicId, CorrelationId, MessageId, PersonId, SourceName, SubmissionId},
    seal::Sealed,
};

macro_rules! text_schema {
    ($($type:ident: $pattern:literal, $description:literal;)*) => {$(
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "description": $description })
            }
        }
    )*};
}

text_schema! {
    ClinicId: "^[a-z0-9-]{1,63}$", "A clinic's identifier.";
    SourceName: "^[a-z0-9_-]{1,40}$", "Where a submission came from, such as `web_form` or `kiosk`.";
    SubmissionId: "^[A-Za-z0-9._:-]{1,64}$",
        "The sender's opaque identifier of a submission, the same for every retry. Never a name or a number of a person.";
}

macro_rules! uuid_schema {
    ($($type:ident: $description:literal;)*) => {$(
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "format": "uuid", "description": $description })
            }
        }
    )*};
}

uuid_schema! {
    CorrelationId: "Ties everything that is done for one submission together.";
    MessageId: "One hand-off from one stage to the next.";
    AdmissionId: "One row of the admissions.";
    PersonId: "One person at one clinic, as the matching found. Says nothing about the person.";
}

impl JsonSchema for Sealed {
    fn schema_name() -> Cow<'static, str> {
        "Sealed".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "description": "All PHI of the message: AES-256-GCM under the named key, bound to submission, clinic and schema.",
            "properties": {
                "key": { "type": "string", "description": "The id of the key that opens it." },
                "nonce": { "type": "string", "contentEncoding": "base64", "description": "The random nonce, 12 bytes." },
                "data": { "type": "string", "contentEncoding": "base64", "description": "Ciphertext and tag." }
            },
            "required": ["key", "nonce", "data"]
        })
    }
}
