//! Faces around each vertex, and normals.

use super::builder::{Look, Whole};
use super::site::Part;
use glam::Vec3;

/// The triangles around each vertex.
pub(super) struct Faces {
    triangles: Vec<[u32; 3]>,
    /// Triangles of all vertices, one vertex after the other, and where each vertex begins.
    incident: Vec<u32>,
    starts: Vec<u32>,
    /// Triangles of the skin, and vertices whose normal is that of the skin alone.
    skin: Vec<bool>,
    follows_skin: Vec<bool>,
}

impl Faces {
    pub(super) fn new(whole: &Whole) -> Self {
        let vertices = whole.positions.len();
        let skin: Vec<bool> = whole.triangles.iter().map(|(look, _)| *look == Look::Skin).collect();
        let follows_skin = corners_of_mouth(whole);
        let triangles = &whole.triangles;
        let triangles: Vec<[u32; 3]> = triangles.iter().map(|(_, triangle)| *triangle).collect();
        let mut starts = vec![0; vertices + 1];
        triangles.as_flattened().iter().for_each(|vertex| starts[*vertex as usize + 1] += 1);
        for vertex in 0..vertices {
            starts[vertex + 1] += starts[vertex];
        }
        let mut next = starts.clone();
        let mut incident = vec![0; triangles.len() * 3];
        for (index, triangle) in triangles.iter().enumerate() {
            for vertex in triangle {
                let slot = &mut next[*vertex as usize];
                incident[*slot as usize] = index as u32;
                *slot += 1;
            }
        }
        Self { triangles, incident, starts, skin, follows_skin }
    }

    fn of(&self, vertex: usize) -> impl Iterator<Item = usize> + '_ {
        let range = self.starts[vertex] as usize..self.starts[vertex + 1] as usize;
        self.incident[range].iter().map(|triangle| *triangle as usize)
    }

    /// The corners of all triangles around a vertex, itself included, some several times.
    pub(super) fn around(&self, vertex: usize) -> impl Iterator<Item = u32> + '_ {
        self.of(vertex).flat_map(|triangle| self.triangles[triangle])
    }

    /// Unit normal of a vertex: the mean of the triangles around it, weighted by their areas.
    pub(super) fn normal(&self, vertex: usize, positions: &[Vec3]) -> Vec3 {
        let every = !self.follows_skin[vertex];
        let area = |triangle: usize| {
            let [a, b, c] = self.triangles[triangle].map(|corner| positions[corner as usize]);
            (b - a).cross(c - a)
        };
        let counted = self.of(vertex).filter(|triangle| every || self.skin[*triangle]);
        counted.map(area).sum::<Vec3>().normalize_or(Vec3::Z)
    }
}

/// Marks the ends of the lips. The opening lips fold there within a millimetre; normals that followed them would draw
/// light and dark streaks over the skin beside the mouth.
fn corners_of_mouth(whole: &Whole) -> Vec<bool> {
    let mut at_skin = vec![false; whole.positions.len()];
    let mut at_lips = at_skin.clone();
    for (look, triangle) in &whole.triangles {
        let marks = match look {
            Look::Skin => &mut at_skin,
            Look::Lips => &mut at_lips,
            _ => continue,
        };
        triangle.iter().for_each(|vertex| marks[*vertex as usize] = true);
    }
    let is_corner = |vertex: usize| {
        let site = &whole.sites[vertex];
        at_skin[vertex] && at_lips[vertex] && site.part == Part::Skin && site.lip_across >= 1.0
    };
    (0..whole.positions.len()).map(is_corner).collect()
}
