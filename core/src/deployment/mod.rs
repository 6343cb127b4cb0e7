//! A deployment: the names of its parts, its times and its defaults.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{Broken, Checked, Cursor, MAX_TIMEOUT, Target, Warehouse, check_secret, is_topic_arn};
use crate::env;
use crate::plan::DeploymentDefaults;
use crate::problem::{Problem, ProblemKind, Problems, Report, quoted};
use crate::{ACCEPTED_DURATIONS, Seconds, Timing, parse_duration, show_duration};

mod contract;
mod document;
mod function;
mod machine;
mod name;
mod permission;
mod table;

pub use contract::contract;
pub use document::{DocumentParameter, RUN_JOB_PARAMETERS};
pub use function::{Function, Functions, UnknownFunction};
pub use machine::{Machine, MachineKind, Machines};
use name::NameRule;
pub use permission::{AGENT_ATTRIBUTES, Permission, Resource};
pub use table::{
    BY_ATTENTION, BY_JOB_NAME, BY_WAKE_AT, BY_WORKFLOW, EXPIRY, IndexShape, Table, TableShape, Tables,
};

/// Names, times and defaults of a deployment. Every part of the deployment reads them from its environment, from the
/// variables in [`crate::env`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Start of every default name.
    pub prefix: String,
    /// The tables.
    pub tables: Tables,
    /// How long the audit tables keep closed rows; `None` is forever.
    pub audit_retention: Option<Seconds>,
    /// CloudWatch log group of the output of scripts.
    pub log_group: String,
    /// SSM document that starts the agent.
    pub ssm_document: String,
    /// Default SNS topic of workflows.
    pub topic_arn: Option<String>,
    /// The functions.
    pub functions: Functions,
    /// The state machines.
    pub machines: Machines,
    /// Times.
    pub timing: Timing,
    /// Defaults of jobs.
    pub defaults: DeploymentDefaults,
}

/// The default prefix.
pub const DEFAULT_PREFIX: &str = "rsqlflow";

/// The default log group: that of AWS's sample, so that dashboards and subscriptions of its users keep working.
pub const DEFAULT_LOG_GROUP: &str = "/ops/rsql-logs/";

impl Default for Deployment {
    fn default() -> Self {
        Self::named(DEFAULT_PREFIX)
    }
}

impl Deployment {
    /// A deployment with default names for a prefix, which is not checked, and default times.
    #[must_use]
    pub fn named(prefix: &str) -> Self {
        let name = |part: &str| format!("{prefix}-{part}");
        Self {
            prefix: prefix.to_owned(),
            tables: Tables::named(name),
            audit_retention: None,
            log_group: DEFAULT_LOG_GROUP.to_owned(),
            ssm_document: name(document::RUN_JOB),
            topic_arn: None,
            functions: Functions::named(name),
            machines: Machines::named(name),
            timing: Timing::default(),
            defaults: DeploymentDefaults::default(),
        }
    }

    /// Reads a deployment on AWS from its environment; `get` returns the value of a variable.
    ///
    /// # Errors
    /// Every problem, with the name of its variable.
    pub fn from_env(get: impl Fn(&str) -> Option<String>) -> Result<Self, Problems> {
        Self::read(Timing::default(), get)
    }

