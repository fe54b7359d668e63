//! The weights as safetensors.

use super::VoiceError;
use super::expert::{Expert, Kernel};
use super::model::{CLASSES, VoiceEmotion};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;
use std::sync::LazyLock;

/// The shipped weights, see `assets/models/voice_emotion.md`.
pub static EMBEDDED_WEIGHTS: &[u8] = include_bytes!("../../../../assets/models/voice_emotion.safetensors");
/// Names of the experts in the file.
const EXPERTS: [&str; 3] = ["measures_gaussian", "measures_linear", "textures_gaussian"];
/// Changes whenever features change their meaning, so that old weights are refused.
const FORMAT: &str = "1";

impl VoiceEmotion {
    /// The shipped classifier.
    pub fn load_embedded() -> Result<&'static Self, VoiceError> {
        static LOADED: LazyLock<Result<VoiceEmotion, String>> = LazyLock::new(|| {
            VoiceEmotion::from_safetensors(EMBEDDED_WEIGHTS).map_err(|error| error.to_string())
        });
        LOADED.as_ref().map_err(|message| VoiceError::Weights(message.clone()))
    }

    /// Reads weights that [`VoiceEmotion::to_safetensors`] made.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, VoiceError> {
        let weights = |error: safetensors::SafeTensorError| VoiceError::Weights(error.to_string());
        let tensors = SafeTensors::deserialize(bytes).map_err(weights)?;
        let [format, temperature] = read_floats(&tensors, "head")?[..] else {
            return Err(VoiceError::Weights("tensor `head` must hold the format and the temperature".into()));
        };
        if format.to_string() != FORMAT {
            return Err(VoiceError::Weights(format!(
                "format {format} is not format {FORMAT}: train them again"
            )));
        }
        let experts: Vec<Expert> =
            EXPERTS.iter().map(|name| read_expert(&tensors, name)).collect::<Result<_, _>>()?;
        let [gaussian, linear, textures] = <[Expert; 3]>::try_from(experts)
            .map_err(|_| VoiceError::Weights("three experts are needed".into()))?;
        Ok(Self { measures: [gaussian, linear], textures, temperature })
    }

    /// The weights as a safetensors file; the same weights give the same bytes.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, VoiceError> {
        let mut tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
        let format: f32 =
            FORMAT.parse().map_err(|_| VoiceError::Weights("the format is no number".into()))?;
        tensors.push(floats("head", &[format, self.temperature]));
        for (name, expert) in EXPERTS.iter().zip(self.measures.iter().chain([&self.textures])) {
            let sharpness = match expert.kernel {
                Kernel::Gaussian { sharpness } => sharpness,
                Kernel::Linear => 0.0,
            };
            tensors.push(floats(&format!("{name}.sharpness"), &[sharpness]));
            tensors.push(floats(&format!("{name}.means"), &expert.means));
            tensors.push(floats(&format!("{name}.scales"), &expert.scales));
            tensors.push(floats(&format!("{name}.weights"), &expert.weights));
            tensors.push(floats(&format!("{name}.coefficients"), &expert.coefficients));
            let bytes = expert.vectors.iter().map(|step| step.cast_unsigned()).collect();
            tensors.push((format!("{name}.vectors"), Dtype::I8, vec![expert.vectors.len()], bytes));
        }
        let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
            TensorView::new(*dtype, shape.clone(), bytes).map(|view| (name.as_str(), view))
        });
        let views: Vec<_> =
            views.collect::<Result<_, _>>().map_err(|error| VoiceError::Weights(error.to_string()))?;
        let note = HashMap::from([("about".to_owned(), "ESARM voice emotion, trained on EMO-DB".to_owned())]);
        safetensors::serialize(views, Some(note)).map_err(|error| VoiceError::Weights(error.to_string()))
    }
}

fn floats(name: &str, values: &[f32]) -> (String, Dtype, Vec<usize>, Vec<u8>) {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    (name.to_owned(), Dtype::F32, vec![values.len()], bytes)
}

fn read<'a>(tensors: &SafeTensors<'a>, name: &str, dtype: Dtype) -> Result<&'a [u8], VoiceError> {
    let tensor =
        tensors.tensor(name).map_err(|_| VoiceError::Weights(format!("tensor `{name}` is missing")))?;
    if tensor.dtype() != dtype {
        return Err(VoiceError::Weights(format!("tensor `{name}` is {:?}, not {dtype:?}", tensor.dtype())));
    }
    Ok(tensor.data())
}

fn read_floats(tensors: &SafeTensors<'_>, name: &str) -> Result<Vec<f32>, VoiceError> {
    let bytes = read(tensors, name, Dtype::F32)?;
    let values: Vec<f32> =
        bytes.chunks_exact(4).map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect();
    if values.iter().all(|value| value.is_finite()) {
        Ok(values)
    } else {
        Err(VoiceError::Weights(format!("tensor `{name}` holds a value that is not a finite number")))
    }
}

fn read_expert(tensors: &SafeTensors<'_>, name: &str) -> Result<Expert, VoiceError> {
    let field = |field: &str| read_floats(tensors, &format!("{name}.{field}"));
    let sharpness = field("sharpness")?.first().copied().unwrap_or_default();
    let kernel = if sharpness > 0.0 { Kernel::Gaussian { sharpness } } else { Kernel::Linear };
    let steps = read(tensors, &format!("{name}.vectors"), Dtype::I8)?;
    let expert = Expert {
        kernel,
        means: field("means")?,
        scales: field("scales")?,
        weights: field("weights")?,
        vectors: steps.iter().map(|byte| byte.cast_signed()).collect(),
        coefficients: field("coefficients")?,
        classes: CLASSES.len(),
        norms: Vec::new(),
    };
    let width = expert.means.len();
    let rows = match kernel {
        Kernel::Linear => width + 1,
        Kernel::Gaussian { .. } => expert.vectors.len() / width.max(1),
    };
    let fits = width == expected_width(name)
        && expert.scales.len() == width
        && expert.weights.len() == width
        && expert.coefficients.len() == rows * CLASSES.len()
        && expert.vectors.len().is_multiple_of(width);
    if fits {
        Ok(expert.prepared())
    } else {
        Err(VoiceError::Weights(format!("the tensors of `{name}` do not fit together")))
    }
}

/// Features that an expert takes.
fn expected_width(name: &str) -> usize {
    if name == EXPERTS[2] { super::texture::TEXTURES } else { super::features::MEASURES }
}
