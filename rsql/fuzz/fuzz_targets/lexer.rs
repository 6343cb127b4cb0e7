//! The splitter, interpolation, the checker and the chart: no panic, no lost or invented byte.
//!
//! `cargo +nightly fuzz run lexer -- -max_total_time=600`, or without a nightly compiler:
//!
//! ```text
//! RUSTFLAGS='--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
//!     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
//!     -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions -Ccodegen-units=1' \
//!     cargo run --release --target x86_64-unknown-linux-gnu -- -max_total_time=600 NEW-DIRECTORY ../tests/corpus
//! ```
#![no_main]

use libfuzzer_sys::fuzz_target;
use rsql::lexer::{Piece, Scanner, Stop, split, token};

fuzz_target!(|script: &str| {
    for plain in [true, false] {
        let joined: String = token::tokens(script, plain).iter().map(|t| t.text.as_str()).collect();
        assert_eq!(joined, script);
        let pieces = split(script, plain);
        let length: usize = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Sql { text, .. } | Piece::Data { text, .. } => text.len(),
                Piece::Meta { text, .. } => text.len() + 1,
            })
            .sum();
        // An escaped `\;` or `\:` loses its backslash; nothing else changes.
        let escapes = script.matches("\\;").count() + script.matches("\\:").count();
        assert!(length <= script.len() && length + escapes >= script.len());

        let mut scanner = Scanner::new(plain);
        let mut out = String::new();
        let lookup = |name: &str| Some(if name.len() > 1 { ":a ';" } else { "x" }.to_owned());
        for line in script.split('\n') {
            scanner.feed(line);
            while scanner.scan(Some(&lookup), &mut out) != Stop::Eol {}
        }
    }
    let _ = rsql::check::check("x.sql", script);
    let _ = rsql::check::check("x.sh", script);
    let _ = rsql::flow::mermaid("x.sql", script);
});
