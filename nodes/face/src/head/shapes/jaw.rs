//! The jaw: it turns about an axis near the ears and carries the lower lip, chin, lower teeth and tongue.

use super::Place;
use crate::head::anatomy::{JAW_HINGE, LIP_LINE, hill, mix, ramp};
use crate::head::eyes::turned;
use crate::head::site::{Part, Site};
use glam::Vec3;

/// Radians that the jaw opens at weight 1.
const OPENING: f32 = 0.34;
/// Share of the jaw's movement that the corner of the mouth follows.
const CORNER_SHARE: f32 = 0.46;
/// Share of the gap that the upper lip closes when the lips meet over an open jaw; the lower lip closes the rest.
const UPPER_LIP_CLOSES: f32 = 0.22;

/// 0 at the corner of the mouth, 1 in the middle: how far the lips part there.
fn parting(site: &Site) -> f32 {
    1.0 - site.lip_across.powf(2.8)
}

/// Share of the jaw's movement that a place follows.
fn jaw_share(site: &Site) -> f32 {
    let on_lip = if site.lip_side > 0.0 {
        CORNER_SHARE * (1.0 - parting(site))
    } else {
        CORNER_SHARE + (1.0 - CORNER_SHARE) * parting(site)
    };
    match site.jaw_share {
        Some(own) => mix(own, on_lip, site.follow),
        None => mix(skin_share(site.anchor), on_lip, near_lips(site.anchor)),
    }
}

/// 1 on the lips, 0 where the skin no longer belongs to the mouth.
fn near_lips(at: Vec3) -> f32 {
    let across = at.x / 42.0;
    let up = (at.y - LIP_LINE) / 25.0;
    ramp(1.0, 0.42, across * across + up * up) * ramp(40.0, 60.0, at.z)
}

/// Share away from the lips: none on the cheekbones, all of it on the chin, less down the neck.
fn skin_share(at: Vec3) -> f32 {
    let mouth_level = mix(LIP_LINE + 4.0, -34.0, ramp(78.0, 10.0, at.z));
    let face = ramp(mouth_level + 24.0, mouth_level - 26.0, at.y);
    let throat = ramp(-175.0, -108.0, at.y);
    let nape = mix(1.0, ramp(-20.0, 34.0, at.z), ramp(-30.0, -90.0, at.y));
    face * throat * nape
}

fn opening(position: Vec3) -> Vec3 {
    let from_hinge = position - JAW_HINGE;
    turned(from_hinge, OPENING) - from_hinge
}

fn share_inside(site: &Site) -> f32 {
    match site.part {
        Part::LowerTeeth => 1.0,
        Part::Tongue => mix(0.7, 1.0, ramp(0.0, 0.6, site.along_tongue)),
        _ => 0.0,
    }
}

pub(super) fn open(place: &Place<'_>) -> Vec3 {
    let site = place.site;
    let narrowing = -0.10 * site.anchor.x * near_lips(site.anchor) * (1.0 - parting(site)).sqrt();
    let offset = opening(place.position) * jaw_share(site) + Vec3::X * narrowing * site.follow;
    // The lining is moved whole: its share already says how far it follows.
    undo_follow(site, offset)
}

/// Divides out the share that the caller multiplies every movement of the skin with.
fn undo_follow(site: &Site, offset: Vec3) -> Vec3 {
    if site.follow > 0.0 { offset / site.follow } else { offset }
}

pub(super) fn open_inside(place: &Place<'_>) -> Vec3 {
    opening(place.position) * share_inside(place.site)
}

/// Brings the lips together over the open jaw. At equal weights the lip line moves alike on both sides, because both
/// movements are linear in the weight: whatever `open` parts, this closes.
pub(super) fn close(place: &Place<'_>) -> Vec3 {
    let site = place.site;
    if site.lip_side == 0.0 {
        return Vec3::ZERO;
    }
    let at = site.anchor;
    let upper = site.lip_side > 0.0;
    let share = if upper { UPPER_LIP_CLOSES } else { UPPER_LIP_CLOSES - 1.0 };
    let reach = if upper { ramp(LIP_LINE + 22.0, LIP_LINE + 9.0, at.y) } else { ramp(-108.0, -73.0, at.y) };
    let sides = ramp(44.0, 26.0, at.x.abs()) * ramp(40.0, 60.0, at.z);
    let forward = Vec3::new(0.0, 0.0, 3.5);
    (opening(at) * share + forward) * closing(site) * reach * sides
}

/// How far the lips have to come together: what they parted on the lips, and softer across the chin and below the
/// nose.
fn closing(site: &Site) -> f32 {
    let off_lips = (site.anchor.y - LIP_LINE).abs();
    mix(parting(site), hill(site.anchor.x / 33.0), ramp(9.5, 22.0, off_lips))
}

pub(super) fn forward(place: &Place<'_>) -> Vec3 {
    undo_follow(place.site, Vec3::new(0.0, 0.9, 6.5) * jaw_share(place.site))
}

pub(super) fn forward_inside(place: &Place<'_>) -> Vec3 {
    Vec3::new(0.0, 0.9, 6.5) * share_inside(place.site)
}

pub(super) fn left(place: &Place<'_>) -> Vec3 {
    let drag = 0.25 * near_lips(place.site.anchor);
    undo_follow(place.site, Vec3::new(7.5, -0.4, 0.0) * (jaw_share(place.site) * (1.0 - drag) + drag))
}

pub(super) fn left_inside(place: &Place<'_>) -> Vec3 {
    Vec3::new(7.0, -0.4, 0.0) * share_inside(place.site)
}

/// Lifts the tongue over the lower teeth, thins it, and pushes it out past the lips, where it droops.
pub(super) fn tongue_out(place: &Place<'_>) -> Vec3 {
    let site = place.site;
    if site.part != Part::Tongue {
        return Vec3::ZERO;
    }
    let along = site.along_tongue;
    let out = ramp(0.1, 1.0, along);
    let thinner = (-71.0 - place.position.y) * 0.35 * out;
    let lift = 9.0 * ramp(0.1, 0.65, along) - 10.0 * ramp(0.72, 1.0, along);
    let narrower = -0.12 * place.position.x * out;
    Vec3::new(narrower, lift + thinner, 40.0 * out)
}
