//! Files that are never half-written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Why a file could not be written. The file that was there before is unchanged.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {reason}; {remedy}", path.display())]
pub struct SaveError {
    /// The file that should have been written.
    pub path: PathBuf,
    /// What went wrong.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
    /// The error of the operating system, if it was one.
    #[source]
    pub source: Option<io::Error>,
}

/// Writes a file so that at any moment, even through a crash or loss of power, either the old content is there or the
/// new: into a temporary file beside it, to disk, then renamed over it. A link is followed, the permissions of an old
/// file stay. What is not a regular file, such as a pipe, is written to directly.
///
/// # Errors
/// When the file is write-protected or a folder, its folder does not exist or cannot be written, or the disk is full;
/// the temporary file is removed and the old content stays.
pub fn write_atomically(path: impl AsRef<Path>, bytes: &[u8]) -> Result<(), SaveError> {
    StagedFile::new(path, bytes)?.commit()
}

/// A file whose content is safe on disk under a temporary name beside its place. Dropping it removes the temporary
/// file, so that several files can be written all or not at all.
#[derive(Debug)]
pub struct StagedFile {
    path: PathBuf,
    content: Staged,
}

#[derive(Debug)]
enum Staged {
    /// Goes from the temporary file to the target.
    Renamed { temporary: PathBuf, target: PathBuf },
    /// Goes into what is no regular file, which cannot be replaced.
    Direct(Vec<u8>),
    /// Has gone where it belongs.
    Done,
}

impl StagedFile {
    /// Writes the content to disk without touching `path` yet.
    ///
    /// # Errors
    /// As [`write_atomically`].
    pub fn new(path: impl AsRef<Path>, bytes: &[u8]) -> Result<Self, SaveError> {
        Self::staged_in(path.as_ref(), bytes, folder_of)
    }

    /// As [`StagedFile::new`], for a file whose folder may be missing: the folder is made when the file goes to its
    /// place, until then the content waits in the nearest folder above that is there.
    ///
    /// # Errors
    /// As [`write_atomically`].
    pub fn with_folder(path: impl AsRef<Path>, bytes: &[u8]) -> Result<Self, SaveError> {
        Self::staged_in(path.as_ref(), bytes, existing_folder_above)
    }

    fn staged_in(path: &Path, bytes: &[u8], folder: impl Fn(&Path) -> &Path) -> Result<Self, SaveError> {
        let content = stage(path, bytes, folder).map_err(|error| SaveError::from_io(path, error))?;
        Ok(Self { path: path.to_owned(), content })
    }

    /// Puts the content in its place.
    ///
    /// # Errors
    /// As [`write_atomically`].
    pub fn commit(self) -> Result<(), SaveError> {
        Self::commit_all(vec![self])
    }

    fn commit_one(mut self) -> Result<(), SaveError> {
        let outcome = match &self.content {
            Staged::Renamed { temporary, target } => {
                fs::rename(temporary, target).map(|()| folder_of(target).to_owned()).map(Some)
            }
            Staged::Direct(bytes) => fs::write(&self.path, bytes).map(|()| None),
            Staged::Done => Ok(None),
        };
        let folder = outcome.map_err(|error| SaveError::from_io(&self.path, error))?;
        self.content = Staged::Done;
        let synced = folder.map_or(Ok(()), |folder| sync_folder(&folder));
        synced.map_err(|error| SaveError::from_io(&self.path, error))
    }

    /// Puts several files in their places: first what can still fail for want of space, then the renames into
    /// folders that are made as needed.
    ///
    /// # Errors
    /// As [`write_atomically`]; files that come after the one that failed are left as they were, and folders made for
    /// them are removed.
    pub fn commit_all(staged: Vec<Self>) -> Result<(), SaveError> {
        let (direct, renamed): (Vec<Self>, Vec<Self>) =
            staged.into_iter().partition(|file| matches!(file.content, Staged::Direct(_)));
        direct.into_iter().try_for_each(Self::commit_one)?;
        let mut made = Vec::new();
        let made_all = renamed.iter().try_for_each(|file| file.make_folder(&mut made));
        let outcome = made_all.and_then(|()| renamed.into_iter().try_for_each(Self::commit_one));
        if outcome.is_err() {
            // Only empty folders go; the error that matters is the one above.
            made.iter().rev().for_each(|folder| drop(fs::remove_dir(folder)));
        }
        outcome
    }

