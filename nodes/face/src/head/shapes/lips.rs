//! The mouth: lips and the skin around them.

use super::Place;
use super::brush::{grip, pull};
use crate::head::anatomy::{LIP_LINE, hill, mix, ramp};
use glam::Vec3;

/// The corner of the mouth on the left.
const CORNER: [f32; 3] = [25.0, -62.0, 80.0];

fn is_upper(place: &Place<'_>) -> bool {
    place.site.lip_side > 0.0
}

/// Weight of the left side, with a soft change over the middle.
fn left_side(place: &Place<'_>) -> f32 {
    ramp(-9.0, 9.0, place.site.anchor.x)
}

/// How far the lips part there when they are drawn apart: 1 in the middle, 0 at the corners.
fn parting(place: &Place<'_>) -> f32 {
    hill(place.site.lip_across * 0.999).sqrt()
}

/// Most between the middle and the left corner of the lips, nothing at the corner.
fn off_centre(place: &Place<'_>) -> f32 {
    hill((place.site.anchor.x - 9.0) / 26.0) * (1.0 - place.site.lip_across.powi(5))
}

/// 1 over the whole mouth, 0 away from it.
fn around_mouth(at: Vec3) -> f32 {
    let across = at.x / 44.0;
    let up = (at.y - LIP_LINE) / if at.y > LIP_LINE { 22.0 } else { 32.0 };
    ramp(1.0, 0.2, across * across + up * up) * ramp(45.0, 62.0, at.z)
}

/// 1 on the upper lip from its line to its border, falling to 0 at the nose.
fn on_upper(place: &Place<'_>) -> f32 {
    if is_upper(place) {
        ramp(LIP_LINE + 21.0, LIP_LINE + 7.0, place.site.anchor.y) * sides(place)
    } else {
        0.0
    }
}

/// 1 on the lower lip from its line to its border, falling to 0 on the chin.
fn on_lower(place: &Place<'_>) -> f32 {
    if place.site.lip_side < 0.0 {
        ramp(LIP_LINE - 34.0, LIP_LINE - 9.0, place.site.anchor.y) * sides(place)
    } else {
        0.0
    }
}

fn sides(place: &Place<'_>) -> f32 {
    let at = place.site.anchor;
    ramp(46.0, 27.0, at.x.abs()) * ramp(45.0, 62.0, at.z)
}

/// How strongly a place follows the left corner of the mouth: rising along the lips, so that they bend in an arc,
/// and falling off beyond the corner.
fn at_corner(at: Vec3, up: f32, down: f32) -> f32 {
    let along = at.x / CORNER[0];
    let across = if along < 1.0 { along.max(0.0).powf(1.8) } else { hill((at.x - CORNER[0]) / 27.0) };
    let height = at.y - CORNER[1];
    across * hill(height / if height > 0.0 { up } else { down }) * ramp(42.0, 60.0, at.z)
}

pub(super) fn smile(place: &Place<'_>) -> Vec3 {
    let at = place.site.anchor;
    let corner = at_corner(at, 30.0, 34.0) * Vec3::new(8.0, 9.5, -5.0);
    let cheek = pull(at, [38.0, -32.0, 70.0], [30.0, 28.0, 38.0], [1.5, 6.0, 4.0]);
    let fold = pull(at, [33.0, -52.0, 74.0], [13.0, 22.0, 24.0], [0.5, 1.0, -1.5]);
    let middle = Vec3::new(0.0, 0.8, -1.2) * around_mouth(at) * left_side(place);
    (corner + cheek + fold) * ramp(-6.0, 8.0, at.x) + middle - cheek * 0.6 * place.site.lid_share
}

pub(super) fn frown(place: &Place<'_>) -> Vec3 {
    let at = place.site.anchor;
    let corner = at_corner(at, 28.0, 30.0) * Vec3::new(1.5, -8.5, -1.5);
    let pouch = pull(at, [27.0, -78.0, 74.0], [22.0, 20.0, 28.0], [2.0, -2.0, 2.0]);
    let lower = Vec3::new(0.0, 1.6, 0.8) * on_lower(place) * hill(at.x / 22.0) * left_side(place);
    let upper = Vec3::new(0.0, 1.6, 0.4) * on_upper(place) * hill(at.x / 22.0) * left_side(place);
    (corner + pouch) * ramp(-6.0, 8.0, at.x) + lower + upper
}

pub(super) fn dimple(place: &Place<'_>) -> Vec3 {
    let at = place.site.anchor;
    let corner = pull(at, CORNER, [27.0, 20.0, 34.0], [5.5, 1.5, -6.0]);
    let cheek = pull(at, [36.0, -56.0, 72.0], [16.0, 20.0, 26.0], [2.0, 1.5, 3.0]);
    (corner + cheek) * ramp(-4.0, 8.0, at.x)
}

