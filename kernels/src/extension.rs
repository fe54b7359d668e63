//! The one place where kernels meet Burn: a backend extension with an operation for each of them.
//!
//! Nodes and training call the functions of the kernels' modules, which check shapes and go through [`KernelOps`]: on
//! the processor it runs the plain-Rust twin, on a GPU the CubeCL kernel, and with gradients the backward pass.

use crate::banded_attention::{Band, Forward};
use crate::perturb::{Drift, Hold, Segments};
use crate::quantize::Draw;
use crate::random::Random;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend, Flex, TensorMetadata, backend_extension};
#[cfg(feature = "gpu")]
use burn_cubecl::CubeBackend;

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

impl KernelOps for Flex {
    fn timbres(
        samples: FloatTensor<Self>,
        prosody: &crate::prosody::Prosody,
        first_sample: i64,
        frames: std::ops::Range<i64>,
    ) -> FloatTensor<Self> {
        crate::prosody::timbres_on_flex(samples, prosody, first_sample, frames)
    }

    fn pitch_candidates(
        samples: FloatTensor<Self>,
        tracker: &crate::pitch::PitchTracker,
        first_sample: i64,
        frames: std::ops::Range<i64>,
    ) -> FloatTensor<Self> {
        crate::pitch::pitch_candidates_on_flex(samples, tracker, first_sample, frames)
    }

    fn resample(
        samples: FloatTensor<Self>,
        resampler: &crate::resample::Resampler,
        first_sample: i64,
        outputs: std::ops::Range<i64>,
    ) -> FloatTensor<Self> {
        crate::resample::resample_on_flex(samples, resampler, first_sample, outputs)
    }

    fn temporal_filter(
        values: FloatTensor<Self>,
        filter: &crate::temporal_filter::TemporalFilter,
    ) -> FloatTensor<Self> {
        crate::temporal_filter::temporal_filter_on_flex(values, filter)
    }

    fn log_mel(
        samples: FloatTensor<Self>,
        transform: &crate::log_mel::LogMel,
        first_sample: i64,
        frames: std::ops::Range<i64>,
    ) -> FloatTensor<Self> {
        crate::log_mel::log_mel_on_flex(samples, transform, first_sample, frames)
    }

    fn moment_sums(tracks: FloatTensor<Self>, weights: FloatTensor<Self>) -> FloatTensor<Self> {
        crate::correlation::moments_on_flex(tracks, weights)
    }

    fn chosen_codes(
        vectors: FloatTensor<Self>,
        codebook: FloatTensor<Self>,
        draw: Option<Draw>,
    ) -> IntTensor<Self> {
        crate::quantize::codes_on_flex(vectors, codebook, draw)
    }

    fn straight_through(_vectors: FloatTensor<Self>, codes: FloatTensor<Self>) -> FloatTensor<Self> {
        codes
    }

    fn banded_attention(
        queries: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        slopes: FloatTensor<Self>,
        band: Band,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        crate::banded_attention::attend_on_flex(queries, keys, values, slopes, band)
    }

    fn banded_attention_slopes(
        queries: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        slopes: FloatTensor<Self>,
        outputs: FloatTensor<Self>,
        log_sums: FloatTensor<Self>,
        upstream: FloatTensor<Self>,
        band: Band,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let forward = Forward { queries, keys, values, slopes, outputs, log_sums };
        crate::banded_attention::slopes_on_flex(forward, upstream, band).into()
    }

    fn reverse_scan(
        values: FloatTensor<Self>,
        factors: FloatTensor<Self>,
        after: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        crate::returns::scan_on_flex(values, factors, after)
    }

    fn preference_losses(rewards: FloatTensor<Self>, ranks: FloatTensor<Self>) -> FloatTensor<Self> {
        crate::preference::losses_on_flex(rewards, ranks)
    }

    fn preference_slopes(
        rewards: FloatTensor<Self>,
        ranks: FloatTensor<Self>,
        upstream: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        crate::preference::slopes_on_flex(rewards, ranks, upstream)
    }

    fn morph_vertices(
        weights: FloatTensor<Self>,
        base: FloatTensor<Self>,
        offsets: FloatTensor<Self>,
        by_vertex: IntTensor<Self>,
        _by_target: IntTensor<Self>,
        unit_length: bool,
    ) -> FloatTensor<Self> {
        crate::morph::deform_on_flex(weights, base, offsets, by_vertex, unit_length)
    }

