//! Which time zone a clinic has if nothing but its state is known: the one in which most of the state's people live.

/// The IANA time zone of a state or territory (USPS code).
pub(super) fn of_state(state: &str) -> Option<&'static str> {
    Some(match state {
        "CT" | "DC" | "DE" | "FL" | "GA" | "MA" | "MD" | "ME" | "NC" | "NH" | "NJ" | "NY" | "OH" | "PA"
        | "RI" | "SC" | "VA" | "VT" | "WV" => "America/New_York",
        "MI" => "America/Detroit",
        "IN" => "America/Indiana/Indianapolis",
        "KY" => "America/Kentucky/Louisville",
        "AL" | "AR" | "IA" | "IL" | "KS" | "LA" | "MN" | "MO" | "MS" | "ND" | "NE" | "OK" | "SD" | "TN"
        | "TX" | "WI" => "America/Chicago",
        "CO" | "MT" | "NM" | "UT" | "WY" => "America/Denver",
        "ID" => "America/Boise",
        "AZ" => "America/Phoenix",
        "CA" | "NV" | "OR" | "WA" => "America/Los_Angeles",
        "AK" => "America/Anchorage",
        "HI" => "Pacific/Honolulu",
        "PR" => "America/Puerto_Rico",
        "VI" => "America/St_Thomas",
        "GU" => "Pacific/Guam",
        "MP" => "Pacific/Saipan",
        "AS" => "Pacific/Pago_Pago",
        "PW" => "Pacific/Palau",
        "FM" => "Pacific/Pohnpei",
        "MH" => "Pacific/Majuro",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::of_state;

    #[test]
    fn every_zone_exists() {
        let letters = || b'A'..=b'Z';
        let mut known = 0;
        for state in
            letters().flat_map(|a| letters().map(move |b| String::from_utf8_lossy(&[a, b]).into_owned()))
        {
            if let Some(zone) = of_state(&state) {
                assert!(jiff::tz::TimeZone::get(zone).is_ok(), "{zone}");
                known += 1;
            }
        }
        assert_eq!(known, 50 + 1 + 8, "states, DC and territories");
    }
}
