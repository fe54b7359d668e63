//! The upper face, the lower face and the head as layers.

use super::blend::{Weight, common_channels};
use super::track_of;
use esarm_values::{HEAD_CHANNELS, Track};

/// A part of the face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    /// Brows, eyes, `cheekSquint` and `noseSneer`: what emotion moves most.
    Upper,
    /// Jaw, mouth, tongue and `cheekPuff`: what speech moves most.
    Lower,
    /// Rotations of the head and the eyes.
    Head,
}

/// The region that a channel belongs to; names that are neither ARKit shapes nor rotations count as lower face.
pub fn region_of(channel: &str) -> Region {
    let name = channel.to_ascii_lowercase();
    if HEAD_CHANNELS.iter().any(|rotation| rotation.eq_ignore_ascii_case(&name)) {
        return Region::Head;
    }
    let upper = ["brow", "eye", "cheeksquint", "nosesneer"];
    if upper.iter().any(|start| name.starts_with(start)) { Region::Upper } else { Region::Lower }
}

/// A motion that takes over a region.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// The motion.
    pub motion: &'a Track,
    /// The region it takes over.
    pub region: Region,
    /// How far: 0 keeps the base, 1 takes the layer.
    pub weight: Weight<'a>,
}

/// Puts layers over a base, in order: in its region each layer replaces what lies below by its weight.
///
/// The result has the base's frames, and the channels of all; a channel that a motion lacks is 0 there. A layer at
/// another frame rate is interpolated.
pub fn mix(base: &Track, layers: &[Layer<'_>]) -> Track {
    let mut mixed = base.clone();
    for layer in layers {
        mixed = mix_one(&mixed, layer);
    }
    mixed
}

fn mix_one(base: &Track, layer: &Layer<'_>) -> Track {
    let channels = common_channels(base, layer.motion);
    let in_region: Vec<bool> = channels.iter().map(|(name, ..)| region_of(name) == layer.region).collect();
    let mut above = vec![0.0; layer.motion.channels().len()];
    let mut values = Vec::with_capacity(base.frame_count() * channels.len());
    for index in 0..base.frame_count() {
        let time_secs = base.rate().secs_of(base.start_frame() + index as i64);
        layer.motion.sample_into(time_secs, &mut above);
        let weight = layer.weight.at(time_secs);
        let below = base.frame(index);
        values.extend(channels.iter().zip(&in_region).map(|((_, from, to), in_region)| {
            let below = from.map_or(0.0, |column| below[column]);
            let above = to.map_or(0.0, |column| above[column]);
            if *in_region { below + (above - below) * weight } else { below }
        }));
    }
    let names = channels.into_iter().map(|(name, ..)| name).collect();
    track_of(base.rate(), base.start_frame(), names, values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use esarm_values::{FrameRate, MOTION_CHANNELS};

    fn constant(value: f32) -> Track {
        let names = MOTION_CHANNELS.iter().map(|name| (*name).to_owned()).collect();
        track_of(FrameRate::whole(30), 0, names, vec![value; 61 * 4])
    }

    #[test]
    fn every_channel_has_its_region() {
        let count = |region| MOTION_CHANNELS.iter().filter(|name| region_of(name) == region).count();
        assert_eq!((count(Region::Upper), count(Region::Lower), count(Region::Head)), (23, 29, 9));
        assert_eq!(region_of("CheekPuff"), Region::Lower);
        assert_eq!(region_of("CheekSquintLeft"), Region::Upper);
        assert_eq!(region_of("leftEyeYaw"), Region::Head);
    }

    #[test]
    fn a_layer_replaces_its_region_by_its_weight() {
        let (base, layer) = (constant(0.2), constant(1.0));
        let layers = [
            Layer { motion: &layer, region: Region::Upper, weight: Weight::Constant(0.5) },
            Layer { motion: &layer, region: Region::Head, weight: Weight::Constant(1.0) },
        ];
        let mixed = mix(&base, &layers);
        for (column, name) in mixed.channels().iter().enumerate() {
            let expected = match region_of(name) {
                Region::Upper => 0.6,
                Region::Lower => 0.2,
                Region::Head => 1.0,
            };
            assert!(mixed.channel(column).all(|value| (value - expected).abs() < 1e-6), "{name}");
        }
    }
}
