//! From postures and expression to the 52 shapes, with lips that stay sealed where the speech says so.
//!
//! The composition is fixed, not learnt: what opens the lips fades under the seal, the jaw comes up, `mouthClose`
//! takes back what the jaw leaves open and `mouthShrugLower` what lifts the upper lip, so that neither emotion nor
//! noise can part the lips of a p, b, m or of silence. Corners, brows, eyes and nose keep their expression.

use super::channels::{
    CONTENT_CHANNELS, CONTENT_COUNT, EXPRESSION_CHANNELS, EXPRESSION_COUNT, SHAPE_COUNT, content_index,
    expression_index, shapes_of_content,
};
use esarm_values::arkit_index;

/// Part of the jaw's opening that remains behind sealed lips.
const JAW_UNDER_SEAL: f32 = 0.35;
/// Widest jaw that sealed lips can cover.
pub(super) const WIDEST_SEALED_JAW: f32 = 0.12;
/// Part of the sneer that remains while the lips are pressed together.
const SNEER_UNDER_SEAL: f32 = 0.5;
/// Shapes that part the lips, what remains of them under the seal, and the `mouthClose` that takes back each unit that
/// remains.
pub(super) const OPENERS: [(&str, f32, f32); 11] = [
    ("jawOpen", JAW_UNDER_SEAL, 0.88),
    ("mouthFunnel", 0.25, 0.32),
    ("mouthLowerDownLeft", 0.05, 0.09),
    ("mouthLowerDownRight", 0.05, 0.09),
    ("mouthUpperUpLeft", 0.08, 0.1),
    ("mouthUpperUpRight", 0.08, 0.1),
    ("noseSneerLeft", SNEER_UNDER_SEAL, 0.09),
    ("noseSneerRight", SNEER_UNDER_SEAL, 0.09),
    ("mouthShrugUpper", 0.1, 0.13),
    ("tongueOut", 0.0, 0.0),
    ("jawForward", 1.0, 0.03),
];
/// `mouthShrugLower` that does as much as a unit of `mouthClose`. It serves where the jaw is less open than the lips
/// need closing: `mouthClose` beyond `jawOpen` drives the lips through one another.
pub(super) const CHIN_PER_CLOSE: f32 = 6.0;
/// Press of the lips under a full seal.
pub(super) const SEAL_PRESS: f32 = 0.06;
/// Expression counts less where speech needs the same shape: the share of an expression's mouth shape that remains
/// when speech fully drives the lips apart or round.
pub(super) const EXPRESSION_WHILE_ROUND: f32 = 0.45;
/// The same for what presses the lips together while the jaw opens, and the opening from which it holds.
pub(super) const CLOSING_WHILE_OPEN: f32 = 0.3;
pub(super) const OPEN_JAW: f32 = 0.3;

/// Offsets that spread the lips, and that press them together.
pub(super) const SPREADING: [&str; 4] =
    ["mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight"];
pub(super) const CLOSING: [&str; 4] =
    ["mouthPressLeft", "mouthPressRight", "mouthRollLower", "mouthShrugLower"];
/// Bounds of the relative change of the jaw's opening.
pub(super) const JAW_GAIN_RANGE: (f32, f32) = (-0.5, 0.6);

/// Prepared columns of the composition.
pub struct Composer {
    content_shapes: Vec<Vec<usize>>,
    expression_shapes: Vec<Option<usize>>,
    openers: Vec<(usize, f32, f32)>,
    jaw: usize,
    close: usize,
    chin: usize,
    presses: [usize; 2],
    spreading: Vec<usize>,
    closing: Vec<usize>,
}

impl Composer {
    /// Looks up every column.
    pub fn new() -> Self {
        let shape = |name: &str| arkit_index(name).unwrap_or(0);
        let offsets = |names: [&str; 4]| names.iter().filter_map(|name| expression_index(name)).collect();
        Self {
            content_shapes: CONTENT_CHANNELS.iter().map(|channel| shapes_of_content(channel)).collect(),
            expression_shapes: EXPRESSION_CHANNELS.iter().map(|channel| arkit_index(channel)).collect(),
            openers: OPENERS.iter().map(|(name, remains, close)| (shape(name), *remains, *close)).collect(),
            jaw: shape("jawOpen"),
            close: shape("mouthClose"),
            chin: shape("mouthShrugLower"),
            presses: ["mouthPressLeft", "mouthPressRight"].map(shape),
            spreading: offsets(SPREADING),
            closing: offsets(CLOSING),
        }
    }

