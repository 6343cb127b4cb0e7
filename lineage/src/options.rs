//! What is known beside the text of a job.

use std::collections::BTreeMap;

/// Returns the text of an included file, or `None` if it cannot be found. The path is as written in the script.
pub type Include<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// What is known beside the text of a job.
#[derive(Default)]
pub struct Options<'a> {
    /// The schema of unqualified names where the script sets no `search_path`.
    pub default_schema: Option<String>,
    /// RSQL variables that the command line sets, and environment variables of the shell.
    pub variables: BTreeMap<String, String>,
    /// Values of `{{ name }}`.
    pub parameters: BTreeMap<String, String>,
    /// Positional arguments of a shell script: `$1` is the first.
    pub arguments: Vec<String>,
    /// Views that no job creates, with the tables behind them, as qualified lower-case names.
    pub views: BTreeMap<String, Vec<String>>,
    /// Bodies of procedures, by qualified or unqualified lower-case name.
    pub procedures: BTreeMap<String, String>,
    /// How to read included files. Without it, every include is a warning.
    pub include: Option<&'a Include<'a>>,
}
