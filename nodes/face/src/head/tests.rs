//! What must hold of the built-in head, measured on its mesh.

use super::builder::{Look, Whole};
use super::site::Part;
use super::{LipLandmarks, built_in, lip_landmarks, sculpt};
use crate::head::anatomy::{EYE_CENTRE, EYE_RADIUS};
use crate::head::sdf::bust;
use crate::head::skin::SkinEdges;
use esarm_values::{ARKIT_SHAPES, Mesh, MorphTarget, mirrored_name};
use glam::{Mat3, Vec3};
use std::collections::HashMap;

fn mesh() -> Mesh {
    built_in().meshes[0].clone()
}

fn morph<'a>(mesh: &'a Mesh, name: &str) -> &'a MorphTarget {
    mesh.morphs.iter().find(|morph| morph.name == name).unwrap()
}

/// Neutral positions with weighted morphs added, in millimetres.
fn posed(mesh: &Mesh, weights: &[(&str, f32)]) -> Vec<Vec3> {
    let mut positions: Vec<Vec3> = mesh.positions.iter().map(|p| Vec3::from_array(*p) * 1000.0).collect();
    for (name, weight) in weights {
        let morph = morph(mesh, name);
        for (index, offset) in morph.indices.iter().zip(&morph.position_offsets) {
            positions[*index as usize] += *weight * 1000.0 * Vec3::from_array(*offset);
        }
    }
    positions
}

#[test]
fn the_mesh_is_sound() {
    let mesh = mesh();
    let count = mesh.positions.len();
    assert!((8_000..=15_000).contains(&count), "{count} vertices");
    assert_eq!(mesh.normals.len(), count);
    assert!(mesh.normals.iter().all(|n| (Vec3::from_array(*n).length() - 1.0).abs() < 1e-4));
    let mut used = vec![false; count];
    for triangle in mesh.primitives.iter().flat_map(|primitive| &primitive.triangles) {
        let [a, b, c] = triangle.map(|vertex| Vec3::from_array(mesh.positions[vertex as usize]) * 1000.0);
        let area = (b - a).cross(c - a).length() / 2.0;
        assert!(area > 1e-5, "triangle {triangle:?} at {a} has an area of {area} mm2");
        triangle.iter().for_each(|vertex| used[*vertex as usize] = true);
    }
    assert!(used.iter().all(|used| *used), "every vertex belongs to a triangle");
    let height = posed(&mesh, &[]).iter().map(|p| p.y).fold(f32::MIN, f32::max) + 112.0;
    assert!((220.0..270.0).contains(&height), "the head is {height} mm from chin to crown");
}

#[test]
fn no_edge_has_more_than_two_faces() {
    let mesh = mesh();
    let mut directed: HashMap<(u32, u32), usize> = HashMap::new();
    for triangle in mesh.primitives.iter().flat_map(|primitive| &primitive.triangles) {
        for (a, b) in [(0, 1), (1, 2), (2, 0)] {
            *directed.entry((triangle[a], triangle[b])).or_default() += 1;
        }
    }
    let doubled: Vec<_> = directed.iter().filter(|(_, faces)| **faces > 1).collect();
    assert!(
        doubled.is_empty(),
        "{} edges are run twice the same way, such as {:?}",
        doubled.len(),
        doubled[0]
    );
}

#[test]
fn every_shape_is_there_and_sparse() {
    let mesh = mesh();
    let names: Vec<&str> = mesh.morphs.iter().map(|morph| morph.name.as_str()).collect();
    assert_eq!(names, ARKIT_SHAPES);
    for morph in &mesh.morphs {
        assert!(morph.indices.is_sorted_by(|a, b| a < b), "{}", morph.name);
        assert!(morph.indices.iter().all(|index| (*index as usize) < mesh.positions.len()));
        assert_eq!(morph.indices.len(), morph.position_offsets.len());
        assert_eq!(morph.indices.len(), morph.normal_offsets.len());
        let largest =
            morph.position_offsets.iter().map(|o| Vec3::from_array(*o).length()).fold(0.0, f32::max);
        assert!((0.001..0.06).contains(&largest), "{} moves at most {largest} m", morph.name);
        let turned = morph.normal_offsets.iter().any(|o| Vec3::from_array(*o).length() > 0.05);
        assert!(turned, "{} turns no normal", morph.name);
    }
}

