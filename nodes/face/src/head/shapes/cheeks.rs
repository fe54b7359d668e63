//! Brows, cheeks and nose.

use super::Place;
use super::brush::{grip, pull};
use crate::head::anatomy::ramp;
use glam::Vec3;

/// A movement of the brow, which leaves the margin of the lid on the eye.
fn on_brow(place: &Place<'_>, offset: Vec3) -> Vec3 {
    offset * (1.0 - place.site.lid_share)
}

pub(super) fn brow_down(place: &Place<'_>) -> Vec3 {
    let at = place.site.anchor;
    let inner = pull(at, [15.0, 22.0, 88.0], [30.0, 24.0, 34.0], [-4.5, -8.5, 2.5]);
    let outer = pull(at, [42.0, 26.0, 76.0], [28.0, 22.0, 32.0], [-1.5, -4.5, 0.5]);
    on_brow(place, inner + outer)
}

pub(super) fn brow_inner_up(place: &Place<'_>) -> Vec3 {
    let at = place.site.anchor;
    let inner = pull(at, [13.0, 25.0, 88.0], [27.0, 30.0, 36.0], [1.0, 11.0, -0.5]);
    let middle = pull(at, [0.0, 32.0, 90.0], [26.0, 24.0, 30.0], [0.0, 2.5, 0.0]);
    on_brow(place, inner + middle)
}

pub(super) fn brow_outer_up(place: &Place<'_>) -> Vec3 {
    let at = place.site.anchor;
    on_brow(place, pull(at, [45.0, 26.0, 74.0], [32.0, 30.0, 40.0], [1.0, 9.5, -1.5]))
}

pub(super) fn cheek_squint(place: &Place<'_>) -> Vec3 {
    let at = place.site.anchor;
    let cheek = pull(at, [38.0, -24.0, 72.0], [30.0, 22.0, 34.0], [0.5, 6.0, 3.0]);
    cheek * (1.0 - 0.55 * place.site.lid_share)
}

pub(super) fn cheek_puff(place: &Place<'_>) -> Vec3 {
    let at = place.site.anchor;
    let outwards = (at - Vec3::new(0.0, -54.0, 20.0)).normalize_or(Vec3::Z);
    let cheek = grip(at, [40.0, -54.0, 56.0], [38.0, 40.0, 44.0]);
    let lips = grip(at, [0.0, -63.0, 92.0], [34.0, 24.0, 30.0]);
    outwards * 12.0 * cheek + Vec3::new(-0.10 * at.x, 0.0, 2.0) * lips
}

pub(super) fn nose_sneer(place: &Place<'_>) -> Vec3 {
    let at = place.site.anchor;
    let wing = pull(at, [14.0, -34.0, 94.0], [17.0, 17.0, 26.0], [1.5, 5.5, -0.5]);
    let fold = pull(at, [22.0, -28.0, 82.0], [22.0, 24.0, 30.0], [0.0, 3.5, 2.0]);
    let bridge = pull(at, [9.0, 2.0, 88.0], [14.0, 20.0, 22.0], [-0.5, 1.0, 1.6]);
    let brow = pull(at, [13.0, 22.0, 88.0], [20.0, 16.0, 28.0], [-1.5, -3.0, 1.0]);
    let left = ramp(-8.0, 10.0, at.x);
    let above_mouth = if place.site.lip_side > 0.0 { 1.0 - place.site.lip_across.powi(4) } else { 0.0 };
    let lip = pull(at, [15.0, -54.0, 90.0], [20.0, 16.0, 26.0], [0.5, 4.0, 0.5]) * above_mouth;
    on_brow(place, wing + fold + bridge + brow + lip) * left
}
