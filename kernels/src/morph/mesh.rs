//! A morphing mesh on a device.

use super::{MorphError, SparseMorph};
use crate::KernelError;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};

/// A base mesh on a device with what moves each vertex: a compressed row of (target, offset) per vertex.
#[derive(Clone, Debug)]
pub struct MorphMesh {
    /// Positions at rest: `[vertices, 3]`.
    pub(crate) positions: Tensor<2>,
    /// Normals at rest: `[vertices, 3]`.
    pub(super) normals: Tensor<2>,
    /// What each entry adds to its vertex's position at weight 1: `[entries, 3]`.
    pub(crate) position_offsets: Tensor<2>,
    /// What each entry adds to its vertex's normal at weight 1: `[entries, 3]`.
    pub(super) normal_offsets: Tensor<2>,
    /// First entry of each vertex and their end, `vertices + 1` numbers; then the target of each entry.
    pub(crate) by_vertex: Tensor<1, Int>,
    /// First item of each target and their end, `targets + 1` numbers; then the entry and the vertex of each item.
    pub(super) by_target: Tensor<1, Int>,
    targets: usize,
}

/// A vertex's rest and what moves it.
struct Row {
    position: [f32; 3],
    normal: [f32; 3],
    entries: Vec<Entry>,
}

#[derive(Clone, Copy)]
struct Entry {
    target: usize,
    position: [f32; 3],
    normal: [f32; 3],
}

impl MorphMesh {
    /// Every vertex of a mesh.
    pub fn new(morph: &SparseMorph<'_>, device: &Device) -> Self {
        Self::of_rows(&rows(morph), morph.target_count(), device)
    }

    /// Some vertices of a mesh, in the order given.
    ///
    /// # Errors
    /// [`MorphError::Vertex`] when a vertex is not in the mesh.
    pub fn of_vertices(
        morph: &SparseMorph<'_>,
        vertices: &[u32],
        device: &Device,
    ) -> Result<Self, MorphError> {
        let rows = rows(morph);
        let row = |&index: &u32| -> Result<&Row, MorphError> {
            rows.get(index as usize).ok_or(MorphError::Vertex { index, vertices: rows.len() })
        };
        let chosen: Vec<&Row> = vertices.iter().map(row).collect::<Result<_, _>>()?;
        Ok(Self::of_rows(&chosen, morph.target_count(), device))
    }

    /// The way from one vertex to another, for pairs `[from, to]`: a mesh whose position at any weights is the
    /// difference of the two.
    ///
    /// # Errors
    /// [`MorphError::Vertex`] when a vertex is not in the mesh.
    pub fn of_differences(
        morph: &SparseMorph<'_>,
        pairs: &[[u32; 2]],
        device: &Device,
    ) -> Result<Self, MorphError> {
        let rows = rows(morph);
        let row =
            |index: u32| rows.get(index as usize).ok_or(MorphError::Vertex { index, vertices: rows.len() });
        let differences: Vec<Row> = pairs
            .iter()
            .map(|[from, to]| Ok(row(*to)?.minus(row(*from)?)))
            .collect::<Result<_, MorphError>>()?;
        Ok(Self::of_rows(&differences, morph.target_count(), device))
    }

    /// Number of targets, which is the number of weights of a frame.
    pub fn target_count(&self) -> usize {
        self.targets
    }

    /// Number of vertices.
    pub fn vertex_count(&self) -> usize {
        self.positions.dims()[0]
    }

    pub(crate) fn check_weights(&self, argument: &'static str, found: &[usize]) -> Result<(), KernelError> {
        if found.last() == Some(&self.targets) {
            return Ok(());
        }
        let expected = format!("[.., {}], a weight for each target of the mesh", self.targets);
        Err(KernelError::Shape { argument, found: found.to_vec(), expected })
    }

    fn of_rows<R: std::borrow::Borrow<Row>>(rows: &[R], targets: usize, device: &Device) -> Self {
        let rows: Vec<&Row> = rows.iter().map(std::borrow::Borrow::borrow).collect();
        let mut entries: Vec<Entry> = rows.iter().flat_map(|row| row.entries.iter().copied()).collect();
        let by_vertex = by_vertex(&rows, &entries);
        let by_target = by_target(&rows, targets);
        if entries.is_empty() {
            // A buffer of no bytes cannot be bound; nothing reads this entry.
            entries.push(Entry { target: 0, position: [0.0; 3], normal: [0.0; 3] });
        }
        Self {
            positions: vectors(rows.iter().map(|row| row.position), device),
            normals: vectors(rows.iter().map(|row| row.normal), device),
            position_offsets: vectors(entries.iter().map(|entry| entry.position), device),
            normal_offsets: vectors(entries.iter().map(|entry| entry.normal), device),
            by_vertex: list(by_vertex, device),
            by_target: list(by_target, device),
            targets,
        }
    }
}

impl Row {
    fn minus(&self, other: &Self) -> Self {
        let minus = |a: [f32; 3], b: [f32; 3]| std::array::from_fn(|axis| a[axis] - b[axis]);
        let turned = other.entries.iter().map(|entry| Entry {
            position: minus([0.0; 3], entry.position),
            normal: minus([0.0; 3], entry.normal),
            ..*entry
        });
        Self {
            position: minus(self.position, other.position),
            normal: minus(self.normal, other.normal),
            entries: self.entries.iter().copied().chain(turned).collect(),
        }
    }
}

fn rows(morph: &SparseMorph<'_>) -> Vec<Row> {
    let bases = morph.positions.iter().zip(morph.normals);
    let mut rows: Vec<Row> = bases
        .map(|(position, normal)| Row { position: *position, normal: *normal, entries: Vec::new() })
        .collect();
    for (target, sparse) in morph.targets.iter().enumerate() {
        for (item, (index, position)) in sparse.indices.iter().zip(sparse.position_offsets).enumerate() {
            let normal = sparse.normal_offsets.get(item).copied().unwrap_or_default();
            rows[*index as usize].entries.push(Entry { target, position: *position, normal });
        }
    }
    rows
}

fn by_vertex(rows: &[&Row], entries: &[Entry]) -> Vec<i32> {
    let ends = rows.iter().scan(0, |end, row| {
        *end += row.entries.len();
        Some(*end)
    });
    let starts = std::iter::once(0).chain(ends);
    starts.chain(entries.iter().map(|entry| entry.target)).map(|number| number as i32).collect()
}

fn by_target(rows: &[&Row], targets: usize) -> Vec<i32> {
    let mut items: Vec<Vec<[usize; 2]>> = vec![Vec::new(); targets];
    let mut index = 0;
    for (vertex, row) in rows.iter().enumerate() {
        for entry in &row.entries {
            items[entry.target].push([index, vertex]);
            index += 1;
        }
    }
    let ends = items.iter().scan(0, |end, items| {
        *end += items.len();
        Some(*end)
    });
    let starts = std::iter::once(0).chain(ends);
    starts.chain(items.iter().flatten().flatten().copied()).map(|number| number as i32).collect()
}

fn vectors(vectors: impl ExactSizeIterator<Item = [f32; 3]>, device: &Device) -> Tensor<2> {
    let shape = [vectors.len(), 3];
    let values: Vec<f32> = vectors.flatten().collect();
    Tensor::from_data(TensorData::new(values, shape), (device, DType::F32))
}

fn list(numbers: Vec<i32>, device: &Device) -> Tensor<1, Int> {
    let shape = [numbers.len()];
    Tensor::from_data(TensorData::new(numbers, shape), (device, DType::I32))
}
