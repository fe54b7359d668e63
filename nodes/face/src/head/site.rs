//! Where on the face a vertex sits: what the shapes need to know to move it.

use super::builder::flip;
use glam::Vec3;

/// What a vertex belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Skin, lips and the lining of the mouth.
    Skin,
    /// Ears and hair, which no shape moves.
    Fixed,
    /// Brow hair, which rides on the skin.
    Brow,
    /// An eyeball.
    Eye,
    /// Upper teeth and gum, which no shape moves.
    UpperTeeth,
    /// Lower teeth and gum.
    LowerTeeth,
    /// The tongue.
    Tongue,
}

/// Where a vertex sits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Site {
    pub(super) part: Part,
    /// The point of the neutral skin whose movement the vertex follows.
    pub(super) anchor: Vec3,
    /// 1 on the upper lip's side of the lip line, -1 on the lower's.
    pub(super) lip_side: f32,
    /// Distance from the middle along the mouth: 0 in the middle, 1 at the corner and beyond.
    pub(super) lip_across: f32,
    /// How much of the anchor's movement the vertex follows: all of it but deep in the mouth.
    pub(super) follow: f32,
    /// Height above the red of the lips: 0 at the lip line, 1 at the border of the red and beyond.
    pub(super) lip_height: f32,
    /// Radians that closing the eye turns the vertex about the eye's horizontal axis; positive moves down.
    pub(super) lid_turn: f32,
    /// Position on a lid: 1 at its margin, 0 at its crease and beyond.
    pub(super) lid_share: f32,
    /// Distance along the tongue: 0 at the root, 1 at the tip.
    pub(super) along_tongue: f32,
    /// Share of the jaw's movement where the lining of the mouth does not follow the lips.
    pub(super) jaw_share: Option<f32>,
}

impl Site {
    /// A vertex of a part that follows the face at its own position.
    pub(super) fn new(part: Part, anchor: Vec3) -> Self {
        Self {
            part,
            anchor,
            lip_side: 0.0,
            lip_across: 1.0,
            follow: 1.0,
            lip_height: 1.0,
            lid_turn: 0.0,
            lid_share: 0.0,
            along_tongue: 0.0,
            jaw_share: None,
        }
    }

    /// The same place on the other side.
    pub(super) fn mirrored(&self) -> Self {
        Self { anchor: flip(self.anchor), ..*self }
    }
}
