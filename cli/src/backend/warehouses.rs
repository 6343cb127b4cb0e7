//! The servers of `--warehouse`.

use rsqlflow_local::Warehouse;

use crate::args::WarehouseSource;
use crate::failure::Failure;

/// Reads what the options name: a URL, or where one is.
///
/// # Errors
/// Where a file or variable cannot be read, or a name or URL is not valid. No message repeats a URL.
pub(super) fn read_all(sources: &[WarehouseSource]) -> Result<Vec<Warehouse>, Failure> {
    let warehouses: Vec<Warehouse> = sources.iter().map(read).collect::<Result<_, _>>()?;
    for (index, warehouse) in warehouses.iter().enumerate() {
        if warehouses[..index].iter().any(|other| other.name() == warehouse.name()) {
            let message = format!("--warehouse: \"{}\" is given more than once", warehouse.name());
            return Err(Failure::input(message, "give each warehouse once"));
        }
    }
    Ok(warehouses)
}

fn read(source: &WarehouseSource) -> Result<Warehouse, Failure> {
    let hint = "write NAME=postgres://USER:PASSWORD@HOST:PORT/DATABASE, or NAME=file:PATH or NAME=env:VARIABLE with such a URL";
    let (name, place) = source
        .text()
        .split_once('=')
        .ok_or_else(|| Failure::input("--warehouse: the value has no name", hint))?;
    let url = match place.split_once(':') {
        Some(("file", path)) => std::fs::read_to_string(path).map_err(|error| {
            Failure::input(format!("--warehouse: the file \"{path}\" cannot be read: {error}"), hint)
        })?,
        Some(("env", variable)) => std::env::var(variable).map_err(|_| {
            Failure::input(format!("--warehouse: the variable \"{variable}\" is not set"), hint)
        })?,
        _ => place.to_owned(),
    };
    Warehouse::new(name, url.trim()).map_err(|error| Failure::input(format!("--warehouse: {error}"), hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(texts: &[&str]) -> String {
        let sources: Vec<_> = texts.iter().map(|text| WarehouseSource::from((*text).to_owned())).collect();
        let failure = read_all(&sources).unwrap_err();
        failure.to_json().to_string()
    }

    #[test]
    fn urls_come_from_the_option_or_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("url");
        std::fs::write(&file, "postgres://u:s3cret@h/db\n").unwrap();
        let source = |text: String| WarehouseSource::from(text);
        let read = read_all(&[
            source("night=postgres://u:s3cret@h:1/db".to_owned()),
            source(format!("other=file:{}", file.display())),
        ])
        .unwrap();
        assert_eq!(read.iter().map(Warehouse::name).collect::<Vec<_>>(), ["night", "other"]);
        assert!(!format!("{:?}", source("night=postgres://u:s3cret@h/db".to_owned())).contains("s3cret"));
    }

    #[test]
    fn no_message_repeats_a_url() {
        for (texts, says) in [
            (&["postgres://u:s3cret@h/db"][..], "has no name"),
            (&["night=mysql://u:s3cret@h/db"], "must begin with"),
            (&["N=postgres://u:s3cret@h/db"], "the name of a warehouse"),
            (&["night=file:/nowhere"], "/nowhere"),
            (&["night=env:RSQLFLOW_TEST_NOT_SET"], "is not set"),
            (&["night=postgres://u:s3cret@h/a", "night=postgres://u:s3cret@h/b"], "more than once"),
        ] {
            let message = refused(texts);
            assert!(message.contains(says) && !message.contains("s3cret"), "{message}");
        }
    }
}
