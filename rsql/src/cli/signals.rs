//! SIGINT, SIGTERM and SIGHUP: first the running statement is cancelled on the server, then we end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::connection::Canceller;

/// How long the server may take to stop the statement before we end regardless. What a process leaves behind, the
/// server rolls back once it notices that nobody is there.
const PATIENCE: Duration = Duration::from_secs(5);

/// Between two cancel requests. The first may reach the server before the statement does, and then stops nothing.
const AGAIN: Duration = Duration::from_millis(200);

/// Starts the thread that waits for signals. A person who presses Ctrl-C twice is in a hurry, and the process ends at
/// once. A second SIGTERM changes nothing: who ends a process group and then what is left of it sends two.
///
/// # Errors
/// If handlers cannot be installed.
pub(super) fn install(canceller: Canceller, signalled: Arc<AtomicI32>) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            if signalled.swap(signal, Ordering::SeqCst) != 0 {
                if signal == SIGINT {
                    leave(signal);
                }
                continue;
            }
            let Some(key) = canceller.stop() else { leave(signal) };
            // A server that cannot be reached may keep this thread longer than we stay.
            thread::spawn(move || {
                loop {
                    let _ = key.cancel();
                    thread::sleep(AGAIN);
                }
            });
            // The main thread ends the process as soon as the server has answered.
            thread::spawn(move || {
                thread::sleep(PATIENCE);
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
