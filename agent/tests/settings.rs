//! The agent reads every setting that a deployment may write.

use rsqlflow_agent::config::{AgentConfig, ConfigError};
use rsqlflow_core::{ProblemKind, env};

#[test]
fn every_setting_of_a_deployment_is_known() {
    // A table is of the wrong type for each of them; a field that the agent does not read is unknown.
    let kinds = |field: &str| -> Vec<ProblemKind> {
        match AgentConfig::parse(&format!("[{field}]\n"), |_| None) {
            Err(ConfigError::Invalid { problems, .. }) => problems.iter().map(|p| p.kind).collect(),
            Err(ConfigError::Unreadable { .. }) | Ok(_) => Vec::new(),
        }
    };
    for field in env::AGENT_SETTINGS {
        assert_eq!(kinds(field), [ProblemKind::WrongType], "{field}");
    }
    assert_eq!(kinds("settings_dir"), [ProblemKind::UnknownField]);
}
