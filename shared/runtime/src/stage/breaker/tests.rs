use std::{sync::Arc, time::Duration};

use domain::{Endpoint, breaker::BreakerState};
use jiff::{SignedDuration, Timestamp};

use super::Breakers;
use crate::telemetry::Metrics;

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

fn fixture() -> (Arc<Breakers>, Endpoint) {
    (Arc::new(Breakers::new(Arc::default())), Endpoint::ehr("main"))
}

fn open(breakers: &Arc<Breakers>, endpoint: &Endpoint) {
    (0..10).for_each(|_| breakers.failure(endpoint, at(0)));
}

#[test]
fn one_that_nothing_calls_is_not_told_as_open_for_ever() {
    let metrics: Arc<Metrics> = Arc::default();
    let (breakers, endpoint) = (Arc::new(Breakers::new(metrics.clone())), Endpoint::ehr("main"));
    let told = |name: &str| {
        let text = metrics.render();
        let line = text.lines().find(|line| line.starts_with(name));
        line.map(|line| line.rsplit(' ').next().unwrap().to_owned())
    };
    assert!(breakers.admit(&endpoint, at(0)).is_ok());
    assert_eq!(told("frontdesk_breaker_opened_total{").as_deref(), Some("0"), "told before it opens");
    open(&breakers, &endpoint);
    breakers.tell(at(4));
    assert_eq!(told("frontdesk_breaker_state{").as_deref(), Some("2"));
    breakers.tell(at(5));
    assert_eq!(told("frontdesk_breaker_state{").as_deref(), Some("1"), "the next call may pass");
}

#[test]
fn scattered_failures_do_not_open() {
    let (breakers, endpoint) = fixture();
    for n in 0..1000 {
        if n % 2 == 0 {
            breakers.success(&endpoint, at(n));
        } else {
            breakers.failure(&endpoint, at(n));
        }
        assert!(breakers.admit(&endpoint, at(n)).is_ok());
    }
}

#[test]
fn ten_in_a_row_open_for_five_seconds() {
    let (breakers, endpoint) = fixture();
    (0..9).for_each(|_| breakers.failure(&endpoint, at(0)));
    assert!(breakers.admit(&endpoint, at(0)).is_ok());
    breakers.failure(&endpoint, at(0));
    assert_eq!(breakers.admit(&endpoint, at(2)).err(), Some(Duration::from_secs(3)));
    assert!(breakers.admit(&Endpoint::ehr("other"), at(2)).is_ok());
}

#[test]
fn mostly_failures_open() {
    let (breakers, endpoint) = fixture();
    for n in 0..50 {
        if n % 6 == 5 {
            breakers.success(&endpoint, at(0));
        } else {
            breakers.failure(&endpoint, at(0));
        }
    }
    assert!(breakers.admit(&endpoint, at(1)).is_err());
}

#[test]
fn probes_and_ramps_up() {
    let (breakers, endpoint) = fixture();
    open(&breakers, &endpoint);
    let probe = breakers.admit(&endpoint, at(5)).ok().unwrap();
    assert!(breakers.admit(&endpoint, at(5)).is_err(), "one probe at a time");
    breakers.success(&endpoint, at(6));
    drop(probe);
    let two = [breakers.admit(&endpoint, at(6)), breakers.admit(&endpoint, at(6))];
    assert!(two.iter().all(Result::is_ok));
    assert!(breakers.admit(&endpoint, at(6)).is_err());
    (0..3).for_each(|_| breakers.success(&endpoint, at(7)));
    let many: Vec<_> = (0..100).map(|_| breakers.admit(&endpoint, at(7))).collect();
    assert!(many.iter().all(Result::is_ok), "closed again");
}

#[test]
fn a_failed_probe_opens_for_longer_and_a_lost_one_does_not_block() {
    let (breakers, endpoint) = fixture();
    open(&breakers, &endpoint);
    let probe = breakers.admit(&endpoint, at(5)).ok().unwrap();
    breakers.failure(&endpoint, at(5));
    drop(probe);
    assert_eq!(breakers.admit(&endpoint, at(5)).err(), Some(Duration::from_secs(10)));
    let _lost = breakers.admit(&endpoint, at(15)).ok().unwrap();
    assert!(breakers.admit(&endpoint, at(16)).is_err());
    assert!(breakers.admit(&endpoint, at(16 + 61)).is_ok());
}

#[test]
fn what_failed_from_the_first_failure_until_it_is_closed_again_failed_in_an_outage() {
    let (breakers, endpoint) = fixture();
    breakers.failure(&endpoint, at(0));
    breakers.success(&endpoint, at(1));
    (2..12).for_each(|second| breakers.failure(&endpoint, at(second)));
    for (second, down) in [(0, false), (2, true), (11, true), (500, true)] {
        assert_eq!(breakers.was_down(&endpoint, at(second)), down, "{second}");
    }
    assert!(breakers.silent_since(&endpoint, at(5)) && !breakers.silent_since(&endpoint, at(0)));
    for second in 20..24 {
        assert!(breakers.was_down(&endpoint, at(1000)), "not before it is trusted");
        let _pass = breakers.admit(&endpoint, at(second)).ok().unwrap();
        breakers.success(&endpoint, at(second));
    }
    assert!(breakers.was_down(&endpoint, at(23)) && !breakers.was_down(&endpoint, at(24)));
    assert!(!breakers.was_down(&Endpoint::ehr("other"), at(5)));
}

#[test]
fn tells_how_it_stands_and_whom_it_stops() {
    let (breakers, endpoint) = fixture();
    let lane: domain::LaneName = "north".parse().unwrap();
    breakers.failure(&endpoint, at(0));
    breakers.stops(&endpoint, &lane);
    assert!(breakers.standing(at(0)).is_empty(), "a closed one stops nobody");
    (1..10).for_each(|second| breakers.failure(&endpoint, at(second)));
    breakers.stops(&endpoint, &lane);
    let open = breakers.standing(at(10)).remove(0);
    assert_eq!((open.state, open.since, open.probe_at), (BreakerState::Open, at(0), Some(at(14))));
    assert_eq!(open.lanes, [lane].into());
    drop(breakers.admit(&endpoint, at(14)));
    let recovering = breakers.standing(at(14)).remove(0);
    assert_eq!(
        (recovering.state, recovering.since, recovering.probe_at),
        (BreakerState::Recovering, at(0), None)
    );
    (15..19).for_each(|second| breakers.success(&endpoint, at(second)));
    assert!(breakers.standing(at(20)).is_empty());
}
