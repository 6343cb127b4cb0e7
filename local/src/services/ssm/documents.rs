//! `ListDocuments`, `DescribeDocument` and `GetDocument`.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{AwsError, answer, parse};
use crate::place;
use crate::services::ssm::check::Page;
use crate::services::ssm::{Document, Ssm};

const FORMAT: &str = "JSON";
const KIND: &str = "Command";
const PLATFORM: &str = "Linux";
const SCHEMA_VERSION: &str = "2.2";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Describe {
    name: String,
    document_version: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Get {
    name: String,
    document_version: Option<String>,
    document_format: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct List {
    #[serde(default)]
    filters: Vec<Filter>,
    max_results: Option<usize>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Filter {
    key: String,
    values: Vec<String>,
}

impl Filter {
    fn takes(&self, document: &Document) -> Result<bool, AwsError> {
        let one_of = |text: &str| self.values.iter().any(|value| value == text);
        Ok(match self.key.as_str() {
            "Name" => self.values.iter().any(|start| document.name().starts_with(start.as_str())),
            "Owner" => one_of("Self") || one_of("All") || one_of(place::ACCOUNT),
            "PlatformTypes" => one_of(PLATFORM),
            "DocumentType" => one_of(KIND),
            key => {
                let message = format!("The specified key {key} is not valid.");
                return Err(AwsError::client("InvalidFilterKey", message));
            }
        })
    }
}

impl Ssm {
    pub(super) fn list_documents(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: List = parse("ListDocuments", body)?;
        let page = Page { max_results: request.max_results, next_token: request.next_token };
        let (limit, after) = (page.limit(1, 50)?, page.after::<usize>()?.unwrap_or(0));
        let mut found = Vec::new();
        for document in &self.documents {
            let mut wanted = true;
            for filter in &request.filters {
                wanted &= filter.takes(document)?;
            }
            if wanted {
                found.push(self.identify(document));
            }
        }
        let end = after.saturating_add(limit);
        let token = (found.len() > end).then(|| end.to_string());
        let found: Vec<Value> = found.into_iter().skip(after).take(limit).collect();
        answer(&json!({"DocumentIdentifiers": found, "NextToken": token}))
    }

    pub(super) fn describe_document(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Describe = parse("DescribeDocument", body)?;
        let document = self.document(&request.name, request.document_version.as_deref())?;
        let mut described = self.identify(document);
        if let Some(members) = described.as_object_mut() {
            members.insert("Status".to_owned(), "Active".into());
            members.insert("Parameters".to_owned(), document.parameters());
            members.insert("LatestVersion".to_owned(), "1".into());
            members.insert("DefaultVersion".to_owned(), "1".into());
        }
        answer(&json!({"Document": described}))
    }

    pub(super) fn get_document(&self, body: &[u8]) -> Result<Vec<u8>, AwsError> {
        let request: Get = parse("GetDocument", body)?;
        let document = self.document(&request.name, request.document_version.as_deref())?;
        match request.document_format.as_deref() {
            None | Some(FORMAT) => {}
            Some(other) => {
                return Err(AwsError::not_implemented(format_args!("the document format {other}")));
            }
        }
        answer(&json!({
            "Name": document.name(),
            "CreatedDate": place::seconds(self.started),
            "DocumentVersion": "1",
            "Status": "Active",
            "Content": document.content(SCHEMA_VERSION).to_string(),
            "DocumentType": KIND,
            "DocumentFormat": FORMAT,
        }))
    }

    fn identify(&self, document: &Document) -> Value {
        json!({
            "Name": document.name(),
            "CreatedDate": place::seconds(self.started),
            "Owner": place::ACCOUNT,
            "PlatformTypes": [PLATFORM],
            "DocumentVersion": "1",
            "DocumentType": KIND,
            "SchemaVersion": SCHEMA_VERSION,
            "DocumentFormat": FORMAT,
            "Tags": [],
        })
    }
}
