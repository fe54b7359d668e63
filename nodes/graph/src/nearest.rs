//! "Did you mean": the known names that are nearest to what was written.

/// More names than this are not searched: a message must not take time that grows with a hostile file.
const MOST_NAMES: usize = 2000;
/// Longer names are not compared.
const LONGEST: usize = 64;

/// Up to three of `names` that are near to `written`, nearest first, none much further than the nearest. Letter case
/// does not count.
pub fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = folded(written);
    let most = (wanted.len() / 3).max(2);
    let mut found: Vec<(usize, &str)> = names
        .into_iter()
        .take(MOST_NAMES)
        .filter_map(|name| {
            let known = folded(name);
            let within =
                known.len().abs_diff(wanted.len()) <= most && known.len().max(wanted.len()) <= LONGEST;
            let distance = if within { edit_distance(&wanted, &known) } else { usize::MAX };
            let distance = if is_abbreviation(&wanted, &known) { distance.min(most) } else { distance };
            (distance <= most && distance < known.len()).then_some((distance, name))
        })
        .collect();
    found.sort();
    let furthest = found.first().map_or(0, |(distance, _)| distance + 1);
    found.retain(|(distance, _)| *distance <= furthest);
    found.truncate(3);
    found.into_iter().map(|(_, name)| name).collect()
}

/// Whether a text is made of letters of `whole` in their order, the first one first and half of them at least:
/// `params` for `parameters`.
fn is_abbreviation(text: &[char], whole: &[char]) -> bool {
    const SHORTEST: usize = 3;
    if text.len() < SHORTEST || 2 * text.len() < whole.len() || text.first() != whole.first() {
        return false;
    }
    let mut rest = whole.iter();
    text.iter().all(|letter| rest.any(|other| other == letter))
}

fn folded(text: &str) -> Vec<char> {
    text.chars().flat_map(char::to_lowercase).take(LONGEST + 1).collect()
}

/// Least number of inserted, removed, replaced and swapped neighbouring characters between two texts (optimal string
/// alignment distance).
fn edit_distance(from: &[char], to: &[char]) -> usize {
    let mut before: Vec<usize> = vec![0; to.len() + 1];
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for row in 1..=from.len() {
        let mut current = vec![row; to.len() + 1];
        for column in 1..=to.len() {
            let replaced = above[column - 1] + usize::from(from[row - 1] != to[column - 1]);
            let best = replaced.min(above[column] + 1).min(current[column - 1] + 1);
            let swapped =
                row > 1 && column > 1 && from[row - 1] == to[column - 2] && from[row - 2] == to[column - 1];
            current[column] = if swapped { best.min(before[column - 2] + 1) } else { best };
        }
        before = std::mem::replace(&mut above, current);
    }
    above[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_name() {
        let names = ["audio.load", "audio.trim", "emotion.label", "face.render"];
        assert_eq!(nearest("audio.laod", names), ["audio.load"]);
        assert_eq!(nearest("Audio.Trim", names), ["audio.trim"]);
        assert_eq!(nearest("emotionlabel", names), ["emotion.label"]);
        assert!(nearest("something.else", names).is_empty());
    }

    #[test]
    fn the_nearest_comes_first_and_short_names_are_not_anything() {
        assert_eq!(nearest("gains", ["grain", "gain"]), ["gain", "grain"]);
        assert!(nearest("x", ["a", "b"]).is_empty());
    }

    #[test]
    fn an_abbreviation_finds_its_name() {
        let names = ["bypassed", "parameters", "pinned", "title", "type", "version"];
        assert_eq!(nearest("params", names), ["parameters"]);
        assert_eq!(nearest("param", names), ["parameters"]);
        assert!(nearest("par", names).is_empty(), "too short to tell");
    }

    #[test]
    fn distances() {
        let distance = |from: &str, to: &str| edit_distance(&folded(from), &folded(to));
        assert_eq!(distance("", ""), 0);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("ab", "ba"), 1);
    }
}