    fn morph_weight_slopes(
        upstream: FloatTensor<Self>,
        offsets: FloatTensor<Self>,
        by_target: IntTensor<Self>,
        targets: usize,
    ) -> FloatTensor<Self> {
        crate::morph::weight_slopes_on_flex(upstream, offsets, by_target, targets)
    }

    fn spherical_of(points: FloatTensor<Self>) -> FloatTensor<Self> {
        crate::sphere::spherical_on_flex(points)
    }

    fn cartesian_of(spherical: FloatTensor<Self>) -> FloatTensor<Self> {
        crate::sphere::cartesian_on_flex(spherical)
    }

    fn slerp_path(keys: FloatTensor<Self>, positions: FloatTensor<Self>) -> FloatTensor<Self> {
        crate::sphere::slerp_path_on_flex(keys, positions)
    }

    fn displacement_distances(
        weights: FloatTensor<Self>,
        start: FloatTensor<Self>,
        offsets: FloatTensor<Self>,
        by_vertex: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        crate::vertex_metrics::distances_on_flex(weights, start, offsets, by_vertex)
    }

    fn displacement_energies(
        weights: FloatTensor<Self>,
        offsets: FloatTensor<Self>,
        by_vertex: IntTensor<Self>,
        vertices: usize,
    ) -> FloatTensor<Self> {
        crate::vertex_metrics::energies_on_flex(weights, offsets, by_vertex, vertices)
    }

    fn perturb_white(
        track: FloatTensor<Self>,
        amounts: FloatTensor<Self>,
        random: Random,
        first_frame: i64,
    ) -> FloatTensor<Self> {
        crate::perturb::white_on_flex(track, amounts, random, first_frame)
    }

    fn perturb_drift(
        track: FloatTensor<Self>,
        amounts: FloatTensor<Self>,
        random: Random,
        first_frame: i64,
        drift: Drift,
    ) -> FloatTensor<Self> {
        crate::perturb::drift_on_flex(track, amounts, random, first_frame, drift)
    }

    fn perturb_replace(
        track: FloatTensor<Self>,
        bank: FloatTensor<Self>,
        random: Random,
        first_frame: i64,
        hold: Hold,
    ) -> FloatTensor<Self> {
        crate::perturb::replace_on_flex(track, bank, random, first_frame, hold)
    }

    fn perturb_rotate(emotion: FloatTensor<Self>, random: Random, segments: Segments) -> FloatTensor<Self> {
        crate::perturb::rotate_on_flex(emotion, random, segments)
    }

    fn perturb_taps(
        track: FloatTensor<Self>,
        taps: FloatTensor<Self>,
        first: i64,
        frames: usize,
    ) -> FloatTensor<Self> {
        crate::perturb::taps_on_flex(track, taps, first, frames)
    }
}

#[cfg(feature = "gpu")]
impl KernelOps for CubeBackend {
    fn timbres(
        samples: FloatTensor<Self>,
        prosody: &crate::prosody::Prosody,
        first_sample: i64,
        frames: std::ops::Range<i64>,
    ) -> FloatTensor<Self> {
        crate::prosody::timbres_on_cube(samples, prosody, first_sample, frames)
    }

    fn pitch_candidates(
        samples: FloatTensor<Self>,
        tracker: &crate::pitch::PitchTracker,
        first_sample: i64,
        frames: std::ops::Range<i64>,
    ) -> FloatTensor<Self> {
        crate::pitch::pitch_candidates_on_cube(samples, tracker, first_sample, frames)
    }

    fn resample(
        samples: FloatTensor<Self>,
        resampler: &crate::resample::Resampler,
        first_sample: i64,
        outputs: std::ops::Range<i64>,
    ) -> FloatTensor<Self> {
        crate::resample::resample_on_cube(samples, resampler, first_sample, outputs)
    }

    fn temporal_filter(
        values: FloatTensor<Self>,
        filter: &crate::temporal_filter::TemporalFilter,
    ) -> FloatTensor<Self> {
        crate::temporal_filter::temporal_filter_on_cube(values, filter)
    }

    fn log_mel(
        samples: FloatTensor<Self>,
        transform: &crate::log_mel::LogMel,
        first_sample: i64,
        frames: std::ops::Range<i64>,
    ) -> FloatTensor<Self> {
        crate::log_mel::log_mel_on_cube(samples, transform, first_sample, frames)
    }

    fn moment_sums(tracks: FloatTensor<Self>, weights: FloatTensor<Self>) -> FloatTensor<Self> {
        crate::correlation::moments_on_cube(tracks, weights)
    }

