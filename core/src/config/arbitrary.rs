//! Random workflows, and random JSON near to one.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::choice::Choice;
use super::{
    Environment, ExecutionType, Job, Notify, Script, Settings, Sql, SqlSource, Stage, Target, Work, Workflow,
};
use crate::{Seconds, WorkflowId};

fn choice<T: Choice + std::fmt::Debug>() -> impl Strategy<Value = T> {
    select(T::ALL.iter().map(|(_, value)| *value).collect::<Vec<_>>())
}

fn seconds(from: u64, to: u64) -> impl Strategy<Value = Seconds> {
    (from..=to).prop_map(Seconds::saturating)
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        vec("m?i-[0-9a-f]{8}", 1..4).prop_map(Target::InstanceIds),
        btree_map("[A-Za-z:/]{1,9}", "\\PC{0,9}", 1..5).prop_map(|tags| Target::Tags(tags.into())),
    ]
}

fn secret() -> impl Strategy<Value = String> {
    "[A-Za-z0-9/_+=.@:!-]{1,40}"
}

fn settings() -> impl Strategy<Value = Settings> {
    (
        of(secret()),
        of(target()),
        of(seconds(1, 100_000)),
        of(seconds(60, 86_400)),
        of(seconds(0, 3600)),
        of(0u32..=8),
        of(seconds(0, 3600)),
        of((8u32..=24).prop_map(|eighths| f64::from(eighths) / 8.0)),
        of(vec(any::<u8>(), 1..4)),
        of(choice()),
    )
        .prop_map(
            |(
                secret,
                target,
                timeout,
                heartbeat,
                linger,
                retries,
                retry_delay,
                retry_backoff,
                ok_exit_codes,
                on_lost,
            )| {
                Settings {
                    secret,
                    target,
                    warehouse: None,
                    timeout,
                    heartbeat,
                    linger,
                    retries,
                    retry_delay,
                    retry_backoff,
                    ok_exit_codes,
                    on_lost,
                }
            },
        )
}

fn sql_source() -> impl Strategy<Value = SqlSource> {
    let statement = || {
        select(vec![
            "select 1",
            "insert into t select :workflow_id from {{ ds }};",
            "call p(:ds) -- c",
            "delete from é",
        ])
        .prop_map(str::to_owned)
    };
    prop_oneof![
        vec(statement(), 1..4).prop_map(|statements| SqlSource::Text(statements.join("\n;"))),
        vec(statement(), 1..4).prop_map(SqlSource::List),
    ]
}

fn compiled() -> impl Strategy<Value = Work> {
    prop_oneof![
        (any::<bool>(), of(0u32..=9), of(Just("gzip"))).prop_map(|(replace, max_errors, gzip)| {
            let copy = json!({
                "table": "s.t", "columns": ["a", { "name": "b", "type": "int" }], "load": if replace { "replace" } else { "append" },
                "from": "s3://bucket/{{ ds }}/", "max_errors": max_errors, "compression": gzip,
            });
            read_work("copy", &copy)
        }),
        any::<bool>().prop_map(|header| {
            read_work("unload", &json!({ "query": "select * from t where d = :ds", "to": "s3://b/{{ ds }}", "header": header }))
        }),
    ]
}

/// Work as the reader makes it of its fields, without those that are null.
fn read_work(kind: &str, fields: &Value) -> Work {
    let given: Map<String, Value> = fields
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let mut job = Map::new();
    job.insert(kind.to_owned(), Value::Object(given));
    let item = json!({ "workflow_id": "w", "workflow_stages": [{ "scripts": [job] }] });
    let workflow = Workflow::from_json(&item, &crate::Timing::default()).unwrap();
    workflow.workflow_stages[0].scripts[0].work.clone()
}

fn sql_job() -> impl Strategy<Value = Job> {
    let warehouse = select(vec!["night", "W-1"]).prop_map(str::to_owned);
    let sql = (sql_source(), of(any::<bool>()), of(0u32..=1_000))
        .prop_map(|(sql, transaction, log_rows)| Work::Sql(Sql { sql, transaction, log_rows }));
    let work = prop_oneof![2 => sql, 1 => compiled()];
    (work, "\\PC{1,40}", choice(), warehouse, settings()).prop_map(
        |(work, job_name, execution_flag, warehouse, settings)| Job {
            work,
            job_name: Some(job_name),
            execution_flag,
            settings: Settings {
                warehouse: Some(warehouse),
                timeout: settings.timeout,
                retries: settings.retries,
                retry_delay: settings.retry_delay,
                retry_backoff: settings.retry_backoff,
                ..Settings::default()
            },
        },
    )
}

/// Text with templates that every workflow of [`workflow`] can render.
fn template() -> impl Strategy<Value = String> {
    vec(
        prop_oneof![
            "[^{\u{0}]{0,12}",
            select(vec!["{{ ds }}", "{{ts}}", "{{ workflow_execution_id }}", "{{ given }}", "{{{{ "])
                .prop_map(str::to_owned),
        ],
        0..4,
    )
    .prop_map(|parts| parts.concat())
}