#[test]
fn left_and_right_are_mirror_images() {
    let mesh = mesh();
    let (whole, _) = sculpt();
    for (index, mirror) in whole.mirror.iter().enumerate() {
        let [x, y, z] = mesh.positions[index];
        let [mx, my, mz] = mesh.positions[*mirror as usize];
        assert!((x + mx).abs() + (y - my).abs() + (z - mz).abs() < 1e-6);
    }
    for name in ARKIT_SHAPES {
        let dense = |name: &str| {
            let mut offsets = vec![Vec3::ZERO; mesh.positions.len()];
            let morph = morph(&mesh, name);
            let entries = morph.indices.iter().zip(&morph.position_offsets);
            entries.for_each(|(index, offset)| offsets[*index as usize] = Vec3::from_array(*offset));
            offsets
        };
        let (own, other) = (dense(name), dense(&mirrored_name(name)));
        for (index, mirror) in whole.mirror.iter().enumerate() {
            let expected = other[*mirror as usize] * Vec3::new(-1.0, 1.0, 1.0);
            assert!((own[index] - expected).length() < 1e-6, "{name} at vertex {index}");
        }
    }
}

fn lip_gap(positions: &[Vec3], lips: LipLandmarks) -> f32 {
    positions[lips.upper_middle as usize].distance(positions[lips.lower_middle as usize])
}

#[test]
fn mouth_close_seals_what_jaw_open_opens() {
    let mesh = mesh();
    let (_, edges) = sculpt();
    let lips = lip_landmarks();
    assert_eq!(lip_gap(&posed(&mesh, &[]), lips), 0.0);
    let open = lip_gap(&posed(&mesh, &[("jawOpen", 1.0)]), lips);
    assert!((25.0..50.0).contains(&open), "the open mouth is {open} mm high");
    for weight in [0.15, 0.3, 0.6, 1.0] {
        let positions = posed(&mesh, &[("jawOpen", weight), ("mouthClose", weight)]);
        for (upper, lower) in edges.upper_lip.iter().zip(&edges.lower_lip) {
            let gap = positions[*upper as usize].distance(positions[*lower as usize]);
            assert!(gap < 0.02 * open, "a gap of {gap} mm at weight {weight}");
        }
    }
}

fn lid_gap(positions: &[Vec3], edges: &SkinEdges) -> f32 {
    let pairs = edges.upper_lid.iter().zip(&edges.lower_lid);
    pairs
        .map(|(upper, lower)| positions[*upper as usize].distance(positions[*lower as usize]))
        .fold(0.0, f32::max)
}

#[test]
fn lids_meet_when_the_eye_blinks() {
    let mesh = mesh();
    let (_, edges) = sculpt();
    let open = lid_gap(&posed(&mesh, &[]), &edges);
    assert!(open > 8.0, "the open eye is {open} mm high");
    let shut = lid_gap(&posed(&mesh, &[("eyeBlinkLeft", 1.0)]), &edges);
    assert!(shut < 0.03 * open, "{shut} mm of {open} mm stay open");
    let other = lid_gap(&posed(&mesh, &[("eyeBlinkRight", 1.0)]), &edges);
    assert_eq!(other, open, "the other eye stays as it is");
}

/// The skin of the left lids, without what is folded behind their margins.
fn lid_vertices(whole: &Whole) -> Vec<usize> {
    let lid = |index: &usize| {
        let site = &whole.sites[*index];
        let at_surface = (whole.positions[*index] - EYE_CENTRE).length() > EYE_RADIUS + 1.2;
        site.part == Part::Skin && site.lid_share > 0.0 && site.anchor.x > 0.0 && at_surface
    };
    (0..whole.positions.len()).filter(lid).collect()
}

#[test]
fn the_eyeball_stays_behind_the_lids() {
    let mesh = mesh();
    let (whole, _) = sculpt();
    let lids = lid_vertices(&whole);
    assert!(lids.len() > 100);
    for weight in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let positions = posed(&mesh, &[("eyeBlinkLeft", weight)]);
        for vertex in &lids {
            let clearance = (positions[*vertex] - EYE_CENTRE).length() - EYE_RADIUS;
            assert!(clearance > 0.1, "lid vertex {vertex} is {clearance} mm off the eye at {weight}");
        }
    }
}

