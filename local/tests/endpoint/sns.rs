//! SNS through its client.

use aws_sdk_sns::Client;

use crate::support::{code, start};

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
