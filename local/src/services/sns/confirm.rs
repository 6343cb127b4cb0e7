//! `ConfirmSubscription`: by an operator, or by the link that the subscriber was sent.

use super::{Sns, invalid, subscribe, topics};
use crate::http::{AwsError, Element, Form};

impl Sns {
    pub(super) async fn confirm_subscription(&self, form: &Form) -> Result<Vec<Element>, AwsError> {
        form.allow_only("ConfirmSubscription", &["TopicArn", "Token"])?;
        let (topic_arn, token) = (form.need("TopicArn")?.to_owned(), form.need("Token")?.to_owned());
        let arn = self
            .worker
            .run(move |db| {
                topics::need_topic(db, &topic_arn)?;
                let found = subscribe::find(db, "topic_arn = ?1 AND token = ?2", (topic_arn, token))?
                    .ok_or_else(|| invalid("Token"))?;
                db.execute(
                    "UPDATE subscription SET confirmed = 1, deleted = 0 WHERE arn = ?1",
                    [&found.arn],
                )?;
                Ok::<_, AwsError>(found.arn)
            })
            .await??;
        Ok(vec![Element::text("SubscriptionArn", &arn)])
    }
}