#[test]
fn the_closed_lids_cover_the_sclera() {
    let mesh = mesh();
    let (whole, _) = sculpt();
    let positions = posed(&mesh, &[("eyeBlinkLeft", 1.0)]);
    let skin: Vec<[Vec3; 3]> = whole
        .triangles
        .iter()
        .filter(|(look, triangle)| {
            *look == Look::Skin && whole.sites[triangle[0] as usize].part == Part::Skin
        })
        .map(|(_, triangle)| triangle.map(|vertex| positions[vertex as usize]))
        .filter(|triangle| triangle.iter().all(|p| p.distance(EYE_CENTRE) < 45.0 && p.z > 50.0))
        .collect();
    let eye = |index: &usize| {
        let p = positions[*index];
        whole.sites[*index].part == Part::Eye && p.x > 0.0 && p.z > EYE_CENTRE.z + 5.0
    };
    for index in (0..positions.len()).filter(eye) {
        let covered = skin.iter().any(|triangle| depth_at(triangle, positions[index]) > positions[index].z);
        assert!(covered, "eye vertex at {} is seen through the closed lids", positions[index]);
    }
}

/// Depth of a triangle in front of or behind a point, as seen from the front; far behind where it does not cover.
fn depth_at([a, b, c]: &[Vec3; 3], point: Vec3) -> f32 {
    let cross = |u: Vec3, v: Vec3| u.x * v.y - u.y * v.x;
    let area = cross(*b - *a, *c - *a);
    if area.abs() < 1e-9 {
        return f32::MIN;
    }
    let wb = cross(point - *a, *c - *a) / area;
    let wc = cross(*b - *a, point - *a) / area;
    if wb < 0.0 || wc < 0.0 || wb + wc > 1.0 { f32::MIN } else { a.z + wb * (b.z - a.z) + wc * (c.z - a.z) }
}

#[test]
fn teeth_and_tongue_are_hidden_unless_the_lips_part() {
    let mesh = mesh();
    let (whole, _) = sculpt();
    let closed =
        ["mouthSmileLeft", "mouthFrownLeft", "mouthPucker", "mouthPressLeft", "mouthRollLower", "jawForward"];
    let poses = std::iter::once(vec![]).chain(closed.iter().map(|name| vec![(*name, 1.0)]));
    let both_open = vec![("jawOpen", 1.0), ("mouthSmileLeft", 1.0), ("mouthSmileRight", 1.0)];
    for pose in poses {
        let positions = posed(&mesh, &pose);
        assert_eq!(seen_in_front(&whole, &positions), Vec::<Vec3>::new(), "{pose:?}");
    }
    // With the mouth open teeth are seen, but none may stick out through the skin.
    for pose in
        [vec![("jawOpen", 1.0)], both_open, vec![("mouthFunnel", 1.0)], vec![("mouthStretchLeft", 1.0)]]
    {
        let positions = posed(&mesh, &pose);
        let lips: Vec<f32> = lip_depths(&whole, &positions);
        let front = lips.iter().copied().fold(f32::MIN, f32::max);
        let teeth = inside(&whole).map(|index| positions[index].z).fold(f32::MIN, f32::max);
        assert!(teeth < front, "{pose:?}: teeth at {teeth} mm before lips at {front} mm");
    }
}

fn inside(whole: &Whole) -> impl Iterator<Item = usize> + '_ {
    let is_inside = |part| matches!(part, Part::UpperTeeth | Part::LowerTeeth | Part::Tongue);
    (0..whole.positions.len()).filter(move |index| is_inside(whole.sites[*index].part))
}

fn lip_depths(whole: &Whole, positions: &[Vec3]) -> Vec<f32> {
    let lips = whole.triangles.iter().filter(|(look, _)| *look == Look::Lips);
    lips.flat_map(|(_, triangle)| triangle.map(|vertex| positions[vertex as usize].z)).collect()
}

/// Teeth and tongue that no skin covers, as seen from the front.
fn seen_in_front(whole: &Whole, positions: &[Vec3]) -> Vec<Vec3> {
    let cover: Vec<[Vec3; 3]> = whole
        .triangles
        .iter()
        .filter(|(look, _)| matches!(look, Look::Skin | Look::Lips))
        .map(|(_, triangle)| triangle.map(|vertex| positions[vertex as usize]))
        .filter(|triangle| triangle.iter().all(|p| p.z > 40.0 && p.y < -35.0 && p.y > -110.0))
        .collect();
    let seen = |point: &Vec3| !cover.iter().any(|triangle| depth_at(triangle, *point) > point.z);
    inside(whole).map(|index| positions[index]).filter(|p| p.z > 60.0).filter(seen).collect()
}

