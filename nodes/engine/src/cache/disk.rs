//! Results kept on disk, which survive restarts and may be shared by several processes.
//!
//! An entry is one file `ab/abcd...`, named by its key in hexadecimal: the bytes `ESARMRES`, the format version, the
//! key, the outputs (see [`super::encode`]) and the BLAKE3 digest of everything before. It is written beside its place
//! and renamed into it, so a reader sees all of it or nothing; what a crash leaves cut off fails its digest. An entry
//! that is damaged is dropped and made again, never served. Nothing here fails a run: a disk that is full or cannot be
//! written costs the cache and gives one warning.

use super::{DecodeError, Entry, FORMAT_VERSION, decode_outputs, encode_outputs};
use esarm_values::Digest;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

const MAGIC: &[u8; 8] = b"ESARMRES";
const HEADER_BYTES: u64 = 8 + 4 + 32;
const DIGEST_BYTES: u64 = 32;
const BUFFER_BYTES: usize = 1 << 16;

/// About how fast entries are read back. What is made faster than that is not worth its place on disk.
const READ_BYTES_PER_SEC: f64 = 500e6;

/// Age at which a temporary file must be from a process that is gone.
const ABANDONED: Duration = Duration::from_secs(3600);

/// Results on disk by key, under a budget of bytes; the longest unused go first.
pub struct DiskCache {
    folder: PathBuf,
    options: DiskOptions,
    writable: AtomicBool,
    temporary_names: AtomicU64,
    /// Bytes written since the folder was last swept; `None` before the first sweep.
    unswept_bytes: Mutex<Option<u64>>,
    damaged: AtomicUsize,
    warnings: Mutex<Vec<String>>,
}

/// What a disk cache keeps.
#[derive(Clone, Copy, Debug)]
pub struct DiskOptions {
    /// Bytes that all entries together may take. It may be exceeded by a sixteenth per process for a while. An entry
    /// larger than a quarter of it is not kept.
    pub budget_bytes: u64,
    /// Results that were made faster than this are not kept: reading them would take as long.
    pub least_making: Duration,
}

impl Default for DiskOptions {
    fn default() -> Self {
        Self { budget_bytes: 4 << 30, least_making: Duration::from_millis(2) }
    }
}

/// Why an entry was not read.
enum Miss {
    /// There is none, or one that another version of the program wrote.
    Absent,
    /// It is there but cannot be read now.
    Unreadable(io::Error),
    /// Its bytes are wrong.
    Damaged,
}

impl DiskCache {
    /// A cache in that folder, which is made when the first entry is written.
    pub fn open(folder: impl Into<PathBuf>, options: DiskOptions) -> Self {
        Self {
            folder: folder.into(),
            options,
            writable: AtomicBool::new(true),
            temporary_names: AtomicU64::new(0),
            unswept_bytes: Mutex::new(None),
            damaged: AtomicUsize::new(0),
            warnings: Mutex::default(),
        }
    }

    /// The result of that key. A damaged entry is dropped.
    pub(crate) fn get(&self, key: &Digest) -> Option<Entry> {
        let path = self.path_of(key);
        match read_entry(&path, key) {
            Ok(entry) => Some(entry),
            Err(Miss::Absent) => None,
            Err(Miss::Unreadable(error)) => {
                self.warn_and_stop("read", &path, &error);
                None
            }
            Err(Miss::Damaged) => {
                self.damaged.fetch_add(1, Ordering::Relaxed);
                // When this fails the entry is found damaged again, and made again.
                let _ = fs::remove_file(&path);
                None
            }
        }
    }

    /// Whether there is an entry of that key, sound or not; not a use of it.
    pub(crate) fn contains(&self, key: &Digest) -> bool {
        self.path_of(key).is_file()
    }

    /// Keeps a result that took `making` to make, if that is worthwhile.
    pub(crate) fn insert(&self, entry: &Entry, making: Duration) {
        let size_bytes = entry.size_bytes() as u64;
        let reading = Duration::from_secs_f64(size_bytes as f64 / READ_BYTES_PER_SEC);
        let worthwhile = making >= self.options.least_making.max(reading);
        let wanted = worthwhile && size_bytes <= self.options.budget_bytes / 4;
        if !wanted || !self.writable.load(Ordering::Relaxed) {
            return;
        }
        let path = self.path_of(&entry.key);
        match self.write_entry(&path, entry) {
            Ok(written_bytes) => self.sweep_when_due(written_bytes),
            Err(error) => self.warn_and_stop("written", &path, &error),
        }
    }

    /// What went wrong since the last call, in words.
    pub(crate) fn take_warnings(&self) -> Vec<String> {
        let mut warnings = std::mem::take(&mut *lock(&self.warnings));
        let damaged = self.damaged.swap(0, Ordering::Relaxed);
        if damaged > 0 {
            let folder = self.folder.display();
            warnings.push(format!("{damaged} damaged results in {folder} were dropped and made again"));
        }
        warnings
    }

    fn path_of(&self, key: &Digest) -> PathBuf {
        let name = key.to_string();
        self.folder.join(&name[..2]).join(name)
    }

    /// The first failure is told; from then on nothing is written.
    fn warn_and_stop(&self, what: &str, path: &Path, error: &io::Error) {
        if self.writable.swap(false, Ordering::Relaxed) {
            let path = path.display();
            lock(&self.warnings).push(format!(
                "results are no longer kept on disk: {path} cannot be {what} ({error}); make room or choose another \
                 cache folder"
            ));
        }
    }

