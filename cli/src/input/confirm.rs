//! Confirmation of a change: by `--yes`, by an answer on the terminal, or missing.

use std::io::IsTerminal;

use crate::args::Consent;
use crate::failure::Failure;
use crate::output::Printer;

/// Whether a terminal is available for a question.
#[must_use]
pub(crate) fn can_ask(printer: Printer) -> bool {
    !printer.is_json() && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks `question`, such as "Cancel run-1?", unless `--yes` was given.
///
/// # Errors
/// The answer is no, or there is no terminal.
pub(crate) async fn agree(consent: Consent, printer: Printer, question: &str) -> Result<(), Failure> {
    if consent.yes {
        return Ok(());
    }
    if !can_ask(printer) {
        return Err(Failure::input(format!("confirmation required: {question}"), "add `--yes` to confirm"));
    }
    printer.ask(&format!("{question} [y/N] "));
    let answer = answer().await;
    if matches!(answer.trim(), "y" | "Y" | "yes" | "Yes") {
        return Ok(());
    }
    Err(Failure::Input { message: "not confirmed: nothing was changed".to_owned(), hint: None })
}

/// Reads a line from the terminal. It runs on a separate thread that is not joined: Ctrl-C must not have to wait for a
/// line.
pub(crate) async fn answer() -> String {
    let (send, receive) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = std::io::stdin().read_line(&mut line);
        let _ = send.send(line);
    });
    receive.await.unwrap_or_default()
}
