//! Selects the instance of a job.

use aws_sdk_ssm::types::{InstanceInformation, InstanceInformationStringFilter, PingStatus};
use rsqlflow_core::config::Target;
use rsqlflow_core::{ExecutionId, JobId};

use crate::{Context, HandlerError, ServiceError};

/// Maximum number of pages of `DescribeInstanceInformation`, with 50 instances each.
const PAGES: usize = 40;

/// Maximum number of instances that are tried for one attempt, because the function has a time limit.
const TRIED: usize = 10;

/// The instances for an attempt, best first, or why there is none.
pub(crate) async fn choose(
    context: &Context,
    target: &Target,
    run: &ExecutionId,
    job: JobId,
    attempt: u32,
) -> Result<Result<Vec<String>, String>, HandlerError> {
    let known = match target {
        // There is nothing to select. Systems Manager reports a problem with the instance.
        Target::InstanceIds(ids) if ids.len() == 1 => return Ok(Ok(ids.clone())),
        Target::InstanceIds(ids) => describe(context, vec![("InstanceIds".to_owned(), ids.clone())]).await?,
        Target::Tags(tags) => {
            let filters = tags.iter().map(|(key, value)| (format!("tag:{key}"), vec![value.clone()]));
            describe(context, filters.collect()).await?
        }
    };
    let ids: Vec<String> = order(&known, spread(run, job, attempt)).into_iter().map(str::to_owned).collect();
    Ok(if ids.is_empty() { Err(nowhere(target)) } else { Ok(ids) })
}

async fn describe(
    context: &Context,
    filters: Vec<(String, Vec<String>)>,
) -> Result<Vec<Candidate>, HandlerError> {
    let failed = |reason: String| HandlerError::Internal(reason);
    let mut request = context.ssm.describe_instance_information().max_results(50);
    for (key, values) in filters {
        let filter = InstanceInformationStringFilter::builder().key(key).set_values(Some(values)).build();
        request = request.filters(filter.map_err(|e| failed(e.to_string()))?);
    }
    let mut pages = request.into_paginator().send();
    let mut found = Vec::new();
    for _ in 0..PAGES {
        let Some(page) = pages.next().await else { break };
        let page = page.map_err(|e| ServiceError::of("DescribeInstanceInformation", "", &e))?;
        found.extend(page.instance_information_list().iter().filter_map(Candidate::of));
    }
    Ok(found)
}

/// An instance that Systems Manager knows.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate {
    id: String,
    online: bool,
}

impl Candidate {
    fn of(instance: &InstanceInformation) -> Option<Self> {
        let online = instance.ping_status() == Some(&PingStatus::Online);
        Some(Self { id: instance.instance_id()?.to_owned(), online })
    }
}

/// Online instances, starting with one of them, then those that were online: they may come back before the delivery times
/// out. At most [`TRIED`].
fn order(known: &[Candidate], spread: u64) -> Vec<&str> {
    let ids = |online: bool| {
        let mut ids: Vec<&str> = known.iter().filter(|c| c.online == online).map(|c| c.id.as_str()).collect();
        ids.sort_unstable();
        let count = u64::try_from(ids.len()).unwrap_or(u64::MAX).max(1);
        ids.rotate_left(usize::try_from(spread % count).unwrap_or_default());
        ids
    };
    let mut order = ids(true);
    order.extend(ids(false));
    order.truncate(TRIED);
    order
}

/// Jobs that are adjacent in a stage go to adjacent instances, which distributes them evenly. The next attempt goes to the
/// next instance. Runs and stages start at different instances, so that single jobs do not all use the first.
fn spread(run: &ExecutionId, job: JobId, attempt: u32) -> u64 {
    /// FNV-1a: the same in every process, unlike the standard library's hash.
    fn hash(bytes: impl Iterator<Item = u8>) -> u64 {
        bytes
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }
    // Half of the range, so that adding does not wrap, which would make the distribution uneven.
    let start = hash(run.as_str().bytes().chain(job.stage.to_be_bytes())) >> 1;
    start + u64::from(job.position) + u64::from(attempt)
}

fn nowhere(target: &Target) -> String {
    let wanted = match target {
        Target::InstanceIds(ids) => format!("is one of {}", ids.join(", ")),
        Target::Tags(tags) => {
            let tags: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("has the tags {}", tags.join(", "))
        }
    };
    format!(
        "could not be sent: Systems Manager knows no instance that {wanted}; check the target, and that the instance's \
         SSM agent is registered"
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn run(id: &str) -> ExecutionId {
        ExecutionId::new(id).unwrap()
    }

    fn candidates(online: usize, offline: usize) -> Vec<Candidate> {
        (0..online + offline).map(|i| Candidate { id: format!("i-{i:03}"), online: i < online }).collect()
    }

    #[test]
    fn an_instance_that_is_offline_is_the_last_resort() {
        let one_of_each = candidates(1, 1);
        assert!((0..10).all(|spread| order(&one_of_each, spread) == ["i-000", "i-001"]));
        assert_eq!(order(&candidates(0, 1), 7), ["i-000"]);
        assert_eq!(order(&candidates(3, 0), 1), ["i-001", "i-002", "i-000"]);
        assert!(order(&[], 7).is_empty());
        assert_eq!(order(&candidates(50, 50), 7).len(), TRIED);
    }

    #[test]
    fn nowhere_names_the_target() {
        let tags = Target::Tags([("Role".into(), "etl".into())].into());
        assert!(nowhere(&tags).contains("Role=etl"));
    }

    proptest! {
        #[test]
        fn a_stage_is_spread_evenly(id in "[a-z]{1,20}", stage in 0u16..9, instances in 1usize..9, jobs in 0u32..200) {
            let known = candidates(instances, 0);
            let mut loads: BTreeMap<&str, u32> = known.iter().map(|c| (c.id.as_str(), 0)).collect();
            for position in 0..jobs {
                let id = order(&known, spread(&run(&id), JobId::new(stage, position), 1))[0];
                *loads.get_mut(id).unwrap() += 1;
            }
            let (least, most) = (loads.values().min().unwrap(), loads.values().max().unwrap());
            prop_assert!(most - least <= 1, "{:?}", loads);
        }

        #[test]
        fn the_next_attempt_goes_elsewhere(id in "[a-z]{1,20}", instances in 2usize..9, attempt in 1u32..9) {
            let known = candidates(instances, 0);
            let at = |attempt| order(&known, spread(&run(&id), JobId::new(0, 0), attempt))[0];
            prop_assert_ne!(at(attempt), at(attempt + 1));
        }

        #[test]
        fn the_order_of_the_answer_does_not_matter(mut known in Just(candidates(5, 2)).prop_shuffle(), spread in any::<u64>()) {
            let picked: Vec<String> = order(&known, spread).into_iter().map(str::to_owned).collect();
            known.reverse();
            prop_assert_eq!(picked, order(&known, spread));
        }
    }
}