    /// Makes the folder of a file that is to be renamed; adds what had to be made, outermost first.
    fn make_folder(&self, made: &mut Vec<PathBuf>) -> Result<(), SaveError> {
        let Staged::Renamed { target, .. } = &self.content else { return Ok(()) };
        let mut missing: Vec<&Path> = folder_of(target)
            .ancestors()
            .take_while(|it| !it.as_os_str().is_empty() && !it.exists())
            .collect();
        while let Some(folder) = missing.pop() {
            match fs::create_dir(folder) {
                Ok(()) => made.push(folder.to_owned()),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(SaveError::from_io(&self.path, error)),
            }
        }
        Ok(())
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        if let Staged::Renamed { temporary, .. } = &self.content {
            // A file that cannot be removed is left for the user to see.
            let _ = fs::remove_file(temporary);
        }
    }
}

fn stage(path: &Path, bytes: &[u8], folder: impl Fn(&Path) -> &Path) -> io::Result<Staged> {
    let old = match fs::metadata(path) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    match &old {
        Some(metadata) if metadata.is_dir() => return Err(ErrorKind::IsADirectory.into()),
        Some(metadata) if !metadata.is_file() => return Ok(Staged::Direct(bytes.to_owned())),
        Some(metadata) if metadata.permissions().readonly() => return Err(ErrorKind::PermissionDenied.into()),
        _ => {}
    }
    let target = if old.is_some() { fs::canonicalize(path)? } else { path.to_owned() };
    let (temporary, file) = create_temporary(folder(&target))?;
    let permissions = old.map(|metadata| metadata.permissions());
    if let Err(error) = fill(file, bytes, permissions) {
        // The error that matters is the first; a file that cannot be removed either is left for the user to see.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    Ok(Staged::Renamed { temporary, target })
}

fn fill(mut file: File, bytes: &[u8], permissions: Option<fs::Permissions>) -> io::Result<()> {
    file.write_all(bytes)?;
    permissions.map_or(Ok(()), |permissions| file.set_permissions(permissions))?;
    file.sync_all()
}

/// Creates a file of a name that nothing else uses. Its folder is the target's or one above it, since a rename is only
/// atomic within one disk.
fn create_temporary(folder: &Path) -> io::Result<(PathBuf, File)> {
    const MOST_TRIES: u32 = 1000;
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    for _ in 0..MOST_TRIES {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let temporary = folder.join(format!(".esarm-{}-{number}.tmp", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            opened => return opened.map(|file| (temporary, file)),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The folder that a file lies in, or the nearest above it that is there.
fn existing_folder_above(path: &Path) -> &Path {
    let above = folder_of(path).ancestors().find(|it| it.exists());
    above.unwrap_or(Path::new("."))
}

/// Puts the rename itself on disk. Some file systems cannot, and need not.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::PermissionDenied
            ) =>
        {
            Ok(())
        }
        outcome => outcome,
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

impl SaveError {
    fn from_io(path: &Path, error: io::Error) -> Self {
        let (reason, remedy) = match error.kind() {
            ErrorKind::NotFound => ("its folder does not exist", "create the folder, or choose another"),
            ErrorKind::NotADirectory => ("what should be its folder is a file", "choose another folder"),
            ErrorKind::IsADirectory => ("it is a folder", "choose the name of a file"),
            ErrorKind::PermissionDenied => {
                ("the file or its folder is write-protected", "allow writing there, or choose another place")
            }
            ErrorKind::ReadOnlyFilesystem => ("the disk is read-only", "choose a place on another disk"),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                ("the disk is full", "free some space, or choose a place on another disk")
            }
            _ => ("the operating system refused", "check the place, or choose another"),
        };
        let reason = format!("{reason} ({error})");
        Self { path: path.to_owned(), reason, remedy: remedy.to_owned(), source: Some(error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    fn names(folder: &Path) -> Vec<OsString> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_created_and_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.esarm");
        write_atomically(&path, b"old").unwrap();
        write_atomically(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["a.esarm"]);
    }

    #[test]
    fn a_write_protected_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.esarm");
        fs::write(&path, "old").unwrap();
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).unwrap();
        let message = write_atomically(&path, b"new").unwrap_err().to_string();
        assert!(message.contains("a.esarm: the file or its folder is write-protected"), "{message}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a.esarm"]);
    }

    #[test]
    fn places_that_cannot_be_written_are_named_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let message = |path: &Path| write_atomically(path, b"x").unwrap_err().to_string();
        assert!(message(&folder.path().join("no/a.esarm")).contains("create the folder"));
        assert!(message(&file.join("a.esarm")).contains("is a file"));
        assert!(message(folder.path()).contains("it is a folder"));
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn staged_files_come_together_or_leave_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        let stage = |path: &Path| StagedFile::new(path, b"new").unwrap();
        fs::write(&a, "old").unwrap();
        let staged = vec![stage(&a), stage(&b)];
        assert_eq!(fs::read(&a).unwrap(), b"old");
        drop(staged);
        assert_eq!(names(folder.path()), ["a"]);
        StagedFile::commit_all(vec![stage(&a), stage(&b)]).unwrap();
        assert_eq!(names(folder.path()), ["a", "b"]);
        assert_eq!(fs::read(&a).unwrap(), b"new");
    }

    #[test]
    fn missing_folders_are_made_with_the_file_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("x/y/a"), folder.path().join("x/b"));
        let stage = |path: &Path| StagedFile::with_folder(path, b"new").unwrap();
        let staged = vec![stage(&a), stage(&b)];
        assert!(!folder.path().join("x").exists());
        drop(staged);
        assert!(names(folder.path()).is_empty());
        StagedFile::commit_all(vec![stage(&a), stage(&b)]).unwrap();
        assert_eq!((fs::read(&a).unwrap(), fs::read(&b).unwrap()), (b"new".to_vec(), b"new".to_vec()));
        assert_eq!(names(folder.path()), ["x"]);
    }

    #[test]
    fn folders_that_were_made_for_nothing_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let staged = vec![
            StagedFile::with_folder(at("file/b"), b"new").unwrap(),
            StagedFile::with_folder(at("x/y/a"), b"new").unwrap(),
        ];
        fs::write(at("file"), "came in between").unwrap();
        assert!(StagedFile::commit_all(staged).is_err());
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_that_takes_nothing_keeps_the_others_from_being_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let a = folder.path().join("a");
        let staged = vec![StagedFile::new(&a, b"new").unwrap(), StagedFile::new("/dev/full", b"x").unwrap()];
        assert!(StagedFile::commit_all(staged).is_err());
        assert!(names(folder.path()).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&file, &link).unwrap();
        write_atomically(&link, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_no_file_is_written_to_and_not_replaced() {
        write_atomically("/dev/null", b"gone").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        let message = write_atomically("/dev/full", b"x").unwrap_err().to_string();
        assert!(message.contains("the disk is full"), "{message}");
    }

    /// Needs a file system with less than a megabyte of space.
    #[test]
    fn a_full_disk_leaves_the_old_file() {
        let Some(disk) = std::env::var_os("ESARM_SMALL_DISK") else {
            println!("SKIPPED a_full_disk_leaves_the_old_file: ESARM_SMALL_DISK names no small file system");
            return;
        };
        let folder = tempfile::tempdir_in(disk).unwrap();
        let path = folder.path().join("a.esarm");
        write_atomically(&path, b"old").unwrap();
        let message = write_atomically(&path, &[0; 1 << 20]).unwrap_err().to_string();
        assert!(message.contains("the disk is full") && message.contains("free some space"), "{message}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a.esarm"]);
    }

    #[test]
    fn many_writers_leave_one_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shared");
        std::thread::scope(|scope| {
            for writer in 0..8u8 {
                let path = &path;
                scope.spawn(move || write_atomically(path, &vec![writer; 100_000]).unwrap());
            }
        });
        let content = fs::read(&path).unwrap();
        assert_eq!(content.len(), 100_000);
        assert!(content.iter().all(|byte| *byte == content[0]));
        assert_eq!(names(folder.path()), ["shared"]);
    }
}
