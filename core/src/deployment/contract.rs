//! `contract.json`: what the deployment to AWS must know of the Rust code, as data.
//!
//! The file is generated from this module and committed. The CDK app in `cdk-config/` reads it instead of repeating
//! names, rules and limits.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::document::{DocumentParameter, RUN_JOB, RUN_JOB_PARAMETERS};
use super::name::{NameRule, PREFIX_PATTERN};
use super::{
    AGENT_ATTRIBUTES, DEFAULT_LOG_GROUP, DEFAULT_PREFIX, EXPIRY, Function, MachineKind, Permission, Table,
    TableShape, name, timing_variables,
};
use crate::config::rules::{
    INSTANCE_ID_PATTERN, PARAMETER_NAME_PATTERN, SECRET_PATTERN, TOPIC_ARN_PATTERN, WAREHOUSE_PATTERN,
    WORKFLOW_ID_PATTERN, instance_id, is_topic_arn, parameter_name, secret, warehouse,
};
use crate::config::{Checked, MAX_TIMEOUT};
use crate::duration::UNITS;
use crate::event_start::{self, PATH_PATTERN};
use crate::message::{RUN_ENDED_DETAIL_TYPE, RUN_ENDED_STATUSES};
use crate::plan::DeploymentDefaults;
use crate::{ACCEPTED_DURATIONS, CANCEL_POLL, ErrorName, LOCAL_LOG_RETENTION, Seconds, Timing, env};

/// Everything that the deployment must know. Times are in milliseconds, unless a field says seconds.
#[derive(Debug, Serialize)]
pub struct Contract {
    about: &'static str,
    /// Default prefix of names.
    prefix: &'static str,
    /// Default log group of the scripts' output.
    log_group: &'static str,
    /// Environment variables that a deployment's parts read.
    environment: Vec<&'static str>,
    functions: Vec<FunctionFacts>,
    machines: Vec<MachineFacts>,
    tables: BTreeMap<Table, TableFacts>,
    /// The attribute by which items expire.
    expiry: &'static str,
    /// Attributes that agents may write.
    agent_attributes: &'static [&'static str],
    document: DocumentFacts,
    timing: TimingFacts,
    durations: DurationFacts,
    /// Rules of texts by what they are of.
    rules: BTreeMap<&'static str, RuleFacts>,
    /// Parameters that every workflow has.
    built_in_parameters: &'static [&'static str],
    errors: ErrorFacts,
    run_ended: RunEndedFacts,
    agent: AgentFacts,
    log_lines: LogLineFacts,
}

#[derive(Debug, Serialize)]
struct FunctionFacts {
    handler: &'static str,
    description: &'static str,
    variable: &'static str,
    placeholder: Option<&'static str>,
    timeout_seconds: u64,
    permissions: Vec<Permission>,
}

#[derive(Debug, Serialize)]
struct MachineFacts {
    name: &'static str,
    variable: &'static str,
    arn_variable: &'static str,
    runs_jobs: bool,
}

#[derive(Debug, Serialize)]
struct TableFacts {
    variable: &'static str,
    #[serde(flatten)]
    shape: TableShape,
}

#[derive(Debug, Serialize)]
struct DocumentFacts {
    suffix: &'static str,
    parameters: [DocumentParameter; 4],
}

/// Bounds, in seconds. The inequalities of [`Timing::check`] leave the more room the longer the heartbeat is, so the
/// shortest heartbeat stands for all of them.
#[derive(Debug, Serialize)]
struct TimingFacts {
    shortest_heartbeat: u32,
    longest_heartbeat: u32,
    default_heartbeat: u32,
    longest_timeout: u32,
    default_timeout: u32,
    /// How long a job may wait on an instance that is full.
    default_queueing: u64,
    longest_queueing: u64,
}

#[derive(Debug, Serialize)]
struct DurationFacts {
    /// For hints.
    accepted: &'static str,
    longest_seconds: u32,
    /// Larger units first; a duration names each at most once, in this order.
    units: Vec<Unit>,
}

#[derive(Debug, Serialize)]
struct Unit {
    seconds: u64,
    names: &'static [&'static str],
}

