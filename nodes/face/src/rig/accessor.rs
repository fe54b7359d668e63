//! Decoding accessors. Every range is checked against the bytes that are there before anything is read or reserved.

use super::RigError;
use super::document::{Accessor, Document};

/// The document with its binary chunk, and how much more may be decoded from it.
pub(super) struct Data<'a> {
    pub(super) document: &'a Document,
    binary: &'a [u8],
    /// Elements that may still be decoded: many meshes may share an accessor, so the file's size is no bound.
    budget: std::cell::Cell<usize>,
}

/// Elements that one rig may decode: a million vertices with a hundred shapes.
const MOST_ELEMENTS: usize = 100_000_000;

/// Vectors at some vertices: indices rise.
#[derive(Debug, Default)]
pub(super) struct SparseVectors {
    pub(super) indices: Vec<u32>,
    pub(super) values: Vec<[f32; 3]>,
}

/// Elements in a buffer view, known to be there.
struct Elements<'a> {
    bytes: &'a [u8],
    stride: usize,
    count: usize,
    component: Component,
    normalized: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Component {
    I8,
    U8,
    I16,
    U16,
    U32,
    F32,
}

impl Component {
    fn of(code: u32) -> Option<Self> {
        Some(match code {
            5120 => Self::I8,
            5121 => Self::U8,
            5122 => Self::I16,
            5123 => Self::U16,
            5125 => Self::U32,
            5126 => Self::F32,
            _ => return None,
        })
    }

    fn size_bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::U32 | Self::F32 => 4,
        }
    }
}

impl Elements<'_> {
    /// A component as a number: normalised integers within -1..1 (glTF 2.0, 3.6.2.2).
    fn number(&self, element: usize, component: usize) -> f32 {
        let at = element * self.stride + component * self.component.size_bytes();
        let byte = |offset: usize| self.bytes[at + offset];
        let (value, scale) = match self.component {
            Component::I8 => (f32::from(byte(0).cast_signed()), 127.0),
            Component::U8 => (f32::from(byte(0)), 255.0),
            Component::I16 => (f32::from(i16::from_le_bytes([byte(0), byte(1)])), 32_767.0),
            Component::U16 => (f32::from(u16::from_le_bytes([byte(0), byte(1)])), 65_535.0),
            Component::U32 => (self.index(element) as f32, 1.0),
            Component::F32 => {
                return f32::from_le_bytes([byte(0), byte(1), byte(2), byte(3)]);
            }
        };
        if self.normalized { (value / scale).max(-1.0) } else { value }
    }

    fn vector(&self, element: usize) -> [f32; 3] {
        std::array::from_fn(|component| self.number(element, component))
    }

    /// The first component as an index.
    fn index(&self, element: usize) -> u32 {
        let at = element * self.stride;
        let byte = |offset: usize| self.bytes[at + offset];
        match self.component {
            Component::I8 | Component::U8 => u32::from(byte(0)),
            Component::I16 | Component::U16 => u32::from(u16::from_le_bytes([byte(0), byte(1)])),
            Component::U32 | Component::F32 => u32::from_le_bytes([byte(0), byte(1), byte(2), byte(3)]),
        }
    }
}

impl<'a> Data<'a> {
    pub(super) fn new(document: &'a Document, binary: &'a [u8]) -> Self {
        Self { document, binary, budget: std::cell::Cell::new(MOST_ELEMENTS) }
    }

