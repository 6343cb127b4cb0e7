//! RSQL in shell scripts: here-documents, `-c` and `-f` of `rsql` and `psql`.
//!
//! Only as much of the shell is read as is needed to find these: words and quotes, here-documents, assignments of
//! plain values, and the expansion of variables. Commands are not run, so what a command substitution or an unknown
//! variable stands for is marked, and becomes a warning where it is part of a table's name.

use std::collections::BTreeMap;

use crate::name::{UNSET, mark};

/// What a shell script gives to `rsql`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Feed {
    pub(crate) what: Fed,
    /// Line of its first byte, from 1.
    pub(crate) line: usize,
    /// Variables that the command line sets.
    pub(crate) variables: BTreeMap<String, String>,
}

/// How the script is given.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fed {
    Text(String),
    File(String),
}

struct Word {
    text: String,
    line: usize,
}

struct HereDocument {
    text: String,
    line: usize,
}

/// All that a shell script gives to `rsql` or `psql`, in order.
pub(crate) fn feeds(script: &str, variables: &BTreeMap<String, String>, arguments: &[String]) -> Vec<Feed> {
    let mut variables = variables.clone();
    for (number, argument) in (1..).zip(arguments) {
        variables.insert(number.to_string(), argument.clone());
    }
    let mut reader = Reader { rest: script, line: 1, variables };
    let mut found = Vec::new();
    while let Some((words, documents)) = reader.command() {
        let mut words = words.as_slice();
        while let Some((name, value)) = words.first().and_then(|word| assignment(&word.text)) {
            reader.variables.insert(name.to_owned(), value.to_owned());
            words = &words[1..];
        }
        let command = words.first().map_or("", |word| word.text.as_str());
        if matches!(command, "export" | "readonly" | "local" | "declare" | "typeset") {
            for (name, value) in words.iter().filter_map(|word| assignment(&word.text)) {
                reader.variables.insert(name.to_owned(), value.to_owned());
            }
        }
        let client = words.iter().position(|word| {
            let name = word.text.rsplit('/').next().unwrap_or_default();
            matches!(name, "rsql" | "psql") || word.text.ends_with("RSQL") || word.text == mark(UNSET, "RSQL")
        });
        if let Some(client) = client {
            found.extend(of_client(words.get(client + 1..).unwrap_or_default(), documents));
        }
    }
    found
}

fn of_client(words: &[Word], documents: Vec<HereDocument>) -> Vec<Feed> {
    let mut variables = BTreeMap::new();
    let mut given = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        let long = |names: &[&str]| names.iter().find_map(|name| text.strip_prefix(name)?.strip_prefix('='));
        let mut value = |short: &str, names: &[&str]| -> Option<(String, usize)> {
            if text == short || names.contains(&text) {
                return words.next().map(|next| (next.text.clone(), next.line));
            }
            long(names)
                .or_else(|| text.strip_prefix(short).filter(|_| !text.starts_with("--")))
                .map(|rest| (rest.to_owned(), word.line))
        };
        if let Some((text, line)) = value("-c", &["--command"]) {
            given.push((Fed::Text(text), line));
        } else if let Some((path, line)) = value("-f", &["--file"]) {
            given.push((Fed::File(path), line));
        } else if let Some((pair, _)) = value("-v", &["--set", "--variable"])
            && let Some((name, value)) = pair.split_once('=')
        {
            variables.insert(name.to_owned(), value.to_owned());
        }
    }
    given.extend(documents.into_iter().map(|document| (Fed::Text(document.text), document.line)));
    given.into_iter().map(|(what, line)| Feed { what, line, variables: variables.clone() }).collect()
}

fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let first = name.bytes().next()?;
    let is_name = !first.is_ascii_digit() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_name.then_some((name, value))
}

struct Reader<'s> {
    rest: &'s str,
    line: usize,
    variables: BTreeMap<String, String>,
}