#[derive(Debug, Serialize)]
struct RuleFacts {
    /// A regular expression of ECMAScript.
    pattern: String,
    /// Most bytes in UTF-8, where the pattern does not bound them.
    #[serde(skip_serializing_if = "Option::is_none")]
    most_bytes: Option<usize>,
    /// Completes `"value" …`.
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct ErrorFacts {
    /// What the state machines retry by name.
    retried: Vec<&'static str>,
    /// What says that a job ended.
    of_job: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct RunEndedFacts {
    detail_type: &'static str,
    /// Ends after which a run may not be closed.
    statuses: &'static [&'static str],
}

#[derive(Debug, Serialize)]
struct AgentFacts {
    /// Fields of the agent's file that the deployment may write.
    settings: &'static [&'static str],
    rsql_clients: &'static [&'static str],
    default_cancel_poll_seconds: u64,
    default_log_retention_seconds: u64,
}

/// Lines of the functions' logs that metrics are made of.
#[derive(Debug, Serialize)]
struct LogLineFacts {
    /// The launcher answered; `retry` is the state's own count of its tries.
    launched: &'static str,
    launched_retry: &'static str,
    /// A run was closed, with these fields.
    closed_run: &'static str,
    closed_status: &'static str,
}

/// The contract of this version.
#[must_use]
pub fn contract() -> Contract {
    let mut timing = Timing::default();
    let defaults = DeploymentDefaults::default();
    let longest_queueing = timing_variables(&mut timing)
        .find(|(variable, _, _)| *variable == env::QUEUEING)
        .map_or(Duration::ZERO, |(_, _, longest)| longest);
    let shortest = timing.smallest_heartbeat().unwrap_or(Timing::MAX_HEARTBEAT);
    Contract {
        about: "Generated from core/src/deployment/contract.rs. To write it again: UPDATE_CONTRACT=1 cargo test -p \
                rsqlflow-core contract",
        prefix: DEFAULT_PREFIX,
        log_group: DEFAULT_LOG_GROUP,
        environment: env::DEPLOYMENT.iter().map(|variable| variable.name).collect(),
        functions: Function::ALL.map(|function| function_facts(function, &timing)).into(),
        machines: MachineKind::ALL.map(machine_facts).into(),
        tables: Table::ALL
            .into_iter()
            .map(|table| (table, TableFacts { variable: table.variable(), shape: table.shape() }))
            .collect(),
        expiry: EXPIRY,
        agent_attributes: &AGENT_ATTRIBUTES,
        document: DocumentFacts { suffix: RUN_JOB, parameters: RUN_JOB_PARAMETERS },
        timing: TimingFacts {
            shortest_heartbeat: shortest.get(),
            longest_heartbeat: Timing::MAX_HEARTBEAT.get(),
            default_heartbeat: defaults.heartbeat.get(),
            longest_timeout: MAX_TIMEOUT.get(),
            default_timeout: defaults.timeout.get(),
            default_queueing: timing.queueing.as_secs(),
            longest_queueing: longest_queueing.as_secs(),
        },
        durations: DurationFacts {
            accepted: ACCEPTED_DURATIONS,
            longest_seconds: Seconds::MAX.get(),
            units: UNITS
                .iter()
                .filter(|(millis, _)| *millis >= 1000)
                .map(|(millis, names)| Unit { seconds: millis / 1000, names })
                .collect(),
        },
        rules: rules(),
        built_in_parameters: &crate::template::BUILT_IN,
        errors: ErrorFacts {
            retried: error_names(ErrorName::is_retried),
            of_job: error_names(ErrorName::is_of_job),
        },
        run_ended: RunEndedFacts { detail_type: RUN_ENDED_DETAIL_TYPE, statuses: &RUN_ENDED_STATUSES },
        agent: AgentFacts {
            settings: &env::AGENT_SETTINGS,
            rsql_clients: &env::RSQL_CLIENTS,
            default_cancel_poll_seconds: CANCEL_POLL.as_secs(),
            default_log_retention_seconds: LOCAL_LOG_RETENTION.as_secs(),
        },
        log_lines: LogLineFacts {
            launched: crate::message::LAUNCHED,
            launched_retry: "retry",
            closed_run: "workflow_execution_id",
            closed_status: "status",
        },
    }
}

