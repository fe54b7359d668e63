//! The parameters by which nodes make takes worse by degrees.

use crate::demonstrations::{Family, RankSettings};
use esarm_engine::{NodeContext, NodeError};
use esarm_graph::{NodeSchema, ParameterKind};

/// Adds the families, levels, margin, still face and seed to a schema.
pub fn with_rank_settings(schema: NodeSchema) -> NodeSchema {
    let text = |default: &str| ParameterKind::Text { default: default.to_owned() };
    let families: Vec<&str> = Family::ALL.iter().map(|family| family.name()).collect();
    schema
    .parameter(
        "families",
        text(&families.join(" ")),
        "",
        "Ways of making a take worse, from: white, drift, replacement, desync, smoothing, amplitude, emotion, leak.",
    )
    .parameter("levels", text("0.1 0.3 0.5 0.7 0.9"), "", "Levels of noise, above 0 and up to 1.")
    .parameter(
        "margin",
        ParameterKind::number(0.3, 0.05, 1.0),
        "",
        "Levels that differ by less make no pair: it is not sure which take is better.",
    )
    .parameter(
        "still",
        ParameterKind::Toggle { default: true },
        "",
        "Whether the neutral face that never moves is the worst take, so that freezing is not rewarded.",
    )
    .parameter("seed", ParameterKind::integer(0, 0, 1_000_000), "", "Another seed gives other noise.")
}

/// What [`with_rank_settings`] declares, as the user set it.
///
/// # Errors
/// Names a family that there is not, or a level out of range.
pub fn rank_settings(context: &NodeContext<'_>) -> Result<RankSettings, NodeError> {
    let words = |parameter: &str| {
        let text = context.text(parameter).to_owned();
        text.split([',', ' ', '\n']).filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let family = |name: String| {
        Family::from_name(&name).ok_or_else(|| {
            let known: Vec<&str> = Family::ALL.iter().map(|family| family.name()).collect();
            NodeError::parameter(
                "families",
                format!("there is no \"{name}\"; there are {}", known.join(", ")),
            )
        })
    };
    let level = |word: String| {
        let level = word.parse::<f32>().ok().filter(|level| *level > 0.0 && *level <= 1.0);
        level.ok_or_else(|| {
            NodeError::parameter("levels", format!("\"{word}\" is no number above 0 and up to 1"))
        })
    };
    Ok(RankSettings {
        families: words("families").into_iter().map(family).collect::<Result<_, _>>()?,
        levels: words("levels").into_iter().map(level).collect::<Result<_, _>>()?,
        margin: context.number("margin") as f32,
        still: context.toggle("still"),
        seed: context.integer("seed").cast_unsigned(),
    })
}
