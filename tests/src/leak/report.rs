//! What came of a proof.

use std::collections::BTreeMap;

use frontdesk::output;

use super::{search::Hit, sinks::Sink};

/// Finds of one report that are told one by one.
const TOLD: usize = 60;

/// A value where it may not be.
pub struct Found {
    /// In which kind of place.
    pub sink: Sink,
    /// Where.
    pub place: String,
    /// What, and how it was written.
    pub hit: Hit,
}

/// One proof.
pub struct Report {
    /// What everybody was made of.
    pub seed: u64,
    /// The paths that were taken.
    pub paths: Vec<String>,
    /// How many values were planted.
    pub planted: usize,
    /// How many of those published in clear the tap heard where they may be heard.
    pub heard: usize,
    /// Places and bytes that were searched.
    pub sizes: BTreeMap<Sink, (usize, u64)>,
    /// What leaked.
    pub found: Vec<Found>,
    /// How many leaks were planted.
    pub controls: usize,
    /// Where one of them was not found.
    pub blind: Vec<String>,
}

impl Report {
    /// Whether nothing leaked, and whatever was planted was found.
    pub fn kept(&self) -> bool {
        self.found.is_empty()
            && self.blind.is_empty()
            && Sink::ALL.iter().all(|sink| self.sizes.contains_key(sink))
    }

    /// For a person. No value is in it.
    pub fn text(&self) -> String {
        let mut table = output::table();
        table.set_header(["sink", "places", "bytes", "leaks", "planted leak"]);
        for sink in Sink::ALL {
            let (places, bytes) = self.sizes.get(&sink).copied().unwrap_or_default();
            let leaks = self.found.iter().filter(|found| found.sink == sink).count();
            let control = if self.blind.contains(&sink.to_string()) { "NOT FOUND" } else { "found" };
            table.add_row([
                &sink.to_string(),
                &places.to_string(),
                &bytes.to_string(),
                &leaks.to_string(),
                control,
            ]);
        }
        let mut text = format!(
            "seed {}: {} values on {} paths; {} heard in clear where they may be; {} leaks planted\n{table}\n",
            self.seed,
            self.planted,
            self.paths.len(),
            self.heard,
            self.controls,
        );
        for Found { sink, place, hit } in self.found.iter().take(TOLD) {
            let packed = if hit.packed { ", packed" } else { "" };
            text += &format!("LEAK in {sink}, {place}: {} ({}{packed})\n", hit.canary, hit.how);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Found, Report, Sink};
    use crate::leak::search::Hit;

    fn report() -> Report {
        let sizes = Sink::ALL.into_iter().map(|sink| (sink, (1, 1))).collect();
        Report {
            seed: 1,
            paths: Vec::new(),
            planted: 1,
            heard: 1,
            sizes,
            found: Vec::new(),
            controls: 1,
            blind: Vec::new(),
        }
    }

    #[test]
    fn a_leak_a_blind_sink_or_one_without_anything_breaks_the_promise() {
        assert!(report().kept());
        let hit = Hit { canary: "patient.family of happy".to_owned(), how: "hex", packed: true };
        let found = vec![Found { sink: Sink::Dump, place: "pg_dump".to_owned(), hit }];
        let leaked = Report { found, ..report() };
        assert!(!leaked.kept() && leaked.text().contains("patient.family of happy (hex, packed)"));
        let blind = Report { blind: vec![Sink::Metrics.to_string()], ..report() };
        assert!(!blind.kept() && blind.text().contains("NOT FOUND"));
        assert!(!Report { sizes: BTreeMap::new(), ..report() }.kept());
    }
}
