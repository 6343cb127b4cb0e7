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