    fn chosen_codes(
        vectors: FloatTensor<Self>,
        codebook: FloatTensor<Self>,
        draw: Option<Draw>,
    ) -> IntTensor<Self> {
        crate::quantize::codes_on_cube(vectors, codebook, draw)
    }

    fn straight_through(_vectors: FloatTensor<Self>, codes: FloatTensor<Self>) -> FloatTensor<Self> {
        codes
    }

    fn banded_attention(
        queries: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        slopes: FloatTensor<Self>,
        band: Band,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        crate::banded_attention::attend_on_cube(queries, keys, values, slopes, band)
    }

    fn banded_attention_slopes(
        queries: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        slopes: FloatTensor<Self>,
        outputs: FloatTensor<Self>,
        log_sums: FloatTensor<Self>,
        upstream: FloatTensor<Self>,
        band: Band,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let forward = Forward { queries, keys, values, slopes, outputs, log_sums };
        crate::banded_attention::slopes_on_cube(forward, upstream, band).into()
    }

    fn reverse_scan(
        values: FloatTensor<Self>,
        factors: FloatTensor<Self>,
        after: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        crate::returns::scan_on_cube(values, factors, after)
    }

    fn preference_losses(rewards: FloatTensor<Self>, ranks: FloatTensor<Self>) -> FloatTensor<Self> {
        crate::preference::losses_on_cube(rewards, ranks)
    }

    fn preference_slopes(
        rewards: FloatTensor<Self>,
        ranks: FloatTensor<Self>,
        upstream: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        crate::preference::slopes_on_cube(rewards, ranks, upstream)
    }

    fn morph_vertices(
        weights: FloatTensor<Self>,
        base: FloatTensor<Self>,
        offsets: FloatTensor<Self>,
        by_vertex: IntTensor<Self>,
        _by_target: IntTensor<Self>,
        unit_length: bool,
    ) -> FloatTensor<Self> {
        crate::morph::deform_on_cube(weights, base, offsets, by_vertex, unit_length)
    }

    fn morph_weight_slopes(
        upstream: FloatTensor<Self>,
        offsets: FloatTensor<Self>,
        by_target: IntTensor<Self>,
        targets: usize,
    ) -> FloatTensor<Self> {
        crate::morph::weight_slopes_on_cube(upstream, offsets, by_target, targets)
    }

    fn spherical_of(points: FloatTensor<Self>) -> FloatTensor<Self> {
        crate::sphere::spherical_on_cube(points)
    }

    fn cartesian_of(spherical: FloatTensor<Self>) -> FloatTensor<Self> {
        crate::sphere::cartesian_on_cube(spherical)
    }

    fn slerp_path(keys: FloatTensor<Self>, positions: FloatTensor<Self>) -> FloatTensor<Self> {
        crate::sphere::slerp_path_on_cube(keys, positions)
    }

    fn displacement_distances(
        weights: FloatTensor<Self>,
        start: FloatTensor<Self>,
        offsets: FloatTensor<Self>,
        by_vertex: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        crate::vertex_metrics::distances_on_cube(weights, start, offsets, by_vertex)
    }

    fn displacement_energies(
        weights: FloatTensor<Self>,
        offsets: FloatTensor<Self>,
        by_vertex: IntTensor<Self>,
        vertices: usize,
    ) -> FloatTensor<Self> {
        crate::vertex_metrics::energies_on_cube(weights, offsets, by_vertex, vertices)
    }

    fn perturb_white(
        track: FloatTensor<Self>,
        amounts: FloatTensor<Self>,
        random: Random,
        first_frame: i64,
    ) -> FloatTensor<Self> {
        crate::perturb::white_on_cube(track, amounts, random, first_frame)
    }

    fn perturb_drift(
        track: FloatTensor<Self>,
        amounts: FloatTensor<Self>,
        random: Random,
        first_frame: i64,
        drift: Drift,
    ) -> FloatTensor<Self> {
        crate::perturb::drift_on_cube(track, amounts, random, first_frame, drift)
    }

    fn perturb_replace(
        track: FloatTensor<Self>,
        bank: FloatTensor<Self>,
        random: Random,
        first_frame: i64,
        hold: Hold,
    ) -> FloatTensor<Self> {
        crate::perturb::replace_on_cube(track, bank, random, first_frame, hold)
    }

