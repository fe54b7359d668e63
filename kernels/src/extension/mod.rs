//! The one place where kernels meet Burn: a backend extension with an operation for each of them.
//!
//! Nodes and training call the functions of the kernels' modules, which check shapes and go through [`KernelOps`]: on
//! the processor it runs the plain-Rust twin, on a GPU the CubeCL kernel, and with gradients the backward pass.

mod devices;
mod gradients;

use crate::banded_attention::Band;
use crate::perturb::{Drift, Hold, Segments};
use crate::quantize::Draw;
use crate::random::Random;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, backend_extension};

/// The operations behind the kernels' functions. Shapes have been checked before.
#[backend_extension(Cube: cfg(feature = "gpu"), Flex, Autodiff)]
pub trait KernelOps: Backend {
    /// See [`crate::correlation`].
    fn moment_sums(tracks: FloatTensor<Self>, weights: FloatTensor<Self>) -> FloatTensor<Self>;
    /// See [`crate::quantize`].
    fn chosen_codes(
        vectors: FloatTensor<Self>,
        codebook: FloatTensor<Self>,
        draw: Option<Draw>,
    ) -> IntTensor<Self>;
    /// See [`crate::quantize`]: the codes, with the slopes going to the vectors.
    fn straight_through(vectors: FloatTensor<Self>, codes: FloatTensor<Self>) -> FloatTensor<Self>;
    /// See [`crate::banded_attention`]; the second result is the logarithm of each query's sum.
    fn banded_attention(
        queries: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        slopes: FloatTensor<Self>,
        band: Band,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
    /// See [`crate::banded_attention`]: the slopes in queries, keys and values.
    #[allow(clippy::too_many_arguments, reason = "the dispatch takes tensors one by one")]
    fn banded_attention_slopes(
        queries: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        slopes: FloatTensor<Self>,
        outputs: FloatTensor<Self>,
        log_sums: FloatTensor<Self>,
        upstream: FloatTensor<Self>,
        band: Band,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
    /// See [`crate::preference`].
    fn preference_losses(rewards: FloatTensor<Self>, ranks: FloatTensor<Self>) -> FloatTensor<Self>;
    /// See [`crate::preference`].
    fn preference_slopes(
        rewards: FloatTensor<Self>,
        ranks: FloatTensor<Self>,
        upstream: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
    /// See [`crate::returns`].
    fn reverse_scan(
        values: FloatTensor<Self>,
        factors: FloatTensor<Self>,
        after: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
    /// See [`crate::morph`].
    fn morph_vertices(
        weights: FloatTensor<Self>,
        base: FloatTensor<Self>,
        offsets: FloatTensor<Self>,
        by_vertex: IntTensor<Self>,
        by_target: IntTensor<Self>,
        unit_length: bool,
    ) -> FloatTensor<Self>;
    /// See [`crate::morph`].
    fn morph_weight_slopes(
        upstream: FloatTensor<Self>,
        offsets: FloatTensor<Self>,
        by_target: IntTensor<Self>,
        targets: usize,
    ) -> FloatTensor<Self>;
    /// See [`crate::sphere`].
    fn spherical_of(points: FloatTensor<Self>) -> FloatTensor<Self>;
    /// See [`crate::sphere`].
    fn cartesian_of(spherical: FloatTensor<Self>) -> FloatTensor<Self>;
    /// See [`crate::sphere`].
    fn slerp_path(keys: FloatTensor<Self>, positions: FloatTensor<Self>) -> FloatTensor<Self>;
    /// See [`crate::vertex_metrics`].
    fn displacement_distances(
        weights: FloatTensor<Self>,
        start: FloatTensor<Self>,
        offsets: FloatTensor<Self>,
        by_vertex: IntTensor<Self>,
    ) -> FloatTensor<Self>;
    /// See [`crate::vertex_metrics`].
    fn displacement_energies(
        weights: FloatTensor<Self>,
        offsets: FloatTensor<Self>,
        by_vertex: IntTensor<Self>,
        vertices: usize,
    ) -> FloatTensor<Self>;
    /// See [`crate::perturb`].
    fn perturb_white(
        track: FloatTensor<Self>,
        amounts: FloatTensor<Self>,
        random: Random,
        first_frame: i64,
    ) -> FloatTensor<Self>;
    /// See [`crate::perturb`].
    fn perturb_drift(
        track: FloatTensor<Self>,
        amounts: FloatTensor<Self>,
        random: Random,
        first_frame: i64,
        drift: Drift,
    ) -> FloatTensor<Self>;
    /// See [`crate::perturb`].
    fn perturb_replace(
        track: FloatTensor<Self>,
        bank: FloatTensor<Self>,
        random: Random,
        first_frame: i64,
        hold: Hold,
    ) -> FloatTensor<Self>;
    /// See [`crate::perturb`].
    fn perturb_rotate(emotion: FloatTensor<Self>, random: Random, segments: Segments) -> FloatTensor<Self>;
    /// See [`crate::perturb`].
    fn perturb_taps(
        track: FloatTensor<Self>,
        taps: FloatTensor<Self>,
        first: i64,
        frames: usize,
    ) -> FloatTensor<Self>;
    /// See [`crate::log_mel`].
    fn log_mel(
        samples: FloatTensor<Self>,
        transform: &crate::log_mel::LogMel,
        first_sample: i64,
        frames: std::ops::Range<i64>,
    ) -> FloatTensor<Self>;
    /// See [`crate::temporal_filter`].
    fn temporal_filter(
        values: FloatTensor<Self>,
        filter: &crate::temporal_filter::TemporalFilter,
    ) -> FloatTensor<Self>;
    /// See [`crate::resample`].
    fn resample(
        samples: FloatTensor<Self>,
        resampler: &crate::resample::Resampler,
        first_sample: i64,
        outputs: std::ops::Range<i64>,
    ) -> FloatTensor<Self>;
    /// See [`crate::pitch`].
    fn pitch_candidates(
        samples: FloatTensor<Self>,
        tracker: &crate::pitch::PitchTracker,
        first_sample: i64,
        frames: std::ops::Range<i64>,
    ) -> FloatTensor<Self>;
    /// See [`crate::prosody`].
    fn timbres(
        samples: FloatTensor<Self>,
        prosody: &crate::prosody::Prosody,
        first_sample: i64,
        frames: std::ops::Range<i64>,
    ) -> FloatTensor<Self>;
}
