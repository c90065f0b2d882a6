use jiff::Timestamp;
use proptest::prelude::*;

use super::respond_with;
use crate::sandbox::payer::Answer;

/// A 270 about one member, with these separators.
pub(crate) fn question(element: char, component: char, segment: char, member: &str) -> String {
    let lines = [
        format!(
            "ISA*00*          *00*          *ZZ*{:<15}*ZZ*{:<15}*270107*0900*^*00501*000000042*0*T*:",
            "FRONTDESK", "HUB"
        ),
        "GS*HS*FRONTDESK*HUB*20270107*0900*42*X*005010X279A1".to_owned(),
        "ST*270*0001*005010X279A1".to_owned(),
        "BHT*0022*13*ref-1*20270107*0900".to_owned(),
        "HL*1**20*1".to_owned(),
        "NM1*PR*2*AETNA*****PI*60054".to_owned(),
        "HL*2*1*21*1".to_owned(),
        "NM1*1P*2*EXAMPLE CLINIC*****XX*1234567893".to_owned(),
        "HL*3*2*22*0".to_owned(),
        "TRN*1*trace-1*9000000000".to_owned(),
        format!("NM1*IL*1*EXAMPLE*ANN****MI*{member}"),
        "DMG*D8*19800102*F".to_owned(),
        "DTP*291*D8*20270219".to_owned(),
        "EQ*30^98".to_owned(),
        "SE*13*0001".to_owned(),
        "GE*1*42".to_owned(),
        "IEA*1*000000042".to_owned(),
    ];
    let text = lines.map(|line| line.replace('*', &element.to_string()).replace(':', &component.to_string()));
    text.join(&format!("{segment}\n")) + &segment.to_string()
}

fn standard(member: &str) -> String {
    question('*', ':', '~', member)
}

fn ask(member: &str, payers: &[&str]) -> Answer {
    assert_eq!(payers, ["AETNA", "60054"]);
    match member {
        "A1" => Answer::Active,
        "I1" => Answer::Inactive,
        "D1" => Answer::Down,
        _ => Answer::NotFound,
    }
}

fn respond(text: &str, aaa: Option<&str>) -> Vec<Vec<String>> {
    let now = Timestamp::from_second(1_800_000_000).expect("a time");
    let answer = respond_with(text.as_bytes(), now, aaa, &ask).expect("an answer");
    let separator = answer.chars().nth(3).expect("ISA");
    let terminator = answer.chars().nth(105).expect("ISA");
    let segments = answer.split(terminator).filter(|segment| !segment.is_empty());
    segments.map(|segment| segment.split(separator).map(str::to_owned).collect()).collect()
}

fn find<'a>(answer: &'a [Vec<String>], id: &str) -> Vec<&'a [String]> {
    answer.iter().filter(|segment| segment[0] == id).map(Vec::as_slice).collect()
}

#[test]
fn an_active_member_gets_a_whole_271() {
    let answer = respond(&standard("A1"), None);
    let ids: Vec<&str> = answer.iter().map(|segment| segment[0].as_str()).collect();
    let expected = "ISA GS ST BHT HL NM1 HL NM1 HL TRN NM1 DMG DTP EB EB EB EB EB EB SE GE IEA";
    assert_eq!(ids.join(" "), expected);
    let isa = &answer[0];
    assert_eq!((isa[6].trim(), isa[8].trim(), isa[13].as_str()), ("HUB", "FRONTDESK", "000000042"));
    assert_eq!(answer[1][1..4], ["HB", "HUB", "FRONTDESK"]);
    assert_eq!(find(&answer, "TRN")[0], ["TRN", "2", "trace-1", "9000000000"]);
    assert_eq!(find(&answer, "BHT")[0][3], "ref-1");
    let benefits = find(&answer, "EB");
    assert_eq!(benefits[0][1..4], ["1", "IND", "30"]);
    assert_eq!(benefits[1][1..4], ["1", "IND", "98"]);
    assert!(benefits.iter().any(|benefit| benefit[1] == "B" && benefit[7] == "25"));
    let counted = ids.iter().position(|id| *id == "SE").zip(ids.iter().position(|id| *id == "ST"));
    let (se, st) = counted.expect("both");
    assert_eq!(find(&answer, "SE")[0][1], (se - st + 1).to_string());
    assert_eq!(find(&answer, "GE")[0][2], answer[1][6]);
    assert_eq!(find(&answer, "IEA")[0][2], answer[0][13]);
}