    /// As [`Self::from_env`], with these times where the environment sets none.
    ///
    /// # Errors
    /// As [`Self::from_env`].
    pub fn read(timing: Timing, get: impl Fn(&str) -> Option<String>) -> Result<Self, Problems> {
        let env = Environment { get: &get, report: Report::default() };
        let prefix = env.text(env::PREFIX, DEFAULT_PREFIX.to_owned(), name::prefix);
        let mut read = Self { timing, ..Self::named(&prefix) };

        for (variable, name) in read.tables.variables() {
            env.replace(variable, name, |text| NameRule::TABLE.check(text));
        }
        for (variable, name) in read.functions.variables() {
            env.replace(variable, name, |text| NameRule::FUNCTION.check(text));
        }
        for (variable, arn_variable, machine) in read.machines.variables() {
            env.replace(variable, &mut machine.name, |text| NameRule::MACHINE.check(text));
            machine.arn = env.optional(arn_variable, machine_arn_rule);
        }
        for (variable, time, longest) in timing_variables(&mut read.timing) {
            env.time(variable, time, longest);
        }
        env.replace(env::LOG_GROUP, &mut read.log_group, |text| NameRule::LOG_GROUP.check(text));
        env.replace(env::SSM_DOCUMENT, &mut read.ssm_document, |text| NameRule::DOCUMENT.check(text));
        read.topic_arn = env.optional(env::TOPIC_ARN, is_topic_arn);
        let day = Seconds::saturating(24 * 3600);
        read.audit_retention = env.seconds(env::AUDIT_RETENTION, day, Seconds::MAX);

        read.defaults.secret = env.optional(env::DEFAULT_SECRET, check_secret);
        let example = r#"write {"tags":{"Role":"etl"}} or {"instance_ids":["i-…"]}"#;
        read.defaults.target = env.json(env::DEFAULT_TARGET, example, Target::read);
        let example = r#"write {"night":{"workgroup":"etl","database":"dev","secret":"…"}}"#;
        let warehouses = env.json(env::WAREHOUSES, example, Warehouse::read_all);
        read.defaults.warehouses = warehouses.unwrap_or_default();
        let second = Seconds::saturating(1);
        if let Some(timeout) = env.seconds(env::DEFAULT_TIMEOUT, second, MAX_TIMEOUT) {
            read.defaults.timeout = timeout;
        }
        if let Some(heartbeat) = env.seconds(env::DEFAULT_HEARTBEAT, second, Timing::MAX_HEARTBEAT) {
            read.defaults.heartbeat = heartbeat;
        }
        if let Err(short) = read.timing.accept(read.defaults.heartbeat) {
            env.report.add(
                Problem::new(env::DEFAULT_HEARTBEAT, ProblemKind::Timing, short.to_string())
                    .hint(short.hint()),
            );
        }
        env.report.finish(Some(read))
    }

    /// The variables of the names that functions and commands must agree on: prefix, tables, functions, state machines
    /// with the ARNs that are known, log group and SSM document.
    #[must_use]
    pub fn name_variables(&self) -> Vec<(&'static str, String)> {
        let mut copy = self.clone();
        let mut pairs = vec![
            (env::PREFIX, self.prefix.clone()),
            (env::LOG_GROUP, self.log_group.clone()),
            (env::SSM_DOCUMENT, self.ssm_document.clone()),
        ];
        pairs.extend(copy.tables.variables().map(|(variable, name)| (variable, name.clone())));
        pairs.extend(copy.functions.variables().map(|(variable, name)| (variable, name.clone())));
        for (variable, arn_variable, machine) in copy.machines.variables() {
            pairs.push((variable, machine.name.clone()));
            pairs.extend(machine.arn.take().map(|arn| (arn_variable, arn)));
        }
        pairs
    }

    /// The environment from which [`Self::read`] reads this deployment with the same times, in the order of
    /// [`crate::env::DEPLOYMENT`].
    #[must_use]
    pub fn to_env(&self) -> Vec<(&'static str, String)> {
        let mut copy = self.clone();
        let mut pairs = self.name_variables();
        pairs.push((env::DEFAULT_HEARTBEAT, self.defaults.heartbeat.to_string()));
        pairs.push((env::DEFAULT_TIMEOUT, self.defaults.timeout.to_string()));
        pairs.extend(
            timing_variables(&mut copy.timing).map(|(variable, time, _)| (variable, show_duration(*time))),
        );
        let target = self.defaults.target.as_ref().and_then(|target| serde_json::to_string(target).ok());
        let warehouses = &self.defaults.warehouses;
        let warehouses = (!warehouses.is_empty()).then(|| serde_json::to_string(warehouses).ok()).flatten();
        let optional = [
            (env::AUDIT_RETENTION, self.audit_retention.map(|kept| kept.to_string())),
            (env::TOPIC_ARN, self.topic_arn.clone()),
            (env::DEFAULT_SECRET, self.defaults.secret.clone()),
            (env::DEFAULT_TARGET, target),
            (env::WAREHOUSES, warehouses),
        ];
        pairs.extend(optional.into_iter().filter_map(|(variable, value)| Some((variable, value?))));
        pairs.sort_by_key(|(variable, _)| env::DEPLOYMENT.iter().position(|known| known.name == *variable));
        pairs
    }
}

