//! Why a file is no rig.

/// Why a file could not be read as a rig.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RigError {
    /// The bytes are neither GLB nor glTF.
    #[error("this is not a GLB or glTF 2.0 file ({0}); export the head as GLB")]
    NotGltf(String),
    /// The file ends before what it announces.
    #[error("the file is cut off in {0}; copy or export it again")]
    Truncated(String),
    /// The JSON cannot be read.
    #[error("glTF JSON, line {line}, column {column}: {message}")]
    Json {
        /// Line in the JSON, from 1.
        line: usize,
        /// Column in the line, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// Data lies in another file.
    #[error("the data lies in another file, \"{uri}\", which is not read; export the head as one GLB file")]
    ExternalBuffer {
        /// Where the data lies.
        uri: String,
    },
    /// The file uses an extension that is not read.
    #[error("the file uses {extension}, which is not supported; {remedy}")]
    Unsupported {
        /// Name of the extension.
        extension: String,
        /// What to do.
        remedy: &'static str,
    },
    /// There is nothing to animate.
    #[error(
        "\"{name}\" has {meshes} meshes and none has morph targets (blendshapes, shape keys); export it with shape keys \
         included, or add shapes named after ARKit, such as jawOpen"
    )]
    NoMorphTargets {
        /// Name of the rig.
        name: String,
        /// Number of meshes that were found.
        meshes: usize,
    },
    /// Something in the document contradicts itself.
    #[error("{place}: {message}")]
    Invalid {
        /// Where in the document, such as `accessors[4]`.
        place: String,
        /// What is wrong and what is allowed.
        message: String,
    },
}

impl RigError {
    pub(super) fn invalid(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { place: place.into(), message: message.into() }
    }
}
