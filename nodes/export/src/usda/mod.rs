//! USD text (`.usda`): the rig as UsdSkel blend shapes with an animation of their weights and of the head.
//!
//! Schema: `UsdSkelRoot`, `UsdSkelSkeleton`, `UsdSkelAnimation`, `UsdSkelBlendShape`
//! (<https://openusd.org/release/api/_usd_skel__schemas.html>). One joint, `head`, carries every mesh. Time codes count
//! frames from 0. Materials are `UsdPreviewSurface`.

mod geometry;
mod text;

use crate::columns::{check_motion, find_channel, find_channels, gather_frame, unused_shapes};
use crate::glb::{head_pivot, nothing_mapped};
use crate::rig_check::check_rig;
use crate::{ClipInfo, ColumnReport, ExportError};
use esarm_values::{File, Rig, Track, head_rotation};
use std::fmt::Write as _;
use text::{identifier, numbers, quoted, vector};

/// Writes `rig` animated by `motion`, whose channels drive the morph targets of the same name in any case. An imported
/// rig is written with its meshes and plain materials, not with its textures.
///
/// # Errors
/// When the motion is empty or not finite, or drives no morph target.
pub fn export(rig: &Rig, motion: &Track, info: &ClipInfo) -> Result<(File, ColumnReport), ExportError> {
    check_motion(motion)?;
    check_rig(rig)?;
    let names = rig.morph_names();
    let columns = find_channels(motion, names.iter().copied());
    if columns.iter().all(Option::is_none) {
        return Err(nothing_mapped(rig, motion));
    }
    let mut out =
        String::with_capacity(motion.frame_count() * (names.len() * 11 + 40) + rig.vertex_count() * 200);
    write_layer(&mut out, rig, motion, info);
    let root = Root { name: identifier(&rig.name), pivot: head_pivot(rig) };
    root.write_open(&mut out);
    root.write_animation(&mut out, motion, &names, &columns);
    geometry::write_materials(&mut out, &root.name, &rig.materials);
    geometry::write_meshes(&mut out, &root.name, rig);
    out.push_str("}\n");
    let at_rest = names.iter().zip(&columns).filter(|(_, column)| column.is_none());
    let mut notes = Vec::new();
    if rig.source.is_some() {
        notes.push("textures and other data of the imported file are not in the USD file".to_owned());
    }
    let report = ColumnReport {
        left_out: unused_shapes(motion, |column| columns.contains(&Some(column))),
        at_rest: at_rest.map(|(name, _)| (*name).to_owned()).collect(),
        notes,
    };
    Ok((File { extension: "usda".to_owned(), bytes: out.into_bytes(), companions: Vec::new() }, report))
}

// Writing to a string cannot fail, so the results of `write!` are dropped throughout.

fn write_layer(out: &mut String, rig: &Rig, motion: &Track, info: &ClipInfo) {
    let fps = motion.rate().frames_per_sec();
    out.push_str("#usda 1.0\n(\n    customLayerData = {\n");
    if let serde_json::Value::Object(entries) = info.to_json() {
        for (name, value) in entries {
            let value = value.as_str().unwrap_or_default();
            let _ = writeln!(out, "        string {} = {}", identifier(&name), quoted(value));
        }
    }
    let _ = write!(
        out,
        "    }}\n    defaultPrim = \"{}\"\n    endTimeCode = {}\n    framesPerSecond = {fps}\n    metersPerUnit = 1\n    \
         startTimeCode = 0\n    timeCodesPerSecond = {fps}\n    upAxis = \"Y\"\n)\n\n",
        identifier(&rig.name),
        motion.frame_count() - 1,
    );
}

/// The prim above everything, and the point that the head turns about.
struct Root {
    name: String,
    pivot: [f32; 3],
}

impl Root {
    fn write_open(&self, out: &mut String) {
        let [x, y, z] = self.pivot;
        let matrix = format!("[ ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), ({x}, {y}, {z}, 1)) ]");
        let _ = write!(
            out,
            "def SkelRoot \"{name}\" (\n    kind = \"component\"\n)\n{{\n    def Skeleton \"Skel\" (\n        \
             prepend apiSchemas = [\"SkelBindingAPI\"]\n    )\n    {{\n        uniform matrix4d[] bindTransforms = {matrix}\n        \
             uniform token[] joints = [\"head\"]\n        uniform matrix4d[] restTransforms = {matrix}\n        \
             rel skel:animationSource = </{name}/Anim>\n    }}\n\n",
            name = self.name,
        );
    }

    fn write_animation(&self, out: &mut String, motion: &Track, names: &[&str], columns: &[Option<usize>]) {
        let tokens: Vec<String> = names.iter().map(|name| quoted(name)).collect();
        let _ = write!(
            out,
            "    def SkelAnimation \"Anim\"\n    {{\n        uniform token[] blendShapes = [{}]\n        \
             float[] blendShapeWeights.timeSamples = {{\n",
            tokens.join(", ")
        );
        let mut weights = vec![0.0; columns.len()];
        for index in 0..motion.frame_count() {
            gather_frame(motion.frame(index), columns, &mut weights);
            let _ = write!(out, "            {index}: ");
            numbers(out, &weights);
            out.push_str(",\n");
        }
        let _ = write!(
            out,
            "        }}\n        uniform token[] joints = [\"head\"]\n        half3[] scales = [(1, 1, 1)]\n        \
             float3[] translations = ["
        );
        vector(out, self.pivot);
        out.push_str("]\n");
        write_rotations(out, motion);
        out.push_str("    }\n\n");
    }
}

fn write_rotations(out: &mut String, motion: &Track) {
    let columns = ["headYaw", "headPitch", "headRoll"].map(|name| find_channel(motion, name));
    if columns.iter().all(Option::is_none) {
        out.push_str("        quatf[] rotations = [(1, 0, 0, 0)]\n");
        return;
    }
    out.push_str("        quatf[] rotations.timeSamples = {\n");
    let mut angles = [0.0; 3];
    for index in 0..motion.frame_count() {
        gather_frame(motion.frame(index), &columns, &mut angles);
        let [x, y, z, w] = head_rotation(angles[0], angles[1], angles[2]);
        let _ = writeln!(out, "            {index}: [({w}, {x}, {y}, {z})],");
    }
    out.push_str("        }\n");
}
