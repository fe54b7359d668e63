//! The one place where kernels meet Burn: a backend extension with an operation for each of them.
//!
//! Nodes and training call the functions of the kernels' modules, which check shapes and go through [`KernelOps`]: on
//! the processor it runs the plain-Rust twin, on a GPU the CubeCL kernel, and with gradients the backward pass.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, Backend, Flex, backend_extension, tensor::FloatTensor};
#[cfg(feature = "gpu")]
use burn_cubecl::CubeBackend;

/// The operations behind the kernels' functions. Shapes have been checked before.
#[backend_extension(Cube: cfg(feature = "gpu"), Flex, Autodiff)]
pub trait KernelOps: Backend {
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
