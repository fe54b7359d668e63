//! Content digests: the same bytes of meaning give the same digest on every machine.

/// A BLAKE3 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// Feeds values into a digest; every item is prefixed by its length, so that no two sequences run together.
#[derive(Default)]
pub struct Hasher(blake3::Hasher);

impl Hasher {
    /// An empty hasher.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds raw bytes, prefixed by their length.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    /// Adds text as UTF-8.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    /// Adds an integer as 8 little-endian bytes.
    pub fn integer(&mut self, value: i64) -> &mut Self {
        self.0.update(&value.to_le_bytes());
        self
    }

    /// Adds the bit pattern of a number.
    pub fn number(&mut self, value: f64) -> &mut Self {
        self.0.update(&value.to_bits().to_le_bytes());
        self
    }

    /// Adds the bit patterns of single-precision numbers, prefixed by their count.
    pub fn floats(&mut self, values: &[f32]) -> &mut Self {
        self.0.update(&(values.len() as u64).to_le_bytes());
        let mut block = [0_u8; 4096];
        for chunk in values.chunks(block.len() / 4) {
            for (slot, value) in block.chunks_exact_mut(4).zip(chunk) {
                slot.copy_from_slice(&value.to_bits().to_le_bytes());
            }
            self.0.update(&block[..chunk.len() * 4]);
        }
        self
    }

    /// The digest of everything added so far.
    pub fn finish(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }
}

/// Something whose content can be hashed.
pub trait Digestible {
    /// Adds the content to `hasher`.
    fn digest_into(&self, hasher: &mut Hasher);

    /// The digest of the content.
    fn digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        self.digest_into(&mut hasher);
        hasher.finish()
    }
}
