use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn read(pairs: &[(&str, &str)]) -> Result<Deployment, Problems> {
    let map: BTreeMap<_, _> = pairs.iter().copied().collect();
    Deployment::from_env(|name| map.get(name).map(|value| (*value).to_owned()))
}

fn full() -> Deployment {
    let mut full = Deployment::named("team-a");
    full.tables.config = "their.config".into();
    full.audit_retention = Some(Seconds::saturating(90 * 24 * 3600));
    full.topic_arn = Some("arn:aws:sns:eu-west-1:123456789012:ops".into());
    full.defaults.secret = Some("redshift!etl".into());
    full.defaults.target = Some(Target::Tags([("Role".into(), "etl \"x\"".into())].into()));
    full.defaults.heartbeat = Seconds::saturating(6);
    let night = Warehouse {
        cluster: Some("etl".into()),
        workgroup: None,
        database: "dev \"x\"".into(),
        secret: None,
        db_user: Some("loader".into()),
    };
    full.defaults.warehouses = [("night".to_owned(), night)].into();
    full.timing = Timing { agent_start: Duration::from_millis(900), ..Timing::single_machine() };
    for (_, arn, machine) in full.machines.variables() {
        machine.arn = Some(format!("arn:aws:states:eu-west-1:123456789012:stateMachine:{}", arn.len()));
    }
    full
}

#[test]
fn an_empty_environment_is_the_default() {
    assert_eq!(read(&[]).unwrap(), Deployment::default());
    assert_eq!(read(&[("RSQLFLOW_PREFIX", ""), ("RSQLFLOW_TOPIC_ARN", "")]).unwrap(), Deployment::default());
    assert_eq!(Deployment::default().tables.config, "rsqlflow-config-table");
}

#[test]
fn a_deployment_round_trips_through_its_environment() {
    for (deployment, usual) in
        [(Deployment::default(), Timing::default()), (full(), Timing::single_machine())]
    {
        let env: BTreeMap<_, _> = deployment.to_env().into_iter().collect();
        assert_eq!(Deployment::read(usual, |name| env.get(name).cloned()).unwrap(), deployment);
    }
    let mut named: Vec<_> = full().to_env().into_iter().map(|(name, _)| name).collect();
    let documented: Vec<_> = env::DEPLOYMENT.iter().map(|variable| variable.name).collect();
    assert_eq!(named, documented, "every variable is documented, and every documented one is used");
    named.extend(env::SCRIPT.iter().map(|variable| variable.name));
    assert_eq!(named.iter().collect::<BTreeSet<_>>().len(), named.len(), "no name twice");
    assert!(named.iter().all(|name| name.starts_with("RSQLFLOW_")));
}

#[test]
fn every_mistake_is_named_at_once() {
    let problems = read(&[
        (env::PREFIX, "9 lives"),
        (env::CONFIG_TABLE, "x"),
        (env::RSQL_INVOKE_FUNCTION, "a.b"),
        (env::MASTER_MACHINE_ARN, "arn:aws:sns:eu-west-1:1:x"),
        (env::LAMBDA_TIMEOUT, "1h"),
        (env::AGENT_START, "1.5s"),
        (env::LOG_GROUP, "/ops/rsql logs"),
        (env::TOPIC_ARN, "ops"),
        (env::AUDIT_RETENTION, "1 year"),
        (env::DEFAULT_SECRET, "a b"),
        (env::DEFAULT_TARGET, r#"{"tag":{"Role":"etl"}}"#),
        (env::WAREHOUSES, r#"{"a b":{"workgroup":"etl","cluster":"x","database":"dev"},"c":{"workgroup":"W","db_user":"u"}}"#),
        (env::DEFAULT_TIMEOUT, "0"),
        (env::DEFAULT_HEARTBEAT, "30s"),
    ])
    .unwrap_err();
    insta::assert_snapshot!(problems);
    insta::assert_snapshot!(read(&[(env::DEFAULT_TARGET, "Role=etl")]).unwrap_err());
}

proptest! {
    #[test]
    fn no_environment_makes_it_panic(values in proptest::collection::vec("\\PC{0,40}", env::DEPLOYMENT.len())) {
        let map: BTreeMap<_, _> = env::DEPLOYMENT.iter().map(|v| v.name).zip(values).collect();
        let _ = Deployment::from_env(|name| map.get(name).cloned());
    }
}
