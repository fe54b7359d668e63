//! Faces around each vertex, and normals.

use super::builder::Look;
use glam::Vec3;

/// The triangles around each vertex.
pub(super) struct Faces {
    triangles: Vec<[u32; 3]>,
    /// Triangles of all vertices, one vertex after the other, and where each vertex begins.
    incident: Vec<u32>,
    starts: Vec<u32>,
}

impl Faces {
    pub(super) fn new(vertices: usize, triangles: &[(Look, [u32; 3])]) -> Self {
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
        Self { triangles, incident, starts }
    }

    fn of(&self, vertex: usize) -> impl Iterator<Item = [u32; 3]> + '_ {
        let range = self.starts[vertex] as usize..self.starts[vertex + 1] as usize;
        self.incident[range].iter().map(|triangle| self.triangles[*triangle as usize])
    }

    /// The corners of all triangles around a vertex, itself included, some several times.
    pub(super) fn around(&self, vertex: usize) -> impl Iterator<Item = u32> + '_ {
        self.of(vertex).flatten()
    }

    /// Unit normal of a vertex: the mean of the triangles around it, weighted by their areas.
    pub(super) fn normal(&self, vertex: usize, positions: &[Vec3]) -> Vec3 {
        let area = |triangle: [u32; 3]| {
            let [a, b, c] = triangle.map(|corner| positions[corner as usize]);
            (b - a).cross(c - a)
        };
        self.of(vertex).map(area).sum::<Vec3>().normalize_or(Vec3::Z)
    }
}
