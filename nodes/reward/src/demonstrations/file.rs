//! Demonstrations as a safetensors file, so that those of many clips can lie in a folder.
//!
//! Tensors: `audio` `[frames, AUDIO_COLUMNS]` and `emotion` `[frames, EMOTION_COLUMNS]` in single precision; `motion`
//! `[takes, frames, MOTION_COLUMNS]`, weights times 65535 in 16 bits; `wrong_emotion` `[some takes, frames,
//! EMOTION_COLUMNS]` of the takes that have an emotion of their own. The metadata holds the layout, the frame rate, the
//! channels, and a JSON list of takes and pairs.

use super::{Demonstrations, Family, Group, Kind, Pair, RankedTake, Scene};
use crate::RewardError;
use crate::features::{AUDIO_COLUMNS, EMOTION_COLUMNS, MOTION_COLUMNS, REWARD_RATE, silence};
use esarm_values::ARKIT_SHAPES;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Ending of a file of demonstrations, without its dot.
pub const FILE_EXTENSION: &str = "demonstrations";
/// The layout of the file; a reader refuses any other.
const LAYOUT: &str = "esarm-demonstrations-1";
/// Motion weights are stored as multiples of this.
const STEP: f32 = 1.0 / 65_535.0;

#[derive(Serialize, Deserialize)]
struct Header {
    name: String,
    takes: Vec<TakeHeader>,
    pairs: Vec<PairHeader>,
}

#[derive(Serialize, Deserialize)]
struct TakeHeader {
    name: String,
    /// `demonstration`, `take`, `still` or the name of a family.
    source: String,
    level: f32,
    wrong_emotion: bool,
    /// Files of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct PairHeader {
    better: usize,
    worse: usize,
    gap: f32,
    group: String,
    weight: f32,
}

impl Demonstrations {
    /// The file's bytes. Motion weights are rounded to 1/65535.
    ///
    /// # Errors
    /// When safetensors cannot describe them, such as more data than fits its sizes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, RewardError> {
        let fail = |error: &dyn std::fmt::Display| RewardError::demonstrations(&self.scene.name, error);
        let frames = self.scene.frame_count();
        let quantised = |weight: &f32| ((weight.clamp(0.0, 1.0) / STEP).round() as u16).to_le_bytes();
        let motion = self.takes.iter().flat_map(|take| &take.motion).flat_map(quantised).collect();
        let wrong: Vec<&Vec<f32>> = self.takes.iter().filter_map(|take| take.emotion.as_ref()).collect();
        let wrong_count = wrong.len();
        let tensors: [(&str, Dtype, Vec<usize>, Vec<u8>); 4] = [
            ("audio", Dtype::F32, vec![frames, AUDIO_COLUMNS], floats(&self.scene.audio)),
            ("emotion", Dtype::F32, vec![frames, EMOTION_COLUMNS], floats(&self.scene.emotion)),
            ("motion", Dtype::U16, vec![self.takes.len(), frames, MOTION_COLUMNS], motion),
            (
                "wrong_emotion",
                Dtype::F32,
                vec![wrong_count, frames, EMOTION_COLUMNS],
                wrong.into_iter().flat_map(|rows| floats(rows)).collect(),
            ),
        ];
        let views = tensors
            .iter()
            .map(|(name, dtype, shape, bytes)| Ok((*name, TensorView::new(*dtype, shape.clone(), bytes)?)))
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
            .map_err(|error| fail(&error))?;
        let header = serde_json::to_string(&self.header()).map_err(|error| fail(&error))?;
        let metadata = HashMap::from([
            ("layout".to_owned(), LAYOUT.to_owned()),
            ("frame_rate".to_owned(), REWARD_RATE.to_string()),
            ("channels".to_owned(), ARKIT_SHAPES.join(" ")),
            ("demonstrations".to_owned(), header),
        ]);
        safetensors::serialize(views, Some(metadata)).map_err(|error| fail(&error))
    }

    fn header(&self) -> Header {
        let take = |take: &RankedTake| TakeHeader {
            name: take.name.clone(),
            source: source_name(take.kind).to_owned(),
            level: take.level,
            wrong_emotion: take.emotion.is_some(),
            seed: take.seed,
        };
        let pair = |pair: &Pair| PairHeader {
            better: pair.better,
            worse: pair.worse,
            gap: pair.gap,
            group: pair.group.name().to_owned(),
            weight: pair.weight,
        };
        Header {
            name: self.scene.name.clone(),
            takes: self.takes.iter().map(take).collect(),
            pairs: self.pairs.iter().map(pair).collect(),
        }
    }

    /// Reads a file; `name` says in errors which.
    ///
    /// # Errors
    /// When it is no such file, of another layout, damaged, or inconsistent.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, RewardError> {
        let fail = |what: &dyn std::fmt::Display| {
            RewardError::demonstrations(name, format!("{what}; make the file again with reward.rank"))
        };
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| fail(&error))?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let layout = metadata.get("layout").map_or("none", String::as_str);
        if layout != LAYOUT {
            return Err(fail(&format!("its layout is {layout}, but must be {LAYOUT}")));
        }
        let rate = metadata.get("frame_rate").map_or("none", String::as_str);
        let channels = metadata.get("channels").map_or("none", String::as_str);
        if rate != REWARD_RATE.to_string() || channels != ARKIT_SHAPES.join(" ") {
            return Err(fail(
                &"its frame rate must be 30 and its channels the 52 ARKit shapes in alphabetical order",
            ));
        }
        let text = metadata.get("demonstrations").map_or("", String::as_str);
        let header: Header = serde_json::from_str(text).map_err(|error| fail(&error))?;
        let file = SafeTensors::deserialize(bytes).map_err(|error| fail(&error))?;
        assemble(&file, header).map_err(|what| fail(&what))
    }
}

