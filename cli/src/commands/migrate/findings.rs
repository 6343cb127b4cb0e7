//! The items that were found, and what happens to each.

use serde::Serialize;
use serde_json::json;

use crate::output::{JSON_VERSION, Printer, one_line};

/// At most this many items of one kind are listed in text output.
const MOST_LISTED: usize = 100;

/// What happens to a workflow or a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fate {
    /// It does not exist yet.
    Create,
    /// It exists and is equal.
    Unchanged,
    /// A different one exists and is replaced.
    Replace,
    /// A different one exists and is kept.
    Keep,
    /// It cannot be converted, or is not complete.
    LeftOut,
}

/// An item.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    pub(super) kind: &'static str,
    pub(super) id: String,
    pub(super) fate: Fate,
    pub(super) notes: Vec<String>,
}

/// All items.
pub(super) struct Findings {
    backend: String,
    all: Vec<Finding>,
    remarks: Vec<String>,
}

impl Findings {
    pub(super) fn new(backend: &str) -> Self {
        Self { backend: backend.to_owned(), all: Vec::new(), remarks: Vec::new() }
    }

    pub(super) fn add(&mut self, kind: &'static str, id: impl Into<String>, fate: Fate, notes: Vec<String>) {
        self.all.push(Finding { kind, id: id.into(), fate, notes });
    }

    /// A remark about no particular item.
    pub(super) fn remark(&mut self, text: impl Into<String>) {
        self.remarks.push(text.into());
    }

    /// Whether there is anything to write.
    pub(super) fn has_work(&self) -> bool {
        self.all.iter().any(|finding| matches!(finding.fate, Fate::Create | Fate::Replace))
    }

    /// Number of items that cannot be converted.
    pub(super) fn left_out(&self) -> Vec<&Finding> {
        self.all.iter().filter(|finding| finding.fate == Fate::LeftOut).collect()
    }

    pub(super) fn tell(&self, printer: Printer, applied: bool) {
        if printer.is_json() {
            printer.json(&json!({ "version": JSON_VERSION, "applied": applied, "found": self.all,
                "remarks": self.remarks }));
            return;
        }
        for remark in &self.remarks {
            printer.data(&one_line(remark));
        }
        let (create, replace) =
            if applied { ("created", "replaced") } else { ("would create", "would replace") };
        for (fate, word) in [
            (Fate::Create, create),
            (Fate::Replace, replace),
            (Fate::Unchanged, "exists already"),
            (Fate::Keep, "kept"),
            (Fate::LeftOut, "LEFT OUT"),
        ] {
            self.print_items(printer, fate, word);
        }
        let count = |fate: Fate| self.all.iter().filter(|finding| finding.fate == fate).count();
        printer.data(&format!(
            "on {}: {} {create}, {} {replace}, {} exist already, {} kept, {} left out",
            self.backend,
            count(Fate::Create),
            count(Fate::Replace),
            count(Fate::Unchanged),
            count(Fate::Keep),
            count(Fate::LeftOut)
        ));
    }

    /// Items that need attention are all listed.
    fn print_items(&self, printer: Printer, fate: Fate, word: &str) {
        let mut quiet = 0;
        for (n, finding) in self.all.iter().filter(|finding| finding.fate == fate).enumerate() {
            if n >= MOST_LISTED && finding.notes.is_empty() {
                quiet += 1;
                continue;
            }
            printer.data(&format!("{word}  {}  {}", finding.kind, one_line(&finding.id)));
            for line in finding.notes.iter().flat_map(|note| note.lines()) {
                printer.data(&format!("    {}", one_line(line)));
            }
        }
        if quiet > 0 {
            printer.data(&format!("{word}  {quiet} more"));
        }
    }
}
