//! A small known task for every kernel: whether a device computes what it should.
//!
//! On the processor the mean and the mean square of the answer are compared with recorded ones, on other devices every
//! value with that of the processor. Who runs a task can time it, reading back included.

use crate::KernelError;
use crate::banded_attention::{Attended, Band, alibi_slopes, banded_attention};
use crate::correlation::moments;
use crate::devices::{cpu, read};
use crate::log_mel::{LogMel, LogMelSettings};
use crate::morph::{MorphMesh, SparseMorph, SparseTarget, morph_positions};
use crate::perturb::{Draw, OrnsteinUhlenbeck, ornstein_uhlenbeck};
use crate::pitch::PitchSettings;
use crate::preference::preference_loss;
use crate::prosody::Prosody;
use crate::quantize::nearest_codes;
use crate::random::Random;
use crate::resample::{ResampleSettings, Resampler};
use crate::returns::{Episodes, discounted_returns};
use crate::sphere::spherical_of;
use crate::temporal_filter::{SavitzkyGolay, TemporalFilter, temporal_filter};
use crate::vertex_metrics::lip_gap_mm;
use burn::tensor::{Device, Tensor, TensorData};

/// A task of one kernel.
#[derive(Clone, Copy)]
pub struct Task {
    /// The kernel.
    pub kernel: &'static str,
    /// Bytes that it reads and writes.
    pub bytes: usize,
    /// How far a value may be off: of 1, or of the expected value where that is larger.
    tolerance: f32,
    /// Mean and mean square of the answer.
    expected: [f64; 2],
    prepare: fn(&Device) -> Result<Call, KernelError>,
}

/// Computes the answer of a prepared task.
pub type Call = Box<dyn Fn() -> Result<Vec<f32>, KernelError>>;

impl Task {
    /// Puts the task's inputs on a device.
    ///
    /// # Errors
    /// When the device fails.
    pub fn prepare(&self, device: &Device) -> Result<Call, KernelError> {
        (self.prepare)(device)
    }

    /// Compares an answer that was computed on `device`; says what is wrong with it.
    ///
    /// # Errors
    /// When the answer is another than the expected one, or the processor fails.
    pub fn check(&self, device: &Device, answer: &[f32]) -> Result<(), String> {
        if *device == cpu() {
            return self.check_moments(answer);
        }
        let expected = self.prepare(&cpu()).and_then(|call| call()).map_err(|error| error.to_string())?;
        if answer.len() != expected.len() {
            return Err(format!("{} values came back, not {}", answer.len(), expected.len()));
        }
        let close = |a: f32, b: f32| (a - b).abs() <= self.tolerance * b.abs().max(1.0);
        match answer.iter().zip(&expected).position(|(a, b)| !close(*a, *b)) {
            Some(at) => Err(format!("value {at} is {}, on the processor {}", answer[at], expected[at])),
            None => Ok(()),
        }
    }

    fn check_moments(&self, answer: &[f32]) -> Result<(), String> {
        let found = moments_of(answer);
        let close = |a: f64, b: f64| (a - b).abs() <= f64::from(self.tolerance) * b.abs().max(1e-3);
        if close(found[0], self.expected[0]) && close(found[1], self.expected[1]) {
            return Ok(());
        }
        Err(format!("mean and mean square are {found:?}, not {:?}", self.expected))
    }
}

fn moments_of(values: &[f32]) -> [f64; 2] {
    let count = values.len().max(1) as f64;
    let sum = |power: i32| values.iter().map(|value| f64::from(*value).powi(power)).sum::<f64>();
    [sum(1) / count, sum(2) / count]
}

