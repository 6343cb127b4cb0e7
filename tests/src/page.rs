//! Pages that show what a command said in a test.

use std::path::Path;

/// Holds a page to what a command said: the block of `console` in which `$ line` stands. `UPDATE_DOCS=1` writes it.
///
/// # Panics
/// Where the page has no such line, or shows something else.
pub fn shown(page: &str, line: &str, said: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(page);
    let text = std::fs::read_to_string(&path).expect("the page is there");
    let command = format!("$ {line}\n");
    let (before, rest) =
        text.split_once(&command).unwrap_or_else(|| panic!("docs/{page} has no line {command:?}"));
    let is_end = |line: &str| line.starts_with("```") || line.starts_with("$ ");
    let is: String = rest.lines().take_while(|line| !is_end(line)).map(|line| format!("{line}\n")).collect();
    let should: String = said.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let after = rest.get(is.len()..).unwrap_or_default();
        std::fs::write(&path, format!("{before}{command}{should}{after}")).expect("the page is written");
        return;
    }
    assert!(is == should, "docs/{page} does not show what `{line}` says, run with UPDATE_DOCS=1:\n{should}");
}
