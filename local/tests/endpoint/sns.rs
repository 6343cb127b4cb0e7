//! SNS through its client.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_sns::Client;
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use axum::http::HeaderMap;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::support::{Local, code, raw, start};

#[tokio::test]
async fn what_is_published_is_kept_in_order() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let topic = client.create_topic().name("ops").send().await.unwrap();
    let arn = topic.topic_arn().unwrap();
    assert_eq!(arn, "arn:aws:sns:us-east-1:000000000000:ops");
    assert_eq!(client.create_topic().name("ops").send().await.unwrap().topic_arn(), Some(arn));
    for message in ["first <&> \"ä\"", "second"] {
        let published = client.publish().topic_arn(arn).subject("s").message(message).send().await.unwrap();
        assert!(published.message_id().is_some());
    }
    let kept = local.endpoint.published(arn).await;
    let messages: Vec<_> = kept.iter().map(|m| m.message.as_str()).collect();
    assert_eq!(messages, ["first <&> \"ä\"", "second"]);
    assert_eq!(kept[0].subject.as_deref(), Some("s"));
    let topics = client.list_topics().send().await.unwrap();
    assert_eq!(topics.topics()[0].topic_arn(), Some(arn));
}

#[tokio::test]
async fn topics_are_listed_in_pages() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    for number in 0..101 {
        client.create_topic().name(format!("t{number:03}")).send().await.unwrap();
    }
    let first = client.list_topics().send().await.unwrap();
    assert_eq!(first.topics().len(), 100);
    let rest = client.list_topics().next_token(first.next_token().unwrap()).send().await.unwrap();
    assert_eq!((rest.topics().len(), rest.next_token()), (1, None));
}

#[tokio::test]
async fn refusals_have_their_codes() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let publish = |arn: &str, message: &str| client.publish().topic_arn(arn).message(message).send();
    let nobody = publish("arn:aws:sns:us-east-1:000000000000:none", "m").await.unwrap_err();
    assert_eq!(code(&nobody), "NotFound");
    let no_arn = publish("none", "m").await.unwrap_err();
    assert_eq!(code(&no_arn), "InvalidParameter");
    let topic = client.create_topic().name("t").send().await.unwrap();
    let empty = publish(topic.topic_arn().unwrap(), "").await.unwrap_err();
    assert_eq!(code(&empty), "InvalidParameter");
    let long = publish(topic.topic_arn().unwrap(), &"x".repeat(300_000)).await.unwrap_err();
    assert_eq!(code(&long), "InvalidParameter");
    let name = client.create_topic().name("a b").send().await.unwrap_err();
    assert_eq!(code(&name), "InvalidParameter");
}

/// What a subscriber was sent: message type, raw delivery, and body.
#[derive(Debug)]
struct Sent {
    kind: String,
    raw: bool,
    subscription: Option<String>,
    body: String,
}

impl Sent {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A subscriber on this machine. It answers with the statuses of the list, and with 200 after that.
async fn subscriber(statuses: &[u16]) -> (String, UnboundedReceiver<Sent>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?a=b", listener.local_addr().unwrap());
    let (sender, sent) = unbounded_channel();
    let statuses = Arc::new(Mutex::new(statuses.iter().copied().collect::<VecDeque<u16>>()));
    let handle = move |headers: HeaderMap, body: String| {
        let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let status = statuses.lock().unwrap().pop_front().unwrap_or(200);
        let kind = header("x-amz-sns-message-type").unwrap();
        let (raw, subscription) =
            (header("x-amz-sns-rawdelivery").is_some(), header("x-amz-sns-subscription-arn"));
        let _ = sender.send(Sent { kind, raw, subscription, body });
        async move { axum::http::StatusCode::from_u16(status).unwrap() }
    };
    let app = axum::Router::new().fallback(handle);
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, sent)
}

async fn next(sent: &mut UnboundedReceiver<Sent>) -> Sent {
    tokio::time::timeout(Duration::from_secs(20), sent.recv()).await.unwrap().unwrap()
}