/// Every kernel's task.
pub const TASKS: [Task; 13] = [
    Task {
        kernel: "banded_attention",
        bytes: 4 * 4 * 4 * 300 * 32,
        tolerance: 1e-3,
        expected: [0.01153322, 0.1095549],
        prepare: attention_task,
    },
    Task {
        kernel: "correlation",
        bytes: 4 * 2000 * 60,
        tolerance: 1e-3,
        expected: [0.0180975, 0.01968209],
        prepare: correlation_task,
    },
    Task {
        kernel: "log_mel",
        bytes: 4 * (32_000 + 200 * 80),
        tolerance: 1e-2,
        expected: [-3.542878, 16.87306],
        prepare: log_mel_task,
    },
    Task {
        kernel: "morph",
        bytes: mesh_bytes(5000) + 4 * 60 * (9 + 3 * 5000),
        tolerance: 1e-4,
        expected: [0.5002096, 3.071051],
        prepare: morph_task,
    },
    Task {
        kernel: "perturb",
        bytes: 8 * 3000 * 52,
        tolerance: 1e-3,
        expected: [0.1291856, 1.852467],
        prepare: perturb_task,
    },
    Task {
        kernel: "preference",
        bytes: 12 * 64 * 32,
        tolerance: 1e-3,
        expected: [0.911824, 0.831423],
        prepare: preference_task,
    },
    Task {
        kernel: "prosody",
        bytes: 4 * (32_000 + 200 * 6),
        tolerance: 1e-2,
        expected: [0.4444583, 1.317642],
        prepare: prosody_task,
    },
    Task {
        kernel: "quantize",
        bytes: 4 * ((1000 + 128) * 32 + 1000),
        tolerance: 0.0,
        expected: [65.392, 5622.636],
        prepare: quantize_task,
    },
    Task {
        kernel: "resample",
        bytes: 4 * (96_000 + 32_000),
        tolerance: 1e-4,
        expected: [0.02002766, 0.03374015],
        prepare: resample_task,
    },
    Task {
        kernel: "returns",
        bytes: 8 * 256 * 300,
        tolerance: 1e-3,
        expected: [-0.1462449, 23.52256],
        prepare: returns_task,
    },
    Task {
        kernel: "sphere",
        bytes: 24 * 100_000,
        tolerance: 1e-3,
        expected: [1.055707, 3.08087],
        prepare: sphere_task,
    },
    Task {
        kernel: "temporal_filter",
        bytes: 8 * 3000 * 52,
        tolerance: 1e-4,
        expected: [0.002615678, 0.2084523],
        prepare: filter_task,
    },
    Task {
        kernel: "vertex_metrics",
        bytes: mesh_bytes(600) + 4 * 60 * (9 + 1),
        tolerance: 1e-3,
        expected: [2739.343, 7834422.0],
        prepare: vertex_task,
    },
];

/// Usual sizes of the channels of prosody: Hz, voicing, decibels, Hz, flux, syllables a second.
const PROSODY_SCALES: [f32; 6] = [100.0, 1.0, 10.0, 1000.0, 0.1, 5.0];

/// Bytes of a [`mesh`]: positions, and of three targets a vertex's index and its way.
const fn mesh_bytes(vertices: usize) -> usize {
    vertices * (12 + 3 * 16)
}

