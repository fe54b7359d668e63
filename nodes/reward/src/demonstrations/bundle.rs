//! Demonstrations of several clips as one value that crosses a wire: the first clip's file with the others beside it.

use super::{Demonstrations, FILE_EXTENSION};
use crate::RewardError;
use esarm_values::File;

/// The demonstrations of several clips. Written to disk, each clip has a file of its own in the same folder.
///
/// # Errors
/// When there is no clip, or one cannot be written.
pub fn bundle(sets: &[Demonstrations]) -> Result<File, RewardError> {
    let Some((first, others)) = sets.split_first() else {
        return Err(RewardError::demonstrations("", "there is no clip; give at least one"));
    };
    let companion = |(number, set): (usize, &Demonstrations)| {
        Ok((format!("{{stem}}.{:03}.{FILE_EXTENSION}", number + 2), set.to_bytes()?))
    };
    Ok(File {
        extension: FILE_EXTENSION.to_owned(),
        bytes: first.to_bytes()?,
        companions: others.iter().enumerate().map(companion).collect::<Result<_, RewardError>>()?,
    })
}

/// Reads the demonstrations of all clips of a file; `name` says in errors which it is.
///
/// # Errors
/// When one of them is no such file, of another layout, damaged, or inconsistent.
pub fn unbundle(name: &str, file: &File) -> Result<Vec<Demonstrations>, RewardError> {
    let others = file.companions.iter().map(|(companion, bytes)| (companion.replace("{stem}", name), bytes));
    let all = std::iter::once((name.to_owned(), &file.bytes)).chain(others);
    all.map(|(name, bytes)| Demonstrations::from_bytes(&name, bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demonstrations::{Family, RankSettings};
    use crate::testing::demonstrations;

    #[test]
    fn every_clip_survives_and_a_damaged_one_is_named() {
        let settings =
            RankSettings { families: vec![Family::White], levels: vec![0.5], ..RankSettings::default() };
        let sets: Vec<Demonstrations> = (1..4).map(|seed| demonstrations(seed, 1.0, &settings)).collect();
        let mut file = bundle(&sets).unwrap();
        let names = |sets: &[Demonstrations]| -> Vec<String> {
            sets.iter().map(|set| set.scene.name.clone()).collect()
        };
        assert_eq!(names(&unbundle("all", &file).unwrap()), names(&sets));
        assert_eq!(file.companions[1].0, "{stem}.003.demonstrations");
        file.companions[1].1.truncate(100);
        let error = unbundle("all", &file).unwrap_err().to_string();
        assert!(error.contains("all.003.demonstrations"), "{error}");
        assert!(bundle(&[]).unwrap_err().to_string().contains("at least one"));
    }
}
