//! Breakers that processes tell of, and messages that they die of.

use domain::{
    Endpoint, MessageId, Stage,
    breaker::{BreakerNote, BreakerReport, BreakerState},
    clock::{Clock, SystemClock},
    ids::{ProcessId, SuspectId},
    ports::StageLog,
    suspect::{Alone, SILENCE, Suspect},
};
use jiff::SignedDuration;
use ledger::Store;

use crate::support::{Fixture, fresh_message};

fn process() -> ProcessId {
    ProcessId::from_uuid(SystemClock.fresh_id())
}

#[tokio::test]
async fn breakers_are_shown_as_last_told_and_forgotten_with_their_process() {
    let fixture = Fixture::new().await;
    let (one, other) = (fixture.store().await, fixture.store().await);
    let (first, second) = (process(), process());
    let note = |name: &str, state| BreakerNote {
        endpoint: Endpoint::ehr(name),
        state,
        since: fixture.clock.now(),
        probe_at: Some(fixture.clock.now() + SignedDuration::from_secs(5)),
        lanes: ["north".parse().unwrap(), "south".parse().unwrap()].into(),
    };
    let tell = async |store: &Store, process, breakers: Vec<BreakerNote>| {
        let report = BreakerReport { process, stage: Stage::EhrWriter, at: fixture.clock.now(), breakers };
        StageLog::breakers(store, report).await.unwrap();
    };
    let shown = async || {
        let all = one.breakers().await.unwrap();
        all.iter().map(|told| (told.endpoint.to_string(), told.state, told.process)).collect::<Vec<_>>()
    };
    tell(&one, first, vec![note("a", BreakerState::Open), note("b", BreakerState::Open)]).await;
    tell(&other, second, vec![note("a", BreakerState::Recovering)]).await;
    let told = one.breakers().await.unwrap();
    assert_eq!((told.len(), told[0].lanes.len(), told[0].stage), (3, 2, Stage::EhrWriter));
    assert_eq!((told[0].told_at, told[0].probe_at.is_some()), (fixture.clock.now(), true));

    tell(&one, first, vec![BreakerNote { lanes: [].into(), ..note("b", BreakerState::Recovering) }]).await;
    let (a, b) = ("ehr:a".to_owned(), "ehr:b".to_owned());
    let expected = [(a, BreakerState::Recovering, second), (b, BreakerState::Recovering, first)];
    assert_eq!(shown().await, expected);
    assert!(one.breakers().await.unwrap()[1].lanes.is_empty());
    tell(&one, first, Vec::new()).await;
    assert_eq!(shown().await.len(), 1);
    // The other process is gone: its row is shown for a while, and then removed by whoever tells something.
    fixture.clock.forward(601);
    assert!(shown().await.is_empty());
    tell(&one, first, vec![note("a", BreakerState::Open)]).await;
    assert_eq!(fixture.count("SELECT count(*) FROM breaker").await, 1);
    fixture.clock.forward(601);
    tell(&one, first, vec![note("a", BreakerState::Open)]).await;
    assert_eq!(shown().await.len(), 1, "one's own old row is told again");
}

struct Case {
    fixture: Fixture,
    store: Store,
    id: SuspectId,
    message: MessageId,
}

impl Case {
    async fn new() -> Self {
        let fixture = Fixture::new().await;
        let (store, message) = (fixture.store().await, fresh_message());
        Self { id: SuspectId::of("validation.a", Some(message), b"x"), fixture, store, message }
    }

    async fn begin(&self, process: ProcessId) -> Alone {
        self.come_back(process, 2).await
    }

    /// It has come back so often by the broker's count.
    async fn come_back(&self, process: ProcessId, comebacks: u32) -> Alone {
        let suspect = Suspect {
            id: self.id,
            message: self.message,
            stage: Stage::Validation,
            lane: "default".parse().unwrap(),
            comebacks,
            process,
            at: self.fixture.clock.now(),
        };
        self.store.begin_alone(suspect).await.unwrap()
    }

    /// Time passes until whoever is silent is dead.
    fn silence(&self) {
        self.fixture.clock.forward(SILENCE.as_secs());
    }
}

#[tokio::test]
async fn what_two_processes_died_of_is_proven_and_the_crashes_stay_on_record() {
    let case = Case::new().await;
    assert_eq!(case.begin(process()).await, Alone::Begun);
    case.silence();
    let second = process();
    assert_eq!(case.begin(second).await, Alone::Begun, "one death may be anybody's doing");
    let last = case.fixture.clock.now();
    case.silence();
    let third = process();
    assert_eq!(case.begin(third).await, Alone::Proven { deaths: 2, last });
    assert_eq!(case.begin(third).await, Alone::Proven { deaths: 2, last }, "told again if it is asked again");
    let crash = case.store.crash(case.message).await.unwrap().unwrap();
    assert_eq!((crash.stage.as_str(), crash.deaths, crash.last_seen_at), ("validation", 2, last));
    assert_eq!(case.store.crash(fresh_message()).await.unwrap(), None);
}

#[tokio::test]
async fn what_was_isolated_and_is_replayed_is_judged_anew() {
    let case = Case::new().await;
    for _ in 0..2 {
        assert_eq!(case.begin(process()).await, Alone::Begun);
        case.silence();
    }
    let isolator = process();
    assert!(matches!(case.begin(isolator).await, Alone::Proven { deaths: 2, .. }));
    case.store.isolated(case.id, case.fixture.clock.now()).await.unwrap();
    assert_eq!(case.store.crash(case.message).await.unwrap().unwrap().deaths, 2, "it stays on record");
    // It was never acknowledged: that is no replay, for whoever gets it, then or later.
    assert!(matches!(case.come_back(isolator, 3).await, Alone::Proven { deaths: 2, .. }));
    case.silence();
    assert!(matches!(case.come_back(process(), 4).await, Alone::Proven { deaths: 2, .. }));
    assert_eq!(case.store.crash(case.message).await.unwrap().unwrap().deaths, 2, "it stays on record");
    // Who isolated it is gone by the time of the replay, and did not die of it.
    case.silence();
    assert_eq!(case.begin(process()).await, Alone::Begun);
    case.silence();
    assert_eq!(case.begin(process()).await, Alone::Begun, "one death since then");
    case.silence();
    assert!(matches!(case.begin(process()).await, Alone::Proven { deaths: 2, .. }));
}

#[tokio::test]
async fn what_comes_to_its_end_is_forgotten_and_who_lives_is_waited_for() {
    let case = Case::new().await;
    let (one, other) = (process(), process());
    let begun = case.fixture.clock.now();
    assert_eq!(case.begin(one).await, Alone::Begun);
    assert_eq!(case.begin(other).await, Alone::Elsewhere { until: begun + SILENCE });
    // It says that it lives, so it is not dead when the time is over.
    case.fixture.clock.forward(20);
    assert_eq!(case.begin(one).await, Alone::Begun);
    case.fixture.clock.forward(20);
    let Alone::Elsewhere { until } = case.begin(other).await else { panic!("the first one lives") };
    assert_eq!(until, begun + SignedDuration::from_secs(20) + SILENCE);
    // Only who handles it ends it.
    case.store.end_alone(case.id, other).await.unwrap();
    assert!(matches!(case.begin(other).await, Alone::Elsewhere { .. }));
    case.store.end_alone(case.id, one).await.unwrap();
    assert_eq!(case.begin(other).await, Alone::Begun);
    case.store.end_alone(case.id, other).await.unwrap();
    assert_eq!(case.fixture.count("SELECT count(*) FROM suspect").await, 0);
}
