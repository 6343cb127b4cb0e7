//! `rsqlflow watch EXECUTION`

use crate::args::Watch;
use crate::failure::Failure;
use crate::input::signals::Signals;
use crate::output::Printer;
use crate::place::{Place, Purpose, execution_id};
use crate::runs::follow::follow;
use crate::runs::rows;

/// Follows a run to its end. A run that is over is only reported.
///
/// # Errors
/// Where the tables cannot be read, or there is no such run.
pub(crate) async fn watch(args: &Watch, printer: Printer) -> Result<u8, Failure> {
    let id = execution_id(&args.execution)?;
    let mut signals = Signals::listen()?;
    let place = Place::find(&args.place, Purpose::Look).await?;
    let row = place.store.workflows().get(&id).await?;
    let is_closed = row.ok_or_else(|| rows::no_such_run(&id))?.execution_status.is_closed();
    let end = if is_closed || !place.is_served_here() {
        follow(&place, &id, &mut signals, printer).await
    } else {
        Err(Failure::environment(anyhow::anyhow!("{id} cannot be followed"), rows::INTERRUPTED))
    };
    place.close().await;
    end
}
