//! The only source of randomness: a counter hashed with a seed. A replay draws the same values, and a task token cannot be
//! guessed without the seed.

use std::cell::Cell;
use std::fmt;

use sha2::{Digest, Sha256};

/// The seed of an execution's randomness. It is secret, since task tokens follow from it. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Seed([u8; 32]);

impl Seed {
    /// A seed from the caller's random source, stored with the execution's journal.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the journal.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(…)")
    }
}

#[derive(Debug)]
pub(crate) struct Random {
    seed: Seed,
    counter: Cell<u64>,
}

impl Random {
    pub(crate) fn new(seed: Seed) -> Self {
        Self { seed, counter: Cell::new(0) }
    }

    /// A generator that depends on the given number only (`States.MathRandom` with a seed).
    pub(crate) fn from_number(number: i64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        Self::new(Seed(bytes))
    }

    /// Number of draws.
    pub(crate) fn draws(&self) -> u64 {
        self.counter.get()
    }

    pub(crate) fn bytes(&self) -> [u8; 32] {
        let counter = self.counter.get();
        self.counter.set(counter + 1);
        let mut hash = Sha256::new();
        hash.update(self.seed.0);
        hash.update(counter.to_le_bytes());
        hash.finalize().into()
    }

    /// Uniform in `0..bound`; 0 if the bound is 0. The bias is below 2⁻⁶⁴.
    pub(crate) fn below(&self, bound: u64) -> u64 {
        let bytes = self.bytes();
        let mut wide = [0; 16];
        wide.copy_from_slice(&bytes[..16]);
        let drawn = u128::from_le_bytes(wide) % u128::from(bound.max(1));
        u64::try_from(drawn).unwrap_or(0)
    }

    /// A version 4 UUID.
    pub(crate) fn uuid(&self) -> String {
        let mut b = self.bytes();
        b[6] = (b[6] & 0x0f) | 0x40;
        b[8] = (b[8] & 0x3f) | 0x80;
        let hex: String = b[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}
