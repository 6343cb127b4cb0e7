//! Secrets Manager through its client.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::primitives::Blob;

use crate::support::{code, start};

#[tokio::test]
async fn versions_move_their_labels() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let created = client.create_secret().name("etl/db").secret_string("one").send().await.unwrap();
    let arn = created.arn().unwrap();
    assert!(arn.starts_with("arn:aws:secretsmanager:us-east-1:000000000000:secret:etl/db-"), "{arn}");
    let put = client.put_secret_value().secret_id("etl/db").secret_string("two").send().await.unwrap();
    assert_eq!(put.version_stages(), ["AWSCURRENT"]);
    let partial = &arn[..arn.len() - 7];
    for id in ["etl/db", arn, partial] {
        let value = client.get_secret_value().secret_id(id).send().await.unwrap();
        assert_eq!(value.secret_string(), Some("two"), "{id}");
        assert_eq!(value.version_id(), put.version_id());
    }
    let before =
        client.get_secret_value().secret_id("etl/db").version_stage("AWSPREVIOUS").send().await.unwrap();
    assert_eq!(before.secret_string(), Some("one"));
    let described = client.describe_secret().secret_id("etl/db").send().await.unwrap();
    let versions = described.version_ids_to_stages().unwrap();
    assert_eq!(versions.len(), 2);
    assert_eq!(versions[created.version_id().unwrap()], ["AWSPREVIOUS"]);
}

#[tokio::test]
async fn binary_values_are_kept_as_they_are() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let bytes = vec![0, 159, 146, 150];
    client.create_secret().name("b").secret_binary(Blob::new(bytes.clone())).send().await.unwrap();
    let value = client.get_secret_value().secret_id("b").send().await.unwrap();
    assert_eq!(value.secret_binary().unwrap().as_ref(), bytes);
    assert_eq!(value.secret_string(), None);
}

#[tokio::test]
async fn the_same_request_again_is_one_and_another_is_refused() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let create = |value: &str| {
        client
            .create_secret()
            .name("a")
            .client_request_token("0123456789abcdef0123456789abcdef")
            .secret_string(value)
            .send()
    };
    let first = create("x").await.unwrap();
    assert_eq!(create("x").await.unwrap().arn(), first.arn());
    assert_eq!(code(&create("y").await.unwrap_err()), "ResourceExistsException");
}

#[tokio::test]
async fn refusals_have_their_codes() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let missing = client.get_secret_value().secret_id("none").send().await.unwrap_err();
    assert_eq!(code(&missing), "ResourceNotFoundException");
    let empty = client.create_secret().name("none yet").secret_string("x").send().await.unwrap_err();
    assert_eq!(code(&empty), "ValidationException");
    client.create_secret().name("valueless").send().await.unwrap();
    let valueless = client.get_secret_value().secret_id("valueless").send().await.unwrap_err();
    assert_eq!(code(&valueless), "ResourceNotFoundException");
}

#[tokio::test]
async fn a_deleted_secret_waits_for_its_end() {
    let local = start().await;
    let client = Client::new(&local.sdk);
    let arn =
        client.create_secret().name("a").secret_string("x").send().await.unwrap().arn().unwrap().to_owned();
    let get = || client.get_secret_value().secret_id("a").send();
    let listed = async |planned| {
        let list = client.list_secrets().include_planned_deletion(planned).send().await.unwrap();
        list.secret_list().len()
    };
    let days = |days| client.delete_secret().secret_id("a").recovery_window_in_days(days).send();
    assert_eq!(code(&days(6).await.unwrap_err()), "InvalidParameterException");
    let deleted = days(7).await.unwrap();
    let week = deleted.deletion_date().unwrap().secs() - jiff::Timestamp::now().as_second();
    assert!((604_700..=604_800).contains(&week), "{week}");
    assert_eq!(code(&get().await.unwrap_err()), "InvalidRequestException");
    assert_eq!(code(&days(7).await.unwrap_err()), "InvalidRequestException");
    let create = client.create_secret().name("a").secret_string("y").send().await.unwrap_err();
    assert_eq!(code(&create), "InvalidRequestException");
    assert_eq!((listed(false).await, listed(true).await), (0, 1));
    assert!(client.describe_secret().secret_id("a").send().await.unwrap().deleted_date().is_some());
    let force = || client.delete_secret().secret_id("a").force_delete_without_recovery(true).send();
    force().await.unwrap();
    assert_eq!(code(&get().await.unwrap_err()), "ResourceNotFoundException");
    assert_eq!(code(&days(7).await.unwrap_err()), "ResourceNotFoundException");
    force().await.unwrap();
    assert_eq!(listed(true).await, 0);
    let new = client.create_secret().name("a").secret_string("z").send().await.unwrap();
    assert_ne!(new.arn(), Some(arn.as_str()), "a new secret has a new ARN");
    assert_eq!(get().await.unwrap().secret_string(), Some("z"));
}

#[tokio::test]
async fn secrets_are_listed_with_filters_and_pages() {
    use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType as Key, SortOrderType, Tag};
    let local = start().await;
    let client = Client::new(&local.sdk);
    for (name, team) in [("etl/a", "blue"), ("etl/b", "red"), ("web/c", "red")] {
        let tag = Tag::builder().key("team").value(team).build();
        let create = client.create_secret().name(name).description(format!("Secret of {name}")).tags(tag);
        create.secret_string("x").send().await.unwrap();
    }
    let list = async |key: Key, value: &str| {
        let filter = Filter::builder().key(key).values(value).build();
        let found = client.list_secrets().filters(filter).send().await.unwrap();
        found.secret_list().iter().map(|s| s.name().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list(Key::Name, "etl/").await, ["etl/a", "etl/b"]);
    assert_eq!(list(Key::Name, "!etl/").await, ["web/c"]);
    assert_eq!(list(Key::TagValue, "red").await, ["etl/b", "web/c"]);
    assert_eq!(list(Key::TagKey, "team").await.len(), 3);
    assert_eq!(list(Key::Description, "secret OF web").await, ["web/c"]);
    assert_eq!(list(Key::All, "blue").await, ["etl/a"]);
    let first = client.list_secrets().max_results(2).sort_order(SortOrderType::Desc).send().await.unwrap();
    assert_eq!(first.secret_list()[0].name(), Some("web/c"));
    let versions = first.secret_list()[0].secret_versions_to_stages().unwrap();
    assert_eq!(versions.values().next().unwrap(), &["AWSCURRENT"]);
    let rest = client.list_secrets().next_token(first.next_token().unwrap());
    let rest = rest.sort_order(SortOrderType::Desc).send().await.unwrap();
    assert_eq!((rest.secret_list().len(), rest.next_token()), (1, None));
    assert_eq!(
        code(&client.list_secrets().max_results(101).send().await.unwrap_err()),
        "ValidationException"
    );
    assert_eq!(
        code(&client.list_secrets().next_token("x").send().await.unwrap_err()),
        "InvalidNextTokenException"
    );
}