    fn perturb_rotate(emotion: FloatTensor<Self>, random: Random, segments: Segments) -> FloatTensor<Self> {
        crate::perturb::rotate_on_cube(emotion, random, segments)
    }

    fn perturb_taps(
        track: FloatTensor<Self>,
        taps: FloatTensor<Self>,
        first: i64,
        frames: usize,
    ) -> FloatTensor<Self> {
        crate::perturb::taps_on_cube(track, taps, first, frames)
    }
}

impl<B: KernelOps, C: CheckpointStrategy> KernelOps for Autodiff<B, C> {
    fn timbres(
        samples: FloatTensor<Self>,
        prosody: &crate::prosody::Prosody,
        first_sample: i64,
        frames: std::ops::Range<i64>,
    ) -> FloatTensor<Self> {
        <FloatTensor<Self>>::new(B::timbres(samples.into_primitive(), prosody, first_sample, frames))
    }

    fn pitch_candidates(
        samples: FloatTensor<Self>,
        tracker: &crate::pitch::PitchTracker,
        first_sample: i64,
        frames: std::ops::Range<i64>,
    ) -> FloatTensor<Self> {
        <FloatTensor<Self>>::new(B::pitch_candidates(samples.into_primitive(), tracker, first_sample, frames))
    }

    fn resample(
        samples: FloatTensor<Self>,
        resampler: &crate::resample::Resampler,
        first_sample: i64,
        outputs: std::ops::Range<i64>,
    ) -> FloatTensor<Self> {
        <FloatTensor<Self>>::new(B::resample(samples.into_primitive(), resampler, first_sample, outputs))
    }

    fn temporal_filter(
        values: FloatTensor<Self>,
        filter: &crate::temporal_filter::TemporalFilter,
    ) -> FloatTensor<Self> {
        <FloatTensor<Self>>::new(B::temporal_filter(values.into_primitive(), filter))
    }

    fn log_mel(
        samples: FloatTensor<Self>,
        transform: &crate::log_mel::LogMel,
        first_sample: i64,
        frames: std::ops::Range<i64>,
    ) -> FloatTensor<Self> {
        <FloatTensor<Self>>::new(B::log_mel(samples.into_primitive(), transform, first_sample, frames))
    }

    fn moment_sums(tracks: FloatTensor<Self>, weights: FloatTensor<Self>) -> FloatTensor<Self> {
        // Statistics are read, nothing learns through them.
        <FloatTensor<Self>>::new(B::moment_sums(tracks.into_primitive(), weights.into_primitive()))
    }

    fn chosen_codes(
        vectors: FloatTensor<Self>,
        codebook: FloatTensor<Self>,
        draw: Option<Draw>,
    ) -> IntTensor<Self> {
        B::chosen_codes(vectors.into_primitive(), codebook.into_primitive(), draw)
    }

    fn straight_through(vectors: FloatTensor<Self>, codes: FloatTensor<Self>) -> FloatTensor<Self> {
        /// Keeps nothing: the slopes of the output are those of the vectors.
        #[derive(Debug)]
        struct StraightThrough;

        impl<B: KernelOps> Backward<B, 1> for StraightThrough {
            type State = ();

            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                gradients: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let upstream = gradients.consume::<B>(&ops.node);
                if let [Some(node)] = ops.parents {
                    gradients.register::<B>(node.id, upstream);
                }
            }
        }

