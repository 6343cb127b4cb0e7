//! CloudWatch Logs through its client.

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::InputLogEvent;

use crate::support::{code, raw, start, until};

const GROUP: &str = "/ops/rsql-logs/";
const HOUR: i64 = 3_600_000;

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

fn event(timestamp: i64, message: impl Into<String>) -> InputLogEvent {
    InputLogEvent::builder().timestamp(timestamp).message(message).build().unwrap()
}

async fn put(client: &Client, stream: &str, events: Vec<InputLogEvent>) {
    let put = client.put_log_events().log_group_name(GROUP).log_stream_name(stream);
    put.set_log_events(Some(events)).send().await.unwrap();
}

async fn stream(client: &Client, name: &str) {
    client.create_log_stream().log_group_name(GROUP).log_stream_name(name).send().await.unwrap();
}

#[tokio::test]
async fn a_stream_is_read_forward_and_backward_and_tailed() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    stream(&client, "s").await;
    let start = now();
    // Two events of one moment stay in order.
    put(&client, "s", (0..5).map(|i| event(start + i / 2, format!("line {i}"))).collect()).await;
    let read = || client.get_log_events().log_group_name(GROUP).log_stream_name("s");

    let first = read().start_from_head(true).limit(3).send().await.unwrap();
    let texts = |events: &[aws_sdk_cloudwatchlogs::types::OutputLogEvent]| {
        events.iter().map(|e| e.message().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(texts(first.events()), ["line 0", "line 1", "line 2"]);
    let second = read().next_token(first.next_forward_token().unwrap()).send().await.unwrap();
    assert_eq!(texts(second.events()), ["line 3", "line 4"]);
    let back = read().next_token(second.next_backward_token().unwrap()).limit(2).send().await.unwrap();
    assert_eq!(texts(back.events()), ["line 1", "line 2"]);

    // At the end the token stays, and later events come with it.
    let end = read().next_token(second.next_forward_token().unwrap()).send().await.unwrap();
    assert!(end.events().is_empty());
    assert_eq!(end.next_forward_token(), second.next_forward_token());
    put(&client, "s", vec![event(start + 9, "late")]).await;
    let late = read().next_token(end.next_forward_token().unwrap()).send().await.unwrap();
    assert_eq!(texts(late.events()), ["late"]);

    // Without a direction the newest come, in order; the range's end is not in it.
    assert_eq!(texts(read().limit(2).send().await.unwrap().events()), ["line 4", "late"]);
    let range = read().start_time(start + 1).end_time(start + 2).start_from_head(true);
    assert_eq!(texts(range.send().await.unwrap().events()), ["line 2", "line 3"]);
}

#[tokio::test]
async fn an_empty_stream_can_be_tailed_from_its_start() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    stream(&client, "s").await;
    let read = || client.get_log_events().log_group_name(GROUP).log_stream_name("s");
    let empty = read().send().await.unwrap();
    put(&client, "s", vec![event(now(), "first")]).await;
    let found = read().next_token(empty.next_forward_token().unwrap()).send().await.unwrap();
    assert_eq!(found.events()[0].message(), Some("first"));
}

#[tokio::test]
async fn a_group_is_filtered_by_stream_time_and_pattern() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let start = now();
    for name in ["a1", "a2", "b1"] {
        stream(&client, name).await;
        put(&client, name, vec![event(start, format!("ERROR in {name}")), event(start + 1, "fine")]).await;
    }
    let filter = || client.filter_log_events().log_group_name(GROUP);
    let found = filter().log_stream_name_prefix("a").filter_pattern("ERROR").send().await.unwrap();
    let streams: Vec<_> = found.events().iter().map(|e| e.log_stream_name().unwrap()).collect();
    assert_eq!(streams, ["a1", "a2"]);
    let one = filter().log_stream_names("b1").send().await.unwrap();
    assert_eq!(one.events().len(), 2);
    let late = filter().start_time(start + 1).send().await.unwrap();
    assert_eq!(late.events().len(), 3);

    let mut seen = 0;
    let mut token = None;
    loop {
        let page = filter().limit(4).set_next_token(token).send().await.unwrap();
        seen += page.events().len();
        token = page.next_token().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, 6);
    // The newest first, in pages that keep the way.
    let newest = filter().start_from_head(false).limit(4).send().await.unwrap();
    let rest = filter().next_token(newest.next_token().unwrap()).send().await.unwrap();
    let moments: Vec<_> =
        newest.events().iter().chain(rest.events()).map(|e| e.timestamp().unwrap() - start).collect();
    assert_eq!(moments, [1, 1, 1, 0, 0, 0]);
    let json = filter().filter_pattern("{ $.a = 1 }").send().await.unwrap_err();
    assert_eq!(code(&json), "NotImplemented");
}

