//! Eyeballs and lids.

use super::Place;
use super::brush::pull;
use crate::head::anatomy::EYE_CENTRE;
use crate::head::eyes::turned;
use crate::head::site::Part;
use glam::{Mat3, Vec3};

/// Radians that the eye turns in a look shape at weight 1.
const UP: f32 = 0.38;
const DOWN: f32 = 0.50;
const SIDEWAYS: f32 = 0.56;
/// Millimetres that the closing lid is lifted off the eyeball. A morph runs along the chord of the lid's arc, so a
/// half-closed lid would else cut into the eye.
const CHORD_LIFT: f32 = 0.7;

/// Turns the left upper lid by a share of its way to closing, and the lower lid by another.
fn turn_lids(place: &Place<'_>, upper: f32, lower: f32, lift: f32) -> Vec3 {
    let site = place.site;
    if site.lid_turn == 0.0 || site.anchor.x < 0.0 {
        return Vec3::ZERO;
    }
    let share = if site.lid_turn > 0.0 { upper } else { lower };
    let from_eye = place.position - EYE_CENTRE;
    let after = turned(from_eye, site.lid_turn * share);
    let away = Vec3::new(0.0, after.y, after.z).normalize_or(Vec3::Z);
    after + away * lift * site.lid_share - from_eye
}

pub(super) fn blink(place: &Place<'_>) -> Vec3 {
    let brow = pull(place.site.anchor, [34.0, 17.0, 82.0], [26.0, 12.0, 30.0], [0.0, -1.2, 0.0]);
    turn_lids(place, 1.0, 1.0, CHORD_LIFT) + brow * (1.0 - place.site.lid_share)
}

pub(super) fn squint(place: &Place<'_>) -> Vec3 {
    let at = place.site.anchor;
    let cheek = pull(at, [36.0, -17.0, 78.0], [28.0, 16.0, 30.0], [0.0, 3.0, 1.2]);
    turn_lids(place, 0.26, 1.5, 0.3) + cheek * (1.0 - place.site.lid_share)
}

pub(super) fn wide(place: &Place<'_>) -> Vec3 {
    let at = place.site.anchor;
    let fold = pull(at, [34.0, 16.0, 84.0], [28.0, 16.0, 34.0], [0.0, 2.6, 0.0]);
    turn_lids(place, -0.36, -0.75, 0.3) + fold * (1.0 - place.site.lid_share)
}

pub(super) fn lids_look_down(place: &Place<'_>) -> Vec3 {
    turn_lids(place, 0.42, -0.9, 0.3)
}

pub(super) fn lids_look_up(place: &Place<'_>) -> Vec3 {
    turn_lids(place, -0.30, 0.4, 0.2)
}

/// The bulge of the cornea pushes the lids outwards a little as it passes under them.
pub(super) fn lids_look_in(place: &Place<'_>) -> Vec3 {
    lid_bulge(place, 26.0)
}

pub(super) fn lids_look_out(place: &Place<'_>) -> Vec3 {
    lid_bulge(place, 41.0)
}

fn lid_bulge(place: &Place<'_>, x: f32) -> Vec3 {
    let share = place.site.lid_share;
    pull(place.position, [x, 0.0, 80.0], [9.0, 16.0, 16.0], [0.0, 0.0, 0.5]) * share
}

fn turn_eye(place: &Place<'_>, rotation: Mat3) -> Vec3 {
    if place.site.part != Part::Eye || place.position.x < 0.0 {
        return Vec3::ZERO;
    }
    let from_eye = place.position - EYE_CENTRE;
    rotation * from_eye - from_eye
}

pub(super) fn look_up(place: &Place<'_>) -> Vec3 {
    turn_eye(place, Mat3::from_rotation_x(-UP))
}

pub(super) fn look_down(place: &Place<'_>) -> Vec3 {
    turn_eye(place, Mat3::from_rotation_x(DOWN))
}

pub(super) fn look_in(place: &Place<'_>) -> Vec3 {
    turn_eye(place, Mat3::from_rotation_y(-SIDEWAYS))
}

pub(super) fn look_out(place: &Place<'_>) -> Vec3 {
    turn_eye(place, Mat3::from_rotation_y(SIDEWAYS))
}
