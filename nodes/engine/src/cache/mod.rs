//! Where results are kept between runs.

mod decode;
mod disk;
mod encode;
mod memory;

pub use decode::{DecodeError, decode_outputs};
pub use disk::{DiskCache, DiskOptions};
pub use encode::{FORMAT_VERSION, encode_outputs};
pub use memory::MemoryCache;

use crate::Outputs;
use crate::report::{CacheLevel, OutputReport};
use esarm_values::{Digest, Digestible, Value};
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// Where an engine keeps results. Clones share them, so that several engines may use the same caches.
#[derive(Clone)]
pub struct Caches {
    /// Results in memory.
    pub memory: Arc<MemoryCache>,
    /// Results on disk, if they are to survive.
    pub disk: Option<Arc<DiskCache>>,
}

impl Caches {
    /// A memory cache of that many bytes and no disk cache.
    pub fn in_memory(budget_bytes: usize) -> Self {
        Self { memory: Arc::new(MemoryCache::new(budget_bytes)), disk: None }
    }

    /// The same with a disk cache.
    #[must_use]
    pub fn with_disk(self, disk: DiskCache) -> Self {
        Self { disk: Some(Arc::new(disk)), ..self }
    }

    /// The result of a key and where it was. What was on disk is then in memory, too.
    pub(crate) fn find(&self, key: &Digest) -> Option<(Arc<Entry>, CacheLevel)> {
        if let Some(entry) = self.memory.get(key) {
            return Some((entry, CacheLevel::Memory));
        }
        let entry = Arc::new(self.disk.as_ref()?.get(key)?);
        self.memory.insert(entry.clone());
        Some((entry, CacheLevel::Disk))
    }

    /// Where a result is kept, without using it.
    pub(crate) fn level_of(&self, key: &Digest) -> Option<CacheLevel> {
        let on_disk =
            || self.disk.as_ref().is_some_and(|disk| disk.contains(key)).then_some(CacheLevel::Disk);
        self.memory.contains(key).then_some(CacheLevel::Memory).or_else(on_disk)
    }

    /// What went wrong on disk since the last call.
    pub(crate) fn take_warnings(&self) -> Vec<String> {
        self.disk.as_ref().map_or_else(Vec::new, |disk| disk.take_warnings())
    }
}

/// The outputs of a node under the key they were made with.
pub(crate) struct Entry {
    pub(crate) key: Digest,
    pub(crate) outputs: Outputs,
    digests: OnceLock<BTreeMap<String, Digest>>,
}

impl Entry {
    pub(crate) fn new(key: Digest, outputs: Outputs) -> Self {
        Self { key, outputs, digests: OnceLock::new() }
    }

    /// Bytes of memory it takes, about.
    pub(crate) fn size_bytes(&self) -> usize {
        const OVERHEAD_BYTES: usize = 256;
        self.outputs.values().map(Value::size_bytes).sum::<usize>() + OVERHEAD_BYTES
    }

    /// Sizes of the outputs, and their digests if wanted.
    pub(crate) fn report(&self, with_digests: bool) -> BTreeMap<String, OutputReport> {
        let digests = with_digests.then(|| self.digests());
        let digest = |port: &String| digests.and_then(|digests| digests.get(port).copied());
        let report = |(port, value): (&String, &Value)| {
            (port.clone(), OutputReport { bytes: value.size_bytes(), digest: digest(port) })
        };
        self.outputs.iter().map(report).collect()
    }

    /// The digests of the outputs, made when first asked for.
    fn digests(&self) -> &BTreeMap<String, Digest> {
        let digest = |(port, value): (&String, &Value)| (port.clone(), value.digest());
        self.digests.get_or_init(|| self.outputs.iter().map(digest).collect())
    }
}