    /// One frame: `content` of [`CONTENT_COUNT`] postures, `expression` of [`EXPRESSION_COUNT`] offsets and `seal`
    /// (0 free, 1 lips together) to the 52 shapes in 0..1.
    pub fn compose(&self, content: &[f32], expression: &[f32], seal: f32) -> [f32; SHAPE_COUNT] {
        debug_assert!(content.len() == CONTENT_COUNT && expression.len() == EXPRESSION_COUNT);
        let seal = seal.clamp(0.0, 1.0);
        let mut shapes = [0.0; SHAPE_COUNT];
        self.add_content(content, expression, &mut shapes);
        self.add_expression(content, expression, &mut shapes);
        shapes.iter_mut().for_each(|weight| *weight = weight.clamp(0.0, 1.0));
        self.seal_lips(seal, &mut shapes);
        shapes
    }

    fn add_content(&self, content: &[f32], expression: &[f32], shapes: &mut [f32; SHAPE_COUNT]) {
        let gain = 1.0 + expression[EXPRESSION_COUNT - 1].clamp(JAW_GAIN_RANGE.0, JAW_GAIN_RANGE.1);
        for (posture, columns) in content.iter().zip(&self.content_shapes) {
            columns.iter().for_each(|column| shapes[*column] += posture.max(0.0));
        }
        shapes[self.jaw] *= gain;
    }

    fn add_expression(&self, content: &[f32], expression: &[f32], shapes: &mut [f32; SHAPE_COUNT]) {
        let round = content[content_index("mouthPucker")].max(content[content_index("mouthFunnel")]);
        let spreading_share = 1.0 - (1.0 - EXPRESSION_WHILE_ROUND) * (round * 2.0).clamp(0.0, 1.0);
        let open = content[content_index("jawOpen")] / OPEN_JAW;
        let closing_share = 1.0 - (1.0 - CLOSING_WHILE_OPEN) * open.clamp(0.0, 1.0);
        for (index, (offset, column)) in expression.iter().zip(&self.expression_shapes).enumerate() {
            let share = match index {
                _ if self.spreading.contains(&index) => spreading_share,
                _ if self.closing.contains(&index) => closing_share,
                _ => 1.0,
            };
            if let Some(column) = column {
                shapes[*column] += offset * share;
            }
        }
    }

    fn seal_lips(&self, seal: f32, shapes: &mut [f32; SHAPE_COUNT]) {
        let jaw_limit = 1.0 - seal * (1.0 - WIDEST_SEALED_JAW);
        let mut left_open = 0.0;
        for (column, remains, close) in &self.openers {
            shapes[*column] *= 1.0 - seal * (1.0 - remains);
            if *column == self.jaw {
                shapes[*column] = shapes[*column].min(jaw_limit);
            }
            left_open += close * shapes[*column];
        }
        let close = seal * left_open;
        shapes[self.close] = close.min(shapes[self.jaw]);
        let chin = CHIN_PER_CLOSE * (close - shapes[self.close]);
        shapes[self.chin] = shapes[self.chin].max(chin).min(1.0);
        for press in self.presses {
            shapes[press] = shapes[press].max(SEAL_PRESS * seal);
        }
    }
}

impl Default for Composer {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Opening between the inner lips on a typical rig, as a share of that at `jawOpen` 1.
    fn opening(shapes: &[f32; SHAPE_COUNT]) -> f32 {
        let weight = |name: &str| shapes[arkit_index(name).unwrap()];
        weight("jawOpen") - 1.2 * weight("mouthClose") - 0.22 * weight("mouthShrugLower")
            + 0.37 * weight("mouthFunnel")
            + 0.1 * (weight("mouthLowerDownLeft") + weight("mouthLowerDownRight"))
            + 0.12 * (weight("mouthUpperUpLeft") + weight("mouthUpperUpRight"))
            + 0.11 * (weight("noseSneerLeft") + weight("noseSneerRight"))
    }

    #[test]
    fn nothing_opens_sealed_lips() {
        let composer = Composer::new();
        for strength in [0.2, 0.5, 1.0] {
            let shapes = composer.compose(&[strength; CONTENT_COUNT], &[strength; EXPRESSION_COUNT], 1.0);
            assert!(opening(&shapes) < 0.03, "{} at {strength}", opening(&shapes));
            let [close, jaw] = ["mouthClose", "jawOpen"].map(|name| shapes[arkit_index(name).unwrap()]);
            assert!(close <= jaw, "{close} {jaw}");
            let free = composer.compose(&[strength; CONTENT_COUNT], &[strength; EXPRESSION_COUNT], 0.0);
            assert!(opening(&free) > 0.2);
        }
    }

    #[test]
    fn corners_keep_their_expression_under_the_seal() {
        let composer = Composer::new();
        let mut expression = [0.0; EXPRESSION_COUNT];
        expression[expression_index("mouthSmileLeft").unwrap()] = 0.7;
        let shapes = composer.compose(&[0.0; CONTENT_COUNT], &expression, 1.0);
        assert_eq!(shapes[arkit_index("mouthSmileLeft").unwrap()], 0.7);
    }
}