        let codes = codes.into_primitive();
        match StraightThrough.prepare::<C>([vectors.node()]).compute_bound().stateful() {
            OpsKind::Tracked(preparation) => preparation.finish((), codes),
            OpsKind::UnTracked(preparation) => preparation.finish(codes),
        }
    }

    fn banded_attention(
        queries: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        slopes: FloatTensor<Self>,
        band: Band,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        /// Keeps the inputs, the outputs and the logarithms of the sums.
        #[derive(Debug)]
        struct BandedAttention;

        impl<B: KernelOps> Backward<B, 3> for BandedAttention {
            type State = (Forward<FloatTensor<B>>, Band);

            fn backward(
                self,
                ops: Ops<Self::State, 3>,
                gradients: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let upstream = gradients.consume::<B>(&ops.node);
                let (forward, band) = ops.state;
                let Forward { queries, keys, values, slopes, outputs, log_sums } = forward;
                let (queries, keys, values) = B::banded_attention_slopes(
                    queries, keys, values, slopes, outputs, log_sums, upstream, band,
                );
                for (node, slopes) in ops.parents.into_iter().zip([queries, keys, values]) {
                    if let Some(node) = node {
                        gradients.register::<B>(node.id, slopes);
                    }
                }
            }
        }

        let slopes = slopes.into_primitive();
        let nodes = [queries.node(), keys.node(), values.node()];
        let [queries, keys, values] = [queries, keys, values].map(|tensor| tensor.into_primitive());
        let (outputs, log_sums) =
            B::banded_attention(queries.clone(), keys.clone(), values.clone(), slopes.clone(), band);
        let sums = <FloatTensor<Self>>::new(log_sums.clone());
        let outputs = match BandedAttention.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(preparation) => {
                let kept = outputs.clone();
                let forward = Forward { queries, keys, values, slopes, outputs: kept, log_sums };
                preparation.finish((forward, band), outputs)
            }
            OpsKind::UnTracked(preparation) => preparation.finish(outputs),
        };
        (outputs, sums)
    }

    fn banded_attention_slopes(
        queries: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        slopes: FloatTensor<Self>,
        outputs: FloatTensor<Self>,
        log_sums: FloatTensor<Self>,
        upstream: FloatTensor<Self>,
        band: Band,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let (queries, keys, values) = B::banded_attention_slopes(
            queries.into_primitive(),
            keys.into_primitive(),
            values.into_primitive(),
            slopes.into_primitive(),
            outputs.into_primitive(),
            log_sums.into_primitive(),
            upstream.into_primitive(),
            band,
        );
        (<FloatTensor<Self>>::new(queries), <FloatTensor<Self>>::new(keys), <FloatTensor<Self>>::new(values))
    }

    fn preference_losses(rewards: FloatTensor<Self>, ranks: FloatTensor<Self>) -> FloatTensor<Self> {
        /// Keeps the rewards and the ranks.
        #[derive(Debug)]
        struct PreferenceLosses;

        impl<B: KernelOps> Backward<B, 1> for PreferenceLosses {
            type State = (FloatTensor<B>, FloatTensor<B>);

            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                gradients: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let upstream = gradients.consume::<B>(&ops.node);
                let (rewards, ranks) = ops.state;
                if let [Some(node)] = ops.parents {
                    gradients.register::<B>(node.id, B::preference_slopes(rewards, ranks, upstream));
                }
            }
        }

        let ranks = ranks.into_primitive();
        match PreferenceLosses.prepare::<C>([rewards.node()]).compute_bound().stateful() {
            OpsKind::Tracked(preparation) => {
                let state = (rewards.primitive().clone(), ranks.clone());
                preparation.finish(state, B::preference_losses(rewards.into_primitive(), ranks))
            }
            OpsKind::UnTracked(preparation) => {
                preparation.finish(B::preference_losses(rewards.into_primitive(), ranks))
            }
        }
    }

    fn preference_slopes(
        rewards: FloatTensor<Self>,
        ranks: FloatTensor<Self>,
        upstream: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        <FloatTensor<Self>>::new(B::preference_slopes(
            rewards.into_primitive(),
            ranks.into_primitive(),
            upstream.into_primitive(),
        ))
    }

    fn reverse_scan(
        values: FloatTensor<Self>,
        factors: FloatTensor<Self>,
        after: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        // Returns and advantages are targets: nothing learns through them.
        <FloatTensor<Self>>::new(B::reverse_scan(
            values.into_primitive(),
            factors.into_primitive(),
            after.into_primitive(),
        ))
    }

    fn morph_vertices(
        weights: FloatTensor<Self>,
        base: FloatTensor<Self>,
        offsets: FloatTensor<Self>,
        by_vertex: IntTensor<Self>,
        by_target: IntTensor<Self>,
        unit_length: bool,
    ) -> FloatTensor<Self> {
        /// Keeps the offsets and the list of what each target moves.
        #[derive(Debug)]
        struct MorphVertices;

        impl<B: KernelOps> Backward<B, 1> for MorphVertices {
            type State = (FloatTensor<B>, IntTensor<B>, usize);

            fn backward(
                self,
                ops: Ops<Self::State, 1>,
                gradients: &mut Gradients,
                _checkpointer: &mut Checkpointer,
            ) {
                let upstream = gradients.consume::<B>(&ops.node);
                let (offsets, by_target, targets) = ops.state;
                if let [Some(node)] = ops.parents {
                    let slopes = B::morph_weight_slopes(upstream, offsets, by_target, targets);
                    gradients.register::<B>(node.id, slopes);
                }
            }
        }

        let (base, offsets) = (base.into_primitive(), offsets.into_primitive());
        let node = weights.node();
        let weights = weights.into_primitive();
        let deform = |weights, offsets, by_target| {
            B::morph_vertices(weights, base, offsets, by_vertex, by_target, unit_length)
        };
        if unit_length {
            return <FloatTensor<Self>>::new(deform(weights, offsets, by_target));
        }
        match MorphVertices.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(preparation) => {
                let state = (offsets.clone(), by_target.clone(), weights.shape()[1]);
                preparation.finish(state, deform(weights, offsets, by_target))
            }
            OpsKind::UnTracked(preparation) => preparation.finish(deform(weights, offsets, by_target)),
        }
    }

    fn morph_weight_slopes(
        upstream: FloatTensor<Self>,
        offsets: FloatTensor<Self>,
        by_target: IntTensor<Self>,
        targets: usize,
    ) -> FloatTensor<Self> {
        let (upstream, offsets) = (upstream.into_primitive(), offsets.into_primitive());
        <FloatTensor<Self>>::new(B::morph_weight_slopes(upstream, offsets, by_target, targets))
    }

    // Nothing learns through directions and paths.
    fn spherical_of(points: FloatTensor<Self>) -> FloatTensor<Self> {
        <FloatTensor<Self>>::new(B::spherical_of(points.into_primitive()))
    }

    fn cartesian_of(spherical: FloatTensor<Self>) -> FloatTensor<Self> {
        <FloatTensor<Self>>::new(B::cartesian_of(spherical.into_primitive()))
    }

    fn slerp_path(keys: FloatTensor<Self>, positions: FloatTensor<Self>) -> FloatTensor<Self> {
        <FloatTensor<Self>>::new(B::slerp_path(keys.into_primitive(), positions.into_primitive()))
    }

    // Metrics are read, not learnt from.
    fn displacement_distances(
        weights: FloatTensor<Self>,
        start: FloatTensor<Self>,
        offsets: FloatTensor<Self>,
        by_vertex: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        let (weights, start) = (weights.into_primitive(), start.into_primitive());
        let offsets = offsets.into_primitive();
        <FloatTensor<Self>>::new(B::displacement_distances(weights, start, offsets, by_vertex))
    }

    fn displacement_energies(
        weights: FloatTensor<Self>,
        offsets: FloatTensor<Self>,
        by_vertex: IntTensor<Self>,
        vertices: usize,
    ) -> FloatTensor<Self> {
        let (weights, offsets) = (weights.into_primitive(), offsets.into_primitive());
        <FloatTensor<Self>>::new(B::displacement_energies(weights, offsets, by_vertex, vertices))
    }

    // Demonstrations are data: nothing learns through how they were made.
    fn perturb_white(
        track: FloatTensor<Self>,
        amounts: FloatTensor<Self>,
        random: Random,
        first_frame: i64,
    ) -> FloatTensor<Self> {
        <FloatTensor<Self>>::new(B::perturb_white(
            track.into_primitive(),
            amounts.into_primitive(),
            random,
            first_frame,
        ))
    }

    fn perturb_drift(
        track: FloatTensor<Self>,
        amounts: FloatTensor<Self>,
        random: Random,
        first_frame: i64,
        drift: Drift,
    ) -> FloatTensor<Self> {
        <FloatTensor<Self>>::new(B::perturb_drift(
            track.into_primitive(),
            amounts.into_primitive(),
            random,
            first_frame,
            drift,
        ))
    }

    fn perturb_replace(
        track: FloatTensor<Self>,
        bank: FloatTensor<Self>,
        random: Random,
        first_frame: i64,
        hold: Hold,
    ) -> FloatTensor<Self> {
        <FloatTensor<Self>>::new(B::perturb_replace(
            track.into_primitive(),
            bank.into_primitive(),
            random,
            first_frame,
            hold,
        ))
    }

    fn perturb_rotate(emotion: FloatTensor<Self>, random: Random, segments: Segments) -> FloatTensor<Self> {
        <FloatTensor<Self>>::new(B::perturb_rotate(emotion.into_primitive(), random, segments))
    }

    fn perturb_taps(
        track: FloatTensor<Self>,
        taps: FloatTensor<Self>,
        first: i64,
        frames: usize,
    ) -> FloatTensor<Self> {
        <FloatTensor<Self>>::new(B::perturb_taps(
            track.into_primitive(),
            taps.into_primitive(),
            first,
            frames,
        ))
    }
}