fn function_facts(function: Function, timing: &Timing) -> FunctionFacts {
    FunctionFacts {
        handler: function.as_str(),
        description: function.description(),
        variable: function.variable(),
        placeholder: function.placeholder(),
        timeout_seconds: function.timeout(timing).as_secs(),
        permissions: function.permissions(),
    }
}

fn machine_facts(machine: MachineKind) -> MachineFacts {
    let (variable, arn_variable) = machine.variables();
    MachineFacts { name: machine.as_str(), variable, arn_variable, runs_jobs: machine.runs_jobs() }
}

fn error_names(wanted: fn(ErrorName) -> bool) -> Vec<&'static str> {
    ErrorName::ALL.into_iter().filter(|name| wanted(*name)).map(ErrorName::as_str).collect()
}

/// A rule with the message and the hint that this code gives for a text that breaks it.
fn rule(pattern: impl Into<String>, check: impl Fn(&str) -> Checked, broken: &str) -> RuleFacts {
    let (message, hint) = match check(broken) {
        Err(broken) => (broken.what.into_owned(), broken.hint),
        Ok(()) => ("is not valid".to_owned(), None),
    };
    RuleFacts { pattern: pattern.into(), most_bytes: None, message, hint }
}

fn rules() -> BTreeMap<&'static str, RuleFacts> {
    let named = |rule_of: NameRule| rule(rule_of.pattern(), move |text| rule_of.check(text), "");
    BTreeMap::from([
        ("prefix", rule(PREFIX_PATTERN, name::prefix, "")),
        ("table", named(NameRule::TABLE)),
        ("log_group", named(NameRule::LOG_GROUP)),
        ("secret", RuleFacts { most_bytes: Some(2048), ..rule(SECRET_PATTERN, secret, " ") }),
        ("warehouse", rule(WAREHOUSE_PATTERN, warehouse, "")),
        ("instance_id", rule(INSTANCE_ID_PATTERN, instance_id, "")),
        ("topic_arn", rule(TOPIC_ARN_PATTERN, is_topic_arn, "")),
        ("parameter_name", rule(PARAMETER_NAME_PATTERN, parameter_name, "")),
        (
            "workflow_id",
            RuleFacts {
                pattern: WORKFLOW_ID_PATTERN.to_owned(),
                most_bytes: Some(255),
                message: "is not a workflow_id".to_owned(),
                hint: Some("write 1 to 255 bytes without control characters"),
            },
        ),
        (
            "start_name",
            rule(format!("^[A-Za-z0-9-]{{1,{}}}$", event_start::MAX_NAME), event_start::start_name, ""),
        ),
        (
            "event_path",
            RuleFacts {
                pattern: PATH_PATTERN.to_owned(),
                most_bytes: None,
                message: "is not a path into an event".to_owned(),
                hint: Some("write a path such as $.detail.object.key"),
            },
        ),
    ])
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::event_start::EventRequest;
    use crate::restart::{Mark, MarkStatus};
    use crate::{JobId, Timestamp, WorkflowId};

    /// The committed file is the generated one. To write it again:
    /// `UPDATE_CONTRACT=1 cargo test -p rsqlflow-core contract`.
    #[test]
    fn the_committed_contract_is_this_one() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("contract.json");
        let generated = format!("{}\n", serde_json::to_string_pretty(&contract()).unwrap());
        if std::env::var_os("UPDATE_CONTRACT").is_some() {
            std::fs::write(&path, &generated).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == generated,
            "core/contract.json is not current: run UPDATE_CONTRACT=1 cargo test -p rsqlflow-core contract, then \
             `npm run permissions` and `npm run docs` in cdk-config/"
        );
    }

    /// The patterns accept and refuse what the checks do.
    #[test]
    fn patterns_and_checks_agree() {
        let texts = [
            "",
            "a",
            "ab",
            "team",
            "Team-1",
            "1st",
            "-a",
            "a b",
            "a.b",
            "a_b",
            "a/b",
            "a#b",
            "a:b",
            "ä",
            "lock#x",
            "a\n",
            "ds",
            "ts",
            "i-0123456789abcdef0",
            "mi-0",
            "i-",
            "x-1",
            "nightly-sales-at-night",
            "arn:aws:sns:eu-west-1:123456789012:ops",
            "arn:aws:sns:eu-west-1:1:ops",
            "redshift!etl",
            "a;b",
        ];
        let long = [
            "x".repeat(20),
            "x".repeat(21),
            "x".repeat(32),
            "x".repeat(33),
            "x".repeat(256),
            "x".repeat(600),
        ];
        let rules = rules();
        let check = |name: &str, text: &str| -> bool {
            match name {
                "prefix" => name::prefix(text).is_ok(),
                "table" => NameRule::TABLE.check(text).is_ok(),
                "log_group" => NameRule::LOG_GROUP.check(text).is_ok(),
                "secret" => secret(text).is_ok(),
                "warehouse" => warehouse(text).is_ok(),
                "instance_id" => instance_id(text).is_ok(),
                "topic_arn" => is_topic_arn(text).is_ok(),
                "parameter_name" => parameter_name(text).is_ok(),
                "workflow_id" => WorkflowId::new(text).is_ok(),
                "start_name" => event_start::start_name(text).is_ok(),
                other => panic!("the rule {other} has no check"),
            }
        };
        for (name, rule) in rules.iter().filter(|(name, _)| **name != "event_path") {
            let schema = json!({ "type": "string", "pattern": rule.pattern });
            let schema = jsonschema::draft202012::new(&schema).unwrap();
            for text in texts.into_iter().chain(long.iter().map(String::as_str)) {
                let fits = rule.most_bytes.is_none_or(|most| text.len() <= most);
                assert_eq!(fits && schema.is_valid(&json!(text)), check(name, text), "{name}: {text:?}");
            }
            assert_ne!(rule.message, "is not valid", "{name}");
        }
    }

    /// Every path that the deployment accepts can be read; the reader knows no other kind of step.
    #[test]
    fn paths_and_their_pattern_agree() {
        let schema = json!({ "type": "string", "pattern": PATH_PATTERN });
        let schema = jsonschema::draft202012::new(&schema).unwrap();
        for path in [
            "",
            "a",
            "$",
            "$.",
            "$.a.",
            "$a",
            "$.*",
            "$[*]",
            "$[-1]",
            "$[+1]",
            "$[]",
            "$['']",
            "$['a'",
            "$.a b",
            "$.é",
            "$.a",
            "$.detail.object.key",
            "$['a b'][0].c/d",
            "$.a[12]",
            "$.a-b_c",
        ] {
            let request = json!({
                "start": { "name": "n", "workflow_id": "w", "parameters": { "p": path } }, "event": { "id": "1" },
            });
            let request: EventRequest = serde_json::from_value(request).unwrap();
            let is_refused = match request.trigger() {
                Err(problems) => problems.iter().any(|problem| problem.message.contains("is not a path")),
                Ok(_) => !path.starts_with('$'),
            };
            assert_eq!(schema.is_valid(&json!(path)), !is_refused, "{path:?}");
        }
    }

    #[test]
    fn the_shortest_heartbeat_stands_for_every_inequality() {
        let facts = contract().timing;
        for seconds in 1..=facts.longest_heartbeat {
            let fits = Timing::default().check(Seconds::saturating(u64::from(seconds))).is_empty();
            assert_eq!(fits, seconds >= facts.shortest_heartbeat, "{seconds}");
        }
    }

    /// Nor what a plan or a mark says, whose items share the table and the keys.
    #[test]
    fn agents_may_not_write_what_a_job_runs() {
        let mark = Mark {
            job_id: JobId::new(0, 0),
            mark: MarkStatus::Skipped,
            marked_by: String::new(),
            reason: String::new(),
            marked_at: Timestamp::from_millis(0),
        };
        let mark = serde_json::to_value(mark).unwrap();
        let of_mark = mark.as_object().unwrap().keys().map(String::as_str).filter(|name| *name != "job_id");
        let of_job = ["job", "script", "args", "env", "secret", "task_token", "token_entered", "contract"];
        let others = ["snapshot", "marked_job_id", "workflow_id", "job_name", "holder", "held_since"];
        for forbidden in of_mark.chain(of_job).chain(others) {
            assert!(!AGENT_ATTRIBUTES.contains(&forbidden), "{forbidden}");
        }
    }
}
