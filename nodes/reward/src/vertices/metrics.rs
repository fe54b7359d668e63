//! The figures, each with formula, mask and unit.

use super::face::{Face, FaceError};
use crate::metrics::Metric;
use crate::signal::mean;
use burn::tensor::Tensor;
use esarm_kernels::vertex_metrics::{VertexErrors, diversity_mm, vertex_errors};
use esarm_values::Track;

/// Errors of `motion` against `reference` on a rig's surface, at the reference's frames.
///
/// # Errors
/// When one of them is empty, drives no ARKit shape, or has weights that are not finite.
pub fn vertex_metrics(motion: &Track, reference: &Track, face: &Face) -> Result<Vec<Metric>, FaceError> {
    let errors = errors("motion", motion, reference, face)?;
    let (whole, lips, upper) = (&face.whole.description, &face.lips.description, &face.upper.description);
    let metric = |name, value: f64, unit, formula, mask: &String| Metric {
        name,
        value: value.is_finite().then_some(value),
        unit,
        formula,
        mask: mask.clone().into(),
    };
    Ok(vec![
        metric(
            "mean_vertex_error",
            errors.mve_mm(),
            "mm",
            "MVE: mean over frames and vertices of ||v - v_ref||, not squared",
            whole,
        ),
        metric(
            "lip_vertex_error",
            errors.lve_mm2(),
            "mm^2",
            "LVE: mean over frames of max over vertices of ||v - v_ref||^2, squared",
            lips,
        ),
        metric(
            "lip_vertex_error_norm",
            errors.lve_norm_mm(),
            "mm",
            "mean over frames of max over vertices of ||v - v_ref||, not squared",
            lips,
        ),
        metric(
            "lip_vertex_error_mean",
            errors.lve_mean_mm2(),
            "mm^2",
            "mean over frames and vertices of ||v - v_ref||^2, squared",
            lips,
        ),
        metric(
            "upper_face_vertex_error",
            errors.eve_mm2(),
            "mm^2",
            "EVE: mean over frames of max over vertices of ||v - v_ref||^2, squared",
            upper,
        ),
        metric(
            "upper_face_vertex_error_norm",
            errors.eve_norm_mm(),
            "mm",
            "mean over frames of max over vertices of ||v - v_ref||, not squared",
            upper,
        ),
        metric(
            "face_dynamics_deviation",
            errors.fdd_mm2(),
            "mm^2",
            "FDD: mean over vertices of std over frames of ||v_ref - rest||^2 less that of ||v - rest||^2; signed, positive when under-animated",
            upper,
        ),
        metric("face_dynamics_deviation_abs", errors.fdd_mm2().abs(), "mm^2", "|FDD| of the clip", upper),
    ])
}

/// Diversity of takes of one line, and how near they come to `reference` where there is one. Takes beyond an even number
/// are not compared for diversity.
///
/// # Errors
/// When there are fewer than two takes, or one of them or the reference is empty, drives no ARKit shape, or has weights
/// that are not finite.
pub fn take_vertex_metrics(
    takes: &[&Track],
    reference: Option<&Track>,
    face: &Face,
) -> Result<Vec<Metric>, FaceError> {
    let Some(timing) = takes.first().filter(|_| takes.len() >= 2) else {
        let what = "are fewer than two; diversity needs at least two";
        return Err(FaceError::Motion { which: "takes".to_owned(), what });
    };
    let even = takes.len() / 2 * 2;
    let weights = takes[..even]
        .iter()
        .enumerate()
        .map(|(number, take)| {
            Ok(face.weights(&format!("take {number}"), take, timing)?.unsqueeze_dim::<3>(0))
        })
        .collect::<Result<Vec<_>, FaceError>>()?;
    let diversity = diversity_mm(Tensor::cat(weights, 0), &face.regions.face)?;
    let whole = || face.whole.description.clone().into();
    let mut metrics = vec![Metric {
        name: "take_diversity",
        value: Some(diversity),
        unit: "mm",
        formula: "mean over pairs (take i, take i + n/2), frames and vertices of ||v_a - v_b||, not squared",
        mask: whole(),
    }];
    if let Some(reference) = reference {
        metrics.extend(estimates(takes, reference, face)?);
    }
    Ok(metrics)
}

/// Errors of the mean take and of the nearest take.
fn estimates(takes: &[&Track], reference: &Track, face: &Face) -> Result<[Metric; 2], FaceError> {
    let truth = face.weights("reference", reference, reference)?;
    let mut sum = truth.zeros_like();
    let mut errors_mm2 = Vec::new();
    for (number, take) in takes.iter().enumerate() {
        let weights = face.weights(&format!("take {number}"), take, reference)?;
        sum = sum + weights.clone();
        errors_mm2.push(vertex_errors(weights, truth.clone(), &face.regions)?.lve_mm2());
    }
    let mean_take = vertex_errors(sum / takes.len() as f32, truth, &face.regions)?;
    let lips = || face.lips.description.clone().into();
    let nearest = errors_mm2.iter().copied().fold(f64::INFINITY, f64::min);
    debug_assert!(nearest <= mean(&errors_mm2) + 1e-9);
    Ok([
        Metric {
            name: "mean_estimate_error",
            value: Some(mean_take.lve_mm2()),
            unit: "mm^2",
            formula: "MEE: LVE of the mean over takes of the vertices, squared",
            mask: lips(),
        },
        Metric {
            name: "coverage_error",
            value: Some(nearest),
            unit: "mm^2",
            formula: "CE: least LVE over takes, squared",
            mask: lips(),
        },
    ])
}

