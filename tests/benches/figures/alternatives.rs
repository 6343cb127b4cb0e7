//! What a job costs an instance with the tools that people reach for first: Python with boto3, and the AWS CLI.

use std::path::Path;

use rsqlflow_tests::World;
use serde_json::json;

use crate::Figures;
use crate::process::children_ms;
use crate::spread::median;

/// Both against the endpoint that our agent is measured with.
pub(crate) async fn measure(times: usize) -> Figures {
    let secrets = vec![("bench".to_owned(), json!({ "username": "u", "password": "p" }))];
    let world = World::with(rsqlflow_tests::WorldOptions { secrets, ..Default::default() }).await;
    let reporter = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/figures/reporter.py");
    let (mut cpu, mut rss) = (Vec::new(), Vec::new());
    // Once more, unmeasured: the first finds nothing in any cache.
    for time in 0..=times {
        let output = world
            .client("python")
            .arg(&reporter)
            .args([&world.deployment.tables.job_audit, &world.deployment.log_group, &time.to_string()])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        let numbers: Vec<f64> = said.split_whitespace().map(|word| word.parse().unwrap()).collect();
        if time > 0 {
            cpu.push(numbers[0]);
            rss.push(numbers[1]);
        }
    }
    let secret = || {
        let before = children_ms();
        let output =
            world.client("aws").args(["secretsmanager", "get-secret-value", "--secret-id", "bench"]).output();
        assert!(output.unwrap().status.success());
        children_ms() - before
    };
    secret();
    Figures::from([
        ("alternatives.boto3_cpu_ms_per_job".to_owned(), median(cpu)),
        ("alternatives.boto3_max_rss_mb".to_owned(), median(rss)),
        ("alternatives.aws_cli_cpu_ms_per_secret".to_owned(), median((0..times).map(|_| secret()).collect())),
    ])
}
