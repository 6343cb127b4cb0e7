//! Runs: [`trigger`] starts them, [`follow`] follows them to their end and cancels them, [`resume`] takes up those that
//! an earlier endpoint left unfinished. [`rows`] reads them, [`outage`] keeps reading through a moment without network,
//! [`job_output`] reads what their jobs wrote, [`live`] and [`report`] show them, [`names`] resolves what operators call
//! jobs and workflows, and [`operator`] is who acts.

pub(crate) mod follow;
pub(crate) mod job_output;
pub(crate) mod live;
pub(crate) mod names;
pub(crate) mod operator;
pub(crate) mod outage;
pub(crate) mod report;
pub(crate) mod resume;
pub(crate) mod rows;
pub(crate) mod trigger;