fn errors(which: &str, motion: &Track, reference: &Track, face: &Face) -> Result<VertexErrors, FaceError> {
    let weights = face.weights(which, motion, reference)?;
    let truth = face.weights("reference", reference, reference)?;
    Ok(vertex_errors(weights, truth, &face.regions)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use esarm_values::{FrameRate, Mesh, MorphTarget, Rig};

    /// Five vertices: a lip, a brow, a cheek that only the jaw moves, one that nothing moves, and a chin that a lip shape
    /// moves a little.
    fn rig() -> Rig {
        let morph = |name: &str, index: u32, offset: [f32; 3]| MorphTarget {
            name: name.to_owned(),
            indices: vec![index],
            position_offsets: vec![offset],
            normal_offsets: vec![],
        };
        let mut funnel = morph("mouthFunnel", 0, [0.0, 0.003, 0.004]);
        funnel.indices.push(4);
        funnel.position_offsets.push([0.0, 0.0, 0.000_001]);
        let mesh = Mesh {
            name: "face".to_owned(),
            positions: vec![[0.0; 3]; 5],
            normals: vec![[0.0, 0.0, 1.0]; 5],
            morphs: vec![
                funnel,
                morph("browInnerUp", 1, [0.0, 0.010, 0.0]),
                morph("Jaw_Open", 2, [0.0, -0.020, 0.0]),
            ],
            ..Mesh::default()
        };
        Rig { name: "four".to_owned(), meshes: vec![mesh], ..Rig::default() }
    }

    fn motion(values: Vec<f32>) -> Track {
        let names = ["mouthFunnel", "browInnerUp", "jawOpen"].map(str::to_owned).to_vec();
        Track::new(FrameRate::whole(30), names, values).unwrap()
    }

    fn value(metrics: &[Metric], name: &str) -> f64 {
        metrics.iter().find(|metric| metric.name == name).and_then(|metric| metric.value).unwrap()
    }

    #[test]
    fn masks_are_found_by_the_names_of_shapes() {
        let face = Face::new(&rig()).unwrap();
        assert_eq!(face.lips.vertices, [0]);
        assert_eq!(face.upper.vertices, [1]);
        assert_eq!(face.whole.vertices, [0, 1, 2]);
    }

    #[test]
    fn errors_are_those_computed_by_hand() {
        let face = Face::new(&rig()).unwrap();
        let reference = motion(vec![0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
        let half = motion(vec![0.0, 0.0, 0.0, 0.5, 0.5, 0.5]);
        let metrics = vertex_metrics(&half, &reference, &face).unwrap();
        let close = |name: &str, expected: f64| {
            let found = value(&metrics, name);
            assert!((found - expected).abs() < 1e-4 * (1.0 + expected), "{name}: {found} {expected}");
        };
        // In the second frame the lip is 2.5 mm off, the brow 5 mm, the cheek 10 mm.
        close("mean_vertex_error", (2.5 + 5.0 + 10.0) / 6.0);
        close("lip_vertex_error", 6.25 / 2.0);
        close("lip_vertex_error_norm", 1.25);
        close("lip_vertex_error_mean", 6.25 / 2.0);
        close("upper_face_vertex_error", 12.5);
        // Squared displacements of the brow: 0 and 100 against 0 and 25, standard deviations 50 and 12.5.
        close("face_dynamics_deviation", 37.5);
        assert!(
            metrics
                .iter()
                .all(|metric| metric.formula.contains("squared") || metric.name.contains("dynamics"))
        );
        let same = vertex_metrics(&reference, &reference, &face).unwrap();
        assert!(same.iter().all(|metric| metric.value == Some(0.0)));
    }

    #[test]
    fn takes_are_diverse_and_the_nearest_covers() {
        let face = Face::new(&rig()).unwrap();
        let reference = motion(vec![0.5, 0.0, 0.0]);
        let (open, shut) = (motion(vec![1.0, 0.0, 0.0]), motion(vec![0.0, 0.0, 0.0]));
        let metrics = take_vertex_metrics(&[&open, &shut], Some(&reference), &face).unwrap();
        assert!((value(&metrics, "take_diversity") - 5.0 / 3.0).abs() < 1e-4);
        assert!(value(&metrics, "mean_estimate_error").abs() < 1e-6);
        assert!((value(&metrics, "coverage_error") - 6.25).abs() < 1e-3);
        assert!(take_vertex_metrics(&[&open], None, &face).is_err());
    }

    #[test]
    fn rigs_and_motions_that_cannot_be_measured_say_why() {
        let mut bare = rig();
        bare.meshes[0].morphs.truncate(1);
        assert!(Face::new(&bare).err().unwrap().to_string().contains("upper face"));
        bare.meshes[0].morphs.clear();
        assert!(Face::new(&bare).err().unwrap().to_string().contains("four"));
        let face = Face::new(&rig()).unwrap();
        let refused =
            |motion: &Track| vertex_metrics(motion, &motion.clone(), &face).err().unwrap().to_string();
        assert!(refused(&motion(vec![])).contains("no frames"));
        assert!(refused(&motion(vec![f32::NAN, 0.0, 0.0])).contains("finite"));
        let bone = Track::new(FrameRate::whole(30), vec!["bone".to_owned()], vec![1.0]).unwrap();
        assert!(refused(&bone).contains("ARKit"));
    }
}
