//! A motion given a rig's own names.

use super::track_of;
use esarm_values::names::{Fit, Prefixes, Spelling, fit};
use esarm_values::{HEAD_CHANNELS, Mesh, Rig, Track, mirrored_name};
use serde::Serialize;
use std::collections::BTreeMap;

/// How names are matched.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RetargetOptions {
    /// Morph target by channel, where matching by name is wrong or finds nothing. An empty target leaves the channel out.
    pub overrides: BTreeMap<String, String>,
    /// Swaps `mouthLeft` with `mouthRight` and `jawLeft` with `jawRight`, for rigs that name them by the viewer's side.
    pub swap_sideways: bool,
}

/// What went where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RetargetReport {
    /// Channels with the morph targets that they drive.
    pub mapped: Vec<Mapping>,
    /// Channels of the motion that drive nothing; rotations of the head and eyes are no shapes and are not listed.
    pub unmapped_channels: Vec<String>,
    /// Morph targets that nothing drives.
    pub unused_morphs: Vec<String>,
}

/// One channel's morph targets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mapping {
    /// Channel of the motion.
    pub channel: String,
    /// Morph targets of the rig: one, or one for each of several meshes.
    pub morphs: Vec<String>,
}

/// Why a motion cannot be given a rig's names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RetargetError {
    /// Two morph targets of one mesh fit a channel equally well.
    #[error(
        "channel \"{channel}\" fits both \"{first}\" and \"{second}\" of mesh \"{mesh}\"; say which one with an override \
         {channel} = {first}"
    )]
    Ambiguous {
        /// Channel of the motion.
        channel: String,
        /// Mesh that owns both.
        mesh: String,
        /// One morph target.
        first: String,
        /// The other.
        second: String,
    },
    /// Two channels fit the same morph target.
    #[error(
        "morph target \"{morph}\" is driven by both \"{first}\" and \"{second}\"; leave one out with an override such as \
         {first} ="
    )]
    Contested {
        /// The morph target.
        morph: String,
        /// One channel.
        first: String,
        /// The other.
        second: String,
    },
    /// An override names a channel that the motion lacks.
    #[error("the override \"{0}\" names no channel of the motion; it has {1}")]
    UnknownChannel(String, String),
    /// An override names a morph target that the rig lacks.
    #[error("the override for \"{0}\" names \"{1}\", which is no morph target of the rig; it has {2}")]
    UnknownMorph(String, String, String),
}

/// Gives the channels of a motion the names of the rig's morph targets: any case, `_L` or `Left` anywhere, words run
/// together or apart, and prefixes such as `A14_`, `blendShape1.`, `Face_` or what most names of a
/// mesh begin with. Rotations keep their names.
///
/// The result has one channel for each driven morph target, in the rig's order, and then the rotations.
///
/// # Errors
/// When a name fits two morph targets of a mesh, or an override names what is not there.
pub fn retarget(
    motion: &Track,
    rig: &Rig,
    options: &RetargetOptions,
) -> Result<(Track, RetargetReport), RetargetError> {
    check_overrides(motion, rig, &options.overrides)?;
    let drivers = find_drivers(motion, rig, options)?;
    let morphs = rig.morph_names();
    let mut plan: Vec<(String, usize)> = Vec::new();
    let mut report = RetargetReport::default();
    for name in &morphs {
        match drivers.get(*name) {
            Some(column) => plan.push(((*name).to_owned(), *column)),
            None => report.unused_morphs.push((*name).to_owned()),
        }
    }
    for (column, channel) in motion.channels().iter().enumerate() {
        let driven: Vec<String> =
            plan.iter().filter(|(_, source)| *source == column).map(|(name, _)| name.clone()).collect();
        if is_rotation(channel) {
            continue;
        }
        if driven.is_empty() {
            report.unmapped_channels.push(channel.clone());
        } else {
            report.mapped.push(Mapping { channel: channel.clone(), morphs: driven });
        }
    }
    let is_new = |name: &String| !morphs.contains(&name.as_str());
    let rotations =
        motion.channels().iter().enumerate().filter(|(_, name)| is_rotation(name) && is_new(name));
    plan.extend(rotations.map(|(column, name)| (name.clone(), column)));
    Ok((pick(motion, plan), report))
}

fn is_rotation(name: &str) -> bool {
    HEAD_CHANNELS.iter().any(|rotation| rotation.eq_ignore_ascii_case(name))
}

