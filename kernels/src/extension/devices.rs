//! The operations on the devices: the twins on the processor, the CubeCL kernels on a GPU.

use super::KernelOps;
use crate::banded_attention::{Band, Forward};
use crate::perturb::{Drift, Hold, Segments};
use crate::quantize::Draw;
use crate::random::Random;
use burn::backend::Flex;
use burn::backend::tensor::{FloatTensor, IntTensor};

/// The twin of each operation.
mod on_flex {
    pub(super) use crate::banded_attention::attend_on_flex as banded_attention;
    pub(super) use crate::banded_attention::slopes_on_flex as banded_attention_slopes;
    pub(super) use crate::correlation::moments_on_flex as moment_sums;
    pub(super) use crate::log_mel::log_mel_on_flex as log_mel;
    pub(super) use crate::morph::deform_on_flex as morph_vertices;
    pub(super) use crate::morph::weight_slopes_on_flex as morph_weight_slopes;
    pub(super) use crate::perturb::drift_on_flex as perturb_drift;
    pub(super) use crate::perturb::replace_on_flex as perturb_replace;
    pub(super) use crate::perturb::rotate_on_flex as perturb_rotate;
    pub(super) use crate::perturb::taps_on_flex as perturb_taps;
    pub(super) use crate::perturb::white_on_flex as perturb_white;
    pub(super) use crate::pitch::pitch_candidates_on_flex as pitch_candidates;
    pub(super) use crate::preference::losses_on_flex as preference_losses;
    pub(super) use crate::preference::slopes_on_flex as preference_slopes;
    pub(super) use crate::prosody::timbres_on_flex as timbres;
    pub(super) use crate::quantize::codes_on_flex as chosen_codes;
    pub(super) use crate::resample::resample_on_flex as resample;
    pub(super) use crate::returns::scan_on_flex as reverse_scan;
    pub(super) use crate::sphere::cartesian_on_flex as cartesian_of;
    pub(super) use crate::sphere::slerp_path_on_flex as slerp_path;
    pub(super) use crate::sphere::spherical_on_flex as spherical_of;
    pub(super) use crate::temporal_filter::temporal_filter_on_flex as temporal_filter;
    pub(super) use crate::vertex_metrics::distances_on_flex as displacement_distances;
    pub(super) use crate::vertex_metrics::energies_on_flex as displacement_energies;
}

/// The CubeCL kernel of each operation.
#[cfg(feature = "gpu")]
mod on_cube {
    pub(super) use crate::banded_attention::attend_on_cube as banded_attention;
    pub(super) use crate::banded_attention::slopes_on_cube as banded_attention_slopes;
    pub(super) use crate::correlation::moments_on_cube as moment_sums;
    pub(super) use crate::log_mel::log_mel_on_cube as log_mel;
    pub(super) use crate::morph::deform_on_cube as morph_vertices;
    pub(super) use crate::morph::weight_slopes_on_cube as morph_weight_slopes;
    pub(super) use crate::perturb::drift_on_cube as perturb_drift;
    pub(super) use crate::perturb::replace_on_cube as perturb_replace;
    pub(super) use crate::perturb::rotate_on_cube as perturb_rotate;
    pub(super) use crate::perturb::taps_on_cube as perturb_taps;
    pub(super) use crate::perturb::white_on_cube as perturb_white;
    pub(super) use crate::pitch::pitch_candidates_on_cube as pitch_candidates;
    pub(super) use crate::preference::losses_on_cube as preference_losses;
    pub(super) use crate::preference::slopes_on_cube as preference_slopes;
    pub(super) use crate::prosody::timbres_on_cube as timbres;
    pub(super) use crate::quantize::codes_on_cube as chosen_codes;
    pub(super) use crate::resample::resample_on_cube as resample;
    pub(super) use crate::returns::scan_on_cube as reverse_scan;
    pub(super) use crate::sphere::cartesian_on_cube as cartesian_of;
    pub(super) use crate::sphere::slerp_path_on_cube as slerp_path;
    pub(super) use crate::sphere::spherical_on_cube as spherical_of;
    pub(super) use crate::temporal_filter::temporal_filter_on_cube as temporal_filter;
    pub(super) use crate::vertex_metrics::distances_on_cube as displacement_distances;
    pub(super) use crate::vertex_metrics::energies_on_cube as displacement_energies;
}

