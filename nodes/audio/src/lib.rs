//! Speech audio: reading, resampling and measuring it.
//!
//! Every function is pure and works on [`esarm_values::Audio`], mono samples that know where in their clip they lie.
//! Those with a time axis give, for a window of a clip, the values of the whole clip there.

mod compressed;
mod error;
mod features;
mod gain;
mod load;
mod loudness;
mod nodes;
mod resample;
mod source;
mod trim;
mod voice_activity;
mod wav;

pub use error::{AudioError, MAX_RATE_HZ, MAX_SAMPLE, MIN_RATE_HZ};
pub use features::{
    LOG_MEL_REACH_SECS, MelOptions, ONSETS_REACH_SECS, PROSODY_REACH_SECS, beats, log_mel, onsets, prosody,
};
pub use gain::{gain, gain_over_time, normalise_loudness, peak_db};
pub use load::{Channel, LoadOptions, Progress, clip_secs, load, load_bytes, load_with_progress};
pub use loudness::integrated_loudness;
pub use nodes::node_types;
pub use resample::{StreamResampler, resample};
pub use trim::{trim, trim_silence};
pub use voice_activity::{VOICE_ACTIVITY_REACH_SECS, VoiceActivitySettings, voice_activity};
