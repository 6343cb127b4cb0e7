//! The agent's settings: a TOML file, and environment variables that take precedence over it.
//!
//! - [`settings`]: the settings and their defaults.
//! - [`reader`]: reading them so that every problem is reported at once.
//! - [`env_vars`]: every environment variable that the agent reads.

pub mod env_vars;
mod reader;
mod settings;

pub use reader::ConfigError;
pub use settings::{AgentConfig, DEFAULT_FILE, LogLevel};
