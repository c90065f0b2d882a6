//! 271s as payers send them.

use domain::messages::{
    Eligibility,
    EligibilityStatus::{self, Active, Inactive, NotFound, Undetermined},
};
use jiff::civil::date;

use super::{ORIGINATOR, TRACE};
use crate::payer::{
    PayerFault,
    answer::judge,
    x12::response::{Asked, read},
};

pub(super) const ACTIVE: &str = include_str!("../../../../tests/x12/271-active.edi");
const INACTIVE: &str = include_str!("../../../../tests/x12/271-inactive.edi");
const DEPENDENT: &str = include_str!("../../../../tests/x12/271-dependent.edi");
const OTHER_SEPARATORS: &str = include_str!("../../../../tests/x12/271-other-separators.edi");
const REFUSED_999: &str = include_str!("../../../../tests/x12/999-refused.edi");

fn judged(text: &str) -> Result<Eligibility, PayerFault> {
    read(text.as_bytes(), Asked { trace: TRACE, originator: ORIGINATOR }).and_then(|answer| judge(&answer))
}

fn status(text: &str) -> Result<EligibilityStatus, PayerFault> {
    judged(text).map(|eligibility| eligibility.status)
}

/// A 271 with these segments between BHT and SE, in the envelope of a good one.
fn with(segments: &[&str]) -> String {
    let (start, end) = (ACTIVE.find("HL*1").unwrap(), ACTIVE.find("SE*").unwrap());
    format!("{}{}~{}", &ACTIVE[..start], segments.join("~"), &ACTIVE[end..])
}

const PAYER: [&str; 2] = ["HL*1**20*1", "NM1*PR*2*AETNA*****PI*60054"];
const PROVIDER: [&str; 2] = ["HL*2*1*21*1", "NM1*1P*2*CLINIC*****XX*1234567893"];
const MEMBER: [&str; 2] = ["HL*3*2*22*0", "NM1*IL*1*NUNEZ*ZELDA****MI*W123456789"];

#[test]
fn active_with_benefits() {
    let answer = judged(ACTIVE).unwrap();
    assert_eq!(answer.status, Active);
    assert_eq!(answer.plan.as_deref(), Some("GOLD PPO 500"));
    assert_eq!((answer.plan_begin, answer.plan_end), (Some(date(2026, 1, 1)), Some(date(2026, 12, 31))));
    assert_eq!((answer.copay_cents, answer.deductible_cents), (Some(3_050), Some(150_000)));
    assert_eq!(answer.coinsurance_percent, Some(20));
}

#[test]
fn inactive_with_its_last_day() {
    let answer = judged(INACTIVE).unwrap();
    assert_eq!((answer.status, answer.plan_end), (Inactive, Some(date(2025, 6, 30))));
}

#[test]
fn a_dependents_answer_is_not_the_subscribers() {
    assert_eq!(status(DEPENDENT), Ok(Inactive));
}

#[test]
fn separators_come_from_the_isa() {
    let answer = judged(OTHER_SEPARATORS).unwrap();
    assert_eq!((answer.status, answer.copay_cents), (Active, Some(2_500)));
    assert_eq!(answer.plan.as_deref(), Some("PLAN*WITH~MARKS"));
    // Line ends, blanks or a mark of byte order around it do not matter.
    assert_eq!(status(&format!("\u{feff}\r\n{}", ACTIVE.replace("~\n", "~\r\n"))), Ok(Active));
    assert_eq!(status(&ACTIVE.replace("~\n", "~")), Ok(Active));
}

