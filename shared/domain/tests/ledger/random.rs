//! Long random histories in larger worlds.
//!
//! `FRONTDESK_MODEL_SEED` repeats a run, `FRONTDESK_MODEL_STEPS` makes it longer.

use std::hash::{BuildHasher, Hasher, RandomState};

use domain::effect::{Class, Protections};

use crate::{
    act::Act,
    laws::Broken,
    setup::{Setup, Ticks},
    world::World,
};

const TICKS: Ticks = Ticks { lease: 4, lateness: 3, lag: 3 };
/// Steps of one run, unless it is told otherwise.
const STEPS: u64 = 1_000_000;
/// After so many steps nothing goes wrong any more in a history, and after so many more it has to have ended.
const TROUBLE: usize = 300;
const PATIENCE: usize = 20_000;

/// SplitMix64.
struct Luck(u64);

impl Luck {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }
}

/// Three workers, four submissions of two persons, each with an appointment.
fn crowd(class: Class, protections: Protections) -> Setup {
    Setup::new(class, TICKS, 3, &[0, 1, 0, 0], true, protections)
}

/// One history from its beginning to its end. `acts`: what happened.
fn history(setup: &Setup, luck: &mut Luck, acts: &mut Vec<Act>) -> Result<(), Broken> {
    acts.clear();
    let mut world = World::new(setup, 4 + u8::try_from(luck.below(12)).unwrap());
    // An EHR that is in no hurry.
    let late = luck.below(2) == 0;
    let (mut right, mut wrong) = (Vec::new(), Vec::new());
    while !world.quiet() {
        if acts.len() == TROUBLE {
            world.faults = 0;
        }
        if acts.len() == TROUBLE + PATIENCE {
            return Err(Broken::Stuck);
        }
        world.acts(&mut right, &mut wrong);
        let goes_wrong = right.is_empty() || (!wrong.is_empty() && luck.below(6) == 0);
        let choice = if goes_wrong { &wrong } else { &right };
        if choice.is_empty() {
            return Err(Broken::Stuck);
        }
        let mut act = choice[luck.below(choice.len())];
        if late && matches!(act, Act::Stray { .. } | Act::Show { .. }) {
            act = choice[luck.below(choice.len())];
        }
        acts.push(act);
        world.act(setup, act)?;
    }
    Ok(())
}

/// What is wrong, in which history, and how it came about.
struct Found {
    broken: Broken,
    history: u64,
    class: Class,
    acts: Vec<Act>,
}

/// Histories against all three classes of EHR, until so many steps are done. Says how many histories there were.
fn run(seed: u64, steps: u64, protections: Protections) -> Result<u64, Found> {
    let setups = [Class::A, Class::B, Class::C].map(|class| crowd(class, protections));
    let (mut done, mut number, mut acts) = (0, 0, Vec::new());
    while done < steps {
        for setup in &setups {
            let mut luck = Luck(seed ^ number << 32);
            if let Err(broken) = history(setup, &mut luck, &mut acts) {
                return Err(Found { broken, history: number, class: setup.class, acts });
            }
            done += u64::try_from(acts.len()).unwrap();
            number += 1;
        }
    }
    Ok(number)
}

#[allow(clippy::disallowed_methods, reason = "a test may read its own settings")]
fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

fn seed() -> u64 {
    setting("FRONTDESK_MODEL_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish())
}

#[test]
fn a_million_random_steps_break_nothing() {
    let (seed, steps) = (seed(), setting("FRONTDESK_MODEL_STEPS").unwrap_or(STEPS));
    println!("FRONTDESK_MODEL_SEED={seed} FRONTDESK_MODEL_STEPS={steps}");
    match run(seed, steps, Protections::ALL) {
        Ok(histories) => println!("at least {steps} steps in {histories} histories"),
        Err(Found { broken, history, class, acts }) => panic!(
            "{broken}, in history {history} with an EHR of class {class:?}; \
            repeat with FRONTDESK_MODEL_SEED={seed} FRONTDESK_MODEL_STEPS={steps}; by {acts:#?}"
        ),
    }
}

#[cfg(debug_assertions)]
#[test]
fn without_a_protection_random_steps_find_what_breaks() {
    use domain::drill::Protection;

    let seed = seed();
    println!("FRONTDESK_MODEL_SEED={seed}");
    for protection in [Protection::SearchBeforeRewrite, Protection::PatientSlot, Protection::Fencing] {
        match run(seed, STEPS, Protections::ALL.without(protection)) {
            Err(Found { broken, history, class, acts }) => println!(
                "without {protection}: {broken}, in history {history}, class {class:?}, after {} steps",
                acts.len()
            ),
            Ok(_) => panic!("without {protection} nothing breaks, with FRONTDESK_MODEL_SEED={seed}"),
        }
    }
}
