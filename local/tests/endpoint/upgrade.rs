//! A state directory of version 0.1.0: `tests/data/0.1.0` has its databases as text, with the rows of that version.

use std::path::Path;

use aws_sdk_sfn::types::ExecutionStatus;
use rsqlflow_local::Endpoint;

use crate::support::{by_port, options, until};

/// Makes the databases. What ended 90 days ago would be forgotten, so the moments in the data are moved to the last quarter
/// of an hour.
fn state_of_0_1_0(state: &Path) {
    std::fs::create_dir_all(state).unwrap();
    let now = jiff::Timestamp::now().as_millisecond().to_string();
    for (name, text) in [
        ("stepfunctions", include_str!("../data/0.1.0/stepfunctions.sql")),
        ("lambda", include_str!("../data/0.1.0/lambda.sql")),
        ("sns", include_str!("../data/0.1.0/sns.sql")),
    ] {
        let path = state.join(name).with_extension("sqlite3");
        rusqlite::Connection::open(path).unwrap().execute_batch(&text.replace("1764380", &now[..7])).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_directory_of_version_0_1_0_is_brought_up_to_date_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path());
    state_of_0_1_0(&options.state_dir);
    for _ in 0..2 {
        let endpoint = Box::pin(Endpoint::start(options.clone())).await.unwrap();
        let sdk = by_port(&endpoint);
        let machines = aws_sdk_sfn::Client::new(&sdk);
        let arn = |name: &str| format!("arn:aws:states:us-east-1:000000000000:execution:old:{name}");
        let status = async |name: &str| {
            let described = machines.describe_execution().execution_arn(arn(name)).send().await.unwrap();
            described.status().clone()
        };
        assert_eq!(status("done").await, ExecutionStatus::Succeeded);
        // Redrive is gone, so what was redriven cannot go on.
        assert_eq!(status("redriven").await, ExecutionStatus::Aborted);
        let ends = async || (status("waits").await == ExecutionStatus::Succeeded).then_some(());
        until("the end of the execution that was under way", ends).await;
        let topics = aws_sdk_sns::Client::new(&sdk).list_topics().send().await.unwrap();
        assert!(topics.topics().iter().any(|topic| topic.topic_arn().unwrap().ends_with(":old")));
        endpoint.shutdown().await;
    }
}
