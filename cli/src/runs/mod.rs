//! Runs: [`trigger`] starts them, [`follow`] follows and cancels them, [`resume`] continues those that an earlier endpoint
//! left unfinished. [`rows`] reads them, [`outage`] repeats reads during a short outage, [`job_output`] reads the output of
//! their jobs, [`live`] and [`report`] show them, [`names`] resolves names of jobs and workflows, and [`operator`] finds the
//! name of the operator.

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
