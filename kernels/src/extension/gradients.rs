//! The operations with gradients: the backward passes, and what nothing learns through.

use super::KernelOps;
use crate::banded_attention::{Band, Forward};
use crate::perturb::{Drift, Hold, Segments};
use crate::quantize::Draw;
use crate::random::Random;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, TensorMetadata};

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
