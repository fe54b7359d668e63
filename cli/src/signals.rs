//! Stopping on request: Ctrl-C, and what job engines send.

use crate::failure::Failure;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Shells report a process that a signal stopped by this and the signal's number.
const SIGNAL_EXIT: i32 = 128;

/// Set by the first signal; the second ends the program at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    stopped: Arc<AtomicBool>,
    exit_code: Arc<AtomicUsize>,
}

impl Stop {
    /// Listens for signals from now on.
    pub(crate) fn on_signals() -> Result<Self, Failure> {
        let stop = Self::default();
        for signal in [SIGINT, SIGTERM] {
            stop.listen(signal)
                .map_err(|error| Failure::Work(format!("cannot listen for signals: {error}")))?;
        }
        Ok(stop)
    }

    fn listen(&self, signal: i32) -> std::io::Result<()> {
        let exit_code = SIGNAL_EXIT + signal;
        // In this order: the first signal finds the flag unset and passes by, the second ends the program.
        signal_hook::flag::register_conditional_shutdown(signal, exit_code, self.stopped.clone())?;
        signal_hook::flag::register_usize(signal, self.exit_code.clone(), exit_code.unsigned_abs() as usize)?;
        signal_hook::flag::register(signal, self.stopped.clone())?;
        Ok(())
    }

    /// What the engine watches.
    pub(crate) fn flag(&self) -> &AtomicBool {
        &self.stopped
    }

    /// Fails once a signal has come.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match self.stopped.load(Ordering::Relaxed) {
            false => Ok(()),
            true => {
                let code = u8::try_from(self.exit_code.load(Ordering::Relaxed)).unwrap_or(u8::MAX);
                Err(Failure::Stopped(code))
            }
        }
    }
}
