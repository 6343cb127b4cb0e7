//! An endpoint in trouble: what is in its way when it starts, a disk that fills, and what is thrown at it.

mod commands;
mod disk;
mod requests;
mod start;
