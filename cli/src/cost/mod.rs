//! What a run costs on AWS, before it is run: pure, from the plan.
//!
//! [`machines`] walks the very definitions that are deployed and counts what they do, [`usage`] adds what functions and
//! agents do beside, [`sample`] counts the same for AWS's sample, and [`prices`] alone knows what things cost.

mod machines;
mod prices;
mod sample;
mod usage;

pub(crate) use prices::{Bill, DATE, FREE, REGION, SOURCES};
pub(crate) use sample::of_sample;
pub(crate) use usage::{Assumptions, Usage, of_plan};
