//! Leave to change or end something: given beforehand, asked for on a terminal, or refused.

use std::io::IsTerminal;

use crate::args::Consent;
use crate::failure::Failure;
use crate::output::Printer;

/// Whether there is somebody to ask.
#[must_use]
pub(crate) fn can_ask(printer: Printer) -> bool {
    !printer.is_json() && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks `question`, such as "Cancel run-1?", unless the command line answers it.
///
/// # Errors
/// Where the answer is no, or nobody can be asked.
pub(crate) async fn agree(consent: Consent, printer: Printer, question: &str) -> Result<(), Failure> {
    if consent.yes {
        return Ok(());
    }
    if !can_ask(printer) {
        return Err(Failure::input(
            format!("not done, because nobody could be asked: {question}"),
            "add --yes if that is what you want",
        ));
    }
    printer.ask(&format!("{question} [y/N] "));
    let answer = answer().await;
    if matches!(answer.trim(), "y" | "Y" | "yes" | "Yes") {
        return Ok(());
    }
    Err(Failure::Input { message: "nothing was done".to_owned(), hint: None })
}

/// A line from the terminal. On a thread of its own, which nobody waits for at the end: a Ctrl-C must not have to
/// wait for a line.
pub(crate) async fn answer() -> String {
    let (send, receive) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = std::io::stdin().read_line(&mut line);
        let _ = send.send(line);
    });
    receive.await.unwrap_or_default()
}