    fn accessor(&self, index: usize) -> Result<&'a Accessor, RigError> {
        self.document.accessors.get(index).ok_or_else(|| {
            let message = format!("is pointed at, but there are {}", self.document.accessors.len());
            RigError::invalid(place(index), message)
        })
    }

    /// Number of elements that an accessor claims.
    pub(super) fn count(&self, index: usize) -> Result<usize, RigError> {
        Ok(self.accessor(index)?.count)
    }

    fn elements(
        &self,
        place: &str,
        view_index: usize,
        offset: usize,
        count: usize,
        (component, components, normalized): (Component, usize, bool),
    ) -> Result<Elements<'a>, RigError> {
        let left = self.budget.get().checked_sub(count).ok_or_else(|| {
            RigError::invalid(place, "the file asks for more data than a rig can have; simplify its meshes")
        })?;
        self.budget.set(left);
        let view = self.document.buffer_views.get(view_index).ok_or_else(|| {
            RigError::invalid(place, format!("points at bufferViews[{view_index}], which is not there"))
        })?;
        let beyond = || RigError::invalid(place, "points beyond its buffer; export the file again");
        let end = view.byte_offset.checked_add(view.byte_length).filter(|_| view.buffer == 0);
        let bytes = end.and_then(|end| self.binary.get(view.byte_offset..end)).ok_or_else(beyond)?;
        let bytes = bytes.get(offset..).ok_or_else(beyond)?;
        let size = component.size_bytes() * components;
        let stride = view.byte_stride.unwrap_or(size);
        let needed = match count.checked_sub(1) {
            Some(before_last) => before_last.checked_mul(stride).and_then(|start| start.checked_add(size)),
            None => Some(0),
        };
        if stride < size || needed.is_none_or(|needed| needed > bytes.len()) {
            return Err(beyond());
        }
        Ok(Elements { bytes, stride, count, component, normalized })
    }

    fn component(&self, place: &str, code: u32) -> Result<Component, RigError> {
        Component::of(code)
            .ok_or_else(|| RigError::invalid(place, format!("componentType {code} is not one of glTF's")))
    }

    fn base(&self, index: usize, kind: &str, components: usize) -> Result<Option<Elements<'a>>, RigError> {
        let (accessor, place) = (self.accessor(index)?, place(index));
        if accessor.kind != kind {
            return Err(RigError::invalid(place, format!("is {}, but {kind} is needed here", accessor.kind)));
        }
        let component = self.component(&place, accessor.component_type)?;
        let form = (component, components, accessor.normalized);
        let elements = accessor
            .buffer_view
            .map(|view| self.elements(&place, view, accessor.byte_offset, accessor.count, form));
        elements.transpose()
    }

    /// The part of an accessor that its sparse substitution gives.
    fn sparse(&self, index: usize) -> Result<SparseVectors, RigError> {
        let (accessor, place) = (self.accessor(index)?, place(index));
        let Some(sparse) = &accessor.sparse else { return Ok(SparseVectors::default()) };
        let index_form = (self.component(&place, sparse.indices.component_type)?, 1, false);
        let value_form = (self.component(&place, accessor.component_type)?, 3, accessor.normalized);
        let (from, to) = (&sparse.indices, &sparse.values);
        let indices = self.elements(&place, from.buffer_view, from.byte_offset, sparse.count, index_form)?;
        let values = self.elements(&place, to.buffer_view, to.byte_offset, sparse.count, value_form)?;
        let indices: Vec<u32> = (0..indices.count).map(|element| indices.index(element)).collect();
        let rise = indices.is_sorted_by(|a, b| a < b);
        if !rise || indices.last().is_some_and(|last| *last as usize >= accessor.count) {
            return Err(RigError::invalid(
                place,
                "has sparse indices that do not rise or lie beyond its count",
            ));
        }
        Ok(SparseVectors {
            indices,
            values: (0..values.count).map(|element| values.vector(element)).collect(),
        })
    }

    /// Every vector of an accessor that has data of its own.
    pub(super) fn vectors(&self, index: usize) -> Result<Vec<[f32; 3]>, RigError> {
        let elements = self.base(index, "VEC3", 3)?.ok_or_else(|| {
            RigError::invalid(place(index), "has no data (is the mesh compressed?); export it uncompressed")
        })?;
        let mut vectors: Vec<[f32; 3]> =
            (0..elements.count).map(|element| elements.vector(element)).collect();
        let changes = self.sparse(index)?;
        for (vertex, value) in changes.indices.iter().zip(changes.values) {
            vectors[*vertex as usize] = value;
        }
        finite(index, &vectors)?;
        Ok(vectors)
    }

    /// The vectors of an accessor that are not zero.
    pub(super) fn moved(&self, index: usize) -> Result<SparseVectors, RigError> {
        let Some(elements) = self.base(index, "VEC3", 3)? else {
            let mut moved = self.sparse(index)?;
            finite(index, &moved.values)?;
            drop_zeros(&mut moved);
            return Ok(moved);
        };
        if u32::try_from(elements.count).is_err() {
            return Err(RigError::invalid(place(index), "has more elements than vertices can be counted"));
        }
        if self.accessor(index)?.sparse.is_some() {
            let values = self.vectors(index)?;
            let mut moved = SparseVectors { indices: (0..values.len() as u32).collect(), values };
            drop_zeros(&mut moved);
            return Ok(moved);
        }
        let mut moved = SparseVectors::default();
        for element in 0..elements.count {
            let value = elements.vector(element);
            if value != [0.0; 3] {
                moved.indices.push(element as u32);
                moved.values.push(value);
            }
        }
        finite(index, &moved.values)?;
        Ok(moved)
    }

    /// Triangle corners, each below `vertices`.
    pub(super) fn corners(&self, index: usize, vertices: usize) -> Result<Vec<u32>, RigError> {
        let is_integer = |elements: &Elements<'_>| elements.component != Component::F32;
        let elements = self.base(index, "SCALAR", 1)?.filter(is_integer).ok_or_else(|| {
            RigError::invalid(place(index), "holds no triangle indices; export the mesh uncompressed")
        })?;
        let corners: Vec<u32> = (0..elements.count).map(|element| elements.index(element)).collect();
        match corners.iter().find(|corner| **corner as usize >= vertices) {
            None => Ok(corners),
            Some(corner) => {
                let message = format!("points at vertex {corner} of a mesh of {vertices}");
                Err(RigError::invalid(place(index), message))
            }
        }
    }

    /// The first 4 x 4 matrix, column by column.
    pub(super) fn first_matrix(&self, index: usize) -> Result<Option<[f32; 16]>, RigError> {
        let elements = self.base(index, "MAT4", 16)?.filter(|elements| elements.count > 0);
        let matrix = elements.map(|elements| std::array::from_fn(|part| elements.number(0, part)));
        Ok(matrix.filter(|matrix: &[f32; 16]| matrix.iter().all(|part| part.is_finite())))
    }
}

fn place(index: usize) -> String {
    format!("accessors[{index}]")
}

fn finite(index: usize, vectors: &[[f32; 3]]) -> Result<(), RigError> {
    if vectors.as_flattened().iter().all(|part| part.is_finite()) {
        return Ok(());
    }
    Err(RigError::invalid(place(index), "holds a number that is not finite; export the file again"))
}

fn drop_zeros(moved: &mut SparseVectors) {
    let kept: Vec<bool> = moved.values.iter().map(|value| *value != [0.0; 3]).collect();
    let mut keep = kept.iter().copied();
    moved.indices.retain(|_| keep.next().unwrap_or(false));
    let mut keep = kept.iter().copied();
    moved.values.retain(|_| keep.next().unwrap_or(false));
}