fn script_job() -> impl Strategy<Value = Job> {
    (
        // Spaces, quotes, `;`, `$( )` and all of Unicode: nothing of it is special.
        "[a-z $();'\"ßé€]{1,9}(/[a-z .]{0,3})?/\\PC{0,6}x",
        vec(template(), 0..3),
        btree_map("X[0-9_]{0,9}", template(), 0..3),
        of("\\PC{1,40}"),
        choice(),
        settings(),
    )
        .prop_filter("leaves the directory", |(script, ..)| {
            super::rules::script(script).is_ok() && super::rules::script_ends(script).is_ok()
        })
        .prop_map(|(script, args, env, job_name, execution_flag, settings)| Job {
            work: Work::Script(Script { script, args, env: Environment(env) }),
            job_name,
            execution_flag,
            settings,
        })
}

fn job() -> impl Strategy<Value = Job> {
    prop_oneof![3 => script_job(), 1 => sql_job()]
}

fn stage() -> impl Strategy<Value = Stage> {
    (
        of("\\PC{0,20}"),
        choice(),
        choice(),
        vec(job(), 0..4),
        of(1u32..=40),
        choice(),
        of(secret()),
        of(target()),
    )
        .prop_map(
            |(
                stage_description,
                execution_flag,
                execution_type,
                scripts,
                max_concurrency,
                on_failure,
                secret,
                target,
            )| {
                Stage {
                    stage_description,
                    execution_flag,
                    execution_type,
                    scripts,
                    max_concurrency: max_concurrency.filter(|_| execution_type == ExecutionType::Parallel),
                    on_failure,
                    secret,
                    target,
                    warehouse: None,
                }
            },
        )
}

/// A valid workflow.
pub(crate) fn workflow() -> impl Strategy<Value = Workflow> {
    let notify = (vec(choice(), 0..3), of("arn:aws:sns:eu-west-1:[0-9]{12}:[A-Za-z0-9_-]{1,9}"))
        .prop_map(|(on, topic_arn)| Notify { on, topic_arn });
    (
        "\\PC{1,20}".prop_filter_map("not an id", |text| WorkflowId::new(text).ok()),
        of("\\PC{0,20}"),
        vec(stage(), 0..4),
        settings(),
        "[^\u{0}]{0,12}",
        of(select(vec!["UTC", "Europe/Berlin", "Pacific/Kiritimati", "America/St_Johns"])
            .prop_map(str::to_owned)),
        choice(),
        notify,
    )
        .prop_map(
            |(
                workflow_id,
                workflow_description,
                workflow_stages,
                defaults,
                given,
                time_zone,
                policy,
                notify,
            )| {
                Workflow {
                    workflow_id,
                    workflow_description,
                    workflow_stages,
                    defaults,
                    parameters: BTreeMap::from([("given".to_owned(), given)]),
                    time_zone,
                    concurrency_policy: policy,
                    notify,
                }
            },
        )
}

/// Any JSON, with our own names more often than chance would have it.
pub(crate) fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0i32..300).prop_map(|n| Value::from(f64::from(n) / 2.0)),
        ".{0,12}".prop_map(Value::from),
        select(vec!["y", "n", "parallel", "stop", "a.sh", "1h30m", "{{ ds }}", "{{", "i-1", "UTC"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((key(), inner), 0..6).prop_map(|pairs| Value::from(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,8}",
        select(vec![
            "workflow_id",
            "workflow_stages",
            "scripts",
            "script",
            "sql",
            "transaction",
            "log_rows",
            "warehouse",
            "file",
            "args",
            "env",
            "defaults",
            "parameters",
            "notify",
            "on",
            "target",
            "tags",
            "instance_ids",
            "timeout",
            "heartbeat",
            "retries",
            "retry_backoff",
            "ok_exit_codes",
            "max_concurrency",
            "execution_type",
            "execution_flag",
            "time_zone",
            "secret",
        ])
        .prop_map(str::to_owned),
    ]
}

/// A valid item in which one value somewhere was replaced by any JSON.
pub(crate) fn nearly_valid() -> impl Strategy<Value = Value> {
    (workflow(), any::<prop::sample::Index>(), json()).prop_map(|(workflow, place, other)| {
        let mut item = serde_json::to_value(workflow).unwrap();
        let count = count(&item);
        replace(&mut item, &mut place.index(count), other);
        item
    })
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(values) => values.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0usize,
    }
}

fn replace(value: &mut Value, place: &mut usize, other: Value) -> Option<Value> {
    if *place == 0 {
        *value = other;
        return None;
    }
    *place -= 1;
    let children: Box<dyn Iterator<Item = &mut Value>> = match value {
        Value::Array(values) => Box::new(values.iter_mut()),
        Value::Object(map) => Box::new(map.values_mut()),
        _ => return Some(other),
    };
    children.into_iter().try_fold(other, |other, child| replace(child, place, other))
}
