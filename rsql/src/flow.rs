//! A script's control flow as a Mermaid chart: `rsql flow FILE`.
//! <https://mermaid.js.org/syntax/flowchart.html>

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::check::scripts;
use crate::lexer::token::tokens;
use crate::lexer::{ArgMode, NoInterpolation, Piece, SlashLexer, split};

/// How much of a statement a box shows.
const SHOWN: usize = 40;

/// An edge that has no end yet: from a node, with a word on it.
type Loose = (usize, &'static str);

#[derive(Default)]
struct Chart {
    nodes: Vec<String>,
    edges: Vec<String>,
    loose: Vec<Loose>,
    open: Vec<Open>,
    jumps: Vec<(String, Vec<Loose>)>,
    /// The box that further statements go into, and what it shows.
    group: Option<(usize, Vec<String>)>,
}

struct Open {
    condition: usize,
    has_else: bool,
    ends: Vec<Loose>,
}

/// The chart of all scripts in a file.
pub fn mermaid(name: &str, content: &str) -> String {
    let mut chart = Chart::default();
    for script in scripts(name, content) {
        chart.node("([\"start\"])");
        for piece in split(&script.text, false) {
            match piece {
                Piece::Sql { text, .. } => chart.sql(&text),
                Piece::Meta { text, .. } => chart.meta(&text),
                Piece::Data { .. } => {}
            }
        }
        chart.close_group();
        for (label, from) in std::mem::take(&mut chart.jumps) {
            chart.loose = from;
            chart.node(&format!("[/\"label {} is missing\"/]", escape(&label)));
            chart.loose.clear();
        }
        if !chart.loose.is_empty() {
            chart.node("([\"end: 0\"])");
        }
        chart.loose.clear();
        chart.open.clear();
    }
    let mut out = "flowchart TD\n".to_owned();
    for line in chart.nodes.iter().chain(&chart.edges) {
        out.push_str(&format!("  {line}\n"));
    }
    out
}

/// Characters that end a label have Mermaid's entities.
fn escape(text: &str) -> String {
    text.replace('#', "#35;").replace('"', "#quot;").replace('<', "#lt;").replace('>', "#gt;")
}

fn shorten(text: &str) -> String {
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if one_line.chars().count() <= SHOWN {
        return one_line;
    }
    one_line.chars().take(SHOWN).chain(['…']).collect()
}

impl Chart {
    /// Adds a node that all loose edges lead to.
    fn node(&mut self, shape: &str) -> usize {
        let id = self.nodes.len();
        self.nodes.push(format!("n{id}{shape}"));
        for (from, word) in std::mem::take(&mut self.loose) {
            let arrow = if word.is_empty() { "-->".to_owned() } else { format!("-->|{word}|") };
            self.edges.push(format!("n{from} {arrow} n{id}"));
        }
        self.loose = vec![(id, "")];
        id
    }

    fn sql(&mut self, text: &str) {
        let loud: String =
            tokens(text, false).iter().map(|t| if t.is_quiet() { " " } else { t.text.as_str() }).collect();
        if loud.trim().is_empty() {
            return;
        }
        self.step(shorten(loud.trim().trim_end_matches(';')));
    }

    /// Steps without a branch between them share a box.
    fn step(&mut self, text: String) {
        match &mut self.group {
            Some((_, lines)) => lines.push(text),
            None => {
                let id = self.node("");
                self.group = Some((id, vec![text]));
            }
        }
    }

    fn close_group(&mut self) {
        if let Some((id, lines)) = self.group.take() {
            let text = lines.iter().map(|l| escape(l)).collect::<Vec<_>>().join("<br>");
            self.nodes[id] = format!("n{id}[\"{text}\"]");
        }
    }

    fn meta(&mut self, text: &str) {
        let mut lexer = SlashLexer::new(text);
        let command = lexer.command().to_ascii_lowercase();
        let rest = lexer.rest().trim().to_owned();
        let first = lexer.arg(ArgMode::Normal, &mut NoInterpolation).ok().flatten().map(|a| a.value);
        let first = first.unwrap_or_default();
        let flow = ["if", "elif", "elseif", "else", "endif", "goto", "label", "exit", "quit", "q"];
        if !flow.contains(&command.as_str()) {
            // What only speaks or sets is not flow.
            if matches!(
                command.as_str(),
                "i" | "ir" | "include" | "run" | "copy" | "gset" | "!" | "os" | "export"
            ) {
                self.step(shorten(&format!("\\{command} {rest}")));
            }
            return;
        }
        self.close_group();
        match command.as_str() {
            "if" => {
                let condition = self.node(&format!("{{\"{}\"}}", escape(&shorten(&rest))));
                self.loose = vec![(condition, "yes")];
                self.open.push(Open { condition, has_else: false, ends: Vec::new() });
            }
            "elif" | "elseif" => {
                if let Some(mut open) = self.open.pop() {
                    open.ends.append(&mut self.loose);
                    self.loose = vec![(open.condition, "no")];
                    open.condition = self.node(&format!("{{\"{}\"}}", escape(&shorten(&rest))));
                    self.loose = vec![(open.condition, "yes")];
                    self.open.push(open);
                }
            }
            "else" => {
                if let Some(open) = self.open.last_mut() {
                    open.ends.append(&mut self.loose);
                    open.has_else = true;
                    self.loose = vec![(open.condition, "no")];
                }
            }
            "endif" => {
                if let Some(open) = self.open.pop() {
                    self.loose.extend(open.ends);
                    if !open.has_else {
                        self.loose.push((open.condition, "no"));
                    }
                }
            }
            "goto" => {
                let from = std::mem::take(&mut self.loose);
                self.jumps.push((first, from));
            }
            "label" => {
                let (here, others): (Vec<_>, Vec<_>) =
                    std::mem::take(&mut self.jumps).into_iter().partition(|(label, _)| *label == first);
                self.jumps = others;
                self.loose.extend(here.into_iter().flat_map(|(_, from)| from));
                self.node(&format!("[/\"{}\"/]", escape(&first)));
            }
            _ => {
                let status = if first.is_empty() { "0".to_owned() } else { escape(&first) };
                self.node(&format!("([\"exit {status}\"])"));
                self.loose.clear();
            }
        }
    }
}

/// `rsql flow FILE`.
pub(crate) fn run(file: &Path) -> ExitCode {
    match std::fs::read(file) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let chart = mermaid(&file.display().to_string(), &text);
            ExitCode::from(u8::from(io::stdout().lock().write_all(chart.as_bytes()).is_err()))
        }
        Err(e) => {
            let _ = writeln!(io::stderr(), "rsql: error: {}: {}", file.display(), crate::meta::reason(&e));
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart() {
        let text = "insert into t values (1);\n\\if :ERROR <> 0\n\\goto F\n\\endif\nselect 2;\nselect 3;\n\\exit 0\n\\label F\n\\exit 8\n";
        let expected = "flowchart TD\n  n0([\"start\"])\n  n1[\"insert into t values (1)\"]\n  n2{\":ERROR #lt;#gt; 0\"}\n  \
            n3[\"select 2<br>select 3\"]\n  n4([\"exit 0\"])\n  n5[/\"F\"/]\n  n6([\"exit 8\"])\n  n0 --> n1\n  n1 --> n2\n  \
            n2 -->|no| n3\n  n3 --> n4\n  n2 -->|yes| n5\n  n5 --> n6\n";
        assert_eq!(mermaid("x.sql", text), expected);
    }
}