fn pick(motion: &Track, plan: Vec<(String, usize)>) -> Track {
    let mut values = Vec::with_capacity(motion.frame_count() * plan.len());
    for index in 0..motion.frame_count() {
        let frame = motion.frame(index);
        values.extend(plan.iter().map(|(_, column)| frame[*column]));
    }
    let names = plan.into_iter().map(|(name, _)| name).collect();
    track_of(motion.rate(), motion.start_frame(), names, values)
}

fn check_overrides(
    motion: &Track,
    rig: &Rig,
    overrides: &BTreeMap<String, String>,
) -> Result<(), RetargetError> {
    let morphs = rig.morph_names();
    for (channel, morph) in overrides {
        if motion.channel_index(channel).is_none() {
            return Err(RetargetError::UnknownChannel(channel.clone(), motion.channels().join(", ")));
        }
        if !morph.is_empty() && !morphs.contains(&morph.as_str()) {
            return Err(RetargetError::UnknownMorph(channel.clone(), morph.clone(), morphs.join(", ")));
        }
    }
    Ok(())
}

/// A mesh with the spellings of its morph targets and the prefixes that they may have.
struct SpeltMesh<'a> {
    mesh: &'a Mesh,
    morphs: Vec<(&'a str, Spelling)>,
    prefixes: Prefixes,
}

/// Takes all names apart. A prefix counts when most names of the rig have it, or most of the mesh.
fn spelt_meshes(rig: &Rig) -> Vec<SpeltMesh<'_>> {
    let all: Vec<Spelling> = rig.morph_names().into_iter().map(Spelling::of).collect();
    let of_rig = Prefixes::of(&all);
    let mut meshes = Vec::with_capacity(rig.meshes.len());
    for mesh in &rig.meshes {
        let names = mesh.morphs.iter().map(|morph| morph.name.as_str());
        let morphs: Vec<(&str, Spelling)> = names.map(|name| (name, Spelling::of(name))).collect();
        let prefixes = of_rig.and(Prefixes::of(morphs.iter().map(|(_, spelling)| spelling)));
        meshes.push(SpeltMesh { mesh, morphs, prefixes });
    }
    meshes
}

/// The column that drives each morph target.
fn find_drivers<'a>(
    motion: &Track,
    rig: &'a Rig,
    options: &RetargetOptions,
) -> Result<BTreeMap<&'a str, usize>, RetargetError> {
    let meshes = spelt_meshes(rig);
    let mut drivers: BTreeMap<&str, (usize, Fit)> = BTreeMap::new();
    for (column, channel) in motion.channels().iter().enumerate() {
        for spelt in &meshes {
            let candidates = candidates(channel, spelt, options);
            let Some((morph, best)) = best_of(&candidates, channel, &spelt.mesh.name)? else { continue };
            claim(&mut drivers, morph, (column, best), motion)?;
        }
    }
    Ok(drivers.into_iter().map(|(morph, (column, _))| (morph, column)).collect())
}

/// The morph targets of a mesh that a channel may drive, and how well their names fit it.
fn candidates<'a>(channel: &str, spelt: &SpeltMesh<'a>, options: &RetargetOptions) -> Vec<(&'a str, Fit)> {
    let names = spelt.morphs.iter().map(|(name, spelling)| (*name, spelling));
    if let Some(morph) = options.overrides.get(channel) {
        return names.filter(|(name, _)| name == morph).map(|(name, _)| (name, Fit::Same)).collect();
    }
    if is_rotation(channel) {
        return Vec::new();
    }
    let wanted = if options.swap_sideways { sideways_twin(channel) } else { channel.to_owned() };
    let spelling = Spelling::of(&wanted);
    let taken = |name: &str| options.overrides.values().any(|morph| morph == name);
    names
        .filter(|(name, _)| !taken(name))
        .filter_map(|found| Some((found.0, fit((&wanted, &spelling), found, &spelt.prefixes)?)))
        .collect()
}

