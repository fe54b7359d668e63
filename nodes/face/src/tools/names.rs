//! Shape names taken apart, so that other spellings of the same shape are found.

/// A side of the face in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// A name as words and a side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spelling {
    /// Lower-case words without the side.
    words: Vec<String>,
    sides: Vec<Side>,
}

/// How well a morph's name fits a channel's; the lower the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// Spelt the same.
    Same,
    /// The same but for case.
    Case,
    /// The same words and side.
    Words,
    /// The same words and side behind a prefix.
    Prefixed,
}

impl Spelling {
    /// Takes a name apart: at capitals, digits' ends and anything that is no letter or digit. What stands before the last
    /// dot names a node of the modelling program and is dropped, unless the dot only sets off a side.
    pub(super) fn of(name: &str) -> Self {
        let mut words: Vec<String> = Vec::new();
        let segments: Vec<&str> = name.split(['.', '|', ':']).filter(|segment| !segment.is_empty()).collect();
        let last_is_side = segments.last().is_some_and(|last| side_of(&last.to_lowercase()).is_some());
        let kept = if last_is_side { 2 } else { 1 };
        for segment in &segments[segments.len().saturating_sub(kept)..] {
            split_words(segment, &mut words);
        }
        let sides = words.iter().filter_map(|word| side_of(word)).collect();
        words.retain(|word| side_of(word).is_none());
        Self { words, sides }
    }

    fn stem(&self) -> String {
        self.words.concat()
    }

    /// The name in one piece, side last.
    fn joined(&self) -> String {
        let sides = self.sides.iter().map(|side| if *side == Side::Left { "left" } else { "right" });
        self.stem() + &sides.collect::<String>()
    }

    /// The words before the ones that spell `channel`, when the rest does.
    fn prefix_before(&self, channel: &Self) -> Option<&[String]> {
        if self.sides != channel.sides {
            return None;
        }
        let stem = channel.stem();
        (1..self.words.len()).find(|at| self.words[*at..].concat() == stem).map(|at| &self.words[..at])
    }
}

fn side_of(word: &str) -> Option<Side> {
    match word {
        "l" | "left" | "lft" => Some(Side::Left),
        "r" | "right" | "rgt" => Some(Side::Right),
        _ => None,
    }
}

fn split_words(text: &str, words: &mut Vec<String>) {
    let mut word = String::new();
    let mut before: Option<char> = None;
    let characters: Vec<char> = text.chars().collect();
    for (index, character) in characters.iter().copied().enumerate() {
        let next_is_lower = characters.get(index + 1).is_some_and(|next| next.is_lowercase());
        let starts = before.is_some_and(|before| {
            let after_lower = character.is_uppercase() && (before.is_lowercase() || before.is_numeric());
            let acronym_ends = character.is_uppercase() && before.is_uppercase() && next_is_lower;
            after_lower || acronym_ends
        });
        if (starts || !character.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if character.is_alphanumeric() {
            word.extend(character.to_lowercase());
        }
        before = Some(character);
    }
    if !word.is_empty() {
        words.push(word);
    }
}

/// Words that programs put before shape names.
const USUAL_PREFIXES: [&str; 24] = [
    "ar",
    "arkit",
    "blend",
    "blendshape",
    "blendshapes",
    "bs",
    "ctrl",
    "exp",
    "expr",
    "expression",
    "fac",
    "face",
    "facial",
    "geo",
    "head",
    "key",
    "mesh",
    "morph",
    "shape",
    "shapes",
    "sk",
    "target",
    "targets",
    "wolf3d",
];

/// What a rig's own names say about prefixes: words that many of them begin with.
pub(super) struct Prefixes {
    shared: Vec<String>,
}

impl Prefixes {
    /// Looks at all names of a rig.
    pub(super) fn of(names: &[Spelling]) -> Self {
        let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
        for first in names.iter().filter(|name| name.words.len() > 1).filter_map(|name| name.words.first()) {
            *counts.entry(first).or_default() += 1;
        }
        let enough = (names.len() * 2 / 3).max(4);
        let shared =
            counts.into_iter().filter(|(_, count)| *count >= enough).map(|(word, _)| word.to_owned());
        Self { shared: shared.collect() }
    }

    fn allow(&self, word: &str) -> bool {
        let bare = word.trim_end_matches(|character: char| character.is_numeric());
        // A letter or two and digits, as in A14, number the shapes of a catalogue.
        let is_code = bare.len() < word.len() && bare.chars().count() <= 2;
        is_code || USUAL_PREFIXES.contains(&bare) || self.shared.iter().any(|shared| shared == word)
    }
}

/// How well the morph `name` fits `channel`, if it does.
pub(super) fn fit(
    (channel, channel_spelling): (&str, &Spelling),
    (name, spelling): (&str, &Spelling),
    prefixes: &Prefixes,
) -> Option<Fit> {
    if name == channel {
        return Some(Fit::Same);
    }
    if name.eq_ignore_ascii_case(channel) {
        return Some(Fit::Case);
    }
    let (wanted, found) = (channel_spelling.joined(), spelling.joined());
    // A side that is run together with the rest, as in `eyeblinkl`, is only a letter.
    let ends_in_letter = wanted.strip_suffix("left").is_some_and(|stem| found == format!("{stem}l"))
        || wanted.strip_suffix("right").is_some_and(|stem| found == format!("{stem}r"));
    if found == wanted || ends_in_letter {
        return Some(Fit::Words);
    }
    let prefix = spelling.prefix_before(channel_spelling)?;
    prefix.iter().all(|word| prefixes.allow(word)).then_some(Fit::Prefixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(channel: &str, name: &str) -> Option<Fit> {
        let none = Prefixes { shared: Vec::new() };
        fit((channel, &Spelling::of(channel)), (name, &Spelling::of(name)), &none)
    }

    #[test]
    fn many_spellings_are_one_shape() {
        for name in [
            "eyeBlink_L",
            "eyeBlink.L",
            "eyeBlink Left",
            "Left_eyeBlink",
            "eye_blink_left",
            "A14_Eye_Blink_Left",
            "blendShape1.eyeBlinkLeft",
            "blendShape1.eyeBlink_L",
            "Face_eyeBlinkLeft",
            "head_geo.EyeBlinkLeft",
            "EYEBLINKLEFT",
            "eyeblinkleft",
            "eyeblink_l",
            "eyeBlinkL",
            "l_eye_blink",
            "eyeblinkl",
            "Head|eyeBlinkLeft",
            "arkit:eye-blink-left",
            "BS_eyeBlinkLeft",
        ] {
            assert!(fits("eyeBlinkLeft", name).is_some(), "{name}");
            assert_eq!(fits("eyeBlinkRight", name), None, "{name}");
            assert_eq!(fits("eyeSquintLeft", name), None, "{name}");
        }
    }

    #[test]
    fn sideways_shapes_are_not_sides_of_others() {
        assert!(fits("mouthLeft", "mouth_L").is_some());
        assert!(fits("jawLeft", "Face_jaw.L").is_some());
        for other in ["mouthSmileLeft", "upperMouthLeft", "jawLeft", "mouthRight"] {
            assert_eq!(fits("mouthLeft", other), None, "{other}");
        }
        assert_eq!(fits("jawOpen", "jawOpenWide"), None);
    }
}
