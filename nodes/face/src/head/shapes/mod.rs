//! The 52 ARKit shapes as movements of places on the face.
//!
//! A shape is a function of where a vertex sits. Only the subject's left is written down: right shapes are mirror
//! images, and shapes without a side are evaluated on the left half and mirrored.

mod brush;
mod cheeks;
mod eyes;
mod jaw;
mod lips;
mod targets;

pub(super) use targets::morph_targets;

use super::site::{Part, Site};
use glam::Vec3;

/// A vertex to move: its site and its own neutral position in millimetres.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) site: &'a Site,
    pub(super) position: Vec3,
}

/// Offset of a place at weight 1, in millimetres.
type Movement = fn(&Place<'_>) -> Vec3;

/// One shape: its name and how it moves the skin, and the eyes, teeth and tongue.
struct Shape {
    name: &'static str,
    skin: Movement,
    inside: Movement,
}

fn still(_: &Place<'_>) -> Vec3 {
    Vec3::ZERO
}

const fn skin(name: &'static str, skin: Movement) -> Shape {
    Shape { name, skin, inside: still }
}

const fn both(name: &'static str, skin: Movement, inside: Movement) -> Shape {
    Shape { name, skin, inside }
}

/// Every shape of the left side and every shape without a side, in alphabetical order.
const SHAPES: [Shape; 32] = [
    skin("browDownLeft", cheeks::brow_down),
    skin("browInnerUp", cheeks::brow_inner_up),
    skin("browOuterUpLeft", cheeks::brow_outer_up),
    skin("cheekPuff", cheeks::cheek_puff),
    skin("cheekSquintLeft", cheeks::cheek_squint),
    skin("eyeBlinkLeft", eyes::blink),
    both("eyeLookDownLeft", eyes::lids_look_down, eyes::look_down),
    both("eyeLookInLeft", eyes::lids_look_in, eyes::look_in),
    both("eyeLookOutLeft", eyes::lids_look_out, eyes::look_out),
    both("eyeLookUpLeft", eyes::lids_look_up, eyes::look_up),
    skin("eyeSquintLeft", eyes::squint),
    skin("eyeWideLeft", eyes::wide),
    both("jawForward", jaw::forward, jaw::forward_inside),
    both("jawLeft", jaw::left, jaw::left_inside),
    both("jawOpen", jaw::open, jaw::open_inside),
    skin("mouthClose", jaw::close),
    skin("mouthDimpleLeft", lips::dimple),
    skin("mouthFrownLeft", lips::frown),
    skin("mouthFunnel", lips::funnel),
    skin("mouthLeft", lips::sideways),
    skin("mouthLowerDownLeft", lips::lower_down),
    skin("mouthPressLeft", lips::press),
    skin("mouthPucker", lips::pucker),
    skin("mouthRollLower", lips::roll_lower),
    skin("mouthRollUpper", lips::roll_upper),
    skin("mouthShrugLower", lips::shrug_lower),
    skin("mouthShrugUpper", lips::shrug_upper),
    skin("mouthSmileLeft", lips::smile),
    skin("mouthStretchLeft", lips::stretch),
    skin("mouthUpperUpLeft", lips::upper_up),
    skin("noseSneerLeft", cheeks::nose_sneer),
    both("tongueOut", lips::part_for_tongue, jaw::tongue_out),
];

impl Shape {
    fn movement(&self, place: &Place<'_>) -> Vec3 {
        match place.site.part {
            Part::Skin | Part::Brow => (self.skin)(place) * place.site.follow,
            Part::Eye | Part::LowerTeeth | Part::Tongue => (self.inside)(place),
            Part::UpperTeeth | Part::Fixed => Vec3::ZERO,
        }
    }
}
