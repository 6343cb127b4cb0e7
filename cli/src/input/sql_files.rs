//! Files of SQL that a workflow names: their text takes their place, so that what is put, and what a run keeps, is whole.

use std::path::Path;

use rsqlflow_core::sql::MOST_BYTES;
use rsqlflow_core::{NoProblems, Problem, ProblemKind, Problems};
use serde_json::Value;

/// Puts the text of each `{"file": …}` of an item that was validated into its place, and answers how many there were.
/// Paths are below `folder`.
///
/// # Errors
/// Every file that cannot be read.
pub(crate) fn put_in(item: &mut Value, folder: &Path) -> Result<usize, Problems> {
    let mut count = 0;
    let mut problems = Vec::new();
    let stages = item.get_mut("workflow_stages").and_then(Value::as_array_mut);
    for (s, stage) in stages.into_iter().flatten().enumerate() {
        let jobs = stage.get_mut("scripts").and_then(Value::as_array_mut);
        for (j, job) in jobs.into_iter().flatten().enumerate() {
            let Some(sql) = job.get_mut("sql") else { continue };
            let Some(file) = sql.get("file").and_then(Value::as_str) else { continue };
            count += 1;
            match read(&folder.join(file)) {
                Ok(text) => *sql = Value::String(text),
                Err(why) => {
                    let place = format!("workflow_stages[{s}].scripts[{j}].sql.file");
                    let message = format!("{file:?} cannot be read: {why}");
                    let hint = format!("name a file below {}", folder.display());
                    problems.push(Problem::new(place, ProblemKind::Invalid, message).hint(hint));
                }
            }
        }
    }
    match Problems::try_from(problems) {
        Ok(problems) => Err(problems),
        Err(NoProblems) => Ok(count),
    }
}

fn read(path: &Path) -> Result<String, String> {
    let found = path.metadata().map_err(|error| error.to_string())?;
    if !found.is_file() {
        return Err("it is not a file".to_owned());
    }
    if found.len() > MOST_BYTES as u64 {
        return Err(format!("it has {} bytes; at most {MOST_BYTES} are allowed", found.len()));
    }
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    // Windows editors put a byte order mark first.
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_text_of_a_file_takes_its_place_and_every_missing_one_is_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.sql"), "\u{feff}select 1;").unwrap();
        let job = |file: &str| json!({ "job_name": "j", "sql": { "file": file } });
        let item = |files: &[&str]| {
            let jobs: Vec<Value> = files.iter().map(|file| job(file)).collect();
            json!({ "workflow_id": "w", "workflow_stages": [{ "scripts": ["a.sh"] }, { "scripts": jobs }] })
        };
        let mut whole = item(&["a.sql"]);
        put_in(&mut whole, dir.path()).unwrap();
        assert_eq!(whole["workflow_stages"][1]["scripts"][0]["sql"], "select 1;");
        let problems = put_in(&mut item(&["b.sql", "a.sql", "c.sql"]), dir.path()).unwrap_err();
        let places: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(
            places,
            ["workflow_stages[1].scripts[0].sql.file", "workflow_stages[1].scripts[2].sql.file"]
        );
    }
}