#[tokio::test]
async fn streams_are_listed_by_name_and_by_time() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    for name in ["b", "a", "c"] {
        stream(&client, name).await;
    }
    let start = now();
    put(&client, "a", vec![event(start + 5, "x")]).await;
    put(&client, "b", vec![event(start, "x"), event(start + 2, "y")]).await;
    let names = |streams: &[aws_sdk_cloudwatchlogs::types::LogStream]| {
        streams.iter().map(|s| s.log_stream_name().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let list = || client.describe_log_streams().log_group_name(GROUP);
    let by_name = list().limit(2).send().await.unwrap();
    assert_eq!(names(by_name.log_streams()), ["a", "b"]);
    let rest = list().next_token(by_name.next_token().unwrap()).send().await.unwrap();
    assert_eq!(names(rest.log_streams()), ["c"]);
    let by_time = list()
        .order_by(aws_sdk_cloudwatchlogs::types::OrderBy::LastEventTime)
        .descending(true)
        .send()
        .await
        .unwrap();
    assert_eq!(names(by_time.log_streams()), ["a", "b", "c"]);
    let b = &by_time.log_streams()[1];
    assert_eq!((b.first_event_timestamp(), b.last_event_timestamp()), (Some(start), Some(start + 2)));
}

#[tokio::test]
async fn batches_have_limits() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    stream(&client, "s").await;
    let send = |events: Vec<InputLogEvent>| {
        let put = client.put_log_events().log_group_name(GROUP).log_stream_name("s");
        put.set_log_events(Some(events)).send()
    };
    let t = now();
    for (what, events) in [
        ("disorder", vec![event(t, "a"), event(t - 1, "b")]),
        ("span", vec![event(t - 25 * HOUR, "a"), event(t, "b")]),
        ("empty message", vec![event(t, "")]),
        ("size", vec![event(t, "x".repeat(1_048_576))]),
        ("count", (0..10_001).map(|_| event(t, "x")).collect()),
    ] {
        let refused = send(events).await.unwrap_err();
        assert_eq!(code(&refused), "InvalidParameterException", "{what}");
    }
    // The largest message that fits.
    send(vec![event(t, "x".repeat(1_048_576 - 26))]).await.unwrap();
    let old = send(vec![event(t - 15 * 24 * HOUR, "old")]).await.unwrap();
    assert_eq!(old.rejected_log_events_info().unwrap().too_old_log_event_end_index(), Some(1));
    let new = send(vec![event(t, "a"), event(t + 3 * HOUR, "new")]).await.unwrap();
    assert_eq!(new.rejected_log_events_info().unwrap().too_new_log_event_start_index(), Some(1));
}

