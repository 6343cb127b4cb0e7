//! `ListSubscriptions` and `ListSubscriptionsByTopic`.

use super::{Sns, topics};
use crate::http::{AwsError, Element, Form};
use crate::place;

/// Subscriptions on one page (SNS API reference, `ListSubscriptions`).
const PAGE: usize = 100;

impl Sns {
    pub(super) async fn list_subscriptions(&self, form: &Form) -> Result<Vec<Element>, AwsError> {
        form.allow_only("ListSubscriptions", &["NextToken"])?;
        self.list(None, form.get("NextToken").unwrap_or_default().to_owned()).await
    }

    pub(super) async fn list_subscriptions_by_topic(&self, form: &Form) -> Result<Vec<Element>, AwsError> {
        form.allow_only("ListSubscriptionsByTopic", &["TopicArn", "NextToken"])?;
        let topic = form.need("TopicArn")?.to_owned();
        self.list(Some(topic), form.get("NextToken").unwrap_or_default().to_owned()).await
    }

    /// By ARN; the token is the last ARN of the page before.
    async fn list(&self, topic: Option<String>, after: String) -> Result<Vec<Element>, AwsError> {
        let mut rows = self
            .worker
            .run(move |db| {
                if let Some(topic) = &topic {
                    topics::need_topic(db, topic)?;
                }
                let rows = db
                    .prepare_cached(
                        "SELECT arn, topic_arn, endpoint, confirmed FROM subscription
                         WHERE arn > ?1 AND NOT deleted AND (?2 IS NULL OR topic_arn = ?2) ORDER BY arn LIMIT ?3",
                    )?
                    .query_map((after, topic, PAGE + 1), |row| {
                        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                    })?
                    .collect::<rusqlite::Result<Vec<(String, String, String, bool)>>>()?;
                Ok::<_, AwsError>(rows)
            })
            .await??;
        let more = rows.len() > PAGE;
        rows.truncate(PAGE);
        let token = rows.last().filter(|_| more).map(|(arn, ..)| Element::text("NextToken", arn));
        let members = rows.iter().map(|(arn, topic_arn, endpoint, confirmed)| {
            Element::list(
                "member",
                [
                    Element::text("SubscriptionArn", if *confirmed { arn } else { "PendingConfirmation" }),
                    Element::text("Owner", place::ACCOUNT),
                    Element::text("Protocol", "http"),
                    Element::text("Endpoint", endpoint),
                    Element::text("TopicArn", topic_arn),
                ],
            )
        });
        let mut result = vec![Element::list("Subscriptions", members)];
        result.extend(token);
        Ok(result)
    }
}