/// The operations of a backend by the functions of a module.
macro_rules! operations {
    ($backend:ty, $on:ident) => {
        impl KernelOps for $backend {
            fn timbres(
                samples: FloatTensor<Self>,
                prosody: &crate::prosody::Prosody,
                first_sample: i64,
                frames: std::ops::Range<i64>,
            ) -> FloatTensor<Self> {
                $on::timbres(samples, prosody, first_sample, frames)
            }

            fn pitch_candidates(
                samples: FloatTensor<Self>,
                tracker: &crate::pitch::PitchTracker,
                first_sample: i64,
                frames: std::ops::Range<i64>,
            ) -> FloatTensor<Self> {
                $on::pitch_candidates(samples, tracker, first_sample, frames)
            }

            fn resample(
                samples: FloatTensor<Self>,
                resampler: &crate::resample::Resampler,
                first_sample: i64,
                outputs: std::ops::Range<i64>,
            ) -> FloatTensor<Self> {
                $on::resample(samples, resampler, first_sample, outputs)
            }

            fn temporal_filter(
                values: FloatTensor<Self>,
                filter: &crate::temporal_filter::TemporalFilter,
            ) -> FloatTensor<Self> {
                $on::temporal_filter(values, filter)
            }

            fn log_mel(
                samples: FloatTensor<Self>,
                transform: &crate::log_mel::LogMel,
                first_sample: i64,
                frames: std::ops::Range<i64>,
            ) -> FloatTensor<Self> {
                $on::log_mel(samples, transform, first_sample, frames)
            }

            fn moment_sums(tracks: FloatTensor<Self>, weights: FloatTensor<Self>) -> FloatTensor<Self> {
                $on::moment_sums(tracks, weights)
            }

            fn chosen_codes(
                vectors: FloatTensor<Self>,
                codebook: FloatTensor<Self>,
                draw: Option<Draw>,
            ) -> IntTensor<Self> {
                $on::chosen_codes(vectors, codebook, draw)
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
                $on::banded_attention(queries, keys, values, slopes, band)
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
                $on::banded_attention_slopes(forward, upstream, band).into()
            }

            fn reverse_scan(
                values: FloatTensor<Self>,
                factors: FloatTensor<Self>,
                after: FloatTensor<Self>,
            ) -> FloatTensor<Self> {
                $on::reverse_scan(values, factors, after)
            }

            fn preference_losses(rewards: FloatTensor<Self>, ranks: FloatTensor<Self>) -> FloatTensor<Self> {
                $on::preference_losses(rewards, ranks)
            }

            fn preference_slopes(
                rewards: FloatTensor<Self>,
                ranks: FloatTensor<Self>,
                upstream: FloatTensor<Self>,
            ) -> FloatTensor<Self> {
                $on::preference_slopes(rewards, ranks, upstream)
            }

            fn morph_vertices(
                weights: FloatTensor<Self>,
                base: FloatTensor<Self>,
                offsets: FloatTensor<Self>,
                by_vertex: IntTensor<Self>,
                _by_target: IntTensor<Self>,
                unit_length: bool,
            ) -> FloatTensor<Self> {
                $on::morph_vertices(weights, base, offsets, by_vertex, unit_length)
            }

            fn morph_weight_slopes(
                upstream: FloatTensor<Self>,
                offsets: FloatTensor<Self>,
                by_target: IntTensor<Self>,
                targets: usize,
            ) -> FloatTensor<Self> {
                $on::morph_weight_slopes(upstream, offsets, by_target, targets)
            }

            fn spherical_of(points: FloatTensor<Self>) -> FloatTensor<Self> {
                $on::spherical_of(points)
            }

            fn cartesian_of(spherical: FloatTensor<Self>) -> FloatTensor<Self> {
                $on::cartesian_of(spherical)
            }

            fn slerp_path(keys: FloatTensor<Self>, positions: FloatTensor<Self>) -> FloatTensor<Self> {
                $on::slerp_path(keys, positions)
            }

            fn displacement_distances(
                weights: FloatTensor<Self>,
                start: FloatTensor<Self>,
                offsets: FloatTensor<Self>,
                by_vertex: IntTensor<Self>,
            ) -> FloatTensor<Self> {
                $on::displacement_distances(weights, start, offsets, by_vertex)
            }

            fn displacement_energies(
                weights: FloatTensor<Self>,
                offsets: FloatTensor<Self>,
                by_vertex: IntTensor<Self>,
                vertices: usize,
            ) -> FloatTensor<Self> {
                $on::displacement_energies(weights, offsets, by_vertex, vertices)
            }

            fn perturb_white(
                track: FloatTensor<Self>,
                amounts: FloatTensor<Self>,
                random: Random,
                first_frame: i64,
            ) -> FloatTensor<Self> {
                $on::perturb_white(track, amounts, random, first_frame)
            }

            fn perturb_drift(
                track: FloatTensor<Self>,
                amounts: FloatTensor<Self>,
                random: Random,
                first_frame: i64,
                drift: Drift,
            ) -> FloatTensor<Self> {
                $on::perturb_drift(track, amounts, random, first_frame, drift)
            }

            fn perturb_replace(
                track: FloatTensor<Self>,
                bank: FloatTensor<Self>,
                random: Random,
                first_frame: i64,
                hold: Hold,
            ) -> FloatTensor<Self> {
                $on::perturb_replace(track, bank, random, first_frame, hold)
            }

            fn perturb_rotate(
                emotion: FloatTensor<Self>,
                random: Random,
                segments: Segments,
            ) -> FloatTensor<Self> {
                $on::perturb_rotate(emotion, random, segments)
            }

            fn perturb_taps(
                track: FloatTensor<Self>,
                taps: FloatTensor<Self>,
                first: i64,
                frames: usize,
            ) -> FloatTensor<Self> {
                $on::perturb_taps(track, taps, first, frames)
            }
        }
    };
}

operations!(Flex, on_flex);
#[cfg(feature = "gpu")]
operations!(burn_cubecl::CubeBackend, on_cube);
