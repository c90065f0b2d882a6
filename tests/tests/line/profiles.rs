//! What an EHR cannot do becomes a task for a person.

use e2e::{Forms, Line};

#[tokio::test]
async fn an_ehr_that_cannot_book_makes_a_task() -> anyhow::Result<()> {
    let line = Line::up(&["--ehr-profile", "fhir-no-booking"]).await?;
    let submissions = Forms::read()?.any(5)?;
    for submission in &submissions {
        line.broker.submit(submission).await?;
    }
    for row in line.settled(&Forms::ids(&submissions)).await? {
        assert_eq!((row.state.as_str(), row.code.as_deref()), ("held", Some("ehr_cannot_book")), "{row:?}");
        assert!(row.patient.is_some() && row.appointment.is_none(), "{row:?}");
    }
    let counts = line.sandbox("counts").await?;
    assert_eq!((&counts["patients"], &counts["appointments"]), (&5.into(), &0.into()), "{counts}");
    line.broker.close().await;
    Ok(())
}
