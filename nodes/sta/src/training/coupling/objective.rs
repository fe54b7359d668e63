//! The losses of coupled examples.

use super::grid::{COUPLED_FRAMES, CoupledBatch};
use super::model::CoupledModel;
use crate::generator::channels::{CONTENT_COUNT, SHAPE_COUNT};
use crate::generator::compose_tensors::TensorComposer;
use crate::generator::features::STACK_COUNT;
use crate::generator::prosody::PROSODY_COUNT;
use crate::training::TrainingError;
use burn::tensor::{Device, Tensor, TensorData, activation};
use esarm_kernels::morph::{MorphMesh, SparseMorph, SparseTarget, morph_positions};
use esarm_values::{ARKIT_SHAPES, EMOTIONS, Rig};

/// How much each term of the loss counts; 0 leaves it out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossWeights {
    /// The clip's own face.
    pub own: f32,
    /// Faces with the emotion or the content of another clip.
    pub cross: f32,
    /// Differences of neighbouring frames of all of these.
    pub velocity: f32,
    /// Cross-entropy of the emotion in the mean face.
    pub classes: f32,
    /// Own and crossed faces on a rig's skin, by square millimetre; counts only where there is a rig.
    pub vertex: f32,
}

impl Default for LossWeights {
    fn default() -> Self {
        Self { own: 20.0, cross: 20.0, velocity: 100.0, classes: 0.02, vertex: 0.5 }
    }
}

/// Names of the terms, in their order.
pub(in crate::training) const COUPLED_TERMS: [&str; 5] = ["self", "cross", "velocity", "classes", "vertex"];

/// The part of a rig on which faces are compared.
#[derive(Clone, Debug)]
pub struct SkinLoss {
    mesh: MorphMesh,
}

const MILLIMETRES: f32 = 1000.0;

impl SkinLoss {
    /// Up to `vertices` of the rig's mesh with the most ARKit shapes, evenly chosen from those that any shape moves, on
    /// `device`. Shapes that the rig does not have move nothing.
    ///
    /// # Errors
    /// When the rig has no mesh with ARKit shapes.
    pub fn new(rig: &Rig, vertices: usize, device: &Device) -> Result<Self, TrainingError> {
        let fail = |what: String| TrainingError::Corpus(format!("rig {:?}: {what}", rig.name));
        let named = |mesh: &&esarm_values::Mesh| {
            mesh.morphs.iter().filter(|morph| esarm_values::arkit_index(&morph.name).is_some()).count()
        };
        let mesh = rig.meshes.iter().max_by_key(named).filter(|mesh| named(mesh) > 0);
        let mesh = mesh.ok_or_else(|| fail("no mesh has morph targets with ARKit names".to_owned()))?;
        let targets = ARKIT_SHAPES.map(|shape| {
            let morph = mesh.morphs.iter().find(|morph| morph.name.eq_ignore_ascii_case(shape));
            morph.map_or_else(SparseTarget::default, |morph| SparseTarget {
                indices: &morph.indices,
                position_offsets: &morph.position_offsets,
                normal_offsets: &[],
            })
        });
        let mut moved: Vec<u32> = targets.iter().flat_map(|target| target.indices.iter().copied()).collect();
        moved.sort_unstable();
        moved.dedup();
        let step = moved.len().div_ceil(vertices.max(1)).max(1);
        let chosen: Vec<u32> = moved.into_iter().step_by(step).collect();
        let morph = SparseMorph::new(&mesh.positions, &mesh.normals, targets.to_vec())
            .map_err(|error| fail(error.to_string()))?;
        let mesh =
            MorphMesh::of_vertices(&morph, &chosen, device).map_err(|error| fail(error.to_string()))?;
        Ok(Self { mesh })
    }

