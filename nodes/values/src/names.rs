//! Shape names taken apart, so that other spellings of the same shape are found.

use crate::ARKIT_SHAPES;
use std::collections::{BTreeMap, BTreeSet};

/// A side of the face in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// A name as words and a side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelling {
    /// Lower-case words without the side.
    words: Vec<String>,
    sides: Vec<Side>,
}

/// How well a morph's name fits a channel's; the lower the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
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
    pub fn of(name: &str) -> Self {
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

    /// The name in one piece without its first `skipped` words, side last.
    fn joined(&self, skipped: usize) -> String {
        let sides = self.sides.iter().map(|side| if *side == Side::Left { "left" } else { "right" });
        self.words[skipped..].concat() + &sides.collect::<String>()
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

/// Words that the longest usual prefix falls into when it is taken apart: `Wolf3D` gives `wolf3` and `d`.
const MOST_WORDS_OF_A_USUAL_PREFIX: usize = 2;

/// Names that must share a prefix before it counts as one, so that two shapes of one part of the face do not.
const FEWEST_SHARING: usize = 4;

/// What a rig's own names say about prefixes: sequences of words that most of them begin with, such as `CC_Base_`.
#[derive(Clone, Debug, Default)]
pub struct Prefixes {
    shared: BTreeSet<Vec<String>>,
}

impl Prefixes {
    /// The sequences of words, of any length, that two thirds of the names begin with.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a Spelling>) -> Self {
        let mut counts: BTreeMap<&[String], usize> = BTreeMap::new();
        let mut total = 0;
        for name in names {
            total += 1;
            // At least one word has to be left for the shape.
            for depth in 1..name.words.len() {
                *counts.entry(&name.words[..depth]).or_default() += 1;
            }
        }
        let enough = (total * 2_usize).div_ceil(3).max(FEWEST_SHARING);
        let shared = counts.into_iter().filter(|(_, count)| *count >= enough);
        Self { shared: shared.map(|(words, _)| words.to_vec()).collect() }
    }

    /// These prefixes and those of other names, such as the names of one mesh besides those of all.
    #[must_use]
    pub fn and(&self, other: Self) -> Self {
        Self { shared: self.shared.iter().cloned().chain(other.shared).collect() }
    }

    /// Whether `words` may stand before a shape: shared words, if any, and then usual ones.
    fn allow(&self, words: &[String]) -> bool {
        let depths = (0..=words.len()).rev();
        depths
            .into_iter()
            .any(|depth| (depth == 0 || self.shared.contains(&words[..depth])) && are_usual(&words[depth..]))
    }
}

/// Whether the words are usual prefixes one after the other.
fn are_usual(words: &[String]) -> bool {
    words.is_empty()
        || (1..=words.len().min(MOST_WORDS_OF_A_USUAL_PREFIX))
            .any(|count| is_usual(&words[..count].concat()) && are_usual(&words[count..]))
}

fn is_usual(prefix: &str) -> bool {
    let bare = prefix.trim_end_matches(|character: char| character.is_numeric());
    // A letter or two and digits, as in A14, number the shapes of a catalogue.
    let is_code = bare.len() < prefix.len() && bare.chars().count() <= 2;
    is_code || USUAL_PREFIXES.contains(&bare)
}

/// How well the name `name` fits `channel`, if it does.
pub fn fit(
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
    let wanted = channel_spelling.joined(0);
    let matches = |skipped: usize| {
        let found = spelling.joined(skipped);
        // A side that is run together with the rest, as in `eyeblinkl`, is only a letter.
        let ends_in_letter = wanted.strip_suffix("left").is_some_and(|stem| found == format!("{stem}l"))
            || wanted.strip_suffix("right").is_some_and(|stem| found == format!("{stem}r"));
        found == wanted || ends_in_letter
    };
    if matches(0) {
        return Some(Fit::Words);
    }
    let prefixed = |skipped: usize| matches(skipped) && prefixes.allow(&spelling.words[..skipped]);
    (1..spelling.words.len()).any(prefixed).then_some(Fit::Prefixed)
}

/// The names of a motion's channels with every recognisable shape in ARKit's spelling; other names stay as they are.
///
/// Of several names that fit a shape the best one is it; when two fit it equally well, both stay as they are.
pub fn arkit_spellings(names: &[String]) -> Vec<String> {
    let spelt: Vec<Spelling> = names.iter().map(|name| Spelling::of(name)).collect();
    let prefixes = Prefixes::of(&spelt);
    let mut spellings = names.to_vec();
    for shape in ARKIT_SHAPES {
        let spelling = Spelling::of(shape);
        let found = names.iter().zip(&spelt).enumerate().filter_map(|(index, (name, spelt))| {
            Some((fit((shape, &spelling), (name, spelt), &prefixes)?, index))
        });
        let mut found: Vec<(Fit, usize)> = found.collect();
        found.sort_unstable();
        match found[..] {
            [(_, index)] => shape.clone_into(&mut spellings[index]),
            [(best, index), (second, _), ..] if best < second => shape.clone_into(&mut spellings[index]),
            _ => {}
        }
    }
    spellings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(channel: &str, name: &str) -> Option<Fit> {
        let none = Prefixes::default();
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
    fn prefixes_have_any_number_of_words() {
        let with_letters = |name: &str| name.replace("Left", "_L").replace("Right", "_R");
        for prefix in ["Wolf3D_", "MyChar_Face_", "CC_Base_", "head_lod0_mesh__", "Bob_Wolf3D_Head_"] {
            for spell in [&str::to_owned as &dyn Fn(&str) -> String, &with_letters, &str::to_lowercase] {
                let names: Vec<String> =
                    ARKIT_SHAPES.iter().map(|shape| format!("{prefix}{}", spell(shape))).collect();
                assert_eq!(arkit_spellings(&names), ARKIT_SHAPES, "{names:?}");
            }
        }
        assert!(fits("jawOpen", "Wolf3D_jawOpen").is_some());
        assert_eq!(fits("jawOpen", "CC_Base_jawOpen"), None, "one name alone shares nothing");
    }

    #[test]
    fn only_what_is_certain_is_spelt_anew() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let spelt = arkit_spellings(&names(&["eyeBlink_L", "Face_eyeBlinkRight", "browLowerL", "headYaw"]));
        assert_eq!(spelt, ["eyeBlinkLeft", "eyeBlinkRight", "browLowerL", "headYaw"]);
        assert_eq!(arkit_spellings(&names(&["Face_jawOpen", "jawOpen"])), ["Face_jawOpen", "jawOpen"]);
        assert_eq!(arkit_spellings(&names(&["jaw_open", "Jaw-Open"])), ["jaw_open", "Jaw-Open"]);
        assert!(arkit_spellings(&[]).is_empty());
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
