//! The opening between the inner lips of a head with ARKit morph targets.

use esarm_values::{ARKIT_SHAPES, Track, arkit_index};
use std::error::Error;
use std::path::Path;

/// Landmarks (iBUG 68) of the upper and the lower inner lip, paired.
const LIP_PAIRS: [(usize, usize); 3] = [(61, 67), (62, 66), (63, 65)];

/// How far each shape moves the lips apart.
pub(crate) struct Lips {
    /// Vertical distance of each pair at rest.
    rest: [f32; 3],
    /// Change of it by each shape at weight 1.
    shapes: [[f32; 3]; ARKIT_SHAPES.len()],
}

impl Lips {
    /// Reads `ict_head.glb` and `landmarks.json` of a folder.
    pub(crate) fn read(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let file = std::fs::read(folder.join("ict_head.glb"))?;
        // The loader refuses sparse accessors without a buffer view, which glTF allows: zeros with some values.
        let gltf::Gltf { document, blob } = gltf::Gltf::from_slice_without_validation(&file)?;
        let blob = blob.ok_or("no binary chunk")?;
        let landmarks: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(folder.join("landmarks.json"))?)?;
        let vertex = |landmark: usize| {
            landmarks["vertices"][landmark]
                .as_u64()
                .map(|index| index as usize)
                .ok_or("landmarks.json: no vertices")
        };
        let mesh =
            document.meshes().find(|mesh| mesh.extras().is_some()).ok_or("no mesh with target names")?;
        let extras: serde_json::Value =
            serde_json::from_str(mesh.extras().as_ref().ok_or("no target names")?.get())?;
        let names: Vec<String> = serde_json::from_value(extras["targetNames"].clone())?;
        let primitive = mesh.primitives().next().ok_or("no primitive")?;
        let reader = primitive.reader(|_| Some(blob.as_slice()));
        let positions: Vec<[f32; 3]> = reader.read_positions().ok_or("no positions")?.collect();
        let heights = |points: &[[f32; 3]]| -> Result<[f32; 3], Box<dyn Error>> {
            let mut heights = [0.0; 3];
            for (height, (upper, lower)) in heights.iter_mut().zip(LIP_PAIRS) {
                *height = points[vertex(upper)?][1] - points[vertex(lower)?][1];
            }
            Ok(heights)
        };
        let mut shapes = [[0.0; 3]; ARKIT_SHAPES.len()];
        for (name, (offsets, _, _)) in names.iter().zip(reader.read_morph_targets()) {
            if let (Some(index), Some(offsets)) = (arkit_index(name), offsets) {
                shapes[index] = heights(&offsets.collect::<Vec<_>>())?;
            }
        }
        Ok(Self { rest: heights(&positions)?, shapes })
    }

    /// Mean vertical distance of the lip pairs, relative to that at `jawOpen` 1, of every frame of 52 shapes.
    pub(crate) fn gaps(&self, motion: &Track) -> Vec<f32> {
        (0..motion.frame_count()).map(|frame| self.gap(motion.frame(frame))).collect()
    }

    /// [`Lips::gaps`] of one frame.
    pub(crate) fn gap(&self, weights: &[f32]) -> f32 {
        let mut jaw = [0.0; ARKIT_SHAPES.len()];
        jaw[arkit_index("jawOpen").unwrap_or(0)] = 1.0;
        self.distance(weights) / self.distance(&jaw)
    }

    fn distance(&self, weights: &[f32]) -> f32 {
        let distance = |pair: usize| {
            let moved: f32 =
                self.shapes.iter().zip(weights).map(|(shape, weight)| shape[pair] * weight).sum();
            (self.rest[pair] + moved).abs()
        };
        (0..LIP_PAIRS.len()).map(distance).sum::<f32>() / LIP_PAIRS.len() as f32
    }
}
