//! The bytes of values.

use esarm_engine::{DecodeError, Outputs, decode_outputs, encode_outputs};
use esarm_values::*;
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::Arc;

/// Any bit pattern but those of NaN, which equal nothing.
fn float() -> impl Strategy<Value = f32> {
    any::<u32>().prop_map(f32::from_bits).prop_filter("NaN equals nothing", |value| !value.is_nan())
}

fn track() -> impl Strategy<Value = Track> {
    (1_u32..200_000, 1_u32..2000, -1_000_000_i64..1_000_000, 0_usize..5, vec(float(), 0..40)).prop_map(
        |(numerator, denominator, start, channels, mut values)| {
            let rate = FrameRate::new(numerator, denominator).unwrap();
            values.truncate(values.len().checked_div(channels).unwrap_or(0) * channels);
            let names: Vec<String> = (0..channels).map(|index| format!("channel {index} é")).collect();
            Track::new(rate, names, values).unwrap().starting_at(start)
        },
    )
}

fn audio() -> impl Strategy<Value = Audio> {
    (".*", 1_u32..200_000, -1_000_000_i64..1_000_000, vec(float(), 0..5000)).prop_map(
        |(name, sample_rate_hz, start_sample, samples)| Audio { name, sample_rate_hz, start_sample, samples },
    )
}

fn emotion() -> impl Strategy<Value = Emotion> {
    (vec(0.0_f32..2.0, 0..10), -100_i64..100).prop_map(|(weights, start)| {
        let weights = weights.iter().flat_map(|weight| [*weight; 8]).collect();
        Emotion::from_frames(FrameRate::whole(25), weights).starting_at(start)
    })
}

fn mesh() -> impl Strategy<Value = Mesh> {
    let morph = (".*", vec(any::<u32>(), 0..4), vec([float(), float(), float()], 0..4));
    let morph = morph.prop_map(|(name, indices, offsets)| MorphTarget {
        name,
        indices,
        position_offsets: offsets.clone(),
        normal_offsets: offsets,
    });
    let primitive = (0_usize..9, vec(any::<[u32; 3]>(), 0..4));
    let primitive = primitive.prop_map(|(material, triangles)| Primitive { material, triangles });
    let vertices = vec([float(), float(), float()], 0..4);
    (".*", vertices, vec(primitive, 0..3), vec(morph, 0..3), proptest::option::of(0_usize..9)).prop_map(
        |(name, positions, primitives, morphs, source_node)| Mesh {
            name,
            normals: positions.clone(),
            positions,
            primitives,
            morphs,
            source_node,
        },
    )
}

fn rig() -> impl Strategy<Value = Rig> {
    let color = [float(), float(), float(), float()];
    let material = (".*", color, float(), float(), any::<bool>());
    let material = material.prop_map(|(name, base_color, metallic, roughness, double_sided)| Material {
        name,
        base_color,
        metallic,
        roughness,
        double_sided,
    });
    let source = (vec(any::<u8>(), 0..20), vec(any::<u8>(), 0..20));
    let source = source.prop_map(|(json, binary)| Arc::new(SourceDocument { json, binary }));
    (".*", vec(mesh(), 0..3), vec(material, 0..3), proptest::option::of(source))
        .prop_map(|(name, meshes, materials, source)| Rig { name, meshes, materials, source })
}

fn value() -> impl Strategy<Value = Value> {
    let take = (track(), any::<u64>(), proptest::option::of(-1e9..1e9));
    let take = take.prop_map(|(motion, seed, log_probability)| Take {
        motion: Arc::new(motion),
        seed,
        log_probability,
    });
    let companion = (".*", vec(any::<u8>(), 0..20));
    let file = ("[a-z]{1,4}", vec(any::<u8>(), 0..50), vec(companion, 0..3));
    prop_oneof![
        audio().prop_map(|it| Value::Audio(Arc::new(it))),
        track().prop_map(|it| Value::Features(Arc::new(it))),
        emotion().prop_map(|it| Value::Emotion(Arc::new(it))),
        track().prop_map(|it| Value::Motion(Arc::new(it))),
        vec(take, 0..3).prop_map(|it| Value::Takes(Arc::new(it))),
        rig().prop_map(|it| Value::Rig(Arc::new(it))),
        proptest::num::f64::ANY.prop_filter("NaN", |it| !it.is_nan()).prop_map(Value::Number),
        ".*".prop_map(|it| Value::Text(it.into())),
        file.prop_map(|(extension, bytes, companions)| Value::File(Arc::new(File {
            extension,
            bytes,
            companions
        }))),
    ]
}

fn outputs() -> impl Strategy<Value = Outputs> {
    proptest::collection::btree_map("[a-z]{1,5}", value(), 0..4)
}

fn encoded(outputs: &Outputs) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_outputs(outputs, &mut bytes).unwrap();
    bytes
}

fn decoded(bytes: &[u8]) -> Result<Outputs, DecodeError> {
    decode_outputs(&mut &*bytes, bytes.len() as u64)
}

proptest! {
    #[test]
    fn values_come_back_bit_for_bit(outputs in outputs()) {
        let bytes = encoded(&outputs);
        let back = decoded(&bytes).unwrap();
        prop_assert_eq!(&back, &outputs);
        // Equal numbers may differ in bits (-0 and 0), equal bytes may not.
        prop_assert_eq!(encoded(&back), bytes);
    }

    #[test]
    fn changed_bytes_never_panic(outputs in outputs(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = encoded(&outputs);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        // Whatever still decodes is a value like any other.
        if let Ok(back) = decoded(&bytes) {
            prop_assert_eq!(encoded(&back).len(), bytes.len());
        }
    }

    #[test]
    fn cut_bytes_are_refused(outputs in outputs(), cut in any::<prop::sample::Index>()) {
        let bytes = encoded(&outputs);
        prop_assert!(decoded(&bytes[..cut.index(bytes.len())]).is_err());
    }

    #[test]
    fn any_bytes_never_panic(mut bytes in vec(any::<u8>(), 0..200), version in any::<bool>()) {
        if version {
            bytes.splice(0..bytes.len().min(4), 1_u32.to_le_bytes());
        }
        let _ = decoded(&bytes);
    }
}

#[test]
fn a_huge_count_is_refused_before_anything_is_allocated() {
    let mut bytes = encoded(&esarm_engine::output("a", Value::Text("".into())));
    let length = bytes.len();
    bytes[length - 8..].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(matches!(decoded(&bytes), Err(DecodeError::Length)));
}

#[test]
fn trailing_bytes_and_other_versions_are_refused() {
    let mut bytes = encoded(&Outputs::new());
    bytes.push(0);
    assert!(matches!(decoded(&bytes), Err(DecodeError::Length)));
    bytes[0] = 200;
    assert!(matches!(decoded(&bytes), Err(DecodeError::Version(200))));
}
