//! Seeds, and what becomes of them.

use std::path::PathBuf;

use proptest::prelude::*;
use proptest::sample::Index;

use crate::Target;

/// Longer inputs are cut: they find nothing that shorter ones do not, and take longer.
const LONGEST: usize = 16 * 1024;

/// Where the seeds of a target are.
#[must_use]
pub fn folder(target: &Target) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target.name)
}

/// The seeds of a target, by name.
///
/// # Panics
/// Where they cannot be read.
#[must_use]
pub fn seeds(target: &Target) -> Vec<(String, Vec<u8>)> {
    let folder = folder(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut seeds: Vec<_> = entries
        .map(|entry| entry.expect("a seed").path())
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read(path).expect("a seed"))
        })
        .collect();
    seeds.sort();
    seeds
}

/// One change of an input.
#[derive(Clone, Debug)]
enum Edit {
    Set(Index, u8),
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Word(Index, Index),
    Remove(Index, usize),
    Repeat(Index, usize, usize),
    /// The rest comes from another seed.
    Splice(Index, Index, Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<Index>;
    prop_oneof![
        1 => (at(), any::<u8>()).prop_map(|(at, byte)| Edit::Set(at, byte)),
        1 => (at(), 0u8..8).prop_map(|(at, bit)| Edit::Flip(at, bit)),
        1 => (at(), prop::collection::vec(any::<u8>(), 1..6)).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        4 => (at(), at()).prop_map(|(at, word)| Edit::Word(at, word)),
        1 => (at(), 1usize..64).prop_map(|(at, length)| Edit::Remove(at, length)),
        1 => (at(), 1usize..64, 1usize..8).prop_map(|(at, length, times)| Edit::Repeat(at, length, times)),
        1 => (at(), at(), at()).prop_map(|(at, seed, from)| Edit::Splice(at, seed, from)),
    ]
}

/// Inputs for a target: seeds with up to a dozen changes.
///
/// # Panics
/// Where it has no seeds.
pub fn inputs(target: &Target) -> impl Strategy<Value = Vec<u8>> + use<> {
    let seeds: Vec<Vec<u8>> = seeds(target).into_iter().map(|(_, seed)| seed).collect();
    assert!(!seeds.is_empty(), "{} has no seeds", target.name);
    let words = target.words;
    (any::<Index>(), prop::collection::vec(edit(), 0..12)).prop_map(move |(first, edits)| {
        let mut bytes = first.get(&seeds).clone();
        for edit in &edits {
            apply(&mut bytes, edit, &seeds, words);
            bytes.truncate(LONGEST);
        }
        bytes
    })
}

fn apply(bytes: &mut Vec<u8>, edit: &Edit, seeds: &[Vec<u8>], words: &[&str]) {
    let length = bytes.len();
    let place = |at: &Index| at.index(length + 1);
    match edit {
        Edit::Set(at, _) | Edit::Flip(at, _) if length > 0 => {
            let byte = &mut bytes[at.index(length)];
            match edit {
                Edit::Set(_, value) => *byte = *value,
                Edit::Flip(_, bit) => *byte ^= 1 << bit,
                _ => {}
            }
        }
        Edit::Set(..) | Edit::Flip(..) => {}
        Edit::Insert(at, more) => {
            let at = place(at);
            bytes.splice(at..at, more.iter().copied());
        }
        Edit::Word(at, word) => {
            let at = place(at);
            bytes.splice(at..at, word.get(words).bytes());
        }
        Edit::Remove(at, count) => {
            let at = place(at);
            bytes.drain(at..length.min(at + count));
        }
        Edit::Repeat(at, count, times) => {
            let at = place(at);
            let part = bytes[at..length.min(at + count)].repeat(*times);
            bytes.splice(at..at, part);
        }
        Edit::Splice(at, seed, from) => {
            bytes.truncate(place(at));
            let other = seed.get(seeds);
            bytes.extend_from_slice(&other[from.index(other.len() + 1)..]);
        }
    }
}
