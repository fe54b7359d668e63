//! Speech sounds by what they do to the visible mouth, independent of language.

/// Sounds that share lip and jaw postures; the order is that of the content track's probability channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Viseme {
    /// No speech.
    Silence,
    /// Both lips meet: p b m.
    Bilabial,
    /// Lower lip at the upper teeth: f v.
    Labiodental,
    /// Tongue between the teeth: the two English th.
    Dental,
    /// Tongue tip at the ridge: t d n.
    Alveolar,
    /// Side of the tongue open: l.
    Lateral,
    /// Narrow teeth: s z ts.
    Sibilant,
    /// Narrow teeth and rounded lips: sh zh ch.
    Postalveolar,
    /// Back of the tongue: k g ng x, uvular r.
    Velar,
    /// Bunched, slightly rounded English r.
    Rhotic,
    /// Rounded glide: w.
    LabialGlide,
    /// Spread glide: j.
    PalatalGlide,
    /// Open: a.
    Open,
    /// Open-mid front: e as in bed, ae as in cat.
    OpenMidFront,
    /// Close-mid front: German e in geben.
    CloseMidFront,
    /// Close front: i.
    CloseFront,
    /// Near-close front: i as in bit.
    NearCloseFront,
    /// Open-mid back rounded: o as in thought.
    OpenMidBack,
    /// Close-mid back rounded: o as in go.
    CloseMidBack,
    /// Close back rounded: u.
    CloseBack,
    /// Close front rounded: French u.
    RoundedFront,
    /// Mid front rounded: French eu.
    RoundedMid,
    /// Central: the schwa and the vowel of cut.
    Central,
    /// Breath: h and the glottal stop, which take the posture of their neighbours.
    Glottal,
}

/// Number of viseme classes.
pub const VISEME_COUNT: usize = 24;

impl Viseme {
    /// Every class, in order.
    pub const ALL: [Self; VISEME_COUNT] = [
        Self::Silence,
        Self::Bilabial,
        Self::Labiodental,
        Self::Dental,
        Self::Alveolar,
        Self::Lateral,
        Self::Sibilant,
        Self::Postalveolar,
        Self::Velar,
        Self::Rhotic,
        Self::LabialGlide,
        Self::PalatalGlide,
        Self::Open,
        Self::OpenMidFront,
        Self::CloseMidFront,
        Self::CloseFront,
        Self::NearCloseFront,
        Self::OpenMidBack,
        Self::CloseMidBack,
        Self::CloseBack,
        Self::RoundedFront,
        Self::RoundedMid,
        Self::Central,
        Self::Glottal,
    ];

    /// Name of the class in tracks and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::Bilabial => "bilabial",
            Self::Labiodental => "labiodental",
            Self::Dental => "dental",
            Self::Alveolar => "alveolar",
            Self::Lateral => "lateral",
            Self::Sibilant => "sibilant",
            Self::Postalveolar => "postalveolar",
            Self::Velar => "velar",
            Self::Rhotic => "rhotic",
            Self::LabialGlide => "labialGlide",
            Self::PalatalGlide => "palatalGlide",
            Self::Open => "open",
            Self::OpenMidFront => "openMidFront",
            Self::CloseMidFront => "closeMidFront",
            Self::CloseFront => "closeFront",
            Self::NearCloseFront => "nearCloseFront",
            Self::OpenMidBack => "openMidBack",
            Self::CloseMidBack => "closeMidBack",
            Self::CloseBack => "closeBack",
            Self::RoundedFront => "roundedFront",
            Self::RoundedMid => "roundedMid",
            Self::Central => "central",
            Self::Glottal => "glottal",
        }
    }

    /// Whether the class is a vowel.
    pub const fn is_vowel(self) -> bool {
        (self as u8) >= (Self::Open as u8) && (self as u8) <= (Self::Central as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_listed_in_order_with_distinct_names() {
        let mut names: Vec<&str> = Viseme::ALL.iter().map(|viseme| viseme.name()).collect();
        assert!(Viseme::ALL.iter().enumerate().all(|(index, viseme)| *viseme as usize == index));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), VISEME_COUNT);
    }
}