    /// Writes an entry whole and gives its length in bytes.
    fn write_entry(&self, path: &Path, entry: &Entry) -> io::Result<u64> {
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        let (temporary, file) = self.create_temporary(path)?;
        let written =
            write_content(file, entry).and_then(|bytes| fs::rename(&temporary, path).map(|()| bytes));
        if written.is_err() {
            // The first error is the one to tell; what stays is swept later.
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    /// A new file beside `path` under a name that no other process and no other thread uses.
    fn create_temporary(&self, path: &Path) -> io::Result<(PathBuf, File)> {
        loop {
            let count = self.temporary_names.fetch_add(1, Ordering::Relaxed);
            let temporary = path.with_extension(format!("{}-{count}.tmp", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).open(&temporary) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                file => return Ok((temporary, file?)),
            }
        }
    }

    /// Sweeps before the first and after every sixteenth of the budget written, since other processes write, too.
    fn sweep_when_due(&self, written_bytes: u64) {
        let mut unswept = lock(&self.unswept_bytes);
        let bytes = unswept.map(|bytes| bytes + written_bytes);
        *unswept = Some(match bytes {
            Some(bytes) if bytes <= self.options.budget_bytes / 16 => bytes,
            _ => {
                sweep(&self.folder, self.options.budget_bytes);
                0
            }
        });
    }
}

/// Removes the longest unused entries beyond the budget, and temporary files that nobody writes any more. Whatever
/// another process has removed in the meantime is gone all the same.
fn sweep(folder: &Path, budget_bytes: u64) {
    let mut entries: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    let files = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
    for file in files(folder).flat_map(|shelf| files(&shelf.path())) {
        let Ok(metadata) = file.metadata() else { continue };
        let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let path = file.path();
        if path.extension().is_some_and(|extension| extension == "tmp") {
            if used.elapsed().is_ok_and(|age| age > ABANDONED) {
                let _ = fs::remove_file(path);
            }
        } else {
            entries.push((used, metadata.len(), path));
        }
    }
    entries.sort();
    let mut size_bytes: u64 = entries.iter().map(|(_, bytes, _)| bytes).sum();
    for (_, bytes, path) in entries {
        if size_bytes <= budget_bytes {
            break;
        }
        let _ = fs::remove_file(path);
        size_bytes -= bytes;
    }
}

fn write_content(file: File, entry: &Entry) -> io::Result<u64> {
    let mut sink = BufWriter::with_capacity(BUFFER_BYTES, Hashing::new(file));
    sink.write_all(MAGIC)?;
    sink.write_all(&FORMAT_VERSION.to_le_bytes())?;
    sink.write_all(&entry.key.0)?;
    encode_outputs(&entry.outputs, &mut sink)?;
    let Hashing { mut inner, hasher, bytes } = sink.into_inner().map_err(io::IntoInnerError::into_error)?;
    inner.write_all(hasher.finalize().as_bytes())?;
    Ok(bytes + DIGEST_BYTES)
}

fn read_entry(path: &Path, key: &Digest) -> Result<Entry, Miss> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(Miss::Absent),
        file => file.map_err(Miss::Unreadable)?,
    };
    let length = file.metadata().map_err(Miss::Unreadable)?.len();
    let content_bytes = length.checked_sub(DIGEST_BYTES).ok_or(Miss::Damaged)?;
    let mut source = BufReader::with_capacity(BUFFER_BYTES, Hashing::new((&mut file).take(content_bytes)));
    read_header(&mut source, key)?;
    let left = content_bytes.checked_sub(HEADER_BYTES).ok_or(Miss::Damaged)?;
    let outputs = decode_outputs(&mut source, left).map_err(|error| match error {
        DecodeError::Read(error) => miss(error),
        DecodeError::Version(_) => Miss::Absent,
        DecodeError::Length | DecodeError::Content(_) => Miss::Damaged,
    })?;
    let found = source.into_inner().hasher.finalize();
    let mut stored = [0; DIGEST_BYTES as usize];
    file.read_exact(&mut stored).map_err(miss)?;
    if found.as_bytes() != &stored {
        return Err(Miss::Damaged);
    }
    // The time of the last use decides what is swept. On a disk that cannot be written it stays.
    let _ = file.set_modified(SystemTime::now());
    Ok(Entry::new(*key, outputs))
}

fn read_header(source: &mut impl Read, key: &Digest) -> Result<(), Miss> {
    let mut header = [0; HEADER_BYTES as usize];
    source.read_exact(&mut header).map_err(miss)?;
    let (magic, rest) = header.split_at(MAGIC.len());
    let (version, stored_key) = rest.split_at(4);
    if magic != MAGIC || stored_key != key.0 {
        Err(Miss::Damaged)
    } else if version != FORMAT_VERSION.to_le_bytes() {
        Err(Miss::Absent)
    } else {
        Ok(())
    }
}

fn miss(error: io::Error) -> Miss {
    if error.kind() == ErrorKind::UnexpectedEof { Miss::Damaged } else { Miss::Unreadable(error) }
}

/// Hashes and counts what passes through.
struct Hashing<T> {
    inner: T,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl<T> Hashing<T> {
    fn new(inner: T) -> Self {
        Self { inner, hasher: blake3::Hasher::new(), bytes: 0 }
    }

    fn add(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
    }
}

impl<T: Read> Read for Hashing<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.add(&buffer[..count]);
        Ok(count)
    }
}

impl<T: Write> Write for Hashing<T> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(buffer)?;
        self.add(&buffer[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
