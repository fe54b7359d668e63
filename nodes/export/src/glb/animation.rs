//! The animation: one sampler of morph weights for each node with morph targets, and the turning of the head.

use super::binary::Part;
use super::document::Document;
use crate::columns::{find_channel, find_channels};
use crate::{ClipInfo, ExportError};
use esarm_values::{FrameRate, Track, head_rotation};
use serde_json::{Value, json};

/// A node whose mesh has morph targets.
pub(super) struct MorphNode<'a> {
    /// Index of the node.
    pub(super) node: usize,
    /// Names of the mesh's targets, in order.
    pub(super) targets: Vec<&'a str>,
}

/// The node that turns with the head.
pub(super) struct HeadNode {
    /// Index of the node.
    pub(super) node: usize,
    /// Rotation of the node's parent in the world, as a quaternion x y z w.
    pub(super) parent_rotation: [f32; 4],
    /// The node's own rotation at rest.
    pub(super) rest_rotation: [f32; 4],
}

impl HeadNode {
    /// A node without rotation under parents without rotation.
    pub(super) fn upright(node: usize) -> Self {
        Self { node, parent_rotation: IDENTITY, rest_rotation: IDENTITY }
    }
}

pub(super) const IDENTITY: [f32; 4] = [0.0, 0.0, 0.0, 1.0];

/// Product of two quaternions x y z w: first `b`, then `a`.
pub(super) fn rotate([ax, ay, az, aw]: [f32; 4], [bx, by, bz, bw]: [f32; 4]) -> [f32; 4] {
    [
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
        aw * bw - ax * bx - ay * by - az * bz,
    ]
}

/// Whether the motion has any of the head's rotations.
pub(super) fn turns_head(motion: &Track) -> bool {
    head_columns(motion).iter().any(Option::is_some)
}

fn head_columns(motion: &Track) -> [Option<usize>; 3] {
    ["headYaw", "headPitch", "headRoll"].map(|name| find_channel(motion, name))
}

/// Adds an animation that drives `nodes` and, where given, `head`.
pub(super) fn animate<'a>(
    document: &mut Document<'a>,
    motion: &'a Track,
    nodes: &[MorphNode<'_>],
    head: Option<&HeadNode>,
    info: &ClipInfo,
) -> Result<(), ExportError> {
    let times = add_times(document, motion)?;
    let (mut samplers, mut channels) = (Vec::new(), Vec::new());
    let mut outputs: Vec<(Vec<Option<usize>>, usize)> = Vec::new();
    for MorphNode { node, targets } in nodes {
        let columns = find_channels(motion, targets.iter().copied());
        if columns.iter().all(Option::is_none) {
            continue;
        }
        let known = outputs.iter().find(|(known, _)| *known == columns).map(|(_, sampler)| *sampler);
        let sampler = known.unwrap_or_else(|| {
            let count = motion.frame_count() * columns.len();
            let output = document.floats(Part::Weights(motion, columns.clone()), "SCALAR", count);
            samplers.push(sampler_of(times, output));
            outputs.push((columns, samplers.len() - 1));
            samplers.len() - 1
        });
        channels.push(channel_of(sampler, *node, "weights"));
    }
    if let Some(head) = head {
        let output =
            document.floats(Part::Floats(head_rotations(motion, head)), "VEC4", motion.frame_count());
        channels.push(channel_of(samplers.len(), head.node, "rotation"));
        samplers.push(sampler_of(times, output));
    }
    let name = info.audio_name.as_deref().unwrap_or("Speech");
    let mut animation = json!({ "name": name, "samplers": samplers, "channels": channels });
    Document::describe(&mut animation, info, motion.rate());
    put_first(document, animation);
    Ok(())
}

/// Puts an animation before the document's own, since many viewers and engines play the first one; animations that an
/// earlier export wrote go.
fn put_first(document: &mut Document<'_>, animation: Value) {
    let old = document.json.remove("animations");
    let own = match old {
        Some(Value::Array(animations)) => animations,
        _ => Vec::new(),
    };
    let is_ours = |animation: &Value| animation["extras"]["esarm"].is_object();
    let kept = own.into_iter().filter(|animation| !is_ours(animation));
    let animations: Vec<Value> = std::iter::once(animation).chain(kept).collect();
    document.json.insert("animations".to_owned(), animations.into());
}

fn sampler_of(input: usize, output: usize) -> Value {
    json!({ "input": input, "output": output, "interpolation": "LINEAR" })
}

fn channel_of(sampler: usize, node: usize, path: &str) -> Value {
    json!({ "sampler": sampler, "target": { "node": node, "path": path } })
}

/// Frame times in seconds from the first frame, with the bounds that animation inputs must state.
fn add_times(document: &mut Document<'_>, motion: &Track) -> Result<usize, ExportError> {
    let times = frame_times(motion.rate(), motion.frame_count());
    if let Some(frame) = times.windows(2).position(|pair| pair[0] >= pair[1]) {
        return Err(ExportError::TimesCollide { frame: frame + 1, format: "glTF (32-bit times)" });
    }
    let (first, last) = (times.first().copied().unwrap_or(0.0), times.last().copied().unwrap_or(0.0));
    let count = times.len();
    let accessor = document.floats(Part::Floats(times), "SCALAR", count);
    document.json["accessors"][accessor]["min"] = json!([first]);
    document.json["accessors"][accessor]["max"] = json!([last]);
    Ok(accessor)
}

fn frame_times(rate: FrameRate, frames: usize) -> Vec<f32> {
    (0..frames).map(|frame| rate.secs_of(frame as i64) as f32).collect()
}

fn head_rotations(motion: &Track, head: &HeadNode) -> Vec<f32> {
    let columns = head_columns(motion);
    let [x, y, z, w] = head.parent_rotation;
    let into_parent = [-x, -y, -z, w];
    let mut rotations = Vec::with_capacity(motion.frame_count() * 4);
    for frame in 0..motion.frame_count() {
        let values = motion.frame(frame);
        let [yaw, pitch, roll] = columns.map(|column| column.map_or(0.0, |column| values[column]));
        let world = rotate(head_rotation(yaw, pitch, roll), head.parent_rotation);
        rotations.extend(normalized(rotate(rotate(into_parent, world), head.rest_rotation)));
    }
    rotations
}

/// The quaternion at length 1; the identity when it has no length.
pub(super) fn normalized(quaternion: [f32; 4]) -> [f32; 4] {
    let length = quaternion.iter().map(|part| part * part).sum::<f32>().sqrt();
    if length.is_normal() { quaternion.map(|part| part / length) } else { IDENTITY }
}
