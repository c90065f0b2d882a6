//! What goes through, what is rejected, what came before; by both doors.

use anyhow::ensure;
use reqwest::RequestBuilder;
use serde_json::json;

use super::{Door, Walk, by};

/// One clinic of each form: web-jot, web-type, kiosk, call, referral.
const CLINICS: [&str; 5] = ["clinic-01", "clinic-02", "clinic-03", "clinic-04", "clinic-05"];
const HAPPY: [&str; 5] = ["happy", "happy web-type", "happy kiosk", "happy call", "happy referral"];

impl Walk<'_, '_> {
    pub(super) async fn plain(&mut self) -> anyhow::Result<()> {
        let mut expected = Vec::new();
        for door in [Door::Gateway, Door::Amqp] {
            for (clinic, path) in CLINICS.into_iter().zip(HAPPY) {
                expected.push((self.send(door, (path, clinic), |_, _| {}).await?, "completed"));
            }
            expected.extend(self.rejected(door).await?);
            expected.extend(self.odd(door).await?);
        }
        expected.extend(self.named().await?);
        self.world.ends(&expected).await?;
        self.again().await
    }

    /// Bare forms, which their request names: by a key, or by the webhook's id.
    async fn named(&mut self) -> anyhow::Result<Vec<(String, &'static str)>> {
        let (door, clinic) = (Door::Gateway, "clinic-01");
        let mut named = Vec::new();
        for what in ["named by a key", "named by a webhook"] {
            let path = by(door, what);
            let id = self.id(&path);
            let (person, slot) = (self.world.person(&path, door).await?, self.world.slot(clinic).await?);
            let form = serde_json::to_vec(&self.submission(&id, clinic, &person, &slot)?["form"])?;
            let status = if what == "named by a key" {
                let key = |request: RequestBuilder| request.header("idempotency-key", &id);
                self.world.post(&path, clinic, form, key).await?
            } else {
                self.world.post_as(&id, &path, clinic, form, |request| request).await?
            };
            ensure!(status.is_success(), "{path}: the gateway answers {status}");
            named.push((id, "completed"));
        }
        Ok(named)
    }

    /// Values that cannot be used, and that only a person could have given.
    async fn rejected(&mut self, door: Door) -> anyhow::Result<Vec<(String, &'static str)>> {
        let invalid = "rejected invalid_field";
        let at = "clinic-01";
        let said = |text: &str, word: &str| json!(format!("{text} {word}"));
        Ok(vec![
            (
                self.send(door, ("a birth date in words", at), |one, person| {
                    one["form"]["q4_birthDate"]["year"] = said("in the year of", &person.reason);
                })
                .await?,
                invalid,
            ),
            (
                self.send(door, ("a name as a sex", at), |one, person| {
                    one["form"]["q5_sexAtBirth"] = said("ask", &person.given);
                })
                .await?,
                invalid,
            ),
            (
                self.send(door, ("a phone in words", at), |one, person| {
                    one["form"]["q6_phoneNumber"]["full"] = said("ask", &person.family);
                })
                .await?,
                invalid,
            ),
            (
                self.send(door, ("no mail address", at), |one, person| {
                    one["form"]["q7_email"] = said(&person.given, &person.family);
                })
                .await?,
                invalid,
            ),
            (
                self.send(door, ("a time in words", at), |one, person| {
                    one["form"]["q16_slot"] = said("when is free", &person.family);
                })
                .await?,
                invalid,
            ),
            (
                self.send(door, ("no family name", at), |one, _| {
                    one["form"]["q3_fullName"]["last"] = "".into()
                })
                .await?,
                "rejected missing_field",
            ),
            (
                self.send(door, ("a list as a name", at), |one, person| {
                    one["form"]["q3_fullName"]["first"] = json!([{ "name": person.given }, person.phone]);
                })
                .await?,
                invalid,
            ),
        ])
    }

    /// Forms that say more than they are asked.
    async fn odd(&mut self, door: Door) -> anyhow::Result<Vec<(String, &'static str)>> {
        let more = self
            .send(door, ("fields that nobody knows", "clinic-01"), |one, person| {
                one["form"][&person.given] = json!({ &person.family: [person.phone, person.email] });
            })
            .await?;
        Ok(vec![(more, "completed")])
    }

    /// The same once more, and the same id with something else, at each door.
    async fn again(&mut self) -> anyhow::Result<()> {
        for door in [Door::Gateway, Door::Amqp] {
            let path = by(door, "sent twice, then with another name");
            let id = self.id(&path);
            let (person, other) =
                (self.world.person(&path, door).await?, self.world.person(&path, door).await?);
            let slot = self.world.slot("clinic-01").await?;
            let submission = self.submission(&id, "clinic-01", &person, &slot)?;
            self.world.send(door, &submission).await?;
            self.world.ends(&[(id.clone(), "completed")]).await?;
            self.world.send(door, &submission).await?;
            self.world.send(door, &self.submission(&id, "clinic-01", &other, &slot)?).await?;
        }
        // Behind them in the same queue: once it is judged they are.
        let last = self.send(Door::Amqp, ("behind a conflict", "clinic-01"), |_, _| {}).await?;
        self.world.ends(&[(last, "completed")]).await
    }
}