/// Follows a link of a message.
async fn follow(local: &Local, link: &Value) {
    let path = link.as_str().unwrap().strip_prefix(local.endpoint.url()).unwrap();
    let answer = raw(local, &format!("GET {path}"), &[], b"").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// A topic with a confirmed subscription.
async fn subscribed(local: &Local, url: &str, sent: &mut UnboundedReceiver<Sent>) -> (String, String) {
    let client = Client::new(&local.sdk);
    let topic = client.create_topic().name("t").send().await.unwrap().topic_arn().unwrap().to_owned();
    let subscribe = client.subscribe().topic_arn(&topic).protocol("http").endpoint(url);
    let answer = subscribe.return_subscription_arn(true).send().await.unwrap();
    let asked = next(sent).await;
    follow(local, &asked.json()["SubscribeURL"]).await;
    (topic, answer.subscription_arn().unwrap().to_owned())
}

#[tokio::test]
async fn a_subscriber_confirms_gets_messages_and_leaves() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let (url, mut sent) = subscriber(&[]).await;
    let topic = client.create_topic().name("t").send().await.unwrap().topic_arn().unwrap().to_owned();
    let subscribe =
        client.subscribe().topic_arn(&topic).protocol("http").endpoint(&url).send().await.unwrap();
    assert_eq!(subscribe.subscription_arn(), Some("pending confirmation"));
    let asked = next(&mut sent).await;
    assert_eq!((asked.kind.as_str(), asked.subscription.as_deref()), ("SubscriptionConfirmation", None));
    let asked = asked.json();
    assert_eq!((&asked["Type"], &asked["TopicArn"]), (&json!("SubscriptionConfirmation"), &json!(topic)));
    // Until it confirms it gets nothing.
    client.publish().topic_arn(&topic).message("too early").send().await.unwrap();
    let listed = client.list_subscriptions().send().await.unwrap();
    assert_eq!(listed.subscriptions()[0].subscription_arn(), Some("PendingConfirmation"));
    let wrong = client.confirm_subscription().topic_arn(&topic).token("wrong").send().await.unwrap_err();
    assert_eq!(code(&wrong), "InvalidParameter");
    let token = asked["Token"].as_str().unwrap();
    let confirmed = client.confirm_subscription().topic_arn(&topic).token(token).send().await.unwrap();
    let arn = confirmed.subscription_arn().unwrap().to_owned();
    let listed = client.list_subscriptions_by_topic().topic_arn(&topic).send().await.unwrap();
    assert_eq!(listed.subscriptions()[0].subscription_arn(), Some(arn.as_str()));

    let colour = MessageAttributeValue::builder().data_type("String").string_value("red").build().unwrap();
    let publish =
        client.publish().topic_arn(&topic).subject("s").message("hi").message_attributes("colour", colour);
    let id = publish.send().await.unwrap().message_id().unwrap().to_owned();
    let got = next(&mut sent).await;
    assert_eq!(
        (got.kind.as_str(), got.subscription.as_deref(), got.raw),
        ("Notification", Some(arn.as_str()), false)
    );
    let body = got.json();
    assert_eq!(
        (&body["Type"], &body["MessageId"], &body["Subject"], &body["Message"]),
        (&json!("Notification"), &json!(id), &json!("s"), &json!("hi"))
    );
    assert_eq!(body["MessageAttributes"], json!({"colour": {"Type": "String", "Value": "red"}}));

    let set = |name: &str, value: &str| {
        client
            .set_subscription_attributes()
            .subscription_arn(&arn)
            .attribute_name(name)
            .attribute_value(value)
            .send()
    };
    set("RawMessageDelivery", "true").await.unwrap();
    client.publish().topic_arn(&topic).message("{{endpoint}} as it is").send().await.unwrap();
    let got = next(&mut sent).await;
    assert_eq!((got.raw, got.body.as_str()), (true, "{{endpoint}} as it is"));
    assert_eq!(code(&set("RawMessageDelivery", "maybe").await.unwrap_err()), "InvalidParameter");
    let attributes = client.get_subscription_attributes().subscription_arn(&arn).send().await.unwrap();
    assert_eq!(attributes.attributes().unwrap()["RawMessageDelivery"], "true");

    follow(&local, &body["UnsubscribeURL"]).await;
    let left = next(&mut sent).await;
    assert_eq!(left.kind, "UnsubscribeConfirmation");
    assert!(client.list_subscriptions().send().await.unwrap().subscriptions().is_empty());
    // The way back.
    follow(&local, &left.json()["SubscribeURL"]).await;
    client.publish().topic_arn(&topic).message("back").send().await.unwrap();
    assert_eq!(next(&mut sent).await.body, "back");
}

#[tokio::test]
async fn messages_are_filtered_and_structured() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let (url, mut sent) = subscriber(&[]).await;
    let (topic, arn) = subscribed(&local, &url, &mut sent).await;
    let policy = json!({"n": [{"numeric": [">", 5]}]}).to_string();
    for (name, value) in [("FilterPolicy", policy.as_str()), ("RawMessageDelivery", "true")] {
        let set = client.set_subscription_attributes().subscription_arn(&arn).attribute_name(name);
        set.attribute_value(value).send().await.unwrap();
    }
    let number =
        |n: &str| MessageAttributeValue::builder().data_type("Number").string_value(n).build().unwrap();
    client.publish().topic_arn(&topic).message("no attribute").send().await.unwrap();
    client
        .publish()
        .topic_arn(&topic)
        .message("5")
        .message_attributes("n", number("5"))
        .send()
        .await
        .unwrap();
    let structured = json!({"default": "all", "http": "for http"}).to_string();
    let entry = |id: &str, n: &str| {
        PublishBatchRequestEntry::builder()
            .id(id)
            .message(&structured)
            .message_structure("json")
            .message_attributes("n", number(n))
            .build()
            .unwrap()
    };
    let batch = client.publish_batch().topic_arn(&topic);
    let bad = PublishBatchRequestEntry::builder().id("bad").message("").build().unwrap();
    let batch = batch
        .publish_batch_request_entries(entry("small", "1"))
        .publish_batch_request_entries(entry("large", "6"))
        .publish_batch_request_entries(bad)
        .send()
        .await
        .unwrap();
    let ids: Vec<_> = batch.successful().iter().map(|entry| entry.id().unwrap()).collect();
    assert_eq!(ids, ["small", "large"]);
    assert_eq!((batch.failed()[0].id(), batch.failed()[0].code()), ("bad", "InvalidParameter"));
    // The first that comes is the only one that passed.
    assert_eq!(next(&mut sent).await.body, "for http");
    let twice = client
        .publish_batch()
        .topic_arn(&topic)
        .publish_batch_request_entries(entry("a", "1"))
        .publish_batch_request_entries(entry("a", "1"));
    assert_eq!(code(&twice.send().await.unwrap_err()), "BatchEntryIdsNotDistinct");
}