fn assemble(file: &SafeTensors<'_>, header: Header) -> Result<Demonstrations, String> {
    let audio = read_floats(file, "audio")?;
    let frames = audio.len() / AUDIO_COLUMNS;
    let emotion = read_floats(file, "emotion")?;
    let wrong = read_floats(file, "wrong_emotion")?;
    let motion = read_motion(file)?;
    let own_count = header.takes.iter().filter(|take| take.wrong_emotion).count();
    let (motion_size, emotion_size) = (frames * MOTION_COLUMNS, frames * EMOTION_COLUMNS);
    let fits = frames > 0
        && audio.len() == frames * AUDIO_COLUMNS
        && emotion.len() == emotion_size
        && motion.len() == header.takes.len() * motion_size
        && wrong.len() == own_count * emotion_size;
    if !fits {
        return Err("its tensors do not fit together".to_owned());
    }
    let mut motions = motion.chunks_exact(motion_size);
    let mut emotions = wrong.chunks_exact(emotion_size);
    let mut takes = Vec::new();
    for take in header.takes {
        let kind =
            kind_of(&take.source).ok_or_else(|| format!("there is no noise family \"{}\"", take.source))?;
        takes.push(RankedTake {
            name: take.name,
            kind,
            level: take.level,
            motion: motions.next().unwrap_or_default().to_vec(),
            emotion: if take.wrong_emotion { emotions.next().map(<[f32]>::to_vec) } else { None },
            seed: take.seed,
        });
    }
    let mut pairs = Vec::new();
    for pair in header.pairs {
        let group =
            Group::from_name(&pair.group).ok_or_else(|| format!("there is no group \"{}\"", pair.group))?;
        let sound =
            pair.better.max(pair.worse) < takes.len() && pair.better != pair.worse && pair.weight >= 0.0;
        if !sound {
            return Err(format!("the pair of takes {} and {} cannot be", pair.better, pair.worse));
        }
        pairs.push(Pair {
            better: pair.better,
            worse: pair.worse,
            gap: pair.gap,
            group,
            weight: pair.weight,
        });
    }
    let silence = silence(&audio);
    Ok(Demonstrations { scene: Scene { name: header.name, audio, emotion, silence }, takes, pairs })
}

fn source_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Demonstration => "demonstration",
        Kind::Take => "take",
        Kind::Still => "still",
        Kind::Varied(family) => family.name(),
    }
}

fn kind_of(source: &str) -> Option<Kind> {
    match source {
        "demonstration" => Some(Kind::Demonstration),
        "take" => Some(Kind::Take),
        "still" => Some(Kind::Still),
        family => Family::from_name(family).map(Kind::Varied),
    }
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn read<'a>(file: &SafeTensors<'a>, name: &str, dtype: Dtype) -> Result<&'a [u8], String> {
    let tensor = file.tensor(name).map_err(|_| format!("tensor {name} is missing"))?;
    if tensor.dtype() != dtype {
        return Err(format!("tensor {name} is {:?}, but must be {dtype:?}", tensor.dtype()));
    }
    Ok(tensor.data())
}

fn read_floats(file: &SafeTensors<'_>, name: &str) -> Result<Vec<f32>, String> {
    let bytes = read(file, name, Dtype::F32)?;
    let values: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(format!("tensor {name} is not finite at {at}")),
        None => Ok(values),
    }
}

fn read_motion(file: &SafeTensors<'_>) -> Result<Vec<f32>, String> {
    let bytes = read(file, "motion", Dtype::U16)?;
    Ok(bytes.as_chunks::<2>().0.iter().map(|bytes| f32::from(u16::from_le_bytes(*bytes)) * STEP).collect())
}