#[tokio::test]
async fn refusals_have_their_codes() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let again = client.create_log_group().log_group_name(GROUP).send().await.unwrap_err();
    assert_eq!(code(&again), "ResourceAlreadyExistsException");
    stream(&client, "s").await;
    let again =
        client.create_log_stream().log_group_name(GROUP).log_stream_name("s").send().await.unwrap_err();
    assert_eq!(code(&again), "ResourceAlreadyExistsException");
    let colon =
        client.create_log_stream().log_group_name(GROUP).log_stream_name("a:b").send().await.unwrap_err();
    assert_eq!(code(&colon), "InvalidParameterException");
    let missing =
        client.get_log_events().log_group_name("none").log_stream_name("s").send().await.unwrap_err();
    assert_eq!(code(&missing), "ResourceNotFoundException");
    let missing =
        client.get_log_events().log_group_name(GROUP).log_stream_name("t").send().await.unwrap_err();
    assert_eq!(code(&missing), "ResourceNotFoundException");
    let token = client
        .get_log_events()
        .log_group_name(GROUP)
        .log_stream_name("s")
        .next_token("forged")
        .send()
        .await
        .unwrap_err();
    assert_eq!(code(&token), "InvalidParameterException");
}

#[tokio::test]
async fn groups_are_made_listed_and_deleted() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    for name in ["/app/one", "/app/two", "/web/One"] {
        client.create_log_group().log_group_name(name).send().await.unwrap();
    }
    let names = async |list: aws_sdk_cloudwatchlogs::operation::describe_log_groups::builders::DescribeLogGroupsFluentBuilder| {
        let found = list.send().await.unwrap();
        found.log_groups().iter().map(|g| g.log_group_name().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let list = || client.describe_log_groups();
    assert_eq!(names(list().log_group_name_prefix("/app/")).await, ["/app/one", "/app/two"]);
    assert_eq!(names(list().log_group_name_pattern("One")).await, ["/web/One"]);
    let page = list().limit(2).send().await.unwrap();
    assert_eq!(page.log_groups().len(), 2);
    assert_eq!(names(list().next_token(page.next_token().unwrap())).await, ["/ops/rsql-logs/", "/web/One"]);
    let both = list().log_group_name_prefix("/app").log_group_name_pattern("one").send().await.unwrap_err();
    assert_eq!(code(&both), "InvalidParameterException");

    let write = async |stream: &str, text: &str| {
        client.create_log_stream().log_group_name("/app/one").log_stream_name(stream).send().await.unwrap();
        let put = client.put_log_events().log_group_name("/app/one").log_stream_name(stream);
        put.log_events(event(now(), text)).send().await.unwrap();
    };
    let stored = async || {
        let found = list().log_group_name_prefix("/app/one").send().await.unwrap();
        found.log_groups()[0].stored_bytes().unwrap()
    };
    write("a", "four").await;
    write("b", "fünf!").await;
    assert_eq!(stored().await, 4 + 26 + 6 + 26);
    client.delete_log_stream().log_group_name("/app/one").log_stream_name("a").send().await.unwrap();
    assert_eq!(stored().await, 6 + 26);
    let left = client.filter_log_events().log_group_name("/app/one").send().await.unwrap();
    assert_eq!(left.events().iter().map(|e| e.message().unwrap()).collect::<Vec<_>>(), ["fünf!"]);
    let gone = client.delete_log_stream().log_group_name("/app/one").log_stream_name("a").send().await;
    assert_eq!(code(&gone.unwrap_err()), "ResourceNotFoundException");

    client.delete_log_group().log_group_name("/app/one").send().await.unwrap();
    assert_eq!(names(list().log_group_name_prefix("/app/")).await, ["/app/two"]);
    let again = client.delete_log_group().log_group_name("/app/one").send().await.unwrap_err();
    assert_eq!(code(&again), "ResourceNotFoundException");
    // A new group of the name has nothing of the old one.
    client.create_log_group().log_group_name("/app/one").send().await.unwrap();
    assert!(client.filter_log_events().log_group_name("/app/one").send().await.unwrap().events().is_empty());
    let wrong = client.create_log_group().log_group_name("a b").send().await.unwrap_err();
    assert_eq!(code(&wrong), "InvalidParameterException");
    let message = wrong.into_service_error().to_string();
    assert!(message.contains("1 validation error detected: Value 'a b' at 'logGroupName'"), "{message}");
}

#[tokio::test]
async fn retention_removes_what_is_too_old() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    stream(&client, "s").await;
    put(&client, "s", vec![event(now() - 50 * HOUR, "old")]).await;
    put(&client, "s", vec![event(now(), "new")]).await;
    let retention = |days| client.put_retention_policy().log_group_name(GROUP).retention_in_days(days).send();
    assert_eq!(code(&retention(2).await.unwrap_err()), "InvalidParameterException");
    retention(1).await.unwrap();
    let group = async || client.describe_log_groups().send().await.unwrap().log_groups()[0].clone();
    assert_eq!(group().await.retention_in_days(), Some(1));
    // From now on it is not read, whether its row is there or not.
    let read = client.get_log_events().log_group_name(GROUP).log_stream_name("s").start_from_head(true);
    let texts: Vec<_> =
        read.send().await.unwrap().events().iter().map(|e| e.message().unwrap().to_owned()).collect();
    assert_eq!(texts, ["new"]);
    let filtered = client.filter_log_events().log_group_name(GROUP).send().await.unwrap();
    assert_eq!(filtered.events().len(), 1);
    until("the old row's removal", async || (group().await.stored_bytes() == Some(3 + 26)).then_some(()))
        .await;
    let expired = client.put_log_events().log_group_name(GROUP).log_stream_name("s");
    let expired =
        expired.log_events(event(now() - 25 * HOUR, "late")).log_events(event(now() - 2 * HOUR, "x"));
    let expired = expired.send().await.unwrap();
    assert_eq!(expired.rejected_log_events_info().unwrap().expired_log_event_end_index(), Some(1));
    client.delete_retention_policy().log_group_name(GROUP).send().await.unwrap();
    assert_eq!(group().await.retention_in_days(), None);
    // It was removed, not hidden.
    let filtered = client.filter_log_events().log_group_name(GROUP).send().await.unwrap();
    assert_eq!(filtered.events().iter().map(|e| e.message().unwrap()).collect::<Vec<_>>(), ["x", "new"]);
}

