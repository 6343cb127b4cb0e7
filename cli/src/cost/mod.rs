//! Estimates what a run costs on AWS. Pure, from the plan.
//!
//! [`transitions`] walks the definitions that are deployed and counts what they do, [`usage`] adds what functions and
//! agents use, [`aws_sample`] counts the same for AWS's sample, and [`prices`] has all prices.

mod aws_sample;
mod prices;
mod transitions;
mod usage;

pub(crate) use aws_sample::of_sample;
pub(crate) use prices::{Bill, DATE, FREE, REGION, SOURCES};
pub(crate) use usage::{Assumptions, Usage, of_plan};