/// The best candidate, unless another one is as good.
fn best_of<'a>(
    candidates: &[(&'a str, Fit)],
    channel: &str,
    mesh: &str,
) -> Result<Option<(&'a str, Fit)>, RetargetError> {
    let Some(&(best, rank)) = candidates.iter().min_by_key(|(_, rank)| *rank) else { return Ok(None) };
    match candidates.iter().find(|(name, other)| *other == rank && *name != best) {
        None => Ok(Some((best, rank))),
        Some((second, _)) => Err(RetargetError::Ambiguous {
            channel: channel.to_owned(),
            mesh: mesh.to_owned(),
            first: best.to_owned(),
            second: (*second).to_owned(),
        }),
    }
}

/// Lets a channel drive a morph target, unless another one with an equal claim does.
fn claim<'a>(
    drivers: &mut BTreeMap<&'a str, (usize, Fit)>,
    morph: &'a str,
    (column, rank): (usize, Fit),
    motion: &Track,
) -> Result<(), RetargetError> {
    match drivers.get(morph) {
        Some((other, theirs)) if *other != column && *theirs == rank => Err(RetargetError::Contested {
            morph: morph.to_owned(),
            first: motion.channels()[*other].clone(),
            second: motion.channels()[column].clone(),
        }),
        Some((_, theirs)) if *theirs < rank => Ok(()),
        _ => {
            drivers.insert(morph, (column, rank));
            Ok(())
        }
    }
}

fn sideways_twin(channel: &str) -> String {
    let sideways = ["mouthLeft", "mouthRight", "jawLeft", "jawRight"];
    if sideways.contains(&channel) { mirrored_name(channel) } else { channel.to_owned() }
}

/// Reads overrides from text: `channel = morph` on lines of their own or between commas; nothing behind `=` leaves the
/// channel out.
///
/// # Errors
/// The part without `=`.
pub fn parse_overrides(text: &str) -> Result<BTreeMap<String, String>, String> {
    let parts = text.split(['\n', ',']).map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let pair = part
                .split_once('=')
                .ok_or_else(|| format!("\"{part}\" has no \"=\"; write channel = morph, one on each line"))?;
            Ok((pair.0.trim().to_owned(), pair.1.trim().to_owned()))
        })
        .collect()
}

impl RetargetReport {
    /// The report as JSON: `mapped` (`channel`, `morphs`), `unmapped_channels`, `unused_morphs`.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!(self)
    }
}

