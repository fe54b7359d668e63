//! Showing what goes on: bars on a terminal, JSON for machines, on standard error.

use crate::arguments::Progress;
use crate::terminal;
use esarm_engine::Event;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use std::io::IsTerminal as _;

/// Takes the events of a run; made for a run of `node_count` nodes.
pub(crate) enum Reporter {
    Bar(ProgressBar),
    Json,
    Quiet,
}

impl Reporter {
    /// A reporter in the way that was asked for.
    pub(crate) fn new(progress: Progress, node_count: usize) -> Self {
        match progress {
            Progress::Json => Self::Json,
            Progress::Auto if std::io::stderr().is_terminal() => Self::Bar(bar(node_count)),
            Progress::Auto | Progress::None => Self::Quiet,
        }
    }

    /// Takes an event; called from several threads.
    pub(crate) fn take(&self, event: Event<'_>) {
        match self {
            Self::Bar(bar) => show(bar, event),
            Self::Json => terminal::event(&object(event)),
            Self::Quiet => {}
        }
    }

    /// Clears the bar.
    pub(crate) fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn bar(node_count: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(node_count as u64), ProgressDrawTarget::stderr()).with_style(style)
}

fn show(bar: &ProgressBar, event: Event<'_>) {
    match event {
        Event::Started { node } => bar.set_message(node.to_string()),
        Event::Progress { node, fraction, words } => {
            bar.set_message(format!("{node}: {words} {:.0} %", fraction * 100.0));
        }
        Event::Finished { .. } => bar.inc(1),
    }
}

fn object(event: Event<'_>) -> Value {
    match event {
        Event::Started { node } => json!({"event": "started", "node": node.as_str()}),
        Event::Progress { node, fraction, words } => {
            json!({"event": "progress", "node": node.as_str(), "fraction": fraction, "words": words})
        }
        Event::Finished { node, state } => {
            json!({"event": "finished", "node": node.as_str(), "state": state.word(), "reason": state.reason()})
        }
    }
}
