//! Results kept in memory under a byte budget.

use super::Entry;
use esarm_values::Digest;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// Results by key, under a budget of bytes; the least recently used go first. One cache may serve several engines and
/// runs at once.
pub struct MemoryCache {
    budget_bytes: usize,
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    entries: HashMap<Digest, Slot>,
    /// Keys by the tick of their last use, oldest first.
    by_age: BTreeMap<u64, Digest>,
    size_bytes: usize,
    tick: u64,
}

struct Slot {
    entry: Arc<Entry>,
    size_bytes: usize,
    last_used: u64,
}

impl MemoryCache {
    /// An empty cache that keeps at most `budget_bytes`. A result larger than half of that is never kept, since it
    /// would push out everything else.
    pub fn new(budget_bytes: usize) -> Self {
        Self { budget_bytes, shelf: Mutex::default() }
    }

    /// Bytes kept now.
    pub fn size_bytes(&self) -> usize {
        self.shelf().size_bytes
    }

    /// The result of that key, now the most recently used.
    pub(crate) fn get(&self, key: &Digest) -> Option<Arc<Entry>> {
        let shelf = &mut *self.shelf();
        let slot = shelf.entries.get_mut(key)?;
        shelf.tick += 1;
        shelf.by_age.remove(&slot.last_used);
        slot.last_used = shelf.tick;
        shelf.by_age.insert(shelf.tick, *key);
        Some(slot.entry.clone())
    }

    /// Whether there is a result of that key; not a use of it.
    pub(crate) fn contains(&self, key: &Digest) -> bool {
        self.shelf().entries.contains_key(key)
    }

    /// Keeps a result.
    pub(crate) fn insert(&self, entry: Arc<Entry>) {
        let size_bytes = entry.size_bytes();
        if size_bytes > self.budget_bytes / 2 {
            return;
        }
        let shelf = &mut *self.shelf();
        let key = entry.key;
        shelf.remove(&key);
        shelf.tick += 1;
        shelf.by_age.insert(shelf.tick, key);
        shelf.entries.insert(key, Slot { entry, size_bytes, last_used: shelf.tick });
        shelf.size_bytes += size_bytes;
        while shelf.size_bytes > self.budget_bytes {
            let Some((_, oldest)) = shelf.by_age.first_key_value() else { break };
            let oldest = *oldest;
            shelf.remove(&oldest);
        }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        *self.shelf() = Shelf::default();
    }

    /// A panic elsewhere cannot leave the shelf half-changed, so a poisoned lock is still good.
    fn shelf(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn remove(&mut self, key: &Digest) {
        if let Some(slot) = self.entries.remove(key) {
            self.by_age.remove(&slot.last_used);
            self.size_bytes -= slot.size_bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output;
    use esarm_values::Value;

    fn entry(name: &str, size_bytes: usize) -> Arc<Entry> {
        let text = "x".repeat(size_bytes).into();
        Arc::new(Entry::new(Digest::of(name.as_bytes()), output("out", Value::Text(text))))
    }

    #[test]
    fn the_least_recently_used_go_first() {
        let probe = entry("a", 1000).size_bytes();
        let cache = MemoryCache::new(3 * probe);
        for name in ["a", "b", "c"] {
            cache.insert(entry(name, 1000));
        }
        assert!(cache.get(&Digest::of(b"a")).is_some());
        cache.insert(entry("d", 1000));
        let kept = ["a", "b", "c", "d"].map(|name| cache.contains(&Digest::of(name.as_bytes())));
        assert_eq!(kept, [true, false, true, true]);
        assert_eq!(cache.size_bytes(), 3 * probe);
        cache.clear();
        assert_eq!(cache.size_bytes(), 0);
    }

    #[test]
    fn a_result_that_would_push_out_everything_is_not_kept() {
        let cache = MemoryCache::new(10_000);
        cache.insert(entry("small", 100));
        cache.insert(entry("large", 9_000));
        assert!(cache.contains(&Digest::of(b"small")) && !cache.contains(&Digest::of(b"large")));
    }

    #[test]
    fn replacing_a_result_counts_it_once() {
        let cache = MemoryCache::new(10_000);
        cache.insert(entry("a", 100));
        let once = cache.size_bytes();
        cache.insert(entry("a", 100));
        assert_eq!(cache.size_bytes(), once);
    }
}
