//! What is different between two texts, line by line.

/// The lines that stand in one only, marked `-` (shown) and `+` (printed), among those that stand in both.
pub(super) fn diff(shown: &[String], printed: &[String], same: impl Fn(&str, &str) -> bool) -> String {
    let same: Vec<Vec<bool>> =
        shown.iter().map(|shown| printed.iter().map(|printed| same(shown, printed)).collect()).collect();
    // How many lines from here on can stay.
    let mut stay = vec![vec![0_usize; printed.len() + 1]; shown.len() + 1];
    for at in (0..shown.len()).rev() {
        for on in (0..printed.len()).rev() {
            stay[at][on] =
                if same[at][on] { stay[at + 1][on + 1] + 1 } else { stay[at + 1][on].max(stay[at][on + 1]) };
        }
    }
    let (mut at, mut on, mut text) = (0, 0, String::new());
    let mut say = |mark: char, line: &str| text += &format!("{mark} {line}\n");
    while at < shown.len() || on < printed.len() {
        if at < shown.len() && on < printed.len() && same[at][on] {
            say(' ', &shown[at]);
            (at, on) = (at + 1, on + 1);
        } else if on == printed.len() || (at < shown.len() && stay[at + 1][on] >= stay[at][on + 1]) {
            say('-', &shown[at]);
            at += 1;
        } else {
            say('+', &printed[on]);
            on += 1;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::diff;

    #[test]
    fn what_is_different_is_marked_where_it_is() {
        let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let told = diff(&lines("a b c d"), &lines("a x c d e"), |a, b| a == b);
        assert_eq!(told, "  a\n- b\n+ x\n  c\n  d\n+ e\n");
    }
}
