//! Looking at a field of a dead letter: who, what for, and for how long.

use domain::{ids::LetterId, template::Field};
use jiff::SignedDuration;
use ledger::{
    Store,
    acts::{ActFilter, Actor, What},
    letters::{Allowed, Look, Part},
};

use crate::{
    letters::{keep, letter},
    support::Fixture,
};

fn actor(name: &str) -> Actor {
    Actor { name: name.to_owned(), role: "operator".to_owned() }
}

async fn noted(store: &Store) -> Vec<(String, String, String)> {
    let filter = ActFilter { what: Some(What::Revealed), ..ActFilter::default() };
    let acts = store.acts(&filter, None, 100).await.unwrap();
    acts.into_iter().rev().map(|act| (act.actor.name, act.reason, act.scope)).collect()
}

#[tokio::test]
async fn a_purpose_holds_for_five_minutes_for_one_person_one_letter_and_one_field() {
    let fixture = Fixture::new().await;
    let store = fixture.store().await;
    let letters = [letter(None, "08:30", None), letter(None, "08:40", None)];
    keep(&store, &letters).await;
    let ids: [LetterId; 2] = letters.each_ref().map(|letter| letter.id);
    let look = Look { letter: ids[0], part: Part::Original, field: Field::PatientEmail };
    let may = async |look: Look, name: &str, purpose: Option<&str>| {
        store.allow_look(look, &actor(name), purpose).await.unwrap()
    };
    assert_eq!(may(look, "ann", None).await, Allowed::NeedsPurpose);
    assert_eq!(noted(&store).await, [], "nobody has looked");
    let Allowed::Until(until) = may(look, "ann", Some("to call the patient")).await else {
        panic!("refused")
    };
    let act = store.acts(&ActFilter::default(), None, 1).await.unwrap().remove(0);
    assert_eq!((act.until, until.duration_since(act.at)), (Some(until), SignedDuration::from_mins(5)));

    fixture.clock.forward(299);
    // Again, with whatever purpose: nothing more is noted, and the time does not grow.
    assert_eq!(may(look, "ann", None).await, Allowed::Until(until));
    assert_eq!(
        fixture.store().await.allow_look(look, &actor("ann"), Some("x")).await,
        Ok(Allowed::Until(until))
    );
    let others = [
        (look, "bob"),
        (Look { letter: ids[1], ..look }, "ann"),
        (Look { field: Field::PatientPhone, ..look }, "ann"),
        (Look { part: Part::Edit, ..look }, "ann"),
    ];
    for (look, name) in others {
        assert_eq!(may(look, name, None).await, Allowed::NeedsPurpose, "{look:?} by {name}");
    }
    fixture.clock.forward(1);
    assert_eq!(may(look, "ann", None).await, Allowed::NeedsPurpose, "the time is over");
    assert!(
        matches!(may(look, "ann", Some("the patient calls back")).await, Allowed::Until(later) if later > until)
    );
    may(Look { part: Part::Edit, ..look }, "bob", Some("to approve")).await;
    let scope = format!("patient.email of letter:{}", ids[0]);
    let edit = format!("patient.email of the edit of letter:{}", ids[0]);
    let told = |name: &str, reason: &str, scope: &str| (name.to_owned(), reason.to_owned(), scope.to_owned());
    assert_eq!(
        noted(&store).await,
        [
            told("ann", "to call the patient", &scope),
            told("ann", "the patient calls back", &scope),
            told("bob", "to approve", &edit)
        ]
    );
}