    /// Mean square distance of the skins of two sets of faces in mm², weighted by `judged`: all `[frames, ..]`.
    fn distance(
        &self,
        faces: Tensor<2>,
        truth: Tensor<2>,
        judged: &Tensor<2>,
    ) -> Result<Tensor<1>, TrainingError> {
        let position = |faces| {
            morph_positions(faces, &self.mesh).map_err(|error| TrainingError::Generator(error.into()))
        };
        let apart = (position(faces)? - position(truth)?) * MILLIMETRES;
        let vertices = self.mesh.vertex_count().max(1) as f32;
        let squares = apart.square().sum_dims_squeeze::<1, usize>(&[1, 2]) / vertices;
        let count = judged.clone().sum().clamp_min(1.0);
        Ok((squares.unsqueeze_dim(1) * judged.clone()).sum() / count)
    }
}

/// A batch on a device.
struct Inputs {
    stacks: Tensor<3>,
    partner_stacks: Tensor<3>,
    warp: Tensor<3>,
    prosody: Tensor<3>,
    own_emotion: Tensor<3>,
    other_emotion: Tensor<3>,
    seal: Tensor<3>,
    own_face: Tensor<3>,
    other_face: Tensor<3>,
    own_judged: Tensor<3>,
    other_judged: Tensor<3>,
    warp_judged: Tensor<3>,
}

/// A face that the model made, the face it should be, and where that counts: `[rows, frames, ..]`.
struct Attempt {
    made: Tensor<3>,
    truth: Tensor<3>,
    judged: Tensor<3>,
}

/// The losses, prepared on a device.
pub(in crate::training) struct Objective {
    device: Device,
    composer: TensorComposer,
    skin: Option<SkinLoss>,
    weights: LossWeights,
    /// The trunk of the content network is left as it is.
    frozen_trunk: bool,
}

impl Objective {
    pub(in crate::training) fn new(
        weights: LossWeights,
        skin: Option<SkinLoss>,
        frozen_trunk: bool,
        device: &Device,
    ) -> Self {
        let composer = TensorComposer::new(device);
        Self { device: device.clone(), composer, skin, weights, frozen_trunk }
    }

    /// Whether faces are compared on a rig's skin.
    pub(in crate::training) fn has_skin(&self) -> bool {
        self.skin.is_some()
    }

    /// The weighted terms in the order of [`COUPLED_TERMS`], each a number on the device.
    pub(in crate::training) fn terms(
        &self,
        model: &CoupledModel,
        mut batch: CoupledBatch,
    ) -> Result<Vec<Tensor<1>>, TrainingError> {
        let own_label = std::mem::take(&mut batch.own_label);
        let other_label = std::mem::take(&mut batch.other_label);
        let inputs = self.inputs(batch);
        let said = self.postures(model, &inputs.stacks);
        let partner = self.postures(model, &inputs.partner_stacks);
        let warped = inputs.warp.clone().matmul(partner);
        let felt = model.expression.forward(inputs.own_emotion, &inputs.prosody);
        let other = model.expression.forward(inputs.other_emotion, &inputs.prosody);
        let face = |postures: &Tensor<3>, offsets: &Tensor<3>| {
            self.composer.compose(postures, offsets, &inputs.seal)
        };
        let own =
            Attempt { made: face(&said, &felt), truth: inputs.own_face.clone(), judged: inputs.own_judged };
        let crossed = [
            Attempt { made: face(&said, &other), truth: inputs.other_face, judged: inputs.other_judged },
            Attempt { made: face(&warped, &felt), truth: inputs.own_face, judged: inputs.warp_judged },
        ];
        let [emotion, voice] = &crossed;
        let all = [&own, emotion, voice];
        let weights = &self.weights;
        Ok(vec![
            own.error() * weights.own,
            (emotion.error() + voice.error()) * (0.5 * weights.cross),
            sum(all.map(Attempt::velocity_error)) * (weights.velocity / 3.0),
            (self.surprise(model, &own, &own_label) + self.surprise(model, emotion, &other_label))
                * (0.5 * weights.classes),
            match &self.skin {
                Some(skin) if weights.vertex > 0.0 => {
                    let [own, emotion, voice] = all.map(|attempt| attempt.on_skin(skin));
                    sum([own?, emotion?, voice?]) * (weights.vertex / 3.0)
                }
                _ => Tensor::zeros([1], &self.device),
            },
        ])
    }