#[test]
fn a_smile_lifts_corners_and_cheeks() {
    let mesh = mesh();
    let lips = lip_landmarks();
    let (neutral, smile) = (posed(&mesh, &[]), posed(&mesh, &[("mouthSmileLeft", 1.0)]));
    let rise = |vertex: u32| smile[vertex as usize].y - neutral[vertex as usize].y;
    assert!(rise(lips.left_corner) > 5.0);
    assert_eq!(rise(lips.right_corner), 0.0);
    let cheek = Vec3::new(38.0, -32.0, 72.0);
    let nearest = |a: &&u32, b: &&u32| {
        let distance = |vertex: u32| neutral[vertex as usize].distance(cheek);
        distance(**a).total_cmp(&distance(**b))
    };
    let smile_morph = morph(&mesh, "mouthSmileLeft");
    let apple = smile_morph.indices.iter().min_by(nearest).unwrap();
    assert!(rise(*apple) > 3.0, "the cheek rises {} mm", rise(*apple));
    let frown = posed(&mesh, &[("mouthFrownLeft", 1.0)]);
    assert!(frown[lips.left_corner as usize].y < neutral[lips.left_corner as usize].y - 5.0);
}

#[test]
fn left_is_the_subjects_left() {
    let mesh = mesh();
    let mean_x = |name: &str| {
        let morph = morph(&mesh, name);
        let weighted = morph.indices.iter().zip(&morph.position_offsets);
        weighted
            .map(|(index, o)| mesh.positions[*index as usize][0] * Vec3::from_array(*o).length())
            .sum::<f32>()
    };
    for name in ARKIT_SHAPES.into_iter().filter(|name| !name.starts_with("jaw") && *name != "mouthLeft") {
        let expected = if name.ends_with("Left") { 1.0 } else { -1.0 };
        if name.ends_with("Left") || (name.ends_with("Right") && name != "mouthRight") {
            assert!(mean_x(name) * expected > 0.0, "{name}");
        }
    }
    let lips = lip_landmarks();
    let neutral = posed(&mesh, &[]);
    for name in ["jawLeft", "mouthLeft"] {
        let moved = posed(&mesh, &[(name, 1.0)])[lips.lower_middle as usize].x;
        assert!(moved > neutral[lips.lower_middle as usize].x + 3.0, "{name}");
    }
}

#[test]
fn mouth_and_brows_move_apart_from_each_other() {
    let mesh = mesh();
    for morph in &mesh.morphs {
        let allowed = match morph.name.as_str() {
            name if name.starts_with("brow") => -5.0..f32::MAX,
            name if name.starts_with("eye") => -45.0..50.0,
            name if ["mouth", "jaw", "tongue"].iter().any(|region| name.starts_with(region)) => {
                f32::MIN..20.0
            }
            _ => continue,
        };
        for (index, offset) in morph.indices.iter().zip(&morph.position_offsets) {
            let height = mesh.positions[*index as usize][1] * 1000.0;
            let moved = Vec3::from_array(*offset).length() * 1000.0;
            assert!(
                moved < 0.5 || allowed.contains(&height),
                "{} moves {moved} mm at {height} mm",
                morph.name
            );
        }
    }
}

#[test]
fn looking_turns_the_iris() {
    let mesh = mesh();
    let (whole, _) = sculpt();
    let is_front = |index: &usize| whole.sites[*index].part == Part::Eye && whole.positions[*index].x > 0.0;
    let eye = (0..whole.positions.len()).filter(is_front);
    let front = eye.max_by(|a, b| whole.positions[*a].z.total_cmp(&whole.positions[*b].z)).unwrap();
    let gaze = |name: &str| posed(&mesh, &[(name, 1.0)])[front] - EYE_CENTRE;
    assert!(gaze("eyeLookUpLeft").y > 4.0 && gaze("eyeLookDownLeft").y < -4.0);
    assert!(gaze("eyeLookInLeft").x < -4.0 && gaze("eyeLookOutLeft").x > 4.0);
    for name in ["eyeLookUpLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft"] {
        assert!((gaze(name).length() - EYE_RADIUS).abs() < 0.05);
    }
}

/// Depth of the lip line of the neutral face `across` millimetres from the middle.
fn lip_line_depth(positions: &[Vec3], lip: &[u32], across: f32) -> f32 {
    let points: Vec<Vec3> = lip.iter().map(|vertex| positions[*vertex as usize]).collect();
    let beyond = points.iter().position(|p| p.x >= across).unwrap().max(1);
    let (a, b) = (points[beyond - 1], points[beyond]);
    a.z + (b.z - a.z) * (across - a.x) / (b.x - a.x)
}

