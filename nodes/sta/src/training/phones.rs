//! Phone labels of several notations as visemes over time.

use crate::visemes::Viseme;

/// A stretch of speech with one viseme.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Phone {
    /// What the mouth does.
    pub viseme: Viseme,
    /// Start in seconds.
    pub start_secs: f64,
    /// End in seconds.
    pub end_secs: f64,
    /// Part of the phone, from its start, during which a bilabial's lips touch; 0 for other visemes.
    pub closed_share: f64,
}

impl Phone {
    /// A phone; a bilabial's lips touch until just before its end.
    pub fn new(viseme: Viseme, start_secs: f64, end_secs: f64) -> Self {
        let closed_share = if viseme == Viseme::Bilabial { 0.9 } else { 0.0 };
        Self { viseme, start_secs, end_secs, closed_share }
    }
}

/// Share of a diphthong's time that belongs to its first vowel.
const FIRST_VOWEL_SHARE: f64 = 0.58;
/// Share of an affricate's time that belongs to its closure.
const FIRST_CONSONANT_SHARE: f64 = 0.4;

/// The phones of one label: its visemes one after the other.
pub fn spread(visemes: &[Viseme], start_secs: f64, end_secs: f64) -> Vec<Phone> {
    match visemes {
        [] => vec![],
        [only] => vec![Phone::new(*only, start_secs, end_secs)],
        [first, rest @ ..] => {
            let share = if first.is_vowel() { FIRST_VOWEL_SHARE } else { FIRST_CONSONANT_SHARE };
            let middle = start_secs + (end_secs - start_secs) * share;
            let mut phones = vec![Phone::new(*first, start_secs, middle)];
            phones.extend(spread(rest, middle, end_secs));
            phones
        }
    }
}

/// Visemes of an IPA symbol, as espeak-ng writes them; an empty symbol is silence, unknown marks are skipped.
pub fn from_ipa(symbol: &str) -> Vec<Viseme> {
    if symbol.is_empty() {
        return vec![Viseme::Silence];
    }
    let mut visemes: Vec<Viseme> = Vec::new();
    for letter in symbol.chars() {
        let viseme = ipa_letter(letter);
        // A second glottal is aspiration, a repeated viseme length.
        let skipped = viseme
            .is_none_or(|v| visemes.last() == Some(&v) || (v == Viseme::Glottal && !visemes.is_empty()));
        if let Some(viseme) = viseme.filter(|_| !skipped) {
            visemes.push(viseme);
        }
    }
    visemes
}

fn ipa_letter(letter: char) -> Option<Viseme> {
    Some(match letter {
        'p' | 'b' | 'm' | 'ɓ' => Viseme::Bilabial,
        'f' | 'v' | 'ɱ' | 'ʋ' => Viseme::Labiodental,
        'θ' | 'ð' => Viseme::Dental,
        't' | 'd' | 'n' | 'ɾ' | 'r' | 'ɽ' | 'ʈ' | 'ɖ' | 'ɳ' => Viseme::Alveolar,
        'l' | 'ɫ' | 'ɭ' | 'ʎ' => Viseme::Lateral,
        's' | 'z' => Viseme::Sibilant,
        'ʃ' | 'ʒ' | 'ʂ' | 'ʐ' | 'ɕ' | 'ʑ' => Viseme::Postalveolar,
        'k' | 'ɡ' | 'g' | 'ŋ' | 'x' | 'ɣ' | 'q' | 'ʁ' | 'χ' | 'ʀ' | 'ħ' | 'ʕ' => Viseme::Velar,
        'ɹ' | 'ɻ' => Viseme::Rhotic,
        'w' | 'ɥ' | 'ʍ' => Viseme::LabialGlide,
        'j' | 'ç' | 'ɲ' | 'ʝ' | 'c' | 'ɟ' => Viseme::PalatalGlide,
        'a' | 'ä' | 'ɑ' | 'ɐ' | 'ɒ' => Viseme::Open,
        'æ' | 'ɛ' => Viseme::OpenMidFront,
        'e' => Viseme::CloseMidFront,
        'i' => Viseme::CloseFront,
        'ɪ' | 'ɨ' => Viseme::NearCloseFront,
        'ɔ' => Viseme::OpenMidBack,
        'o' | 'ɤ' => Viseme::CloseMidBack,
        'u' | 'ʊ' | 'ʉ' | 'ɯ' => Viseme::CloseBack,
        'y' | 'ʏ' => Viseme::RoundedFront,
        'ø' | 'œ' => Viseme::RoundedMid,
        'ə' | 'ɜ' | 'ɚ' | 'ɝ' | 'ʌ' => Viseme::Central,
        'h' | 'ʔ' | 'ɦ' => Viseme::Glottal,
        _ => return None,
    })
}