    /// The reading of the mouth that labels teach: `[rows, frames, CONTENT_COUNT]`.
    fn postures(&self, model: &CoupledModel, stacks: &Tensor<3>) -> Tensor<3> {
        let trunk = model.content.trunk(stacks);
        let trunk = if self.frozen_trunk { trunk.detach() } else { trunk };
        model.content.read(trunk).narrow(2, CONTENT_COUNT, CONTENT_COUNT)
    }

    /// Mean surprise of the classifier at the emotions that faces should show.
    fn surprise(&self, model: &CoupledModel, attempt: &Attempt, labels: &[Option<usize>]) -> Tensor<1> {
        let rows = labels.len();
        let mut wanted = vec![0.0; rows * EMOTIONS.len()];
        for (row, label) in labels.iter().enumerate() {
            if let Some(label) = label {
                wanted[row * EMOTIONS.len() + label] = 1.0;
            }
        }
        let known = labels.iter().flatten().count().max(1) as f32;
        let wanted = Tensor::<2>::from_data(TensorData::new(wanted, [rows, EMOTIONS.len()]), &self.device);
        let counts = attempt.judged.clone().sum_dim(1).clamp_min(1.0);
        let mean = (attempt.made.clone() * attempt.judged.clone()).sum_dim(1) / counts;
        let scores = activation::log_softmax(model.classify(mean.squeeze_dim(1)), 1);
        (scores * wanted).sum() / -known
    }

    fn inputs(&self, batch: CoupledBatch) -> Inputs {
        let rows = batch.rows;
        let tensor = |values: Vec<f32>, width: usize| {
            Tensor::<3>::from_data(TensorData::new(values, [rows, COUPLED_FRAMES, width]), &self.device)
        };
        Inputs {
            stacks: tensor(batch.stacks, STACK_COUNT),
            partner_stacks: tensor(batch.partner_stacks, STACK_COUNT),
            warp: tensor(batch.warp, COUPLED_FRAMES),
            prosody: tensor(batch.prosody, PROSODY_COUNT),
            own_emotion: tensor(batch.own_emotion, EMOTIONS.len()),
            other_emotion: tensor(batch.other_emotion, EMOTIONS.len()),
            seal: tensor(batch.seal, 1),
            own_face: tensor(batch.own_face, SHAPE_COUNT),
            other_face: tensor(batch.other_face, SHAPE_COUNT),
            own_judged: tensor(batch.own_judged, 1),
            other_judged: tensor(batch.other_judged, 1),
            warp_judged: tensor(batch.warp_judged, 1),
        }
    }
}

impl Attempt {
    /// Mean over judged frames of the squared error summed over shapes.
    fn error(&self) -> Tensor<1> {
        let errors = (self.made.clone() - self.truth.clone()).square() * self.judged.clone();
        errors.sum() / self.judged.clone().sum().clamp_min(1.0)
    }

    /// The same of differences of neighbouring frames.
    fn velocity_error(&self) -> Tensor<1> {
        let before = |tensor: &Tensor<3>| tensor.clone().narrow(1, 0, COUPLED_FRAMES - 1);
        let after = |tensor: &Tensor<3>| tensor.clone().narrow(1, 1, COUPLED_FRAMES - 1);
        let apart = self.made.clone() - self.truth.clone();
        let judged = before(&self.judged) * after(&self.judged);
        let errors = (after(&apart) - before(&apart)).square() * judged.clone();
        errors.sum() / judged.sum().clamp_min(1.0)
    }

    fn on_skin(&self, skin: &SkinLoss) -> Result<Tensor<1>, TrainingError> {
        let frames = |tensor: &Tensor<3>| {
            let [rows, frames, width] = tensor.dims();
            tensor.clone().reshape([rows * frames, width])
        };
        skin.distance(frames(&self.made), frames(&self.truth), &frames(&self.judged))
    }
}

