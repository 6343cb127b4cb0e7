//! Writes to the terminal: data to standard output, everything else to standard error.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use rsqlflow_core::WorkflowStatus;
use rsqlflow_core::protocol::JobStatus;

/// Version of the JSON documents. It is increased when a field changes its meaning or is removed.
pub(crate) const JSON_VERSION: u32 = 1;

/// Format of the data on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Text for people.
    Text,
    /// One JSON document.
    Json,
}

/// Whether data was lost because standard output could not be written.
static UNWRITABLE: AtomicBool = AtomicBool::new(false);

/// Whether all data of every printer was written.
pub(crate) fn all_written() -> bool {
    !UNWRITABLE.load(Ordering::Relaxed)
}

/// Writes output. Colours are used only on terminals, and never if `NO_COLOR` is set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    output: Output,
    quiet: bool,
}

impl Printer {
    /// `quiet` suppresses progress, but not data or errors.
    #[must_use]
    pub(crate) const fn new(output: Output, quiet: bool) -> Self {
        Self { output, quiet }
    }

    /// The same printer without progress.
    #[must_use]
    pub(crate) const fn silent(self) -> Self {
        Self { quiet: true, ..self }
    }

    /// Whether progress is suppressed.
    #[must_use]
    pub(crate) const fn is_quiet(self) -> bool {
        self.quiet
    }

    /// Whether data is JSON.
    #[must_use]
    pub(crate) const fn is_json(self) -> bool {
        matches!(self.output, Output::Json)
    }

    /// Writes data: text, unchanged.
    pub(crate) fn data(self, text: &str) {
        self.written(writeln!(anstream::stdout().lock(), "{text}"));
    }

    fn written(self, result: std::io::Result<()>) {
        if let Err(error) = result {
            // A reader that closed its end (`| head`) is not an error.
            let lost = error.kind() != std::io::ErrorKind::BrokenPipe;
            if lost && !UNWRITABLE.swap(true, Ordering::Relaxed) {
                self.notice(&format!("error: standard output cannot be written: {error}"));
            }
        }
    }

    /// Writes data: a line of a script's output. On a terminal, control characters are shown in a visible form, since they
    /// could set the title, write to the clipboard (OSC 52), or clear the screen. `raw` and pipes get the line unchanged.
    pub(crate) fn script_line(self, line: &str, raw: bool) {
        if !raw && std::io::stdout().is_terminal() {
            self.data(&visible(line));
        } else {
            self.written(writeln!(std::io::stdout().lock(), "{line}"));
        }
    }

    /// Writes data: one JSON document.
    pub(crate) fn json(self, value: &serde_json::Value) {
        self.data(&format!("{value:#}"));
    }

    /// Writes data that may be longer than the screen: on a terminal through the user's pager, as `git` does.
    pub(crate) fn page(self, text: &str) {
        let height = terminal_height();
        let is_long = height.is_some_and(|height| text.lines().count() >= height);
        if self.is_json() || !is_long || !through_pager(text) {
            self.data(text);
        }
    }

    /// Writes progress.
    pub(crate) fn progress(self, line: &str) {
        if !self.quiet {
            let _ = writeln!(anstream::stderr().lock(), "{line}");
        }
    }

    /// Writes data: one JSON document on one line, for a sequence of documents.
    pub(crate) fn json_line(self, value: &serde_json::Value) {
        self.data(&value.to_string());
    }

    /// Writes a question, without a line end.
    pub(crate) fn ask(self, question: &str) {
        let mut stderr = anstream::stderr().lock();
        let _ = write!(stderr, "{question}");
        let _ = stderr.flush();
    }

    /// Writes a message that is shown even with `--quiet`.
    pub(crate) fn notice(self, line: &str) {
        let _ = writeln!(anstream::stderr().lock(), "{line}");
    }
}

/// The same, where no printer is available.
pub(crate) fn remark(line: &str) {
    Printer::new(Output::Text, false).notice(line);
}

/// The text with each control character except tab as an escape sequence of Rust, such as `\u{1b}`.
#[must_use]
fn visible(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() && c != '\t' { c.escape_default().to_string() } else { c.to_string() })
        .collect()
}

