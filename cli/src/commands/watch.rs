//! `rsqlflow watch EXECUTION`

use crate::args::Watch;
use crate::backend::{Backend, Purpose, execution_id};
use crate::failure::Failure;
use crate::input::signals::Signals;
use crate::output::Printer;
use crate::runs::follow::follow;
use crate::runs::rows;

/// Follows a run until it ends. A run that has ended is only reported.
///
/// # Errors
/// The tables cannot be read, or the run does not exist.
pub(crate) async fn watch(args: &Watch, printer: Printer) -> Result<u8, Failure> {
    let id = execution_id(&args.execution)?;
    let mut signals = Signals::listen()?;
    let backend = Backend::find(&args.backend, Purpose::Read).await?;
    let row = backend.store.workflows().get(&id).await?;
    let is_closed = row.ok_or_else(|| rows::no_such_run(&id))?.execution_status.is_closed();
    let end = if is_closed || !backend.is_served_here() {
        follow(&backend, &id, &mut signals, printer).await
    } else {
        Err(Failure::environment(anyhow::anyhow!("{id} cannot be followed"), rows::INTERRUPTED))
    };
    backend.close().await;
    end
}