impl std::fmt::Display for RetargetReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let listed = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        writeln!(f, "{} channels mapped", self.mapped.len())?;
        for mapping in &self.mapped {
            writeln!(f, "  {} -> {}", mapping.channel, mapping.morphs.join(", "))?;
        }
        writeln!(f, "channels that drive nothing: {}", listed(&self.unmapped_channels))?;
        write!(f, "morph targets that nothing drives: {}", listed(&self.unused_morphs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use esarm_values::{FrameRate, Mesh, MorphTarget};

    fn rig(meshes: &[&[&str]]) -> Rig {
        let morph = |name: &&str| MorphTarget { name: (*name).to_owned(), ..MorphTarget::default() };
        let meshes = meshes.iter().enumerate().map(|(index, names)| Mesh {
            name: format!("mesh{index}"),
            morphs: names.iter().map(morph).collect(),
            ..Mesh::default()
        });
        Rig { meshes: meshes.collect(), ..Rig::default() }
    }

    fn motion(names: &[&str]) -> Track {
        let values = (0..names.len() * 2).map(|value| value as f32).collect();
        track_of(FrameRate::whole(30), 3, names.iter().map(|name| (*name).to_owned()).collect(), values)
    }

    fn driven(motion: &Track, rig: &Rig, options: &RetargetOptions) -> Vec<(String, f32)> {
        let (track, _) = retarget(motion, rig, options).unwrap();
        track.channels().iter().cloned().zip(track.frame(0).to_vec()).collect()
    }

    #[test]
    fn names_and_values_go_together() {
        let motion = motion(&["jawOpen", "eyeBlinkLeft", "tongueOut", "headYaw"]);
        let rig = rig(&[&["Smile", "Eye_Blink_L", "Jaw_Open"], &["teeth.jawOpen"]]);
        let (track, report) = retarget(&motion, &rig, &RetargetOptions::default()).unwrap();
        let names = ["Eye_Blink_L", "Jaw_Open", "teeth.jawOpen", "headYaw"].map(str::to_owned);
        assert_eq!(**track.channels(), names);
        assert_eq!((track.start_frame(), track.frame(1)), (3, [5.0, 4.0, 4.0, 7.0].as_slice()));
        assert_eq!(report.unmapped_channels, ["tongueOut"]);
        assert_eq!(report.unused_morphs, ["Smile"]);
        assert_eq!(report.to_json()["mapped"][0]["morphs"][1], "teeth.jawOpen");
        assert!(report.to_string().contains("eyeBlinkLeft -> Eye_Blink_L"));
    }

    #[test]
    fn two_owners_are_refused_by_name_and_an_override_decides() {
        let (motion, rig) = (motion(&["jawOpen"]), rig(&[&["jaw_open", "Jaw-Open"]]));
        let error = retarget(&motion, &rig, &RetargetOptions::default()).unwrap_err().to_string();
        assert!(
            error.contains("\"jaw_open\"") && error.contains("\"Jaw-Open\"") && error.contains("mesh0"),
            "{error}"
        );
        let overrides = parse_overrides("jawOpen = Jaw-Open").unwrap();
        let options = RetargetOptions { overrides, ..RetargetOptions::default() };
        assert_eq!(driven(&motion, &rig, &options), [("Jaw-Open".to_owned(), 0.0)]);
    }

    #[test]
    fn the_better_spelling_wins() {
        let (motion, rig) = (motion(&["jawOpen"]), rig(&[&["Face_jawOpen", "jawOpen"]]));
        let (_, report) = retarget(&motion, &rig, &RetargetOptions::default()).unwrap();
        assert_eq!(report.mapped[0].morphs, ["jawOpen"]);
        assert_eq!(report.unused_morphs, ["Face_jawOpen"]);
    }

    #[test]
    fn a_shared_prefix_of_the_rig_is_no_part_of_its_names() {
        let names = ["Bob_jawOpen", "Bob_eyeBlink_L", "Bob_eyeBlink_R", "Bob_mouthPucker", "Bob_mouthFunnel"];
        let motion = motion(&["jawOpen", "eyeBlinkRight"]);
        let result = driven(&motion, &rig(&[&names]), &RetargetOptions::default());
        assert_eq!(result, [("Bob_jawOpen".to_owned(), 0.0), ("Bob_eyeBlink_R".to_owned(), 1.0)]);
    }

    #[test]
    fn every_mesh_may_have_a_prefix_of_several_words() {
        let shapes = ["jawOpen", "eyeBlink_L", "eyeBlink_R", "mouthPucker"];
        let named = |prefix: &str| shapes.map(|shape| format!("{prefix}{shape}"));
        let (head, teeth) = (named("head_lod0_mesh__"), named("CC_Base_Teeth_"));
        let rig = rig(&[&head.each_ref().map(String::as_str), &teeth.each_ref().map(String::as_str)]);
        let (_, report) = retarget(
            &motion(&["jawOpen", "eyeBlinkLeft", "eyeBlinkRight", "mouthPucker"]),
            &rig,
            &RetargetOptions::default(),
        )
        .unwrap();
        assert_eq!(report.mapped[1].morphs, ["head_lod0_mesh__eyeBlink_L", "CC_Base_Teeth_eyeBlink_L"]);
        assert_eq!((report.mapped.len(), report.unused_morphs.len()), (4, 0));
    }

    #[test]
    fn overrides_leave_out_and_are_checked() {
        let (motion, rig) = (motion(&["jawOpen", "mouthClose"]), rig(&[&["jawOpen", "mouthClose"]]));
        let options =
            |text: &str| RetargetOptions { overrides: parse_overrides(text).unwrap(), swap_sideways: false };
        assert_eq!(driven(&motion, &rig, &options("jawOpen =")).len(), 1);
        assert_eq!(
            driven(&motion, &rig, &options("jawOpen = mouthClose, mouthClose =")),
            [("mouthClose".to_owned(), 0.0)]
        );
        let error = |text: &str| retarget(&motion, &rig, &options(text)).unwrap_err().to_string();
        assert!(error("jawopen = jawOpen").contains("\"jawopen\" names no channel"));
        assert!(error("jawOpen = jaw").contains("it has jawOpen, mouthClose"));
        assert!(parse_overrides("jawOpen").unwrap_err().contains("has no \"=\""));
    }

    #[test]
    fn sideways_shapes_swap_on_demand() {
        let (motion, rig) = (motion(&["mouthLeft", "mouthRight"]), rig(&[&["mouthLeft", "mouthRight"]]));
        let options = RetargetOptions { swap_sideways: true, ..RetargetOptions::default() };
        assert_eq!(
            driven(&motion, &rig, &options),
            [("mouthLeft".to_owned(), 1.0), ("mouthRight".to_owned(), 0.0)]
        );
    }
}
