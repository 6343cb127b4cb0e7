//! SIGINT, SIGTERM and SIGHUP: first the running statement is cancelled on the server, then we end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::connection::Canceller;

/// How long the server may take to confirm a cancel before we end regardless.
const PATIENCE: Duration = Duration::from_secs(5);

/// Starts the thread that waits for signals. A second signal ends the process at once.
///
/// # Errors
/// If handlers cannot be installed.
pub(super) fn install(canceller: Canceller, signalled: Arc<AtomicI32>) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            if signalled.swap(signal, Ordering::SeqCst) != 0 {
                leave(signal);
            }
            let key = canceller.get();
            thread::spawn(move || {
                if let Some(key) = key {
                    // If the server cannot be told, ending the process closes the session.
                    let _ = key.cancel();
                    thread::sleep(PATIENCE);
                }
                leave(signal);
            });
        }
    })?;
    Ok(())
}

#[expect(clippy::exit, reason = "the main thread is inside of a read that nothing else ends")]
fn leave(signal: i32) -> ! {
    std::process::exit(128 + signal)
}