/// Height in lines of the terminal on standard output, if it is one.
fn terminal_height() -> Option<usize> {
    let terminal = console::Term::stdout();
    let (height, _) = terminal.is_term().then(|| terminal.size_checked())??;
    Some(usize::from(height))
}

/// Shows text in `PAGER`, or `less`. `false` if there is none or the user switched it off (`PAGER=cat` or empty).
fn through_pager(text: &str) -> bool {
    let pager = std::env::var("PAGER").unwrap_or_else(|_| "less".to_owned());
    let mut words = pager.split_whitespace();
    let Some(program) = words.next().filter(|program| *program != "cat") else { return false };
    let mut command = std::process::Command::new(program);
    command.args(words).stdin(std::process::Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        // Quit if the text fits one screen, keep colours, keep the text on the screen.
        command.env("LESS", "FRX");
    }
    let Ok(mut child) = command.spawn() else { return false };
    if let Some(mut stdin) = child.stdin.take() {
        let plain = anstream::AutoStream::choice(&std::io::stdout()) == anstream::ColorChoice::Never;
        // A pager that is closed early stops reading. That is not an error.
        let _ = if plain {
            writeln!(stdin, "{}", anstream::adapter::strip_str(text))
        } else {
            writeln!(stdin, "{text}")
        };
    }
    child.wait().is_ok_and(|status| status.success())
}

/// The style of a job status: green is done, red needs attention, yellow was stopped on purpose.
#[must_use]
pub(crate) const fn job_style(status: JobStatus) -> Style {
    let colour = match status {
        JobStatus::Completed => AnsiColor::Green,
        JobStatus::Failed | JobStatus::TimedOut | JobStatus::Lost => AnsiColor::Red,
        JobStatus::Cancelled => AnsiColor::Yellow,
        JobStatus::Running => AnsiColor::Cyan,
        JobStatus::Pending | JobStatus::Triggered | JobStatus::Skipped => return Style::new(),
    };
    colour.on_default()
}

/// The style of a run status.
#[must_use]
pub(crate) const fn workflow_style(status: WorkflowStatus) -> Style {
    let colour = match status {
        WorkflowStatus::Completed => AnsiColor::Green,
        WorkflowStatus::Failed | WorkflowStatus::TimedOut => AnsiColor::Red,
        WorkflowStatus::Cancelled => AnsiColor::Yellow,
        WorkflowStatus::Running => AnsiColor::Cyan,
    };
    colour.on_default()
}

/// Text in a style.
#[must_use]
pub(crate) fn styled(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Text from a row, on one line and without control characters, so that a job's name or a script's output cannot move
/// the cursor.
#[must_use]
pub(crate) fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            // These change the direction of the text that follows, including the next columns (Unicode, UAX #9).
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// A number with its noun, such as `1 run` or `2 runs`.
#[must_use]
pub(crate) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// A duration in a readable form: `0.42 s`, `12.3 s`, `4 min 05 s`, `3 h 07 min`.
#[must_use]
pub(crate) fn duration(millis: i64) -> String {
    let millis = millis.max(0);
    let seconds = millis / 1_000;
    match seconds {
        0..10 => format!("{}.{:02} s", seconds, millis % 1_000 / 10),
        10..60 => format!("{}.{} s", seconds, millis % 1_000 / 100),
        60..3_600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        for (millis, text) in [
            (-5, "0.00 s"),
            (420, "0.42 s"),
            (12_345, "12.3 s"),
            (245_000, "4 min 05 s"),
            (11_245_000, "3 h 07 min"),
        ] {
            assert_eq!(duration(millis), text);
        }
    }

    #[test]
    fn a_name_cannot_move_the_cursor() {
        assert_eq!(one_line("a\u{1b}[2Jb\nc"), "a\u{fffd}[2Jb c");
    }

    #[test]
    fn a_script_cannot_write_to_the_clipboard_of_a_terminal() {
        let line = "a\tb \u{1b}]52;c;cm0gLXJm\u{7} \u{9b}2J é";
        assert_eq!(visible(line), "a\tb \\u{1b}]52;c;cm0gLXJm\\u{7} \\u{9b}2J é");
    }
}