/// Visemes of an `ARPAbet` symbol, as flite and CMU dictionaries write them; unknown symbols give none.
pub fn from_arpabet(symbol: &str) -> Vec<Viseme> {
    let name = symbol.trim_end_matches(|c: char| c.is_ascii_digit()).to_ascii_lowercase();
    let one = match name.as_str() {
        "pau" | "sil" | "h#" => Viseme::Silence,
        "p" | "b" | "m" | "em" => Viseme::Bilabial,
        "f" | "v" => Viseme::Labiodental,
        "th" | "dh" => Viseme::Dental,
        "t" | "d" | "n" | "dx" | "en" => Viseme::Alveolar,
        "l" | "el" => Viseme::Lateral,
        "s" | "z" => Viseme::Sibilant,
        "sh" | "zh" => Viseme::Postalveolar,
        "k" | "g" | "ng" => Viseme::Velar,
        "r" => Viseme::Rhotic,
        "w" => Viseme::LabialGlide,
        "y" => Viseme::PalatalGlide,
        "aa" => Viseme::Open,
        "ae" | "eh" => Viseme::OpenMidFront,
        "iy" => Viseme::CloseFront,
        "ih" | "ix" => Viseme::NearCloseFront,
        "ao" => Viseme::OpenMidBack,
        "uh" | "uw" | "ux" => Viseme::CloseBack,
        "ah" | "ax" | "er" | "axr" => Viseme::Central,
        "hh" | "hv" => Viseme::Glottal,
        "ay" => return vec![Viseme::Open, Viseme::NearCloseFront],
        "aw" => return vec![Viseme::Open, Viseme::CloseBack],
        "ey" => return vec![Viseme::CloseMidFront, Viseme::NearCloseFront],
        "ow" => return vec![Viseme::CloseMidBack, Viseme::CloseBack],
        "oy" => return vec![Viseme::OpenMidBack, Viseme::NearCloseFront],
        "ch" | "jh" => return vec![Viseme::Alveolar, Viseme::Postalveolar],
        _ => return vec![],
    };
    vec![one]
}

/// Visemes of a SAMPA label for German, without its closure signs; unknown labels give none.
pub fn from_sampa(label: &str) -> Vec<Viseme> {
    label.trim_end_matches("asp").chars().filter_map(sampa_letter).collect()
}

fn sampa_letter(letter: char) -> Option<Viseme> {
    Some(match letter {
        '.' | '(' => Viseme::Silence,
        'p' | 'b' | 'm' => Viseme::Bilabial,
        'f' | 'v' | 'V' | 'B' => Viseme::Labiodental,
        'D' | 'T' => Viseme::Dental,
        't' | 'd' | 'n' => Viseme::Alveolar,
        'l' | 'L' => Viseme::Lateral,
        's' | 'z' => Viseme::Sibilant,
        'S' | 'Z' => Viseme::Postalveolar,
        'k' | 'g' | 'N' | 'x' | 'X' | 'R' | 'r' | '4' | 'G' => Viseme::Velar,
        'j' | 'C' | 'J' => Viseme::PalatalGlide,
        'a' | 'A' => Viseme::Open,
        'E' => Viseme::OpenMidFront,
        'e' => Viseme::CloseMidFront,
        'i' => Viseme::CloseFront,
        'I' => Viseme::NearCloseFront,
        'O' => Viseme::OpenMidBack,
        'o' => Viseme::CloseMidBack,
        'u' | 'U' => Viseme::CloseBack,
        'y' | 'Y' => Viseme::RoundedFront,
        '2' | '9' => Viseme::RoundedMid,
        '@' | '6' => Viseme::Central,
        'h' | 'H' | '?' => Viseme::Glottal,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notations_agree() {
        assert_eq!(from_ipa("aɪ"), from_arpabet("AY1"));
        assert_eq!(from_ipa("tʃ"), from_arpabet("ch"));
        assert_eq!(from_ipa("th"), vec![Viseme::Alveolar]);
        assert_eq!(from_ipa("iː"), from_sampa("i"));
        assert_eq!(from_ipa("(en)"), from_ipa("en"));
        assert_eq!(from_sampa("pasp"), vec![Viseme::Bilabial]);
    }

    #[test]
    fn diphthongs_fill_their_time() {
        let phones = spread(&from_ipa("aʊ"), 1.0, 2.0);
        assert_eq!((phones[0].start_secs, phones[1].end_secs), (1.0, 2.0));
        assert_eq!(phones[0].end_secs, phones[1].start_secs);
    }
}