#[test]
fn both_arches_follow_the_lips_to_the_corners() {
    let (whole, edges) = sculpt();
    let corner = whole.positions[*edges.upper_lip.last().unwrap() as usize].x;
    for part in [Part::UpperTeeth, Part::LowerTeeth] {
        for side in [1.0, -1.0] {
            for step in 0..=16 {
                let across = 0.05 * step as f32 * corner;
                let near = |index: &usize| {
                    let p = whole.positions[*index];
                    whole.sites[*index].part == part && (p.x * side - across).abs() < 2.0
                };
                let front = (0..whole.positions.len())
                    .filter(near)
                    .map(|index| whole.positions[index].z)
                    .fold(f32::MIN, f32::max);
                let behind = lip_line_depth(&whole.positions, &edges.upper_lip, across) - front;
                assert!(
                    (3.0..15.0).contains(&behind),
                    "{part:?} lie {behind} mm behind the lips, {across} mm to side {side}"
                );
            }
        }
    }
}

/// What is first seen along a ray at `at`, of triangles turned so that the viewer is far along +Z; the far sides of
/// surfaces are not drawn.
fn first_seen(triangles: &[(Look, [Vec3; 3])], at: Vec3) -> Option<Look> {
    let depth = |(look, triangle): &(Look, [Vec3; 3])| {
        let depth = depth_at(triangle, at);
        (depth > f32::MIN).then_some((*look, depth))
    };
    triangles.iter().filter_map(depth).max_by(|a, b| a.1.total_cmp(&b.1)).map(|(look, _)| look)
}

#[test]
fn three_quarter_views_show_teeth_across_the_open_mouth() {
    const BINS: usize = 10;
    let mesh = mesh();
    let (whole, edges) = sculpt();
    let turn = Mat3::from_rotation_y(-0.61);
    let positions: Vec<Vec3> = posed(&mesh, &[("jawOpen", 0.35)]).iter().map(|p| turn * *p).collect();
    let lips: Vec<Vec3> = edges
        .upper_lip
        .iter()
        .chain(&edges.lower_lip)
        .flat_map(|vertex| [*vertex, whole.mirror[*vertex as usize]])
        .map(|vertex| positions[vertex as usize])
        .collect();
    let least = lips.iter().copied().reduce(Vec3::min).unwrap();
    let most = lips.iter().copied().reduce(Vec3::max).unwrap();
    let faces_viewer = |[a, b, c]: &[Vec3; 3]| (*b - *a).cross(*c - *a).z > 0.0;
    let triangles: Vec<(Look, [Vec3; 3])> = whole
        .triangles
        .iter()
        .map(|(look, triangle)| (*look, triangle.map(|vertex| positions[vertex as usize])))
        .filter(|(_, triangle)| faces_viewer(triangle) && triangle.iter().all(|p| p.distance(least) < 90.0))
        .collect();
    let mut teeth = [false; BINS];
    let mut inside = [false; BINS];
    for step in 0..80 {
        for row in 0..60 {
            let share = Vec3::new((step as f32 + 0.5) / 80.0, (row as f32 + 0.5) / 60.0, 0.0);
            let bin = step * BINS / 80;
            match first_seen(&triangles, least + (most - least) * share) {
                Some(Look::Skin | Look::Lips) => {}
                Some(look @ (Look::Teeth | Look::Gums | Look::Tongue | Look::Mouth)) => {
                    inside[bin] = true;
                    teeth[bin] |= look == Look::Teeth;
                }
                other => panic!("{other:?} is seen through the mouth at {share}"),
            }
        }
    }
    assert_eq!(inside, [true; BINS], "the mouth opens over its whole width");
    // The first bins are the far side.
    let far = teeth[..BINS / 2].iter().filter(|seen| **seen).count();
    let all = teeth.iter().filter(|seen| **seen).count();
    assert!(far >= 3 && all >= 7, "teeth are seen in {teeth:?} of the mouth's width");
}

#[test]
fn the_fringe_grows_out_of_the_skin_in_the_middle() {
    let (whole, _) = sculpt();
    let hair =
        whole.triangles.iter().filter(|(look, _)| *look == Look::Hair).flat_map(|(_, triangle)| *triangle);
    let middle = hair.map(|vertex| whole.positions[vertex as usize]).filter(|p| p.x == 0.0 && p.z > 0.0);
    let lowest = middle.min_by(|a, b| a.y.total_cmp(&b.y)).unwrap();
    assert!(bust(lowest) < 0.0, "the fringe ends in the air, {} mm over the skin at {lowest}", bust(lowest));
}
