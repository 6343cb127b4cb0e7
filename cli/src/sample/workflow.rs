//! Converts an item of the sample's config table.

use rsqlflow_core::config::Workflow;
use rsqlflow_core::{Timing, WorkflowId};
use serde_json::Value;

use super::Row;

/// A converted item.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Converted {
    /// Its key.
    pub id: WorkflowId,
    /// The item.
    pub item: Value,
    /// The parsed item, for the positions of jobs.
    pub workflow: Workflow,
}

/// The sample's items have the same form, but the sample ignores the case of flags.
///
/// # Errors
/// Every problem, in one string.
pub(crate) fn convert(row: &Row, timing: &Timing) -> Result<Converted, String> {
    let mut item = Value::Object(row.clone());
    let stages = item.get_mut("workflow_stages").and_then(Value::as_array_mut);
    for stage in stages.into_iter().flatten() {
        if let Some(Value::String(flag)) = stage.get_mut("execution_flag") {
            // The sample leaves out stages with any other flag than `y`.
            *flag = if flag.eq_ignore_ascii_case("y") { "y" } else { "n" }.to_owned();
        }
    }
    let workflow = Workflow::from_json(&item, timing).map_err(|problems| problems.to_string())?;
    Ok(Converted { id: workflow.workflow_id.clone(), item, workflow })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(value: &Value) -> Row {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn an_item_is_taken_as_it_is_but_for_the_case_of_flags() {
        let stages = |flag: &str| {
            json!([{ "stage_description": "s", "execution_flag": flag, "execution_type": "parallel",
                "scripts": ["a.sh", "b.sh"] }])
        };
        let item = |flag| json!({ "workflow_id": "w", "workflow_description": "d", "workflow_stages": stages(flag) });
        for (given, kept) in [("y", "y"), ("Y", "y"), ("N", "n"), ("no", "n")] {
            let converted = convert(&row(&item(given)), &Timing::default()).unwrap();
            assert_eq!((converted.id.as_str(), converted.item), ("w", item(kept)));
        }
    }

    #[test]
    fn what_is_wrong_is_told_all_at_once() {
        let broken = json!({ "workflow_id": "w", "workflow_stages": [
            { "execution_flag": "y", "execution_type": "paralel", "scripts": ["../a.sh"] }] });
        let told = convert(&row(&broken), &Timing::default()).unwrap_err();
        assert!(told.contains("execution_type") && told.contains("scripts[0]"), "{told}");
    }
}
