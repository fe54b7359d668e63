//! `reward.score` and `reward.frames`: how good a motion is, over time and as a whole, and why.

use super::files::{model_of, parameter_digest, with_model};
use super::{node_error, wired_audio, wired_emotion};
use crate::RewardError;
use crate::features::{AUDIO_SECS_AFTER, AUDIO_SECS_BEFORE, REWARD_RATE};
use crate::model::{FrameRewards, RECEPTIVE_SECS_AFTER, RECEPTIVE_SECS_BEFORE, RewardModel};
use crate::terms::{Performance, TERM_NAMES, TERM_REACH_SECS, Term};
use esarm_engine::{NodeContext, NodeError, NodeType, Outputs, output};
use esarm_graph::{NodeSchema, PortType, Purity, TimeSupport};
use esarm_values::{Audio, Emotion, Track, Value};
use serde::Serialize;
use std::sync::Arc;

pub(super) fn node_types() -> Vec<NodeType> {
    let model_digest = |context: &NodeContext<'_>| parameter_digest(context, "model_file");
    vec![
        NodeType::new(score_schema(), score).with_fingerprint(model_digest),
        NodeType::new(frames_schema(), frames).with_fingerprint(model_digest),
    ]
}

fn schema(type_id: &str, title: &str, help: &str, time_support: TimeSupport) -> NodeSchema {
    let schema = NodeSchema::new(type_id, title, help, Purity::External, time_support)
        .input("motion", PortType::Motion, "The motion to judge.")
        .optional_input(
            "audio",
            PortType::Audio,
            "The speech, mono at 16 kHz; without it the motion is judged as one without sound.",
        )
        .optional_input(
            "emotion",
            PortType::Emotion,
            "What the face should feel; without it the emotion is not judged.",
        );
    with_model(schema).output(
        "frames",
        PortType::Features,
        "At 30 fps: reward (0 an average take, 1 a standard deviation better), uncertainty, then the named terms from 0 to 1.",
    )
}

fn score_schema() -> NodeSchema {
    let help = "Says how good a motion is for its speech and emotion, and why.";
    schema("reward.score", "Score", help, TimeSupport::Whole)
        .output("score", PortType::Number, "The clip's reward: the mean over its frames.")
        .output(
            "reasons",
            PortType::Text,
            "JSON: reward, uncertainty, and each named term with formula and finding.",
        )
}

fn frames_schema() -> NodeSchema {
    let wider = |reward: f64, terms: f64| if reward > terms { reward } else { terms };
    let window = TimeSupport::Window {
        before_secs: wider(RECEPTIVE_SECS_BEFORE, TERM_REACH_SECS + AUDIO_SECS_BEFORE) + 0.1,
        after_secs: wider(RECEPTIVE_SECS_AFTER, TERM_REACH_SECS + AUDIO_SECS_AFTER) + 0.1,
    };
    let help =
        "Gives the reward and the named terms over time; unlike Score it follows a window of a long clip.";
    schema("reward.frames", "Score over time", help, window)
}

/// A motion's rewards and terms.
pub(super) struct Judgement {
    pub(super) rewards: FrameRewards,
    pub(super) terms: Vec<Term>,
}

impl Judgement {
    pub(super) fn of(
        model: &RewardModel,
        motion: &Track,
        audio: Option<&Audio>,
        emotion: Option<&Emotion>,
    ) -> Result<Self, RewardError> {
        let rewards = model.score(motion, audio, emotion)?;
        let terms = Performance::new(motion, audio, emotion)?.terms(&model.weights().liveliness);
        Ok(Self { rewards, terms })
    }

    fn track(&self) -> Result<Track, NodeError> {
        let names = ["reward", "uncertainty"].into_iter().chain(TERM_NAMES).map(str::to_owned);
        let mut values = Vec::new();
        for (frame, reward) in self.rewards.rewards.iter().enumerate() {
            values.extend([*reward, self.rewards.uncertainty[frame]]);
            values.extend(self.terms.iter().map(|term| term.frames[frame]));
        }
        let track =
            Track::new(REWARD_RATE, names.collect::<Vec<String>>(), values).map_err(NodeError::failed)?;
        Ok(track.starting_at(self.rewards.start_frame))
    }
}

fn judged(context: &NodeContext<'_>) -> Result<Judgement, NodeError> {
    let model = model_of(context)?;
    Judgement::of(&model, context.motion("motion")?, wired_audio(context)?, wired_emotion(context)?)
        .map_err(node_error)
}

fn frames(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    Ok(output("frames", Value::Features(Arc::new(judged(context)?.track()?))))
}

#[derive(Serialize)]
struct Reasons<'a> {
    reward: f64,
    reward_unit: &'static str,
    uncertainty: f64,
    uncertainty_unit: &'static str,
    terms: &'a [Term],
}

fn score(context: &NodeContext<'_>) -> Result<Outputs, NodeError> {
    let judged = judged(context)?;
    let reasons = Reasons {
        reward: judged.rewards.clip_reward(),
        reward_unit: "standard deviations of training takes above their mean",
        uncertainty: judged.rewards.clip_uncertainty(),
        uncertainty_unit: "mean over frames of the ensemble's standard deviation",
        terms: &judged.terms,
    };
    let json = serde_json::to_string(&reasons).map_err(NodeError::failed)?;
    Ok(Outputs::from([
        ("frames".to_owned(), Value::Features(Arc::new(judged.track()?))),
        ("score".to_owned(), Value::Number(reasons.reward)),
        ("reasons".to_owned(), Value::Text(json.into())),
    ]))
}
