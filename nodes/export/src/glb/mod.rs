//! GLB: a rig with its motion as morph-target animation (glTF 2.0, <https://registry.khronos.org/glTF/specs/2.0>).
//!
//! A rig that was imported keeps the artist's document and animations, with one animation put first, where viewers look
//! for what to play, in place of any that an earlier export put there. Any other rig is written with sparse morph
//! targets. Weights are linear between frames, and times count from the motion's first frame.

mod animation;
mod binary;
mod built;
mod document;
mod imported;

use crate::columns::{ColumnReport, check_motion, find_channel, unused_shapes};
use crate::rig_check::check_rig;
use crate::{ClipInfo, ExportError};
use animation::{MorphNode, animate, turns_head};
use document::Document;
pub(crate) use document::bounds;
use esarm_values::{File, Rig, Track};

/// How a GLB is written.
#[derive(Clone, Debug, PartialEq)]
pub struct GlbOptions {
    /// Where the clip came from, kept in `extras.esarm` of the asset, the scene and the animation.
    pub info: ClipInfo,
    /// Whether a rig that was not imported keeps its morph targets' normals: smoother shading in real-time viewers for
    /// about as many bytes again as the positions.
    pub morph_normals: bool,
}

impl Default for GlbOptions {
    fn default() -> Self {
        Self { info: ClipInfo::default(), morph_normals: true }
    }
}

/// Writes `rig` animated by `motion`, whose channels drive the morph targets of the same name in any case.
///
/// Head rotations turn the node named `Head` of an imported rig, or one that is put above its scene; eye rotations
/// have no node to turn and are reported as left out.
///
/// # Errors
/// When the motion is empty or not finite, drives no morph target, or the file would exceed 4 GiB.
pub fn export(rig: &Rig, motion: &Track, options: &GlbOptions) -> Result<(File, ColumnReport), ExportError> {
    check_motion(motion)?;
    check_rig(rig)?;
    let mut report = report_of(rig, motion)?;
    let mut document = Document::default();
    let turns = turns_head(motion);
    let (nodes, head) = match &rig.source {
        Some(source) => {
            imported::open(&mut document, rig, source, turns, motion.rate(), &options.info, &mut report)?
        }
        None => {
            let (nodes, head) = built::build(&mut document, rig, motion.rate(), options);
            (nodes, turns.then_some(head))
        }
    };
    animate(&mut document, motion, &nodes, head.as_ref(), &options.info)?;
    let bytes = document.finish()?;
    Ok((File { extension: "glb".to_owned(), bytes, companions: Vec::new() }, report))
}

fn report_of(rig: &Rig, motion: &Track) -> Result<ColumnReport, ExportError> {
    let names = rig.morph_names();
    let columns: Vec<Option<usize>> = names.iter().map(|name| find_channel(motion, name)).collect();
    // A head that turns and never speaks is no animation of speech.
    if columns.iter().all(Option::is_none) {
        return Err(nothing_mapped(rig, motion));
    }
    let mut left_out = unused_shapes(motion, |column| columns.contains(&Some(column)));
    let is_eye_rotation = |name: &&String| {
        let name = name.to_ascii_lowercase();
        ["lefteyeyaw", "lefteyepitch", "lefteyeroll", "righteyeyaw", "righteyepitch", "righteyeroll"]
            .contains(&name.as_str())
    };
    left_out.extend(motion.channels().iter().filter(is_eye_rotation).cloned());
    let rested = names.iter().zip(&columns).filter(|(_, column)| column.is_none());
    let mut notes = Vec::new();
    let most = rig.meshes.iter().map(|mesh| mesh.morphs.len()).max().unwrap_or(0);
    if most > 8 {
        notes.push(format!(
            "the rig has {most} morph targets on a mesh; glTF asks viewers for 8, three.js, Blender and game engines take all"
        ));
    }
    Ok(ColumnReport { left_out, at_rest: rested.map(|(name, _)| (*name).to_owned()).collect(), notes })
}

/// Says that no morph target of a rig is driven, and what its targets are called.
pub(crate) fn nothing_mapped(rig: &Rig, motion: &Track) -> ExportError {
    const MOST_NAMES: usize = 8;
    let names = rig.morph_names();
    let shown = names[..names.len().min(MOST_NAMES)].join(", ");
    let more = if names.len() > MOST_NAMES { " ..." } else { "" };
    let (rig, count) = (&rig.name, names.len());
    ExportError::NothingMapped {
        channels: motion.channels().len(),
        target: if names.is_empty() {
            format!("rig \"{rig}\", which has no morph targets")
        } else {
            format!("rig \"{rig}\", whose {count} morph targets are {shown}{more}")
        },
        remedy: "name the morph targets after ARKit's shapes, or retarget the motion to them with overrides such as \
                 jawOpen = THEIR_NAME"
            .to_owned(),
    }
}

/// The point that a head turns about: the neck's top, a third of the way up the meshes that have morph targets.
pub fn head_pivot(rig: &Rig) -> [f32; 3] {
    let moving = rig.meshes.iter().filter(|mesh| !mesh.morphs.is_empty() && !mesh.positions.is_empty());
    let boxes = moving.map(|mesh| document::bounds(&mesh.positions));
    let joined = boxes.reduce(|(low, high), (other_low, other_high)| {
        let axes = [0, 1, 2];
        (axes.map(|axis| low[axis].min(other_low[axis])), axes.map(|axis| high[axis].max(other_high[axis])))
    });
    joined.map_or([0.0; 3], |(low, high)| {
        [(low[0] + high[0]) / 2.0, low[1] + (high[1] - low[1]) / 3.0, (low[2] + high[2]) / 2.0]
    })
}

impl<'a> MorphNode<'a> {
    fn of(mesh: &'a esarm_values::Mesh, node: usize) -> Self {
        Self { node, targets: mesh.morphs.iter().map(|morph| morph.name.as_str()).collect() }
    }
}
