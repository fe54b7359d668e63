//! The one place where kernels meet Burn: a backend extension with an operation for each of them.
//!
//! Nodes and training call the functions of the kernels' modules, which check shapes and go through [`KernelOps`]: on
//! the processor it runs the plain-Rust twin, on a GPU the CubeCL kernel, and with gradients the backward pass.

use crate::banded_attention::{Band, Forward};
use crate::quantize::Draw;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, Backend, Flex, backend_extension, tensor::FloatTensor, tensor::IntTensor};
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
}

impl KernelOps for Flex {
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
}

#[cfg(feature = "gpu")]
impl KernelOps for CubeBackend {
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
}

impl<B: KernelOps, C: CheckpointStrategy> KernelOps for Autodiff<B, C> {
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
}
