//! Where in a file the scripts are.

/// A script in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Script {
    /// Its text.
    pub(crate) text: String,
    /// How many lines of the file stand before it.
    pub(crate) offset: usize,
    /// Variables that the command line sets.
    pub(crate) given: Vec<String>,
}

/// Whether a file is a shell's script.
pub(super) fn is_shell(name: &str, content: &str) -> bool {
    name.ends_with(".sh") || content.starts_with("#!")
}

/// The scripts of a file: here-documents that are fed to rsql if it is a shell script, else the whole.
pub(crate) fn scripts(name: &str, content: &str) -> Vec<Script> {
    if !is_shell(name, content) {
        return vec![Script { text: content.to_owned(), offset: 0, given: Vec::new() }];
    }
    let lines: Vec<&str> = content.split_inclusive('\n').collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        // A command may go on over lines that end in a backslash.
        let mut command = lines[at].trim_end().to_owned();
        while command.ends_with('\\') && at + 1 < lines.len() {
            at += 1;
            command.pop();
            command.push_str(lines[at].trim_end());
        }
        at += 1;
        let Some((delimiter, strip, quoted)) = here_document(&command) else { continue };
        let start = at;
        let ends = |line: &str| {
            let line = line.trim_end_matches(['\n', '\r']);
            if strip { line.trim_start_matches('\t') == delimiter } else { line == delimiter }
        };
        while at < lines.len() && !ends(lines[at]) {
            at += 1;
        }
        if runs_rsql(&command) {
            let body = lines[start..at].concat();
            // Without quotes around the delimiter, the shell takes one of two backslashes.
            let text = if quoted { body } else { body.replace("\\\\", "\\") };
            found.push(Script { text, offset: start, given: given(&command) });
        }
        at += 1;
    }
    found
}

fn words(command: &str) -> impl Iterator<Item = &str> {
    command
        .split(|c: char| c.is_whitespace() || matches!(c, ';' | '|' | '&' | '(' | ')'))
        .filter(|w| !w.is_empty())
}

fn runs_rsql(command: &str) -> bool {
    words(command)
        .any(|w| w.rsplit('/').next() == Some("rsql") || w.trim_matches(['"', '\'']).ends_with("/rsql"))
}

/// Delimiter, whether tabs are stripped, whether it is quoted.
fn here_document(command: &str) -> Option<(String, bool, bool)> {
    let code = command.trim_start();
    if code.starts_with('#') {
        return None;
    }
    let at = code.find("<<")?;
    let rest = &code[at + 2..];
    if rest.starts_with('<') {
        return None;
    }
    let (rest, strip) = rest.strip_prefix('-').map_or((rest, false), |r| (r, true));
    let word: String =
        rest.trim_start().chars().take_while(|c| !c.is_whitespace() && !";|&>)".contains(*c)).collect();
    let quoted = word.contains(['"', '\'', '\\']);
    let delimiter = word.replace(['"', '\'', '\\'], "");
    (!delimiter.is_empty()).then_some((delimiter, strip, quoted))
}

/// Names behind -v on a command line.
fn given(command: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut all = words(command).peekable();
    while let Some(word) = all.next() {
        let assignment = match word {
            "-v" | "--set" | "--variable" => all.peek().copied(),
            _ => ["--set=", "--variable=", "-v"].iter().find_map(|p| word.strip_prefix(p)),
        };
        if let Some((name, _)) = assignment.and_then(|a| a.split_once('=')) {
            names.push(name.trim_matches(['"', '\'']).to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn here_documents() {
        let text = "#!/bin/bash\nsource x\ncat << EOF\nnot ours\nEOF\nrsql -h $H \\\n  -v A=1 -vB=2 << 'END'\n\\echo\nEND\necho $?\n";
        let found = scripts("x.sh", text);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].text.as_str(), found[0].offset), ("\\echo\n", 7));
        assert_eq!(found[0].given, ["A", "B"]);
        assert_eq!(scripts("x.sql", "select 1;").len(), 1);
    }
}
