//! A world for end-to-end tests: `rsqlflow local` as a process of its own, its state and its scripts in a
//! directory that goes away, and the real AWS SDK to talk to it.
//!
//! Nothing here looks inside the programs: what a test sees, a user can see.

mod agents;
mod binaries;
mod clients;
mod disk;
mod function;
mod http;
mod keys;
mod network;
mod operator;
mod page;
mod raw;
mod served;
mod wait;
mod world;

pub use agents::{Gate, has_control_groups, on_a_full_disk};
pub use binaries::{binary, command};
pub use clients::{client, clients};
pub use disk::SmallDisk;
pub use http::{Answer, send};
pub use keys::Keys;
pub use network::{Fault, Network};
pub use operator::Said;
pub use page::shown;
pub use served::{Served, behind, directory, local, local_on, refused};
pub use wait::{eventually, eventually_within};
pub use world::{Refused, Run, World, WorldOptions};
