//! The keys of an endpoint, and requests by hand that are signed with them.

use std::path::Path;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;

/// A pair of keys.
#[derive(Clone, Debug)]
pub struct Keys {
    /// `AWS_ACCESS_KEY_ID`
    pub id: String,
    /// `AWS_SECRET_ACCESS_KEY`
    pub secret: String,
}

impl Keys {
    /// What a file has, which `rsqlflow local` wrote.
    ///
    /// # Panics
    /// Where it has none.
    #[must_use]
    pub fn read(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let value = |name: &str| {
            let found = text.lines().filter_map(|line| line.split_once(" = ")).find(|(n, _)| *n == name);
            found.unwrap_or_else(|| panic!("{}: {name} is missing", file.display())).1.to_owned()
        };
        Self { id: value("aws_access_key_id"), secret: value("aws_secret_access_key") }
    }

    /// Keys that no endpoint has.
    #[must_use]
    pub fn wrong() -> Self {
        Self { id: "test".to_owned(), secret: "test".to_owned() }
    }

    /// For clients.
    #[must_use]
    pub fn provider(&self) -> SharedCredentialsProvider {
        SharedCredentialsProvider::new(Credentials::new(&self.id, &self.secret, None, None, "test"))
    }

    /// As variables of an environment.
    #[must_use]
    pub fn env(&self) -> [(&'static str, &str); 2] {
        [("AWS_ACCESS_KEY_ID", &self.id), ("AWS_SECRET_ACCESS_KEY", &self.secret)]
    }

    /// The headers that a request must have beside its own; `line` is its line without the version.
    ///
    /// # Panics
    /// Where it cannot be signed.
    #[must_use]
    pub fn sign(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<(&'static str, String)> {
        let identity = Credentials::new(&self.id, &self.secret, None, None, "test").into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name("test")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .expect("parameters");
        let (method, target) = line.split_once(' ').expect("a method and a path");
        let body = SignableBody::Bytes(body);
        let request = SignableRequest::new(method, target, headers.iter().copied(), body).expect("a request");
        let (signed, _) = sign(request, &params.into()).expect("a signature").into_parts();
        let (signed, _) = signed.into_parts();
        signed.iter().map(|header| (header.name(), header.value().to_owned())).collect()
    }
}
