//! The client against a PostgreSQL of the tests' own.
#![expect(clippy::expect_used, clippy::panic, reason = "a helper that fails is a test that fails")]

mod common;
mod corpus;
mod golden;
mod redshift;
mod rules;
mod session;