/// The variables of times, each with its upper bound.
fn timing_variables(timing: &mut Timing) -> impl Iterator<Item = (&'static str, &mut Duration, Duration)> {
    let day = Duration::from_secs(24 * 3600);
    [
        (env::LAMBDA_TIMEOUT, &mut timing.lambda_timeout, Duration::from_secs(900)),
        (env::SSM_DELIVERY, &mut timing.ssm_delivery, 30 * day),
        (env::AGENT_START, &mut timing.agent_start, day),
        (env::QUEUEING, &mut timing.queueing, 30 * day),
    ]
    .into_iter()
}

/// Reads variables and collects their problems.
struct Environment<'a> {
    get: &'a dyn Fn(&str) -> Option<String>,
    report: Report,
}

impl Environment<'_> {
    fn raw(&self, variable: &str) -> Option<String> {
        (self.get)(variable).filter(|value| !value.is_empty())
    }

    fn optional(&self, variable: &str, rule: impl Fn(&str) -> Checked) -> Option<String> {
        let value = self.raw(variable)?.into();
        Cursor::at(&value, variable, &self.report).checked_text(rule)
    }

    fn text(&self, variable: &str, default: String, rule: impl Fn(&str) -> Checked) -> String {
        self.optional(variable, rule).unwrap_or(default)
    }

    fn replace(&self, variable: &str, value: &mut String, rule: impl Fn(&str) -> Checked) {
        if let Some(given) = self.optional(variable, rule) {
            *value = given;
        }
    }

    fn time(&self, variable: &str, time: &mut Duration, longest: Duration) {
        let Some(value) = self.raw(variable) else { return };
        let problem = match parse_duration(&value) {
            Ok(given) if given <= longest => {
                *time = given;
                return;
            }
            Ok(_) => Problem::new(
                variable,
                ProblemKind::OutOfRange,
                format!("{} is longer than {}", quoted(&value), show_duration(longest)),
            ),
            Err(error) => Problem::new(variable, ProblemKind::Invalid, format!("{} {error}", quoted(&value)))
                .hint(format!("write {ACCEPTED_DURATIONS}, \"1500ms\"")),
        };
        self.report.add(problem);
    }

    fn seconds(&self, variable: &str, from: Seconds, to: Seconds) -> Option<Seconds> {
        let value = self.raw(variable)?.into();
        Cursor::at(&value, variable, &self.report).seconds(from..=to)
    }

    /// A value that is written as JSON; `example` says how.
    fn json<T>(&self, variable: &str, example: &str, read: impl Fn(&Cursor<'_>) -> Option<T>) -> Option<T> {
        match serde_json::from_str(&self.raw(variable)?) {
            Ok(value) => read(&Cursor::at(&value, variable, &self.report)),
            Err(error) => {
                self.report.add(
                    Problem::new(variable, ProblemKind::Invalid, format!("is not JSON: {error}"))
                        .hint(example),
                );
                None
            }
        }
    }
}

fn machine_arn_rule(arn: &str) -> Checked {
    let parts: Vec<&str> = arn.split(':').collect();
    match parts.as_slice() {
        ["arn", partition, "states", region, account, "stateMachine", name]
            if [partition, region, account, name].iter().all(|part| {
                !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            }) =>
        {
            Ok(())
        }
        _ => Err(Broken::new(
            "is not an ARN of a state machine",
            "write one such as arn:aws:states:eu-west-1:123456789012:stateMachine:name",
        )),
    }
}

#[cfg(test)]
mod tests;
