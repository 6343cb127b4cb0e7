//! Who is informed when a statement ends.
//!
//! On AWS a statement with `WithEvent` sends an event to EventBridge, where a rule invokes the function. Here the same
//! event goes straight into Lambda's queue of asynchronous invocations.
//!
//! <https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-monitoring-events.html>

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::http::AwsError;
use crate::place;
use crate::services::redshift_data::Shared;
use crate::services::redshift_data::describe::{query_id, sum};
use crate::services::redshift_data::store::{self, KEPT, Statement};

/// Reports the end of a statement that asked for it, and notes that it was reported. A crash between the two reports it
/// a second time; what cannot be reported now is when the endpoint starts again. On AWS delivery is best effort.
pub(super) async fn report(shared: &Shared, statement: &Statement) {
    let (true, Some(function)) = (statement.event, &shared.on_end) else { return };
    let reported = async {
        shared.lambda.accept(function, event(statement)?).await?;
        let number = statement.number;
        shared.worker.run(move |db| store::event_sent(db, number)).await?
    };
    if let Err(error) = reported.await {
        tracing::error!("the end of a statement of Redshift Data cannot be reported: {}", error.message);
    }
}

/// `Redshift Data Statement Status Change`, as EventBridge delivers it.
fn event(statement: &Statement) -> Result<Value, AwsError> {
    let time = Timestamp::from_millisecond(statement.updated).map_err(AwsError::internal)?;
    let resource = match &statement.cluster {
        Some(cluster) => place::arn("redshift", format_args!("cluster:{cluster}")),
        None => place::arn("redshift-serverless", format_args!("workgroup/{}", statement.warehouse)),
    };
    Ok(json!({
        "version": "0",
        "id": uuid::Uuid::new_v4().to_string(),
        "detail-type": "Redshift Data Statement Status Change",
        "source": "aws.redshift-data",
        "account": place::ACCOUNT,
        "time": format!("{time:.0}"),
        "region": place::REGION,
        "resources": [resource],
        "detail": {
            "statementId": statement.id,
            "statementName": statement.name.as_deref().unwrap_or_default(),
            "state": statement.status,
            "redshiftQueryId": query_id(statement, 1),
            "rows": sum(&statement.parts, |part| part.rows),
            "expireAt": (statement.updated + KEPT) / 1_000,
        },
    }))
}
