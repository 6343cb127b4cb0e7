//! What was found, and what becomes of it.

use serde::Serialize;
use serde_json::json;

use crate::output::{JSON_VERSION, Printer, one_line};

/// More of one kind than this are only counted for people.
const MOST_LISTED: usize = 100;

/// What becomes of a workflow or a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Fate {
    /// It is not there yet.
    Create,
    /// It is there, the same.
    Unchanged,
    /// Ours is another one, and is to be replaced.
    Replace,
    /// Ours is another one, and stays.
    Keep,
    /// It is not understood, or not complete.
    LeftOut,
}

/// One of them.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    pub(super) kind: &'static str,
    pub(super) id: String,
    pub(super) fate: Fate,
    pub(super) notes: Vec<String>,
}

/// All of them.
pub(super) struct Findings {
    place: String,
    all: Vec<Finding>,
    remarks: Vec<String>,
}

impl Findings {
    pub(super) fn new(place: &str) -> Self {
        Self { place: place.to_owned(), all: Vec::new(), remarks: Vec::new() }
    }

    pub(super) fn add(&mut self, kind: &'static str, id: impl Into<String>, fate: Fate, notes: Vec<String>) {
        self.all.push(Finding { kind, id: id.into(), fate, notes });
    }

    /// About no row.
    pub(super) fn remark(&mut self, text: impl Into<String>) {
        self.remarks.push(text.into());
    }

    /// Whether anything is to be written.
    pub(super) fn has_work(&self) -> bool {
        self.all.iter().any(|finding| matches!(finding.fate, Fate::Create | Fate::Replace))
    }

    /// What was not understood.
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
            (Fate::Unchanged, "there already"),
            (Fate::Keep, "kept ours"),
            (Fate::LeftOut, "LEFT OUT"),
        ] {
            self.tell_of(printer, fate, word);
        }
        let count = |fate: Fate| self.all.iter().filter(|finding| finding.fate == fate).count();
        printer.data(&format!(
            "on {}: {} {create}, {} {replace}, {} there already, {} kept, {} left out",
            self.place,
            count(Fate::Create),
            count(Fate::Replace),
            count(Fate::Unchanged),
            count(Fate::Keep),
            count(Fate::LeftOut)
        ));
    }

    /// What needs somebody is listed whole.
    fn tell_of(&self, printer: Printer, fate: Fate, word: &str) {
        let mut quiet = 0;
        for (n, finding) in self.all.iter().filter(|finding| finding.fate == fate).enumerate() {
            if n >= MOST_LISTED && finding.notes.is_empty() {
                quiet += 1;
                continue;
            }
            printer.data(&format!("{word}  {}  {}", finding.kind, one_line(&finding.id)));
            for note in &finding.notes {
                printer.data(&format!("    {}", one_line(note)));
            }
        }
        if quiet > 0 {
            printer.data(&format!("{word}  {quiet} more"));
        }
    }
}