/// What `aws logs tail --follow` does: it asks again and again from the last moment that it saw, and drops what it
/// has seen.
#[tokio::test]
#[expect(deprecated, reason = "the command line still asks for interleaved events")]
async fn a_group_is_followed_by_polling() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let (mut since, mut seen, mut lines) = (now() - HOUR, std::collections::HashSet::new(), Vec::new());
    let mut written = Vec::new();
    let start = now();
    for round in 0..4 {
        let name = format!("s{}", round % 2);
        if round < 2 {
            stream(&client, &name).await;
        }
        // Two streams, and the same moments again.
        let batch: Vec<_> =
            (0..3).map(|i| event(start + i64::from(round / 2), format!("{round}.{i}"))).collect();
        written.extend(batch.iter().map(|e| e.message().to_owned()));
        put(&client, &name, batch).await;
        let mut token = None;
        loop {
            let poll = client.filter_log_events().log_group_name(GROUP).interleaved(true).start_time(since);
            let page = poll.limit(2).set_next_token(token).send().await.unwrap();
            for event in page.events() {
                since = since.max(event.timestamp().unwrap());
                if seen.insert(event.event_id().unwrap().to_owned()) {
                    lines.push(event.message().unwrap().to_owned());
                }
            }
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        assert_eq!(lines, written, "after round {round}");
    }
}

#[tokio::test]
async fn a_batch_that_is_tried_again_is_taken_once() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    stream(&client, "s").await;
    let body = serde_json::json!({
        "logGroupName": GROUP, "logStreamName": "s", "logEvents": [{"timestamp": now(), "message": "the same"}],
    });
    for invocation in ["one", "one", "two"] {
        let headers = [
            ("x-amz-target", "Logs_20140328.PutLogEvents"),
            ("content-type", "application/x-amz-json-1.1"),
            ("amz-sdk-invocation-id", invocation),
        ];
        let answer = raw(&local, "POST /", &headers, body.to_string().as_bytes()).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    let read = client.get_log_events().log_group_name(GROUP).log_stream_name("s").start_from_head(true);
    assert_eq!(
        read.send().await.unwrap().events().len(),
        2,
        "the same lines in another call are other lines"
    );
}
