//! The motion tools and the rig import as nodes.

use super::adjust::{Adjustments, adjust, guard_mouth_close};
use super::blend::{Weight, blend};
use super::frame_rate::{self, Interpolation, LEAST_FRAMES_PER_SEC, convert};
use super::layers::{Layer, Region, mix};
use super::mirror::mirror;
use super::retarget::{RetargetOptions, parse_overrides, retarget};
use super::timing::shift;
use crate::{head, rig};
use esarm_engine::{NodeContext, NodeError, NodeType, Outputs, output};
use esarm_graph::{NodeSchema, ParameterKind, PortType, Purity, Range, TimeSupport};
use esarm_values::{Digest, FrameRate, Track, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Every node type of the tools, and `face.rig`.
pub fn node_types() -> Vec<NodeType> {
    vec![
        NodeType::new(rig_schema(), load_rig).with_fingerprint(rig_digest),
        NodeType::new(retarget_schema(), retarget_motion),
        NodeType::new(adjust_schema(), adjust_shapes),
        NodeType::new(layers_schema(), mix_layers),
        NodeType::new(blend_schema(), blend_motions),
        NodeType::new(mirror_schema(), mirror_motion),
        NodeType::new(frame_rate_schema(), change_frame_rate),
        NodeType::new(shift_schema(), shift_motion),
    ]
}

/// A node that changes a motion moment by moment; `help` of the output is the same everywhere.
fn motion_schema(type_id: &str, title: &str, help: &str, time_support: TimeSupport) -> NodeSchema {
    NodeSchema::new(type_id, title, help, Purity::Pure, time_support).output(
        "motion",
        PortType::Motion,
        "The changed motion.",
    )
}

/// Seconds on either side that cover the frames around a moment, for motions of 4 frames per second or more.
const REACH_SECS: f64 = 0.25;

/// Motions at other frame rates are interpolated between frames, which this much on either side covers.
const NEIGHBOURS: TimeSupport = TimeSupport::Window { before_secs: REACH_SECS, after_secs: REACH_SECS };

fn motion_output(motion: Track) -> Outputs {
    output("motion", Value::Motion(Arc::new(motion)))
}

fn rig_schema() -> NodeSchema {
    NodeSchema::new(
        "face.rig",
        "Load rig",
        "Reads a head with morph targets from a GLB file, or a glTF file with embedded data; without a file it gives the built-in head.",
        Purity::External,
        TimeSupport::Whole,
    )
    .output("rig", PortType::Rig, "The rig; exports give its file back with animation added.")
    .parameter(
        "file",
        ParameterKind::File { extensions: vec!["glb".to_owned(), "gltf".to_owned()] },
        "",
        "The head; its morph targets should be named after ARKit in some spelling. Empty is the built-in head.",
    )
}

/// Rigs larger than this are refused before they are read.
const MOST_RIG_BYTES: u64 = 1 << 30;

fn rig_bytes(context: &NodeContext<'_>) -> Result<(Vec<u8>, String), NodeError> {
    let path = context.file("file")?;
    let failed = |message: String| NodeError::parameter("file", format!("{}: {message}", path.display()));
    let size = std::fs::metadata(&path).map_err(|error| failed(error.to_string()))?.len();
    if size > MOST_RIG_BYTES {
        return Err(failed(format!(
            "it has {size} bytes, at most {MOST_RIG_BYTES} are read; simplify the head"
        )));
    }
    let bytes = std::fs::read(&path).map_err(|error| failed(error.to_string()))?;
    let name = path.file_stem().map_or_else(|| "rig".to_owned(), |stem| stem.to_string_lossy().into_owned());
    Ok((bytes, name))
}

/// What stands for the built-in head, whose content belongs to the build.
const BUILT_IN_HEAD: &[u8] = b"built-in head";

fn rig_digest(context: &NodeContext<'_>) -> Result<Digest, NodeError> {
    if context.text("file").is_empty() {
        return Ok(Digest::of(BUILT_IN_HEAD));
    }
    Ok(Digest::of(&rig_bytes(context)?.0))
}

fn load_rig(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let file = context.text("file");
    if file.is_empty() {
        return Ok(output("rig", Value::Rig(head::built_in())));
    }
    let (bytes, name) = rig_bytes(context)?;
    let rig = rig::import(&bytes, &name)
        .map_err(|error| NodeError::parameter("file", format!("{file}: {error}")))?;
    Ok(output("rig", Value::Rig(Arc::new(rig))))
}

fn retarget_schema() -> NodeSchema {
    motion_schema(
        "face.retarget",
        "Retarget",
        "Gives a motion the names of a rig's morph targets and reports what found no match.",
        TimeSupport::Pointwise,
    )
    .output("report", PortType::Text, "Mapped and unmapped channels and unused morph targets, for reading.")
    .output("report_json", PortType::Text, "The same as JSON.")
    .input("motion", PortType::Motion, "Motion with ARKit names.")
    .input("rig", PortType::Rig, "The rig to drive.")
    .parameter(
        "overrides",
        ParameterKind::Text { default: String::new() },
        "",
        "Where names do not match by themselves: channel = morph target, one on each line; nothing behind = leaves the channel out.",
    )
    .parameter(
        "swap_sideways",
        ParameterKind::Toggle { default: false },
        "",
        "Swap mouthLeft and mouthRight, jawLeft and jawRight, for rigs that name them as the viewer sees them.",
    )
}

fn retarget_motion(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let overrides = parse_overrides(context.text("overrides"))
        .map_err(|message| NodeError::parameter("overrides", message))?;
    let options = RetargetOptions { overrides, swap_sideways: context.toggle("swap_sideways") };
    let (motion, report) = retarget(context.motion("motion")?, context.rig("rig")?, &options)
        .map_err(|error| NodeError::parameter("overrides", error))?;
    let mut outputs = motion_output(motion);
    outputs.insert("report".to_owned(), Value::Text(report.to_string().into()));
    outputs.insert("report_json".to_owned(), Value::Text(report.to_json().to_string().into()));
    Ok(outputs)
}

fn adjust_schema() -> NodeSchema {
    let map = |default: f64, low: f64, high: f64| ParameterKind::Map { default, hard: Range::new(low, high) };
    motion_schema(
        "face.shape_adjust",
        "Adjust shapes",
        "Gain, offset, limits, mute and solo for each shape, in this order.",
        TimeSupport::Pointwise,
    )
    .input("motion", PortType::Motion, "The motion to adjust.")
    .parameter("gain", map(1.0, -10.0, 10.0), "", "Factor by shape.")
    .parameter("offset", map(0.0, -10.0, 10.0), "", "Added by shape, after the gain.")
    .parameter(
        "low",
        map(-10.0, -10.0, 10.0),
        "",
        "Lowest value by shape; applied to the shapes that are listed.",
    )
    .parameter(
        "high",
        map(10.0, -10.0, 10.0),
        "",
        "Highest value by shape; applied to the shapes that are listed.",
    )
    .parameter("mute", map(0.0, 0.0, 1.0), "", "Shapes with 1 are set to 0.")
    .parameter("solo", map(0.0, 0.0, 1.0), "", "When some shapes have 1, all others are set to 0.")
    .parameter(
        "limit_to_unit",
        ParameterKind::Toggle { default: false },
        "",
        "Keep every shape within 0 to 1; rotations stay free.",
    )
    .parameter(
        "guard_mouth_close",
        ParameterKind::Toggle { default: false },
        "",
        "Keep mouthClose at or below jawOpen, which it is relative to.",
    )
}

fn adjust_shapes(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let switched_on = |name: &str| -> BTreeSet<String> {
        context.map(name).iter().filter(|(_, value)| **value >= 0.5).map(|(name, _)| name.clone()).collect()
    };
    let mut motion = Track::clone(context.motion("motion")?);
    let adjustments = Adjustments {
        gain: context.map("gain").clone(),
        offset: context.map("offset").clone(),
        low: context.map("low").clone(),
        high: context.map("high").clone(),
        mute: switched_on("mute"),
        solo: switched_on("solo"),
    };
    let report = adjust(&mut motion, &adjustments);
    if let Some(name) = report.unknown.first() {
        let message = format!("the motion has no shape \"{name}\"; it has {}", motion.channels().join(", "));
        return Err(NodeError::parameter(parameter_with(context, name), message));
    }
    if context.toggle("limit_to_unit") {
        limit_to_unit(&mut motion);
    }
    if context.toggle("guard_mouth_close") {
        guard_mouth_close(&mut motion);
    }
    Ok(motion_output(motion))
}

/// The map parameter that lists a shape.
fn parameter_with(context: &NodeContext<'_>, shape: &str) -> &'static str {
    let maps = ["gain", "offset", "low", "high", "mute", "solo"];
    maps.into_iter().find(|map| context.map(map).contains_key(shape)).unwrap_or("gain")
}

fn limit_to_unit(motion: &mut Track) {
    let is_shape = |name: &&String| super::layers::region_of(name) != Region::Head;
    let shapes: Vec<String> = motion.channels().iter().filter(is_shape).cloned().collect();
    let unit = |bound: f64| shapes.iter().map(|name| (name.clone(), bound)).collect();
    adjust(motion, &Adjustments { low: unit(0.0), high: unit(1.0), ..Adjustments::default() });
}

fn layers_schema() -> NodeSchema {
    let weight = || ParameterKind::animatable(1.0, 0.0, 1.0);
    motion_schema(
        "face.layers",
        "Face layers",
        "Takes the upper face, the lower face and the head from motions of their own.",
        NEIGHBOURS,
    )
    .input("base", PortType::Motion, "The motion underneath; it gives the frames.")
    .optional_input("upper", PortType::Motion, "Motion for brows, eyes, cheekSquint and noseSneer.")
    .optional_input("lower", PortType::Motion, "Motion for jaw, mouth, tongue and cheekPuff.")
    .optional_input("head", PortType::Motion, "Motion for the rotations of head and eyes.")
    .parameter("upper_weight", weight(), "", "How far the upper layer replaces the base.")
    .parameter("lower_weight", weight(), "", "How far the lower layer replaces the base.")
    .parameter("head_weight", weight(), "", "How far the head layer replaces the base.")
}

fn mix_layers(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let regions = [("upper", Region::Upper), ("lower", Region::Lower), ("head", Region::Head)];
    let weights = regions.map(|(port, _)| {
        let parameter = format!("{port}_weight");
        move |time_secs: f64| context.number_at(&parameter, time_secs) as f32
    });
    let mut layers = Vec::new();
    for ((port, region), weight) in regions.into_iter().zip(&weights) {
        if context.has_input(port) {
            layers.push(Layer { motion: context.motion(port)?, region, weight: Weight::Function(weight) });
        }
    }
    Ok(motion_output(mix(context.motion("base")?, &layers)))
}

fn blend_schema() -> NodeSchema {
    motion_schema(
        "face.blend",
        "Blend motions",
        "Blends two motions by a weight that may change over time.",
        NEIGHBOURS,
    )
    .input("from", PortType::Motion, "The motion at weight 0; it gives the frames.")
    .input("to", PortType::Motion, "The motion at weight 1.")
    .parameter(
        "weight",
        ParameterKind::animatable(0.5, 0.0, 1.0),
        "",
        "0 gives the first motion, 1 the second.",
    )
}

fn blend_motions(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let weight = |time_secs: f64| context.number_at("weight", time_secs) as f32;
    Ok(motion_output(blend(context.motion("from")?, context.motion("to")?, Weight::Function(&weight))))
}

fn mirror_schema() -> NodeSchema {
    motion_schema("face.mirror", "Mirror", "Swaps left and right, as in a mirror.", TimeSupport::Pointwise)
        .input("motion", PortType::Motion, "The motion to mirror.")
}

fn mirror_motion(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    Ok(motion_output(mirror(context.motion("motion")?)))
}

fn frame_rate_schema() -> NodeSchema {
    let reach_secs = frame_rate::REACH_SECS;
    let support = TimeSupport::Window { before_secs: reach_secs, after_secs: reach_secs };
    motion_schema("face.frame_rate", "Frame rate", "Changes the frame rate at exact times.", support)
        .input("motion", PortType::Motion, "The motion to convert, of 1 frame per second or more.")
        .parameter(
            "frames_per_sec",
            ParameterKind::number(60.0, 1.0, 240.0),
            "fps",
            "The new rate; 23.976, 29.97 and 59.94 mean the exact broadcast rates.",
        )
        .parameter(
            "interpolation",
            ParameterKind::choice("cubic", &["linear", "cubic"]),
            "",
            "Between frames: a straight line, or a smooth curve that never overshoots.",
        )
}

fn change_frame_rate(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let motion = context.motion("motion")?;
    let given_fps = motion.rate().frames_per_sec();
    if given_fps < LEAST_FRAMES_PER_SEC {
        let message =
            format!("has {given_fps} frames per second; at least {LEAST_FRAMES_PER_SEC} are needed");
        return Err(NodeError::input("motion", message));
    }
    let wanted_fps = context.number("frames_per_sec");
    let rate = FrameRate::from_decimal(wanted_fps)
        .ok_or_else(|| NodeError::parameter("frames_per_sec", format!("{wanted_fps} is no frame rate")))?;
    let interpolation = match context.text("interpolation") {
        "linear" => Interpolation::Linear,
        _ => Interpolation::Cubic,
    };
    Ok(motion_output(convert(motion, rate, interpolation)))
}

/// How far a motion can be moved; the engine gives as much more of the input.
const MOST_SHIFT_SECS: f64 = 2.0;

fn shift_schema() -> NodeSchema {
    let reach_secs = MOST_SHIFT_SECS + REACH_SECS;
    let support = TimeSupport::Window { before_secs: reach_secs, after_secs: reach_secs };
    motion_schema(
        "face.time_shift",
        "Time shift",
        "Moves a motion earlier or later against the sound.",
        support,
    )
    .input("motion", PortType::Motion, "The motion to move.")
    .parameter(
        "offset",
        ParameterKind::Number {
            default: 0.0,
            soft: Range::new(-0.2, 0.2),
            hard: Range::new(-MOST_SHIFT_SECS, MOST_SHIFT_SECS),
            animatable: false,
        },
        "s",
        "Positive moves the motion later.",
    )
}

fn shift_motion(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    Ok(motion_output(shift(context.motion("motion")?, context.number("offset"))))
}