pub(super) fn stretch(place: &Place<'_>) -> Vec3 {
    let at = place.site.anchor;
    let corner = at_corner(at, 28.0, 32.0) * Vec3::new(10.0, -3.5, -6.0);
    let jowl = pull(at, [36.0, -80.0, 62.0], [30.0, 30.0, 36.0], [3.0, -2.0, 0.5]);
    let lips = Vec3::new(0.0, if is_upper(place) { 0.8 } else { -1.8 }, -0.8) * parting(place);
    (corner + jowl) * ramp(-6.0, 8.0, at.x) + lips * around_mouth(at) * left_side(place)
}

pub(super) fn pucker(place: &Place<'_>) -> Vec3 {
    let at = place.site.anchor;
    let share = around_mouth(at);
    let forward = 9.0 * (1.0 - 0.35 * place.site.lip_across);
    let thicker = (at.y - LIP_LINE) * 0.16 * (1.0 - place.site.lip_height);
    Vec3::new(-0.44 * at.x, thicker, forward) * share
}

pub(super) fn funnel(place: &Place<'_>) -> Vec3 {
    let at = place.site.anchor;
    let parted = parting(place);
    let narrow = Vec3::new(-0.30 * at.x, 0.0, 6.5) * around_mouth(at);
    let upper = Vec3::new(0.0, mix(6.0, 3.5, place.site.lip_height), 2.0) * on_upper(place);
    let lower = Vec3::new(0.0, mix(-7.5, -4.5, place.site.lip_height), 2.0) * on_lower(place);
    narrow + (upper + lower) * parted
}

pub(super) fn sideways(place: &Place<'_>) -> Vec3 {
    let at = place.site.anchor;
    let wrap = -0.16 * at.x;
    Vec3::new(10.0, 0.03 * at.x, wrap) * around_mouth(at)
        + pull(at, [36.0, -54.0, 70.0], [18.0, 26.0, 30.0], [1.5, 0.5, 3.0])
}

pub(super) fn upper_up(place: &Place<'_>) -> Vec3 {
    let at = place.site.anchor;
    let left = left_side(place);
    let lip = Vec3::new(0.6, 7.5, 0.6) * on_upper(place) * off_centre(place);
    let fold = pull(at, [22.0, -40.0, 84.0], [18.0, 20.0, 26.0], [0.5, 3.5, 1.5]);
    (lip + fold * if is_upper(place) { 1.0 } else { 0.0 }) * left
}

pub(super) fn lower_down(place: &Place<'_>) -> Vec3 {
    let lip = Vec3::new(0.6, -8.0, -0.4) * on_lower(place) * off_centre(place);
    lip * left_side(place)
}

pub(super) fn press(place: &Place<'_>) -> Vec3 {
    let at = place.site.anchor;
    let towards_line = (LIP_LINE - at.y) * 0.38 * place.site.lip_height.min(1.0);
    let flat = Vec3::new(0.0, 0.0, -1.6) * around_mouth(at);
    let on_lips = (on_upper(place) + on_lower(place)) * (1.0 - place.site.lip_across.powi(6));
    let lips = Vec3::new(0.0, towards_line, 0.0) * on_lips;
    let bulge = pull(at, [31.0, -64.0, 76.0], [14.0, 18.0, 24.0], [1.0, 0.8, 1.8]);
    (flat + lips + bulge) * left_side(place)
}

pub(super) fn roll_lower(place: &Place<'_>) -> Vec3 {
    let height = place.site.lip_height;
    Vec3::new(0.0, mix(1.2, 7.0, height), mix(-4.6, -2.4, height))
        * on_lower(place)
        * parting(place).powf(1.5)
}

pub(super) fn roll_upper(place: &Place<'_>) -> Vec3 {
    let height = place.site.lip_height;
    Vec3::new(0.0, mix(-1.0, -5.6, height), mix(-4.2, -2.0, height))
        * on_upper(place)
        * parting(place).powf(1.5)
}

pub(super) fn shrug_lower(place: &Place<'_>) -> Vec3 {
    let at = place.site.anchor;
    let up = 0.35 + 0.65 * parting(place);
    let lower = Vec3::new(0.0, 5.0, 2.2) * on_lower(place) * up;
    let upper = Vec3::new(0.0, 5.0, 1.2) * on_upper(place) * up;
    let chin = pull(at, [0.0, -96.0, 82.0], [30.0, 24.0, 34.0], [0.0, 4.5, 1.6]);
    lower + upper + chin
}

pub(super) fn shrug_upper(place: &Place<'_>) -> Vec3 {
    let upper = Vec3::new(0.0, 3.4, 2.4) * on_upper(place) * parting(place);
    let lower = Vec3::new(0.0, 0.9, 0.6) * on_lower(place) * parting(place);
    upper + lower
}

/// Opens the lips just enough for the tongue.
pub(super) fn part_for_tongue(place: &Place<'_>) -> Vec3 {
    let upper = Vec3::new(0.0, 4.0, 0.6) * on_upper(place);
    let lower = Vec3::new(0.0, -6.5, 0.6) * on_lower(place);
    (upper + lower) * parting(place)
        + grip(place.site.anchor, [0.0, -95.0, 82.0], [30.0, 26.0, 30.0]) * Vec3::NEG_Y
}