impl Reader<'_> {
    fn take(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        self.rest = chars.as_str();
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// The words of the next command, with its here-documents; `None` at the end of the script.
    fn command(&mut self) -> Option<(Vec<Word>, Vec<HereDocument>)> {
        let mut words = Vec::new();
        // Delimiter, whether leading tabs are stripped, whether variables are expanded.
        let mut pending: Vec<(String, bool, bool)> = Vec::new();
        loop {
            match self.peek() {
                None => return (!words.is_empty()).then_some((words, Vec::new())),
                Some('\n') => {
                    self.take();
                    if !pending.is_empty() {
                        let documents =
                            pending.into_iter().map(|(d, s, e)| self.document(&d, s, e)).collect();
                        return Some((words, documents));
                    }
                    if !words.is_empty() {
                        return Some((words, Vec::new()));
                    }
                }
                Some('#') => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.take();
                    }
                }
                // A pipe or a group goes on with the same line, where a here-document may be announced.
                Some(';' | '&' | '|' | '(' | ')') => {
                    let c = self.take();
                    if matches!(c, Some(';' | '&')) && pending.is_empty() && !words.is_empty() {
                        return Some((words, Vec::new()));
                    }
                }
                Some('<') if self.rest.starts_with("<<<") => {
                    self.rest = self.rest.get(3..).unwrap_or_default();
                    self.blanks();
                    let line = self.line;
                    let (text, _) = self.word();
                    // A here-string.
                    words.push(Word { text: format!("-c{text}"), line });
                }
                Some('<') if self.rest.starts_with("<<") => {
                    self.rest = self.rest.get(2..).unwrap_or_default();
                    let strip = self.rest.starts_with('-');
                    if strip {
                        self.take();
                    }
                    self.blanks();
                    let (delimiter, quoted) = self.delimiter();
                    pending.push((delimiter, strip, !quoted));
                }
                Some('<' | '>') => {
                    self.take();
                }
                Some(c) if c.is_whitespace() => {
                    self.take();
                }
                Some('\\') if self.rest.starts_with("\\\n") => {
                    self.take();
                    self.take();
                }
                Some(_) => {
                    let line = self.line;
                    let (text, _) = self.word();
                    words.push(Word { text, line });
                }
            }
        }
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|c| c == ' ' || c == '\t') {
            self.take();
        }
    }

    /// A word, expanded. Whether a part of it was quoted.
    fn word(&mut self) -> (String, bool) {
        let mut out = String::new();
        let mut quoted = false;
        while let Some(c) = self.peek() {
            match c {
                '\'' => {
                    quoted = true;
                    self.take();
                    while let Some(c) = self.take().filter(|c| *c != '\'') {
                        out.push(c);
                    }
                }
                '"' => {
                    quoted = true;
                    self.take();
                    self.until_quote(&mut out);
                }
                '\\' => {
                    self.take();
                    out.extend(self.take().filter(|c| *c != '\n'));
                }
                '$' | '`' => self.expansion(&mut out),
                _ if c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(' | ')' | '<' | '>') => break,
                _ => out.extend(self.take()),
            }
        }
        (out, quoted)
    }

    fn until_quote(&mut self, out: &mut String) {
        while let Some(c) = self.peek() {
            match c {
                '"' => {
                    self.take();
                    return;
                }
                '\\' => {
                    self.take();
                    match self.peek() {
                        Some('"' | '\\' | '$' | '`') => out.extend(self.take()),
                        Some('\n') => {
                            self.take();
                        }
                        _ => out.push('\\'),
                    }
                }
                '$' | '`' => self.expansion(out),
                _ => out.extend(self.take()),
            }
        }
    }

    /// `$name`, `${name}`, `${name:-default}`, `$(command)` or a command in backticks.
    fn expansion(&mut self, out: &mut String) {
        if self.take() == Some('`') {
            let mut command = String::new();
            while let Some(c) = self.take().filter(|c| *c != '`') {
                command.push(c);
            }
            return out.push_str(&mark(UNSET, "`…`"));
        }
        match self.peek() {
            Some('(') => {
                let mut depth = 0u32;
                while let Some(c) = self.take() {
                    match c {
                        '(' => depth += 1,
                        ')' => depth -= 1,
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
                out.push_str(&mark(UNSET, "$(…)"));
            }
            Some('{') => {
                self.take();
                let mut inner = String::new();
                while let Some(c) = self.take().filter(|c| *c != '}') {
                    inner.push(c);
                }
                let end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inner.len());
                let (name, operator) = inner.split_at(end);
                let fallback = operator.strip_prefix(":-").or_else(|| operator.strip_prefix('-'));
                match self.variables.get(name).map(String::as_str).or(fallback) {
                    Some(value) if operator.is_empty() || fallback.is_some() => out.push_str(value),
                    // `${name%suffix}` and the like are not computed.
                    _ => out.push_str(&mark(UNSET, name)),
                }
            }
            Some(c) if c.is_ascii_alphanumeric() || c == '_' => {
                let mut name = String::new();
                while let Some(c) = self.peek().filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    name.push(c);
                    self.take();
                    if name.len() == 1 && c.is_ascii_digit() {
                        break;
                    }
                }
                match self.variables.get(&name) {
                    Some(value) => out.push_str(value),
                    None => out.push_str(&mark(UNSET, &name)),
                }
            }
            // `$?`, `$$`, `$#`, `$@`: never a part of a name.
            Some(c @ ('?' | '$' | '#' | '@' | '*' | '!')) => {
                self.take();
                out.push_str(&mark(UNSET, &c.to_string()));
            }
            _ => out.push('$'),
        }
    }

    /// The delimiter of a here-document, which is never expanded, and whether it is quoted.
    fn delimiter(&mut self) -> (String, bool) {
        let mut out = String::new();
        let mut quoted = false;
        while let Some(c) = self.peek() {
            if c.is_whitespace() || matches!(c, ';' | '&' | '|' | ')' | '<' | '>') {
                break;
            }
            self.take();
            if matches!(c, '\'' | '"' | '\\') {
                quoted = true;
            } else {
                out.push(c);
            }
        }
        (out, quoted)
    }

    fn document(&mut self, delimiter: &str, strip: bool, expand: bool) -> HereDocument {
        let line = self.line;
        let mut text = String::new();
        while !self.rest.is_empty() {
            let end = self.rest.find('\n').map_or(self.rest.len(), |at| at + 1);
            let (full, rest) = self.rest.split_at(end);
            self.rest = rest;
            self.line += 1;
            let full = if strip { full.trim_start_matches('\t') } else { full };
            if full.trim_end_matches(['\n', '\r']) == delimiter {
                break;
            }
            text.push_str(full);
        }
        if expand {
            text = self.expand(&text);
        }
        HereDocument { text, line }
    }

    /// Expands variables in the text of a here-document whose delimiter is not quoted.
    fn expand(&self, text: &str) -> String {
        let mut inner = Reader { rest: text, line: 0, variables: self.variables.clone() };
        let mut out = String::new();
        while let Some(c) = inner.peek() {
            match c {
                '\\' => {
                    inner.take();
                    match inner.peek() {
                        Some('\\' | '$' | '`') => out.extend(inner.take()),
                        Some('\n') => {
                            inner.take();
                        }
                        _ => out.push('\\'),
                    }
                }
                // `$tag$` and `$1` of a procedure's body would be expanded too: that is what the shell does.
                '$' | '`' => inner.expansion(&mut out),
                _ => out.extend(inner.take()),
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(script: &str) -> Vec<(String, usize)> {
        feeds(script, &BTreeMap::new(), &["first".to_owned()])
            .into_iter()
            .map(|feed| match feed.what {
                Fed::Text(text) => (text, feed.line),
                Fed::File(path) => (format!("file {path}"), feed.line),
            })
            .collect()
    }

    #[test]
    fn here_documents_are_expanded_unless_quoted() {
        let script = "#!/bin/bash\nS=stage\nrsql -h \"$H\" << EOF\nselect $S.a, ${T:-t}, $1, \\$x;\nEOF\nrsql <<'EOF'\n$S\nEOF\n";
        assert_eq!(
            texts(script),
            [("select stage.a, t, first, $x;\n".to_owned(), 4), ("$S\n".to_owned(), 7)]
        );
    }

    #[test]
    fn commands_and_files() {
        let script = "rsql -D dsn -c \"select 1\" \\\n  -f 'a b.sql'\npsql --command='x' --file=y.sql; echo -c no\nrsql <<< 'z'";
        let found: Vec<String> = texts(script).into_iter().map(|(text, _)| text).collect();
        assert_eq!(found, ["select 1", "file a b.sql", "x", "file y.sql", "z"]);
    }

    #[test]
    fn other_documents_and_comments_are_passed_over() {
        let script = "cat <<X\nrsql -c 'no'\nX\n# rsql -c 'no'\nif rsql -c yes; then :; fi\n";
        assert_eq!(texts(script), [("yes".to_owned(), 5)]);
    }

    #[test]
    fn what_is_not_known_is_marked() {
        let found = texts("rsql -c \"select * from $UNKNOWN.t, `cmd`, $(cmd (a))\"");
        assert_eq!(found[0].0.matches(UNSET.0).count(), 3);
    }
}