#[test]
fn rejections_at_every_level() {
    let payer = |aaa: &str| status(&with(&[&PAYER[..], &[aaa]].concat()));
    assert_eq!(payer("AAA*Y**42*R"), Err(PayerFault::NotNow));
    assert_eq!(payer("AAA*Y**80*R"), Err(PayerFault::NotNow));
    assert_eq!(payer("AAA*N**79*C"), Err(PayerFault::Refused));
    assert_eq!(payer("AAA*N**79*P"), Err(PayerFault::NotNow));
    assert!(matches!(payer("AAA*Y**04*N"), Err(PayerFault::Throttled { .. })));
    // 2000A: before the payer's name.
    assert_eq!(status(&with(&[PAYER[0], "AAA*Y**42*P"])), Err(PayerFault::NotNow));
    let both = with(&[PAYER[0], "AAA*N**79*C", PAYER[1], "AAA*Y**42*R"]);
    assert_eq!(status(&both), Err(PayerFault::NotNow));

    let provider = |aaa: &str| status(&with(&[&PAYER[..], &PROVIDER, &[aaa]].concat()));
    assert_eq!(provider("AAA*N**51*C"), Err(PayerFault::Refused));
    assert_eq!(provider("AAA*N**43*C"), Err(PayerFault::Refused));
    assert_eq!(provider("AAA*Y**42*R"), Err(PayerFault::NotNow));

    let member = |aaa: &str| status(&with(&[&PAYER[..], &PROVIDER, &MEMBER, &[aaa]].concat()));
    for (aaa, expected) in [
        ("AAA*N**75*C", NotFound),
        ("AAA*N**72*C", NotFound),
        ("AAA*N**67*C", NotFound),
        ("AAA*N**73*C", Undetermined),
        ("AAA*N**71*C", Undetermined),
        ("AAA*N**65*C", Undetermined),
        ("AAA*N**15*C", Undetermined),
        ("AAA*N**43*C", Undetermined),
    ] {
        assert_eq!(member(aaa), Ok(expected), "{aaa}");
    }
    assert_eq!(member("AAA*Y**42*R"), Err(PayerFault::NotNow));

    let dependent =
        [&PAYER[..], &PROVIDER, &MEMBER, &["HL*4*3*23*0", "NM1*03*1*NUNEZ*ZOE", "AAA*N**67*C"]].concat();
    assert_eq!(status(&with(&dependent)), Ok(NotFound));
}

#[test]
fn what_an_eb_says() {
    let eb = |segments: &[&str]| status(&with(&[&PAYER[..], &PROVIDER, &MEMBER, segments].concat()));
    for (segment, expected) in [
        ("EB*1**30", Active),
        ("EB*5**30", Active),
        ("EB*1**1^30^98", Active),
        ("EB*1", Active),
        ("EB*6**30", Inactive),
        ("EB*7**30", Inactive),
        ("EB*8**30", Inactive),
        ("EB*I**30", Inactive),
        ("EB*V**30", Undetermined),
        ("EB*U**30", Undetermined),
        ("EB*W**30", Undetermined),
        ("EB*1**35", Undetermined),
    ] {
        assert_eq!(eb(&[segment]), Ok(expected), "{segment}");
    }
    // A rejected benefit beside an answered one does not take the answer away.
    assert_eq!(eb(&["EB*1**30", "EB*V**98", "AAA*N**33*N"]), Ok(Active));
    assert_eq!(eb(&[]), Err(PayerFault::Unreadable));
}

#[test]
fn an_answer_to_another_question_is_not_ours() {
    assert_eq!(status(&ACTIVE.replace(TRACE, "OTHER")), Err(PayerFault::Unreadable));
    // Somebody else's trace on the way says nothing.
    assert_eq!(status(&ACTIVE.replace(ORIGINATOR, "9999999999")), Ok(Active));
}

#[test]
fn refusals_of_the_interchange() {
    assert_eq!(status(REFUSED_999), Err(PayerFault::Refused));
    let ta1 = |code: &str| {
        let isa = &ACTIVE[..ACTIVE.find("GS*").unwrap()];
        format!("{isa}TA1*000000905*261122*1015*{code}*006~IEA*0*000000905~")
    };
    assert_eq!(status(&ta1("R")), Err(PayerFault::Refused));
    assert_eq!(status(&ta1("A")), Err(PayerFault::Unreadable));
}

#[test]
fn what_is_no_interchange() {
    let no_end = ACTIVE[..ACTIVE.find("SE*").unwrap()].to_owned();
    for text in ["", "ISA", "{}", "<html/>", &ACTIVE[1..], &format!("x{ACTIVE}"), &no_end] {
        assert_eq!(status(text), Err(PayerFault::Unreadable));
    }
}