/// Random normal numbers of a shape on a device: the same on each.
fn normal<const D: usize>(shape: [usize; D], stream: u64, device: &Device) -> Tensor<D> {
    let random = Random::new(1, stream);
    let values: Vec<f32> = (0..shape.iter().product::<usize>() as u64).map(|at| random.normal(at)).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

/// Clips of a voice-like pulse train, `[clips, samples]`.
fn voices(clips: usize, samples: usize, sample_rate_hz: f32, device: &Device) -> Tensor<2> {
    let pulse = |clip: usize, at: usize| {
        let hz = 110.0 + 37.0 * clip as f32;
        if (at as f32 * hz / sample_rate_hz).fract() < 0.3 { 0.3 } else { -0.1 }
    };
    let values: Vec<f32> =
        (0..clips * samples).map(|index| pulse(index / samples, index % samples)).collect();
    Tensor::from_data(TensorData::new(values, [clips, samples]), device)
}

fn attention_task(device: &Device) -> Result<Call, KernelError> {
    let shape = [1, 4, 300, 32];
    let [queries, keys, values] = [0, 1, 2].map(|stream| normal(shape, stream, device));
    let slopes = Tensor::from_data(TensorData::new(alibi_slopes(4), [4]), device);
    let band = Band { before_frames: 20, after_frames: 5, first_query: 0 };
    Ok(Box::new(move || {
        let attended = Attended { keys: keys.clone(), values: values.clone(), slopes: slopes.clone() };
        read(banded_attention(queries.clone(), attended, band)?)
    }))
}

fn correlation_task(device: &Device) -> Result<Call, KernelError> {
    let (tracks, weights) = (normal([2000, 52], 3, device), normal([2000, 8], 4, device).abs());
    Ok(Box::new(move || {
        let covariances = moments(tracks.clone(), weights.clone())?.covariances(0)?;
        Ok(covariances.iter().map(|value| *value as f32).collect())
    }))
}

fn log_mel_task(device: &Device) -> Result<Call, KernelError> {
    let transform = LogMel::new(&LogMelSettings::default())?;
    let clips = voices(2, 16_000, 16_000.0, device) + normal([2, 16_000], 5, device) * 0.01;
    Ok(Box::new(move || read(transform.of_clips(clips.clone()))))
}

/// A mesh of some vertices with nine targets, each of which moves every third vertex.
fn mesh(vertices: u32, device: &Device) -> Result<MorphMesh, KernelError> {
    let random = Random::new(1, 6);
    let indices: Vec<Vec<u32>> = (0..9).map(|target| (target % 3..vertices).step_by(3).collect()).collect();
    let offset = |target: u64, vertex: u32| {
        std::array::from_fn(|axis| random.split(target).normal(u64::from(vertex) * 3 + axis as u64))
    };
    let offsets: Vec<Vec<[f32; 3]>> = indices
        .iter()
        .zip(0..)
        .map(|(moved, target)| moved.iter().map(|it| offset(target, *it)).collect())
        .collect();
    let targets = indices.iter().zip(&offsets).map(|(indices, offsets)| SparseTarget {
        indices,
        position_offsets: offsets,
        normal_offsets: &[],
    });
    let (positions, normals) = (vec![[0.5; 3]; vertices as usize], vec![[0.0, 0.0, 1.0]; vertices as usize]);
    let morph = SparseMorph::new(&positions, &normals, targets.collect());
    let morph = morph.map_err(|error| KernelError::Setting {
        name: "mesh",
        found: error.to_string(),
        allowed: "offsets that fit".to_owned(),
    })?;
    Ok(MorphMesh::new(&morph, device))
}

fn morph_task(device: &Device) -> Result<Call, KernelError> {
    let (mesh, weights) = (mesh(5000, device)?, normal([60, 9], 7, device));
    Ok(Box::new(move || read(morph_positions(weights.clone(), &mesh)?)))
}

fn vertex_task(device: &Device) -> Result<Call, KernelError> {
    let (pairs, weights) = (mesh(600, device)?, normal([60, 9], 8, device));
    Ok(Box::new(move || read(lip_gap_mm(weights.clone(), &pairs)?)))
}

fn perturb_task(device: &Device) -> Result<Call, KernelError> {
    let (track, deviations) = (normal([3000, 52], 9, device), Tensor::ones([52], device));
    let draw = Draw { seed: 1, strength: 0.5, first_frame: 0 };
    Ok(Box::new(move || {
        let noise = OrnsteinUhlenbeck::default();
        read(ornstein_uhlenbeck(track.clone(), deviations.clone(), noise, draw)?)
    }))
}

fn preference_task(device: &Device) -> Result<Call, KernelError> {
    let [rewards, ranks] = [10, 11].map(|stream| normal([64, 32], stream, device));
    Ok(Box::new(move || read(preference_loss(rewards.clone(), ranks.clone())?)))
}

fn prosody_task(device: &Device) -> Result<Call, KernelError> {
    let analysis = Prosody::new(&PitchSettings::default())?;
    let clips = voices(2, 16_000, 16_000.0, device);
    // Each channel at a scale of about one, so that an error in any of them shows.
    let scales = Tensor::<3>::from_data([[PROSODY_SCALES]], device);
    Ok(Box::new(move || read(analysis.of_clips(clips.clone())? / scales.clone())))
}

fn quantize_task(device: &Device) -> Result<Call, KernelError> {
    let (vectors, codebook) = (normal([1000, 32], 12, device), normal([128, 32], 13, device));
    Ok(Box::new(move || read(nearest_codes(vectors.clone(), codebook.clone())?.float())))
}

fn resample_task(device: &Device) -> Result<Call, KernelError> {
    let resampler = Resampler::new(&ResampleSettings::between(48_000, 16_000))?;
    let clips = voices(2, 48_000, 48_000.0, device);
    Ok(Box::new(move || read(resampler.of_clips(clips.clone()))))
}

fn returns_task(device: &Device) -> Result<Call, KernelError> {
    let episodes = Episodes {
        rewards: normal([256, 300], 14, device),
        goes_on: Tensor::ones([256, 300], device),
        after: Tensor::zeros([256], device),
    };
    Ok(Box::new(move || read(discounted_returns(&episodes, 0.98)?)))
}

fn sphere_task(device: &Device) -> Result<Call, KernelError> {
    let points = normal([100_000, 3], 15, device);
    Ok(Box::new(move || read(spherical_of(points.clone())?)))
}

fn filter_task(device: &Device) -> Result<Call, KernelError> {
    let motion = normal([3000, 52], 16, device);
    let filter = TemporalFilter::SavitzkyGolay(vec![SavitzkyGolay { window_frames: 11, order: 3 }]);
    Ok(Box::new(move || read(temporal_filter(motion.clone(), &filter)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_passes_and_wrong_answers_do_not() {
        for task in TASKS {
            let mut answer = task.prepare(&cpu()).unwrap()().unwrap();
            assert_eq!(task.check(&cpu(), &answer), Ok(()), "{}", task.kernel);
            answer.iter_mut().for_each(|value| *value = 1.1 * *value + 0.1);
            assert!(task.check(&cpu(), &answer).is_err(), "{}", task.kernel);
        }
    }

    #[test]
    fn every_kernel_has_a_task() {
        let folders = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
        let mut kernels: Vec<String> = folders
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                let code = if path.is_dir() { path.join("mod.rs") } else { path.clone() };
                std::fs::read_to_string(code).is_ok_and(|code| code.contains("Dispatch::"))
            })
            .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
            // Pitch is a part of prosody.
            .filter(|name| !["pitch", "self_test"].contains(&name.as_str()))
            .collect();
        kernels.sort();
        assert_eq!(kernels, TASKS.map(|task| task.kernel));
    }
}