#[test]
fn other_standings_get_other_codes() {
    let inactive = respond(&standard("I1"), None);
    assert_eq!(find(&inactive, "EB").iter().map(|eb| eb[1].as_str()).collect::<Vec<_>>(), ["6", "6"]);
    assert_eq!(find(&inactive, "DTP").len(), 2);
    let unknown = respond(&standard("Z9"), None);
    assert_eq!(find(&unknown, "AAA"), [["AAA", "N", "", "75", "C"]]);
    assert!(find(&unknown, "EB").is_empty());
    let down = respond(&standard("D1"), None);
    assert_eq!(find(&down, "AAA"), [["AAA", "Y", "", "42", "R"]]);
    assert_eq!(find(&down, "HL").len(), 1);
    assert_eq!(find(&respond(&standard("A1"), Some("72")), "AAA"), [["AAA", "N", "", "72", "C"]]);
    assert_eq!(find(&respond(&standard("A1"), Some("80")), "HL").len(), 1);
}

#[test]
fn separators_are_taken_from_isa() {
    for (element, component, segment) in [('|', '>', '\n'), ('+', ':', '\''), ('\u{1D}', '\u{1F}', '\u{1C}')]
    {
        let text = question(element, component, segment, "A1").replace("\n\n", "\n");
        let answer = respond(&text, None);
        assert_eq!(find(&answer, "EB")[0][1], "1", "{element}");
        assert_eq!(find(&answer, "ISA")[0][16], component.to_string());
    }
}

#[test]
fn a_dependent_is_answered_in_a_loop_of_its_own() {
    let text = standard("A1")
        .replace("HL*3*2*22*0~\nTRN*1*trace-1*9000000000~\n", "HL*3*2*22*1~\n")
        .replace(
            "DMG*D8*19800102*F~\n",
            "HL*4*3*23*0~\nTRN*1*trace-2*9000000000~\nNM1*03*1*EXAMPLE*KID~\nDMG*D8*20180102*M~\n",
        )
        .replace("SE*13*", "SE*15*");
    let answer = respond(&text, None);
    assert_eq!(find(&answer, "HL")[3][1..4], ["4", "3", "23"]);
    assert_eq!(find(&answer, "TRN").len(), 1);
    assert!(!find(&answer, "EB").is_empty());
}

#[test]
fn what_is_wrong_is_acknowledged_not_answered() {
    for (from, to, expected) in [
        ("IEA*1*000000042", "IEA*1*000000043", "TA1 001"),
        ("GE*1*42", "GE*1*43", "TA1 024"),
        ("*00501*", "*00401*", "TA1 017"),
        ("IEA*1*", "IEA*2*", "TA1 021"),
        ("SE*13*", "SE*12*", "IK3 SE"),
        ("BHT*0022", "BHT*0019", "IK3 BHT"),
        ("EQ*30^98~\n", "", "IK3 SE"),
        ("HL*2*1*21*1", "HL*3*1*21*1", "IK3 HL"),
        ("HL*3*2*22*0", "HL*3*2*23*0", "IK3 HL"),
        ("NM1*IL*1", "NM1*QC*1", "IK3 NM1"),
        ("TRN*1*trace-1*9000000000", "TRN*1*trace-1*90", "IK3 TRN"),
        ("DMG*D8*19800102", "DMG*D8*1980", "IK3 DMG"),
    ] {
        let text = standard("A1");
        assert!(text.contains(from), "{from}");
        let answer = respond(&text.replace(from, to), None);
        let (id, value) = expected.split_once(' ').expect("two words");
        let found = find(&answer, id);
        let place = if id == "TA1" { 5 } else { 1 };
        assert_eq!(found.first().map(|segment| segment[place].as_str()), Some(value), "{from}");
        assert!(find(&answer, "EB").is_empty());
    }
    let now = Timestamp::UNIX_EPOCH;
    for nothing in ["", "ISA", "hello", "ISA*00*too short~"] {
        assert_eq!(respond_with(nothing.as_bytes(), now, None, &|_, _| Answer::Active), None, "{nothing}");
    }
}

#[test]
fn separators_in_values_cannot_break_the_answer() {
    // The payer's identifier is repeated as it stood; what the sandbox writes itself is cleaned.
    let text = standard("A1").replace("ref-1", "ref:1");
    assert_eq!(find(&respond(&text, None), "BHT")[0][3], "ref 1");
}

proptest! {
    #[test]
    fn never_panics_on_anything(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = respond_with(&bytes, Timestamp::UNIX_EPOCH, None, &|_, _| Answer::Active);
    }

    #[test]
    fn never_panics_on_a_damaged_270(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
    ) {
        let mut bytes = standard("A1").into_bytes();
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = respond_with(&bytes, Timestamp::UNIX_EPOCH, None, &|_, _| Answer::Active);
    }

    #[test]
    fn never_panics_on_shuffled_segments(order in Just((0..17_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let text = standard("A1");
        let segments: Vec<&str> = text.split("~").collect();
        let shuffled: Vec<&str> = std::iter::once(segments[0])
            .chain(order.iter().filter(|place| **place > 0).map(|place| segments[*place]))
            .collect();
        let _ = respond_with(shuffled.join("~").as_bytes(), Timestamp::UNIX_EPOCH, None, &|_, _| Answer::Active);
    }
}
