//! The log-mel spectrogram of audio that arrives piece by piece.

use super::{LogMel, LogMelSettings, require_clips};
use crate::KernelError;
use burn::tensor::Tensor;

/// Turns pieces of audio into the frames that they complete; together they are the frames of the whole, bit for bit.
///
/// A frame comes as soon as the last sample of its window is there: half a window after its time.
pub struct LogMelStream {
    transform: LogMel,
    /// The samples that later frames still need, `[clips, samples]`.
    tail: Option<Tensor<2>>,
    /// Index of the first sample of the tail.
    tail_start: i64,
    /// Samples that have arrived.
    received: i64,
    next_frame: i64,
}

impl LogMelStream {
    /// A stream whose first sample has clip index 0.
    ///
    /// # Errors
    /// As [`LogMel::new`].
    pub fn new(settings: &LogMelSettings) -> Result<Self, KernelError> {
        let transform = LogMel::new(settings)?;
        Ok(Self { transform, tail: None, tail_start: 0, received: 0, next_frame: 0 })
    }

    /// Takes the next samples, `[clips, samples]`, and gives the frames that are complete with them,
    /// `[clips, frames, mel_count]`.
    ///
    /// # Errors
    /// When the number of clips is not that of the pieces before.
    pub fn push(&mut self, samples: Tensor<2>) -> Result<Tensor<3>, KernelError> {
        let [clips, count] = samples.dims();
        if let Some(tail) = &self.tail {
            require_clips([clips, count], tail.dims()[0])?;
        }
        if count == 0 {
            return Ok(self.transform.of_windows(samples, 0, 0..0));
        }
        let joined = match self.tail.take() {
            Some(tail) => Tensor::cat(vec![tail, samples], 1),
            None => samples,
        };
        self.received += count as i64;
        let window = self.transform.window.len() as i64;
        let is_complete = |frame: i64| self.transform.window_start(frame) + window <= self.received;
        let end = (self.next_frame..).find(|frame| !is_complete(*frame)).unwrap_or(self.next_frame);
        let frames = self.transform.of_windows(joined.clone(), self.tail_start, self.next_frame..end);
        self.next_frame = end;
        self.keep_tail(joined);
        Ok(frames)
    }

    /// The frames that the end of the audio completes, `[clips, frames, mel_count]`, silence following it; `None` when
    /// no piece has come.
    pub fn finish(self) -> Option<Tensor<3>> {
        let end = self.transform.settings.frame_count(self.received as usize) as i64;
        let tail = self.tail?;
        Some(self.transform.of_windows(tail, self.tail_start, self.next_frame..end.max(self.next_frame)))
    }

    /// Keeps what the next frames need of `joined`, at least one sample.
    fn keep_tail(&mut self, joined: Tensor<2>) {
        let count = joined.dims()[1];
        let needed = (self.transform.window_start(self.next_frame) - self.tail_start).max(0) as usize;
        let dropped = needed.min(count - 1);
        self.tail_start += dropped as i64;
        self.tail = Some(if dropped == 0 { joined } else { joined.narrow(1, dropped, count - dropped) });
    }
}