#[tokio::test]
async fn a_failed_delivery_is_tried_again_also_after_a_restart() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let (url, mut sent) = subscriber(&[200, 500, 503, 429]).await;
    let (topic, arn) = subscribed(&local, &url, &mut sent).await;
    let set = async |policy: Value| {
        let set =
            client.set_subscription_attributes().subscription_arn(&arn).attribute_name("DeliveryPolicy");
        set.attribute_value(json!({"healthyRetryPolicy": policy}).to_string()).send().await.unwrap();
    };
    set(json!({"numRetries": 5, "numNoDelayRetries": 3, "minDelayTarget": 1, "maxDelayTarget": 1})).await;
    client.publish().topic_arn(&topic).message("persistent").send().await.unwrap();
    for _ in 0..4 {
        assert_eq!(next(&mut sent).await.json()["Message"], "persistent");
    }

    // A subscriber that is not there yet.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let subscribe =
        client.subscribe().topic_arn(&topic).protocol("http").endpoint(format!("http://{address}/"));
    let policy = json!({"healthyRetryPolicy": {"numRetries": 90, "minDelayTarget": 1, "maxDelayTarget": 1}});
    let subscribe = subscribe.attributes("DeliveryPolicy", policy.to_string()).return_subscription_arn(true);
    let late = subscribe.send().await.unwrap().subscription_arn().unwrap().to_owned();
    // Nobody answers there, so the operator confirms in the subscriber's place: the token is in the database only.
    let database = local.dir.path().join("state/sns.sqlite3");
    let database = rusqlite::Connection::open(database).unwrap();
    let token: String = database
        .query_row("SELECT token FROM subscription WHERE arn = ?1", [&late], |row| row.get(0))
        .unwrap();
    drop(database);
    client.confirm_subscription().topic_arn(&topic).token(token).send().await.unwrap();
    client.publish().topic_arn(&topic).message("late").send().await.unwrap();
    assert_eq!(next(&mut sent).await.json()["Message"], "late");
    let local = crate::support::restart(local).await;
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let (sender, mut bodies) = unbounded_channel();
    let app = axum::Router::new().fallback(move |body: String| {
        let _ = sender.send(body);
        async {}
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    let got = async {
        loop {
            let body: Value = serde_json::from_str(&bodies.recv().await.unwrap()).unwrap();
            if body["Type"] == "Notification" {
                return body;
            }
        }
    };
    let got = tokio::time::timeout(Duration::from_secs(20), got).await.expect("nothing was sent");
    assert_eq!(got["Message"], "late");
    let link = got["UnsubscribeURL"].as_str().unwrap();
    assert!(link.starts_with(local.endpoint.url()), "{link}");
}

#[tokio::test]
async fn subscriptions_beyond_this_machine_are_refused() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let topic = client.create_topic().name("t").send().await.unwrap().topic_arn().unwrap().to_owned();
    for (protocol, endpoint, wanted) in [
        ("http", "http://example.com/", "InvalidParameter"),
        ("http", "https://127.0.0.1/", "InvalidParameter"),
        ("https", "https://127.0.0.1/", "NotImplemented"),
        ("email", "a@example.com", "NotImplemented"),
        ("pigeon", "x", "InvalidParameter"),
    ] {
        let refused = client.subscribe().topic_arn(&topic).protocol(protocol).endpoint(endpoint).send().await;
        assert_eq!(code(&refused.unwrap_err()), wanted, "{protocol} {endpoint}");
    }
    // What a page in a browser could send is not done.
    let answer = raw(&local, "GET /?Action=CreateTopic&Name=x&Version=2010-03-31", &[], b"").await;
    assert_eq!(answer.status, 501);
    client.delete_topic().topic_arn(&topic).send().await.unwrap();
    assert!(client.list_topics().send().await.unwrap().topics().is_empty());
}