fn sum([first, second, third]: [Tensor<1>; 3]) -> Tensor<1> {
    first + second + third
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::Generator;
    use crate::generator::weights::Weights;
    use crate::training::corpus::{read_corpus, tests::small_corpus};
    use crate::training::coupling::Grid;
    use esarm_kernels::random::Random;
    use esarm_values::{Mesh, MorphTarget};

    /// Three vertices, of which `jawOpen` moves one by 10 mm and `mouthPucker` another by 5 mm.
    fn rig() -> Rig {
        let morph = |name: &str, index: u32, offset: [f32; 3]| MorphTarget {
            name: name.to_owned(),
            indices: vec![index],
            position_offsets: vec![offset],
            normal_offsets: Vec::new(),
        };
        let mesh = Mesh {
            positions: vec![[0.0; 3]; 3],
            normals: vec![[0.0, 0.0, 1.0]; 3],
            morphs: vec![morph("jawOpen", 0, [0.0, -0.01, 0.0]), morph("mouthPucker", 2, [0.0, 0.0, 0.005])],
            ..Mesh::default()
        };
        Rig { name: "three".to_owned(), meshes: vec![mesh], ..Rig::default() }
    }

    fn faces(frames: &[[f32; SHAPE_COUNT]]) -> Tensor<2> {
        let values: Vec<f32> = frames.iter().flatten().copied().collect();
        Tensor::from_data(TensorData::new(values, [frames.len(), SHAPE_COUNT]), &Device::flex())
    }

    #[test]
    fn skin_distance_is_in_square_millimetres_of_judged_frames() {
        let skin = SkinLoss::new(&rig(), 100, &Device::flex()).unwrap();
        let mut open = [0.0; SHAPE_COUNT];
        open[esarm_values::arkit_index("jawOpen").unwrap()] = 0.5;
        let judged = Tensor::<2>::from_floats([[1.0], [0.0]], &Device::flex());
        let rest = [0.0; SHAPE_COUNT];
        let distance = skin.distance(faces(&[open, open]), faces(&[rest, rest]), &judged).unwrap();
        // Half of 10 mm on one of the two vertices that move.
        assert!((distance.into_scalar::<f32>() - 12.5).abs() < 1e-3);
        let told = SkinLoss::new(&Rig::default(), 100, &Device::flex()).map(|_| ()).unwrap_err().to_string();
        assert!(told.contains("ARKit"), "{told}");
    }

    #[test]
    fn every_term_is_a_number_and_the_rules_are_near_their_own_faces() {
        let folder = small_corpus("objective");
        let weights = Weights::from_bytes(crate::generator::EMBEDDED_WEIGHTS).unwrap();
        let heard = Generator::new(weights.clone(), &Device::flex()).unwrap();
        let grid = Grid::new(read_corpus(&folder).unwrap(), Vec::new(), &heard).unwrap();
        let skin = SkinLoss::new(&rig(), 100, &Device::flex()).unwrap();
        let ones = LossWeights { own: 1.0, cross: 1.0, velocity: 1.0, classes: 1.0, vertex: 1.0 };
        let objective = Objective::new(ones, Some(skin), false, &Device::flex());
        let terms = |expression: &[crate::generator::network::DenseWeights]| -> Vec<f32> {
            let parameters = CoupledModel::parameters_of(&weights.content, expression);
            let model = CoupledModel::new(&parameters, &Device::flex());
            let batch = grid.batch(2, Random::new(1, 0)).unwrap();
            let terms = objective.terms(&model, batch).unwrap();
            terms.into_iter().map(|term| term.into_scalar::<f32>()).collect()
        };
        let taught = terms(&weights.expression);
        assert_eq!(taught.len(), COUPLED_TERMS.len());
        assert!(taught.iter().all(|term| term.is_finite() && *term > 0.0), "{taught:?}");
        // A classifier that knows nothing is as surprised as chance.
        assert!((taught[3] - (EMOTIONS.len() as f32).ln()).abs() < 1e-4, "{taught:?}");
        let mut expressionless = weights.expression.clone();
        expressionless[2].weight.fill(0.0);
        let blank = terms(&expressionless);
        assert!(blank[0] > 2.0 * taught[0] && blank[1] > 2.0 * taught[1], "{taught:?} {blank:?}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
